//! ICE sessions, their pair boards, and TURN allocations.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::{moved, next_hit, round};
use crate::correlate::Owner;
use crate::correlate::ice::PairState;
use crate::correlate::stun::AllocationIdx;
use crate::tui::action::Action;
use crate::tui::desk::{Request, SessionData};
use crate::tui::effect::Effect;
use crate::tui::layout;
use crate::tui::state::{
    BoardState, DetailState, LadderState, ListingOf, ListingState, PairKey, State, TableKind, View,
};
use crate::tui::views::{board, listing, plot};
use crate::tui::widgets::table::contains;
use crate::view::ice::{BoardCell, End};
use crate::view::ladder::LadderOptions;
use crate::view::lists::ListKind;
use crate::view::show::TimeMode;

pub(super) fn act_on_table(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    let Some(kind) = state.tab_table() else { return };
    match action {
        Action::Open => {
            let table = state.table(kind);
            let Some(id) = table.selected() else { return state.say("no row is here to open") };
            let view = match (kind, &table.data) {
                (TableKind::Allocations, _) => {
                    View::Listing(Box::new(ListingState::new(ListingOf::Allocation(AllocationIdx(id)))))
                }
                (_, Some(data)) => View::Board(Box::new(BoardState::new(data.ids.clone(), table.cursor.at))),
                _ => return,
            };
            state.stack.push(view);
        }
        Action::Extended => match state.table(kind).selected() {
            Some(id) => effects.push(Effect::Ask(Request::OwnersOf(kind, id))),
            None => state.say("no row is here to open"),
        },
        _ => super::tables::act(state, kind, action, effects),
    }
}

/// The ladder of some calls and dialogs; if it is the view below, that is gone back to.
pub(super) fn open_ladder(state: &mut State, owners: Vec<Owner>) {
    let below = state.stack.iter().rposition(|view| match view {
        View::Ladder(view) => view.owners == owners,
        _ => false,
    });
    match below {
        Some(at) => state.stack.truncate(at + 1),
        None => state.stack.push(View::Ladder(Box::new(LadderState::new(owners, LadderOptions::default())))),
    }
}

/// The ladder of a look-up of SQL Server.
pub(super) fn open_lookup_ladder(state: &mut State, row: u32) {
    let options = LadderOptions { lookup: Some(row), ..LadderOptions::default() };
    state.stack.push(View::Ladder(Box::new(LadderState::new(Vec::new(), options))));
}

/// The ladder of the look-ups of a sign-in that sent no REGISTER.
pub(super) fn open_sign_in_ladder(state: &mut State, row: u32) {
    let options = LadderOptions { sign_in: Some(row), ..LadderOptions::default() };
    state.stack.push(View::Ladder(Box::new(LadderState::new(Vec::new(), options))));
}

pub(super) fn act_on_board(state: &mut State, action: Action) {
    let page = layout::page(state);
    let Some(View::Board(view)) = state.stack.last_mut() else { return };
    match action {
        Action::NextMessage | Action::PreviousMessage => {
            let by = if action == Action::NextMessage { 1 } else { -1 };
            let Some(at) = view.at.checked_add_signed(by).filter(|at| *at < view.ids.len()) else {
                return state.say(if by > 0 {
                    "this is the last session"
                } else {
                    "this is the first session"
                });
            };
            view.step(at);
            // The table it was opened from goes along.
            if state.stack.len() == 1 && state.tab_table() == Some(TableKind::Sessions) {
                state.sessions.cursor.at = at;
            }
            return;
        }
        _ => {}
    }
    let Some(data) = view.data.clone() else { return };
    match action {
        Action::Candidates => {
            state
                .stack
                .push(View::Listing(Box::new(ListingState::new(ListingOf::Candidates(data.of.place)))));
        }
        Action::Extended => match data.of.call() {
            Some(call) => open_ladder(state, vec![Owner::Call(call)]),
            None => state.say("no SIP call of this capture belongs to it"),
        },
        Action::Component => {
            let count = data.boards.len();
            if count < 2 {
                return state.say("there is only this component");
            }
            view.component = (view.component + 1) % count;
            (view.row, view.column) = Default::default();
            view.only = None;
            view.show();
            go_to_cell(view, true, true, |cell| cell.chosen);
        }
        Action::PairStates => {
            const ORDER: [Option<PairState>; 5] = [
                None,
                Some(PairState::Succeeded),
                Some(PairState::Failed),
                Some(PairState::Unanswered),
                Some(PairState::NotChecked),
            ];
            let at = ORDER.iter().position(|s| *s == view.only).unwrap_or(0);
            // States that no pair is in are passed over.
            let there = |s: Option<PairState>| s.is_none_or(|s| view.count(s) > 0);
            let next = (1..=ORDER.len()).map(|n| ORDER[(at + n) % ORDER.len()]).find(|s| there(*s));
            let next = next.flatten();
            view.only = next;
            (view.row, view.column) = Default::default();
            view.show();
            let text = match view.only {
                Some(only) => {
                    let words = crate::view::ice::pair_state_words(only);
                    format!("only rows and columns with a pair: {words}")
                }
                None => "all pairs".to_owned(),
            };
            state.say(text);
        }
        Action::Allocation => {
            let here = view.ends().and_then(|(a, b)| a.allocation.or(b.allocation));
            // From elsewhere the first there is, granted or refused.
            let any =
                || view.shown.iter().flat_map(|b| b.rows.iter().chain(&b.columns)).find_map(|e| e.allocation);
            let allocation = here.or_else(any);
            open_allocation(state, allocation);
        }
        Action::Open => match view.pair().map(PairKey::of) {
            Some(key) => {
                let of = ListingOf::Checks(data.of.place, key);
                state.stack.push(View::Listing(Box::new(ListingState::new(of))));
            }
            None => state.say("no pair stands here"),
        },
        Action::NextProblem | Action::PreviousProblem => {
            let forward = action == Action::NextProblem;
            let bad =
                |cell: &BoardCell| matches!(cell.state, Some(PairState::Failed | PairState::Unanswered));
            if !go_to_cell(view, forward, false, bad) {
                state.say("no pair failed here");
            }
        }
        Action::PaneUp => view.words = view.words.saturating_sub(1),
        Action::PaneDown => view.words += 1,
        Action::Left | Action::Right => {
            let (_, columns) = view.size();
            view.column.step(if action == Action::Left { -1 } else { 1 }, columns);
            view.words = 0;
        }
        _ => {
            let (rows, _) = view.size();
            if moved(&mut view.row, action, rows, page) {
                view.words = 0;
            }
        }
    }
}

pub(super) fn open_allocation(state: &mut State, allocation: Option<AllocationIdx>) {
    match allocation {
        Some(allocation) => {
            let of = ListingOf::Allocation(allocation);
            state.stack.push(View::Listing(Box::new(ListingState::new(of))));
        }
        None => state.say("no allocation of this capture stands behind this"),
    }
}

/// Goes to the next cell that fits, row by row, going round.
fn go_to_cell(
    view: &mut BoardState,
    forward: bool,
    from_here: bool,
    fits: impl Fn(&BoardCell) -> bool,
) -> bool {
    let (rows, columns) = view.size();
    let here = view.row.at * columns + view.column.at;
    let hit = next_hit(here, rows * columns, forward, from_here, |i| {
        view.cell_at(i / columns, i % columns).is_some_and(&fits)
    });
    if let Some(at) = hit {
        (view.row.at, view.column.at) = (at / columns, at % columns);
    }
    hit.is_some()
}

pub(super) fn search_board(view: &mut BoardState, needle: &str, forward: bool, from_here: bool) -> bool {
    let Some(board) = view.shown.clone() else { return false };
    let (rows, columns) = view.size();
    let end =
        |end: Option<&End>| end.is_some_and(|e| contains(&e.title, needle) || contains(&e.address, needle));
    let here = view.row.at * columns + view.column.at;
    let hit = next_hit(here, rows * columns, forward, from_here, |i| {
        let cell = view.cell_at(i / columns, i % columns).is_some_and(|c| contains(&c.words(), needle));
        cell || end(board.rows.get(i / columns)) || end(board.columns.get(i % columns))
    });
    if let Some(at) = hit {
        (view.row.at, view.column.at) = (at / columns, at % columns);
    }
    hit.is_some()
}

/// The board as text, cells apart by tabs.
pub(super) fn board_text(view: &BoardState) -> Option<String> {
    let data = view.data.as_ref()?;
    let table = view.shown.as_ref()?.table();
    let head = table.columns.iter().map(|c| c.title.as_str()).collect::<Vec<_>>().join("\t");
    let mut out = vec![data.title.clone(), head];
    out.extend(table.rows.iter().map(|row| row.join("\t")));
    out.extend(data.why.iter().cloned());
    Some(out.join("\n"))
}

pub(super) fn put_session(view: &mut BoardState, data: Option<Arc<SessionData>>) {
    view.pending = false;
    let Some(data) = data else {
        view.gone = view.data.is_none();
        return;
    };
    let first = view.data.is_none();
    view.place = Some(data.of.place);
    view.data = Some(data);
    if first && view.only.is_some_and(|state| view.count(state) == 0) {
        view.only = None;
    }
    view.show();
    if first {
        // What was chosen is looked at first.
        go_to_cell(view, true, true, |cell| cell.chosen);
    }
}

pub(super) fn settle_board(view: &mut BoardState, body: Rect, revision: u64, effects: &mut Vec<Effect>) {
    let (rows, columns) = view.size();
    let (height, wide) = board::fits(view, body);
    view.row.settle(rows, height);
    view.column.settle(columns, wide);
    view.words = view.words.min(board::words_beyond(view, body));
    let Some(id) = view.id() else { return };
    if view.asked == Some((revision, id)) || view.pending {
        return;
    }
    view.asked = Some((revision, id));
    view.pending = true;
    effects.push(Effect::Ask(Request::Session { id, place: view.place }));
}

pub(super) fn act_on_listing(state: &mut State, action: Action) {
    let page = layout::page(state);
    let Some(View::Listing(view)) = state.stack.last_mut() else { return };
    let Some(data) = view.data.clone() else { return };
    let len = data.len();
    if super::plot::act(view, &data, action) || moved(&mut view.cursor, action, len, page) {
        return;
    }
    let target = data.target(view.cursor.at);
    match action {
        Action::Left => view.left = view.left.saturating_sub(1),
        Action::Right => {
            let most = data.tables.iter().map(|t| t.table.columns.len()).max().unwrap_or(0);
            view.left = (view.left + 1).min(most.saturating_sub(2));
        }
        Action::Open => match (target.subject, target.allocation) {
            (Some(subject), _) => {
                let mut detail = DetailState::default();
                detail.wanted(Some(subject));
                state.stack.push(View::Detail(Box::new(detail)));
            }
            (None, Some(_)) => open_allocation(state, target.allocation),
            _ => state.say("nothing in the capture stands behind this line"),
        },
        Action::NextMessage | Action::PreviousMessage => step_row(state, action == Action::NextMessage),
        Action::Allocation => open_allocation(state, target.allocation),
        Action::Extended if matches!(view.of, ListingOf::Row(ListKind::Lookups, _)) => {
            if let ListingOf::Row(_, row) = view.of {
                open_lookup_ladder(state, row);
            }
        }
        Action::Extended if !data.owners.is_empty() => open_ladder(state, data.owners.clone()),
        Action::Extended => match view.of {
            ListingOf::Row(ListKind::SignIns, row) => open_sign_in_ladder(state, row),
            _ => state.say("no SIP call of this capture belongs to it"),
        },
        Action::NextProblem | Action::PreviousProblem => {
            let forward = action == Action::NextProblem;
            match next_hit(view.cursor.at, len, forward, false, |i| data.target(i).bad) {
                Some(at) => view.cursor.at = at,
                None => state.say("nothing failed here"),
            }
        }
        _ => {}
    }
}

/// To the row beside it, going round: of those it was opened with, else of the table on the tab.
fn step_row(state: &mut State, on: bool) {
    let Some(View::Listing(view)) = state.stack.last() else { return };
    let ListingOf::Row(kind, row) = view.of else { return };
    let of_table =
        || state.table(TableKind::List(kind)).data.as_ref().map_or_else(Vec::new, |d| d.ids.to_vec());
    let among = if view.among.is_empty() { of_table() } else { view.among.clone() };
    let Some(at) = among.iter().position(|r| *r == row).filter(|_| among.len() > 1) else {
        return state.say("there is no other here");
    };
    let next = among[round(at, among.len(), on, 1)];
    if let Some(View::Listing(view)) = state.stack.last_mut() {
        let place = view.plot.place;
        **view = ListingState::new(ListingOf::Row(kind, next));
        view.among = among;
        view.plot.place = place;
    }
}

pub(super) fn search_listing(view: &mut ListingState, needle: &str, forward: bool, from_here: bool) -> bool {
    let Some(data) = view.data.clone() else { return false };
    let hit = next_hit(view.cursor.at, data.len(), forward, from_here, |i| contains(&data.text(i), needle));
    view.cursor.at = hit.unwrap_or(view.cursor.at);
    hit.is_some()
}

pub(super) fn settle_listing(
    view: &mut ListingState,
    body: Rect,
    wanted: (u64, TimeMode),
    effects: &mut Vec<Effect>,
) {
    if let Some(data) = &view.data {
        view.cursor.at = view.cursor.at.min(data.len().saturating_sub(1));
        let (facts, _) = plot::areas(view, body);
        let lines = listing::lines(data, facts.width);
        view.cursor.top = listing::top(&lines, view.cursor, usize::from(facts.height));
    }
    let other_times = view.asked.is_some_and(|(_, time)| time != wanted.1);
    if view.asked == Some(wanted) || view.pending && !other_times {
        return;
    }
    view.asked = Some(wanted);
    view.pending = true;
    effects.push(Effect::Ask(Request::Listing(view.of, wanted.1)));
}
