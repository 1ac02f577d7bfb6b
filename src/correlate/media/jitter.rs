//! Interarrival jitter (RFC 3550 §6.4.1, A.8) in units of the media clock, and which clock that is.

use crate::capture::Nanos;

/// Clock rates in use, Hz.
const RATES: [u32; 10] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 90_000];
/// A clock is taken from that many packets, over that much time at least: video begins with a burst.
const LEAST_HELD: usize = 16;
const MOST_HELD: usize = 64;
const SETTLE_TIME: Nanos = 1_000_000_000;
/// Nanoseconds between what timestamps and arrivals say beyond which it is no jitter: timestamps without order, or a clock
/// that was set.
const MOST_JITTER: f64 = 10e9;

/// The running estimate, its mean and its highest value.
#[expect(clippy::box_collection, reason = "one word where it is empty, as in most streams")]
#[derive(Debug, Clone, Default)]
pub(super) struct Jitter {
    /// Hz; 0 while it is not known.
    clock: u32,
    /// Nanoseconds and milliseconds of one tick of it, and its ticks in a nanosecond.
    tick: f64,
    tick_ms: f64,
    rate: f64,
    /// The packets that wait for the clock to be known.
    held: Option<Box<Vec<(Nanos, u32)>>>,
    /// The estimate at each of them, once it is; until somebody takes it.
    settled: Option<Box<Vec<(Nanos, f32)>>>,
    last: Option<(Nanos, u32)>,
    value: f64,
    sum: f64,
    highest: f64,
    count: u64,
}

impl Jitter {
    /// `clock`: Hz, where the payload type tells; else it is taken from how timestamps and time go on.
    pub fn new(clock: Option<u32>) -> Self {
        let mut new = Self::default();
        new.set_clock(clock.unwrap_or(0));
        new
    }

    fn set_clock(&mut self, clock: u32) {
        self.clock = clock;
        if clock > 0 {
            let clock = f64::from(clock);
            (self.tick, self.tick_ms, self.rate) = (1e9 / clock, 1e3 / clock, clock / 1e9);
        }
    }

    /// Takes the next packet in order of arrival; the estimate in milliseconds, where it is known already.
    #[inline]
    pub fn push(&mut self, time: Nanos, timestamp: u32) -> Option<f32> {
        if self.clock == 0 {
            return self.hold(time, timestamp);
        }
        let (before, stamp) = self.last.replace((time, timestamp))?;
        let arrival = time.saturating_sub(before) as f64 * self.rate;
        let sent = f64::from(timestamp.wrapping_sub(stamp).cast_signed());
        let difference = (arrival - sent).abs();
        if difference * self.tick > MOST_JITTER {
            return None;
        }
        self.value += (difference - self.value) * (1.0 / 16.0);
        self.sum += self.value;
        self.count += 1;
        if self.value > self.highest {
            self.highest = self.value;
        }
        Some((self.value * self.tick_ms) as f32)
    }

    /// The next packet is not compared to the last: the sender paused, or set its clock.
    pub fn pause(&mut self) {
        if self.clock == 0 {
            self.settle();
        }
        self.last = None;
    }

    #[cold]
    fn hold(&mut self, time: Nanos, timestamp: u32) -> Option<f32> {
        let held = self.held.get_or_insert_default();
        held.push((time, timestamp));
        let long = held.first().is_some_and(|(first, _)| time.saturating_sub(*first) >= SETTLE_TIME);
        if (long && held.len() >= LEAST_HELD) || held.len() >= MOST_HELD {
            self.settle();
        }
        None
    }

    /// Takes the clock nearest to the pace of what is held.
    fn settle(&mut self) {
        let Some(held) = self.held.take() else { return };
        self.set_clock(pace(&held).unwrap_or(8_000));
        let each = held.iter().filter_map(|(time, timestamp)| Some((*time, self.push(*time, *timestamp)?)));
        let settled: Vec<(Nanos, f32)> = each.collect();
        self.settled = (!settled.is_empty()).then(|| Box::new(settled));
    }

    /// The estimate in milliseconds at the packets that waited for the clock to be known, once.
    #[inline]
    pub fn take_settled(&mut self) -> Option<Vec<(Nanos, f32)>> {
        self.settled.take().map(|settled| *settled)
    }

    /// Nanoseconds of a tick of the clock, where it is known.
    #[inline]
    pub fn tick(&self) -> Option<f64> {
        (self.clock > 0).then_some(self.tick)
    }

    /// Hz, where known.
    pub fn clock(&self) -> Option<u32> {
        Some(self.clock).filter(|c| *c > 0)
    }

    /// Milliseconds: mean and maximum of the running estimate. None of fewer than two packets.
    pub fn figures(&self) -> Option<(f64, f64)> {
        if self.clock == 0 && self.held.is_some() {
            let mut settled = self.clone();
            settled.settle();
            return settled.figures();
        }
        let ms = 1e3 / f64::from(self.clock.max(1));
        (self.count > 0).then(|| (self.sum / self.count as f64 * ms, self.highest * ms))
    }
}

/// The known rate nearest to how fast timestamps go on.
fn pace(held: &[(Nanos, u32)]) -> Option<u32> {
    let ((first, from), (last, to)) = (*held.first()?, *held.last()?);
    let seconds = last.saturating_sub(first) as f64 / 1e9;
    let ticks = f64::from(to.wrapping_sub(from).cast_signed());
    if seconds < 0.02 || ticks <= 0.0 {
        return None;
    }
    let rate = ticks / seconds;
    RATES.into_iter().min_by(|a, b| {
        let far = |r: u32| (rate / f64::from(r)).ln().abs();
        far(*a).total_cmp(&far(*b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    /// The vector of the fact page (rtp-media.md §4): 8000 Hz, arrivals 0, 20, 45, 60, 80.5 ms.
    #[test]
    fn published_vector() {
        let mut j = Jitter::new(Some(8_000));
        let mut values = Vec::new();
        for (i, at) in [0, 20_000, 45_000, 60_000, 80_500].into_iter().enumerate() {
            j.push(at * 1_000, 160 * i as u32);
            values.push(j.value);
        }
        for (value, expected) in values.iter().zip([0.0, 0.0, 2.5, 4.8437, 4.791]) {
            assert!((value - expected).abs() < 1e-3, "{value} {expected}");
        }
        let (mean, max) = j.figures().unwrap();
        assert!((mean - (2.5 + 4.84375 + 4.791) / 4.0 / 8.0).abs() < 1e-3, "{mean}");
        assert!((max - 4.84375 / 8.0).abs() < 1e-6);
    }

    #[test]
    fn an_unknown_clock_is_found_and_nothing_is_lost_of_the_estimate() {
        for (rate, step) in [(8_000, 20), (16_000, 20), (48_000, 20), (90_000, 33), (24_000, 60)] {
            let mut unknown = Jitter::new(None);
            let mut known = Jitter::new(Some(rate));
            for i in 0..100i64 {
                // Every fifth packet comes 3 ms late.
                let time = i * step * MS + if i % 5 == 0 { 3 * MS } else { 0 };
                let stamp = (i * step) as u32 * (rate / 1000);
                unknown.push(time, stamp);
                known.push(time, stamp);
            }
            assert_eq!(unknown.clock(), Some(rate));
            assert_eq!(unknown.figures(), known.figures());
        }
    }

    #[test]
    fn timestamps_that_stand_still_find_no_clock() {
        let mut j = Jitter::new(None);
        (0..200).for_each(|i| {
            j.push(i * 20 * MS, 7);
        });
        assert!(j.figures().is_some_and(|(mean, _)| mean.is_finite()));
        assert_eq!(Jitter::new(None).figures(), None);
        assert_eq!(Jitter::new(Some(0)).figures(), None, "a clock of 0 Hz is none");
    }

    #[test]
    fn timestamps_without_order_give_no_figure_beyond_reason() {
        let mut j = Jitter::new(None);
        (0..200u32).for_each(|i| {
            j.push(i64::from(i) * 20 * MS, i.wrapping_mul(0x9e37_79b9));
        });
        assert!(j.figures().is_none_or(|(_, max)| max < 10_000.0), "{:?}", j.figures());
    }

    #[test]
    fn a_pause_is_no_jitter() {
        let mut j = Jitter::new(Some(8_000));
        j.push(0, 0);
        j.push(20 * MS, 160);
        j.pause();
        j.push(9_000 * MS, 320);
        j.push(9_020 * MS, 480);
        assert_eq!(j.figures(), Some((0.0, 0.0)));
    }
}
