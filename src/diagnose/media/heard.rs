//! What the receiver of a stream reports of it (RFC 3550 §6.4), beside what was seen at the capture point.

use crate::correlate::media::{Heard, Stream};

/// Numbers by which the receiver may be ahead of or behind what was captured.
const NEAR: i64 = 3_000;

/// Loss as the receiver counts it, up to its last report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeardLoss {
    /// Less than 0 where packets came twice.
    pub lost: i64,
    pub percent: f64,
}

/// None where its numbers are not those of the capture: it heard the stream before the capture began, or the sender
/// began anew.
pub fn heard_loss(heard: &Heard, figures: &Stream) -> Option<HeardLoss> {
    if figures.restarts() > 0 || heard.reports == 0 {
        return None;
    }
    // Its cycles count from the first packet it heard, as ours do (RFC 3550 A.1).
    let expected = i64::from(heard.last.highest) - i64::from(figures.first_number()) + 1;
    if expected < 1 || (expected - figures.expected().cast_signed()).abs() > NEAR {
        return None;
    }
    let lost = i64::from(heard.last.cumulative_lost);
    Some(HeardLoss { lost, percent: 100.0 * lost.max(0) as f64 / expected as f64 })
}

/// Milliseconds of jitter as the receiver measures it: mean and highest of its reports.
pub fn heard_jitter(heard: &Heard, figures: &Stream) -> Option<(f64, f64)> {
    let ms = 1e3 / f64::from(figures.clock()?);
    (heard.reports > 0).then(|| (heard.mean_jitter() * ms, f64::from(heard.highest_jitter) * ms))
}
