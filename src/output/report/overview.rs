//! The top of a report: what happened, what went wrong and what to do, what the captures hold.

use std::io::{self, Write};

use super::plan::{LISTS, row_id};
use super::tables::{Dress, table};
use super::{Page, Scope};
use crate::capture::FrameRef;
use crate::diagnose::{Confidence, Severity, Subject};
use crate::output::summary;
use crate::view::lists::severity_words;
use crate::view::overview::{Activity, overview, verdict};
use crate::view::show::{self, TimeMode};
use crate::view::{detail, table as view_table};

/// Parts of the activity lines.
const SLICES: usize = 60;
/// Issues of a capture told one by one.
const ISSUES: usize = 20;
/// Subjects and frames that a finding names.
const NAMED: usize = 16;

impl Page<'_, '_> {
    pub(super) fn header(&mut self, title: &str, scope: &Scope<'_>) -> io::Result<()> {
        self.html.open("header", &[])?;
        let files: Vec<String> = self
            .analysis
            .captures
            .iter()
            .take(4)
            .map(|c| show::safe_str(c.info.path.rsplit('/').next().unwrap_or_default()))
            .collect();
        let more = self.analysis.captures.len().saturating_sub(files.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let name = format!("callscope report · {}{more}", files.join(", "));
        self.html.leaf("p", &[("class", "meta")], &name)?;
        self.html.leaf("h1", &[], title)?;
        if !matches!(scope, Scope::All) {
            let whole = verdict(self.analysis, self.lists.diagnosis());
            let what =
                if matches!(scope, Scope::Filter(_)) { "what matches a filter" } else { "what was chosen" };
            self.paragraph(&format!("This report is of {what} only. All of the capture: {whole}"))?;
        }
        let diagnosis = self.lists.diagnosis().clone();
        let count = |severity| {
            let all = self.plan.findings.iter().filter_map(|i| diagnosis.findings.get(*i));
            all.filter(|f| f.severity == severity).count()
        };
        let counts = Severity::ALL.map(|s| (s, count(s)));
        self.html.open("p", &[("class", "counts")])?;
        if counts.iter().all(|(_, n)| *n == 0) {
            self.html.text("Nothing wrong was found.")?;
        }
        for (severity, n) in counts.into_iter().filter(|(_, n)| *n > 0) {
            let words = match severity {
                Severity::Error => ("error", "errors"),
                Severity::Warning => ("warning", "warnings"),
                Severity::Info => ("remark", "remarks"),
            };
            let text = format!("{} {}", severity.sign(), show::count(n as u64, words.0, words.1));
            self.html.leaf("span", &[("class", &format!("badge {}", severity.name()))], &text)?;
            self.html.text(" ")?;
        }
        self.html.close()?;
        let zone = match self.options.time {
            TimeMode::Local => "Times are those of the machine that wrote the report.",
            TimeMode::Utc => "Times are UTC.",
            TimeMode::Relative => "Times count from the start.",
            TimeMode::Delta => "Times count from the row before.",
        };
        let secrets = match self.options.show_secrets {
            true => "Passwords and keys are shown: mind whom you give this to.",
            false => "Passwords and keys are blanked.",
        };
        self.html.leaf("p", &[("class", "meta")], &format!("{zone} {secrets}"))?;
        self.html.close()
    }

    pub(super) fn navigation(&mut self) -> io::Result<()> {
        let mut entries: Vec<(String, &str, usize)> = vec![
            ("findings".into(), "Findings", self.plan.findings.len()),
            ("overview".into(), "Overview", 0),
            ("calls".into(), "Calls", self.plan.calls.len()),
            ("ice".into(), "ICE", self.plan.sessions.len()),
            ("relays".into(), "Relays", self.plan.allocations.len()),
        ];
        for kind in LISTS {
            entries.push((kind.name().to_owned(), super::lists::heading(kind), self.plan.rows(kind).len()));
        }
        entries.push(("dialogs".into(), "Other dialogs", self.plan.dialogs.len()));
        self.html.open("nav", &[("aria-label", "Contents")])?;
        self.html.open("ul", &[])?;
        for (id, words, n) in entries.into_iter().filter(|(_, words, n)| *n > 0 || *words == "Overview") {
            self.html.open("li", &[])?;
            self.html.link(Some(&id), words)?;
            if n > 0 {
                self.html.text(&format!(" {}", show::number(n as u64)))?;
            }
            self.html.close()?;
        }
        self.html.close()?;
        self.html.close()
    }

    /// All findings of the report, the worst first.
    pub(super) fn findings(&mut self) -> io::Result<()> {
        let diagnosis = self.lists.diagnosis().clone();
        self.html.open("section", &[("id", "findings")])?;
        self.html.leaf("h2", &[], "Findings")?;
        if self.plan.findings.is_empty() {
            self.paragraph("No rule found anything wrong.")?;
        }
        for at in self.plan.findings.clone() {
            self.finding(at)?;
        }
        if diagnosis.not_kept > 0 {
            let text =
                format!("{} more kinds of findings are not kept (limit findings).", diagnosis.not_kept);
            self.html.leaf("p", &[("class", "left-out")], &text)?;
        }
        self.html.close()
    }

    fn finding(&mut self, at: usize) -> io::Result<()> {
        let diagnosis = self.lists.diagnosis().clone();
        let Some(f) = diagnosis.findings.get(at) else { return Ok(()) };
        let class = format!("finding {}", f.severity.name());
        self.html.open("article", &[("class", &class), ("id", &format!("finding-{}", at + 1))])?;
        self.html.open("h3", &[])?;
        self.html.leaf("span", &[("class", "severity")], &severity_words(f.severity))?;
        self.html.text(&format!(" {}. {}", at + 1, f.title))?;
        self.html.close()?;
        if !f.detail.is_empty() {
            self.paragraph(&super::calls::capital(&f.detail.join(" ")))?;
        }
        if !f.advice.is_empty() {
            self.html.open("p", &[("class", "advice")])?;
            self.html.leaf("b", &[], "Check next: ")?;
            self.html.text(&f.advice.join(" "))?;
            self.html.close()?;
        }
        self.html.open("dl", &[("class", "meta")])?;
        let about: Vec<Subject> = f.subjects.iter().chain(&f.concerns).copied().collect();
        self.html.leaf("dt", &[], "About")?;
        self.html.open("dd", &[])?;
        for (i, subject) in about.iter().take(NAMED).enumerate() {
            if i > 0 {
                self.html.text(", ")?;
            }
            self.html.link(self.plan.place(*subject).as_deref(), &subject.words())?;
        }
        let more = f.count.saturating_sub(f.subjects.len() as u64)
            + (about.len() as u64).saturating_sub(NAMED as u64);
        if more > 0 {
            self.html.text(&format!(" and {} more", show::number(more)))?;
        }
        self.html.close()?;
        self.html.leaf("dt", &[], "Frames")?;
        self.html.open("dd", &[])?;
        for (i, e) in f.evidence.iter().enumerate() {
            if i > 0 {
                self.html.text(" · ")?;
            }
            let place = self.place_of_frame(e.frame, e.message);
            self.html.link(place.as_deref(), &detail::frame_name(self.analysis, e.frame))?;
            self.html.text(&format!(" {}", e.text))?;
        }
        if f.evidence_not_kept > 0 {
            self.html.text(&format!(" and {} more", show::number(f.evidence_not_kept)))?;
        }
        self.html.close()?;
        let cause = f.explained_by.and_then(|i| Some((i, diagnosis.findings.get(i)?)));
        for (word, (i, other)) in cause
            .map(|c| ("It came of", c))
            .into_iter()
            .chain(diagnosis.consequences(at).take(4).map(|c| ("It led to", c)))
        {
            self.html.leaf("dt", &[], word)?;
            self.html.open("dd", &[])?;
            let there = self.plan.findings.contains(&i).then(|| format!("finding-{}", i + 1));
            self.html.link(there.as_deref(), &format!("finding {}", i + 1))?;
            self.html.text(&format!(": {}", other.title))?;
            self.html.close()?;
        }
        self.html.leaf("dt", &[], "Rule")?;
        self.html.open("dd", &[])?;
        self.html.leaf("code", &[], f.rule.id)?;
        let sure = match &f.confidence {
            Confidence::High => "confidence high".to_owned(),
            Confidence::Partial(why) => format!("confidence partial: {why}"),
        };
        self.html.text(&format!(" {}; {sure}. Source: {}", f.rule.title, f.rule.source))?;
        self.html.close()?;
        self.html.close()?;
        self.html.close()
    }

    /// What the captures hold.
    pub(super) fn overview(&mut self) -> io::Result<()> {
        let lists = self.lists.clone();
        let whole = overview(self.analysis, &lists, SLICES);
        self.html.open("section", &[("id", "overview")])?;
        self.html.leaf("h2", &[], "Overview")?;
        self.captures()?;
        if !whole.accounting.is_empty() {
            self.paragraph(&format!("Every frame is accounted for. {}.", whole.accounting))?;
        }
        if self.analysis.captures.len() > 1 {
            self.accounting()?;
        }
        self.issues()?;
        self.activity(&whole.activity)?;
        if !whole.machines.is_empty() {
            self.html.leaf("h3", &[], "Machines")?;
            self.paragraph(&whole.machines.join(" · "))?;
        }
        if !whole.notes.is_empty() {
            self.html.leaf("h3", &[], "Remarks")?;
            self.html.open("ul", &[])?;
            for (text, frame, _) in &whole.notes {
                self.html.open("li", &[])?;
                self.html.text(text)?;
                self.frame_behind(*frame)?;
                self.html.close()?;
            }
            self.html.close()?;
        }
        let absent: Vec<&str> = LISTS
            .into_iter()
            .filter(|kind| self.plan.rows(*kind).is_empty())
            .map(|kind| kind.words().1)
            .chain(self.plan.calls.is_empty().then_some("calls"))
            .chain(self.plan.allocations.is_empty().then_some("relay allocations"))
            .collect();
        if !absent.is_empty() {
            self.html.leaf(
                "p",
                &[("class", "meta")],
                &format!("Not in this report: {}.", absent.join(", ")),
            )?;
        }
        self.html.close()
    }

    /// ` (frame 212)`.
    fn frame_behind(&mut self, frame: Option<FrameRef>) -> io::Result<()> {
        let Some(frame) = frame else { return Ok(()) };
        self.html.text(" (frame ")?;
        let place = self.place_of_frame(frame, None);
        self.html.link(place.as_deref(), &detail::frame_name(self.analysis, frame))?;
        self.html.text(")")
    }

    fn captures(&mut self) -> io::Result<()> {
        let all = summary::capture_table(self.analysis, self.options.time, self.most_rows());
        let id = |i: usize| Some(row_id(&format!("capture-{i}")));
        table(&mut self.html, "Captures", &all, id, |_, _, _| Dress::default())?;
        self.rows_left_out(
            all.rows.len(),
            self.analysis.captures.len(),
            "callscope summary --format csv -o FOLDER/",
        )
    }

    /// What became of the frames of each of several captures.
    fn accounting(&mut self) -> io::Result<()> {
        let whole = summary::captures(self.analysis);
        let counts = |key: &str| !matches!(key, "path" | "format" | "first" | "last" | "bytes");
        let tells = |i: usize| whole.rows.iter().any(|r| r.get(i).is_some_and(|cell| cell != "0"));
        let kept: Vec<usize> = (0..whole.columns.len())
            .filter(|i| tells(*i) && whole.columns.get(*i).is_some_and(|c| counts(&c.key)))
            .collect();
        let columns = kept.iter().filter_map(|i| whole.columns.get(*i)).map(|c| {
            let title = c.key.replace('_', " ");
            view_table::Column { title, align: view_table::Align::Right, ..c.clone() }
        });
        let cells = |r: &Vec<String>| kept.iter().map(|i| r.get(*i).cloned().unwrap_or_default()).collect();
        let rows = whole.rows.iter().take(self.most_rows()).map(cells).collect();
        let told = view_table::Table { columns: columns.collect(), rows };
        table(&mut self.html, "Frames of each capture", &told, |_| None, |_, _, _| Dress::default())
    }

    /// Damage and limits that were hit.
    fn issues(&mut self) -> io::Result<()> {
        let captures: Vec<_> =
            self.analysis.captures.iter().enumerate().filter(|(_, c)| !c.issues.is_empty()).collect();
        let most = self.most_rows();
        for (i, capture) in captures.into_iter().take(most) {
            let n = capture.issues.len() as u64 + capture.issues_not_kept;
            let title = match self.analysis.captures.len() {
                1 => "What is wrong with the capture".to_owned(),
                _ => format!("What is wrong with capture {i}"),
            };
            self.html.leaf("h3", &[], &title)?;
            self.html.open("ul", &[])?;
            for issue in capture.issues.iter().take(ISSUES) {
                self.html.open("li", &[])?;
                self.html.leaf("code", &[], issue.code)?;
                let at = issue.frame.map_or_else(String::new, |f| format!(", frame {f}"));
                let text =
                    format!(" {} (offset {}{at})", show::safe_str(&issue.text), show::number(issue.offset));
                self.html.text(&text)?;
                self.html.close()?;
            }
            if n > ISSUES as u64 {
                let more = format!(
                    "{} more: callscope summary --format json has them",
                    show::number(n - ISSUES as u64)
                );
                self.html.leaf("li", &[("class", "left-out")], &more)?;
            }
            self.html.close()?;
        }
        Ok(())
    }

    /// Bars over the time of the captures.
    fn activity(&mut self, lines: &[Activity]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.html.leaf("h3", &[], "Activity")?;
        let region = [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Activity")];
        self.html.open("div", &region)?;
        self.html.open("table", &[("class", "activity")])?;
        self.html.open("tbody", &[])?;
        for line in lines {
            self.html.open("tr", &[])?;
            self.html.leaf("th", &[("scope", "row")], line.label)?;
            self.html.open("td", &[])?;
            let label = format!("{} over time", line.label);
            bars(&mut self.html, &label, &line.counts)?;
            self.html.close()?;
            self.html.leaf("td", &[("class", "number")], &show::number(line.total))?;
            self.html.leaf("td", &[], line.text.trim())?;
            self.html.close()?;
        }
        for _ in 0..3 {
            self.html.close()?;
        }
        Ok(())
    }

    /// A table of `rows` beyond which it is cut, without columns that tell nothing.
    pub(super) fn cut(
        columns: Vec<view_table::Column>,
        rows: impl Iterator<Item = Vec<String>>,
        most: usize,
    ) -> view_table::Table {
        view_table::Table { columns, rows: rows.take(most).collect() }.without(|c| matches!(c, "" | "–"))
    }
}

fn bars(out: &mut dyn Write, label: &str, counts: &[u64]) -> io::Result<()> {
    const HEIGHT: u128 = 24;
    let most = u128::from(counts.iter().copied().max().unwrap_or(0).max(1));
    let width = counts.len() * 4;
    write!(
        out,
        "<svg class=\"bars\" width=\"{width}\" height=\"{HEIGHT}\" viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        crate::output::markup::escape(label)
    )?;
    for (i, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
        let high = (u128::from(n) * HEIGHT).div_ceil(most);
        write!(out, "<rect x=\"{}\" y=\"{}\" width=\"3\" height=\"{high}\"/>", i * 4, HEIGHT - high)?;
    }
    write!(out, "</svg>")
}
