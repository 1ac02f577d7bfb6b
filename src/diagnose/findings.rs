//! Where rules put what they find: alike ones are joined as they come, and all that could grow has its cap.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use super::calls::Trouble;
use super::{Confidence, Diagnosis, Finding, Rule, Severity, Subject, Tally, order, subject};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::media::Stream;
use crate::correlate::stun::StunIdx;
use crate::correlate::{Analysis, MsgIdx};
use crate::show;

/// Subjects of one finding that are named, and looked at closer.
const NAMED: usize = 16;
/// Others that one finding touches and that are named.
const CONCERNED: usize = 64;

/// A frame and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub frame: FrameRef,
    /// In a few words: `401 Unauthorized`.
    pub text: String,
    /// The SIP message in it.
    pub message: Option<MsgIdx>,
    /// When it was captured, where that is known.
    pub time: Option<Nanos>,
}

/// A finding while it is made, in the order it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FindingIdx(u32);

/// What a rule says of one subject.
#[derive(Debug, Default)]
pub struct Draft {
    /// Whom it is about, where there is only one: `Call 3, Alice → Bob`.
    who: String,
    what: String,
    of_many: String,
    brief: String,
    detail: Vec<String>,
    advice: Vec<String>,
    partial: Option<String>,
    evidence: Vec<Evidence>,
    concerns: Vec<Subject>,
    because: Option<FindingIdx>,
    severity: Option<Severity>,
}

impl Draft {
    /// What happened, in words that follow `Call 3:`.
    pub fn what(&mut self, what: impl Into<String>) -> &mut Self {
        self.what = what.into();
        self
    }

    /// The same without the names of one subject, should there be several.
    pub fn of_many(&mut self, what: impl Into<String>) -> &mut Self {
        self.of_many = what.into();
        self
    }

    /// The same in a few words, as a cause: `ICE found no path`; else what happened stands there.
    pub fn brief(&mut self, brief: impl Into<String>) -> &mut Self {
        self.brief = brief.into();
        self
    }

    /// What to call the subject, should it be the only one.
    pub fn who(&mut self, who: impl Into<String>) -> &mut Self {
        self.who = who.into();
        self
    }

    /// A sentence of what the frames show.
    pub fn say(&mut self, sentence: impl Into<String>) -> &mut Self {
        self.detail.push(sentence.into());
        self
    }

    pub fn say_all(&mut self, sentences: impl IntoIterator<Item = String>) -> &mut Self {
        self.detail.extend(sentences);
        self
    }

    /// A sentence of what to look at next; without one the rule's own is told.
    pub fn advise(&mut self, sentence: impl Into<String>) -> &mut Self {
        self.advice.push(sentence.into());
        self
    }

    /// What keeps it from being sure.
    pub fn partial(&mut self, why: impl Into<String>) -> &mut Self {
        self.partial.get_or_insert(why.into());
        self
    }

    pub fn show(&mut self, frame: FrameRef, text: impl Into<String>) -> &mut Self {
        self.evidence.push(Evidence { frame, text: text.into(), message: None, time: None });
        self
    }

    /// A packet of a stream.
    pub fn show_packet(&mut self, of: &Stream, frame: FrameRef, text: impl Into<String>) -> &mut Self {
        self.evidence.push(Evidence { frame, text: text.into(), message: None, time: of.time_of(frame) });
        self
    }

    /// The same of which it is known when it was.
    pub fn show_at(&mut self, frame: FrameRef, time: Nanos, text: impl Into<String>) -> &mut Self {
        self.evidence.push(Evidence { frame, text: text.into(), message: None, time: Some(time) });
        self
    }

    /// A SIP message by its method or status.
    pub fn show_message(&mut self, analysis: &Analysis, m: MsgIdx) -> &mut Self {
        let text = message_words(analysis, m);
        self.show_message_as(analysis, m, text)
    }

    pub fn show_message_as(&mut self, analysis: &Analysis, m: MsgIdx, text: impl Into<String>) -> &mut Self {
        let r = analysis.message(m);
        let (frame, time) = (r.frame, Some(r.time));
        self.evidence.push(Evidence { frame, text: text.into(), message: Some(m), time });
        self
    }

    pub fn show_stun(&mut self, analysis: &Analysis, i: StunIdx, text: impl Into<String>) -> &mut Self {
        if let Some(record) = analysis.stun.record(i) {
            self.show_at(record.frame(), record.time, text);
        }
        self
    }

    /// What else it touches.
    pub fn concern(&mut self, subject: Subject) -> &mut Self {
        self.concerns.push(subject);
        self
    }

    /// It came of that.
    pub fn because(&mut self, cause: Option<FindingIdx>) -> &mut Self {
        self.because = self.because.or(cause);
        self
    }

    /// Milder than the rule's.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = Some(severity);
        self
    }
}

/// `INVITE`, `486 Busy Here`.
pub fn message_words(analysis: &Analysis, m: MsgIdx) -> String {
    let r = analysis.message(m);
    if r.is_request() {
        return show::shorten(&show::safe(analysis.method(r.method).as_bytes()), 24);
    }
    let phrase = show::shorten(&show::safe(analysis.strings.bytes(r.reason)), 40);
    let phrase = if phrase.is_empty() { show::reason_phrase(r.status).to_owned() } else { phrase };
    format!("{} {phrase}", r.status).trim_end().to_owned()
}

/// Findings as they come.
#[derive(Debug)]
pub struct Findings {
    list: Vec<Making>,
    by_likeness: HashMap<u64, FindingIdx, foldhash::fast::RandomState>,
    /// Which finding touches what, each with the place of the one before about the same subject.
    touched: Vec<(Subject, FindingIdx, u32)>,
    /// The place of the latest about a subject.
    latest: HashMap<Subject, u32, foldhash::fast::RandomState>,
    most: usize,
    most_evidence: usize,
    not_kept: u64,
}

#[derive(Debug)]
struct Making {
    finding: Finding,
    who: String,
    of_many: String,
    because: Option<FindingIdx>,
}

impl Findings {
    pub fn new(most: usize, most_evidence: usize) -> Self {
        Self {
            list: Vec::new(),
            by_likeness: HashMap::default(),
            touched: Vec::new(),
            latest: HashMap::default(),
            most,
            most_evidence,
            not_kept: 0,
        }
    }

    /// Adds a finding of one subject. What `rule` finds with the same `likeness` is one finding of several subjects; only
    /// of the first of these `make` is asked what there is to say.
    pub fn add(
        &mut self,
        rule: &'static Rule,
        subject: Subject,
        likeness: impl Hash,
        make: impl FnOnce(&mut Draft),
    ) -> Option<FindingIdx> {
        let key = self.by_likeness.hasher().hash_one((rule.id, likeness));
        if let Some(&known) = self.by_likeness.get(&key) {
            self.join(known, subject, make);
            return Some(known);
        }
        if self.list.len() >= self.most {
            self.not_kept += 1;
            return None;
        }
        let at = FindingIdx(u32::try_from(self.list.len()).ok()?);
        self.by_likeness.insert(key, at);
        let mut draft = Draft::default();
        make(&mut draft);
        let Draft {
            who,
            what,
            of_many,
            brief,
            detail,
            advice,
            partial,
            evidence,
            concerns,
            because,
            severity,
        } = draft;
        let advice = if advice.is_empty() { vec![rule.advice.to_owned()] } else { advice };
        self.list.push(Making {
            finding: Finding {
                rule,
                severity: severity.unwrap_or(rule.severity),
                subjects: vec![subject],
                count: 1,
                concerns: Vec::new(),
                title: String::new(),
                what,
                brief,
                detail,
                advice,
                confidence: partial.map_or(Confidence::High, Confidence::Partial),
                evidence: Vec::new(),
                evidence_not_kept: 0,
                explained_by: None,
            },
            who,
            of_many,
            because,
        });
        self.touch(subject, at);
        self.take(at, evidence, concerns);
        Some(at)
    }

    /// One more subject of a finding.
    fn join(&mut self, at: FindingIdx, subject: Subject, make: impl FnOnce(&mut Draft)) {
        let Some(known) = self.list.get_mut(at.0 as usize) else { return };
        let finding = &mut known.finding;
        if finding.subjects.contains(&subject) {
            return;
        }
        finding.count += 1;
        let named = finding.subjects.len() < NAMED;
        if named {
            finding.subjects.push(subject);
        }
        self.touch(subject, at);
        if !named {
            return;
        }
        let mut draft = Draft::default();
        make(&mut draft);
        if let Some(known) = self.list.get_mut(at.0 as usize) {
            let severity = draft.severity.unwrap_or(known.finding.rule.severity);
            known.finding.severity = known.finding.severity.max(severity);
        }
        self.take(at, draft.evidence, draft.concerns);
    }

    fn take(&mut self, at: FindingIdx, evidence: Vec<Evidence>, concerns: Vec<Subject>) {
        let most = self.most_evidence;
        let Some(known) = self.list.get_mut(at.0 as usize) else { return };
        for e in evidence {
            if known.finding.evidence.iter().any(|other| other.frame == e.frame) {
                continue;
            }
            match known.finding.evidence.len() < most {
                true => known.finding.evidence.push(e),
                false => known.finding.evidence_not_kept += 1,
            }
        }
        for subject in concerns {
            self.concern(at, subject);
        }
    }

    /// What else a finding touches, as a later rule learns.
    pub fn concern(&mut self, at: FindingIdx, subject: Subject) {
        let Some(known) = self.list.get_mut(at.0 as usize) else { return };
        let Finding { subjects, concerns, .. } = &mut known.finding;
        if subjects.contains(&subject) || concerns.contains(&subject) {
            return;
        }
        if concerns.len() < CONCERNED {
            concerns.push(subject);
        }
        self.touch(subject, at);
    }

    fn touch(&mut self, subject: Subject, at: FindingIdx) {
        let Ok(place) = u32::try_from(self.touched.len()) else { return };
        let before = self.latest.insert(subject, place).unwrap_or(u32::MAX);
        self.touched.push((subject, at, before));
    }

    /// The findings so far that touch something, the latest first.
    pub fn of(&self, subject: Subject) -> impl Iterator<Item = FindingIdx> + '_ {
        let mut next = self.latest.get(&subject).copied().unwrap_or(u32::MAX);
        std::iter::from_fn(move || {
            let (_, at, before) = self.touched.get(next as usize)?;
            next = *before;
            Some(*at)
        })
    }

    /// A later rule learns how much came of a finding.
    pub fn raise(&mut self, at: FindingIdx, severity: Severity) {
        if let Some(known) = self.list.get_mut(at.0 as usize) {
            known.finding.severity = known.finding.severity.max(severity);
        }
    }

    /// The first finding so far that touches something and fits.
    pub fn find(&self, subject: Subject, fits: impl Fn(&'static Rule) -> bool) -> Option<FindingIdx> {
        let fitting = |at: &FindingIdx| self.list.get(at.0 as usize).is_some_and(|k| fits(k.finding.rule));
        self.of(subject).filter(fitting).last()
    }

    /// The worst so far of those that touch something and fit.
    pub fn worst(&self, subject: Subject, fits: impl Fn(&'static Rule) -> bool) -> Option<Severity> {
        let all = self.of(subject).filter_map(|at| self.list.get(at.0 as usize)).map(|k| &k.finding);
        all.filter(|f| fits(f.rule)).map(|f| f.severity).max()
    }

    /// Its severity so far.
    pub fn severity_of(&self, at: FindingIdx) -> Option<Severity> {
        self.list.get(at.0 as usize).map(|k| k.finding.severity)
    }

    /// Titles, order, and a cause as bad as what came of it.
    pub fn finish(self, outcomes: Vec<Trouble>) -> Diagnosis {
        let Self { list, touched, not_kept, .. } = self;
        let mut findings: Vec<Finding> = Vec::with_capacity(list.len());
        for made in list {
            let Making { mut finding, who, of_many, because } = made;
            if finding.count > 1 && !of_many.is_empty() {
                finding.what = of_many;
            }
            if finding.brief.is_empty() {
                finding.brief.clone_from(&finding.what);
            }
            let subject = match (finding.count, who.is_empty()) {
                (1, false) => who,
                _ => subject::list_words(&finding.subjects, finding.count),
            };
            finding.title = match finding.what.as_str() {
                "" => subject,
                what => format!("{subject}: {what}"),
            };
            finding.explained_by = because.map(|b| b.0 as usize);
            finding.evidence.sort_by_key(|e| e.frame);
            findings.push(finding);
        }
        // Causes come before what came of them, so that one walk from the end suffices.
        for at in (0..findings.len()).rev() {
            let Some((up, severity)) = findings.get(at).and_then(|f| Some((f.explained_by?, f.severity)))
            else {
                continue;
            };
            match findings.get_mut(up) {
                Some(cause) if up < at => cause.severity = cause.severity.max(severity),
                _ => findings.iter_mut().skip(at).take(1).for_each(|f| f.explained_by = None),
            }
        }
        let order = order(&findings);
        let mut places = vec![0usize; findings.len()];
        for (to, &from) in order.iter().enumerate() {
            if let Some(place) = places.get_mut(from) {
                *place = to;
            }
        }
        let moved = |old: usize| places.get(old).copied().unwrap_or(old);
        let mut slots: Vec<Option<Finding>> = findings.into_iter().map(Some).collect();
        let findings: Vec<Finding> = order
            .iter()
            .filter_map(|&from| slots.get_mut(from)?.take())
            .map(|f| Finding { explained_by: f.explained_by.map(moved), ..f })
            .collect();
        let mut touched: Vec<(Subject, u32)> =
            touched.into_iter().map(|(s, at, _)| (s, moved(at.0 as usize) as u32)).collect();
        touched.sort_unstable();
        touched.dedup();
        Diagnosis { findings, not_kept, touched, outcomes, tally: Tally::default() }
    }
}
