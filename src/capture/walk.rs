//! What the walkers of the formats that are read front to back have in common.

use super::pcap::PcapWalker;
use super::pcapng::{PcapNgWalker, SectionMark};
use super::snoop::SnoopWalker;
use super::{CaptureIssue, CaptureNote, FrameHead};

/// Bytes that a batch holds, records larger than that apart.
pub(super) const BATCH_BYTES: usize = 1 << 19;

/// Longest record that is believed without further proof (Wireshark's own maximum).
pub(super) const USUAL_FRAME_BYTES: u32 = 262_144;

/// Where a walker puts what it finds.
pub(super) struct Found<'a> {
    pub frames: &'a mut Vec<FrameHead>,
    pub notes: &'a mut Vec<CaptureNote>,
    /// Number of the first of `frames`.
    pub first_frame: u32,
}

impl Found<'_> {
    /// The number that the next frame gets.
    pub fn next_frame(&self) -> u32 {
        u32::try_from(self.frames.len()).map_or(u32::MAX, |n| self.first_frame.saturating_add(n))
    }

    pub fn issue(&mut self, code: &'static str, offset: u64, text: String) {
        let frame = Some(self.next_frame());
        self.notes.push(CaptureNote::Issue(CaptureIssue { code, offset, frame, text }));
    }
}

/// The bytes a walker works on.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    pub bytes: &'a [u8],
    /// Position of `bytes[0]` in the capture.
    pub base: u64,
    /// Nothing comes after these bytes.
    pub last: bool,
}

impl Window<'_> {
    pub fn offset(&self, at: usize) -> u64 {
        self.base.saturating_add(at as u64)
    }

    pub fn u16(&self, at: usize, big: bool) -> Option<u16> {
        let b: [u8; 2] = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) })
    }

    pub fn u32(&self, at: usize, big: bool) -> Option<u32> {
        let b: [u8; 4] = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) })
    }
}

/// Why a walker came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Everything before `at` is dealt with; going on takes at least `need` bytes from `at`.
    More { at: usize, need: usize },
    /// Damage was skipped, records go on at `at`.
    Resynced { at: usize },
    /// The capture is over.
    End,
}

/// The state from which frames can be walked again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    /// Number of the frame that comes next.
    pub frame: u32,
    /// Where its record, or what precedes it, starts (netmon: which entry of the frame table it is).
    pub offset: u64,
    pub section: SectionMark,
}

#[derive(Debug, Clone)]
pub(super) enum Walker {
    Pcap(PcapWalker),
    PcapNg(PcapNgWalker),
    Snoop(SnoopWalker),
}

impl Walker {
    /// Walks records from `at` on, until the bytes run out or damage was skipped.
    pub fn walk(&mut self, window: Window<'_>, at: usize, found: &mut Found<'_>) -> Step {
        match self {
            Self::Pcap(w) => w.walk(window, at, found),
            Self::PcapNg(w) => w.walk(window, at, found),
            Self::Snoop(w) => w.walk(window, at, found),
        }
    }

    /// Whether damage is being skipped.
    pub fn damaged(&self) -> bool {
        match self {
            Self::Pcap(w) => w.damaged(),
            Self::PcapNg(w) => w.damaged(),
            Self::Snoop(w) => w.damaged(),
        }
    }

    pub fn section(&self) -> SectionMark {
        match self {
            Self::PcapNg(w) => w.mark(),
            Self::Pcap(_) | Self::Snoop(_) => SectionMark::default(),
        }
    }
}
