//! Screens: each a pure function of the state.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::layout;
use super::state::{State, Tab, View};
use super::theme::{self, Role};
use super::widgets::text::{put, wrap_words};

pub mod board;
pub mod diff;
pub mod export;
pub mod help;
pub mod ladder;
pub mod listing;
pub mod overview;
pub mod packets;
pub mod placeholder;
pub mod plot;
pub mod popups;
pub mod shell;
pub mod statistics;
pub mod table;

/// Draws everything.
pub fn render(buf: &mut Buffer, area: Rect, state: &State) {
    if layout::too_small(state) {
        let text = format!(
            "Too small: {}×{}, callscope needs {}×{}. q quits.",
            state.width,
            state.height,
            layout::MIN_WIDTH,
            layout::MIN_HEIGHT
        );
        for (y, line) in (area.y..area.bottom()).zip(wrap_words(&text, usize::from(area.width))) {
            put(buf, area.x, y, area.width, &line, state.theme.style(Role::Warning));
        }
    } else {
        let shell = layout::shell(state.width, state.height);
        shell::above(buf, shell, state);
        body(buf, shell.body, state);
        shell::below(buf, shell, state);
    }
    if state.theme.ascii {
        theme::to_ascii(buf);
    }
}

fn body(buf: &mut Buffer, area: Rect, state: &State) {
    let screen = state.stack.iter().rev().find(|view| !view.is_popup());
    match screen {
        None => match (state.tab, state.tab_table()) {
            (_, Some(kind)) => table::draw(buf, area, state, kind),
            (Tab::Packets, None) => packets::draw(buf, area, state),
            (_, None) => overview::draw(buf, area, state),
        },
        Some(View::Ladder(view)) => ladder::draw(buf, area, state, view),
        Some(View::Detail(view)) => ladder::draw_detail(buf, area, state, view),
        Some(View::Diff(view)) => diff::draw(buf, area, state, view),
        Some(View::Board(view)) => board::draw(buf, area, state, view),
        Some(View::Listing(view)) => listing::draw(buf, area, state, view),
        Some(View::Statistics { cursor }) => statistics::draw(buf, area, state, *cursor),
        Some(_) => {}
    }
    match state.stack.last() {
        Some(View::Help { of, cursor }) => help::draw(buf, area, state, *of, *cursor),
        Some(View::Columns(view)) => popups::columns(buf, state, view),
        Some(View::Export(view)) => export::draw(buf, area, state, view),
        Some(View::Confirm(job)) => export::confirm(buf, area, state, job),
        _ => {}
    }
}
