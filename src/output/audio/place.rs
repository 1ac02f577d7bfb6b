//! Where the samples of a packet belong: by its timestamp, in the order of sequence numbers.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::capture::Nanos;
use crate::correlate::media::PacketAgain;

/// Packets that wait for earlier ones.
const WAITING: usize = 32;
/// A sequence number so far from the newest begins anew.
const FAR: i16 = 3_000;
/// Packets that are captured so long after newer ones are none that were overtaken.
const OLD: Nanos = 2_000_000_000;
/// Where timestamps and arrivals differ by more from one packet to the next, the sender set or stopped its clock.
const CLOCK_SET: Nanos = 1_000_000_000;

/// A packet in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub payload_type: u8,
    pub timestamp: u32,
    pub time: Nanos,
    pub payload: Vec<u8>,
}

/// Writes samples one after the other, silence where there are none.
pub(super) struct Placer<W> {
    out: W,
    rate: u32,
    clock: u32,
    most: u64,
    /// By extended sequence number.
    waiting: BTreeMap<i64, Piece>,
    newest: Option<(u16, i64)>,
    newest_time: Nanos,
    /// Extended number of the last packet that was given out.
    given: Option<i64>,
    last: Option<Last>,
    written: u64,
    silence: u64,
    full: bool,
}

/// Where the last packet began.
#[derive(Debug, Clone, Copy)]
struct Last {
    timestamp: u32,
    time: Nanos,
    at: i64,
}

impl<W: Write> Placer<W> {
    /// `rate`: samples a second of what is written; `clock` of the timestamps; `most` samples.
    pub fn new(out: W, rate: u32, clock: u32, most: u64) -> Self {
        Self {
            out,
            rate,
            clock,
            most,
            waiting: BTreeMap::new(),
            newest: None,
            newest_time: Nanos::MIN,
            given: None,
            last: None,
            written: 0,
            silence: 0,
            full: false,
        }
    }

    /// Takes the next packet that was captured; gives those whose turn it is.
    pub fn take(&mut self, packet: &PacketAgain<'_>) -> Vec<Piece> {
        let number = packet.facts.sequence;
        let mut out = Vec::new();
        // Another capture of the same begins again where this one did.
        if packet.time < self.newest_time.saturating_sub(OLD) {
            return out;
        }
        self.newest_time = self.newest_time.max(packet.time);
        let extended = match self.newest {
            None => i64::from(number),
            Some((newest, extended)) => {
                let step = number.wrapping_sub(newest).cast_signed();
                if step.unsigned_abs() > FAR.unsigned_abs() {
                    // The sender began anew: what waited goes first.
                    out = self.rest();
                    extended + 1
                } else {
                    extended + i64::from(step)
                }
            }
        };
        if self.newest.is_none_or(|(_, newest)| extended > newest) {
            self.newest = Some((number, extended));
        }
        // What comes again, or too late, has its place taken.
        if self.given.is_none_or(|given| extended > given) {
            self.waiting.entry(extended).or_insert_with(|| Piece {
                payload_type: packet.facts.payload_type,
                timestamp: packet.facts.timestamp,
                time: packet.time,
                payload: packet.payload.to_vec(),
            });
        }
        while let Some((&first, _)) = self.waiting.first_key_value() {
            let is_next = self.given.is_some_and(|given| first == given + 1);
            if !is_next && self.waiting.len() <= WAITING {
                break;
            }
            out.extend(self.give(first));
        }
        out
    }

    fn give(&mut self, number: i64) -> Option<Piece> {
        self.given = Some(number);
        self.waiting.remove(&number)
    }

    /// All that waits, in order.
    pub fn rest(&mut self) -> Vec<Piece> {
        let numbers: Vec<i64> = self.waiting.keys().copied().collect();
        numbers.into_iter().filter_map(|number| self.give(number)).collect()
    }

    /// Puts the samples of a packet (`rate` a second) where they belong; what is taken already is left out.
    pub fn put(&mut self, piece: &Piece, samples: &[i16], rate: u32) -> io::Result<()> {
        let at = self.place(piece);
        self.last = Some(Last { timestamp: piece.timestamp, time: piece.time, at });
        // A packet that stands for silence leaves its place to be filled by what comes.
        if samples.is_empty() || self.full {
            return Ok(());
        }
        let start = u64::try_from(at).unwrap_or(0);
        self.silent_until(start)?;
        let times = (self.rate / rate.max(1)).max(1) as usize;
        let taken = usize::try_from(self.written.saturating_sub(start)).unwrap_or(usize::MAX);
        for (i, sample) in samples.iter().enumerate() {
            let next = samples.get(i + 1).unwrap_or(sample);
            for part in (0..times).filter(|part| i * times + part >= taken) {
                // Between two samples of a slower codec the way is straight.
                let (a, b) = (i32::from(*sample), i32::from(*next));
                let value = a + (b - a) * part as i32 / times as i32;
                self.write(value as i16)?;
            }
        }
        Ok(())
    }

    /// Where a packet begins, in samples since the first one.
    fn place(&self, piece: &Piece) -> i64 {
        let Some(last) = self.last else { return 0 };
        let ticks = i64::from(piece.timestamp.wrapping_sub(last.timestamp).cast_signed());
        let by_clock = i128::from(ticks) * 1_000_000_000 / i128::from(self.clock.max(1));
        let passed = i128::from(piece.time.saturating_sub(last.time));
        let samples = if (by_clock - passed).abs() > i128::from(CLOCK_SET) {
            passed * i128::from(self.rate) / 1_000_000_000
        } else {
            i128::from(ticks) * i128::from(self.rate) / i128::from(self.clock.max(1))
        };
        last.at.saturating_add(i64::try_from(samples).unwrap_or(i64::MAX)).max(0)
    }

    fn silent_until(&mut self, start: u64) -> io::Result<()> {
        while self.written < start && !self.full {
            self.silence += 1;
            self.write(0)?;
        }
        Ok(())
    }

    fn write(&mut self, sample: i16) -> io::Result<()> {
        if self.written >= self.most {
            self.full = true;
            return Ok(());
        }
        self.written += 1;
        self.out.write_all(&sample.to_le_bytes())
    }

    pub fn is_full(&self) -> bool {
        self.full
    }

    pub fn samples(&self) -> u64 {
        self.written
    }

    pub fn silence(&self) -> u64 {
        self.silence
    }

    pub fn into_inner(self) -> W {
        self.out
    }
}
