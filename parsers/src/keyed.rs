//! A pseudo-random function under a secret key: HMAC-SHA-256 (RFC 2104, FIPS 180-4) over parts told apart by their lengths.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What nobody can foretell without the key. Parts that are cut elsewhere give something else.
pub fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A key out of a text of any length.
pub fn key_of(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// RFC 4231 §4.3 has no lengths before its parts, so only what hangs on them is held here; FIPS 180-4's example for the
    /// key.
    #[test]
    fn parts_are_told_apart() {
        let key = key_of(b"abc");
        assert_eq!(key, hex!("ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad"));
        let of = |parts: &[&[u8]]| keyed_hash(&key, parts);
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
        assert_ne!(of(&[b"ab"]), keyed_hash(&key_of(b"abd"), &[b"ab"]));
    }
}
