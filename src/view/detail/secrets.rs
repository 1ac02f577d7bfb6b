//! Secrets in what is shown: credentials, SDP keys, ICE and MRAS passwords.

use std::borrow::Cow;
use std::ops::Range;

use callscope_parsers::sip::auth::{self, AuthScheme};
use callscope_parsers::sip::canonical_name;

use crate::view::show;

/// What stands in place of a secret.
pub const REDACTED: &str = "<redacted>";

/// Headers whose value proves an identity.
const CREDENTIALS: [&str; 4] =
    ["Authorization", "Proxy-Authorization", "Authentication-Info", "Proxy-Authentication-Info"];

/// Does the header prove an identity (any case)?
pub fn is_credentials(name: &[u8]) -> bool {
    CREDENTIALS.iter().any(|c| canonical_name(name).eq_ignore_ascii_case(c.as_bytes()))
}

/// A header's value, safe to show, with secrets replaced unless `show_secrets`.
pub fn header_value(name: &[u8], value: &[u8], show_secrets: bool) -> String {
    if show_secrets || !is_credentials(name) {
        return show::safe(value);
    }
    show::safe(&without(value, secret_ranges(value, 0..value.len())))
}

/// The bytes of an Authorization value that are secret.
pub fn secret_ranges(buf: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    let (value, _) = auth::parse_auth(buf, range.clone());
    if matches!(value.scheme, AuthScheme::Basic | AuthScheme::Bearer) || value.params.is_empty() {
        let scheme = range.start.saturating_add(value.scheme_name.len());
        let token = buf.get(scheme..range.end).unwrap_or_default();
        let skip = token.iter().take_while(|b| b.is_ascii_whitespace()).count();
        return std::iter::once(scheme + skip..range.end).filter(|r| r.start < r.end).collect();
    }
    let secret = |p: &&callscope_parsers::sip::param::Param<'_>| {
        auth::SECRET_PARAMETERS.iter().any(|s| p.name.eq_ignore_ascii_case(s.as_bytes()))
    };
    value
        .params
        .iter()
        .filter(secret)
        .filter_map(|p| {
            let text = buf.get(p.range.clone())?;
            let equals = text.iter().position(|&b| b == b'=')?;
            Some(p.range.start + equals + 1..p.range.end)
        })
        .collect()
}

/// `value` with the given ranges (in order) replaced.
pub fn without(value: &[u8], secrets: Vec<Range<usize>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    for range in secrets {
        out.extend(value.get(at..range.start).unwrap_or_default());
        out.extend(REDACTED.as_bytes());
        at = range.end;
    }
    out.extend(value.get(at..).unwrap_or_default());
    out
}

/// Value of an SDP attribute without key material (RFC 4568 §4), ICE password (RFC 8839 §5.4) or the password that
/// candidate lines of draft-06 carry in their second place.
pub fn sdp_attribute<'v>(name: &[u8], value: &'v [u8]) -> Cow<'v, [u8]> {
    if name.eq_ignore_ascii_case(b"ice-pwd") {
        return Cow::Borrowed(REDACTED.as_bytes());
    }
    if name.eq_ignore_ascii_case(b"crypto") || name.eq_ignore_ascii_case(b"key-mgmt") {
        let lower = value.to_ascii_lowercase();
        if let Some(at) = memchr::memmem::find(&lower, b"inline:").map(|at| at + 7) {
            let rest = value.get(at..).unwrap_or_default();
            let end = rest.iter().position(|b| matches!(b, b'|' | b' ' | b';')).unwrap_or(rest.len());
            return Cow::Owned(without(value, std::iter::once(at..at + end).collect()));
        }
        return Cow::Borrowed(REDACTED.as_bytes());
    }
    if name.eq_ignore_ascii_case(b"candidate") {
        let mut words = Vec::new();
        let mut start = 0;
        for word in value.split(|b| b.is_ascii_whitespace()) {
            if !word.is_empty() {
                words.push((start, word));
            }
            start += word.len() + 1;
        }
        let is_transport = |w: &[u8]| {
            ["udp", "tcp", "tcp-pass", "tcp-act", "ssltcp", "tls"]
                .iter()
                .any(|t| w.eq_ignore_ascii_case(t.as_bytes()))
        };
        // RFC 8839: foundation component transport …; draft-06: id component password transport …
        if let (Some(&(start, third)), Some((_, fourth))) = (words.get(2), words.get(3))
            && !is_transport(third)
            && is_transport(fourth)
        {
            return Cow::Owned(without(value, std::iter::once(start..start + third.len()).collect()));
        }
    }
    Cow::Borrowed(value)
}

/// A line of another body without the content of `<password>` (MRAS credentials) and the like.
pub fn text_line(line: &[u8]) -> Cow<'_, [u8]> {
    let lower = line.to_ascii_lowercase();
    let mut secrets = Vec::new();
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(lower.get(from..).unwrap_or_default(), b"password>") {
        let start = from + at + b"password>".len();
        let opened = lower.get(..from + at).and_then(|l| l.iter().rposition(|&b| b == b'<'));
        let closing = opened.is_some_and(|o| lower.get(o + 1) == Some(&b'/'));
        let rest = line.get(start..).unwrap_or_default();
        let end = start + rest.iter().position(|&b| b == b'<').unwrap_or(rest.len());
        if !closing && start < end {
            secrets.push(start..end);
        }
        from = start.max(if closing { start } else { end });
    }
    if secrets.is_empty() { Cow::Borrowed(line) } else { Cow::Owned(without(line, secrets)) }
}
