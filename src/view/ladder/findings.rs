//! What the rules found in the calls and dialogs of a ladder: the verdict above it, and which rows prove what.

use super::{Ladder, LadderRow};
use crate::capture::FrameRef;
use crate::correlate::{Analysis, CallIdx, Owner};
use crate::diagnose::{CallVerdict, Diagnosis, Severity, Subject, call_verdict, verdict_of};
use crate::view::show;

/// Calls whose verdict stands above a ladder.
const TOLD: usize = 8;

/// A frame that proves a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub frame: FrameRef,
    pub severity: Severity,
    /// What was found, in a sentence without its full stop.
    pub text: String,
}

/// Adds to a ladder what was found: a call with a finding has its verdict above the messages, and the title counts
/// those that are more than worth knowing.
pub fn tell(ladder: &mut Ladder, analysis: &Analysis, owners: &[Owner], diagnosis: &Diagnosis) {
    let mut found: Vec<usize> = owners.iter().flat_map(|o| diagnosis.of(Subject::from(*o))).collect();
    found.sort_unstable();
    found.dedup();
    let all = || found.iter().filter_map(|i| diagnosis.findings.get(*i));
    for f in all() {
        let (severity, text) = (f.severity, f.title.clone());
        let proofs = f.evidence.iter().map(|e| Proof { frame: e.frame, severity, text: text.clone() });
        ladder.proofs.extend(proofs);
    }
    let bad = all().filter(|f| f.severity > Severity::Info).count() as u64;
    if bad > 0 {
        ladder.title.push_str(&format!("  ! {}", show::count(bad, "finding", "findings")));
    }
    let calls = owners.iter().filter_map(|o| match o {
        Owner::Call(c) => Some(*c),
        Owner::Dialog(_) => None,
    });
    let troubled = calls.filter(|c| diagnosis.of_call(*c).next().is_some());
    let worst = |c: &CallIdx| diagnosis.of(Subject::from(Owner::Call(*c))).min();
    let troubled: Vec<(CallIdx, usize)> = troubled.filter_map(|c| Some((c, worst(&c)?))).take(TOLD).collect();
    let verdicts: Vec<LadderRow> = troubled
        .into_iter()
        .flat_map(|(c, at)| {
            let told = match owners {
                [_] => parts(verdict_of(analysis, diagnosis, c)),
                _ => vec![format!("Call {}: {}", u64::from(c.0) + 1, call_verdict(analysis, diagnosis, c))],
            };
            told.into_iter().map(move |text| (text, at))
        })
        .map(|(text, at)| {
            ladder.verdicts.push(u32::try_from(at).unwrap_or(u32::MAX));
            LadderRow::Note { time: ladder.start, text }
        })
        .collect();
    ladder.rows.splice(0..0, verdicts);
}

/// A verdict in rows that each fit a narrow screen: what was felt, then its causes, then how the call went beside that.
fn parts(verdict: CallVerdict) -> Vec<String> {
    let CallVerdict { outcome, causes, course } = verdict;
    let causes = causes.into_iter().map(|c| format!("because {c}"));
    let all = std::iter::once(capital(outcome)).chain(causes);
    all.chain(Some(capital(course)).filter(|c| !c.is_empty())).collect()
}

/// Its first letter large.
fn capital(mut words: String) -> String {
    if let Some(first) = words.get(..1).map(str::to_uppercase) {
        words.replace_range(..1, &first);
    }
    words
}
