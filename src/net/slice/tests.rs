use etherparse::PacketBuilder;
use hex_literal::hex;
use proptest::prelude::*;

use super::*;
use crate::net::{datagram_digest, frame_digest};

fn slice(link: u16, frame: &[u8]) -> Sliced<'_> {
    slice_frame(LinkType(link), frame, frame.len() as u32, &Limits::default())
}

/// `src>dst "payload"` of UDP and TCP, else what it was.
fn told(sliced: &Sliced<'_>) -> String {
    match sliced {
        Sliced::Udp { src, dst, payload, .. } => format!("udp {src}>{dst} {}", payload.escape_ascii()),
        Sliced::Tcp { segment: s, .. } => format!("tcp {}>{} {}", s.src, s.dst, s.payload.escape_ascii()),
        Sliced::Sctp { ip, src_port, dst_port, chunks } => {
            format!("sctp {}:{src_port}>{}:{dst_port} {}", ip.src, ip.dst, chunks.escape_ascii())
        }
        Sliced::Icmp { ip } => format!("icmp {}>{}", ip.src, ip.dst),
        Sliced::Fragment { ip } => format!("fragment {:?} {}", ip.fragment, ip.payload.escape_ascii()),
        Sliced::OtherIp { ip } => format!("ip {} {}>{}", ip.protocol, ip.src, ip.dst),
        Sliced::NotIp => "not ip".into(),
        Sliced::Cut => "cut".into(),
        Sliced::Malformed(reason) => format!("malformed: {reason}"),
        Sliced::TooDeep => "too deep".into(),
    }
}

fn check(link: u16, frame: &[u8], expect: &str) {
    assert_eq!(told(&slice(link, frame)), expect);
}

/// IPv4 10.0.0.1:5060 > 10.0.0.2:5062 UDP.
fn udp4(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(5060, 5062).write(&mut out, payload).unwrap();
    out
}

fn udp4_ports(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(src, dst).write(&mut out, payload).unwrap();
    out
}

fn udp6(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut a, mut b) = ([0; 16], [0; 16]);
    (a[0], a[15]) = (0xfd, 1);
    (b[0], b[15]) = (0xfd, 2);
    PacketBuilder::ipv6(a, b, 64).udp(5060, 5062).write(&mut out, payload).unwrap();
    out
}

/// IPv4 with any protocol number and payload.
fn ip4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = 20 + payload.len() as u16;
    let mut out = vec![0x45, 0xb8, 0, 0, 0, 7, 0, 0, 60, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    out[2..4].copy_from_slice(&total.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x6b, 0x80, 0, 0, 0, 0, next, 60];
    out[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    out.extend_from_slice(&[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    out.extend_from_slice(&[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    out.extend_from_slice(payload);
    out
}

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

const MACS: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
const HI4: &str = "udp 10.0.0.1:5060>10.0.0.2:5062 hi";
const HI6: &str = "udp [fd00::1]:5060>[fd00::2]:5062 hi";

fn ethernet(ethertype: u16, rest: &[u8]) -> Vec<u8> {
    cat(&[&MACS, &ethertype.to_be_bytes(), rest])
}

#[test]
fn ethernet_and_tags() {
    let v4 = udp4(b"hi");
    check(1, &ethernet(0x0800, &v4), HI4);
    check(1, &ethernet(0x86dd, &udp6(b"hi")), HI6);
    for tag in [0x8100, 0x88a8, 0x9100] {
        check(1, &ethernet(tag, &cat(&[&hex!("0064 0800"), &v4])), HI4);
        check(1, &ethernet(tag, &cat(&[&hex!("00c8 8100 0064 8100 0001 0800"), &v4])), HI4);
    }
    // 802.3 length, LLC/SNAP.
    let length = v4.len() as u16 + 8;
    check(1, &ethernet(length, &cat(&[&hex!("aaaa03 000000 0800"), &v4, b"pad"])), HI4);
    // Spanning tree, ARP, LLDP.
    check(1, &ethernet(3, &hex!("424203")), "not ip");
    check(1, &ethernet(0x0806, &[0; 28]), "not ip");
    check(1, &ethernet(0x88cc, &[0; 28]), "not ip");
    check(1, &MACS, "malformed: Ethernet frame shorter than its header");
}

#[test]
fn padding_is_no_payload() {
    check(1, &ethernet(0x0800, &cat(&[&udp4(b"hi"), &[0; 16], b"fcs!"])), HI4);
}

#[test]
fn too_many_tags() {
    let tags = hex!("0001 8100").repeat(300);
    check(1, &ethernet(0x8100, &tags), "too deep");
}

#[test]
fn other_links() {
    let (v4, v6) = (udp4(b"hi"), udp6(b"hi"));
    for link in [12, 14, 101] {
        check(link, &v4, HI4);
        check(link, &v6, HI6);
    }
    check(228, &v4, HI4);
    check(229, &v6, HI6);
    check(101, &[0x75; 40], "malformed: IP version neither 4 nor 6");
    for link in [0, 108] {
        check(link, &cat(&[&hex!("02000000"), &v4]), HI4);
        check(link, &cat(&[&hex!("00000002"), &v4]), HI4);
        for family in [24u32, 28, 30, 10] {
            check(link, &cat(&[&family.to_le_bytes(), &v6]), HI6);
            check(link, &cat(&[&family.to_be_bytes(), &v6]), HI6);
        }
        check(link, &hex!("07000000"), "not ip");
    }
    check(113, &cat(&[&hex!("0000 0001 0006 020000000001 0000 0800"), &v4]), HI4);
    check(113, &cat(&[&hex!("0000 0001 0006 020000000001 0000 8100 0064 86dd"), &v6]), HI6);
    check(276, &cat(&[&hex!("0800 0000 00000003 0001 00 06 0200000000010000"), &v4]), HI4);
    check(9, &cat(&[&hex!("ff03 0021"), &v4]), HI4);
    check(9, &cat(&[&hex!("0021"), &v4]), HI4);
    check(9, &cat(&[&hex!("21"), &v4]), HI4);
    check(50, &cat(&[&hex!("ff03 0057"), &v6]), HI6);
    check(50, &cat(&[&hex!("0f00 0800"), &v4]), HI4);
    check(50, &hex!("ff03 c021 0101 0004"), "not ip");
    check(117, &cat(&[&hex!("3d 02 00 00"), &[0; 60], &v4]), HI4);
    check(10, &cat(&[&hex!("50"), &MACS, &hex!("aaaa03 000000 0800"), &v4]), HI4);
    check(10, &cat(&[&hex!("41"), &MACS, &[0; 20]]), "not ip");
    // Token Ring with six bytes of routing information.
    check(6, &cat(&[&hex!("1040 020000000001 820000000002 0630 00110022 aaaa03 000000 0800"), &v4]), HI4);
    // MACsec, integrity only and encrypted; NSH.
    check(1, &ethernet(0x88e5, &cat(&[&hex!("2000 00000001 0200000000010001 0800"), &v4, &[0; 16]])), HI4);
    check(1, &ethernet(0x88e5, &cat(&[&hex!("2c00 00000001 0200000000010001 0800"), &v4])), "not ip");
    check(
        1,
        &ethernet(0x894f, &cat(&[&hex!("0fc2 0201 00000103"), &v6])),
        "malformed: IPv4 header of another version",
    );
    check(1, &ethernet(0x894f, &cat(&[&hex!("0fc2 0202 00000103"), &v6])), HI6);
    check(1, &ethernet(0x8909, &cat(&[&hex!("0101 0001 0010 0800"), &v4])), HI4);
    check(147, &v4, "not ip");
}

#[test]
fn pppoe() {
    let v4 = udp4(b"hi");
    let length = (v4.len() as u16 + 2).to_be_bytes();
    let session = cat(&[&hex!("1100 0001"), &length, &hex!("0021"), &v4]);
    check(1, &ethernet(0x8864, &cat(&[&session, &[0; 9]])), HI4);
    check(51, &session, HI4);
    check(1, &ethernet(0x8863, &hex!("1109 0000 0000")), "not ip");
}

#[test]
fn wireless() {
    let v4 = udp4(b"hi");
    let snap = hex!("aaaa03 000000 0800");
    let mut frame = cat(&[&hex!("0801 0000"), &[2; 18], &hex!("1000"), &snap, &v4]);
    check(105, &frame, HI4);
    check(163, &cat(&[&hex!("80211001 00000040"), &[0; 56], &frame]), HI4);
    check(119, &cat(&[&hex!("44000000 90000000"), &[0; 136], &frame]), HI4);
    // Radiotap with TSFT, flags (FCS at the end).
    let radiotap = hex!("00 00 1100 03000000 0000000000000000 10");
    check(127, &cat(&[&radiotap, &frame, b"FCS!"]), HI4);
    let quality = cat(&[&hex!("8803 0000"), &[2; 18], &hex!("1000"), &[3; 6], &hex!("0000"), &snap, &v4]);
    check(105, &quality, HI4);
    // Radiotap's DATA_PAD: the 26-byte QoS header is followed by 2 bytes of padding.
    let padded = cat(&[&hex!("8801 0000"), &[2; 18], &hex!("1000 0000 0000"), &snap, &v4]);
    check(127, &cat(&[&hex!("00 00 0900 02000000 20"), &padded]), HI4);
    let msdu = (v4.len() as u16 + 8).to_be_bytes();
    check(105, &cat(&[&hex!("8801 0000"), &[2; 18], &hex!("1000 8000"), &MACS, &msdu, &snap, &v4]), HI4);
    frame[1] |= 0x40;
    check(105, &frame, "not ip");
    check(105, &cat(&[&hex!("8000 0000"), &[2; 40]]), "not ip");
    check(105, &cat(&[&hex!("4801 0000"), &[2; 20]]), "not ip");
}

#[test]
fn mpls() {
    let (v4, v6) = (udp4(b"hi"), udp6(b"hi"));
    check(1, &ethernet(0x8847, &cat(&[&hex!("0001d0ff"), &hex!("0001d1ff"), &v4])), HI4);
    check(1, &ethernet(0x8848, &cat(&[&hex!("000021ff"), &v6])), HI6);
    let pseudowire = ethernet(0x0800, &v4);
    check(1, &ethernet(0x8847, &cat(&[&hex!("0001d1ff 00000000"), &pseudowire])), HI4);
    check(1, &ethernet(0x8847, &cat(&[&hex!("0001d1ff"), &pseudowire])), HI4);
    // A station address that begins with 45 is no IPv4 header.
    let mut like_ip = pseudowire.clone();
    like_ip[..4].copy_from_slice(&hex!("45000001"));
    check(1, &ethernet(0x8847, &cat(&[&hex!("0001d1ff"), &like_ip])), HI4);
}

#[test]
fn tunnels_in_ip() {
    let (v4, v6) = (udp4(b"hi"), udp6(b"hi"));
    let inner = ethernet(0x0800, &v4);
    check(101, &ip4(4, &v4), HI4);
    check(101, &ip4(41, &v6), HI6);
    check(101, &ip6(4, &v4), HI4);
    check(101, &ip4(47, &cat(&[&hex!("0000 0800"), &v4])), HI4);
    check(101, &ip4(47, &cat(&[&hex!("b000 86dd 11110000 22222222 33333333"), &v6])), HI6);
    check(101, &ip4(47, &cat(&[&hex!("2000 6558 00000001"), &inner])), HI4);
    check(101, &ip4(47, &cat(&[&hex!("0000 88be"), &inner])), HI4);
    check(101, &ip4(47, &cat(&[&hex!("1000 88be 00000001 1000000000000000"), &inner])), HI4);
    check(101, &ip4(47, &cat(&[&hex!("1000 22eb 00000001 200000000000000000000001"), &[0; 8], &inner])), HI4);
    let ppp = (v4.len() as u16 + 4).to_be_bytes();
    check(
        101,
        &ip4(47, &cat(&[&hex!("3081 880b"), &ppp, &hex!("0001 00000001 00000000 ff030021"), &v4])),
        HI4,
    );
    check(101, &ip4(47, &hex!("2001 880b 0004 0001 c0213355")), "ip 47 192.0.2.1>192.0.2.2");
    check(101, &ip4(47, &hex!("0000 2001 0001")), "ip 47 192.0.2.1>192.0.2.2");
    check(101, &ip4(97, &cat(&[&hex!("3000"), &inner])), HI4);
    check(101, &ip4(137, &cat(&[&hex!("000021ff"), &v4])), HI4);
    check(101, &ip4(50, &v4), "ip 50 192.0.2.1>192.0.2.2");
}

#[test]
fn tunnels_in_udp() {
    let (v4, v6) = (udp4(b"hi"), udp6(b"hi"));
    let inner = ethernet(0x0800, &v4);
    for port in [4789, 8472] {
        check(101, &udp4_ports(40000, port, &cat(&[&hex!("08000000 00002a00"), &inner])), HI4);
    }
    let length = (v4.len() as u16).to_be_bytes();
    check(101, &udp4_ports(2152, 2152, &cat(&[&hex!("30ff"), &length, &hex!("00000001"), &v4])), HI4);
    let length = (v6.len() as u16 + 8).to_be_bytes();
    let extended = cat(&[&hex!("34ff"), &length, &hex!("00000001 0000 00 85 01 1000 00"), &v6]);
    check(101, &udp4_ports(2152, 2152, &extended), HI6);
    check(101, &udp4_ports(1, 6081, &cat(&[&hex!("0000 6558 000001 00"), &inner])), HI4);
    check(101, &udp4_ports(1, 37008, &cat(&[&hex!("01 00 0001 00 0a 01 55 01"), &inner])), HI4);
    check(101, &udp4_ports(1, 4790, &cat(&[&hex!("0c000001 00002a00"), &v4])), HI4);
    // Media and others that happen to use those ports stay what they are.
    for port in [4789, 8472, 2152, 6081, 37008, 4500] {
        let rtp = hex!("80080001 00000001 00000002 d5d5");
        let text = format!("udp 10.0.0.1:9>10.0.0.2:{port} {}", rtp.escape_ascii());
        check(101, &udp4_ports(9, port, &rtp), &text);
    }
    let arp = cat(&[&hex!("08000000 00002a00"), &ethernet(0x0806, &[0; 28])]);
    let text = format!("udp 10.0.0.1:9>10.0.0.2:4789 {}", arp.escape_ascii());
    check(101, &udp4_ports(9, 4789, &arp), &text);
}

#[test]
fn depth_is_limited() {
    let mut packet = udp4(b"hi");
    for _ in 0..8 {
        packet = ip4(4, &packet);
    }
    check(101, &packet, HI4);
    check(101, &ip4(4, &packet), "too deep");
}

#[test]
fn extension_headers() {
    let udp = udp6(b"hi")[40..].to_vec();
    // Hop-by-hop, destination options (16 bytes), routing, atomic fragment, AH, then UDP.
    let chain = cat(&[
        &hex!("3c00 050200000100"),
        &hex!("2b01 0104000000000104 000000000000"),
        &hex!("2c00 0000 00000000"),
        &hex!("3300 0000 deadbeef"),
        &hex!("1104 0000 00000001 00000001 000000000000000000000000"),
        &udp,
    ]);
    check(101, &ip6(0, &chain), HI6);
    let packet = ip6(0, &chain);
    let Sliced::Udp { ip, .. } = slice(101, &packet) else { panic!() };
    assert_eq!((ip.dscp, ip.ttl, ip.id, ip.protocol, ip.missing), (46, 60, 0xdead_beef, 17, 0));
    check(101, &ip6(44, &cat(&[&hex!("1100 0001 00000007"), &[b'x'; 8]])), {
        "fragment Some(Fragment { offset: 0, more: true }) xxxxxxxx"
    });
    check(101, &ip6(59, b""), "ip 59 fd00::1>fd00::2");
    check(101, &ip6(0, &hex!("11ff 0000 00000000")), "malformed: IPv6 extension header beyond the packet");
    // In IPv4, 0 and 43 are other protocols, AH is not.
    check(101, &ip4(43, &chain), "ip 43 192.0.2.1>192.0.2.2");
    let ah = cat(&[&hex!("1104 0000 00000001 00000001 000000000000000000000000"), &udp]);
    check(101, &ip4(51, &ah), "udp 192.0.2.1:5060>192.0.2.2:5062 hi");
}

#[test]
fn ipv4_fields_and_options() {
    let mut packet = ip4(17, &hex!("0001 0002 000a 0000 6869"));
    let Sliced::Udp { ip, .. } = slice(101, &packet) else { panic!() };
    assert_eq!((ip.dscp, ip.ttl, ip.id, ip.protocol), (46, 60, 7, 17));
    packet[0] = 0x46;
    packet[3] += 4;
    packet.splice(20..20, [0x94, 4, 0, 0]);
    check(101, &packet, "udp 192.0.2.1:1>192.0.2.2:2 hi");
}

#[test]
fn fragments() {
    let mut packet = ip4(17, &[b'x'; 16]);
    packet[6..8].copy_from_slice(&0x2003u16.to_be_bytes());
    check(101, &packet, &format!("fragment Some(Fragment {{ offset: 24, more: true }}) {}", "x".repeat(16)));
    // Don't fragment alone is none.
    packet[6] = 0x40;
    packet[7] = 0;
    assert!(!matches!(slice(101, &packet), Sliced::Fragment { .. }));
    let mut odd = ip4(17, &[b'x'; 15]);
    odd[6] = 0x20;
    check(101, &odd, "malformed: fragment length not a multiple of 8");
    let mut death = ip4(17, &[b'x'; 16]);
    death[6..8].copy_from_slice(&0x1fffu16.to_be_bytes());
    check(101, &death, "malformed: fragment beyond 65535 bytes");
}

#[test]
fn lengths_that_lie() {
    let good = udp4(b"hello");
    let mut tso = good.clone();
    tso[2..4].fill(0);
    check(101, &tso, "udp 10.0.0.1:5060>10.0.0.2:5062 hello");
    let mut short = good.clone();
    short[3] = 19;
    check(101, &short, "malformed: IPv4 total length below the header length");
    let mut header = good.clone();
    header[0] = 0x44;
    check(101, &header, "malformed: IPv4 header length below 20");
    let mut beyond = good.clone();
    beyond[3] += 10;
    let sliced = slice(101, &beyond);
    assert_eq!(told(&sliced), "udp 10.0.0.1:5060>10.0.0.2:5062 hello");
    assert_eq!(sliced.ip().unwrap().missing, 10);

    // Right, none (segmentation off-load), shorter and longer than the datagram.
    for (length, payload) in [(13u16, "hello"), (0, "hello"), (11, "hel"), (20, "hello")] {
        let mut packet = good.clone();
        packet[24..26].copy_from_slice(&length.to_be_bytes());
        let sliced = slice(101, &packet);
        assert_eq!(told(&sliced), format!("udp 10.0.0.1:5060>10.0.0.2:5062 {payload}"));
    }
    let mut packet = good.clone();
    packet[24..26].copy_from_slice(&7u16.to_be_bytes());
    check(101, &packet, "malformed: UDP length below 8");
}

#[test]
fn tcp_segments() {
    let mut packet = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .tcp(5060, 5062, 0x1_0000, 512)
        .ack(77)
        .psh()
        .options_raw(&[1; 12])
        .unwrap()
        .write(&mut packet, b"INVITE")
        .unwrap();
    let Sliced::Tcp { segment, .. } = slice(101, &packet) else { panic!() };
    assert_eq!((segment.seq, segment.ack, segment.window, segment.flags.0), (0x1_0000, 77, 512, 24));
    assert_eq!((segment.payload, segment.missing), (&b"INVITE"[..], 0));
    // A snapshot that ends inside the options still has the sequence number and the payload's length.
    let Sliced::Tcp { segment, .. } = slice_frame(LinkType(101), &packet[..46], 58, &Limits::default())
    else {
        panic!()
    };
    assert_eq!((segment.payload, segment.missing), (&b""[..], 6));
    packet[32] = 0x40;
    check(101, &packet, "malformed: TCP data offset below 20");
    packet[32] = 0xf0;
    check(101, &packet, "malformed: TCP data offset beyond the packet");
}

#[test]
fn cut_by_snaplen() {
    let frame = ethernet(0x0800, &udp4(b"hello"));
    let whole = frame.len() as u32;
    for len in 0..frame.len() {
        let sliced = slice_frame(LinkType(1), &frame[..len], whole, &Limits::default());
        match len {
            0..42 => assert_eq!(told(&sliced), "cut", "{len}"),
            _ => assert_eq!(sliced.ip().unwrap().missing as usize, frame.len() - len),
        }
        // Without the length on the wire, no cut frame may look whole either.
        let sliced = slice_frame(LinkType(1), &frame[..len], 0, &Limits::default());
        assert!(len < 42 || sliced.ip().unwrap().missing > 0);
    }
}

proptest! {
    /// The short way for plain frames gives what the walk gives, whatever bytes are damaged.
    #[test]
    fn the_short_way_is_the_same(damage in proptest::collection::vec((0usize..60, any::<u8>()), 0..3), cut in 0usize..64) {
        let mut frame = ethernet(0x0800, &udp4(b"hello, world"));
        for (at, byte) in damage {
            if let Some(slot) = frame.get_mut(at) {
                *slot = byte;
            }
        }
        let end = frame.len().saturating_sub(cut.saturating_sub(20));
        let origlen = frame.len() as u32;
        let short = slice_frame(LinkType(1), &frame[..end], origlen, &Limits::default());
        let walked = walk_untraced(LinkType(1), &frame[..end], origlen, &Limits::default());
        prop_assert_eq!(format!("{short:?}"), format!("{walked:?}"));
        if let Some(plain) = PlainUdp::of(LinkType(1), &frame[..end]) {
            prop_assert_eq!(datagram_digest(&plain), frame_digest(&walked));
            let Sliced::Udp { payload, .. } = walked else { panic!("{walked:?}") };
            prop_assert_eq!(plain.payload(), payload);
        }
    }

    #[test]
    fn any_bytes_on_any_link(link in prop_oneof![0u16..300, Just(1)], frame in proptest::collection::vec(any::<u8>(), 0..200), more in 0u32..100) {
        let origlen = frame.len() as u32 + more;
        let sliced = slice_frame(LinkType(link), &frame, origlen, &Limits::default());
        prop_assert!(sliced.ip().is_none_or(|ip| ip.payload.len() <= frame.len()));
    }
}
