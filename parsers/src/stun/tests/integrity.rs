//! Keys and rules against published and captured messages.

use hex_literal::hex;

use super::super::integrity::*;
use super::*;

fn rule(message: &[u8], key: &[u8]) -> Option<(Algorithm, IntegrityRule)> {
    match verify_integrity(&scan(message), key) {
        Integrity::Verified { algorithm, rule, .. } => Some((algorithm, rule)),
        Integrity::Absent | Integrity::Failed { .. } => None,
    }
}

#[test]
fn rfc5769_short_term() {
    let key = short_term_key("VOkJxbRl1RmTxUk/WvJxBt");
    for message in [RFC5769_REQUEST, RFC5769_V4, RFC5769_V6] {
        assert_eq!(rule(message, &key), Some((Algorithm::Sha1, IntegrityRule::Rfc5389)));
        assert_eq!(check_fingerprint(&scan(message)), Fingerprint::Good);
        assert!(matches!(verify_integrity(&scan(message), b"other"), Integrity::Failed { .. }));
    }
}

#[test]
fn rfc5769_long_term() {
    let user = "マトリックス".as_bytes();
    let key = long_term_key(user, b"example.org", b"TheMatrIX");
    assert_eq!(key, hex!("e8ca7ad59d5eb0518e312911d2dab2a9"));
    assert_eq!(rule(RFC5769_LONG_TERM, &key), Some((Algorithm::Sha1, IntegrityRule::Rfc5389)));
    assert_eq!(check_fingerprint(&scan(RFC5769_LONG_TERM)), Fingerprint::Absent);
}

/// RFC 8489 appendix B.1: MESSAGE-INTEGRITY-SHA256, USERHASH, PASSWORD-ALGORITHM.
#[test]
fn rfc8489_sha256() {
    let user = "マトリックス".as_bytes();
    assert_eq!(
        userhash(user, b"example.org"),
        hex!("4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704")
    );
    let key = long_term_key_sha256(user, b"example.org", b"TheMatrIX");
    // A message signed here as §14.6 says, in full and cut to 16 bytes.
    for size in [32u8, 16] {
        let mut message = build(0x0001, &[0; 36][..4 + usize::from(size)]);
        message[20..24].copy_from_slice(&[0, 0x1C, 0, size]);
        let mac = hmac(&key, &message[..20]);
        message[24..].copy_from_slice(&mac[..usize::from(size)]);
        assert_eq!(rule(&message, &key), Some((Algorithm::Sha256, IntegrityRule::Rfc5389)));
        assert!(parse(&message).issues.is_empty());
    }
}

fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    // FIPS 198 by hand, so that the test does not lean on what it tests.
    use sha2::{Digest, Sha256};
    let block = |pad: u8| {
        let mut block = [pad; 64];
        key.iter().zip(&mut block).for_each(|(k, b)| *b ^= k);
        block
    };
    let inner = Sha256::new().chain_update(block(0x36)).chain_update(data).finalize();
    Sha256::new().chain_update(block(0x5C)).chain_update(inner).finalize().into()
}

#[test]
fn ms_turn() {
    let key = long_term_key(b"user1", b"rtcmedia", b"secret");
    assert_eq!(key, hex!("de8315d46989de2a73cee58ff5ac03c7"));
    for message in [MS_ALLOCATE_SIGNED, MS_ALLOCATED, MS_SEND, MS_SET_ACTIVE, MS_SET_ACTIVE_DONE] {
        assert_eq!(rule(message, &key), Some((Algorithm::Sha1, IntegrityRule::Padded)));
    }
    for message in [MS_ALLOCATE, MS_UNAUTHORIZED, MS_DATA] {
        assert_eq!(verify_integrity(&scan(message), &key), Integrity::Absent);
    }
}

#[test]
fn checks_of_microsoft() {
    let key = short_term_key("Y6Yd5gWbUCTCsn1Qfq7b3g==");
    assert_eq!(rule(MS_ICE2_CHECK, &key), Some((Algorithm::Sha1, IntegrityRule::MsIce2)));
    // The key of draft-06 is the decoded password.
    let key = hex!("bb0a105e7c94672a6c9350b9e417e919");
    assert_eq!(rule(MS_ICE_CHECK, &key), Some((Algorithm::Sha1, IntegrityRule::Padded)));
}

#[test]
fn a_check_signed_by_the_newer_rule() {
    let mut message = MS_ICE2_CHECK.to_vec();
    let at = message.len() - 28;
    message[at..at + 20].copy_from_slice(&hex!("da31c2170faf6031916b1bad9759496110484d8b"));
    let key = short_term_key("Y6Yd5gWbUCTCsn1Qfq7b3g==");
    assert_eq!(rule(&message, &key), Some((Algorithm::Sha1, IntegrityRule::Rfc5389)));
    assert!(matches!(check_fingerprint(&scan(&message)), Fingerprint::Wrong { .. }));
}

#[test]
fn the_wrong_table_of_old_clients() {
    let mut message = MS_ICE2_CHECK.to_vec();
    let at = message.len() - 4;
    message[at..].copy_from_slice(&hex!("f2d4adda"));
    assert_eq!(check_fingerprint(&scan(&message)), Fingerprint::LegacyMicrosoftCrc);
    assert!(parse(&message).issues.is_empty());
    message[at] ^= 1;
    assert_eq!(
        check_fingerprint(&scan(&message)),
        Fingerprint::Wrong { found: 0xf3d4_adda, expected: 0xa172_8b73 }
    );
    assert_eq!(parse(&message).issues.iter().map(|i| i.code).collect::<Vec<_>>(), ["stun-fingerprint-wrong"]);
}

#[test]
fn quotes_around_a_realm() {
    assert_eq!(unquoted(scan(MS_SERVER_ERROR).realm().unwrap_or_default()), b"rtcmedia");
    for plain in [&b"rtcmedia"[..], b"\"", b"\"a", b""] {
        assert_eq!(unquoted(plain), plain);
    }
}

#[test]
fn saslprep_of_passwords() {
    assert_eq!(saslprep("a b~"), "a b~");
    // RFC 4013 §3: soft hyphen goes; RFC 3454 C.1.2: other spaces become one.
    assert_eq!(saslprep("I\u{AD}X\u{A0}y"), "IX y");
    assert_eq!(saslprep("マ"), "マ");
}
