//! Bytes in hexadecimal and as characters.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::put;
use crate::tui::layout::{hex_columns, hex_offset_digits};
use crate::tui::theme::{Role, Theme};

#[derive(Debug, Clone)]
pub struct Look {
    /// First line on the screen.
    pub top: usize,
    /// Bytes of the field under the cursor.
    pub marked: Option<Range<usize>>,
    /// The byte under the cursor.
    pub at: Option<usize>,
}

pub fn draw(buf: &mut Buffer, area: Rect, bytes: &[u8], look: &Look, theme: Theme) {
    let per_line = hex_columns(area.width, bytes.len());
    let digits = hex_offset_digits(bytes.len());
    let text_x = area.x + digits as u16 + 2 + per_line as u16 * 3 + u16::from(per_line > 8) + 1;
    let right = area.right();
    for (y, line) in (area.top()..area.bottom()).zip(look.top..) {
        let start = line * per_line;
        let Some(rest) = bytes.get(start..).filter(|r| !r.is_empty()) else { break };
        put(buf, area.x, y, digits as u16, &format!("{start:0digits$x}"), theme.style(Role::Dim));
        for (k, &byte) in rest.iter().take(per_line).enumerate() {
            let at = start + k;
            let role = if look.at == Some(at) {
                Role::Cursor
            } else if look.marked.as_ref().is_some_and(|m| m.contains(&at)) {
                Role::Bytes
            } else {
                Role::Text
            };
            let mut style = theme.style(role);
            if look.at == Some(at) {
                style =
                    style.add_modifier(ratatui::style::Modifier::BOLD | ratatui::style::Modifier::UNDERLINED);
            }
            let x = area.x + digits as u16 + 2 + k as u16 * 3 + u16::from(k >= 8);
            put(buf, x, y, 2.min(right.saturating_sub(x)), &format!("{byte:02x}"), style);
            let c = if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '·' };
            let x = text_x + k as u16;
            put(buf, x, y, 1.min(right.saturating_sub(x)), c.encode_utf8(&mut [0; 4]), style);
        }
    }
}

/// The byte at a place of the screen.
pub fn byte_at(area: Rect, len: usize, top: usize, x: u16, y: u16) -> Option<usize> {
    if !area.contains(ratatui::layout::Position { x, y }) {
        return None;
    }
    let per_line = hex_columns(area.width, len);
    let first = area.x + hex_offset_digits(len) as u16 + 2;
    let column = x.checked_sub(first)?;
    let hex_width = per_line as u16 * 3 + u16::from(per_line > 8);
    let k = if column < hex_width {
        let column = if column >= 24 && per_line > 8 { column - 1 } else { column };
        usize::from(column / 3)
    } else {
        usize::from(column.checked_sub(hex_width + 1)?)
    };
    let at = (top + usize::from(y - area.y)) * per_line + k;
    (k < per_line && at < len).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(buf: &Buffer) -> Vec<String> {
        let width = usize::from(buf.area().width);
        buf.content()
            .chunks(width)
            .map(|row| row.iter().map(|c| c.symbol()).collect::<String>().trim_end().to_owned())
            .collect()
    }

    #[test]
    fn sixteen_to_the_line() {
        let area = Rect::new(0, 0, 74, 3);
        let mut buf = Buffer::empty(area);
        let look = Look { top: 0, marked: Some(0..6), at: None };
        let theme = Theme { palette: crate::tui::theme::Palette::Plain, ascii: false };
        draw(&mut buf, area, b"INVITE sip:bob@example.com SIP/2.0\r\n", &look, theme);
        insta::assert_snapshot!(lines(&buf).join("\n"), @r"
        0000  49 4e 56 49 54 45 20 73  69 70 3a 62 6f 62 40 65  INVITE sip:bob@e
        0010  78 61 6d 70 6c 65 2e 63  6f 6d 20 53 49 50 2f 32  xample.com SIP/2
        0020  2e 30 0d 0a                                       .0··
        ");
    }

    #[test]
    fn every_drawn_byte_is_found_again() {
        for (width, len) in [(74, 40), (40, 40), (30, 40), (90, 70_000)] {
            let area = Rect::new(3, 2, width, 4);
            let per_line = hex_columns(width, len);
            for at in per_line..per_line * 3 {
                let (line, k) = (at / per_line, at % per_line);
                let x = area.x + hex_offset_digits(len) as u16 + 2 + k as u16 * 3 + u16::from(k >= 8);
                let y = area.y + line as u16 - 1;
                assert_eq!(byte_at(area, len, 1, x, y), (at < len).then_some(at), "{width} {at}");
            }
        }
    }
}
