//! Opus (RFC 6716) by libopus, the reference decoder.

/// Its clock (RFC 7587 §4.1): timestamps count samples of it, whatever the bandwidth of what is sent.
pub const RATE: u32 = 48_000;
pub const IS_DECODED: bool = true;
/// What to do about a stream that is not decoded.
pub const HINT: &str = "";

/// Samples in the longest packet: 120 ms (RFC 6716 §3.2.5).
const LONGEST: usize = RATE as usize / 1000 * 120;

/// Made with the first packet.
#[derive(Default)]
pub struct Decoder(Option<::opus::Decoder>);

impl Decoder {
    /// The samples of a packet, its channels mixed; none where it is no packet of Opus.
    pub fn decode(&mut self, packet: &[u8]) -> Option<Vec<i16>> {
        // To libopus no bytes at all are a lost packet, which it would make up.
        if packet.is_empty() {
            return Some(Vec::new());
        }
        let decoder = match &mut self.0 {
            Some(decoder) => decoder,
            none => none.insert(::opus::Decoder::new(RATE, ::opus::Channels::Mono).ok()?),
        };
        let mut samples = vec![0; LONGEST];
        let count = decoder.decode(packet, &mut samples, false).ok()?;
        samples.truncate(count);
        Some(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever came, there is an answer, and what was good behind it is decoded.
        #[test]
        fn any_bytes(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..20)) {
            let mut decoder = Decoder::default();
            for packet in &packets {
                prop_assert!(decoder.decode(packet).is_none_or(|s| s.len() <= LONGEST));
            }
            // A frame of 20 ms of SILK without content (RFC 6716 §3.1: configuration 1, mono, one frame).
            prop_assert_eq!(decoder.decode(&[1 << 3, 0xff, 0xfe]).map(|s| s.len()), Some(960));
        }
    }
}
