//! Which call or dialog a message belongs to. Documented on [`Call`] and [`Dialog`].

use std::collections::HashMap;
use std::hash::BuildHasher;

use super::Analysis;
use super::model::*;
use super::retransmission::Recent;
use crate::capture::Nanos;
use crate::decode::{KindBits, Scanned};

/// What adding messages has to know of a call besides what it shows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CallWork {
    pub touched: bool,
    /// An INVITE without `To` tag was seen.
    pub opened: bool,
    /// BYE, or a final answer ≥ 300 that no further attempt followed.
    pub closed: bool,
    /// Names that its SDP gives for ICE (saturating), 0 where it does not speak of ICE.
    pub ice_names: u8,
    /// Its SDP with ICE has several media sections or generations.
    pub ice_sections: bool,
    pub kind: KindBits,
    /// How far the message that named the callee's software can be trusted (0: none did).
    pub agent_rank: u8,
    /// Fork rows in the chain that begins at `first_fork`.
    pub forks: u8,
    pub first_fork: u32,
    /// Hash of the From tag of the caller.
    pub caller_tag: u32,
    pub cseq: u32,
    /// Messages summarised so far.
    pub summarised: u32,
    pub recent: Recent,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DialogWork {
    pub touched: bool,
    /// Time of the earliest request outside a dialog that opened it, if that is no INVITE's business.
    pub opened: Option<Nanos>,
    pub summarised: u32,
    /// `Expires` last asked for or granted, seconds.
    pub expires: Option<u32>,
    /// Why a NOTIFY last said that the subscription is terminated.
    pub terminated_reason: Str,
    pub recent: Recent,
}

/// Owner of each Call-ID by its `Str`, packed: 0 none, else twice the index plus 1 for a dialog, plus 1.
#[derive(Debug, Default)]
pub(super) struct Owners {
    by_call_id: Vec<u32>,
    /// Messages without Call-ID, by From tag and CSeq number (or Via branch).
    nameless: HashMap<u64, u32, foldhash::fast::RandomState>,
    /// The dialogs whose Call-ID a call uses again.
    beside: HashMap<CallIdx, DialogIdx, foldhash::fast::RandomState>,
}

/// What a message is filed under.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    CallId(Str),
    Nameless(u64),
}

fn pack(owner: Owner) -> u32 {
    match owner {
        Owner::Call(c) => c.0 * 2 + 1,
        Owner::Dialog(d) => d.0 * 2 + 2,
    }
}

fn unpack(packed: u32) -> Option<Owner> {
    let n = packed.checked_sub(1)?;
    Some(if n.is_multiple_of(2) { Owner::Call(CallIdx(n / 2)) } else { Owner::Dialog(DialogIdx(n / 2)) })
}

impl Owners {
    pub fn key(call_id: Str, scan: Scanned<'_>) -> Key {
        if call_id.0 != 0 {
            return Key::CallId(call_id);
        }
        let scan = scan.whole();
        let hash = foldhash::fast::FixedState::with_seed(3);
        // Without any of them nothing tells such messages apart and they share a row.
        Key::Nameless(if scan.from.tag.is_empty() {
            hash.hash_one(scan.branch)
        } else {
            hash.hash_one((scan.from.tag, scan.cseq))
        })
    }

    pub fn get(&self, key: Key) -> Option<Owner> {
        unpack(match key {
            Key::CallId(s) => self.by_call_id.get(s.0 as usize).copied()?,
            Key::Nameless(h) => self.nameless.get(&h).copied()?,
        })
    }

    fn set(&mut self, key: Key, owner: Owner) {
        match key {
            Key::CallId(s) => {
                let at = s.0 as usize;
                if self.by_call_id.len() <= at {
                    self.by_call_id.resize(at + 1, 0);
                }
                self.by_call_id[at] = pack(owner);
            }
            Key::Nameless(h) => {
                self.nameless.insert(h, pack(owner));
            }
        }
    }
}

/// Requests that never open anything: they live inside what an INVITE opened.
fn inside_only(method: MethodId) -> bool {
    matches!(
        method,
        MethodId::ACK
            | MethodId::BYE
            | MethodId::CANCEL
            | MethodId::PRACK
            | MethodId::UPDATE
            | MethodId::INFO
            | MethodId::NOTIFY
            | MethodId::BENOTIFY
    )
}

impl Analysis {
    /// The owner of the message that is about to be added as `index`; a new one where needed. `None` past
    /// `Limits::dialogs`.
    pub(super) fn owner_for(
        &mut self,
        key: Key,
        index: MsgIdx,
        record: &SipRecord,
        scan: Scanned<'_>,
    ) -> Option<Owner> {
        let invite = record.method == MethodId::INVITE;
        let call_id = match key {
            Key::CallId(s) => s,
            Key::Nameless(_) => Str(0),
        };
        let owner = match self.owners.get(key) {
            Some(owner @ Owner::Call(call)) => match self.owners.beside.get(&call) {
                Some(d) if self.dialogs.get(d.0 as usize).is_some_and(|d| d.method == record.method) => {
                    Owner::Dialog(*d)
                }
                _ => owner,
            },
            Some(owner @ Owner::Dialog(d)) => {
                let full = self.calls.len() + self.dialogs.len() >= self.limits.dialogs;
                if invite && call_id.0 != 0 && !full {
                    let opened = self.dialog_work.get(d.0 as usize).and_then(|w| w.opened);
                    let call = self.new_call(call_id, index);
                    if opened.is_some_and(|t| t <= record.time) {
                        self.owners.beside.insert(call, d);
                    } else {
                        self.hand_over(d, call);
                    }
                    self.owners.set(key, Owner::Call(call));
                    Owner::Call(call)
                } else {
                    owner
                }
            }
            None => {
                if self.calls.len() + self.dialogs.len() >= self.limits.dialogs {
                    return None;
                }
                let owner = if invite {
                    Owner::Call(self.new_call(call_id, index))
                } else {
                    Owner::Dialog(self.new_dialog(call_id, index, record, scan))
                };
                self.owners.set(key, owner);
                owner
            }
        };
        if let Owner::Dialog(d) = owner
            && record.is_request()
            && !record.has(flag::TO_TAG)
            && !inside_only(record.method)
            && !invite
            && let Some(work) = self.dialog_work.get_mut(d.0 as usize)
        {
            work.opened = Some(work.opened.map_or(record.time, |t| t.min(record.time)));
        }
        Some(owner)
    }

    fn new_call(&mut self, call_id: Str, first: MsgIdx) -> CallIdx {
        let call = CallIdx(self.calls.len() as u32);
        self.calls.push(Call {
            call_id,
            messages: MsgList { first, last: first, count: 0 },
            from_uri: Str(0),
            from_display: Str(0),
            to_uri: Str(0),
            to_display: Str(0),
            caller_agent: Str(0),
            callee_agent: Str(0),
            summary: CallSummary::EMPTY,
        });
        self.call_work.push(CallWork::default());
        self.legs_resolve(call, call_id);
        call
    }

    pub(super) fn new_dialog(
        &mut self,
        call_id: Str,
        first: MsgIdx,
        record: &SipRecord,
        scan: Scanned<'_>,
    ) -> DialogIdx {
        let dialog = DialogIdx(self.dialogs.len() as u32);
        self.dialogs.push(Dialog {
            call_id,
            messages: MsgList { first, last: first, count: 0 },
            method: record.method,
            event: self.strings.intern(scan.whole().event),
            from_uri: self.strings.intern(scan.from_uri()),
            to_uri: self.strings.intern(scan.to_uri()),
            summary: DialogSummary::EMPTY,
        });
        self.dialog_work.push(DialogWork::default());
        dialog
    }

    /// The messages of a dialog become the first of a call.
    fn hand_over(&mut self, dialog: DialogIdx, call: CallIdx) {
        let Some(from) = self.dialogs.get_mut(dialog.0 as usize) else { return };
        let list = from.messages;
        from.messages.count = 0;
        let mut next = Some(list.first);
        for _ in 0..list.count {
            let Some(record) = next.and_then(|m| self.messages.get_mut(m.0 as usize)) else { break };
            record.owner = Owner::Call(call);
            next = record.next.get();
        }
        if let Some(to) = self.calls.get_mut(call.0 as usize) {
            to.messages = list;
        }
        if let (Some(from), Some(to)) =
            (self.dialog_work.get(dialog.0 as usize), self.call_work.get_mut(call.0 as usize))
        {
            to.recent = from.recent;
        }
    }

    /// Puts a message at the end of its owner's list and marks the owner for [`Analysis::refresh`].
    pub(super) fn append(&mut self, owner: Owner, index: MsgIdx) {
        let (list, touched) = match owner {
            Owner::Call(c) => {
                match (self.calls.get_mut(c.0 as usize), self.call_work.get_mut(c.0 as usize)) {
                    (Some(call), Some(work)) => (&mut call.messages, &mut work.touched),
                    _ => return,
                }
            }
            Owner::Dialog(d) => {
                match (self.dialogs.get_mut(d.0 as usize), self.dialog_work.get_mut(d.0 as usize)) {
                    (Some(dialog), Some(work)) => (&mut dialog.messages, &mut work.touched),
                    _ => return,
                }
            }
        };
        if list.count == 0 {
            list.first = index;
        } else if let Some(last) = self.messages.get_mut(list.last.0 as usize) {
            last.next = index.into();
        }
        list.last = index;
        list.count = list.count.saturating_add(1);
        if !*touched {
            *touched = true;
            self.touched.push(owner);
        }
    }
}
