//! Every screen at three sizes, as a user would see it.

use super::fixture::{press, screen, state};
use crate::tui::theme::{Palette, Theme};

/// Snapshots of the screen that `keys` lead to.
fn shot(name: &str, keys: &str) {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut state = state(width, height);
        press(&mut state, keys);
        let text = screen(&state);
        for line in text.lines() {
            assert!(crate::tui::widgets::text::width(line) <= usize::from(width), "too wide: {line}");
        }
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
    }
}

#[test]
fn overview() {
    shot("overview", "");
}

#[test]
fn calls() {
    shot("calls", "2 j j Space > > >");
}

#[test]
fn calls_filtered() {
    shot("calls_filtered", "2 F7 status>=400 Enter");
}

#[test]
fn filter_with_an_error() {
    shot("filter_error", "2 F7 fron==alice");
}

#[test]
fn dialogs() {
    shot("dialogs", "3 v v G");
}

#[test]
fn empty_tab() {
    shot("sql", "7");
}

#[test]
fn findings() {
    shot("findings", "9 j");
    shot("finding", "9 Enter j");
}

#[test]
fn ice_tables() {
    shot("ice_sessions", "5 j");
    shot("ice_allocations", "5 v j");
}

#[test]
fn pair_board() {
    shot("board", "5 Enter");
    shot("board_failed", "5 Enter f f J");
}

#[test]
fn lists_that_lead_to_frames() {
    shot("checks", "5 Enter Enter j");
    shot("candidates", "5 Enter t");
    shot("allocation", "5 v Enter j");
}

#[test]
fn candidates_beside_the_ladder() {
    shot("ladder_candidates", "2 Enter j Tab Tab Tab");
}

#[test]
fn packets() {
    shot("packets", "0 j j j");
}

#[test]
fn packets_with_hex() {
    shot("packets_hex", "0 v v v J");
}

#[test]
fn ladder() {
    shot("ladder", "2 Enter j");
}

#[test]
fn ladder_merged_with_raw_pane() {
    shot("ladder_raw", "2 Space Space Enter Space j Space Tab");
}

#[test]
fn message_decoded() {
    shot("message", "2 Enter j Enter j j j");
}

#[test]
fn message_raw() {
    shot("message_raw", "2 Enter j r j");
}

#[test]
fn message_hex() {
    shot("message_hex", "2 Enter j Enter BackTab l l l l l l l l l l l l");
}

#[test]
fn difference() {
    shot("diff", "2 Enter j Space d");
}

#[test]
fn statistics() {
    shot("statistics", "i");
}

#[test]
fn help() {
    shot("help_ladder", "2 Enter ?");
    shot("help_calls", "2 ?");
    shot("help_board", "5 Enter ?");
}

#[test]
fn columns() {
    shot("columns", "2 t j Space");
}

#[test]
fn export() {
    shot("export", "2 Enter s Down Right");
}

#[test]
fn command_line() {
    shot("command", ": ex Tab");
}

#[test]
fn too_small_says_so() {
    insta::assert_snapshot!(screen(&state(50, 12)), @"Too small: 50×12, callscope needs 60×15. q quits.");
}

#[test]
fn loading() {
    let mut state = state(80, 24);
    state.loading = true;
    state.now = 2000;
    let progress = crate::correlate::load::Progress {
        bytes: 12_000_000,
        total: Some(48_000_000),
        frames: 31_000,
        done: false,
    };
    let effects = crate::tui::update::progress(&mut state, progress);
    super::fixture::serve(&mut state, effects);
    insta::assert_snapshot!("loading_80x24", screen(&state));
}

#[test]
fn ascii_has_no_other_characters() {
    for keys in [
        "",
        "2 Space",
        "2 Enter j",
        "0",
        "2 Enter ?",
        "2 t",
        "2 s",
        "2 Enter j Enter",
        "i",
        "5",
        "5 v",
        "5 Enter",
        "5 Enter Enter",
        "5 Enter t",
        "7",
    ] {
        let mut state = state(120, 40);
        state.theme = Theme { palette: Palette::Dark, ascii: true };
        press(&mut state, keys);
        let text = screen(&state);
        assert!(text.is_ascii(), "{keys}: {text}");
    }
    let mut state = state(80, 24);
    state.theme.ascii = true;
    press(&mut state, "2 Enter j");
    insta::assert_snapshot!("ladder_ascii_80x24", screen(&state));
}

#[test]
fn no_size_makes_any_screen_panic() {
    for keys in [
        "",
        "2",
        "0",
        "2 Enter",
        "2 Enter j Enter",
        "2 Enter j Enter BackTab",
        "2 ?",
        "2 t",
        "2 s",
        ":",
        "5",
        "5 Enter",
        "5 Enter Enter",
        "5 v Enter",
    ] {
        for (width, height) in
            [(60, 15), (61, 19), (79, 15), (99, 20), (100, 16), (240, 15), (60, 90), (1, 1), (300, 2)]
        {
            let mut state = state(width, height);
            press(&mut state, keys);
            screen(&state);
        }
        // And while it is resized.
        let mut state = state(120, 40);
        press(&mut state, keys);
        for (width, height) in [(60, 15), (10, 3), (200, 60), (80, 24)] {
            let effects = crate::tui::app::react(&mut state, crate::tui::event::Event::Resize(width, height));
            super::fixture::serve(&mut state, effects);
            screen(&state);
        }
    }
}

#[test]
fn a_growing_file_has_no_bar() {
    let mut state = state(80, 24);
    (state.loading, state.following) = (true, true);
    state.progress.total = Some(9_000);
    state.progress.bytes = 34_500;
    let text = screen(&state);
    let status = text.lines().nth(22).unwrap();
    assert!(status.starts_with(" following  ") && status.contains("decoded"), "{status}");
}

#[test]
fn nothing_that_could_be_read() {
    let mut state = state(80, 24);
    state.holdings = Default::default();
    let mut overview = (*state.overview.clone().unwrap()).clone();
    (overview.findings, overview.notes, overview.activity) = Default::default();
    (overview.machines, overview.accounting) = (Vec::new(), "0 frames: 0 decoded".to_owned());
    state.overview = Some(std::sync::Arc::new(overview));
    state.errors = vec!["notes.txt: not a capture (text)".to_owned()];
    insta::assert_snapshot!("nothing_read_80x24", screen(&state));
    state.tab = crate::tui::state::Tab::Calls;
    state.calls.data = Some(Default::default());
    assert!(screen(&state).contains("Nothing could be read: 1 Overview says why."));
}

#[test]
fn a_table_without_rows_says_why() {
    let mut state = state(80, 24);
    press(&mut state, "2");
    state.calls.data = Some(Default::default());
    let text = screen(&state);
    assert!(text.contains("No calls (INVITE) in 50 frames."), "{text}");
    assert!(text.contains("3 shows the rest of SIP: 12.") && text.contains("TLS"), "{text}");
}
