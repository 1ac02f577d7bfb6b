//! Media at a glance: how many streams, how they went, the worst of them, and calls without any.

use std::collections::BTreeSet;

use super::notes::Note;
use super::{Activity, Slices};
use crate::correlate::media::{MediaIndex, Stream};
use crate::correlate::{Analysis, CallIdx};
use crate::diagnose::Severity;
use crate::view::media::{self, Quality, Way};
use crate::view::show;

/// Streams told one by one.
const TOLD: usize = 5;
/// Calls looked at for missing media.
const CALLS: usize = 2_000;

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

/// Calls without media, those of `lost` left out, of which it is told already; and the streams that went worst, one by one.
pub(super) fn notes(
    analysis: &Analysis,
    index: &MediaIndex,
    lost: &BTreeSet<CallIdx>,
    notes: &mut Vec<Note>,
) {
    notes.extend(none_came(analysis, &silent(analysis, index, lost)));
    let mut bad: Vec<(Quality, usize)> = Vec::new();
    for (i, s) in index.streams.iter().enumerate() {
        let Some(figures) = analysis.figures_of(s) else { continue };
        let quality = Quality::of(analysis, s, &figures);
        if quality.severity() < 2 {
            bad.push((quality, i));
        }
    }
    bad.sort();
    for (quality, i) in bad.iter().take(TOLD) {
        notes.extend(one(analysis, index, *quality, *i));
    }
    notes.extend(half(analysis, index));
    if bad.len() > TOLD {
        let more = show::count((bad.len() - TOLD) as u64, "more stream", "more streams");
        notes.push((format!("Media: {more} with trouble in view 6"), None, Severity::Warning));
    }
}

/// Calls of which one direction only was captured, though SDP asked for both: nothing is wrong with it where the other takes
/// another way.
fn half(analysis: &Analysis, index: &MediaIndex) -> Option<Note> {
    let all = (0..analysis.calls.len() as u32).map(CallIdx);
    let carried = all.filter(|c| !index.places_of(*c).is_empty()).take(CALLS);
    let one_way = |c: &CallIdx| {
        let way = media::call_way(analysis, index, *c);
        matches!(way, Way::CallerOnly | Way::CalleeOnly) && media::half_missing(analysis, *c)
    };
    let calls: Vec<CallIdx> = carried.filter(one_way).collect();
    let first = index.of_call(*calls.first()?).next()?.1;
    let frame = analysis.figures_of(first)?.first_frame;
    Some((
        format!("Media: one direction only was captured of {}", numbered(&calls)),
        Some(frame),
        Severity::Info,
    ))
}

/// `calls 2, 3, 5, 8, 9, …`.
fn numbered(calls: &[CallIdx]) -> String {
    let mut numbers: Vec<String> =
        calls.iter().take(TOLD).map(|c| (u64::from(c.0) + 1).to_string()).collect();
    if calls.len() > TOLD {
        numbers.push("…".to_owned());
    }
    format!("{} {}", if calls.len() == 1 { "call" } else { "calls" }, numbers.join(", "))
}

/// Calls that had none of the media they agreed on, with the frame that the first begins with.
fn none_came(analysis: &Analysis, calls: &[CallIdx]) -> Option<Note> {
    let first = analysis.messages_of(analysis.call(*calls.first()?).messages).next()?;
    let text = format!("Media: none came in {}, though it would have passed here", numbered(calls));
    Some((text, Some(analysis.message(first).frame), Severity::Warning))
}

/// `Stream 3, bob → Alice in call 1: 1.6 % of 1 146 packets lost before the capture point`.
fn one(analysis: &Analysis, index: &MediaIndex, quality: Quality, i: usize) -> Option<Note> {
    let s = index.streams.get(i)?;
    let figures = analysis.figures_of(s)?;
    let [from, to] = media::ends(analysis, s);
    let call = s.call.map_or_else(String::new, |c| format!(" in call {}", u64::from(c.0) + 1));
    let mos = media::mos_of(analysis, s).map_or_else(String::new, |m| format!(", MOS {:.1}", m.value));
    let what = match quality {
        Quality::Jitter => {
            let (mean, max) = figures.jitter()?;
            format!("jitter {}, up to {}", media::millis(mean), media::millis(max))
        }
        Quality::Unheard => {
            "the other end's reports (RTCP) leave it out: it does not arrive there".to_owned()
        }
        _ => {
            let left = media::after_red(s, &figures);
            let red = match left < figures.losses().missing {
                true => format!(", {} even after RED", show::number(left)),
                false => String::new(),
            };
            format!(
                "{} % of {} lost before the capture point{red}",
                media::decimal(media::loss_percent(&figures)),
                show::count(figures.expected(), "packet", "packets")
            )
        }
    };
    Some((
        format!("Stream {}, {from} → {to}{call}: {what}{mos}", i + 1),
        Some(figures.first_frame),
        Severity::Warning,
    ))
}

/// Calls whose media would have passed here and did not, those of `lost` left out.
fn silent(analysis: &Analysis, index: &MediaIndex, lost: &BTreeSet<CallIdx>) -> Vec<CallIdx> {
    if index.streams.is_empty() {
        return Vec::new();
    }
    let all = (0..analysis.calls.len() as u32).map(CallIdx);
    let without = all.filter(|c| !lost.contains(c) && index.places_of(*c).is_empty());
    let answered = without.filter(|c| analysis.call(*c).summary.answered.is_some());
    answered.take(CALLS).filter(|c| media::call_way(analysis, index, *c) == Way::None).collect()
}
