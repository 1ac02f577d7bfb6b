//! The STUN and TURN traffic that belongs to a call: its ICE sessions, the allocations behind its relay candidates and
//! those tried for it, and the Bindings by which its clients learnt their addresses.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use crate::capture::Nanos;
use crate::correlate::ice::{CandidateKind, IceCandidate, IceSession};
use crate::correlate::stun::{Allocation, AllocationIdx, StunIdx, StunOwner};
use crate::correlate::{Analysis, CallIdx, FlowId, Str, Transport};

/// How long before its INVITE a client gathers candidates.
const BEFORE: Nanos = 60_000_000_000;
/// Allocations and Bindings of one call that are looked at.
const ALLOCATIONS: usize = 64;
const BINDINGS: usize = 512;

/// What belongs to a call.
#[derive(Debug, Clone, Default)]
pub struct CallTraffic {
    pub sessions: Vec<IceSession>,
    /// In order of time.
    pub allocations: Vec<AllocationIdx>,
    /// Allocations beyond those looked at.
    pub allocations_not_kept: usize,
    /// Bindings that are no checks, in order of arrival.
    pub bindings: Vec<StunIdx>,
}

impl CallTraffic {
    /// Messages of the checks, of all sessions.
    pub fn checks(&self) -> impl Iterator<Item = StunIdx> + '_ {
        self.sessions.iter().flat_map(|s| &s.pairs).flat_map(|p| p.messages.iter().copied())
    }

    fn candidates(&self) -> impl Iterator<Item = &IceCandidate> {
        self.sessions.iter().flat_map(IceSession::candidates)
    }
}

/// What belongs to a call; nothing where its SDP does not speak of ICE and no relay's client names it.
pub fn call_traffic(analysis: &Analysis, call: CallIdx) -> CallTraffic {
    let mut traffic = CallTraffic { sessions: analysis.ice_sessions_of(call), ..CallTraffic::default() };
    let call_id = analysis.call(call).call_id;
    let named = |a: &Allocation| a.call_id != Str(0) && a.call_id == call_id;
    if traffic.sessions.is_empty() && !analysis.stun.allocations.iter().any(named) {
        return traffic;
    }
    let mut allocations: Vec<AllocationIdx> = (0u32..)
        .zip(&analysis.stun.allocations)
        .filter(|(_, a)| named(a))
        .map(|(i, _)| AllocationIdx(i))
        .collect();
    allocations_of(analysis, call, &traffic, &mut allocations);
    allocations.sort_by_key(|a| (analysis.stun.allocations.get(a.0 as usize).map_or(0, |a| a.first), *a));
    allocations.dedup();
    traffic.allocations_not_kept = allocations.len().saturating_sub(ALLOCATIONS);
    allocations.truncate(ALLOCATIONS);
    traffic.allocations = allocations;
    traffic.bindings = bindings_of(analysis, call, &traffic);
    traffic
}

fn is_relay(c: &IceCandidate) -> bool {
    c.kind == Some(CandidateKind::Relay)
}

fn allocations_of(analysis: &Analysis, call: CallIdx, traffic: &CallTraffic, out: &mut Vec<AllocationIdx>) {
    let s = &analysis.call(call).summary;
    let from = s.earliest().saturating_sub(BEFORE);
    let offered: HashSet<SocketAddr> = traffic.candidates().filter_map(|c| c.address).collect();
    let mut ips: HashSet<IpAddr> =
        traffic.candidates().filter(|c| !is_relay(c)).filter_map(|c| c.address).map(|a| a.ip()).collect();
    let all = || (0u32..).zip(&analysis.stun.allocations);
    for (i, a) in all() {
        let behind = a.relayed.is_some_and(|r| offered.contains(&r));
        // An address given out again belongs to who has it at the time.
        if behind && a.first <= s.last && s.earliest() <= a.last.max(a.granted_at).saturating_add(BEFORE) {
            ips.insert(a.client.ip());
            out.push(AllocationIdx(i));
        }
    }
    // Attempts that came to nothing are in no SDP: whose they are is told by who made them and when.
    let rivals = rivals(analysis, call, from);
    let until = s.answered.unwrap_or(s.last);
    for (i, a) in all() {
        let tried = ips.contains(&a.client.ip()) && (from..=until).contains(&a.first);
        if !tried || out.contains(&AllocationIdx(i)) || a.call_id != Str(0) {
            continue;
        }
        let of_another = rivals.iter().any(|start| a.relayed.is_some() || (a.first..s.start).contains(start));
        if !of_another {
            out.push(AllocationIdx(i));
        }
    }
}

/// Begin of other calls with ICE and a party of this one's, about as early as this one.
fn rivals(analysis: &Analysis, call: CallIdx, from: Nanos) -> Vec<Nanos> {
    let this = analysis.call(call);
    let until = this.summary.start.saturating_add(BEFORE);
    let parties = [this.from_uri, this.to_uri];
    (0u32..)
        .map(CallIdx)
        .zip(&analysis.calls)
        .filter(|(i, c)| {
            *i != call
                && (from..=until).contains(&c.summary.start)
                && (parties.contains(&c.from_uri) || parties.contains(&c.to_uri))
                && analysis.has_ice(*i)
        })
        .map(|(_, c)| c.summary.start)
        .collect()
}

/// Bindings between the bases of the candidates and the servers that told what address they have.
fn bindings_of(analysis: &Analysis, call: CallIdx, traffic: &CallTraffic) -> Vec<StunIdx> {
    let s = &analysis.call(call).summary;
    let mut flows: HashSet<FlowId> = HashSet::new();
    let bases = traffic.candidates().filter(|c| !is_relay(c)).flat_map(|c| [c.address, c.related]);
    for base in bases.flatten() {
        let Some(mapping) = analysis.stun.mapped.get(&base) else { continue };
        for (src, dst) in [(base, mapping.server), (mapping.server, base)] {
            for transport in [Transport::Udp, Transport::Tcp] {
                flows.extend(analysis.find_flow(src, dst, transport));
            }
        }
    }
    if flows.is_empty() {
        return Vec::new();
    }
    let span = s.earliest().saturating_sub(BEFORE)..=s.last;
    let records = (0u32..).zip(&analysis.stun.records);
    records
        .filter(|(_, r)| r.owner() == StunOwner::Plain && span.contains(&r.time) && flows.contains(&r.flow))
        .map(|(i, _)| StunIdx(i))
        .take(BINDINGS)
        .collect()
}
