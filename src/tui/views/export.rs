//! The export dialog and the question before a file is replaced.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::popups::frame;
use crate::output::audio::DECODED;
use crate::tui::layout;
use crate::tui::state::{Export, ExportState, State};
use crate::tui::theme::Role;
use crate::tui::widgets::input;
use crate::tui::widgets::text::{fill_row, put};

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, view: &ExportState) {
    let theme = state.theme;
    let inside = frame(buf, layout::popup(area, 70, 9), "Save", theme);
    let what = view.choices.get(view.what).map_or("", |(name, _)| name.as_str());
    let format = view.format().names().0;
    let of = |at: usize, len: usize| if len > 1 { format!("  {} of {len}", at + 1) } else { String::new() };
    let formats = view.choices.get(view.what).map_or(0, |(_, w)| w.formats().len());
    let rows = [
        ("What", format!("‹ {what} ›{}", of(view.what, view.choices.len()))),
        ("Format", format!("‹ {format} ›{}", of(view.format, formats))),
    ];
    for (i, (name, value)) in rows.iter().enumerate() {
        let y = inside.y + 1 + i as u16;
        let here = view.field == i;
        let style = theme.style(if here { Role::Cursor } else { Role::Text });
        put(buf, inside.x + 1, y, 8, name, theme.style(Role::Title));
        let x = inside.x + 10;
        if here {
            fill_row(
                buf,
                Rect { x, y, width: inside.right().saturating_sub(x + 1), height: 1 },
                y,
                ' ',
                style,
            );
        }
        put(buf, x, y, inside.right().saturating_sub(x + 1), value, style);
    }
    let y = inside.y + 3;
    put(buf, inside.x + 1, y, 8, "File", theme.style(Role::Title));
    let x = inside.x + 10;
    let field = Rect { x, y, width: inside.right().saturating_sub(x + 1), height: 1 };
    input::draw(buf, field, &view.path, view.field == 2, theme);
    let of_audio = format!("audio of {DECODED}; lost packets are silence");
    let note = match view.format().names().0 {
        "wav" => &of_audio,
        "pcapng" if what.starts_with("stream") => "its packets of RTP",
        "pcapng" => "frames of the signalling and of the announced media",
        "html" => "one page that needs nothing else: findings, ladders, messages",
        "markdown" if what.contains("report") || what.starts_with("everything") => {
            "verdict, findings, calls and the worst ladders, for a ticket"
        }
        "pcapng-no-media" => "frames of the signalling only",
        _ => "an existing file is never replaced without asking",
    };
    put(buf, inside.x + 1, inside.y + 5, inside.width.saturating_sub(2), note, theme.style(Role::Dim));
}

pub fn confirm(buf: &mut Buffer, area: Rect, state: &State, job: &Export) {
    let theme = state.theme;
    let inside = frame(buf, layout::popup(area, 60, 6), "This file is there already", theme);
    let room = inside.width.saturating_sub(2);
    put(buf, inside.x + 1, inside.y + 1, room, &job.path, theme.style(Role::Text));
    put(buf, inside.x + 1, inside.y + 2, room, "y replaces it, n keeps it", theme.style(Role::Warning));
}
