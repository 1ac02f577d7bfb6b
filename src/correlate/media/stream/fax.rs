//! Packets of fax counted as those of RTP are.

use super::{Packet, RESTARTS, Seen, Stream};

impl Stream {
    /// Counts a packet of fax, which has a number and no clock. `recovers`: how far before it those lie that it gives again,
    /// of which it is told which came. How many of them had been lost.
    pub(in crate::correlate::media) fn push_fax(
        &mut self,
        p: &Packet<'_>,
        recovers: impl FnOnce(&dyn Fn(u16) -> bool) -> Vec<u16>,
        most: usize,
    ) -> u64 {
        self.mark(p);
        if p.duplicate {
            self.captured_twice += 1;
            return 0;
        }
        let number = p.facts.sequence;
        let is_first = self.packets == 0;
        self.packets += 1;
        self.bytes += u64::from(p.facts.len);
        let gap = p.time.saturating_sub(self.last);
        let bucket = self.buckets.at(p.time.saturating_sub(self.first), most);
        let mut recovered = 0;
        let mut lost = 0;
        // One that fits nowhere repeats nothing of what is counted here.
        if !is_first && self.sequence.is_near(number) {
            let mut again = recovers(&|back| self.sequence.came(number.wrapping_sub(back)));
            again.sort_unstable_by(|a, b| b.cmp(a));
            for back in again {
                match self.sequence.recover(number.wrapping_sub(back)) {
                    Some(Seen::Next(left_out)) => lost += left_out,
                    Some(_) => bucket.lost = bucket.lost.saturating_sub(1),
                    None => continue,
                }
                recovered += 1;
            }
        }
        let seen = if is_first { Seen::Next(0) } else { self.sequence.push(number, |_| false) };
        if let Seen::Next(left_out) = seen {
            lost += left_out;
            bucket.lost = bucket.lost.saturating_add(u16::try_from(lost).unwrap_or(u16::MAX));
            if gap > self.gap.0 {
                (self.gap, self.gap_end) = ((gap, p.frame), p.time);
            }
        }
        bucket.note(p.facts.len, if matches!(seen, Seen::Next(_)) && !is_first { gap } else { 0 }, None);
        match seen {
            Seen::Next(_) => {}
            Seen::Restart => {
                let known = self.restarted.get_or_insert_default();
                if known.len() < RESTARTS {
                    known.push((p.time, p.frame));
                }
            }
            Seen::Late => {
                bucket.lost = bucket.lost.saturating_sub(1);
                bucket.odd = bucket.odd.saturating_add(1);
            }
            Seen::Duplicate | Seen::Stray => bucket.odd = bucket.odd.saturating_add(1),
        }
        if matches!(seen, Seen::Next(_) | Seen::Restart) {
            self.last = p.time;
            self.last_frame = p.frame;
        }
        recovered
    }
}
