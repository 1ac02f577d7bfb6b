//! The Overview: its lines and where they lead.

use super::moved;
use crate::tui::action::Action;
use crate::tui::state::{State, Tab};

/// A line of the Overview that can be gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Verdict,
    /// An input that could not be read; leads nowhere and is passed over.
    Error,
    Note(usize),
    Activity(usize),
}

pub fn items(state: &State) -> Vec<Item> {
    let Some(overview) = &state.overview else { return Vec::new() };
    let mut items = vec![Item::Verdict];
    items.extend((0..overview.notes.len()).map(Item::Note));
    items.extend((0..overview.activity.len()).map(Item::Activity));
    items
}

pub(super) fn act(state: &mut State, action: Action) {
    let items = items(state);
    let page = crate::tui::layout::page(state);
    match action {
        Action::Open => open(state, items.get(state.overview_cursor.at).copied()),
        Action::NextProblem | Action::PreviousProblem => {
            let forward = action == Action::NextProblem;
            let notes = |i: usize| matches!(items[i], Item::Note(_));
            match super::next_hit(state.overview_cursor.at, items.len(), forward, false, notes) {
                Some(at) => state.overview_cursor.at = at,
                None => state.say("no problem was noted"),
            }
        }
        _ => _ = moved(&mut state.overview_cursor, action, items.len(), page),
    }
}

fn open(state: &mut State, item: Option<Item>) {
    let Some(overview) = state.overview.clone() else { return };
    match item {
        None | Some(Item::Error) => {}
        Some(Item::Verdict) => state.tab = if state.holdings.calls > 0 { Tab::Calls } else { Tab::Packets },
        Some(Item::Note(i)) => match overview.notes.get(i) {
            Some((_, _, Some(frame))) => {
                state.tab = Tab::Packets;
                super::packets::go_to(state, *frame);
            }
            _ => state.say("no single frame shows this"),
        },
        Some(Item::Activity(i)) => {
            let label = overview.activity.get(i).map_or("", |a| a.label);
            state.tab = match label {
                "Calls" => Tab::Calls,
                "Dialogs" | "Sign-ins" | "Messages" => Tab::Dialogs,
                "Media" => Tab::Media,
                _ => Tab::Packets,
            };
        }
    }
}

pub(super) fn text(state: &State) -> Option<String> {
    let overview = state.overview.as_ref()?;
    let mut lines = vec![overview.verdict.clone()];
    lines.extend(overview.notes.iter().map(|(severity, text, _)| format!("{severity}: {text}")));
    lines.extend(overview.activity.iter().map(|a| format!("{}: {}  {}", a.label, a.total, a.text)));
    lines.push(overview.accounting.clone());
    Some(lines.join("\n"))
}
