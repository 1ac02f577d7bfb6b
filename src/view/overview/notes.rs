//! What there is beside calls, in a line each: legs that belong together, ICE and relays, look-ups, sign-ins, conferences.
//!
//! What went wrong with them is for the findings to say.

use std::collections::{BTreeMap, BTreeSet};

use crate::capture::{CaptureId, FrameRef};
use crate::correlate::{Analysis, LinkReason, MsgIdx};
use crate::diagnose::Severity;
use crate::diagnose::{Counted, Tally};
use crate::view::ice::state_words;
use crate::view::lists::Lists;
use crate::view::show;

pub type Note = (String, Option<FrameRef>, Severity);

pub fn notes(analysis: &Analysis, lists: &Lists<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    let tally = &lists.diagnosis().tally;
    legs(analysis, &mut notes);
    counts(tally, &mut notes);
    super::remote::notes(analysis, &tally.control, &mut notes);
    beside(analysis, &mut notes);
    comments(analysis, &mut notes);
    redaction(analysis, &mut notes);
    notes
}

/// Groups of calls told one by one, and calls of a group.
const GROUPS: usize = 3;
const MEMBERS: usize = 6;

/// Calls that are legs of one another, and by what they are joined.
fn legs(analysis: &Analysis, notes: &mut Vec<Note>) {
    // Each call points to an earlier one of its group, or to itself.
    let mut parent: Vec<u32> = (0..analysis.calls.len() as u32).collect();
    fn root(parent: &mut [u32], mut at: u32) -> u32 {
        while let Some(&up) = parent.get(at as usize).filter(|up| **up != at) {
            let over = parent.get(up as usize).copied().unwrap_or(up);
            if let Some(slot) = parent.get_mut(at as usize) {
                *slot = over;
            }
            at = over;
        }
        at
    }
    for link in &analysis.links {
        let (a, b) = (root(&mut parent, link.from.0), root(&mut parent, link.to.0));
        if let Some(slot) = parent.get_mut(a.max(b) as usize) {
            *slot = a.min(b);
        }
    }
    let mut groups: BTreeMap<u32, (BTreeSet<u32>, BTreeSet<LinkReason>, MsgIdx)> = BTreeMap::new();
    for link in &analysis.links {
        let at = root(&mut parent, link.from.0);
        let group = groups.entry(at).or_insert_with(|| (BTreeSet::new(), BTreeSet::new(), link.message));
        group.0.extend([link.from.0, link.to.0]);
        group.1.insert(link.by);
        group.2 = group.2.min(link.message);
    }
    let by = |reasons: &BTreeSet<LinkReason>| reasons.iter().map(|r| r.name()).collect::<Vec<_>>().join(", ");
    for (calls, reasons, message) in groups.values().take(GROUPS) {
        let mut list: Vec<String> =
            calls.iter().take(MEMBERS).map(|c| show::number(u64::from(*c) + 1)).collect();
        if calls.len() > MEMBERS {
            list.push(format!("{} more", show::number((calls.len() - MEMBERS) as u64)));
        }
        let last = list.pop().unwrap_or_default();
        let text =
            format!("Calls {} and {last} are legs of one call: joined by {}", list.join(", "), by(reasons));
        notes.push((text, analysis.messages.get(message.0 as usize).map(|m| m.frame), Severity::Info));
    }
    if groups.len() > GROUPS {
        let reasons = groups.values().flat_map(|g| g.1.iter().copied()).collect();
        let text = format!(
            "{} of calls are legs of one call each: joined by {}",
            show::count((groups.len() - GROUPS) as u64, "more group", "more groups"),
            by(&reasons)
        );
        notes.push((text, None, Severity::Info));
    }
}

/// `, 3 failed`, or nothing.
fn some(n: u64, what: &str) -> String {
    if n == 0 { String::new() } else { format!(", {} {what}", show::number(n)) }
}

fn counts(tally: &Tally, notes: &mut Vec<Note>) {
    ice(tally, notes);
    let mut line = |of: &Counted, label: &str, words: String, failed: &str| {
        if of.count > 0 {
            notes.push((format!("{label}: {words}{}", some(of.failed, failed)), of.first, Severity::Info));
        }
    };
    let relays = show::count(tally.allocations.count, "relay allocation", "relay allocations");
    line(&tally.allocations, "TURN", relays, "failed");
    let (asked, connected) = (&tally.lookups, &tally.connections);
    let mut parts = Vec::new();
    if asked.count > 0 {
        parts.push(show::count(asked.count, "look-up", "look-ups"));
    }
    if connected.count > 0 {
        parts.push(show::count(connected.count, "connection without one", "connections without one"));
    }
    let sql = Counted {
        count: asked.count + connected.count,
        failed: 0,
        first: asked.first.into_iter().chain(connected.first).min(),
    };
    line(&sql, "SQL Server", parts.join(", "), "");
    line(&tally.sign_ins, "Sign-ins", show::number(tally.sign_ins.count), "stopped");
    let commands = show::count(tally.commands.count, "command", "commands");
    let control = Counted {
        count: tally.conferences.count + tally.commands.count,
        failed: tally.commands.failed,
        first: tally.conferences.first,
    };
    let words = format!("{}, {commands}", show::number(tally.conferences.count));
    line(&control, "Conferences", words, "failed");
    let written = &tally.instant_messages;
    line(written, "Instant messages", show::number(written.count), "not delivered");
}

/// How ICE sessions ended.
fn ice(tally: &Tally, notes: &mut Vec<Note>) {
    let ice = &tally.ice;
    let total: u64 = ice.states.values().sum();
    if total == 0 {
        return;
    }
    let words: Vec<String> =
        ice.states.iter().map(|(state, n)| format!("{} {}", show::number(*n), state_words(*state))).collect();
    let words = match ice.states.keys().next().filter(|_| ice.states.len() == 1) {
        Some(state) => state_words(*state).to_owned(),
        None => words.join(", "),
    };
    let all = match ice.partly {
        false => String::new(),
        true => format!(
            "{} with candidates, {} of no call; of the first ",
            show::count(ice.calls, "call", "calls"),
            show::count(ice.loose, "session", "sessions")
        ),
    };
    notes.push((
        format!("ICE: {all}{}: {words}", show::count(total, "session", "sessions")),
        None,
        Severity::Info,
    ));
}

fn beside(analysis: &Analysis, notes: &mut Vec<Note>) {
    let o = &analysis.other;
    let counts = [
        (analysis.stun.statistics.messages, "STUN message", "STUN messages"),
        (analysis.rtp_packets(), "RTP packet", "RTP packets"),
        (analysis.rtcp_packets(), "RTCP packet", "RTCP packets"),
        (analysis.fax_packets(), "fax packet (T.38)", "fax packets (T.38)"),
        (o.websocket_sessions, "WebSocket session", "WebSocket sessions"),
    ];
    let seen: Vec<String> =
        counts.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| show::count(*n, one, many)).collect();
    if !seen.is_empty() {
        notes.push((format!("Beside SIP: {}", seen.join(", ")), None, Severity::Info));
    }
}

/// What the copies that are shown do not hold any more.
fn redaction(analysis: &Analysis, notes: &mut Vec<Note>) {
    let Some(tally) = &analysis.redaction else { return };
    notes.push((format!("Redacted copy: {}", show::redaction(tally)), None, Severity::Info));
}

fn comments(analysis: &Analysis, notes: &mut Vec<Note>) {
    let comments: u64 = analysis.captures.iter().map(|c| c.comments.len() as u64).sum();
    let first = analysis.captures.iter().enumerate().find_map(|(i, c)| Some((i, c.comments.first()?)));
    let Some((capture, (frame, text))) = first else { return };
    let frame = frame.map(|frame| FrameRef { capture: CaptureId(capture as u16), frame });
    let text = show::shorten(&show::safe_str(text), 100);
    let more = match comments {
        1 => String::new(),
        n => format!(" (and {} more)", show::number(n - 1)),
    };
    notes.push((format!("Comment in the capture: {text}{more}"), frame, Severity::Info));
}
