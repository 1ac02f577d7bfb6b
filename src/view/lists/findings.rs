//! Findings: one row each, the worst first, and the frames that prove it.

use super::*;
use crate::diagnose::{Diagnosis, Finding, Severity, Subject};
use crate::view::detail::frame_time;
use crate::view::rows::columns;

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the finding",
    "severity" "Severity" Left 0 "error, warning, info",
    "rule" "Rule" Left 2 "name of the rule, as `explain` takes it",
    "title" "What" Left 0 "whom it concerns and what it is",
    "frames" "Frames" Left 3 "frames that prove it",
    "confidence" "Confidence" Left 5 "high, or partial where the capture does not show all",
    "count" "Count" Right 6 "how many calls, allocations … are alike",
    "subjects" "About" Left 6 "what it is about",
    "calls" "Calls" Left 6 "calls it is about or touches",
    "cause" "Cause" Right 6 "number of the finding that is its cause",
    "detail" "Detail" Left 6 "what the frames show",
    "advice" "Next" Left 6 "what to look at next",
    "source" "Source" Left 6 "the specification, or how it is known",
}

pub(super) const LIST: List = List {
    name: "findings",
    words: ("finding", "findings"),
    needs: "Nothing that a rule looks for is in the captures.",
    help: HELP,
    definitions: DEFINITIONS,
    defaults: 6,
};

/// Frames of evidence that a cell names.
const FRAMES: usize = 4;

/// `● error`.
pub fn severity_words(severity: Severity) -> String {
    format!("{} {}", severity.sign(), severity.name())
}

/// `8112 8125 …`; of several captures `1:8112`.
pub fn frame_words(analysis: &Analysis, f: &Finding) -> String {
    let shown: Vec<String> = f.evidence.iter().take(FRAMES).map(|e| frame(analysis, e.frame)).collect();
    let dots = if f.evidence.len() > FRAMES || f.evidence_not_kept > 0 { " …" } else { "" };
    shown.join(" ") + dots
}

fn frame(analysis: &Analysis, frame: FrameRef) -> String {
    match analysis.captures.len() {
        0 | 1 => frame.frame.to_string(),
        _ => format!("{}:{}", frame.capture.0, frame.frame),
    }
}

/// The calls that it is about, else those that it touches.
fn call_words(f: &Finding) -> String {
    let of = |list: &[Subject]| -> Vec<String> {
        let calls = list.iter().filter(|s| matches!(s, Subject::Call(_)));
        calls.map(|s| s.id().to_string()).collect()
    };
    let mut calls = of(&f.subjects);
    calls.extend(of(&f.concerns));
    let more = calls.len().saturating_sub(8);
    calls.truncate(8);
    let dots = if more > 0 { " …" } else { "" };
    calls.join(", ") + dots
}

pub(super) fn cell(at: At<'_>, row: u32, key: &str) -> Cell {
    let Some(f) = at.diagnosis().findings.get(row as usize) else { return none() };
    match key {
        "id" => number(u64::from(row) + 1),
        // Sorted by how bad it is.
        "severity" => (severity_words(f.severity), Key::Number(-(f.severity as i64))),
        "rule" => text(f.rule.id.to_owned()),
        "title" => text(f.title.clone()),
        "frames" => text(frame_words(at.analysis, f)),
        "confidence" => text(f.confidence.name().to_owned()),
        "count" => number(f.count),
        "subjects" => {
            let all: Vec<String> = f.subjects.iter().take(8).map(|s| s.words()).collect();
            text(all.join(", "))
        }
        "calls" => text(call_words(f)),
        "cause" => f.explained_by.map_or_else(none, |i| number(i as u64 + 1)),
        "detail" => text(f.detail.join(" ")),
        "advice" => text(f.advice.join(" ")),
        "source" => text(f.rule.source.to_owned()),
        _ => none(),
    }
}

/// Sentences below the title: what the frames show, what it came of and led to, and what to look at next.
pub fn sentences(diagnosis: &Diagnosis, row: usize) -> Vec<String> {
    let Some(f) = diagnosis.findings.get(row) else { return Vec::new() };
    let mut out = vec![format!("{}.", f.title)];
    out.extend(f.detail.iter().cloned());
    if let Some((i, cause)) = f.explained_by.and_then(|i| Some((i, diagnosis.findings.get(i)?))) {
        out.push(format!("It came of finding {}: {}.", i + 1, cause.title));
    }
    let led: Vec<String> = diagnosis
        .consequences(row)
        .take(4)
        .map(|(i, c)| format!("finding {} ({})", i + 1, show::shorten(&c.title, 80)))
        .collect();
    if !led.is_empty() {
        out.push(format!("It led to {}.", led.join(", ")));
    }
    for (i, advice) in f.advice.iter().enumerate() {
        out.push(if i == 0 { format!("Check next: {advice}") } else { advice.clone() });
    }
    out
}

/// `● turn-wrong-credentials   Calls 9, 11   confidence high`.
fn head(f: &Finding) -> String {
    let calls = call_words(f);
    let about = match f.subject() {
        Subject::Call(_) if f.count == 1 => format!("Call {calls}"),
        Subject::Call(_) => format!("Calls {calls}"),
        subject => subject.words(),
    };
    let confidence = match f.confidence.why() {
        None => "confidence high".to_owned(),
        Some(why) => format!("confidence partial: {why}"),
    };
    format!("{} {}   {about}   {confidence}", severity_words(f.severity), f.rule.id)
}

pub(super) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    let diagnosis = at.diagnosis();
    let f = diagnosis.findings.get(row as usize)?;
    let mut head_lines = sentences(diagnosis, row as usize);
    head_lines.push(format!("Source: {}. `explain {}` tells how it is detected.", f.rule.source, f.rule.id));
    let columns = vec![
        Column::new("frame", "Frame", Align::Right, 0),
        Column::new("time", "Time", Align::Right, 1),
        Column::new("what", "Evidence", Align::Left, 0),
    ];
    let (mut rows, mut leads) = (Vec::new(), Vec::new());
    // Frames of which no record keeps the time are read again.
    let time_of = |e: &crate::diagnose::Evidence| e.time.or_else(|| frame_time(at.analysis, e.frame));
    let times: Vec<Option<Nanos>> = f.evidence.iter().map(time_of).collect();
    let start = times.iter().flatten().min().copied().unwrap_or_default();
    let mut before = start;
    for (e, time) in f.evidence.iter().zip(times) {
        rows.push(vec![
            frame(at.analysis, e.frame),
            time.map_or_else(String::new, |t| show::time(t, at.mode, start, before)),
            e.text.clone(),
        ]);
        before = time.unwrap_or(before);
        leads.push(Lead { message: e.message, frame: Some(e.frame), bad: false });
    }
    let title = match f.evidence_not_kept {
        0 => show::count(f.evidence.len() as u64, "frame proves it", "frames prove it"),
        more => format!("{} frames prove it, {} more are not listed", f.evidence.len(), show::number(more)),
    };
    let mut parts = Vec::new();
    if !f.evidence.is_empty() {
        parts.push(Part { title, table: Table { columns, rows }, leads });
    }
    Some(Detail { title: head(f), head: head_lines, parts, owners: f.owners() })
}
