//! Candidates that make no path, and paths that are not the ones they could be.

use super::ice::{Agent, Checks, v06};
use super::paths::{agent, body, both};
use super::relay_trouble::{asks_for_credentials, communicator, federated, registered};
use super::standard::{
    BY_RELAY, Talk, USUAL, described, in_channel, outside, phone, probe, probe_back, probe_in_channel, seen,
    side, straight, turn_client,
};
use super::{START, at, sign_in};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene, sdp};

/// Gina's client is given no credentials for relays: it offers its own address only.
fn no_relay(s: &mut Scene) {
    let gina = sign_in::user("gina", "192.168.100.35:2105", "c1a0000005");
    registered(s, &gina);
    asks_for_credentials(s, &gina, None);
    s.wait(4_000);
    let ours = communicator("gI35", true, "192.168.100.35:50026", None);
    let theirs = communicator("bO35", false, "172.16.8.24:50016", Some("213.199.141.181:51750"));
    let mut c = Call::new(s, &gina, &federated("bob"), None);
    c.establish(s, &ours.v19(), &theirs.v19(), 1_700);
    for peer in [theirs.host[0], theirs.relayed[0]] {
        ours.direct(s, &theirs, (ours.host[0], peer), false, 4);
    }
    s.wait(9_000);
    c.bye(s);
    s.wait(2_500);
}

/// A browser that may not send UDP of its own offers TCP only; the phone has UDP only.
fn nothing_in_common(s: &mut Scene) {
    let kim = phone("kim", "Kim Keller", "10.10.0.41:5060");
    let browser = Party { agent: "Proseware Web Client/61", ..kim };
    let ours = side("kI41", true, &[], &[], &[]);
    let theirs = side("oP41", false, &["203.0.113.41:30041"], &[], &[]);
    let credentials = format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", ours.ufrag, ours.password);
    let line = "a=candidate:4 1 tcp 1518280447 10.10.0.41 9 typ host tcptype active generation 0\r\n";
    let more = format!("a=ptime:60\r\na=rtcp-mux\r\n{credentials}{line}a=end-of-candidates\r\n");
    let offer = sdp("-", 3_911, 1, at("10.10.0.41:9"), "18 101", &more);
    let mut c = Call::new(s, &browser, &outside("operator"), None);
    c.establish(s, &offer, &described(&theirs, USUAL, ""), 1_500);
    s.wait(11_000);
    c.bye(s);
    s.wait(2_500);
}

/// Media begins by the relay and stays there for two seconds after the straight way was nominated.
fn media_elsewhere(s: &mut Scene) {
    let lena = phone("lena", "Lena Lind", "10.10.0.42:5060");
    let (local, peer) = (at("10.10.0.42:40042"), at("203.0.113.42:30042"));
    let mut relays = [turn_client(s, local, "198.51.100.7:49042", "lena")];
    relays[0].allocate(s, 600);
    let ours = side("lE42", true, &["10.10.0.42:40042"], &["192.0.2.44:40042"], &["198.51.100.7:49042"]);
    let theirs = side("oP42", false, &["203.0.113.42:30042"], &[], &[]);
    let mut c = Call::new(s, &lena, &outside("operator"), None);
    c.establish(s, &described(&ours, USUAL, ""), &described(&theirs, USUAL, ""), 1_200);
    relays[0].permit(s, peer, Some(0x4001));
    probe_in_channel(s, (&ours, &theirs), &relays[0], 0x4001, false);
    probe(s, (&ours, &theirs), (local, peer), seen(local), false);
    probe_back(s, (&ours, &theirs), (local, peer), false);
    probe(s, (&ours, &theirs), (local, peer), seen(local), true);
    let mut talk = Talk::new(s);
    talk.on(s, &mut relays, in_channel(0x4001), 22);
    talk.on(s, &mut relays, straight(local, peer), 10);
    s.wait(5_000);
    c.bye(s);
    relays[0].granted(s, 0, true);
    s.wait(2_500);
}

/// Mona's client prefers its relay: the straight way works, and is not taken.
fn relay_preferred(s: &mut Scene) {
    let mona = phone("mona", "Mona Meyer", "10.10.0.43:5060");
    let (local, peer) = (at("10.10.0.43:40043"), at("203.0.113.43:30043"));
    let mut relays = [turn_client(s, local, "198.51.100.7:49043", "mona")];
    relays[0].allocate(s, 600);
    let ours = side("mO43", true, &["10.10.0.43:40043"], &["192.0.2.44:40043"], &["198.51.100.7:49043"]);
    let theirs = side("oP43", false, &["203.0.113.43:30043"], &[], &[]);
    let mut c = Call::new(s, &mona, &outside("operator"), None);
    c.establish(s, &described(&ours, BY_RELAY, ""), &described(&theirs, USUAL, ""), 1_200);
    probe_back(s, (&ours, &theirs), (local, peer), false);
    probe(s, (&ours, &theirs), (local, peer), seen(local), false);
    relays[0].permit(s, peer, Some(0x4001));
    probe_in_channel(s, (&ours, &theirs), &relays[0], 0x4001, false);
    probe_in_channel(s, (&ours, &theirs), &relays[0], 0x4001, true);
    Talk::new(s).on(s, &mut relays, in_channel(0x4001), 10);
    s.wait(6_000);
    c.bye(s);
    relays[0].granted(s, 0, true);
    s.wait(2_500);
}

/// Both generations are offered; Bob's Communicator 2007 knows the older one only.
fn downgrade(s: &mut Scene) {
    let hana = sign_in::user("hana", "192.168.100.36:2106", "c1a0000006");
    let old = "UCCP/2.0.6362.0 OC/2.0.6362.0 (Microsoft Office Communicator)";
    let bob = Party { agent: old, ..federated("bob") };
    let (local, peer) = (at("192.168.100.36:50028"), at("192.168.100.120:50018"));
    let ours = [("k3TqZ0vB1cW9sLdE4gXmPA", "p7RwN2xYf0aLVg", "UDP", "0.850", local, 50_029)];
    let theirs = [("Vb8nJ5hC6yUo2tKiQ1zSMw", "q9GdE4mHs3uTBQ", "UDP", "0.850", peer, 50_019)];
    let newer = communicator("hA36", true, "192.168.100.36:50028", None);
    let mut c = Call::new(s, &hana, &bob, None);
    c.request(s, "INVITE", true, &both(v06(local, &ours), newer.v19()));
    c.respond(s, 100, "Trying", &Extra::default());
    s.wait(140);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(2_300);
    c.respond(s, 200, "OK", &body(v06(peer, &theirs)));
    c.request(s, "ACK", false, &Extra::default());
    let of = |(ufrag, password, ..): (&'static str, &'static str, &str, &str, _, u16), controlling| Agent {
        ufrag,
        password,
        ..agent("", Checks::MsIce, controlling, &[], &[], &[])
    };
    let (a, b) = (of(ours[0], true), of(theirs[0], false));
    a.direct(s, &b, (local, peer), true, 1);
    b.direct(s, &a, (peer, local), true, 1);
    let named = |id: &str| format!("a=remote-candidate:{id}\r\n");
    c.request(s, "INVITE", false, &body(v06(local, &ours) + &named(theirs[0].0)));
    c.respond(s, 200, "OK", &body(v06(peer, &theirs) + &named(ours[0].0)));
    c.request(s, "ACK", false, &Extra::default());
    s.rtp(local, peer, 8, true);
    s.wait(6_000);
    c.bye(s);
}

/// A call without candidates that could work, and calls whose path is worth a look.
pub fn paths() -> Scene {
    let mut s = Scene::new(71, START);
    no_relay(&mut s);
    nothing_in_common(&mut s);
    media_elsewhere(&mut s);
    relay_preferred(&mut s);
    downgrade(&mut s);
    s
}
