//! What the descriptions in force say of single packets of a stream.

use std::sync::Arc;

use super::belong::Place;
use super::describe::Plan;
use super::section::Joint;
use super::{Codec, CodecSource, MediaStream};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::media::MediaIndex;
use crate::correlate::model::*;

/// A stream with the descriptions of its call.
#[derive(Debug)]
pub struct StreamTerms {
    index: Arc<MediaIndex>,
    at: u32,
    of: Option<(Place, Plan, usize)>,
}

impl Analysis {
    /// What is known of the packets of a source on a flow; `None` where they are no stream.
    pub fn stream_terms(&self, flow: FlowId, ssrc: u32) -> Option<StreamTerms> {
        let index = self.media_index();
        let at = index.find(flow, ssrc)?;
        let m = index.stream(at)?;
        let of = m.call.zip(m.from_caller).zip(m.section.as_ref()).map(|((call, from_caller), section)| {
            let (to, from, others) = (None, None, Vec::new());
            let place = Place { call, to, from, from_caller, inferred: m.call_inferred, others };
            (place, self.media_plan(call), section.index)
        });
        Some(StreamTerms { index, at, of })
    }
}

impl StreamTerms {
    pub fn stream(&self) -> Option<&MediaStream> {
        self.index.stream(self.at)
    }

    fn joint(&self) -> Option<Joint<'_>> {
        let (place, plan, section) = self.of.as_ref()?;
        Some(Joint::of_section(place, plan, *section))
    }

    /// Its call, where that describes it.
    pub fn call(&self) -> Option<CallIdx> {
        self.of.as_ref().map(|(place, ..)| place.call)
    }

    /// The codec that the call's SDP has for a payload type at a time.
    pub fn codec(&self, payload_type: u8, time: Nanos) -> Option<Codec> {
        let (codec, _) = self.joint()?.codec(payload_type, time);
        codec.filter(|c| c.source == CodecSource::Sdp)
    }

    /// What elements of header extensions with this number are (RFC 8285 §5): a URI.
    pub fn extension(&self, id: u8, time: Nanos) -> Option<String> {
        self.joint()?.extension(id, time)
    }
}
