//! A stream over time on a grid of characters: a curve in dots of Braille, or bars of blocks or ASCII.
//!
//! ```text
//!   jitter ms 5┤     ⢀⡀        ○          the curve is what the capture saw, ○ what the receiver reported
//!             0┤⣀⣀⡠⠤⠔⠊⠁⠈⠢⣀⣀⡠⠔⠊⠁⠉⠒⠤⣀⣀⣀⣀
//!       loss %  ▁▁▁▁▁▁▃▁▁▁▁▁  3.1
//!         RTCP       ▴      ▴
//!       events  I   H    R          B
//!              └┬─────────┬─────────┬
//!               0 s       10        20
//! ```

use std::io::{self, Write};

use super::text::{sgr, shorten, width};
use crate::view::media::plot::{Event, Plot, Quantity, Window, round_up};

/// Which characters a plot is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Braille,
    Blocks,
    Ascii,
}

/// What a piece of a plot is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Names, numbers.
    Label,
    Axis,
    /// What the capture saw.
    Seen,
    /// The same where it is a loss.
    Lost,
    /// What the receiver reported.
    Reported,
    Event,
    /// The event that is pointed at.
    Chosen,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub text: String,
    pub ink: Ink,
}

/// How a plot is to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub columns: usize,
    pub rows: usize,
    pub charset: Charset,
    pub window: Window,
    /// Place of the event that is pointed at.
    pub chosen: Option<usize>,
}

/// Columns before the plots: the longest name, a number, an edge.
const MARGIN: usize = 16;
/// Columns behind them, for the highest value of a row of bars.
const BEHIND: usize = 9;
/// Rows of the smallest plot; with fewer, and in fewer columns, nothing is drawn.
pub const LEAST_ROWS: usize = 6;
const LEAST_COLUMNS: usize = MARGIN + BEHIND + 10;

/// How many rows each quantity has of those that are free. A jitter that nobody knows has one, to say so.
fn heights(rows: usize, reports: bool, knows_jitter: bool) -> [usize; 4] {
    // Events, axis and its numbers; reports.
    let free = rows.saturating_sub(3 + usize::from(reports));
    let mut out = [0; 4];
    // The order in which they get their first row, then the order in which they grow.
    let mut all = [0, 1, 3, 2].into_iter().chain([0, 0, 1, 0, 3, 0, 1, 2, 0, 1, 3, 0, 2]).cycle().enumerate();
    let all =
        std::iter::from_fn(|| all.find(|(n, at)| knows_jitter || *at != 0 || *n == 0).map(|(_, at)| at));
    for at in all.take(free.min(60)) {
        if let Some(height) = out.get_mut(at) {
            *height += 1;
        }
    }
    out
}

/// The event that stands in a column of the lines, or in one beside it.
pub fn event_near(plot: &Plot, look: Look, column: usize) -> Option<usize> {
    let inside = look.columns.checked_sub(MARGIN + BEHIND)?;
    let at = column.checked_sub(MARGIN)?;
    let apart = |e: &Event| look.window.column(e.at, inside).map(|c| c.abs_diff(at));
    let near = plot.events.iter().enumerate().filter_map(|(i, e)| Some((apart(e)?, i)));
    near.filter(|(apart, _)| *apart <= 1).min().map(|(_, i)| i)
}

/// The lines of a plot, `look.rows` of them at most.
pub fn lines(plot: &Plot, look: Look) -> Vec<Vec<Run>> {
    if look.columns < LEAST_COLUMNS || look.rows < LEAST_ROWS {
        return Vec::new();
    }
    let inside = look.columns - MARGIN - BEHIND;
    let reports = !plot.reported.is_empty();
    let knows_jitter = plot.points.iter().any(|p| p.jitter_ms.is_some())
        || plot.reported.iter().any(|r| r.jitter_ms.is_some());
    let mut out = Vec::new();
    for (of, height) in Quantity::ALL.into_iter().zip(heights(look.rows, reports, knows_jitter)) {
        panel(plot, of, height, inside, look, &mut out);
    }
    if reports {
        let mut line = Grid::new(inside);
        for r in &plot.reported {
            if let Some(column) = look.window.column(r.at, inside) {
                line.set(column, symbol(look, '▴', '^'), Ink::Reported);
            }
        }
        let words = format!("{} {}", symbol(look, '×', 'x'), plot.reported.len());
        out.push(framed("RTCP", "", ' ', line, &words, look));
    }
    out.push(events(plot, inside, look));
    axis(plot, inside, look, &mut out);
    out
}

/// The lines as text.
pub fn text(out: &mut dyn Write, plot: &Plot, look: Look, color: bool) -> io::Result<()> {
    for line in lines(plot, look) {
        let mut text = String::new();
        for run in line {
            let code = match run.ink {
                _ if !color || run.text.trim().is_empty() => "",
                Ink::Label => "",
                Ink::Axis => sgr::DIM,
                Ink::Seen => sgr::MAGENTA,
                Ink::Lost => sgr::RED,
                Ink::Reported => sgr::YELLOW,
                Ink::Event | Ink::Chosen => sgr::CYAN,
            };
            text.push_str(code);
            text.push_str(&run.text);
            text.push_str(if code.is_empty() { "" } else { sgr::RESET });
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

fn symbol(look: Look, usual: char, ascii: char) -> char {
    if look.charset == Charset::Ascii { ascii } else { usual }
}

/// A line of cells.
#[derive(Debug, Clone)]
struct Grid {
    cells: Vec<(char, Ink)>,
}

impl Grid {
    fn new(columns: usize) -> Self {
        Self { cells: vec![(' ', Ink::Label); columns] }
    }

    fn set(&mut self, at: usize, c: char, ink: Ink) {
        if let Some(cell) = self.cells.get_mut(at) {
            *cell = (c, ink);
        }
    }

    fn is_free(&self, at: usize) -> bool {
        self.cells.get(at).is_some_and(|c| c.0 == ' ')
    }

    fn runs(self, out: &mut Vec<Run>) {
        for (c, ink) in self.cells {
            match out.last_mut() {
                Some(run) if run.ink == ink => run.text.push(c),
                _ => out.push(Run { text: c.to_string(), ink }),
            }
        }
    }
}

/// A line with its name and number before it and a few words behind.
fn framed(name: &str, number: &str, edge: char, line: Grid, behind: &str, look: Look) -> Vec<Run> {
    let room = MARGIN - 1;
    let number = shorten(number, 5, look.charset == Charset::Ascii);
    let name_room = room.saturating_sub(6);
    let head = format!("{name:>name_room$} {number:>5}");
    let mut out = vec![Run { text: head, ink: Ink::Label }, Run { text: edge.to_string(), ink: Ink::Axis }];
    line.runs(&mut out);
    if !behind.is_empty() {
        let text = shorten(&format!(" {behind}"), BEHIND, look.charset == Charset::Ascii);
        out.push(Run { text, ink: Ink::Label });
    }
    out
}

/// The rows of one quantity.
fn panel(plot: &Plot, of: Quantity, height: usize, inside: usize, look: Look, out: &mut Vec<Vec<Run>>) {
    if height == 0 {
        return;
    }
    let values = plot.columns(of, look.window, inside);
    let reported: Vec<(usize, f64)> = plot
        .reported_of(of, look.window)
        // No loss is what the row says without it, and the reports have a row of their own.
        .filter(|(_, value)| of != Quantity::Loss || *value > 0.0)
        .filter_map(|(at, value)| Some((look.window.column(at, inside)?, value)))
        .collect();
    let known = values.iter().flatten().copied();
    let highest = known.clone().chain(reported.iter().map(|(_, v)| *v)).fold(0.0, f64::max);
    let own = known.reduce(f64::max);
    let words = own.map_or_else(|| "unknown".to_owned(), |v| format!("max {}", of.text(v)));
    let top = if of == Quantity::Rate && highest > 0.0 {
        round_up(highest)
    } else {
        round_up(highest.max(floor(of)))
    };
    let mut grids = vec![Grid::new(inside); height];
    let scale = |v: f64| (v / top).clamp(0.0, 1.0);
    if look.charset == Charset::Braille && height > 1 {
        curve(&values, scale, of, &mut grids);
    } else {
        bars(&values, scale, of, look, &mut grids);
    }
    for (column, value) in reported {
        // From the top; the highest value stands on the first row.
        let from_top = ((1.0 - scale(value)) * height as f64) as usize;
        if let Some(grid) = grids.get_mut(from_top.min(height - 1)) {
            grid.set(column, symbol(look, '○', 'o'), Ink::Reported);
        }
    }
    for (row, grid) in grids.into_iter().enumerate() {
        let name = if row == 0 { of.title() } else { "" };
        let number = match row {
            _ if height == 1 => String::new(),
            0 => trim(top),
            r if r + 1 == height => "0".to_owned(),
            _ => String::new(),
        };
        let edge = if height == 1 { ' ' } else { symbol(look, '┤', '|') };
        let behind = if row == 0 { words.as_str() } else { "" };
        out.push(framed(name, &number, edge, grid, behind, look));
    }
}

/// Scales do not go below what matters, lest noise fills the screen.
fn floor(of: Quantity) -> f64 {
    match of {
        Quantity::Jitter => 2.0,
        Quantity::Loss => 1.0,
        Quantity::Gap => 50.0,
        Quantity::Rate => 0.0,
    }
}

fn trim(value: f64) -> String {
    match value {
        v if v >= 10_000.0 => format!("{:.0}k", v / 1000.0),
        v if v >= 1.0 => format!("{v:.0}"),
        v => format!("{v:.1}"),
    }
}

fn ink_of(of: Quantity, value: f64) -> Ink {
    if of == Quantity::Loss && value > 0.0 { Ink::Lost } else { Ink::Seen }
}

/// Dots of a Braille cell (U+2800), by row and column of the cell.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// A curve of dots, two for each column; neighbours far apart are joined.
fn curve(values: &[Option<f64>], scale: impl Fn(f64) -> f64, of: Quantity, grids: &mut [Grid]) {
    let dots = grids.len() * 4;
    let place = |v: f64| ((1.0 - scale(v)) * (dots - 1) as f64).round() as usize;
    let mut cells = vec![vec![0u32; values.len()]; grids.len()];
    let mut dot = |x: usize, y: usize| {
        let cell = cells.get_mut(y / 4).and_then(|row| row.get_mut(x / 2));
        if let (Some(cell), Some(bit)) = (cell, DOTS.get(y % 4).and_then(|d| d.get(x % 2))) {
            *cell |= bit;
        }
    };
    for (i, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        let y = place(*value);
        dot(2 * i, y);
        let next = values.get(i + 1).copied().flatten().map(place);
        let Some(next) = next else {
            dot(2 * i + 1, y);
            continue;
        };
        // Half of the way up or down in this column, half in the next.
        let middle = (y + next) / 2;
        for y in y.min(middle)..=y.max(middle) {
            dot(2 * i + 1, y);
        }
        for y in next.min(middle)..=next.max(middle) {
            dot(2 * i + 2, y);
        }
    }
    for (row, grid) in cells.into_iter().zip(grids) {
        for (column, bits) in row.into_iter().enumerate() {
            if bits > 0
                && let Some(c) = char::from_u32(0x2800 + bits)
            {
                grid.set(column, c, ink_of(of, values.get(column).copied().flatten().unwrap_or(0.0)));
            }
        }
    }
}

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// ASCII has two levels a row that anybody can tell apart.
const ASCII: [char; 4] = [' ', '.', ':', '#'];

fn bars(values: &[Option<f64>], scale: impl Fn(f64) -> f64, of: Quantity, look: Look, grids: &mut [Grid]) {
    let levels: &[char] = if look.charset == Charset::Ascii { &ASCII } else { &BLOCKS };
    let most = levels.len() - 1;
    let height = grids.len();
    for (column, value) in values.iter().enumerate() {
        let Some(value) = *value else { continue };
        // What is known shows a foot at least, so that nothing looks different from nothing known.
        let full = ((scale(value) * (most * height) as f64).round() as usize).max(1);
        for (row, grid) in grids.iter_mut().rev().enumerate() {
            let level = full.saturating_sub(row * most).min(most);
            if let Some(c) = levels.get(level).filter(|_| level > 0) {
                grid.set(column, *c, ink_of(of, value));
            }
        }
    }
}

/// The signs of events where they happened; of several in one column the later ones stand in the free ones behind it.
fn events(plot: &Plot, inside: usize, look: Look) -> Vec<Run> {
    let mut line = Grid::new(inside);
    let mut hidden = 0;
    for (i, e) in plot.events.iter().enumerate() {
        let Some(column) = look.window.column(e.at, inside) else {
            hidden += 1;
            continue;
        };
        let free = (column..inside).take(3).find(|c| line.is_free(*c));
        let ink = if look.chosen == Some(i) { Ink::Chosen } else { Ink::Event };
        match free {
            Some(at) => line.set(at, sign(e, look), ink),
            // Whoever is pointed at is seen.
            None if ink == Ink::Chosen => line.set(column, sign(e, look), ink),
            None => line.set(column, symbol(look, '…', '~'), Ink::Event),
        }
    }
    let words = if hidden > 0 { format!("{hidden} beyond") } else { String::new() };
    framed("events", "", ' ', line, &words, look)
}

fn sign(e: &Event, look: Look) -> char {
    if e.sign == '✓' { symbol(look, '✓', '+') } else { e.sign }
}

fn axis(plot: &Plot, inside: usize, look: Look, out: &mut Vec<Vec<Run>>) {
    let ticks = plot.ticks(look.window, inside);
    let mut line = Grid::new(inside);
    let mut numbers = Grid::new(inside + BEHIND);
    for column in 0..inside {
        line.set(column, symbol(look, '─', '-'), Ink::Axis);
    }
    for tick in ticks {
        line.set(tick.column, symbol(look, '┬', '+'), Ink::Axis);
        if tick.column + width(&tick.label) <= inside + BEHIND {
            for (i, c) in tick.label.chars().enumerate() {
                numbers.set(tick.column + i, c, Ink::Label);
            }
        }
    }
    let whole = look.window == plot.whole();
    let note = if whole { "" } else { "part" };
    out.push(framed("", "", symbol(look, '└', '+'), line, note, look));
    out.push(framed("", "", ' ', numbers, "", look));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::lists::Lead;
    use crate::view::media::plot::{Point, Reported};
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000_000;

    /// Twenty seconds; jitter rises in the middle, a tenth is lost in the eighth second, a pause of three seconds.
    fn sample() -> Plot {
        let points = (0_i32..20).map(|i| {
            if (11..14).contains(&i) {
                return Point::default();
            }
            Point {
                packets: if i == 8 { 45 } else { 50 },
                lost: if i == 8 { 5 } else { 0 },
                jitter_ms: Some(f64::from(10 - (10i32 - i).abs()) * 0.4),
                gap_ms: Some(if i == 14 { 3020.0 } else { 20.0 }),
                kbps: 68.8,
            }
        });
        let event = |ms: i64, sign: char, words: &str| Event {
            at: ms * 1_000_000,
            sign,
            words: words.to_owned(),
            lead: Lead::default(),
        };
        Plot {
            start: 0,
            length: 20 * SECOND,
            beyond: 0,
            step: SECOND,
            points: points.collect(),
            reported: [5, 10, 15]
                .map(|s| Reported {
                    at: s * SECOND,
                    jitter_ms: Some(1.0 + s as f64 / 5.0),
                    loss_pct: 0.0,
                    lead: Lead::default(),
                })
                .to_vec(),
            events: vec![
                event(-1800, 'I', "INVITE offer by Alice"),
                event(20, '✓', "200 OK answer by Bob"),
                event(11_000, 'H', "INVITE (hold) by Alice"),
                event(14_000, 'R', "INVITE offer by Alice"),
                event(16_000, '1', "key 1"),
                event(16_100, '2', "key 2"),
                event(20_000, 'B', "BYE by Bob"),
            ],
        }
    }

    fn drawn(plot: &Plot, columns: usize, rows: usize, charset: Charset, window: Window) -> String {
        let look = Look { columns, rows, charset, window, chosen: None };
        let text =
            |line: Vec<Run>| line.into_iter().map(|r| r.text).collect::<String>().trim_end().to_owned();
        lines(plot, look).into_iter().map(text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn plots_of_all_kinds() {
        let plot = sample();
        let whole = plot.whole();
        insta::assert_snapshot!("plot_braille", drawn(&plot, 100, 16, Charset::Braille, whole));
        insta::assert_snapshot!("plot_blocks", drawn(&plot, 78, 12, Charset::Blocks, whole));
        insta::assert_snapshot!("plot_ascii", drawn(&plot, 78, 12, Charset::Ascii, whole));
        let near = Window { from: 9 * SECOND, to: 15 * SECOND };
        insta::assert_snapshot!("plot_part", drawn(&plot, 78, 12, Charset::Braille, near));
    }

    #[test]
    fn too_small_is_nothing() {
        let plot = sample();
        assert_eq!(drawn(&plot, 30, 20, Charset::Braille, plot.whole()), "");
        assert_eq!(drawn(&plot, 100, 5, Charset::Braille, plot.whole()), "");
    }

    #[test]
    fn the_event_pointed_at_is_seen() {
        let plot = sample();
        let look =
            |chosen| Look { columns: 60, rows: 10, charset: Charset::Blocks, window: plot.whole(), chosen };
        let chosen = |at| {
            let lines = lines(&plot, look(Some(at)));
            let runs = lines.into_iter().flatten().filter(|r| r.ink == Ink::Chosen);
            runs.map(|r| r.text).collect::<String>()
        };
        assert_eq!((chosen(3).as_str(), chosen(5).as_str(), chosen(0).as_str()), ("R", "2", ""));
    }

    proptest! {
        #[test]
        fn nothing_is_wider_or_higher_than_asked(columns in 0usize..200, rows in 0usize..60, from in 0i64..20, length in 1i64..20, set in 0usize..3) {
            let plot = sample();
            let window = plot.fit(Window { from: from * SECOND, to: (from + length) * SECOND });
            let charset = [Charset::Braille, Charset::Blocks, Charset::Ascii][set];
            let text = drawn(&plot, columns, rows, charset, window);
            prop_assert!(text.lines().count() <= rows);
            prop_assert!(text.lines().all(|l| width(l) <= columns), "{text}");
            prop_assert!(charset != Charset::Ascii || text.is_ascii(), "{text}");
        }
    }
}
