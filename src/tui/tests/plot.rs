//! A stream with its plot.

use super::fixture::{START, frame, press, screen, state};
use super::ice::list;
use crate::tui::state::{Listing, PlotPlace, State, Subject, Target, View};
use crate::tui::theme::{Palette, Theme};
use crate::view::lists::Lead;
use crate::view::media::plot::{Event, Plot, Point, Reported};
use crate::view::table::{Align, Column};

const SECOND: i64 = 1_000_000_000;

/// A minute and a half with a hold of twenty seconds, a burst of loss, and a report each five seconds.
fn plot() -> Plot {
    let points = (0..90u32).map(|i| match i {
        40..60 => Point::default(),
        _ => Point {
            packets: if i == 25 { 38 } else { 50 },
            lost: if i == 25 { 12 } else { 0 },
            jitter_ms: Some(2.0 + f64::from(i % 17) / 4.0),
            gap_ms: Some(if i == 60 { 20_020.0 } else { 21.0 + f64::from(i % 5) }),
            kbps: 68.8,
        },
    });
    let event = |ms: i64, sign: char, words: &str| Event {
        at: ms * 1_000_000,
        sign,
        words: words.to_owned(),
        lead: Lead::default(),
    };
    Plot {
        start: START,
        length: 90 * SECOND,
        beyond: 0,
        step: SECOND,
        points: points.collect(),
        reported: (1..18)
            .map(|i| Reported {
                at: i * 5 * SECOND,
                jitter_ms: Some(4.0 + (i % 3) as f64),
                loss_pct: if i == 6 { 4.7 } else { 0.0 },
                lead: Lead::default(),
            })
            .collect(),
        events: vec![
            event(-1800, 'I', "INVITE offer by Alice"),
            event(20, '✓', "200 OK answer by Bob"),
            event(40_000, 'H', "INVITE (hold) by Alice"),
            event(60_000, 'R', "INVITE offer by Alice"),
            event(75_000, '1', "key 1"),
            event(75_400, '2', "key 2"),
            event(90_000, 'B', "BYE by Bob"),
        ],
    }
}

pub fn stream(row: u32) -> Listing {
    let plot = plot();
    let to = |n: u32| Target { subject: Some(Subject::Frame(frame(n))), ..Target::default() };
    let texts: Vec<[String; 4]> = plot
        .events
        .iter()
        .zip(10..)
        .map(|(e, n)| {
            [e.sign.to_string(), format!("{:.6}", e.at as f64 * 1e-9), e.words.clone(), n.to_string()]
        })
        .collect();
    let rows = texts.iter().map(|cells| cells.iter().map(String::as_str).collect()).collect();
    let events = list(
        "What happened meanwhile",
        vec![
            Column::new("sign", "", Align::Left, 0),
            Column::new("time", "Time", Align::Right, 0),
            Column::new("what", "What", Align::Left, 0),
            Column::new("frame", "Frame", Align::Right, 2),
        ],
        rows,
        (10..17).map(to).collect(),
    );
    let facts = list(
        "At the capture point",
        vec![Column::new("what", "What", Align::Left, 0), Column::new("value", "Value", Align::Left, 0)],
        vec![
            vec!["packets", "3 488"],
            vec!["lost before here", "12 (0.3 %)"],
            vec!["jitter", "mean 4 ms, max 6 ms"],
        ],
        vec![to(7), Target { bad: true, ..to(7) }, to(7)],
    );
    Listing {
        title: format!("Stream {}  Bob → Alice  audio  PCMU/8000  SSRC 0x8418D3C5", row + 1),
        head: vec![
            "12 of 3 500 packets (0.3 %) were lost before the capture point, in 1 run, the longest of 12."
                .to_owned(),
            "MOS 4.3 (R 90): estimate by the E-model (ITU-T G.107).".to_owned(),
        ],
        tables: vec![facts, events],
        owners: vec![crate::correlate::Owner::Call(crate::correlate::CallIdx(2))],
        plot: Some(plot),
    }
}

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
fn a_stream_with_its_plot() {
    shot("stream", "6 Enter");
    shot("stream_event", "6 Enter j j j j j + + >");
    shot("stream_plot", "6 Enter p j j");
    shot("stream_facts", "6 Enter p p");
}

#[test]
fn the_plot_in_ascii() {
    let mut state = state(80, 24);
    state.theme = Theme { palette: Palette::Plain, ascii: true };
    press(&mut state, "6 Enter p");
    let text = screen(&state);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("stream_ascii_80x24", text);
}

fn listing(state: &State) -> &crate::tui::state::ListingState {
    let Some(View::Listing(view)) = state.stack.last() else { panic!("no list") };
    view
}

#[test]
fn keys_zoom_move_and_choose() {
    let mut state = state(100, 30);
    press(&mut state, "6 Enter");
    let whole = plot().whole();
    assert_eq!(listing(&state).plot.window, None);
    press(&mut state, "+");
    let window = listing(&state).plot.window.expect("a part");
    assert_eq!(window.length(), whole.length() / 2);
    press(&mut state, ">");
    let later = listing(&state).plot.window.expect("a part");
    assert!(later.from > window.from && later.length() == window.length());
    press(&mut state, "> > > > >");
    assert_eq!(listing(&state).plot.window.map(|w| w.to), Some(whole.to));
    press(&mut state, "- -");
    assert_eq!(listing(&state).plot.window, None, "farther than all is all");
    press(&mut state, "+ + + + + + + + + + =");
    assert_eq!(listing(&state).plot.window, None);
    // Around the event that the cursor is on: the hold at 40 s.
    press(&mut state, "j j j j j + + +");
    assert_eq!(listing(&state).event(), Some(2));
    let near = listing(&state).plot.window.expect("a part");
    assert!(near.from < 40 * SECOND && 40 * SECOND < near.to && near.length() == whole.length() / 8);
    // On the whole screen the arrows go from event to event.
    press(&mut state, "p G");
    assert_eq!((listing(&state).plot.place, listing(&state).event()), (PlotPlace::Whole, Some(6)));
    press(&mut state, "k g");
    assert_eq!(listing(&state).event(), Some(0));
    press(&mut state, "p");
    assert_eq!(listing(&state).plot.place, PlotPlace::Hidden);
    press(&mut state, "Enter");
    assert!(matches!(state.stack.last(), Some(View::Detail(_))), "an event leads to its frame");
}

#[test]
fn a_click_on_an_event_chooses_it() {
    let mut state = state(100, 30);
    press(&mut state, "6 Enter");
    let text = screen(&state);
    let (y, line) =
        text.lines().enumerate().find(|(_, l)| l.trim_start().starts_with("events")).expect("events");
    let x = line.chars().position(|c| c == 'H').expect("the hold");
    let click = crate::tui::action::Action::Click { x: x as u16, y: y as u16 };
    crate::tui::update::update(&mut state, click);
    assert_eq!(listing(&state).event(), Some(2));
    let click = crate::tui::action::Action::Click { x: 3, y: y as u16 };
    crate::tui::update::update(&mut state, click);
    assert_eq!(listing(&state).event(), Some(2), "nothing stands there");
}

#[test]
fn a_call_leads_to_its_streams() {
    for keys in ["2 Enter M", "2 M"] {
        let mut state = state(100, 30);
        press(&mut state, keys);
        let row = |state: &State| match listing(state).of {
            crate::tui::state::ListingOf::Row(_, row) => row,
            other => panic!("{other:?}"),
        };
        assert_eq!(row(&state), 4);
        press(&mut state, "p ]");
        assert_eq!(
            (row(&state), listing(&state).plot.place),
            (5, PlotPlace::Whole),
            "it stays as it was looked at"
        );
        press(&mut state, "]");
        assert_eq!(row(&state), 3, "round");
        press(&mut state, "[ [");
        assert_eq!(row(&state), 4);
        assert!(screen(&state).contains("Stream") || screen(&state).contains("all 90.00 s"));
    }
    // From the tab the rows of its table are stepped through.
    let mut state = state(100, 30);
    press(&mut state, "6 j Enter ]");
    assert!(matches!(listing(&state).of, crate::tui::state::ListingOf::Row(_, 2)));
}

#[test]
fn a_stream_is_saved_as_packets_or_as_audio() {
    let mut state = state(100, 30);
    press(&mut state, "6 Enter s");
    let dialog = screen(&state);
    assert!(dialog.contains("stream 1") && dialog.contains("callscope-stream-1.pcapng"), "{dialog}");
    press(&mut state, "Down Right");
    assert!(screen(&state).contains("callscope-stream-1.wav"));
    let effects = press(&mut state, "Enter");
    let exported = effects.iter().any(|e| {
        matches!(e, crate::tui::effect::Effect::Export(job)
            if matches!(job.what, crate::tui::state::What::Stream(0)) && job.format == crate::tui::state::Format::Wav)
    });
    assert!(exported, "{effects:?}");
}

#[test]
fn no_size_makes_it_panic() {
    for width in [60, 61, 79, 200] {
        for height in 15..40 {
            for keys in ["6 Enter", "6 Enter p", "6 Enter p p", "6 Enter + + + + +"] {
                let mut state = state(width, height);
                press(&mut state, keys);
                screen(&state);
            }
        }
    }
}
