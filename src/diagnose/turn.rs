//! TURN: relays that a client did not get, and why.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use callscope_parsers::stun::words::error_words;
use callscope_parsers::stun::{Class, Dialect, MessageType, Method};

use super::{Context, Draft, Family, Findings, Rule, Severity, Subject, sign_in};
use crate::capture::Nanos;
use crate::correlate::gathered::{Credential, Lifetime};
use crate::correlate::ice::{IceSession, IceSide};
use crate::correlate::stun::{Allocation, AllocationIdx, AllocationState, Round, StunOwner};
use crate::correlate::{Analysis, CallIdx, Str};
use crate::show;
use crate::show::path::parties;
use crate::show::relay::{self, gave_up};

pub(super) const FAMILY: Family = Family {
    title: "TURN relays",
    rules: &[
        &ALTERNATE_UNREACHABLE,
        &UNREACHABLE,
        &CREDENTIALS_EXPIRED,
        &WRONG_CREDENTIALS,
        &NO_CREDENTIALS,
        &REFUSED,
        &REFRESH_REFUSED,
        &PEER_REFUSED,
        &EXPIRED_IN_CALL,
    ],
};

// Rules about allocations that came to nothing have all the same check.
rules! {
    tell;
    ALTERNATE_UNREACHABLE "turn-alternate-unreachable" Error "the server that a relay named instead does not answer",
        "An Allocate was answered with 300 and another server, or with [MS-TURN]'s 401 and the server's own address, and no \
         request of the client to that address was answered. An error where a call lacked the relay.",
        "Open the address that the server names, not only the virtual one, in the firewall between client and server.",
        "RFC 8656 section 7.4; [MS-TURN] section 2.2.2.7";
    UNREACHABLE "turn-unreachable" Error "a relay cannot be reached",
        "No Allocate of the client was answered: silence after repeats, an ICMP error, or a TCP connection that the server \
         refused or closed. An error where the client then lacked a path, a warning where that is not known, info where its \
         calls went well all the same (UDP closed and TCP open is common).",
        "Check that UDP 3478 (and TCP 443) to the server pass every firewall, there and back, and that the service runs. A \
         server of another dialect stays silent too.",
        "RFC 8656 section 7.1; [MS-TURN] section 3.1";
    CREDENTIALS_EXPIRED "turn-credentials-expired" Error "a relay refused credentials that had run out",
        "The server refused an Allocate that carried credentials, and the media relay credentials that it was made with had run \
         out by their duration before it.",
        "Check that the client can reach the A/V authentication service to get new ones (SERVICE to the address that names MRAS).",
        "[MS-AVEDGEA] section 3.1; [MS-TURN] section 3.1";
    WRONG_CREDENTIALS "turn-wrong-credentials" Error "a relay refused the credentials",
        "The server refused an Allocate that carried credentials: 401 a second time, 431, 436 or 441 (and 430, 432 to 435, 438 \
         of the old draft). The first 401 of an exchange is how it goes, and never told.",
        "Check the user name and password that the client has for the relay; with an A/V Edge those that its authentication \
         service gave out, and that both use the same secret.",
        "RFC 8489 section 9.2.4; [MS-TURN] section 2.2.2.9";
    NO_CREDENTIALS "turn-no-credentials" Error "a client has no credentials for the relay",
        "The last word is a challenge (401 or 438) and the client sent no credentials at all.",
        "Give the client a user name and password for the relay; a Communicator gets them at sign-in from the A/V authentication \
         service: see its sign-in.",
        "RFC 8489 section 9.2.3";
    REFUSED "turn-refused" Error "a relay refused the allocation",
        "The server answered Allocate with another error: 403, 437, 440, 442, 443, 486, 500, 508 … Being sent on to another \
         server (300) is no refusal.",
        "The error says what the server lacks or forbids: see its log.",
        "RFC 8656 section 7.2";
}

pub static REFRESH_REFUSED: Rule = Rule {
    id: "turn-refresh-refused",
    severity: Severity::Warning,
    title: "a relay did not prolong an allocation because of its credentials",
    help: "The credentials are those that a sign-in was given, a Refresh with them ([MS-TURN]: an Allocate of what was granted \
           before) was refused (430, 431, 436, 441, or 401 after the challenge), and no later Refresh or Allocate with them was \
           granted. A 438 asks for another nonce only.",
    advice: "Check that the client asks the A/V authentication service for new credentials in time, that it answers, and that \
             its clock and the relay's agree.",
    source: "RFC 8656 section 7.3; RFC 8489 section 9.2.4; [MS-AVEDGEA] section 3.1",
    check: refresh_refused,
};

pub static PEER_REFUSED: Rule = Rule {
    id: "turn-peer-refused",
    severity: Severity::Warning,
    title: "a relay does not let a client talk to a peer",
    help: "CreatePermission, ChannelBind, Connect or Set Active Destination was answered with an error (437 and 438, after which \
           clients try again, left out). Info where the client's sessions found a path all the same.",
    advice: "403 comes of a rule of the server about peer addresses, often private ones: it keeps relays of one server from \
             reaching its own network.",
    source: "RFC 8656 sections 9.3 and 11.2; [MS-TURN] section 3.1",
    check: peer_refused,
};

pub static EXPIRED_IN_CALL: Rule = Rule {
    id: "turn-expired-in-call",
    severity: Severity::Warning,
    title: "a relay ran out while it was in use",
    help: "A call settled on a pair with the relay, and 2 s or more before the call ended the relay was released, or its lifetime was \
           over without a refresh that was granted.",
    advice: "The client has to refresh before the lifetime ends: look whether its Refresh is lost on the way.",
    source: "RFC 8656 section 7",
    check: expired_in_call,
};

/// A relay may go with its call.
const SLACK: Nanos = 2_000_000_000;

/// Allocations that failed in one way: client, server and rule, and for those that are told apart by it the error.
type Key = (&'static str, IpAddr, IpAddr, u16);

fn rule_of(context: &Context<'_>, i: AllocationIdx, a: &Allocation) -> Option<(&'static Rule, u16)> {
    let analysis = context.analysis;
    if let Some(to) = relay::sent_on(a) {
        let mut asked = asked_there(analysis, a, to).peekable();
        let is_silent = |b: &Allocation| b.state(context.end) == AllocationState::Unanswered;
        return (asked.peek().is_some() && asked.all(is_silent)).then_some((&ALTERNATE_UNREACHABLE, 0));
    }
    if !relay::failed(analysis, a) {
        return None;
    }
    Some(match a.error {
        None => {
            let named = |b: &Allocation| {
                b.client.ip() == a.client.ip() && b.alternate == Some(a.server) && b.server != a.server
            };
            // Told with the server that named it.
            if analysis.stun.allocations.iter().any(named) {
                return None;
            }
            (&UNREACHABLE, 0)
        }
        Some(_) if gave_up(a) => (&NO_CREDENTIALS, 0),
        Some((code @ (401 | 430..=436 | 438 | 441), _)) => {
            let old = credential_of(context, i).is_some_and(|(_, l)| l == Lifetime::ExpiredBefore);
            if old { (&CREDENTIALS_EXPIRED, code) } else { (&WRONG_CREDENTIALS, code) }
        }
        Some((code, _)) => (&REFUSED, code),
    })
}

/// What the client of an allocation asked of the server that it was sent on to.
fn asked_there<'a>(
    analysis: &'a Analysis,
    a: &'a Allocation,
    to: SocketAddr,
) -> impl Iterator<Item = &'a Allocation> {
    let there = move |b: &&Allocation| b.client.ip() == a.client.ip() && b.server == to && b.first >= a.first;
    analysis.stun.allocations.iter().filter(there)
}

/// The media relay credentials that an allocation was asked for with.
fn credential_of<'c>(context: &'c Context<'_>, i: AllocationIdx) -> Option<(&'c Credential, Lifetime)> {
    let all = context.gathered().sign_ins().iter().flat_map(|s| &s.credentials);
    all.flat_map(|c| c.uses.iter().map(move |u| (c, u)))
        .find(|(_, u)| u.allocation == i)
        .map(|(c, u)| (c, u.lifetime))
}

fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let analysis = context.analysis;
    if analysis.stun.allocations.is_empty() {
        return;
    }
    let mut groups: BTreeMap<Key, Vec<(AllocationIdx, &Allocation)>> = BTreeMap::new();
    for &(i, of, code) in context.failed_allocations() {
        let Some(a) = analysis.stun.allocations.get(i.0 as usize).filter(|_| of.id == rule.id) else {
            continue;
        };
        groups.entry((rule.id, a.client.ip(), a.server.ip(), code)).or_default().push((i, a));
    }
    for (key, group) in groups {
        for (i, a) in &group {
            // Who was given no credentials, or no new ones, has none to send.
            let ungiven = matches!(rule.id, "turn-credentials-expired" | "turn-no-credentials");
            let client = Some(a.client.ip()).filter(|_| ungiven);
            let cause = client.and_then(|ip| sign_in::without_relay_credentials(context, out, ip));
            out.add(rule, Subject::Allocation(*i), key, |f| {
                f.because(cause);
                describe(context, f, rule, &group, *i);
            });
        }
    }
}

/// Which allocations failed, and the rule that says why; in order.
pub(super) fn failed(context: &Context<'_>) -> Vec<(AllocationIdx, &'static Rule, u16)> {
    let all = (0u32..).map(AllocationIdx).zip(&context.analysis.stun.allocations);
    all.filter_map(|(i, a)| rule_of(context, i, a).map(|(rule, code)| (i, rule, code))).collect()
}

/// How bad it is that a machine did not get a relay.
fn severity(context: &Context<'_>, at: SocketAddr) -> Severity {
    let sessions = context.sessions();
    let client = at.ip();
    let granted = |a: &Allocation| a.client.ip() == client && a.allocated_at.is_some();
    // What the call of that address came to, else what those of its machine did.
    match sessions.lacked(at) {
        Some(true) => return Severity::Error,
        Some(false) => return Severity::Info,
        None => {}
    }
    if sessions.lacks(client) {
        Severity::Error
    } else if sessions.is_well(client) || context.analysis.stun.allocations.iter().any(granted) {
        Severity::Info
    } else {
        Severity::Warning
    }
}

/// Who asks: by the call that lacked it, else by user name, else by machine.
fn asker(context: &Context<'_>, a: &Allocation) -> String {
    if let Some(whose) = context.sessions().whose(a.client) {
        return whose.name.clone();
    }
    let analysis = context.analysis;
    let at = show::machine(analysis, a.client).unwrap_or_else(|| a.client.ip().to_string());
    // Microsoft's user names are no text.
    let user = analysis.strings.bytes(a.username);
    match !user.is_empty() && user.len() <= 40 && user.iter().all(u8::is_ascii_graphic) {
        true => format!("{} at {at}", show::safe(user)),
        false => at,
    }
}

fn describe(
    context: &Context<'_>,
    f: &mut Draft,
    rule: &'static Rule,
    group: &[(AllocationIdx, &Allocation)],
    own: AllocationIdx,
) {
    let analysis = context.analysis;
    let Some((_, first)) = group.first() else { return };
    let Some((_, a)) = group.iter().find(|(i, _)| *i == own) else { return };
    let mut ways: Vec<String> = Vec::new();
    for (_, a) in group {
        let way = format!("{} {}", a.transport.name().to_uppercase(), a.server.port());
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let name = asker(context, first);
    let server = show::machine(analysis, first.server).unwrap_or_else(|| first.server.ip().to_string());
    let at = format!("{server} over {}", ways.join(" and "));
    let code = first.error.map_or(0, |(code, _)| code);
    let ends = || -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for (_, a) in group {
            let end = relay::refusal(analysis, a);
            if !all.contains(&end) {
                all.push(end);
            }
        }
        all
    };
    f.severity(severity(context, a.client));
    let what = match rule.id {
        "turn-unreachable" => format!("{name} gets no relay: {at} cannot be reached ({})", ends().join(", ")),
        "turn-alternate-unreachable" => {
            let to = first.alternate.map_or_else(String::new, |to| format!(" {to}"));
            format!("{name} gets no relay: {at} sends it on to{to}, which does not answer")
        }
        "turn-credentials-expired" => {
            format!("{name} gets no relay: {at} refuses credentials that had run out ({code})")
        }
        "turn-wrong-credentials" => {
            format!("{name} gets no relay: {at} refuses the credentials ({code}), they are wrong or expired")
        }
        "turn-no-credentials" => {
            format!("{name} gets no relay: {at} asks for credentials ({code}) and it sends none")
        }
        _ => format!(
            "{name} gets no relay: {at} refuses it ({})",
            relay::error_text(analysis, code, Str(0), first)
        ),
    };
    let refused = format!("{name}'s relay allocation was refused with");
    let brief = match rule.id {
        "turn-unreachable" => format!("{name}'s relay {at} cannot be reached"),
        "turn-alternate-unreachable" => format!("the relay that {name} is sent on to does not answer"),
        "turn-credentials-expired" => format!("{refused} {code}, the credentials had run out"),
        "turn-wrong-credentials" => format!("{refused} {code}, wrong or expired credentials"),
        "turn-no-credentials" => format!("{name} has no credentials for the relay ({code})"),
        _ => {
            let words = error_words(code, first.dialect).map_or("", |(name, _)| name);
            format!("{refused} {code} {words}").trim_end().to_owned()
        }
    };
    f.who("").what(what.clone()).of_many(what).brief(brief);
    let mut said: Vec<String> = Vec::new();
    for (_, a) in group {
        let sentence = format!("{} asked; {}.", a.client, relay::refusal_sentence(analysis, a));
        if !said.contains(&sentence) && said.len() < 6 {
            said.push(sentence);
        }
    }
    f.say_all(said);
    if let Some((credential, lifetime)) = credential_of(context, own) {
        say_credential(context, f, credential, lifetime, a.first);
    }
    match severity(context, a.client) {
        Severity::Info => {
            _ = f.say("Its calls in this capture found a path without it, or it got another relay.")
        }
        Severity::Warning => {
            _ = f.partial(
                "no session of that client is in the capture, so whether it lacked the relay is not known",
            )
        }
        Severity::Error => {}
    }
    if let Some((id, call)) = context.sessions().whose(a.client).and_then(|w| w.lacked) {
        f.concern(Subject::IceSession(id));
        call.iter().for_each(|c| _ = f.concern(Subject::Call(*c)));
    }
    show_rounds(analysis, f, a);
    for b in relay::sent_on(a).into_iter().flat_map(|to| asked_there(analysis, a, to)).take(2) {
        f.say(format!("{} asked; {}.", b.client, relay::refusal_sentence(analysis, b)));
        show_rounds(analysis, f, b);
    }
    if let Some(u) = analysis.unreachable_server(a) {
        f.show_at(u.frame, u.time, show::breakage_by(u.kind, u.by));
    }
    if let Some(b) = analysis.cut_by_server(a) {
        f.show_at(b.frame, b.time, show::breakage_by(b.kind, b.by));
    }
}

/// The first rounds of Allocate.
fn show_rounds(analysis: &Analysis, f: &mut Draft, a: &Allocation) {
    for round in a.rounds.iter().filter(|r| r.allocate).take(6) {
        let asked = if round.credentials { "Allocate with credentials" } else { "Allocate" };
        let times =
            if round.sent > 1 { format!(", sent {}", relay::times(round.sent)) } else { String::new() };
        round.request.iter().for_each(|i| _ = f.show_stun(analysis, *i, format!("{asked}{times}")));
        let answer = if round.error == 0 { "success".to_owned() } else { round.error.to_string() };
        round.response.iter().for_each(|i| _ = f.show_stun(analysis, *i, answer.clone()));
    }
}

fn say_credential(context: &Context<'_>, f: &mut Draft, c: &Credential, lifetime: Lifetime, used: Nanos) {
    let analysis = context.analysis;
    let Some(grant) = c.grant_at(used) else { return };
    f.show_message_as(analysis, grant.message, "answer of the A/V authentication service: the credentials");
    let minutes = grant.duration.map_or_else(String::new, |m| format!(" for {m} minutes"));
    match (lifetime, grant.ends()) {
        (Lifetime::ExpiredBefore, Some(ends)) => {
            let ago = show::span(used.saturating_sub(ends));
            f.say(format!(
                "The credentials were given{minutes} and had run out {ago} before they were used."
            ));
        }
        _ => _ = f.say(format!("The credentials are those that the client was given at sign-in{minutes}.")),
    }
}

fn refresh_refused(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    if analysis.stun.allocations.is_empty() {
        return;
    }
    for s in context.gathered().sign_ins() {
        let Some((used, why)) = sign_in::relay::refused(analysis, s) else { continue };
        let Some(refusal) = used.refused.filter(|r| !r.allocate) else { continue };
        let Some(a) = analysis.stun.allocations.get(used.allocation.0 as usize) else { continue };
        let likeness = (a.client.ip(), a.server.ip(), &why);
        out.add(&REFRESH_REFUSED, Subject::Allocation(used.allocation), likeness, |f| {
            let user = analysis.strings.bytes(s.user);
            let name = if user.is_empty() { asker(context, a) } else { show::party_short(b"", user) };
            let what = format!("the relay {} does not prolong the allocation of {name}: {why}", a.server);
            f.who("").what(what.clone()).of_many(what).brief(format!("it was not prolonged ({why})"));
            if let Some(since) = sign_in::relay::over(used, refusal) {
                f.say(format!("The credentials had run out {} before the answer.", show::span(since)));
            }
            let asked = a.rounds.iter().find(|r| r.response == Some(refusal.answer)).and_then(|r| r.request);
            let request = format!("{} with credentials", refreshes_by(a));
            asked.iter().for_each(|i| _ = f.show_stun(analysis, *i, request.clone()));
            f.show_stun(analysis, refusal.answer, refusal.code.to_string());
        });
    }
}

/// What prolongs an allocation, or gives it up.
fn refreshes_by(a: &Allocation) -> &'static str {
    if a.dialect == Dialect::MsTurn { "Allocate" } else { "Refresh" }
}

fn peer_refused(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for r in analysis.stun.records.iter().filter(|r| r.error != 0 && !matches!(r.error, 401 | 437 | 438)) {
        let StunOwner::Allocation(i) = r.owner() else { continue };
        let (class, method) = MessageType(r.kind).split(r.dialect());
        if class != Class::Error || matches!(method, Method::ALLOCATE | Method::REFRESH) {
            continue;
        }
        let Some(a) = analysis.stun.allocations.get(i.0 as usize) else { continue };
        let name = method.name().unwrap_or("request");
        let likeness = (a.client.ip(), a.server.ip(), r.error, name);
        out.add(&PEER_REFUSED, Subject::Allocation(i), likeness, |f| {
            let words = relay::error_text(analysis, r.error, Str(0), a);
            let what = format!("the relay {} refuses {name} of {}: {words}", a.server, asker(context, a));
            f.what(what.clone()).of_many(what).who("");
            f.brief(format!("the relay {} refuses {name} ({})", a.server, r.error));
            if !context.sessions().lacks(a.client.ip()) {
                f.severity(Severity::Info);
            }
            let without: Vec<String> =
                a.peers.iter().filter(|p| !p.permitted).take(4).map(|p| p.address.to_string()).collect();
            if !without.is_empty() {
                f.say(format!("No permission came about for {}.", without.join(", ")));
            }
            f.show_at(r.frame(), r.time, format!("{name} {}", r.error));
        });
    }
}

/// When a relay was over: released, or not refreshed in time.
fn over(analysis: &Analysis, a: &Allocation) -> Option<Nanos> {
    if a.released {
        let asked = a.rounds.iter().rev().find(|r| r.release)?.request?;
        return analysis.stun.record(asked).map(|r| r.time);
    }
    let lifetime = Nanos::from(a.lifetime?).saturating_mul(1_000_000_000);
    Some(a.granted_at.saturating_add(lifetime))
}

fn expired_in_call(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    let mut known: Option<Vec<Vec<CallIdx>>> = None;
    for (i, a) in (0u32..).map(AllocationIdx).zip(&analysis.stun.allocations) {
        let Some(relayed) = a.relayed.filter(|_| a.allocated_at.is_some()) else { continue };
        let Some(ends) = over(analysis, a).filter(|t| t.saturating_add(SLACK) < context.end) else {
            continue;
        };
        let calls = known.get_or_insert_with(|| analysis.calls_by_allocation()).get(i.0 as usize).cloned();
        // Only a relay that a call settled on is missed.
        let lives = |c: &CallIdx| {
            let s = &analysis.call(*c).summary;
            let until = s.end.unwrap_or(s.last);
            s.answered.is_some() && until > ends.saturating_add(SLACK)
        };
        let uses = |c: &CallIdx| {
            let sessions = analysis.ice_sessions_of(*c);
            sessions.iter().flat_map(|s| s.selected()).any(|p| p.a == relayed || p.b == relayed)
        };
        let calls: Vec<CallIdx> = calls.unwrap_or_default().into_iter().filter(lives).filter(uses).collect();
        let Some(first) = calls.first() else { continue };
        let not_prolonged = out.find(Subject::Allocation(i), |r| r.id == REFRESH_REFUSED.id);
        out.add(&EXPIRED_IN_CALL, Subject::Allocation(i), i, |f| {
            f.who("");
            let of_relay = |side: &IceSide| side.candidates.iter().any(|c| c.address == Some(relayed));
            let name = |s: &IceSession| {
                let [of_a, of_b] = parties(analysis, s);
                if of_relay(&s.a) { Some(of_a) } else { of_relay(&s.b).then_some(of_b) }
            };
            let name = analysis.ice_sessions_of(*first).iter().find_map(name);
            let name = name.unwrap_or_else(|| asker(context, a));
            let what = if a.released { "was released" } else { "ran out" };
            f.what(format!("the relay {} of {name} {what} while a call used it", a.server));
            if not_prolonged.is_some() {
                f.because(not_prolonged).advise("See why the server did not prolong it.");
            }
            let s = &analysis.call(*first).summary;
            let rest = show::span(s.end.unwrap_or(s.last).saturating_sub(ends));
            match a.released {
                true => f.say(format!(
                    "{} with lifetime 0 gave it up; {} went on for {rest}.",
                    refreshes_by(a),
                    context.call_name(*first)
                )),
                false => f.say(format!(
                    "Its {} s were over and no refresh was granted; {} went on for {rest}.",
                    a.lifetime.unwrap_or_default(),
                    context.call_name(*first)
                )),
            };
            if a.rounds.iter().any(|r| !r.allocate && !r.release && r.error == 437) {
                f.say("The server answered a Refresh with 437: it has no such allocation any more.");
            }
            calls.iter().for_each(|c| _ = f.concern(Subject::Call(*c)));
            let grants = |r: &&Round| {
                let at = r.response.and_then(|i| analysis.stun.record(i)).map(|r| r.time);
                r.error == 0 && !r.release && at == Some(a.granted_at)
            };
            let granted = a.rounds.iter().rev().find(grants).and_then(|r| r.response);
            if let Some(seconds) = a.lifetime {
                granted
                    .iter()
                    .for_each(|i| _ = f.show_stun(analysis, *i, format!("granted for {seconds} s")));
            }
            for round in a.rounds.iter().rev().take(3) {
                let asked = match (round.allocate, round.release) {
                    (true, _) => "Allocate",
                    (_, true) => "Refresh, lifetime 0",
                    _ => "Refresh",
                };
                round.request.iter().for_each(|i| _ = f.show_stun(analysis, *i, asked));
                let answer = if round.error == 0 { "success".to_owned() } else { round.error.to_string() };
                round.response.iter().for_each(|i| _ = f.show_stun(analysis, *i, answer.clone()));
            }
        });
    }
}
