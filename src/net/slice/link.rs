//! Link layers and what stands between them and IP: tags, LLC, PPP, MPLS.

use super::{Kind, Sliced, Span, Trace, Walk, be16, be32, le16, le32};

pub(in crate::net) const IPV4: u16 = 0x0800;
pub(in crate::net) const IPV6: u16 = 0x86dd;
pub(in crate::net) const ARP: u16 = 0x0806;
pub(in crate::net) const BRIDGING: u16 = 0x6558;
const NSH: u16 = 0x894f;
const PPPOE_SESSION: u16 = 0x8864;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;

/// An address family as BSD and Linux number it (`AF_INET6` differs from system to system).
fn family_ethertype(family: u32) -> Option<u16> {
    match family {
        2 => Some(IPV4),
        10 | 23 | 24 | 28 | 30 => Some(IPV6),
        _ => None,
    }
}

/// A 4-byte address family in the byte order of whichever machine wrote it.
fn family_of(bytes: [u8; 4]) -> Option<u16> {
    family_ethertype(u32::from_be_bytes(bytes)).or_else(|| family_ethertype(u32::from_le_bytes(bytes)))
}

impl<'a, T: Trace> Walk<'a, '_, T> {
    /// Every link type but Ethernet, by its LINKTYPE number.
    pub(super) fn link(&mut self, link: u16, span: Span) -> Sliced<'a> {
        match link {
            1 => self.ethernet(span),
            0 => self.null(span, Kind::Null),
            108 => self.null(span, Kind::Loop),
            // The types that say IPv4 or IPv6 are not always true.
            12 | 14 | 101 | 228 | 229 => self.raw_ip(span),
            6 => self.token_ring(span),
            10 => self.fddi(span),
            113 => self.sll(span),
            276 => self.sll2(span),
            9 | 50 => self.ppp(span),
            51 => self.pppoe(span),
            104 => self.chdlc(span),
            166 | 204 => self.ppp(span.skip(1)),
            105 => self.dot11(span, false),
            119 => self.prism(span),
            127 => self.radiotap(span),
            163 => self.avs(span),
            192 => self.ppi(span),
            109 => self.enc(span),
            117 => self.pflog(span),
            239 => self.nflog(span),
            _ => Sliced::NotIp,
        }
    }

    #[inline]
    pub(super) fn ethernet(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<14>(span) else {
            self.trace.layer(Kind::Ethernet, span.at, span.end);
            return self.short(span, 14, "Ethernet frame shorter than its header");
        };
        self.trace.layer(Kind::Ethernet, span.at, span.at + 14);
        let ethertype = u16::from_be_bytes([head[12], head[13]]);
        match ethertype {
            IPV4 => self.ipv4(span.skip(14)),
            other => self.ethertype(other, span.skip(14)),
        }
    }

    /// What stands behind an EtherType (or, up to 1500, a length with LLC behind it).
    pub(super) fn ethertype(&mut self, mut ethertype: u16, mut span: Span) -> Sliced<'a> {
        loop {
            match ethertype {
                IPV4 => return self.ipv4(span),
                IPV6 => return self.ipv6(span),
                0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => {
                    let Some(tag) = self.head::<4>(span) else {
                        return self.short(span, 4, "VLAN tag shorter than 4 bytes");
                    };
                    self.trace.layer(Kind::Vlan(ethertype), span.at, span.at + 4);
                    ethertype = u16::from_be_bytes([tag[2], tag[3]]);
                    span = span.skip(4);
                }
                // Cisco VN-Tag (IEEE 802.1BR draft): 4 bytes and the next EtherType; Cisco metadata with a
                // security group: 6 bytes.
                0x8909 => {
                    let Some(tag) = self.head::<8>(span) else {
                        return self.short(span, 8, "Cisco metadata shorter than 8 bytes");
                    };
                    self.trace.layer(Kind::CiscoMetadata, span.at, span.at + 8);
                    ethertype = u16::from_be_bytes([tag[6], tag[7]]);
                    span = span.skip(8);
                }
                0x8926 => {
                    let Some(tag) = self.head::<6>(span) else {
                        return self.short(span, 6, "VN-Tag shorter than 6 bytes");
                    };
                    self.trace.layer(Kind::VnTag, span.at, span.at + 6);
                    ethertype = u16::from_be_bytes([tag[4], tag[5]]);
                    span = span.skip(6);
                }
                // IEEE 802.1ah: a 4-byte I-TAG and the customer's whole Ethernet frame.
                0x88e7 => {
                    if !self.enter() {
                        return Sliced::TooDeep;
                    }
                    self.trace.layer(Kind::ITag, span.at, span.skip(4).at);
                    return self.ethernet(span.skip(4));
                }
                // IEEE 802.1AE, integrity only: what is not encrypted can be read.
                0x88e5 => {
                    let bytes = self.bytes(span);
                    let Some(tci) = bytes.first() else {
                        return self.short(span, 6, "MACsec tag shorter than 6 bytes");
                    };
                    let len = if tci & 0x20 != 0 { 14 } else { 6 };
                    let Some(next) = be16(bytes, len) else {
                        return self.short(span, len + 2, "MACsec tag cut short");
                    };
                    self.trace.layer(Kind::MacSec, span.at, span.at + len + 2);
                    if tci & 0x0c != 0 {
                        self.trace.remark("encrypted by the link");
                        return Sliced::NotIp;
                    }
                    ethertype = next;
                    span = span.skip(len + 2);
                }
                NSH => return self.nsh(span),
                MPLS | MPLS_MULTICAST => return self.mpls(span),
                PPPOE_SESSION => return self.pppoe(span),
                BRIDGING => {
                    if !self.enter() {
                        return Sliced::TooDeep;
                    }
                    return self.ethernet(span);
                }
                ARP => {
                    self.trace.layer(Kind::Arp, span.at, span.skip(28).at);
                    return Sliced::NotIp;
                }
                0..=1500 => return self.llc(span.trim(ethertype as usize)),
                _ => return Sliced::NotIp,
            }
            if !self.tag() {
                return Sliced::TooDeep;
            }
        }
    }

    /// IEEE 802.2 LLC, with SNAP or plain IP (SAP 06).
    pub(super) fn llc(&mut self, span: Span) -> Sliced<'a> {
        match self.bytes(span) {
            [0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8, high, low, ..] => {
                self.trace.layer(Kind::Llc, span.at, span.at + 8);
                let ethertype = u16::from_be_bytes([*high, *low]);
                if ethertype > 1500 { self.ethertype(ethertype, span.skip(8)) } else { Sliced::NotIp }
            }
            [6, 6, 3, ..] => {
                self.trace.layer(Kind::Llc, span.at, span.at + 3);
                self.raw_ip(span.skip(3))
            }
            [_, _, _, ..] => {
                self.trace.layer(Kind::Llc, span.at, span.at + 3);
                Sliced::NotIp
            }
            _ => self.short(span, 3, "LLC header shorter than 3 bytes"),
        }
    }

    pub(super) fn raw_ip(&mut self, span: Span) -> Sliced<'a> {
        match self.bytes(span).first().map(|b| b >> 4) {
            Some(4) => self.ipv4(span),
            Some(6) => self.ipv6(span),
            Some(_) => self.malformed("IP version neither 4 nor 6"),
            None => self.short(span, 1, "no IP header"),
        }
    }

    fn null(&mut self, span: Span, kind: Kind) -> Sliced<'a> {
        let Some(head) = self.head::<4>(span) else {
            return self.short(span, 4, "loopback header shorter than 4 bytes");
        };
        self.trace.layer(kind, span.at, span.at + 4);
        match family_of(*head) {
            Some(ethertype) => self.ethertype(ethertype, span.skip(4)),
            None => Sliced::NotIp,
        }
    }

    fn sll(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<16>(span) else {
            return self.short(span, 16, "Linux cooked header shorter than 16 bytes");
        };
        self.trace.layer(Kind::Sll, span.at, span.at + 16);
        let hardware = u16::from_be_bytes([head[2], head[3]]);
        self.cooked(hardware, u16::from_be_bytes([head[14], head[15]]), span.skip(16))
    }

    fn sll2(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<20>(span) else {
            return self.short(span, 20, "Linux cooked v2 header shorter than 20 bytes");
        };
        self.trace.layer(Kind::Sll2, span.at, span.at + 20);
        let hardware = u16::from_be_bytes([head[8], head[9]]);
        self.cooked(hardware, u16::from_be_bytes([head[0], head[1]]), span.skip(20))
    }

    /// Behind a Linux cooked header: by ARPHRD where the protocol field is no EtherType.
    fn cooked(&mut self, hardware: u16, protocol: u16, span: Span) -> Sliced<'a> {
        match (hardware, protocol) {
            (801, _) => self.dot11(span, false),
            (802, _) => self.prism(span),
            (803, _) => self.radiotap(span),
            (824, _) => Sliced::NotIp,
            (_, 4) => self.llc(span),
            (_, 0..=1500) => Sliced::NotIp,
            _ => self.ethertype(protocol, span),
        }
    }

    /// RFC 1662 framing without flags: address and control may be left out, the protocol compressed to a byte.
    pub(super) fn ppp(&mut self, span: Span) -> Sliced<'a> {
        let bytes = self.bytes(span);
        if let [0x0f | 0x8f, 0x00, ..] = bytes {
            return self.chdlc(span);
        }
        let address = if bytes.starts_with(&[0xff, 0x03]) { 2 } else { 0 };
        let (protocol, len) = match bytes.get(address..) {
            Some([first, ..]) if first & 1 == 1 => (u16::from(*first), address + 1),
            Some([first, second, ..]) => (u16::from_be_bytes([*first, *second]), address + 2),
            _ => return self.short(span, address + 2, "PPP header cut short"),
        };
        self.trace.layer(Kind::Ppp, span.at, span.at + len);
        let rest = span.skip(len);
        match protocol {
            0x0021 => self.ipv4(rest),
            0x0057 => self.ipv6(rest),
            0x0281 | 0x0283 => self.mpls(rest),
            _ => Sliced::NotIp,
        }
    }

    /// RFC 8300: a service path and metadata before the packet.
    pub(super) fn nsh(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<8>(span) else {
            return self.short(span, 8, "NSH header shorter than 8 bytes");
        };
        let len = usize::from(head[1] & 0x3f) * 4;
        if len < 8 || self.bytes(span).len() < len {
            return self.short(span, len.max(8), "NSH header length beyond the frame");
        }
        self.trace.layer(Kind::Nsh, span.at, span.at + len);
        if !self.enter() {
            return Sliced::TooDeep;
        }
        match head[3] {
            1 => self.ipv4(span.skip(len)),
            2 => self.ipv6(span.skip(len)),
            3 => self.ethernet(span.skip(len)),
            5 => self.mpls(span.skip(len)),
            _ => Sliced::NotIp,
        }
    }

    fn fddi(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<13>(span) else {
            return self.short(span, 13, "FDDI header shorter than 13 bytes");
        };
        self.trace.layer(Kind::Fddi, span.at, span.at + 13);
        // Asynchronous and synchronous LLC frames.
        if head[0] & 0x70 == 0x50 { self.llc(span.skip(13)) } else { Sliced::NotIp }
    }

    fn token_ring(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<14>(span) else {
            return self.short(span, 14, "Token Ring header shorter than 14 bytes");
        };
        // The first bit of the source announces routing information, which begins with its length.
        let routing = match self.bytes(span).get(14) {
            Some(control) if head[8] & 0x80 != 0 => usize::from(control & 0x1f),
            _ => 0,
        };
        self.trace.layer(Kind::TokenRing, span.at, span.skip(14 + routing).at);
        if head[1] & 0xc0 == 0x40 { self.llc(span.skip(14 + routing)) } else { Sliced::NotIp }
    }

    fn chdlc(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<4>(span) else {
            return self.short(span, 4, "Cisco HDLC header shorter than 4 bytes");
        };
        self.trace.layer(Kind::Chdlc, span.at, span.at + 4);
        match u16::from_be_bytes([head[2], head[3]]) {
            0..=1500 => Sliced::NotIp,
            ethertype => self.ethertype(ethertype, span.skip(4)),
        }
    }

    /// RFC 2516, session stage.
    fn pppoe(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<6>(span) else {
            return self.short(span, 6, "PPPoE header shorter than 6 bytes");
        };
        self.trace.layer(Kind::Pppoe, span.at, span.at + 6);
        let length = u16::from_be_bytes([head[4], head[5]]) as usize;
        if head[1] != 0 {
            return Sliced::NotIp;
        }
        let rest = span.skip(6);
        self.ppp(if length == 0 { rest } else { rest.trim(length) })
    }

    /// RFC 3032; what follows the last label is told by its first bits (RFC 4385, RFC 4928).
    pub(super) fn mpls(&mut self, mut span: Span) -> Sliced<'a> {
        loop {
            let Some(label) = self.head::<4>(span) else {
                return self.short(span, 4, "MPLS label stack without an end");
            };
            self.trace.layer(Kind::Mpls, span.at, span.at + 4);
            span = span.skip(4);
            if label[2] & 1 == 1 {
                break;
            }
            if !self.tag() {
                return Sliced::TooDeep;
            }
        }
        if !self.enter() {
            return Sliced::TooDeep;
        }
        let bytes = self.bytes(span);
        match bytes.first().map(|b| b >> 4) {
            None => self.short(span, 1, "nothing behind the MPLS labels"),
            Some(4) if looks_like_ipv4(bytes) => self.ipv4(span),
            Some(6) if looks_like_ipv6(bytes, span) => self.ipv6(span),
            Some(0) if looks_like_ethernet(bytes.get(4..).unwrap_or(&[])) => {
                self.trace.layer(Kind::ControlWord, span.at, span.at + 4);
                self.ethernet(span.skip(4))
            }
            Some(_) if looks_like_ethernet(bytes) => self.ethernet(span),
            Some(4) => self.ipv4(span),
            Some(6) => self.ipv6(span),
            Some(_) => Sliced::NotIp,
        }
    }

    /// OpenBSD pflog: the first byte is the header's length, to be padded to 4.
    fn pflog(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<4>(span) else {
            return self.short(span, 4, "pflog header shorter than 4 bytes");
        };
        let len = (usize::from(head[0]) + 3) & !3;
        if self.bytes(span).len() < len {
            return self.short(span, len, "pflog header length beyond the frame");
        }
        self.trace.layer(Kind::Pflog, span.at, span.at + len);
        match family_ethertype(u32::from(head[1])) {
            Some(ethertype) => self.ethertype(ethertype, span.skip(len)),
            None => Sliced::NotIp,
        }
    }

    /// OpenBSD enc: address family, SPI, flags.
    fn enc(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<12>(span) else {
            return self.short(span, 12, "enc header shorter than 12 bytes");
        };
        self.trace.layer(Kind::Enc, span.at, span.at + 12);
        match family_of([head[0], head[1], head[2], head[3]]) {
            Some(ethertype) => self.ethertype(ethertype, span.skip(12)),
            None => Sliced::NotIp,
        }
    }

    /// Linux netfilter log: attributes, of which number 9 is the packet.
    fn nflog(&mut self, span: Span) -> Sliced<'a> {
        let bytes = self.bytes(span);
        let Some(family) = bytes.first() else {
            return self.short(span, 4, "nflog header shorter than 4 bytes");
        };
        let ethertype = family_ethertype(u32::from(*family));
        let mut at = 4;
        for _ in 0..u8::MAX {
            let (Some(len), Some(kind)) = (le16(bytes, at), le16(bytes, at + 2)) else { break };
            let len = usize::from(len);
            if len < 4 {
                return self.malformed("nflog attribute shorter than its header");
            }
            if kind == 9 {
                self.trace.layer(Kind::Nflog, span.at, span.at + at + 4);
                let packet = span.skip(at + 4).trim(len - 4);
                return match ethertype {
                    Some(ethertype) => self.ethertype(ethertype, packet),
                    None => self.raw_ip(packet),
                };
            }
            at += (len + 3) & !3;
        }
        self.trace.layer(Kind::Nflog, span.at, span.end);
        Sliced::NotIp
    }

    /// CACE per-packet information: a length and the link type of what follows.
    fn ppi(&mut self, span: Span) -> Sliced<'a> {
        let bytes = self.bytes(span);
        let (Some(len), Some(link)) = (le16(bytes, 2), le32(bytes, 4)) else {
            return self.short(span, 8, "PPI header shorter than 8 bytes");
        };
        let len = usize::from(len);
        if len < 8 || bytes.len() < len {
            return self.short(span, len.max(8), "PPI header length beyond the frame");
        }
        self.trace.layer(Kind::Ppi, span.at, span.at + len);
        match u16::try_from(link) {
            // PPI inside PPI would let a frame recurse on itself.
            Ok(192) | Err(_) => Sliced::NotIp,
            Ok(link) => self.link(link, span.skip(len)),
        }
    }
}

/// Does an IPv4 header plausibly begin here?
pub(super) fn looks_like_ipv4(bytes: &[u8]) -> bool {
    let Some([first, ..]) = bytes.first_chunk::<1>() else { return false };
    let header = u16::from(first & 15) * 4;
    first >> 4 == 4
        && header >= 20
        && be16(bytes, 2).is_some_and(|total| total == 0 || total >= header)
        && bytes.get(6).is_some_and(|flags| flags & 0x80 == 0)
}

/// Does an IPv6 header plausibly begin here?
pub(super) fn looks_like_ipv6(bytes: &[u8], span: Span) -> bool {
    let room = span.wire.saturating_sub(span.at);
    be32(bytes, 0).is_some_and(|word| word >> 28 == 6)
        && be16(bytes, 4).is_some_and(|len| usize::from(len) + 40 <= room)
}

/// Does an Ethernet header with a well-known EtherType begin here?
pub(super) fn looks_like_ethernet(bytes: &[u8]) -> bool {
    matches!(
        be16(bytes, 12),
        Some(
            IPV4 | IPV6
                | ARP
                | MPLS
                | MPLS_MULTICAST
                | PPPOE_SESSION
                | 0x8863
                | 0x8100
                | 0x88a8
                | 0x9100
                | 0x88cc
                | 0x88e7
                | 0x8926
        )
    ) || matches!(bytes.get(12..17), Some([0..=5, _, 0xaa, 0xaa, 3] | [0..=5, _, 0x42, 0x42, 3]))
}
