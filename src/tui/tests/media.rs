//! Tab 6, with what a desk answers of scripted calls.

use std::collections::VecDeque;

use super::fixture::{START, key_event, screen};
use crate::capture::CaptureInfo;
use crate::correlate::{Accounting, Analysis, CaptureSummary};
use crate::tui::desk::{Cache, answer};
use crate::tui::effect::Effect;
use crate::tui::event::Event;
use crate::tui::state::{State, View};
use crate::tui::theme::{Palette, Theme};
use crate::tui::{app, update};
use crate::view::scenario::voices::voices;
use crate::view::show::TimeMode;

/// A state over an analysis, and the desk that serves it.
struct Bench {
    analysis: Analysis,
    cache: Cache,
    state: State,
}

impl Bench {
    fn new(mut analysis: Analysis, width: u16, height: u16, ascii: bool) -> Self {
        let info = CaptureInfo { path: "a.pcap".to_owned(), format: "pcap", compression: None, size: None };
        let accounting = Accounting { decoded: 1_060, ..Accounting::default() };
        let (first, last) = (Some(START), Some(START + 42_000_000_000));
        let summary = CaptureSummary::new(info);
        analysis.captures.push(CaptureSummary {
            frames: 1_060,
            accounting,
            first,
            last,
            complete: true,
            ..summary
        });
        let theme = Theme { palette: Palette::Plain, ascii };
        let state = State::new(width, height, theme, Some(TimeMode::Relative));
        let mut bench = Self { analysis, cache: Cache::default(), state };
        let effects = update::loaded(&mut bench.state, Vec::new());
        bench.serve(effects);
        bench
    }

    fn serve(&mut self, effects: Vec<Effect>) {
        let mut waiting: VecDeque<Effect> = effects.into();
        while let Some(effect) = waiting.pop_front() {
            if let Effect::Ask(request) = effect
                && let Some(answer) = answer(&self.analysis, &self.cache, &request)
            {
                waiting.extend(update::receive(&mut self.state, answer));
            }
        }
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        for chord in keys.split_whitespace() {
            let events = match key_event(chord) {
                Some(event) => vec![event],
                None => chord.chars().filter_map(|c| key_event(&c.to_string())).collect(),
            };
            for event in events {
                let effects = app::react(&mut self.state, Event::Key(event));
                self.serve(effects);
            }
        }
        self
    }
}

#[test]
fn streams_and_one_of_them() {
    for (width, height) in [(80, 24), (120, 40)] {
        for (name, keys) in [
            ("media_overview", "1"),
            ("media_calls", "2"),
            ("media", "6 j"),
            ("media_row", "6 Enter"),
            ("media_filtered", "6 F7 media.dscp==EF Enter"),
            ("media_export", "6 s"),
        ] {
            let mut bench = Bench::new(voices().done(), width, height, false);
            let text = screen(&bench.press(keys).state);
            for line in text.lines() {
                assert!(crate::tui::widgets::text::width(line) <= usize::from(width), "too wide: {line}");
            }
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
        }
    }
}

#[test]
fn the_worst_stands_first_until_another_order_is_asked_for() {
    let mut bench = Bench::new(voices().done(), 120, 30, false);
    let ids = |bench: &mut Bench, keys: &str| {
        bench
            .press(keys)
            .state
            .table(crate::tui::state::TableKind::List(crate::view::lists::ListKind::Media))
            .data
            .as_ref()
            .unwrap()
            .ids
            .to_vec()
    };
    assert_eq!(ids(&mut bench, "6"), [1, 0, 2]);
    // By its number, then the other way round.
    assert_eq!(ids(&mut bench, ">"), [0, 1, 2]);
    assert_eq!(ids(&mut bench, "z"), [2, 1, 0]);
}

#[test]
fn a_stream_leads_to_its_call_and_to_frames() {
    let mut bench = Bench::new(voices().done(), 120, 30, false);
    bench.press("6 x");
    assert!(matches!(bench.state.stack.last(), Some(View::Ladder(_))));
    bench.press("Esc G x");
    assert_eq!(
        bench.state.notice.as_ref().map(|n| n.text.as_str()),
        Some("no SIP call of this capture belongs to it")
    );
    bench.press("g Enter Enter");
    assert!(matches!(bench.state.stack.last(), Some(View::Detail(_))), "its first frame");
}

#[test]
fn a_capture_without_media_says_what_would_bring_some() {
    let calls = crate::view::scenario::answered_call().done();
    let text = screen(&Bench::new(calls, 80, 24, false).press("6").state);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("A stream needs three RTP packets in sequence, or SDP that names where"),
        "{text}"
    );
    assert!(words.contains("capture at a client, a relay or a conferencing server."), "{text}");
}

#[test]
fn it_can_be_read_without_unicode() {
    let text = screen(&Bench::new(voices().done(), 120, 30, true).press("6 Enter").state);
    assert!(text.is_ascii() && !text.replace("? help", "").contains('?'), "{text}");
    let text = screen(&Bench::new(voices().done(), 120, 30, true).press("2").state);
    assert!(text.contains("= direct") && text.contains("x none"), "{text}");
}
