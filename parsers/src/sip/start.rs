//! The first line of a message (RFC 3261 §7.1 and §7.2), read leniently.

use std::ops::Range;

use super::syntax::{is_token, line_feed, part, starts_with_ignore_case, trim_range};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Request { method: Range<usize>, uri: Range<usize>, version: Range<usize> },
    Status { version: Range<usize>, code: Range<usize>, reason: Range<usize> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// The line without its line end.
    pub line: Range<usize>,
    /// Where the first header begins.
    pub next: usize,
    pub kind: Kind,
}

const LONGEST_VERSION: usize = 16;
/// The version of all messages but odd ones.
const USUAL: &[u8] = b"SIP/2.0";

pub(crate) fn is_version(v: &[u8]) -> bool {
    starts_with_ignore_case(v, b"SIP/")
        && v.len() <= LONGEST_VERSION
        && v.get(4..).is_some_and(|n| is_token(n) && n.first().is_some_and(u8::is_ascii_digit))
}

fn is_blank(b: &u8) -> bool {
    matches!(b, b' ' | b'\t')
}

fn first_space(b: &[u8], r: Range<usize>) -> usize {
    // Methods, versions and codes are too short for a vectorised search to pay.
    part(b, r.clone()).iter().position(is_blank).map_or(r.end, |i| r.start + i)
}

/// The start line of a message; empty lines before it are passed over (RFC 3261 §7.5).
#[inline]
pub(crate) fn parse_start(b: &[u8]) -> Option<Start> {
    let begin = b.iter().position(|&c| c != b'\r' && c != b'\n')?;
    let (mut end, next) = match line_feed(b, begin) {
        Some(i) => (i, i + 1),
        None => (b.len(), b.len()),
    };
    while end > begin && b.get(end - 1) == Some(&b'\r') {
        end -= 1;
    }
    let line = begin..end;
    let kind = parse_line(b, line.clone())?;
    Some(Start { line, next, kind })
}

/// A whole first line; positions count from the beginning of `b`.
fn parse_line(b: &[u8], line: Range<usize>) -> Option<Kind> {
    let text = part(b, line.clone());
    if starts_with_ignore_case(text, b"SIP/") {
        // As nearly all begin.
        let version = if text.starts_with(b"SIP/2.0 ") {
            line.start..line.start + USUAL.len()
        } else {
            let version = line.start..first_space(b, line.clone());
            if !is_version(part(b, version.clone())) {
                return None;
            }
            version
        };
        let rest = trim_range(b, version.end..line.end);
        let code = rest.start..first_space(b, rest.clone());
        let code = code.start..code.start + super::syntax::digits(part(b, code));
        if code.is_empty() {
            return None;
        }
        let reason = trim_range(b, code.end..line.end);
        return Some(Kind::Status { version, code, reason });
    }
    let method = line.start..first_space(b, line.clone());
    if !is_token(part(b, method.clone())) {
        return None;
    }
    let rest = trim_range(b, method.end..line.end);
    // As nearly all end.
    let at = if text.ends_with(b" SIP/2.0") {
        line.end - USUAL.len()
    } else {
        let at = part(b, rest.clone()).iter().rposition(is_blank).map_or(rest.start, |i| rest.start + i + 1);
        if !is_version(part(b, at..rest.end)) {
            return None;
        }
        at
    };
    let version = at..rest.end;
    let uri = trim_range(b, rest.start..at);
    Some(Kind::Request { method, uri, version })
}

/// Status code of a code field; what is out of range is brought into 1–999 so that a response stays one.
pub(crate) fn status_code(code: &[u8]) -> u16 {
    super::syntax::number(code).map_or(999, |n| n.clamp(1, 999) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Option<(&str, &str, &str)> {
        match parse_start(line.as_bytes())?.kind {
            Kind::Request { method, uri, version } => Some((&line[method], &line[uri], &line[version])),
            Kind::Status { .. } => None,
        }
    }

    #[test]
    fn request_lines() {
        assert_eq!(request("INVITE sip:a@b SIP/2.0\r\n"), Some(("INVITE", "sip:a@b", "SIP/2.0")));
        assert_eq!(request("\r\n\r\nx  sip:a@b; lr  sip/3.0 \n"), Some(("x", "sip:a@b; lr", "sip/3.0")));
        assert_eq!(request("INVITE SIP/2.0"), Some(("INVITE", "", "SIP/2.0")));
        for no in
            ["", "\r\n", "GET / HTTP/1.1\r\n", "a(b) sip:x SIP/2.0", "INVITE sip:a@b", "INVITE sip:a SIP/"]
        {
            assert_eq!(request(no), None, "{no}");
        }
    }

    #[test]
    fn status_lines() {
        let line = b"SIP/2.0 180 Ring Ring\r\n";
        let Kind::Status { version, code, reason } = parse_start(line).unwrap().kind else {
            panic!("a status")
        };
        assert_eq!(
            (&line[version], &line[code], &line[reason]),
            (&b"SIP/2.0"[..], &b"180"[..], &b"Ring Ring"[..])
        );
        assert!(parse_start(b"SIP/2.0 OK\r\n").is_none());
        assert!(parse_start(b"SIP/2.0\r\n").is_none());
    }
}
