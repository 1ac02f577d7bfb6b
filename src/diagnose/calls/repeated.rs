//! Calls whose messages are sent over and over.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::REPEATED;
use super::walk::messages;
use crate::correlate::{Analysis, CallIdx, FlowId, MsgIdx, flag};
use crate::diagnose::findings::message_words;
use crate::diagnose::{Context, Findings, Severity, Subject};
use crate::show;

/// Repetitions from which on they count, and one in how many messages.
const MANY: u32 = 8;
const SHARE: u32 = 3;
/// Kinds of messages told, and frames shown.
const KINDS: usize = 4;
const SHOWN: usize = 8;

pub fn tell(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    let all = (0u32..).map(CallIdx).zip(&analysis.calls);
    let suspects = all.filter(|(_, c)| {
        let n = c.summary.retransmissions;
        n >= MANY && n.saturating_mul(SHARE) >= c.messages.count
    });
    for (call, c) in suspects.take(analysis.limits.finding_reads) {
        let subject = Subject::Call(call);
        let told: Vec<_> = out.of(subject).collect();
        // What is told already is why, or came of it.
        if told.into_iter().any(|at| out.severity_of(at) > Some(Severity::Info)) {
            continue;
        }
        let again: Vec<MsgIdx> = messages(analysis, call)
            .into_iter()
            .filter(|m| analysis.message(*m).has(flag::RETRANSMISSION))
            .collect();
        let Some(hop) = most_used(analysis, &again) else { continue };
        let flow = analysis.flow(hop);
        let [from, to] = [flow.src, flow.dst].map(|a| {
            show::machine(analysis, a).map_or_else(|| a.to_string(), |name| format!("{name} ({a})"))
        });
        out.add(&REPEATED, subject, (flow.src.ip(), flow.dst.ip()), |f| {
            let n = show::number(u64::from(c.summary.retransmissions));
            let total = show::number(u64::from(c.messages.count));
            f.who(context.call_name(call))
                .what(format!("{n} of its {total} messages are repetitions, most from {from} to {to}"));
            f.of_many(format!("a third and more of the messages are repetitions, most from {from} to {to}"));
            f.say(format!("Sent again: {}.", kinds(analysis, &again)));
            again.iter().take(SHOWN).for_each(|m| _ = f.show_message(analysis, *m));
        });
    }
}

fn most_used(analysis: &Analysis, of: &[MsgIdx]) -> Option<FlowId> {
    let mut flows: BTreeMap<FlowId, usize> = BTreeMap::new();
    of.iter().for_each(|m| *flows.entry(analysis.message(*m).flow).or_default() += 1);
    flows.into_iter().max_by_key(|(flow, n)| (*n, Reverse(*flow))).map(|(flow, _)| flow)
}

/// `INVITE × 4, 200 OK × 6`.
fn kinds(analysis: &Analysis, of: &[MsgIdx]) -> String {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    of.iter().for_each(|m| *kinds.entry(message_words(analysis, *m)).or_default() += 1);
    let mut list: Vec<(usize, String)> = kinds.into_iter().map(|(words, n)| (n, words)).collect();
    list.sort_by(|a, b| b.cmp(a));
    let words: Vec<String> = list.iter().take(KINDS).map(|(n, words)| format!("{words} × {n}")).collect();
    words.join(", ")
}
