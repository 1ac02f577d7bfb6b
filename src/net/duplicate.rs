//! The same packet captured twice (mirror ports, `-i any`, two capture points): contract.md's `duplicate`.

use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher as DigestHasher, SeedableRandomState};

use super::slice::{PlainUdp, ip_protocol};
use super::{IpPacket, Sliced};
use crate::capture::Nanos;

/// How far apart two copies may be.
const WINDOW: Nanos = 2_000_000;
/// Sets of the table, and packets remembered in each; at 1.5 million packets a second about a third of a set is
/// inside the window.
const SETS: usize = 1 << (64 - PLACE_SHIFT);
/// The bits of a digest above it say which set.
const PLACE_SHIFT: u32 = 54;
const WAYS: usize = 4;

// Random for each process, so that nobody can prepare two packets with one digest; the same for all its threads.
static STATE: LazyLock<SeedableRandomState> =
    LazyLock::new(|| SeedableRandomState::with_seed(0x6475_706c_6963_6174, SharedSeed::global_random()));

/// Identity of a packet: addresses, protocol, IP id, place of a fragment and the bytes above IP; 0 where the frame
/// has none. Stateless, runs on any thread.
///
/// Left out is what differs between copies of one packet: TTL and IP checksum (a routed copy), the transport
/// checksum (filled in by the network card behind one of the capture points).
pub fn frame_digest(sliced: &Sliced<'_>) -> u64 {
    sliced.ip().map_or(0, |ip| packet_digest(ip, ip.payload, 0))
}

/// [`frame_digest`] where `tail`, a hash that nobody can foresee, stands for the last `len` bytes of the packet:
/// comparable among packets whose ends are hashed alike.
pub fn frame_digest_with_tail(sliced: &Sliced<'_>, len: usize, tail: u64) -> u64 {
    sliced.ip().map_or(0, |ip| {
        let head = ip.payload.len().saturating_sub(len);
        packet_digest(ip, ip.payload.get(..head).unwrap_or_default(), tail)
    })
}

/// [`frame_digest`] of a plain datagram.
#[inline(always)]
pub fn datagram_digest(plain: &PlainUdp<'_>) -> u64 {
    let id = u32::from(plain.id);
    let mut hasher = begin(0, id, (0, false), ip_protocol::UDP);
    hash_v4(&mut hasher, *plain.src.ip(), *plain.dst.ip());
    hasher.write_u32(0);
    hash_parts(&mut hasher, plain.datagram, Some((6, 8)));
    digest_at(place(id, ip_protocol::UDP, plain.datagram), &hasher)
}

fn packet_digest(ip: &IpPacket<'_>, payload: &[u8], tail: u64) -> u64 {
    let (offset, more) = ip.fragment.map_or((0, false), |f| (f.offset, f.more));
    let mut hasher = begin(tail, ip.id, (offset, more), ip.protocol);
    match (ip.src, ip.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => hash_v4(&mut hasher, src, dst),
        (src, dst) => {
            hasher.write_u128(wide(src));
            hasher.write_u128(wide(dst));
        }
    }
    hasher.write_u32(ip.missing);
    let checksum = match ip.protocol {
        _ if offset != 0 => None,
        ip_protocol::UDP => Some((6, 8)),
        ip_protocol::TCP => Some((16, 18)),
        ip_protocol::SCTP => Some((8, 12)),
        _ => None,
    };
    hash_parts(&mut hasher, payload, checksum);
    digest_at(place(ip.id ^ offset << 16, ip.protocol, payload), &hasher)
}

#[inline(always)]
fn begin(tail: u64, id: u32, (offset, more): (u32, bool), protocol: u8) -> DigestHasher<'static> {
    let mut hasher = STATE.build_hasher();
    hasher.write_u64(tail);
    let fragment = u64::from(offset) << 9 | u64::from(more) << 8;
    hasher.write_u64(u64::from(id) << 32 | fragment | u64::from(protocol));
    hasher
}

#[inline(always)]
fn hash_v4(hasher: &mut impl Hasher, src: Ipv4Addr, dst: Ipv4Addr) {
    hasher.write_u64(u64::from(src.to_bits()) << 32 | u64::from(dst.to_bits()));
}

/// Bytes of media at its beginning and its end that stand for all of it, where there is more: numbers, time and source of
/// RTP are among the first, and no two packets with these, one IP id and one length come within the window.
const MEDIA_HEAD: usize = 48;
const MEDIA_TAIL: usize = 16;

/// `payload` without its checksum.
#[inline(always)]
fn hash_parts(hasher: &mut impl Hasher, payload: &[u8], checksum: Option<(usize, usize)>) {
    match checksum.and_then(|(from, to)| Some((payload.get(..from)?, payload.get(to..)?))) {
        Some((head, tail)) => {
            hasher.write(head);
            let is_media = checksum == Some((6, 8)) && tail.first().is_some_and(|b| b >> 6 == 2);
            match (is_media, tail.first_chunk::<MEDIA_HEAD>(), tail.last_chunk::<MEDIA_TAIL>()) {
                (true, Some(first), Some(last)) => {
                    hasher.write(first);
                    hasher.write(last);
                }
                _ => hasher.write(tail),
            }
        }
        None => hasher.write(payload),
    }
}

#[inline(always)]
fn digest_at(place: u16, hasher: &impl Hasher) -> u64 {
    (u64::from(place) << PLACE_SHIFT | hasher.finish() >> (64 - PLACE_SHIFT)).max(1)
}

/// The set a packet is remembered in. Unlike the digest it is the same in every run: what is forgotten where a table
/// of constant size is too small must not depend on chance. `id`: with the place of a fragment in it.
#[inline(always)]
fn place(id: u32, protocol: u8, payload: &[u8]) -> u16 {
    let mut hasher = foldhash::fast::FixedState::with_seed(7).build_hasher();
    hasher.write_u32(id);
    // Ports and the sequence numbers of TCP and RTP, without a checksum.
    let (head, from) = match protocol {
        ip_protocol::UDP => (6, 8),
        ip_protocol::SCTP => (8, 12),
        _ => (8, 8),
    };
    hasher.write(payload.get(..head).unwrap_or_default());
    hasher.write(payload.get(from..payload.len().min(16)).unwrap_or_default());
    (hasher.finish() >> PLACE_SHIFT) as u16
}

fn wide(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    digest: u64,
    time: Nanos,
}

/// Remembers the packets of the last 2 ms; of constant size.
#[derive(Debug)]
pub struct Duplicates {
    sets: Vec<[Slot; WAYS]>,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self { sets: vec![[Slot::default(); WAYS]; SETS] }
    }
}

impl Duplicates {
    /// [`Self::seen`] of packets that follow one another, into `told`. One after the other, so that the processor looks
    /// up the next while it waits for the memory of the one before.
    pub fn seen_each(&mut self, packets: impl Iterator<Item = (u64, Nanos)>, told: &mut Vec<bool>) {
        told.clear();
        told.extend(packets.map(|(digest, time)| self.seen(digest, time)));
    }

    /// Was the same packet seen within 2 ms before (or, in a capture out of order, after)?
    #[inline]
    pub fn seen(&mut self, digest: u64, time: Nanos) -> bool {
        if digest == 0 {
            return false;
        }
        let Some(set) = self.sets.get_mut((digest >> PLACE_SHIFT) as usize) else { return false };
        // The same packet's slot; else one that is empty or outside the window; else the oldest.
        let mut place = 0;
        let mut oldest = Nanos::MAX;
        for (index, slot) in set.iter().enumerate() {
            if slot.digest == digest {
                let near = slot.time.abs_diff(time) <= WINDOW as u64;
                if let Some(slot) = set.get_mut(index) {
                    slot.time = time;
                }
                return near;
            }
            let age = match slot.digest != 0 && slot.time.abs_diff(time) <= WINDOW as u64 {
                true => slot.time,
                false => Nanos::MIN,
            };
            if age < oldest {
                (oldest, place) = (age, index);
            }
        }
        if let Some(slot) = set.get_mut(place) {
            *slot = Slot { digest, time };
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;
    use crate::limits::Limits;
    use crate::net::slice_frame;

    fn digest(packet: &[u8]) -> u64 {
        frame_digest(&slice_frame(LinkType(101), packet, packet.len() as u32, &Limits::default()))
    }

    fn packet() -> Vec<u8> {
        let mut out = Vec::new();
        etherparse::PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .udp(5060, 5060)
            .write(&mut out, b"OPTIONS")
            .unwrap();
        out
    }

    #[test]
    fn a_routed_copy_is_the_same_packet() {
        let original = packet();
        let mut copy = original.clone();
        copy[8] -= 1;
        copy[10] ^= 0x55;
        copy[27] ^= 0x55; // UDP checksum, filled in by a card
        copy.extend_from_slice(b"padding");
        assert_ne!(digest(&original), 0);
        assert_eq!(digest(&original), digest(&copy));
    }

    #[test]
    fn what_is_forgotten_does_not_depend_on_chance() {
        // Found in one run, to be the same in the next.
        assert_eq!(digest(&packet()) >> PLACE_SHIFT, 258);
        let places = |step: u8| {
            let mut other = packet();
            other[5] = step;
            digest(&other) >> PLACE_SHIFT
        };
        let different: std::collections::BTreeSet<u64> = (0..=255).map(places).collect();
        assert!(different.len() > 200, "{} sets for 256 packets", different.len());
    }

    #[test]
    fn another_packet_is_not() {
        let original = packet();
        // IP id, source, destination, port, payload.
        for at in [5, 15, 19, 21, 30] {
            let mut other = original.clone();
            other[at] ^= 1;
            assert_ne!(digest(&original), digest(&other), "byte {at}");
        }
        assert_eq!(frame_digest(&Sliced::NotIp), 0);
    }

    /// A long packet of RTP by its head, its length (in the UDP header) and its end.
    #[test]
    fn media_is_told_by_its_ends() {
        let rtp = |len: usize| {
            let mut out = Vec::new();
            let mut media: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            media[0] = 0x80;
            let builder = etherparse::PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
            builder.udp(4000, 5000).write(&mut out, &media).unwrap();
            out
        };
        let original = rtp(172);
        // Sequence number, timestamp, source, the first bytes of the payload, the last.
        for at in [30, 33, 38, 60, 75, 28 + 171, 28 + 160] {
            let mut other = original.clone();
            other[at] ^= 1;
            assert_ne!(digest(&original), digest(&other), "byte {at}");
        }
        let with_length = |len: usize| {
            let mut out = rtp(len);
            let end = out.len() - 16;
            out[end..].copy_from_slice(&original[original.len() - 16..]);
            digest(&out)
        };
        assert_ne!(with_length(172), with_length(173));
        // What is short is hashed whole.
        let short = rtp(50);
        for at in 28..78 {
            let mut other = short.clone();
            other[at] ^= 1;
            assert_ne!(digest(&short), digest(&other), "byte {at}");
        }
    }

    #[test]
    fn two_milliseconds_either_way() {
        let mut seen = Duplicates::default();
        assert!(!seen.seen(0, 5) && !seen.seen(0, 5));
        assert!(!seen.seen(7, 1_000_000_000));
        assert!(seen.seen(7, 1_002_000_000));
        assert!(seen.seen(7, 1_000_000_001));
        assert!(!seen.seen(7, 1_002_000_002));
        assert!(!seen.seen(7, 0));
        assert!(!seen.seen(7, i64::MAX) && !seen.seen(7, i64::MIN));
    }

    #[test]
    fn stale_packets_make_room() {
        let mut seen = Duplicates::default();
        for round in 0..100i64 {
            for low in 0..4 {
                let digest = 0xff << 56 | (round as u64) << 8 | low;
                assert!(!seen.seen(digest, round * 3_000_000));
            }
            for low in 0..4 {
                let digest = 0xff << 56 | (round as u64) << 8 | low;
                assert!(seen.seen(digest, round * 3_000_000 + 1));
            }
        }
    }
}
