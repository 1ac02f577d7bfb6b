//! One RTP stream while it is read: what is counted, a packet at a time and in constant memory but for the buckets.

use callscope_parsers::rtp::{extension_elements, parse_cut_rtp, parse_telephone_event, static_payload};

mod fax;

use super::buckets::Buckets;
use super::jitter::Jitter;
use super::sequence::{Losses, Seen, Sequence};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::FlowId;
use crate::decode::RtpFacts;

/// Payload types told apart of one stream.
const TYPES: usize = 4;
/// DSCP values told apart of one stream.
const MARKS: usize = 3;
/// Packet times told apart of one stream.
const STEPS: usize = 3;
/// Keys kept of one stream.
const KEYS: usize = 128;
/// Bytes of a header extension that are kept of one stream.
const MOST_EXTENSION: usize = 128;
/// Restarts of one stream whose times are kept.
const RESTARTS: usize = 16;
/// A sender that sends nothing for so long and whose clock stood still paused: on hold, muted.
const PAUSE: Nanos = 1_000_000_000;
/// No packet is early or late by so much: the sender set its clock.
const CLOCK_JUMP: Nanos = 1_000_000_000;
/// Clocks of sounding devices differ by less than one in so many.
const DRIFT: i128 = 5_000;
/// Bytes of payload of a telephone event (RFC 4733 §2.3).
const EVENT_SIZE: u16 = 4;

/// A packet of RTP as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    pub time: Nanos,
    pub frame: FrameRef,
    pub facts: RtpFacts,
    pub dscp: u8,
    /// The frame was captured twice.
    pub duplicate: bool,
    /// The first bytes at least, as far as it has them. Reading it costs more than all else here: only who must does.
    pub payload: &'a [u8],
}

/// A payload type of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TypeUse {
    pub payload_type: u8,
    pub packets: u32,
    pub first: Nanos,
    pub last: Nanos,
    pub first_frame: FrameRef,
}

/// A DSCP value of a stream. `again`: as the same packets had it where they were captured a second time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    pub dscp: u8,
    pub packets: u32,
    pub again: u32,
    /// The first frame with it.
    pub frame: FrameRef,
}

/// A key pressed (RFC 4733), if the payload type is that of telephone events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPress {
    pub event: u8,
    pub payload_type: u8,
    pub time: Nanos,
    pub frame: FrameRef,
    pub timestamp: u32,
    /// Of the timestamp's clock, as the last packet of the key says.
    pub duration: u16,
    /// A packet marked the end of the event.
    pub ended: bool,
}

/// A stream: the packets of one SSRC from one end to another.
#[expect(clippy::box_collection, reason = "one word where it is empty, as in most streams")]
#[derive(Debug, Clone)]
pub struct Stream {
    pub flow: FlowId,
    pub ssrc: u32,
    /// TURN channel of the newest packet; 0 for none.
    pub channel: u16,
    /// Between the relayed address and the peer, where Send or Data named it.
    pub path: Option<FlowId>,
    pub first: Nanos,
    pub last: Nanos,
    pub first_frame: FrameRef,
    pub last_frame: FrameRef,
    /// Frames captured twice are in neither of these.
    pub packets: u64,
    pub bytes: u64,
    pub captured_twice: u32,
    sequence: Sequence,
    jitter: Jitter,
    last_stamp: u32,
    first_stamp: u32,
    /// Ticks of the clock from the first packet to the last, but for jumps.
    ticks: i64,
    ticking: Nanos,
    types: [TypeUse; TYPES],
    marks: [Mark; MARKS],
    steps: [(u32, u32); STEPS],
    /// What the most usual of them is in time; 0 while it or the clock is not known.
    step_time: Nanos,
    /// Longest time between two packets, and the frame behind it.
    pub gap: (Nanos, FrameRef),
    gap_end: Nanos,
    /// The same of time that the clock does not account for: packets that hung, or a sender that paused.
    pub stall: (Nanos, FrameRef),
    stall_end: Nanos,
    /// Packets with the marker bit.
    pub markers: u32,
    /// Times when the clock went on without packets, and how long together: silence suppressed.
    pub silences: u32,
    pub silent: Nanos,
    /// Times when the sender paused, clock included, or set its clock.
    pub pauses: u32,
    pub clock_jumps: u32,
    /// Lost packets whose frame is repeated in the next one, if that is of RED (RFC 2198).
    pub repeated_in_next: u32,
    /// Sizes of payload told apart: the last, and packets that had it.
    size: (u16, u32),
    pub buckets: Buckets,
    /// Profile and elements of the first header extension that was seen (RFC 8285), where there is one.
    extension: Option<Box<(u16, Vec<u8>)>>,
    keys: Option<Box<Vec<KeyPress>>>,
    #[expect(
        clippy::box_collection,
        reason = "of hundreds of thousands of streams few restart: eight bytes each"
    )]
    restarted: Option<Box<Vec<(Nanos, FrameRef)>>>,
}

impl Stream {
    pub(super) fn new(flow: FlowId, p: &Packet<'_>) -> Self {
        let facts = p.facts;
        // Of dynamic types no number stands for one clock: it is taken from the packets.
        let clock = static_payload(facts.payload_type);
        Self {
            flow,
            ssrc: facts.ssrc,
            channel: 0,
            path: None,
            first: p.time,
            last: p.time,
            first_frame: p.frame,
            last_frame: p.frame,
            packets: 0,
            bytes: 0,
            captured_twice: 0,
            sequence: Sequence::new(facts.sequence),
            jitter: Jitter::new(clock.map(|c| c.clock)),
            last_stamp: facts.timestamp,
            first_stamp: facts.timestamp,
            ticks: 0,
            ticking: 0,
            types: Default::default(),
            marks: Default::default(),
            steps: Default::default(),
            step_time: 0,
            gap: Default::default(),
            gap_end: 0,
            stall: Default::default(),
            stall_end: 0,
            markers: 0,
            silences: 0,
            silent: 0,
            pauses: 0,
            clock_jumps: 0,
            repeated_in_next: 0,
            size: (facts.payload_len, 0),
            buckets: Buckets::default(),
            extension: None,
            keys: None,
            restarted: None,
        }
    }

    /// Counts the next packet. `most`: buckets.
    #[inline]
    pub(super) fn push(&mut self, p: &Packet<'_>, most: usize) {
        let facts = &p.facts;
        self.mark(p);
        if p.duplicate {
            self.captured_twice += 1;
            return;
        }
        self.packets += 1;
        self.bytes += u64::from(facts.len);
        self.markers += u32::from(facts.marker);
        let same_type = self.note_type(p);
        let is_first = self.packets == 1;
        let gap = p.time.saturating_sub(self.last);
        let elapsed = facts.timestamp.wrapping_sub(self.last_stamp).cast_signed();
        let seen = if is_first {
            Seen::Next(0)
        } else {
            let (step, step_count) = self.steps[0];
            let clock = self.jitter.clock().unwrap_or(0);
            self.sequence.push(facts.sequence, |ahead| {
                let sent = i64::from(step) * i64::from(ahead);
                let passed = i128::from(gap) * i128::from(clock) / 1_000_000_000;
                let near = |a: i64, b: i64| (a - b).abs() < i64::from(clock) / 2 + b.abs() / 10;
                step_count > 8 && near(i64::from(elapsed), sent) && near(passed as i64, sent)
            })
        };
        let event = self.is_event(facts);
        let mut jitter = None;
        let mut lost = 0;
        match seen {
            Seen::Next(_) if is_first => {
                let _ = self.jitter.push(p.time, facts.timestamp);
            }
            Seen::Next(left_out) => {
                lost = left_out;
                if gap > self.gap.0 {
                    (self.gap, self.gap_end) = ((gap, p.frame), p.time);
                }
                // Packets of one key have one timestamp (RFC 4733 §2.2.1).
                if !event {
                    jitter = self.clock_on(p, gap, elapsed, lost, same_type);
                }
                if lost == 1 && !event && p.payload.first().is_some_and(|b| b & 0x80 != 0) {
                    self.repeated_in_next += 1;
                }
            }
            Seen::Restart => {
                let known = self.restarted.get_or_insert_default();
                if known.len() < RESTARTS {
                    known.push((p.time, p.frame));
                }
                self.jitter.pause();
                let _ = self.jitter.push(p.time, facts.timestamp);
            }
            // The estimate takes packets as they arrive, not as they were sent (RFC 3550 §6.4.1).
            Seen::Late | Seen::Duplicate if !event => jitter = self.jitter.push(p.time, facts.timestamp),
            Seen::Late | Seen::Duplicate | Seen::Stray => {}
        }
        let bucket = self.buckets.at(p.time.saturating_sub(self.first), most);
        let in_order = matches!(seen, Seen::Next(_)) && !is_first;
        bucket.note(facts.len, if in_order { gap } else { 0 }, jitter);
        match seen {
            Seen::Next(_) => {
                if lost > 0 {
                    bucket.lost = bucket.lost.saturating_add(u16::try_from(lost).unwrap_or(u16::MAX));
                }
            }
            Seen::Late => {
                bucket.lost = bucket.lost.saturating_sub(1);
                bucket.odd = bucket.odd.saturating_add(1);
            }
            Seen::Duplicate | Seen::Stray => bucket.odd = bucket.odd.saturating_add(1),
            Seen::Restart => {}
        }
        if let Some(settled) = self.jitter.take_settled() {
            for (time, ms) in settled {
                if let Some(bucket) = self.buckets.known(time.saturating_sub(self.first)) {
                    bucket.jitter_ms = bucket.jitter_ms.max(ms);
                }
            }
        }
        if event {
            self.key(p);
        }
        if matches!(seen, Seen::Next(_) | Seen::Restart) {
            self.last = p.time;
            self.last_frame = p.frame;
            if !event {
                self.last_stamp = facts.timestamp;
            }
        }
    }

    /// Counts the next packet if there is nothing to it: the number and the time that follow, all else as in most packets.
    /// `false`: it is for [`Stream::push`]. Nearly all packets take this way.
    #[inline]
    pub(super) fn push_usual(&mut self, facts: &RtpFacts, time: Nanos, frame: FrameRef, dscp: u8) -> bool {
        let elapsed = facts.timestamp.wrapping_sub(self.last_stamp);
        let gap = time.saturating_sub(self.last);
        let [usual_type, ..] = &mut self.types;
        let [usual_mark, ..] = &mut self.marks;
        let [(usual_step, steps), ..] = &mut self.steps;
        let beyond = gap - self.step_time;
        if elapsed != *usual_step
            || facts.payload_type != usual_type.payload_type
            || dscp != usual_mark.dscp
            || facts.payload_len != self.size.0
            || facts.payload_len == EVENT_SIZE
            || self.step_time == 0
            || beyond.unsigned_abs() > CLOCK_JUMP as u64
        {
            return false;
        }
        let Some(bucket) = self.buckets.known(time.saturating_sub(self.first)) else { return false };
        if !self.sequence.follows(facts.sequence) {
            return false;
        }
        self.packets += 1;
        self.bytes += u64::from(facts.len);
        self.markers += u32::from(facts.marker);
        usual_type.packets += 1;
        usual_type.last = time;
        usual_mark.packets += 1;
        *steps += 1;
        self.size.1 += 1;
        if gap > self.gap.0 {
            (self.gap, self.gap_end) = ((gap, frame), time);
        }
        if beyond > self.stall.0 {
            (self.stall, self.stall_end) = ((beyond, frame), time);
        }
        self.ticks += i64::from(elapsed);
        self.ticking = self.ticking.saturating_add(gap);
        let jitter = self.jitter.push(time, facts.timestamp);
        bucket.note(facts.len, gap, jitter);
        self.last = time;
        self.last_frame = frame;
        self.last_stamp = facts.timestamp;
        true
    }

    /// Follows the clock from the packet before to one that came in order.
    #[inline]
    fn clock_on(
        &mut self,
        p: &Packet<'_>,
        gap: Nanos,
        elapsed: i32,
        lost: u64,
        same_type: bool,
    ) -> Option<f32> {
        if lost == 0 && elapsed > 0 && same_type {
            self.step(elapsed as u32);
        }
        if let Some(tick) = self.jitter.tick() {
            let beyond = gap.saturating_sub((f64::from(elapsed) * tick) as Nanos);
            if lost == 0 && beyond.saturating_abs() > CLOCK_JUMP {
                if gap >= PAUSE {
                    self.pauses += 1;
                } else {
                    self.clock_jumps += 1;
                }
                self.jitter.pause();
            } else {
                self.ticks += i64::from(elapsed);
                self.ticking = self.ticking.saturating_add(gap);
                let step = i64::from(self.steps[0].0);
                if lost == 0 && elapsed > 0 && step > 0 && i64::from(elapsed) >= 3 * step {
                    self.silences += 1;
                    self.silent += ((i64::from(elapsed) - step) as f64 * tick) as Nanos;
                }
            }
            if beyond > self.stall.0 {
                (self.stall, self.stall_end) = ((beyond, p.frame), p.time);
            }
        }
        let jitter = self.jitter.push(p.time, p.facts.timestamp);
        self.step_time = self.jitter.tick().map_or(0, |tick| (f64::from(self.steps[0].0) * tick) as Nanos);
        jitter
    }

    /// Looks like a packet of telephone events: beside the stream's own type, or in a stream of nothing else.
    fn is_event(&self, facts: &RtpFacts) -> bool {
        let own = facts.payload_type == self.types[0].payload_type;
        facts.payload_type >= 96 && facts.payload_len == EVENT_SIZE && (!own || self.size.0 == EVENT_SIZE)
    }

    fn key(&mut self, p: &Packet<'_>) {
        let Some(event) = parse_telephone_event(p.payload) else { return };
        let keys = self.keys.get_or_insert_default();
        let again = keys
            .iter_mut()
            .rev()
            .take(4)
            .find(|k| k.timestamp == p.facts.timestamp && k.event == event.event);
        if let Some(known) = again {
            known.duration = known.duration.max(event.duration);
            known.ended |= event.end;
        } else if keys.len() < KEYS {
            keys.push(KeyPress {
                event: event.event,
                payload_type: p.facts.payload_type,
                time: p.time,
                frame: p.frame,
                timestamp: p.facts.timestamp,
                duration: event.duration,
                ended: event.end,
            });
        }
    }

    /// Whether the packet is of the type that most are of.
    #[inline]
    fn note_type(&mut self, p: &Packet<'_>) -> bool {
        let pt = p.facts.payload_type;
        if self.size.0 == p.facts.payload_len {
            self.size.1 += 1;
        } else if self.size.1 == 0 {
            self.size = (p.facts.payload_len, 1);
        } else {
            self.size.1 -= 1;
        }
        let usual = &mut self.types[0];
        if usual.payload_type == pt && usual.packets > 0 {
            usual.packets += 1;
            usual.last = p.time;
            return true;
        }
        self.note_other_type(p)
    }

    fn note_other_type(&mut self, p: &Packet<'_>) -> bool {
        let pt = p.facts.payload_type;
        let at = self.types.iter().position(|t| t.packets == 0 || t.payload_type == pt);
        let Some(at) = at else { return false };
        let t = &mut self.types[at];
        if t.packets == 0 {
            (t.payload_type, t.first, t.first_frame) = (pt, p.time, p.frame);
        }
        t.packets += 1;
        t.last = p.time;
        if at > 0 && self.types[at].packets > self.types[at - 1].packets {
            self.types.swap(at, at - 1);
        }
        pt == self.types[0].payload_type
    }

    #[inline]
    fn mark(&mut self, p: &Packet<'_>) {
        let usual = &mut self.marks[0];
        if usual.dscp == p.dscp && usual.packets > 0 && !p.duplicate {
            usual.packets += 1;
            return;
        }
        self.other_mark(p);
    }

    fn other_mark(&mut self, p: &Packet<'_>) {
        let is_free = |m: &Mark| m.packets == 0 && m.again == 0;
        let at = self.marks.iter().position(|m| m.dscp == p.dscp && !is_free(m) || is_free(m));
        let Some(mark) = at.and_then(|at| self.marks.get_mut(at)) else { return };
        if is_free(mark) {
            *mark = Mark { dscp: p.dscp, frame: p.frame, ..Mark::default() };
        }
        *(if p.duplicate { &mut mark.again } else { &mut mark.packets }) += 1;
    }

    /// Counts the time of one packet, the most usual first.
    #[inline]
    fn step(&mut self, step: u32) {
        let usual = &mut self.steps[0];
        if usual.0 == step {
            usual.1 += 1;
            return;
        }
        self.other_step(step);
    }

    fn other_step(&mut self, step: u32) {
        let at = self.steps.iter().position(|(s, n)| *s == step || *n == 0);
        let Some(at) = at else {
            if let Some(last) = self.steps.last_mut() {
                *last = (step, 1);
            }
            return;
        };
        self.steps[at] = (step, self.steps[at].1 + 1);
        if at > 0 && self.steps[at].1 > self.steps[at - 1].1 {
            self.steps.swap(at, at - 1);
        }
    }

    /// RFC 3550 A.3: what must have been sent between the first and the last packet.
    pub fn expected(&self) -> u64 {
        self.sequence.expected()
    }

    /// RFC 3550 A.3: expected less received; less than 0 where packets came twice.
    pub fn lost(&self) -> i64 {
        self.expected().cast_signed() - self.packets.cast_signed()
    }

    pub fn losses(&self) -> Losses {
        self.sequence.losses()
    }

    pub fn out_of_order(&self) -> u32 {
        self.sequence.reordered
    }

    /// Sequence numbers that came twice, in frames of their own.
    pub fn duplicates(&self) -> u32 {
        self.sequence.duplicates
    }

    /// Times when the sender began its numbers anew.
    pub fn restarts(&self) -> u32 {
        self.sequence.restarts
    }

    /// When the sender began its numbers anew, and the first frame with them; of many the first ones.
    pub fn restarted(&self) -> &[(Nanos, FrameRef)] {
        self.restarted.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Mean and maximum of the running estimate, ms.
    pub fn jitter(&self) -> Option<(f64, f64)> {
        self.jitter.figures()
    }

    /// The clock that the jitter was measured by, Hz.
    pub fn clock(&self) -> Option<u32> {
        self.jitter.clock()
    }

    /// When a frame of it was captured, of those whose time is kept.
    pub fn time_of(&self, frame: FrameRef) -> Option<Nanos> {
        let known = [
            (self.first_frame, self.first),
            (self.last_frame, self.last),
            (self.gap.1, self.gap_end),
            (self.stall.1, self.stall_end),
        ];
        known.into_iter().find(|(f, time)| *f == frame && *time != 0).map(|(_, time)| time)
    }

    /// Whether the packets behind the longest stall came the faster for it: they hung on the way. A sender that paused goes on
    /// where its clock stood. None where the clocks of both ends may have drifted apart by as much.
    pub fn caught_up(&self) -> Option<bool> {
        let clock = i128::from(self.clock()?);
        let (stall, ticking) = (i128::from(self.stall.0), i128::from(self.ticking));
        if ticking / DRIFT > stall / 4 {
            return None;
        }
        let ahead = i128::from(self.ticks) * 1_000_000_000 / clock - ticking;
        // The step over a longer one is in neither sum.
        let of_pause = if self.stall.0 > CLOCK_JUMP { 0 } else { -stall };
        Some(ahead - of_pause > stall / 2)
    }

    /// How fast timestamps went on, Hz, where there is a second or more to tell it from.
    pub fn pace(&self) -> Option<f64> {
        (self.ticking >= 1_000_000_000).then(|| self.ticks as f64 * 1e9 / self.ticking as f64)
    }

    /// Ticks of the clock from packet to packet, the most usual first, with how often.
    pub fn steps(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.steps.iter().copied().filter(|(_, n)| *n > 0)
    }

    /// Ticks that one packet holds, with how often it was so many. Who suppresses silence may send more noise than speech, and
    /// that less often: the most usual step is then a multiple of what the packets of speech have.
    pub fn packet_step(&self) -> Option<(u32, u32)> {
        let (usual, most) = self.steps().next()?;
        // Noise is little beside speech; where most packets are as large as all, the sender changed their length.
        let mean = (self.bytes / self.packets.max(1)).saturating_sub(12);
        if u64::from(self.size.0) * 2 > mean {
            return Some((usual, most));
        }
        let speech = |(step, n): &(u32, u32)| {
            *step > 0 && *step < usual && usual.is_multiple_of(*step) && u64::from(*n) * 5 >= u64::from(most)
        };
        self.steps().filter(speech).min().or(Some((usual, most)))
    }

    /// Payload types, the one of most packets first.
    pub fn types(&self) -> impl Iterator<Item = &TypeUse> {
        self.types.iter().filter(|t| t.packets > 0)
    }

    /// The payload type of most packets; 0 where there is none.
    pub fn main_type(&self) -> u8 {
        self.types().next().map_or(0, |t| t.payload_type)
    }

    pub fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(|m| m.packets + m.again > 0)
    }

    /// The size of payload that most packets have, if most have one.
    pub fn payload_size(&self) -> Option<u16> {
        (u64::from(self.size.1) * 2 > self.packets).then_some(self.size.0)
    }

    /// What would be keys if their payload type is that of telephone events.
    pub fn keys(&self) -> &[KeyPress] {
        self.keys.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Keeps the header extension of a packet, if it is the first.
    pub(super) fn note_extension(&mut self, packet: &[u8]) {
        if self.extension.is_some() || packet.first().is_none_or(|first| first & 0x10 == 0) {
            return;
        }
        let Some(e) = parse_cut_rtp(packet).and_then(|h| h.extension) else { return };
        let (start, len) = (e.start as usize, (e.len as usize).min(MOST_EXTENSION));
        let content = packet.get(start..start + len).unwrap_or_default();
        self.extension = Some(Box::new((e.profile, content.to_vec())));
    }

    /// The elements of that extension: number and value.
    pub fn extension_elements(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let kept = self.extension.as_deref();
        kept.into_iter().flat_map(|(profile, content)| {
            let elements = extension_elements(*profile, content).into_iter();
            elements.filter_map(|(id, range)| Some((id, content.get(range)?)))
        })
    }

    /// The first sequence number since the sender last began anew.
    pub fn first_number(&self) -> u16 {
        self.sequence.first()
    }

    /// First timestamp and that of the newest packet, for finding the same stream elsewhere.
    pub fn stamps(&self) -> (u32, u32) {
        (self.first_stamp, self.last_stamp)
    }
}
