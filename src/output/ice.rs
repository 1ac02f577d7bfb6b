//! ICE sessions and allocations as text: candidate tables, pair boards, and the reasons.

use std::io::{self, Write};

use super::table;
use super::text::{sgr, to_ascii, width};
use crate::correlate::Analysis;
use crate::correlate::gathered::Gathered;
use crate::correlate::ice::{IceSession, PairState, Sources};
use crate::view::allocation::AllocationDetail;
use crate::view::ice::{self, Board, SessionRef};
use crate::view::show::{self, TimeMode};
use crate::view::table::{Column, Table};

/// How it is written.
#[derive(Debug, Clone, Copy)]
pub struct IceTextOptions {
    pub color: bool,
    pub ascii: bool,
    /// Columns a board may take; a wider one is written in several parts.
    pub width: usize,
    /// Only pairs in this state on the boards.
    pub state: Option<PairState>,
    pub time: TimeMode,
}

/// Cells of a board beyond which rows and columns without any check are left out.
const WHOLE_BOARD: usize = 150;

struct Page<'a> {
    out: &'a mut dyn Write,
    options: IceTextOptions,
}

impl Page<'_> {
    fn line(&mut self, text: &str) -> io::Result<()> {
        let text = if self.options.ascii { to_ascii(text) } else { text.to_owned() };
        writeln!(self.out, "{}", text.trim_end())
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        let text = if self.options.ascii { to_ascii(text) } else { text.to_owned() };
        let (bold, reset) = if self.options.color { (sgr::BOLD, sgr::RESET) } else { ("", "") };
        writeln!(self.out, "{bold}{text}{reset}")
    }

    fn table(&mut self, t: &Table) -> io::Result<()> {
        table::text_with(self.out, &t.without_empty(), false, self.options.ascii)
    }
}

/// One session: who and when, why it went so, both sides' candidates, and the board of each component.
pub fn session_text(
    out: &mut dyn Write,
    analysis: &Analysis,
    sources: &Sources,
    gathered: &Gathered<'_>,
    of: SessionRef,
    s: &IceSession,
    options: IceTextOptions,
) -> io::Result<()> {
    let mut page = Page { out, options };
    let call = of.call().map_or_else(|| "no call".to_owned(), |c| format!("call {}", u64::from(c.0) + 1));
    page.heading(&format!("Session {}  {call}  {}", of.id, ice::title(analysis, s)))?;
    for sentence in ice::why(analysis, s).into_iter().chain(ice::relay_credentials(analysis, gathered, s)) {
        page.line(&format!("  {sentence}"))?;
    }
    for is_a in [true, false] {
        for side in ice::side_table(analysis, sources, s, is_a) {
            if side.rows.is_empty() && s.call.is_none() {
                continue;
            }
            page.line("")?;
            let ufrag = if side.ufrag.is_empty() { String::new() } else { format!(", ufrag {}", side.ufrag) };
            page.heading(&format!("{}{ufrag}", side.title))?;
            if !side.rows.is_empty() {
                page.table(&side.table())?;
            }
            if side.not_kept > 0 {
                page.line(&format!("… and {} more over the limit", side.not_kept))?;
            }
        }
    }
    for board in ice::boards(analysis, s) {
        page.line("")?;
        board_text(&mut page, &board)?;
    }
    Ok(())
}

fn board_text(page: &mut Page<'_>, whole: &Board) -> io::Result<()> {
    page.heading(&whole.sentence())?;
    let board = match page.options.state {
        Some(state) => whole.only(state),
        None if whole.rows.len() * whole.columns.len() > WHOLE_BOARD => whole.checked(),
        None => whole.clone(),
    };
    if board.rows.is_empty() || board.columns.is_empty() {
        return Ok(());
    }
    for part in parts(&board.table(), page.options) {
        page.table(&part)?;
    }
    let (a, b) = board.left_out;
    if page.options.state.is_none() && a + b > 0 {
        page.line(&format!("{a} more of {} and {b} more of {}, without a check", board.a, board.b))?;
    }
    Ok(())
}

/// A wide board in several parts, each with the first column.
fn parts(t: &Table, options: IceTextOptions) -> Vec<Table> {
    let shown = |text: &str| if options.ascii { width(&to_ascii(text)) } else { width(text) };
    let column = |i: usize| {
        let cells = t.rows.iter().filter_map(|r| r.get(i)).map(|c| shown(c));
        cells.chain(t.columns.get(i).map(|c| shown(&c.title))).max().unwrap_or(0) + 2
    };
    let head = column(0);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;
    for i in 1..t.columns.len() {
        let w = column(i);
        match groups.last_mut() {
            Some(group) if used + w <= options.width => {
                group.push(i);
                used += w;
            }
            _ => {
                groups.push(vec![i]);
                used = head + w;
            }
        }
    }
    let pick = |group: &[usize]| {
        let at = || std::iter::once(0).chain(group.iter().copied());
        let columns: Vec<Column> = at().filter_map(|i| t.columns.get(i).cloned()).collect();
        let rows =
            t.rows.iter().map(|r| at().map(|i| r.get(i).cloned().unwrap_or_default()).collect()).collect();
        Table { columns, rows }
    };
    groups.iter().map(|g| pick(g)).collect()
}

/// One allocation: what became of it, its rounds and its peers.
pub fn allocation_text(
    out: &mut dyn Write,
    detail: &AllocationDetail,
    options: IceTextOptions,
) -> io::Result<()> {
    let mut page = Page { out, options };
    page.heading(&detail.title)?;
    page.line(&format!("  {}", detail.outcome))?;
    for (label, value) in &detail.facts {
        page.line(&format!("  {label:<19}{value}"))?;
    }
    if !detail.calls.is_empty() {
        let calls: Vec<String> =
            detail.calls.iter().take(20).map(|c| (u64::from(c.0) + 1).to_string()).collect();
        page.line(&format!("  {:<19}{}", "Calls", calls.join(", ")))?;
    }
    if !detail.rounds.is_empty() {
        page.line("")?;
        page.table(&detail.round_table())?;
    }
    if detail.rounds_not_kept > 0 {
        page.line(&format!("… and {} more rounds", show::number(u64::from(detail.rounds_not_kept))))?;
    }
    if !detail.peers.is_empty() {
        page.line("")?;
        page.table(&detail.peer_table())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
