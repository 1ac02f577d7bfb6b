use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::*;

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sign = char::from(SIGNS[(n >> (18 - 6 * i)) as usize & 63]);
            write!(out, "{}", if i <= chunk.len() { sign } else { '=' }).unwrap();
        }
    }
    out
}

#[test]
fn the_policy_names_the_styles() {
    assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    assert_eq!(base64(b"foob"), "Zm9vYg==");
    assert_eq!([STYLE, svg::STYLE].map(|s| base64(&Sha256::digest(s.as_bytes()))), DIGESTS);
}
