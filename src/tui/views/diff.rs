//! Two messages side by side in one text: what went and what came, by words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::placeholder;
use crate::tui::state::{DiffState, State};
use crate::tui::theme::Role;
use crate::tui::widgets::text::put;
use crate::view::diff::{Change, DiffLine};

/// Sign at the start of a line: whole lines went (`-`), came (`+`), or changed (`~`).
fn sign(line: &DiffLine) -> (&'static str, Role) {
    let has = |c: Change| line.runs.iter().any(|(change, text)| *change == c && !text.is_empty());
    match (has(Change::Removed), has(Change::Added), has(Change::Same)) {
        (false, false, _) => (" ", Role::Text),
        (true, false, false) => ("-", Role::Removed),
        (false, true, false) => ("+", Role::Added),
        _ => ("~", Role::Warning),
    }
}

/// A run as shown: what changed inside of a line has signs of its own, so that no colour is needed.
fn shown(line: &DiffLine) -> Vec<(Role, String)> {
    let whole = sign(line).0 != "~";
    line.runs
        .iter()
        .map(|(change, text)| match change {
            Change::Same => (Role::Text, text.clone()),
            Change::Removed if whole => (Role::Removed, text.clone()),
            Change::Added if whole => (Role::Added, text.clone()),
            Change::Removed => (Role::Removed, format!("[-{text}-]")),
            Change::Added => (Role::Added, format!("{{+{text}+}}")),
        })
        .collect()
}

/// The same as text.
pub fn text(lines: &[DiffLine]) -> String {
    let line = |line: &DiffLine| {
        let runs: String = shown(line).into_iter().map(|(_, text)| text).collect();
        format!("{} {runs}", sign(line).0)
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, view: &DiffState) {
    let theme = state.theme;
    let head = match &view.lines {
        Some(Ok(lines)) => {
            let changed = lines.iter().filter(|l| sign(l).0 != " ").count();
            format!(
                "{changed} of {} lines differ   - only first  + only second  ~ [-first-]{{+second+}}",
                lines.len()
            )
        }
        _ => String::new(),
    };
    put(buf, area.x + 1, area.y, area.width.saturating_sub(2), &head, theme.style(Role::Title));
    let lines = match &view.lines {
        Some(Ok(lines)) => lines,
        Some(Err(text)) => {
            return placeholder::say(buf, area, theme, &format!("cannot be read again: {text}"));
        }
        None => return,
    };
    for (y, line) in (area.y + 1..area.bottom()).zip(lines.iter().skip(view.cursor.top)) {
        let (mark, role) = sign(line);
        put(buf, area.x + 1, y, 1, mark, theme.style(role));
        let (mut x, mut skip) = (area.x + 3, view.left);
        for (role, text) in shown(line) {
            let columns = crate::tui::widgets::text::width(&text);
            let part = crate::tui::widgets::text::skip_columns(&text, skip);
            skip = skip.saturating_sub(columns);
            x += put(buf, x, y, area.right().saturating_sub(x), part, theme.style(role));
        }
    }
}
