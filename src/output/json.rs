//! The JSON contract, schema `callscope/1`: its own types, streamed out.
//!
//! Long lists are made element by element, so memory does not grow with the number of calls.

mod build;
mod details;
mod ice;
mod layout;
mod list;
mod types;
mod value;

use std::io::{self, Write};

use serde::Serialize;

use crate::correlate::ice::IceIndex;
use crate::correlate::stun::{AllocationIdx, GroupIdx};
use crate::correlate::{Analysis, CallIdx, DialogIdx};
use crate::view::ice::SessionRef;

pub(crate) use layout::Layout;
use list::write_list;
use types::Nothing;
pub(super) use types::SCHEMA;
pub(super) use value::{Frame, Time};

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
    let mut object = Object::begin(out, options.pretty)?;
    object.head()?;
    let captures: Vec<usize> = (0..analysis.captures.len()).collect();
    object.list("captures", options, &captures, |_| 512, |i| build::capture(analysis, i))?;
    object.value("statistics", &build::statistics(analysis))?;
    let index = analysis.ice_index();
    object.calls(analysis, calls, &index, options)?;
    object.dialogs(analysis, dialogs, options)?;
    for name in ["sign_ins", "subscriptions", "conferences", "instant_messages"] {
        object.value(name, &Nothing::default())?;
    }
    object.ice_sessions(analysis, calls, &index, options)?;
    let allocations: Vec<AllocationIdx> =
        (0..analysis.stun.allocations.len() as u32).map(AllocationIdx).collect();
    object.allocations(analysis, &allocations, options)?;
    for name in ["sql_lookups", "media_streams", "dns_lookups", "findings"] {
        object.value(name, &Nothing::default())?;
    }
    object.end()
}

/// `{"schema": …, "calls": […]}`.
pub fn calls(
    out: &mut dyn Write,
    analysis: &Analysis,
    calls: &[CallIdx],
    options: JsonOptions,
) -> io::Result<()> {
    let mut object = Object::begin(out, options.pretty)?;
    object.head()?;
    object.calls(analysis, calls, &analysis.ice_index(), options)?;
    object.end()
}

/// `{"schema": …, "dialogs": […]}`.
pub fn dialogs(
    out: &mut dyn Write,
    analysis: &Analysis,
    dialogs: &[DialogIdx],
    options: JsonOptions,
) -> io::Result<()> {
    let mut object = Object::begin(out, options.pretty)?;
    object.head()?;
    object.dialogs(analysis, dialogs, options)?;
    object.end()
}

/// `{"schema": …, "ice_sessions": […]}`.
pub fn ice_sessions(
    out: &mut dyn Write,
    analysis: &Analysis,
    sessions: &[SessionRef],
    options: JsonOptions,
) -> io::Result<()> {
    let mut object = Object::begin(out, options.pretty)?;
    object.head()?;
    let make = |of: SessionRef| view_session(analysis, of);
    object.list("ice_sessions", options, sessions, |_| 8, make)?;
    object.end()
}

/// One line a session.
pub fn ice_session_lines(
    out: &mut dyn Write,
    analysis: &Analysis,
    sessions: &[SessionRef],
) -> io::Result<()> {
    sessions.iter().filter_map(|&of| view_session(analysis, of)).try_for_each(|s| line(out, &s))
}

fn view_session(analysis: &Analysis, of: SessionRef) -> Option<ice::Session<'_>> {
    Some(ice::session(analysis, of.id, crate::view::ice::session(analysis, of)?))
}

/// `{"schema": …, "turn_allocations": […]}`.
pub fn allocations(
    out: &mut dyn Write,
    analysis: &Analysis,
    rows: &[AllocationIdx],
    options: JsonOptions,
) -> io::Result<()> {
    let mut object = Object::begin(out, options.pretty)?;
    object.head()?;
    object.allocations(analysis, rows, options)?;
    object.end()
}

/// One line an allocation.
pub fn allocation_lines(out: &mut dyn Write, analysis: &Analysis, rows: &[AllocationIdx]) -> io::Result<()> {
    let calls = analysis.calls_by_allocation();
    let of = |i: AllocationIdx| calls.get(i.0 as usize).map_or(&[][..], Vec::as_slice);
    rows.iter().filter_map(|&i| ice::allocation(analysis, i, of(i))).try_for_each(|a| line(out, &a))
}

/// One line a call.
pub fn call_lines(out: &mut dyn Write, analysis: &Analysis, calls: &[CallIdx]) -> io::Result<()> {
    let index = analysis.ice_index();
    calls.iter().try_for_each(|&c| line(out, &build::call(analysis, c, &index)))
}

/// One line a dialog.
pub fn dialog_lines(out: &mut dyn Write, analysis: &Analysis, dialogs: &[DialogIdx]) -> io::Result<()> {
    dialogs.iter().try_for_each(|&d| line(out, &build::dialog(analysis, d)))
}

/// A value and a line end.
pub(super) fn document(out: &mut dyn Write, value: &impl Serialize, pretty: bool) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Layout::new(pretty, 0));
    value.serialize(&mut serializer)?;
    writeln!(out)
}

fn line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    document(out, value, false)
}

/// The outermost object, written key by key.
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

    fn head(&mut self) -> io::Result<()> {
        self.value("schema", &SCHEMA)?;
        self.value("version", &env!("CARGO_PKG_VERSION"))
    }

    fn key(&mut self, name: &str) -> io::Result<()> {
        if !std::mem::take(&mut self.first) {
            self.out.write_all(b",")?;
        }
        if self.pretty {
            layout::indent(self.out, 1)?;
        }
        write!(self.out, "\"{name}\":{}", if self.pretty { " " } else { "" })
    }

    fn value(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.key(name)?;
        let layout = Layout::new(self.pretty, 1);
        let mut serializer = serde_json::Serializer::with_formatter(&mut *self.out, layout);
        value.serialize(&mut serializer).map_err(io::Error::from)
    }

    fn list<T: Copy + Sync, S: Serialize>(
        &mut self,
        name: &str,
        options: JsonOptions,
        items: &[T],
        weight: impl Fn(T) -> usize,
        make: impl Fn(T) -> S + Sync,
    ) -> io::Result<()> {
        self.key(name)?;
        write_list(self.out, options, 1, items, weight, make)
    }

    fn calls(
        &mut self,
        analysis: &Analysis,
        calls: &[CallIdx],
        index: &IceIndex,
        options: JsonOptions,
    ) -> io::Result<()> {
        let weight = |c: CallIdx| analysis.call(c).messages.count as usize;
        self.list("calls", options, calls, weight, |c| build::call(analysis, c, index))
    }

    /// Those of the calls given, and those of no call.
    fn ice_sessions(
        &mut self,
        analysis: &Analysis,
        calls: &[CallIdx],
        index: &IceIndex,
        options: JsonOptions,
    ) -> io::Result<()> {
        // A session of several in its call is made with the others and picked.
        let mut items: Vec<(Option<CallIdx>, GroupIdx, u32)> = Vec::new();
        for &call in calls {
            items.extend(index.of_call(call).map(|id| (Some(call), GroupIdx(0), id)));
        }
        items.extend((index.first_loose..).zip(&index.loose).map(|(id, g)| (None, *g, id)));
        self.list(
            "ice_sessions",
            options,
            &items,
            |_| 8,
            |(call, group, id)| match call {
                Some(call) => {
                    let first = index.of_call(call).start;
                    ice::sessions(analysis, call, first).into_iter().nth((id - first) as usize)
                }
                None => Some(ice::session(analysis, id, analysis.loose_ice_session(group))),
            },
        )
    }

    fn allocations(
        &mut self,
        analysis: &Analysis,
        rows: &[AllocationIdx],
        options: JsonOptions,
    ) -> io::Result<()> {
        let calls = analysis.calls_by_allocation();
        self.list(
            "turn_allocations",
            options,
            rows,
            |_| 8,
            |i| ice::allocation(analysis, i, calls.get(i.0 as usize).map_or(&[][..], Vec::as_slice)),
        )
    }

    fn dialogs(
        &mut self,
        analysis: &Analysis,
        dialogs: &[DialogIdx],
        options: JsonOptions,
    ) -> io::Result<()> {
        let weight = |d: DialogIdx| analysis.dialog(d).messages.count as usize;
        self.list("dialogs", options, dialogs, weight, |d| build::dialog(analysis, d))
    }

    fn end(self) -> io::Result<()> {
        self.out.write_all(if self.pretty { b"\n}\n" } else { b"}\n" })
    }
}

#[cfg(test)]
mod tests;
