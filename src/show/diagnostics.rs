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
            if code.is_none() && words.is_empty() {
                return String::new();
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::{CallIdx, MsgIdx};
    use crate::view::filter::Filter;
    use crate::view::ladder::message_label;
    use crate::view::scenario::{Scenario, request, response};

    fn say(header: DiagnosticHeader, code: Option<u32>, source: &str, reason: &str) -> String {
        let some = |t: &str| (!t.is_empty()).then(|| t.to_owned());
        diagnostic(&Diagnostic {
            header,
            code,
            source: some(source),
            reason: some(reason),
            message: MsgIdx(0),
        })
    }

    #[test]
    fn only_numbers_that_are_described_have_words_of_ours() {
        use DiagnosticHeader::{Diagnostics, Reason, Warning};
        assert_eq!(say(Diagnostics, Some(1003), "s", "No such user"), "1003 user does not exist");
        assert_eq!(say(Diagnostics, Some(1015), "s", "Own words"), "1015 no text, \"Own words\"");
        assert_eq!(say(Diagnostics, Some(u32::MAX), "s", ""), "4294967295 no text");
        assert_eq!(say(Warning, Some(391), "x", ""), "Warning 391");
        assert_eq!(say(Warning, Some(370), "x", ""), "Warning 370 insufficient bandwidth");
        assert_eq!(say(Reason, Some(16), "Q.850", ""), "Q.850 16 normal call clearing");
        assert_eq!(say(Reason, None, "SIP", ""), "");
        assert_eq!(say(Reason, Some(1), "X\u{1b}[2J", ""), "X\\x1b[2J 1");
    }

    #[test]
    fn values_of_the_wire_are_shown_found_and_bounded() {
        let mut s = Scenario::default();
        let long =
            format!("ms-diagnostics: 1003;reason=\"\u{1b}[31m{}\";source=\"\u{7}\"", "x".repeat(1 << 20));
        let bad = "ms-diagnostics: 99999999999999999999;reason=\"n\"";
        for (at, id, header) in
            [(0, "a", long.as_str()), (100, "b", bad), (200, "c", "Warning: 4294967296 x \"y\"")]
        {
            s.add(at, "A>B", &request("INVITE", 1).id(id).via(&["A v"]));
            s.add(
                at + 9,
                "B>A",
                &response("404 Not Found", 1, "INVITE").id(id).via(&["A v"]).tag("t").header(header),
            );
        }
        let analysis = s.done();
        assert_eq!(message_label(&analysis, MsgIdx(1)), "404 Not Found  1003 user does not exist");
        let words = diagnostics_of(&analysis, Owner::Call(CallIdx(0)));
        assert_eq!(words, "1003 user does not exist");
        for call in [1, 2] {
            assert_eq!(diagnostics_of(&analysis, Owner::Call(CallIdx(call))), "");
        }
        let told = analysis.diagnostics_of(Owner::Call(CallIdx(0)));
        assert!(told[0].reason.as_ref().is_some_and(|r| r.len() <= 4096));
        for (filter, found) in [
            ("diagnostics == 1003", vec![0]),
            ("diagnostics ~ \"does not exist\"", vec![0]),
            ("diagnostics == 100", vec![]),
            ("diagnostics", vec![0]),
        ] {
            let filter_of = Filter::parse(filter).unwrap();
            let matching: Vec<u32> =
                (0..3).filter(|c| filter_of.matches_call(&analysis, CallIdx(*c))).collect();
            assert_eq!(matching, found, "{filter}");
        }
        let tally = analysis.diagnostic_tally();
        assert_eq!(tally.rows.iter().map(|(d, n)| (d.code, *n)).collect::<Vec<_>>(), [(Some(1003), 1)]);
    }
}
