//! What to say where there is nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::theme::{Role, Theme};
use crate::tui::widgets::text::{put, wrap_words};

/// Lines near the top, the first one bright.
pub fn say(buf: &mut Buffer, area: Rect, theme: Theme, text: &str) {
    let mut y = area.y + 1.min(area.height);
    for (i, paragraph) in text.lines().enumerate() {
        for line in wrap_words(paragraph, usize::from(area.width.saturating_sub(4))) {
            if y >= area.bottom() {
                return;
            }
            let role = if i == 0 { Role::Text } else { Role::Dim };
            put(buf, area.x + 2, y, area.width.saturating_sub(3), &line, theme.style(role));
            y += 1;
        }
    }
}
