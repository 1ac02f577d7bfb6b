//! `batch`: many captures, each on its own, several at once.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::args::{BatchArgs, Common, TableFormat};
use super::commands::{color_for, columns, open, time_mode};
use super::failure::Failure;
use super::session::{Session, name_of_copy};
use crate::capture::Input;
use crate::correlate::load::{LoadOptions, load};
use crate::correlate::{Analysis, parts};
use crate::output::batch as output;
use crate::output::summary::SummaryOptions;
use crate::redact::{Redactor, redacted_copy};
use crate::view::batch::{Batch, Contents, Examined};
use crate::view::filter::Filter;
use crate::view::show;

/// How often the progress line is drawn.
const PAUSE: Duration = Duration::from_millis(100);

/// What a worker tells.
enum News {
    /// Input bytes read since it last said so.
    Read(u64),
    Begun(usize),
    /// None: nothing in it matches the filter.
    Done(usize, Box<Option<Examined>>),
}

pub(super) fn batch(common: &Common, args: &BatchArgs) -> Result<u8, Failure> {
    if common.follow {
        return Err(Failure::usage("batch reads captures that are complete: --follow is of no use with it"));
    }
    super::sink::check(common.output.as_deref(), common.force)?;
    let mut session = Session::of_originals(common, &args.files)?;
    let redactor = session.redactor(common)?.map(Mutex::new);
    let inputs = std::mem::take(&mut session.inputs);
    let (rows, unmatched) = examine(common, args.jobs, &session, &inputs, redactor.as_ref());
    if let Some(redactor) = redactor {
        session.tell_redaction(&redactor.into_inner().unwrap_or_else(PoisonError::into_inner));
    }
    for row in &rows {
        match &row.outcome {
            Ok(contents) => session.found(contents.severity()),
            Err(why) => session.cannot_read(why),
        }
    }
    if rows.iter().all(|row| row.outcome.is_err()) && unmatched == 0 {
        return Err(Failure::Unreadable);
    }
    let batch = Batch::of(rows, unmatched);
    let mut sink = open(common)?;
    let for_people = args.format == TableFormat::Text;
    let options = SummaryOptions {
        time: time_mode(common, for_people),
        color: color_for(common, &sink),
        ascii: common.ascii,
    };
    match args.format {
        TableFormat::Text => {
            let fit = sink.is_terminal().then(|| columns(true));
            output::text(&mut sink, &batch, options, fit)?;
        }
        TableFormat::Csv => output::csv(&mut sink, &batch, options)?,
        TableFormat::Markdown => output::markdown(&mut sink, &batch, options)?,
        TableFormat::Json => output::json(&mut sink, &batch, args.pretty)?,
        TableFormat::Ndjson => output::lines(&mut sink, &batch)?,
    }
    sink.finish()?;
    Ok(session.status())
}

fn name_of(input: &Input) -> String {
    match input {
        Input::Path(path) => path.to_string_lossy().into_owned(),
        Input::Stdin => "-".to_owned(),
        Input::StandIn(copy) => copy.info.path.clone(),
    }
}

/// Looks at each input by itself, a few at once; also says how many of them hold nothing that matches.
fn examine(
    common: &Common,
    jobs: usize,
    session: &Session,
    inputs: &[Input],
    redactor: Option<&Mutex<Redactor>>,
) -> (Vec<Examined>, u64) {
    let names: Vec<String> = (0..)
        .zip(inputs)
        .map(|(i, input)| match redactor {
            Some(_) => name_of_copy(i),
            None => name_of(input),
        })
        .collect();
    let cores = parts::cores();
    let jobs = if jobs == 0 { cores } else { jobs }.clamp(1, inputs.len().max(1));
    let mut load = session.settings.load.clone();
    if load.threads == 0 {
        load.threads = (cores / jobs).max(1);
    }
    // The big ones first, so that none of them is left for the end.
    let size = |input: &Input| match input {
        Input::Path(path) => std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|m| m.len()),
        Input::Stdin => None,
        Input::StandIn(copy) => copy.info.size,
    };
    let sizes: Vec<Option<u64>> = inputs.iter().map(size).collect();
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(sizes.get(i).copied().flatten()));
    let todo = Mutex::new(VecDeque::from(order));
    let total: u64 = sizes.iter().flatten().sum();
    let (news, told) = channel();
    let mut done: BTreeMap<usize, Examined> = BTreeMap::new();
    let mut unmatched = 0;
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (news, todo, load, sizes, names) = (news.clone(), &todo, &load, &sizes, &names);
            let filter = common.filter.as_deref();
            scope.spawn(move || {
                // Copies of a filter share what it knows of one analysis.
                let filter = filter.and_then(|text| Filter::parse(text).ok());
                let next = || todo.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some(i) = next() {
                    let (Some(input), Some(name)) = (inputs.get(i), names.get(i)) else { continue };
                    let _ = news.send(News::Begun(i));
                    let look = || {
                        let Some(redactor) = redactor else {
                            return look_at(input, name, load, session, filter.as_ref(), &news);
                        };
                        match copy_of(input, name, load, redactor) {
                            Ok((copy, load)) => look_at(&copy, name, &load, session, filter.as_ref(), &news),
                            Err(e) => Some(Err(e)),
                        }
                    };
                    // A defect met in one capture does not take the others along.
                    let outcome = catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| {
                        Some(Err(format!("{name}: the program failed on it, please report this")))
                    });
                    let size = sizes.get(i).copied().flatten();
                    let row = outcome.map(|outcome| Examined { path: name.clone(), size, outcome });
                    if news.send(News::Done(i, Box::new(row))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(news);
        let mut line = session.progress_line();
        let mut running: Vec<usize> = Vec::new();
        let (mut read, mut finished) = (0, 0);
        loop {
            match told.recv_timeout(PAUSE) {
                Ok(News::Read(bytes)) => read += bytes,
                Ok(News::Begun(i)) => running.push(i),
                Ok(News::Done(i, row)) => {
                    running.retain(|r| *r != i);
                    finished += 1;
                    match *row {
                        Some(row) => _ = done.insert(i, row),
                        None => unmatched += 1,
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let names = || running.iter().filter_map(|i| names.get(*i)).cloned();
            line.say(|| state(finished, inputs.len(), read, total, names()));
        }
        line.clear();
    });
    (done.into_values().collect(), unmatched)
}

/// `12 of 40 captures, 31 % of 2.1 GB: lab/a.pcap, lab/b.pcap`.
fn state(finished: usize, all: usize, read: u64, total: u64, names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.map(|n| show::safe_str(&n)).collect();
    let percent = (u128::from(read) * 100).checked_div(u128::from(total)).unwrap_or(0).min(100);
    let line = format!(
        "{finished} of {} captures, {percent} % of {}: {}",
        show::number(all as u64),
        show::size(total),
        names.join(", ")
    );
    show::shorten(&line, columns(true).saturating_sub(1))
}

/// A redacted copy, and how it is to be read. Copies are made one after the other, and each is there only as long as it is
/// looked at.
fn copy_of(
    input: &Input,
    name: &str,
    options: &LoadOptions,
    redactor: &Mutex<Redactor>,
) -> Result<(Input, LoadOptions), String> {
    let mut redactor = redactor.lock().unwrap_or_else(PoisonError::into_inner);
    let before = std::mem::take(&mut redactor.tally);
    let copy = redacted_copy(&mut redactor, input, name, &mut |_, _| ControlFlow::Continue(()));
    let own = redactor.tally.clone();
    redactor.tally.add_all(&before);
    match copy {
        Ok(copy) => Ok((copy, LoadOptions { redaction: Some(own), ..options.clone() })),
        Err(e) => {
            let (why, own_name) = (e.to_string(), format!("{}: ", name_of(input)));
            Err(format!("{name}: {}", why.strip_prefix(&own_name).unwrap_or(&why)))
        }
    }
}

fn look_at(
    input: &Input,
    name: &str,
    options: &LoadOptions,
    session: &Session,
    filter: Option<&Filter>,
    news: &Sender<News>,
) -> Option<Result<Contents, String>> {
    let mut analysis = Analysis::default();
    for (address, name) in &session.settings.names {
        analysis.names.set(*address, name);
    }
    let lock = RwLock::new(analysis);
    let mut before = 0;
    let report = load(std::slice::from_ref(input), options, &lock, &mut |progress| {
        let _ = news.send(News::Read(progress.bytes.saturating_sub(before)));
        before = progress.bytes.max(before);
        ControlFlow::Continue(())
    });
    let analysis = lock.into_inner().unwrap_or_else(PoisonError::into_inner);
    if analysis.captures.is_empty() {
        let why = report.errors.first().map(ToString::to_string);
        return Some(Err(why.unwrap_or_else(|| format!("{name}: cannot be read"))));
    }
    filter.iter().for_each(|f| f.forget());
    Contents::of(&analysis, filter).map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_line_names_what_is_read() {
        let names = ["lab/a.pcap".to_owned(), "b\u{1b}[2J.pcap".to_owned()];
        let line = state(3, 1_200, 50, 200, names.into_iter());
        assert_eq!(line, "3 of 1 200 captures, 25 % of 200 B: lab/a.pcap, b\\x1b[2J.pcap");
        assert!(state(0, 0, 0, 0, std::iter::empty()).starts_with("0 of 0"));
        let many = state(0, 9, 0, 9, std::iter::repeat_n("long/name.pcap".to_owned(), 50));
        assert!(show::width(&many) < columns(true), "{many}");
    }
}
