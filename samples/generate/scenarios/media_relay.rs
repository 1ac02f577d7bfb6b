//! Media by way of a relay: Communicator over UDP and TCP 443, and channels of RFC 8656.

use super::communicator::{alice, bob};
use super::ice::{Agent, Checks};
use super::media::{CALM, FAR, NEAR, body, in_order, talk};
use super::{START, at};
use crate::call::{Call, Extra};
use crate::media::{Carrier, OPUS, RTAUDIO, Session, Stream};
use crate::media_rtcp::Participant;
use crate::scene::{Party, Scene, sdp};
use crate::stun::{Relay, Way};

const FILE: &str = "media_relay.pcap";
const USER: &str = "AgAAJAFTru4By";

fn agent(ufrag: &'static str, checks: Checks, controlling: bool, host: &[&str], relayed: &[&str]) -> Agent {
    let list = |l: &[&str]| l.iter().map(|a| at(a)).collect();
    let password = if controlling { "qkEP6bVVmSBBqR2IEnLFWr/L" } else { "Y6Yd5gWbUCTCsn1Qfq7b3g==" };
    let (host, relayed) = (list(host), list(relayed));
    Agent { ufrag, password, checks, controlling, host, mapped: Vec::new(), relayed, relayed_tcp: None }
}

fn early(sdp: String) -> Extra<'static> {
    body(sdp).and("Require", "100rel").and("RSeq", "1")
}

/// [MS-RTP]: the profile-specific extension by which a client tells the bandwidth its relay grants, 64000 bit/s.
const TURN_BANDWIDTH: [u8; 12] = [0, 8, 0, 12, 0, 0, 0, 0, 0, 0, 0xfa, 0];

/// Up to the answer: INVITE with the list, early answer, PRACK, checks out of the relay, 200.
fn connected(s: &mut Scene, ours: &Agent, theirs: &Agent, relays: &mut [Relay], peers: &[&str]) -> Call {
    let far_bob = Party { at: at("213.199.141.180:5060"), ..bob() };
    let mut c = Call::new(s, &alice(), &far_bob, None);
    c.request(s, "INVITE", true, &body(ours.v19()));
    c.respond(s, 100, "Trying", &Extra::default());
    s.wait(150);
    c.respond(s, 183, "Session Progress", &early(theirs.v19()));
    c.request(s, "PRACK", false, &Extra::header("RAck", "1 1 INVITE"));
    c.respond(s, 200, "OK", &Extra::default());
    c.back_to_invite();
    for (n, (relay, peer)) in relays.iter_mut().zip(peers).enumerate() {
        ours.through(s, relay, theirs, at(peer), n as u8 + 1, true);
    }
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(700);
    c.respond(s, 200, "OK", &Extra::default());
    c.request(s, "ACK", false, &Extra::default());
    c
}

/// First in Send and Data, then to the active destination; RTCP by an allocation of its own.
fn by_udp(s: &mut Scene) {
    let edge = at("213.199.141.181:3478");
    let ours = agent(
        "6nxO",
        Checks::MsIce2,
        true,
        &["192.168.100.112:50036", "192.168.100.112:50032"],
        &["213.199.141.181:57309", "213.199.141.181:54054"],
    );
    let peers = ["213.199.141.181:51721", "213.199.141.181:58975"];
    let theirs = agent("u3wF", Checks::MsIce2, false, &["10.10.0.24:50019", "10.10.0.24:50021"], &peers);
    let seen = ["171.231.102.218:50043", "171.231.102.218:50039"];
    let mut relays: Vec<Relay> = (0..2)
        .map(|n| Relay::new(s, true, Way::Udp, ours.host[n], edge, at(seen[n]), ours.relayed[n], USER))
        .collect();
    for relay in &mut relays {
        relay.dscp = (40, 0);
        relay.allocate(s, 600);
    }
    let mut c = connected(s, &ours, &theirs, &mut relays, &peers);
    let peer = at(peers[0]);
    let up = Stream::new(s, RTAUDIO, Carrier::Wrapped { relay: 0, up: true, peer }, 40).delays(NEAR, FAR);
    let down = Stream::new(s, RTAUDIO, Carrier::Wrapped { relay: 0, up: false, peer }, 0).delays(FAR, NEAR);
    let way = |up| Carrier::Active { relay: 1, up };
    let mut us = Participant::new(s, "alice@contoso.com", way(true), &[0], &[1]).delays(NEAR, FAR);
    let mut them = Participant::new(s, "bob@contoso.com", way(false), &[1], &[0]).delays(FAR, NEAR);
    us.extension = TURN_BANDWIDTH.to_vec();
    them.next += 500_000;
    let mut m = Session::new(vec![up, down], vec![us.ahead(-820_000), them.ahead(40_000)]);
    talk(s, &mut m, 20);
    m.play(s, &mut relays);
    s.wait(30);
    c.request(s, "INVITE", false, &body(ours.chosen(&ours.relayed, &theirs.relayed)));
    c.respond(s, 200, "OK", &body(theirs.chosen(&theirs.relayed, &ours.relayed)));
    c.request(s, "ACK", false, &Extra::default());
    for (relay, peer) in relays.iter_mut().zip(&theirs.relayed) {
        relay.active(s, *peer);
    }
    m.streams[0].by = Carrier::Active { relay: 0, up: true };
    m.streams[1].by = Carrier::Active { relay: 0, up: false };
    m.resume(s);
    talk(s, &mut m, 160);
    m.play(s, &mut relays);
    m.tell(
        FILE,
        "audio of call 1 via 213.199.141.181:3478 213.199.141.181:57309 213.199.141.181:51721",
        &relays,
    );
    c.bye(s);
    for relay in &relays {
        relay.granted(s, 0, true);
    }
    s.wait(1_500);
}

/// RTP and RTCP in one channel.
fn by_channel(s: &mut Scene) {
    let (a, b) = (super::alice(), super::bob());
    let (server, seen, peer) = (at("198.51.100.7:3478"), at("192.0.2.44:61000"), at("203.0.113.9:40000"));
    let ours = agent("bRow", Checks::Rfc, true, &["10.10.0.21:54400"], &["198.51.100.7:49152"]);
    let theirs = agent("pHon", Checks::Rfc, false, &["203.0.113.9:40000"], &[]);
    let mut relays =
        vec![Relay::new(s, false, Way::Udp, ours.host[0], server, seen, ours.relayed[0], "browser")];
    relays[0].dscp = (46, 46);
    relays[0].allocate(s, 600);
    let told = |who: &Agent, at: std::net::SocketAddr, kind: &str| {
        let more = format!(
            "a=rtcp-mux\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=candidate:1 1 UDP {} {} {} typ {kind}\r\na=end-of-candidates\r\n",
            who.ufrag,
            who.password,
            if kind == "host" { 2_130_706_431u32 } else { 16_777_215 },
            at.ip(),
            at.port()
        );
        sdp("-", 4_611, 2, at, "109 101", &more)
    };
    let mut c = Call::new(s, &a, &b, None);
    let offer = told(&ours, ours.relayed[0], "relay raddr 192.0.2.44 rport 61000");
    c.establish(s, &offer, &told(&theirs, peer, "host"), 700);
    relays[0].permit(s, peer, Some(0x4001));
    let (id, check) = ours.check(s, &theirs, true);
    relays[0].channel(s, true, 0x4001, &check);
    s.wait(40);
    relays[0].channel(s, false, 0x4001, &theirs.answer(id, relays[0].relayed));
    s.wait(5);
    let way = |up| Carrier::Channel { relay: 0, up, channel: 0x4001 };
    let up = Stream::new(s, OPUS, way(true), 46).delays(NEAR, FAR);
    let down = Stream::new(s, OPUS, way(false), 46).delays(FAR, NEAR);
    let us = Participant::new(s, "d41d8cd98f00b204", way(true), &[0], &[1]).delays(NEAR, FAR);
    let mut them = Participant::new(s, "bob@203.0.113.9", way(false), &[1], &[0]).delays(FAR, NEAR);
    them.next += 300_000;
    let mut m = Session::new(vec![up, down], vec![us.ahead(2_000), them.ahead(-3_600_000_000)]);
    talk(s, &mut m, 170);
    m.play(s, &mut relays);
    m.tell(FILE, "audio of call 2 via 198.51.100.7:3478 198.51.100.7:49152 203.0.113.9:40000", &relays);
    c.bye(s);
    relays[0].granted(s, 0, true);
    s.wait(1_500);
}

/// UDP is blocked: everything in Microsoft's frames over TCP 443, RTCP among it.
fn by_tcp(s: &mut Scene) {
    let mut ours = agent("tcPo", Checks::MsIce2, true, &["192.168.100.112:50060"], &[]);
    let mut theirs = agent("tcPa", Checks::MsIce2, false, &["10.10.0.24:50023"], &[]);
    let (relayed, peer) = ("213.199.141.181:53060", "213.199.141.181:56060");
    let seen = at("171.231.102.218:50067");
    let edge = at("213.199.141.181:3478");
    Relay::new(s, true, Way::Udp, ours.host[0], edge, seen, at(relayed), USER).unheard(s, 3);
    let edge = at("213.199.141.181:443");
    let mut relays = vec![Relay::new(s, true, Way::Tcp, ours.host[0], edge, seen, at(relayed), USER)];
    relays[0].dscp = (40, 0);
    relays[0].allocate(s, 600);
    ours.relayed_tcp = Some(at(relayed));
    theirs.relayed_tcp = Some(at(peer));
    let mut c = connected(s, &ours, &theirs, &mut relays, &[peer]);
    let (own, far) = ([at(relayed)], [at(peer)]);
    c.request(s, "INVITE", false, &body(ours.chosen(&own, &far).replace("UDP", "TCP-ACT")));
    c.respond(s, 200, "OK", &body(theirs.chosen(&far, &own).replace("UDP", "TCP-PASS")));
    c.request(s, "ACK", false, &Extra::default());
    relays[0].active(s, far[0]);
    let way = |up| Carrier::Active { relay: 0, up };
    let up = Stream::new(s, RTAUDIO, way(true), 40).delays(NEAR, FAR);
    let down = Stream::new(s, RTAUDIO, way(false), 0).delays(FAR, NEAR);
    let us = Participant::new(s, "alice@contoso.com", way(true), &[0], &[1]).delays(NEAR, FAR);
    let mut them = Participant::new(s, "bob@contoso.com", way(false), &[1], &[0]).delays(FAR, NEAR);
    them.next += 700_000;
    let mut m = Session::new(vec![up, down], vec![us, them]);
    for t in &mut m.streams {
        t.talk(&mut s.random, 170);
        t.queue(&mut s.random, 4 * CALM);
    }
    m.play(s, &mut relays);
    m.tell(
        FILE,
        "audio of call 3 via 213.199.141.181:443 213.199.141.181:53060 213.199.141.181:56060",
        &relays,
    );
    c.bye(s);
    relays[0].granted(s, 0, true);
}

pub fn relayed() -> Scene {
    let mut s = Scene::new(76, START);
    by_udp(&mut s);
    by_channel(&mut s);
    by_tcp(&mut s);
    in_order(s)
}
