//! Streams out of packets.

use callscope_parsers::rtp::digit;
use proptest::prelude::*;

use super::*;
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::Transport;

const MS: Nanos = 1_000_000;

/// A sender, and the analysis that counts what it sends.
struct Lab {
    analysis: Analysis,
    frame: u32,
    /// Sum of what was accepted.
    accepted: u32,
}

#[derive(Clone, Copy)]
struct Sent {
    ms: i64,
    sequence: u16,
    timestamp: u32,
    payload_type: u8,
    ssrc: u32,
    dscp: u8,
    marker: bool,
    duplicate: bool,
}

impl Sent {
    /// The `i`th packet of 20 ms of G.711.
    fn voice(i: u16) -> Self {
        Self {
            ms: i64::from(i) * 20,
            sequence: i,
            timestamp: u32::from(i) * 160,
            payload_type: 0,
            ssrc: 7,
            dscp: 46,
            marker: false,
            duplicate: false,
        }
    }
}

impl Lab {
    fn new() -> Self {
        Self { analysis: Analysis::default(), frame: 0, accepted: 0 }
    }

    fn send(&mut self, p: Sent, payload: &[u8]) {
        let mut bytes = vec![0x80, p.payload_type | if p.marker { 0x80 } else { 0 }];
        bytes.extend(p.sequence.to_be_bytes());
        bytes.extend(p.timestamp.to_be_bytes());
        bytes.extend(p.ssrc.to_be_bytes());
        bytes.extend(payload);
        self.raw(&bytes, p.ms, p.dscp, p.duplicate, 40_000);
    }

    fn voice(&mut self, p: Sent) {
        self.send(p, &[0xd5; 160]);
    }

    fn raw(&mut self, bytes: &[u8], ms: i64, dscp: u8, duplicate: bool, port: u16) {
        self.frame += 1;
        let Some(facts) = RtpFacts::of(bytes, bytes.len()) else { return };
        let packet = DecodedMedia {
            bytes,
            src: ([10, 0, 0, 1], port).into(),
            dst: ([10, 0, 0, 2], 30_000).into(),
            transport: Transport::Udp,
            channel: 0,
            frame: FrameRef { capture: CaptureId(0), frame: self.frame },
            time: ms * MS,
            dscp,
            duplicate,
            cut: false,
        };
        self.accepted += self.analysis.add_rtp(&facts, &packet, &mut StreamMemo::default());
    }

    fn only(&self) -> &Stream {
        assert_eq!(self.analysis.media.streams.len(), 1);
        &self.analysis.media.streams[0]
    }
}

#[test]
fn three_that_go_on_make_a_stream() {
    let mut lab = Lab::new();
    lab.voice(Sent::voice(0));
    lab.voice(Sent::voice(1));
    assert!(lab.analysis.media.streams.is_empty());
    assert_eq!(lab.accepted, 0);
    lab.voice(Sent::voice(2));
    assert_eq!(lab.accepted, 3);
    (3..100).for_each(|i| lab.voice(Sent::voice(i)));
    let s = lab.only();
    assert_eq!((s.packets, s.expected(), s.lost(), lab.accepted), (100, 100, 0, 100));
    assert_eq!(s.bytes, 100 * 172);
    assert_eq!(s.steps().next(), Some((160, 99)));
    assert_eq!(s.jitter(), Some((0.0, 0.0)));
    assert_eq!(s.buckets.list().iter().map(|b| b.packets).collect::<Vec<_>>(), [50, 50]);
    assert_eq!(lab.analysis.media.doubtful().iter().map(|d| d.packets().count()).sum::<usize>(), 0);
}

#[test]
fn what_does_not_go_on_stays_doubtful() {
    let mut lab = Lab::new();
    // The same packet again and again; numbers that jump about; a clock that stands still for seconds.
    for i in 0..50u16 {
        lab.voice(Sent { ssrc: 1, ms: i64::from(i) * 20, ..Sent::voice(9) });
        lab.voice(Sent { ssrc: 2, sequence: i.wrapping_mul(9_973), ..Sent::voice(i) });
        lab.voice(Sent { ssrc: 3, timestamp: 5, ms: i64::from(i) * 500, ..Sent::voice(i) });
    }
    assert!(lab.analysis.media.streams.is_empty());
    assert_eq!(lab.accepted, 0);
}

#[test]
fn a_million_sources_of_one_packet_stay_within_bounds() {
    let mut lab = Lab::new();
    lab.analysis.limits.doubtful_streams = 100;
    for i in 0..20_000u32 {
        lab.voice(Sent { ssrc: i, ..Sent::voice(i as u16) });
    }
    let media = &lab.analysis.media;
    assert!(media.streams.is_empty());
    assert_eq!((media.doubtful().len(), media.table.len()), (100, 100));
    // A place given to another is not taken for the old one.
    (0..3).for_each(|i| lab.voice(Sent { ssrc: 0, ..Sent::voice(i) }));
    assert_eq!(lab.analysis.media.streams.len(), 1);
}

#[test]
fn streams_beyond_the_limit_are_told() {
    let mut lab = Lab::new();
    lab.analysis.limits.media_streams = 1;
    for ssrc in [1, 2] {
        (0..5).for_each(|i| lab.voice(Sent { ssrc, ..Sent::voice(i) }));
    }
    assert_eq!(lab.only().ssrc, 1);
    assert_eq!(lab.analysis.media.not_kept, 3, "of five, two wait for the third");
    assert!(lab.analysis.limits_noted.contains(&"limit-media-streams"));
}

#[test]
fn marks_and_frames_captured_twice() {
    let mut lab = Lab::new();
    for i in 0..10 {
        lab.voice(Sent::voice(i));
        // A router on the way took the mark off.
        lab.voice(Sent { dscp: 0, duplicate: true, ..Sent::voice(i) });
    }
    let s = lab.only();
    let marks: Vec<_> = s.marks().map(|m| (m.dscp, m.packets, m.again)).collect();
    assert_eq!((s.packets, s.duplicates(), s.captured_twice), (10, 0, 8));
    assert_eq!(marks, [(46, 10, 0), (0, 0, 8)]);
}

#[test]
fn keys_beside_voice_and_alone() {
    for alone in [false, true] {
        let mut lab = Lab::new();
        let mut sequence = 0;
        let mut next = || {
            sequence += 1;
            sequence
        };
        if !alone {
            (0..20).for_each(|_| {
                let i = next();
                lab.voice(Sent::voice(i));
            });
        }
        for (press, event) in [1u8, 1, 11].into_iter().enumerate() {
            let start = 10_000 + 4_000 * press as u32;
            // RFC 4733 §2.5.1.3: three packets while it is pressed, three that say its end.
            for n in 0..6u16 {
                let i = next();
                let (end, duration) = (if n >= 3 { 0x80 } else { 0 }, 160 * n.min(3) + 160);
                let [high, low] = duration.to_be_bytes();
                let p = Sent { timestamp: start, payload_type: 101, ..Sent::voice(i) };
                lab.send(p, &[event, end | 10, high, low]);
            }
        }
        let s = lab.only();
        let keys: String = s.keys().iter().filter_map(|k| digit(k.event)).collect();
        assert_eq!(keys, "11#", "alone: {alone}");
        assert!(s.keys().iter().all(|k| k.ended && k.duration == 640 && k.payload_type == 101));
        let jitter = s.jitter().map_or(0.0, |(_, max)| max);
        assert!(jitter < 0.01, "packets of one key say nothing of the clock: {jitter}");
    }
}

#[test]
fn silence_hold_and_a_clock_that_is_set() {
    let mut lab = Lab::new();
    (0..50).for_each(|i| lab.voice(Sent::voice(i)));
    // Silence suppressed for 2 s: the clock goes on.
    for i in 50..100u16 {
        let later = Sent::voice(i);
        lab.voice(Sent { ms: later.ms + 2_000, timestamp: later.timestamp + 16_000, ..later });
    }
    // On hold for 5 s: it does not.
    for i in 100..150u16 {
        let later = Sent::voice(i);
        lab.voice(Sent { ms: later.ms + 7_000, timestamp: later.timestamp + 16_000, ..later });
    }
    // The sender sets its clock.
    for i in 150..200u16 {
        let later = Sent::voice(i);
        lab.voice(Sent { ms: later.ms + 7_000, timestamp: later.timestamp + 900_000, ..later });
    }
    let s = lab.only();
    assert_eq!((s.silences, s.pauses, s.clock_jumps), (1, 1, 1));
    assert_eq!(s.silent / MS, 2_000);
    assert_eq!((s.lost(), s.gap.0 / MS), (0, 5_020));
    assert_eq!(s.jitter(), Some((0.0, 0.0)));
    assert!(s.pace().is_some_and(|p| (p - 8_000.0).abs() < 1.0));
}

#[test]
fn losses_fall_into_their_second() {
    let mut lab = Lab::new();
    for i in (0..200u16).filter(|i| !(60..65).contains(i) && *i != 150) {
        lab.voice(Sent::voice(i));
    }
    let s = lab.only();
    assert_eq!(s.buckets.list().iter().map(|b| b.lost).collect::<Vec<_>>(), [0, 5, 0, 1]);
    assert_eq!(s.losses(), Losses { missing: 6, bursts: 2, longest: 5 });
}

#[test]
fn a_stream_takes_little_memory() {
    // The issue: under 1 KB a stream but for buckets.
    assert!(size_of::<Stream>() < 700, "{}", size_of::<Stream>());
    assert!(size_of::<Doubtful>() < 128, "{}", size_of::<Doubtful>());
}

proptest! {
    /// Random bytes behind two bits of version, from one source: nothing is made of them, and nothing breaks.
    #[test]
    fn noise_is_no_stream(packets in prop::collection::vec(prop::array::uniform20(any::<u8>()), 1..200)) {
        let mut lab = Lab::new();
        for (i, mut bytes) in packets.into_iter().enumerate() {
            bytes[0] = 0x80;
            lab.raw(&bytes, i as i64 * 20, 0, false, 9_000);
        }
        prop_assert!(lab.analysis.media.streams.is_empty());
    }

    /// The short way for usual packets counts as the long one does.
    #[test]
    fn usual_packets_count_the_same(
        steps in prop::collection::vec((0u16..3, -2i64..60, any::<bool>(), 0u8..8), 3..300),
    ) {
        let (mut short, mut long) = (None, None);
        let (mut number, mut ms) = (0u16, 0i64);
        for (i, (ahead, late, marker, odd)) in steps.into_iter().enumerate() {
            // Mostly one ahead.
            number = number.wrapping_add(if odd == 0 { ahead } else { 1 });
            ms += if odd == 1 { 20 + late } else { 20 };
            let facts = RtpFacts {
                ssrc: 1,
                timestamp: u32::from(number) * 160,
                sequence: number,
                len: 172,
                payload_len: if odd == 2 { 80 } else { 160 },
                payload_at: 12,
                payload_type: if odd == 3 { 13 } else { 0 },
                marker,
            };
            let frame = FrameRef { capture: CaptureId(0), frame: i as u32 };
            let dscp = if odd == 4 { 0 } else { 46 };
            let p = Packet { time: ms * MS, frame, facts, dscp, duplicate: false, payload: &[] };
            let s = short.get_or_insert_with(|| Stream::new(FlowId(0), &p));
            if s.packets == 0 || !s.push_usual(&facts, p.time, frame, dscp) {
                s.push(&p, 64);
            }
            long.get_or_insert_with(|| Stream::new(FlowId(0), &p)).push(&p, 64);
        }
        prop_assert_eq!(format!("{short:?}"), format!("{long:?}"));
    }

    /// Whatever times, numbers and marks: figures stay finite and the account even.
    #[test]
    fn hostile_streams(steps in prop::collection::vec((any::<u16>(), any::<u32>(), any::<i64>(), any::<u8>()), 3..200)) {
        let mut lab = Lab::new();
        (0..3).for_each(|i| lab.voice(Sent::voice(i)));
        let sent = steps.len() as u64;
        for (sequence, timestamp, ms, bits) in steps {
            let p = Sent {
                sequence,
                timestamp,
                ms: ms % 4_000_000_000_000,
                payload_type: bits & 0x3f,
                dscp: bits & 63,
                marker: bits & 0x80 != 0,
                ..Sent::voice(0)
            };
            lab.voice(p);
        }
        let s = lab.only();
        prop_assert_eq!(s.packets, 3 + sent);
        prop_assert!(s.losses().missing <= s.expected());
        if let Some((mean, max)) = s.jitter() {
            prop_assert!(mean.is_finite() && max.is_finite() && mean <= max + 1e-9);
        }
        prop_assert!(s.buckets.list().len() <= 256);
    }
}

/// The clock of a dynamic type is taken from the first second: then that second has its jitter too.
#[test]
fn the_first_second_of_a_dynamic_type_has_its_jitter() {
    let mut lab = Lab::new();
    let sent = |i: u16| Sent { payload_type: 111, ..Sent::voice(i) };
    // In the first second every fourth packet is 8 ms late, then none.
    for i in 0..200 {
        let late = if i < 50 && i % 4 == 3 { 8 } else { 0 };
        lab.voice(Sent { ms: sent(i).ms + late, ..sent(i) });
    }
    let s = lab.only();
    assert_eq!(s.clock(), Some(8_000));
    let course: Vec<f32> = s.buckets.list().iter().map(|b| b.jitter_ms).collect();
    assert!(course[0] > 2.0 && course[0] < 8.0, "{course:?}");
    assert!(course[3] < 0.2 && course.iter().all(|ms| *ms <= course[0].max(course[1])), "{course:?}");
    let (_, highest) = s.jitter().unwrap();
    assert!((f64::from(course[0].max(course[1])) - highest).abs() < 0.01, "{course:?} {highest}");
}
