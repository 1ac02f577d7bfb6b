use std::collections::BTreeSet;

use super::*;
use crate::view::scenario::ice::*;
use crate::view::scenario::{Scenario, request, response};

fn only(scenario: Scenario) -> (Analysis, IceSession) {
    let analysis = scenario.done();
    let index = analysis.ice_index();
    let refs = session_refs(&analysis, &index, None, &Default::default());
    assert_eq!(refs.len(), 1);
    let s = session(&analysis, refs[0]).unwrap();
    (analysis, s)
}

#[test]
fn the_row_says_path_and_times() {
    let (analysis, s) = only(through_bobs_relay());
    let row = session_row(&analysis, 1, &s);
    assert_eq!((row.a.as_str(), row.b.as_str(), row.media.as_str()), ("alice", "bob", "audio"));
    assert_eq!((row.state_words, row.path.as_str()), ("connected", "relay UDP"));
    assert_eq!((row.connect, row.first_media), (Some(200_000_000), Some(300_000_000)));
    assert_eq!((row.candidates, row.succeeded, row.unanswered), ((3, 2), 1, 1));
    assert_eq!(row.media_packets, 299);
    assert_eq!(row.role_a, Some("controlling"));
}

#[test]
fn a_board_has_a_cell_for_each_pair() {
    let (analysis, s) = only(through_bobs_relay());
    let boards = boards(&analysis, &s);
    assert_eq!(boards.len(), 1);
    let words: Vec<Vec<String>> =
        boards[0].cells.iter().map(|r| r.iter().map(BoardCell::words).collect()).collect();
    assert_eq!(words[0], ["✗ 3 unanswered", "✓ chosen 299 pkts"]);
    assert_eq!(words[1], ["as its base", "as its base"]);
    assert_eq!(words[2], ["– not checked", "– not checked"]);
    assert_eq!(boards[0].rows[2].allocation, Some(AllocationIdx(0)));
    assert_eq!(boards[0].checked().rows.len(), 1);
    assert_eq!(boards[0].checked().left_out, (2, 0));
}

#[test]
fn a_refused_allocation_stands_where_the_relay_would() {
    let (analysis, s) = only(without_a_path());
    let board = &boards(&analysis, &s)[0];
    let refused = board.rows.last().unwrap();
    assert_eq!(refused.words(), "relay (refused 401)");
    assert!(refused.refused && refused.allocation == Some(AllocationIdx(0)));
    assert!(board.cells.last().unwrap().iter().all(|c| c.words() == "– no allocation"));
    // The cause first, the count of pairs after all causes.
    let why = why(&analysis, &s);
    assert!(why[0].starts_with("alice has no relay: allocation 1"), "{why:?}");
    assert!(why[1..].iter().any(|w| w.starts_with("No check of bob")), "{why:?}");
    assert!(why.last().unwrap().starts_with("No pair worked: "), "{why:?}");
    assert_eq!(path_words(&analysis, &s), "none");
}

#[test]
fn media_on_another_pair_is_told() {
    let told = |change: fn(&mut Scenario)| {
        let mut s = offer_and_answer(true);
        s.check(1250, "10.0.0.65:4000>203.0.113.9:50001", "x2", ALICE_ASKS, true);
        s.stun(1300, "203.0.113.9:50001>10.0.0.65:4000", BOUND, "x2", &[mapped("198.51.100.1:40000")]);
        s.check(1310, "203.0.113.9:50000>203.0.113.9:50001", "x3", ALICE_ASKS, false);
        s.check(1320, "10.0.0.65:4000>192.168.7.66:5000", "x4", ALICE_ASKS, false);
        s.media(1420, "203.0.113.9:50001>10.0.0.65:4000", 149);
        change(&mut s);
        end(&mut s, 6000);
        let (analysis, s) = only(s);
        let why = why(&analysis, &s);
        why.into_iter().filter(|w| w.contains("another way")).collect::<Vec<_>>()
    };
    let nothing: [&str; 0] = [];
    assert_eq!(told(|s| s.media(1400, "10.0.0.65:4000>203.0.113.9:50001", 150)), nothing);
    assert_eq!(
        told(|s| s.media(1400, "203.0.113.9:50000>203.0.113.9:50001", 140)),
        [
            "What alice sends to bob takes another way (two relays UDP): 140 RTP packets, 203.0.113.9:50000 → 203.0.113.9:50001."
        ]
    );
    let changed = |s: &mut Scenario| {
        s.media(1400, "10.0.0.65:4000>203.0.113.9:50001", 150);
        s.media(1400, "10.0.0.65:4000>192.168.7.66:5000", 7);
    };
    let words = "7 RTP packets went another way too (direct UDP): 10.0.0.65:4000 ↔ 192.168.7.66:5000.";
    assert_eq!(told(changed), [words]);
}

#[test]
fn an_address_learnt_from_checks_gets_a_row_of_its_own() {
    let mut s = offer_and_answer(true);
    // Bob's NAT gives his check another port than he offered.
    s.check(1200, "192.0.2.66:6000>10.0.0.65:4000", "p1", BOB_ASKS, false);
    s.stun(1201, "10.0.0.65:4000>192.0.2.66:6000", BOUND, "p1", &[mapped("192.0.2.66:6000")]);
    s.check(1210, "10.0.0.65:4000>192.0.2.66:6000", "p2", ALICE_ASKS, true);
    s.stun(1220, "192.0.2.66:6000>10.0.0.65:4000", BOUND, "p2", &[mapped("198.51.100.1:40000")]);
    end(&mut s, 5000);
    let (analysis, s) = only(s);
    let board = &boards(&analysis, &s)[0];
    let learnt = board.columns.last().unwrap();
    assert_eq!(learnt.words(), "prflx, learnt from checks 192.0.2.66:6000");
    assert_eq!(path_words(&analysis, &s), "through NAT UDP");
    let checks = checks_of_pair(&analysis, s.selected().next().unwrap());
    let texts: Vec<(bool, &str)> = checks.iter().map(|c| (c.from_a, c.text.as_str())).collect();
    assert_eq!(
        texts,
        [
            (false, "check, controlled"),
            (true, "success"),
            (true, "check, USE-CANDIDATE, controlling"),
            (false, "success")
        ]
    );
}

#[test]
fn checks_without_sdp_are_named_by_who_asked_for_the_relay() {
    let mut s = Scenario::default();
    s.allocate(0, "10.0.0.65:4000", Some("203.0.113.9:50000"));
    s.check(100, "10.0.0.65:4000>192.0.2.66:6000", "q1", ALICE_ASKS, true);
    s.stun(110, "192.0.2.66:6000>10.0.0.65:4000", BOUND, "q1", &[mapped("198.51.100.1:40000")]);
    let (analysis, s) = only(s);
    assert_eq!(parties(&analysis, &s), ["10.0.0.65", "192.0.2.66"]);
    let (board, index) = (&boards(&analysis, &s)[0], analysis.ice_index());
    assert_eq!(board.columns[0].words(), "192.0.2.66:6000");
    assert_eq!(session_ref(&index, 1).map(|r| r.place), Some(Place::Loose(GroupIdx(0))));
    assert_eq!(session_ref(&index, 2), None);
    assert_eq!(session_ref(&index, 0), None);
}

#[test]
fn candidates_say_where_they_come_from() {
    let (analysis, s) = only(through_bobs_relay());
    let sources = crate::correlate::ice::Sources::new(&analysis);
    let alice = &side_table(&analysis, &sources, &s, true)[0];
    let from: Vec<&str> = alice.rows.iter().map(|r| r.source.as_str()).collect();
    assert_eq!(from, ["interface", "mapping, allocation 1", "allocation 1"]);
    assert!(alice.rows[0].chosen && alice.rows[0].is_default);
    assert_eq!(alice.rows[0].remarks_text(), "default, private");
    assert_eq!(alice.rows[0].priority_words, "126 (host), local 65535");
}

#[test]
fn filters_ask_for_ice() {
    let analysis = through_bobs_relay().done();
    for (filter, wanted) in [
        ("ice", true),
        ("ice.state == connected", true),
        ("ice.state == failed", false),
        ("ice.path ~ relay", true),
        ("relay", true),
        ("ice.pair == 203.0.113.9", true),
        ("ice.pair == 203.0.113.9:50000", false),
        ("turn.relayed == 203.0.113.9:50000", true),
        ("turn", true),
    ] {
        let parsed = Filter::parse(filter).unwrap();
        assert_eq!(parsed.matches_call(&analysis, CallIdx(0)), wanted, "{filter}");
    }
}

#[test]
fn sessions_and_allocations_match_by_themselves() {
    // Checks and an allocation of no call, and those of one.
    let mut s = through_bobs_relay();
    s.allocate(7000, "10.0.0.99:4000", None);
    s.check(7100, "10.0.0.99:4000>192.0.2.66:6000", "q1", ["far", "near"], true);
    let analysis = s.done();
    let index = analysis.ice_index();
    let calls = analysis.calls_by_allocation();
    for (filter, sessions, allocations) in [
        ("", &[1, 2][..], &[1, 2][..]),
        ("ip == 10.0.0.99", &[2], &[2]),
        ("ip == 203.0.113.9:50000", &[1], &[1]),
        ("port == 6000", &[2], &[]),
        ("src == 10.0.0.99", &[2], &[2]),
        ("192.0.2.66", &[2], &[]),
        ("user ~ near", &[2], &[]),
        ("user == alice", &[1], &[1]),
        ("user == user", &[], &[1, 2]),
        ("code == 401", &[], &[1, 2]),
        ("method == Allocate", &[], &[1, 2]),
        ("method == INVITE", &[1], &[1]),
        ("ice.state == connected", &[1], &[1]),
        ("state == connected", &[1], &[]),
        ("state == rejected", &[], &[2]),
        ("refused", &[], &[2]),
        ("not ip == 10.0.0.99", &[1], &[1]),
        ("transport == udp", &[1, 2], &[1, 2]),
        ("turn.relayed == 203.0.113.9:50000", &[1], &[1]),
        ("nobody", &[], &[]),
    ] {
        let parsed = Filter::parse(filter).unwrap();
        let refs = session_refs(&analysis, &index, Some(&parsed), &Default::default());
        assert_eq!(refs.iter().map(|r| r.id).collect::<Vec<_>>(), sessions, "sessions: {filter}");
        let all = (0..).map(AllocationIdx).zip(&calls);
        let matching = all.filter(|(i, calls)| parsed.matches_allocation(&analysis, *i, calls));
        assert_eq!(matching.map(|(i, _)| i.0 + 1).collect::<Vec<_>>(), allocations, "allocations: {filter}");
    }
}

#[test]
fn an_offer_that_was_challenged_and_not_repeated_is_no_session() {
    let mut s = Scenario::default();
    let candidates = ["1 1 UDP 2130706431 10.0.0.65 4000 typ host"];
    let invite = request("INVITE", 1).via(&["A b1"]);
    s.add(0, "A>B", &invite.body("application/sdp", &sdp("10.0.0.65:4000", "alic", &candidates)));
    s.add(10, "B>A", &response("407 Proxy Authentication Required", 1, "INVITE").via(&["A b1"]).tag("b"));
    let analysis = s.done();
    assert!(analysis.has_ice(CallIdx(0)) && analysis.ice_sessions_of(CallIdx(0)).is_empty());
    assert!(analysis.ice_index().is_empty(), "what has a number is there");
}

/// Alice asks Bob's host three times and his relay once; of `met` checks to the host an ICMP error comes back.
fn host_unreachable(met: usize, quoted: bool) -> Scenario {
    unreachable_after(offer_and_answer(true), met, quoted)
}

fn unreachable_after(mut s: Scenario, met: usize, quoted: bool) -> Scenario {
    for (i, ms) in [1200, 1700, 2700].into_iter().enumerate() {
        // The second is sent again, the third is another transaction.
        let id = if i < 2 { "h1" } else { "h2" };
        s.check(ms, "10.0.0.65:4000>192.168.7.66:5000", id, ALICE_ASKS, true);
        if i < met {
            s.unreachable(ms + 3100, "10.0.0.1", quoted);
        }
    }
    s.check(2800, "10.0.0.65:4000>203.0.113.9:50001", "r1", ALICE_ASKS, true);
    end(&mut s, 20_000);
    s
}

#[test]
fn a_refused_relay_tells_more_than_a_private_address_that_is_unreachable() {
    let (analysis, s) = only(unreachable_after(offer_and_answer(false), 3, true));
    let told = why(&analysis, &s);
    assert!(told[0].starts_with("alice has no relay: allocation 1: "), "{told:?}");
    assert_eq!(told[1], "Checks to 192.168.7.66:5000 met ICMP host unreachable from 10.0.0.1.");
}

#[test]
fn a_pair_whose_every_check_met_an_icmp_error_failed() {
    let (analysis, s) = only(host_unreachable(3, true));
    let pair = s.pairs.iter().find(|p| p.b.port() == 5000).unwrap();
    assert_eq!(pair.state, PairState::Failed);
    assert_eq!(pair.unreachable.map(|u| u.count), Some(3));
    assert_eq!(boards(&analysis, &s)[0].cells[0][0].words(), "✗ ICMP host unreachable ×3");
    let rows = checks_of_pair(&analysis, pair);
    assert!(rows.iter().all(|r| r.text.ends_with("ICMP host unreachable from 10.0.0.1")), "{rows:?}");
    let why = why(&analysis, &s);
    let count = "No pair worked: 1 pair checked and not answered, 1 unreachable (ICMP host";
    assert!(why[2].starts_with(count), "{why:?}");
    assert_eq!(why[0], "Checks to 192.168.7.66:5000 met ICMP host unreachable from 10.0.0.1.");
    let other = s.pairs.iter().find(|p| p.b.port() == 50_001).unwrap();
    assert_eq!((other.state, other.unreachable), (PairState::Unanswered, None), "the other flow met none");
}

#[test]
fn some_icmp_errors_or_an_answer_leave_the_state_as_it_is() {
    // The transaction that was sent last met none.
    let (analysis, s) = only(host_unreachable(2, true));
    let pair = s.pairs.iter().find(|p| p.b.port() == 5000).unwrap();
    assert_eq!(pair.state, PairState::Unanswered);
    assert_eq!(boards(&analysis, &s)[0].cells[0][0].words(), "✗ ICMP host unreachable ×2 3 unanswered");
    // Quotes that are too short tell of all that was sent on the flow before.
    let (_, s) = only(host_unreachable(3, false));
    assert!(s.pairs.iter().any(|p| p.b.port() == 5000 && p.state == PairState::Failed));
    // Answered after all.
    let mut s = offer_and_answer(true);
    s.check(1200, "10.0.0.65:4000>192.168.7.66:5000", "h1", ALICE_ASKS, true);
    s.unreachable(1210, "10.0.0.1", true);
    s.stun(1300, "192.168.7.66:5000>10.0.0.65:4000", BOUND, "h1", &[mapped("198.51.100.1:40000")]);
    end(&mut s, 20_000);
    let (_, s) = only(s);
    let pair = s.pairs.iter().find(|p| p.b.port() == 5000).unwrap();
    assert_eq!((pair.state, pair.unreachable.is_some()), (PairState::Succeeded, true));
}

#[test]
fn a_relay_that_icmp_says_is_unreachable() {
    let mut s = Scenario::default();
    for (ms, id) in [(0, "a1"), (500, "a1"), (4000, "a2")] {
        s.stun(ms, &format!("10.0.0.65:4000>{TURN}"), ALLOCATE, id, &[]);
        if ms != 500 {
            s.unreachable(ms + 2000, "203.0.113.9", true);
        }
    }
    let analysis = s.done();
    let a = &analysis.stun.allocations[0];
    assert_eq!(crate::view::allocation::outcome(&analysis, a), "relay unreachable: ICMP host unreachable");
    let detail =
        crate::view::allocation::allocation_detail(&analysis, &analysis.gather(), AllocationIdx(0), &[])
            .unwrap();
    assert!(
        detail.outcome.contains("cannot be reached: ICMP host unreachable from 203.0.113.9"),
        "{detail:?}"
    );
    assert_eq!(detail.rounds[0].answered, "no answer, sent twice, ICMP host unreachable");
    // One request more that met none: the server may be slow.
    let mut s = Scenario::default();
    s.stun(0, &format!("10.0.0.65:4000>{TURN}"), ALLOCATE, "a1", &[]);
    s.unreachable(10, "203.0.113.9", true);
    s.stun(500, &format!("10.0.0.65:4000>{TURN}"), ALLOCATE, "a2", &[]);
    let analysis = s.done();
    assert_eq!(crate::view::allocation::outcome(&analysis, &analysis.stun.allocations[0]), "no answer");
}

/// The controlling side's re-INVITE names its relay and Bob's; Bob refuses it with 488. `media`: it flowed before.
fn final_offer_refused(media: bool) -> Scenario {
    let mut s = offer_and_answer(true);
    s.stun(1200, "10.0.0.65:4000>203.0.113.9:50001", BINDING, "w1", &[(USERNAME, b"bobb:alic".to_vec())]);
    s.stun(1210, "203.0.113.9:50001>10.0.0.65:4000", BOUND, "w1", &[mapped("198.51.100.1:40000")]);
    if media {
        s.media(1300, "10.0.0.65:4000>203.0.113.9:50001", 50);
    }
    let named = ["1 1 UDP 2130706431 10.0.0.65 4000 typ host"];
    let body =
        format!("{}a=remote-candidates:1 203.0.113.9 50001\r\n", sdp("10.0.0.65:4000", "alic", &named));
    s.add(2000, "A>B", &request("INVITE", 2).via(&["A b7"]).tag("b").body("application/sdp", &body));
    s.add(2010, "B>A", &response("488 Not Acceptable Here", 2, "INVITE").via(&["A b7"]).tag("b"));
    s.add(2020, "A>B", &request("ACK", 2).via(&["A b7"]).tag("b"));
    s
}

#[test]
fn a_refused_final_offer_ends_a_session_that_had_no_path_yet() {
    let (analysis, s) = only(final_offer_refused(false));
    assert_eq!((s.final_refused, s.state), (Some(488), IceState::Failed));
    assert_eq!(s.selected().count(), 0);
    let told = why(&analysis, &s);
    assert_eq!(told[1], "1 pair was answered, but none was settled on.");
    assert_eq!(told[0], "The final offer was refused with 488 Not Acceptable Here.");
    // One that worked goes on.
    let (analysis, s) = only(final_offer_refused(true));
    assert_eq!((s.final_refused, s.state), (Some(488), IceState::Connected));
    let by: Vec<_> = s.selected().filter_map(|p| p.selected).collect();
    assert_eq!(by, [crate::correlate::ice::ChosenBy::Media]);
    assert!(
        why(&analysis, &s).contains(&"The final offer was refused with 488 Not Acceptable Here.".to_owned())
    );
}

#[test]
fn a_name_of_multicast_dns_gets_the_address_that_the_checks_show() {
    let name = "4a5b.local";
    let lines = |port: u16| {
        [
            format!("1 1 UDP 2130706431 {name} {port} typ host"),
            "2 1 UDP 1694498815 198.51.100.1 40000 typ srflx raddr 0.0.0.0 rport 0".to_owned(),
        ]
    };
    let call = |port: u16| {
        let lines = lines(port);
        let mut s = Scenario::default();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let invite = request("INVITE", 1).via(&["A b1"]);
        s.add(0, "A>B", &invite.body("application/sdp", &sdp("198.51.100.1:40000", "alic", &lines)));
        let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b");
        let answered = ["1 1 UDP 2130706431 192.0.2.66 5000 typ host"];
        s.add(100, "B>A", &ok.body("application/sdp", &sdp("192.0.2.66:5000", "bobb", &answered)));
        s.check(200, "10.0.0.65:4000>192.0.2.66:5000", "m1", ALICE_ASKS, true);
        s.stun(210, "192.0.2.66:5000>10.0.0.65:4000", BOUND, "m1", &[mapped("198.51.100.1:40000")]);
        only(s)
    };
    let (analysis, s) = call(4000);
    let host = &s.a.candidates[0];
    assert_eq!((&*host.address_text(), host.address_inferred), ("4a5b.local:4000", true));
    assert_eq!(host.address.map(|a| a.to_string()).as_deref(), Some("10.0.0.65:4000"));
    let board = &boards(&analysis, &s)[0];
    assert_eq!(board.rows.len(), 2, "the checks' address has no row of its own");
    assert_eq!(board.rows[0].words(), "host 4a5b.local:4000 (inferred: 10.0.0.65)");
    assert_eq!(board.cells[0][0].words(), "✓ chosen 10 ms");
    assert_eq!(path_words(&analysis, &s), "direct UDP");
    // Another port is another candidate.
    let (_, s) = call(4002);
    assert_eq!((s.a.candidates[0].address, s.a.candidates[0].address_inferred), (None, false));
}

#[test]
fn an_end_of_unknown_kind_is_told_by_its_address() {
    let mut s = Scenario::default();
    s.allocate(0, "10.0.0.65:4000", Some("203.0.113.9:50000"));
    s.check(100, "10.0.0.65:4001>192.0.2.66:6000", "u1", ALICE_ASKS, true);
    s.check(110, "203.0.113.9:50000>192.0.2.66:6000", "u2", ALICE_ASKS, true);
    s.stun(120, "192.0.2.66:6000>203.0.113.9:50000", BOUND, "u2", &[mapped("203.0.113.9:50000")]);
    let (analysis, s) = only(s);
    let why = why(&analysis, &s).join("\n");
    assert!(why.contains("10.0.0.65:4001 ↔ 192.0.2.66:6000"), "{why}");
    assert!(!why.contains('?'), "{why}");
}

#[test]
fn a_relay_of_nobody_known_is_no_party() {
    let mut s = Scenario::default();
    // The allocation of another client tells that this machine is a relay.
    s.allocate(0, "10.0.0.65:4000", Some("203.0.113.9:50000"));
    s.check(100, "203.0.113.9:50000>203.0.113.9:50007", "n1", ALICE_ASKS, true);
    s.stun(110, "203.0.113.9:50007>203.0.113.9:50000", BOUND, "n1", &[mapped("203.0.113.9:50000")]);
    let (analysis, s) = only(s);
    assert_eq!(parties(&analysis, &s), ["10.0.0.65", "side B"]);
    assert!(why(&analysis, &s)[0].contains("side B's relay 203.0.113.9:50007"), "{:?}", why(&analysis, &s));
}

#[test]
fn every_icmp_error_of_a_transaction_is_known_by_its_frame() {
    let mut s = offer_and_answer(true);
    s.check(1200, "10.0.0.65:4000>192.168.7.66:5000", "h1", ALICE_ASKS, true);
    for ms in [1210, 1220, 1230] {
        s.unreachable(ms, "10.0.0.1", true);
    }
    end(&mut s, 20_000);
    let (analysis, s) = only(s);
    let pair = s.pairs.iter().find(|p| p.b.port() == 5000).unwrap();
    let record = analysis.stun.record(pair.messages[0]).unwrap();
    let frames: BTreeSet<u32> = analysis.unreachable_frames(record).map(|f| f.frame).collect();
    assert_eq!(frames.len(), 3, "{frames:?}");
}

#[test]
fn bad_requests_are_explained() {
    let mut s = offer_and_answer(true);
    s.check(1200, "10.0.0.65:4000>192.168.7.66:5000", "b1", ALICE_ASKS, true);
    s.stun(1210, "192.168.7.66:5000>10.0.0.65:4000", 0x0111, "b1", &[error(400)]);
    end(&mut s, 20_000);
    let (analysis, s) = only(s);
    let why = why(&analysis, &s);
    assert!(why.iter().any(|w| w.starts_with("400 Bad Request answers a check that lacks")), "{why:?}");
}

#[test]
fn the_address_in_a_challenge_of_ms_turn_is_the_servers_own() {
    // [MS-TURN] 2.2.2.7; its magic cookie is an attribute, and addresses are plain.
    let cookie = || (0x000F, vec![0x72, 0xC6, 0x4B, 0xC6]);
    let told = |server: [u8; 4], code| {
        let mut s = Scenario::default();
        s.stun(0, &format!("10.0.0.65:4000>{TURN}"), ALLOCATE, "a1", &[cookie()]);
        let alternate = (0x000E, [&[0, 1, 0x0D, 0x96][..], &server].concat());
        s.stun(10, &format!("{TURN}>10.0.0.65:4000"), 0x0113, "a1", &[cookie(), error(code), alternate]);
        let analysis = s.done();
        let detail =
            crate::view::allocation::allocation_detail(&analysis, &analysis.gather(), AllocationIdx(0), &[])
                .unwrap();
        detail.facts.into_iter().filter(|(label, _)| label.contains("erver")).collect::<Vec<_>>()
    };
    let other = "203.0.113.7:3478".to_owned();
    assert_eq!(told([203, 0, 113, 7], 401), [("Server's own address", other.clone())]);
    assert_eq!(told([203, 0, 113, 7], 300), [("Another server", other)]);
    assert_eq!(told([203, 0, 113, 9], 401), [], "it is known already");
}

/// Ann signs in, is given credentials for an hour, and asks for a relay with a password; then she calls Bob.
fn with_credentials(password: &[u8], answer: Result<u16, u16>) -> Analysis {
    use crate::view::scenario::sign_in::{CLIENT, Client, SECRET, USER};
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, Some((USER, SECRET, 60)));
    c.allocates(2_000, CLIENT, password, answer);
    let host = "1 1 UDP 2130706431 10.0.0.65 4000 typ host";
    let relay = "3 1 UDP 16777215 203.0.113.9 50000 typ relay raddr 10.0.0.65 rport 4000";
    let offered = if answer.is_ok() { vec![host, relay] } else { vec![host] };
    let invite = request("INVITE", 1).via(&["A b1"]).body("application/sdp", &sdp(CLIENT, "alic", &offered));
    c.s.add(3_000, "A>B", &invite);
    let theirs = sdp("192.168.7.66:5000", "bobb", &["1 1 UDP 2130706431 192.168.7.66 5000 typ host"]);
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").body("application/sdp", &theirs);
    c.s.add(4_000, "B>A", &ok);
    for ms in [4_100, 4_600, 5_600] {
        c.s.check(ms, "10.0.0.65:4000>192.168.7.66:5000", "z1", ALICE_ASKS, true);
    }
    end(&mut c.s, 20_000);
    c.s.done()
}

#[test]
fn allocations_and_boards_lead_to_the_sign_in_that_was_given_their_credentials() {
    for (password, answer, end) in [
        (&b"secret"[..], Ok(ALLOCATED), "the password is that one"),
        (b"another", Err(431), "the password is another one"),
    ] {
        let analysis = with_credentials(password, answer);
        let gathered = analysis.gather();
        let detail =
            crate::view::allocation::allocation_detail(&analysis, &gathered, AllocationIdx(0), &[]).unwrap();
        let from = detail.credentials.clone().unwrap();
        let text = format!("given to ann at sign-in 1 (frame {}), for 60 minutes; {end}", from.frame.frame);
        assert_eq!((from.sign_in, from.user.as_str(), &from.text), (0, "ann", &text));
        assert_eq!(analysis.message(from.message).status, 200, "the answer that gave them");
        assert!(detail.facts.contains(&("Credentials", text.clone())), "{:?}", detail.facts);
        let s = analysis.ice_sessions_of(CallIdx(0)).remove(0);
        let told = relay_credentials(&analysis, &gathered, &s);
        assert_eq!(told, [format!("alice's relay credentials (allocation 1): {text}.")]);
    }
    // Nobody gave these out.
    let (analysis, s) = only(through_bobs_relay());
    assert_eq!(relay_credentials(&analysis, &analysis.gather(), &s), Vec::<String>::new());
}
