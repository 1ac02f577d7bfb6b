//! Calls of which no media came, that of one side only, or none that anybody could decrypt.

use std::collections::HashMap;
use std::net::SocketAddr;

use callscope_parsers::tls::alert_name;
use callscope_parsers::zrtp::error_title;

use super::told::noun;
use super::way::{Way, call_way, half_missing, is_unfinished, telling};
use super::{KEYS_FAILED, NONE, ONE_WAY, UNREACHABLE};
use crate::capture::Nanos;
use crate::correlate::media::{KeyExchange, KeyProtocol, KeyState, MediaIndex, MediaStream, Sender};
use crate::correlate::{Analysis, CallIdx, CallKind};
use crate::diagnose::calls::{answer_of, opening_invite};
use crate::diagnose::{Context, Draft, FindingIdx, Findings, Rule, Severity, Subject};
use crate::show;
use crate::show::path::{is_private, near};

/// A call that talked for less need not have heard anything.
const TALK: Nanos = 2_000_000_000;

pub fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    match rule.id {
        id if id == KEYS_FAILED.id => keys_failed(context, out),
        id if id == NONE.id => none(context, out),
        _ => one_way(context, out),
    }
}

/// What kept media of a call from coming: why it has no path, else that it could not get where it was sent.
fn cause(out: &Findings, call: CallIdx) -> Option<FindingIdx> {
    let subject = Subject::Call(call);
    let grave = |at: &FindingIdx| out.severity_of(*at) > Some(Severity::Info);
    let of = |fits: &dyn Fn(&str) -> bool| out.find(subject, |r| fits(r.id)).filter(grave);
    // That a side offered no relay is the cause of that cause.
    of(&|id| id.starts_with("ice-") && id != "ice-no-relay")
        .or_else(|| of(&|id| id.starts_with("turn-")))
        .or_else(|| of(&|id| id == KEYS_FAILED.id))
        .or_else(|| of(&|id| id == "call-ack-lost"))
}

fn keys_failed(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    let keys = &analysis.media.keys;
    let failed = keys.list.iter().filter(|k| k.state == KeyState::Failed);
    let failed: Vec<&KeyExchange> = failed.take(analysis.limits.finding_reads).collect();
    let named = Named::of(analysis, &failed);
    for k in failed {
        let flow = analysis.flow(k.flow);
        let back = analysis.find_flow(flow.dst, flow.src, flow.transport);
        // One after it made them.
        if keys.on(k.flow, back).any(|other| other.state == KeyState::Done && other.first >= k.first) {
            continue;
        }
        let name = match k.protocol {
            KeyProtocol::Dtls => "DTLS",
            KeyProtocol::Zrtp => "ZRTP",
        };
        let code = k.failure.map(|e| e.code).filter(|code| *code != u32::MAX);
        let why = match (k.protocol, code) {
            (KeyProtocol::Dtls, Some(code)) => {
                let said = u8::try_from(code).ok().and_then(alert_name);
                format!("{name} alert {}", said.map_or_else(|| code.to_string(), str::to_owned))
            }
            (KeyProtocol::Zrtp, Some(code)) => {
                format!(
                    "{name} error {}",
                    error_title(code).map_or_else(|| format!("0x{code:x}"), str::to_owned)
                )
            }
            _ => format!("{name} ended before it was done"),
        };
        let call = named.call_of(k);
        let subject = call.map_or(Subject::Capture(k.first_frame.capture.0), Subject::Call);
        out.add(&KEYS_FAILED, subject, &why, |f| {
            match call {
                Some(call) => f.who(context.call_name(call)),
                None => f.who(format!("{} → {}", flow.src, flow.dst)),
            };
            let what = format!("no keys for the media: {why}");
            f.what(what.clone()).of_many(what);
            f.show_at(
                k.first_frame,
                k.first,
                format!("first message of {name}, {} → {}", flow.src, flow.dst),
            );
            if let Some(e) = k.failure {
                let from = if e.from_client { flow.src } else { flow.dst };
                f.say(format!("{from} ended the exchange of keys.")).show_at(e.frame, e.time, why.clone());
            }
        });
    }
}

/// The calls whose descriptions name an end, of those during which keys were asked for.
struct Named<'a> {
    analysis: &'a Analysis,
    calls: HashMap<SocketAddr, Vec<CallIdx>>,
}

impl<'a> Named<'a> {
    /// Of the first calls during which some exchange `failed`; each is read once.
    fn of(analysis: &'a Analysis, failed: &[&KeyExchange]) -> Self {
        let mut times: Vec<Nanos> = failed.iter().map(|k| k.first).collect();
        times.sort_unstable();
        let asked = |c: &CallIdx| {
            let s = &analysis.call(*c).summary;
            let next = times.get(times.partition_point(|t| *t < s.start));
            next.is_some_and(|t| s.end.is_none_or(|end| *t <= end))
        };
        let all = (0..analysis.calls.len() as u32).map(CallIdx).filter(asked);
        let mut calls: HashMap<SocketAddr, Vec<CallIdx>> = HashMap::new();
        for c in all.take(analysis.limits.finding_reads) {
            for end in analysis.media_of_call(c).iter().flat_map(|s| &s.ends).flatten() {
                let of = calls.entry(*end).or_default();
                if of.last() != Some(&c) {
                    of.push(c);
                }
            }
        }
        Self { analysis, calls }
    }

    /// The first that names an end of an exchange.
    fn call_of(&self, k: &KeyExchange) -> Option<CallIdx> {
        let flow = self.analysis.flow(k.flow);
        let during = |c: &&CallIdx| {
            let s = &self.analysis.call(**c).summary;
            s.earliest() <= k.first && s.end.is_none_or(|end| k.first <= end)
        };
        let of = |end| self.calls.get(&end).and_then(|calls| calls.iter().find(during)).copied();
        of(flow.src).into_iter().chain(of(flow.dst)).min()
    }
}

fn talked(analysis: &Analysis, call: CallIdx) -> bool {
    let s = &analysis.call(call).summary;
    let until = s.end.unwrap_or_else(|| analysis.newest_time());
    s.answered.is_some_and(|t| until.saturating_sub(t) >= TALK)
}

fn none(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    let index = context.gathered().media();
    let lost = &context.sessions().tally.lost;
    let all = (0..analysis.calls.len() as u32).map(CallIdx);
    let without = all.filter(|c| index.places_of(*c).is_empty() && talked(analysis, *c));
    for call in without.take(analysis.limits.finding_reads) {
        let shared = index.shared_with(call).next().is_some();
        let no_path = lost.contains(&call) && !shared;
        let no_keys = !shared && out.find(Subject::Call(call), |r| r.id == KEYS_FAILED.id).is_some();
        let missed = || call_way(analysis, index, call) == Way::None && !is_unfinished(analysis, call);
        if !no_path && !no_keys && (index.streams.is_empty() || !missed()) {
            continue;
        }
        let cause = cause(out, call);
        out.add(&NONE, Subject::Call(call), (cause, no_path), |f| {
            f.who(context.call_name(call)).because(cause);
            let noun = if analysis.call(call).summary.kind == CallKind::Video { "media" } else { "audio" };
            f.what(format!("no {noun} came either way")).of_many("no media came either way");
            if no_path {
                f.say("ICE found no path, and no packet of media is in the capture.");
            } else if no_keys {
                f.say("Nobody has keys for it, and no packet of media is in the capture.");
            } else {
                f.severity(Severity::Warning);
                f.say("No packet of its media is in the capture, though it would have passed here: its connectivity checks did, or media of others between the same machines does.");
                f.partial("one capture point: media may have taken another way");
            }
            for m in opening_invite(analysis, call).into_iter().chain(answer_of(analysis, call).map(|a| a.0)) {
                f.show_message(analysis, m);
            }
        });
    }
}

/// How it is known that media of the silent side should be in the capture.
enum Sure {
    /// Its own reports pass here, and say that it sends; or that it does not.
    Reports { sends: bool },
    /// Other media between the same machines passes here.
    Others,
    /// Whom it is for told an address that it cannot reach.
    Private,
    /// Something is told already that explains it.
    Cause,
}

fn one_way(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    let index = context.gathered().media();
    let all = (0..analysis.calls.len() as u32).map(CallIdx);
    let carried = all.filter(|c| !index.places_of(*c).is_empty() && talked(analysis, *c));
    let one = |c: &CallIdx| {
        let streams = telling(analysis, index, *c);
        let from = |caller: bool| streams.iter().any(|s| s.from_caller == Some(caller));
        from(true) != from(false) && !streams.iter().all(|s| s.held)
    };
    for call in carried.filter(one).take(analysis.limits.finding_reads) {
        // What could not get there is told, and the way back is as that one.
        if !half_missing(analysis, call)
            || out.find(Subject::Call(call), |r| r.id == UNREACHABLE.id).is_some()
        {
            continue;
        }
        let streams = telling(analysis, index, call);
        let packets = |s: &&&MediaStream| analysis.figures_of(s).map_or(0, |f| f.packets);
        let Some(heard) = streams.iter().max_by_key(packets).copied() else { continue };
        let Some(from_caller) = heard.from_caller else { continue };
        // What comes back on the same ports is of the call, whoever it is said to be of.
        if streams.iter().any(|s| index.comes_back(analysis, s)) {
            continue;
        }
        let cause = cause(out, call);
        let (sure, sender) = sure(analysis, index, heard, cause);
        let how = sure.as_ref().map(|s| matches!(s, Sure::Reports { sends: false }));
        out.add(&ONE_WAY, Subject::Call(call), (from_caller, how, cause), |f| {
            f.who(context.call_name(call)).because(cause);
            let [caller, callee] = show::call_party_names(analysis, call);
            let silent = if from_caller { callee } else { caller };
            let noun = noun(heard);
            f.what(match how {
                Some(true) => format!("no {noun} from {silent}, who sends none"),
                Some(false) => format!("no {noun} from {silent}"),
                None => format!("no {noun} from {silent} was captured"),
            });
            let side = if from_caller { "the callee" } else { "the caller" };
            f.of_many(match how {
                Some(true) => format!("no {noun} from {side}, who sends none"),
                Some(false) => format!("no {noun} from {side}"),
                None => format!("no {noun} from {side} was captured"),
            });
            describe(analysis, heard, (sure, sender), &silent, f);
        });
    }
}

/// Why media of who receives `heard` should be here.
fn sure<'a>(
    analysis: &'a Analysis,
    index: &MediaIndex,
    heard: &MediaStream,
    cause: Option<FindingIdx>,
) -> (Option<Sure>, Option<&'a Sender>) {
    let flow = analysis.flow(heard.flow);
    let (there, back) = (flow.dst, flow.src);
    // RTCP of the silent side: on the same ports or beside them.
    let near_port = |a: u16, b: u16| a.abs_diff(b) <= 1;
    let sender = analysis.media.reports.senders.iter().find(|s| {
        let f = analysis.flow(s.flow);
        f.src.ip() == there.ip()
            && f.dst.ip() == back.ip()
            && near_port(f.src.port(), there.port())
            && near_port(f.dst.port(), back.port())
            && s.encrypted == 0
            && s.compounds >= 1
            && s.last >= heard.first
            && s.first <= heard.last
    });
    let sure = match sender {
        Some(s) if s.packets > 0 => Some(Sure::Reports { sends: true }),
        Some(_) => Some(Sure::Reports { sends: false }),
        None if cause.is_some() => Some(Sure::Cause),
        None if heard.relay.is_none()
            && index.passes(there.ip(), back.ip())
            && analysis.ice_pair_of(heard).is_none() =>
        {
            Some(Sure::Others)
        }
        // Who is behind a NAT and names its own address there is not heard, and hears nobody.
        None if heard.relay.is_none()
            && heard.heard.is_none()
            && is_private(there.ip())
            && is_private(back.ip())
            && !near(there.ip(), back.ip())
            && analysis.ice_pair_of(heard).is_none() =>
        {
            Some(Sure::Private)
        }
        None => None,
    };
    (sure, sender)
}

fn describe(
    analysis: &Analysis,
    heard: &MediaStream,
    (sure, sender): (Option<Sure>, Option<&Sender>),
    silent: &str,
    f: &mut Draft,
) {
    let flow = analysis.flow(heard.flow);
    let Some(figures) = analysis.figures_of(heard) else { return };
    f.say(format!(
        "{} went from {} to {}; both descriptions ask for media both ways.",
        show::count(figures.packets, "packet", "packets"),
        flow.src,
        flow.dst
    ));
    match sure {
        Some(Sure::Reports { sends: true }) => {
            let n = sender.map_or(0, |s| s.packets);
            f.say(format!(
                "The reports (RTCP) of {silent} pass here and claim {}: it is lost before this point.",
                show::count(u64::from(n), "packet sent", "packets sent")
            ));
        }
        Some(Sure::Reports { sends: false }) => {
            f.say(format!(
                "The reports (RTCP) of {silent} pass here and are those of one who sends nothing."
            ));
        }
        Some(Sure::Others) => {
            f.say("Other media between the same two machines passes here both ways.");
            f.partial("one capture point: this media may have taken another way");
        }
        Some(Sure::Private) => {
            f.say(format!("{} and {} are private addresses of two networks.", flow.src.ip(), flow.dst.ip()));
            f.partial("networks of one company may reach one another");
        }
        Some(Sure::Cause) => {}
        None => {
            f.severity(Severity::Info);
            f.partial("media of the other side may have taken another way than past the capture point");
        }
    }
    if let Some(section) = &heard.section {
        f.show_message_as(analysis, section.message, format!("SDP of {silent}"));
    }
    f.show_packet(&figures, figures.first_frame, format!("first packet, {} → {}", flow.src, flow.dst));
    f.show_packet(&figures, figures.last_frame, "last packet");
}
