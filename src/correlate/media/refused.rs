//! ICMP errors about media: who says that packets of a stream do not arrive.

use std::collections::HashMap;

use super::MediaStream;
use crate::capture::Nanos;
use crate::correlate::model::*;
use crate::correlate::{Analysis, Unreachable};
use crate::decode::{MediaError, Quoted};

/// An error that quotes too little to tell is about what ran so shortly before it (3 s are usual where a host does not
/// answer ARP).
const PROMPT: Nanos = 4_000_000_000;

/// Errors told apart of one flow.
const MOST_ON_FLOW: usize = 64;

/// By flow; those that quote alike and say the same are one.
#[derive(Debug, Default)]
pub struct Refused {
    flows: HashMap<FlowId, Vec<StreamError>, foldhash::fast::RandomState>,
    count: usize,
}

/// Errors of one kind about a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamError {
    pub quoted: Quoted,
    /// Who said so first, where, and how often it was said.
    pub told: Unreachable,
}

impl Analysis {
    /// Takes an ICMP error that quotes media, or too little to tell.
    pub fn add_media_error(&mut self, e: &MediaError) {
        let Some(flow) = self.find_flow(e.src, e.dst, Transport::Udp) else { return };
        let MediaError { quoted, kind, by, frame, time, .. } = *e;
        let new = Unreachable { kind, by, frame, time, last: time, count: 1 };
        let refused = &mut self.media.refused;
        let full = refused.count >= self.limits.transport_errors;
        let of = refused.flows.entry(flow).or_default();
        if let Some(known) = of.iter_mut().find(|k| k.quoted == quoted && k.told.kind == kind) {
            known.told = Unreachable::join(Some(known.told), new);
        } else if full {
            return self.note_limit("limit-transport-errors", frame, "further ICMP errors are not told of");
        } else if of.len() < MOST_ON_FLOW {
            of.push(StreamError { quoted, told: new });
            refused.count += 1;
        }
        self.media.taken += 1;
    }

    /// The ICMP errors about a stream, those about its RTCP too, in order of time.
    pub fn errors_of_stream(&self, m: &MediaStream) -> Vec<StreamError> {
        let refused = &self.media.refused;
        if refused.flows.is_empty() {
            return Vec::new();
        }
        let there = self.flow(m.flow);
        let next = |a: std::net::SocketAddr| std::net::SocketAddr::new(a.ip(), a.port().wrapping_add(1));
        let beside = self.find_flow(next(there.src), next(there.dst), there.transport);
        let of = |flow: &FlowId| refused.flows.get(flow).map_or(&[][..], Vec::as_slice);
        let fits = |e: &&StreamError| {
            let soon = e.told.time <= m.last.saturating_add(PROMPT) && e.told.last >= m.first;
            match e.quoted {
                Quoted::Rtp { ssrc } | Quoted::Rtcp { ssrc } => ssrc == m.ssrc && !m.is_fax(),
                Quoted::Keys => soon,
                // Of a flow that speaks STUN too it may be about that.
                Quoted::Nothing => soon && !self.stun.is_spoken(m.flow),
                Quoted::Other => soon && m.is_fax(),
            }
        };
        let of_rtcp =
            |e: &&StreamError| matches!(e.quoted, Quoted::Rtcp { ssrc } if ssrc == m.ssrc) && !m.is_fax();
        let here = of(&m.flow).iter().filter(fits);
        let mut out: Vec<StreamError> =
            here.chain(beside.iter().flat_map(of).filter(of_rtcp)).copied().collect();
        out.sort_by_key(|e| (e.told.time, e.told.frame));
        out
    }

    /// The errors about the packets of a stream as one; those about its RTCP say nothing of them.
    pub fn unreachable_stream(&self, m: &MediaStream) -> Option<Unreachable> {
        let errors = self.errors_of_stream(m);
        let of_packets = errors.into_iter().filter(|e| !matches!(e.quoted, Quoted::Rtcp { .. }));
        of_packets.map(|e| e.told).reduce(|known, new| Unreachable::join(Some(known), new))
    }
}
