//! The Overview: its lines and where they lead.

use super::moved;
use crate::diagnose::Severity;
use crate::tui::action::Action;
use crate::tui::state::{ListingOf, ListingState, State, Tab, View};
use crate::view::lists::ListKind;

/// A line of the Overview that can be gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Verdict,
    /// An input that could not be read; leads nowhere and is passed over.
    Error,
    Finding(usize),
    Note(usize),
    Activity(usize),
}

pub fn items(state: &State) -> Vec<Item> {
    let Some(overview) = &state.overview else { return Vec::new() };
    let mut items = vec![Item::Verdict];
    items.extend((0..overview.findings.len()).map(Item::Finding));
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
            let notes = |i: usize| is_problem(state, items[i]);
            match super::next_hit(state.overview_cursor.at, items.len(), forward, false, notes) {
                Some(at) => state.overview_cursor.at = at,
                None => state.say("no problem was noted"),
            }
        }
        _ => _ = moved(&mut state.overview_cursor, action, items.len(), page),
    }
}

/// What is only information is passed over.
fn is_problem(state: &State, item: Item) -> bool {
    match item {
        Item::Finding(i) => {
            let line = state.overview.as_ref().and_then(|o| o.findings.get(i));
            line.is_some_and(|line| line.severity > Severity::Info)
        }
        Item::Note(i) => {
            let note = state.overview.as_ref().and_then(|o| o.notes.get(i));
            note.is_some_and(|(.., severity)| *severity > Severity::Info)
        }
        _ => false,
    }
}

fn open(state: &mut State, item: Option<Item>) {
    let Some(overview) = state.overview.clone() else { return };
    match item {
        None | Some(Item::Error) => {}
        Some(Item::Verdict) => {
            state.tab = match overview.findings.first() {
                Some(worst) if worst.severity > Severity::Info => Tab::Findings,
                _ if state.holdings.calls > 0 => Tab::Calls,
                _ => Tab::Packets,
            };
        }
        Some(Item::Finding(i)) => {
            if let Some(line) = overview.findings.get(i) {
                let of = ListingOf::Row(ListKind::Findings, line.row);
                state.stack.push(View::Listing(Box::new(ListingState::new(of))));
            }
        }
        Some(Item::Note(i)) => match overview.notes.get(i) {
            Some((_, Some(frame), _)) => {
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
                "STUN" | "ICE" => Tab::Ice,
                _ => Tab::Packets,
            };
        }
    }
}

pub(super) fn text(state: &State) -> Option<String> {
    let overview = state.overview.as_ref()?;
    let mut lines = vec![overview.verdict.clone()];
    lines.extend(overview.findings.iter().map(|f| format!("{}: {}", f.severity.name(), f.text)));
    lines.extend(overview.notes.iter().map(|(text, ..)| text.clone()));
    lines.extend(overview.activity.iter().map(|a| format!("{}: {}  {}", a.label, a.total, a.text)));
    lines.push(overview.accounting.clone());
    Some(lines.join("\n"))
}
