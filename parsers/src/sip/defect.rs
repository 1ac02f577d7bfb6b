//! Which issues make a message malformed, and which are only worth a note.

use crate::Issue;

/// Codes of what is odd, outdated or lax, but within what RFC 3261 or RFC 2543 lets pass.
pub const NOTES: &[&str] = &[
    "authorization-unreadable",
    "branch-missing",
    "branch-without-magic-cookie",
    "bytes-after-body",
    "content-length-repeated",
    "display-name-not-ascii",
    "empty-lines-before-start",
    "from-tag-missing",
    "ip6-address-odd",
    "max-forwards-missing",
    "reason-space-missing",
    "status-code-class",
    "version-not-in-capitals",
    "via-protocol-not-sip",
    "part-head-unclosed",
    "multipart-closing-boundary-missing",
    "multipart-boundary-missing",
    "multipart-too-deep",
    "transfer-encoding-damaged",
];

/// Is this an offence against the grammar or a contradiction inside the message?
pub fn is_malformed(issue: &Issue) -> bool {
    !NOTES.contains(&issue.code)
}
