//! Names in other forms than text: bytes, base64, UTF-16.

use callscope_parsers::mime::decode_base64;

use super::Redactor;
use super::names::Words;

/// Base64 (RFC 4648 §4) of bytes.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().chain([0u8; 2].iter()).take(3).fold(0u32, |w, b| w << 8 | u32::from(*b));
        for n in 0..4 {
            let digit = ALPHABET.get((word >> (18 - 6 * n) & 63) as usize).copied().unwrap_or(b'A');
            out.push(if n <= chunk.len() { digit } else { b'=' });
        }
    }
    out
}

fn is_text(b: &[u8]) -> bool {
    std::str::from_utf8(b).is_ok_and(|t| !t.chars().any(char::is_control))
}

impl Redactor {
    /// A user name as the authentication service of TURN gives it out: base64 of what TURN shows, or text.
    pub(super) fn user_name(&mut self, b: &mut [u8]) {
        if let (mut inside, true) = decode_base64(b)
            && b.len() >= 8
            && base64(&inside) == b
        {
            self.user_bytes(&mut inside);
            super::names::write(b, 0..b.len(), &base64(&inside));
            return;
        }
        self.user_bytes(b);
    }

    /// A user name as TURN shows it: bytes or text, perhaps filled up with zeros.
    pub(super) fn user_bytes(&mut self, b: &mut [u8]) {
        let zeros = b.iter().rev().take_while(|c| **c == 0).count();
        let b = b.get_mut(..b.len() - zeros).unwrap_or_default();
        if is_text(b) {
            return self.words(b, Words::NAMES);
        }
        let mut places: Vec<u32> = b.iter().map(|c| u32::from(*c)).collect();
        let sizes = vec![256; places.len()];
        self.key.permute_places(b"bytes", &sizes, &mut places);
        for (slot, place) in b.iter_mut().zip(places) {
            *slot = place as u8;
        }
    }

    /// Text of UTF-16, little-endian.
    pub(super) fn utf16(&mut self, b: &mut [u8], how: Words<'_>, free: bool) {
        let units: Vec<u16> = b.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
        let mut text = String::from_utf16_lossy(&units).into_bytes();
        if free {
            self.free_text(&mut text)
        } else {
            self.words(&mut text, how)
        }
        let moved: Vec<u16> = String::from_utf8_lossy(&text).encode_utf16().collect();
        for (n, slot) in b.chunks_exact_mut(2).enumerate() {
            let unit = if moved.len() == units.len() { moved.get(n).copied() } else { None };
            slot.copy_from_slice(&unit.unwrap_or(u16::from(b'x')).to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10.
    #[test]
    fn base64_of_the_rfc() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded.as_bytes());
        }
    }
}
