use hex_literal::hex;
use proptest::prelude::*;

use super::*;

/// First RTP packet from Alice, cut behind four bytes of payload: baresip, PCMU (udp_ice_direct).
const PCMU: [u8; 16] = hex!("80808b0d 00000000 1677fd28 ffffffff");

#[test]
fn fixed_header() {
    let rtp = parse_rtp(&PCMU).unwrap();
    assert_eq!((rtp.marker, rtp.payload_type, rtp.sequence), (true, 0, 0x8b0d));
    assert_eq!((rtp.timestamp, rtp.ssrc), (0, 0x1677_fd28));
    assert_eq!(rtp.payload_of(&PCMU), [0xff; 4]);
    assert_eq!((rtp.csrcs, rtp.extension, rtp.padding, rtp.padded), (0, None, 0, false));
}

/// The box of RFC 3550 §5.1 and §5.3.1 with everything in it: two CSRCs, one word of extension, three bytes of padding.
#[test]
fn everything_in_it() {
    let packet = hex!(
        "b2 8e 0001 00000a00 deadbeef 11111111 22222222"
        "bede 0001 10ff0000" "0102030405" "000003"
    );
    let rtp = parse_rtp(&packet).unwrap();
    assert_eq!((rtp.marker, rtp.payload_type), (true, 14));
    assert_eq!(rtp.csrcs_of(&packet).collect::<Vec<_>>(), [0x1111_1111, 0x2222_2222]);
    assert_eq!(rtp.extension, Some(Extension { profile: ONE_BYTE_EXTENSIONS, start: 24, len: 4 }));
    assert_eq!(rtp.padding, 3);
    assert_eq!(rtp.payload_of(&packet), [1, 2, 3, 4, 5]);
}

#[test]
fn what_is_no_rtp() {
    for length in 0..HEADER {
        assert_eq!(parse_rtp(&PCMU[..length]), None, "{length} bytes");
    }
    assert!(parse_rtp(&PCMU[..HEADER]).unwrap().payload.is_empty(), "an empty payload is one");
    for first in [0x00, 0x40, 0xC0] {
        let mut other = PCMU;
        other[0] = first;
        assert_eq!(parse_rtp(&other), None, "version {}", first >> 6);
    }
    // Fifteen sources need 60 bytes, and there are 4; an extension of 65535 words.
    let mut sources = PCMU;
    sources[0] = 0x8f;
    assert_eq!(parse_rtp(&sources), None);
    assert_eq!(parse_rtp(&hex!("90000001 00000000 00000001 bede ffff 00000000")), None);
    assert_eq!(parse_rtp(&hex!("90000001 00000000 00000001 bede00")), None, "cut in the extension's header");
    // RFC 5761 §4: SR to APP, with the marker and without.
    for kind in 200..=204 {
        let mut rtcp = PCMU;
        rtcp[1] = kind;
        assert_eq!(parse_rtp(&rtcp), None);
        rtcp[1] = kind & 0x7f;
        assert_eq!(parse_rtp(&rtcp), None);
    }
}

/// In SRTP the count of padding is ciphertext: one that does not fit takes nothing away.
#[test]
fn padding_that_does_not_fit() {
    let packet = hex!("a0000001 00000000 00000001 aabbff");
    let rtp = parse_rtp(&packet).unwrap();
    assert_eq!((rtp.padding, rtp.padded), (0, true));
    assert_eq!(rtp.payload_of(&packet), [0xaa, 0xbb, 0xff]);
    let all = hex!("a0000001 00000000 00000001 aabb03");
    assert!(parse_rtp(&all).unwrap().payload.is_empty());
    assert_eq!(parse_rtp(&all[..12]).unwrap().padding, 0, "no payload, no count");
    let cut = parse_cut_rtp(&all).unwrap();
    assert_eq!((cut.padding, cut.padded, cut.payload.len()), (0, true, 3), "the capture ended here");
}

/// RFC 3551 §6 tables 4 and 5, some rows of each.
#[test]
fn static_payloads() {
    let of = |n| static_payload(n).map(|p| (p.name, p.clock, p.channels));
    assert_eq!(of(0), Some(("PCMU", 8000, 1)));
    assert_eq!(of(8), Some(("PCMA", 8000, 1)));
    assert_eq!(of(9), Some(("G722", 8000, 1)));
    assert_eq!(of(10), Some(("L16", 44_100, 2)));
    assert_eq!(of(17), Some(("DVI4", 22_050, 1)));
    assert_eq!(of(34), Some(("H263", 90_000, 0)));
    // Reserved, unassigned, dynamic.
    for n in [1, 2, 19, 20, 24, 35, 71, 77, 95, 96, 127] {
        assert_eq!(of(n), None, "{n}");
    }
}

/// The two tables do not overlap, and no clock is 0: nobody may divide by it.
#[test]
fn tables_together() {
    for n in 0..=127 {
        let both = [static_payload(n), fallback_payload(n)];
        assert!(both.iter().flatten().count() < 2, "{n}");
        assert!(both.iter().flatten().all(|p| p.clock >= 8000), "{n}");
        assert!(n >= 96 || fallback_payload(n).is_none(), "{n} is no dynamic type");
    }
    // 97 is RED and 101 the keys, not the other way round.
    assert_eq!(fallback_payload(97).unwrap().name, "RED");
    assert_eq!(fallback_payload(101).unwrap().name, "telephone-event");
    assert_eq!(fallback_payload(114).unwrap(), Payload { name: "x-msrta", clock: 16_000, channels: 1 });
}

#[test]
fn encodings_in_words() {
    let all = ["cn", "TELEPHONE-EVENT", "red", "x-msrta", "x-rtvc1", "X-H264UC", "x-data", "ULPFEC"];
    let titles: Vec<_> = all.iter().filter_map(|n| encoding_title(n)).collect();
    assert_eq!(titles.len(), all.len());
    assert_eq!(
        (titles[3], titles[4], titles[6]),
        ("RTAudio", "RTVideo", "application sharing or file transfer")
    );
    assert_eq!(encoding_title("PCMU"), None);
}

/// First and last packet of the key 1 as sipp sends it (rtp_dtmf_rfc2833).
#[test]
fn keys() {
    let first = parse_telephone_event(&hex!("010a00a0")).unwrap();
    assert_eq!(first, TelephoneEvent { event: 1, end: false, volume: 10, duration: 160 });
    assert_eq!(first.digit(), Some('1'));
    let last = parse_telephone_event(&hex!("0b8a0640")).unwrap();
    assert_eq!((last.digit(), last.end, last.duration), (Some('#'), true, 1600));
    // RFC 4733 §3.2, table 3.
    let all: String = (0..=15).filter_map(digit).collect();
    assert_eq!(all, "0123456789*#ABCD");
    assert_eq!(digit(16), None);
    // Two events in one packet (§2.5.1.5), and what is no whole number of them.
    assert_eq!(telephone_events(&hex!("018a0320 020a0320")).map(|e| e.event).collect::<Vec<_>>(), [1, 2]);
    for payload in [&[][..], &[1], &[1, 2, 3], &[1, 2, 3, 4, 5]] {
        assert_eq!(parse_telephone_event(payload), None);
    }
}

/// The shape of RFC 2198 §4: DVI4 (5) from 160 units before, then LPC (7); the data shortened.
#[test]
fn redundant_audio() {
    let payload = hex!("85 0280 04" "07" "aaaaaaaa" "bbbbbb");
    let red = parse_red(&payload).unwrap();
    assert_eq!(red.blocks.len(), 1);
    let block = red.blocks[0];
    assert_eq!((block.payload_type, block.timestamp_offset, block.length), (5, 160, 4));
    assert_eq!(payload[block.data.range()], [0xaa; 4]);
    assert_eq!(red.primary, 7);
    assert_eq!(payload[red.primary_data.range()], [0xbb; 3]);
    // No redundancy at all (the first packet of a talk spurt).
    let alone = parse_red(&hex!("00 010203")).unwrap();
    assert_eq!((alone.primary, alone.blocks.len(), alone.primary_data), (0, 0, Span { start: 1, end: 4 }));
    // A block longer than the payload; headers without an end; nothing.
    assert_eq!(parse_red(&hex!("85 0283ff 07 aaaa")), None);
    assert_eq!(parse_red(&hex!("85028004 85028004")), None);
    assert_eq!(parse_red(&[0x80; 4096]), None);
    assert_eq!(parse_red(&[]), None);
}

proptest! {
    /// Whatever is taken for RTP lies inside of the packet, its parts in their order.
    #[test]
    fn parts_lie_inside(mut packet in proptest::collection::vec(any::<u8>(), 0..200), rtp in any::<bool>()) {
        if rtp && let Some(first) = packet.first_mut() {
            *first = *first & 0x3f | 0x80;
        }
        if let Some(header) = parse_rtp(&packet) {
            let payload = header.payload.range();
            prop_assert!(payload.start >= HEADER + 4 * usize::from(header.csrcs));
            prop_assert!(payload.end + usize::from(header.padding) == packet.len());
            prop_assert_eq!(header.payload_of(&packet).len(), payload.len());
            prop_assert_eq!(header.csrcs_of(&packet).count(), usize::from(header.csrcs));
            if let Some(e) = header.extension {
                prop_assert_eq!((e.start + e.len) as usize, payload.start);
            }
        }
        if let Some(red) = parse_red(&packet) {
            let total: usize = red.blocks.iter().map(|b| b.data.range().len()).sum();
            prop_assert_eq!(4 * red.blocks.len() + 1 + total + red.primary_data.range().len(), packet.len());
        }
    }
}
