//! What is in the captures and what is wrong, for a person: text, and the blocks of a Markdown report.

mod captures;
mod ice;
mod media;

use std::collections::BTreeMap;
use std::io::{self, Write};

pub(super) use captures::capture_table;
pub use captures::captures;

use super::table::{self, markdown_text};
use super::text::{sgr, to_ascii};
use crate::correlate::{Analysis, CallIdx, CallState, DialogIdx, DialogState, MethodId, Str, TlsSession};
use crate::view::lists::Lists;
use crate::view::overview::{self, Overview};
use crate::view::rows::{self, Query};
use crate::view::show::{self, TimeMode};
use crate::view::table::{Table, columns};

/// How the summary is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct SummaryOptions {
    pub time: TimeMode,
    pub color: bool,
    pub ascii: bool,
}

/// Calls shown one by one.
const CALLS: usize = 20;
/// Remarks, TLS sessions and captures shown one by one.
const ROWS: usize = 30;
/// Slices of the activity lines.
const SLICES: usize = 32;

enum Block {
    Heading(String),
    Line(String),
    /// Severity word and text.
    Remark(&'static str, String),
    Table(Table),
}

/// Text for a terminal.
pub fn text(
    out: &mut dyn Write,
    analysis: &Analysis,
    calls: &[CallIdx],
    dialogs: &[DialogIdx],
    options: SummaryOptions,
) -> io::Result<()> {
    let shown = |text: &str| if options.ascii { to_ascii(text) } else { text.to_owned() };
    let (bold, reset) = if options.color { (sgr::BOLD, sgr::RESET) } else { ("", "") };
    for (i, block) in blocks(analysis, calls, dialogs, options).iter().enumerate() {
        match block {
            Block::Heading(text) => {
                if i > 0 {
                    writeln!(out)?;
                }
                writeln!(out, "{bold}{}{reset}", shown(text))?;
            }
            Block::Line(text) => writeln!(out, "{}", shown(text).trim_end())?,
            Block::Remark(severity, text) => {
                let (mark, color) = match *severity {
                    "error" => ("●", sgr::RED),
                    "warning" => ("▲", sgr::YELLOW),
                    _ => ("·", sgr::DIM),
                };
                let (color, reset) = if options.color { (color, sgr::RESET) } else { ("", "") };
                let head = format!("{mark} {severity}");
                writeln!(out, "{color}{:9}{reset} {}", shown(&head), shown(text))?;
            }
            Block::Table(t) => table::text_with(out, t, options.color, options.ascii)?,
        }
    }
    Ok(())
}

/// What the captures are, as Markdown.
pub(super) fn markdown_of_captures(
    out: &mut dyn Write,
    analysis: &Analysis,
    options: SummaryOptions,
) -> io::Result<()> {
    table::markdown(out, &capture_table(analysis, options.time, ROWS))?;
    let more = analysis.captures.len().saturating_sub(ROWS);
    if more > 0 {
        writeln!(out, "\n… and {more} more captures")?;
    }
    writeln!(out, "\n{}", markdown_text(&overview::accounting(analysis)))
}

/// How calls ended, the worst of them in a table, as Markdown.
pub(super) fn markdown_of_calls(
    out: &mut dyn Write,
    analysis: &Analysis,
    calls: &[CallIdx],
    options: SummaryOptions,
) -> io::Result<()> {
    let mut blocks = Vec::new();
    call_blocks(analysis, calls, options.time, &mut blocks);
    markdown_blocks(out, &blocks)
}

/// What there is beside calls and findings, as Markdown.
pub(super) fn markdown_of_rest(
    out: &mut dyn Write,
    analysis: &Analysis,
    lists: &Lists<'_>,
    (calls, dialogs): (&[CallIdx], &[DialogIdx]),
) -> io::Result<()> {
    let overview = overview::overview(analysis, lists, SLICES);
    let mut blocks = Vec::new();
    if !overview.notes.is_empty() {
        blocks.push(Block::Heading("Remarks".into()));
    }
    notes(analysis, &overview, &mut blocks);
    rest(analysis, lists, &overview, (calls, dialogs), Vec::new(), &mut blocks);
    markdown_blocks(out, &blocks)
}

/// Each with an empty line before it.
fn markdown_blocks(out: &mut dyn Write, blocks: &[Block]) -> io::Result<()> {
    let mut in_list = false;
    for block in blocks {
        let listed = matches!(block, Block::Remark(..));
        if !(listed && in_list) {
            writeln!(out)?;
        }
        in_list = listed;
        match block {
            Block::Heading(text) => writeln!(out, "## {}", markdown_text(text))?,
            Block::Line(text) => writeln!(out, "{}", markdown_text(text.trim()))?,
            Block::Remark(severity, text) => writeln!(out, "- **{severity}** {}", markdown_text(text))?,
            Block::Table(t) => table::markdown(out, t)?,
        }
    }
    Ok(())
}

fn blocks(
    analysis: &Analysis,
    calls: &[CallIdx],
    dialogs: &[DialogIdx],
    options: SummaryOptions,
) -> Vec<Block> {
    let lists = Lists::of(analysis);
    let overview = overview::overview(analysis, &lists, SLICES);
    let mut blocks = Vec::new();
    captures::blocks(analysis, options.time, &mut blocks);
    if !overview.accounting.is_empty() {
        blocks.push(Block::Line(overview.accounting.clone()));
    }
    if !overview.verdict.is_empty() {
        blocks.push(Block::Heading("Verdict".into()));
        blocks.push(Block::Line(overview.verdict.clone()));
    }
    for line in &overview.findings {
        let frames = if line.frames.is_empty() { String::new() } else { format!("  ({})", line.frames) };
        blocks.push(Block::Remark(line.severity.name(), format!("{}{frames}", line.text)));
    }
    if overview.more_findings > 0 {
        let more = show::count(overview.more_findings as u64, "more finding", "more findings");
        blocks.push(Block::Line(format!("… and {more} (`callscope findings` lists all)")));
    }
    notes(analysis, &overview, &mut blocks);
    let mut more = Vec::new();
    call_blocks(analysis, calls, options.time, &mut more);
    rest(analysis, &lists, &overview, (calls, dialogs), more, &mut blocks);
    blocks
}

fn notes(analysis: &Analysis, overview: &Overview, blocks: &mut Vec<Block>) {
    for (text, frame, severity) in overview.notes.iter().take(ROWS) {
        let place = match frame {
            Some(f) if analysis.captures.len() > 1 => {
                format!("  (capture {} frame {})", f.capture.0, f.frame)
            }
            Some(f) => format!("  (frame {})", f.frame),
            None => String::new(),
        };
        blocks.push(Block::Remark(severity.name(), format!("{text}{place}")));
    }
    if overview.notes.len() > ROWS {
        blocks.push(Block::Line(format!("… and {} more remarks", overview.notes.len() - ROWS)));
    }
}

/// `of_calls` is told between the messages and all else.
fn rest(
    analysis: &Analysis,
    lists: &Lists<'_>,
    overview: &Overview,
    (calls, dialogs): (&[CallIdx], &[DialogIdx]),
    of_calls: Vec<Block>,
    blocks: &mut Vec<Block>,
) {
    if overview.activity.iter().any(|a| a.total > 0) {
        blocks.push(Block::Heading("Activity".into()));
        let rows = overview
            .activity
            .iter()
            .filter(|a| a.total > 0)
            .map(|a| vec![a.label.to_owned(), bars(&a.counts), grouped(a.total), a.text.trim().to_owned()])
            .collect();
        let columns = [("what", "What"), ("activity", "When"), ("total", "#Count"), ("text", "Outcome")];
        blocks.push(Block::Table(table_of(&columns, rows)));
    }
    if !overview.machines.is_empty() {
        blocks.push(Block::Heading("Machines".into()));
        blocks.push(Block::Line(overview.machines.join(" · ")));
    }
    sip(analysis, blocks);
    blocks.extend(of_calls);
    dialog_blocks(analysis, dialogs, blocks);
    ice::sessions(analysis, lists, calls, blocks);
    ice::allocations(analysis, blocks);
    media::streams(analysis, lists, calls, blocks);
    tls(analysis, blocks);
}

fn table_of(heads: &[(&str, &str)], rows: Vec<Vec<String>>) -> Table {
    Table { columns: columns(heads), rows }
}

/// `48 213`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

fn bars(counts: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts
        .iter()
        .map(|&n| match n {
            0 => ' ',
            n => BARS
                .get(((u128::from(n) * 8).div_ceil(u128::from(most)) as usize).saturating_sub(1))
                .map_or('█', |&c| c),
        })
        .collect()
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn sip(analysis: &Analysis, blocks: &mut Vec<Block>) {
    let s = &analysis.sip;
    if s.messages == 0 {
        return;
    }
    blocks.push(Block::Heading("SIP".into()));
    let mut line = format!("{} messages", grouped(s.messages));
    for (count, what) in
        [(s.retransmissions, "retransmitted"), (s.duplicates, "captured twice"), (s.malformed, "malformed")]
    {
        if count > 0 {
            line.push_str(&format!(", {} {what}", grouped(count)));
        }
    }
    blocks.push(Block::Line(line));
    let mut requests: Vec<(&str, u64)> = (0u16..)
        .zip(&s.requests)
        .filter(|(_, count)| **count > 0)
        .map(|(id, count)| (analysis.method(MethodId(id)), *count))
        .collect();
    requests.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let list = |items: &mut dyn Iterator<Item = (String, u64)>| {
        items.map(|(name, n)| format!("{} × {name}", grouped(n))).collect::<Vec<_>>().join(" · ")
    };
    if !requests.is_empty() {
        let many = requests.len() > ROWS;
        let shown = list(&mut requests.iter().take(ROWS).map(|(n, c)| (show::safe(n.as_bytes()), *c)));
        let more =
            if many { format!(" · and {} more methods", requests.len() - ROWS) } else { String::new() };
        blocks.push(Block::Line(format!("Requests   {shown}{more}")));
    }
    if !s.responses.is_empty() {
        let shown = list(&mut s.responses.iter().map(|(code, c)| (code.to_string(), *c)));
        blocks.push(Block::Line(format!("Responses  {shown}")));
    }
}

/// Worst first.
pub(super) fn rank(state: CallState) -> u8 {
    match state {
        CallState::Failed => 0,
        CallState::NoAnswer => 1,
        CallState::Rejected => 2,
        CallState::Redirected => 3,
        CallState::Trying => 4,
        CallState::Ringing => 5,
        CallState::Cancelled => 6,
        CallState::Answered => 7,
        CallState::Completed => 8,
    }
}

fn call_blocks(analysis: &Analysis, calls: &[CallIdx], mode: TimeMode, blocks: &mut Vec<Block>) {
    if calls.is_empty() {
        return;
    }
    blocks.push(Block::Heading(format!("Calls: {}", grouped(calls.len() as u64))));
    let mut counts: BTreeMap<u8, (CallState, u64)> = BTreeMap::new();
    for &c in calls {
        let state = analysis.call(c).summary.state;
        counts.entry(rank(state)).or_insert((state, 0)).1 += 1;
    }
    let outcomes: Vec<String> = counts
        .values()
        .map(|(state, n)| format!("{} {}", grouped(*n), state.name().replace('_', " ")))
        .collect();
    blocks.push(Block::Line(outcomes.join(" · ")));
    let key = |c: &CallIdx| (rank(analysis.call(*c).summary.state), *c);
    let mut worst: Vec<CallIdx> = calls.to_vec();
    if worst.len() > CALLS {
        worst.select_nth_unstable_by_key(CALLS, key);
        worst.truncate(CALLS);
    }
    worst.sort_by_key(key);
    let start = analysis.captures.iter().filter_map(|c| c.first).min().unwrap_or_default();
    let mut cells: Vec<Vec<String>> = worst.iter().map(|&c| call_row(analysis, c, mode, start)).collect();
    let mut columns = vec![
        ("id", "#"),
        ("start", "Start"),
        ("from", "From"),
        ("to", "To"),
        ("state", "State"),
        ("status", "#Status"),
        ("reason", "Reason"),
        ("setup", "#Setup"),
        ("talk", "#Talk"),
    ];
    // What only some captures have.
    let media = analysis.media_index();
    let more = [
        (!analysis.links.is_empty(), "legs", ("legs", "Legs")),
        (!media.streams.is_empty() || !analysis.stun.records.is_empty(), "media", ("media", "Media")),
        (media.streams.iter().any(|s| s.mos.is_some()), "mos", ("mos", "#MOS")),
    ];
    let more: Vec<_> = more.into_iter().filter(|(there, ..)| *there).collect();
    if !more.is_empty() {
        columns.extend(more.iter().map(|(.., column)| *column));
        let query =
            Query { columns: more.iter().map(|(_, key, _)| (*key).to_owned()).collect(), ..Query::default() };
        for (row, cells) in cells.iter_mut().zip(rows::call_lines_of(analysis, &query, worst).iter()) {
            row.extend(cells);
        }
    }
    blocks.push(Block::Table(table_of(&columns, cells)));
    if calls.len() > CALLS {
        blocks.push(Block::Line(format!(
            "… and {} more (`callscope calls` lists all)",
            grouped((calls.len() - CALLS) as u64)
        )));
    }
}

fn call_row(analysis: &Analysis, index: CallIdx, mode: TimeMode, start: i64) -> Vec<String> {
    let call = analysis.call(index);
    let s = &call.summary;
    let shown = |s: Str| show::safe(analysis.strings.bytes(s));
    let party = |display: Str, uri: Str| match display {
        Str(0) => shown(uri),
        display => show::safe(&show::unquote(analysis.strings.bytes(display))),
    };
    let or_dash = |d: Option<i64>, show: fn(i64) -> String| d.map_or_else(|| "–".to_owned(), show);
    vec![
        (index.0 + 1).to_string(),
        show::time(s.start, mode, start, start),
        party(call.from_display, call.from_uri),
        party(call.to_display, call.to_uri),
        s.state.name().replace('_', " "),
        if s.final_status == 0 { "–".to_owned() } else { s.final_status.to_string() },
        show::call_reason(analysis, index),
        or_dash(s.setup, show::duration),
        or_dash(s.talk, show::talk),
    ]
}

fn dialog_blocks(analysis: &Analysis, dialogs: &[DialogIdx], blocks: &mut Vec<Block>) {
    // Of messages whose Call-ID is cut off nothing is known but what the verdict says.
    let dialogs: Vec<DialogIdx> = dialogs.iter().copied().filter(|d| !analysis.is_leftover(*d)).collect();
    if dialogs.is_empty() {
        return;
    }
    blocks.push(Block::Heading(format!("Other dialogs: {}", grouped(dialogs.len() as u64))));
    let mut counts: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    for &d in &dialogs {
        let dialog = analysis.dialog(d);
        let at = match dialog.summary.state {
            DialogState::Completed => 0,
            DialogState::Failed => 1,
            DialogState::Unanswered => 2,
            DialogState::Active => 3,
        };
        if let Some(n) = counts.entry(analysis.method(dialog.method)).or_default().get_mut(at) {
            *n += 1;
        }
    }
    let mut rows: Vec<(&str, [u64; 4])> = counts.into_iter().collect();
    rows.sort_by_key(|(_, n)| std::cmp::Reverse(n.iter().sum::<u64>()));
    let left = rows.len().saturating_sub(ROWS);
    let rows = rows
        .iter()
        .take(ROWS)
        .map(|(method, n)| {
            let mut row = vec![show::safe(method.as_bytes()), grouped(n.iter().sum())];
            row.extend(n.iter().map(|&n| if n == 0 { "–".to_owned() } else { grouped(n) }));
            row
        })
        .collect();
    let columns = [
        ("method", "Method"),
        ("dialogs", "#Dialogs"),
        ("completed", "#Completed"),
        ("failed", "#Failed"),
        ("unanswered", "#Unanswered"),
        ("active", "#Active"),
    ];
    blocks.push(Block::Table(table_of(&columns, rows)));
    if left > 0 {
        blocks.push(Block::Line(format!("… and {left} more methods")));
    }
}

fn tls(analysis: &Analysis, blocks: &mut Vec<Block>) {
    let sessions = &analysis.tls;
    if sessions.is_empty() {
        return;
    }
    let n = analysis.other.tls_sessions.max(sessions.len() as u64);
    blocks.push(Block::Heading(format!(
        "Encrypted: {} TLS {}",
        grouped(n),
        if n == 1 { "session" } else { "sessions" }
    )));
    // Those that broke first.
    let key = |s: &&TlsSession| (s.alerts.is_empty(), s.handshake_done, s.first);
    let mut shown: Vec<&TlsSession> = sessions.iter().collect();
    if shown.len() > ROWS / 2 {
        shown.select_nth_unstable_by_key(ROWS / 2, key);
        shown.truncate(ROWS / 2);
    }
    shown.sort_by_key(key);
    let or_dash = |text: Option<&str>| text.map_or_else(|| "–".to_owned(), |t| show::safe(t.as_bytes()));
    let rows = shown
        .iter()
        .map(|s| {
            let alerts: Vec<String> =
                s.alerts.iter().take(3).map(|(_, a)| show::safe(a.as_bytes())).collect();
            vec![
                s.frame.frame.to_string(),
                s.client.map_or_else(|| "–".to_owned(), show::address),
                s.server.map_or_else(|| "–".to_owned(), show::address),
                or_dash(s.server_name.as_deref()),
                match (s.version, s.offered) {
                    (None, Some(offered)) => format!("offered {offered}"),
                    (version, _) => or_dash(version),
                },
                or_dash(s.cipher.as_deref()),
                grouped(s.encrypted_frames),
                alerts.join(", "),
            ]
        })
        .collect();
    let columns = [
        ("frame", "#Frame"),
        ("client", "Client"),
        ("server", "Server"),
        ("name", "Name"),
        ("version", "Version"),
        ("cipher", "Cipher"),
        ("frames", "#Frames"),
        ("alerts", "Alerts"),
    ];
    blocks.push(Block::Table(table_of(&columns, rows)));
    if sessions.len() > ROWS / 2 {
        blocks.push(Block::Line(format!("… and {} more", grouped((sessions.len() - ROWS / 2) as u64))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_groups() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(48_213), "48 213");
        assert_eq!(grouped(1_234_567), "1 234 567");
    }

    #[test]
    fn bars_by_the_largest() {
        assert_eq!(bars(&[0, 1, 4, 8]), " ▁▄█");
        assert_eq!(bars(&[u64::MAX, 0]), "█ ");
    }
}
