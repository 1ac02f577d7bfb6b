use proptest::prelude::*;

use super::*;

const A: &str = "10.0.0.1:5060";
const B: &str = "10.0.0.2:40000";
const SYN: u8 = TcpFlags::SYN;
const ACK: u8 = TcpFlags::ACK;
const FIN: u8 = TcpFlags::FIN;
const RST: u8 = TcpFlags::RST;

/// A table, and what it told in words.
struct Lab {
    table: TcpTable,
    limits: Limits,
    told: Vec<String>,
    frame: u32,
    time: Nanos,
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => ">",
        Direction::Backward => "<",
    }
}

fn note(told: &mut Vec<String>, event: StreamEvent<'_>) {
    told.push(match event {
        StreamEvent::Open { conn, syn, .. } => format!("open {} {syn}", conn.0),
        StreamEvent::Data { direction, bytes, frame, .. } => {
            format!("{} {} @{}", word(direction), bytes.escape_ascii(), frame.frame)
        }
        StreamEvent::Gap { direction, bytes, behind, .. } => {
            let behind = behind.map_or_else(String::new, |frame| format!(" @{}", frame.frame));
            format!("{} gap {bytes}{behind}", word(direction))
        }
        StreamEvent::Close { direction, reset, frame, .. } => {
            format!("{} {} @{}", word(direction), if reset { "reset" } else { "fin" }, frame.frame)
        }
        StreamEvent::Forget { conn } => format!("forget {}", conn.0),
        StreamEvent::OverLimit(name) => format!("limit {name}"),
    });
}

impl Lab {
    fn new() -> Self {
        Self { table: TcpTable::default(), limits: Limits::default(), told: Vec::new(), frame: 0, time: 0 }
    }

    fn send(&mut self, segment: TcpSegment<'_>) -> SegmentUse {
        self.frame += 1;
        let frame = FrameRef { frame: self.frame, ..FrameRef::default() };
        let told = &mut self.told;
        self.table.push(&segment, frame, self.time, &self.limits, &mut |event| note(told, event))
    }

    /// A segment from B, the client.
    fn b(&mut self, flags: u8, seq: u32, ack: u32, payload: &str) -> SegmentUse {
        self.send(segment(B, A, flags, seq, ack, payload.as_bytes()))
    }

    fn a(&mut self, flags: u8, seq: u32, ack: u32, payload: &str) -> SegmentUse {
        self.send(segment(A, B, flags, seq, ack, payload.as_bytes()))
    }

    fn finish(&mut self) {
        let told = &mut self.told;
        self.table.finish(&mut |event| note(told, event));
    }

    /// What was told since the last time.
    #[track_caller]
    fn told(&mut self, expect: &[&str]) {
        assert_eq!(std::mem::take(&mut self.told), expect);
    }

    fn handshake(&mut self) {
        self.b(SYN, 100, 0, "");
        self.a(SYN | ACK, 500, 101, "");
        self.b(ACK, 101, 501, "");
        self.told(&["open 0 true"]);
    }
}

fn segment<'a>(src: &str, dst: &str, flags: u8, seq: u32, ack: u32, payload: &'a [u8]) -> TcpSegment<'a> {
    TcpSegment {
        src: src.parse().unwrap(),
        dst: dst.parse().unwrap(),
        seq,
        ack,
        flags: TcpFlags(flags),
        window: 1000,
        payload,
        missing: 0,
    }
}

#[test]
fn a_plain_connection() {
    let mut lab = Lab::new();
    lab.handshake();
    assert_eq!(lab.table.ends(ConnId(0)), Some((B.parse().unwrap(), A.parse().unwrap())));
    assert_eq!(lab.b(ACK, 101, 501, "INVITE"), SegmentUse::New);
    assert_eq!(lab.a(ACK, 501, 107, "200"), SegmentUse::New);
    assert_eq!(lab.b(ACK | FIN, 107, 504, ""), SegmentUse::Nothing);
    lab.a(ACK | FIN, 504, 108, "bye");
    lab.b(ACK, 108, 508, "");
    lab.told(&["> INVITE @4", "< 200 @5", "> fin @6", "< bye @7", "< fin @7"]);
    lab.finish();
    lab.told(&["forget 0"]);
    assert_eq!(lab.table.ends(ConnId(0)), None);
}

#[test]
fn a_syn_ack_first_still_tells_the_client() {
    let mut lab = Lab::new();
    lab.a(SYN | ACK, 500, 101, "");
    assert_eq!(lab.table.ends(ConnId(0)).unwrap().0, B.parse().unwrap());
    // The SYN comes in behind it.
    lab.b(SYN, 100, 0, "");
    lab.b(ACK, 101, 501, "x");
    lab.told(&["open 0 true", "> x @3"]);
}

#[test]
fn out_of_order_and_repeated() {
    let mut lab = Lab::new();
    lab.handshake();
    assert_eq!(lab.b(ACK, 107, 501, "ghi"), SegmentUse::New);
    assert_eq!(lab.b(ACK, 104, 501, "def"), SegmentUse::New);
    assert_eq!(lab.b(ACK, 104, 501, "def"), SegmentUse::Nothing);
    assert_eq!(lab.b(ACK, 101, 501, "abc"), SegmentUse::New);
    assert_eq!(lab.b(ACK, 101, 501, "abcdefghi"), SegmentUse::Nothing);
    assert_eq!(lab.b(ACK, 107, 501, "ghijk"), SegmentUse::New);
    lab.told(&["> abc @7", "> def @5", "> ghi @4", "> jk @9"]);
    assert_eq!(lab.table.held, 0);
}

#[test]
fn the_first_copy_wins() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 103, 501, "CD");
    lab.b(ACK, 101, 501, "abcdef");
    lab.told(&["> ab @5", "> CD @4", "> ef @5"]);
}

#[test]
fn probes_are_nothing() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 101, 501, "abc");
    assert_eq!(lab.b(ACK, 103, 501, "\0"), SegmentUse::Nothing);
    assert_eq!(lab.b(ACK, 103, 501, ""), SegmentUse::Nothing);
    // A zero-window probe carries the next byte, which is sent again later.
    assert_eq!(lab.b(ACK, 104, 501, "d"), SegmentUse::New);
    assert_eq!(lab.b(ACK, 104, 501, "def"), SegmentUse::New);
    lab.told(&["> abc @4", "> d @7", "> ef @8"]);
}

#[test]
fn joined_midway() {
    let mut lab = Lab::new();
    lab.a(ACK, 7000, 300, "200 OK");
    assert_eq!(lab.table.ends(ConnId(0)).unwrap().0, A.parse().unwrap());
    lab.told(&["open 0 false"]);
    lab.b(ACK, 300, 7006, "ACK");
    lab.told(&["> 200 OK @1", "< ACK @2"]);
}

#[test]
fn joined_midway_amid_jumbled_segments() {
    // Acknowledged by the other side; in the order of the stream then.
    let mut lab = Lab::new();
    for (seq, bytes) in [(306, "ghi"), (303, "def"), (306, "ghi"), (300, "abc")] {
        lab.b(ACK, seq, 7000, bytes);
    }
    lab.a(ACK, 7000, 306, "");
    lab.told(&["open 0 false"]);
    lab.a(ACK, 7000, 309, "x");
    lab.told(&["> abc @4", "> def @2", "> ghi @1", "< x @6"]);
    // The other side had said what it expected.
    let mut lab = Lab::new();
    lab.a(ACK, 6997, 300, "200");
    lab.b(ACK, 303, 7000, "def");
    lab.told(&["open 0 false", "> 200 @1"]);
    lab.b(ACK, 300, 7000, "abc");
    lab.told(&["< abc @3", "< def @2"]);
    // A hole between is a gap, what was before is none.
    let mut lab = Lab::new();
    lab.b(ACK, 306, 7000, "ghi");
    lab.b(ACK, 300, 7000, "abc");
    lab.finish();
    lab.told(&["open 0 false", "> abc @2", "> gap 3 @1", "> ghi @1", "forget 0"]);
    // The SYN comes last.
    let mut lab = Lab::new();
    lab.b(ACK, 104, 501, "def");
    lab.b(ACK, 101, 501, "abc");
    lab.b(SYN, 100, 0, "");
    lab.told(&["open 0 false", "> abc @2", "> def @1"]);
}

#[test]
fn looking_back_has_an_end() {
    let mut lab = Lab::new();
    lab.b(ACK, 303, 7000, "def");
    lab.time += ONE_SIDED_GRACE as i64;
    lab.b(ACK, 306, 7000, "ghi");
    lab.b(ACK, 300, 7000, "abc");
    lab.told(&["open 0 false", "> def @1", "> ghi @2"]);
    let mut lab = Lab::new();
    let long = "x".repeat(LOOK_BACK_BYTES / 2);
    lab.b(ACK, 303, 7000, &long);
    lab.b(ACK, 303 + long.len() as u32, 7000, &long);
    assert_eq!((lab.told.len(), lab.table.held), (3, 0), "no limit is hit");
}

#[test]
fn joined_at_a_keep_alive() {
    for probe in ["", "\0"] {
        let mut lab = Lab::new();
        lab.b(ACK, 299, 7000, probe);
        lab.a(ACK, 7000, 300, "");
        lab.b(ACK, 300, 7000, "BYE");
        lab.told(&["open 0 false", "> BYE @3"]);
    }
    // A plain acknowledgement stands at the next byte itself.
    let mut lab = Lab::new();
    lab.b(ACK, 300, 7000, "");
    lab.b(ACK, 300, 7000, "BYE");
    lab.told(&["open 0 false", "> BYE @2"]);
}

#[test]
fn a_late_syn_is_no_new_connection() {
    let mut lab = Lab::new();
    lab.b(ACK, 101, 501, "abc");
    lab.b(SYN, 100, 0, "");
    lab.b(ACK, 104, 501, "def");
    lab.told(&["open 0 false", "> abc @1", "> def @3"]);
}

#[test]
fn an_acknowledged_gap_is_given_up_after_a_while() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 104, 501, "def");
    // Unacknowledged, it may still be sent again.
    lab.time += 60_000_000_000;
    lab.a(ACK, 501, 101, "");
    lab.told(&[]);
    lab.a(ACK, 501, 107, "x");
    lab.told(&["< x @6"]);
    lab.time += 100_000_000;
    lab.b(ACK, 107, 502, "g");
    lab.told(&[]);
    lab.time += 100_000_000;
    lab.b(ACK, 108, 502, "h");
    lab.told(&["> gap 3 @4", "> def @4", "> g @7", "> h @8"]);
    assert_eq!(lab.table.held, 0);
}

#[test]
fn a_jumbled_capture_fills_the_gap_in_time() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 104, 501, "def");
    lab.a(ACK, 501, 107, "");
    lab.b(ACK, 101, 501, "abc");
    // The doubt about that gap must not shorten the life of the next one.
    lab.time += 199_000_000;
    lab.b(ACK, 110, 501, "jkl");
    lab.a(ACK, 501, 113, "");
    lab.time += 2_000_000;
    lab.b(ACK, 107, 501, "ghi");
    lab.told(&["> abc @6", "> def @4", "> ghi @9", "> jkl @7"]);
}

#[test]
fn only_the_acknowledged_part_of_a_gap_is_given_up() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 107, 501, "ghi");
    lab.a(ACK, 501, 104, "");
    lab.time += 300_000_000;
    lab.b(ACK, 104, 501, "def");
    lab.told(&["> gap 3 @4", "> def @6", "> ghi @4"]);
}

#[test]
fn one_direction_alone() {
    let mut lab = Lab::new();
    lab.b(SYN, 100, 0, "");
    lab.b(ACK, 101, 501, "abc");
    lab.b(ACK, 107, 501, "ghi");
    lab.time += 4_000_000_000;
    lab.b(ACK, 110, 501, "jkl");
    lab.told(&["open 0 true", "> abc @2"]);
    lab.time += 1_000_000_000;
    lab.b(ACK, 113, 501, "m");
    lab.told(&["> gap 3 @3", "> ghi @3", "> jkl @4", "> m @5"]);
}

#[test]
fn a_clock_that_stands_still_delays_but_does_not_block() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 104, 501, "def");
    lab.a(ACK, 501, 107, "");
    for _ in 0..GRACE_SEGMENTS {
        lab.a(ACK, 501, 107, "");
    }
    lab.told(&["> gap 3 @4", "> def @4"]);
}

#[test]
fn gaps_at_the_end() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 104, 501, "def");
    lab.b(ACK, 110, 501, "jkl");
    lab.b(ACK | FIN, 115, 501, "");
    lab.finish();
    lab.told(&["> gap 3 @4", "> def @4", "> gap 3 @5", "> jkl @5", "> gap 2", "> fin @6", "forget 0"]);
}

#[test]
fn fin_waits_for_the_bytes_before_it() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK | FIN, 104, 501, "def");
    lab.told(&[]);
    lab.b(ACK, 101, 501, "abc");
    lab.b(ACK | FIN, 104, 501, "def");
    lab.told(&["> abc @5", "> def @4", "> fin @4"]);
}

#[test]
fn bytes_behind_a_fin_are_dropped() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK | FIN, 104, 501, "");
    lab.b(ACK, 101, 501, "abcdef");
    lab.told(&["> abcdef @5", "> fin @4"]);
}

#[test]
fn resets() {
    let mut lab = Lab::new();
    lab.b(SYN, 100, 0, "");
    lab.a(RST | ACK, 0, 101, "");
    lab.b(SYN, 100, 0, "");
    lab.a(RST | ACK, 0, 101, "");
    lab.told(&["open 0 true", "< reset @2"]);
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 104, 501, "def");
    lab.b(RST, 3_000_000_000, 0, "");
    lab.told(&[]);
    lab.a(RST, 501, 0, "");
    lab.told(&["> gap 3 @4", "> def @4", "< reset @6"]);
    // A lone reset opens nothing.
    let mut lab = Lab::new();
    lab.a(RST, 1, 0, "");
    lab.told(&[]);
}

#[test]
fn ports_used_again() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 104, 501, "lost");
    lab.b(SYN, 90_000, 0, "");
    lab.a(SYN | ACK, 70_000, 90_001, "");
    lab.b(ACK, 90_001, 70_001, "new");
    lab.told(&["> gap 3 @4", "> lost @4", "forget 0", "open 0 true", "> new @7"]);
    // A repeated SYN is not a new one.
    lab.b(SYN, 90_000, 0, "");
    lab.told(&[]);
}

#[test]
fn ports_used_again_without_a_syn() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.b(ACK, 101, 501, "a");
    lab.told(&["> a @4"]);
    // One stray segment proves nothing, two in line do.
    assert_eq!(lab.b(ACK, 2_000_000_000, 501, "x"), SegmentUse::Nothing);
    lab.b(ACK, 102, 501, "b");
    lab.told(&["> b @6"]);
    lab.b(ACK, 2_000_000_000, 501, "x");
    lab.b(ACK, 2_000_000_001, 501, "yz");
    lab.finish();
    lab.told(&["forget 0", "open 0 false", "> yz @8", "forget 0"]);
}

#[test]
fn sequence_numbers_wrap() {
    let mut lab = Lab::new();
    lab.b(SYN, u32::MAX - 3, 0, "");
    lab.b(ACK, 2, 1, "fgh");
    lab.b(ACK, u32::MAX - 2, 1, "abcdef");
    lab.b(ACK, 5, 1, "i");
    lab.told(&["open 0 true", "> abcde @3", "> fgh @2", "> i @4"]);
}

#[test]
fn cut_segments_leave_gaps() {
    let mut lab = Lab::new();
    lab.handshake();
    lab.send(TcpSegment { missing: 3, ..segment(B, A, ACK, 101, 501, b"abc") });
    lab.send(TcpSegment { missing: 3, ..segment(B, A, ACK, 110, 501, b"jkl") });
    lab.b(ACK, 107, 501, "ghi");
    lab.b(ACK, 116, 501, "p");
    lab.told(&["> abc @4", "> gap 3 @4", "> ghi @6", "> jkl @5", "> gap 3 @5", "> p @7"]);
    assert_eq!(lab.send(TcpSegment { missing: 5, ..segment(B, A, ACK, 117, 501, b"") }), SegmentUse::New);
    lab.told(&["> gap 5 @8"]);
}

#[test]
fn limits() {
    let mut lab = Lab::new();
    lab.limits.tcp_gap_bytes = 1000;
    lab.handshake();
    let long = "x".repeat(600);
    lab.b(ACK, 102, 501, &long);
    lab.b(ACK, 800, 501, &long);
    let told = std::mem::take(&mut lab.told);
    assert_eq!(told[..2], ["limit tcp_gap_bytes", "> gap 1 @4"]);
    assert!(lab.table.held <= 1000);
    lab.limits.tcp_gap_bytes_total = 100;
    lab.b(ACK, 1401, 501, "y");
    assert!(lab.told.contains(&"limit tcp_gap_bytes_total".to_owned()));
    assert!(lab.table.held <= 100);

    let mut lab = Lab::new();
    lab.limits.tcp_connections = 2;
    for port in 1..=3 {
        let from = format!("10.0.0.9:{port}");
        lab.send(segment(&from, A, SYN, 1, 0, b""));
        // Keeps the first one fresh.
        lab.send(segment("10.0.0.9:1", A, ACK, 2, 0, b""));
    }
    lab.told(&["open 0 true", "open 1 true", "limit tcp_connections", "forget 1", "open 1 true"]);
}

proptest! {
    #[test]
    fn any_order_split_and_overlap_gives_the_same_bytes(
        bytes in proptest::collection::vec(any::<u8>(), 1..300),
        isn in prop_oneof![any::<u32>(), Just(u32::MAX - 50)],
        cuts in proptest::collection::vec((any::<u16>(), 2usize..60), 0..60),
        order in any::<u64>(),
        fin in any::<bool>(),
        syn in any::<bool>(),
    ) {
        let mut parts: Vec<(usize, usize)> = cuts
            .iter()
            .map(|(at, len)| {
                let at = usize::from(*at) % bytes.len();
                (at, (at + len).min(bytes.len()))
            })
            .collect();
        let mut at = 0;
        while at < bytes.len() {
            let len = 1 + (order as usize >> (at % 32)) % 40;
            parts.push((at, (at + len).min(bytes.len())));
            at += len;
        }
        // A permutation made from `order`.
        let mut random = order;
        for n in (1..parts.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            parts.swap(n, (random >> 33) as usize % (n + 1));
        }
        let mut table = TcpTable::default();
        let limits = Limits::default();
        let mut got: Vec<u8> = Vec::new();
        let mut closed = 0;
        let mut clean = true;
        {
            let mut sink = |event: StreamEvent<'_>| match event {
                StreamEvent::Data { bytes, .. } => got.extend_from_slice(bytes),
                StreamEvent::Close { .. } => closed += 1,
                StreamEvent::Gap { .. } | StreamEvent::OverLimit(_) => clean = false,
                StreamEvent::Open { .. } | StreamEvent::Forget { .. } => {}
            };
            let frame = FrameRef::default();
            if syn {
                table.push(&segment(B, A, SYN, isn, 0, b""), frame, 0, &limits, &mut sink);
            }
            if fin && syn {
                let seq = isn.wrapping_add(1 + bytes.len() as u32);
                table.push(&segment(B, A, ACK | FIN, seq, 0, b""), frame, 0, &limits, &mut sink);
            }
            for (from, to) in &parts {
                let seq = isn.wrapping_add(1 + *from as u32);
                // With PSH, so that a single byte is no keep-alive.
                let flags = ACK | TcpFlags::PSH;
                table.push(&segment(B, A, flags, seq, 0, &bytes[*from..*to]), frame, 0, &limits, &mut sink);
            }
            if fin && !syn {
                let seq = isn.wrapping_add(1 + bytes.len() as u32);
                table.push(&segment(B, A, ACK | FIN, seq, 0, b""), frame, 0, &limits, &mut sink);
            }
            table.finish(&mut sink);
        }
        prop_assert_eq!(got, bytes);
        prop_assert_eq!(closed, i32::from(fin));
        prop_assert!(clean);
        prop_assert_eq!(table.held, 0);
    }

    #[test]
    fn arbitrary_segments_neither_panic_nor_leak(
        segments in proptest::collection::vec(
            (any::<bool>(), any::<u8>(), prop_oneof![0u32..200, any::<u32>()], 0u32..300, 0usize..30, 0u32..10, 0i64..400_000_000),
            0..120,
        )
    ) {
        let mut table = TcpTable::default();
        let limits = Limits { tcp_gap_bytes: 500, tcp_gap_bytes_total: 700, ..Limits::default() };
        let payload = [b'x'; 30];
        let mut time = 0;
        let mut open = 0i64;
        for (forward, flags, seq, ack, len, missing, later) in segments {
            time += later;
            let (src, dst) = if forward { (A, B) } else { (B, A) };
            let segment = TcpSegment { missing, ..segment(src, dst, flags, seq, ack, &payload[..len]) };
            table.push(&segment, FrameRef::default(), time, &limits, &mut |event| match event {
                StreamEvent::Open { .. } => open += 1,
                StreamEvent::Forget { .. } => open -= 1,
                _ => {}
            });
            let held: usize =
                table.connections.iter().flatten().flat_map(|c| &c.halves).map(Half::held).sum();
            prop_assert_eq!(table.held, held);
            prop_assert!(held <= 700);
        }
        table.finish(&mut |event| open -= i64::from(matches!(event, StreamEvent::Forget { .. })));
        prop_assert_eq!(open, 0);
        prop_assert_eq!(table.held, 0);
    }
}
