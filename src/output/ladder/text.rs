//! The ladder on a grid of characters.

use std::io::{self, Write};

use unicode_width::UnicodeWidthChar;

use super::{frame_name, row_time, several_captures, with_repeats};
use crate::output::table::clean;
use crate::output::text::{pad, sgr, shorten, to_ascii, width};
use crate::view::ladder::{Ladder, LadderRow, Tone};
use crate::view::show::{self, TimeMode};

/// Fewest columns from one lifeline to the next.
const NARROWEST: usize = 12;
/// Columns of a label from which on it may stand beside its arrow, where that carries no message of SIP.
const BESIDE: usize = 30;
/// Most columns from one lifeline to the next.
const WIDEST: usize = 48;

struct Symbols {
    line: char,
    start_right: char,
    start_left: char,
    right: char,
    left: char,
    shaft: char,
    crossing: char,
    double: char,
    double_right: char,
    double_left: char,
    band: char,
    band_edge: char,
    pause: char,
    back: &'static str,
    repeat: char,
    note: &'static str,
}

const UNICODE: Symbols = Symbols {
    line: '│',
    start_right: '├',
    start_left: '┤',
    right: '▶',
    left: '◀',
    shaft: '─',
    crossing: '┼',
    double: '═',
    double_right: '▶',
    double_left: '◀',
    band: '▓',
    band_edge: '║',
    pause: '┊',
    back: "─↺",
    repeat: '×',
    note: "· ",
};

const ASCII: Symbols = Symbols {
    line: '|',
    start_right: '|',
    start_left: '|',
    right: '>',
    left: '<',
    shaft: '-',
    crossing: '+',
    double: '=',
    double_right: '>',
    double_left: '<',
    band: '#',
    band_edge: '|',
    pause: ':',
    back: "-@",
    repeat: 'x',
    note: "* ",
};

fn color_of(tone: Tone) -> &'static str {
    match tone {
        Tone::Request => sgr::CYAN,
        Tone::Provisional => "",
        Tone::Success => sgr::GREEN,
        Tone::Redirect => sgr::YELLOW,
        Tone::Failure => sgr::RED,
        Tone::Media => sgr::MAGENTA,
        Tone::Stun => sgr::BLUE,
        Tone::Dim | Tone::Note => sgr::DIM,
    }
}

/// A line of cells; a wide character leaves the cell after it empty.
struct Line {
    cells: Vec<(char, Option<Tone>)>,
}

/// Stands behind a wide character.
const COVERED: char = '\0';

impl Line {
    fn new(columns: usize) -> Self {
        Self { cells: vec![(' ', None); columns] }
    }

    fn set(&mut self, at: usize, c: char, tone: Option<Tone>) {
        if at >= self.cells.len() {
            self.cells.resize(at + 1, (' ', None));
        }
        if let Some(cell) = self.cells.get_mut(at) {
            *cell = (c, tone);
        }
    }

    /// Writes text; characters without width are left out.
    fn text(&mut self, at: usize, text: &str, tone: Option<Tone>) {
        let mut column = at;
        for c in text.chars() {
            let w = c.width().unwrap_or(0);
            if w == 0 {
                continue;
            }
            self.set(column, c, tone);
            for covered in 1..w {
                self.set(column + covered, COVERED, tone);
            }
            column += w;
        }
    }

    fn write(&self, out: &mut dyn Write, head: &str, color: bool) -> io::Result<()> {
        let end = self.cells.iter().rposition(|c| c.0 != ' ').map_or(0, |i| i + 1);
        let mut text = String::from(head);
        let mut current = "";
        for &(c, tone) in self.cells.iter().take(end) {
            let wanted = if color { tone.map_or("", color_of) } else { "" };
            if wanted != current {
                if !current.is_empty() {
                    text.push_str(sgr::RESET);
                }
                text.push_str(wanted);
                current = wanted;
            }
            if c != COVERED {
                text.push(c);
            }
        }
        if !current.is_empty() {
            text.push_str(sgr::RESET);
        }
        writeln!(out, "{}", text.trim_end())
    }
}

struct Drawing<'a> {
    ladder: &'a Ladder,
    symbols: &'a Symbols,
    ascii: bool,
    color: bool,
    mode: TimeMode,
    several: bool,
    /// Columns of the time and frame in front of the lifelines.
    time_columns: usize,
    frame_columns: usize,
    pitch: usize,
    columns: usize,
}

pub(super) fn draw(
    out: &mut dyn Write,
    ladder: &Ladder,
    width_wanted: usize,
    mode: TimeMode,
    color: bool,
    ascii: bool,
) -> io::Result<()> {
    let several = several_captures(&ladder.rows);
    let mut drawing = Drawing {
        ladder,
        symbols: if ascii { &ASCII } else { &UNICODE },
        ascii,
        color,
        mode,
        several,
        time_columns: 4,
        frame_columns: 5,
        pitch: NARROWEST,
        columns: 0,
    };
    drawing.measure(width_wanted.max(60));
    drawing.head(out)?;
    drawing.rows(out)
}

impl Drawing<'_> {
    fn measure(&mut self, wanted: usize) {
        let rows = &self.ladder.rows;
        let mut previous = self.ladder.start;
        for row in rows {
            let time = row_time(row);
            self.time_columns = self.time_columns.max(width(&self.time(time, previous)));
            previous = time;
            if let LadderRow::Arrow { frame, .. } = row {
                self.frame_columns = self.frame_columns.max(frame_name(*frame, self.several).len());
            }
        }
        let n = self.ladder.lifelines.len().max(1);
        // What the longest names and the arrows between neighbours ask for.
        let names = self.ladder.lifelines.iter().map(|l| width(&l.name).max(width(&l.address)) + 2);
        let labels = rows.iter().filter_map(|row| match row {
            LadderRow::Arrow { from, to, label, retransmissions, message, tone, .. } if from != to => {
                let label = width(&with_repeats(label, *retransmissions, 'x'));
                // Long ones go on beside the arrow; what failed is to be read on it, where there is room at all.
                let beside = message.is_none() && *tone != Tone::Failure;
                let label = if beside { label.min(BESIDE) } else { label };
                Some((label + 9).div_ceil(from.abs_diff(*to).max(1)))
            }
            LadderRow::Fold { from, to, label, tone, .. } if from != to => {
                let label = width(label);
                let label = if *tone == Tone::Media { label.min(BESIDE) } else { label };
                Some((label + 9).div_ceil(from.abs_diff(*to).max(1)))
            }
            _ => None,
        });
        let asked = names.chain(labels).max().unwrap_or(NARROWEST);
        let room = wanted.saturating_sub(self.margin()) / n;
        self.pitch = asked.min(WIDEST).min(room).max(NARROWEST);
        self.columns = wanted.max(self.margin() + n * self.pitch);
    }

    /// Columns before the first lifeline.
    fn margin(&self) -> usize {
        self.time_columns + self.frame_columns + 4
    }

    fn time(&self, time: i64, previous: i64) -> String {
        show::time(time, self.mode, self.ladder.start, previous)
    }

    /// Column of a lifeline, counted from the margin.
    fn at(&self, lifeline: usize) -> usize {
        lifeline.min(self.ladder.lifelines.len().saturating_sub(1)) * self.pitch
    }

    fn plain(&self, text: &str) -> String {
        if self.ascii { to_ascii(&clean(text)) } else { clean(text).into_owned() }
    }

    fn short(&self, text: &str, columns: usize) -> String {
        shorten(&self.plain(text), columns, self.ascii)
    }

    /// Columns behind the margin.
    fn room(&self) -> usize {
        self.columns.saturating_sub(self.margin())
    }

    fn margin_text(&self, time: &str, frame: &str) -> String {
        let mut out = String::new();
        pad(&mut out, &self.plain(time), self.time_columns, true);
        out.push_str("  ");
        pad(&mut out, frame, self.frame_columns, true);
        out.push_str("  ");
        out
    }

    fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        if !self.ladder.title.is_empty() {
            let title = self.plain(&self.ladder.title);
            if self.color {
                writeln!(out, "{}{title}{}", sgr::BOLD, sgr::RESET)?;
            } else {
                writeln!(out, "{title}")?;
            }
        }
        let mut names = Line::new(0);
        let mut addresses = Line::new(0);
        let mut roles = Line::new(0);
        for (i, lifeline) in self.ladder.lifelines.iter().enumerate() {
            let columns = self.pitch.saturating_sub(2);
            names.text(self.at(i), &self.short(&lifeline.name, columns), None);
            if lifeline.address != lifeline.name {
                addresses.text(self.at(i), &self.short(&lifeline.address, columns), Some(Tone::Dim));
            }
            if let Some(role) = &lifeline.role {
                roles.text(self.at(i), &self.short(role, columns), Some(Tone::Dim));
            }
        }
        names.write(out, &self.margin_text("time", "frame"), self.color)?;
        for line in [addresses, roles] {
            if line.cells.iter().any(|c| c.0 != ' ') {
                line.write(out, &self.margin_text("", ""), self.color)?;
            }
        }
        Ok(())
    }

    /// A line with all lifelines standing.
    fn standing(&self, symbol: char) -> Line {
        let mut line = Line::new(self.room());
        for i in 0..self.ladder.lifelines.len() {
            line.set(self.at(i), symbol, Some(Tone::Dim));
        }
        line
    }

    fn rows(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut previous = self.ladder.start;
        for row in &self.ladder.rows {
            let time = row_time(row);
            let mut frame_text = String::new();
            let mut time_text = self.time(time, previous);
            let line = match row {
                LadderRow::Note { text, .. } => {
                    for line in self.note(text) {
                        line.write(out, &self.margin_text(&time_text, ""), self.color)?;
                        time_text.clear();
                    }
                    previous = time;
                    continue;
                }
                LadderRow::Arrow { frame, from, to, label, tone, retransmissions, .. } => {
                    frame_text = frame_name(*frame, self.several);
                    let label = with_repeats(label, *retransmissions, self.symbols.repeat);
                    let (on, beside) = self.split(row, *from, *to, &label);
                    let mut line = self.arrow(*from, *to, on, *tone);
                    self.beside(&mut line, *from, *to, beside, *tone);
                    line
                }
                LadderRow::Fold { from, to, one_way, label, tone, .. } => {
                    let (on, beside) = self.split(row, *from, *to, label);
                    let mut line = self.fold(*from, *to, *one_way, on, *tone);
                    self.beside(&mut line, *from, *to, beside, *tone);
                    line
                }
                LadderRow::Gap { length, .. } => {
                    time_text = String::new();
                    let text = format!("{} later", show::duration(*length));
                    self.remark(self.symbols.pause, &text)
                }
            };
            if !matches!(row, LadderRow::Gap { .. }) {
                previous = time;
            }
            line.write(out, &self.margin_text(&time_text, &frame_text), self.color)?;
        }
        Ok(())
    }

    /// What is told of the whole ladder matters to its last word: as many lines as it takes.
    fn note(&self, text: &str) -> Vec<Line> {
        let sign = self.symbols.note;
        let room = self.room().saturating_sub(4 + width(sign));
        let pieces = show::wrap_words(&self.plain(text), room);
        let blank = " ".repeat(width(sign));
        let lines = pieces.iter().enumerate().map(|(i, piece)| {
            let sign = if i == 0 { sign } else { blank.as_str() };
            self.remark(self.symbols.line, &format!("{sign}{piece}"))
        });
        lines.collect()
    }

    fn remark(&self, symbol: char, text: &str) -> Line {
        let mut line = self.standing(symbol);
        let text = format!(" {} ", self.short(text, self.room().saturating_sub(4)));
        line.text(2, &text, Some(Tone::Note));
        line
    }

    fn arrow(&self, from: usize, to: usize, label: &str, tone: Tone) -> Line {
        let s = self.symbols;
        let mut line = self.standing(s.line);
        let (a, b) = (self.at(from), self.at(to));
        if a == b {
            let room = self.room().saturating_sub(a + 8);
            line.set(a, s.start_right, Some(tone));
            line.text(a + 1, s.back, Some(tone));
            line.text(a + 4, &format!("{} ", self.short(label, room)), Some(tone));
            return line;
        }
        let (left, right) = (a.min(b), a.max(b));
        self.shaft(&mut line, left, right, s.shaft, tone);
        if a < b {
            line.set(left, s.start_right, Some(tone));
            line.set(right.saturating_sub(1), s.right, Some(tone));
        } else {
            line.set(right, s.start_left, Some(tone));
            line.set(left + 1, s.left, Some(tone));
        }
        self.label(&mut line, left + 2, right.saturating_sub(2), label, tone);
        line
    }

    /// What of a label stands on the line of its row, and what beside it.
    fn split<'l>(&self, row: &LadderRow, from: usize, to: usize, label: &'l str) -> (&'l str, &'l str) {
        let columns = self.at(from).abs_diff(self.at(to)).saturating_sub(6);
        if from == to {
            return (label, "");
        }
        row.split(label, columns, self.room().saturating_sub(self.at(from.max(to))))
    }

    /// Writes the rest of a label behind the lifelines of its arrow.
    fn beside(&self, line: &mut Line, from: usize, to: usize, text: &str, tone: Tone) {
        if !text.is_empty() {
            let start = self.at(from.max(to)) + 2;
            let text = self.short(text, self.room().saturating_sub(start + 1));
            line.text(start, &format!("{text} "), Some(tone));
        }
    }

    /// A run of like things: media as a band, all else as a double arrow; what goes one way has its head at that end.
    fn fold(&self, from: usize, to: usize, one_way: bool, label: &str, tone: Tone) -> Line {
        let s = self.symbols;
        let mut line = self.standing(s.line);
        let (a, b) = (self.at(from), self.at(to));
        let (left, right) = (a.min(b), a.max(b));
        if left == right {
            let room = self.room().saturating_sub(left + 4);
            line.set(left, s.band_edge, Some(tone));
            line.text(left + 2, &format!("{} ", self.short(label, room)), Some(tone));
            return line;
        }
        let band = tone == Tone::Media;
        self.shaft(&mut line, left, right, if band { s.band } else { s.double }, tone);
        if band {
            // A head stands before the lifeline, which stays in sight.
            for (at, is_head) in [(left, one_way && a > b), (right, one_way && a < b)] {
                if !is_head {
                    line.set(at, s.band_edge, Some(tone));
                }
            }
        }
        let is_head = |to: usize| if one_way { to == b } else { !band };
        if is_head(left) {
            line.set(left + 1, s.double_left, Some(tone));
        }
        if is_head(right) {
            line.set(right.saturating_sub(1), s.double_right, Some(tone));
        }
        self.label(&mut line, left + 2, right.saturating_sub(2), label, tone);
        line
    }

    /// Fills what lies between two lifelines; those in between are crossed.
    fn shaft(&self, line: &mut Line, left: usize, right: usize, fill: char, tone: Tone) {
        for column in left + 1..right {
            let crossed = fill == self.symbols.shaft && column % self.pitch.max(1) == 0;
            line.set(column, if crossed { self.symbols.crossing } else { fill }, Some(tone));
        }
    }

    /// Puts a label into the middle of `left..=right`, with a blank on both sides and some shaft left to see.
    fn label(&self, line: &mut Line, left: usize, right: usize, label: &str, tone: Tone) {
        let columns = (right + 1).saturating_sub(left);
        let text = self.short(label, columns.saturating_sub(3));
        if text.is_empty() {
            return;
        }
        let text = format!(" {text} ");
        let start = left + columns.saturating_sub(width(&text)) / 2;
        line.text(start, &text, Some(tone));
    }
}
