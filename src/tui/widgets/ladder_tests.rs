use super::*;
use crate::tui::state::{LadderState, TableKind};
use crate::tui::tests::fixture;
use crate::tui::theme::Palette;
use crate::view::ladder::LadderOptions;
use std::sync::Arc;

fn drawn(ladder: Ladder, width: u16, height: u16, left: usize, open: &[&[usize]]) -> String {
    let mut state =
        LadderState::new(TableKind::Calls.owner(0).into_iter().collect(), LadderOptions::default());
    state.ladder = Some(Arc::new(ladder));
    state.open = open.iter().map(|p| p.to_vec()).collect();
    state.flatten();
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let look = Look {
        rows: &state.rows,
        top: 0,
        at: 1,
        left,
        legs: state.legs,
        marks: &[MsgIdx(2)],
        flawed: &[MsgIdx(4)],
        time: TimeMode::Relative,
        clock: TimeMode::Utc,
        color: ColorMode::Outcome,
        search: "",
        note_room: state.note_room,
        open: &state.open,
    };
    let theme = Theme { palette: Palette::Plain, ascii: false };
    draw(&mut buf, area, state.ladder.as_ref().unwrap(), look, theme);
    fixture::text_of(&buf)
}

#[test]
fn arrows_labels_folds_and_gaps() {
    insta::assert_snapshot!("ladder_widget_90", drawn(fixture::ladder(), 90, 16, 0, &[]));
}

#[test]
fn a_fold_opens() {
    let text = drawn(fixture::ladder(), 90, 20, 0, &[&[5]]);
    assert!(text.contains('▾'), "{text}");
    insta::assert_snapshot!("ladder_widget_unfolded", text);
}

#[test]
fn many_lifelines_scroll() {
    let mut ladder = fixture::ladder();
    for i in 4..9 {
        ladder.lifelines.push(crate::view::ladder::Lifeline {
            name: format!("proxy{i}"),
            address: format!("10.0.0.{i}:5060"),
            role: None,
        });
    }
    insta::assert_snapshot!("ladder_widget_scrolled_0", drawn(ladder.clone(), 80, 10, 0, &[]));
    insta::assert_snapshot!("ladder_widget_scrolled_2", drawn(ladder, 80, 10, 2, &[]));
}

#[test]
fn no_size_makes_it_panic() {
    for width in 0..60 {
        for height in 0..8 {
            for left in [0, 1, 50] {
                drawn(fixture::ladder(), width, height, left, &[&[5]]);
            }
        }
    }
    drawn(Ladder::default(), 40, 10, 0, &[]);
}

#[test]
fn what_a_short_line_has_no_room_for_goes_on_beside_it() {
    let analysis = crate::view::scenario::ice::through_bobs_relay().done();
    let owners: Vec<_> = TableKind::Calls.owner(0).into_iter().collect();
    let ladder = crate::view::ladder::build(&analysis, &owners, LadderOptions::default());
    for (width, height) in [(80, 24), (120, 40)] {
        let text = drawn(ladder.clone(), width, height, 0, &[]);
        insta::assert_snapshot!(format!("ladder_widget_stun_{width}x{height}"), text);
    }
}

#[test]
fn media_of_one_way_has_its_head_where_it_arrives() {
    let mut ladder = fixture::ladder();
    let band = |from, to| LadderRow::Fold {
        time: ladder.start,
        end: ladder.start,
        from,
        to,
        one_way: true,
        label: "RTP PCMU/8000, 303 pkts, no loss, jitter 1.2 ms".to_owned(),
        tone: Tone::Media,
        inner: Vec::new(),
    };
    ladder.rows = vec![band(0, 1), band(1, 0)];
    let text = drawn(ladder, 110, 8, 0, &[]);
    let rows: Vec<&str> = text.lines().filter(|l| l.contains("RTP")).collect();
    assert!(rows[0].contains("║▓") && rows[0].contains("▶│") && !rows[0].contains('◀'), "{text}");
    assert!(rows[1].contains("│◀") && rows[1].contains("▓║") && !rows[1].contains('▶'), "{text}");
    assert!(rows.iter().all(|r| r.contains(" no loss, jitter 1.2 ms")), "{text}");
}

#[test]
fn labels_stay_between_their_lifelines() {
    for width in [40, 60, 80, 100] {
        let text = drawn(fixture::ladder(), width, 16, 0, &[]);
        for line in text.lines().skip(3).filter(|l| l.contains('▶') || l.contains('◀')) {
            let after = line.rsplit(['│', '┤', '├', '║', '▶', '─', '═']).next().unwrap_or("");
            assert!(after.trim().is_empty(), "{width}: {line}");
        }
    }
}

#[test]
fn a_note_goes_on_below_and_keeps_the_cursor() {
    let mut ladder = fixture::ladder();
    let text =
        "Answered after ringing 2.21 s, talked 00:09, but no audio came either way: alice gets no relay";
    ladder.rows[0] = LadderRow::Note { time: ladder.start, text: text.to_owned() };
    let mut state = LadderState::new(Vec::new(), LadderOptions::default());
    state.ladder = Some(Arc::new(ladder));
    state.flatten();
    let before = state.rows.len();
    state.cursor.at = 3;
    let message = state.subject(3);
    assert!(message.is_some());
    state.wrap_notes(40);
    assert_eq!(state.rows.len(), before + 2, "three lines instead of one");
    assert_eq!((state.cursor.at, state.subject(state.cursor.at)), (5, message));
    assert!(!state.is_more(0) && state.is_more(1) && state.is_more(2) && !state.is_more(3));
    assert!((0..3).all(|at| state.subject(at).is_none()));
    // For the cursor a note is one row.
    for (before, at, then) in [(0, 1, 3), (3, 2, 0), (0, 2, 3), (9, 1, 0), (0, 4, 4)] {
        state.cursor.at = at;
        state.pass_notes(before);
        assert_eq!(state.cursor.at, then, "from {before} to {at}");
    }
    // It stays with it when it needs fewer lines.
    state.cursor.at = 2;
    state.wrap_notes(200);
    assert_eq!((state.cursor.at, state.rows.len()), (0, before));
    state.wrap_notes(40);
    let area = Rect::new(0, 0, 70, 12);
    let mut buf = Buffer::empty(area);
    let look = Look {
        rows: &state.rows,
        top: 0,
        at: 0,
        left: 0,
        legs: state.legs,
        marks: &[],
        flawed: &[],
        time: TimeMode::Relative,
        clock: TimeMode::Utc,
        color: ColorMode::Outcome,
        search: "",
        note_room: state.note_room,
        open: &state.open,
    };
    let theme = Theme { palette: Palette::Plain, ascii: false };
    draw(&mut buf, area, state.ladder.as_ref().unwrap(), look, theme);
    let screen = fixture::text_of(&buf);
    assert!(text.split(' ').all(|word| screen.contains(word)), "{screen}");
    insta::assert_snapshot!("ladder_widget_note", screen);
}
