use hex_literal::hex;
use proptest::prelude::*;

use super::*;

// Made after the boxes of RFC 6189 §5.2, §5.4 and §5.9; TShark 4.0.17 reads them the same and finds their checksums good.
const HELLO: [u8; 140] = hex!(
    "100012345a52545001020304505a001f48656c6c6f202020312e313063616c6c73636f70652074657374202000010203"
    "0405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fa1a2a3a4a5a6a7a8a9aaabac0002222153323536"
    "53333834414553314145533348533332485338304448336b4d756c74423332200000000000000000dd11b89d"
);
const COMMIT: [u8; 132] = hex!(
    "100000025a52545001020304505a001d436f6d6d69742020000102030405060708090a0b0c0d0e0f1011121314151617"
    "18191a1b1c1d1e1fa1a2a3a4a5a6a7a8a9aaabac5332353641455331485333324448336b423332200000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000de527646"
);
const ERROR: [u8; 32] = hex!("100000015a52545001020304505a00044572726f7220202000000062faf78ee8");

#[test]
fn hello() {
    let zrtp = parse_zrtp(&HELLO).unwrap();
    assert_eq!((zrtp.sequence, zrtp.ssrc, zrtp.message_length), (0x1234, 0x0102_0304, 124));
    assert_eq!((zrtp.message_type.as_str(), zrtp.issues.len()), ("Hello", 0));
    let ZrtpMessage::Hello { version, client, zid, hashes, ciphers, auth_tags, key_agreements, sas } =
        zrtp.message
    else {
        panic!()
    };
    assert_eq!((version.as_str(), client.as_str()), ("1.10", "callscope test"));
    assert_eq!(zid, hex!("a1a2a3a4a5a6a7a8a9aaabac"));
    assert_eq!([hashes, ciphers, auth_tags].concat(), ["S256", "S384", "AES1", "AES3", "HS32", "HS80"]);
    assert_eq!([key_agreements, sas].concat(), ["DH3k", "Mult", "B32"]);
}

#[test]
fn commit_and_error() {
    let zrtp = parse_zrtp(&COMMIT).unwrap();
    assert!(zrtp.issues.is_empty());
    let ZrtpMessage::Commit { hash, cipher, auth_tag, key_agreement, sas, .. } = zrtp.message else {
        panic!()
    };
    assert_eq!([hash, cipher, auth_tag, key_agreement, sas], ["S256", "AES1", "HS32", "DH3k", "B32"]);
    let zrtp = parse_zrtp(&ERROR).unwrap();
    assert_eq!((zrtp.message, zrtp.issues.len()), (ZrtpMessage::Error { code: 0x62 }, 0));
    assert_eq!(error_title(0x62), Some("DH error: hash value does not fit"));
}

#[test]
fn told_by_content() {
    assert!(looks_like_zrtp(&HELLO) && looks_like_zrtp(&HELLO[..8]) && !looks_like_zrtp(&HELLO[..7]));
    let mut other = HELLO;
    other[4] = b'z';
    assert!(!looks_like_zrtp(&other) && parse_zrtp(&other).is_none());
    other = HELLO;
    other[0] = 0x80;
    assert!(!looks_like_zrtp(&other));
}

#[test]
fn damage() {
    let code = |bytes: &[u8]| parse_zrtp(bytes).unwrap().issues.iter().map(|i| i.code).collect::<Vec<_>>();
    let mut wrong = HELLO;
    wrong[40] ^= 1;
    assert_eq!(code(&wrong), ["zrtp-crc"]);
    let mut wrong = HELLO;
    wrong[12] = 0;
    assert_eq!(code(&wrong), ["zrtp-preamble", "zrtp-crc"]);
    let mut lying = HELLO;
    lying[15] = 0xff;
    assert_eq!(code(&lying), ["zrtp-length"]);
    // More algorithms than the message has room for.
    let mut many = HELLO;
    many[88..92].copy_from_slice(&hex!("000fffff"));
    assert_eq!(code(&many), ["zrtp-crc", "zrtp-short"]);
    for length in 8..HELLO.len() {
        let zrtp = parse_zrtp(&HELLO[..length]).unwrap();
        assert!(!zrtp.issues.is_empty(), "{length}");
    }
}

proptest! {
    #[test]
    fn ranges_lie_inside(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let datagram = [&HELLO[..8], &bytes].concat();
        let zrtp = parse_zrtp(&datagram).unwrap();
        prop_assert!(datagram.get(zrtp.message_range.clone()).is_some());
        prop_assert!(zrtp.issues.iter().all(|i| datagram.get(i.range.clone()).is_some()));
    }
}
