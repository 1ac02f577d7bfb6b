//! A stream over time: jitter, loss, gaps and rate as the capture saw them, what its receiver reported, and what happened
//! meanwhile in its call.

mod events;
mod scale;

pub use events::{keys, of_stream as events};
pub use scale::{Tick, round_up};

use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::media::{Bucket, Heard, MediaStream, Stream};
use crate::view::lists::Lead;

/// The least of a stream's time that fills a screen.
const CLOSEST: Nanos = 2_000_000_000;
/// What happens so soon after the last packet is still of its end.
const BEYOND: Nanos = 1_000_000_000;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Jitter,
    Loss,
    Gap,
    Rate,
}

impl Quantity {
    pub const ALL: [Self; 4] = [Self::Jitter, Self::Loss, Self::Gap, Self::Rate];

    /// Name and unit.
    pub fn title(self) -> &'static str {
        match self {
            Self::Jitter => "jitter ms",
            Self::Loss => "loss %",
            Self::Gap => "gap ms",
            Self::Rate => "kbit/s",
        }
    }

    /// A value of it, to the precision that matters.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Jitter | Self::Gap if value >= 9_999.5 => format!("{:.0} s", value / 1000.0),
            Self::Jitter if value < 9.95 => format!("{value:.1}"),
            Self::Loss if value > 0.0 && value < 9.95 => format!("{value:.1}"),
            _ => format!("{value:.0}"),
        }
    }
}

/// Equal parts of the stream's time, each with what was measured in it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point {
    pub packets: u32,
    pub lost: u32,
    /// Highest running estimate (RFC 3550 §6.4.1); none where no packet came or the clock is not known.
    pub jitter_ms: Option<f64>,
    /// Longest time between two packets that ended here; none where no packet came.
    pub gap_ms: Option<f64>,
    /// Of RTP, headers included.
    pub kbps: f64,
}

/// What a report of the receiver says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reported {
    /// Since the first packet.
    pub at: Nanos,
    pub jitter_ms: Option<f64>,
    /// Since the report before.
    pub loss_pct: f64,
    pub lead: Lead,
}

/// Something that happened while the stream ran, or shortly before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Since the first packet; less than 0 for what came before it.
    pub at: Nanos,
    /// Stands for it on the time axis.
    pub sign: char,
    pub words: String,
    pub lead: Lead,
}

/// Part of a stream's time, since its first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: Nanos,
    pub to: Nanos,
}

impl Window {
    pub fn length(self) -> Nanos {
        self.to.saturating_sub(self.from).max(1)
    }

    /// The column of a time among `columns`; none beyond the window.
    pub fn column(self, at: Nanos, columns: usize) -> Option<usize> {
        if at < self.from || at > self.to || columns == 0 {
            return None;
        }
        let place = i128::from(at - self.from) * columns as i128 / i128::from(self.length());
        usize::try_from(place).ok().map(|c| c.min(columns - 1))
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plot {
    /// Time of the first packet.
    pub start: Nanos,
    /// From the first packet to the last.
    pub length: Nanos,
    /// Events so shortly behind the last packet are seen with it.
    pub beyond: Nanos,
    /// How long each of `points` is.
    pub step: Nanos,
    pub points: Vec<Point>,
    /// In order of time.
    pub reported: Vec<Reported>,
    /// In order of time.
    pub events: Vec<Event>,
}

/// Works out what there is to plot of a stream; `all` are those of [`Analysis::media_streams`].
pub fn plot(analysis: &Analysis, of: &MediaStream, all: &[MediaStream]) -> Plot {
    let Some(figures) = analysis.figures_of(of) else { return Plot::default() };
    let mut plot = measured(&figures);
    let clock = of.codec.as_ref().map(|c| c.clock).filter(|c| *c > 0).or_else(|| figures.clock());
    if let Some(heard) = analysis.heard_of(of) {
        plot.reported = reported(heard, clock, plot.start);
    }
    plot.events = events::of_stream(analysis, of, &figures, all);
    plot.beyond = beyond(&plot);
    plot
}

/// How far behind the last packet the last event is that belongs to the end of the stream.
fn beyond(plot: &Plot) -> Nanos {
    let most = BEYOND.max(plot.length / 10);
    let behind = plot.events.iter().map(|e| e.at.saturating_sub(plot.length));
    behind.filter(|b| (1..=most).contains(b)).max().unwrap_or(0)
}

/// Plots what a stream's buckets hold.
fn measured(stream: &Stream) -> Plot {
    let step = i64::try_from(stream.buckets.seconds()).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    let length = stream.last.saturating_sub(stream.first).max(0);
    // A packet stands for the time to the next one: without it the last part would seem faster than the others.
    let ticks = stream.steps().next().map(|(ticks, _)| i64::from(ticks));
    let usual = match (ticks, stream.clock(), i64::try_from(stream.expected())) {
        (Some(ticks), Some(clock @ 1..), _) => ticks.saturating_mul(1_000_000_000) / i64::from(clock),
        (_, _, Ok(n)) if n > 1 => length / (n - 1),
        _ => 0,
    };
    // Of a few packets there is an estimate, but no course of it.
    let knows_jitter = stream.jitter().is_some() && stream.clock().is_some();
    let points = stream.buckets.list().iter().zip(0i64..).map(|(bucket, i)| {
        let start = step.saturating_mul(i);
        let covered = length.saturating_add(usual).saturating_sub(start).clamp(0, step);
        point(bucket, covered, knows_jitter)
    });
    Plot { start: stream.first, length, step, points: points.collect(), ..Plot::default() }
}

fn point(bucket: &Bucket, covered: Nanos, knows_jitter: bool) -> Point {
    let any = bucket.packets > 0;
    Point {
        packets: bucket.packets,
        lost: u32::from(bucket.lost),
        jitter_ms: (any && knows_jitter).then_some(f64::from(bucket.jitter_ms)),
        gap_ms: any.then_some(f64::from(bucket.gap_ms)),
        kbps: if covered > 0 { f64::from(bucket.bytes) * 8e6 / covered as f64 } else { 0.0 },
    }
}

fn reported(heard: &Heard, clock: Option<u32>, start: Nanos) -> Vec<Reported> {
    let mut all: Vec<Reported> = heard
        .history
        .iter()
        .map(|r| Reported {
            at: r.time.saturating_sub(start),
            jitter_ms: clock.map(|c| f64::from(r.jitter) * 1000.0 / f64::from(c)),
            loss_pct: f64::from(r.fraction_lost) * 100.0 / 256.0,
            lead: Lead { frame: Some(r.frame), ..Lead::default() },
        })
        .collect();
    all.sort_by_key(|r| r.at);
    all
}

impl Plot {
    /// All of the stream's time.
    pub fn whole(&self) -> Window {
        Window { from: 0, to: self.length.saturating_add(self.beyond).max(1) }
    }

    /// A window within the stream's time, neither shorter than can be told apart nor longer than the stream.
    pub fn fit(&self, window: Window) -> Window {
        let most = self.whole().length();
        let length = window.length().max(CLOSEST.max(self.step.saturating_mul(2))).min(most);
        let from = window.from.clamp(0, most.saturating_sub(length));
        Window { from, to: from.saturating_add(length) }
    }

    /// Twice as near or as far, around a time.
    pub fn zoom(&self, window: Window, around: Nanos, nearer: bool) -> Window {
        let length = if nearer { window.length() / 2 } else { window.length().saturating_mul(2) };
        let length = length.clamp(1, self.whole().length().max(1));
        let around = around.clamp(window.from, window.to);
        let before = i128::from(around - window.from) * i128::from(length) / i128::from(window.length());
        let from = around.saturating_sub(i64::try_from(before).unwrap_or(length));
        self.fit(Window { from, to: from.saturating_add(length) })
    }

    /// As much before or behind as a quarter of what is seen.
    pub fn shift(&self, window: Window, on: bool) -> Window {
        let by = window.length() / 4;
        let from = if on { window.from.saturating_add(by) } else { window.from.saturating_sub(by) };
        let from = from.clamp(0, self.whole().length().saturating_sub(window.length()).max(0));
        Window { from, to: from.saturating_add(window.length()) }
    }

    /// The parts that lie in a column: at least one, if there is any at that time.
    fn parts(&self, window: Window, columns: usize, column: usize) -> &[Point] {
        if self.step <= 0 || columns == 0 {
            return &[];
        }
        let edge = |column: usize| {
            let into = i128::from(window.length()) * column as i128 / columns as i128;
            i128::from(window.from) + into
        };
        let step = i128::from(self.step);
        let (start, end) = (edge(column), edge(column + 1));
        let first = usize::try_from(start / step).unwrap_or(usize::MAX);
        // What begins within the column is of it; where none does, what runs through it.
        let first = if start % step != 0 && (start / step + 1) * step < end { first + 1 } else { first };
        let last = usize::try_from((end - 1).max(start) / step).unwrap_or(usize::MAX).max(first);
        let last = last.min(self.points.len().saturating_sub(1));
        if start > i128::from(self.length) {
            return &[];
        }
        self.points.get(first.min(last)..=last).unwrap_or_default()
    }

    /// A value for each of `columns`: the worst of what lies in it, of the rate the mean. None: nothing is known there.
    pub fn columns(&self, of: Quantity, window: Window, columns: usize) -> Vec<Option<f64>> {
        let value = |column| {
            let parts = self.parts(window, columns, column);
            let highest = |of: fn(&Point) -> Option<f64>| parts.iter().filter_map(of).reduce(f64::max);
            match of {
                Quantity::Jitter => highest(|p| p.jitter_ms),
                Quantity::Gap => highest(|p| p.gap_ms),
                Quantity::Loss => {
                    let (lost, came) = parts.iter().fold((0u64, 0u64), |(lost, came), p| {
                        (lost + u64::from(p.lost), came + u64::from(p.packets))
                    });
                    (lost + came > 0).then(|| lost as f64 * 100.0 / (lost + came) as f64)
                }
                Quantity::Rate => {
                    let sum: f64 = parts.iter().map(|p| p.kbps).sum();
                    (!parts.is_empty()).then(|| sum / parts.len() as f64)
                }
            }
        };
        (0..columns).map(value).collect()
    }

    /// What the receiver reported of it within a window.
    pub fn reported_of(&self, of: Quantity, window: Window) -> impl Iterator<Item = (Nanos, f64)> + '_ {
        let value = move |r: &Reported| match of {
            Quantity::Jitter => r.jitter_ms,
            Quantity::Loss => Some(r.loss_pct),
            Quantity::Gap | Quantity::Rate => None,
        };
        let seen = self.reported.iter().filter(move |r| (window.from..=window.to).contains(&r.at));
        seen.filter_map(move |r| Some((r.at, value(r)?)))
    }

    /// Where the time axis is marked, for `columns` of it.
    pub fn ticks(&self, window: Window, columns: usize) -> Vec<Tick> {
        scale::ticks(window, columns)
    }
}

#[cfg(test)]
mod tests;
