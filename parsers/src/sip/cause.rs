//! Why something happened: `Reason` (RFC 3326), `Warning` (RFC 3261 §20.43) and Microsoft's `ms-diagnostics` family.

use std::ops::Range;

use super::defect::list_of;
use super::param::{self, Param, parse_params};
use super::syntax::{closing_quote, digits, number, part, skip_space, token_end, value_end};
use crate::Issue;

/// One value of `Reason`, e.g. `Q.850;cause=16;text="Terminated"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850`, …
    pub protocol: &'a [u8],
    pub cause: Option<u32>,
    /// Without quotes, escapes kept.
    pub text: &'a [u8],
    pub params: Vec<Param<'a>>,
    pub range: Range<usize>,
}

pub fn parse_reasons(buf: &[u8], range: Range<usize>) -> (Vec<Reason<'_>>, Vec<Issue>) {
    let v = part(buf, 0..range.end);
    list_of(range.clone(), |at, issues| {
        let begin = skip_space(v, at);
        let end = token_end(v, begin);
        if begin == end {
            issues.push(Issue::new(
                "reason-protocol-missing",
                begin..end,
                "A reason begins with its protocol",
            ));
        }
        let (params, next) = parse_params(buf, end..range.end, issues);
        let reason = Reason {
            protocol: part(v, begin..end),
            cause: number(param::value(&params, "cause")).and_then(|n| u32::try_from(n).ok()),
            text: param::value(&params, "text"),
            params,
            range: begin.min(next)..next,
        };
        (Some(reason), next)
    })
}

/// One value of `Warning`, e.g. `370 devnull "Choose a bigger pipe"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning<'a> {
    pub code: u16,
    pub agent: &'a [u8],
    /// Without quotes, escapes kept.
    pub text: &'a [u8],
    pub range: Range<usize>,
}

pub fn parse_warnings(buf: &[u8], range: Range<usize>) -> (Vec<Warning<'_>>, Vec<Issue>) {
    let v = part(buf, 0..range.end);
    list_of(range.clone(), |at, issues| {
        let begin = skip_space(v, at);
        let n = digits(part(v, begin..v.len()));
        let agent = skip_space(v, begin + n);
        let agent_end = value_end(v, agent);
        let quote = skip_space(v, agent_end);
        let close = (v.get(quote) == Some(&b'"')).then(|| closing_quote(v, quote + 1)).flatten();
        let comma = close.map(|q| skip_space(v, q + 1)).filter(|&i| matches!(v.get(i), None | Some(b',')));
        let good = n == 3 && agent > begin + n && agent_end > agent && quote > agent_end && comma.is_some();
        let next = comma.unwrap_or(v.len());
        if good {
            let warning = Warning {
                code: number(part(v, begin..begin + n)).map_or(0, |n| n as u16),
                agent: part(v, agent..agent_end),
                text: part(v, quote + 1..close.unwrap_or(quote + 1)),
                range: begin..next,
            };
            (Some(warning), next)
        } else {
            let text = "A warning is three digits, an agent and a quoted text";
            issues.push(Issue::new("warning-bad", begin.min(next)..next, text));
            (None, next)
        }
    })
}

/// What a `warn-code` means (RFC 3261 §20.43), in few words; `None` for others.
pub fn warning_words(code: u32) -> Option<&'static str> {
    Some(match code {
        300 => "incompatible network protocol",
        301 => "incompatible network address formats",
        302 => "incompatible transport protocol",
        303 => "incompatible bandwidth units",
        304 => "media type not available",
        305 => "incompatible media format",
        306 => "attribute not understood",
        307 => "session description parameter not understood",
        330 => "multicast not available",
        331 => "unicast not available",
        370 => "insufficient bandwidth",
        399 => "miscellaneous warning",
        _ => return None,
    })
}

/// `ms-diagnostics`, `ms-diagnostics-public` or `ms-client-diagnostics` ([MS-OCER] §2.2.1.1), e.g.
/// `1003;reason="User does not exist";source="sip.contoso.com"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics<'a> {
    /// Error identifier; the one thing a program may decide by.
    pub code: u32,
    /// Without quotes, escapes kept.
    pub reason: &'a [u8],
    /// Name of the server that says so.
    pub source: &'a [u8],
    pub params: Vec<Param<'a>>,
}

/// `None` with an issue where it does not begin with a number.
pub fn parse_diagnostics(buf: &[u8], range: Range<usize>) -> (Option<Diagnostics<'_>>, Vec<Issue>) {
    let mut issues = Vec::new();
    let v = part(buf, 0..range.end);
    let begin = skip_space(v, range.start);
    let n = digits(part(v, begin..v.len()));
    let code = number(part(v, begin..begin + n)).and_then(|n| u32::try_from(n).ok());
    let Some(code) = code else {
        issues.push(Issue::new("diagnostics-bad", range, "Diagnostics begin with a number"));
        return (None, issues);
    };
    let (params, _) = parse_params(buf, begin + n..range.end, &mut issues);
    let (reason, source) = (param::value(&params, "reason"), param::value(&params, "source"));
    (Some(Diagnostics { code, reason, source, params }), issues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        // RFC 3326 §3.1 and §2.
        let v = b"SIP ;cause=200 ;text=\"Call completed elsewhere\", Q.850;cause=16;text=\"a, b\"";
        let (all, issues) = parse_reasons(v, 0..v.len());
        assert_eq!(issues, []);
        assert_eq!(
            (all[0].protocol, all[0].cause, all[0].text),
            (&b"SIP"[..], Some(200), &b"Call completed elsewhere"[..])
        );
        assert_eq!((all[1].protocol, all[1].cause, all[1].text), (&b"Q.850"[..], Some(16), &b"a, b"[..]));
        assert_eq!(parse_reasons(b"", 0..0).1[0].code, "reason-protocol-missing");
    }

    #[test]
    fn warnings() {
        // RFC 3261 §20.43.
        let v =
            b"307 isi.edu \"Session parameter 'foo' not understood\",\r\n 301 10.0.0.1:5060 \"x, \\\"y\\\"\"";
        let (all, issues) = parse_warnings(v, 0..v.len());
        assert_eq!(issues, []);
        assert_eq!((all.len(), all[1].code, all[1].agent), (2, 301, &b"10.0.0.1:5060"[..]));
        // RFC 4475 §3.1.2.5 (scalarlg).
        let v = b"1812 overture \"In Progress\"";
        assert_eq!(parse_warnings(v, 0..v.len()).1[0].code, "warning-bad");
        assert_eq!((warning_words(370), warning_words(391)), (Some("insufficient bandwidth"), None));
    }

    #[test]
    fn diagnostics() {
        let v = b"1003;reason=\"User does not exist\";source=\"sip.contoso.com\";x=1";
        let (d, issues) = parse_diagnostics(v, 0..v.len());
        let d = d.unwrap();
        assert_eq!(
            (d.code, d.reason, d.source, d.params.len()),
            (1003, &b"User does not exist"[..], &b"sip.contoso.com"[..], 3)
        );
        assert_eq!(issues, []);
        assert!(parse_diagnostics(b"x", 0..1).0.is_none());
    }
}
