//! Characters, numbers and lines of RFC 3261 §25, shared by all parsers of this folder.

use std::ops::Range;

use memchr::memchr;

const TOKEN: u8 = 1;
const SPACE: u8 = 2;
/// What a URI may hold unescaped anywhere behind its scheme (brackets and `%` are looked at separately).
const URI: u8 = 4;
const HEX: u8 = 8;
/// The same without `?` and `@`.
const PLAIN: u8 = 64;
/// Ends a parameter value outside quotes.
const STOP: u8 = 16;
/// Letters, digits, `-`, `.`, and `_` which is no host name character but is in use.
const HOST: u8 = 32;

const CLASS: [u8; 256] = {
    let mut t = [0u8; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        let mut c = 0;
        if b.is_ascii_alphanumeric() {
            c |= TOKEN | URI | PLAIN | HOST;
        }
        if b.is_ascii_hexdigit() {
            c |= HEX;
        }
        match b {
            b'-' | b'.' | b'_' => c |= TOKEN | URI | PLAIN | HOST,
            b'!' | b'*' | b'+' | b'~' | b'\'' => c |= TOKEN | URI | PLAIN,
            b'%' | b'`' => c |= TOKEN,
            b'(' | b')' | b'&' | b'=' | b'$' | b'/' | b':' => c |= URI | PLAIN,
            b'?' | b'@' => c |= URI,
            b',' | b';' => c |= URI | PLAIN | STOP,
            b' ' | b'\t' | b'\r' | b'\n' => c |= SPACE | STOP,
            b'"' => c |= STOP,
            _ => {}
        }
        t[i] = c;
        i += 1;
    }
    t
};

#[inline]
fn class(b: u8, mask: u8) -> bool {
    CLASS[b as usize] & mask != 0
}

/// Length of the run of bytes of these classes at `i`.
#[inline]
fn span(s: &[u8], i: usize, mask: u8) -> usize {
    let rest = s.get(i..).unwrap_or_default();
    rest.iter().position(|&b| !class(b, mask)).unwrap_or(rest.len())
}

/// All bytes are of one of these classes. Eight at a time without a branch: this runs over every URI.
#[inline]
fn all(s: &[u8], mask: u8) -> bool {
    let mut chunks = s.chunks_exact(8);
    for chunk in &mut chunks {
        if chunk.iter().fold(mask, |m, &b| m & CLASS[b as usize]) == 0 {
            return false;
        }
    }
    chunks.remainder().iter().fold(mask, |m, &b| m & CLASS[b as usize]) != 0
}

/// Sixteen bytes at once: comparisons joined without a branch, which the compiler makes a few instructions of where a table
/// takes some for each byte.
#[inline(always)]
fn first_that(s: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = s.get(from..).unwrap_or_default();
    let (chunks, last) = rest.as_chunks::<16>();
    let mut at = from;
    for chunk in chunks {
        let found = u128::from_le_bytes(chunk.map(|b| u8::from(is(b))));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 16;
    }
    at + last.iter().position(|&b| is(b)).unwrap_or(last.len())
}

#[inline(always)]
fn is_letter(b: u8) -> bool {
    (b | 0x20).wrapping_sub(b'a') < 26
}

/// As the table has [`HOST`].
#[inline(always)]
fn in_host(b: u8) -> bool {
    is_letter(b) | (b.wrapping_sub(b'0') < 10) | (b.wrapping_sub(b'-') < 2) | (b == b'_')
}

/// As the table has [`PLAIN`].
#[inline(always)]
fn in_plain(b: u8) -> bool {
    let marks = (b == b'=') | (b == b'!') | (b == b'$') | (b == b'_') | (b == b'~');
    is_letter(b) | (b.wrapping_sub(b'&') <= b';' - b'&') | marks
}

/// As the table has [`STOP`].
#[inline(always)]
fn in_stop(b: u8) -> bool {
    let blank = (b == b' ') | (b == b'\t') | (b == b'\r') | (b == b'\n');
    blank | (b == b';') | (b == b',') | (b == b'"')
}

/// Position behind the token that begins at `i`.
#[inline]
pub(crate) fn token_end(s: &[u8], i: usize) -> usize {
    i + span(s, i, TOKEN)
}

/// Position behind tokens and white space.
#[inline]
pub(crate) fn words_end(s: &[u8], i: usize) -> usize {
    i + span(s, i, TOKEN | SPACE)
}

#[inline(always)]
pub(crate) fn host_end(s: &[u8], i: usize) -> usize {
    first_that(s, i, |b| !in_host(b))
}

/// Position of the first `;`, `,`, `"` or white space from `i` on.
#[inline(always)]
pub(crate) fn value_end(s: &[u8], i: usize) -> usize {
    first_that(s, i, in_stop)
}

pub(crate) fn is_token_byte(b: u8) -> bool {
    class(b, TOKEN)
}

/// White space between tokens, the line ends of folding included.
pub(crate) fn is_space(b: u8) -> bool {
    class(b, SPACE)
}

pub(crate) fn is_uri_byte(b: u8) -> bool {
    class(b, URI)
}

/// No byte needs a closer look: no `?`, no `@`, no `%`, no bracket.
#[inline]
pub(crate) fn is_plain_uri_text(s: &[u8]) -> bool {
    all(s, PLAIN)
}

/// Position of the first byte from `i` on that [`is_plain_uri_text`] is not of.
#[inline(always)]
pub(crate) fn plain_uri_text_end(s: &[u8], i: usize) -> usize {
    first_that(s, i, |b| !in_plain(b))
}

pub(crate) fn is_hex(b: u8) -> bool {
    class(b, HEX)
}

pub(crate) fn is_token(s: &[u8]) -> bool {
    !s.is_empty() && all(s, TOKEN)
}

/// Without white space at both ends.
pub(crate) fn trim(mut s: &[u8]) -> &[u8] {
    while let [b, rest @ ..] = s {
        if !is_space(*b) {
            break;
        }
        s = rest;
    }
    while let [rest @ .., b] = s {
        if !is_space(*b) {
            break;
        }
        s = rest;
    }
    s
}

/// The range without white space at both ends; an empty one stays where it began.
pub(crate) fn trim_range(buf: &[u8], r: Range<usize>) -> Range<usize> {
    let (mut start, mut end) = (r.start, r.end);
    while start < end && buf.get(start).is_some_and(|&b| is_space(b)) {
        start += 1;
    }
    while end > start && buf.get(end - 1).is_some_and(|&b| is_space(b)) {
        end -= 1;
    }
    start..end
}

/// First position at or behind `i` that is no white space.
#[inline]
pub(crate) fn skip_space(s: &[u8], i: usize) -> usize {
    i + span(s, i, SPACE)
}

/// Bytes of a range, empty where it does not fit.
pub(crate) fn part(s: &[u8], r: Range<usize>) -> &[u8] {
    s.get(r).unwrap_or_default()
}

/// A string of digits only; a number too large for 64 bits is `u64::MAX`.
pub(crate) fn number(s: &[u8]) -> Option<u64> {
    if s.is_empty() {
        return None;
    }
    let mut n = 0u64;
    for &b in s {
        if !b.is_ascii_digit() {
            return None;
        }
        n = n.saturating_mul(10).saturating_add(u64::from(b - b'0'));
    }
    Some(n)
}

/// How many digits stand at the beginning.
pub(crate) fn digits(s: &[u8]) -> usize {
    s.iter().position(|b| !b.is_ascii_digit()).unwrap_or(s.len())
}

pub(crate) fn starts_with_ignore_case(s: &[u8], prefix: &[u8]) -> bool {
    s.get(..prefix.len()).is_some_and(|p| p.eq_ignore_ascii_case(prefix))
}

/// Position of the quote that closes the quoted string opened just before `i`.
pub(crate) fn closing_quote(s: &[u8], mut i: usize) -> Option<usize> {
    loop {
        let at = i + memchr::memchr2(b'"', b'\\', s.get(i..)?)?;
        if s.get(at) == Some(&b'"') {
            return Some(at);
        }
        i = at + 2;
    }
}

/// A header field as its lines stand in the message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Where the name begins.
    pub start: usize,
    /// Behind the name, white space before the colon not counted; equal to `start` where there is no colon.
    pub name_end: usize,
    /// Value without white space at its ends; with folding it holds line ends.
    pub value_start: usize,
    pub value_end: usize,
    /// Where the next field begins.
    pub next: usize,
    pub colon: bool,
    /// Which name it is, if it is a token with the colon right behind it.
    pub token_name: Option<Name>,
    pub folded: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Next {
    Field(Field),
    /// The empty line; behind it the body begins here.
    Empty(usize),
    /// The bytes end without an empty line.
    End,
}

/// The header field that begins at `pos`.
#[inline]
pub(crate) fn next_field(b: &[u8], pos: usize) -> Next {
    let Some(rest) = b.get(pos..) else { return Next::End };
    match rest {
        [] | [b'\r'] => return Next::End,
        [b'\n', ..] => return Next::Empty(pos + 1),
        [b'\r', b'\n', ..] => return Next::Empty(pos + 2),
        _ => {}
    }
    let (line_end, mut next) = match memchr(b'\n', rest) {
        Some(i) => (pos + i, pos + i + 1),
        None => (b.len(), b.len()),
    };
    let mut end = line_end;
    let mut folded = false;
    while let Some(b' ' | b'\t') = b.get(next) {
        folded = true;
        match memchr(b'\n', part(b, next..b.len())) {
            Some(i) => {
                end = next + i;
                next = end + 1;
            }
            None => {
                end = b.len();
                next = end;
            }
        }
    }
    let known = plain_name(rest);
    let name = match known {
        Some((len, _)) => Some((pos + len, pos + len + 1)),
        None => memchr(b':', part(b, pos..line_end)).map(|i| {
            let before = part(b, pos..pos + i);
            let blanks = before.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
            (pos + before.len() - blanks, pos + i + 1)
        }),
    };
    let (name_end, value_from) = name.unwrap_or((pos, pos));
    let value = trim_range(b, value_from..end);
    Next::Field(Field {
        start: pos,
        name_end,
        value_start: value.start,
        value_end: value.end,
        next,
        colon: name.is_some(),
        token_name: known.map(|(_, name)| name),
        folded,
    })
}

/// A header field by what its name means.
pub(crate) struct NamedField {
    pub name: Name,
    pub value: Range<usize>,
    pub next: usize,
    /// The name is a token.
    pub token: bool,
}

/// [`next_field`] for who asks only that; where there is none, the place of the body, if there is an empty line.
#[inline(always)]
pub(crate) fn named_field(b: &[u8], pos: usize) -> Result<NamedField, Option<usize>> {
    if let Some(field) = plain_field(b, pos) {
        return Ok(field);
    }
    match next_field(b, pos) {
        Next::Field(field) => {
            let name = part(b, field.start..field.name_end);
            Ok(NamedField {
                name: field.token_name.unwrap_or_else(|| name_of(name)),
                value: field.value_start..field.value_end,
                next: field.next,
                token: field.token_name.is_some() || is_token(name),
            })
        }
        Next::Empty(body) => Err(Some(body)),
        Next::End => Err(None),
    }
}

/// The field at `pos` if it is written as nearly all are: name, colon, at most one space, value, CR LF.
#[inline(always)]
fn plain_field(b: &[u8], pos: usize) -> Option<NamedField> {
    let rest = b.get(pos..).filter(|rest| !matches!(rest, [b'\r', ..]))?;
    let (len, name) = plain_name(rest)?;
    let end = pos + line_feed(rest, len + 1)?;
    // A blank at the beginning of the next line would continue this one.
    let folded = matches!(b.get(end + 1), Some(b' ' | b'\t'));
    let [.., last, b'\r'] = b.get(pos + len + 1..end)? else { return None };
    let space = b.get(pos + len + 1) == Some(&b' ');
    let start = pos + len + 1 + usize::from(space);
    let trimmed = !is_space(*last) && b.get(start).is_some_and(|&first| !is_space(first));
    (trimmed && !folded).then_some(NamedField { name, value: start..end - 1, next: end + 1, token: true })
}

/// Position of the first line feed from `from` on, where it is likely to be near.
#[inline(always)]
pub(crate) fn line_feed(s: &[u8], from: usize) -> Option<usize> {
    let rest = s.get(from..)?;
    let mut at = from;
    let (chunks, last) = rest.as_chunks::<16>();
    for chunk in chunks {
        // All at once without a branch, which the compiler makes one comparison of.
        if chunk.iter().fold(false, |any, &b| any | (b == b'\n')) {
            let bytes = u128::from_le_bytes(*chunk);
            let low = first_of(bytes as u64, b'\n');
            return low.or_else(|| first_of((bytes >> 64) as u64, b'\n').map(|i| 8 + i)).map(|i| at + i);
        }
        at += 16;
    }
    last.iter().position(|&b| b == b'\n').map(|i| at + i)
}

/// Headers this crate looks into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// `Authorization` or `Proxy-Authorization`.
    Authorization,
    Via,
    From,
    To,
    CallId,
    CSeq,
    Contact,
    ContentLength,
    ContentType,
    Date,
    Diagnostics,
    Event,
    Expires,
    MaxForwards,
    Reason,
    ReferTo,
    Replaces,
    RetryAfter,
    Server,
    SubscriptionState,
    UserAgent,
    Warning,
    XCallId,
    Other,
}

/// Every byte of a number is this one.
const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Position of the first byte that is this one.
#[inline]
fn first_of(bytes: u64, byte: u8) -> Option<usize> {
    let other = bytes ^ every(byte);
    // The lowest byte that is it has its high bit set here.
    let found = other.wrapping_sub(every(1)) & !other & every(0x80);
    (found != 0).then_some(found.trailing_zeros() as usize / 8)
}

/// A name in small letters as one number.
const fn key(name: &[u8]) -> u128 {
    let mut out = 0;
    let mut i = name.len();
    while i > 0 {
        i -= 1;
        out = out << 8 | name[i] as u128;
    }
    small(out as u64) as u128 | (small((out >> 64) as u64) as u128) << 64
}

/// What may be a letter in small; no other byte becomes one that a name may hold.
pub(crate) const fn small(bytes: u64) -> u64 {
    bytes | (bytes & every(0x40)) >> 1
}

/// Length of the token at the beginning of a line that a colon follows at once, and which name it is.
#[inline]
fn plain_name(line: &[u8]) -> Option<(usize, Name)> {
    if let Some(bytes) = line.first_chunk::<16>() {
        let bytes = u128::from_le_bytes(*bytes);
        let (low, high) = (bytes as u64, (bytes >> 64) as u64);
        let head = |half: u64, len: usize| u128::from(small(half) & !(u64::MAX << (8 * len)));
        let found = match first_of(low, b':') {
            Some(n) => Some((n, head(low, n))),
            None => first_of(high, b':').map(|n| (8 + n, u128::from(small(low)) | head(high, n) << 64)),
        };
        if let Some((len, key)) = found {
            let name = known_name(key, len);
            return (name != Name::Other || is_token(part(line, 0..len))).then_some((len, name));
        }
    }
    let len = token_end(line, 0);
    (len > 0 && line.get(len) == Some(&b':')).then(|| (len, name_of(part(line, 0..len))))
}

/// Which of them a name as written is (any case, compact form included).
pub(crate) fn name_of(name: &[u8]) -> Name {
    match name.len() {
        1..=15 => known_name(key(name), name.len()),
        18 if name.eq_ignore_ascii_case(b"subscription-state") => Name::SubscriptionState,
        19 if name.eq_ignore_ascii_case(b"proxy-authorization") => Name::Authorization,
        21 if name.eq_ignore_ascii_case(b"ms-diagnostics-public")
            || name.eq_ignore_ascii_case(b"ms-client-diagnostics") =>
        {
            Name::Diagnostics
        }
        _ => Name::Other,
    }
}

/// Which of them the name of that length and [`key`] is.
#[inline]
fn known_name(key: u128, len: usize) -> Name {
    macro_rules! names {
        ($($length:literal: $($name:literal => $value:ident),+;)+) => {
            match len {
                $($length => match key { $(k if k == const { self::key($name) } => Name::$value,)+ _ => Name::Other },)+
                _ => Name::Other,
            }
        };
    }
    names! {
        1: b"v" => Via, b"f" => From, b"t" => To, b"i" => CallId, b"m" => Contact, b"l" => ContentLength,
            b"c" => ContentType, b"o" => Event, b"r" => ReferTo;
        2: b"to" => To;
        3: b"via" => Via;
        4: b"from" => From, b"cseq" => CSeq, b"date" => Date;
        5: b"event" => Event, b"x-cid" => XCallId;
        6: b"server" => Server, b"reason" => Reason;
        7: b"call-id" => CallId, b"contact" => Contact, b"expires" => Expires, b"warning" => Warning;
        8: b"refer-to" => ReferTo, b"replaces" => Replaces, b"x-callid" => XCallId;
        9: b"x-call-id" => XCallId;
        10: b"user-agent" => UserAgent;
        11: b"retry-after" => RetryAfter;
        12: b"content-type" => ContentType, b"max-forwards" => MaxForwards;
        13: b"authorization" => Authorization;
        14: b"content-length" => ContentLength, b"ms-diagnostics" => Diagnostics;
    }
}

/// Is a name as written this long one, or its compact form?
pub(crate) fn name_is(name: &[u8], long: &[u8], compact: u8) -> bool {
    name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(&[compact])
}

/// `rfc1123-date` (RFC 3261 §25.1): `Sat, 13 Nov 2010 23:29:00 GMT`.
pub(crate) fn is_date(v: &[u8]) -> bool {
    const SHAPE: &[u8; 29] = b"aaa, dd aaa dddd dd:dd:dd GMT";
    v.len() == SHAPE.len()
        && v.iter().zip(SHAPE).all(|(&b, &s)| match s {
            b'a' => b.is_ascii_alphabetic(),
            b'd' => b.is_ascii_digit(),
            _ => b == s,
        })
}

/// `Retry-After`: seconds, then a comment or parameters.
pub(crate) fn retry_after(v: &[u8]) -> Option<u32> {
    let n = digits(v);
    let seconds = u32::try_from(number(part(v, 0..n))?).ok()?;
    match v.get(n) {
        None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'(' | b';') => Some(seconds),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_field() {
        let b = b"Subject : a\r\n  b \r\n\r\nx";
        let Next::Field(f) = next_field(b, 0) else { panic!("a field") };
        assert_eq!(&b[f.start..f.name_end], b"Subject");
        assert_eq!(&b[f.value_start..f.value_end], b"a\r\n  b");
        assert!(f.folded);
        assert!(matches!(next_field(b, f.next), Next::Empty(21)));
    }

    #[test]
    fn comparisons_are_what_the_table_says() {
        for b in 0..=255 {
            assert_eq!(in_host(b), class(b, HOST), "{b}");
            assert_eq!(in_plain(b), class(b, PLAIN), "{b}");
            assert_eq!(in_stop(b), class(b, STOP), "{b}");
        }
        let text: Vec<u8> = (0..70).map(|i| if i == 69 { b';' } else { b'a' }).collect();
        for i in 0..=text.len() {
            for cut in i..=text.len() {
                assert_eq!(value_end(&text[..cut], i), cut.min(69).max(i));
            }
        }
        assert_eq!(value_end(b"a", 5), 5);
    }

    #[test]
    fn quotes_with_escapes() {
        assert_eq!(closing_quote(br#"a\"b"c"#, 0), Some(4));
        assert_eq!(closing_quote(br#"a\"#, 0), None);
        assert_eq!(closing_quote(br#"a\""#, 0), None);
    }

    #[test]
    fn dates() {
        assert!(is_date(b"Sat, 13 Nov 2010 23:29:00 GMT"));
        assert!(!is_date(b"Fri, 01 Jan 2010 16:00:00 EST"));
    }
}
