//! The tables: calls and dialogs (and any header as a column).

mod cells;

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::filter::Filter;
use super::show::TimeMode;
use super::table::{Align, Column, Table};
use crate::correlate::{Analysis, CallIdx, DialogIdx};
use crate::diagnose::{Diagnosis, Subject, diagnose};

/// What is to be in a table.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub filter: Option<Filter>,
    /// Column keys in order; empty: the default ones. `header:NAME` shows any header of the first request. Keys that are
    /// no column are left out; see [`is_call_column`].
    pub columns: Vec<String>,
    /// Column key and descending.
    pub sort: Option<(String, bool)>,
    pub time: TimeMode,
    /// Default columns that only media fills are left out where there is none: for people, not for what reads columns.
    pub brief: bool,
    /// Points in time have their date each, to the microsecond: for files whose rows are sorted and joined elsewhere.
    pub dated: bool,
    pub stop: Stop,
    /// The findings, where somebody knows them; otherwise the rules are asked if a column needs it.
    pub diagnosis: Option<Arc<Diagnosis>>,
}

/// Tells a long filter or sort that nobody waits for it any more. What was stopped is not to be used.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn set(&self) {
        self.0.store(true, Relaxed);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// A cell by what it sorts as. Cells without a value come last in either direction.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    None,
    Number(i64),
    Text(String),
}

/// A cell's text and what it sorts by.
pub(super) type Cell = (String, Key);

/// A column as defined: key, title, meaning, alignment, rank.
pub(super) struct Definition {
    pub key: &'static str,
    pub title: &'static str,
    pub align: Align,
    pub rank: u8,
}

/// The rows of a table in their order; each is made when it is asked for, so that all need never be held.
pub struct Lines<'a, I> {
    pub columns: Vec<Column>,
    /// Row by row.
    pub rows: Vec<I>,
    cell: Box<CellOf<'a, I>>,
}

impl<I: Copy> Lines<'_, I> {
    /// The cells of each row, in order.
    pub fn iter(&self) -> impl Iterator<Item = Vec<String>> + Clone + '_ {
        self.range(0..self.rows.len())
    }

    /// The cells of some rows; those beyond the last are left out.
    pub fn range(&self, places: Range<usize>) -> impl Iterator<Item = Vec<String>> + Clone + '_ {
        places.map_while(|i| self.line(i))
    }

    /// The cells of one row.
    pub fn line(&self, i: usize) -> Option<Vec<String>> {
        let row = self.rows.get(i)?;
        let previous = i.checked_sub(1).and_then(|i| self.rows.get(i));
        Some(self.columns.iter().map(|c| (self.cell)(row, &c.key, previous).0).collect())
    }

    fn table(self) -> (Table, Vec<I>) {
        let rows = self.iter().collect();
        (Table { columns: self.columns, rows }, self.rows)
    }
}

/// All calls that match, with their indices row by row.
pub fn calls(analysis: &Analysis, query: &Query) -> (Table, Vec<CallIdx>) {
    call_lines(analysis, query).table()
}

/// All dialogs that match, with their indices row by row.
pub fn dialogs(analysis: &Analysis, query: &Query) -> (Table, Vec<DialogIdx>) {
    dialog_lines(analysis, query).table()
}

/// As [`calls`], a row at a time.
pub fn call_lines<'a>(analysis: &'a Analysis, query: &Query) -> Lines<'a, CallIdx> {
    let all = (0..analysis.calls.len() as u32).map(CallIdx);
    let matching: Vec<CallIdx> = match &query.filter {
        Some(filter) => {
            let wanted = all.take_while(|_| !query.stop.is_set());
            wanted.filter(|&c| filter.matches_call(analysis, c)).collect()
        }
        None => all.collect(),
    };
    call_lines_of(analysis, query, matching)
}

/// Given calls, in the order of the query if it has one; its filter is not asked.
pub fn call_lines_of<'a>(analysis: &'a Analysis, query: &Query, rows: Vec<CallIdx>) -> Lines<'a, CallIdx> {
    let start = analysis.calls.first().map_or(0, |c| c.summary.start);
    let mode = query.time;
    let known = Findings::of(analysis, query);
    let cell = Box::new(move |&c: &CallIdx, key: &str, previous: Option<&CallIdx>| match key {
        "findings" => cells::worst(known.get(), Subject::Call(c)),
        "verdict" => cells::verdict(analysis, known.get(), c),
        _ => cells::call(analysis, c, key, cells::Times { mode, start, previous }),
    });
    let mut lines = build(query, rows, cells::CALL_DEFAULT, CALL_DEFINITIONS, cell);
    if query.brief && query.columns.is_empty() {
        let index = analysis.media_index();
        let (media, mos) = (!index.streams.is_empty() || !analysis.stun.records.is_empty(), || {
            index.streams.iter().any(|s| s.mos.is_some())
        });
        lines.columns.retain(|c| match c.key.as_str() {
            "media" => media,
            "mos" => mos(),
            _ => true,
        });
    }
    lines
}

/// As [`dialogs`], a row at a time.
pub fn dialog_lines<'a>(analysis: &'a Analysis, query: &Query) -> Lines<'a, DialogIdx> {
    let all = analysis.dialogs_shown().map(|(d, _)| d);
    let matching: Vec<DialogIdx> = match &query.filter {
        Some(filter) => all.filter(|&d| filter.matches_dialog(analysis, d)).collect(),
        None => all.collect(),
    };
    dialog_lines_of(analysis, query, matching)
}

/// Given dialogs, in the order of the query if it has one; its filter is not asked.
pub fn dialog_lines_of<'a>(
    analysis: &'a Analysis,
    query: &Query,
    rows: Vec<DialogIdx>,
) -> Lines<'a, DialogIdx> {
    let start = analysis.dialogs_shown().next().map_or(0, |(_, d)| d.summary.start);
    let mode = query.time;
    let known = Findings::of(analysis, query);
    let cell = Box::new(move |&d: &DialogIdx, key: &str, previous: Option<&DialogIdx>| match key {
        "findings" => cells::worst(known.get(), Subject::Dialog(d)),
        _ => cells::dialog(analysis, d, key, cells::Times { mode, start, previous }),
    });
    build(query, rows, cells::DIALOG_DEFAULT, DIALOG_DEFINITIONS, cell)
}

/// The findings that columns ask for.
struct Findings<'a> {
    analysis: &'a Analysis,
    known: OnceCell<Arc<Diagnosis>>,
}

impl<'a> Findings<'a> {
    fn of(analysis: &'a Analysis, query: &Query) -> Self {
        let known = OnceCell::new();
        if let Some(given) = &query.diagnosis {
            let _ = known.set(given.clone());
        }
        Self { analysis, known }
    }

    fn get(&self) -> &Diagnosis {
        self.known.get_or_init(|| Arc::new(diagnose(self.analysis)))
    }
}

/// Gives the cell of a row and column; the third argument is the row shown before.
pub(super) type CellOf<'a, I> = dyn Fn(&I, &str, Option<&I>) -> Cell + 'a;

pub(super) fn build<'a, I: Copy + 'a>(
    query: &Query,
    mut rows: Vec<I>,
    defaults: usize,
    definitions: &[Definition],
    cell: Box<CellOf<'a, I>>,
) -> Lines<'a, I> {
    if let Some((key, descending)) = &query.sort {
        let known = rows.iter().take_while(|_| !query.stop.is_set());
        let mut keyed: Vec<(Key, I)> = known.map(|r| (cell(r, key, None).1, *r)).collect();
        keyed.sort_by(|(a, _), (b, _)| a.order(b, *descending));
        rows = keyed.into_iter().map(|(_, row)| row).collect();
    }
    let columns: Vec<Column> = if query.columns.is_empty() {
        definitions.iter().take(defaults).map(Definition::column).collect()
    } else {
        query.columns.iter().filter_map(|key| column(key, definitions)).collect()
    };
    let clock = matches!(query.time, TimeMode::Utc | TimeMode::Local);
    let cell = if query.dated && clock { dated(cell, query.time) } else { cell };
    Lines { columns, rows, cell }
}

/// Columns of points in time, which sort by their nanoseconds.
const TIMES: [&str; 4] = ["start", "time", "answered", "end"];

fn dated<'a, I: Copy + 'a>(cell: Box<CellOf<'a, I>>, mode: TimeMode) -> Box<CellOf<'a, I>> {
    Box::new(move |row, key, previous| match cell(row, key, previous) {
        (_, Key::Number(time)) if TIMES.contains(&key) => {
            (super::show::full_time(time, mode), Key::Number(time))
        }
        other => other,
    })
}

impl Definition {
    pub(super) fn column(&self) -> Column {
        Column::new(self.key, self.title, self.align, self.rank)
    }
}

fn column(key: &str, definitions: &[Definition]) -> Option<Column> {
    if let Some(name) = cells::header_name(key) {
        let title = super::show::safe_str(name);
        return Some(Column::new(key, title, Align::Left, 3));
    }
    definitions.iter().find(|d| d.key == key).map(Definition::column)
}

impl Key {
    fn order(&self, other: &Self, descending: bool) -> Ordering {
        let by_value = |o: Ordering| if descending { o.reverse() } else { o };
        match (self, other) {
            (Self::None, Self::None) => Ordering::Equal,
            (Self::None, _) => Ordering::Greater,
            (_, Self::None) => Ordering::Less,
            (Self::Number(a), Self::Number(b)) => by_value(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => by_value(a.cmp(b)),
            (Self::Number(_), Self::Text(_)) => by_value(Ordering::Less),
            (Self::Text(_), Self::Number(_)) => by_value(Ordering::Greater),
        }
    }
}

/// Is that a column of the calls table (`header:NAME` included)?
pub fn is_call_column(key: &str) -> bool {
    column(key, CALL_DEFINITIONS).is_some()
}

/// The columns of a table: what help says of each, and how it is drawn.
macro_rules! columns {
    ($help:ident $definitions:ident $($key:literal $title:literal $align:ident $rank:literal $meaning:literal),* $(,)?) => {
        const $help: &[(&str, &str, &str)] = &[$(($key, $title, $meaning)),*];
        const $definitions: &[Definition] =
            &[$(Definition { key: $key, title: $title, align: Align::$align, rank: $rank }),*];
    };
}
pub(super) use columns;

columns! { CALL_HELP CALL_DEFINITIONS
    "id" "#" Right 0 "number of the call, as `--call` takes it",
    "start" "Start" Left 3 "time of the first message",
    "from" "From" Left 1 "caller: display name or user",
    "to" "To" Left 1 "callee: display name, user or conference",
    "state" "State" Left 0 "what became of the call",
    "status" "Status" Right 2 "final status of the INVITE",
    "setup" "Setup" Right 5 "INVITE to first ringing",
    "talk" "Talk" Right 4 "answer to BYE",
    "media" "Media" Left 3 "ways its media went (⇄ both, → caller only, ← callee only, ✗ none) and the path",
    "mos" "MOS" Right 4 "lowest estimated MOS of its streams",
    "messages" "Msgs" Right 6 "how many messages it has",
    "findings" "!" Left 1 "worst finding: ● error, ▲ warning",
    "kind" "Kind" Left 4 "audio, video, im, conference, application_sharing, file_transfer",
    "reason" "Reason" Left 4 "reason phrase of the final status",
    "diagnostics" "Diagnostics" Left 4 "what ms-diagnostics and its kin, Warning and Reason say, in words",
    "ended_by" "Ended by" Left 5 "who sent BYE or CANCEL",
    "ring" "Ring" Right 5 "first ringing to final answer",
    "duration" "Duration" Right 5 "first message to last",
    "answered" "Answered" Left 5 "time of the 2xx",
    "end" "End" Left 5 "time of the end",
    "retransmissions" "Rtx" Right 6 "messages sent again",
    "forks" "Forks" Right 6 "ends that answered",
    "offers" "Offers" Right 6 "SDP offers",
    "legs" "Legs" Left 5 "other calls that are legs of this one",
    "src" "Source" Left 5 "where the first message came from",
    "dst" "Destination" Left 5 "where it went",
    "transport" "Transport" Left 6 "of the first message",
    "frame" "Frame" Right 6 "of the first message",
    "from_uri" "From URI" Left 6 "caller's whole URI",
    "to_uri" "To URI" Left 6 "callee's whole URI",
    "caller_agent" "Caller agent" Left 6 "User-Agent of the caller",
    "callee_agent" "Callee agent" Left 6 "User-Agent or Server of the callee",
    "call_id" "Call-ID" Left 6 "Call-ID",
    "ice" "ICE" Left 5 "worst state of its ICE sessions",
    "verdict" "Verdict" Left 6 "what became of the call and why, in a sentence",
}

columns! { DIALOG_HELP DIALOG_DEFINITIONS
    "id" "#" Right 0 "number of the dialog",
    "start" "Start" Left 3 "time of the first message",
    "method" "Method" Left 0 "of the first request",
    "event" "Event" Left 3 "event package",
    "from" "From" Left 1 "user who asked",
    "to" "To" Left 2 "user who was asked",
    "state" "State" Left 0 "completed, failed, unanswered (no answer yet where the capture ends before it was due), active",
    "status" "Status" Right 1 "last final status",
    "requests" "Req" Right 5 "requests",
    "responses" "Resp" Right 6 "responses",
    "duration" "Duration" Right 5 "first message to last",
    "reason" "Reason" Left 4 "what the status means",
    "diagnostics" "Diagnostics" Left 4 "what ms-diagnostics and its kin, Warning and Reason say, in words",
    "end" "End" Left 5 "time of the last message",
    "retransmissions" "Rtx" Right 6 "messages sent again",
    "messages" "Msgs" Right 6 "how many messages it has",
    "findings" "!" Left 4 "worst finding: ● error, ▲ warning",
    "src" "Source" Left 5 "where the first message came from",
    "dst" "Destination" Left 5 "where it went",
    "transport" "Transport" Left 6 "of the first message",
    "frame" "Frame" Right 6 "of the first message",
    "from_uri" "From URI" Left 6 "whole URI",
    "to_uri" "To URI" Left 6 "whole URI",
    "call_id" "Call-ID" Left 6 "Call-ID",
}

/// Every column of the calls table: key, title, meaning; those shown by default first.
pub fn call_columns() -> &'static [(&'static str, &'static str, &'static str)] {
    CALL_HELP
}

/// Every column of the dialogs table: key, title, meaning; those shown by default first.
pub fn dialog_columns() -> &'static [(&'static str, &'static str, &'static str)] {
    DIALOG_HELP
}

/// How many of [`call_columns`] are shown by default.
pub const CALL_DEFAULT_COLUMNS: usize = cells::CALL_DEFAULT;
/// How many of [`dialog_columns`] are shown by default.
pub const DIALOG_DEFAULT_COLUMNS: usize = cells::DIALOG_DEFAULT;

#[cfg(test)]
mod tests;
