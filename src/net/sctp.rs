//! SCTP user messages from DATA chunks (RFC 9260 section 3.3.1) and I-DATA chunks (RFC 8260).
//!
//! ```text
//! DATA   type 0  | flags | length | TSN (4) | stream (2) | sequence (2)             | PPID (4)        | bytes
//! I-DATA type 64 | flags | length | TSN (4) | stream (2) | 0 (2) | message id (4)   | PPID or FSN (4) | bytes
//! ```
//!
//! Fragments of a message have consecutive TSNs from the one flagged B to the one flagged E; a message is told as
//! soon as all are there, whatever came before it. A TSN seen before is a retransmission.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use hashbrown::HashMap;

use super::slice::{be16, be32};
use super::{IpPacket, Sliced};
use crate::capture::{FrameRef, Nanos};
use crate::limits::Limits;

const DATA: u8 = 0;
const INIT: u8 = 1;
const I_DATA: u8 = 64;
const END: u8 = 1;
const BEGIN: u8 = 2;

/// TSNs behind the newest one that are remembered; fragments from before them are dropped.
const WINDOW: u32 = 1024;
/// A TSN farther than this from the newest one begins anew.
const FAR: i64 = 1 << 20;
/// Fragments that wait for the rest of their message, over all associations.
const FRAGMENTS: usize = 16_384;
/// Memory that a fragment costs beside its bytes.
const FRAGMENT_COST: usize = 128;

/// A DATA or I-DATA chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataChunk<'a> {
    /// First fragment of a user message.
    pub begin: bool,
    /// Last fragment of a user message.
    pub end: bool,
    pub tsn: u32,
    pub stream: u16,
    /// Stream sequence number, or message identifier of an I-DATA chunk.
    pub sequence: u32,
    /// Payload protocol identifier; 0 in I-DATA fragments but the first.
    pub ppid: u32,
    pub bytes: &'a [u8],
    /// Bytes that the chunk had but the capture has not.
    pub missing: u32,
}

/// Whether a chunk is the first and the last fragment of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkFlags {
    pub begin: bool,
    pub end: bool,
}

/// Flags, TSN and length of the header of a DATA or I-DATA chunk that is told by its first byte.
pub fn chunk_flags(chunk: &[u8]) -> Option<(ChunkFlags, u32, usize)> {
    let (kind, flags) = (*chunk.first()?, *chunk.get(1)?);
    let header = if kind == DATA { 16 } else { 20 };
    (chunk.len() >= header)
        .then_some(())
        .and(be32(chunk, 4))
        .map(|tsn| (ChunkFlags { begin: flags & BEGIN != 0, end: flags & END != 0 }, tsn, header))
}

/// Walks the DATA chunks of a packet ([`Sliced::Sctp`]'s `chunks`); ends at the first chunk that makes no sense.
pub fn data_chunks(mut chunks: &[u8]) -> impl Iterator<Item = DataChunk<'_>> {
    std::iter::from_fn(move || {
        loop {
            let (kind, flags) = (*chunks.first()?, *chunks.get(1)?);
            let length = usize::from(be16(chunks, 2)?);
            if length < 4 {
                return None;
            }
            let whole = chunks.get(..length.min(chunks.len()))?;
            chunks = chunks.get((length + 3) & !3..).unwrap_or(&[]);
            let header = match kind {
                DATA => 16,
                I_DATA => 20,
                _ => continue,
            };
            if length <= header {
                continue;
            }
            let bytes = whole.get(header..)?;
            let (begin, end) = (flags & BEGIN != 0, flags & END != 0);
            return Some(DataChunk {
                begin,
                end,
                tsn: be32(whole, 4)?,
                stream: be16(whole, 8)?,
                sequence: if kind == DATA { u32::from(be16(whole, 10)?) } else { be32(whole, 12)? },
                ppid: match (kind, begin) {
                    (DATA, _) => be32(whole, 12)?,
                    (_, true) => be32(whole, 16)?,
                    (_, false) => 0,
                },
                bytes,
                missing: (length - whole.len()) as u32,
            });
        }
    })
}

/// A user message.
#[derive(Debug)]
pub struct SctpMessage<'a> {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub stream: u16,
    pub ppid: u32,
    /// Without what the capture cut off.
    pub bytes: &'a [u8],
    /// Bytes cut off behind them.
    pub missing: u32,
    /// The frame that completed it.
    pub frame: FrameRef,
    /// All its frames in the order of its bytes.
    pub parts: &'a [FrameRef],
}

/// Ends, and the verification tag that tells associations between them apart.
type Key = (SocketAddr, SocketAddr, u32);

#[derive(Debug)]
struct Fragment {
    begin: bool,
    end: bool,
    stream: u16,
    ppid: u32,
    bytes: Vec<u8>,
    missing: u32,
    frame: FrameRef,
}

impl Fragment {
    fn cost(&self) -> usize {
        self.bytes.len() + FRAGMENT_COST
    }
}

/// One direction of an association.
#[derive(Debug, Default)]
struct Flow {
    /// Highest TSN seen, and which of those before it were seen.
    newest: Option<u32>,
    seen: VecDeque<u64>,
    /// By TSN, counted on over wraps.
    fragments: BTreeMap<u64, Fragment>,
    serial: u64,
}

/// Puts user messages together for the associations of one capture.
#[derive(Debug, Default)]
pub struct SctpTable {
    flows: HashMap<Key, Flow, foldhash::fast::RandomState>,
    order: BTreeMap<u64, Key>,
    serial: u64,
    fragments: usize,
    held: usize,
}

/// How the chunks of a packet count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkUse {
    /// Some bytes were delivered, or held for later.
    New,
    /// No data, or nothing new.
    Nothing,
    /// Some were dropped; the name of the limit (a field of `Limits`).
    OverLimit(&'static str),
}

impl SctpTable {
    /// Takes the chunks of a packet. Held fragments count against `tcp_gap_bytes_total`, flows against
    /// `tcp_connections`, messages against `message_bytes`.
    #[expect(clippy::too_many_arguments, reason = "a packet, its place in the capture, and where to tell")]
    pub fn push(
        &mut self,
        ip: &IpPacket<'_>,
        src_port: u16,
        dst_port: u16,
        chunks: &[u8],
        frame: FrameRef,
        time: Nanos,
        limits: &Limits,
        sink: &mut dyn FnMut(SctpMessage<'_>),
    ) -> ChunkUse {
        let _ = time;
        let (src, dst) = (SocketAddr::new(ip.src, src_port), SocketAddr::new(ip.dst, dst_port));
        // The header before the chunks: ports, verification tag, checksum.
        let key = (src, dst, be32(ip.payload, 4).unwrap_or(0));
        if chunks.first() == Some(&INIT) {
            return ChunkUse::Nothing;
        }
        let mut used = ChunkUse::Nothing;
        for chunk in data_chunks(chunks) {
            match self.take(key, chunk, frame, limits, sink) {
                ChunkUse::Nothing => {}
                ChunkUse::New if matches!(used, ChunkUse::OverLimit(_)) => {}
                other => used = other,
            }
        }
        used
    }

    /// Fragments that still wait for the rest of their message.
    pub fn pending(&self) -> u64 {
        self.fragments as u64
    }

    fn take(
        &mut self,
        key: Key,
        chunk: DataChunk<'_>,
        frame: FrameRef,
        limits: &Limits,
        sink: &mut dyn FnMut(SctpMessage<'_>),
    ) -> ChunkUse {
        if !self.flows.contains_key(&key) {
            while self.flows.len() >= limits.tcp_connections.max(1) {
                let Some((_, oldest)) = self.order.pop_first() else { break };
                self.forget(&oldest);
            }
            self.serial += 1;
            self.order.insert(self.serial, key);
            self.flows.insert(key, Flow { serial: self.serial, ..Flow::default() });
        }
        // Others' stale fragments make room for these.
        let needed = chunk.bytes.len() + FRAGMENT_COST;
        while !(chunk.begin && chunk.end)
            && (self.fragments >= FRAGMENTS || self.held + needed > limits.tcp_gap_bytes_total)
        {
            let Some(oldest) = self.order.values().find(|other| **other != key).copied() else { break };
            self.forget(&oldest);
        }
        let Some(flow) = self.flows.get_mut(&key) else { return ChunkUse::Nothing };
        let stale = flow.stale(chunk.tsn);
        for fragment in stale {
            self.fragments -= 1;
            self.held -= fragment.cost();
        }
        let Some(at) = flow.first_time(chunk.tsn) else { return ChunkUse::Nothing };
        if chunk.begin && chunk.end {
            sink(SctpMessage {
                src: key.0,
                dst: key.1,
                stream: chunk.stream,
                ppid: chunk.ppid,
                bytes: chunk.bytes,
                missing: chunk.missing,
                frame,
                parts: &[frame],
            });
            return ChunkUse::New;
        }
        if self.fragments >= FRAGMENTS || self.held + needed > limits.tcp_gap_bytes_total {
            return ChunkUse::OverLimit("tcp_gap_bytes_total");
        }
        let fragment = Fragment {
            begin: chunk.begin,
            end: chunk.end,
            stream: chunk.stream,
            ppid: chunk.ppid,
            bytes: chunk.bytes.to_vec(),
            missing: chunk.missing,
            frame,
        };
        self.fragments += 1;
        self.held += fragment.cost();
        flow.fragments.insert(at, fragment);
        let Some((first, last)) = flow.message_around(at) else { return ChunkUse::New };

        let mut bytes = Vec::new();
        let mut parts = Vec::new();
        let (mut stream, mut ppid, mut missing) = (0, 0, 0u32);
        for tsn in first..=last {
            let Some(fragment) = flow.fragments.remove(&tsn) else { continue };
            self.fragments -= 1;
            self.held -= fragment.cost();
            if fragment.begin {
                (stream, ppid) = (fragment.stream, fragment.ppid);
            }
            // Behind a cut nothing joins on.
            if missing > 0 {
                missing = missing.saturating_add(fragment.bytes.len() as u32);
            } else {
                bytes.extend_from_slice(&fragment.bytes);
            }
            missing = missing.saturating_add(fragment.missing);
            parts.push(fragment.frame);
        }
        if bytes.len() > limits.message_bytes {
            return ChunkUse::OverLimit("message_bytes");
        }
        let (src, dst, _) = key;
        sink(SctpMessage { src, dst, stream, ppid, bytes: &bytes, missing, frame, parts: &parts });
        ChunkUse::New
    }

    fn forget(&mut self, key: &Key) {
        if let Some(flow) = self.flows.remove(key) {
            self.order.remove(&flow.serial);
            self.fragments -= flow.fragments.len();
            self.held -= flow.fragments.values().map(Fragment::cost).sum::<usize>();
        }
    }
}

impl Flow {
    /// Takes out the fragments that a new TSN leaves too far behind.
    fn stale(&mut self, tsn: u32) -> Vec<Fragment> {
        let Some(newest) = self.newest else { return Vec::new() };
        let ahead = i64::from(tsn.wrapping_sub(newest).cast_signed());
        if ahead.abs() > FAR {
            (self.newest, self.seen) = (None, VecDeque::new());
            return std::mem::take(&mut self.fragments).into_values().collect();
        }
        let mut gone = Vec::new();
        if let Some(base) = self.seen.front() {
            let keep = base.saturating_add_signed(ahead.max(0)).saturating_sub(u64::from(WINDOW));
            while let Some(entry) = self.fragments.first_entry()
                && *entry.key() < keep
            {
                gone.push(entry.remove());
            }
        }
        gone
    }

    /// The place of a TSN not seen before, counted on over wraps.
    fn first_time(&mut self, tsn: u32) -> Option<u64> {
        const START: u64 = 1 << 40;
        let newest = *self.newest.get_or_insert(tsn);
        let base = self.seen.front().copied().unwrap_or(START);
        let ahead = i64::from(tsn.wrapping_sub(newest).cast_signed());
        let at = base.saturating_add_signed(ahead);
        if ahead > 0 {
            self.newest = Some(tsn);
            self.seen.push_front(at);
        } else {
            if ahead < -i64::from(WINDOW) {
                return None;
            }
            match self.seen.binary_search_by(|other| at.cmp(other)) {
                Ok(_) => return None,
                Err(place) => self.seen.insert(place, at),
            }
        }
        self.seen.truncate(WINDOW as usize);
        Some(at)
    }

    /// First and last place of the message that the fragment at `at` completes.
    fn message_around(&self, at: u64) -> Option<(u64, u64)> {
        let mut first = at;
        while !self.fragments.get(&first)?.begin {
            first = first.checked_sub(1)?;
        }
        let mut last = at;
        while !self.fragments.get(&last)?.end {
            last += 1;
        }
        Some((first, last))
    }
}

impl Sliced<'_> {
    /// The DATA chunks of an SCTP packet.
    pub fn data_chunks(&self) -> impl Iterator<Item = DataChunk<'_>> {
        data_chunks(match self {
            Self::Sctp { chunks, .. } => chunks,
            _ => &[],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn chunk(flags: u8, tsn: u32, bytes: &[u8]) -> Vec<u8> {
        let length = 16 + bytes.len() as u16;
        let mut out = vec![DATA, flags];
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&tsn.to_be_bytes());
        out.extend_from_slice(&[0, 5, 0, 9, 0, 0, 0, 77]);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    fn packet() -> IpPacket<'static> {
        IpPacket {
            src: Ipv4Addr::new(10, 0, 0, 1).into(),
            dst: Ipv4Addr::new(10, 0, 0, 2).into(),
            dscp: 0,
            ttl: 64,
            id: 0,
            protocol: 132,
            fragment: None,
            payload: &[0x13, 0xc4, 0x13, 0xc4, 0, 0, 0, 7, 0, 0, 0, 0],
            missing: 0,
        }
    }

    fn push(
        table: &mut SctpTable,
        number: u32,
        chunks: &[u8],
        told: &mut Vec<(Vec<u8>, Vec<u32>)>,
    ) -> ChunkUse {
        let frame = FrameRef { frame: number, ..FrameRef::default() };
        table.push(&packet(), 5060, 5060, chunks, frame, 0, &Limits::default(), &mut |message| {
            assert_eq!((message.stream, message.ppid, message.src.port()), (5, 77, 5060));
            told.push((message.bytes.to_vec(), message.parts.iter().map(|part| part.frame).collect()));
        })
    }

    #[test]
    fn chunks_of_a_packet() {
        // A SACK (type 3) between two DATA chunks.
        let mut bytes = chunk(BEGIN | END, 1, b"abc");
        bytes.extend_from_slice(&[3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(chunk(BEGIN, 2, b"defgh"));
        let told: Vec<_> = data_chunks(&bytes).collect();
        assert_eq!(told.len(), 2);
        assert_eq!((told[0].bytes, told[0].tsn, told[0].begin, told[0].end), (&b"abc"[..], 1, true, true));
        assert_eq!(
            (told[1].bytes, told[1].stream, told[1].sequence, told[1].end),
            (&b"defgh"[..], 5, 9, false)
        );
        assert_eq!(data_chunks(&[0, 3, 0, 0]).count(), 0);
        let cut: Vec<_> = data_chunks(&bytes[..18]).collect();
        assert_eq!((cut[0].bytes, cut[0].missing), (&b"ab"[..], 1));
    }

    #[test]
    fn interleaved_data() {
        let bytes =
            [64, BEGIN | END, 0, 22, 0, 0, 0, 1, 0, 5, 0, 0, 0, 0, 0, 9, 0, 0, 0, 77, b'h', b'i', 0, 0];
        let told = data_chunks(&bytes).next().unwrap();
        assert_eq!((told.bytes, told.sequence, told.ppid), (&b"hi"[..], 9, 77));
    }

    #[test]
    fn fragments_and_retransmissions() {
        let (mut table, mut told) = (SctpTable::default(), Vec::new());
        assert_eq!(push(&mut table, 1, &chunk(END, 1, b"c"), &mut told), ChunkUse::New);
        push(&mut table, 2, &chunk(BEGIN, u32::MAX, b"a"), &mut told);
        push(&mut table, 3, &chunk(BEGIN | END, 2, b"next"), &mut told);
        assert_eq!(table.pending(), 2);
        push(&mut table, 4, &chunk(0, 0, b"b"), &mut told);
        assert_eq!(push(&mut table, 5, &chunk(0, 0, b"b"), &mut told), ChunkUse::Nothing);
        assert_eq!(push(&mut table, 6, &chunk(BEGIN | END, 2, b"next"), &mut told), ChunkUse::Nothing);
        assert_eq!(told, [(b"next".to_vec(), vec![3]), (b"abc".to_vec(), vec![2, 4, 1])]);
        assert_eq!((table.pending(), table.held), (0, 0));
    }

    #[test]
    fn fragments_that_never_complete_are_dropped() {
        let (mut table, mut told) = (SctpTable::default(), Vec::new());
        for tsn in 0..20_000 {
            assert_eq!(push(&mut table, 1, &chunk(0, tsn * 2, b"x"), &mut told), ChunkUse::New);
            assert!(table.fragments <= WINDOW as usize);
        }
        push(&mut table, 1, &chunk(BEGIN, 3_000_000_000, b"a"), &mut told);
        assert_eq!(table.fragments, 1);
        push(&mut table, 2, &chunk(END, 3_000_000_001, b"b"), &mut told);
        assert_eq!(told, [(b"ab".to_vec(), vec![1, 2])]);
        assert_eq!((table.fragments, table.held), (0, 0));
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (mut table, limits) = (SctpTable::default(), Limits::default());
            table.push(&packet(), 1, 2, &bytes, FrameRef::default(), 0, &limits, &mut |_| {});
        }
    }
}
