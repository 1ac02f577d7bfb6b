//! The packets of one stream read again, as the captures hold them: whoever wants its payload or its frames.
//!
//! Frames go through the same decoding as when they were read first, into a sink that keeps nothing.

use std::io;
use std::ops::ControlFlow;

use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::stun::scan_stun;

use super::MediaStream;
use super::fax::read_fax;
use crate::capture::{CaptureId, FrameBatch, FrameRef, Nanos};
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::decode::{
    Breakage, CaptureDecoder, DecodedDns, DecodedMedia, DecodedSip, DecodedSqlr, DecodedStun, DecodedTds,
    MediaError, MediaTally, Prepared, RtpFacts, Sink, StreamMemo, TcpSign, prepare,
};

/// Frames read at once.
const READ: u32 = 4096;

/// A packet of RTP, or of fax, as it is read again.
#[derive(Debug, Clone, Copy)]
pub struct PacketAgain<'a> {
    pub facts: RtpFacts,
    /// As far as the capture holds it.
    pub payload: &'a [u8],
    pub time: Nanos,
    /// The frame that completed it.
    pub frame: FrameRef,
}

impl Analysis {
    /// Gives the packets of a stream again, capture by capture in the order of their frames; what was captured twice comes
    /// twice. `each` may end it. Errors are those of reading the captures.
    pub fn read_stream(
        &self,
        s: &MediaStream,
        each: &mut dyn FnMut(&PacketAgain<'_>) -> io::Result<ControlFlow<()>>,
    ) -> io::Result<()> {
        let Some(figures) = self.figures_of(s) else { return Ok(()) };
        let (first, last) = (figures.first_frame, figures.last_frame);
        let mut sink = Collect {
            flow: self.flow(s.flow),
            ssrc: s.ssrc,
            is_fax: s.is_fax(),
            each,
            ended: Ok(ControlFlow::Continue(())),
        };
        for capture in 0..self.captures.len() as u16 {
            let id = CaptureId(capture);
            let total = self.frame_indexes.get(usize::from(capture)).map_or(0, |index| index.frames());
            // A connection is followed from its beginning, and another capture may hold any of the stream.
            let whole =
                sink.flow.transport != Transport::Udp || first.capture != last.capture || first.capture != id;
            let (from, to) = if whole { (1, total) } else { (first.frame, last.frame) };
            if self.captures.len() > 1 || first.capture == id {
                self.walk(id, (from.max(1), to.min(total)), &mut sink)?;
            }
            match sink.ended {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(()),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Decodes frames `from` to `to` of a capture once more.
    fn walk(&self, id: CaptureId, (from, to): (u32, u32), sink: &mut Collect<'_>) -> io::Result<()> {
        let at = usize::from(id.0);
        let (Some(index), Some(backing)) = (self.frame_indexes.get(at), self.stores.capture(at)) else {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the capture cannot be read again"));
        };
        let hasher = foldhash::fast::RandomState::default();
        let mut decoder = CaptureDecoder::new(id, &self.limits, &[], hasher.clone());
        let mut prepared = Prepared::default();
        let mut next = from;
        while next <= to && sink.goes_on() {
            let batch: FrameBatch = index.read(backing.as_ref(), next, READ.min(to - next + 1))?;
            if batch.frames.is_empty() {
                break;
            }
            next = next.saturating_add(u32::try_from(batch.frames.len()).unwrap_or(u32::MAX));
            prepared.batch = batch;
            prepare(&mut prepared, &self.limits, &[], &[], &hasher);
            decoder.begin_batch(&prepared);
            for i in 0..prepared.batch.frames.len() {
                decoder.frame(&prepared, i, false, sink);
            }
            decoder.end_batch(sink);
        }
        decoder.finish(sink);
        Ok(())
    }
}

/// Keeps nothing but hands on the packets that are wanted.
struct Collect<'a> {
    flow: Flow,
    ssrc: u32,
    is_fax: bool,
    each: &'a mut dyn FnMut(&PacketAgain<'_>) -> io::Result<ControlFlow<()>>,
    ended: io::Result<ControlFlow<()>>,
}

impl Collect<'_> {
    fn goes_on(&self) -> bool {
        matches!(self.ended, Ok(ControlFlow::Continue(())))
    }

    fn hand_on(&mut self, facts: &RtpFacts, at: &DecodedMedia<'_>) {
        let wanted = at.src == self.flow.src
            && at.dst == self.flow.dst
            && at.transport == self.flow.transport
            && facts.ssrc == self.ssrc;
        if wanted && self.goes_on() {
            let start = usize::from(facts.payload_at);
            let payload = at.bytes.get(start..).unwrap_or_default();
            // Padding and what lies behind the packet is none of it.
            let payload = payload.get(..usize::from(facts.payload_len)).unwrap_or(payload);
            let packet = PacketAgain { facts: *facts, payload, time: at.time, frame: at.frame };
            self.ended = (self.each)(&packet);
        }
    }
}

impl Sink for Collect<'_> {
    fn rtp(&mut self, facts: &RtpFacts, packet: &DecodedMedia<'_>, _: &mut StreamMemo) -> u32 {
        // The numbers of a long fax begin like RTP.
        if self.is_fax {
            return self.fax(packet);
        }
        self.hand_on(facts, packet);
        1
    }

    fn usual_rtp(&mut self, _: &RtpFacts, _: StreamMemo, _: Nanos, _: FrameRef, _: u8) -> bool {
        false
    }

    fn stun(&mut self, m: &DecodedStun<'_>) -> bool {
        // What Send and Data carry.
        let data = if m.src == self.flow.src && m.dst == self.flow.dst {
            scan_stun(m.message, None).and_then(|scan| scan.data())
        } else {
            None
        };
        if let Some(data) = data
            && !self.is_fax
            && probe_datagram(data) == Probe::Rtp
            && let Some(facts) = RtpFacts::of(data, data.len())
        {
            let DecodedStun { src, dst, transport, frame, time, dscp, duplicate, cut, .. } = *m;
            let (bytes, channel) = (data, 0);
            let packet =
                DecodedMedia { bytes, src, dst, transport, channel, frame, time, dscp, duplicate, cut };
            self.hand_on(&facts, &packet);
        }
        true
    }

    fn fax(&mut self, packet: &DecodedMedia<'_>) -> u32 {
        if !self.is_fax {
            return 0;
        }
        let Some(udptl) = read_fax(packet) else { return 0 };
        let len = u16::try_from(packet.bytes.len()).unwrap_or(u16::MAX);
        self.hand_on(
            &RtpFacts { sequence: udptl.sequence, len, payload_len: len, ..RtpFacts::default() },
            packet,
        );
        1
    }

    fn sip(&mut self, _: &DecodedSip<'_>) -> bool {
        true
    }
    fn carried_sip(&mut self, _: &DecodedSip<'_>, _: u16) -> bool {
        true
    }
    fn dns(&mut self, _: &DecodedDns<'_>) -> bool {
        true
    }
    fn rtcp(&mut self, _: &DecodedMedia<'_>) {}
    fn key_exchange(&mut self, _: &DecodedMedia<'_>) {}
    fn media(&mut self, _: &MediaTally) {}
    fn tls_start(&mut self, _: TlsSession) -> usize {
        usize::MAX
    }
    fn tls(&mut self, _: usize) -> Option<&mut TlsSession> {
        None
    }
    fn websocket_start(&mut self) {}
    fn sqlr(&mut self, _: &DecodedSqlr<'_>) -> bool {
        true
    }
    fn tds(&mut self, _: &DecodedTds<'_>) {}
    fn tcp_sign(&mut self, _: &TcpSign) -> bool {
        false
    }
    fn broken(&mut self, _: &Breakage) -> bool {
        false
    }
    fn media_error(&mut self, _: &MediaError) {}
    fn issue(&mut self, _: &'static str, _: FrameRef, _: String) {}
}
