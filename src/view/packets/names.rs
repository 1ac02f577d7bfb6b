//! Words for what lies beside SIP in a capture: enough to see what a frame is.

use std::net::Ipv4Addr;

use crate::capture::LinkType;
use crate::net::TcpFlags;

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// `SYN ACK`; the order of the header's bits from the most telling on.
pub fn tcp_flags(flags: TcpFlags) -> String {
    let names = [(2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (16, "ACK"), (32, "URG")];
    let set: Vec<&str> = names.iter().filter(|(bit, _)| flags.has(*bit)).map(|(_, name)| *name).collect();
    if set.is_empty() { "no flags".to_owned() } else { set.join(" ") }
}

/// IANA's assigned protocol numbers that are seen.
pub fn ip_protocol(number: u8) -> String {
    let name = match number {
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPv4 in IP",
        6 => "TCP",
        17 => "UDP",
        41 => "IPv6 in IP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "ICMPv6",
        89 => "OSPF",
        103 => "PIM",
        112 => "VRRP",
        115 => "L2TP",
        132 => "SCTP",
        136 => "UDP-Lite",
        n => return format!("IP protocol {n}"),
    };
    name.to_owned()
}

pub fn udp_port(port: u16) -> Option<&'static str> {
    Some(match port {
        53 => "DNS",
        67 | 68 => "DHCP",
        69 => "TFTP",
        88 => "Kerberos",
        123 => "NTP",
        137 | 138 => "NetBIOS",
        161 | 162 => "SNMP",
        443 => "QUIC",
        500 | 4500 => "IKE",
        514 => "syslog",
        546 | 547 => "DHCPv6",
        1434 => "SQLR",
        1900 => "SSDP",
        3702 => "WSD",
        5353 => "mDNS",
        5355 => "LLMNR",
        _ => return None,
    })
}

pub fn tcp_port(port: u16) -> Option<&'static str> {
    Some(match port {
        22 => "SSH",
        53 => "DNS",
        88 => "Kerberos",
        135 => "RPC",
        139 | 445 => "SMB",
        389 | 3268 => "LDAP",
        1433 => "TDS",
        3389 => "RDP",
        _ => return None,
    })
}

/// Type and code in words (RFC 792, RFC 4443), and whose datagram it speaks of.
pub fn icmp(v6: bool, payload: &[u8]) -> String {
    let (Some(&kind), Some(&code)) = (payload.first(), payload.get(1)) else {
        return "cut".to_owned();
    };
    let text = match (v6, kind, code) {
        (false, 0, _) | (true, 129, _) => "echo reply",
        (false, 8, _) | (true, 128, _) => "echo request",
        (false, 3, 0) => "network unreachable",
        (false, 3, 1) => "host unreachable",
        (false, 3, 2) => "protocol unreachable",
        (false, 3, 3) => "port unreachable",
        (false, 3, 4) => "fragmentation needed",
        (false, 3, 9 | 10 | 13) => "administratively prohibited",
        (false, 3, _) => "destination unreachable",
        (false, 4, _) => "source quench",
        (false, 5, _) | (true, 137, _) => "redirect",
        (false, 11, 0) | (true, 3, 0) => "time to live exceeded",
        (false, 11, _) | (true, 3, _) => "fragments not complete in time",
        (false, 12, _) | (true, 4, _) => "parameter problem",
        (true, 1, 0) => "no route to destination",
        (true, 1, 1) => "administratively prohibited",
        (true, 1, 3) => "address unreachable",
        (true, 1, 4) => "port unreachable",
        (true, 1, _) => "destination unreachable",
        (true, 2, _) => "packet too big",
        (true, 130..=132 | 143, _) => "multicast listener",
        (true, 133, _) => "router solicitation",
        (true, 134, _) => "router advertisement",
        (true, 135, _) => "neighbour solicitation",
        (true, 136, _) => "neighbour advertisement",
        _ => return format!("type {kind} code {code}"),
    };
    let about = payload.get(8..).filter(|_| !matches!(kind, 0 | 8 | 128..=143)).and_then(|p| quoted(v6, p));
    match about {
        Some(about) => format!("{text} (for {about})"),
        None => text.to_owned(),
    }
}

/// The packet that an ICMP error quotes: `UDP to 10.0.0.2:5060`.
fn quoted(v6: bool, packet: &[u8]) -> Option<String> {
    let (protocol, to, header) = if v6 {
        let to: [u8; 16] = packet.get(24..40)?.try_into().ok()?;
        (*packet.get(6)?, format!("[{}]", std::net::Ipv6Addr::from(to)), 40)
    } else {
        let to: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
        (*packet.get(9)?, Ipv4Addr::from(to).to_string(), usize::from(packet.first()? & 15) * 4)
    };
    let port = match protocol {
        6 | 17 | 132 => be16(packet, header + 2).map(|p| format!(":{p}")).unwrap_or_default(),
        _ => String::new(),
    };
    Some(format!("{} to {to}{port}", ip_protocol(protocol)))
}

/// ARP over Ethernet (RFC 826), VLAN tags skipped.
pub fn arp(link: LinkType, frame: &[u8]) -> Option<String> {
    if link.0 != 1 {
        return None;
    }
    let mut at = 12;
    while matches!(be16(frame, at)?, 0x8100 | 0x88a8) && at < 24 {
        at += 4;
    }
    if be16(frame, at)? != 0x0806 {
        return None;
    }
    let body = frame.get(at + 2..)?;
    let ip = |at: usize| -> Option<Ipv4Addr> {
        let octets: [u8; 4] = body.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets))
    };
    if be16(body, 2)? != 0x0800 {
        return None;
    }
    let (sender, target) = (ip(14)?, ip(24)?);
    Some(match be16(body, 6)? {
        1 if sender == target => format!("announces {sender}"),
        1 => format!("who has {target}? tell {sender}"),
        2 => {
            let mac: Vec<String> = body.get(8..14)?.iter().map(|b| format!("{b:02x}")).collect();
            format!("{sender} is at {}", mac.join(":"))
        }
        n => format!("operation {n}"),
    })
}

/// Method and class of a STUN message (RFC 8489 §5) with those of TURN (RFC 8656 §17).
pub fn stun(payload: &[u8]) -> String {
    let Some(kind) = be16(payload, 0) else { return "cut".to_owned() };
    let method = (kind & 0xf) | (kind >> 1 & 0x70) | (kind >> 2 & 0xf80);
    let class = (kind >> 4 & 1) | (kind >> 7 & 2);
    let method = match method {
        1 => "Binding".to_owned(),
        2 => "Shared Secret".to_owned(),
        3 => "Allocate".to_owned(),
        4 => "Refresh or Send".to_owned(),
        6 => "Send".to_owned(),
        7 => "Data".to_owned(),
        8 => "CreatePermission".to_owned(),
        9 => "ChannelBind".to_owned(),
        10 => "Connect".to_owned(),
        n => format!("method 0x{n:03x}"),
    };
    let class = ["Request", "Indication", "Success Response", "Error Response"][usize::from(class & 3)];
    format!("{method} {class}, {} bytes", payload.len())
}

pub fn channel_data(payload: &[u8]) -> String {
    match (be16(payload, 0), be16(payload, 2)) {
        (Some(channel), Some(len)) => format!("ChannelData, channel 0x{channel:04x}, {len} bytes"),
        _ => "ChannelData".to_owned(),
    }
}

fn record_type(kind: u8) -> &'static str {
    match kind {
        20 => "Change Cipher Spec",
        21 => "Alert",
        22 => "Handshake",
        23 => "Application Data",
        24 => "Heartbeat",
        _ => "record",
    }
}

fn handshake_type(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Client Hello",
        2 => "Server Hello",
        4 => "New Session Ticket",
        11 => "Certificate",
        12 => "Server Key Exchange",
        13 => "Certificate Request",
        14 => "Server Hello Done",
        15 => "Certificate Verify",
        16 => "Client Key Exchange",
        _ => return None,
    })
}

/// Names of the TLS records that begin in a segment.
pub fn tls(payload: &[u8]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut rest = payload;
    while let (Some(&kind @ 20..=24), Some(len)) = (rest.first(), be16(rest, 3)) {
        let hello = rest.get(5).filter(|_| kind == 22).and_then(|&k| handshake_type(k));
        let name = hello.unwrap_or(record_type(kind));
        if names.last() != Some(&name) {
            names.push(name);
        }
        if names.len() == 8 {
            break;
        }
        rest = rest.get(5 + usize::from(len)..).unwrap_or_default();
    }
    format!(
        "{}, {} bytes",
        if names.is_empty() { "record".to_owned() } else { names.join(", ") },
        payload.len()
    )
}

/// Chunk types (RFC 9260 §3.2) with the data bytes they carry.
pub fn sctp_chunks(chunks: &[u8]) -> String {
    let mut names = Vec::new();
    let mut rest = chunks;
    while let (Some(&kind), Some(len)) = (rest.first(), be16(rest, 2)) {
        names.push(match kind {
            0 => format!("DATA {} bytes", len.saturating_sub(16)),
            1 => "INIT".to_owned(),
            2 => "INIT ACK".to_owned(),
            3 => "SACK".to_owned(),
            4 => "HEARTBEAT".to_owned(),
            5 => "HEARTBEAT ACK".to_owned(),
            6 => "ABORT".to_owned(),
            7 => "SHUTDOWN".to_owned(),
            8 => "SHUTDOWN ACK".to_owned(),
            9 => "ERROR".to_owned(),
            10 => "COOKIE ECHO".to_owned(),
            11 => "COOKIE ACK".to_owned(),
            14 => "SHUTDOWN COMPLETE".to_owned(),
            64 => format!("I-DATA {} bytes", len.saturating_sub(20)),
            n => format!("chunk {n}"),
        });
        if len < 4 || names.len() == 8 {
            break;
        }
        rest = rest.get(usize::from(len).next_multiple_of(4)..).unwrap_or_default();
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_for_other_protocols() {
        assert_eq!(stun(&[0x01, 0x13, 0, 0]), "Allocate Error Response, 4 bytes");
        assert_eq!(stun(&[0x00, 0x01, 0, 0]), "Binding Request, 4 bytes");
        assert_eq!(stun(&[0x00, 0x17, 0, 0]), "Data Indication, 4 bytes");
        assert_eq!(tcp_flags(TcpFlags(18)), "SYN ACK");
        // IPv4 header quoted by a port unreachable: UDP 10.0.0.1:4660 → 10.0.0.2:5060.
        let mut unreachable = vec![3, 3, 0, 0, 0, 0, 0, 0];
        unreachable.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        unreachable.extend([0x12, 0x34, 0x13, 0xc4, 0, 8, 0, 0]);
        assert_eq!(icmp(false, &unreachable), "port unreachable (for UDP to 10.0.0.2:5060)");
        assert_eq!(tls(&[22, 3, 1, 0, 1, 1, 23, 3, 3, 0, 0]), "Client Hello, Application Data, 11 bytes");
    }

    proptest! {
        #[test]
        fn any_bytes_have_words(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            for text in [stun(&bytes), channel_data(&bytes), tls(&bytes),
                         sctp_chunks(&bytes), icmp(false, &bytes), icmp(true, &bytes)] {
                prop_assert!(text.len() < 400);
            }
            let _ = arp(LinkType(1), &bytes);
        }
    }
}
