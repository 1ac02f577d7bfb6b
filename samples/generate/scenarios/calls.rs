//! Calls that come to nothing or go wrong, one for each way that no other sample shows.

use std::net::SocketAddr;

use super::{START, alice, at, bob, carol, proxy};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene, sdp};

pub const SDP: &str = "application/sdp";

/// An offer or answer of one codec.
pub fn talk(p: &Party, port: u16, session: u64) -> String {
    sdp(p.user, session, 1, SocketAddr::new(p.at.ip(), port), "0", "a=ptime:20\r\n")
}

/// A gateway to the telephone network.
pub fn gateway() -> Party {
    Party { user: "gw1", display: "", at: at("10.10.0.40:5060"), agent: "Litware Gateway 6.80", ..bob() }
}

/// The proxy at the edge of the network, which clients outside are registered with.
pub fn edge() -> Party {
    Party { at: at("198.51.100.5:5060"), ..proxy() }
}

/// Bob's phone at home, and where the NAT before it shows it.
pub fn at_home(s: &mut Scene, seen_at: &str) -> Party {
    let b = Party { at: at("192.168.7.66:5060"), agent: "Litware Softphone/2.7", ..bob() };
    s.seen_at.insert(b.at, at(seen_at));
    b
}

/// A registration that its registrar grants without asking for a password.
pub fn register(s: &mut Scene, who: &Party, registrar: &Party) {
    let own = Party { user: who.user, display: who.display, ..registrar.clone() };
    let mut r = Call::new(s, who, &own, None);
    r.request(s, "REGISTER", true, &Extra::header("Expires", "600"));
    r.respond(s, 200, "OK", &Extra::header("Contact", format!("{};expires=600", who.contact())));
    s.wait(400);
}

/// Repeats the datagrams of these frames, so many milliseconds after one another.
pub fn repeat(s: &mut Scene, frame: usize, pauses: &[u64]) {
    for pause in pauses {
        s.wait(*pause);
        s.repeat(frame);
    }
}

/// How a request or a 2xx is repeated over UDP until it is given up after 32 s (T1, doubled up to T2).
const UNTIL_TIMER_F: [u64; 10] = [500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000];

pub fn outcomes() -> Scene {
    let mut s = Scene::new(81, START);
    let (a, b, p, g) = (alice(), bob(), proxy(), gateway());
    let none = Extra::default();
    let mut session = 810_000;
    let mut offered = |who: &Party| {
        session += 11;
        Extra::body(SDP, talk(who, 20_000 + (session % 1_000) as u16 * 2, session))
    };

    // The gateway takes a fax, and nothing more is heard of it; the fax server waits.
    let fax = Party {
        user: "fax",
        display: "Fax Server",
        at: at("10.10.0.35:5060"),
        agent: "Litware Fax 3.2",
        ..alice()
    };
    let number = Party { user: "+14255550188", ..g.clone() };
    let mut c = Call::new(&mut s, &fax, &number, Some(&p));
    let o = offered(&fax);
    c.request_over(&mut s, "INVITE", true, &o, 1);
    c.respond_over(&mut s, 100, "Trying", &none, 1);
    c.send_on(&mut s, &o);
    c.answer_proxy(&mut s, 100, "Trying", &none);
    s.wait(4_000);

    // Bob looks at his ringing phone and declines.
    let mut c = Call::new(&mut s, &a, &b, None);
    c.request(&mut s, "INVITE", true, &offered(&a));
    c.respond(&mut s, 100, "Trying", &none);
    s.wait(110);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(3_400);
    c.respond(&mut s, 603, "Decline", &none);
    c.ack_failure(&mut s, 2);
    s.wait(2_000);

    // Carol is not signed in anywhere: the proxy says so at once.
    let mut c = Call::new(&mut s, &a, &Party { at: p.at, agent: p.agent, ..carol() }, None);
    c.request(&mut s, "INVITE", true, &offered(&a));
    c.respond(&mut s, 100, "Trying", &none);
    c.respond(&mut s, 480, "Temporarily Unavailable", &none);
    c.ack_failure(&mut s, 2);
    s.wait(2_000);

    // Carol's phone was unplugged, its registration is still there: the proxy waits for it in vain.
    let mut c = Call::new(&mut s, &a, &carol(), Some(&p));
    let o = offered(&a);
    c.request_over(&mut s, "INVITE", true, &o, 1);
    c.respond_over(&mut s, 100, "Trying", &none, 1);
    let sent = s.frames.len();
    c.send_on(&mut s, &o);
    repeat(&mut s, sent, &[500, 1_000, 2_000]);
    s.wait(1_500);
    c.respond_over(&mut s, 408, "Request Timeout", &none, 1);
    c.ack_failure(&mut s, 1);
    s.wait(2_000);

    // Nothing is wrong: Alice talks to Bob for a moment.
    let mut c = Call::new(&mut s, &a, &b, None);
    c.establish(&mut s, &talk(&a, 21_000, 811_000), &talk(&b, 31_000, 811_001), 1_900);
    s.wait(5_000);
    c.bye(&mut s);
    s.wait(2_000);

    // The proxy and the branch's one each take the other for the way to extension 4711.
    let lost = Party { user: "4711", display: "", at: p.at, agent: p.agent, ..bob() };
    let mut c = Call::new(&mut s, &a, &lost, Some(&p));
    c.behind.push(at("10.20.0.5:5060"));
    c.request_over(&mut s, "INVITE", true, &offered(&a), 3);
    c.refuse_along(&mut s, 482, "Loop Detected", &none);
    s.wait(2_000);

    // A mobile client insists on preconditions, which the gateway does not know.
    let mut c = Call::new(&mut s, &a, &number, None);
    let strict = offered(&a).and("Require", "precondition").and("Supported", "100rel, precondition");
    c.request(&mut s, "INVITE", true, &strict);
    c.respond(&mut s, 420, "Bad Extension", &Extra::header("Unsupported", "precondition"));
    c.ack_failure(&mut s, 2);
    s.wait(2_000);

    elsewhere(&mut s);
    crossed(&mut s);
    two_answers(&mut s);
    ack_lost(&mut s);
    private_contact(&mut s);
    binding_gone(&mut s);
    s
}

/// A call from outside rings Bob's desk phone, and he takes it on another one: of the other hops nothing is seen here.
fn elsewhere(s: &mut Scene) {
    let outside = Party {
        user: "+14255550142",
        display: "",
        domain: "litware.com",
        at: at("198.51.100.30:5060"),
        agent: "Litware SBC 4.4",
        ..alice()
    };
    let mut c = Call::new(s, &outside, &bob(), Some(&proxy()));
    c.request_over(s, "INVITE", true, &Extra::default(), 0);
    c.send_on(s, &Extra::body(SDP, talk(&outside, 22_000, 820_100)));
    s.wait(90);
    c.answer_proxy(s, 180, "Ringing", &Extra::default());
    s.wait(4_700);
    c.give_up(s, &Extra::header("Reason", "SIP;cause=200;text=\"Call completed elsewhere\""));
    s.wait(2_000);
}

/// Alice gives up in the moment in which Bob answers. Her phone acknowledges his answer and forgets the call: it is Bob
/// who hangs up at last.
fn crossed(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let none = Extra::default();
    let mut c = Call::new(s, &a, &b, None);
    c.request(s, "INVITE", true, &Extra::body(SDP, talk(&a, 22_010, 820_200)));
    c.respond(s, 100, "Trying", &none);
    s.wait(100);
    c.respond(s, 180, "Ringing", &none);
    s.wait(14_000);
    c.request(s, "CANCEL", true, &none);
    c.respond(s, 200, "OK", &Extra::body(SDP, talk(&b, 32_010, 820_201)));
    c.respond_to(s, "CANCEL", 200, "OK");
    c.request(s, "ACK", false, &none);
    s.wait(17_000);
    c.bye_back(s);
    s.wait(2_000);
}

/// The proxy rings Bob and his voice mail at once, and both answer before it can cancel one: Alice's phone keeps Bob,
/// acknowledges the voice mail and leaves it to itself, which records silence for two minutes.
fn two_answers(s: &mut Scene) {
    let (a, b, p) = (alice(), bob(), proxy());
    let none = Extra::default();
    let o = Extra::body(SDP, talk(&a, 22_020, 820_300));
    let mail = Party { at: at("10.10.0.50:5060"), agent: "Proseware Voice Mail 2.1", ..bob() };
    let mut c = Call::new(s, &a, &b, Some(&p));
    c.request(s, "INVITE", true, &o);
    let phone = c.leg();
    c.respond_over(s, 100, "Trying", &none, 1);
    s.wait(90);
    c.respond(s, 180, "Ringing", &none);
    s.wait(9_800);
    let box_ = c.fork(s, &mail, &o);
    s.wait(20);
    c.answer_proxy(s, 200, "OK", &Extra::body(SDP, talk(&mail, 40_020, 820_301)));
    c.take(&phone);
    c.respond(s, 200, "OK", &Extra::body(SDP, talk(&b, 32_020, 820_302)));
    c.request(s, "ACK", false, &none);
    c.take(&box_);
    c.back_to_invite();
    c.respond_over(s, 200, "OK", &Extra::body(SDP, talk(&mail, 40_020, 820_301)), 1);
    c.request(s, "ACK", false, &none);
    s.wait(31_000);
    c.take(&phone);
    c.bye(s);
    s.wait(89_000);
    c.take(&box_);
    c.bye_back(s);
    s.wait(2_000);
}

/// A PBX gives a name of its own network as its Contact, which the operator's border controller cannot look up: no ACK
/// comes, the PBX repeats its 200 and hangs up after 32 s.
fn ack_lost(s: &mut Scene) {
    let operator = Party {
        user: "+14255550142",
        display: "",
        domain: "litware.com",
        at: at("198.51.100.30:5060"),
        agent: "Litware SBC 4.4",
        ..alice()
    };
    let pbx = Party { at: at("203.0.113.5:5060"), agent: "Proseware PBX 5.6", ..bob() };
    let none = Extra::default();
    let mut c = Call::new(s, &operator, &pbx, None);
    c.contact = Some("<sip:bob@pbx.contoso.local:5060>".to_owned());
    c.request(s, "INVITE", true, &Extra::body(SDP, talk(&operator, 22_030, 820_400)));
    c.respond(s, 100, "Trying", &none);
    s.wait(100);
    c.respond(s, 180, "Ringing", &none);
    s.wait(2_600);
    let sent = s.frames.len();
    c.respond(s, 200, "OK", &Extra::body(SDP, talk(&pbx, 32_030, 820_401)));
    repeat(s, sent, &UNTIL_TIMER_F);
    s.wait(500);
    c.bye_back(s);
    s.wait(2_000);
}

/// Bob at home calls Alice through a PBX that answers where he is seen at, but sends its own requests to his Contact.
fn private_contact(s: &mut Scene) {
    let pbx = Party { at: at("203.0.113.5:5060"), agent: "Proseware PBX 5.6", ..alice() };
    let b = at_home(s, "198.51.100.166:40000");
    let mut c = Call::new(s, &b, &pbx, None);
    c.establish(s, &talk(&b, 22_040, 820_500), &talk(&pbx, 32_040, 820_501), 1_700);
    s.wait(8_000);
    s.follows = false;
    let sent = s.frames.len();
    c.request_back(s, "BYE", &Extra::default());
    repeat(s, sent, &UNTIL_TIMER_F);
    s.follows = true;
    s.seen_at.clear();
    s.wait(3_000);
}

/// Bob's phone at home says nothing for a minute and a half: his NAT forgets it, and the next call does not get through.
fn binding_gone(s: &mut Scene) {
    let e = edge();
    let a = Party { at: at("198.51.100.21:5060"), ..alice() };
    let none = Extra::default();
    let b = at_home(s, "203.0.113.66:40000");
    register(s, &b, &e);
    s.wait(95_000);
    let mut c = Call::new(s, &a, &b, Some(&e));
    let o = Extra::body(SDP, talk(&a, 22_050, 820_600));
    c.request_over(s, "INVITE", true, &o, 1);
    c.respond_over(s, 100, "Trying", &none, 1);
    let sent = s.frames.len();
    c.send_on(s, &o);
    repeat(s, sent, &[500, 1_000, 2_000]);
    s.wait(1_500);
    c.respond_over(s, 408, "Request Timeout", &none, 1);
    c.ack_failure(s, 1);
    s.wait(180_000);
    let b = at_home(s, "203.0.113.66:40001");
    register(s, &b, &e);
    s.wait(35_000);
    let mut options = Call::new(s, &e, &b, None);
    options.request(s, "OPTIONS", true, &none);
    options.respond(s, 200, "OK", &none);
}
