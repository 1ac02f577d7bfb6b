//! A table: columns by rank, sort mark, marked rows, cursor.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{fill_row, put, put_right};
use crate::tui::desk::TableData;
use crate::tui::layout;
use crate::tui::state::Cursor;
use crate::tui::theme::{Role, Theme};
use crate::view::table::{Align, Column};

/// Widest a column gets before all others have what they need.
const COMFORT: u16 = 14;
/// The same of a column of the first rank, and where columns stand that matter little.
const FIRST: u16 = 32;
const FIRST_BESIDE: u16 = 44;
/// So wide those of the second rank get before a column of the first rank gets all it asks for.
const SECOND: u16 = 36;
/// The same of columns that say enough when cut: parties, which are cut in the middle, and the path between them.
const PARTY: u16 = 8;
const PATH: u16 = 12;
/// The same of who sends and receives a stream, mostly by name.
const SPEAKER: u16 = 11;
/// The same of names of rules, of which the beginning alone says nothing.
const RULE: u16 = 24;
/// The same of points in time: of a date and half a time nothing can be looked up.
const DATED: u16 = 19;
/// The same of what a finding says, which a name of a rule and numbers of frames are not to cut short, and what stands
/// before it: its number and severity.
const FOUND: u16 = 56;
const FOUND_BESIDE: u16 = 76;
const BEFORE_FOUND: u16 = 18;
/// Columns of a higher rank go before the name of who sends a stream is cut.
const LITTLE: u8 = 3;
/// Columns before the first cell: cursor and mark.
pub const GUTTER: u16 = 3;
const GAP: u16 = 2;

/// Which columns are shown, how wide. The first always stays; with `left` the others are shown in order from there,
/// else those of the highest rank go first.
pub fn fit_columns(columns: &[Column], widths: &[u16], room: u16, left: usize) -> Vec<(usize, u16)> {
    let natural = |i: usize| widths.get(i).copied().unwrap_or(0).max(1);
    let least = |i: usize, tight: bool| {
        let title = super::text::width(&columns[i].title) as u16;
        let first = if tight { FIRST } else { FIRST_BESIDE };
        // What matters most is to be read whole.
        let comfort = match columns[i].key.as_str() {
            "sender" | "receiver" if !tight => SPEAKER,
            key if is_party(key) => PARTY,
            "rule" => RULE,
            "start" | "time" | "end" => DATED,
            // Of an allocation it is the answer itself.
            "answered" if columns[i].rank > 0 => DATED,
            "title" => {
                let wanted = if tight { FOUND } else { FOUND_BESIDE };
                wanted.min(room.saturating_sub(BEFORE_FOUND)).max(COMFORT)
            }
            "path" if tight => PATH,
            "path" => FIRST,
            _ if columns[i].rank == 0 => first,
            _ => COMFORT,
        };
        natural(i).min(title.max(comfort))
    };
    let mut shown: Vec<usize> =
        (0..columns.len()).filter(|&i| i == 0 || i > left.min(columns.len() - 1)).collect();
    if left >= columns.len() && columns.len() > 1 {
        shown = vec![0, columns.len() - 1];
    }
    // Before a column goes that matters, others give way.
    let tight = |shown: &[usize]| shown.iter().all(|&i| columns[i].rank <= 2);
    let needed = |shown: &[usize]| -> u32 {
        let tight = tight(shown);
        shown.iter().map(|&i| u32::from(least(i, tight))).sum::<u32>()
            + u32::from(GAP) * shown.len().saturating_sub(1) as u32
    };
    while shown.len() > 1 && needed(&shown) > u32::from(room) {
        let last = shown.len() - 1;
        let drop = if left > 0 {
            last
        } else {
            // Of the same rank the rightmost goes; the first column stays.
            (1..=last).max_by_key(|&i| (columns[shown[i]].rank, i)).unwrap_or(last)
        };
        shown.remove(drop);
    }
    // Before a name is cut a column goes that matters little.
    let is_name = |i: usize| matches!(columns[i].key.as_str(), "sender" | "receiver");
    let cut = |shown: &[usize]| {
        let whole = |&&i: &&usize| is_name(i) && natural(i) <= FIRST;
        let more = |&i: &usize| u32::from(natural(i).saturating_sub(least(i, tight(shown))));
        needed(shown) + shown.iter().filter(whole).map(more).sum::<u32>() > u32::from(room)
    };
    while left == 0 && cut(&shown) {
        let least_of = (1..shown.len()).filter(|&i| columns[shown[i]].rank > LITTLE);
        let Some(drop) = least_of.max_by_key(|&i| (columns[shown[i]].rank, i)) else { break };
        shown.remove(drop);
    }
    let mut spare = u32::from(room).saturating_sub(needed(&shown));
    let tight = tight(&shown);
    let mut fitted: Vec<(usize, u16)> = shown.iter().map(|&i| (i, least(i, tight))).collect();
    let mut by_rank: Vec<usize> = (0..fitted.len()).collect();
    by_rank.sort_by_key(|&k| (columns[fitted[k].0].rank, k));
    let second: Vec<usize> = by_rank.iter().copied().filter(|&k| columns[shown[k]].rank <= 1).collect();
    let mut widen = |k: usize, most: u16| {
        let (i, width) = fitted[k];
        let more = u32::from(natural(i).min(most).saturating_sub(width)).min(spare);
        fitted[k].1 += more as u16;
        spare -= more;
    };
    // One long cell must not leave cut what stands beside it.
    second.into_iter().for_each(|k| widen(k, SECOND));
    by_rank.iter().for_each(|&k| widen(k, u16::MAX));
    fitted
}

/// The parties of a session or stream: user names, or addresses that differ at either end.
fn is_party(key: &str) -> bool {
    matches!(key, "a" | "b" | "sender" | "receiver")
}

/// Is what is cut of such a cell to be its middle? Addresses differ at either end, and the port says most; of a name with
/// its address the name is enough.
fn has_middle(key: &str, cell: &str) -> bool {
    if matches!(key, "sender" | "receiver") {
        return cell.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    }
    is_party(key) || matches!(key, "client" | "server" | "relayed" | "mapped") && !cell.contains(' ')
}

/// As many parts of a cell, with commas between them, as there is room for: the ways media went say more than its path.
fn first_words(cell: &str, width: usize) -> &str {
    if super::text::width(cell) <= width {
        return cell;
    }
    let ends = cell.match_indices(", ").map(|(at, _)| at).chain([cell.len()]);
    let fitting = ends.filter_map(|at| cell.get(..at)).filter(|part| super::text::width(part) <= width);
    fitting.last().unwrap_or(cell)
}

/// How a table stands on the screen.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub cursor: Cursor,
    pub left: usize,
    pub sort: Option<(&'a str, bool)>,
    pub marks: &'a BTreeSet<u32>,
    pub search: &'a str,
}

pub fn draw(buf: &mut Buffer, area: Rect, data: &TableData, look: Look<'_>, theme: Theme) {
    if area.height == 0 || data.columns.is_empty() {
        return;
    }
    let columns = &data.columns;
    let fitted = fit_columns(columns, &data.widths, area.width.saturating_sub(GUTTER + 1), look.left);
    let mut x = area.x + GUTTER;
    let head = theme.style(Role::Head);
    for &(i, width) in &fitted {
        let column = &columns[i];
        let mark = match look.sort {
            Some((key, descending)) if key == column.key => {
                if descending {
                    "↓"
                } else {
                    "↑"
                }
            }
            _ => "",
        };
        // The mark of the order must not be lost with a long title.
        let room = if mark.is_empty() { width } else { width.saturating_sub(1) };
        let title = format!("{}{mark}", super::text::fit(&column.title, usize::from(room)));
        match column.align {
            Align::Left => _ = put(buf, x, area.y, width + u16::from(!mark.is_empty()), &title, head),
            Align::Right => put_right(buf, x, area.y, width, &title, head),
        }
        x += width + GAP;
    }
    let rows = layout::table_rows(area);
    for (y, at) in (rows.top()..rows.bottom()).zip(look.cursor.top..) {
        if at >= data.len() {
            break;
        }
        let here = at == look.cursor.at;
        let marked = data.ids.get(at).is_some_and(|id| look.marks.contains(id));
        let base = theme.style(if here { Role::Cursor } else { Role::Text });
        if here {
            fill_row(buf, Rect { height: 1, y, ..area }, y, ' ', base);
            put(buf, area.x, y, 1, "▸", base);
        }
        if marked {
            put(buf, area.x + 1, y, 1, "*", if here { base } else { theme.style(Role::Mark) });
        }
        let mut x = area.x + GUTTER;
        for &(i, width) in &fitted {
            let cell = data.row(at).nth(i).unwrap_or("");
            let shown = if has_middle(&columns[i].key, cell) {
                super::text::fit_middle(cell, usize::from(width))
            } else if columns[i].key == "media" {
                Cow::Borrowed(first_words(cell, usize::from(width)))
            } else {
                Cow::Borrowed(cell)
            };
            let role = role(&columns[i].key, cell);
            let style = match role {
                _ if here => base,
                Some(role) => theme.style(role),
                None if contains(cell, look.search) => theme.style(Role::Match),
                None if marked => theme.style(Role::Mark),
                None => base,
            };
            match columns[i].align {
                Align::Left => _ = put(buf, x, y, width, &shown, style),
                Align::Right => put_right(buf, x, y, width, cell, style),
            }
            x += width + GAP;
        }
    }
}

/// Case does not matter; an empty needle is nowhere.
pub fn contains(text: &str, needle: &str) -> bool {
    !needle.is_empty() && text.to_lowercase().contains(&needle.to_lowercase())
}

/// Cells that say how it went have a colour beside their word.
fn role(key: &str, cell: &str) -> Option<Role> {
    match key {
        "state" => match cell {
            "completed" | "answered" | "connected" | "allocated" | "released" => Some(Role::Good),
            "failed" | "rejected" | "no answer" | "no_answer" | "unanswered" => Some(Role::Error),
            "cancelled" | "redirected" | "incomplete" | "expired" => Some(Role::Warning),
            _ => None,
        },
        "outcome" => match cell {
            "allocated" | "released" => Some(Role::Good),
            "expired" | "sent to another server" => Some(Role::Warning),
            "" | "–" => None,
            _ => Some(Role::Error),
        },
        "findings" | "severity" => match cell.chars().next() {
            Some('●') => Some(Role::Error),
            Some('▲') => Some(Role::Warning),
            _ => None,
        },
        // Of a look-up of SQL Server.
        "verdict" => match cell {
            "connected" => Some(Role::Good),
            "other port" => Some(Role::Warning),
            "" | "–" | "answered" => None,
            _ => Some(Role::Error),
        },
        // Of a call: none where it would have been seen.
        "media" => cell.starts_with('✗').then_some(Role::Error),
        // Of a media stream: the sign before the word tells.
        "quality" => match cell.chars().next() {
            Some('✓') => Some(Role::Good),
            Some('▲') => Some(Role::Warning),
            Some('●') => Some(Role::Error),
            _ => None,
        },
        // Of a sign-in its step that failed, of a conference its command; else what is not known of its roster.
        "stopped" | "worst" => match cell {
            "" | "–" => None,
            _ if cell.starts_with("roster: ") => Some(Role::Warning),
            _ => Some(Role::Error),
        },
        "delivered" => match cell {
            "yes" => Some(Role::Good),
            "" | "–" => None,
            _ => Some(Role::Error),
        },
        "status" | "final_status" => match cell.as_bytes().first() {
            // The answer to an INVITE that was cancelled.
            _ if cell == "487" => Some(Role::Warning),
            Some(b'4'..=b'6') => Some(Role::Error),
            Some(b'3') => Some(Role::Warning),
            Some(b'2') => Some(Role::Good),
            _ => None,
        },
        _ => None,
    }
}

/// Does a row, given as column keys and cells, say of itself that it failed?
pub fn is_problem<'a>(row: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
    row.into_iter().any(|(key, cell)| match role(key, cell) {
        Some(Role::Error) => true,
        Some(Role::Warning) => matches!(key, "findings" | "severity"),
        _ => false,
    })
}

/// The row of a click, if it is one.
pub fn row_at(area: Rect, cursor: Cursor, y: u16) -> Option<usize> {
    let rows = layout::table_rows(area);
    (y >= rows.top() && y < rows.bottom()).then(|| cursor.top + usize::from(y - rows.top()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(key: &str, rank: u8) -> Column {
        Column { key: key.to_owned(), title: key.to_owned(), align: Align::Left, rank }
    }

    #[test]
    fn columns_go_by_rank() {
        let columns =
            [column("#", 0), column("from", 1), column("reason", 9), column("to", 1), column("x", 8)];
        let widths = [4, 10, 20, 10, 6];
        let keys = |room, left| -> Vec<usize> {
            fit_columns(&columns, &widths, room, left).iter().map(|(i, _)| *i).collect()
        };
        assert_eq!(keys(100, 0), [0, 1, 2, 3, 4]);
        assert_eq!(keys(40, 0), [0, 1, 3, 4]);
        assert_eq!(keys(30, 0), [0, 1, 3]);
        assert_eq!(keys(3, 0), [0]);
        assert_eq!(keys(40, 2), [0, 3, 4]);
        assert_eq!(keys(40, 99), [0, 4]);
    }

    #[test]
    fn parties_give_way_before_state_time_and_pairs() {
        let analysis = crate::view::scenario::Scenario::default().done();
        let columns = crate::view::ice::session_lines(&analysis, &Default::default()).columns;
        // As two parties that are addresses, `not started`, `two relays UDP`, `1.25 s` and `✓1 ✗12 –4` ask for.
        let width = |key: &str| match key {
            "id" => 2,
            "call" => 4,
            "a" | "b" => 39,
            "media" => 5,
            "state" => 11,
            "path" => 14,
            "connect" => 7,
            "pairs" => 9,
            _ => 10,
        };
        let widths: Vec<u16> = columns.iter().map(|c| width(&c.key)).collect();
        let fitted = fit_columns(&columns, &widths, 80 - GUTTER - 1, 0);
        let keys: Vec<&str> = fitted.iter().map(|(i, _)| columns[*i].key.as_str()).collect();
        assert_eq!(keys, ["id", "call", "a", "b", "state", "path", "connect", "pairs"]);
        let of = |key: &str| fitted.iter().find(|(i, _)| columns[*i].key == key).map(|(_, w)| *w);
        assert_eq!((of("state"), of("connect"), of("pairs")), (Some(11), Some(7), Some(9)));
    }

    #[test]
    fn a_date_is_shown_with_its_time_or_not_at_all() {
        let columns = [column("id", 0), column("start", 3), column("from", 0), column("reason", 2)];
        let widths = [2, 19, 30, 40];
        for room in 30..120 {
            let fitted = fit_columns(&columns, &widths, room, 0);
            let start = fitted.iter().find(|(i, _)| *i == 1);
            assert!(start.is_none_or(|(_, width)| *width == 19), "{room}: {fitted:?}");
            assert!(start.is_some() || room < 80, "{room}: {fitted:?}");
        }
    }

    #[test]
    fn what_a_finding_says_is_read_before_what_stands_beside_it() {
        let columns = [
            column("id", 0),
            column("severity", 0),
            column("rule", 2),
            column("title", 0),
            column("frames", 3),
        ];
        let widths = [2, 9, 24, 90, 14];
        let keys = |room| -> Vec<(usize, u16)> { fit_columns(&columns, &widths, room, 0) };
        assert_eq!(keys(76), [(0, 2), (1, 9), (3, 61)]);
        assert_eq!(keys(56), [(0, 2), (1, 9), (3, 41)]);
        assert_eq!(keys(200).len(), 5);
    }

    /// Alice Arnold and Bob Baker whole, rather than a line of loss beside two cut names.
    #[test]
    fn names_go_before_columns_that_matter_little() {
        let columns = [
            column("id", 0),
            column("sender", 0),
            column("receiver", 0),
            column("x", 2),
            column("loss_line", 4),
        ];
        let widths = [2, 12, 19, 20, 10];
        let of = |room| -> Vec<(usize, u16)> { fit_columns(&columns, &widths, room, 0) };
        assert_eq!(of(71), [(0, 2), (1, 12), (2, 19), (3, 20), (4, 10)]);
        assert_eq!(of(65), [(0, 2), (1, 12), (2, 19), (3, 14), (4, 10)]);
        assert_eq!(of(64), [(0, 2), (1, 12), (2, 19), (3, 20)]);
        // With all that may go gone, names are cut.
        assert_eq!(of(50).iter().map(|(i, _)| *i).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[test]
    fn of_what_media_did_the_first_words_that_fit() {
        let cell = "← callee only, as agreed, direct";
        let of = |width| first_words(cell, width);
        assert_eq!(
            [32, 31, 24, 14, 13].map(of),
            [cell, "← callee only, as agreed", "← callee only, as agreed", "← callee only", "← callee only"]
        );
        assert_eq!(of(5), cell, "nothing fits: it is cut like any cell");
        assert_eq!(first_words("⇄ relay UDP", 4), "⇄ relay UDP");
    }

    #[test]
    fn what_is_shown_fits_and_long_columns_get_the_rest() {
        let columns = [column("#", 0), column("from", 2), column("to", 1)];
        let widths = [3, 60, 60];
        for room in 10..140 {
            let fitted = fit_columns(&columns, &widths, room, 0);
            let used: u16 = fitted.iter().map(|(_, w)| w).sum::<u16>() + 2 * (fitted.len() as u16 - 1);
            assert!(used <= room, "{used} of {room}");
        }
        assert_eq!(fit_columns(&columns, &widths, 87, 0), [(0, 3), (1, 20), (2, 60)]);
    }
}
