//! The life of an allocation, message by message, and what travels through it.

use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::stun::{Class, Method, StunScan, scan_stun};

use super::allocation::{Allocation, Round};
use super::{AllocationIdx, Carried, StunOwner, stun_flag};
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::decode::{DecodedMedia, DecodedStun, MediaKind, MediaTally, RtpFacts, StunFacts};

impl Analysis {
    /// A message of TURN's own, seen on `flow`.
    pub(super) fn turn(&mut self, m: &DecodedStun<'_>, flow: FlowId) -> bool {
        let facts = m.facts;
        let (method, class) = (facts.method, facts.class);
        let to_client = match class {
            Class::Request => false,
            Class::Indication => matches!(method, Method::DATA | Method::CONNECTION_ATTEMPT),
            Class::Success | Class::Error => true,
        };
        let Some(at) = self.allocation_for(m, flow, to_client) else {
            return self.keep(m, facts, flow, flow, StunOwner::Plain, 0);
        };
        let Some(scan) = scan_stun(m.message, None) else { return false };
        let transaction = facts.transaction as u32;
        if matches!(method, Method::SEND | Method::DATA)
            && let Some(data) = scan.data().filter(|d| !d.is_empty())
        {
            let (packets, bytes) = (u64::from(!m.duplicate), data.len() as u64);
            let path = self.relayed_path(flow, Carried::Named(scan.peer()), m.time, packets, bytes);
            return self.inside(m, data, flow, path, at);
        }
        let mut intern =
            |bytes: Option<&[u8]>| bytes.filter(|b| !b.is_empty()).map_or(Str(0), |b| self.strings.intern(b));
        let username = intern(scan.username());
        let realm = intern(scan.realm());
        let software = intern(scan.software().filter(|_| to_client));
        let call_id = intern(scan.sip_call_id());
        let reason = intern(scan.error().map(|(_, reason)| reason));
        let index = super::StunIdx(self.stun.records.len() as u32);
        let peers = self.limits.turn_peers;
        let Some(a) = self.stun.allocations.get_mut(at.0 as usize) else { return false };
        a.last = a.last.max(m.time);
        set(&mut a.username, username);
        set(&mut a.realm, realm);
        set(&mut a.software, software);
        set(&mut a.call_id, call_id);
        let mut flags = 0;
        let step = Step { m, scan: &scan, transaction, index, reason };
        match class {
            Class::Request => {
                if !m.duplicate && asked(a, &step, method, peers) {
                    flags |= stun_flag::RETRANSMISSION;
                }
            }
            Class::Success => {
                let (relayed, mapped) = (a.relayed, a.mapped);
                granted(a, &step, method, peers);
                let new = |before: Option<_>, now: Option<_>| now.filter(|_| now != before);
                self.stun.addresses.learn(at, new(relayed, a.relayed), new(mapped, a.mapped));
            }
            Class::Error => refused(a, &step, method),
            Class::Indication => {}
        }
        self.keep(m, facts, flow, flow, StunOwner::Allocation(at), flags)
    }

    /// The allocation of a flow; a new one for a request that begins one (or shows one already there).
    fn allocation_for(
        &mut self,
        m: &DecodedStun<'_>,
        flow: FlowId,
        to_client: bool,
    ) -> Option<AllocationIdx> {
        let facts = m.facts;
        let known = self.stun.allocation_on(flow);
        if let Some((at, _)) = known {
            let a = self.stun.allocations.get(at.0 as usize)?;
            let begins = facts.class == Class::Request && facts.method == Method::ALLOCATE;
            let transaction = facts.transaction as u32;
            let over = a.released || a.state(m.time) == super::AllocationState::Expired;
            let repeated = a.rounds.iter().any(|r| r.transaction == transaction);
            let releases = || scan_stun(m.message, None).and_then(|s| s.lifetime()) == Some(0);
            if !begins || !over || repeated || releases() {
                return Some(at);
            }
        }
        if self.stun.allocations.len() >= self.limits.turn_allocations {
            self.note_limit("limit-turn-allocations", m.frame, "more allocations are not told apart");
            return known.map(|(at, _)| at);
        }
        let (client, server) = if to_client { (m.dst, m.src) } else { (m.src, m.dst) };
        let at = AllocationIdx(self.stun.allocations.len() as u32);
        self.stun.addresses.servers.insert(server);
        self.stun.addresses.machines.insert(server.ip());
        self.stun.allocations.push(Allocation::new(client, server, m.transport, facts.dialect, m.time));
        let back = self.flow_of(m.dst, m.src, m.transport);
        for (flow, to_client) in [(Some(flow), to_client), (back, !to_client)] {
            let Some(flow) = flow else { continue };
            let place = flow.0 as usize;
            if self.stun.turn_flows.len() <= place {
                self.stun.turn_flows.resize(place + 1, 0);
            }
            self.stun.turn_flows[place] = at.0 * 2 + u32::from(to_client) + 1;
        }
        Some(at)
    }

    /// The payload that a relay carries for a client: a check, media, or something unknown.
    fn inside(
        &mut self,
        m: &DecodedStun<'_>,
        data: &[u8],
        flow: FlowId,
        path: FlowId,
        at: AllocationIdx,
    ) -> bool {
        match probe_datagram(data) {
            Probe::Stun => {
                if let Some(inner) = scan_stun(data, None)
                    && inner.method() == Method::BINDING
                {
                    return self.binding(m, &StunFacts::of(&inner), flow, path, stun_flag::INNER);
                }
            }
            probe @ (Probe::Rtp | Probe::Rtcp | Probe::Dtls | Probe::Zrtp) => {
                self.media_inside(m, data, probe, flow, path);
                return true;
            }
            Probe::Sip => {
                if let Some(kept) = self.sip_inside(m, data, path) {
                    return kept;
                }
            }
            _ => {}
        }
        self.keep(m, m.facts, flow, path, StunOwner::Allocation(at), 0)
    }

    /// Media that a relay carries for a client in Send or Data.
    fn media_inside(&mut self, m: &DecodedStun<'_>, data: &[u8], probe: Probe, flow: FlowId, path: FlowId) {
        let DecodedStun { src, dst, transport, frame, time, dscp, duplicate, cut, .. } = *m;
        let (bytes, channel) = (data, 0);
        let packet = DecodedMedia { bytes, src, dst, transport, channel, frame, time, dscp, duplicate, cut };
        let kind = match probe {
            Probe::Rtp => MediaKind::Rtp,
            Probe::Rtcp => MediaKind::Rtcp,
            _ => return self.add_key_exchange(&packet, Some(path)),
        };
        if kind == MediaKind::Rtcp {
            self.add_rtcp(&packet);
        } else if let Some(facts) = RtpFacts::of(data, data.len()) {
            self.add_carried_rtp(&facts, &packet, path);
        }
        if !duplicate {
            let tally = MediaTally::one(src, dst, transport, 0, kind, data.len(), time, frame);
            self.media_on(path, flow, &tally);
        }
    }
}

struct Step<'a> {
    m: &'a DecodedStun<'a>,
    scan: &'a StunScan<'a>,
    transaction: u32,
    index: super::StunIdx,
    reason: Str,
}

fn set(known: &mut Str, new: Str) {
    if new != Str(0) {
        *known = new;
    }
}

/// A request; whether it was sent before.
fn asked(a: &mut Allocation, step: &Step<'_>, method: Method, most: usize) -> bool {
    let scan = step.scan;
    match method {
        Method::ALLOCATE | Method::REFRESH => {
            let round = Round {
                request: Some(step.index),
                response: None,
                transaction: step.transaction,
                error: 0,
                sent: 0,
                release: scan.lifetime() == Some(0),
                allocate: method == Method::ALLOCATE,
                credentials: scan.has_integrity(),
            };
            let Some(round) = a.round(round) else { return false };
            round.sent += 1;
            round.sent > 1
        }
        Method::SET_ACTIVE_DESTINATION => {
            let again = a.destination_asked.is_some_and(|(t, _)| t == step.transaction);
            if let Some(peer) = scan.peer() {
                a.destination_asked = Some((step.transaction, peer));
            }
            again
        }
        Method::CREATE_PERMISSION | Method::CHANNEL_BIND | Method::CONNECT => {
            let again = a.asked.iter().any(|(t, ..)| *t == step.transaction);
            if let Some(peer) = scan.peer() {
                if let Some(p) = a.peer(peer, most) {
                    // Clients send in the channel before the answer has come.
                    p.channel = scan.channel().or(p.channel);
                }
                if !again {
                    // What is never answered goes when more is asked.
                    if a.asked.len() >= 32 {
                        a.asked.remove(0);
                    }
                    a.asked.push((step.transaction, peer, scan.channel()));
                }
            }
            again
        }
        _ => false,
    }
}

fn granted(a: &mut Allocation, step: &Step<'_>, method: Method, most: usize) {
    let scan = step.scan;
    match method {
        Method::ALLOCATE | Method::REFRESH => {
            let (mut release, mut again) = (scan.lifetime() == Some(0), false);
            if let Some(round) = a.rounds.iter_mut().rev().find(|r| r.transaction == step.transaction) {
                again = round.response.is_some();
                round.response.get_or_insert(step.index);
                release |= round.release;
            }
            a.error = None;
            if release {
                a.released = true;
                return;
            }
            if a.allocated_at.is_none() {
                a.allocated_at = Some(step.m.time);
            } else if !again && !step.m.duplicate {
                a.refreshes += 1;
            }
            a.granted_at = step.m.time;
            a.lifetime = scan.lifetime().or(a.lifetime);
            a.bandwidth = scan.bandwidth().or(a.bandwidth);
            a.relayed = scan.relayed().or(a.relayed);
            a.mapped = scan.mapped().or(a.mapped);
        }
        Method::SET_ACTIVE_DESTINATION => {
            if let Some((transaction, peer)) = a.destination_asked
                && transaction == step.transaction
            {
                a.active = Some(peer);
                a.destination_asked = None;
                for p in &mut a.peers {
                    p.active = false;
                }
                if let Some(p) = a.peer(peer, most) {
                    p.active = true;
                    p.permitted = true;
                }
            }
        }
        Method::CREATE_PERMISSION | Method::CHANNEL_BIND | Method::CONNECT => {
            let Some(at) = a.asked.iter().position(|(t, ..)| *t == step.transaction) else { return };
            let (_, peer, channel) = a.asked.remove(at);
            if let Some(p) = a.peer(peer, most) {
                p.permitted = true;
                p.channel = channel.or(p.channel);
            }
        }
        _ => {}
    }
}

fn refused(a: &mut Allocation, step: &Step<'_>, method: Method) {
    let scan = step.scan;
    let code = scan.error().map_or(0, |(code, _)| code);
    if let Some(alternate) = scan.alternate_server() {
        a.alternate = Some(alternate);
    }
    if matches!(method, Method::ALLOCATE | Method::REFRESH) {
        if let Some(round) = a.rounds.iter_mut().rev().find(|r| r.transaction == step.transaction) {
            round.response.get_or_insert(step.index);
            round.error = code;
        }
        a.error = Some((code, step.reason));
    } else {
        a.asked.retain(|(t, ..)| *t != step.transaction);
        if a.destination_asked.is_some_and(|(t, _)| t == step.transaction) {
            a.destination_asked = None;
        }
    }
}
