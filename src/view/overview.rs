//! What the captures hold, at a glance.

mod machines;
mod media;
mod notes;
mod remote;

use std::collections::BTreeMap;

use callscope_parsers::sip::diagnostics::is_informational;

use super::lists::Lists;
use super::{lists, show};
use crate::capture::Nanos;
use crate::correlate::{Accounting, Analysis, CallIdx, CallState, Diagnostic, DiagnosticHeader};
use crate::diagnose::{Diagnosis, Finding, Severity, Subject};

/// A labelled activity line: counts per equal slice of the captures' span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    pub label: &'static str,
    pub counts: Vec<u64>,
    pub total: u64,
    /// e.g. `10 answered · 2 rejected · 1 cancelled   setup median 1.8 s  worst 6.2 s`
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// One sentence: what is in it and what went wrong.
    pub verdict: String,
    /// What went wrong, the worst first; what another one explains is left out.
    pub findings: Vec<Line>,
    /// Findings that are not among these.
    pub more_findings: usize,
    pub activity: Vec<Activity>,
    /// Machines with role and address.
    pub machines: Vec<String>,
    /// What there is beside calls and what no rule tells yet, a line each, with a frame that leads there.
    pub notes: Vec<notes::Note>,
    /// `48 213 frames: 41 870 decoded, 6 102 other traffic, …` (only what is not zero, except frames and decoded).
    pub accounting: String,
}

/// A finding in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub severity: Severity,
    pub text: String,
    /// `frames 8112 8125 …`.
    pub frames: String,
    /// Its row in the list of findings.
    pub row: u32,
}

/// The activity line of which the rules say how many came to nothing.
const DIALOGS: &str = "Dialogs";
/// Findings told one by one.
const FINDINGS: usize = 20;

/// `slices` is the width of the activity lines.
pub fn overview(analysis: &Analysis, lists: &Lists<'_>, slices: usize) -> Overview {
    // The rules take long over a big capture: what needs them not is worked out beside them.
    let slices = slices.clamp(1, 1000);
    let (diagnosis, (mut activity, machines)) = std::thread::scope(|scope| {
        let rest = scope.spawn(|| (activity(analysis, slices), machines::machines(analysis)));
        let diagnosis = lists.diagnosis();
        (diagnosis, rest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    for line in activity.iter_mut().filter(|a| a.label == DIALOGS) {
        for (what, lost) in lost_dialogs(analysis, diagnosis) {
            line.text.push_str(&format!("   {} {what}", show::number(lost.iter().map(|l| l.0).sum())));
        }
    }
    let mut findings: Vec<Line> =
        diagnosis.roots(Severity::Info).map(|(i, f)| line(analysis, diagnosis, i, f)).collect();
    let more_findings = findings.len().saturating_sub(FINDINGS);
    findings.truncate(FINDINGS);
    Overview {
        verdict: verdict(analysis, diagnosis),
        findings,
        more_findings,
        activity,
        machines,
        notes: notes::notes(analysis, lists),
        accounting: accounting(analysis),
    }
}

fn line(analysis: &Analysis, diagnosis: &Diagnosis, at: usize, f: &Finding) -> Line {
    let frames = match f.evidence.len() {
        0 => String::new(),
        1 => format!("frame {}", lists::frame_words(analysis, f)),
        _ => format!("frames {}", lists::frame_words(analysis, f)),
    };
    // What was felt of it stands with it.
    let led = diagnosis.felt_of(at);
    let text = match led {
        Some((_, led)) => format!("{}. {}", f.title, led.title),
        None => f.title.clone(),
    };
    Line { severity: f.severity, text, frames, row: u32::try_from(at).unwrap_or(u32::MAX) }
}

/// Frames of all captures by what became of them: the last line of every screen.
pub fn accounting(analysis: &Analysis) -> String {
    let mut sum = Accounting::default();
    let mut frames = 0u64;
    for capture in &analysis.captures {
        let a = capture.accounting;
        sum.decoded += a.decoded;
        sum.other_traffic += a.other_traffic;
        sum.not_ip += a.not_ip;
        sum.cut_short += a.cut_short;
        sum.malformed += a.malformed;
        sum.fragment_pending += a.fragment_pending;
        sum.duplicate += a.duplicate;
        sum.over_limit += a.over_limit;
        sum.encrypted += a.encrypted;
        frames += capture.frames;
    }
    let mut text =
        format!("{}: {} decoded", show::count(frames, "frame", "frames"), show::number(sum.decoded));
    for (n, what) in [
        (sum.other_traffic, "other traffic"),
        (sum.not_ip, "not IP"),
        (sum.encrypted, "encrypted"),
        (sum.duplicate, "captured twice"),
        (sum.malformed, "damaged"),
        (sum.cut_short, "cut"),
        (sum.fragment_pending, "fragments without the rest"),
        (sum.over_limit, "over a limit"),
    ] {
        if n > 0 {
            text.push_str(&format!(", {} {what}", show::number(n)));
        }
    }
    text
}

/// How calls ended, the worst first.
const WORST_FIRST: [(&[CallState], &str); 7] = [
    (&[CallState::Failed], "failed"),
    (&[CallState::NoAnswer], "without answer"),
    (&[CallState::Rejected], "rejected"),
    (&[CallState::Redirected], "redirected"),
    (&[CallState::Cancelled], "cancelled"),
    (&[CallState::Trying, CallState::Ringing], "still open"),
    (&[CallState::Answered, CallState::Completed], "answered"),
];

struct Outcome {
    count: u64,
    word: &'static str,
    /// Final statuses with their counts; 0: what happened instead of an answer.
    statuses: BTreeMap<(u16, &'static str), u64>,
}

fn outcomes(analysis: &Analysis) -> Vec<Outcome> {
    let mut all: Vec<Outcome> =
        WORST_FIRST.iter().map(|(_, word)| Outcome { count: 0, word, statuses: BTreeMap::new() }).collect();
    for (i, call) in (0u32..).zip(&analysis.calls) {
        let s = &call.summary;
        let at = WORST_FIRST.iter().position(|(states, _)| states.contains(&s.state));
        if let Some(outcome) = at.and_then(|i| all.get_mut(i)) {
            outcome.count += 1;
            if s.final_status >= 300 || s.state == CallState::Failed {
                let instead = match s.final_status {
                    0 => analysis.failure(CallIdx(i)).map(|f| show::failure_kind(f.cause).1),
                    _ => None,
                };
                let key = (s.final_status, instead.unwrap_or("no response"));
                *outcome.statuses.entry(key).or_default() += 1;
            }
        }
    }
    all.retain(|o| o.count > 0);
    all
}

impl Outcome {
    /// `2 rejected (486, 603)`, `3 failed (503 ×2, no response)`; the most frequent statuses only.
    fn text(&self) -> String {
        let text = format!("{} {}", show::number(self.count), self.word);
        if self.statuses.is_empty() || self.word == "cancelled" {
            return text;
        }
        let mut statuses: Vec<(u64, (u16, &str))> = self.statuses.iter().map(|(&s, &n)| (n, s)).collect();
        statuses.sort_by_key(|&(n, s)| (std::cmp::Reverse(n), s));
        let several = statuses.len() > 1;
        let list: Vec<String> = statuses
            .iter()
            .take(3)
            .map(|&(n, (s, instead))| {
                let what = if s == 0 { instead.to_owned() } else { s.to_string() };
                if several && n > 1 { format!("{what} ×{}", show::number(n)) } else { what }
            })
            .collect();
        let dots = if statuses.len() > 3 { " …" } else { "" };
        format!("{text} ({}{dots})", list.join(", "))
    }
}

/// What is in the captures and what is wrong with it, in a sentence or two.
pub fn verdict(analysis: &Analysis, diagnosis: &Diagnosis) -> String {
    let calls = analysis.calls.len() as u64;
    let dialogs = analysis.dialogs_shown().count() as u64;
    let mut sentence = match calls {
        0 if dialogs == 0 => nothing(analysis),
        0 => "No calls; ".to_owned(),
        _ => {
            let outcomes = outcomes(analysis);
            let rest: Vec<String> = outcomes.iter().map(Outcome::text).collect();
            match outcomes.as_slice() {
                [only] if calls == 1 => format!("1 call, {}", only.text().trim_start_matches("1 ")),
                [only] => format!(
                    "{} calls, all {}",
                    show::number(calls),
                    only.text().trim_start_matches(show::number(calls).as_str()).trim_start()
                ),
                _ => format!("{} calls: {}", show::number(calls), rest.join(", ")),
            }
        }
    };
    if dialogs > 0 {
        let kind = if calls == 0 { ("dialog", "dialogs") } else { ("other dialog", "other dialogs") };
        let joint = if calls == 0 { "" } else { "; " };
        sentence.push_str(&format!("{joint}{}", show::count(dialogs, kind.0, kind.1)));
        for (what, lost) in lost_dialogs(analysis, diagnosis) {
            let n: u64 = lost.iter().map(|l| l.0).sum();
            let list: Vec<&str> = lost.iter().take(3).map(|l| l.1.as_str()).collect();
            let dots = if lost.len() > 3 { " …" } else { "" };
            sentence.push_str(&format!(", {} {what} ({}{dots})", show::number(n), list.join(", ")));
        }
    }
    if calls + dialogs > 0 {
        sentence.push('.');
    }
    let wrong: Vec<(usize, &Finding)> = diagnosis.roots(Severity::Warning).collect();
    let Some((at, worst)) = wrong.first().copied() else { return sentence };
    // What was felt first, then why.
    let felt = diagnosis.felt_of(at).filter(|(_, f)| matches!(f.subject(), Subject::Call(_)));
    match felt {
        Some((felt, f)) => {
            let causes: Vec<&str> = diagnosis.causes_of(felt).map(|f| f.brief.as_str()).collect();
            sentence.push_str(&format!(" {}: {}.", f.title, causes.join(": ")));
        }
        None => sentence.push_str(&format!(" {}.", worst.title)),
    }
    let more = wrong.len() as u64 - 1;
    if more > 0 {
        sentence.push_str(&format!(" {}.", show::count(more, "more finding", "more findings")));
    }
    sentence
}

/// Dialogs that came to nothing, as the rules have it: `failed` by method and status (`REGISTER 403`), `unanswered` by method,
/// the most frequent first; without those of which there are none.
fn lost_dialogs(analysis: &Analysis, diagnosis: &Diagnosis) -> Vec<(&'static str, Vec<(u64, String)>)> {
    let of = |answered: bool| {
        let all = diagnosis.tally.dialogs.iter().filter(|((_, status), _)| (*status > 0) == answered);
        let mut counts: Vec<(u64, String)> = all
            .map(|(&(method, status), &n)| {
                let method = show::safe(analysis.method(method).as_bytes());
                (n, if answered { format!("{method} {status}") } else { method })
            })
            .collect();
        counts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        counts
    };
    let mut out = vec![("failed", of(true)), ("unanswered", of(false))];
    out.retain(|(_, lost)| !lost.is_empty());
    out
}

/// Why there is nothing to show, and what would change that.
fn nothing(analysis: &Analysis) -> String {
    let frames: u64 = analysis.captures.iter().map(|c| c.frames).sum();
    // A handshake alone carries nothing.
    let sessions = analysis.tls.iter().filter(|t| t.carries_data);
    let encrypted: u64 = sessions.map(|t| t.encrypted_frames).sum();
    match (frames, encrypted) {
        (0, _) if analysis.captures.is_empty() => "Nothing is read yet.".to_owned(),
        (0, _) => "The capture holds no frames.".to_owned(),
        (_, 0) => format!("No SIP in {}.", show::count(frames, "frame", "frames")),
        (_, n) => format!(
            "No SIP in clear in {}; {} encrypted, and SIP over TLS would be among them.",
            show::count(frames, "frame", "frames"),
            if n == 1 { "1 is".to_owned() } else { format!("{} are", show::number(n)) }
        ),
    }
}

/// Equal slices of the time that the captures span.
struct Slices {
    start: Nanos,
    span: i128,
    count: usize,
}

impl Slices {
    fn of(analysis: &Analysis, count: usize) -> Self {
        let first = analysis.captures.iter().filter_map(|c| c.first).min();
        let last = analysis.captures.iter().filter_map(|c| c.last).max();
        let times = || analysis.messages.iter().map(|m| m.time);
        let start = first.or_else(|| times().min()).unwrap_or_default();
        let end = last.or_else(|| times().max()).unwrap_or_default();
        Self { start, span: (i128::from(end) - i128::from(start)).max(1), count }
    }

    /// The slice that a time lies in.
    fn place(&self, time: Nanos) -> usize {
        let at = (i128::from(time) - i128::from(self.start)).max(0) * self.count as i128 / self.span;
        usize::try_from(at).unwrap_or(usize::MAX).min(self.count - 1)
    }

    fn fill(&self, times: impl Iterator<Item = Nanos>) -> (Vec<u64>, u64) {
        let mut counts = vec![0u64; self.count];
        let mut total = 0;
        for time in times {
            if let Some(slot) = counts.get_mut(self.place(time)) {
                *slot += 1;
            }
            total += 1;
        }
        (counts, total)
    }
}

fn activity(analysis: &Analysis, slices: usize) -> Vec<Activity> {
    let slices = Slices::of(analysis, slices);
    let mut lines = Vec::new();
    let mut line = |label, (counts, total): (Vec<u64>, u64), text: String| {
        if total > 0 {
            lines.push(Activity { label, counts, total, text });
        }
    };
    line("Calls", slices.fill(analysis.calls.iter().map(|c| c.summary.start)), calls_text(analysis));
    line(
        DIALOGS,
        slices.fill(analysis.dialogs_shown().map(|(_, d)| d.summary.start)),
        dialogs_text(analysis),
    );
    line("Messages", slices.fill(analysis.messages.iter().map(|m| m.time)), messages_text(analysis));
    let told = diagnosed(analysis);
    line("Diagnoses", slices.fill(told.0.into_iter()), told.1);
    lines.extend(media::activity(analysis, &slices));
    let mut line = |label, (counts, total): (Vec<u64>, u64), text: String| {
        if total > 0 {
            lines.push(Activity { label, counts, total, text });
        }
    };
    line("TLS", slices.fill(analysis.tls.iter().map(|t| t.first)), tls_text(analysis));
    lines
}

/// When the servers and clients said why something failed, and what: `1003 user does not exist ×4`.
fn diagnosed(analysis: &Analysis) -> (Vec<Nanos>, String) {
    const TOLD: usize = 5;
    let tally = analysis.diagnostic_tally();
    let telling = |d: &Diagnostic| {
        let informational = d.code.is_some_and(is_informational);
        d.header == DiagnosticHeader::Warning || d.header.is_microsoft() && !informational
    };
    let rows: Vec<&(Diagnostic, u64)> = tally.rows.iter().filter(|(d, _)| telling(d)).collect();
    let words: Vec<String> = rows
        .iter()
        .take(TOLD)
        .map(|(d, n)| format!("{} ×{}", show::diagnostic(d), show::number(*n)))
        .collect();
    let mut text = words.join(" · ");
    if rows.len() > TOLD {
        text.push_str(&format!(" · {} more", show::number((rows.len() - TOLD) as u64)));
    }
    for (n, one, many, limit) in [
        (tally.not_read, "message", "messages", "diagnostic_messages"),
        (tally.not_told_apart, "more", "more", "diagnostic_kinds"),
    ] {
        if n > 0 {
            text.push_str(&format!("   {} not counted (limit {limit})", show::count(n, one, many)));
        }
    }
    let of = |at: usize| tally.rows.get(at).is_some_and(|(d, _)| telling(d));
    (tally.times.iter().filter(|(at, _)| of(*at)).map(|(_, time)| *time).collect(), text)
}

fn calls_text(analysis: &Analysis) -> String {
    let mut outcomes: Vec<String> = outcomes(analysis).iter().rev().map(Outcome::text).collect();
    // What went well first, then the worst.
    if outcomes.len() > 1 {
        outcomes[1..].reverse();
    }
    let mut text = outcomes.join(" · ");
    let mut setups: Vec<Nanos> = analysis.calls.iter().filter_map(|c| c.summary.setup).collect();
    let middle = setups.len() / 2;
    if let Some(&worst) = setups.iter().max() {
        let median = *setups.select_nth_unstable(middle).1;
        text.push_str(&format!("   setup median {}", show::duration(median)));
        if setups.len() > 1 {
            text.push_str(&format!("  worst {}", show::duration(worst)));
        }
    }
    text
}

fn dialogs_text(analysis: &Analysis) -> String {
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for (_, dialog) in analysis.dialogs_shown() {
        *counts.entry(dialog.method).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(method, n)| (std::cmp::Reverse(n), method));
    let list: Vec<String> = counts
        .iter()
        .take(5)
        .map(|&(method, n)| match analysis.method(method) {
            "" => format!("{} without a request", show::number(n)),
            name => format!("{} {}", show::number(n), show::safe(name.as_bytes())),
        })
        .collect();
    let dots = if counts.len() > 5 { " …" } else { "" };
    format!("{}{dots}", list.join(" · "))
}

fn messages_text(analysis: &Analysis) -> String {
    let sip = &analysis.sip;
    let methods = sip.requests.iter().filter(|&&n| n > 0).count() as u64;
    let mut text = match methods {
        0 => "SIP   answers only".to_owned(),
        n => format!("SIP   {}", show::count(n, "method", "methods")),
    };
    let class = |low: u16| sip.responses.range(low..low + 100).map(|(_, n)| n).sum::<u64>();
    for low in [400, 500, 600] {
        // A challenge is no failure.
        let challenges: u64 =
            if low == 400 { [401, 407].iter().filter_map(|s| sip.responses.get(s)).sum() } else { 0 };
        let n = class(low).saturating_sub(challenges);
        if n > 0 {
            text.push_str(&format!(", {} × {}xx", show::number(n), low / 100));
        }
    }
    for (n, word) in [
        (sip.retransmissions, "retransmitted"),
        (sip.duplicates, "captured twice"),
        (sip.malformed, "malformed"),
    ] {
        if n > 0 {
            text.push_str(&format!("   {word} {}", show::number(n)));
        }
    }
    text
}

fn tls_text(analysis: &Analysis) -> String {
    let frames: u64 = analysis.tls.iter().map(|t| t.encrypted_frames).sum();
    let bytes: u64 = analysis.tls.iter().map(|t| t.bytes).sum();
    let sessions = if analysis.tls.len() == 1 { "session" } else { "sessions" };
    format!("{sessions}   {} encrypted, {}", show::count(frames, "frame", "frames"), show::size(bytes))
}

#[cfg(test)]
mod tests;
