//! The outcome of a call, read off its messages in order of time. The meanings stand on [`CallSummary`].

use super::Analysis;
use super::kind::call_kind;
use super::model::*;
use crate::capture::Nanos;

/// Branches of one INVITE beside its first that are told apart.
const FORKS: usize = 8;

/// What an INVITE got for answers.
#[derive(Debug, Clone, Copy, Default)]
struct Answers {
    count: u32,
    /// Time of the newest.
    newest: Nanos,
    ring: Option<Nanos>,
    last: Option<Final>,
}

#[derive(Debug, Clone, Copy)]
struct Final {
    time: Nanos,
    status: u16,
    reason: Str,
    to_tag: u32,
}

impl Answers {
    fn add(&mut self, r: &SipRecord) {
        self.count += 1;
        self.newest = self.newest.max(r.time);
        match r.status {
            180..200 if self.last.is_none() => {
                self.ring.get_or_insert(r.time);
            }
            ..200 => {}
            // The first final answer is the one given; only a 2xx overrides a refusal, a fork having answered.
            _ if self.last.is_none_or(|f| f.status >= 300 && r.status < 300) => {
                self.last =
                    Some(Final { time: r.time, status: r.status, reason: r.reason, to_tag: r.to_tag });
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
    cancel: Option<Nanos>,
}

#[derive(Debug, Clone, Copy)]
struct Bye {
    time: Nanos,
    by: Option<Side>,
    /// Tag of the side that is not the caller.
    tag: u32,
}

/// The state of the walk.
#[derive(Debug, Default)]
struct Walk {
    attempt: Option<Attempt>,
    caller_tag: u32,
    /// Of the first INVITE that opens the call.
    invited: Option<Nanos>,
    first_ring: Option<Nanos>,
    /// An INVITE inside the dialog was seen: it stood before.
    reinvite: Option<(u32, u32)>,
    byes: Vec<Bye>,
    retransmissions: u32,
}

impl Analysis {
    pub(super) fn refresh_call(&mut self, call: CallIdx, order: &[MsgIdx], live: bool) {
        if let Some(work) = self.call_work.get_mut(call.0 as usize) {
            work.touched = false;
            work.summarised = order.len() as u32;
        }
        let summary = self.summarise(call, order, live);
        if let Some(call) = self.calls.get_mut(call.0 as usize) {
            call.summary = summary;
        }
    }

    fn summarise(&self, call: CallIdx, order: &[MsgIdx], live: bool) -> CallSummary {
        let mut walk = Walk::default();
        for &m in order {
            let r = self.message(m);
            if r.has(flag::DUPLICATE) {
                continue;
            }
            if r.has(flag::RETRANSMISSION) {
                walk.retransmissions += 1;
            }
            match (r.is_request(), r.method) {
                (true, MethodId::INVITE) => self.invite(&mut walk, r),
                (false, MethodId::INVITE) => self.answer(&mut walk, r),
                (true, MethodId::CANCEL) => self.cancel(&mut walk, r),
                (true, MethodId::BYE) => self.bye(&mut walk, r),
                _ => {}
            }
        }
        let mut summary = self.outcome(&walk, order, live);
        summary.kind = self.call_work.get(call.0 as usize).map_or(CallKind::Unknown, |w| call_kind(w.kind));
        summary.forks = self.count_forks(call, order);
        summary.offers = self.count_offers(order);
        let times = || order.iter().map(|m| self.message(*m).time);
        if let (Some(first), Some(last)) = (times().min(), times().max()) {
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
                walk.invited = Some(r.time);
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
        let opened = walk.invited.is_some();
        let Some(a) = &mut walk.attempt else { return };
        if r.cseq != a.cseq || r.from_tag != a.from_tag {
            return;
        }
        let own = if r.branch != 0 || !opened {
            r.branch == a.branch || a.is_fork(r.branch)
        } else {
            self.flow(r.flow).dst == self.flow(a.flow).src
        };
        a.any.add(r);
        if own {
            a.own.add(r);
        }
        let ring = a.own.ring.or(if a.own.count == 0 { a.any.ring } else { None });
        if walk.first_ring.is_none() {
            walk.first_ring = ring;
        }
    }

    fn cancel(&self, walk: &mut Walk, r: &SipRecord) {
        let Some(a) = &mut walk.attempt else { return };
        if r.cseq != a.cseq {
            return;
        }
        if (r.branch == a.branch && r.branch != 0) || r.flow == a.flow {
            a.cancel.get_or_insert(r.time);
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
            walk.byes.push(Bye { time: r.time, by, tag });
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
        s.setup = walk.invited.zip(walk.first_ring).map(|(invite, ring)| (ring - invite).max(0));
        s.ring = answers.ring.zip(answers.last).map(|(ring, last)| (last.time - ring).max(0));
        if let Some(last) = answers.last {
            s.final_status = last.status;
            s.reason = last.reason;
        }
        let established = walk.attempt.is_none() && walk.reinvite.is_some();
        match answers.last {
            Some(last) if last.status < 300 => {
                s.answered = Some(last.time);
                // A BYE to another fork's dialog does not end the call.
                let of_call = |b: &&Bye| last.to_tag == 0 || b.tag == last.to_tag;
                let bye = walk.byes.iter().find(of_call).or_else(|| walk.byes.iter().find(|b| b.tag == 0));
                self.end_by_bye(&mut s, bye);
                s.talk = s.end.map(|end| (end - last.time).max(0));
            }
            Some(last) => {
                s.end = Some(last.time);
                s.state = match last.status {
                    300..400 => CallState::Redirected,
                    487 => CallState::Cancelled,
                    408 if cancel.is_some_and(|t| t <= last.time) => CallState::Cancelled,
                    408 => CallState::NoAnswer,
                    500..600 => CallState::Failed,
                    _ => CallState::Rejected,
                };
            }
            None if established || !walk.byes.is_empty() => self.end_by_bye(&mut s, walk.byes.first()),
            None if self.acknowledged(order) => s.state = CallState::Answered,
            None if cancel.is_some() => {
                s.state = CallState::Cancelled;
                s.end = cancel;
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
                s.end = Some(bye.time);
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
