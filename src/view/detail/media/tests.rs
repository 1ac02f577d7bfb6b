use std::ops::Range;

use callscope_parsers::probe::probe_datagram;
use hex_literal::hex;
use proptest::prelude::*;

use super::*;

/// Seeds of the parsers' fuzz corpus; where they come from stands beside the same bytes in the parsers' tests.
macro_rules! seed {
    ($path:literal) => {
        include_bytes!(concat!("../../../../parsers/fuzz/corpus/", $path))
    };
}

fn print(nodes: &[Node], depth: usize, out: &mut String) {
    for node in nodes {
        let range = node.range.as_ref().map_or_else(String::new, |r| format!("{}..{} ", r.start, r.end));
        let mark = if node.issue { "! " } else { "" };
        out.push_str(&format!("{}{mark}{range}{}: {}\n", "  ".repeat(depth), node.label, node.value));
        print(&node.children, depth + 1, out);
    }
}

/// The tree of a datagram that stands 42 bytes into its frame.
fn tree(datagram: &[u8]) -> String {
    let mut out = String::new();
    print(
        &[node(probe_datagram(datagram), datagram, 42, false, &Types::default()).expect("media")],
        0,
        &mut out,
    );
    out
}

#[test]
fn rtp_with_everything() {
    insta::assert_snapshot!(tree(seed!("rtp/everything")));
}

/// Elements of the header extension as Chrome sends them, and a key of RFC 4733 behind them.
#[test]
fn header_extension_and_key() {
    let packet = hex!("90e50007 000000a0 8418d3c5 bede0002 22a10b0c 00 51 0102 01 8a0640");
    let packet = [&packet[..16], &hex!("22a10b0c00510102"), &hex!("018a0640")].concat();
    insta::assert_snapshot!(tree(&packet));
    // Two-byte heads, and what ends early.
    let element = |profile, content: &[u8]| extension_elements(profile, content);
    assert_eq!(element(0x1000, &hex!("05 02 aabb 00 07 00 00")), [(5, 2..4), (7, 7..7)]);
    assert_eq!(element(ONE_BYTE_EXTENSIONS, &hex!("2f aabb")), []);
    assert_eq!(element(ONE_BYTE_EXTENSIONS, &hex!("10 aa f0 10 bb")), [(1, 1..2)]);
    assert_eq!(element(0x0042, &hex!("10 aa")), []);
}

/// What a number means is said where it is fixed; a default of other clients is called that.
#[test]
fn payload_types() {
    let all = [0, 10, 13, 31, 71, 96, 111, 117, 121].map(|n| payload_type(n, &SourceTypes::default()));
    assert_eq!(
        all,
        [
            "0 (PCMU, 8000 Hz)",
            "10 (L16, 44100 Hz, 2 channels)",
            "13 (CN, comfort noise, 8000 Hz)",
            "31 (H261, 90000 Hz)",
            "71 (not assigned)",
            "96 (dynamic)",
            "111 (dynamic; Communicator and Lync default to SIREN, 16000 Hz)",
            "117 (dynamic; Communicator and Lync default to G722, 8000 Hz, 2 channels)",
            "121 (dynamic; Communicator and Lync default to x-rtvc1, RTVideo, 90000 Hz)",
        ]
    );
}

/// A count of padding that does not fit is what SRTP looks like: told, and no fault.
#[test]
fn padding_in_srtp() {
    let text = tree(&hex!("a0600001 00000000 00000001 aabbff"));
    assert!(
        text.contains("56..57 Padding bytes: the count does not fit: it is encrypted (SRTP), or damaged")
    );
    assert!(!text.contains('!'));
}

#[test]
fn compound() {
    insta::assert_snapshot!(tree(seed!("rtcp/sr_sdes")));
}

#[test]
fn goodbye() {
    insta::assert_snapshot!(tree(seed!("rtcp/bye_sdes")));
}

#[test]
fn encrypted_control() {
    insta::assert_snapshot!(tree(seed!("rtcp/srtcp_sr")));
}

#[test]
fn microsoft_extensions() {
    insta::assert_snapshot!(tree(seed!("rtcp/microsoft_extensions")));
}

#[test]
fn extended_report() {
    insta::assert_snapshot!(tree(seed!("rtcp/extended_report")));
}

#[test]
fn feedback() {
    insta::assert_snapshot!(tree(seed!("rtcp/feedback")));
}

#[test]
fn application_with_padding() {
    insta::assert_snapshot!(tree(seed!("rtcp/application_with_padding")));
}

/// Lengths and counts that lie stand where they lie.
#[test]
fn lying_control() {
    let cut = tree(&seed!("rtcp/sr_sdes")[..90]);
    assert!(cut.contains("! 94..132 SDES"), "{cut}");
    assert!(cut.contains("Issue: The packet says 44 bytes, and 38 are there (rtcp-length)"), "{cut}");
    let mut many = *seed!("rtcp/sr_sdes");
    many[0] = 0x9f;
    let many = tree(&many);
    assert!(
        many.contains("promises 31 report blocks, and there is room for 1 (rtcp-report-count)"),
        "{many}"
    );
}

/// A capture that holds only the beginning: nothing is wrong, and nothing is told that may be ciphertext.
#[test]
fn cut_by_the_capture() {
    let all: [(&[u8], Probe); 4] = [
        (&seed!("rtcp/srtcp_sr")[..60], Probe::Rtcp),
        (&seed!("dtls/certificate")[..60], Probe::Dtls),
        (&seed!("zrtp/hello")[..60], Probe::Zrtp),
        (&hex!("a0600001 00000000 00000001 aabbff"), Probe::Rtp),
    ];
    let mut out = String::new();
    print(
        &all.map(|(bytes, probe)| node(probe, bytes, 0, true, &Types::default()).expect("media")),
        0,
        &mut out,
    );
    assert!(!out.contains('!'), "{out}");
    insta::assert_snapshot!(out);
}

/// Senders without a clock, and dates.
#[test]
fn ntp_times() {
    let at = |ntp: u64| {
        let datagram =
            [&hex!("80c80006 00000001")[..], &ntp.to_be_bytes(), &hex!("00000000 00000000 00000000")]
                .concat();
        let text = tree(&datagram);
        text.lines().find_map(|l| l.split_once("NTP time: ")).map(|(_, t)| t.to_owned()).expect("a time")
    };
    assert_eq!(at(0), "0 (no clock)");
    assert_eq!(at(0x0000_0010_8000_0000), "0x0000001080000000");
    // RFC 868: 2,208,988,800 s is 1970-01-01.
    assert_eq!(at(2_208_988_800 << 32 | 1 << 31), "1970-01-01T00:00:00.500000000Z (0x83aa7e8080000000)");
}

#[test]
fn client_hello() {
    insta::assert_snapshot!(tree(seed!("dtls/client_hello_with_cookie")));
}

#[test]
fn server_hello() {
    insta::assert_snapshot!(tree(seed!("dtls/server_hello")));
}

#[test]
fn certificate() {
    insta::assert_snapshot!(tree(seed!("dtls/certificate")));
}

#[test]
fn certificate_in_pieces_and_finished() {
    insta::assert_snapshot!(tree(seed!("dtls/piece")));
}

#[test]
fn dtls13_and_alert() {
    insta::assert_snapshot!([tree(seed!("dtls/unified")), tree(seed!("dtls/alert"))].concat());
}

#[test]
fn zrtp_messages() {
    let all = [tree(seed!("zrtp/hello")), tree(seed!("zrtp/commit")), tree(seed!("zrtp/error"))];
    insta::assert_snapshot!(all.concat());
}

/// Names of the other side are made safe.
#[test]
fn hostile_text() {
    let bye = hex!("81cb0003 00000001 07 1b5b33316d0a07");
    assert!(tree(&bye).contains("Reason"));
    let mut hello = *seed!("zrtp/hello");
    hello[28..31].copy_from_slice(b"\x1b[2");
    for text in [tree(&bye), tree(&hello)] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}

proptest! {
    /// Whatever the bytes: ranges lie inside of the payload, and children inside of what holds them.
    #[test]
    fn ranges_lie_inside(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), head in 0usize..7) {
        let heads: [&[u8]; 7] = [
            &hex!("80c80006"), &hex!("85c90020"), &hex!("82ca0010"), &hex!("80cf0010"),
            &hex!("16fefd0000000000000000"), &hex!("100000015a525450"), &hex!("b3"),
        ];
        bytes.splice(0..0, heads[head].iter().copied());
        fn check(n: &Node, outer: &Range<usize>) -> Result<(), TestCaseError> {
            let own = n.range.clone().unwrap_or_else(|| outer.clone());
            prop_assert!(
                own.start <= own.end && outer.start <= own.start && own.end <= outer.end,
                "{} {own:?} outside of {outer:?}", n.label
            );
            n.children.iter().try_for_each(|c| check(c, &own))
        }
        for probe in [Probe::Rtp, Probe::Rtcp, Probe::Dtls, Probe::Zrtp] {
            for found in [false, true].into_iter().filter_map(|cut| node(probe, &bytes, 42, cut, &Types::default())) {
                check(&found, &(42..42 + bytes.len()))?;
            }
        }
    }
}

/// Two sections in a bundle of their own numbers, unlike those that other clients default to.
fn analysis() -> crate::correlate::Analysis {
    use crate::view::scenario::media::Source;
    use crate::view::scenario::{Scenario, request, response};
    let sdp = |ip: &str, port: u16| {
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\na=group:BUNDLE 0 v\r\n\
             m=audio {port} RTP/AVP 100 101 102 0\r\na=mid:0\r\na=rtpmap:100 RED/8000\r\na=rtpmap:101 x-msrta/16000\r\n\
             a=rtpmap:102 telephone-event/8000\r\na=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
             m=video {port} RTP/AVP 114 121\r\na=mid:v\r\na=rtpmap:114 VP8/90000\r\na=rtpmap:121 H264/90000\r\n\
             a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
        )
    };
    let mut s = Scenario::default();
    let invite = request("INVITE", 1).id("c").via(&["A f"]);
    s.add(0, "A>B", &invite.body("application/sdp", &sdp("10.0.0.65", 4000)));
    let ok = response("200 OK", 1, "INVITE").id("c").via(&["A f"]).tag("b");
    s.add(100, "B>A", &ok.body("application/sdp", &sdp("10.0.0.66", 5000)));
    for (ssrc, payload_type) in [(1, 100), (2, 114), (3, 121), (4, 102)] {
        let mut source = Source::new("10.0.0.65:4000>10.0.0.66:5000", ssrc);
        source.payload_type = payload_type;
        s.add_run(200_000, 20_000, 10, &mut source);
    }
    s.done()
}

fn types(analysis: &crate::correlate::Analysis) -> Types<'_> {
    let at = |text: &str| text.parse().expect("an address");
    let time = analysis.joined_media()[0].first;
    Types::of(analysis, at("10.0.0.65:4000"), at("10.0.0.66:5000"), crate::correlate::Transport::Udp, time)
}

fn named_tree(analysis: &crate::correlate::Analysis, ssrc: u8, number: u8, payload: &[u8]) -> String {
    let mut packet = vec![0x80, number, 0, 7, 0, 0, 0, 0xa0, 0, 0, 0, ssrc];
    packet.extend(payload);
    let node = node(Probe::Rtp, &packet, 0, false, &types(analysis)).expect("RTP");
    let kept: Vec<Node> = node
        .children
        .into_iter()
        .filter(|n| matches!(n.label.as_str(), "Payload type" | "Payload"))
        .collect();
    let mut out = format!("{}\n", node.value);
    print(&kept, 0, &mut out);
    out
}

/// The call's own numbers name what is inside, whatever other clients use them for.
#[test]
fn payloads_as_the_sdp_names_them() {
    let analysis = analysis();
    assert_eq!(analysis.joined_media().len(), 4);
    let mut out = String::new();
    // RED of RFC 2198 §4: two blocks before the newest; a key that ends, then the flash hook; and one that is damaged.
    let red =
        [&hex!("e5 028004")[..], &hex!("80 014002"), &hex!("00"), &hex!("a1a2a3a4 b1b2 c1c2c3")].concat();
    for (ssrc, number, payload) in [
        (1, 100, &red[..]),
        (1, 100, &hex!("e5 0280ff 00 a1")),
        (1, 101, &hex!("0102")),
        (1, 103, &hex!("0102")),
        (4, 102, &hex!("0b8a0640 100a0320")),
        (2, 114, &hex!("90 80 11 10 0200 9d012a 4001 f000 77")),
        (2, 114, &hex!("90 e0 92ac 05 40 31")),
        (2, 114, &hex!("11 00")),
        (3, 121, &hex!("6742c01e")),
        (3, 121, &hex!("18 0002 6742 0002 68ce")),
        (3, 121, &hex!("7c85 88")),
    ] {
        out.push_str(&named_tree(&analysis, ssrc, number, payload));
        out.push('\n');
    }
    insta::assert_snapshot!(out);
    // The section of the packet by its header extension.
    let packet = hex!("90640007 000000a0 00000001 bede0001 30 76 0000 01");
    let node = node(Probe::Rtp, &packet, 0, false, &types(&analysis)).expect("RTP");
    let element = node.children.iter().flat_map(|n| &n.children).find(|n| n.label == "Element 3");
    assert_eq!(element.map(|n| n.value.as_str()), Some("v  (urn:ietf:params:rtp-hdrext:sdes:mid)"));
}

#[test]
fn keys_are_hidden_where_text_is() {
    let mut analysis = analysis();
    analysis.redact_text = true;
    let tree = named_tree(&analysis, 4, 102, &hex!("058a0640"));
    assert!(tree.contains("key x ends") && !tree.contains("key 5") && !tree.contains("5 (5)"), "{tree}");
}

proptest! {
    /// Whatever is inside: lines stay within the payload.
    #[test]
    fn any_payload_is_opened_within_its_bounds(ssrc in 1u8..5, payload in prop::collection::vec(any::<u8>(), 0..60)) {
        thread_local!(static ANALYSIS: crate::correlate::Analysis = analysis());
        ANALYSIS.with(|analysis| {
            let number = [100, 114, 121, 102][usize::from(ssrc) - 1];
            let mut packet = vec![0x80, number, 0, 7, 0, 0, 0, 0xa0, 0, 0, 0, ssrc];
            packet.extend(&payload);
            let node = node(Probe::Rtp, &packet, 0, false, &types(analysis)).expect("RTP");
            fn check(n: &Node, outer: &Range<usize>) {
                let range = n.range.clone().unwrap_or(outer.clone());
                assert!(outer.start <= range.start && range.start <= range.end && range.end <= outer.end, "{n:?}");
                n.children.iter().for_each(|c| check(c, &range));
            }
            check(&node, &(0..packet.len()));
        });
    }
}
