//! Many captures, each looked at on its own: a row a capture, the worst first, and what they come to together.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::filter::Filter;
use super::lists::{ListKind, Lists};
use super::overview::verdict;
use super::show::{self, TimeMode};
use super::table::{Table, columns};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::{Analysis, CallIdx, CallState};
use crate::diagnose::{Rule, Severity};

/// A capture that was looked at.
#[derive(Debug, Clone)]
pub struct Examined {
    /// As it was given, or as it was found in a directory.
    pub path: String,
    /// Bytes of the file as stored, where it is one.
    pub size: Option<u64>,
    /// What is in it, or why it cannot be read.
    pub outcome: Result<Contents, String>,
}

/// What is in a capture. With a filter only what matches is counted, frames and bytes apart.
#[derive(Debug, Clone)]
pub struct Contents {
    pub frames: u64,
    /// Captured bytes of all frames.
    pub bytes: u64,
    pub first: Option<Nanos>,
    pub last: Option<Nanos>,
    pub calls: u64,
    /// Calls that were rejected, failed or not answered.
    pub calls_failed: u64,
    pub dialogs: u64,
    /// The findings of each severity.
    pub findings: BTreeMap<Severity, u64>,
    /// The first of the list of findings.
    pub worst: Option<Worst>,
    /// How many subjects each rule speaks of.
    pub rules: Vec<(&'static Rule, u64)>,
    /// Of the whole capture, in a sentence.
    pub verdict: String,
}

#[derive(Debug, Clone)]
pub struct Worst {
    pub rule: &'static Rule,
    pub severity: Severity,
    pub title: String,
    /// The first frame that shows it.
    pub frame: Option<FrameRef>,
}

impl Contents {
    /// None where a filter is given that nothing in it matches.
    pub fn of(analysis: &Analysis, filter: Option<&Filter>) -> Option<Self> {
        let lists = Lists::of(analysis);
        let diagnosis = lists.diagnosis();
        if let Some(filter) = filter {
            filter.know(diagnosis);
        }
        let calls = (0u32..).map(CallIdx).zip(&analysis.calls);
        let calls = calls.filter(|(c, _)| filter.is_none_or(|f| f.matches_call(analysis, *c)));
        let (mut n, mut failed) = (0, 0);
        for (_, call) in calls {
            n += 1;
            let state = call.summary.state;
            failed +=
                u64::from(matches!(state, CallState::Rejected | CallState::Failed | CallState::NoAnswer));
        }
        let dialogs = analysis.dialogs_shown();
        let dialogs =
            dialogs.filter(|(d, _)| filter.is_none_or(|f| f.matches_dialog(analysis, *d))).count() as u64;
        let rows = ListKind::Findings.matching(analysis, &lists, filter);
        let found = || rows.iter().filter_map(|row| diagnosis.findings.get(*row as usize));
        if filter.is_some() && n == 0 && dialogs == 0 && rows.is_empty() {
            return None;
        }
        let mut findings = BTreeMap::new();
        let mut rules: Vec<(&'static Rule, u64)> = Vec::new();
        for f in found() {
            *findings.entry(f.severity).or_default() += 1;
            match rules.iter_mut().find(|(rule, _)| rule.id == f.rule.id) {
                Some((_, count)) => *count += f.count,
                None => rules.push((f.rule, f.count)),
            }
        }
        let worst = found().next().map(|f| Worst {
            rule: f.rule,
            severity: f.severity,
            title: f.title.clone(),
            frame: f.evidence.first().map(|e| e.frame),
        });
        let captures = &analysis.captures;
        Some(Self {
            frames: captures.iter().map(|c| c.frames).sum(),
            bytes: captures.iter().map(|c| c.bytes).sum(),
            first: captures.iter().filter_map(|c| c.first).min(),
            last: captures.iter().filter_map(|c| c.last).max(),
            calls: n,
            calls_failed: failed,
            dialogs,
            findings,
            worst,
            rules,
            verdict: verdict(analysis, diagnosis),
        })
    }

    pub fn count(&self, severity: Severity) -> u64 {
        self.findings.get(&severity).copied().unwrap_or(0)
    }

    pub fn severity(&self) -> Option<Severity> {
        self.worst.as_ref().map(|w| w.severity)
    }
}

/// A rule over all captures.
#[derive(Debug, Clone)]
pub struct RuleTally {
    pub rule: &'static Rule,
    pub captures: u64,
    /// Calls, sessions and so on that it speaks of.
    pub count: u64,
    /// Place of the first capture with it.
    pub first: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub captures: u64,
    pub unreadable: u64,
    /// Captures with nothing that matches the filter: they are no rows.
    pub unmatched: u64,
    /// Captures whose worst finding is of this severity.
    pub with_errors: u64,
    pub with_warnings: u64,
    pub frames: u64,
    pub bytes: u64,
    pub calls: u64,
    pub calls_failed: u64,
    pub dialogs: u64,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Those that cannot be read, then the worst first.
    pub rows: Vec<Examined>,
    pub totals: Totals,
    /// The worst first, of these those that the most captures have.
    pub rules: Vec<RuleTally>,
}

impl Batch {
    /// `unmatched` captures hold nothing that matches the filter.
    pub fn of(mut rows: Vec<Examined>, unmatched: u64) -> Self {
        rows.sort_by_cached_key(|row| {
            let rank = match &row.outcome {
                Err(_) => (0, Reverse(0), Reverse(0)),
                Ok(c) => {
                    let severity = c.severity().map_or(4, |s| 3 - s as u8);
                    (severity, Reverse(c.count(Severity::Error)), Reverse(c.count(Severity::Warning)))
                }
            };
            (rank, row.path.clone())
        });
        let mut totals = Totals { captures: rows.len() as u64 + unmatched, unmatched, ..Totals::default() };
        let mut rules: BTreeMap<&'static str, RuleTally> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            let Ok(c) = &row.outcome else {
                totals.unreadable += 1;
                continue;
            };
            totals.with_errors += u64::from(c.severity() == Some(Severity::Error));
            totals.with_warnings += u64::from(c.severity() == Some(Severity::Warning));
            totals.frames += c.frames;
            totals.bytes += c.bytes;
            totals.calls += c.calls;
            totals.calls_failed += c.calls_failed;
            totals.dialogs += c.dialogs;
            for (rule, count) in &c.rules {
                let tally =
                    rules.entry(rule.id).or_insert(RuleTally { rule, captures: 0, count: 0, first: at });
                tally.captures += 1;
                tally.count += count;
            }
        }
        let mut rules: Vec<RuleTally> = rules.into_values().collect();
        rules.sort_by_key(|r| (Reverse(r.rule.severity), Reverse(r.captures), Reverse(r.count), r.rule.id));
        Self { rows, totals, rules }
    }

    /// `14 captures, 2.1 MB: 3 with errors, 1 with warnings, 9 without; 1 cannot be read`.
    pub fn sentence(&self) -> String {
        let t = &self.totals;
        let well = t.captures - t.unreadable - t.unmatched - t.with_errors - t.with_warnings;
        let mut parts = Vec::new();
        for (n, what) in [(t.with_errors, "with errors"), (t.with_warnings, "with warnings")] {
            if n > 0 {
                parts.push(format!("{} {what}", show::number(n)));
            }
        }
        if well > 0 {
            parts.push(format!("{} without", show::number(well)));
        }
        let mut out = format!(
            "{}, {}, {}",
            show::count(t.captures, "capture", "captures"),
            show::size(t.bytes),
            show::count(t.frames, "frame", "frames")
        );
        if !parts.is_empty() {
            out.push_str(&format!(": {}", parts.join(", ")));
        }
        if t.unmatched > 0 {
            let hold = if t.unmatched == 1 { "holds" } else { "hold" };
            out.push_str(&format!("; {} {hold} nothing that matches", show::number(t.unmatched)));
        }
        if t.unreadable > 0 {
            out.push_str(&format!("; {} cannot be read", show::number(t.unreadable)));
        }
        out
    }

    /// `1 204 calls, 31 of them failed; 96 other dialogs`.
    pub fn calls_sentence(&self) -> String {
        let t = &self.totals;
        let mut out = show::count(t.calls, "call", "calls");
        if t.calls_failed > 0 {
            out.push_str(&format!(", {} of them failed", show::number(t.calls_failed)));
        }
        if t.dialogs > 0 {
            out.push_str(&format!("; {}", show::count(t.dialogs, "other dialog", "other dialogs")));
        }
        out
    }

    /// The folder that all paths begin with, with its separator; empty where there is none, or one row only.
    pub fn folder(&self) -> &str {
        let Some(first) = self.rows.first().filter(|_| self.rows.len() > 1) else { return "" };
        let mut shared = first.path.as_str();
        for row in &self.rows {
            let same = shared.bytes().zip(row.path.bytes()).take_while(|(a, b)| a == b).count();
            let is_separator = |c: char| std::path::is_separator(c);
            let end = shared.char_indices().take_while(|(i, _)| *i < same).filter(|(_, c)| is_separator(*c));
            shared = end.last().and_then(|(i, c)| shared.get(..i + c.len_utf8())).unwrap_or("");
        }
        shared
    }

    /// A row a capture; paths without [`Batch::folder`] if `short`.
    pub fn captures(&self, time: TimeMode, short: bool) -> Table {
        let folder = if short { self.folder() } else { "" };
        let columns = columns(&[
            ("severity", ""),
            ("capture", "Capture"),
            ("start", "Start"),
            ("frames", "#Frames"),
            ("calls", "#Calls"),
            ("failed", "#Failed"),
            ("errors", "#Errors"),
            ("warnings", "#Warnings"),
            ("finding", "Worst finding"),
        ]);
        let rows = self.rows.iter().map(|row| {
            let path = show::safe_str(row.path.strip_prefix(folder).unwrap_or(&row.path));
            let c = match &row.outcome {
                Ok(c) => c,
                Err(why) => {
                    let mut cells = vec![String::new(); columns.len()];
                    let why = why.strip_prefix(&format!("{}: ", row.path)).unwrap_or(why);
                    for (cell, text) in [(0, "unreadable".to_owned()), (1, path), (8, show::safe_str(why))] {
                        if let Some(slot) = cells.get_mut(cell) {
                            *slot = text;
                        }
                    }
                    return cells;
                }
            };
            let severity = c.severity();
            let few = |n: u64| if n == 0 { String::new() } else { show::number(n) };
            vec![
                severity.map_or("", Severity::name).to_owned(),
                path,
                c.first.map(|t| show::date_time(t, time)).unwrap_or_default(),
                show::number(c.frames),
                few(c.calls),
                few(c.calls_failed),
                few(c.count(Severity::Error)),
                few(c.count(Severity::Warning)),
                c.worst.as_ref().map(|w| w.title.clone()).unwrap_or_default(),
            ]
        });
        Table { rows: rows.collect(), columns: columns.clone() }
    }

    /// A row a rule.
    pub fn rules(&self) -> Table {
        let columns = columns(&[
            ("severity", ""),
            ("rule", "Rule"),
            ("captures", "#Captures"),
            ("count", "#Times"),
            ("title", "What"),
            ("first", "First in"),
        ]);
        let folder = self.folder();
        let rows = self.rules.iter().map(|r| {
            let first = self.rows.get(r.first).map_or("", |row| row.path.as_str());
            vec![
                r.rule.severity.name().to_owned(),
                r.rule.id.to_owned(),
                show::number(r.captures),
                show::number(r.count),
                r.rule.title.to_owned(),
                show::safe_str(first.strip_prefix(folder).unwrap_or(first)),
            ]
        });
        Table { rows: rows.collect(), columns: columns.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose;

    fn row(path: &str, errors: u64, warnings: u64) -> Examined {
        let rule = if errors > 0 { &diagnose::ice::NO_PAIR } else { &diagnose::ice::UNFINISHED };
        let severity = if errors > 0 { Severity::Error } else { Severity::Warning };
        let some = errors + warnings > 0;
        let worst = some.then(|| Worst { rule, severity, title: "what".into(), frame: None });
        Examined {
            path: path.into(),
            size: None,
            outcome: Ok(Contents {
                frames: 10,
                bytes: 1_000,
                first: None,
                last: None,
                calls: 2,
                calls_failed: errors,
                dialogs: 1,
                findings: BTreeMap::from([(Severity::Error, errors), (Severity::Warning, warnings)]),
                worst,
                rules: if some { vec![(rule, errors.max(1))] } else { Vec::new() },
                verdict: String::new(),
            }),
        }
    }

    fn broken(path: &str) -> Examined {
        Examined { path: path.into(), size: None, outcome: Err(format!("{path}: the file is empty")) }
    }

    #[test]
    fn the_worst_come_first() {
        let rows = vec![
            row("a/well.pcap", 0, 0),
            row("a/warned.pcap", 0, 9),
            row("a/two.pcap", 2, 0),
            broken("a/broken.pcap"),
            row("a/b/one.pcap", 1, 3),
            row("a/also.pcap", 2, 0),
        ];
        let batch = Batch::of(rows, 2);
        let table = batch.captures(TimeMode::Utc, true);
        let told: Vec<String> = table.rows.iter().map(|r| format!("{} {} {}", r[0], r[1], r[8])).collect();
        assert_eq!(
            told,
            [
                "unreadable broken.pcap the file is empty",
                "error also.pcap what",
                "error two.pcap what",
                "error b/one.pcap what",
                "warning warned.pcap what",
                " well.pcap ",
            ]
        );
        assert_eq!(batch.folder(), "a/");
        assert_eq!(
            batch.sentence(),
            "8 captures, 5.0 kB, 50 frames: 3 with errors, 1 with warnings, 1 without; 2 hold nothing that matches; \
             1 cannot be read"
        );
        assert_eq!(batch.calls_sentence(), "10 calls, 5 of them failed; 5 other dialogs");
        let rules: Vec<String> = batch.rules().rows.iter().map(|r| r[1..4].join(" ")).collect();
        assert_eq!(rules, ["ice-no-pair 3 5", "ice-unfinished 1 1"]);
    }

    #[test]
    fn folders_end_at_a_separator() {
        let of =
            |paths: &[&str]| Batch::of(paths.iter().map(|p| row(p, 0, 0)).collect(), 0).folder().to_owned();
        assert_eq!(of(&["x/abc.pcap", "x/abd.pcap"]), "x/");
        assert_eq!(of(&["x/ä/1", "x/å/1"]), "x/");
        assert_eq!(of(&["/a", "/b"]), "/");
        assert_eq!(of(&["a", "b"]), "");
        assert_eq!(of(&["x/only.pcap"]), "");
    }
}
