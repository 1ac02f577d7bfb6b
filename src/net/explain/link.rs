//! Fields of link layers and tunnels.

use std::net::Ipv4Addr;

use super::{Header, mac_of};
use crate::net::slice::Kind;

impl Header<'_> {
    pub(super) fn link(&mut self, kind: Kind) -> &'static str {
        match kind {
            Kind::Ethernet => {
                self.mac("destination", 0);
                self.mac("source", 6);
                if self.number(12, 2).is_some_and(|length| length <= 1500) {
                    self.decimal("length", 12, 2);
                    return "IEEE 802.3 Ethernet";
                }
                self.ethertype("type", 12);
                "Ethernet II"
            }
            Kind::Vlan(announced) => {
                self.show("priority", 0, 1, |byte| (byte >> 5).to_string());
                self.show("drop eligible", 0, 1, |byte| if byte & 16 == 0 { "no" } else { "yes" }.to_owned());
                self.show("VLAN", 0, 2, |word| (word & 0xfff).to_string());
                self.ethertype("type", 2);
                if announced == 0x8100 { "802.1Q VLAN" } else { "802.1ad VLAN" }
            }
            Kind::ITag => {
                self.show("service", 1, 3, |id| id.to_string());
                "802.1ah I-TAG"
            }
            Kind::VnTag => {
                self.hex("tag", 0, 4);
                self.ethertype("type", 4);
                "VN-Tag"
            }
            Kind::CiscoMetadata => {
                self.decimal("version", 0, 1);
                self.decimal("security group", 4, 2);
                self.ethertype("type", 6);
                "Cisco metadata"
            }
            Kind::Llc => {
                self.hex("DSAP", 0, 1);
                self.hex("SSAP", 1, 1);
                self.hex("control", 2, 1);
                self.hex("OUI", 3, 3);
                self.ethertype("type", 6);
                if self.bytes.len() >= 8 { "LLC/SNAP" } else { "LLC" }
            }
            Kind::Sll => {
                self.show("packet type", 0, 2, packet_type);
                self.decimal("hardware type", 2, 2);
                self.sll_address(4, 2, 6);
                self.ethertype("protocol", 14);
                "Linux cooked capture v1"
            }
            Kind::Sll2 => {
                self.ethertype("protocol", 0);
                self.decimal("interface", 4, 4);
                self.decimal("hardware type", 8, 2);
                self.show("packet type", 10, 1, packet_type);
                self.sll_address(11, 1, 12);
                "Linux cooked capture v2"
            }
            Kind::Null | Kind::Loop => {
                if let (Some(big), Some(little)) = (self.number(0, 4), self.little(0, 4)) {
                    let family = big.min(little);
                    let words = if family == 2 { "IPv4" } else { "IPv6" };
                    self.put("address family", 0, 4, format!("{family} ({words})"));
                }
                "Loopback"
            }
            Kind::Pflog => {
                self.decimal("header length", 0, 1);
                self.decimal("address family", 1, 1);
                self.decimal("action", 2, 1);
                self.decimal("reason", 3, 1);
                if let Some(name) = self.get(4, 16) {
                    let name: String =
                        name.iter().take_while(|byte| **byte != 0).map(|byte| *byte as char).collect();
                    self.put("interface", 4, 16, name);
                }
                "pflog"
            }
            Kind::Enc => {
                self.hex("SPI", 4, 4);
                self.hex("flags", 8, 4);
                "enc"
            }
            Kind::Nflog => {
                self.decimal("address family", 0, 1);
                self.decimal("version", 1, 1);
                self.decimal("resource", 2, 2);
                "nflog"
            }
            Kind::Ppi => {
                self.show_little("header length", 2, 2);
                self.show_little("link type", 4, 4);
                "Per-packet information"
            }
            Kind::Chdlc => {
                self.hex("address", 0, 1);
                self.hex("control", 1, 1);
                self.ethertype("protocol", 2);
                "Cisco HDLC"
            }
            Kind::Ppp => self.ppp(),
            Kind::Pppoe => {
                self.show("version", 0, 1, |byte| (byte >> 4).to_string());
                self.show("type", 0, 1, |byte| (byte & 15).to_string());
                self.hex("code", 1, 1);
                self.hex("session", 2, 2);
                self.decimal("length", 4, 2);
                "PPPoE"
            }
            Kind::Mpls => {
                self.show("label", 0, 3, |word| (word >> 4).to_string());
                self.show("traffic class", 2, 1, |byte| (byte >> 1 & 7).to_string());
                self.show("bottom of stack", 2, 1, |byte| {
                    if byte & 1 == 0 { "no" } else { "yes" }.to_owned()
                });
                self.decimal("time to live", 3, 1);
                "MPLS"
            }
            Kind::ControlWord => {
                self.decimal("sequence number", 2, 2);
                "Pseudowire control word"
            }
            Kind::Nsh => {
                self.decimal("next protocol", 3, 1);
                self.decimal("service path", 4, 3);
                self.decimal("service index", 7, 1);
                "NSH"
            }
            Kind::MacSec => {
                self.hex("tag control", 0, 1);
                self.decimal("packet number", 2, 4);
                "MACsec"
            }
            Kind::Fddi => {
                self.hex("frame control", 0, 1);
                self.mac("destination", 1);
                self.mac("source", 7);
                "FDDI"
            }
            Kind::TokenRing => {
                self.hex("access control", 0, 1);
                self.hex("frame control", 1, 1);
                self.mac("destination", 2);
                self.mac("source", 8);
                "Token Ring"
            }
            Kind::Radiotap => {
                self.decimal("version", 0, 1);
                self.show_little("header length", 2, 2);
                if let Some(present) = self.little(4, 4) {
                    self.put("present", 4, 4, format!("0x{present:08x}"));
                }
                "Radiotap"
            }
            Kind::Prism => "Prism",
            Kind::Avs => {
                self.hex("version", 0, 4);
                self.decimal("header length", 4, 4);
                "AVS"
            }
            Kind::Dot11 => self.dot11(),
            Kind::Amsdu => {
                self.mac("destination", 0);
                self.mac("source", 6);
                self.decimal("length", 12, 2);
                "A-MSDU subframe"
            }
            Kind::Arp => self.arp(),
            other => self.tunnel(other),
        }
    }

    fn tunnel(&mut self, kind: Kind) -> &'static str {
        match kind {
            Kind::Gre => self.gre(),
            Kind::Erspan(version) => {
                self.show("VLAN", 0, 2, |word| (word & 0xfff).to_string());
                self.show("session", 2, 2, |word| (word & 0x3ff).to_string());
                match version {
                    1 => "ERSPAN I",
                    2 => "ERSPAN II",
                    _ => "ERSPAN III",
                }
            }
            Kind::EtherIp => {
                self.show("version", 0, 1, |byte| (byte >> 4).to_string());
                "EtherIP"
            }
            Kind::Wccp => {
                self.hex("redirect header", 0, 4);
                "WCCP"
            }
            Kind::Vxlan => {
                self.hex("flags", 0, 1);
                self.decimal("VNI", 4, 3);
                "VXLAN"
            }
            Kind::GtpU => {
                self.hex("flags", 0, 1);
                self.hex("message type", 1, 1);
                self.decimal("length", 2, 2);
                self.hex("tunnel endpoint", 4, 4);
                if self.number(0, 1).is_some_and(|flags| flags & 2 != 0) {
                    self.decimal("sequence number", 8, 2);
                }
                let rest = self.bytes.len().saturating_sub(12);
                self.raw("extension headers", 12, rest);
                "GTP-U"
            }
            Kind::Geneve => {
                self.show("options length", 0, 1, |byte| format!("{} bytes", (byte & 0x3f) * 4));
                self.ethertype("protocol", 2);
                self.decimal("VNI", 4, 3);
                let rest = self.bytes.len().saturating_sub(8);
                self.raw("options", 8, rest);
                "Geneve"
            }
            Kind::Tzsp => {
                self.decimal("version", 0, 1);
                self.decimal("type", 1, 1);
                self.decimal("protocol", 2, 2);
                "TZSP"
            }
            _ => "Header",
        }
    }

    fn show_little(&mut self, name: &'static str, at: usize, len: usize) {
        if let Some(number) = self.little(at, len) {
            self.put(name, at, len, number.to_string());
        }
    }

    /// A station address of a length that stands before it.
    fn sll_address(&mut self, length_at: usize, length_len: usize, at: usize) {
        let len = self.number(length_at, length_len).unwrap_or(0).min(8) as usize;
        if let Some(address) = self.get(at, len).filter(|address| !address.is_empty()) {
            self.put("source", at, len, mac_of(address));
        }
    }

    fn ppp(&mut self) -> &'static str {
        let at = if self.bytes.starts_with(&[0xff, 0x03]) {
            self.hex("address", 0, 1);
            self.hex("control", 1, 1);
            2
        } else {
            0
        };
        let len = self.bytes.len().saturating_sub(at);
        self.show("protocol", at, len, |number| match number {
            0x21 => "0x0021 (IPv4)".to_owned(),
            0x57 => "0x0057 (IPv6)".to_owned(),
            other => format!("0x{other:04x}"),
        });
        "PPP"
    }

    fn dot11(&mut self) -> &'static str {
        let Some([control, flags]) = self.get(0, 2).and_then(|bytes| bytes.first_chunk::<2>()).copied()
        else {
            return "802.11";
        };
        let kind = ["management", "control", "data", "extension"].get(usize::from(control >> 2 & 3));
        self.put("type", 0, 1, format!("{}, subtype {}", kind.unwrap_or(&"unknown"), control >> 4));
        self.put("flags", 1, 1, format!("0x{flags:02x}"));
        self.mac("address 1", 4);
        self.mac("address 2", 10);
        self.mac("address 3", 16);
        if let Some(sequence) = self.little(22, 2) {
            self.put("sequence number", 22, 2, (sequence >> 4).to_string());
        }
        if flags & 3 == 3 {
            self.mac("address 4", 24);
        }
        "802.11"
    }

    fn arp(&mut self) -> &'static str {
        self.show("operation", 6, 2, |operation| match operation {
            1 => "1 (request)".to_owned(),
            2 => "2 (reply)".to_owned(),
            other => other.to_string(),
        });
        // Ethernet and IPv4 addresses: the only ones met.
        if self.number(4, 2) == Some(0x0604) {
            self.mac("sender station", 8);
            self.show("sender", 14, 4, |bits| Ipv4Addr::from_bits(bits as u32).to_string());
            self.mac("target station", 18);
            self.show("target", 24, 4, |bits| Ipv4Addr::from_bits(bits as u32).to_string());
        }
        "ARP"
    }

    fn gre(&mut self) -> &'static str {
        let flags = self.number(0, 1).unwrap_or(0);
        let version = self.number(1, 1).unwrap_or(0) & 7;
        self.hex("flags", 0, 1);
        self.show("version", 1, 1, |byte| (byte & 7).to_string());
        self.ethertype("protocol", 2);
        let mut at = 4;
        if version == 1 {
            self.decimal("payload length", 4, 2);
            self.decimal("call", 6, 2);
            at = 8;
        } else {
            if flags & 0xc0 != 0 {
                self.hex("checksum", at, 2);
                at += 4;
            }
            if flags & 0x20 != 0 {
                self.hex("key", at, 4);
                at += 4;
            }
        }
        if flags & 0x10 != 0 {
            self.decimal("sequence number", at, 4);
        }
        "GRE"
    }
}

fn packet_type(number: u64) -> String {
    let words = match number {
        0 => "to us",
        1 => "broadcast",
        2 => "multicast",
        3 => "to another host",
        4 => "sent by us",
        _ => return number.to_string(),
    };
    format!("{number} ({words})")
}
