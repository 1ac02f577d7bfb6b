//! A call flow as data; terminal, text, SVG and Mermaid draw this same value.

mod conference;
mod diagnostics;
mod dns;
mod findings;
mod fold;
mod label;
mod legs;
mod lifelines;
mod media;
pub(super) mod roles;
mod sql;
mod stun;
mod traffic;

use std::collections::HashMap;
use std::net::IpAddr;

use super::show;
use crate::capture::{FrameRef, Nanos};
use crate::correlate::gathered::Gathered;
use crate::correlate::{Analysis, BrokenFlow, FlowId, MethodId, MsgIdx, Owner, SipRecord, flag};

/// A machine taking part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifeline {
    /// What a person calls it: alias, host name, SIP user, inferred role; else the address.
    pub name: String,
    /// Address (with port where two lifelines share the address).
    pub address: String,
    /// `client`, `Front End`, `proxy` …, where inferred.
    pub role: Option<String>,
}

/// How an arrow is to be coloured and marked; every tone also has a word or symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Request,
    Provisional,
    Success,
    Redirect,
    Failure,
    Media,
    Stun,
    Dim,
    Note,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LadderRow {
    /// A message from lifeline `from` to lifeline `to` (indices; equal for a message to itself).
    Arrow {
        time: Nanos,
        frame: FrameRef,
        from: usize,
        to: usize,
        /// What the arrow carries: `INVITE offer, 22 candidates`, `200 OK answer`.
        label: String,
        tone: Tone,
        message: Option<MsgIdx>,
        /// Times the same bytes were sent again, folded into this row.
        retransmissions: u32,
        /// Row number of the call's leg when several calls are merged.
        leg: usize,
    },
    /// A run of like things folded into one line across `from`–`to`; unfolds to `inner`.
    Fold {
        time: Nanos,
        end: Nanos,
        from: usize,
        to: usize,
        /// All of it goes from `from` to `to`; else both ways.
        one_way: bool,
        label: String,
        tone: Tone,
        inner: Vec<LadderRow>,
    },
    /// Nothing for longer than a second.
    Gap { time: Nanos, length: Nanos },
    /// A remark: capture starts mid-call, legs joined by …
    Note { time: Nanos, text: String },
}

impl LadderRow {
    /// Whether what its line has no room for may go on beside it: of what carries no message of SIP.
    fn goes_beside(&self) -> bool {
        match self {
            Self::Arrow { message, .. } => message.is_none(),
            Self::Fold { tone, .. } => matches!(tone, Tone::Stun | Tone::Media),
            Self::Gap { .. } | Self::Note { .. } => false,
        }
    }

    /// The label of this row in two: what stands on its line, which has `columns` for it, and what goes on behind the
    /// line, where there are `room`. The second is empty where all fits, nothing may go beside, or there is no room.
    pub fn split<'l>(&self, label: &'l str, columns: usize, room: usize) -> (&'l str, &'l str) {
        if !self.goes_beside() || room < label::BESIDE {
            return (label, "");
        }
        match self {
            Self::Fold { tone: Tone::Media, .. } => label::split_figures(label, columns),
            _ => label::split(label, columns),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ladder {
    pub title: String,
    pub lifelines: Vec<Lifeline>,
    pub rows: Vec<LadderRow>,
    /// Time of the first row, against which relative times are told.
    pub start: Nanos,
    /// Frames that prove findings; see [`tell`].
    pub proofs: Vec<Proof>,
    /// Of each verdict, which are the first rows, the worst finding of its call (rows of the list of findings).
    pub verdicts: Vec<u32>,
}

/// How a ladder is to be built.
#[derive(Debug, Clone, Copy, Default)]
pub struct LadderOptions {
    /// Show every retransmission and duplicate as a row of its own instead of folding it.
    pub unfold: bool,
    /// Merge messages of linked legs (`x`, extended flow).
    pub extended: bool,
    /// The look-up of SQL Server (its row) that is to be drawn as well.
    pub lookup: Option<u32>,
    /// The sign-in (its row) whose DNS look-ups are to be drawn where it sent no REGISTER.
    pub sign_in: Option<u32>,
}

/// The flow of some calls and dialogs, merged by time; of a call whose clock was set back in order of arrival.
///
/// Lifelines stand in the order of the path, the caller first. A message captured twice is one arrow, and so are its
/// retransmissions (unless unfolded); polls and keep-alives of four or more become a [`LadderRow::Fold`].
pub fn build(analysis: &Analysis, owners: &[Owner], options: LadderOptions) -> Ladder {
    build_with(analysis, &analysis.gather(), owners, options)
}

/// The same, with what is gathered already.
pub fn build_with(
    analysis: &Analysis,
    gathered: &Gathered<'_>,
    owners: &[Owner],
    options: LadderOptions,
) -> Ladder {
    let owners = legs::owners(analysis, owners, options.extended);
    let mut messages: Vec<(Nanos, MsgIdx, usize)> = Vec::new();
    for (leg, &owner) in owners.iter().enumerate() {
        // Across a clock that was set back what came later stands later.
        let mut place = Nanos::MIN;
        for m in analysis.in_time(legs::messages(analysis, owner)) {
            place = place.max(analysis.message(m).time);
            messages.push((place, m, leg));
        }
    }
    messages.sort_unstable_by_key(|&(place, m, _)| (place, m));
    let drawn: Vec<MsgIdx> = messages.iter().map(|&(_, m, _)| m).collect();
    let mut machines = lifelines::Machines::of(analysis, &drawn);
    lifelines::refine(analysis, &mut machines.lifelines);
    let drawn_sql = sql::draw(analysis, gathered, (&owners, &drawn), options, &mut machines);
    let drawn_stun = stun::draw(analysis, &owners, options.unfold, &mut machines);
    let alone = options.sign_in.and_then(|row| gathered.sign_ins().get(row as usize));
    let drawn_media = media::draw(analysis, &owners, options.unfold, &drawn_stun.lines, &mut machines);
    let drawn_dns = dns::draw(analysis, &owners, alone, &mut machines);

    let mut rows = Vec::with_capacity(messages.len());
    let mut notes = legs::notes(analysis, &owners);
    let mut first_rows: HashMap<Repeat, usize> = HashMap::new();
    let mut broken = legs::breakages(analysis, &owners).into_iter().peekable();
    let arrow_of = |(leg, b): (usize, BrokenFlow)| broken_arrow(analysis, &machines, b, leg);
    for &(place, m, leg) in &messages {
        let record = analysis.message(m);
        let time = record.time;
        while let Some(b) = broken.next_if(|(_, b)| b.time < place) {
            rows.push(arrow_of(b));
        }
        while let Some(text) = notes.take_before(place, m) {
            rows.push(LadderRow::Note { time, text });
        }
        let duplicate = record.has(flag::DUPLICATE);
        let again = record.has(flag::RETRANSMISSION) && !duplicate;
        let key = Repeat::of(record);
        if !options.unfold {
            if duplicate && first_rows.contains_key(&key) {
                continue;
            }
            if again
                && let Some(LadderRow::Arrow { retransmissions, .. }) =
                    first_rows.get(&key).and_then(|&at| rows.get_mut(at))
            {
                *retransmissions += 1;
                continue;
            }
        }
        first_rows.entry(key).or_insert(rows.len());
        let (from, to) = machines.ends(&analysis.flow(record.flow));
        let mut label = message_label(analysis, m);
        if let Some(words) = drawn_stun.final_offer(record) {
            // How many candidates it has says no more: one for each component.
            let named = format!(" final offer {words}");
            label = match label.split_once(" offer") {
                Some((method, rest)) => {
                    // What is wrong with the message stands behind.
                    let flaw = rest.find(" (").and_then(|at| rest.get(at..)).unwrap_or_default();
                    format!("{method}{named}{flaw}")
                }
                None => label,
            };
        }
        if duplicate {
            label.push_str(" (captured twice)");
        } else if again {
            label.push_str(" (retransmission)");
        }
        rows.push(LadderRow::Arrow {
            time,
            frame: record.frame,
            from,
            to,
            label,
            tone: match record.status {
                _ if duplicate || again => Tone::Dim,
                _ if show::csta::is_error(analysis, m) => Tone::Failure,
                status => tone(status),
            },
            message: Some(m),
            retransmissions: 0,
            leg,
        });
    }
    rows.extend(broken.map(arrow_of));
    let end = messages.last().map_or(0, |&(time, ..)| time);
    rows.extend(notes.rest().map(|text| LadderRow::Note { time: end, text }));
    if !options.unfold {
        rows = fold::fold_runs(analysis, rows);
    }
    let of_sign_in = || alone.zip(options.sign_in).map(|(s, row)| dns::title(s, row));
    let title = drawn_sql.title.clone().or_else(of_sign_in);
    let mut title = title.unwrap_or_else(|| legs::title(analysis, &owners));
    if let Some(media) = &drawn_stun.media {
        title.push_str(&format!("  {media}"));
    }
    let firsts = [
        messages.first().map(|&(time, ..)| time),
        drawn_stun.start(),
        drawn_sql.start(),
        drawn_dns.start(),
        drawn_media.start(),
    ];
    let start = firsts.into_iter().flatten().min();
    let rows = drawn_media.merge(drawn_stun.merge(rows));
    let rows = drawn_dns.merge(stun::merge(drawn_sql.rows(&machines), rows));
    let mut ladder =
        Ladder { title, lifelines: machines.lifelines, rows, start: start.unwrap_or(0), ..Ladder::default() };
    fold::mark_gaps(&mut ladder);
    ladder
}

/// An ICMP error, reset or alert as an arrow back to who sent the message that did not arrive.
fn broken_arrow(
    analysis: &Analysis,
    machines: &lifelines::Machines,
    broken: BrokenFlow,
    leg: usize,
) -> LadderRow {
    let flow = analysis.flow(broken.flow);
    let (sender, receiver) = machines.ends(&flow);
    let by_sender = broken.by == flow.src.ip() && broken.by != flow.dst.ip();
    let (from, to) = if by_sender { (sender, receiver) } else { (receiver, sender) };
    let label = match broken.by == flow.dst.ip() || by_sender {
        true => show::breakage(broken.kind),
        false => show::breakage_by(broken.kind, broken.by),
    };
    LadderRow::Arrow {
        time: broken.time,
        frame: broken.frame,
        from,
        to,
        label,
        tone: Tone::Failure,
        message: None,
        retransmissions: 0,
        leg,
    }
}

/// What is the same in every copy of a message between the same two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Repeat {
    flow: FlowId,
    method: MethodId,
    status: u16,
    cseq: u32,
    branch: u32,
    from_tag: u32,
    to_tag: u32,
}

impl Repeat {
    fn of(r: &SipRecord) -> Self {
        let SipRecord { flow, method, status, cseq, branch, from_tag, to_tag, .. } = *r;
        Self { flow, method, status, cseq, branch, from_tag, to_tag }
    }

    /// Leaves only what is the same on every hop.
    fn forget_hop(&mut self) {
        (self.flow, self.branch) = (FlowId(0), 0);
    }
}

fn tone(status: u16) -> Tone {
    match status {
        0 => Tone::Request,
        100..200 => Tone::Provisional,
        200..300 => Tone::Success,
        // A challenge asks to try again differently, as a redirect does; it is no failure.
        300..=399 | 401 | 407 => Tone::Redirect,
        _ => Tone::Failure,
    }
}

/// What an arrow carries: `INVITE offer, 22 candidates`, `200 OK answer`, `ACK`. The same as `label` in the JSON.
pub fn message_label(analysis: &Analysis, message: MsgIdx) -> String {
    label::message_label(analysis, message, None)
}

/// [`message_label`] where the bytes of the message are at hand already.
pub fn message_label_of(analysis: &Analysis, message: MsgIdx, bytes: &[u8]) -> String {
    label::message_label(analysis, message, Some(bytes))
}

pub use findings::{Proof, tell};
pub use traffic::{CallTraffic, call_traffic};

/// Names and roles of the machines, as far as a sample of all calls and dialogs tells them.
pub fn machines_known(analysis: &Analysis) -> HashMap<IpAddr, Lifeline> {
    lifelines::known(analysis)
}

#[cfg(test)]
mod tests;
