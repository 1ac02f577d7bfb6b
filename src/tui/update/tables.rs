//! The tables of the tabs and the popup that chooses their columns.

use super::{line, moved};
use crate::tui::action::Action;
use crate::tui::desk::{Request, RowSearch, Sought, WORST_FIRST};
use crate::tui::effect::Effect;
use crate::tui::state::{
    ColumnItem, ColumnsState, Cursor, LadderState, ListingOf, ListingState, Purpose, State, TableKind,
    TableState, View,
};
use crate::tui::widgets::table::{GUTTER, fit_columns};
use crate::view::filter::Filter;
use crate::view::ladder::LadderOptions;
use crate::view::lists::ListKind;
use crate::view::{allocation, ice, rows};

/// Most calls merged into one ladder.
const MAX_MERGED: usize = 200;

pub(super) fn act(state: &mut State, kind: TableKind, action: Action, effects: &mut Vec<Effect>) {
    let page = crate::tui::layout::page(state);
    let width = state.width;
    let table = state.table_mut(kind);
    let len = table.len();
    if moved(&mut table.cursor, action, len, page) {
        return;
    }
    match action {
        Action::OtherTable => match state.next_table().filter(|next| *next != kind) {
            Some(next) => state.show_table(next),
            None => state.say("this tab has no other table"),
        },
        Action::Open if matches!(kind, TableKind::List(_)) => match (kind, table.selected()) {
            (TableKind::List(list), Some(row)) => {
                let of = ListingOf::Row(list, row);
                state.stack.push(View::Listing(Box::new(ListingState::new(of))));
            }
            _ => state.say("no row is here to open"),
        },
        Action::Extended if kind == TableKind::List(ListKind::Lookups) => match table.selected() {
            Some(row) => super::ice::open_lookup_ladder(state, row),
            None => state.say("no row is here to open"),
        },
        Action::Extended if matches!(kind, TableKind::List(_)) => match table.selected() {
            Some(row) => effects.push(Effect::Ask(Request::OwnersOf(kind, row))),
            None => state.say("no row is here to open"),
        },
        Action::Left => table.left = table.left.saturating_sub(1),
        Action::Right => {
            let columns = table.data.as_ref().map_or(0, |d| d.columns.len());
            let room = width.saturating_sub(GUTTER + 1);
            let fitted =
                table.data.as_ref().map(|d| fit_columns(&d.columns, &d.widths, room, table.left).len());
            if table.left == 0 && fitted == Some(columns) {
                return state.say("all columns are on the screen");
            }
            table.left = (table.left + 1).min(columns.saturating_sub(2));
        }
        Action::Open | Action::Extended => {
            let owners = table.chosen();
            if owners.is_empty() {
                return state.say("no row is here to open");
            }
            if owners.len() > MAX_MERGED {
                return state.complain(format!(
                    "{} rows are marked; at most {MAX_MERGED} go into one ladder",
                    owners.len()
                ));
            }
            let extended = action == Action::Extended;
            let options = LadderOptions { extended, ..LadderOptions::default() };
            state.stack.push(View::Ladder(Box::new(LadderState::new(owners, options))));
        }
        Action::Streams => {
            let owners = table.chosen();
            effects.push(Effect::Ask(Request::StreamsOf { owners, frame: None }));
        }
        Action::Ice => {
            let owners = table.chosen();
            effects.push(Effect::Ask(Request::SessionsOf(owners)));
        }
        Action::Mark => {
            if let Some(id) = table.selected() {
                if !table.marks.remove(&id) {
                    table.marks.insert(id);
                }
                table.cursor.step(1, len);
            }
        }
        Action::SortLeft => {
            sort_beside(table, false);
            say_order(state, kind);
        }
        Action::SortRight => {
            sort_beside(table, true);
            say_order(state, kind);
        }
        Action::SortReverse => {
            let first = table.data.as_ref().and_then(|d| d.columns.first()).map(|c| c.key.clone());
            let (key, descending) = match table.sort.take() {
                Some((key, descending)) => (key, !descending),
                None => (first.unwrap_or_default(), true),
            };
            set_sort(table, &key, descending);
            say_order(state, kind);
        }
        Action::User => super::user::go_on(state, kind, effects),
        Action::Columns => open_columns(state, kind),
        Action::NextProblem | Action::PreviousProblem => {
            search(state, kind, Sought::Problem, action == Action::NextProblem, false, effects);
        }
        _ => {}
    }
}

/// Sorts by the neighbour of the column that is sorted by now; past the ends the order is that of arrival.
fn sort_beside(table: &mut TableState, right: bool) {
    let Some(data) = &table.data else { return };
    let keys: Vec<&str> = data.columns.iter().map(|c| c.key.as_str()).collect();
    let now = table.sort.as_ref().and_then(|(key, _)| keys.iter().position(|k| k == key));
    let descending = table.sort.as_ref().is_some_and(|(_, d)| *d);
    let next = match (now, right) {
        (None, true) => Some(0),
        (None, false) => keys.len().checked_sub(1),
        (Some(i), true) => Some(i + 1).filter(|i| *i < keys.len()),
        (Some(i), false) => i.checked_sub(1),
    };
    match next.and_then(|i| keys.get(i)) {
        Some(key) => {
            let key = (*key).to_owned();
            set_sort(table, &key, descending);
        }
        None => {
            table.sort = None;
            table.version += 1;
        }
    }
}

/// The column may be one that the width leaves no room for.
fn say_order(state: &mut State, kind: TableKind) {
    let table = state.table(kind);
    let text = match &table.sort {
        None => match kind {
            TableKind::Sessions if table.len() <= WORST_FIRST => "worst first".to_owned(),
            TableKind::Allocations | TableKind::List(ListKind::Media) => "worst first".to_owned(),
            _ => "in the order of arrival".to_owned(),
        },
        Some((key, descending)) => {
            let column = table.data.iter().flat_map(|d| &d.columns).find(|c| c.key == *key);
            let title = column.map_or(key.as_str(), |c| c.title.as_str());
            format!("sorted by {title}{}", if *descending { ", descending" } else { "" })
        }
    };
    state.say(text);
}

pub(super) fn set_sort(table: &mut TableState, key: &str, descending: bool) {
    table.sort = Some((key.to_owned(), descending));
    table.version += 1;
}

pub(super) fn set_filter(table: &mut TableState, text: String, filter: Option<Filter>) {
    table.filter_text = text;
    table.filter = filter;
    table.version += 1;
}

pub(super) fn all_columns(kind: TableKind) -> &'static [(&'static str, &'static str, &'static str)] {
    match kind {
        TableKind::Calls => rows::call_columns(),
        TableKind::Dialogs => rows::dialog_columns(),
        TableKind::Sessions => ice::session_columns(),
        TableKind::Allocations => allocation::allocation_columns(),
        TableKind::List(list) => list.columns(),
    }
}

fn open_columns(state: &mut State, kind: TableKind) {
    let table = state.table(kind);
    let shown: Vec<String> = match &table.data {
        _ if !table.columns.is_empty() => table.columns.clone(),
        Some(data) => data.columns.iter().map(|c| c.key.clone()).collect(),
        None => Vec::new(),
    };
    let known = all_columns(kind);
    let item = |key: &str, shown: bool| {
        let (title, meaning) = known.iter().find(|(k, ..)| *k == key).map_or_else(
            || {
                (
                    key.strip_prefix("header:").unwrap_or(key).to_owned(),
                    "header of the first request".to_owned(),
                )
            },
            |(_, title, meaning)| ((*title).to_owned(), (*meaning).to_owned()),
        );
        ColumnItem { key: key.to_owned(), title, meaning, shown }
    };
    let mut items: Vec<ColumnItem> = shown.iter().map(|key| item(key, true)).collect();
    items.extend(known.iter().filter(|(k, ..)| !shown.iter().any(|s| s == k)).map(|(k, ..)| item(k, false)));
    state.stack.push(View::Columns(ColumnsState { kind, items, cursor: Cursor::default() }));
}

pub(super) fn act_on_columns(state: &mut State, action: Action) {
    let page = crate::tui::layout::page(state);
    let Some(View::Columns(columns)) = state.stack.last_mut() else { return };
    let len = columns.items.len();
    if moved(&mut columns.cursor, action, len, page) {
        return;
    }
    let at = columns.cursor.at;
    match action {
        Action::Mark => {
            if let Some(item) = columns.items.get_mut(at) {
                item.shown = !item.shown;
            }
            columns.cursor.step(1, len);
        }
        Action::MoveUp if at > 0 && at < len => {
            columns.items.swap(at, at - 1);
            columns.cursor.at -= 1;
        }
        Action::MoveDown if at + 1 < len => {
            columns.items.swap(at, at + 1);
            columns.cursor.at += 1;
        }
        Action::AddHeader => line::open(state, Purpose::Header, ""),
        Action::Open => {
            let keys: Vec<String> = columns.items.iter().filter(|i| i.shown).map(|i| i.key.clone()).collect();
            let kind = columns.kind;
            if keys.is_empty() {
                return state.complain("at least one column must be shown");
            }
            state.stack.pop();
            let table = state.table_mut(kind);
            table.columns = keys;
            table.left = 0;
            table.version += 1;
        }
        _ => {}
    }
}

/// A header typed into the popup becomes a column after those that are shown.
pub(super) fn add_header(columns: &mut ColumnsState, name: &str) {
    let key = format!("header:{name}");
    if let Some(at) = columns.items.iter().position(|i| i.key.eq_ignore_ascii_case(&key)) {
        columns.items[at].shown = true;
        columns.cursor.at = at;
        return;
    }
    let at = columns.items.iter().rposition(|i| i.shown).map_or(0, |i| i + 1);
    let meaning = "header of the first request".to_owned();
    columns.items.insert(at, ColumnItem { key, title: name.to_owned(), meaning, shown: true });
    columns.cursor.at = at;
}

/// Has the next row that fits looked for, going round.
pub(super) fn search(
    state: &State,
    kind: TableKind,
    sought: Sought,
    forward: bool,
    from_here: bool,
    effects: &mut Vec<Effect>,
) {
    let table = state.table(kind);
    let search = RowSearch {
        kind,
        query: table.query(state.time),
        ids: table.data.as_ref().map(|d| d.ids.clone()).unwrap_or_default(),
        sought,
        from: table.cursor.at,
        forward,
        from_here,
    };
    effects.push(Effect::Ask(Request::FindRow(Box::new(search))));
}

/// A search came to its end.
pub(super) fn found(state: &mut State, kind: TableKind, sought: &Sought, id: Option<u32>) {
    let table = state.table_mut(kind);
    let place = id.and_then(|id| table.data.as_ref()?.place_of(id));
    match (place, sought) {
        (Some(at), _) => table.cursor.at = at,
        (None, Sought::Problem) => state.say("no row here failed"),
        (None, Sought::Text(needle)) => state.complain(format!("`{needle}` is not on any line here")),
    }
}

/// The row under the cursor.
pub(super) fn row_text(table: &TableState) -> Option<String> {
    let data = table.data.as_ref()?;
    Some(data.row(table.cursor.at).collect::<Vec<_>>().join("\t"))
}

pub(super) fn copy_marked(state: &State, kind: TableKind, effects: &mut Vec<Effect>) {
    let table = state.table(kind);
    // In the order of the table, as far as its filter leaves them there.
    let ids = table.data.iter().flat_map(|d| d.ids.iter()).filter(|id| table.marks.contains(id));
    let ids = ids.copied().collect();
    let query = Box::new(table.query(state.time));
    effects.push(Effect::Ask(Request::CopyRows { kind, query, ids }));
}
