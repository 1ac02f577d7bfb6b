//! What messages say of why something happened: `ms-diagnostics` and its kin, `Warning` and `Reason`, read once for all
//! views. Only the heads of messages that carry one are read again.

use std::collections::{HashMap, HashSet};

use callscope_parsers::sip::{Message, cause, parse_message};

use super::Analysis;
use super::model::*;
use crate::capture::Nanos;

/// Told of one message, and of one call or dialog, the same thing once.
const MOST_OF_MESSAGE: usize = 64;
const MOST: usize = 256;
/// Bytes kept of a source or reason.
const MOST_TEXT: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DiagnosticHeader {
    Diagnostics,
    Public,
    Client,
    Warning,
    Reason,
}

impl DiagnosticHeader {
    pub const ALL: [Self; 5] = [Self::Diagnostics, Self::Public, Self::Client, Self::Warning, Self::Reason];

    pub fn name(self) -> &'static str {
        match self {
            Self::Diagnostics => "ms-diagnostics",
            Self::Public => "ms-diagnostics-public",
            Self::Client => "ms-client-diagnostics",
            Self::Warning => "Warning",
            Self::Reason => "Reason",
        }
    }

    /// Do its numbers come from the table of [MS-OCER]?
    pub fn is_microsoft(self) -> bool {
        matches!(self, Self::Diagnostics | Self::Public | Self::Client)
    }
}

/// What one of these headers says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub header: DiagnosticHeader,
    /// Of `Reason` its cause.
    pub code: Option<u32>,
    /// Who says so; of `Reason` the protocol that the cause is of.
    pub source: Option<String>,
    /// The text beside it, as sent (not made harmless), at most 4 KB.
    pub reason: Option<String>,
    /// The first message that says so.
    pub message: MsgIdx,
}

impl Diagnostic {
    /// Whether two say the same, perhaps in different messages.
    fn same(&self, other: &Self) -> bool {
        (self.header, self.code, &self.source, &self.reason)
            == (other.header, other.code, &other.source, &other.reason)
    }
}

/// How many calls and dialogs say what.
#[derive(Debug, Clone, Default)]
pub struct DiagnosticTally {
    /// One of each kind and how many calls and dialogs say it, the most frequent first.
    pub rows: Vec<(Diagnostic, u64)>,
    /// When the messages were sent that a row was counted for.
    pub times: Vec<(usize, Nanos)>,
    /// Messages that were not read any more ([`Limits::diagnostic_messages`](crate::limits::Limits::diagnostic_messages)).
    pub not_read: u64,
    /// What messages say beyond [`Limits::diagnostic_kinds`](crate::limits::Limits::diagnostic_kinds).
    pub not_told_apart: u64,
}

/// Is it an answer that refuses, and no challenge?
pub fn is_refusal(status: u16) -> bool {
    status >= 300 && !matches!(status, 401 | 407)
}

fn text(bytes: &[u8]) -> Option<String> {
    let kept = bytes.get(..MOST_TEXT).unwrap_or(bytes);
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(kept).into_owned())
}

/// What the headers of a message say, in the order of [`DiagnosticHeader::ALL`].
pub fn diagnostics_in(message: &Message<'_>, index: MsgIdx) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut add = |header, code, source, reason| {
        let d = Diagnostic { header, code, source: text(source), reason: text(reason), message: index };
        if found.len() < MOST_OF_MESSAGE && !found.iter().any(|other| other.same(&d)) {
            found.push(d);
        }
    };
    for h in &message.headers {
        let range = h.value_range.clone();
        match DiagnosticHeader::ALL.into_iter().find(|header| h.is(header.name())) {
            Some(header @ DiagnosticHeader::Reason) => {
                for r in cause::parse_reasons(message.bytes, range).0 {
                    add(header, r.cause, r.protocol, r.text);
                }
            }
            Some(header @ DiagnosticHeader::Warning) => {
                for w in cause::parse_warnings(message.bytes, range).0 {
                    add(header, Some(u32::from(w.code)), w.agent, w.text);
                }
            }
            Some(header) => {
                if let (Some(d), _) = cause::parse_diagnostics(message.bytes, range) {
                    add(header, Some(d.code), d.source, d.reason);
                }
            }
            None => {}
        }
    }
    found.sort_by_key(|d| d.header);
    found
}

impl Analysis {
    /// The bytes of a message without its body.
    pub fn head_bytes(&self, m: MsgIdx) -> std::io::Result<Vec<u8>> {
        let record = self.message(m);
        let mut at = record.bytes;
        if record.head < u16::MAX {
            at.len = at.len.min(u32::from(record.head));
        }
        self.stores.read(at)
    }

    /// What a message says of why.
    pub fn diagnostics_of_message(&self, m: MsgIdx) -> Vec<Diagnostic> {
        if !self.message(m).has(flag::DIAGNOSTICS) {
            return Vec::new();
        }
        let Ok(bytes) = self.head_bytes(m) else { return Vec::new() };
        parse_message(&bytes).map(|message| diagnostics_in(&message, m)).unwrap_or_default()
    }

    /// What the messages of a call or dialog say, the same thing once, in their order.
    pub fn diagnostics_of(&self, owner: Owner) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = Vec::new();
        for m in self.messages_of(self.list_of(owner)) {
            if found.len() >= MOST {
                break;
            }
            for d in self.diagnostics_of_message(m) {
                if !found.iter().any(|other| other.same(&d)) {
                    found.push(d);
                }
            }
        }
        found.truncate(MOST);
        found
    }

    /// How many calls and dialogs say what; several headers with one number count once for each.
    pub fn diagnostic_tally(&self) -> DiagnosticTally {
        type Kind = (bool, DiagnosticHeader, Option<u32>, Option<String>);
        let mut places: HashMap<Kind, usize> = HashMap::new();
        let mut counted: HashSet<(Owner, usize)> = HashSet::new();
        let mut tally = DiagnosticTally::default();
        let mut read = 0;
        for (m, record) in self.messages_with(flag::DIAGNOSTICS) {
            if record.has(flag::DUPLICATE) {
                continue;
            }
            if read >= self.limits.diagnostic_messages {
                tally.not_read += 1;
                continue;
            }
            read += 1;
            for d in self.diagnostics_of_message(m) {
                if d.header == DiagnosticHeader::Warning && !is_refusal(record.status) {
                    continue;
                }
                let kind = match d.header {
                    h if h.is_microsoft() => (true, DiagnosticHeader::Diagnostics, d.code, None),
                    h @ DiagnosticHeader::Reason => (false, h, d.code, d.source.clone()),
                    h => (false, h, d.code, None),
                };
                let at = match places.get(&kind) {
                    Some(at) => *at,
                    None if tally.rows.len() < self.limits.diagnostic_kinds => {
                        places.insert(kind, tally.rows.len());
                        tally.rows.push((d, 0));
                        tally.rows.len() - 1
                    }
                    None => {
                        tally.not_told_apart += 1;
                        continue;
                    }
                };
                if counted.insert((record.owner, at))
                    && let Some((_, count)) = tally.rows.get_mut(at)
                {
                    *count += 1;
                    tally.times.push((at, record.time));
                }
            }
        }
        let mut order: Vec<usize> = (0..tally.rows.len()).collect();
        order.sort_by_key(|&i| tally.rows.get(i).map(|(d, n)| (std::cmp::Reverse(*n), d.header, d.code)));
        let mut place = vec![0; order.len()];
        for (to, &from) in order.iter().enumerate() {
            if let Some(p) = place.get_mut(from) {
                *p = to;
            }
        }
        tally.rows = order.iter().filter_map(|&i| tally.rows.get(i).cloned()).collect();
        for (at, _) in &mut tally.times {
            *at = place.get(*at).copied().unwrap_or(*at);
        }
        tally
    }
}
