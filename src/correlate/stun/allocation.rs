//! TURN allocations (RFC 8656, RFC 6062, [MS-TURN]): one for each attempt of a client at a server over a transport.

use std::net::SocketAddr;

use super::StunIdx;
use crate::capture::Nanos;
use crate::correlate::model::Str;
use crate::decode::Transport;

use callscope_parsers::stun::Dialect;

/// Rounds kept of one allocation; refreshes go on for hours.
const MOST_ROUNDS: usize = 256;

/// A request of the allocation's own life (Allocate, Refresh) and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    pub request: Option<StunIdx>,
    pub response: Option<StunIdx>,
    /// Hash of the transaction id.
    pub transaction: u32,
    /// Code of the error; 0 for success or no answer.
    pub error: u16,
    /// How often the request was sent.
    pub sent: u32,
    /// It asked for a lifetime of 0: a release.
    pub release: bool,
    /// It is one of Allocate (not Refresh).
    pub allocate: bool,
    /// It carried credentials (USERNAME or MESSAGE-INTEGRITY).
    pub credentials: bool,
}

/// Somebody the client talks to through the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    pub address: SocketAddr,
    pub channel: Option<u16>,
    /// A permission or channel was granted, or data passed.
    pub permitted: bool,
    /// It was the active destination ([MS-TURN] Set Active Destination).
    pub active: bool,
    /// Packets from the client to the peer, and back.
    pub sent_packets: u64,
    pub received_packets: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AllocationState {
    Allocated,
    Released,
    /// Its lifetime ran out within the capture without a refresh.
    Expired,
    Rejected,
    Unanswered,
}

impl AllocationState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Allocated => "allocated",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Unanswered => "unanswered",
        }
    }
}

/// One attempt. Addresses are as seen where the capture was made.
#[derive(Debug, Clone)]
pub struct Allocation {
    pub client: SocketAddr,
    pub server: SocketAddr,
    pub transport: Transport,
    pub dialect: Dialect,
    pub username: Str,
    pub realm: Str,
    pub software: Str,
    pub rounds: Vec<Round>,
    /// Rounds beyond those kept.
    pub rounds_not_kept: u32,
    /// The client's address as the server sees it.
    pub mapped: Option<SocketAddr>,
    pub relayed: Option<SocketAddr>,
    /// Seconds granted last.
    pub lifetime: Option<u32>,
    pub bandwidth: Option<u32>,
    pub refreshes: u32,
    pub peers: Vec<Peer>,
    /// Code and reason of the last error, if no success followed it.
    pub error: Option<(u16, Str)>,
    /// Where the server sent the client (300), or (MS-TURN's 401) its own address.
    pub alternate: Option<SocketAddr>,
    /// All non-STUN payload of the flow belongs to this peer ([MS-TURN] §3.1).
    pub active: Option<SocketAddr>,
    pub first: Nanos,
    pub last: Nanos,
    pub allocated_at: Option<Nanos>,
    /// Time of the last success that granted a lifetime.
    pub granted_at: Nanos,
    pub released: bool,
    /// SIP Call-ID named by the client itself ([MS-TURNBWM] SIP Call Id), as a string.
    pub call_id: Str,
    /// First and last message kept.
    pub messages: Option<(StunIdx, StunIdx)>,
    pub message_count: u32,
    /// Set Active Destination requests not answered yet: transaction and peer.
    pub(super) destination_asked: Option<(u32, SocketAddr)>,
    /// ChannelBind and CreatePermission not answered yet.
    pub(super) asked: Vec<(u32, SocketAddr, Option<u16>)>,
}

impl Allocation {
    pub(super) fn new(
        client: SocketAddr,
        server: SocketAddr,
        transport: Transport,
        dialect: Dialect,
        time: Nanos,
    ) -> Self {
        Self {
            client,
            server,
            transport,
            dialect,
            username: Str(0),
            realm: Str(0),
            software: Str(0),
            rounds: Vec::new(),
            rounds_not_kept: 0,
            mapped: None,
            relayed: None,
            lifetime: None,
            bandwidth: None,
            refreshes: 0,
            peers: Vec::new(),
            error: None,
            alternate: None,
            active: None,
            first: time,
            last: time,
            allocated_at: None,
            granted_at: time,
            released: false,
            call_id: Str(0),
            messages: None,
            message_count: 0,
            destination_asked: None,
            asked: Vec::new(),
        }
    }

    /// How it stands at `now`, the newest time of its capture.
    pub fn state(&self, now: Nanos) -> AllocationState {
        if self.released {
            return AllocationState::Released;
        }
        if self.allocated_at.is_some() {
            let lifetime = i64::from(self.lifetime.unwrap_or(u32::MAX)).saturating_mul(1_000_000_000);
            let over = self.granted_at.saturating_add(lifetime) < now && self.last < now;
            return if over { AllocationState::Expired } else { AllocationState::Allocated };
        }
        match self.rounds.iter().any(|r| r.response.is_some()) {
            true => AllocationState::Rejected,
            // What the capture shows of it was not its beginning.
            false if self.rounds.is_empty() => AllocationState::Allocated,
            false => AllocationState::Unanswered,
        }
    }

    /// Whether the client's address is translated on the way to the server; none where it is not known.
    pub fn nat(&self) -> Option<bool> {
        self.mapped.map(|mapped| mapped != self.client)
    }

    /// The address that stands for the client on the other side of the relay.
    pub fn stands_for_client(&self) -> SocketAddr {
        self.relayed.unwrap_or(self.server)
    }

    /// Of the relay's other side: [MS-TURN] allocates for the transport it is spoken over, RFC 8656 for UDP.
    pub fn relay_transport(&self) -> Transport {
        if self.dialect == Dialect::MsTurn { self.transport } else { Transport::Udp }
    }

    pub(super) fn round(&mut self, round: Round) -> Option<&mut Round> {
        if let Some(at) = self.rounds.iter().rposition(|r| r.transaction == round.transaction) {
            return self.rounds.get_mut(at);
        }
        if self.rounds.len() >= MOST_ROUNDS {
            self.rounds_not_kept += 1;
            return None;
        }
        self.rounds.push(round);
        self.rounds.last_mut()
    }

    pub(super) fn peer(&mut self, address: SocketAddr, most: usize) -> Option<&mut Peer> {
        // A peer in use is among the last few.
        if let Some(at) = self.peers.iter().rposition(|p| p.address == address) {
            return self.peers.get_mut(at);
        }
        if self.peers.len() >= most {
            return None;
        }
        self.peers.push(Peer {
            address,
            channel: None,
            permitted: false,
            active: false,
            sent_packets: 0,
            received_packets: 0,
            sent_bytes: 0,
            received_bytes: 0,
        });
        self.peers.last_mut()
    }

    pub(in crate::correlate) fn peer_of_channel(&self, channel: u16) -> Option<SocketAddr> {
        self.peers.iter().rev().find(|p| p.channel == Some(channel)).map(|p| p.address)
    }
}
