//! The commands: from arguments to an output.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use super::args::{
    ColorArg, Common, DecodeArgs, DecodeFormat, ExtractArgs, LadderArgs, LadderFormat, SummaryArgs,
    SummaryFormat, TableArgs, TableFormat,
};
use super::failure::Failure;
use super::nearest::nearest;
use super::session::Session;
use super::sink::Sink;
use super::{command, select};
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::{Analysis, CallIdx, DialogIdx};
use crate::diagnose::diagnose;
use crate::output::decode::DecodeOptions;
use crate::output::json::{self, JsonOptions};
use crate::output::report::{self, ReportOptions, Scope};
use crate::output::summary::SummaryOptions;
use crate::output::{self, extract as pcapng};
use crate::tui::{self, TuiOptions};
use crate::view::detail;
use crate::view::filter::Filter;
use crate::view::ladder::LadderOptions;
use crate::view::lists::{ListKind, Lists};
use crate::view::rows::{self, Lines, Query};
use crate::view::show::TimeMode;
use crate::view::table::Table;

/// No subcommand: the terminal UI, or the summary where standard output is not a terminal.
pub(super) fn interactive(common: &Common, files: &[PathBuf]) -> Result<u8, Failure> {
    let plain = SummaryArgs { files: files.to_vec(), format: SummaryFormat::Text, pretty: false };
    if files.is_empty() || common.output.is_some() || !std::io::stdout().is_terminal() {
        return summary(common, &plain);
    }
    let session = Session::new(common, files)?;
    if session.inputs.is_empty() {
        return Err(Failure::Unreadable);
    }
    let options = TuiOptions {
        inputs: session.inputs.clone(),
        load: session.settings.load.clone(),
        names: session.settings.names.clone(),
        filter: common.filter.clone(),
        time: common.time.map(TimeMode::from),
        color: color(common.color, true, &|name| std::env::var_os(name)),
        theme: session.settings.theme,
        ascii: common.ascii,
    };
    tui::run(options).map_err(|e| Failure::Usage(format!("{e:#}")))?;
    Ok(session.status())
}

/// Whether text output is coloured.
fn color(wanted: ColorArg, terminal: bool, env: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    let set = |name: &str| env(name).is_some_and(|v| !v.is_empty());
    match wanted {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto if set("NO_COLOR") => false,
        ColorArg::Auto if env("CLICOLOR_FORCE").is_some_and(|v| !v.is_empty() && v != OsStr::new("0")) => {
            true
        }
        ColorArg::Auto => terminal && env("TERM").is_none_or(|t| t != OsStr::new("dumb")),
    }
}

pub(super) fn color_for(common: &Common, sink: &Sink) -> bool {
    color(common.color, sink.is_terminal(), &|name| std::env::var_os(name))
}

/// The time mode asked for, else local for people and UTC for all else.
pub(super) fn time_mode(common: &Common, for_people: bool) -> TimeMode {
    match common.time {
        Some(mode) => mode.into(),
        None if for_people => TimeMode::Local,
        None => TimeMode::Utc,
    }
}

pub(super) fn open(common: &Common) -> Result<Sink, Failure> {
    Sink::open(common.output.as_deref(), common.force)
}

pub(super) fn json_options(common: &Common, pretty: bool) -> JsonOptions {
    JsonOptions { show_secrets: common.show_secrets, pretty, threads: common.threads }
}

/// Tables in UTC and ladders from their start, unless asked otherwise.
fn report_options(common: &Common) -> ReportOptions {
    ReportOptions {
        time: time_mode(common, false),
        flow_time: common.time.map_or(TimeMode::Relative, TimeMode::from),
        show_secrets: common.show_secrets,
    }
}

fn matching_calls(session: &Session, analysis: &Analysis) -> Vec<CallIdx> {
    let mut calls = json::all_calls(analysis);
    if let Some(filter) = &session.filter {
        calls.retain(|&c| filter.matches_call(analysis, c));
    }
    calls
}

fn matching_dialogs(session: &Session, analysis: &Analysis) -> Vec<DialogIdx> {
    let mut dialogs = json::all_dialogs(analysis);
    if let Some(filter) = &session.filter {
        dialogs.retain(|&d| filter.matches_dialog(analysis, d));
    }
    dialogs
}

pub(super) fn summary(common: &Common, args: &SummaryArgs) -> Result<u8, Failure> {
    if args.format == SummaryFormat::Csv
        && let Some(folder) = super::sink::folder(common.output.as_deref())
    {
        return super::tables::into_folder(common, &args.files, folder);
    }
    let mut session = Session::new(common, &args.files)?;
    if args.format == SummaryFormat::Ndjson {
        return summary_lines(common, session);
    }
    let analysis = session.analyse()?;
    let mut sink = open(common)?;
    if args.format == SummaryFormat::Csv {
        let query = Query {
            filter: session.filter.clone(),
            time: time_mode(common, false),
            dated: true,
            ..Query::default()
        };
        let lines = rows::call_lines(&analysis, &query);
        output::table::csv_lines(&mut sink, &lines.columns, lines.iter())?;
    } else if matches!(args.format, SummaryFormat::Html | SummaryFormat::Markdown) {
        let scope = session.filter.as_ref().map_or(Scope::All, Scope::Filter);
        let options = report_options(common);
        match args.format {
            SummaryFormat::Html => report::html(&mut sink, &analysis, &scope, options)?,
            _ => report::markdown(&mut sink, &analysis, &scope, options)?,
        }
    } else {
        let calls = matching_calls(&session, &analysis);
        let dialogs = matching_dialogs(&session, &analysis);
        let color = color_for(common, &sink);
        let for_people = args.format == SummaryFormat::Text;
        let options = SummaryOptions { time: time_mode(common, for_people), color, ascii: common.ascii };
        match args.format {
            SummaryFormat::Json => {
                let options = json_options(common, args.pretty);
                json::summary_of(&mut sink, &analysis, &calls, &dialogs, options)?;
            }
            _ => {
                sink = sink.folded(|| columns(true));
                output::summary::text(&mut sink, &analysis, &calls, &dialogs, options)?;
            }
        }
    }
    sink.finish()?;
    Ok(session.status())
}

/// Each capture on its own, a line each.
fn summary_lines(common: &Common, mut session: Session) -> Result<u8, Failure> {
    let mut sink = open(common)?;
    let mut any = false;
    for input in std::mem::take(&mut session.inputs) {
        let analysis = session.analyse_some(std::slice::from_ref(&input));
        if analysis.captures.is_empty() {
            continue;
        }
        any = true;
        session.filter.iter().for_each(Filter::forget);
        let calls = matching_calls(&session, &analysis);
        let dialogs = matching_dialogs(&session, &analysis);
        json::summary_of(&mut sink, &analysis, &calls, &dialogs, json_options(common, false))?;
        sink.flush()?;
    }
    if !any {
        return Err(Failure::Unreadable);
    }
    sink.finish()?;
    Ok(session.status())
}

pub(super) type Columns = &'static [(&'static str, &'static str, &'static str)];

/// Which table a command shows.
pub(super) trait Rows {
    /// Whether any header of the first request may be a column.
    const HEADERS: bool = true;
    type Index: Copy;
    /// Said in text instead of a table without rows.
    fn none(&self) -> Option<String> {
        None
    }
    /// What would bring rows, said after it.
    fn needs(&self) -> Option<&'static str> {
        None
    }
    fn of<'a>(&'a self, analysis: &'a Analysis, query: &Query) -> Lines<'a, Self::Index>;
    fn json(
        &self,
        out: &mut Sink,
        analysis: &Analysis,
        rows: &[Self::Index],
        options: JsonOptions,
    ) -> std::io::Result<()>;
    fn lines(&self, out: &mut Sink, analysis: &Analysis, rows: &[Self::Index]) -> std::io::Result<()>;
    fn all(&self, session: &Session, analysis: &Analysis) -> Vec<Self::Index>;
}

struct Calls;
struct Dialogs;

impl Rows for Calls {
    type Index = CallIdx;
    fn of<'a>(&'a self, analysis: &'a Analysis, query: &Query) -> Lines<'a, CallIdx> {
        rows::call_lines(analysis, query)
    }
    fn json(
        &self,
        out: &mut Sink,
        a: &Analysis,
        rows: &[CallIdx],
        options: JsonOptions,
    ) -> std::io::Result<()> {
        json::calls(out, a, rows, options)
    }
    fn lines(&self, out: &mut Sink, analysis: &Analysis, rows: &[CallIdx]) -> std::io::Result<()> {
        json::call_lines(out, analysis, rows)
    }
    fn all(&self, session: &Session, analysis: &Analysis) -> Vec<CallIdx> {
        matching_calls(session, analysis)
    }
}

impl Rows for Dialogs {
    type Index = DialogIdx;
    fn of<'a>(&'a self, analysis: &'a Analysis, query: &Query) -> Lines<'a, DialogIdx> {
        rows::dialog_lines(analysis, query)
    }
    fn json(
        &self,
        out: &mut Sink,
        a: &Analysis,
        rows: &[DialogIdx],
        options: JsonOptions,
    ) -> std::io::Result<()> {
        json::dialogs(out, a, rows, options)
    }
    fn lines(&self, out: &mut Sink, analysis: &Analysis, rows: &[DialogIdx]) -> std::io::Result<()> {
        json::dialog_lines(out, analysis, rows)
    }
    fn all(&self, session: &Session, analysis: &Analysis) -> Vec<DialogIdx> {
        matching_dialogs(session, analysis)
    }
}

pub(super) fn calls(common: &Common, args: &TableArgs) -> Result<u8, Failure> {
    rows_command(common, args, rows::call_columns(), |_| Calls)
}

pub(super) fn dialogs(common: &Common, args: &TableArgs) -> Result<u8, Failure> {
    rows_command(common, args, rows::dialog_columns(), |_| Dialogs)
}

fn check_column(key: &str, columns: Columns, headers: bool) -> Result<(), Failure> {
    let header = key.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("header:")) && key.len() > 7;
    if header && headers || columns.iter().any(|(k, _, _)| *k == key) {
        return Ok(());
    }
    let keys = columns.iter().map(|(k, _, _)| *k);
    let hint = match nearest(key, keys.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let more = if headers { ", header:NAME" } else { "" };
            format!("columns are: {}{more}", keys.collect::<Vec<_>>().join(", "))
        }
    };
    Err(Failure::usage(format!("unknown column `{}` ({hint})", crate::view::show::safe(key.as_bytes()))))
}

/// `make` gives the table once the captures are read; `columns` are its columns.
pub(super) fn rows_command<R: Rows>(
    common: &Common,
    args: &TableArgs,
    columns: Columns,
    make: impl FnOnce(&Analysis) -> R,
) -> Result<u8, Failure> {
    for key in &args.columns {
        check_column(key, columns, R::HEADERS)?;
    }
    let sort = match &args.sort {
        Some(text) => {
            let key = text.strip_prefix('-').unwrap_or(text);
            check_column(key, columns, R::HEADERS)?;
            Some((key.to_owned(), text.starts_with('-')))
        }
        None => None,
    };
    let mut session = Session::new(common, &args.files)?;
    let analysis = session.analyse()?;
    let table = make(&analysis);
    let query = Query {
        filter: session.filter.clone(),
        columns: args.columns.clone(),
        sort,
        time: time_mode(common, args.format == TableFormat::Text),
        brief: matches!(args.format, TableFormat::Text | TableFormat::Markdown),
        dated: args.format == TableFormat::Csv,
        ..Query::default()
    };
    let mut sink = open(common)?;
    match args.format {
        TableFormat::Json | TableFormat::Ndjson => {
            let order = if query.sort.is_some() {
                table.of(&analysis, &query).rows
            } else {
                table.all(&session, &analysis)
            };
            if args.format == TableFormat::Json {
                table.json(&mut sink, &analysis, &order, json_options(common, args.pretty))?;
            } else {
                table.lines(&mut sink, &analysis, &order)?;
            }
        }
        TableFormat::Csv => {
            let lines = table.of(&analysis, &query);
            output::table::csv_lines(&mut sink, &lines.columns, lines.iter())?;
        }
        TableFormat::Markdown => {
            let lines = table.of(&analysis, &query);
            output::table::markdown_lines(&mut sink, &lines.columns, lines.iter())?;
        }
        TableFormat::Text => {
            let color = color_for(common, &sink);
            let lines = table.of(&analysis, &query);
            match table.none() {
                Some(words) if lines.rows.is_empty() => {
                    let end = if query.filter.is_some() { " matches the filter." } else { "." };
                    writeln!(sink, "{words}{end}")?;
                    if query.filter.is_none()
                        && let Some(needs) = table.needs()
                    {
                        writeln!(sink, "{needs}")?;
                    }
                }
                // Who looks at a terminal sees what it has room for; a file and whoever names columns get all.
                _ if sink.is_terminal() && args.columns.is_empty() => {
                    let whole = Table { columns: lines.columns.clone(), rows: lines.iter().collect() };
                    let (fitted, gone) = output::narrow::by_rank(&whole, self::columns(true));
                    output::table::text_with(&mut sink, &fitted, color, common.ascii)?;
                    if !gone.is_empty() {
                        sink.flush()?;
                        session.say(&format!(
                            "left out for the width: {} (--columns shows any)",
                            gone.join(", ")
                        ));
                    }
                }
                _ => output::table::text_lines(&mut sink, &lines.columns, lines.iter(), color, common.ascii)?,
            }
        }
    }
    sink.finish()?;
    Ok(session.status())
}

pub(super) fn ladder(common: &Common, args: &LadderArgs) -> Result<u8, Failure> {
    let mut session = Session::new(common, &args.files)?;
    let analysis = session.analyse()?;
    let lookup = args.sql.map(|id| lookup_row(&analysis, id)).transpose()?;
    let owners = match lookup {
        Some(row) => ListKind::Lookups.owners(&analysis, &Lists::of(&analysis), row),
        None => select::owners(&analysis, &args.selection, session.filter.as_ref(), args.extended)?,
    };
    let options = LadderOptions { unfold: args.unfold, extended: args.extended, lookup, sign_in: None };
    let mut ladder = crate::view::ladder::build(&analysis, &owners, options);
    crate::view::ladder::tell(&mut ladder, &analysis, &owners, &diagnose(&analysis));
    let time = common.time.map_or(TimeMode::Relative, TimeMode::from);
    let mut sink = open(common)?;
    match args.format {
        LadderFormat::Text => {
            let color = color_for(common, &sink);
            let width = args.width.unwrap_or_else(|| columns(sink.is_terminal()));
            output::ladder::text(&mut sink, &ladder, width.min(4096), time, color, common.ascii)?;
        }
        LadderFormat::Svg => output::ladder::svg(&mut sink, &ladder, time)?,
        LadderFormat::Html => {
            report::flow(&mut sink, &analysis, &owners, &ladder, report_options(common))?;
        }
        LadderFormat::Mermaid => output::ladder::mermaid(&mut sink, &ladder, time)?,
        LadderFormat::Json => output::ladder::json(&mut sink, &ladder, args.pretty)?,
    }
    sink.finish()?;
    Ok(session.status())
}

/// Row of the look-up of that number.
fn lookup_row(analysis: &Analysis, id: u32) -> Result<u32, Failure> {
    let n = analysis.gather().lookups().len();
    let row = id.checked_sub(1).filter(|i| (*i as usize) < n);
    row.ok_or_else(|| match n {
        0 => Failure::usage(format!("no look-up {id}: the input has no look-ups of SQL Server")),
        n => Failure::usage(format!("no look-up {id}: the input has look-ups 1 to {n}")),
    })
}

/// Columns of the terminal, else of `COLUMNS`, else 120.
pub(super) fn columns(terminal: bool) -> usize {
    let size = if terminal { crossterm::terminal::size().ok() } else { None };
    let from_env = || std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    size.map(|(columns, _)| usize::from(columns)).or_else(from_env).filter(|&c| c > 0).unwrap_or(120)
}

pub(super) fn decode(common: &Common, args: &DecodeArgs) -> Result<u8, Failure> {
    let mut session = Session::new(common, &args.files)?;
    let analysis = session.analyse()?;
    let mut frames = Vec::new();
    for &(capture, frame) in &args.frame {
        let Some(summary) = analysis.captures.get(usize::from(capture)) else {
            let n = analysis.captures.len();
            return Err(Failure::usage(format!("no capture {capture}: they are numbered 0 to {}", n - 1)));
        };
        if u64::from(frame) > summary.frames {
            let n = summary.frames;
            return Err(Failure::usage(format!("no frame {frame}: the capture has {n} frames")));
        }
        let frame = FrameRef { capture: CaptureId(capture), frame };
        let buffers = detail::frame_detail_with(&analysis, frame, common.show_secrets)
            .map_err(|e| Failure::Input(format!("frame {} cannot be read again: {e}", frame.frame)))?;
        frames.push((frame, buffers));
    }
    let mut sink = open(common)?;
    let options = DecodeOptions {
        hex: args.hex,
        show_secrets: common.show_secrets,
        color: color_for(common, &sink),
        ascii: common.ascii,
        pretty: args.pretty,
    };
    match args.format {
        DecodeFormat::Json => output::decode::json(&mut sink, &frames, options)?,
        DecodeFormat::Text => {
            for (_, buffers) in &frames {
                output::decode::text(&mut sink, buffers, options)?;
            }
        }
    }
    sink.finish()?;
    Ok(session.status())
}

pub(super) fn extract(common: &Common, args: &ExtractArgs) -> Result<u8, Failure> {
    let only_audio = args.wav.is_some() && common.output.is_none();
    if common.output.is_none() && !only_audio && std::io::stdout().is_terminal() {
        return Err(Failure::usage("a capture is not written to a terminal: give --output FILE"));
    }
    if common.redact_text {
        return Err(Failure::usage("frames are extracted as they are: --redact-text cannot be heeded"));
    }
    if args.wav.is_some() && args.stream.is_none() {
        return Err(Failure::usage("--wav is of one stream: give --stream N"));
    }
    super::sink::check(args.wav.as_deref(), common.force)?;
    let mut session = Session::new(common, &args.files)?;
    let analysis = session.analyse()?;
    if let Some(id) = args.stream {
        return extract_stream(common, args, &session, &analysis, id);
    }
    let owners = select::owners(&analysis, &args.selection, session.filter.as_ref(), args.extended)?;
    let mut sink = open(common)?;
    let done = pcapng::extract(&analysis, &owners, !args.no_media, &mut sink)?;
    sink.finish()?;
    session.say(&format!("{} frames, {} bytes written", done.frames, done.bytes));
    Ok(session.status())
}

/// The packets of a stream, its audio, or both.
fn extract_stream(
    common: &Common,
    args: &ExtractArgs,
    session: &Session,
    analysis: &Analysis,
    id: u32,
) -> Result<u8, Failure> {
    let media = analysis.media_index();
    let n = media.streams.len();
    let row = id.checked_sub(1).filter(|i| (*i as usize) < n);
    let Some((row, stream)) = row.and_then(|row| Some((row, media.stream(row)?))) else {
        return Err(match n {
            0 => Failure::usage(format!("no media stream {id}: the input has no media streams")),
            n => Failure::usage(format!("no media stream {id}: the input has media streams 1 to {n}")),
        });
    };
    if let Some(path) = &args.wav {
        let mut sink = Sink::open(Some(path), common.force)?;
        let told = output::audio::wav(analysis, stream, row, &mut sink).map_err(|e| match e.kind() {
            std::io::ErrorKind::Unsupported => Failure::usage(e.to_string()),
            _ => e.into(),
        })?;
        sink.finish()?;
        session.say(&told.words());
    }
    if args.wav.is_none() || common.output.is_some() {
        let mut sink = open(common)?;
        let done = pcapng::extract_stream(analysis, stream, &mut sink)?;
        sink.finish()?;
        session.say(&format!("{} frames, {} bytes written", done.frames, done.bytes));
    }
    Ok(session.status())
}

pub(super) fn completions(common: &Common, shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut sink = open(common)?;
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "callscope", &mut text);
    sink.write_all(&text)?;
    sink.finish()?;
    Ok(0)
}

pub(super) fn man(common: &Common, name: Option<&str>) -> Result<u8, Failure> {
    let mut whole = command();
    whole.build();
    let page = match name {
        None => whole,
        Some(name) => {
            let found = whole.get_subcommands().find(|c| c.get_name() == name).cloned();
            found.ok_or_else(|| {
                let near = nearest(name, whole.get_subcommands().map(clap::Command::get_name));
                let hint = near.map_or_else(String::new, |n| format!(" (did you mean `{n}`?)"));
                Failure::usage(format!("no command `{name}`{hint}"))
            })?
        }
    };
    let mut sink = open(common)?;
    clap_mangen::Man::new(page).render(&mut sink)?;
    sink.finish()?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_by_flag_environment_and_terminal() {
        let env = |set: &'static [(&'static str, &'static str)]| {
            move |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| std::ffi::OsString::from(v))
        };
        let auto = ColorArg::Auto;
        assert!(color(auto, true, &env(&[])));
        assert!(!color(auto, false, &env(&[])));
        assert!(!color(auto, true, &env(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")])));
        assert!(color(auto, true, &env(&[("NO_COLOR", "")])));
        assert!(color(auto, false, &env(&[("CLICOLOR_FORCE", "1")])));
        assert!(!color(auto, false, &env(&[("CLICOLOR_FORCE", "0")])));
        assert!(!color(auto, true, &env(&[("TERM", "dumb")])));
        assert!(color(ColorArg::Always, false, &env(&[("NO_COLOR", "1")])));
        assert!(!color(ColorArg::Never, true, &env(&[])));
    }

    #[test]
    fn unknown_columns_name_the_nearest() {
        const COLUMNS: Columns = &[("from", "From", ""), ("state", "State", "")];
        assert!(check_column("from", COLUMNS, true).is_ok());
        assert!(check_column("header:User-Agent", COLUMNS, true).is_ok());
        assert!(check_column("header:User-Agent", COLUMNS, false).is_err());
        let error = check_column("stat", COLUMNS, true).unwrap_err().to_string();
        assert_eq!(error, "unknown column `stat` (did you mean `state`?)");
    }
}
