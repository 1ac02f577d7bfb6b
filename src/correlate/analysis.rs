//! The result of reading captures, complete between any two batches.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;

use hashbrown::{HashSet, HashTable};

use super::breakage::Broken;
use super::census::Census;
use super::dialog::PATIENCE;
use super::dns::Dns;
use super::fork::ForkRow;
use super::instant_message::redact;
use super::legs::Legs;
use super::media::{Media, MediaCache};
use super::model::*;
use super::offer::CandidateSyntax;
use super::opening::Openings;
use super::owner::{CallWork, DialogWork, Owners};
use super::sql::Sql;
use super::store::Stores;
use super::strings::{Methods, Names, Strings};
use super::stun::Stun;
use crate::capture::{FrameIndex, FrameRef, Nanos};
use crate::limits::Limits;

/// Everything known of the captures read so far.
#[derive(Default)]
pub struct Analysis {
    pub limits: Limits,
    /// Headers that name the Call-ID of another leg.
    pub leg_headers: Vec<String>,
    /// Long-term credentials of TURN given by the user, `name:password`; either part may hold colons.
    pub turn_users: Vec<String>,
    /// What people wrote is replaced by text of the same length in all that is shown.
    pub redact_text: bool,
    /// The captures are redacted copies, of which so much was overwritten: keys and keyed hashes in them prove nothing.
    pub redaction: Option<crate::redact::Tally>,
    /// The DSCP marks that are expected, where the user says so.
    pub qos: Option<super::QosProfile>,
    pub captures: Vec<CaptureSummary>,
    pub messages: Vec<SipRecord>,
    pub calls: Vec<Call>,
    /// Some became calls and are empty: see [`Analysis::dialogs_shown`].
    pub dialogs: Vec<Dialog>,
    pub links: Vec<CallLink>,
    pub sip: SipStatistics,
    /// SIP messages that were counted but not kept, a limit being hit.
    pub messages_not_kept: u64,
    pub other: OtherStatistics,
    pub stun: Stun,
    pub media: Media,
    pub sql: Sql,
    pub openings: Openings,
    pub dns: Dns,
    pub tls: Vec<TlsSession>,
    pub names: Names,
    pub strings: Strings,
    pub methods: Methods,
    pub stores: Stores,
    /// Where the frames of each capture lie (index = capture).
    pub frame_indexes: Vec<FrameIndex>,
    pub(super) flows: Vec<PackedFlow>,
    /// Half of each flow's hash, with its id.
    pub(super) flow_table: HashTable<(u32, FlowId)>,
    /// The flow asked for last, with its hash.
    pub(super) last_flow: Option<(u64, FlowId)>,
    pub(super) census: Census,
    /// Syntax of the candidate lines of requests, in their order.
    pub(super) syntaxes: Vec<(MsgIdx, CandidateSyntax)>,
    /// The earlier frames of messages that lie in several: where each message's begin in `part_frames`.
    pub(super) parts: Vec<(MsgIdx, u32)>,
    pub(super) part_frames: Vec<FrameRef>,
    pub(super) frames: FrameOrder,
    pub(super) broken: Broken,
    /// The row of messages whose Call-ID is cut off.
    pub(super) leftovers: Option<DialogIdx>,
    pub(super) owners: Owners,
    pub(super) call_work: Vec<CallWork>,
    pub(super) dialog_work: Vec<DialogWork>,
    pub(super) forks: Vec<ForkRow>,
    pub(super) touched: Vec<Owner>,
    pub(super) legs: Legs,
    /// The usual reason phrases that were met, by status, to spare looking them up.
    pub(super) reasons: Vec<Str>,
    pub(super) limits_noted: Vec<&'static str>,
    /// Time of the newest message.
    pub(super) newest: Nanos,
    /// Captures were still being read when the summaries were last made.
    pub(super) was_live: bool,
    /// How often the summaries were made.
    pub(super) revision: u64,
    pub(super) alias_cache: super::aliases::AliasCache,
    pub(super) media_cache: MediaCache,
}

/// Messages by the frame that completed them.
#[derive(Debug, Default)]
pub(super) struct FrameOrder {
    captures: Vec<CaptureOrder>,
}

/// Those of one capture, in order of frame up to `sorted`.
#[derive(Debug, Default)]
struct CaptureOrder {
    list: Vec<MsgIdx>,
    sorted: usize,
}

impl FrameOrder {
    pub fn push(&mut self, messages: &[SipRecord], index: MsgIdx) {
        let frame = |m: &MsgIdx| messages.get(m.0 as usize).map_or(0, |r| r.frame.frame);
        let Some(capture) = messages.get(index.0 as usize).map(|r| usize::from(r.frame.capture.0)) else {
            return;
        };
        if self.captures.len() <= capture {
            self.captures.resize_with(capture + 1, CaptureOrder::default);
        }
        let Some(order) = self.captures.get_mut(capture) else { return };
        let in_order = order.sorted == order.list.len()
            && order.list.last().is_none_or(|last| frame(last) <= frame(&index));
        order.list.push(index);
        if in_order {
            order.sorted = order.list.len();
        }
    }

    /// Sorts what came out of order; cheap where it belongs near the end.
    fn sort(&mut self, messages: &[SipRecord]) {
        let frame = |m: &MsgIdx| messages.get(m.0 as usize).map_or(0, |r| r.frame.frame);
        for order in &mut self.captures {
            let (sorted, rest) = order.list.split_at(order.sorted);
            let Some(least) = rest.iter().map(frame).min() else { continue };
            let start = sorted.partition_point(|m| frame(m) <= least);
            order.list[start..].sort_by_key(|m| (frame(m), *m));
            order.sorted = order.list.len();
        }
    }

    fn find<'a>(&'a self, messages: &'a [SipRecord], frame: FrameRef) -> impl Iterator<Item = MsgIdx> + 'a {
        let of = move |m: &MsgIdx| messages.get(m.0 as usize).map_or(0, |r| r.frame.frame);
        let order = self.captures.get(usize::from(frame.capture.0));
        let (sorted, rest) = order.map_or((&[][..], &[][..]), |o| o.list.split_at(o.sorted));
        let start = sorted.partition_point(|m| of(m) < frame.frame);
        let found = sorted.get(start..).unwrap_or_default().iter().take_while(move |m| of(m) == frame.frame);
        found.chain(rest.iter().filter(move |m| of(m) == frame.frame)).copied()
    }
}

impl Analysis {
    pub fn text(&self, s: Str) -> Cow<'_, str> {
        self.strings.text(s)
    }

    pub fn message(&self, m: MsgIdx) -> &SipRecord {
        &self.messages[m.0 as usize]
    }

    pub fn call(&self, c: CallIdx) -> &Call {
        &self.calls[c.0 as usize]
    }

    pub fn dialog(&self, d: DialogIdx) -> &Dialog {
        &self.dialogs[d.0 as usize]
    }

    pub fn flow(&self, f: FlowId) -> Flow {
        self.flows[f.0 as usize].unpack()
    }

    /// Whether anything that a machine sent is among what was decoded.
    pub fn heard_from(&self, ip: IpAddr) -> bool {
        self.flows.iter().any(|f| f.unpack().src.ip() == ip)
    }

    pub fn method(&self, m: MethodId) -> &str {
        self.methods.name(m)
    }

    /// `Expires` last asked for or granted in a dialog, seconds.
    pub fn expires_of(&self, d: DialogIdx) -> Option<u32> {
        self.dialog_work.get(d.0 as usize)?.expires
    }

    /// The dialogs without those that became calls.
    pub fn dialogs_shown(&self) -> impl Iterator<Item = (DialogIdx, &Dialog)> + '_ {
        (0u32..).map(DialogIdx).zip(&self.dialogs).filter(|(_, d)| d.messages.count > 0)
    }

    /// The messages of a call or dialog in order of arrival.
    pub fn messages_of(&self, list: MsgList) -> impl Iterator<Item = MsgIdx> + '_ {
        let mut next = Some(list.first);
        let mut left = list.count;
        std::iter::from_fn(move || {
            let m = next.filter(|_| left > 0)?;
            left -= 1;
            next = self.message(m).next.get();
            Some(m)
        })
    }

    /// The messages of a call or dialog.
    pub fn list_of(&self, owner: Owner) -> MsgList {
        match owner {
            Owner::Call(c) => self.call(c).messages,
            Owner::Dialog(d) => self.dialog(d).messages,
        }
    }

    /// The messages of a call or dialog in order of time; of arrival where times are equal, or where by their times an answer
    /// would come before what it answers: the clock of the capture was set back.
    pub fn messages_in_time(&self, list: MsgList) -> Vec<MsgIdx> {
        let mut order = Vec::with_capacity(list.count as usize);
        self.collect_in_time(list, &mut order);
        order
    }

    /// The same, of which nearly all stand in that order already.
    pub fn in_time(&self, list: MsgList) -> impl Iterator<Item = MsgIdx> + '_ {
        let as_they_came = self.messages_of(list).is_sorted_by_key(|m| self.message(m).time);
        let arrived = as_they_came.then(|| self.messages_of(list));
        let ordered = (!as_they_came).then(|| self.messages_in_time(list));
        arrived.into_iter().flatten().chain(ordered.into_iter().flatten())
    }

    pub(super) fn collect_in_time(&self, list: MsgList, order: &mut Vec<MsgIdx>) {
        order.clear();
        order.extend(self.messages_of(list));
        if !order.is_sorted_by_key(|m| self.message(*m).time) {
            let arrived = order.clone();
            order.sort_by_key(|m| self.message(*m).time);
            if self.answers_come_first(order) && !self.answers_come_first(&arrived) {
                *order = arrived;
            }
        }
    }

    /// Whether an answer stands before the first request of its transaction.
    fn answers_come_first(&self, order: &[MsgIdx]) -> bool {
        let mut asked = HashSet::new();
        let mut answered = HashSet::new();
        for r in order.iter().map(|m| self.message(*m)).filter(|r| r.branch != 0) {
            let transaction = (r.branch, r.cseq, r.method);
            if r.is_request() {
                if asked.insert(transaction) && answered.contains(&transaction) {
                    return true;
                }
            } else if !asked.contains(&transaction) {
                answered.insert(transaction);
            }
        }
        false
    }

    /// The whole bytes of a message, read again from where they lie, as they may be shown:
    /// [`Analysis::redact_text`] is heeded.
    pub fn message_bytes(&self, m: MsgIdx) -> io::Result<Vec<u8>> {
        let mut bytes = self.whole_message_bytes(m)?;
        if self.redact_text {
            redact::ranges(&bytes).into_iter().for_each(|r| redact::bytes(&mut bytes, r));
        }
        Ok(bytes)
    }

    /// The same whether or not they may be shown.
    pub(super) fn whole_message_bytes(&self, m: MsgIdx) -> io::Result<Vec<u8>> {
        self.stores.read(self.message(m).bytes)
    }

    /// What follows the head of a message, whether or not it may be shown.
    pub(super) fn body_bytes(&self, m: MsgIdx) -> io::Result<Vec<u8>> {
        let r = self.message(m);
        let head = u32::from(r.head).min(r.bytes.len);
        let offset = r.bytes.offset + u64::from(head);
        self.stores.read(BytesRef { offset, len: r.bytes.len - head, ..r.bytes })
    }

    /// All frames a message lies in, the completing one last.
    pub fn frames_of(&self, m: MsgIdx) -> Vec<FrameRef> {
        let mut frames = Vec::new();
        if let Ok(at) = self.parts.binary_search_by_key(&m, |p| p.0) {
            let start = self.parts[at].1 as usize;
            let end = self.parts.get(at + 1).map_or(self.part_frames.len(), |p| p.1 as usize);
            frames.extend_from_slice(self.part_frames.get(start..end).unwrap_or_default());
        }
        frames.push(self.message(m).frame);
        frames
    }

    /// Name of a machine from `--names`, pcapng or DNS.
    pub fn host_name(&self, address: IpAddr) -> Option<&str> {
        self.names.get(address)
    }

    /// The messages that a frame completed, in order.
    pub fn messages_in_frame(&self, frame: FrameRef) -> Vec<MsgIdx> {
        self.frames.find(&self.messages, frame).collect()
    }

    /// Other legs of a call.
    pub fn links_of(&self, call: CallIdx) -> impl Iterator<Item = &CallLink> + '_ {
        self.legs.indexed(call).filter_map(|i| self.links.get(i))
    }

    /// Time of the newest frame.
    pub fn newest_time(&self) -> Nanos {
        self.captures.iter().filter_map(|c| c.last).max().unwrap_or(self.newest)
    }

    /// Whether the captures end before a request that was last sent at this time had to be answered.
    pub fn may_yet_be_answered(&self, sent: Nanos) -> bool {
        self.newest_time().saturating_sub(sent) < PATIENCE
    }

    /// Whether some capture is still being read (or followed).
    pub fn is_live(&self) -> bool {
        self.captures.iter().any(|c| !c.complete)
    }

    /// Another number each time the summaries were brought up to date: what was worked out of them may read differently.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Brings the summaries of calls and dialogs touched since the last time up to date.
    ///
    /// While captures are being read, those with very many messages are let lie for a while so that the whole
    /// stays linear; once all captures are complete everything is exact.
    pub fn refresh(&mut self) {
        self.revision += 1;
        self.frames.sort(&self.messages);
        let live = self.is_live();
        if !live {
            self.join_leftovers();
        }
        if self.was_live && !live {
            self.touch_unfinished();
        }
        self.was_live = live;
        let mut budget: u32 = 1 << 16;
        let mut order = Vec::new();
        let mut later = Vec::new();
        let mut calls = Vec::new();
        for owner in std::mem::take(&mut self.touched) {
            let list = self.list_of(owner);
            if list.count == 0 {
                continue;
            }
            if live && list.count > 512 {
                let done = match owner {
                    Owner::Call(c) => self.call_work.get(c.0 as usize).map_or(0, |w| w.summarised),
                    Owner::Dialog(d) => self.dialog_work.get(d.0 as usize).map_or(0, |w| w.summarised),
                };
                if list.count > budget && list.count < done.saturating_add(done / 8) {
                    later.push(owner);
                    continue;
                }
                budget = budget.saturating_sub(list.count);
            }
            match owner {
                Owner::Call(c) => calls.push(c),
                Owner::Dialog(d) => {
                    self.collect_in_time(list, &mut order);
                    self.refresh_dialog(d, &order, live);
                }
            }
        }
        self.touched = later;
        self.refresh_calls(&calls, live);
        self.legs_refresh();
    }

    /// Marks what may read differently now that nothing more comes.
    fn touch_unfinished(&mut self) {
        for (i, (call, work)) in self.calls.iter().zip(&mut self.call_work).enumerate() {
            if matches!(call.summary.state, CallState::Trying | CallState::Ringing) && !work.touched {
                work.touched = true;
                self.touched.push(Owner::Call(CallIdx(i as u32)));
            }
        }
        for (i, (dialog, work)) in self.dialogs.iter().zip(&mut self.dialog_work).enumerate() {
            let settled = dialog.summary.state == DialogState::Failed || dialog.messages.count == 0;
            if !settled && !work.touched {
                work.touched = true;
                self.touched.push(Owner::Dialog(DialogIdx(i as u32)));
            }
        }
    }
}
