//! What to call a party: display names and URIs.

use super::{safe, shorten};
use crate::correlate::{Analysis, CallIdx, DialogIdx, Side};

/// What to call a party: its display name, else the user part of its URI (a conference by its id), else the host.
pub fn party(display: &[u8], uri: &[u8]) -> String {
    let display = unquote(display);
    if !display.trim_ascii().is_empty() {
        return safe(display.trim_ascii());
    }
    let text = user_of(uri);
    safe(if text.is_empty() { host_of(uri) } else { text })
}

/// A conference's short name, where the URI is one of a focus or MCU (`…;opaque=app:conf:focus:id:BE927F10`).
fn conference_of(uri: &[u8]) -> Option<&[u8]> {
    let at = find(uri, b"opaque=app:conf:")?;
    let rest = uri.get(at..)?;
    let id = find(rest, b":id:").and_then(|i| rest.get(i + 4..))?;
    let end = id.iter().position(|&b| matches!(b, b';' | b'>' | b'?' | b'&')).unwrap_or(id.len());
    id.get(..end).filter(|id| !id.is_empty())
}

/// [`party`] for a table: conferences as `conf BE927F10`, the rest shortened to 32 columns.
pub fn party_short(display: &[u8], uri: &[u8]) -> String {
    match conference_of(uri) {
        Some(id) => shorten(&format!("conf {}", safe(id)), 32),
        None => shorten(&party(display, uri), 32),
    }
}

/// `Alice → Bob`.
pub fn call_parties(analysis: &Analysis, call: CallIdx) -> String {
    let [from, to] = call_party_names(analysis, call);
    format!("{from} → {to}")
}

/// Caller and callee of a call, each by what a table calls it.
pub fn call_party_names(analysis: &Analysis, call: CallIdx) -> [String; 2] {
    [Side::Caller, Side::Callee].map(|side| call_party_name(analysis, call, side))
}

/// One of the two.
pub fn call_party_name(analysis: &Analysis, call: CallIdx, side: Side) -> String {
    let call = analysis.call(call);
    let raw = |s| analysis.strings.bytes(s);
    let (display, uri, else_) = match side {
        Side::Caller => (call.from_display, call.from_uri, "the caller"),
        Side::Callee => (call.to_display, call.to_uri, "the callee"),
    };
    match party_short(raw(display), raw(uri)) {
        name if name.is_empty() => String::from(else_),
        name => name,
    }
}

/// `alice → bob`; one name where both are the same, as of a REGISTER.
pub fn dialog_parties(analysis: &Analysis, dialog: DialogIdx) -> String {
    let dialog = analysis.dialog(dialog);
    let raw = |s| analysis.strings.bytes(s);
    let from = party_short(b"", raw(dialog.from_uri));
    let to = party_short(b"", raw(dialog.to_uri));
    if from == to { from } else { format!("{from} → {to}") }
}

/// The user part of a `sip:`, `sips:`, `tel:`, `im:` or `pres:` URI (a password left out); empty if there is none.
pub fn user_of(uri: &[u8]) -> &[u8] {
    let (scheme, rest) = split_scheme(uri);
    if scheme.eq_ignore_ascii_case(b"tel") {
        return until(rest, b";?>");
    }
    match rest.iter().position(|&b| b == b'@') {
        Some(at) => until(rest.get(..at).unwrap_or_default(), b":;"),
        None => b"",
    }
}

/// Host (and port) of a URI.
pub fn host_of(uri: &[u8]) -> &[u8] {
    let (_, rest) = split_scheme(uri);
    let host = match rest.iter().position(|&b| b == b'@') {
        Some(at) => rest.get(at + 1..).unwrap_or_default(),
        None => rest,
    };
    until(host, b";?>")
}

/// A URI without scheme and parameters: `alice@contoso.com`.
pub fn address_of_record(uri: &[u8]) -> &[u8] {
    until(split_scheme(uri).1, b";?>")
}

fn split_scheme(uri: &[u8]) -> (&[u8], &[u8]) {
    let uri = uri.strip_prefix(b"<").unwrap_or(uri);
    match uri.iter().position(|&b| b == b':') {
        Some(at) if uri.get(..at).is_some_and(|s| s.iter().all(u8::is_ascii_alphabetic)) => {
            (uri.get(..at).unwrap_or_default(), uri.get(at + 1..).unwrap_or_default())
        }
        _ => (b"", uri),
    }
}

fn until<'a>(bytes: &'a [u8], ends: &[u8]) -> &'a [u8] {
    let end = bytes.iter().position(|b| ends.contains(b)).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

/// A display name without surrounding quotes and the escapes inside them.
pub fn unquote(display: &[u8]) -> Vec<u8> {
    let inner = display.strip_prefix(b"\"").and_then(|d| d.strip_suffix(b"\"")).unwrap_or(display);
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&b) = bytes.next() {
        match b {
            b'\\' => out.extend(bytes.next()),
            b => out.push(b),
        }
    }
    out
}
