//! Bijections under a secret key: whoever has not the key cannot undo them, and nothing is told twice alike by chance.
//!
//! All are Feistel networks over [`keyed_hash`]: of numbers below any bound by walking along the cycle until the bound is
//! kept, of texts by adding place by place, modulo the size of each place's alphabet.

use std::hash::{BuildHasher, Hasher, RandomState};

use callscope_parsers::keyed::{key_of, keyed_hash};

const ROUNDS: u8 = 8;

/// The secret. It does not print itself.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// One that nobody else has: what the system seeds the hash tables of the standard library with.
    pub fn random() -> Self {
        let mut bytes = Vec::new();
        for n in 0..8u64 {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u64(n);
            bytes.extend(hasher.finish().to_le_bytes());
        }
        Self(key_of(&bytes))
    }

    /// The same for the same text.
    pub fn of(text: &str) -> Self {
        Self(keyed_hash(&key_of(text.as_bytes()), &[b"callscope redaction"]))
    }

    pub(super) fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        keyed_hash(&self.0, parts)
    }

    /// A bijection of the numbers below `n`, another one for each `tweak`.
    pub fn permute(&self, tweak: &[u8], n: u64, x: u64) -> u64 {
        if n < 2 || x >= n {
            return x;
        }
        let bits = (u64::BITS - (n - 1).leading_zeros()).max(2);
        let half = bits.div_ceil(2);
        let mask = (1u64 << half) - 1;
        let mut value = x;
        loop {
            let (mut left, mut right) = (value >> half & mask, value & mask);
            for round in 0..ROUNDS {
                let told = self.hash(&[b"number", tweak, &n.to_le_bytes(), &[round], &right.to_le_bytes()]);
                (left, right) = (right, left ^ (first_u64(&told) & mask));
            }
            value = left << half | right;
            // The orbit of `x` comes back below the bound, at the latest at `x` itself.
            if value < n {
                return value;
            }
        }
    }

    /// A bijection of the texts whose places have alphabets of these sizes; each place must be below its size.
    pub fn permute_places(&self, tweak: &[u8], sizes: &[u32], places: &mut [u32]) {
        let sizes_told: Vec<u8> = sizes.iter().flat_map(|s| s.to_le_bytes()).collect();
        let middle = places.len().div_ceil(2);
        let (left_sizes, right_sizes) = sizes.split_at(middle.min(sizes.len()));
        for round in 0..ROUNDS {
            let (left, right) = places.split_at_mut(middle);
            let (changed, by, sizes) =
                if round % 2 == 0 { (left, right, left_sizes) } else { (right, left, right_sizes) };
            let by: Vec<u8> = by.iter().flat_map(|p| p.to_le_bytes()).collect();
            // Once a round, however long the text is.
            let seed = self.hash(&[b"text", tweak, &sizes_told, &[round], &by]);
            for (block, (places, sizes)) in changed.chunks_mut(4).zip(sizes.chunks(4)).enumerate() {
                let told = self.hash(&[b"block", &seed, &(block as u64).to_le_bytes()]);
                for ((place, size), told) in places.iter_mut().zip(sizes).zip(told.chunks(8)) {
                    let size = u64::from(*size).max(1);
                    *place = ((u64::from(*place) + first_u64(told) % size) % size) as u32;
                }
            }
        }
    }
}

fn first_u64(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_number_has_another_and_only_one() {
        let (key, other) = (Key::of("a"), Key::of("b"));
        for n in [1, 2, 3, 9, 10, 90, 156, 256, 61_440] {
            let images: HashSet<u64> = (0..n).map(|x| key.permute(b"t", n, x)).collect();
            assert_eq!(images.len() as u64, n);
            assert!(images.iter().all(|y| *y < n));
        }
        let of = |key: &Key, tweak: &[u8]| (0..256).map(|x| key.permute(tweak, 256, x)).collect::<Vec<_>>();
        assert_eq!(of(&key, b"t"), of(&Key::of("a"), b"t"));
        assert_ne!(of(&key, b"t"), of(&key, b"u"));
        assert_ne!(of(&key, b"t"), of(&other, b"t"));
        assert_ne!(of(&Key::random(), b"t"), of(&Key::random(), b"t"));
    }

    #[test]
    fn every_text_has_another_and_only_one() {
        let key = Key::of("a");
        for sizes in [vec![26], vec![26, 10], vec![10, 10, 10], vec![26, 10, 3, 2]] {
            let mut images = HashSet::new();
            let count: u32 = sizes.iter().product();
            for n in 0..count {
                let mut rest = n;
                let mut places: Vec<u32> = Vec::new();
                for s in &sizes {
                    places.push(rest % s);
                    rest /= s;
                }
                key.permute_places(b"", &sizes, &mut places);
                assert!(places.iter().zip(&sizes).all(|(p, s)| p < s));
                images.insert(places);
            }
            assert_eq!(images.len() as u32, count);
        }
    }

    proptest! {
        #[test]
        fn another_key_gives_another(n in 1_000_000u64.., x in any::<u64>()) {
            let x = x % n;
            let of = |text: &str| Key::of(text).permute(b"", n.min(1 << 40), x.min((1 << 40) - 1));
            prop_assert_eq!(of("one"), of("one"));
            prop_assert!(of("one") != of("two") || of("one") != of("three"));
        }
    }
}
