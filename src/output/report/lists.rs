//! The tables of what is gathered: sign-ins, subscriptions, conferences, instant messages, look-ups, media; each with all
//! there is to say of its rows.

use std::io;

use super::Page;
use super::plan::{LISTS, id_of, id_of_row, row_id, worst_of_row};
use super::tables::{Dress, table};
use crate::correlate::{CallIdx, DialogIdx};
use crate::diagnose::{Severity, Subject};
use crate::view::lists::{Detail, Lead, ListKind, Part, is_events, quality, severity_words};
use crate::view::rows::{self, Query};
use crate::view::show;
use crate::view::table::{Align, Column};
use crate::view::{ladder, rows::Lines};

/// Of the section and of its place in the contents.
pub(super) fn heading(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Media => "Media",
        ListKind::SignIns => "Sign-ins",
        ListKind::Subscriptions => "Subscriptions",
        ListKind::Conferences => "Conferences",
        ListKind::Messages => "Instant messages",
        ListKind::Lookups => "SQL Server",
        ListKind::Findings => "Findings",
    }
}

/// What a table of calls tells of each.
const CALLS: [&str; 12] =
    ["findings", "id", "start", "from", "to", "state", "status", "setup", "talk", "media", "mos", "verdict"];

impl Page<'_, '_> {
    pub(super) fn tables(&mut self) -> io::Result<()> {
        self.call_table()?;
        self.sessions()?;
        self.allocations()?;
        for kind in LISTS {
            self.list(kind)?;
        }
        self.dialog_table()
    }

    pub(super) fn query(&self, columns: &[&str]) -> Query {
        Query {
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            time: self.options.time,
            diagnosis: Some(self.lists.diagnosis().clone()),
            ..Query::default()
        }
    }

    /// The worst that was found of something, in a cell of a table.
    fn severity_cell(&self, subject: Subject, to: Option<String>) -> Dress {
        let worst = self.lists.diagnosis().worst_of(subject).filter(|s| *s > Severity::Info);
        let text = worst.map(severity_words).unwrap_or_default();
        Dress { to, class: worst.map_or("", Severity::name), text: Some(text) }
    }

    fn call_table(&mut self) -> io::Result<()> {
        let calls = self.plan.calls.clone();
        if calls.is_empty() {
            return Ok(());
        }
        self.html.open("section", &[("id", "calls")])?;
        self.html.leaf("h2", &[], &format!("Calls: {}", show::number(calls.len() as u64)))?;
        let lines = rows::call_lines_of(self.analysis, &self.query(&CALLS), calls.clone());
        let mut shown = Self::cut(lines.columns.clone(), lines.iter(), self.most_rows());
        title_of_findings(&mut shown.columns);
        let dress: Vec<[Dress; 2]> = calls
            .iter()
            .take(shown.rows.len())
            .map(|c| {
                let subject = Subject::Call(*c);
                let full = self.plan.full_calls.binary_search(c).is_ok().then(|| id_of(subject));
                [Dress::to(full.clone()), self.severity_cell(subject, full)]
            })
            .collect();
        let id = |i: usize| calls.get(i).map(|c| row_id(&id_of(Subject::Call(*c))));
        table(&mut self.html, "Calls", &shown, id, |i, key, _| dressed(&dress, i, key))?;
        self.rows_left_out(shown.rows.len(), calls.len(), "callscope calls FILE")?;
        self.told_in_part(
            self.plan.full_calls.len(),
            calls.len(),
            "calls",
            "callscope ladder FILE --call N --format html",
        )?;
        self.html.close()
    }

    fn dialog_table(&mut self) -> io::Result<()> {
        let dialogs = self.plan.dialogs.clone();
        if dialogs.is_empty() {
            return Ok(());
        }
        self.html.open("section", &[("id", "dialogs")])?;
        self.html.leaf("h2", &[], &format!("Other dialogs: {}", show::number(dialogs.len() as u64)))?;
        let columns = [
            "findings", "id", "start", "method", "event", "from", "to", "state", "status", "reason",
            "requests", "duration",
        ];
        let lines = rows::dialog_lines_of(self.analysis, &self.query(&columns), dialogs.clone());
        let mut shown = Self::cut(lines.columns.clone(), lines.iter(), self.most_rows());
        title_of_findings(&mut shown.columns);
        let dress: Vec<[Dress; 2]> = dialogs
            .iter()
            .take(shown.rows.len())
            .map(|d| {
                let subject = Subject::Dialog(*d);
                let full = self.plan.full_dialogs.binary_search(d).is_ok().then(|| id_of(subject));
                [Dress::to(full.clone()), self.severity_cell(subject, full)]
            })
            .collect();
        let id = |i: usize| dialogs.get(i).map(|d| row_id(&id_of(Subject::Dialog(*d))));
        table(&mut self.html, "Other dialogs", &shown, id, |i, key, _| dressed(&dress, i, key))?;
        self.rows_left_out(shown.rows.len(), dialogs.len(), "callscope dialogs FILE")?;
        let (told, all) = (self.plan.full_dialogs.len(), dialogs.len());
        self.told_in_part(told, all, "dialogs", "callscope ladder FILE --dialog N --format html")?;
        self.html.close()
    }

    fn list(&mut self, kind: ListKind) -> io::Result<()> {
        let all = self.plan.rows(kind).to_vec();
        if all.is_empty() {
            return Ok(());
        }
        self.html.open("section", &[("id", kind.name())])?;
        let title = format!("{}: {}", heading(kind), show::number(all.len() as u64));
        self.html.leaf("h2", &[], &title)?;
        let lists = self.lists.clone();
        let lines: Lines<'_, u32> = kind.lines_of(self.analysis, &lists, &self.query(&[]), all.clone());
        let mut shown = Self::cut(lines.columns.clone(), lines.iter(), self.most_rows());
        let worst: Vec<Option<Severity>> = all
            .iter()
            .take(shown.rows.len())
            .map(|row| worst_of_row(lists.diagnosis(), kind, *row).filter(|s| *s > Severity::Info))
            .collect();
        if worst.iter().any(Option::is_some) {
            let rows = shown.rows.iter_mut().zip(&worst);
            rows.for_each(|(row, worst)| row.insert(0, worst.map(severity_words).unwrap_or_default()));
            shown.columns.insert(0, Column::new("findings", "Worst finding", Align::Left, 0));
        }
        let places: Vec<Option<String>> =
            all.iter().take(shown.rows.len()).map(|row| self.place_in_full(kind, *row)).collect();
        let calls: Vec<Option<CallIdx>> = match kind {
            ListKind::Media => all.iter().map(|r| lists.media().stream(*r).and_then(|s| s.call)).collect(),
            _ => Vec::new(),
        };
        let id = |i: usize| all.get(i).map(|row| row_id(&id_of_row(kind, *row)));
        let plan = &self.plan;
        let dress = |i: usize, key: &str, cell: &str| match key {
            "id" => Dress::to(places.get(i).cloned().flatten()),
            "quality" if cell.starts_with('●') => Dress { class: "error", ..Dress::default() },
            "quality" if cell.starts_with('▲') => Dress { class: "warning", ..Dress::default() },
            "findings" => {
                let class = worst.get(i).copied().flatten().map_or("", Severity::name);
                Dress { to: places.get(i).cloned().flatten(), class, text: None }
            }
            "call" => Dress::to(calls.get(i).copied().flatten().and_then(|c| plan.place(Subject::Call(c)))),
            _ => Dress::default(),
        };
        table(&mut self.html, heading(kind), &shown, id, dress)?;
        let command = format!("callscope {} FILE", kind.name());
        self.rows_left_out(shown.rows.len(), all.len(), &command)?;
        let full = self.plan.full_rows(kind).to_vec();
        let told = all.iter().filter(|row| self.plan.is_full_row(kind, **row)).count();
        self.told_in_part(told, all.len(), kind.words().1, &format!("{command} --row N"))?;
        for row in full {
            self.row(kind, row, 3)?;
        }
        self.html.close()
    }

    /// Where all of a row is told, if it is.
    fn place_in_full(&self, kind: ListKind, row: u32) -> Option<String> {
        self.plan.is_full_row(kind, row).then(|| id_of_row(kind, row))
    }

    /// All there is to say of a row, under a heading of that level.
    pub(super) fn row(&mut self, kind: ListKind, row: u32, level: u8) -> io::Result<()> {
        let lists = self.lists.clone();
        let Some(told) = kind.detail(self.analysis, &lists, row, self.options.time) else { return Ok(()) };
        let poor =
            kind == ListKind::Media && quality(self.analysis, &lists, row).is_some_and(|q| q.severity() < 2);
        let bad = worst_of_row(lists.diagnosis(), kind, row).is_some_and(|s| s > Severity::Info);
        let open: &[_] = if bad || poor { &[("class", "row"), ("open", "")] } else { &[("class", "row")] };
        self.html.open("details", open)?;
        self.html.open("summary", &[])?;
        self.html.leaf(heading_of(level), &[], &told.title)?;
        self.html.close()?;
        self.html.open("div", &[("class", "body"), ("id", &id_of_row(kind, row))])?;
        self.head(&told)?;
        if !self.has_room() {
            self.no_room("Plots and tables")?;
            self.html.close()?;
            return self.html.close();
        }
        if let Some(plot) = kind.plot(self.analysis, &lists, row) {
            super::plot::draw(&mut self.html, &plot, &told.title)?;
        }
        self.row_ladder(kind, row, &told)?;
        for part in &told.parts {
            self.part(part, level.saturating_add(1))?;
        }
        self.html.close()?;
        self.html.close()
    }

    fn head(&mut self, told: &Detail) -> io::Result<()> {
        match told.head.as_slice() {
            [] => Ok(()),
            [one] => self.paragraph(one),
            several => {
                self.html.open("ul", &[])?;
                for sentence in several {
                    self.html.leaf("li", &[], sentence)?;
                }
                self.html.close()
            }
        }
    }

    fn part(&mut self, part: &Part, level: u8) -> io::Result<()> {
        if !part.title.is_empty() {
            self.html.leaf(heading_of(level), &[], &part.title)?;
        }
        let mut shown = part.table.without_empty();
        shown.rows.truncate(self.most_rows());
        // Events stand in the plot by their sign; their time leads to what they are.
        let leads_by = match is_events(&part.table) {
            true => shown.columns.get(1),
            false => shown.columns.iter().find(|c| c.key == "frame").or(shown.columns.first()),
        };
        let leads_by = leads_by.map(|c| c.key.clone()).unwrap_or_default();
        let places: Vec<Option<String>> =
            part.leads.iter().take(shown.rows.len()).map(|lead| self.place_of_lead(*lead)).collect();
        let dress = |i: usize, key: &str, _: &str| {
            let bad = part.leads.get(i).is_some_and(|l| l.bad);
            let to = places.get(i).cloned().flatten().filter(|_| key == leads_by);
            Dress { to, class: if bad { "bad" } else { "" }, text: None }
        };
        let label = if part.title.is_empty() { "Figures" } else { &part.title };
        table(&mut self.html, label, &shown, |_| None, dress)?;
        self.rows_left_out(
            shown.rows.len(),
            part.table.rows.len(),
            "callscope with the command of that list and --row N",
        )
    }

    fn place_of_lead(&mut self, lead: Lead) -> Option<String> {
        let frame = lead.frame.or_else(|| lead.message.map(|m| self.analysis.message(m).frame))?;
        self.place_of_frame(frame, lead.message)
    }

    /// The ladder of a row whose messages tell more together than a call or dialog alone.
    fn row_ladder(&mut self, kind: ListKind, row: u32, told: &Detail) -> io::Result<()> {
        let options = match kind {
            ListKind::SignIns if told.owners.is_empty() => {
                ladder::LadderOptions { sign_in: Some(row), ..Default::default() }
            }
            ListKind::Lookups => ladder::LadderOptions { lookup: Some(row), ..Default::default() },
            ListKind::SignIns | ListKind::Conferences => ladder::LadderOptions::default(),
            _ => return Ok(()),
        };
        if !self.has_room() {
            return self.no_room("Ladder");
        }
        let lists = self.lists.clone();
        let mut drawn = ladder::build_with(self.analysis, &lists, &told.owners, options);
        ladder::tell(&mut drawn, self.analysis, &told.owners, lists.diagnosis());
        if drawn.rows.is_empty() {
            return Ok(());
        }
        let id = format!("{}-ladder", id_of_row(kind, row));
        let command = match kind {
            ListKind::Lookups => format!("callscope ladder FILE --sql {} --format svg", u64::from(row) + 1),
            _ => "callscope ladder FILE --dialog N --format svg".to_owned(),
        };
        self.ladder(&id, &drawn, &command)?;
        self.belongs(&told.owners)
    }

    /// Links to the calls and dialogs that something is made of.
    pub(super) fn belongs(&mut self, owners: &[crate::correlate::Owner]) -> io::Result<()> {
        const NAMED: usize = 30;
        if owners.is_empty() {
            return Ok(());
        }
        self.html.open("p", &[("class", "meta")])?;
        self.html.text("Made of: ")?;
        for (i, owner) in owners.iter().take(NAMED).enumerate() {
            if i > 0 {
                self.html.text(", ")?;
            }
            let subject = Subject::from(*owner);
            self.html.link(self.plan.place(subject).as_deref(), &subject.words())?;
        }
        if owners.len() > NAMED {
            self.html.text(&format!(" and {} more", owners.len() - NAMED))?;
        }
        self.html.close()
    }
}

/// The sign of findings has a word here.
fn title_of_findings(columns: &mut [Column]) {
    for column in columns.iter_mut().filter(|c| c.key == "findings") {
        column.title = "Worst finding".to_owned();
    }
}

fn dressed(dress: &[[Dress; 2]], row: usize, key: &str) -> Dress {
    let Some([full, worst]) = dress.get(row) else { return Dress::default() };
    match key {
        "id" | "verdict" => Dress::to(full.to.clone()),
        "findings" => Dress { to: worst.to.clone(), class: worst.class, text: worst.text.clone() },
        _ => Dress::default(),
    }
}

/// `h3`.
pub(super) fn heading_of(level: u8) -> &'static str {
    match level {
        0..=2 => "h2",
        3 => "h3",
        4 => "h4",
        5 => "h5",
        _ => "h6",
    }
}

/// What a dialog is, in a line.
pub(super) fn dialog_title(analysis: &crate::correlate::Analysis, d: DialogIdx) -> String {
    let method = show::safe(analysis.method(analysis.dialog(d).method).as_bytes());
    format!("Dialog {}: {method}, {}", u64::from(d.0) + 1, show::dialog_parties(analysis, d))
}
