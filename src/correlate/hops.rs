//! One message on several hops, the machines it passes, and transactions.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::Analysis;
use super::model::*;
use crate::capture::Nanos;

/// Longest a proxy holds a message before it sends it on: 64·T1.
const HOP_TIME: Nanos = 32_000_000_000;
/// Events with the same start line that may be told apart before the oldest is given up.
const MOST_OPEN: usize = 64;

/// Machines told apart in one call.
const MOST_PARTIES: usize = 256;

/// One thing that happened, however often it was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The message on each hop (A→proxy, proxy→B, or several ways after a fork), in order of time.
    pub hops: Vec<MsgIdx>,
    /// Retransmissions and duplicates of any of them.
    pub repeats: Vec<MsgIdx>,
}

/// What makes messages on different hops the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Sameness {
    method: MethodId,
    status: u16,
    cseq: u32,
    from_tag: u32,
    to_tag: u32,
}

/// The part a machine plays in a call or dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartyRole {
    Caller,
    Proxy,
    Callee,
    /// Of a dialog: who sent its first request.
    Client,
    /// Of a dialog: who received it.
    Server,
    /// Appears only later, e.g. where a call was moved to.
    Other,
}

/// A machine of a call or dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    pub address: IpAddr,
    /// Given where several parties share the address.
    pub port: Option<u16>,
    pub role: PartyRole,
}

/// A request and its answers on one hop (RFC 3261 §17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// None where the capture lacks it.
    pub request: Option<MsgIdx>,
    pub provisional: Vec<MsgIdx>,
    /// The first final answer.
    pub answer: Option<MsgIdx>,
}

impl Party {
    pub fn is(&self, address: SocketAddr) -> bool {
        self.address == address.ip() && self.port.is_none_or(|p| p == address.port())
    }
}

impl Analysis {
    /// What happened in a call or dialog in order of time; the same message on several hops is one event.
    ///
    /// Same means: method or status, CSeq, From and To tag agree, and the later one is sent by whom the earlier one
    /// reached (or by somebody not met yet, where a proxy has several addresses) to somebody who did not send it.
    /// 100 Trying and the ACK of a refusal go one hop by nature and are always events of their own.
    pub fn events(&self, owner: Owner) -> Vec<Event> {
        let order = self.messages_in_time(self.list_of(owner));
        let mut events: Vec<Event> = Vec::new();
        let mut open: HashMap<Sameness, Vec<usize>> = HashMap::new();
        let invites = self.invite_branches(&order);
        for &m in &order {
            let r = self.message(m);
            let key = Sameness {
                method: r.method,
                status: r.status,
                cseq: r.cseq,
                from_tag: r.from_tag,
                to_tag: r.to_tag,
            };
            let same = open.entry(key).or_default();
            let repeat = r.has(flag::RETRANSMISSION) || r.has(flag::DUPLICATE);
            if repeat {
                let original = same.iter().rev().copied().find(|&e| {
                    events.get(e).is_some_and(|e| e.hops.iter().any(|h| self.repeats(r, self.message(*h))))
                });
                if let Some(event) = original.and_then(|e| events.get_mut(e)) {
                    event.repeats.push(m);
                    continue;
                }
            } else if !one_hop(r, &invites) {
                let earlier = same
                    .iter()
                    .rev()
                    .copied()
                    .find(|&e| events.get(e).is_some_and(|e| self.carries_on(r, &e.hops)));
                if let Some(event) = earlier.and_then(|e| events.get_mut(e)) {
                    event.hops.push(m);
                    continue;
                }
            }
            if same.len() >= MOST_OPEN {
                same.remove(0);
            }
            same.push(events.len());
            events.push(Event { hops: vec![m], repeats: Vec::new() });
        }
        events
    }

    /// Whether a message repeats another: the same way with the same branch, or (a duplicate captured elsewhere)
    /// only the same branch.
    fn repeats(&self, r: &SipRecord, original: &SipRecord) -> bool {
        r.branch == original.branch && (r.flow == original.flow || r.has(flag::DUPLICATE))
    }

    /// Branches of the INVITE requests: an ACK under one of them acknowledges a refusal.
    pub(super) fn invite_branches(&self, order: &[MsgIdx]) -> HashSet<u32> {
        let records = order.iter().map(|m| self.message(*m));
        records.filter(|r| r.is_request() && r.method == MethodId::INVITE).map(|r| r.branch).collect()
    }

    fn carries_on(&self, r: &SipRecord, hops: &[MsgIdx]) -> bool {
        let flow = self.flow(r.flow);
        let mut known_source = false;
        let mut reached = false;
        for h in hops {
            let h = self.message(*h);
            let earlier = self.flow(h.flow);
            if r.time.saturating_sub(h.time) > HOP_TIME
                || same_place(earlier.src, flow.dst)
                || h.flow == r.flow
            {
                return false;
            }
            // A response keeps the branch only on one hop, as a request does.
            if h.branch == r.branch && r.branch != 0 {
                return false;
            }
            known_source |= same_place(earlier.src, flow.src);
            reached |= same_place(earlier.dst, flow.src);
        }
        reached || !known_source
    }

    /// The machines of a call or dialog in the order a request passes them: caller, proxies, callees.
    pub fn parties(&self, owner: Owner) -> Vec<Party> {
        let order = self.messages_in_time(self.list_of(owner));
        let shared: HashSet<IpAddr> = order
            .iter()
            .map(|m| self.flow(self.message(*m).flow))
            .filter(|f| f.src.ip() == f.dst.ip())
            .map(|f| f.src.ip())
            .collect();
        let party = |address: SocketAddr, role| Party {
            address: address.ip(),
            port: shared.contains(&address.ip()).then_some(address.port()),
            role,
        };
        let mut parties: Vec<Party> = Vec::new();
        // The way of the opening request: each place it was sent from comes before the place it was sent to.
        let opening = order
            .iter()
            .map(|m| self.message(*m))
            .find(|r| r.is_request() && !(matches!(owner, Owner::Call(_)) && r.method != MethodId::INVITE))
            .copied();
        let call = matches!(owner, Owner::Call(_));
        let (first, last) = if call {
            (PartyRole::Caller, PartyRole::Callee)
        } else {
            (PartyRole::Client, PartyRole::Server)
        };
        if let Some(opening) = opening {
            let way = order.iter().map(|m| self.message(*m)).filter(|r| {
                r.is_request()
                    && r.method == opening.method
                    && r.from_tag == opening.from_tag
                    && r.to_tag == opening.to_tag
            });
            for r in way {
                if parties.len() >= MOST_PARTIES {
                    break;
                }
                let flow = self.flow(r.flow);
                // A source not met yet, past the first, is a proxy's other address.
                let role = if parties.is_empty() { first } else { PartyRole::Proxy };
                match parties.iter_mut().find(|p| p.is(flow.src)) {
                    Some(p) if p.role == first => {}
                    Some(p) => p.role = role,
                    None => parties.push(party(flow.src, role)),
                }
                if !parties.iter().any(|p| p.is(flow.dst)) {
                    parties.push(party(flow.dst, last));
                }
            }
            // Several callees stand behind all proxies.
            parties.sort_by_key(|p| p.role == last);
        }
        for m in &order {
            if parties.len() >= MOST_PARTIES {
                break;
            }
            let flow = self.flow(self.message(*m).flow);
            let ends =
                if self.message(*m).is_request() { [flow.src, flow.dst] } else { [flow.dst, flow.src] };
            for address in ends {
                if !parties.iter().any(|p| p.is(address)) {
                    let role = match (opening.is_some(), parties.len()) {
                        (false, 0) => first,
                        (false, 1) => last,
                        _ => PartyRole::Other,
                    };
                    parties.push(party(address, role));
                }
            }
        }
        parties
    }

    /// The transactions of a call or dialog in order of their first message.
    pub fn transactions(&self, owner: Owner) -> Vec<Transaction> {
        let order = self.messages_in_time(self.list_of(owner));
        let mut found: Vec<Transaction> = Vec::new();
        let mut by_key: HashMap<(u32, u32, MethodId, u32), usize> = HashMap::new();
        for &m in &order {
            let r = self.message(m);
            if r.has(flag::RETRANSMISSION) || r.has(flag::DUPLICATE) {
                continue;
            }
            let at = *by_key.entry((r.branch, r.cseq, r.method, r.from_tag)).or_insert_with(|| {
                found.push(Transaction { request: None, provisional: Vec::new(), answer: None });
                found.len() - 1
            });
            let Some(t) = found.get_mut(at) else { continue };
            if r.is_request() {
                t.request.get_or_insert(m);
            } else if r.status < 200 {
                t.provisional.push(m);
            } else {
                t.answer.get_or_insert(m);
            }
        }
        found
    }
}

/// Whether a message means nothing beyond its hop.
fn one_hop(r: &SipRecord, invites: &HashSet<u32>) -> bool {
    let ack = r.is_request() && r.method == MethodId::ACK;
    r.status == 100 || (ack && r.branch != 0 && invites.contains(&r.branch))
}

/// The same machine; on loopback ports tell them apart.
fn same_place(a: SocketAddr, b: SocketAddr) -> bool {
    if a.ip() == b.ip() { !a.ip().is_loopback() || a.port() == b.port() } else { false }
}
