//! `CSeq` (RFC 3261 §20.16) and `RAck` (RFC 3262 §7.2).

use std::ops::Range;

use super::syntax::{digits, is_token, number, part, skip_space};
use crate::Issue;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// A number too large is `u32::MAX`.
    pub number: u32,
    pub method: &'a [u8],
    pub number_range: Range<usize>,
    pub method_range: Range<usize>,
}

pub fn parse_cseq(buf: &[u8], range: Range<usize>) -> (CSeq<'_>, Vec<Issue>) {
    let mut issues = Vec::new();
    let (value, number_range, next) = sequence(buf, range.clone(), 1 << 31, &mut issues);
    let at = skip_space(part(buf, 0..range.end), next);
    let method_range = at.min(range.end)..range.end;
    let method = part(buf, method_range.clone());
    if at == next || !is_token(method) {
        let text = "A sequence number is followed by a space and a method";
        issues.push(Issue::new("cseq-method-bad", method_range.clone(), text));
    }
    (CSeq { number: value, method, number_range, method_range }, issues)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The RSeq of the response acknowledged.
    pub response: u32,
    /// Its CSeq.
    pub number: u32,
    pub method: &'a [u8],
}

pub fn parse_rack(buf: &[u8], range: Range<usize>) -> (RAck<'_>, Vec<Issue>) {
    let mut issues = Vec::new();
    let (response, _, next) = sequence(buf, range.clone(), 1 << 32, &mut issues);
    let at = skip_space(part(buf, 0..range.end), next).min(range.end);
    let (cseq, found) = parse_cseq(buf, at..range.end);
    issues.extend(found);
    (RAck { response, number: cseq.number, method: cseq.method }, issues)
}

/// The number at the beginning, where it stands and where it ends.
fn sequence(
    buf: &[u8],
    range: Range<usize>,
    below: u64,
    issues: &mut Vec<Issue>,
) -> (u32, Range<usize>, usize) {
    let n = digits(part(buf, range.clone()));
    let at = range.start..range.start + n;
    let value = number(part(buf, at.clone()));
    match value {
        None => issues.push(Issue::new("cseq-number-bad", range, "A sequence number has to stand here")),
        Some(n) if n >= below => {
            issues.push(Issue::new(
                "cseq-number-too-large",
                at.clone(),
                format!("Sequence numbers are below {below}"),
            ));
        }
        Some(_) => {}
    }
    (value.map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX)), at.clone(), at.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let v = b"0009\r\n  INVITE";
        let (cseq, issues) = parse_cseq(v, 0..v.len());
        assert_eq!((cseq.number, cseq.method, issues), (9, &b"INVITE"[..], vec![]));
        let (rack, issues) = parse_rack(b"776656 1 INVITE", 0..15);
        assert_eq!((rack.response, rack.number, rack.method, issues), (776656, 1, &b"INVITE"[..], vec![]));
        for (v, code) in [
            ("36893488147419103232 REGISTER", "cseq-number-too-large"),
            ("INVITE", "cseq-number-bad"),
            ("5", "cseq-method-bad"),
            ("5INVITE", "cseq-method-bad"),
            ("1 A B", "cseq-method-bad"),
        ] {
            assert_eq!(parse_cseq(v.as_bytes(), 0..v.len()).1[0].code, code, "{v}");
        }
    }
}
