//! Requests outside of calls that no other family tells of: OPTIONS, PUBLISH, INFO, REFER, SERVICE and so on.

use std::collections::{BTreeMap, HashSet};

use super::{Context, Family, Findings, Rule, Severity, Subject, capture, presence, sign_in};
use crate::capture::Nanos;
use crate::correlate::{Analysis, DialogState, MethodId, MsgIdx, Owner};
use crate::show;

pub(super) const FAMILY: Family = Family { title: "Other requests", rules: &[&UNANSWERED, &REFUSED] };

pub static UNANSWERED: Rule = Rule {
    id: "request-unanswered",
    severity: Severity::Warning,
    title: "a request got no answer",
    help: "OPTIONS, PUBLISH, REFER, SERVICE or another request outside of calls has no final answer for 32 s (Timer F). Sign-ins, \
           subscriptions and instant messages have rules of their own; one that the end of the capture overtakes is not told.",
    advice: "Check that the machine it went to is up and listens there, and that no firewall on the way drops it.",
    source: "RFC 3261 section 17.1.2.2",
    check: |context, out| tell(context, out, &UNANSWERED),
};

pub static REFUSED: Rule = Rule {
    id: "request-refused",
    severity: Severity::Warning,
    title: "a request was refused",
    help: "The last final answer to PUBLISH, REFER, SERVICE or another request outside of calls is 300 or more. Any answer to OPTIONS \
           says that the machine lives: only 408, 503 and 504 are told. 412 and 423 of PUBLISH are never \
           told: the client goes on with other values. 409 of SERVICE, BYE, and 405, 489 and 501 are remarks.",
    advice: "The status says why, and so does what else the answer has (Warning, Reason, ms-diagnostics).",
    source: "RFC 3261 sections 11.2 and 21; RFC 3903 section 4",
    check: |context, out| tell(context, out, &REFUSED),
};

/// A client that answers a challenge does so within a moment.
const ANSWERS_CHALLENGE: Nanos = 2_000_000_000;
/// Messages shown of a dialog.
const SHOWN: usize = 4;

/// Methods that other families tell of, or that are never answered.
fn is_elsewhere(method: MethodId) -> bool {
    matches!(
        method,
        MethodId::REGISTER
            | MethodId::SUBSCRIBE
            | MethodId::NOTIFY
            | MethodId::BENOTIFY
            | MethodId::MESSAGE
            | MethodId::INVITE
            | MethodId::ACK
            | MethodId::CANCEL
    )
}

/// How bad a status is for a method; none where it is how it goes.
fn weight(method: MethodId, status: u16) -> Option<Severity> {
    match (method, status) {
        (MethodId::OPTIONS, 408 | 503 | 504) => Some(Severity::Warning),
        (MethodId::OPTIONS, _) => None,
        (MethodId::PUBLISH, 412 | 423) => None,
        (MethodId::SERVICE, 409) | (MethodId::BYE, _) => Some(Severity::Info),
        // A gateway or client that lacks the method says so, and lives.
        (_, 405 | 489 | 501) => Some(Severity::Info),
        _ => Some(Severity::Warning),
    }
}

fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let analysis = context.analysis;
    for (d, dialog) in analysis.dialogs_shown() {
        let s = &dialog.summary;
        if is_elsewhere(dialog.method) || analysis.is_leftover(d) {
            continue;
        }
        let (of, severity) = match s.state {
            DialogState::Unanswered if analysis.may_yet_be_answered(s.end) || context.is_one_sided() => {
                continue;
            }
            DialogState::Unanswered => (&UNANSWERED, Severity::Warning),
            DialogState::Failed
                if matches!(s.final_status, 401 | 407) && context.goes_on(s.end) < ANSWERS_CHALLENGE =>
            {
                continue;
            }
            DialogState::Failed => match weight(dialog.method, s.final_status) {
                Some(severity) => (&REFUSED, severity),
                None => continue,
            },
            _ => continue,
        };
        // What a sign-in, a conference or a call says of it says more.
        if of.id != rule.id || s.requests == 0 || out.of(Subject::Dialog(d)).next().is_some() {
            continue;
        }
        let first = analysis.message(dialog.messages.first);
        let flow = analysis.flow(first.flow);
        let to = if first.is_request() { flow.dst } else { flow.src };
        let likeness = (dialog.method, s.final_status, to.ip());
        out.add(rule, Subject::Dialog(d), likeness, |f| {
            let method = show::safe(analysis.method(dialog.method).as_bytes());
            let machine = show::machine(analysis, to).map_or_else(|| to.to_string(), |n| format!("{n} ({to})"));
            f.who(context.owner_name(Owner::Dialog(d))).severity(severity);
            match s.state {
                DialogState::Unanswered => {
                    f.what(format!("no answer to {method} from {machine}"));
                    f.say(format!(
                        "{method} was sent {} to {machine}; no final answer came in the {} that the capture goes on.",
                        show::count(u64::from(s.requests), "time", "times"),
                        show::span(context.goes_on(s.end))
                    ));
                }
                _ => {
                    let phrase = show::reason_phrase(s.final_status);
                    let answer = format!("{} {phrase}", s.final_status);
                    f.what(format!("{machine} refuses {method} with {}", answer.trim_end()));
                    f.say(format!("{method} to {machine} was answered with {}.", answer.trim_end()));
                }
            }
            evidence(analysis, dialog.messages, f);
        });
    }
}

/// Dialogs that came to nothing, by method and final status (0: none came): those of which some rule tells more than a
/// remark. How a dialog ended says less: its client may have gone on with another one, or asked for no more than a sign of life.
pub(super) fn failed(context: &Context<'_>, found: &Findings) -> BTreeMap<(MethodId, u16), u64> {
    let analysis = context.analysis;
    let mut told: HashSet<Owner> = HashSet::new();
    // What is found of a sign-in or a subscription is about its row.
    for s in context.gathered().sign_ins() {
        if let Some(step) = sign_in::failed_step(s).filter(|_| sign_in::rule_of(context, s).is_some()) {
            told.extend(s.dialogs.iter().map(|d| Owner::Dialog(*d)));
            told.extend(step.messages.iter().map(|m| analysis.message(*m).owner));
        }
    }
    let subscriptions = context.gathered().subscriptions().iter();
    told.extend(
        subscriptions.filter(|s| presence::came_to_nothing(context, s)).flat_map(|s| &s.owners).copied(),
    );
    let mut counts = BTreeMap::new();
    for (d, dialog) in analysis.dialogs_shown() {
        let status = match dialog.summary.state {
            DialogState::Failed => dialog.summary.final_status,
            DialogState::Unanswered => 0,
            DialogState::Completed | DialogState::Active => continue,
        };
        // How it was captured is another matter.
        let worst =
            found.worst(Subject::Dialog(d), |rule| !capture::FAMILY.rules.iter().any(|r| r.id == rule.id));
        let told = told.contains(&Owner::Dialog(d)) || worst > Some(Severity::Info);
        if told && !(status == 0 && analysis.may_yet_be_answered(dialog.summary.end)) {
            *counts.entry((dialog.method, status)).or_default() += 1;
        }
    }
    counts
}

fn evidence(analysis: &Analysis, list: crate::correlate::MsgList, f: &mut super::Draft) {
    let all: Vec<MsgIdx> = analysis.messages_of(list).take(10_000).collect();
    let refused = all.iter().copied().filter(|m| analysis.message(*m).status >= 300).last();
    for m in all.iter().take(SHOWN) {
        f.show_message(analysis, *m);
    }
    if let Some(m) = refused {
        f.show_message(analysis, m);
        super::calls::say_diagnostics(analysis, m, f);
    }
}
