//! Boxes over the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout;
use crate::tui::state::{ColumnsState, State};
use crate::tui::theme::{Role, Theme};
use crate::tui::widgets::text::{fill_row, put, put_right};

/// Clears `area`, draws a box and gives what is inside of it.
pub fn frame(buf: &mut Buffer, area: Rect, title: &str, theme: Theme) -> Rect {
    let style = theme.style(Role::Rule);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
    if area.width < 2 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    fill_row(buf, Rect { height: 1, ..area }, area.y, '─', style);
    fill_row(buf, Rect { y: bottom, height: 1, ..area }, bottom, '─', style);
    for y in area.top()..area.bottom() {
        put(buf, area.x, y, 1, "│", style);
        put(buf, right, y, 1, "│", style);
    }
    for (x, y, corner) in
        [(area.x, area.y, "┌"), (right, area.y, "┐"), (area.x, bottom, "└"), (right, bottom, "┘")]
    {
        put(buf, x, y, 1, corner, style);
    }
    put(buf, area.x + 2, area.y, area.width - 4, &format!(" {title} "), theme.style(Role::Title));
    Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
}

/// Which columns are shown, in which order.
pub fn columns(buf: &mut Buffer, state: &State, view: &ColumnsState) {
    let theme = state.theme;
    let area = layout::columns_popup(state, view.items.len());
    let shown = view.items.iter().filter(|i| i.shown).count();
    let title = format!("Columns ({shown} of {} shown)", view.items.len());
    let inside = frame(buf, area, &title, theme);
    // What stands above and below the box.
    let more = view.items.len().saturating_sub(view.cursor.top + usize::from(inside.height));
    for (y, n, sign) in [(area.y, view.cursor.top, "↑"), (area.bottom().saturating_sub(1), more, "↓")] {
        if n > 0 {
            let text = format!(" {sign} {n} more ");
            put_right(buf, area.x, y, area.width.saturating_sub(2), &text, theme.style(Role::Title));
        }
    }
    for (y, (at, item)) in
        (inside.top()..inside.bottom()).zip(view.items.iter().enumerate().skip(view.cursor.top))
    {
        let style = theme.style(if at == view.cursor.at {
            Role::Cursor
        } else if item.shown {
            Role::Text
        } else {
            Role::Dim
        });
        fill_row(buf, inside, y, ' ', style);
        let sign = if item.shown { "[x]" } else { "[ ]" };
        put(buf, inside.x + 1, y, inside.width - 1, &format!("{sign} {}", item.title), style);
        let x = inside.x + 22.min(inside.width / 2);
        put(buf, x, y, inside.right().saturating_sub(x + 1), &item.meaning, style);
    }
}
