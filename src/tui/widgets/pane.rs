//! A message or frame: tabs, tree and bytes linked both ways, text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{fill_row, put, skip_columns, wrap};
use super::{hex, tree};
use crate::tui::layout;
use crate::tui::state::{DetailState, PaneTab, field_at};
use crate::tui::theme::{Role, Theme};

#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// It has the keys (full screen), or follows another view.
    pub focus: bool,
    pub search: &'a str,
    /// What to say while nothing is selected.
    pub nothing: &'a str,
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &DetailState, look: Look<'_>, theme: Theme) {
    let parts = layout::pane(area, state.tab);
    head(buf, parts.head, state, theme);
    let say = |buf: &mut Buffer, text: &str| {
        for (y, line) in (parts.main.y..parts.main.bottom())
            .zip(super::text::wrap_words(text, usize::from(parts.main.width.saturating_sub(2))))
        {
            put(buf, parts.main.x + 1, y, parts.main.width, &line, theme.style(Role::Dim));
        }
    };
    if state.subject.is_none() {
        return say(buf, look.nothing);
    }
    let Some(data) = &state.data else { return say(buf, "reading …") };
    if let Some(error) = &data.error {
        return say(buf, &format!("cannot be read again: {error}"));
    }
    match state.tab {
        PaneTab::Decoded | PaneTab::Hex => {
            let Some(buffer) = state.buffer() else { return say(buf, "nothing to decode") };
            let lines = state.tree_lines();
            let on_hex = state.tab == PaneTab::Hex;
            let marked = if on_hex {
                field_at(&buffer.tree, state.byte).and_then(|path| {
                    // The field itself, or the closed one around it.
                    (1..=path.len()).rev().find_map(|n| lines.iter().position(|l| l.path == path[..n]))
                })
            } else {
                Some(state.tree.at)
            };
            let tree_look = tree::Look {
                cursor: state.tree,
                marked,
                focus: !on_hex,
                left: state.left,
                search: look.search,
            };
            let tree_look = tree::Look { focus: tree_look.focus && look.focus, ..tree_look };
            let hex_look = hex::Look {
                top: state.hex.top,
                marked: state.marked_bytes(),
                at: (on_hex && look.focus).then_some(state.byte),
            };
            match (parts.hex, on_hex) {
                (Some(hex_area), _) => {
                    let mut tree_look = tree_look;
                    if on_hex && let Some(m) = marked {
                        tree_look.cursor.top = centered(m, lines.len(), parts.main.height);
                    }
                    tree::draw(buf, parts.main, &lines, tree_look, theme);
                    for y in hex_area.top()..hex_area.bottom() {
                        put(buf, hex_area.x - 1, y, 1, "│", theme.style(Role::Rule));
                    }
                    let mut hex_look = hex_look;
                    if !on_hex && let Some(range) = &hex_look.marked {
                        let per_line = layout::hex_columns(hex_area.width, buffer.bytes.len());
                        let total = buffer.bytes.len().div_ceil(per_line);
                        hex_look.top = centered(range.start / per_line, total, hex_area.height);
                    }
                    hex::draw(buf, hex_area, &buffer.bytes, &hex_look, theme);
                }
                (None, true) => {
                    // The last line says which field the bytes are.
                    let named =
                        marked.filter(|_| look.focus).and_then(|m| lines.get(m)).map(|l| tree::text(l));
                    let mut area = parts.main;
                    if let Some(name) = named.filter(|_| area.height > 2) {
                        area.height -= 1;
                        put(buf, area.x, area.bottom(), area.width, &name, theme.style(Role::Title));
                    }
                    hex::draw(buf, area, &buffer.bytes, &hex_look, theme);
                }
                (None, false) => tree::draw(buf, parts.main, &lines, tree_look, theme),
            }
        }
        PaneTab::Raw | PaneTab::Sdp | PaneTab::Candidates => {
            if state.lines().is_empty() {
                let text = match state.tab {
                    PaneTab::Sdp => "carries no SDP",
                    PaneTab::Candidates => "carries no candidates (RFC 8839, draft-19, draft-06)",
                    _ => "empty",
                };
                return say(buf, text);
            }
            text(buf, parts.main, state, look, theme);
        }
    }
}

/// First line so that line `at` is in sight, near a third of the height.
fn centered(at: usize, len: usize, height: u16) -> usize {
    let height = usize::from(height);
    at.saturating_sub(height / 3).min(len.saturating_sub(height))
}

fn head(buf: &mut Buffer, area: Rect, state: &DetailState, theme: Theme) {
    let mut x = area.x;
    for tab in PaneTab::ALL {
        let active = tab == state.tab;
        let name = tab.name(area.width);
        let name = if active { format!("[{name}]") } else { format!(" {name} ") };
        let style = theme.style(if active { Role::TabActive } else { Role::Text });
        x += put(buf, x, area.y, area.right().saturating_sub(x), &name, style);
    }
    let Some(data) = &state.data else { return };
    let title = data.buffers.get(state.buffer).map_or("", |b| b.title.as_str());
    let count = data.buffers.len();
    let title =
        if count > 1 { format!("{title}  ({} of {count})", state.buffer + 1) } else { title.to_owned() };
    put(buf, x + 1, area.y, area.right().saturating_sub(x + 1), &title, theme.style(Role::Dim));
}

/// Lines as they were sent; long ones go on below, indented by a sign.
fn text(buf: &mut Buffer, area: Rect, state: &DetailState, look: Look<'_>, theme: Theme) {
    let mut y = area.y;
    for (at, line) in state.lines().iter().enumerate().skip(state.text.top) {
        let here = look.focus && at == state.text.at;
        let shown = skip_columns(line, state.left);
        let columns = usize::from(area.width.saturating_sub(2));
        for (i, piece) in wrap(shown, columns).into_iter().enumerate() {
            if y >= area.bottom() {
                return;
            }
            let hit = super::table::contains(line, look.search);
            let style = theme.style(match (here, hit) {
                (true, _) => Role::Cursor,
                (false, true) => Role::Match,
                (false, false) => Role::Text,
            });
            if here {
                fill_row(buf, area, y, ' ', style);
            }
            if i > 0 {
                put(buf, area.x, y, 1, "›", theme.style(Role::Dim));
            }
            put(buf, area.x + 1, y, area.width - 1, piece, style);
            // The name of a header or the type of an SDP line stands out.
            if i == 0 && !here && !hit && state.left == 0 {
                let name = match state.tab {
                    PaneTab::Raw => line.find(':').filter(|&n| n < 40 && !line[..n].contains(' ')),
                    _ => None,
                };
                if let Some(n) = name {
                    put(buf, area.x + 1, y, area.width - 1, &line[..n], theme.style(Role::Title));
                }
            }
            y += 1;
        }
    }
}
