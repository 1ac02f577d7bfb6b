//! ICMP and ICMPv6: what a message says, and which packet an error is about (RFC 792, RFC 1122, RFC 4443, RFC 4861).
//!
//! ```text
//! type (1)  code (1)  checksum (2)  rest of header (4)  | errors: the packet's IP header and what fits of the rest
//! ```

use std::net::{IpAddr, SocketAddr};

use super::{IpPacket, Sliced, ip_protocol, slice::be16, slice::embedded_ip};

/// An ICMP or ICMPv6 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp {
    pub v6: bool,
    pub kind: u8,
    pub code: u8,
    /// Of an error: the packet it is about.
    pub original: Option<Original>,
}

/// The packet that an ICMP error quotes; ports only where its transport has them and they are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Original {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub protocol: u8,
    pub ports: Option<(u16, u16)>,
}

impl Original {
    /// Source and destination with their ports.
    pub fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let (src, dst) = self.ports?;
        Some((SocketAddr::new(self.src, src), SocketAddr::new(self.dst, dst)))
    }
}

impl Icmp {
    /// Is it an error about another packet?
    pub fn is_error(&self) -> bool {
        is_error(self.v6, self.kind)
    }

    /// Does it say that the packet did not arrive (rather than, say, redirect)?
    pub fn is_undelivered(&self) -> bool {
        match self.v6 {
            false => matches!(self.kind, 3 | 11 | 12),
            true => matches!(self.kind, 1..=4),
        }
    }

    /// The message type in words.
    pub fn kind_words(&self) -> &'static str {
        match (self.v6, self.kind) {
            (false, 0) => "echo reply",
            (false, 3) => "destination unreachable",
            (false, 4) => "source quench",
            (false, 5) => "redirect",
            (false, 8) => "echo request",
            (false, 9) => "router advertisement",
            (false, 10) => "router solicitation",
            (false, 11) => "time exceeded",
            (false, 12) => "parameter problem",
            (false, 13) => "timestamp",
            (false, 14) => "timestamp reply",
            (true, 1) => "destination unreachable",
            (true, 2) => "packet too big",
            (true, 3) => "time exceeded",
            (true, 4) => "parameter problem",
            (true, 128) => "echo request",
            (true, 129) => "echo reply",
            (true, 130) => "multicast listener query",
            (true, 131) => "multicast listener report",
            (true, 132) => "multicast listener done",
            (true, 133) => "router solicitation",
            (true, 134) => "router advertisement",
            (true, 135) => "neighbor solicitation",
            (true, 136) => "neighbor advertisement",
            (true, 137) => "redirect",
            (true, 143) => "multicast listener report v2",
            _ => "unknown type",
        }
    }

    /// The code in words, where it has a meaning of its own.
    pub fn code_words(&self) -> Option<&'static str> {
        Some(match (self.v6, self.kind, self.code) {
            (false, 3, 0) => "network unreachable",
            (false, 3, 1) => "host unreachable",
            (false, 3, 2) => "protocol unreachable",
            (false, 3, 3) => "port unreachable",
            (false, 3, 4) => "fragmentation needed",
            (false, 3, 5) => "source route failed",
            (false, 3, 6) => "network unknown",
            (false, 3, 7) => "host unknown",
            (false, 3, 8) => "source host isolated",
            (false, 3, 9) => "network administratively prohibited",
            (false, 3, 10) => "host administratively prohibited",
            (false, 3, 11) => "network unreachable for this type of service",
            (false, 3, 12) => "host unreachable for this type of service",
            (false, 3, 13) => "communication administratively prohibited",
            (false, 3, 14) => "host precedence violation",
            (false, 3, 15) => "precedence cutoff in effect",
            (false, 5, 0) => "for the network",
            (false, 5, 1) => "for the host",
            (false, 11, 0) => "time to live exceeded in transit",
            (false, 11, 1) => "fragment reassembly time exceeded",
            (false, 12, 0) => "pointer indicates the error",
            (false, 12, 1) => "required option missing",
            (false, 12, 2) => "bad length",
            (true, 1, 0) => "no route to destination",
            (true, 1, 1) => "communication administratively prohibited",
            (true, 1, 2) => "beyond scope of source address",
            (true, 1, 3) => "address unreachable",
            (true, 1, 4) => "port unreachable",
            (true, 1, 5) => "source address failed ingress policy",
            (true, 1, 6) => "reject route to destination",
            (true, 3, 0) => "hop limit exceeded in transit",
            (true, 3, 1) => "fragment reassembly time exceeded",
            (true, 4, 0) => "erroneous header field",
            (true, 4, 1) => "unrecognized next header",
            (true, 4, 2) => "unrecognized IPv6 option",
            _ => return None,
        })
    }
}

fn is_error(v6: bool, kind: u8) -> bool {
    match v6 {
        false => matches!(kind, 3 | 4 | 5 | 11 | 12),
        true => kind < 128 && kind != 0,
    }
}

/// Reads the message of [`Sliced::Icmp`]; none where not even its type is there.
pub fn parse_icmp(ip: &IpPacket<'_>) -> Option<Icmp> {
    let v6 = ip.protocol == ip_protocol::ICMPV6;
    let [kind, code, ..] = *ip.payload else { return None };
    let original = if is_error(v6, kind) { original_of(ip) } else { None };
    Some(Icmp { v6, kind, code, original })
}

/// Routers may quote no more than 8 bytes behind the IP header (RFC 792).
fn original_of(ip: &IpPacket<'_>) -> Option<Original> {
    let quoted = embedded_ip(ip.payload.get(8..)?)?;
    let first = quoted.fragment.is_none_or(|fragment| fragment.offset == 0);
    let has_ports = matches!(
        quoted.protocol,
        ip_protocol::UDP | ip_protocol::TCP | ip_protocol::SCTP | ip_protocol::UDP_LITE
    );
    let ports = match first && has_ports {
        true => be16(quoted.payload, 0).zip(be16(quoted.payload, 2)),
        false => None,
    };
    Some(Original { src: quoted.src, dst: quoted.dst, protocol: quoted.protocol, ports })
}

/// What [`Icmp::original`] carried behind its IP headers, as far as it is quoted.
pub fn quoted_payload<'a>(ip: &IpPacket<'a>) -> Option<&'a [u8]> {
    embedded_ip(ip.payload.get(8..)?).map(|quoted| quoted.payload)
}

impl Sliced<'_> {
    /// The message of an ICMP packet.
    pub fn icmp(&self) -> Option<Icmp> {
        match self {
            Self::Icmp { ip } => parse_icmp(ip),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;
    use crate::limits::Limits;
    use crate::net::slice_frame;
    use hex_literal::hex;

    fn icmp(packet: &[u8]) -> Option<Icmp> {
        slice_frame(LinkType(101), packet, packet.len() as u32, &Limits::default()).icmp()
    }

    /// 192.0.2.2 tells 192.0.2.1 that its port 5060 is closed; made by hand after RFC 792.
    const CLOSED: [u8; 56] = hex!(
        "45c00038 00010000 40010000 c0000202 c0000201"
        "03030000 00000000"
        "45000200 00074000 3f110000 c0000201 c0000202"
        "13c413c4 01ec0000"
    );

    #[test]
    fn port_unreachable() {
        let told = icmp(&CLOSED).unwrap();
        assert_eq!(
            (told.kind_words(), told.code_words()),
            ("destination unreachable", Some("port unreachable"))
        );
        assert!(told.is_error() && told.is_undelivered());
        let (src, dst) = told.original.unwrap().ends().unwrap();
        assert_eq!((src, dst), ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap()));
    }

    #[test]
    fn port_unreachable_v6() {
        // Made by hand after RFC 4443.
        let packet = hex!(
            "60000000 00383a40 fd000000000000000000000000000002 fd000000000000000000000000000001"
            "01040000 00000000"
            "60000000 00081140 fd000000000000000000000000000001 fd000000000000000000000000000002"
            "13c413c5 00080000"
        );
        let told = icmp(&packet).unwrap();
        assert_eq!(told.code_words(), Some("port unreachable"));
        let (src, dst) = told.original.unwrap().ends().unwrap();
        assert_eq!((src, dst), ("[fd00::1]:5060".parse().unwrap(), "[fd00::2]:5061".parse().unwrap()));
    }

    #[test]
    fn quotes_cut_anywhere() {
        for len in 20..CLOSED.len() {
            let mut packet = CLOSED[..len].to_vec();
            packet[3] = len as u8;
            let told = icmp(&packet);
            assert_eq!(told.is_some(), len >= 22, "{len}");
            let original = told.and_then(|told| told.original);
            assert_eq!(original.is_some(), len >= 48, "{len}");
            assert_eq!(original.is_some_and(|o| o.ports.is_some()), len >= 52, "{len}");
        }
    }

    #[test]
    fn echo_quotes_nothing() {
        let mut packet = CLOSED;
        packet[20] = 8;
        let told = icmp(&packet).unwrap();
        assert_eq!((told.kind_words(), told.original, told.is_error()), ("echo request", None, false));
    }
}
