use crate::correlate::{Analysis, CallIdx, Owner};
use crate::view::ladder::{Ladder, LadderOptions, LadderRow, build};
use crate::view::scenario::media::Source;
use crate::view::scenario::{Msg, START, Scenario, request, response};

fn sdp(message: Msg, address: &str, port: u16, direction: &str) -> Msg {
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    );
    message.body("application/sdp", &body)
}

/// Alice calls Bob directly; media is expected at 10.0.0.65:4000 and at `bob`:5000.
fn call(bob: &str, direction: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &sdp(request("INVITE", 1).via(&["A b1"]), "10.0.0.65", 4000, "sendrecv"));
    s.add(10, "B>A", &response("180 Ringing", 1, "INVITE").via(&["A b1"]).tag("b"));
    s.add(100, "B>A", &sdp(response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b"), bob, 5000, direction));
    s
}

fn ended(mut s: Scenario) -> Analysis {
    s.add(9_000, "A>B", &request("BYE", 2).via(&["A b2"]).tag("b"));
    s.add(9_010, "B>A", &response("200 OK", 2, "BYE").via(&["A b2"]).tag("b"));
    s.done()
}

fn ladder(analysis: &Analysis) -> Ladder {
    build(analysis, &[Owner::Call(CallIdx(0))], LadderOptions::default())
}

/// Rows that are no message of SIP, folded ones with what is in them.
fn media_rows(analysis: &Analysis) -> Vec<String> {
    fn tell(l: &Ladder, row: &LadderRow, depth: usize, out: &mut Vec<String>) {
        let name = |i: usize| l.lifelines[i].name.as_str();
        let at = |t: i64| (t - START) as f64 * 1e-9;
        let indent = "  ".repeat(depth);
        match row {
            LadderRow::Arrow { time, from, to, label, message: None, .. } => {
                out.push(format!("{indent}{:.2} {} → {}: {label}", at(*time), name(*from), name(*to)));
            }
            LadderRow::Fold { time, from, to, one_way, label, inner, .. } => {
                let way = if *one_way { "⇒" } else { "⇔" };
                out.push(format!("{indent}{:.2} {} {way} {}: {label}", at(*time), name(*from), name(*to)));
                inner.iter().for_each(|row| tell(l, row, depth + 1, out));
            }
            _ => {}
        }
    }
    let l = ladder(analysis);
    let mut out = Vec::new();
    l.rows.iter().for_each(|row| tell(&l, row, 0, &mut out));
    out
}

const TO_BOB: &str = "10.0.0.65:4000>10.0.0.66:5000";
const TO_ALICE: &str = "10.0.0.66:5000>10.0.0.65:4000";

#[test]
fn both_ways_are_one_line() {
    let mut s = call("10.0.0.66", "sendrecv");
    let (mut a, mut b) = (Source::new(TO_BOB, 0xA), Source::new(TO_ALICE, 0xB));
    s.add_run(200_000, 20_000, 100, &mut a);
    for i in 0..100 {
        if i == 50 { b.skip() } else { s.add_rtp(210_000 + i * 20_000, &mut b) }
    }
    let rows = media_rows(&ended(s));
    assert_eq!(
        rows,
        [
            "0.20 Alice ⇔ bob: RTP PCMU/8000, →100 ←99 pkts in 1.99 s, loss →0 ←1 %, jitter 0 ms, MOS →4.4 ←4.3",
            "  0.20 Alice → bob: RTP PCMU/8000 0x0000000A, 100 pkts, none lost, jitter 0 ms, MOS 4.4",
            "  0.21 bob → Alice: RTP PCMU/8000 0x0000000B, 99 pkts, 1 lost (1 %), jitter 0 ms, MOS 4.3",
            "  2.18 Alice → bob: last packet of 0x0000000A",
            "  2.19 bob → Alice: last packet of 0x0000000B",
        ]
    );
}

#[test]
fn one_way_looks_so_and_silence_is_told_where_it_would_be_heard() {
    let run = |s: &mut Scenario| s.add_run(200_000, 20_000, 100, &mut Source::new(TO_ALICE, 0xB));
    let last = |s: Scenario| media_rows(&ended(s))[0].clone();
    // Nothing of Alice's ports to Bob's passes here: whether she sends is not known.
    let mut s = call("10.0.0.66", "sendrecv");
    run(&mut s);
    assert!(
        last(s).ends_with("bob ⇒ Alice: RTP PCMU/8000, 100 pkts in 1.98 s, no loss, jitter 0 ms, MOS 4.4")
    );
    // Her RTCP does.
    let mut s = call("10.0.0.66", "sendrecv");
    run(&mut s);
    s.add_report(1_000_000, "10.0.0.65:4001>10.0.0.66:5001", 0xB, 0, 0);
    assert!(last(s).ends_with("100 pkts in 1.98 s, nothing comes back, no loss, jitter 0 ms, MOS 4.4"));
    // An announcement: nobody expects her to speak.
    let mut s = call("10.0.0.66", "sendonly");
    run(&mut s);
    s.add_report(1_000_000, "10.0.0.65:4001>10.0.0.66:5001", 0xB, 0, 0);
    assert!(last(s).ends_with("MOS 4.4"));
    // She does speak, to another address of his.
    let mut s = call("10.0.0.66", "sendrecv");
    run(&mut s);
    s.add_report(1_000_000, "10.0.0.65:4001>10.0.0.66:5001", 0xB, 0, 0);
    s.add_run(300_000, 20_000, 50, &mut Source::new("10.0.0.65:4000>192.0.2.9:7000", 0xA));
    assert!(media_rows(&ended(s)).iter().all(|row| !row.contains("comes back")));
}

#[test]
fn keys_are_typed_on_one_line_whatever_sends_them() {
    let mut s = call("10.0.0.66", "sendrecv");
    let mut a = Source::new(TO_BOB, 0xA);
    s.add_run(200_000, 20_000, 20, &mut a);
    let key = |s: &mut Scenario, source: &mut Source, ms: i64, event: u8| {
        source.payload_type = 101;
        source.payload = vec![event, 0x0A, 0, 160];
        source.ticks = 0;
        s.add_run(ms * 1000, 20_000, 3, source);
        (source.timestamp, source.ticks) = (source.timestamp + 8000, 160);
    };
    key(&mut s, &mut a, 1_000, 1);
    key(&mut s, &mut a, 1_500, 10);
    key(&mut s, &mut a, 8_000, 11);
    (a.payload_type, a.payload) = (0, vec![0xFF; 160]);
    s.add_run(8_200_000, 20_000, 20, &mut a);
    // A gateway sends keys as a source of its own.
    let mut b = Source::new(TO_ALICE, 0xB);
    key(&mut s, &mut b, 4_000, 7);
    key(&mut s, &mut b, 4_500, 8);
    let rows = media_rows(&ended(s));
    let keys: Vec<&str> = rows.iter().filter(|r| r.contains("key")).map(String::as_str).collect();
    assert_eq!(keys, ["1.00 Alice → bob: keys 1*", "4.00 bob → Alice: keys 78", "8.00 Alice → bob: key #"]);
    assert!(
        rows.contains(&"4.00 bob ⇒ Alice: RTP telephone-event/8000, 6 pkts in 540 ms".to_owned()),
        "{rows:#?}"
    );
}

#[test]
fn who_signals_elsewhere_gets_a_lifeline() {
    // Bob is behind a proxy: his media comes from where his SDP says, and from a translation of it.
    let mut s = Scenario::default();
    s.add(0, "A>P", &sdp(request("INVITE", 1).via(&["A b1"]), "10.0.0.65", 4000, "sendrecv"));
    let ok = sdp(response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b"), "192.0.2.66", 5000, "sendrecv");
    s.add(100, "P>A", &ok.header("Server: RTC/3.5").header("Record-Route: <sip:10.0.0.80;lr>"));
    s.add_run(200_000, 20_000, 50, &mut Source::new("10.0.0.65:4000>192.0.2.66:5000", 0xA));
    s.add_run(205_000, 20_000, 50, &mut Source::new("192.0.2.66:5000>10.0.0.65:4000", 0xB));
    let analysis = s.done();
    let l = ladder(&analysis);
    let line = l.lifelines.last().expect("a lifeline");
    assert_eq!(
        (line.name.as_str(), line.address.as_str(), line.role.as_deref()),
        ("bob", "192.0.2.66", Some("media"))
    );
    assert!(media_rows(&analysis)[0].contains("Alice ⇔ bob: RTP PCMU/8000, 50 pkts each way"));
}

#[test]
fn a_new_source_goes_on_with_the_line_and_many_lines_fold() {
    let mut s = call("10.0.0.66", "sendrecv");
    s.add_run(200_000, 20_000, 50, &mut Source::new(TO_BOB, 0xA));
    s.add_run(1_500_000, 20_000, 50, &mut Source::new(TO_BOB, 0xC));
    s.add_run(6_000_000, 20_000, 50, &mut Source::new(TO_BOB, 0xD));
    let rows = media_rows(&ended(s));
    let lines: Vec<&str> = rows.iter().filter(|r| r.contains('⇒')).map(String::as_str).collect();
    assert_eq!(lines.len(), 2, "{rows:#?}");
    assert!(lines[0].contains("100 pkts") && lines[0].ends_with("2 SSRCs"), "{lines:?}");
    assert!(lines[1].starts_with("6.00") && lines[1].contains("50 pkts"));

    let mut s = call("10.0.0.66", "sendrecv");
    for i in 0..12 {
        s.add_run(200_000 + i * 3_000_000, 20_000, 10, &mut Source::new(TO_BOB, 100 + i as u32));
    }
    let analysis = s.done();
    let l = ladder(&analysis);
    let folds: Vec<&LadderRow> = l.rows.iter().filter(|r| matches!(r, LadderRow::Fold { .. })).collect();
    let [LadderRow::Fold { label, inner, .. }] = folds.as_slice() else { panic!("{folds:#?}") };
    assert_eq!((label.as_str(), inner.len()), ("RTP audio, 12 streams, 120 pkts, no loss", 12));
    let all =
        build(&analysis, &[Owner::Call(CallIdx(0))], LadderOptions { unfold: true, ..Default::default() });
    assert!(!all.rows.iter().any(|r| matches!(r, LadderRow::Fold { .. })));
}

#[test]
fn time_that_runs_backwards_is_no_reason_to_panic() {
    // The halves of a capture in the wrong order: the first packet that is read is later than the last one.
    let mut s = call("10.0.0.66", "sendrecv");
    let mut bob = Source::new(TO_ALICE, 0xB);
    s.add_run(3_000_000, 20_000, 60, &mut bob);
    s.add_run(900_000, 20_000, 60, &mut bob);
    s.add_report(1_000_000, "10.0.0.65:4001>10.0.0.66:5001", 0xB, 0, 0);
    assert!(!media_rows(&ended(s)).is_empty());
}
