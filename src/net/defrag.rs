//! IP fragments in any order, overlapping or missing, within `Limits`.
//!
//! A datagram is known by source, destination, protocol and identification (IPv6: without the protocol, of which
//! only the first fragment's counts, RFC 8200 section 4.5). Where fragments overlap, the copy that came first
//! wins, whatever it is; [`Datagram::conflict`] tells when the other one disagreed (RFC 1858, "teardrop").

use std::collections::BTreeMap;
use std::net::IpAddr;

use hashbrown::HashMap;

use super::{Fragment, IpPacket, ip_protocol};
use crate::capture::{FrameRef, Nanos};
use crate::limits::Limits;

/// A datagram put together: [`Self::ip`] lends it as a packet.
#[derive(Debug)]
pub struct Datagram {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub dscp: u8,
    pub ttl: u8,
    pub id: u32,
    pub protocol: u8,
    /// IP payload, without gaps; it ends at the first byte that the capture cut off.
    pub payload: Vec<u8>,
    /// Bytes of the datagram from there on.
    pub missing: u32,
    /// Overlapping fragments held different bytes.
    pub conflict: bool,
    /// All frames, the completing one last.
    pub frames: Vec<FrameRef>,
}

impl Datagram {
    /// The datagram as the packet it was before it was fragmented, for [`slice_ip`](super::slice_ip).
    pub fn ip(&self) -> IpPacket<'_> {
        IpPacket {
            src: self.src,
            dst: self.dst,
            dscp: self.dscp,
            ttl: self.ttl,
            id: self.id,
            protocol: self.protocol,
            fragment: None,
            payload: &self.payload,
            missing: self.missing,
        }
    }
}

/// What became of a fragment.
#[derive(Debug)]
pub enum Defragmented {
    Pending,
    Whole(Datagram),
    /// A limit was hit; its name (a field of `Limits`).
    OverLimit(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    /// 0 for IPv6.
    protocol: u8,
    id: u32,
}

/// Bytes from one fragment that no earlier one had.
#[derive(Debug)]
struct Piece {
    bytes: Vec<u8>,
    missing: u32,
}

impl Piece {
    fn len(&self) -> u32 {
        self.bytes.len() as u32 + self.missing
    }
}

#[derive(Debug)]
struct Pending {
    serial: u64,
    since: Nanos,
    /// By offset; they touch, but never overlap.
    pieces: BTreeMap<u32, Piece>,
    /// Bytes the pieces cover.
    covered: u32,
    /// Bytes kept in memory.
    held: usize,
    /// Length of the datagram, once its last fragment came.
    total: Option<u32>,
    conflict: bool,
    /// Of the first fragment: DSCP, TTL, protocol.
    first: Option<(u8, u8, u8)>,
    frames: Vec<FrameRef>,
}

/// Puts the fragments of one capture together. Each frame given to [`Self::push`] is told of exactly once: in a
/// [`Datagram`], by `OverLimit`, by [`Self::given_up`], or at the end by [`Self::pending`].
#[derive(Debug, Default)]
pub struct Defragmenter {
    pending: HashMap<Key, Pending, foldhash::fast::RandomState>,
    /// By serial number, so from the oldest on.
    order: BTreeMap<u64, Key>,
    serial: u64,
    held: usize,
    fragments: usize,
    given_up: u64,
    /// The first frames that were given up.
    lost: Vec<FrameRef>,
    limit_hit: Option<&'static str>,
}

/// Frames of fragments without the others that are named.
const NAMED: usize = 8;

impl Defragmenter {
    /// Takes a fragment ([`Sliced::Fragment`](super::Sliced::Fragment)). To keep within the limits the oldest
    /// datagrams are given up.
    pub fn push(&mut self, ip: &IpPacket<'_>, frame: FrameRef, time: Nanos, limits: &Limits) -> Defragmented {
        self.expire(time, limits);
        let fragment = ip.fragment.unwrap_or(Fragment { offset: 0, more: false });
        let protocol = if ip.src.is_ipv6() { 0 } else { ip.protocol };
        let key = Key { src: ip.src, dst: ip.dst, protocol, id: ip.id };
        if ip.payload.len() > limits.pending_fragment_bytes {
            return Defragmented::OverLimit("pending_fragment_bytes");
        }
        while self.fragments >= limits.pending_fragments && self.give_up_oldest_but(&key) {
            self.limit_hit = Some("pending_fragments");
        }
        if self.fragments >= limits.pending_fragments {
            return Defragmented::OverLimit("pending_fragments");
        }
        while self.held + ip.payload.len() > limits.pending_fragment_bytes && self.give_up_oldest_but(&key) {
            self.limit_hit = Some("pending_fragment_bytes");
        }
        if self.held + ip.payload.len() > limits.pending_fragment_bytes {
            return Defragmented::OverLimit("pending_fragment_bytes");
        }

        let order = &mut self.order;
        let serial = &mut self.serial;
        let entry = self.pending.entry(key).or_insert_with(|| {
            *serial += 1;
            order.insert(*serial, key);
            Pending {
                serial: *serial,
                since: time,
                pieces: BTreeMap::new(),
                covered: 0,
                held: 0,
                total: None,
                conflict: false,
                first: None,
                frames: Vec::new(),
            }
        });
        let before = entry.held;
        entry.add(ip, fragment);
        entry.frames.push(frame);
        self.fragments += 1;
        self.held += entry.held - before;
        if entry.total != Some(entry.covered) {
            return Defragmented::Pending;
        }
        match self.remove(&key) {
            Some(whole) => Defragmented::Whole(whole.join(&key)),
            None => Defragmented::Pending,
        }
    }

    /// Frames held by datagrams that were given up (age, limit) since the last call.
    pub fn given_up(&mut self) -> u64 {
        std::mem::take(&mut self.given_up)
    }

    /// Name of the limit for which datagrams were given up since the last call.
    pub fn limit_hit(&mut self) -> Option<&'static str> {
        self.limit_hit.take()
    }

    /// Frames that still wait at the end.
    pub fn pending(&self) -> u64 {
        self.fragments as u64
    }

    /// The first frames of datagrams that were given up, or that still wait.
    pub fn incomplete(&self) -> Vec<FrameRef> {
        let waiting = self.order.values().filter_map(|key| self.pending.get(key)).flat_map(|p| &p.frames);
        self.lost.iter().chain(waiting).take(NAMED).copied().collect()
    }

    /// Gives up what began more than `fragment_seconds` from `time` (either way: clocks step back).
    pub fn expire(&mut self, time: Nanos, limits: &Limits) {
        let most = limits.fragment_seconds.unsigned_abs().saturating_mul(1_000_000_000);
        while let Some((_, key)) = self.order.first_key_value() {
            match self.pending.get(key) {
                Some(pending) if pending.since.abs_diff(time) <= most => break,
                _ => self.give_up(*key),
            }
        }
    }

    /// False when there is nothing else to give up.
    fn give_up_oldest_but(&mut self, keep: &Key) -> bool {
        match self.order.values().find(|key| *key != keep).copied() {
            Some(key) => {
                self.give_up(key);
                true
            }
            None => false,
        }
    }

    fn give_up(&mut self, key: Key) {
        if let Some(pending) = self.remove(&key) {
            self.given_up += pending.frames.len() as u64;
            let room = NAMED.saturating_sub(self.lost.len());
            self.lost.extend(pending.frames.iter().take(room));
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Pending> {
        let pending = self.pending.remove(key)?;
        self.order.remove(&pending.serial);
        self.held -= pending.held;
        self.fragments -= pending.frames.len();
        Some(pending)
    }
}

impl Pending {
    fn add(&mut self, ip: &IpPacket<'_>, fragment: Fragment) {
        let start = fragment.offset;
        let len = (ip.payload.len() as u32).saturating_add(ip.missing);
        let mut end = start.saturating_add(len);
        if fragment.offset == 0 && self.first.is_none() {
            self.first = Some((ip.dscp, ip.ttl, ip.protocol));
        }
        let reach = self.pieces.last_key_value().map_or(0, |(at, piece)| at + piece.len());
        if !fragment.more {
            match self.total {
                // The datagram cannot end before bytes that are there, nor at two places.
                Some(total) if total != end => self.conflict = true,
                None if reach > end => self.conflict = true,
                _ => self.total = Some(end),
            }
        }
        if let Some(total) = self.total
            && end > total
        {
            self.conflict = true;
            end = total;
        }

        // Into each hole between the pieces goes what the fragment has of it.
        let mut at = start;
        while at < end {
            let under = self.pieces.range(..=at).next_back().map(|(from, piece)| (*from, from + piece.len()));
            if let Some((from, to)) = under
                && to > at
            {
                let stop = to.min(end);
                self.compare(from, ip.payload, start, at, stop);
                at = stop;
                continue;
            }
            let next = self.pieces.range(at..).next().map_or(end, |(from, _)| (*from).min(end));
            let bytes = slice_of(ip.payload, at - start, next - start);
            let piece = Piece { bytes: bytes.to_vec(), missing: next - at - bytes.len() as u32 };
            self.held += bytes.len();
            self.covered += next - at;
            self.pieces.insert(at, piece);
            at = next;
        }
    }

    /// Notes when the piece at `from` and a fragment that begins at `start` differ between `at` and `stop`.
    fn compare(&mut self, from: u32, payload: &[u8], start: u32, at: u32, stop: u32) {
        let Some(piece) = self.pieces.get(&from) else { return };
        let old = slice_of(&piece.bytes, at - from, stop - from);
        let new = slice_of(payload, at - start, stop - start);
        if old.iter().zip(new).any(|(old, new)| old != new) {
            self.conflict = true;
        }
    }

    fn join(self, key: &Key) -> Datagram {
        let total = self.total.unwrap_or(self.covered);
        let mut payload = Vec::with_capacity(self.held);
        for piece in self.pieces.values() {
            payload.extend_from_slice(&piece.bytes);
            if piece.missing > 0 {
                break;
            }
        }
        let (dscp, ttl, protocol) = self.first.unwrap_or((0, 0, ip_protocol::NO_NEXT_HEADER));
        Datagram {
            src: key.src,
            dst: key.dst,
            dscp,
            ttl,
            id: key.id,
            protocol,
            missing: total.saturating_sub(payload.len() as u32),
            payload,
            conflict: self.conflict,
            frames: self.frames,
        }
    }
}

/// `bytes[from..to]` as far as it goes.
fn slice_of(bytes: &[u8], from: u32, to: u32) -> &[u8] {
    let end = (to as usize).min(bytes.len());
    bytes.get(from as usize..end).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn piece(bytes: &[u8], offset: u32, more: bool) -> IpPacket<'_> {
        IpPacket {
            src: Ipv4Addr::new(10, 0, 0, 1).into(),
            dst: Ipv4Addr::new(10, 0, 0, 2).into(),
            dscp: 46,
            ttl: 64,
            id: 7,
            protocol: 17,
            fragment: Some(Fragment { offset, more }),
            payload: bytes,
            missing: 0,
        }
    }

    fn frame(frame: u32) -> FrameRef {
        FrameRef { frame, ..FrameRef::default() }
    }

    fn push(d: &mut Defragmenter, number: u32, ip: &IpPacket<'_>) -> Option<Datagram> {
        match d.push(ip, frame(number), 0, &Limits::default()) {
            Defragmented::Whole(datagram) => Some(datagram),
            Defragmented::Pending => None,
            Defragmented::OverLimit(name) => panic!("{name}"),
        }
    }

    #[test]
    fn in_any_order() {
        let mut d = Defragmenter::default();
        assert!(push(&mut d, 1, &piece(b"last", 16, false)).is_none());
        assert!(push(&mut d, 2, &piece(b"12345678", 8, true)).is_none());
        assert_eq!(d.pending(), 2);
        let whole = push(&mut d, 3, &piece(b"abcdefgh", 0, true)).unwrap();
        assert_eq!(whole.payload, b"abcdefgh12345678last");
        assert_eq!(whole.frames, [frame(1), frame(2), frame(3)]);
        assert_eq!((whole.protocol, whole.dscp, whole.missing, whole.conflict), (17, 46, 0, false));
        assert_eq!((d.pending(), d.given_up(), d.held), (0, 0, 0));
    }

    #[test]
    fn first_copy_wins_and_conflicts_are_told() {
        let mut d = Defragmenter::default();
        push(&mut d, 1, &piece(b"aaaaaaaa", 8, true));
        push(&mut d, 2, &piece(b"bbbbbbbbbbbbbbbbbbbbbbbb", 0, true));
        let whole = push(&mut d, 3, &piece(b"cc", 24, false)).unwrap();
        assert_eq!(whole.payload, b"bbbbbbbbaaaaaaaabbbbbbbbcc");
        assert!(whole.conflict);
        push(&mut d, 1, &piece(b"aaaaaaaa", 0, true));
        push(&mut d, 2, &piece(b"aaaaaaaa", 0, true));
        assert!(!push(&mut d, 3, &piece(b"cc", 8, false)).unwrap().conflict);
    }

    #[test]
    fn teardrop() {
        // The second fragment lies inside the first.
        let mut d = Defragmenter::default();
        push(&mut d, 1, &piece(&[1; 40], 0, true));
        assert!(push(&mut d, 2, &piece(&[2; 4], 24, false)).is_none());
        // Two ends.
        let mut d = Defragmenter::default();
        push(&mut d, 1, &piece(&[1; 4], 24, false));
        push(&mut d, 2, &piece(&[1; 4], 32, false));
        let whole = push(&mut d, 3, &piece(&[1; 40], 0, true)).unwrap();
        assert_eq!((whole.payload.len(), whole.conflict), (28, true));
    }

    #[test]
    fn cut_fragments_end_the_payload() {
        let mut d = Defragmenter::default();
        let cut = IpPacket { missing: 8, ..piece(b"abcdefgh", 0, true) };
        push(&mut d, 1, &cut);
        let whole = push(&mut d, 2, &piece(b"12345678", 16, false)).unwrap();
        assert_eq!((&whole.payload[..], whole.missing), (&b"abcdefgh"[..], 16));
    }

    #[test]
    fn ipv6_counts_only_the_first_protocol() {
        let mut d = Defragmenter::default();
        let (src, dst) = ("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap());
        push(&mut d, 1, &IpPacket { src, dst, protocol: 60, ..piece(b"tail", 8, false) });
        let whole = push(&mut d, 2, &IpPacket { src, dst, ..piece(b"abcdefgh", 0, true) }).unwrap();
        assert_eq!((whole.protocol, &whole.payload[..]), (17, &b"abcdefghtail"[..]));
    }

    #[test]
    fn limits_and_age_account_for_every_frame() {
        let limits = Limits { pending_fragments: 10, ..Limits::default() };
        let mut d = Defragmenter::default();
        for id in 0..100u32 {
            let ip = IpPacket { id, ..piece(&[0; 8], 0, true) };
            assert!(matches!(d.push(&ip, frame(id), 0, &limits), Defragmented::Pending));
        }
        assert_eq!((d.given_up(), d.pending(), d.limit_hit()), (90, 10, Some("pending_fragments")));
        let mut over = 0;
        for n in 0..100u32 {
            let ip = IpPacket { id: 1000, ..piece(&[0; 8], n * 8, true) };
            over += u64::from(matches!(d.push(&ip, frame(n), 0, &limits), Defragmented::OverLimit(_)));
        }
        assert_eq!((d.given_up(), d.pending(), over), (10, 10, 90));
        let ip = piece(&[0; 8], 0, true);
        assert!(matches!(d.push(&ip, frame(1), 31_000_000_000, &limits), Defragmented::Pending));
        assert_eq!((d.given_up(), d.pending()), (10, 1));
        let small = Limits { pending_fragment_bytes: 64, ..Limits::default() };
        let mut d = Defragmenter::default();
        for id in 0..100u32 {
            d.push(&IpPacket { id, ..piece(&[0; 16], 0, true) }, frame(id), 0, &small);
            assert!(d.held <= 64);
        }
        assert_eq!(d.given_up() + d.pending(), 100);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_bytes(
            bytes in proptest::collection::vec(any::<u8>(), 1..400),
            cuts in proptest::collection::vec((0usize..50, 1usize..10), 0..40),
        ) {
            let mut d = Defragmenter::default();
            let units = bytes.len().div_ceil(8);
            let mut parts: Vec<(usize, usize)> =
                cuts.iter().map(|(at, len)| (at % units, (at % units + len).min(units))).collect();
            parts.extend((0..units).rev().map(|at| (at, at + 1)));
            let mut got = None;
            for (n, (from, to)) in parts.iter().enumerate() {
                let (from, to) = (from * 8, (to * 8).min(bytes.len()));
                let ip = piece(&bytes[from..to], from as u32, to < bytes.len());
                if let Some(whole) = push(&mut d, n as u32, &ip) {
                    got = Some(whole);
                    break;
                }
            }
            let got = got.expect("complete");
            prop_assert_eq!(got.payload, bytes);
            prop_assert!(!got.conflict);
        }
    }
}
