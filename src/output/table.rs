//! A table as text, CSV, JSON or Markdown.

use std::io::{self, Write};

use crate::view::table::Table;

/// Columns aligned by display width; `color` marks the head.
pub fn text(out: &mut dyn Write, table: &Table, color: bool) -> io::Result<()> {
    let _ = (out, table, color);
    Ok(())
}

pub fn csv(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    let _ = (out, table);
    Ok(())
}

pub fn markdown(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    let _ = (out, table);
    Ok(())
}
