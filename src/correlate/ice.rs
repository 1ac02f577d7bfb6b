//! ICE sessions: the candidates that SDP offered, the checks seen on the wire, and the pair that carried the media.
//!
//! Sessions are worked out when they are asked for, of one call at a time, from its messages and the groups of checks
//! that go by the names (ufrags, or the candidate ids of [MS-ICE]) in its SDP. What has checks but no SDP in the
//! capture is a session of its own.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use callscope_parsers::sdp::CandidateSyntax;
use callscope_parsers::stun::Dialect;

use super::Analysis;
use super::breakage::Unreachable;
use super::model::*;
use super::parts::in_parts;
use super::stun::{GroupIdx, StunIdx};
use crate::capture::Nanos;

mod candidates;
mod pairs;

pub(super) use candidates::for_each_name;
pub use candidates::{IceCandidate, Offered, Source, Sources};

/// Candidate types (RFC 8445 §5.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CandidateKind {
    Host,
    Srflx,
    Prflx,
    Relay,
}

impl CandidateKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Srflx => "srflx",
            Self::Prflx => "prflx",
            Self::Relay => "relay",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IceDialect {
    Rfc,
    MsIce2,
    MsIce,
    Unknown,
}

impl IceDialect {
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc => "rfc",
            Self::MsIce2 => "ms-ice2",
            Self::MsIce => "ms-ice",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IceRole {
    Controlling,
    Controlled,
}

impl IceRole {
    pub fn name(self) -> &'static str {
        match self {
            Self::Controlling => "controlling",
            Self::Controlled => "controlled",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PairState {
    Succeeded,
    Failed,
    Unanswered,
    NotChecked,
}

impl PairState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
            Self::NotChecked => "not_checked",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IceState {
    Connected,
    Failed,
    /// Checks were seen, and neither a success that counts nor an end of trying.
    Incomplete,
    /// No check was seen.
    NotStarted,
}

impl IceState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::NotStarted => "not_started",
        }
    }
}

/// How it is known which pair was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChosenBy {
    Nomination,
    FinalOffer,
    Media,
}

impl ChosenBy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Nomination => "nomination",
            Self::FinalOffer => "final_offer",
            Self::Media => "media",
        }
    }
}

/// One party.
#[derive(Debug, Clone, Default)]
pub struct IceSide {
    /// Its address of record, where SDP was seen.
    pub party: Option<Str>,
    pub ufrag: Option<String>,
    pub candidates: Vec<IceCandidate>,
    /// The message whose SDP is this side's.
    pub message: Option<MsgIdx>,
    pub lite: bool,
    /// Candidate lines beyond the limit.
    pub not_kept: usize,
}

/// Times between request and answer, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTrip {
    pub min: Nanos,
    pub max: Nanos,
    pub sum: Nanos,
    pub count: u32,
}

/// A pair of addresses, checked or to be checked.
#[derive(Debug, Clone)]
pub struct IcePair {
    pub component: u16,
    pub a: SocketAddr,
    pub b: SocketAddr,
    /// The candidate of that address, an index into the side's list.
    pub a_candidate: Option<usize>,
    pub b_candidate: Option<usize>,
    pub transport: Transport,
    pub priority: Option<u64>,
    pub state: PairState,
    pub requests: u32,
    pub responses: u32,
    /// By code.
    pub errors: Vec<(u16, u32)>,
    pub rtt: Option<RoundTrip>,
    /// Requests by side A, and answers to them.
    pub from_a: (u32, u32),
    pub from_b: (u32, u32),
    pub nominated: bool,
    pub selected: Option<ChosenBy>,
    pub media_packets: u64,
    pub first_media: Option<Nanos>,
    pub first_request: Option<Nanos>,
    pub first_success: Option<Nanos>,
    pub messages: Vec<StunIdx>,
    /// ICMP errors about its checks.
    pub unreachable: Option<Unreachable>,
}

#[derive(Debug, Clone)]
pub struct IceSession {
    pub call: Option<CallIdx>,
    /// Number of the media section, and what it is.
    pub section: usize,
    pub media: Option<String>,
    pub dialect: IceDialect,
    pub generation: CandidateSyntax,
    pub role_a: Option<IceRole>,
    /// 487 answers.
    pub role_conflicts: u32,
    pub a: IceSide,
    pub b: IceSide,
    pub pairs: Vec<IcePair>,
    /// Pairs beyond the limit.
    pub pairs_not_kept: usize,
    pub state: IceState,
    /// When the offer was answered.
    pub answered: Option<Nanos>,
    pub first_check: Option<Nanos>,
    pub first_success: Option<Nanos>,
    pub first_media: Option<Nanos>,
    /// The offer (or answer) that named the chosen pair, and the addresses it named.
    pub final_offer: Option<MsgIdx>,
    pub final_pairs: Vec<(u16, SocketAddr, SocketAddr)>,
    /// The final offer names a candidate that was neither offered before nor met in checks.
    pub final_unknown: bool,
    /// Status that refused it: the pair it names was not taken.
    pub final_refused: Option<u16>,
    /// The offer had another generation too, which the answer did not take.
    pub other_generation: Option<CandidateSyntax>,
    pub checks: usize,
}

impl IceSession {
    /// From the answer (without SDP: the first check) to the first check that succeeded.
    pub fn connect(&self) -> Option<Nanos> {
        let start = self.answered.or(self.first_check)?;
        Some(self.first_success?.saturating_sub(start).max(0))
    }

    /// Of both sides.
    pub fn candidates(&self) -> impl Iterator<Item = &IceCandidate> {
        self.a.candidates.iter().chain(&self.b.candidates)
    }

    pub fn selected(&self) -> impl Iterator<Item = &IcePair> {
        self.pairs.iter().filter(|p| p.selected.is_some())
    }
}

/// Numbers of the ICE sessions: those of calls in order, then those without SDP.
#[derive(Debug, Clone, Default)]
pub struct IceIndex {
    /// Calls with ICE and the number of the first session of each.
    pub calls: Vec<(CallIdx, u32)>,
    /// Groups of checks, one of each session without SDP.
    pub loose: Vec<GroupIdx>,
    /// Number of the first of those.
    pub first_loose: u32,
}

impl IceIndex {
    /// Numbers of the sessions of a call.
    pub fn of_call(&self, call: CallIdx) -> std::ops::Range<u32> {
        let Ok(at) = self.calls.binary_search_by_key(&call, |(c, _)| *c) else { return 0..0 };
        let end = self.calls.get(at + 1).map_or(self.first_loose, |(_, first)| *first);
        self.calls[at].1..end
    }

    pub fn len(&self) -> usize {
        self.first_loose.saturating_sub(1) as usize + self.loose.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Candidates are gathered at most so long before the call that offers them.
const GATHERED_BEFORE: Nanos = 300_000_000_000;

type Seen = HashSet<GroupIdx, foldhash::fast::RandomState>;

/// Groups of checks of one session.
#[derive(Default)]
struct Component {
    /// In order.
    groups: Vec<GroupIdx>,
    /// Hashes of the names of either side.
    names: [Vec<u64>; 2],
    /// The call whose SDP has one of them.
    call: Option<CallIdx>,
}

/// A session before its checks are joined to it.
struct Draft {
    session: IceSession,
    /// Hashes of the names of either side.
    names: [Vec<u64>; 2],
    /// Addresses that the final offer names as the peer's, and that the peer did not offer.
    not_offered: Vec<SocketAddr>,
}

impl Analysis {
    /// Whether a call's SDP speaks of ICE.
    pub fn has_ice(&self, call: CallIdx) -> bool {
        self.call_work.get(call.0 as usize).is_some_and(|w| w.ice_names > 0)
    }

    /// The ICE sessions of a call, in order of its offers and media sections.
    pub fn ice_sessions_of(&self, call: CallIdx) -> Vec<IceSession> {
        if !self.has_ice(call) {
            return Vec::new();
        }
        let drafts = self.drafts(call);
        // Only of several it is asked whose checks are whose.
        let several = drafts.len() > 1;
        let asked = || drafts.iter().filter(|_| several);
        let shared: Vec<[Vec<u64>; 2]> = asked().map(|d| d.names.clone()).collect();
        let sides: Vec<Vec<SocketAddr>> =
            asked().map(|d| d.session.candidates().filter_map(|c| c.address).collect()).collect();
        let end = self.call(call).summary.end.unwrap_or(Nanos::MAX).min(self.newest_time());
        let mut out = Vec::with_capacity(drafts.len());
        for (i, draft) in drafts.into_iter().enumerate() {
            // Sections of one bundle share their names: a check is of the first whose candidates it uses.
            let same: Vec<usize> = (0..shared.len()).filter(|j| shared[*j] == shared[i]).collect();
            let belongs = |ends: [SocketAddr; 2]| {
                let owner = same.iter().find(|j| ends.iter().any(|e| sides[**j].contains(e)));
                owner.or(same.first()).is_none_or(|first| *first == i)
            };
            let groups = self.groups_of(&draft.names);
            out.push(self.join_checks(draft, &groups, end, &belongs));
        }
        out
    }

    /// Numbers of all sessions. Where a call has one offer with candidates, one media section and two names it has one
    /// session; only others are worked out to be counted.
    pub fn ice_index(&self) -> IceIndex {
        let mut index = IceIndex::default();
        let mut next = 1;
        let calls = (0u32..).map(CallIdx).zip(&self.call_work);
        let with_ice: Vec<CallIdx> = calls.filter(|(_, w)| w.ice_names > 0).map(|(call, _)| call).collect();
        let count = |call: &CallIdx| {
            let of = self.call(*call);
            let simple = self.call_work.get(call.0 as usize).is_some_and(|w| {
                let up_to_date = w.summarised == of.messages.count;
                w.ice_names <= 2 && !w.ice_sections && up_to_date && of.summary.one_ice_offer
            });
            if simple { 1 } else { self.drafts(*call).len() as u32 }
        };
        let counts = in_parts(&with_ice, |part| part.iter().map(count).collect());
        for (call, count) in with_ice.into_iter().zip(counts) {
            index.calls.push((call, next));
            next += count;
        }
        index.first_loose = next;
        let mut seen = HashSet::default();
        for (group, checked) in (0..).map(GroupIdx).zip(&self.stun.groups.list) {
            // Nearly all are of a call by their own names.
            let is_calls = checked.names.iter().any(|name| self.stun.groups.call_of(*name).is_some());
            if !is_calls && !seen.contains(&group) && self.component(group, &mut seen).call.is_none() {
                index.loose.push(group);
            }
        }
        index
    }

    /// A session of which only checks were seen, by a group of [`IceIndex::loose`].
    pub fn loose_ice_session(&self, seed: GroupIdx) -> IceSession {
        let Component { groups, names, .. } = self.component(seed, &mut HashSet::default());
        let draft = Draft { session: IceSession::empty(None), names, not_offered: Vec::new() };
        self.join_checks(draft, &groups, self.newest_time(), &|_| true)
    }

    /// The calls of each allocation: whose SDP has its relayed address, or its client's own address as a candidate
    /// (of one that was refused nothing else is left), or that the client itself named.
    pub fn calls_by_allocation(&self) -> Vec<Vec<CallIdx>> {
        let mut out = vec![Vec::new(); self.stun.allocations.len()];
        let mut by_address: HashMap<SocketAddr, Vec<usize>> = HashMap::new();
        for (i, a) in self.stun.allocations.iter().enumerate() {
            for address in a.relayed.into_iter().chain([a.client]) {
                by_address.entry(address).or_default().push(i);
            }
            if a.call_id != Str(0)
                && let Some(Owner::Call(call)) = self.owners.get(super::owner::Key::CallId(a.call_id))
            {
                out[i].push(call);
            }
        }
        if by_address.is_empty() {
            return out;
        }
        for (call, work) in (0u32..).map(CallIdx).zip(&self.call_work) {
            if work.ice_names == 0 {
                continue;
            }
            let summary = &self.call(call).summary;
            let from = summary.earliest().saturating_sub(GATHERED_BEFORE);
            for session in self.drafts(call).iter().map(|d| &d.session) {
                for c in session.candidates() {
                    for &at in c.address.and_then(|a| by_address.get(&a)).into_iter().flatten() {
                        // An address given out again belongs to who has it at the time.
                        let a = &self.stun.allocations[at];
                        let fits = a.first <= summary.last && from <= a.last;
                        if fits && !out[at].contains(&call) {
                            out[at].push(call);
                        }
                    }
                }
            }
        }
        out
    }

    /// Numbers of the sessions that a group of checks belongs to: those of its call, or its own.
    pub fn ice_sessions_of_group(&self, index: &IceIndex, group: GroupIdx) -> std::ops::Range<u32> {
        let Component { groups, call, .. } = self.component(group, &mut HashSet::default());
        if let Some(call) = call {
            return index.of_call(call);
        }
        let at = index.loose.iter().position(|seed| groups.first() == Some(seed));
        let first = at.and_then(|i| u32::try_from(i).ok()).map(|i| index.first_loose + i);
        first.map_or(0..0, |first| first..first + 1)
    }

    /// The groups that hang together by their names ([MS-ICE] has one for each pair of candidates). They go into `seen`.
    fn component(&self, start: GroupIdx, seen: &mut Seen) -> Component {
        let groups = &self.stun.groups;
        let mut out = Component::default();
        let mut side: HashMap<u64, usize> = HashMap::new();
        let mut todo = vec![start];
        seen.insert(start);
        while let Some(at) = todo.pop() {
            let Some(group) = groups.list.get(at.0 as usize) else { continue };
            out.groups.push(at);
            let first = side.get(&group.names[0]).copied();
            let first = first.or(side.get(&group.names[1]).map(|s| 1 - s)).unwrap_or(0);
            // Only per-candidate names tie groups into one session; one ufrag with two peers is two sessions (a fork).
            let ties = self.is_ms_ice(at);
            for (name, s) in group.names.into_iter().zip([first, 1 - first]) {
                out.call = out.call.or(groups.call_of(name));
                if side.insert(name, s).is_none() {
                    out.names[s].push(name);
                    if ties {
                        todo.extend(groups.with_name(name).filter(|next| seen.insert(*next)));
                    }
                }
            }
        }
        out.groups.sort_unstable();
        out
    }

    fn is_ms_ice(&self, group: GroupIdx) -> bool {
        let first = self.stun.checks_of(group).next().and_then(|i| self.stun.record(i));
        first.is_some_and(|r| matches!(r.dialect(), Dialect::MsIce | Dialect::Google | Dialect::Classic))
    }

    /// Groups of checks between these names.
    fn groups_of(&self, names: &[Vec<u64>; 2]) -> Vec<GroupIdx> {
        let groups = &self.stun.groups;
        let mut out: Vec<GroupIdx> = match (names[0].as_slice(), names[1].as_slice()) {
            ([a], [b]) => groups.between(*a, *b).into_iter().collect(),
            (a, b) => {
                let (from, other) = if a.is_empty() { (b, a) } else { (a, b) };
                let of = |n: &u64| groups.with_name(*n).collect::<Vec<_>>();
                let fits = |g: &GroupIdx| {
                    other.is_empty()
                        || groups
                            .list
                            .get(g.0 as usize)
                            .is_some_and(|g| g.names.iter().any(|n| other.contains(n)))
                };
                from.iter().flat_map(of).filter(fits).collect()
            }
        };
        out.sort_unstable();
        out.dedup();
        out
    }
}

impl IceSession {
    fn empty(call: Option<CallIdx>) -> Self {
        Self {
            call,
            section: 0,
            media: None,
            dialect: IceDialect::Unknown,
            generation: CandidateSyntax::None,
            role_a: None,
            role_conflicts: 0,
            a: IceSide::default(),
            b: IceSide::default(),
            pairs: Vec::new(),
            pairs_not_kept: 0,
            state: IceState::NotStarted,
            answered: None,
            first_check: None,
            first_success: None,
            first_media: None,
            final_offer: None,
            final_pairs: Vec::new(),
            final_unknown: false,
            final_refused: None,
            other_generation: None,
            checks: 0,
        }
    }
}
