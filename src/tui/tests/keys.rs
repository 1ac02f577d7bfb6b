//! Every key does something where the table says so, and commands do the same.

use super::fixture::{key_event, press, screen, serve, state};
use crate::tui::action::Action;
use crate::tui::app::react;
use crate::tui::effect::Effect;
use crate::tui::event::Event;
use crate::tui::keys::{Contexts, KEYS, keys_of};
use crate::tui::state::{ListingOf, State, Tab, View};
use crate::view::lists::ListKind;

/// A state in which keys of a place have something to act on: cursors stand in the middle.
fn place(context: Contexts) -> Vec<State> {
    let ways: &[&str] = match context {
        Contexts::OVERVIEW => &["j"],
        Contexts::CALLS => &["2 / Bob Enter ^D ^D l > >"],
        Contexts::DIALOGS => &["3 v v / Bob Enter j j j j l > >"],
        Contexts::SESSIONS => &["5 / bob Enter j j j j l > >"],
        Contexts::ALLOCATIONS => &["5 v / 192 Enter j j j j l > >"],
        Contexts::BOARD => {
            &["5 j j Enter / relay Enter j l J", "5 j j Enter j l J J", "5 j Enter g Left Left"]
        }
        Contexts::LISTING => {
            &["5 v Enter / peer Enter j j j l", "5 Enter t j", "5 Enter Enter / check Enter j j"]
        }
        Contexts::ROW => &["3 Enter / peer Enter j j j l", "3 Enter"],
        Contexts::STREAM => {
            &["6 Enter / key Enter j l + +", "6 Enter j j j j j + + l", "6 Enter / key Enter k"]
        }
        Contexts::LIST => &["3 / Bob Enter ^D ^D l > >"],
        Contexts::PACKETS => &["0 / INVITE Enter ^D ^D p", "0 / INVITE Enter ^D ^D"],
        Contexts::LADDER => &["2 Enter / 200 Enter j l Space k J J", "2 Enter j j"],
        Contexts::DETAIL => &[
            "2 Enter j j j Enter / via Enter j",
            "2 Enter j j j Enter / via Enter",
            "2 Enter j r / a Enter j l l l",
            "2 Enter j j Enter BackTab j j l l",
        ],
        Contexts::DIFF => &["2 Enter j Space d / candidate Enter l"],
        Contexts::STATISTICS => &["i / kind Enter j j"],
        Contexts::HELP => &["2 ? j j j"],
        Contexts::COLUMNS => &["2 t j j"],
        Contexts::EXPORT => &["2 s"],
        Contexts::CONFIRM => &[""],
        _ => &[": x Enter : st", ": x Enter : st Up", "2 F7 a"],
    };
    // Smaller than most lists, so that paging moves.
    ways.iter()
        .map(|keys| {
            let mut state = state(110, 30);
            press(&mut state, keys);
            if context == Contexts::CONFIRM {
                press(&mut state, "2 s");
                press(&mut state, "Enter");
                let gone = crate::tui::desk::Answer::Exported(Err(crate::tui::desk::ExportError::Exists));
                crate::tui::update::receive(&mut state, gone);
            }
            state.notice = None;
            state
        })
        .filter(|state| state.context() == context)
        .collect()
}

fn changes(state: &State, chord: &str) -> bool {
    let mut after = state.clone();
    let event = key_event(chord).unwrap_or_else(|| panic!("no key is called {chord}"));
    let effects = react(&mut after, Event::Key(event));
    let rest = serve(&mut after, effects);
    !rest.is_empty() || format!("{after:?}") != format!("{state:?}")
}

#[test]
fn every_key_has_an_effect_in_its_place() {
    let mut idle = Vec::new();
    for (context, name) in Contexts::ALL {
        let states = place(context);
        assert!(!states.is_empty(), "the way to {name} is wrong");
        for key in keys_of(context) {
            // The key of the tab one is on leads nowhere.
            if let Action::Tab(digit) = key.action
                && states.iter().all(|state| state.stack.is_empty() && state.tab == Tab::by_digit(digit))
            {
                continue;
            }
            for chord in key.chords {
                if !states.iter().any(|state| changes(state, chord)) {
                    idle.push(format!("{chord} in {name}"));
                }
            }
        }
    }
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn every_key_has_a_command_that_does_the_same() {
    for key in KEYS {
        for (context, name) in Contexts::ALL.iter().filter(|(c, _)| key.on.has(*c)) {
            // Popups and lines are left before a command can be typed.
            if keys_of(*context).all(|k| k.command != "command") || key.command == "command" {
                continue;
            }
            for state in place(*context) {
                let mut by_key = state.clone();
                let event = key_event(key.chords[0]).unwrap();
                let effects = react(&mut by_key, Event::Key(event));
                serve(&mut by_key, effects);
                let mut by_word = state.clone();
                press(&mut by_word, &format!(": {} Enter", key.command));
                by_word.history.clear();
                by_key.history.clear();
                assert_eq!(screen(&by_key), screen(&by_word), ":{} in {name}", key.command);
            }
        }
    }
}

#[test]
fn back_leads_out_of_every_view() {
    let mut state = state(120, 40);
    press(&mut state, "2 Enter j Enter");
    assert!(matches!(state.stack.as_slice(), [View::Ladder(_), View::Detail(_)]));
    press(&mut state, "?");
    assert_eq!(state.stack.len(), 3);
    press(&mut state, "Esc q Esc");
    assert!(state.stack.is_empty());
    assert!(!state.quit);
    assert_eq!(state.tab, Tab::Calls);
    press(&mut state, "q");
    assert!(state.quit);
}

#[test]
fn marked_calls_become_one_ladder() {
    let mut state = state(120, 40);
    press(&mut state, "2 Space Space Enter");
    match state.stack.last() {
        Some(View::Ladder(view)) => assert_eq!(view.owners.len(), 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn escape_takes_back_a_filter_that_was_tried_out() {
    let mut state = state(120, 40);
    press(&mut state, "2 F7 status>=400");
    assert_eq!(state.calls.len(), 7);
    press(&mut state, "Esc");
    assert_eq!((state.calls.len(), state.calls.filter_text.as_str()), (60, ""));
    press(&mut state, "F7 status>=400 Enter");
    assert_eq!(state.calls.len(), 7);
    press(&mut state, "Esc");
    assert_eq!(state.calls.len(), 60);
}

#[test]
fn a_wrong_filter_is_not_used_and_says_where() {
    let mut state = state(120, 40);
    press(&mut state, "2 F7 fron==alice Enter");
    let line = state.line.as_ref().expect("the line stays open");
    assert!(line.error.as_ref().is_some_and(|(at, text)| *at == 0 && text.contains("fron")), "{line:?}");
    // The rows stay as the last usable text made them.
    assert_ne!(state.calls.filter_text, "fron==alice");
    press(&mut state, "Esc");
    assert!(state.calls.filter.is_none());
}

#[test]
fn commands_with_words() {
    let mut state = state(120, 40);
    press(&mut state, ": call Space 3 Enter");
    assert!(matches!(state.stack.as_slice(), [View::Ladder(_)]));
    press(&mut state, ": goto Space 30 Enter");
    assert_eq!((state.tab, state.packets.cursor.at), (Tab::Packets, 29));
    press(&mut state, ": 7 Enter");
    assert_eq!(state.packets.cursor.at, 6);
    press(&mut state, "2 : sort Space from Space desc Enter");
    assert_eq!(state.calls.sort, Some(("from".to_owned(), true)));
    press(&mut state, ": columns Space id,from,header:User-Agent Enter");
    assert_eq!(state.calls.columns, ["id", "from", "header:User-Agent"]);
    press(&mut state, ": time Space delta Enter");
    assert_eq!(state.time, crate::view::show::TimeMode::Delta);
    for (wrong, says) in [
        (": call Space 99 Enter", "60 calls"),
        (": goto Space x Enter", "not a number"),
        (": sort Space nonsense Enter", "no column"),
        (": filer Enter", "did you mean `filter`"),
        (": export Space gif Enter", "no format"),
        (": time Space noon Enter", "one of"),
    ] {
        press(&mut state, wrong);
        let notice = state.notice.clone().unwrap_or_else(|| panic!("{wrong} says nothing"));
        assert!(notice.bad && notice.text.contains(says), "{wrong}: {notice:?}");
    }
}

#[test]
fn export_asks_before_it_replaces() {
    let mut state = state(120, 40);
    let effects = press(&mut state, "2 Enter : export Space svg Space flow.svg Enter");
    let job = effects.iter().find_map(|e| match e {
        Effect::Export(job) => Some(job),
        _ => None,
    });
    let job = job.expect("something is written");
    assert_eq!((job.path.as_str(), job.force), ("flow.svg", false));
    let exists = crate::tui::desk::Answer::Exported(Err(crate::tui::desk::ExportError::Exists));
    crate::tui::update::receive(&mut state, exists);
    assert_eq!(state.context(), Contexts::CONFIRM);
    assert!(screen(&state).contains("flow.svg"));
    let effects = press(&mut state, "y");
    assert!(effects.iter().any(|e| matches!(e, Effect::Export(job) if job.force)));
}

/// What `:export` or the dialog would write.
fn job_of(keys: &str) -> crate::tui::state::Export {
    let mut state = state(120, 40);
    let effects = press(&mut state, keys);
    let job = effects.into_iter().find_map(|e| match e {
        Effect::Export(job) => Some(*job),
        _ => None,
    });
    job.unwrap_or_else(|| panic!("{keys} writes nothing: {:?}", state.notice))
}

#[test]
fn what_is_marked_is_what_is_exported() {
    use crate::tui::state::{TableKind, What};
    let owners = |what: &What| match what {
        What::Report(owners, _) => owners.len(),
        other => panic!("{other:?}"),
    };
    let job = job_of("2 Space j Space : export Space html Enter");
    assert_eq!((owners(&job.what), job.path.as_str()), (2, "callscope-2-marked.html"));
    assert_eq!(owners(&job_of("2 Space j Space : export Space markdown Enter").what), 2);
    let job = job_of("2 Space j Space : export Space csv Enter");
    assert!(matches!(&job.what, What::Rows(TableKind::Calls, rows) if rows.len() == 2), "{job:?}");
    assert_eq!(job.path, "callscope-calls-2-marked.csv");
    // Without marks: HTML of the row, the other two of the table.
    let job = job_of("2 : export Space html Enter");
    assert_eq!((owners(&job.what), job.path.as_str()), (1, "callscope-call-1.html"));
    assert!(matches!(job_of("2 : export Space csv Enter").what, What::Table(TableKind::Calls)));
    assert!(matches!(job_of("2 : export Space markdown Enter").what, What::Table(TableKind::Calls)));
    // A ladder that is looked at, a row of a list, and everything.
    assert!(matches!(job_of("2 Enter : export Space html Enter").what, What::Ladder(..)));
    assert!(matches!(job_of("1 : export Space html Enter").what, What::Summary));
    let job = job_of("3 Space : export Space html Enter");
    let rows = |what: &What| matches!(what, What::Report(_, rows) if rows.len() == 1);
    assert!(rows(&job.what), "{job:?}");
    let job = job_of("2 Space j Space s Right Enter");
    assert_eq!((owners(&job.what), job.path.as_str()), (2, "callscope-2-marked.html"));
}

#[test]
fn completion_goes_as_far_as_all_agree() {
    let mut state = state(120, 40);
    press(&mut state, "2 : exp Tab");
    assert_eq!(state.line.as_ref().unwrap().input.value(), "export ");
    press(&mut state, "merm Tab");
    assert_eq!(state.line.as_ref().unwrap().input.value(), "export mermaid ");
}

#[test]
fn a_field_and_its_bytes_find_each_other() {
    let mut state = state(120, 40);
    // Via → branch, which has no parts: Enter shows its bytes.
    press(&mut state, "2 Enter j Enter / branch Enter Enter");
    let detail = |state: &State| match state.stack.last() {
        Some(View::Detail(view)) => (**view).clone(),
        other => panic!("{other:?}"),
    };
    let view = detail(&state);
    assert_eq!(view.tab, crate::tui::state::PaneTab::Hex);
    let branch = super::fixture::MESSAGE.find("z9hG4bK74bf9").unwrap();
    assert_eq!(view.byte, branch);
    assert_eq!(view.marked_bytes(), Some(branch..branch + 12));
    // And from a byte of the method back to its field.
    press(&mut state, "g l Enter");
    let view = detail(&state);
    let lines = view.tree_lines();
    assert_eq!(lines[view.tree.at].node.label, "method");
}

#[test]
fn the_mouse_selects_opens_and_scrolls() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut state = state(120, 40);
    let mouse = |state: &mut State, kind, column, row| {
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        let effects = react(state, Event::Mouse(event));
        serve(state, effects);
    };
    let down = MouseEventKind::Down(MouseButton::Left);
    let text = screen(&state);
    let x = text.lines().nth(1).unwrap().find("2 Calls").unwrap() as u16;
    mouse(&mut state, down, x, 1);
    assert_eq!(state.tab, Tab::Calls);
    mouse(&mut state, down, 10, 9);
    assert_eq!(state.calls.cursor.at, 5);
    mouse(&mut state, MouseEventKind::ScrollDown, 10, 9);
    assert_eq!(state.calls.cursor.at, 8);
    mouse(&mut state, down, 10, 9);
    mouse(&mut state, down, 10, 9);
    assert!(matches!(state.stack.as_slice(), [View::Ladder(_)]));
    for y in 0..40 {
        for x in (0..120).step_by(3) {
            mouse(&mut state, down, x, y);
            mouse(&mut state, MouseEventKind::ScrollUp, x, y);
        }
    }
}

#[test]
fn rows_that_stream_in_leave_the_cursor_on_its_row() {
    let mut state = state(120, 40);
    press(&mut state, "2 j j j");
    assert_eq!(state.calls.selected(), Some(3));
    let mut more = (*state.calls.data.clone().unwrap()).clone();
    more.ids = std::sync::Arc::new([99].into_iter().chain(0..60).collect());
    let answer = crate::tui::desk::Answer::Table {
        kind: crate::tui::state::TableKind::Calls,
        version: state.calls.version,
        data: std::sync::Arc::new(more),
        took: Default::default(),
    };
    crate::tui::update::receive(&mut state, answer);
    assert_eq!((state.calls.selected(), state.calls.cursor.at), (Some(3), 4));
}

#[test]
fn a_frame_leads_to_its_message_in_the_ladder() {
    let mut state = state(120, 40);
    press(&mut state, "0 j x");
    match state.stack.last() {
        Some(View::Ladder(view)) => {
            let here = view.subject(view.cursor.at);
            let message = crate::correlate::MsgIdx(3);
            assert_eq!(here, Some(crate::tui::state::Subject::Message(message)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn damage_beyond_the_last_frame_leads_to_the_last_frame() {
    let mut state = state(120, 40);
    let frame = super::fixture::frame(51);
    let mut overview = (*state.overview.clone().unwrap()).clone();
    overview.notes[0].1 = Some(frame);
    state.overview = Some(std::sync::Arc::new(overview));
    // Behind the verdict and the findings.
    let notes = state.overview.as_ref().unwrap().findings.len() + 1;
    press(&mut state, &format!("{}Enter", "j ".repeat(notes)));
    assert_eq!((state.tab, state.packets.cursor.at), (Tab::Packets, 49));
    assert!(state.notice.as_ref().is_some_and(|n| n.text.contains("51")));
}

#[test]
fn a_finding_opens_with_its_evidence() {
    let mut state = state(120, 40);
    press(&mut state, "j Enter");
    match state.stack.last() {
        Some(View::Listing(view)) => assert_eq!(view.of, ListingOf::Row(ListKind::Findings, 0)),
        other => panic!("{other:?}"),
    }
    press(&mut state, "Esc g Enter");
    assert_eq!(state.tab, Tab::Findings, "the verdict leads to all of them");
}

#[test]
fn a_key_that_changes_nothing_says_so() {
    // The ladder that is answered is the same with and without linked legs.
    let mut state = state(120, 40);
    for (key, says) in [("x", "no other call is linked"), ("f", "nothing was sent again")] {
        press(&mut state, &format!("2 Enter {key}"));
        let notice = state.notice.clone().unwrap();
        assert!(notice.text.contains(says), "{key}: {notice:?}");
    }
}

#[test]
fn the_end_of_the_overview_comes_into_sight() {
    let mut state = state(80, 20);
    assert!(!screen(&state).contains("Machines"));
    press(&mut state, "G");
    assert!(screen(&state).contains("Machines"));
}

#[test]
fn an_export_that_fails_leads_back_to_its_dialog() {
    let mut state = state(120, 40);
    press(&mut state, "2 s");
    press(&mut state, "Down Down ^U /nowhere/calls.csv Enter");
    assert_eq!(state.context(), Contexts::CALLS);
    let failed =
        crate::tui::desk::ExportError::Other("/nowhere/calls.csv: there is no such directory".to_owned());
    crate::tui::update::receive(&mut state, crate::tui::desk::Answer::Exported(Err(failed)));
    assert_eq!(state.context(), Contexts::EXPORT);
    let text = screen(&state);
    assert!(text.contains("File     /nowhere/calls.csv") && text.contains("no such directory"), "{text}");
    press(&mut state, "Esc");
    assert_eq!(state.context(), Contexts::CALLS);
}

#[test]
fn the_panes_of_frames_and_ladders_are_opened_apart() {
    let mut state = state(80, 24);
    press(&mut state, "0 p");
    assert!(screen(&state).contains("[Decoded]"));
    press(&mut state, "2 Enter");
    assert!(!screen(&state).contains("[Decoded]"));
}

#[test]
fn a_key_without_a_meaning_says_so() {
    for (way, key, says) in [
        ("1", "/", "/ does nothing here: ? lists the keys"),
        ("9", "I", "I does nothing here: ? lists the keys"),
        ("2 t", "F7", "F7 does nothing here: the keys are below"),
    ] {
        let mut state = state(80, 24);
        press(&mut state, way);
        press(&mut state, key);
        assert_eq!(state.notice.as_ref().map(|n| n.text.as_str()), Some(says));
    }
}

#[test]
fn a_row_leads_to_all_rows_of_its_user_tab_by_tab() {
    let mut state = state(110, 30);
    press(&mut state, "2 j u");
    let filter = "user == \"alice@contoso.com\"";
    assert_eq!((state.tab, state.tab_table().map(|t| t.name())), (Tab::Dialogs, Some("sign-ins")));
    for kind in crate::tui::desk::user_tables() {
        assert_eq!(state.table(kind).filter_text, filter, "{kind:?}");
    }
    // On, round to the first.
    press(&mut state, "u");
    assert_eq!(state.tab, Tab::Calls);
    press(&mut state, ": user Space alice Enter");
    assert_eq!(state.tab_table().map(|t| t.name()), Some("sign-ins"));
}

#[test]
fn a_filter_is_not_blamed_for_a_table_without_rows() {
    use crate::tui::desk::TableData;
    use crate::tui::state::TableKind;
    use crate::view::lists::ListKind;
    let mut state = state(100, 30);
    press(&mut state, "4");
    let kind = TableKind::List(ListKind::Conferences);
    for (total, blamed) in [(0, false), (3, true)] {
        let table = state.table_mut(kind);
        table.filter = crate::view::filter::Filter::parse("user == nobody").ok();
        table.data = Some(std::sync::Arc::new(TableData { total, ..Default::default() }));
        let text = screen(&state);
        assert_eq!(text.contains("No row matches the filter"), blamed, "{text}");
    }
}
