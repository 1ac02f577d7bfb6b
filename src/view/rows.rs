//! The tables: calls and dialogs (and any header as a column).

use super::filter::Filter;
use super::show::TimeMode;
use super::table::Table;
use crate::correlate::{Analysis, CallIdx, DialogIdx};

/// What is to be in a table.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub filter: Option<Filter>,
    /// Column keys in order; empty: the default ones. `header:NAME` shows any header of the first request.
    pub columns: Vec<String>,
    /// Column key and descending.
    pub sort: Option<(String, bool)>,
    pub time: TimeMode,
}

/// All calls that match, with their indices row by row.
pub fn calls(analysis: &Analysis, query: &Query) -> (Table, Vec<CallIdx>) {
    let _ = (analysis, query);
    (Table { columns: Vec::new(), rows: Vec::new() }, Vec::new())
}

pub fn dialogs(analysis: &Analysis, query: &Query) -> (Table, Vec<DialogIdx>) {
    let _ = (analysis, query);
    (Table { columns: Vec::new(), rows: Vec::new() }, Vec::new())
}

/// Every column of the calls table: key, title, meaning; those shown by default first.
pub fn call_columns() -> &'static [(&'static str, &'static str, &'static str)] {
    &[]
}

pub fn dialog_columns() -> &'static [(&'static str, &'static str, &'static str)] {
    &[]
}
