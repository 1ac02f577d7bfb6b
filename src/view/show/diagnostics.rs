//! What diagnostics headers say, in words. Only the number is explained; a number that no source describes has no words
//! of ours, but those that were sent with it.

use callscope_parsers::sip::{cause, diagnostics};

use super::{reason_phrase, safe_str, shorten};
use crate::correlate::{Analysis, Diagnostic, DiagnosticHeader, Owner};

/// Columns that the text which was sent may take.
const SENT: usize = 60;

/// `1003 user does not exist`, `1015 no text, "…"`, `Warning 399 "…"`, `Q.850 16 normal call clearing`.
pub fn diagnostic(d: &Diagnostic) -> String {
    let sent = d.reason.as_deref().filter(|r| !r.trim().is_empty());
    let sent = sent.map(|r| format!("\"{}\"", shorten(&safe_str(r.trim()), SENT)));
    match (d.header, d.code) {
        (DiagnosticHeader::Warning, code) => {
            let code = code.map(|c| c.to_string()).unwrap_or_default();
            let words = sent.or_else(|| d.code.and_then(cause::warning_words).map(str::to_owned));
            format!("Warning {code} {}", words.unwrap_or_default()).trim_end().to_owned()
        }
        (DiagnosticHeader::Reason, code) => {
            let protocol = shorten(&safe_str(d.source.as_deref().unwrap_or("?")), 20);
            let words = match code {
                Some(c) => sent.unwrap_or_else(|| cause_words(&protocol, c).to_owned()),
                None => sent.unwrap_or_default(),
            };
            let code = code.map(|c| c.to_string()).unwrap_or_default();
            let words = [protocol, code, words];
            words.iter().filter(|w| !w.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
        }
        (_, Some(code)) => match diagnostics::words(code) {
            Some(words) => format!("{code} {}", words.strip_prefix("the ").unwrap_or(words)),
            None => match sent {
                Some(sent) => format!("{code} no text, {sent}"),
                None => format!("{code} no text"),
            },
        },
        (_, None) => String::new(),
    }
}

/// Who gives the number, by its range, and what it means: `SIP stack of the server: the user does not exist`.
pub fn diagnostic_meaning(code: u32) -> String {
    let words = diagnostics::words(code).unwrap_or("no text");
    match diagnostics::component(code) {
        Some(component) => format!("{}: {words}", component.title()),
        None => words.to_owned(),
    }
}

/// What tells most of a message: the first of Microsoft's, else a warning, else a reason.
pub fn foremost(all: &[Diagnostic]) -> Option<&Diagnostic> {
    let telling = |d: &&Diagnostic| d.code.is_some_and(|c| !diagnostics::is_informational(c));
    all.iter()
        .filter(|d| d.header.is_microsoft())
        .find(telling)
        .or_else(|| all.iter().min_by_key(|d| d.header))
}

/// All that the messages of a call or dialog say of why, each once; the informational last.
pub fn diagnostics_of(analysis: &Analysis, owner: Owner) -> String {
    let mut all = analysis.diagnostics_of(owner);
    let informational =
        |d: &Diagnostic| d.header.is_microsoft() && d.code.is_some_and(diagnostics::is_informational);
    all.sort_by_key(|d| (informational(d), !d.header.is_microsoft(), d.header == DiagnosticHeader::Reason));
    let mut words: Vec<String> = Vec::new();
    for d in &all {
        let text = diagnostic(d);
        if !text.is_empty() && !words.contains(&text) {
            words.push(text);
        }
    }
    words.join(", ")
}

/// What a cause of `Reason` means; empty where it is not known.
pub fn cause_words(protocol: &str, cause: u32) -> &'static str {
    if protocol.eq_ignore_ascii_case("Q.850") {
        q850(cause)
    } else if protocol.eq_ignore_ascii_case("SIP") {
        u16::try_from(cause).map_or("", reason_phrase)
    } else {
        ""
    }
}

/// Cause values of ITU-T Q.850 as RFC 3398 maps them.
fn q850(cause: u32) -> &'static str {
    match cause {
        1 => "unallocated number",
        2 => "no route to network",
        3 => "no route to destination",
        16 => "normal call clearing",
        17 => "user busy",
        18 => "no user responding",
        19 => "no answer from the user",
        20 => "subscriber absent",
        21 => "call rejected",
        22 => "number changed",
        23 => "redirection to new destination",
        26 => "non-selected user clearing",
        27 => "destination out of order",
        28 => "address incomplete",
        29 => "facility rejected",
        31 => "normal, unspecified",
        34 => "no circuit available",
        38 => "network out of order",
        41 => "temporary failure",
        42 => "switching equipment congestion",
        47 => "resource unavailable",
        55 => "incoming calls barred within the closed user group",
        57 => "bearer capability not authorized",
        58 => "bearer capability not presently available",
        65 => "bearer capability not implemented",
        70 => "only restricted digital information available",
        79 => "service or option not implemented",
        87 => "user not member of the closed user group",
        88 => "incompatible destination",
        102 => "recovery on timer expiry",
        111 => "protocol error",
        127 => "interworking, unspecified",
        _ => "",
    }
}
