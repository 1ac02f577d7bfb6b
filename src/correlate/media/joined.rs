//! Streams with what they belong to: the media section that announced them, the call, the relay, what the other end
//! heard of them. Worked out when asked for.
//!
//! A stream is of the call whose SDP named where it goes to while it ran, else of the one that named where it comes
//! from. Where several calls would do equally it is of none, unless they are legs of one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::SocketAddr;

use super::{Heard, Sender, Stream, StreamIdx};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::correlate::stun::AllocationIdx;

mod belong;
mod describe;
mod relay;
mod section;

use belong::{Names, Place, Sought};
use relay::{Ends, Twins};
use section::Joint;

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

/// What a call's SDP says of SRTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Secured {
    #[default]
    NotOffered,
    /// By one party; the other did not take it, or did not say.
    Offered,
    Agreed,
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
    pub last: Nanos,
    pub call: Option<CallIdx>,
    /// No description names it at this capture point, or several calls would do.
    pub call_inferred: bool,
    /// Calls that name the same ends at the same time (legs of one call), or that used them at another time.
    pub other_calls: Vec<CallIdx>,
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
    /// How it is protected, as far as that can be told. None with [`Secured::Offered`] or [`Secured::Agreed`]: plain though
    /// SRTP was on offer.
    pub protection: Option<Protection>,
    pub secured: Secured,
    /// The receiver's description has the payload type.
    pub codec_agreed: bool,
    pub relay: Option<StreamRelay>,
    /// The ICE session of the call (its place among the call's) and the pair in it that carries the stream.
    pub pair: Option<(usize, usize)>,
    /// `a=ptime` and `a=maxptime` of who receives it, ms; and what most packets have.
    pub ptime_asked: Option<u32>,
    pub ptime_most: Option<u32>,
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

impl MediaStream {
    fn new(source: StreamSource, stream: &Stream) -> Self {
        Self {
            source,
            flow: stream.flow,
            ssrc: stream.ssrc,
            first: stream.first,
            last: stream.last,
            call: None,
            call_inferred: false,
            other_calls: Vec::new(),
            section: None,
            from_caller: None,
            payload_type: 0,
            codec: None,
            other_codecs: Vec::new(),
            unannounced_types: Vec::new(),
            protection: None,
            secured: Secured::NotOffered,
            codec_agreed: false,
            relay: None,
            pair: None,
            ptime_asked: None,
            ptime_most: None,
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
}

/// A stream on its way to a [`MediaStream`].
struct Subject<'a> {
    source: StreamSource,
    stream: Cow<'a, Stream>,
    ends: Ends,
    place: Option<Place>,
}

impl Subject<'_> {
    fn sought(&self) -> Sought<'_> {
        Sought {
            ends: &self.ends,
            first: self.stream.first,
            last: self.stream.last,
            ssrc: self.stream.ssrc,
            payload_type: self.stream.types().next().map_or(0, |t| t.payload_type),
        }
    }
}

impl Analysis {
    /// All streams in order of their first packet; the id of each in the JSON is its place plus 1.
    pub fn media_streams(&self) -> Vec<MediaStream> {
        let (mut subjects, names) = self.subjects();
        let mut out: Vec<MediaStream> = Vec::with_capacity(subjects.len());
        for s in subjects.drain(..) {
            let mut m = MediaStream::new(s.source, &s.stream);
            m.relay = s.ends.relay;
            let plan = s.place.as_ref().and_then(|p| Some((p, names.plans.get(&p.call)?)));
            let joint =
                plan.map(|(place, plan)| Joint::new(place, plan, s.stream.ssrc, s.sought().payload_type));
            section::fill(&mut m, &s.stream, joint.as_ref());
            if let Some(place) = s.place {
                m.call = Some(place.call);
                m.call_inferred = place.inferred;
                m.other_calls = place.others;
                m.from_caller = Some(place.from_caller);
            }
            out.push(m);
        }
        out.sort_by_key(|s| (s.first, s.flow.0, s.ssrc));
        out
    }

    /// The streams there are, each with its ends and its call.
    fn subjects(&self) -> (Vec<Subject<'_>>, Names) {
        let twins = Twins::new(self);
        let subject = |source, stream: Cow<'_, Stream>| {
            let ends = self.ends_of(&stream, &twins);
            (source, ends)
        };
        let mut out: Vec<Subject<'_>> = Vec::with_capacity(self.media.streams.len());
        for (at, stream) in (0u32..).map(StreamIdx).zip(&self.media.streams) {
            let (source, ends) = subject(StreamSource::Stream(at), Cow::Borrowed(stream));
            out.push(Subject { source, stream: Cow::Borrowed(stream), ends, place: None });
        }
        let certain = out.len();
        for (at, few) in (0u32..).zip(self.media.doubtful()) {
            if let Some(stream) = few.stream() {
                let (source, ends) = subject(StreamSource::Announced(at), Cow::Borrowed(&stream));
                out.push(Subject { source, stream: Cow::Owned(stream), ends, place: None });
            }
        }
        if out.is_empty() {
            return (out, Names::default());
        }
        let all = || out.iter().flat_map(|s| s.ends.to.iter().chain(&s.ends.from));
        let wanted: HashSet<SocketAddr, _> = all().map(|(a, _)| *a).collect();
        let mut times: Vec<(Nanos, Nanos)> = out.iter().map(|s| (s.stream.first, s.stream.last)).collect();
        let names = Names::gather(self, &wanted, &joined_spans(&mut times));
        for s in &mut out {
            s.place = names.place(self, &s.sought());
        }
        // What may be no RTP at all must go where RTP of its type was asked for.
        let mut at = 0;
        out.retain(|s| {
            at += 1;
            at <= certain || s.place.as_ref().is_some_and(|p| names.expects(p, &s.sought()))
        });
        (out, names)
    }

    /// The figures of a stream.
    pub fn figures_of(&self, s: &MediaStream) -> Option<Cow<'_, Stream>> {
        match s.source {
            StreamSource::Stream(at) => self.media.stream(at).map(Cow::Borrowed),
            StreamSource::Announced(at) => self.media.doubtful().get(at as usize)?.stream().map(Cow::Owned),
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

/// Spans of time in order, those that touch joined.
fn joined_spans(spans: &mut [(Nanos, Nanos)]) -> Vec<(Nanos, Nanos)> {
    spans.sort_unstable();
    let mut out: Vec<(Nanos, Nanos)> = Vec::new();
    for &mut (first, last) in spans {
        match out.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => out.push((first, last)),
        }
    }
    out
}
