//! Help: the key table of a view, with the command each key stands for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::popups::frame;
use crate::tui::keys::{self, Contexts, Group};
use crate::tui::state::{Cursor, State};
use crate::tui::theme::Role;
use crate::tui::update::COMMANDS;
use crate::tui::widgets::text::{put, width, wrap_words};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub key: String,
    pub command: String,
    pub text: String,
    pub head: bool,
}

fn cells(of: Contexts, ascii: bool) -> Vec<Cell> {
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
                        command: ":overview …".to_owned(),
                        text: all.join(", "),
                        head: false,
                    });
                }
                continue;
            }
            let chords: Vec<String> = key.chords.iter().map(|c| keys::shown(c, ascii)).collect();
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

/// Widths of the keys, and of keys and commands together.
fn widths(cells: &[Cell]) -> [usize; 2] {
    let most = |it: &mut dyn Iterator<Item = usize>| it.max().unwrap_or(0);
    let keyed = || cells.iter().filter(|c| !c.head && !c.key.is_empty());
    let key = most(&mut keyed().map(|c| width(&c.key)));
    let command = most(&mut keyed().map(|c| width(&c.command)));
    [key, key + 2 + command]
}

/// Where the text of a cell begins.
fn text_at(cell: &Cell, before: usize) -> usize {
    if cell.key.is_empty() { before.max(width(&cell.command)) } else { before }
}

/// The lines of the help, in one or two columns as the width allows. What is long goes on below.
pub fn lines(of: Contexts, columns: usize, ascii: bool) -> Vec<Vec<Cell>> {
    let cells = cells(of, ascii);
    let [_, before] = widths(&cells);
    let two = columns >= 110;
    let half = columns.saturating_sub(2) / if two { 2 } else { 1 };
    let mut all = Vec::new();
    for cell in cells {
        let room = half.saturating_sub(text_at(&cell, before) + 4).max(10);
        for (i, piece) in wrap_words(&cell.text, room).into_iter().enumerate() {
            all.push(if i == 0 {
                Cell { text: piece, ..cell.clone() }
            } else {
                Cell { key: String::new(), command: String::new(), text: piece, head: false }
            });
        }
    }
    if !two {
        return all.into_iter().map(|c| vec![c]).collect();
    }
    let middle = all.len().div_ceil(2);
    // A heading must not stand last in the left column, and what goes on below stays with its line.
    let together = |at: usize| {
        at > 0
            && at < all.len()
            && (all[at - 1].head || (all[at].key.is_empty() && all[at].command.is_empty()))
    };
    let middle = (middle..all.len()).find(|at| !together(*at)).unwrap_or(all.len());
    let (left, right) = all.split_at(middle);
    left.iter()
        .enumerate()
        .map(|(i, cell)| [Some(cell), right.get(i)].into_iter().flatten().cloned().collect())
        .collect()
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, of: Contexts, cursor: Cursor) {
    let theme = state.theme;
    let lines = lines(of, usize::from(state.width), theme.ascii);
    let inner = usize::from(area.height.saturating_sub(2));
    // Of a table its own name: the keys are those of many.
    let own = state.tab_table().filter(|_| state.stack.len() == 1);
    let name = own.map_or(of.name(), |kind| state.tab.names_of(Some(kind)).0);
    let title = format!("Help: {name}");
    let title = if lines.len() > inner {
        let last = (cursor.top + inner).min(lines.len());
        format!("{title}  (lines {}–{last} of {}, ↓ goes on)", cursor.top + 1, lines.len())
    } else {
        title
    };
    let inside = frame(buf, area, &title, theme);
    let [key_width, before] = widths(&cells(of, theme.ascii));
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
            put(buf, x + 1, y, key_width as u16, &cell.key, theme.style(Role::Key));
            let at = if cell.key.is_empty() { x + 1 } else { x + 1 + key_width as u16 + 2 };
            put(buf, at, y, end.saturating_sub(at + 1), &cell.command, theme.style(Role::Dim));
            let at = x + 1 + text_at(cell, before) as u16 + 2;
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
                let cells = cells(*context, false);
                let found = cells.iter().any(|c| {
                    let own = c.command == format!(":{}", key.command) && c.text == key.help;
                    own || c.text.split(", ").any(|command| command == key.command)
                });
                assert!(found, "{:?} in {name}", key.chords);
            }
        }
    }

    #[test]
    fn two_columns_hold_the_same_words_as_one() {
        for (context, _) in Contexts::ALL {
            let words = |columns| {
                let lines = lines(context, columns, false);
                let all = lines.iter().flatten().flat_map(|c| c.text.split_whitespace()).count();
                (all, lines.iter().flatten().filter(|c| !c.command.is_empty()).count())
            };
            assert_eq!(words(80), words(140));
        }
    }
}
