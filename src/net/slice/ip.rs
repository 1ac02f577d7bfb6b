//! IPv4, IPv6 with extension headers, and the transports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Kind, Sliced, Span, Trace, Walk, be16, is_tunnel_port};
use crate::net::{Fragment, IpPacket, TcpFlags, TcpSegment};

/// Protocol numbers of IPv4 and IPv6 next headers.
pub mod protocol {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ICMP: u8 = 1;
    pub const IPV4: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const IPV6: u8 = 41;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const GRE: u8 = 47;
    pub const AH: u8 = 51;
    pub const ICMPV6: u8 = 58;
    pub const NO_NEXT_HEADER: u8 = 59;
    pub const DESTINATION_OPTIONS: u8 = 60;
    pub const ETHERIP: u8 = 97;
    pub const SCTP: u8 = 132;
    pub const MOBILITY: u8 = 135;
    pub const UDP_LITE: u8 = 136;
    pub const MPLS: u8 = 137;
    pub const HIP: u8 = 139;
    pub const SHIM6: u8 = 140;
    pub const ETHERNET: u8 = 143;
}

/// Largest datagram that fragments can describe.
const DATAGRAM_BYTES: usize = 65_535;

impl<'a, T: Trace> Walk<'a, '_, T> {
    /// RFC 791.
    #[inline]
    pub(super) fn ipv4(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<20>(span) else {
            self.trace.layer(Kind::Ipv4, span.at, span.end);
            return self.short(span, 20, "IPv4 header shorter than 20 bytes");
        };
        let header = usize::from(head[0] & 15) * 4;
        self.trace.layer(Kind::Ipv4, span.at, span.skip(header.max(20)).at);
        if head[0] >> 4 != 4 {
            return self.malformed("IPv4 header of another version");
        }
        if header < 20 {
            return self.malformed("IPv4 header length below 20");
        }
        let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if total != 0 && total < header {
            return self.malformed("IPv4 total length below the header length");
        }
        let whole = if total == 0 { span } else { span.limit(total) };
        if whole.end - whole.at < header {
            return self.short(whole, header, "IPv4 header beyond the frame");
        }
        if whole.wire > span.wire {
            self.trace.remark("total length beyond the frame");
        }
        let rest = whole.skip(header);
        let word = u16::from_be_bytes([head[6], head[7]]);
        let offset = u32::from(word & 0x1fff) * 8;
        let more = word & 0x2000 != 0;
        let ip = IpPacket {
            src: IpAddr::V4(Ipv4Addr::new(head[12], head[13], head[14], head[15])),
            dst: IpAddr::V4(Ipv4Addr::new(head[16], head[17], head[18], head[19])),
            dscp: head[1] >> 2,
            ttl: head[8],
            id: u32::from(u16::from_be_bytes([head[4], head[5]])),
            protocol: head[9],
            fragment: if word & 0x3fff == 0 { None } else { Some(Fragment { offset, more }) },
            payload: self.bytes(rest),
            missing: rest.missing(),
        };
        if ip.fragment.is_some() {
            return self.fragment(ip, rest);
        }
        self.upper(ip, rest)
    }

    /// The IP headers alone, of a packet of which not even they may be sound.
    pub(super) fn ip_headers(&mut self, span: Span) -> Option<IpPacket<'a>> {
        let bytes = self.bytes(span);
        if bytes.first()? >> 4 == 4 {
            let head = bytes.first_chunk::<20>()?;
            let word = be16(head, 6)?;
            return Some(IpPacket {
                src: IpAddr::V4(Ipv4Addr::new(head[12], head[13], head[14], head[15])),
                dst: IpAddr::V4(Ipv4Addr::new(head[16], head[17], head[18], head[19])),
                dscp: head[1] >> 2,
                ttl: head[8],
                id: u32::from(be16(head, 4)?),
                protocol: head[9],
                fragment: (word & 0x3fff != 0)
                    .then_some(Fragment { offset: u32::from(word & 0x1fff) * 8, more: word & 0x2000 != 0 }),
                payload: bytes.get(usize::from(head[0] & 15) * 4..).unwrap_or(&[]),
                missing: 0,
            });
        }
        let head = bytes.first_chunk::<40>()?;
        if head[0] >> 4 != 6 {
            return None;
        }
        let mut ip = IpPacket {
            src: IpAddr::V6(ipv6_at(head, 8)),
            dst: IpAddr::V6(ipv6_at(head, 24)),
            dscp: 0,
            ttl: head[7],
            id: 0,
            protocol: head[6],
            fragment: None,
            payload: bytes.get(40..)?,
            missing: 0,
        };
        while self.tag() {
            let (next, len) = match (ip.protocol, ip.payload) {
                (protocol::FRAGMENT, [next, _, high, low, ..]) => {
                    let word = u16::from_be_bytes([*high, *low]);
                    if word & 0xfff9 != 0 {
                        let (offset, more) = (u32::from(word & 0xfff8), word & 1 == 1);
                        ip.fragment = Some(Fragment { offset, more });
                    }
                    (*next, 8)
                }
                (
                    protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION_OPTIONS,
                    [next, len, ..],
                ) => (*next, (usize::from(*len) + 1) * 8),
                (protocol::AH, [next, len, ..]) => (*next, (usize::from(*len) + 2) * 4),
                _ => break,
            };
            let Some(rest) = ip.payload.get(len..) else { break };
            (ip.protocol, ip.payload) = (next, rest);
        }
        Some(ip)
    }

    /// A piece of a datagram that can be part of one (RFC 791 3.2, RFC 8200 4.5).
    fn fragment(&mut self, ip: IpPacket<'a>, span: Span) -> Sliced<'a> {
        let Some(fragment) = ip.fragment else { return Sliced::OtherIp { ip } };
        let len = span.wire - span.at;
        if len == 0 {
            return self.malformed("empty fragment");
        }
        if fragment.more && !len.is_multiple_of(8) {
            return self.malformed("fragment length not a multiple of 8");
        }
        if fragment.offset as usize + len > DATAGRAM_BYTES {
            return self.malformed("fragment beyond 65535 bytes");
        }
        self.trace.payload(span.at, span.end);
        Sliced::Fragment { ip }
    }

    /// RFC 8200.
    pub(super) fn ipv6(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<40>(span) else {
            self.trace.layer(Kind::Ipv6, span.at, span.end);
            return self.short(span, 40, "IPv6 header shorter than 40 bytes");
        };
        self.trace.layer(Kind::Ipv6, span.at, span.at + 40);
        if head[0] >> 4 != 6 {
            return self.malformed("IPv6 header of another version");
        }
        let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
        let rest = span.skip(40);
        let rest = if length == 0 { rest } else { rest.limit(length) };
        if rest.wire > span.wire {
            self.trace.remark("payload length beyond the frame");
        }
        let ip = IpPacket {
            src: IpAddr::V6(ipv6_at(head, 8)),
            dst: IpAddr::V6(ipv6_at(head, 24)),
            dscp: (u16::from_be_bytes([head[0], head[1]]) >> 6) as u8 & 0x3f,
            ttl: head[7],
            id: 0,
            protocol: head[6],
            fragment: None,
            payload: self.bytes(rest),
            missing: rest.missing(),
        };
        self.upper(ip, rest)
    }

    /// What an IP packet holds: extension headers, a transport, or a tunnel.
    #[inline]
    pub(super) fn upper(&mut self, ip: IpPacket<'a>, span: Span) -> Sliced<'a> {
        match ip.protocol {
            protocol::UDP => self.udp(ip, span),
            protocol::TCP => self.tcp(ip, span),
            _ => self.other(ip, span),
        }
    }

    fn other(&mut self, mut ip: IpPacket<'a>, mut span: Span) -> Sliced<'a> {
        let v6 = ip.src.is_ipv6();
        loop {
            let bytes = self.bytes(span);
            let len = match ip.protocol {
                protocol::UDP => return self.udp(ip, span),
                protocol::TCP => return self.tcp(ip, span),
                protocol::SCTP => return self.sctp(ip, span),
                protocol::ICMP => {
                    self.trace.layer(Kind::Icmp, span.at, span.end);
                    return Sliced::Icmp { ip };
                }
                protocol::ICMPV6 => {
                    self.trace.layer(Kind::Icmpv6, span.at, span.end);
                    return Sliced::Icmp { ip };
                }
                protocol::IPV4
                | protocol::IPV6
                | protocol::GRE
                | protocol::ETHERIP
                | protocol::MPLS
                | protocol::ETHERNET => return self.ip_tunnel(ip, span),
                protocol::FRAGMENT if v6 => 8,
                protocol::AH => match bytes.get(1) {
                    Some(len) => (usize::from(*len) + 2) * 4,
                    None => return self.short(span, 12, "authentication header cut short"),
                },
                protocol::HOP_BY_HOP
                | protocol::ROUTING
                | protocol::DESTINATION_OPTIONS
                | protocol::MOBILITY
                | protocol::HIP
                | protocol::SHIM6
                    if v6 =>
                {
                    match bytes.get(1) {
                        Some(len) => (usize::from(*len) + 1) * 8,
                        None => return self.short(span, 8, "IPv6 extension header cut short"),
                    }
                }
                _ => {
                    self.trace.payload(span.at, span.end);
                    return Sliced::OtherIp { ip };
                }
            };
            if bytes.len() < len {
                self.trace.layer(Kind::Extension(ip.protocol), span.at, span.end);
                return self.short(span, len, "IPv6 extension header beyond the packet");
            }
            self.trace.layer(Kind::Extension(ip.protocol), span.at, span.at + len);
            let is_fragment = ip.protocol == protocol::FRAGMENT;
            let Some(next) = bytes.first() else { return Sliced::OtherIp { ip } };
            ip.protocol = *next;
            span = span.skip(len);
            ip.payload = self.bytes(span);
            if is_fragment {
                let word = be16(bytes, 2).unwrap_or(0);
                ip.id = super::be32(bytes, 4).unwrap_or(0);
                // An atomic fragment (RFC 6946) is the whole datagram.
                if word & 0xfff9 != 0 {
                    ip.fragment = Some(Fragment { offset: u32::from(word & 0xfff8), more: word & 1 == 1 });
                    return self.fragment(ip, span);
                }
            }
            if !self.tag() {
                return Sliced::TooDeep;
            }
        }
    }

    /// RFC 768.
    #[inline]
    fn udp(&mut self, ip: IpPacket<'a>, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<8>(span) else {
            self.trace.layer(Kind::Udp, span.at, span.end);
            return self.short(span, 8, "UDP header shorter than 8 bytes");
        };
        self.trace.layer(Kind::Udp, span.at, span.at + 8);
        let src_port = u16::from_be_bytes([head[0], head[1]]);
        let dst_port = u16::from_be_bytes([head[2], head[3]]);
        let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
        let rest = match length {
            0 => span.skip(8),
            1..=7 => return self.malformed("UDP length below 8"),
            _ => span.trim(length).skip(8),
        };
        if is_tunnel_port(src_port, dst_port) {
            let mark = self.trace.mark();
            let (depth, tags) = (self.depth, self.tags);
            match self.udp_tunnel(src_port, dst_port, rest) {
                None | Some(Sliced::NotIp | Sliced::Malformed(_)) => {
                    self.trace.rewind(mark);
                    (self.depth, self.tags) = (depth, tags);
                }
                Some(inner) => return inner,
            }
        }
        self.trace.payload(rest.at, rest.end);
        Sliced::Udp {
            src: SocketAddr::new(ip.src, src_port),
            dst: SocketAddr::new(ip.dst, dst_port),
            payload: self.bytes(rest),
            ip,
        }
    }

    /// RFC 9293. Options cut by the capture do not matter.
    #[inline]
    fn tcp(&mut self, ip: IpPacket<'a>, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<20>(span) else {
            self.trace.layer(Kind::Tcp, span.at, span.end);
            return self.short(span, 20, "TCP header shorter than 20 bytes");
        };
        let header = usize::from(head[12] >> 4) * 4;
        self.trace.layer(Kind::Tcp, span.at, span.skip(header.max(20)).at);
        if header < 20 {
            return self.malformed("TCP data offset below 20");
        }
        if header > span.wire - span.at {
            return self.malformed("TCP data offset beyond the packet");
        }
        let rest = span.skip(header);
        let cut_options = (span.at + header).saturating_sub(span.end) as u32;
        self.trace.payload(rest.at, rest.end);
        let segment = TcpSegment {
            src: SocketAddr::new(ip.src, u16::from_be_bytes([head[0], head[1]])),
            dst: SocketAddr::new(ip.dst, u16::from_be_bytes([head[2], head[3]])),
            seq: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            ack: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
            flags: TcpFlags(head[13]),
            window: u16::from_be_bytes([head[14], head[15]]),
            payload: self.bytes(rest),
            missing: rest.missing().saturating_sub(cut_options),
        };
        Sliced::Tcp { ip, segment }
    }

    /// RFC 9260 section 3.
    fn sctp(&mut self, ip: IpPacket<'a>, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<12>(span) else {
            self.trace.layer(Kind::Sctp, span.at, span.end);
            return self.short(span, 12, "SCTP header shorter than 12 bytes");
        };
        self.trace.layer(Kind::Sctp, span.at, span.at + 12);
        let rest = span.skip(12);
        self.trace.payload(rest.at, rest.end);
        Sliced::Sctp {
            ip,
            src_port: u16::from_be_bytes([head[0], head[1]]),
            dst_port: u16::from_be_bytes([head[2], head[3]]),
            chunks: self.bytes(rest),
        }
    }
}

#[inline]
fn ipv6_at(head: &[u8; 40], at: usize) -> Ipv6Addr {
    let bytes = head.get(at..).and_then(|b| b.first_chunk::<16>()).copied().unwrap_or_default();
    Ipv6Addr::from(bytes)
}
