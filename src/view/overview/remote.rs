//! Remote call control: CSTA (ECMA-323) in INFO and INVITE (ECMA TR/87).

use std::collections::{HashMap, HashSet};

use callscope_parsers::csta::CstaKind;

use super::notes::Note;
use crate::correlate::{Analysis, Content, MsgIdx, Owner, flag};
use crate::diagnose::Severity;
use crate::view::ladder::csta::told;
use crate::view::show;

/// Bodies that are read again for it.
const BODIES: usize = 2_000;
/// Errors told one by one.
const TOLD: usize = 4;

/// A message on its way: the owner and tag of who sent the request, its number, and whether it is the answer.
type Step = (Owner, u32, u32, bool);

pub(super) fn notes(analysis: &Analysis, notes: &mut Vec<Note>) {
    let all = (0u32..).map(MsgIdx).zip(&analysis.messages);
    let carries = all.filter(|(_, r)| {
        r.content == Content::Csta && !r.has(flag::DUPLICATE) && !r.has(flag::RETRANSMISSION)
    });
    let messages: Vec<MsgIdx> = carries.map(|(m, _)| m).take(BODIES + 1).collect();
    if messages.is_empty() || messages.len() > BODIES {
        return;
    }
    let (mut requests, mut events) = (0u64, 0u64);
    let mut owners: HashSet<Owner> = HashSet::new();
    let mut seen: HashSet<Step> = HashSet::new();
    let mut asked: HashMap<Step, String> = HashMap::new();
    let mut failed: Vec<(MsgIdx, String)> = Vec::new();
    for m in &messages {
        let r = analysis.message(*m);
        let step = |answer| (r.owner, r.from_tag, r.cseq, answer);
        owners.insert(r.owner);
        // The next hop says the same again.
        if !seen.insert(step(!r.is_request())) {
            continue;
        }
        let Some((kind, words)) = told(analysis, *m) else { continue };
        match kind {
            CstaKind::Request => {
                requests += 1;
                asked.insert(step(false), words);
            }
            CstaKind::Event => events += 1,
            CstaKind::Error => {
                let of = asked.get(&step(false)).map(|asked| format!("{asked}: ")).unwrap_or_default();
                failed.push((*m, format!("{of}{words}")));
            }
            CstaKind::Response => {}
        }
    }
    let errors = failed.len() as u64;
    let mut text = format!(
        "Remote call control (CSTA): {}, {}, {}",
        show::count(owners.len() as u64, "session", "sessions"),
        show::count(requests, "request", "requests"),
        show::count(events, "event", "events")
    );
    if errors > 0 {
        text.push_str(&format!(", {}", show::count(errors, "error", "errors")));
    }
    let frame = |m: MsgIdx| analysis.message(m).frame;
    notes.push((text, messages.first().map(|m| frame(*m)), Severity::Info));
    let told = failed
        .into_iter()
        .map(|(m, words)| (format!("Remote call control: {words}"), Some(frame(m)), Severity::Warning));
    notes.extend(told.take(TOLD));
    if errors > TOLD as u64 {
        let more = show::count(errors - TOLD as u64, "more error", "more errors");
        notes.push((format!("Remote call control: {more}"), None, Severity::Info));
    }
}

#[cfg(test)]
mod tests {
    use crate::view::lists::Lists;
    use crate::view::overview::overview;
    use crate::view::scenario::{Scenario, request, response};

    const NS: &str = "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"";

    /// The gateway is asked over a proxy; with `error` it knows no such call.
    fn held(error: bool) -> Vec<String> {
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
        let notes = overview(&analysis, &Lists::of(&analysis), 10).notes;
        notes.into_iter().filter(|n| n.0.contains("call control")).map(|n| n.0).collect()
    }

    #[test]
    fn sessions_are_counted_and_errors_told_once() {
        let counts = "Remote call control (CSTA): 1 session, 1 request, 0 events";
        assert_eq!(held(false), [counts]);
        let error = "Remote call control: HoldCall tel:+14255550100, call 41: error operation invalidCallID";
        assert_eq!(held(true), [format!("{counts}, 1 error"), error.to_owned()]);
    }
}
