//! STUN and TURN messages as they join the analysis: transactions, the allocations they make, and the groups of
//! connectivity checks that ICE sessions are built of.
//!
//! A message that travels inside a relay (Send and Data, ChannelData, or raw once an active destination is set) has a
//! *path* besides its flow on the wire: the relayed address stands in it for the client of the relay.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use callscope_parsers::stun::{Class, Dialect, MessageType, Method};

use super::Analysis;
use super::model::*;
use crate::capture::{CaptureId, FrameRef, Nanos};
use crate::decode::{DecodedStun, Keys, MediaKind, MediaTally, StunFacts};

mod allocation;
mod carried;
mod checks;
mod turn;

pub use allocation::{Allocation, AllocationState, Peer, Round};
pub use checks::{CheckGroup, GroupIdx};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
type Set<K> = HashSet<K, foldhash::fast::RandomState>;

/// Index of a message in [`Stun::records`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StunIdx(pub u32);

/// Index of an allocation in [`Stun::allocations`]; its `id` in the JSON is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AllocationIdx(pub u32);

/// Bits of [`StunRecord::flags`].
pub mod stun_flag {
    /// The same transaction sent again on the same flow.
    pub const RETRANSMISSION: u16 = 1;
    /// The same frame captured twice.
    pub const DUPLICATE: u16 = 2;
    pub const CUT: u16 = 4;
    pub const USE_CANDIDATE: u16 = 8;
    pub const CONTROLLING: u16 = 16;
    pub const CONTROLLED: u16 = 32;
    /// The STUN message lies in the data of a Send or Data indication or of ChannelData; `bytes` are the outer ones.
    pub const INNER: u16 = 64;
    /// Of a check: the sender is the party whose name comes first in the group.
    pub const FROM_FIRST: u16 = 128;
    pub const MALFORMED: u16 = 256;
    pub const PRIORITY: u16 = 512;
    /// The bytes lie in the arena and not in the capture.
    pub(super) const ARENA: u16 = 1024;
    /// Where the owner's kind (two bits) and the dialect (three) stand.
    pub(super) const OWNER: u32 = 11;
    pub(super) const DIALECT: u32 = 13;
}

/// In the order of their numbers in [`StunRecord::flags`].
const DIALECTS: [Dialect; 6] =
    [Dialect::Rfc5389, Dialect::Classic, Dialect::MsTurn, Dialect::MsIce, Dialect::MsIce2, Dialect::Google];

/// To what a STUN message belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StunOwner {
    /// A Binding of no ICE session: address discovery, keep-alive.
    Plain,
    Allocation(AllocationIdx),
    Check(GroupIdx),
}

/// One STUN or TURN message. What carries media in TURN is counted, not kept.
#[derive(Debug, Clone, Copy)]
pub struct StunRecord {
    pub time: Nanos,
    /// Position of `len` bytes in the store.
    offset: u64,
    frame: u32,
    pub flow: FlowId,
    /// Between whom it goes; see the module text.
    pub path: FlowId,
    /// Hash of the transaction id.
    pub transaction: u32,
    /// Next message of the same owner; `u32::MAX` at the end.
    next: u32,
    owner: u32,
    /// Value of PRIORITY (with the flag); of [MS-ICE] what stands for it: 256 less the component.
    pub priority: u32,
    capture: u16,
    len: u16,
    /// Message type on the wire.
    pub kind: u16,
    /// Code of ERROR-CODE; 0 without.
    pub error: u16,
    pub flags: u16,
}

impl StunRecord {
    pub fn has(&self, bit: u16) -> bool {
        self.flags & bit != 0
    }

    pub fn frame(&self) -> FrameRef {
        FrameRef { capture: CaptureId(self.capture), frame: self.frame }
    }

    pub fn bytes(&self) -> BytesRef {
        let store = if self.has(stun_flag::ARENA) { BytesRef::ARENA } else { self.capture };
        BytesRef { offset: self.offset, len: u32::from(self.len), store }
    }

    pub fn dialect(&self) -> Dialect {
        DIALECTS[usize::from(self.flags >> stun_flag::DIALECT) % DIALECTS.len()]
    }

    pub fn owner(&self) -> StunOwner {
        match self.flags >> stun_flag::OWNER & 3 {
            1 => StunOwner::Allocation(AllocationIdx(self.owner)),
            2 => StunOwner::Check(GroupIdx(self.owner)),
            _ => StunOwner::Plain,
        }
    }
}

/// Media between two ends: what is counted and not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaOnPath {
    /// Where it was seen.
    pub flow: FlowId,
    pub rtp: u64,
    pub rtcp: u64,
    pub first: Nanos,
    pub first_frame: FrameRef,
    pub last: Nanos,
}

/// To whom a relay carries something.
#[derive(Debug, Clone, Copy)]
enum Carried {
    /// To the peer of a TURN channel; 0: to the active destination.
    Channel(u16),
    /// To the peer that the message names.
    Named(Option<SocketAddr>),
}

/// A request whose answer may still come.
#[derive(Debug, Clone, Copy)]
struct Pending {
    time: Nanos,
    flow: FlowId,
    owner: StunOwner,
    from_first: bool,
}

/// So many packets at once are media on a flow where nothing else was met.
const FLOW_OF_MEDIA: u64 = 3;

/// Requests remembered before those of more than a minute ago are dropped, at least and at most.
const SWEEP_PENDING: usize = 1 << 12;
const MOST_PENDING: usize = 1 << 18;
const PENDING_FOR: Nanos = 60_000_000_000;

/// Allocations by address, each entered when its address becomes known.
#[derive(Debug, Default)]
struct Addresses {
    relayed: Map<SocketAddr, Vec<AllocationIdx>>,
    /// What servers told clients that asked from another address.
    mapped: Map<SocketAddr, Vec<AllocationIdx>>,
    /// Where TURN servers are asked, and their machines.
    servers: Set<SocketAddr>,
    machines: Set<IpAddr>,
}

impl Addresses {
    /// What an allocation came to have; only what is new to it is told.
    fn learn(&mut self, at: AllocationIdx, relayed: Option<SocketAddr>, mapped: Option<SocketAddr>) {
        for (map, address) in [(&mut self.relayed, relayed), (&mut self.mapped, mapped)] {
            if let Some(address) = address {
                map.entry(address).or_default().push(at);
            }
        }
    }
}

/// Everything known of STUN and TURN.
#[derive(Debug, Default)]
pub struct Stun {
    pub records: Vec<StunRecord>,
    pub allocations: Vec<Allocation>,
    /// Where they are found by their addresses.
    addresses: Addresses,
    pub(super) groups: checks::Groups,
    pending: Map<u64, Pending>,
    /// Length of `pending` at which it is swept again.
    sweep_at: usize,
    /// By `FlowId`: twice the index of the flow's allocation, plus 1 towards the client, plus 1; 0 for none.
    turn_flows: Vec<u32>,
    /// By `FlowId`: whether STUN went there.
    spoken: Vec<bool>,
    /// What address a server told a client it has.
    pub mapped: Map<SocketAddr, Mapping>,
    pub(super) carried: carried::CarriedSip,
    /// Media by path.
    pub(super) media: Map<FlowId, Vec<MediaOnPath>>,
    pub statistics: StunStatistics,
}

/// A server told `mapped` to a client that asked from elsewhere (or, without NAT, from there).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    pub server: SocketAddr,
    pub mapped: SocketAddr,
    pub frame: FrameRef,
}

#[derive(Debug, Clone, Default)]
pub struct StunStatistics {
    pub messages: u64,
    pub ms_turn: u64,
    pub classic: u64,
    pub malformed: u64,
    /// Packets of media flows that begin as STUN of RFC 3489 does, which has no cookie, and packets that could be
    /// ChannelData where no STUN is spoken: taken for neither.
    pub lookalikes: u64,
    /// By message type and the dialect it is named in; none stands for ChannelData.
    counts: Vec<(Option<(MessageType, Dialect)>, u64)>,
}

impl StunStatistics {
    fn count(&mut self, kind: Option<(MessageType, Dialect)>, n: u64) {
        match self.counts.iter().position(|(known, _)| *known == kind) {
            Some(at) => self.counts[at].1 += n,
            // There are 2^14 types; who sends them all is no longer told which.
            None if self.counts.len() < 1024 => self.counts.push((kind, n)),
            None => {}
        }
    }

    /// Counts by the name of the message type, `ChannelData` among them.
    pub fn by_type(&self) -> BTreeMap<String, u64> {
        let mut out = BTreeMap::new();
        for (kind, n) in &self.counts {
            let name = kind.map_or("ChannelData".into(), |(kind, dialect)| kind.name(dialect));
            *out.entry(name.into_owned()).or_default() += n;
        }
        out
    }
}

impl Stun {
    pub fn record(&self, index: StunIdx) -> Option<&StunRecord> {
        self.records.get(index.0 as usize)
    }

    /// The allocations that gave an address out.
    pub fn relayed_at(&self, address: SocketAddr) -> impl Iterator<Item = (AllocationIdx, &Allocation)> {
        let of = self.addresses.relayed.get(&address).map_or(&[][..], Vec::as_slice);
        let known = of.iter().filter_map(|&i| Some((i, self.allocations.get(i.0 as usize)?)));
        known.filter(move |(_, a)| a.relayed == Some(address))
    }

    /// Whether a server told this address to a client that asked for a relay from another one.
    pub fn is_mapped(&self, address: SocketAddr) -> bool {
        let of = self.addresses.mapped.get(&address).map_or(&[][..], Vec::as_slice);
        let mut known = of.iter().filter_map(|i| self.allocations.get(i.0 as usize));
        known.any(|a| a.mapped == Some(address) && a.client != address)
    }

    /// Whether relays are asked for there.
    pub(super) fn is_server(&self, address: SocketAddr) -> bool {
        self.addresses.servers.contains(&address)
    }

    /// Whether an address is of a TURN server's machine and not where that server is asked.
    pub fn is_beside_server(&self, address: SocketAddr) -> bool {
        self.addresses.machines.contains(&address.ip()) && !self.addresses.servers.contains(&address)
    }

    /// Messages of an allocation in order of arrival, those inside the relay not among them.
    pub fn messages_of(&self, allocation: AllocationIdx) -> impl Iterator<Item = StunIdx> + '_ {
        let first =
            self.allocations.get(allocation.0 as usize).and_then(|a| a.messages).map(|(first, _)| first);
        self.chain(first)
    }

    /// Messages of a group of checks in order of arrival.
    pub fn checks_of(&self, group: GroupIdx) -> impl Iterator<Item = StunIdx> + '_ {
        self.chain(self.groups.first(group))
    }

    fn chain(&self, first: Option<StunIdx>) -> impl Iterator<Item = StunIdx> + '_ {
        let mut next = first.map_or(u32::MAX, |f| f.0);
        std::iter::from_fn(move || {
            let at = next;
            next = self.records.get(at as usize)?.next;
            Some(StunIdx(at))
        })
    }

    fn note_spoken(&mut self, flow: FlowId) {
        let at = flow.0 as usize;
        if self.spoken.len() <= at {
            self.spoken.resize(at + 1, false);
        }
        self.spoken[at] = true;
    }

    /// Whether STUN went that way.
    pub(super) fn is_spoken(&self, flow: FlowId) -> bool {
        self.spoken.get(flow.0 as usize).is_some_and(|spoken| *spoken)
    }

    /// Whether a client asked for a relay there and has none yet.
    pub(super) fn is_relay_awaited(&self, flow: FlowId) -> bool {
        let allocation = self.allocation_on(flow).and_then(|(i, _)| self.allocations.get(i.0 as usize));
        allocation.is_some_and(|a| a.allocated_at.is_none())
    }

    /// The allocation whose client and server speak on this flow, and whether it runs towards the client.
    pub fn allocation_on(&self, flow: FlowId) -> Option<(AllocationIdx, bool)> {
        let packed = self.turn_flows.get(flow.0 as usize).copied()?.checked_sub(1)?;
        Some((AllocationIdx(packed / 2), packed % 2 == 1))
    }
}

impl Analysis {
    /// Adds a STUN message, a TURN message or a ChannelData frame that was captured by itself. `false`: a limit was
    /// hit and it was only counted.
    pub fn add_stun(&mut self, m: &DecodedStun<'_>) -> bool {
        let facts = m.facts;
        if m.doubtful && !self.speaks_stun(m.src, m.dst, m.transport) {
            return self.take_for_media(m);
        }
        let stun = &mut self.stun.statistics;
        stun.messages += 1;
        if m.channel != 0 {
            stun.count(None, 1);
        } else {
            let classic = matches!(facts.dialect, Dialect::Classic | Dialect::MsIce | Dialect::Google);
            stun.ms_turn += u64::from(facts.dialect == Dialect::MsTurn);
            stun.classic += u64::from(classic);
            stun.malformed += u64::from(facts.malformed && !m.cut);
            stun.count(Some((facts.kind, facts.dialect)), 1);
        }
        let ends = Flow { src: m.src, dst: m.dst, transport: m.transport };
        let hash = m.flow.unwrap_or_else(|| self.flow_hash(&ends));
        let Some(flow) = self.flow_id(ends, hash) else {
            self.note_limit("limit-flows", m.frame, "messages beyond it are counted but not kept");
            return false;
        };
        self.stun.note_spoken(flow);
        match facts.method {
            Method::BINDING | Method::GOOG_PING => {
                let inner = if m.channel == 0 { 0 } else { stun_flag::INNER };
                let (packets, bytes) = (u64::from(!m.duplicate), m.message.len() as u64);
                let path = self.relayed_path(flow, Carried::Channel(m.channel), m.time, packets, bytes);
                self.binding(m, facts, flow, path, inner)
            }
            Method::SHARED_SECRET => self.keep(m, facts, flow, flow, StunOwner::Plain, 0),
            _ => self.turn(m, flow),
        }
    }

    /// Whether STUN went between two ends before, in either direction.
    fn speaks_stun(&self, a: SocketAddr, b: SocketAddr, transport: Transport) -> bool {
        let known = [(a, b), (b, a)].into_iter().filter_map(|(a, b)| self.find_flow(a, b, transport));
        known.into_iter().any(|f| self.stun.spoken.get(f.0 as usize).copied().unwrap_or(false))
    }

    /// Counts what only looks like STUN, on a flow of media.
    fn take_for_media(&mut self, m: &DecodedStun<'_>) -> bool {
        self.stun.statistics.lookalikes += 1;
        if !m.duplicate {
            let kind = MediaKind::Other;
            let len = m.message.len();
            self.add_media(&MediaTally::one(m.src, m.dst, m.transport, 0, kind, len, m.time, m.frame));
        }
        true
    }

    /// Counts media that passed on a flow, or in a channel of it.
    pub fn add_media(&mut self, tally: &MediaTally) {
        if tally.channel != 0 {
            let n = tally.packets() + tally.duplicates;
            // A length that fits proves little where no STUN went before.
            let known = tally.rtp + tally.rtcp > 0 || self.speaks_stun(tally.src, tally.dst, tally.transport);
            let statistics = &mut self.stun.statistics;
            if !known {
                statistics.lookalikes += n;
                return;
            }
            statistics.messages += n;
            statistics.count(None, n);
        }
        if tally.packets() == 0 {
            return;
        }
        let Some(flow) = self.flow_of(tally.src, tally.dst, tally.transport) else { return };
        let to = Carried::Channel(tally.channel);
        let path = self.relayed_path(flow, to, tally.last, tally.packets(), tally.bytes);
        // A few packets that look like RTP make no media, or a scan of ports would fill the memory.
        let media = tally.rtp + tally.rtcp;
        let is_media = path != flow
            || media >= FLOW_OF_MEDIA
            || self.media.has_stream(flow)
            || self.speaks_stun(tally.src, tally.dst, tally.transport);
        if media > 0 && is_media {
            self.media_on(path, flow, tally);
        }
    }

    /// Adds to the media of a path, as seen on one flow of it.
    fn media_on(&mut self, path: FlowId, flow: FlowId, tally: &MediaTally) {
        let new = MediaOnPath {
            flow,
            rtp: 0,
            rtcp: 0,
            first: tally.first,
            first_frame: tally.first_frame,
            last: tally.last,
        };
        let known = self.stun.media.entry(path).or_default();
        let at = known.iter().position(|m| m.flow == flow).unwrap_or_else(|| {
            known.push(new);
            known.len() - 1
        });
        let Some(m) = known.get_mut(at) else { return };
        m.rtp += tally.rtp;
        m.rtcp += tally.rtcp;
        if tally.first < m.first {
            (m.first, m.first_frame) = (tally.first, tally.first_frame);
        }
        m.last = m.last.max(tally.last);
    }

    /// Media from one end to another, relayed addresses standing for the clients of relays. Where both sides of a relay
    /// were captured the side that shows more counts.
    pub fn media_between(
        &self,
        src: SocketAddr,
        dst: SocketAddr,
        transport: Transport,
    ) -> Option<MediaOnPath> {
        if self.stun.media.is_empty() {
            return None;
        }
        let path = self.find_flow(src, dst, transport)?;
        self.stun.media.get(&path)?.iter().max_by_key(|m| (m.rtp, m.rtcp)).copied()
    }

    /// The call whose SDP has a name that a group of checks goes by.
    pub fn call_of_checks(&self, group: GroupIdx) -> Option<CallIdx> {
        let groups = &self.stun.groups;
        groups.list.get(group.0 as usize)?.names.into_iter().find_map(|name| groups.call_of(name))
    }

    /// The id of a flow that was met.
    pub fn find_flow(&self, src: SocketAddr, dst: SocketAddr, transport: Transport) -> Option<FlowId> {
        let flow = Flow { src, dst, transport };
        self.known_flow(flow, self.flow_hash(&flow))
    }

    fn flow_hash(&self, flow: &Flow) -> u64 {
        Keys::flow_hash(flow.src, flow.dst, flow.transport, self.strings.state())
    }

    pub(super) fn flow_of(
        &mut self,
        src: SocketAddr,
        dst: SocketAddr,
        transport: Transport,
    ) -> Option<FlowId> {
        let flow = Flow { src, dst, transport };
        self.flow_id(flow, self.flow_hash(&flow))
    }

    /// Where what an allocation's client and server exchange goes between the relayed address and the peer; counts it
    /// there. The flow itself where it is of no allocation or the peer is not known.
    fn relayed_path(
        &mut self,
        flow: FlowId,
        carried: Carried,
        time: Nanos,
        packets: u64,
        bytes: u64,
    ) -> FlowId {
        let Some((at, to_client)) = self.stun.allocation_on(flow) else { return flow };
        let Some(a) = self.stun.allocations.get_mut(at.0 as usize) else { return flow };
        a.last = a.last.max(time);
        let peer = match carried {
            Carried::Channel(0) => a.active,
            Carried::Channel(channel) => a.peer_of_channel(channel),
            Carried::Named(peer) => peer,
        };
        let Some(peer) = peer else { return flow };
        if packets > 0
            && let Some(p) = a.peer(peer, self.limits.turn_peers)
        {
            if to_client {
                p.received_packets += packets;
                p.received_bytes += bytes;
            } else {
                p.sent_packets += packets;
                p.sent_bytes += bytes;
            }
            p.permitted |= to_client;
        }
        let (relayed, transport) = (a.stands_for_client(), a.relay_transport());
        let (src, dst) = if to_client { (peer, relayed) } else { (relayed, peer) };
        self.flow_of(src, dst, transport).unwrap_or(flow)
    }

    /// A Binding message: a check where it names two parties, else address discovery.
    fn binding(
        &mut self,
        m: &DecodedStun<'_>,
        facts: &StunFacts,
        flow: FlowId,
        path: FlowId,
        mut flags: u16,
    ) -> bool {
        let key = facts.transaction;
        let mut owner = StunOwner::Plain;
        match facts.class {
            Class::Request => {
                if let Some((receiver, sender)) = facts.names {
                    let most = self.limits.check_groups;
                    match self.stun.groups.of_request(receiver, sender, most) {
                        Some((group, first)) => {
                            owner = StunOwner::Check(group);
                            flags |= if first { stun_flag::FROM_FIRST } else { 0 };
                        }
                        None => {
                            self.note_limit(
                                "limit-check-groups",
                                m.frame,
                                "checks between more names are not joined",
                            );
                        }
                    }
                }
                let from_first = flags & stun_flag::FROM_FIRST != 0;
                self.sweep_pending(m.time);
                match self.stun.pending.entry(key) {
                    Entry::Occupied(known) if known.get().flow == flow && !m.duplicate => {
                        flags |= stun_flag::RETRANSMISSION;
                    }
                    Entry::Occupied(_) => {}
                    Entry::Vacant(free) => {
                        free.insert(Pending { time: m.time, flow, owner, from_first });
                    }
                }
            }
            Class::Success | Class::Error => {
                if let Some(p) = self.stun.pending.get(&key) {
                    owner = p.owner;
                    flags |= if p.from_first { 0 } else { stun_flag::FROM_FIRST };
                }
                if owner == StunOwner::Plain
                    && let Some(mapped) = facts.mapped
                    && self.stun.mapped.len() < self.limits.names
                {
                    let new = Mapping { server: m.src, mapped, frame: m.frame };
                    self.stun.mapped.entry(m.dst).or_insert(new);
                }
            }
            Class::Indication => {}
        }
        self.keep(m, facts, flow, path, owner, flags)
    }

    fn sweep_pending(&mut self, now: Nanos) {
        let stun = &mut self.stun;
        if stun.pending.len() >= stun.sweep_at.max(SWEEP_PENDING) {
            stun.pending.retain(|_, p| now.saturating_sub(p.time) <= PENDING_FOR);
            if stun.pending.len() >= MOST_PENDING {
                stun.pending.clear();
            }
            stun.sweep_at = stun.pending.len() * 2;
        }
    }

    /// Makes the record of a message and puts it at the end of its owner's list.
    fn keep(
        &mut self,
        m: &DecodedStun<'_>,
        facts: &StunFacts,
        flow: FlowId,
        path: FlowId,
        owner: StunOwner,
        mut flags: u16,
    ) -> bool {
        let index = self.stun.records.len();
        if index >= self.limits.stun_messages.min(u32::MAX as usize) {
            self.note_limit("limit-stun-messages", m.frame, "messages beyond it are counted but not kept");
            return false;
        }
        let Some(bytes) = self.place(&m.place, m.frame) else { return false };
        // What a check of [MS-ICE] says instead of a priority is the component.
        let component = facts.component.map(|c| 256 - u32::from(c));
        let priority = facts.priority.or(component);
        let mut set = |on: bool, bit: u16| flags |= if on { bit } else { 0 };
        set(m.duplicate, stun_flag::DUPLICATE);
        set(m.cut, stun_flag::CUT);
        set(facts.use_candidate, stun_flag::USE_CANDIDATE);
        set(facts.controlling, stun_flag::CONTROLLING);
        set(facts.controlled, stun_flag::CONTROLLED);
        set(facts.malformed && !m.cut, stun_flag::MALFORMED);
        set(priority.is_some(), stun_flag::PRIORITY);
        set(bytes.store == BytesRef::ARENA, stun_flag::ARENA);
        let (owner_kind, at): (u16, u32) = match owner {
            StunOwner::Plain => (0, u32::MAX),
            StunOwner::Allocation(a) => (1, a.0),
            StunOwner::Check(g) => (2, g.0),
        };
        let dialect = DIALECTS.iter().position(|d| *d == facts.dialect).unwrap_or(0) as u16;
        flags |= owner_kind << stun_flag::OWNER | dialect << stun_flag::DIALECT;
        self.stun.records.push(StunRecord {
            time: m.time,
            offset: bytes.offset,
            frame: m.frame.frame,
            flow,
            path,
            transaction: facts.transaction as u32,
            next: u32::MAX,
            owner: at,
            priority: priority.unwrap_or(0),
            capture: m.frame.capture.0,
            len: u16::try_from(bytes.len).unwrap_or(u16::MAX),
            kind: facts.kind.0,
            error: facts.error,
            flags,
        });
        let index = StunIdx(index as u32);
        self.newest = self.newest.max(m.time);
        let last = match owner {
            StunOwner::Plain => None,
            StunOwner::Allocation(a) => self.stun.allocations.get_mut(a.0 as usize).and_then(|a| {
                a.message_count += 1;
                let last = a.messages.map(|(_, last)| last);
                a.messages = Some((a.messages.map_or(index, |(first, _)| first), index));
                last
            }),
            StunOwner::Check(g) => self.stun.groups.append(g, index),
        };
        if let Some(last) = last
            && let Some(record) = self.stun.records.get_mut(last.0 as usize)
        {
            record.next = index.0;
        }
        true
    }
}
