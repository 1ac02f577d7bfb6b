//! A row of a list as text: its facts and its tables.

use std::io::{self, Write};

use super::text::{sgr, to_ascii};
use super::{plot, table};
use crate::view::lists::Detail;
use crate::view::media::plot::Plot;
use crate::view::show;

/// Columns that a plot takes at most, and its rows.
const PLOT: (usize, usize) = (120, 14);

/// How a detail is written.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub color: bool,
    pub ascii: bool,
    /// Of the terminal; tables go beyond them, plots do not.
    pub columns: usize,
    /// Sentences go on below: on a terminal, which would cut their words.
    pub wrapped: bool,
}

/// A row with its facts; `plot` stands between its sentences and its tables.
pub fn detail(out: &mut dyn Write, told: &Detail, plot: Option<&Plot>, look: Look) -> io::Result<()> {
    let Look { color, ascii, columns, wrapped } = look;
    let shown = |text: &str| if ascii { to_ascii(text) } else { text.to_owned() };
    let (bold, reset) = if color { (sgr::BOLD, sgr::RESET) } else { ("", "") };
    writeln!(out, "{bold}{}{reset}", shown(&told.title))?;
    for sentence in &told.head {
        let sentence = shown(sentence);
        let room = columns.saturating_sub(2).max(20);
        let lines = if wrapped { show::wrap_words(&sentence, room) } else { vec![sentence] };
        for line in lines {
            writeln!(out, "  {line}")?;
        }
    }
    if let Some(plot) = plot {
        writeln!(out)?;
        let look = plot::Look {
            columns: columns.min(PLOT.0),
            rows: PLOT.1,
            charset: if ascii { plot::Charset::Ascii } else { plot::Charset::Blocks },
            window: plot.whole(),
            chosen: None,
        };
        plot::text(out, plot, look, color)?;
    }
    for part in &told.parts {
        writeln!(out, "\n{bold}{}{reset}", shown(&part.title))?;
        if !part.table.rows.is_empty() {
            table::text_with(out, &part.table.without_empty(), false, ascii)?;
        }
    }
    Ok(())
}
