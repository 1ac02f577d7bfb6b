//! One cell at a time: its text, and what it sorts by.

use callscope_parsers::sip::parse_message;

use super::{Cell, Key};
use crate::capture::Nanos;
use crate::correlate::{Analysis, CallIdx, DialogIdx, MsgList, Owner, Side};
use crate::diagnose::{Diagnosis, Severity, Subject, call_verdict};
use crate::view::ice::{IceState, state_words};
use crate::view::media;
use crate::view::show::{self, TimeMode};

/// Columns shown by default.
pub const CALL_DEFAULT: usize = 12;
pub const DIALOG_DEFAULT: usize = 10;

/// Longest text of a cell, columns.
const CELL: usize = 120;

/// What times in a table are told against.
#[derive(Clone, Copy)]
pub struct Times<'a, I> {
    pub mode: TimeMode,
    pub start: Nanos,
    pub previous: Option<&'a I>,
}

impl<I> Times<'_, I> {
    fn cell(&self, time: Nanos, of: impl Fn(&I) -> Nanos) -> Cell {
        let previous = self.previous.map_or(time, of);
        (show::time_short(time, self.mode, self.start, previous), Key::Number(time))
    }
}

fn none() -> Cell {
    ("–".to_owned(), Key::None)
}

fn number(n: impl Into<i64>) -> Cell {
    let n = n.into();
    (n.to_string(), Key::Number(n))
}

/// A count whose 0 says nothing.
fn count(n: impl Into<i64>) -> Cell {
    match n.into() {
        0 => ("–".to_owned(), Key::Number(0)),
        n => number(n),
    }
}

fn text(t: String) -> Cell {
    let key = t.to_lowercase();
    if key.is_empty() { none() } else { (t, Key::Text(key)) }
}

fn bytes(b: &[u8]) -> Cell {
    text(show::shorten(&show::safe(b), CELL))
}

fn optional(n: Option<Nanos>, show: fn(Nanos) -> String) -> Cell {
    n.map_or_else(none, |n| (show(n), Key::Number(n)))
}

fn status(code: u16) -> Cell {
    if code == 0 { none() } else { number(code) }
}

/// Header name of a `header:NAME` column.
pub fn header_name(key: &str) -> Option<&str> {
    key.strip_prefix("header:").or_else(|| key.strip_prefix("header.")).filter(|n| !n.is_empty())
}

pub fn call(analysis: &Analysis, c: CallIdx, key: &str, times: Times<'_, CallIdx>) -> Cell {
    let call = analysis.call(c);
    let s = &call.summary;
    let raw = |s| analysis.strings.bytes(s);
    match key {
        "id" => number(i64::from(c.0) + 1),
        "start" => times.cell(s.start, |c| analysis.call(*c).summary.start),
        "answered" => s
            .answered
            .map_or_else(none, |t| times.cell(t, |c| analysis.call(*c).summary.answered.unwrap_or(t))),
        "end" => s.end.map_or_else(none, |t| times.cell(t, |c| analysis.call(*c).summary.end.unwrap_or(t))),
        "from" => text(show::party_short(raw(call.from_display), raw(call.from_uri))),
        "to" => text(show::party_short(raw(call.to_display), raw(call.to_uri))),
        "from_uri" => bytes(raw(call.from_uri)),
        "to_uri" => bytes(raw(call.to_uri)),
        "state" => text(s.state.name().replace('_', " ")),
        "status" => status(s.final_status),
        "reason" => text(show::call_reason(analysis, c)),
        "diagnostics" => text(show::shorten(&show::diagnostics_of(analysis, Owner::Call(c)), CELL)),
        "kind" => text(s.kind.name().replace('_', " ")),
        "setup" => optional(s.setup, show::duration),
        "ring" => optional(s.ring, show::duration),
        "talk" => optional(s.talk, show::talk),
        "duration" => optional(Some(s.last.saturating_sub(s.start)), show::duration),
        "ended_by" => match s.ended_by {
            Some(Side::Caller) => text("caller".to_owned()),
            Some(Side::Callee) => text("callee".to_owned()),
            None => none(),
        },
        "messages" => number(call.messages.count),
        "retransmissions" => count(s.retransmissions),
        "forks" => count(s.forks),
        "offers" => count(s.offers),
        "legs" => legs(analysis, c),
        "ice" => {
            let worst = analysis.ice_sessions_of(c).iter().map(|s| s.state).min_by_key(|s| ice_rank(*s));
            worst.map_or_else(none, |s| text(state_words(s).to_owned()))
        }
        "media" => text(media::call_media(analysis, &analysis.media_index(), c).words()),
        "mos" => {
            let mos = media::call_mos(analysis, &analysis.media_index(), c);
            mos.map_or_else(none, |m| (format!("{m:.1}"), Key::Number((m * 1e6) as i64)))
        }
        "caller_agent" => bytes(raw(call.caller_agent)),
        "callee_agent" => bytes(raw(call.callee_agent)),
        "call_id" => bytes(raw(call.call_id)),
        _ => of_messages(analysis, call.messages, key),
    }
}

/// The sign of the worst finding about something; what is worth knowing only is none.
pub fn worst(diagnosis: &Diagnosis, subject: Subject) -> Cell {
    match diagnosis.worst_of(subject) {
        None | Some(Severity::Info) => none(),
        Some(severity) => (severity.sign().to_owned(), Key::Number(-(severity as i64))),
    }
}

pub fn verdict(analysis: &Analysis, diagnosis: &Diagnosis, c: CallIdx) -> Cell {
    text(call_verdict(analysis, diagnosis, c))
}

/// Worst first.
fn ice_rank(state: IceState) -> u8 {
    match state {
        IceState::Failed => 0,
        IceState::Incomplete => 1,
        IceState::NotStarted => 2,
        IceState::Connected => 3,
    }
}

fn legs(analysis: &Analysis, c: CallIdx) -> Cell {
    let mut others: Vec<u32> =
        analysis.links_of(c).map(|l| if l.from == c { l.to.0 } else { l.from.0 }).collect();
    others.sort_unstable();
    others.dedup();
    let Some(first) = others.first() else { return none() };
    let key = Key::Number(i64::from(*first) + 1);
    let more = if others.len() > 4 { format!(" +{}", others.len() - 4) } else { String::new() };
    let list: Vec<String> = others.iter().take(4).map(|i| (u64::from(*i) + 1).to_string()).collect();
    (list.join(", ") + &more, key)
}

pub fn dialog(analysis: &Analysis, d: DialogIdx, key: &str, times: Times<'_, DialogIdx>) -> Cell {
    let dialog = analysis.dialog(d);
    let s = &dialog.summary;
    let raw = |s| analysis.strings.bytes(s);
    match key {
        "id" => number(i64::from(d.0) + 1),
        "start" => times.cell(s.start, |d| analysis.dialog(*d).summary.start),
        "end" => times.cell(s.end, |d| analysis.dialog(*d).summary.end),
        "method" => bytes(analysis.method(dialog.method).as_bytes()),
        "event" => bytes(raw(dialog.event)),
        "from" => text(show::party_short(b"", raw(dialog.from_uri))),
        "to" => text(show::party_short(b"", raw(dialog.to_uri))),
        "from_uri" => bytes(raw(dialog.from_uri)),
        "to_uri" => bytes(raw(dialog.to_uri)),
        "state" => text(show::dialog_state(analysis, d).to_owned()),
        "status" => status(s.final_status),
        "reason" => text(show::dialog_reason(analysis, d)),
        "diagnostics" => text(show::shorten(&show::diagnostics_of(analysis, Owner::Dialog(d)), CELL)),
        "duration" => optional(Some(s.end.saturating_sub(s.start)), show::duration),
        "requests" => number(s.requests),
        "responses" => number(s.responses),
        "messages" => number(dialog.messages.count),
        "retransmissions" => count(s.retransmissions),
        "call_id" => bytes(raw(dialog.call_id)),
        _ => of_messages(analysis, dialog.messages, key),
    }
}

fn of_messages(analysis: &Analysis, list: MsgList, key: &str) -> Cell {
    if let Some(name) = header_name(key) {
        return header(analysis, list, name).unwrap_or_else(none);
    }
    let record = analysis.message(list.first);
    let flow = analysis.flow(record.flow);
    let end = |a| {
        let shown = show::address(a);
        text(show::machine(analysis, a).map_or(shown.clone(), |name| format!("{name} {shown}")))
    };
    match key {
        "src" => end(flow.src),
        "dst" => end(flow.dst),
        "transport" => text(flow.transport.name().to_owned()),
        "frame" => number(record.frame.frame),
        _ => none(),
    }
}

/// A header of the first request (of the first message, if only responses were seen), repeats joined.
fn header(analysis: &Analysis, list: MsgList, name: &str) -> Option<Cell> {
    const LOOK: usize = 50;
    let first = analysis
        .messages_of(list)
        .take(LOOK)
        .find(|&m| analysis.message(m).is_request())
        .unwrap_or(list.first);
    let content = analysis.message_bytes(first).ok()?;
    let message = parse_message(&content)?;
    let values: Vec<String> = message
        .headers_named(name)
        .map(|h| crate::view::detail::header_value(h.name, &h.value, false))
        .collect();
    if values.is_empty() {
        return None;
    }
    Some(text(show::shorten(&values.join(", "), CELL)))
}
