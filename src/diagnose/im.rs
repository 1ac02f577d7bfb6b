//! Instant messages that did not get there.

use super::{Context, Family, Findings, Rule, Severity, Subject};
use crate::correlate::gathered::InstantMessage;
use crate::correlate::{Analysis, Owner, SipRecord, flag};
use crate::show;

pub(super) const FAMILY: Family = Family { title: "Instant messages", rules: &[&UNDELIVERED, &UNANSWERED] };

pub static UNDELIVERED: Rule = Rule {
    id: "im-undelivered",
    severity: Severity::Warning,
    title: "an instant message was not delivered",
    help: "The last final answer to the message is 300 or more (a challenge that is taken up is none), or a notice told its writer \
           later that a recipient did not get it.",
    advice: "The status says why: 480 and 408 that nobody is signed in or answers there, 404 that the user is not known, 403 policy.",
    source: "RFC 3428 section 7; [MS-CONFIM] section 3.1",
    check: |context, out| tell(context, out, &UNDELIVERED),
};

pub static UNANSWERED: Rule = Rule {
    id: "im-unanswered",
    severity: Severity::Warning,
    title: "nothing answered an instant message",
    help: "No final answer to the message within 32 s (Timer F). One that the end of the capture overtakes is not told.",
    advice: "Check that the other side or the server is still there: its writer does not know whether it was read.",
    source: "RFC 3428 section 7; RFC 3261 section 17.1.2.2",
    check: |context, out| tell(context, out, &UNANSWERED),
};

/// Messages of a dialog that are walked.
const LOOK: usize = 5_000;

/// Whether the end of the capture overtakes its answer.
pub fn is_waiting(analysis: &Analysis, m: &InstantMessage) -> bool {
    let open = m.status == 0 && !m.notices.iter().any(|n| n.failed);
    open && analysis.may_yet_be_answered(analysis.message(m.message).time)
}

/// Whether it got there, or why not.
pub fn delivered(analysis: &Analysis, m: &InstantMessage) -> String {
    if let Some(notice) = m.notices.iter().find(|n| n.failed) {
        let status = match show::safe_str(&notice.status) {
            s if s.is_empty() => String::new(),
            s => format!(" ({s})"),
        };
        return format!("failed for {}{status}", show::party_short(b"", notice.recipient.as_bytes()));
    }
    match m.status {
        0 if is_waiting(analysis, m) => "no answer yet".to_owned(),
        0 => "no answer".to_owned(),
        200..=299 => "yes".to_owned(),
        status => {
            let phrase = show::safe(analysis.strings.bytes(m.reason));
            let phrase = if phrase.is_empty() { show::reason_phrase(status).to_owned() } else { phrase };
            format!("{status} {phrase}").trim_end().to_owned()
        }
    }
}

/// Which rule tells of a message; none of one that got there or may have.
pub(super) fn rule_of(context: &Context<'_>, m: &InstantMessage) -> Option<&'static Rule> {
    if m.is_delivered() {
        return None;
    }
    if m.status > 0 {
        return Some(&UNDELIVERED);
    }
    (!is_waiting(context.analysis, m)).then_some(&UNANSWERED)
}

/// How often the request was sent, repeats and all, on its first hop.
fn sent(analysis: &Analysis, m: &InstantMessage) -> usize {
    let first = analysis.message(m.message);
    let list = match first.owner {
        Owner::Call(c) => analysis.call(c).messages,
        Owner::Dialog(d) => analysis.dialog(d).messages,
    };
    let same = |r: &SipRecord| {
        let request = r.is_request() && r.method == first.method && r.cseq == first.cseq;
        request && r.flow == first.flow && r.branch == first.branch && !r.has(flag::DUPLICATE)
    };
    analysis.messages_of(list).take(LOOK).filter(|m| same(analysis.message(*m))).count()
}

fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let analysis = context.analysis;
    for m in context.gathered().instant_messages() {
        if rule_of(context, m).is_none_or(|of| of.id != rule.id) {
            continue;
        }
        let why = delivered(analysis, m);
        let subject = Subject::from(analysis.message(m.message).owner);
        // An INVITE that carries the message and was refused is told as the call's outcome.
        let told = || {
            matches!(subject, Subject::Call(_)) && out.find(subject, |r| r.id.starts_with("call-")).is_some()
        };
        let failed_later = m.notices.iter().any(|n| n.failed);
        if !failed_later && told() {
            continue;
        }
        out.add(rule, subject, &why, |f| {
            let [from, to] = [&m.from, &m.to].map(|u| show::party_short(b"", u.as_bytes()));
            f.who(format!("Message {from} → {to}"));
            f.what(match m.status {
                0 => "no answer to the instant message".to_owned(),
                _ => format!("not delivered: {why}"),
            });
            f.of_many(format!("instant messages not delivered: {why}"));
            let tries = match sent(analysis, m) {
                n @ 2.. if m.status == 0 => format!("sent {n} times"),
                _ => show::count(u64::from(m.attempts.max(1)), "try", "tries"),
            };
            f.say(format!("{from} wrote to {to} ({}, {tries}): {why}.", m.carrier.name()));
            f.show_message(analysis, m.message);
            if let Some(response) = m.response {
                f.show_message(analysis, response);
                super::calls::say_diagnostics(analysis, response, f);
            }
            for notice in m.notices.iter().filter(|n| n.failed).take(4) {
                f.say(format!(
                    "A notice says that {} did not get it.",
                    show::party_short(b"", notice.recipient.as_bytes())
                ));
                f.show_message_as(analysis, notice.message, "delivery notice");
            }
        });
    }
}
