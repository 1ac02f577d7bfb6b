//! A ladder as text, SVG or Mermaid.

use std::io::{self, Write};

use crate::view::ladder::Ladder;
use crate::view::show::TimeMode;

/// Text of `width` columns (at least 60); `ascii` for every symbol where the terminal has no Unicode.
pub fn text(
    out: &mut dyn Write,
    ladder: &Ladder,
    width: usize,
    time: TimeMode,
    color: bool,
    ascii: bool,
) -> io::Result<()> {
    let _ = (out, ladder, width, time, color, ascii);
    Ok(())
}

/// A self-contained SVG, light and dark by the reader's preference.
pub fn svg(out: &mut dyn Write, ladder: &Ladder, time: TimeMode) -> io::Result<()> {
    let _ = (out, ladder, time);
    Ok(())
}

/// A Mermaid `sequenceDiagram`.
pub fn mermaid(out: &mut dyn Write, ladder: &Ladder, time: TimeMode) -> io::Result<()> {
    let _ = (out, ladder, time);
    Ok(())
}
