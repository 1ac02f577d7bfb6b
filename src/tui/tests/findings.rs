//! Findings: the table and one of them, as screens and for keys.

use super::fixture::{frame, press, screen, state};
use super::ice::list;
use crate::correlate::MsgIdx;
use crate::tui::desk::{Part, TableData};
use crate::tui::effect::Effect;
use crate::tui::state::{Listing, Subject, TableKind, Target, View};
use crate::view::table::{Align, Column};
use std::sync::Arc;

const ROWS: [[&str; 6]; 6] = [
    [
        "1",
        "● error",
        "turn-wrong-credentials",
        "Alice's relay at 213.199.141.181: its credentials were refused (431)",
        "12 15 …",
        "high",
    ],
    [
        "2",
        "● error",
        "ice-no-pair",
        "Calls 9 and 11: ICE found no path for the media",
        "18 20 21 22 …",
        "high",
    ],
    [
        "3",
        "● error",
        "call-server-error",
        "Call 3, Alice → 漢字 テスト: refused with 503 Service Unavailable",
        "31 33",
        "high",
    ],
    [
        "4",
        "▲ warning",
        "call-not-found",
        "Call 4, Alice → Carol: Carol is not known there (404 Not Found)",
        "21",
        "high",
    ],
    [
        "5",
        "▲ warning",
        "presence-poll-fast",
        "Subscription 2, carol: 3 presence look-ups a second",
        "40 41 42 …",
        "partial",
    ],
    ["6", "· info", "call-busy", "Call 5, Carol → Bob: Bob was busy (486 Busy Here)", "44 47", "high"],
];

pub fn table() -> TableData {
    let columns = vec![
        Column::new("id", "#", Align::Right, 0),
        Column::new("severity", "Severity", Align::Left, 0),
        Column::new("rule", "Rule", Align::Left, 2),
        Column::new("title", "What", Align::Left, 0),
        Column::new("frames", "Frames", Align::Left, 3),
        Column::new("confidence", "Confidence", Align::Left, 5),
    ];
    let mut part = Part::default();
    for row in ROWS {
        part.push(&row.map(str::to_owned));
    }
    TableData { columns, ids: Arc::new((0..6).collect()), total: 6, ..TableData::default() }.with_rows(part)
}

pub fn listing(row: u32) -> Listing {
    let [_, severity, rule, title, ..] = ROWS[row as usize % ROWS.len()];
    let evidence = [
        ("12", "Allocate"),
        ("13", "401 Unauthorized"),
        ("15", "Allocate with credentials"),
        ("16", "431 Integrity Check Failure"),
    ];
    let columns = vec![
        Column::new("frame", "Frame", Align::Right, 0),
        Column::new("time", "Time", Align::Right, 1),
        Column::new("what", "Evidence", Align::Left, 0),
    ];
    let rows = evidence.map(|(n, what)| vec![n, "0.010000", what]).into();
    let targets = (0..4).map(|n| Target {
        subject: Some(if n == 0 { Subject::Message(MsgIdx(3)) } else { Subject::Frame(frame(12 + n)) }),
        ..Target::default()
    });
    Listing {
        title: format!("{severity} {rule}   Calls 9, 11   confidence high"),
        head: vec![
            format!("{title}."),
            "The server refused the request that carried credentials: they are not those it knows."
                .to_owned(),
            "It led to finding 2 (Calls 9 and 11: ICE found no path for the media).".to_owned(),
            "Check next: The user name and password that the client has for the relay.".to_owned(),
        ],
        tables: vec![list("4 frames prove it", columns, rows, targets.collect())],
        owners: vec![TableKind::Calls.owner(8).unwrap(), TableKind::Calls.owner(10).unwrap()],
        plot: None,
    }
}

#[test]
fn evidence_leads_to_the_message_and_its_ladder() {
    let mut state = state(120, 40);
    press(&mut state, "9 Enter");
    assert!(matches!(state.stack.last(), Some(View::Listing(_))));
    press(&mut state, "Enter");
    match state.stack.last() {
        Some(View::Detail(view)) => assert_eq!(view.subject, Some(Subject::Message(MsgIdx(3)))),
        other => panic!("{other:?}"),
    }
    press(&mut state, "Esc x");
    match state.stack.last() {
        Some(View::Ladder(view)) => assert_eq!(view.owners, listing(0).owners),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_finding_is_copied_whole() {
    let mut state = state(120, 40);
    press(&mut state, "9 Enter");
    let effects = crate::tui::update::update(&mut state, crate::tui::action::Action::Copy);
    let copied = effects.iter().find_map(|e| match e {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.expect("text");
    for words in ["● error turn-wrong-credentials", "Check next", "16\t0.010000\t431 Integrity Check Failure"]
    {
        assert!(copied.contains(words), "{words} in {copied}");
    }
}

#[test]
fn problems_are_stepped_through_and_what_is_only_worth_knowing_is_passed_over() {
    let mut state = state(120, 40);
    press(&mut state, "9 G E");
    let table = state.table(TableKind::List(crate::view::lists::ListKind::Findings));
    assert_eq!(table.cursor.at, 4);
    press(&mut state, "e");
    let table = state.table(TableKind::List(crate::view::lists::ListKind::Findings));
    assert_eq!(table.cursor.at, 0, "the info in between is no problem");
    assert!(screen(&state).contains("turn-wrong-cr"));
}

#[test]
fn a_verdict_on_a_ladder_leads_to_its_finding() {
    use crate::tui::state::ListingOf;
    use crate::view::ladder::LadderRow;
    use crate::view::lists::ListKind;
    let mut state = state(120, 40);
    press(&mut state, "2 Enter");
    let Some(View::Ladder(view)) = state.stack.last_mut() else { panic!("a ladder") };
    let mut ladder = super::fixture::ladder();
    ladder
        .rows
        .insert(0, LadderRow::Note { time: ladder.start, text: "answered, but no audio came".to_owned() });
    ladder.verdicts = vec![4];
    view.ladder = Some(Arc::new(ladder));
    view.flatten();
    view.cursor.at = 0;
    press(&mut state, "Enter");
    let of = |state: &crate::tui::state::State| match state.stack.last() {
        Some(View::Listing(view)) => Some(view.of),
        _ => None,
    };
    assert_eq!(of(&state), Some(ListingOf::Row(ListKind::Findings, 4)));
    press(&mut state, "q");
    press(&mut state, "Down");
    press(&mut state, "Enter");
    assert_eq!(of(&state), None, "another note is no verdict");
    assert!(state.notice.is_some());
}
