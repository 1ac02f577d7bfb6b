//! Streams against the course of their call: holds, the end, addresses that nobody named, sides.

use super::*;

const BOTH: [&str; 2] = ["a=sendrecv", "a=sendrecv"];

/// A call with media from `ms` each way, its section put on hold at 2 s and resumed at 5 s.
fn on_hold([offer, answer]: [&str; 2]) -> Stage {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, BOTH[0]), &audio(BM, BOTH[1]));
    s.renew(2_000, "c1", 2, &audio(AM, offer), &audio(BM, answer));
    s.renew(5_000, "c1", 3, &audio(AM, BOTH[0]), &audio(BM, BOTH[1]));
    s.bye(8_000, "c1");
    s
}

/// Runs to 2 s, and from 5 s.
fn pausing(s: &mut Stage, path: &str, ssrc: u32) {
    let source = rtp(ssrc);
    s.rtp(150, path, &source, 92, &[]);
    s.rtp(5_050, path, &source.behind(92), 140, &[]);
}

#[test]
fn who_is_held_pauses() {
    let mut s = on_hold(["a=sendonly", "a=recvonly"]);
    pausing(&mut s, THERE, 1);
    pausing(&mut s, BACK, 2);
    let list = s.streams();
    let of = |m: &MediaStream| {
        m.holds.iter().map(|h| ((h.from - START) / MS, (h.until - START) / MS, h.stops)).collect::<Vec<_>>()
    };
    assert_eq!((list[0].held, of(&list[0])), (true, vec![(2_010, 5_010, false)]), "who holds may send music");
    assert_eq!((list[1].held, of(&list[1])), (true, vec![(2_010, 5_010, true)]));
}

#[test]
fn music_on_hold_runs_on() {
    let mut s = on_hold(["a=sendonly", "a=recvonly"]);
    s.rtp(150, THERE, &rtp(1), 380, &[]);
    pausing(&mut s, BACK, 2);
    let list = s.streams();
    assert_eq!((list[0].held, list[1].held), (false, true));
}

#[test]
fn old_holds_name_no_address() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.renew(2_000, "c1", 2, &audio("0.0.0.0:4000", ""), &audio(BM, ""));
    s.rtp(150, BACK, &rtp(2), 92, &[]);
    let list = s.streams();
    assert!(list[0].held && list[0].holds.iter().all(|h| h.stops), "{:?}", list[0].holds);
    assert_eq!(where_of(&list[0]), "1.0 back");
}

#[test]
fn a_pause_without_hold_is_none_and_a_refused_hold_neither() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.sip(2_000, &format!("{A}>{B}"), "c1", "INVITE/2", &audio(AM, "a=inactive"));
    s.sip(2_010, &format!("{B}>{A}"), "c1", "488 INVITE/2", "");
    pausing(&mut s, THERE, 1);
    let list = s.streams();
    assert_eq!((list[0].held, list[0].holds.len()), (false, 0));
}

#[test]
fn media_behind_the_bye() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.rtp(150, THERE, &rtp(1), 200, &[]);
    s.rtp(150, BACK, &rtp(2), 120, &[]);
    s.bye(2_000, "c1");
    let list = s.streams();
    let late: Vec<_> = list.iter().map(|m| m.after_end.map(|t| t / MS)).collect();
    // 150 + 199 · 20 = 4130 ms; the other ends 530 ms behind the BYE, which may be on its way.
    assert_eq!(late, [Some(2_130), None]);
    // A source that begins behind the end.
    s.rtp(10_000, BACK, &rtp(3), 50, &[]);
    let list = s.streams();
    assert_eq!((where_of(&list[2]), list[2].after_end.map(|t| t / MS)), ("1.0 back".to_owned(), Some(8_980)));
}

#[test]
fn media_behind_the_end_is_the_next_calls() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.bye(2_000, "c1");
    s.call(2_500, "c2", &audio(AM, ""), &audio(BM, ""));
    s.rtp(2_700, THERE, &rtp(1), 100, &[]);
    let list = s.streams();
    assert_eq!(
        (where_of(&list[0]), list[0].after_end, list[0].call_inferred),
        ("2.0 there".to_owned(), None, false)
    );
}

#[test]
fn latching_to_where_media_comes_from() {
    // Alice names a private address; her packets come out of a NAT.
    let mut s = Stage::default();
    s.call(0, "c1", &audio("192.168.1.5:4000", ""), &audio(BM, ""));
    s.rtp(150, "198.51.100.7:61000>10.0.0.2:5000", &rtp(1), 200, &[]);
    s.rtp(200, "10.0.0.2:5000>198.51.100.7:61000", &rtp(2), 200, &[]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 there", "1.0 back"]);
    assert_eq!((list[0].unsignalled, list[1].unsignalled), (false, true));
    assert_eq!(list[1].back, Some(0), "it is where the other way comes from");
    // The other way round, between Alice and her NAT: she names what is outside, and it comes to her inside.
    let mut s = Stage::default();
    s.call(0, "c1", &audio("198.51.100.7:61000", ""), &audio(BM, ""));
    s.rtp(200, "10.0.0.2:5000>10.0.0.1:4000", &rtp(2), 200, &[]);
    let list = s.streams();
    assert_eq!((where_of(&list[0]), list[0].unsignalled), ("1.0 back".to_owned(), false));
    // To a relay that nobody saw asked for.
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.rtp(150, "10.0.0.1:4000>203.0.113.9:3478", &rtp(1), 200, &[]);
    let list = s.streams();
    assert_eq!((where_of(&list[0]), list[0].unsignalled), ("1.0 there".to_owned(), false));
    // Before the answer nobody knows where the callee wants it.
    let mut s = Stage::default();
    s.sip(0, &format!("{A}>{B}"), "c1", "INVITE/1", &audio(AM, ""));
    s.rtp(100, "10.0.0.1:4000>10.0.0.77:7000", &rtp(1), 200, &[]);
    let list = s.streams();
    assert_eq!((where_of(&list[0]), list[0].unsignalled), ("1.0 there".to_owned(), false));
}

#[test]
fn one_side_alone_is_heard() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.rtp(150, BACK, &rtp(2), 50, &[]);
    s.analysis.refresh();
    let sections = s.analysis.media_of_call(CallIdx(0));
    assert_eq!(sections.len(), 1);
    assert_eq!((sections[0].from_callee.as_slice(), sections[0].one_way()), (&[0][..], Some(Side::Callee)));
    s.rtp(160, THERE, &rtp(1), 50, &[]);
    assert_eq!(s.analysis.media_of_call(CallIdx(0))[0].one_way(), None);
}

#[test]
fn sections_that_are_one_way_by_agreement_or_silent() {
    let two = |ip, a, v| {
        sdp(&format!(
            "c=IN IP4 {ip}; m=audio 4000 RTP/AVP 8; {a}; m=video {v} RTP/AVP 100; a=rtpmap:100 VP8/90000; \
             m=message 7000 TCP/MSRP *"
        ))
    };
    let mut s = Stage::default();
    s.call(0, "c1", &two("10.0.0.1", "a=sendonly", 4002), &two("10.0.0.2", "a=recvonly", 0));
    s.rtp(150, "10.0.0.1:4000>10.0.0.2:4000", &rtp(1), 50, &[]);
    s.analysis.refresh();
    let sections = s.analysis.media_of_call(CallIdx(0));
    let kinds: Vec<_> = sections.iter().map(|s| (s.kind.as_str(), s.rtp, s.declined)).collect();
    assert_eq!(kinds, [("audio", true, false), ("video", true, true), ("message", false, false)]);
    assert_eq!((sections[0].from_caller_wanted, sections[0].from_callee_wanted), (true, false));
    assert_eq!((sections[0].one_way(), sections[0].from_caller.as_slice()), (None, &[0][..]));
    assert_eq!((sections[1].agreed, sections[0].agreed.map(|t| t - START)), (None, Some(100 * MS)));
}

#[test]
fn a_sender_that_begins_anew_and_one_that_goes_on_elsewhere() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.rtp(150, THERE, &rtp(1), 50, &[]);
    s.rtp(1_170, THERE, &rtp(3), 50, &[]);
    // Bob moves to another port.
    s.renew(2_200, "c1", 2, &audio(AM, ""), &audio("10.0.0.2:5500", ""));
    s.rtp(2_300, "10.0.0.1:4000>10.0.0.2:5500", &rtp(3).behind(56), 50, &[]);
    let list = s.streams();
    let follows: Vec<_> = list.iter().map(|m| (m.ssrc, m.follows)).collect();
    assert_eq!(follows, [(1, None), (3, Some(Follows::Source(0))), (3, Some(Follows::Path(1)))]);
    // The same beside any call, where one end stays; and not where none does.
    for (path, follows) in
        [("10.0.0.1:4000>10.0.0.2:5500", Some(Follows::Path(0))), ("10.0.0.1:4002>10.0.0.2:5500", None)]
    {
        let mut s = Stage::default();
        s.rtp(150, THERE, &rtp(3), 50, &[]);
        s.rtp(1_300, path, &rtp(3).behind(50), 50, &[]);
        assert_eq!(s.streams()[1].follows, follows, "{path}");
    }
    // Two at once on one flow are no change.
    let mut s = plain();
    s.rtp(150, THERE, &rtp(7), 50, &[]);
    assert!(s.streams().iter().all(|m| m.follows.is_none()));
}

#[test]
fn a_forked_call_is_held_by_who_took_it_alone() {
    // The first fork answers early as inactive, the other one takes the call.
    let mut s = Stage::default();
    let there = format!("{A}>{B}");
    s.sip(0, &there, "c1", "INVITE/1", &audio(AM, ""));
    s.sip(50, &format!("{B}>{A}"), "c1", "183 INVITE/1", &audio("10.0.0.3:6000", "a=inactive"));
    s.sip(100, &format!("{B}>{A}"), "c1", "200 INVITE/1", &audio(BM, ""));
    s.rtp(150, THERE, &rtp(1), 300, &[]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 there"]);
}
