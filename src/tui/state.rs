//! All that the screens are drawn from.

mod detail;
mod export;
mod flow;
mod ice;
mod plot;

pub use detail::{DetailState, PaneTab, TreeLine, field, field_at, tree_lines};
pub use export::{Export, ExportState, Format, What};
pub use flow::{ColorMode, LadderState, ladder_row, note_line};
pub use ice::{BoardState, ListTable, Listing, ListingOf, ListingState, PairKey, Target};
pub use plot::{PlotPlace, PlotView};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tui_input::Input;

use super::action::Action;
use super::desk::{CountGroup, Holdings, TableData};
use super::keys::Contexts;
use super::theme::Theme;
use crate::capture::{FrameRef, Nanos};
use crate::correlate::load::Progress;
use crate::correlate::{CallIdx, DialogIdx, MsgIdx, Owner};
use crate::view::diff::DiffLine;
use crate::view::filter::Filter;
use crate::view::lists::ListKind;
use crate::view::overview::Overview;
use crate::view::packets::PacketLine;
use crate::view::rows::Query;
use crate::view::show::TimeMode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableKind {
    Calls,
    Dialogs,
    Sessions,
    Allocations,
    List(ListKind),
}

impl TableKind {
    /// Whose ladder a row stands for.
    pub fn owner(self, id: u32) -> Option<Owner> {
        match self {
            Self::Calls => Some(Owner::Call(CallIdx(id))),
            Self::Dialogs => Some(Owner::Dialog(DialogIdx(id))),
            Self::Sessions | Self::Allocations | Self::List(_) => None,
        }
    }

    /// Of its file, where it is written to one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Dialogs => "dialogs",
            Self::Sessions => "ice-sessions",
            Self::Allocations => "allocations",
            Self::List(kind) => kind.name(),
        }
    }
}

/// What a pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    Message(MsgIdx),
    Frame(FrameRef),
}

/// A line of a list and the first line on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    pub at: usize,
    pub top: usize,
}

impl Cursor {
    /// Moves the line, staying inside `len`.
    pub fn step(&mut self, by: isize, len: usize) {
        self.at = self.at.saturating_add_signed(by).min(len.saturating_sub(1));
    }

    /// Keeps the line inside the list and on the screen.
    pub fn settle(&mut self, len: usize, height: usize) {
        self.at = self.at.min(len.saturating_sub(1));
        let height = height.max(1);
        if self.at < self.top {
            self.top = self.at;
        } else if self.at >= self.top + height {
            self.top = self.at + 1 - height;
        }
        self.top = self.top.min(len.saturating_sub(height));
    }
}

/// The number keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Calls,
    Dialogs,
    Conferences,
    Ice,
    Media,
    Sql,
    Messages,
    Findings,
    Packets,
}

impl Tab {
    pub const ALL: [Self; 10] = [
        Self::Overview,
        Self::Calls,
        Self::Dialogs,
        Self::Conferences,
        Self::Ice,
        Self::Media,
        Self::Sql,
        Self::Messages,
        Self::Findings,
        Self::Packets,
    ];

    pub fn digit(self) -> u8 {
        match Self::ALL.iter().position(|t| *t == self) {
            Some(i) => (i as u8 + 1) % 10,
            None => 0,
        }
    }

    pub fn by_digit(digit: u8) -> Self {
        Self::ALL[usize::from((digit + 9) % 10)]
    }

    /// Name, and the same for narrow terminals.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("Overview", "Overview"),
            Self::Calls => ("Calls", "Calls"),
            Self::Dialogs => ("Sign-ins & presence", "Sign-ins"),
            Self::Conferences => ("Conferences", "Conf"),
            Self::Ice => ("ICE & TURN", "ICE"),
            Self::Media => ("Media", "Media"),
            Self::Sql => ("SQL", "SQL"),
            Self::Messages => ("Messages", "Msgs"),
            Self::Findings => ("Findings", "Find"),
            Self::Packets => ("Packets", "Pkts"),
        }
    }

    /// [`Tab::names`], after the table it shows.
    pub fn names_of(self, table: Option<TableKind>) -> (&'static str, &'static str) {
        match (self, table) {
            (Self::Dialogs, Some(TableKind::Dialogs)) => ("Dialogs", "Dialogs"),
            (Self::Dialogs, Some(TableKind::List(ListKind::Subscriptions))) => ("Subscriptions", "Subscr"),
            _ => self.names(),
        }
    }

    /// Its tables; `v` leads from one to the next.
    pub fn tables(self) -> &'static [TableKind] {
        const DIALOGS: &[TableKind] = &[
            TableKind::List(ListKind::SignIns),
            TableKind::List(ListKind::Subscriptions),
            TableKind::Dialogs,
        ];
        match self {
            Self::Calls => &[TableKind::Calls],
            Self::Dialogs => DIALOGS,
            Self::Conferences => &[TableKind::List(ListKind::Conferences)],
            Self::Ice => &[TableKind::Sessions, TableKind::Allocations],
            Self::Messages => &[TableKind::List(ListKind::Messages)],
            Self::Media => &[TableKind::List(ListKind::Media)],
            Self::Sql => &[TableKind::List(ListKind::Lookups)],
            Self::Findings => &[TableKind::List(ListKind::Findings)],
            _ => &[],
        }
    }

    /// The tab of a table.
    pub fn of(kind: TableKind) -> Self {
        Self::ALL.into_iter().find(|tab| tab.tables().contains(&kind)).unwrap_or(Self::Overview)
    }

    fn context(self, table: Option<TableKind>) -> Contexts {
        match (self, table) {
            (_, Some(TableKind::Calls)) => Contexts::CALLS,
            (_, Some(TableKind::Dialogs)) => Contexts::DIALOGS,
            (_, Some(TableKind::Sessions)) => Contexts::SESSIONS,
            (_, Some(TableKind::Allocations)) => Contexts::ALLOCATIONS,
            (_, Some(TableKind::List(_))) => Contexts::LIST,
            (Self::Packets, None) => Contexts::PACKETS,
            (_, None) => Contexts::OVERVIEW,
        }
    }
}

/// A table of a tab.
#[derive(Debug, Clone)]
pub struct TableState {
    pub kind: TableKind,
    pub filter_text: String,
    pub filter: Option<Filter>,
    /// Column keys; empty: the default ones.
    pub columns: Vec<String>,
    pub sort: Option<(String, bool)>,
    pub cursor: Cursor,
    /// Columns scrolled out to the left.
    pub left: usize,
    /// Ids of marked rows.
    pub marks: BTreeSet<u32>,
    pub data: Option<Arc<TableData>>,
    /// Counts changes of the query; what is asked and what came.
    pub version: u64,
    /// Version of the rows that are shown.
    pub shown: u64,
    /// Rows whose cells were asked for and did not come yet.
    pub asked_rows: Option<Range<usize>>,
    pub asked: Option<(u64, u64)>,
    pub pending: bool,
    /// How long the last answer took, to ask less often for long tables.
    pub took: Duration,
    pub asked_at: u64,
}

impl TableState {
    pub fn new(kind: TableKind) -> Self {
        Self {
            kind,
            filter_text: String::new(),
            filter: None,
            columns: Vec::new(),
            sort: None,
            cursor: Cursor::default(),
            left: 0,
            marks: BTreeSet::new(),
            data: None,
            version: 0,
            shown: 0,
            asked_rows: None,
            asked: None,
            pending: false,
            took: Duration::ZERO,
            asked_at: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.data.as_ref().map_or(0, |d| d.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn selected(&self) -> Option<u32> {
        self.data.as_ref()?.ids.get(self.cursor.at).copied()
    }

    pub fn query(&self, time: TimeMode) -> Query {
        let (filter, columns, sort) = (self.filter.clone(), self.columns.clone(), self.sort.clone());
        Query { filter, columns, sort, time, brief: true, ..Query::default() }
    }

    /// The marked rows, else the one under the cursor.
    pub fn chosen(&self) -> Vec<Owner> {
        if self.marks.is_empty() {
            self.selected().and_then(|id| self.kind.owner(id)).into_iter().collect()
        } else {
            self.marks.iter().filter_map(|&id| self.kind.owner(id)).collect()
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct PacketsState {
    pub cursor: Cursor,
    pub filter_text: String,
    pub filter: Option<Filter>,
    /// Places that match, while there is a filter.
    pub matches: Option<Vec<u64>>,
    /// Places looked through so far; none: all.
    pub scanned: Option<u64>,
    /// Version of the scan or search that is under way.
    pub version: u64,
    /// Lines that are here, by their place.
    pub lines: BTreeMap<u64, PacketLine>,
    pub asked: Vec<u64>,
    pub error: Option<String>,
    pub pane: DetailState,
    /// The frame to go to as soon as it was read.
    pub seek: Option<FrameRef>,
}

impl PacketsState {
    /// Lines there are to scroll over.
    pub fn len(&self, holdings: &Holdings) -> usize {
        self.matches.as_ref().map_or(holdings.frames as usize, Vec::len)
    }

    /// Place over all captures of a line.
    pub fn place(&self, at: usize) -> Option<u64> {
        match &self.matches {
            Some(matches) => matches.get(at).copied(),
            None => Some(at as u64),
        }
    }
}

#[derive(Debug, Clone)]
pub struct DiffState {
    pub a: MsgIdx,
    pub b: MsgIdx,
    pub lines: Option<Result<Arc<Vec<DiffLine>>, String>>,
    pub cursor: Cursor,
    pub left: usize,
}

#[derive(Debug, Clone)]
pub struct ColumnItem {
    pub key: String,
    pub title: String,
    pub meaning: String,
    pub shown: bool,
}

#[derive(Debug, Clone)]
pub struct ColumnsState {
    pub kind: TableKind,
    pub items: Vec<ColumnItem>,
    pub cursor: Cursor,
}

#[derive(Debug, Clone)]
pub enum View {
    Ladder(Box<LadderState>),
    Detail(Box<DetailState>),
    Diff(DiffState),
    Board(Box<BoardState>),
    Listing(Box<ListingState>),
    Statistics { cursor: Cursor },
    Help { of: Contexts, cursor: Cursor },
    Columns(ColumnsState),
    Export(Box<ExportState>),
    Confirm(Box<Export>),
}

impl View {
    pub fn context(&self) -> Contexts {
        match self {
            Self::Ladder(_) => Contexts::LADDER,
            Self::Detail(_) => Contexts::DETAIL,
            Self::Diff(_) => Contexts::DIFF,
            Self::Board(_) => Contexts::BOARD,
            Self::Listing(view) => match view.of {
                ListingOf::Row(ListKind::Media, _) => Contexts::STREAM,
                ListingOf::Row(..) => Contexts::ROW,
                _ => Contexts::LISTING,
            },
            Self::Statistics { .. } => Contexts::STATISTICS,
            Self::Help { .. } => Contexts::HELP,
            Self::Columns(_) => Contexts::COLUMNS,
            Self::Export(_) => Contexts::EXPORT,
            Self::Confirm(_) => Contexts::CONFIRM,
        }
    }

    /// Drawn over what is below.
    pub fn is_popup(&self) -> bool {
        matches!(self, Self::Help { .. } | Self::Columns(_) | Self::Export(_) | Self::Confirm(_))
    }
}

/// What an input line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Command,
    Filter,
    Search,
    Header,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub purpose: Purpose,
    pub input: Input,
    /// What is wrong with it, and at which byte.
    pub error: Option<(usize, String)>,
    /// Place in the history while going through it.
    pub history: Option<usize>,
    /// The text before the line was opened, restored by Esc.
    pub before: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub bad: bool,
}

#[derive(Debug, Clone)]
pub struct State {
    pub width: u16,
    pub height: u16,
    pub theme: Theme,
    /// Times of tables and frames.
    pub time: TimeMode,
    /// Times of ladders.
    pub flow_time: TimeMode,
    pub color: ColorMode,
    /// None: open where there is room.
    pub pane_open: Option<bool>,
    /// The same of the Packets, whose pane lies below; and its part of the height, in percent.
    pub frame_pane_open: Option<bool>,
    pub frame_pane_share: u16,
    /// Of the screen, in percent.
    pub pane_share: u16,
    /// The user chose the share.
    pub pane_chosen: bool,
    pub tab: Tab,
    pub overview: Option<Arc<Overview>>,
    pub overview_cursor: Cursor,
    pub calls: TableState,
    pub dialogs: TableState,
    pub sessions: TableState,
    pub allocations: TableState,
    /// Of each of [`ListKind::ALL`].
    pub lists: Vec<TableState>,
    /// Which of their tables the tabs show.
    pub shown_tables: [Option<usize>; Tab::ALL.len()],
    pub packets: PacketsState,
    pub statistics: Option<Arc<Vec<CountGroup>>>,
    pub stack: Vec<View>,
    pub line: Option<Line>,
    pub history: VecDeque<(Purpose, String)>,
    pub search: String,
    /// The filter that the tables were given for one user, and the user.
    pub user: Option<(String, String)>,
    pub notice: Option<Notice>,
    pub holdings: Holdings,
    pub progress: Progress,
    pub loading: bool,
    /// The captures may grow: loading has no end.
    pub following: bool,
    /// Inputs that could not be read.
    pub errors: Vec<String>,
    /// Counts what came from loading.
    pub revision: u64,
    pub overview_asked: Option<(u64, usize)>,
    pub overview_pending: bool,
    /// How long the last answer took, and when it was asked for.
    pub overview_took: Duration,
    pub overview_asked_at: u64,
    /// What is being written, to ask before an existing file is replaced.
    pub exporting: Option<Export>,
    /// The dialog it was asked for in, to go on with should it fail.
    pub export_dialog: Option<Box<ExportState>>,
    /// Milliseconds since the start, as far as events told.
    pub now: u64,
    /// What was clicked last: when and where.
    pub clicked: Option<(u64, u16, u16)>,
    pub quit: bool,
}

impl State {
    pub fn new(width: u16, height: u16, theme: Theme, time: Option<TimeMode>) -> Self {
        Self {
            width,
            height,
            theme,
            time: time.unwrap_or_default(),
            flow_time: time.unwrap_or(TimeMode::Relative),
            color: ColorMode::default(),
            pane_open: None,
            frame_pane_open: None,
            frame_pane_share: 40,
            pane_share: 40,
            pane_chosen: false,
            tab: Tab::Overview,
            overview: None,
            overview_cursor: Cursor::default(),
            calls: TableState::new(TableKind::Calls),
            dialogs: TableState::new(TableKind::Dialogs),
            sessions: TableState::new(TableKind::Sessions),
            allocations: TableState::new(TableKind::Allocations),
            lists: ListKind::ALL.map(|kind| TableState::new(TableKind::List(kind))).into(),
            shown_tables: [None; Tab::ALL.len()],
            packets: PacketsState::default(),
            statistics: None,
            stack: Vec::new(),
            line: None,
            history: VecDeque::new(),
            search: String::new(),
            user: None,
            notice: None,
            holdings: Holdings::default(),
            progress: Progress::default(),
            loading: true,
            following: false,
            errors: Vec::new(),
            revision: 0,
            overview_asked: None,
            overview_pending: false,
            overview_took: Duration::ZERO,
            overview_asked_at: 0,
            exporting: None,
            export_dialog: None,
            now: 0,
            clicked: None,
            quit: false,
        }
    }

    /// Where keys go.
    pub fn context(&self) -> Contexts {
        match (&self.line, self.stack.last()) {
            (Some(_), _) => Contexts::LINE,
            (None, Some(view)) => view.context(),
            (None, None) => self.tab.context(self.tab_table()),
        }
    }

    /// Where keys go below an input line.
    pub fn context_below(&self) -> Contexts {
        self.stack.last().map_or_else(|| self.tab.context(self.tab_table()), View::context)
    }

    pub fn table(&self, kind: TableKind) -> &TableState {
        match kind {
            TableKind::Calls => &self.calls,
            TableKind::Dialogs => &self.dialogs,
            TableKind::Sessions => &self.sessions,
            TableKind::Allocations => &self.allocations,
            TableKind::List(kind) => &self.lists[kind as usize],
        }
    }

    pub fn table_mut(&mut self, kind: TableKind) -> &mut TableState {
        match kind {
            TableKind::Calls => &mut self.calls,
            TableKind::Dialogs => &mut self.dialogs,
            TableKind::Sessions => &mut self.sessions,
            TableKind::Allocations => &mut self.allocations,
            TableKind::List(kind) => &mut self.lists[kind as usize],
        }
    }

    /// The table of this tab.
    pub fn tab_table(&self) -> Option<TableKind> {
        self.table_of(self.tab)
    }

    /// The table that a tab shows: the one that was chosen, else the first that has rows.
    pub fn table_of(&self, tab: Tab) -> Option<TableKind> {
        let tables = tab.tables();
        let chosen = self.shown_tables[tab as usize].and_then(|at| tables.get(at));
        let filled = || tables.iter().find(|kind| self.holdings.rows(**kind) > 0);
        chosen.or_else(filled).or(tables.first()).copied()
    }

    /// The table after this one in this tab, going round.
    pub fn next_table(&self) -> Option<TableKind> {
        let tables = self.tab.tables();
        let at = tables.iter().position(|t| Some(*t) == self.tab_table())?;
        tables.get((at + 1) % tables.len()).copied()
    }

    /// Whether an action has something to do here: the bottom line names no other.
    pub fn offers(&self, action: Action) -> bool {
        match (action, self.stack.last()) {
            // Most tabs have one table.
            (Action::OtherTable, _) => self.next_table() != self.tab_table(),
            // Only calls have legs and candidates.
            (Action::Extended | Action::Ice, Some(View::Ladder(view))) => {
                view.owners.iter().any(|owner| matches!(owner, Owner::Call(_)))
            }
            // A look-up is a machine's, not a user's.
            (Action::User, None) => self.tab_table() != Some(TableKind::List(ListKind::Lookups)),
            _ => true,
        }
    }

    /// Goes to the tab of a table and shows it there.
    pub fn show_table(&mut self, kind: TableKind) {
        self.tab = Tab::of(kind);
        self.shown_tables[self.tab as usize] = self.tab.tables().iter().position(|t| *t == kind);
    }

    pub fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: false });
    }

    pub fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: true });
    }

    /// Times of the Packets and of unsorted tables are told against this.
    pub fn start(&self) -> Nanos {
        self.holdings.span.map_or(0, |(first, _)| first)
    }
}
