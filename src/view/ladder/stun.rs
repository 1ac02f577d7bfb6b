//! STUN and TURN on the time axis of a call: the servers get lifelines, allocations and checks become rows.

mod checks;
pub(super) mod ends;
mod relay;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::lifelines::Machines;
use super::traffic::{CallTraffic, call_traffic};
use super::{LadderRow, Repeat, Tone};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::ice::{CandidateKind, ChosenBy, IcePair, IceSession};
use crate::correlate::{Analysis, MsgIdx, Owner, SipRecord};
use ends::Ends;

/// Rows made of one ladder's STUN and TURN messages; what is beyond them is counted.
const ROWS: usize = 20_000;
/// Messages read again for their words.
const READS: usize = 2_000;

/// What STUN and TURN add to a ladder.
#[derive(Debug, Default)]
pub struct Drawn {
    /// In order of time.
    rows: Vec<LadderRow>,
    finals: HashMap<Repeat, String>,
    /// `media via relay UDP 192.0.2.7:50004`, of a single call.
    pub media: Option<String>,
    /// Lifelines of servers and of parties' addresses.
    pub lines: HashMap<IpAddr, usize>,
}

/// Works out the rows, and adds the lifelines they need.
pub fn draw(analysis: &Analysis, owners: &[Owner], unfold: bool, machines: &mut Machines) -> Drawn {
    let mut drawn = Drawn::default();
    let mut legs: Vec<(usize, CallTraffic)> = Vec::new();
    let mut seen = HashSet::new();
    for (leg, owner) in owners.iter().enumerate() {
        let Owner::Call(call) = owner else { continue };
        let mut traffic = call_traffic(analysis, *call);
        // Legs of one call share their relays where a proxy leaves the SDP alone, and their checks too.
        traffic.allocations.retain(|a| seen.insert((0, a.0)));
        traffic.bindings.retain(|b| seen.insert((1, b.0)));
        traffic.sessions.retain(|s| {
            let first = s.pairs.iter().flat_map(|p| &p.messages).min();
            first.is_none_or(|m| seen.insert((2, m.0)))
        });
        if !traffic.sessions.is_empty() || !traffic.allocations.is_empty() {
            legs.push((leg, traffic));
        }
    }
    if legs.is_empty() {
        return drawn;
    }
    let mut ends = Ends::of(analysis, machines);
    for (leg, traffic) in &legs {
        ends.learn(*leg, traffic);
    }
    let mut canvas = Canvas { analysis, unfold, rows: Vec::new(), left: ROWS, reads: READS };
    for (leg, traffic) in &legs {
        relay::draw(&mut canvas, &mut ends, *leg, traffic);
        checks::draw(&mut canvas, &mut ends, *leg, traffic);
        for session in &traffic.sessions {
            drawn.note_final(analysis, session);
        }
    }
    if let [(_, traffic)] = legs.as_slice() {
        drawn.media = traffic.sessions.iter().find_map(media_words);
    }
    drawn.rows = canvas.rows;
    let mut used = HashSet::new();
    drawn.rows.iter().for_each(|row| ends_in(row, &mut used));
    let addresses = ends.addresses();
    let order = ends.into_order();
    let known: Vec<bool> = order.iter().map(|p| matches!(p, ends::Place::Known(_))).collect();
    let places = machines.weave(order, |end| used.contains(&end));
    drawn.rows.iter_mut().for_each(|row| place(row, &places));
    let stands = |end: usize| used.contains(&end) || known.get(end) == Some(&true);
    let stands = addresses.into_iter().filter(|(_, end)| stands(*end));
    drawn.lines = stands.filter_map(|(ip, end)| Some((ip, *places.get(end)?))).collect();
    drawn.rows.sort_by_key(time_of);
    drawn
}

/// Merges rows into those of SIP by time.
pub fn merge(own: Vec<LadderRow>, sip: Vec<LadderRow>) -> Vec<LadderRow> {
    if own.is_empty() {
        return sip;
    }
    let mut out = Vec::with_capacity(sip.len() + own.len());
    let mut own = own.into_iter().peekable();
    for row in sip {
        let time = time_of(&row);
        while let Some(before) = own.next_if(|o| time_of(o) < time) {
            out.push(before);
        }
        out.push(row);
    }
    out.extend(own);
    out
}

/// Ends that a row stands at.
fn ends_in(row: &LadderRow, out: &mut HashSet<usize>) {
    match row {
        LadderRow::Arrow { from, to, .. } => out.extend([*from, *to]),
        LadderRow::Fold { from, to, inner, .. } => {
            out.extend([*from, *to]);
            inner.iter().for_each(|row| ends_in(row, out));
        }
        LadderRow::Gap { .. } | LadderRow::Note { .. } => {}
    }
}

/// Puts the numbers of lifelines in for those of ends.
fn place(row: &mut LadderRow, places: &[usize]) {
    let at = |end: &mut usize| *end = places.get(*end).copied().unwrap_or(0);
    match row {
        LadderRow::Arrow { from, to, .. } => {
            at(from);
            at(to);
        }
        LadderRow::Fold { from, to, inner, .. } => {
            at(from);
            at(to);
            inner.iter_mut().for_each(|row| place(row, places));
        }
        LadderRow::Gap { .. } | LadderRow::Note { .. } => {}
    }
}

pub fn time_of(row: &LadderRow) -> Nanos {
    match row {
        LadderRow::Arrow { time, .. }
        | LadderRow::Fold { time, .. }
        | LadderRow::Gap { time, .. }
        | LadderRow::Note { time, .. } => *time,
    }
}

impl Drawn {
    /// Rows of something else to be merged in.
    pub fn of(mut rows: Vec<LadderRow>) -> Self {
        rows.sort_by_key(time_of);
        Self { rows, ..Self::default() }
    }

    /// Time of the first row.
    pub fn start(&self) -> Option<Nanos> {
        self.rows.first().map(time_of)
    }

    /// Merges the rows into those of SIP by time.
    pub fn merge(self, sip: Vec<LadderRow>) -> Vec<LadderRow> {
        merge(self.rows, sip)
    }

    /// `relay UDP` for the messages that name the chosen pair.
    pub fn final_offer(&self, record: &SipRecord) -> Option<&str> {
        let mut key = Repeat::of(record);
        key.forget_hop();
        self.finals.get(&key).map(String::as_str)
    }

    fn note_final(&mut self, analysis: &Analysis, session: &IceSession) {
        let Some(message) = session.final_offer else { return };
        let mut pairs = session.final_pairs.clone();
        pairs.sort_by_key(|(component, ..)| *component);
        let Some(&(_, a, b)) = pairs.first() else { return };
        let of_a = by_side_a(analysis, session, message);
        let (side, address) = if of_a { (&session.a, a) } else { (&session.b, b) };
        let candidate = side.candidates.iter().find(|c| c.address == Some(address));
        let words = match candidate.and_then(|c| Some((c.kind?, c.is_tcp()))) {
            Some((kind, tcp)) => format!("{} {}", kind.name(), if tcp { "TCP" } else { "UDP" }),
            None => address.to_string(),
        };
        let mut key = Repeat::of(analysis.message(message));
        key.forget_hop();
        let text = self.finals.entry(key).or_default();
        if text.is_empty() {
            *text = words;
        } else if !text.split(" + ").any(|known| known == words) {
            text.push_str(" + ");
            text.push_str(&words);
        }
    }
}

/// Was the message sent by side A of its session?
fn by_side_a(analysis: &Analysis, session: &IceSession, message: MsgIdx) -> bool {
    let Some(first) = session.a.message else { return true };
    let (of_a, this) = (analysis.message(first), analysis.message(message));
    // The caller's requests and the callee's bear the tags the other way round.
    let tag = |r: &SipRecord| if r.is_request() { r.from_tag } else { r.to_tag };
    tag(of_a) == tag(this)
}

/// The chosen way of the first component: `media via relay UDP 192.0.2.7:50004`, `media direct UDP`.
fn media_words(session: &IceSession) -> Option<String> {
    // A pair that only an offer names may never have been used.
    let seen = |p: &&IcePair| p.component == 1 && (p.media_packets > 0 || p.first_success.is_some());
    let pair = session.selected().find(seen)?;
    let transport = if pair.transport == crate::correlate::Transport::Tcp { "TCP" } else { "UDP" };
    let relay = Some(CandidateKind::Relay);
    let guess = if pair.selected == Some(ChosenBy::Media) { " (by the media)" } else { "" };
    Some(match (pair.a_kind(session) == relay, pair.b_kind(session) == relay) {
        (true, true) => format!("media via two relays {transport} {} and {}{guess}", pair.a, pair.b),
        (true, false) => format!("media via relay {transport} {}{guess}", pair.a),
        (false, true) => format!("media via relay {transport} {}{guess}", pair.b),
        (false, false) => format!("media direct {transport}{guess}"),
    })
}

/// `relay↔host`, as side A sees it.
fn kinds(session: &IceSession, pair: &IcePair) -> String {
    // What checks came from and no line names is peer-reflexive (RFC 8445 §7.3.1.3).
    let name = |kind: Option<CandidateKind>| kind.map_or("prflx", CandidateKind::name);
    format!("{}↔{}", name(pair.a_kind(session)), name(pair.b_kind(session)))
}

/// Where rows are put.
struct Canvas<'a> {
    analysis: &'a Analysis,
    unfold: bool,
    rows: Vec<LadderRow>,
    /// Rows that may still be made, and messages read.
    left: usize,
    reads: usize,
}

/// A row to be, ends not yet numbered.
struct Line {
    time: Nanos,
    frame: FrameRef,
    from: usize,
    to: usize,
    label: String,
    tone: Tone,
    leg: usize,
}

impl Line {
    fn row(self) -> LadderRow {
        let Self { time, frame, from, to, label, tone, leg } = self;
        LadderRow::Arrow { time, frame, from, to, label, tone, message: None, retransmissions: 0, leg }
    }
}

impl Canvas<'_> {
    /// Whether there is room for one more row.
    fn take(&mut self) -> bool {
        let room = self.left > 0;
        self.left = self.left.saturating_sub(1);
        room
    }

    /// Puts `inner` under one line, or as it is where everything is to be unfolded.
    fn fold(&mut self, from: usize, to: usize, label: String, tone: Tone, inner: Vec<LadderRow>) {
        let times = inner.iter().map(|row| match row {
            LadderRow::Fold { time, end, .. } => (*time, *end),
            row => (time_of(row), time_of(row)),
        });
        let span = times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let Some((time, end)) = span else { return };
        if self.unfold {
            self.rows.extend(inner);
        } else {
            self.rows.push(LadderRow::Fold { time, end, from, to, one_way: false, label, tone, inner });
        }
    }
}

#[cfg(test)]
mod tests;
