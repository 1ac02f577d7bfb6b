//! Tables: all rows in their order as numbers, cells only of those near the screen.

use std::ops::Range;
use std::sync::{Arc, RwLock};

use super::{Answer, Cache, ice, read};
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Analysis, CallIdx, DialogIdx};
use crate::tui::state::TableKind;
use crate::tui::update::round;
use crate::tui::widgets::table::{contains, is_problem};
use crate::tui::widgets::text;
use crate::view::ice as view;
use crate::view::lists::{self, ListKind};
use crate::view::media::Quality;
use crate::view::rows::{self, Lines, Query};
use crate::view::table::{Column, Rows};

/// Rows looked through between two looks at what loading brought.
const CHUNK: usize = 2_000;
/// Rows of all the table that the widths of its columns are taken from, beside those near the screen.
const SAMPLE: usize = 100;
/// Widest column.
const WIDEST: usize = 200;

/// A table with the cells of some of its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableData {
    pub columns: Vec<Column>,
    /// The rows in their order.
    pub ids: Arc<Vec<u32>>,
    /// Rows without the filter.
    pub total: usize,
    /// Place of the first of `rows`.
    pub first: usize,
    /// Cells of the rows from there on.
    pub rows: Rows,
    /// Of the columns, as far as their cells were seen.
    pub widths: Vec<u16>,
}

impl TableData {
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Cells of the row at a place; none if they are not here.
    pub fn row(&self, at: usize) -> impl Iterator<Item = &str> + Clone + '_ {
        // What lies before the first is as absent as what lies behind the last.
        self.rows.row(at.checked_sub(self.first).unwrap_or(usize::MAX))
    }

    /// Are the cells of all these rows here?
    pub fn holds(&self, places: &Range<usize>) -> bool {
        self.first <= places.start && places.end <= self.first + self.rows.len()
    }

    pub fn place_of(&self, id: u32) -> Option<usize> {
        self.ids.iter().position(|i| *i == id)
    }

    /// The cells of other rows; columns only get wider, so that they do not jump.
    pub fn with_rows(&self, part: Part) -> Self {
        let Part { first, rows, mut widths } = part;
        widths.resize(self.columns.len(), 0);
        for (i, (w, column)) in widths.iter_mut().zip(&self.columns).enumerate() {
            let title = text::width(&column.title) as u16;
            *w = (*w).max(title).max(self.widths.get(i).copied().unwrap_or(0));
        }
        Self { columns: self.columns.clone(), ids: self.ids.clone(), total: self.total, first, rows, widths }
    }
}

/// Cells of rows that follow each other, and how wide their columns are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    pub first: usize,
    pub rows: Rows,
    pub widths: Vec<u16>,
}

impl Part {
    pub fn push(&mut self, row: &[String]) {
        widen(&mut self.widths, row);
        self.rows.push(row);
    }
}

fn widen(widths: &mut Vec<u16>, row: &[String]) {
    widths.resize(row.len().max(widths.len()), 0);
    for (w, cell) in widths.iter_mut().zip(row) {
        // Only a cell with more bytes than the column can be wider.
        if cell.len() > usize::from(*w) {
            *w = (*w).max(text::width(cell).min(WIDEST) as u16);
        }
    }
}

/// Which rows of a table are on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Around {
    /// The row under the cursor, which the cursor follows, …
    pub id: Option<u32>,
    /// … and its place, should it be gone.
    pub at: usize,
    /// Rows above it on the screen.
    pub above: usize,
    /// Rows on the screen.
    pub height: usize,
}

impl Around {
    /// Rows to make for a screen that begins at `top`: a page more in both directions.
    pub fn page(top: usize, height: usize) -> Range<usize> {
        top.saturating_sub(height)..top.saturating_add(2 * height)
    }
}

/// What a row is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    Text(String),
    /// It failed.
    Problem,
}

/// A search over the rows of a table.
#[derive(Debug, Clone)]
pub struct RowSearch {
    pub kind: TableKind,
    pub query: Query,
    pub ids: Arc<Vec<u32>>,
    pub sought: Sought,
    pub from: usize,
    pub forward: bool,
    /// The row at `from` counts too.
    pub from_here: bool,
}

pub(super) fn table(
    analysis: &Analysis,
    cache: &Cache,
    kind: TableKind,
    query: &Query,
    around: Around,
) -> TableData {
    let query = &informed(analysis, cache, kind, query);
    match kind {
        TableKind::Sessions => {
            let lines = ice::session_lines(analysis, cache, query);
            collect(cache.index(analysis).len(), &lines, |of| of.id, around)
        }
        TableKind::Allocations => {
            let lines = ice::allocation_lines(analysis, query);
            collect(analysis.stun.allocations.len(), &lines, |AllocationIdx(i)| *i, around)
        }
        TableKind::List(list) => {
            let lists = cache.lists(analysis);
            let mut rows = list.matching(analysis, &lists, query.filter.as_ref());
            if list == ListKind::Media && query.sort.is_none() {
                // The worst first.
                rows.sort_by_cached_key(|row| {
                    lists::quality(analysis, &lists, *row).map_or(2, Quality::severity)
                });
            }
            let lines = list.lines_of(analysis, &lists, query, rows);
            collect(list.len(&lists), &lines, |row| *row, around)
        }
        TableKind::Calls => {
            collect(analysis.calls.len(), &rows::call_lines(analysis, query), |CallIdx(i)| *i, around)
        }
        TableKind::Dialogs => {
            let total = analysis.dialogs_shown().count();
            collect(total, &rows::dialog_lines(analysis, query), |DialogIdx(i)| *i, around)
        }
    }
}

/// A query with the findings, where its columns or its filter may ask for them.
fn informed(analysis: &Analysis, cache: &Cache, kind: TableKind, query: &Query) -> Query {
    cache.prepare(analysis, query.filter.as_ref());
    let asks = matches!(kind, TableKind::Calls | TableKind::Dialogs);
    let diagnosis = asks.then(|| cache.lists(analysis).diagnosis().clone());
    Query { diagnosis, ..query.clone() }
}

fn collect<I: Copy>(total: usize, lines: &Lines<'_, I>, id: impl Fn(&I) -> u32, around: Around) -> TableData {
    let ids: Vec<u32> = lines.rows.iter().map(id).collect();
    let place = around.id.and_then(|id| ids.iter().position(|i| *i == id)).unwrap_or(around.at);
    let top = place.min(ids.len().saturating_sub(1)).saturating_sub(around.above);
    let mut data =
        TableData { columns: lines.columns.clone(), ids: Arc::new(ids), total, ..Default::default() };
    let step = data.len().div_ceil(SAMPLE).max(1);
    let sample = (0..data.len()).step_by(step).chain(data.len().checked_sub(1));
    for line in sample.filter_map(|at| lines.line(at)) {
        widen(&mut data.widths, &line);
    }
    let places = Around::page(top, around.height.max(1));
    let mut part = Part { first: places.start, ..Part::default() };
    lines.range(places).for_each(|line| part.push(&line));
    data.with_rows(part)
}

/// Does something with the lines of given rows, in the order they are given.
fn with_lines<T>(
    analysis: &Analysis,
    cache: &Cache,
    kind: TableKind,
    query: &Query,
    ids: &[u32],
    mut each: impl FnMut(usize, Vec<String>) -> Option<T>,
) -> Option<T> {
    let query = Query { filter: None, sort: None, ..informed(analysis, cache, kind, query) };
    let mut go =
        |lines: &mut dyn Iterator<Item = Vec<String>>| lines.enumerate().find_map(|(i, line)| each(i, line));
    match kind {
        TableKind::Sessions => {
            let index = cache.index(analysis);
            let known = ids.iter().filter_map(|id| view::session_ref(&index, *id)).collect();
            go(&mut view::session_lines_of(analysis, &query, known).iter())
        }
        TableKind::Allocations => {
            let known = ids.iter().filter(|i| (**i as usize) < analysis.stun.allocations.len());
            let known = known.map(|i| AllocationIdx(*i)).collect();
            go(&mut ice::allocation_lines_of(analysis, &query, known).iter())
        }
        TableKind::List(list) => {
            let lists = cache.lists(analysis);
            let known = ids.iter().copied().filter(|i| (*i as usize) < list.len(&lists)).collect();
            go(&mut list.lines_of(analysis, &lists, &query, known).iter())
        }
        TableKind::Calls => {
            let known = ids.iter().filter(|i| (**i as usize) < analysis.calls.len());
            go(&mut rows::call_lines_of(analysis, &query, known.map(|i| CallIdx(*i)).collect()).iter())
        }
        TableKind::Dialogs => {
            let known = ids.iter().filter(|i| (**i as usize) < analysis.dialogs.len());
            go(&mut rows::dialog_lines_of(analysis, &query, known.map(|i| DialogIdx(*i)).collect()).iter())
        }
    }
}

/// The cells of some rows.
pub(super) fn part(
    analysis: &Analysis,
    cache: &Cache,
    kind: TableKind,
    query: &Query,
    ids: &[u32],
    places: Range<usize>,
) -> Part {
    // The row before the first is what its time may be told against.
    let before = places.start.saturating_sub(1);
    let ids = ids.get(before..places.end.min(ids.len())).unwrap_or(&[]);
    let mut part = Part { first: places.start, ..Part::default() };
    with_lines(analysis, cache, kind, query, ids, |i, line| {
        if before + i >= places.start {
            part.push(&line);
        }
        None::<()>
    });
    part
}

/// Rows as text, cells apart by tabs.
pub(super) fn copy(
    analysis: &Analysis,
    cache: &Cache,
    kind: TableKind,
    query: &Query,
    ids: &[u32],
) -> String {
    let mut text = Vec::new();
    with_lines(analysis, cache, kind, query, ids, |_, line| {
        text.push(line.join("\t"));
        None::<()>
    });
    text.join("\n")
}

/// The next row that a search is for.
pub fn find(analysis: &RwLock<Analysis>, cache: &Cache, search: &RowSearch) -> Answer {
    let mut query = search.query.clone();
    if search.sought == Sought::Problem {
        // Whatever columns are shown.
        query.columns = match search.kind {
            TableKind::Allocations => vec!["outcome".to_owned()],
            TableKind::Sessions => vec!["state".to_owned()],
            TableKind::List(ListKind::Lookups) => vec!["verdict".to_owned()],
            TableKind::List(ListKind::Media) => vec!["quality".to_owned()],
            TableKind::List(ListKind::SignIns) => vec!["state".to_owned(), "stopped".to_owned()],
            TableKind::List(ListKind::Conferences) => vec!["worst".to_owned()],
            TableKind::List(ListKind::Messages) => vec!["delivered".to_owned()],
            TableKind::List(ListKind::Findings) => vec!["severity".to_owned()],
            TableKind::Calls | TableKind::Dialogs => {
                ["state", "status", "findings"].map(str::to_owned).to_vec()
            }
            _ => vec!["state".to_owned(), "status".to_owned()],
        };
    }
    // The places in the order they are looked at, a run at a time.
    let len = search.ids.len();
    let mut id = None;
    let mut looked = 0;
    while id.is_none() && looked < len {
        let run: Vec<u32> = (looked..len.min(looked + CHUNK))
            .map(|n| round(search.from, len, search.forward, n + usize::from(!search.from_here)))
            .filter_map(|at| search.ids.get(at).copied())
            .collect();
        looked += CHUNK;
        let analysis = read(analysis);
        id = with_lines(&analysis, cache, search.kind, &query, &run, |i, line| {
            let hit = match &search.sought {
                Sought::Text(needle) => line.iter().any(|cell| contains(cell, needle)),
                Sought::Problem => {
                    let keys = query.columns.iter().map(String::as_str);
                    is_problem(keys.zip(line.iter().map(String::as_str)))
                }
            };
            hit.then(|| run.get(i).copied()).flatten()
        });
    }
    Answer::FoundRow { kind: search.kind, sought: search.sought.clone(), id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::scenario::{Scenario, request, response};
    use crate::view::show::TimeMode;

    const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

    /// Eight calls a second apart; the third and the sixth are refused.
    fn several() -> Analysis {
        let mut s = Scenario::default();
        for (n, id) in (0i64..).zip(IDS) {
            let branch = format!("A {id}");
            let status = if n % 3 == 2 { "486 Busy Here" } else { "200 OK" };
            s.add(n * 1000, "A>B", &request("INVITE", 1).id(id).via(&[&branch]));
            s.add(n * 1000 + 10, "B>A", &response(status, 1, "INVITE").id(id).tag("b").via(&[&branch]));
        }
        s.done()
    }

    fn query() -> Query {
        let columns = ["id", "start", "state"].map(str::to_owned).to_vec();
        let sort = Some(("id".to_owned(), true));
        Query { columns, sort, time: TimeMode::Delta, ..Query::default() }
    }

    fn all() -> Around {
        Around { height: IDS.len(), ..Around::default() }
    }

    #[test]
    fn a_part_has_the_same_cells_as_the_whole() {
        let analysis = several();
        let cache = Cache::default();
        let whole = table(&analysis, &cache, TableKind::Calls, &query(), all());
        assert_eq!(*whole.ids, [7, 6, 5, 4, 3, 2, 1, 0]);
        for first in 0..IDS.len() {
            for end in first..IDS.len() + 2 {
                let part = part(&analysis, &cache, TableKind::Calls, &query(), &whole.ids, first..end);
                assert_eq!(part.rows.len(), end.min(IDS.len()) - first);
                let data = whole.with_rows(part);
                for at in 0..IDS.len() {
                    let here: Vec<&str> = data.row(at).collect();
                    let there: Vec<&str> =
                        if (first..end).contains(&at) { whole.row(at).collect() } else { vec![] };
                    assert_eq!(here, there, "row {at} of {first}..{end}");
                }
            }
        }
    }

    #[test]
    fn only_rows_near_the_cursor_are_made_and_columns_are_wide_enough_for_all() {
        let analysis = several();
        let around = Around { id: Some(2), at: 0, above: 0, height: 1 };
        let cache = Cache::default();
        let data = table(&analysis, &cache, TableKind::Calls, &query(), around);
        // Row 2 stands sixth; a page of one row before and after it.
        assert_eq!((data.first, data.rows.len(), data.len()), (4, 3, 8));
        assert!(data.holds(&(5..6)) && !data.holds(&(0..1)));
        assert_eq!(data.widths, table(&analysis, &cache, TableKind::Calls, &query(), all()).widths);
    }

    #[test]
    fn rows_are_found_in_their_order_going_round() {
        let analysis = RwLock::new(several());
        let cache = Cache::default();
        let ids = table(&read(&analysis), &cache, TableKind::Calls, &query(), all()).ids;
        let next = |from, forward, from_here, sought: &Sought| {
            let (ids, sought) = (ids.clone(), sought.clone());
            let kind = TableKind::Calls;
            let search = RowSearch { kind, query: query(), ids, sought, from, forward, from_here };
            match find(&analysis, &cache, &search) {
                Answer::FoundRow { id, .. } => id,
                other => panic!("{other:?}"),
            }
        };
        // Refused are the ids 5 and 2, which stand at 2 and 5.
        let problem = &Sought::Problem;
        assert_eq!(next(0, true, false, problem), Some(5));
        assert_eq!(next(2, true, true, problem), Some(5));
        assert_eq!(next(2, true, false, problem), Some(2));
        assert_eq!(next(5, true, false, problem), Some(5));
        assert_eq!(next(5, false, false, problem), Some(5));
        assert_eq!(next(0, false, false, problem), Some(2));
        assert_eq!(next(0, true, true, &Sought::Text("nowhere".to_owned())), None);
    }

    #[test]
    fn streams_that_lost_much_are_problems() {
        let analysis = RwLock::new(crate::view::scenario::voices::voices().done());
        let cache = Cache::default();
        let kind = TableKind::List(ListKind::Media);
        let query = Query::default();
        let ids = table(&read(&analysis), &cache, kind, &query, all()).ids;
        let (sought, from_here) = (Sought::Problem, false);
        let search = RowSearch { kind, query, ids: ids.clone(), sought, from: 1, forward: true, from_here };
        let Answer::FoundRow { id, .. } = find(&analysis, &cache, &search) else { panic!("an answer") };
        assert_eq!((id, ids[0]), (Some(1), 1), "the worst, which stands first");
    }

    #[test]
    fn lists_are_worked_out_anew_only_when_something_came() {
        let mut analysis = several();
        let cache = Cache::default();
        let at = |analysis: &Analysis| {
            let holdings = super::super::holdings(analysis, &cache);
            (cache.lists(analysis).subscriptions().as_ptr(), holdings.lists)
        };
        let subscribe = |n: u32| request("SUBSCRIBE", n).id("sub").header("Event: presence");
        let mut s = Scenario::default();
        std::mem::swap(&mut s.analysis, &mut analysis);
        s.add(20_000, "A>B", &subscribe(1).via(&["A s1"]));
        analysis = s.done();
        let first = at(&analysis);
        assert_eq!(at(&analysis), first);
        assert_eq!(first.1[ListKind::Subscriptions as usize], 1);
        let mut s = Scenario::default();
        std::mem::swap(&mut s.analysis, &mut analysis);
        s.add(30_000, "C>B", &subscribe(1).id("other").via(&["C s1"]));
        assert_eq!(at(&s.done()).1[ListKind::Subscriptions as usize], 2);
    }

    #[test]
    fn marked_rows_are_copied_in_order() {
        let analysis = several();
        let query = Query { time: TimeMode::Relative, ..query() };
        let text = copy(&analysis, &Cache::default(), TableKind::Calls, &query, &[5, 0]);
        assert_eq!(text.lines().map(|l| l.split('\t').next()).collect::<Vec<_>>(), [Some("6"), Some("1")]);
    }
}
