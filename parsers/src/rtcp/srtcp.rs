//! Telling SRTCP from RTCP without keys (RFC 3711 §3.4, RFC 7714 §9).

use std::ops::Range;

use super::u32_at;

/// What stands behind the encrypted packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrtcpTrailer {
    /// The E bit: the packets are encrypted, not only authenticated.
    pub encrypted: bool,
    /// Counts the SRTCP packets of the sender.
    pub index: u32,
    /// The word of E bit and index, in the datagram.
    pub word: Range<usize>,
}

/// First header and SSRC.
const CLEAR: usize = 8;
/// Senders count from 0 or 1, one a packet: this many take weeks. Bytes of other things seldom look like it, and headers
/// of RTCP never do (their second byte is 192 or more).
const MAX_INDEX: u32 = 1 << 22;
/// Bytes behind the word: tag in front of it (RFC 7714); tags of 80 and of 32 bits; each with a key identifier of one, two
/// or four bytes, of which OCS uses one.
const BEHIND: [usize; 12] = [0, 10, 11, 4, 12, 14, 1, 2, 5, 6, 8, 16];

fn first_length(datagram: &[u8]) -> Option<usize> {
    let &[first, kind, high, low] = datagram.first_chunk::<4>()?;
    let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    (first >> 6 == 2 && (192..=223).contains(&kind) && length >= CLEAR).then_some(length)
}

/// A word of E bit and index of a plausible size, `behind` bytes before the end.
fn word_at(datagram: &[u8], behind: usize, first_end: usize) -> Option<SrtcpTrailer> {
    let start = datagram.len().checked_sub(behind + 4)?;
    let word = u32_at(datagram, start)?;
    let trailer =
        SrtcpTrailer { encrypted: word >> 31 != 0, index: word & 0x7FFF_FFFF, word: start..start + 4 };
    (start >= first_end && trailer.index < MAX_INDEX).then_some(trailer)
}

/// The trailer of an encrypted datagram: where the first packet ends `first_end`, does an E bit with an index stand behind
/// it in one of the usual places? Says nothing about whether the packets make sense.
pub(super) fn encrypted_trailer(datagram: &[u8], first_end: usize) -> Option<SrtcpTrailer> {
    BEHIND.iter().filter_map(|&behind| word_at(datagram, behind, first_end)).find(|t| t.encrypted)
}

/// The trailer of a datagram that is authenticated only: its packets ended at `end`, where the word must stand.
pub(super) fn clear_trailer(datagram: &[u8], end: usize) -> Option<SrtcpTrailer> {
    let behind = datagram.len().checked_sub(end + 4)?;
    // Without a tag nothing is authenticated.
    if behind < 4 || !BEHIND.contains(&behind) {
        return None;
    }
    word_at(datagram, behind, end).filter(|t| !t.encrypted)
}

/// Is it SRTCP that cannot be read: one clear packet header, then neither the end nor another header of RTCP, and E bit
/// with index where they should be? Cheap, without allocation.
pub fn looks_like_srtcp(datagram: &[u8]) -> bool {
    let Some(end) = first_length(datagram).filter(|&end| end < datagram.len()) else {
        return false;
    };
    let next = datagram.get(end..).unwrap_or_default();
    // A second header in clear with a length that fits.
    if first_length(next).is_some_and(|length| length <= next.len()) {
        return false;
    }
    encrypted_trailer(datagram, end).is_some()
}
