//! What the desk and the loading thread tell.

use std::sync::Arc;

use super::settle;
use crate::correlate::load::Progress;
use crate::tui::desk::{Answer, ExportError, TableData};
use crate::tui::effect::Effect;
use crate::tui::state::{
    BoardState, DetailState, LadderState, ListingOf, ListingState, State, Subject, TableKind, TableState,
    View,
};
use crate::view::ladder::LadderOptions;
use crate::view::lists::ListKind;

/// Lines of frames kept beside those on the screen.
const KEPT_LINES: usize = 4_000;

/// Ladders of so few rows are shown unfolded.
const SHORT: usize = 3;

pub fn receive(state: &mut State, answer: Answer) -> Vec<Effect> {
    let mut effects = Vec::new();
    match answer {
        Answer::Overview { overview, holdings, took } => {
            state.overview_pending = false;
            state.overview_took = took;
            state.overview = Some(overview);
            state.holdings = holdings;
            if let Some(frame) = state.packets.seek
                && state.holdings.place_of(frame).is_some()
            {
                state.packets.seek = None;
                super::packets::go_to(state, frame);
            }
        }
        Answer::Table { kind, version, data, took } => {
            let table = state.table_mut(kind);
            table.pending = false;
            table.took = took;
            if version == table.version {
                table.shown = version;
                put_rows(table, data);
            }
        }
        Answer::Rows { kind, ids, part } => {
            let table = state.table_mut(kind);
            if let Some(data) = table.data.as_ref().filter(|d| Arc::ptr_eq(&d.ids, &ids)) {
                table.asked_rows.take_if(|asked| asked.start == part.first);
                table.data = Some(Arc::new(data.with_rows(part)));
            }
        }
        Answer::FoundRow { kind, sought, id } => super::tables::found(state, kind, &sought, id),
        Answer::CopiedRows(text) => super::copied(state, Some(text), &mut effects),
        Answer::Ladder { owners, options, ladder, flawed } => {
            let same = |view: &LadderState| view.owners == owners && same_options(view.options, options);
            let views = state.stack.iter_mut().filter_map(|view| match view {
                View::Ladder(view) if same(view) => Some(view),
                _ => None,
            });
            let mut same_as_before = false;
            for view in views {
                view.pending = false;
                view.flawed = flawed.clone();
                same_as_before |= view.ladder.as_ref() == Some(&ladder);
                if view.ladder.as_ref() != Some(&ladder) {
                    let subject = view.subject(view.cursor.at);
                    let first = view.ladder.is_none();
                    view.ladder = Some(ladder.clone());
                    if first && ladder.rows.len() <= SHORT {
                        // There is room enough for what was folded.
                        view.open = (0..ladder.rows.len()).map(|i| vec![i]).collect();
                    }
                    view.flatten();
                    let seek = view.seek.take().map(Subject::Message).or(subject);
                    if let Some(subject) = seek {
                        let at = (0..view.rows.len()).find(|&i| view.subject(i) == Some(subject));
                        view.cursor.at = at.unwrap_or(view.cursor.at);
                    }
                }
            }
            if same_as_before {
                super::ladder::nothing_changed(state);
            }
        }
        Answer::Detail(detail) => {
            let put = |view: &mut DetailState| {
                if view.subject == Some(detail.subject) {
                    view.data = Some(detail.clone());
                    view.close_at_first();
                }
            };
            put(&mut state.packets.pane);
            for view in &mut state.stack {
                match view {
                    View::Ladder(view) => put(&mut view.pane),
                    View::Detail(view) => put(view),
                    _ => {}
                }
            }
        }
        Answer::Diff { a, b, lines } => {
            for view in &mut state.stack {
                if let View::Diff(view) = view
                    && (view.a, view.b) == (a, b)
                {
                    view.lines = Some(lines.clone());
                }
            }
        }
        Answer::Packets { places, lines } => {
            if state.packets.asked == places {
                state.packets.asked.clear();
            }
            match lines {
                Ok(lines) => {
                    if state.packets.lines.len() + lines.len() > KEPT_LINES {
                        state.packets.lines.clear();
                    }
                    // A frame that cannot be read again must not be asked for without end.
                    if lines.is_empty() && !places.is_empty() {
                        state.packets.error = Some("these frames cannot be read again".to_owned());
                    } else {
                        state.packets.error = None;
                    }
                    state.packets.lines.extend(lines);
                }
                Err(text) => state.packets.error = Some(text),
            }
        }
        Answer::Matches { version, places, scanned, done } => {
            if state.packets.version == version
                && let Some(matches) = &mut state.packets.matches
            {
                matches.extend(places);
                state.packets.scanned = (!done).then_some(scanned);
                if done && scanned < state.holdings.frames && !state.loading {
                    let n = matches.len();
                    state.say(format!("the first {n} matches are listed"));
                }
            }
        }
        Answer::Found { version, place } => {
            if state.packets.version == version {
                match place {
                    Some(place) => {
                        state.packets.cursor.at = place as usize;
                        state.notice = None;
                    }
                    None => {
                        let needle = state.search.clone();
                        state.complain(format!("`{needle}` is not on any line here"));
                    }
                }
            }
        }
        Answer::OwnerOf { frame, owner } => match owner {
            Some((owner, message)) => {
                let mut view = LadderState::new(vec![owner], LadderOptions::default());
                view.seek = Some(message);
                state.stack.push(View::Ladder(Box::new(view)));
            }
            None => state.say(format!("frame {} carries no SIP message", frame.frame)),
        },
        Answer::StreamsOf(rows, at) => match rows.get(at) {
            Some(row) => {
                let mut view = ListingState::new(ListingOf::Row(ListKind::Media, *row));
                view.among = rows;
                state.stack.push(View::Listing(Box::new(view)));
            }
            None => state.say("no media stream of it was captured here"),
        },
        Answer::SessionsOf(ids) if ids.is_empty() => state.say("no ICE: its SDP names no candidates"),
        Answer::IceOf { allocation: Some(allocation), .. } => {
            super::ice::open_allocation(state, Some(allocation));
        }
        Answer::IceOf { frame, ids, .. } if ids.is_empty() => {
            state.say(format!("frame {} belongs to no ICE session and no allocation", frame.frame));
        }
        Answer::SessionsOf(ids) | Answer::IceOf { ids, .. } => {
            let view = BoardState::new(Arc::new(ids), 0);
            state.stack.push(View::Board(Box::new(view)));
        }
        Answer::Session { id, place, data } => {
            for view in &mut state.stack {
                if let View::Board(view) = view
                    && view.id() == Some(id)
                    && view.place == place
                {
                    super::ice::put_session(view, data.clone());
                }
            }
        }
        Answer::Listing { of, time, data } => {
            for view in &mut state.stack {
                if let View::Listing(view) = view
                    && view.of == of
                {
                    view.pending = false;
                    if view.asked.is_some_and(|(_, asked)| asked == time) {
                        view.data = Some(data.clone());
                    }
                }
            }
        }
        Answer::OwnersOf { of: (TableKind::List(ListKind::SignIns), row), owners } if owners.is_empty() => {
            super::ice::open_sign_in_ladder(state, row);
        }
        Answer::OwnersOf { owners, .. } if owners.is_empty() => {
            state.say("no SIP call of this capture belongs to it");
        }
        Answer::OwnersOf { owners, .. } => super::ice::open_ladder(state, owners),
        Answer::UserRows(rows) => super::user::found(state, rows),
        Answer::Statistics(statistics) => state.statistics = Some(statistics),
        Answer::Exported(Ok(text)) => {
            state.exporting = None;
            state.export_dialog = None;
            state.say(text);
        }
        Answer::Exported(Err(ExportError::Exists)) => {
            if let Some(job) = state.exporting.take() {
                state.notice = None;
                state.stack.push(View::Confirm(Box::new(job)));
            }
        }
        Answer::Exported(Err(ExportError::Other(text))) => {
            state.exporting = None;
            super::export::reopen(state);
            state.complain(format!("not written: {text}"));
        }
    }
    settle(state, &mut effects);
    effects
}

pub(super) fn same_options(a: LadderOptions, b: LadderOptions) -> bool {
    (a.unfold, a.extended, a.lookup, a.sign_in) == (b.unfold, b.extended, b.lookup, b.sign_in)
}

/// New rows come under the cursor without moving it from its row.
fn put_rows(table: &mut TableState, data: Arc<TableData>) {
    let (selected, above) = (table.selected(), table.cursor.at - table.cursor.top.min(table.cursor.at));
    if let Some(id) = selected
        && data.ids.get(table.cursor.at) != Some(&id)
        && table.cursor.at > 0
        && let Some(at) = data.place_of(id)
    {
        table.cursor.at = at;
        table.cursor.top = at.saturating_sub(above);
    }
    // Columns do not get narrower while rows come in.
    let columns = table.data.as_ref().filter(|old| old.columns == data.columns);
    let widths = columns.filter(|old| old.widths.iter().zip(&data.widths).any(|(old, new)| old > new));
    table.data = Some(match widths {
        Some(old) => {
            let widths = old.widths.iter().zip(&data.widths).map(|(old, new)| *old.max(new)).collect();
            Arc::new(TableData { widths, ..(*data).clone() })
        }
        None => data,
    });
    table.asked_rows = None;
}

/// Loading went on.
pub fn progress(state: &mut State, progress: Progress) -> Vec<Effect> {
    if progress.frames != state.progress.frames {
        state.revision += 1;
    }
    state.progress = progress;
    let mut effects = Vec::new();
    settle(state, &mut effects);
    effects
}

/// Loading ended.
pub fn loaded(state: &mut State, errors: Vec<String>) -> Vec<Effect> {
    state.loading = false;
    state.revision += 1;
    if let Some(first) = errors.first() {
        let more =
            if errors.len() > 1 { format!("  (and {} more)", errors.len() - 1) } else { String::new() };
        state.complain(format!("{}{more}", crate::view::show::safe(first.as_bytes())));
    }
    state.errors = errors;
    let mut effects = Vec::new();
    settle(state, &mut effects);
    // A filter over the frames saw only what was there when it was set.
    if let Some(filter) = state.packets.filter.clone() {
        let text = state.packets.filter_text.clone();
        super::packets::set_filter(state, text, Some(filter), &mut effects);
    }
    effects
}
