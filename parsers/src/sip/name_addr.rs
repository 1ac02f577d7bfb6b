//! `name-addr` and `addr-spec` with header parameters: From, To, Contact, Route, Refer-To, P-Asserted-Identity …
//! (RFC 3261 §20.10, §25.1).

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use super::defect::list_of;
use super::param::{self, Param, parse_params, unescape};
use super::syntax::{closing_quote, is_space, part, skip_space, trim_range, value_end, words_end};
use super::uri::{Uri, parse_uri};
use crate::Issue;

/// How far an opening bracket is looked for behind what should have been quoted.
pub(crate) const LONGEST_NAME: usize = 1_024;

/// One address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// Display name without its quotes, escapes kept; empty if there is none.
    pub display: &'a [u8],
    pub display_quoted: bool,
    pub display_range: Range<usize>,
    pub uri: Uri<'a>,
    /// Header parameters (`tag`, `epid`, `expires`, `q` …).
    pub params: Vec<Param<'a>>,
    pub range: Range<usize>,
}

impl<'a> NameAddr<'a> {
    /// Display name with the escapes of its quoted form resolved.
    pub fn display_text(&self) -> Cow<'a, [u8]> {
        if self.display_quoted { unescape(self.display) } else { Cow::Borrowed(self.display) }
    }

    /// The `tag` parameter; empty if there is none.
    pub fn tag(&self) -> &'a [u8] {
        param::value(&self.params, "tag")
    }

    /// The endpoint identifier of Microsoft clients; empty if there is none.
    pub fn epid(&self) -> &'a [u8] {
        param::value(&self.params, "epid")
    }
}

/// The one address of a header such as From.
pub fn parse_name_addr(buf: &[u8], range: Range<usize>) -> (NameAddr<'_>, Vec<Issue>) {
    let mut issues = Vec::new();
    let (value, next) = one(buf, range.clone(), &mut issues);
    if next < range.end {
        issues.push(Issue::new(
            "value-repeated",
            next..range.end,
            "More than one value where one is allowed",
        ));
    }
    (value, issues)
}

/// All addresses of a header such as Contact or Route (`*` is not one).
pub fn parse_name_addrs(buf: &[u8], range: Range<usize>) -> (Vec<NameAddr<'_>>, Vec<Issue>) {
    list_of(range.clone(), |at, issues| {
        let (value, next) = one(buf, at..range.end, issues);
        (Some(value), next)
    })
}

/// The address at `r.start`, and where its comma is or the end.
fn one<'a>(buf: &'a [u8], r: Range<usize>, issues: &mut Vec<Issue>) -> (NameAddr<'a>, usize) {
    let v = part(buf, 0..r.end);
    let begin = skip_space(v, r.start);
    let mut i = begin;
    let mut display = begin..begin;
    let mut quoted = false;
    if v.get(i) == Some(&b'"') {
        match closing_quote(v, i + 1) {
            Some(q) => {
                display = i + 1..q;
                quoted = true;
                i = skip_space(v, q + 1);
                if v.get(i) != Some(&b'<') {
                    let text = "An address behind a display name has to stand in angle brackets";
                    issues.push(Issue::new("angle-bracket-missing", i..r.end.max(i), text));
                }
            }
            None => {
                let open = memchr(b'<', part(v, i..v.len())).map_or(v.len(), |n| i + n);
                issues.push(Issue::new("quote-unclosed", i..open, "A display name whose quote does not end"));
                display = trim_range(v, i + 1..open);
                i = open;
            }
        }
    } else if v.get(i) != Some(&b'<') {
        let end = words_end(v, i);
        match v.get(end) {
            Some(b'<') => {
                display = trim_range(v, i..end);
                i = end;
            }
            Some(b':') => {}
            _ => {
                if let Some(n) = memchr(b'<', part(v, begin..v.len().min(begin + LONGEST_NAME))) {
                    i = begin + n;
                    display = trim_range(v, begin..i);
                    let name = part(v, display.clone());
                    let ascii_good =
                        name.iter().all(|&b| is_space(b) || !b.is_ascii() || super::syntax::is_token_byte(b));
                    let (code, text) = if ascii_good {
                        ("display-name-not-ascii", "A display name beyond ASCII has to be quoted")
                    } else {
                        ("display-name-unquoted", "A display name with such characters has to be quoted")
                    };
                    issues.push(Issue::new(code, display.clone(), text));
                }
            }
        }
    }
    let uri;
    if v.get(i) == Some(&b'<') {
        let close = memchr(b'>', part(v, i..v.len())).map(|n| i + n);
        if close.is_none() {
            issues.push(Issue::new(
                "angle-bracket-unclosed",
                i..v.len(),
                "An angle bracket that does not close",
            ));
        }
        uri = i + 1..close.unwrap_or(v.len());
        i = close.map_or(v.len(), |c| c + 1);
    } else {
        let end = value_end(v, i);
        uri = i..end;
        i = end;
        if let Some(n) = memchr(b'?', part(v, uri.clone())) {
            let at = uri.start + n;
            let text = "A URI with a question mark has to stand in angle brackets";
            issues.push(Issue::new("angle-bracket-missing", at..uri.end, text));
        }
    }
    let (mut parsed, found) = parse_uri(buf, uri.clone());
    issues.extend(found);
    parsed.range = uri;
    let (params, next) = parse_params(buf, i..r.end, issues);
    let value = NameAddr {
        display: part(v, display.clone()),
        display_quoted: quoted,
        display_range: display,
        uri: parsed,
        params,
        range: begin.min(next)..next,
    };
    (value, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(v: &str) -> Vec<&'static str> {
        parse_name_addrs(v.as_bytes(), 0..v.len()).1.iter().map(|i| i.code).collect()
    }

    #[test]
    fn forms() {
        let v = br#""A \"B\" <;>" <sip:a@b;x=y>;tag=1 ; EPID = "c;d", sip:e@f;tag=2,<tel:+1>"#;
        let (all, issues) = parse_name_addrs(v, 0..v.len());
        assert_eq!(issues, []);
        assert_eq!(all.len(), 3);
        assert_eq!(&*all[0].display_text(), br#"A "B" <;>"#);
        assert_eq!((all[0].tag(), all[0].epid()), (&b"1"[..], &b"c;d"[..]));
        assert_eq!(param::value(&all[0].uri.params, "x"), b"y");
        assert_eq!((all[1].uri.host, all[1].tag()), (&b"f"[..], &b"2"[..]));
        assert!(all[1].uri.params.is_empty());
        assert_eq!(&v[all[2].range.clone()], b"<tel:+1>");
    }

    #[test]
    fn defects() {
        for (v, code) in [
            ("\"J. User <sip:j@example.com>", "quote-unclosed"),
            ("Bell, Alexander <sip:a@b>", "display-name-unquoted"),
            ("\"W\" < sip:t@example.org >", "uri-space"),
            ("sip:user@example.com?Route=%3Csip:x%3E", "angle-bracket-missing"),
            ("\"A\" sip:a@b", "angle-bracket-missing"),
            ("<sip:a@b>;;;;", "parameter-empty"),
            ("<sip:a@b>;x=", "parameter-value-missing"),
            ("<sip:a@b> x", "parameter-separator-missing"),
            ("<sip:a@b", "angle-bracket-unclosed"),
            ("", "uri-scheme-missing"),
            ("<sip:a@b>,", "uri-scheme-missing"),
        ] {
            assert!(codes(v).contains(&code), "{v}: {:?}", codes(v));
        }
    }
}
