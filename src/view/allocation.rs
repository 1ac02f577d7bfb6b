//! TURN allocations as every output shows them: rows of a table, and one in detail.

mod credentials;

use std::cell::OnceCell;

use callscope_parsers::stun::words::error_words;
use callscope_parsers::stun::{Class, Dialect, MessageType, Method};

use super::filter::Filter;
use super::rows::{Cell, Definition, Key, Lines, Query, build, columns};
use super::show::relay::{cut, error_text, times};
use super::show::{self};
use super::table::{Align, Column, Table};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::gathered::Gathered;
use crate::correlate::stun::{Allocation, AllocationIdx, AllocationState, Peer, Round, StunIdx, stun_flag};
use crate::correlate::{Analysis, CallIdx, Str};

pub use credentials::{Credentials, credentials_of};

pub use super::show::relay::{failed, outcome, refusal, refusal_sentence, story};

fn dialect_words(a: &Allocation) -> &'static str {
    match a.dialect {
        Dialect::MsTurn => "MS-TURN",
        Dialect::Rfc5389 | Dialect::MsIce2 => "TURN",
        Dialect::Google => "TURN (Google)",
        Dialect::Classic | Dialect::MsIce => "TURN (old draft)",
    }
}

columns! { ALLOCATION_HELP ALLOCATION_DEFINITIONS
    "id" "#" Right 0 "number of the allocation, as `--allocation` takes it",
    "start" "Start" Left 4 "time of the first message",
    "client" "Client" Left 0 "client's address where the capture was made",
    "server" "Server" Left 1 "TURN server",
    "transport" "Over" Left 2 "transport between client and server",
    "outcome" "Outcome" Left 0 "allocated, released, expired, refused and why, relay unreachable, no answer",
    "rounds" "Rounds" Left 2 "401 → success …",
    "relayed" "Relayed" Left 1 "address the server gave out: the relay candidate",
    "mapped" "Mapped" Left 3 "client's address as the server sees it",
    "nat" "NAT" Left 4 "whether the two differ",
    "peers" "Peers" Right 5 "peers the client talked to through it",
    "packets" "Packets" Right 4 "out / in, as the client sees it",
    "calls" "Calls" Left 3 "calls with a candidate of it",
    "lifetime" "Lifetime" Right 6 "granted last",
    "refreshes" "Refreshes" Right 6 "how often it was refreshed",
    "user" "User" Left 6 "user name",
    "realm" "Realm" Left 6 "realm of the credentials",
    "software" "Software" Left 6 "what the server calls itself",
    "dialect" "Dialect" Left 6 "TURN or MS-TURN",
    "messages" "Msgs" Right 6 "messages of its own, media not among them",
    "bytes" "Bytes" Right 6 "out / in, through the relay",
    "state" "State" Left 6 "allocated, released, expired, rejected, unanswered",
    "error" "Error" Left 6 "last error and what it means",
}

/// Every column of the allocations table: key, title, meaning; those shown by default first.
pub fn allocation_columns() -> &'static [(&'static str, &'static str, &'static str)] {
    ALLOCATION_HELP
}

/// How many of [`allocation_columns`] are shown by default.
pub const ALLOCATION_DEFAULT_COLUMNS: usize = 13;

/// Those that match, by themselves or by a call they belong to.
pub fn matching(analysis: &Analysis, filter: Option<&Filter>) -> Vec<AllocationIdx> {
    let all = (0..analysis.stun.allocations.len() as u32).map(AllocationIdx);
    let Some(filter) = filter else { return all.collect() };
    let calls = analysis.calls_by_allocation();
    let of = |i: AllocationIdx| calls.get(i.0 as usize).map_or(&[][..], Vec::as_slice);
    all.filter(|&i| filter.matches_allocation(analysis, i, of(i))).collect()
}

/// The allocations that match, a row at a time.
pub fn allocation_lines<'a>(analysis: &'a Analysis, query: &Query) -> Lines<'a, AllocationIdx> {
    allocation_lines_of(analysis, query, matching(analysis, query.filter.as_ref()))
}

/// Given allocations, in the order of the query if it has one; its filter is not asked.
pub fn allocation_lines_of<'a>(
    analysis: &'a Analysis,
    query: &Query,
    rows: Vec<AllocationIdx>,
) -> Lines<'a, AllocationIdx> {
    // Reads the SDP of all calls with ICE, and so only where the column is shown.
    let calls: OnceCell<Vec<Vec<CallIdx>>> = OnceCell::new();
    let mode = query.time;
    let start = analysis.stun.allocations.first().map_or(0, |a| a.first);
    let cell = Box::new(move |&i: &AllocationIdx, key: &str, previous: Option<&AllocationIdx>| {
        let Some(a) = analysis.stun.allocations.get(i.0 as usize) else { return none() };
        match key {
            "id" => number(i64::from(i.0) + 1),
            "calls" => {
                let all = calls.get_or_init(|| analysis.calls_by_allocation());
                let of = all.get(i.0 as usize).map_or(&[][..], Vec::as_slice);
                let Some(first) = of.first() else { return none() };
                (call_list(of), Key::Number(i64::from(first.0)))
            }
            "start" => {
                let before = previous.and_then(|p| analysis.stun.allocations.get(p.0 as usize));
                let text = show::time_short(a.first, mode, start, before.map_or(a.first, |p| p.first));
                (text, Key::Number(a.first))
            }
            _ => cell(analysis, a, key),
        }
    });
    build(query, rows, ALLOCATION_DEFAULT_COLUMNS, ALLOCATION_DEFINITIONS, cell)
}

fn call_list(calls: &[CallIdx]) -> String {
    let shown: Vec<String> = calls.iter().take(4).map(|c| (u64::from(c.0) + 1).to_string()).collect();
    let more = if calls.len() > 4 { format!(" +{}", calls.len() - 4) } else { String::new() };
    shown.join(", ") + &more
}

fn none() -> Cell {
    ("–".to_owned(), Key::None)
}

fn number(n: i64) -> Cell {
    (n.to_string(), Key::Number(n))
}

fn text(t: String) -> Cell {
    let key = t.to_lowercase();
    if key.is_empty() { none() } else { (t, Key::Text(key)) }
}

fn cell(analysis: &Analysis, a: &Allocation, key: &str) -> Cell {
    let named = |address| match show::machine(analysis, address) {
        Some(name) => format!("{name} {address}"),
        None => address.to_string(),
    };
    let interned = |s: Str| text(show::shorten(&show::safe(analysis.strings.bytes(s)), 60));
    let sum = |f: fn(&Peer) -> u64| a.peers.iter().map(f).sum::<u64>();
    let both = |sent: u64, received: u64, show: fn(u64) -> String| {
        let key = Key::Number(i64::try_from(sent.saturating_add(received)).unwrap_or(i64::MAX));
        (format!("{} / {}", show(sent), show(received)), key)
    };
    match key {
        "client" => text(named(a.client)),
        "server" => text(named(a.server)),
        "transport" => text(a.transport.name().to_owned()),
        "outcome" => text(outcome(analysis, a)),
        "state" => text(a.state(analysis.newest_time()).name().to_owned()),
        "rounds" => text(story(a)),
        "relayed" => a.relayed.map_or_else(none, |r| text(r.to_string())),
        "mapped" => a.mapped.map_or_else(none, |r| text(r.to_string())),
        "nat" => a.nat().map_or_else(none, |n| text(if n { "yes" } else { "no" }.to_owned())),
        "peers" => number(a.peers.len() as i64),
        "packets" => both(sum(|p| p.sent_packets), sum(|p| p.received_packets), show::number),
        "bytes" => both(sum(|p| p.sent_bytes), sum(|p| p.received_bytes), show::size),
        "lifetime" => a.lifetime.map_or_else(none, |s| (format!("{s} s"), Key::Number(i64::from(s)))),
        "refreshes" => number(i64::from(a.refreshes)),
        "user" => interned(a.username),
        "realm" => interned(a.realm),
        "software" => interned(a.software),
        "dialect" => text(dialect_words(a).to_owned()),
        "messages" => number(i64::from(a.message_count)),
        "error" => a.error.map_or_else(none, |(code, reason)| text(error_text(analysis, code, reason, a))),
        _ => none(),
    }
}

/// One allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationDetail {
    /// `Allocation 5: 10.0.0.1:4000 at TURN server 10.0.0.9:3478 over UDP, MS-TURN`.
    pub title: String,
    /// What became of it, in a sentence.
    pub outcome: String,
    /// Label and value.
    pub facts: Vec<(&'static str, String)>,
    /// Where its credentials are from.
    pub credentials: Option<Credentials>,
    pub rounds: Vec<RoundRow>,
    /// Rounds beyond those kept.
    pub rounds_not_kept: u32,
    pub peers: Vec<PeerRow>,
    pub calls: Vec<CallIdx>,
}

/// A request of the allocation's own life with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundRow {
    pub request: Option<FrameRef>,
    pub response: Option<FrameRef>,
    /// Of the request, else of the answer.
    pub time: Option<Nanos>,
    /// Between them.
    pub took: Option<Nanos>,
    /// `Allocate with credentials`, `Refresh`, `Refresh to 0 s: release`.
    pub asked: String,
    /// `success`, `401 Unauthorized: challenge, normal`, `no answer, sent 7 times`.
    pub answered: String,
    /// Whether it is what went wrong.
    pub bad: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRow {
    pub address: String,
    /// `channel 0x4001, permission, active destination`.
    pub state: String,
    pub sent_packets: u64,
    pub received_packets: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
}

/// Everything of one allocation; `calls` as [`Analysis::calls_by_allocation`] has them.
pub fn allocation_detail(
    analysis: &Analysis,
    gathered: &Gathered<'_>,
    index: AllocationIdx,
    calls: &[CallIdx],
) -> Option<AllocationDetail> {
    let a = analysis.stun.allocations.get(index.0 as usize)?;
    let title = format!(
        "Allocation {}: {} at {} {} over {}, {}",
        index.0 + 1,
        a.client,
        show::machine(analysis, a.server).unwrap_or_else(|| "TURN server".to_owned()),
        a.server,
        a.transport.name().to_uppercase(),
        dialect_words(a)
    );
    let credentials = credentials_of(analysis, gathered, index);
    Some(AllocationDetail {
        title,
        outcome: outcome_sentence(analysis, a),
        facts: facts(analysis, a, credentials.as_ref()),
        credentials,
        rounds: a.rounds.iter().enumerate().map(|(i, r)| round_row(analysis, a, i, r)).collect(),
        rounds_not_kept: a.rounds_not_kept,
        peers: a.peers.iter().map(|p| peer_row(a.dialect, p)).collect(),
        calls: calls.to_vec(),
    })
}

fn outcome_sentence(analysis: &Analysis, a: &Allocation) -> String {
    let now = analysis.newest_time();
    let live = a.allocated_at.map(|t| t.saturating_sub(a.first).max(0));
    match a.state(now) {
        AllocationState::Allocated if a.rounds.is_empty() => {
            "In use; it was made before the capture began.".to_owned()
        }
        AllocationState::Allocated => {
            let took =
                live.map_or(String::new(), |t| format!(", {} after the first request", show::duration(t)));
            format!("Granted{took}, and still there when the capture ends.")
        }
        AllocationState::Released => "Granted, and released by the client.".to_owned(),
        AllocationState::Expired => match a.lifetime {
            Some(s) => format!("Granted, and run out: no refresh within its {s} s."),
            None => "Granted, and run out.".to_owned(),
        },
        AllocationState::Rejected | AllocationState::Unanswered => {
            format!("No relay: {}.", refusal_sentence(analysis, a))
        }
    }
}

fn facts(analysis: &Analysis, a: &Allocation, from: Option<&Credentials>) -> Vec<(&'static str, String)> {
    let interned = |s: Str| (s != Str(0)).then(|| show::safe(analysis.strings.bytes(s)));
    let nat = match (a.nat(), a.mapped) {
        (Some(true), Some(mapped)) => Some(format!("yes: {} is seen as {mapped}", a.client)),
        (Some(false), _) => Some("no: the server sees the client's own address".to_owned()),
        _ => None,
    };
    // [MS-TURN] 2.2.2.7: in a challenge it is where that server itself is reached; with 300 it is another one.
    let sent_on = a.rounds.iter().any(|r| r.error == 300);
    let alternate = match a.dialect {
        Dialect::MsTurn if !sent_on => "Server's own address",
        _ => "Another server",
    };
    let known = [
        ("Relayed", a.relayed.map(|r| r.to_string())),
        ("Mapped", a.mapped.map(|m| m.to_string())),
        ("NAT", nat),
        ("User", interned(a.username)),
        ("Credentials", from.map(|c| c.text.clone())),
        ("Realm", interned(a.realm)),
        ("Software", interned(a.software)),
        ("Lifetime", a.lifetime.map(|s| format!("{s} s, refreshed {}", times_or_never(a.refreshes)))),
        ("Bandwidth", a.bandwidth.map(|b| format!("{b} kbit/s"))),
        (alternate, a.alternate.filter(|s| sent_on || *s != a.server).map(|s| s.to_string())),
        ("Active destination", a.active.map(|p| format!("{p}: what is not STUN on this flow goes there"))),
        ("SIP Call-ID", interned(a.call_id)),
    ];
    known.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

fn times_or_never(n: u32) -> String {
    if n == 0 { "never".to_owned() } else { times(n) }
}

fn round_row(analysis: &Analysis, a: &Allocation, at: usize, r: &Round) -> RoundRow {
    let record = |i: Option<StunIdx>| analysis.stun.record(i?);
    let (request, response) = (record(r.request), record(r.response));
    let name = if r.allocate { "Allocate" } else { "Refresh" };
    let asked = match (r.release, r.credentials) {
        (true, _) => format!("{name} to 0 s: release"),
        (false, true) => format!("{name} with credentials"),
        (false, false) => name.to_owned(),
    };
    let later = a.rounds.get(at + 1..).unwrap_or_default();
    // A challenge that a success follows is how it goes.
    let solved = later.iter().any(|l| l.response.is_some() && l.error == 0);
    let (answered, bad) = match (response.is_some(), r.error) {
        (false, _) => {
            let told = request.and_then(|q| analysis.unreachable(q));
            let last = later.is_empty();
            let why = told.map(|u| show::unreachable(&u)).or_else(|| cut(analysis, a).filter(|_| last));
            let why = why.map_or_else(String::new, |why| format!(", {why}"));
            (format!("no answer, sent {}{why}", times(r.sent)), true)
        }
        (true, 0) => ("success".to_owned(), false),
        (true, 401 | 438) if !r.credentials || solved => {
            let name = if r.error == 401 { "Unauthorized" } else { "Stale Nonce" };
            (format!("{} {name}: challenge, normal", r.error), !solved && later.is_empty())
        }
        (true, code) => {
            let words = error_text(analysis, code, Str(0), a);
            match a.alternate.filter(|_| code == 300) {
                Some(other) => (format!("{words}: {other}"), false),
                None => (words, true),
            }
        }
    };
    RoundRow {
        request: request.map(|r| r.frame()),
        response: response.map(|r| r.frame()),
        time: request.or(response).map(|r| r.time),
        took: request.zip(response).map(|(q, s)| s.time.saturating_sub(q.time).max(0)),
        asked,
        answered,
        bad,
    }
}

fn peer_row(dialect: Dialect, p: &Peer) -> PeerRow {
    let mut state = Vec::new();
    state.extend(p.channel.map(|c| format!("channel 0x{c:04x}")));
    if p.active {
        state.push("active destination".to_owned());
    }
    state.push(match p.permitted {
        true => "permitted".to_owned(),
        // [MS-TURN] knows no CreatePermission: a Send is one.
        false if dialect == Dialect::MsTurn => "nothing came back".to_owned(),
        false => "no permission seen".to_owned(),
    });
    PeerRow {
        address: p.address.to_string(),
        state: state.join(", "),
        sent_packets: p.sent_packets,
        received_packets: p.received_packets,
        sent_bytes: p.sent_bytes,
        received_bytes: p.received_bytes,
    }
}

/// Columns of the rounds, times since the first one, and of the peers: key, title, alignment, rank.
const ROUNDS: [(&str, &str, Align, u8); 6] = [
    ("time", "Time", Align::Right, 2),
    ("asked", "Request", Align::Left, 0),
    ("answered", "Answer", Align::Left, 0),
    ("took", "Took", Align::Right, 3),
    ("request", "Frame", Align::Right, 4),
    ("response", "Frame", Align::Right, 4),
];
const PEERS: [(&str, &str, Align, u8); 6] = [
    ("peer", "Peer", Align::Left, 0),
    ("state", "How", Align::Left, 1),
    ("sent", "Out", Align::Right, 0),
    ("received", "In", Align::Right, 0),
    ("sent_bytes", "Bytes out", Align::Right, 3),
    ("received_bytes", "Bytes in", Align::Right, 3),
];

fn heads(columns: &[(&str, &str, Align, u8)]) -> Vec<Column> {
    columns.iter().map(|&(key, title, align, rank)| Column::new(key, title, align, rank)).collect()
}

impl AllocationDetail {
    pub fn round_table(&self) -> Table {
        let first = self.rounds.iter().find_map(|r| r.time).unwrap_or_default();
        let frame = |f: Option<FrameRef>| f.map_or_else(|| "–".to_owned(), |f| f.frame.to_string());
        let row = |r: &RoundRow| {
            vec![
                r.time.map_or_else(
                    || "–".to_owned(),
                    |t| show::time(t, show::TimeMode::Relative, first, first),
                ),
                r.asked.clone(),
                r.answered.clone(),
                r.took.map_or_else(|| "–".to_owned(), show::duration),
                frame(r.request),
                frame(r.response),
            ]
        };
        Table { columns: heads(&ROUNDS), rows: self.rounds.iter().map(row).collect() }
    }

    pub fn peer_table(&self) -> Table {
        let row = |p: &PeerRow| {
            vec![
                p.address.clone(),
                p.state.clone(),
                show::number(p.sent_packets),
                show::number(p.received_packets),
                show::size(p.sent_bytes),
                show::size(p.received_bytes),
            ]
        };
        Table { columns: heads(&PEERS), rows: self.peers.iter().map(row).collect() }
    }
}

/// A message of an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnMessage {
    pub index: StunIdx,
    pub frame: FrameRef,
    pub time: Nanos,
    pub from_client: bool,
    /// `Allocate`, `Allocate success`, `Send to 10.0.0.5:4000, no answer is normal`.
    pub text: String,
    pub retransmission: bool,
}

/// Messages of an allocation's own; what travels inside the relay is not among them. At most `most`.
pub fn messages_of(analysis: &Analysis, index: AllocationIdx, most: usize) -> Vec<TurnMessage> {
    let Some(a) = analysis.stun.allocations.get(index.0 as usize) else { return Vec::new() };
    let row = |i: StunIdx| {
        let r = analysis.stun.record(i)?;
        let flow = analysis.flow(r.flow);
        let (class, method) = MessageType(r.kind).split(r.dialect());
        let name = method.name().unwrap_or("Unknown method");
        let text = match class {
            Class::Request if method == Method::SEND => "Send (no answer is normal)".to_owned(),
            Class::Request | Class::Indication => name.to_owned(),
            Class::Success => format!("{name} success"),
            Class::Error => match error_words(r.error, r.dialect()) {
                Some((words, _)) => format!("{name} {} {words}", r.error),
                None => format!("{name} error {}", r.error),
            },
        };
        Some(TurnMessage {
            index: i,
            frame: r.frame(),
            time: r.time,
            from_client: flow.src == a.client,
            text,
            retransmission: r.has(stun_flag::RETRANSMISSION),
        })
    };
    analysis.stun.messages_of(index).filter_map(row).take(most).collect()
}
