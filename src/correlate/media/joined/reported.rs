//! What RTCP says of a stream: which reports are about it, where its losses are, how long a round takes.

use std::collections::HashMap;

use super::super::{Heard, Stream};
use super::{LossSplit, MediaStream};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::*;

const SECOND: Nanos = 1_000_000_000;
/// Reports belong to a stream up to so long before its first and behind its last packet.
const AROUND: Nanos = 30 * SECOND;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Reports and senders by source.
pub(super) struct Reported {
    heard: Map<u32, Vec<usize>>,
    senders: Map<u32, Vec<usize>>,
}

impl Reported {
    pub fn new(analysis: &Analysis) -> Self {
        let mut out = Self { heard: Map::default(), senders: Map::default() };
        for (i, h) in analysis.media.reports.heard.iter().enumerate() {
            out.heard.entry(h.about).or_default().push(i);
        }
        for (i, s) in analysis.media.reports.senders.iter().enumerate() {
            out.senders.entry(s.ssrc).or_default().push(i);
        }
        out
    }

    /// The reports about a stream, and what its source says.
    pub fn find(&self, analysis: &Analysis, m: &MediaStream) -> (Option<usize>, Option<usize>) {
        let there = analysis.flow(m.flow);
        let back = Flow { src: there.dst, dst: there.src, ..there };
        let list = |of: &Map<u32, Vec<usize>>| of.get(&m.ssrc).cloned().unwrap_or_default();
        let reports = &analysis.media.reports;
        let heard = list(&self.heard).into_iter().filter_map(|i| {
            let h = reports.heard.get(i)?;
            let (first, last) = (h.history.first()?.time, h.history.last()?.time);
            let fits = first <= m.last.saturating_add(AROUND) && last >= m.first.saturating_sub(AROUND);
            let nearness = near(analysis.flow(h.flow), back)?;
            fits.then_some((nearness, h.reports, i))
        });
        let senders = list(&self.senders).into_iter().filter_map(|i| {
            let s = reports.senders.get(i)?;
            Some((near(analysis.flow(s.flow), there)?, s.compounds, i))
        });
        (heard.max().map(|(.., i)| i), senders.max().map(|(.., i)| i))
    }
}

/// How well RTCP's flow fits that of the media it goes beside: the same (RFC 5761), the next ports, at least the same
/// machines.
fn near(rtcp: Flow, media: Flow) -> Option<u8> {
    let next = |a: std::net::SocketAddr, b: std::net::SocketAddr| a.port() == b.port().wrapping_add(1);
    if (rtcp.src.ip(), rtcp.dst.ip()) != (media.src.ip(), media.dst.ip()) {
        return None;
    }
    Some(match (rtcp.src == media.src, rtcp.dst == media.dst) {
        (true, true) => 4,
        _ if next(rtcp.src, media.src) && next(rtcp.dst, media.dst) => 3,
        _ if next(rtcp.src, media.src) || next(rtcp.dst, media.dst) => 2,
        _ => 1,
    })
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
    let at = usize::try_from((until - stream.first).max(0) / length.max(1)).unwrap_or(usize::MAX);
    let count = at.saturating_add(usize::from(whole));
    stream.buckets.list().iter().take(count).map(|b| u64::from(b.lost)).sum()
}
