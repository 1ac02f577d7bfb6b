//! Messages are looked up together before they are added one by one.
//!
//! Adding a message needs memory in many places: what the worker made of it, in the caches of another core, and entries of
//! tables that have outgrown the caches. Asked for by one message after the other each of them is waited for; asked for by
//! many messages at once the waits are one. Nothing is kept of it.

use super::Analysis;
use super::ingest::place;
use super::model::*;
use super::owner::Key;
use crate::decode::Coming;

/// Frames whose messages are looked up together.
pub(super) const AHEAD: usize = 32;
/// Fewer are not worth it.
pub(super) const FEWEST: usize = 8;

impl Analysis {
    /// Reads what adding these messages, [`AHEAD`] at most, is going to look up.
    pub(super) fn look_ahead(&self, coming: &Coming<'_>) {
        let mut seen = 0usize;
        for event in coming.sip {
            let call_id = coming.scanned(event).call_id();
            seen ^= usize::from(call_id.first().copied().unwrap_or_default());
        }
        let mut owners = [Str(0); AHEAD];
        for (event, call_id) in coming.sip.iter().zip(&mut owners) {
            *call_id = self.strings.look_up(event.keys.call_id);
            seen ^= self.flow_looked_up(event.keys.flow);
            if event.keys.ufrag != 0 {
                seen ^= usize::from(self.stun.groups.call_of(event.keys.ufrag).is_some());
            }
            for hash in event.keys.parties.into_iter().filter(|hash| *hash != 0) {
                seen ^= self.strings.look_up(hash).0 as usize;
            }
            seen ^= self.legs.looked_up(&event.keys) + event.len as usize + usize::from(event.dscp);
        }
        for event in coming.stun {
            seen ^= self.flow_looked_up(event.flow);
            if let Some((receiver, sender)) = event.facts.names {
                seen ^= usize::from(self.stun.groups.between(receiver, sender).is_some());
            }
        }
        for call_id in owners.into_iter().filter(|s| *s != Str(0)) {
            seen ^= usize::from(self.strings.bytes(call_id).first().copied().unwrap_or_default());
            if let Some(Owner::Call(call)) = self.owners.get(Key::CallId(call_id)) {
                let at = call.0 as usize;
                let last = self.calls.get(at).map_or(0, |c| c.messages.last.0 as usize);
                seen ^= self.messages.get(last).map_or(0, |m| usize::from(m.head));
                seen ^= self.call_work.get(at).map_or(0, |w| w.summarised as usize);
            }
        }
        // Else the compiler finds that nobody needs any of it.
        std::hint::black_box(seen);
    }

    fn flow_looked_up(&self, hash: u64) -> usize {
        let half = (hash >> 32) as u32;
        let found = self.flow_table.find(place(half), |&(h, _)| h == half);
        found.and_then(|(_, id)| self.flows.get(id.0 as usize)).map_or(0, |f| usize::from(f.families()))
    }
}
