//! ICE sessions as every output shows them: rows of a table, candidate tables, the pair board, and why a pair was chosen.

use std::cell::RefCell;

use callscope_parsers::sdp::CandidateSyntax;

use super::filter::Filter;
use super::rows::{Cell, Definition, Key, Lines, Query, Stop, build, columns};
use super::show;
use super::show::path::syntax_words;
use super::table::Align;
use crate::capture::{FrameRef, Nanos};
use crate::correlate::ice::{CandidateKind, IceIndex, IcePair, IceSession, IceSide, PairState};
use crate::correlate::stun::{AllocationIdx, GroupIdx};
use crate::correlate::{Analysis, CallIdx, Transport};

pub use crate::correlate::ice::IceState;

mod board;
mod checks;
mod credentials;
mod offered;
mod sides;

pub use super::show::path::{machines, parties, path_words};
pub use crate::diagnose::ice::why;
pub use board::{Board, BoardCell, End, boards};
pub use checks::{CheckRow, checks_of_pair, pair_columns, pair_table, pair_title};
pub use credentials::relay_credentials;
pub use offered::offered;
pub use sides::{CandidateRow, SideTable, candidate_columns, side_table};

/// A session by its number (`ice_sessions[].id` in the JSON) and where it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRef {
    pub id: u32,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The n-th (from 0) of a call.
    Call(CallIdx, u32),
    /// Checks without SDP.
    Loose(GroupIdx),
}

impl SessionRef {
    pub fn call(self) -> Option<CallIdx> {
        match self.place {
            Place::Call(call, _) => Some(call),
            Place::Loose(_) => None,
        }
    }
}

/// All sessions, or those that match by themselves or by their call. Without a filter nothing is worked out but their
/// numbers. What is asked for no more when `stop` is set ends early.
pub fn session_refs(
    analysis: &Analysis,
    index: &IceIndex,
    filter: Option<&Filter>,
    stop: &Stop,
) -> Vec<SessionRef> {
    let of_calls = index.calls.iter().flat_map(|&(call, first)| {
        index.of_call(call).map(move |id| SessionRef { id, place: Place::Call(call, id - first) })
    });
    let all = of_calls.chain(loose_session_refs(index));
    let Some(filter) = filter else { return all.collect() };
    all.take_while(|_| !stop.is_set()).filter(|&of| filter.matches_session(analysis, of)).collect()
}

/// The sessions of no call.
pub fn loose_session_refs(index: &IceIndex) -> impl Iterator<Item = SessionRef> + '_ {
    let loose = (index.first_loose..).zip(&index.loose);
    loose.map(|(id, g)| SessionRef { id, place: Place::Loose(*g) })
}

/// The sessions of one call.
pub fn session_refs_of(index: &IceIndex, call: CallIdx) -> Vec<SessionRef> {
    let range = index.of_call(call);
    let first = range.start;
    range.map(|id| SessionRef { id, place: Place::Call(call, id - first) }).collect()
}

/// A session by its number.
pub fn session_ref(index: &IceIndex, id: u32) -> Option<SessionRef> {
    if id >= index.first_loose {
        let group = index.loose.get((id - index.first_loose) as usize)?;
        return Some(SessionRef { id, place: Place::Loose(*group) });
    }
    let at = index.calls.partition_point(|(_, first)| *first <= id).checked_sub(1)?;
    let &(call, first) = index.calls.get(at)?;
    let there = index.of_call(call).contains(&id);
    there.then_some(SessionRef { id, place: Place::Call(call, id - first) })
}

/// Works a session out. None: its media section turned out to be declined.
pub fn session(analysis: &Analysis, of: SessionRef) -> Option<IceSession> {
    match of.place {
        Place::Call(call, n) => analysis.ice_sessions_of(call).into_iter().nth(n as usize),
        Place::Loose(group) => Some(analysis.loose_ice_session(group)),
    }
}

/// A line of the sessions table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: u32,
    pub call: Option<CallIdx>,
    /// `audio`, `video` …; empty without SDP.
    pub media: String,
    /// Who they are: user, or where checks without SDP come from.
    pub a: String,
    pub b: String,
    /// `MS-ICE2`, `MS-ICE (draft-06)`, `ICE`.
    pub dialect: &'static str,
    /// Of side A.
    pub role_a: Option<&'static str>,
    pub role_conflicts: u32,
    pub state: IceState,
    /// `connected`, `failed`, `incomplete`, `not started`.
    pub state_words: &'static str,
    /// `relay UDP`, `direct UDP` …; empty where there is none.
    pub path: String,
    /// When the offer was answered, or (without SDP) the first check came.
    pub start: Option<Nanos>,
    /// From there to the first check that succeeded, and to the first media packet.
    pub connect: Option<Nanos>,
    pub first_media: Option<Nanos>,
    pub candidates: (usize, usize),
    /// Pairs by state.
    pub succeeded: usize,
    pub failed: usize,
    pub unanswered: usize,
    pub not_checked: usize,
    /// STUN messages of its checks.
    pub checks: usize,
    pub media_packets: u64,
}

/// The dialect of a session for people.
pub fn dialect_words(s: &IceSession) -> &'static str {
    use crate::correlate::ice::IceDialect;
    match s.dialect {
        IceDialect::Rfc => "ICE",
        IceDialect::MsIce2 => "MS-ICE2",
        IceDialect::MsIce => "MS-ICE",
        IceDialect::Unknown => "–",
    }
}

pub fn state_words(state: IceState) -> &'static str {
    match state {
        IceState::NotStarted => "not started",
        other => other.name(),
    }
}

/// Words for a pair's state.
pub fn pair_state_words(state: PairState) -> &'static str {
    match state {
        PairState::NotChecked => "not checked",
        other => other.name(),
    }
}

pub fn session_row(analysis: &Analysis, id: u32, s: &IceSession) -> SessionRow {
    let [a, b] = parties(analysis, s);
    let count = |state| s.pairs.iter().filter(|p| p.state == state).count();
    let start = s.answered.or(s.first_check);
    SessionRow {
        id,
        call: s.call,
        media: s.media.as_deref().map(show::safe_str).unwrap_or_default(),
        a,
        b,
        dialect: dialect_words(s),
        role_a: s.role_a.map(|r| r.name()),
        role_conflicts: s.role_conflicts,
        state: s.state,
        state_words: state_words(s.state),
        path: path_words(analysis, s),
        start,
        connect: s.connect(),
        first_media: s.first_media.zip(start).map(|(t, start)| t.saturating_sub(start).max(0)),
        candidates: (s.a.candidates.len(), s.b.candidates.len()),
        succeeded: count(PairState::Succeeded),
        failed: count(PairState::Failed),
        unanswered: count(PairState::Unanswered),
        not_checked: count(PairState::NotChecked),
        checks: s.checks,
        media_packets: s.pairs.iter().map(|p| p.media_packets).sum(),
    }
}

/// Head of a session's screen: `Alice (controlling, MS-ICE2)  ×  Bob (controlled)   answer 0.00 s → …`.
pub fn title(analysis: &Analysis, s: &IceSession) -> String {
    let row = session_row(analysis, 0, s);
    let roles = match row.role_a {
        Some("controlling") => [" (controlling, ", " (controlled)"],
        Some(_) => [" (controlled, ", " (controlling)"],
        None => [" (", ""],
    };
    let media = if row.media.is_empty() { String::new() } else { format!("  {}", row.media) };
    let [of_a, of_b] = roles;
    format!("{}{of_a}{})  ×  {}{of_b}{media}  {}  {}", row.a, row.dialect, row.b, times(s), row.state_words)
}

/// `answer → first success 0.42 s → media 0.61 s`.
pub fn times(s: &IceSession) -> String {
    let Some(start) = s.answered.or(s.first_check) else { return "no answer, no checks".to_owned() };
    let from = if s.answered.is_some() { "answer" } else { "first check" };
    let since = |t: Option<Nanos>| {
        t.map_or_else(|| "–".to_owned(), |t| show::duration(t.saturating_sub(start).max(0)))
    };
    format!("{from} → first success {} → media {}", since(s.first_success), since(s.first_media))
}

columns! { SESSION_HELP SESSION_DEFINITIONS
    "id" "#" Right 0 "number of the session, as `--session` takes it",
    "call" "Call" Right 0 "number of the call",
    "a" "A" Left 1 "who offered (without SDP: the controlling side)",
    "b" "B" Left 1 "the other side",
    "media" "Media" Left 3 "audio, video …",
    "state" "State" Left 0 "connected, failed, incomplete, not started",
    "path" "Path" Left 1 "what the chosen pair is: direct, through the NAT, relay, and the transport",
    "connect" "Connect" Right 2 "answer to the first check that succeeded",
    "first_media" "To media" Right 4 "answer to the first media packet",
    "candidates" "Candidates" Right 4 "offered by A × by B",
    "pairs" "Pairs" Left 2 "✓ succeeded ✗ failed or unanswered – not checked",
    "dialect" "Dialect" Left 5 "ICE, MS-ICE2 or MS-ICE",
    "checks" "Checks" Right 6 "STUN messages of its checks",
    "role" "A is" Left 6 "controlling or controlled",
    "conflicts" "487" Right 6 "role conflicts",
    "media_packets" "Packets" Right 6 "media packets on its pairs",
    "start" "Answered" Left 6 "time of the answer, without SDP of the first check",
    "generation" "SDP" Left 6 "form of the candidate lines",
}

/// Every column of the sessions table: key, title, meaning; those shown by default first.
pub fn session_columns() -> &'static [(&'static str, &'static str, &'static str)] {
    SESSION_HELP
}

/// How many of [`session_columns`] are shown by default.
pub const SESSION_DEFAULT_COLUMNS: usize = 12;

/// The sessions that match (see [`session_refs`]), a row at a time.
pub fn session_lines<'a>(analysis: &'a Analysis, query: &Query) -> Lines<'a, SessionRef> {
    let index = analysis.ice_index();
    let rows = session_refs(analysis, &index, query.filter.as_ref(), &query.stop);
    session_lines_of(analysis, query, rows)
}

/// Given sessions, in the order of the query if it has one; its filter is not asked.
pub fn session_lines_of<'a>(
    analysis: &'a Analysis,
    query: &Query,
    rows: Vec<SessionRef>,
) -> Lines<'a, SessionRef> {
    // Cells are asked for row by row, and the sessions of a call are worked out together.
    let known: RefCell<Option<(Place, Vec<IceSession>)>> = RefCell::new(None);
    let mode = query.time;
    let start = analysis.captures.iter().filter_map(|c| c.first).min().unwrap_or_default();
    let cell = Box::new(move |&of: &SessionRef, key: &str, _: Option<&SessionRef>| {
        let (place, at) = match of.place {
            Place::Call(call, n) => (Place::Call(call, 0), n as usize),
            loose @ Place::Loose(_) => (loose, 0),
        };
        let mut known = known.borrow_mut();
        if known.as_ref().is_none_or(|(p, _)| *p != place) {
            let sessions = match place {
                Place::Call(call, _) => analysis.ice_sessions_of(call),
                Place::Loose(group) => vec![analysis.loose_ice_session(group)],
            };
            *known = Some((place, sessions));
        }
        let session = known.as_ref().and_then(|(_, s)| s.get(at));
        cell(analysis, of, session, key, mode, start)
    });
    build(query, rows, SESSION_DEFAULT_COLUMNS, SESSION_DEFINITIONS, cell)
}

fn cell(
    analysis: &Analysis,
    of: SessionRef,
    session: Option<&IceSession>,
    key: &str,
    mode: show::TimeMode,
    start: Nanos,
) -> Cell {
    let none = || ("–".to_owned(), Key::None);
    let number = |n: i64| (n.to_string(), Key::Number(n));
    let text = |t: &str| {
        if t.is_empty() || t == "–" { none() } else { (t.to_owned(), Key::Text(t.to_lowercase())) }
    };
    match key {
        "id" => return number(i64::from(of.id)),
        "call" => return of.call().map_or_else(none, |c| number(i64::from(c.0) + 1)),
        _ => {}
    }
    let Some(s) = session else { return none() };
    let time = |t: Option<Nanos>| t.map_or_else(none, |t| (show::duration(t), Key::Number(t)));
    match key {
        "role" => return text(s.role_a.map_or("", |r| r.name())),
        "generation" => return text(syntax_words(s.generation)),
        "state" => return (state_words(s.state).to_owned(), Key::Text(s.state.name().to_owned())),
        _ => {}
    }
    let row = session_row(analysis, of.id, s);
    match key {
        "a" => text(&row.a),
        "b" => text(&row.b),
        "media" => text(&row.media),
        "path" => text(&row.path),
        "dialect" => text(row.dialect),
        "connect" => time(row.connect),
        "first_media" => time(row.first_media),
        "candidates" => {
            let (a, b) = row.candidates;
            (format!("{a} × {b}"), Key::Number((a + b) as i64))
        }
        "pairs" => {
            let bad = row.failed + row.unanswered;
            let words = format!("✓{} ✗{bad} –{}", row.succeeded, row.not_checked);
            (words, Key::Number(row.succeeded as i64))
        }
        "checks" => number(row.checks as i64),
        "conflicts" => number(i64::from(row.role_conflicts)),
        "media_packets" => number(i64::try_from(row.media_packets).unwrap_or(i64::MAX)),
        "start" => row.start.map_or_else(none, |t| (show::time_short(t, mode, start, t), Key::Number(t))),
        _ => none(),
    }
}

#[cfg(test)]
mod tests;
