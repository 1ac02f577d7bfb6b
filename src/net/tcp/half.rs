//! One direction of a connection.

use std::collections::BTreeMap;

use super::{ConnId, Direction, FrameRef, LATE_SYN, LOOK_BACK_BYTES, Nanos, SegmentUse, Sink, StreamEvent};
use super::{TcpFlags, TcpSegment};

/// Position of the first byte seen: high enough that earlier ones have a position too.
const START: u64 = 1 << 40;
/// Farther than this from the expected byte, a segment is a stray, or of another connection.
const FAR: u64 = 1 << 26;
/// Memory that a held piece costs beside its bytes.
const PIECE_COST: usize = 96;

type Is = (ConnId, Direction);

/// Bytes held for later.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Vec<u8>,
    /// Bytes behind them that the capture cut off.
    missing: u64,
    frame: FrameRef,
    time: Nanos,
}

impl Piece {
    fn len(&self) -> u64 {
        self.bytes.len() as u64 + self.missing
    }

    fn cost(&self) -> usize {
        self.bytes.len() + PIECE_COST
    }
}

/// What came early.
#[derive(Debug, Default)]
struct Waiting {
    /// By position; they do not overlap.
    pieces: BTreeMap<u64, Piece>,
    cost: usize,
    fin: Option<(u64, FrameRef, Nanos)>,
}

#[derive(Debug, Default)]
pub(super) struct Half {
    /// Position of the next byte to deliver; 0 while nothing was seen.
    next: u64,
    /// The sequence number `next` stands for.
    seq: u32,
    /// Position of the first byte seen.
    first: u64,
    /// Position up to which the other side has acknowledged; 0 while unknown.
    acked: u64,
    /// An acknowledgement that came before any byte of this side.
    early_ack: Option<u32>,
    /// Initial sequence number, if the SYN was seen.
    isn: Option<u32>,
    /// Where a stray segment ended; a second one in line with it proves another connection.
    stray: Option<u32>,
    finished: bool,
    was_reset: bool,
    /// Begun by an empty segment, which may have been a keep-alive from one byte before.
    tentative: bool,
    /// Joined amid its bytes: the first ones are held in case earlier ones come behind them, `next` being the
    /// first of those held.
    looking: bool,
    /// Number of the segment since which the present gap is doubted, else 0.
    pub(super) doubted: u64,
    waiting: Option<Box<Waiting>>,
}

impl Half {
    pub(super) fn is_known(&self) -> bool {
        self.next != 0
    }

    pub(super) fn held(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.cost)
    }

    /// The position nearest to `next` that a sequence number can stand for.
    pub(super) fn position(&self, seq: u32) -> u64 {
        let ahead = seq.wrapping_sub(self.seq).cast_signed();
        self.next.saturating_add_signed(i64::from(ahead))
    }

    fn advance(&mut self, to: u64) {
        self.seq = self.seq.wrapping_add((to - self.next) as u32);
        self.next = to;
    }

    fn begin(&mut self, seq: u32) {
        (self.next, self.first, self.seq) = (START, START, seq);
        if let Some(ack) = self.early_ack {
            self.acknowledged(ack);
        }
    }

    /// Takes an earlier place for the first one; it is the start if the other side said it expected that byte.
    fn begin_earlier(&mut self, at: u64, seq: u32) {
        (self.next, self.first, self.seq) = (at, at, seq);
        self.looking &= self.early_ack != Some(seq);
    }

    /// Begins with what is held if nothing earlier is to be expected, the other side having received all of it, or
    /// if much is held already; gives the memory set free.
    pub(super) fn begin_if_due(&mut self, is: Is, sink: Sink<'_>) -> usize {
        let Some(waiting) = self.waiting.as_ref().filter(|_| self.looking) else { return 0 };
        let end = waiting.pieces.last_key_value().map_or(0, |(at, piece)| at + piece.len());
        if self.acked >= end || waiting.cost > LOOK_BACK_BYTES { self.give_up_gap(is, sink) } else { 0 }
    }

    /// Does a SYN open a later connection than this one?
    pub(super) fn is_other_syn(&self, syn: &TcpSegment<'_>, other: &Self) -> bool {
        let is_answer = syn.flags.has(TcpFlags::ACK);
        if let Some(isn) = self.isn {
            return isn != syn.seq;
        }
        if self.finished || self.was_reset {
            return true;
        }
        if self.is_known() {
            // Perhaps the SYN was captured behind the first data.
            let at = self.position(syn.seq.wrapping_add(1));
            return at > self.first || self.first - at > LATE_SYN;
        }
        match (is_answer, other.isn) {
            (true, Some(isn)) => syn.ack != isn.wrapping_add(1) && (other.finished || other.was_reset),
            (true, None) => other.finished || other.was_reset,
            // The other side spoke first: to this SYN, or in an earlier connection.
            (false, _) => match self.early_ack {
                Some(ack) => ack.wrapping_sub(syn.seq.wrapping_add(1)) > LATE_SYN as u32,
                None => other.finished || other.was_reset,
            },
        }
    }

    /// Is a segment without SYN so far away that it must be of another connection? Believed at the second one.
    pub(super) fn is_elsewhere(&mut self, seq: u32, len: u64) -> bool {
        if !self.is_known() || len == 0 {
            return false;
        }
        let at = self.position(seq);
        if self.finished && at > self.next {
            return true;
        }
        if at.abs_diff(self.next) <= FAR {
            self.stray = None;
            return false;
        }
        let end = seq.wrapping_add(len as u32);
        let in_line = self.stray.is_some_and(|stray| u64::from(seq.wrapping_sub(stray)) <= LATE_SYN);
        self.stray = Some(end);
        in_line
    }

    /// Learns what the other side has received.
    pub(super) fn acknowledged(&mut self, ack: u32) {
        if !self.is_known() {
            self.early_ack = Some(ack);
            return;
        }
        let at = self.position(ack);
        if at.abs_diff(self.next) <= FAR {
            self.acked = self.acked.max(at);
        }
    }

    pub(super) fn may_reset(&self, segment: &TcpSegment<'_>) -> bool {
        !self.was_reset && (!self.is_known() || self.position(segment.seq).abs_diff(self.next) <= FAR)
    }

    pub(super) fn reset(&mut self, is: Is, frame: FrameRef, time: Nanos, sink: Sink<'_>) {
        self.was_reset = true;
        if !self.finished {
            sink(StreamEvent::Close { conn: is.0, direction: is.1, reset: true, frame, time });
        }
    }

    pub(super) fn take(
        &mut self,
        segment: &TcpSegment<'_>,
        len: u64,
        frame: FrameRef,
        time: Nanos,
        is: Is,
        sink: Sink<'_>,
    ) -> SegmentUse {
        let syn = segment.flags.has(TcpFlags::SYN);
        let seq = if syn { segment.seq.wrapping_add(1) } else { segment.seq };
        if syn {
            self.isn = Some(segment.seq);
            self.was_reset = false;
        }
        // A lone byte without PSH is a keep-alive probe: it repeats the last byte sent.
        let probe = !syn && len == 1 && segment.flags == TcpFlags(TcpFlags::ACK);
        if !self.is_known() {
            self.begin(if probe { seq.wrapping_add(1) } else { seq });
            self.tentative = !syn && len == 0;
            self.looking = !syn && !probe && len > 0 && self.early_ack != Some(seq);
        }
        if len > 0 && self.tentative {
            self.tentative = false;
            if seq == self.seq.wrapping_add(1) {
                self.advance(self.next + 1);
            }
        }
        let at = self.position(seq);
        if at.abs_diff(self.next) > FAR {
            return SegmentUse::Nothing;
        }
        if self.looking && at <= self.next && self.next - at <= LATE_SYN && !probe && (syn || len > 0) {
            self.begin_earlier(at, seq);
            self.looking &= !syn;
            if !self.looking {
                self.drain(is, sink);
            }
        }
        let end = at + len;
        let mut used = SegmentUse::Nothing;
        if end > self.next && !self.finished {
            used = self.take_bytes(segment, at, end, frame, time, is, sink);
        }
        if segment.flags.has(TcpFlags::FIN) && !self.finished && !self.was_reset {
            if end == self.next && !self.looking {
                self.finish(is, frame, time, sink);
            } else if end > self.next {
                let waiting = self.waiting.get_or_insert_default();
                waiting.fin.get_or_insert((end, frame, time));
            }
        }
        used
    }

    #[expect(clippy::too_many_arguments, reason = "the segment's place and circumstances")]
    fn take_bytes(
        &mut self,
        segment: &TcpSegment<'_>,
        at: u64,
        end: u64,
        frame: FrameRef,
        time: Nanos,
        is: Is,
        sink: Sink<'_>,
    ) -> SegmentUse {
        if self.waiting.is_none() && !self.looking && at <= self.next {
            let bytes = segment.payload.get((self.next - at) as usize..).unwrap_or(&[]);
            self.deliver(bytes, end, frame, time, is, sink);
            return SegmentUse::New;
        }
        // Into each hole between the pieces held goes what the segment has of it.
        let mut used = SegmentUse::Nothing;
        let mut from = at.max(self.next);
        while from < end && !self.finished {
            if from == self.next && !self.looking && self.next_piece().is_none_or(|piece| piece > from) {
                let to = self.next_piece().map_or(end, |piece| piece.min(end));
                let bytes = part(segment.payload, from - at, to - at);
                self.deliver(bytes, to, frame, time, is, sink);
                self.drain(is, sink);
                used = SegmentUse::New;
                from = to.max(self.next);
                continue;
            }
            let waiting = self.waiting.get_or_insert_default();
            let under = waiting.pieces.range(..=from).next_back().map(|(at, piece)| at + piece.len());
            if let Some(to) = under
                && to > from
            {
                from = to;
                continue;
            }
            let to = waiting.pieces.range(from..).next().map_or(end, |(next, _)| (*next).min(end));
            let bytes = part(segment.payload, from - at, to - at).to_vec();
            let piece = Piece { missing: to - from - bytes.len() as u64, bytes, frame, time };
            waiting.cost += piece.cost();
            waiting.pieces.insert(from, piece);
            used = SegmentUse::New;
            from = to;
        }
        used
    }

    fn next_piece(&self) -> Option<u64> {
        let waiting = self.waiting.as_ref()?;
        waiting.pieces.first_key_value().map(|(at, _)| *at)
    }

    /// Hands on the bytes at `next`; up to `end`, what was not captured is a gap.
    fn deliver(&mut self, bytes: &[u8], end: u64, frame: FrameRef, time: Nanos, is: Is, sink: Sink<'_>) {
        let missing = (end - self.next).saturating_sub(bytes.len() as u64);
        let at = self.next;
        self.advance(end);
        if !bytes.is_empty() {
            sink(StreamEvent::Data { conn: is.0, direction: is.1, bytes, frame, time, at });
        }
        if missing > 0 {
            sink(StreamEvent::Gap { conn: is.0, direction: is.1, bytes: missing, behind: Some(frame) });
        }
    }

    /// Hands on what has become next in line.
    fn drain(&mut self, is: Is, sink: Sink<'_>) {
        // Whatever gap remains is another one.
        self.doubted = 0;
        while let Some(waiting) = &mut self.waiting {
            if let Some(entry) = waiting.pieces.first_entry()
                && *entry.key() <= self.next
            {
                let (at, piece) = entry.remove_entry();
                waiting.cost -= piece.cost();
                let end = at + piece.len();
                if end > self.next {
                    let bytes = piece.bytes.get((self.next - at) as usize..).unwrap_or(&[]);
                    self.deliver(bytes, end, piece.frame, piece.time, is, sink);
                }
                continue;
            }
            let fin = waiting.fin.filter(|(at, ..)| *at <= self.next);
            if waiting.pieces.is_empty() && (waiting.fin.is_none() || fin.is_some()) {
                self.waiting = None;
            }
            if let Some((_, frame, time)) = fin {
                self.finish(is, frame, time, sink);
            }
            break;
        }
    }

    fn finish(&mut self, is: Is, frame: FrameRef, time: Nanos, sink: Sink<'_>) {
        self.finished = true;
        self.waiting = None;
        self.doubted = 0;
        sink(StreamEvent::Close { conn: is.0, direction: is.1, reset: false, frame, time });
    }

    /// Where the bytes (or the FIN) behind the present gap begin.
    fn gap_end(&self) -> Option<u64> {
        let waiting = self.waiting.as_ref()?;
        self.next_piece().or(waiting.fin.map(|(at, ..)| at)).filter(|end| *end > self.next || self.looking)
    }

    pub(super) fn is_looking(&self) -> bool {
        self.looking
    }

    /// Is there a gap that will hardly be filled, and no doubt about it queued? If so, one is to be.
    pub(super) fn doubt(&mut self, one_sided: bool, segment: u64) -> bool {
        let doubtful = self.doubted == 0 && self.gap_end().is_some() && (one_sided || self.acked > self.next);
        if doubtful {
            self.doubted = segment;
        }
        doubtful
    }

    /// Gives up the part of the gap that will not be filled; gives the memory set free.
    pub(super) fn give_up_doubted(&mut self, is: Is, one_sided: bool, sink: Sink<'_>) -> usize {
        match self.gap_end() {
            Some(end) if one_sided || self.looking => self.skip_to(end, is, sink),
            Some(end) if self.acked > self.next => self.skip_to(end.min(self.acked), is, sink),
            _ => 0,
        }
    }

    pub(super) fn give_up_gap(&mut self, is: Is, sink: Sink<'_>) -> usize {
        match self.gap_end() {
            Some(end) => self.skip_to(end, is, sink),
            None => 0,
        }
    }

    pub(super) fn give_up_all(&mut self, is: Is, sink: Sink<'_>) -> usize {
        let mut freed = 0;
        while let Some(end) = self.gap_end() {
            freed += self.skip_to(end, is, sink);
        }
        freed
    }

    fn skip_to(&mut self, end: u64, is: Is, sink: Sink<'_>) -> usize {
        let before = self.held();
        // What was before the first byte seen is not missed.
        if !std::mem::take(&mut self.looking) {
            let first = self.waiting.as_ref().and_then(|w| w.pieces.first_key_value());
            let behind = first.map(|(_, piece)| piece.frame);
            sink(StreamEvent::Gap { conn: is.0, direction: is.1, bytes: end - self.next, behind });
        }
        self.advance(end);
        self.drain(is, sink);
        before - self.held()
    }
}

/// `bytes[from..to]` as far as it goes.
fn part(bytes: &[u8], from: u64, to: u64) -> &[u8] {
    let end = (to as usize).min(bytes.len());
    bytes.get(from as usize..end).unwrap_or(&[])
}
