//! How media streams went: how many how, and the worst in a few rows.

use std::collections::{BTreeMap, HashSet};

use super::{Block, grouped};
use crate::correlate::{Analysis, CallIdx};
use crate::view::lists::{ListKind, Lists, quality};
use crate::view::media::Quality;
use crate::view::rows::Query;
use crate::view::show;
use crate::view::table::Table;

/// Streams shown one by one.
const ROWS: usize = 10;
const COLUMNS: [&str; 12] = [
    "id", "call", "sender", "receiver", "kind", "codec", "packets", "loss", "jitter", "mos", "dscp",
    "quality",
];

/// The streams of the calls given, and those of no call.
pub(super) fn streams(analysis: &Analysis, lists: &Lists<'_>, calls: &[CallIdx], blocks: &mut Vec<Block>) {
    let shown: HashSet<CallIdx> = calls.iter().copied().collect();
    let mut rows: Vec<(Quality, u32)> = (0u32..)
        .zip(lists.media().streams.iter())
        .filter(|(_, s)| s.call.is_none_or(|c| shown.contains(&c)))
        .filter_map(|(i, _)| Some((quality(analysis, lists, i)?, i)))
        .collect();
    if rows.is_empty() {
        return;
    }
    let total = rows.len();
    blocks.push(Block::Heading(format!("Media: {}", show::count(total as u64, "stream", "streams"))));
    let mut counts: BTreeMap<Quality, u64> = BTreeMap::new();
    for (how, _) in &rows {
        *counts.entry(*how).or_default() += 1;
    }
    let words: Vec<String> = counts.iter().map(|(q, n)| format!("{} {}", grouped(*n), q.name())).collect();
    blocks.push(Block::Line(words.join(" · ")));
    // In the order of their first packet but for what is worth a warning.
    rows.sort_by_key(|(q, i)| (q.severity(), *i));
    let rows: Vec<u32> = rows.into_iter().take(ROWS).map(|(_, i)| i).collect();
    let query = Query { columns: COLUMNS.map(str::to_owned).to_vec(), ..Query::default() };
    let lines = ListKind::Media.lines_of(analysis, lists, &query, rows);
    let table = Table { rows: lines.iter().collect(), columns: lines.columns };
    blocks.push(Block::Table(table.without_empty()));
    if total > ROWS {
        let more = grouped((total - ROWS) as u64);
        blocks.push(Block::Line(format!("… and {more} more (`callscope media` lists all)")));
    }
}
