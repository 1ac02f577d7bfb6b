//! Finding the next block behind one that makes no sense: a known type whose length is repeated where it should be.

use super::*;

/// Bytes searched at a time; blocks longer than that are not found again, save by what follows them.
const LOOKAHEAD: usize = 512 << 10;

pub(super) fn known(kind: u32) -> bool {
    matches!(kind, SECTION_HEADER | CUSTOM | CUSTOM_NOT_COPIED | INTERFACE..=SECRETS)
}

impl PcapNgWalker {
    /// Whether a block header could stand at `at`; none where too few bytes are at hand to tell.
    pub(super) fn header_plausible(&self, w: Window<'_>, at: usize, big: bool) -> Option<bool> {
        let (Some(kind), Some(total)) = (w.u32(at, big), w.u32(at + 4, big)) else {
            return if w.last { Some(at == w.bytes.len()) } else { None };
        };
        if kind == SECTION_HEADER {
            return Some(true);
        }
        Some(
            known(kind)
                && total as usize >= SMALLEST_BLOCK
                && total.is_multiple_of(4)
                && total <= self.block_bytes,
        )
    }

    /// Whether a whole block of known type stands at `at`.
    fn block_stands(&self, w: Window<'_>, at: usize) -> bool {
        let Some(kind) = w.u32(at, self.mark.big).filter(|&kind| known(kind)) else { return false };
        let Some(big) = self.byte_order(w, at, kind) else { return false };
        let Some(total) = w.u32(at + 4, big) else { return false };
        let length = total as usize;
        length >= SMALLEST_BLOCK
            && length.is_multiple_of(4)
            && total <= self.block_bytes
            && at.checked_add(length - 4).and_then(|end| w.u32(end, big)) == Some(total)
            && self.header_plausible(w, at + length, big).unwrap_or(true)
    }

    /// The first whole block at or behind `from`.
    pub(super) fn find_block(&self, w: Window<'_>, from: usize) -> Option<usize> {
        (from..w.bytes.len()).find(|&at| self.block_stands(w, at))
    }

    pub(super) fn skip_damage(&mut self, w: Window<'_>, from: usize, found: &mut Found<'_>) -> Step {
        let Some(damage) = &self.damage else { return Step::Resynced { at: from } };
        let first = if w.offset(from) == damage.offset { from + 1 } else { from };
        let end = if w.last { w.bytes.len() } else { w.bytes.len().saturating_sub(LOOKAHEAD) };
        let next = (first..end).find(|&at| self.block_stands(w, at));
        let skipped_to = |at: usize| w.offset(at).saturating_sub(damage.offset);
        match next {
            Some(at) => {
                let text = format!("{}; {} bytes skipped to the next block", damage.why, skipped_to(at));
                found.issue(damage.code, damage.offset, text);
                self.damage = None;
                Step::Resynced { at }
            }
            None if !w.last => Step::More { at: end.max(first), need: LOOKAHEAD + 1 },
            None => {
                let text = format!(
                    "{}; nothing readable in the {} bytes from there to the end",
                    damage.why,
                    skipped_to(w.bytes.len())
                );
                found.issue(damage.code, damage.offset, text);
                self.damage = None;
                self.end(found)
            }
        }
    }
}
