//! Sequence numbers of one RTP stream (RFC 3550 §6.4.1, A.1, A.3): what is missing, late, double, and where a sender
//! began anew.

/// A step ahead up to which the numbers between count as lost (RFC 3550 A.1).
pub(super) const MAX_DROPOUT: u16 = 3_000;
/// A step back up to which a packet counts as late (RFC 3550 A.1).
pub(super) const MAX_MISORDER: u16 = 100;

/// Follows the numbers of one stream, in constant memory.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    /// First and highest number since the sender last began anew, with the cycles above 16 bits.
    base: u64,
    highest: u64,
    /// Bit `i`: the number `highest - i` has come. Those before the first count as come.
    window: u64,
    /// Numbers of what was before the sender began anew.
    before: u64,
    /// Numbers that left the window without having come, but for the run that still goes on.
    missing: u64,
    run: u32,
    bursts: u32,
    longest: u32,
    pub duplicates: u32,
    pub reordered: u32,
    pub restarts: u32,
    /// The number behind one that fitted nowhere: if it comes next, the sender began anew.
    suspect: Option<u16>,
}

/// What a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Ahead, with so many numbers left out.
    Next(u64),
    Late,
    Duplicate,
    /// The second packet since the sender began anew.
    Restart,
    /// Fits nowhere.
    Stray,
}

/// What never came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Numbers that were left out and never came.
    pub missing: u64,
    /// Runs of them, and the longest.
    pub bursts: u32,
    pub longest: u32,
}

impl Sequence {
    pub fn new(first: u16) -> Self {
        // So that a late packet may precede the first.
        let at = (1 << 16) + u64::from(first);
        Self {
            base: at,
            highest: at,
            window: u64::MAX,
            before: 0,
            missing: 0,
            run: 0,
            bursts: 0,
            longest: 0,
            duplicates: 0,
            reordered: 0,
            restarts: 0,
            suspect: None,
        }
    }

    /// Takes a number if it is the one that follows.
    #[inline]
    pub fn follows(&mut self, number: u16) -> bool {
        if number != (self.highest as u16).wrapping_add(1) {
            return false;
        }
        self.suspect = None;
        let out = self.window >> 63;
        self.window = self.window << 1 | 1;
        if out == 0 || self.run > 0 {
            self.leave(out, 1);
        }
        self.highest += 1;
        true
    }

    /// Takes the number of the next packet. `steady`: its timestamp and time of arrival say that a step of that many
    /// numbers is what passed.
    #[inline]
    pub fn push(&mut self, number: u16, steady: impl FnOnce(u16) -> bool) -> Seen {
        if self.follows(number) {
            return Seen::Next(0);
        }
        self.out_of_step(number, number.wrapping_sub(self.highest as u16), steady)
    }

    #[cold]
    fn out_of_step(&mut self, number: u16, ahead: u16, steady: impl FnOnce(u16) -> bool) -> Seen {
        let back = ahead.wrapping_neg();
        if (1..MAX_DROPOUT).contains(&ahead) {
            self.advance(ahead);
            self.suspect = None;
            return Seen::Next(u64::from(ahead) - 1);
        }
        if back <= MAX_MISORDER {
            return self.late(back);
        }
        if self.suspect == Some(number) {
            let restarts = self.restarts + 1;
            let earlier = self.losses();
            *self = Self {
                before: self.expected(),
                missing: earlier.missing,
                bursts: earlier.bursts,
                longest: earlier.longest,
                duplicates: self.duplicates,
                // The packet before this one was no stray.
                reordered: self.reordered.saturating_sub(1),
                restarts,
                ..Self::new(number.wrapping_sub(1))
            };
            self.advance(1);
            return Seen::Restart;
        }
        if ahead < 1 << 15 && steady(ahead) {
            self.advance(ahead);
            self.suspect = None;
            return Seen::Next(u64::from(ahead) - 1);
        }
        self.suspect = Some(number.wrapping_add(1));
        self.reordered += 1;
        Seen::Stray
    }

    /// Takes a number whose content came in another packet, if it was missing and is near.
    pub fn recover(&mut self, number: u16) -> Option<Seen> {
        let ahead = number.wrapping_sub(self.highest as u16);
        if (1..MAX_DROPOUT).contains(&ahead) {
            self.advance(ahead);
            return Some(Seen::Next(u64::from(ahead) - 1));
        }
        if self.came(number) {
            return None;
        }
        self.window |= 1u64.checked_shl(u32::from(ahead.wrapping_neg())).unwrap_or(0);
        Some(Seen::Late)
    }

    /// Whether a number goes on from the newest, or is one shortly before it.
    pub fn is_near(&self, number: u16) -> bool {
        let ahead = number.wrapping_sub(self.highest as u16);
        ahead < MAX_DROPOUT || ahead.wrapping_neg() <= MAX_MISORDER
    }

    /// Whether a number came, as far as can be told: what is too old, or before the first, did.
    pub fn came(&self, number: u16) -> bool {
        let back = (self.highest as u16).wrapping_sub(number);
        if back >= 1 << 15 {
            return false;
        }
        let before = self.highest - self.base < u64::from(back);
        before || 1u64.checked_shl(u32::from(back)).is_none_or(|bit| self.window & bit != 0)
    }

    fn late(&mut self, back: u16) -> Seen {
        let bit = 1u64.checked_shl(u32::from(back)).unwrap_or(0);
        let at = self.highest - u64::from(back);
        if at < self.base {
            // What lies between counted as come, not having been asked for.
            for between in at + 1..self.base {
                self.window &= !1u64.checked_shl((self.highest - between) as u32).unwrap_or(0);
            }
            self.base = at;
        } else if bit != 0 && self.window & bit != 0 {
            self.duplicates += 1;
            return Seen::Duplicate;
        } else if bit == 0 {
            // Counted as missing when it left the window.
            self.missing = self.missing.saturating_sub(1);
        }
        self.window |= bit;
        self.reordered += 1;
        Seen::Late
    }

    /// Moves the window to a number that came `step` ahead.
    fn advance(&mut self, step: u16) {
        self.highest += u64::from(step);
        let n = u32::from(step);
        for at in 0..n.min(64) {
            self.leave(self.window << at >> 63, 1);
        }
        if n > 64 {
            self.leave(0, n - 64);
        }
        self.window = self.window.checked_shl(n).unwrap_or(0) | 1;
    }

    /// Numbers leave the window: all of them came, or none.
    #[inline]
    fn leave(&mut self, came: u64, count: u32) {
        if came == 0 {
            self.run = self.run.saturating_add(count);
        } else if self.run > 0 {
            self.missing += u64::from(self.run);
            self.bursts += 1;
            self.longest = self.longest.max(self.run);
            self.run = 0;
        }
    }

    /// The first number since the sender last began anew.
    pub fn first(&self) -> u16 {
        self.base as u16
    }

    /// Numbers that there must have been.
    pub fn expected(&self) -> u64 {
        self.before + (self.highest - self.base + 1)
    }

    /// What never came so far, that within reach of a late packet included.
    pub fn losses(&self) -> Losses {
        let mut all = self.clone();
        for at in 0..64 {
            all.leave(self.window << at >> 63, 1);
        }
        // The newest number came, so no run is left open.
        Losses { missing: all.missing, bursts: all.bursts, longest: all.longest }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(numbers: impl IntoIterator<Item = u16>) -> (Sequence, Vec<Seen>) {
        let mut numbers = numbers.into_iter();
        let mut s = Sequence::new(numbers.next().unwrap());
        let seen = numbers.map(|n| s.push(n, |_| false)).collect();
        (s, seen)
    }

    #[test]
    fn in_order_over_the_wrap() {
        let (s, seen) = of((65_530..=65_535).chain(0..300));
        assert!(seen.iter().all(|s| *s == Seen::Next(0)));
        assert_eq!((s.expected(), s.losses()), (306, Losses::default()));
    }

    #[test]
    fn losses_in_bursts() {
        let (s, _) = of((10..500).filter(|n| !matches!(n, 20 | 30..=32 | 400..=411)));
        assert_eq!(s.expected(), 490);
        assert_eq!(s.losses(), Losses { missing: 16, bursts: 3, longest: 12 });
        let (s, _) = of([1, 2, 5]);
        assert_eq!(s.losses(), Losses { missing: 2, bursts: 1, longest: 2 });
    }

    #[test]
    fn a_burst_beyond_the_window() {
        let (s, seen) = of([1, 2, 2_000, 2_001]);
        assert_eq!(seen[1], Seen::Next(1_997));
        assert_eq!(s.losses(), Losses { missing: 1_997, bursts: 1, longest: 1_997 });
        assert_eq!(s.expected(), 2_001);
    }

    #[test]
    fn late_and_double() {
        let (s, seen) = of([1, 2, 4, 3, 3, 5, 0]);
        assert_eq!(seen[2..4], [Seen::Late, Seen::Duplicate]);
        assert_eq!((s.reordered, s.duplicates), (2, 1), "3 was late, and 0 came behind the first");
        assert_eq!((s.expected(), s.losses()), (6, Losses::default()));
        let (s, seen) = of([4, 1, 2, 3, 5]);
        assert_eq!(
            seen,
            [Seen::Late, Seen::Late, Seen::Late, Seen::Next(0)],
            "out of order from the first on"
        );
        assert_eq!((s.reordered, s.duplicates, s.expected()), (3, 0, 5));
        assert_eq!(of([4, 1, 5]).0.losses(), Losses { missing: 2, bursts: 1, longest: 2 });
        let (s, seen) = of((0..90).filter(|n| *n != 10).chain([10]));
        assert_eq!(*seen.last().unwrap(), Seen::Late, "though it had left the window");
        assert_eq!(s.losses().missing, 0);
    }

    #[test]
    fn the_sender_begins_anew() {
        let (s, seen) = of([1, 2, 3, 40_000, 40_001, 40_002]);
        assert_eq!(seen[2..], [Seen::Stray, Seen::Restart, Seen::Next(0)]);
        assert_eq!((s.expected(), s.restarts, s.reordered, s.losses()), (6, 1, 0, Losses::default()));
        let (s, seen) = of([1, 2, 3, 40_000, 4, 5]);
        assert_eq!(seen[2..], [Seen::Stray, Seen::Next(0), Seen::Next(0)]);
        assert_eq!((s.expected(), s.restarts), (5, 0), "one stray packet is no new beginning");
    }

    #[test]
    fn a_long_outage_is_a_loss_where_the_clock_says_so() {
        let mut s = Sequence::new(1);
        assert_eq!(s.push(5_001, |ahead| ahead == 5_000), Seen::Next(4_999));
        assert_eq!(s.losses().missing, 4_999);
    }

    #[test]
    fn what_comes_in_another_packet_is_not_missing() {
        let (mut s, _) = of([1, 2, 6]);
        assert_eq!([1, 2, 3, 5, 6, 7].map(|n| s.came(n)), [true, true, false, false, true, false]);
        assert_eq!((s.recover(5), s.recover(5), s.recover(2)), (Some(Seen::Late), None, None));
        assert_eq!(s.losses(), Losses { missing: 2, bursts: 1, longest: 2 });
        assert_eq!(s.recover(8), Some(Seen::Next(1)), "ahead of the packet that repeats it");
        assert_eq!(s.push(9, |_| false), Seen::Next(0));
        assert_eq!((s.losses().missing, s.expected(), s.reordered), (3, 9, 0));
        // Before the first, and beyond the window: nobody asks for them.
        assert!(s.came(0) && s.came(65_000));
        assert_eq!((s.recover(0), s.recover(65_500)), (None, None));
        assert!(s.is_near(10) && s.is_near(65_500) && !s.is_near(40_000));
    }

    proptest! {
        /// Whatever comes: what was expected is what came, once each, and what is missing.
        #[test]
        fn the_account_is_even(steps in prop::collection::vec(-60i32..200, 1..300)) {
            let mut number = 1_000i32;
            let mut came = std::collections::BTreeSet::from([number]);
            let mut s = Sequence::new(number as u16);
            let mut highest = number;
            for step in steps {
                number = (highest + step).max(1);
                // Further back than the window nothing is told apart.
                if highest - number >= 64 { continue; }
                highest = highest.max(number);
                came.insert(number);
                s.push(number as u16, |_| false);
            }
            let (least, most) = (*came.first().unwrap(), *came.last().unwrap());
            prop_assert_eq!(s.expected(), (most - least + 1) as u64);
            prop_assert_eq!(s.losses().missing, s.expected() - came.len() as u64);
        }
    }
}
