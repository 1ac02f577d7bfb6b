//! What a call ended with that did not come about, in words.

use callscope_parsers::sip::diagnostics::is_informational;
use callscope_parsers::sip::parse_message;

use super::walk::{LOOK, is_opening, is_set_back, messages};
use super::*;
use crate::capture::Nanos;
use crate::correlate::stun::Allocation;
use crate::correlate::{
    Analysis, CallState, CallSummary, Diagnostic, DiagnosticHeader, FailureCause, MethodId, MsgIdx,
    Transport, flag,
};
use crate::decode::BreakageKind;
use crate::diagnose::capture::loses_frames;
use crate::diagnose::{Context, Draft, FindingIdx, Findings, Subject};
use crate::show;

/// Timer C (RFC 3261 §16.6): a proxy waits longer than this for a final answer.
const TIMER_C: Nanos = 180_000_000_000;
/// A client that answers a challenge does so within a moment.
const ANSWERS_CHALLENGE: Nanos = 2_000_000_000;
/// INVITEs of one call shown as evidence.
const SHOWN: usize = 4;

/// The calls that did not come about, in order.
pub fn troubles(context: &Context<'_>) -> Vec<Trouble> {
    let calls = (0u32..).map(CallIdx).zip(&context.analysis.calls);
    calls.filter_map(|(c, call)| Some((c, rule_of(context, c, &call.summary)?))).collect()
}

fn rule_of(context: &Context<'_>, c: CallIdx, s: &CallSummary) -> Option<&'static Rule> {
    let rang = s.ring.is_some() || s.setup.is_some();
    Some(match s.state {
        CallState::Answered | CallState::Completed | CallState::Ringing => return None,
        CallState::Cancelled if answered_elsewhere(context.analysis, c).is_some() => &ANSWERED_ELSEWHERE,
        CallState::Cancelled => &CANCELLED,
        CallState::Redirected => &REDIRECTED,
        CallState::Trying => {
            let over = !context.analysis.is_live() && context.goes_on(s.last) > TIMER_C;
            return over.then_some(&NO_FINAL);
        }
        CallState::Failed | CallState::NoAnswer if s.final_status == 0 => {
            match context.analysis.failure(c).map(|f| f.cause) {
                // The capture lacks the answer where it has the ACK, or only one direction.
                Some(FailureCause::NoResponse)
                    if context.is_one_sided() || is_acknowledged(context.analysis, c) =>
                {
                    return None;
                }
                Some(FailureCause::NoResponse) => &NO_RESPONSE,
                Some(FailureCause::CaptureEnds) => return None,
                Some(FailureCause::Broken { kind: BreakageKind::Icmp { .. }, .. }) => &UNREACHABLE,
                Some(FailureCause::Broken { kind: BreakageKind::TlsAlert { .. }, .. }) => &TLS_ALERT,
                Some(FailureCause::Broken { .. }) => &CONNECTION_LOST,
                None if s.state == CallState::NoAnswer => &NOT_ANSWERED,
                None => return None,
            }
        }
        _ => match s.final_status {
            401 | 407
                if context.goes_on(s.last) < ANSWERS_CHALLENGE && !gave_credentials(context.analysis, c) =>
            {
                return None;
            }
            401 | 407 => &AUTH_FAILED,
            415 | 488 | 580 | 606 => &MEDIA_REFUSED,
            408 | 480 if rang => &NOT_ANSWERED,
            408 => &TIMEOUT,
            480 => &UNAVAILABLE,
            481 => &DIALOG_UNKNOWN,
            482 | 483 => &LOOP,
            486 | 600 => &BUSY,
            603 => &DECLINED,
            404 | 410 | 414 | 416 | 484 | 485 | 604 => &NOT_FOUND,
            403 | 405 | 421 | 423 | 428 | 433 | 436..=438 | 494 | 513 | 607 | 608 => &FORBIDDEN,
            500..=599 => &SERVER_ERROR,
            0 => return None,
            _ => &REFUSED,
        },
    })
}

fn is_acknowledged(analysis: &Analysis, c: CallIdx) -> bool {
    let ack = |m: &MsgIdx| analysis.message(*m).is_request() && analysis.message(*m).method == MethodId::ACK;
    messages(analysis, c).iter().any(ack)
}

fn gave_credentials(analysis: &Analysis, c: CallIdx) -> bool {
    opening_invite(analysis, c).is_some_and(|m| analysis.message(m).has(flag::CREDENTIALS))
}

/// The INVITE of the last attempt as its caller sent it.
pub fn opening_invite(analysis: &Analysis, c: CallIdx) -> Option<MsgIdx> {
    let order = messages(analysis, c);
    let opening = || order.iter().copied().filter(|m| is_opening(analysis.message(*m)));
    let caller = opening().next().map(|m| analysis.flow(analysis.message(m).flow).src.ip())?;
    let own = |m: &MsgIdx| analysis.flow(analysis.message(*m).flow).src.ip() == caller;
    let last = opening().filter(own).map(|m| analysis.message(m).cseq).max()?;
    opening().find(|m| own(m) && analysis.message(*m).cseq == last)
}

/// The final answer that the caller was given, and the same where it was given first: whoever refused the call.
pub fn answer_of(analysis: &Analysis, c: CallIdx) -> Option<(MsgIdx, MsgIdx)> {
    let status = analysis.call(c).summary.final_status;
    let order = messages(analysis, c);
    let invite = opening_invite(analysis, c).map(|m| analysis.message(m));
    let fits = |m: &MsgIdx| {
        let r = analysis.message(*m);
        r.method == MethodId::INVITE && r.status == status && !r.has(flag::RETRANSMISSION)
    };
    let of_attempt = |m: &MsgIdx| invite.is_none_or(|i| i.cseq == analysis.message(*m).cseq);
    let all = || order.iter().copied().filter(fits).filter(of_attempt);
    let caller = invite.map(|i| analysis.flow(i.flow).src.ip());
    let to_caller =
        |m: &MsgIdx| caller.is_none_or(|ip| analysis.flow(analysis.message(*m).flow).dst.ip() == ip);
    let given = all().find(to_caller).or_else(|| all().last())?;
    Some((given, all().next().unwrap_or(given)))
}

/// Adds what a rule about outcomes finds.
pub fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let mut read = 0;
    for &(c, _) in context.troubles().iter().filter(|t| t.1.id == rule.id) {
        let s = &context.analysis.call(c).summary;
        // What was said of it is read again for so many calls only; the others are alike by their status.
        let said = match read < context.analysis.limits.finding_reads {
            true => {
                read += 1;
                told(context.analysis, c)
            }
            false => None,
        };
        let likeness = (s.final_status, said.as_ref().and_then(|d| d.code), reached(context, c));
        let cause = cause_of(context, out, c, rule);
        let likeness = (likeness, cause);
        out.add(rule, Subject::Call(c), likeness, |f| {
            f.who(context.call_name(c)).because(cause);
            match s.final_status {
                0 if is_cancelled(rule) => refused(context, c, f, rule, said.as_ref()),
                0 => without_answer(context, c, f, rule),
                _ => refused(context, c, f, rule, said.as_ref()),
            }
        });
    }
}

/// What an earlier family found that kept the call from its answer.
fn cause_of(context: &Context<'_>, out: &Findings, c: CallIdx, rule: &Rule) -> Option<FindingIdx> {
    match rule.id {
        "call-no-response" | "call-timeout" => out.find(Subject::Call(c), |r| r.id == NAT_EXPIRED.id),
        "call-server-error" => out.find(Subject::Call(c), |r| r.id.starts_with("sql-")),
        "call-auth-failed" => {
            let user = context.analysis.call(c).from_uri;
            context
                .sign_in_of(user)
                .and_then(|s| out.find(Subject::SignIn(s), |r| r.id == "sign-in-credentials"))
        }
        _ => None,
    }
}

/// Of calls that failed without an answer: where they went, since one machine that is down fails them all.
fn reached(context: &Context<'_>, c: CallIdx) -> Option<std::net::SocketAddr> {
    let analysis = context.analysis;
    let call = analysis.call(c);
    (call.summary.final_status == 0).then(|| analysis.flow(analysis.message(call.messages.first).flow).dst)
}

/// The foremost of what the answer's diagnostics say.
fn told(analysis: &Analysis, c: CallIdx) -> Option<Diagnostic> {
    let (given, first) = answer_of(analysis, c)?;
    let mut all = analysis.diagnostics_of_message(given);
    all.extend(analysis.diagnostics_of_message(first));
    show::foremost(&all).cloned()
}

/// A name before an address.
fn machine(analysis: &Analysis, address: std::net::SocketAddr) -> String {
    match show::machine(analysis, address) {
        Some(name) => format!("{name} ({address})"),
        None => address.to_string(),
    }
}

fn without_answer(context: &Context<'_>, c: CallIdx, f: &mut Draft, rule: &'static Rule) {
    let analysis = context.analysis;
    let s = &analysis.call(c).summary;
    let Some(invite) = opening_invite(analysis, c) else { return };
    let r = analysis.message(invite);
    let flow = analysis.flow(r.flow);
    let to = machine(analysis, flow.dst);
    let over = flow.transport.name().to_uppercase();
    let order = messages(analysis, c);
    let sent: Vec<MsgIdx> = order
        .iter()
        .copied()
        .filter(|m| {
            let other = analysis.message(*m);
            is_opening(other) && other.cseq == r.cseq && other.flow == r.flow
        })
        .collect();
    let times = match sent.len() {
        0 | 1 => "once".to_owned(),
        n if is_set_back(analysis, &sent) => format!("{n} times"),
        n => {
            let last = sent.last().map_or(r.time, |m| analysis.message(*m).time);
            format!("{n} times in {}", show::duration(last.saturating_sub(r.time)))
        }
    };
    let failure = analysis.failure(c);
    let broken = failure.map(|x| show::failure(&x)).unwrap_or_default();
    match rule.id {
        "call-no-response" => {
            f.what(format!("no answer to INVITE from {to}"));
            f.say(format!("INVITE was sent {times} to {to} over {over}, and nothing at all came back."));
        }
        "call-unreachable" => {
            f.what(format!("{to} cannot be reached: {broken}"));
            f.say(format!(
                "INVITE was sent {times} to {to} over {over}; {broken} says that it does not get there."
            ));
        }
        "call-connection-lost" => {
            f.what(format!("{broken} before {to} answered the INVITE"));
            f.say(format!("INVITE was sent to {to} over {over}; then: {broken}. No final answer came."));
        }
        "call-tls-alert" => {
            f.what(format!("{to} speaks TLS on that port, the INVITE came in clear ({broken})"));
            f.say(format!("INVITE was sent in clear to {to} over {over}; it answered with {broken}."));
        }
        "call-no-final" => {
            let further = furthest(analysis, c);
            let took = further.as_ref().filter(|h| h.answered).map_or(&to, |h| &h.to);
            f.what(format!("{took} took the INVITE and never gave a final answer"));
            further.iter().for_each(|h| h.say_where_unanswered(analysis, f));
            let newest = order.iter().rev().find(|m| !analysis.message(**m).is_request());
            let status = newest.map_or(100, |m| analysis.message(*m).status);
            let silent = context.goes_on(s.last);
            f.say(format!(
                "The last answer was {status} {}; nothing followed in the {} that the capture goes on.",
                show::reason_phrase(status),
                show::span(silent)
            ));
            newest.iter().for_each(|m| _ = f.show_message(analysis, **m));
        }
        _ => ringing_without_end(context, c, f),
    }
    for (i, m) in sent.iter().enumerate().take(SHOWN) {
        let text = if i == 0 { "INVITE" } else { "INVITE again" };
        f.show_message_as(analysis, *m, text);
    }
    if let Some(failure) = failure
        && matches!(failure.cause, FailureCause::Broken { .. })
    {
        f.show(failure.frame, broken);
    }
    if rule.id == NO_RESPONSE.id {
        // What was heard of that machine at all tells a dead machine from a dead call.
        if !analysis.heard_from(flow.dst.ip()) {
            f.say(format!("Nothing else from {} is in the capture either.", flow.dst.ip()));
        }
        let captures =
            sent.iter().filter_map(|m| analysis.captures.get(analysis.message(*m).frame.capture.0 as usize));
        if captures.into_iter().any(loses_frames) {
            f.partial("the capturing machine dropped packets, and an answer may be among them");
        } else if sent.len() == 1 && flow.transport == Transport::Udp {
            f.partial("a client repeats an INVITE after 0.5 s, and this one is there once: the capture may not hold all");
        }
    }
}

/// The last hop that the INVITE of the last attempt went over, behind the caller's own.
struct Hop {
    to: String,
    invite: MsgIdx,
    sent: usize,
    answered: bool,
}

fn furthest(analysis: &Analysis, c: CallIdx) -> Option<Hop> {
    let own = opening_invite(analysis, c).map(|m| analysis.message(m))?;
    let order = messages(analysis, c);
    let opening = |m: &MsgIdx| is_opening(analysis.message(*m)) && analysis.message(*m).cseq == own.cseq;
    let again = |m: &MsgIdx| analysis.message(*m).has(flag::RETRANSMISSION);
    let invite = order.iter().copied().rfind(|m| opening(m) && !again(m))?;
    let r = analysis.message(invite);
    let of_hop =
        |m: &&MsgIdx| analysis.message(**m).branch == r.branch && analysis.message(**m).cseq == r.cseq;
    let answers = |m: &MsgIdx| !analysis.message(*m).is_request();
    (r.flow != own.flow).then(|| Hop {
        to: machine(analysis, analysis.flow(r.flow).dst),
        invite,
        sent: order.iter().filter(of_hop).filter(|m| opening(m)).count(),
        answered: order.iter().filter(of_hop).any(answers),
    })
}

impl Hop {
    fn say_where_unanswered(&self, analysis: &Analysis, f: &mut Draft) {
        if !self.answered {
            let times = if self.sent > 1 { format!("{} times", self.sent) } else { "once".to_owned() };
            f.say(format!(
                "The INVITE was sent on to {} {times}, and nothing came back from there.",
                self.to
            ));
            f.show_message_as(analysis, self.invite, "INVITE sent on");
        }
    }
}

fn ringing_without_end(context: &Context<'_>, c: CallIdx, f: &mut Draft) {
    let analysis = context.analysis;
    let s = &analysis.call(c).summary;
    let order = messages(analysis, c);
    let ring = order.iter().copied().find(|m| {
        let r = analysis.message(*m);
        r.method == MethodId::INVITE && (180..200).contains(&r.status)
    });
    let lasted = |m: MsgIdx| context.end.saturating_sub(analysis.message(m).time);
    let rang = ring.filter(|_| !is_set_back(analysis, &order)).map(lasted);
    f.what("it rang, and no final answer came");
    if let Some(rang) = rang {
        f.say(format!("It rang, and nothing followed in the {} that the capture goes on.", show::span(rang)));
    }
    if context.goes_on(s.last) < TIMER_C {
        f.partial("the capture ends before it had to be over");
    }
    ring.iter().for_each(|m| _ = f.show_message(analysis, *m));
}

/// `486 Busy Here`.
fn answer_words(analysis: &Analysis, s: &CallSummary) -> String {
    let phrase = show::shorten(&show::safe(analysis.strings.bytes(s.reason)), 60);
    let phrase = if phrase.is_empty() { show::reason_phrase(s.final_status).to_owned() } else { phrase };
    format!("{} {phrase}", s.final_status).trim_end().to_owned()
}

/// Why a call did not come about, with its parties named: `Bob was busy (486 Busy Here)`.
pub fn words(analysis: &Analysis, c: CallIdx, rule: &'static Rule) -> String {
    if analysis.call(c).summary.final_status == 0 && !is_cancelled(rule) {
        return match analysis.failure(c) {
            Some(f) if rule.id != NO_RESPONSE.id => format!("{}: {}", rule.title, show::failure(&f)),
            _ => rule.title.to_owned(),
        };
    }
    refusal_words(analysis, c, rule, Some(&show::call_party_names(analysis, c)), told(analysis, c).as_ref())
}

fn is_cancelled(rule: &Rule) -> bool {
    rule.id == CANCELLED.id || rule.id == ANSWERED_ELSEWHERE.id
}

fn refusal_words(
    analysis: &Analysis,
    c: CallIdx,
    rule: &'static Rule,
    parties: Option<&[String; 2]>,
    said: Option<&Diagnostic>,
) -> String {
    let s = &analysis.call(c).summary;
    let [caller, callee] = parties.map_or(["the caller", "the callee"], |[a, b]| [a, b]);
    let answer = answer_words(analysis, s);
    let words = said.map(show::diagnostic).filter(|w| !w.is_empty());
    let because = words.as_ref().map_or_else(String::new, |w| format!(": {w}"));
    let rang = s.ring.filter(|_| parties.is_some()).map(ring_words);
    match rule.id {
        "call-busy" => format!("{callee} was busy ({answer}){because}"),
        "call-declined" => format!("{callee} declined ({answer}){because}"),
        "call-not-answered" => match &rang {
            Some(rang) => format!("{callee}'s phone rang {rang} and nobody answered ({answer}){because}"),
            None => format!("{callee}'s phone rang and nobody answered ({answer}){because}"),
        },
        "call-answered-elsewhere" => format!("{callee} answered on another phone"),
        "call-cancelled" if parties.is_some() => cancelled(analysis, c, caller, callee),
        "call-cancelled" => "given up by the caller".to_owned(),
        "call-redirected" => format!("sent elsewhere ({answer})"),
        "call-not-found" => format!("{callee} is not known there ({answer}){because}"),
        "call-unavailable" => format!("{callee} is not reachable ({answer}){because}"),
        "call-forbidden" => format!("not allowed ({answer}){because}"),
        "call-auth-failed" => format!("{caller}'s credentials were not accepted ({answer}){because}"),
        "call-media-refused" => format!("{callee} cannot take the offered media ({answer}){because}"),
        "call-loop" => format!("the call went round in a loop ({answer}){because}"),
        "call-timeout" => format!("nobody behind the server answered ({answer}){because}"),
        "call-dialog-unknown" => format!("the call that was to be replaced is not there ({answer}){because}"),
        _ => format!("refused with {answer}{because}"),
    }
}

fn refused(context: &Context<'_>, c: CallIdx, f: &mut Draft, rule: &'static Rule, said: Option<&Diagnostic>) {
    let analysis = context.analysis;
    let parties = show::call_party_names(analysis, c);
    f.what(refusal_words(analysis, c, rule, Some(&parties), said));
    f.of_many(refusal_words(analysis, c, rule, None, said));
    let Some((given, first)) = answer_of(analysis, c) else { return };
    let answer = answer_words(analysis, &analysis.call(c).summary);
    if let Some(invite) = opening_invite(analysis, c) {
        let r = analysis.message(invite);
        let after = analysis.message(given).time.saturating_sub(r.time).max(0);
        let by = machine(analysis, analysis.flow(analysis.message(first).flow).src);
        match is_set_back(analysis, &messages(analysis, c)) {
            true => {
                f.say(format!("{answer} was given by {by}."));
                f.partial("the capture's clock was set back meanwhile");
            }
            false => {
                let after = show::duration(after);
                f.say(format!("{answer} came {after} after the INVITE; it was given by {by}."));
            }
        }
        f.show_message(analysis, invite);
    }
    f.show_message(analysis, given);
    if first != given {
        f.show_message(analysis, first);
    }
    say_diagnostics(analysis, given, f);
    say_headers(analysis, given, f);
    offer::say(context, c, rule, [given, first], f);
    if rule.id == BUSY.id {
        say_rang_first(analysis, c, first, f);
    }
    if rule.id == TIMEOUT.id {
        furthest(analysis, c).iter().for_each(|h| h.say_where_unanswered(analysis, f));
    }
    if let Some(cancel) = answered_elsewhere(analysis, c).filter(|_| rule.id == ANSWERED_ELSEWHERE.id) {
        say_diagnostics(analysis, cancel, f);
        f.show_message(analysis, cancel);
    }
    if rule.id == UNAVAILABLE.id && says_do_not_disturb(analysis, given) {
        f.severity(Severity::Info);
        f.say("Warning 391 stands for do not disturb.");
    }
}

/// What a busy answer behind ringing may stand for.
fn say_rang_first(analysis: &Analysis, c: CallIdx, answer: MsgIdx, f: &mut Draft) {
    let given = analysis.message(answer);
    let by = analysis.flow(given.flow).src;
    // Behind a forking proxy another phone may have rung: its tag is another one.
    let rings = messages(analysis, c).into_iter().any(|m| {
        let r = analysis.message(m);
        let same = analysis.flow(r.flow).src == by && r.to_tag == given.to_tag;
        r.method == MethodId::INVITE && r.status == 180 && same
    });
    if !rings {
        return;
    }
    f.say("It rang first, which a phone that is busy does not: the call was declined there, or its client gave up.");
    let asked = |a: &Allocation| a.client.ip() == by.ip();
    if analysis.has_ice(c) && !analysis.stun.allocations.iter().any(asked) {
        f.say(
            "The offer asks for ICE: a client whose STUN or TURN server does not answer it may end so. Nothing of what the callee's \
             client asked of one is in the capture.",
        );
        f.partial("whether its client could set up media is to be seen on its side only");
    }
}

fn says_do_not_disturb(analysis: &Analysis, m: MsgIdx) -> bool {
    let all = analysis.diagnostics_of_message(m);
    all.iter().any(|d| d.header == DiagnosticHeader::Warning && d.code == Some(391))
}

/// How long a phone rang: `12 s`.
pub fn ring_words(rang: Nanos) -> String {
    if rang < 10_000_000_000 { show::duration(rang) } else { show::span(rang) }
}

/// The CANCEL, where it says that another phone answered.
fn answered_elsewhere(analysis: &Analysis, c: CallIdx) -> Option<MsgIdx> {
    let cancel = analysis.messages_of(analysis.call(c).messages).take(LOOK).find(|m| {
        let r = analysis.message(*m);
        r.is_request() && r.method == MethodId::CANCEL && r.has(flag::DIAGNOSTICS)
    });
    cancel.filter(|m| {
        analysis.diagnostics_of_message(*m).iter().any(|d| {
            d.header == DiagnosticHeader::Reason
                && d.code == Some(200)
                && d.source.as_deref().is_some_and(|p| p.eq_ignore_ascii_case("SIP"))
        })
    })
}

fn cancelled(analysis: &Analysis, c: CallIdx, caller: &str, callee: &str) -> String {
    let s = &analysis.call(c).summary;
    if s.setup.is_none() {
        return format!("{caller} gave up before {callee}'s phone rang");
    }
    let until_end = || s.end.zip(s.setup).map(|(end, setup)| end - s.start - setup);
    let compared = |_: &Nanos| !is_set_back(analysis, &messages(analysis, c));
    match s.ring.or_else(|| until_end().filter(compared)) {
        Some(rang) => format!("{callee}'s phone rang {}, {caller} gave up", ring_words(rang.max(0))),
        None => format!("{callee}'s phone rang, {caller} gave up"),
    }
}

/// What the answer says of why, in sentences.
pub fn say_diagnostics(analysis: &Analysis, m: MsgIdx, f: &mut Draft) {
    for d in analysis.diagnostics_of_message(m).iter().take(4) {
        let Some(code) = d.code else { continue };
        if d.header.is_microsoft() {
            if is_informational(code) {
                continue;
            }
            let meaning = show::diagnostic_meaning(code);
            let source = d.source.as_deref().filter(|s| !s.is_empty());
            let source = source
                .map_or_else(String::new, |s| format!(", said by {}", show::shorten(&show::safe_str(s), 60)));
            f.say(format!("{} {code}: {meaning}{source}.", d.header.name()));
        } else {
            f.say(format!("{}.", show::diagnostic(d)));
        }
    }
}

/// Headers of the answer that tell what to do: `Retry-After`, `Contact` of a redirection.
fn say_headers(analysis: &Analysis, m: MsgIdx, f: &mut Draft) {
    let status = analysis.message(m).status;
    let wanted: &[(&str, &str)] = match status {
        300..=399 => &[("Contact", "It names")],
        404 | 413 | 480 | 486 | 500..=699 => &[("Retry-After", "It asks to try again after (s)")],
        405 => &[("Allow", "It allows")],
        415 => &[("Accept", "It takes"), ("Accept-Encoding", "It takes encodings")],
        420 => &[("Unsupported", "It does not know")],
        421 => &[("Require", "It requires")],
        _ => return,
    };
    let Ok(bytes) = analysis.head_bytes(m) else { return };
    let Some(message) = parse_message(&bytes) else { return };
    for (name, words) in wanted {
        if let Some(h) = message.header(name) {
            let value = show::shorten(&show::safe(&h.value), 100);
            f.say(format!("{words}: {value}."));
        }
    }
}
