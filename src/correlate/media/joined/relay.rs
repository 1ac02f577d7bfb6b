//! Between whom a stream really goes: relayed addresses for the clients of relays, and the other sides of NATs.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::super::Stream;
use super::StreamRelay;
use crate::correlate::Analysis;

/// Addresses that one end of a stream goes by.
const MOST_NAMES: usize = 8;

/// How near to the wire a name of an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// The other side of a NAT, or of a relay.
    Twin,
    /// As on the wire, or where what is inside the relay's own protocol goes.
    Itself,
}

pub(super) type Name = (SocketAddr, Nearness);

/// The ends of a stream by all their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends {
    pub from: Vec<Name>,
    pub to: Vec<Name>,
}

/// Which addresses are the same machine's.
#[derive(Debug, Default)]
pub(super) struct Twins(HashMap<SocketAddr, Vec<SocketAddr>>);

impl Twins {
    pub fn new(analysis: &Analysis) -> Self {
        let mut out = Self::default();
        for a in &analysis.stun.allocations {
            for other in a.mapped.into_iter().chain(a.relayed) {
                out.join(a.client, other);
            }
            if let (Some(mapped), Some(relayed)) = (a.mapped, a.relayed) {
                out.join(mapped, relayed);
            }
        }
        for (client, mapping) in &analysis.stun.mapped {
            out.join(*client, mapping.mapped);
        }
        out
    }

    fn join(&mut self, a: SocketAddr, b: SocketAddr) {
        if a == b {
            return;
        }
        for (x, y) in [(a, b), (b, a)] {
            let known = self.0.entry(x).or_default();
            if known.len() < MOST_NAMES && !known.contains(&y) {
                known.push(y);
            }
        }
    }

    fn names(&self, itself: &[SocketAddr]) -> Vec<Name> {
        let mut out: Vec<Name> = itself.iter().map(|a| (*a, Nearness::Itself)).collect();
        for a in itself {
            for twin in self.0.get(a).into_iter().flatten() {
                if out.len() < MOST_NAMES && !out.iter().any(|(known, _)| known == twin) {
                    out.push((*twin, Nearness::Twin));
                }
            }
        }
        out
    }
}

impl Analysis {
    /// The relay that a stream goes through at the capture point.
    pub(super) fn relay_of(&self, stream: &Stream) -> Option<StreamRelay> {
        let (at, to_client) = self.stun.allocation_on(stream.flow)?;
        let a = self.stun.allocations.get(at.0 as usize)?;
        // Whom an unknown channel speaks to is not known.
        let named = stream.path.filter(|p| *p != stream.flow).map(|p| self.flow(p));
        let peer = match (named, stream.channel) {
            (Some(path), _) => Some(if to_client { path.src } else { path.dst }),
            (None, 0) => a.active,
            (None, channel) => a.peer_of_channel(channel),
        };
        Some(StreamRelay { allocation: at, server: a.server, relayed: a.relayed, peer })
    }

    /// The ends that ICE knows a stream by, the sender's first.
    pub(super) fn path_of(&self, stream: &Stream) -> Option<(SocketAddr, SocketAddr)> {
        let wire = self.flow(stream.flow);
        let found = self.stun.allocation_on(stream.flow);
        let allocation = found.and_then(|(at, _)| self.stun.allocations.get(at.0 as usize));
        let (Some((_, to_client)), Some(a)) = (found, allocation) else { return Some((wire.src, wire.dst)) };
        let peer = self.relay_of(stream)?.peer?;
        let stands = a.stands_for_client();
        Some(if to_client { (peer, stands) } else { (stands, peer) })
    }

    pub(super) fn ends_of(&self, stream: &Stream, twins: &Twins) -> Ends {
        let wire = self.flow(stream.flow);
        let found = self.stun.allocation_on(stream.flow);
        let allocation = found.and_then(|(at, _)| self.stun.allocations.get(at.0 as usize));
        let (Some((_, to_client)), Some(a)) = (found, allocation) else {
            return Ends { from: twins.names(&[wire.src]), to: twins.names(&[wire.dst]) };
        };
        let peer = self.relay_of(stream).and_then(|r| r.peer);
        let mut client = vec![a.client];
        client.extend(a.relayed);
        let client = twins.names(&client);
        let other = peer.map(|p| twins.names(&[p])).unwrap_or_default();
        let (from, to) = if to_client { (other, client) } else { (client, other) };
        Ends { from, to }
    }
}
