//! `Via` (RFC 3261 §20.42, `rport` of RFC 3581, addresses in `received` of RFC 5118 §4.5).

use std::net::IpAddr;
use std::ops::Range;

use super::defect::list_of;
use super::param::{self, Param, parse_params};
use super::syntax::{part, skip_space, token_end};
use super::uri::parse_host;
use crate::Issue;

/// One hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via<'a> {
    /// `SIP`.
    pub protocol: &'a [u8],
    /// `2.0`.
    pub version: &'a [u8],
    /// `UDP`, `TCP`, `TLS`, `WS` … as written.
    pub transport: &'a [u8],
    /// Host of sent-by, without the brackets of an IPv6 reference.
    pub host: &'a [u8],
    pub ip: Option<IpAddr>,
    pub port: Option<u16>,
    pub params: Vec<Param<'a>>,
    pub range: Range<usize>,
}

/// What the branch of an RFC 3261 client begins with (§8.1.1.7).
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

impl<'a> Via<'a> {
    /// The `branch` parameter; empty if there is none.
    pub fn branch(&self) -> &'a [u8] {
        param::value(&self.params, "branch")
    }

    /// The address of `received`, with or without brackets.
    pub fn received(&self) -> Option<IpAddr> {
        let text = param::value(&self.params, "received");
        let bare = text.strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]")).unwrap_or(text);
        std::str::from_utf8(bare).ok()?.parse().ok()
    }

    /// The port of `rport`, once the server has filled it in.
    pub fn rport(&self) -> Option<u16> {
        std::str::from_utf8(param::value(&self.params, "rport")).ok()?.parse().ok()
    }
}

/// All hops of one Via header, topmost first.
pub fn parse_vias(buf: &[u8], range: Range<usize>) -> (Vec<Via<'_>>, Vec<Issue>) {
    list_of(range.clone(), |at, issues| {
        let (via, next) = one(buf, at..range.end, issues);
        (Some(via), next)
    })
}

fn one<'a>(buf: &'a [u8], r: Range<usize>, issues: &mut Vec<Issue>) -> (Via<'a>, usize) {
    let v = part(buf, 0..r.end);
    let begin = skip_space(v, r.start);
    let mut words = [&[][..]; 3];
    let mut i = begin;
    let mut good = true;
    for (n, word) in words.iter_mut().enumerate() {
        if n > 0 {
            i = skip_space(v, i);
            if v.get(i) != Some(&b'/') {
                good = false;
                break;
            }
            i += 1;
        }
        i = skip_space(v, i);
        let end = token_end(v, i);
        *word = part(v, i..end);
        good &= end > i;
        i = end;
    }
    let [protocol, version, transport] = words;
    let host_at = skip_space(v, i);
    good &= host_at > i;
    let mut via = Via {
        protocol,
        version,
        transport,
        host: &[],
        ip: None,
        port: None,
        params: Vec::new(),
        range: begin..begin,
    };
    if good {
        if !protocol.eq_ignore_ascii_case(b"SIP") || version != b"2.0" {
            issues.push(Issue::new("via-protocol-not-sip", begin..i, "A hop that is not one of SIP/2.0"));
        }
        let host = parse_host(v, 0, host_at, issues);
        via.host = part(v, host.host.clone());
        (via.ip, via.port) = (host.ip, host.port);
        i = host.end;
        let colon = skip_space(v, i);
        if v.get(colon) == Some(&b':') && via.port.is_none() {
            i = spaced_port(v, colon, &mut via, issues);
        }
    } else {
        let end = v.iter().skip(i).position(|&b| b == b';' || b == b',').map_or(v.len(), |n| i + n);
        let text = "A Via begins with protocol/version/transport and a host";
        issues.push(Issue::new("via-bad", begin.min(end)..end, text));
        i = end;
    }
    let (params, next) = parse_params(buf, i..r.end, issues);
    via.params = params;
    via.range = begin.min(next)..next;
    check_branch(&via, issues);
    (via, next)
}

/// `sent-by` lets white space stand around its colon.
fn spaced_port(v: &[u8], colon: usize, via: &mut Via<'_>, issues: &mut Vec<Issue>) -> usize {
    let at = skip_space(v, colon + 1);
    let end = at + super::syntax::digits(part(v, at..v.len()));
    via.port = super::syntax::number(part(v, at..end)).and_then(|p| u16::try_from(p).ok());
    if via.port.is_none() {
        issues.push(Issue::new("host-bad", colon..end, "A port that is no number up to 65535"));
    }
    end
}

fn check_branch(via: &Via<'_>, issues: &mut Vec<Issue>) {
    let Some(branch) = param::find(&via.params, "branch") else {
        issues.push(Issue::new("branch-missing", via.range.clone(), "A Via without branch, as of RFC 2543"));
        return;
    };
    let value = branch.value.unwrap_or_default();
    let cookie = value.get(..MAGIC_COOKIE.len()).is_some_and(|c| c.eq_ignore_ascii_case(MAGIC_COOKIE));
    let range = branch.range.clone();
    if cookie && value.len() == MAGIC_COOKIE.len() {
        let text = "The branch promises a transaction identifier and gives none";
        issues.push(Issue::new("branch-empty", range, text));
    } else if !cookie {
        let text = "The branch lacks the magic cookie z9hG4bK, as of RFC 2543";
        issues.push(Issue::new("branch-without-magic-cookie", range, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops() {
        // RFC 4475 §3.1.1.1 (wsinv), folding and spaces as there.
        let v = b"SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n \
SIP/2.0/UDP [2001:db8::9] : 5070;received=[2001:db8::9:255];rport=7;branch=z9hG4bK30239";
        let (vias, issues) = parse_vias(v, 0..v.len());
        assert_eq!(issues, []);
        assert_eq!((vias[0].transport, vias[0].host), (&b"TCP"[..], &b"spindle.example.com"[..]));
        assert_eq!(vias[0].branch(), b"z9hG4bK9ikj8");
        assert_eq!((vias[1].port, vias[1].rport()), (Some(5070), Some(7)));
        assert_eq!(vias[1].received(), "2001:db8::9:255".parse().ok());
    }

    #[test]
    fn defects() {
        for (v, code) in [
            ("SIP/2.0 h;branch=z9hG4bK1", "via-bad"),
            ("SIP/2.0/UDP", "via-bad"),
            ("SIP/2.0/UDP ;x", "host-missing"),
            ("SIP/2.0/UDP h;;,;,,", "parameter-empty"),
            ("SIP/2.0/UDP h:70000;branch=z9hG4bK1", "host-bad"),
            ("SIP/2.0/UDP h;branch=z9hG4bK", "branch-empty"),
            ("SIP/2.0/UDP h;branch=1", "branch-without-magic-cookie"),
            ("SIP/2.0/UDP h", "branch-missing"),
        ] {
            let codes: Vec<_> = parse_vias(v.as_bytes(), 0..v.len()).1.iter().map(|i| i.code).collect();
            assert!(codes.contains(&code), "{v}: {codes:?}");
        }
    }
}
