//! The ICE sessions of an analysis, each worked out once for all rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

use super::fault;
use crate::capture::Nanos;
use crate::correlate::ice::{CandidateKind, IceCandidate, IcePair, IceSession, IceSide, IceState};
use crate::correlate::parts::in_parts;
use crate::correlate::stun::{Allocation, AllocationIdx, AllocationState, GroupIdx};
use crate::correlate::{Analysis, CallIdx, CandidateSyntax};
use crate::show::path::{machines, parties, telling_pair};
use crate::show::relay;

/// How sessions ended, as far as they were worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IceTally {
    pub states: BTreeMap<IceState, u64>,
    /// The same of each, by its number, in order.
    pub of_each: Vec<(u32, IceState)>,
    /// Calls with a session that failed.
    pub lost: BTreeSet<CallIdx>,
    /// Calls that offer candidates.
    pub calls: u64,
    /// Sessions of no call.
    pub loose: u64,
    /// There are more than were worked out.
    pub partly: bool,
}

impl IceTally {
    /// How a session ended; none for one that was not worked out.
    pub fn state_of(&self, id: u32) -> Option<IceState> {
        let at = self.of_each.binary_search_by_key(&id, |(of, _)| *of).ok()?;
        self.of_each.get(at).map(|(_, state)| *state)
    }
}

/// Somebody who takes part in a session, as an address of it leads to.
#[derive(Debug, Clone)]
pub struct Whose {
    pub name: String,
    /// Number and call of the session, where that failed.
    pub lacked: Option<(u32, Option<CallIdx>)>,
}

/// What the rules ask of sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    pub tally: IceTally,
    /// Those that a rule may have something to say of, with their numbers.
    pub suspects: Vec<(u32, IceSession)>,
    /// Machines whose sessions connected, and those that have one that failed.
    connected: BTreeSet<IpAddr>,
    failed: BTreeSet<IpAddr>,
    /// Whose the clients of allocations that failed are, and who is at their machines.
    clients: HashMap<SocketAddr, Whose>,
    users: HashMap<IpAddr, Whose>,
}

impl Sessions {
    /// At most `most` calls, and as many sessions of no call, are worked out.
    pub fn new(analysis: &Analysis, most: usize) -> Self {
        let mut out = Self::default();
        if analysis.calls.is_empty() && analysis.stun.records.is_empty() {
            return out;
        }
        let index = analysis.ice_index();
        out.tally.calls = index.calls.len() as u64;
        out.tally.loose = index.loose.len() as u64;
        out.tally.partly = index.calls.len() > most || index.loose.len() > most;
        let failed = analysis.stun.allocations.iter().filter(|a| relay::failed(analysis, a));
        let wanted: (BTreeSet<SocketAddr>, BTreeSet<IpAddr>) =
            failed.map(|a| (a.client, a.client.ip())).unzip();
        let calls = index.calls.get(..most).unwrap_or(&index.calls);
        let of_calls = in_parts(calls, |part| {
            let sessions = |&(call, first): &(CallIdx, u32)| (first..).zip(analysis.ice_sessions_of(call));
            part.iter()
                .flat_map(sessions)
                .map(|(id, s)| Told::of(analysis, id, s, !wanted.0.is_empty()))
                .collect()
        });
        of_calls.into_iter().for_each(|told| out.take(told, &wanted, most));
        let loose: Vec<(u32, GroupIdx)> =
            (index.first_loose..).zip(index.loose.iter().copied()).take(most).collect();
        let of_groups = in_parts(&loose, |part| {
            let session = |&(id, group): &(u32, GroupIdx)| (id, analysis.loose_ice_session(group));
            part.iter().map(session).map(|(id, s)| Told::of(analysis, id, s, !wanted.0.is_empty())).collect()
        });
        of_groups.into_iter().for_each(|told| out.take(told, &wanted, most));
        out
    }

    fn take(&mut self, told: Told, (clients, users): &(BTreeSet<SocketAddr>, BTreeSet<IpAddr>), most: usize) {
        let Told { id, state, call, machines, sides, suspect } = told;
        *self.tally.states.entry(state).or_default() += 1;
        self.tally.of_each.push((id, state));
        match state {
            IceState::Connected => self.connected.extend(machines),
            IceState::Failed => {
                self.failed.extend(machines);
                self.tally.lost.extend(call);
            }
            IceState::Incomplete | IceState::NotStarted => {}
        }
        let lacked = (state == IceState::Failed).then_some((id, call));
        for (name, addresses) in sides {
            let whose = Whose { name, lacked };
            // The call that lacked it tells more than another one.
            let put = |known: Option<&Whose>| known.is_none_or(|k| k.lacked.is_none() && lacked.is_some());
            for address in addresses {
                if clients.contains(&address) && put(self.clients.get(&address)) {
                    self.clients.insert(address, whose.clone());
                }
                if users.contains(&address.ip()) && put(self.users.get(&address.ip())) {
                    self.users.insert(address.ip(), whose.clone());
                }
            }
        }
        if self.suspects.len() < most {
            self.suspects.extend(suspect.map(|s| (id, *s)));
        }
    }

    /// Whose an allocation that failed is.
    pub fn whose(&self, client: SocketAddr) -> Option<&Whose> {
        self.clients.get(&client).or_else(|| self.users.get(&client.ip()))
    }

    /// Whether a session that offers this very address found no path; none where no session does.
    pub fn lacked(&self, client: SocketAddr) -> Option<bool> {
        self.clients.get(&client).map(|whose| whose.lacked.is_some())
    }

    /// Whether all went well for a machine, whatever its other attempts came to.
    pub fn is_well(&self, ip: IpAddr) -> bool {
        !self.failed.contains(&ip) && (self.tally.partly || self.connected.contains(&ip))
    }

    /// Whether one of its sessions found no path.
    pub fn lacks(&self, ip: IpAddr) -> bool {
        self.failed.contains(&ip)
    }
}

/// What is to be kept of a session: most are large, and nobody asks for them again.
struct Told {
    id: u32,
    state: IceState,
    call: Option<CallIdx>,
    /// Those of a session that connected or failed.
    machines: BTreeSet<IpAddr>,
    /// Who the sides are and their addresses, where somebody asks whose an address is.
    sides: Vec<(String, BTreeSet<SocketAddr>)>,
    suspect: Option<Box<IceSession>>,
}

impl Told {
    fn of(analysis: &Analysis, id: u32, s: IceSession, with_sides: bool) -> Self {
        let ended = matches!(s.state, IceState::Connected | IceState::Failed);
        let addresses = || [of_side(&s, &s.a, |p| p.a), of_side(&s, &s.b, |p| p.b)];
        let named = || parties(analysis, &s).into_iter().zip(addresses()).collect();
        Self {
            id,
            state: s.state,
            call: s.call,
            machines: if ended { machines(analysis, &s) } else { BTreeSet::new() },
            sides: if with_sides { named() } else { Vec::new() },
            suspect: is_suspect(analysis, &s).then(|| Box::new(s)),
        }
    }
}

/// The addresses of a side that are its own.
fn of_side(s: &IceSession, side: &IceSide, pairs: fn(&IcePair) -> SocketAddr) -> BTreeSet<SocketAddr> {
    let own = side.candidates.iter().filter(|c| c.kind != Some(CandidateKind::Relay));
    let offered = own.flat_map(|c| [c.address, c.related]).flatten();
    offered.chain(s.pairs.iter().map(pairs)).collect()
}

/// The older of two generations was agreed on.
pub fn is_downgrade(s: &IceSession) -> bool {
    s.generation == CandidateSyntax::V06 && s.other_generation == Some(CandidateSyntax::V19)
}

/// A call that lasted so long lacked its media.
const FELT: Nanos = 4_000_000_000;

/// No two candidates make a pair, of an answered call that would have needed one.
pub fn has_nothing_in_common(analysis: &Analysis, s: &IceSession) -> bool {
    let Some(call) = s.call.map(|c| &analysis.call(c).summary) else { return false };
    let until = call.end.unwrap_or(analysis.newest_time());
    s.state == IceState::NotStarted
        && is_without_pairs(s)
        && !call.starts_mid_call
        && call.answered.is_some_and(|t| until.saturating_sub(t) >= FELT)
}

/// Both sides have candidates, all of them known, and none of one side goes with one of the other.
pub fn is_without_pairs(s: &IceSession) -> bool {
    let known = |side: &IceSide| {
        side.not_kept == 0
            && !side.candidates.is_empty()
            && side.candidates.iter().all(|c| c.address.is_some())
    };
    s.pairs.is_empty() && s.pairs_not_kept == 0 && known(&s.a) && known(&s.b)
}

fn is_suspect(analysis: &Analysis, s: &IceSession) -> bool {
    if is_downgrade(s) {
        return true;
    }
    match s.state {
        IceState::Failed => true,
        IceState::Incomplete => s.final_unknown || fault(analysis, s).is_some(),
        IceState::NotStarted => has_nothing_in_common(analysis, s),
        IceState::Connected => {
            let chosen = telling_pair(s);
            let relayed = |p: &IcePair| {
                p.a_kind(s) == Some(CandidateKind::Relay) || p.b_kind(s) == Some(CandidateKind::Relay)
            };
            let others = || s.pairs.iter().filter(|p| p.selected.is_none());
            s.final_unknown
                || others().any(|p| p.media_packets > 0)
                || chosen.is_some_and(relayed) && others().any(|p| p.first_success.is_some() && !relayed(p))
        }
    }
}

/// Allocations of a side that came to nothing, by its addresses and the time of its SDP (or first check). Those of this
/// component's own ports first, else any of the same machine.
pub fn failed_allocations<'a>(
    analysis: &'a Analysis,
    s: &IceSession,
    is_a: bool,
    component: u16,
) -> Vec<(AllocationIdx, &'a Allocation)> {
    const BEFORE: Nanos = 120_000_000_000;
    const AFTER: Nanos = 10_000_000_000;
    let side = if is_a { &s.a } else { &s.b };
    let now = analysis.newest_time();
    // Gathering goes before the SDP, except with trickling.
    let told = side.message.map(|m| analysis.message(m).time).or(s.first_check);
    let Some(told) = told else { return Vec::new() };
    let to = s.answered.unwrap_or(told).max(told).saturating_add(AFTER);
    let times = told.saturating_sub(BEFORE)..=to;
    let failed: Vec<_> = (0u32..)
        .map(AllocationIdx)
        .zip(&analysis.stun.allocations)
        .filter(|(_, a)| times.contains(&a.first))
        .filter(|(_, a)| matches!(a.state(now), AllocationState::Rejected | AllocationState::Unanswered))
        .collect();
    let own = |c: &&IceCandidate| c.component == component && c.kind != Some(CandidateKind::Relay);
    let offered = side.candidates.iter().filter(own).flat_map(|c| [c.address, c.related]).flatten();
    // Without SDP where its checks come from.
    let sends = |p: &&IcePair| {
        s.call.is_none() && p.component == component && (if is_a { p.from_a.0 } else { p.from_b.0 }) > 0
    };
    let seen = s.pairs.iter().filter(sends).map(|p| if is_a { p.a } else { p.b });
    let addresses: Vec<SocketAddr> = offered.chain(seen).collect();
    let exact: Vec<_> = failed.iter().filter(|(_, a)| addresses.contains(&a.client)).copied().collect();
    if !exact.is_empty() {
        return exact;
    }
    let machine = |a: &Allocation| addresses.iter().any(|x| x.ip() == a.client.ip());
    failed.into_iter().filter(|(_, a)| machine(a)).collect()
}
