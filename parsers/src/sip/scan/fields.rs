//! Header values on the hot path: what correlation needs of them, and whether they are plainly in order.
//!
//! "Plain" is a promise in one direction: a plain value has no defect that [`super::super::parse_message`]
//! calls malformed. What is not plain may still be good; the full parser then has the word.

use memchr::memchr;

use super::NameAddrScan;
use crate::sip::name_addr::LONGEST_NAME;
use crate::sip::syntax::{
    closing_quote, digits, host_end, is_hex, is_plain_uri_text, is_token, number, part, plain_uri_text_end,
    skip_space, token_end, trim, value_end, words_end,
};

/// A `sip:`, `sips:` or `tel:` URI without headers, every byte of it where it may be.
pub(super) fn plain_uri(u: &[u8]) -> bool {
    let rest = match u {
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', rest @ ..] => rest,
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', rest @ ..] => rest,
        [b't' | b'T', b'e' | b'E', b'l' | b'L', b':', rest @ ..] => {
            return !matches!(rest, [] | [b';', ..]) && is_plain_uri_text(rest);
        }
        _ => return false,
    };
    let user = plain_uri_text_end(rest);
    let host = match rest.get(user) {
        Some(b'@') if user == 0 => return false,
        Some(b'@') => user + 1,
        // Without user part; what else stopped here may be a good host (`[`) or is found bad behind it.
        _ => 0,
    };
    match host_port(rest, host) {
        Some(i) if i == rest.len() => true,
        Some(i) if rest.get(i) == Some(&b';') => is_plain_uri_text(part(rest, i..rest.len())),
        _ => false,
    }
}

/// End of a `host[:port]` that begins at `i`, if it is a good one.
fn host_port(s: &[u8], i: usize) -> Option<usize> {
    let mut end = i;
    if s.get(i) == Some(&b'[') {
        end += 1;
        while s.get(end).is_some_and(|&b| is_hex(b) || b == b':' || b == b'.') {
            end += 1;
        }
        if s.get(end) != Some(&b']') || end < i + 3 {
            return None;
        }
        end += 1;
    } else {
        end = host_end(s, i);
        if end == i {
            return None;
        }
    }
    if s.get(end) != Some(&b':') {
        return Some(end);
    }
    let first = end + 1;
    end = first;
    let mut port = 0u32;
    while let Some(&digit @ b'0'..=b'9') = s.get(end) {
        port = port.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
        end += 1;
    }
    (end > first && port <= 65_535).then_some(end)
}

/// Walks `;name=value` from `i` to a comma or the end; gives where it stopped and whether all was plain.
fn params<'a>(v: &'a [u8], mut i: usize, mut each: impl FnMut(&'a [u8], &'a [u8]) -> bool) -> (usize, bool) {
    let mut plain = true;
    loop {
        i = skip_space(v, i);
        match v.get(i) {
            None => return (v.len(), plain),
            Some(b',') => return (i, plain),
            Some(b';') => {}
            Some(b'"') => {
                plain = false;
                i = closing_quote(v, i + 1).map_or(v.len(), |q| q + 1);
                continue;
            }
            Some(_) => {
                plain = false;
                i += 1;
                continue;
            }
        }
        i = skip_space(v, i + 1);
        let name_at = i;
        i = token_end(v, i);
        let name = part(v, name_at..i);
        plain &= !name.is_empty();
        i = skip_space(v, i);
        if v.get(i) != Some(&b'=') {
            plain &= each(name, &[]);
            continue;
        }
        i = skip_space(v, i + 1);
        let value;
        if v.get(i) == Some(&b'"') {
            let close = closing_quote(v, i + 1);
            plain &= close.is_some();
            let end = close.unwrap_or(v.len());
            value = part(v, i + 1..end);
            i = end.saturating_add(1);
        } else {
            let value_at = i;
            i = value_end(v, i);
            value = part(v, value_at..i);
            plain &= !value.is_empty();
        }
        plain &= each(name, value);
    }
}

/// A name-addr or addr-spec with its parameters, from `from` to a comma or the end.
pub(super) fn name_addr(v: &[u8], from: usize) -> (NameAddrScan<'_>, usize, bool) {
    let mut out = NameAddrScan::default();
    let mut plain = true;
    let mut i = skip_space(v, from);
    if v.get(i) == Some(&b'"') {
        match closing_quote(v, i + 1) {
            Some(q) => {
                out.display = part(v, i + 1..q);
                i = skip_space(v, q + 1);
                plain = v.get(i) == Some(&b'<');
            }
            None => {
                plain = false;
                let open = memchr(b'<', part(v, i..v.len())).map_or(v.len(), |n| i + n);
                out.display = trim(part(v, i + 1..open));
                i = open;
            }
        }
    } else if v.get(i) != Some(&b'<') {
        let word = i;
        i = words_end(v, i);
        match v.get(i) {
            Some(b'<') => out.display = trim(part(v, word..i)),
            Some(b':') => i = word,
            _ => {
                plain = false;
                i = match memchr(b'<', part(v, word..v.len().min(word + LONGEST_NAME))) {
                    Some(n) => {
                        out.display = trim(part(v, word..word + n));
                        word + n
                    }
                    None => word,
                };
            }
        }
    }
    if v.get(i) == Some(&b'<') {
        let open = i + 1;
        let close = memchr(b'>', part(v, open..v.len())).map(|n| open + n);
        plain &= close.is_some();
        let end = close.unwrap_or(v.len());
        let inside = part(v, open..end);
        plain &= plain_uri(inside);
        out.uri = trim(inside);
        i = end.saturating_add(1);
    } else {
        let uri_at = i;
        i = value_end(v, i);
        out.uri = part(v, uri_at..i);
        plain &= plain_uri(out.uri);
    }
    let (next, good) = params(v, i.min(v.len()), |name, value| match name.len() {
        3 if name.eq_ignore_ascii_case(b"tag") => {
            if out.tag.is_empty() {
                out.tag = value;
            }
            true
        }
        4 if name.eq_ignore_ascii_case(b"epid") => {
            if out.epid.is_empty() {
                out.epid = value;
            }
            true
        }
        7 if name.eq_ignore_ascii_case(b"expires") => number(value).is_some_and(|n| n <= u64::from(u32::MAX)),
        _ => true,
    });
    (out, next, plain && good)
}

/// All addresses of a `Contact` value are plain, or it is `*`.
pub(super) fn plain_contacts(v: &[u8]) -> bool {
    if v == b"*" {
        return true;
    }
    let mut i = 0;
    loop {
        let (_, next, plain) = name_addr(v, i);
        if !plain {
            return false;
        }
        if next >= v.len() {
            return true;
        }
        i = next + 1;
    }
}

/// The branch of the topmost element of a `Via` value, and whether all its elements are plain.
pub(super) fn via(v: &[u8]) -> (&[u8], bool) {
    let mut top: Option<&[u8]> = None;
    let mut plain = true;
    let mut i = 0;
    loop {
        i = skip_space(v, i);
        match sent_by_end(v, i) {
            Some(end) => i = end,
            None => {
                plain = false;
                while v.get(i).is_some_and(|&b| b != b';' && b != b',') {
                    i += 1;
                }
            }
        }
        let mut branch: &[u8] = &[];
        let (next, good) = params(v, i, |name, value| {
            if name.len() != 6 || !name.eq_ignore_ascii_case(b"branch") {
                return true;
            }
            if branch.is_empty() {
                branch = value;
            }
            value.len() != MAGIC.len() || !value.eq_ignore_ascii_case(MAGIC)
        });
        plain &= good;
        top.get_or_insert(branch);
        if next >= v.len() {
            return (top.unwrap_or_default(), plain);
        }
        i = next + 1;
    }
}

/// What a branch of an RFC 3261 client begins with (RFC 3261 §8.1.1.7).
const MAGIC: &[u8] = b"z9hG4bK";

/// End of `SIP/2.0/UDP host:port` at `i`, if it is written the usual way.
fn sent_by_end(v: &[u8], i: usize) -> Option<usize> {
    let protocol = b"SIP/2.0/";
    if part(v, i..i + protocol.len()) != protocol {
        return None;
    }
    let transport = i + protocol.len();
    let at = token_end(v, transport);
    let host = skip_space(v, at);
    if at == transport || host == at {
        return None;
    }
    host_port(v, host)
}

/// Number and method of a `CSeq`, and whether they are plain.
pub(super) fn cseq(v: &[u8]) -> (u32, &[u8], bool) {
    let n = digits(v);
    let number = number(part(v, 0..n));
    let method_at = skip_space(v, n);
    let method = part(v, method_at..v.len());
    // RFC 3261 §8.1.1.5: less than 2**31.
    let plain = number.is_some_and(|n| n < 1 << 31) && method_at > n && is_token(method);
    (u32::try_from(number.unwrap_or(0)).unwrap_or(u32::MAX), method, plain)
}

/// `warn-code SP warn-agent SP quoted-string`, one of them.
pub(super) fn plain_warning(v: &[u8]) -> bool {
    if digits(v) != 3 || v.get(3) != Some(&b' ') {
        return false;
    }
    let i = value_end(v, 4);
    i > 4
        && v.get(i) == Some(&b' ')
        && v.get(i + 1) == Some(&b'"')
        && closing_quote(v, i + 2).is_some_and(|q| q + 1 == v.len())
}
