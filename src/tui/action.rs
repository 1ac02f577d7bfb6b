//! What can be asked of the UI; keys, mouse and `:` commands all come to one of these.

use tui_input::InputRequest;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    First,
    Last,
    /// Into what the cursor stands on.
    Open,
    /// Out of this view, or drop what narrows the outermost one.
    Back,
    Quit,
    NextTab,
    PreviousTab,
    /// By its number key.
    Tab(u8),
    Help,
    Command,
    Goto,
    Filter,
    Search,
    SearchNext,
    SearchPrevious,
    Mark,
    Extended,
    Raw,
    Time,
    Color,
    Export,
    Copy,
    NextProblem,
    PreviousProblem,
    SortLeft,
    SortRight,
    SortReverse,
    Columns,
    AddHeader,
    MoveUp,
    MoveDown,
    Statistics,
    Pane,
    NextPane,
    PreviousPane,
    PaneUp,
    PaneDown,
    Wider,
    Narrower,
    Unfold,
    Fold,
    /// The other of two tables of one tab.
    OtherTable,
    /// All rows of the user of this row, the tabs in turn.
    User,
    /// The ICE sessions of the calls here.
    Ice,
    /// The media streams of the calls here.
    Streams,
    /// The allocation behind what the cursor stands on.
    Allocation,
    Component,
    /// Only pairs of one state.
    PairStates,
    Candidates,
    /// Where the plot of a stream stands.
    Plot,
    ZoomIn,
    ZoomOut,
    ZoomAll,
    Earlier,
    Later,
    Diff,
    NextMessage,
    PreviousMessage,
    NextBuffer,
    Complete,
    HistoryUp,
    HistoryDown,
    Yes,
    No,
    /// Typing into an input line.
    Edit(InputRequest),
    Click {
        x: u16,
        y: u16,
    },
    /// Rows down (negative: up).
    Wheel {
        x: u16,
        y: u16,
        rows: i16,
    },
}
