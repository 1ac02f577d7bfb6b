//! The table of rules as text, as a document, as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::table::markdown_text;
use super::text::{sgr, to_ascii};
use crate::diagnose::{FAMILIES, Rule, Severity};

/// Columns that sentences are wrapped to.
const WIDTH: usize = 100;

fn color_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => sgr::RED,
        Severity::Warning => sgr::YELLOW,
        Severity::Info => sgr::DIM,
    }
}

/// One rule.
pub fn text(out: &mut dyn Write, rule: &Rule, color: bool, ascii: bool) -> io::Result<()> {
    let shown = |text: &str| if ascii { to_ascii(text) } else { text.to_owned() };
    let (bold, tint, reset) =
        if color { (sgr::BOLD, color_of(rule.severity), sgr::RESET) } else { ("", "", "") };
    let sign = shown(rule.severity.sign());
    writeln!(out, "{tint}{sign} {}{reset}  {bold}{}{reset}", rule.severity.name(), rule.id)?;
    writeln!(out, "{}", shown(rule.title))?;
    for (label, words) in
        [("How it is detected", rule.help), ("What to do", rule.advice), ("Source", rule.source)]
    {
        writeln!(out, "\n{bold}{label}{reset}")?;
        for line in wrapped(words) {
            writeln!(out, "  {}", shown(&line))?;
        }
    }
    Ok(())
}

/// All rules, a line each.
pub fn list(out: &mut dyn Write, color: bool, ascii: bool) -> io::Result<()> {
    let shown = |text: &str| if ascii { to_ascii(text) } else { text.to_owned() };
    let longest = crate::diagnose::rules().map(|r| r.id.len()).max().unwrap_or(0);
    for (i, family) in FAMILIES.iter().enumerate() {
        let (bold, reset) = if color { (sgr::BOLD, sgr::RESET) } else { ("", "") };
        writeln!(out, "{}{bold}{}{reset}", if i > 0 { "\n" } else { "" }, family.title)?;
        for rule in family.rules {
            let (tint, reset) = if color { (color_of(rule.severity), sgr::RESET) } else { ("", "") };
            let head = format!("{} {}", shown(rule.severity.sign()), rule.severity.name());
            writeln!(out, "  {tint}{head:9}{reset}  {:longest$}  {}", rule.id, shown(rule.title))?;
        }
    }
    Ok(())
}

/// One rule for a ticket.
pub fn markdown(out: &mut dyn Write, rule: &Rule) -> io::Result<()> {
    writeln!(out, "### `{}`\n", rule.id)?;
    writeln!(out, "**{}**: {}.\n", rule.severity.name(), markdown_text(rule.title))?;
    writeln!(out, "{}\n", markdown_text(rule.help))?;
    writeln!(out, "*What to do*: {}\n", markdown_text(rule.advice))?;
    writeln!(out, "*Source*: {}", markdown_text(rule.source))
}

/// The document of all rules, `docs/findings.md`.
pub fn document(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "# Findings\n\n\
         What callscope looks for, how, and what to do about it. This page is printed from the table of rules\n\
         (`callscope explain --format markdown`); `callscope explain RULE` prints a single one.\n\n\
         A finding is an **error** where a call, sign-in or connection failed of it, a **warning** where it may be felt, an\n\
         **info** where it is only worth knowing. No rule fires without frames that prove it; where the capture does not show\n\
         all, the finding says what is lacking (confidence partial)."
    )?;
    for family in FAMILIES {
        writeln!(out, "\n## {}\n", family.title)?;
        writeln!(out, "| Rule | Severity | What |\n|---|---|---|")?;
        for rule in family.rules {
            writeln!(
                out,
                "| [`{0}`](#{0}) | {1} | {2} |",
                rule.id,
                rule.severity.name(),
                markdown_text(rule.title)
            )?;
        }
        for rule in family.rules {
            writeln!(out)?;
            markdown(out, rule)?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Row {
    rule: &'static str,
    family: &'static str,
    severity: &'static str,
    title: &'static str,
    help: &'static str,
    advice: &'static str,
    source: &'static str,
}

/// An array of rules, or one of them.
pub fn json(out: &mut dyn Write, only: Option<&Rule>) -> io::Result<()> {
    let mut rows = Vec::new();
    for family in FAMILIES {
        for r in family.rules.iter().filter(|r| only.is_none_or(|o| o.id == r.id)) {
            rows.push(Row {
                rule: r.id,
                family: family.title,
                severity: r.severity.name(),
                title: r.title,
                help: r.help,
                advice: r.advice,
                source: r.source,
            });
        }
    }
    super::json::document(out, &rows, true)
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
