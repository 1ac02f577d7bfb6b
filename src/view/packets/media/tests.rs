use callscope_parsers::probe::probe_datagram;
use hex_literal::hex;
use proptest::prelude::*;

use super::*;

fn told(payload: &[u8]) -> String {
    line(probe_datagram(payload), payload, false, &Types::default()).expect("media")
}

#[test]
fn rtp() {
    let pcma = hex!("8088000700 0000a08418d3c50102");
    assert_eq!(told(&pcma), "PT 8 PCMA seq 7 ts 160 SSRC 0x8418D3C5 2 bytes, marker");
    // A dynamic type is not guessed at.
    let opus = hex!("806f000700 0000a08418d3c501");
    assert_eq!(told(&opus), "PT 111 seq 7 ts 160 SSRC 0x8418D3C5 1 byte");
    let key = hex!("8065000700 0000a08418d3c5 0b8a0640");
    assert_eq!(told(&key), "PT 101 seq 7 ts 160 SSRC 0x8418D3C5 4 bytes, key # if this is telephone-event");
    // Four bytes that cannot be a key: event 80, the reserved bit, no duration; a static type.
    for payload in [hex!("50000640"), hex!("0b400640"), hex!("0b0a0000")] {
        assert!(!told(&[&key[..12], &payload].concat()).contains("key"));
    }
    let mut four = key;
    four[1] = 0;
    assert!(!told(&four).contains("key"));
}

/// Each kind of packet; RFC 3550 §6, RFC 4585 §6, RFC 5104 §4, RFC 3611 §4.7, [MS-RTP] §2.2.11.6.
#[test]
fn rtcp() {
    let report = "00000002 03000003 00000010 00000009 00000000 00000000";
    let bytes = |text: &str| -> Vec<u8> {
        let digits: String = text.split_whitespace().collect();
        (0..digits.len() / 2).map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap()).collect()
    };
    let check = |text: &str, expected: &str| assert_eq!(told(&bytes(text)), expected, "{text}");
    check(
        &format!(
            "81c8000c 00000001 {} {report} 81ca0002 00000001 01016100",
            "00000000 00000000 00000000 00000001 00000064"
        ),
        "SR + SDES, 1 report: lost 3 (1.2 %)",
    );
    check("80c90001 00000001", "RR");
    check(
        &format!("84c90019 00000001 {report} {report} {report} {report}"),
        "RR, 4 reports: lost 3 (1.2 %), lost 3 (1.2 %), lost 3 (1.2 %), …",
    );
    check("80c90004 00000001 0008000c 00000000 0000fa00", "RR, TURN bandwidth 64 kbit/s");
    check("81cb0003 00000001 0441646a 6f000000", "BYE, reason \"Adjo\"");
    check("80cc0002 00000001 6d736674", "APP msft");
    check("81cd0003 00000001 00000002 fffe0005", "NACK, 3 packets lost");
    check("81ce0002 00000001 00000002", "PLI");
    check("8fce0005 00000001 00000002 52454d42 010de848 00000007", "REMB, 1 Mbit/s");
    check("9ece0002 00000001 00000002", "PSFB format 30");
    check(
        "80cf000a 00000001 07000008 00000003 1a050000 00000000 00000000 00007f10 5d7f297f 00000000 00000000",
        "XR, XR loss 10.2 %, R 93, MOS-LQ 4.1",
    );
    check("80c90001 00000001 80d40001 00000001", "RR + type 212");
    check("81c90001 00000001", "RR, malformed");
    check(
        "80c90001 3291d53c 00112233 80000001 00112233445566778899",
        "RR, SSRC 0x3291D53C, the rest is encrypted (SRTCP)",
    );
}

#[test]
fn bit_rates() {
    let all = [(0, "0 bit/s"), (999, "999 bit/s"), (64_000, "64 kbit/s"), (1_250_000, "1.25 Mbit/s")];
    for (bits, expected) in all {
        assert_eq!(bit_rate(bits), expected);
    }
    assert!(bit_rate(u64::MAX).ends_with(" Gbit/s"));
}

/// RFC 5764 §4.1.2 and RFC 6347 §4.2: hellos made by hand, then what is encrypted.
#[test]
fn dtls() {
    let random = [7; 32];
    let hello = [
        &hex!("16fefd0000000000000000003c 0100003000000000000000 30 fefd")[..],
        &random,
        &hex!("00 00 0002 c02b 01 00"),
        &hex!("0007000e00050002000100"),
    ]
    .concat();
    // 48 bytes of message: 2 + 32 + 1 + 1 + 4 + 2 + 2 of 9.
    let hello = {
        let mut h = hello;
        let body = h.len() - 25;
        h[12] = (body + 12) as u8;
        h[16] = body as u8;
        h[24] = body as u8;
        let extensions = h.len() - 9;
        h[extensions - 1] = 9;
        h
    };
    assert_eq!(told(&hello), "ClientHello DTLS 1.2, offers SRTP_AES128_CM_HMAC_SHA1_80");
    let finished = hex!("14fefd000000000000000700010116fefd0001000000000000000400112233");
    assert_eq!(told(&finished), "ChangeCipherSpec + Finished (encrypted)");
    assert_eq!(told(&hex!("15fefd000000000000000900020228")), "Alert: fatal, handshake_failure");
    assert_eq!(told(&hex!("15fefd000100000000000100020228")), "Alert (encrypted)");
    assert_eq!(told(&hex!("17fefd000100000000000400020000")), "Application data, 2 bytes");
    assert_eq!(told(&hex!("2f0001001000112233445566778899aabbccddeeff")), "DTLS 1.3 record (encrypted)");
}

/// What the capture cut off is no fault, and what may be ciphertext is not read.
#[test]
fn cut_by_the_capture() {
    let cut =
        |payload: &[u8]| line(probe_datagram(payload), payload, true, &Types::default()).expect("media");
    let report = hex!("81c90007 3291d53c 09f0997eaf731e4d9a644fbdfa57443f2b7a38678e2abeb0 90890339e123");
    assert_eq!(cut(&report), "RR + …");
    let two = hex!("80c90001 00000001 81ca000a 00000001 012173");
    assert_eq!(cut(&two), "RR + SDES + …");
    let record = hex!("16fefd0000000000000000003c 0b00003000000000000000 30 00");
    assert_eq!(cut(&record), "Certificate (fragment)");
    let padded = hex!("a0000001 00000000 00000001 aabb02");
    assert_eq!(cut(&padded), "PT 0 PCMU seq 1 ts 0 SSRC 0x00000001 3 bytes");
    let hello = hex!("100000015a52545001020304505a001f48656c6c6f202020312e3130");
    assert_eq!(cut(&hello), "Hello (what I can do)");
}

#[test]
fn zrtp() {
    let error = hex!("100000015a52545001020304505a00044572726f7220202000000062faf78ee8");
    assert_eq!(told(&error), "Error: DH error: hash value does not fit");
    let ack = hex!("100000015a52545001020304505a000348656c6c6f41434b00000000");
    assert_eq!(told(&ack), "HelloACK (Hello received), malformed", "its checksum is zero");
    assert_eq!(told(&ack[..12]), "cut, malformed");
}

proptest! {
    /// Text of the other side reaches no terminal as it is.
    #[test]
    fn any_bytes_have_safe_words(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), head in 0usize..4) {
        let heads: [&[u8]; 4] =
            [&hex!("81cb"), &hex!("16fefd0000000000000000"), &hex!("100000015a525450"), &hex!("80")];
        bytes.splice(0..0, heads[head].iter().copied());
        for probe in [Probe::Rtp, Probe::Rtcp, Probe::Dtls, Probe::Zrtp] {
            for text in [false, true].into_iter().filter_map(|cut| line(probe, &bytes, cut, &Types::default())) {
                prop_assert!(text.len() < 1200 && !text.chars().any(char::is_control), "{text:?}");
            }
        }
    }
}
