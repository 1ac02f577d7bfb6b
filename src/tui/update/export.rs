//! The export dialog, the question before a file is replaced, and `:export`.

use tui_input::Input;

use crate::correlate::Owner;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::state::{Export, ExportState, Format, ListingOf, State, TableKind, TableState, View, What};
use crate::view::ladder::LadderOptions;
use crate::view::lists::ListKind;

/// What can be written from here, the likeliest first.
fn choices(state: &State) -> Vec<(String, What)> {
    let mut out = Vec::new();
    let ladder = state.stack.iter().rev().find_map(|view| match view {
        View::Ladder(ladder) => Some(ladder),
        _ => None,
    });
    let row = match state.stack.iter().rev().find(|view| !view.is_popup()) {
        Some(View::Listing(view)) => match view.of {
            ListingOf::Row(kind, row) => Some((kind, row, view.data.as_ref())),
            _ => None,
        },
        _ => None,
    };
    if let Some((kind, row, data)) = row {
        if kind == ListKind::Media {
            out.push((format!("stream {}", u64::from(row) + 1), What::Stream(row)));
        }
        out.push(("these details".to_owned(), What::Details(kind, row)));
        let owners = data.map(|data| data.owners.clone()).unwrap_or_default();
        if !owners.is_empty() {
            out.push(("its packets".to_owned(), What::Packets(owners.clone())));
            out.push(("its ladder".to_owned(), What::Ladder(owners.clone(), LadderOptions::default())));
        }
        out.push(("a report of it".to_owned(), What::Report(owners, vec![(kind, row)])));
    } else if let Some(ladder) = ladder {
        out.push(("this ladder".to_owned(), What::Ladder(ladder.owners.clone(), ladder.options)));
        if !ladder.owners.is_empty() {
            out.push(("its packets".to_owned(), What::Packets(ladder.owners.clone())));
            out.push(("a report of it".to_owned(), What::Report(ladder.owners.clone(), Vec::new())));
        }
    } else if let Some(kind) = state.tab_table() {
        let table = state.table(kind);
        let owners = table.chosen();
        let whose = match table.marks.len() {
            0 => "of this row".to_owned(),
            n => format!("of the {n} marked rows"),
        };
        let report = report_of(table).map(|what| (format!("report {whose}"), what));
        if !owners.is_empty() {
            out.push((format!("packets {whose}"), What::Packets(owners.clone())));
        }
        // What is marked was meant to go together.
        let marked = !table.marks.is_empty();
        out.extend(report.clone().filter(|_| marked));
        if !owners.is_empty() {
            out.push((format!("ladder {whose}"), What::Ladder(owners, LadderOptions::default())));
        }
        if marked {
            let name = format!("table {whose}");
            out.push((name, What::Rows(kind, table.marks.iter().copied().collect())));
        }
        out.push(("this table".to_owned(), What::Table(kind)));
        out.extend(report.filter(|_| !marked));
    }
    out.push(("everything, as summary".to_owned(), What::Summary));
    out
}

/// Of the marked rows, else of the one under the cursor; none where a report cannot be of them alone.
fn report_of(table: &TableState) -> Option<What> {
    let what = match table.kind {
        TableKind::Calls | TableKind::Dialogs => What::Report(table.chosen(), Vec::new()),
        TableKind::List(kind) => {
            let marked = table.marks.iter().copied();
            let rows: Vec<u32> = match table.marks.is_empty() {
                true => table.selected().into_iter().collect(),
                false => marked.collect(),
            };
            What::Report(Vec::new(), rows.into_iter().map(|row| (kind, row)).collect())
        }
        TableKind::Sessions | TableKind::Allocations => return None,
    };
    match &what {
        What::Report(owners, rows) if owners.is_empty() && rows.is_empty() => None,
        _ => Some(what),
    }
}

pub(super) fn open(state: &mut State) {
    let mut dialog = ExportState {
        choices: choices(state),
        what: 0,
        format: 0,
        path: Input::default(),
        typed: false,
        field: 0,
    };
    dialog.suggest();
    state.stack.push(View::Export(Box::new(dialog)));
}

impl ExportState {
    pub fn format(&self) -> Format {
        let formats = self.choices.get(self.what).map_or(&[][..], |(_, what)| what.formats());
        formats.get(self.format).copied().unwrap_or(Format::Json)
    }

    /// A file name that fits, as long as none was typed.
    fn suggest(&mut self) {
        if !self.typed
            && let Some((_, what)) = self.choices.get(self.what)
        {
            self.path = Input::new(default_path(what, self.format()));
        }
    }
}

fn numbered(kind: ListKind, row: u32) -> String {
    format!("{}-{}", kind.name(), u64::from(row) + 1)
}

/// Tells what is in it: `callscope-call-3.svg`.
fn default_path(what: &What, format: Format) -> String {
    let name = match what {
        What::Ladder(owners, _) | What::Packets(owners) | What::Report(owners, _) => {
            match owners.as_slice() {
                [] => match what {
                    What::Report(_, rows) => match rows.as_slice() {
                        [(kind, row)] => numbered(*kind, *row),
                        many => format!("{}-marked", many.len()),
                    },
                    What::Ladder(_, LadderOptions { lookup: Some(row), .. }) => {
                        numbered(ListKind::Lookups, *row)
                    }
                    What::Ladder(_, LadderOptions { sign_in: Some(row), .. }) => {
                        numbered(ListKind::SignIns, *row)
                    }
                    _ => "nothing".to_owned(),
                },
                [Owner::Call(c)] => format!("call-{}", u64::from(c.0) + 1),
                [Owner::Dialog(d)] => format!("dialog-{}", u64::from(d.0) + 1),
                many => format!("{}-marked", many.len()),
            }
        }
        What::Table(kind) => kind.name().to_owned(),
        What::Rows(kind, rows) => format!("{}-{}-marked", kind.name(), rows.len()),
        What::Stream(row) => format!("stream-{}", u64::from(*row) + 1),
        What::Details(kind, row) => numbered(*kind, *row),
        What::Summary => "summary".to_owned(),
    };
    format!("callscope-{name}.{}", format.names().1)
}

pub(super) fn act(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    let Some(View::Export(dialog)) = state.stack.last_mut() else { return };
    let step = |now: usize, by: usize, len: usize| if len == 0 { 0 } else { (now + by) % len };
    let formats = dialog.choices.get(dialog.what).map_or(1, |(_, what)| what.formats().len());
    match action {
        Action::Up => dialog.field = step(dialog.field, 2, 3),
        Action::Down => dialog.field = step(dialog.field, 1, 3),
        Action::Left | Action::Right => {
            let on = action == Action::Right;
            match dialog.field {
                0 => {
                    let len = dialog.choices.len();
                    dialog.what = step(dialog.what, if on { 1 } else { len - 1 }, len);
                    dialog.format = 0;
                }
                1 => dialog.format = step(dialog.format, if on { 1 } else { formats - 1 }, formats),
                _ => {
                    let request = if on {
                        tui_input::InputRequest::GoToNextChar
                    } else {
                        tui_input::InputRequest::GoToPrevChar
                    };
                    _ = dialog.path.handle(request);
                    return;
                }
            }
            dialog.suggest();
        }
        Action::Edit(request) => {
            // Whatever is typed is a file name, wherever the cursor is.
            dialog.field = 2;
            dialog.typed = true;
            dialog.path.handle(request);
        }
        Action::Open => {
            let Some((_, what)) = dialog.choices.get(dialog.what).cloned() else { return };
            let (format, path) = (dialog.format(), dialog.path.value().trim().to_owned());
            if path.is_empty() {
                dialog.field = 2;
                return state.complain("a file name is missing");
            }
            if let Some(View::Export(dialog)) = state.stack.pop() {
                state.export_dialog = Some(dialog);
            }
            write(state, what, format, path, false, effects);
        }
        _ => {}
    }
}

fn write(
    state: &mut State,
    what: What,
    format: Format,
    path: String,
    force: bool,
    effects: &mut Vec<Effect>,
) {
    let table = match &what {
        What::Table(kind) | What::Rows(kind, _) => Some(Box::new(state.table(*kind).query(state.time))),
        _ => None,
    };
    let time = if matches!(what, What::Ladder(..)) { state.flow_time } else { state.time };
    let job = Export { what, format, path, force, table, time, ascii: state.theme.ascii };
    state.exporting = Some(job.clone());
    state.say(format!("writing {} …", job.path));
    effects.push(Effect::Export(Box::new(job)));
}

pub(super) fn confirm(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    if !matches!(action, Action::Yes | Action::No) {
        return;
    }
    let Some(View::Confirm(job)) = state.stack.pop() else { return };
    if action == Action::Yes {
        let Export { what, format, path, .. } = *job;
        write(state, what, format, path, true, effects);
    } else {
        state.say("nothing was written");
        reopen(state);
    }
}

/// Back to the dialog with the file name as it was typed.
pub(super) fn reopen(state: &mut State) {
    if let Some(mut dialog) = state.export_dialog.take()
        && state.line.is_none()
    {
        (dialog.field, dialog.typed) = (2, true);
        state.stack.push(View::Export(dialog));
    }
}

/// `:export FORMAT [FILE]`.
pub(super) fn by_command(
    state: &mut State,
    words: &str,
    force: bool,
    effects: &mut Vec<Effect>,
) -> Result<(), String> {
    let (name, path) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let Some(format) = Format::ALL.into_iter().find(|f| f.names().0 == name || f.names().1 == name) else {
        let all: Vec<&str> = Format::ALL.iter().map(|f| f.names().0).collect();
        return Err(format!("no format `{name}`: {}", all.join(" ")));
    };
    let fits = |what: &What| what.formats().contains(&format);
    let choices: Vec<What> = choices(state).into_iter().map(|(_, what)| what).filter(fits).collect();
    // From a table HTML is a report; a ladder alone is one where it is looked at.
    let looked_at = state.stack.iter().any(|view| matches!(view, View::Ladder(_)));
    let alone = |what: &&What| format == Format::Html && !looked_at && matches!(what, What::Ladder(..));
    let what = choices.iter().find(|what| !alone(what)).or(choices.first()).cloned();
    let Some(what) = what else {
        return Err(format!("nothing here can be written as {name}: open a ladder or a table first"));
    };
    let path = match path.trim() {
        "" => default_path(&what, format),
        path => path.to_owned(),
    };
    state.export_dialog = None;
    write(state, what, format, path, force, effects);
    Ok(())
}
