//! Which issues make a message malformed, and which are only worth a note.

use std::ops::Range;

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
    "list-too-long",
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

/// Elements of one list header, or parameters of one value, that are read; a message has a few.
pub(crate) const LONGEST_LIST: usize = 1_000;
/// Issues from one list; more of the same tell nothing.
const MOST_ISSUES: usize = 1_000;

/// Is a list at its limits? What is left of it from `at` on is then named as unread.
pub(crate) fn list_full(len: usize, unread: Range<usize>, issues: &mut Vec<Issue>) -> bool {
    let full = len >= LONGEST_LIST || issues.len() >= MOST_ISSUES;
    if full {
        issues.push(Issue::new("list-too-long", unread, "The rest of a long list is not read"));
    }
    full
}

/// The elements of a header that stand between commas. `one` reads the one at a place, and gives it and where it ends.
pub(crate) fn list_of<T>(
    range: Range<usize>,
    mut one: impl FnMut(usize, &mut Vec<Issue>) -> (Option<T>, usize),
) -> (Vec<T>, Vec<Issue>) {
    let (mut out, mut issues) = (Vec::new(), Vec::new());
    let mut at = range.start;
    loop {
        let (element, next) = one(at, &mut issues);
        out.extend(element);
        if next >= range.end || list_full(out.len(), next..range.end, &mut issues) {
            return (out, issues);
        }
        at = next + 1;
    }
}

/// Is this an offence against the grammar or a contradiction inside the message?
pub fn is_malformed(issue: &Issue) -> bool {
    !NOTES.contains(&issue.code)
}
