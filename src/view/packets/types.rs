//! What the SDP of their call says of the packets on a flow.

use std::net::SocketAddr;

use crate::capture::Nanos;
use crate::correlate::media::{Codec, StreamTerms};
use crate::correlate::{Analysis, FlowId, Transport};

/// A flow at a time; nothing where there is no analysis to ask.
#[derive(Clone, Copy, Default)]
pub struct Types<'a> {
    of: Option<(&'a Analysis, FlowId, Nanos)>,
}

/// What is known of the packets of one source.
#[derive(Debug, Default)]
pub struct SourceTypes {
    terms: Option<StreamTerms>,
    time: Nanos,
    /// What people typed is to be replaced.
    pub redacted: bool,
}

impl<'a> Types<'a> {
    pub fn of(
        analysis: &'a Analysis,
        src: SocketAddr,
        dst: SocketAddr,
        transport: Transport,
        time: Nanos,
    ) -> Self {
        Self { of: analysis.find_flow(src, dst, transport).map(|flow| (analysis, flow, time)) }
    }

    /// Whether fax goes there.
    pub fn is_fax(&self) -> bool {
        let Some((analysis, flow, _)) = self.of else { return false };
        let flow = analysis.flow(flow);
        flow.transport == Transport::Udp && analysis.media.faxes.carries(flow.src, flow.dst)
    }

    /// What is known of a source on it.
    pub fn source(&self, ssrc: u32) -> SourceTypes {
        let Some((analysis, flow, time)) = self.of else { return SourceTypes::default() };
        SourceTypes { terms: analysis.stream_terms(flow, ssrc), time, redacted: analysis.redact_text }
    }
}

impl SourceTypes {
    /// As the SDP in force has it.
    pub fn codec(&self, payload_type: u8) -> Option<Codec> {
        self.terms.as_ref()?.codec(payload_type, self.time)
    }

    /// The number of the call whose SDP speaks, from 1.
    pub fn call(&self) -> Option<u64> {
        self.terms.as_ref()?.call().map(|c| u64::from(c.0) + 1)
    }

    /// URI of a header extension's element.
    pub fn extension(&self, id: u8) -> Option<String> {
        self.terms.as_ref()?.extension(id, self.time)
    }

    /// Its payload is encrypted.
    pub fn is_protected(&self) -> bool {
        let stream = self.terms.as_ref().and_then(StreamTerms::stream);
        stream.is_some_and(|s| s.protection.is_some())
    }
}
