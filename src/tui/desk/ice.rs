//! ICE sessions and TURN allocations for the screens: rows, pair boards, and lists that lead to frames.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::capture::{FrameRef, Nanos};
use crate::correlate::ice::{IceIndex, IcePair, IceSession, IceState, Sources};
use crate::correlate::stun::{AllocationIdx, AllocationState, StunOwner, StunRecord};
use crate::correlate::{Analysis, CallIdx, MsgIdx, Owner};
use crate::tui::state::{ListTable, Listing, ListingOf, PairKey, Subject, TableKind, Target};
use crate::tui::widgets::text;
use crate::view::allocation::{self, messages_of};
use crate::view::filter::Filter;
use crate::view::ice::{self, Board, Place, SessionRef, SideTable};
use crate::view::lists::{Known, Lead, ListKind, Lists, Part};
use crate::view::rows::{Lines, Query, Stop};
use crate::view::show::{self, TimeMode};
use crate::view::table::{Align, Column, Table};

pub use crate::view::allocation::allocation_lines_of;

/// Up to so many sessions stand worst first; of more the state is worked out only of those on the screen.
pub const WORST_FIRST: usize = 3_000;
/// Messages of one pair or allocation that are listed.
const MOST_MESSAGES: usize = 10_000;

/// What of the analysis is gathered once and used for many requests.
#[derive(Debug, Default)]
pub struct Cache {
    index: Mutex<Option<(Stamp, Arc<IceIndex>)>>,
    sources: Mutex<Option<(Stamp, Arc<Sources>)>>,
    lists: Mutex<Option<(Stamp, Arc<Known>)>>,
    states: Mutex<Option<(Stamp, States)>>,
}

/// How sessions ended, by their numbers, as far as it was worked out.
type States = HashMap<u32, Option<IceState>>;

/// Tells whether something came since.
type Stamp = (u64, usize, usize, u64);

impl Cache {
    /// Numbers of all sessions.
    pub fn index(&self, analysis: &Analysis) -> Arc<IceIndex> {
        fresh(&self.index, analysis, Analysis::ice_index)
    }

    /// Sign-ins, subscriptions, conferences, instant messages, and with them the findings.
    pub fn lists<'a>(&self, analysis: &'a Analysis) -> Lists<'a> {
        Lists::with(analysis, fresh(&self.lists, analysis, |_| Known::default()))
    }

    /// A filter that asks for findings takes those that are known.
    pub fn prepare(&self, analysis: &Analysis, filter: Option<&Filter>) {
        if let Some(filter) = filter.filter(|f| f.asks_findings()) {
            filter.know(self.lists(analysis).diagnosis());
        }
    }

    /// Where addresses of candidates come from.
    fn sources(&self, analysis: &Analysis) -> Arc<Sources> {
        fresh(&self.sources, analysis, Sources::new)
    }

    /// How each of some sessions ended. What was known before is not worked out again, also if that was stopped midway;
    /// none: it is stopped now.
    fn states(&self, analysis: &Analysis, rows: &[SessionRef], stop: &Stop) -> Option<Vec<Option<IceState>>> {
        let now = stamp(analysis);
        let slot = || self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known =
            slot().take().filter(|(of, _)| *of == now).map(|(_, known)| known).unwrap_or_default();
        let mut of_call: Option<(CallIdx, Vec<IceSession>)> = None;
        for of in rows {
            if stop.is_set() {
                break;
            }
            known.entry(of.id).or_insert_with(|| match of.place {
                Place::Call(call, n) => {
                    if of_call.as_ref().is_none_or(|(c, _)| *c != call) {
                        of_call = Some((call, analysis.ice_sessions_of(call)));
                    }
                    of_call.as_ref().and_then(|(_, all)| all.get(n as usize)).map(|s| s.state)
                }
                Place::Loose(group) => Some(analysis.loose_ice_session(group).state),
            });
        }
        let all = rows.iter().map(|of| known.get(&of.id).copied()).collect();
        *slot() = Some((now, known));
        all
    }
}

fn stamp(analysis: &Analysis) -> Stamp {
    let frames = analysis.captures.iter().map(|c| c.frames).sum();
    (analysis.revision(), analysis.messages.len(), analysis.stun.records.len(), frames)
}

/// What is known, if nothing came since; else it is made anew.
fn fresh<T>(
    slot: &Mutex<Option<(Stamp, Arc<T>)>>,
    analysis: &Analysis,
    make: impl FnOnce(&Analysis) -> T,
) -> Arc<T> {
    let stamp = stamp(analysis);
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, known)) = slot.as_ref().filter(|(of, _)| *of == stamp) {
        return known.clone();
    }
    let made = Arc::new(make(analysis));
    *slot = Some((stamp, made.clone()));
    made
}

/// The session of a board.
#[derive(Debug, Clone)]
pub struct SessionData {
    pub of: SessionRef,
    /// Who, in which role and dialect, and of which call.
    pub title: String,
    pub times: String,
    /// How it ended, and by which path.
    pub state: String,
    pub boards: Vec<Board>,
    pub why: Vec<String>,
    pub session: IceSession,
}

impl SessionData {
    pub fn pair_words(&self, p: &IcePair) -> String {
        ice::pair_title(&self.session, p)
    }
}

/// The sessions of a query; without an order of its own the worst come first, where they are not too many.
pub fn session_lines<'a>(analysis: &'a Analysis, cache: &Cache, query: &Query) -> Lines<'a, SessionRef> {
    let index = cache.index(analysis);
    let mut rows = ice::session_refs(analysis, &index, query.filter.as_ref(), &query.stop);
    let by_state = query.sort.as_ref().filter(|(key, _)| key == "state").map(|(_, descending)| *descending);
    if (by_state.is_some() || query.sort.is_none() && rows.len() <= WORST_FIRST)
        && let Some(states) = cache.states(analysis, &rows, &query.stop)
    {
        let mut keyed: Vec<(Option<IceState>, SessionRef)> = states.into_iter().zip(rows).collect();
        match by_state {
            // By the word, as every column of text.
            Some(descending) => keyed.sort_by(|(a, _), (b, _)| match (a, b) {
                (Some(a), Some(b)) if descending => b.name().cmp(a.name()),
                (Some(a), Some(b)) => a.name().cmp(b.name()),
                _ => a.is_none().cmp(&b.is_none()),
            }),
            None => keyed.sort_by_key(|(state, _)| rank(*state)),
        }
        rows = keyed.into_iter().map(|(_, of)| of).collect();
        return ice::session_lines_of(analysis, &Query { sort: None, ..query.clone() }, rows);
    }
    ice::session_lines_of(analysis, query, rows)
}

fn rank(state: Option<IceState>) -> u8 {
    match state {
        Some(IceState::Failed) => 0,
        Some(IceState::Incomplete) => 1,
        Some(IceState::Connected) => 2,
        Some(IceState::NotStarted) => 3,
        None => 4,
    }
}

/// The allocations of a query; without an order of its own those that failed come first.
pub fn allocation_lines<'a>(analysis: &'a Analysis, query: &Query) -> Lines<'a, AllocationIdx> {
    let mut rows = allocation::matching(analysis, query.filter.as_ref());
    if query.sort.is_none() {
        let now = analysis.newest_time();
        let state = |i: &AllocationIdx| analysis.stun.allocations.get(i.0 as usize).map(|a| a.state(now));
        rows.sort_by_key(|i| match state(i) {
            Some(AllocationState::Rejected) => 0,
            Some(AllocationState::Unanswered) => 1,
            Some(AllocationState::Expired) => 2,
            _ => 3,
        });
    }
    allocation_lines_of(analysis, query, rows)
}

pub(super) fn sessions_of(analysis: &Analysis, cache: &Cache, owners: &[Owner]) -> Vec<u32> {
    let index = cache.index(analysis);
    let calls = owners.iter().filter_map(|o| match o {
        Owner::Call(call) => Some(*call),
        Owner::Dialog(_) => None,
    });
    calls.flat_map(|call| index.of_call(call)).collect()
}

/// What a frame with STUN in it, or a SIP message of a call, belongs to.
pub(super) fn of_frame(
    analysis: &Analysis,
    cache: &Cache,
    frame: FrameRef,
) -> (Vec<u32>, Option<AllocationIdx>) {
    let owner = analysis.stun.records.iter().find(|r| r.frame() == frame).map(StunRecord::owner);
    match owner {
        Some(StunOwner::Check(group)) => {
            (analysis.ice_sessions_of_group(&cache.index(analysis), group).collect(), None)
        }
        Some(StunOwner::Allocation(allocation)) => (Vec::new(), Some(allocation)),
        _ => {
            let owners = analysis.messages_in_frame(frame).first().map(|m| analysis.message(*m).owner);
            (sessions_of(analysis, cache, owners.as_slice()), None)
        }
    }
}

fn find(analysis: &Analysis, cache: &Cache, id: u32, place: Option<Place>) -> Option<SessionRef> {
    match place {
        Some(place) => Some(SessionRef { id, place }),
        None => ice::session_ref(&cache.index(analysis), id),
    }
}

pub(super) fn session(
    analysis: &Analysis,
    cache: &Cache,
    id: u32,
    place: Option<Place>,
) -> Option<SessionData> {
    let of = find(analysis, cache, id, place)?;
    let session = ice::session(analysis, of)?;
    let mut why = ice::why(analysis, &session);
    why.extend(ice::relay_credentials(analysis, &cache.lists(analysis), &session));
    Some(SessionData {
        of,
        title: title(analysis, &session),
        times: ice::times(&session),
        state: state(analysis, &session),
        boards: ice::boards(analysis, &session),
        why,
        session,
    })
}

fn title(analysis: &Analysis, s: &IceSession) -> String {
    let row = ice::session_row(analysis, 0, s);
    let roles = match row.role_a {
        // What one is the other is not.
        Some("controlling") => [" controlling", ""],
        Some(_) => ["", " controlling"],
        None => ["", ""],
    };
    let call = s.call.map_or(String::new(), |c| format!("Call {}  ", u64::from(c.0) + 1));
    let media = if row.media.is_empty() { String::new() } else { format!("  {}", row.media) };
    format!("{call}{}{}  ×  {}{}{media}  {}", row.a, roles[0], row.b, roles[1], row.dialect)
}

fn state(analysis: &Analysis, s: &IceSession) -> String {
    let words = ice::state_words(s.state);
    match ice::path_words(analysis, s) {
        path if s.state == IceState::Connected && !path.is_empty() => format!("{words}, {path}"),
        _ => words.to_owned(),
    }
}

pub(super) fn owners_of(analysis: &Analysis, cache: &Cache, kind: TableKind, id: u32) -> Vec<Owner> {
    match kind {
        TableKind::Sessions => {
            let call = find(analysis, cache, id, None).and_then(SessionRef::call);
            call.map(Owner::Call).into_iter().collect()
        }
        TableKind::Allocations => {
            let mut calls = analysis.calls_by_allocation();
            let calls = calls.get_mut(id as usize).map(std::mem::take).unwrap_or_default();
            owners(calls)
        }
        TableKind::List(kind) => kind.owners(analysis, &cache.lists(analysis), id),
        TableKind::Calls | TableKind::Dialogs => kind.owner(id).into_iter().collect(),
    }
}

fn owners(calls: impl IntoIterator<Item = CallIdx>) -> Vec<Owner> {
    calls.into_iter().map(Owner::Call).collect()
}

fn row(analysis: &Analysis, cache: &Cache, kind: ListKind, row: u32, mode: TimeMode) -> Option<Listing> {
    let lists = cache.lists(analysis);
    let told = kind.detail(analysis, &lists, row, mode)?;
    let target = |lead: &Lead| Target {
        subject: lead.message.map(Subject::Message).or(lead.frame.map(Subject::Frame)),
        allocation: None,
        bad: lead.bad,
    };
    let table = |part: Part| {
        let targets = part.leads.iter().map(target).collect();
        list_table(part.title, part.table, targets)
    };
    let tables = told.parts.into_iter().map(table).collect();
    let plot = kind.plot(analysis, &lists, row);
    Some(Listing { title: told.title, head: told.head, tables, owners: told.owners, plot })
}

pub(super) fn listing(analysis: &Analysis, cache: &Cache, of: ListingOf, time: TimeMode) -> Listing {
    let found = match of {
        ListingOf::Checks(place, key) => checks(analysis, place, key, time),
        ListingOf::Candidates(place) => candidates(analysis, cache, place),
        ListingOf::Allocation(index) => allocation(analysis, cache, index, time),
        ListingOf::Row(kind, at) => row(analysis, cache, kind, at, time),
    };
    found.unwrap_or_else(|| Listing { title: "This is no more.".to_owned(), ..Listing::default() })
}

fn list_table(title: String, table: Table, targets: Vec<Target>) -> ListTable {
    let width = |i: usize, column: &Column| {
        let cells = table.rows.iter().filter_map(|r| r.get(i)).map(|cell| text::width(cell));
        cells.max().unwrap_or(0).max(text::width(&column.title)).min(200) as u16
    };
    let widths = table.columns.iter().enumerate().map(|(i, c)| width(i, c)).collect();
    ListTable { title, table, widths, targets }
}

fn checks(analysis: &Analysis, place: Place, key: PairKey, mode: TimeMode) -> Option<Listing> {
    let session = ice::session(analysis, SessionRef { id: 0, place })?;
    let pair = session.pairs.iter().find(|p| PairKey::of(p) == key)?;
    let [a, b] = ice::parties(analysis, &session);
    let rows = ice::checks_of_pair(analysis, pair);
    let mut asked: HashMap<(u32, u32), Nanos> = HashMap::new();
    let start = session.answered.or(session.first_check).unwrap_or_default();
    let mut before = start;
    let mut cells = Vec::new();
    let mut targets = Vec::new();
    for row in rows.iter().take(MOST_MESSAGES) {
        let record = analysis.stun.record(row.index)?;
        let flow = analysis.flow(record.flow);
        // The same transaction passes on both sides of a relay; each has a time of its own.
        let of = |src: std::net::SocketAddr, dst: std::net::SocketAddr| {
            analysis.find_flow(src, dst, flow.transport).map_or(u32::MAX, |f| f.0)
        };
        let took = if row.is_request {
            asked.insert((record.transaction, record.flow.0), row.time);
            None
        } else {
            asked
                .get(&(record.transaction, of(flow.dst, flow.src)))
                .map(|t| row.time.saturating_sub(*t).max(0))
        };
        let (from, to) = if row.from_a { (&a, &b) } else { (&b, &a) };
        cells.push(vec![
            show::time(row.time, mode, start, before),
            format!("{from} → {to}"),
            row.text.clone(),
            took.map(show::duration).unwrap_or_default(),
            row.outer.as_deref().map_or("", |o| o.trim_start_matches("through the relay: ")).to_owned(),
            row.frame.frame.to_string(),
        ]);
        before = row.time;
        targets.push(Target {
            subject: Some(Subject::Frame(row.frame)),
            allocation: None,
            bad: record.error != 0,
        });
    }
    let columns = vec![
        Column::new("time", "Time", Align::Right, 0),
        Column::new("way", "From → to", Align::Left, 1),
        Column::new("what", "What", Align::Left, 0),
        Column::new("rtt", "RTT", Align::Right, 1),
        Column::new("wire", "Through the relay", Align::Left, 3),
        Column::new("frame", "Frame", Align::Right, 2),
    ];
    let shown = cells.len();
    let title = match rows.len() {
        0 => "No check of this pair is in the capture.".to_owned(),
        n if n > shown => {
            format!("the first {} of {} messages", show::number(shown as u64), show::number(n as u64))
        }
        n => show::count(n as u64, "message", "messages"),
    };
    Some(Listing {
        title: ice::pair_title(&session, pair),
        head: pair_facts(pair, [&a, &b]),
        tables: vec![list_table(title, Table { columns, rows: cells }, targets)],
        owners: owners(session.call),
        plot: None,
    })
}

/// What became of a pair, in figures.
fn pair_facts(p: &IcePair, [a, b]: [&str; 2]) -> Vec<String> {
    let of = |name: &str, (asked, answered): (u32, u32)| match asked {
        0 => format!("{name} sent no check"),
        n => format!("{name} sent {}, {answered} answered", show::count(u64::from(n), "check", "checks")),
    };
    let mut facts = vec![of(a, p.from_a), of(b, p.from_b)];
    if let Some(r) = p.rtt {
        let mean = r.sum / Nanos::from(r.count.max(1));
        facts.push(format!(
            "RTT {} (mean; {} to {})",
            show::duration(mean),
            show::duration(r.min),
            show::duration(r.max)
        ));
    }
    if p.nominated {
        facts.push("nominated".to_owned());
    }
    if p.media_packets > 0 {
        facts.push(show::count(p.media_packets, "media packet", "media packets"));
    }
    vec![format!("{}.", facts.join(" · "))]
}

fn candidates(analysis: &Analysis, cache: &Cache, place: Place) -> Option<Listing> {
    let session = ice::session(analysis, SessionRef { id: 0, place })?;
    let sources = cache.sources(analysis);
    let mut tables = Vec::new();
    for is_a in [true, false] {
        let side = if is_a { &session.a } else { &session.b };
        for told in ice::side_table(analysis, &sources, &session, is_a) {
            let target = |row: &ice::CandidateRow| Target {
                subject: side.message.map(Subject::Message),
                allocation: row.allocation,
                bad: !row.issues.is_empty(),
            };
            let targets = told.rows.iter().map(target).collect();
            tables.push(list_table(side_title(&told), told.table(), targets));
        }
    }
    Some(Listing {
        title: title(analysis, &session),
        head: Vec::new(),
        tables,
        owners: owners(session.call),
        plot: None,
    })
}

fn side_title(told: &SideTable) -> String {
    let mut title = told.title.clone();
    if !told.ufrag.is_empty() {
        title.push_str(&format!("   ufrag {}", told.ufrag));
    }
    if told.not_kept > 0 {
        title.push_str(&format!("   {} more over a limit", told.not_kept));
    }
    title
}

fn allocation(analysis: &Analysis, cache: &Cache, index: AllocationIdx, mode: TimeMode) -> Option<Listing> {
    let mut calls = analysis.calls_by_allocation();
    let calls = calls.get_mut(index.0 as usize).map(std::mem::take).unwrap_or_default();
    let told = allocation::allocation_detail(analysis, &cache.lists(analysis), index, &calls)?;
    let mut head = vec![told.outcome.clone()];
    head.extend(told.facts.iter().map(|(label, value)| format!("{label}: {value}")));
    if !calls.is_empty() {
        let names: Vec<String> = calls.iter().take(8).map(|c| (u64::from(c.0) + 1).to_string()).collect();
        let more = if calls.len() > 8 { format!(" and {} more", calls.len() - 8) } else { String::new() };
        head.push(format!("Calls with a candidate of it: {}{more}", names.join(", ")));
    }
    let rounds = told.rounds.iter().map(|r| Target {
        subject: r.response.or(r.request).map(Subject::Frame),
        allocation: None,
        bad: r.bad,
    });
    let rounds: Vec<Target> = rounds.collect();
    let title = |what: &str, n: usize, more: u32| match (n, more) {
        (0, _) => format!("{what}: none in this capture"),
        (n, 0) => format!("{what}: {n}"),
        (n, more) => format!("{what}: {n}, {more} more over a limit"),
    };
    let mut tables = vec![list_table(
        title("Rounds", told.rounds.len(), told.rounds_not_kept),
        told.round_table(),
        rounds,
    )];
    if let Some(from) = &told.credentials {
        let columns = vec![
            Column::new("sign_in", "Sign-in", Align::Right, 0),
            Column::new("user", "User", Align::Left, 0),
            Column::new("frame", "Frame", Align::Right, 0),
            Column::new("how", "Credentials", Align::Left, 1),
        ];
        let row = vec![
            (from.sign_in + 1).to_string(),
            from.user.clone(),
            from.frame.frame.to_string(),
            from.text.clone(),
        ];
        let lead = Target { subject: Some(Subject::Frame(from.frame)), ..Target::default() };
        tables.push(list_table("Credentials".to_owned(), Table { columns, rows: vec![row] }, vec![lead]));
    }
    let peers = vec![Target::default(); told.peers.len()];
    tables.push(list_table(title("Peers", told.peers.len(), 0), told.peer_table(), peers));
    let a = analysis.stun.allocations.get(index.0 as usize)?;
    let messages = messages_of(analysis, index, MOST_MESSAGES);
    let mut before = a.first;
    let mut rows = Vec::new();
    for m in &messages {
        rows.push(vec![
            show::time(m.time, mode, a.first, before),
            if m.from_client { "client →" } else { "← server" }.to_owned(),
            format!("{}{}", m.text, if m.retransmission { ", sent again" } else { "" }),
            m.frame.frame.to_string(),
        ]);
        before = m.time;
    }
    let targets = messages
        .iter()
        .map(|m| Target {
            subject: Some(Subject::Frame(m.frame)),
            allocation: None,
            bad: analysis.stun.record(m.index).is_some_and(|r| r.error != 0 && !matches!(r.error, 401 | 438)),
        })
        .collect();
    let columns = vec![
        Column::new("time", "Time", Align::Right, 0),
        Column::new("way", "Who", Align::Left, 0),
        Column::new("what", "What", Align::Left, 0),
        Column::new("frame", "Frame", Align::Right, 2),
    ];
    let more = a.message_count.saturating_sub(u32::try_from(messages.len()).unwrap_or(u32::MAX));
    let table = Table { columns, rows };
    tables.push(list_table(title("Messages, media not among them", messages.len(), more), table, targets));
    Some(Listing { title: told.title, head, tables, owners: owners(calls), plot: None })
}

/// The candidates of a message as lines short enough for a side pane: every generation it carries, the main part first.
pub(super) fn candidates_in(analysis: &Analysis, cache: &Cache, message: MsgIdx) -> Vec<String> {
    let mut all = ice::offered(analysis, message, || cache.sources(analysis));
    all.sort_by_key(|told| told.fallback);
    let mut out = Vec::new();
    for told in all {
        if !out.is_empty() {
            out.push(String::new());
        }
        let title = side_title(&told);
        out.extend(title.split("   ").map(str::to_owned));
        for row in &told.rows {
            let kind = if row.inferred.is_some() { format!("~{}", row.kind) } else { row.kind.clone() };
            out.push(format!("{kind:<6} {} {} {}", row.component, row.transport, row.address));
            let mut more = vec![format!("priority {}", row.priority)];
            if !row.priority_words.is_empty() {
                more.push(row.priority_words.clone());
            }
            if !row.related.is_empty() {
                more.push(format!("base {}", row.related));
            }
            if !row.source.is_empty() {
                more.push(format!("from {}", row.source));
            }
            let remarks = row.remarks_text();
            if !remarks.is_empty() {
                more.push(remarks);
            }
            out.extend(more.into_iter().map(|line| format!("       {line}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::scenario::ice::through_bobs_relay;

    /// One session that connected, one whose check was not answered yet.
    fn two() -> Analysis {
        let mut s = through_bobs_relay();
        s.check(6100, "10.0.0.99:4000>192.0.2.66:6000", "q1", ["far", "near"], true);
        s.done()
    }

    fn sorted(analysis: &Analysis, cache: &Cache, sort: Option<(&str, bool)>) -> Vec<u32> {
        let sort = sort.map(|(key, descending)| (key.to_owned(), descending));
        let lines = session_lines(analysis, cache, &Query { sort, ..Query::default() });
        lines.rows.iter().map(|of| of.id).collect()
    }

    #[test]
    fn states_are_worked_out_once() {
        let analysis = two();
        let cache = Cache::default();
        assert_eq!(sorted(&analysis, &cache, None), [2, 1], "worst first");
        // What is known by now is all that is asked.
        let known = Some(IceState::Failed);
        if let Some((_, states)) = cache.states.lock().unwrap().as_mut() {
            assert_eq!(states.get(&1), Some(&Some(IceState::Connected)));
            states.insert(1, known);
        }
        assert_eq!(sorted(&analysis, &cache, None), [1, 2]);
        // Until something comes.
        let mut s = through_bobs_relay();
        s.check(6100, "10.0.0.99:4000>192.0.2.66:6000", "q1", ["far", "near"], true);
        s.check(6200, "10.0.0.99:4000>192.0.2.66:6000", "q1", ["far", "near"], true);
        assert_eq!(sorted(&s.done(), &cache, None), [2, 1]);
    }

    /// A call without an answer is told only once nothing more can come; no frame comes with that.
    #[test]
    fn the_end_of_reading_makes_findings_anew() {
        use std::ops::ControlFlow;
        use std::sync::RwLock;

        use crate::capture::Input;
        use crate::correlate::load::{LoadOptions, load};
        use crate::diagnose::diagnose;

        let tour = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/tour.pcapng");
        let (analysis, cache) = (RwLock::new(Analysis::default()), Cache::default());
        let titles = |a: &Analysis| -> Vec<String> {
            cache.lists(a).diagnosis().findings.iter().map(|f| f.title.clone()).collect()
        };
        let mut asked = None;
        load(&[Input::Path(tour)], &LoadOptions::default(), &analysis, &mut |_| {
            // As the screen does while it loads.
            analysis.write().unwrap().refresh();
            let told = titles(&analysis.read().unwrap());
            asked.get_or_insert(told);
            ControlFlow::Continue(())
        });
        let analysis = analysis.into_inner().unwrap();
        let now: Vec<String> = diagnose(&analysis).findings.into_iter().map(|f| f.title).collect();
        let asked = asked.expect("asked while it loaded");
        assert!(asked.len() < now.len(), "one call was still trying: {asked:?}");
        assert_eq!(titles(&analysis), now);
    }

    #[test]
    fn the_order_by_state_is_that_of_its_words() {
        let analysis = two();
        let cache = Cache::default();
        for descending in [false, true] {
            let query = Query { sort: Some(("state".to_owned(), descending)), ..Query::default() };
            let plain: Vec<u32> = ice::session_lines(&analysis, &query).rows.iter().map(|of| of.id).collect();
            assert_eq!(sorted(&analysis, &cache, Some(("state", descending))), plain);
        }
    }

    #[test]
    fn what_is_stopped_works_nothing_out_and_keeps_what_is_known() {
        let analysis = two();
        let cache = Cache::default();
        let rows = ice::session_refs(&analysis, &cache.index(&analysis), None, &Stop::default());
        let stop = Stop::default();
        assert!(cache.states(&analysis, &rows[..1], &stop).is_some());
        stop.set();
        assert_eq!(cache.states(&analysis, &rows, &stop), None);
        assert_eq!(cache.states.lock().unwrap().as_ref().map(|(_, known)| known.len()), Some(1));
    }
}
