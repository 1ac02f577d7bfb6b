//! Finding any frame again: marks left while walking, and walking once more from the nearest.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use super::backing::ReadAt;
use super::netmon::NetmonTable;
use super::pcap::PcapWalker;
use super::pcapng::{NgInterface, PcapNgWalker};
use super::snoop::SnoopWalker;
use super::walk::{Found, Mark, Step, Walker, Window};
use super::{CaptureId, FrameBatch, FrameHead, LinkType};
use crate::limits::Limits;

/// Frames and bytes between two marks.
const MARK_FRAMES: u32 = 1_000;
const MARK_BYTES: u64 = 1 << 20;
/// Bytes walked at a time while looking for a frame.
const WINDOW: usize = 128 << 10;
/// Most bytes that one call gives, a single larger frame apart.
const MOST_BYTES: u64 = 32 << 20;

/// What the reader leaves for the index.
#[derive(Debug, Default)]
pub(super) struct Track {
    inner: RwLock<Trail>,
}

#[derive(Debug, Default, Clone)]
struct Trail {
    format: Option<Again>,
    marks: Vec<Mark>,
    links: Arc<Vec<LinkType>>,
    limits: Limits,
}

/// How to walk frames once more.
#[derive(Debug, Clone)]
pub(super) enum Again {
    Pcap(PcapWalker),
    PcapNg(Arc<Vec<NgInterface>>),
    Snoop(SnoopWalker),
    Netmon(NetmonTable),
}

impl Again {
    pub fn of(walker: &Walker) -> Self {
        match walker {
            Walker::Pcap(w) => Self::Pcap(w.clone()),
            Walker::PcapNg(w) => Self::PcapNg(Arc::clone(w.interfaces())),
            Walker::Snoop(w) => Self::Snoop(w.clone()),
        }
    }
}

impl Track {
    pub fn new(limits: &Limits) -> Self {
        Self { inner: RwLock::new(Trail { limits: limits.clone(), ..Trail::default() }) }
    }

    pub fn update(&self, format: Again, links: &Arc<Vec<LinkType>>) {
        let mut trail = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        trail.format = Some(format);
        trail.links = Arc::clone(links);
    }

    /// Leaves a mark, unless the last one is near enough and `must` is not set.
    pub fn mark(&self, mark: Mark, must: bool) {
        let mut trail = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let near = trail.marks.last().is_some_and(|last| {
            mark.frame.saturating_sub(last.frame) < MARK_FRAMES
                && mark.offset.abs_diff(last.offset) < MARK_BYTES
        });
        match trail.marks.last_mut() {
            // Nothing came between: only the later one is of use.
            Some(last) if last.frame == mark.frame => *last = mark,
            _ if near && !must => {}
            _ => trail.marks.push(mark),
        }
    }
}

/// Sparse index of a capture's frames: a checkpoint a batch, so that any frame can be read again.
#[derive(Debug, Clone, Default)]
pub struct FrameIndex {
    track: Arc<Track>,
    capture: CaptureId,
    /// Frames that may be asked for.
    frames: u32,
}

/// A frame and where its bytes lie.
pub(super) struct Placed {
    pub offset: u64,
    pub head: FrameHead,
}

impl FrameIndex {
    pub(super) fn new(track: Arc<Track>, capture: CaptureId) -> Self {
        Self { track, capture, frames: 0 }
    }

    /// Learns the place of a batch's first frame.
    pub fn note(&mut self, batch: &FrameBatch) {
        let after =
            u32::try_from(batch.frames.len()).map_or(u32::MAX, |n| batch.first_frame.saturating_add(n));
        self.frames = self.frames.max(after.saturating_sub(1));
    }

    /// How many frames can be read.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Reads frames `first` (from 1) to `first + count - 1` again, as many as there are. Frames that together lie
    /// over more than 32 MiB are given as far as that goes, at least one; ask for the rest again.
    pub fn read(&self, backing: &dyn ReadAt, first: u32, count: u32) -> io::Result<FrameBatch> {
        let first = first.max(1);
        let last = self.frames.min(first.saturating_add(count).saturating_sub(1));
        let (format, marks, links, limits) = {
            let trail = self.track.inner.read().unwrap_or_else(PoisonError::into_inner);
            let from = trail.marks.partition_point(|mark| mark.frame <= first).saturating_sub(1);
            let to = trail.marks.partition_point(|mark| mark.frame <= last);
            let marks = trail.marks.get(from..to).unwrap_or_default().to_vec();
            (trail.format.clone(), marks, Arc::clone(&trail.links), trail.limits.clone())
        };
        let mut batch =
            FrameBatch { capture: self.capture, first_frame: first, links, ..FrameBatch::default() };
        let Some(format) = format.filter(|_| first <= last) else { return Ok(batch) };
        let mut wanted = Wanted { first, last, placed: Vec::new(), low: u64::MAX, high: 0, full: false };
        for (i, mark) in marks.iter().enumerate() {
            let end = marks.get(i + 1).map_or(last, |next| next.frame.saturating_sub(1)).min(last);
            if end < mark.frame {
                continue;
            }
            let walker = match &format {
                Again::Pcap(w) => Walker::Pcap(w.clone()),
                Again::PcapNg(interfaces) => {
                    Walker::PcapNg(PcapNgWalker::again(&limits, Arc::clone(interfaces), mark.section))
                }
                Again::Snoop(w) => Walker::Snoop(w.clone()),
                Again::Netmon(table) => {
                    table.walk_again(backing, *mark, end, &mut wanted)?;
                    continue;
                }
            };
            walk_again(backing, walker, *mark, end, &mut wanted)?;
            if wanted.full {
                break;
            }
        }
        batch.base = if wanted.placed.is_empty() { 0 } else { wanted.low };
        batch.bytes.resize(usize::try_from(wanted.high.saturating_sub(batch.base)).unwrap_or(0), 0);
        let there = backing.read_at(batch.base, &mut batch.bytes)?;
        batch.bytes.truncate(there);
        for Placed { offset, mut head } in wanted.placed {
            let start = offset - batch.base;
            // The file may have shrunk.
            if start + u64::from(head.caplen) > there as u64 {
                break;
            }
            head.start = start as u32;
            batch.frames.push(head);
        }
        Ok(batch)
    }
}

/// Frames gathered for one call.
pub(super) struct Wanted {
    first: u32,
    last: u32,
    placed: Vec<Placed>,
    low: u64,
    high: u64,
    /// No more fit.
    pub full: bool,
}

impl Wanted {
    /// Takes the frame with the given number if it was asked for; false once that is enough.
    pub fn take(&mut self, number: u32, placed: Placed) -> bool {
        if number < self.first {
            return true;
        }
        if number > self.last {
            return false;
        }
        let low = self.low.min(placed.offset);
        let high = self.high.max(placed.offset.saturating_add(placed.head.caplen.into()));
        if high - low > MOST_BYTES && !self.placed.is_empty() {
            self.full = true;
            return false;
        }
        (self.low, self.high) = (low, high);
        self.placed.push(placed);
        number < self.last
    }
}

fn walk_again(
    backing: &dyn ReadAt,
    mut walker: Walker,
    mark: Mark,
    last: u32,
    wanted: &mut Wanted,
) -> io::Result<()> {
    let mut number = mark.frame;
    let mut base = mark.offset;
    let mut size = WINDOW;
    let mut bytes = Vec::new();
    let (mut frames, mut notes) = (Vec::new(), Vec::new());
    loop {
        bytes.resize(size, 0);
        let there = backing.read_at(base, &mut bytes)?;
        let at_end = there < size;
        let window = Window { bytes: bytes.get(..there).unwrap_or_default(), base, last: at_end };
        frames.clear();
        notes.clear();
        let mut found = Found { frames: &mut frames, notes: &mut notes, first_frame: number };
        let step = walker.walk(window, 0, &mut found);
        for &head in &frames {
            let offset = base + u64::from(head.start);
            if number > last || !wanted.take(number, Placed { offset, head }) {
                return Ok(());
            }
            number = number.saturating_add(1);
        }
        match step {
            Step::More { at, need } if !at_end => {
                base += at as u64;
                size = need.max(WINDOW);
            }
            // A damaged place ends the frames of a mark; the file changed if more were expected.
            Step::More { .. } | Step::Resynced { .. } | Step::End => return Ok(()),
        }
    }
}
