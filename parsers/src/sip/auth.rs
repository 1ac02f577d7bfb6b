//! `WWW-Authenticate`, `Authorization` and their proxy twins, `Authentication-Info` (RFC 3261 §20.7, RFC 8760,
//! and the GSSAPI schemes of [MS-SIPAE]).

use std::ops::Range;

use super::param::{self, Param, parse_param};
use super::syntax::{is_space, part, skip_space, token_end};
use crate::Issue;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthScheme {
    Digest,
    Basic,
    Ntlm,
    Kerberos,
    TlsDsk,
    Bearer,
    /// Authentication-Info names none.
    None,
    Other,
}

/// A challenge, credentials, or what `Authentication-Info` says. Values such as `response` and `gssapi-data` are
/// secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth<'a> {
    pub scheme: AuthScheme,
    /// As written.
    pub scheme_name: &'a [u8],
    /// In order.
    pub params: Vec<Param<'a>>,
    /// What follows the scheme where it is no parameter list (`Basic`, `Bearer`).
    pub token: &'a [u8],
}

impl<'a> Auth<'a> {
    pub fn realm(&self) -> &'a [u8] {
        param::value(&self.params, "realm")
    }

    /// Name of the server a Microsoft challenge comes from.
    pub fn target_name(&self) -> &'a [u8] {
        param::value(&self.params, "targetname")
    }

    pub fn user_name(&self) -> &'a [u8] {
        param::value(&self.params, "username")
    }

    /// Message number of a signature, of the client (`cnum`) or the server (`snum`).
    pub fn signature_number(&self) -> Option<u32> {
        let value = param::find(&self.params, "cnum").or_else(|| param::find(&self.params, "snum"))?.value?;
        std::str::from_utf8(value).ok()?.parse().ok()
    }
}

/// Parameters whose value must not be shown.
pub const SECRET_PARAMETERS: &[&str] = &["response", "rspauth", "gssapi-data", "cnonce"];

/// One header value. Authentication-Info begins with its scheme too where Microsoft writes it.
pub fn parse_auth(buf: &[u8], range: Range<usize>) -> (Auth<'_>, Vec<Issue>) {
    let mut issues = Vec::new();
    let v = part(buf, 0..range.end);
    let mut i = skip_space(v, range.start);
    let end = token_end(v, i);
    let after = skip_space(v, end);
    let mut out = Auth { scheme: AuthScheme::None, scheme_name: &[], params: Vec::new(), token: &[] };
    if end > i && v.get(after) != Some(&b'=') {
        out.scheme_name = part(v, i..end);
        out.scheme = scheme(out.scheme_name);
        i = after;
    }
    if matches!(out.scheme, AuthScheme::Basic | AuthScheme::Bearer) {
        out.token = part(v, i..v.len());
        return (out, issues);
    }
    let first = i;
    while i < v.len() {
        // Empty list elements are allowed (RFC 7235 §7).
        if v.get(i).is_some_and(|&b| b == b',' || is_space(b)) {
            i += 1;
            continue;
        }
        match parse_param(buf, i..v.len(), &mut issues) {
            Some((param, next))
                if param.value.is_some() && matches!(v.get(skip_space(v, next)), None | Some(b',')) =>
            {
                out.params.push(param);
                i = next;
            }
            _ if i == first => {
                out.token = part(v, i..v.len());
                issues.clear();
                break;
            }
            _ => {
                let text = "Not a list of parameters from here on";
                issues.push(Issue::new("authorization-unreadable", i..v.len(), text));
                break;
            }
        }
    }
    if out.scheme_name.is_empty() && out.params.is_empty() {
        issues.push(Issue::new("authorization-unreadable", range, "No authentication scheme"));
    }
    (out, issues)
}

fn scheme(name: &[u8]) -> AuthScheme {
    use AuthScheme::*;
    [
        ("Digest", Digest),
        ("Basic", Basic),
        ("NTLM", Ntlm),
        ("Kerberos", Kerberos),
        ("TLS-DSK", TlsDsk),
        ("Bearer", Bearer),
    ]
    .into_iter()
    .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
    .map_or(Other, |(_, scheme)| scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(v: &str) -> (Auth<'_>, Vec<Issue>) {
        parse_auth(v.as_bytes(), 0..v.len())
    }

    #[test]
    fn microsoft_and_digest() {
        let (a, issues) = auth(
            "NTLM qop=\"auth\", realm=\"SIP Communications Service\", opaque=\"5CDE\", targetname=\"fe.contoso.com\", gssapi-data=\"\", crand=\"9a\", cnum=\"7\"",
        );
        assert_eq!(
            (a.scheme, a.realm(), a.target_name()),
            (AuthScheme::Ntlm, &b"SIP Communications Service"[..], &b"fe.contoso.com"[..])
        );
        assert_eq!((a.signature_number(), a.params.len(), issues.len()), (Some(7), 7, 0));
        let (a, issues) = auth("Digest username=\"bob, \\\"x\\\"\" ,\r\n realm = \"biloxi.com\",nc=00000001");
        assert_eq!((a.scheme, a.params.len(), issues.len()), (AuthScheme::Digest, 3, 0));
        assert_eq!(&*a.params[0].text(), b"bob, \"x\"");
        assert_eq!(auth("tls-dsk version=4").0.scheme, AuthScheme::TlsDsk);
        let (a, _) = auth("rspauth=\"0100\", snum=\"3\"");
        assert_eq!((a.scheme, a.signature_number()), (AuthScheme::None, Some(3)));
    }

    #[test]
    fn tokens_and_unknown() {
        let (a, issues) = auth("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(
            (a.scheme, a.token, issues.len()),
            (AuthScheme::Basic, &b"QWxhZGRpbjpvcGVuIHNlc2FtZQ=="[..], 0)
        );
        // RFC 4475 §3.3.7 (regaut01).
        let (a, issues) = auth("NoOneKnowsThisScheme opaque-data=here");
        assert_eq!((a.scheme, a.params.len(), issues.len()), (AuthScheme::Other, 1, 0));
        assert_eq!(auth("").1[0].code, "authorization-unreadable");
        assert_eq!(auth("Digest realm=\"x\", ;").1[0].code, "authorization-unreadable");
    }
}
