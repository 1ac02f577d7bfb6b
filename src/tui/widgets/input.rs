//! A line to type into.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;

use super::text::put;
use crate::tui::theme::{Role, Theme};

/// Draws what was typed, scrolled so that the cursor is in sight; gives the column of the cursor.
pub fn draw(buf: &mut Buffer, area: Rect, input: &Input, focus: bool, theme: Theme) -> u16 {
    let room = usize::from(area.width.saturating_sub(1));
    let scroll = input.visual_scroll(room);
    put(
        buf,
        area.x,
        area.y,
        area.width,
        super::text::skip_columns(input.value(), scroll),
        theme.style(Role::Text),
    );
    let x = area.x + (input.visual_cursor().saturating_sub(scroll) as u16).min(area.width.saturating_sub(1));
    if focus && let Some(cell) = buf.cell_mut((x, area.y)) {
        cell.set_style(theme.style(Role::Cursor));
    }
    x
}
