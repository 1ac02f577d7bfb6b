//! Text put into cells: clipped, measured by display width, and never a control character.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::show::wrap_words;

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    clean(text).width()
}

/// Control and direction-changing characters become `·`, should any have come this far.
fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if text.chars().any(bad) {
        Cow::Owned(text.chars().map(|c| if bad(c) { '·' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// At most `columns` wide; what is cut is marked by `…`.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    let text = clean(text);
    if text.width() <= columns {
        return text;
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut out = String::new();
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > columns - 1 {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push('…');
    Cow::Owned(out)
}

/// At most `columns` wide; cut in the middle, where addresses of one network are most alike.
pub fn fit_middle(text: &str, columns: usize) -> Cow<'_, str> {
    let text = clean(text);
    if text.width() <= columns || columns < 4 {
        return match text {
            Cow::Borrowed(text) => fit(text, columns),
            Cow::Owned(text) => Cow::Owned(fit(&text, columns).into_owned()),
        };
    }
    let head = (columns - 1) / 2;
    let begin = fit(&text, head + 1);
    let begin = begin.trim_end_matches('…');
    let mut left = columns - 1 - begin.width();
    let mut tail = text.len();
    for (at, c) in text.char_indices().rev() {
        let w = c.width().unwrap_or(0);
        if w > left {
            break;
        }
        left -= w;
        tail = at;
    }
    Cow::Owned(format!("{begin}…{}", text.get(tail..).unwrap_or_default()))
}

/// Puts `text` at (`x`, `y`), at most `columns` wide; gives the columns used. Outside of `buf` nothing happens.
pub fn put(buf: &mut Buffer, x: u16, y: u16, columns: u16, text: &str, style: Style) -> u16 {
    let area = *buf.area();
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() || columns == 0 {
        return 0;
    }
    let columns = columns.min(area.right() - x);
    let text = fit(text, usize::from(columns));
    buf.set_stringn(x, y, text.as_ref(), usize::from(columns), style).0.saturating_sub(x)
}

/// Puts `text` so that it ends before `x + columns`.
pub fn put_right(buf: &mut Buffer, x: u16, y: u16, columns: u16, text: &str, style: Style) {
    let text = fit(text, usize::from(columns));
    let free = columns.saturating_sub(text.width() as u16);
    put(buf, x + free, y, columns - free, &text, style);
}

/// Puts `text` in the middle of `columns`.
pub fn put_center(buf: &mut Buffer, x: u16, y: u16, columns: u16, text: &str, style: Style) {
    let text = fit(text, usize::from(columns));
    let free = columns.saturating_sub(text.width() as u16);
    put(buf, x + free / 2, y, columns - free / 2, &text, style);
}

/// Fills a row of `area` with one symbol.
pub fn fill_row(buf: &mut Buffer, area: Rect, y: u16, symbol: char, style: Style) {
    for x in area.left()..area.right() {
        if let Some(cell) = buf.cell_mut((x, y)) {
            cell.set_char(symbol).set_style(style);
        }
    }
}

/// One line cut into pieces of at most `columns`, by display width; never empty.
pub fn wrap(line: &str, columns: usize) -> Vec<&str> {
    let columns = columns.max(2);
    let mut pieces = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (i, c) in line.char_indices() {
        let w = c.width().unwrap_or(1);
        if used + w > columns {
            pieces.push(&line[start..i]);
            start = i;
            used = 0;
        }
        used += w;
    }
    pieces.push(&line[start..]);
    pieces
}

/// `text` without its first `columns` columns.
pub fn skip_columns(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (i, c) in text.char_indices() {
        if used >= columns {
            return &text[i..];
        }
        used += c.width().unwrap_or(1);
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(fit("漢字漢字", 8), "漢字漢字");
        assert_eq!(fit("漢字漢字", 7), "漢字漢…");
        assert_eq!(fit("漢字漢字", 6), "漢字…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(wrap("漢字ab", 3), ["漢", "字a", "b"]);
        assert_eq!(skip_columns("漢字ab", 2), "字ab");
    }

    #[test]
    fn control_characters_never_reach_a_cell() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        put(&mut buf, 0, 0, 12, "a\x1b[31m\u{202e}b", Style::new());
        let line: String = buf.content().iter().map(|c| c.symbol()).collect();
        assert_eq!(line, "a·[31m·b    ");
    }

    #[test]
    fn putting_outside_is_harmless() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 2));
        assert_eq!(put(&mut buf, 9, 0, 4, "abc", Style::new()), 0);
        assert_eq!(put(&mut buf, 0, 9, 4, "abc", Style::new()), 0);
        assert_eq!(put(&mut buf, 2, 0, 40, "abc", Style::new()), 2);
    }

    #[test]
    fn words_are_wrapped_whole() {
        assert_eq!(wrap_words("one two three", 7), ["one two", "three"]);
    }
}
