//! Subscriptions: those that are refused, polled too fast, begun over and over, and notifications that do not arrive.

use std::collections::BTreeMap;

use super::findings::message_words;
use super::{Context, Draft, Family, Findings, Rule, Severity, Subject};
use crate::capture::Nanos;
use crate::correlate::gathered::{Ending, Fidelity, Subscription, SubscriptionState};
use crate::correlate::{Analysis, MethodId, MsgIdx, Owner, PATIENCE, flag};
use crate::show;

pub(super) const FAMILY: Family = Family {
    title: "Presence and subscriptions",
    rules: &[&REFUSED, &UNANSWERED, &ENDED, &NOTIFY_FAILED, &NOTIFY_UNANSWERED, &POLL_FAST, &STORM],
};

pub static REFUSED: Rule = Rule {
    id: "subscription-refused",
    severity: Severity::Warning,
    title: "a subscription was refused",
    help: "The last final answer to the SUBSCRIBE is 300 or more; a challenge that is taken up is none. 405, 489 and 501 \
           (the other side does not have the event package), 404 of a mailbox and 488 of roaming contacts (they are kept \
           elsewhere) are remarks.",
    advice: "The status says why, and so does what else the answer has (Warning, ms-diagnostics): 403 policy, 404 the user is not known, 489 the event package is not, \
             481 the subscription was gone.",
    source: "RFC 6665 section 4.1.2.3",
    check: |context, out| subscriptions(context, out, &REFUSED),
};

pub static UNANSWERED: Rule = Rule {
    id: "subscription-unanswered",
    severity: Severity::Warning,
    title: "nothing answered a SUBSCRIBE",
    help: "Neither a final answer nor a NOTIFY within 32 s (Timer F, Timer N). One that the end of the capture overtakes is not told.",
    advice: "Check that the server or the watched client is there: the watcher sees no state of it.",
    source: "RFC 6665 section 4.1.2.4",
    check: |context, out| subscriptions(context, out, &UNANSWERED),
};

pub static ENDED: Rule = Rule {
    id: "subscription-ended",
    severity: Severity::Info,
    title: "the notifier ended a subscription",
    help: "A NOTIFY with Subscription-State terminated and the reason rejected, noresource, giveup, probation or deactivated, or a \
           SUBSCRIBE that was to prolong it and was refused. Timeout, and what the subscriber itself ended, are not told.",
    advice: "rejected: the owner does not allow it; noresource: what it watched is gone; deactivated and probation: it should \
             subscribe again.",
    source: "RFC 6665 section 4.1.3",
    check: |context, out| subscriptions(context, out, &ENDED),
};

pub static NOTIFY_FAILED: Rule = Rule {
    id: "notify-failed",
    severity: Severity::Warning,
    title: "a notification was refused",
    help: "A NOTIFY was answered with 300 or more, without 401 and 407. 481 after the subscription had ended is how it goes; of a \
           NOTIFY that nobody subscribed to it is a remark. BENOTIFY is never answered.",
    advice: "481: the subscriber knows the subscription no more, and the notifier should forget it; other statuses: see the \
             subscriber.",
    source: "RFC 6665 section 4.2.2; [MS-SIP] section 3.5 (BENOTIFY)",
    check: |context, out| notifications(context, out, &NOTIFY_FAILED),
};

pub static NOTIFY_UNANSWERED: Rule = Rule {
    id: "notify-unanswered",
    severity: Severity::Warning,
    title: "notifications are not answered",
    help: "A NOTIFY without any final answer for 32 s (Timer F) in a subscription that was answered before. BENOTIFY is never \
           answered.",
    advice: "The subscriber is gone or cannot be reached at its Contact: it sees old state. See where the NOTIFY was sent.",
    source: "RFC 6665 section 4.2.2; RFC 3261 section 17.1.2.2",
    check: |context, out| notifications(context, out, &NOTIFY_UNANSWERED),
};

pub static POLL_FAST: Rule = Rule {
    id: "presence-poll-fast",
    severity: Severity::Warning,
    title: "presence is fetched too often",
    help: "A subscriber fetches the same state again and again (SUBSCRIBE with Expires 0), six times or more, and less than 30 s \
           apart in the median. Communicator Mobile fetches each 5 minutes.",
    advice: "Subscribe instead of fetching, or fetch less often: each fetch costs the server as much as a subscription.",
    source: "RFC 6665 section 4.1.2; Communicator Mobile's period as observed",
    check: poll_fast,
};

pub static STORM: Rule = Rule {
    id: "subscription-storm",
    severity: Severity::Warning,
    title: "the same subscription is begun over and over",
    help: "One subscriber begins ten subscriptions or more to the same target and event package within a minute. Subscriptions to \
           different contacts, fetches, and refreshes are not counted.",
    advice: "The client does not keep its subscriptions: see why it starts again (refused NOTIFYs, a connection that breaks).",
    source: "RFC 6665 section 4.1.2.2",
    check: storm,
};

/// A client that answers a challenge does so within a moment.
const ANSWERS_CHALLENGE: Nanos = 2_000_000_000;
/// Fetches from which on their period is looked at, and the shortest that is well.
const FETCHES: u32 = 6;
const SHORTEST: Nanos = 30_000_000_000;
/// Subscriptions to the same within this time are a storm.
const STORMY: usize = 10;
const MINUTE: Nanos = 60_000_000_000;
/// Messages of one subscription that are shown, and that are walked.
const SHOWN: usize = 6;
const LOOK: usize = 5_000;

fn there_are_some(context: &Context<'_>) -> bool {
    context.analysis.has_method(&[MethodId::SUBSCRIBE, MethodId::NOTIFY])
}

fn user(uri: &str) -> String {
    show::party_short(b"", uri.as_bytes())
}

/// `alice watches bob (presence)`.
fn name_of(row: u32, s: &Subscription) -> String {
    let event = show::shorten(&show::safe_str(s.event.split(';').next().unwrap_or_default()), 40);
    format!("Subscription {}, {} → {} ({event})", row + 1, user(&s.subscriber), user(&s.target))
}

/// Why the notifier ended it, where that is more than time.
fn ended_by_notifier(s: &Subscription) -> bool {
    let telling = ["rejected", "noresource", "giveup", "probation", "deactivated"];
    match s.ending {
        Ending::Refused => true,
        // A transfer that is done ends its subscription so (RFC 3515).
        Ending::Notified if s.event.starts_with("refer") => false,
        Ending::Notified => telling.contains(&s.reason.as_str()),
        _ => false,
    }
}

fn rule_of(context: &Context<'_>, s: &Subscription) -> Option<&'static Rule> {
    match s.state {
        // Its next attempt may be on its way.
        SubscriptionState::Rejected
            if matches!(s.status, 401 | 407) && context.goes_on(s.end) < ANSWERS_CHALLENGE =>
        {
            None
        }
        SubscriptionState::Rejected => Some(&REFUSED),
        SubscriptionState::Unanswered => {
            (!context.analysis.may_yet_be_answered(s.end)).then_some(&UNANSWERED)
        }
        _ if ended_by_notifier(s) => Some(&ENDED),
        _ => None,
    }
}

/// Whether a rule says that a subscription did not come about, by more than a remark.
pub(super) fn came_to_nothing(context: &Context<'_>, s: &Subscription) -> bool {
    let event = s.event.split(';').next().unwrap_or_default();
    rule_of(context, s).is_some_and(|of| of.id != ENDED.id && !is_remark(s.status, event))
}

/// The other side does not have what was asked for: nobody misses it.
fn is_remark(status: u16, event: &str) -> bool {
    match status {
        405 | 489 | 501 => true,
        404 => event.eq_ignore_ascii_case("message-summary"),
        488 => event.contains("roaming-contacts"),
        _ => false,
    }
}

fn show_first_and_last(analysis: &Analysis, s: &Subscription, f: &mut Draft) {
    for owner in s.owners.iter().take(SHOWN) {
        let list = match owner {
            Owner::Call(c) => analysis.call(*c).messages,
            Owner::Dialog(d) => analysis.dialog(*d).messages,
        };
        let all: Vec<MsgIdx> = analysis.messages_of(list).take(LOOK).collect();
        let first = all.iter().take(2);
        let last = all.iter().skip(2).rev().take(2);
        first.chain(last).for_each(|m| _ = f.show_message(analysis, *m));
        f.concern(Subject::from(*owner));
    }
}

fn subscriptions(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    if !there_are_some(context) {
        return;
    }
    let analysis = context.analysis;
    for (row, s) in (0u32..).zip(context.gathered().subscriptions()) {
        if rule_of(context, s).is_none_or(|of| of.id != rule.id) {
            continue;
        }
        // The sign-in's own subscriptions are told with its steps.
        let of_sign_in = |o: &Owner| out.find(Subject::from(*o), |r| r.id == "provisioning-failed").is_some();
        if s.owners.iter().any(of_sign_in) {
            continue;
        }
        let answer = match s.status {
            0 => String::new(),
            status => format!("{status} {}", show::reason_phrase(status)).trim_end().to_owned(),
        };
        let event = s.event.split(';').next().unwrap_or_default();
        let likeness = (event, s.status, &s.reason);
        out.add(rule, Subject::Subscription(row), likeness, |f| {
            f.who(name_of(row, s));
            let what = match rule.id {
                "subscription-refused" => format!("refused ({answer})"),
                "subscription-unanswered" => "no answer to SUBSCRIBE".to_owned(),
                _ if s.ending == Ending::Refused => format!("ended: the refresh got {answer}"),
                _ => format!("the notifier ended it: {}", show::safe_str(&s.reason)),
            };
            f.of_many(format!("{}: {what}", show::safe_str(event))).what(what);
            f.say(format!(
                "{} subscribed to {} of {}{}.",
                user(&s.subscriber),
                show::shorten(&show::safe_str(event), 40),
                user(&s.target),
                if answer.is_empty() { String::new() } else { format!("; the last answer is {answer}") }
            ));
            if rule.id == REFUSED.id && is_remark(s.status, event) {
                f.severity(Severity::Info);
            }
            let answers = |o: &Owner| match o {
                Owner::Call(c) => analysis.call(*c).messages,
                Owner::Dialog(d) => analysis.dialog(*d).messages,
            };
            let last =
                s.owners.iter().rev().take(1).flat_map(|o| analysis.messages_of(answers(o)).take(LOOK));
            let last = last.filter(|m| analysis.message(*m).status >= 300).last();
            if let Some(m) = last {
                super::calls::say_diagnostics(analysis, m, f);
            }
            show_first_and_last(analysis, s, f);
        });
    }
}

/// A NOTIFY and what became of it.
struct Notification {
    request: MsgIdx,
    answer: Option<MsgIdx>,
}

/// The NOTIFYs of a call or dialog, each with its final answer.
fn notifications_of(analysis: &Analysis, messages: &[MsgIdx]) -> Vec<Notification> {
    let mut all: Vec<Notification> = Vec::new();
    for &m in messages {
        let r = analysis.message(m);
        if r.method != MethodId::NOTIFY || r.has(flag::DUPLICATE) || r.has(flag::RETRANSMISSION) {
            continue;
        }
        if r.is_request() {
            all.push(Notification { request: m, answer: None });
            continue;
        }
        let asked = all.iter_mut().rev().find(|n| {
            let q = analysis.message(n.request);
            q.cseq == r.cseq && q.branch == r.branch && q.from_tag == r.from_tag
        });
        if let Some(asked) = asked.filter(|_| r.status >= 200) {
            asked.answer = Some(m);
        }
    }
    all
}

fn notifications(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let analysis = context.analysis;
    let mut owners: Vec<(bool, u32)> = analysis
        .messages_by(&[MethodId::NOTIFY])
        .filter(|(_, r)| r.is_request())
        .map(|(_, r)| match r.owner {
            Owner::Call(c) => (true, c.0),
            Owner::Dialog(d) => (false, d.0),
        })
        .collect();
    owners.sort_unstable();
    owners.dedup();
    for (is_call, i) in owners {
        let owner = match is_call {
            true => Owner::Call(crate::correlate::CallIdx(i)),
            false => Owner::Dialog(crate::correlate::DialogIdx(i)),
        };
        let list = match owner {
            Owner::Call(c) => analysis.call(c).messages,
            Owner::Dialog(d) => analysis.dialog(d).messages,
        };
        let mut messages = analysis.messages_in_time(list);
        messages.truncate(LOOK);
        let all = notifications_of(analysis, &messages);
        let failed: Vec<&Notification> =
            all.iter().filter(|n| fault(context, n, &messages).is_some_and(|of| of.id == rule.id)).collect();
        let Some(first) = failed.first() else { continue };
        let status = first.answer.map_or(0, |a| analysis.message(a).status);
        // A watcher that went away while the capture shows nothing of it.
        let answered = all.iter().any(|n| n.answer.is_some())
            || messages.iter().any(|m| analysis.message(*m).method == MethodId::SUBSCRIBE);
        if rule.id == NOTIFY_UNANSWERED.id && !answered {
            continue;
        }
        out.add(rule, Subject::from(owner), status, |f| {
            let times = show::count(failed.len() as u64, "NOTIFY", "NOTIFYs");
            let how = match first.answer {
                None => "without any answer".to_owned(),
                Some(m) => format!("refused with {}", message_words(analysis, m)),
            };
            f.who(context.owner_name(owner)).what(format!("{times} {how}")).of_many(format!("NOTIFYs {how}"));
            let flow = analysis.flow(analysis.message(first.request).flow);
            f.say(format!("{times} to {} of {} in all.", flow.dst, show::number(all.len() as u64)));
            if !asked_for(analysis, &messages) {
                f.severity(Severity::Info).say("Nobody subscribed to it in this capture.");
            }
            for n in failed.iter().take(SHOWN) {
                f.show_message(analysis, n.request);
                n.answer.iter().for_each(|a| _ = f.show_message(analysis, *a));
            }
        });
    }
}

fn asked_for(analysis: &Analysis, messages: &[MsgIdx]) -> bool {
    let asks = |m: &MsgIdx| matches!(analysis.message(*m).method, MethodId::SUBSCRIBE | MethodId::REFER);
    messages.iter().any(asks)
}

/// What is wrong with a notification.
fn fault(context: &Context<'_>, n: &Notification, messages: &[MsgIdx]) -> Option<&'static Rule> {
    let analysis = context.analysis;
    let request = analysis.message(n.request);
    let Some(answer) = n.answer else {
        return (context.goes_on(request.time) >= PATIENCE).then_some(&NOTIFY_UNANSWERED);
    };
    let status = analysis.message(answer).status;
    match status {
        ..300 | 401 | 407 => None,
        // It crossed the end of the subscription, or the call.
        481 if request.has(flag::TERMINATED) || ended_before(analysis, messages, answer) => None,
        _ => Some(&NOTIFY_FAILED),
    }
}

/// Whether the subscriber had ended it (`Expires: 0`, BYE) before this answer of its: captured at the notifier its request
/// comes behind the NOTIFY that it crosses.
fn ended_before(analysis: &Analysis, messages: &[MsgIdx], at: MsgIdx) -> bool {
    messages.iter().take_while(|m| **m != at).any(|m| {
        let r = analysis.message(*m);
        let ends = r.method == MethodId::SUBSCRIBE && r.has(flag::EXPIRES_ZERO) || r.method == MethodId::BYE;
        r.is_request() && ends
    })
}

fn poll_fast(context: &Context<'_>, out: &mut Findings) {
    if !there_are_some(context) {
        return;
    }
    for (row, s) in (0u32..).zip(context.gathered().subscriptions()) {
        let Some(period) = s.poll_period else { continue };
        if s.fidelity != Fidelity::Low || s.fetches < FETCHES || period >= SHORTEST {
            continue;
        }
        out.add(&POLL_FAST, Subject::Subscription(row), &s.event, |f| {
            let every = show::span(period);
            f.who(name_of(row, s)).what(format!("fetched {} times, about every {every}", s.fetches));
            f.of_many("state is fetched again and again within seconds");
            f.say(format!(
                "{} fetches by {}, about every {every}, in {}.",
                show::number(u64::from(s.fetches)),
                user(&s.subscriber),
                show::span(s.end.saturating_sub(s.start))
            ));
            show_first_and_last(context.analysis, s, f);
        });
    }
}

fn storm(context: &Context<'_>, out: &mut Findings) {
    if !there_are_some(context) {
        return;
    }
    // By subscriber, target and event package: when each begins, and its row.
    type Begun<'s> = Vec<(Nanos, u32, &'s Subscription)>;
    let mut groups: BTreeMap<(&str, &str, &str), Begun<'_>> = BTreeMap::new();
    for (row, s) in (0u32..).zip(context.gathered().subscriptions()) {
        if s.fidelity == Fidelity::High && s.asked {
            let event = s.event.split(';').next().unwrap_or_default();
            groups.entry((&s.subscriber, &s.target, event)).or_default().push((s.start, row, s));
        }
    }
    for (_, group) in groups.into_iter().filter(|(_, g)| g.len() >= STORMY) {
        // The most of them in one minute, at any time.
        let (mut from, mut at, mut most) = (0, 0, 0);
        for (until, newest) in group.iter().enumerate() {
            while group.get(from).is_some_and(|g| newest.0.saturating_sub(g.0) > MINUTE) {
                from += 1;
            }
            if until + 1 - from > most {
                (at, most) = (from, until + 1 - from);
            }
        }
        let Some((_, row, s)) = group.get(at).filter(|_| most >= STORMY) else { continue };
        out.add(&STORM, Subject::Subscription(*row), "", |f| {
            let n = show::number(group.len() as u64);
            let of_them = match most == group.len() {
                true => String::new(),
                false => format!(", {} of them", show::number(most as u64)),
            };
            f.who(name_of(*row, s)).what(format!("begun {n} times{of_them} within a minute"));
            f.of_many("the same subscription is begun over and over");
            f.say(format!("{} began the same subscription {n} times.", user(&s.subscriber)));
            for (_, _, s) in group.iter().take(SHOWN) {
                s.owners.iter().take(1).for_each(|o| {
                    let list = match o {
                        Owner::Call(c) => context.analysis.call(*c).messages,
                        Owner::Dialog(d) => context.analysis.dialog(*d).messages,
                    };
                    f.show_message(context.analysis, list.first).concern(Subject::from(*o));
                });
            }
        });
    }
}
