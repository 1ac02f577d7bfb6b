//! Remote call control: CSTA (ECMA-323) in INFO and INVITE (ECMA TR/87).

use super::notes::Note;
use crate::correlate::Analysis;
use crate::diagnose::{Control, Severity};
use crate::view::show;

/// How much of it there was; what was refused is for the findings to say.
pub(super) fn notes(analysis: &Analysis, control: &Control, notes: &mut Vec<Note>) {
    let Some(first) = control.first else { return };
    let mut text = format!(
        "Remote call control (CSTA): {}, {}, {}",
        show::count(control.sessions, "session", "sessions"),
        show::count(control.requests, "request", "requests"),
        show::count(control.events, "event", "events")
    );
    let errors = control.errors.len() as u64;
    if errors > 0 {
        text.push_str(&format!(", {}", show::count(errors, "error", "errors")));
    }
    notes.push((text, Some(analysis.message(first).frame), Severity::Info));
}

#[cfg(test)]
mod tests {
    use crate::view::lists::Lists;
    use crate::view::overview::overview;
    use crate::view::scenario::{Scenario, request, response};

    const NS: &str = "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"";

    /// The gateway is asked over a proxy; with `error` it knows no such call.
    fn held(error: bool) -> [Vec<String>; 2] {
        let mut s = Scenario::default();
        s.add(0, "A>P", &request("INVITE", 1).via(&["A i"]));
        s.add(10, "P>A", &response("200 OK", 1, "INVITE").tag("b").via(&["A i"]));
        s.add(20, "A>P", &request("ACK", 1).tag("b").via(&["A k"]));
        let hold = format!(
            "<HoldCall {NS}><callToBeHeld><callID>41</callID><deviceID>tel:+14255550100</deviceID></callToBeHeld></HoldCall>"
        );
        let info = request("INFO", 2).tag("b").body("application/csta+xml", &hold);
        s.add(1_000, "A>P", &info.clone().via(&["A h"]));
        s.add(1_001, "P>B", &info.via(&["P h", "A h"]));
        let answer = match error {
            true => format!("<CSTAErrorCode {NS}><operation>invalidCallID</operation></CSTAErrorCode>"),
            false => format!("<HoldCallResponse {NS}/>"),
        };
        let ok = response("200 OK", 2, "INFO").tag("b").body("application/csta+xml", &answer);
        s.add(1_010, "B>P", &ok.clone().via(&["P h", "A h"]));
        s.add(1_011, "P>A", &ok.via(&["A h"]));
        let analysis = s.done();
        let shown = overview(&analysis, &Lists::of(&analysis), 10);
        let of = |text: String| Some(text).filter(|t| t.contains("call control"));
        let notes = shown.notes.into_iter().filter_map(|n| of(n.0));
        [notes.collect(), shown.findings.into_iter().filter_map(|l| of(l.text)).collect()]
    }

    #[test]
    fn sessions_are_counted_and_errors_are_findings() {
        let counts = "Remote call control (CSTA): 1 session, 1 request, 0 events";
        assert_eq!(held(false), [vec![counts.to_owned()], vec![]]);
        let error = "Call 1, Alice → bob: remote call control: HoldCall tel:+14255550100, call 41: error operation invalidCallID";
        assert_eq!(held(true), [vec![format!("{counts}, 1 error")], vec![error.to_owned()]]);
    }
}
