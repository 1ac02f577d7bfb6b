//! Subscriptions, publications and messages that go wrong.

use super::dialogs::T2;
use super::{START, alice, at, carol};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene};

/// Somebody's state, as the presence server has it.
pub fn state_of(user: &'static str) -> Party {
    Party {
        user,
        display: "",
        domain: "contoso.com",
        at: at("10.10.0.12:5060"),
        agent: "Proseware Presence 1.4",
        epid: "",
        transport: "UDP",
    }
}

pub fn watcher(user: &'static str, display: &'static str, address: &str) -> Party {
    Party { user, display, at: at(address), ..carol() }
}

pub fn pidf(user: &str, basic: &str) -> Extra<'static> {
    let text = format!(
        "<?xml version=\"1.0\"?>\r\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:{user}@contoso.com\"><tuple id=\"1\"><status><basic>{basic}</basic></status></tuple></presence>\r\n"
    );
    Extra::body("application/pidf+xml", text)
}

pub fn asks(event: &'static str, expires: &'static str) -> Extra<'static> {
    Extra::header("Event", event).and("Expires", expires)
}

pub fn grants(watched: &Party, expires: &'static str) -> Extra<'static> {
    Extra::header("Contact", watched.contact()).and("Expires", expires)
}

pub fn tells(body: Extra<'static>, event: &'static str, state: &'static str) -> Extra<'static> {
    body.and("Event", event).and("Subscription-State", state)
}

/// A subscription that is granted, and the state told at once.
pub fn subscribed(s: &mut Scene, who: &Party, watched: &'static str) -> Call {
    let of = state_of(watched);
    let mut c = Call::new(s, who, &of, None);
    c.request(s, "SUBSCRIBE", true, &asks("presence", "3600"));
    c.respond(s, 200, "OK", &grants(&of, "3600"));
    s.wait(10);
    told(s, &mut c, "open", "active;expires=3599");
    c
}

/// A NOTIFY of presence, answered.
pub fn told(s: &mut Scene, c: &mut Call, basic: &str, state: &'static str) {
    c.request_back(s, "NOTIFY", &tells(pidf(c.to.user, basic), "presence", state));
    c.respond(s, 200, "OK", &Extra::default());
}

pub fn rules() -> Scene {
    let mut s = Scene::new(83, START);
    let a = alice();
    let mut healthy = subscribed(&mut s, &a, "bob");
    s.wait(900);
    publication_refused(&mut s);
    s.wait(1_500);
    fetches(&mut s);
    s.wait(800);
    told(&mut s, &mut healthy, "closed", "active;expires=3550");
    begins_again(&mut s);
    s.wait(1_000);
    restarted(&mut s);
    unplugged(&mut s);
    server_down(&mut s);
    told(&mut s, &mut healthy, "open", "active;expires=3250");
    s
}

/// Alice's client may not publish.
fn publication_refused(s: &mut Scene) {
    let mut c = Call::new(s, &alice(), &state_of("alice"), None);
    c.request(s, "PUBLISH", true, &pidf("alice", "open").and("Event", "presence").and("Expires", "3600"));
    let why = "399 10.10.0.12 \"Publishing is not allowed for this user\"";
    c.respond(s, 403, "Forbidden", &Extra::header("Warning", why));
}

/// Erin's web page asks for Bob's state each five seconds.
fn fetches(s: &mut Scene) {
    let (e, of) = (watcher("erin", "Erin Ekberg", "10.10.0.25:5060"), state_of("bob"));
    for _ in 0..7 {
        let mut c = Call::new(s, &e, &of, None);
        c.request(s, "SUBSCRIBE", true, &asks("presence", "0"));
        c.respond(s, 200, "OK", &grants(&of, "0"));
        s.wait(8);
        told(s, &mut c, "open", "terminated;reason=timeout");
        s.wait(4_960);
    }
}

/// The lamps of Frank's phone: it loses track of its subscription and begins another one each four seconds.
fn begins_again(s: &mut Scene) {
    let (f, of) = (watcher("frank", "", "10.10.0.26:5060"), state_of("bob"));
    let idle = "<?xml version=\"1.0\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" entity=\"sip:bob@contoso.com\"/>\r\n";
    for _ in 0..11 {
        let mut c = Call::new(s, &f, &of, None);
        c.request(s, "SUBSCRIBE", true, &asks("dialog", "600"));
        c.respond(s, 200, "OK", &grants(&of, "600"));
        s.wait(9);
        let body = Extra::body("application/dialog-info+xml", idle.to_owned());
        c.request_back(s, "NOTIFY", &tells(body, "dialog", "active;expires=600"));
        c.respond(s, 200, "OK", &Extra::default());
        s.wait(3_970);
    }
}

/// Carol's softphone was started again and does not know its old subscription.
fn restarted(s: &mut Scene) {
    let mut c = subscribed(s, &carol(), "alice");
    s.wait(21_000);
    c.request_back(s, "NOTIFY", &tells(pidf("alice", "closed"), "presence", "active;expires=3578"));
    c.respond(s, 481, "Subscription Does Not Exist", &Extra::default());
    s.wait(1_200);
}

/// Greg's phone was unplugged.
fn unplugged(s: &mut Scene) {
    let mut c = subscribed(s, &watcher("greg", "Greg Gold", "10.10.0.27:5060"), "alice");
    s.wait(17_000);
    let at = s.frames.len();
    c.request_back(s, "NOTIFY", &tells(pidf("alice", "open"), "presence", "active;expires=3582"));
    s.retransmit(at, 10, T2);
    s.wait(1_500);
}

/// The server of Hao's branch office is down: nothing he asks of it is answered.
fn server_down(s: &mut Scene) {
    let h = watcher("hao", "Hao Chen", "10.10.0.28:5060");
    let server = |user| Party { at: at("10.10.0.14:5060"), ..state_of(user) };
    let own = pidf("hao", "open").and("Event", "presence").and("Expires", "3600").and("SIP-If-Match", "7c1");
    let text = Extra::body("text/plain", "Is the server down?".to_owned());
    let start = s.now;
    let asked = [
        ("SUBSCRIBE", "bob", asks("presence", "3600")),
        ("SUBSCRIBE", "carol", asks("presence", "3600")),
        ("PUBLISH", "hao", own),
        ("MESSAGE", "bob", text),
        ("OPTIONS", "ping", Extra::header("Accept", "application/sdp")),
    ];
    for (n, (method, user, extra)) in (0u64..).zip(asked) {
        s.now = start + [0, 12_000, 700_000, 5_200_000, 16_000_000][n as usize];
        let mut c = Call::new(s, &h, &server(user), None);
        let at = s.frames.len();
        c.request(s, method, true, &extra);
        s.retransmit(at, 10, T2);
    }
    s.frames.sort_by_key(|f| f.micros);
    // Timer F, and as long again: the capture tells of the last one too.
    s.wait(34_000);
}
