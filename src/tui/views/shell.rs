//! What surrounds every screen: the capture, the tabs, the state of things, the keys that matter here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::Action;
use crate::tui::keys;
use crate::tui::layout::{self, Shell};
use crate::tui::state::{Purpose, State, Tab, View};
use crate::tui::theme::Role;
use crate::tui::widgets::input;
use crate::tui::widgets::text::{fill_row, put, put_right, width};
use crate::view::show;

pub fn above(buf: &mut Buffer, shell: Shell, state: &State) {
    title(buf, shell.title, state);
    for (x, text, role) in tab_line(state, shell.tabs.width) {
        put(buf, x, shell.tabs.y, shell.tabs.width - x, &text, state.theme.style(role));
    }
    rule(buf, shell.rule, state);
}

fn title(buf: &mut Buffer, area: Rect, state: &State) {
    let holdings = &state.holdings;
    let theme = state.theme;
    let x = area.x + 1 + put(buf, area.x + 1, area.y, area.width, "callscope", theme.style(Role::Title));
    let mut right = Vec::new();
    if holdings.frames > 0 {
        right.push(format!("{} frames", show::number(holdings.frames)));
        right.push(show::size(holdings.bytes));
    }
    let right = right.join("  ");
    let room = usize::from(area.width).saturating_sub(usize::from(x) + 3);
    let spans = holdings.span.map(|(first, last)| {
        let at = |t| show::date_time(t, state.time);
        let end = at(last);
        // The day is told once.
        let end = match (at(first).split_once(' '), end.split_once(' ')) {
            (Some((a, _)), Some((b, time))) if a == b => time.to_owned(),
            _ => end,
        };
        let length = show::span(last - first);
        [
            format!("{} → {end} ({length})", at(first)),
            format!("{} ({length})", at(first)),
            format!("({length})"),
        ]
    });
    let name = match holdings.title.as_str() {
        "" if state.loading => "reading …",
        "" => "nothing could be read",
        title => title,
    };
    let mut middle = name.to_owned();
    let fits = |s: &String| width(name) + width(s) + width(&right) + 5 <= room;
    if let Some(span) = spans.into_iter().flatten().find(fits) {
        middle = format!("{name}  {span}");
    }
    let taken = width(&right) + 1;
    put(buf, x + 2, area.y, (room.saturating_sub(taken)) as u16, &middle, theme.style(Role::Text));
    put_right(buf, x, area.y, area.right() - x - 1, &right, theme.style(Role::Dim));
}

fn count(state: &State, tab: Tab) -> Option<u64> {
    match tab {
        Tab::Packets => Some(state.holdings.frames),
        _ => state.table_of(tab).map(|kind| state.holdings.rows(kind) as u64),
    }
}

fn short(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..1_000_000 => format!("{}k", n / 1000),
        _ => format!("{:.1}M", n as f64 / 1e6),
    }
}

/// The tabs as wide as fits: all names, short names, short names without counts, digits.
fn tab_line(state: &State, room: u16) -> Vec<(u16, String, Role)> {
    let text = |tab: Tab, level: u8| {
        let (long, brief) = tab.names_of(state.table_of(tab));
        let digit = tab.digit();
        let counted =
            count(state, tab).filter(|n| *n > 0).map(|n| format!(" {}", short(n))).unwrap_or_default();
        match level {
            0 => format!("{digit} {long}{counted}"),
            1 | 2 => format!("{digit} {brief}{counted}"),
            3 => format!("{digit} {brief}"),
            _ if tab == state.tab => format!("{digit} {brief}"),
            _ => digit.to_string(),
        }
    };
    for level in 0..5u8 {
        // Two blanks between the tabs, or one where it is narrow; the brackets of the active one stand in them.
        let gap = if level < 2 { 2 } else { 1 };
        let mut x = 1;
        let mut line = Vec::new();
        for tab in Tab::ALL {
            let active = tab == state.tab;
            let text = text(tab, level);
            let columns = width(&text) as u16;
            if active {
                line.push((x - 1, format!("[{text}]"), Role::TabActive));
            } else {
                line.push((x, text, Role::Text));
            }
            x += columns + gap;
        }
        if x - gap < room || level == 4 {
            return line;
        }
    }
    Vec::new()
}

/// The tab drawn at a column.
pub fn tab_at(state: &State, x: u16) -> Option<Tab> {
    let line = tab_line(state, state.width);
    let at = line.iter().position(|(start, text, _)| x >= *start && x < start + width(text) as u16)?;
    Tab::ALL.get(at).copied()
}

/// Below the tabs: where we are and what narrows it.
fn rule(buf: &mut Buffer, area: Rect, state: &State) {
    let theme = state.theme;
    fill_row(buf, area, area.y, '─', theme.style(Role::Rule));
    let mut parts: Vec<(String, Role)> = Vec::new();
    for view in &state.stack {
        let name = match view {
            View::Ladder(view) if view.owners.len() > 1 => format!("ladder of {}", view.owners.len()),
            View::Ladder(_) => "ladder".to_owned(),
            View::Detail(_) => "message".to_owned(),
            View::Diff(_) => "difference".to_owned(),
            View::Board(_) => "pair board".to_owned(),
            View::Listing(view) => view.name().to_owned(),
            View::Statistics { .. } => "statistics".to_owned(),
            _ => continue,
        };
        parts.push((format!("› {name}"), Role::Text));
    }
    if state.stack.is_empty() {
        let (filter, shown, total) = match state.tab_table() {
            Some(kind) => {
                let table = state.table(kind);
                if !table.marks.is_empty() {
                    parts.push((format!("{} marked", table.marks.len()), Role::Mark));
                }
                if table.pending && table.shown != table.version {
                    parts.push(("working …".to_owned(), Role::Dim));
                }
                let total = table.data.as_ref().map_or(0, |d| d.total);
                (table.filter_text.as_str(), table.len(), total)
            }
            None if state.tab == Tab::Packets => {
                let shown = state.packets.len(&state.holdings);
                (state.packets.filter_text.as_str(), shown, state.holdings.frames as usize)
            }
            None => ("", 0, 0),
        };
        if !filter.is_empty() {
            parts.push((format!("filter: {filter}"), Role::Warning));
            parts.push((
                format!("{} of {}", show::number(shown as u64), show::number(total as u64)),
                Role::Text,
            ));
            if let Some(scanned) = state.packets.scanned.filter(|_| state.tab == Tab::Packets) {
                parts.push((format!("looked at {}", show::number(scanned)), Role::Dim));
            }
        }
    }
    if !state.search.is_empty() {
        parts.push((format!("search: {}", state.search), Role::Match));
    }
    let place = match place(state) {
        Some((at, len)) => format!(" {} of {} ", show::number(at), show::number(len)),
        None if state.stack.is_empty() && state.tab == Tab::Overview => overview_place(state),
        None => String::new(),
    };
    let mut end = area.right();
    if !place.is_empty() {
        put_right(buf, area.x, area.y, area.width - 2, &place, theme.style(Role::Dim));
        end = end.saturating_sub(width(&place) as u16 + 2);
    }
    let mut x = area.x + 2;
    for (text, role) in parts {
        let room = end.saturating_sub(x + 1);
        if room < 8 {
            break;
        }
        x += put(buf, x, area.y, room, &format!(" {text} "), theme.style(role)) + 1;
    }
}

/// Which lines of the Overview are on the screen, if not all are.
fn overview_place(state: &State) -> String {
    let body = layout::shell(state.width, state.height).body;
    let lines = super::overview::lines(state, body.width);
    let height = usize::from(body.height);
    if lines.len() <= height {
        return String::new();
    }
    let top = super::overview::top(state, &lines, body.height);
    format!(" lines {}–{} of {} ", top + 1, (top + height).min(lines.len()), lines.len())
}

/// Line of the cursor and number of lines, where there is a cursor.
fn place(state: &State) -> Option<(u64, u64)> {
    let (at, len) = match state.stack.iter().rev().find(|v| !v.is_popup()) {
        Some(View::Ladder(view)) => (view.cursor.at, view.rows.len()),
        Some(View::Listing(view)) => (view.cursor.at, view.data.as_ref().map_or(0, |d| d.len())),
        Some(View::Board(view)) if view.ids.len() > 1 => (view.at, view.ids.len()),
        Some(_) => return None,
        None => match state.tab_table() {
            Some(kind) => (state.table(kind).cursor.at, state.table(kind).len()),
            None if state.tab == Tab::Packets => {
                (state.packets.cursor.at, state.packets.len(&state.holdings))
            }
            None => return None,
        },
    };
    (len > 0).then_some((at as u64 + 1, len as u64))
}

pub fn below(buf: &mut Buffer, shell: Shell, state: &State) {
    let theme = state.theme;
    if shell.lower_rule.height > 0 {
        fill_row(buf, shell.lower_rule, shell.lower_rule.y, '─', theme.style(Role::Rule));
    }
    match &state.line {
        Some(_) => line(buf, shell, state),
        None => status(buf, shell.status, state),
    }
    key_line(buf, shell.keys, state);
}

fn line(buf: &mut Buffer, shell: Shell, state: &State) {
    let Some(line) = &state.line else { return };
    let theme = state.theme;
    let area = shell.status;
    let prompt = match line.purpose {
        Purpose::Command => ":",
        Purpose::Filter => "filter: ",
        Purpose::Search => "/",
        Purpose::Header => "header: ",
    };
    let x = area.x + put(buf, area.x, area.y, area.width, prompt, theme.style(Role::Key));
    let field = Rect { x, width: area.right().saturating_sub(x), ..area };
    input::draw(buf, field, &line.input, true, theme);
    let above = shell.status.y.saturating_sub(1);
    if let Some((at, reason)) = &line.error {
        // The caret stands under the spot where there is room, the reason behind it.
        let before = line.input.value().get(..*at).map_or(0, width) as u16;
        let spot = (x + before).min(area.right().saturating_sub(2));
        fill_row(buf, Rect { y: above, height: 1, ..area }, above, ' ', theme.style(Role::Text));
        let style = theme.style(Role::Error);
        let room = area.right().saturating_sub(spot + 2);
        put(buf, spot, above, 1, "▾", style);
        if usize::from(room) >= width(reason) || spot < area.width / 2 {
            put(buf, spot + 2, above, room, reason, style);
        } else {
            put_right(buf, area.x, above, spot.saturating_sub(1), reason, style);
        }
    } else if let Some(notice) = &state.notice {
        fill_row(buf, Rect { y: above, height: 1, ..area }, above, ' ', theme.style(Role::Text));
        put(buf, area.x + 1, above, area.width - 1, &notice.text, theme.style(Role::Dim));
    }
}

fn status(buf: &mut Buffer, area: Rect, state: &State) {
    let theme = state.theme;
    let x = area.x + 1;
    let room = area.width.saturating_sub(2);
    if let Some(notice) = &state.notice {
        let (sign, role) = if notice.bad { ("● ", Role::Error) } else { ("", Role::Text) };
        put(buf, x, area.y, room, &format!("{sign}{}", notice.text), theme.style(role));
        return;
    }
    if state.loading {
        return progress(buf, Rect { x, width: room, ..area }, state);
    }
    if state.overview_pending && state.overview.as_ref().is_some_and(|o| !o.accounting.is_empty()) {
        // What was counted while loading must not pass for the whole.
        let frames = show::number(state.progress.frames.max(state.holdings.frames));
        put(buf, x, area.y, room, &format!("{frames} frames: counting …"), theme.style(Role::Dim));
        return;
    }
    let mut text = state.overview.as_ref().map(|o| o.accounting.clone()).unwrap_or_default();
    let mut role = Role::Dim;
    if (text.is_empty() || state.holdings.frames == 0)
        && let Some(error) = state.errors.first()
    {
        text = format!("● {}", show::safe(error.as_bytes()));
        role = Role::Error;
    }
    put(buf, x, area.y, room, &text, theme.style(role));
}

fn progress(buf: &mut Buffer, area: Rect, state: &State) {
    let theme = state.theme;
    let p = &state.progress;
    let rate = match state.now {
        0 => String::new(),
        ms => format!("  {}/s", show::size(p.bytes.saturating_mul(1000) / ms)),
    };
    let left = match p.total {
        Some(total) if p.bytes > 0 && total > p.bytes && state.now > 500 => {
            let ms = u128::from(total - p.bytes) * u128::from(state.now) / u128::from(p.bytes);
            let seconds = i64::try_from(ms.div_ceil(1000)).unwrap_or(i64::MAX);
            format!("  {} left", show::span(seconds.saturating_mul(1_000_000_000)))
        }
        _ => String::new(),
    };
    if state.following && p.total.is_some_and(|total| p.bytes >= total) {
        let text = match state.overview.as_ref().map(|o| o.accounting.as_str()) {
            Some(counts) if !counts.is_empty() => format!("following  {counts}"),
            _ => format!("following  {} frames", show::number(p.frames)),
        };
        put(buf, area.x, area.y, area.width, &text, theme.style(Role::Text));
        return;
    }
    let amount = match p.total {
        Some(total) => format!("{} of {}", show::size(p.bytes), show::size(total)),
        None => show::size(p.bytes),
    };
    let text = format!("reading  {amount}{rate}{left}  {} frames ", show::number(p.frames));
    let used = put(buf, area.x, area.y, area.width, &text, theme.style(Role::Text));
    if let Some(total) = p.total.filter(|t| *t > 0) {
        let room = area.width.saturating_sub(used + 2).min(30);
        let full = (u128::from(room) * u128::from(p.bytes.min(total)) / u128::from(total)) as u16;
        for i in 0..room {
            let symbol = if i < full { "█" } else { "░" };
            put(buf, area.x + used + 1 + i, area.y, 1, symbol, theme.style(Role::Good));
        }
    }
}

/// The keys that matter here; help, and the way out, always.
fn key_line(buf: &mut Buffer, area: Rect, state: &State) {
    let theme = state.theme;
    let context = state.context();
    let mut tail: Vec<(String, &str)> = Vec::new();
    if keys::lookup(context, "?") == Some(Action::Help) {
        tail.push(("?".to_owned(), "help"));
    }
    for (chord, action) in [("q", "back"), ("q", "quit")] {
        if keys::keys_of(context)
            .any(|k| k.chords.contains(&chord) && k.command == action && k.label.is_empty())
        {
            tail.push((chord.to_owned(), action));
        }
    }
    let columns = |(chord, label): &(String, &str)| (width(chord) + width(label) + 3) as u16;
    let reserved: u16 = tail.iter().map(columns).sum();
    let mut shown: Vec<(String, &str)> = Vec::new();
    let mut used = 1 + reserved;
    for key in keys::keys_of(context).filter(|k| !k.label.is_empty() && state.offers(k.action)) {
        let Some(chord) = key.chords.first() else { continue };
        let pair = (keys::shown(chord, theme.ascii), key.label);
        let columns = columns(&pair);
        if used + columns <= area.width {
            used += columns;
            shown.push(pair);
        }
    }
    shown.extend(tail);
    let mut x = area.x + 1;
    for (chord, label) in shown {
        x += put(buf, x, area.y, area.right().saturating_sub(x), &chord, theme.style(Role::Key));
        x += 1;
        x += put(buf, x, area.y, area.right().saturating_sub(x), label, theme.style(Role::Text));
        x += 2;
    }
}
