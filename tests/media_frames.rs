//! RTP, RTCP, DTLS and ZRTP made to break a reader, as the Packets view and the decode tree tell them.

use callscope::correlate::Analysis;
use callscope::view::detail::{Node, frame_detail};
use callscope::view::packets::packet_lines;

use crate::bad_input::{ipv4, paced, read};

/// Ethernet, IPv4 and UDP between ports of no protocol.
fn udp(payload: &[u8]) -> Vec<u8> {
    let mut u = Vec::new();
    u.extend(40_000_u16.to_be_bytes());
    u.extend(40_002_u16.to_be_bytes());
    u.extend((8 + payload.len() as u16).to_be_bytes());
    u.extend([0, 0]);
    u.extend_from_slice(payload);
    ipv4(17, 1, 0, &u)
}

/// Protocol and text of each frame.
fn lines(a: &Analysis, frames: u32) -> Vec<(String, String)> {
    let lines = packet_lines(a, 0, 1, frames).expect("lines");
    lines.into_iter().map(|l| (l.protocol, l.info)).collect()
}

/// What the tree of a frame marks as wrong.
fn wrong(a: &Analysis, frame: u32) -> Vec<String> {
    fn walk(nodes: &[Node], out: &mut Vec<String>) {
        for n in nodes {
            if n.label == "Issue" {
                out.push(n.value.clone());
            }
            walk(&n.children, out);
        }
    }
    let line = &packet_lines(a, 0, frame, 1).expect("a line")[0];
    let mut out = Vec::new();
    for buffer in frame_detail(a, line.frame).expect("a tree") {
        walk(&buffer.tree, &mut out);
    }
    out
}

fn rtp(head: [u8; 2], rest: &[u8]) -> Vec<u8> {
    [&head[..], &[0, 7, 0, 0, 0, 160, 0x84, 0x18, 0xd3, 0xc5], rest].concat()
}

#[test]
fn what_only_looks_like_rtp_is_not_told_for_it() {
    let frames = [
        udp(&rtp([0x80, 8], &[0xd5; 160])),
        // Fifteen sources in 12 bytes, an extension of 65535 words, an extension without its head, 11 bytes.
        udp(&rtp([0x8f, 8], &[])),
        udp(&rtp([0x90, 8], &[0xbe, 0xde, 0xff, 0xff, 1, 2, 3, 4])),
        udp(&rtp([0x90, 8], &[0xbe, 0xde])),
        udp(&rtp([0x80, 8], &[])[..11]),
        // Version 1; a payload type that would be RTCP.
        udp(&rtp([0x40, 8], &[1; 20])),
        udp(&rtp([0x80, 72], &[1; 20])),
        // All of it padding.
        udp(&rtp([0xa0, 8], &[0, 0, 3])),
    ];
    let a = read(&paced(&frames));
    let told = lines(&a, 8);
    assert_eq!(told[0], ("RTP".to_owned(), "PT 8 PCMA seq 7 ts 160 SSRC 0x8418D3C5 160 bytes".to_owned()));
    for (protocol, info) in &told[1..7] {
        assert_eq!(protocol, "UDP", "{info}");
    }
    assert_eq!(told[7].1, "PT 8 PCMA seq 7 ts 160 SSRC 0x8418D3C5 0 bytes");
    assert!((1..=8).all(|n| wrong(&a, n).is_empty()), "nothing here can be called damage");
}

#[test]
fn control_packets_that_lie_say_where() {
    let report = [0u8; 24];
    let frames = [
        // 31 reports promised and one there; a second packet longer than the datagram; text beyond its packet.
        udp(&[&[0x9f, 201, 0, 7, 0, 0, 0, 1][..], &report].concat()),
        udp(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 202, 0xff, 0xff, 0, 0, 0, 1]),
        udp(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 202, 0, 2, 0, 0, 0, 1, 1, 0xff, b'a', b'b']),
        // Names that would act on a terminal.
        udp(&[0x81, 203, 0, 2, 0, 0, 0, 1, 3, 0x1b, b'[', b'm']),
    ];
    let a = read(&paced(&frames));
    let told = lines(&a, 4);
    assert!(told.iter().all(|(protocol, _)| protocol == "RTCP"), "{told:?}");
    assert!(told[..3].iter().all(|(_, info)| info.ends_with("malformed")), "{told:?}");
    assert!(!told[3].1.contains('\u{1b}'));
    let code = |n: u32| wrong(&a, n).concat();
    assert!(code(1).contains("(rtcp-report-count)"), "{}", code(1));
    assert!(code(2).contains("(rtcp-length)"), "{}", code(2));
    assert!(code(3).contains("(rtcp-sdes-length)"), "{}", code(3));
    assert_eq!(code(4), "");
}

/// Frames that the capture cut: what is missing is said, and nobody is blamed for it.
#[test]
fn cut_frames_blame_nobody() {
    let compound =
        [&[0x80, 201, 0, 1, 0, 0, 0, 1][..], &[0x81, 202, 0, 3, 0, 0, 0, 1, 1, 6], b"abcdef\0\0"].concat();
    let record = [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60][..], &[11; 60]].concat();
    let whole = [udp(&rtp([0xa0, 8], &[9; 160])), udp(&compound), udp(&record)];
    let frames: Vec<Vec<u8>> =
        whole.iter().zip([42 + 40, 42 + 20, 42 + 33]).map(|(f, n)| f[..n].to_vec()).collect();
    let a = read(&paced(&frames));
    let told = lines(&a, 3);
    assert_eq!(told[0].1, "PT 8 PCMA seq 7 ts 160 SSRC 0x8418D3C5 28 bytes, 132 bytes more not captured");
    assert_eq!(told[1].1, "RR + SDES + …, 6 bytes more not captured");
    assert_eq!(told[2].0, "DTLS");
    assert!(told.iter().all(|(_, info)| !info.contains("malformed")), "{told:?}");
    assert!((1..=3).all(|n| wrong(&a, n).is_empty()));
}

/// ZRTP counts with the media, and is told by its cookie.
#[test]
fn zrtp() {
    let ping = [&[0x10, 0, 0, 1][..], b"ZRTP", &[0, 0, 0, 1], b"PZ", &[0, 3], b"HelloACK", &[0; 4]].concat();
    let a = read(&paced(&[udp(&ping)]));
    assert_eq!(a.captures[0].accounting.other_traffic, 0, "{:?}", a.captures[0].accounting);
    let told = lines(&a, 1);
    assert_eq!(told[0], ("ZRTP".to_owned(), "HelloACK (Hello received), malformed".to_owned()));
    assert!(wrong(&a, 1).concat().contains("(zrtp-crc)"));
}
