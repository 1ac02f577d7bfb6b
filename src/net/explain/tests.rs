use etherparse::PacketBuilder;
use hex_literal::hex;
use proptest::prelude::*;

use super::*;
use crate::net::{Sliced, slice_frame};

/// `layer: name=value …` a line.
fn told(layers: &[Layer]) -> String {
    let mut out = String::new();
    for layer in layers {
        let fields: Vec<String> = layer.fields.iter().map(|f| format!("{}={}", f.name, f.value)).collect();
        out += &format!("{} {:?}: {}", layer.name, layer.range, fields.join("; "));
        if let Some(remark) = &layer.remark {
            out += &format!(" [{remark}]");
        }
        out.push('\n');
    }
    out
}

fn explain(link: u16, frame: &[u8]) -> (Vec<Layer>, Option<Range<usize>>) {
    explain_frame(LinkType(link), frame, frame.len() as u32, &Limits::default())
}

/// Where the slicer's payload lies in the frame.
fn sliced_range(link: u16, frame: &[u8]) -> Option<Range<usize>> {
    let payload = match slice_frame(LinkType(link), frame, frame.len() as u32, &Limits::default()) {
        Sliced::Udp { payload, .. } => payload,
        Sliced::Tcp { segment, .. } => segment.payload,
        Sliced::Sctp { chunks, .. } => chunks,
        Sliced::Fragment { ip } | Sliced::OtherIp { ip } => ip.payload,
        _ => return None,
    };
    let start = payload.as_ptr().addr() - frame.as_ptr().addr();
    Some(start..start + payload.len())
}

#[test]
fn a_tagged_udp_frame() {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .single_vlan(100.try_into().unwrap())
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(5060, 5062)
        .write(&mut frame, b"hi")
        .unwrap();
    let (layers, payload) = explain(1, &frame);
    assert_eq!(payload, Some(46..48));
    let text = told(&layers);
    for expect in [
        "Ethernet II 0..14: destination=02:00:00:00:00:02; source=02:00:00:00:00:01; type=0x8100 (802.1Q VLAN)",
        "802.1Q VLAN 14..18: priority=0; drop eligible=no; VLAN=100; type=0x0800 (IPv4)",
        "time to live=64; protocol=17 (UDP)",
        "source=10.0.0.1; destination=10.0.0.2\n",
        "UDP 38..46: source port=5060; destination port=5062; length=10;",
    ] {
        assert!(text.contains(expect), "{expect}\n{text}");
    }
    let ttl = layers[2].fields.iter().find(|f| f.name == "time to live").unwrap();
    assert_eq!(ttl.range, 26..27);
}

#[test]
fn tcp_options_in_words() {
    // A SYN made by hand: MSS 1460, SACK permitted, timestamps, window scale 7.
    let frame = hex!(
        "4500003c 00014000 40060000 c0000201 c0000202"
        "13c41f90 00000001 00000000 a002faf0 00000000"
        "020405b4 0402080a 0000000a 00000000 01030307"
    );
    let text = told(&explain(101, &frame).0);
    assert!(
        text.contains(
            "flags=SYN; window=64240; checksum=0x0000; urgent pointer=0; maximum segment size=1460; \
             SACK permitted=yes; timestamps=value 10, echo 0; window scale=7 (times 128)"
        ),
        "{text}"
    );
}

#[test]
fn icmp_in_words() {
    let frame = hex!(
        "45c00038 00010000 40010000 c0000202 c0000201 03030000 00000000"
        "45000200 00074000 3f110000 c0000201 c0000202 13c413c4 01ec0000"
    );
    let (layers, payload) = explain(101, &frame);
    assert_eq!(payload, None);
    let text = told(&layers);
    let expect = "type=3 (destination unreachable); code=3 (port unreachable); checksum=0x0000; \
                  about the packet=192.0.2.1:5060 > 192.0.2.2:5060, 17 (UDP)";
    assert!(text.contains(expect), "{text}");
}

#[test]
fn tunnels_and_failed_guesses() {
    let mut inner = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(5060, 5062)
        .write(&mut inner, b"hi")
        .unwrap();
    let packed = |payload: &[u8]| {
        let mut frame = Vec::new();
        PacketBuilder::ipv4([1; 4], [2; 4], 64).udp(1, 4789).write(&mut frame, payload).unwrap();
        frame
    };
    let vxlan = hex!("0800000000002a00");
    let frame = packed(&[&vxlan, &inner[..]].concat());
    let (layers, payload) = explain(101, &frame);
    let names: Vec<&str> = layers.iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["IPv4", "UDP", "VXLAN", "Ethernet II", "IPv4", "UDP"]);
    assert_eq!(payload, Some(frame.len() - 2..frame.len()));
    // ARP inside: the packet is plain UDP, and no inner layers are left over.
    inner[12..14].copy_from_slice(&[8, 6]);
    let frame = packed(&[&vxlan, &inner[..]].concat());
    let (layers, payload) = explain(101, &frame);
    assert_eq!(layers.len(), 2);
    assert_eq!(payload, Some(28..frame.len()));
}

#[test]
fn cut_and_malformed_are_remarked() {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(5060, 5062)
        .write(&mut frame, b"hi")
        .unwrap();
    let (layers, payload) = explain_frame(LinkType(1), &frame[..30], 44, &Limits::default());
    assert_eq!(layers.last().unwrap().remark.as_deref(), Some("cut by the capture's snapshot length"));
    assert_eq!(payload, None);
    frame[14] = 0x43;
    let (layers, _) = explain(1, &frame);
    assert_eq!(layers.last().unwrap().remark.as_deref(), Some("IPv4 header length below 20"));
    let (layers, _) = explain(101, b"");
    assert_eq!((layers[0].name, layers[0].remark.as_deref()), ("Frame", Some("no IP header")));
}

proptest! {
    /// Frames of every kind that the slicer knows, damaged at random.
    #[test]
    fn slicer_and_explainer_agree(
        seed in 0usize..6,
        damage in proptest::collection::vec((0usize..120, any::<u8>()), 0..4),
        cut in 0usize..40,
        link in prop_oneof![Just(0u16), 0u16..300],
    ) {
        let mut udp = Vec::new();
        PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(5060, 5062).write(&mut udp, b"hello").unwrap();
        let macs = [2u8; 12];
        let (seed_link, mut frame) = match seed {
            0 => (1, [&macs, &hex!("0800")[..], &udp].concat()),
            1 => (1, [&macs, &hex!("8100 0001 8847 0001d1ff")[..], &udp].concat()),
            2 => (101, udp.clone()),
            3 => (127, [&hex!("0000 0900 02000000 10 0801 0000")[..], &[2; 18], &hex!("1000 aaaa03 000000 0800"), &udp].concat()),
            4 => (101, [&hex!("45000047 00000000 402f0000 01010101 02020202 2000 0800 00000001")[..], &udp].concat()),
            _ => (276, [&hex!("0800 0000 00000003 0001 00 06 0200000000010000")[..], &udp].concat()),
        };
        let link = if link == 0 { seed_link } else { link };
        for (at, byte) in damage {
            if let Some(slot) = frame.get_mut(at) {
                *slot = byte;
            }
        }
        frame.truncate(frame.len() - cut.min(frame.len()));
        let (layers, payload) = explain(link, &frame);
        let sliced = sliced_range(link, &frame);
        prop_assert_eq!(payload.filter(|range| !range.is_empty()), sliced.filter(|range| !range.is_empty()));
        for layer in layers {
            prop_assert!(layer.range.end <= frame.len());
            for field in layer.fields {
                prop_assert!(field.range.start >= layer.range.start && field.range.end <= layer.range.end);
            }
        }
    }
}
