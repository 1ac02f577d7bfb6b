//! snoop (RFC 1761), and what Shomiti made of it.
//!
//! File header (16 bytes): `snoop\0\0\0`, version 4, data link type 4. Record header (24 bytes): original length 4,
//! captured length 4, record length 4, cumulative drops 4, seconds 4, microseconds 4; then the frame and padding up
//! to the record length. All integers are big-endian.

use super::walk::{Found, Step, USUAL_FRAME_BYTES, Window};
use super::{CaptureNote, FrameHead, LinkType};
use crate::limits::Limits;

pub(super) const MAGIC: &[u8; 8] = b"snoop\0\0\0";
pub(super) const FILE_HEADER: usize = 16;
const RECORD_HEADER: usize = 24;
/// Padding of at least this size in the first record is what Shomiti's analyser wrote there.
const SHOMITI_TRAILER: u32 = 16;
/// Bytes searched behind a broken record header at a time.
const LOOKAHEAD: usize = 2 * (RECORD_HEADER + USUAL_FRAME_BYTES as usize);

#[derive(Debug, Clone)]
pub(super) struct SnoopWalker {
    pub link: LinkType,
    frame_bytes: u32,
    second: Option<u32>,
    drops: u32,
    damage: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    orig: u32,
    cap: u32,
    len: u32,
    drops: u32,
    sec: u32,
    usec: u32,
}

impl Record {
    fn read(w: Window<'_>, at: usize) -> Option<Self> {
        let field = |i: usize| w.u32(at.checked_add(i)?, true);
        Some(Self {
            orig: field(0)?,
            cap: field(4)?,
            len: field(8)?,
            drops: field(12)?,
            sec: field(16)?,
            usec: field(20)?,
        })
    }

    fn sane(&self, frame_bytes: u32) -> bool {
        self.cap <= frame_bytes
            && self.len >= self.cap.saturating_add(RECORD_HEADER as u32)
            && self.len - self.cap <= 4096
    }

    fn plausible(&self, second: Option<u32>) -> bool {
        self.sane(USUAL_FRAME_BYTES)
            && self.usec < 1_000_000
            && self.cap <= self.orig
            && self.cap > 0
            && second.is_none_or(|s| s.abs_diff(self.sec) <= 30 * 86_400)
    }
}

impl SnoopWalker {
    /// `head` starts with a whole file header and as much of the first record header as there is.
    pub fn open(head: &[u8], limits: &Limits) -> Result<Self, String> {
        let w = Window { bytes: head, base: 0, last: false };
        let version = w.u32(8, true).unwrap_or_default();
        if !(2..=5).contains(&version) {
            return Err(format!("snoop version {version} is not known"));
        }
        let datalink = w.u32(12, true).unwrap_or(u32::MAX);
        let shomiti = Record::read(w, FILE_HEADER).is_some_and(|r| {
            r.len.saturating_sub(r.cap).saturating_sub(RECORD_HEADER as u32) >= SHOMITI_TRAILER
        });
        Ok(Self {
            link: if shomiti { shomiti_link(datalink) } else { link(datalink) },
            frame_bytes: limits.frame_bytes,
            second: None,
            drops: 0,
            damage: None,
        })
    }

    pub fn damaged(&self) -> bool {
        self.damage.is_some()
    }

    pub fn walk(&mut self, w: Window<'_>, mut at: usize, found: &mut Found<'_>) -> Step {
        if self.damage.is_some() {
            return self.skip_damage(w, at, found);
        }
        loop {
            let rest = w.bytes.len().saturating_sub(at);
            let Some(r) = Record::read(w, at) else {
                if !w.last {
                    return Step::More { at, need: RECORD_HEADER };
                }
                if rest > 0 {
                    let text = format!(
                        "the file ends inside a record header, {rest} of {RECORD_HEADER} bytes are there"
                    );
                    found.issue("truncated-file", w.offset(at), text);
                }
                return self.end(found);
            };
            if !r.sane(self.frame_bytes) {
                self.damage = Some(w.offset(at));
                return self.skip_damage(w, at, found);
            }
            let frame_end = RECORD_HEADER + r.cap as usize;
            if rest < r.len as usize && !w.last {
                return Step::More { at, need: r.len as usize };
            }
            if rest < frame_end {
                let text = format!(
                    "the file ends inside a frame, {} of {} bytes are there",
                    rest.saturating_sub(RECORD_HEADER),
                    r.cap
                );
                found.issue("truncated-file", w.offset(at), text);
                return self.end(found);
            }
            found.frames.push(FrameHead {
                start: (at + RECORD_HEADER) as u32,
                caplen: r.cap,
                origlen: r.orig,
                interface: 0,
                time: i64::from(r.sec) * 1_000_000_000 + i64::from(r.usec) * 1_000,
            });
            self.second = Some(r.sec);
            self.drops = r.drops;
            at += (r.len as usize).min(rest);
        }
    }

    fn end(&self, found: &mut Found<'_>) -> Step {
        if self.drops > 0 {
            found.notes.push(CaptureNote::InterfaceDrops {
                interface: 0,
                received: None,
                dropped: Some(self.drops.into()),
            });
        }
        Step::End
    }

    fn skip_damage(&mut self, w: Window<'_>, from: usize, found: &mut Found<'_>) -> Step {
        let Some(offset) = self.damage else { return Step::Resynced { at: from } };
        let first = if w.offset(from) == offset { from + 1 } else { from };
        for at in first..w.bytes.len() {
            if !w.last && w.bytes.len() - at < LOOKAHEAD {
                return Step::More { at, need: LOOKAHEAD };
            }
            let Some(r) = Record::read(w, at).filter(|r| r.plausible(self.second)) else { continue };
            let next = at + r.len as usize;
            let follows = match Record::read(w, next) {
                Some(next) => next.plausible(Some(r.sec)),
                None => next == w.bytes.len(),
            };
            if follows {
                let skipped = w.offset(at).saturating_sub(offset);
                let text = format!(
                    "a record header makes no sense; {skipped} bytes skipped to the next plausible record"
                );
                found.issue("bad-record", offset, text);
                self.damage = None;
                return Step::Resynced { at };
            }
        }
        if !w.last {
            return Step::More { at: w.bytes.len().max(first), need: LOOKAHEAD };
        }
        let skipped = w.offset(w.bytes.len()).saturating_sub(offset);
        let text = format!(
            "a record header makes no sense; nothing readable in the {skipped} bytes from there to the end"
        );
        found.issue("bad-record", offset, text);
        self.damage = None;
        self.end(found)
    }
}

/// Data link types of RFC 1761 and of the IANA registry "snoop datalink types".
fn link(datalink: u32) -> LinkType {
    match datalink {
        0 | 4 | 25 => LinkType::ETHERNET,
        2 => LinkType(6),
        8 => LinkType(10),
        9 | 14 => LinkType::NULL,
        16 => LinkType(122),
        18 => LinkType(123),
        0x8000_0001 => LinkType(228),
        0x8000_0002 => LinkType(229),
        0x8000_0005 => LinkType(226),
        _ => LinkType::UNKNOWN,
    }
}

fn shomiti_link(datalink: u32) -> LinkType {
    match datalink {
        0 | 4 | 10 | 12 | 19 => LinkType::ETHERNET,
        2 | 11 | 13 | 14 => LinkType(6),
        8 => LinkType(10),
        _ => LinkType::UNKNOWN,
    }
}
