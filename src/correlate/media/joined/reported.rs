//! What RTCP says of a stream: which reports are about it, where its losses are, how long a round takes.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::super::{Heard, Reports, Stream};
use super::{LossSplit, MediaStream};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::*;

const SECOND: Nanos = 1_000_000_000;
/// Reports belong to a stream up to so long before its first and behind its last packet.
const AROUND: Nanos = 30 * SECOND;

/// Reports of an equal number between the same machines that are looked at.
const MOST_COMPARED: usize = 64;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A source, and from which machine to which its RTCP goes.
type Key = (u32, IpAddr, IpAddr);

/// Reports and senders by source.
#[derive(Default)]
pub(super) struct Reported {
    heard: Map<Key, Vec<usize>>,
    senders: Map<Key, Vec<usize>>,
}

impl Reported {
    pub fn new(analysis: &Analysis) -> Self {
        let mut out = Self::default();
        let key = |ssrc, flow| {
            let flow = analysis.flow(flow);
            (ssrc, flow.src.ip(), flow.dst.ip())
        };
        for (i, h) in analysis.media.reports.heard.iter().enumerate() {
            out.heard.entry(key(h.about, h.flow)).or_default().push(i);
        }
        for (i, s) in analysis.media.reports.senders.iter().enumerate() {
            out.senders.entry(key(s.ssrc, s.flow)).or_default().push(i);
        }
        out
    }

    /// The reports about a stream, and what its source says.
    pub fn find(&self, analysis: &Analysis, m: &MediaStream) -> (Option<usize>, Option<usize>) {
        let there = analysis.flow(m.flow);
        let back = Flow { src: there.dst, dst: there.src, ..there };
        let reports = &analysis.media.reports;
        let in_time = |first: Nanos, last: Nanos| {
            first <= m.last.saturating_add(AROUND) && last >= m.first.saturating_sub(AROUND)
        };
        let heard = |i: &usize| {
            let h = reports.heard.get(*i)?;
            let fits = in_time(h.history.first()?.time, h.history.last()?.time);
            fits.then_some((near(analysis.flow(h.flow), back), h.reports, *i))
        };
        let sender = |i: &usize| {
            let s = reports.senders.get(*i)?;
            in_time(s.first, s.last).then_some((near(analysis.flow(s.flow), there), s.compounds, *i))
        };
        let on = |f: Flow| analysis.find_flow(f.src, f.dst, f.transport);
        let at_hand = |f: Flow, of: fn(&Reports, FlowId, u32) -> Option<usize>| {
            let both = [on(f), on(beside(f))];
            both.into_iter().flatten().filter_map(|flow| of(reports, flow, m.ssrc)).collect::<Vec<_>>()
        };
        let others = |of: &Map<Key, Vec<usize>>, f: Flow| {
            let all = of.get(&(m.ssrc, f.src.ip(), f.dst.ip())).into_iter().flatten();
            all.take(MOST_COMPARED).copied().collect::<Vec<_>>()
        };
        let all = at_hand(back, Reports::heard_at).into_iter().chain(others(&self.heard, back));
        let best_heard = all.filter_map(|i| heard(&i)).max();
        let all = at_hand(there, Reports::sender_at).into_iter().chain(others(&self.senders, there));
        let best_sender = all.filter_map(|i| sender(&i)).max();
        (best_heard.map(|(.., i)| i), best_sender.map(|(.., i)| i))
    }
}

/// Where RTCP goes beside media that has it not on its own ports.
fn beside(media: Flow) -> Flow {
    let next = |a: SocketAddr| SocketAddr::new(a.ip(), a.port().wrapping_add(1));
    Flow { src: next(media.src), dst: next(media.dst), ..media }
}

/// How well RTCP's flow between the same machines fits that of the media: the same (RFC 5761), the next ports, one of them.
fn near(rtcp: Flow, media: Flow) -> u8 {
    let next = beside(media);
    match (rtcp.src == media.src, rtcp.dst == media.dst) {
        (true, true) => 4,
        _ if (rtcp.src, rtcp.dst) == (next.src, next.dst) => 3,
        _ if rtcp.src == next.src || rtcp.dst == next.dst => 2,
        _ => 1,
    }
}

/// Mean time from the capture point to who reports and back.
pub(super) fn round(heard: &Heard) -> Option<Nanos> {
    (heard.round_trips.count > 0).then(|| heard.round_trips.sum / Nanos::from(heard.round_trips.count))
}

/// Where the losses of a stream are, as far as the reports reach. `from_start`: the capture has all of the stream.
pub(super) fn split(stream: &Stream, heard: &Heard, from_start: bool) -> Option<LossSplit> {
    if stream.restarts() > 0 {
        return None;
    }
    let last = heard.history.last()?;
    let missing = |until: Nanos, whole: bool| lost_until(stream, until, whole);
    let all = stream.losses().missing;
    let (mut reported, mut least, mut most) = (
        i64::from(last.cumulative_lost),
        missing(last.time, false).min(all),
        missing(last.time, true).min(all),
    );
    if !from_start {
        let first = heard.history.first().filter(|f| f.time < last.time)?;
        reported -= i64::from(first.cumulative_lost);
        let before = (missing(first.time, false), missing(first.time, true));
        (least, most) = (least.saturating_sub(before.1), most.saturating_sub(before.0));
    }
    let reported = u64::try_from(reported).unwrap_or(0);
    Some(LossSplit {
        before: most,
        reported,
        after: reported.saturating_sub(most),
        not_captured: least.saturating_sub(reported),
        until: last.time,
    })
}

/// Packets that were missing up to a time; `whole`: that of the bucket it falls into included.
fn lost_until(stream: &Stream, until: Nanos, whole: bool) -> u64 {
    let length = SECOND.saturating_mul(i64::try_from(stream.buckets.seconds()).unwrap_or(i64::MAX));
    let at = usize::try_from(until.saturating_sub(stream.first).max(0) / length.max(1)).unwrap_or(usize::MAX);
    let count = at.saturating_add(usize::from(whole));
    stream.buckets.list().iter().take(count).map(|b| u64::from(b.lost)).sum()
}
