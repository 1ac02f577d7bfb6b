//! Streams with what they belong to: the media section that announced them, the call, the relay, what the other end
//! heard of them. Worked out when asked for.

use std::borrow::Cow;
use std::net::SocketAddr;

use callscope_parsers::rtp::static_payload;

use super::{Heard, Sender, Stream, StreamIdx};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::correlate::stun::AllocationIdx;

/// Where a stream's figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamSource {
    Stream(StreamIdx),
    /// Index in [`super::Media::doubtful`]: too few packets to tell by themselves, but SDP names where they went.
    Announced(u32),
}

/// How it is known what a payload type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodecSource {
    /// An `a=rtpmap` of the call's SDP.
    Sdp,
    /// RFC 3551.
    Static,
    /// What OCS and Lync use the number for; no SDP was there to ask.
    Fallback,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    pub name: String,
    /// Hz, as signalled; 0 where SDP says so.
    pub clock: u32,
    pub channels: u8,
    pub source: CodecSource,
}

impl Codec {
    /// As in `a=rtpmap`: `PCMU/8000`, `opus/48000/2`.
    pub fn text(&self) -> String {
        match self.channels {
            0 | 1 => format!("{}/{}", self.name, self.clock),
            n => format!("{}/{}/{n}", self.name, self.clock),
        }
    }
}

/// The media section that a stream is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSection {
    /// Its number in the description, from 0.
    pub index: usize,
    /// `audio`, `video` …
    pub kind: String,
    /// The message whose description announced where the stream goes to.
    pub message: MsgIdx,
}

/// How a stream is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Told by SDP (`a=crypto`, a fingerprint, an SAVP profile that was agreed) or by a DTLS handshake on the flow.
    Srtp,
    /// By the size of its payload, which is that of the codec and a tag more.
    SrtpBySize,
}

/// A stream that goes through a relay at the capture point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamRelay {
    pub allocation: AllocationIdx,
    pub server: SocketAddr,
    pub relayed: Option<SocketAddr>,
    pub peer: Option<SocketAddr>,
}

/// A MOS by the E-model (ITU-T G.107 with the constants of G.113 Appendix I; fact page rtp-media.md §5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mos {
    pub value: f64,
    pub r: f64,
    /// Equipment impairment and robustness against loss of the codec.
    pub ie: f64,
    pub bpl: f64,
    /// One way, from mouth to ear, ms; whether it was measured (half of RTCP's round trip) or assumed.
    pub delay_ms: f64,
    pub delay_measured: bool,
}

/// A stream and what it belongs to.
#[derive(Debug, Clone)]
pub struct MediaStream {
    pub source: StreamSource,
    pub flow: FlowId,
    pub ssrc: u32,
    pub first: Nanos,
    pub call: Option<CallIdx>,
    pub section: Option<StreamSection>,
    /// It runs from the caller to the callee.
    pub from_caller: Option<bool>,
    /// The payload type of most packets that are neither telephone events nor comfort noise.
    pub payload_type: u8,
    pub codec: Option<Codec>,
    /// The codecs of the other payload types, in order of their first packet.
    pub other_codecs: Vec<(u8, Option<Codec>)>,
    /// Payload types that the call's SDP does not have.
    pub unannounced_types: Vec<u8>,
    pub protection: Option<Protection>,
    pub relay: Option<StreamRelay>,
    /// The ICE session of the call (its place among the call's) and the pair in it that carries the stream.
    pub pair: Option<(usize, usize)>,
    /// `a=ptime` of who receives it, ms; and what most packets have.
    pub ptime_asked: Option<u32>,
    pub ptime_used: Option<f64>,
    /// Keys pressed: `1`, `#` …
    pub keys: String,
    /// In [`super::Reports::heard`] and [`super::Reports::senders`].
    pub heard: Option<usize>,
    pub sender: Option<usize>,
    pub mos: Option<Mos>,
    /// No SDP of the call names where it goes to, though one names where it comes from.
    pub unsignalled: bool,
    /// Packets behind the BYE that ended the call, by more than it takes the BYE to arrive.
    pub after_end: Option<Nanos>,
    /// Its loss and jitter end with a hold that SDP agreed to.
    pub held: bool,
    /// The same stream captured elsewhere on its way, in order of the way; itself among them. Empty where it is alone.
    /// Numbers are those of [`Analysis::media_streams`].
    pub hops: Vec<usize>,
}

impl Analysis {
    /// All streams in order of their first packet; the id of each in the JSON is its place plus 1.
    pub fn media_streams(&self) -> Vec<MediaStream> {
        let mut out: Vec<MediaStream> = (0..self.media.streams.len() as u32)
            .filter_map(|i| Some(self.bare_stream(StreamIdx(i), self.media.stream(StreamIdx(i))?)))
            .collect();
        out.sort_by_key(|s| (s.first, s.flow.0, s.ssrc));
        out
    }

    fn bare_stream(&self, at: StreamIdx, stream: &Stream) -> MediaStream {
        let payload_type = stream.types().next().map_or(0, |t| t.payload_type);
        let codec = static_payload(payload_type).map(|p| Codec {
            name: p.name.to_owned(),
            clock: p.clock,
            channels: p.channels,
            source: CodecSource::Static,
        });
        MediaStream {
            source: StreamSource::Stream(at),
            flow: stream.flow,
            ssrc: stream.ssrc,
            first: stream.first,
            call: None,
            section: None,
            from_caller: None,
            payload_type,
            codec,
            other_codecs: Vec::new(),
            unannounced_types: Vec::new(),
            protection: None,
            relay: None,
            pair: None,
            ptime_asked: None,
            ptime_used: None,
            keys: String::new(),
            heard: None,
            sender: None,
            mos: None,
            unsignalled: false,
            after_end: None,
            held: false,
            hops: Vec::new(),
        }
    }

    /// The figures of a stream.
    pub fn figures_of(&self, s: &MediaStream) -> Option<Cow<'_, Stream>> {
        match s.source {
            StreamSource::Stream(at) => self.media.stream(at).map(Cow::Borrowed),
            StreamSource::Announced(at) => {
                let few = self.media.doubtful().get(at as usize)?;
                let first = few.packets().next()?;
                let mut stream = Stream::new(few.flow, &first);
                few.packets().for_each(|p| stream.push(&p, 8));
                Some(Cow::Owned(stream))
            }
        }
    }

    /// What the other end reports of a stream.
    pub fn heard_of(&self, s: &MediaStream) -> Option<&Heard> {
        self.media.reports.heard.get(s.heard?)
    }

    /// What the source of a stream says of itself.
    pub fn sender_of(&self, s: &MediaStream) -> Option<&Sender> {
        self.media.reports.senders.get(s.sender?)
    }
}
