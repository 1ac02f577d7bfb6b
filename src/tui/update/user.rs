//! From a row to all rows of its user, tab by tab.

use super::tables;
use crate::tui::desk::{Request, UserRows, Who, user_tables};
use crate::tui::effect::Effect;
use crate::tui::state::{State, TableKind};
use crate::view::filter::Filter;
use crate::view::show;

/// The key on a table: to the rows of the user of this row, or on where they are shown already.
pub(super) fn go_on(state: &mut State, kind: TableKind, effects: &mut Vec<Effect>) {
    let table = state.table(kind);
    let who = match &state.user {
        Some((filter, user)) if *filter == table.filter_text => Who::Named(user.clone()),
        _ => match table.selected() {
            Some(row) => Who::OfRow(kind, row),
            None => return state.say("no row is here to take a user from"),
        },
    };
    effects.push(Effect::Ask(Request::UserRows(who)));
}

/// `:user NAME`.
pub(super) fn named(state: &mut State, name: &str, effects: &mut Vec<Effect>) {
    state.user = None;
    effects.push(Effect::Ask(Request::UserRows(Who::Named(name.to_owned()))));
}

/// Sets the filter on all tables and shows the next one that has rows.
pub(super) fn found(state: &mut State, rows: Option<UserRows>) {
    let Some(UserRows { user, filter, tables: with_rows, limits }) = rows else {
        return state.say("no user is known of this row");
    };
    let shown = show::shorten(&show::safe_str(&user), 60);
    let Some(first) = with_rows.first().copied() else {
        return state.say(format!("no row of {shown}"));
    };
    let Ok(parsed) = Filter::parse(&filter) else { return };
    for kind in user_tables() {
        let table = state.table_mut(kind);
        if table.filter_text != filter {
            tables::set_filter(table, filter.clone(), Some(parsed.clone()));
        }
    }
    let order: Vec<TableKind> = user_tables().collect();
    let place = |kind: TableKind| order.iter().position(|k| *k == kind);
    let here = state.tab_table();
    let after = here.and_then(place);
    let next = with_rows.iter().copied().find(|k| place(*k) > after).unwrap_or(first);
    let again = state.user.as_ref().is_some_and(|(known, _)| *known == filter);
    state.user = Some((filter, user));
    state.stack.clear();
    state.show_table(next);
    let unknown = match limits.as_slice() {
        [] => String::new(),
        limits => format!("; not all names are known (limit {})", limits.join(", ")),
    };
    if Some(next) == here && again {
        state.say(format!("all rows of {shown} are here{unknown}"));
    } else {
        state.say(format!("rows of {shown}: u goes on, Esc drops the filter of a table{unknown}"));
    }
}
