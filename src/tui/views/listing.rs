//! Lists that lead to frames: the checks of a pair, candidate tables, what an allocation is made of.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::placeholder;
use crate::tui::state::{Cursor, Listing, ListingState, State};
use crate::tui::theme::Role;
use crate::tui::widgets::table::{GUTTER, contains, fit_columns};
use crate::tui::widgets::text::{fill_row, put, put_right, wrap_words};
use crate::view::table::Align;

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Title(String),
    Words(String),
    Blank,
    /// Title of a table.
    Table(usize),
    /// Names of its columns.
    Columns(usize),
    /// A table, a row of it, and which of all rows that is.
    Row(usize, usize, usize),
}

pub fn lines(listing: &Listing, width: u16) -> Vec<Line> {
    let room = usize::from(width.saturating_sub(2));
    let mut out: Vec<Line> = wrap_words(&listing.title, room).into_iter().map(Line::Title).collect();
    for sentence in &listing.head {
        out.extend(wrap_words(sentence, room).into_iter().map(Line::Words));
    }
    let mut all = 0;
    for (i, table) in listing.tables.iter().enumerate() {
        out.push(Line::Blank);
        out.push(Line::Table(i));
        let titled = table.table.columns.iter().any(|c| !c.title.is_empty());
        if titled && !table.table.rows.is_empty() {
            out.push(Line::Columns(i));
        }
        for row in 0..table.table.rows.len() {
            out.push(Line::Row(i, row, all));
            all += 1;
        }
    }
    out
}

/// First line on the screen, so that the row of the cursor is in sight; the first row brings what stands above it.
pub fn top(lines: &[Line], cursor: Cursor, height: usize) -> usize {
    let at = lines.iter().position(|l| matches!(l, Line::Row(.., all) if *all == cursor.at)).unwrap_or(0);
    let mut scroll = Cursor { at, top: cursor.top };
    if cursor.at == 0 {
        scroll.top = 0;
    }
    scroll.settle(lines.len(), height);
    // The head of its table, if the row is the first.
    if at >= 2 && matches!(lines.get(at - 1), Some(Line::Columns(_))) && scroll.top + 2 > at {
        scroll.top = at - 2;
    }
    scroll.top
}

/// The row drawn at a line of the screen.
pub fn row_at(listing: &Listing, cursor: Cursor, area: Rect, y: u16) -> Option<usize> {
    let at = cursor.top + usize::from(y.checked_sub(area.y)?);
    match lines(listing, area.width).get(at) {
        Some(Line::Row(.., all)) => Some(*all),
        _ => None,
    }
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, view: &ListingState) {
    let theme = state.theme;
    let (area, below) = super::plot::areas(view, area);
    if let Some(below) = below {
        super::plot::draw(buf, below, state, view);
    }
    let Some(listing) = &view.data else {
        return placeholder::say(buf, area, theme, "reading …");
    };
    let all = lines(listing, area.width);
    let room = area.width.saturating_sub(GUTTER + 1);
    let fitted: Vec<Vec<(usize, u16)>> = listing
        .tables
        .iter()
        .map(|t| {
            if t.table.columns.is_empty() {
                Vec::new()
            } else {
                fit_columns(&t.table.columns, &t.widths, room, view.left)
            }
        })
        .collect();
    for (y, line) in (area.top()..area.bottom()).zip(all.iter().skip(view.cursor.top)) {
        let whole = area.width.saturating_sub(2);
        match line {
            Line::Blank => {}
            Line::Title(text) => _ = put(buf, area.x + 1, y, whole, text, theme.style(Role::Title)),
            Line::Words(text) => _ = put(buf, area.x + 1, y, whole, text, theme.style(Role::Text)),
            Line::Table(i) => {
                let title = listing.tables.get(*i).map_or("", |t| t.title.as_str());
                put(buf, area.x + 1, y, whole, title, theme.style(Role::Title));
            }
            Line::Columns(i) => {
                let (Some(table), Some(fitted)) = (listing.tables.get(*i), fitted.get(*i)) else { continue };
                let mut x = area.x + GUTTER;
                for &(c, width) in fitted {
                    let column = &table.table.columns[c];
                    match column.align {
                        Align::Left => _ = put(buf, x, y, width, &column.title, theme.style(Role::Head)),
                        Align::Right => put_right(buf, x, y, width, &column.title, theme.style(Role::Head)),
                    }
                    x += width + 2;
                }
            }
            Line::Row(i, row, at) => {
                let (Some(table), Some(fitted)) = (listing.tables.get(*i), fitted.get(*i)) else { continue };
                let here = *at == view.cursor.at;
                let bad = table.targets.get(*row).is_some_and(|t| t.bad);
                if here {
                    fill_row(buf, Rect { y, height: 1, ..area }, y, ' ', theme.style(Role::Cursor));
                    put(buf, area.x, y, 1, "▸", theme.style(Role::Cursor));
                }
                let mut x = area.x + GUTTER;
                for &(c, width) in fitted {
                    let cell = table.table.rows.get(*row).and_then(|r| r.get(c)).map_or("", String::as_str);
                    let style = theme.style(match () {
                        () if here => Role::Cursor,
                        () if contains(cell, &state.search) => Role::Match,
                        () if bad => Role::Error,
                        () => Role::Text,
                    });
                    match table.table.columns[c].align {
                        Align::Left => _ = put(buf, x, y, width, cell, style),
                        Align::Right => put_right(buf, x, y, width, cell, style),
                    }
                    x += width + 2;
                }
            }
        }
    }
}
