//! Views that this version cannot fill, and what to say where there is nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::state::State;
use crate::tui::theme::{Role, Theme};
use crate::tui::widgets::text::{put, wrap_words};

pub fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let text = "Media: RTP and RTCP streams with loss, jitter, gaps and an estimate of their quality.\n\
                This version does not show these yet, so nothing is shown rather than a guess.\n\
                What the calls offered and answered is on the SDP tab of their messages.";
    say(buf, area, state.theme, text);
}

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
