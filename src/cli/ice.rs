//! `candidates` and `allocations`.

use std::io::{IsTerminal, Write};

use super::args::{AllocationsArgs, CandidatesArgs, Common, IceTable, PairStateArg, TableFormat};
use super::commands::{Columns, Rows, color_for, columns, json_options, open, rows_command, time_mode};
use super::failure::Failure;
use super::select;
use super::session::Session;
use super::sink::Sink;
use crate::correlate::Analysis;
use crate::correlate::ice::{PairState, Sources};
use crate::correlate::stun::AllocationIdx;
use crate::output;
use crate::output::ice::IceTextOptions;
use crate::output::json::{self, JsonOptions};
use crate::view::allocation;
use crate::view::filter::Filter;
use crate::view::ice::{self, SessionRef};
use crate::view::rows::{Lines, Query, Stop};
use crate::view::table::{Align, Column};

/// Sessions drawn whole when none is asked for by name; of more only the table is written.
const WHOLE: usize = 20;

impl From<PairStateArg> for PairState {
    fn from(arg: PairStateArg) -> Self {
        match arg {
            PairStateArg::Succeeded => Self::Succeeded,
            PairStateArg::Failed => Self::Failed,
            PairStateArg::Unanswered => Self::Unanswered,
            PairStateArg::NotChecked => Self::NotChecked,
        }
    }
}

/// The sessions meant by `--call`, `--session` or `--filter`, else all.
fn sessions(
    analysis: &Analysis,
    session: &Session,
    args: &CandidatesArgs,
) -> Result<Vec<SessionRef>, Failure> {
    let index = analysis.ice_index();
    if args.call.is_empty() && args.session.is_empty() {
        return Ok(ice::session_refs(analysis, &index, session.filter.as_ref(), &Stop::default()));
    }
    let mut out: Vec<SessionRef> = Vec::new();
    for call in select::calls(analysis, &args.call)? {
        out.extend(ice::session_refs_of(&index, call));
    }
    for &id in &args.session {
        let found = ice::session_ref(&index, id).ok_or_else(|| {
            Failure::usage(match index.len() {
                0 => format!("no session {id}: the input has no ICE sessions"),
                n => format!("no session {id}: the input has sessions 1 to {n}"),
            })
        })?;
        out.push(found);
    }
    let mut seen = std::collections::HashSet::new();
    out.retain(|of| seen.insert(of.id));
    Ok(out)
}

pub(super) fn candidates(common: &Common, args: &CandidatesArgs) -> Result<u8, Failure> {
    let mut session = Session::new(common, &args.files)?;
    let analysis = session.analyse()?;
    let rows = sessions(&analysis, &session, args)?;
    let mut sink = open(common)?;
    match (args.format, args.table) {
        (TableFormat::Json, _) => {
            json::ice_sessions(&mut sink, &analysis, &rows, json_options(common, args.pretty))?;
        }
        (TableFormat::Ndjson, _) => json::ice_session_lines(&mut sink, &analysis, &rows)?,
        (TableFormat::Text, None) => {
            sink = sink.folded(|| columns(true));
            text(&mut sink, &analysis, rows, common, args)?;
        }
        (_, Some(IceTable::Sessions)) => session_table(&mut sink, &analysis, rows, common, args)?,
        (_, Some(IceTable::Pairs)) => {
            let state = args.state.map(PairState::from);
            let lines = pair_lines(&analysis, &rows, state);
            write(&mut sink, &head(ice::pair_columns()), lines, common, args)?;
        }
        (_, Some(IceTable::Candidates) | None) => {
            let sources = Sources::new(&analysis);
            let lines = candidate_lines(&analysis, &sources, &rows);
            write(&mut sink, &candidate_head(), lines, common, args)?;
        }
    }
    sink.finish()?;
    Ok(session.status())
}

fn pair_lines(
    analysis: &Analysis,
    rows: &[SessionRef],
    state: Option<PairState>,
) -> impl Iterator<Item = Vec<String>> + Clone {
    rows.iter().flat_map(move |of| {
        let found = ice::session(analysis, *of);
        named(*of, found.map(|s| ice::pair_table(&s, state).0.rows).unwrap_or_default())
    })
}

fn candidate_head() -> Vec<Column> {
    let mut columns = head(&[]);
    columns.push(Column::new("party", "Party", Align::Left, 0));
    columns.push(Column::new("generation", "SDP", Align::Left, 0));
    let own = ice::candidate_columns();
    columns.extend(own.iter().map(|(key, title, _)| Column::new(*key, *title, Align::Left, 0)));
    columns
}

fn candidate_lines(
    analysis: &Analysis,
    sources: &Sources,
    rows: &[SessionRef],
) -> impl Iterator<Item = Vec<String>> + Clone {
    rows.iter().flat_map(move |of| {
        let mut lines = Vec::new();
        let found = ice::session(analysis, *of);
        for side in found.iter().flat_map(|s| {
            [true, false].into_iter().flat_map(|is_a| ice::side_table(analysis, sources, s, is_a))
        }) {
            let cells = side.rows.iter().map(|r| {
                let mut cells = vec![side.party.clone(), side.generation_words()];
                cells.extend(r.cells());
                cells
            });
            lines.extend(cells);
        }
        named(*of, lines)
    })
}

/// The candidates of all sessions that match.
pub(super) fn candidates_csv(
    out: &mut Sink,
    analysis: &Analysis,
    filter: Option<&Filter>,
) -> std::io::Result<()> {
    let rows = ice::session_refs(analysis, &analysis.ice_index(), filter, &Stop::default());
    let sources = Sources::new(analysis);
    output::table::csv_lines(out, &candidate_head(), candidate_lines(analysis, &sources, &rows))
}

/// The pairs of all sessions that match.
pub(super) fn pairs_csv(out: &mut Sink, analysis: &Analysis, filter: Option<&Filter>) -> std::io::Result<()> {
    let rows = ice::session_refs(analysis, &analysis.ice_index(), filter, &Stop::default());
    output::table::csv_lines(out, &head(ice::pair_columns()), pair_lines(analysis, &rows, None))
}

/// Rows with the session and its call before them.
fn named(of: SessionRef, rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let call = of.call().map_or_else(|| "–".to_owned(), |c| (u64::from(c.0) + 1).to_string());
    rows.into_iter()
        .map(|row| {
            let mut cells = vec![of.id.to_string(), call.clone()];
            cells.extend(row);
            cells
        })
        .collect()
}

fn head(own: Columns) -> Vec<Column> {
    let mut columns = vec![
        Column::new("session", "Session", Align::Right, 0),
        Column::new("call", "Call", Align::Right, 0),
    ];
    columns.extend(own.iter().map(|(key, title, _)| Column::new(*key, *title, Align::Left, 0)));
    columns
}

fn write(
    sink: &mut Sink,
    columns: &[Column],
    lines: impl Iterator<Item = Vec<String>> + Clone,
    common: &Common,
    args: &CandidatesArgs,
) -> Result<(), Failure> {
    match args.format {
        TableFormat::Csv => output::table::csv_lines(sink, columns, lines)?,
        TableFormat::Markdown => output::table::markdown_lines(sink, columns, lines)?,
        _ => {
            let color = color_for(common, sink);
            output::table::text_lines(sink, columns, lines, color, common.ascii)?;
        }
    }
    Ok(())
}

fn session_table(
    sink: &mut Sink,
    analysis: &Analysis,
    rows: Vec<SessionRef>,
    common: &Common,
    args: &CandidatesArgs,
) -> Result<(), Failure> {
    let query = Query {
        time: time_mode(common, args.format == TableFormat::Text),
        dated: args.format == TableFormat::Csv,
        ..Query::default()
    };
    let lines = ice::session_lines_of(analysis, &query, rows);
    write(sink, &lines.columns, lines.iter(), common, args)
}

fn text(
    sink: &mut Sink,
    analysis: &Analysis,
    rows: Vec<SessionRef>,
    common: &Common,
    args: &CandidatesArgs,
) -> Result<(), Failure> {
    if rows.is_empty() {
        let words = if args.call.is_empty() {
            "No ICE session: no SDP with candidates and no connectivity checks."
        } else {
            "No ICE session: the SDP of the call has no candidates."
        };
        writeln!(sink, "{words}")?;
        return Ok(());
    }
    let asked = !args.call.is_empty() || !args.session.is_empty();
    if rows.len() > 1 {
        session_table(sink, analysis, rows.clone(), common, args)?;
    }
    if rows.len() > WHOLE && !asked {
        writeln!(sink, "\n--call N or --session N shows candidates and pairs")?;
        return Ok(());
    }
    let (sources, gathered) = (Sources::new(analysis), analysis.gather());
    let options = text_options(common, sink, args.width, args.state.map(PairState::from));
    let several = rows.len() > 1;
    for (i, of) in rows.into_iter().enumerate() {
        let Some(found) = ice::session(analysis, of) else { continue };
        if several || i > 0 {
            writeln!(sink)?;
        }
        output::ice::session_text(sink, analysis, &sources, &gathered, of, &found, options)?;
    }
    Ok(())
}

fn text_options(
    common: &Common,
    sink: &Sink,
    width: Option<usize>,
    state: Option<PairState>,
) -> IceTextOptions {
    IceTextOptions {
        color: color_for(common, sink),
        ascii: common.ascii,
        width: width.unwrap_or_else(|| columns(sink.is_terminal() && std::io::stdout().is_terminal())),
        state,
        time: time_mode(common, true),
    }
}

struct Allocations;

impl Rows for Allocations {
    const HEADERS: bool = false;
    type Index = AllocationIdx;
    fn none(&self) -> Option<String> {
        Some("No TURN allocation".to_owned())
    }
    fn of<'a>(&'a self, analysis: &'a Analysis, query: &Query) -> Lines<'a, AllocationIdx> {
        allocation::allocation_lines(analysis, query)
    }
    fn json(
        &self,
        out: &mut Sink,
        a: &Analysis,
        rows: &[AllocationIdx],
        options: JsonOptions,
    ) -> std::io::Result<()> {
        json::allocations(out, a, rows, options)
    }
    fn lines(&self, out: &mut Sink, analysis: &Analysis, rows: &[AllocationIdx]) -> std::io::Result<()> {
        json::allocation_lines(out, analysis, rows)
    }
    fn all(&self, session: &Session, analysis: &Analysis) -> Vec<AllocationIdx> {
        allocation::matching(analysis, session.filter.as_ref())
    }
}

pub(super) fn allocations(common: &Common, args: &AllocationsArgs) -> Result<u8, Failure> {
    if args.allocation.is_empty() {
        return rows_command(common, &args.table, allocation::allocation_columns(), |_| Allocations);
    }
    let mut session = Session::new(common, &args.table.files)?;
    let analysis = session.analyse()?;
    let mut rows = Vec::new();
    for &id in &args.allocation {
        let n = analysis.stun.allocations.len();
        match id.checked_sub(1).filter(|i| (*i as usize) < n) {
            Some(i) => rows.push(AllocationIdx(i)),
            None if n == 0 => {
                return Err(Failure::usage(format!("no allocation {id}: the input has none")));
            }
            None => {
                return Err(Failure::usage(format!("no allocation {id}: the input has 1 to {n}")));
            }
        }
    }
    let mut sink = open(common)?;
    match args.table.format {
        TableFormat::Json => {
            json::allocations(&mut sink, &analysis, &rows, json_options(common, args.table.pretty))?
        }
        TableFormat::Ndjson => json::allocation_lines(&mut sink, &analysis, &rows)?,
        TableFormat::Text => {
            sink = sink.folded(|| columns(true));
            let (calls, gathered) = (analysis.calls_by_allocation(), analysis.gather());
            let options = text_options(common, &sink, None, None);
            for (i, index) in rows.into_iter().enumerate() {
                let of = calls.get(index.0 as usize).map_or(&[][..], Vec::as_slice);
                let Some(detail) = allocation::allocation_detail(&analysis, &gathered, index, of) else {
                    continue;
                };
                if i > 0 {
                    writeln!(sink)?;
                }
                output::ice::allocation_text(&mut sink, &detail, options)?;
            }
        }
        TableFormat::Csv | TableFormat::Markdown => {
            return Err(Failure::usage("--allocation is written as text or JSON"));
        }
    }
    sink.finish()?;
    Ok(session.status())
}
