//! Tells a message sent again from one sent for the first time.
//!
//! The bytes of a message hold its Via branch, CSeq and method or status, so the digest of all bytes and the flow
//! (source and destination) are all that has to be compared. Both copies are of one call or dialog; each remembers
//! its last [`KEPT`] messages, which lie where adding a message has to look anyway.

use super::model::FlowId;

/// Messages remembered: between a message and its retransmission others of a forked call may stand.
const KEPT: usize = 12;

/// The last messages of a call or dialog, the newest first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recent {
    keys: [u32; KEPT],
}

impl Recent {
    /// Whether these bytes went this way before; remembers that they did.
    pub fn seen(&mut self, flow: FlowId, digest: u64) -> bool {
        // An odd multiplier spreads the few bits of the flow over the digest's.
        let key = digest ^ u64::from(flow.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let key = ((key >> 32 ^ key) as u32).max(1);
        let seen = self.keys.contains(&key);
        if !seen {
            self.keys.copy_within(..KEPT - 1, 1);
            self.keys[0] = key;
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u64) -> u64 {
        use std::hash::BuildHasher;
        foldhash::fast::FixedState::with_seed(5).hash_one(n)
    }

    #[test]
    fn same_bytes_same_way() {
        let mut r = Recent::default();
        assert!(!r.seen(FlowId(1), digest(7)));
        assert!(r.seen(FlowId(1), digest(7)));
        assert!(!r.seen(FlowId(2), digest(7)), "another way is a hop, not a retransmission");
        assert!(!r.seen(FlowId(1), digest(8)));
    }

    #[test]
    fn a_repeat_is_told_behind_others_and_keeps_its_place() {
        let mut r = Recent::default();
        assert!(!r.seen(FlowId(1), digest(0)));
        for n in 1..KEPT as u64 {
            assert!(!r.seen(FlowId(1), digest(n)));
        }
        assert!(r.seen(FlowId(1), digest(0)));
        assert!(!r.seen(FlowId(1), digest(99)));
        assert!(!r.seen(FlowId(1), digest(0)), "the oldest goes first");
    }
}
