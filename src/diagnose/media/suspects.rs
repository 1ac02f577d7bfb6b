//! Which streams have something to tell, by one walk over them all.

use std::collections::HashSet;

use callscope_parsers::rtp::static_payload;

use super::quality::{Quality, gave_way, lost_on_the_way};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::media::{DscpChange, LossSplit, MediaIndex, MediaStream, Protection, Secured, Stream};
use crate::correlate::{CallIdx, Unreachable};
use crate::diagnose::Context;
use crate::diagnose::media::marks::{Expected, expected_of};
use crate::show::media::kind;

const SECOND: Nanos = 1_000_000_000;
/// ICMP errors of so long are no matter of a call that begins or ends.
const LASTING: Nanos = 2 * SECOND;
/// Packets in a row, and their time, whose loss is heard as a hole.
const BURST: u32 = 10;
const BURST_TIME: f64 = 200.0;
/// Packets that hung for so long are thrown away when they come.
const HUNG: Nanos = 400_000_000;
/// A sender that stood still for so long.
const PAUSED: Nanos = 5 * SECOND;
/// So many packets of a codec are no matter of the moment at which it changes.
const LASTING_PACKETS: u32 = 50;
/// In percent of what was sent, and packets: loss that the receiver alone reports.
const REPORTED: f64 = 1.0;
const FEW_LOST: u64 = 3;
/// Packet times are the same up to this, ms.
const SAME_TIME: f64 = 1.0;
/// So many packets with a mark are not by chance.
const MARKED: u32 = 10;
/// Streams of a call among which video is looked for.
const LOOK: usize = 64;

/// A stream, by its place, and what there is to say of it.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub at: usize,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Unreachable(Unreachable),
    Unheard,
    /// Packets that are missing here.
    Loss {
        lost: u64,
        heavy: bool,
    },
    LossBehind(LossSplit),
    Burst {
        packets: u32,
        ms: f64,
    },
    Hung(Nanos, FrameRef),
    Paused(Nanos, FrameRef),
    Jitter {
        mean: f64,
        max: f64,
    },
    Quality(f64),
    /// `known`: its number stands for it without any description.
    Codec {
        known: bool,
        /// The number that the receiver's SDP has for the same codec.
        listed: Option<u8>,
    },
    Plain {
        agreed: bool,
    },
    Unsignalled,
    AfterEnd(Nanos),
    /// Keys that were pressed, and by who heeds the receiver's description otherwise; else the sender only announces them.
    Keys {
        pressed: bool,
        heeds: bool,
    },
    /// Keys that were pressed by a payload type that the receiver has not, though it takes keys.
    KeysBy(u8),
    Ptime {
        asked: u32,
        too_long: bool,
    },
    Remarked(DscpChange),
    Mark(Expected, u8),
    /// The mark of the other direction, or of the video beside the audio.
    Unmarked {
        other: u8,
        video: bool,
    },
}

pub fn troubles(context: &Context<'_>) -> Vec<Trouble> {
    let analysis = context.analysis;
    let index = context.gathered().media();
    let mut out = Vec::new();
    for (at, s) in index.streams.iter().enumerate() {
        let Some(figures) = analysis.figures_of(s) else { continue };
        let mut add = |what| out.push(Trouble { at, what });
        flow(context, index, (at, s), &figures, &mut add);
        // What is heard of a fax its modems see to: its redundancy gives again what is lost.
        if s.is_fax() {
            continue;
        }
        course(context, s, &figures, &mut add);
        described(context, index, (at, s), &figures, &mut add);
    }
    // Keys may be a source of their own beside the voice.
    let way = |t: &Trouble| index.streams.get(t.at).map(|s| (s.call, s.from_caller));
    let is_pressed = |t: &&Trouble| matches!(t.what, What::Keys { pressed: true, .. });
    let pressed: HashSet<_> = out.iter().filter(is_pressed).map(way).collect();
    let by_sdp = |t: &Trouble| matches!(t.what, What::Keys { pressed: false, .. });
    out.retain(|t| !by_sdp(t) || !pressed.contains(&way(t)));
    out
}

/// How it went: loss, jitter, holes.
fn course(context: &Context<'_>, s: &MediaStream, figures: &Stream, add: &mut impl FnMut(What)) {
    let analysis = context.analysis;
    let quality = Quality::of(analysis, s, figures);
    if quality == Quality::Few {
        return;
    }
    match quality {
        Quality::HeavyLoss | Quality::Loss => {
            let heavy = quality == Quality::HeavyLoss;
            add(What::Loss { lost: lost_on_the_way(analysis, s, figures), heavy });
        }
        Quality::Jitter => {
            let (mean, max) = figures.jitter().unwrap_or_default();
            add(What::Jitter { mean, max });
        }
        Quality::Poor | Quality::Low => add(What::Quality(s.mos.map_or(0.0, |m| m.value))),
        Quality::Unheard | Quality::Few | Quality::Good => {}
    }
    if s.unheard {
        add(What::Unheard);
    }
    let longest = figures.losses().longest;
    let told = matches!(quality, Quality::HeavyLoss | Quality::Loss);
    if longest >= BURST && !told && kind(s) != "video" && !gave_way(analysis, s, figures) {
        let ms = f64::from(longest) * s.ptime_used.unwrap_or(0.0);
        let captured = s.loss.is_none_or(|l| l.not_captured < u64::from(longest));
        if ms >= BURST_TIME && captured && lost_on_the_way(analysis, s, figures) >= u64::from(BURST) {
            add(What::Burst { packets: longest, ms });
        }
    }
    let split = s.loss.filter(|l| l.after >= FEW_LOST && !s.held);
    if let Some(split) = split
        && 100.0 * split.after as f64 >= REPORTED * figures.expected() as f64
        && split.reported < figures.expected()
    {
        add(What::LossBehind(split));
    }
    stalls(context, s, figures, add);
}

fn stalls(context: &Context<'_>, s: &MediaStream, figures: &Stream, add: &mut impl FnMut(What)) {
    let (stall, frame) = figures.stall;
    let audio =
        kind(s) == "audio" || s.section.is_none() && s.codec.as_ref().is_some_and(|c| c.clock < 90_000);
    if stall < HUNG || !audio || s.held || figures.restarts() > 0 {
        return;
    }
    match figures.caught_up() {
        Some(true) => add(What::Hung(stall, frame)),
        // The clock of the capture is told by itself.
        Some(false) if context.ahead().iter().any(|a| a.frames.contains(&frame)) => {}
        Some(false) if stall >= PAUSED && s.call.is_some_and(|c| !was_fax(context, c)) => {
            add(What::Paused(stall, frame));
        }
        _ => {}
    }
}

/// Senders pause while a call sends a fax by T.38.
fn was_fax(context: &Context<'_>, call: CallIdx) -> bool {
    context.analysis.media_of_call(call).iter().any(|section| section.was_fax)
}

/// Where it goes, when, and with which marks.
fn flow(
    context: &Context<'_>,
    index: &MediaIndex,
    (at, s): (usize, &MediaStream),
    figures: &Stream,
    add: &mut impl FnMut(What),
) {
    let analysis = context.analysis;
    if let Some(u) = analysis.unreachable_stream(s) {
        let end = s.call.and_then(|c| analysis.call(c).summary.end).unwrap_or(Nanos::MAX);
        let (from, until) = (u.time.max(s.first), u.last.min(end));
        if until.saturating_sub(from) >= LASTING && from <= s.last {
            add(What::Unreachable(u));
        }
    }
    if let Some(after) = s.after_end {
        add(What::AfterEnd(after));
    }
    if s.unsignalled && figures.packets >= u64::from(LASTING_PACKETS) {
        add(What::Unsignalled);
    }
    let is_first = s.hops.first().is_none_or(|first| *first == at);
    for change in s.mark_changes.iter().filter(|_| is_first).take(4) {
        add(What::Remarked(*change));
    }
    // No profile speaks of fax.
    if s.is_fax() {
        return;
    }
    let Some(mark) = figures.marks().max_by_key(|m| m.packets).filter(|m| m.packets >= MARKED && is_first)
    else {
        return;
    };
    if analysis.qos.is_some() {
        // What was chosen is asked of all.
        if let Some(expected) = expected_of(analysis, s).filter(|e| e.dscp() != mark.dscp) {
            add(What::Mark(expected, mark.dscp));
        }
        return;
    }
    let Some(call) = s.call.filter(|_| mark.dscp == 0) else { return };
    let marked = |other: &MediaStream| {
        let figures = analysis.figures_of(other)?;
        let most = figures.marks().max_by_key(|m| m.packets).map(|m| (m.dscp, m.packets));
        most.filter(|(dscp, packets)| *dscp != 0 && *packets >= MARKED).map(|(dscp, _)| dscp)
    };
    if let Some(other) = s.back.and_then(|j| index.streams.get(j)).and_then(marked) {
        return add(What::Unmarked { other, video: false });
    }
    if kind(s) == "audio" {
        let beside = index.of_call(call).map(|(_, v)| v).take(LOOK);
        let mut videos = beside.filter(|v| kind(v) == "video" && v.from_caller == s.from_caller);
        if let Some(other) = videos.find_map(marked) {
            add(What::Unmarked { other, video: true });
        }
    }
}

/// What it is against what was described.
fn described(
    context: &Context<'_>,
    index: &MediaIndex,
    (at, s): (usize, &MediaStream),
    figures: &Stream,
    add: &mut impl FnMut(What),
) {
    if s.call.is_none() || s.section.is_none() || s.call_inferred {
        return;
    }
    let mid_call = s.call.is_some_and(|c| context.analysis.call(c).summary.starts_mid_call);
    let main = figures.types().find(|t| t.payload_type == s.payload_type);
    let lasting = main.is_some_and(|t| t.packets >= LASTING_PACKETS);
    let beside = s.codec.as_ref().is_some_and(|c| c.is_event() || c.is_noise());
    if s.unannounced_types.contains(&s.payload_type) && !s.codec_agreed && lasting && !beside && !mid_call {
        add(What::Codec { known: static_payload(s.payload_type).is_some(), listed: s.listed_as });
    }
    let plain = s.protection.is_none() && figures.packets >= u64::from(LASTING_PACKETS);
    match s.secured {
        Secured::Agreed if plain => add(What::Plain { agreed: true }),
        Secured::Offered if plain && s.back.is_none_or(|j| at < j || is_secret(index, j)) => {
            add(What::Plain { agreed: false });
        }
        _ => {}
    }
    if s.keys_taken == Some(false) && !mid_call {
        let takes = |j: usize| index.streams.get(j).and_then(|b| b.keys_taken);
        let announced = s.back.and_then(takes) == Some(true);
        let pressed = !s.keys.is_empty();
        if pressed || announced && kind(s) == "audio" {
            add(What::Keys { pressed, heeds: s.codec_agreed && announced });
        }
    }
    let mut pressed_by = figures.keys().iter().map(|k| k.payload_type);
    let by = pressed_by.find(|pt| s.unannounced_types.contains(pt) && is_event(s, *pt));
    if let (Some(true), Some(by), false) = (s.keys_taken, by, mid_call) {
        add(What::KeysBy(by));
    }
    let steady = figures.packet_step().is_some_and(|(_, n)| u64::from(n) * 2 > figures.packets);
    if let Some(used) = s.ptime_used.filter(|_| steady && lasting && !beside) {
        let most = s.ptime_most.filter(|most| used > f64::from(*most) + SAME_TIME);
        // Frames of 30 ms make no packets of 20.
        let long_frames = s
            .codec
            .as_ref()
            .is_some_and(|c| c.name.starts_with("G723") || c.name.eq_ignore_ascii_case("iLBC"));
        let asked = s.ptime_asked.filter(|_| !long_frames);
        let other = asked.filter(|asked| (used - f64::from(*asked)).abs() > SAME_TIME);
        match (most, other) {
            (Some(most), _) => add(What::Ptime { asked: most, too_long: true }),
            (None, Some(asked)) => add(What::Ptime { asked, too_long: false }),
            _ => {}
        }
    }
}

/// Whether a payload type of a stream is that of telephone events.
fn is_event(s: &MediaStream, payload_type: u8) -> bool {
    let main = (s.payload_type, s.codec.clone());
    let mut all = s.other_codecs.iter().chain(std::iter::once(&main));
    all.any(|(pt, codec)| *pt == payload_type && codec.as_ref().is_some_and(|c| c.is_event()))
}

fn is_secret(index: &MediaIndex, at: usize) -> bool {
    index.streams.get(at).is_some_and(|b| matches!(b.protection, Some(Protection::Srtp)))
}
