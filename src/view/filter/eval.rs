//! Asks the analysis for the values of a field and tests them.

use std::net::SocketAddr;

use callscope_parsers::sip::parse_message;

use super::fields::Field;
use super::media::{self, StreamOf};
use super::parser::{Expr, Pattern, Source, Test, TextOp};
use crate::capture::Nanos;
use crate::correlate::gathered::InstantMessage;
use crate::correlate::sql::Lookup;
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{
    Analysis, CallIdx, Content, DialogIdx, MethodId, MsgIdx, MsgList, Owner, Side, Str, address_key,
    endpoint_ids, flag,
};
use crate::diagnose::{Finding, Subject as About};
use crate::view::packets::PacketLine;
use crate::view::show;

mod sql;

/// What a filter is asked about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    Call(CallIdx),
    Dialog(DialogIdx),
    Message(MsgIdx),
    /// And its place in the list.
    Lookup(&'a Lookup, u32),
    /// A frame and the messages that end in it.
    Packet(&'a PacketLine, &'a [MsgIdx]),
    Session(&'a super::ice::Session),
    /// And the calls it belongs to.
    Allocation(AllocationIdx, &'a [CallIdx]),
    /// What belongs to its request, call or dialog is asked of those.
    Instant(&'a InstantMessage),
    /// What is not of itself is asked of its call.
    Stream(StreamOf<'a>),
    /// A sign-in or subscription.
    Row(&'a Row<'a>),
    /// The calls and dialogs it is about are asked too.
    Finding(&'a Finding),
}

/// A row made of calls and dialogs: its state is its own, all else is asked of those.
#[derive(Debug)]
pub struct Row<'a> {
    /// The row itself, which findings may be about.
    pub about: About,
    pub state: &'static str,
    /// Whose it is, where no call or dialog says it.
    pub who: &'a str,
    pub owners: &'a [Owner],
}

/// One value of a field.
pub enum Value<'a> {
    Text(&'a str),
    /// An identifier, which matches only as a whole.
    Id(&'a str),
    Number(i128),
    Duration(Nanos),
    Time(Nanos),
    Address(SocketAddr, Option<&'a str>),
    Bytes(&'a [u8]),
    Flag(bool),
}

pub fn matches(expr: &Expr, analysis: &Analysis, subject: &Subject<'_>) -> bool {
    match expr {
        Expr::And(terms) => terms.iter().all(|t| matches(t, analysis, subject)),
        Expr::Or(terms) => terms.iter().any(|t| matches(t, analysis, subject)),
        Expr::Not(term) => !matches(term, analysis, subject),
        Expr::Has(source) => visit(analysis, subject, source, false, &mut |v| v.is_there()),
        Expr::Test(source, tests) => {
            visit(analysis, subject, source, true, &mut |v| tests.iter().any(|t| v.passes(t)))
        }
        Expr::Free(pattern) => free(analysis, subject, pattern),
    }
}

impl Value<'_> {
    fn is_there(&self) -> bool {
        match *self {
            Value::Text(t) | Value::Id(t) => !t.is_empty(),
            Value::Number(n) => n != 0,
            Value::Duration(_) | Value::Time(_) | Value::Address(..) => true,
            Value::Bytes(b) => !b.is_empty(),
            Value::Flag(f) => f,
        }
    }

    fn passes(&self, test: &Test) -> bool {
        match (self, test) {
            (Value::Number(n), Test::Range(a, b)) => (a..=b).contains(&n),
            (&Value::Duration(n) | &Value::Time(n), Test::Range(a, b)) => (*a..=*b).contains(&i128::from(n)),
            (Value::Time(n), Test::TimeOfDay(a, b)) => {
                since_midnight(*n).is_some_and(|n| (*a..=*b).contains(&n))
            }
            (Value::Address(a, _), Test::Net(net)) => {
                net.contains(&a.ip().to_canonical()) || net.contains(&a.ip())
            }
            (Value::Address(a, _), Test::Socket(s)) => a == s,
            (Value::Address(a, name), Test::Text(op, p)) => {
                name.is_some_and(|n| p.found(*op, n)) || p.found(*op, &a.to_string())
            }
            (Value::Text(t), Test::Text(op, p)) => p.found(*op, t),
            (Value::Id(t), Test::Text(_, p)) => p.found(TextOp::Equals, t),
            (Value::Number(n), Test::Text(op, p)) => p.found(*op, &n.to_string()),
            (Value::Bytes(b), Test::Text(op, p)) => p.found(*op, &String::from_utf8_lossy(b)),
            (Value::Flag(f), Test::Text(op, p)) => p.found(*op, if *f { "true" } else { "false" }),
            _ => false,
        }
    }
}

fn since_midnight(time: Nanos) -> Option<i64> {
    let t = jiff::Timestamp::from_nanosecond(i128::from(time)).ok()?.to_zoned(jiff::tz::TimeZone::system());
    let seconds = (i64::from(t.hour()) * 60 + i64::from(t.minute())) * 60 + i64::from(t.second());
    Some(seconds * 1_000_000_000 + i64::from(t.subsec_nanosecond()))
}

impl Pattern {
    fn found(&self, op: TextOp, text: &str) -> bool {
        let lower;
        let text = if text.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
            lower = text.to_lowercase();
            lower.as_str()
        } else {
            text
        };
        match op {
            TextOp::Contains => self.contained_in(text),
            TextOp::Equals => self.equals(text),
        }
    }

    fn contained_in(&self, mut text: &str) -> bool {
        self.pieces.iter().all(|piece| match text.find(piece.as_str()) {
            Some(at) => {
                text = text.get(at + piece.len()..).unwrap_or_default();
                true
            }
            None => false,
        })
    }

    fn equals(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_none_or(|p| p == text);
        };
        let Some(text) = text.strip_prefix(first.as_str()).and_then(|t| t.strip_suffix(last.as_str())) else {
            return false;
        };
        Self { pieces: middle.to_vec() }.contained_in(text)
    }
}

pub type Sink<'s> = dyn FnMut(Value<'_>) -> bool + 's;

/// Gives `sink` every value of the field until it answers yes.
fn visit(
    analysis: &Analysis,
    subject: &Subject<'_>,
    source: &Source,
    with_value: bool,
    sink: &mut Sink<'_>,
) -> bool {
    if let Subject::Packet(line, messages) = subject {
        return packet(analysis, line, messages, source, with_value, sink);
    }
    if matches!(source.field, Field::Finding | Field::Findings) && !matches!(subject, Subject::Instant(_)) {
        return super::finding::of(analysis, subject, source, sink);
    }
    if let Subject::Finding(f) = subject {
        return super::finding::own(f, source, sink).unwrap_or_else(|| {
            f.owners().into_iter().any(|owner| {
                let subject = match owner {
                    Owner::Call(c) => Subject::Call(c),
                    Owner::Dialog(d) => Subject::Dialog(d),
                };
                visit(analysis, &subject, source, with_value, sink)
            })
        });
    }
    if let Subject::Instant(m) = subject {
        if let Some(found) = instant(analysis, m, source, with_value, sink) {
            return found;
        }
        return visit(analysis, &Subject::Message(m.message), source, with_value, sink);
    }
    if let Subject::Lookup(l, _) = subject {
        return sql::lookup(analysis, l, source, with_value, sink);
    }
    if let Subject::Row(row) = subject {
        return match source.field {
            Field::State => sink(Value::Text(row.state)),
            Field::User | Field::From if row.owners.is_empty() => sink(Value::Text(row.who)),
            _ => row.owners.iter().any(|owner| {
                let subject = match *owner {
                    Owner::Call(c) => Subject::Call(c),
                    Owner::Dialog(d) => Subject::Dialog(d),
                };
                visit(analysis, &subject, source, with_value, sink)
            }),
        };
    }
    if source.field == Field::Sql
        && matches!(subject, Subject::Call(_) | Subject::Dialog(_) | Subject::Message(_))
    {
        return sql::of_sip(analysis, subject, sink);
    }
    let of_call =
        |c: CallIdx, sink: &mut Sink<'_>| visit(analysis, &Subject::Call(c), source, with_value, sink);
    match *subject {
        Subject::Session(s) => {
            return super::ice::own(analysis, s, source.field, sink)
                || !super::ice::is_own(source.field) && s.of.call().is_some_and(|c| of_call(c, sink));
        }
        Subject::Allocation(i, calls) => {
            return super::ice::allocation(analysis, i, source.field, sink)
                || source.field != Field::State && calls.iter().any(|&c| of_call(c, sink));
        }
        Subject::Stream(of) if media::is_own(source.field) => {
            return media::stream(analysis, of, source.field, sink);
        }
        Subject::Stream(of) => return of.stream.call.is_some_and(|c| of_call(c, sink)),
        _ => {}
    }
    if source.field.of_message() || source.field == Field::Status && matches!(subject, Subject::Message(_)) {
        return match *subject {
            Subject::Call(c) => list(analysis, analysis.call(c).messages, source, with_value, sink),
            Subject::Dialog(d) => list(analysis, analysis.dialog(d).messages, source, with_value, sink),
            Subject::Message(m) => message(analysis, m, source, with_value, sink),
            _ => false,
        };
    }
    match *subject {
        Subject::Call(c) => call(analysis, c, source.field, sink),
        Subject::Dialog(d) => dialog(analysis, d, source.field, sink),
        Subject::Message(m) => match analysis.message(m).owner {
            Owner::Call(c) => call(analysis, c, source.field, sink),
            Owner::Dialog(d) => dialog(analysis, d, source.field, sink),
        },
        _ => false,
    }
}

/// What an instant message says of itself; `None` where its request is to be asked.
fn instant(
    analysis: &Analysis,
    m: &InstantMessage,
    source: &Source,
    with_value: bool,
    sink: &mut Sink<'_>,
) -> Option<bool> {
    let words = || analysis.instant_text(m).text.unwrap_or_default();
    Some(match source.field {
        Field::From => party(b"", m.from.as_bytes(), sink),
        Field::To => party(b"", m.to.as_bytes(), sink),
        Field::User => {
            let both = [m.from.as_bytes(), m.to.as_bytes()];
            both.into_iter().any(|uri| party(b"", uri, sink)) || aliases(analysis, both, sink)
        }
        Field::Status => m.status != 0 && sink(Value::Number(i128::from(m.status))),
        Field::State => sink(Value::Text(match m.status {
            _ if m.is_delivered() => "delivered",
            0 => "unanswered",
            _ => "failed",
        })),
        Field::Reason => text(analysis, m.reason, sink),
        Field::Im if !with_value => sink(Value::Flag(true)),
        Field::Im => sink(Value::Text(&words())),
        _ => return None,
    })
}

fn list(analysis: &Analysis, list: MsgList, source: &Source, with_value: bool, sink: &mut Sink<'_>) -> bool {
    analysis.messages_of(list).any(|m| message(analysis, m, source, with_value, sink))
}

fn packet(
    analysis: &Analysis,
    line: &PacketLine,
    messages: &[MsgIdx],
    source: &Source,
    with_value: bool,
    sink: &mut Sink<'_>,
) -> bool {
    let mut end =
        |a: Option<SocketAddr>| a.is_some_and(|a| sink(Value::Address(a, analysis.host_name(a.ip()))));
    match source.field {
        Field::Ip => end(line.src) || end(line.dst),
        Field::Src => end(line.src),
        Field::Dst => end(line.dst),
        Field::Port => {
            [line.src, line.dst].into_iter().flatten().any(|a| sink(Value::Number(i128::from(a.port()))))
        }
        Field::Frame => sink(Value::Number(i128::from(line.frame.frame))),
        Field::Time => sink(Value::Time(line.time)),
        Field::Length => sink(Value::Number(i128::from(line.length))),
        Field::Protocol => sink(Value::Text(&line.protocol)),
        Field::Info => sink(Value::Text(&line.info)),
        Field::Sql => matches!(line.protocol.as_str(), "SQLR" | "TDS") && sink(Value::Text(&line.info)),
        _ => messages.iter().any(|&m| visit(analysis, &Subject::Message(m), source, with_value, sink)),
    }
}

fn message(analysis: &Analysis, m: MsgIdx, source: &Source, with_value: bool, sink: &mut Sink<'_>) -> bool {
    let record = analysis.message(m);
    let flow = analysis.flow(record.flow);
    let mut end = |a: SocketAddr| sink(Value::Address(a, analysis.host_name(a.ip())));
    match source.field {
        Field::Ip => end(flow.src) || end(flow.dst),
        Field::Src => end(flow.src),
        Field::Dst => end(flow.dst),
        Field::Port => {
            sink(Value::Number(i128::from(flow.src.port())))
                || sink(Value::Number(i128::from(flow.dst.port())))
        }
        Field::Method => sink(Value::Text(analysis.method(record.method))),
        Field::Code | Field::Status => record.status != 0 && sink(Value::Number(i128::from(record.status))),
        Field::Transport => sink(Value::Text(flow.transport.name())),
        Field::Frame => analysis.frames_of(m).iter().any(|f| sink(Value::Number(i128::from(f.frame)))),
        Field::Time => sink(Value::Time(record.time)),
        Field::Length => sink(Value::Number(i128::from(record.bytes.len))),
        Field::Protocol => sink(Value::Text("SIP")),
        Field::Candidates => sink(Value::Number(i128::from(record.candidates))),
        Field::Retransmission => sink(Value::Flag(record.has(flag::RETRANSMISSION))),
        Field::Duplicate => sink(Value::Flag(record.has(flag::DUPLICATE))),
        Field::Malformed => sink(Value::Flag(record.has(flag::MALFORMED))),
        Field::Im => {
            let written = record.method == MethodId::MESSAGE
                && record.is_request()
                && !matches!(record.content, Content::Composing | Content::DeliveryNotice);
            written
                && match with_value {
                    false => sink(Value::Flag(true)),
                    true => analysis.written_in(m).is_some_and(|words| sink(Value::Text(&words))),
                }
        }
        Field::Sdp if !with_value => sink(Value::Flag(record.has(flag::SDP))),
        Field::Sdp if !record.has(flag::SDP) => false,
        Field::Diagnostics => analysis.diagnostics_of_message(m).iter().any(|d| {
            let code = d.code.map(|c| c.to_string()).unwrap_or_default();
            let sent = [&d.reason, &d.source].into_iter().flatten();
            sink(Value::Text(&code))
                || sink(Value::Text(d.header.name()))
                || sink(Value::Text(&show::diagnostic(d)))
                || sent.into_iter().any(|t| sink(Value::Text(t)))
        }),
        Field::Epid => {
            let head = analysis.head_bytes(m).ok();
            let message = head.as_deref().and_then(parse_message);
            message.is_some_and(|message| endpoint_ids(&message).iter().any(|id| sink(Value::Bytes(id))))
        }
        Field::Sdp | Field::Text | Field::Header => {
            let Ok(bytes) = analysis.message_bytes(m) else { return false };
            of_bytes(&bytes, source, sink)
        }
        _ => false,
    }
}

fn of_bytes(bytes: &[u8], source: &Source, sink: &mut Sink<'_>) -> bool {
    if source.field == Field::Text {
        return sink(Value::Bytes(bytes));
    }
    let Some(message) = parse_message(bytes) else { return false };
    match source.field {
        Field::Sdp => message.bytes.get(message.body.clone()).is_some_and(|b| sink(Value::Bytes(b))),
        Field::Header => message.headers_named(&source.header).any(|h| sink(Value::Bytes(&h.value))),
        _ => false,
    }
}

/// A party matches by display name, whole URI, URI without scheme and parameters, or user part.
fn party(display: &[u8], uri: &[u8], sink: &mut Sink<'_>) -> bool {
    let display = show::unquote(display);
    [uri, show::address_of_record(uri), show::user_of(uri), &display]
        .into_iter()
        .any(|b| !b.is_empty() && sink(Value::Bytes(b)))
}

/// What else is known to be one of these users: tel URIs, endpoint ids.
fn aliases(analysis: &Analysis, users: [&[u8]; 2], sink: &mut Sink<'_>) -> bool {
    let known = analysis.aliases();
    users.into_iter().filter_map(address_key).any(|key| {
        // The address itself was asked before.
        known.of(&key).into_iter().any(|name| match name {
            name if name == key => false,
            // An endpoint id is short enough for a part of it to be found anywhere.
            name if name.contains('@') || name.starts_with('+') => sink(Value::Text(name)),
            name => sink(Value::Id(name)),
        })
    })
}

fn text(analysis: &Analysis, s: Str, sink: &mut Sink<'_>) -> bool {
    sink(Value::Text(&analysis.text(s)))
}

fn call(analysis: &Analysis, c: CallIdx, field: Field, sink: &mut Sink<'_>) -> bool {
    let call = analysis.call(c);
    let s = &call.summary;
    let bytes = |s| analysis.strings.bytes(s);
    let mut number = |n: u64| sink(Value::Number(i128::from(n)));
    match field {
        Field::Status => s.final_status != 0 && number(u64::from(s.final_status)),
        Field::Retransmissions => number(u64::from(s.retransmissions)),
        Field::Messages => number(u64::from(call.messages.count)),
        Field::Forks => number(u64::from(s.forks)),
        Field::Offers => number(u64::from(s.offers)),
        Field::Leg => number(analysis.links_of(c).count() as u64),
        Field::From => party(bytes(call.from_display), bytes(call.from_uri), sink),
        Field::To => party(bytes(call.to_display), bytes(call.to_uri), sink),
        Field::User => {
            party(bytes(call.from_display), bytes(call.from_uri), sink)
                || party(bytes(call.to_display), bytes(call.to_uri), sink)
                || aliases(analysis, [bytes(call.from_uri), bytes(call.to_uri)], sink)
        }
        Field::CallId => text(analysis, call.call_id, sink),
        Field::Reason => sink(Value::Text(&show::call_reason(analysis, c))),
        Field::State => sink(Value::Text(s.state.name())),
        Field::Type => sink(Value::Text(s.kind.name())) || sink(Value::Text("call")),
        Field::Agent => text(analysis, call.caller_agent, sink) || text(analysis, call.callee_agent, sink),
        Field::EndedBy => s.ended_by.is_some_and(|side| sink(Value::Text(side_name(side)))),
        Field::Start => sink(Value::Time(s.start)),
        Field::Setup => s.setup.is_some_and(|n| sink(Value::Duration(n))),
        Field::Ring => s.ring.is_some_and(|n| sink(Value::Duration(n))),
        Field::Talk => s.talk.is_some_and(|n| sink(Value::Duration(n))),
        Field::Conference => conference(analysis, Owner::Call(c), sink),
        Field::IceState | Field::IcePath | Field::IcePair | Field::TurnRelayed | Field::Relay => {
            ice(analysis, c, field, sink)
        }
        _ => media::is_media(field) && media::of_call(analysis, c, field, sink),
    }
}

/// Of any of the call's ICE sessions, which are worked out for it.
fn ice(analysis: &Analysis, c: CallIdx, field: Field, sink: &mut Sink<'_>) -> bool {
    analysis.ice_sessions_of(c).iter().any(|s| super::ice::of_session(analysis, s, field, sink))
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Caller => "caller",
        Side::Callee => "callee",
    }
}

fn dialog(analysis: &Analysis, d: DialogIdx, field: Field, sink: &mut Sink<'_>) -> bool {
    let dialog = analysis.dialog(d);
    let s = &dialog.summary;
    let bytes = |s| analysis.strings.bytes(s);
    let mut number = |n: u64| sink(Value::Number(i128::from(n)));
    match field {
        Field::Status => s.final_status != 0 && number(u64::from(s.final_status)),
        Field::Retransmissions => number(u64::from(s.retransmissions)),
        Field::Messages => number(u64::from(dialog.messages.count)),
        Field::From => party(b"", bytes(dialog.from_uri), sink),
        Field::To => party(b"", bytes(dialog.to_uri), sink),
        Field::User => {
            party(b"", bytes(dialog.from_uri), sink)
                || party(b"", bytes(dialog.to_uri), sink)
                || aliases(analysis, [bytes(dialog.from_uri), bytes(dialog.to_uri)], sink)
        }
        Field::CallId => text(analysis, dialog.call_id, sink),
        Field::Reason => sink(Value::Text(&show::dialog_reason(analysis, d))),
        Field::State => sink(Value::Text(s.state.name())),
        Field::Type => sink(Value::Text("dialog")),
        Field::Event => text(analysis, dialog.event, sink),
        Field::Start => sink(Value::Time(s.start)),
        Field::Conference => conference(analysis, Owner::Dialog(d), sink),
        _ => false,
    }
}

fn conference(analysis: &Analysis, owner: Owner, sink: &mut Sink<'_>) -> bool {
    analysis.conference_ids(owner).iter().any(|id| sink(Value::Text(id)))
}

/// Free text: what rows of calls, dialogs, messages and frames show.
fn free(analysis: &Analysis, subject: &Subject<'_>, pattern: &Pattern) -> bool {
    const ROW: [Field; 9] = [
        Field::User,
        Field::State,
        Field::Status,
        Field::Reason,
        Field::Type,
        Field::CallId,
        Field::Agent,
        Field::Event,
        Field::EndedBy,
    ];
    const MESSAGE: [Field; 4] = [Field::Method, Field::Code, Field::Ip, Field::Transport];
    let mut test = |v: Value<'_>| v.passes(&Test::Text(TextOp::Contains, pattern.clone()));
    let mut ask = |fields: &[Field]| {
        fields.iter().any(|&field| {
            let source = Source::of(field);
            visit(analysis, subject, &source, false, &mut test)
        })
    };
    match subject {
        Subject::Call(_) | Subject::Dialog(_) | Subject::Row(_) => ask(&ROW) || ask(&MESSAGE),
        Subject::Finding(_) => ask(&[Field::Finding]) || ask(&ROW) || ask(&MESSAGE),
        Subject::Lookup(..) => ask(&[Field::Sql, Field::Instance, Field::Ip, Field::Type]),
        Subject::Instant(_) => {
            let source = Source::of(Field::Im);
            if ask(&ROW) || ask(&MESSAGE) {
                return true;
            }
            visit(analysis, subject, &source, true, &mut test)
        }
        Subject::Message(m) => {
            ask(&MESSAGE)
                || ask(&ROW)
                || pattern.found(TextOp::Contains, &crate::view::ladder::message_label(analysis, *m))
        }
        Subject::Session(_) | Subject::Allocation(..) => {
            ask(&ROW)
                || ask(&MESSAGE)
                || pattern.found(TextOp::Contains, &super::ice::words(analysis, subject))
        }
        Subject::Stream(of) => {
            ask(&[Field::Ip, Field::MediaKind, Field::MediaCodec])
                || ask(&ROW)
                || pattern.found(TextOp::Contains, &media::words(analysis, *of))
        }
        Subject::Packet(..) => {
            ask(&[Field::Info, Field::Protocol, Field::Ip, Field::Frame]) || ask(&MESSAGE) || ask(&ROW)
        }
    }
}
