//! The JSON contract, schema `callscope/1`: its own types, streamed out.
//!
//! Long lists are made element by element, so memory does not grow with the number of calls.

mod build;
mod details;
mod dns;
mod ice;
mod list;
mod lists;
mod media;
mod types;
mod value;
mod writer;

use std::collections::HashSet;
use std::io::{self, Write};

use serde::Serialize;

use crate::correlate::dns::LookupIdx;
use crate::correlate::gathered::MediaIndex;
use crate::correlate::ice::IceIndex;
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Analysis, CallIdx, DialogIdx};
use crate::diagnose::diagnose;
use crate::view::ice::{Place, SessionRef, loose_session_refs, session_refs_of};
use crate::view::lists::{ListKind, Lists};
use crate::view::overview::verdict;

use build::CallParts;
use list::write_list;
pub(super) use types::SCHEMA;
pub(super) use value::{Frame, Time};
pub(crate) use writer::stream;

/// What goes into the JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonOptions {
    /// Do not redact secrets.
    pub show_secrets: bool,
    pub pretty: bool,
    /// Threads that write long lists; 0: as many as there are cores. The text is the same.
    pub threads: usize,
}

/// Streams the whole `summary` object.
pub fn summary(out: &mut dyn Write, analysis: &Analysis, options: JsonOptions) -> io::Result<()> {
    summary_of(out, analysis, &all_calls(analysis), &all_dialogs(analysis), options)
}

/// Every call.
pub fn all_calls(analysis: &Analysis) -> Vec<CallIdx> {
    (0..analysis.calls.len() as u32).map(CallIdx).collect()
}

/// Every dialog that holds messages.
pub fn all_dialogs(analysis: &Analysis) -> Vec<DialogIdx> {
    analysis.dialogs_shown().map(|(d, _)| d).collect()
}

/// The `summary` object with some of the calls and dialogs only; statistics and captures stay whole.
pub fn summary_of(
    out: &mut dyn Write,
    analysis: &Analysis,
    calls: &[CallIdx],
    dialogs: &[DialogIdx],
    options: JsonOptions,
) -> io::Result<()> {
    let captures: Vec<usize> = (0..analysis.captures.len()).collect();
    let index = analysis.ice_index();
    let mut sessions: Vec<SessionRef> = calls.iter().flat_map(|&c| session_refs_of(&index, c)).collect();
    sessions.extend(loose_session_refs(&index));
    let allocations: Vec<AllocationIdx> =
        (0..analysis.stun.allocations.len() as u32).map(AllocationIdx).collect();
    // What the rules worked out of the lists is what is written of them.
    let lists = Lists::of(analysis);
    let diagnosis = lists.diagnosis();
    object(out, options, |o| {
        o.value("verdict", &verdict(analysis, diagnosis))?;
        o.list("captures", options, &captures, |_| 512, |i| build::capture(analysis, i))?;
        if let Some(redaction) = build::redaction(analysis) {
            o.value("redaction", &redaction)?;
        }
        o.value("statistics", &build::statistics(analysis))?;
        let media = analysis.media_index();
        o.calls(analysis, calls, CallParts { ice: &index, media: &media, diagnosis }, options)?;
        o.dialogs(analysis, dialogs, options)?;
        let later = [ListKind::Media, ListKind::Findings];
        for kind in ListKind::ALL.into_iter().filter(|kind| !later.contains(kind)) {
            o.gathered(analysis, &lists, kind, &kind.matching(analysis, &lists, None), options)?;
        }
        o.ice_sessions(analysis, &sessions, options)?;
        o.allocations(analysis, &allocations, options)?;
        let shown: HashSet<CallIdx> = calls.iter().copied().collect();
        let streams = &media.streams;
        let rows: Vec<u32> = (0u32..)
            .zip(streams.iter())
            .filter(|(_, s)| s.call.is_none_or(|c| shown.contains(&c)))
            .map(|(i, _)| i)
            .collect();
        o.media(analysis, &media, &rows, &index, options)?;
        let lookups: Vec<LookupIdx> = (0..analysis.dns.lookups.len() as u32).map(LookupIdx).collect();
        o.list("dns_lookups", options, &lookups, |_| 1, |i| dns::lookup(analysis, i))?;
        let kind = ListKind::Findings;
        o.gathered(analysis, &lists, kind, &kind.matching(analysis, &lists, None), options)
    })
}

/// `{"schema": …, "calls": […]}`.
pub fn calls(
    out: &mut dyn Write,
    analysis: &Analysis,
    calls: &[CallIdx],
    options: JsonOptions,
) -> io::Result<()> {
    let (ice, media, diagnosis) = (analysis.ice_index(), analysis.media_index(), diagnose(analysis));
    let parts = CallParts { ice: &ice, media: &media, diagnosis: &diagnosis };
    object(out, options, |o| o.calls(analysis, calls, parts, options))
}

/// `{"schema": …, "dialogs": […]}`.
pub fn dialogs(
    out: &mut dyn Write,
    analysis: &Analysis,
    dialogs: &[DialogIdx],
    options: JsonOptions,
) -> io::Result<()> {
    object(out, options, |o| o.dialogs(analysis, dialogs, options))
}

/// `{"schema": …, "ice_sessions": […]}`.
pub fn ice_sessions(
    out: &mut dyn Write,
    analysis: &Analysis,
    sessions: &[SessionRef],
    options: JsonOptions,
) -> io::Result<()> {
    object(out, options, |o| o.ice_sessions(analysis, sessions, options))
}

/// `{"schema": …, "turn_allocations": […]}`.
pub fn allocations(
    out: &mut dyn Write,
    analysis: &Analysis,
    rows: &[AllocationIdx],
    options: JsonOptions,
) -> io::Result<()> {
    object(out, options, |o| o.allocations(analysis, rows, options))
}

/// `{"schema": …, "subscriptions": […]}`, or another of the lists.
pub fn gathered(
    out: &mut dyn Write,
    analysis: &Analysis,
    listed: &Lists<'_>,
    kind: ListKind,
    rows: &[u32],
    options: JsonOptions,
) -> io::Result<()> {
    object(out, options, |o| o.gathered(analysis, listed, kind, rows, options))
}

/// One line a row.
pub fn gathered_lines(
    out: &mut dyn Write,
    analysis: &Analysis,
    listed: &Lists<'_>,
    kind: ListKind,
    rows: &[u32],
) -> io::Result<()> {
    if kind == ListKind::Media {
        let ice = analysis.ice_index();
        let mut streams = rows.iter().filter_map(|&row| media::row(analysis, listed.media(), &ice, row));
        return streams.try_for_each(|s| line(out, &s));
    }
    rows.iter().filter_map(|&row| lists::row(analysis, listed, kind, row)).try_for_each(|r| line(out, &r))
}

/// One line a session.
pub fn ice_session_lines(
    out: &mut dyn Write,
    analysis: &Analysis,
    sessions: &[SessionRef],
) -> io::Result<()> {
    runs(sessions).flat_map(|run| sessions_of_run(analysis, run)).try_for_each(|s| line(out, &s))
}

/// Sessions of one call, which are worked out together, or a single one of no call.
fn runs(sessions: &[SessionRef]) -> impl Iterator<Item = &[SessionRef]> {
    sessions.chunk_by(|a, b| a.call().is_some() && a.call() == b.call())
}

fn sessions_of_run<'a>(analysis: &'a Analysis, run: &[SessionRef]) -> Vec<ice::Session<'a>> {
    let Some(first) = run.first() else { return Vec::new() };
    match first.place {
        Place::Loose(group) => vec![ice::session(analysis, first.id, analysis.loose_ice_session(group))],
        Place::Call(call, _) => {
            let id = |n: u32| run.iter().find(|r| r.place == Place::Call(call, n)).map(|r| r.id);
            let all = (0u32..).zip(analysis.ice_sessions_of(call));
            all.filter_map(|(n, s)| Some(ice::session(analysis, id(n)?, s))).collect()
        }
    }
}

/// One line an allocation.
pub fn allocation_lines(out: &mut dyn Write, analysis: &Analysis, rows: &[AllocationIdx]) -> io::Result<()> {
    let calls = analysis.calls_by_allocation();
    rows.iter().filter_map(|&i| ice::allocation(analysis, i, &calls)).try_for_each(|a| line(out, &a))
}

/// One line a call.
pub fn call_lines(out: &mut dyn Write, analysis: &Analysis, calls: &[CallIdx]) -> io::Result<()> {
    let (ice, media, diagnosis) = (analysis.ice_index(), analysis.media_index(), diagnose(analysis));
    let parts = CallParts { ice: &ice, media: &media, diagnosis: &diagnosis };
    calls.iter().try_for_each(|&c| line(out, &build::call(analysis, c, parts)))
}

/// One line a dialog.
pub fn dialog_lines(out: &mut dyn Write, analysis: &Analysis, dialogs: &[DialogIdx]) -> io::Result<()> {
    dialogs.iter().try_for_each(|&d| line(out, &build::dialog(analysis, d)))
}

/// A value and a line end.
pub(super) fn document(out: &mut dyn Write, value: &impl Serialize, pretty: bool) -> io::Result<()> {
    stream(out, value, pretty, 0)?;
    writeln!(out)
}

fn line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    document(out, value, false)
}

/// The outermost object: what all have, and what `fill` puts into this one.
fn object(
    out: &mut dyn Write,
    options: JsonOptions,
    fill: impl FnOnce(&mut Object<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut object = Object::begin(out, options.pretty)?;
    object.value("schema", &SCHEMA)?;
    object.value("version", &env!("CARGO_PKG_VERSION"))?;
    fill(&mut object)?;
    object.end()
}

/// It is written key by key.
struct Object<'a> {
    out: &'a mut dyn Write,
    pretty: bool,
    first: bool,
}

impl<'a> Object<'a> {
    fn begin(out: &'a mut dyn Write, pretty: bool) -> io::Result<Self> {
        out.write_all(b"{")?;
        Ok(Self { out, pretty, first: true })
    }

    fn key(&mut self, name: &str) -> io::Result<()> {
        if !std::mem::take(&mut self.first) {
            self.out.write_all(b",")?;
        }
        if self.pretty {
            self.out.write_all(b"\n  ")?;
        }
        write!(self.out, "\"{name}\":{}", if self.pretty { " " } else { "" })
    }

    fn value(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.key(name)?;
        stream(self.out, value, self.pretty, 1)
    }

    fn list<T: Copy + Sync, I: IntoIterator<Item: Serialize>>(
        &mut self,
        name: &str,
        options: JsonOptions,
        items: &[T],
        weight: impl Fn(T) -> usize,
        make: impl Fn(T) -> I + Sync,
    ) -> io::Result<()> {
        self.key(name)?;
        write_list(self.out, options, 1, items, weight, make)
    }

    fn calls(
        &mut self,
        analysis: &Analysis,
        calls: &[CallIdx],
        parts: CallParts<'_>,
        options: JsonOptions,
    ) -> io::Result<()> {
        let weight = |c: CallIdx| analysis.call(c).messages.count as usize;
        self.list("calls", options, calls, weight, |c| [build::call(analysis, c, parts)])
    }

    fn ice_sessions(
        &mut self,
        analysis: &Analysis,
        sessions: &[SessionRef],
        options: JsonOptions,
    ) -> io::Result<()> {
        let runs: Vec<&[SessionRef]> = runs(sessions).collect();
        let weight = |run: &[SessionRef]| run.len() * 8;
        self.list("ice_sessions", options, &runs, weight, |run| sessions_of_run(analysis, run))
    }

    fn gathered(
        &mut self,
        analysis: &Analysis,
        listed: &Lists<'_>,
        kind: ListKind,
        rows: &[u32],
        options: JsonOptions,
    ) -> io::Result<()> {
        let weight = |row| {
            let owners = kind.owners(analysis, listed, row);
            owners.iter().map(|o| analysis.list_of(*o).count as usize).sum()
        };
        if kind == ListKind::Media {
            return self.media(analysis, listed.media(), rows, &analysis.ice_index(), options);
        }
        if kind == ListKind::Lookups {
            // Connections without a look-up stand in a list of their own.
            let (rest, rows): (Vec<u32>, Vec<u32>) = rows
                .iter()
                .partition(|r| listed.lookups().get(**r as usize).is_some_and(|l| l.is_connection()));
            let row = |row| lists::row(analysis, listed, kind, row);
            self.list(lists::key(kind), options, &rows, weight, row)?;
            return self.list("sql_connections", options, &rest, weight, row);
        }
        self.list(lists::key(kind), options, rows, weight, |row| lists::row(analysis, listed, kind, row))
    }

    fn media(
        &mut self,
        analysis: &Analysis,
        index: &MediaIndex,
        rows: &[u32],
        ice: &IceIndex,
        options: JsonOptions,
    ) -> io::Result<()> {
        self.list("media_streams", options, rows, |_| 4, |row| media::row(analysis, index, ice, row))
    }

    fn allocations(
        &mut self,
        analysis: &Analysis,
        rows: &[AllocationIdx],
        options: JsonOptions,
    ) -> io::Result<()> {
        let calls = analysis.calls_by_allocation();
        self.list("turn_allocations", options, rows, |_| 8, |i| ice::allocation(analysis, i, &calls))
    }

    fn dialogs(
        &mut self,
        analysis: &Analysis,
        dialogs: &[DialogIdx],
        options: JsonOptions,
    ) -> io::Result<()> {
        let weight = |d: DialogIdx| analysis.dialog(d).messages.count as usize;
        self.list("dialogs", options, dialogs, weight, |d| [build::dialog(analysis, d)])
    }

    fn end(self) -> io::Result<()> {
        self.out.write_all(if self.pretty { b"\n}\n" } else { b"}\n" })
    }
}

#[cfg(test)]
mod tests;
