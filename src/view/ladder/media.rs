//! RTP on the time axis of a call: each way a line from its first packet, both ways one line where they run together; keys
//! and the ends that RTCP tells are lines of their own.

mod ends;
mod keys;
mod words;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use callscope_parsers::rtp::digit;

use super::lifelines::Machines;
use super::stun::Drawn;
use super::{LadderRow, Tone};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::media::{Codec, MediaStream, Stream};
use crate::correlate::{Analysis, CallIdx, FlowId, Owner};
use crate::view::media::plot::keys as keys_of;
use ends::Ends;

/// Streams of one ladder that are drawn; those beyond are told in a note.
const STREAMS: usize = 4_000;
/// Lines between the same two lifelines from which on they are folded together.
const MANY: usize = 9;
/// A stream that begins so long after another of its section ended goes on with it: the SSRC changed.
const NEXT: Nanos = 2_000_000_000;
/// Keys pressed so soon after one another stand on one line.
const TYPED: Nanos = 3_000_000_000;
/// So long an answer is waited for before its absence is told.
const AWAITED: Nanos = 1_000_000_000;
/// With more ends told by RTCP than this they stand under their streams.
const GOODBYES: usize = 8;

/// A stream with its place in the ladder.
struct Placed<'a> {
    stream: &'a MediaStream,
    figures: std::borrow::Cow<'a, Stream>,
    from: usize,
    to: usize,
    leg: usize,
}

/// Streams of one media section between two lifelines, one after the other and both ways.
struct Span<'a> {
    parts: Vec<Placed<'a>>,
    end: Nanos,
}

/// Makes the rows, and adds the lifelines they need behind the others. `lines`: what STUN knows of addresses.
pub fn draw(
    analysis: &Analysis,
    owners: &[Owner],
    unfold: bool,
    lines: &HashMap<IpAddr, usize>,
    machines: &mut Machines,
) -> Drawn {
    let mut legs: HashMap<CallIdx, usize> = HashMap::new();
    for (leg, owner) in owners.iter().enumerate() {
        if let Owner::Call(call) = owner {
            legs.entry(*call).or_insert(leg);
        }
    }
    let media = &analysis.media;
    let streams = !media.streams.is_empty() || !media.faxes.list.is_empty();
    let nothing = !streams && media.doubtful().is_empty() && media.keys.list.is_empty();
    if legs.is_empty() || nothing {
        return Drawn::default();
    }
    let all = analysis.joined_media();
    let of_them: Vec<(usize, &MediaStream)> =
        all.iter().filter_map(|s| Some((leg_of(analysis, s, &legs)?, s))).collect();
    let exchanges = keys::of_calls(analysis, &all, &legs);
    if of_them.is_empty() && exchanges.is_empty() {
        return Drawn::default();
    }
    let mut ends = Ends::new(analysis, machines, lines);
    let mut placed = Vec::new();
    for (leg, stream) in of_them.iter().take(STREAMS) {
        let Some(figures) = analysis.figures_of(stream) else { continue };
        let (from, to) = ends.of(&analysis.flow(stream.flow), stream.call, stream.from_caller);
        placed.push(Placed { stream, figures, from, to, leg: *leg });
    }
    let exchange_ends: Vec<(usize, usize)> = exchanges
        .iter()
        .map(|e| ends.of(&analysis.flow(e.exchange.flow), Some(e.call), e.from_caller))
        .collect();
    let places = machines.weave(ends.into_places(), |_| true);
    let at = |end: usize| places.get(end).copied().unwrap_or(0);
    for p in &mut placed {
        (p.from, p.to) = (at(p.from), at(p.to));
    }
    let mut rows = Vec::new();
    for (e, (from, to)) in exchanges.iter().zip(exchange_ends) {
        keys::rows(e, (at(from), at(to)), &mut rows);
    }
    let goodbyes: usize = placed.iter().filter(|p| bye(analysis, p.stream).is_some()).count();
    let mut told = HashSet::new();
    for p in &placed {
        key_rows(p, &mut told, &mut rows);
        if goodbyes <= GOODBYES
            && let Some((time, frame)) = bye(analysis, p.stream)
        {
            rows.push(arrow(p, time, frame, format!("RTCP BYE {}", crate::view::media::ssrc(p.stream.ssrc))));
        }
    }
    let drawing = Drawing { analysis, unfold, with_byes: goodbyes > GOODBYES, ways: ways(&of_them) };
    drawing.span_rows(placed, &mut rows);
    if of_them.len() > STREAMS {
        let more = of_them.len() - STREAMS;
        let text = format!("{more} more media streams are not drawn");
        rows.push(LadderRow::Note { time: of_them.last().map_or(0, |(_, s)| s.first), text });
    }
    Drawn::of(rows)
}

/// The leg that a stream is drawn with: that of its call, or of another leg of the same call that names its ends too.
fn leg_of(analysis: &Analysis, stream: &MediaStream, legs: &HashMap<CallIdx, usize>) -> Option<usize> {
    let call = stream.call?;
    let linked = |other: &CallIdx| analysis.links_of(call).any(|l| l.from == *other || l.to == *other);
    let other = || stream.other_calls.iter().filter(|c| linked(c)).find_map(|c| legs.get(c));
    legs.get(&call).or_else(other).copied()
}

/// Which ways media of a section goes, wherever it was captured.
fn ways(streams: &[(usize, &MediaStream)]) -> HashSet<(CallIdx, usize, bool)> {
    let way = |s: &MediaStream| Some((s.call?, s.section.as_ref()?.index, s.from_caller?));
    streams.iter().filter_map(|(_, s)| way(s)).collect()
}

fn bye(analysis: &Analysis, stream: &MediaStream) -> Option<(Nanos, FrameRef)> {
    analysis.sender_of(stream)?.bye
}

fn arrow(p: &Placed<'_>, time: Nanos, frame: FrameRef, label: String) -> LadderRow {
    LadderRow::Arrow {
        time,
        frame,
        from: p.from,
        to: p.to,
        label,
        tone: Tone::Media,
        message: None,
        retransmissions: 0,
        leg: p.leg,
    }
}

/// The keys of a stream as they were typed, each key but once wherever it was captured.
fn key_rows(p: &Placed<'_>, told: &mut HashSet<(u32, u32, u8, usize, usize)>, rows: &mut Vec<LadderRow>) {
    let mut typed: Vec<(Nanos, Nanos, FrameRef, String)> = Vec::new();
    for key in keys_of(p.stream, &p.figures) {
        if !told.insert((p.stream.ssrc, key.timestamp, key.event, p.from, p.to)) {
            continue;
        }
        let name = digit(key.event).map_or_else(|| format!(" event {}", key.event), String::from);
        match typed.last_mut() {
            Some((_, last, _, text)) if key.time - *last < TYPED => {
                text.push_str(&name);
                *last = key.time;
            }
            _ => typed.push((key.time, key.time, key.frame, name)),
        }
    }
    for (time, _, frame, text) in typed {
        let one = text.chars().count() == 1;
        rows.push(arrow(
            p,
            time,
            frame,
            format!("{} {}", if one { "key" } else { "keys" }, text.trim_start()),
        ));
    }
}

/// Streams between the same two lifelines of the same section of a call; keys may have a source of their own, and a fax
/// takes the place of audio.
type Group = (usize, CallIdx, Option<usize>, [bool; 2], usize, usize);

fn group(p: &Placed<'_>) -> Group {
    let section = p.stream.section.as_ref().map(|s| s.index);
    let is_event = p.stream.codec.as_deref().is_some_and(Codec::is_event);
    let apart = [is_event, p.stream.is_fax()];
    (p.leg, p.stream.call.unwrap_or(CallIdx(0)), section, apart, p.from.min(p.to), p.from.max(p.to))
}

struct Drawing<'a> {
    analysis: &'a Analysis,
    unfold: bool,
    /// Ends told by RTCP stand under their streams.
    with_byes: bool,
    ways: HashSet<(CallIdx, usize, bool)>,
}

impl Drawing<'_> {
    fn span_rows(&self, placed: Vec<Placed<'_>>, rows: &mut Vec<LadderRow>) {
        // Streams come in order of their first packet.
        let mut groups: BTreeMap<Group, Vec<Span<'_>>> = BTreeMap::new();
        for p in placed {
            let spans = groups.entry(group(&p)).or_default();
            let end = p.figures.last;
            match spans.last_mut() {
                Some(span) if p.figures.first <= span.end.saturating_add(NEXT) => {
                    span.end = span.end.max(end);
                    span.parts.push(p);
                }
                _ => spans.push(Span { parts: vec![p], end }),
            }
        }
        let mut between: BTreeMap<(usize, usize), Vec<Span<'_>>> = BTreeMap::new();
        for ((.., low, high), spans) in groups {
            between.entry((low, high)).or_default().extend(spans);
        }
        for ((low, high), mut spans) in between {
            spans.sort_by_key(|s| s.parts.first().map(|p| p.figures.first));
            let many = (spans.len() >= MANY).then(|| words::many(&spans));
            let made: Vec<LadderRow> = spans.into_iter().flat_map(|s| self.span_row(s)).collect();
            match many {
                Some(label) if !self.unfold => {
                    let first = made.first().map_or(0, super::stun::time_of);
                    let end = made.iter().filter_map(|r| match r {
                        LadderRow::Fold { end, .. } => Some(*end),
                        _ => None,
                    });
                    let end = end.max().unwrap_or(first);
                    rows.push(LadderRow::Fold {
                        time: first,
                        end,
                        from: low,
                        to: high,
                        one_way: false,
                        label,
                        tone: Tone::Media,
                        inner: made,
                    });
                }
                _ => rows.extend(made),
            }
        }
    }

    fn span_row(&self, span: Span<'_>) -> Vec<LadderRow> {
        let Some(first) = span.parts.first() else { return Vec::new() };
        let (from, to, time) = (first.from, first.to, first.figures.first);
        let both = span.parts.iter().any(|p| p.from == to && p.to == from && from != to);
        let mut inner = Vec::new();
        for p in &span.parts {
            let f = &p.figures;
            inner.push(arrow(p, f.first, f.first_frame, words::stream(p.stream, f)));
            for (time, frame) in f.restarted() {
                inner.push(arrow(p, *time, *frame, "sequence numbers begin anew".to_owned()));
            }
            if self.with_byes
                && let Some((time, frame)) = bye(self.analysis, p.stream)
            {
                inner.push(arrow(p, time, frame, "RTCP BYE".to_owned()));
            }
            if f.last_frame != f.first_frame {
                let source = match crate::view::media::source(p.stream) {
                    none if none.is_empty() => "the fax".to_owned(),
                    ssrc => ssrc,
                };
                inner.push(arrow(p, f.last, f.last_frame, format!("last packet of {source}")));
            }
        }
        inner.sort_by_key(super::stun::time_of);
        if self.unfold {
            return inner;
        }
        // Of two ways the left one is told first.
        let (from, to) = if both { (from.min(to), from.max(to)) } else { (from, to) };
        let label = words::span(&span, (from, to), both, self.nothing_comes_back(&span) && !both);
        vec![LadderRow::Fold {
            time,
            end: span.end,
            from,
            to,
            one_way: !both,
            label,
            tone: Tone::Media,
            inner,
        }]
    }

    /// One way, where the other would have been seen: not on hold, not announced so, and not before the call was answered.
    fn nothing_comes_back(&self, span: &Span<'_>) -> bool {
        let Some(p) = span.parts.first().filter(|p| p.from != p.to) else { return false };
        let s = p.stream;
        let (Some(call), Some(section), Some(from_caller)) = (s.call, &s.section, s.from_caller) else {
            return false;
        };
        let answered = self.analysis.call(call).summary.answered;
        let Some(answered) = answered.filter(|answered| span.end > *answered) else { return false };
        // While SDP did not have both speak nobody is expected to.
        // Where time runs backwards in a capture the first packet may be later than the last.
        let until = |at: Nanos| at.max(answered).max(s.first).min(span.end);
        let held: Nanos = s.holds.iter().map(|h| until(h.until) - until(h.from)).sum();
        let wanted = || {
            let sections = self.analysis.media_of_call(call);
            let of_it = sections.iter().find(|m| m.index == Some(section.index));
            of_it.is_some_and(|m| if from_caller { m.from_callee_wanted } else { m.from_caller_wanted })
        };
        span.end - until(s.first) - held > AWAITED
            && wanted()
            && !self.ways.contains(&(call, section.index, !from_caller))
            && way_back_is_seen(self.analysis, s.flow)
    }
}

/// Whether packets of the receiver to the sender would have been seen where the stream was captured: something else came
/// that way, or goes between the same two machines the other way.
fn way_back_is_seen(analysis: &Analysis, flow: FlowId) -> bool {
    let f = analysis.flow(flow);
    analysis.find_flow(f.dst, f.src, f.transport).is_some() || {
        let next = |a: std::net::SocketAddr| std::net::SocketAddr::new(a.ip(), a.port().wrapping_add(1));
        analysis.find_flow(next(f.dst), next(f.src), f.transport).is_some()
    }
}

#[cfg(test)]
mod tests;
