//! pcapng: sections, interfaces, packets, names, comments, secrets.
//!
//! Block: type 4, total length 4, body, total length again 4; bodies and options are padded to 32 bits. Each section
//! has its own byte order and its own interface numbers; here interfaces are numbered through all sections.
//!
//! Source: draft-ietf-opsawg-pcapng. Deviations accepted: a total length that leaves out the padding, a repeated
//! length that differs where another block follows, a captured length beyond its block (what is there is given),
//! blocks of unknown type (skipped and counted). Custom blocks, journal entries and system events get frame numbers,
//! as in Wireshark, on an interface of unknown medium that is made up for them.

use std::sync::Arc;

use super::walk::{Found, Step, Window};
use super::{CaptureIssue, CaptureNote, LinkType, Nanos};
use crate::limits::Limits;

mod blocks;
mod options;
mod resync;

pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const SECRETS: u32 = 10;
const JOURNAL: u32 = 9;
/// Sysdig's events, of three generations.
const SYSTEM_EVENTS: [u32; 3] = [0x204, 0x216, 0x221];
const CUSTOM: u32 = 0x0bad;
const CUSTOM_NOT_COPIED: u32 = 0x4000_0bad;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type, length and the length repeated.
const SMALLEST_BLOCK: usize = 12;
/// The fixed part of a section header block.
const SECTION_HEADER_BLOCK: usize = 28;

/// What it takes to turn an interface's packets into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NgInterface {
    pub link: LinkType,
    snaplen: u32,
    unit: TimeUnit,
    /// Seconds added to every time.
    offset: i64,
}

/// Unit of an interface's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeUnit {
    /// Nanoseconds in a unit.
    Nanos(u64),
    /// Units in a nanosecond.
    PerNano(u64),
    /// A unit is 2^-n s.
    Binary(u32),
}

impl TimeUnit {
    /// `if_tsresol`: the upper bit tells powers of 2 from powers of 10.
    fn from_tsresol(tsresol: u8) -> Self {
        let n = u32::from(tsresol & 0x7f);
        if tsresol & 0x80 != 0 {
            return Self::Binary(n);
        }
        match n {
            0..=9 => Self::Nanos(10_u64.pow(9 - n)),
            // 0: finer than any time of 64 bits.
            _ => Self::PerNano(10_u64.checked_pow(n - 9).unwrap_or(0)),
        }
    }

    fn nanos(self, units: u64) -> Nanos {
        let nanos = match self {
            Self::Nanos(n) => u128::from(units) * u128::from(n),
            Self::PerNano(n) => u128::from(units.checked_div(n).unwrap_or(0)),
            // 2^64 * 10^9 < 2^94
            Self::Binary(n) => (u128::from(units) * 1_000_000_000).checked_shr(n).unwrap_or(0),
        };
        Nanos::try_from(nanos).unwrap_or(Nanos::MAX)
    }
}

impl NgInterface {
    fn time(&self, units: u64) -> Nanos {
        self.unit.nanos(units).saturating_add(self.offset.saturating_mul(1_000_000_000))
    }
}

/// Where in the sections a walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SectionMark {
    big: bool,
    /// Interfaces of earlier sections.
    base: u32,
    /// Interfaces of this section so far.
    known: u32,
    /// The interface made up for records that are no packets, once there was one.
    foreign: Option<u32>,
    /// Time of the frame before, which a simple packet block takes over.
    time: Nanos,
}

#[derive(Debug, Clone)]
pub(super) struct PcapNgWalker {
    mark: SectionMark,
    /// All interfaces met.
    interfaces: Arc<Vec<NgInterface>>,
    /// Frames are read once more: interfaces are known, notes said.
    again: bool,
    frame_bytes: u32,
    block_bytes: u32,
    most_interfaces: u32,
    damage: Option<Damage>,
    skipped: Skipped,
    /// The limit on interfaces was told.
    over_interfaces: bool,
}

#[derive(Debug, Clone)]
struct Damage {
    offset: u64,
    code: &'static str,
    why: String,
}

/// Blocks passed over because their type is not known.
#[derive(Debug, Clone, Default)]
struct Skipped {
    blocks: u64,
    first: u64,
    /// The first few types met.
    types: Vec<u32>,
}

/// A block whose frame was checked.
#[derive(Clone, Copy)]
struct Block<'a> {
    kind: u32,
    /// Position of the block in the window.
    at: usize,
    /// Position of the body in the window.
    body_at: usize,
    body: &'a [u8],
}

/// What stands at a position.
enum Next<'a> {
    Block {
        block: Block<'a>,
        end: usize,
        complaint: Option<&'static str>,
    },
    /// Bytes needed from the position on.
    Need(usize),
    /// The file ends inside the block.
    Cut,
    Bad(&'static str, String),
}

impl PcapNgWalker {
    pub fn new(limits: &Limits) -> Self {
        Self {
            mark: SectionMark::default(),
            interfaces: Arc::default(),
            again: false,
            frame_bytes: limits.frame_bytes,
            block_bytes: limits.block_bytes,
            most_interfaces: limits.interfaces,
            damage: None,
            skipped: Skipped::default(),
            over_interfaces: false,
        }
    }

    /// The number that the next interface gets.
    fn next_interface(&self) -> u32 {
        let SectionMark { base, known, foreign, .. } = self.mark;
        let made_up = foreign.is_some_and(|f| f >= base);
        base.saturating_add(known).saturating_add(made_up.into())
    }

    pub fn mark(&self) -> SectionMark {
        self.mark
    }

    pub fn interfaces(&self) -> &Arc<Vec<NgInterface>> {
        &self.interfaces
    }

    /// A walker that reads frames once more from `mark` on.
    pub fn again(limits: &Limits, interfaces: Arc<Vec<NgInterface>>, mark: SectionMark) -> Self {
        Self { mark, interfaces, again: true, ..Self::new(limits) }
    }

    pub fn damaged(&self) -> bool {
        self.damage.is_some()
    }

    pub fn walk(&mut self, w: Window<'_>, mut at: usize, found: &mut Found<'_>) -> Step {
        if self.damage.is_some() {
            return self.skip_damage(w, at, found);
        }
        loop {
            match self.next(w, at) {
                Next::Block { block, end, complaint } => {
                    if let Some(complaint) = complaint {
                        found.issue("bad-block", w.offset(at), complaint.to_owned());
                    }
                    self.block(w, block, found);
                    at = end;
                }
                Next::Need(need) => return Step::More { at, need },
                Next::Cut => return self.cut(w, at, found),
                Next::Bad(code, why) => {
                    self.damage = Some(Damage { offset: w.offset(at), code, why });
                    return self.skip_damage(w, at, found);
                }
            }
        }
    }

    /// The file ends inside the block at `at`, or its length is wrong and blocks follow.
    fn cut(&mut self, w: Window<'_>, at: usize, found: &mut Found<'_>) -> Step {
        let rest = w.bytes.len().saturating_sub(at);
        if rest == 0 {
            return self.end(found);
        }
        if let Some(next) = self.find_block(w, at + 1) {
            let skipped = next - at;
            let text =
                format!("a block's length leads beyond the file; {skipped} bytes skipped to the next block");
            found.issue("bad-block", w.offset(at), text);
            return Step::Resynced { at: next };
        }
        let text = match w.u32(at + 4, self.mark.big) {
            Some(length) if rest >= 8 => {
                format!("the file ends inside a block, {rest} of {length} bytes are there")
            }
            _ => format!("the file ends inside a block header, {rest} of 8 bytes are there"),
        };
        found.issue("truncated-file", w.offset(at), text);
        self.end(found)
    }

    fn end(&mut self, found: &mut Found<'_>) -> Step {
        if self.skipped.blocks > 0 {
            let mut types: Vec<String> = self.skipped.types.iter().map(|t| format!("{t:#010x}")).collect();
            if types.len() == Skipped::TYPES {
                types.push("…".to_owned());
            }
            let text =
                format!("{} blocks of other kinds skipped (type {})", self.skipped.blocks, types.join(", "));
            // Of no frame: between which they stood is not kept.
            let issue = CaptureIssue { code: "unknown-block", offset: self.skipped.first, frame: None, text };
            found.notes.push(CaptureNote::Issue(issue));
            self.skipped = Skipped::default();
        }
        Step::End
    }

    /// Checks the frame of the block at `at`.
    fn next<'a>(&self, w: Window<'a>, at: usize) -> Next<'a> {
        let rest = w.bytes.len().saturating_sub(at);
        let more = |need: usize| if w.last { Next::Cut } else { Next::Need(need) };
        let Some(kind) = w.u32(at, self.mark.big) else { return more(SMALLEST_BLOCK) };
        let Some(big) = self.byte_order(w, at, kind) else {
            if rest < SMALLEST_BLOCK {
                return more(SMALLEST_BLOCK);
            }
            return Next::Bad("bad-block", "a section header's byte-order magic makes no sense".to_owned());
        };
        let Some(total) = w.u32(at + 4, big) else { return more(SMALLEST_BLOCK) };
        let length = total as usize;
        if length < SMALLEST_BLOCK || (kind == SECTION_HEADER && length < SECTION_HEADER_BLOCK) {
            return Next::Bad("bad-block", format!("a block states a length of {total} bytes"));
        }
        if total > self.block_bytes && !resync::known(kind) {
            return Next::Bad(
                "bad-block",
                format!("a block of no known kind states a length of {total} bytes"),
            );
        }
        if total > self.block_bytes {
            let why =
                format!("a block of {total} bytes is longer than the {} bytes allowed", self.block_bytes);
            return Next::Bad("limit-block-bytes", why);
        }
        // Some writers leave the padding out of the length.
        let padded = length.next_multiple_of(4);
        if rest < padded {
            return more(padded);
        }
        let block = |end: usize, complaint| Next::Block {
            block: Block {
                kind,
                at,
                body_at: at + 8,
                body: w.bytes.get(at + 8..at + end - 4).unwrap_or_default(),
            },
            end: at + end,
            complaint,
        };
        let repeated = |end: usize| w.u32(at + end - 4, big) == Some(total);
        if repeated(padded) {
            return block(padded, None);
        }
        if repeated(length) {
            return block(length, Some("a block's length is not a multiple of 4"));
        }
        // The repeated length is wrong, or the first one is: what follows tells.
        match self.header_plausible(w, at + padded, big) {
            Some(true) => block(padded, Some("the two lengths of a block differ")),
            Some(false) => Next::Bad(
                "bad-block",
                format!("a block's length of {total} bytes is not repeated at its end"),
            ),
            None => more(padded + SMALLEST_BLOCK),
        }
    }

    /// The byte order that holds for the block at `at`; none if it is a section header without a valid magic.
    fn byte_order(&self, w: Window<'_>, at: usize, kind: u32) -> Option<bool> {
        if kind != SECTION_HEADER {
            return Some(self.mark.big);
        }
        match w.u32(at + 8, false)? {
            BYTE_ORDER_MAGIC => Some(false),
            m if m.swap_bytes() == BYTE_ORDER_MAGIC => Some(true),
            _ => None,
        }
    }
}

impl Skipped {
    /// Types named.
    const TYPES: usize = 8;

    fn count(&mut self, kind: u32, offset: u64) {
        if self.blocks == 0 {
            self.first = offset;
        }
        self.blocks += 1;
        if self.types.len() < Self::TYPES && !self.types.contains(&kind) {
            self.types.push(kind);
        }
    }
}
