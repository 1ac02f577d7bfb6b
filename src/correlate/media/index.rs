//! The streams of an analysis worked out once for all who ask: tables, filters, overviews.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::MediaStream;
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::{CallIdx, FlowId};

/// All streams, and which of them are of which call.
#[derive(Debug, Clone)]
pub struct MediaIndex {
    /// As [`Analysis::media_streams`] gives them.
    pub streams: Arc<Vec<MediaStream>>,
    of_calls: HashMap<CallIdx, Vec<u32>>,
    /// All places, by flow and source.
    by_source: Box<[u32]>,
    /// The same of those that other calls name too: legs of one.
    shared: HashMap<CallIdx, Vec<u32>>,
    /// When streams that are of no call, or might be of several, ran, by their machines.
    unclaimed: HashMap<[IpAddr; 2], Times>,
    /// Ends where streams begin with the machines they go to, and ends where they go to with those they come from.
    ways: OnceLock<[HashSet<(SocketAddr, IpAddr)>; 2]>,
    /// Machines between which streams run.
    between: HashSet<[IpAddr; 2]>,
    /// Machines that are an end of every stream: the capture was taken at one of them.
    at_all: Vec<IpAddr>,
}

impl Default for MediaIndex {
    fn default() -> Self {
        Self::new(Arc::default(), |_| [IpAddr::from([0; 4]); 2])
    }
}

impl MediaIndex {
    fn new(streams: Arc<Vec<MediaStream>>, ends: impl Fn(&MediaStream) -> [IpAddr; 2] + Copy) -> Self {
        let mut of_calls: HashMap<CallIdx, Vec<u32>> = HashMap::new();
        let mut shared: HashMap<CallIdx, Vec<u32>> = HashMap::new();
        for (at, stream) in (0u32..).zip(streams.iter()) {
            if let Some(call) = stream.call {
                of_calls.entry(call).or_default().push(at);
            }
            for call in &stream.other_calls {
                shared.entry(*call).or_default().push(at);
            }
        }
        let mut by_source: Box<[u32]> = (0..streams.len() as u32).collect();
        by_source.sort_unstable_by_key(|at| streams.get(*at as usize).map(source_of));
        let mut unclaimed: HashMap<[IpAddr; 2], Vec<(Nanos, Nanos)>> = HashMap::new();
        for s in streams.iter().filter(|s| s.call.is_none()) {
            unclaimed.entry(in_order(ends(s))).or_default().push((s.first, s.last));
        }
        let unclaimed = unclaimed.into_iter().map(|(ends, times)| (ends, Times::of(times))).collect();
        let between: HashSet<[IpAddr; 2]> = streams.iter().map(ends).collect();
        let mut pairs = between.iter();
        let mut at_all = pairs.next().map_or_else(Vec::new, |pair| pair.to_vec());
        pairs.for_each(|pair| at_all.retain(|ip| pair.contains(ip)));
        Self { streams, of_calls, by_source, shared, unclaimed, ways: OnceLock::new(), between, at_all }
    }

    /// Whether a stream that is of no call for certain ran between two machines in some time.
    pub fn may_have_passed(&self, a: IpAddr, b: IpAddr, [from, until]: [Nanos; 2]) -> bool {
        self.unclaimed.get(&in_order([a, b])).is_some_and(|times| times.any_in(from, until))
    }

    /// Whether some stream comes back from where this one goes to, or to where it comes from: ports of one may differ.
    pub fn comes_back(&self, analysis: &Analysis, s: &MediaStream) -> bool {
        let [begin, end] = self.ways.get_or_init(|| {
            let flows = || self.streams.iter().map(|s| analysis.flow(s.flow));
            [flows().map(|f| (f.src, f.dst.ip())).collect(), flows().map(|f| (f.dst, f.src.ip())).collect()]
        });
        let f = analysis.flow(s.flow);
        s.back.is_some() || begin.contains(&(f.dst, f.src.ip())) || end.contains(&(f.src, f.dst.ip()))
    }

    /// Whether media between two machines passes the capture point: that of others between the same two does, or all
    /// that was captured is of one of them.
    pub fn would_pass(&self, a: IpAddr, b: IpAddr) -> bool {
        // Of a single pair nobody knows at which end it was captured.
        let at_one = matches!(self.at_all.as_slice(), [one] if *one == a || *one == b);
        at_one || self.between.contains(&[a, b]) || self.between.contains(&[b, a])
    }

    /// Whether some stream runs from one machine to another here.
    pub fn passes(&self, from: IpAddr, to: IpAddr) -> bool {
        self.between.contains(&[from, to])
    }

    /// The place of a source on a flow.
    pub fn find(&self, flow: FlowId, ssrc: u32) -> Option<u32> {
        let key = |at: &u32| self.stream(*at).map(source_of);
        let wanted = Some((flow.0, ssrc, false));
        let at = self.by_source.binary_search_by_key(&wanted, key).ok()?;
        self.by_source.get(at).copied()
    }

    pub fn stream(&self, at: u32) -> Option<&MediaStream> {
        self.streams.get(at as usize)
    }

    /// Places of a call's streams, in order of their first packet.
    pub fn places_of(&self, call: CallIdx) -> &[u32] {
        self.of_calls.get(&call).map_or(&[], Vec::as_slice)
    }

    /// Streams of other calls whose ends a call names too, at the same or another time.
    pub fn shared_with(&self, call: CallIdx) -> impl Iterator<Item = &MediaStream> {
        self.shared.get(&call).into_iter().flatten().filter_map(|at| self.stream(*at))
    }

    pub fn of_call(&self, call: CallIdx) -> impl Iterator<Item = (u32, &MediaStream)> {
        self.places_of(call).iter().filter_map(|at| Some((*at, self.stream(*at)?)))
    }
}

/// When each of several begins, in order, and when the last of those up to it ends.
#[derive(Debug, Clone)]
struct Times(Vec<(Nanos, Nanos)>);

impl Times {
    fn of(mut times: Vec<(Nanos, Nanos)>) -> Self {
        times.sort_unstable();
        let mut last = Nanos::MIN;
        for (_, end) in &mut times {
            last = last.max(*end);
            *end = last;
        }
        Self(times)
    }

    fn any_in(&self, from: Nanos, until: Nanos) -> bool {
        let begun = self.0.partition_point(|(first, _)| *first <= until);
        begun.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| *last >= from)
    }
}

fn in_order([a, b]: [IpAddr; 2]) -> [IpAddr; 2] {
    [a.min(b), a.max(b)]
}

/// Flow and source; a fax has none.
fn source_of(s: &MediaStream) -> (u32, u32, bool) {
    (s.flow.0, s.ssrc, s.is_fax())
}

/// Tells whether something came since, without going through all streams: it is asked for each cell of a table.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    /// Packets of media.
    taken: u64,
    messages: usize,
    stun: u64,
    revision: u64,
}

/// What was worked out last.
#[derive(Debug, Default)]
pub(in crate::correlate) struct MediaCache(Mutex<Option<(Stamp, Arc<MediaIndex>)>>);

impl Analysis {
    /// The streams, worked out anew only where something came since they were last asked for.
    pub fn media_index(&self) -> Arc<MediaIndex> {
        let stamp = Stamp {
            taken: self.media.taken,
            messages: self.messages.len(),
            stun: self.stun.statistics.messages,
            revision: self.revision,
        };
        let mut known = self.media_cache.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, index)) = known.as_ref().filter(|(of, _)| *of == stamp) {
            return index.clone();
        }
        let index = Arc::new(MediaIndex::new(Arc::new(self.join_media()), |s| {
            let flow = self.flow(s.flow);
            [flow.src.ip(), flow.dst.ip()]
        }));
        *known = Some((stamp, index.clone()));
        index
    }

    /// RTP packets, frames captured twice and streams beyond the limit included; what is too little to tell is not.
    pub fn rtp_packets(&self) -> u64 {
        let of = |s: &MediaStream| self.figures_of(s).map_or(0, |f| f.packets + u64::from(f.captured_twice));
        self.media_index().streams.iter().filter(|s| !s.is_fax()).map(of).sum::<u64>() + self.media.not_kept
    }

    /// RTCP compounds, frames captured twice included.
    pub fn rtcp_packets(&self) -> u64 {
        self.media.reports.compounds + self.media.reports.captured_twice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last to begin is not the last to end.
    #[test]
    fn some_ran_at_a_time() {
        let times = Times::of(vec![(12, 13), (2, 3), (10, 40)]);
        for (from, until, ran) in [
            (0, 1, false),
            (0, 2, true),
            (3, 9, true),
            (4, 9, false),
            (14, 20, true),
            (40, 99, true),
            (41, 99, false),
        ] {
            assert_eq!(times.any_in(from, until), ran, "{from} to {until}");
        }
    }
}
