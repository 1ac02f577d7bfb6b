//! Calls, and everything else that SIP was used for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::placeholder;
use crate::tui::state::{State, TableKind};
use crate::tui::widgets::table::{self, Look};
use crate::view::lists::ListKind;
use crate::view::show;

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, kind: TableKind) {
    let view = state.table(kind);
    let Some(data) = view.data.as_ref().filter(|d| !d.is_empty()) else {
        let what = match kind {
            TableKind::Calls => "calls (INVITE)",
            TableKind::Dialogs => "sign-ins, subscriptions and other requests outside of calls",
            TableKind::Sessions => "ICE sessions",
            TableKind::Allocations => "TURN allocations",
            TableKind::List(list) => list.words().1,
        };
        let text = match &view.data {
            // Where there are no rows at all, it is not the filter's doing.
            data if view.filter.is_some() && data.as_ref().is_none_or(|d| d.total > 0) => {
                format!("No row matches the filter. Esc drops it, F7 changes it.\n{}", view.filter_text)
            }
            None => "reading …".to_owned(),
            _ if state.loading => format!("No {what} so far."),
            Some(_) => nothing(state, kind, what),
        };
        return placeholder::say(buf, area, state.theme, &text);
    };
    let look = Look {
        cursor: view.cursor,
        left: view.left,
        sort: view.sort.as_ref().map(|(key, descending)| (key.as_str(), *descending)),
        marks: &view.marks,
        search: &state.search,
    };
    table::draw(buf, area, data, look, state.theme);
}

/// Why there are no rows, and what would bring some.
fn nothing(state: &State, kind: TableKind, what: &str) -> String {
    if state.holdings.captures.is_empty() {
        return "Nothing could be read: 1 Overview says why.".to_owned();
    }
    if state.holdings.frames == 0 {
        return "The capture holds no frames.".to_owned();
    }
    let mut lines = vec![format!("No {what} in {}.", show::count(state.holdings.frames, "frame", "frames"))];
    let rows = |kind: TableKind| state.holdings.rows(kind);
    let (others, view) = match kind {
        TableKind::Sessions => (rows(TableKind::Allocations), "v shows the TURN allocations: ".to_owned()),
        TableKind::Allocations => (rows(TableKind::Sessions), "v shows the ICE sessions: ".to_owned()),
        TableKind::Calls => (rows(TableKind::Dialogs), "3 shows the rest of SIP: ".to_owned()),
        TableKind::Dialogs => (rows(TableKind::Calls), "2 shows the calls: ".to_owned()),
        TableKind::List(_) => match state.next_table() {
            Some(TableKind::List(next)) if rows(TableKind::List(next)) > 0 => {
                (rows(TableKind::List(next)), format!("v shows the {}: ", next.words().1))
            }
            Some(next) if next != kind => (rows(TableKind::Dialogs), "v shows every dialog: ".to_owned()),
            _ => (0, String::new()),
        },
    };
    if others > 0
        && kind != TableKind::List(ListKind::Conferences)
        && kind != TableKind::List(ListKind::Messages)
        && kind != TableKind::List(ListKind::Lookups)
    {
        lines.push(format!("{view}{}.", show::number(others as u64)));
    }
    match kind {
        TableKind::Sessions => lines.push(
            "A session needs SDP with candidates, or connectivity checks: Binding requests that name both sides. \
             Capture at a client or at the relay."
                .to_owned(),
        ),
        TableKind::Allocations => lines.push(
            "An allocation needs the TURN messages between client and server (UDP, TCP, pseudo-TLS). Those inside \
             of TLS cannot be looked into."
                .to_owned(),
        ),
        TableKind::List(list) => lines.push(list.needs().to_owned()),
        TableKind::Calls | TableKind::Dialogs => {}
    }
    if others == 0 && matches!(kind, TableKind::Calls | TableKind::Dialogs) {
        lines.push(
            "SIP is found on any port by its content, and inside of UDP, TCP, WebSocket and SCTP.".to_owned(),
        );
    }
    if state.overview.as_ref().is_some_and(|o| o.accounting.contains("encrypted")) {
        lines.push(
            "What is encrypted (TLS) cannot be looked into: 1 Overview says what would open it.".to_owned(),
        );
    }
    lines.join("\n")
}
