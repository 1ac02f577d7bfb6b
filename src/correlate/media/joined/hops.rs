//! One stream on several stretches of its way, and streams that go on from one another.
//!
//! A relay, a NAT and most media proxies leave the source, the numbers and the timestamps as they are. Streams of one
//! source and payload type whose timestamps overlap, and passed at the times that these say, are the same media: told
//! apart from an echo (the way back) and from calls of load generators, which all send the same recording.

use std::collections::HashMap;

use super::super::Stream;
use super::{DscpChange, Follows, MediaStream};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::*;

const SECOND: Nanos = 1_000_000_000;
/// Clocks of capture points, and the time on the way, may differ by so much.
const SKEW: Nanos = 5 * SECOND;
/// Streams compared with each.
const MOST_COMPARED: usize = 64;
/// Streams in more places than these are not stretches of one way.
const MOST_HOPS: usize = 32;
/// A source that goes on elsewhere does so within this time, unless it is held.
const GOES_ON: Nanos = 30 * SECOND;
/// A source may be heard for so long behind the first packet of the next.
const OVERLAP: Nanos = SECOND;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What is compared of a stream.
struct Seen {
    at: usize,
    wire: Flow,
    first: Nanos,
    stamps: (u32, i64),
    /// When its timestamp 0 would have passed.
    origin: Nanos,
    clock: u32,
}

impl Seen {
    fn new(at: usize, m: &MediaStream, stream: &Stream, wire: Flow) -> Self {
        let clock = m.codec.as_ref().map(|c| c.clock).filter(|c| *c > 0).or(stream.clock()).unwrap_or(8_000);
        let stamps = stream.stamps();
        let length = i64::from(stamps.1.wrapping_sub(stamps.0).cast_signed()).max(1);
        let origin = stream.first.saturating_sub(ticks(i64::from(stamps.0), clock));
        Self { at, wire, first: stream.first, stamps: (stamps.0, length), origin, clock }
    }

    fn is_same_media(&self, other: &Self, [a, b]: [&MediaStream; 2]) -> bool {
        let ahead = i64::from(other.stamps.0.wrapping_sub(self.stamps.0).cast_signed());
        let overlap = ahead < self.stamps.1 && ahead + other.stamps.1 > 0;
        let passed = other.first.saturating_sub(self.first).saturating_sub(ticks(ahead, self.clock));
        if !overlap || passed.unsigned_abs() > SKEW.unsigned_abs() || self.wire == other.wire {
            return false;
        }
        let same_way = match (a.from_caller, b.from_caller) {
            (Some(x), Some(y)) if x != y => return false,
            (Some(_), Some(_)) => true,
            _ => false,
        };
        let ips = |f: Flow| [f.src.ip(), f.dst.ip()];
        let (x, y) = (ips(self.wire), ips(other.wire));
        // The way back, unless a proxy sends to somebody behind the same NAT; and another call between the same machines.
        let back = (self.wire.src, self.wire.dst) == (other.wire.dst, other.wire.src);
        let turned = x[0] == y[1] && x[1] == y[0] && !same_way;
        let ports = |f: Flow| (f.src.port(), f.dst.port());
        let (p, q) = (ports(self.wire), ports(other.wire));
        let beside = x == y && p.0 != q.0 && p.1 != q.1;
        !back && !turned && !beside && x.iter().any(|ip| y.contains(ip))
    }
}

fn ticks(ticks: i64, clock: u32) -> Nanos {
    (i128::from(ticks) * 1_000_000_000 / i128::from(clock.max(1))) as Nanos
}

/// Groups of streams that are the same media, in order of the way.
pub(super) fn groups(analysis: &Analysis, list: &[MediaStream]) -> Vec<Vec<usize>> {
    let mut by_source: Map<(u32, u8), Vec<usize>> = Map::default();
    for (i, m) in list.iter().enumerate().filter(|(_, m)| !m.is_fax()) {
        by_source.entry((m.ssrc, m.payload_type)).or_default().push(i);
    }
    let mut out = Vec::new();
    for members in by_source.into_values().filter(|m| m.len() > 1) {
        let mut seen: Vec<Seen> = members
            .into_iter()
            .filter_map(|i| {
                let m = list.get(i)?;
                Some(Seen::new(i, m, &*analysis.figures_of(m)?, analysis.flow(m.flow)))
            })
            .collect();
        seen.sort_by_key(|s| (s.origin, s.at));
        // The group of each, by its first.
        let mut leader: Vec<usize> = (0..seen.len()).collect();
        for i in 0..seen.len() {
            for j in (i + 1..seen.len()).take(MOST_COMPARED) {
                let [Some(a), Some(b)] = [seen.get(i), seen.get(j)] else { break };
                let [Some(x), Some(y)] = [list.get(a.at), list.get(b.at)] else { break };
                let apart = x.call.is_some() && y.call.is_some() && x.call != y.call && !legs(analysis, x, y);
                if !apart && a.is_same_media(b, [x, y]) {
                    let (x, y) = (lead(&mut leader, i), lead(&mut leader, j));
                    leader[x.max(y)] = x.min(y);
                }
            }
        }
        let mut found: Map<usize, Vec<usize>> = Map::default();
        for (i, s) in seen.iter().enumerate() {
            found.entry(lead(&mut leader, i)).or_default().push(s.at);
        }
        out.extend(found.into_values().filter(|g| (2..=MOST_HOPS).contains(&g.len())));
    }
    out.sort_unstable();
    out
}

/// The first of a group, those on the way to it brought nearer.
fn lead(leader: &mut [usize], mut at: usize) -> usize {
    while leader[at] != at {
        leader[at] = leader[leader[at]];
        at = leader[at];
    }
    at
}

/// Whether the calls of two streams are legs of one.
fn legs(analysis: &Analysis, a: &MediaStream, b: &MediaStream) -> bool {
    let (Some(a), Some(b)) = (a.call, b.call) else { return false };
    analysis.links_of(a).any(|l| l.from == b || l.to == b)
}

/// Gives streams of no call that of the same media elsewhere, and tells each where else it was captured.
pub(super) fn join(list: &mut [MediaStream], groups: &[Vec<usize>]) {
    for group in groups {
        let known: Vec<&MediaStream> =
            group.iter().filter_map(|i| list.get(*i)).filter(|m| m.call.is_some()).collect();
        let same = |m: &&MediaStream| (m.call, m.from_caller) == (known[0].call, known[0].from_caller);
        let of = known.first().filter(|_| known.iter().all(same)).map(|m| (*m).clone());
        for &i in group {
            let Some(m) = list.get_mut(i) else { continue };
            m.hops = group.clone().into();
            if let (Some(of), None) = (&of, m.call) {
                (m.call, m.from_caller, m.call_inferred) = (of.call, of.from_caller, true);
                (m.section, m.secured) = (of.section.clone(), of.secured);
                (m.untagged, m.codec_agreed) = (of.untagged, of.codec_agreed);
                m.codec = of.codec.clone();
                if of.protection.is_some() {
                    m.protection = of.protection;
                }
            }
        }
    }
}

/// Where the marks of a stream change between its capture points.
pub(super) fn mark_changes(analysis: &Analysis, list: &[MediaStream], group: &[usize]) -> Vec<DscpChange> {
    let mut out = Vec::new();
    let mut before: Option<(usize, u8)> = None;
    for &i in group {
        let Some(stream) = list.get(i).and_then(|m| analysis.figures_of(m)) else { continue };
        let most = |of: fn(&super::super::Mark) -> u32| {
            let total: u32 = stream.marks().map(of).sum();
            stream.marks().find(|m| of(m) * 2 > total).map(|m| m.dscp)
        };
        let (once, again) = (most(|m| m.packets), most(|m| m.again));
        if let (Some((hop, from)), Some(to)) = (before, once)
            && from != to
        {
            out.push(DscpChange { from, to, before: hop, after: i });
        }
        if let (Some(from), Some(to)) = (once, again)
            && from != to
        {
            out.push(DscpChange { from, to, before: i, after: i });
        }
        before = again.or(once).map(|mark| (i, mark)).or(before);
    }
    out
}

/// Which stream each goes on from: another source on the same flow, or the same one on another path.
pub(super) fn follow(analysis: &Analysis, list: &mut [MediaStream]) {
    let mut by_flow: Map<FlowId, Vec<usize>> = Map::default();
    let mut by_source: Map<(u32, Option<CallIdx>, Option<bool>), Vec<usize>> = Map::default();
    for (i, m) in list.iter().enumerate().filter(|(_, m)| !m.is_fax()) {
        by_flow.entry(m.flow).or_default().push(i);
        by_source.entry((m.ssrc, m.call, m.from_caller)).or_default().push(i);
    }
    let mut found: Vec<(usize, Follows)> = Vec::new();
    let mut followed: Map<usize, ()> = Map::default();
    let near = |a: &MediaStream, b: &MediaStream| {
        let same_call = a.call.is_some() && a.call == b.call;
        let kind = |m: &MediaStream| m.section.as_ref().map(|s| (s.index, s.kind.clone()));
        let clock = |m: &MediaStream| m.codec.as_ref().map(|c| c.clock);
        a.call == b.call
            && (same_call || b.first.saturating_sub(a.last) <= GOES_ON)
            && b.first > a.first
            && b.first.saturating_add(OVERLAP) >= a.last
            && kind(a) == kind(b)
            && (kind(a).is_some() || clock(a) == clock(b))
    };
    for of_flow in by_flow.values().filter(|l| l.len() > 1) {
        for (n, &i) in of_flow.iter().enumerate() {
            let earlier = of_flow.iter().take(n).rev().take(MOST_COMPARED).copied();
            let Some(b) = list.get(i) else { continue };
            // Keys may be sent under a source of their own beside the voice.
            let events = |m: &MediaStream| m.codec.as_ref().is_some_and(|c| c.is_event());
            let fits = |j: &usize| {
                list.get(*j).is_some_and(|a| near(a, b) && events(a) == events(b))
                    && !followed.contains_key(j)
            };
            if let Some(j) = earlier.into_iter().find(fits) {
                followed.insert(j, ());
                found.push((i, Follows::Source(j)));
            }
        }
    }
    for of_source in by_source.values().filter(|l| l.len() > 1) {
        for (n, &i) in of_source.iter().enumerate() {
            let Some(b) = list.get(i) else { continue };
            let fits = |j: &usize| {
                list.get(*j).is_some_and(|a| {
                    let (x, y) = (analysis.flow(a.flow), analysis.flow(b.flow));
                    let is_back = (x.src, x.dst) == (y.dst, y.src);
                    // Of no call: at least one end stays.
                    let stays = b.call.is_some() || x.src == y.src || x.dst == y.dst;
                    a.flow != b.flow && near(a, b) && !a.hops.contains(&i) && !is_back && stays
                })
            };
            let earlier = of_source.iter().take(n).rev().take(MOST_COMPARED).copied();
            if let Some(j) = earlier.into_iter().find(fits) {
                found.push((i, Follows::Path(j)));
            }
        }
    }
    for (i, follows) in found {
        if let Some(m) = list.get_mut(i) {
            m.follows.get_or_insert(follows);
        }
    }
}
