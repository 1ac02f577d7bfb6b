//! Stands in for the decoder of Opus where this was built without the feature `opus`.

/// Its clock (RFC 7587 §4.1).
pub const RATE: u32 = 48_000;
pub const IS_DECODED: bool = false;
/// What to do about a stream that is not decoded.
pub const HINT: &str = "; Opus is by a build with `--features opus`";

#[derive(Default)]
pub struct Decoder;

impl Decoder {
    /// Never asked.
    pub fn decode(&mut self, _: &[u8]) -> Option<Vec<i16>> {
        None
    }
}
