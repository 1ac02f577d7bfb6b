//! A report for a ticket in Markdown: the verdict, findings with frames and advice, the calls, ladders of the worst ones,
//! then what else there is in a few rows.

use std::io::{self, Write};

use super::calls::{capital, has_arrows};
use super::plan::Plan;
use super::{ReportOptions, Scope};
use crate::correlate::{Analysis, Owner};
use crate::diagnose::{Finding, Severity, Subject, call_verdict};
use crate::output::summary::{self, SummaryOptions};
use crate::output::table::markdown_text;
use crate::view::ladder::{self, Ladder, LadderOptions};
use crate::view::lists::{Lists, severity_words};
use crate::view::overview::verdict;
use crate::view::{detail, show};

/// Findings told one by one, frames of each.
const FINDINGS: usize = 20;
const FRAMES: usize = 8;
/// Ladders of the worst calls, their rows and columns.
const LADDERS: usize = 3;
const LADDER_ROWS: usize = 60;
const LADDER_COLUMNS: usize = 120;

/// The report as Markdown.
pub fn markdown(
    out: &mut dyn Write,
    analysis: &Analysis,
    scope: &Scope<'_>,
    options: ReportOptions,
) -> io::Result<()> {
    let lists = Lists::of(analysis);
    let plan = Plan::new(analysis, &lists, scope);
    let diagnosis = lists.diagnosis();
    writeln!(out, "# {}\n", markdown_text(&verdict(analysis, diagnosis)))?;
    if !matches!(scope, Scope::All) {
        let (calls, dialogs) = (plan.calls.len() as u64, plan.dialogs.len() as u64);
        let calls = show::count(calls, "call", "calls");
        let dialogs = show::count(dialogs, "other dialog", "other dialogs");
        writeln!(out, "What follows is of {calls} and {dialogs} that were asked for.\n")?;
    }
    let summary_options = SummaryOptions { time: options.time, ..SummaryOptions::default() };
    summary::markdown_of_captures(out, analysis, summary_options)?;
    findings(out, analysis, &lists, &plan)?;
    summary::markdown_of_calls(out, analysis, &plan.calls, summary_options)?;
    ladders(out, analysis, &lists, &plan, options)?;
    summary::markdown_of_rest(out, analysis, &lists, (&plan.calls, &plan.dialogs))
}

fn findings(out: &mut dyn Write, analysis: &Analysis, lists: &Lists<'_>, plan: &Plan) -> io::Result<()> {
    let diagnosis = lists.diagnosis();
    writeln!(out, "\n## Findings\n")?;
    if plan.findings.is_empty() {
        writeln!(out, "No rule found anything wrong.")?;
    }
    for &at in plan.findings.iter().take(FINDINGS) {
        let Some(f) = diagnosis.findings.get(at) else { continue };
        let title = markdown_text(&f.title);
        writeln!(out, "- **{}** ({}, `{}`) {title}", severity_words(f.severity), at + 1, f.rule.id)?;
        for sentence in &f.detail {
            writeln!(out, "  - {}", markdown_text(sentence))?;
        }
        if let Some(cause) = f.explained_by {
            writeln!(out, "  - It came of finding {}.", cause + 1)?;
        }
        if !f.advice.is_empty() {
            writeln!(out, "  - **Check next:** {}", markdown_text(&f.advice.join(" ")))?;
        }
        if !f.evidence.is_empty() {
            writeln!(out, "  - Frames: {}", markdown_text(&frames(analysis, f)))?;
        }
    }
    let more = plan.findings.len().saturating_sub(FINDINGS);
    if more > 0 {
        let more = show::count(more as u64, "more finding", "more findings");
        writeln!(out, "\n… and {more} (`callscope findings` lists all)")?;
    }
    Ok(())
}

fn frames(analysis: &Analysis, f: &Finding) -> String {
    let all = f.evidence.iter().take(FRAMES);
    let words: Vec<String> =
        all.map(|e| format!("{} {}", detail::frame_name(analysis, e.frame), e.text)).collect();
    let more = f.evidence.len().saturating_sub(FRAMES) as u64 + f.evidence_not_kept;
    let more = if more > 0 { format!(" and {} more", show::number(more)) } else { String::new() };
    words.join(" · ") + &more
}

/// Of the calls with the worst findings.
fn ladders(
    out: &mut dyn Write,
    analysis: &Analysis,
    lists: &Lists<'_>,
    plan: &Plan,
    options: ReportOptions,
) -> io::Result<()> {
    let diagnosis = lists.diagnosis();
    let bad = |c: &&crate::correlate::CallIdx| diagnosis.worst_of(Subject::Call(**c)) > Some(Severity::Info);
    let mut calls: Vec<_> = plan.full_calls.iter().filter(bad).collect();
    calls.sort_by_key(|c| (std::cmp::Reverse(diagnosis.worst_of(Subject::Call(**c))), **c));
    let more = calls.len().saturating_sub(LADDERS);
    for call in calls.into_iter().take(LADDERS) {
        let owners = [Owner::Call(*call)];
        let mut drawn = ladder::build_with(analysis, lists, &owners, LadderOptions::default());
        if !has_arrows(&drawn) {
            continue;
        }
        let number = u64::from(call.0) + 1;
        let parties = markdown_text(&show::call_parties(analysis, *call));
        writeln!(out, "\n## Call {number}: {parties}\n")?;
        let words = capital(&call_verdict(analysis, diagnosis, *call));
        writeln!(out, "{}.\n", markdown_text(&words))?;
        let left_out = drawn.rows.len().saturating_sub(LADDER_ROWS);
        drawn.rows.truncate(LADDER_ROWS);
        block(out, &drawn, options)?;
        if left_out > 0 {
            writeln!(out, "\n… and {left_out} more rows (`callscope ladder --call {number}` draws all)")?;
        }
    }
    if more > 0 {
        let more = show::count(more as u64, "more call", "more calls");
        writeln!(out, "\n{more} with a warning or an error: `callscope ladder --call N` draws one.")?;
    }
    Ok(())
}

/// A ladder in a fence that none of its own text can end.
fn block(out: &mut dyn Write, drawn: &Ladder, options: ReportOptions) -> io::Result<()> {
    let mut text = Vec::new();
    crate::output::ladder::text(&mut text, drawn, LADDER_COLUMNS, options.flow_time, false, false)?;
    let text = String::from_utf8_lossy(&text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1).max(3));
    writeln!(out, "{fence}text\n{}\n{fence}", text.trim_end())
}
