//! Tunnels in IP and in UDP. One whose inside is no IP is shown as the packet that carries it.

use super::ip::protocol;
use super::link::{BRIDGING, IPV4, IPV6, looks_like_ethernet, looks_like_ipv4, looks_like_ipv6};
use super::{Kind, Sliced, Span, Trace, Walk, be16};
use crate::net::IpPacket;

impl<'a, T: Trace> Walk<'a, '_, T> {
    pub(super) fn ip_tunnel(&mut self, ip: IpPacket<'a>, span: Span) -> Sliced<'a> {
        if !self.enter() {
            return Sliced::TooDeep;
        }
        let mark = self.trace.mark();
        let inner = match ip.protocol {
            protocol::IPV4 => self.ipv4(span),
            protocol::IPV6 => self.ipv6(span),
            protocol::MPLS => self.mpls(span),
            protocol::ETHERNET => self.ethernet(span),
            protocol::ETHERIP => {
                self.trace.layer(Kind::EtherIp, span.at, span.skip(2).at);
                self.ethernet(span.skip(2))
            }
            _ => self.gre(span),
        };
        match inner {
            Sliced::NotIp => {
                self.trace.rewind(mark);
                self.trace.payload(span.at, span.end);
                Sliced::OtherIp { ip }
            }
            other => other,
        }
    }

    /// RFC 2784 with RFC 2890 key and sequence number; version 1 is RFC 2637 (PPTP).
    fn gre(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<4>(span) else {
            return self.short(span, 4, "GRE header shorter than 4 bytes");
        };
        let (flags, version) = (head[0], head[1] & 7);
        let next = u16::from_be_bytes([head[2], head[3]]);
        let has = |bit: u8| usize::from(flags & bit != 0);
        let (routing, key, sequence) = (has(0x40), has(0x20), has(0x10));
        let len = match version {
            // The checksum's and the offset field come together.
            0 => 4 + 4 * (has(0x80) | routing) + 4 * key + 4 * sequence,
            1 => 8 + 4 * sequence + usize::from(head[1] & 0x80 != 0) * 4,
            _ => return Sliced::NotIp,
        };
        let bytes = self.bytes(span);
        if bytes.len() < len {
            return self.short(span, len, "GRE header beyond the packet");
        }
        self.trace.layer(Kind::Gre, span.at, span.at + len);
        if routing == 1 && version == 0 {
            self.trace.remark("source routes are not followed");
            return Sliced::NotIp;
        }
        let rest = span.skip(len);
        match (version, next) {
            (1, 0x880b) => {
                let length = be16(bytes, 4).map_or(0, usize::from);
                if length == 0 { Sliced::NotIp } else { self.plausible_ppp(rest.trim(length)) }
            }
            (1, _) => Sliced::NotIp,
            (_, 0x880b) => self.ppp(rest),
            // ERSPAN type I has no header of its own and no GRE sequence number.
            (_, 0x88be) if sequence == 0 => {
                self.trace.layer(Kind::Erspan(1), rest.at, rest.at);
                self.ethernet(rest)
            }
            (_, 0x88be) => self.erspan(rest, 2),
            (_, 0x22eb) => self.erspan(rest, 3),
            // WCCP v2 puts a redirect header before the packet.
            (_, 0x883e) => match self.bytes(rest) {
                bytes if looks_like_ipv4(bytes) => self.ipv4(rest),
                _ => {
                    self.trace.layer(Kind::Wccp, rest.at, rest.skip(4).at);
                    self.raw_ip(rest.skip(4))
                }
            },
            (_, 0..=1500) => Sliced::NotIp,
            (_, BRIDGING) => self.ethernet(rest),
            _ => self.ethertype(next, rest),
        }
    }

    /// PPTP usually compresses and encrypts; only what reads as IP is believed.
    fn plausible_ppp(&mut self, span: Span) -> Sliced<'a> {
        match self.bytes(span) {
            [0xff, 0x03, 0x00, 0x21, ip @ ..] | [0x00, 0x21, ip @ ..] | [0x21, ip @ ..]
                if looks_like_ipv4(ip) =>
            {
                self.ppp(span)
            }
            [0xff, 0x03, 0x00, 0x57, ip @ ..] | [0x00, 0x57, ip @ ..] | [0x57, ip @ ..]
                if looks_like_ipv6(ip, span) =>
            {
                self.ppp(span)
            }
            _ => Sliced::NotIp,
        }
    }

    fn erspan(&mut self, span: Span, kind: u8) -> Sliced<'a> {
        let bytes = self.bytes(span);
        let mut len = if kind == 2 { 8 } else { 12 };
        // Type III: the O bit announces a platform specific subheader.
        if kind == 3 && bytes.get(11).is_some_and(|last| last & 1 == 1) {
            len += 8;
        }
        if bytes.len() < len {
            return self.short(span, len, "ERSPAN header beyond the packet");
        }
        self.trace.layer(Kind::Erspan(kind), span.at, span.at + len);
        self.ethernet(span.skip(len))
    }

    /// None where the payload is not of the protocol that the port stands for.
    pub(super) fn udp_tunnel(&mut self, src_port: u16, dst_port: u16, span: Span) -> Option<Sliced<'a>> {
        let guess = match dst_port {
            4789 | 8472 => self.vxlan(span)?,
            4790 => self.vxlan_gpe(span)?,
            6081 => self.geneve(span)?,
            37008 => self.tzsp(span)?,
            _ if dst_port == 2152 || src_port == 2152 => self.gtp_u(span)?,
            _ => return None,
        };
        if !self.enter() {
            return Some(Sliced::TooDeep);
        }
        let (inner, at) = guess;
        Some(match inner {
            Inner::Ethernet => self.ethernet(at),
            Inner::Dot11 => self.dot11(at, false),
            Inner::Ip => self.raw_ip(at),
            Inner::Nsh => self.nsh(at),
        })
    }

    /// RFC 7348, with the group policy extension.
    fn vxlan(&mut self, span: Span) -> Option<(Inner, Span)> {
        let head = self.head::<8>(span)?;
        let plain = matches!(head, [0x08, 0, 0, 0, _, _, _, 0]);
        // Reserved bits should be 0, but are not with every vendor; RTP and STUN never set this one alone.
        let odd = head[0] & 0x48 == 0x08;
        let rest = span.skip(8);
        let bytes = self.bytes(rest);
        if !plain && !odd || bytes.len() >= 14 && !looks_like_ethernet(bytes) {
            return None;
        }
        self.trace.layer(Kind::Vxlan, span.at, span.at + 8);
        Some((Inner::Ethernet, rest))
    }

    /// draft-ietf-nvo3-vxlan-gpe.
    fn vxlan_gpe(&mut self, span: Span) -> Option<(Inner, Span)> {
        let head = self.head::<8>(span)?;
        if head[0] & 0x34 != 0x04 || head[1] != 0 || head[2] != 0 || head[7] != 0 {
            return None;
        }
        let rest = span.skip(8);
        let inner = match head[3] {
            1 if looks_like_ipv4(self.bytes(rest)) => Inner::Ip,
            2 if looks_like_ipv6(self.bytes(rest), rest) => Inner::Ip,
            3 if looks_like_ethernet(self.bytes(rest)) => Inner::Ethernet,
            4 => Inner::Nsh,
            _ => return None,
        };
        self.trace.layer(Kind::Vxlan, span.at, span.at + 8);
        Some((inner, rest))
    }

    /// RFC 8926.
    fn geneve(&mut self, span: Span) -> Option<(Inner, Span)> {
        let head = self.head::<8>(span)?;
        if head[0] >> 6 != 0 || head[1] & 0x3f != 0 || head[7] != 0 {
            return None;
        }
        let len = 8 + usize::from(head[0] & 0x3f) * 4;
        let rest = span.skip(len);
        let bytes = self.bytes(rest);
        let inner = match u16::from_be_bytes([head[2], head[3]]) {
            BRIDGING if looks_like_ethernet(bytes) => Inner::Ethernet,
            IPV4 if looks_like_ipv4(bytes) => Inner::Ip,
            IPV6 if looks_like_ipv6(bytes, rest) => Inner::Ip,
            _ => return None,
        };
        self.trace.layer(Kind::Geneve, span.at, span.at + len);
        Some((inner, rest))
    }

    /// 3GPP TS 29.281: only G-PDUs carry a packet.
    fn gtp_u(&mut self, span: Span) -> Option<(Inner, Span)> {
        let head = self.head::<8>(span)?;
        let bytes = self.bytes(span);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if head[0] & 0xf0 != 0x30 || head[1] != 0xff || length + 8 > span.wire - span.at {
            return None;
        }
        let mut len = 8;
        if head[0] & 7 != 0 {
            len = 12;
            let mut next = if head[0] & 4 != 0 { *bytes.get(11)? } else { 0 };
            while next != 0 {
                let units = usize::from(*bytes.get(len)?);
                if units == 0 {
                    return None;
                }
                len += units * 4;
                next = *bytes.get(len - 1)?;
            }
        }
        let rest = span.trim(8 + length).skip(len);
        let inner = self.bytes(rest);
        if !looks_like_ipv4(inner) && !looks_like_ipv6(inner, rest) {
            return None;
        }
        self.trace.layer(Kind::GtpU, span.at, span.at + len);
        Some((Inner::Ip, rest))
    }

    /// TaZmen Sniffer Protocol version 1: tags up to an end tag, then the frame.
    fn tzsp(&mut self, span: Span) -> Option<(Inner, Span)> {
        let bytes = self.bytes(span);
        let inner = match bytes {
            [1, 0 | 1, 0, 1, ..] => Inner::Ethernet,
            [1, 0 | 1, 0, 18, ..] => Inner::Dot11,
            _ => return None,
        };
        let mut at = 4;
        loop {
            at += match *bytes.get(at)? {
                0 => 1,
                1 => break,
                _ => 2 + usize::from(*bytes.get(at + 1)?),
            };
        }
        let rest = span.skip(at + 1);
        if matches!(inner, Inner::Ethernet) && !looks_like_ethernet(self.bytes(rest)) {
            return None;
        }
        self.trace.layer(Kind::Tzsp, span.at, rest.at);
        Some((inner, rest))
    }
}

/// What a UDP tunnel carries.
#[derive(Clone, Copy)]
enum Inner {
    Ethernet,
    Dot11,
    Ip,
    Nsh,
}
