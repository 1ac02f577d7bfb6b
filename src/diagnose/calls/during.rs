//! What goes wrong while a call is up: lost ACKs, requests that are refused or lost, sessions that run out, transfers.

use std::net::{IpAddr, SocketAddr};

use callscope_parsers::sip::dialog::parse_session_expires;
use callscope_parsers::sip::name_addr::parse_name_addrs;
use callscope_parsers::sip::parse_message;

use super::lost;
use super::transactions::{Course, Transaction, may_be_sipfrag};
use crate::capture::Nanos;
use crate::correlate::{
    Analysis, CallIdx, Diagnostic, DiagnosticHeader, MethodId, MsgIdx, PATIENCE, Transport, flag,
};
use crate::diagnose::Context;
use crate::show;
use crate::show::path::is_private;

/// In that time a caller that has two answers hangs up on one of them.
const CHOOSES: Nanos = 4_000_000_000;
/// 491s whose cause is looked for in one call.
const GLARES: usize = 16;
/// So far from its time the BYE of a session that runs out may be.
pub(super) const SESSION_SLACK: Nanos = 2_000_000_000;
/// Copies of an answer from which on its ACK is missed: two may cross an ACK that took a second.
const COPIES: u32 = 3;

/// What is wrong with a call.
#[derive(Debug, Clone)]
pub struct Fault {
    pub call: CallIdx,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    /// The other side's address for requests is private.
    PrivateContact {
        /// What was lost, and what gives the address.
        request: MsgIdx,
        gives: MsgIdx,
        contact: String,
        from: IpAddr,
    },
    /// The address was not heard of for so long, and the machine sends from another port now.
    BindingGone {
        request: MsgIdx,
        silent: Nanos,
        later: MsgIdx,
    },
    /// Copies of a 2xx; whether an ACK was seen.
    AckLost {
        answer: MsgIdx,
        copies: u32,
        ack: Option<MsgIdx>,
        span: Nanos,
    },
    Refused {
        transaction: Transaction,
        done_later: bool,
    },
    Glare {
        transactions: Vec<Transaction>,
        /// What the side that answered with 491 had asked itself then, where that was captured.
        theirs: Option<MsgIdx>,
        resolved: bool,
    },
    Unanswered {
        transaction: Transaction,
    },
    SessionExpired {
        bye: MsgIdx,
        answer: MsgIdx,
        seconds: u32,
        after: Nanos,
        refresher: String,
        /// The re-INVITE or UPDATE in that time that was refused or not answered.
        tried: Option<Transaction>,
    },
    ForkLost {
        answer: MsgIdx,
        acknowledged: bool,
    },
    /// `bye`: with whether it was the caller's; `goes_on`: the caller used the call all the same.
    CancelCrossed {
        cancel: MsgIdx,
        answer: MsgIdx,
        bye: Option<(MsgIdx, bool)>,
        goes_on: bool,
    },
    TransferFailed {
        message: MsgIdx,
        status: u16,
    },
    Dropped {
        bye: MsgIdx,
        why: Diagnostic,
    },
}

/// Looks at the calls that may have something to tell, and at those that came to nothing as nobody heard of them.
pub fn faults(context: &Context<'_>) -> Vec<Fault> {
    let analysis = context.analysis;
    let suspects = super::transactions::Suspects::of(analysis);
    let mut all = Vec::new();
    let mut budget = Budget { reads: analysis.limits.finding_reads, looks: 64 };
    for call in suspects.calls {
        let course = Course::of(analysis, call);
        let found = one(context, &course, &mut budget);
        all.extend(found.into_iter().map(|what| Fault { call, what }));
    }
    all.extend(lost::invites(context, &mut budget));
    all
}

/// How many messages may be read again, and how often all messages may be looked through.
pub(super) struct Budget {
    reads: usize,
    looks: usize,
}

impl Budget {
    /// Whether all messages may be looked through once more.
    pub(super) fn look(&mut self) -> Option<()> {
        self.looks = self.looks.checked_sub(1)?;
        Some(())
    }

    pub(super) fn head(&mut self, analysis: &Analysis, m: MsgIdx) -> Option<Vec<u8>> {
        self.reads = self.reads.checked_sub(1)?;
        analysis.head_bytes(m).ok()
    }
}

fn one(context: &Context<'_>, course: &Course, budget: &mut Budget) -> Vec<What> {
    let analysis = context.analysis;
    let mut found = Vec::new();
    ack_lost(analysis, course, &mut found, budget);
    requests(context, course, &mut found, budget);
    session_expired(analysis, course, &mut found, budget);
    fork_lost(context, course, &mut found);
    cancel_crossed(context, course, &mut found);
    transfer_failed(analysis, course, &mut found, budget);
    dropped(analysis, course, &mut found, budget);
    found
}

/// The address for requests that a message gives, where it is private and its sender is not.
fn private_contact(analysis: &Analysis, m: MsgIdx, budget: &mut Budget) -> Option<(String, IpAddr)> {
    let from = analysis.flow(analysis.message(m).flow).src.ip();
    if is_private(from) || from.is_loopback() {
        return None;
    }
    let bytes = budget.head(analysis, m)?;
    let message = parse_message(&bytes)?;
    // Where a proxy stays in the way it is asked, not the Contact.
    let header = message.header("Record-Route").or_else(|| message.header("Contact"))?;
    let address = parse_name_addrs(message.bytes, header.value_range.clone()).0.into_iter().next()?;
    let uri = message.bytes.get(address.uri.range.clone())?;
    let host = std::str::from_utf8(show::host_of(uri)).ok()?;
    let with_port = || host.parse::<SocketAddr>().ok().map(|a| a.ip());
    let host = host.trim_matches(['[', ']']).parse().ok().or_else(with_port)?;
    is_private(host).then(|| (show::shorten(&show::safe(uri), 60), from))
}

fn ack_lost(analysis: &Analysis, course: &Course, found: &mut Vec<What>, budget: &mut Budget) {
    for t in course.all.iter().filter(|t| t.method == MethodId::INVITE && (200..300).contains(&t.status)) {
        let Some(answer) = t.answer.filter(|_| t.answers >= COPIES) else { continue };
        let own = analysis.message(answer);
        let copies: Vec<Nanos> = course
            .order
            .iter()
            .map(|m| analysis.message(*m))
            .filter(|r| r.method == MethodId::INVITE && r.status == t.status && r.cseq == t.cseq)
            .filter(|r| r.flow == own.flow && r.branch == own.branch && r.to_tag == own.to_tag)
            .map(|r| r.time)
            .collect();
        let ack = course.order.iter().copied().find(|m| {
            let r = analysis.message(*m);
            r.method == MethodId::ACK && r.is_request() && r.cseq == t.cseq && r.to_tag == own.to_tag
        });
        // It goes on although the ACK was there for long enough.
        let after = ack.map_or(i64::MIN, |m| analysis.message(m).time.saturating_add(500_000_000));
        let missed = copies.iter().filter(|t| **t > after).count();
        let needed = if ack.is_some() { COPIES - 1 } else { COPIES } as usize;
        if missed < needed {
            continue;
        }
        let span = copies.last().zip(copies.first()).map_or(0, |(b, a)| b.saturating_sub(*a));
        if let Some((contact, from)) = private_contact(analysis, answer, budget) {
            found.push(What::PrivateContact { request: answer, gives: answer, contact, from });
        }
        found.push(What::AckLost { answer, copies: copies.len() as u32, ack, span });
    }
}

/// Statuses that a request inside of a call meets on its normal way.
fn is_on_its_way(t: &Transaction, course: &Course) -> bool {
    match t.status {
        // Challenges, session intervals, and the end of a transaction by its CANCEL.
        401 | 407 | 422 | 487 | 491 => true,
        // Both hung up, or it crossed the BYE.
        481 => t.method == MethodId::BYE || course.bye().is_some(),
        _ => false,
    }
}

fn requests(context: &Context<'_>, course: &Course, found: &mut Vec<What>, budget: &mut Budget) {
    let analysis = context.analysis;
    // Told by other rules, or by the outcome of the call.
    let elsewhere = [
        MethodId::NOTIFY,
        MethodId::BENOTIFY,
        MethodId::SUBSCRIBE,
        MethodId::MESSAGE,
        MethodId::REFER,
        MethodId::CANCEL,
    ];
    let mut glare: Vec<Transaction> = Vec::new();
    for t in course.all.iter().filter(|t| t.inside && !elsewhere.contains(&t.method)) {
        let later = || {
            course.all.iter().any(|o| {
                o.method == t.method
                    && (200..300).contains(&o.status)
                    && is_after(analysis, o.request, t.request)
            })
        };
        match t.status {
            491 => glare.push(t.clone()),
            0 => {
                let sent = analysis.message(t.request);
                if t.provisional || context.goes_on(sent.time) < PATIENCE || context.is_one_sided() {
                    continue;
                }
                unanswered_because(analysis, course, t, found, budget);
                found.push(What::Unanswered { transaction: t.clone() });
            }
            300.. if !is_on_its_way(t, course) => {
                found.push(What::Refused { transaction: t.clone(), done_later: later() });
            }
            _ => {}
        }
    }
    if let Some(last) = glare.last() {
        let resolved = course.all.iter().any(|o| {
            let done = (200..300).contains(&o.status) && is_after(analysis, o.request, last.request);
            done && matches!(o.method, MethodId::INVITE | MethodId::UPDATE)
        });
        let theirs = glare.iter().take(GLARES).find_map(|t| pending_beside(analysis, course, t));
        found.push(What::Glare { transactions: glare, theirs, resolved });
    }
}

/// The offer of the other side that was under way when it answered with 491 (RFC 3261 §14.2, RFC 3311 §5.2).
fn pending_beside(analysis: &Analysis, course: &Course, t: &Transaction) -> Option<MsgIdx> {
    let asked = analysis.message(t.request);
    let refused = t.answer.map_or(Nanos::MAX, |m| analysis.message(m).time);
    let beside = course.all.iter().find(|o| {
        let r = analysis.message(o.request);
        let over = o.answer.map_or(Nanos::MAX, |m| analysis.message(m).time);
        matches!(o.method, MethodId::INVITE | MethodId::UPDATE)
            && r.from_tag != asked.from_tag
            && r.time <= refused
            && over >= asked.time
    });
    beside.map(|o| o.request)
}

fn is_after(analysis: &Analysis, a: MsgIdx, b: MsgIdx) -> bool {
    analysis.message(a).time > analysis.message(b).time
}

/// What the address that a lost request went to tells of why.
fn unanswered_because(
    analysis: &Analysis,
    course: &Course,
    t: &Transaction,
    found: &mut Vec<What>,
    budget: &mut Budget,
) {
    let sent = analysis.message(t.request);
    let flow = analysis.flow(sent.flow);
    // The newest message of the other side before it: its Contact is where requests go.
    let theirs = course.order.iter().rev().copied().find(|m| {
        let r = analysis.message(*m);
        let gives =
            r.is_request() && r.from_tag != sent.from_tag || !r.is_request() && r.from_tag == sent.from_tag;
        gives && r.time <= sent.time && matches!(r.method, MethodId::INVITE | MethodId::UPDATE)
    });
    let Some(theirs) = theirs else { return };
    let from = analysis.flow(analysis.message(theirs).flow).src;
    if is_private(flow.dst.ip()) && from.ip() != flow.dst.ip() {
        if let Some((contact, from)) = private_contact(analysis, theirs, budget) {
            found.push(What::PrivateContact { request: t.request, gives: theirs, contact, from });
        }
        return;
    }
    if flow.transport != Transport::Udp || from != flow.dst {
        return;
    }
    found.extend(lost::binding_gone(analysis, t.request, budget));
}

/// A BYE at the moment where a session that nobody refreshed runs out.
fn session_expired(analysis: &Analysis, course: &Course, found: &mut Vec<What>, budget: &mut Budget) {
    const SECOND: Nanos = 1_000_000_000;
    let Some(bye) = course.bye() else { return };
    let refresh =
        course.all.iter().rev().find(|t| {
            matches!(t.method, MethodId::INVITE | MethodId::UPDATE) && (200..300).contains(&t.status)
        });
    let Some(answer) = refresh.and_then(|t| t.answer) else { return };
    let after = analysis.message(bye.request).time.saturating_sub(analysis.message(answer).time);
    if after < 55 * SECOND {
        return;
    }
    let Some(bytes) = budget.head(analysis, answer) else { return };
    let Some(message) = parse_message(&bytes) else { return };
    let Some(header) = message.header("Session-Expires") else { return };
    let (session, _) = parse_session_expires(message.bytes, header.value_range.clone());
    let Some(session) = session.filter(|s| s.seconds >= 60) else { return };
    let full = Nanos::from(session.seconds).saturating_mul(SECOND);
    // RFC 4028 §10: a BYE at the minimum of 32 s and a third of the interval before the end.
    let early = full.saturating_sub((full / 3).min(32 * SECOND));
    let at = |t: Nanos| (after - t).abs() <= SESSION_SLACK;
    if at(full) || at(early) {
        let refresher = show::safe(session.refresher);
        let refreshes = |t: &&Transaction| {
            let may = t.inside && matches!(t.method, MethodId::INVITE | MethodId::UPDATE);
            let between = is_after(analysis, t.request, answer) && is_after(analysis, bye.request, t.request);
            may && between && !(200..300).contains(&t.status)
        };
        let tried = course.all.iter().rev().find(refreshes).cloned();
        let (bye, seconds) = (bye.request, session.seconds);
        found.push(What::SessionExpired { bye, answer, seconds, after, refresher, tried });
    }
}

/// Answers of a second fork that nobody acknowledged, or that was left in a call beside the one that went on.
fn fork_lost(context: &Context<'_>, course: &Course, found: &mut Vec<What>) {
    let analysis = context.analysis;
    let Some(opening) = course.opening() else { return };
    let Some(first) = opening.answer.map(|m| analysis.message(m)) else { return };
    let with_tag = |method: MethodId, tag: u32, until: Nanos| {
        course.order.iter().any(|o| {
            let o = analysis.message(*o);
            o.is_request() && o.method == method && (o.to_tag == tag || o.from_tag == tag) && o.time <= until
        })
    };
    let mut tags = vec![first.to_tag];
    for &m in &course.order {
        let r = analysis.message(m);
        let other = r.method == MethodId::INVITE && (200..300).contains(&r.status) && r.cseq == opening.cseq;
        // Only what came to the caller itself.
        let here = r.branch == first.branch && r.from_tag == first.from_tag;
        if !other || !here || r.to_tag == 0 || tags.contains(&r.to_tag) {
            continue;
        }
        let hung_up = |tag: u32, within: Nanos| with_tag(MethodId::BYE, tag, r.time.saturating_add(within));
        let acknowledged = with_tag(MethodId::ACK, r.to_tag, Nanos::MAX);
        // Which of them is to be the call is the caller's choice, made at once.
        let is_kept = tags.iter().all(|tag| hung_up(*tag, CHOOSES));
        let left = !is_kept && !hung_up(r.to_tag, PATIENCE);
        if (!acknowledged || left) && context.goes_on(r.time) >= PATIENCE {
            found.push(What::ForkLost { answer: m, acknowledged });
        }
        tags.push(r.to_tag);
    }
}

/// A CANCEL that met the answer.
fn cancel_crossed(context: &Context<'_>, course: &Course, found: &mut Vec<What>) {
    let analysis = context.analysis;
    let Some(opening) = course.opening() else { return };
    let Some(answer) = opening.answer else { return };
    let invite = analysis.message(opening.request);
    let cancel = course.order.iter().copied().find(|m| {
        let r = analysis.message(*m);
        let same = r.cseq == invite.cseq && r.branch == invite.branch && r.flow == invite.flow;
        r.is_request() && r.method == MethodId::CANCEL && same
    });
    let Some(cancel) = cancel else { return };
    let by_caller = |m: MsgIdx| analysis.message(m).from_tag == invite.from_tag;
    let byes =
        course.all.iter().filter(|t| t.method == MethodId::BYE).map(|t| (t.request, by_caller(t.request)));
    let bye = byes.min_by_key(|(_, by_caller)| !by_caller);
    let goes_on = course.order.iter().any(|m| {
        let r = analysis.message(*m);
        let uses = r.is_request() && !matches!(r.method, MethodId::ACK | MethodId::BYE | MethodId::CANCEL);
        uses && r.from_tag == invite.from_tag && r.has(flag::TO_TAG) && is_after(analysis, *m, cancel)
    });
    let over = context.goes_on(analysis.message(answer).time) >= PATIENCE;
    if bye.is_some() || goes_on || over {
        found.push(What::CancelCrossed { cancel, answer, bye, goes_on });
    }
}

fn transfer_failed(analysis: &Analysis, course: &Course, found: &mut Vec<What>, budget: &mut Budget) {
    let refers = || course.all.iter().filter(|t| t.method == MethodId::REFER);
    for t in refers() {
        if let Some(answer) = t.answer.filter(|_| t.status >= 300 && !matches!(t.status, 401 | 407)) {
            found.push(What::TransferFailed { message: answer, status: t.status });
        }
    }
    if refers().next().is_none() {
        return;
    }
    let mut last: Option<(MsgIdx, u16)> = None;
    for &m in &course.order {
        let r = analysis.message(m);
        if !may_be_sipfrag(r) || r.has(flag::RETRANSMISSION) {
            continue;
        }
        let Some(reads) = budget.reads.checked_sub(1) else { break };
        budget.reads = reads;
        let Ok(bytes) = analysis.message_bytes(m) else { continue };
        let Some(message) = parse_message(&bytes) else { continue };
        if let Some(status) = sipfrag_status(message.bytes.get(message.body.clone()).unwrap_or_default()) {
            last = Some((m, status));
        }
    }
    if let Some((message, status)) = last.filter(|(_, status)| *status >= 300) {
        found.push(What::TransferFailed { message, status });
    }
}

/// The status of a `message/sipfrag` (RFC 3515 §2.4.5).
fn sipfrag_status(body: &[u8]) -> Option<u16> {
    let rest = body.trim_ascii_start().strip_prefix(b"SIP/2.0 ")?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

fn dropped(analysis: &Analysis, course: &Course, found: &mut Vec<What>, budget: &mut Budget) {
    let byes = course.order.iter().copied().filter(|m| {
        let r = analysis.message(*m);
        r.is_request() && r.method == MethodId::BYE && r.has(flag::DIAGNOSTICS)
    });
    for bye in byes.take(2) {
        let Some(reads) = budget.reads.checked_sub(1) else { return };
        budget.reads = reads;
        let said = analysis.diagnostics_of_message(bye);
        if let Some(why) = said.into_iter().find(is_drop) {
            found.push(What::Dropped { bye, why });
            return;
        }
    }
}

/// Whether it tells that nobody wanted the call to end.
fn is_drop(d: &Diagnostic) -> bool {
    let Some(code) = d.code else { return false };
    if d.header.is_microsoft() {
        return code != 0 && !callscope_parsers::sip::diagnostics::is_informational(code);
    }
    let of = |protocol: &str| d.source.as_deref().is_some_and(|s| s.eq_ignore_ascii_case(protocol));
    match d.header {
        // Q.850: out of order, failures, congestion, no resources, incompatible, protocol errors.
        DiagnosticHeader::Reason if of("Q.850") => {
            matches!(code, 27 | 38 | 41 | 42 | 44 | 47 | 58 | 63 | 65 | 69 | 79 | 88 | 95..=102 | 111)
        }
        DiagnosticHeader::Reason if of("SIP") => matches!(code, 400 | 408 | 415 | 481 | 488 | 500..=599),
        _ => false,
    }
}
