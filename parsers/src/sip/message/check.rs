//! What is wrong with a message: its start line, its mandatory headers, the values of those that carry it.

use std::ops::Range;

use super::{Message, StartLine};
use crate::Issue;
use crate::sip::cause::parse_warnings;
use crate::sip::cseq::parse_cseq;
use crate::sip::name_addr::{parse_name_addr, parse_name_addrs};
use crate::sip::param::find;
use crate::sip::start::{Kind, Start};
use crate::sip::syntax::{Name, is_date, is_space, name_of, number, part, retry_after};
use crate::sip::uri::parse_uri;
use crate::sip::via::parse_vias;

pub(super) fn start_line(message: &mut Message<'_>, start: &Start) {
    let b = message.bytes;
    let issues = &mut message.issues;
    let line = start.line.clone();
    if line.start > 0 {
        issues.push(Issue::new("empty-lines-before-start", 0..line.start, "Empty lines before the message"));
    }
    match &start.kind {
        Kind::Request { method, uri, version } => {
            check_version(b, version, issues);
            for gap in [method.end..uri.start, uri.end..version.start, version.end..line.end] {
                let wanted = if gap.end == line.end { &b""[..] } else { b" " };
                if part(b, gap.clone()) != wanted && !uri.is_empty() {
                    let text = "Its parts are separated by one space each, with nothing behind the version";
                    issues.push(Issue::new("start-line-space", gap, text));
                }
            }
            if uri.is_empty() {
                issues.push(Issue::new("request-uri-missing", line, "A request line without a URI"));
                return;
            }
            let (parsed, found) = parse_uri(b, uri.clone());
            issues.extend(found);
            if let (Some(first), Some(last)) = (parsed.headers.first(), parsed.headers.last()) {
                let text = "A Request-URI may not carry headers";
                issues.push(Issue::new("request-uri-headers", first.range.start..last.range.end, text));
            }
        }
        Kind::Status { version, code, reason } => {
            check_version(b, version, issues);
            let number = number(part(b, code.clone())).unwrap_or(0);
            if code.len() != 3 || number < 100 {
                issues.push(Issue::new(
                    "status-code-bad",
                    code.clone(),
                    "A status code is three digits from 100 on",
                ));
            } else if number > 699 {
                issues.push(Issue::new("status-code-class", code.clone(), "A status code of no known class"));
            }
            if part(b, version.end..code.start) != b" " {
                let gap = version.end..code.start;
                issues.push(Issue::new("start-line-space", gap, "One space belongs before the status code"));
            }
            match b.get(code.end..line.end) {
                Some([b' ', ..]) => {}
                Some([]) | None => {
                    let text = "A space belongs behind the status code, even without a reason phrase";
                    issues.push(Issue::new("reason-space-missing", code.end..code.end, text));
                }
                Some(_) => {
                    let text = "One space belongs between the status code and the reason phrase";
                    issues.push(Issue::new("start-line-space", code.end..reason.start.max(code.end), text));
                }
            }
        }
    }
}

fn check_version(b: &[u8], version: &Range<usize>, issues: &mut Vec<Issue>) {
    let text = part(b, version.clone());
    if !text.eq_ignore_ascii_case(b"SIP/2.0") {
        issues.push(Issue::new("version-unknown", version.clone(), "A version other than SIP/2.0"));
    } else if text != b"SIP/2.0" {
        issues.push(Issue::new(
            "version-not-in-capitals",
            version.clone(),
            "The version has to be sent in capitals",
        ));
    }
}

/// The headers that may stand only once.
const SINGLE: [(Name, &str); 8] = [
    (Name::From, "From"),
    (Name::To, "To"),
    (Name::CallId, "Call-ID"),
    (Name::CSeq, "CSeq"),
    (Name::MaxForwards, "Max-Forwards"),
    (Name::ContentLength, "Content-Length"),
    (Name::ContentType, "Content-Type"),
    (Name::Expires, "Expires"),
];

const MANDATORY: [(Name, &str, &str); 5] = [
    (Name::Via, "Via", "via-missing"),
    (Name::From, "From", "from-missing"),
    (Name::To, "To", "to-missing"),
    (Name::CallId, "Call-ID", "call-id-missing"),
    (Name::CSeq, "CSeq", "cseq-missing"),
];

pub(super) fn headers(message: &mut Message<'_>) {
    let b = message.bytes;
    let method = match &message.start {
        StartLine::Request { method, .. } => Some(part(b, method.clone())),
        StartLine::Status { .. } => None,
    };
    let mut issues = Vec::new();
    let mut first: [Option<Range<usize>>; SINGLE.len()] = Default::default();
    let mut met = 0u32;
    let mut length = None;
    for header in &message.headers {
        let name = name_of(header.name);
        met |= 1 << name as u32;
        if let Some((slot, (_, long))) = first.iter_mut().zip(SINGLE).find(|(_, (single, _))| *single == name)
        {
            match slot {
                None => *slot = Some(header.value_range.clone()),
                Some(earlier) => {
                    let same = part(b, earlier.clone()) == part(b, header.value_range.clone());
                    let code = match (name, same) {
                        (Name::ContentLength, true) => "content-length-repeated",
                        (Name::ContentLength, false) => "content-length-conflict",
                        _ => "header-repeated",
                    };
                    let range = header.name_range.start..header.value_range.end;
                    issues.push(Issue::new(code, range, format!("{long} may stand only once")));
                }
            }
        }
        let range = header.value_range.clone();
        let value = part(b, range.clone());
        match name {
            Name::ContentLength => match number(value) {
                Some(n) => length = length.or(Some((n, range))),
                None => issues.push(Issue::new("content-length-bad", range, "Content-Length is no number")),
            },
            _ => check_value(b, name, range, method, &mut issues),
        }
    }
    for (name, long, code) in MANDATORY {
        if met & 1 << name as u32 == 0 {
            let text = format!("The mandatory header {long} is missing");
            issues.push(Issue::new(code, message.start_range.clone(), text));
        }
    }
    if method.is_some() && met & 1 << Name::MaxForwards as u32 == 0 {
        let text = "Max-Forwards is missing, as of RFC 2543";
        issues.push(Issue::new("max-forwards-missing", message.start_range.clone(), text));
    }
    if let Some((n, range)) = length {
        let there = message.body.len();
        match usize::try_from(n) {
            Ok(n) if n <= there => {
                message.body.end = message.body.start + n;
                if n < there {
                    let rest = message.body.end..b.len();
                    issues.push(Issue::new(
                        "bytes-after-body",
                        rest,
                        "Bytes behind the body that Content-Length tells",
                    ));
                }
            }
            _ => {
                let text = format!("Content-Length tells {n} bytes of body, {there} are there");
                issues.push(Issue::new("content-length-too-large", range, text));
            }
        }
    }
    message.issues.append(&mut issues);
}

fn check_value(b: &[u8], name: Name, range: Range<usize>, method: Option<&[u8]>, issues: &mut Vec<Issue>) {
    let value = part(b, range.clone());
    let bad_number = |code, most: u64| match number(value) {
        Some(n) if n <= most => None,
        _ => Some(Issue::new(code, range.clone(), format!("A number from 0 to {most} has to stand here"))),
    };
    match name {
        Name::Via => issues.extend(parse_vias(b, range).1),
        Name::From | Name::To => {
            let (address, found) = parse_name_addr(b, range.clone());
            issues.extend(found);
            if name == Name::From && address.tag().is_empty() {
                issues.push(Issue::new("from-tag-missing", range, "From without a tag, as of RFC 2543"));
            }
        }
        Name::Contact if value != b"*" => {
            let (addresses, found) = parse_name_addrs(b, range);
            issues.extend(found);
            for expires in addresses.iter().filter_map(|a| find(&a.params, "expires")) {
                if number(expires.value.unwrap_or_default()).is_none_or(|n| n > u64::from(u32::MAX)) {
                    let text = "A number of seconds from 0 to 4294967295 has to stand here";
                    issues.push(Issue::new("contact-expires-bad", expires.range.clone(), text));
                }
            }
        }
        Name::CallId if value.is_empty() || value.iter().any(|&b| is_space(b)) => {
            issues.push(Issue::new("call-id-bad", range, "A Call-ID is one word"));
        }
        Name::CSeq => {
            let (cseq, found) = parse_cseq(b, range);
            let readable = found.is_empty();
            issues.extend(found);
            if readable && method.is_some_and(|m| m != cseq.method) {
                let text = "The method in CSeq is not that of the request line";
                issues.push(Issue::new("cseq-method-mismatch", cseq.method_range, text));
            }
        }
        Name::MaxForwards => issues.extend(bad_number("max-forwards-bad", 255)),
        Name::Expires => issues.extend(bad_number("expires-bad", u64::from(u32::MAX))),
        Name::Date if !is_date(value) => {
            issues.push(Issue::new(
                "date-bad",
                range,
                "A date is written as in Sat, 13 Nov 2010 23:29:00 GMT",
            ));
        }
        Name::RetryAfter if retry_after(value).is_none() => {
            issues.push(Issue::new("retry-after-bad", range, "Retry-After begins with a number of seconds"));
        }
        Name::Warning => issues.extend(parse_warnings(b, range).1),
        _ => {}
    }
}
