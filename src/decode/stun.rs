//! STUN, TURN and the media that is only counted, as they come out of a capture.

use std::net::SocketAddr;

use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::sip;
use callscope_parsers::stun::stream::multiplexed_datagram;
use callscope_parsers::stun::{Class, Dialect, MessageType, Method, StunScan, parse_channel_data, scan_stun};

use super::media::{MediaKind, MediaPacket};
use super::{DecodedSip, Place, Sink, Transport, Way, name_hash};
use crate::capture::{FrameRef, Nanos};

/// A STUN or TURN message, or what was in a channel of a relay.
#[derive(Debug, Clone, Copy)]
pub struct DecodedStun<'a> {
    pub facts: &'a StunFacts,
    /// The STUN message.
    pub message: &'a [u8],
    /// Channel of the ChannelData that carried it; 0 for none.
    pub channel: u16,
    /// Of the whole payload, ChannelData header included.
    pub place: Place<'a>,
    pub frame: FrameRef,
    /// The earlier frames it lies in.
    pub parts: &'a [FrameRef],
    pub time: Nanos,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    /// See [`super::Keys::flow_hash`]; none where no worker had it in hand.
    pub flow: Option<u64>,
    pub duplicate: bool,
    pub cut: bool,
    pub dscp: u8,
    /// It proves nothing by itself, and its flow has carried RTP: only a flow that spoke STUN before has such messages.
    pub doubtful: bool,
}

/// What correlation needs of any STUN message, read ahead where there is time for it: on the workers.
#[derive(Debug, Clone, Copy)]
pub struct StunFacts {
    pub kind: MessageType,
    pub class: Class,
    pub method: Method,
    pub dialect: Dialect,
    /// Hash of the transaction id.
    pub transaction: u64,
    /// [`name_hash`] of the receiver's and the sender's name, of a check.
    pub names: Option<(u64, u64)>,
    /// Component that the USERNAME of [MS-ICE] names.
    pub component: Option<u8>,
    pub priority: Option<u32>,
    /// Of ERROR-CODE; 0 without.
    pub error: u16,
    pub use_candidate: bool,
    pub controlling: bool,
    pub controlled: bool,
    pub malformed: bool,
    /// It has a cookie, or says in another way what dialect it is of: media does not look so.
    pub proved: bool,
    /// The sender's address as a server sees it, in the answer to a Binding.
    pub mapped: Option<SocketAddr>,
}

impl StunFacts {
    pub fn of(scan: &StunScan<'_>) -> Self {
        let (class, method) = (scan.class(), scan.method());
        let request = class == Class::Request;
        let binding = matches!(method, Method::BINDING | Method::GOOG_PING);
        let names = if request && binding { names(scan) } else { None };
        Self {
            kind: scan.message_type(),
            class,
            method,
            dialect: scan.dialect(),
            transaction: name_hash(&scan.transaction()),
            names: names.map(|(receiver, sender, _)| (name_hash(receiver), name_hash(sender))),
            component: names.and_then(|(.., component)| component),
            priority: if request { scan.priority() } else { None },
            error: if class == Class::Error { scan.error().map_or(0, |(code, _)| code) } else { 0 },
            use_candidate: request && scan.use_candidate(),
            controlling: request && scan.controlling().is_some(),
            controlled: request && scan.controlled().is_some(),
            malformed: scan.is_malformed(),
            proved: scan.proves_dialect(),
            mapped: if class == Class::Success && binding { scan.mapped() } else { None },
        }
    }
}

/// Receiver's and sender's name in the USERNAME of a check, and the component where it stands there; none where it
/// names only one party.
fn names<'a>(scan: &StunScan<'a>) -> Option<(&'a [u8], &'a [u8], Option<u8>)> {
    if let Some(name) = scan.check_username() {
        return Some((name.receiver, name.sender, name.component));
    }
    // Google's and MSN's clients run two names of equal length together.
    let name = scan.username().filter(|n| scan.dialect() == Dialect::Google && n.len().is_multiple_of(2))?;
    let (receiver, sender) = name.split_at(name.len() / 2);
    Some((receiver, sender, None))
}

/// A datagram that is STUN, or ChannelData with STUN inside: `start` and `len` give its bytes in the batch.
#[derive(Debug, Clone, Copy)]
pub struct StunEvent {
    pub start: u32,
    pub len: u32,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    /// See [`super::Keys::flow_hash`].
    pub flow: u64,
    pub cut: bool,
    pub dscp: u8,
    /// As in [`DecodedStun`], and where the STUN message begins.
    pub channel: u16,
    pub inside: u16,
    pub facts: StunFacts,
}

/// Hash of a transaction id (with the cookie, RFC 8489 §5: the 16 bytes behind type and length) as records keep it.
pub(super) fn transaction_of(id: &[u8]) -> u32 {
    name_hash(id) as u32
}

/// Whether the beginning of a datagram, cut anywhere, is media or DTLS, itself or in a channel: no message was lost.
pub(super) fn is_quoted_media(datagram: &[u8]) -> bool {
    let is_media = |first: Option<&u8>| matches!(first, Some(20..=31 | 128..));
    match datagram {
        // The letters of text stand in the same range, and no text is a channel of so few bytes.
        [0x40..=0x4F, _, 0..=5, _, rest @ ..] => is_media(rest.first()),
        _ => is_media(datagram.first()),
    }
}

/// That of the STUN message which the beginning of a datagram is, or that a relay carries in it; none where the id is
/// not all there.
pub(super) fn quoted_transaction(datagram: &[u8]) -> Option<u32> {
    let message = match datagram.first()? {
        0..=3 => datagram,
        0x40..=0x7F => datagram.get(4..).filter(|m| matches!(m.first(), Some(0..=3)))?,
        _ => return None,
    };
    let own = message.get(4..20)?;
    let scan = scan_stun(message, None)?;
    let data = scan.data().filter(|_| matches!(scan.method(), Method::SEND | Method::DATA));
    let inner = data.filter(|d| matches!(d.first(), Some(0..=3))).and_then(|d| d.get(4..20));
    Some(transaction_of(inner.unwrap_or(own)))
}

/// What a payload that began like ChannelData holds.
pub(super) enum InChannel<'a> {
    Stun,
    Media(MediaPacket<'a>),
    /// Begins like a SIP message.
    Sip(u16, &'a [u8]),
}

pub(super) fn in_channel(payload: &[u8]) -> Option<InChannel<'_>> {
    let found = parse_channel_data(payload)?;
    let data = payload.get(found.data)?;
    let media = |kind| InChannel::Media(MediaPacket::new(found.channel, kind, data));
    Some(match probe_datagram(data) {
        Probe::Stun => InChannel::Stun,
        Probe::Sip => InChannel::Sip(found.channel, data),
        Probe::Rtp => media(MediaKind::Rtp),
        Probe::Rtcp => media(MediaKind::Rtcp),
        _ => media(MediaKind::Other),
    })
}

/// Media in ChannelData whose end the capture does not hold.
pub(super) fn in_cut_channel(payload: &[u8], missing: u32) -> Option<MediaPacket<'_>> {
    let (&[c0, c1, l0, l1], data) = payload.split_first_chunk::<4>()?;
    let channel = u16::from_be_bytes([c0, c1]);
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let whole = payload.len().checked_add(missing as usize)?;
    let fits = len + 4 == whole || (len + 4).next_multiple_of(4) == whole;
    // All that begins so and is cut passes here: only what holds media as well is believed.
    let is_media = missing > 0 && fits && (0x4000..0x8000).contains(&channel);
    let kind = match data {
        [0x80..=0xBF, 192..=223, ..] if is_media => MediaKind::Rtcp,
        [0x80..=0xBF, ..] if is_media => MediaKind::Rtp,
        _ => return None,
    };
    Some(MediaPacket { channel, kind, bytes: data.get(..len).unwrap_or(data), len })
}

/// What a datagram of multiplexed TURN carries.
pub(super) fn multiplexed(payload: &[u8]) -> Option<&[u8]> {
    payload.get(multiplexed_datagram(payload)?)
}

/// Channel (0 without), beginning of the STUN message, and what it says.
pub(super) fn stun_in(payload: &[u8]) -> Option<(u16, u16, StunFacts)> {
    if let Some(0..=3) = payload.first() {
        return Some((0, 0, StunFacts::of(&scan_stun(payload, None)?)));
    }
    if let Some(inside) = multiplexed(payload) {
        return Some((0, 12, StunFacts::of(&scan_stun(inside, None)?)));
    }
    let found = parse_channel_data(payload)?;
    let facts = StunFacts::of(&scan_stun(payload.get(found.data.clone())?, None)?);
    Some((found.channel, u16::try_from(found.data.start).ok()?, facts))
}

/// Hands a payload that is STUN, or ChannelData with STUN inside, to the sink. `false`: it was not kept.
pub(super) fn give(payload: &[u8], at: &DecodedAt<'_>, sink: &mut impl Sink) -> bool {
    stun_in(payload)
        .is_none_or(|(channel, inside, facts)| give_known(payload, channel, inside, &facts, at, sink))
}

/// The same where it was read ahead.
pub(super) fn give_known(
    payload: &[u8],
    channel: u16,
    inside: u16,
    facts: &StunFacts,
    at: &DecodedAt<'_>,
    sink: &mut impl Sink,
) -> bool {
    sink.stun(&DecodedStun {
        facts,
        message: payload.get(usize::from(inside)..).unwrap_or_default(),
        channel,
        place: at.place,
        frame: at.frame,
        parts: at.parts,
        time: at.time,
        src: at.src,
        dst: at.dst,
        transport: at.transport,
        flow: at.flow,
        duplicate: at.duplicate,
        cut: at.cut,
        dscp: at.dscp,
        doubtful: at.doubtful && !facts.proved,
    })
}

/// Hands SIP that a relay carries to the sink. `false`: it was not kept; none: it is no SIP after all.
pub(super) fn give_sip(
    bytes: &[u8],
    channel: u16,
    at: &DecodedAt<'_>,
    hasher: &foldhash::fast::RandomState,
    sink: &mut impl Sink,
) -> Option<bool> {
    use std::hash::BuildHasher;
    let start = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(0);
    let bytes = bytes.get(start..).unwrap_or_default();
    let scan = sip::scan(bytes)?;
    let DecodedAt { frame, parts, time, src, dst, transport, duplicate, cut, .. } = *at;
    let place = match at.place {
        Place::File { offset, len } => {
            Place::File { offset: offset + start as u64, len: len.saturating_sub(start as u32) }
        }
        Place::Memory(_) => Place::Memory(bytes),
    };
    let way = Way { frame, parts, time, src, dst, transport };
    let message = DecodedSip::new(&scan, bytes, hasher.hash_one(bytes), way);
    let dscp = Some(at.dscp);
    Some(sink.carried_sip(&DecodedSip { place, duplicate, cut, dscp, ..message }, channel))
}

/// Where a payload comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecodedAt<'a> {
    pub place: Place<'a>,
    pub frame: FrameRef,
    pub parts: &'a [FrameRef],
    pub time: Nanos,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    /// See [`super::Keys::flow_hash`]; none where no worker had it in hand.
    pub flow: Option<u64>,
    pub duplicate: bool,
    pub cut: bool,
    pub dscp: u8,
    pub doubtful: bool,
}
