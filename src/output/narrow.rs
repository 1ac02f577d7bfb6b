//! A table for people made to fit the columns of a terminal: what matters least goes, paths are cut in the middle, and
//! sentences go on below.

use std::io::{self, Write};

use unicode_width::UnicodeWidthChar;

use super::table::clean;
use super::text::width;
use crate::view::show;
use crate::view::table::Table;

/// Blanks between two columns.
const GAP: usize = 2;
/// Lines of a sentence, at most.
const LINES: usize = 4;

/// What may give way, by the keys of columns.
pub(super) struct Fit<'a> {
    pub columns: usize,
    /// These go, in this order, while there is no room.
    pub drop: &'a [&'a str],
    /// Its cells are cut in the middle, as folders are much alike.
    pub path: &'a str,
    /// Its cells go on below.
    pub sentence: &'a str,
}

/// A table whose columns say by their rank how much they matter, as it fits a terminal; and the titles of those left out.
pub fn by_rank(table: &Table, columns: usize) -> (Table, Vec<String>) {
    let mut order: Vec<usize> = (1..table.columns.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse((table.columns.get(i).map_or(0, |c| c.rank), i)));
    let keys = order.iter().filter_map(|&i| Some(table.columns.get(i)?.key.as_str()));
    let drop: Vec<&str> = keys.filter(|key| *key != SENTENCE).collect();
    let fitted = fitted(table, &Fit { columns, drop: &drop, path: "", sentence: SENTENCE });
    let shown = |key: &str| fitted.columns.iter().any(|c| c.key == key);
    let gone = table.columns.iter().filter(|c| !shown(&c.key)).map(|c| c.title.clone()).collect();
    (fitted, gone)
}

/// The key of the column that holds sentences, in tables that have one.
const SENTENCE: &str = "title";

/// The table as it fits; as it is where there is room for all of it.
pub(super) fn fitted(table: &Table, fit: &Fit<'_>) -> Table {
    let mut widths: Vec<usize> = table.columns.iter().map(|c| width(&c.title)).collect();
    for row in &table.rows {
        for (w, cell) in widths.iter_mut().zip(row) {
            *w = (*w).max(width(&clean(cell)));
        }
    }
    let key = |i: usize| table.columns.get(i).map_or("", |c| c.key.as_str());
    let natural = |i: usize| widths.get(i).copied().unwrap_or(0);
    // What is cut to less says nothing.
    let least = |i: usize| match key(i) {
        k if k == fit.path => natural(i).min((fit.columns * 2 / 5).max(16)),
        k if k == fit.sentence => natural(i).min((fit.columns * 2 / 5).max(20)),
        _ => natural(i),
    };
    let mut kept: Vec<usize> = (0..table.columns.len()).collect();
    let needed = |kept: &[usize], of: &dyn Fn(usize) -> usize| {
        kept.iter().map(|&i| of(i)).sum::<usize>() + GAP * kept.len().saturating_sub(1)
    };
    let mut drop = fit.drop.iter();
    let mut gone: Vec<usize> = Vec::new();
    while needed(&kept, &least) > fit.columns {
        let Some(next) = drop.next() else { break };
        gone.extend(kept.iter().copied().filter(|&i| key(i) == *next));
        kept.retain(|&i| key(i) != *next);
    }
    // A wide one that had to go leaves room for narrow ones that went before it. A sentence takes what room there is first.
    let whole = |i: usize| if key(i) == fit.sentence { natural(i) } else { least(i) };
    for i in gone.into_iter().rev() {
        let at = kept.partition_point(|&k| k < i);
        kept.insert(at, i);
        if needed(&kept, &whole) > fit.columns {
            kept.remove(at);
        }
    }
    let mut spare = fit.columns.saturating_sub(needed(&kept, &least));
    let mut sizes: Vec<usize> = kept.iter().map(|&i| least(i)).collect();
    // On a very narrow screen both say less.
    let mut over = needed(&kept, &least).saturating_sub(fit.columns);
    for (size, _) in sizes.iter_mut().zip(&kept).filter(|(_, i)| [fit.sentence, fit.path].contains(&key(**i)))
    {
        let less = over.min(size.saturating_sub(8));
        *size -= less;
        over -= less;
    }
    for wanted in [fit.path, fit.sentence] {
        for (size, &i) in sizes.iter_mut().zip(&kept).filter(|(_, i)| key(**i) == wanted) {
            let more = natural(i).saturating_sub(*size).min(spare);
            *size += more;
            spare -= more;
        }
    }
    let columns = kept.iter().filter_map(|&i| table.columns.get(i).cloned()).collect();
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let cell = |i: usize| row.get(i).map_or("", String::as_str);
        let mut below = Vec::new();
        let first = kept.iter().zip(&sizes).map(|(&i, &size)| match key(i) {
            k if k == fit.path => show::shorten_middle(cell(i), size),
            k if k == fit.sentence => {
                below = pieces(&clean(cell(i)), size);
                if below.is_empty() { String::new() } else { below.remove(0) }
            }
            _ => cell(i).to_owned(),
        });
        rows.push(first.collect());
        for piece in below {
            let cells =
                kept.iter().map(|&i| if key(i) == fit.sentence { piece.clone() } else { String::new() });
            rows.push(cells.collect());
        }
    }
    Table { columns, rows }
}

/// A sentence on at most [`LINES`] lines.
fn pieces(sentence: &str, columns: usize) -> Vec<String> {
    let mut lines = show::wrap_words(sentence, columns);
    if lines.len() > LINES {
        let rest = lines.split_off(LINES - 1).join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| show::shorten(line, columns)).collect()
}

/// Writes lines no longer than a terminal is wide: what has no room goes on below, further to the right.
pub struct Folder<W> {
    out: W,
    columns: usize,
    line: Vec<u8>,
}

impl<W: Write> Folder<W> {
    pub fn new(out: W, columns: usize) -> Self {
        Self { out, columns: columns.max(20), line: Vec::new() }
    }

    /// Writes the last line, should it have no end.
    pub fn finish(mut self) -> io::Result<W> {
        self.put()?;
        Ok(self.out)
    }

    fn put(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let mut first = true;
        for piece in folded_line(&text, self.columns) {
            if !std::mem::replace(&mut first, false) {
                self.out.write_all(b"\n")?;
            }
            self.out.write_all(piece.as_bytes())?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Folder<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match memchr::memchr(b'\n', buf) {
            None => self.line.extend_from_slice(buf),
            Some(end) => {
                self.line.extend_from_slice(buf.get(..end).unwrap_or_default());
                self.put()?;
                self.out.write_all(b"\n")?;
                return Ok(end + 1);
            }
        }
        Ok(buf.len())
    }

    /// What is of a line that has not ended yet stays here.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A line in pieces of at most `columns`, broken at blanks where there are some; SGR sequences take no room.
fn folded_line(line: &str, columns: usize) -> Vec<String> {
    let indent = line.chars().take_while(|c| *c == ' ').count().min(columns / 4) + 2;
    let mut out = vec![String::new()];
    // Of the piece under way: its width, and where its last blank is.
    let (mut taken, mut blank) = (0, None::<usize>);
    let mut in_sequence = false;
    for c in line.chars() {
        let goes_on = out.len() > 1;
        let Some(piece) = out.last_mut() else { break };
        in_sequence |= c == '\x1b';
        if in_sequence {
            piece.push(c);
            in_sequence = c != 'm';
            continue;
        }
        let wide = c.width().unwrap_or(0);
        if taken + wide <= columns {
            let leads = taken == piece.chars().take_while(|c| *c == ' ').count();
            match (c, leads) {
                (' ', true) if goes_on => continue,
                (' ', false) => blank = Some(piece.len()),
                _ => {}
            }
            piece.push(c);
            taken += wide;
            continue;
        }
        let rest = match blank.take() {
            _ if c == ' ' => String::new(),
            Some(at) => piece.split_off(at),
            None => String::new(),
        };
        piece.truncate(piece.trim_end_matches(' ').len());
        let mut next = " ".repeat(indent);
        next.push_str(rest.trim_start_matches(' '));
        if c != ' ' {
            next.push(c);
        }
        taken = sgr_width(&next);
        out.push(next);
    }
    out
}

/// Columns of a text with SGR sequences in it.
fn sgr_width(text: &str) -> usize {
    let mut in_sequence = false;
    let mut sum = 0;
    for c in text.chars() {
        in_sequence |= c == '\x1b';
        if !in_sequence {
            sum += c.width().unwrap_or(0);
        }
        in_sequence &= c != 'm';
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::table::{Align, Column};

    fn table() -> Table {
        let column = |key: &str| Column { key: key.into(), title: key.into(), align: Align::Left, rank: 0 };
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        Table {
            columns: ["severity", "path", "frames", "what"].map(column).to_vec(),
            rows: vec![
                row([
                    "error",
                    "monday/front-end-03/trace-0001.pcapng",
                    "1 204",
                    "Call 1, Alice → Bob: no answer to INVITE from 10.10.0.77:5060, asked seven times in thirty-two seconds",
                ]),
                row(["", "a.pcap", "3", ""]),
            ],
        }
    }

    fn lines(columns: usize) -> Vec<String> {
        let fit = Fit { columns, drop: &["frames"], path: "path", sentence: "what" };
        let mut out = Vec::new();
        super::super::table::text(&mut out, &fitted(&table(), &fit), false).expect("writes");
        String::from_utf8(out).expect("UTF-8").lines().map(str::to_owned).collect()
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        for columns in 40..200 {
            for line in lines(columns) {
                assert!(width(&line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn a_sentence_goes_on_below_and_a_path_keeps_both_ends() {
        let lines = lines(80);
        assert_eq!(lines[0], "severity  path                                  what");
        assert!(
            lines[1].starts_with("error     monday/front-end-…/trace-0001.pcapng  Call 1, Alice"),
            "{lines:?}"
        );
        assert!(lines[3].starts_with("           ") && lines[4].trim() == "seconds", "{lines:?}");
        assert!(lines[5].starts_with("          a.pcap"), "{lines:?}");
    }

    #[test]
    fn columns_that_matter_least_go_first_and_are_named() {
        let mut table = table();
        for (column, rank) in table.columns.iter_mut().zip([0, 1, 5, 0]) {
            column.rank = rank;
        }
        table.columns[3].key = SENTENCE.into();
        let (fitted, gone) = by_rank(&table, 90);
        assert_eq!(gone, ["frames"]);
        assert!(fitted.rows.len() > 2 && fitted.rows.iter().all(|row| row.len() == 3), "{fitted:?}");
        let (fitted, gone) = by_rank(&table, 60);
        assert_eq!((fitted.columns.len(), gone.len()), (2, 2), "what it is of and what it says stay");
        assert_eq!(by_rank(&table, 500), (table, Vec::new()));
    }

    #[test]
    fn where_there_is_room_nothing_changes() {
        let fit = Fit { columns: 500, drop: &["frames"], path: "path", sentence: "what" };
        assert_eq!(fitted(&table(), &fit).rows, table().rows);
    }

    #[test]
    fn a_wide_column_that_goes_leaves_room_for_narrow_ones() {
        let column =
            |key: &str, rank| Column { key: key.into(), title: key.into(), align: Align::Left, rank };
        let columns = vec![column("a", 0), column("b", 4), column("c", 1), column("d", 3)];
        let wide = "x".repeat(50);
        let table =
            Table { columns, rows: vec![["12345", "67890", &wide, "ok"].map(str::to_owned).to_vec()] };
        let keys = |columns: usize| {
            let (fitted, gone) = by_rank(&table, columns);
            (fitted.columns.iter().map(|c| c.key.clone()).collect::<String>(), gone.concat())
        };
        assert_eq!(keys(80), ("abcd".to_owned(), String::new()));
        assert_eq!(keys(40), ("abd".to_owned(), "c".to_owned()));
        assert_eq!(keys(10), ("ad".to_owned(), "bc".to_owned()));
    }

    fn folds(text: &str, columns: usize) -> String {
        let mut folder = Folder::new(Vec::new(), columns);
        // Whatever pieces it comes in.
        text.as_bytes().chunks(3).for_each(|c| folder.write_all(c).expect("writes"));
        String::from_utf8(folder.finish().expect("finishes")).expect("text")
    }

    #[test]
    fn what_has_no_room_goes_on_below() {
        assert_eq!(
            folds("  Call 1, Alice to Bob: no answer to INVITE\nshort\n", 24),
            "  Call 1, Alice to Bob:\n    no answer to INVITE\nshort\n"
        );
        assert_eq!(folds("aaaaaaaaaaaaaaaaaaaaaaaaa", 20), "aaaaaaaaaaaaaaaaaaaa\n  aaaaa");
        assert_eq!(folds("exactly twenty chars\n\nx", 20), "exactly twenty chars\n\nx");
        // A gap between two columns is no reason for blanks at the end or the beginning of a line.
        assert_eq!(folds("one two three four        five", 20), "one two three four\n  five");
    }

    #[test]
    fn colours_take_no_room() {
        let line = "\x1b[31mone two three\x1b[0m four five";
        assert_eq!(folds(line, 20), "\x1b[31mone two three\x1b[0m four\n  five");
        assert_eq!(folds("日本語 日本語 日本語 日本語", 20), "日本語 日本語 日本語\n  日本語");
    }

    proptest::proptest! {
        #[test]
        fn folding_loses_no_word(line in "[ a-z日]{0,200}", columns in 20usize..60) {
            let folded = folds(&line, columns);
            proptest::prop_assert!(folded.lines().all(|l| width(l) <= columns), "{folded:?}");
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            proptest::prop_assert_eq!(letters(&folded), letters(&line));
        }
    }
}
