//! DSCP marks: what there is each way, what is expected and by whom, and what does not fit together.
//!
//! Without a profile nothing is expected: it is told what there is, and judged only what contradicts itself.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::capture::FrameRef;
use crate::correlate::media::{DscpChange, MediaIndex, MediaStream};
use crate::correlate::{Analysis, CallIdx, Flow, MsgIdx, Owner, QosProfile, SipMark, Traffic};
use crate::show;
use crate::show::media::mark_words;

/// Messages of a call whose flows are looked at, and pairs of machines told of it.
const LOOK: usize = 5_000;
const PAIRS: usize = 16;

/// A value with how many packets or messages had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkUse {
    pub dscp: u8,
    pub count: u64,
    /// The first frame with it.
    pub frame: FrameRef,
}

/// Who says which mark is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The profile that the user chose.
    Chosen { dscp: u8, profile: String },
    /// The user agents of the call: what they mark with where their policy is on.
    ByAgents { dscp: u8, profile: String },
}

impl Expected {
    pub fn dscp(&self) -> u8 {
        match self {
            Self::Chosen { dscp, .. } | Self::ByAgents { dscp, .. } => *dscp,
        }
    }

    /// `46 EF (lync)`, `40 CS5 (communicator, by the user agents)`.
    pub fn words(&self) -> String {
        match self {
            Self::Chosen { dscp, profile } => format!("{} ({profile})", mark_words(*dscp)),
            Self::ByAgents { dscp, profile } => {
                format!("{} ({profile}, by the user agents)", mark_words(*dscp))
            }
        }
    }
}

/// A mark that is another one behind some machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub from: u8,
    pub to: u8,
    /// `between 10.0.0.1 and 10.0.0.2`, `where 10.0.0.1 → 10.0.0.2 was captured again`.
    pub place: String,
}

/// A kind of traffic between two parties, or of SIP between two machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    pub traffic: Traffic,
    /// From the first to the second and back: `Alice`, `Bob`.
    pub ends: [String; 2],
    /// Each way the values as they were sent, as far as the capture was taken near the sender; most used first.
    pub ways: [Vec<MarkUse>; 2],
    pub expected: Option<Expected>,
    pub changes: Vec<Remark>,
    pub verdicts: Vec<Verdict>,
}

/// What is to be said of the marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub words: String,
    /// It contradicts itself or what was asked for.
    pub bad: bool,
}

impl Verdict {
    fn good(words: impl Into<String>) -> Self {
        Self { words: words.into(), bad: false }
    }

    fn bad(words: impl Into<String>) -> Self {
        Self { words: words.into(), bad: true }
    }
}

/// What is to be said of the marks of one stream, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamVerdict {
    /// They are others at another point of its way.
    Changed,
    /// Its packets have several.
    Several,
    AsExpected,
    /// Another than the user's profile has.
    NotAsExpected,
    /// Nobody says what is right, or only the user agents do, whose policy may be off.
    Marked,
    Unmarked,
}

impl StreamVerdict {
    pub fn of(analysis: &Analysis, s: &MediaStream) -> Option<Self> {
        let uses = uses(analysis, std::iter::once(s));
        let sent = uses.first()?.dscp;
        let expected = expected_of(analysis, s);
        Some(match &expected {
            _ if !s.mark_changes.is_empty() => Self::Changed,
            _ if uses.len() > 1 => Self::Several,
            Some(expected) if expected.dscp() == sent => Self::AsExpected,
            Some(Expected::Chosen { .. }) => Self::NotAsExpected,
            _ if sent == 0 => Self::Unmarked,
            _ => Self::Marked,
        })
    }

    /// As the JSON knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Several => "several",
            Self::AsExpected => "as_expected",
            Self::NotAsExpected => "not_as_expected",
            Self::Marked => "marked",
            Self::Unmarked => "unmarked",
        }
    }

    /// It contradicts itself or what was asked for.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Changed | Self::NotAsExpected)
    }
}

/// What kind of traffic a stream is, by its media section, else by its codec.
pub fn traffic_of(s: &MediaStream) -> Option<Traffic> {
    // Devices mark a fax as the audio whose place it takes; no profile speaks of it.
    if s.is_fax() {
        return None;
    }
    let codec = s.codec.as_ref();
    match s.section.as_ref().map(|section| section.kind.as_str()) {
        Some("audio") => return Some(Traffic::Audio),
        Some("video") => return Some(Traffic::Video),
        Some("application" | "applicationsharing" | "data") => return Some(Traffic::Sharing),
        Some(_) => return None,
        None => {}
    }
    let codec = codec?;
    Some(match codec.clock {
        _ if codec.name.eq_ignore_ascii_case("x-data") => Traffic::Sharing,
        90_000 => Traffic::Video,
        _ => Traffic::Audio,
    })
}

/// The mark that a stream is expected to have.
pub fn expected_of(analysis: &Analysis, s: &MediaStream) -> Option<Expected> {
    let profile = match s.call {
        Some(call) => profile_of(analysis, call),
        None => chosen(analysis),
    };
    expected(profile.as_ref(), traffic_of(s)?)
}

/// The marks of all media of a call and of its SIP, media first: for one call that somebody looks at. It walks over all SIP
/// messages ([`Analysis::sip_marks`]), so a rule over all calls must not ask it of each.
pub fn of_call(analysis: &Analysis, index: &MediaIndex, call: CallIdx) -> Vec<Marked> {
    let c = analysis.call(call);
    let raw = |s| analysis.strings.bytes(s);
    let ends = [
        show::party_short(raw(c.from_display), raw(c.from_uri)),
        show::party_short(raw(c.to_display), raw(c.to_uri)),
    ];
    let profile = profile_of(analysis, call);
    let mut out = Vec::new();
    for traffic in [Traffic::Audio, Traffic::Video, Traffic::Sharing] {
        let of_kind = || index.of_call(call).filter(|(_, s)| traffic_of(s) == Some(traffic));
        let way = |from_caller| {
            let streams =
                of_kind().filter(|(at, s)| s.from_caller == Some(from_caller) && is_first_hop(*at, s));
            uses(analysis, streams.map(|(_, s)| s))
        };
        let ways = [way(true), way(false)];
        if ways.iter().all(Vec::is_empty) {
            continue;
        }
        let mut changes: Vec<Remark> = Vec::new();
        for change in of_kind().flat_map(|(_, s)| &s.mark_changes) {
            let told = remark(analysis, index, change);
            if !changes.contains(&told) {
                changes.push(told);
            }
        }
        let expected = expected(profile.as_ref(), traffic);
        out.push(Marked { traffic, ends: ends.clone(), ways, expected, changes, verdicts: Vec::new() });
    }
    let media = out.len();
    out.extend(sip_of(analysis, call, profile.as_ref()));
    let marked: Vec<String> = out.iter().filter_map(marked_words).collect();
    for (at, kind) in out.iter_mut().enumerate() {
        // What is sent beside it shows that marks are set here at all.
        let elsewhere = (at < media).then(|| marked.first().cloned()).flatten();
        kind.verdicts = judge(kind, elsewhere);
    }
    out
}

/// The marks of a stream that is of no call, with the stream that comes back.
pub fn of_stream(analysis: &Analysis, index: &MediaIndex, row: u32) -> Option<Marked> {
    let s = index.stream(row)?;
    let flow = analysis.flow(s.flow);
    let name = |a| show::machine(analysis, a).unwrap_or_else(|| a.ip().to_string());
    let back = s.back.and_then(|at| index.streams.get(at));
    let traffic = traffic_of(s).unwrap_or(Traffic::Audio);
    let expected = traffic_of(s).and_then(|t| expected(chosen(analysis).as_ref(), t));
    let changes = s.mark_changes.iter().map(|c| remark(analysis, index, c)).collect();
    let mut kind = Marked {
        traffic,
        ends: [name(flow.src), name(flow.dst)],
        ways: [uses(analysis, std::iter::once(s)), uses(analysis, back.into_iter())],
        expected,
        changes,
        verdicts: Vec::new(),
    };
    kind.verdicts = judge(&kind, None);
    Some(kind)
}

/// Of a stream captured along its way the point nearest to its sender tells what was sent.
fn is_first_hop(at: u32, s: &MediaStream) -> bool {
    s.hops.first().is_none_or(|first| *first == at as usize)
}

fn uses<'a>(analysis: &Analysis, streams: impl Iterator<Item = &'a MediaStream>) -> Vec<MarkUse> {
    let mut out: Vec<MarkUse> = Vec::new();
    for figures in streams.filter_map(|s| analysis.figures_of(s)) {
        for m in figures.marks().filter(|m| m.packets > 0) {
            add(&mut out, MarkUse { dscp: m.dscp, count: u64::from(m.packets), frame: m.frame });
        }
    }
    out.sort_by_key(|m| (std::cmp::Reverse(m.count), m.dscp));
    out
}

fn add(out: &mut Vec<MarkUse>, new: MarkUse) {
    match out.iter_mut().find(|m| m.dscp == new.dscp) {
        Some(known) => {
            known.count += new.count;
            known.frame = known.frame.min(new.frame);
        }
        None => out.push(new),
    }
}

fn remark(analysis: &Analysis, index: &MediaIndex, change: &DscpChange) -> Remark {
    let place = mark_change_place(analysis, &index.streams, change);
    Remark { from: change.from, to: change.to, place }
}

/// `between 10.0.0.1:4000 → … and …`, `where … was captured again`.
pub(super) fn mark_change_place(analysis: &Analysis, streams: &[MediaStream], change: &DscpChange) -> String {
    let ends = |at: usize| streams.get(at).map(|s| analysis.flow(s.flow));
    let name = |a| show::machine(analysis, a).unwrap_or_else(|| a.to_string());
    let way = |at| ends(at).map_or_else(String::new, |f| format!("{} → {}", name(f.src), name(f.dst)));
    if change.before == change.after {
        format!("where {} was captured again", way(change.before))
    } else {
        format!("between {} and {}", way(change.before), way(change.after))
    }
}

/// The profile that was chosen, else that of the call's clients; whether it was chosen.
fn profile_of(analysis: &Analysis, call: CallIdx) -> Option<(QosProfile, bool)> {
    chosen(analysis).or_else(|| {
        let c = analysis.call(call);
        let of = |agent| QosProfile::of_agent(&String::from_utf8_lossy(analysis.strings.bytes(agent)));
        match (of(c.caller_agent), of(c.callee_agent)) {
            // Clients of two kinds mark as each does.
            (Some(a), Some(b)) => (a == b).then_some((a, false)),
            (a, b) => a.or(b).map(|p| (p, false)),
        }
    })
}

fn chosen(analysis: &Analysis) -> Option<(QosProfile, bool)> {
    analysis.qos.clone().map(|p| (p, true))
}

fn expected(profile: Option<&(QosProfile, bool)>, traffic: Traffic) -> Option<Expected> {
    let (profile, chosen) = profile?;
    let (dscp, name) = (profile.expected(traffic)?, profile.name.clone());
    Some(match chosen {
        true => Expected::Chosen { dscp, profile: name },
        false => Expected::ByAgents { dscp, profile: name },
    })
}

/// SIP between each two machines of a call.
fn sip_of(analysis: &Analysis, call: CallIdx, profile: Option<&(QosProfile, bool)>) -> Vec<Marked> {
    let mut pairs: Vec<[IpAddr; 2]> = Vec::new();
    let mut seen: HashSet<[IpAddr; 2]> = HashSet::new();
    let messages: Vec<MsgIdx> =
        analysis.messages_of(analysis.list_of(Owner::Call(call))).take(LOOK).collect();
    for m in messages {
        let flow = analysis.flow(analysis.message(m).flow);
        let (src, dst) = (flow.src.ip(), flow.dst.ip());
        if src != dst && pairs.len() < PAIRS && seen.insert([src.min(dst), src.max(dst)]) {
            pairs.push([src, dst]);
        }
    }
    let asked = |f: &Flow| seen.contains(&[f.src.ip().min(f.dst.ip()), f.src.ip().max(f.dst.ip())]);
    let marks = analysis.sip_marks(asked);
    let between = |m: &SipMark, src: IpAddr, dst: IpAddr| m.flow.src.ip() == src && m.flow.dst.ip() == dst;
    let kinds = pairs.into_iter().map(|[a, b]| {
        let way = |src, dst| {
            let mut out = Vec::new();
            for m in marks.iter().filter(|m| between(m, src, dst)) {
                add(&mut out, MarkUse { dscp: m.dscp, count: m.messages, frame: m.frame });
            }
            out.sort_by_key(|m| (std::cmp::Reverse(m.count), m.dscp));
            out
        };
        let name = |ip: IpAddr| analysis.host_name(ip).map_or_else(|| ip.to_string(), show::safe_str);
        Marked {
            traffic: Traffic::Sip,
            ends: [name(a), name(b)],
            ways: [way(a, b), way(b, a)],
            expected: expected(profile, Traffic::Sip),
            changes: Vec::new(),
            verdicts: Vec::new(),
        }
    });
    kinds.filter(|k| k.ways.iter().any(|w| !w.is_empty())).collect()
}

/// `video 34 AF41`, of what is marked.
fn marked_words(kind: &Marked) -> Option<String> {
    let first = kind.ways.iter().flatten().find(|m| m.dscp != 0)?;
    Some(format!("{} {}", kind.title(), mark_words(first.dscp)))
}

fn judge(kind: &Marked, elsewhere: Option<String>) -> Vec<Verdict> {
    let mut out = Vec::new();
    let [there, back] = kind.ways.each_ref().map(|w| w.first().map(|m| m.dscp));
    let [a, b] = &kind.ends;
    for (way, from, to) in [(&kind.ways[0], a, b), (&kind.ways[1], b, a)] {
        if way.len() > 1 {
            let all: Vec<String> = way.iter().map(|m| format!("{} × {}", m.dscp, m.count)).collect();
            out.push(Verdict::good(format!("{from} → {to} has several: {}", all.join(", "))));
        }
    }
    match (there, back) {
        (Some(0), Some(0)) | (Some(0), None) | (None, Some(0)) => {
            let both = if there.is_some() && back.is_some() { "unmarked both ways" } else { "unmarked" };
            out.push(match elsewhere {
                Some(other) => Verdict::bad(format!("{both}, though {other} is marked")),
                None => Verdict::good(both),
            });
        }
        (Some(0), Some(other)) => out.push(one_side(b, a, other)),
        (Some(other), Some(0)) => out.push(one_side(a, b, other)),
        (Some(x), Some(y)) if x != y => {
            out.push(Verdict::good(format!("{} from {a}, {} from {b}", mark_words(x), mark_words(y))));
        }
        _ => {}
    }
    for change in &kind.changes {
        let Remark { from, to, place } = change;
        out.push(Verdict::bad(format!("re-marked {from}→{to} {place}")));
    }
    if let Some(expected) = &kind.expected {
        out.push(against(expected, [(there, a), (back, b)]));
    } else if let (Some(x), true) = (there.or(back), there == back || there.is_none() || back.is_none())
        && x != 0
        && out.is_empty()
    {
        out.push(Verdict::good(format!(
            "{} {}",
            mark_words(x),
            if there == back { "both ways" } else { "one way, the other was not captured" }
        )));
    }
    out
}

/// One side marks what it sends, and what comes from the other arrives without.
fn one_side(marks: &str, other: &str, dscp: u8) -> Verdict {
    Verdict::bad(format!(
        "one side only: {} from {marks}, none from {other} as captured here",
        mark_words(dscp)
    ))
}

fn against(expected: &Expected, ways: [(Option<u8>, &String); 2]) -> Verdict {
    let wrong: Vec<String> = ways
        .iter()
        .filter_map(|(dscp, from)| dscp.filter(|d| *d != expected.dscp()).map(|d| format!("{d} from {from}")))
        .collect();
    match (expected, wrong.is_empty()) {
        (_, true) => Verdict::good(format!("as expected: {}", expected.words())),
        (Expected::Chosen { .. }, false) => {
            Verdict::bad(format!("{} instead of {}", wrong.join(", "), expected.words()))
        }
        // Whether the policy was ever turned on nobody knows.
        (Expected::ByAgents { dscp, profile }, false) => {
            let unmarked = ways.iter().all(|(dscp, _)| dscp.is_none_or(|d| d == 0));
            let what = if unmarked { String::new() } else { format!("{}; ", wrong.join(", ")) };
            let mark = mark_words(*dscp);
            Verdict::good(format!(
                "{what}where their policy is on these clients mark {mark} ({profile}, by the user agents)"
            ))
        }
    }
}

impl Marked {
    /// `audio`, `SIP`.
    pub fn title(&self) -> &'static str {
        match self.traffic {
            Traffic::Sip => "SIP",
            other => other.name(),
        }
    }

    /// `46 EF`, `46 EF × 120, 0 × 3`, empty where nothing came.
    pub fn way_words(&self, at: usize) -> String {
        match self.ways.get(at).map(Vec::as_slice) {
            Some([one]) => mark_words(one.dscp),
            Some(several) => {
                let all: Vec<String> = several
                    .iter()
                    .map(|m| format!("{} × {}", mark_words(m.dscp), show::number(m.count)))
                    .collect();
                all.join(", ")
            }
            None => String::new(),
        }
    }

    pub fn is_bad(&self) -> bool {
        self.verdicts.iter().any(|v| v.bad)
    }

    /// All verdicts in a line.
    pub fn words(&self) -> String {
        self.verdicts.iter().map(|v| v.words.as_str()).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests;
