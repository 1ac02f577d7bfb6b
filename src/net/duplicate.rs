//! The same packet captured twice (mirror ports, `-i any`, two capture points): contract.md's `duplicate`.

use super::Sliced;
use crate::capture::Nanos;

/// Identity of a packet: addresses, protocol, IP id and the bytes above IP (TTL and checksum left out);
/// 0 where the frame has none. Stateless, runs on any thread.
pub fn frame_digest(sliced: &Sliced<'_>) -> u64 {
    let _ = sliced;
    0
}

/// Remembers the packets of the last 2 ms; of constant size.
#[derive(Debug, Default)]
pub struct Duplicates {}

impl Duplicates {
    /// Was the same packet seen within 2 ms before?
    pub fn seen(&mut self, digest: u64, time: Nanos) -> bool {
        let _ = (digest, time);
        false
    }
}
