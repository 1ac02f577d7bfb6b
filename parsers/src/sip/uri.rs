//! SIP, SIPS and other URIs (RFC 3261 §19.1, RFC 3966 for `tel`, RFC 5118 for IPv6 references).

use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::param::Param;
use super::syntax::{digits, host_end, is_hex, is_plain_uri_text, is_space, is_uri_byte, number, part};
use crate::Issue;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
    Other,
}

/// A URI. For a scheme that is not SIP's own all but `scheme` and `opaque` stays empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri<'a> {
    pub scheme: Scheme,
    /// As written.
    pub scheme_name: &'a [u8],
    /// Behind the colon of the scheme.
    pub opaque: &'a [u8],
    /// As written, escapes kept. Of `tel` the number.
    pub user: Option<&'a [u8]>,
    pub password: Option<&'a [u8]>,
    /// Without the brackets of an IPv6 reference.
    pub host: &'a [u8],
    pub host_range: Range<usize>,
    /// The host, where it is an address.
    pub ip: Option<IpAddr>,
    pub port: Option<u16>,
    /// `;name=value`, escapes kept.
    pub params: Vec<Param<'a>>,
    /// `?name=value&…`, escapes kept.
    pub headers: Vec<Param<'a>>,
    pub range: Range<usize>,
}

/// Resolves `%HH`.
pub fn percent_decode(s: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while let Some(&b) = s.get(i) {
        let digit = |n: usize| s.get(i + n).and_then(|&c| char::from(c).to_digit(16));
        match (b, digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                i += 3;
            }
            _ => {
                out.push(b);
                i += 1;
            }
        }
    }
    out
}

/// Takes the URI of these bytes apart.
pub fn parse_uri(buf: &[u8], range: Range<usize>) -> (Uri<'_>, Vec<Issue>) {
    let mut issues = Vec::new();
    let u = part(buf, range.clone());
    let base = range.start;
    let mut uri = Uri {
        scheme: Scheme::Other,
        scheme_name: &[],
        opaque: &[],
        user: None,
        password: None,
        host: &[],
        host_range: range.end..range.end,
        ip: None,
        port: None,
        params: Vec::new(),
        headers: Vec::new(),
        range: range.clone(),
    };
    check_bytes(u, base, &mut issues);
    // What encloses it wrongly has been named; the URI is inside.
    let enclosing = |b: &u8| is_space(*b) || matches!(b, b'<' | b'>');
    let skipped = u.iter().take_while(|b| enclosing(b)).count();
    let tail = u.iter().skip(skipped).rev().take_while(|b| enclosing(b)).count();
    let (u, base) = (part(u, skipped..u.len() - tail), base + skipped);
    let colon = memchr(b':', u).filter(|&n| is_scheme(part(u, 0..n)));
    let Some(colon) = colon else {
        issues.push(Issue::new("uri-scheme-missing", range, "A URI without a scheme"));
        return (uri, issues);
    };
    uri.scheme_name = part(u, 0..colon);
    uri.opaque = part(u, colon + 1..u.len());
    uri.scheme = match uri.scheme_name {
        s if s.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
        s if s.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
        s if s.eq_ignore_ascii_case(b"tel") => Scheme::Tel,
        _ => Scheme::Other,
    };
    match uri.scheme {
        Scheme::Sip | Scheme::Sips => sip_uri(&mut uri, u, base, colon + 1, &mut issues),
        Scheme::Tel => {
            let end = memchr(b';', u).unwrap_or(u.len());
            uri.user = Some(part(u, colon + 1..end));
            uri.params = split(u, base, end + 1..u.len(), b';');
            if end == colon + 1 {
                issues.push(Issue::new("uri-number-missing", range, "A tel URI without a number"));
            }
        }
        Scheme::Other if uri.opaque.is_empty() => {
            issues.push(Issue::new("uri-empty", range, "A URI that is only a scheme"));
        }
        Scheme::Other => {}
    }
    (uri, issues)
}

fn is_scheme(s: &[u8]) -> bool {
    s.first().is_some_and(u8::is_ascii_alphabetic)
        && s.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn check_bytes(u: &[u8], base: usize, issues: &mut Vec<Issue>) {
    if is_plain_uri_text(u) {
        return;
    }
    if let Some(at) = u.iter().position(|&b| is_space(b)) {
        issues.push(Issue::new("uri-space", base + at..base + at + 1, "White space inside a URI"));
    }
    let odd = |&b: &u8| !is_uri_byte(b) && !is_space(b) && !matches!(b, b'%' | b'[' | b']');
    if let Some(at) = u.iter().position(odd) {
        let text = "A character that a URI may hold only as an escape";
        issues.push(Issue::new("uri-character", base + at..base + at + 1, text));
    }
    let bad_escape = memchr_iter(b'%', u)
        .find(|&at| u.get(at + 1..at + 3).is_none_or(|hex| !hex.iter().all(|&b| is_hex(b))));
    if let Some(at) = bad_escape {
        let end = (at + 3).min(u.len());
        issues.push(Issue::new("uri-escape", base + at..base + end, "A percent sign without two hex digits"));
    }
}

fn sip_uri<'a>(uri: &mut Uri<'a>, u: &'a [u8], base: usize, from: usize, issues: &mut Vec<Issue>) {
    let host_at = match memchr(b'@', part(u, from..u.len())) {
        Some(n) => {
            let at = from + n;
            if n == 0 {
                issues.push(Issue::new(
                    "uri-user-empty",
                    base + at..base + at + 1,
                    "An @ without a user before it",
                ));
            }
            let info = part(u, from..at);
            let colon = memchr(b':', info);
            uri.user = Some(part(info, 0..colon.unwrap_or(info.len())));
            uri.password = colon.map(|c| part(info, c + 1..info.len()));
            at + 1
        }
        None => from,
    };
    if let Some(n) = memchr(b'@', part(u, host_at..u.len())) {
        let at = base + host_at + n;
        issues.push(Issue::new("uri-second-at", at..at + 1, "More than one @ in a URI"));
    }
    let host = parse_host(u, base, host_at, issues);
    uri.host = part(u, host.host.clone());
    uri.host_range = base + host.host.start..base + host.host.end;
    uri.ip = host.ip;
    uri.port = host.port;
    let question = memchr(b'?', part(u, host.end..u.len())).map_or(u.len(), |n| host.end + n);
    match u.get(host.end) {
        None | Some(b'?') => {}
        Some(b';') => uri.params = split(u, base, host.end + 1..question, b';'),
        Some(_) => {
            let stop = memchr(b';', part(u, host.end..question)).map_or(question, |n| host.end + n);
            let text = if u.get(host.end) == Some(&b':') {
                "A port that is no number up to 65535, or an IPv6 address without brackets"
            } else {
                "These bytes cannot stand behind a host"
            };
            issues.push(Issue::new("host-bad", base + host.host.start..base + stop, text));
            uri.params = split(u, base, stop + 1..question, b';');
        }
    }
    uri.headers = split(u, base, question + 1..u.len(), b'&');
}

/// Where a `host[:port]` ends and what it holds; positions count from the beginning of the buffer given.
pub(crate) struct Host {
    pub host: Range<usize>,
    pub ip: Option<IpAddr>,
    pub port: Option<u16>,
    /// Behind the last byte understood.
    pub end: usize,
}

/// Reads `host[:port]` at `at` of `u`.
pub(crate) fn parse_host(u: &[u8], base: usize, at: usize, issues: &mut Vec<Issue>) -> Host {
    let host;
    let mut end;
    let mut ip = None;
    if u.get(at) == Some(&b'[') {
        end = at + 1;
        while u.get(end).is_some_and(|&b| is_hex(b) || b == b':' || b == b'.') {
            end += 1;
        }
        host = at + 1..end;
        let text = part(u, host.clone());
        ip = std::str::from_utf8(text).ok().and_then(|t| t.parse::<Ipv6Addr>().ok()).map(IpAddr::V6);
        if u.get(end) != Some(&b']') || text.len() < 2 {
            issues.push(Issue::new("host-bad", base + at..base + end, "An IPv6 reference that does not end"));
        } else {
            if ip.is_none() {
                let text = "Not an IPv6 address as RFC 5952 or RFC 4291 write it";
                issues.push(Issue::new("ip6-address-odd", base + at..base + end + 1, text));
            }
            end += 1;
        }
    } else {
        end = host_end(u, at);
        host = at..end;
        if end == at {
            issues.push(Issue::new("host-missing", base + at..base + at, "No host where one has to be"));
        }
        ip = std::str::from_utf8(part(u, host.clone())).ok().and_then(|t| t.parse().ok()).or(ip);
    }
    let mut port = None;
    if u.get(end) == Some(&b':') {
        let rest = part(u, end + 1..u.len());
        let n = digits(rest);
        port = number(part(rest, 0..n)).and_then(|p| u16::try_from(p).ok());
        if port.is_some() {
            end += 1 + n;
        }
    }
    Host { host, ip, port, end }
}

fn split<'a>(u: &'a [u8], base: usize, r: Range<usize>, separator: u8) -> Vec<Param<'a>> {
    let mut out = Vec::new();
    let mut at = r.start;
    for piece in part(u, r).split(|&b| b == separator) {
        let equals = memchr(b'=', piece);
        let name = part(piece, 0..equals.unwrap_or(piece.len()));
        let value = equals.map(|n| part(piece, n + 1..piece.len()));
        if !piece.is_empty() {
            out.push(Param { name, value, quoted: false, range: base + at..base + at + piece.len() });
        }
        at += piece.len() + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::param;

    fn codes(u: &str) -> Vec<&'static str> {
        parse_uri(u.as_bytes(), 0..u.len()).1.iter().map(|i| i.code).collect()
    }

    #[test]
    fn parts() {
        // RFC 3261 §19.1.3 and a GRUU as OCS writes it.
        let u = b"x sips:alice:secret@[2001:db8::10]:5061;transport=tcp;lr?subject=p%20x&priority=urgent";
        let (uri, issues) = parse_uri(u, 2..u.len());
        assert_eq!(issues, []);
        assert_eq!(
            (uri.scheme, uri.user, uri.password),
            (Scheme::Sips, Some(&b"alice"[..]), Some(&b"secret"[..]))
        );
        assert_eq!((uri.host, uri.port), (&b"2001:db8::10"[..], Some(5061)));
        assert_eq!(uri.ip, "2001:db8::10".parse().ok());
        assert_eq!(&u[uri.host_range.clone()], uri.host);
        assert_eq!(param::value(&uri.params, "Transport"), b"tcp");
        assert_eq!(uri.params[1].value, None);
        assert_eq!(&u[uri.params[1].range.clone()], b"lr");
        assert_eq!(percent_decode(uri.headers[0].value.unwrap()), b"p x");
        assert_eq!(codes("sip:user@dom;opaque=user:epid:aVVwEkKKHVWJPY7y2IGjFAAA;gruu"), [""; 0]);
    }

    #[test]
    fn good_and_bad() {
        for good in [
            "sip:a;b=c%40d@e",
            "tel:+1-201-555;phone-context=x",
            "soap.beep://192.0.2.1:3002",
            "sip:1.2.3.4:5060",
        ] {
            assert_eq!(codes(good), [""; 0], "{good}");
        }
        for (bad, code) in [
            ("sip:2001:db8::10", "host-bad"),
            ("sip:[::1", "host-bad"),
            ("sip:a@b:99999", "host-bad"),
            ("sip:a@b:", "host-bad"),
            ("sip:", "host-missing"),
            ("sip:a@;lr", "host-missing"),
            ("sip:a@b; lr", "uri-space"),
            ("<sip:a@b>", "uri-character"),
            ("sip:a%4@b", "uri-escape"),
            ("sip:@b", "uri-user-empty"),
            ("sip:a@b@c", "uri-second-at"),
            ("example.com", "uri-scheme-missing"),
            ("isbn:", "uri-empty"),
            ("sip:[2001:db8:::192.0.2.1]", "ip6-address-odd"),
        ] {
            assert!(codes(bad).contains(&code), "{bad}: {:?}", codes(bad));
        }
    }
}
