//! `findings`.

use serde::Serialize;

use crate::diagnose;
use crate::output::json::value::{Frame, Time};
use crate::view::lists::Lists;

#[derive(Debug, Serialize)]
pub struct Finding<'a> {
    id: u32,
    rule: &'static str,
    severity: &'static str,
    subject: Subject,
    /// Where several are alike: the first of them, `subject` included, and how many there are.
    subjects: Vec<Subject>,
    count: u64,
    /// What else it touches.
    concerns: Vec<Subject>,
    title: &'a str,
    detail: String,
    advice: String,
    confidence: &'static str,
    /// What the capture does not show.
    confidence_why: Option<&'a str>,
    evidence: Vec<Evidence<'a>>,
    evidence_not_kept: u64,
    /// Id of the finding that is its cause.
    explained_by: Option<u32>,
    source: &'static str,
}

#[derive(Debug, Serialize)]
struct Subject {
    kind: &'static str,
    id: u32,
}

#[derive(Debug, Serialize)]
struct Evidence<'a> {
    #[serde(flatten)]
    frame: Frame,
    /// What it shows.
    text: &'a str,
    /// When it was captured; null where only its number is known.
    time: Option<Time>,
}

fn evidence(e: &diagnose::Evidence) -> Evidence<'_> {
    Evidence { frame: e.frame.into(), text: &e.text, time: e.time.map(Time) }
}

fn subject(s: &diagnose::Subject) -> Subject {
    Subject { kind: s.kind(), id: s.id() }
}

/// The number of a finding by its place.
pub(in crate::output::json) fn id(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1)
}

pub(super) fn row<'a>(lists: &'a Lists<'a>, at: u32) -> Option<Finding<'a>> {
    let f = lists.diagnosis().findings.get(at as usize)?;
    Some(Finding {
        id: id(at as usize),
        rule: f.rule.id,
        severity: f.severity.name(),
        subject: subject(&f.subject()),
        subjects: f.subjects.iter().map(subject).collect(),
        count: f.count,
        concerns: f.concerns.iter().map(subject).collect(),
        title: &f.title,
        detail: f.detail.join(" "),
        advice: f.advice.join(" "),
        confidence: f.confidence.name(),
        confidence_why: f.confidence.why(),
        evidence: f.evidence.iter().map(evidence).collect(),
        evidence_not_kept: f.evidence_not_kept,
        explained_by: f.explained_by.map(id),
        source: f.rule.source,
    })
}
