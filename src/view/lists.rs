//! The tables of what is [`Gathered`]: sign-ins, subscriptions, conferences, instant messages, look-ups of SQL Server, media
//! streams. Each has rows, columns, and for a row its facts and the messages that show them.

mod conferences;
mod findings;
mod lookups;
mod media;
mod messages;
mod sign_ins;
mod subscriptions;

pub use conferences::roster_change_words;
pub use findings::{frame_words, sentences, severity_words};
pub use sign_ins::auth_words;

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::filter::Filter;
use super::media::Quality;
use super::media::plot::Plot;
use super::rows::{Cell, CellOf, Definition, Key, Lines, Query, build};
use super::show::{self, TimeMode};
use super::table::{Align, Column, Table};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::gathered::{Gathered, Lists as GatheredLists};
use crate::correlate::{Analysis, DialogIdx, MethodId, MsgIdx, Owner, Str};
use crate::diagnose::{Diagnosis, Finding, Subject, diagnose_with};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    SignIns,
    Subscriptions,
    Conferences,
    Messages,
    Lookups,
    Media,
    Findings,
}

/// What was worked out so far, and which findings. It belongs to one state of an analysis, and may be kept while nothing
/// comes to that.
#[derive(Debug, Default)]
pub struct Known {
    gathered: Arc<GatheredLists>,
    diagnosis: OnceLock<Arc<Diagnosis>>,
}

/// What the lists are made from: what is gathered, and what the rules find in it. Copies share what was worked out.
#[derive(Debug, Clone)]
pub struct Lists<'a> {
    gathered: Gathered<'a>,
    known: Arc<Known>,
}

impl<'a> Lists<'a> {
    /// None of them worked out yet.
    pub fn of(analysis: &'a Analysis) -> Self {
        Self::with(analysis, Arc::default())
    }

    /// With what is known already of the same state of the same analysis.
    pub fn with(analysis: &'a Analysis, known: Arc<Known>) -> Self {
        Self { gathered: Gathered::with(analysis, known.gathered.clone()), known }
    }

    /// What the rules find; they are asked the first time.
    pub fn diagnosis(&self) -> &Arc<Diagnosis> {
        let ask = || Arc::new(diagnose_with(self.gathered.analysis(), &self.gathered));
        self.known.diagnosis.get_or_init(ask)
    }
}

impl<'a> Deref for Lists<'a> {
    type Target = Gathered<'a>;

    fn deref(&self) -> &Gathered<'a> {
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

    pub fn to_frame(frame: FrameRef) -> Self {
        Self { frame: Some(frame), ..Self::default() }
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

impl Part {
    /// Without rows and title.
    fn of(columns: Vec<Column>) -> Self {
        Self { title: String::new(), table: Table { columns, rows: Vec::new() }, leads: Vec::new() }
    }

    fn push(&mut self, row: Vec<String>, lead: Lead) {
        self.table.rows.push(row);
        self.leads.push(lead);
    }

    fn titled(self, title: String) -> Self {
        Self { title, ..self }
    }

    /// None where it has no rows.
    fn filled(self) -> Option<Self> {
        (!self.leads.is_empty()).then_some(self)
    }
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
    pub const ALL: [Self; 7] = [
        Self::SignIns,
        Self::Subscriptions,
        Self::Conferences,
        Self::Messages,
        Self::Lookups,
        Self::Media,
        Self::Findings,
    ];

    fn list(self) -> &'static List {
        match self {
            Self::SignIns => &sign_ins::LIST,
            Self::Subscriptions => &subscriptions::LIST,
            Self::Conferences => &conferences::LIST,
            Self::Messages => &messages::LIST,
            Self::Lookups => &lookups::LIST,
            Self::Media => &media::LIST,
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

    pub fn len(self, lists: &Lists<'_>) -> usize {
        match self {
            Self::SignIns => lists.sign_ins().len(),
            Self::Subscriptions => lists.subscriptions().len(),
            Self::Conferences => lists.conferences().len(),
            Self::Messages => lists.instant_messages().len(),
            Self::Lookups => lists.lookups().len(),
            Self::Media => lists.media().streams.len(),
            Self::Findings => lists.diagnosis().findings.len(),
        }
    }

    /// The calls and dialogs that a row is made of.
    pub fn owners(self, analysis: &Analysis, lists: &Lists<'_>, row: u32) -> Vec<Owner> {
        let at = row as usize;
        let dialogs = |d: &[DialogIdx]| d.iter().map(|d| Owner::Dialog(*d)).collect();
        let found = match self {
            Self::SignIns => lists.sign_ins().get(at).map(|s| dialogs(&s.dialogs)),
            Self::Subscriptions => lists.subscriptions().get(at).map(|s| s.owners.clone()),
            Self::Conferences => lists.conferences().get(at).map(|c| c.owners.clone()),
            Self::Messages => {
                lists.instant_messages().get(at).map(|m| vec![analysis.message(m.message).owner])
            }
            Self::Lookups => lists.lookups().get(at).map(|l| {
                let mut owners: Vec<Owner> = l.sip.iter().map(|m| analysis.message(*m).owner).collect();
                owners.dedup();
                owners
            }),
            Self::Media => lists.media().stream(row).map(|s| s.call.map(Owner::Call).into_iter().collect()),
            Self::Findings => lists.diagnosis().findings.get(at).map(Finding::owners),
        };
        found.unwrap_or_default()
    }

    /// Rows of which a call or dialog matches; of instant messages, look-ups, streams, findings and states of rows the row
    /// itself.
    pub fn matching(self, analysis: &Analysis, lists: &Lists<'_>, filter: Option<&Filter>) -> Vec<u32> {
        let all = 0..u32::try_from(self.len(lists)).unwrap_or(u32::MAX);
        let Some(filter) = filter else { return all.collect() };
        if self == Self::Findings {
            let all = (0u32..).zip(&lists.diagnosis().findings);
            return all.filter(|(_, f)| filter.matches_finding(analysis, f)).map(|(n, _)| n).collect();
        }
        if self == Self::Messages {
            let all = (0u32..).zip(lists.instant_messages());
            return all.filter(|(_, m)| filter.matches_instant(analysis, m)).map(|(n, _)| n).collect();
        }
        let of_owner = |owner: &Owner| match owner {
            Owner::Call(c) => filter.matches_call(analysis, *c),
            Owner::Dialog(d) => filter.matches_dialog(analysis, *d),
        };
        if self == Self::Media {
            let fits = |row: &u32| filter.matches_stream(analysis, lists.media(), *row);
            return all.filter(fits).collect();
        }
        if self == Self::Lookups {
            let fits = |row: &u32| {
                lists.lookups().get(*row as usize).is_some_and(|l| filter.matches_lookup(analysis, l, *row))
            };
            return all.filter(fits).collect();
        }
        let fits = |row: &u32| {
            let owners = self.owners(analysis, lists, *row);
            let own = match self {
                Self::SignIns => {
                    let of = lists.sign_ins().get(*row as usize);
                    of.map(|s| (Subject::SignIn(*row), s.state.name(), s.domain.as_str()))
                }
                Self::Subscriptions => {
                    let of = lists.subscriptions().get(*row as usize);
                    of.map(|s| (Subject::Subscription(*row), s.state.name(), ""))
                }
                _ => None,
            };
            match own {
                Some((about, state, who)) => filter.matches_row(analysis, about, state, who, &owners),
                None => owners.iter().any(of_owner),
            }
        };
        all.filter(fits).collect()
    }

    /// The rows that match, a row at a time.
    pub fn lines<'a>(self, analysis: &'a Analysis, lists: &Lists<'a>, query: &Query) -> Lines<'a, u32> {
        self.lines_of(analysis, lists, query, self.matching(analysis, lists, query.filter.as_ref()))
    }

    /// Given rows, in the order of the query if it has one; its filter is not asked.
    pub fn lines_of<'a>(
        self,
        analysis: &'a Analysis,
        lists: &Lists<'a>,
        query: &Query,
        rows: Vec<u32>,
    ) -> Lines<'a, u32> {
        let (lists, mode) = (lists.clone(), query.time);
        let cell: Box<CellOf<'a, u32>> = Box::new(move |row, key, before| {
            let (at, before) = (At::new(analysis, &lists, mode), before.copied());
            match self {
                Self::SignIns => sign_ins::cell(at, *row, key, before),
                Self::Subscriptions => subscriptions::cell(at, *row, key, before),
                Self::Conferences => conferences::cell(at, *row, key, before),
                Self::Messages => messages::cell(at, *row, key, before),
                Self::Lookups => lookups::cell(at, *row, key, before),
                Self::Media => media::cell(at, *row, key, before),
                Self::Findings => findings::cell(at, *row, key),
            }
        });
        let list = self.list();
        build(query, rows, list.defaults, list.definitions, cell)
    }

    /// All there is to say of a row.
    pub fn detail(self, analysis: &Analysis, lists: &Lists<'_>, row: u32, mode: TimeMode) -> Option<Detail> {
        let at = At::new(analysis, lists, mode);
        match self {
            Self::SignIns => sign_ins::detail(at, row),
            Self::Subscriptions => subscriptions::detail(at, row),
            Self::Conferences => conferences::detail(at, row),
            Self::Messages => messages::detail(at, row),
            Self::Lookups => lookups::detail(at, row),
            Self::Media => media::detail(at, row),
            Self::Findings => findings::detail(at, row),
        }
    }
}

impl ListKind {
    /// A row of media streams over time.
    pub fn plot(self, analysis: &Analysis, gathered: &Gathered<'_>, row: u32) -> Option<Plot> {
        (self == Self::Media).then(|| media::plot_of(analysis, gathered.media(), row)).flatten()
    }
}

/// Whether a table of a [`Detail`] is the events of a plot, in its order.
pub fn is_events(table: &Table) -> bool {
    table.columns.first().is_some_and(|c| c.key == media::EVENT_SIGN)
}

/// How a media stream went, to put the worst first.
pub fn quality(analysis: &Analysis, lists: &Lists<'_>, row: u32) -> Option<Quality> {
    media::quality(At::new(analysis, lists, TimeMode::Utc), row)
}

/// What the cells of a list are made from.
#[derive(Clone, Copy)]
struct At<'a> {
    analysis: &'a Analysis,
    gathered: &'a Gathered<'a>,
    lists: &'a Lists<'a>,
    mode: TimeMode,
}

impl<'a> At<'a> {
    fn new(analysis: &'a Analysis, lists: &'a Lists<'a>, mode: TimeMode) -> Self {
        Self { analysis, gathered: lists, lists, mode }
    }

    fn diagnosis(self) -> &'a Diagnosis {
        self.lists.diagnosis()
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
/// Messages as a table, with their times told from the first.
fn message_part(at: At<'_>, title: String, messages: &[MsgIdx]) -> Part {
    let columns = vec![
        Column::new("time", "Time", Align::Right, 0),
        Column::new("way", "From → to", Align::Left, 1),
        Column::new("what", "What", Align::Left, 0),
        Column::new("frame", "Frame", Align::Right, 1),
    ];
    let start = messages.first().map_or(0, |m| at.analysis.message(*m).time);
    let mut before = start;
    let mut part = Part::of(columns);
    for &m in messages {
        let r = at.analysis.message(m);
        let flow = at.analysis.flow(r.flow);
        // Both ends are to be read on a narrow screen: ports are told where only they differ.
        let alone = flow.src.ip() == flow.dst.ip();
        let name = |a: std::net::SocketAddr| match show::machine(at.analysis, a) {
            Some(name) if !alone => name,
            _ if alone => a.to_string(),
            _ => a.ip().to_canonical().to_string(),
        };
        let row = vec![
            show::time(r.time, at.mode, start, before),
            format!("{} → {}", name(flow.src), name(flow.dst)),
            crate::view::ladder::message_label(at.analysis, m),
            r.frame.frame.to_string(),
        ];
        before = r.time;
        part.push(row, Lead::to(m).bad(r.status >= 300 && !matches!(r.status, 401 | 407)));
    }
    part.titled(title)
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
