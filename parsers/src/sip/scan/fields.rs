//! Header values on the hot path: what correlation needs of them, and whether they are plainly in order.
//!
//! "Plain" is a promise in one direction: a plain value has no defect that [`super::super::parse_message`]
//! calls malformed. What is not plain may still be good; the full parser then has the word.

use std::ops::Range;

use memchr::memchr;

use super::NameAddrScan;
use crate::sip::name_addr::LONGEST_NAME;
use crate::sip::syntax::{
    closing_quote, digits, host_end, is_hex, is_plain_uri_text, is_token, number, part, plain_uri_text_end,
    skip_space, small, token_end, trim, value_end, words_end,
};

/// A value and what comes behind it in its message: a search may look further than the value, as no byte that can stand
/// there (white space, `>`) belongs to anything that is searched through.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    bytes: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Value<'a> {
    pub fn of(message: &'a [u8], range: Range<usize>) -> Self {
        let tail = message.get(range.start..).unwrap_or_default();
        Self { bytes: tail.get(..range.len()).unwrap_or_default(), tail }
    }

    /// From `from` to `to` of it.
    fn part(self, from: usize, to: usize) -> Self {
        let tail = self.tail.get(from..).unwrap_or_default();
        Self { bytes: tail.get(..to.saturating_sub(from)).unwrap_or_default(), tail }
    }
}

/// A `sip:`, `sips:` or `tel:` URI without headers, every byte of it where it may be.
pub(super) fn plain_uri(u: Value<'_>) -> bool {
    let len = u.bytes.len();
    let start = match u.bytes {
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', ..] => 4,
        [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', ..] => 5,
        [b't' | b'T', b'e' | b'E', b'l' | b'L', b':', rest @ ..] => {
            return !matches!(rest, [] | [b';', ..]) && is_plain_uri_text(rest);
        }
        _ => return false,
    };
    let user = plain_uri_text_end(u.tail, start).min(len);
    let host = match u.bytes.get(user) {
        Some(b'@') if user == start => return false,
        Some(b'@') => user + 1,
        // Without user part; what else stopped here may be a good host (`[`) or is found bad behind it.
        _ => start,
    };
    match host_port(u, host) {
        Some(i) if i == len => true,
        Some(i) if u.bytes.get(i) == Some(&b';') => plain_uri_text_end(u.tail, i) >= len,
        _ => false,
    }
}

/// End of a `host[:port]` that begins at `i`, if it is a good one.
fn host_port(v: Value<'_>, i: usize) -> Option<usize> {
    let s = v.bytes;
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
        end = host_end(v.tail, i).min(s.len());
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

/// Which parameter it is, of those that are looked at.
enum Param {
    Tag,
    Epid,
    Branch,
    Expires,
    Other,
}

impl Param {
    fn of(name: &[u8]) -> Self {
        match name.len() {
            3 if name.eq_ignore_ascii_case(b"tag") => Self::Tag,
            4 if name.eq_ignore_ascii_case(b"epid") => Self::Epid,
            6 if name.eq_ignore_ascii_case(b"branch") => Self::Branch,
            7 if name.eq_ignore_ascii_case(b"expires") => Self::Expires,
            _ => Self::Other,
        }
    }

    /// One that `tag=` and its like, written together, are at `i`, and where its value begins.
    fn usual(v: Value<'_>, i: usize) -> Option<(Self, usize)> {
        let bytes = small(u64::from_le_bytes(*v.tail.get(i..)?.first_chunk::<8>()?));
        let is = |name: &[u8; 8], len: usize| (bytes ^ u64::from_le_bytes(*name)) << (64 - 8 * len) == 0;
        Some(if is(b"tag=    ", 4) {
            (Self::Tag, i + 4)
        } else if is(b"branch= ", 7) {
            (Self::Branch, i + 7)
        } else if is(b"epid=   ", 5) {
            (Self::Epid, i + 5)
        } else {
            return None;
        })
    }
}

/// Walks `;name=value` from `i` to a comma or the end; gives where it stopped and whether all was plain.
#[inline(always)]
fn params<'a>(v: Value<'a>, mut i: usize, mut each: impl FnMut(Param, &'a [u8]) -> bool) -> (usize, bool) {
    let Value { bytes, tail } = v;
    let mut plain = true;
    loop {
        if bytes.get(i) != Some(&b';') {
            i = skip_space(bytes, i);
        }
        match bytes.get(i) {
            None => return (bytes.len(), plain),
            Some(b',') => return (i, plain),
            Some(b';') => {}
            Some(b'"') => {
                plain = false;
                i = closing_quote(bytes, i + 1).map_or(bytes.len(), |q| q + 1);
                continue;
            }
            Some(_) => {
                plain = false;
                i += 1;
                continue;
            }
        }
        if let Some((param, value_at)) = Param::usual(v, i + 1) {
            let end = value_end(tail, value_at).min(bytes.len());
            // Not so where it is empty, quoted, or blanks come first.
            if end > value_at {
                i = end;
                plain &= each(param, part(bytes, value_at..end));
                continue;
            }
        }
        i = skip_space(bytes, i + 1);
        let name_at = i;
        i = token_end(bytes, i);
        let name = part(bytes, name_at..i);
        plain &= !name.is_empty();
        i = skip_space(bytes, i);
        if bytes.get(i) != Some(&b'=') {
            plain &= each(Param::of(name), &[]);
            continue;
        }
        i = skip_space(bytes, i + 1);
        let value;
        if bytes.get(i) == Some(&b'"') {
            let close = closing_quote(bytes, i + 1);
            plain &= close.is_some();
            let end = close.unwrap_or(bytes.len());
            value = part(bytes, i + 1..end);
            i = end.saturating_add(1);
        } else {
            let value_at = i;
            i = value_end(tail, i).min(bytes.len());
            value = part(bytes, value_at..i);
            plain &= !value.is_empty();
        }
        plain &= each(Param::of(name), value);
    }
}

/// A name-addr or addr-spec with its parameters, from `from` to a comma or the end.
pub(super) fn name_addr(whole: Value<'_>, from: usize) -> (NameAddrScan<'_>, usize, bool) {
    let v = whole.bytes;
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
        let inside = whole.part(open, end);
        plain &= plain_uri(inside);
        out.uri = trim(inside.bytes);
        i = end.saturating_add(1);
    } else {
        let uri_at = i;
        i = value_end(whole.tail, i).min(v.len());
        out.uri = part(v, uri_at..i);
        plain &= plain_uri(whole.part(uri_at, i));
    }
    let (next, good) = params(whole, i.min(v.len()), |param, value| match param {
        Param::Tag => {
            if out.tag.is_empty() {
                out.tag = value;
            }
            true
        }
        Param::Epid => {
            if out.epid.is_empty() {
                out.epid = value;
            }
            true
        }
        Param::Expires => number(value).is_some_and(|n| n <= u64::from(u32::MAX)),
        Param::Branch | Param::Other => true,
    });
    (out, next, plain && good)
}

/// All addresses of a `Contact` value are plain, or it is `*`.
pub(super) fn plain_contacts(v: Value<'_>) -> bool {
    if v.bytes == b"*" {
        return true;
    }
    let mut i = 0;
    loop {
        let (_, next, plain) = name_addr(v, i);
        if !plain {
            return false;
        }
        if next >= v.bytes.len() {
            return true;
        }
        i = next + 1;
    }
}

/// The branch of the topmost element of a `Via` value, and whether all its elements are plain.
pub(super) fn via(value: Value<'_>) -> (&[u8], bool) {
    let v = value.bytes;
    let mut top: Option<&[u8]> = None;
    let mut plain = true;
    let mut i = 0;
    loop {
        i = skip_space(v, i);
        match sent_by_end(value, i) {
            Some(end) => i = end,
            None => {
                plain = false;
                while v.get(i).is_some_and(|&b| b != b';' && b != b',') {
                    i += 1;
                }
            }
        }
        let mut branch: &[u8] = &[];
        let (next, good) = params(value, i, |param, value| {
            if !matches!(param, Param::Branch) {
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
fn sent_by_end(value: Value<'_>, i: usize) -> Option<usize> {
    let v = value.bytes;
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
    host_port(value, host)
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
