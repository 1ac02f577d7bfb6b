//! Which kind of path a pair is.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::{count, machine, party_short};
use crate::capture::Nanos;
use callscope_parsers::sdp::CandidateSyntax;

use crate::correlate::ice::{CandidateKind, IcePair, IceSession, IceState};
use crate::correlate::stun::{Allocation, AllocationIdx};
use crate::correlate::{Analysis, Str, Transport};

/// What one end of a pair is, as far as SDP or an allocation tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathEnd {
    pub kind: Option<CandidateKind>,
    /// The relay's allocation, where it is in the capture.
    pub allocation: Option<AllocationIdx>,
}

/// The allocation that gave an address out, the latest of several that began before `until`.
pub fn relayed(
    analysis: &Analysis,
    address: SocketAddr,
    until: Nanos,
) -> Option<(AllocationIdx, &Allocation)> {
    analysis.stun.relayed_at(address).max_by_key(|(_, a)| (a.first <= until, a.first))
}

pub fn end(analysis: &Analysis, s: &IceSession, p: &IcePair, is_a: bool) -> PathEnd {
    let (address, told) = if is_a { (p.a, p.a_kind(s)) } else { (p.b, p.b_kind(s)) };
    let until = s.first_check.or(s.answered).unwrap_or(Nanos::MAX);
    let allocation = match told {
        None | Some(CandidateKind::Relay) => relayed(analysis, address, until).map(|(i, _)| i),
        _ => None,
    };
    let kind = told.or_else(|| match allocation {
        Some(_) => Some(CandidateKind::Relay),
        None if analysis.stun.is_mapped(address) => Some(CandidateKind::Srflx),
        None if is_turn_server(analysis, address) => Some(CandidateKind::Relay),
        // Told by SDP of another address of that side: what is seen here is not what was offered.
        None if s.call.is_some() => Some(CandidateKind::Prflx),
        None => None,
    });
    PathEnd { kind, allocation }
}

/// Whether an address is of a machine that is a TURN server, and not the port it is asked at: somebody's relay.
pub fn is_turn_server(analysis: &Analysis, address: SocketAddr) -> bool {
    analysis.stun.is_beside_server(address)
}

/// Who is behind an address: a relay's client in the place of its relay; and whether that is a party at all.
pub fn behind(analysis: &Analysis, address: SocketAddr) -> (bool, SocketAddr) {
    // A relay is asked for by somebody; its own address names nobody.
    match relayed(analysis, address, Nanos::MAX) {
        Some((_, a)) => (true, a.client),
        None => (!is_turn_server(analysis, address), address),
    }
}

/// The machines that take part in a session: of the candidates that are no relay's, and of who checks.
pub fn machines(analysis: &Analysis, s: &IceSession) -> BTreeSet<IpAddr> {
    let candidates = s.a.candidates.iter().chain(&s.b.candidates);
    let own = candidates.filter(|c| c.kind != Some(CandidateKind::Relay));
    let offered = own.flat_map(|c| [c.address, c.related]).flatten();
    let checked = s.pairs.iter().filter(|p| !p.messages.is_empty()).flat_map(|p| [p.a, p.b]);
    let seen = checked.map(|address| behind(analysis, address)).filter(|(is_party, _)| *is_party);
    offered.chain(seen.map(|(_, address)| address)).map(|a| a.ip()).collect()
}

/// The pair that says what became of the session: the chosen one of the first component.
pub fn telling_pair(s: &IceSession) -> Option<&IcePair> {
    s.selected().min_by_key(|p| p.component)
}

/// `relay UDP`, `two relays UDP`, `direct UDP`, `through NAT UDP`, `none` for a session that failed; empty where
/// nothing is known.
pub fn path_words(analysis: &Analysis, s: &IceSession) -> String {
    let Some(p) = telling_pair(s).filter(|_| s.state != IceState::Failed) else {
        return if s.state == IceState::Failed { "none".to_owned() } else { String::new() };
    };
    let ends = [end(analysis, s, p, true), end(analysis, s, p, false)];
    format!("{} {}", kind_words(ends.map(|e| e.kind)), transport_words(analysis, p, ends))
}

/// Media on pairs other than the telling one: one direction takes another way, or the path changed on the way.
pub fn other_media(analysis: &Analysis, s: &IceSession, p: &IcePair, [a, b]: [&str; 2]) -> Vec<String> {
    let ways = |q: &IcePair| {
        let rtp = |x, y| analysis.media_between(x, y, q.transport).map_or(0, |m| m.rtp);
        (rtp(q.a, q.b), rtp(q.b, q.a))
    };
    let others = s.pairs.iter().filter(|q| {
        q.component == p.component
            && q.media_packets > 0
            && (q.a, q.b, q.transport) != (p.a, p.b, p.transport)
    });
    let told = others.take(3).filter_map(|q| {
        let ends = [end(analysis, s, q, true), end(analysis, s, q, false)];
        let path = format!("{} {}", kind_words(ends.map(|e| e.kind)), transport_words(analysis, q, ends));
        let count = |n| count(n, "RTP packet", "RTP packets");
        let (x, y) = (q.a, q.b);
        match (ways(p), ways(q)) {
            (_, (0, 0)) => None,
            ((0, _), (n, 0)) => {
                Some(format!("What {a} sends to {b} takes another way ({path}): {}, {x} → {y}.", count(n)))
            }
            ((_, 0), (0, n)) => {
                Some(format!("What {b} sends to {a} takes another way ({path}): {}, {y} → {x}.", count(n)))
            }
            (_, (n, m)) => Some(format!("{} went another way too ({path}): {x} ↔ {y}.", count(n + m))),
        }
    });
    told.collect()
}

pub fn kind_words(ends: [Option<CandidateKind>; 2]) -> &'static str {
    use CandidateKind::{Host, Prflx, Relay, Srflx};
    match ends {
        [Some(Relay), Some(Relay)] => "two relays",
        [Some(Relay), _] | [_, Some(Relay)] => "relay",
        [Some(Srflx | Prflx), _] | [_, Some(Srflx | Prflx)] => "through NAT",
        [Some(Host), Some(Host)] => "direct",
        _ => "unknown",
    }
}

/// How the media travels: to the relay where there is one, else between the parties.
pub fn transport_words(analysis: &Analysis, p: &IcePair, ends: [PathEnd; 2]) -> &'static str {
    let to_relay = ends.iter().filter_map(|e| {
        let a = analysis.stun.allocations.get(e.allocation?.0 as usize)?;
        (a.transport != Transport::Udp).then_some(a.transport)
    });
    match to_relay.min_by_key(|t| *t as u8).unwrap_or(p.transport) {
        Transport::Udp => "UDP",
        Transport::Tls => "TLS",
        _ => "TCP",
    }
}

/// An address that is not reached from elsewhere.
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            ip.is_private()
                || ip.is_link_local()
                || ip.is_loopback()
                || (ip.octets()[0] == 100 && ip.octets()[1] & 0xC0 == 64)
        }
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unique_local() || ip.is_loopback(),
    }
}

/// On one network, by what the addresses look like.
pub fn near(a: IpAddr, b: IpAddr) -> bool {
    match (a.to_canonical(), b.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}

/// Names of the parties of a session: A, B.
pub fn parties(analysis: &Analysis, s: &IceSession) -> [String; 2] {
    [(&s.a, true), (&s.b, false)].map(|(side, is_a)| {
        let uri = side.party.filter(|p| *p != Str(0)).map(|p| analysis.strings.bytes(p));
        if let Some(uri) = uri {
            return party_short(b"", uri);
        }
        let asked = s.pairs.iter().map(|p| (if is_a { p.a } else { p.b }, p.requests));
        let named = asked.map(|(address, n)| {
            let (is_party, address) = behind(analysis, address);
            (is_party, n, address)
        });
        // A relay whose client is not in the capture names nobody.
        let named = named.filter(|(is_party, ..)| *is_party).max_by_key(|(_, n, _)| *n);
        match named.map(|(_, _, address)| address) {
            Some(address) => machine(analysis, address).unwrap_or_else(|| address.ip().to_string()),
            None if is_a => "side A".to_owned(),
            None => "side B".to_owned(),
        }
    })
}

/// A form of candidate lines.
pub fn syntax_words(syntax: CandidateSyntax) -> &'static str {
    match syntax {
        CandidateSyntax::V06 => "draft-06 (MS-ICE)",
        CandidateSyntax::V19 => "draft-19 (MS-ICE2)",
        CandidateSyntax::Rfc => "RFC 8839",
        CandidateSyntax::None => "no candidates",
    }
}
