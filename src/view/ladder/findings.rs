//! What the rules found in the calls and dialogs of a ladder: the verdict above it, and which rows prove what.

use super::{Ladder, LadderRow};
use crate::capture::FrameRef;
use crate::correlate::{Analysis, CallIdx, Owner};
use crate::diagnose::{Diagnosis, Severity, Subject, call_verdict};
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
    ladder.verdicts = troubled.iter().filter_map(|(_, at)| u32::try_from(*at).ok()).collect();
    let verdicts: Vec<LadderRow> = troubled
        .into_iter()
        .map(|(c, _)| {
            let number =
                if owners.len() > 1 { format!("Call {}: ", u64::from(c.0) + 1) } else { String::new() };
            let text =
                format!("{number}{}", capital(call_verdict(analysis, diagnosis, c), owners.len() == 1));
            LadderRow::Note { time: ladder.start, text }
        })
        .collect();
    ladder.rows.splice(0..0, verdicts);
}

/// Its first letter large, if it begins a sentence.
fn capital(mut words: String, begins: bool) -> String {
    if begins && let Some(first) = words.get(..1).map(str::to_uppercase) {
        words.replace_range(..1, &first);
    }
    words
}
