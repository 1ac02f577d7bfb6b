//! The streams of an analysis worked out once for all who ask: tables, filters, overviews.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::MediaStream;
use crate::correlate::Analysis;
use crate::correlate::model::CallIdx;

/// All streams, and which of them are of which call.
#[derive(Debug, Clone, Default)]
pub struct MediaIndex {
    /// As [`Analysis::media_streams`] gives them.
    pub streams: Vec<MediaStream>,
    of_calls: HashMap<CallIdx, Vec<u32>>,
}

impl MediaIndex {
    fn new(streams: Vec<MediaStream>) -> Self {
        let mut of_calls: HashMap<CallIdx, Vec<u32>> = HashMap::new();
        for (at, stream) in (0u32..).zip(&streams) {
            if let Some(call) = stream.call {
                of_calls.entry(call).or_default().push(at);
            }
        }
        Self { streams, of_calls }
    }

    pub fn stream(&self, at: u32) -> Option<&MediaStream> {
        self.streams.get(at as usize)
    }

    /// Places of a call's streams, in order of their first packet.
    pub fn places_of(&self, call: CallIdx) -> &[u32] {
        self.of_calls.get(&call).map_or(&[], Vec::as_slice)
    }

    pub fn of_call(&self, call: CallIdx) -> impl Iterator<Item = (u32, &MediaStream)> {
        self.places_of(call).iter().filter_map(|at| Some((*at, self.stream(*at)?)))
    }
}

/// Tells whether something came since.
type Stamp = (u64, usize, usize, usize, u64);

/// What was worked out last.
#[derive(Debug, Default)]
pub(in crate::correlate) struct IndexCache(Mutex<Option<(Stamp, Arc<MediaIndex>)>>);

impl Analysis {
    /// The streams, worked out anew only where something came since they were last asked for.
    pub fn media_index(&self) -> Arc<MediaIndex> {
        let stamp = (
            self.captures.iter().map(|c| c.frames).sum(),
            self.messages.len(),
            self.stun.records.len(),
            self.media.streams.len(),
            self.media.reports.compounds,
        );
        let mut known = self.media_index_cache.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, index)) = known.as_ref().filter(|(of, _)| *of == stamp) {
            return index.clone();
        }
        let index = Arc::new(MediaIndex::new(self.media_streams()));
        *known = Some((stamp, index.clone()));
        index
    }

    /// RTP packets, frames captured twice and streams beyond the limit included; what is too little to tell is not.
    pub fn rtp_packets(&self) -> u64 {
        let of = |s: &MediaStream| self.figures_of(s).map_or(0, |f| f.packets + u64::from(f.captured_twice));
        self.media_index().streams.iter().map(of).sum::<u64>() + self.media.not_kept
    }

    /// RTCP compounds, frames captured twice included.
    pub fn rtcp_packets(&self) -> u64 {
        self.media.reports.compounds + self.media.reports.captured_twice
    }
}
