//! A table for people made to fit the columns of a terminal: what matters least goes, paths are cut in the middle, and
//! sentences go on below.

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
    while needed(&kept, &least) > fit.columns {
        let Some(gone) = drop.next() else { break };
        kept.retain(|&i| key(i) != *gone);
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
}
