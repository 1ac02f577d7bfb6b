//! Calls, and everything else that SIP was used for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::placeholder;
use crate::tui::state::{State, TableKind};
use crate::tui::widgets::table::{self, Look};

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, kind: TableKind) {
    let view = state.table(kind);
    let Some(data) = view.data.as_ref().filter(|d| !d.is_empty()) else {
        let what = match kind {
            TableKind::Calls => "calls (INVITE)",
            TableKind::Dialogs => "sign-ins, subscriptions and other requests outside of calls",
        };
        let text = match &view.data {
            _ if view.filter.is_some() => {
                format!("No row matches the filter. Esc drops it, F7 changes it.\n{}", view.filter_text)
            }
            None => "reading …".to_owned(),
            _ if state.loading => format!("No {what} so far."),
            Some(_) => format!(
                "No {what} in this capture.\nSIP is found on any port by its content, and inside of UDP, TCP, WebSocket and SCTP.\nInside of TLS it cannot be seen: 1 Overview says how much was encrypted."
            ),
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
