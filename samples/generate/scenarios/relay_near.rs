//! Relays that are got after all: challenges, stale nonces, losses and refusals that are made good.

use super::paths::{body, media};
use super::relay_trouble::{communicator, edge_client, federated, registered, waits_for_credentials};
use super::standard::{
    Talk, USUAL, described, in_channel, outside, phone, probe_in_channel, side, turn_client,
};
use super::{START, at, sign_in};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene};
use crate::stun::Asked;

const USER: &str = "mras-user-0041";

/// The relay's own address answers late, asks for another nonce, and prolongs the allocation; the call ends with it.
fn by_its_own_address(s: &mut Scene, carol: &Party) {
    let relayed = "213.199.141.182:57040";
    let mut relay = edge_client(s, "192.168.100.41:50040", relayed, USER);
    let own = at("213.199.141.182:3478");
    relay.challenged_for(s, Some(own));
    relay.server = own;
    relay.denied(s, Asked::Allocate, 438, "Stale Nonce", 3);
    relay.granted(s, 600, false);
    let mut ours = communicator("cA41", true, "192.168.100.41:50040", Some(relayed));
    ours.mapped = vec![relay.mapped];
    let theirs = communicator("bO41", false, "172.16.8.24:50012", Some("213.199.141.181:51740"));
    let far = theirs.relayed[0];
    let mut c = Call::new(s, carol, &federated("bob"), None);
    c.establish(s, &ours.v19(), &theirs.v19(), 1_100);
    ours.direct(s, &theirs, (ours.host[0], theirs.host[0]), false, 3);
    ours.through(s, &mut relay, &theirs, far, 1, true);
    c.request(s, "INVITE", false, &body(ours.chosen(&ours.relayed, &theirs.relayed)));
    c.respond(s, 200, "OK", &body(theirs.chosen(&theirs.relayed, &ours.relayed)));
    c.request(s, "ACK", false, &Extra::default());
    relay.active(s, far);
    media(s, &relay, 6);
    s.wait(300_000);
    relay.denied(s, Asked::Prolong(600), 438, "Stale Nonce", 1);
    relay.granted(s, 600, true);
    s.wait(308_000);
    relay.granted(s, 0, true);
    s.wait(900);
    c.bye(s);
    s.wait(2_000);
}

/// Ten seconds before the credentials run out they are good for another relay, though a call on the LAN needs none.
fn on_the_last_minute(s: &mut Scene, carol: &Party) {
    let relayed = "213.199.141.182:57044";
    let mut relay = edge_client(s, "192.168.100.41:50044", relayed, USER);
    relay.server = at("213.199.141.182:3478");
    relay.allocate(s, 600);
    let mut ours = communicator("cA45", true, "192.168.100.41:50044", Some(relayed));
    ours.mapped = vec![relay.mapped];
    let theirs = communicator("dA45", false, "192.168.100.32:50018", None);
    let ends = (ours.host[0], theirs.host[0]);
    let dan = Party { domain: "contoso.com", ..federated("dan") };
    let mut c = Call::new(s, carol, &dan, None);
    c.establish(s, &ours.v19(), &theirs.v19(), 900);
    ours.direct(s, &theirs, ends, true, 1);
    theirs.direct(s, &ours, (ends.1, ends.0), true, 1);
    let named = |sdp: String| sdp.replace("typ relay", "typ host");
    c.request(s, "INVITE", false, &body(named(ours.chosen(&[ends.0], &[ends.1]))));
    c.respond(s, 200, "OK", &body(named(theirs.chosen(&[ends.1], &[ends.0]))));
    c.request(s, "ACK", false, &Extra::default());
    relay.granted(s, 0, true);
    s.rtp(ends.0, ends.1, 4, true);
    s.wait(14_000);
    c.bye(s);
    s.wait(2_000);
}

/// Credentials come late, the relay has no pair of ports but a single one, and a permission needs a new nonce.
fn made_good(s: &mut Scene) {
    let nora = phone("nora", "Nora Nilsen", "10.10.0.51:5060");
    let local = at("10.10.0.51:40051");
    let mut relays = [turn_client(s, local, "198.51.100.7:49051", "nora")];
    let relay = &mut relays[0];
    relay.challenged(s);
    // They are asked for by HTTPS, elsewhere.
    s.wait(2_400);
    relay.denied(s, Asked::PortPair, 508, "Insufficient Capacity", 1);
    relay.granted(s, 600, false);
    let ours = side("nO51", true, &["10.10.0.51:40051"], &["192.0.2.44:40051"], &["198.51.100.7:49051"]);
    let theirs = side("oP51", false, &["203.0.113.51:30051"], &[], &[]);
    let peer = theirs.host[0];
    let mut c = Call::new(s, &nora, &outside("operator"), None);
    c.establish(s, &described(&ours, USUAL, ""), &described(&theirs, USUAL, ""), 1_200);
    ours.direct(s, &theirs, (local, peer), false, 3);
    relay.denied(s, Asked::Permission(peer), 438, "Stale Nonce", 1);
    relay.permit(s, peer, None);
    relay.permit(s, peer, Some(0x4001));
    probe_in_channel(s, (&ours, &theirs), relay, 0x4001, false);
    probe_in_channel(s, (&ours, &theirs), relay, 0x4001, true);
    Talk::new(s).on(s, &mut relays, in_channel(0x4001), 6);
    s.wait(7_000);
    c.bye_back(s);
    relays[0].granted(s, 0, true);
    s.wait(2_000);
}

/// What comes close to each rule about relays, and is none of it.
pub fn relays() -> Scene {
    let mut s = Scene::new(73, START);
    let carol = sign_in::user("carol", "192.168.100.41:2111", "c1a0000011");
    registered(&mut s, &carol);
    waits_for_credentials(&mut s, &carol, 28_000, Some((USER, "secret", 60)));
    let given = s.now;
    s.wait(3_000);
    made_good(&mut s);
    s.now = given + (49 * 60 + 30) * 1_000_000;
    by_its_own_address(&mut s, &carol);
    s.now = given + (59 * 60 + 50) * 1_000_000;
    on_the_last_minute(&mut s, &carol);
    s
}
