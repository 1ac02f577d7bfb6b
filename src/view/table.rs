//! Tables: the same columns and rows for terminal, text, CSV and Markdown.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Stable name for `--columns`, sort and CSV head.
    pub key: String,
    pub title: String,
    pub align: Align,
    /// Columns of a high rank are dropped first where the terminal is narrow.
    pub rank: u8,
}

impl Column {
    pub fn new(key: impl Into<String>, title: impl Into<String>, align: Align, rank: u8) -> Self {
        Self { key: key.into(), title: title.into(), align, rank }
    }
}

/// Columns of the first rank by `(key, title)`; one whose title begins with `#` is aligned right.
pub fn columns(all: &[(&str, &str)]) -> Vec<Column> {
    let of = |&(key, title): &(&str, &str)| {
        let align = if title.starts_with('#') { Align::Right } else { Align::Left };
        let title = if title == "#" { title } else { title.trim_start_matches('#') };
        Column::new(key, title, align, 0)
    };
    all.iter().map(of).collect()
}

/// The cells of many rows in one piece of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    /// How many cells there are up to the end of each row.
    rows: Vec<u32>,
}

impl Rows {
    pub fn push(&mut self, cells: &[String]) {
        for cell in cells {
            self.text.push_str(cell);
            self.ends.push(self.text.len());
        }
        self.rows.push(u32::try_from(self.ends.len()).unwrap_or(u32::MAX));
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Cells of a row; none for a row that is not there.
    pub fn row(&self, at: usize) -> impl Iterator<Item = &str> + Clone + '_ {
        let cells_before =
            |at: usize| at.checked_sub(1).and_then(|i| self.rows.get(i)).map_or(0, |&n| n as usize);
        let end = self.rows.get(at).map_or(0, |&n| n as usize);
        let start = if end == 0 { 0 } else { cells_before(at) };
        (start..end).map(|i| {
            let from = i.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
            self.ends.get(i).and_then(|&to| self.text.get(from..to)).unwrap_or("")
        })
    }

    pub fn cell(&self, row: usize, column: usize) -> Option<&str> {
        self.row(row).nth(column)
    }

    pub fn truncate(&mut self, rows: usize) {
        let cells = match rows {
            0 => 0,
            n => self.rows.get(n - 1).map_or(self.ends.len(), |&n| n as usize),
        };
        self.rows.truncate(rows);
        self.ends.truncate(cells);
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Without the columns that are empty in all rows.
    pub fn without_empty(&self) -> Self {
        self.without(str::is_empty)
    }

    /// Without the columns whose cells all say nothing.
    pub fn without(&self, says_nothing: impl Fn(&str) -> bool) -> Self {
        let filled = |i: usize| self.rows.iter().any(|r| r.get(i).is_some_and(|c| !says_nothing(c)));
        let keep: Vec<usize> = (0..self.columns.len()).filter(|i| filled(*i)).collect();
        let kept = |r: &Vec<String>| keep.iter().map(|i| r.get(*i).cloned().unwrap_or_default()).collect();
        Self {
            columns: keep.iter().filter_map(|i| self.columns.get(*i).cloned()).collect(),
            rows: self.rows.iter().map(kept).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_titles() {
        let all: Vec<_> = columns(&[("id", "#"), ("n", "#Frames"), ("from", "From")])
            .into_iter()
            .map(|c| (c.key, c.title, c.align, c.rank))
            .collect();
        let of = |key: &str, title: &str, align| (key.to_owned(), title.to_owned(), align, 0);
        assert_eq!(
            all,
            [of("id", "#", Align::Right), of("n", "Frames", Align::Right), of("from", "From", Align::Left)]
        );
    }

    #[test]
    fn columns_that_say_nothing_go() {
        let rows = [["1", "", "–"], ["2", "", ""]].map(|r| r.map(str::to_owned).to_vec()).to_vec();
        let table = Table { columns: columns(&[("a", "A"), ("b", "B"), ("c", "C")]), rows };
        let keys = |t: &Table| t.columns.iter().map(|c| c.key.clone()).collect::<String>();
        assert_eq!(keys(&table.without_empty()), "ac");
        let telling = table.without(|c| matches!(c, "" | "–"));
        assert_eq!(
            (keys(&telling), telling.rows),
            ("a".to_owned(), vec![vec!["1".to_owned()], vec!["2".to_owned()]])
        );
    }

    #[test]
    fn cells_come_back_as_they_were_put() {
        let given = [vec!["1", "Ålice", ""], vec!["2", "", "x"], vec!["", "", ""]];
        let mut rows = Rows::default();
        for row in &given {
            rows.push(&row.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
        }
        for (i, row) in given.iter().enumerate() {
            assert_eq!(rows.row(i).collect::<Vec<_>>(), *row);
        }
        assert_eq!((rows.len(), rows.row(3).count(), rows.cell(1, 2)), (3, 0, Some("x")));
        rows.truncate(1);
        assert_eq!((rows.len(), rows.row(0).count(), rows.row(1).count()), (1, 3, 0));
        rows.truncate(0);
        assert!(rows.is_empty() && rows == Rows::default());
    }
}
