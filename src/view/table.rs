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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
}
