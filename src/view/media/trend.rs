//! Loss and jitter of a stream over its time in a few characters.

use crate::correlate::media::{Bucket, Stream};

/// Characters of a line at most.
const LONGEST: usize = 10;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Up to where each bar goes but the last: percent, and ms. The same of all streams, so that rows compare.
const LOSS: [f64; 7] = [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
const JITTER: [f64; 7] = [2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0];

/// Percent lost in equal parts of the stream's time; blanks where nothing was sent.
pub fn loss_line(figures: &Stream) -> String {
    line(figures, LOSS, |part| {
        let lost: u64 = part.iter().map(|b| u64::from(b.lost)).sum();
        let came: u64 = part.iter().map(|b| u64::from(b.packets)).sum();
        (lost + came > 0).then(|| 100.0 * lost as f64 / (lost + came) as f64)
    })
}

/// The highest jitter of each part.
pub fn jitter_line(figures: &Stream) -> String {
    line(figures, JITTER, |part| {
        let came = part.iter().any(|b| b.packets > 0);
        came.then(|| part.iter().map(|b| f64::from(b.jitter_ms)).fold(0.0, f64::max))
    })
}

fn line(figures: &Stream, steps: [f64; 7], value: impl Fn(&[Bucket]) -> Option<f64>) -> String {
    let buckets = figures.buckets.list();
    let parts = buckets.len().min(LONGEST);
    let part = |i: usize| {
        let (from, to) = (i * buckets.len() / parts, (i + 1) * buckets.len() / parts);
        buckets.get(from..to).unwrap_or_default()
    };
    (0..parts).map(|i| value(part(i)).map_or(' ', |v| bar(v, steps))).collect()
}

fn bar(value: f64, steps: [f64; 7]) -> char {
    let at = steps.iter().take_while(|step| value > **step).count();
    BARS.get(at).copied().unwrap_or('█')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_by_fixed_steps() {
        let of = |values: &[f64], steps| values.iter().map(|v| bar(*v, steps)).collect::<String>();
        assert_eq!(of(&[0.0, 0.1, 0.9, 2.0, 3.0, 7.0, 15.0, 50.0, f64::INFINITY], LOSS), "▁▂▃▄▅▆▇██");
        assert_eq!(of(&[0.0, 2.0, 2.1, 30.0, 99.0, 101.0, f64::NAN], JITTER), "▁▁▂▅▇█▁");
    }
}
