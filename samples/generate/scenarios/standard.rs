//! Clients that speak ICE and TURN as the RFCs have them: an office behind a NAT, and whom it calls.

use std::net::SocketAddr;

use super::at;
use super::ice::{Agent, Checks};
use super::paths::agent;
use crate::media::Carrier;
use crate::scene::{Party, Scene, sdp};
use crate::stun::{Relay, Way};

pub const TURN: &str = "198.51.100.7:3478";
/// The office's NAT, which keeps ports.
const NAT: &str = "192.0.2.44";

/// Somebody in the office.
pub fn phone(user: &'static str, display: &'static str, client: &str) -> Party {
    let agent = "Litware Softphone/2.7";
    Party { user, display, domain: "contoso.com", at: at(client), agent, epid: "", transport: "UDP" }
}

/// Somebody of a provider, reached by its proxy.
pub fn outside(user: &'static str) -> Party {
    let (domain, agent) = ("fabrikam.com", "Fabrikam Phone 4.1.2");
    Party { user, display: "", domain, at: at("203.0.113.5:5060"), agent, epid: "", transport: "UDP" }
}

/// The same port of the NAT.
pub fn seen(local: SocketAddr) -> SocketAddr {
    SocketAddr::new(at(&format!("{NAT}:0")).ip(), local.port())
}

/// A side with its ufrag; the caller is in control.
pub fn side(
    ufrag: &'static str,
    controlling: bool,
    host: &[&str],
    mapped: &[&str],
    relayed: &[&str],
) -> Agent {
    agent(ufrag, Checks::Rfc, controlling, host, mapped, relayed)
}

/// Preferences of candidate types, host first: RFC 8445 section 5.1.2.2, and of a client that wants its relay.
pub const USUAL: [u32; 3] = [126, 100, 0];
pub const BY_RELAY: [u32; 3] = [0, 100, 126];

/// The lines of ICE of a side, by the preference of each type; `more` lines go with them.
pub fn described(who: &Agent, preferences: [u32; 3], more: &str) -> String {
    let default = who.relayed.first().or(who.mapped.first()).or(who.host.first());
    let mut lines = format!("a=rtcp-mux\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", who.ufrag, who.password);
    let base = |i: usize| who.host.get(i).or(who.host.first()).copied();
    let kinds = [("host", &who.host), ("srflx", &who.mapped), ("relay", &who.relayed)];
    let mut local = 65_535;
    for (n, (kind, addresses)) in kinds.into_iter().enumerate() {
        for (i, at) in addresses.iter().enumerate() {
            let priority = (preferences[n] << 24) + (local << 8) + 255;
            local -= 256;
            lines += &format!("a=candidate:{} 1 UDP {priority} {} {} typ {kind}", n + 1, at.ip(), at.port());
            let related = if kind == "relay" { who.mapped.first().copied() } else { base(i) };
            if let Some(related) = related.filter(|_| kind != "host") {
                lines += &format!(" raddr {} rport {}", related.ip(), related.port());
            }
            lines += "\r\n";
        }
    }
    let default = default.copied().unwrap_or(at("0.0.0.0:9"));
    sdp("-", 3_911, 1, default, "18 101", &format!("a=ptime:60\r\n{lines}{more}a=end-of-candidates\r\n"))
}

/// A client of the office at the provider's relay, granted nothing yet.
pub fn turn_client(s: &mut Scene, local: SocketAddr, relayed: &str, user: &'static str) -> Relay {
    Relay::new(s, false, Way::Udp, local, at(TURN), seen(local), at(relayed), user)
}

/// A check of the office's side that is answered, `mapped` the address it comes from.
pub fn probe(
    s: &mut Scene,
    (ours, theirs): (&Agent, &Agent),
    (local, peer): (SocketAddr, SocketAddr),
    mapped: SocketAddr,
    nominate: bool,
) {
    let (id, request) = ours.check(s, theirs, nominate);
    s.udp(local, peer, 0, &request);
    s.wait(38);
    s.udp(peer, local, 0, &theirs.answer(id, mapped));
    s.wait(4);
}

/// A check of the other side that arrives and is answered.
pub fn probe_back(
    s: &mut Scene,
    (ours, theirs): (&Agent, &Agent),
    (local, peer): (SocketAddr, SocketAddr),
    nominate: bool,
) {
    let (id, request) = theirs.check(s, ours, nominate);
    s.udp(peer, local, 0, &request);
    s.wait(1);
    s.udp(local, peer, 0, &ours.answer(id, peer));
    s.wait(4);
}

/// A check out of the channel of a relay, answered.
pub fn probe_in_channel(
    s: &mut Scene,
    (ours, theirs): (&Agent, &Agent),
    relay: &Relay,
    channel: u16,
    nominate: bool,
) {
    let (id, request) = ours.check(s, theirs, nominate);
    relay.channel(s, true, channel, &request);
    s.wait(46);
    relay.channel(s, false, channel, &theirs.answer(id, relay.relayed));
    s.wait(4);
}

/// A conversation in G.729, 60 ms a packet, on one way after the other.
pub struct Talk {
    ssrc: [u32; 2],
    sequence: [u16; 2],
    timestamp: [u32; 2],
}

impl Talk {
    pub fn new(s: &mut Scene) -> Self {
        Self {
            ssrc: [s.random.next() as u32, s.random.next() as u32],
            sequence: [s.random.next() as u16 & 0x3fff, s.random.next() as u16 & 0x3fff],
            timestamp: [s.random.next() as u32, s.random.next() as u32],
        }
    }

    /// `count` packets each way; `ways`: from the office, and back.
    pub fn on(&mut self, s: &mut Scene, relays: &mut [Relay], ways: [Carrier; 2], count: usize) {
        for _ in 0..count {
            for (n, way) in ways.into_iter().enumerate() {
                let mut packet = vec![0x80, 18];
                packet.extend(self.sequence[n].to_be_bytes());
                packet.extend(self.timestamp[n].to_be_bytes());
                packet.extend(self.ssrc[n].to_be_bytes());
                packet.extend([0x5a; 60]);
                way.send(s, relays, 46, &packet);
                self.sequence[n] = self.sequence[n].wrapping_add(1);
                self.timestamp[n] = self.timestamp[n].wrapping_add(480);
                s.now += 7_000;
            }
            s.now += 46_000;
        }
    }
}

/// Both directions between two ends.
pub fn straight(local: SocketAddr, peer: SocketAddr) -> [Carrier; 2] {
    [Carrier::Straight(local, peer), Carrier::Straight(peer, local)]
}

/// Both directions of a channel of the first relay.
pub fn in_channel(channel: u16) -> [Carrier; 2] {
    [true, false].map(|up| Carrier::Channel { relay: 0, up, channel })
}
