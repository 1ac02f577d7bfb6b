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
    print(&[node(probe_datagram(datagram), datagram, 42, false).expect("media")], 0, &mut out);
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
    let element = |profile, content: &[u8]| elements(profile, content);
    assert_eq!(element(0x1000, &hex!("05 02 aabb 00 07 00 00")), [(5, 2..4), (7, 7..7)]);
    assert_eq!(element(ONE_BYTE_EXTENSIONS, &hex!("2f aabb")), []);
    assert_eq!(element(ONE_BYTE_EXTENSIONS, &hex!("10 aa f0 10 bb")), [(1, 1..2)]);
    assert_eq!(element(0x0042, &hex!("10 aa")), []);
}

/// What a number means is said where it is fixed; a default of other clients is called that.
#[test]
fn payload_types() {
    let all = [0, 10, 13, 31, 71, 96, 111, 117, 121].map(payload_type);
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
    print(&all.map(|(bytes, probe)| node(probe, bytes, 0, true).expect("media")), 0, &mut out);
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
            for found in [false, true].into_iter().filter_map(|cut| node(probe, &bytes, 42, cut)) {
                check(&found, &(42..42 + bytes.len()))?;
            }
        }
    }
}
