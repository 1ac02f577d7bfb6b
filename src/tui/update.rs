//! Actions and answers change the state; what has to happen outside comes out as effects. No input, no output.

mod command;
mod detail;
mod export;
mod ice;
mod ladder;
mod line;
mod mouse;
mod overview;
mod packets;
mod plot;
mod receive;
mod settle;
mod tables;
mod user;

pub use command::COMMANDS;
pub use overview::{Item, items as overview_items};
pub use receive::{loaded, progress, receive};
pub use settle::settle;

use super::action::Action;
use super::desk::{Request, Sought};
use super::effect::Effect;
use super::keys::Contexts;
use super::layout;
use super::state::{Cursor, ListingOf, Purpose, State, Tab, TableKind, View};
use crate::view::lists::ListKind;
use crate::view::show::TimeMode;

/// Does what an action asks for, and asks for what the screen then needs.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    if !matches!(action, Action::Edit(_) | Action::Wheel { .. }) {
        state.notice = None;
    }
    let mut effects = Vec::new();
    perform(state, action, &mut effects);
    settle(state, &mut effects);
    effects
}

/// A filter given on the command line.
pub fn start_with_filter(state: &mut State, text: &str) -> Vec<Effect> {
    match crate::view::filter::Filter::parse(text) {
        Ok(filter) => {
            for kind in [TableKind::Calls, TableKind::Dialogs, TableKind::Sessions] {
                tables::set_filter(state.table_mut(kind), text.to_owned(), Some(filter.clone()));
            }
            state.tab = Tab::Calls;
        }
        Err(e) => state.complain(format!("filter: {}", e.text)),
    }
    let mut effects = Vec::new();
    settle(state, &mut effects);
    effects
}

fn perform(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    if let Action::Click { x, y } = action {
        return mouse::click(state, x, y, effects);
    }
    if let Action::Wheel { x, y, rows } = action {
        return mouse::wheel(state, x, y, rows);
    }
    let context = state.context();
    if context == Contexts::LINE {
        return line::act(state, action, effects);
    }
    match action {
        Action::Quit => {
            state.quit = true;
            effects.push(Effect::Quit);
        }
        Action::Tab(digit) => go_to_tab(state, Tab::by_digit(digit)),
        Action::NextTab => go_to_tab(state, Tab::by_digit((state.tab.digit() + 1) % 10)),
        Action::PreviousTab => go_to_tab(state, Tab::by_digit((state.tab.digit() + 9) % 10)),
        Action::Help => state.stack.push(View::Help { of: context, cursor: Cursor::default() }),
        Action::Command => line::open(state, Purpose::Command, ""),
        Action::Goto => line::open(state, Purpose::Command, "goto "),
        Action::Filter => {
            let now = match state.tab_table() {
                Some(kind) => state.table(kind).filter_text.clone(),
                None => state.packets.filter_text.clone(),
            };
            line::open(state, Purpose::Filter, &now);
        }
        Action::Search => line::open(state, Purpose::Search, ""),
        Action::SearchNext | Action::SearchPrevious if state.search.is_empty() => {
            state.complain("nothing was searched for: / searches");
        }
        Action::SearchNext => search(state, true, false, effects),
        Action::SearchPrevious => search(state, false, false, effects),
        Action::Statistics => {
            state.stack.push(View::Statistics { cursor: Cursor::default() });
            effects.push(Effect::Ask(Request::Statistics));
        }
        Action::Export => export::open(state),
        Action::Copy => copy(state, effects),
        Action::Time => next_time(state),
        Action::Wider if context != Contexts::DETAIL => change_share(state, 5),
        Action::Narrower if context != Contexts::DETAIL => change_share(state, -5),
        Action::Back if !state.stack.is_empty() => _ = state.stack.pop(),
        Action::Back => drop_narrowing(state, effects),
        _ => in_view(state, action, effects),
    }
}

fn in_view(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    let page = layout::page(state);
    match state.stack.last_mut() {
        None => match state.tab {
            Tab::Overview => overview::act(state, action),
            Tab::Ice => ice::act_on_table(state, action, effects),
            Tab::Packets => packets::act(state, action, effects),
            _ => {
                if let Some(kind) = state.tab_table() {
                    tables::act(state, kind, action, effects);
                }
            }
        },
        Some(View::Ladder(_)) => ladder::act(state, action, effects),
        Some(View::Board(_)) => ice::act_on_board(state, action),
        Some(View::Listing(_)) => ice::act_on_listing(state, action),
        Some(View::Detail(_)) => detail::act(state, action),
        Some(View::Columns(_)) => tables::act_on_columns(state, action),
        Some(View::Export(_)) => export::act(state, action, effects),
        Some(View::Confirm(_)) => export::confirm(state, action, effects),
        Some(View::Help { cursor, of }) => {
            let len = super::views::help::lines(*of, usize::from(state.width), state.theme.ascii).len();
            scroll(cursor, action, len, page);
        }
        Some(View::Diff(diff)) => match action {
            Action::Left => diff.left = diff.left.saturating_sub(8),
            Action::Right => diff.left = (diff.left + 8).min(4096),
            _ => {
                let len = diff.lines.as_ref().and_then(|l| l.as_ref().ok()).map_or(0, |l| l.len());
                scroll(&mut diff.cursor, action, len, page);
            }
        },
        Some(View::Statistics { cursor }) => {
            let len = super::views::statistics::lines(state.statistics.as_deref()).len();
            scroll(cursor, action, len, page);
        }
    }
}

/// The moves that all lists share; says whether it was one.
fn moved(cursor: &mut Cursor, action: Action, len: usize, page: usize) -> bool {
    let page = isize::try_from(page).unwrap_or(isize::MAX);
    let by = match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        Action::HalfUp => -(page / 2).max(1),
        Action::HalfDown => (page / 2).max(1),
        Action::First => isize::MIN,
        Action::Last => isize::MAX,
        _ => return false,
    };
    cursor.step(by, len);
    true
}

/// The moves of a text without a cursor of its own: the screen moves.
fn scroll(cursor: &mut Cursor, action: Action, len: usize, page: usize) {
    cursor.at = cursor.top;
    moved(cursor, action, len, page);
    cursor.top = cursor.at.min(len.saturating_sub(page));
    cursor.at = cursor.top;
}

fn go_to_tab(state: &mut State, tab: Tab) {
    state.stack.clear();
    state.tab = tab;
}

fn next_time(state: &mut State) {
    let in_flow = in_flow(state);
    let (mode, name) = match if in_flow { state.flow_time } else { state.time } {
        TimeMode::Local => (TimeMode::Utc, "UTC"),
        TimeMode::Utc => (TimeMode::Relative, "since the start"),
        TimeMode::Relative => (TimeMode::Delta, "since the line before"),
        TimeMode::Delta => (TimeMode::Local, "local"),
    };
    set_time(state, mode);
    state.say(format!("times: {name}"));
}

/// A ladder has times of its own: those since its start, if nothing else is asked for.
fn in_flow(state: &State) -> bool {
    state.stack.iter().any(|view| matches!(view, View::Ladder(_) | View::Board(_) | View::Listing(_)))
}

fn set_time(state: &mut State, mode: TimeMode) {
    if in_flow(state) {
        state.flow_time = mode;
        return;
    }
    state.time = mode;
    for kind in Tab::ALL.iter().flat_map(|tab| tab.tables()) {
        state.table_mut(*kind).version += 1;
    }
}

fn change_share(state: &mut State, by: i16) {
    let in_packets = state.context() == Contexts::PACKETS;
    let share = if in_packets { &mut state.frame_pane_share } else { &mut state.pane_share };
    *share = share.saturating_add_signed(by).clamp(20, 80);
    let text = format!("{} {share} %", if in_packets { "pane" } else { "side pane" });
    state.pane_chosen |= !in_packets;
    state.say(text);
}

/// Esc on the outermost view: an order that is still being worked out, search, marks and filter go, one at a time.
fn drop_narrowing(state: &mut State, effects: &mut Vec<Effect>) {
    let kind = state.tab_table();
    if let Some(kind) = kind {
        let table = state.table_mut(kind);
        if table.pending && table.shown != table.version && table.sort.take().is_some() {
            table.version += 1;
            return state.say("no longer sorted");
        }
    }
    if !state.search.is_empty() {
        state.search.clear();
        return state.say("search dropped");
    }
    if let Some(kind) = kind {
        let table = state.table_mut(kind);
        if !table.marks.is_empty() {
            table.marks.clear();
            return state.say("marks dropped");
        }
        if !table.filter_text.is_empty() {
            tables::set_filter(table, String::new(), None);
            return state.say("filter dropped");
        }
    }
    if state.tab == Tab::Packets && state.packets.filter.is_some() {
        packets::set_filter(state, String::new(), None, effects);
        return state.say("filter dropped");
    }
    state.say("q quits");
}

/// Goes to the next line that holds the search text.
fn search(state: &mut State, forward: bool, from_here: bool, effects: &mut Vec<Effect>) {
    let needle = state.search.clone();
    let found = match state.stack.last_mut() {
        None => match state.tab {
            Tab::Packets => return packets::search(state, forward, from_here, effects),
            _ => match state.tab_table() {
                Some(kind) => {
                    let sought = Sought::Text(needle);
                    return tables::search(state, kind, sought, forward, from_here, effects);
                }
                None => false,
            },
        },
        Some(View::Ladder(ladder)) => ladder::search(ladder, &needle, forward, from_here),
        Some(View::Detail(detail)) => detail::search(detail, &needle, forward, from_here),
        Some(View::Board(board)) => ice::search_board(board, &needle, forward, from_here),
        Some(View::Listing(listing)) => ice::search_listing(listing, &needle, forward, from_here),
        Some(View::Diff(diff)) => {
            let lines = match &diff.lines {
                Some(Ok(lines)) => lines.clone(),
                _ => return,
            };
            let text = |i: usize| lines[i].runs.iter().map(|(_, t)| t.as_str()).collect::<String>();
            let hit = next_hit(diff.cursor.top, lines.len(), forward, from_here, |i| {
                super::widgets::table::contains(&text(i), &needle)
            });
            if let Some(at) = hit {
                diff.cursor.top = at;
                diff.cursor.at = at;
            }
            hit.is_some()
        }
        Some(View::Statistics { cursor }) => {
            let lines = super::views::statistics::lines(state.statistics.as_deref());
            let hit = next_hit(cursor.top, lines.len(), forward, from_here, |i| {
                super::widgets::table::contains(&lines[i].1, &needle)
            });
            if let Some(at) = hit {
                *cursor = Cursor { at, top: at };
            }
            hit.is_some()
        }
        Some(_) => return,
    };
    if !found {
        state.complain(format!("`{needle}` is not on any line here"));
    }
}

/// The next of `len` lines, going round, that is a hit.
fn next_hit(
    at: usize,
    len: usize,
    forward: bool,
    from_here: bool,
    hit: impl Fn(usize) -> bool,
) -> Option<usize> {
    if len == 0 {
        return None;
    }
    let start = usize::from(!from_here);
    (start..len + start).map(|step| round(at, len, forward, step)).find(|&i| hit(i))
}

/// The place some steps away among `len`, going round.
pub(super) fn round(at: usize, len: usize, forward: bool, steps: usize) -> usize {
    let len = len.max(1);
    if forward { (at + steps) % len } else { (at % len + len - steps % len) % len }
}

fn copy(state: &mut State, effects: &mut Vec<Effect>) {
    let text = match state.stack.last() {
        None => match (state.tab, state.tab_table()) {
            (_, Some(kind)) if !state.table(kind).marks.is_empty() => {
                return tables::copy_marked(state, kind, effects);
            }
            (_, Some(kind)) => tables::row_text(state.table(kind)),
            (Tab::Overview, _) => overview::text(state),
            (Tab::Packets, _) => packets::row_text(state),
            _ => None,
        },
        Some(View::Ladder(ladder)) => ladder::text(ladder, state.flow_time),
        Some(View::Detail(detail)) => detail::text(detail),
        Some(View::Board(board)) => ice::board_text(board),
        Some(View::Listing(listing)) => listing.data.as_ref().map(|l| match listing.of {
            ListingOf::Row(ListKind::Findings, _) => l.whole_text(),
            _ => l.text(listing.cursor.at),
        }),
        Some(View::Diff(diff)) => match &diff.lines {
            Some(Ok(lines)) => Some(super::views::diff::text(lines)),
            _ => None,
        },
        Some(View::Statistics { .. }) => Some(
            super::views::statistics::lines(state.statistics.as_deref())
                .into_iter()
                .map(|(_, line)| line)
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        Some(_) => None,
    };
    copied(state, text, effects);
}

fn copied(state: &mut State, text: Option<String>, effects: &mut Vec<Effect>) {
    match text.filter(|t| !t.is_empty()) {
        Some(text) => {
            let lines = text.lines().count();
            let what = if lines == 1 { "line".to_owned() } else { format!("{lines} lines") };
            state.say(format!("copied {what} to the clipboard of the terminal"));
            effects.push(Effect::Copy(text));
        }
        None => state.complain("nothing here to copy"),
    }
}
