//! A message or frame over the whole screen.

use super::{moved, next_hit};
use crate::tui::action::Action;
use crate::tui::layout;
use crate::tui::state::{DetailState, PaneTab, State, Tab, View, field_at};
use crate::tui::widgets::table::contains;
use crate::tui::widgets::tree;

/// Columns that text moves sideways.
const SIDEWAYS: usize = 8;

pub(super) fn act(state: &mut State, action: Action) {
    let page = layout::page(state);
    let body = layout::shell(state.width, state.height).body;
    let Some(View::Detail(detail)) = state.stack.last_mut() else { return };
    match action {
        Action::NextPane => return detail.tab = detail.tab.step(1),
        Action::PreviousPane => return detail.tab = detail.tab.step(PaneTab::ALL.len() - 1),
        Action::Raw => {
            detail.tab = if detail.tab == PaneTab::Raw { PaneTab::Decoded } else { PaneTab::Raw };
            return;
        }
        Action::NextBuffer => {
            let count = detail.data.as_ref().map_or(0, |d| d.buffers.len());
            if count < 2 {
                return state.say("there is only this one");
            }
            let next = (detail.buffer + 1) % count;
            let (tab, subject, data) = (detail.tab, detail.subject, detail.data.take());
            **detail =
                DetailState { tab, subject, asked: subject, data, buffer: next, ..DetailState::default() };
            detail.close_at_first();
            return;
        }
        Action::NextMessage => return beside(state, 1),
        Action::PreviousMessage => return beside(state, -1),
        Action::Wider | Action::Narrower => {
            let (closed, text) = match action {
                Action::Narrower => (all_closed(detail), "all fields closed"),
                _ => (std::collections::HashSet::new(), "all fields open"),
            };
            detail.closed = closed;
            detail.tree = Default::default();
            return state.say(text);
        }
        _ => {}
    }
    match detail.tab {
        PaneTab::Decoded => act_on_tree(detail, action, page),
        PaneTab::Hex => {
            let area = layout::pane(body, PaneTab::Hex);
            let width = area.hex.unwrap_or(area.main).width;
            act_on_bytes(detail, action, page, width);
        }
        PaneTab::Raw | PaneTab::Sdp | PaneTab::Candidates => match action {
            Action::Left => detail.left = detail.left.saturating_sub(SIDEWAYS),
            Action::Right => detail.left = (detail.left + SIDEWAYS).min(1 << 20),
            _ => {
                let len = detail.lines().len();
                moved(&mut detail.text, action, len, page);
            }
        },
    }
}

fn all_closed(detail: &DetailState) -> std::collections::HashSet<Vec<usize>> {
    let Some(buffer) = detail.buffer() else { return Default::default() };
    let lines = crate::tui::state::tree_lines(&buffer.tree, &Default::default());
    lines.into_iter().filter(|l| !l.node.children.is_empty()).map(|l| l.path).collect()
}

fn act_on_tree(detail: &mut DetailState, action: Action, page: usize) {
    let (len, at) = {
        let lines = detail.tree_lines();
        (
            lines.len(),
            lines.get(detail.tree.at).map(|l| (l.path.clone(), l.node.children.is_empty(), l.closed)),
        )
    };
    if moved(&mut detail.tree, action, len, page) {
        return;
    }
    let Some((path, leaf, closed)) = at else { return };
    match action {
        Action::Fold | Action::Open if !leaf => {
            if closed {
                detail.closed.remove(&path);
            } else {
                detail.closed.insert(path);
            }
        }
        Action::Right if !leaf && closed => _ = detail.closed.remove(&path),
        Action::Right => detail.left = (detail.left + SIDEWAYS).min(1 << 20),
        Action::Left if detail.left > 0 => detail.left = detail.left.saturating_sub(SIDEWAYS),
        Action::Left if !leaf && !closed => _ = detail.closed.insert(path),
        Action::Left if path.len() > 1 => {
            let parent = &path[..path.len() - 1];
            let up = detail.tree_lines().iter().position(|l| l.path == parent);
            detail.tree.at = up.unwrap_or(detail.tree.at);
        }
        // A field without parts shows its bytes.
        Action::Open | Action::Fold => {
            if let Some(range) = detail.marked_bytes() {
                detail.byte = range.start;
                detail.tab = PaneTab::Hex;
            }
        }
        _ => {}
    }
}

fn act_on_bytes(detail: &mut DetailState, action: Action, page: usize, width: u16) {
    let Some(len) = detail.buffer().map(|b| b.bytes.len()) else { return };
    let per_line = layout::hex_columns(width, len);
    let last = len.saturating_sub(1);
    let back = |by: usize| detail.byte.saturating_sub(by);
    let on = |by: usize| detail.byte.saturating_add(by).min(last);
    let down = |by: usize| if on(by) - detail.byte == by { on(by) } else { detail.byte };
    detail.byte = match action {
        Action::Left => back(1),
        Action::Right => on(1),
        Action::Up if detail.byte >= per_line => back(per_line),
        Action::Down => down(per_line),
        Action::PageUp => back(per_line * page),
        Action::PageDown => on(per_line * page),
        Action::HalfUp => back(per_line * (page / 2)),
        Action::HalfDown => on(per_line * (page / 2)),
        Action::First => 0,
        Action::Last => last,
        Action::Open | Action::Fold => return to_field(detail),
        _ => detail.byte,
    };
}

/// From a byte to the field it belongs to.
fn to_field(detail: &mut DetailState) {
    let Some(path) = detail.buffer().and_then(|b| field_at(&b.tree, detail.byte)) else { return };
    for n in 1..path.len() {
        detail.closed.remove(&path[..n]);
    }
    let at = detail.tree_lines().iter().position(|l| l.path == path);
    detail.tree.at = at.unwrap_or(detail.tree.at);
    detail.tab = PaneTab::Decoded;
}

/// The next message of the ladder below, or the next frame of the Packets.
fn beside(state: &mut State, by: isize) {
    let below = state.stack.len().checked_sub(2).and_then(|i| state.stack.get_mut(i));
    let subject = match below {
        Some(View::Ladder(ladder)) => {
            let mut at = ladder.cursor.at;
            loop {
                at = match at.checked_add_signed(by) {
                    Some(at) if at < ladder.rows.len() => at,
                    _ => break None,
                };
                if let Some(subject) = ladder.subject(at) {
                    ladder.cursor.at = at;
                    break Some(subject);
                }
            }
        }
        Some(View::Listing(list)) => {
            let data = list.data.clone().unwrap_or_default();
            let mut at = list.cursor.at;
            loop {
                at = match at.checked_add_signed(by) {
                    Some(at) if at < data.len() => at,
                    _ => break None,
                };
                if let Some(subject) = data.target(at).subject {
                    list.cursor.at = at;
                    break Some(subject);
                }
            }
        }
        None if state.tab == Tab::Packets => {
            let len = state.packets.len(&state.holdings);
            let before = state.packets.cursor.at;
            state.packets.cursor.step(by, len);
            if state.packets.cursor.at == before { None } else { super::packets::subject(state) }
        }
        _ => None,
    };
    match (subject, state.stack.last_mut()) {
        (Some(subject), Some(View::Detail(detail))) => detail.wanted(Some(subject)),
        _ => state.say(if by > 0 { "this is the last" } else { "this is the first" }),
    }
}

/// Moves what a side pane shows without a cursor of its own.
pub(super) fn scroll_pane(detail: &mut DetailState, by: isize) {
    let tree = detail.tree_lines().len();
    let lines = detail.lines().len();
    let bytes = detail.buffer().map_or(0, |b| b.bytes.len().div_ceil(4));
    match detail.tab {
        PaneTab::Decoded => {
            detail.tree.step(by, tree);
        }
        PaneTab::Hex => {
            detail.hex.top = detail.hex.top.saturating_add_signed(by).min(bytes.saturating_sub(1));
        }
        PaneTab::Raw | PaneTab::Sdp | PaneTab::Candidates => {
            detail.text.top = detail.text.top.saturating_add_signed(by).min(lines.saturating_sub(1));
            detail.text.at = detail.text.top;
        }
    }
}

pub(super) fn search(detail: &mut DetailState, needle: &str, forward: bool, from_here: bool) -> bool {
    match detail.tab {
        PaneTab::Decoded => {
            let hit = {
                let lines = detail.tree_lines();
                next_hit(detail.tree.at, lines.len(), forward, from_here, |i| {
                    contains(&tree::text(&lines[i]), needle)
                })
            };
            detail.tree.at = hit.unwrap_or(detail.tree.at);
            hit.is_some()
        }
        PaneTab::Raw | PaneTab::Sdp | PaneTab::Candidates => {
            let lines = detail.lines();
            let hit =
                next_hit(detail.text.at, lines.len(), forward, from_here, |i| contains(&lines[i], needle));
            detail.text.at = hit.unwrap_or(detail.text.at);
            hit.is_some()
        }
        PaneTab::Hex => {
            let Some(buffer) = detail.buffer() else { return false };
            let needle = needle.as_bytes();
            let starts = |i: usize| {
                buffer.bytes.get(i..i + needle.len()).is_some_and(|b| b.eq_ignore_ascii_case(needle))
            };
            let hit = next_hit(detail.byte, buffer.bytes.len(), forward, from_here, starts);
            detail.byte = hit.unwrap_or(detail.byte);
            hit.is_some()
        }
    }
}

/// A field in the tree, else the whole text.
pub(super) fn text(detail: &DetailState) -> Option<String> {
    match detail.tab {
        PaneTab::Decoded => detail.tree_lines().get(detail.tree.at).map(tree::text),
        PaneTab::Raw | PaneTab::Sdp | PaneTab::Candidates => Some(detail.lines().join("\n")),
        PaneTab::Hex => {
            let bytes = &detail.buffer()?.bytes;
            let range = detail.marked_bytes().unwrap_or(detail.byte..detail.byte + 1);
            let hex: Vec<String> = bytes.get(range)?.iter().map(|b| format!("{b:02x}")).collect();
            Some(hex.join(" "))
        }
    }
}
