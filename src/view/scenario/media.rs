//! RTP and RTCP for call flows.

use super::{START, Scenario, machine};
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::Transport;
use crate::decode::{DecodedMedia, RtpFacts, StreamMemo};

/// A source of RTP: packets of 160 ticks a 20 ms, unless told otherwise.
#[derive(Debug, Clone)]
pub struct Source {
    pub path: &'static str,
    pub ssrc: u32,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ticks: u32,
    pub payload: Vec<u8>,
    pub dscp: u8,
}

impl Source {
    pub fn new(path: &'static str, ssrc: u32) -> Self {
        Self {
            path,
            ssrc,
            payload_type: 0,
            sequence: 1,
            timestamp: 0,
            ticks: 160,
            payload: vec![0xFF; 160],
            dscp: 0,
        }
    }

    /// The next packet.
    fn packet(&mut self) -> Vec<u8> {
        let mut out = vec![0x80, self.payload_type];
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.ssrc.to_be_bytes());
        out.extend(&self.payload);
        self.skip();
        out
    }

    /// The next packet is lost.
    pub fn skip(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.ticks);
    }
}

impl Scenario {
    /// Adds the next packet of a source, `us` microseconds after the start.
    pub fn add_rtp(&mut self, us: i64, source: &mut Source) {
        let bytes = source.packet();
        let facts = RtpFacts::of(&bytes, bytes.len()).expect("RTP");
        let packet = self.media_packet(us, source.path, source.dscp, &bytes);
        self.analysis.add_rtp(&facts, &packet, &mut StreamMemo::default());
    }

    /// Adds `count` packets of a source, one each `every` microseconds.
    pub fn add_run(&mut self, us: i64, every: i64, count: i64, source: &mut Source) {
        for i in 0..count {
            self.add_rtp(us + i * every, source);
        }
    }

    /// Adds a receiver report (RFC 3550 §6.4.2) about `about`; jitter in ticks of its clock.
    pub fn add_report(&mut self, us: i64, path: &str, about: u32, fraction_lost: u8, jitter: u32) {
        let mut bytes = vec![0x81, 201, 0, 7];
        bytes.extend(0x5EED_0001u32.to_be_bytes());
        bytes.extend(about.to_be_bytes());
        bytes.extend([fraction_lost, 0, 0, 0]);
        bytes.extend(0u32.to_be_bytes());
        bytes.extend(jitter.to_be_bytes());
        bytes.extend([0; 8]);
        let packet = self.media_packet(us, path, 0, &bytes);
        self.analysis.add_rtcp(&packet);
    }

    pub(super) fn media_packet<'a>(
        &mut self,
        us: i64,
        path: &str,
        dscp: u8,
        bytes: &'a [u8],
    ) -> DecodedMedia<'a> {
        self.frames += 1;
        let (src, dst) = path.split_once('>').unwrap();
        DecodedMedia {
            bytes,
            src: machine(src),
            dst: machine(dst),
            transport: Transport::Udp,
            channel: 0,
            frame: FrameRef { capture: CaptureId(0), frame: self.frames },
            time: START + us * 1000,
            dscp,
            duplicate: false,
            cut: false,
        }
    }
}
