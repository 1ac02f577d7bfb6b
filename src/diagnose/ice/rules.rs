//! What the rules find in sessions.

use super::*;
use crate::capture::Nanos;
use crate::correlate::ice::{
    CandidateKind, ChosenBy, IceCandidate, IcePair, IceSession, IceSide, IceState, PairState,
};
use crate::correlate::stun::StunIdx;
use crate::correlate::{Analysis, CallState, Transport};
use crate::diagnose::sign_in::without_relay_credentials;
use crate::diagnose::turn::PEER_REFUSED;
use crate::diagnose::{Context, Draft, FindingIdx, Findings, Severity, Subject};
use crate::show;
use crate::show::path::{end, is_private, near, parties, telling_pair};

/// So long after the last success a pair should be settled on.
const SETTLES: Nanos = 5_000_000_000;
/// A call that lasted so long without a path was felt as silent.
const FELT: Nanos = 4_000_000_000;
/// Media that a client sends early goes another way for a moment.
const EARLY: Nanos = 1_000_000_000;
/// Pairs shown as evidence.
const PAIRS: usize = 8;

fn subject(id: u32, s: &IceSession) -> Subject {
    s.call.map_or(Subject::IceSession(id), Subject::Call)
}

fn name_of(context: &Context<'_>, id: u32, s: &IceSession) -> String {
    match s.call {
        Some(call) => context.call_name(call),
        None => {
            let [a, b] = parties(context.analysis, s);
            format!("ICE session {id}, {a} ↔ {b}")
        }
    }
}

/// Which rule says why a session has no path; none for one that has, or that may yet get it.
pub(super) fn fault(analysis: &Analysis, s: &IceSession) -> Option<&'static Rule> {
    let succeeded = s.pairs.iter().filter(|p| p.state == PairState::Succeeded);
    let last_success = succeeded.filter_map(|p| p.first_success).max();
    match s.state {
        IceState::Failed if s.final_refused.is_some() && last_success.is_some() => Some(&FINAL_REFUSED),
        IceState::Failed if s.final_unknown => Some(&FINAL_UNKNOWN),
        IceState::Failed if s.role_conflicts > 0 && s.pairs.iter().any(keeps_its_role) => {
            Some(&ROLE_CONFLICT)
        }
        // Who asked for a relay in vain has told why already.
        IceState::Failed if is_one_way(s) && !lacked_one(analysis, s) => Some(&ONE_WAY),
        IceState::Failed => Some(&NO_PAIR),
        IceState::Incomplete => {
            let call = s.call.map(|c| &analysis.call(c).summary);
            let came_about =
                call.is_none_or(|c| matches!(c.state, CallState::Answered | CallState::Completed));
            if !came_about || analysis.is_live() {
                return None;
            }
            let end = call.and_then(|c| c.end).unwrap_or(analysis.newest_time());
            if last_success.is_some_and(|t| end.saturating_sub(t) >= SETTLES) {
                return Some(&NOT_NOMINATED);
            }
            let answered = call.and_then(|c| c.answered)?;
            let ended = call.and_then(|c| c.end)?;
            (ended.saturating_sub(answered) >= FELT).then_some(&UNFINISHED)
        }
        IceState::Connected | IceState::NotStarted => None,
    }
}

fn keeps_its_role(p: &IcePair) -> bool {
    p.state == PairState::Failed && p.errors.iter().any(|(code, _)| *code == 487)
}

/// Whether checks pass one way only: a side whose checks are answered goes on asking, as no answer gets back to it.
fn is_one_way(s: &IceSession) -> bool {
    let vain = |answers: fn(&IcePair) -> u32| {
        s.pairs.iter().filter(|p| p.state == PairState::Unanswered).map(answers).sum::<u32>() > 0
    };
    vain(|p| p.from_a.1) || vain(|p| p.from_b.1)
}

/// The side (whether it is the first) that alone asks, though the other could ask it too.
fn asks_alone(analysis: &Analysis, s: &IceSession) -> Option<bool> {
    let sent = |f: fn(&IcePair) -> u32| s.pairs.iter().map(f).sum::<u32>();
    let own = match (sent(|p| p.from_a.0), sent(|p| p.from_b.0)) {
        (1.., 0) => true,
        (0, 1..) => false,
        _ => return None,
    };
    is_reachable(analysis, s, own).then_some(own)
}

/// Whether a side has an address that the other one could send checks to: a relay, one that is not private, or one on
/// the other side's network.
fn is_reachable(analysis: &Analysis, s: &IceSession, is_a: bool) -> bool {
    let (own, other): (&IceSide, &IceSide) = if is_a { (&s.a, &s.b) } else { (&s.b, &s.a) };
    let others: Vec<_> = other.candidates.iter().filter_map(|c| c.address).map(|a| a.ip()).collect();
    let offered = own.candidates.iter().filter_map(|c| c.address).map(|a| a.ip());
    if offered.into_iter().any(|ip| !is_private(ip) || others.iter().any(|o| near(*o, ip))) {
        return true;
    }
    // Without SDP the relays that its machine was granted tell it.
    let seen = s.pairs.iter().map(|p| if is_a { p.a } else { p.b });
    s.call.is_none()
        && seen.into_iter().any(|address| {
            let of = |a: &crate::correlate::stun::Allocation| {
                a.relayed == Some(address) || a.relayed.is_some() && a.client.ip() == address.ip()
            };
            analysis.stun.allocations.iter().any(of)
        })
}

/// The finding about a relay that a side of a session lacked.
fn lacked_relay(context: &Context<'_>, out: &Findings, id: u32, s: &IceSession) -> Option<FindingIdx> {
    let analysis = context.analysis;
    let mut causes = Vec::new();
    for is_a in [true, false] {
        if has_relay(analysis, s, is_a) {
            causes.extend(shut_relay(analysis, out, s, is_a));
            continue;
        }
        let component = s.pairs.iter().map(|p| p.component).min().unwrap_or(1);
        for (i, _) in failed_allocations(analysis, s, is_a, component) {
            causes.extend(out.find(Subject::Allocation(i), |r| r.id.starts_with("turn-")));
        }
    }
    causes.into_iter().next().or_else(|| out.find(Subject::IceSession(id), |r| r.id == NO_RELAY.id))
}

/// The finding about the relay of a side that may talk to nobody.
fn shut_relay(analysis: &Analysis, out: &Findings, s: &IceSession, is_a: bool) -> Option<FindingIdx> {
    let side = if is_a { &s.a } else { &s.b };
    let relays = side.candidates.iter().filter(|c| c.kind == Some(CandidateKind::Relay));
    let granted = relays.filter_map(|c| c.address).flat_map(|at| analysis.stun.relayed_at(at));
    let shut = granted.filter(|(_, a)| !a.peers.iter().any(|p| p.permitted));
    shut.into_iter().find_map(|(i, _)| out.find(Subject::Allocation(i), |r| r.id == PEER_REFUSED.id))
}

/// Whether a side without a relay asked for one.
fn lacked_one(analysis: &Analysis, s: &IceSession) -> bool {
    let component = s.pairs.iter().map(|p| p.component).min().unwrap_or(1);
    [true, false].into_iter().any(|is_a| {
        !has_relay(analysis, s, is_a) && !failed_allocations(analysis, s, is_a, component).is_empty()
    })
}

fn has_relay(analysis: &Analysis, s: &IceSession, is_a: bool) -> bool {
    let side = if is_a { &s.a } else { &s.b };
    side.candidates.iter().any(|c| c.kind == Some(CandidateKind::Relay))
        || s.pairs.iter().any(|p| end(analysis, s, p, is_a).kind == Some(CandidateKind::Relay))
}

/// RTP between candidates that no pair chosen has.
fn media_all_the_same(analysis: &Analysis, s: &IceSession) -> bool {
    s.pairs.iter().filter(|p| p.selected.is_none()).any(|p| {
        let rtp = |x, y| analysis.media_between(x, y, p.transport).map_or(0, |m| m.rtp);
        rtp(p.a, p.b) > 0 && rtp(p.b, p.a) > 0
    })
}

/// Adds what a rule about sessions without a path finds.
fn tell(
    context: &Context<'_>,
    out: &mut Findings,
    rule: &'static Rule,
    what: impl Fn(&IceSession, &[String; 2]) -> [String; 2],
) {
    let analysis = context.analysis;
    for (id, s) in &context.sessions().suspects {
        if fault(analysis, s).is_none_or(|of| of.id != rule.id) {
            continue;
        }
        let cause = lacked_relay(context, out, *id, s);
        if let Some(cause) = cause {
            out.concern(cause, subject(*id, s));
            out.concern(cause, Subject::IceSession(*id));
        }
        let [of_one, of_many] = what(s, &parties(analysis, s));
        out.add(rule, subject(*id, s), (cause, of_many.clone()), |f| {
            let is_plain = rule.id == NO_PAIR.id && cause.is_some();
            f.brief(if is_plain { "ICE found no path" } else { of_many.as_str() });
            f.who(name_of(context, *id, s)).what(of_one).of_many(of_many).because(cause);
            f.say_all(why(analysis, s)).concern(Subject::IceSession(*id));
            if media_all_the_same(analysis, s) {
                f.severity(Severity::Warning);
            }
            if s.call.is_none() {
                f.partial("no SDP is in the capture, so what was offered is not known");
            } else if s.call.is_some_and(|c| analysis.call(c).summary.starts_mid_call) {
                f.partial("the capture starts after the call");
            }
            evidence(analysis, s, f);
        });
    }
}

/// Offer, answer, and the first check of each pair with what became of it.
fn evidence(analysis: &Analysis, s: &IceSession, f: &mut Draft) {
    for (side, what) in [(&s.a, "offer"), (&s.b, "answer")] {
        if let Some(m) = side.message {
            let n = side.candidates.len() as u64;
            let text = format!("{what}, {}", show::count(n, "candidate", "candidates"));
            f.show_message_as(analysis, m, text);
        }
    }
    for p in s.pairs.iter().filter(|p| !p.messages.is_empty()).take(PAIRS) {
        let Some(first) = p.messages.iter().min().copied() else { continue };
        f.show_stun(analysis, first, pair_words(p));
        let error = p.messages.iter().copied().find(|m| is_error(analysis, *m));
        if let Some(error) = error {
            let code = analysis.stun.record(error).map_or(0, |r| r.error);
            f.show_stun(analysis, error, format!("error {code}"));
        }
        if let Some(u) = p.unreachable {
            f.show_at(u.frame, u.time, show::breakage_by(u.kind, u.by));
        }
    }
}

fn is_error(analysis: &Analysis, m: StunIdx) -> bool {
    analysis.stun.record(m).is_some_and(|r| r.error != 0)
}

fn pair_words(p: &IcePair) -> String {
    let tcp = if p.transport == Transport::Udp { "" } else { " over TCP" };
    let fate = match p.state {
        PairState::Succeeded => "answered",
        PairState::Unanswered => "not answered",
        PairState::Failed if p.errors.is_empty() => "unreachable",
        PairState::Failed => "refused",
        PairState::NotChecked => "not checked",
    };
    let sent = show::count(u64::from(p.requests), "check", "checks");
    format!("{} ↔ {}{tcp}: {sent}, {fate}", p.a, p.b)
}

pub fn no_relay(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for (id, s) in &context.sessions().suspects {
        if s.state != IceState::Failed || s.call.is_none() {
            continue;
        }
        let names = parties(analysis, s);
        let lacking = |is_a: bool| {
            let side = if is_a { &s.a } else { &s.b };
            let private = side.candidates.iter().all(|c| c.address.is_some_and(|a| is_private(a.ip())));
            let asked = !failed_allocations(analysis, s, is_a, 1).is_empty();
            !side.candidates.is_empty() && private && !has_relay(analysis, s, is_a) && !asked
        };
        // Two on one network need none.
        let ips = |side: &IceSide| {
            side.candidates.iter().filter_map(|c| c.address).map(|a| a.ip()).collect::<Vec<_>>()
        };
        let (own, others) = (ips(&s.a), ips(&s.b));
        if fault(analysis, s).is_none_or(|f| f.id != NO_PAIR.id)
            || own.iter().any(|a| others.iter().any(|b| near(*a, *b)))
        {
            continue;
        }
        let sides: Vec<(&String, &IceSide)> = [(true, &names[0], &s.a), (false, &names[1], &s.b)]
            .into_iter()
            .filter(|(is_a, ..)| lacking(*is_a))
            .map(|(_, name, side)| (name, side))
            .collect();
        if sides.is_empty() {
            continue;
        }
        let who: Vec<&str> = sides.iter().map(|(name, _)| name.as_str()).collect();
        let likeness = who.join(" ");
        let machines = sides.iter().flat_map(|(_, side)| &side.candidates).filter_map(|c| c.address);
        let cause = machines.map(|a| a.ip()).find_map(|ip| without_relay_credentials(context, out, ip));
        let closed = out.find(Subject::IceSession(*id), |r| r.id.starts_with("connection-"));
        out.add(&NO_RELAY, Subject::IceSession(*id), likeness, |f| {
            f.because(cause).because(closed);
            let asked = match closed {
                Some(_) => "got no TCP connection to a TURN server",
                None => "asked no TURN server in this capture",
            };
            let both = who.join(" and ");
            f.who(name_of(context, *id, s));
            f.what(format!("{both} offered no relay candidate"));
            for (name, side) in &sides {
                let address = side.candidates.iter().find_map(|c| c.address).map(|a| a.ip().to_string());
                f.say(format!(
                    "{name} offered only addresses of its own network ({}) and {asked}.",
                    address.unwrap_or_default()
                ));
                if let Some(m) = side.message {
                    f.show_message_as(analysis, m, format!("SDP of {name}: no relay candidate"));
                }
            }
            f.partial("whether the client asked for a relay elsewhere is not in the capture");
            s.call.iter().for_each(|c| _ = f.concern(Subject::Call(*c)));
        });
    }
}

pub fn final_refused(context: &Context<'_>, out: &mut Findings) {
    tell(context, out, &FINAL_REFUSED, |_, [a, b]| {
        [
            format!("the final offer between {a} and {b} was refused, no path was settled on"),
            "the final offer was refused, no path was settled on".to_owned(),
        ]
    });
}

pub fn role_conflict(context: &Context<'_>, out: &mut Findings) {
    tell(context, out, &ROLE_CONFLICT, |_, [a, b]| {
        [
            format!("{a} and {b} both keep the same ICE role, and found no path"),
            "both sides keep the same ICE role, and found no path".to_owned(),
        ]
    });
}

pub fn not_nominated(context: &Context<'_>, out: &mut Findings) {
    tell(context, out, &NOT_NOMINATED, |_, [a, b]| {
        [
            format!("checks between {a} and {b} were answered, but no pair was settled on"),
            "checks were answered, but no pair was settled on".to_owned(),
        ]
    });
}

pub fn one_way(context: &Context<'_>, out: &mut Findings) {
    tell(context, out, &ONE_WAY, |_, [a, b]| {
        let what = "pass in one direction only: ICE found no path for the media";
        [format!("checks between {a} and {b} {what}"), format!("checks {what}")]
    });
}

pub fn no_pair(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    tell(context, out, &NO_PAIR, |s, [a, b]| {
        let (own, other) = match asks_alone(analysis, s).filter(|_| !lacked_one(analysis, s)) {
            Some(true) => (a, b),
            Some(false) => (b, a),
            None => {
                return [
                    format!("ICE found no path for the media between {a} and {b}"),
                    "ICE found no path for the media".to_owned(),
                ];
            }
        };
        [
            format!("{own} asks in vain and no check of {other} arrives: ICE found no path for the media"),
            "one side asks in vain and no check of the other arrives: ICE found no path for the media"
                .to_owned(),
        ]
    });
}

pub fn unfinished(context: &Context<'_>, out: &mut Findings) {
    tell(context, out, &UNFINISHED, |_, _| {
        let what = "the call ended before ICE had settled on a path; no media was seen";
        [what.to_owned(), what.to_owned()]
    });
}

/// `IPv4 over UDP, IPv6 over TCP`: of what kinds a side's candidates are.
fn kinds(side: &IceSide) -> String {
    let kind = |c: &IceCandidate| {
        let family = if c.address?.is_ipv4() { "IPv4" } else { "IPv6" };
        let over = if c.is_tcp() { show::safe_str(&c.transport).to_uppercase() } else { "UDP".to_owned() };
        Some(format!("{family} over {over}"))
    };
    let all: std::collections::BTreeSet<String> = side.candidates.iter().filter_map(kind).collect();
    all.into_iter().take(6).collect::<Vec<_>>().join(", ")
}

pub fn no_common(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for (id, s) in context.sessions().suspects.iter().filter(|(_, s)| has_nothing_in_common(analysis, s)) {
        let (of_a, of_b) = (kinds(&s.a), kinds(&s.b));
        out.add(&NO_COMMON, subject(*id, s), (&of_a, &of_b), |f| {
            let [a, b] = parties(analysis, s);
            f.who(name_of(context, *id, s)).concern(Subject::IceSession(*id));
            f.what(format!("no candidate of {a} ({of_a}) makes a pair with one of {b} ({of_b})"));
            f.of_many(format!(
                "no candidate of one side ({of_a}) makes a pair with one of the other ({of_b})"
            ));
            f.brief("no two candidates make a pair");
            let media = context.gathered().media();
            if s.call.is_some_and(|c| !media.places_of(c).is_empty()) {
                f.severity(Severity::Info).say("Media of the call is in the capture all the same.");
            } else {
                f.partial("media of the call may pass elsewhere, by addresses that no candidate names");
            }
            evidence(analysis, s, f);
        });
    }
}

pub fn final_unknown(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for (id, s) in context.sessions().suspects.iter().filter(|(_, s)| s.final_unknown) {
        let lost = s.state == IceState::Failed;
        out.add(&FINAL_UNKNOWN, subject(*id, s), lost, |f| {
            f.who(name_of(context, *id, s)).concern(Subject::IceSession(*id));
            f.what(match lost {
                true => "the final offer names a candidate that was never offered, and there is no path",
                false => "the final offer names a candidate that was never offered",
            });
            for (component, a, b) in &s.final_pairs {
                f.say(format!("Component {component}: the final offer names {a} ↔ {b}."));
            }
            if lost {
                f.say_all(why(analysis, s));
            } else {
                f.severity(Severity::Info);
            }
            s.final_offer.iter().for_each(|m| _ = f.show_message_as(analysis, *m, "final offer"));
            evidence(analysis, s, f);
        });
    }
}

/// The pair that was settled on, where something other than its media says so.
fn settled(s: &IceSession) -> Option<&IcePair> {
    telling_pair(s).filter(|p| s.state == IceState::Connected && p.selected != Some(ChosenBy::Media))
}

pub fn media_elsewhere(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for (id, s) in &context.sessions().suspects {
        let Some(chosen) = settled(s) else { continue };
        let other = s.pairs.iter().filter(|p| p.selected.is_none() && p.component == chosen.component);
        let lasting = other.filter(|p| {
            let ways = [(p.a, p.b), (p.b, p.a)];
            ways.into_iter()
                .filter_map(|(x, y)| analysis.media_between(x, y, p.transport))
                .any(|m| m.rtp > 0 && m.last.saturating_sub(m.first) > EARLY)
        });
        let Some(p) = lasting.max_by_key(|p| p.media_packets) else { continue };
        out.add(&MEDIA_ELSEWHERE, subject(*id, s), "", |f| {
            f.who(name_of(context, *id, s)).concern(Subject::IceSession(*id));
            f.what("media takes another way than the chosen pair");
            let [a, b] = parties(analysis, s);
            f.say(format!("Chosen: {} ↔ {}.", chosen.a, chosen.b));
            f.say_all(show::path::other_media(analysis, s, chosen, [&a, &b]));
            chosen
                .messages
                .iter()
                .min()
                .iter()
                .for_each(|m| _ = f.show_stun(analysis, **m, pair_words(chosen)));
            for (x, y) in [(p.a, p.b), (p.b, p.a)] {
                if let Some(m) = analysis.media_between(x, y, p.transport).filter(|m| m.rtp > 0) {
                    f.show_at(
                        m.first_frame,
                        m.first,
                        format!("RTP {x} → {y}, {} packets", show::number(m.rtp)),
                    );
                }
            }
        });
    }
}

pub fn relay_though_direct(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for (id, s) in &context.sessions().suspects {
        let Some(chosen) = settled(s) else { continue };
        let through = |p: &IcePair| {
            [true, false].into_iter().any(|is_a| end(analysis, s, p, is_a).kind == Some(CandidateKind::Relay))
        };
        let before = |p: &&IcePair| match (p.first_success, chosen.first_success) {
            (Some(direct), Some(relayed)) => direct <= relayed,
            _ => false,
        };
        let direct = s.pairs.iter().filter(|p| p.component == chosen.component && p.selected.is_none());
        let direct = direct.filter(|p| p.state == PairState::Succeeded && !through(p)).find(before);
        let Some(direct) = direct.filter(|_| through(chosen)) else { continue };
        out.add(&RELAY_THOUGH_DIRECT, subject(*id, s), "", |f| {
            f.who(name_of(context, *id, s)).concern(Subject::IceSession(*id));
            f.what("media goes through a relay although a direct pair worked");
            f.say(format!(
                "Chosen: {} ↔ {}; {} ↔ {} was answered before it.",
                chosen.a, chosen.b, direct.a, direct.b
            ));
            for p in [direct, chosen] {
                p.messages.iter().min().iter().for_each(|m| _ = f.show_stun(analysis, **m, pair_words(p)));
            }
        });
    }
}

pub fn downgrade(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for (id, s) in &context.sessions().suspects {
        if !is_downgrade(s) {
            continue;
        }
        out.add(&DOWNGRADE, subject(*id, s), "", |f| {
            f.who(name_of(context, *id, s)).concern(Subject::IceSession(*id));
            f.what("the answer took draft-06 candidates although draft-19 was offered too");
            evidence(analysis, s, f);
        });
    }
}
