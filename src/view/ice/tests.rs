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
