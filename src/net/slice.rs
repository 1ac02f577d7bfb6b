//! From link type and frame bytes to the innermost IP packet; stateless.
//!
//! One walk serves two readers: [`slice_frame`] wants only the result and runs for every frame, so its [`Trace`]
//! is empty and compiles to nothing; [`explain_frame`](super::explain_frame) records every header passed. Both
//! therefore agree about where the payload is.
//!
//! Lax where captures are: padding and trailers are cut off by the IP length, a total length of 0 (TSO) means the
//! rest of the frame, a length beyond the frame means bytes that were not captured.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use super::{IpPacket, Sliced};
use crate::capture::LinkType;
use crate::limits::Limits;

mod ip;
mod link;
mod tunnel;
mod wireless;

pub use ip::protocol as ip_protocol;

#[cfg(test)]
mod tests;

/// Slices a frame down to its transport, through VLAN tags and tunnels. `origlen` is its length on the wire.
#[inline(always)]
pub fn slice_frame<'a>(link: LinkType, frame: &'a [u8], origlen: u32, limits: &Limits) -> Sliced<'a> {
    slice_other(PlainUdp::of(link, frame), link, frame, origlen, limits)
}

/// [`slice_frame`] for who asked already whether it is a plain datagram.
#[inline(always)]
pub fn slice_other<'a>(
    plain: Option<PlainUdp<'a>>,
    link: LinkType,
    frame: &'a [u8],
    origlen: u32,
    limits: &Limits,
) -> Sliced<'a> {
    match plain {
        Some(datagram) => datagram.into(),
        None => walk_untraced(link, frame, origlen, limits),
    }
}

#[inline(never)]
fn walk_untraced<'a>(link: LinkType, frame: &'a [u8], origlen: u32, limits: &Limits) -> Sliced<'a> {
    walk_frame(link, frame, origlen, limits, &mut NoTrace)
}

/// What nearly every frame of a capture full of media is: Ethernet, IPv4 without options or fragments, UDP, all of
/// it there and its lengths in agreement. The same as the walk gives, in a fraction of the time.
///
/// Small enough to stay in registers: a [`Sliced`] that was just written and is copied at once makes the processor wait.
#[derive(Debug, Clone, Copy)]
pub struct PlainUdp<'a> {
    pub src: SocketAddrV4,
    pub dst: SocketAddrV4,
    pub id: u16,
    pub dscp: u8,
    ttl: u8,
    /// Its UDP header too.
    pub(super) datagram: &'a [u8],
}

impl<'a> PlainUdp<'a> {
    #[inline(always)]
    pub fn of(link: LinkType, frame: &'a [u8]) -> Option<Self> {
        if link.0 != 1 {
            return None;
        }
        let head = frame.first_chunk::<42>()?;
        let total = u16::from_be_bytes([head[16], head[17]]);
        let length = u16::from_be_bytes([head[38], head[39]]);
        let (src_port, dst_port) =
            (u16::from_be_bytes([head[34], head[35]]), u16::from_be_bytes([head[36], head[37]]));
        let is_plain = [head[12], head[13], head[14], head[23]] == [0x08, 0x00, 0x45, ip_protocol::UDP]
            && [head[20] & 0x3f, head[21]] == [0, 0]
            && length >= 8
            && u32::from(length) + 20 == u32::from(total)
            && !is_tunnel_port(src_port, dst_port);
        if !is_plain {
            return None;
        }
        let src = Ipv4Addr::new(head[26], head[27], head[28], head[29]);
        let dst = Ipv4Addr::new(head[30], head[31], head[32], head[33]);
        Some(Self {
            src: SocketAddrV4::new(src, src_port),
            dst: SocketAddrV4::new(dst, dst_port),
            id: u16::from_be_bytes([head[18], head[19]]),
            dscp: head[15] >> 2,
            ttl: head[22],
            datagram: frame.get(34..14 + usize::from(total))?,
        })
    }

    #[inline(always)]
    pub fn payload(&self) -> &'a [u8] {
        self.datagram.get(8..).unwrap_or_default()
    }
}

impl<'a> From<PlainUdp<'a>> for Sliced<'a> {
    #[inline(always)]
    fn from(plain: PlainUdp<'a>) -> Self {
        Self::Udp {
            ip: IpPacket {
                src: IpAddr::V4(*plain.src.ip()),
                dst: IpAddr::V4(*plain.dst.ip()),
                dscp: plain.dscp,
                ttl: plain.ttl,
                id: u32::from(plain.id),
                protocol: ip_protocol::UDP,
                fragment: None,
                payload: plain.datagram,
                missing: 0,
            },
            src: SocketAddr::V4(plain.src),
            dst: SocketAddr::V4(plain.dst),
            payload: plain.payload(),
        }
    }
}

/// Ports on which UDP may be a tunnel: VXLAN (registered, Linux), VXLAN-GPE, GTP-U, Geneve, TZSP.
#[inline]
fn is_tunnel_port(src: u16, dst: u16) -> bool {
    matches!(dst, 4789 | 8472 | 4790 | 2152 | 6081 | 37008) || src == 2152
}

/// Slices the transport of an IP packet that was put together from fragments (through tunnels, if it holds one).
pub fn slice_ip<'a>(ip: IpPacket<'a>, limits: &Limits) -> Sliced<'a> {
    walk_ip(ip, limits, &mut NoTrace)
}

/// The packet quoted by an ICMP error: perhaps cut off, so only its IP headers are asked for.
pub(super) fn embedded_ip(bytes: &[u8]) -> Option<IpPacket<'_>> {
    let mut walk = Walk { frame: bytes, trace: &mut NoTrace, depth: 0, tags: MOST_TAGS };
    let span = Span { at: 0, end: bytes.len(), wire: bytes.len() };
    walk.ip_headers(span)
}

impl<'a> Sliced<'a> {
    /// The innermost IP packet, where there is one.
    #[inline]
    pub fn ip(&self) -> Option<&IpPacket<'a>> {
        match self {
            Self::Udp { ip, .. }
            | Self::Tcp { ip, .. }
            | Self::Sctp { ip, .. }
            | Self::Icmp { ip }
            | Self::Fragment { ip }
            | Self::OtherIp { ip } => Some(ip),
            Self::NotIp | Self::Cut | Self::Malformed(_) | Self::TooDeep => None,
        }
    }
}

/// A header the walk passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ethernet,
    /// 802.1Q, 802.1ad …: TCI and the next EtherType; the EtherType that announced it is given.
    Vlan(u16),
    ITag,
    VnTag,
    CiscoMetadata,
    Llc,
    Sll,
    Sll2,
    Null,
    Loop,
    Pflog,
    Enc,
    Nflog,
    Ppi,
    Chdlc,
    Ppp,
    Pppoe,
    Mpls,
    ControlWord,
    Nsh,
    MacSec,
    Fddi,
    TokenRing,
    Radiotap,
    Prism,
    Avs,
    Dot11,
    Amsdu,
    Arp,
    Ipv4,
    Ipv6,
    /// An IPv6 extension header by its protocol number (AH in IPv4 too).
    Extension(u8),
    Gre,
    Erspan(u8),
    EtherIp,
    Wccp,
    Vxlan,
    GtpU,
    Geneve,
    Tzsp,
    Udp,
    Tcp,
    Sctp,
    Icmp,
    Icmpv6,
}

/// Hears of every header passed.
pub(super) trait Trace {
    /// Bytes `start..end` of the frame are a header.
    fn layer(&mut self, kind: Kind, start: usize, end: usize);
    /// Something unusual about the layer told last.
    fn remark(&mut self, text: &'static str);
    /// Bytes `start..end` are the transport payload.
    fn payload(&mut self, start: usize, end: usize);
    /// A tunnel guess begins; if it fails, [`Self::rewind`] takes back what was told since.
    fn mark(&self) -> usize;
    fn rewind(&mut self, mark: usize);
}

struct NoTrace;

impl Trace for NoTrace {
    #[inline(always)]
    fn layer(&mut self, _: Kind, _: usize, _: usize) {}
    #[inline(always)]
    fn remark(&mut self, _: &'static str) {}
    #[inline(always)]
    fn payload(&mut self, _: usize, _: usize) {}
    #[inline(always)]
    fn mark(&self) -> usize {
        0
    }
    #[inline(always)]
    fn rewind(&mut self, _: usize) {}
}

/// VLAN tags, MPLS labels and extension headers passed in one frame before it counts as [`Sliced::TooDeep`].
const MOST_TAGS: u8 = 250;

/// Where the walk stands: `at..end` is captured, `end..wire` was on the wire only.
#[derive(Debug, Clone, Copy)]
struct Span {
    at: usize,
    end: usize,
    wire: usize,
}

impl Span {
    /// The rest behind a header of `len` bytes.
    #[inline(always)]
    fn skip(self, len: usize) -> Self {
        let at = self.at.saturating_add(len).min(self.end);
        Self { at, ..self }
    }

    /// Only the first `len` bytes; more than there are on the wire count as missing.
    #[inline(always)]
    fn limit(self, len: usize) -> Self {
        let wire = self.at.saturating_add(len);
        Self { at: self.at, end: self.end.min(wire), wire }
    }

    /// Like [`Self::limit`], but a length beyond the wire is not believed.
    #[inline(always)]
    fn trim(self, len: usize) -> Self {
        let wire = self.at.saturating_add(len).min(self.wire);
        Self { at: self.at, end: self.end.min(wire), wire }
    }

    #[inline(always)]
    fn missing(self) -> u32 {
        u32::try_from(self.wire.saturating_sub(self.end)).unwrap_or(u32::MAX)
    }
}

struct Walk<'a, 't, T> {
    frame: &'a [u8],
    trace: &'t mut T,
    /// Tunnels that may still be entered.
    depth: u8,
    tags: u8,
}

#[inline]
pub(super) fn walk_frame<'a, T: Trace>(
    link: LinkType,
    frame: &'a [u8],
    origlen: u32,
    limits: &Limits,
    trace: &mut T,
) -> Sliced<'a> {
    let span = Span { at: 0, end: frame.len(), wire: frame.len().max(origlen as usize) };
    let mut walk = Walk { frame, trace, depth: limits.encapsulation_depth, tags: MOST_TAGS };
    match link.0 {
        1 => walk.ethernet(span),
        other => walk.link(other, span),
    }
}

pub(super) fn walk_ip<'a, T: Trace>(ip: IpPacket<'a>, limits: &Limits, trace: &mut T) -> Sliced<'a> {
    let end = ip.payload.len();
    let span = Span { at: 0, end, wire: end.saturating_add(ip.missing as usize) };
    let mut walk = Walk { frame: ip.payload, trace, depth: limits.encapsulation_depth, tags: MOST_TAGS };
    walk.upper(ip, span)
}

impl<'a, T: Trace> Walk<'a, '_, T> {
    /// The captured bytes of a span.
    #[inline(always)]
    fn bytes(&self, span: Span) -> &'a [u8] {
        self.frame.get(span.at..span.end).unwrap_or(&[])
    }

    /// The first `N` bytes of a span.
    #[inline(always)]
    fn head<const N: usize>(&self, span: Span) -> Option<&'a [u8; N]> {
        self.bytes(span).first_chunk()
    }

    /// The answer where a header of `need` bytes is not all there: the capture's fault, or the frame's.
    #[cold]
    fn short(&mut self, span: Span, need: usize, reason: &'static str) -> Sliced<'a> {
        if span.wire.saturating_sub(span.at) >= need {
            self.trace.remark("cut by the capture's snapshot length");
            Sliced::Cut
        } else {
            self.trace.remark(reason);
            Sliced::Malformed(reason)
        }
    }

    #[cold]
    fn malformed(&mut self, reason: &'static str) -> Sliced<'a> {
        self.trace.remark(reason);
        Sliced::Malformed(reason)
    }

    /// Counts a tag; false when there were too many.
    #[inline]
    fn tag(&mut self) -> bool {
        self.tags = self.tags.saturating_sub(1);
        self.tags > 0
    }

    /// Counts a tunnel; false when there were too many.
    #[inline]
    fn enter(&mut self) -> bool {
        match self.depth.checked_sub(1) {
            Some(left) => {
                self.depth = left;
                true
            }
            None => false,
        }
    }
}

#[inline(always)]
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|b| u16::from_be_bytes(*b))
}

#[inline(always)]
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|b| u32::from_be_bytes(*b))
}

#[inline(always)]
fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|b| u16::from_le_bytes(*b))
}

#[inline(always)]
fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|b| u32::from_le_bytes(*b))
}
