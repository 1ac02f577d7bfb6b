//! Finding the next record behind a header that makes no sense: the first position from which a chain of headers
//! with sane lengths and times near each other leads on.

use super::{Checked, PcapWalker, Record};
use crate::capture::walk::{Found, Step, USUAL_FRAME_BYTES, Window};

/// Headers that must follow each other.
const CHAIN: usize = 3;
/// Seconds by which neighbours may differ.
const NEAR_SECONDS: u32 = 30 * 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chain {
    Yes,
    No,
    /// Not enough bytes to tell.
    Short,
}

impl PcapWalker {
    /// Looks whether the original length of a header whose captured length makes no sense leads to the next record.
    pub(super) fn repair(&self, w: Window<'_>, at: usize, r: Record) -> Checked {
        let fixed = Record { cap: r.orig, ..r };
        if r.orig == 0 || r.orig > r.cap || !self.header_plausible(fixed, self.second) {
            return Checked::Bad;
        }
        let next = at + self.header_bytes() + r.orig as usize;
        match self.chain(w, next, Some(r.sec), 1) {
            // Beyond the end nothing contradicts, and nothing can be read either.
            Chain::Yes if next > w.bytes.len() && w.last => Checked::Bad,
            Chain::Yes if next > w.bytes.len() => Checked::Need(next - at),
            Chain::Yes => Checked::Repaired(r.orig),
            Chain::No => Checked::Bad,
            Chain::Short => Checked::Need(next - at + self.lookahead()),
        }
    }

    /// Skips to the next plausible record, or to the end.
    pub(super) fn skip_damage(&mut self, w: Window<'_>, from: usize, found: &mut Found<'_>) -> Step {
        let Some(damage) = &self.damage else { return Step::Resynced { at: from } };
        // The broken header itself is not where records go on.
        let first = if w.offset(from) == damage.offset { from + 1 } else { from };
        for at in first..w.bytes.len() {
            match self.chain(w, at, self.second, CHAIN) {
                Chain::No => {}
                Chain::Short => return Step::More { at, need: self.lookahead() },
                Chain::Yes => {
                    let skipped = w.offset(at).saturating_sub(damage.offset);
                    let text =
                        format!("{}; {skipped} bytes skipped to the next plausible record", damage.why);
                    found.issue(damage.code, damage.offset, text);
                    self.damage = None;
                    return Step::Resynced { at };
                }
            }
        }
        if !w.last {
            return Step::More { at: w.bytes.len().max(first), need: self.lookahead() };
        }
        let skipped = w.offset(w.bytes.len()).saturating_sub(damage.offset);
        let text = format!("{}; nothing readable in the {skipped} bytes from there to the end", damage.why);
        found.issue(damage.code, damage.offset, text);
        self.damage = None;
        Step::End
    }

    /// Bytes that suffice to judge a chain.
    fn lookahead(&self) -> usize {
        CHAIN * (self.header_bytes() + self.longest())
    }

    /// Longest frame taken for plausible where the file is damaged.
    fn longest(&self) -> usize {
        let longest = if self.snaplen == 0 { USUAL_FRAME_BYTES } else { self.snaplen };
        longest.clamp(65_535, USUAL_FRAME_BYTES).min(self.frame_bytes) as usize
    }

    fn header_plausible(&self, r: Record, second: Option<u32>) -> bool {
        r.frac < self.units_a_second()
            && r.cap as usize <= self.longest()
            && r.cap <= r.orig
            && r.orig <= USUAL_FRAME_BYTES
            && match second {
                Some(second) => r.sec.abs_diff(second) <= NEAR_SECONDS,
                None => r.sec != 0,
            }
    }

    fn chain(&self, w: Window<'_>, mut at: usize, mut second: Option<u32>, length: usize) -> Chain {
        let header = self.header_bytes();
        for good in 0..length {
            let rest = w.bytes.len().saturating_sub(at);
            let Some(r) = self.record(w.bytes, at).filter(|_| rest >= header) else {
                // Less than a header is left: the cheap look at what there is keeps the scan from stopping at each byte.
                return match w.last {
                    false => Chain::Short,
                    // A single header proves itself only by ending where the file ends.
                    true if good > 0 && (rest == 0 || good > 1) => Chain::Yes,
                    true if good == 0 && length == 1 && rest == 0 => Chain::Yes,
                    true => Chain::No,
                };
            };
            // Empty frames are common in zeroed areas, so a chain does not begin with one.
            if !self.header_plausible(r, second) || (good == 0 && r.cap == 0 && length > 1) {
                return Chain::No;
            }
            second = Some(r.sec);
            at = at.saturating_add(header + r.cap as usize);
            if at > w.bytes.len() && w.last {
                // Cut inside the frame.
                return if good + 1 >= 2 || length == 1 { Chain::Yes } else { Chain::No };
            }
        }
        Chain::Yes
    }
}
