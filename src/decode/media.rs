//! Media as it comes out of a capture: RTP with its header read ahead, RTCP, and what is only counted by flow.

use std::net::SocketAddr;

use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::rtp::parse_rtp;
use hashbrown::HashTable;

use super::{Keys, Sink, Transport};
use crate::capture::{FrameRef, Nanos};
use crate::net::{IpPacket, PlainUdp};

/// Media between two ends, counted: RTP, RTCP, and whatever else a channel of a relay carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaTally {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    /// TURN channel; 0 for none.
    pub channel: u16,
    pub rtp: u64,
    pub rtcp: u64,
    /// Neither of them.
    pub other: u64,
    pub bytes: u64,
    pub first: Nanos,
    pub first_frame: FrameRef,
    pub last: Nanos,
    /// Packets captured twice, in none of the other counts.
    pub duplicates: u64,
}

impl MediaTally {
    /// Of a single packet.
    #[expect(clippy::too_many_arguments, reason = "the coordinates of a packet")]
    pub fn one(
        src: SocketAddr,
        dst: SocketAddr,
        transport: Transport,
        channel: u16,
        kind: MediaKind,
        len: usize,
        time: Nanos,
        frame: FrameRef,
    ) -> Self {
        let of = |k: MediaKind| u64::from(k == kind);
        Self {
            src,
            dst,
            transport,
            channel,
            rtp: of(MediaKind::Rtp),
            rtcp: of(MediaKind::Rtcp),
            other: of(MediaKind::Other),
            bytes: len as u64,
            first: time,
            first_frame: frame,
            last: time,
            duplicates: 0,
        }
    }

    pub fn packets(&self) -> u64 {
        self.rtp + self.rtcp + self.other
    }
}

/// What a packet of media is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    Rtp,
    Rtcp,
    Other,
}

/// Ends of a flow of media, one of the flows of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaFlow {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub channel: u16,
}

/// A packet of media in its payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct MediaPacket<'a> {
    /// TURN channel; 0 for none.
    pub channel: u16,
    pub kind: MediaKind,
    /// The packet, as far as the capture holds it.
    pub bytes: &'a [u8],
    /// Its length on the wire.
    pub len: usize,
}

impl<'a> MediaPacket<'a> {
    pub fn new(channel: u16, kind: MediaKind, bytes: &'a [u8]) -> Self {
        Self { channel, kind, bytes, len: bytes.len() }
    }
}

/// What measuring needs of an RTP header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RtpFacts {
    pub ssrc: u32,
    pub timestamp: u32,
    pub sequence: u16,
    /// Bytes of the packet, header included.
    pub len: u16,
    pub payload_len: u16,
    /// Where the payload begins.
    pub payload_at: u16,
    pub payload_type: u8,
    pub marker: bool,
}

impl RtpFacts {
    /// `len`: of the packet on the wire.
    #[inline]
    pub fn of(packet: &[u8], len: usize) -> Option<Self> {
        const PLAIN: u16 = 12;
        let short = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        // Neither padding, nor extension, nor sources: as most are.
        if let Some(&[0x80, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]) = packet.first_chunk()
            && !matches!(second & 0x7f, 72..=76)
        {
            let len = short(len);
            return Some(Self {
                ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
                timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
                sequence: u16::from_be_bytes([s0, s1]),
                len,
                payload_len: len.saturating_sub(PLAIN),
                payload_at: PLAIN,
                payload_type: second & 0x7f,
                marker: second & 0x80 != 0,
            });
        }
        let h = parse_rtp(packet)?;
        Some(Self {
            ssrc: h.ssrc,
            timestamp: h.timestamp,
            sequence: h.sequence,
            len: short(len),
            payload_len: short((h.payload.len() as usize).saturating_add(len.saturating_sub(packet.len()))),
            payload_at: short(h.payload.start as usize),
            payload_type: h.payload_type,
            marker: h.marker,
        })
    }
}

/// A packet of RTP or RTCP as it comes out of a capture.
#[derive(Debug, Clone, Copy)]
pub struct DecodedMedia<'a> {
    /// The packet itself, as far as the capture holds it.
    pub bytes: &'a [u8],
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    /// TURN channel; 0 for none.
    pub channel: u16,
    pub frame: FrameRef,
    pub time: Nanos,
    pub dscp: u8,
    pub duplicate: bool,
    pub cut: bool,
}

impl<'a> DecodedMedia<'a> {
    /// What a datagram holds, of no channel.
    pub(super) fn datagram(
        bytes: &'a [u8],
        (src, dst): (SocketAddr, SocketAddr),
        ip: &IpPacket<'_>,
        (frame, time): (FrameRef, Nanos),
        duplicate: bool,
    ) -> Self {
        let (transport, channel) = (Transport::Udp, 0);
        let (dscp, cut) = (ip.dscp, ip.missing > 0);
        Self { bytes, src, dst, transport, channel, frame, time, dscp, duplicate, cut }
    }
}

/// What the sink keeps of a flow to find its stream again.
#[derive(Debug, Clone, Copy)]
pub struct StreamMemo {
    pub ssrc: u32,
    /// `u32::MAX`: nothing kept.
    pub slot: u32,
}

impl Default for StreamMemo {
    fn default() -> Self {
        Self { ssrc: 0, slot: u32::MAX }
    }
}

/// A frame of media: number of its flow in the batch, and what it is.
#[derive(Debug, Clone, Copy)]
pub struct MediaFrame {
    pub flow: u32,
    /// Of the packet in the batch's bytes, and how many of them are captured.
    pub start: u32,
    pub captured: u16,
    pub kind: MediaKind,
    pub dscp: u8,
    /// Of a packet of RTP; its `len` of all.
    pub rtp: RtpFacts,
}

/// Plain flows that are found without a table; of more, those seen last.
const RECENT: usize = 1024;

/// The media flows of a batch.
#[derive(Debug)]
pub struct MediaFlows {
    pub flows: Vec<MediaFlow>,
    pub frames: Vec<MediaFrame>,
    /// Positions in `flows`.
    table: HashTable<u32>,
    last: u32,
    /// Addresses, ports and position in `flows` of plain flows, each in the one place it can have.
    recent: Box<[(u64, u32, u32); RECENT]>,
}

impl Default for MediaFlows {
    fn default() -> Self {
        Self {
            flows: Vec::new(),
            frames: Vec::new(),
            table: HashTable::new(),
            last: u32::MAX,
            recent: Box::new([(0, 0, u32::MAX); RECENT]),
        }
    }
}

impl MediaFlows {
    pub fn clear(&mut self) {
        self.flows.clear();
        self.frames.clear();
        self.table.clear();
        self.last = u32::MAX;
        self.recent.fill((0, 0, u32::MAX));
    }

    /// Number of a flow of the batch.
    pub fn find(&self, flow: &MediaFlow, state: &foldhash::fast::RandomState) -> Option<usize> {
        let hash = flow_hash(flow, state);
        self.table.find(hash, |at| self.flows.get(*at as usize) == Some(flow)).map(|at| *at as usize)
    }

    /// Notes a frame of media, its packet beginning at `start` of the batch.
    pub(super) fn note(
        &mut self,
        flow: MediaFlow,
        packet: &MediaPacket<'_>,
        start: u32,
        dscp: u8,
        state: &foldhash::fast::RandomState,
    ) {
        // Packets of one flow often follow one another.
        if self.flows.get(self.last as usize) != Some(&flow) {
            self.last = self.number(flow, state);
        }
        self.push(self.last, packet, start, dscp);
    }

    /// [`Self::note`] of a datagram that is all RTP.
    #[inline(always)]
    pub(super) fn note_plain(
        &mut self,
        datagram: &PlainUdp<'_>,
        start: u32,
        state: &foldhash::fast::RandomState,
    ) {
        let (src, dst) = (datagram.src, datagram.dst);
        let addresses = u64::from(src.ip().to_bits()) << 32 | u64::from(dst.ip().to_bits());
        let ports = u32::from(src.port()) << 16 | u32::from(dst.port());
        let mixed = (addresses ^ u64::from(ports) << 20).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut flow = u32::MAX;
        let place = (mixed >> 54) as usize;
        if let Some(recent) = self.recent.get(place)
            && (recent.0, recent.1) == (addresses, ports)
        {
            flow = recent.2;
        }
        if flow == u32::MAX {
            flow = self
                .number(MediaFlow { src: SocketAddr::V4(src), dst: SocketAddr::V4(dst), channel: 0 }, state);
            if let Some(recent) = self.recent.get_mut(place) {
                *recent = (addresses, ports, flow);
            }
        }
        self.push(flow, &MediaPacket::new(0, MediaKind::Rtp, datagram.payload()), start, datagram.dscp);
    }

    /// Position of a flow in `flows`; it is put there if it is new.
    #[inline(never)]
    fn number(&mut self, flow: MediaFlow, state: &foldhash::fast::RandomState) -> u32 {
        let Self { flows, table, .. } = self;
        let hash = |f: &MediaFlow| flow_hash(f, state);
        let of = |at: &u32| flows.get(*at as usize);
        let entry = table.entry(hash(&flow), |at| of(at) == Some(&flow), |at| of(at).map_or(0, hash));
        let number = *entry.or_insert(flows.len() as u32).get();
        if number as usize == self.flows.len() {
            self.flows.push(flow);
        }
        number
    }

    #[inline(always)]
    fn push(&mut self, flow: u32, packet: &MediaPacket<'_>, start: u32, dscp: u8) {
        let len = u16::try_from(packet.len).unwrap_or(u16::MAX);
        let rtp = if packet.kind == MediaKind::Rtp { RtpFacts::of(packet.bytes, packet.len) } else { None };
        self.frames.push(MediaFrame {
            flow,
            start,
            captured: u16::try_from(packet.bytes.len()).unwrap_or(u16::MAX),
            kind: packet.kind,
            dscp,
            rtp: rtp.unwrap_or(RtpFacts { len, ..RtpFacts::default() }),
        });
    }
}

fn flow_hash(f: &MediaFlow, state: &foldhash::fast::RandomState) -> u64 {
    Keys::flow_hash(f.src, f.dst, Transport::Udp, state) ^ u64::from(f.channel)
}

/// Hands a packet of media to the sink, counted by itself. How many packets count as RTP now that did not before.
pub(super) fn give_packet(packet: &MediaPacket<'_>, at: &DecodedMedia<'_>, sink: &mut impl Sink) -> u32 {
    let (src, dst, transport) = (at.src, at.dst, at.transport);
    let accepted = give_content(packet.kind, packet.len, at, &mut StreamMemo::default(), sink);
    if !at.duplicate {
        sink.media(&MediaTally::one(
            src,
            dst,
            transport,
            packet.channel,
            packet.kind,
            packet.len,
            at.time,
            at.frame,
        ));
    }
    accepted
}

fn give_content(
    kind: MediaKind,
    len: usize,
    at: &DecodedMedia<'_>,
    memo: &mut StreamMemo,
    sink: &mut impl Sink,
) -> u32 {
    match kind {
        MediaKind::Rtp => RtpFacts::of(at.bytes, len).map_or(0, |facts| sink.rtp(&facts, at, memo)),
        MediaKind::Rtcp => {
            sink.rtcp(at);
            1
        }
        MediaKind::Other => {
            if makes_keys(at.bytes) {
                sink.key_exchange(at);
            }
            1
        }
    }
}

/// Whether a payload is part of an agreement on keys: ZRTP, or DTLS but for what is sent once there are keys.
pub(super) fn makes_keys(payload: &[u8]) -> bool {
    match payload.first() {
        Some(16..=19) => probe_datagram(payload) == Probe::Zrtp,
        Some(20..=22 | 25 | 32..=63) => probe_datagram(payload) == Probe::Dtls,
        _ => false,
    }
}

/// Counts of the media flows of the batch that is being taken.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    list: Vec<MediaTally>,
    /// One a flow.
    memos: Vec<StreamMemo>,
    /// Next of [`MediaFlows::frames`].
    next: usize,
}

impl Tallies {
    pub fn begin(&mut self, media: &MediaFlows) {
        self.next = 0;
        self.memos.clear();
        self.memos.resize(media.flows.len(), StreamMemo::default());
        self.list.clear();
        self.list.extend(media.flows.iter().map(|f| MediaTally {
            src: f.src,
            dst: f.dst,
            transport: Transport::Udp,
            channel: f.channel,
            rtp: 0,
            rtcp: 0,
            other: 0,
            bytes: 0,
            first: Nanos::MAX,
            first_frame: FrameRef::default(),
            last: Nanos::MIN,
            duplicates: 0,
        }));
    }

    /// Takes the next frame of media out of `bytes` of the batch. How many packets count as media now that did not before.
    #[inline]
    pub fn take(
        &mut self,
        media: &MediaFlows,
        bytes: &[u8],
        time: Nanos,
        frame: FrameRef,
        duplicate: bool,
        sink: &mut impl Sink,
    ) -> u32 {
        let Some(m) = media.frames.get(self.next) else { return 0 };
        self.next += 1;
        let at = m.flow as usize;
        let (Some(t), Some(memo)) = (self.list.get_mut(at), self.memos.get_mut(at)) else { return 0 };
        if duplicate {
            t.duplicates += 1;
        } else {
            match m.kind {
                MediaKind::Rtp => t.rtp += 1,
                MediaKind::Rtcp => t.rtcp += 1,
                MediaKind::Other => t.other += 1,
            }
            t.bytes += u64::from(m.rtp.len);
            if time < t.first {
                (t.first, t.first_frame) = (time, frame);
            }
            t.last = t.last.max(time);
        }
        if m.kind == MediaKind::Rtp && !duplicate && sink.usual_rtp(&m.rtp, *memo, time, frame, m.dscp) {
            return 1;
        }
        let start = m.start as usize;
        let packet = DecodedMedia {
            bytes: bytes.get(start..start + usize::from(m.captured)).unwrap_or_default(),
            src: t.src,
            dst: t.dst,
            transport: Transport::Udp,
            channel: t.channel,
            frame,
            time,
            dscp: m.dscp,
            duplicate,
            cut: m.captured < m.rtp.len,
        };
        match m.kind {
            MediaKind::Rtp => sink.rtp(&m.rtp, &packet, memo),
            MediaKind::Rtcp => {
                sink.rtcp(&packet);
                1
            }
            MediaKind::Other => {
                if makes_keys(packet.bytes) {
                    sink.key_exchange(&packet);
                }
                1
            }
        }
    }

    /// RTP packets taken of a flow of the batch so far.
    pub fn rtp_of(&self, flow: Option<usize>) -> u64 {
        flow.and_then(|at| self.list.get(at)).map_or(0, |t| t.rtp)
    }

    /// The flows with their counts.
    pub fn iter(&self) -> impl Iterator<Item = &MediaTally> {
        self.list.iter()
    }

    /// Gives away what was counted since the batch began, or since the last time.
    pub fn give(&mut self, sink: &mut impl Sink) {
        for t in self.list.drain(..) {
            if t.packets() + t.duplicates > 0 {
                sink.media(&t);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;
    use proptest::prelude::*;

    /// An RTP packet from one machine to another: `ends` are the last bytes of addresses and ports.
    fn frame([src, dst]: [u8; 2], ports: [u16; 2], sequence: u16) -> Vec<u8> {
        let mut rtp = vec![0x80, 0];
        rtp.extend(sequence.to_be_bytes());
        rtp.extend([0; 28]);
        let mut out = Vec::new();
        etherparse::PacketBuilder::ethernet2([2; 6], [3; 6])
            .ipv4([10, 0, 0, src], [10, 0, 1, dst], 64)
            .udp(ports[0], ports[1])
            .write(&mut out, &rtp)
            .unwrap();
        out
    }

    proptest! {
        /// More flows than there is room for at hand: each keeps the number that the table knows it by.
        #[test]
        fn plain_flows_have_the_numbers_of_the_table(
            packets in proptest::collection::vec((0u8..8, 0u8..8, 0u16..40, 0u16..40), 1..400),
            cleared in 0usize..400,
        ) {
            let state = foldhash::fast::RandomState::default();
            let (mut short, mut long) = (MediaFlows::default(), MediaFlows::default());
            for (n, (src, dst, from, to)) in packets.into_iter().enumerate() {
                if n == cleared {
                    short.clear();
                    long.clear();
                }
                let frame = frame([src, dst], [from + 5000, to + 6000], n as u16);
                let plain = PlainUdp::of(LinkType(1), &frame).unwrap();
                short.note_plain(&plain, 42, &state);
                let flow = MediaFlow { src: plain.src.into(), dst: plain.dst.into(), channel: 0 };
                let packet = MediaPacket::new(0, MediaKind::Rtp, plain.payload());
                long.note(flow, &packet, 42, plain.dscp, &state);
                prop_assert_eq!(short.find(&flow, &state), long.find(&flow, &state));
            }
            prop_assert_eq!(&short.flows, &long.flows);
            prop_assert_eq!(format!("{:?}", short.frames), format!("{:?}", long.frames));
        }
    }

    #[test]
    fn more_flows_than_are_kept_at_hand() {
        let state = foldhash::fast::RandomState::default();
        let mut flows = MediaFlows::default();
        for round in 0..2 {
            for n in 0..3 * RECENT {
                let frame = frame([1, (n % 250) as u8], [5000, 6000 + (n / 250) as u16], 7);
                flows.note_plain(&PlainUdp::of(LinkType(1), &frame).unwrap(), 42, &state);
                assert_eq!(flows.frames.last().unwrap().flow as usize, n, "{round}");
            }
        }
        assert_eq!(flows.flows.len(), 3 * RECENT);
    }
}
