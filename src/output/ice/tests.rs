use super::*;
use crate::view::allocation::allocation_detail;
use crate::view::scenario::Scenario;
use crate::view::scenario::ice::{offer_and_answer, through_bobs_relay, without_a_path};

fn options(width: usize) -> IceTextOptions {
    IceTextOptions { color: false, ascii: false, width, state: None, time: TimeMode::Utc }
}

fn sessions(scenario: Scenario, options: IceTextOptions) -> String {
    let analysis = scenario.done();
    let index = analysis.ice_index();
    let sources = Sources::new(&analysis);
    let mut out = Vec::new();
    for of in ice::session_refs(&analysis, &index, None, &Default::default()) {
        let s = ice::session(&analysis, of).unwrap();
        session_text(&mut out, &analysis, &sources, &analysis.gather(), of, &s, options).unwrap();
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn a_call_through_a_relay() {
    insta::assert_snapshot!(sessions(through_bobs_relay(), options(120)));
}

#[test]
fn a_call_without_a_path() {
    insta::assert_snapshot!(sessions(without_a_path(), options(120)));
}

#[test]
fn a_call_whose_checks_are_elsewhere() {
    insta::assert_snapshot!(sessions(offer_and_answer(true), options(120)));
}

#[test]
fn a_wide_board_comes_in_parts_and_ascii_stays_ascii() {
    let narrow = sessions(through_bobs_relay(), IceTextOptions { ascii: true, ..options(60) });
    assert!(narrow.is_ascii());
    let board = narrow.split("Component 1").nth(1).unwrap();
    assert_eq!(board.matches("relay 203.0.113.9:50000").count(), 2, "{board}");
    assert!(board.lines().all(|l| l.len() <= 66), "{board}");
}

#[test]
fn only_pairs_in_a_state() {
    let only = IceTextOptions { state: Some(PairState::Unanswered), ..options(120) };
    let text = sessions(through_bobs_relay(), only);
    let board = text.split("Component 1").nth(1).unwrap();
    assert!(board.contains("✗ 3 unanswered") && !board.contains("chosen"), "{board}");
    assert!(!board.contains("50001"), "{board}");
}

#[test]
fn allocations_with_their_rounds() {
    for (scenario, wanted) in [
        (through_bobs_relay(), "Granted, 30 ms after the first request"),
        (without_a_path(), "though it sent credentials: they are wrong or expired"),
    ] {
        let analysis = scenario.done();
        let detail =
            allocation_detail(&analysis, &analysis.gather(), crate::correlate::stun::AllocationIdx(0), &[])
                .expect("one");
        let mut out = Vec::new();
        allocation_text(&mut out, &detail, options(120)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(wanted), "{text}");
        assert!(text.contains("401 Unauthorized: challenge, normal"), "{text}");
        let bad: Vec<bool> = detail.rounds.iter().map(|r| r.bad).collect();
        assert_eq!(bad, [false, wanted.contains("wrong")]);
    }
}
