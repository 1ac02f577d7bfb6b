//! A MOS by the E-model, simplified (ITU-T G.107 with the constants of G.113 Appendix I, as they are widely used; not
//! read again in the text of the ITU):
//!
//! ```text
//! R       = 93.2 − Id − Ie,eff
//! Id      = 0.024·d + 0.11·(d − 177.3)·[d > 177.3]              d: one way from mouth to ear, ms (Cole, Rosenbluth)
//! Ie,eff  = Ie + (95 − Ie)·Ppl / (Ppl/BurstR + Bpl)             Ppl: loss in %, BurstR = 1
//! MOS     = 1 (R ≤ 0), 4.5 (R ≥ 100), else 1 + 0.035·R + R·(R − 60)·(100 − R)·7·10⁻⁶
//! ```
//!
//! Loss is what the capture missed of the stream, late packets counting as received; less what RTCP says arrived. What the other end's jitter buffer
//! threw away is not in it. It is not the MOS that Microsoft's clients report (NetworkMOS, ListenMOS): their model is not
//! published.

use super::super::Stream;
use super::{Codec, MediaStream, Mos};
use crate::capture::Nanos;

/// Assumed of mouth to ear where RTCP does not tell the round trip, ms.
pub const ASSUMED_DELAY_MS: f64 = 50.0;

/// Impairment and robustness against loss of a codec, and the variant they are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CodecConstants {
    pub ie: f64,
    pub bpl: f64,
    pub variant: &'static str,
}

impl CodecConstants {
    /// Of codecs that have published ones, for narrow band and one channel; none for RTAudio, Siren, G.722.1, SILK, Opus.
    pub fn of(codec: &Codec) -> Option<Self> {
        if codec.clock != 8_000 || codec.channels > 1 {
            return None;
        }
        let (ie, bpl, variant) = match codec.name.to_ascii_uppercase().as_str() {
            "PCMU" | "PCMA" => (0.0, 25.1, "G.711 with packet loss concealment"),
            "G729" | "G729A" => (11.0, 19.0, "G.729A with silence suppression"),
            "G723" | "G7231" => (15.0, 16.1, "G.723.1 at 6.3 kbit/s with silence suppression"),
            _ => return None,
        };
        Some(Self { ie, bpl, variant })
    }

    /// `loss_pct`: 0 to 100.
    pub(super) fn mos(self, loss_pct: f64, delay_ms: f64) -> (f64, f64) {
        let beyond = (delay_ms - 177.3).max(0.0);
        let id = 0.024 * delay_ms + 0.11 * beyond;
        let effective = self.ie + (95.0 - self.ie) * loss_pct / (loss_pct + self.bpl);
        let r = 93.2 - id - effective;
        let value = if r <= 0.0 {
            1.0
        } else if r >= 100.0 {
            4.5
        } else {
            1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6
        };
        // Between 0 and 6.5 the polynomial dips below the scale.
        (r, value.max(1.0))
    }
}

/// None where nothing is published of the codec, or it is not known for sure.
pub(super) fn mos(m: &MediaStream, stream: &Stream) -> Option<Mos> {
    let codec = m.codec.as_ref()?;
    // A static number inside of SRTP is only as good as the description that agreed to it.
    if m.protection.is_some() && !m.codec_agreed {
        return None;
    }
    let expected = stream.expected();
    if expected == 0 || stream.packets < 2 {
        return None;
    }
    // What the capture alone missed arrived all the same.
    let missing = stream.losses().missing.saturating_sub(m.loss.map_or(0, |l| l.not_captured));
    let loss_pct = 100.0 * missing as f64 / expected as f64;
    let constants = CodecConstants::of(codec)?;
    let half = |t: Nanos| t as f64 / 2e6;
    let (delay_ms, delay_measured) = match m.round_trip {
        Some(t) => (half(t), true),
        None => (ASSUMED_DELAY_MS, false),
    };
    let (r, value) = constants.mos(loss_pct.clamp(0.0, 100.0), delay_ms);
    Some(Mos { value, r, ie: constants.ie, bpl: constants.bpl, loss_pct, delay_ms, delay_measured })
}

#[cfg(test)]
mod tests {
    use super::super::CodecSource;
    use super::*;

    fn codec(name: &str, clock: u32, channels: u8) -> Codec {
        Codec { name: name.to_owned(), clock, channels, source: CodecSource::Sdp }
    }

    /// Vectors of the fact page (rtp-media.md §5), computed there apart from this code.
    #[test]
    fn published_vectors() {
        let check = |name: &str, delay, loss, r: f64, mos: f64| {
            let (got_r, got) = CodecConstants::of(&codec(name, 8_000, 1)).unwrap().mos(loss, delay);
            assert!((got_r - r).abs() < 5e-3, "{name} {delay} {loss}: R {got_r} {r}");
            assert!((got - mos).abs() < 5e-4, "{name} {delay} {loss}: MOS {got} {mos}");
        };
        check("PCMU", 50.0, 0.0, 92.0, 4.385);
        check("pcma", 50.0, 1.0, 88.360, 4.297);
        check("PCMA", 150.0, 3.0, 79.458, 4.003);
        check("G729", 250.0, 5.0, 50.703, 2.612);
        check("G723", 100.0, 2.0, 66.960, 3.451);
        check("PCMU", 0.0, 0.0, 93.2, 4.4093);
        // Without concealment (Bpl 4.3), which nothing signals, for the formula alone.
        let bare = CodecConstants { ie: 0.0, bpl: 4.3, variant: "" };
        let (r, mos) = bare.mos(1.0, 50.0);
        assert!((r - 74.075).abs() < 5e-3 && (mos - 3.782).abs() < 5e-4, "{r} {mos}");
    }

    #[test]
    fn the_scale_ends_at_both_sides() {
        let g711 = CodecConstants::of(&codec("PCMU", 8_000, 1)).unwrap();
        assert_eq!(g711.mos(100.0, 2_000.0).1, 1.0);
        for loss in 0..=100 {
            for delay in [0.0, 100.0, 400.0, 700.0, 1_000.0] {
                let (_, mos) = g711.mos(f64::from(loss), delay);
                assert!((1.0..=4.5).contains(&mos), "{loss} {delay} {mos}");
            }
        }
    }

    #[test]
    fn codecs_without_published_constants_have_none() {
        for c in [
            codec("x-msrta", 16_000, 1),
            codec("x-msrta", 8_000, 1),
            codec("SILK", 8_000, 1),
            codec("SIREN", 16_000, 1),
            codec("opus", 48_000, 2),
            codec("G722", 8_000, 1),
            codec("PCMU", 8_000, 2),
            codec("PCMU", 16_000, 1),
            codec("telephone-event", 8_000, 1),
        ] {
            assert_eq!(CodecConstants::of(&c), None, "{}", c.text());
        }
    }
}
