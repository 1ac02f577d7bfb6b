//! `summary --format csv` into a folder: a file for each kind of list.

use std::path::{Path, PathBuf};

use super::args::Common;
use super::commands::{Columns, time_mode};
use super::failure::Failure;
use super::ice as pairs;
use super::session::Session;
use super::sink::{Files, Sink};
use crate::correlate::Analysis;
use crate::output;
use crate::view::lists::{ListKind, Lists};
use crate::view::rows::{self, Query};
use crate::view::{allocation, ice};

/// The lists that are not [`ListKind`]s, as their commands and tables are called.
const OTHERS: [&str; 7] =
    ["captures", "calls", "dialogs", "ice-sessions", "candidates", "candidate-pairs", "allocations"];

/// Every list with all its columns. A list without rows has a file with its head, so that there always are the same files.
pub(super) fn into_folder(common: &Common, files: &[PathBuf], folder: &Path) -> Result<u8, Failure> {
    let names: Vec<String> = OTHERS.into_iter().chain(ListKind::ALL.map(ListKind::name)).map(file).collect();
    let given: Vec<&str> = names.iter().map(String::as_str).collect();
    Files::check(folder, &given, common.force)?;
    let mut session = Session::into_folder(common, files)?;
    let analysis = session.analyse()?;
    let mut out = Files::default();
    for name in OTHERS {
        let sink = out.open(folder, &file(name), common.force)?;
        write_other(name, sink, common, &session, &analysis)?;
    }
    let lists = Lists::of(&analysis);
    for kind in ListKind::ALL {
        let sink = out.open(folder, &file(kind.name()), common.force)?;
        let lines = kind.lines(&analysis, &lists, &query(kind.columns(), common, &session));
        output::table::csv_lines(sink, &lines.columns, lines.iter())?;
    }
    out.finish()?;
    session.say(&format!("{} files written to {}", names.len(), folder.display()));
    Ok(session.status())
}

fn file(name: &str) -> String {
    format!("{name}.csv")
}

/// All columns of what matches.
fn query(columns: Columns, common: &Common, session: &Session) -> Query {
    Query {
        filter: session.filter.clone(),
        columns: columns.iter().map(|(key, ..)| (*key).to_owned()).collect(),
        time: time_mode(common, false),
        dated: true,
        ..Query::default()
    }
}

fn write_other(
    name: &str,
    out: &mut Sink,
    common: &Common,
    session: &Session,
    analysis: &Analysis,
) -> Result<(), Failure> {
    let of = |columns| query(columns, common, session);
    match name {
        "captures" => output::table::csv(out, &output::summary::captures(analysis))?,
        "calls" => {
            let lines = rows::call_lines(analysis, &of(rows::call_columns()));
            output::table::csv_lines(out, &lines.columns, lines.iter())?;
        }
        "dialogs" => {
            let lines = rows::dialog_lines(analysis, &of(rows::dialog_columns()));
            output::table::csv_lines(out, &lines.columns, lines.iter())?;
        }
        "ice-sessions" => {
            let lines = ice::session_lines(analysis, &of(ice::session_columns()));
            output::table::csv_lines(out, &lines.columns, lines.iter())?;
        }
        "allocations" => {
            let lines = allocation::allocation_lines(analysis, &of(allocation::allocation_columns()));
            output::table::csv_lines(out, &lines.columns, lines.iter())?;
        }
        "candidates" => pairs::candidates_csv(out, analysis, session.filter.as_ref())?,
        _ => pairs::pairs_csv(out, analysis, session.filter.as_ref())?,
    }
    Ok(())
}
