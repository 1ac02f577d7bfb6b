//! The hot path: one pass over a message, spans only, no allocation.

mod body;
mod fields;

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::sdp::candidate::LineKinds;
use fields::Value;

use super::start::{Kind, parse_start, status_code};
use super::syntax::{Name, NamedField, is_date, line_feed, named_field, number, part, retry_after};

/// What a `From`, `To` or `Contact` value says. Fields borrow the message; absent is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NameAddrScan<'a> {
    /// Display name without its quotes (escapes kept as written).
    pub display: &'a [u8],
    /// URI without angle brackets, URI parameters included.
    pub uri: &'a [u8],
    pub tag: &'a [u8],
    pub epid: &'a [u8],
}

/// What one pass over a message's start line, headers and body head gives. All slices borrow the message and
/// are trimmed; absent is empty (or `None`). Where a header repeats, the first counts (for `Via` the topmost).
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan<'a> {
    /// Method as written; empty for a response.
    pub method: &'a [u8],
    /// Request-URI; empty for a response.
    pub request_uri: &'a [u8],
    /// Status code; 0 for a request. One out of 100–999 is suspicious and brought into 1–999.
    pub status: u16,
    /// Reason phrase of a response.
    pub reason: &'a [u8],
    pub call_id: &'a [u8],
    pub from: NameAddrScan<'a>,
    pub to: NameAddrScan<'a>,
    /// `branch` of the topmost Via; empty if none.
    pub branch: &'a [u8],
    pub cseq: u32,
    pub cseq_method: &'a [u8],
    /// `User-Agent`, or `Server` in a response.
    pub agent: &'a [u8],
    pub contact: &'a [u8],
    pub event: &'a [u8],
    /// `Subscription-State` with its parameters.
    pub subscription_state: &'a [u8],
    pub content_type: &'a [u8],
    pub expires: Option<u32>,
    /// `Content-Length` as written, if it is a number.
    pub content_length: Option<u32>,
    /// Raw value of the first `ms-diagnostics` / `-public` / `ms-client-diagnostics`, else `Reason`, else `Warning`.
    pub diagnostics: &'a [u8],
    /// First of `Replaces`; value raw.
    pub replaces: &'a [u8],
    pub refer_to: &'a [u8],
    /// Value of `X-Call-ID` and its like (`X-CID`, …), raw.
    pub x_call_id: &'a [u8],
    /// Where the body begins (after the empty line), or the length of the message if there is none.
    pub body_start: usize,
    /// There is an `Authorization` or `Proxy-Authorization`.
    pub credentials: bool,
    /// The body holds SDP (directly or in a multipart part).
    pub sdp: Option<SdpScan<'a>>,
    /// [`super::Message::is_malformed`] of the full parse: missing mandatory header, bad start line, bad Content-Length …
    pub suspicious: bool,
}

/// What one pass over the SDP in a body gives (of the last `application/sdp` part that has an `m=` line).
#[derive(Debug, Clone, Copy, Default)]
pub struct SdpScan<'a> {
    /// Value of `o=`.
    pub origin: &'a [u8],
    /// Connection address of the first media section (its own `c=` or the session's).
    pub address: &'a [u8],
    /// `m=` line value of the first media section, e.g. `audio 49170 RTP/AVP 0`.
    pub media: &'a [u8],
    pub media_sections: u16,
    /// How many `a=candidate` lines, all bodies together.
    pub candidates: u16,
    /// Of which kinds they are. Only of requests: offers hardly ever come in answers.
    pub candidate_kinds: LineKinds,
    /// Direction attribute of the first media section (`sendonly`, `inactive` …), empty if none.
    pub direction: &'a [u8],
    /// Some section of some body may not run both ways: it has a direction other than `sendrecv`, an unspecified address, or
    /// a line that only the full parser makes sense of.
    pub one_way: bool,
}

/// Scans one whole message (headers and as much body as there is).
///
/// Gives `None` only where the first line is neither a request nor a status line of SIP; another version than
/// `SIP/2.0` and other defects of that line make the message [`suspicious`](Scan::suspicious).
pub fn scan(message: &[u8]) -> Option<Scan<'_>> {
    let b = message;
    let start = parse_start(b)?;
    let mut out = Scan { body_start: b.len(), ..Scan::default() };
    // Whether all that was seen is plainly in order; if not, the full parser decides.
    let mut plain = start.line.start == 0;
    match &start.kind {
        Kind::Request { method, uri, version } => {
            out.method = part(b, method.clone());
            out.request_uri = part(b, uri.clone());
            plain &= part(b, version.clone()) == b"SIP/2.0"
                && part(b, method.end..uri.start) == b" "
                && part(b, uri.end..version.start) == b" "
                && version.end == start.line.end
                && fields::plain_uri(Value::of(b, uri.clone()));
        }
        Kind::Status { version, code, reason } => {
            out.status = status_code(part(b, code.clone()));
            out.reason = part(b, reason.clone());
            plain &= part(b, version.clone()) == b"SIP/2.0"
                && part(b, version.end..code.start) == b" "
                && code.len() == 3
                && (100..700).contains(&out.status)
                && b.get(code.end) == Some(&b' ')
                && (reason.is_empty() || code.end + 1 == reason.start);
        }
    }
    let mut seen = Seen::default();
    let mut server: &[u8] = &[];
    let mut reason: &[u8] = &[];
    let mut warning: &[u8] = b"";
    let mut pos = start.next;
    loop {
        let NamedField { name: kind, value: range, next, token } = match named_field(b, pos) {
            Ok(field) => field,
            Err(body) => {
                plain &= body.is_some();
                out.body_start = body.unwrap_or(b.len());
                break;
            }
        };
        pos = next;
        plain &= token;
        let value = part(b, range.clone());
        match kind {
            Name::Via => {
                let (branch, good) = fields::via(Value::of(b, range));
                if seen.first(kind) {
                    out.branch = branch;
                }
                plain &= good;
            }
            Name::From | Name::To => {
                let first = seen.first(kind);
                let (address, next, good) = fields::name_addr(Value::of(b, range), 0);
                plain &= first && good && next >= value.len();
                if first {
                    *(if kind == Name::From { &mut out.from } else { &mut out.to }) = address;
                }
            }
            Name::CallId => {
                let first = seen.first(kind);
                plain &= first && !value.is_empty() && memchr::memchr3(b' ', b'\t', b'\r', value).is_none();
                if first {
                    out.call_id = value;
                }
            }
            Name::CSeq => {
                let first = seen.first(kind);
                let (number, method, good) = fields::cseq(value);
                plain &= first && good && (out.method.is_empty() || out.method == method);
                if first {
                    (out.cseq, out.cseq_method) = (number, method);
                }
            }
            Name::Contact => {
                plain &= fields::plain_contacts(Value::of(b, range));
                set(&mut out.contact, value);
            }
            Name::ContentLength => {
                let length = number(value);
                plain &= seen.first(kind) && length.is_some_and(|n| n <= u64::from(u32::MAX));
                if out.content_length.is_none() {
                    out.content_length = length.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
                }
            }
            Name::ContentType => {
                plain &= seen.first(kind);
                set(&mut out.content_type, value);
            }
            Name::MaxForwards => plain &= seen.first(kind) && number(value).is_some_and(|n| n <= 255),
            Name::Expires => {
                let seconds = number(value).and_then(|n| u32::try_from(n).ok());
                plain &= seen.first(kind) && seconds.is_some();
                out.expires = out.expires.or(seconds);
            }
            Name::Date => plain &= is_date(value),
            Name::RetryAfter => plain &= retry_after(value).is_some(),
            Name::Warning => {
                plain &= fields::plain_warning(value);
                set(&mut warning, value);
            }
            Name::UserAgent => set(&mut out.agent, value),
            Name::Server => set(&mut server, value),
            Name::Event => set(&mut out.event, value),
            Name::SubscriptionState => set(&mut out.subscription_state, value),
            Name::Authorization => out.credentials = true,
            Name::Reason => set(&mut reason, value),
            Name::Diagnostics => set(&mut out.diagnostics, value),
            Name::Replaces => set(&mut out.replaces, value),
            Name::ReferTo => set(&mut out.refer_to, value),
            Name::XCallId => set(&mut out.x_call_id, value),
            Name::Other => {}
        }
    }
    if out.agent.is_empty() {
        out.agent = server;
    }
    if out.diagnostics.is_empty() {
        out.diagnostics = if reason.is_empty() { warning } else { reason };
    }
    let mut body = part(b, out.body_start..b.len());
    if let Some(length) = out.content_length {
        let length = length as usize;
        plain &= length <= body.len();
        body = body.get(..length).unwrap_or(body);
    }
    out.sdp = body::scan_body(body, out.content_type, out.status == 0);
    plain &= seen.mandatory();
    out.suspicious = !plain && super::parse_message(b).is_none_or(|m| m.is_malformed());
    Some(out)
}

/// Where the body of a message lies, as far as Content-Length lets it, and of what type it says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyPlace {
    pub body: Range<usize>,
    /// Value of the first Content-Type; empty if there is none.
    pub content_type: Range<usize>,
}

/// What [`scan`] says of the body alone, for who reads many bodies: no other header is looked into.
pub fn body_place(message: &[u8]) -> Option<BodyPlace> {
    let mut pos = parse_start(message)?.next;
    let mut content_type = 0..0;
    let mut content_length = None;
    let start = loop {
        // A name that begins with another letter is neither of the two, in full or in short.
        if let Some(first) = message.get(pos).filter(|b| b.is_ascii_alphabetic())
            && !matches!(first, b'c' | b'C' | b'l' | b'L')
        {
            pos = line_feed(message, pos).map_or(message.len(), |end| end + 1);
            continue;
        }
        let NamedField { name, value: range, next, .. } = match named_field(message, pos) {
            Ok(field) => field,
            Err(body) => break body.unwrap_or(message.len()),
        };
        pos = next;
        match name {
            Name::ContentLength => content_length = content_length.or(number(part(message, range))),
            Name::ContentType if content_type.is_empty() => content_type = range,
            _ => {}
        }
    };
    let told = content_length.and_then(|n| start.checked_add(usize::try_from(n).ok()?));
    let end = told.map_or(message.len(), |n| n.min(message.len()));
    Some(BodyPlace { body: start.min(end)..end, content_type })
}

fn set<'a>(field: &mut &'a [u8], value: &'a [u8]) {
    if field.is_empty() {
        *field = value;
    }
}

/// Which headers have been met.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    fn first(&mut self, name: Name) -> bool {
        let bit = 1 << name as u32;
        let first = self.0 & bit == 0;
        self.0 |= bit;
        first
    }

    /// RFC 3261 §8.1.1, without Max-Forwards, which RFC 2543 did not demand.
    fn mandatory(&self) -> bool {
        [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq]
            .iter()
            .all(|&n| self.0 & 1 << n as u32 != 0)
    }
}
