//! Tells a message sent again from one sent for the first time.
//!
//! The bytes of a message hold its Via branch, CSeq and method or status, so the digest of all bytes and the flow
//! (source and destination) are all that has to be compared. Retransmissions follow within 32 s (RFC 3261, 64·T1);
//! instead of a clock the last messages are remembered, as many as [`SETS`] cache lines of [`WAYS`] hold: a look-up
//! touches one line of memory, whatever the size of the capture.

use super::model::FlowId;

const WAYS: usize = 8;
const SETS: usize = 1 << 15;

/// Keys of a set, the newest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    sets: Vec<[u64; WAYS]>,
}

impl Recent {
    /// Whether these bytes went this way before; remembers that they did.
    pub fn seen(&mut self, flow: FlowId, digest: u64) -> bool {
        // An odd multiplier spreads the few bits of the flow over the digest's.
        let key = (digest ^ u64::from(flow.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)).max(1);
        if self.sets.is_empty() {
            self.sets.resize(SETS, [0; WAYS]);
        }
        let Some(set) = self.sets.get_mut((key >> 49) as usize) else { return false };
        let seen = set.contains(&key);
        if !seen {
            set.copy_within(..WAYS - 1, 1);
            set[0] = key;
        }
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
    fn half_a_table_of_messages_is_remembered_and_the_oldest_go_first() {
        use std::hash::BuildHasher;
        let hash = |i: u64| foldhash::fast::FixedState::with_seed(5).hash_one(i);
        let mut r = Recent::default();
        let all = 4 * (SETS * WAYS) as u64;
        for i in 0..all {
            assert!(!r.seen(FlowId(0), hash(i)));
        }
        let last = (SETS * WAYS / 2) as u64;
        let kept = (all - last..all).filter(|i| r.seen(FlowId(0), hash(*i))).count() as u64;
        assert!(kept * 100 > last * 95, "{kept} of {last}");
        assert!(!r.seen(FlowId(0), hash(0)));
    }
}
