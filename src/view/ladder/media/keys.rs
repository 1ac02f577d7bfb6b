//! Exchanges of keys between the ends of a call's media: DTLS and ZRTP, begun and done or failed.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use callscope_parsers::{dtls, tls, zrtp};

use super::super::{LadderRow, Tone};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::media::{KeyExchange, KeyProtocol, KeyState, MediaStream};
use crate::correlate::{Analysis, CallIdx};
use crate::view::show;

/// Exchanges of one ladder that are drawn.
const MOST: usize = 200;

/// An exchange of a call.
pub(super) struct OfCall<'a> {
    pub exchange: &'a KeyExchange,
    pub call: CallIdx,
    pub leg: usize,
    /// Who asked first is the caller.
    pub from_caller: Option<bool>,
}

/// The exchanges of some calls: on the flows of their streams, else to or from where their SDP wants media.
pub(super) fn of_calls<'a>(
    analysis: &'a Analysis,
    streams: &[MediaStream],
    legs: &HashMap<CallIdx, usize>,
) -> Vec<OfCall<'a>> {
    let all = &analysis.media.keys.list;
    if all.is_empty() {
        return Vec::new();
    }
    let mut on_flows = HashMap::new();
    for s in streams {
        let f = analysis.flow(s.flow);
        // Of the way back it is the other who sends.
        on_flows.entry((f.src, f.dst)).or_insert((s.call, s.from_caller));
        on_flows.entry((f.dst, f.src)).or_insert((s.call, s.from_caller.map(|c| !c)));
    }
    let wanted: Vec<(CallIdx, usize, [BTreeSet<SocketAddr>; 2])> = legs
        .iter()
        .map(|(call, leg)| {
            let mut ends = <[BTreeSet<SocketAddr>; 2]>::default();
            for section in analysis.media_of_call(*call) {
                for (all, of_section) in ends.iter_mut().zip(section.ends) {
                    all.extend(of_section);
                }
            }
            (*call, *leg, ends)
        })
        .collect();
    let mut out = Vec::new();
    for exchange in all {
        let f = analysis.flow(exchange.flow);
        if let Some((call, from_caller)) = on_flows.get(&(f.src, f.dst)) {
            if let Some((call, leg)) = call.and_then(|call| Some((call, *legs.get(&call)?))) {
                out.push(OfCall { exchange, call, leg, from_caller: *from_caller });
            }
            continue;
        }
        // One end may be behind a translation or a relay, and addresses are used again by later calls.
        let fits = wanted.iter().find_map(|(call, leg, [caller, callee])| {
            let s = &analysis.call(*call).summary;
            let from_caller = caller.contains(&f.src) || callee.contains(&f.dst);
            let from_callee = callee.contains(&f.src) || caller.contains(&f.dst);
            let fits = (s.earliest()..=s.last).contains(&exchange.first) && from_caller != from_callee;
            fits.then_some((*call, *leg, from_caller))
        });
        if let Some((call, leg, from_caller)) = fits {
            out.push(OfCall { exchange, call, leg, from_caller: Some(from_caller) });
        }
    }
    out.sort_by_key(|e| e.exchange.first);
    out.truncate(MOST);
    out
}

/// The beginning of an exchange, and what it came to.
pub(super) fn rows(e: &OfCall<'_>, (from, to): (usize, usize), out: &mut Vec<LadderRow>) {
    let k = e.exchange;
    let mut row =
        |time: Nanos, frame: FrameRef, (from, to): (usize, usize), label: String, tone: Tone, again: u32| {
            out.push(LadderRow::Arrow {
                time,
                frame,
                from,
                to,
                label,
                tone,
                message: None,
                retransmissions: again,
                leg: e.leg,
            });
        };
    let protocol = match k.protocol {
        KeyProtocol::Dtls => "DTLS",
        KeyProtocol::Zrtp => "ZRTP",
    };
    let answer = match k.state {
        KeyState::Unanswered => ", no answer",
        _ => "",
    };
    row(
        k.first,
        k.first_frame,
        (from, to),
        format!("{protocol} hello{answer}"),
        Tone::Media,
        k.asked.saturating_sub(1),
    );
    if let Some(failure) = &k.failure {
        let words = match k.protocol {
            KeyProtocol::Dtls => u8::try_from(failure.code).ok().and_then(tls::alert_name),
            KeyProtocol::Zrtp => zrtp::error_title(failure.code),
        };
        let words = words.map_or_else(|| failure.code.to_string(), |w| format!("{w} ({})", failure.code));
        let ends = if failure.from_client { (from, to) } else { (to, from) };
        row(failure.time, failure.frame, ends, format!("{protocol} failed: {words}"), Tone::Failure, 0);
    }
    if let Some((time, frame)) = k.done {
        let took = show::duration(time.saturating_sub(k.first));
        let profile = match k.srtp_profile {
            Some(p) => {
                dtls::srtp_profile_name(p).map_or_else(|| format!(", SRTP profile {p}"), |n| format!(", {n}"))
            }
            None if k.protocol == KeyProtocol::Dtls && k.without_srtp => ", without SRTP".to_owned(),
            None => String::new(),
        };
        row(time, frame, (to, from), format!("{protocol} keys agreed{profile}, {took}"), Tone::Media, 0);
    }
}
