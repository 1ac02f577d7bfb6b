//! `sign-ins`, `subscriptions`, `conferences`, `messages`, `sql`.

use std::io::Write;

use super::args::{Common, ListArgs, TableFormat};
use super::commands::{Rows, color_for, json_options, open, rows_command, time_mode};
use super::failure::Failure;
use super::session::Session;
use super::sink::Sink;
use crate::correlate::Analysis;
use crate::output;
use crate::output::json::{self, JsonOptions};
use crate::view::lists::{ListKind, Lists};
use crate::view::rows::{Lines, Query};

struct List {
    kind: ListKind,
    lists: Lists,
}

impl Rows for List {
    const HEADERS: bool = false;
    type Index = u32;
    fn none(&self) -> Option<String> {
        Some(format!("No {}", self.kind.words().0))
    }
    fn of<'a>(&'a self, analysis: &'a Analysis, query: &Query) -> Lines<'a, u32> {
        self.kind.lines(analysis, &self.lists, query)
    }
    fn json(
        &self,
        out: &mut Sink,
        analysis: &Analysis,
        rows: &[u32],
        options: JsonOptions,
    ) -> std::io::Result<()> {
        json::gathered(out, analysis, &self.lists, self.kind, rows, options)
    }
    fn lines(&self, out: &mut Sink, analysis: &Analysis, rows: &[u32]) -> std::io::Result<()> {
        json::gathered_lines(out, analysis, &self.lists, self.kind, rows)
    }
    fn all(&self, session: &Session, analysis: &Analysis) -> Vec<u32> {
        self.kind.matching(analysis, &self.lists, session.filter.as_ref())
    }
}

/// The table of a list; with `--row`, all there is to say of some rows.
pub(super) fn list(common: &Common, kind: ListKind, args: &ListArgs) -> Result<u8, Failure> {
    if args.row.is_empty() {
        let gather = |analysis: &Analysis| List { kind, lists: Lists::of(analysis) };
        return rows_command(common, &args.table, kind.columns(), gather);
    }
    let mut session = Session::new(common, &args.table.files)?;
    let analysis = session.analyse()?;
    let lists = Lists::of(&analysis);
    let (one, several) = kind.words();
    let mut rows = Vec::new();
    for &id in &args.row {
        let n = kind.len(&analysis, &lists);
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
                output::lists::detail(&mut sink, &told, color, common.ascii)?;
            }
        }
        TableFormat::Csv | TableFormat::Markdown => {
            return Err(Failure::usage("--row is written as text or JSON"));
        }
    }
    sink.finish()?;
    Ok(session.status())
}
