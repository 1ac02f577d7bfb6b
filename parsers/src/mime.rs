//! Bodies inside bodies: MIME multipart (RFC 2046) as SIP carries it (RFC 5621), `message/cpim` (RFC 3862), and the
//! transfer encodings of RFC 2045 §6.
//!
//! Accepted beyond the letter: bare line feeds, a closing boundary that is missing, parts whose header section
//! does not end, white space behind a boundary.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use crate::Issue;
use crate::sip::param;
use crate::sip::syntax::{
    Next, closing_quote, is_space, name_is, next_field, part, skip_space, starts_with_ignore_case, trim,
    value_end,
};

/// One part of a body. Ranges are byte positions in the buffer given to [`parse_body`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Media type in lower case without parameters, e.g. `application/sdp`; empty if not told.
    pub media_type: String,
    /// Content-Type as written.
    pub content_type: String,
    /// Without angle brackets.
    pub content_id: Option<String>,
    pub disposition: Option<String>,
    pub transfer_encoding: Option<String>,
    /// Header section of the part (empty for a body that is not multipart).
    pub head: Range<usize>,
    /// Content as on the wire (before any transfer decoding).
    pub content: Range<usize>,
    /// Parts of a nested multipart.
    pub parts: Vec<Part>,
}

impl Part {
    /// This part and all below it, in the order of the wire.
    pub fn walk(&self) -> Vec<&Part> {
        let mut out = vec![self];
        for part in &self.parts {
            out.extend(part.walk());
        }
        out
    }

    /// The content with its transfer encoding undone.
    pub fn decoded<'a>(&self, buf: &'a [u8]) -> (Cow<'a, [u8]>, Vec<Issue>) {
        let content = part(buf, self.content.clone());
        let encoding = self.transfer_encoding.as_deref().unwrap_or_default();
        let (decoded, good) = decode_transfer(content, encoding);
        let mut issues = Vec::new();
        if !good {
            let text = format!("The content is no whole {encoding}");
            issues.push(Issue::new("transfer-encoding-damaged", self.content.clone(), text));
        }
        (decoded, issues)
    }
}

/// Multiparts inside multiparts that are taken apart.
const DEPTH: u8 = 8;
/// Parts kept of one multipart; what follows stays in the last one.
const PARTS: usize = 1_000;

/// Takes a body apart by its Content-Type; a body that is not multipart is one part.
pub fn parse_body(buf: &[u8], body: Range<usize>, content_type: &[u8]) -> (Part, Vec<Issue>) {
    let body = body.start.min(buf.len())..body.end.min(buf.len());
    let mut issues = Vec::new();
    let mut out = Part::new(content_type, body.start..body.start, body);
    out.split(buf, content_type, DEPTH, &mut issues);
    (out, issues)
}

impl Part {
    fn new(content_type: &[u8], head: Range<usize>, content: Range<usize>) -> Self {
        Self {
            media_type: text(media_type(content_type)).to_ascii_lowercase(),
            content_type: text(content_type),
            content_id: None,
            disposition: None,
            transfer_encoding: None,
            head,
            content,
            parts: Vec::new(),
        }
    }

    fn split(&mut self, buf: &[u8], content_type: &[u8], depth: u8, issues: &mut Vec<Issue>) {
        let wraps = self.media_type == "message/cpim";
        if !wraps && !self.media_type.starts_with("multipart/") {
            return;
        }
        if depth == 0 {
            let text = "Multiparts too deep inside each other";
            issues.push(Issue::new("multipart-too-deep", self.content.clone(), text));
            return;
        }
        if wraps {
            // Headers of its own, an empty line, then one entity (RFC 3862 §2).
            if let Some(inner) = behind_empty_line(buf, self.content.clone()) {
                self.parts.push(one(buf, inner..self.content.end, depth, issues));
            }
            return;
        }
        let boundary = boundary(content_type);
        if boundary.is_empty() {
            let text = "A multipart without a boundary";
            issues.push(Issue::new("multipart-boundary-missing", self.content.clone(), text));
            return;
        }
        let mut begin = None;
        let mut line = self.content.start;
        let mut closed = false;
        while line < self.content.end && !closed {
            let rest = part(buf, line..self.content.end);
            let next = memchr(b'\n', rest).map_or(self.content.end, |n| line + n + 1);
            if let Some(close) = delimiter(part(buf, line..next), boundary)
                && (close || self.parts.len() + 1 < PARTS)
            {
                if let Some(at) = begin {
                    self.parts.push(one(buf, at..without_line_end(buf, at, line), depth, issues));
                }
                begin = (!close).then_some(next);
                closed = close;
            }
            line = next;
        }
        if !closed {
            let end = self.content.end;
            if let Some(at) = begin {
                self.parts.push(one(buf, at..end, depth, issues));
            }
            let text = "The closing boundary is missing";
            issues.push(Issue::new("multipart-closing-boundary-missing", end..end, text));
        }
    }
}

fn one(buf: &[u8], range: Range<usize>, depth: u8, issues: &mut Vec<Issue>) -> Part {
    let bytes = part(buf, 0..range.end);
    let (mut content_type, mut id, mut disposition, mut encoding) = (&b""[..], None, None, None);
    let mut pos = range.start;
    let content = loop {
        match next_field(bytes, pos) {
            Next::Field(f) => {
                let name = part(bytes, f.start..f.name_end);
                let value = part(bytes, f.value_start..f.value_end);
                if name_is(name, b"Content-Type", b'c') {
                    content_type = value;
                } else if name.eq_ignore_ascii_case(b"Content-ID") {
                    let bare = value.strip_prefix(b"<").and_then(|v| v.strip_suffix(b">"));
                    id = Some(text(bare.unwrap_or(value)));
                } else if name.eq_ignore_ascii_case(b"Content-Disposition") {
                    disposition = Some(text(value));
                } else if name.eq_ignore_ascii_case(b"Content-Transfer-Encoding") {
                    encoding = Some(text(value));
                }
                pos = f.next;
            }
            Next::Empty(at) => break at,
            Next::End => {
                let text = "The header section of a part does not end with an empty line";
                issues.push(Issue::new("part-head-unclosed", range.end..range.end, text));
                break range.end;
            }
        }
    };
    let content = content.min(range.end);
    let mut out = Part::new(content_type, range.start..content, content..range.end);
    (out.content_id, out.disposition, out.transfer_encoding) = (id, disposition, encoding);
    out.split(buf, content_type, depth - 1, issues);
    out
}

/// What follows the first empty line.
fn behind_empty_line(buf: &[u8], range: Range<usize>) -> Option<usize> {
    let mut line = range.start;
    while line < range.end {
        let rest = part(buf, line..range.end);
        let next = line + memchr(b'\n', rest)? + 1;
        if trim(part(buf, line..next)).is_empty() {
            return Some(next);
        }
        line = next;
    }
    None
}

/// The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
fn without_line_end(buf: &[u8], from: usize, to: usize) -> usize {
    let mut end = to;
    if end > from && buf.get(end - 1) == Some(&b'\n') {
        end -= 1;
        if end > from && buf.get(end - 1) == Some(&b'\r') {
            end -= 1;
        }
    }
    end
}

fn text(b: &[u8]) -> String {
    String::from_utf8_lossy(b).into_owned()
}

/// Media type without parameters, as written.
pub fn media_type(content_type: &[u8]) -> &[u8] {
    let end = memchr(b';', content_type).unwrap_or(content_type.len());
    trim(part(content_type, 0..end))
}

/// The `boundary` parameter of a Content-Type; empty if there is none.
pub(crate) fn boundary(content_type: &[u8]) -> &[u8] {
    let v = content_type;
    let mut i = 0;
    while let Some(&b) = v.get(i) {
        match b {
            b'"' => i = closing_quote(v, i + 1).map_or(v.len(), |q| q + 1),
            b';' => {
                i = skip_space(v, i + 1);
                if !starts_with_ignore_case(part(v, i..v.len()), b"boundary") {
                    continue;
                }
                let equals = skip_space(v, i + 8);
                if v.get(equals) != Some(&b'=') {
                    continue;
                }
                let at = skip_space(v, equals + 1);
                if v.get(at) == Some(&b'"') {
                    return part(v, at + 1..closing_quote(v, at + 1).unwrap_or(v.len()));
                }
                return part(v, at..value_end(v, at));
            }
            _ => i += 1,
        }
    }
    &[]
}

/// Is this line the boundary, and is it the closing one?
pub(crate) fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (rest, close) = match rest.strip_prefix(b"--") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    rest.iter().all(|&b| is_space(b)).then_some(close)
}

/// Undoes `base64` or `quoted-printable`; any other encoding leaves the bytes as they are. `false` where the
/// content is damaged (all that could be read is given).
pub fn decode_transfer<'a>(content: &'a [u8], encoding: &str) -> (Cow<'a, [u8]>, bool) {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => {
            let (bytes, good) = decode_base64(content);
            (Cow::Owned(bytes), good)
        }
        "quoted-printable" => {
            let (bytes, good) = decode_quoted_printable(content);
            (Cow::Owned(bytes), good)
        }
        _ => (Cow::Borrowed(content), true),
    }
}

/// RFC 2045 §6.8: bytes out of the alphabet are passed over; `false` where there are others than white space,
/// or the end is cut.
pub fn decode_base64(content: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(content.len() / 4 * 3);
    let (mut bits, mut count, mut good, mut padded) = (0u32, 0u8, true, false);
    for &b in content {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                padded = true;
                continue;
            }
            b if is_space(b) => continue,
            _ => {
                good = false;
                continue;
            }
        };
        // Nothing follows padding.
        good &= !padded;
        bits = bits << 6 | u32::from(six);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    match count {
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&((bits >> 2) as u16).to_be_bytes()),
        1 => good = false,
        _ => {}
    }
    (out, good)
}

/// RFC 2045 §6.7; an escape that is none stays as written and gives `false`.
pub fn decode_quoted_printable(content: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(content.len());
    let mut good = true;
    for line in content.split_inclusive(|&b| b == b'\n') {
        let body = line.strip_suffix(b"\n").map_or(line, |l| l.strip_suffix(b"\r").unwrap_or(l));
        let end = part(line, body.len()..line.len());
        let mut body = body;
        while let [rest @ .., b' ' | b'\t'] = body {
            body = rest;
        }
        let soft = body.strip_suffix(b"=");
        let mut rest = soft.unwrap_or(body);
        while let Some(at) = memchr(b'=', rest) {
            out.extend_from_slice(part(rest, 0..at));
            let digit = |n: usize| rest.get(at + n).and_then(|&c| char::from(c).to_digit(16));
            match (digit(1), digit(2)) {
                (Some(high), Some(low)) => {
                    out.push((high * 16 + low) as u8);
                    rest = part(rest, at + 3..rest.len());
                }
                _ => {
                    good = false;
                    out.push(b'=');
                    rest = part(rest, at + 1..rest.len());
                }
            }
        }
        out.extend_from_slice(rest);
        if soft.is_none() {
            out.extend_from_slice(end);
        }
    }
    (out, good)
}

/// A parameter of a Content-Type or Content-Disposition (`charset`, `handling` …) with its quoting undone.
pub fn parameter(value: &[u8], name: &str) -> Option<String> {
    let from = memchr(b';', value)?;
    let (params, _) = param::parse_params(value, from..value.len(), &mut Vec::new());
    param::find(&params, name).map(|p| text(&p.text()))
}

#[cfg(test)]
mod tests;
