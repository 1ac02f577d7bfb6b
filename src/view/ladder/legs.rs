//! The calls and dialogs of a ladder: which belong to it, its title, and remarks on how they hang together.

use std::collections::{HashMap, HashSet};
use std::vec::IntoIter;

use crate::capture::Nanos;
use crate::correlate::{Analysis, BrokenFlow, CallIdx, CallLink, MsgIdx, MsgList, Owner};
use crate::view::show;

/// Legs that `extended` adds at most.
const LEGS: usize = 200;

/// `owners` without repeats; with `extended` also every call linked to one of them, directly or over others.
pub fn owners(analysis: &Analysis, owners: &[Owner], extended: bool) -> Vec<Owner> {
    let mut seen = HashSet::new();
    let mut all: Vec<Owner> = owners.iter().copied().filter(|o| seen.insert(*o)).collect();
    if !extended || analysis.links.is_empty() {
        return all;
    }
    let mut next = 0;
    while let Some(&owner) = all.get(next) {
        next += 1;
        if let Owner::Call(call) = owner {
            for link in analysis.links_of(call) {
                let other = if link.from == call { link.to } else { link.from };
                if all.len() < LEGS.max(owners.len()) && seen.insert(Owner::Call(other)) {
                    all.push(Owner::Call(other));
                }
            }
        }
    }
    all
}

pub fn messages(analysis: &Analysis, owner: Owner) -> MsgList {
    match owner {
        Owner::Call(c) => analysis.call(c).messages,
        Owner::Dialog(d) => analysis.dialog(d).messages,
    }
}

/// `Call 3  Alice → Bob  answered, 00:42  setup 1.82 s`.
pub fn title(analysis: &Analysis, owners: &[Owner]) -> String {
    match owners {
        [] => String::new(),
        [owner] => one_title(analysis, *owner),
        [first, rest @ ..] => {
            let more: Vec<String> = rest.iter().take(6).map(|o| number(*o)).collect();
            let dots = if rest.len() > 6 { " …" } else { "" };
            format!("{}  + {}{dots}", one_title(analysis, *first), more.join(", "))
        }
    }
}

fn number(owner: Owner) -> String {
    match owner {
        Owner::Call(c) => format!("call {}", u64::from(c.0) + 1),
        Owner::Dialog(d) => format!("dialog {}", u64::from(d.0) + 1),
    }
}

fn one_title(analysis: &Analysis, owner: Owner) -> String {
    let raw = |s| analysis.strings.bytes(s);
    match owner {
        Owner::Call(c) => {
            let call = analysis.call(c);
            let s = &call.summary;
            let from = show::party_short(raw(call.from_display), raw(call.from_uri));
            let to = show::party_short(raw(call.to_display), raw(call.to_uri));
            let mut title =
                format!("Call {}  {from} → {to}  {}", u64::from(c.0) + 1, s.state.name().replace('_', " "));
            if s.final_status >= 300 {
                title.push_str(&format!(" {}", s.final_status));
            }
            if let Some(talk) = s.talk {
                title.push_str(&format!(", {}", show::talk(talk)));
            }
            if let Some(setup) = s.setup {
                title.push_str(&format!("  setup {}", show::duration(setup)));
            }
            title
        }
        Owner::Dialog(d) => {
            let dialog = analysis.dialog(d);
            let event = show::safe(raw(dialog.event));
            let event = if event.is_empty() { event } else { format!(" {event}") };
            format!(
                "Dialog {}  {}{event}  {} → {}  {}",
                u64::from(d.0) + 1,
                show::safe(analysis.method(dialog.method).as_bytes()),
                show::party_short(b"", raw(dialog.from_uri)),
                show::party_short(b"", raw(dialog.to_uri)),
                show::dialog_state(analysis, d)
            )
        }
    }
}

/// Signs that the transport broke, in order of time, with the row number of their leg.
pub fn breakages(analysis: &Analysis, owners: &[Owner]) -> Vec<(usize, BrokenFlow)> {
    let mut found: Vec<(usize, BrokenFlow)> = owners
        .iter()
        .enumerate()
        .flat_map(|(leg, o)| analysis.breakages(*o).into_iter().map(move |b| (leg, b)))
        .collect();
    found.sort_by_key(|(_, b)| (b.time, b.frame));
    found
}

/// Remarks in the order they are to stand, each with the place it stands before.
pub struct Notes {
    notes: IntoIter<(Nanos, MsgIdx, String)>,
    next: Option<(Nanos, MsgIdx, String)>,
}

impl Notes {
    /// The next remark that belongs before message `m`.
    pub fn take_before(&mut self, time: Nanos, m: MsgIdx) -> Option<String> {
        if self.next.as_ref().is_none_or(|(t, n, _)| (*t, *n) > (time, m)) {
            return None;
        }
        let next = self.notes.next();
        std::mem::replace(&mut self.next, next).map(|(.., text)| text)
    }

    /// What is left.
    pub fn rest(self) -> impl Iterator<Item = String> {
        self.next.into_iter().chain(self.notes).map(|(.., text)| text)
    }
}

pub fn notes(analysis: &Analysis, owners: &[Owner]) -> Notes {
    let mut notes = Vec::new();
    let leg_of: HashMap<CallIdx, usize> = owners
        .iter()
        .enumerate()
        .filter_map(|(leg, o)| match o {
            Owner::Call(c) => Some((*c, leg)),
            Owner::Dialog(_) => None,
        })
        .collect();
    let several = owners.len() > 1;
    let named = |c: CallIdx, leg: usize| format!("leg {} (call {})", leg + 1, u64::from(c.0) + 1);
    for (&call, &leg) in &leg_of {
        let c = analysis.call(call);
        if c.summary.starts_mid_call {
            let which = if several { format!(" of {}", named(call, leg)) } else { String::new() };
            let text = format!("The capture starts after the INVITE that opened the call{which}");
            notes.push((analysis.message(c.messages.first).time, c.messages.first, text));
        }
        for note in crate::diagnose::calls::forwarding::notes(analysis, call) {
            notes.push((analysis.message(note.message).time, note.message, note.text));
        }
    }
    let mut not_shown: HashSet<CallIdx> = HashSet::new();
    let mut told = HashSet::new();
    for CallLink { from, to, by, message } in &analysis.links {
        match (leg_of.get(from), leg_of.get(to)) {
            (Some(&a), Some(&b)) => {
                if told.insert((a.min(b), a.max(b), *by)) {
                    let text = format!(
                        "{} and {} are joined by {}",
                        capital(&named(*from, a)),
                        named(*to, b),
                        by.name()
                    );
                    notes.push((analysis.message(*message).time, *message, text));
                }
            }
            (Some(_), None) => {
                not_shown.insert(*to);
            }
            (None, Some(_)) => {
                not_shown.insert(*from);
            }
            (None, None) => {}
        }
    }
    if !not_shown.is_empty() {
        let mut calls: Vec<CallIdx> = not_shown.into_iter().collect();
        calls.sort_unstable();
        let list: Vec<String> = calls.iter().take(8).map(|c| (u64::from(c.0) + 1).to_string()).collect();
        let dots = if calls.len() > 8 { " …" } else { "" };
        let word = if calls.len() == 1 {
            "Another leg, not shown here: call"
        } else {
            "Other legs, not shown here: calls"
        };
        notes.push((Nanos::MAX, MsgIdx(u32::MAX), format!("{word} {}{dots}", list.join(", "))));
    }
    notes.sort();
    let mut notes = notes.into_iter();
    let next = notes.next();
    Notes { notes, next }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(c) => c.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
