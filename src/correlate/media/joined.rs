//! Streams with what they belong to: the media section that announced them, the call, the relay, what the other end
//! heard of them. Worked out when asked for.
//!
//! A stream is of the call whose SDP named where it goes to while it ran, else of the one that named where it comes
//! from. Where several calls would do equally it is of none, unless they are legs of one.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Heard, KeyExchange, KeyProtocol, KeyState, Sender, Stream, StreamIdx};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::correlate::stun::{AllocationIdx, GroupIdx};

mod belong;
mod course;
mod describe;
mod few;
mod hops;
mod paths;
mod quality;
mod relay;
mod reported;
mod section;
mod sides;
mod terms;
#[cfg(test)]
mod tests;

pub use few::Few;
pub use paths::StreamPair;
pub use quality::{ASSUMED_DELAY_MS, CodecConstants};
pub use sides::SectionMedia;
pub use terms::StreamTerms;

use belong::{Names, Place, Sought};
use paths::OnPair;
use relay::{Ends, Twins};
use reported::Reported;
use section::Joint;

/// Streams on one flow among which the other direction of one is looked for.
const MOST_ON_FLOW: usize = 256;

/// Where a stream's figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StreamSource {
    Stream(StreamIdx),
    /// Index in [`super::Media::doubtful`]: too few packets to tell by themselves, but SDP names where they went.
    Announced(u32),
    /// Index in [`super::Faxes::list`].
    Fax(u32),
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

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
            _ if self.clock == 0 => self.name.clone(),
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
    /// Told by SDP (`a=crypto`, a fingerprint, an SAVP profile that was agreed), by DTLS or ZRTP that made keys on the flow,
    /// or by its RTCP, which is encrypted.
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
    /// Loss it was taken for: what the capture missed, in % of what was sent. The capture point is the vantage.
    pub loss_pct: f64,
    /// One way, from mouth to ear, ms; whether it was measured (half of RTCP's round trip) or assumed.
    pub delay_ms: f64,
    pub delay_measured: bool,
}

/// Where packets of a stream were lost, by the reports of who receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossSplit {
    /// Missing at the capture point: lost before it.
    pub before: u64,
    /// What the receiver says it misses.
    pub reported: u64,
    /// Of these those that passed the capture point: lost behind it.
    pub after: u64,
    /// Missing here and not at the receiver: lost by the capture itself.
    pub not_captured: u64,
    /// Time of the report; losses since then are in none of these.
    pub until: Nanos,
}

/// Where a DSCP mark changes on the way of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DscpChange {
    pub from: u8,
    pub to: u8,
    /// The streams before and after it, numbers of [`Analysis::media_streams`]; the same where the frames of one flow were
    /// captured twice.
    pub before: usize,
    pub after: usize,
}

/// A time in which SDP did not have a section run both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    pub from: Nanos,
    pub until: Nanos,
    /// This direction was to stop; else only the other one, and this one may carry music.
    pub stops: bool,
}

/// What a stream goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Another source on the same flow: the sender began anew.
    Source(usize),
    /// The same source on another path: ICE chose again, or the call was moved.
    Path(usize),
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
    pub other_calls: Few<CallIdx>,
    /// One for all streams that it is of.
    pub section: Option<Arc<StreamSection>>,
    /// It runs from the caller to the callee.
    pub from_caller: Option<bool>,
    /// The payload type of most packets that are neither telephone events nor comfort noise.
    pub payload_type: u8,
    pub codec: Option<Arc<Codec>>,
    /// The codecs of the other payload types, in order of their first packet.
    pub other_codecs: Few<(u8, Option<Arc<Codec>>)>,
    /// Payload types that the call's SDP does not have.
    pub unannounced_types: Few<u8>,
    /// How it is protected, as far as that can be told. None with [`Secured::Offered`] or [`Secured::Agreed`]: plain though
    /// SRTP was on offer.
    pub protection: Option<Protection>,
    pub secured: Secured,
    /// Both parties agreed on SRTP without tags: its packets have the size of plain ones.
    pub untagged: bool,
    /// The receiver's description has the payload type.
    pub codec_agreed: bool,
    /// It has the codec under this other payload type only.
    pub listed_as: Option<u8>,
    pub relay: Option<Box<StreamRelay>>,
    /// The ICE pair that carries it where no SDP tells of it ([`Analysis::ice_pair_of`] where one does): a group of checks of the
    /// session ([`Analysis::loose_ice_session`]) and its pair.
    pub loose_pair: Option<(GroupIdx, u32)>,
    /// `a=ptime` and `a=maxptime` of who receives it, ms; and what most packets have.
    pub ptime_asked: Option<u32>,
    pub ptime_most: Option<u32>,
    pub ptime_used: Option<f64>,
    /// Keys pressed: `1`, `#` …
    pub keys: Box<str>,
    /// Whether the receiver's description in force has telephone events (RFC 4733); none where it is not known.
    pub keys_taken: Option<bool>,
    /// In [`super::Reports::heard`] and [`super::Reports::senders`].
    pub heard: Option<usize>,
    pub sender: Option<usize>,
    pub mos: Option<Mos>,
    /// Where its losses are, if RTCP tells.
    pub loss: Option<LossSplit>,
    /// From end to end and back, if reports of both ends passed the capture point: the sum of both halves.
    pub round_trip: Option<Nanos>,
    /// The other end sends reports while this runs, and none is about it.
    pub unheard: bool,
    /// The stream of the other direction between the same two addresses.
    pub back: Option<usize>,
    /// No SDP of the call names where it goes to, though one names where it comes from and its receiver named another
    /// address. Whoever finds its peer by where its media comes from (latching) sends so; see `back`.
    pub unsignalled: bool,
    /// Packets behind the BYE that ended the call, by more than it takes the BYE to arrive.
    pub after_end: Option<Nanos>,
    /// It paused or ended in a hold that SDP agreed to.
    pub held: bool,
    pub holds: Few<Hold>,
    pub follows: Option<Follows>,
    /// The same stream captured elsewhere on its way, in order of the way; itself among them. Empty where it is alone.
    /// Numbers are those of [`Analysis::media_streams`].
    pub hops: Few<usize>,
    /// Where its mark changes, over all its hops.
    pub mark_changes: Few<DscpChange>,
}

impl MediaStream {
    /// A fax (T.38): it has neither a source nor a clock nor payload types.
    pub fn is_fax(&self) -> bool {
        matches!(self.source, StreamSource::Fax(_))
    }

    fn new(source: StreamSource, stream: &Stream) -> Self {
        Self {
            source,
            flow: stream.flow,
            ssrc: stream.ssrc,
            first: stream.first,
            last: stream.last,
            call: None,
            call_inferred: false,
            other_calls: Few::default(),
            section: None,
            from_caller: None,
            payload_type: 0,
            codec: None,
            other_codecs: Few::default(),
            unannounced_types: Few::default(),
            protection: None,
            secured: Secured::NotOffered,
            untagged: false,
            codec_agreed: false,
            listed_as: None,
            relay: None,
            loose_pair: None,
            ptime_asked: None,
            ptime_most: None,
            ptime_used: None,
            keys: Box::default(),
            keys_taken: None,
            heard: None,
            sender: None,
            mos: None,
            loss: None,
            round_trip: None,
            unheard: false,
            back: None,
            unsignalled: false,
            after_end: None,
            held: false,
            holds: Few::default(),
            follows: None,
            hops: Few::default(),
            mark_changes: Few::default(),
        }
    }
}

/// A stream on its way to a [`MediaStream`]. There may be hundreds of thousands of them: its ends are worked out whenever
/// somebody wants them.
struct Subject<'a> {
    source: StreamSource,
    stream: &'a Stream,
    place: Option<Box<Place>>,
    on_pair: Option<Box<OnPair>>,
    loose_pair: Option<(GroupIdx, u32)>,
}

impl Subject<'_> {
    fn sought<'e>(&self, ends: &'e Ends) -> Sought<'e> {
        Sought {
            ends,
            first: self.stream.first,
            last: self.stream.last,
            ssrc: self.stream.ssrc,
            payload_type: self.stream.main_type(),
            fax: matches!(self.source, StreamSource::Fax(_)),
        }
    }
}

impl Analysis {
    /// All streams in order of their first packet; the id of each in the JSON is its place plus 1.
    pub fn media_streams(&self) -> Vec<MediaStream> {
        self.joined_media().to_vec()
    }

    /// The same for who only reads: those of [`Analysis::media_index`].
    pub fn joined_media(&self) -> Arc<Vec<MediaStream>> {
        self.media_index().streams.clone()
    }

    pub(super) fn join_media(&self) -> Vec<MediaStream> {
        let few = OnceCell::new();
        let twins = Twins::new(self);
        let (mut subjects, names) = self.subjects(&few, &twins);
        // Those of one call stand together: its descriptions are read once.
        subjects.sort_unstable_by_key(|s| (s.place.as_ref().map(|p| p.call), s.source));
        self.pairs_of(&mut subjects);
        let mut out: Vec<MediaStream> = Vec::with_capacity(subjects.len());
        let mut shared = section::Shared::default();
        for s in subjects.drain(..) {
            let mut m = MediaStream::new(s.source, s.stream);
            let on_pair = s.on_pair.as_deref();
            let relay = self.relay_of(s.stream);
            m.loose_pair = s.loose_pair;
            let plan = s.place.as_ref().map(|p| names.plan(self, p.call));
            let joint = s.place.as_ref().zip(plan.as_deref()).map(|(place, plan)| {
                let is_fax = m.is_fax();
                Joint::new(place, plan, (s.stream, is_fax), on_pair.map(|p| p.section))
            });
            section::fill(&mut m, s.stream, joint.as_ref(), &mut shared);
            if let Some(Joint { place, plan, section, .. }) = joint {
                let known = on_pair.is_some() || relay.is_some_and(|r| r.peer.is_none());
                m.unsignalled = !known && self.is_unsignalled(place, plan, section, s.stream);
                if let Some(section) = section {
                    m.holds = course::holds(plan, section, place.from_caller, s.stream).into();
                    m.held = course::is_held(&m.holds, s.stream);
                }
            }
            m.relay = relay.map(Box::new);
            if let Some(place) = s.place {
                m.call = Some(place.call);
                m.call_inferred = place.inferred;
                m.other_calls = place.others.into();
                m.from_caller = Some(place.from_caller);
            }
            out.push(m);
        }
        drop((subjects, names));
        // In place: a copy of half of them would be the most that is ever held.
        out.sort_unstable_by_key(|s| (s.first, s.flow.0, s.ssrc, s.source));
        self.join_each_other(&mut out);
        out
    }

    /// Flows on which keys for SRTP were made.
    fn keyed_flows(&self) -> HashSet<FlowId> {
        let made = |k: &&KeyExchange| {
            let for_media = k.protocol == KeyProtocol::Zrtp || k.srtp_profile.is_some() || !k.without_srtp;
            k.state == KeyState::Done && for_media
        };
        self.media.keys.list.iter().filter(made).map(|k| k.flow).collect()
    }

    /// What streams say of one another, once each has its number.
    fn join_each_other(&self, list: &mut [MediaStream]) {
        let groups = hops::groups(self, list);
        hops::join(list, &groups);
        hops::follow(self, list);
        for group in &groups {
            let changes = hops::mark_changes(self, list, group);
            // On another stretch of its way it goes where it was asked for.
            let signalled =
                group.iter().filter_map(|i| list.get(*i)).any(|m| m.call.is_some() && !m.unsignalled);
            for i in group {
                if let Some(m) = list.get_mut(*i) {
                    m.mark_changes = changes.clone().into();
                    m.unsignalled &= !signalled;
                }
            }
        }
        let reported = Reported::new(self);
        let keyed = self.keyed_flows();
        let mut by_flow: HashMap<FlowId, Vec<usize>> = HashMap::new();
        for (i, m) in list.iter_mut().enumerate() {
            if !m.is_fax() {
                (m.heard, m.sender) = reported.find(self, m);
            }
            let on_flow = by_flow.entry(m.flow).or_default();
            if on_flow.len() < MOST_ON_FLOW {
                on_flow.push(i);
            }
        }
        for i in 0..list.len() {
            let Some(m) = list.get(i) else { break };
            let there = self.flow(m.flow);
            let reverse = self.find_flow(there.dst, there.src, there.transport);
            let candidates = reverse.and_then(|f| by_flow.get(&f)).into_iter().flatten();
            let near = |j: &usize| {
                let b = list.get(*j)?;
                let kind = |m: &MediaStream| m.section.as_ref().map(|s| s.index);
                let both = b.last.min(m.last).saturating_sub(b.first.max(m.first));
                (kind(b) == kind(m) && b.is_fax() == m.is_fax()).then_some((both, *j))
            };
            let back = candidates.filter_map(near).max().map(|(_, j)| j);
            let half = |m: &MediaStream| self.heard_of(m).and_then(reported::round);
            let round_trip = half(m).zip(back.and_then(|j| half(list.get(j)?))).map(|(a, b)| a + b);
            let from_start = m.call.is_some_and(|c| !self.call(c).summary.starts_mid_call);
            let figures = self.figures_of(m);
            let split = |s: &Stream| reported::split(s, self.heard_of(m)?, from_start);
            let loss = figures.as_deref().and_then(split);
            let alone = if m.hops.is_empty() { hops::mark_changes(self, list, &[i]) } else { Vec::new() };
            let after_end = self.after_end(m);
            let encrypted = self.sender_of(m).is_some_and(|s| s.encrypted > 0);
            let unheard = self.is_unheard(m, back.and_then(|j| list.get(j)));
            let Some(m) = list.get_mut(i) else { break };
            (m.back, m.round_trip, m.loss, m.after_end) = (back, round_trip, loss, after_end);
            m.unheard = unheard;
            let keyed = encrypted || keyed.contains(&m.flow) || reverse.is_some_and(|f| keyed.contains(&f));
            if let Some(s) = figures.as_deref().filter(|_| keyed) {
                m.protection = section::protection(m, s, keyed);
            }
            if !alone.is_empty() {
                m.mark_changes = alone.into();
            }
            m.mos = figures.as_deref().and_then(|s| quality::mos(m, s));
        }
    }

    /// The streams there are, each with its ends and its call.
    /// `few` is for what is too little to tell by itself whether it is RTP: there may be very much of it, of which only what
    /// went to an address that some description names is looked at.
    fn subjects<'a>(
        &'a self,
        few: &'a OnceCell<Vec<(u32, Stream)>>,
        twins: &Twins,
    ) -> (Vec<Subject<'a>>, Names) {
        let certain = self.media.streams.len() + self.media.faxes.list.len();
        let streams = (0u32..).map(StreamIdx).zip(&self.media.streams);
        let streams = streams.map(|(at, stream)| (StreamSource::Stream(at), stream));
        let faxes = (0u32..).zip(&self.media.faxes.list);
        let faxes = faxes.map(|(at, fax)| (StreamSource::Fax(at), &fax.stream));
        let subject =
            |(source, stream)| Subject { source, stream, place: None, on_pair: None, loose_pair: None };
        let mut out: Vec<Subject<'_>> = Vec::with_capacity(certain);
        out.extend(streams.chain(faxes).map(subject));
        if self.calls.is_empty() {
            return (out, Names::default());
        }
        let doubtful = || {
            let waiting = (0u32..).zip(self.media.doubtful()).filter(|(_, d)| d.is_all());
            waiting.map(|(at, d)| (at, d, self.flow(d.flow).dst))
        };
        let mut wanted: HashSet<SocketAddr, _> = doubtful().map(|(.., dst)| dst).collect();
        for s in &out {
            let ends = self.ends_of(s.stream, twins);
            wanted.extend(ends.to.iter().chain(&ends.from).map(|(a, _)| *a));
        }
        let mut times: Vec<(Nanos, Nanos)> = out.iter().map(|s| (s.stream.first, s.stream.last)).collect();
        times.extend(doubtful().filter_map(|(_, d, _)| d.packets().next()).map(|p| (p.time, p.time)));
        let names = Names::gather(self, &wanted, &joined_spans(&mut times));
        let named = doubtful().filter(|(.., dst)| names.has(*dst));
        let few = few.get_or_init(|| named.filter_map(|(at, d, _)| Some((at, d.stream()?))).collect());
        out.extend(few.iter().map(|(at, stream)| subject((StreamSource::Announced(*at), stream))));
        for s in &mut out {
            s.place = names.place(self, &s.sought(&self.ends_of(s.stream, twins))).map(Box::new);
        }
        // What may be no RTP at all must go where RTP of its type was asked for.
        let mut at = 0;
        out.retain(|s| {
            at += 1;
            let expects = |p: &Place| names.expects(self, p, &s.sought(&self.ends_of(s.stream, twins)));
            at <= certain || s.place.as_deref().is_some_and(expects)
        });
        (out, names)
    }

    /// The figures of a stream.
    pub fn figures_of(&self, s: &MediaStream) -> Option<Cow<'_, Stream>> {
        match s.source {
            StreamSource::Stream(at) => self.media.stream(at).map(Cow::Borrowed),
            StreamSource::Fax(at) => self.media.faxes.list.get(at as usize).map(|f| Cow::Borrowed(&f.stream)),
            StreamSource::Announced(at) => self.media.doubtful().get(at as usize)?.stream().map(Cow::Owned),
        }
    }

    /// Lost packets of a fax whose content came in others.
    pub fn recovered_of(&self, s: &MediaStream) -> Option<u64> {
        let StreamSource::Fax(at) = s.source else { return None };
        self.media.faxes.list.get(at as usize).map(|f| f.recovered)
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
