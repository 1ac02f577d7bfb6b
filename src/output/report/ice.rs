//! ICE and TURN in a report: the tables, candidates and pair boards of a call, rounds and peers of an allocation.

use std::io;

use super::Page;
use super::plan::{id_of, row_id};
use super::tables::{Dress, table};
use crate::correlate::CallIdx;
use crate::correlate::ice::{IceSession, PairState, Sources};
use crate::diagnose::{Severity, Subject};
use crate::view::allocation::{self, AllocationDetail};
use crate::view::ice::{self, Board, SessionRef};
use crate::view::show;

/// Calls beyond which it is not worked out which of them have a candidate of an allocation.
const CALLS: usize = 2_000;
/// Cells of a board beyond which rows and columns without any check are left out.
const WHOLE_BOARD: usize = 300;

fn class_of(state: PairState) -> &'static str {
    match state {
        PairState::Succeeded => "good",
        PairState::Failed => "bad",
        PairState::Unanswered => "bad unanswered",
        PairState::NotChecked => "",
    }
}

impl Page<'_, '_> {
    pub(super) fn sessions(&mut self) -> io::Result<()> {
        let all = self.plan.sessions.clone();
        if all.is_empty() {
            return Ok(());
        }
        self.html.open("section", &[("id", "ice")])?;
        let title = format!("ICE: {}", show::count(all.len() as u64, "session", "sessions"));
        self.html.leaf("h2", &[], &title)?;
        let lines = ice::session_lines_of(self.analysis, &self.query(&[]), all.clone());
        let shown = Self::cut(lines.columns.clone(), lines.iter(), self.most_rows());
        let id = |i: usize| all.get(i).map(|s| row_id(&id_of(Subject::IceSession(s.id))));
        let plan = &self.plan;
        let dress = |i: usize, key: &str, cell: &str| {
            let of = all.get(i);
            match key {
                "id" => Dress::to(
                    of.and_then(|s| plan.place(Subject::IceSession(s.id))).filter(|p| !p.starts_with("row-")),
                ),
                "call" => Dress::to(of.and_then(|s| s.call()).and_then(|c| plan.place(Subject::Call(c)))),
                "state" => Dress { class: state_class(cell), ..Dress::default() },
                _ => Dress::default(),
            }
        };
        table(&mut self.html, "ICE sessions", &shown, id, dress)?;
        self.rows_left_out(shown.rows.len(), all.len(), "callscope candidates FILE --table sessions")?;
        // Those of no call have no other place.
        let loose: Vec<SessionRef> = all.iter().copied().filter(|s| s.call().is_none()).collect();
        let most = self.analysis.limits.report_calls;
        for of in loose.iter().take(most) {
            self.session(*of, 3)?;
        }
        self.told_in_part(
            loose.len().min(most),
            loose.len(),
            "sessions without a call",
            "callscope candidates FILE --session N",
        )?;
        self.html.close()
    }

    /// The sessions of a call.
    pub(super) fn ice_of(&mut self, call: CallIdx) -> io::Result<()> {
        let refs = ice::session_refs_of(&self.plan.index, call);
        if refs.is_empty() {
            return Ok(());
        }
        self.html.leaf("h3", &[], "ICE")?;
        let most = self.analysis.limits.report_calls;
        for of in refs.iter().take(most) {
            self.session(*of, 4)?;
        }
        self.told_in_part(refs.len().min(most), refs.len(), "sessions", "callscope candidates FILE --call N")
    }

    fn session(&mut self, of: SessionRef, level: u8) -> io::Result<()> {
        let Some(s) = ice::session(self.analysis, of) else { return Ok(()) };
        self.html.open("div", &[("class", "session"), ("id", &id_of(Subject::IceSession(of.id)))])?;
        let heading = super::lists::heading_of(level);
        let title = format!("Session {}  {}", of.id, ice::title(self.analysis, &s));
        self.html.leaf(heading, &[], &title)?;
        if !self.has_room() {
            self.no_room("Candidates and pairs")?;
            return self.html.close();
        }
        let mut why = ice::why(self.analysis, &s);
        why.extend(ice::relay_credentials(self.analysis, &self.lists, &s));
        if !why.is_empty() {
            self.html.open("ul", &[])?;
            for sentence in &why {
                self.html.leaf("li", &[], sentence)?;
            }
            self.html.close()?;
        }
        for board in ice::boards(self.analysis, &s) {
            self.board(&board)?;
        }
        self.candidates(&s)?;
        self.html.close()
    }

    fn candidates(&mut self, s: &IceSession) -> io::Result<()> {
        let analysis = self.analysis;
        let sources = self.sources.get_or_init(|| Sources::new(analysis));
        let most = analysis.limits.report_rows;
        for is_a in [true, false] {
            for side in ice::side_table(analysis, sources, s, is_a) {
                let ufrag =
                    if side.ufrag.is_empty() { String::new() } else { format!(", ufrag {}", side.ufrag) };
                let title = format!("{}{ufrag}", side.title);
                if side.rows.is_empty() {
                    if s.call.is_some() {
                        self.html.leaf("p", &[], &title)?;
                    }
                    continue;
                }
                self.html.open("details", &[("class", "row")])?;
                self.html.leaf("summary", &[], &title)?;
                self.html.open("div", &[("class", "body")])?;
                let mut shown = side.table().without_empty();
                shown.rows.truncate(most);
                let dress = |i: usize, key: &str, _: &str| {
                    let row = side.rows.get(i);
                    let class = match row {
                        Some(r) if key == "chosen" && r.chosen => "good",
                        Some(r) if key == "remarks" && !r.issues.is_empty() => "bad",
                        _ => "",
                    };
                    Dress { class, ..Dress::default() }
                };
                table(&mut self.html, &title, &shown, |_| None, dress)?;
                if side.not_kept > 0 {
                    let text = format!("{} more (limit ice_candidates)", side.not_kept);
                    self.html.leaf("p", &[("class", "left-out")], &text)?;
                }
                self.html.close()?;
                self.html.close()?;
            }
        }
        Ok(())
    }

    fn board(&mut self, whole: &Board) -> io::Result<()> {
        let label = whole.sentence();
        let large = whole.rows.len() * whole.columns.len() > WHOLE_BOARD;
        let board = if large { whole.checked() } else { whole.clone() };
        self.html.leaf("p", &[("class", "caption")], &label)?;
        if board.rows.is_empty() || board.columns.is_empty() {
            return Ok(());
        }
        let region =
            [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", label.as_str())];
        self.html.open("div", &region)?;
        self.html.open("table", &[("class", "board")])?;
        self.html.open("thead", &[])?;
        self.html.open("tr", &[])?;
        let shown = board.table();
        for column in &shown.columns {
            self.html.leaf("th", &[("scope", "col")], &column.title)?;
        }
        self.html.close()?;
        self.html.close()?;
        self.html.open("tbody", &[])?;
        for (end, cells) in board.rows.iter().zip(&board.cells) {
            self.html.open("tr", &[])?;
            self.html.leaf("th", &[("scope", "row")], &end.words())?;
            for cell in cells {
                let class = match (cell.chosen, cell.state) {
                    (true, _) => "chosen",
                    (false, state) => state.map_or("", class_of),
                };
                let class: &[_] = if class.is_empty() { &[] } else { &[("class", class)] };
                self.html.leaf("td", class, &cell.words())?;
            }
            self.html.close()?;
        }
        for _ in 0..3 {
            self.html.close()?;
        }
        let (a, b) = board.left_out;
        if a + b > 0 {
            let text = format!("{a} more of {} and {b} more of {}, without a check", board.a, board.b);
            self.html.leaf("p", &[("class", "left-out")], &text)?;
        }
        Ok(())
    }

    pub(super) fn allocations(&mut self) -> io::Result<()> {
        let all = self.plan.allocations.clone();
        if all.is_empty() {
            return Ok(());
        }
        self.html.open("section", &[("id", "relays")])?;
        let title = format!("Relays (TURN): {}", show::count(all.len() as u64, "allocation", "allocations"));
        self.html.leaf("h2", &[], &title)?;
        let mut query = self.query(&[]);
        if self.analysis.calls.len() > CALLS {
            let keys = allocation::allocation_columns().iter().take(allocation::ALLOCATION_DEFAULT_COLUMNS);
            query.columns = keys.map(|(k, ..)| (*k).to_owned()).filter(|k| k != "calls").collect();
        }
        let lines = allocation::allocation_lines_of(self.analysis, &query, all.clone());
        let shown = Self::cut(lines.columns.clone(), lines.iter(), self.most_rows());
        let id = |i: usize| all.get(i).map(|a| row_id(&id_of(Subject::Allocation(*a))));
        let (plan, diagnosis, analysis) = (&self.plan, self.lists.diagnosis(), self.analysis);
        let dress = |i: usize, key: &str, _: &str| {
            let Some(a) = all.get(i) else { return Dress::default() };
            let full = plan.full_allocations.binary_search(a).is_ok().then(|| id_of(Subject::Allocation(*a)));
            let bad = diagnosis.worst_of(Subject::Allocation(*a)).is_some_and(|s| s > Severity::Info);
            let failed =
                analysis.stun.allocations.get(a.0 as usize).is_some_and(|a| allocation::failed(analysis, a));
            match key {
                "id" => Dress::to(full),
                "outcome" if bad || failed => Dress { class: "bad", ..Dress::default() },
                _ => Dress::default(),
            }
        };
        table(&mut self.html, "Relay allocations", &shown, id, dress)?;
        self.rows_left_out(shown.rows.len(), all.len(), "callscope allocations FILE")?;
        let full = self.plan.full_allocations.clone();
        self.told_in_part(full.len(), all.len(), "allocations", "callscope allocations FILE --allocation N")?;
        for index in full {
            if let Some(told) = allocation::allocation_detail(self.analysis, &self.lists, index, &[]) {
                self.allocation(&told, &id_of(Subject::Allocation(index)))?;
            }
        }
        self.html.close()
    }

    fn allocation(&mut self, told: &AllocationDetail, id: &str) -> io::Result<()> {
        self.html.open("details", &[("class", "row")])?;
        self.html.open("summary", &[])?;
        self.html.leaf("h3", &[], &told.title)?;
        self.html.close()?;
        self.html.open("div", &[("class", "body"), ("id", id)])?;
        self.paragraph(&told.outcome)?;
        if !self.has_room() {
            self.no_room("Rounds and peers")?;
            self.html.close()?;
            return self.html.close();
        }
        self.html.open("dl", &[("class", "facts")])?;
        for (label, value) in &told.facts {
            self.html.open("div", &[])?;
            self.html.leaf("dt", &[], label)?;
            self.html.leaf("dd", &[], value)?;
            self.html.close()?;
        }
        self.html.close()?;
        let most = self.most_rows();
        let mut rounds = told.round_table();
        rounds.rows.truncate(most);
        let places: Vec<[Option<String>; 2]> = told
            .rounds
            .iter()
            .take(most)
            .map(|r| [r.request, r.response].map(|f| f.and_then(|f| self.place_of_frame(f, None))))
            .collect();
        let dress = |i: usize, key: &str, _: &str| {
            let place = |n: usize| places.get(i).and_then(|p| p.get(n)).cloned().flatten();
            match key {
                "request" => Dress::to(place(0)),
                "response" => Dress::to(place(1)),
                "answered" if told.rounds.get(i).is_some_and(|r| r.bad) => {
                    Dress { class: "bad", ..Dress::default() }
                }
                _ => Dress::default(),
            }
        };
        table(&mut self.html, "Rounds", &rounds, |_| None, dress)?;
        if told.rounds_not_kept > 0 {
            let text = format!("{} more rounds", show::number(u64::from(told.rounds_not_kept)));
            self.html.leaf("p", &[("class", "left-out")], &text)?;
        }
        let mut peers = told.peer_table();
        peers.rows.truncate(most);
        table(&mut self.html, "Peers", &peers, |_| None, |_, _, _| Dress::default())?;
        self.html.close()?;
        self.html.close()
    }
}

fn state_class(words: &str) -> &'static str {
    match words {
        "failed" => "bad",
        "connected" => "good",
        _ => "",
    }
}
