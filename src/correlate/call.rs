//! The outcome of a call, read off its messages in order of time. The meanings stand on [`CallSummary`].

use super::Analysis;
use super::kind::call_kind;
use super::model::*;
use super::parts::in_parts;
use crate::capture::Nanos;

/// Calls whose summaries are held before they are put in their places.
const AT_ONCE: usize = 4096;
/// Branches of one INVITE beside its first that are told apart.
const FORKS: usize = 8;

/// When a message was captured, and by which setting of the clock: only times of one can be compared.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    time: Nanos,
    /// How often the times of the call went back before.
    clock: u32,
}

impl Moment {
    /// The moment of the next message; of the first there is none that it could lie before.
    fn then(self, time: Nanos) -> Self {
        Self { time, clock: self.clock + u32::from(time < self.time) }
    }

    /// How long after another; none where the clock was set back meanwhile.
    fn after(self, earlier: Self) -> Option<Nanos> {
        (self.clock == earlier.clock).then(|| self.time.saturating_sub(earlier.time).max(0))
    }
}

/// What an INVITE got for answers.
#[derive(Debug, Clone, Copy, Default)]
struct Answers {
    count: u32,
    /// Time of the newest.
    newest: Nanos,
    ring: Option<Moment>,
    last: Option<Final>,
}

#[derive(Debug, Clone, Copy)]
struct Final {
    at: Moment,
    status: u16,
    reason: Str,
    to_tag: u32,
}

impl Answers {
    fn add(&mut self, r: &SipRecord, at: Moment) {
        self.count += 1;
        self.newest = self.newest.max(r.time);
        match r.status {
            180..200 if self.last.is_none() => {
                self.ring.get_or_insert(at);
            }
            ..200 => {}
            // The first final answer is the one given; only a 2xx overrides a refusal, a fork having answered.
            _ if self.last.is_none_or(|f| f.status >= 300 && r.status < 300) => {
                self.last = Some(Final { at, status: r.status, reason: r.reason, to_tag: r.to_tag });
            }
            _ => {}
        }
    }
}

/// One INVITE of the caller and what it met; a later one under the same Call-ID replaces it.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    cseq: u32,
    from_tag: u32,
    branch: u32,
    flow: FlowId,
    /// Branches that the same machine opened to others, 0 for none: whoever answers there answers the call.
    forks: [u32; FORKS],
    /// When the INVITE was first sent.
    sent: Nanos,
    /// On the caller's hop.
    own: Answers,
    /// On any hop.
    any: Answers,
    /// The caller's.
    cancel: Option<Moment>,
}

#[derive(Debug, Clone, Copy)]
struct Bye {
    at: Moment,
    by: Option<Side>,
    /// Tag of the side that is not the caller.
    tag: u32,
}

/// The state of the walk.
#[derive(Debug, Default)]
struct Walk {
    /// Of the message that is looked at.
    now: Moment,
    attempt: Option<Attempt>,
    caller_tag: u32,
    /// Of the first INVITE that opens the call.
    invited: Option<Moment>,
    first_ring: Option<Moment>,
    /// An INVITE inside the dialog was seen: it stood before.
    reinvite: Option<(u32, u32)>,
    byes: Vec<Bye>,
    retransmissions: u32,
}

impl Analysis {
    /// Makes the summaries of these calls, each by itself of its messages alone.
    pub(super) fn refresh_calls(&mut self, calls: &[CallIdx], live: bool) {
        for calls in calls.chunks(AT_ONCE) {
            let summaries = in_parts(calls, |part| {
                let mut order = Vec::new();
                let summary = |call: &CallIdx| {
                    self.collect_in_time(self.call(*call).messages, &mut order);
                    self.summarise(*call, &order, live)
                };
                part.iter().map(summary).collect()
            });
            for (call, summary) in calls.iter().zip(summaries) {
                let at = call.0 as usize;
                if let (Some(call), Some(work)) = (self.calls.get_mut(at), self.call_work.get_mut(at)) {
                    work.touched = false;
                    work.summarised = call.messages.count;
                    call.summary = summary;
                }
            }
        }
    }

    fn summarise(&self, call: CallIdx, order: &[MsgIdx], live: bool) -> CallSummary {
        let mut walk = Walk { now: Moment { time: Nanos::MIN, clock: 0 }, ..Walk::default() };
        for &m in order {
            let r = self.message(m);
            if r.has(flag::DUPLICATE) {
                continue;
            }
            walk.now = walk.now.then(r.time);
            if r.has(flag::RETRANSMISSION) {
                walk.retransmissions += 1;
            }
            match (r.is_request(), r.method) {
                (true, MethodId::INVITE) => self.invite(&mut walk, r),
                (false, MethodId::INVITE) => self.answer(&mut walk, r),
                (true, MethodId::CANCEL) => self.cancel(&mut walk, r),
                // That it was taken tells of a BYE that the capture lacks; From and To are those of the BYE.
                (true, MethodId::BYE) => self.bye(&mut walk, r),
                (false, MethodId::BYE) if (200..300).contains(&r.status) => self.bye(&mut walk, r),
                _ => {}
            }
        }
        let mut summary = self.outcome(&walk, order, live);
        summary.kind = self.call_work.get(call.0 as usize).map_or(CallKind::Unknown, |w| call_kind(w.kind));
        summary.forks = self.count_forks(call, order);
        (summary.offers, summary.one_ice_offer) = self.count_offers(order);
        let times = || order.iter().map(|m| self.message(*m).time);
        if let (Some(first), Some(last)) = (times().next(), times().max()) {
            (summary.start, summary.last) = (first, last);
        }
        summary
    }

    fn invite(&self, walk: &mut Walk, r: &SipRecord) {
        if r.has(flag::TO_TAG) {
            if walk.caller_tag == 0 {
                walk.caller_tag = r.from_tag;
            }
            if walk.attempt.is_none() {
                walk.reinvite = Some((r.cseq, r.from_tag));
            }
            return;
        }
        let next = match &mut walk.attempt {
            None => true,
            // Until the attempt before has failed on the caller's hop, an INVITE is a copy on its way on.
            Some(a) => {
                let failed = a.own.last.is_some_and(|f| f.status >= 300);
                let same_way = r.flow == a.flow;
                // RFC 3263 §4.3: the next server gets the same request, but for its branch.
                let same_request = r.cseq == a.cseq && r.from_tag == a.from_tag;
                let again = same_request && self.is_same_sender(r.flow, a.flow);
                if r.branch == a.branch && r.cseq == a.cseq || a.is_fork(r.branch) {
                    false
                } else if failed {
                    r.cseq > a.cseq || same_way || again
                } else if again && !same_way {
                    // A proxy asks several at once, and the hop before it is not in the capture.
                    if let Some(free) = a.forks.iter_mut().find(|b| **b == 0) {
                        *free = r.branch;
                    }
                    false
                } else {
                    a.own.last.is_none() && same_way && r.cseq > a.cseq && r.from_tag == a.from_tag
                }
            }
        };
        if next {
            if walk.invited.is_none() {
                walk.invited = Some(walk.now);
                walk.reinvite = None;
            }
            walk.caller_tag = r.from_tag;
            // What is asked beside the attempt that failed may answer still.
            let before = walk.attempt.filter(|a| a.cseq == r.cseq && a.from_tag == r.from_tag);
            let forks = before.map_or([0; FORKS], |a| a.forks);
            walk.attempt = Some(Attempt { forks, ..Attempt::new(r, r.flow) });
        }
    }

    /// Whether one machine sends on both flows; over UDP from one port, as another one may be another program's.
    fn is_same_sender(&self, a: FlowId, b: FlowId) -> bool {
        let (a, b) = (self.flow(a), self.flow(b));
        a.src.ip() == b.src.ip() && (a.src.port() == b.src.port() || a.transport != Transport::Udp)
    }

    fn answer(&self, walk: &mut Walk, r: &SipRecord) {
        if walk.attempt.is_none() && walk.reinvite != Some((r.cseq, r.from_tag)) {
            // The capture starts between the INVITE and this answer.
            if walk.caller_tag == 0 {
                walk.caller_tag = r.from_tag;
            }
            if walk.reinvite.is_none() {
                walk.attempt = Some(Attempt::new(r, r.flow));
            }
        }
        let (opened, now) = (walk.invited.is_some(), walk.now);
        let Some(a) = &mut walk.attempt else { return };
        if r.cseq != a.cseq || r.from_tag != a.from_tag {
            return;
        }
        let own = if r.branch != 0 || !opened {
            r.branch == a.branch || a.is_fork(r.branch)
        } else {
            self.flow(r.flow).dst == self.flow(a.flow).src
        };
        a.any.add(r, now);
        if own {
            a.own.add(r, now);
        }
        let ring = a.own.ring.or(if a.own.count == 0 { a.any.ring } else { None });
        if walk.first_ring.is_none() {
            walk.first_ring = ring;
        }
    }

    fn cancel(&self, walk: &mut Walk, r: &SipRecord) {
        let now = walk.now;
        let Some(a) = &mut walk.attempt else { return };
        if r.cseq != a.cseq {
            return;
        }
        if (r.branch == a.branch && r.branch != 0) || r.flow == a.flow {
            a.cancel.get_or_insert(now);
        }
    }

    fn bye(&self, walk: &mut Walk, r: &SipRecord) {
        let (by, tag) = if walk.caller_tag != 0 && r.from_tag == walk.caller_tag {
            (Some(Side::Caller), r.to_tag)
        } else if walk.caller_tag != 0 && r.to_tag == walk.caller_tag {
            (Some(Side::Callee), r.from_tag)
        } else {
            (None, 0)
        };
        // One for each fork is kept; more tell nothing new.
        if walk.byes.len() < 16 && !walk.byes.iter().any(|b| b.by == by && b.tag == tag) {
            walk.byes.push(Bye { at: walk.now, by, tag });
        }
    }

    /// An ACK of a transaction of its own acknowledges a 2xx, also where the capture lost that.
    fn acknowledged(&self, order: &[MsgIdx]) -> bool {
        let invites = self.invite_branches(order);
        let records = order.iter().map(|m| self.message(*m));
        records
            .filter(|r| r.is_request() && r.method == MethodId::ACK)
            .any(|r| r.branch != 0 && !invites.contains(&r.branch))
    }

    fn outcome(&self, walk: &Walk, order: &[MsgIdx], live: bool) -> CallSummary {
        let mut s = CallSummary {
            starts_mid_call: walk.invited.is_none(),
            retransmissions: walk.retransmissions,
            ..CallSummary::EMPTY
        };
        let (answers, cancel) = match &walk.attempt {
            Some(a) if a.own.count > 0 => (a.own, a.cancel),
            // Of no answer on the caller's hop nothing tells that a proxy's own CANCEL is any of the caller's.
            Some(a) => {
                let by_proxy = a.cancel.is_none() && a.any.last.is_some_and(|f| f.status == 487);
                (Answers { last: a.any.last.filter(|_| !by_proxy), ..a.any }, a.cancel)
            }
            None => (Answers::default(), None),
        };
        s.setup = walk.invited.zip(walk.first_ring).and_then(|(invite, ring)| ring.after(invite));
        s.ring = answers.ring.zip(answers.last).and_then(|(ring, last)| last.at.after(ring));
        if let Some(last) = answers.last {
            s.final_status = last.status;
            s.reason = last.reason;
        }
        let established = walk.attempt.is_none() && walk.reinvite.is_some();
        match answers.last {
            Some(last) if last.status < 300 => {
                s.answered = Some(last.at.time);
                // A BYE to another fork's dialog does not end the call.
                let of_call = |b: &&Bye| last.to_tag == 0 || b.tag == last.to_tag;
                let bye = walk.byes.iter().find(of_call).or_else(|| walk.byes.iter().find(|b| b.tag == 0));
                self.end_by_bye(&mut s, bye);
                s.talk = bye.and_then(|bye| bye.at.after(last.at));
            }
            Some(last) => {
                s.end = Some(last.at.time);
                s.state = match last.status {
                    300..400 => CallState::Redirected,
                    487 => CallState::Cancelled,
                    408 if cancel.is_some_and(|t| t.clock < last.at.clock || t.time <= last.at.time) => {
                        CallState::Cancelled
                    }
                    408 => CallState::NoAnswer,
                    500..600 => CallState::Failed,
                    _ => CallState::Rejected,
                };
            }
            None if established || !walk.byes.is_empty() => self.end_by_bye(&mut s, walk.byes.first()),
            None if self.acknowledged(order) => s.state = CallState::Answered,
            None if cancel.is_some() => {
                s.state = CallState::Cancelled;
                s.end = cancel.map(|c| c.time);
            }
            None if walk.attempt.is_some_and(|a| self.broke(&a)) => s.state = CallState::Failed,
            None if answers.ring.is_some() => {
                s.state = if live { CallState::Ringing } else { CallState::NoAnswer };
            }
            None if answers.count > 0 || live => s.state = CallState::Trying,
            None => s.state = CallState::Failed,
        }
        if s.state == CallState::Cancelled && cancel.is_some() {
            s.ended_by = Some(Side::Caller);
        }
        s
    }

    /// Did the transport of the caller's hop break behind all answers?
    fn broke(&self, a: &Attempt) -> bool {
        let since = if a.own.count > 0 { a.own.newest } else { a.sent };
        self.broken_after(a.flow, a.branch, a.sent, since).is_some()
    }

    fn end_by_bye(&self, s: &mut CallSummary, bye: Option<&Bye>) {
        match bye {
            Some(bye) => {
                s.state = CallState::Completed;
                s.end = Some(bye.at.time);
                s.ended_by = bye.by;
            }
            None => s.state = CallState::Answered,
        }
    }
}

impl Attempt {
    fn is_fork(&self, branch: u32) -> bool {
        branch != 0 && self.forks.contains(&branch)
    }

    fn new(r: &SipRecord, flow: FlowId) -> Self {
        Self {
            cseq: r.cseq,
            from_tag: r.from_tag,
            branch: r.branch,
            flow,
            forks: [0; FORKS],
            sent: r.time,
            own: Answers::default(),
            any: Answers::default(),
            cancel: None,
        }
    }
}
