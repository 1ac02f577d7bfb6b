//! One sentence for a call, and one for all captures.

use super::{Diagnosis, Finding, Severity, Subject, calls};
use crate::correlate::{Analysis, CallIdx, CallState, FailureCause};
use crate::show;

/// A call in words; none begins in a capital letter or has a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallVerdict {
    /// What became of it, and what was felt where something went wrong: `answered, but no audio came either way`.
    pub outcome: String,
    /// Why, the nearest cause first: `ICE found no path`, `Alice's relay allocation was refused with 431, …`.
    pub causes: Vec<String>,
    /// How it went beside that: `rang 1.21 s, talked 00:14, Alice hung up`; of a call without trouble it stands in the outcome.
    pub course: String,
}

impl CallVerdict {
    /// What went wrong and why before all else.
    pub fn sentence(self) -> String {
        let mut sentence = self.outcome;
        for cause in &self.causes {
            sentence.push_str(": ");
            sentence.push_str(cause);
        }
        if !self.course.is_empty() {
            sentence.push_str("; ");
            sentence.push_str(&self.course);
        }
        sentence
    }
}

/// What became of a call, in one sentence.
pub fn call_verdict(analysis: &Analysis, diagnosis: &Diagnosis, call: CallIdx) -> String {
    verdict_of(analysis, diagnosis, call).sentence()
}

pub fn verdict_of(analysis: &Analysis, diagnosis: &Diagnosis, call: CallIdx) -> CallVerdict {
    let outcome = diagnosis.outcome_of(call);
    let Course { state, rang, rest } = match outcome {
        Some(rule) => Course { state: calls::words(analysis, call, rule), ..Course::default() },
        None => course(analysis, call),
    };
    let others = diagnosis.of(Subject::Call(call)).filter_map(|i| Some((i, diagnosis.findings.get(i)?)));
    let wrong: Vec<(usize, &Finding)> = others
        .filter(|(_, f)| f.severity >= Severity::Warning && outcome.is_none_or(|r| r.id != f.rule.id))
        .collect();
    let Some((at, felt)) = felt(&wrong) else {
        let mut outcome = state;
        if let Some(t) = rang {
            outcome.push_str(" after ringing ");
            outcome.push_str(&t);
        }
        rest.iter().for_each(|part| add(&mut outcome, part));
        return CallVerdict { outcome, causes: Vec::new(), course: String::new() };
    };
    let joint = match outcome {
        _ if state.is_empty() => "",
        Some(_) => "; ",
        None => ", but ",
    };
    let course: Vec<String> = rang.map(|t| format!("rang {t}")).into_iter().chain(rest).collect();
    CallVerdict {
        outcome: format!("{state}{joint}{}", felt.what),
        causes: diagnosis.causes_of(at).map(|f| f.brief.clone()).collect(),
        course: course.join(", "),
    }
}

/// What was felt of all that went wrong in a call: of the worst, what came of another one, and of media before all else.
fn felt<'a>(wrong: &[(usize, &'a Finding)]) -> Option<(usize, &'a Finding)> {
    let worst = wrong.first()?.1.severity;
    let of_worst = || wrong.iter().copied().filter(|(_, f)| f.severity == worst);
    let caused = || of_worst().filter(|(_, f)| f.explained_by.is_some());
    let of_media = caused().find(|(_, f)| f.rule.id.starts_with("media-"));
    of_media.or_else(|| caused().next_back()).or_else(|| of_worst().next())
}

/// Bytes that most sentences have room in.
const USUAL: usize = 96;

/// A call that came about.
#[derive(Default)]
struct Course {
    /// `answered`; empty of a call that was up before the capture.
    state: String,
    rang: Option<String>,
    /// `talked 00:14`, `Alice hung up`.
    rest: Vec<String>,
}

/// Puts a part behind those before it.
fn add(sentence: &mut String, part: &str) {
    if !sentence.is_empty() {
        sentence.push_str(", ");
    }
    sentence.push_str(part);
}

fn course(analysis: &Analysis, call: CallIdx) -> Course {
    let s = &analysis.call(call).summary;
    let answered = matches!(s.state, CallState::Answered | CallState::Completed);
    let state = match s.state {
        CallState::Answered | CallState::Completed if s.ring.is_some() || s.answered.is_some() => "answered",
        CallState::Answered | CallState::Completed => "",
        CallState::Trying => "no final answer yet when the capture ends",
        CallState::Ringing => "ringing",
        CallState::Failed => match analysis.failure(call).map(|f| f.cause) {
            Some(FailureCause::NoResponse) => "no answer to its INVITE is in the capture",
            _ => "the capture ends before an answer could come",
        },
        state => state.name(),
    };
    let up = super::capture::begun_before(analysis, call);
    let mut words = String::with_capacity(USUAL);
    for part in up.into_iter().chain(Some(state).filter(|s| !s.is_empty())) {
        add(&mut words, part);
    }
    if words.contains('_') {
        words = words.replace('_', " ");
    }
    let mut rest: Vec<String> = Vec::new();
    if let Some(talk) = s.talk {
        rest.push(format!("talked {}", show::talk(talk)));
    }
    match (s.state, s.ended_by) {
        (CallState::Completed, Some(side)) => {
            rest.push(format!("{} hung up", show::call_party_name(analysis, call, side)));
        }
        (CallState::Completed, None) => rest.push("hung up".to_owned()),
        (CallState::Answered, _) => rest.push("still up when the capture ends".to_owned()),
        _ => {}
    }
    Course { state: words, rang: s.ring.filter(|_| answered).map(calls::ring_words), rest }
}
