//! After every change: cursors stay on the screen, and what the screen lacks is asked for.

use super::receive::same_options;
use crate::tui::desk::{Around, Request};
use crate::tui::effect::Effect;
use crate::tui::layout;
use crate::tui::state::{Cursor, DetailState, LadderState, PaneTab, State, Tab, TableKind, View};

/// Frames read beyond those on the screen, as a part of it.
const AHEAD: usize = 1;

pub fn settle(state: &mut State, effects: &mut Vec<Effect>) {
    overview(state, effects);
    match state.tab {
        Tab::Packets => packets(state, effects),
        _ => {
            if let Some(kind) = state.tab_table() {
                table(state, kind, effects);
            }
        }
    }
    let body = layout::shell(state.width, state.height).body;
    let areas = layout::ladder(state, body);
    let (revision, flow_time) = (state.revision, state.flow_time);
    let page = layout::page(state);
    let top = state.stack.len().saturating_sub(1);
    for (i, view) in state.stack.iter_mut().enumerate() {
        match view {
            View::Ladder(view) => {
                view.wrap_notes(crate::tui::widgets::ladder::note_room(areas.0.width, flow_time));
                ladder(view, areas, revision, i == top, effects);
            }
            View::Detail(view) => {
                detail(view, body, true, effects);
            }
            View::Board(view) => super::ice::settle_board(view, body, revision, effects),
            View::Listing(view) => super::ice::settle_listing(view, body, (revision, flow_time), effects),
            View::Diff(view) if view.lines.is_none() => {
                view.lines = Some(Ok(Default::default()));
                effects.push(Effect::Ask(Request::Diff(view.a, view.b)));
            }
            View::Columns(view) if i == top => view.cursor.settle(view.items.len(), page),
            _ => {}
        }
    }
}

/// Counts on an activity line that fit the width.
pub fn slices(width: u16) -> usize {
    usize::from(width / 5).clamp(12, 60)
}

fn overview(state: &mut State, effects: &mut Vec<Effect>) {
    let items = super::overview_items(state).len();
    state.overview_cursor.at = state.overview_cursor.at.min(items.saturating_sub(1));
    let slices = slices(state.width);
    let want = (state.revision, slices);
    let early =
        state.loading && state.now < state.overview_asked_at.saturating_add(rest(state.overview_took));
    if state.overview_asked != Some(want) && !state.overview_pending && !early {
        state.overview_asked = Some(want);
        state.overview_asked_at = state.now;
        state.overview_pending = true;
        effects.push(Effect::Ask(Request::Overview { slices }));
    }
}

fn table(state: &mut State, kind: TableKind, effects: &mut Vec<Effect>) {
    let body = layout::shell(state.width, state.height).body;
    let height = usize::from(layout::table_rows(body).height);
    let (time, revision, now, loading) = (state.time, state.revision, state.now, state.loading);
    let table = state.table_mut(kind);
    let len = table.len();
    table.cursor.settle(len, height);
    let on_screen = table.cursor.top..(table.cursor.top + height).min(len);
    if let Some(data) = &table.data
        && !data.holds(&on_screen)
        && table.asked_rows.as_ref().is_none_or(|r| r.start > on_screen.start || r.end < on_screen.end)
    {
        let places = Around::page(table.cursor.top, height);
        let (query, ids) = (Box::new(table.query(time)), data.ids.clone());
        table.asked_rows = Some(places.clone());
        effects.push(Effect::Ask(Request::Rows { kind, query, ids, places }));
    }
    let want = (table.version, revision);
    if table.asked == Some(want) {
        return;
    }
    // A new query goes out at once; more rows only when the last ones have come, and long tables less often.
    let same_query = table.asked.is_some_and(|(version, _)| version == table.version);
    let early = loading && now < table.asked_at.saturating_add(rest(table.took));
    if same_query && (table.pending || early) {
        return;
    }
    table.asked = Some(want);
    table.asked_at = now;
    table.pending = true;
    let around = Around {
        // A cursor on the first line stays there, whatever row that is.
        id: table.selected().filter(|_| table.cursor.at > 0),
        at: table.cursor.at,
        above: table.cursor.at.saturating_sub(table.cursor.top),
        height,
    };
    let (query, version) = (Box::new(table.query(time)), table.version);
    effects.push(Effect::Ask(Request::Table { kind, query, version, around }));
}

/// Milliseconds before the same is asked again while loading, which waits for whoever reads the analysis.
fn rest(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX).saturating_mul(12)
}

fn packets(state: &mut State, effects: &mut Vec<Effect>) {
    let body = layout::shell(state.width, state.height).body;
    let (main, pane) = layout::packets(state, body);
    let height = usize::from(layout::table_rows(main).height);
    let len = state.packets.len(&state.holdings);
    state.packets.cursor.settle(len, height);
    let top = state.packets.cursor.top;
    let missing = |from: usize, to: usize| -> Vec<u64> {
        (from..to.min(len))
            .filter_map(|at| state.packets.place(at))
            .filter(|place| !state.packets.lines.contains_key(place))
            .collect()
    };
    let on_screen = missing(top, top + height);
    if !on_screen.is_empty() && state.packets.asked.is_empty() && state.packets.error.is_none() {
        let places = missing(top.saturating_sub(height * AHEAD), top + height * (1 + AHEAD));
        state.packets.asked.clone_from(&places);
        effects.push(Effect::Ask(Request::Packets { places }));
    }
    if state.stack.is_empty()
        && let Some(area) = pane
    {
        let subject = super::packets::subject(state);
        state.packets.pane.wanted(subject);
        detail(&mut state.packets.pane, area, false, effects);
    }
}

fn ladder(
    view: &mut LadderState,
    (main, pane): (ratatui::layout::Rect, Option<ratatui::layout::Rect>),
    revision: u64,
    on_top: bool,
    effects: &mut Vec<Effect>,
) {
    let height = usize::from(layout::ladder_rows(main).height);
    view.cursor.settle(view.rows.len(), height);
    let fresh = view.asked.is_some_and(|(r, o)| r == revision && same_options(o, view.options));
    let new_options = view.asked.is_none_or(|(_, o)| !same_options(o, view.options));
    if !fresh && (new_options || !view.pending) {
        view.asked = Some((revision, view.options));
        view.pending = true;
        effects.push(Effect::Ask(Request::Ladder { owners: view.owners.clone(), options: view.options }));
    }
    if let Some(area) = pane.filter(|_| on_top) {
        let subject = view.subject(view.cursor.at);
        view.pane.wanted(subject);
        detail(&mut view.pane, area, false, effects);
    }
}

fn detail(view: &mut DetailState, area: ratatui::layout::Rect, focus: bool, effects: &mut Vec<Effect>) {
    if view.asked != view.subject {
        view.asked = view.subject;
        if let Some(subject) = view.subject {
            effects.push(Effect::Ask(Request::Detail(subject)));
        }
    }
    let parts = layout::pane(area, view.tab);
    let height = usize::from(parts.main.height);
    let tree = view.tree_lines().len();
    view.tree.settle(tree, height);
    let lines = view.lines().len();
    if view.tab.is_text() {
        settle_text(view, lines, parts.main.width, height, focus);
    }
    let len = view.buffer().map_or(0, |b| b.bytes.len());
    view.byte = view.byte.min(len.saturating_sub(1));
    let hex_area = parts.hex.unwrap_or(parts.main);
    let per_line = layout::hex_columns(hex_area.width, len);
    if focus && view.tab == PaneTab::Hex {
        // Without a tree beside it the last line names the field.
        let height = usize::from(hex_area.height).saturating_sub(usize::from(parts.hex.is_none())).max(1);
        let mut lines = Cursor { at: view.byte / per_line, top: view.hex.top };
        lines.settle(len.div_ceil(per_line), height);
        view.hex = lines;
    } else {
        view.hex.top = view.hex.top.min(len.div_ceil(per_line).saturating_sub(1));
    }
}

/// Lines may take several rows each: the top goes down until the cursor's line is in sight.
fn settle_text(view: &mut DetailState, len: usize, width: u16, height: usize, focus: bool) {
    let last = len.saturating_sub(1);
    view.text.at = view.text.at.min(last);
    view.text.top = view.text.top.min(last);
    if !focus {
        return;
    }
    if view.text.at < view.text.top {
        view.text.top = view.text.at;
    }
    let columns = usize::from(width.saturating_sub(2));
    let rows = |line: &str| {
        let shown = crate::tui::widgets::text::skip_columns(line, view.left);
        crate::tui::widgets::text::wrap(shown, columns).len()
    };
    let (mut used, mut top) = (0, view.text.at);
    let lines = view.lines();
    for at in (0..=view.text.at).rev() {
        used += lines.get(at).map_or(1, |l| rows(l));
        if used > height && at != view.text.at {
            break;
        }
        top = at;
        if at <= view.text.top {
            break;
        }
    }
    view.text.top = view.text.top.max(top);
}
