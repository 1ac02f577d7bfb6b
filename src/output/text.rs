//! Text on a grid: display width, shortening, colour.

use unicode_width::UnicodeWidthChar;

pub(super) use crate::show::width;

/// At most `columns` columns of a text, the last one `…` (or `~`) where something was left out.
pub(super) fn shorten(text: &str, columns: usize, ascii: bool) -> String {
    crate::show::shorten_with(text, columns, if ascii { '~' } else { '…' })
}

/// A text and the blanks that fill it up to `columns`.
pub(super) fn pad(out: &mut String, text: &str, columns: usize, right: bool) {
    let blanks = columns.saturating_sub(width(text));
    if right {
        out.extend(std::iter::repeat_n(' ', blanks));
    }
    out.push_str(text);
    if !right {
        out.extend(std::iter::repeat_n(' ', blanks));
    }
}

/// SGR sequences.
pub(super) mod sgr {
    pub const RESET: &str = "\x1b[0m";
    pub const BOLD: &str = "\x1b[1m";
    pub const DIM: &str = "\x1b[2m";
    pub const RED: &str = "\x1b[31m";
    pub const GREEN: &str = "\x1b[32m";
    pub const YELLOW: &str = "\x1b[33m";
    pub const BLUE: &str = "\x1b[34m";
    pub const MAGENTA: &str = "\x1b[35m";
    pub const CYAN: &str = "\x1b[36m";
}

/// Characters outside ASCII that our own texts use, written in ASCII; any other becomes `?`.
pub(super) fn to_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '…' => out.push('~'),
            '–' | '—' | '─' | '‑' => out.push('-'),
            '→' | '▶' | '⇢' => out.push_str("->"),
            '←' | '◀' | '⇠' => out.push_str("<-"),
            '⇄' | '↔' => out.push_str("<->"),
            '×' => out.push('x'),
            '·' | '•' => out.push('.'),
            '●' | '▲' => out.push('!'),
            '✓' => out.push('+'),
            '✗' => out.push('x'),
            'µ' => out.push('u'),
            '≥' => out.push_str(">="),
            '≤' => out.push_str("<="),
            '▁'..='█' => {
                out.push(b".:-=+*#%@".get(c as usize - '▁' as usize).map_or('#', |&b| char::from(b)))
            }
            _ => out.extend(std::iter::repeat_n('?', c.width().unwrap_or(0))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(width("日本"), 4);
        assert_eq!(shorten("日本語", 5, false), "日本…");
        assert_eq!(shorten("日本語", 4, false), "日…");
        assert_eq!(shorten("abc", 3, false), "abc");
        assert_eq!(shorten("abcd", 3, true), "ab~");
        let mut out = String::new();
        pad(&mut out, "日", 4, true);
        assert_eq!(out, "  日");
    }

    #[test]
    fn ascii_fallback() {
        assert_eq!(to_ascii("● a → b – ✓ ▁█ 日"), "! a -> b - + .% ??");
    }
}
