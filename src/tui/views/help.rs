//! Help: the key table of a view, with the command each key stands for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::popups::frame;
use crate::tui::keys::{self, Contexts, Group};
use crate::tui::state::{Cursor, State};
use crate::tui::theme::Role;
use crate::tui::update::COMMANDS;
use crate::tui::widgets::text::{fit, put, width};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub key: String,
    pub command: String,
    pub text: String,
    pub head: bool,
}

fn cells(of: Contexts) -> Vec<Cell> {
    let mut out = Vec::new();
    let head =
        |text: &str| Cell { key: text.to_owned(), command: String::new(), text: String::new(), head: true };
    // The ten tabs are one line.
    let digit = |k: &keys::Key| k.chords.iter().any(|c| c.len() == 1 && c.as_bytes()[0].is_ascii_digit());
    for group in Group::ALL {
        let keys: Vec<_> = keys::keys_of(of).filter(|k| k.group == group).collect();
        if keys.is_empty() {
            continue;
        }
        out.push(head(group.title()));
        let mut tabs = false;
        for key in keys {
            if digit(key) {
                if !tabs {
                    tabs = true;
                    let all: Vec<&str> = keys::keys_of(of).filter(|k| digit(k)).map(|k| k.command).collect();
                    out.push(Cell {
                        key: "1 … 0".to_owned(),
                        command: ":overview … :packets".to_owned(),
                        text: all.join(", "),
                        head: false,
                    });
                }
                continue;
            }
            let chords: Vec<String> = key.chords.iter().map(|c| keys::shown(c)).collect();
            out.push(Cell {
                key: chords.join(" "),
                command: format!(":{}", key.command),
                text: key.help.to_owned(),
                head: false,
            });
        }
    }
    if keys::lookup(of, ":").is_some() {
        out.push(head("Commands with words"));
        for (form, meaning) in COMMANDS {
            out.push(Cell {
                key: String::new(),
                command: format!(":{form}"),
                text: (*meaning).to_owned(),
                head: false,
            });
        }
    }
    out
}

/// The lines of the help, in one or two columns as the width allows.
pub fn lines(of: Contexts, columns: usize) -> Vec<Vec<Cell>> {
    let cells = cells(of);
    if columns < 130 {
        return cells.into_iter().map(|c| vec![c]).collect();
    }
    let half = cells.len().div_ceil(2);
    // A heading must not stand last in the left column.
    let half = if cells.get(half - 1).is_some_and(|c| c.head) { half + 1 } else { half };
    let (left, right) = cells.split_at(half.min(cells.len()));
    left.iter()
        .enumerate()
        .map(|(i, cell)| [Some(cell), right.get(i)].into_iter().flatten().cloned().collect())
        .collect()
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, of: Contexts, cursor: Cursor) {
    let theme = state.theme;
    let lines = lines(of, usize::from(state.width));
    let inner = usize::from(area.height.saturating_sub(2));
    let more = lines.len() > inner;
    let title = format!("Help: {}", of.name());
    let title = if more {
        let last = (cursor.top + inner).min(lines.len());
        format!("{title}  ({}–{last} of {} lines, ↓ for more)", cursor.top + 1, lines.len())
    } else {
        title
    };
    let inside = frame(buf, area, &title, theme);
    let all: Vec<&Cell> = lines.iter().flatten().filter(|c| !c.head).collect();
    let key_width = all.iter().map(|c| width(&c.key)).max().unwrap_or(0);
    let command_width =
        all.iter().filter(|c| !c.key.is_empty()).map(|c| width(&c.command)).max().unwrap_or(0);
    let two = lines.iter().any(|l| l.len() > 1);
    let half = if two { inside.width / 2 } else { inside.width };
    for (y, line) in (inside.top()..inside.bottom()).zip(lines.iter().skip(cursor.top)) {
        for (i, cell) in line.iter().enumerate() {
            let x = inside.x + half * i as u16;
            let end = x + half;
            if cell.head {
                put(buf, x, y, half, &cell.key, theme.style(Role::Title));
                continue;
            }
            let mut at = x + 1;
            if !cell.key.is_empty() {
                put(buf, at, y, key_width as u16, &cell.key, theme.style(Role::Key));
                at += key_width as u16 + 2;
            }
            let room = if cell.key.is_empty() { key_width + 2 + command_width } else { command_width };
            let command = fit(&cell.command, room.max(width(&cell.command).min(34)));
            at += put(buf, at, y, end.saturating_sub(at + 1), &command, theme.style(Role::Dim));
            let text_x = x + 1 + (key_width + 2 + command_width + 2) as u16;
            at = (at + 2).max(text_x);
            put(buf, at, y, end.saturating_sub(at + 1), &cell.text, theme.style(Role::Text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_the_help_of_its_place() {
        for key in keys::KEYS {
            for (context, name) in Contexts::ALL.iter().filter(|(c, _)| key.on.has(*c)) {
                let cells = cells(*context);
                let found = cells.iter().any(|c| {
                    let own = c.command == format!(":{}", key.command) && c.text == key.help;
                    own || c.text.split(", ").any(|command| command == key.command)
                });
                assert!(found, "{:?} in {name}", key.chords);
            }
        }
    }

    #[test]
    fn two_columns_hold_the_same_as_one() {
        for (context, _) in Contexts::ALL {
            let one: usize = lines(context, 80).iter().map(Vec::len).sum();
            let two: usize = lines(context, 140).iter().map(Vec::len).sum();
            assert_eq!(one, two);
        }
    }
}
