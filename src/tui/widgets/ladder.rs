//! A ladder: machines as columns, messages as arrows between them.
//!
//! ```text
//! ▸    0.000000   Alice             Proxy             Bob
//!              10.0.0.1:5060    10.0.0.2:5060     10.0.0.3:5060
//!                  ├─── INVITE offer ──▶│                 │
//!                  │◀───── 100 Trying ──┤                 │
//! ```

mod short;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::text::{fit, put, put_center, put_right, width, wrap_words};
use crate::capture::Nanos;
use crate::correlate::MsgIdx;
use crate::tui::layout;
use crate::tui::state::{ColorMode, ladder_row, note_line};
use crate::tui::theme::{Role, Theme};
use crate::view::ladder::{Ladder, LadderRow, Tone};
use crate::view::show::{self, TimeMode};

/// Least columns between two lifelines.
const MIN_SPACING: u16 = 15;
/// Columns beside the outer lifelines, at most.
const MARGIN: u16 = 9;
/// Columns between two lifelines in which common labels fit, and in which they can be read at all.
const GOOD_SPACING: u16 = 27;
const FAIR_SPACING: u16 = 18;
/// Cursor, mark, leg, and a blank.
const GUTTER: u16 = 4;

#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Paths of all rows.
    pub rows: &'a [Vec<usize>],
    /// First row on the screen, and the row of the cursor.
    pub top: usize,
    pub at: usize,
    /// First lifeline on the screen.
    pub left: usize,
    pub legs: usize,
    pub marks: &'a [MsgIdx],
    pub flawed: &'a [MsgIdx],
    pub time: TimeMode,
    /// How the start is told where the rows have no clock times.
    pub clock: TimeMode,
    pub color: ColorMode,
    pub search: &'a str,
    /// Columns that a note has before it goes on below.
    pub note_room: usize,
    /// Unfolded runs are those that have rows of their own after them.
    pub open: &'a std::collections::HashSet<Vec<usize>>,
}

/// Where the lifelines stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// Left end of the part that holds them.
    pub x: u16,
    pub width: u16,
    /// Before the first lifeline, and about as much behind the last.
    pub margin: u16,
    pub spacing: u16,
    pub first: usize,
    pub shown: usize,
}

impl Lanes {
    pub fn new(x: u16, width: u16, lifelines: usize, left: usize) -> Self {
        let fit = usize::from((width / MIN_SPACING).max(1));
        let shown = lifelines.min(fit).max(1);
        let first = left.min(lifelines.saturating_sub(shown));
        let margin = (width / (2 * shown as u16)).min(MARGIN);
        let spacing = match shown as u16 - 1 {
            0 => width,
            gaps => width.saturating_sub(2 * margin + 1) / gaps,
        };
        Self { x, width, margin, spacing, first, shown }
    }

    /// Column of a lifeline; those beyond the screen stand at its edge.
    pub fn column(&self, lifeline: usize) -> u16 {
        if lifeline < self.first {
            return self.x;
        }
        let k = lifeline - self.first;
        if k >= self.shown {
            return self.x + self.width.saturating_sub(1);
        }
        self.x + self.margin + self.spacing * k as u16
    }

    fn visible(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.shown
    }
}

/// Columns that a note of a ladder in `width` columns has before it goes on below.
pub fn note_room(width: u16, time: TimeMode) -> usize {
    // The sign before it, the blank behind it, and a column at both ends.
    usize::from(width.saturating_sub(GUTTER + clock_width(time) + 1 + 5).max(20))
}

/// Columns of the times, as a rule.
fn clock_width(time: TimeMode) -> u16 {
    if matches!(time, TimeMode::Utc | TimeMode::Local) { 15 } else { 10 }
}

/// Columns that a ladder of so many lifelines needs for common labels, and for shortened ones.
pub fn wanted_width(lifelines: usize, time: TimeMode) -> (u16, u16) {
    let clock = clock_width(time);
    let gaps = lifelines.saturating_sub(1).min(200) as u16;
    let edge = GUTTER + clock + 2 + 2 * MARGIN;
    (edge + gaps * GOOD_SPACING, edge + gaps * FAIR_SPACING)
}

fn row_time(row: &LadderRow) -> Nanos {
    match row {
        LadderRow::Arrow { time, .. }
        | LadderRow::Fold { time, .. }
        | LadderRow::Gap { time, .. }
        | LadderRow::Note { time, .. } => *time,
    }
}

/// What is searched and copied of a row.
pub fn row_text(row: &LadderRow) -> String {
    match row {
        LadderRow::Arrow { label, retransmissions: 0, .. } | LadderRow::Fold { label, .. } => label.clone(),
        LadderRow::Arrow { label, retransmissions, .. } => {
            format!("{label} +{retransmissions}\u{a0}retrans.")
        }
        LadderRow::Gap { length, .. } => format!("{} without a message", show::duration(*length)),
        LadderRow::Note { text, .. } => text.clone(),
    }
}

/// Times of the rows on the screen, and how wide they are.
fn times(ladder: &Ladder, look: Look<'_>, height: usize) -> (Vec<String>, u16) {
    let time_of = |at: usize| look.rows.get(at).and_then(|p| ladder_row(&ladder.rows, p)).map(row_time);
    let texts: Vec<String> = (look.top..look.rows.len().min(look.top + height))
        .map(|at| {
            let time = time_of(at).unwrap_or(ladder.start);
            let previous = at.checked_sub(1).and_then(time_of).unwrap_or(ladder.start);
            show::time(time, look.time, ladder.start, previous)
        })
        .collect();
    let widest = texts.iter().map(|t| width(t)).max().unwrap_or(0).max(10);
    (texts, widest.min(30) as u16)
}

pub fn lanes(ladder: &Ladder, area: Rect, look: Look<'_>) -> Lanes {
    let height = usize::from(layout::ladder_rows(area).height);
    let (_, time_width) = times(ladder, look, height);
    let x = area.x + GUTTER + time_width + 1;
    Lanes::new(x, area.right().saturating_sub(x), ladder.lifelines.len(), look.left)
}

pub fn draw(buf: &mut Buffer, area: Rect, ladder: &Ladder, look: Look<'_>, theme: Theme) {
    let rows = layout::ladder_rows(area);
    let (times, time_width) = times(ladder, look, usize::from(rows.height));
    let x = area.x + GUTTER + time_width + 1;
    let lanes = Lanes::new(x, area.right().saturating_sub(x), ladder.lifelines.len(), look.left);
    heads(buf, area, ladder, lanes, theme);
    if matches!(look.time, TimeMode::Relative | TimeMode::Delta) && !ladder.rows.is_empty() {
        let start = show::time_short(ladder.start, look.clock, ladder.start, ladder.start);
        put_right(buf, area.x + GUTTER, area.y + 2, time_width, &start, theme.style(Role::Dim));
    }
    for ((y, at), time) in (rows.top()..rows.bottom()).zip(look.top..).zip(&times) {
        let Some(path) = look.rows.get(at) else { break };
        let Some(row) = ladder_row(&ladder.rows, path) else { break };
        // A note has its time once, and is one row for the cursor.
        let line = note_line(&ladder.rows, path);
        let here = at.checked_sub(line) == Some(look.at);
        let time_role = if here { Role::Cursor } else { Role::Dim };
        let time = if line > 0 { "" } else { time };
        put_right(buf, area.x + GUTTER, y, time_width, time, theme.style(time_role));
        if here && line == 0 {
            put(buf, area.x, y, 1, "▸", theme.style(Role::Mark));
        }
        if path.len() > 1 && line == 0 {
            put(buf, area.x + 2, y, 1, "·", theme.style(Role::Dim));
        }
        let vertical = if matches!(row, LadderRow::Gap { .. }) { "┊" } else { "│" };
        for lifeline in lanes.visible() {
            put(buf, lanes.column(lifeline), y, 1, vertical, theme.style(Role::Rule));
        }
        let pen = Pen { y, line, lanes, theme, here, right: area.right(), search: look.search };
        draw_row(buf, area, row, path, look, pen);
    }
}

/// Where and how a row is drawn.
#[derive(Debug, Clone, Copy)]
struct Pen<'a> {
    y: u16,
    /// Of a note that takes several.
    line: usize,
    lanes: Lanes,
    theme: Theme,
    here: bool,
    right: u16,
    search: &'a str,
}

impl Pen<'_> {
    fn label_style(&self, line: Style, text: &str) -> Style {
        if self.here {
            line.patch(self.theme.style(Role::Cursor)).remove_modifier(Modifier::DIM)
        } else if super::table::contains(text, self.search) {
            self.theme.style(Role::Match)
        } else {
            line
        }
    }
}

fn heads(buf: &mut Buffer, area: Rect, ladder: &Ladder, lanes: Lanes, theme: Theme) {
    put(buf, area.x + 1, area.y, area.width.saturating_sub(2), &ladder.title, theme.style(Role::Title));
    let hidden_left = lanes.first;
    let hidden_right = ladder.lifelines.len().saturating_sub(lanes.first + lanes.shown);
    for i in lanes.visible() {
        let Some(lifeline) = ladder.lifelines.get(i) else { break };
        let column = lanes.column(i);
        // Names stand over their lifelines; at the edges they move inwards rather than being cut.
        let at_left = if i == lanes.first { lanes.margin } else { lanes.spacing.saturating_sub(2) / 2 };
        let at_right = if i + 1 == lanes.first + lanes.shown {
            (lanes.x + lanes.width).saturating_sub(column + 1)
        } else {
            lanes.spacing.saturating_sub(1) / 2
        };
        let room = at_left + at_right + 1;
        let head = |buf: &mut Buffer, y: u16, text: &str, style: Style| {
            let taken = (width(text) as u16).min(room);
            let least = column.saturating_sub(at_left);
            let start = column.saturating_sub(taken / 2).clamp(least, least + room - taken);
            put(buf, start, y, taken, text, style);
        };
        let mut style = theme.style(Role::Head);
        let mut name = lifeline.name.clone();
        if name == lifeline.address {
            style = theme.style(Role::Text);
            if let Some(role) = &lifeline.role {
                name = role.clone();
            }
        }
        head(buf, area.y + 1, &name, style);
        let below = match &lifeline.role {
            _ if lifeline.name == lifeline.address && lifeline.role.is_none() => String::new(),
            Some(role) if width(role) + width(&lifeline.address) + 1 < usize::from(room) && name != *role => {
                format!("{role} {}", lifeline.address)
            }
            _ => lifeline.address.clone(),
        };
        head(buf, area.y + 2, &below, theme.style(Role::Dim));
    }
    let more = match (hidden_left, hidden_right) {
        (0, 0) => return,
        (l, 0) => format!("‹{l} more"),
        (0, r) => format!("{r} more›"),
        (l, r) => format!("‹{l} {r}›"),
    };
    put(buf, area.x, area.y + 1, lanes.x.saturating_sub(area.x), &more, theme.style(Role::Warning));
}

fn draw_row(buf: &mut Buffer, area: Rect, row: &LadderRow, path: &[usize], look: Look<'_>, pen: Pen<'_>) {
    let Pen { y, lanes, theme, .. } = pen;
    match row {
        LadderRow::Arrow { from, to, label, tone, message, leg, .. } => {
            if message.is_some_and(|m| look.marks.contains(&m)) {
                put(buf, area.x + 1, y, 1, "*", theme.style(Role::Mark));
            }
            if look.legs > 1 && path.len() == 1 {
                let name = (leg + 1).to_string();
                put_right(buf, area.x + 2, y, 1, &name, theme.style(Role::Nth(*leg)));
            }
            let style = theme.style(match look.color {
                ColorMode::Leg if look.legs > 1 => Role::Nth(*leg),
                ColorMode::Method => Role::Nth(method_number(label)),
                _ => Role::Tone(*tone),
            });
            let mut text = row_text(row);
            if message.is_some_and(|m| look.flawed.contains(&m)) {
                text.insert_str(0, "▲ ");
            }
            arrow(buf, *from, *to, &text, style, ['─', '├', '┤'], pen, row);
        }
        LadderRow::Fold { from, to, one_way, label, tone, .. } => {
            let style = theme.style(Role::Tone(*tone));
            let line = if *tone == Tone::Media { '▓' } else { '═' };
            let sign = if look.open.contains(path) { "▾" } else { "▸" };
            let (a, b) = if *one_way { (*from, *to) } else { (*from.min(to), *from.max(to)) };
            arrow(buf, a, b, &format!("{sign} {label}"), style, [line, '║', '║'], pen, row);
        }
        LadderRow::Gap { .. } => {
            let text = format!(" {} ", row_text(row));
            let style = pen.label_style(theme.style(Role::Dim), &text);
            put_center(buf, lanes.x, y, lanes.width, &text, style);
        }
        LadderRow::Note { text, .. } => {
            let style = pen.label_style(theme.style(Role::Tone(Tone::Note)), text);
            let lines = wrap_words(text, look.note_room);
            let words = lines.get(pen.line).map_or("", String::as_str);
            let sign = if pen.line == 0 { "·" } else { " " };
            put(buf, lanes.x + 1, y, lanes.width.saturating_sub(2), &format!("{sign} {words} "), style);
        }
    }
}

/// Requests by their method, responses by their class.
fn method_number(label: &str) -> usize {
    let word = label.split_whitespace().next().unwrap_or("");
    match word.parse::<u16>() {
        Ok(status) => usize::from(status / 100),
        Err(_) => word.bytes().fold(7usize, |h, b| h.wrapping_mul(31).wrapping_add(usize::from(b))),
    }
}

#[expect(clippy::too_many_arguments, reason = "one drawing step, called from two places")]
fn arrow(
    buf: &mut Buffer,
    from: usize,
    to: usize,
    text: &str,
    style: Style,
    [line, left_end, right_end]: [char; 3],
    pen: Pen<'_>,
    row: &LadderRow,
) {
    let Pen { y, lanes, .. } = pen;
    let label_style = pen.label_style(style, text);
    let (xa, xb) = (lanes.column(from.min(to)), lanes.column(from.max(to)));
    if xa == xb {
        // To itself, or both ends beyond the same edge.
        let room = pen.right.saturating_sub(xa + 2);
        if usize::from(room) >= width(text).min(14) {
            put(buf, xa, y, 2, "├↺", style);
            put(buf, xa + 3, y, room.saturating_sub(1), text, label_style);
        } else {
            let start = lanes.x.max(xa.saturating_sub(width(text) as u16 + 2));
            put(buf, xa.saturating_sub(1), y, 2, "↺┤", style);
            put_right(buf, start, y, xa.saturating_sub(start + 2), text, label_style);
        }
        return;
    }
    let inside = xb - xa - 1;
    for x in xa + 1..xb {
        put(buf, x, y, 1, line.encode_utf8(&mut [0; 4]), style);
    }
    let plain = line == '─';
    let forward = from < to;
    let one_way = matches!(row, LadderRow::Fold { one_way: true, .. });
    let (at_left, at_right) = match (plain || one_way, forward) {
        (true, true) => (left_end, '│'),
        (true, false) => ('│', right_end),
        (false, _) => (left_end, right_end),
    };
    let visible = lanes.visible();
    for (lifeline, x, c) in [(from.min(to), xa, at_left), (from.max(to), xb, at_right)] {
        let c = if visible.contains(&lifeline) { c } else { line };
        put(buf, x, y, 1, c.encode_utf8(&mut [0; 4]), style);
    }
    if plain {
        if forward {
            put(buf, xb - 1, y, 1, "▶", style);
        } else {
            put(buf, xa + 1, y, 1, "◀", style);
        }
    } else {
        let both = !one_way && line == '═';
        if both || one_way && !forward {
            put(buf, xa + 1, y, 1, "◀", style);
        }
        if both || one_way && forward {
            put(buf, xb - 1, y, 1, "▶", style);
        }
    }
    let inside_room = usize::from(inside.saturating_sub(4));
    let hidden = |lifeline: usize| !visible.contains(&lifeline);
    if width(text) > inside_room && inside < lanes.spacing.saturating_sub(1) {
        // The other end is beyond the screen, and its stump too short for words: they stand on the other side.
        let room = lanes.spacing.saturating_sub(3);
        let words = short::shorten(text, usize::from(room));
        if hidden(from.min(to)) && !hidden(from.max(to)) {
            put(buf, xb + 2, y, room, &words, label_style);
            return;
        } else if hidden(from.max(to)) && !hidden(from.min(to)) && xa > lanes.x + room {
            put_right(buf, xa - 1 - room, y, room, &words, label_style);
            return;
        }
    }
    // The head and a blank on both sides; runs have two heads.
    let heads = if plain { 1 } else { 2 };
    let columns = usize::from(inside.saturating_sub(heads + 2));
    // The screen's last column stays free.
    let behind = pen.right.saturating_sub(xb + 3);
    let (on, beside) = row.split(text, columns, usize::from(behind));
    let within = short::shorten(on, columns);
    if within.is_empty() {
        return;
    }
    if !beside.is_empty() {
        let rest = fit(beside, usize::from(behind));
        put(buf, xb + 2, y, behind + 1, &format!("{rest} "), label_style);
    }
    let taken = width(&within) as u16 + 2;
    let first = if plain && forward { xa + 1 } else { xa + 2 };
    let last = if plain && !forward { xb } else { xb - 1 };
    let room = last.saturating_sub(first);
    // With room to spare, a piece of the line is seen at both ends.
    let start = first + room.saturating_sub(taken) / 2;
    put(buf, start, y, room.min(taken), &format!(" {within} "), label_style);
}

/// The row of a click, if it is one.
pub fn row_at(area: Rect, top: usize, y: u16) -> Option<usize> {
    let rows = layout::ladder_rows(area);
    (y >= rows.top() && y < rows.bottom()).then(|| top + usize::from(y - rows.top()))
}

#[cfg(test)]
#[path = "ladder_tests.rs"]
mod tests;
