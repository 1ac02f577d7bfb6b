//! The Packets view.

use super::moved;
use crate::capture::FrameRef;
use crate::tui::action::Action;
use crate::tui::desk::{Request, packet_text};
use crate::tui::effect::Effect;
use crate::tui::layout;
use crate::tui::state::{DetailState, PaneTab, State, Subject, View};
use crate::view::filter::Filter;

pub(super) fn act(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    let page = layout::page(state);
    let len = state.packets.len(&state.holdings);
    if moved(&mut state.packets.cursor, action, len, page) {
        return;
    }
    let body = layout::shell(state.width, state.height).body;
    let pane_shown = layout::packets(state, body).1.is_some();
    match action {
        Action::Open => {
            let Some(subject) = subject(state) else { return state.say("no frame is here") };
            let pane = &state.packets.pane;
            let mut detail = if pane.subject == Some(subject) {
                pane.clone()
            } else {
                DetailState { tab: pane.tab, ..DetailState::default() }
            };
            detail.wanted(Some(subject));
            state.stack.push(View::Detail(Box::new(detail)));
        }
        Action::Extended => match subject(state) {
            Some(Subject::Frame(frame)) => effects.push(Effect::Ask(Request::OwnerOf(frame))),
            _ => state.say("no frame is here"),
        },
        Action::Ice => match subject(state) {
            Some(Subject::Frame(frame)) => effects.push(Effect::Ask(Request::IceOf(frame))),
            _ => state.say("no frame is here"),
        },
        Action::Pane => state.frame_pane_open = Some(!pane_shown),
        Action::NextPane if pane_shown => state.packets.pane.tab = state.packets.pane.tab.step(1),
        Action::PreviousPane if pane_shown => {
            state.packets.pane.tab = state.packets.pane.tab.step(PaneTab::ALL.len() - 1);
        }
        Action::NextPane | Action::PreviousPane | Action::PaneUp | Action::PaneDown if !pane_shown => {
            state.say("the pane is closed: p opens it");
        }
        Action::PaneUp => super::detail::scroll_pane(&mut state.packets.pane, -3),
        Action::PaneDown => super::detail::scroll_pane(&mut state.packets.pane, 3),
        _ => {}
    }
}

/// The frame under the cursor.
pub(super) fn subject(state: &State) -> Option<Subject> {
    let place = state.packets.place(state.packets.cursor.at)?;
    state.holdings.frame_at(place).map(Subject::Frame)
}

/// Moves the cursor to a frame, dropping a filter that hides it.
pub(super) fn go_to(state: &mut State, frame: FrameRef) {
    let mut frame = frame;
    let frames = state.holdings.captures.get(usize::from(frame.capture.0)).copied().unwrap_or(0);
    if !state.loading && u64::from(frame.frame) > frames && frames > 0 {
        // Damage is told at the frame that could not be read.
        state.say(format!("frame {} could not be read; this is the last one before it", frame.frame));
        frame.frame = u32::try_from(frames).unwrap_or(u32::MAX);
    }
    let Some(place) = state.holdings.place_of(frame) else {
        if state.loading {
            state.packets.seek = Some(frame);
            return state.say(format!("frame {} was not read yet", frame.frame));
        }
        return state.complain(format!("there is no frame {}", frame.frame));
    };
    let at = match &state.packets.matches {
        None => usize::try_from(place).ok(),
        Some(matches) => matches.binary_search(&place).ok(),
    };
    let at = at.unwrap_or_else(|| {
        state.packets.filter = None;
        state.packets.filter_text.clear();
        state.packets.matches = None;
        state.packets.scanned = None;
        state.say("the filter hid this frame and was dropped");
        place as usize
    });
    state.packets.cursor.at = at;
    let page = layout::page(state);
    state.packets.cursor.top = at.saturating_sub(page / 3);
}

pub(super) fn set_filter(state: &mut State, text: String, filter: Option<Filter>, effects: &mut Vec<Effect>) {
    let packets = &mut state.packets;
    // The frame under the cursor stays under it when the filter goes.
    let place = packets.place(packets.cursor.at);
    packets.filter_text = text;
    packets.filter = filter;
    packets.version += 1;
    packets.cursor = Default::default();
    match &packets.filter {
        Some(filter) => {
            packets.matches = Some(Vec::new());
            packets.scanned = Some(0);
            let filter = Box::new(filter.clone());
            effects.push(Effect::Ask(Request::Matches { filter, version: packets.version }));
        }
        None => {
            packets.matches = None;
            packets.scanned = None;
            packets.cursor.at = place.unwrap_or(0) as usize;
            effects.push(Effect::StopScan);
        }
    }
}

pub(super) fn search(state: &mut State, forward: bool, from_here: bool, effects: &mut Vec<Effect>) {
    let packets = &mut state.packets;
    if packets.matches.is_some() {
        // The lines between the matches are not to be read: the filter finds text too.
        return state.complain("search and filter do not go together here: drop the filter with Esc");
    }
    let here = packets.cursor.at as u64;
    let from = match (forward, from_here) {
        (true, false) => here + 1,
        (false, true) => here + 1,
        _ => here,
    };
    packets.version += 1;
    let request = Request::Find { text: state.search.clone(), from, forward, version: packets.version };
    effects.push(Effect::Ask(request));
    state.say(format!("searching `{}` …", state.search));
}

pub(super) fn row_text(state: &State) -> Option<String> {
    let place = state.packets.place(state.packets.cursor.at)?;
    state.packets.lines.get(&place).map(packet_text)
}
