use super::*;
use crate::correlate::CallIdx;
use crate::correlate::media::Codec;
use crate::view::scenario::media::Source;
use crate::view::scenario::{Scenario, request, response};
use proptest::prelude::*;

const SECOND: Nanos = 1_000_000_000;
const TO_BOB: &str = "10.0.0.65:4000>10.0.0.66:5000";
const TO_ALICE: &str = "10.0.0.66:5001>10.0.0.65:4001";

/// 20 ms apart for 4.5 s; of the second second the packets 60 to 64 are lost.
fn lossy() -> Scenario {
    let mut s = Scenario::default();
    let mut source = Source::new(TO_BOB, 7);
    for i in 0..225 {
        if (60..65).contains(&i) { source.skip() } else { s.add_rtp(i * 20_000, &mut source) }
    }
    s
}

fn plot_of(s: Scenario, change: impl FnOnce(&mut MediaStream)) -> Plot {
    let analysis = s.done();
    let mut all = analysis.media_streams();
    change(&mut all[0]);
    plot(&analysis, &all[0].clone(), &all)
}

#[test]
fn each_second_has_its_figures() {
    let p = plot_of(lossy(), |_| {});
    assert_eq!((p.step, p.length, p.points.len()), (SECOND, 4_480_000_000, 5));
    assert_eq!(p.points.iter().map(|p| p.lost).collect::<Vec<_>>(), [0, 5, 0, 0, 0]);
    assert_eq!(p.points.iter().map(|p| p.packets).collect::<Vec<_>>(), [50, 45, 50, 50, 25]);
    // 172 bytes of RTP each 20 ms are 68.8 kbit/s, in the half second at the end too.
    let rates: Vec<f64> = p.points.iter().map(|p| (p.kbps * 10.0).round() / 10.0).collect();
    assert_eq!(rates, [68.8, 61.9, 68.8, 68.8, 68.8]);
    let gaps: Vec<Option<f64>> = p.points.iter().map(|p| p.gap_ms).collect();
    assert_eq!(gaps, [Some(20.0), Some(120.0), Some(20.0), Some(20.0), Some(20.0)]);
    assert!(p.points.iter().all(|p| p.jitter_ms == Some(0.0)), "{:?}", p.points);
}

#[test]
fn what_is_not_known_is_not_drawn() {
    // A pause of three seconds, and a payload type whose clock nothing tells of.
    let mut s = Scenario::default();
    let mut source = Source::new(TO_BOB, 7);
    source.payload_type = 99;
    s.add_run(0, 20_000, 3, &mut source);
    s.add_run(3_500_000, 20_000, 3, &mut source);
    let p = plot_of(s, |_| {});
    assert_eq!(p.points.len(), 4);
    assert_eq!((p.points[1].gap_ms, p.points[2].jitter_ms, p.points[1].kbps), (None, None, 0.0));
    assert_eq!(p.columns(Quantity::Loss, p.whole(), 4)[1..3], [None, None]);
    assert!(p.columns(Quantity::Gap, p.whole(), 4)[3].is_some_and(|g| g > 3_000.0));
}

#[test]
fn columns_take_the_worst_and_share_what_is_long() {
    let p = plot_of(lossy(), |_| {});
    // Two columns of 2.24 s: what begins in the column is of it.
    let losses = p.columns(Quantity::Loss, p.whole(), 2);
    assert_eq!(losses, [Some(5.0 * 100.0 / 150.0), Some(0.0)]);
    assert_eq!(p.columns(Quantity::Gap, p.whole(), 2), [Some(120.0), Some(20.0)]);
    // More columns than seconds: each shows what it lies in.
    let many = p.columns(Quantity::Gap, p.whole(), 45);
    let bad: Vec<usize> = (0..45).filter(|c| many[*c] == Some(120.0)).collect();
    assert_eq!((bad.first(), bad.last(), bad.len()), (Some(&10), Some(&19), 10));
    assert!(many.iter().all(Option::is_some));
}

#[test]
fn the_receiver_is_a_series_of_its_own() {
    let mut s = lossy();
    s.add_report(2_000_000, TO_ALICE, 7, 64, 80);
    s.add_report(4_000_000, TO_ALICE, 7, 0, 16);
    let p = plot_of(s, |stream| stream.heard = Some(0));
    let jitter: Vec<_> = p.reported_of(Quantity::Jitter, p.whole()).collect();
    assert_eq!(jitter, [(2 * SECOND, 10.0), (4 * SECOND, 2.0)], "80 ticks of 8000 Hz are 10 ms");
    let late = Window { from: 3 * SECOND, to: 5 * SECOND };
    assert_eq!(p.reported_of(Quantity::Loss, late).collect::<Vec<_>>(), [(4 * SECOND, 0.0)]);
    assert_eq!(p.reported_of(Quantity::Loss, p.whole()).next(), Some((2 * SECOND, 25.0)));
    assert_eq!(p.reported_of(Quantity::Gap, p.whole()).count(), 0);
    // The clock of the SDP counts where there is one.
    let mut s = lossy();
    s.add_report(2_000_000, TO_ALICE, 7, 64, 80);
    let p = plot_of(s, |stream| {
        stream.heard = Some(0);
        std::sync::Arc::make_mut(stream.codec.as_mut().unwrap()).clock = 16_000;
    });
    assert_eq!(p.reported_of(Quantity::Jitter, p.whole()).next(), Some((2 * SECOND, 5.0)));
}

fn words(p: &Plot) -> Vec<String> {
    p.events.iter().map(|e| format!("{:.2} {} {}", e.at as f64 * 1e-9, e.sign, e.words)).collect()
}

#[test]
fn signalling_of_the_call_stands_beside() {
    let mut s = Scenario::default();
    s.add(0, "A>P", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    // Another hop of the same.
    s.add(1, "P>B", &request("INVITE", 1).via(&["P b2", "A b1"]).sdp("sendrecv", 0));
    s.add(
        100,
        "P>A",
        &response("183 Session Progress", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 0),
    );
    let mut source = Source::new(TO_BOB, 7);
    s.add_run(500_000, 20_000, 100, &mut source);
    s.add(600, "P>A", &response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 0));
    s.add(1600, "A>P", &request("INVITE", 2).via(&["A b3"]).tag("b").sdp("sendonly", 0));
    s.add(1610, "P>A", &response("200 OK", 2, "INVITE").via(&["A b3"]).tag("b").sdp("recvonly", 0));
    s.add(2000, "A>P", &request("INVITE", 3).via(&["A b4"]).tag("b").sdp("sendrecv", 0));
    s.add(2010, "P>A", &response("488 Not Acceptable Here", 3, "INVITE").via(&["A b4"]).tag("b"));
    s.add(2600, "B>A", &request("BYE", 1).back().via(&["B b5"]));
    let p = plot_of(s, |stream| stream.call = Some(CallIdx(0)));
    assert_eq!(
        words(&p),
        [
            "-0.50 I INVITE offer by Alice",
            "-0.40 E 183 Session Progress answer by bob",
            "0.10 ✓ 200 OK answer by bob",
            "1.10 H INVITE (hold) by Alice",
            "1.50 R INVITE offer by Alice",
            "1.51 F 488 Not Acceptable Here by bob",
            "2.10 B BYE by bob",
        ]
    );
    assert!(p.events[5].lead.bad && p.events[6].lead.message.is_some());
}

#[test]
fn changes_of_the_stream_are_events() {
    let mut s = Scenario::default();
    let mut source = Source::new(TO_BOB, 7);
    s.add_run(0, 20_000, 50, &mut source);
    // A key in three packets of one timestamp.
    let mut key = Source { payload_type: 101, payload: vec![11, 0x0A, 0, 160], ticks: 0, ..source.clone() };
    s.add_run(1_000_000, 20_000, 3, &mut key);
    (source.sequence, source.timestamp) = (key.sequence, key.timestamp + 480);
    s.add_run(1_060_000, 20_000, 50, &mut source);
    // The numbers jump, and go on from there; then another codec, and another source on the same way.
    (source.sequence, source.timestamp) = (30_000, 5_000_000);
    s.add_run(2_060_000, 20_000, 50, &mut source);
    source.payload_type = 8;
    s.add_run(3_060_000, 20_000, 20, &mut source);
    let mut second = Source::new(TO_BOB, 9);
    s.add_run(3_500_000, 20_000, 50, &mut second);
    let codec = |name: &str| {
        Some(std::sync::Arc::new(Codec {
            name: name.to_owned(),
            clock: 8000,
            channels: 1,
            source: crate::correlate::media::CodecSource::Sdp,
        }))
    };
    let p = plot_of(s, |stream| {
        stream.other_codecs = vec![(101, codec("telephone-event")), (8, codec("PCMA"))].into();
    });
    let words = words(&p);
    assert_eq!(
        words,
        [
            "1.00 # key #",
            "2.08 N sequence numbers begin anew",
            "3.06 P payload type 8 PCMA/8000",
            "3.50 S SSRC 0x00000009 takes its place",
        ]
    );
}

proptest! {
    #[test]
    fn windows_stay_within_the_stream(
        length in 0i64..1 << 45,
        from in any::<i64>(),
        to in any::<i64>(),
        around in any::<i64>(),
        steps in prop::collection::vec(0u8..4, 0..20),
    ) {
        let p = Plot { length, step: SECOND, points: vec![Point::default(); 3], ..Plot::default() };
        let mut w = p.fit(Window { from, to });
        for step in steps {
            w = match step {
                0 => p.zoom(w, around, true),
                1 => p.zoom(w, around, false),
                n => p.shift(w, n == 2),
            };
            prop_assert!(w.from >= 0 && w.to <= p.whole().to && w.from < w.to, "{w:?} of {length}");
            prop_assert_eq!(p.columns(Quantity::Loss, w, 33).len(), 33);
        }
    }

    #[test]
    fn no_part_is_left_out(seconds in 1usize..400, columns in 1usize..150) {
        let points: Vec<Point> =
            (0..seconds).map(|i| Point { packets: 1, gap_ms: Some(i as f64), ..Point::default() }).collect();
        let length = seconds as i64 * SECOND - 1;
        let p = Plot { length, step: SECOND, points, ..Plot::default() };
        let seen = p.columns(Quantity::Gap, p.whole(), columns);
        if columns <= seconds {
            // Each is the worst of one column: the last of each stands there.
            let highest = seen.iter().flatten().copied().fold(0.0, f64::max);
            prop_assert_eq!(highest, seconds as f64 - 1.0);
            prop_assert!(seen.windows(2).all(|w| w[0] < w[1]));
        }
        prop_assert!(seen.iter().all(Option::is_some));
    }
}
