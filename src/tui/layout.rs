//! Where things lie on the screen; drawing, scrolling and mouse ask the same functions.

use ratatui::layout::Rect;

use super::keys::Contexts;
use super::state::{PaneTab, State, View};

/// Below this one line says that the terminal is too small.
pub const MIN_WIDTH: u16 = 60;
pub const MIN_HEIGHT: u16 = 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shell {
    pub title: Rect,
    pub tabs: Rect,
    pub rule: Rect,
    pub body: Rect,
    /// Above the status line; also where an input line says what is wrong. Height 0 on low terminals.
    pub lower_rule: Rect,
    pub status: Rect,
    pub keys: Rect,
}

pub fn shell(width: u16, height: u16) -> Shell {
    let row = |y: u16| Rect::new(0, y.min(height.saturating_sub(1)), width, 1);
    let lower = u16::from(height >= 20);
    let body = height.saturating_sub(5 + lower);
    Shell {
        title: row(0),
        tabs: row(1),
        rule: row(2),
        body: Rect::new(0, 3, width, body),
        lower_rule: Rect { height: lower, ..row(3 + body) },
        status: row(height.saturating_sub(2)),
        keys: row(height.saturating_sub(1)),
    }
}

pub fn too_small(state: &State) -> bool {
    state.width < MIN_WIDTH || state.height < MIN_HEIGHT
}

fn share(of: u16, percent: u16) -> u16 {
    (u32::from(of) * u32::from(percent) / 100) as u16
}

/// Columns below which a side pane says nothing.
const MIN_PANE: u16 = 34;

/// The ladder and, if it is open, the pane beside it.
pub fn ladder(state: &State, body: Rect) -> (Rect, Option<Rect>) {
    let lifelines = state.stack.iter().rev().find_map(|view| match view {
        View::Ladder(view) => view.ladder.as_ref().map(|l| l.lifelines.len()),
        _ => None,
    });
    let (good, fair) = super::widgets::ladder::wanted_width(lifelines.unwrap_or(2), state.flow_time);
    let roomy = body.width >= 110 && fair + 1 + MIN_PANE <= body.width;
    if !state.pane_open.unwrap_or(roomy) || body.width < 80 {
        return (body, None);
    }
    let most = body.width - 40;
    let by_share = share(body.width, state.pane_share).clamp(MIN_PANE, most);
    // Unless its width was chosen, the pane takes what the labels leave.
    let pane = if state.pane_chosen {
        by_share
    } else {
        body.width.saturating_sub(good + 1).clamp(MIN_PANE, by_share)
    };
    let main = Rect { width: body.width - pane - 1, ..body };
    (main, Some(Rect { x: main.right() + 1, width: pane, ..body }))
}

/// Rows of the ladder below its heads.
pub fn ladder_rows(main: Rect) -> Rect {
    let head = 3.min(main.height);
    Rect { y: main.y + head, height: main.height - head, ..main }
}

/// The frames and, if it is open, the pane below them.
pub fn packets(state: &State, body: Rect) -> (Rect, Option<Rect>) {
    let open = state.frame_pane_open.unwrap_or(body.height >= 24) && body.height >= 12;
    if !open {
        return (body, None);
    }
    let pane = share(body.height, state.frame_pane_share).clamp(5, body.height - 6);
    let main = Rect { height: body.height - pane - 1, ..body };
    (main, Some(Rect { y: main.bottom() + 1, height: pane, ..body }))
}

/// Rows of a table below its head.
pub fn table_rows(area: Rect) -> Rect {
    let head = 1.min(area.height);
    Rect { y: area.y + head, height: area.height - head, ..area }
}

/// Bytes on a line of `width` columns.
pub fn hex_columns(width: u16, len: usize) -> usize {
    let offset = hex_offset_digits(len) as u16;
    // Each byte takes `xx ` and a character; one more column every 8.
    match width.saturating_sub(offset + 4) {
        65.. => 16,
        32.. => 8,
        _ => 4,
    }
}

pub fn hex_offset_digits(len: usize) -> usize {
    if len > 0xffff { 8 } else { 4 }
}

/// The parts of a pane: its tabs, the tree or text, and the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pane {
    pub head: Rect,
    pub main: Rect,
    /// Beside the tree where there is room.
    pub hex: Option<Rect>,
}

pub fn pane(area: Rect, tab: PaneTab) -> Pane {
    let head = Rect { height: 1.min(area.height), ..area };
    let main = Rect { y: area.y + head.height, height: area.height - head.height, ..area };
    let split = matches!(tab, PaneTab::Decoded | PaneTab::Hex) && area.width >= 100;
    if !split {
        return Pane { head, main, hex: None };
    }
    let hex = if area.width >= 130 { 74 } else { 40 };
    let tree = Rect { width: main.width - hex - 1, ..main };
    Pane { head, main: tree, hex: Some(Rect { x: tree.right() + 1, width: hex, ..main }) }
}

/// A box in the middle of `area`.
pub fn popup(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// The columns popup, the same for drawing and scrolling.
pub fn columns_popup(state: &State, items: usize) -> Rect {
    let body = shell(state.width, state.height).body;
    let height = (items as u16).saturating_add(2).min(body.height);
    popup(body, 64.min(body.width.saturating_sub(4)), height)
}

/// Lines a page holds where the keys go.
pub fn page(state: &State) -> usize {
    let body = shell(state.width, state.height).body;
    let height = match state.stack.last() {
        Some(View::Ladder(_)) => ladder_rows(ladder(state, body).0).height,
        Some(View::Board(_)) => body.height / 2,
        Some(View::Columns(c)) => columns_popup(state, c.items.len()).height.saturating_sub(2),
        Some(View::Help { .. }) => body.height.saturating_sub(2),
        Some(View::Listing(view)) => super::views::plot::areas(view, body).0.height,
        Some(View::Detail(_) | View::Diff(_)) => body.height.saturating_sub(1),
        Some(_) => body.height,
        None if state.context_below() == Contexts::PACKETS => table_rows(packets(state, body).0).height,
        None => table_rows(body).height,
    };
    usize::from(height.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_covers_the_screen_without_overlap() {
        for height in MIN_HEIGHT..60 {
            let s = shell(80, height);
            let parts = [s.title, s.tabs, s.rule, s.body, s.lower_rule, s.status, s.keys];
            let total: u16 = parts.iter().map(|r| r.height).sum();
            assert_eq!(total, height);
            let mut y = 0;
            for part in parts {
                if part.height > 0 {
                    assert_eq!(part.y, y, "at height {height}");
                    y += part.height;
                }
            }
        }
    }

    #[test]
    fn sixteen_bytes_where_they_fit() {
        assert_eq!(hex_columns(74, 500), 16);
        assert_eq!(hex_columns(72, 500), 8);
        assert_eq!(hex_columns(40, 500), 8);
        assert_eq!(hex_columns(30, 500), 4);
        assert_eq!(hex_columns(74, 70_000), 8);
    }
}
