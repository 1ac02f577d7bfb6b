//! What goes wrong while a call is up: lost ACKs, requests that are refused or lost, sessions that run out, transfers.

use std::net::IpAddr;

use callscope_parsers::sip::dialog::parse_session_expires;
use callscope_parsers::sip::name_addr::parse_name_addrs;
use callscope_parsers::sip::parse_message;

use super::transactions::{Course, Transaction, may_be_sipfrag};
use crate::capture::Nanos;
use crate::correlate::{Analysis, CallIdx, Diagnostic, DiagnosticHeader, MethodId, MsgIdx, Transport, flag};
use crate::diagnose::findings::message_words;
use crate::diagnose::{Context, Draft, FindingIdx, Findings, Rule, Severity, Subject};
use crate::show;
use crate::show::path::is_private;

/// Timer F (RFC 3261 §17.1.2.2), and Timer H: so long an ACK is waited for.
const PATIENCE: Nanos = 32_000_000_000;
/// Copies of an answer from which on its ACK is missed: two may cross an ACK that took a second.
const COPIES: u32 = 3;
/// A NAT forgets a binding of UDP after this at the earliest (RFC 4787 REQ-5 asks for more; many keep 30 s).
const FORGETS: Nanos = 30_000_000_000;
/// Messages shown of one kind.
const SHOWN: usize = 6;

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
        request: MsgIdx,
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
    },
    ForkLost {
        answer: MsgIdx,
        acknowledged: bool,
    },
    /// `goes_on`: the caller used the call all the same.
    CancelCrossed {
        cancel: MsgIdx,
        answer: MsgIdx,
        bye: Option<MsgIdx>,
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

/// Looks at the calls that may have something to tell.
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
    all
}

/// How many messages may be read again, and how often all messages may be looked through.
struct Budget {
    reads: usize,
    looks: usize,
}

impl Budget {
    fn head(&mut self, analysis: &Analysis, m: MsgIdx) -> Option<Vec<u8>> {
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
    let host: IpAddr = std::str::from_utf8(show::host_of(uri)).ok()?.trim_matches(['[', ']']).parse().ok()?;
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
            found.push(What::PrivateContact { request: answer, contact, from });
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
        found.push(What::Glare { transactions: glare, resolved });
    }
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
            found.push(What::PrivateContact { request: t.request, contact, from });
        }
        return;
    }
    if flow.transport != Transport::Udp || from != flow.dst {
        return;
    }
    binding_gone(analysis, t.request, budget).into_iter().for_each(|what| found.push(what));
}

/// Whether a request went to a port that its machine has left since: it was silent for long, and speaks from another one.
fn binding_gone(analysis: &Analysis, request: MsgIdx, budget: &mut Budget) -> Option<What> {
    budget.looks = budget.looks.checked_sub(1)?;
    let sent = analysis.message(request);
    let to = analysis.flow(sent.flow).dst;
    let (mut heard, mut later) = (None, None);
    for (i, r) in (0u32..).map(MsgIdx).zip(&analysis.messages) {
        let from = analysis.flow(r.flow).src;
        if from == to {
            if r.time > sent.time {
                return None;
            }
            heard = heard.max(Some(r.time));
        } else if from.ip() == to.ip() && r.time > sent.time && later.is_none() {
            later = Some(i);
        }
    }
    let silent = sent.time.saturating_sub(heard?);
    Some(What::BindingGone { request, silent, later: later? }).filter(|_| silent >= FORGETS)
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
    let at = |t: Nanos| (after - t).abs() <= 2 * SECOND;
    if at(full) || at(early) {
        let refresher = show::safe(session.refresher);
        let (bye, seconds) = (bye.request, session.seconds);
        found.push(What::SessionExpired { bye, answer, seconds, after, refresher });
    }
}

/// Answers of a second fork that nobody acknowledged or hung up on.
fn fork_lost(context: &Context<'_>, course: &Course, found: &mut Vec<What>) {
    let analysis = context.analysis;
    let Some(opening) = course.opening() else { return };
    let Some(first) = opening.answer.map(|m| analysis.message(m)) else { return };
    let mut tags = vec![first.to_tag];
    for &m in &course.order {
        let r = analysis.message(m);
        let other = r.method == MethodId::INVITE && (200..300).contains(&r.status) && r.cseq == opening.cseq;
        // Only what came to the caller itself.
        let here = r.branch == first.branch && r.from_tag == first.from_tag;
        if !other || !here || r.to_tag == 0 || tags.contains(&r.to_tag) {
            continue;
        }
        tags.push(r.to_tag);
        let with_tag = |method: MethodId| {
            course.order.iter().any(|o| {
                let o = analysis.message(*o);
                o.is_request() && o.method == method && (o.to_tag == r.to_tag || o.from_tag == r.to_tag)
            })
        };
        let acknowledged = with_tag(MethodId::ACK);
        if (!acknowledged || !with_tag(MethodId::BYE)) && context.goes_on(r.time) >= PATIENCE {
            found.push(What::ForkLost { answer: m, acknowledged });
        }
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
    let bye = course.bye().map(|t| t.request);
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

/// Adds what a rule about calls that are up finds.
pub fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let analysis = context.analysis;
    for Fault { call, what } in context.faults().iter().filter(|f| rule_of(&f.what).id == rule.id) {
        let subject = Subject::Call(*call);
        let cause = match what {
            What::AckLost { .. } | What::Unanswered { .. } => {
                out.find(subject, |r| matches!(r.id, "call-private-contact" | "call-nat-expired"))
            }
            What::Dropped { .. } => {
                let grave = |at: &FindingIdx| out.severity_of(*at) > Some(Severity::Info);
                out.find(subject, |r| r.id.starts_with("ice-") || r.id.starts_with("turn-")).filter(grave)
            }
            _ => None,
        };
        // The final offer of ICE has a rule of its own.
        let ice = |r: &'static Rule| r.id == "ice-final-refused";
        if matches!(what, What::Refused { .. }) && out.find(subject, ice).is_some() {
            continue;
        }
        out.add(rule, subject, (likeness(analysis, what), cause), |f| {
            f.who(context.call_name(*call)).because(cause);
            describe(context, *call, what, f);
        });
    }
}

fn rule_of(what: &What) -> &'static Rule {
    match what {
        What::PrivateContact { .. } => &super::PRIVATE_CONTACT,
        What::BindingGone { .. } => &super::NAT_EXPIRED,
        What::AckLost { .. } => &super::ACK_LOST,
        What::Refused { .. } => &super::REQUEST_REFUSED,
        What::Glare { .. } => &super::GLARE,
        What::Unanswered { .. } => &super::REQUEST_UNANSWERED,
        What::SessionExpired { .. } => &super::SESSION_EXPIRED,
        What::ForkLost { .. } => &super::FORK_LOST,
        What::CancelCrossed { .. } => &super::CANCEL_CROSSED,
        What::TransferFailed { .. } => &super::TRANSFER_FAILED,
        What::Dropped { .. } => &super::DROPPED,
    }
}

/// What makes the faults of several calls one finding.
fn likeness(analysis: &Analysis, what: &What) -> String {
    let method = |t: &Transaction| analysis.method(t.method).to_owned();
    let to = |m: MsgIdx| analysis.flow(analysis.message(m).flow).dst.ip();
    match what {
        What::PrivateContact { from, .. } => from.to_string(),
        What::BindingGone { request, .. } => to(*request).to_string(),
        What::AckLost { answer, ack, .. } => format!("{} {}", to(*answer), ack.is_some()),
        What::Refused { transaction: t, .. } => format!("{} {}", method(t), t.status),
        What::Unanswered { transaction: t } => format!("{} {}", method(t), to(t.request)),
        What::SessionExpired { seconds, .. } => seconds.to_string(),
        What::TransferFailed { status, .. } => status.to_string(),
        What::Dropped { why, .. } => format!("{:?} {:?}", why.header, why.code),
        What::Glare { resolved, .. } => resolved.to_string(),
        What::ForkLost { acknowledged, .. } => acknowledged.to_string(),
        What::CancelCrossed { bye, goes_on, .. } => format!("{} {goes_on}", bye.is_some()),
    }
}

/// `re-INVITE`, `BYE`.
fn words(analysis: &Analysis, t: &Transaction) -> String {
    match t.method {
        MethodId::INVITE => "re-INVITE".to_owned(),
        method => show::safe(analysis.method(method).as_bytes()),
    }
}

fn status_words(analysis: &Analysis, t: &Transaction) -> String {
    t.answer.map(|m| message_words(analysis, m)).unwrap_or_default()
}

fn describe(context: &Context<'_>, call: CallIdx, what: &What, f: &mut Draft) {
    let analysis = context.analysis;
    let to = |m: MsgIdx| {
        let dst = analysis.flow(analysis.message(m).flow).dst;
        show::machine(analysis, dst).map_or_else(|| dst.to_string(), |name| format!("{name} ({dst})"))
    };
    let s = &analysis.call(call).summary;
    match what {
        What::PrivateContact { request, contact, from } => {
            let text = format!("{from} asks to be reached at {contact}, a private address");
            f.what(text.clone()).of_many(text);
            f.say(format!(
                "Its messages come from {from}, through a NAT; its Contact (or the Record-Route before it) names {contact}, where \
                 requests inside of the call go and nobody outside of its network gets them."
            ));
            f.show_message(analysis, *request);
        }
        What::BindingGone { request, silent, later } => {
            let dst = analysis.flow(analysis.message(*request).flow).dst;
            let now = analysis.flow(analysis.message(*later).flow).src;
            f.what(format!("the NAT before {dst} has forgotten its binding"));
            f.of_many("a NAT has forgotten its binding");
            f.say(format!(
                "The request went to {dst}, from where nothing had come for {}; later the same address speaks from port {}.",
                show::span(*silent),
                now.port()
            ));
            f.partial("a client that was started again looks the same");
            f.show_message(analysis, *request).show_message_as(analysis, *later, "from another port");
        }
        What::AckLost { answer, copies, ack, span } => {
            let r = analysis.message(*answer);
            let n = show::number(u64::from(*copies));
            match ack {
                None => {
                    f.what(format!(
                        "{} was sent {n} times in {}, and no ACK came",
                        r.status,
                        show::span(*span)
                    ));
                    f.of_many("the answer was sent again and again, and no ACK came");
                    f.say(format!("The answer went to {}; no ACK for it is in the capture.", to(*answer)));
                }
                Some(ack) => {
                    f.what(format!(
                        "{} was sent {n} times although the ACK is there: it gets lost",
                        r.status
                    ));
                    f.of_many("the answer was sent again and again although the ACK is there");
                    f.say("The ACK is in the capture, and the answer is repeated after it: it is lost behind this point.");
                    f.show_message(analysis, *ack);
                }
            }
            // RFC 3261 §13.3.1.4: who gets no ACK hangs up.
            let given_up = s.talk.is_some_and(|t| (28_000_000_000..40_000_000_000).contains(&t));
            if given_up && s.ended_by.is_some() {
                f.say(format!(
                    "The call ended {} after the answer, as one without an ACK does.",
                    show::duration(s.talk.unwrap_or_default())
                ));
            } else {
                f.severity(Severity::Warning);
            }
            f.show_message(analysis, *answer);
        }
        What::Refused { transaction: t, done_later } => {
            let (name, status) = (words(analysis, t), status_words(analysis, t));
            f.what(format!("{name} refused with {status}"))
                .of_many(format!("{name} refused with {}", t.status));
            if *done_later {
                f.severity(Severity::Info).say(format!("A later {name} was accepted."));
            }
            if t.method == MethodId::BYE {
                f.severity(Severity::Info).say("The call is over all the same.");
            }
            if t.status == 481 {
                f.say("The other side does not know the call any more.");
            }
            f.show_message(analysis, t.request);
            if let Some(answer) = t.answer {
                f.show_message(analysis, answer);
                super::say_diagnostics(analysis, answer, f);
            }
        }
        What::Glare { transactions, resolved } => {
            let n = transactions.len() as u64;
            let times = if n == 1 { String::new() } else { format!(" {} times", show::number(n)) };
            f.what(format!("both sides changed the call at once (491){times}"));
            f.of_many("both sides changed the call at once (491)");
            match resolved {
                true => f.say("It was tried again with success."),
                false => f.say("No change of the call succeeded after it."),
            };
            if *resolved || n < 2 {
                f.severity(Severity::Info);
            }
            for t in transactions.iter().take(SHOWN) {
                f.show_message(analysis, t.request);
                t.answer.iter().for_each(|m| _ = f.show_message(analysis, *m));
            }
        }
        What::Unanswered { transaction: t } => {
            let name = words(analysis, t);
            f.what(format!("{name} to {} without any answer", to(t.request)));
            f.of_many(format!("{name} without any answer"));
            f.say(format!(
                "{name} was sent {}; no final answer came in the {} that the capture goes on.",
                if t.sent > 1 { format!("{} times", t.sent) } else { "once".to_owned() },
                show::span(context.goes_on(analysis.message(t.request).time))
            ));
            f.show_message(analysis, t.request);
        }
        What::SessionExpired { bye, answer, seconds, after, refresher } => {
            f.what(format!(
                "dropped after {}: nobody refreshed the session of {seconds} s",
                show::span(*after)
            ));
            f.of_many(format!("dropped because nobody refreshed the session of {seconds} s"));
            let who = match refresher.as_str() {
                "uac" => " by the side that asked (refresher=uac)",
                "uas" => " by the side that answered (refresher=uas)",
                _ => "",
            };
            f.say(format!("Session-Expires is {seconds} s, to be refreshed{who}; no re-INVITE or UPDATE came, and the BYE came when it ran out."));
            f.show_message_as(analysis, *answer, format!("Session-Expires: {seconds}"));
            f.show_message(analysis, *bye);
        }
        What::ForkLost { answer, acknowledged } => {
            let what = match acknowledged {
                true => "a second phone answered too and was not hung up on",
                false => "a second phone answered too and got no ACK",
            };
            f.what(what).of_many(what);
            f.say("The caller has to acknowledge each answer and to hang up on all but one; until then that phone thinks it is in a call.");
            f.show_message(analysis, *answer);
        }
        What::CancelCrossed { cancel, answer, bye, goes_on } => {
            let what = match bye {
                _ if *goes_on => "given up at the moment it was answered, and used all the same",
                Some(_) => "given up at the moment it was answered, then hung up",
                None => "given up at the moment it was answered, and nobody hung up",
            };
            f.what(what).of_many(what);
            f.say("CANCEL and 200 crossed: the call is answered, and only a BYE ends it.");
            if bye.is_some() || *goes_on {
                f.severity(Severity::Info);
            }
            f.show_message(analysis, *cancel).show_message(analysis, *answer);
            bye.iter().for_each(|m| _ = f.show_message(analysis, *m));
        }
        What::TransferFailed { message, status } => {
            let phrase = show::reason_phrase(*status);
            let what = format!("the transfer failed: {status} {phrase}").trim_end().to_owned();
            f.what(what.clone()).of_many(what);
            match analysis.message(*message).is_request() {
                true => f.say(format!("The NOTIFY about the transfer says {status} {phrase}.")),
                false => f.say(format!("REFER was answered with {status} {phrase}.")),
            };
            let refer = analysis.messages_of(analysis.call(call).messages);
            let refer = refer.filter(|m| {
                let r = analysis.message(*m);
                r.is_request() && r.method == MethodId::REFER
            });
            refer.take(1).for_each(|m| _ = f.show_message(analysis, m));
            f.show_message(analysis, *message);
        }
        What::Dropped { bye, why } => {
            let side = show::call_party_names(analysis, call);
            let who = match s.ended_by {
                Some(crate::correlate::Side::Caller) => format!("{}'s client", side[0]),
                Some(crate::correlate::Side::Callee) => format!("{}'s client", side[1]),
                None => "a client".to_owned(),
            };
            let reason = show::diagnostic(why);
            f.what(format!("dropped by {who}: {reason}")).of_many(format!("dropped: {reason}"));
            f.say(format!("The BYE says why in {}: {reason}.", why.header.name()));
            if let Some(text) = why.reason.as_deref().filter(|t| !t.is_empty()) {
                f.say(format!("\"{}\".", show::shorten(&show::safe_str(text), 160)));
            }
            f.show_message(analysis, *bye);
        }
    }
}
