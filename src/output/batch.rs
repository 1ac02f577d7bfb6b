//! Many captures as text, CSV, Markdown and JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{self, Frame, SCHEMA, Time};
use super::narrow::{self, Fit};
use super::summary::SummaryOptions;
use super::table;
use crate::diagnose::Severity;
use crate::view::batch::{Batch, Examined};
use crate::view::table::Table;

/// The sentence, the table of captures, and the table of rules; made to fit `columns`, where a terminal has so many.
pub fn text(
    out: &mut dyn Write,
    batch: &Batch,
    options: SummaryOptions,
    columns: Option<usize>,
) -> io::Result<()> {
    let fitted = |table: Table, drop: &[&str], path: &str, sentence: &str| match columns {
        Some(columns) => narrow::fitted(&table, &Fit { columns, drop, path, sentence }),
        None => table,
    };
    let shown = |text: &str| {
        let clean = table::clean(text);
        if options.ascii { super::text::to_ascii(&clean) } else { clean.into_owned() }
    };
    writeln!(out, "{}", shown(&batch.sentence()))?;
    writeln!(out, "{}", shown(&batch.calls_sentence()))?;
    if !batch.folder().is_empty() {
        writeln!(out, "In {}", shown(&crate::view::show::safe_str(batch.folder())))?;
    }
    writeln!(out)?;
    let drop = ["start", "frames", "warnings", "errors", "calls", "failed"];
    let captures = fitted(batch.captures(options.time, true), &drop, "capture", "finding");
    table::text_with(out, &captures, options.color, options.ascii)?;
    if !batch.rules.is_empty() {
        writeln!(out)?;
        let rules = fitted(batch.rules(), &["count", "rule"], "first", "title");
        table::text_with(out, &rules, options.color, options.ascii)?;
    }
    Ok(())
}

pub fn markdown(out: &mut dyn Write, batch: &Batch, options: SummaryOptions) -> io::Result<()> {
    writeln!(out, "# {}\n", table::markdown_text(&batch.sentence()))?;
    writeln!(out, "{}\n", table::markdown_text(&batch.calls_sentence()))?;
    if !batch.folder().is_empty() {
        writeln!(out, "In {}\n", table::markdown_text(&crate::view::show::safe_str(batch.folder())))?;
    }
    table::markdown(out, &batch.captures(options.time, true))?;
    if !batch.rules.is_empty() {
        writeln!(out)?;
        table::markdown(out, &batch.rules())?;
    }
    Ok(())
}

/// The table of captures, with whole paths.
pub fn csv(out: &mut dyn Write, batch: &Batch, options: SummaryOptions) -> io::Result<()> {
    table::csv(out, &batch.captures(options.time, false))
}

#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    captures: Vec<Capture<'a>>,
    totals: Totals,
    rules: Vec<Rule<'a>>,
}

#[derive(Debug, Serialize)]
struct Capture<'a> {
    path: &'a str,
    size: Option<u64>,
    /// Why it cannot be read; everything else is null or 0 then.
    error: Option<&'a str>,
    frames: u64,
    bytes: u64,
    first: Option<Time>,
    last: Option<Time>,
    calls: u64,
    calls_failed: u64,
    dialogs: u64,
    findings: Findings,
    worst: Option<Worst<'a>>,
    verdict: Option<&'a str>,
}

#[derive(Debug, Default, Serialize)]
struct Findings {
    error: u64,
    warning: u64,
    info: u64,
}

#[derive(Debug, Serialize)]
struct Worst<'a> {
    rule: &'static str,
    severity: &'static str,
    title: &'a str,
    frame: Option<Frame>,
}

#[derive(Debug, Serialize)]
struct Totals {
    captures: u64,
    unreadable: u64,
    unmatched: u64,
    with_errors: u64,
    with_warnings: u64,
    frames: u64,
    bytes: u64,
    calls: u64,
    calls_failed: u64,
    dialogs: u64,
}

#[derive(Debug, Serialize)]
struct Rule<'a> {
    rule: &'static str,
    severity: &'static str,
    title: &'static str,
    captures: u64,
    count: u64,
    first: &'a str,
}

fn capture(row: &Examined) -> Capture<'_> {
    let c = row.outcome.as_ref().ok();
    Capture {
        path: &row.path,
        size: row.size,
        error: row.outcome.as_ref().err().map(String::as_str),
        frames: c.map_or(0, |c| c.frames),
        bytes: c.map_or(0, |c| c.bytes),
        first: c.and_then(|c| c.first).map(Time),
        last: c.and_then(|c| c.last).map(Time),
        calls: c.map_or(0, |c| c.calls),
        calls_failed: c.map_or(0, |c| c.calls_failed),
        dialogs: c.map_or(0, |c| c.dialogs),
        findings: c.map_or_else(Findings::default, |c| Findings {
            error: c.count(Severity::Error),
            warning: c.count(Severity::Warning),
            info: c.count(Severity::Info),
        }),
        worst: c.and_then(|c| c.worst.as_ref()).map(|w| Worst {
            rule: w.rule.id,
            severity: w.severity.name(),
            title: &w.title,
            frame: w.frame.map(Frame::from),
        }),
        verdict: c.map(|c| c.verdict.as_str()),
    }
}

/// `{"schema": …, "captures": […], "totals": {…}, "rules": […]}`.
pub fn json(out: &mut dyn Write, batch: &Batch, pretty: bool) -> io::Result<()> {
    let t = batch.totals;
    let first = |at: usize| batch.rows.get(at).map_or("", |row| row.path.as_str());
    let document = Document {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        captures: batch.rows.iter().map(capture).collect(),
        totals: Totals {
            captures: t.captures,
            unreadable: t.unreadable,
            unmatched: t.unmatched,
            with_errors: t.with_errors,
            with_warnings: t.with_warnings,
            frames: t.frames,
            bytes: t.bytes,
            calls: t.calls,
            calls_failed: t.calls_failed,
            dialogs: t.dialogs,
        },
        rules: batch
            .rules
            .iter()
            .map(|r| Rule {
                rule: r.rule.id,
                severity: r.rule.severity.name(),
                title: r.rule.title,
                captures: r.captures,
                count: r.count,
                first: first(r.first),
            })
            .collect(),
    };
    json::document(out, &document, pretty)
}

/// One line a capture.
pub fn lines(out: &mut dyn Write, batch: &Batch) -> io::Result<()> {
    batch.rows.iter().try_for_each(|row| json::document(out, &capture(row), false))
}
