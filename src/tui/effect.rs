//! What is to happen outside of the state, and its doing.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::Sender;
use std::sync::{Arc, RwLock};

use crossterm::clipboard::CopyToClipboard;
use crossterm::execute;

use super::desk::{Answer, Cache, Desk, ExportError, Request, allocation_lines, read, session_lines};
use super::event::Event;
use super::state::{Export, Format, TableKind, What};
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Analysis, CallIdx, DialogIdx};
use crate::diagnose::diagnose;
use crate::output;
use crate::output::report::{self, ReportOptions, Scope};
use crate::view::lists::Lists;
use crate::view::rows::{self, Lines};
use crate::view::show::TimeMode;
use crate::view::{allocation, ice, ladder, show};

#[derive(Debug, Clone)]
pub enum Effect {
    Ask(Request),
    StopScan,
    Copy(String),
    Export(Box<Export>),
    Quit,
}

/// Text of a ladder is this wide.
const TEXT_WIDTH: usize = 120;

/// Does it; answers come back as events.
pub fn apply(
    effect: Effect,
    desk: &Desk,
    analysis: &Arc<RwLock<Analysis>>,
    events: &Sender<Event>,
) -> io::Result<()> {
    match effect {
        Effect::Ask(request) => desk.ask(request),
        Effect::StopScan => desk.stop_scan(),
        // OSC 52: the terminal itself keeps the text, which works over ssh.
        Effect::Copy(text) => execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))?,
        Effect::Export(job) => {
            let (analysis, events) = (analysis.clone(), events.clone());
            std::thread::Builder::new().name("ui-export".to_owned()).spawn(move || {
                let result = export(&read(&analysis), &job);
                let _ = events.send(Event::Answer(Box::new(Answer::Exported(result))));
            })?;
        }
        Effect::Quit => {}
    }
    Ok(())
}

/// Writes a file; gives what to tell. An existing one is replaced only with `force`.
pub fn export(analysis: &Analysis, job: &Export) -> Result<String, ExportError> {
    let other = |e: io::Error| match e.kind() {
        // What is refused says why.
        io::ErrorKind::Unsupported => ExportError::Other(e.to_string()),
        _ => ExportError::Other(show::not_created(&job.path, &e)),
    };
    if let (What::Stream(row), Format::Wav) = (&job.what, job.format) {
        // Nothing is replaced by a file without audio.
        let media = analysis.media_index();
        media.stream(*row).map_or(Ok(()), |s| output::audio::check(analysis, s, *row)).map_err(other)?;
    }
    let mut open = OpenOptions::new();
    open.write(true);
    if job.force {
        open.create(true).truncate(true);
    } else {
        open.create_new(true);
    }
    let file = open.open(&job.path).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists if !std::path::Path::new(&job.path).is_dir() => ExportError::Exists,
        _ => other(e),
    })?;
    let mut out = BufWriter::new(file);
    let told = write(analysis, job, &mut out).map_err(other)?;
    out.flush().map_err(other)?;
    Ok(format!("wrote {told} to {}", job.path))
}

fn write(analysis: &Analysis, job: &Export, out: &mut dyn Write) -> io::Result<String> {
    let unfit = || io::Error::new(io::ErrorKind::InvalidInput, "not in this format");
    match (&job.what, job.format) {
        (What::Ladder(owners, options), format) => {
            let mut ladder = ladder::build(analysis, owners, *options);
            ladder::tell(&mut ladder, analysis, owners, &diagnose(analysis));
            match format {
                Format::Text => output::ladder::text(out, &ladder, TEXT_WIDTH, job.time, false, job.ascii)?,
                Format::Svg => output::ladder::svg(out, &ladder, job.time)?,
                Format::Html => report::flow(out, analysis, owners, &ladder, report_options(job))?,
                Format::Mermaid => output::ladder::mermaid(out, &ladder, job.time)?,
                _ => return Err(unfit()),
            }
            Ok(format!("a ladder of {} rows", ladder.rows.len()))
        }
        (What::Packets(owners), Format::Pcapng | Format::PcapngNoMedia) => {
            let media = job.format == Format::Pcapng;
            let done = output::extract::extract(analysis, owners, media, out)?;
            Ok(format!("{} frames", done.frames))
        }
        (What::Stream(row), format) => {
            let media = analysis.media_index();
            let gone = || io::Error::new(io::ErrorKind::NotFound, "this stream is no more");
            let stream = media.stream(*row).ok_or_else(gone)?;
            match format {
                Format::Pcapng => {
                    let done = output::extract::extract_stream(analysis, stream, out)?;
                    Ok(format!("{} frames", done.frames))
                }
                Format::Wav => Ok(output::audio::wav(analysis, stream, *row, out)?.words()),
                _ => Err(unfit()),
            }
        }
        (What::Table(kind), format) => {
            let query = &rows_query(job).ok_or_else(unfit)?;
            let rows = match kind {
                TableKind::Calls => write_rows(&rows::call_lines(analysis, query), format, job.ascii, out)?,
                TableKind::Dialogs => {
                    write_rows(&rows::dialog_lines(analysis, query), format, job.ascii, out)?
                }
                TableKind::Sessions => {
                    let lines = session_lines(analysis, &Cache::default(), query);
                    write_rows(&lines, format, job.ascii, out)?
                }
                TableKind::List(list) => {
                    let lists = Lists::of(analysis);
                    write_rows(&list.lines(analysis, &lists, query), format, job.ascii, out)?
                }
                TableKind::Allocations => {
                    write_rows(&allocation_lines(analysis, query), format, job.ascii, out)?
                }
            };
            Ok(format!("{} row{}", show::number(rows as u64), if rows == 1 { "" } else { "s" }))
        }
        (What::Rows(kind, rows), format) => {
            let query = &rows_query(job).ok_or_else(unfit)?;
            let (ascii, ids) = (job.ascii, rows.clone());
            let n = match kind {
                TableKind::Calls => {
                    let ids = ids.into_iter().map(CallIdx).collect();
                    write_rows(&rows::call_lines_of(analysis, query, ids), format, ascii, out)?
                }
                TableKind::Dialogs => {
                    let ids = ids.into_iter().map(DialogIdx).collect();
                    write_rows(&rows::dialog_lines_of(analysis, query, ids), format, ascii, out)?
                }
                TableKind::Sessions => {
                    let index = analysis.ice_index();
                    let ids = ids.into_iter().filter_map(|id| ice::session_ref(&index, id)).collect();
                    write_rows(&ice::session_lines_of(analysis, query, ids), format, ascii, out)?
                }
                TableKind::Allocations => {
                    let ids = ids.into_iter().map(AllocationIdx).collect();
                    write_rows(&allocation::allocation_lines_of(analysis, query, ids), format, ascii, out)?
                }
                TableKind::List(list) => {
                    let lists = Lists::of(analysis);
                    write_rows(&list.lines_of(analysis, &lists, query, ids), format, ascii, out)?
                }
            };
            Ok(show::count(n as u64, "row", "rows"))
        }
        (What::Report(owners, rows), format) => {
            write_report(out, analysis, &Scope::Chosen { owners, rows }, format, job)
        }
        (What::Summary, format @ (Format::Html | Format::Markdown)) => {
            write_report(out, analysis, &Scope::All, format, job)
        }
        (What::Details(kind, row), Format::Text) => {
            let lists = Lists::of(analysis);
            let told = kind.detail(analysis, &lists, *row, job.time).ok_or_else(unfit)?;
            let plot = kind.plot(analysis, &lists, *row);
            let look =
                output::lists::Look { color: false, ascii: job.ascii, columns: FILE_COLUMNS, wrapped: false };
            output::lists::detail(out, &told, plot.as_ref(), look)?;
            Ok("the details".to_owned())
        }
        (What::Summary, Format::Json) => {
            let options = output::json::JsonOptions { pretty: true, ..Default::default() };
            output::json::summary(out, analysis, options)?;
            Ok("the summary".to_owned())
        }
        _ => Err(unfit()),
    }
}

/// The rows as on the screen; what reads CSV sorts and joins them elsewhere.
fn rows_query(job: &Export) -> Option<rows::Query> {
    Some(rows::Query { dated: job.format == Format::Csv, ..rows::Query::clone(job.table.as_ref()?) })
}

/// Tables as on the screen; ladders from their start.
fn report_options(job: &Export) -> ReportOptions {
    let flow_time = if matches!(job.what, What::Ladder(..)) { job.time } else { TimeMode::Relative };
    ReportOptions { time: job.time, flow_time, show_secrets: false }
}

fn write_report(
    out: &mut dyn Write,
    analysis: &Analysis,
    scope: &Scope<'_>,
    format: Format,
    job: &Export,
) -> io::Result<String> {
    match format {
        Format::Markdown => report::markdown(out, analysis, scope, report_options(job))?,
        _ => report::html(out, analysis, scope, report_options(job))?,
    }
    Ok("a report".to_owned())
}

/// Columns that plots in a file take.
const FILE_COLUMNS: usize = 100;

fn write_rows<I: Copy>(
    lines: &Lines<'_, I>,
    format: Format,
    ascii: bool,
    out: &mut dyn Write,
) -> io::Result<usize> {
    match format {
        Format::Csv => output::table::csv_lines(out, &lines.columns, lines.iter())?,
        Format::Markdown => output::table::markdown_lines(out, &lines.columns, lines.iter())?,
        _ => output::table::text_lines(out, &lines.columns, lines.iter(), false, ascii)?,
    }
    Ok(lines.rows.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::show::TimeMode;

    #[test]
    fn what_has_no_audio_makes_no_file() {
        let analysis = crate::view::scenario::voices::voices().done();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stream.wav");
        let of = |row| Export {
            what: What::Stream(row),
            format: Format::Wav,
            path: path.display().to_string(),
            force: true,
            table: None,
            time: TimeMode::Utc,
            ascii: false,
        };
        // Payload type 114 is RTAudio, if anything.
        let refused = export(&analysis, &of(2));
        let Err(ExportError::Other(text)) = refused else { panic!("{refused:?}") };
        assert!(text.starts_with("stream 3 has x-msrta/16000: only G.711"), "{text}");
        assert!(!path.exists());
    }

    #[test]
    fn reports_and_marked_rows_are_written() {
        use crate::correlate::{CallIdx, Owner};
        let analysis = crate::view::scenario::answered_call().done();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let written = |what: What, format: Format| {
            let table = Some(Box::default());
            let job = Export {
                what,
                format,
                path: path.display().to_string(),
                force: true,
                table,
                time: TimeMode::Utc,
                ascii: false,
            };
            let told = export(&analysis, &job).unwrap();
            (told, std::fs::read_to_string(&path).unwrap())
        };
        let call = || vec![Owner::Call(CallIdx(0))];
        let (told, page) = written(What::Report(call(), Vec::new()), Format::Html);
        assert!(told.starts_with("wrote a report to ") && page.contains("id=\"call-1\""), "{told}");
        let blanked = page.contains("gssapi-data=&lt;redacted&gt;") && !page.contains("secret");
        assert!(blanked, "secrets are not written");
        let (_, ticket) = written(What::Report(call(), Vec::new()), Format::Markdown);
        assert!(ticket.starts_with("# 1 call, answered"), "{ticket}");
        let (_, page) = written(What::Ladder(call(), Default::default()), Format::Html);
        assert!(page.contains("id=\"flow-frame-0-1\""), "{page}");
        let (told, csv) = written(What::Rows(TableKind::Calls, vec![0]), Format::Csv);
        assert!(told.starts_with("wrote 1 row to ") && csv.lines().count() == 2, "{told} {csv}");
        assert!(csv.contains(",20"), "times have their dates: {csv}");
        let (_, page) = written(What::Summary, Format::Html);
        assert!(page.starts_with("<!DOCTYPE html>"));
    }

    #[test]
    fn an_existing_file_is_kept_unless_forced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("calls.csv");
        std::fs::write(&path, "mine").unwrap();
        let mut job = Export {
            what: What::Table(TableKind::Calls),
            format: Format::Csv,
            path: path.display().to_string(),
            force: false,
            table: Some(Box::default()),
            time: TimeMode::Utc,
            ascii: false,
        };
        assert_eq!(export(&Analysis::default(), &job), Err(ExportError::Exists));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        job.force = true;
        assert!(export(&Analysis::default(), &job).is_ok());
        job.path = directory.path().display().to_string();
        job.force = false;
        assert!(matches!(export(&Analysis::default(), &job), Err(ExportError::Other(_))));
    }
}
