//! What correlation looks messages up by, hashed ahead where there is time for it: on the workers.

use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;

use callscope_parsers::sip::Scan;

use super::Transport;

/// Hashes of a message's Call-ID, flow, branch and tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// By the load's own random state.
    pub call_id: u64,
    pub flow: u64,
    /// The same in every run; 0 only for an empty value.
    pub branch: u32,
    pub from_tag: u32,
    pub to_tag: u32,
}

impl Keys {
    pub fn of(
        scan: &Scan<'_>,
        src: SocketAddr,
        dst: SocketAddr,
        transport: Transport,
        state: &foldhash::fast::RandomState,
    ) -> Self {
        Self {
            call_id: state.hash_one(scan.call_id),
            flow: Self::flow_hash(src, dst, transport, state),
            branch: short_hash(scan.branch),
            from_tag: short_hash(scan.from.tag),
            to_tag: short_hash(scan.to.tag),
        }
    }

    pub fn flow_hash(
        src: SocketAddr,
        dst: SocketAddr,
        transport: Transport,
        state: &foldhash::fast::RandomState,
    ) -> u64 {
        let mut h = state.build_hasher();
        for end in [src, dst] {
            match end {
                SocketAddr::V4(a) => h.write_u64(u64::from(a.ip().to_bits()) << 16 | u64::from(a.port())),
                SocketAddr::V6(a) => {
                    h.write_u128(a.ip().to_bits());
                    h.write_u64(u64::from(a.port()));
                }
            }
        }
        h.write_u64(transport as u64);
        h.finish()
    }
}

pub(super) fn short_hash(s: &[u8]) -> u32 {
    if s.is_empty() {
        return 0;
    }
    let hash = foldhash::fast::FixedState::with_seed(1).hash_one(s);
    ((hash >> 32) as u32 ^ hash as u32).max(1)
}
