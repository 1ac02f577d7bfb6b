//! `;name=value` lists (`generic-param` of RFC 3261 §25.1).

use std::borrow::Cow;
use std::ops::Range;

use super::defect::list_full;
use super::syntax::{closing_quote, part, skip_space, token_end, value_end};
use crate::Issue;

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param<'a> {
    pub name: &'a [u8],
    /// Without quotes, escapes kept; `None` where there is no `=`.
    pub value: Option<&'a [u8]>,
    pub quoted: bool,
    /// From the name to the end of the value, quotes included.
    pub range: Range<usize>,
}

impl<'a> Param<'a> {
    /// The value with `\x` of a quoted string resolved; empty if there is none.
    pub fn text(&self) -> Cow<'a, [u8]> {
        let value = self.value.unwrap_or_default();
        if self.quoted { unescape(value) } else { Cow::Borrowed(value) }
    }
}

/// Resolves `\x` of a quoted string.
pub fn unescape(s: &[u8]) -> Cow<'_, [u8]> {
    if !s.contains(&b'\\') {
        return Cow::Borrowed(s);
    }
    let mut out = Vec::with_capacity(s.len());
    let mut bytes = s.iter();
    while let Some(&b) = bytes.next() {
        match (b, bytes.as_slice().first()) {
            (b'\\', Some(&next)) => {
                out.push(next);
                bytes.next();
            }
            _ => out.push(b),
        }
    }
    Cow::Owned(out)
}

/// The parameter of that name (any case).
pub fn find<'p, 'a>(params: &'p [Param<'a>], name: &str) -> Option<&'p Param<'a>> {
    params.iter().find(|p| p.name.eq_ignore_ascii_case(name.as_bytes()))
}

/// Its value; empty if it is not there.
pub fn value<'a>(params: &[Param<'a>], name: &str) -> &'a [u8] {
    find(params, name).and_then(|p| p.value).unwrap_or_default()
}

/// Parameters from `r.start`, which is at a `;` or at the end, up to a comma outside quotes or the end of `r`.
/// Gives where it stopped.
pub(crate) fn parse_params<'a>(
    buf: &'a [u8],
    r: Range<usize>,
    issues: &mut Vec<Issue>,
) -> (Vec<Param<'a>>, usize) {
    let v = part(buf, 0..r.end);
    let mut out = Vec::new();
    let mut i = r.start;
    loop {
        i = skip_space(v, i);
        match v.get(i) {
            None | Some(b',') => return (out, i.min(v.len())),
            Some(b';') => {}
            Some(_) => {
                let at = i;
                while let Some(&b) = v.get(i)
                    && b != b';'
                    && b != b','
                {
                    i = if b == b'"' { closing_quote(v, i + 1).map_or(v.len(), |q| q + 1) } else { i + 1 };
                }
                issues.push(Issue::new("parameter-separator-missing", at..i, "These bytes are no parameter"));
                continue;
            }
        }
        let semicolon = i;
        if list_full(out.len(), semicolon..v.len(), issues) {
            return (out, v.len());
        }
        match parse_param(buf, semicolon + 1..v.len(), issues) {
            Some((param, next)) => {
                out.push(param);
                i = next;
            }
            None => {
                issues.push(Issue::new(
                    "parameter-empty",
                    semicolon..semicolon + 1,
                    "A separator with no parameter behind it",
                ));
                i = semicolon + 1;
            }
        }
    }
}

/// One `name[=value]`, and where it ends; `None` where no name stands.
pub(crate) fn parse_param<'a>(
    buf: &'a [u8],
    r: Range<usize>,
    issues: &mut Vec<Issue>,
) -> Option<(Param<'a>, usize)> {
    let v = part(buf, 0..r.end);
    let at = skip_space(v, r.start);
    let name_end = token_end(v, at);
    if name_end == at {
        return None;
    }
    let name = part(v, at..name_end);
    let equals = skip_space(v, name_end);
    if v.get(equals) != Some(&b'=') {
        return Some((Param { name, value: None, quoted: false, range: at..name_end }, name_end));
    }
    let from = skip_space(v, equals + 1);
    if v.get(from) == Some(&b'"') {
        let close = closing_quote(v, from + 1);
        if close.is_none() {
            issues.push(Issue::new("quote-unclosed", from..v.len(), "A quoted string that does not end"));
        }
        let end = close.unwrap_or(v.len());
        let next = close.map_or(v.len(), |q| q + 1);
        let param = Param { name, value: Some(part(v, from + 1..end)), quoted: true, range: at..next };
        return Some((param, next));
    }
    let end = value_end(v, from);
    if end == from {
        let text = "A parameter with an equals sign but no value";
        issues.push(Issue::new("parameter-value-missing", at..equals + 1, text));
    }
    Some((Param { name, value: Some(part(v, from..end)), quoted: false, range: at..end }, end))
}
