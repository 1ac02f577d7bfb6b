//! Pair boards of ICE sessions, and lists of checks, candidates and what an allocation is made of.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use super::{Cursor, PlotView, Subject};
use crate::correlate::ice::{IcePair, PairState};
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Owner, Transport};
use crate::tui::desk::SessionData;
use crate::view::ice::{Board, BoardCell, End, Place};
use crate::view::lists::{ListKind, is_events};
use crate::view::media::plot::Plot;
use crate::view::show::TimeMode;
use crate::view::table::Table;

/// The pair board of one of some sessions.
#[derive(Debug, Clone)]
pub struct BoardState {
    /// Numbers of the sessions that can be stepped through.
    pub ids: Arc<Vec<u32>>,
    pub at: usize,
    /// Where the session is found, once that is known: numbers may change while loading.
    pub place: Option<Place>,
    pub data: Option<Arc<SessionData>>,
    /// The board of the component, as far as `only` lets it be seen.
    pub shown: Option<Arc<Board>>,
    /// There is no such session.
    pub gone: bool,
    pub asked: Option<(u64, u32)>,
    pub pending: bool,
    /// Which of the components.
    pub component: usize,
    /// Only pairs of this state.
    pub only: Option<PairState>,
    pub row: Cursor,
    pub column: Cursor,
    /// Lines of the words below that are scrolled out.
    pub words: usize,
}

impl BoardState {
    pub fn new(ids: Arc<Vec<u32>>, at: usize) -> Self {
        Self {
            ids,
            at,
            place: None,
            data: None,
            shown: None,
            gone: false,
            asked: None,
            pending: false,
            component: 0,
            only: None,
            row: Cursor::default(),
            column: Cursor::default(),
            words: 0,
        }
    }

    pub fn id(&self) -> Option<u32> {
        self.ids.get(self.at).copied()
    }

    /// After the data, the component or the states to be seen changed.
    pub fn show(&mut self) {
        let Some(data) = &self.data else { return };
        self.component = self.component.min(data.boards.len().saturating_sub(1));
        self.shown = data.boards.get(self.component).map(|board| match self.only {
            Some(state) => Arc::new(board.only(state)),
            None => Arc::new(board.clone()),
        });
    }

    /// How many pairs of the component are in a state.
    pub fn count(&self, state: PairState) -> usize {
        let board = self.data.as_ref().and_then(|d| d.boards.get(self.component));
        board.map_or(0, |b| b.counts().iter().filter(|(s, _)| *s == state).map(|(_, n)| n).sum())
    }

    /// Rows and columns.
    pub fn size(&self) -> (usize, usize) {
        self.shown.as_ref().map_or((0, 0), |b| (b.rows.len(), b.columns.len()))
    }

    pub fn cell_at(&self, row: usize, column: usize) -> Option<&BoardCell> {
        self.shown.as_ref()?.cells.get(row)?.get(column)
    }

    /// The ends that the cursor stands on.
    pub fn ends(&self) -> Option<(&End, &End)> {
        let board = self.shown.as_ref()?;
        Some((board.rows.get(self.row.at)?, board.columns.get(self.column.at)?))
    }

    /// The pair under the cursor.
    pub fn pair(&self) -> Option<&IcePair> {
        let at = self.cell_at(self.row.at, self.column.at)?.pair?;
        self.data.as_ref()?.session.pairs.get(at)
    }

    /// Goes to another of the sessions.
    pub fn step(&mut self, at: usize) {
        *self = Self { only: self.only, component: self.component, ..Self::new(self.ids.clone(), at) };
    }
}

/// A pair of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairKey {
    pub component: u16,
    pub a: SocketAddr,
    pub b: SocketAddr,
    pub transport: Transport,
}

impl PairKey {
    pub fn of(p: &IcePair) -> Self {
        Self { component: p.component, a: p.a, b: p.b, transport: p.transport }
    }
}

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingOf {
    Checks(Place, PairKey),
    Candidates(Place),
    Allocation(AllocationIdx),
    Row(ListKind, u32),
}

/// Where a row of a list leads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Target {
    pub subject: Option<Subject>,
    pub allocation: Option<AllocationIdx>,
    /// It tells of a failure.
    pub bad: bool,
}

/// One of the tables of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTable {
    pub title: String,
    pub table: Table,
    pub widths: Vec<u16>,
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    pub title: String,
    /// Sentences above the tables.
    pub head: Vec<String>,
    pub tables: Vec<ListTable>,
    /// Calls and dialogs that it belongs to.
    pub owners: Vec<Owner>,
    /// Of a stream of media.
    pub plot: Option<Plot>,
}

impl Listing {
    /// Places of the plot's events among all rows.
    pub fn events(&self) -> Range<usize> {
        let mut first = 0;
        for table in &self.tables {
            let end = first + table.table.rows.len();
            if is_events(&table.table) {
                return first..end;
            }
            first = end;
        }
        0..0
    }

    pub fn len(&self) -> usize {
        self.tables.iter().map(|t| t.table.rows.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The table of a row counted over all, and its place there.
    pub fn row(&self, mut at: usize) -> Option<(&ListTable, usize)> {
        for table in &self.tables {
            if at < table.table.rows.len() {
                return Some((table, at));
            }
            at -= table.table.rows.len();
        }
        None
    }

    pub fn target(&self, at: usize) -> Target {
        self.row(at).and_then(|(t, i)| t.targets.get(i).copied()).unwrap_or_default()
    }

    /// All of it, for a ticket.
    pub fn whole_text(&self) -> String {
        let mut lines = vec![self.title.clone()];
        lines.extend(self.head.iter().cloned());
        for table in &self.tables {
            lines.push(table.title.clone());
            lines.extend(table.table.rows.iter().map(|row| row.join("\t")));
        }
        lines.join("\n")
    }

    /// What is searched and copied of a row.
    pub fn text(&self, at: usize) -> String {
        self.row(at).and_then(|(t, i)| t.table.rows.get(i)).map(|r| r.join("\t")).unwrap_or_default()
    }
}

#[derive(Debug, Clone)]
pub struct ListingState {
    pub of: ListingOf,
    pub data: Option<Arc<Listing>>,
    /// `at` counts rows, `top` lines on the screen.
    pub cursor: Cursor,
    pub left: usize,
    /// Revision of the analysis, and how times are told.
    pub asked: Option<(u64, TimeMode)>,
    pub pending: bool,
    pub plot: PlotView,
    /// Rows of the list that can be stepped through; empty: those of its table.
    pub among: Vec<u32>,
}

impl ListingState {
    pub fn new(of: ListingOf) -> Self {
        Self {
            of,
            data: None,
            cursor: Cursor::default(),
            left: 0,
            asked: None,
            pending: false,
            plot: PlotView::default(),
            among: Vec::new(),
        }
    }

    /// The event of the plot that the cursor stands on.
    pub fn event(&self) -> Option<usize> {
        let events = self.data.as_ref()?.events();
        events.contains(&self.cursor.at).then(|| self.cursor.at - events.start)
    }

    pub fn name(&self) -> &'static str {
        match self.of {
            ListingOf::Checks(..) => "checks",
            ListingOf::Candidates(_) => "candidates",
            ListingOf::Allocation(_) => "allocation",
            ListingOf::Row(kind, _) => kind.words().0,
        }
    }
}
