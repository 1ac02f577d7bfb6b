//! What became of an instant message: IMDN (RFC 5438) and Microsoft's `application/ms-imdn+xml`.
//!
//! ```text
//! imdn ─ message-id, recipient-uri, delivery-notification/status/delivered      RFC 5438 §7.2.1.1
//! imdn ─ message-id, recipient uri ─ status                                     Microsoft's, as its clients read it
//! ```

use std::ops::Range;

use crate::fields::{attribute, bounded, child_text};
use crate::mime::{Part, parse_body};
use crate::sip::syntax::part as bytes_of;
use crate::xml::{Element, parse_xml};

/// Recipients read of one notice.
const MAX_RECIPIENTS: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imdn {
    /// Empty if not told.
    pub message_id: String,
    pub recipients: Vec<Recipient>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipient {
    pub uri: String,
    /// `delivered`, `failed`, `displayed`, … or a SIP status as written; empty if not told.
    pub status: String,
}

impl Recipient {
    /// Microsoft's clients take a status that is missing or no number for a failure.
    pub fn is_failure(&self) -> bool {
        match self.status.parse::<u16>() {
            Ok(status) => status >= 300,
            Err(_) => !matches!(self.status.as_str(), "delivered" | "displayed" | "processed" | "stored"),
        }
    }
}

/// The notice in the body at `range` of `buf`, also inside of `message/cpim` or a multipart; `None` where there is none.
pub fn parse_imdn(buf: &[u8], range: Range<usize>, content_type: &[u8]) -> Option<Imdn> {
    let (all, _) = parse_body(buf, range, content_type);
    let is = |p: &&Part| matches!(p.media_type.as_str(), "application/ms-imdn+xml" | "message/imdn+xml");
    let part = all.walk().into_iter().find(is)?;
    let document = parse_xml(bytes_of(buf, part.content.clone()));
    let root = document.root().filter(|r| r.name() == "imdn")?;
    let mut out = Imdn { message_id: child_text(&root, "message-id").unwrap_or_default(), ..Imdn::default() };
    for recipient in root.children().filter(|r| r.name() == "recipient").take(MAX_RECIPIENTS) {
        out.recipients.push(Recipient {
            uri: attribute(&recipient, "uri").unwrap_or_default(),
            status: child_text(&recipient, "status").unwrap_or_default(),
        });
    }
    let own: Vec<Element<'_>> = root.children().filter(|n| n.name().ends_with("-notification")).collect();
    for notification in own.into_iter().take(MAX_RECIPIENTS) {
        let status = notification.child("status").and_then(|s| s.children().next());
        out.recipients.push(Recipient {
            uri: child_text(&root, "recipient-uri").unwrap_or_default(),
            status: status.map(|s| bounded(s.name())).unwrap_or_default(),
        });
    }
    Some(out)
}

/// `imdn.Message-ID` of a `message/cpim` body (RFC 5438 §6.3).
pub fn cpim_message_id(buf: &[u8], range: Range<usize>, content_type: &[u8]) -> Option<String> {
    let (all, _) = parse_body(buf, range, content_type);
    let walk = all.walk();
    let cpim = walk.into_iter().find(|p| p.media_type == "message/cpim")?;
    let head = cpim.content.start..cpim.parts.first().map_or(cpim.content.end, |p| p.head.start);
    bytes_of(buf, head).split(|b| *b == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(line.iter().position(|b| *b == b':')?)?;
        let is_id = name.trim_ascii().eq_ignore_ascii_case(b"imdn.Message-ID");
        is_id.then(|| bounded(&String::from_utf8_lossy(value.get(1..).unwrap_or_default().trim_ascii())))
    })
}
