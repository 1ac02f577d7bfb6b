//! What went wrong, where and why: a table of rules over the analysis, and what they find.
//!
//! ```text
//!  Analysis ─▶ Context ─▶ rule ─▶ rule ─▶ … ─▶ Findings ─▶ Diagnosis
//!              what several rules need,        alike ones   worst first, a cause
//!              worked out once                 are joined   before what came of it
//! ```
//! Rules stand in families, a file each, in the order in which they are asked: one that may be the cause of another's
//! finding comes before it. A rule passes over what is healthy by what the summaries say already and looks closer only at
//! suspects; what it says of them it says with the frames that prove it. Nothing is kept between two diagnoses.

use std::cmp::Reverse;

use crate::correlate::gathered::Gathered;
use crate::correlate::{Analysis, CallIdx, DialogIdx, Owner};

/// Rules that are told by one walk: the function that makes it, then each with its words.
macro_rules! rules {
    ($tell:path;
        $($(#[$doc:meta])* $name:ident $id:literal $severity:ident $title:literal, $help:literal, $advice:literal, $source:literal;)*) => {
        $($(#[$doc])* pub static $name: Rule = Rule {
            id: $id,
            severity: Severity::$severity,
            title: $title,
            help: $help,
            advice: $advice,
            source: $source,
            check: |context, out| $tell(context, out, &$name),
        };)*
    };
}

pub mod calls;
pub mod capture;
pub mod conference;
pub mod connect;
mod context;
pub mod control;
pub mod dialogs;
mod findings;
pub mod ice;
pub mod im;
pub mod media;
pub mod presence;
pub mod sign_in;
pub mod sql;
mod subject;
mod tally;
#[cfg(test)]
mod tests;
pub mod turn;
mod verdict;

pub use context::Context;
pub use control::Control;
pub use findings::{Draft, Evidence, FindingIdx, Findings};
pub use subject::Subject;
pub use tally::{Counted, Tally};
pub use verdict::{CallVerdict, call_verdict, verdict_of};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong with it.
    Info,
    /// It may be felt, or it keeps something from working that is not needed at once.
    Warning,
    /// A call, sign-in or connection failed of it.
    Error,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Info];

    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// `●`, `▲`, `·`.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Info => "·",
            Self::Warning => "▲",
            Self::Error => "●",
        }
    }
}

/// How sure it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confidence {
    High,
    /// The capture does not show all; what it lacks, in words that follow "confidence partial:".
    Partial(String),
}

impl Confidence {
    pub fn name(&self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Partial(_) => "partial",
        }
    }

    pub fn why(&self) -> Option<&str> {
        match self {
            Self::High => None,
            Self::Partial(why) => Some(why),
        }
    }
}

/// A row of the table. `explain`, the documents, help and the tests are made of it.
#[derive(Debug)]
pub struct Rule {
    /// Words joined by hyphens, the first naming the family.
    pub id: &'static str,
    /// The worst it is told with; a finding may be milder where nobody lacked anything.
    pub severity: Severity,
    /// In a few words.
    pub title: &'static str,
    /// How it is detected, and what it is not taken for.
    pub help: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// The specification, or how it is known.
    pub source: &'static str,
    pub check: fn(&Context<'_>, &mut Findings),
}

/// Rules about the same kind of thing.
#[derive(Debug)]
pub struct Family {
    pub title: &'static str,
    pub rules: &'static [&'static Rule],
}

/// All rules, those that may be causes before those that may come of them.
pub const FAMILIES: &[Family] = &[
    connect::FAMILY,
    sign_in::FAMILY,
    sql::FAMILY,
    turn::FAMILY,
    ice::FAMILY,
    calls::FAMILY,
    media::FAMILY,
    conference::FAMILY,
    presence::FAMILY,
    dialogs::FAMILY,
    im::FAMILY,
    control::FAMILY,
    capture::FAMILY,
];

/// Every rule.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|f| f.rules).copied()
}

pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|r| r.id == id)
}

/// Something that is or went wrong.
#[derive(Debug, Clone)]
pub struct Finding {
    pub rule: &'static Rule,
    pub severity: Severity,
    /// What it is about, in order, the first that were met: more than one where several are alike.
    pub subjects: Vec<Subject>,
    /// How many there are of these.
    pub count: u64,
    /// What else it touches: the calls that lacked a relay.
    pub concerns: Vec<Subject>,
    /// A sentence without its full stop: whom it concerns and what it is.
    pub title: String,
    /// The same without whom it concerns.
    pub what: String,
    /// The same in a few words, as they stand behind what came of it: `ICE found no path`.
    pub brief: String,
    /// Sentences: what the frames show.
    pub detail: Vec<String>,
    /// Sentences: what to look at next.
    pub advice: Vec<String>,
    pub confidence: Confidence,
    /// In order of the frames.
    pub evidence: Vec<Evidence>,
    /// More of it than is kept.
    pub evidence_not_kept: u64,
    /// The finding that is its cause: its place in [`Diagnosis::findings`].
    pub explained_by: Option<usize>,
}

impl Finding {
    /// What it is about: the first.
    pub fn subject(&self) -> Subject {
        self.subjects.first().copied().unwrap_or(Subject::Capture(0))
    }

    /// The calls and dialogs whose ladder shows it.
    pub fn owners(&self) -> Vec<Owner> {
        let of = |list: &[Subject]| list.iter().filter_map(|s| s.owner()).collect::<Vec<Owner>>();
        let own = of(&self.subjects);
        if own.is_empty() { of(&self.concerns) } else { own }
    }
}

/// All findings.
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// The worst first; a cause before what came of it.
    pub findings: Vec<Finding>,
    /// Findings of other kinds beyond [`crate::limits::Limits::findings`].
    pub not_kept: u64,
    /// Which finding touches what, sorted.
    touched: Vec<(Subject, u32)>,
    /// The calls that did not come about, in order, with the rule that says why.
    outcomes: Vec<calls::Trouble>,
    /// How much there was to look at.
    pub tally: Tally,
}

impl Diagnosis {
    /// Places of the findings that touch something, the worst first.
    pub fn of(&self, subject: Subject) -> impl Iterator<Item = usize> + '_ {
        let start = self.touched.partition_point(|t| t.0 < subject);
        let rest = self.touched.get(start..).unwrap_or_default();
        rest.iter().take_while(move |t| t.0 == subject).map(|t| t.1 as usize)
    }

    pub fn of_call(&self, call: CallIdx) -> impl Iterator<Item = &Finding> + '_ {
        self.of(Subject::Call(call)).filter_map(|i| self.findings.get(i))
    }

    pub fn of_dialog(&self, dialog: DialogIdx) -> impl Iterator<Item = &Finding> + '_ {
        self.of(Subject::Dialog(dialog)).filter_map(|i| self.findings.get(i))
    }

    /// The worst that touches something.
    pub fn worst_of(&self, subject: Subject) -> Option<Severity> {
        self.of(subject).filter_map(|i| self.findings.get(i)).map(|f| f.severity).max()
    }

    /// Why a call did not come about; none for one that did.
    pub fn outcome_of(&self, call: CallIdx) -> Option<&'static Rule> {
        let at = self.outcomes.binary_search_by_key(&call, |o| o.0).ok()?;
        self.outcomes.get(at).map(|o| o.1)
    }

    pub fn worst(&self) -> Option<Severity> {
        self.findings.first().map(|f| f.severity)
    }

    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }

    /// Those that no other one explains, of at least this severity.
    pub fn roots(&self, least: Severity) -> impl Iterator<Item = (usize, &Finding)> + '_ {
        let all = self.findings.iter().enumerate();
        all.filter(move |(_, f)| f.explained_by.is_none() && f.severity >= least)
    }

    /// What was felt of a finding: the end of what came of it, in a call where there is one, and of media before all else.
    pub fn felt_of(&self, of: usize) -> Option<(usize, &Finding)> {
        let rank = |f: &Finding| (matches!(f.subject(), Subject::Call(_)), f.rule.id.starts_with("media-"));
        let mut at = of;
        let mut felt = None;
        // Causes stand before what came of them.
        while let Some((next, f)) = self
            .consequences(at)
            .filter(|(i, _)| *i > at)
            .reduce(|a, b| if rank(b.1) > rank(a.1) { b } else { a })
        {
            (at, felt) = (next, Some((next, f)));
        }
        felt
    }

    /// The causes of a finding, the nearest one first.
    pub fn causes_of(&self, at: usize) -> impl Iterator<Item = &Finding> + '_ {
        // Each stands before what came of it.
        let up = |at: usize| self.findings.get(at)?.explained_by.filter(|up| *up < at);
        std::iter::successors(up(at), move |at| up(*at)).filter_map(|at| self.findings.get(at))
    }

    /// What a finding led to.
    pub fn consequences(&self, of: usize) -> impl Iterator<Item = (usize, &Finding)> + '_ {
        self.findings.iter().enumerate().filter(move |(_, f)| f.explained_by == Some(of))
    }
}

/// Asks every rule.
pub fn diagnose(analysis: &Analysis) -> Diagnosis {
    ask(&Context::new(analysis))
}

/// The same with the lists of that analysis, of which only those that some rule needs are worked out.
pub fn diagnose_with(analysis: &Analysis, gathered: &Gathered<'_>) -> Diagnosis {
    ask(&Context::with(analysis, gathered.clone()))
}

fn ask(context: &Context<'_>) -> Diagnosis {
    let limits = &context.analysis.limits;
    let mut findings = Findings::new(limits.findings, limits.finding_evidence);
    for rule in rules() {
        (rule.check)(context, &mut findings);
    }
    let tally = Tally::of(context, &findings);
    Diagnosis { tally, ..findings.finish(context.troubles().to_vec()) }
}

/// The order of rules, for findings that are equally bad.
fn place_of(rule: &Rule) -> usize {
    rules().position(|r| r.id == rule.id).unwrap_or(usize::MAX)
}

/// Sorts findings: the worst first, then those of the most subjects with what came of them, then by rule.
fn order(findings: &[Finding]) -> Vec<usize> {
    let root = |mut at: usize| {
        let mut depth = 0usize;
        while let Some(up) = findings.get(at).and_then(|f| f.explained_by).filter(|_| depth < findings.len())
        {
            at = up;
            depth += 1;
        }
        (at, depth)
    };
    let mut keyed: Vec<_> = (0..findings.len())
        .filter_map(|i| {
            let f = findings.get(i)?;
            let (top, depth) = root(i);
            let of = findings.get(top)?;
            let first = of.evidence.first().map(|e| e.frame);
            Some(((Reverse(f.severity), place_of(of.rule), Reverse(of.count), first, top, depth), i))
        })
        .collect();
    keyed.sort();
    keyed.into_iter().map(|(_, i)| i).collect()
}
