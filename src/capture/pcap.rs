//! pcap, in every dialect that was ever written.
//!
//! File header (24 bytes): magic 4, version 2+2, thiszone 4, sigfigs 4, snaplen 4, link type 4. The magic tells
//! byte order and resolution; the dialects that added fields to the record header without a magic of their own are
//! told by trying ([`dialect`]). Record header: seconds 4, fraction 4, captured length 4, original length 4, then
//! what the dialect adds.
//!
//! Deviations accepted: captured length above original length or snaplen, fractions of a second and more, as long
//! as a plausible header follows. What stands behind a header that makes no sense is searched for ([`resync`]).
//!
//! Sources: draft-ietf-opsawg-pcap; the file-format notes of tcpdump.org for the link type's upper bits.

use super::walk::{Found, Step, USUAL_FRAME_BYTES, Window};
use super::{FrameHead, LinkType, Nanos};
use crate::limits::Limits;

mod dialect;
mod resync;

pub(super) const FILE_HEADER: usize = 24;
/// The four fields that every dialect has.
pub(super) const RECORD_HEADER: usize = 16;

/// Order of the two lengths in a record header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    /// Before version 2.3.
    OriginalFirst,
    /// Version 2.3 was written either way.
    LargerIsOriginal,
}

/// What follows the 16 common bytes of a record header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Standard,
    /// Interface, protocol, packet type, padding: 8 bytes (1999-04-17 with the standard magic, Red Hat 6.1; and
    /// 1999-10-29 with the modified magic).
    Modified,
    /// The same and 4 bytes more (1999-09-15, SuSE 6.3).
    ModifiedSmp,
    /// 4 bytes of unknown meaning.
    Nokia,
}

impl Dialect {
    fn header_len(self) -> usize {
        match self {
            Self::Standard => RECORD_HEADER,
            Self::Modified => RECORD_HEADER + 8,
            Self::ModifiedSmp => RECORD_HEADER + 12,
            Self::Nokia => RECORD_HEADER + 4,
        }
    }
}

/// A record header's common fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    sec: u32,
    frac: u32,
    cap: u32,
    orig: u32,
}

#[derive(Debug, Clone)]
pub(super) struct PcapWalker {
    big: bool,
    /// Nanoseconds of one unit of the fraction.
    unit: u32,
    lengths: Lengths,
    dialect: Dialect,
    /// Dialects that this magic may stand for and that are yet to be told apart.
    candidates: &'static [Dialect],
    file_header: usize,
    pub link: LinkType,
    pub snaplen: u32,
    /// Captured lengths up to this need no proof.
    usual: u32,
    /// Captured lengths beyond this are not read.
    frame_bytes: u32,
    /// Second of the frame before, once there is one.
    second: Option<u32>,
    /// Where damage began that is being skipped.
    damage: Option<Damage>,
}

#[derive(Debug, Clone)]
struct Damage {
    offset: u64,
    code: &'static str,
    why: String,
}

struct Magic {
    unit: u32,
    extra: usize,
    candidates: &'static [Dialect],
}

fn magic(value: u32) -> Option<Magic> {
    const ONE: &[Dialect] = &[Dialect::Standard];
    let (unit, extra, candidates): (u32, usize, &'static [Dialect]) = match value {
        0xa1b2_c3d4 => (1_000, 0, &[Dialect::Standard, Dialect::Modified, Dialect::Nokia]),
        0xa1b2_cd34 => (1_000, 0, &[Dialect::Modified, Dialect::ModifiedSmp]),
        // The second is Navtel's spelling.
        0xa1b2_3c4d | 0xa12b_3c4d => (1, 0, ONE),
        // IXIA hardware and software captures: 4 bytes more in the file header.
        0x1c00_01ac => (1, 4, ONE),
        0x1c00_01ab => (1_000, 4, ONE),
        _ => return None,
    };
    Some(Magic { unit, extra, candidates })
}

/// Length of the file header that starts with this magic, read as a little-endian number.
pub(super) fn header_len(le: u32) -> Option<usize> {
    magic(le).or_else(|| magic(le.swap_bytes())).map(|m| FILE_HEADER + m.extra)
}

impl PcapWalker {
    /// Reads a file header.
    pub fn open(head: &[u8], limits: &Limits) -> Result<Self, String> {
        let window = Window { bytes: head, base: 0, last: false };
        let le = window.u32(0, false).unwrap_or_default();
        let (big, magic, value) = match (magic(le), magic(le.swap_bytes())) {
            (Some(m), _) => (false, m, le),
            (_, Some(m)) => (true, m, le.swap_bytes()),
            _ => return Err("not a pcap file".to_owned()),
        };
        let file_header = FILE_HEADER + magic.extra;
        let (Some(major), Some(minor), Some(snaplen), Some(network)) =
            (window.u16(4, big), window.u16(6, big), window.u32(16, big), window.u32(20, big))
        else {
            return Err("a pcap file cut short inside its header".to_owned());
        };
        if major < 2 {
            return Err(format!("pcap version {major}.{minor} is not known"));
        }
        let lengths = match (major, minor) {
            (2, 0..=2) | (543, _) => Lengths::OriginalFirst,
            (2, 3) => Lengths::LargerIsOriginal,
            _ => Lengths::CapturedFirst,
        };
        // Only version 2.4 was written in the dialects.
        let mut candidates = magic.candidates;
        if lengths != Lengths::CapturedFirst {
            candidates = &candidates[..1];
        }
        let mut unit = magic.unit;
        // The upper half tells the length of a frame check sequence.
        let mut link = LinkType(network as u16);
        if value == 0xa1b2_c3d4 && (major, minor) == (2, 2) {
            // AIX: interface types of RFC 1573, nanoseconds.
            let aix = match network {
                6 => Some(1),
                9 => Some(6),
                15 => Some(10),
                24 => Some(0),
                _ => None,
            };
            if let Some(number) = aix {
                link = LinkType(number);
                unit = 1;
            }
        }
        let believable = if snaplen == 0 { USUAL_FRAME_BYTES } else { snaplen.min(limits.frame_bytes) };
        Ok(Self {
            big,
            unit,
            lengths,
            dialect: candidates.first().copied().unwrap_or(Dialect::Standard),
            candidates,
            file_header,
            link,
            snaplen,
            usual: believable.min(limits.frame_bytes),
            frame_bytes: limits.frame_bytes,
            second: None,
            damage: None,
        })
    }

    /// Length of the file header.
    pub fn header_len(&self) -> usize {
        self.file_header
    }

    /// Whether the dialect is still to be told from the first records.
    pub fn undecided(&self) -> bool {
        self.candidates.len() > 1
    }

    /// Tells the dialect from the first records. `records` starts behind the file header; `last`: nothing follows.
    pub fn decide(&mut self, records: &[u8], last: bool) {
        let window = Window { bytes: records, base: 0, last };
        let best = self.candidates.iter().copied().min_by_key(|&d| dialect::faults(self, d, window));
        self.dialect = best.unwrap_or(self.dialect);
        self.candidates = &[];
    }

    fn header_bytes(&self) -> usize {
        self.dialect.header_len()
    }

    /// Longest captured length that a header may state and still be plausible.
    fn plausible_cap(&self) -> u32 {
        self.usual.max(USUAL_FRAME_BYTES).min(self.frame_bytes)
    }

    fn units_a_second(&self) -> u32 {
        1_000_000_000 / self.unit
    }

    #[inline]
    fn record(&self, bytes: &[u8], at: usize) -> Option<Record> {
        let h: &[u8; RECORD_HEADER] = bytes.get(at..)?.first_chunk()?;
        let field = |i: usize| {
            let v = u32::from_le_bytes([h[i], h[i + 1], h[i + 2], h[i + 3]]);
            if self.big { v.swap_bytes() } else { v }
        };
        let (first, second) = (field(8), field(12));
        let (cap, orig) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::LargerIsOriginal => (first.min(second), first.max(second)),
        };
        Some(Record { sec: field(0), frac: field(4), cap, orig })
    }

    /// Whether the lengths alone could stand in a header.
    fn lengths_plausible(&self, r: Record) -> bool {
        r.cap <= self.plausible_cap() && r.orig <= 128 << 20
    }

    #[inline]
    fn time(&self, r: Record) -> Nanos {
        // At most 2^32 s and 2^32 µs: far from the end of i64.
        i64::from(r.sec) * 1_000_000_000 + i64::from(r.frac) * i64::from(self.unit)
    }

    #[inline]
    fn frame(&self, start: usize, r: Record) -> FrameHead {
        FrameHead { start: start as u32, caplen: r.cap, origlen: r.orig, interface: 0, time: self.time(r) }
    }

    pub fn damaged(&self) -> bool {
        self.damage.is_some()
    }

    pub fn walk(&mut self, w: Window<'_>, mut at: usize, found: &mut Found<'_>) -> Step {
        if self.damage.is_some() {
            return self.skip_damage(w, at, found);
        }
        let header = self.header_bytes();
        let mut second = self.second;
        let per_second = self.units_a_second();
        loop {
            let Some(r) = self.record(w.bytes, at).filter(|_| w.bytes.len() - at >= header) else {
                self.second = second;
                if !w.last {
                    return Step::More { at, need: header };
                }
                let rest = w.bytes.len().saturating_sub(at);
                if rest > 0 {
                    let text =
                        format!("the file ends inside a record header, {rest} of {header} bytes are there");
                    found.issue("truncated-file", w.offset(at), text);
                }
                return Step::End;
            };
            let start = at + header;
            let end = start.saturating_add(r.cap as usize);
            let odd = r.cap > self.usual || r.frac >= per_second || (r.cap > r.orig && r.orig != 0);
            if odd || end > w.bytes.len() {
                self.second = second;
                match self.check(w, at, r, odd) {
                    Checked::Good => {}
                    Checked::Need(need) => return Step::More { at, need },
                    Checked::Cut => {
                        let text = format!(
                            "the file ends inside a frame, {} of {} bytes are there",
                            w.bytes.len().saturating_sub(start),
                            r.cap
                        );
                        found.issue("truncated-file", w.offset(at), text);
                        return Step::End;
                    }
                    Checked::Repaired(cap) => {
                        let text = format!(
                            "a record header states {} captured bytes; its original length of {cap} leads to the next record",
                            r.cap
                        );
                        found.issue("bad-record", w.offset(at), text);
                        let r = Record { cap, ..r };
                        found.frames.push(self.frame(start, r));
                        second = Some(r.sec);
                        at = start + cap as usize;
                        continue;
                    }
                    Checked::Bad => {
                        self.damage = Some(self.describe(w.offset(at), r));
                        return self.skip_damage(w, at, found);
                    }
                }
            }
            found.frames.push(self.frame(start, r));
            second = Some(r.sec);
            at = end;
        }
    }

    /// Looks closer at a header that is odd or whose frame lies beyond the bytes at hand.
    fn check(&self, w: Window<'_>, at: usize, r: Record, odd: bool) -> Checked {
        let header = self.header_bytes();
        if r.cap > self.frame_bytes {
            return self.repair(w, at, r);
        }
        let record = header + r.cap as usize;
        let have = w.bytes.len() - at;
        if !odd {
            return match (have >= record, w.last) {
                (true, _) => Checked::Good,
                (false, true) => Checked::Cut,
                (false, false) => Checked::Need(record),
            };
        }
        match self.record(w.bytes, at + record).filter(|_| have >= record + header) {
            Some(next) if self.lengths_plausible(next) => Checked::Good,
            Some(_) => self.repair(w, at, r),
            None if !w.last => Checked::Need(record + header),
            // A record, or one and a piece of the next, ends the file.
            None if have >= record => Checked::Good,
            None => self.repair(w, at, r),
        }
    }

    fn describe(&self, offset: u64, r: Record) -> Damage {
        if r.cap > self.frame_bytes && r.cap <= self.snaplen && r.cap <= r.orig {
            let why =
                format!("a frame of {} bytes is longer than the {} bytes allowed", r.cap, self.frame_bytes);
            return Damage { offset, code: "limit-frame-bytes", why };
        }
        let why = format!("a record header makes no sense (captured {} of {} bytes)", r.cap, r.orig);
        Damage { offset, code: "bad-record", why }
    }
}

/// What a closer look at a record header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checked {
    Good,
    /// Bytes needed from the header on to tell.
    Need(usize),
    /// The file ends inside the frame.
    Cut,
    /// The captured length is wrong, this is the right one.
    Repaired(u32),
    Bad,
}
