//! Relays that clients do not get, or lose: what each server says, and the call that lacks it.

use std::net::SocketAddr;

use super::communicator::CLIENT;
use super::ice::{Agent, Checks};
use super::paths::{EDGE, agent, body, media};
use super::sign_in::{REALM, ask_for_credentials, to_edge};
use super::standard::{self, USUAL, described, outside, phone, side, turn_client};
use super::{START, at};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene};
use crate::stun::{Asked, Relay, Way};

/// Behind the NAT of the office that has Communicators.
pub fn seen(local: SocketAddr) -> SocketAddr {
    SocketAddr::new(at("84.155.254.180:0").ip(), local.port())
}

/// A Communicator of a company whom others reach by the Access Edge.
pub fn federated(user: &'static str) -> Party {
    Party {
        user,
        display: "",
        domain: "fabrikam.com",
        at: at("213.199.141.180:443"),
        agent: CLIENT,
        epid: "01d77ac2f0",
        transport: "TCP",
    }
}

/// A registration prolonged: the signature of the one that was made before goes on.
pub fn registered(s: &mut Scene, who: &Party) {
    let mut r = to_edge(s, who, &who.uri());
    let signed = format!(
        "NTLM qop=\"auth\", opaque=\"6F1C6E5B\", {REALM}, crand=\"5a1f03c2\", cnum=\"41\", response=\"0100000029618e9651b65a77\""
    );
    let request = Extra::header("Event", "registration").and("Authorization", signed);
    r.request(s, "REGISTER", true, &request);
    let ok = Extra::header("Contact", format!("{};expires=7200", who.contact())).and("Expires", "7200");
    r.respond(s, 200, "OK", &ok);
}

/// SERVICE to the A/V authentication service; `given`: user name, password and minutes, else its proxy answers 504.
pub fn asks_for_credentials(s: &mut Scene, who: &Party, given: Option<(&str, &str, u32)>) {
    waits_for_credentials(s, who, 60, given);
}

/// The same where the answer takes so many milliseconds.
pub fn waits_for_credentials(s: &mut Scene, who: &Party, millis: u64, given: Option<(&str, &str, u32)>) {
    let mut asked = ask_for_credentials(s, who);
    s.wait(millis);
    match given {
        Some(given) => asked.give(s, given),
        None => {
            let why = "1007;reason=\"Temporarily cannot route\";source=\"fe01.contoso.com\"";
            let why = Extra::header("ms-diagnostics", why);
            asked.dialog.respond(s, 504, "Server time-out", &why);
        }
    }
}

/// A Communicator's list, what it has of each kind.
pub fn communicator(ufrag: &'static str, controlling: bool, host: &str, relayed: Option<&str>) -> Agent {
    let relayed: Vec<&str> = relayed.into_iter().collect();
    agent(ufrag, Checks::MsIce2, controlling, &[host], &[], &relayed)
}

pub fn edge_client(s: &mut Scene, local: &str, relayed: &str, user: &'static str) -> Relay {
    let local = at(local);
    Relay::new(s, true, Way::Udp, local, at(EDGE), seen(local), at(relayed), user)
}

/// A call without a path: nothing answers, and the caller gives up after a while.
fn unheard(s: &mut Scene, who: (&Party, &Party), sides: (&Agent, &Agent), sdp: (String, String)) {
    let (ours, theirs) = sides;
    let mut c = Call::new(s, who.0, who.1, None);
    c.establish(s, &sdp.0, &sdp.1, 1_400);
    for peer in theirs.host.iter().chain(&theirs.mapped).chain(&theirs.relayed) {
        ours.direct(s, theirs, (ours.host[0], *peer), false, 4);
    }
    s.wait(9_000);
    c.bye(s);
    s.wait(2_500);
}

/// The virtual address of the relays is open in the firewall; the one that its 401 names is not.
fn not_past_the_virtual_address(s: &mut Scene) {
    let carol = super::sign_in::user("carol", "192.168.100.31:2101", "c1a0000001");
    let ours = communicator("cA31", true, "192.168.100.31:50020", None);
    let theirs = communicator("bO31", false, "172.16.8.24:50010", Some("213.199.141.181:51700"));
    let mut relay = edge_client(s, "192.168.100.31:50020", "213.199.141.181:57000", "mras-user-0031");
    let own = at("213.199.141.182:3478");
    relay.challenged_for(s, Some(own));
    relay.server = own;
    relay.unheard_authorised(s, 5);
    unheard(s, (&carol, &federated("bob")), (&ours, &theirs), (ours.v19(), theirs.v19()));
}

/// Credentials for an hour; a call begins shortly before it is over and outlives its relay.
fn outlives_its_credentials(s: &mut Scene, dan: &Party) {
    let relayed = "213.199.141.181:57020";
    let mut relay = edge_client(s, "192.168.100.32:50022", relayed, "mras-user-0032");
    let far = at("213.199.141.181:51720");
    let mut ours = communicator("dA32", true, "192.168.100.32:50022", Some(relayed));
    ours.mapped = vec![relay.mapped];
    let theirs = communicator("bO32", false, "172.16.8.24:50012", Some("213.199.141.181:51720"));
    relay.allocate(s, 600);
    let mut c = Call::new(s, dan, &federated("bob"), None);
    c.establish(s, &ours.v19(), &theirs.v19(), 1_100);
    ours.direct(s, &theirs, (ours.host[0], theirs.host[0]), false, 3);
    ours.through(s, &mut relay, &theirs, far, 1, true);
    c.request(s, "INVITE", false, &body(ours.chosen(&ours.relayed, &theirs.relayed)));
    c.respond(s, 200, "OK", &body(theirs.chosen(&theirs.relayed, &ours.relayed)));
    c.request(s, "ACK", false, &Extra::default());
    relay.active(s, far);
    media(s, &relay, 4);
    s.wait(300_000);
    relay.denied(s, Asked::Prolong(600), 438, "Stale Nonce", 1);
    relay.denied(s, Asked::Prolong(600), 401, "Unauthorized", 1);
    s.wait(150_000);
    relay.denied(s, Asked::Prolong(600), 401, "Unauthorized", 1);
    s.wait(164_000);
    c.bye(s);
    s.wait(3_000);
}

/// New credentials were refused to Eva's client, and the old ones have run out when she calls.
fn with_old_credentials(s: &mut Scene, eva: &Party) {
    let mut relay = edge_client(s, "192.168.100.33:50024", "213.199.141.181:57030", "mras-user-0033");
    relay.challenged(s);
    relay.denied(s, Asked::Allocate, 401, "Unauthorized", 1);
    let ours = communicator("eV33", true, "192.168.100.33:50024", None);
    let theirs = communicator("bO33", false, "172.16.8.24:50014", Some("213.199.141.181:51730"));
    unheard(s, (eva, &federated("bob")), (&ours, &theirs), (ours.v19(), theirs.v19()));
}

/// A softphone whose TURN server was set without a user name.
fn without_credentials(s: &mut Scene) {
    let finn = phone("finn", "Finn Frost", "10.10.0.34:5060");
    let relay = turn_client(s, at("10.10.0.34:40034"), "198.51.100.7:49034", "finn");
    relay.challenged(s);
    let ours = side("fI34", true, &["10.10.0.34:40034"], &[], &[]);
    let theirs = side("oP34", false, &["172.20.5.34:30034"], &["203.0.113.34:30034"], &[]);
    let sdp = (described(&ours, USUAL, ""), described(&theirs, USUAL, ""));
    unheard(s, (&finn, &outside("operator")), (&ours, &theirs), sdp);
}

/// The relay has given this user as many allocations as he may have; whom he calls can be reached without.
fn over_quota(s: &mut Scene) {
    let ivan = phone("ivan", "Ivan Iversen", "10.10.0.35:5060");
    let mut relay = turn_client(s, at("10.10.0.35:40035"), "198.51.100.7:49035", "ivan");
    relay.challenged(s);
    relay.denied(s, Asked::Allocate, 486, "Allocation Quota Reached", 1);
    let (local, peer) = (at("10.10.0.35:40035"), at("203.0.113.35:30035"));
    let ours = side("iV35", true, &["10.10.0.35:40035"], &[], &[]);
    let theirs = side("oP35", false, &["203.0.113.35:30035"], &[], &[]);
    let mut c = Call::new(s, &ivan, &outside("operator"), None);
    c.establish(s, &described(&ours, USUAL, ""), &described(&theirs, USUAL, ""), 1_200);
    let mapped = standard::seen(local);
    standard::probe(s, (&ours, &theirs), (local, peer), mapped, false);
    standard::probe_back(s, (&ours, &theirs), (local, peer), false);
    standard::probe(s, (&ours, &theirs), (local, peer), mapped, true);
    standard::Talk::new(s).on(s, &mut [], standard::straight(local, peer), 6);
    s.wait(6_000);
    c.bye_back(s);
    s.wait(2_500);
}

/// The relay may not talk to private addresses, nor to its own machine, where the other side has its relay.
fn peers_forbidden(s: &mut Scene) {
    let jack = phone("jack", "Jack Jansen", "10.10.0.36:5060");
    let local = at("10.10.0.36:40036");
    let mut relay = turn_client(s, local, "198.51.100.7:49036", "jack");
    relay.allocate(s, 600);
    let ours = side("jA36", true, &["10.10.0.36:40036"], &["192.0.2.44:40036"], &["198.51.100.7:49036"]);
    let theirs = side("oP36", false, &["172.20.5.36:30036"], &[], &["198.51.100.7:49136"]);
    let mut c = Call::new(s, &jack, &outside("operator"), None);
    c.establish(s, &described(&ours, USUAL, ""), &described(&theirs, USUAL, ""), 1_300);
    for peer in [theirs.host[0], theirs.relayed[0]] {
        relay.denied(s, Asked::Permission(peer), 403, "Forbidden IP", 1);
        ours.direct(s, &theirs, (local, peer), false, 4);
    }
    s.wait(9_000);
    c.bye(s);
    relay.granted(s, 0, true);
    s.wait(2_500);
}

/// Relays that are refused, out of reach, or of no use. Dan and Eva are given credentials for an hour; what comes of them is
/// seen at the end of it.
pub fn relays() -> Scene {
    let mut s = Scene::new(72, START);
    let dan = super::sign_in::user("dan", "192.168.100.32:2102", "c1a0000002");
    let eva = super::sign_in::user("eva", "192.168.100.33:2103", "c1a0000003");
    for (who, user) in [(&dan, "mras-user-0032"), (&eva, "mras-user-0033")] {
        registered(&mut s, who);
        asks_for_credentials(&mut s, who, Some((user, "secret", 60)));
        s.wait(700);
    }
    let signed_in = s.now;
    not_past_the_virtual_address(&mut s);
    without_credentials(&mut s);
    over_quota(&mut s);
    peers_forbidden(&mut s);
    s.now = signed_in + 56 * 60_000_000;
    outlives_its_credentials(&mut s, &dan);
    asks_for_credentials(&mut s, &eva, None);
    s.wait(1_500);
    with_old_credentials(&mut s, &eva);
    s
}
