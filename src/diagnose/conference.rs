//! Conferences: commands that failed, rosters with holes, people who are never reached.

mod advice;

use callscope_parsers::conference_info::Change;

pub use advice::of_command as advice_of_command;

use super::findings::message_words;
use super::{Context, Draft, Family, Findings, Rule, Severity, Subject, calls};
use crate::capture::Nanos;
use crate::correlate::gathered::{Command, Conference, Outcome};
use crate::correlate::{Analysis, CallIdx, MsgIdx};
use crate::show;

pub(super) const FAMILY: Family = Family {
    title: "Conferences",
    rules: &[&MCU_UNAVAILABLE, &COMMAND_FAILED, &COMMAND_UNANSWERED, &DIAL_OUT_STUCK, &ROSTER_GAP],
};

pub static MCU_UNAVAILABLE: Rule = Rule {
    id: "conference-mcu-unavailable",
    severity: Severity::Error,
    title: "a conference has no conferencing server of the kind that is asked for",
    help: "A command was answered with the reason mcuTypeNotAvailable, or the request that carried it with 603.",
    advice: "Check that a conferencing server of this kind runs in the pool and that the focus reaches its factory.",
    source: "[MS-CONFBAS] section 3.2; UCMA CommandFailureReasons",
    check: |context, out| commands(context, out, &MCU_UNAVAILABLE),
};

pub static COMMAND_FAILED: Rule = Rule {
    id: "conference-command-failed",
    severity: Severity::Warning,
    title: "a command of conference control failed",
    help: "The answer to a command says failure, with its reason, or SIP refused the request that carried it.",
    advice: "The reason says whose fault it is: the asker's role, the meeting policy, a stale roster, or the server.",
    source: "[MS-CONFBAS] section 2.2.3; [MS-CONFPRO] section 2.2.3",
    check: |context, out| commands(context, out, &COMMAND_FAILED),
};

pub static COMMAND_UNANSWERED: Rule = Rule {
    id: "conference-command-unanswered",
    severity: Severity::Warning,
    title: "a command of conference control has no answer",
    help: "No answer to a command, nor a SIP refusal of the request that carried it, within 32 s.",
    advice: "Check that the focus is up, and the conferencing server that it passes the command to.",
    source: "[MS-CONFBAS] section 3.1.2",
    check: |context, out| commands(context, out, &COMMAND_UNANSWERED),
};

pub static DIAL_OUT_STUCK: Rule = Rule {
    id: "conference-dial-out-stuck",
    severity: Severity::Warning,
    title: "somebody whom a conference calls is never reached",
    help: "A dial-out was answered with pending, or the roster has the user at pending, dialing-out or alerting, and 30 s later \
           nothing more was told; or the user left with failed or busy.",
    advice: "Look at the call from the conferencing server to the user (its INVITE names the same conference id).",
    source: "[MS-CONFBAS] section 2.2.3.15; RFC 4575 section 5.8",
    check: dial_out_stuck,
};

pub static ROSTER_GAP: Rule = Rule {
    id: "conference-roster-gap",
    severity: Severity::Info,
    title: "versions of a roster are missing",
    help: "A partial document of conference-info does not follow the version before it, and no full one repaired it at once.",
    advice: "The client that was told so has a stale roster until it subscribes again; or the capture lost the document in between.",
    source: "RFC 4575 section 4.1",
    check: roster_gap,
};

/// So long somebody may ring.
const STUCK: Nanos = 30_000_000_000;

fn there_are_some(context: &Context<'_>) -> bool {
    !context.analysis.messages.is_empty() && !context.gathered().conferences().is_empty()
}

fn rule_of(c: &Command) -> Option<&'static Rule> {
    let unavailable = c.reason.as_deref().is_some_and(|r| r.eq_ignore_ascii_case("mcuTypeNotAvailable"));
    match c.outcome {
        _ if !c.outcome.is_failure() => None,
        Outcome::Refused(603) => Some(&MCU_UNAVAILABLE),
        _ if unavailable => Some(&MCU_UNAVAILABLE),
        Outcome::Unanswered => Some(&COMMAND_UNANSWERED),
        _ => Some(&COMMAND_FAILED),
    }
}

fn name_of(c: &Conference) -> String {
    match c.factory {
        true => "the factory of conferences".to_owned(),
        false => format!("Conference {}", show::shorten(&show::safe_str(&c.conference_id), 40)),
    }
}

/// The worst word of a command that failed: its reason as on the wire.
pub fn failure_words(command: &Command) -> String {
    match (&command.outcome, command.reason.as_deref()) {
        (Outcome::Refused(status), _) => format!("SIP {status} {}", show::reason_phrase(*status)),
        (Outcome::Unanswered, _) => "no answer".to_owned(),
        (_, Some(reason)) if !reason.is_empty() => show::shorten(&show::safe_str(reason), 48),
        (outcome, _) => show::shorten(&show::safe_str(outcome.name()), 48),
    }
}

fn commands(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    if !there_are_some(context) {
        return;
    }
    let analysis = context.analysis;
    for (row, c) in (0u32..).zip(context.gathered().conferences()) {
        for command in c.failed().filter(|f| rule_of(f).is_some_and(|of| of.id == rule.id)) {
            let likeness = (row, &command.name, failure_words(command), &command.target);
            out.add(rule, Subject::Conference(row), likeness, |f| {
                let name = show::shorten(&show::safe_str(&command.name), 32);
                let target = command.target.as_deref().map(|t| show::party_short(b"", t.as_bytes()));
                let target = target.filter(|t| !t.is_empty()).map_or_else(String::new, |t| format!(" {t}"));
                let what = format!("{name}{target} failed: {}", failure_words(command));
                f.who(name_of(c)).what(what.clone()).of_many(format!("{}: {what}", name_of(c)));
                let took = command
                    .took
                    .map_or_else(String::new, |t| format!("; the answer came {} later", show::duration(t)));
                f.say(format!(
                    "{name}{target} was asked by {}{took}.",
                    show::party_short(b"", command.from.as_bytes())
                ));
                f.advise(advice::of_command(command));
                show_command(analysis, command, f);
                // The other calls of the conference may be well.
                f.concern(Subject::from(analysis.message(command.message).owner));
            });
        }
    }
}

fn show_command(analysis: &Analysis, command: &Command, f: &mut Draft) {
    let name = show::shorten(&show::safe_str(&command.name), 32);
    if command.asked {
        f.show_message_as(analysis, command.message, name.clone());
    }
    if let Some(answer) = command.answer {
        f.show_message_as(analysis, answer, format!("{name}: {}", failure_words(command)));
    }
    command.pending.iter().for_each(|m| _ = f.show_message_as(analysis, *m, format!("{name}: pending")));
}

fn dial_out_stuck(context: &Context<'_>, out: &mut Findings) {
    if !there_are_some(context) {
        return;
    }
    let analysis = context.analysis;
    for (row, c) in (0u32..).zip(context.gathered().conferences()) {
        for command in c.commands.iter().filter(|k| k.dial_out && k.outcome == Outcome::Pending) {
            if context.goes_on(command.time) < STUCK || reached(c, command.target.as_deref()) {
                continue;
            }
            let target = command.target.as_deref().unwrap_or_default();
            let name = show::party_short(b"", target.as_bytes());
            out.add(&DIAL_OUT_STUCK, Subject::Conference(row), (row, target), |f| {
                let what = format!("dial-out to {name} stays pending");
                f.who(name_of(c)).what(what.clone()).of_many(format!("{}: {what}", name_of(c)));
                f.say(format!(
                    "The conferencing server said pending and no final answer came in {}.",
                    show::span(context.goes_on(command.time))
                ));
                show_command(analysis, command, f);
                if let Some(call) = command.call {
                    show_dial_out(context, call, f);
                }
            });
        }
        for member in &c.roster {
            let calling = |s: &str| matches!(s, "pending" | "dialing-out" | "alerting");
            let stuck = member.endpoints.iter().find(|e| {
                let failed = matches!(e.left.as_deref(), Some("failed" | "busy"));
                failed
                    || e.status.as_deref().is_some_and(calling) && e.joined.as_deref() == Some("dialed-out")
            });
            let Some(endpoint) = stuck else { continue };
            let Some(m) = member.message else { continue };
            let failed = endpoint.left.as_deref().filter(|l| matches!(*l, "failed" | "busy"));
            if failed.is_none() && context.goes_on(analysis.message(m).time) < STUCK {
                continue;
            }
            let name = show::party_short(
                member.display.as_deref().unwrap_or_default().as_bytes(),
                member.user.as_bytes(),
            );
            out.add(&DIAL_OUT_STUCK, Subject::Conference(row), (row, member.user.as_str()), |f| {
                let how = match failed {
                    Some(how) => format!("left with {how}"),
                    None => {
                        format!("stays at {}", show::safe_str(endpoint.status.as_deref().unwrap_or_default()))
                    }
                };
                let what = format!("{name} {how}");
                f.who(name_of(c)).what(what.clone()).of_many(format!("{}: {what}", name_of(c)));
                f.say(format!("The roster told it last in the document shown: {name} {how}."));
                f.show_message_as(analysis, m, format!("roster: {name} {how}"));
            });
        }
    }
}

/// The call that a dial-out led to, and how it ended.
fn show_dial_out(context: &Context<'_>, call: CallIdx, f: &mut Draft) {
    let analysis = context.analysis;
    let name = context.call_name(call);
    let words = |m: MsgIdx| message_words(analysis, m);
    let s = &analysis.call(call).summary;
    let answer = calls::answer_of(analysis, call).filter(|_| s.final_status > 0).map(|(given, _)| given);
    match answer {
        Some(m) => f.say(format!("It called in {name}, which came to {}.", words(m))),
        None => f.say(format!("It called in {name}, which has no final answer.")),
    };
    f.advise(match s.answered {
        Some(_) => format!("{name} was answered: see why the conferencing server did not tell the focus."),
        None => format!(
            "Look at {name}: why it came to nothing, and whether the conferencing server told the focus."
        ),
    });
    calls::opening_invite(analysis, call).iter().for_each(|m| _ = f.show_message(analysis, *m));
    answer.iter().for_each(|m| _ = f.show_message(analysis, *m));
    f.concern(Subject::Call(call));
}

/// Whether the roster has somebody connected.
fn reached(c: &Conference, target: Option<&str>) -> bool {
    let Some(target) = target else { return false };
    let connected = |s: &str| s == "connected";
    c.member(target).is_some_and(|m| m.endpoints.iter().any(|e| e.status.as_deref().is_some_and(connected)))
}

fn roster_gap(context: &Context<'_>, out: &mut Findings) {
    if !there_are_some(context) {
        return;
    }
    let analysis = context.analysis;
    for (row, c) in (0u32..).zip(context.gathered().conferences()) {
        let gaps: Vec<_> = c
            .events
            .iter()
            .filter_map(|e| match e.change {
                Change::VersionGap { last, version } => Some((e.message, last, version)),
                _ => None,
            })
            .collect();
        if gaps.is_empty() {
            continue;
        }
        out.add(&ROSTER_GAP, Subject::Conference(row), row, |f| {
            let n = show::count(gaps.len() as u64, "gap", "gaps");
            f.who(name_of(c)).what(format!("{n} in the versions of the roster"));
            for (m, last, version) in gaps.iter().take(6) {
                f.say(format!("Version {version} follows {last}."));
                f.show_message_as(analysis, *m, format!("version {version} after {last}"));
            }
            f.partial("the documents in between may be lost to the capture only");
        });
    }
}
