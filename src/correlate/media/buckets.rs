//! What happened in each second of a stream, for plots. A long stream has longer buckets: their number is bounded.

use crate::capture::Nanos;

const SECOND: Nanos = 1_000_000_000;

/// Part of a stream's time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bucket {
    pub packets: u32,
    /// Bytes of RTP, headers included.
    pub bytes: u32,
    /// Numbers left out, less those that came late.
    pub lost: u16,
    /// Packets that came late or twice.
    pub odd: u16,
    /// Highest running estimate of the jitter, ms.
    pub jitter_ms: f32,
    /// Longest time between two packets, ms.
    pub gap_ms: f32,
}

impl Bucket {
    /// A packet of so many bytes, so long after the one before (0: not to be compared to it).
    #[inline]
    pub(super) fn note(&mut self, len: u16, gap: Nanos, jitter_ms: Option<f32>) {
        self.packets += 1;
        self.bytes = self.bytes.saturating_add(u32::from(len));
        let gap_ms = (gap as f64 * 1e-6) as f32;
        if gap_ms > self.gap_ms {
            self.gap_ms = gap_ms;
        }
        if let Some(ms) = jitter_ms
            && ms > self.jitter_ms
        {
            self.jitter_ms = ms;
        }
    }

    fn add(&mut self, other: &Self) {
        self.packets = self.packets.saturating_add(other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.lost = self.lost.saturating_add(other.lost);
        self.odd = self.odd.saturating_add(other.odd);
        self.jitter_ms = self.jitter_ms.max(other.jitter_ms);
        self.gap_ms = self.gap_ms.max(other.gap_ms);
    }
}

/// Equal parts of a stream's time from its first packet on.
#[derive(Debug, Clone, Default)]
pub struct Buckets {
    list: Vec<Bucket>,
    /// A bucket is 2^this seconds long.
    doubled: u8,
}

impl Buckets {
    /// The bucket of a time since the first packet. Of more than `most`, every two become one.
    #[inline]
    pub(super) fn at(&mut self, since: Nanos, most: usize) -> &mut Bucket {
        let mut place = self.place(since);
        if place >= self.list.len() {
            place = self.grow(since, most);
        }
        &mut self.list[place]
    }

    /// The bucket of a time, if there is one already.
    #[inline]
    pub(super) fn known(&mut self, since: Nanos) -> Option<&mut Bucket> {
        let place = self.place(since);
        self.list.get_mut(place)
    }

    fn place(&self, since: Nanos) -> usize {
        usize::try_from((since.max(0) / SECOND) >> self.doubled).unwrap_or(usize::MAX)
    }

    #[cold]
    fn grow(&mut self, since: Nanos, most: usize) -> usize {
        let most = most.max(2);
        while self.place(since) >= most {
            self.doubled += 1;
            let half = self.list.len().div_ceil(2);
            for i in 0..half {
                let mut pair = self.list[2 * i];
                if let Some(second) = self.list.get(2 * i + 1) {
                    pair.add(second);
                }
                self.list[i] = pair;
            }
            self.list.truncate(half);
        }
        let place = self.place(since);
        if place >= self.list.capacity() {
            // Doubling would overshoot what a stream may use.
            let more = (place + 1).next_power_of_two().max(4).min(most.max(place + 1));
            self.list.reserve_exact(more - self.list.len());
        }
        self.list.resize(place + 1, Bucket::default());
        place
    }

    pub fn list(&self) -> &[Bucket] {
        &self.list
    }

    /// Seconds that a bucket stands for.
    pub fn seconds(&self) -> u64 {
        1 << self.doubled
    }

    #[cfg(test)]
    fn most_used(&self) -> usize {
        self.list.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_each_and_then_more() {
        let mut b = Buckets::default();
        for s in 0..200 {
            let bucket = b.at(s * SECOND + 5, 64);
            bucket.packets += 1;
            bucket.lost += 2;
            bucket.gap_ms = bucket.gap_ms.max(s as f32);
        }
        assert_eq!((b.seconds(), b.list().len()), (4, 50));
        assert!(b.list().iter().all(|b| b.packets == 4 && b.lost == 8));
        assert_eq!(b.list()[49].gap_ms, 199.0);
        assert!(b.most_used() <= 64);
    }

    #[test]
    fn times_that_jump() {
        let mut b = Buckets::default();
        b.at(0, 16).packets += 1;
        b.at(Nanos::MAX, 16).packets += 1;
        b.at(-5, 16).packets += 1;
        assert!(b.list().len() <= 16 && b.most_used() <= 16);
        assert_eq!(b.list().iter().map(|b| b.packets).sum::<u32>(), 3);
    }
}
