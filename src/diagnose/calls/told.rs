//! What went wrong while a call was up, in words.

use super::during::{Fault, What};
use super::transactions::Transaction;
use crate::correlate::{Analysis, CallIdx, CallLink, LinkReason, MethodId, MsgIdx, Side};
use crate::diagnose::findings::message_words;
use crate::diagnose::{Context, Draft, FindingIdx, Findings, Rule, Severity, Subject};
use crate::show;

/// Messages shown of one kind.
const SHOWN: usize = 6;

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
                // That a side offered no relay is the cause of that cause.
                let ice = |r: &'static Rule| r.id.starts_with("ice-") && r.id != "ice-no-relay";
                let ice = out.find(subject, ice).filter(grave);
                ice.or_else(|| out.find(subject, |r| r.id.starts_with("turn-")).filter(grave))
                    .or_else(|| out.find(subject, |r| r.id == super::SESSION_EXPIRED.id))
            }
            What::TransferFailed { message, status } => {
                let led = led_to(analysis, *call, *message, *status);
                let why = led.and_then(|to| context.troubles().iter().find(|(c, _)| *c == to));
                why.and_then(|(to, why)| out.find(Subject::Call(*to), |r| r.id == why.id))
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
        What::SessionExpired { seconds, tried, .. } => format!("{seconds} {}", tried.is_some()),
        What::TransferFailed { status, .. } => status.to_string(),
        What::Dropped { why, .. } => format!("{:?} {:?}", why.header, why.code),
        What::Glare { theirs, resolved, .. } => format!("{} {resolved}", theirs.is_some()),
        What::ForkLost { acknowledged, .. } => acknowledged.to_string(),
        What::CancelCrossed { bye, goes_on, .. } => format!("{:?} {goes_on}", bye.map(|(_, by)| by)),
    }
}

/// The call that a REFER of this one led to, where it came to what the NOTIFY about it says.
fn led_to(analysis: &Analysis, call: CallIdx, notify: MsgIdx, status: u16) -> Option<CallIdx> {
    let to = |l: &&CallLink| {
        let before = analysis.message(l.message).time <= analysis.message(notify).time;
        let asked = l.by == LinkReason::ReferTo && l.from == call && before;
        asked && analysis.call(l.to).summary.final_status == status
    };
    let told = analysis.message(notify).is_request();
    let links = analysis.links_of(call).filter(|_| told).filter(to);
    links.max_by_key(|l| analysis.message(l.message).time).map(|l| l.to)
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
        What::PrivateContact { request, gives, contact, from } => {
            let text = format!("{from} asks to be reached at {contact}, a private address");
            f.what(text.clone()).of_many(text);
            f.say(format!(
                "Its messages come from {from}, through a NAT; its Contact (or the Record-Route before it) names {contact}, where \
                 requests inside of the call go and nobody outside of its network gets them."
            ));
            if gives != request {
                f.show_message_as(analysis, *gives, format!("names {contact}"));
            }
            f.show_message(analysis, *request);
        }
        What::BindingGone { request, silent, later } => {
            let dst = analysis.flow(analysis.message(*request).flow).dst;
            let now = analysis.flow(analysis.message(*later).flow).src;
            f.what(format!("the NAT before {dst} has forgotten its binding"));
            f.of_many("a NAT has forgotten its binding");
            f.say(format!(
                "The request went to {dst}, from where nothing had come for {}; later the same user speaks from port {}.",
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
        What::Glare { transactions, theirs, resolved } => {
            // Where both are refused for one another it happened once.
            let side = |t: &Transaction| analysis.message(t.request).from_tag;
            let of_one =
                transactions.iter().filter(|t| Some(side(t)) == transactions.first().map(side)).count();
            let n = of_one.max(transactions.len() - of_one) as u64;
            let times = if n == 1 { String::new() } else { format!(" {} times", show::number(n)) };
            let what = match theirs {
                Some(_) => "both sides changed the call at once (491)",
                None => "a change of the call met another one that was under way (491)",
            };
            f.what(format!("{what}{times}")).of_many(what);
            match theirs {
                Some(m) => _ = f.show_message(analysis, *m),
                None => {
                    f.say("The 491 says that the other side had asked for a change of its own.");
                    f.partial("the request of the other side is not in the capture");
                }
            }
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
        What::SessionExpired { bye, answer, seconds, after, refresher, tried } => {
            let why = match tried {
                None => format!("nobody refreshed the session of {seconds} s"),
                Some(t) => {
                    format!(
                        "the {} that was to refresh the session of {seconds} s failed",
                        words(analysis, t)
                    )
                }
            };
            f.what(format!("dropped after {}: {why}", show::span(*after))).brief(why);
            f.of_many(format!("dropped because the session of {seconds} s was not refreshed"));
            let who = match refresher.as_str() {
                "uac" => " by the side that asked (refresher=uac)",
                "uas" => " by the side that answered (refresher=uas)",
                _ => "",
            };
            let refresh = match tried {
                None => "no re-INVITE or UPDATE came".to_owned(),
                Some(t) if t.status == 0 => format!("{} got no answer", words(analysis, t)),
                Some(t) => format!("{} was answered with {}", words(analysis, t), status_words(analysis, t)),
            };
            let rest = (i64::from(*seconds) * 1_000_000_000).saturating_sub(*after);
            let when = match rest > super::during::SESSION_SLACK {
                true => format!(
                    "{} before it ran out, as RFC 4028 recommends (32 s, or a third of the session where that is less)",
                    show::span(rest)
                ),
                false => "when it ran out".to_owned(),
            };
            f.say(format!(
                "Session-Expires is {seconds} s, to be refreshed{who}; {refresh}, and the BYE came {when}."
            ));
            f.show_message_as(analysis, *answer, format!("Session-Expires: {seconds}"));
            tried.iter().for_each(|t| _ = f.show_message(analysis, t.request));
            f.show_message(analysis, *bye);
        }
        What::ForkLost { answer, acknowledged } => {
            let what = match acknowledged {
                true => "a second phone answered too and was not hung up on",
                false => "a second phone answered too and got no ACK",
            };
            f.what(what).of_many(what);
            f.say("The caller has to acknowledge each answer and to hang up on all but one; until then that phone thinks it is in a call.");
            let r = analysis.message(*answer);
            let own = |m: &MsgIdx| {
                let o = analysis.message(*m);
                !o.is_request() && o.method == r.method && o.status == r.status && o.to_tag == r.to_tag
            };
            let all = analysis.messages_of(analysis.call(call).messages).filter(own);
            if let Some(first) = all.min_by_key(|m| analysis.message(*m).time) {
                let src = analysis.flow(analysis.message(first).flow).src;
                f.say(format!("The second answer is that of {src}."));
            }
            f.show_message(analysis, *answer);
        }
        What::CancelCrossed { cancel, answer, bye, goes_on } => {
            let what = match bye {
                _ if *goes_on => "given up at the moment it was answered, and used all the same",
                Some((_, true)) => "given up at the moment it was answered, then hung up",
                Some(_) => "given up at the moment it was answered, and it was left to the callee to hang up",
                None => "given up at the moment it was answered, and nobody hung up",
            };
            f.what(what).of_many(what);
            f.say("CANCEL and 200 crossed: the call is answered, and only a BYE ends it.");
            if bye.is_some_and(|(_, by_caller)| by_caller) || *goes_on {
                f.severity(Severity::Info);
            }
            f.show_message(analysis, *cancel).show_message(analysis, *answer);
            bye.iter().for_each(|(m, _)| _ = f.show_message(analysis, *m));
        }
        What::TransferFailed { message, status } => {
            let phrase = show::reason_phrase(*status);
            let what = format!("the transfer failed: {status} {phrase}").trim_end().to_owned();
            f.what(what.clone()).of_many(what);
            match analysis.message(*message).is_request() {
                true => f.say(format!("The NOTIFY about the transfer says {status} {phrase}.")),
                false => f.say(format!("REFER was answered with {status} {phrase}.")),
            };
            if let Some(to) = led_to(analysis, call, *message, *status) {
                let name = context.call_name(to);
                f.say(format!("The REFER led to {name}."));
                f.advise(format!("Look at {name}; the transferor should have taken the call back."));
            }
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
                Some(Side::Caller) => format!("{}'s client", side[0]),
                Some(Side::Callee) => format!("{}'s client", side[1]),
                None => "a client".to_owned(),
            };
            let reason = show::diagnostic(why);
            f.what(format!("dropped by {who}: {reason}")).of_many(format!("dropped: {reason}"));
            f.say(format!("The BYE says why in {}: {reason}.", why.header.name()));
            let text = why.reason.as_deref().map(|t| show::shorten(&show::safe_str(t), 160));
            if let Some(text) = text.filter(|t| !t.is_empty() && !reason.contains(t.as_str())) {
                f.say(format!("\"{text}\"."));
            }
            f.show_message(analysis, *bye);
        }
    }
}
