use super::*;
use crate::view::scenario::media::Source;
use crate::view::scenario::{Msg, Scenario, request, response};

const OC: &str = "User-Agent: UCCAPI/3.5.6907.0 OC/3.5.6907.37 (Microsoft Office Communicator 2007 R2)";

fn sdp(message: Msg, address: &str, ports: [u16; 2]) -> Msg {
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n\
         m=video {} RTP/AVP 34\r\n",
        ports[0], ports[1]
    );
    message.body("application/sdp", &body)
}

/// A call with SIP of a mark, audio and video of two each (from Alice, from Bob); 255: none at all.
fn call(agent: &str, sip: u8, audio: [u8; 2], video: [u8; 2]) -> Analysis {
    let mut s = Scenario::default();
    let invite = request("INVITE", 1).via(&["A b1"]).header(agent).marked(sip);
    s.add(0, "A>B", &sdp(invite, "10.0.0.65", [4000, 4002]));
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").header(agent).marked(sip);
    s.add(100, "B>A", &sdp(ok, "10.0.0.66", [5000, 5002]));
    s.add(110, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b").marked(sip));
    let paths = [
        ("10.0.0.65:4000>10.0.0.66:5000", audio[0], 0),
        ("10.0.0.66:5000>10.0.0.65:4000", audio[1], 0),
        ("10.0.0.65:4002>10.0.0.66:5002", video[0], 34),
        ("10.0.0.66:5002>10.0.0.65:4002", video[1], 34),
    ];
    for (i, (path, dscp, payload_type)) in paths.into_iter().enumerate().filter(|(_, p)| p.1 < 64) {
        let mut source = Source { dscp, payload_type, ..Source::new(path, 0x100 + i as u32) };
        s.add_run(200_000, 20_000, 50, &mut source);
    }
    s.done()
}

fn told(analysis: &Analysis) -> Vec<String> {
    let index = analysis.media_index();
    let line = |k: &Marked| {
        let sign = if k.is_bad() { "!" } else { "-" };
        format!("{sign} {} [{} | {}] {}", k.title(), k.way_words(0), k.way_words(1), k.words())
    };
    of_call(analysis, &index, CallIdx(0)).iter().map(line).collect()
}

#[test]
fn without_a_profile_only_contradictions_are_judged() {
    let none = [255; 2];
    assert_eq!(
        told(&call("X: y", 24, [46, 46], none)),
        ["- audio [46 EF | 46 EF] 46 EF both ways", "- SIP [24 CS3 | 24 CS3] 24 CS3 both ways"]
    );
    // Nothing is marked at all: so it is, and nobody said it should be otherwise.
    assert_eq!(
        told(&call("X: y", 0, [0, 0], none)),
        ["- audio [0 | 0] unmarked both ways", "- SIP [0 | 0] unmarked both ways"]
    );
    assert_eq!(
        told(&call("X: y", 24, [0, 0], [34, 34])),
        [
            "! audio [0 | 0] unmarked both ways, though video 34 AF41 is marked",
            "- video [34 AF41 | 34 AF41] 34 AF41 both ways",
            "- SIP [24 CS3 | 24 CS3] 24 CS3 both ways"
        ]
    );
    assert_eq!(
        told(&call("X: y", 0, [46, 0], none))[0],
        "! audio [46 EF | 0] one side only: 46 EF from Alice, none from bob as captured here"
    );
    // Two values are two policies; which is right nobody says.
    assert_eq!(
        told(&call("X: y", 0, [46, 34], none))[0],
        "- audio [46 EF | 34 AF41] 46 EF from Alice, 34 AF41 from bob"
    );
    assert_eq!(
        told(&call("X: y", 0, [46, 255], none))[0],
        "- audio [46 EF | ] 46 EF one way, the other was not captured"
    );
}

#[test]
fn the_agents_of_the_clients_tell_what_they_mark_with() {
    let none = [255; 2];
    assert_eq!(
        told(&call(OC, 40, [40, 40], [24, 24])),
        [
            "- audio [40 CS5 | 40 CS5] as expected: 40 CS5 (communicator, by the user agents)",
            "- video [24 CS3 | 24 CS3] as expected: 24 CS3 (communicator, by the user agents)",
            "- SIP [40 CS5 | 40 CS5] as expected: 40 CS5 (communicator, by the user agents)",
        ]
    );
    // QoS may have been left off: no reason to warn.
    assert_eq!(
        told(&call(OC, 0, [0, 0], none))[0],
        "- audio [0 | 0] unmarked both ways; where their policy is on these clients mark 40 CS5 \
         (communicator, by the user agents)"
    );
}

#[test]
fn a_profile_that_was_chosen_is_held_against_what_there_is() {
    let mut analysis = call(OC, 40, [40, 46], [255; 2]);
    analysis.qos = QosProfile::named("lync");
    assert_eq!(
        told(&analysis),
        [
            "! audio [40 CS5 | 46 EF] 40 CS5 from Alice, 46 EF from bob; 40 from Alice instead of 46 EF (lync)",
            "! SIP [40 CS5 | 40 CS5] 40 from 10.0.0.65, 40 from 10.0.0.66 instead of 24 CS3 (lync)"
        ]
    );
    // Of what the profile does not name any value will do.
    let mut custom = QosProfile::default();
    custom.set(Traffic::Audio, 40);
    analysis.qos = Some(custom);
    assert!(told(&analysis)[1].starts_with("- SIP [40 CS5 | 40 CS5] 40 CS5 both ways"));
}

#[test]
fn a_stream_of_no_call_has_its_way_back() {
    let mut s = Scenario::default();
    s.add_run(0, 20_000, 20, &mut Source { dscp: 46, ..Source::new("10.0.0.65:4000>10.0.0.66:5000", 1) });
    s.add_run(5_000, 20_000, 20, &mut Source { dscp: 0, ..Source::new("10.0.0.66:5000>10.0.0.65:4000", 2) });
    let analysis = s.done();
    let marked = of_stream(&analysis, &analysis.media_index(), 0).expect("a stream");
    assert_eq!(marked.words(), "one side only: 46 EF from 10.0.0.65, none from 10.0.0.66 as captured here");
    assert!(marked.is_bad());
}

#[test]
fn a_mark_that_changes_on_the_way_is_told_with_the_place() {
    let mut s = Scenario::default();
    // The same packets behind a translation of the sender's address, 2 ms later and without their mark.
    let (mut inside, mut outside) = (
        Source { dscp: 46, ..Source::new("10.0.0.65:4000>192.0.2.66:5000", 7) },
        Source { dscp: 0, ..Source::new("203.0.113.9:61000>192.0.2.66:5000", 7) },
    );
    for i in 0..50 {
        s.add_rtp(i * 20_000, &mut inside);
        s.add_rtp(i * 20_000 + 2_000, &mut outside);
    }
    let analysis = s.done();
    let marked = of_stream(&analysis, &analysis.media_index(), 0).expect("a stream");
    assert_eq!(
        marked.words(),
        "re-marked 46→0 between 10.0.0.65:4000 → 192.0.2.66:5000 and 203.0.113.9:61000 → 192.0.2.66:5000"
    );
    assert!(marked.is_bad());
}

#[test]
fn each_stream_has_a_verdict_in_a_word() {
    let words = |analysis: &Analysis| {
        let of = |s: &MediaStream| StreamVerdict::of(analysis, s).map(StreamVerdict::name);
        analysis.joined_media().iter().filter_map(of).collect::<Vec<_>>()
    };
    let none = [255; 2];
    assert_eq!(words(&call("X: y", 0, [46, 0], none)), ["marked", "unmarked"], "nobody says what is right");
    // What clients mark where their policy is on is no more than that.
    assert_eq!(words(&call(OC, 0, [40, 46], none)), ["as_expected", "marked"]);
    let mut chosen = call(OC, 0, [40, 46], none);
    chosen.qos = QosProfile::named("communicator");
    assert_eq!(words(&chosen), ["as_expected", "not_as_expected"]);
    let mut s = Scenario::default();
    for (dscp, first) in [(46, 0), (0, 1_000_000)] {
        let mut source = Source { dscp, ..Source::new("10.0.0.65:4000>10.0.0.66:5000", 1) };
        (0..first / 20_000).for_each(|_| source.skip());
        s.add_run(first, 20_000, 50, &mut source);
    }
    assert_eq!(words(&s.done()), ["several"]);
}
