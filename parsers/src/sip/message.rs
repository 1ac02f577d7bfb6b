//! A whole SIP message: start line, every header in order with its raw spelling, body, and all issues.

use std::borrow::Cow;
use std::ops::Range;

use crate::Issue;

/// First line of a message. Ranges are byte positions in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartLine {
    Request { method: Range<usize>, uri: Range<usize>, version: Range<usize> },
    Status { version: Range<usize>, code: u16, reason: Range<usize> },
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
        false
    }

    /// All headers of that long name in order.
    pub fn headers_named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Header<'a>> + 's {
        self.headers.iter().filter(move |h| h.is(name))
    }
}

/// The long form of a compact header name (`v` → `Via`); any other name unchanged.
pub fn canonical_name(name: &[u8]) -> &[u8] {
    name
}

/// Takes a message apart. `None` only where the first line is neither a request nor a status line of SIP.
pub fn parse_message(bytes: &[u8]) -> Option<Message<'_>> {
    let _ = bytes;
    None
}
