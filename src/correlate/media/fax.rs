//! Fax (T.38) in UDPTL: counted like a stream of RTP, where some description says `m=image … udptl`.
//!
//! Nothing in a datagram says that it is UDPTL. What looks like it waits, a flow at a time, until SDP names one of its ends
//! for it; only so many flows wait, the oldest makes place. From then on all its packets count, those that waited too.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;

use callscope_parsers::udptl::{Udptl, looks_like_udptl, parse_udptl};

use super::{Packet, Stream};
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::decode::{DecodedMedia, RtpFacts};

/// Flows that wait for a description.
const MOST_WAITING: usize = 1_024;
/// No type of RTP: none of the clocks that numbers stand for is that of a fax.
const NO_TYPE: u8 = 127;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
type Ends = (SocketAddr, SocketAddr);

/// The fax packets from one end to another.
#[derive(Debug, Clone)]
pub struct Fax {
    /// What a packet repeated of one that was lost counts as come, but is in neither `packets` nor `bytes`.
    pub stream: Stream,
    /// Lost packets whose content came in another one (T.38 §9.1.4).
    pub recovered: u64,
}

/// A flow that looks like fax.
#[derive(Debug, Clone)]
struct Waiting {
    fax: Fax,
    /// Its frames so far, by capture.
    frames: Vec<(CaptureId, u64)>,
}

/// All fax of an analysis.
#[derive(Debug, Default)]
pub struct Faxes {
    pub list: Vec<Fax>,
    /// Packets of flows beyond the limit of streams.
    pub not_kept: u64,
    known: Map<Ends, u32>,
    /// Ends that a description names for UDPTL.
    announced: HashSet<SocketAddr, foldhash::fast::RandomState>,
    waiting: Map<Ends, Waiting>,
    /// Keys of `waiting`, the oldest first, and such as wait no more.
    order: VecDeque<Ends>,
    /// By capture: frames that counted as other traffic until SDP told what they are.
    settled: Vec<u64>,
}

impl Faxes {
    /// Whether there is a fax from one end to another.
    pub fn carries(&self, src: SocketAddr, dst: SocketAddr) -> bool {
        !self.known.is_empty() && self.known.contains_key(&(src, dst))
    }

    /// Frames of a capture that are fax, though they were taken for other traffic when they came.
    pub(in crate::correlate) fn settled(&self, capture: usize) -> u64 {
        self.settled.get(capture).copied().unwrap_or(0)
    }

    fn wait(&mut self, ends: Ends, new: impl FnOnce() -> Fax) -> &mut Waiting {
        if !self.waiting.contains_key(&ends) {
            self.order.push_back(ends);
            while self.order.len() > MOST_WAITING {
                let oldest = self.order.pop_front();
                oldest.map(|oldest| self.waiting.remove(&oldest));
            }
        }
        self.waiting.entry(ends).or_insert_with(|| Waiting { fax: new(), frames: Vec::new() })
    }
}

impl Fax {
    fn new(flow: FlowId, first: &Packet<'_>) -> Self {
        Self { stream: Stream::new(flow, first), recovered: 0 }
    }

    fn push(&mut self, p: &Packet<'_>, udptl: &Udptl, most: usize) {
        self.recovered += self.stream.push_fax(p, |came| udptl.recovers(came), most);
    }
}

fn packet_of<'a>(packet: &DecodedMedia<'a>, udptl: &Udptl) -> Packet<'a> {
    let len = u16::try_from(packet.bytes.len()).unwrap_or(u16::MAX);
    let facts = RtpFacts {
        sequence: udptl.sequence,
        len,
        payload_type: NO_TYPE,
        payload_len: len,
        ..RtpFacts::default()
    };
    let DecodedMedia { time, frame, dscp, duplicate, bytes, .. } = *packet;
    Packet { time, frame, facts, dscp, duplicate, payload: bytes }
}

/// A packet of fax, as far as the capture holds it.
pub(super) fn read_fax(packet: &DecodedMedia<'_>) -> Option<Udptl> {
    if !looks_like_udptl(packet.bytes, usize::from(packet.cut) * usize::from(u16::MAX)) {
        return None;
    }
    parse_udptl(packet.bytes).or_else(|| {
        let number = packet.bytes.first_chunk().copied().map(u16::from_be_bytes)?;
        Some(Udptl { sequence: number, primary: 2..2, ifp: None, recovery: None, whole: false })
    })
}

impl Analysis {
    /// Counts a packet that looks like UDPTL. How many packets count as fax now that did not before: none while no
    /// description speaks of its ends.
    pub fn add_fax(&mut self, packet: &DecodedMedia<'_>) -> u32 {
        let Some(udptl) = read_fax(packet) else { return 0 };
        let p = packet_of(packet, &udptl);
        let most = self.buckets_of_each();
        let faxes = &mut self.media.faxes;
        let ends = (packet.src, packet.dst);
        if let Some(fax) = faxes.known.get(&ends).and_then(|at| faxes.list.get_mut(*at as usize)) {
            fax.push(&p, &udptl, most);
            self.media.taken += 1;
            return 1;
        }
        let expected = faxes.announced.contains(&ends.0) || faxes.announced.contains(&ends.1);
        if !expected {
            if packet.duplicate && !faxes.waiting.contains_key(&ends) {
                return 0;
            }
            let waiting = faxes.wait(ends, || Fax::new(FlowId(u32::MAX), &p));
            waiting.fax.push(&p, &udptl, super::BUCKETS_OF_MANY.min(most));
            if !packet.duplicate {
                note_frame(&mut waiting.frames, packet.frame);
            }
            return 0;
        }
        if packet.duplicate {
            return 0;
        }
        let mut fax = Fax::new(FlowId(u32::MAX), &p);
        fax.push(&p, &udptl, most);
        self.keep_fax(ends, fax);
        1
    }

    /// Takes what a message says of fax: `m=image … udptl`.
    pub(in crate::correlate) fn expect_fax(&mut self, message: MsgIdx) {
        for end in self.fax_ends(message) {
            let faxes = &mut self.media.faxes;
            if faxes.announced.len() >= self.limits.flows || !faxes.announced.insert(end) {
                continue;
            }
            let of_it = faxes.waiting.keys().filter(|(src, dst)| *src == end || *dst == end);
            let mut of_it: Vec<Ends> = of_it.copied().collect();
            of_it.sort_by_key(|ends| faxes.waiting.get(ends).map(|w| w.fax.stream.first_frame));
            for ends in of_it {
                let Some(waiting) = self.media.faxes.waiting.remove(&ends) else { continue };
                self.media.faxes.order.retain(|e| *e != ends);
                self.keep_fax(ends, waiting.fax);
                for (capture, frames) in waiting.frames {
                    self.settle(usize::from(capture.0), frames);
                }
            }
        }
    }

    fn keep_fax(&mut self, ends: Ends, mut fax: Fax) {
        let frame = fax.stream.first_frame;
        self.media.taken += 1;
        if self.media.faxes.list.len() >= self.limits.media_streams {
            self.media.faxes.not_kept += fax.stream.packets;
            return self.note_limit("limit-media-streams", frame, "packets of more are only counted");
        }
        let Some(flow) = self.flow_of(ends.0, ends.1, Transport::Udp) else {
            self.media.faxes.not_kept += fax.stream.packets;
            return self.note_limit("limit-flows", frame, "messages beyond it are counted but not kept");
        };
        fax.stream.flow = flow;
        let faxes = &mut self.media.faxes;
        faxes.known.insert(ends, faxes.list.len() as u32);
        faxes.list.push(fax);
    }

    /// Frames of a capture that counted as other traffic so far are fax.
    fn settle(&mut self, capture: usize, frames: u64) {
        let settled = &mut self.media.faxes.settled;
        if settled.len() <= capture {
            settled.resize(capture + 1, 0);
        }
        if let Some(all) = settled.get_mut(capture) {
            *all += frames;
        }
        // Of one that is read no more: else the decoder's account is taken again.
        if let Some(c) = self.captures.get_mut(capture) {
            c.accounting.settle(frames);
        }
    }

    /// Packets of fax, frames captured twice included.
    pub fn fax_packets(&self) -> u64 {
        let faxes = &self.media.faxes;
        let of = |f: &Fax| f.stream.packets + u64::from(f.stream.captured_twice);
        faxes.list.iter().map(of).sum::<u64>() + faxes.not_kept
    }
}

fn note_frame(frames: &mut Vec<(CaptureId, u64)>, frame: FrameRef) {
    match frames.iter_mut().find(|(capture, _)| *capture == frame.capture) {
        Some((_, n)) => *n += 1,
        None => frames.push((frame.capture, 1)),
    }
}
