//! Sign-ins, conferences, remote call control and instant messages: how many, and those that came to nothing.
//!
//! What is told as the failure of a call or dialog is only counted here.

mod remote;

use super::notes::{INFO, Note, WARNING};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::gathered::{
    Command, Conference, Gathered, InstantMessage, Outcome, SignIn, SignInState, StepKind, StepState,
};
use crate::correlate::{Analysis, CallState, Content, DialogState, MethodId, MsgIdx, Owner};
use crate::view::{lists, show};

/// Messages from which on nothing is worked out for a note: it is made again while a capture loads.
const MANY: usize = 50_000;
/// Bodies that are read again for it.
const BODIES: usize = 2_000;
/// Told of one by one.
const TOLD: usize = 4;

pub fn notes(analysis: &Analysis, gathered: &Gathered<'_>, notes: &mut Vec<Note>) {
    if analysis.messages.len() > MANY || analysis.dns.lookups.len() > MANY {
        return;
    }
    let count = |f: fn(&crate::correlate::SipRecord) -> bool| {
        analysis.messages.iter().filter(|r| f(r)).take(BODIES + 1).count()
    };
    sign_ins(analysis, gathered.sign_ins(), notes);
    remote::notes(analysis, BODIES, notes);
    let control = count(|r| matches!(r.content, Content::Cccp | Content::ConferenceInfo));
    if (1..=BODIES).contains(&control) {
        conferences(analysis, gathered.conferences(), notes);
    }
    let written = count(|r| r.method == MethodId::MESSAGE);
    if (1..=BODIES).contains(&written) {
        messages(analysis, gathered.instant_messages(), notes);
    }
}

fn frame(analysis: &Analysis, m: Option<MsgIdx>) -> Option<FrameRef> {
    m.map(|m| analysis.message(m).frame)
}

/// Is its call or dialog told among the troubles already?
fn is_told(analysis: &Analysis, m: MsgIdx) -> bool {
    match analysis.message(m).owner {
        Owner::Call(c) => matches!(
            analysis.call(c).summary.state,
            CallState::Failed | CallState::NoAnswer | CallState::Rejected
        ),
        Owner::Dialog(d) => {
            matches!(analysis.dialog(d).summary.state, DialogState::Failed | DialogState::Unanswered)
        }
    }
}

/// The warnings of a kind, those beyond the first counted.
fn tell(notes: &mut Vec<Note>, told: Vec<(String, Option<FrameRef>)>, one: &str, many: &str, view: u8) {
    let more = told.len().saturating_sub(TOLD) as u64;
    notes.extend(told.into_iter().take(TOLD).map(|(text, frame)| (WARNING, text, frame)));
    if more > 0 {
        notes.push((WARNING, format!("{} in view {view}", show::count(more, one, many)), None));
    }
}

fn sign_ins(analysis: &Analysis, all: &[SignIn], notes: &mut Vec<Note>) {
    let Some(first) = all.first() else { return };
    let stopped: Vec<&SignIn> = all.iter().filter(|s| lists::failed_step(s).is_some()).collect();
    let mut text = show::number(all.len() as u64);
    if !stopped.is_empty() {
        text.push_str(&format!(", {} stopped", show::number(stopped.len() as u64)));
        let kinds = [StepKind::Dns, StepKind::Register, StepKind::Provisioning, StepKind::Mras];
        let of = |kind| {
            stopped.iter().filter(|s| lists::failed_step(s).is_some_and(|s| s.kind == kind)).count() as u64
        };
        let at: Vec<String> = kinds
            .into_iter()
            .map(|k| (k, of(k)))
            .filter(|(_, n)| *n > 0)
            .map(|(k, n)| match stopped.len() {
                1 => format!("at {}", k.name()),
                _ => format!("{} at {}", show::number(n), k.name()),
            })
            .collect();
        text.push_str(&format!(" ({})", at.join(", ")));
    }
    notes.push((INFO, format!("Sign-ins: {text}"), start(analysis, first)));
    let newest = newest(analysis);
    let who = |s: &SignIn| match analysis.strings.bytes(s.user) {
        b"" => format!("a client at {} for {}", s.client.ip(), show::safe_str(&s.domain)),
        user => show::party_short(b"", user),
    };
    let mut told: Vec<(String, Option<FrameRef>)> = stopped
        .iter()
        .filter_map(|s| {
            let step = lists::failed_step(s)?;
            if step.messages.last().is_some_and(|m| is_told(analysis, *m)) {
                return None;
            }
            // What was under way when the capture ends, or went on elsewhere, is no failure yet.
            let open = step.state == StepState::Unanswered || s.state == SignInState::Challenged;
            if open && newest.saturating_sub(s.end) < PATIENCE || s.redirect.is_some() {
                return None;
            }
            let why = lists::stopped(analysis, s)?;
            let at = step.messages.last().copied();
            let lookup = step.lookups.first().and_then(|i| analysis.dns.lookup(*i)).map(|l| l.frame);
            Some((format!("Sign-in of {} stopped at {why}", who(s)), frame(analysis, at).or(lookup)))
        })
        .collect();
    told.extend(all.iter().filter_map(|s| {
        let (used, why) = lists::refused_by_relay(analysis, s)?;
        let answer = analysis.stun.record(used.refused?.answer)?;
        Some((format!("Media relay refused the credentials of {}: {why}", who(s)), Some(answer.frame())))
    }));
    tell(notes, told, "more sign-in that stopped", "more sign-ins that stopped", 3);
}

/// End of the captures.
fn newest(analysis: &Analysis) -> Nanos {
    let ends = analysis.captures.iter().filter_map(|c| c.last);
    ends.chain(analysis.messages.last().map(|r| r.time)).max().unwrap_or(0)
}

/// Where a sign-in begins.
fn start(analysis: &Analysis, s: &SignIn) -> Option<FrameRef> {
    let step = s.steps.first()?;
    let lookup = step.lookups.first().and_then(|i| analysis.dns.lookup(*i)).map(|l| l.frame);
    lookup.or_else(|| frame(analysis, step.messages.first().copied()))
}

/// `, 3 failed`, or nothing.
fn some(n: usize, what: &str) -> String {
    if n == 0 { String::new() } else { format!(", {} {what}", show::number(n as u64)) }
}

fn conferences(analysis: &Analysis, all: &[Conference], notes: &mut Vec<Note>) {
    // What was asked of a factory is no conference, and may fail all the same.
    let made = all.iter().filter(|c| !c.factory).count();
    let failed: Vec<(&Conference, &Command)> =
        all.iter().flat_map(|c| c.failed().map(move |f| (c, f))).collect();
    let commands: usize = all.iter().map(|c| c.commands.len()).sum();
    let Some(first) = all.first() else { return };
    let text = format!(
        "{}, {}{}",
        show::number(made as u64),
        show::count(commands as u64, "command", "commands"),
        some(failed.len(), "failed")
    );
    notes.push((
        INFO,
        format!("Conferences: {text}"),
        frame(analysis, first.commands.first().map(|c| c.message)),
    ));
    let told = failed
        .iter()
        .filter(|(_, f)| !matches!(f.outcome, Outcome::Refused(_)) || !is_told(analysis, f.message))
        .map(|(c, f)| {
            let id = show::shorten(&show::safe_str(&c.conference_id), 40);
            let name = show::shorten(&show::safe_str(&f.name), 32);
            let target = f.target.as_deref().map(|t| show::party_short(b"", t.as_bytes()));
            let target = target.filter(|t| !t.is_empty()).map_or_else(String::new, |t| format!(" {t}"));
            let id = if c.factory { "factory" } else { &id };
            let text = format!("Conference {id}: {name}{target}: {}", lists::failure_words(f));
            (text, frame(analysis, Some(f.answer.unwrap_or(f.message))))
        })
        .collect();
    tell(notes, told, "more command that failed", "more commands that failed", 4);
}

fn messages(analysis: &Analysis, all: &[InstantMessage], notes: &mut Vec<Note>) {
    // What had no answer at the end of the capture may have got one.
    let newest = newest(analysis);
    let is_lost = |m: &InstantMessage| {
        let sent = analysis.message(m.message).time;
        !m.is_delivered() && (m.status > 0 || newest.saturating_sub(sent) > PATIENCE)
    };
    let lost: Vec<&InstantMessage> = all.iter().filter(|m| is_lost(m)).collect();
    let Some(first) = all.first() else { return };
    let text = format!("{}{}", show::number(all.len() as u64), some(lost.len(), "not delivered"));
    notes.push((INFO, format!("Instant messages: {text}"), frame(analysis, Some(first.message))));
    let told = lost
        .iter()
        .filter(|m| m.notices.iter().any(|n| n.failed) || !is_told(analysis, m.message))
        .map(|m| {
            let [from, to] = [&m.from, &m.to].map(|u| show::party_short(b"", u.as_bytes()));
            let notice = m.notices.iter().find(|n| n.failed).map(|n| n.message);
            let text = format!("Message {from} → {to} not delivered: {}", lists::delivered(analysis, m));
            (text, frame(analysis, notice.or(m.response).or(Some(m.message))))
        })
        .collect();
    tell(notes, told, "more message not delivered", "more messages not delivered", 8);
}

/// So long a request may wait for its answer (RFC 3261 section 17.1.2.2, 64 times T1).
const PATIENCE: Nanos = 32_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::lists::Lists;
    use crate::view::overview::overview;
    use crate::view::scenario::{Scenario, request, response};

    /// A message that was accepted, one that was refused inside of an answered call, and one refused alone.
    #[test]
    fn messages_not_delivered_are_told_unless_their_dialog_is() {
        let mut s = Scenario::default();
        for (at, id, status) in [(0, "m1", "200 OK"), (1_000, "m2", "404 Not Found")] {
            s.add(at, "A>B", &request("MESSAGE", 1).id(id).via(&["A m"]));
            s.add(at + 10, "B>A", &response(status, 1, "MESSAGE").id(id).tag("b").via(&["A m"]));
        }
        s.add(2_000, "A>B", &request("INVITE", 1).id("c").via(&["A c1"]));
        s.add(2_010, "B>A", &response("200 OK", 1, "INVITE").id("c").tag("b").via(&["A c1"]));
        s.add(2_020, "A>B", &request("ACK", 1).id("c").tag("b").via(&["A c2"]));
        s.add(3_000, "A>B", &request("MESSAGE", 2).id("c").tag("b").via(&["A c3"]));
        s.add(3_010, "B>A", &response("480 Away", 2, "MESSAGE").id("c").tag("b").via(&["A c3"]));
        let analysis = s.done();
        let notes = overview(&analysis, &Lists::of(&analysis), 10).notes;
        let told: Vec<&str> =
            notes.iter().filter(|n| n.0 == WARNING).map(|(_, text, _)| text.as_str()).collect();
        assert_eq!(told.len(), 1, "{notes:#?}");
        assert!(told[0].ends_with("not delivered: 480 Away"), "{told:?}");
        let counts = notes.iter().find(|n| n.1.starts_with("Instant messages")).unwrap();
        assert_eq!(counts.1, "Instant messages: 3, 2 not delivered");
    }

    #[test]
    fn sign_ins_that_went_well_are_no_warning() {
        let mut s = Scenario::default();
        s.add(0, "A>B", &request("REGISTER", 1).via(&["A r"]));
        s.add(10, "B>A", &response("200 OK", 1, "REGISTER").tag("b").via(&["A r"]));
        let analysis = s.done();
        let notes = overview(&analysis, &Lists::of(&analysis), 10).notes;
        assert!(notes.iter().all(|n| n.0 != WARNING), "{notes:#?}");
        assert!(notes.iter().any(|n| n.1 == "Sign-ins: 1" && n.2.is_some()), "{notes:#?}");
    }
}
