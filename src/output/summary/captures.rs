//! Which captures there are, and what became of their frames.

use super::{Block, ROWS, grouped, size, table_of};
use crate::correlate::{Analysis, CaptureSummary};
use crate::view::show::{self, TimeMode};
use crate::view::table::Table;

fn instant(time: i64, mode: TimeMode) -> String {
    match mode {
        // The start of a capture has nothing to be relative to.
        TimeMode::Local | TimeMode::Utc => show::time(time, mode, i64::MIN, time),
        _ => show::time(time, TimeMode::Utc, i64::MIN, time),
    }
}

/// A table of the first captures.
pub(super) fn blocks(analysis: &Analysis, mode: TimeMode, blocks: &mut Vec<Block>) {
    let n = analysis.captures.len();
    blocks.push(Block::Heading(if n == 1 { "Capture".into() } else { format!("Captures: {n}") }));
    blocks.push(Block::Table(capture_table(analysis, mode, ROWS)));
    if n > ROWS {
        blocks.push(Block::Line(format!("… and {} more captures", n - ROWS)));
    }
}

/// Every capture with what became of its frames, for what reads columns.
pub fn captures(analysis: &Analysis) -> Table {
    let keys = [
        "capture",
        "path",
        "format",
        "frames",
        "bytes",
        "first",
        "last",
        "decoded",
        "other_traffic",
        "not_ip",
        "cut_short",
        "malformed",
        "fragment_pending",
        "duplicate",
        "over_limit",
        "encrypted",
        "issues",
    ];
    let columns: Vec<(&str, &str)> = keys.iter().map(|k| (*k, *k)).collect();
    let row = |(i, c): (usize, &CaptureSummary)| {
        let a = c.accounting;
        let time = |t: Option<i64>| t.map_or_else(String::new, show::rfc3339);
        let mut row = vec![i.to_string(), show::safe(c.info.path.as_bytes()), c.info.format.to_owned()];
        row.extend([c.frames.to_string(), c.bytes.to_string(), time(c.first), time(c.last)]);
        let counts = [
            a.decoded,
            a.other_traffic,
            a.not_ip,
            a.cut_short,
            a.malformed,
            a.fragment_pending,
            a.duplicate,
            a.over_limit,
            a.encrypted,
            c.issues.len() as u64 + c.issues_not_kept,
        ];
        row.extend(counts.map(|n| n.to_string()));
        row
    };
    table_of(&columns, analysis.captures.iter().enumerate().map(row).collect())
}

/// The first `most` captures.
pub(in crate::output) fn capture_table(analysis: &Analysis, mode: TimeMode, most: usize) -> Table {
    let row = |(i, c): (usize, &CaptureSummary)| {
        let format = match c.info.compression {
            Some(compression) => format!("{} in {compression}", c.info.format),
            None => c.info.format.to_owned(),
        };
        vec![
            i.to_string(),
            show::safe(c.info.path.as_bytes()),
            format,
            grouped(c.frames),
            size(c.bytes),
            c.first.map_or_else(|| "–".to_owned(), |t| instant(t, mode)),
            match (c.first, c.last) {
                (Some(first), Some(last)) => show::span(last.saturating_sub(first)),
                _ => "–".to_owned(),
            },
        ]
    };
    let rows: Vec<Vec<String>> = analysis.captures.iter().enumerate().take(most).map(row).collect();
    let columns = [
        ("capture", "#"),
        ("path", "File"),
        ("format", "Format"),
        ("frames", "#Frames"),
        ("bytes", "#Bytes"),
        ("first", "First"),
        ("span", "#Span"),
    ];
    table_of(&columns, rows)
}
