//! Tells a message sent again from one sent for the first time.
//!
//! The bytes of a message hold its Via branch, CSeq and method or status, so the digest of all bytes and the flow
//! (source and destination) are all that has to be compared. Retransmissions follow within 32 s (RFC 3261, 64·T1);
//! instead of a clock the last messages are remembered: at least [`GENERATION`], at most twice as many.

use std::collections::HashSet;
use std::hash::BuildHasher;

use super::model::FlowId;

const GENERATION: usize = 1 << 17;

#[derive(Debug, Default)]
pub(super) struct Recent {
    new: HashSet<u64, foldhash::fast::RandomState>,
    old: HashSet<u64, foldhash::fast::RandomState>,
}

impl Recent {
    /// Whether these bytes went this way before; remembers that they did.
    pub fn seen(&mut self, flow: FlowId, digest: u64) -> bool {
        let key = foldhash::fast::FixedState::with_seed(0).hash_one((digest, flow.0));
        if self.new.contains(&key) {
            return true;
        }
        let seen = self.old.contains(&key);
        if self.new.len() >= GENERATION {
            std::mem::swap(&mut self.new, &mut self.old);
            self.new.clear();
        }
        self.new.insert(key);
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_bytes_same_way() {
        let mut r = Recent::default();
        assert!(!r.seen(FlowId(1), 7));
        assert!(r.seen(FlowId(1), 7));
        assert!(!r.seen(FlowId(2), 7), "another way is a hop, not a retransmission");
        assert!(!r.seen(FlowId(1), 8));
    }

    #[test]
    fn memory_is_bounded_and_a_generation_is_kept() {
        let mut r = Recent::default();
        for i in 0..3 * GENERATION as u64 {
            assert!(!r.seen(FlowId(0), i));
        }
        assert!(r.new.len() + r.old.len() <= 2 * GENERATION);
        assert!(r.seen(FlowId(0), 2 * GENERATION as u64));
        assert!(!r.seen(FlowId(0), 0));
    }
}
