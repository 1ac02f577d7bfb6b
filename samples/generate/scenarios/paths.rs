//! Calls whose media has to find a path: Communicators behind NATs and a relay, browsers, and each way to fail.

use std::net::SocketAddr;

use super::communicator::{BOUNDARY, CODECS, alice, bob, head};
use super::ice::{Agent, Checks, v06};
use super::{START, at, sdp};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene};
use crate::stun::{Relay, Stun, Way};

pub(super) const EDGE: &str = "213.199.141.181:3478";
const EDGE_TCP: &str = "213.199.141.181:443";

/// Bob as Alice sees him: behind the Access Edge.
fn far_bob() -> Party {
    Party { at: at("213.199.141.180:5060"), ..bob() }
}

pub(super) fn agent(
    ufrag: &'static str,
    checks: Checks,
    controlling: bool,
    host: &[&str],
    mapped: &[&str],
    relayed: &[&str],
) -> Agent {
    let list = |l: &[&str]| l.iter().map(|a| at(a)).collect();
    let password = if controlling { "qkEP6bVVmSBBqR2IEnLFWr/L" } else { "Y6Yd5gWbUCTCsn1Qfq7b3g==" };
    let (host, mapped, relayed) = (list(host), list(mapped), list(relayed));
    Agent { ufrag, password, checks, controlling, host, mapped, relayed, relayed_tcp: None }
}

pub(super) fn body(sdp: String) -> Extra<'static> {
    Extra::body("application/sdp", sdp)
}

fn early(sdp: String) -> Extra<'static> {
    body(sdp).and("Require", "100rel").and("RSeq", "1")
}

pub(super) fn both(fallback: String, main: String) -> Extra<'static> {
    let part = |more: &str, sdp: String| {
        format!(
            "--{BOUNDARY}\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: 7bit\r\nContent-Disposition: session; handling=optional{more}\r\n\r\n{sdp}\r\n"
        )
    };
    let text = part("; ms-proxy-2007fallback", fallback) + &part("", main) + &format!("--{BOUNDARY}--\r\n");
    Extra::body("multipart/alternative;boundary=\"----=_NextPart_000_0001_01C9C39A.0DB5C0E0\"", text)
}

fn acknowledged_early(c: &mut Call, s: &mut Scene) {
    c.request(s, "PRACK", false, &Extra::header("RAck", "1 1 INVITE"));
    c.respond(s, 200, "OK", &Extra::default());
    c.back_to_invite();
}

/// RTP to and from the active destination of a relay.
pub(super) fn media(s: &mut Scene, relay: &Relay, count: u16) {
    if relay.way == Way::Udp {
        return s.rtp(relay.local, relay.server, count, true);
    }
    for n in 0..count {
        for up in [true, false] {
            let mut p = vec![0x80, 114];
            p.extend(n.to_be_bytes());
            p.extend((u32::from(n) * 320).to_be_bytes());
            p.extend([0, 0, 0x5a, u8::from(up)]);
            p.extend([0x33; 60]);
            relay.wire(s, up, 3, &p);
            s.wait(9);
        }
    }
}

/// A whole call of two Communicator 2007 R2, seen by Alice's machine.
pub fn communicator_r2() -> Scene {
    let mut s = Scene::new(51, START);
    let (a, b) = (alice(), far_bob());
    let edge = at(EDGE);
    let own = ["192.168.100.112:50036", "192.168.100.112:50032"];
    let nat = ["171.231.102.218:50043", "171.231.102.218:50039"];
    let relayed = ["213.199.141.181:57309", "213.199.141.181:54054"];
    let mut ours = agent("6nxO", Checks::MsIce2, true, &own, &nat, &relayed);
    ours.relayed_tcp = Some(at("213.199.141.181:52899"));
    let mut theirs = agent(
        "u3wF",
        Checks::MsIce2,
        false,
        &["10.10.0.24:50019", "10.10.0.24:50021"],
        &["84.155.254.180:50019", "84.155.254.180:50021"],
        &["213.199.141.181:51721", "213.199.141.181:58975"],
    );
    theirs.relayed_tcp = Some(at("213.199.141.181:50899"));
    // Gathering, both components over UDP, one connection over TCP 443.
    let mut relays: Vec<Relay> = (0..2)
        .map(|i| {
            let user = "AgAAJAFTru4By";
            Relay::new(&mut s, true, Way::Udp, ours.host[i], edge, ours.mapped[i], ours.relayed[i], user)
        })
        .collect();
    let local = at("192.168.100.112:50025");
    let seen = at("171.231.102.218:50025");
    let over_tcp = Relay::new(
        &mut s,
        true,
        Way::Tcp,
        local,
        at(EDGE_TCP),
        seen,
        at("213.199.141.181:52899"),
        "AgAAJAFTru4By",
    );
    for relay in &relays {
        relay.allocate(&mut s, 600);
    }
    over_tcp.allocate(&mut s, 600);
    let old = v06(
        ours.mapped[0],
        &[
            ("uuK9Gym3F0zReasv+FyKCM", "UwaQkvk5hiWgVg", "UDP", "0.850", ours.host[0], 50_032),
            (
                "9/vLJjcL+aemcsR1AxpVM0",
                "6Puckob7qP8GFA",
                "TCP",
                "0.190",
                ours.relayed_tcp.expect("set"),
                52_899,
            ),
            ("iHdvoVfXm2i2IPGmfO0xa4", "UbNAQVuHoEoHVA", "UDP", "0.490", ours.relayed[0], 54_054),
            ("FKVarEmvn9yEvjD5xahFa0", "qNTE/3CmryPpGA", "UDP", "0.550", ours.mapped[0], 50_039),
        ],
    );
    let mut c = Call::new(&mut s, &a, &b, None);
    c.request(&mut s, "INVITE", true, &both(old, ours.v19()));
    c.respond(&mut s, 100, "Trying", &Extra::default());
    s.wait(180);
    c.respond(&mut s, 183, "Session Progress", &early(theirs.v19()));
    acknowledged_early(&mut c, &mut s);
    // Bob's own network cannot be reached, neither straight nor out of the relay; his relay can.
    ours.direct(&mut s, &theirs, (ours.host[0], theirs.host[0]), false, 3);
    ours.direct(&mut s, &theirs, (ours.host[0], theirs.mapped[0]), false, 2);
    ours.through(&mut s, &mut relays[0], &theirs, theirs.host[0], 1, false);
    for (i, relay) in relays.iter_mut().enumerate() {
        ours.through(&mut s, relay, &theirs, theirs.relayed[i], i as u8 + 1, true);
    }
    c.respond(&mut s, 180, "Ringing", &Extra::default());
    s.wait(1_800);
    c.respond(&mut s, 200, "OK", &Extra::default());
    c.request(&mut s, "ACK", false, &Extra::default());
    s.wait(200);
    c.request(&mut s, "INVITE", false, &body(ours.chosen(&ours.relayed, &theirs.relayed)));
    c.respond(&mut s, 200, "OK", &body(theirs.chosen(&theirs.relayed, &ours.relayed)));
    c.request(&mut s, "ACK", false, &Extra::default());
    for (relay, peer) in relays.iter_mut().zip(&theirs.relayed) {
        relay.active(&mut s, *peer);
    }
    media(&mut s, &relays[0], 25);
    s.wait(4_000);
    c.bye(&mut s);
    for relay in &relays {
        relay.granted(&mut s, 0, true);
    }
    over_tcp.granted(&mut s, 0, true);
    s
}

/// Communicator 2007 on both sides: draft-06 only, the answer in the 200, checks by the ids of candidates.
pub fn communicator_2007() -> Scene {
    let mut s = Scene::new(52, START);
    let client = "UCCP/2.0.6362.0 OC/2.0.6362.0 (Microsoft Office Communicator)";
    let (a, b) = (Party { agent: client, ..alice() }, Party { agent: client, ..far_bob() });
    let relay = at("213.199.141.181:52003");
    let local = at("192.168.100.112:50005");
    let mut gathered = Relay::new(
        &mut s,
        true,
        Way::Udp,
        local,
        at(EDGE),
        at("171.231.102.218:50015"),
        relay,
        "AgAAJAFTru4By",
    );
    gathered.allocate(&mut s, 600);
    let list = [
        ("uuK9Gym3F0zReasv+FyKCM", "UwaQkvk5hiWgVg", "UDP", "0.850", local, 50_031),
        ("iHdvoVfXm2i2IPGmfO0xa4", "UbNAQVuHoEoHVA", "UDP", "0.490", relay, 50_126),
        ("FKVarEmvn9yEvjD5xahFa0", "qNTE/3CmryPpGA", "UDP", "0.550", at("171.231.102.218:50015"), 50_028),
    ];
    let far = at("213.199.141.181:51721");
    let theirs = [
        ("Zm9vYmFyYmF6cXV4MTIzNA", "c2VjcmV0MDAwMQ", "UDP", "0.850", at("10.10.0.24:50019"), 50_021),
        ("YmFycmVsYXllZDAwMDAwMA", "c2VjcmV0MDAwMg", "UDP", "0.490", far, 58_975),
    ];
    let side = |(ufrag, password, ..): (&'static str, &'static str, &str, &str, SocketAddr, u16)| Agent {
        ufrag,
        password,
        ..agent("", Checks::MsIce, true, &[], &[], &[])
    };
    let mut c = Call::new(&mut s, &a, &b, None);
    c.request(&mut s, "INVITE", true, &body(v06(list[2].4, &list)));
    c.respond(&mut s, 100, "Trying", &Extra::default());
    s.wait(140);
    c.respond(&mut s, 180, "Ringing", &Extra::default());
    s.wait(2_300);
    c.respond(&mut s, 200, "OK", &body(v06(far, &theirs)));
    c.request(&mut s, "ACK", false, &Extra::default());
    side(list[0]).direct(&mut s, &side(theirs[0]), (local, theirs[0].4), false, 3);
    side(list[1]).through(&mut s, &mut gathered, &side(theirs[1]), far, 1, true);
    // The final offer names Bob's candidate by its id.
    let named = |own: &(&'static str, &'static str, &'static str, &'static str, SocketAddr, u16),
                 id: &str| {
        v06(own.4, std::slice::from_ref(own)) + &format!("a=remote-candidate:{id}\r\n")
    };
    c.request(&mut s, "INVITE", false, &body(named(&list[1], theirs[1].0)));
    c.respond(&mut s, 200, "OK", &body(named(&theirs[1], list[1].0)));
    c.request(&mut s, "ACK", false, &Extra::default());
    gathered.active(&mut s, far);
    media(&mut s, &gathered, 20);
    s.wait(3_000);
    c.bye(&mut s);
    s
}

/// Bob is signed in twice: each endpoint answers early with a list of its own, the second one is picked up.
pub fn two_endpoints() -> Scene {
    let mut s = Scene::new(53, START);
    let a = alice();
    let mut desk = far_bob();
    desk.epid = "01d77ac2f0";
    let mut home = far_bob();
    home.epid = "77aa01b2c3";
    let ours =
        agent("6nxO", Checks::MsIce2, true, &["192.168.100.112:50036"], &[], &["213.199.141.181:57309"]);
    let rings = [
        agent("dEsk", Checks::MsIce2, false, &["10.10.0.24:50019"], &[], &["213.199.141.181:51721"]),
        agent("hOme", Checks::MsIce2, false, &["10.10.0.31:50019"], &[], &["213.199.141.181:53333"]),
    ];
    let seen = at("171.231.102.218:50043");
    let mut relay =
        Relay::new(&mut s, true, Way::Udp, ours.host[0], at(EDGE), seen, ours.relayed[0], "AgAAJAFTru4By");
    relay.allocate(&mut s, 600);
    let mut c = Call::new(&mut s, &a, &desk, None);
    c.request(&mut s, "INVITE", true, &body(ours.v19()));
    c.respond(&mut s, 100, "Trying", &Extra::default());
    let tags = [c.to_tag.clone(), s.random.hex(10)];
    for (i, who) in [&desk, &home].into_iter().enumerate() {
        (c.to, c.to_tag) = (who.clone(), tags[i].clone());
        s.wait(120);
        c.respond(&mut s, 183, "Session Progress", &early(rings[i].v19()));
        acknowledged_early(&mut c, &mut s);
        ours.through(&mut s, &mut relay, &rings[i], rings[i].relayed[0], 1, true);
    }
    c.respond(&mut s, 180, "Ringing", &Extra::default());
    s.wait(2_000);
    c.respond(&mut s, 200, "OK", &Extra::default());
    c.request(&mut s, "ACK", false, &Extra::default());
    c.request(&mut s, "INVITE", false, &body(ours.chosen(&ours.relayed, &rings[1].relayed)));
    c.respond(&mut s, 200, "OK", &body(rings[1].chosen(&rings[1].relayed, &ours.relayed)));
    c.request(&mut s, "ACK", false, &Extra::default());
    relay.active(&mut s, rings[1].relayed[0]);
    media(&mut s, &relay, 20);
    s.wait(2_000);
    c.bye(&mut s);
    s
}

/// What goes wrong in a call of Communicators by way of a relay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    WrongPassword,
    ExpiredCredentials,
    UdpBlocked,
    Unanswered,
    UnknownPair,
    Released,
    Expired,
    NoCandidates,
    TryAlternate,
}

const FAULTS: [Fault; 9] = [
    Fault::WrongPassword,
    Fault::ExpiredCredentials,
    Fault::UdpBlocked,
    Fault::Unanswered,
    Fault::UnknownPair,
    Fault::Released,
    Fault::Expired,
    Fault::NoCandidates,
    Fault::TryAlternate,
];

/// `port`: of Alice; `fault` only where something goes wrong.
fn by_relay(s: &mut Scene, port: u16, fault: Option<Fault>) {
    let is = |f: Fault| fault == Some(f);
    let (a, b) = (alice(), far_bob());
    let host = SocketAddr::new(at("192.168.100.112:0").ip(), port);
    let seen = SocketAddr::new(at("171.231.102.218:0").ip(), port + 7);
    let relayed = SocketAddr::new(at(EDGE).ip(), port + 3_000);
    let far = SocketAddr::new(at(EDGE).ip(), port + 6_000);
    let names = |prefix: &str| -> &'static str { Box::leak(format!("{prefix}{port}").into_boxed_str()) };
    let mut ours = agent(names("al"), Checks::MsIce2, true, &[], &[], &[]);
    let mut theirs = agent(names("bo"), Checks::MsIce2, false, &["10.10.0.24:50019"], &[], &[]);
    theirs.relayed = vec![far];
    ours.host = vec![host];
    let user = "AgAAJAFTru4By";
    let by_udp = Relay::new(s, true, Way::Udp, host, at(EDGE), seen, relayed, user);
    let mut relay = match fault {
        Some(Fault::WrongPassword) => {
            by_udp.challenged(s);
            by_udp.refused(s, 431, "Integrity Check Failure", None);
            None
        }
        Some(Fault::ExpiredCredentials) => {
            by_udp.challenged(s);
            by_udp.refused(s, 401, "Unauthorized", None);
            None
        }
        Some(Fault::UdpBlocked) => {
            by_udp.unheard(s, 4);
            let way = Way::Tcp;
            let by_tcp = Relay::new(s, true, way, host, at(EDGE_TCP), seen, relayed, user);
            by_tcp.allocate(s, 600);
            Some(by_tcp)
        }
        Some(Fault::TryAlternate) => {
            by_udp.challenged(s);
            let other = at("213.199.141.182:3478");
            by_udp.refused(s, 300, "Try Alternate", Some(other));
            let there = SocketAddr::new(other.ip(), relayed.port());
            let next = Relay::new(s, true, Way::Udp, host, other, seen, there, user);
            next.allocate(s, 600);
            Some(next)
        }
        _ => {
            by_udp.allocate(s, if is(Fault::Expired) { 60 } else { 600 });
            Some(by_udp)
        }
    };
    if let Some(r) = &relay {
        if r.way == Way::Udp {
            ours.relayed = vec![r.relayed];
            ours.mapped = vec![seen];
        } else {
            ours.relayed_tcp = Some(r.relayed);
            theirs.relayed_tcp = Some(far);
            theirs.relayed.clear();
        }
    }
    let mut c = Call::new(s, &a, &b, None);
    c.request(s, "INVITE", true, &body(ours.v19()));
    c.respond(s, 100, "Trying", &Extra::default());
    s.wait(150);
    let answer = match is(Fault::NoCandidates) {
        true => head("213.199.141.183", 30_000 + port % 1_000) + CODECS,
        false => theirs.v19(),
    };
    c.respond(s, 183, "Session Progress", &early(answer));
    acknowledged_early(&mut c, s);
    let answered = !is(Fault::Unanswered);
    if !is(Fault::NoCandidates) {
        if relay.as_ref().is_none_or(|r| r.way == Way::Udp) {
            ours.direct(s, &theirs, (host, theirs.host[0]), false, 3);
        }
        match &mut relay {
            Some(r) => ours.through(s, r, &theirs, far, 1, answered),
            None => ours.direct(s, &theirs, (host, far), false, 4),
        }
    }
    c.respond(s, 200, "OK", &Extra::default());
    c.request(s, "ACK", false, &Extra::default());
    s.wait(90);
    match &mut relay {
        Some(r) if answered && !is(Fault::NoCandidates) => {
            let own = [r.relayed];
            let named = if is(Fault::UnknownPair) { at("213.199.141.81:51721") } else { far };
            let (mut offer, mut answer) = (ours.chosen(&own, &[named]), theirs.chosen(&[far], &own));
            if r.way == Way::Tcp {
                (offer, answer) = (offer.replace("UDP", "TCP-ACT"), answer.replace("UDP", "TCP-PASS"));
            }
            c.request(s, "INVITE", false, &body(offer));
            if is(Fault::UnknownPair) {
                c.respond(s, 488, "Not Acceptable Here", &Extra::default());
                c.ack_failure(s, 2);
            } else {
                c.respond(s, 200, "OK", &body(answer));
                c.request(s, "ACK", false, &Extra::default());
                r.active(s, far);
                media(s, r, 8);
            }
            if is(Fault::Released) {
                r.granted(s, 0, true);
            }
        }
        Some(_) | None if is(Fault::NoCandidates) => {
            s.rtp(host, at(&format!("213.199.141.183:{}", 30_000 + port % 1_000)), 8, true);
        }
        _ => {}
    }
    s.wait(if is(Fault::Expired) { 75_000 } else { 9_000 });
    c.bye(s);
    if let Some(r) = &relay
        && !is(Fault::Released)
        && !is(Fault::Expired)
    {
        r.granted(s, 0, true);
    }
    s.wait(2_000);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Straight {
    Healthy,
    OneWay,
    Conflict,
}

/// Two standard agents on one network.
fn straight(s: &mut Scene, port: u16, how: Straight) {
    let (a, b) = (super::alice(), super::bob());
    let ends = (SocketAddr::new(a.at.ip(), port), SocketAddr::new(b.at.ip(), port + 1));
    let names = |prefix: &str| -> &'static str { Box::leak(format!("{prefix}{port}").into_boxed_str()) };
    let mut ours = agent(names("A"), Checks::Rfc, true, &[], &[], &[]);
    let mut theirs = agent(names("B"), Checks::Rfc, false, &[], &[], &[]);
    ours.host = vec![ends.0];
    theirs.host = vec![ends.1];
    theirs.controlling = how == Straight::Conflict;
    let offer = |who: &Agent| {
        let at = who.host[0];
        let more = format!(
            "a=rtcp-mux\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=candidate:1 1 UDP 2130706431 {} {} typ host\r\na=end-of-candidates\r\n",
            who.ufrag,
            who.password,
            at.ip(),
            at.port()
        );
        sdp("-", 800, 1, at, "0 101", &more)
    };
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &offer(&ours), &offer(&theirs), 900);
    match how {
        Straight::Healthy => {
            ours.direct(s, &theirs, ends, true, 1);
            theirs.direct(s, &ours, (ends.1, ends.0), true, 1);
            let (id, m) = ours.check(s, &theirs, true);
            s.udp(ends.0, ends.1, 0, &m);
            s.wait(3);
            s.udp(ends.1, ends.0, 0, &theirs.answer(id, ends.0));
            s.rtp(ends.0, ends.1, 8, true);
        }
        // Bob's packets arrive; nothing of Alice's does, as his retransmissions and the missing answers show.
        Straight::OneWay => {
            ours.direct(s, &theirs, ends, false, 5);
            let (id, m) = theirs.check(s, &ours, false);
            for pause in [100, 200, 400, 800] {
                s.udp(ends.1, ends.0, 0, &m);
                s.wait(2);
                s.udp(ends.0, ends.1, 0, &ours.answer(id, ends.1));
                s.wait(pause);
            }
        }
        Straight::Conflict => {
            for _ in 0..4 {
                let (id, m) = ours.check(s, &theirs, false);
                s.udp(ends.0, ends.1, 0, &m);
                s.wait(3);
                s.udp(ends.1, ends.0, 0, &theirs.conflict(id));
                let (id, m) = theirs.check(s, &ours, false);
                s.udp(ends.1, ends.0, 0, &m);
                s.wait(3);
                s.udp(ends.0, ends.1, 0, &ours.conflict(id));
                s.wait(400);
            }
        }
    }
    s.wait(9_000);
    c.bye(s);
    s.wait(2_000);
}

/// A call for each way to find no path, or to lose it.
pub fn failing() -> Scene {
    let mut s = Scene::new(54, START);
    for (i, fault) in (0u16..).zip(FAULTS) {
        by_relay(&mut s, 50_100 + i * 20, Some(fault));
    }
    for (i, how) in (0u16..).zip([Straight::OneWay, Straight::Conflict]) {
        straight(&mut s, 51_000 + i * 20, how);
    }
    s
}

/// The same two kinds of call, where nothing goes wrong.
pub fn healthy() -> Scene {
    let mut s = Scene::new(57, START);
    by_relay(&mut s, 50_100, None);
    straight(&mut s, 51_000, Straight::Healthy);
    s
}

/// A browser-like client and a phone: trickle, an mDNS name, a relay with channels, a second one over TCP.
pub fn browser() -> Scene {
    let mut s = Scene::new(55, START);
    let (a, b) = (super::alice(), super::bob());
    let host = "10.10.0.21:54400";
    let ours = agent("bRow", Checks::Rfc, true, &[host], &[], &["198.51.100.7:49152"]);
    let theirs = agent("pHon", Checks::Rfc, false, &["203.0.113.9:40000"], &[], &[]);
    let (turn, seen) = (at("198.51.100.7:3478"), at("192.0.2.44:61000"));
    let relay = Relay::new(&mut s, false, Way::Udp, ours.host[0], turn, seen, ours.relayed[0], "browser");
    let (local, seen_tcp) = (at("10.10.0.21:54401"), at("192.0.2.44:61001"));
    let by_tcp =
        Relay::new(&mut s, false, Way::Tcp, local, turn, seen_tcp, at("198.51.100.7:49153"), "browser");
    relay.allocate(&mut s, 600);
    by_tcp.allocate(&mut s, 600);
    let credentials = |who: &Agent| format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", who.ufrag, who.password);
    let name = "d2f1a3c4-7b1e-4c0a-9a51-0f6f2f1f8f11.local";
    let offer = format!(
        "a=mid:0\r\na=rtcp-mux\r\na=ice-options:trickle\r\n{}a=candidate:1 1 udp 2122260223 {name} 54400 typ host generation 0 network-id 1\r\n",
        credentials(&ours)
    );
    let answer = format!(
        "a=mid:0\r\na=rtcp-mux\r\na=ice-options:trickle\r\n{}a=candidate:1 1 UDP 2130706431 203.0.113.9 40000 typ host\r\na=end-of-candidates\r\n",
        credentials(&theirs)
    );
    let mut c = Call::new(&mut s, &a, &b, None);
    let nowhere = at("0.0.0.0:9");
    c.establish(
        &mut s,
        &sdp("-", 4_611, 2, nowhere, "0 101", &offer),
        &sdp("-", 77, 1, theirs.host[0], "0 101", &answer),
        700,
    );
    let fragment = format!(
        "{}m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:2 1 udp 1686052607 192.0.2.44 61000 typ srflx raddr 10.10.0.21 rport 54400\r\na=candidate:3 1 udp 41885439 198.51.100.7 49152 typ relay raddr 192.0.2.44 rport 61000\r\na=end-of-candidates\r\n",
        credentials(&ours)
    );
    let info = Extra::body("application/trickle-ice-sdpfrag", fragment).and("Info-Package", "trickle-ice");
    c.request(&mut s, "INFO", false, &info);
    c.respond(&mut s, 200, "OK", &Extra::default());
    // Straight to the phone: a firewall is between. By the relay it is answered, and nominated.
    let peer = theirs.host[0];
    ours.direct(&mut s, &theirs, (ours.host[0], peer), false, 4);
    relay.permit(&mut s, peer, None);
    let mut sending = relay.clone();
    let (id, m) = ours.check(&mut s, &theirs, false);
    sending.send(&mut s, peer, &m);
    s.wait(40);
    relay.data(&mut s, peer, &theirs.answer(id, relay.relayed));
    relay.permit(&mut s, peer, Some(0x4001));
    let (id, m) = ours.check(&mut s, &theirs, true);
    relay.channel(&mut s, true, 0x4001, &m);
    s.wait(40);
    relay.channel(&mut s, false, 0x4001, &theirs.answer(id, relay.relayed));
    for n in 0..15u16 {
        for up in [true, false] {
            let mut p = vec![0x80, 0];
            p.extend(n.to_be_bytes());
            p.extend((u32::from(n) * 160).to_be_bytes());
            p.extend([0, 7, 7, u8::from(up)]);
            p.extend([0xd5; 160]);
            relay.channel(&mut s, up, 0x4001, &p);
            s.wait(9);
        }
    }
    relay.granted(&mut s, 600, true);
    s.wait(2_000);
    c.bye(&mut s);
    relay.granted(&mut s, 0, true);
    by_tcp.granted(&mut s, 0, true);
    s
}

/// The candidate lists and the final offer of a published description of Communicator 2007 R2, line for line, and its
/// worked conversion of an XOR address as an allocation.
pub fn published() -> Scene {
    let mut s = Scene::new(56, START);
    let (a, b) = (alice(), far_bob());
    let mut id = [0u8; 16];
    id[..4].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    id[15] = 1;
    let (local, edge) = (at("192.168.0.103:50033"), at(EDGE));
    s.udp(local, edge, 0, &Stun::turn(0x0003, id).done());
    s.wait(30);
    let answer = Stun::turn(0x0103, id)
        .address(0x0001, at("213.199.141.181:51003"))
        .attribute(0x8020, &[0, 1, 0xe2, 0x63, 0x75, 0x89, 0x5a, 0xf6])
        .done();
    s.udp(edge, local, 0, &answer);
    s.wait(400);
    let list = [
        ("uuK9Gym3F0zReasv+FyKCM", "UwaQkvk5hiWgVg", "UDP", "0.850", at("192.168.100.112:50005"), 50_031),
        ("9/vLJjcL+aemcsR1AxpVM0", "6Puckob7qP8GFA", "TCP", "0.190", at("213.199.141.181:56909"), 56_909),
        ("iHdvoVfXm2i2IPGmfO0xa4", "UbNAQVuHoEoHVA", "UDP", "0.490", at("213.199.141.181:52003"), 50_126),
        ("3ECLhrmJtmDK/j3FY4O5Tw", "c6zoXvSFIqRfcw", "TCP", "0.250", at("171.231.102.218:50025"), 50_025),
        ("FKVarEmvn9yEvjD5xahFa0", "qNTE/3CmryPpGA", "UDP", "0.550", at("171.231.102.218:50015"), 50_028),
    ];
    let lines = [
        "1 1 UDP 2130706431 192.168.100.112 50036 typ host",
        "1 2 UDP 2130705918 192.168.100.112 50032 typ host",
        "2 1 TCP-PASS 6556159 213.199.141.181 52899 typ relay raddr 213.199.141.181 rport 52899",
        "2 2 TCP-PASS 6556158 213.199.141.181 52899 typ relay raddr 213.199.141.181 rport 52899",
        "3 1 UDP 16648703 213.199.141.181 57309 typ relay raddr 213.199.141.181 rport 57309",
        "3 2 UDP 16648702 213.199.141.181 54054 typ relay raddr 213.199.141.181 rport 54054",
        "4 1 TCP-ACT 7076863 213.199.141.181 52899 typ relay raddr 213.199.141.181 rport 52899",
        "4 2 TCP-ACT 7076350 213.199.141.181 52899 typ relay raddr 213.199.141.181 rport 52899",
        "5 1 TCP-ACT 1684797951 171.231.102.218 50032 typ srflx raddr 192.168.100.112 rport 50032",
        "5 2 TCP-ACT 1684797438 171.231.102.218 50032 typ srflx raddr 192.168.100.112 rport 50032",
        "6 1 UDP 1694234623 171.231.102.218 50033 typ srflx raddr 192.168.100.112 rport 50033",
        "6 2 UDP 1694234110 171.231.102.218 50039 typ srflx raddr 192.168.100.112 rport 50039",
    ];
    let credentials = |who: &Agent| format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", who.ufrag, who.password);
    let ours = agent("6nxO", Checks::MsIce2, true, &[], &[], &[]);
    let theirs = agent(
        "u3wF",
        Checks::MsIce2,
        false,
        &["10.10.0.24:50019", "10.10.0.24:50021"],
        &[],
        &["213.199.141.81:51721", "213.199.141.81:58975"],
    );
    let told: String = lines.iter().map(|l| format!("a=candidate:{l} \r\n")).collect();
    let main = head("171.231.102.218", 50_033) + &credentials(&ours) + &told + CODECS;
    let mut c = Call::new(&mut s, &a, &b, None);
    c.request(&mut s, "INVITE", true, &both(v06(at("171.231.102.218:50015"), &list), main));
    c.respond(&mut s, 100, "Trying", &Extra::default());
    s.wait(180);
    c.respond(&mut s, 183, "Session Progress", &early(theirs.v19()));
    acknowledged_early(&mut c, &mut s);
    c.respond(&mut s, 200, "OK", &Extra::default());
    c.request(&mut s, "ACK", false, &Extra::default());
    let chosen = format!(
        "{}{}a=candidate:{} \r\na=candidate:{} \r\na=remote-candidates:1 213.199.141.81 51721 2 213.199.141.81 58975 \r\n{CODECS}",
        head("213.199.141.181", 57_309),
        credentials(&ours),
        lines[4],
        lines[5]
    );
    c.request(&mut s, "INVITE", false, &body(chosen));
    let own = [at("213.199.141.181:57309"), at("213.199.141.181:54054")];
    c.respond(&mut s, 200, "OK", &body(theirs.chosen(&theirs.relayed, &own)));
    c.request(&mut s, "ACK", false, &Extra::default());
    s.wait(3_000);
    c.bye(&mut s);
    s
}
