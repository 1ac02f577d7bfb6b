//! How many of each kind.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::placeholder;
use crate::tui::desk::CountGroup;
use crate::tui::state::{Cursor, State};
use crate::tui::theme::Role;
use crate::tui::widgets::text::put;
use crate::view::show;

/// Lines with the role of each.
pub fn lines(statistics: Option<&Vec<CountGroup>>) -> Vec<(Role, String)> {
    let mut out = Vec::new();
    for (title, rows) in statistics.into_iter().flatten() {
        if rows.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push((Role::Text, String::new()));
        }
        out.push((Role::Title, title.clone()));
        let most = rows.iter().map(|(_, n)| *n).max().unwrap_or(1).max(1);
        for (name, n) in rows {
            let bar = "█".repeat((u128::from(*n) * 30).div_ceil(u128::from(most)) as usize);
            out.push((Role::Text, format!("  {name:<20} {:>12}  {bar}", show::number(*n))));
        }
    }
    out
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, cursor: Cursor) {
    let lines = lines(state.statistics.as_deref());
    if lines.is_empty() {
        return placeholder::say(buf, area, state.theme, "counting …");
    }
    for (y, (role, text)) in (area.top()..area.bottom()).zip(lines.iter().skip(cursor.top)) {
        put(buf, area.x + 2, y, area.width.saturating_sub(3), text, state.theme.style(*role));
    }
}
