//! The samples as a user walks through them: the answers are those of the desk.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::RwLock;

use super::fixture::{press_by, screen, state_by};
use crate::capture::Input;
use crate::correlate::Analysis;
use crate::correlate::load::{LoadOptions, load};
use crate::tui::desk::{self, Answer, Cache, Request};
use crate::tui::effect::{self, Effect};
use crate::tui::state::{State, View};

/// A sample on the screen.
struct Walk {
    analysis: RwLock<Analysis>,
    cache: Cache,
    state: State,
}

impl Walk {
    fn through(sample: &str, width: u16, height: u16) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(sample);
        let analysis = RwLock::new(Analysis::default());
        let options = LoadOptions::default();
        let report = load(&[Input::Path(path)], &options, &analysis, &mut |_| ControlFlow::Continue(()));
        assert!(report.errors.is_empty(), "{:?}", report.errors);
        let cache = Cache::default();
        let state = state_by(width, height, &|request| answer(&analysis, &cache, request));
        Self { analysis, cache, state }
    }

    fn press(&mut self, keys: &str) -> Vec<Effect> {
        let (analysis, cache) = (&self.analysis, &self.cache);
        press_by(&mut self.state, keys, &|request| answer(analysis, cache, request))
    }

    fn screen(&self) -> String {
        screen(&self.state)
    }
}

fn answer(analysis: &RwLock<Analysis>, cache: &Cache, request: &Request) -> Vec<Answer> {
    match request {
        Request::FindRow(search) => vec![desk::find_row(analysis, cache, search)],
        _ => desk::answer(&desk::read(analysis), cache, request).into_iter().collect(),
    }
}

#[test]
fn the_ladder_of_a_sign_in_that_stopped_at_dns() {
    for way in ["3 j x", "3 j Enter x"] {
        let mut walk = Walk::through("sign_ins.pcap", 120, 40);
        walk.press(way);
        let Some(View::Ladder(view)) = walk.state.stack.last() else { panic!("{way}: no ladder") };
        let ladder = view.ladder.as_ref().expect("answered");
        // Three names of which the resolver knows nothing, and one it is asked three times and does not answer.
        assert_eq!(ladder.title, "sign-in 2  192.168.100.32 → contoso.com  look-ups only");
        assert_eq!(ladder.rows.len(), 7, "{:#?}", ladder.rows);
        let text = walk.screen();
        assert_eq!(text.matches("NXDOMAIN").count(), 3, "{text}");
        assert!(text.contains("no answer: A sip.con"), "{text}");
        walk.press("Esc");
        assert!(!matches!(walk.state.stack.last(), Some(View::Ladder(_))), "{way}");
    }
    // A sign-in with REGISTER has the ladder of its dialogs.
    let mut walk = Walk::through("sign_ins.pcap", 120, 40);
    walk.press("3 x");
    let Some(View::Ladder(view)) = walk.state.stack.last() else { panic!("no ladder") };
    assert!(!view.owners.is_empty());
}

/// Snapshots of the screens that keys lead to.
fn shot(name: &str, sample: &str, keys: &str) {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut walk = Walk::through(sample, width, height);
        walk.press(keys);
        let text = walk.screen();
        for line in text.lines() {
            assert!(crate::tui::widgets::text::width(line) <= usize::from(width), "too wide: {line}");
        }
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
    }
}

#[test]
fn sign_ins() {
    shot("sample_sign_ins", "sign_ins.pcap", "3");
    shot("sample_sign_in_dns", "sign_ins.pcap", "3 j x");
    shot("sample_sign_in", "sign_ins.pcap", "3 Enter G");
}

#[test]
fn look_ups() {
    shot("sample_sql", "sql.pcap", "7");
    shot("sample_sql_refused", "sql.pcap", "7 j Enter x");
}

#[test]
fn ladders_of_control() {
    shot("sample_conference_ladder", "conference.pcap", "4 j Enter x PgDn");
    shot("sample_response_group", "response_group.pcap", "2 Enter");
    shot("sample_remote_control", "remote_control.pcap", "2 Enter j j");
}

#[test]
fn details_of_rows() {
    shot("sample_conference", "conference.pcap", "4 j Enter PgDn");
    shot("sample_subscriptions", "watchers.pcap", "3");
    shot("sample_conversation", "conversation.pcap", "8 Enter");
}

#[test]
fn the_bottom_line_names_only_keys_that_do_something() {
    let keys = |sample: &str, keys: &str| {
        let mut walk = Walk::through(sample, 120, 40);
        walk.press(keys);
        walk.screen().lines().last().unwrap_or_default().to_owned()
    };
    for ladder in [keys("sql.pcap", "7 x"), keys("sign_ins.pcap", "3 j x"), keys("sign_ins.pcap", "3 x")] {
        assert!(!ladder.contains("extended") && !ladder.contains("ICE"), "{ladder}");
    }
    let call = keys("response_group.pcap", "2 Enter");
    assert!(call.contains("x extended") && call.contains("I ICE"), "{call}");
    assert!(!keys("sql.pcap", "7").contains("user") && keys("sign_ins.pcap", "3").contains("u user"));
}

#[test]
fn the_next_problem_of_a_list_is_what_its_columns_tell() {
    let places = |sample: &str, keys: &str, times: usize| -> Vec<usize> {
        let mut walk = Walk::through(sample, 120, 40);
        walk.press(keys);
        let kind = walk.state.tab_table().expect("a table");
        let next = |walk: &mut Walk| {
            walk.press("e");
            walk.state.table(kind).cursor.at
        };
        (0..times).map(|_| next(&mut walk)).collect()
    };
    // Who has no settings or no relay is in trouble too, though registered.
    assert_eq!(places("sign_ins.pcap", "3", 5), [1, 2, 3, 4, 1]);
    assert_eq!(places("conversation.pcap", "8", 4), [4, 5, 6, 4]);
    assert_eq!(places("conference.pcap", "4", 2), [1, 1]);
    assert_eq!(places("watchers.pcap", "3", 2), [1, 1]);
}

#[test]
fn what_a_filter_asks_of_a_row_is_what_its_columns_say() {
    let rows = |sample: &str, keys: &str| {
        let mut walk = Walk::through(sample, 120, 40);
        walk.press(keys);
        let kind = walk.state.tab_table().expect("a table");
        walk.state.table(kind).data.as_ref().map(|d| d.ids.to_vec()).expect("answered")
    };
    assert_eq!(rows("sign_ins.pcap", "3 F7 state==registered Enter"), [0, 3, 4]);
    assert_eq!(rows("sign_ins.pcap", "3 F7 !(state==registered) Enter"), [1, 2]);
    // That it never came to a REGISTER does not hide whose it is.
    assert_eq!(rows("sign_ins.pcap", "3 F7 user~contoso&&state==unanswered Enter"), [1]);
    assert_eq!(rows("watchers.pcap", "3 F7 state==terminated Enter"), [2, 3, 4]);
    assert_eq!(rows("watchers.pcap", "3 F7 event==presence&&state!=active Enter"), [2, 3]);
}

#[test]
fn what_is_written_from_a_row_is_the_row() {
    let write = |sample: &str, keys: &str| {
        let mut walk = Walk::through(sample, 120, 40);
        let effects = walk.press(keys);
        let analysis = desk::read(&walk.analysis);
        let directory = tempfile::tempdir().unwrap();
        let job = effects.into_iter().find_map(|e| match e {
            Effect::Export(job) => Some(job),
            _ => None,
        });
        let mut job = job.expect("something to write");
        let name = job.path.clone();
        job.path = directory.path().join(&name).display().to_string();
        effect::export(&analysis, &job).expect("written");
        (name, std::fs::read_to_string(&job.path).unwrap_or_default())
    };
    let (name, text) = write("sign_ins.pcap", "3 j j Enter s Enter");
    assert_eq!(name, "callscope-sign-ins-3.txt");
    assert!(text.contains("It stopped at register: 401, credentials refused."), "{text}");
    let (name, text) = write("sign_ins.pcap", "3 j x s Enter");
    assert_eq!(name, "callscope-sign-ins-2.txt");
    assert!(text.contains("look-ups only"), "{text}");
    let (name, text) = write("sql.pcap", "7 j Enter x s Enter");
    assert_eq!(name, "callscope-sql-2.txt");
    assert!(text.contains("SYN to 1501"), "{text}");
    // What has no messages of SIP has no packets to write.
    let mut walk = Walk::through("sql.pcap", 120, 40);
    walk.press("7 x s");
    assert!(walk.screen().contains("1 of 2"), "{}", walk.screen());
}

#[test]
fn the_raw_pane_of_a_frame_without_text_says_so() {
    let mut walk = Walk::through("sql.pcap", 120, 40);
    walk.press("7 x r");
    assert!(walk.screen().contains("no text in this frame"), "{}", walk.screen());
}

#[test]
fn remote_control_has_a_line_of_the_overview() {
    let walk = Walk::through("remote_control.pcap", 120, 40);
    let text = walk.screen();
    assert!(text.contains("Remote call control (CSTA): 1 session, 5 requests, 4 events, 1 error"), "{text}");
    assert!(
        text.contains("▲ warning  Call 1, Alice Arnold → rcc: remote call control: HoldCall, call 41"),
        "{text}"
    );
}
