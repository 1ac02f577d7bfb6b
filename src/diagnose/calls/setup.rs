//! Calls that take long until they ring, and which hop took the time.

use super::SLOW_SETUP;
use super::walk::{is_opening, messages};
use crate::capture::Nanos;
use crate::correlate::{Analysis, CallIdx, MethodId, MsgIdx, SipRecord};
use crate::diagnose::{Context, Findings, Severity, Subject};
use crate::show;

/// From here on it is slow.
const SLOW: Nanos = 10_000_000_000;
/// Hops that are told.
const HOPS: usize = 8;

/// A machine and how long it kept the INVITE.
struct Hop {
    /// Came to it, and left it: the INVITE it sent on, its first 18x, or that it refused.
    came: MsgIdx,
    left: MsgIdx,
    kept: Nanos,
}

/// What each machine took of the time from the first INVITE to the first 18x.
fn hops(analysis: &Analysis, call: CallIdx) -> Vec<Hop> {
    let order = messages(analysis, call);
    let opening: Vec<MsgIdx> = order.iter().copied().filter(|m| is_opening(analysis.message(*m))).collect();
    let mut all = Vec::new();
    for (i, &m) in opening.iter().enumerate() {
        let r = analysis.message(m);
        let flow = analysis.flow(r.flow);
        // An INVITE that was sent on from there, else what it answered itself.
        let on = opening.iter().skip(i + 1).copied().find(|o| {
            let o = analysis.message(*o);
            // Not the next attempt, after a challenge or a refusal.
            let same = o.cseq == r.cseq && o.branch != r.branch && o.time >= r.time;
            same && analysis.flow(o.flow).src.ip() == flow.dst.ip()
        });
        let said = |statuses: std::ops::Range<u16>| {
            order.iter().copied().find(|o| {
                let a = analysis.message(*o);
                let of = a.method == MethodId::INVITE && statuses.contains(&a.status) && a.branch == r.branch;
                of && analysis.flow(a.flow).src.ip() == flow.dst.ip()
            })
        };
        let left = on.or_else(|| said(180..190)).or_else(|| said(300..700));
        let Some(left) = left else { continue };
        let kept = analysis.message(left).time.saturating_sub(r.time);
        let known = |h: &Hop| {
            let k = analysis.message(h.came);
            k.flow == r.flow && k.branch == r.branch
        };
        if kept >= 0 && !all.iter().any(known) && all.len() < HOPS {
            all.push(Hop { came: m, left, kept });
        }
    }
    all
}

/// What the caller itself took between challenges and its next attempts: a user who was asked for a password.
fn at_caller(analysis: &Analysis, call: CallIdx) -> Nanos {
    let order = messages(analysis, call);
    let mut challenged: Option<&SipRecord> = None;
    let mut took: Nanos = 0;
    for r in order.iter().map(|m| analysis.message(*m)) {
        if r.method == MethodId::INVITE && matches!(r.status, 401 | 407) {
            challenged = Some(r);
        }
        if is_opening(r)
            && let Some(c) = challenged.take_if(|c| r.cseq > c.cseq && r.from_tag == c.from_tag)
        {
            took += r.time.saturating_sub(c.time).max(0);
        }
    }
    took
}

pub fn slow(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for (call, c) in (0u32..).map(CallIdx).zip(&analysis.calls) {
        let Some(setup) = c.summary.setup.filter(|t| *t >= SLOW) else { continue };
        if setup - at_caller(analysis, call) < SLOW {
            continue;
        }
        let hops = hops(analysis, call);
        let longest = hops.iter().max_by_key(|h| h.kept);
        let machine = |h: &Hop| {
            let dst = analysis.flow(analysis.message(h.came).flow).dst;
            show::machine(analysis, dst).unwrap_or_else(|| dst.to_string())
        };
        let longest = longest.filter(|h| h.kept * 2 > setup);
        let where_ = longest.map(machine);
        let cause = out
            .find(Subject::Call(call), |r| r.id.starts_with("sql-"))
            .filter(|at| out.severity_of(*at) > Some(Severity::Info));
        out.add(&SLOW_SETUP, Subject::Call(call), (&where_, cause), |f| {
            f.who(context.call_name(call)).because(cause);
            let took = show::span(setup);
            let at = match longest {
                Some(h) => format!(", {} of it at {}", show::span(h.kept), machine(h)),
                None => String::new(),
            };
            f.what(format!("it took {took} until it rang{at}"));
            f.of_many(match &where_ {
                Some(machine) => format!("it took 10 s and more until it rang, most of it at {machine}"),
                None => "it took 10 s and more until it rang".to_owned(),
            });
            for h in &hops {
                f.say(format!("{} kept the INVITE for {}.", machine(h), show::span(h.kept)));
                f.show_message(analysis, h.came).show_message(analysis, h.left);
            }
            if hops.is_empty() {
                f.show_message(analysis, c.messages.first);
            }
        });
    }
}
