//! Media at a glance: how many streams, and how they went.

use super::{Activity, Slices};
use crate::correlate::Analysis;
use crate::correlate::media::Stream;
use crate::view::media;

/// The line of activity; none without streams.
pub(super) fn activity(analysis: &Analysis, slices: &Slices) -> Option<Activity> {
    let index = analysis.media_index();
    if index.streams.is_empty() {
        return None;
    }
    let mut counts = vec![0; slices.count];
    let (mut missing, mut expected, mut jitter, mut weight) = (0, 0, 0.0, 0.0);
    let mut mos: Vec<f64> = Vec::new();
    for s in index.streams.iter() {
        mos.extend(media::mos_of(analysis, s).map(|m| m.value));
        let Some(figures) = analysis.figures_of(s) else { continue };
        spread(&figures, slices, &mut counts);
        missing += figures.losses().missing;
        expected += figures.expected();
        if let Some((mean, _)) = figures.jitter() {
            jitter += mean * figures.packets as f64;
            weight += figures.packets as f64;
        }
    }
    let total = index.streams.len() as u64;
    let loss = media::decimal(100.0 * missing as f64 / expected.max(1) as f64);
    let mut text = format!("{}   loss {loss} %", if total == 1 { "stream" } else { "streams" });
    if weight > 0.0 {
        text.push_str(&format!("  jitter {}", media::millis(jitter / weight)));
    }
    if let Some(lowest) = mos.iter().copied().min_by(f64::total_cmp) {
        let mean = mos.iter().sum::<f64>() / mos.len() as f64;
        let (mean, lowest) = (format!("{mean:.1}"), format!("{lowest:.1}"));
        text.push_str(&format!("  MOS {mean}"));
        if lowest != mean {
            text.push_str(&format!(" (lowest {lowest})"));
        }
    }
    Some(Activity { label: "Media", counts, total, text })
}

/// Adds a stream's packets to the slices that its buckets cover.
fn spread(figures: &Stream, slices: &Slices, counts: &mut [u64]) {
    let step = figures.buckets.seconds() as i64 * 1_000_000_000;
    for (i, bucket) in (0i64..).zip(figures.buckets.list()) {
        let from = figures.first.saturating_add(step.saturating_mul(i));
        let until = from.saturating_add(step).min(figures.last).max(from);
        let covered = counts.get_mut(slices.place(from)..=slices.place(until)).unwrap_or_default();
        let parts = covered.len().max(1) as u64;
        for (k, slot) in (0u64..).zip(covered) {
            let packets = u64::from(bucket.packets);
            *slot += packets * (k + 1) / parts - packets * k / parts;
        }
    }
}
