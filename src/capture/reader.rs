//! Walking one input front to back.

use std::io;
use std::sync::Arc;

use super::backing::Backing;
use super::index::{Again, FrameIndex, Track};
use super::netmon::NetmonReader;
use super::pcap::PcapWalker;
use super::pcapng::PcapNgWalker;
use super::sniff::Format;
use super::snoop::{self, SnoopWalker};
use super::source::{self, Source};
use super::walk::{BATCH_BYTES, Found, Mark, Step, Walker, Window};
use super::{
    CaptureId, CaptureInfo, CaptureIssue, CaptureNote, FrameBatch, Input, Interface, LinkType, OpenError,
};
use crate::limits::Limits;

/// Frames shorter than this on the whole are media above all. Batches of them are larger: each numbers its flows anew, and
/// what is done for one does not look at many bytes.
const SMALL_FRAME: usize = 300;
/// Memory of a batch that is not kept for the next one.
const OVERSIZED: usize = 4 * BATCH_BYTES;
/// Longest frame and block whatever the limits say: positions in a batch are 32 bits.
const MOST_BYTES: u32 = 1 << 30;

/// Walks one input front to back.
pub struct CaptureReader {
    id: CaptureId,
    info: CaptureInfo,
    follow: bool,
    source: Source,
    body: Body,
    track: Arc<Track>,
    links: Arc<Vec<LinkType>>,
    /// Bytes read but not walked.
    tail: Vec<u8>,
    /// Bytes of the next batch.
    batch_bytes: usize,
    /// Position of the tail in the capture.
    position: u64,
    /// Bytes of the file header, until they are passed over.
    skip: usize,
    /// The source has no more.
    at_end: bool,
    ended: bool,
    next_frame: u32,
    /// Places where damage was skipped.
    resyncs: u32,
    most_resyncs: u32,
    /// Said with the next batch.
    notes: Vec<CaptureNote>,
}

enum Body {
    Stream(Walker),
    Netmon(NetmonReader),
}

impl CaptureReader {
    /// Opens an input and reads as much as tells its format.
    pub fn open(input: &Input, id: CaptureId, limits: &Limits, follow: bool) -> Result<Self, OpenError> {
        let mut limits = limits.clone();
        limits.frame_bytes = limits.frame_bytes.min(MOST_BYTES);
        limits.block_bytes = limits.block_bytes.min(MOST_BYTES);
        let mut opened = source::open(input, &limits)?;
        let mut told = Vec::new();
        if let Input::StandIn(copy) = input {
            opened.path.clone_from(&copy.info.path);
            told.extend(copy.notes.iter().cloned());
        }
        let not = |reason: String| OpenError::NotACapture { path: opened.path.clone(), reason };
        let mut skip = 0;
        let mut interface = None;
        let body = match opened.format {
            Format::Pcap => {
                let walker = PcapWalker::open(&opened.head, &limits).map_err(not)?;
                skip = walker.header_len();
                interface = Some(Interface { link: walker.link, name: None, snaplen: walker.snaplen });
                Body::Stream(Walker::Pcap(walker))
            }
            Format::PcapNg => Body::Stream(Walker::PcapNg(PcapNgWalker::new(&limits))),
            Format::Snoop => {
                let walker = SnoopWalker::open(&opened.head, &limits).map_err(not)?;
                skip = snoop::FILE_HEADER;
                interface = Some(Interface { link: walker.link, name: None, snaplen: 0 });
                Body::Stream(Walker::Snoop(walker))
            }
            Format::Netmon => Body::Netmon(NetmonReader::open(&opened.head, &limits).map_err(not)?),
        };
        let links = interface.iter().map(|i| i.link).collect();
        Ok(Self {
            id,
            info: match input {
                // What is said of a capture is said of the one it stands for.
                Input::StandIn(copy) => copy.info.clone(),
                _ => CaptureInfo {
                    path: opened.path,
                    format: opened.format.name(),
                    compression: opened.compression,
                    size: opened.size,
                },
            },
            follow: follow && opened.source.may_grow(),
            source: opened.source,
            body,
            track: Arc::new(Track::new(&limits)),
            links: Arc::new(links),
            tail: Vec::new(),
            batch_bytes: BATCH_BYTES,
            position: 0,
            skip,
            at_end: false,
            ended: false,
            next_frame: 1,
            resyncs: 0,
            most_resyncs: limits.damaged_places,
            notes: interface.map(CaptureNote::Interface).into_iter().chain(told).collect(),
        })
    }

    pub fn info(&self) -> &CaptureInfo {
        &self.info
    }

    pub fn backing(&self) -> Backing {
        self.source.backing()
    }

    /// An empty index of this capture, to be fed with its batches.
    pub fn frame_index(&self) -> FrameIndex {
        FrameIndex::new(Arc::clone(&self.track), self.id)
    }

    /// The next run of frames (about 1 MiB), or none at the end. With `follow`, an empty batch means: nothing
    /// new yet. `reuse` gives its memory back to the reader.
    pub fn next_batch(&mut self, reuse: FrameBatch) -> io::Result<Option<FrameBatch>> {
        if self.ended {
            return Ok(None);
        }
        let mut batch = self.recycled(reuse);
        match &self.body {
            Body::Stream(_) => self.walk_stream(&mut batch)?,
            Body::Netmon(_) => self.walk_netmon(&mut batch)?,
        }
        self.report_trouble(&mut batch);
        self.next_frame = u32::try_from(batch.frames.len())
            .ok()
            .and_then(|n| self.next_frame.checked_add(n))
            .unwrap_or(u32::MAX);
        batch.links = Arc::clone(&self.links);
        batch.input_bytes = self.source.input_bytes();
        let nothing = batch.frames.is_empty() && batch.notes.is_empty();
        Ok(if self.ended && nothing { None } else { Some(batch) })
    }

    fn recycled(&mut self, reuse: FrameBatch) -> FrameBatch {
        let FrameBatch { mut bytes, mut frames, .. } = reuse;
        if bytes.capacity() > OVERSIZED {
            bytes = Vec::new();
        }
        frames.clear();
        FrameBatch {
            capture: self.id,
            first_frame: self.next_frame,
            base: self.position,
            bytes,
            frames,
            notes: std::mem::take(&mut self.notes),
            links: Arc::clone(&self.links),
            input_bytes: 0,
        }
    }

    fn walk_stream(&mut self, batch: &mut FrameBatch) -> io::Result<()> {
        let mut have = self.tail.len();
        // The bytes of the batch before are overwritten, which saves clearing them.
        batch.bytes.resize(have.max(self.batch_bytes), 0);
        if let Some(start) = batch.bytes.get_mut(..have) {
            start.copy_from_slice(&self.tail);
        }
        self.tail.clear();
        let mut at = std::mem::take(&mut self.skip);
        let mut need = 1;
        let mut resynced = false;
        // A pipe may not give more for a long time, a file does.
        let mut fill = !self.source.live();
        loop {
            let mut dry = false;
            while !self.at_end && !dry && (have - at.min(have) < need || (fill && have < batch.bytes.len())) {
                if batch.bytes.len() < at.saturating_add(need) {
                    batch.bytes.resize(at.saturating_add(need), 0);
                }
                let n = self.source.read(batch.bytes.get_mut(have..).unwrap_or_default())?;
                have += n;
                dry = n == 0 && self.follow;
                self.at_end = n == 0 && !self.follow;
            }
            fill = false;
            if at > have {
                // The file header itself is not there yet.
                self.skip = at;
                at = 0;
                self.ended = self.at_end;
                break;
            }
            let bytes = batch.bytes.get(..have).unwrap_or_default();
            let Body::Stream(walker) = &mut self.body else { break };
            if let Walker::Pcap(pcap) = walker
                && pcap.undecided()
                && have > at
            {
                pcap.decide(bytes.get(at..).unwrap_or_default(), self.at_end);
            }
            let first_frame = batch.first_frame;
            let mut found = Found { frames: &mut batch.frames, notes: &mut batch.notes, first_frame };
            if !walker.damaged() {
                let offset = batch.base.saturating_add(at as u64);
                let mark = Mark { frame: found.next_frame(), offset, section: walker.section() };
                self.track.mark(mark, resynced);
            }
            resynced = false;
            let window = Window { bytes, base: batch.base, last: self.at_end };
            match walker.walk(window, at, &mut found) {
                Step::More { at: next, need: n } => {
                    at = next;
                    need = n;
                    if !batch.frames.is_empty() || !batch.notes.is_empty() || dry {
                        break;
                    }
                    if self.at_end {
                        self.ended = true;
                        break;
                    }
                    // Nothing found yet: what is dealt with makes room.
                    let done = at.min(have);
                    batch.bytes.copy_within(done..have, 0);
                    batch.base = batch.base.saturating_add(done as u64);
                    have -= done;
                    at -= done;
                }
                Step::Resynced { at: next } => {
                    at = next;
                    resynced = true;
                    self.resyncs += 1;
                    if self.resyncs >= self.most_resyncs {
                        let text =
                            format!("damage in more than {} places, the rest is not read", self.most_resyncs);
                        found.issue("limit-damaged-places", batch.base.saturating_add(at as u64), text);
                        self.ended = true;
                        break;
                    }
                    need = 1;
                }
                Step::End => {
                    at = have;
                    self.ended = true;
                    break;
                }
            }
        }
        let at = at.min(have);
        self.tail.extend_from_slice(batch.bytes.get(at..have).unwrap_or_default());
        batch.bytes.truncate(at);
        let small = batch.frames.len().saturating_mul(SMALL_FRAME) > at;
        self.batch_bytes = if small { 2 * BATCH_BYTES } else { BATCH_BYTES };
        self.position = batch.base.saturating_add(at as u64);
        let Body::Stream(walker) = &self.body else { return Ok(()) };
        if let Walker::PcapNg(w) = walker
            && w.interfaces().len() != self.links.len()
        {
            self.links = Arc::new(w.interfaces().iter().map(|i| i.link).collect());
        }
        self.track.update(Again::of(walker), &self.links);
        Ok(())
    }

    fn walk_netmon(&mut self, batch: &mut FrameBatch) -> io::Result<()> {
        let Body::Netmon(netmon) = &mut self.body else { return Ok(()) };
        // Frames are found through a table that stands behind them: all must be there first.
        if matches!(self.source, Source::Spill(_)) && !self.at_end {
            batch.bytes.resize(BATCH_BYTES, 0);
            while self.source.read(&mut batch.bytes)? > 0 {}
            self.at_end = true;
        }
        let backing = self.source.backing();
        self.ended = !netmon.next_batch(&*backing, batch, &self.track)?;
        self.source.seek(batch.base.saturating_add(batch.bytes.len() as u64));
        if netmon.links().len() != self.links.len() {
            self.links = Arc::new(netmon.links().to_vec());
        }
        self.track.update(Again::Netmon(netmon.table()), &self.links);
        Ok(())
    }

    /// Says why a stream ended early; that its last record is cut follows from it.
    fn report_trouble(&mut self, batch: &mut FrameBatch) {
        if !self.ended {
            return;
        }
        let Some((code, text)) = self.source.take_trouble() else { return };
        batch
            .notes
            .retain(|note| !matches!(note, CaptureNote::Issue(CaptureIssue { code: "truncated-file", .. })));
        let frames = u32::try_from(batch.frames.len()).unwrap_or(u32::MAX);
        batch.notes.push(CaptureNote::Issue(CaptureIssue {
            code,
            offset: self.position,
            frame: Some(batch.first_frame.saturating_add(frames)),
            text,
        }));
    }
}
