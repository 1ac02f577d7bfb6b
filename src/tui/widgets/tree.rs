//! A tree of fields.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{fill_row, put, skip_columns};
use crate::tui::state::{Cursor, TreeLine};
use crate::tui::theme::{Role, Theme};

#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub cursor: Cursor,
    /// Line that belongs to the byte under the cursor of the Hex tab, or the cursor itself.
    pub marked: Option<usize>,
    pub focus: bool,
    pub left: usize,
    pub search: &'a str,
}

pub fn draw(buf: &mut Buffer, area: Rect, lines: &[TreeLine<'_>], look: Look<'_>, theme: Theme) {
    for (y, at) in (area.top()..area.bottom()).zip(look.cursor.top..) {
        let Some(line) = lines.get(at) else { break };
        let here = look.marked == Some(at);
        let role = match (here, look.focus) {
            (true, true) => Role::Cursor,
            (true, false) => Role::CursorAway,
            (false, _) if line.node.issue => Role::Warning,
            (false, _) if super::table::contains(&text(line), look.search) => Role::Match,
            (false, _) => Role::Text,
        };
        let base = theme.style(role);
        if here && look.focus {
            fill_row(buf, area, y, ' ', base);
        }
        let indent = 2 * (line.path.len() as u16).saturating_sub(1);
        let sign = match (line.node.children.is_empty(), line.closed) {
            (true, _) => "  ",
            (false, true) => "▸ ",
            (false, false) => "▾ ",
        };
        let issue = if line.node.issue { "▲ " } else { "" };
        let body = format!("{sign}{issue}{}", line.node.label);
        let separator = if line.node.value.is_empty() || line.node.label.is_empty() { "" } else { ": " };
        let whole = format!("{}{body}{separator}{}", " ".repeat(usize::from(indent)), line.node.value);
        put(buf, area.x, y, area.width, skip_columns(&whole, look.left), base);
        if role == Role::Text && look.left == 0 && line.path.len() == 1 {
            put(buf, area.x, y, area.width, &body, theme.style(Role::Title));
        }
    }
}

/// What is searched and copied of a line.
pub fn text(line: &TreeLine<'_>) -> String {
    match (line.node.label.as_str(), line.node.value.as_str()) {
        // The lines of a text have no name.
        ("", only) | (only, "") => only.to_owned(),
        (label, value) => format!("{label}: {value}"),
    }
}
