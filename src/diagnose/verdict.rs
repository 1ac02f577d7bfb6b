//! One sentence for a call, and one for all captures.

use super::{Diagnosis, Finding, Severity, Subject, calls};
use crate::correlate::{Analysis, CallIdx, CallState, Side};
use crate::show;

/// What became of a call and, where something went wrong, why: `answered, talked 00:14, but ICE found no path: the relay
/// refused Alice's credentials (431)`. It begins in a small letter and has no full stop.
pub fn call_verdict(analysis: &Analysis, diagnosis: &Diagnosis, call: CallIdx) -> String {
    let outcome = diagnosis.outcome_of(call);
    let mut sentence = match outcome {
        Some(rule) => calls::words(analysis, call, rule),
        None => course(analysis, call),
    };
    let others = diagnosis.of(Subject::Call(call)).filter_map(|i| Some((i, diagnosis.findings.get(i)?)));
    let wrong: Vec<(usize, &Finding)> = others
        .filter(|(_, f)| f.severity >= Severity::Warning && outcome.is_none_or(|r| r.id != f.rule.id))
        .collect();
    // What came of another one tells what was felt, that other one why.
    let felt = wrong.iter().rev().find(|(_, f)| f.explained_by.is_some()).or(wrong.first());
    let Some((at, felt)) = felt.copied() else { return sentence };
    let cause = cause_of(diagnosis, at).filter(|c| outcome.is_none_or(|r| r.id != c.rule.id));
    let joint = if outcome.is_some() { "; " } else { ", but " };
    sentence.push_str(joint);
    sentence.push_str(&felt.what);
    if let Some(cause) = cause {
        sentence.push_str(&format!(": {}", cause.what));
    }
    sentence
}

/// The cause at the end of the chain; none where it explains itself.
fn cause_of(diagnosis: &Diagnosis, mut at: usize) -> Option<&Finding> {
    let start = at;
    while let Some(up) = diagnosis.findings.get(at)?.explained_by.filter(|up| *up < at) {
        at = up;
    }
    (at != start).then(|| diagnosis.findings.get(at)).flatten()
}

/// A call that came about.
fn course(analysis: &Analysis, call: CallIdx) -> String {
    let s = &analysis.call(call).summary;
    let mut parts: Vec<String> = Vec::new();
    if s.starts_mid_call {
        parts.push("already up when the capture starts".to_owned());
    }
    match (s.state, s.ring) {
        (CallState::Answered | CallState::Completed, Some(rang)) => {
            parts.push(format!("answered after ringing {}", calls::ring_words(rang)));
        }
        (CallState::Answered | CallState::Completed, None) if s.answered.is_some() => {
            parts.push("answered".to_owned());
        }
        (CallState::Answered | CallState::Completed, None) => {}
        (CallState::Trying, _) => parts.push("no final answer yet when the capture ends".to_owned()),
        (CallState::Ringing, _) => parts.push("ringing".to_owned()),
        (CallState::Failed, _) => parts.push("the capture ends before an answer could come".to_owned()),
        (state, _) => parts.push(state.name().replace('_', " ")),
    }
    if let Some(talk) = s.talk {
        parts.push(format!("talked {}", show::talk(talk)));
    }
    let names = || show::call_party_names(analysis, call);
    match (s.state, s.ended_by) {
        (CallState::Completed, Some(side)) => {
            let [caller, callee] = names();
            let who = if side == Side::Caller { caller } else { callee };
            parts.push(format!("{who} hung up"));
        }
        (CallState::Completed, None) => parts.push("hung up".to_owned()),
        (CallState::Answered, _) => parts.push("still up when the capture ends".to_owned()),
        _ => {}
    }
    parts.join(", ")
}
