//! Why a call failed: nothing came back, or the transport broke, and the frame that shows it.

use std::collections::HashMap;
use std::net::IpAddr;

use super::Analysis;
use super::model::*;
use super::stun::{Allocation, StunRecord};
use crate::capture::{FrameRef, Nanos};
use crate::decode::{Breakage, BreakageKind, Keys};

/// 64·T1 (RFC 3261 §17.1.1.2, Timer B): so long an INVITE waits for its first answer.
const TIMER_B: Nanos = 32_000_000_000;
/// So soon after a packet an ICMP error about it comes that does not quote enough to tell which it was.
const PROMPT: Nanos = 2_000_000_000;
/// Of like signs about one flow only one in so long is kept.
const ALIKE: Nanos = 1_000_000_000;

/// What kept a call from succeeding, if no SIP answer says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCause {
    /// Not one answer to the INVITE.
    NoResponse,
    /// The same, but the capture ends before the time for one was over.
    CaptureEnds,
    Broken {
        kind: BreakageKind,
        by: IpAddr,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    pub cause: FailureCause,
    /// The frame that shows it: the error, or the INVITE that was sent last.
    pub frame: FrameRef,
}

/// A [`Breakage`] of a flow of SIP or STUN messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenFlow {
    /// That of the messages that did not arrive.
    pub flow: FlowId,
    pub kind: BreakageKind,
    pub by: IpAddr,
    pub frame: FrameRef,
    pub time: Nanos,
    branch: u32,
}

/// The ICMP errors about one STUN transaction, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreachable {
    pub kind: BreakageKind,
    /// Who said so first.
    pub by: IpAddr,
    /// The first error.
    pub frame: FrameRef,
    pub time: Nanos,
    /// When the last one came.
    pub last: Nanos,
    /// How many there were.
    pub count: u32,
}

impl Unreachable {
    /// The two together, the earlier one telling.
    pub(super) fn join(known: Option<Self>, new: Self) -> Self {
        let Some(known) = known else { return new };
        let count = known.count.saturating_add(new.count);
        let first = if (new.time, new.frame) < (known.time, known.frame) { new } else { known };
        Self { count, last: known.last.max(new.last), ..first }
    }
}

type ByFlow<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// In order of arrival, by flow.
#[derive(Debug, Default)]
pub(super) struct Broken {
    flows: ByFlow<FlowId, Vec<BrokenFlow>>,
    /// ICMP errors by flow and what they quote (0 for too little), those that are not kept counted too.
    quoted: ByFlow<(FlowId, u32), Unreachable>,
    pub(super) count: usize,
    /// ICMP errors that came soon after one like them, by flow and what they quote: they tell nothing new.
    repeated: ByFlow<(FlowId, u32), Vec<FrameRef>>,
    repeated_count: usize,
}

impl Analysis {
    /// Keeps a sign that the transport broke, where SIP or STUN messages went that way.
    pub fn add_breakage(&mut self, b: &Breakage) {
        self.note_opening_error(b);
        let hash = Keys::flow_hash(b.src, b.dst, b.transport, self.strings.state());
        let Some(flow) = self.known_flow(Flow { src: b.src, dst: b.dst, transport: b.transport }, hash)
        else {
            return;
        };
        // Connections of STUN end sooner or later; it tells something only where a relay was asked for in vain.
        let ended = matches!(b.kind, BreakageKind::Reset | BreakageKind::Closed);
        if ended && self.stun.is_spoken(flow) && !self.stun.is_relay_awaited(flow) {
            return;
        }
        if self.broken.count >= self.limits.transport_errors {
            let what = "further ICMP errors and resets are not told of";
            return self.note_limit("limit-transport-errors", b.frame, what);
        }
        let Breakage { kind, by, frame, time, branch, .. } = *b;
        if matches!(kind, BreakageKind::Icmp { .. }) {
            let new = Unreachable { kind, by, frame, time, last: time, count: 1 };
            let known = self.broken.quoted.get(&(flow, branch)).copied();
            self.broken.quoted.insert((flow, branch), Unreachable::join(known, new));
        }
        let kept = self.broken.flows.entry(flow).or_default();
        let alike = |k: &&BrokenFlow| (k.kind, k.by, k.branch) == (b.kind, b.by, b.branch);
        if kept.iter().rev().take(8).find(alike).is_some_and(|k| b.time.saturating_sub(k.time) < ALIKE) {
            if branch != 0 && self.broken.repeated_count < self.limits.transport_errors {
                self.broken.repeated.entry((flow, branch)).or_default().push(frame);
                self.broken.repeated_count += 1;
            }
            return;
        }
        kept.push(BrokenFlow { flow, kind, by, frame, time, branch });
        self.broken.count += 1;
    }

    /// The first sign after `since` that a request sent on `flow` at `sent` did not arrive.
    pub(super) fn broken_after(
        &self,
        flow: FlowId,
        branch: u32,
        sent: Nanos,
        since: Nanos,
    ) -> Option<&BrokenFlow> {
        let known = self.broken.flows.get(&flow)?;
        let start = known.partition_point(|b| b.time < since);
        known.get(start..)?.iter().take_while(|b| b.time.saturating_sub(sent) <= TIMER_B).find(|b| {
            match (b.kind, b.branch) {
                (BreakageKind::Icmp { .. }, 0) => b.time.saturating_sub(sent) <= PROMPT,
                (BreakageKind::Icmp { .. }, quoted) => quoted == branch,
                _ => true,
            }
        })
    }

    /// The ICMP errors about a STUN message: those that quote its transaction, however late (3 s are usual where a host
    /// does not answer ARP), else those of its flow that quote too little to tell and come soon enough.
    pub fn unreachable(&self, record: &StunRecord) -> Option<Unreachable> {
        if self.broken.count == 0 {
            return None;
        }
        let quoted = |flow, branch| self.broken.quoted.get(&(flow, branch)).copied();
        let of = |branch| quoted(record.flow, branch).or_else(|| quoted(record.path, branch));
        let soon = |u: &Unreachable| record.time <= u.last && u.time.saturating_sub(record.time) <= TIMER_B;
        of(record.transaction).or_else(|| of(0).filter(soon))
    }

    /// The frames of all ICMP errors that quote a STUN message.
    pub fn unreachable_frames(&self, record: &StunRecord) -> impl Iterator<Item = FrameRef> + '_ {
        let branch = record.transaction;
        let of = |flow| self.broken.flows.get(&flow).map_or(&[][..], Vec::as_slice);
        let met = |&&flow: &&FlowId| self.broken.quoted.contains_key(&(flow, branch));
        let flows = [record.flow, record.path];
        let flow = flows.iter().find(met).copied();
        let repeated = flow.and_then(|flow| self.broken.repeated.get(&(flow, branch)));
        let first = flow.into_iter().flat_map(of).filter(move |b| b.branch == branch).map(|b| b.frame);
        first.chain(repeated.into_iter().flatten().copied())
    }

    /// The ICMP errors that all requests of an allocation met which no answer ever came to.
    pub fn unreachable_server(&self, a: &Allocation) -> Option<Unreachable> {
        if self.broken.count == 0 || a.allocated_at.is_some() {
            return None;
        }
        let mut joined = None;
        for round in &a.rounds {
            let asked = self.stun.record(round.request?).filter(|_| round.response.is_none())?;
            joined = Some(Unreachable::join(joined, self.unreachable(asked)?));
        }
        joined
    }

    /// How the server ended the connection of an allocation that it never answered.
    pub fn cut_by_server(&self, a: &Allocation) -> Option<&BrokenFlow> {
        if self.broken.count == 0 || a.allocated_at.is_some() {
            return None;
        }
        let round = a.rounds.last().filter(|r| r.response.is_none())?;
        let asked = self.stun.record(round.request?)?;
        let of = self.broken.flows.get(&asked.flow)?;
        let is_end = |b: &&BrokenFlow| matches!(b.kind, BreakageKind::Reset | BreakageKind::Closed);
        of.iter().filter(is_end).find(|b| b.time >= asked.time && b.by == a.server.ip())
    }

    /// Every sign that a request of this call or dialog did not arrive, in order of time.
    pub fn breakages(&self, owner: Owner) -> Vec<BrokenFlow> {
        let mut found: Vec<BrokenFlow> = Vec::new();
        if self.broken.count == 0 {
            return found;
        }
        for m in self.messages_of(self.list_of(owner)) {
            let r = self.message(m);
            if r.is_request()
                && let Some(b) = self.broken_after(r.flow, r.branch, r.time, r.time)
                && !found.contains(b)
            {
                found.push(*b);
            }
        }
        found.sort_by_key(|b| (b.time, b.frame));
        found
    }

    /// Why a call failed or stayed without answer, where no SIP message says it; none for other calls.
    pub fn failure(&self, call: CallIdx) -> Option<Failure> {
        let call_data = self.call(call);
        let s = &call_data.summary;
        if !matches!(s.state, CallState::Failed | CallState::NoAnswer) {
            return None;
        }
        let invites = || {
            self.messages_of(call_data.messages).filter_map(|m| {
                let r = self.message(m);
                (r.is_request() && r.method == MethodId::INVITE && !r.has(flag::DUPLICATE)).then_some(r)
            })
        };
        // The error about the last INVITE that met one: a later hop or attempt is what it ended with.
        let broken = invites().filter_map(|r| self.broken_after(r.flow, r.branch, r.time, r.time)).last();
        if let Some(b) = broken {
            return Some(Failure { cause: FailureCause::Broken { kind: b.kind, by: b.by }, frame: b.frame });
        }
        if s.state != CallState::Failed || s.final_status != 0 {
            return None;
        }
        let attempt = invites().map(|r| r.cseq).max()?;
        let of_attempt = || invites().filter(|r| r.cseq == attempt);
        let first = of_attempt().map(|r| r.time).min()?;
        let frame = of_attempt().max_by_key(|r| (r.time, r.frame)).map(|r| r.frame)?;
        let ends =
            self.captures.iter().filter_map(|c| c.last).max().map_or(self.newest, |t| t.max(self.newest));
        let cause = match ends.saturating_sub(first) < TIMER_B {
            true => FailureCause::CaptureEnds,
            false => FailureCause::NoResponse,
        };
        Some(Failure { cause, frame })
    }
}
