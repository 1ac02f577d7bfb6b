//! Media: RTP streams as they are counted, and what RTCP says of them; fax beside them.
//!
//! A stream is an SSRC on a flow, whatever carries it there (datagrams, a TURN channel, Send and Data, a TCP
//! framing). Two bits of version are weak evidence for RTP: packets wait in doubt until three of one SSRC have numbers that
//! go on from one another. Those that never do, and went to an address that no SDP names, are no RTP.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::Analysis;
use super::model::*;
use crate::capture::{FrameRef, Nanos};
use crate::decode::{DecodedMedia, RtpFacts, StreamMemo};

mod again;
mod buckets;
mod fax;
mod handshake;
mod index;
mod jitter;
mod joined;
mod refused;
mod reports;
mod sequence;
mod stream;
#[cfg(test)]
mod tests;

pub use again::PacketAgain;
pub use buckets::{Bucket, Buckets};
pub use fax::{Fax, Faxes};
pub use handshake::{KeyExchange, KeyExchanges, KeyFailure, KeyProtocol, KeyState};
pub(in crate::correlate) use index::MediaCache;
pub use index::MediaIndex;
pub use joined::{
    ASSUMED_DELAY_MS, Codec, CodecConstants, CodecSource, DscpChange, Few, Follows, Hold, LossSplit,
    MediaStream, Mos, Protection, SectionMedia, Secured, StreamPair, StreamRelay, StreamSection,
    StreamSource, StreamTerms,
};
pub use refused::{Refused, StreamError};
pub use reports::{Heard, Report, Reports, RoundTrips, Sender, VoipReport};
pub use sequence::Losses;
pub use stream::{KeyPress, Mark, Packet, Stream, TypeUse};

use sequence::{MAX_DROPOUT, MAX_MISORDER};

/// Index of a stream in [`Media::streams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamIdx(pub u32);

/// With up to so many streams each may have as many buckets as [`crate::limits::Limits::media_buckets`] says; beyond it
/// fewer, so that memory stays bounded.
const FEW_STREAMS: usize = 4_096;
const BUCKETS_OF_MANY: usize = 64;
/// Marks a slot as one of the doubtful.
const DOUBTFUL: u32 = 1 << 31;
/// Packets of an SSRC that are looked at before it is taken for a stream.
const PROOF: usize = 3;
/// Timestamps of real packets do not stand still for so long.
const STANDSTILL: Nanos = 200_000_000;

/// Packets that may be RTP.
#[derive(Debug, Clone)]
pub struct Doubtful {
    pub flow: FlowId,
    pub ssrc: u32,
    pub channel: u16,
    /// The last ones, up to one less than prove a stream.
    packets: [HeldPacket; PROOF - 1],
    held: u8,
    /// Packets that were given up before them.
    passed: u32,
}

/// A packet that waits for others.
#[derive(Debug, Clone, Copy)]
struct HeldPacket {
    time: Nanos,
    frame: FrameRef,
    facts: RtpFacts,
    dscp: u8,
    /// The beginning of its payload.
    head: [u8; 4],
}

impl HeldPacket {
    fn of(p: &Packet<'_>) -> Self {
        let mut head = [0; 4];
        for (to, from) in head.iter_mut().zip(p.payload) {
            *to = *from;
        }
        Self { time: p.time, frame: p.frame, facts: p.facts, dscp: p.dscp, head }
    }

    fn packet(&self) -> Packet<'_> {
        let Self { time, frame, facts, dscp, ref head } = *self;
        Packet { time, frame, facts, dscp, duplicate: false, payload: head }
    }
}

impl Doubtful {
    /// The packets that wait, in order of arrival.
    pub fn packets(&self) -> impl Iterator<Item = Packet<'_>> {
        self.packets.iter().take(usize::from(self.held)).map(HeldPacket::packet)
    }

    /// There are packets, and none was given up before them.
    pub(super) fn is_all(&self) -> bool {
        self.held > 0 && self.passed == 0
    }

    /// The few packets as a stream; none where there were others whose numbers do not go on.
    pub(super) fn stream(&self) -> Option<Stream> {
        let first = self.packets().next().filter(|_| self.is_all())?;
        let mut stream = Stream::new(self.flow, &first);
        stream.channel = self.channel;
        self.packets().for_each(|p| stream.push(&p, 2));
        Some(stream)
    }

    /// Whether a packet and those before it are a stream.
    fn proves(&self, next: &Packet<'_>) -> bool {
        let [a, b] = self.packets.each_ref().map(HeldPacket::packet);
        if self.held < 2 {
            return false;
        }
        let goes_on = |before: &Packet<'_>, after: &Packet<'_>| {
            let step = after.facts.sequence.wrapping_sub(before.facts.sequence);
            (1..MAX_DROPOUT).contains(&step) || (1..=MAX_MISORDER).contains(&step.wrapping_neg())
        };
        let stamps = [a, b, *next].map(|p| p.facts.timestamp);
        let stands_still = stamps[0] == stamps[1] && stamps[1] == stamps[2];
        goes_on(&a, &b)
            && goes_on(&b, next)
            && a.facts.sequence != next.facts.sequence
            && !(stands_still && next.time - a.time > STANDSTILL)
    }

    fn hold(&mut self, next: &Packet<'_>) {
        let at = usize::from(self.held);
        if let Some(free) = self.packets.get_mut(at) {
            *free = HeldPacket::of(next);
            self.held += 1;
            return;
        }
        self.passed += 1;
        self.packets.rotate_left(1);
        if let Some(last) = self.packets.last_mut() {
            *last = HeldPacket::of(next);
        }
    }
}

/// All media of an analysis.
#[derive(Debug, Default)]
pub struct Media {
    pub streams: Vec<Stream>,
    /// By `FlowId`: whether there is a stream.
    proved: Vec<bool>,
    /// Hash of flow and SSRC, and the slot.
    table: HashTable<(u64, u32)>,
    /// In a ring: the oldest makes place.
    doubtful: Vec<Doubtful>,
    next_doubtful: usize,
    pub reports: Reports,
    pub keys: KeyExchanges,
    pub faxes: Faxes,
    pub refused: Refused,
    /// Packets of RTP, RTCP, fax and key exchanges, and errors about them, taken so far, to tell whether any came since.
    taken: u64,
    /// Packets of streams beyond the limit.
    pub not_kept: u64,
}

impl Media {
    pub fn stream(&self, at: StreamIdx) -> Option<&Stream> {
        self.streams.get(at.0 as usize)
    }

    /// What may be RTP: too few packets to tell, or numbers that do not go on.
    pub fn doubtful(&self) -> &[Doubtful] {
        &self.doubtful
    }

    /// Whether a flow carries a stream.
    pub(super) fn has_stream(&self, flow: FlowId) -> bool {
        self.proved.get(flow.0 as usize).is_some_and(|p| *p)
    }

    fn is_at(&self, slot: u32, flow: FlowId, ssrc: u32) -> bool {
        if slot & DOUBTFUL == 0 {
            self.streams.get(slot as usize).is_some_and(|s| s.flow == flow && s.ssrc == ssrc)
        } else {
            let at = (slot & !DOUBTFUL) as usize;
            self.doubtful.get(at).is_some_and(|d| d.flow == flow && d.ssrc == ssrc)
        }
    }

    fn find(&self, hash: u64, flow: FlowId, ssrc: u32) -> Option<u32> {
        self.table.find(hash, |(h, slot)| *h == hash && self.is_at(*slot, flow, ssrc)).map(|(_, slot)| *slot)
    }

    fn forget(&mut self, hash: u64, slot: u32) {
        if let Ok(entry) = self.table.find_entry(hash, |(_, known)| *known == slot) {
            entry.remove();
        }
    }
}

impl Analysis {
    /// Counts a packet that looks like RTP. How many packets count as RTP now that did not before.
    #[inline]
    pub fn add_rtp(&mut self, facts: &RtpFacts, packet: &DecodedMedia<'_>, memo: &mut StreamMemo) -> u32 {
        let most = self.buckets_of_each();
        if memo.ssrc == facts.ssrc
            && let Some(stream) = self.media.streams.get_mut(memo.slot as usize)
        {
            stream.channel = packet.channel;
            stream.push(&packet_of(facts, packet), most);
            self.media.taken += 1;
            return 1;
        }
        let Some(flow) = self.media_flow(packet) else { return 0 };
        let (slot, accepted) = self.rtp_on(flow, facts, packet);
        if slot & DOUBTFUL == 0 {
            *memo = StreamMemo { ssrc: facts.ssrc, slot };
        }
        accepted
    }

    /// Counts RTP in the data of a Send or Data message of an allocation; `path`: between the relayed address and the
    /// peer it names.
    pub(super) fn add_carried_rtp(&mut self, facts: &RtpFacts, packet: &DecodedMedia<'_>, path: FlowId) {
        let Some(flow) = self.media_flow(packet) else { return };
        let (slot, _) = self.rtp_on(flow, facts, packet);
        if let Some(stream) = self.media.streams.get_mut(slot as usize) {
            stream.path = Some(path);
        }
    }

    /// Counts a packet of RTP that goes on as those before it, by what was kept of its flow. `false`: it was not counted.
    #[inline]
    pub(super) fn add_usual_rtp(
        &mut self,
        facts: &RtpFacts,
        memo: StreamMemo,
        time: Nanos,
        frame: FrameRef,
        dscp: u8,
    ) -> bool {
        let media = &mut self.media;
        let known = media.streams.get_mut(memo.slot as usize).filter(|_| memo.ssrc == facts.ssrc);
        let counted = known.is_some_and(|s| s.push_usual(facts, time, frame, dscp));
        media.taken += u64::from(counted);
        counted
    }

    fn media_flow(&mut self, packet: &DecodedMedia<'_>) -> Option<FlowId> {
        self.media.taken += 1;
        let flow = self.flow_of(packet.src, packet.dst, packet.transport);
        if flow.is_none() {
            self.note_limit("limit-flows", packet.frame, "messages beyond it are counted but not kept");
        }
        flow
    }

    fn buckets_of_each(&self) -> usize {
        let most = self.limits.media_buckets;
        if self.media.streams.len() <= FEW_STREAMS { most } else { most.min(BUCKETS_OF_MANY) }
    }

    /// Files a packet under flow and SSRC. The slot it has (`u32::MAX` for none), and how many packets count as RTP now.
    fn rtp_on(&mut self, flow: FlowId, facts: &RtpFacts, packet: &DecodedMedia<'_>) -> (u32, u32) {
        let most = self.buckets_of_each();
        let hash = self.strings.state().hash_one((flow, facts.ssrc));
        let next = packet_of(facts, packet);
        match self.media.find(hash, flow, facts.ssrc) {
            Some(slot) if slot & DOUBTFUL == 0 => {
                if let Some(stream) = self.media.streams.get_mut(slot as usize) {
                    stream.channel = packet.channel;
                    stream.note_extension(packet.bytes);
                    stream.push(&next, most);
                }
                (slot, 1)
            }
            // The numbers of a long fax begin like RTP.
            _ if self.media.faxes.carries(packet.src, packet.dst) => (u32::MAX, self.add_fax(packet)),
            // What was captured twice proves nothing.
            Some(slot) if packet.duplicate => (slot, 0),
            Some(slot) => {
                let at = (slot & !DOUBTFUL) as usize;
                let Some(waiting) = self.media.doubtful.get_mut(at) else { return (u32::MAX, 0) };
                waiting.channel = packet.channel;
                if !waiting.proves(&next) {
                    waiting.hold(&next);
                    return (slot, 0);
                }
                if self.media.streams.len() >= self.limits.media_streams {
                    self.media.not_kept += 1;
                    self.note_limit("limit-media-streams", packet.frame, "packets of more are only counted");
                    return (u32::MAX, 1);
                }
                let (slot, accepted) = self.prove(hash, slot, &next, most);
                if let Some(stream) = self.media.streams.get_mut(slot as usize) {
                    stream.note_extension(packet.bytes);
                }
                (slot, accepted)
            }
            None if packet.duplicate => (u32::MAX, 0),
            None => {
                self.doubt(hash, flow, &next, packet.channel);
                (u32::MAX, 0)
            }
        }
    }

    /// Makes a stream of what was doubtful.
    fn prove(&mut self, hash: u64, slot: u32, next: &Packet<'_>, most: usize) -> (u32, u32) {
        let media = &mut self.media;
        let Some(waiting) = media.doubtful.get_mut((slot & !DOUBTFUL) as usize) else { return (u32::MAX, 0) };
        let (flow, channel) = (waiting.flow, waiting.channel);
        let [a, b] = waiting.packets;
        // Its place stays, and says nothing any more.
        waiting.held = 0;
        waiting.flow = FlowId(u32::MAX);
        media.forget(hash, slot);
        let at = media.streams.len() as u32;
        let packets = [&a.packet(), &b.packet(), next];
        let mut stream = Stream::new(flow, packets[0]);
        stream.channel = channel;
        packets.into_iter().for_each(|p| stream.push(p, most));
        media.streams.push(stream);
        let place = flow.0 as usize;
        if media.proved.len() <= place {
            media.proved.resize(place + 1, false);
        }
        media.proved[place] = true;
        media.table.insert_unique(hash, (hash, at), |(h, _)| *h);
        (at, packets.len() as u32)
    }

    /// Keeps the first packet of an SSRC on a flow, in the place of the oldest where there are too many.
    fn doubt(&mut self, hash: u64, flow: FlowId, next: &Packet<'_>, channel: u16) {
        let most = self.limits.doubtful_streams.clamp(1, DOUBTFUL as usize - 1);
        let media = &mut self.media;
        let new = Doubtful {
            flow,
            ssrc: next.facts.ssrc,
            channel,
            packets: [HeldPacket::of(next); PROOF - 1],
            held: 1,
            passed: 0,
        };
        let at = if media.doubtful.len() < most {
            media.doubtful.push(new);
            media.doubtful.len() - 1
        } else {
            let at = media.next_doubtful;
            media.next_doubtful = (at + 1) % most;
            if let Some(old) = media.doubtful.get(at) {
                let old_hash = self.strings.state().hash_one((old.flow, old.ssrc));
                self.media.forget(old_hash, at as u32 | DOUBTFUL);
            }
            if let Some(place) = self.media.doubtful.get_mut(at) {
                *place = new;
            }
            at
        };
        self.media.table.insert_unique(hash, (hash, at as u32 | DOUBTFUL), |(h, _)| *h);
    }

    /// Takes what RTCP says.
    pub fn add_rtcp(&mut self, packet: &DecodedMedia<'_>) {
        if packet.duplicate {
            self.media.reports.captured_twice += 1;
            return;
        }
        let Some(flow) = self.media_flow(packet) else { return };
        let back = self.find_flow(packet.dst, packet.src, packet.transport);
        if !self.media.reports.add((flow, back), packet, self.limits.rtcp_reports) {
            self.note_limit(
                "limit-rtcp-reports",
                packet.frame,
                "reports about more streams are only counted",
            );
        }
    }
}

#[inline]
fn packet_of<'a>(facts: &RtpFacts, packet: &DecodedMedia<'a>) -> Packet<'a> {
    Packet {
        time: packet.time,
        frame: packet.frame,
        facts: *facts,
        dscp: packet.dscp,
        duplicate: packet.duplicate,
        payload: packet.bytes.get(usize::from(facts.payload_at)..).unwrap_or_default(),
    }
}
