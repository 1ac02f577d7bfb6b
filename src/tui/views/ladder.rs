//! The call flow with its side pane, and a message over the whole screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::placeholder;
use crate::tui::layout;
use crate::tui::state::{DetailState, LadderState, State};
use crate::tui::theme::Role;
use crate::tui::widgets::text::put;
use crate::tui::widgets::{ladder, pane};
use crate::view::show::TimeMode;

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, view: &LadderState) {
    let theme = state.theme;
    let (main, side) = layout::ladder(state, area);
    match &view.ladder {
        None => placeholder::say(buf, main, theme, "drawing …"),
        Some(flow) if flow.rows.is_empty() => {
            placeholder::say(buf, main, theme, "No message belongs to this.")
        }
        Some(flow) => {
            let look = ladder::Look {
                rows: &view.rows,
                top: view.cursor.top,
                at: view.cursor.at,
                left: view.left,
                legs: view.legs,
                marks: &view.marks,
                flawed: &view.flawed,
                time: state.flow_time,
                clock: if state.time == TimeMode::Local { TimeMode::Local } else { TimeMode::Utc },
                color: state.color,
                search: &state.search,
                note_room: view.note_room,
                open: &view.open,
            };
            ladder::draw(buf, main, flow, look, theme);
        }
    }
    if let Some(side) = side {
        for y in side.top()..side.bottom() {
            put(buf, side.x - 1, y, 1, "│", theme.style(Role::Rule));
        }
        // A line without a message is cut on narrow screens: the pane has all of its words.
        let words = view.row(view.cursor.at).map(ladder::row_text);
        let nothing = words.as_deref().unwrap_or("no message on this line");
        let look = pane::Look { focus: false, search: &state.search, nothing };
        pane::draw(buf, side, &view.pane, look, theme);
    }
}

pub fn draw_detail(buf: &mut Buffer, area: Rect, state: &State, view: &DetailState) {
    let look = pane::Look { focus: true, search: &state.search, nothing: "nothing is selected" };
    pane::draw(buf, area, view, look, state.theme);
}
