//! Fields of IPv4, IPv6, their options and extension headers, and of the transports.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Header, hex_of};
use crate::net::slice::{Kind, ip_protocol};
use crate::net::{Icmp, IpPacket, TcpFlags, parse_icmp};

/// Options shown of one header.
const MOST_OPTIONS: usize = 64;

impl Header<'_> {
    pub(super) fn internet(&mut self, kind: Kind) -> &'static str {
        match kind {
            Kind::Ipv4 => self.ipv4(),
            Kind::Ipv6 => self.ipv6(),
            Kind::Extension(protocol) => self.extension(protocol),
            Kind::Udp => self.udp(),
            Kind::Tcp => self.tcp(),
            Kind::Sctp => self.sctp(),
            Kind::Icmp => self.icmp(ip_protocol::ICMP),
            _ => self.icmp(ip_protocol::ICMPV6),
        }
    }

    fn ip4(&mut self, name: &'static str, at: usize) {
        if let Some(bits) = self.number(at, 4) {
            self.put(name, at, 4, Ipv4Addr::from_bits(bits as u32).to_string());
        }
    }

    fn ip6(&mut self, name: &'static str, at: usize) {
        if let Some(bytes) = self.get(at, 16).and_then(|bytes| bytes.first_chunk::<16>()) {
            self.put(name, at, 16, Ipv6Addr::from(*bytes).to_string());
        }
    }

    fn protocol(&mut self, name: &'static str, at: usize) {
        self.show(name, at, 1, |number| protocol_text(number as u8));
    }

    fn ipv4(&mut self) -> &'static str {
        self.show("version", 0, 1, |byte| (byte >> 4).to_string());
        self.show("header length", 0, 1, |byte| format!("{} bytes", (byte & 15) * 4));
        self.show("DSCP", 1, 1, |byte| dscp_text(byte >> 2));
        self.show("ECN", 1, 1, |byte| (byte & 3).to_string());
        self.show("total length", 2, 2, |length| match length {
            0 => "0 (the rest of the frame: segmentation off-load)".to_owned(),
            length => length.to_string(),
        });
        self.hex("identification", 4, 2);
        self.show("flags", 6, 2, |word| {
            let names = [(0x8000, "reserved"), (0x4000, "don't fragment"), (0x2000, "more fragments")];
            names_of(word, &names)
        });
        self.show("fragment offset", 6, 2, |word| ((word & 0x1fff) * 8).to_string());
        self.decimal("time to live", 8, 1);
        self.protocol("protocol", 9);
        self.hex("header checksum", 10, 2);
        self.ip4("source", 12);
        self.ip4("destination", 16);
        let len = self.bytes.len();
        self.options(20, len, |kind| match kind {
            7 => "record route",
            68 => "timestamp",
            130 => "security",
            131 => "loose source route",
            137 => "strict source route",
            148 => "router alert",
            _ => "option",
        });
        "IPv4"
    }

    /// Options of one byte (0 ends, 1 pads), or kind, length, value; as IPv4 and TCP have them.
    fn options(&mut self, mut at: usize, end: usize, name: fn(u8) -> &'static str) {
        for _ in 0..MOST_OPTIONS {
            let Some(kind) = self.bytes.get(at).copied().filter(|_| at < end) else { break };
            match kind {
                0 => break,
                1 => at += 1,
                _ => {
                    let len = usize::from(self.bytes.get(at + 1).copied().unwrap_or(0));
                    let Some(option) = self.get(at, len).filter(|_| len >= 2) else {
                        self.remark.get_or_insert_with(|| "an option of a wrong length".to_owned());
                        break;
                    };
                    let value = option.get(2..).map(hex_of).unwrap_or_default();
                    let name = name(kind);
                    let value = if name == "option" { format!("{kind}: {value}") } else { value };
                    self.put(name, at, len, value);
                    at += len;
                }
            }
        }
    }

    fn ipv6(&mut self) -> &'static str {
        self.show("version", 0, 1, |byte| (byte >> 4).to_string());
        self.show("DSCP", 0, 2, |word| dscp_text(word >> 6 & 0x3f));
        self.show("ECN", 1, 1, |byte| (byte >> 4 & 3).to_string());
        self.show("flow label", 1, 3, |word| format!("0x{:05x}", word & 0xf_ffff));
        self.decimal("payload length", 4, 2);
        self.protocol("next header", 6);
        self.decimal("hop limit", 7, 1);
        self.ip6("source", 8);
        self.ip6("destination", 24);
        "IPv6"
    }

    fn extension(&mut self, protocol: u8) -> &'static str {
        self.protocol("next header", 0);
        match protocol {
            ip_protocol::FRAGMENT => {
                self.show("fragment offset", 2, 2, |word| (word & 0xfff8).to_string());
                self.show("more fragments", 3, 1, |byte| yes_no(byte & 1));
                self.hex("identification", 4, 4);
                "IPv6 fragment header"
            }
            ip_protocol::AH => {
                self.show("length", 1, 1, |units| format!("{} bytes", (units + 2) * 4));
                self.hex("SPI", 4, 4);
                self.decimal("sequence number", 8, 4);
                let rest = self.bytes.len().saturating_sub(12);
                self.raw("integrity check value", 12, rest);
                "Authentication header"
            }
            other => {
                self.show("length", 1, 1, |units| format!("{} bytes", (units + 1) * 8));
                if other == ip_protocol::ROUTING {
                    self.decimal("routing type", 2, 1);
                    self.decimal("segments left", 3, 1);
                }
                let rest = self.bytes.len().saturating_sub(2);
                self.raw("content", 2, rest);
                match other {
                    ip_protocol::HOP_BY_HOP => "IPv6 hop-by-hop options",
                    ip_protocol::ROUTING => "IPv6 routing header",
                    ip_protocol::DESTINATION_OPTIONS => "IPv6 destination options",
                    _ => "IPv6 extension header",
                }
            }
        }
    }

    fn udp(&mut self) -> &'static str {
        self.decimal("source port", 0, 2);
        self.decimal("destination port", 2, 2);
        self.show("length", 4, 2, |length| match length {
            0 => "0 (the rest of the datagram)".to_owned(),
            length => length.to_string(),
        });
        self.hex("checksum", 6, 2);
        "UDP"
    }

    fn tcp(&mut self) -> &'static str {
        self.decimal("source port", 0, 2);
        self.decimal("destination port", 2, 2);
        self.decimal("sequence number", 4, 4);
        self.decimal("acknowledgement number", 8, 4);
        self.show("data offset", 12, 1, |byte| format!("{} bytes", (byte >> 4) * 4));
        self.show("flags", 13, 1, |byte| {
            let names = [
                (u64::from(TcpFlags::FIN), "FIN"),
                (u64::from(TcpFlags::SYN), "SYN"),
                (u64::from(TcpFlags::RST), "RST"),
                (u64::from(TcpFlags::PSH), "PSH"),
                (u64::from(TcpFlags::ACK), "ACK"),
                (32, "URG"),
                (64, "ECE"),
                (128, "CWR"),
            ];
            names_of(byte, &names)
        });
        self.decimal("window", 14, 2);
        self.hex("checksum", 16, 2);
        self.decimal("urgent pointer", 18, 2);
        self.tcp_options();
        "TCP"
    }

    fn tcp_options(&mut self) {
        let first = self.fields.len();
        let len = self.bytes.len();
        self.options(20, len, |kind| match kind {
            2 => "maximum segment size",
            3 => "window scale",
            4 => "SACK permitted",
            5 => "SACK",
            8 => "timestamps",
            _ => "option",
        });
        let base = self.base;
        for index in first..self.fields.len() {
            let Some(field) = self.fields.get(index) else { continue };
            let at = field.range.start - base + 2;
            let value = match field.name {
                "maximum segment size" => self.number(at, 2).map(|size| size.to_string()),
                "window scale" => {
                    self.number(at, 1).map(|shift| format!("{shift} (times {})", 1u64 << (shift & 31)))
                }
                "SACK permitted" => Some("yes".to_owned()),
                "SACK" => {
                    let edges = (field.range.len() - 2) / 8;
                    let blocks = (0..edges).filter_map(|block| {
                        let left = self.number(at + block * 8, 4)?;
                        let right = self.number(at + block * 8 + 4, 4)?;
                        Some(format!("{left}-{right}"))
                    });
                    Some(blocks.collect::<Vec<_>>().join(", "))
                }
                "timestamps" => self
                    .number(at, 4)
                    .zip(self.number(at + 4, 4))
                    .map(|(value, echo)| format!("value {value}, echo {echo}")),
                _ => None,
            };
            if let (Some(value), Some(field)) = (value, self.fields.get_mut(index)) {
                field.value = value;
            }
        }
    }

    fn sctp(&mut self) -> &'static str {
        self.decimal("source port", 0, 2);
        self.decimal("destination port", 2, 2);
        self.hex("verification tag", 4, 4);
        self.hex("checksum", 8, 4);
        "SCTP"
    }

    fn icmp(&mut self, protocol: u8) -> &'static str {
        let v6 = protocol == ip_protocol::ICMPV6;
        let nowhere = Ipv4Addr::UNSPECIFIED.into();
        let message = parse_icmp(&IpPacket {
            src: nowhere,
            dst: nowhere,
            dscp: 0,
            ttl: 0,
            id: 0,
            protocol,
            fragment: None,
            payload: self.bytes,
            missing: 0,
        });
        if let Some(message) = message {
            self.put("type", 0, 1, format!("{} ({})", message.kind, message.kind_words()));
            let code = match message.code_words() {
                Some(words) => format!("{} ({words})", message.code),
                None => message.code.to_string(),
            };
            self.put("code", 1, 1, code);
            self.hex("checksum", 2, 2);
            self.icmp_rest(&message);
        }
        if v6 { "ICMPv6" } else { "ICMP" }
    }

    fn icmp_rest(&mut self, message: &Icmp) {
        match (message.v6, message.kind, message.code) {
            (false, 0 | 8, _) | (true, 128 | 129, _) => {
                self.decimal("identifier", 4, 2);
                self.decimal("sequence number", 6, 2);
            }
            (false, 3, 4) => self.decimal("MTU of the next hop", 6, 2),
            (true, 2, _) => self.decimal("MTU", 4, 4),
            (false, 5, _) => self.ip4("gateway", 4),
            (true, 135..=137, _) => self.ip6("target", 8),
            _ => {}
        }
        let Some(original) = message.original else { return };
        let len = self.bytes.len().saturating_sub(8);
        let ends = match original.ends() {
            Some((src, dst)) => format!("{src} > {dst}"),
            None => format!("{} > {}", original.src, original.dst),
        };
        self.put("about the packet", 8, len, format!("{ends}, {}", protocol_text(original.protocol)));
    }
}

fn yes_no(bit: u64) -> String {
    if bit == 0 { "no" } else { "yes" }.to_owned()
}

fn names_of(word: u64, names: &[(u64, &str)]) -> String {
    let set: Vec<&str> = names.iter().filter(|(bit, _)| word & bit != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(", ") }
}

fn protocol_text(number: u8) -> String {
    let words = match number {
        ip_protocol::HOP_BY_HOP => "IPv6 hop-by-hop options",
        ip_protocol::ICMP => "ICMP",
        2 => "IGMP",
        ip_protocol::IPV4 => "IPv4",
        ip_protocol::TCP => "TCP",
        ip_protocol::UDP => "UDP",
        ip_protocol::IPV6 => "IPv6",
        ip_protocol::ROUTING => "IPv6 routing header",
        ip_protocol::FRAGMENT => "IPv6 fragment header",
        ip_protocol::GRE => "GRE",
        50 => "ESP",
        ip_protocol::AH => "AH",
        ip_protocol::ICMPV6 => "ICMPv6",
        ip_protocol::NO_NEXT_HEADER => "nothing",
        ip_protocol::DESTINATION_OPTIONS => "IPv6 destination options",
        89 => "OSPF",
        ip_protocol::ETHERIP => "EtherIP",
        103 => "PIM",
        112 => "VRRP",
        ip_protocol::SCTP => "SCTP",
        ip_protocol::UDP_LITE => "UDP-Lite",
        ip_protocol::MPLS => "MPLS",
        _ => return number.to_string(),
    };
    format!("{number} ({words})")
}

/// RFC 2474, RFC 2597, RFC 3246, RFC 5865.
fn dscp_text(dscp: u64) -> String {
    match dscp {
        0 => "0 (best effort)".to_owned(),
        46 => "46 (expedited forwarding)".to_owned(),
        44 => "44 (voice admit)".to_owned(),
        _ if dscp.is_multiple_of(8) => format!("{dscp} (CS{})", dscp / 8),
        10..=38 if dscp.is_multiple_of(2) => format!("{dscp} (AF{}{})", dscp / 8, dscp % 8 / 2),
        _ => dscp.to_string(),
    }
}
