//! The key map: one table that the key handling, the help screen, the bottom line and the README are made from.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::Action;

/// A set of places where keys are pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contexts(u32);

impl Contexts {
    pub const OVERVIEW: Self = Self(1);
    pub const CALLS: Self = Self(2);
    pub const DIALOGS: Self = Self(4);
    pub const PACKETS: Self = Self(16);
    pub const LADDER: Self = Self(32);
    pub const DETAIL: Self = Self(64);
    pub const DIFF: Self = Self(128);
    pub const STATISTICS: Self = Self(256);
    pub const HELP: Self = Self(512);
    pub const COLUMNS: Self = Self(1024);
    pub const EXPORT: Self = Self(2048);
    pub const CONFIRM: Self = Self(4096);
    pub const LINE: Self = Self(8192);
    pub const SESSIONS: Self = Self(16384);
    pub const ALLOCATIONS: Self = Self(32768);
    pub const BOARD: Self = Self(65536);
    pub const LISTING: Self = Self(131_072);
    pub const LIST: Self = Self(262_144);
    pub const ROW: Self = Self(524_288);
    pub const STREAM: Self = Self(1_048_576);

    pub const ALL: [(Self, &'static str); 20] = [
        (Self::OVERVIEW, "overview"),
        (Self::CALLS, "calls"),
        (Self::DIALOGS, "dialogs"),
        (Self::SESSIONS, "ICE sessions"),
        (Self::ALLOCATIONS, "TURN allocations"),
        (Self::LIST, "sign-ins, subscriptions, conferences, messages, SQL look-ups, media streams, findings"),
        (Self::PACKETS, "packets"),
        (Self::LADDER, "ladder"),
        (Self::DETAIL, "message"),
        (Self::BOARD, "pair board"),
        (Self::LISTING, "checks, candidates, allocation"),
        (Self::ROW, "details of a row"),
        (Self::STREAM, "media stream"),
        (Self::DIFF, "difference"),
        (Self::STATISTICS, "statistics"),
        (Self::HELP, "help"),
        (Self::COLUMNS, "columns"),
        (Self::EXPORT, "export"),
        (Self::CONFIRM, "question"),
        (Self::LINE, "input line"),
    ];

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(c, _)| *c == self).map_or("", |(_, n)| n)
    }
}

/// Under which heading the help shows a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Move,
    Go,
    Find,
    Show,
    Do,
}

impl Group {
    pub const ALL: [Self; 5] = [Self::Move, Self::Go, Self::Find, Self::Show, Self::Do];

    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::Go => "Go",
            Self::Find => "Find",
            Self::Show => "Show",
            Self::Do => "Do",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub on: Contexts,
    pub chords: &'static [&'static str],
    pub action: Action,
    /// The `:` command it stands for.
    pub command: &'static str,
    pub group: Group,
    /// Its word on the bottom line; empty: not there.
    pub label: &'static str,
    pub help: &'static str,
}

const OVERVIEW: Contexts = Contexts::OVERVIEW;
const CALLS: Contexts = Contexts::CALLS;
const SIP_TABLES: Contexts = CALLS.or(Contexts::DIALOGS);
const SESSIONS: Contexts = Contexts::SESSIONS;
const ALLOCATIONS: Contexts = Contexts::ALLOCATIONS;
const LIST: Contexts = Contexts::LIST;
const TABLES: Contexts = SIP_TABLES.or(SESSIONS).or(ALLOCATIONS).or(LIST);
const BOARD: Contexts = Contexts::BOARD;
const LISTING: Contexts = Contexts::LISTING;
/// Details of a row, those of a stream among them.
const ROW: Contexts = Contexts::ROW.or(STREAM);
const STREAM: Contexts = Contexts::STREAM;
const PACKETS: Contexts = Contexts::PACKETS;
const LADDER: Contexts = Contexts::LADDER;
const DETAIL: Contexts = Contexts::DETAIL;
const DIFF: Contexts = Contexts::DIFF;
const STATS: Contexts = Contexts::STATISTICS;
const HELP: Contexts = Contexts::HELP;
const COLUMNS: Contexts = Contexts::COLUMNS;
const EXPORT: Contexts = Contexts::EXPORT;
const CONFIRM: Contexts = Contexts::CONFIRM;
const LINE: Contexts = Contexts::LINE;
const TABS: Contexts = OVERVIEW.or(TABLES).or(PACKETS);
const INNER: Contexts = LADDER.or(DETAIL).or(DIFF).or(STATS).or(BOARD).or(LISTING).or(ROW);
const SCREENS: Contexts = TABS.or(INNER);
const SCROLL: Contexts = OVERVIEW.or(TABLES).or(PACKETS).or(INNER).or(COLUMNS).or(HELP);

const fn key(
    on: Contexts,
    chords: &'static [&'static str],
    action: Action,
    command: &'static str,
    group: Group,
    label: &'static str,
    help: &'static str,
) -> Key {
    Key { on, chords, action, command, group, label, help }
}

#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key(SCROLL, &["Up", "k"], Action::Up, "up", Group::Move, "", "one line up"),
    key(SCROLL, &["Down", "j"], Action::Down, "down", Group::Move, "", "one line down"),
    key(SCROLL, &["PgUp", "^B"], Action::PageUp, "page-up", Group::Move, "", "one page up"),
    key(SCROLL, &["PgDn", "^F"], Action::PageDown, "page-down", Group::Move, "", "one page down"),
    key(SCROLL, &["^U"], Action::HalfUp, "half-up", Group::Move, "", "half a page up"),
    key(SCROLL, &["^D"], Action::HalfDown, "half-down", Group::Move, "", "half a page down"),
    key(SCROLL, &["g", "Home"], Action::First, "first", Group::Move, "", "to the first line"),
    key(SCROLL, &["G", "End"], Action::Last, "last", Group::Move, "", "to the last line"),
    key(TABLES, &["Left", "h"], Action::Left, "left", Group::Move, "", "columns to the left"),
    key(TABLES, &["Right", "l"], Action::Right, "right", Group::Move, "", "columns to the right"),
    key(LADDER, &["Left", "h"], Action::Left, "left", Group::Move, "", "lifelines to the left"),
    key(LADDER, &["Right", "l"], Action::Right, "right", Group::Move, "", "lifelines to the right"),
    key(DETAIL, &["Left", "h"], Action::Left, "left", Group::Move, "", "close field, byte or text back"),
    key(DETAIL, &["Right", "l"], Action::Right, "right", Group::Move, "", "open field, byte or text on"),
    key(BOARD, &["Left", "h"], Action::Left, "left", Group::Move, "", "one cell to the left"),
    key(BOARD, &["Right", "l"], Action::Right, "right", Group::Move, "", "one cell to the right"),
    key(LISTING.or(ROW), &["Left", "h"], Action::Left, "left", Group::Move, "", "columns to the left"),
    key(LISTING.or(ROW), &["Right", "l"], Action::Right, "right", Group::Move, "", "columns to the right"),
    key(DIFF, &["Left", "h"], Action::Left, "left", Group::Move, "", "text to the left"),
    key(DIFF, &["Right", "l"], Action::Right, "right", Group::Move, "", "text to the right"),

    key(OVERVIEW, &["Enter"], Action::Open, "open", Group::Go, "open", "go to the evidence"),
    key(CALLS, &["Enter"], Action::Open, "open", Group::Go, "ladder", "ladder (of all marked as one)"),
    key(Contexts::DIALOGS, &["Enter"], Action::Open, "open", Group::Go, "ladder", "ladder (of all marked as one)"),
    key(SESSIONS, &["Enter"], Action::Open, "open", Group::Go, "pairs", "pair board of this session"),
    key(ALLOCATIONS, &["Enter"], Action::Open, "open", Group::Go, "rounds", "rounds, peers and messages"),
    key(LIST, &["Enter"], Action::Open, "open", Group::Go, "details", "facts and messages of this row"),
    key(BOARD, &["Enter"], Action::Open, "open", Group::Go, "its checks", "checks of this pair"),
    key(LISTING.or(ROW), &["Enter"], Action::Open, "open", Group::Go, "frame", "decode of the frame or message"),
    key(PACKETS, &["Enter"], Action::Open, "open", Group::Go, "decode", "decode of this frame, full screen"),
    key(LADDER, &["Enter"], Action::Open, "open", Group::Go, "message", "message full screen; fold a run; a verdict's finding"),
    key(DETAIL, &["Enter"], Action::Open, "open", Group::Go, "", "field open or shut; byte to field"),
    key(SIP_TABLES, &["x", "F4"], Action::Extended, "extended", Group::Go, "extended", "ladder with all linked legs"),
    key(LADDER, &["x", "F4"], Action::Extended, "extended", Group::Show, "extended", "with or without the linked legs"),
    key(PACKETS, &["x", "F4"], Action::Extended, "extended", Group::Go, "its call", "ladder of the call of this frame"),
    key(SESSIONS.or(ALLOCATIONS).or(BOARD).or(LISTING), &["x", "F4"], Action::Extended, "extended", Group::Go, "its call", "ladder of the call it belongs to"),
    key(ROW, &["x", "F4"], Action::Extended, "extended", Group::Go, "ladder", "ladder of all it is made of"),
    key(LIST, &["x", "F4"], Action::Extended, "extended", Group::Go, "ladder", "ladder of all it is made of"),
    key(CALLS.or(LADDER), &["I"], Action::Ice, "pairs", Group::Go, "ICE", "pair boards of the ICE sessions"),
    key(CALLS.or(LADDER), &["M"], Action::Streams, "streams", Group::Go, "", "media streams with their plots"),
    key(STREAM, &["]"], Action::NextMessage, "next-stream", Group::Go, "", "next of these streams"),
    key(STREAM, &["["], Action::PreviousMessage, "prev-stream", Group::Go, "", "previous of these streams"),
    key(PACKETS, &["I"], Action::Ice, "pairs", Group::Go, "its ICE", "pair board or allocation of this frame"),
    key(SESSIONS, &["v"], Action::OtherTable, "allocations", Group::Go, "TURN", "the TURN allocations"),
    key(Contexts::DIALOGS.or(LIST), &["v"], Action::OtherTable, "other-table", Group::Go, "other table", "sign-ins, subscriptions, dialogs"),
    key(ALLOCATIONS, &["v"], Action::OtherTable, "sessions", Group::Go, "ICE", "the ICE sessions"),
    key(BOARD.or(LISTING), &["a"], Action::Allocation, "allocation", Group::Go, "allocation", "allocation behind a relay candidate"),
    key(ROW, &["a"], Action::Allocation, "allocation", Group::Go, "", "allocation behind this line"),
    key(BOARD, &["t"], Action::Candidates, "candidates", Group::Go, "candidates", "candidate tables of both sides"),
    key(BOARD, &["]"], Action::NextMessage, "next-session", Group::Go, "", "next session"),
    key(BOARD, &["["], Action::PreviousMessage, "prev-session", Group::Go, "", "previous session"),
    key(TABS, &["Tab"], Action::NextTab, "next-tab", Group::Go, "", "next tab"),
    key(TABS, &["BackTab"], Action::PreviousTab, "prev-tab", Group::Go, "", "previous tab"),
    key(SCREENS, &["1"], Action::Tab(1), "overview", Group::Go, "", "Overview"),
    key(SCREENS, &["2"], Action::Tab(2), "calls", Group::Go, "", "Calls"),
    key(SCREENS, &["3"], Action::Tab(3), "dialogs", Group::Go, "", "Sign-ins & presence"),
    key(SCREENS, &["4"], Action::Tab(4), "conferences", Group::Go, "", "Conferences"),
    key(SCREENS, &["5"], Action::Tab(5), "ice", Group::Go, "", "ICE & TURN"),
    key(SCREENS, &["6"], Action::Tab(6), "media", Group::Go, "", "Media"),
    key(SCREENS, &["7"], Action::Tab(7), "sql", Group::Go, "", "SQL"),
    key(SCREENS, &["8"], Action::Tab(8), "messages", Group::Go, "", "Messages"),
    key(SCREENS, &["9"], Action::Tab(9), "findings", Group::Go, "", "Findings"),
    key(SCREENS, &["0"], Action::Tab(0), "packets", Group::Go, "", "Packets"),

    key(TABLES.or(PACKETS), &["F7"], Action::Filter, "filter", Group::Find, "filter", "filter, e.g. status >= 400"),
    key(TABLES.or(PACKETS).or(INNER), &["/"], Action::Search, "search", Group::Find, "search", "search for text"),
    key(TABLES.or(PACKETS).or(INNER), &["n"], Action::SearchNext, "search-next", Group::Find, "", "next match"),
    key(TABLES.or(PACKETS).or(INNER), &["N"], Action::SearchPrevious, "search-prev", Group::Find, "", "previous match"),
    key(TABLES.or(LADDER).or(OVERVIEW).or(BOARD).or(LISTING).or(ROW), &["e"], Action::NextProblem, "next-problem", Group::Find, "problem", "next failure or issue"),
    key(TABLES.or(LADDER).or(OVERVIEW).or(BOARD).or(LISTING).or(ROW), &["E"], Action::PreviousProblem, "prev-problem", Group::Find, "", "previous failure or issue"),
    key(TABLES, &["u"], Action::User, "user", Group::Find, "user", "all rows of this user, the next tab"),
    key(PACKETS, &["#"], Action::Goto, "goto", Group::Find, "go to", "go to a frame by number"),

    key(TABLES, &["<"], Action::SortLeft, "sort-left", Group::Show, "sort", "sort by the column before"),
    key(TABLES, &[">"], Action::SortRight, "sort-right", Group::Show, "", "sort by the next column"),
    key(TABLES, &["z"], Action::SortReverse, "sort-reverse", Group::Show, "", "turn the order round"),
    key(TABLES, &["t", "F10"], Action::Columns, "columns", Group::Show, "columns", "choose columns, any header too"),
    key(BOARD, &["c"], Action::Component, "component", Group::Show, "component", "the next component"),
    key(BOARD, &["f"], Action::PairStates, "states", Group::Show, "states", "only pairs of one state"),
    key(LADDER.or(PACKETS), &["p"], Action::Pane, "pane", Group::Show, "pane", "open or close the side pane"),
    key(STREAM, &["p"], Action::Plot, "plot", Group::Show, "plot", "plot below, on the whole screen, or none"),
    key(STREAM, &["+"], Action::ZoomIn, "zoom-in", Group::Show, "zoom", "plot nearer, around the event chosen"),
    key(STREAM, &["-"], Action::ZoomOut, "zoom-out", Group::Show, "", "plot from farther away"),
    key(STREAM, &["="], Action::ZoomAll, "zoom-all", Group::Show, "", "plot of all its time"),
    key(STREAM, &["<"], Action::Earlier, "earlier", Group::Show, "", "plot of earlier time"),
    key(STREAM, &[">"], Action::Later, "later", Group::Show, "", "plot of later time"),
    key(LADDER.or(DETAIL), &["Tab"], Action::NextPane, "next-pane", Group::Show, "pane", "Decoded, Raw, SDP, Candidates, Hex"),
    key(LADDER.or(DETAIL), &["BackTab"], Action::PreviousPane, "prev-pane", Group::Show, "", "the same backwards"),
    key(PACKETS, &["v"], Action::NextPane, "next-pane", Group::Show, "", "pane: Decoded, Raw, SDP, Candidates, Hex"),
    key(BOARD, &["K", "S-Up"], Action::PaneUp, "words-up", Group::Show, "", "the words below up"),
    key(BOARD, &["J", "S-Down"], Action::PaneDown, "words-down", Group::Show, "", "the words below down"),
    key(LADDER.or(PACKETS), &["K", "S-Up"], Action::PaneUp, "pane-up", Group::Show, "", "side pane up"),
    key(LADDER.or(PACKETS), &["J", "S-Down"], Action::PaneDown, "pane-down", Group::Show, "", "side pane down"),
    key(LADDER.or(PACKETS), &["+"], Action::Wider, "wider", Group::Show, "", "side pane larger"),
    key(LADDER.or(PACKETS), &["-"], Action::Narrower, "narrower", Group::Show, "", "side pane smaller"),
    key(DETAIL, &["+"], Action::Wider, "open-all", Group::Show, "", "open all fields"),
    key(DETAIL, &["-"], Action::Narrower, "close-all", Group::Show, "", "close all fields"),
    key(LADDER, &["r", "F6"], Action::Raw, "raw", Group::Show, "raw", "message as it was sent, full screen"),
    key(DETAIL, &["r", "F6"], Action::Raw, "raw", Group::Show, "raw", "as it was sent, and back"),
    key(DETAIL, &["b"], Action::NextBuffer, "next-buffer", Group::Show, "frame", "the message or its frames"),
    key(DETAIL, &["]"], Action::NextMessage, "next-message", Group::Go, "next", "next message or frame"),
    key(DETAIL, &["["], Action::PreviousMessage, "prev-message", Group::Go, "", "previous message or frame"),
    key(LADDER, &["f"], Action::Unfold, "unfold", Group::Show, "retrans.", "fold or show retransmissions"),
    key(TABLES.or(LADDER).or(PACKETS).or(LISTING).or(ROW), &["w"], Action::Time, "time", Group::Show, "time", "times: local, UTC, since start or line"),
    key(LADDER, &["c"], Action::Color, "color", Group::Show, "", "colour by outcome, by method, by leg"),
    key(SCREENS.without(STATS), &["i", "F8"], Action::Statistics, "statistics", Group::Show, "", "counts of requests and answers"),

    key(TABLES, &["Space"], Action::Mark, "mark", Group::Do, "mark", "mark for a ladder or a file"),
    key(LADDER, &["Space"], Action::Mark, "mark", Group::Do, "mark", "mark for the difference"),
    key(DETAIL, &["Space"], Action::Fold, "fold", Group::Do, "", "open or close the field"),
    key(LADDER, &["d"], Action::Diff, "diff", Group::Do, "diff", "difference of two messages"),
    key(SCREENS.without(DIFF.or(STATS)), &["s", "F2"], Action::Export, "export", Group::Do, "save", "save: ladder, packets, table"),
    key(SCREENS, &["y"], Action::Copy, "copy", Group::Do, "", "copy to the clipboard"),
    key(SCREENS, &[":"], Action::Command, "command", Group::Do, "command", "type a command"),
    key(SCREENS, &["?", "F1"], Action::Help, "help", Group::Do, "", "this help"),
    key(INNER, &["Esc", "q"], Action::Back, "back", Group::Go, "", "back"),
    key(TABS, &["Esc"], Action::Back, "back", Group::Go, "", "stop sorting; drop marks, search and filter"),
    key(TABS, &["q"], Action::Quit, "quit", Group::Do, "", "quit"),
    key(SCREENS, &["Q", "^C"], Action::Quit, "quit", Group::Do, "", "quit from anywhere"),

    key(HELP, &["Esc", "q", "?", "F1"], Action::Back, "back", Group::Go, "close", "close the help"),
    key(COLUMNS, &["Space"], Action::Mark, "mark", Group::Do, "show or hide", "show or hide this column"),
    key(COLUMNS, &["K", "S-Up"], Action::MoveUp, "move-up", Group::Do, "earlier", "move the column to the left"),
    key(COLUMNS, &["J", "S-Down"], Action::MoveDown, "move-down", Group::Do, "later", "move the column to the right"),
    key(COLUMNS, &["a"], Action::AddHeader, "add-header", Group::Do, "add a header", "add any SIP header as a column"),
    key(COLUMNS, &["Enter"], Action::Open, "open", Group::Do, "apply", "use these columns"),
    key(COLUMNS, &["Esc", "q"], Action::Back, "back", Group::Go, "leave", "leave the columns as they were"),
    key(EXPORT, &["Up", "BackTab"], Action::Up, "up", Group::Move, "", "previous field"),
    key(EXPORT, &["Down", "Tab"], Action::Down, "down", Group::Move, "field", "next field"),
    key(EXPORT, &["Left"], Action::Left, "left", Group::Move, "", "previous choice, cursor left"),
    key(EXPORT, &["Right"], Action::Right, "right", Group::Move, "choose", "next choice, cursor right"),
    key(EXPORT, &["Enter"], Action::Open, "open", Group::Do, "save", "write the file"),
    key(EXPORT, &["Esc"], Action::Back, "back", Group::Go, "cancel", "write nothing"),
    key(CONFIRM, &["y"], Action::Yes, "yes", Group::Do, "overwrite", "overwrite the file"),
    key(CONFIRM, &["n", "Esc", "q", "Enter"], Action::No, "no", Group::Do, "keep it", "keep the file as it is"),
    key(LINE, &["Enter"], Action::Open, "open", Group::Do, "do it", "use what was typed"),
    key(LINE, &["Esc", "^C"], Action::Back, "back", Group::Go, "leave", "leave the line"),
    key(LINE, &["Tab"], Action::Complete, "complete", Group::Do, "complete", "complete the word"),
    key(LINE, &["Up"], Action::HistoryUp, "history-up", Group::Move, "", "what was typed before"),
    key(LINE, &["Down"], Action::HistoryDown, "history-down", Group::Move, "", "what was typed after that"),
];

/// The keys of a place, in the order of the table.
pub fn keys_of(context: Contexts) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |k| k.on.has(context))
}

/// What a chord does in a place.
pub fn lookup(context: Contexts, chord: &str) -> Option<Action> {
    keys_of(context).find(|k| k.chords.contains(&chord)).map(|k| k.action)
}

/// What a command word does in a place.
pub fn command(context: Contexts, word: &str) -> Option<Action> {
    keys_of(context).find(|k| k.command == word).map(|k| k.action)
}

/// The name of a key press as the table writes it.
pub fn chord(event: &KeyEvent) -> String {
    let shift = event.modifiers.contains(KeyModifiers::SHIFT);
    let name = match event.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::CONTROL) => {
            return format!("^{}", c.to_ascii_uppercase());
        }
        KeyCode::Char(c) => return c.to_string(),
        KeyCode::F(n) => format!("F{n}"),
        KeyCode::Up => "Up".to_owned(),
        KeyCode::Down => "Down".to_owned(),
        KeyCode::Left => "Left".to_owned(),
        KeyCode::Right => "Right".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::Tab if shift => return "BackTab".to_owned(),
        KeyCode::Tab => "Tab".to_owned(),
        KeyCode::BackTab => return "BackTab".to_owned(),
        KeyCode::Backspace => "Backspace".to_owned(),
        KeyCode::Delete => "Del".to_owned(),
        _ => String::new(),
    };
    if shift && matches!(event.code, KeyCode::Up | KeyCode::Down) { format!("S-{name}") } else { name }
}

/// The chord as people are shown it.
pub fn shown(chord: &str, ascii: bool) -> String {
    match chord {
        "BackTab" => "Shift-Tab".to_owned(),
        "S-Up" if ascii => "Shift-Up".to_owned(),
        "S-Down" if ascii => "Shift-Down".to_owned(),
        _ if ascii => chord.to_owned(),
        "Enter" => "⏎".to_owned(),
        "Up" => "↑".to_owned(),
        "Down" => "↓".to_owned(),
        "Left" => "←".to_owned(),
        "Right" => "→".to_owned(),
        "S-Up" => "Shift-↑".to_owned(),
        "S-Down" => "Shift-↓".to_owned(),
        other => other.to_owned(),
    }
}

/// Sets of places that have one name together.
const SETS: [(Contexts, &str); 4] = [
    (SCROLL, "every list and text"),
    (SCREENS, "everywhere but in boxes and lines"),
    (TABS, "the tabs"),
    (INNER, "the views inside"),
];

/// Where a key of the table works.
fn places(on: Contexts) -> String {
    if let Some((_, name)) = SETS.iter().find(|(set, _)| *set == on) {
        return (*name).to_owned();
    }
    let names: Vec<&str> = Contexts::ALL.iter().filter(|(c, _)| on.has(*c)).map(|(_, name)| *name).collect();
    names.join(", ")
}

/// The table as Markdown, for the README.
pub fn markdown() -> String {
    let mut out = String::from("| key | `:` command | what it does | where |\n|---|---|---|---|\n");
    for key in KEYS {
        let chords: Vec<String> =
            key.chords.iter().map(|c| format!("`{}`", shown(c, true).replace('|', "\\|"))).collect();
        let (chords, place) = (chords.join(" "), places(key.on));
        out.push_str(&format!("| {chords} | `:{}` | {} | {place} |\n", key.command, key.help));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_chord_means_two_things_in_one_place() {
        for (context, name) in Contexts::ALL {
            let mut seen = HashSet::new();
            for key in keys_of(context) {
                for chord in key.chords {
                    assert!(seen.insert(chord), "{chord} twice in {name}");
                }
            }
        }
    }

    #[test]
    fn a_command_word_means_one_action_in_one_place() {
        for (context, name) in Contexts::ALL {
            for key in keys_of(context) {
                assert_eq!(command(context, key.command), Some(key.action), ":{} in {name}", key.command);
            }
        }
    }

    #[test]
    fn every_place_can_be_left() {
        for (context, name) in Contexts::ALL {
            assert!(
                keys_of(context).any(|k| matches!(k.action, Action::Back | Action::Quit | Action::No)),
                "{name}"
            );
        }
    }

    #[test]
    fn presses_have_the_names_of_the_table() {
        let press = |code, modifiers| chord(&KeyEvent::new(code, modifiers));
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::SHIFT), "G");
        assert_eq!(press(KeyCode::Char('f'), KeyModifiers::CONTROL), "^F");
        assert_eq!(press(KeyCode::Char(' '), KeyModifiers::NONE), "Space");
        assert_eq!(press(KeyCode::BackTab, KeyModifiers::SHIFT), "BackTab");
        assert_eq!(press(KeyCode::Up, KeyModifiers::SHIFT), "S-Up");
        assert_eq!(press(KeyCode::F(10), KeyModifiers::NONE), "F10");
    }
}
