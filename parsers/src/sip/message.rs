//! A whole SIP message: start line, every header in order with its raw spelling, body, and all issues.

mod check;

use std::borrow::Cow;
use std::ops::Range;

use super::defect;
use super::start::{Kind, parse_start, status_code};
use super::syntax::{Field, Next, is_token, next_field, part, trim};
use crate::Issue;

/// First line of a message. Ranges are byte positions in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartLine {
    Request {
        method: Range<usize>,
        uri: Range<usize>,
        version: Range<usize>,
    },
    /// A code out of 100–999 is an issue and brought into 1–999.
    Status {
        version: Range<usize>,
        code: u16,
        reason: Range<usize>,
    },
}

/// One header field as it stands in the message (a comma-separated list is one header here).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// As written, without the colon.
    pub name: &'a [u8],
    /// Trimmed; folded lines joined by one space.
    pub value: Cow<'a, [u8]>,
    pub name_range: Range<usize>,
    pub value_range: Range<usize>,
}

impl Header<'_> {
    /// Is this header the one of the given long name (any case, compact form included)?
    pub fn is(&self, name: &str) -> bool {
        canonical_name(self.name).eq_ignore_ascii_case(name.as_bytes())
    }
}

/// A message taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    pub bytes: &'a [u8],
    pub start: StartLine,
    pub start_range: Range<usize>,
    pub headers: Vec<Header<'a>>,
    /// What follows the empty line, cut to Content-Length where that is smaller.
    pub body: Range<usize>,
    pub issues: Vec<Issue>,
}

impl<'a> Message<'a> {
    /// First header of that long name (any case, compact form included).
    pub fn header(&self, name: &str) -> Option<&Header<'a>> {
        self.headers.iter().find(|h| h.is(name))
    }

    /// Does an issue make it malformed (against the grammar or contradicting itself, not merely odd)?
    pub fn is_malformed(&self) -> bool {
        self.issues.iter().any(defect::is_malformed)
    }

    /// All headers of that long name in order.
    pub fn headers_named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Header<'a>> + 's {
        self.headers.iter().filter(move |h| h.is(name))
    }
}

/// The long form of a compact header name (`v` → `Via`); any other name unchanged.
pub fn canonical_name(name: &[u8]) -> &[u8] {
    let [letter] = name else { return name };
    COMPACT
        .iter()
        .find(|(short, _)| letter.eq_ignore_ascii_case(short))
        .map_or(name, |(_, long)| long.as_bytes())
}

/// The IANA registry of compact forms.
const COMPACT: [(u8, &str); 20] = [
    (b'a', "Accept-Contact"),
    (b'b', "Referred-By"),
    (b'c', "Content-Type"),
    (b'd', "Request-Disposition"),
    (b'e', "Content-Encoding"),
    (b'f', "From"),
    (b'i', "Call-ID"),
    (b'j', "Reject-Contact"),
    (b'k', "Supported"),
    (b'l', "Content-Length"),
    (b'm', "Contact"),
    (b'n', "Identity-Info"),
    (b'o', "Event"),
    (b'r', "Refer-To"),
    (b's', "Subject"),
    (b't', "To"),
    (b'u', "Allow-Events"),
    (b'v', "Via"),
    (b'x', "Session-Expires"),
    (b'y', "Identity"),
];

/// Takes a message apart. `None` only where the first line is neither a request nor a status line of SIP.
pub fn parse_message(bytes: &[u8]) -> Option<Message<'_>> {
    let found = parse_start(bytes)?;
    let start = match found.kind.clone() {
        Kind::Request { method, uri, version } => StartLine::Request { method, uri, version },
        Kind::Status { version, code, reason } => {
            StartLine::Status { version, code: status_code(part(bytes, code)), reason }
        }
    };
    let mut message = Message {
        bytes,
        start,
        start_range: found.line.clone(),
        headers: Vec::new(),
        body: bytes.len()..bytes.len(),
        issues: Vec::new(),
    };
    check::start_line(&mut message, &found);
    let mut pos = found.next;
    loop {
        match next_field(bytes, pos) {
            Next::Field(field) => {
                message.headers.push(header(bytes, &field, &mut message.issues));
                pos = field.next;
            }
            Next::Empty(body) => {
                message.body.start = body;
                break;
            }
            Next::End => {
                let text = "The header section does not end with an empty line";
                message.issues.push(Issue::new("header-end-missing", bytes.len()..bytes.len(), text));
                break;
            }
        }
    }
    check::headers(&mut message);
    message.issues.sort_by_key(|issue| issue.range.start);
    Some(message)
}

fn header<'a>(bytes: &'a [u8], field: &Field, issues: &mut Vec<Issue>) -> Header<'a> {
    let name_range = field.start..field.name_end;
    let value_range = field.value_start..field.value_end;
    let name = part(bytes, name_range.clone());
    if issues.len() >= defect::LONGEST_LIST {
        // Enough is said.
    } else if !field.colon {
        let line = field.start..field.value_end.max(field.start);
        issues.push(Issue::new("header-colon-missing", line, "A header line without a colon"));
    } else if !is_token(name) {
        issues.push(Issue::new("header-name-bad", name_range.clone(), "A header name has to be a token"));
    }
    let value = part(bytes, value_range.clone());
    let value = if field.folded { unfold(value) } else { Cow::Borrowed(value) };
    Header { name, value, name_range, value_range }
}

/// Each line end with the white space around it becomes one space.
fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\n') {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    for line in value.split(|&b| b == b'\n') {
        let line = trim(line);
        if line.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(line);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
