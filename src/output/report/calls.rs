//! Calls and dialogs told in full: facts, findings, ladder, ICE, media and messages.

use std::collections::HashSet;
use std::io::{self, Write};

use super::Page;
use super::frames::message_id;
use super::lists::dialog_title;
use super::plan::id_of;
use crate::capture::{FrameRef, Nanos};
use crate::correlate::{CallIdx, DialogIdx, MsgIdx, Owner, flag};
use crate::diagnose::{Subject, call_verdict};
use crate::output::ladder::svg::{self, Place, arrow_id};
use crate::output::secrets;
use crate::view::ladder::{self, Ladder, LadderOptions, LadderRow, message_label_of};
use crate::view::lists::{ListKind, severity_words};
use crate::view::rows::{self, Lines};
use crate::view::{detail, show};

/// What is told of a call and of a dialog beside its verdict, where it is known.
const CALL_FACTS: [&str; 25] = [
    "kind",
    "state",
    "status",
    "reason",
    "diagnostics",
    "start",
    "answered",
    "end",
    "setup",
    "ring",
    "talk",
    "ended_by",
    "from_uri",
    "to_uri",
    "caller_agent",
    "callee_agent",
    "src",
    "dst",
    "transport",
    "media",
    "mos",
    "ice",
    "legs",
    "retransmissions",
    "call_id",
];
const DIALOG_FACTS: [&str; 14] = [
    "state",
    "status",
    "reason",
    "diagnostics",
    "start",
    "end",
    "event",
    "from_uri",
    "to_uri",
    "src",
    "dst",
    "transport",
    "retransmissions",
    "call_id",
];

impl Page<'_, '_> {
    pub(super) fn calls(&mut self) -> io::Result<()> {
        for call in self.plan.full_calls.clone() {
            self.call(call)?;
        }
        Ok(())
    }

    pub(super) fn dialogs(&mut self) -> io::Result<()> {
        for dialog in self.plan.full_dialogs.clone() {
            self.dialog(dialog)?;
        }
        Ok(())
    }

    fn call(&mut self, call: CallIdx) -> io::Result<()> {
        let lists = self.lists.clone();
        let [from, to] = show::call_party_names(self.analysis, call);
        let title = format!("Call {}: {from} → {to}", u64::from(call.0) + 1);
        let id = id_of(Subject::Call(call));
        self.html.open("section", &[("class", "full"), ("id", &id)])?;
        self.html.leaf("h2", &[], &title)?;
        self.back("calls", "All calls")?;
        let words = call_verdict(self.analysis, lists.diagnosis(), call);
        self.html.leaf("p", &[("class", "verdict")], &format!("{}.", capital(&words)))?;
        self.found(Subject::Call(call))?;
        let lines = rows::call_lines_of(self.analysis, &self.query(&CALL_FACTS), vec![call]);
        self.facts(&lines)?;
        let ladder = self.own_ladder(Owner::Call(call));
        let command = format!("callscope ladder FILE --call {} --format svg", u64::from(call.0) + 1);
        self.html.leaf("h3", &[], "Ladder")?;
        let drawn = self.ladder(&id, &ladder, &command)?;
        self.ice_of(call)?;
        self.media_of(call)?;
        self.html.leaf("h3", &[], "Messages")?;
        self.messages(Owner::Call(call), &id, &drawn, ladder.start)?;
        self.html.close()
    }

    fn dialog(&mut self, dialog: DialogIdx) -> io::Result<()> {
        let id = id_of(Subject::Dialog(dialog));
        self.html.open("section", &[("class", "full"), ("id", &id)])?;
        self.html.leaf("h2", &[], &dialog_title(self.analysis, dialog))?;
        self.back("dialogs", "All other dialogs")?;
        self.found(Subject::Dialog(dialog))?;
        let lines = rows::dialog_lines_of(self.analysis, &self.query(&DIALOG_FACTS), vec![dialog]);
        self.facts(&lines)?;
        let ladder = self.own_ladder(Owner::Dialog(dialog));
        let command = format!("callscope ladder FILE --dialog {} --format svg", u64::from(dialog.0) + 1);
        self.html.leaf("h3", &[], "Ladder")?;
        let drawn = self.ladder(&id, &ladder, &command)?;
        self.html.leaf("h3", &[], "Messages")?;
        self.messages(Owner::Dialog(dialog), &id, &drawn, ladder.start)?;
        self.html.close()
    }

    fn back(&mut self, to: &str, words: &str) -> io::Result<()> {
        self.html.open("p", &[("class", "back")])?;
        self.html.link(Some(to), words)?;
        self.html.close()
    }

    fn own_ladder(&self, owner: Owner) -> Ladder {
        let lists = self.lists.clone();
        let mut drawn = ladder::build_with(self.analysis, &lists, &[owner], LadderOptions::default());
        let rows = drawn.rows.len();
        ladder::tell(&mut drawn, self.analysis, &[owner], lists.diagnosis());
        // The verdict stands above it already.
        drawn.rows.drain(..drawn.rows.len().saturating_sub(rows));
        drawn
    }

    /// The findings that touch something.
    fn found(&mut self, subject: Subject) -> io::Result<()> {
        let diagnosis = self.lists.diagnosis().clone();
        let found: Vec<usize> = diagnosis.of(subject).collect();
        if found.is_empty() {
            return Ok(());
        }
        self.html.open("ul", &[("class", "found")])?;
        for at in found {
            let Some(f) = diagnosis.findings.get(at) else { continue };
            self.html.open("li", &[("class", f.severity.name())])?;
            self.html.leaf("span", &[("class", "severity")], &severity_words(f.severity))?;
            self.html.text(" ")?;
            let there = self.plan.findings.contains(&at).then(|| format!("finding-{}", at + 1));
            self.html.link(there.as_deref(), &format!("Finding {}", at + 1))?;
            self.html.text(&format!(": {}", f.title))?;
            self.html.close()?;
        }
        self.html.close()
    }

    fn facts<I: Copy>(&mut self, lines: &Lines<'_, I>) -> io::Result<()> {
        let Some(cells) = lines.line(0) else { return Ok(()) };
        self.html.open("dl", &[("class", "facts")])?;
        for (column, cell) in lines.columns.iter().zip(cells) {
            if matches!(cell.as_str(), "" | "–" | "0") {
                continue;
            }
            self.html.open("div", &[])?;
            self.html.leaf("dt", &[], &column.title)?;
            self.html.leaf("dd", &[], &cell)?;
            self.html.close()?;
        }
        self.html.close()
    }

    /// Draws a ladder whose arrows lead to what they carry; gives the frames that have one.
    pub(super) fn ladder(
        &mut self,
        id: &str,
        whole: &Ladder,
        command: &str,
    ) -> io::Result<HashSet<FrameRef>> {
        if !self.has_room() {
            self.no_room("Ladder")?;
            return Ok(HashSet::new());
        }
        let most = self.analysis.limits.report_messages;
        let cut = (whole.rows.len() > most).then(|| {
            let mut part = whole.clone();
            part.rows.truncate(most);
            part
        });
        let region = [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Ladder")];
        self.html.open("figure", &region)?;
        let (analysis, plan, frames) = (self.analysis, &self.plan, &mut self.frames);
        let mut to = |frame: FrameRef, message: Option<MsgIdx>| frames.place(analysis, plan, frame, message);
        let mut place = Place { id, to: &mut to };
        let ladder = cut.as_ref().unwrap_or(whole);
        let drawn = svg::inside(&mut self.html, ladder, self.options.flow_time, &mut place)?;
        self.html.close()?;
        if cut.is_some() {
            let text = format!(
                "{} of {} rows are drawn (limit report_messages): {command} draws all.",
                show::number(most as u64),
                show::number(whole.rows.len() as u64)
            );
            self.html.leaf("p", &[("class", "left-out")], &text)?;
        }
        Ok(drawn)
    }

    fn media_of(&mut self, call: CallIdx) -> io::Result<()> {
        let lists = self.lists.clone();
        let streams = (0u32..).zip(lists.media().streams.iter()).filter(|(_, s)| s.call == Some(call));
        let rows: Vec<u32> = streams.map(|(row, _)| row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.html.leaf("h3", &[], "Media")?;
        let told: Vec<u32> =
            rows.iter().copied().filter(|row| self.plan.is_full_row(ListKind::Media, *row)).collect();
        for row in &told {
            self.row(ListKind::Media, *row, 4)?;
        }
        self.told_in_part(told.len(), rows.len(), "streams", "callscope media FILE --row N")
    }

    /// The messages of a call or dialog, each folded.
    pub(super) fn messages(
        &mut self,
        owner: Owner,
        id: &str,
        drawn: &HashSet<FrameRef>,
        start: Nanos,
    ) -> io::Result<()> {
        let list = self.analysis.list_of(owner);
        let mut told = 0u64;
        for m in self.analysis.messages_of(list) {
            if self.plan.is_written(m) {
                told += 1;
                let back = Some(arrow_id(id, self.analysis.message(m).frame));
                let drawn = drawn.contains(&self.analysis.message(m).frame);
                self.message(m, back.filter(|_| drawn), start)?;
            }
        }
        let all = u64::from(list.count);
        if told < all {
            let text = format!(
                "{} of {} messages are here (limit report_messages): callscope decode FILE --frame N shows another one.",
                show::number(told),
                show::number(all)
            );
            self.html.leaf("p", &[("class", "left-out")], &text)?;
        }
        Ok(())
    }

    fn message(&mut self, m: MsgIdx, back: Option<String>, start: Nanos) -> io::Result<()> {
        let record = self.analysis.message(m);
        let flow = self.analysis.flow(record.flow);
        let bytes = self.analysis.message_bytes(m);
        let label = match &bytes {
            Ok(bytes) => message_label_of(self.analysis, m, bytes),
            Err(_) => ladder::message_label(self.analysis, m),
        };
        let name = detail::frame_name(self.analysis, record.frame);
        let machine = |a| {
            show::machine(self.analysis, a).map_or_else(String::new, |n| format!("{n} ")) + &show::address(a)
        };
        let proves = self.plan.proved_by(record.frame).to_vec();
        self.html.open("details", &[("class", "message")])?;
        self.html.open("summary", &[])?;
        let time = show::time(record.time, self.options.flow_time, start, start);
        self.html.leaf("span", &[("class", "time")], &time)?;
        self.html.text(" ")?;
        self.html.leaf("b", &[], &label)?;
        let again = [
            (flag::RETRANSMISSION, ", sent again"),
            (flag::DUPLICATE, ", captured twice"),
            (flag::CUT, ", cut"),
        ];
        let again: String =
            again.iter().filter(|(bit, _)| record.has(*bit)).map(|(_, words)| *words).collect();
        let way = format!(
            "  {} → {} {}, frame {name}{again}",
            machine(flow.src),
            machine(flow.dst),
            flow.transport.name()
        );
        self.html.leaf("span", &[("class", "meta")], &way)?;
        if let Some(f) =
            proves.iter().filter_map(|i| self.lists.diagnosis().findings.get(*i)).max_by_key(|f| f.severity)
        {
            let words = format!(" {}", severity_words(f.severity));
            self.html.leaf("span", &[("class", &format!("severity {}", f.severity.name()))], &words)?;
        }
        self.html.close()?;
        self.html.open("div", &[("class", "body"), ("id", &message_id(self.analysis, m))])?;
        self.proves(&proves)?;
        self.html.open("p", &[("class", "meta")])?;
        self.html.text(&show::date_time(record.time, self.options.time))?;
        if let Some(back) = &back {
            self.html.text(" · ")?;
            self.html.link(Some(back), "in the ladder")?;
        }
        self.html.close()?;
        match bytes {
            _ if !self.has_room() => self.no_room("Text")?,
            Err(e) => {
                self.paragraph(&format!("It cannot be read again: {}", show::safe_str(&e.to_string())))?
            }
            Ok(bytes) => {
                self.html.open("pre", &[("tabindex", "0")])?;
                for line in secrets::message_lines(&bytes, self.options.show_secrets) {
                    self.html.text(&line)?;
                    self.html.write_all(b"\n")?;
                }
                self.html.close()?;
            }
        }
        self.html.close()?;
        self.html.close()
    }
}

/// Its first letter large.
pub(super) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The ladder's rows that were drawn as arrows, for text that names them.
pub(super) fn has_arrows(ladder: &Ladder) -> bool {
    ladder.rows.iter().any(|row| matches!(row, LadderRow::Arrow { .. } | LadderRow::Fold { .. }))
}
