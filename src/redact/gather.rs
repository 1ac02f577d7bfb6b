//! Bytes put together from several places, and written back to where they came from.

use std::ops::Range;

/// Bytes with their places, run by run.
#[derive(Debug, Default)]
pub(super) struct Gather {
    pub bytes: Vec<u8>,
    /// End of a run in `bytes`, and the place of its first byte.
    runs: Vec<(usize, u64)>,
}

impl Gather {
    pub fn push(&mut self, place: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let end = self.bytes.len();
        let from = self.runs.len().checked_sub(2).and_then(|n| self.runs.get(n)).map_or(0, |r| r.0);
        match self.runs.last_mut() {
            Some((last, first)) if *first + (start - from) as u64 == place => *last = end,
            _ => self.runs.push((end, place)),
        }
    }

    /// The pieces of a range: where each lies in `bytes`, and its place.
    pub fn pieces(&self, range: Range<usize>) -> impl Iterator<Item = (Range<usize>, u64)> + '_ {
        let first = self.runs.partition_point(|(end, _)| *end <= range.start);
        let mut from = first.checked_sub(1).and_then(|n| self.runs.get(n)).map_or(0, |r| r.0);
        let runs = self.runs.get(first..).unwrap_or_default();
        runs.iter().map_while(move |&(end, place)| {
            let start = std::mem::replace(&mut from, end);
            let piece = start.max(range.start)..end.min(range.end);
            (piece.start < piece.end).then(|| (piece.clone(), place + (piece.start - start) as u64))
        })
    }

    /// How many pieces all of it lies in.
    pub fn pieces_kept(&self) -> usize {
        self.runs.len()
    }

    /// A part of it with its places.
    pub fn copy(&self, range: Range<usize>, to: &mut Self) {
        for (piece, place) in self.pieces(range) {
            to.push(place, self.bytes.get(piece).unwrap_or_default());
        }
    }

    pub fn consume(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        if n >= self.bytes.len() {
            self.clear();
            return;
        }
        let mut kept = Self::default();
        self.copy(n..self.bytes.len(), &mut kept);
        *self = kept;
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.runs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_knows_its_place() {
        let mut g = Gather::default();
        g.push(100, b"abc");
        g.push(103, b"de");
        g.push(200, b"fgh");
        let pieces = |g: &Gather, r| g.pieces(r).collect::<Vec<_>>();
        assert_eq!(pieces(&g, 0..8), [(0..5, 100), (5..8, 200)]);
        assert_eq!(pieces(&g, 2..6), [(2..5, 102), (5..6, 200)]);
        g.consume(4);
        assert_eq!(g.bytes, b"efgh");
        assert_eq!(pieces(&g, 0..4), [(0..1, 104), (1..4, 200)]);
        g.push(203, b"i");
        assert_eq!(pieces(&g, 1..5), [(1..5, 200)]);
        g.consume(9);
        assert!(g.bytes.is_empty() && pieces(&g, 0..9).is_empty());
    }
}
