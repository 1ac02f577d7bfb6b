//! Messages whose Call-ID the capture cut off (a snap length, a gap in a stream).
//!
//! Nothing proves to which call they belong, so they share one row, of which nothing else is claimed. Once all is
//! read, one is joined to a call or dialog by its whole Via branch (RFC 3261 §8.1.1.7: unique to the transaction), if a
//! message between the same two machines has it, else by the beginning of its Call-ID, if only one begins so and one of
//! the two machines takes part there. Such messages are marked [`flag::JOINED`], as that is inferred.

use std::collections::HashMap;
use std::net::IpAddr;

use callscope_parsers::sip::{Scan, scan};

use super::Analysis;
use super::model::*;
use crate::decode::{DecodedSip, Keys, Scanned, Way};

/// Fewer bytes of a Call-ID tell nothing.
const LEAST_PREFIX: usize = 8;

/// Times that what was just joined is looked at for what it tells of others.
const ROUNDS: usize = 4;

/// Messages of a call or dialog that tell which machines take part in it.
const LOOK: usize = 64;

/// Two machines, the lesser first.
type Pair = (IpAddr, IpAddr);

/// Does the message end before its Call-ID does?
pub(super) fn is_call_id_cut(m: &DecodedSip<'_>) -> bool {
    m.cut && (m.scan.call_id().is_empty() || ends_it(m.scan.call_id(), m.raw))
}

/// Is `part` the last of `message`, so that more of it may be missing?
fn ends_it(part: &[u8], message: &[u8]) -> bool {
    part.as_ptr_range().end == message.trim_ascii_end().as_ptr_range().end
        || part.as_ptr_range().end == message.as_ptr_range().end
}

impl Analysis {
    /// The row of such messages. `None` past `Limits::dialogs`.
    pub(super) fn leftover_row(&mut self, index: MsgIdx, record: &SipRecord) -> Option<Owner> {
        if self.leftovers.is_none() {
            if self.calls.len() + self.dialogs.len() >= self.limits.dialogs {
                return None;
            }
            self.leftovers = Some(self.new_dialog(Str(0), index, record, Scanned::Scan(&Scan::default())));
        }
        self.leftovers.map(Owner::Dialog)
    }

    /// Whether a row is the one of messages whose Call-ID is cut off.
    pub fn is_leftover(&self, dialog: DialogIdx) -> bool {
        self.leftovers == Some(dialog)
    }

    /// The row of messages whose Call-ID is cut off, and how many are left there.
    pub fn leftovers(&self) -> Option<(DialogIdx, u64)> {
        let row = self.leftovers?;
        let count = self.dialog(row).messages.count;
        (count > 0).then_some((row, u64::from(count)))
    }

    fn pair_of(&self, record: &SipRecord) -> Pair {
        let flow = self.flow(record.flow);
        let (a, b) = (flow.src.ip(), flow.dst.ip());
        (a.min(b), a.max(b))
    }

    /// Joins what can be joined; what was joined may tell of others.
    pub(super) fn join_leftovers(&mut self) {
        for _ in 0..ROUNDS {
            if !self.join_round() {
                return;
            }
        }
    }

    /// Does some message of a call or dialog go to or from one of these machines?
    fn takes_part(&self, owner: Owner, pair: Pair) -> bool {
        self.messages_of(self.list_of(owner)).take(LOOK).any(|m| {
            let (a, b) = self.pair_of(self.message(m));
            [pair.0, pair.1].iter().any(|ip| *ip == a || *ip == b)
        })
    }

    fn join_round(&mut self) -> bool {
        let Some(row) = self.leftovers else { return false };
        let list = self.dialog(row).messages;
        let waiting: Vec<MsgIdx> = self.messages_of(list).collect();
        if waiting.is_empty() {
            return false;
        }
        let mut partners: HashMap<(u32, Pair), MsgIdx> = HashMap::new();
        for (i, r) in (0u32..).zip(&self.messages) {
            if r.branch != 0 && r.owner != Owner::Dialog(row) {
                partners.entry((r.branch, self.pair_of(r))).or_insert(MsgIdx(i));
            }
        }
        let mut call_ids: Vec<(&[u8], Owner)> = Vec::new();
        let calls = (0u32..).map(CallIdx).zip(&self.calls).map(|(i, c)| (c.call_id, Owner::Call(i)));
        let dialogs = self.dialogs_shown().map(|(i, d)| (d.call_id, Owner::Dialog(i)));
        for (call_id, owner) in calls.chain(dialogs) {
            if call_id != Str(0) {
                call_ids.push((self.strings.bytes(call_id), owner));
            }
        }
        call_ids.sort_unstable_by_key(|(id, _)| *id);
        let found: Vec<Option<(Owner, Option<MsgIdx>)>> = waiting
            .iter()
            .map(|&m| {
                let bytes = self.message_bytes(m).ok()?;
                let scan = scan(&bytes)?;
                let record = self.message(m);
                let pair = self.pair_of(record);
                if record.branch != 0
                    && !ends_it(scan.branch, &bytes)
                    && let Some(&partner) = partners.get(&(record.branch, pair))
                {
                    return Some((self.message(partner).owner, Some(partner)));
                }
                let start = call_ids.partition_point(|(id, _)| *id < scan.call_id);
                let mut alike =
                    call_ids.get(start..)?.iter().take_while(|(id, _)| id.starts_with(scan.call_id));
                let (_, owner) = alike.next().filter(|_| scan.call_id.len() >= LEAST_PREFIX)?;
                (alike.next().is_none() && self.takes_part(*owner, pair)).then_some((*owner, None))
            })
            .collect();
        if found.iter().all(Option::is_none) {
            return false;
        }
        if let Some(dialog) = self.dialogs.get_mut(row.0 as usize) {
            dialog.messages.count = 0;
        }
        for (m, found) in waiting.into_iter().zip(found) {
            let (owner, partner) = found.unwrap_or((Owner::Dialog(row), None));
            let partner = partner.map(|p| *self.message(p));
            let nameless = self.method(self.message(m).method).is_empty();
            if let Some(record) = self.messages.get_mut(m.0 as usize) {
                record.next = NextMsg::NONE;
                record.owner = owner;
                if found.is_some() {
                    record.flags |= flag::JOINED;
                    self.census.note(record);
                }
                if let Some(partner) = partner {
                    // What the cut took is that of the transaction.
                    if record.cseq == 0 {
                        record.cseq = partner.cseq;
                    }
                    if record.from_tag == 0 {
                        record.from_tag = partner.from_tag;
                    }
                    if nameless {
                        record.method = partner.method;
                    }
                }
            }
            self.append(owner, m);
            if let (Owner::Call(call), true) = (owner, found.is_some()) {
                self.learn_again(call, m);
            }
        }
        true
    }

    /// What a call learns from a message that joins it late.
    fn learn_again(&mut self, call: CallIdx, m: MsgIdx) {
        let Ok(bytes) = self.message_bytes(m) else { return };
        let Some(scan) = scan(&bytes) else { return };
        let record = *self.message(m);
        let Flow { src, dst, transport } = self.flow(record.flow);
        let keys = Keys::of(&scan, &bytes, (src, dst), transport, self.strings.state(), &self.leg_headers);
        let way = Way { frame: record.frame, parts: &[], time: record.time, src, dst, transport };
        let message = DecodedSip { cut: true, ..DecodedSip::new(&scan, &bytes, 0, way) };
        self.learn_call(call, m, &record, &message, &keys);
    }
}
