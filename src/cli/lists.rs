//! `sign-ins`, `subscriptions`, `conferences`, `messages`, `sql`, `media`, `findings`.

use std::io::Write;
use std::sync::Arc;

use super::args::{Common, ListArgs, TableFormat};
use super::commands::{Rows, color_for, columns, json_options, open, rows_command, time_mode};
use super::failure::Failure;
use super::session::Session;
use super::sink::Sink;
use crate::correlate::Analysis;
use crate::output;
use crate::output::json::{self, JsonOptions};
use crate::output::lists::Look;
use crate::view::lists::{Known, ListKind, Lists};
use crate::view::rows::{Lines, Query};

struct List {
    kind: ListKind,
    known: Arc<Known>,
}

impl List {
    fn lists<'a>(&self, analysis: &'a Analysis) -> Lists<'a> {
        Lists::with(analysis, self.known.clone())
    }
}

impl Rows for List {
    const HEADERS: bool = false;
    type Index = u32;
    fn none(&self) -> Option<String> {
        Some(format!("No {}", self.kind.words().0))
    }
    fn needs(&self) -> Option<&'static str> {
        Some(self.kind.needs())
    }
    fn of<'a>(&'a self, analysis: &'a Analysis, query: &Query) -> Lines<'a, u32> {
        self.kind.lines(analysis, &self.lists(analysis), query)
    }
    fn json(
        &self,
        out: &mut Sink,
        analysis: &Analysis,
        rows: &[u32],
        options: JsonOptions,
    ) -> std::io::Result<()> {
        json::gathered(out, analysis, &self.lists(analysis), self.kind, rows, options)
    }
    fn lines(&self, out: &mut Sink, analysis: &Analysis, rows: &[u32]) -> std::io::Result<()> {
        json::gathered_lines(out, analysis, &self.lists(analysis), self.kind, rows)
    }
    fn all(&self, session: &Session, analysis: &Analysis) -> Vec<u32> {
        self.kind.matching(analysis, &self.lists(analysis), session.filter.as_ref())
    }
}

/// The table of a list; with `--row`, all there is to say of some rows.
pub(super) fn list(common: &Common, kind: ListKind, args: &ListArgs) -> Result<u8, Failure> {
    if args.row.is_empty() {
        let make = |_: &Analysis| List { kind, known: Arc::default() };
        return rows_command(common, &args.table, kind.columns(), make);
    }
    let mut session = Session::new(common, &args.table.files)?;
    let analysis = session.analyse()?;
    let lists = Lists::of(&analysis);
    let (one, several) = kind.words();
    let mut rows = Vec::new();
    for &id in &args.row {
        let n = kind.len(&lists);
        match id.checked_sub(1).filter(|i| (*i as usize) < n) {
            Some(row) => rows.push(row),
            None if n == 0 => {
                return Err(Failure::usage(format!("no {one} {id}: the input has no {several}")));
            }
            None => {
                return Err(Failure::usage(format!("no {one} {id}: the input has {several} 1 to {n}")));
            }
        }
    }
    let mut sink = open(common)?;
    match args.table.format {
        TableFormat::Json => {
            let options = json_options(common, args.table.pretty);
            json::gathered(&mut sink, &analysis, &lists, kind, &rows, options)?;
        }
        TableFormat::Ndjson => json::gathered_lines(&mut sink, &analysis, &lists, kind, &rows)?,
        TableFormat::Text => {
            let color = color_for(common, &sink);
            for (i, row) in rows.into_iter().enumerate() {
                let Some(told) = kind.detail(&analysis, &lists, row, time_mode(common, true)) else {
                    continue;
                };
                if i > 0 {
                    writeln!(sink)?;
                }
                let plot = kind.plot(&analysis, &lists, row);
                let columns = columns(sink.is_terminal());
                let look = Look { color, ascii: common.ascii, columns, wrapped: sink.is_terminal() };
                output::lists::detail(&mut sink, &told, plot.as_ref(), look)?;
            }
        }
        TableFormat::Csv | TableFormat::Markdown => {
            return Err(Failure::usage("--row is written as text or JSON"));
        }
    }
    sink.finish()?;
    Ok(session.status())
}
