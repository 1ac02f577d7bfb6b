//! A row of a list as text: its facts and its tables.

use std::io::{self, Write};

use super::table;
use super::text::{sgr, to_ascii};
use crate::view::lists::Detail;

pub fn detail(out: &mut dyn Write, told: &Detail, color: bool, ascii: bool) -> io::Result<()> {
    let shown = |text: &str| if ascii { to_ascii(text) } else { text.to_owned() };
    let (bold, reset) = if color { (sgr::BOLD, sgr::RESET) } else { ("", "") };
    writeln!(out, "{bold}{}{reset}", shown(&told.title))?;
    for sentence in &told.head {
        writeln!(out, "  {}", shown(sentence))?;
    }
    for part in &told.parts {
        writeln!(out, "\n{bold}{}{reset}", shown(&part.title))?;
        if !part.table.rows.is_empty() {
            table::text_with(out, &part.table.without_empty(), false, ascii)?;
        }
    }
    Ok(())
}
