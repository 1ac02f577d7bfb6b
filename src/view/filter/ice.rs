//! What a filter asks of an ICE session or an allocation itself: addresses, users, messages, and what became of it.

use std::cell::OnceCell;
use std::net::SocketAddr;

use callscope_parsers::stun::{MessageType, scan_stun};

use super::eval::{Sink, Value};
use super::fields::Field;
use crate::correlate::Analysis;
use crate::correlate::ice::IceSession;
use crate::correlate::stun::{AllocationIdx, StunIdx, stun_flag};
use crate::view::ice::{SessionRef, parties, path_words, session, state_words};
use crate::view::{allocation, show};

/// A session that is worked out only if a field of its own is asked for.
#[derive(Debug)]
pub struct Session {
    pub of: SessionRef,
    known: OnceCell<Option<IceSession>>,
}

impl Session {
    pub fn new(of: SessionRef) -> Self {
        Self { of, known: OnceCell::new() }
    }
}

/// What a session says of itself; its call is asked only for the rest.
pub fn is_own(field: Field) -> bool {
    use Field::{IcePair, IcePath, IceState, Relay, State, TurnRelayed};
    matches!(field, State | IceState | IcePath | IcePair | Relay | TurnRelayed)
}

/// The fields of a call that are of its sessions, asked of one of them.
pub fn of_session(analysis: &Analysis, s: &IceSession, field: Field, sink: &mut Sink<'_>) -> bool {
    let allocated = |a: &SocketAddr| analysis.stun.allocations.iter().any(|x| x.relayed == Some(*a));
    let addresses: Vec<SocketAddr> = match field {
        Field::IcePath => return sink(Value::Text(&path_words(analysis, s))),
        Field::Relay => return sink(Value::Flag(path_words(analysis, s).contains("relay"))),
        Field::IcePair => s.selected().flat_map(|p| [p.a, p.b]).collect(),
        Field::TurnRelayed => s.candidates().filter_map(|c| c.address).filter(allocated).collect(),
        _ => return sink(Value::Text(s.state.name())),
    };
    addresses.into_iter().any(|a| sink(address(analysis, a)))
}

fn address(analysis: &Analysis, a: SocketAddr) -> Value<'_> {
    Value::Address(a, analysis.host_name(a.ip()))
}

pub fn own(analysis: &Analysis, subject: &Session, field: Field, sink: &mut Sink<'_>) -> bool {
    let Some(s) = subject.known.get_or_init(|| session(analysis, subject.of)) else { return false };
    let mut number = |n: u64| sink(Value::Number(i128::from(n)));
    match field {
        Field::Ip | Field::Port => {
            let offered = s.candidates().flat_map(|c| [c.address, c.related]).flatten();
            let mut all: Vec<SocketAddr> = offered.chain(s.pairs.iter().flat_map(|p| [p.a, p.b])).collect();
            all.sort();
            all.dedup();
            match field {
                Field::Port => all.into_iter().any(|a| number(u64::from(a.port()))),
                _ => all.into_iter().any(|a| sink(address(analysis, a))),
            }
        }
        Field::Transport => {
            let mut all: Vec<&str> = s.pairs.iter().map(|p| p.transport.name()).collect();
            all.dedup();
            all.into_iter().any(|t| sink(Value::Text(t)))
        }
        Field::User => {
            let names = parties(analysis, s);
            let ufrags = [&s.a, &s.b].into_iter().filter_map(|side| side.ufrag.as_deref());
            names.iter().map(String::as_str).chain(ufrags).any(|n| sink(Value::Text(n)))
                || s.call.is_none() && check_user(analysis, s, sink)
        }
        Field::State => sink(Value::Text(s.state.name())) || sink(Value::Text(state_words(s.state))),
        Field::Type => s.media.as_deref().is_some_and(|m| sink(Value::Text(m))),
        Field::Messages => number(s.checks as u64),
        Field::Start => s.answered.or(s.first_check).is_some_and(|t| sink(Value::Time(t))),
        field if is_own(field) => of_session(analysis, s, field, sink),
        _ => s.pairs.iter().flat_map(|p| &p.messages).any(|&m| message(analysis, m, field, sink)),
    }
}

/// USERNAME of a check; all checks of a session without SDP have the same two names.
fn check_user(analysis: &Analysis, s: &IceSession, sink: &mut Sink<'_>) -> bool {
    let records = s.pairs.iter().flat_map(|p| &p.messages).filter_map(|m| analysis.stun.record(*m));
    let mut plain = records.filter(|r| !r.has(stun_flag::INNER));
    let Some(bytes) = plain.next().and_then(|r| analysis.stores.read(r.bytes()).ok()) else { return false };
    let name = scan_stun(&bytes, None).and_then(|scan| scan.username());
    name.is_some_and(|n| sink(Value::Bytes(n)))
}

pub fn allocation(analysis: &Analysis, i: AllocationIdx, field: Field, sink: &mut Sink<'_>) -> bool {
    let Some(a) = analysis.stun.allocations.get(i.0 as usize) else { return false };
    let mut number = |n: u64| sink(Value::Number(i128::from(n)));
    match field {
        Field::Ip | Field::Port => {
            let known = [Some(a.client), Some(a.server), a.relayed, a.mapped, a.alternate];
            let mut all = known.into_iter().flatten().chain(a.peers.iter().map(|p| p.address));
            match field {
                Field::Port => all.any(|a| number(u64::from(a.port()))),
                _ => all.any(|a| sink(address(analysis, a))),
            }
        }
        Field::Transport => sink(Value::Text(a.transport.name())),
        Field::User => [a.username, a.realm].into_iter().any(|s| {
            let bytes = analysis.strings.bytes(s);
            !bytes.is_empty() && sink(Value::Bytes(bytes))
        }),
        Field::Agent => sink(Value::Bytes(analysis.strings.bytes(a.software))),
        Field::State => {
            sink(Value::Text(a.state(analysis.newest_time()).name()))
                || sink(Value::Text(&allocation::outcome(analysis, a)))
        }
        Field::TurnRelayed => a.relayed.is_some_and(|r| sink(address(analysis, r))),
        Field::CallId => sink(Value::Bytes(analysis.strings.bytes(a.call_id))),
        Field::Messages => number(u64::from(a.message_count)),
        Field::Start => sink(Value::Time(a.first)),
        Field::Type => sink(Value::Text("allocation")),
        _ => analysis.stun.messages_of(i).any(|m| message(analysis, m, field, sink)),
    }
}

/// One STUN message.
fn message(analysis: &Analysis, m: StunIdx, field: Field, sink: &mut Sink<'_>) -> bool {
    let Some(r) = analysis.stun.record(m) else { return false };
    match field {
        Field::Src => sink(address(analysis, analysis.flow(r.flow).src)),
        Field::Dst => sink(address(analysis, analysis.flow(r.flow).dst)),
        Field::Method => {
            MessageType(r.kind).split(r.dialect()).1.name().is_some_and(|n| sink(Value::Text(n)))
        }
        Field::Code | Field::Status => r.error != 0 && sink(Value::Number(i128::from(r.error))),
        Field::Frame => sink(Value::Number(i128::from(r.frame().frame))),
        Field::Time => sink(Value::Time(r.time)),
        Field::Length => sink(Value::Number(i128::from(r.bytes().len))),
        Field::Protocol => sink(Value::Text("STUN")),
        Field::Retransmission => sink(Value::Flag(r.has(stun_flag::RETRANSMISSION))),
        Field::Duplicate => sink(Value::Flag(r.has(stun_flag::DUPLICATE))),
        Field::Malformed => sink(Value::Flag(r.has(stun_flag::MALFORMED))),
        Field::Text => analysis.stores.read(r.bytes()).is_ok_and(|b| sink(Value::Bytes(&b))),
        _ => false,
    }
}

/// Words of a session's or allocation's row that are no field's.
pub fn words(analysis: &Analysis, subject: &super::eval::Subject<'_>) -> String {
    match subject {
        super::eval::Subject::Session(s) => {
            let known = s.known.get_or_init(|| session(analysis, s.of)).as_ref();
            known.map_or_else(String::new, |s| {
                format!("{} {}", path_words(analysis, s), crate::view::ice::dialect_words(s))
            })
        }
        super::eval::Subject::Allocation(i, _) => {
            let found = analysis.stun.allocations.get(i.0 as usize);
            found.map_or_else(String::new, |a| {
                let software = show::safe(analysis.strings.bytes(a.software));
                format!("{} {software}", allocation::story(a))
            })
        }
        _ => String::new(),
    }
}
