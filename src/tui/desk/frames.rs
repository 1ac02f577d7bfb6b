//! Lines of frames, and searches over all of them.

use std::ops::Range;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use super::{Answer, Cache, read};
use crate::correlate::Analysis;
use crate::tui::event::Event;
use crate::view::filter::Filter;
use crate::view::packets::{self, PacketLine};
use crate::view::show;

/// Frames looked at between two looks at whether the search is still wanted.
const SCAN_CHUNK: u32 = 1_000;
/// Most frames a Packets filter lists.
pub const MAX_MATCHES: usize = 1_000_000;

/// Lines of single frames; those that follow each other are read together.
pub(super) fn lines_at(analysis: &Analysis, places: &[u64]) -> Result<Vec<(u64, PacketLine)>, String> {
    let mut out = Vec::with_capacity(places.len());
    for run in places.chunk_by(|a, b| a + 1 == *b) {
        let first = run.first().copied().unwrap_or(0);
        out.extend((first..).zip(lines(analysis, first, run.len() as u32)?));
    }
    Ok(out)
}

/// Lines of frames counted over all captures.
fn lines(analysis: &Analysis, first: u64, count: u32) -> Result<Vec<PacketLine>, String> {
    let mut out = Vec::new();
    let mut before = 0u64;
    let last = first.saturating_add(u64::from(count));
    for (capture, summary) in analysis.captures.iter().enumerate() {
        let (start, end) = (first.max(before), last.min(before + summary.frames));
        if start < end {
            let number = u32::try_from(start - before + 1).unwrap_or(u32::MAX);
            let lines = packets::packet_lines(analysis, capture, number, (end - start) as u32)
                .map_err(|e| e.to_string())?;
            out.extend(lines);
        }
        before += summary.frames;
    }
    Ok(out)
}

pub(super) fn matches(
    analysis: &RwLock<Analysis>,
    cache: &Cache,
    filter: &Filter,
    version: u64,
    events: &Sender<Event>,
    wanted: &AtomicU64,
) {
    cache.prepare(&read(analysis), Some(filter));
    let (mut at, mut found) = (0u64, 0usize);
    loop {
        if wanted.load(Ordering::Relaxed) != version {
            return;
        }
        let (places, more) = {
            let analysis = read(analysis);
            let total: u64 = analysis.captures.iter().map(|c| c.frames).sum();
            let lines = lines(&analysis, at, SCAN_CHUNK).unwrap_or_default();
            let places: Vec<u64> = lines
                .iter()
                .zip(at..)
                .filter(|(line, _)| filter.matches_packet(&analysis, line))
                .map(|(_, place)| place)
                .collect();
            at = (at + u64::from(SCAN_CHUNK)).min(total);
            (places, at < total && !lines.is_empty())
        };
        found += places.len();
        let done = !more || found >= MAX_MATCHES;
        let answer = Answer::Matches { version, places, scanned: at, done };
        if events.send(Event::Answer(Box::new(answer))).is_err() || done {
            return;
        }
    }
}

/// The next frame whose line has `text` in it, going round.
pub(super) fn find(
    analysis: &RwLock<Analysis>,
    text: &str,
    from: u64,
    forward: bool,
    version: u64,
    wanted: &AtomicU64,
) -> Option<u64> {
    let total = || read(analysis).captures.iter().map(|c| c.frames).sum();
    if forward {
        find_in(analysis, text, from..u64::MAX, true, version, wanted)
            .or_else(|| find_in(analysis, text, 0..from, true, version, wanted))
    } else {
        // `from` itself is looked at last.
        find_in(analysis, text, 0..from, false, version, wanted)
            .or_else(|| find_in(analysis, text, from..total(), false, version, wanted))
    }
}

fn find_in(
    analysis: &RwLock<Analysis>,
    text: &str,
    places: Range<u64>,
    forward: bool,
    version: u64,
    wanted: &AtomicU64,
) -> Option<u64> {
    let needle = text.to_lowercase();
    let hit = |line: &PacketLine| packet_text(line).to_lowercase().contains(&needle);
    let chunk = u64::from(SCAN_CHUNK);
    let mut at = if forward { places.start } else { places.end };
    while wanted.load(Ordering::Relaxed) == version {
        let analysis = read(analysis);
        if forward {
            let count = u64::from(SCAN_CHUNK).min(places.end.saturating_sub(at));
            let lines = lines(&analysis, at, count as u32).ok()?;
            if lines.is_empty() {
                return None;
            }
            if let Some(i) = lines.iter().position(hit) {
                return Some(at + i as u64);
            }
            at += chunk;
        } else {
            let start = at.saturating_sub(chunk).max(places.start);
            if start >= at {
                return None;
            }
            let lines = lines(&analysis, start, (at - start) as u32).ok()?;
            if let Some(i) = lines.iter().rposition(hit) {
                return Some(start + i as u64);
            }
            at = start;
        }
    }
    None
}

/// What is searched and copied of a Packets line.
pub fn packet_text(line: &PacketLine) -> String {
    let end = |a: Option<std::net::SocketAddr>| a.map(show::address).unwrap_or_default();
    format!(
        "{} {} {} {} {} {}",
        line.frame.frame,
        end(line.src),
        end(line.dst),
        line.protocol,
        line.length,
        line.info
    )
}
