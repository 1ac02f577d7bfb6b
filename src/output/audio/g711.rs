//! G.711: one byte a sample, its logarithm by A-law or µ-law.

/// A sample of A-law (G.711 table 1), even bits inverted.
pub(super) fn alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (segment, step) = ((byte >> 4) & 7, i16::from(byte & 0x0F));
    let linear = match segment {
        0 => (step << 4) + 8,
        s => ((step << 4) + 0x108) << (s - 1),
    };
    if byte & 0x80 != 0 { linear } else { -linear }
}

/// A sample of µ-law (G.711 table 2), all bits inverted.
pub(super) fn ulaw(byte: u8) -> i16 {
    const BIAS: i16 = 0x84;
    let byte = !byte;
    let (segment, step) = ((byte >> 4) & 7, i16::from(byte & 0x0F));
    let linear = (((step << 3) + BIAS) << segment) - BIAS;
    if byte & 0x80 != 0 { -linear } else { linear }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decision values of G.711, tables 1a and 2a, at 16 bits: the ends of the scale, its middle, and one between.
    #[test]
    fn values_of_the_tables() {
        // Table 2a/G.711 in units of 1/8159, table 1a in units of 1/4096; here 4 and 16 each.
        assert_eq!([ulaw(0x80), ulaw(0x00), ulaw(0xFF), ulaw(0x7F)], [4 * 8031, -4 * 8031, 0, 0]);
        assert_eq!([ulaw(0xFE), ulaw(0x8F), ulaw(0x9F)], [4 * 2, 4 * 4191, 4 * 2079]);
        assert_eq!([alaw(0xAA), alaw(0x2A), alaw(0xD5), alaw(0x55)], [8 * 4032, -8 * 4032, 8, -8]);
        assert_eq!([alaw(0xA5), alaw(0xB5)], [8 * 2112, 8 * 1056]);
    }

    #[test]
    fn every_byte_has_its_opposite_and_its_order() {
        for byte in 0..=127u8 {
            assert_eq!(ulaw(byte), -ulaw(byte | 0x80));
            assert_eq!(alaw(byte), -alaw(byte | 0x80));
        }
        // The logarithm rises towards 0x80 of µ-law, and of A-law with its even bits turned round.
        assert!((0x80..0xFFu8).all(|b| ulaw(b) > ulaw(b + 1)));
        assert!((0x80..0xFFu8).all(|b| alaw(b ^ 0x55) < alaw((b + 1) ^ 0x55)));
    }
}
