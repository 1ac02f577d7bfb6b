//! What ties dialogs and subscriptions together: `Replaces` (RFC 3891), `Refer-To` (RFC 3515), `Event` and
//! `Subscription-State` (RFC 6665), `Session-Expires` (RFC 4028).

use std::ops::Range;

use super::name_addr::{NameAddr, parse_name_addr};
use super::param::{self, Param, parse_params};
use super::syntax::{is_space, number, part, skip_space, token_end};
use super::uri::percent_decode;
use crate::Issue;

/// The dialog that an INVITE is to take the place of (or, of `Join` and `Target-Dialog`, is about).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaces<'a> {
    pub call_id: &'a [u8],
    pub to_tag: &'a [u8],
    pub from_tag: &'a [u8],
    pub early_only: bool,
}

pub fn parse_replaces(buf: &[u8], range: Range<usize>) -> (Replaces<'_>, Vec<Issue>) {
    let mut issues = Vec::new();
    let v = part(buf, 0..range.end);
    let begin = skip_space(v, range.start);
    // A callid may hold a comma or a quote nowhere, but nearly everything else.
    let end = v.iter().skip(begin).position(|&b| b == b';' || is_space(b)).map_or(v.len(), |n| begin + n);
    let (params, _) = parse_params(buf, end..range.end, &mut issues);
    let out = Replaces {
        call_id: part(v, begin..end),
        to_tag: param::value(&params, "to-tag"),
        from_tag: param::value(&params, "from-tag"),
        early_only: param::find(&params, "early-only").is_some(),
    };
    if out.call_id.is_empty() || out.to_tag.is_empty() || out.from_tag.is_empty() {
        issues.push(Issue::new("replaces-bad", range, "Replaces needs a Call-ID, a to-tag and a from-tag"));
    }
    (out, issues)
}

/// Where a REFER sends its receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferTo<'a> {
    pub address: NameAddr<'a>,
    /// `method` of the URI; INVITE where there is none.
    pub method: &'a [u8],
    /// `Replaces` from the headers of the URI, escapes resolved; read it with [`parse_replaces`].
    pub replaces: Option<Vec<u8>>,
}

pub fn parse_refer_to(buf: &[u8], range: Range<usize>) -> (ReferTo<'_>, Vec<Issue>) {
    let (address, issues) = parse_name_addr(buf, range);
    let method = param::value(&address.uri.params, "method");
    let replaces =
        param::find(&address.uri.headers, "Replaces").map(|p| percent_decode(p.value.unwrap_or_default()));
    (ReferTo { address, method: if method.is_empty() { b"INVITE" } else { method }, replaces }, issues)
}

/// `token;name=value…`: Event, Subscription-State, Content-Disposition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    pub token: &'a [u8],
    pub params: Vec<Param<'a>>,
}

/// Event package with its parameters.
pub fn parse_event(buf: &[u8], range: Range<usize>) -> (Token<'_>, Vec<Issue>) {
    let mut issues = Vec::new();
    let v = part(buf, 0..range.end);
    let begin = skip_space(v, range.start);
    let end = token_end(v, begin);
    if begin == end {
        issues.push(Issue::new("token-missing", range.clone(), "A token has to stand here"));
    }
    let (params, _) = parse_params(buf, end..range.end, &mut issues);
    (Token { token: part(v, begin..end), params }, issues)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// `active`, `pending`, `terminated`, or another.
    pub state: &'a [u8],
    /// Why it ended (`deactivated`, `timeout`, `noresource` …); empty if not told.
    pub reason: &'a [u8],
    pub expires: Option<u32>,
    pub retry_after: Option<u32>,
}

pub fn parse_subscription_state(buf: &[u8], range: Range<usize>) -> (SubscriptionState<'_>, Vec<Issue>) {
    let (token, issues) = parse_event(buf, range);
    let seconds = |name| number(param::value(&token.params, name)).and_then(|n| u32::try_from(n).ok());
    let state = SubscriptionState {
        state: token.token,
        reason: param::value(&token.params, "reason"),
        expires: seconds("expires"),
        retry_after: seconds("retry-after"),
    };
    (state, issues)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionExpires<'a> {
    pub seconds: u32,
    /// `uac` or `uas`; empty if not told.
    pub refresher: &'a [u8],
}

/// `None` with an issue where it does not begin with a number of seconds.
pub fn parse_session_expires(buf: &[u8], range: Range<usize>) -> (Option<SessionExpires<'_>>, Vec<Issue>) {
    let (token, mut issues) = parse_event(buf, range.clone());
    let seconds = number(token.token).and_then(|n| u32::try_from(n).ok());
    if seconds.is_none() {
        issues.push(Issue::new("session-expires-bad", range, "No number of seconds"));
    }
    (
        seconds
            .map(|seconds| SessionExpires { seconds, refresher: param::value(&token.params, "refresher") }),
        issues,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces() {
        // RFC 3891 §6.1.
        let v = b"98732@sip.example.com\r\n ;from-tag=r33th4x0r ;to-tag=ff87ff;early-only";
        let (r, issues) = parse_replaces(v, 0..v.len());
        assert_eq!(
            (r.call_id, r.to_tag, r.from_tag),
            (&b"98732@sip.example.com"[..], &b"ff87ff"[..], &b"r33th4x0r"[..])
        );
        assert!(r.early_only && issues.is_empty());
        assert_eq!(parse_replaces(b"x;to-tag=1", 0..10).1[0].code, "replaces-bad");
    }

    #[test]
    fn refer_to() {
        // RFC 3891 §1 and RFC 3515 §2.1.
        let v = b"<sip:b@x?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>";
        let (r, issues) = parse_refer_to(v, 0..v.len());
        assert_eq!((r.method, issues.len()), (&b"INVITE"[..], 0));
        let inner = r.replaces.unwrap();
        assert_eq!(parse_replaces(&inner, 0..inner.len()).0.from_tag, b"5FFE-3994");
        let v = b"<sip:dave@denver.example.org;method=SUBSCRIBE>";
        assert_eq!(parse_refer_to(v, 0..v.len()).0.method, b"SUBSCRIBE");
    }

    #[test]
    fn subscriptions_and_timers() {
        let v = b"terminated;reason=noresource; retry-after=30";
        let s = parse_subscription_state(v, 0..v.len()).0;
        assert_eq!(
            (s.state, s.reason, s.expires, s.retry_after),
            (&b"terminated"[..], &b"noresource"[..], None, Some(30))
        );
        let v = b"presence.winfo;id=\"4\"";
        let e = parse_event(v, 0..v.len()).0;
        assert_eq!((e.token, param::value(&e.params, "id")), (&b"presence.winfo"[..], &b"4"[..]));
        let v = b"1800;refresher=uas";
        let t = parse_session_expires(v, 0..v.len()).0.unwrap();
        assert_eq!((t.seconds, t.refresher), (1800, &b"uas"[..]));
        assert!(parse_session_expires(b"x", 0..1).0.is_none());
    }
}
