use hex_literal::hex;
use proptest::prelude::*;

use super::*;

/// From coturn's relay to Alice, port 12139: baresip (udp_ice_direct, frame 631).
const SR_SDES: [u8; 96] = hex!(
    "81c8000c 1b366c66 eeaec9f9810a7829 00019b3f 000000fa 00009c40"
    "1677fd28 00000000 00001819 00000009 c9f968c2 00001851"
    "81ca000a 1b366c66 01217369703a626f62406c61622e6578616d706c653b7472616e73706f72743d75647000"
);
/// The end of the same call (frame 1614).
const BYE_SDES: [u8; 60] = hex!(
    "81cb0003 1b366c66 0441646a6f000000"
    "81ca000a 1b366c66 01217369703a626f62406c61622e6578616d706c653b7472616e73706f72743d75647000"
);
/// aiortc with AEAD_AES_256_GCM: an SR and what follows it encrypted (aiortc_ipv6_host, frame 107).
const SRTCP_SR: [u8; 96] = hex!(
    "80c800063291d53ce5d7c18710c52e816c942a8d5acef993b088c5a7b5ac8dac59a9c7ac656ea952f218f0a7981f33bf"
    "62573c6868c417ab8ca73091ebd1ff898e9439b13cfc3343c73faf4694f31b1c74d904fcbd6a46f1c321637380000001"
);
/// The same association, an RR alone (frame 152).
const SRTCP_RR: [u8; 52] = hex!(
    "81c900073291d53c09f0997eaf731e4d9a644fbdfa57443f2b7a38678e2abeb090890339e123f58a51d9c16c733fad13"
    "80000002"
);

fn codes(rtcp: &Rtcp<'_>) -> Vec<&'static str> {
    rtcp.issues.iter().map(|i| i.code).collect()
}

#[test]
fn sender_report_and_description() {
    let rtcp = parse_rtcp(&SR_SDES);
    assert_eq!((rtcp.encrypted, rtcp.reduced_size, rtcp.trailer.is_none()), (false, false, true));
    assert_eq!(codes(&rtcp), [""; 0]);
    let [sr, sdes] = &rtcp.packets[..] else { panic!("{rtcp:?}") };
    assert_eq!((sr.range.clone(), sdes.range.clone()), (0..52, 52..96));
    let RtcpBody::SenderReport(report) = &sr.body else { panic!("{sr:?}") };
    assert_eq!(report.ssrc, 0x1b36_6c66);
    // 2026-11-23 14:19:37 UTC in seconds since 1900.
    assert_eq!(report.ntp >> 32, 4_004_432_377);
    assert_eq!((report.rtp_timestamp, report.packets, report.octets), (105_279, 250, 40_000));
    let [block] = report.reports[..] else { panic!("{report:?}") };
    assert_eq!((block.ssrc, block.fraction_lost, block.cumulative_lost), (0x1677_fd28, 0, 0));
    assert_eq!((block.highest, block.jitter, block.lsr, block.dlsr), (6169, 9, 0xc9f9_68c2, 6225));
    assert!(report.extensions.is_empty());
    let RtcpBody::SourceDescription(chunks) = &sdes.body else { panic!("{sdes:?}") };
    let [item] = &chunks[0].items[..] else { panic!("{chunks:?}") };
    assert_eq!((item.kind, item.text), (SdesItem::CNAME, &b"sip:bob@lab.example;transport=udp"[..]));
    assert_eq!(SR_SDES[item.range.clone()][2..], *item.text);
}

/// A BYE before the SDES: no compound of RFC 3550, and nothing wrong with it.
#[test]
fn bye() {
    let rtcp = parse_rtcp(&BYE_SDES);
    assert_eq!((rtcp.encrypted, rtcp.reduced_size), (false, true));
    assert_eq!(codes(&rtcp), [""; 0]);
    let RtcpBody::Bye(bye) = &rtcp.packets[0].body else { panic!("{rtcp:?}") };
    assert_eq!((&bye.ssrcs[..], bye.reason), (&[0x1b36_6c66][..], Some(&b"Adjo"[..])));
    assert_eq!(BYE_SDES[bye.reason_range.clone()], *b"Adjo");
}

#[test]
fn encrypted() {
    for (datagram, index, kind) in [(&SRTCP_SR[..], 1, packet_type::SR), (&SRTCP_RR, 2, packet_type::RR)] {
        assert!(looks_like_srtcp(datagram));
        let rtcp = parse_rtcp(datagram);
        assert!(rtcp.encrypted && !rtcp.reduced_size && rtcp.issues.is_empty());
        assert_eq!(rtcp.trailer.as_ref().map(|t| (t.encrypted, t.index)), Some((true, index)));
        let [first] = &rtcp.packets[..] else { panic!("{rtcp:?}") };
        assert_eq!((first.packet_type, &first.body), (kind, &RtcpBody::Encrypted { ssrc: 0x3291_d53c }));
    }
    for clear in [&SR_SDES[..], &BYE_SDES] {
        assert!(!looks_like_srtcp(clear));
    }
}

/// AES_CM_128_HMAC_SHA1_80 as Office Communicator describes it, `|2^31|1:1`: a key identifier of one byte between the index
/// and the ten bytes of tag (RFC 3711 figure 2). Made up of the GCM packet's ciphertext.
#[test]
fn encrypted_with_a_key_identifier() {
    for identifier in [&[][..], &[1]] {
        let mut datagram = SRTCP_RR[..32].to_vec();
        datagram.extend(hex!("80000007"));
        datagram.extend(identifier);
        datagram.extend(hex!("f1d2d3d4d5d6d7d8d9da"));
        let rtcp = parse_rtcp(&datagram);
        assert!(rtcp.encrypted, "{identifier:?}");
        assert_eq!(rtcp.trailer.unwrap().index, 7);
    }
}

/// Cut by the capture there is no trailer: only who knows that it is SRTCP gets no report made of ciphertext.
#[test]
fn encrypted_and_cut() {
    let cut = &SRTCP_RR[..40];
    assert_eq!(codes(&parse_rtcp(cut)), ["rtcp-no-packet"]);
    let rtcp = parse_srtcp(cut);
    assert_eq!(rtcp.packets[0].body, RtcpBody::Encrypted { ssrc: 0x3291_d53c });
    assert!(rtcp.encrypted && rtcp.trailer.is_none());
    assert_eq!(parse_srtcp(&SRTCP_SR), parse_rtcp(&SRTCP_SR));
    assert_eq!(parse_srtcp(b"\x80\xc9"), Rtcp::default());
}

/// Cut by the capture at every length: never an issue, never content that may be ciphertext, and what stood whole before
/// the cut is read.
#[test]
fn cut_by_the_capture() {
    for whole in [&SR_SDES[..], &BYE_SDES, &SRTCP_SR, &SRTCP_RR] {
        for length in 0..whole.len() {
            let rtcp = parse_cut_rtcp(&whole[..length]);
            assert!(rtcp.cut && !rtcp.encrypted && rtcp.issues.is_empty(), "{length}");
            assert_eq!(rtcp.packets.is_empty(), length < 4);
        }
    }
    for (length, clear) in [(52, false), (55, false), (56, true), (60, true)] {
        let rtcp = parse_cut_rtcp(&SR_SDES[..length]);
        assert_eq!(matches!(rtcp.packets[0].body, RtcpBody::SenderReport(_)), clear, "{length}");
    }
    for length in 8..SRTCP_SR.len() {
        let rtcp = parse_cut_rtcp(&SRTCP_SR[..length]);
        assert_eq!(rtcp.packets[0].body, RtcpBody::Unknown, "{length}");
    }
}

/// The E bit clear: authenticated only (RFC 3711 §3.4), so everything can be read.
#[test]
fn authenticated_only() {
    let mut datagram = SR_SDES.to_vec();
    datagram.extend(hex!("00000003 f1d2d3d4d5d6d7d8d9da"));
    let rtcp = parse_rtcp(&datagram);
    assert!(!rtcp.encrypted && rtcp.issues.is_empty());
    assert_eq!(rtcp.packets.len(), 2);
    assert_eq!(rtcp.trailer, Some(SrtcpTrailer { encrypted: false, index: 3, word: 96..100 }));
}

/// RFC 3550 figure 2.
#[test]
fn round_trip_time() {
    let rtt = round_trip(0xb710_8000, 0xb705_2000, 0x0005_4000);
    assert_eq!(rtt, Some(0x0006_2000));
    assert_eq!(f64::from(rtt.unwrap()) / 65536.0, 6.125);
    assert_eq!(round_trip(0xb710_8000, 0, 0), None, "no SR has come");
    assert_eq!(round_trip(1, 2, 3), None, "earlier than it was sent");
    // Across the end of the 18 hours that 32 bits hold.
    assert_eq!(round_trip(0x0000_1000, 0xffff_f000, 0x1000), Some(0x1000));
}

/// The vector of [MS-RTP] §2.2.11.6: 64000 bit/s; its length includes its four bytes of header. The other as TShark 4.0.17
/// reads it.
#[test]
fn microsoft_extensions() {
    let datagram = hex!(
        "80c9000c 01020304"
        "0008000c 00000000 0000fa00"
        "00010010 0a0b0c0d 0000fa00 42000000"
        "00ee000c 0102030405060708"
        "00040004"
    );
    let rtcp = parse_rtcp(&datagram);
    assert_eq!(codes(&rtcp), [""; 0]);
    let RtcpBody::ReceiverReport(rr) = &rtcp.packets[0].body else { panic!("{rtcp:?}") };
    let found: Vec<_> = rr.extensions.iter().map(|e| (e.kind, e.name(), e.value, e.range.clone())).collect();
    let ssrc = 0x0a0b_0c0d;
    assert_eq!(
        found,
        [
            (8, Some("TURN server bandwidth"), ExtensionValue::TurnBandwidth { bits: 64_000 }, 8..20),
            (
                1,
                Some("estimated bandwidth"),
                ExtensionValue::EstimatedBandwidth { ssrc, bits: 64_000, confidence: Some(0x42) },
                20..36
            ),
            (0xee, None, ExtensionValue::Opaque, 36..48),
            (4, Some("packet loss notification"), ExtensionValue::Opaque, 48..52),
        ]
    );
    // What is no such list is given as it is, in one piece.
    let other = hex!("80c90003 01020304 00080003 00000000");
    let rtcp = parse_rtcp(&other);
    let RtcpBody::ReceiverReport(rr) = &rtcp.packets[0].body else { panic!("{rtcp:?}") };
    let [e] = &rr.extensions[..] else { panic!("{rr:?}") };
    assert_eq!((e.value, e.range.clone(), e.name()), (ExtensionValue::Raw, 8..16, None));
}

/// RFC 3550 §6.4.1: the cumulative number is signed.
#[test]
fn more_duplicates_than_losses() {
    let datagram = hex!("81c90007 00000001 00000002 80fffffe 00010005 00000000 00000000 00000000");
    let RtcpBody::ReceiverReport(rr) = &parse_rtcp(&datagram).packets[0].body.clone() else { panic!() };
    assert_eq!((rr.reports[0].cumulative_lost, rr.reports[0].loss()), (-2, 0.5));
    assert_eq!(rr.reports[0].highest, 0x0001_0005);
}

fn feedback(datagram: &[u8]) -> (Option<&'static str>, FeedbackDetail) {
    let rtcp = parse_rtcp(datagram);
    assert_eq!(codes(&rtcp), [""; 0]);
    match &rtcp.packets[0].body {
        RtcpBody::TransportFeedback(f) | RtcpBody::PayloadFeedback(f) => {
            assert_eq!((f.sender, f.media), (1, 2));
            (f.name(), f.detail.clone())
        }
        other => panic!("{other:?}"),
    }
}

/// Each format by the box of its section.
#[test]
fn feedback_formats() {
    // RFC 4585 §6.2.1.
    let (name, detail) = feedback(&hex!("81cd0003 00000001 00000002 fffe0005"));
    let FeedbackDetail::Nack(nacks) = &detail else { panic!("{detail:?}") };
    assert_eq!(name, Some("NACK"));
    assert_eq!(nacks[0].lost().collect::<Vec<_>>(), [0xfffe, 0xffff, 1]);
    // RFC 5104 §4.2.1.1: exponent 2, mantissa 16000, overhead 40.
    let (name, detail) = feedback(&hex!("83cd0004 00000001 00000002 00000009 087d0028"));
    let item = TmmbItem { ssrc: 9, bits: 64_000, overhead: 40 };
    assert_eq!((name, detail), (Some("TMMBR"), FeedbackDetail::Tmmb(vec![item])));
    // TMMBN without an entry: nobody limits (§4.2.2.1).
    assert_eq!(feedback(&hex!("84cd0002 00000001 00000002")), (Some("TMMBN"), FeedbackDetail::Tmmb(vec![])));
    // RFC 4585 §6.3.1 and §6.3.2: first 300, number 20, picture 5.
    assert_eq!(feedback(&hex!("81ce0002 00000001 00000002")), (Some("PLI"), FeedbackDetail::None));
    let sli = Sli { first: 300, number: 20, picture: 5 };
    let expected = (Some("SLI"), FeedbackDetail::Sli(vec![sli]));
    assert_eq!(feedback(&hex!("82ce0003 00000001 00000002 09600505")), expected);
    // RFC 5104 §4.3.1.1.
    let expected = (Some("FIR"), FeedbackDetail::Fir(vec![(7, 3)]));
    assert_eq!(feedback(&hex!("84ce0004 00000001 00000002 00000007 03000000")), expected);
    // draft-alvestrand-rmcat-remb: one SSRC, exponent 3, mantissa 125000.
    let (name, detail) = feedback(&hex!("8fce0005 00000001 00000002 52454d42 010de848 00000007"));
    assert_eq!((name, detail), (Some("REMB"), FeedbackDetail::Remb { bits: 1_000_000, ssrcs: vec![7] }));
    // Microsoft's video source request has the same format number.
    assert_eq!(feedback(&hex!("8fce0003 00000001 00000002 00010044")), (Some("ALFB"), FeedbackDetail::None));
    // draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.
    let (name, detail) = feedback(&hex!("8fcd0005 00000001 00000002 00990001 3ff71c04 2001 0c00"));
    let expected = FeedbackDetail::Twcc { base: 153, packets: 1, reference_time: 4_192_028, number: 4 };
    assert_eq!((name, detail), (Some("TWCC"), expected));
    // A number nobody has assigned.
    assert_eq!(feedback(&hex!("9ece0002 00000001 00000002")), (None, FeedbackDetail::None));
}

/// An exponent that needs more than 64 bits.
#[test]
fn absurd_bandwidth() {
    let (_, detail) = feedback(&hex!("8fce0004 00000001 00000002 52454d42 00ffffff"));
    assert_eq!(detail, FeedbackDetail::Remb { bits: u64::MAX, ssrcs: vec![] });
}

/// RFC 3611 §4.4, §4.5, §4.7 and a block that is not read.
#[test]
fn extended_report() {
    let datagram = hex!(
        "80cf0012 00000001"
        "04000002 0102030405060708"
        "05000003 00000002 11223344 00010000"
        "07000008 00000003 1a05 ff10 01f4 2710 0064 0032 f1c3 7f10 5d7f 292a 9000 0028 0050 00a0"
        "01000000"
    );
    let rtcp = parse_rtcp(&datagram);
    assert_eq!(codes(&rtcp), [""; 0]);
    let RtcpBody::ExtendedReport(xr) = &rtcp.packets[0].body else { panic!("{rtcp:?}") };
    let names: Vec<_> = xr.blocks.iter().filter_map(XrBlock::name).collect();
    assert_eq!(names, ["Receiver Reference Time", "DLRR", "VoIP Metrics", "Loss RLE"]);
    assert_eq!(xr.blocks[0].body, XrBody::ReceiverReferenceTime { ntp: 0x0102_0304_0506_0708 });
    assert_eq!(xr.blocks[1].body, XrBody::Dlrr(vec![(2, 0x1122_3344, 0x1_0000)]));
    let XrBody::VoipMetrics(m) = xr.blocks[2].body else { panic!("{xr:?}") };
    assert_eq!((m.ssrc, m.loss_rate, m.discard_rate, m.burst_density, m.gap_density), (3, 26, 5, 255, 16));
    assert_eq!((m.burst_duration, m.gap_duration), (500, 10_000));
    assert_eq!((m.round_trip_delay, m.end_system_delay), (100, 50));
    assert_eq!((m.signal_level, m.noise_level, m.rerl, m.gmin), (-15, -61, VoipMetrics::NOT_KNOWN, 16));
    assert_eq!((m.r_factor, m.external_r_factor, m.mos_lq, m.mos_cq), (93, 127, 41, 42));
    assert_eq!((m.rx_config, m.jitter_buffer_nominal), (0x90, 40));
    assert_eq!((m.jitter_buffer_maximum, m.jitter_buffer_absolute_maximum), (80, 160));
    assert_eq!(xr.blocks[3].body, XrBody::Other);
}

/// RFC 3550 §6.7, and padding of eight bytes behind it.
#[test]
fn application_defined_with_padding() {
    let datagram = hex!("a5cc0005 00000001 6d736674 c0ffee00 0000000000000008");
    let rtcp = parse_rtcp(&datagram);
    assert_eq!(codes(&rtcp), [""; 0]);
    let [packet] = &rtcp.packets[..] else { panic!("{rtcp:?}") };
    let RtcpBody::App(app) = &packet.body else { panic!("{packet:?}") };
    assert_eq!((app.subtype, &app.name, app.data, packet.padding), (5, b"msft", &hex!("c0ffee00")[..], 8));
    assert_eq!(app.data_range, 12..16);
}

/// Lengths and counts that lie: each is said, and what can be read is read.
#[test]
fn lies() {
    let check = |datagram: &[u8], expected: &[&str]| {
        let rtcp = parse_rtcp(datagram);
        assert_eq!(codes(&rtcp), expected, "{rtcp:?}");
        assert!(!rtcp.encrypted);
        rtcp.packets.len()
    };
    // A length beyond the end, alone and as the second packet.
    assert_eq!(check(&hex!("80c9ffff 00000001"), &["rtcp-length"]), 1);
    assert_eq!(check(&hex!("80c90001 00000001 80cb0008 00000001"), &["rtcp-length"]), 2);
    // 31 reports promised, one there.
    let mut many = SR_SDES;
    many[0] = 0x9f;
    assert_eq!(check(&many, &["rtcp-report-count"]), 2);
    let RtcpBody::SenderReport(sr) = parse_rtcp(&many).packets[0].body.clone() else { panic!() };
    assert_eq!((sr.reports.len(), sr.extensions.len()), (1, 0));
    // A length of 0: only the header.
    assert_eq!(check(&hex!("80c80000"), &["rtcp-short"]), 1);
    assert_eq!(check(&hex!("85cb0001 00000001"), &["rtcp-source-count"]), 1);
    assert_eq!(check(&hex!("82ca0002 00000001 00000000"), &["rtcp-chunk-count"]), 1);
    // Text beyond its packet; a list that does not end; a reason beyond its packet.
    assert_eq!(check(&hex!("81ca0002 00000001 01ff6161"), &["rtcp-sdes-length"]), 1);
    assert_eq!(check(&hex!("81ca0002 00000001 01026161"), &["rtcp-sdes-unterminated"]), 1);
    assert_eq!(check(&hex!("80cb0001 ff616263"), &["rtcp-reason-length"]), 1);
    // Padding of 0, and of more than there is.
    assert_eq!(check(&hex!("a0c90001 00000000"), &["rtcp-padding"]), 1);
    assert_eq!(check(&hex!("a0c90001 000000ff"), &["rtcp-padding"]), 1);
    // Blocks of an extended report.
    assert_eq!(check(&hex!("80cf0002 00000001 04000002"), &["rtcp-xr-length"]), 1);
    assert_eq!(check(&hex!("80cf0003 00000001 07000001 00000000"), &["rtcp-xr-length"]), 1);
    assert_eq!(check(&hex!("81cd0002 00000001 00000002"), &["rtcp-feedback-empty"]), 1);
    // Behind the first packet comes something else, and nothing says SRTCP.
    assert_eq!(check(&hex!("80c90001 00000001 4142434445464748"), &["rtcp-no-packet"]), 1);
    assert_eq!(check(b"", &[]), 0);
    assert_eq!(check(b"\x80", &["rtcp-no-packet"]), 0);
}

/// Thousands of empty packets, and issues without end, stay bounded.
#[test]
fn bounds() {
    let rtcp_bytes = hex!("80cb0000").repeat(16_000);
    let rtcp = parse_rtcp(&rtcp_bytes);
    assert_eq!((rtcp.packets.len(), codes(&rtcp)), (MAX_PACKETS, vec!["rtcp-many-packets"]));
    let bad = hex!("81cb0000").repeat(200);
    assert_eq!(parse_rtcp(&bad).issues.len(), MAX_ISSUES);
}

/// A compound that is cut says where, unless it is cut between two packets, and claims no encryption.
#[test]
fn cut_at_every_length() {
    for (whole, boundary) in [(&SR_SDES[..], 52), (&BYE_SDES, 16)] {
        for length in 0..whole.len() {
            let rtcp = parse_rtcp(&whole[..length]);
            assert!(!rtcp.encrypted, "{length}");
            assert_eq!(rtcp.issues.is_empty(), length == 0 || length == boundary, "{length}");
        }
    }
}

proptest! {
    /// Ranges lie inside of the datagram and packets follow each other without a gap.
    #[test]
    fn packets_follow_each_other(
        mut datagram in proptest::collection::vec(any::<u8>(), 0..300),
        kinds in proptest::collection::vec(192u8..=211, 1..6),
    ) {
        // Make it look like RTCP at each place the walk comes to, with short lengths.
        let mut at = 0;
        for kind in kinds {
            let Some(head) = datagram.get_mut(at..at + 4) else { break };
            head[0] = head[0] & 0x3f | 0x80;
            head[1] = kind;
            head[2] = 0;
            head[3] &= 0x1f;
            at += 4 + 4 * usize::from(head[3]);
        }
        let rtcp = parse_rtcp(&datagram);
        let mut at = 0;
        for packet in &rtcp.packets {
            prop_assert_eq!(packet.range.start, at);
            at = packet.range.end;
        }
        prop_assert!(at <= datagram.len());
        prop_assert!(rtcp.issues.iter().all(|i| datagram.get(i.range.clone()).is_some()));
        prop_assert!(!rtcp.encrypted || rtcp.packets.len() == 1);
    }
}
