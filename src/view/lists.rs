//! The tables of what is [`Gathered`]: sign-ins, subscriptions, conferences, instant messages, look-ups of SQL Server. Each has rows, columns,
//! and for a row its facts and the messages that show them.

mod conferences;
mod findings;
mod lookups;
mod messages;
mod sign_ins;
mod subscriptions;

pub use conferences::roster_change_words;
pub use findings::{frame_words, sentences, severity_words};
pub use sign_ins::auth_words;

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::filter::Filter;
use super::rows::{Cell, CellOf, Definition, Key, Lines, Query, build};
use super::show::{self, TimeMode};
use super::table::{Align, Column, Table};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::gathered::Gathered;
use crate::correlate::{Analysis, DialogIdx, MethodId, MsgIdx, Owner, Str};
use crate::diagnose::{Diagnosis, Finding, diagnose_with};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    SignIns,
    Subscriptions,
    Conferences,
    Messages,
    Lookups,
    Findings,
}

/// What the lists are made from.
#[derive(Debug, Default)]
pub struct Lists {
    gathered: Gathered,
    diagnosis: OnceLock<Arc<Diagnosis>>,
}

impl Lists {
    pub fn of(analysis: &Analysis) -> Self {
        Self { gathered: analysis.gather(), diagnosis: OnceLock::new() }
    }

    /// What the rules find; they are asked the first time.
    pub fn diagnosis(&self, analysis: &Analysis) -> &Arc<Diagnosis> {
        self.diagnosis.get_or_init(|| Arc::new(diagnose_with(analysis, &self.gathered)))
    }
}

impl Deref for Lists {
    type Target = Gathered;

    fn deref(&self) -> &Gathered {
        &self.gathered
    }
}

/// What the lists have in common, for each to fill.
struct List {
    /// Of the command and of files.
    name: &'static str,
    /// One of them and several, in words.
    words: (&'static str, &'static str),
    /// What would bring rows where there are none.
    needs: &'static str,
    help: &'static [(&'static str, &'static str, &'static str)],
    definitions: &'static [Definition],
    defaults: usize,
}

/// A row of a [`Detail`] leads to a message or to a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lead {
    pub message: Option<MsgIdx>,
    pub frame: Option<FrameRef>,
    /// It tells of a failure.
    pub bad: bool,
}

impl Lead {
    pub fn to(message: MsgIdx) -> Self {
        Self { message: Some(message), ..Self::default() }
    }

    pub fn bad(self, bad: bool) -> Self {
        Self { bad, ..self }
    }
}

/// A table of a [`Detail`], with where each row leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub title: String,
    pub table: Table,
    pub leads: Vec<Lead>,
}

/// All there is to say of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    pub title: String,
    /// Sentences above the tables.
    pub head: Vec<String>,
    pub parts: Vec<Part>,
    /// What it is made of, for its ladder.
    pub owners: Vec<Owner>,
}

impl ListKind {
    pub const ALL: [Self; 6] = [
        Self::SignIns,
        Self::Subscriptions,
        Self::Conferences,
        Self::Messages,
        Self::Lookups,
        Self::Findings,
    ];

    fn list(self) -> &'static List {
        match self {
            Self::SignIns => &sign_ins::LIST,
            Self::Subscriptions => &subscriptions::LIST,
            Self::Conferences => &conferences::LIST,
            Self::Messages => &messages::LIST,
            Self::Lookups => &lookups::LIST,
            Self::Findings => &findings::LIST,
        }
    }

    /// Of the command, and of the file where it is written to one.
    pub fn name(self) -> &'static str {
        self.list().name
    }

    /// One of its rows and several, in words.
    pub fn words(self) -> (&'static str, &'static str) {
        self.list().words
    }

    /// What would bring rows where there are none.
    pub fn needs(self) -> &'static str {
        self.list().needs
    }

    /// Every column: key, title, meaning; those shown by default first.
    pub fn columns(self) -> &'static [(&'static str, &'static str, &'static str)] {
        self.list().help
    }

    /// How many of [`ListKind::columns`] are shown by default.
    pub fn default_columns(self) -> usize {
        self.list().defaults
    }

    pub fn len(self, analysis: &Analysis, lists: &Lists) -> usize {
        let gathered = &lists.gathered;
        match self {
            Self::SignIns => gathered.sign_ins.len(),
            Self::Subscriptions => gathered.subscriptions.len(),
            Self::Conferences => gathered.conferences.len(),
            Self::Messages => gathered.instant_messages.len(),
            Self::Lookups => gathered.lookups.len(),
            Self::Findings => lists.diagnosis(analysis).findings.len(),
        }
    }

    /// The calls and dialogs that a row is made of.
    pub fn owners(self, analysis: &Analysis, lists: &Lists, row: u32) -> Vec<Owner> {
        let gathered = &lists.gathered;
        let at = row as usize;
        let dialogs = |d: &[DialogIdx]| d.iter().map(|d| Owner::Dialog(*d)).collect();
        let found = match self {
            Self::SignIns => gathered.sign_ins.get(at).map(|s| dialogs(&s.dialogs)),
            Self::Subscriptions => gathered.subscriptions.get(at).map(|s| s.owners.clone()),
            Self::Conferences => gathered.conferences.get(at).map(|c| c.owners.clone()),
            Self::Messages => {
                gathered.instant_messages.get(at).map(|m| vec![analysis.message(m.message).owner])
            }
            Self::Lookups => gathered.lookups.get(at).map(|l| {
                let mut owners: Vec<Owner> = l.sip.iter().map(|m| analysis.message(*m).owner).collect();
                owners.dedup();
                owners
            }),
            Self::Findings => lists.diagnosis(analysis).findings.get(at).map(Finding::owners),
        };
        found.unwrap_or_default()
    }

    /// Rows of which a call or dialog matches; instant messages that match themselves.
    pub fn matching(self, analysis: &Analysis, lists: &Lists, filter: Option<&Filter>) -> Vec<u32> {
        let all = 0..u32::try_from(self.len(analysis, lists)).unwrap_or(u32::MAX);
        let Some(filter) = filter else { return all.collect() };
        let gathered = &lists.gathered;
        if self == Self::Findings {
            let all = (0u32..).zip(&lists.diagnosis(analysis).findings);
            return all.filter(|(_, f)| filter.matches_finding(analysis, f)).map(|(n, _)| n).collect();
        }
        if self == Self::Messages {
            let all = (0u32..).zip(&gathered.instant_messages);
            return all.filter(|(_, m)| filter.matches_instant(analysis, m)).map(|(n, _)| n).collect();
        }
        let fits = |owner: &Owner| match owner {
            Owner::Call(c) => filter.matches_call(analysis, *c),
            Owner::Dialog(d) => filter.matches_dialog(analysis, *d),
        };
        if self == Self::Lookups {
            let fits = |row: &u32| {
                gathered.lookups.get(*row as usize).is_some_and(|l| filter.matches_lookup(analysis, l, *row))
            };
            return all.filter(fits).collect();
        }
        all.filter(|row| self.owners(analysis, lists, *row).iter().any(fits)).collect()
    }

    /// The rows that match, a row at a time.
    pub fn lines<'a>(self, analysis: &'a Analysis, lists: &'a Lists, query: &Query) -> Lines<'a, u32> {
        self.lines_of(analysis, lists, query, self.matching(analysis, lists, query.filter.as_ref()))
    }

    /// Given rows, in the order of the query if it has one; its filter is not asked.
    pub fn lines_of<'a>(
        self,
        analysis: &'a Analysis,
        lists: &'a Lists,
        query: &Query,
        rows: Vec<u32>,
    ) -> Lines<'a, u32> {
        let at = At::new(analysis, lists, query.time);
        let cell: Box<CellOf<'a, u32>> = match self {
            Self::SignIns => Box::new(move |row, key, before| sign_ins::cell(at, *row, key, before.copied())),
            Self::Subscriptions => {
                Box::new(move |row, key, before| subscriptions::cell(at, *row, key, before.copied()))
            }
            Self::Conferences => {
                Box::new(move |row, key, before| conferences::cell(at, *row, key, before.copied()))
            }
            Self::Messages => {
                Box::new(move |row, key, before| messages::cell(at, *row, key, before.copied()))
            }
            Self::Lookups => Box::new(move |row, key, before| lookups::cell(at, *row, key, before.copied())),
            Self::Findings => Box::new(move |row, key, _| findings::cell(at, *row, key)),
        };
        let list = self.list();
        build(query, rows, list.defaults, list.definitions, cell)
    }

    /// All there is to say of a row.
    pub fn detail(self, analysis: &Analysis, lists: &Lists, row: u32, mode: TimeMode) -> Option<Detail> {
        let at = At::new(analysis, lists, mode);
        match self {
            Self::SignIns => sign_ins::detail(at, row),
            Self::Subscriptions => subscriptions::detail(at, row),
            Self::Conferences => conferences::detail(at, row),
            Self::Messages => messages::detail(at, row),
            Self::Lookups => lookups::detail(at, row),
            Self::Findings => findings::detail(at, row),
        }
    }
}

/// What the cells of a list are made from.
#[derive(Clone, Copy)]
struct At<'a> {
    analysis: &'a Analysis,
    gathered: &'a Gathered,
    lists: &'a Lists,
    mode: TimeMode,
}

impl<'a> At<'a> {
    fn new(analysis: &'a Analysis, lists: &'a Lists, mode: TimeMode) -> Self {
        Self { analysis, gathered: &lists.gathered, lists, mode }
    }

    fn diagnosis(self) -> &'a Diagnosis {
        self.lists.diagnosis(self.analysis)
    }
}

impl At<'_> {
    /// A point in time; `start` is that of the first row, `before` that of the row shown before.
    fn time(self, time: Nanos, start: Option<Nanos>, before: Option<Nanos>) -> Cell {
        let text = show::time_short(time, self.mode, start.unwrap_or(time), before.unwrap_or(time));
        (text, Key::Number(time))
    }

    /// An address of record, short.
    fn user(self, uri: Str) -> Cell {
        text(show::party_short(b"", self.analysis.strings.bytes(uri)))
    }

    fn interned(self, s: Str) -> Cell {
        text(show::shorten(&show::safe(self.analysis.strings.bytes(s)), 80))
    }
}

fn none() -> Cell {
    ("–".to_owned(), Key::None)
}

fn number(n: u64) -> Cell {
    (n.to_string(), Key::Number(i64::try_from(n).unwrap_or(i64::MAX)))
}

fn text(t: String) -> Cell {
    let key = t.to_lowercase();
    if key.is_empty() { none() } else { (t, Key::Text(key)) }
}

fn duration(d: Nanos) -> Cell {
    (show::duration(d), Key::Number(d))
}

/// A column of a table in a [`Detail`].
fn column(key: &str, title: &str, align: Align, rank: u8) -> Column {
    Column { key: key.to_owned(), title: title.to_owned(), align, rank }
}

/// Messages as a table, with their times told from the first.
fn message_part(at: At<'_>, title: String, messages: &[MsgIdx]) -> Part {
    let columns = vec![
        column("time", "Time", Align::Right, 0),
        column("way", "From → to", Align::Left, 2),
        column("what", "What", Align::Left, 0),
        column("frame", "Frame", Align::Right, 1),
    ];
    let start = messages.first().map_or(0, |m| at.analysis.message(*m).time);
    let mut before = start;
    let (mut rows, mut leads) = (Vec::new(), Vec::new());
    for &m in messages {
        let r = at.analysis.message(m);
        let flow = at.analysis.flow(r.flow);
        let name = |a| show::machine(at.analysis, a).unwrap_or_else(|| a.to_string());
        rows.push(vec![
            show::time(r.time, at.mode, start, before),
            format!("{} → {}", name(flow.src), name(flow.dst)),
            crate::view::ladder::message_label(at.analysis, m),
            r.frame.frame.to_string(),
        ]);
        before = r.time;
        leads.push(Lead::to(m).bad(r.status >= 300 && !matches!(r.status, 401 | 407)));
    }
    Part { title, table: Table { columns, rows }, leads }
}

/// Messages of one row that are listed.
const MOST_MESSAGES: usize = 2_000;

/// The messages of some dialogs in order of time, up to [`MOST_MESSAGES`].
fn messages_of(at: At<'_>, owners: &[Owner]) -> Part {
    let mut all: Vec<MsgIdx> =
        owners.iter().flat_map(|o| at.analysis.messages_of(at.analysis.list_of(*o))).collect();
    all.sort_by_key(|m| (at.analysis.message(*m).time, *m));
    let n = all.len();
    all.truncate(MOST_MESSAGES);
    let title = match n {
        n if n > all.len() => {
            format!("The first {} of {} messages", show::number(all.len() as u64), show::number(n as u64))
        }
        n => show::count(n as u64, "message", "messages"),
    };
    message_part(at, title, &all)
}

#[cfg(test)]
mod tests;
