//! The stateless half, run by workers: slice every frame of a batch, tell its protocol, scan SIP in datagrams.

use std::hash::BuildHasher;
use std::net::SocketAddr;

use callscope_parsers::dns::looks_like_dns;
use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::sip;
use callscope_parsers::udptl::looks_like_udptl;

use super::dns::{DnsEvent, dns_port, is_elsewhere};
use super::media::{MediaFlow, MediaFlows, MediaKind, MediaPacket, makes_keys};
use super::sql::is_sqlr;
use super::stun::{InChannel, StunEvent, in_channel, in_cut_channel, multiplexed, stun_in};
use super::{Keys, Spans, Transport};
use crate::capture::{FrameBatch, FrameHead, LinkType, Nanos, Times};
use crate::limits::Limits;
use crate::net::{PlainUdp, Sliced, datagram_digest, frame_digest, frame_digest_with_tail, slice_other};

/// What is known of a frame before those around it are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Decoded,
    Other,
    NotIp,
    Cut,
    Malformed,
    OverLimit,
    Encrypted,
    /// The next of [`Prepared::sip`].
    Sip,
    /// The next of [`Prepared::stun`].
    Stun,
    /// The next of [`Prepared::dns`].
    Dns,
    /// The next of [`Prepared::media`].
    Media,
    /// To be sliced again in frame order: TCP, SCTP, ICMP, a fragment, a question for SQL Server instances, SIP
    /// inside a relay, what may be fax.
    Ordered,
}

/// A datagram that is a SIP message. `start` and `len` give its bytes in the batch.
#[derive(Debug, Clone, Copy)]
pub struct SipEvent {
    pub start: u32,
    pub len: u32,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub spans: Spans,
    pub digest: u64,
    pub keys: Keys,
    pub cut: bool,
    pub dscp: u8,
}

/// A batch with what its frames are.
#[derive(Debug, Default)]
pub struct Prepared {
    pub batch: FrameBatch,
    /// One a frame.
    pub classes: Vec<Class>,
    /// One a frame; see [`frame_digest`].
    pub digests: Vec<u64>,
    /// One for each [`Class::Sip`], in order.
    pub sip: Vec<SipEvent>,
    /// One for each [`Class::Stun`], in order.
    pub stun: Vec<StunEvent>,
    /// One for each [`Class::Dns`], in order.
    pub dns: Vec<DnsEvent>,
    /// A frame for each [`Class::Media`], in order.
    pub media: MediaFlows,
    pub times: Times,
}

/// Longest payload of a datagram; [`Spans`] count on it.
pub(super) const MAX_DATAGRAM: usize = u16::MAX as usize;

/// What a datagram's payload is.
pub(super) enum Payload<'a> {
    Is(Class),
    /// STUN, or ChannelData with STUN in it.
    Stun,
    Dns,
    /// Counted by its flow.
    Media(MediaPacket<'a>),
    /// DTLS that may be part of a handshake.
    Keys,
    /// Looks like SIP in a TURN channel.
    Carried(u16, &'a [u8]),
    /// To be scanned: it begins like a SIP message, or came by a port of SIP.
    Text(&'a [u8]),
}

/// What goes between two ports; `missing`: bytes of it that the capture does not hold.
pub(super) fn udp_between<'a>(
    payload: &'a [u8],
    (src, dst): (SocketAddr, SocketAddr),
    missing: u32,
    sip_ports: &[u16],
) -> Payload<'a> {
    // The first bytes of a DNS message are any: its ports decide before they do.
    if let Some(port) = dns_port(src, dst)
        && looks_like_dns(payload, port)
    {
        return Payload::Dns;
    }
    let sip_port = sip_ports.contains(&src.port()) || sip_ports.contains(&dst.port());
    udp_payload(payload, missing, sip_port)
}

/// Whether [`udp_between`] would say so of a plain datagram.
#[inline(always)]
fn is_rtp(plain: &PlainUdp<'_>) -> bool {
    let (src, dst) = (SocketAddr::V4(plain.src), SocketAddr::V4(plain.dst));
    dns_port(src, dst).is_none() && probe_datagram(plain.payload()) == Probe::Rtp
}

/// `missing`: bytes of it that the capture does not hold.
fn udp_payload<'a>(payload: &'a [u8], missing: u32, sip_port: bool) -> Payload<'a> {
    let media = |kind, bytes| {
        let len = bytes_on_wire(bytes, missing);
        Payload::Media(MediaPacket { len, ..MediaPacket::new(0, kind, bytes) })
    };
    Payload::Is(match probe_datagram(payload) {
        Probe::Rtp => return media(MediaKind::Rtp, payload),
        Probe::Stun => return Payload::Stun,
        Probe::ChannelData => {
            return match in_channel(payload) {
                Some(InChannel::Media(packet)) => Payload::Media(packet),
                Some(InChannel::Stun) => Payload::Stun,
                Some(InChannel::Sip(channel, bytes)) => Payload::Carried(channel, bytes),
                None => Payload::Is(Class::Other),
            };
        }
        Probe::Rtcp => return media(MediaKind::Rtcp, payload),
        Probe::Dtls if makes_keys(payload) => return Payload::Keys,
        Probe::Dtls => Class::Encrypted,
        Probe::Zrtp => return media(MediaKind::Other, payload),
        Probe::SipKeepAlive => Class::Decoded,
        Probe::Sip => return message_text(payload),
        Probe::Tls | Probe::Http | Probe::Unknown if sip_port => return message_text(payload),
        Probe::Unknown if let Some(inside) = multiplexed(payload) => {
            return match probe_datagram(inside) {
                Probe::Stun => Payload::Stun,
                Probe::Sip => Payload::Carried(0, inside),
                Probe::Rtp => media(MediaKind::Rtp, inside),
                Probe::Rtcp => media(MediaKind::Rtcp, inside),
                _ => media(MediaKind::Other, inside),
            };
        }
        Probe::Tls | Probe::Http | Probe::Unknown => match in_cut_channel(payload, missing) {
            Some(packet) => return Payload::Media(packet),
            None if is_elsewhere(payload) => return Payload::Dns,
            None => Class::Other,
        },
    })
}

/// Length of what ends a datagram that lacks `missing` bytes in the capture.
fn bytes_on_wire(bytes: &[u8], missing: u32) -> usize {
    bytes.len().saturating_add(missing as usize)
}

fn message_text(payload: &[u8]) -> Payload<'_> {
    // No datagram is longer; a frame that claims to be is read as far as one can be.
    let payload = payload.get(..MAX_DATAGRAM).unwrap_or(payload);
    // Keep-alive CRLFs may precede the start line in the same datagram.
    let start = payload.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(0);
    Payload::Text(payload.get(start..).unwrap_or_default())
}

/// The class of [`Payload::Text`] that turned out to be no message.
pub(super) fn no_message(missing: bool) -> Class {
    if missing { Class::Cut } else { Class::Other }
}

/// Fills `prepared` (whose batch was read, everything else may be left from another batch).
pub fn prepare(
    prepared: &mut Prepared,
    limits: &Limits,
    sip_ports: &[u16],
    leg_headers: &[String],
    hasher: &foldhash::fast::RandomState,
) {
    let Prepared { batch, classes, digests, sip, stun, dns, media, times } = prepared;
    *times = Times::default();
    classes.clear();
    digests.clear();
    sip.clear();
    stun.clear();
    dns.clear();
    media.clear();
    classes.reserve(batch.frames.len());
    digests.reserve(batch.frames.len());
    let base = batch.bytes.as_ptr() as usize;
    for head in &batch.frames {
        times.note(head);
        let start = head.start as usize;
        let frame = batch.bytes.get(start..start + head.caplen as usize).unwrap_or_default();
        let link = batch.links.get(head.interface as usize).copied().unwrap_or(LinkType(u16::MAX));
        let plain = PlainUdp::of(link, frame);
        // Most of a capture with media, and nothing else to be asked of it.
        if let Some(datagram) = &plain
            && is_rtp(datagram)
        {
            let start = ((datagram.payload().as_ptr() as usize) - base) as u32;
            media.note_plain(datagram, start, hasher);
            digests.push(datagram_digest(datagram));
            classes.push(Class::Media);
            continue;
        }
        let sliced = slice_other(plain, link, frame, head.origlen, limits);
        let mut digest = None;
        let class = match &sliced {
            Sliced::Udp { ip, src, dst, payload } => {
                let missing = ip.missing > 0;
                match udp_between(payload, (*src, *dst), ip.missing, sip_ports) {
                    // Rare, and told by what came before: the ordered half takes it.
                    Payload::Is(Class::Other) if is_sqlr(*src, *dst, payload) => Class::Ordered,
                    // Whether it is a fax is told by the SDP of its call.
                    Payload::Is(Class::Other) if looks_like_udptl(payload, ip.missing as usize) => {
                        Class::Ordered
                    }
                    Payload::Is(class) => class,
                    Payload::Carried(..) | Payload::Keys => Class::Ordered,
                    Payload::Media(packet) => {
                        let flow = MediaFlow { src: *src, dst: *dst, channel: packet.channel };
                        let start = ((packet.bytes.as_ptr() as usize) - base) as u32;
                        media.note(flow, &packet, start, ip.dscp, hasher);
                        Class::Media
                    }
                    Payload::Stun => match stun_in(payload) {
                        Some((channel, inside, facts)) => {
                            stun.push(StunEvent {
                                start: ((payload.as_ptr() as usize) - base) as u32,
                                len: payload.len() as u32,
                                src: *src,
                                dst: *dst,
                                flow: Keys::flow_hash(*src, *dst, Transport::Udp, hasher),
                                cut: missing,
                                dscp: ip.dscp,
                                channel,
                                inside,
                                facts,
                            });
                            Class::Stun
                        }
                        None => no_message(missing),
                    },
                    Payload::Dns => {
                        dns.push(DnsEvent {
                            start: ((payload.as_ptr() as usize) - base) as u32,
                            len: payload.len() as u32,
                            src: *src,
                            dst: *dst,
                            cut: missing,
                        });
                        Class::Dns
                    }
                    Payload::Text(bytes) => match sip::scan(bytes) {
                        Some(scan) => {
                            let hash = hasher.hash_one(bytes);
                            // The bytes of the message are hashed once for both where they end the packet.
                            let end = |s: &[u8]| s.as_ptr() as usize + s.len();
                            if end(bytes) == end(ip.payload) {
                                digest = Some(frame_digest_with_tail(&sliced, bytes.len(), hash));
                            }
                            sip.push(SipEvent {
                                start: ((bytes.as_ptr() as usize) - base) as u32,
                                len: bytes.len() as u32,
                                src: *src,
                                dst: *dst,
                                spans: Spans::of(&scan, bytes),
                                digest: hash,
                                keys: Keys::of(
                                    &scan,
                                    bytes,
                                    (*src, *dst),
                                    Transport::Udp,
                                    hasher,
                                    leg_headers,
                                ),
                                cut: missing,
                                dscp: ip.dscp,
                            });
                            Class::Sip
                        }
                        None => no_message(missing),
                    },
                }
            }
            Sliced::Tcp { .. } | Sliced::Sctp { .. } | Sliced::Fragment { .. } | Sliced::Icmp { .. } => {
                Class::Ordered
            }
            Sliced::OtherIp { .. } => Class::Other,
            Sliced::NotIp => Class::NotIp,
            Sliced::Cut => Class::Cut,
            Sliced::Malformed(_) => Class::Malformed,
            Sliced::TooDeep => Class::OverLimit,
        };
        digests.push(digest.unwrap_or_else(|| frame_digest(&sliced)));
        classes.push(class);
    }
}

impl Prepared {
    /// Link type, bytes and head of frame `i`.
    pub(super) fn frame(&self, i: usize) -> Option<(LinkType, &[u8], FrameHead)> {
        let head = *self.batch.frames.get(i)?;
        let start = head.start as usize;
        let bytes = self.batch.bytes.get(start..start + head.caplen as usize).unwrap_or_default();
        let link = self.batch.links.get(head.interface as usize).copied().unwrap_or(LinkType(u16::MAX));
        Some((link, bytes, head))
    }

    /// Time of frame `i`, if there is one.
    pub fn time(&self, i: usize) -> Option<Nanos> {
        self.batch.frames.get(i).map(|f| f.time)
    }
}
