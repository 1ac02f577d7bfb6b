//! Sessions that come to a path by detours, and calls too short to need one.

use super::paths::{body, media};
use super::relay_trouble::{communicator, edge_client, federated};
use super::standard::{
    Talk, USUAL, described, in_channel, outside, phone, probe, probe_back, probe_in_channel, seen, side,
    straight, turn_client,
};
use super::{START, at, sign_in};
use crate::call::{Call, Extra};
use crate::scene::Scene;

/// Both begin in control; who is told so gives in, and the other one nominates, six seconds later.
fn roles_repaired(s: &mut Scene) {
    let olga = phone("olga", "Olga Olsen", "10.10.0.61:5060");
    let ends = (at("10.10.0.61:40061"), at("203.0.113.61:30061"));
    let mut ours = side("oL61", true, &["10.10.0.61:40061"], &[], &[]);
    let theirs = side("oP61", true, &["203.0.113.61:30061"], &[], &[]);
    let mut c = Call::new(s, &olga, &outside("operator"), None);
    c.establish(s, &described(&ours, USUAL, ""), &described(&theirs, USUAL, ""), 1_200);
    let (id, request) = ours.check(s, &theirs, false);
    s.udp(ends.0, ends.1, 0, &request);
    s.wait(38);
    s.udp(ends.1, ends.0, 0, &theirs.conflict(id));
    s.wait(20);
    ours.controlling = false;
    probe(s, (&ours, &theirs), ends, seen(ends.0), false);
    probe_back(s, (&ours, &theirs), ends, false);
    s.wait(6_000);
    probe_back(s, (&ours, &theirs), ends, true);
    Talk::new(s).on(s, &mut [], straight(ends.0, ends.1), 3);
    s.wait(4_000);
    c.bye(s);
    s.wait(2_000);
}

/// A caller on a ship, 560 ms away: every check is sent three times before its answer is there.
fn by_satellite(s: &mut Scene) {
    let paul = phone("paul", "Paul Pohl", "10.10.0.62:5060");
    let (local, peer) = (at("10.10.0.62:40062"), at("203.0.113.62:30062"));
    let ours = side("pA62", false, &["10.10.0.62:40062"], &["192.0.2.44:40062"], &[]);
    let theirs = side("sH62", true, &["203.0.113.62:30062"], &[], &[]);
    let mut c = Call::new(s, &outside("ship"), &paul, None);
    c.establish(s, &described(&theirs, USUAL, ""), &described(&ours, USUAL, ""), 1_400);
    let (id, request) = ours.check(s, &theirs, false);
    s.udp(local, peer, 0, &request);
    s.wait(500);
    s.udp(local, peer, 0, &request);
    for nominate in [false, true] {
        let (id, request) = theirs.check(s, &ours, nominate);
        for pause in [100, 200, 260] {
            s.udp(peer, local, 0, &request);
            s.wait(1);
            s.udp(local, peer, 0, &ours.answer(id, peer));
            s.wait(pause);
        }
    }
    for _ in 0..2 {
        s.udp(peer, local, 0, &theirs.answer(id, seen(local)));
        s.wait(300);
    }
    Talk::new(s).on(s, &mut [], straight(local, peer), 3);
    s.wait(5_000);
    c.bye(s);
    s.wait(2_000);
}

/// One of two addresses is IPv4, as the only one of the other side; the checks pass elsewhere.
fn one_in_common(s: &mut Scene) {
    let rita = phone("rita", "Rita Roth", "10.10.0.63:5060");
    let ours = side("rI63", true, &["[2001:db8:10::63]:40063", "10.10.0.63:40063"], &[], &[]);
    let theirs = side("oP63", false, &["203.0.113.63:30063"], &[], &[]);
    let mut c = Call::new(s, &rita, &outside("operator"), None);
    c.establish(s, &described(&ours, USUAL, ""), &described(&theirs, USUAL, ""), 1_100);
    s.wait(9_000);
    c.bye(s);
    s.wait(2_000);
}

/// Hung up three seconds after the answer, the checks being under way at the pace of RFC 8489.
fn hung_up_soon(s: &mut Scene) {
    let sven = phone("sven", "Sven Sand", "10.10.0.64:5060");
    let (local, peer) = (at("10.10.0.64:40064"), at("203.0.113.64:30064"));
    let ours = side("sV64", true, &["10.10.0.64:40064"], &[], &[]);
    let theirs = side("oP64", false, &["203.0.113.64:30064"], &[], &[]);
    let mut c = Call::new(s, &sven, &outside("operator"), None);
    c.establish(s, &described(&ours, USUAL, ""), &described(&theirs, USUAL, ""), 2_100);
    let (_, request) = ours.check(s, &theirs, false);
    for pause in [500, 1_000, 1_450] {
        s.udp(local, peer, 0, &request);
        s.wait(pause);
    }
    c.bye(s);
    s.wait(2_000);
}

/// The first half second of media takes the relay, then the straight way that was chosen.
fn changes_over_soon(s: &mut Scene) {
    let thea = phone("thea", "Thea Thal", "10.10.0.65:5060");
    let (local, peer) = (at("10.10.0.65:40065"), at("203.0.113.65:30065"));
    let mut relays = [turn_client(s, local, "198.51.100.7:49065", "thea")];
    relays[0].allocate(s, 600);
    let ours = side("tI65", true, &["10.10.0.65:40065"], &["192.0.2.44:40065"], &["198.51.100.7:49065"]);
    let theirs = side("oP65", false, &["203.0.113.65:30065"], &[], &[]);
    let mut c = Call::new(s, &thea, &outside("operator"), None);
    c.establish(s, &described(&ours, USUAL, ""), &described(&theirs, USUAL, ""), 1_200);
    relays[0].permit(s, peer, Some(0x4001));
    probe_in_channel(s, (&ours, &theirs), &relays[0], 0x4001, false);
    let mut talk = Talk::new(s);
    talk.on(s, &mut relays, in_channel(0x4001), 8);
    probe(s, (&ours, &theirs), (local, peer), seen(local), false);
    probe_back(s, (&ours, &theirs), (local, peer), false);
    probe(s, (&ours, &theirs), (local, peer), seen(local), true);
    talk.on(s, &mut relays, straight(local, peer), 5);
    s.wait(5_000);
    c.bye(s);
    relays[0].granted(s, 0, true);
    s.wait(2_000);
}

/// The straight way is answered when the relay has long been chosen.
fn straight_too_late(s: &mut Scene) {
    let udo = phone("udo", "Udo Ulm", "10.10.0.66:5060");
    let (local, peer) = (at("10.10.0.66:40066"), at("203.0.113.66:30066"));
    let mut relays = [turn_client(s, local, "198.51.100.7:49066", "udo")];
    relays[0].allocate(s, 600);
    let ours = side("uD66", true, &["10.10.0.66:40066"], &["192.0.2.44:40066"], &["198.51.100.7:49066"]);
    let theirs = side("oP66", false, &["203.0.113.66:30066"], &[], &[]);
    let mut c = Call::new(s, &udo, &outside("operator"), None);
    c.establish(s, &described(&ours, USUAL, ""), &described(&theirs, USUAL, ""), 1_200);
    ours.direct(s, &theirs, (local, peer), false, 4);
    relays[0].permit(s, peer, Some(0x4001));
    probe_in_channel(s, (&ours, &theirs), &relays[0], 0x4001, false);
    probe_in_channel(s, (&ours, &theirs), &relays[0], 0x4001, true);
    let mut talk = Talk::new(s);
    talk.on(s, &mut relays, in_channel(0x4001), 3);
    probe_back(s, (&ours, &theirs), (local, peer), false);
    probe(s, (&ours, &theirs), (local, peer), seen(local), false);
    talk.on(s, &mut relays, in_channel(0x4001), 3);
    s.wait(5_000);
    c.bye(s);
    relays[0].granted(s, 0, true);
    s.wait(2_000);
}

/// Two sites of one company, no relay anywhere. The final offer meets one of the other side, and is made again.
fn between_sites(s: &mut Scene) {
    let hana = sign_in::user("hana", "192.168.100.46:2116", "c1a0000016");
    let ours = communicator("hA46", true, "192.168.100.46:50046", None);
    let theirs = communicator("bO46", false, "172.16.8.46:50016", None);
    let ends = (ours.host[0], theirs.host[0]);
    let mut c = Call::new(s, &hana, &federated("bob"), None);
    c.establish(s, &ours.v19(), &theirs.v19(), 1_300);
    ours.direct(s, &theirs, ends, true, 1);
    theirs.direct(s, &ours, (ends.1, ends.0), true, 1);
    let named = |sdp: String| body(sdp.replace("typ relay", "typ host"));
    let offer = named(ours.chosen(&[ends.0], &[ends.1]));
    c.request(s, "INVITE", false, &offer);
    c.respond(s, 491, "Request Pending", &Extra::default());
    c.ack_failure(s, 2);
    s.wait(2_600);
    c.request(s, "INVITE", false, &offer);
    c.respond(s, 200, "OK", &named(theirs.chosen(&[ends.1], &[ends.0])));
    c.request(s, "ACK", false, &Extra::default());
    s.rtp(ends.0, ends.1, 3, true);
    s.wait(5_000);
    c.bye(s);
    s.wait(2_000);
}

/// Bob's NAT shows another port to each peer: only his checks tell the address that the final offer names.
fn learned_by_checks(s: &mut Scene) {
    let ida = sign_in::user("ida", "192.168.100.47:2117", "c1a0000017");
    let relayed = "213.199.141.181:57047";
    let mut relay = edge_client(s, "192.168.100.47:50047", relayed, "mras-user-0047");
    relay.allocate(s, 600);
    let mut ours = communicator("iD47", true, "192.168.100.47:50047", Some(relayed));
    ours.mapped = vec![relay.mapped];
    let mut theirs = communicator("bO47", false, "172.16.8.47:50017", None);
    theirs.mapped = vec![at("203.0.113.147:50017")];
    let met = at("203.0.113.147:61234");
    let mut c = Call::new(s, &ida, &federated("bob"), None);
    c.establish(s, &ours.v19(), &theirs.v19(), 1_300);
    ours.direct(s, &theirs, (ours.host[0], theirs.host[0]), false, 3);
    let (_, request) = ours.check(s, &theirs, false);
    relay.send(s, theirs.mapped[0], &request);
    s.wait(90);
    let (id, request) = theirs.check(s, &ours, false);
    relay.data(s, met, &request);
    s.wait(2);
    relay.send(s, met, &ours.answer(id, met));
    s.wait(20);
    ours.through(s, &mut relay, &theirs, met, 1, true);
    let own = format!("typ prflx raddr {} rport {}", theirs.host[0].ip(), theirs.host[0].port());
    let answer = theirs.chosen(&[met], &ours.relayed);
    let answer = answer.replace(&format!("typ relay raddr {} rport {}", met.ip(), met.port()), &own);
    c.request(s, "INVITE", false, &body(ours.chosen(&ours.relayed, &[met])));
    c.respond(s, 200, "OK", &body(answer));
    c.request(s, "ACK", false, &Extra::default());
    relay.active(s, met);
    media(s, &relay, 4);
    s.wait(5_000);
    c.bye(s);
    relay.granted(s, 0, true);
    s.wait(2_000);
}

/// What comes close to each rule about ICE, and is none of it.
pub fn paths() -> Scene {
    let mut s = Scene::new(74, START);
    roles_repaired(&mut s);
    by_satellite(&mut s);
    one_in_common(&mut s);
    hung_up_soon(&mut s);
    changes_over_soon(&mut s);
    straight_too_late(&mut s);
    between_sites(&mut s);
    learned_by_checks(&mut s);
    s
}
