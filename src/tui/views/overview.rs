//! What the captures hold and what went wrong, at a glance.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::capture::FrameRef;
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::update::{Item, overview_items};
use crate::tui::widgets::text::{fill_row, put, put_right, width, wrap_words};
use crate::view::show;

/// A line of the screen and the item it belongs to.
#[derive(Debug, Clone)]
pub struct Line {
    pub item: Option<usize>,
    /// Left part, its role, the rest, its role, right part.
    pub head: String,
    pub head_role: Role,
    pub text: String,
    pub role: Role,
    pub right: String,
}

impl Line {
    fn blank() -> Self {
        Self {
            item: None,
            head: String::new(),
            head_role: Role::Text,
            text: String::new(),
            role: Role::Text,
            right: String::new(),
        }
    }
}

/// Columns of the left part.
const HEAD: usize = 11;

/// All lines, wrapped to `columns`.
pub fn lines(state: &State, columns: u16) -> Vec<Line> {
    let Some(overview) = &state.overview else { return Vec::new() };
    let room = usize::from(columns).saturating_sub(HEAD + 3);
    let mut out = vec![Line::blank()];
    let index = |item: Item| overview_items(state).iter().position(|i| *i == item);
    let mut put_text = |item: Item, head: &str, head_role, text: &str, role, right: &str| {
        let at = index(item);
        let room = if right.is_empty() { room } else { room.saturating_sub(width(right) + 2) };
        for (i, piece) in wrap_words(text, room).into_iter().enumerate() {
            let first = i == 0;
            out.push(Line {
                item: at,
                head: if first { head.to_owned() } else { String::new() },
                head_role,
                text: piece,
                role,
                right: if first { right.to_owned() } else { String::new() },
            });
        }
    };
    let verdict = match overview.verdict.as_str() {
        _ if !state.loading && state.holdings.captures.is_empty() => "Nothing could be read.",
        "" => "Nothing was decoded yet.",
        text => text,
    };
    put_text(Item::Verdict, "Verdict", Role::Title, verdict, Role::Text, "");
    for error in &state.errors {
        let text = show::safe(error.as_bytes());
        put_text(Item::Error, "● error", Role::Error, &text, Role::Text, "");
    }
    let sign_of = |severity: &str| match severity {
        "error" => ("●", Role::Error),
        "warning" => ("▲", Role::Warning),
        _ => ("·", Role::Dim),
    };
    let several = state.holdings.captures.len() > 1;
    let shown = |f: FrameRef| match several {
        true => format!("frame {}:{}", f.capture.0, f.frame),
        false => format!("frame {}", f.frame),
    };
    let notes = overview.notes.len() + overview.findings.len();
    for item in overview_items(state) {
        let (severity, text, right) = match item {
            Item::Finding(i) => match overview.findings.get(i) {
                Some(line) => (line.severity.name(), &line.text, line.frames.clone()),
                None => continue,
            },
            Item::Note(i) => match overview.notes.get(i) {
                Some((text, frame, severity)) => {
                    (severity.name(), text, frame.map_or_else(String::new, shown))
                }
                None => continue,
            },
            _ => continue,
        };
        let (sign, role) = sign_of(severity);
        let head = format!("{sign} {severity}");
        put_text(item, &head, role, text, Role::Text, &right);
    }
    if notes > 0 || !state.errors.is_empty() {
        let verdict_end = out.iter().rposition(|l| l.item == Some(0)).map_or(1, |i| i + 1);
        out.insert(verdict_end, Line::blank());
    }
    if !overview.activity.is_empty() {
        out.push(Line::blank());
    }
    for (i, activity) in overview.activity.iter().enumerate() {
        let line = sparkline(&activity.counts);
        let total = show::number(activity.total);
        // What stands apart by blanks alone would run together where lines are wrapped.
        let said = activity.text.replace("   ", " · ").replace("  ", " · ");
        let lead = format!("{line} {total:>8}   ");
        let blank = " ".repeat(width(&lead));
        for (k, piece) in wrap_words(&said, room.saturating_sub(width(&lead))).into_iter().enumerate() {
            out.push(Line {
                item: index(Item::Activity(i)),
                head: if k == 0 { activity.label.to_owned() } else { String::new() },
                head_role: Role::Title,
                text: format!("{}{piece}", if k == 0 { &lead } else { &blank }),
                ..Line::blank()
            });
        }
    }
    if !overview.machines.is_empty() {
        out.push(Line::blank());
        let pieces = wrap_words(&overview.machines.join(" · "), room);
        for (i, piece) in pieces.into_iter().enumerate() {
            let head = if i == 0 { "Machines".to_owned() } else { String::new() };
            out.push(Line { head, head_role: Role::Title, text: piece, ..Line::blank() });
        }
    }
    out
}

/// First line on the screen, so that the item of the cursor is in sight.
pub fn top(state: &State, lines: &[Line], height: u16) -> usize {
    let height = usize::from(height);
    let of_cursor = |l: &Line| l.item == Some(state.overview_cursor.at);
    let first = lines.iter().position(of_cursor).unwrap_or(0);
    let mut last = lines.iter().rposition(of_cursor).unwrap_or(0);
    if lines.iter().rposition(|l| l.item.is_some()) == Some(last) {
        // What stands below the last item comes into sight with it.
        last = lines.len().saturating_sub(1).min(first + height.saturating_sub(1));
    }
    (last + 1).saturating_sub(height).min(lines.len().saturating_sub(height))
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let theme = state.theme;
    let lines = lines(state, area.width);
    if lines.is_empty() {
        let text = if state.loading { "reading …" } else { "nothing could be read" };
        put(buf, area.x + 2, area.y + 1, area.width, text, theme.style(Role::Dim));
        for (y, error) in (area.y + 3..area.bottom()).zip(&state.errors) {
            let text = format!("● {}", show::safe(error.as_bytes()));
            put(buf, area.x + 2, y, area.width.saturating_sub(3), &text, theme.style(Role::Error));
        }
        return;
    }
    let from = top(state, &lines, area.height);
    for (y, line) in (area.top()..area.bottom()).zip(&lines[from..]) {
        let here = line.item.is_some() && line.item == Some(state.overview_cursor.at);
        let style = |role| if here { theme.style(Role::Cursor) } else { theme.style(role) };
        if here {
            fill_row(buf, area, y, ' ', style(Role::Cursor));
        }
        put(buf, area.x + 1, y, HEAD as u16, &line.head, style(line.head_role));
        let x = area.x + 1 + HEAD as u16;
        let right = width(&line.right) as u16;
        let room = area.right().saturating_sub(x + 1 + right);
        put(buf, x, y, room, &line.text, style(line.role));
        put_right(buf, x, y, area.right().saturating_sub(x + 1), &line.right, style(Role::Dim));
    }
}

/// Counts as bars of eight heights; nothing at all is a blank.
pub fn sparkline(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    counts
        .iter()
        .map(|&n| match n {
            0 => ' ',
            n => bars[((u128::from(n) * 8).div_ceil(u128::from(most)) as usize - 1).min(7)],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn bars_grow_with_the_counts() {
        assert_eq!(super::sparkline(&[0, 1, 4, 8]), " ▁▄█");
        assert_eq!(super::sparkline(&[0, 0]), "  ");
        assert_eq!(super::sparkline(&[u64::MAX, 1]), "█▁");
    }
}
