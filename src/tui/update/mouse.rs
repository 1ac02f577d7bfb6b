//! Clicks and the wheel.

use ratatui::layout::Position;

use super::{go_to_tab, perform};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::layout;
use crate::tui::state::{PaneTab, State, Tab, View};
use crate::tui::views::shell::tab_at;
use crate::tui::views::{board, listing, plot};
use crate::tui::widgets::{hex, ladder, table};

/// A second click on the same place within this opens it, milliseconds.
const DOUBLE: u64 = 400;

pub(super) fn click(state: &mut State, x: u16, y: u16, effects: &mut Vec<Effect>) {
    let again = state.clicked.is_some_and(|(at, px, py)| (px, py) == (x, y) && state.now - at <= DOUBLE);
    state.clicked = (!again).then_some((state.now, x, y));
    let shell = layout::shell(state.width, state.height);
    if state.line.is_some() || layout::too_small(state) {
        return;
    }
    if y == shell.tabs.y {
        if let Some(tab) = tab_at(state, x) {
            go_to_tab(state, tab);
        }
        return;
    }
    if !shell.body.contains(Position { x, y }) {
        return;
    }
    let selected = select(state, x, y);
    if selected && again {
        perform(state, Action::Open, effects);
    }
}

/// Moves the cursor to a place; says whether something is there to be opened.
fn select(state: &mut State, x: u16, y: u16) -> bool {
    let body = layout::shell(state.width, state.height).body;
    let ladder_areas = layout::ladder(state, body);
    let packets_areas = layout::packets(state, body);
    match state.stack.last_mut() {
        Some(View::Ladder(view)) => {
            let (main, pane) = ladder_areas;
            if let Some(area) = pane.filter(|p| p.contains(Position { x, y })) {
                if y == area.y {
                    view.pane.tab = pane_tab_at(x - area.x, area.width).unwrap_or(view.pane.tab);
                }
                return false;
            }
            match ladder::row_at(main, view.cursor.top, y).filter(|at| *at < view.rows.len()) {
                Some(at) => {
                    view.cursor.at = at;
                    view.pass_notes(at);
                }
                None => return false,
            }
            true
        }
        Some(View::Detail(view)) => {
            let parts = layout::pane(body, view.tab);
            if y == parts.head.y {
                view.tab = pane_tab_at(x - parts.head.x, parts.head.width).unwrap_or(view.tab);
                return false;
            }
            let line = usize::from(y - parts.main.y);
            let hex_area =
                parts.hex.unwrap_or(if view.tab == PaneTab::Hex { parts.main } else { Default::default() });
            if let Some(buffer) = view.buffer()
                && hex_area.contains(Position { x, y })
            {
                let (len, top) = (buffer.bytes.len(), view.hex.top);
                if let Some(byte) = hex::byte_at(hex_area, len, top, x, y) {
                    view.byte = byte;
                    view.tab = PaneTab::Hex;
                }
                return false;
            }
            match view.tab {
                PaneTab::Decoded => view.tree.at = view.tree.top + line,
                PaneTab::Raw | PaneTab::Sdp | PaneTab::Candidates => view.text.at = view.text.top + line,
                PaneTab::Hex => return false,
            }
            view.tab == PaneTab::Decoded
        }
        Some(View::Columns(view)) => {
            let len = view.items.len();
            let top = view.cursor.top;
            let area = layout::columns_popup(state, len);
            let inside = y > area.y && y + 1 < area.bottom() && x > area.x && x + 1 < area.right();
            if let Some(View::Columns(view)) = state.stack.last_mut()
                && inside
            {
                view.cursor.at = (top + usize::from(y - area.y - 1)).min(len.saturating_sub(1));
            }
            false
        }
        Some(View::Board(view)) => match board::cell_of(view, body, x, y) {
            Some(at) => {
                (view.row.at, view.column.at) = at;
                true
            }
            None => false,
        },
        Some(View::Listing(view)) => {
            let (facts, below) = plot::areas(view, body);
            if let Some(area) = below.filter(|area| area.contains(Position { x, y })) {
                let Some(event) = plot::event_at(view, area, state.theme, x, y) else { return false };
                let events = view.data.as_ref().map_or(0..0, |data| data.events());
                view.cursor.at = events.start + event;
                return true;
            }
            let at = view.data.as_ref().and_then(|data| listing::row_at(data, view.cursor, facts, y));
            view.cursor.at = at.unwrap_or(view.cursor.at);
            at.is_some()
        }
        Some(_) => false,
        None => match state.tab {
            Tab::Packets => {
                let (main, _) = packets_areas;
                let len = state.packets.len(&state.holdings);
                let at = table::row_at(main, state.packets.cursor, y).filter(|at| *at < len);
                state.packets.cursor.at = at.unwrap_or(state.packets.cursor.at);
                at.is_some()
            }
            Tab::Overview => {
                let lines = crate::tui::views::overview::lines(state, body.width);
                let top = crate::tui::views::overview::top(state, &lines, body.height);
                let item = lines.get(top + usize::from(y - body.y)).and_then(|line| line.item);
                state.overview_cursor.at = item.unwrap_or(state.overview_cursor.at);
                item.is_some()
            }
            _ => match state.tab_table() {
                Some(kind) => {
                    let view = state.table_mut(kind);
                    let at = table::row_at(body, view.cursor, y).filter(|at| *at < view.len());
                    view.cursor.at = at.unwrap_or(view.cursor.at);
                    at.is_some()
                }
                None => false,
            },
        },
    }
}

fn pane_tab_at(x: u16, width: u16) -> Option<PaneTab> {
    let mut left = 0;
    PaneTab::ALL.into_iter().find(|tab| {
        let columns = tab.name(width).len() as u16 + 2;
        let inside = x >= left && x < left + columns;
        left += columns;
        inside
    })
}

pub(super) fn wheel(state: &mut State, x: u16, y: u16, rows: i16) {
    if state.line.is_some() {
        return;
    }
    let body = layout::shell(state.width, state.height).body;
    let over_pane = match state.stack.last() {
        Some(View::Ladder(_)) => layout::ladder(state, body).1,
        None if state.tab == Tab::Packets => layout::packets(state, body).1,
        _ => None,
    };
    if over_pane.is_some_and(|p| p.contains(Position { x, y })) {
        let pane = match state.stack.last_mut() {
            Some(View::Ladder(view)) => &mut view.pane,
            _ => &mut state.packets.pane,
        };
        return super::detail::scroll_pane(pane, isize::from(rows));
    }
    let action = if rows < 0 { Action::Up } else { Action::Down };
    // The wheel moves lists only; a form would be changed by it.
    if matches!(state.stack.last(), Some(View::Export(_) | View::Confirm(_))) {
        return;
    }
    for _ in 0..rows.unsigned_abs() {
        super::in_view(state, action, &mut Vec::new());
    }
}
