//! Lengths that lie, what looks like something else, and what is said about it.

use hex_literal::hex;

use super::super::integrity::Fingerprint;
use super::*;
use crate::probe::{Probe, probe_datagram};

fn codes(message: &[u8]) -> Vec<&'static str> {
    parse(message).issues.iter().map(|i| i.code).collect()
}

#[test]
fn attribute_past_the_end() {
    let message = build(0x0001, &hex!("8022000461626364 0006ffff65766a"));
    let stun = parse(&message);
    assert_eq!(codes(&message), ["stun-length-unaligned", "stun-attribute-overrun"]);
    assert_eq!(stun.attributes.len(), 2);
    assert_eq!((stun.attributes[1].value, stun.attributes[1].length), (Value::Invalid(b"evj"), 0xFFFF));
    assert_eq!(stun.attributes[1].range, 28..35);
    assert!(stun.scan.is_malformed());
}

#[test]
fn zero_length_and_64_kib() {
    let message = build(0x0001, &hex!("00060000 00200000 00250000 80280000"));
    assert_eq!(scan(&message).username(), Some(&[][..]));
    assert_eq!(scan(&message).mapped(), None);
    assert_eq!(codes(&message), ["stun-attribute-value", "stun-attribute-value"]);

    let mut attribute = hex!("0013fff8").to_vec();
    attribute.extend(vec![0xAB; 0xFFF8]);
    let message = build(0x0016, &attribute);
    let m = scan(&message);
    assert_eq!(m.data_range(), Some(24..24 + 0xFFF8));
    assert!(!m.is_malformed() && looks_like_stun(&message));

    // As many attributes as there is room for.
    let message = build(0x0001, &hex!("00250000").repeat(0xFFFC / 4));
    let stun = parse(&message);
    assert_eq!(stun.attributes.len() + stun.more_attributes, 0xFFFC / 4);
    assert!(stun.issues.len() <= 512 && stun.attributes.len() <= 512);
}

#[test]
fn padded_or_not() {
    // SOFTWARE of five bytes: padded by the rule, then as Microsoft's clients send it.
    let padded = build(0x0001, &hex!("8022000561626364650000002400 04 6e0001ff")[..]);
    assert_eq!((scan(&padded).is_padded(), scan(&padded).priority()), (true, None));
    let padded = build(0x0001, &hex!("80220005 6162636465000000 00240004 6e0001ff"));
    assert_eq!((scan(&padded).is_padded(), scan(&padded).priority()), (true, Some(0x6e00_01ff)));
    let bare = build(0x0001, &hex!("80220005 6162636465 00240004 6e0001ff"));
    let m = scan(&bare);
    assert_eq!((m.is_padded(), m.priority(), m.dialect()), (false, Some(0x6e00_01ff), Dialect::MsIce2));
    // MS-TURN is unpadded, but padding is read where only it fits.
    let ms = build(0x0003, &hex!("000f000472c64bc6 00060005 7573657231000000 000d0004 00000258"));
    let m = scan(&ms);
    assert_eq!((m.is_padded(), m.lifetime(), m.dialect()), (true, Some(600), Dialect::MsTurn));
    // The last padding may be missing.
    let last = build(0x0001, &hex!("00240004 6e0001ff 80220005 6162636465"));
    assert!(!scan(&last).is_malformed());
}

#[test]
fn lengths_of_the_message() {
    let mut message = RFC5769_REQUEST.to_vec();
    message.push(0);
    assert_eq!(codes(&message), ["stun-trailing-bytes"]);
    assert_eq!(parse(&message).fingerprint, Fingerprint::Good);
    message.truncate(100);
    let stun = parse(&message);
    assert_eq!(stun.issues[0].code, "stun-cut-short");
    assert!(stun.scan.username().is_some() && stun.scan.is_malformed());
    for cut in 0..RFC5769_REQUEST.len() {
        let part = &RFC5769_REQUEST[..cut];
        assert_eq!(parse_stun(part, None).is_some(), cut >= HEADER);
        assert!(!looks_like_stun(part));
    }
}

#[test]
fn rest_too_short_for_an_attribute() {
    let message = build(0x0001, &hex!("00240004 6e0001ff 0102"));
    assert_eq!(codes(&message), ["stun-length-unaligned", "stun-rest"]);
}

#[test]
fn order_and_repetition() {
    let mac = hex!("00080014 0000000000000000000000000000000000000000");
    let message = build(0x0001, &[&mac[..], &hex!("00250000 002500008028000400000000 00250000")].concat());
    assert_eq!(
        codes(&message),
        [
            "stun-after-integrity",
            "stun-after-integrity",
            "stun-attribute-repeated",
            "stun-fingerprint-not-last",
            "stun-after-integrity",
            "stun-attribute-repeated",
            "stun-fingerprint-wrong"
        ]
    );
    let message = build(0x0003, &hex!("80080004 00000002 000f000472c64bc6"));
    assert_eq!(
        (scan(&message).dialect(), codes(&message)),
        (Dialect::MsTurn, vec!["ms-turn-cookie-not-first"])
    );
}

#[test]
fn values_that_are_none() {
    for attribute in [
        &hex!("00200008 0003a147e112a643")[..],
        &hex!("00200008 0002a147e112a643"),
        &hex!("00200004 0001a147"),
        &hex!("0020000c 0001a147e112a64300000000"),
        &hex!("000900040000 0101"),
        &hex!("000900040000 0464"),
        &hex!("00090008 00000401 fffefdfc"),
        &hex!("000c0004 3fff0000"),
        &hex!("00170004 05000000"),
        &hex!("00240008 0000000000000000"),
        &hex!("80220004 ff616263"),
        &hex!("00250004 00000000"),
        &hex!("80290004 00000000"),
    ] {
        let message = build(0x0111, attribute);
        assert_eq!(codes(&message), ["stun-attribute-value"], "{attribute:02x?}");
    }
}

#[test]
fn rtp_is_not_stun() {
    // Version 2 has the top bits 10 whatever follows, even a cookie where STUN has it.
    let mut rtp = RFC5769_REQUEST.to_vec();
    for first in 0x40..=0xFF {
        rtp[0] = first;
        assert!(!looks_like_stun(&rtp) && scan_stun(&rtp, None).is_none(), "{first:02x}");
    }
    rtp[0] = 0x80;
    assert_eq!(probe_datagram(&rtp), Probe::Rtp);
}

#[test]
fn channel_data_with_rtp_inside_and_rtp_like_channel_data() {
    let rtp = hex!("8008000100000000deadbeef");
    let framed = [&hex!("7fff000c")[..], &rtp].concat();
    let data = parse_channel_data(&framed).expect("channel data of RFC 5766");
    assert_eq!(&framed[data.data], rtp);
    assert_eq!(probe_datagram(&framed), Probe::ChannelData);
}

#[test]
fn classic_messages_of_other_makers() {
    // Zoom's clients: an attribute of their own in a Binding Request of RFC 3489's form.
    let zoom =
        hex!("00010018fca5c232b3da5b2065219f418e9b3e1a010100143132333435363738393031323334353637383900");
    assert!(looks_like_stun(&zoom));
    assert_eq!(probe_datagram(&zoom), Probe::Stun);
    assert_eq!(scan(&zoom).dialect(), Dialect::Classic);
    // A length or a type that does not fit proves nothing.
    let mut other = zoom;
    other[3] = 0x14;
    assert!(!looks_like_stun(&other));
    let mut other = zoom;
    other[1] = 3;
    assert!(!looks_like_stun(&other));
}
