//! The pair board: local × remote, what the pair under the cursor says, and why the session went as it did.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::placeholder;
use crate::correlate::ice::{IceState, PairState};
use crate::tui::state::{BoardState, State};
use crate::tui::theme::Role;
use crate::tui::widgets::text::{fill_row, fit, put, put_right, width, wrap_words};
use crate::view::ice::{Board, BoardCell, End};

/// Narrowest column of a cell.
const NARROW: usize = 12;
/// As wide as what cells commonly say; longer words are read below.
const COMMON: usize = 18;
/// Widest column of a cell.
const WIDE: usize = 24;

/// The lines of the words below.
fn word_lines(view: &BoardState, width: u16) -> Vec<(Role, String)> {
    let room = usize::from(width.saturating_sub(2));
    let all = words(view, times_fit(view, width));
    all.into_iter()
        .flat_map(|(role, text)| wrap_words(&text, room).into_iter().map(move |piece| (role, piece)))
        .collect()
}

/// The times stand behind the components, if there is room.
fn times_fit(view: &BoardState, columns: u16) -> bool {
    let times = view.data.as_ref().map_or(0, |d| width(&d.times));
    width(&components(view)) + times + 4 <= usize::from(columns)
}

/// How many lines of the words are out of sight while the first stands on top.
pub fn words_beyond(view: &BoardState, area: Rect) -> usize {
    let place = place(view, area);
    word_lines(view, area.width).len().saturating_sub(usize::from(place.foot))
}

/// How a board stands on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Title, times and components above the board.
    head: u16,
    /// Columns of the row titles, and of each cell.
    stub: u16,
    cell: u16,
    /// Rows and columns that fit.
    rows: usize,
    columns: usize,
    /// Lines of words below.
    foot: u16,
}

/// In few words, for the head of a row or column.
fn title_of(end: &End) -> String {
    end.title.replace(", learnt from checks", ", learnt")
}

fn end_width(end: &End) -> usize {
    width(&title_of(end)).min(WIDE).max(width(&end.address))
}

/// Whose candidates stand below and beside the corner.
fn owner(board: &Board) -> String {
    format!("{} ↓   {} →", board.a, board.b)
}

/// What is said below the board: of the pair, then why.
fn words(view: &BoardState, times_fit: bool) -> Vec<(Role, String)> {
    let mut out = Vec::new();
    if let Some(data) = &view.data {
        if !times_fit {
            out.push((Role::Text, data.times.clone()));
        }
        match view.pair() {
            Some(p) => out.push((Role::Title, data.pair_words(p))),
            None => {
                if let Some((a, b)) = view.ends() {
                    let text =
                        format!("{} {} ↔ {} {}: no pair of the two", a.title, a.address, b.title, b.address);
                    out.push((Role::Dim, text));
                }
            }
        }
        out.extend(data.why.iter().map(|line| (Role::Text, line.clone())));
    }
    out
}

fn place(view: &BoardState, area: Rect) -> Place {
    let room = usize::from(area.width);
    let head = 2;
    let (stub, cells, ends, count) = match &view.shown {
        Some(board) => {
            let stub = board.rows.iter().map(|e| width(&title_of(e)).min(WIDE) + 1 + width(&e.address)).max();
            let cells = board.cells.iter().flatten().map(|c| width(&c.words())).max().unwrap_or(0);
            let ends = board.columns.iter().map(end_width).max().unwrap_or(0);
            (stub.unwrap_or(0) + 1, cells, ends, board.columns.len())
        }
        None => (0, 0, 0, 0),
    };
    let stub = stub.min(room * 2 / 5).max(8);
    let left = room.saturating_sub(stub + 2);
    let fair = left / count.max(1);
    // What the cells say is read whole; the addresses above them have what is left.
    let least = cells.clamp(NARROW, COMMON);
    let cell = cells.max(ends).clamp(least, WIDE).min(fair.saturating_sub(2)).max(least);
    let columns = (left / (cell + 2)).max(1);
    // Room that no column needs lets the names above the row titles be read.
    let spare = left.saturating_sub(count * (cell + 2)).min(room * 2 / 5);
    let stub = stub.max(view.shown.as_ref().map_or(0, |b| width(&owner(b)).min(stub + spare)));
    let wanted = word_lines(view, area.width).len();
    let lines = usize::from(area.height).saturating_sub(head + 4);
    let needed = view.size().0;
    // The board keeps a third of the height at least.
    let rows = needed.min(lines.saturating_sub(wanted)).max(needed.min(lines / 3)).max(1);
    let foot = lines.saturating_sub(rows);
    Place { head: head as u16, stub: stub as u16, cell: cell as u16, rows, columns, foot: foot as u16 }
}

/// Rows and columns of the board that fit the screen.
pub fn fits(view: &BoardState, area: Rect) -> (usize, usize) {
    let place = place(view, area);
    (place.rows, place.columns)
}

/// The cell drawn at a place of the screen.
pub fn cell_of(view: &BoardState, area: Rect, x: u16, y: u16) -> Option<(usize, usize)> {
    let place = place(view, area);
    let top = area.y + place.head + 3;
    let left = area.x + place.stub + 2;
    let (row, column) =
        (usize::from(y.checked_sub(top)?), usize::from(x.checked_sub(left)? / (place.cell + 2)));
    let (rows, columns) = view.size();
    let at = (view.row.top + row, view.column.top + column);
    (row < place.rows && column < place.columns && at.0 < rows && at.1 < columns).then_some(at)
}

fn role(cell: &BoardCell) -> Role {
    match cell.state {
        _ if cell.chosen => Role::Good,
        Some(PairState::Succeeded) => Role::Good,
        Some(PairState::Failed | PairState::Unanswered) => Role::Error,
        _ => Role::Dim,
    }
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, view: &BoardState) {
    let theme = state.theme;
    let Some(data) = &view.data else {
        let text = match view.gone {
            true => "This session is no more: its media section was declined.",
            false => "reading …",
        };
        return placeholder::say(buf, area, theme, text);
    };
    let style = |role| theme.style(role);
    let state_width = width(&data.state) as u16 + 2;
    put(buf, area.x + 1, area.y, area.width.saturating_sub(state_width + 2), &data.title, style(Role::Title));
    let outcome = match data.session.state {
        IceState::Connected => Role::Good,
        IceState::Failed => Role::Error,
        IceState::Incomplete => Role::Warning,
        IceState::NotStarted => Role::Dim,
    };
    put_right(buf, area.x, area.y, area.width - 1, &data.state, style(outcome));
    put(buf, area.x + 1, area.y + 1, area.width - 2, &components(view), style(Role::Dim));
    if times_fit(view, area.width) {
        put_right(buf, area.x, area.y + 1, area.width - 1, &data.times, style(Role::Dim));
    }
    let Some(board) = &view.shown else {
        let below = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
        return placeholder::say(buf, below, theme, "No candidates and no checks: nothing to pair.");
    };
    let place = place(view, area);
    let mut y = area.y + place.head;
    let x0 = area.x + 1;
    let cells_at = |k: usize| area.x + place.stub + 2 + k as u16 * (place.cell + 2);
    let shown = (view.column.top..board.columns.len()).take(place.columns);
    put(buf, x0, y, place.stub, &fit(&owner(board), usize::from(place.stub)), style(Role::Head));
    for (k, at) in shown.clone().enumerate() {
        let Some(end) = board.columns.get(at) else { continue };
        let here = at == view.column.at;
        let role = if here { Role::Head } else { Role::Text };
        put(buf, cells_at(k), y, place.cell, &title_of(end), style(role));
        put(
            buf,
            cells_at(k),
            y + 1,
            place.cell,
            &address(&end.address, usize::from(place.cell)),
            style(Role::Dim),
        );
    }
    let more = board.columns.len().saturating_sub(view.column.top + place.columns);
    let hidden = match (view.column.top, more) {
        (0, 0) => String::new(),
        (0, n) => format!("{n} more ›"),
        (n, 0) => format!("‹ {n} more"),
        (l, r) => format!("‹ {l} more, {r} more ›"),
    };
    put(buf, x0, y + 1, place.stub, &hidden, style(Role::Warning));
    y += 2;
    fill_row(buf, Rect { x: area.x, y, width: area.width, height: 1 }, y, '─', style(Role::Rule));
    put(buf, area.x + place.stub + 1, y, 1, "┼", style(Role::Rule));
    for up in 1..=2 {
        put(buf, area.x + place.stub + 1, y - up, 1, "│", style(Role::Rule));
    }
    y += 1;
    for at in (view.row.top..board.rows.len()).take(place.rows) {
        let Some(end) = board.rows.get(at) else { break };
        let here = at == view.row.at;
        let room = usize::from(place.stub);
        // The address tells ends apart; of a long title its beginning is enough.
        let least = width(&title_of(end)).min(14);
        let title_room = room.saturating_sub(width(&end.address) + 1).max(least).min(room);
        let title = fit(&title_of(end), title_room).into_owned();
        let used = (width(&title) + 1).min(room);
        put(buf, x0, y, place.stub, &title, style(if here { Role::Head } else { Role::Text }));
        let rest = room - used;
        put(buf, x0 + used as u16, y, rest as u16, &address(&end.address, rest), style(Role::Dim));
        put(buf, area.x + place.stub + 1, y, 1, "│", style(Role::Rule));
        for (k, column) in shown.clone().enumerate() {
            let Some(cell) = view.cell_at(at, column) else { continue };
            let words = cell.words();
            let cursor = here && column == view.column.at;
            let style = if cursor { style(Role::Cursor) } else { style(role(cell)) };
            if cursor {
                let blank = " ".repeat(usize::from(place.cell));
                put(buf, cells_at(k), y, place.cell, &blank, style);
            }
            put(buf, cells_at(k), y, place.cell, &words, style);
        }
        y += 1;
    }
    if view.row.top + place.rows < board.rows.len() || view.row.top > 0 {
        let last = (view.row.top + place.rows).min(board.rows.len());
        let text = format!(" rows {}–{last} of {} ", view.row.top + 1, board.rows.len());
        fill_row(buf, Rect { x: area.x, y, width: area.width, height: 1 }, y, '─', style(Role::Rule));
        put(buf, x0, y, place.stub, &text, style(Role::Warning));
    } else {
        fill_row(buf, Rect { x: area.x, y, width: area.width, height: 1 }, y, '─', style(Role::Rule));
    }
    put(buf, area.x + place.stub + 1, y, 1, "┴", style(Role::Rule));
    y += 1;
    let words_top = y;
    let lines = word_lines(view, area.width);
    let beyond = lines.len().saturating_sub(view.words + usize::from(place.foot));
    for (role, line) in lines.iter().skip(view.words) {
        if y >= area.bottom() {
            break;
        }
        put(buf, x0, y, area.width.saturating_sub(2), line, style(*role));
        y += 1;
    }
    if beyond > 0 || view.words > 0 {
        let text = if beyond > 0 { format!(" J {beyond} more ↓ ") } else { " K ↑ ".to_owned() };
        put_right(buf, area.x, words_top - 1, area.width - 1, &text, style(Role::Warning));
    }
}

/// Which component is on the screen, what states there are, and what is left out.
fn components(view: &BoardState) -> String {
    let Some(data) = &view.data else { return String::new() };
    let all: Vec<String> = data
        .boards
        .iter()
        .enumerate()
        .map(|(i, b)| match i == view.component {
            true => format!("[{}]", component(b.component)),
            false => component(b.component),
        })
        .collect();
    let mut out = format!("component {}", all.join(" "));
    let states = [
        (PairState::Succeeded, "✓"),
        (PairState::Failed, "✗"),
        (PairState::Unanswered, "✗"),
        (PairState::NotChecked, "–"),
    ];
    for (state, sign) in states {
        let n = view.count(state);
        if n > 0 {
            let words = crate::view::ice::pair_state_words(state);
            let only = if view.only == Some(state) { "only " } else { "" };
            out.push_str(&format!("   {only}{sign} {n} {words}"));
        }
    }
    if let Some((a, b)) = data.boards.get(view.component).map(|b| b.left_out).filter(|n| *n != (0, 0)) {
        out.push_str(&format!("   {a} rows and {b} columns beyond the limit"));
    }
    if data.session.pairs_not_kept > 0 {
        out.push_str(&format!("   {} pairs beyond the limit", data.session.pairs_not_kept));
    }
    out
}

fn component(number: u16) -> String {
    match number {
        1 => "1 RTP".to_owned(),
        2 => "2 RTCP".to_owned(),
        n => n.to_string(),
    }
}

/// An address where it is short of room: the end of it, which has the port, is what tells them apart.
fn address(text: &str, room: usize) -> String {
    if width(text) <= room || room < 8 {
        return fit(text, room).into_owned();
    }
    let port = text.rfind(':').map_or("", |i| &text[i..]);
    let head = room.saturating_sub(width(port) + 1);
    let start: String = text.chars().take(head).collect();
    format!("{start}…{port}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_port_of_an_address_stays() {
        assert_eq!(super::address("192.168.100.112:45621", 30), "192.168.100.112:45621");
        assert_eq!(super::address("[fe80::4407:7cff:fe3c:49c1]:56601", 16), "[fe80::44…:56601");
        assert_eq!(super::address("(refused 401)", 9), "(refused…");
    }
}
