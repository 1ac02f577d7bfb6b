//! SIP that a relay carries: filed under the path, so that a call seen only through TURN has its real peer.

use std::collections::HashSet;
use std::hash::BuildHasher;

use callscope_parsers::sip;

use super::Carried;
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::decode::{DecodedSip, DecodedStun, Place, Way};

/// Messages remembered to tell the copies that both sides of a relay show.
const MOST_REMEMBERED: usize = 1 << 14;

/// SIP messages met inside relays.
#[derive(Debug, Default)]
pub(in crate::correlate) struct CarriedSip {
    /// By path and digest.
    seen: HashSet<(FlowId, u64), foldhash::fast::RandomState>,
    /// The message that is being added was inside a relay.
    adding: bool,
}

impl Analysis {
    /// Adds a SIP message that came in a channel of its flow (0: from or to the active destination).
    pub fn add_carried_sip(&mut self, m: &DecodedSip<'_>, channel: u16, bytes: BytesRef) -> Option<MsgIdx> {
        if channel != 0 {
            self.stun.statistics.messages += 1;
            self.stun.statistics.count(None, 1);
        }
        let Some(flow) = self.flow_of(m.src, m.dst, m.transport) else {
            return self.add_message(&DecodedSip { dscp: None, ..*m }, bytes);
        };
        let (packets, len) = (u64::from(!m.duplicate), m.raw.len() as u64);
        let path = self.relayed_path(flow, Carried::Channel(channel), m.time, packets, len);
        self.add_sip_on(path, m, bytes)
    }

    /// The path of a SIP message on the flow of an allocation that has an active destination ([MS-TURN] §3.1: what is
    /// not STUN goes there); counts it there. None for all others.
    pub(in crate::correlate) fn path_of_sip(&mut self, m: &DecodedSip<'_>) -> Option<FlowId> {
        if self.stun.allocations.is_empty() || self.stun.carried.adding {
            return None;
        }
        let flow = self.find_flow(m.src, m.dst, m.transport)?;
        self.stun.allocation_on(flow)?;
        let (packets, len) = (u64::from(!m.duplicate), m.raw.len() as u64);
        let path = self.relayed_path(flow, Carried::Channel(0), m.time, packets, len);
        (path != flow).then_some(path)
    }

    /// Adds a SIP message that was inside a relay to what goes on its path.
    pub(in crate::correlate) fn add_sip_on(
        &mut self,
        path: FlowId,
        m: &DecodedSip<'_>,
        bytes: BytesRef,
    ) -> Option<MsgIdx> {
        let Flow { src, dst, transport } = self.flow(path);
        self.stun.carried.adding = true;
        let added =
            self.add_message(&DecodedSip { src, dst, transport, keys: None, dscp: None, ..*m }, bytes);
        let carried = &mut self.stun.carried;
        carried.adding = false;
        if carried.seen.len() >= MOST_REMEMBERED {
            carried.seen.clear();
        }
        carried.seen.insert((path, m.digest));
        added
    }

    /// Whether a message that was met before on its flow was then on the other side of a relay: it is the same event, not
    /// a retransmission.
    pub(in crate::correlate) fn seen_on_other_side(&self, flow: FlowId, digest: u64) -> bool {
        let carried = &self.stun.carried;
        carried.adding != carried.seen.contains(&(flow, digest))
    }

    /// SIP in the data of a Send or Data message; none where it is no SIP after all.
    pub(super) fn sip_inside(&mut self, m: &DecodedStun<'_>, data: &[u8], path: FlowId) -> Option<bool> {
        let blank = data.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let raw = data.get(blank..)?;
        let scan = sip::scan(raw)?;
        let place = match m.place {
            Place::Memory(_) => Place::Memory(raw),
            Place::File { offset, len } => {
                // The message is the end of its payload, and the data lies within it.
                let before = (len as usize).checked_sub(m.message.len())?;
                let within = (raw.as_ptr() as usize).checked_sub(m.message.as_ptr() as usize)?;
                let offset = offset.checked_add((before + within) as u64)?;
                Place::File { offset, len: u32::try_from(raw.len()).ok()? }
            }
        };
        let Flow { src, dst, transport } = self.flow(path);
        let way = Way { frame: m.frame, parts: m.parts, time: m.time, src, dst, transport };
        let digest = self.strings.state().hash_one(raw);
        let message = DecodedSip::new(&scan, raw, digest, way);
        let message = DecodedSip { place, duplicate: m.duplicate, cut: m.cut, ..message };
        let Some(bytes) = self.place(&place, m.frame) else { return Some(false) };
        Some(self.add_sip_on(path, &message, bytes).is_some())
    }
}
