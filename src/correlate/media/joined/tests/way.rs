//! The way of a stream: relays, ICE pairs, hops, marks; what RTCP says of it.

use super::*;

/// SDP with ICE: host and, if any, the relayed candidate.
fn ice(end: &str, ufrag: &str, relayed: Option<&str>) -> String {
    let (ip, port) = end.split_once(':').unwrap();
    let mut more = format!(
        "a=ice-ufrag:{ufrag}; a=ice-pwd:passwordpasswordpassword; a=candidate:1 1 UDP 2130706431 {ip} {port} typ host;"
    );
    if let Some((ip, port)) = relayed.and_then(|r| r.split_once(':')) {
        more.push_str(&format!(
            "a=candidate:2 1 UDP 16777215 {ip} {port} typ relay raddr 10.0.0.1 rport 4000"
        ));
    }
    audio(end, &more)
}

const RELAYED: &str = "203.0.113.9:50000";

#[test]
fn media_in_a_channel_of_a_relay() {
    let mut s = Stage::default();
    s.allocation(0, AM, "198.51.100.1:40000", RELAYED, (0x4000, BM));
    s.call(100, "c1", &ice(AM, "alic", Some(RELAYED)), &ice(BM, "bobb", None));
    let inside = Rtp { channel: 0x4000, ..rtp(1) };
    s.rtp(300, &format!("{AM}>{TURN}"), &inside, 50, &[]);
    s.rtp(310, &format!("{TURN}>{AM}"), &Rtp { ssrc: 2, ..inside }, 50, &[]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 there", "1.0 back"]);
    for m in &list {
        let r = m.relay.as_deref().unwrap();
        assert_eq!(r.server, TURN.parse().unwrap());
        assert_eq!((r.relayed, r.peer), (RELAYED.parse().ok(), BM.parse().ok()));
        assert!(!m.unsignalled);
    }
}

#[test]
fn a_channel_whose_peer_was_not_captured() {
    let mut s = Stage::default();
    s.allocation(0, AM, "198.51.100.1:40000", RELAYED, (0x4000, BM));
    s.call(100, "c1", &ice(AM, "alic", Some(RELAYED)), &ice(BM, "bobb", None));
    s.rtp(300, &format!("{AM}>{TURN}"), &Rtp { channel: 0x4007, ..rtp(1) }, 50, &[]);
    let list = s.streams();
    assert_eq!((where_of(&list[0]), list[0].unsignalled), ("1.0 there".to_owned(), false));
    assert_eq!(list[0].relay.as_deref().unwrap().peer, None);
}

#[test]
fn a_peer_reflexive_end_is_known_by_its_checks() {
    // Bob's packets come from an address that no SDP has, on the path that his checks took.
    let (seen, am) = ("198.51.100.66:33333", AM);
    let mut s = Stage::default();
    s.call(0, "c1", &ice(am, "alic", None), &ice(BM, "bobb", None));
    s.check(120, [seen, am], 5, ["alic", "bobb"]);
    s.check(130, [am, seen], 6, ["bobb", "alic"]);
    s.rtp(200, &format!("{am}>{seen}"), &rtp(1), 200, &[]);
    s.rtp(210, &format!("{seen}>{am}"), &rtp(2), 200, &[]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 there", "1.0 back"]);
    assert!(list.iter().all(|m| !m.unsignalled && s.analysis.ice_pair_of(m).is_some()));
    // Behind a NAT at both ends, as somebody between them sees it.
    let outside = "198.51.100.1:40000";
    s.check(140, [outside, seen], 7, ["bobb", "alic"]);
    s.rtp(205, &format!("{outside}>{seen}"), &rtp(11), 200, &[]);
    let list = s.streams();
    let m = list.iter().find(|m| m.ssrc == 11).unwrap();
    assert_eq!((where_of(m), codec_of(m).0), ("1.0 there".to_owned(), "PCMA/8000".to_owned()));
}

#[test]
fn a_candidate_that_came_later() {
    let mut s = Stage::default();
    let trickling =
        |end, ufrag| ice(end, ufrag, None).replace("a=ice-pwd", "a=ice-options:trickle\r\na=ice-pwd");
    s.call(0, "c1", &trickling("0.0.0.0:9", "alic"), &trickling(BM, "bobb"));
    let more = "a=ice-ufrag:alic\r\na=ice-pwd:passwordpasswordpassword\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
                a=candidate:1 1 UDP 2130706431 10.0.0.1 4000 typ host\r\n";
    s.sip(150, &format!("{A}>{B}"), "c1", "INFO/2", more);
    s.rtp(200, THERE, &rtp(1), 200, &[]);
    s.rtp(210, BACK, &rtp(2), 200, &[]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 there", "1.0 back"]);
    assert!(list.iter().all(|m| !m.unsignalled && m.codec_agreed));
}

#[test]
fn checks_without_sdp_have_a_pair_too() {
    let mut s = Stage::default();
    s.check(120, [BM, AM], 5, ["alic", "bobb"]);
    s.rtp(200, THERE, &rtp(1), 50, &[]);
    s.rtp(200, "10.0.0.1:4002>10.0.0.2:5002", &rtp(2), 50, &[]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["-.- ?", "-.- ?"]);
    let (group, pair) = list[0].loose_pair.unwrap();
    let pair = &s.analysis.loose_ice_session(group).pairs[pair as usize];
    assert_eq!((pair.a, pair.b), (BM.parse().unwrap(), AM.parse().unwrap()));
    assert!(s.analysis.ice_pair_of(&list[0]).is_none() && list[1].loose_pair.is_none());
}

#[test]
fn one_stream_on_three_stretches_of_its_way() {
    let mut s = Stage::default();
    let (proxy, nat) = ("10.0.0.9:9000", "198.51.100.1:61000");
    s.call(0, "c1", &audio(AM, ""), &audio("10.0.0.9:9000", ""));
    // Captured out of order, with marks that change: bleached by the NAT, set again by the proxy.
    s.rtp(156, "10.0.0.9:9002>10.0.0.2:5000", &rtp(1).marked(34), 50, &[3, 4]);
    s.rtp(150, &format!("{AM}>{proxy}"), &rtp(1), 50, &[]);
    s.rtp(153, &format!("{nat}>{proxy}"), &rtp(1).marked(0), 50, &[3]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 there", "1.0 there", "~1.0 there"]);
    assert!(list.iter().all(|m| *m.hops == [0, 1, 2]));
    let lost: Vec<_> = list.iter().map(|m| s.analysis.figures_of(m).unwrap().lost()).collect();
    assert_eq!(lost, [0, 1, 2], "which stretch is the bad one");
    let changes: Vec<_> = list[0].mark_changes.iter().map(|c| (c.from, c.to, c.before, c.after)).collect();
    assert_eq!(changes, [(46, 0, 0, 1), (0, 34, 1, 2)]);
}

#[test]
fn behind_a_nat_it_goes_where_it_was_asked_for_outside() {
    let (outside, inside) = ("203.0.113.77:61410", "192.168.1.21:24410");
    let mut s = Stage::default();
    s.call(0, "c1", &audio(outside, ""), &audio(BM, ""));
    s.rtp(150, &format!("{BM}>{outside}"), &rtp(2), 200, &[]);
    s.rtp(151, &format!("{BM}>{inside}"), &rtp(2), 200, &[]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 back", "1.0 back"]);
    assert!(list.iter().all(|m| !m.unsignalled && *m.hops == [0, 1]));
}

#[test]
fn frames_captured_twice_tell_a_mark_that_changes_between_them() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.rtp(150, THERE, &Rtp { again: Some(0), ..rtp(1) }, 50, &[]);
    s.rtp(150, BACK, &Rtp { again: Some(46), ..rtp(2) }, 50, &[]);
    let list = s.streams();
    let changes: Vec<_> =
        list.iter().map(|m| m.mark_changes.iter().map(|c| (c.from, c.to)).collect::<Vec<_>>()).collect();
    assert_eq!(changes, [vec![(46, 0)], vec![]]);
}

#[test]
fn an_echo_and_the_same_recording_in_other_calls_are_no_hops() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.call(10, "c2", &audio("10.0.0.1:4002", ""), &audio("10.0.0.2:5002", ""));
    s.rtp(150, THERE, &rtp(1), 50, &[]);
    s.rtp(151, BACK, &rtp(1), 50, &[]);
    s.rtp(160, "10.0.0.1:4002>10.0.0.2:5002", &rtp(1), 50, &[]);
    // And beside any call, between the same machines.
    s.rtp(170, "10.0.0.1:4004>10.0.0.2:5004", &rtp(1), 50, &[]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 there", "1.0 back", "2.0 there", "-.- ?"]);
    assert!(list.iter().all(|m| m.hops.is_empty()));
}

#[test]
fn losses_before_and_behind_the_capture() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.rtp(150, THERE, &rtp(1), 500, &[10, 11, 12, 480]);
    s.report(5_200, "10.0.0.2:5001>10.0.0.1:4001", 2, 1, &[block(1, 8)]);
    let list = s.streams();
    let loss = list[0].loss.unwrap();
    assert_eq!((loss.before, loss.reported, loss.after, loss.not_captured), (3, 8, 5, 0));
    // What the capture alone misses is no loss of the call.
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.rtp(150, THERE, &rtp(1), 500, &[10, 11, 12, 480]);
    s.report(11_000, "10.0.0.2:5001>10.0.0.1:4001", 2, 1, &[block(1, 0)]);
    let m = &s.streams()[0];
    assert_eq!(m.loss.map(|l| (l.after, l.not_captured)), Some((0, 4)));
    assert_eq!(m.mos.map(|m| m.loss_pct), Some(0.0));
}

#[test]
fn reports_of_a_call_that_began_before_the_capture_count_from_the_first() {
    let mut s = Stage::default();
    s.rtp(0, THERE, &rtp(1), 1_000, &[600]);
    s.renew(500, "c1", 5, &audio(AM, ""), &audio(BM, ""));
    s.report(5_000, "10.0.0.2:5001>10.0.0.1:4001", 2, 1, &[block(1, 70)]);
    let list = s.streams();
    assert_eq!(list[0].loss, None, "70 were lost before anybody captured");
    s.report(18_000, "10.0.0.2:5001>10.0.0.1:4001", 2, 2, &[block(1, 74)]);
    assert_eq!(s.streams()[0].loss.map(|l| (l.before, l.reported, l.after)), Some((1, 4, 3)));
}

/// Both ends report; 20 ms to Bob and back, 30 ms to Alice and back.
#[test]
fn both_halves_of_a_round_are_one() {
    let mut s = plain();
    let (there, back) = ("10.0.0.1:4001>10.0.0.2:5001", "10.0.0.2:5001>10.0.0.1:4001");
    s.report(1_000, there, 1, 0x1_0000, &[]);
    s.report(1_020, back, 2, 0x2_0000, &[Block { lsr: 0x1_0000, ..block(1, 0) }]);
    let half = s.streams();
    assert_eq!((half[0].round_trip, half[0].mos.unwrap().delay_measured), (None, false));
    s.report(1_050, there, 1, 0x3_0000, &[Block { lsr: 0x2_0000, ..block(2, 0) }]);
    let list = s.streams();
    for m in &list {
        let trip = m.round_trip.unwrap();
        assert!((trip - 50 * MS).abs() < MS / 10, "{trip}");
        let mos = m.mos.unwrap();
        assert!(mos.delay_measured && (mos.delay_ms - 25.0).abs() < 0.1, "{mos:?}");
    }
    assert!(list[0].heard.is_some() && list[0].sender.is_some());
}

#[test]
fn reports_on_the_media_ports_and_on_an_address_of_their_own() {
    let mut s = plain();
    s.report(1_000, BACK, 2, 1, &[block(1, 1)]);
    let heard = |s: &mut Stage| {
        let list = s.streams();
        s.analysis.heard_of(&list[0]).map(|h| s.analysis.flow(h.flow).src.to_string())
    };
    assert_eq!(heard(&mut s).as_deref(), Some(BM));
    let mut s = plain();
    s.report(1_000, "10.0.0.2:7777>10.0.0.1:4999", 2, 1, &[block(1, 1)]);
    assert_eq!(heard(&mut s).as_deref(), Some("10.0.0.2:7777"));
    // Another machine's report about an equal number is not about this stream.
    let mut s = plain();
    s.report(1_000, "10.0.0.66:5001>10.0.0.1:4001", 2, 1, &[block(1, 1)]);
    assert_eq!(heard(&mut s), None);
}

#[test]
fn who_reports_and_never_of_this_stream_does_not_hear_it() {
    let talk = |blocks: &[Block]| {
        let mut s = Stage::default();
        s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
        s.rtp(150, THERE, &rtp(1), 900, &[]);
        s.rtp(150, BACK, &rtp(2), 900, &[]);
        for ms in [5_000, 10_000, 15_000] {
            s.report(ms, "10.0.0.2:5001>10.0.0.1:4001", 2, 1, blocks);
        }
        s.streams().iter().map(|m| m.unheard).collect::<Vec<_>>()
    };
    assert_eq!(talk(&[]), [true, false]);
    assert_eq!(talk(&[block(1, 0)]), [false, false]);
}

#[test]
fn a_mos_needs_a_codec_that_is_known_for_sure() {
    let mos = |offer: &str, source: Rtp| {
        let mut s = Stage::default();
        s.call(0, "c1", &audio(AM, offer), &audio(BM, offer));
        s.rtp(150, THERE, &source, 100, &[50]);
        s.streams()[0].mos
    };
    const KEY: &str =
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20";
    let plain = mos("", rtp(1)).unwrap();
    // The fact page's vector: 50 ms, 1 %, G.711 with concealment.
    assert!((plain.value - 4.297).abs() < 5e-4 && !plain.delay_measured, "{plain:?}");
    assert_eq!((plain.ie, plain.bpl, plain.loss_pct, plain.delay_ms), (0.0, 25.1, 1.0, ASSUMED_DELAY_MS));
    assert!(mos(KEY, rtp(1).sized(170)).is_some(), "SRTP whose codec the SDP has");
    // G.722, and SRTP of a static number that no SDP speaks of.
    assert_eq!(mos("", rtp(1).of_type(9)), None);
    let mut s = Stage::default();
    s.rtp(0, THERE, &rtp(1).sized(170), 100, &[]);
    let m = &s.streams()[0];
    assert_eq!((m.protection, m.mos), (Some(Protection::SrtpBySize), None));
}

/// Errors belong to the source they quote; where they quote ports only, to what ran just before.
#[test]
fn icmp_errors_about_media() {
    use crate::decode::{BreakageKind, MediaError, Quoted};
    let mut s = plain();
    let mut error = |ms: i64, src: &str, dst: &str, quoted, frame| {
        let kind = BreakageKind::Icmp { v6: false, kind: 3, code: 3 };
        let [src, dst] = [src, dst].map(|a| a.parse().unwrap());
        let by = "10.0.0.2".parse().unwrap();
        let frame = crate::capture::FrameRef { capture: crate::capture::CaptureId(0), frame };
        s.analysis.add_media_error(&MediaError { src, dst, quoted, kind, by, frame, time: START + ms * MS });
    };
    for n in 0..5 {
        error(200 + 20 * n, AM, BM, Quoted::Rtp { ssrc: 1 }, 900 + n as u32);
    }
    error(300, AM, BM, Quoted::Rtp { ssrc: 99 }, 950);
    error(310, AM, BM, Quoted::Nothing, 960);
    error(60_000, BM, AM, Quoted::Nothing, 970);
    error(400, "10.0.0.8:1", "10.0.0.9:1", Quoted::Nothing, 980);
    let list = s.streams();
    let told = |m: &MediaStream| {
        let all = s.analysis.errors_of_stream(m).into_iter();
        all.map(|e| (e.quoted, e.told.count, e.told.frame.frame)).collect::<Vec<_>>()
    };
    assert_eq!(told(&list[0]), [(Quoted::Rtp { ssrc: 1 }, 5, 900), (Quoted::Nothing, 1, 960)]);
    assert_eq!(told(&list[1]), [], "too late to be about it");
}
