//! ICE sessions and TURN allocations in the contract's words.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::value::{Addr, Frame, Millis, Time, Word};
use crate::capture::Nanos;
use crate::correlate::ice::{CandidateKind, IceCandidate, IcePair, IceSession, IceSide};
use crate::correlate::stun::{Allocation, AllocationIdx, Peer, Round, StunIdx};
use crate::correlate::{Analysis, CallIdx, Str, Unreachable};
use crate::view::show;
use callscope_parsers::sdp::candidate::AddressRemark;
use callscope_parsers::stun::Dialect;

/// An ICE session; what is told of it is made while it is written, a candidate and a pair at a time.
pub(super) struct Session<'a> {
    analysis: &'a Analysis,
    id: u32,
    session: IceSession,
}

impl Serialize for Session<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        told(self.analysis, self.id, &self.session).serialize(s)
    }
}

pub(super) fn session(analysis: &Analysis, id: u32, session: IceSession) -> Session<'_> {
    Session { analysis, id, session }
}

#[derive(Serialize)]
struct Told<'a> {
    id: u32,
    call: Option<u32>,
    media: Option<&'a str>,
    dialect: &'static str,
    generation: &'static str,
    role_a: Option<&'static str>,
    role_conflicts: u32,
    a: Side<'a>,
    b: Side<'a>,
    pairs: Pairs<'a>,
    pairs_not_kept: usize,
    selected: Vec<Selected>,
    state: &'static str,
    connect_ms: Option<Millis>,
    first_media_ms: Option<Millis>,
    /// Frame of the offer that named the chosen pair.
    final_offer: Option<Frame>,
    final_offer_unknown_candidate: bool,
    /// Status that refused it.
    final_offer_refused: Option<u16>,
    other_generation: Option<&'static str>,
}

#[derive(Serialize)]
struct Side<'a> {
    party: Option<Cow<'a, str>>,
    ufrag: Option<&'a str>,
    lite: bool,
    candidates: Candidates<'a>,
    candidates_not_kept: usize,
}

struct Candidates<'a>(&'a Analysis, &'a [IceCandidate]);

impl Serialize for Candidates<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.1.iter().map(|c| candidate(self.0, c)))
    }
}

struct Pairs<'a>(&'a IceSession);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.0.pairs.iter().map(|p| pair(self.0, p)))
    }
}

#[derive(Debug, Serialize)]
struct Candidate<'a> {
    foundation: &'a str,
    component: u16,
    transport: &'a str,
    tcp_type: Option<&'a str>,
    priority: Option<u64>,
    /// Priority as draft-06 writes it.
    fraction: Option<&'a str>,
    address: Address<'a>,
    /// What a name for an address was seen to stand for.
    address_inferred: Option<Addr>,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    type_inferred: bool,
    related: Option<Addr>,
    generation: Word,
    trickled: bool,
    remarks: Remarks,
    issues: &'a [String],
    frame: Frame,
}

/// In words.
#[derive(Debug)]
struct Remarks([Option<AddressRemark>; 6]);

impl Serialize for Remarks {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.0.iter().flatten().map(|r| r.title()))
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Address<'a> {
    Socket(Addr),
    /// A name, or what is no address.
    Written(&'a str),
}

/// Code (as text) → count.
#[derive(Debug)]
struct Errors<'a>(&'a [(u16, u32)]);

impl Serialize for Errors<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        // Most pairs have none.
        if self.0.is_empty() {
            return s.serialize_map(Some(0))?.end();
        }
        let by_code: BTreeMap<String, u32> = self.0.iter().map(|(code, n)| (code.to_string(), *n)).collect();
        by_code.serialize(s)
    }
}

#[derive(Debug, Serialize)]
struct Pair<'a> {
    component: u16,
    transport: Word,
    a: Addr,
    b: Addr,
    a_type: Option<Word>,
    b_type: Option<Word>,
    priority: Option<u64>,
    state: Word,
    requests: u32,
    responses: u32,
    errors: Errors<'a>,
    rtt_ms: Option<RoundTrip>,
    nominated: bool,
    selected: bool,
    media_packets: u64,
    /// ICMP errors about its checks.
    icmp: Option<Icmp>,
}

/// ICMP errors that said that requests did not arrive.
#[derive(Debug, Serialize)]
struct Icmp {
    text: String,
    /// Who said so first, and in which frame.
    from: IpAddr,
    count: u32,
    frame: Frame,
}

fn icmp(u: Unreachable) -> Icmp {
    Icmp { text: show::breakage(u.kind), from: u.by, count: u.count, frame: u.frame.into() }
}

#[derive(Debug, Serialize)]
struct RoundTrip {
    min: Millis,
    avg: Millis,
    max: Millis,
}

#[derive(Debug, Serialize)]
struct Selected {
    component: u16,
    a: Addr,
    b: Addr,
    by: &'static str,
}

fn told<'a>(analysis: &'a Analysis, id: u32, s: &'a IceSession) -> Told<'a> {
    let selected = s
        .selected()
        .filter_map(|p| {
            Some(Selected { component: p.component, a: Addr(p.a), b: Addr(p.b), by: p.selected?.name() })
        })
        .collect();
    let start = s.answered.or(s.first_check);
    let since = |t: Option<Nanos>| Some(Millis(t?.saturating_sub(start?)));
    Told {
        id,
        call: s.call.map(|c| c.0 + 1),
        media: s.media.as_deref(),
        dialect: s.dialect.name(),
        generation: s.generation.name(),
        role_a: s.role_a.map(|r| r.name()),
        role_conflicts: s.role_conflicts,
        a: side(analysis, &s.a),
        b: side(analysis, &s.b),
        pairs: Pairs(s),
        pairs_not_kept: s.pairs_not_kept,
        selected,
        state: s.state.name(),
        connect_ms: s.connect().map(Millis),
        first_media_ms: since(s.first_media),
        final_offer: s.final_offer.map(|m| analysis.message(m).frame.into()),
        final_offer_unknown_candidate: s.final_unknown,
        final_offer_refused: s.final_refused,
        other_generation: s.other_generation.map(|g| g.name()),
    }
}

fn side<'a>(analysis: &'a Analysis, s: &'a IceSide) -> Side<'a> {
    Side {
        party: s.party.filter(|p| *p != Str(0)).map(|p| analysis.text(p)),
        ufrag: s.ufrag.as_deref(),
        lite: s.lite,
        candidates: Candidates(analysis, &s.candidates),
        candidates_not_kept: s.not_kept,
    }
}

fn candidate<'a>(analysis: &Analysis, c: &'a IceCandidate) -> Candidate<'a> {
    Candidate {
        foundation: &c.foundation,
        component: c.component,
        transport: &c.transport,
        tcp_type: c.tcp_type.as_deref(),
        priority: c.priority,
        fraction: c.fraction.as_deref(),
        address: match (&c.written, c.address) {
            (None, Some(address)) => Address::Socket(Addr(address)),
            (written, _) => Address::Written(written.as_deref().unwrap_or_default()),
        },
        address_inferred: c.address.filter(|_| c.address_inferred).map(Addr),
        kind: c.kind_text.as_deref().or(c.kind.map(CandidateKind::name)),
        type_inferred: c.inferred.is_some(),
        related: c.related.map(Addr),
        generation: Word(c.generation.name()),
        trickled: c.trickled,
        remarks: Remarks(c.remarks),
        issues: &c.issues,
        frame: analysis.candidate_frame(c).into(),
    }
}

fn pair<'a>(s: &IceSession, p: &'a IcePair) -> Pair<'a> {
    Pair {
        component: p.component,
        transport: Word(p.transport.name()),
        a: Addr(p.a),
        b: Addr(p.b),
        a_type: p.a_kind(s).map(|k| Word(k.name())),
        b_type: p.b_kind(s).map(|k| Word(k.name())),
        priority: p.priority,
        state: Word(p.state.name()),
        requests: p.requests,
        responses: p.responses,
        errors: Errors(&p.errors),
        rtt_ms: p.rtt.map(|r| RoundTrip {
            min: Millis(r.min),
            avg: Millis(r.sum / Nanos::from(r.count.max(1))),
            max: Millis(r.max),
        }),
        nominated: p.nominated,
        selected: p.selected.is_some(),
        media_packets: p.media_packets,
        icmp: p.unreachable.map(icmp),
    }
}

#[derive(Debug, Serialize)]
pub(super) struct TurnAllocation<'a> {
    id: u32,
    client: Addr,
    server: Addr,
    transport: &'static str,
    dialect: &'static str,
    username: Option<Cow<'a, str>>,
    realm: Option<Cow<'a, str>>,
    software: Option<Cow<'a, str>>,
    state: &'static str,
    start: Time,
    rounds: Vec<RoundOf>,
    mapped: Option<Addr>,
    relayed: Option<Addr>,
    nat: Option<bool>,
    lifetime_s: Option<u32>,
    bandwidth_kbps: Option<u32>,
    refreshes: u32,
    alternate_server: Option<Addr>,
    peers: Vec<PeerOf>,
    error: Option<Error<'a>>,
    /// ICMP errors that all its requests met.
    icmp: Option<Icmp>,
    calls: Vec<u32>,
}

#[derive(Debug, Serialize)]
struct RoundOf {
    request: Option<Frame>,
    response: Option<Frame>,
    /// Code of the error; null for success and for no answer.
    status: Option<u16>,
    sent: u32,
}

#[derive(Debug, Serialize)]
struct PeerOf {
    address: Addr,
    channel: Option<u16>,
    permitted: bool,
    active_destination: bool,
    sent_packets: u64,
    received_packets: u64,
    sent_bytes: u64,
    received_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Error<'a> {
    code: u16,
    reason: Cow<'a, str>,
}

/// `calls`: [`Analysis::calls_by_allocation`].
pub(super) fn allocation<'a>(
    analysis: &'a Analysis,
    index: AllocationIdx,
    calls: &[Vec<CallIdx>],
) -> Option<TurnAllocation<'a>> {
    let a = analysis.stun.allocations.get(index.0 as usize)?;
    let text = |s: Str| (s != Str(0)).then(|| analysis.text(s));
    let round = |r: &Round| {
        let frame = |i: Option<StunIdx>| Some(analysis.stun.record(i?)?.frame().into());
        RoundOf {
            request: frame(r.request),
            response: frame(r.response),
            status: (r.error != 0).then_some(r.error),
            sent: r.sent,
        }
    };
    Some(TurnAllocation {
        id: index.0 + 1,
        client: Addr(a.client),
        server: Addr(a.server),
        transport: a.transport.name(),
        dialect: dialect(a),
        username: text(a.username),
        realm: text(a.realm),
        software: text(a.software),
        state: a.state(analysis.newest_time()).name(),
        start: Time(a.first),
        rounds: a.rounds.iter().map(round).collect(),
        mapped: a.mapped.map(Addr),
        relayed: a.relayed.map(Addr),
        nat: a.nat(),
        lifetime_s: a.lifetime,
        bandwidth_kbps: a.bandwidth,
        refreshes: a.refreshes,
        alternate_server: a.alternate.map(Addr),
        peers: a.peers.iter().map(peer).collect(),
        error: a.error.map(|(code, reason)| Error { code, reason: analysis.text(reason) }),
        icmp: analysis.unreachable_server(a).map(icmp),
        calls: calls.get(index.0 as usize).into_iter().flatten().map(|c| c.0 + 1).collect(),
    })
}

fn peer(p: &Peer) -> PeerOf {
    PeerOf {
        address: Addr(p.address),
        channel: p.channel,
        permitted: p.permitted,
        active_destination: p.active,
        sent_packets: p.sent_packets,
        received_packets: p.received_packets,
        sent_bytes: p.sent_bytes,
        received_bytes: p.received_bytes,
    }
}

fn dialect(a: &Allocation) -> &'static str {
    match a.dialect {
        Dialect::MsTurn => "ms-turn",
        Dialect::Rfc5389 | Dialect::MsIce2 => "rfc",
        Dialect::Classic | Dialect::MsIce | Dialect::Google => "classic",
    }
}
