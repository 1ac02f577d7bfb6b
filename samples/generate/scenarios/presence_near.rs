//! Subscriptions, publications and messages that come close to what the rules look for, and are well.

use super::dialogs::T2;
use super::presence::{asks, grants, pidf, state_of, subscribed, tells, told, watcher};
use super::{START, alice, answer, at, bob, carol, offer};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene};

const CHALLENGE: &str = "Digest realm=\"contoso.com\", nonce=\"90d4c1b7aa\", algorithm=MD5, qop=\"auth\"";

pub fn near() -> Scene {
    let mut s = Scene::new(84, START);
    late_answers(&mut s);
    s.wait(1_000);
    publications(&mut s);
    s.wait(1_000);
    message_got_there(&mut s);
    s.wait(1_000);
    refused_then_granted(&mut s);
    s.wait(1_000);
    crossing(&mut s);
    s.wait(1_000);
    transferor_left(&mut s);
    s.wait(1_000);
    lamps(&mut s);
    fetches(&mut s);
    overtaken(&mut s);
    s.frames.sort_by_key(|f| f.micros);
    s
}

/// What `method` asks of the presence server is answered after so many repeats.
fn late(s: &mut Scene, c: &mut Call, method: &str, extra: &Extra<'_>, repeats: u32, granted: &Extra<'_>) {
    let at = s.frames.len();
    c.request(s, method, true, extra);
    s.retransmit(at, repeats, T2);
    s.wait(900);
    c.respond(s, 200, "OK", granted);
}

/// The network to Greg's branch office drops most of what is sent: each answer comes before 32 s are over.
fn late_answers(s: &mut Scene) {
    let g = watcher("greg", "Greg Gold", "10.10.0.27:5060");
    let none = Extra::default();
    let ping = Extra::header("Accept", "application/sdp");
    let mut c = Call::new(s, &g, &state_of("ping"), None);
    late(s, &mut c, "OPTIONS", &ping, 9, &Extra::header("Accept", "application/pidf+xml"));
    let mut c = Call::new(s, &g, &state_of("bob"), None);
    late(s, &mut c, "MESSAGE", &Extra::body("text/plain", "Does this get through?".to_owned()), 6, &none);
    let of = state_of("alice");
    let mut c = Call::new(s, &g, &of, None);
    late(s, &mut c, "SUBSCRIBE", &asks("presence", "3600"), 6, &grants(&of, "3600"));
    let at = s.frames.len();
    c.request_back(s, "NOTIFY", &tells(pidf("alice", "open"), "presence", "active;expires=3580"));
    s.retransmit(at, 6, T2);
    s.wait(900);
    c.respond(s, 200, "OK", &none);
}

/// Publications that are refused as they are meant to be, and go on; a gateway that lives and does not know whom OPTIONS
/// asks about.
fn publications(s: &mut Scene) {
    let a = alice();
    let mut c = Call::new(s, &a, &state_of("alice"), None);
    let publish =
        |expires: &'static str| pidf("alice", "open").and("Event", "presence").and("Expires", expires);
    // What she published before the capture is over.
    let renew = |expires: &'static str| publish(expires).and("SIP-If-Match", "0a31");
    c.request(s, "PUBLISH", true, &renew("30"));
    c.respond(s, 401, "Unauthorized", &Extra::header("WWW-Authenticate", CHALLENGE));
    let with = |extra: Extra<'static>, n: u32| {
        extra.and("Authorization", credentials(n, "alice", "sip:alice@contoso.com"))
    };
    c.request(s, "PUBLISH", true, &with(renew("30"), 1));
    c.respond(s, 423, "Interval Too Brief", &Extra::header("Min-Expires", "600"));
    c.request(s, "PUBLISH", true, &with(renew("600"), 2));
    c.respond(s, 412, "Conditional Request Failed", &Extra::default());
    c.request(s, "PUBLISH", true, &with(publish("600"), 3));
    c.respond(s, 200, "OK", &Extra::header("SIP-ETag", "0a44").and("Expires", "600"));
    s.wait(700);
    let gateway = Party { at: at("10.10.0.8:5060"), agent: "Proseware Gateway 2.2", ..state_of("ping") };
    let border = Party { user: "border", display: "", at: at("10.10.0.6:5060"), ..alice() };
    let mut c = Call::new(s, &border, &gateway, None);
    c.request(s, "OPTIONS", true, &Extra::header("Accept", "application/sdp"));
    c.respond(s, 404, "Not Found", &Extra::default());
}

/// For the `n`th request with the nonce.
fn credentials(n: u32, user: &str, uri: &str) -> String {
    format!(
        "Digest username=\"{user}\", realm=\"contoso.com\", nonce=\"90d4c1b7aa\", uri=\"{uri}\", response=\"a7e1135f0c9b44d28d62f0b13e907c55\", algorithm=MD5, cnonce=\"7b2c\", qop=auth, nc={n:08}"
    )
}

/// Challenged, accepted for later delivery, and told of as delivered.
fn message_got_there(s: &mut Scene) {
    let (a, c) = (alice(), state_of("carol"));
    let text = || Extra::body("text/plain", "The room is free at four.".to_owned());
    let mut m = Call::new(s, &a, &c, None);
    m.request(s, "MESSAGE", true, &text());
    let challenge = Extra::header("Proxy-Authenticate", CHALLENGE);
    m.respond(s, 407, "Proxy Authentication Required", &challenge);
    m.request(
        s,
        "MESSAGE",
        true,
        &text().and("Proxy-Authorization", credentials(1, "alice", "sip:carol@contoso.com")),
    );
    m.respond(s, 202, "Accepted", &Extra::header("Message-Id", "<91c2>"));
    s.wait(6_000);
    let mut notice = Call::new(s, &Party { display: "Carol Cruz", ..c }, &a, None);
    let imdn = "<imdn xmlns=\"http://schemas.microsoft.com/rtc/2006/08/imdn\"><message-id>&lt;91c2&gt;</message-id><recipient uri=\"sip:carol@contoso.com\"><status>200</status></recipient></imdn>";
    notice.request(s, "MESSAGE", true, &Extra::body("application/ms-imdn+xml", imdn.to_owned()));
    notice.respond(s, 200, "OK", &Extra::default());
}

/// A challenge and an interval too brief come before the subscription; then it is ended by who began it.
fn refused_then_granted(s: &mut Scene) {
    let (a, of) = (alice(), state_of("bob"));
    let mut c = Call::new(s, &a, &of, None);
    c.request(s, "SUBSCRIBE", true, &asks("presence", "60"));
    c.respond(s, 401, "Unauthorized", &Extra::header("WWW-Authenticate", CHALLENGE));
    let with = |expires: &'static str, n: u32| {
        asks("presence", expires).and("Authorization", credentials(n, "alice", "sip:bob@contoso.com"))
    };
    c.request(s, "SUBSCRIBE", true, &with("60", 1));
    c.respond(s, 423, "Interval Too Brief", &Extra::header("Min-Expires", "600"));
    c.request(s, "SUBSCRIBE", true, &with("600", 2));
    c.respond(s, 200, "OK", &grants(&of, "600"));
    told(s, &mut c, "open", "active;expires=600");
    s.wait(9_000);
    c.request(s, "SUBSCRIBE", false, &with("0", 3));
    c.respond(s, 200, "OK", &grants(&of, "0"));
    told(s, &mut c, "open", "terminated;reason=timeout");
}

/// Bob's state changes at the moment where Carol's client unsubscribes and forgets: captured at the server, her request comes
/// behind the NOTIFY that she no longer knows.
fn crossing(s: &mut Scene) {
    let c = carol();
    let mut watch = subscribed(s, &c, "bob");
    s.wait(5_000);
    let mut leaves = watch.clone();
    leaves.cseq = 7;
    let changed = tells(pidf("bob", "closed"), "presence", "active;expires=3594");
    watch.request_back(s, "NOTIFY", &changed);
    leaves.request(s, "SUBSCRIBE", false, &asks("presence", "0"));
    leaves.respond(s, 200, "OK", &grants(&state_of("bob"), "0"));
    watch.respond(s, 481, "Subscription Does Not Exist", &Extra::default());
    let last = tells(pidf("bob", "closed"), "presence", "terminated;reason=timeout");
    leaves.request_back(s, "NOTIFY", &last);
    leaves.respond(s, 481, "Subscription Does Not Exist", &Extra::default());
}

/// Bob's phone transfers Alice to Carol and hangs up at once: it does not want to know how that went.
fn transferor_left(s: &mut Scene) {
    let (a, b, c) = (alice(), bob(), carol());
    let none = Extra::default();
    let sdp = |text: String| Extra::body("application/sdp", text);
    let mut first = Call::new(s, &a, &b, None);
    first.establish(s, &offer(&a, 28_000, 1_301), &answer(&b, 38_000, 1_302), 1_100);
    s.wait(3_000);
    let refer =
        Extra::header("Refer-To", "<sip:carol@contoso.com>").and("Referred-By", "<sip:bob@contoso.com>");
    first.request_back(s, "REFER", &refer);
    first.respond(s, 202, "Accepted", &none);
    first.bye_back(s);
    let mut second = Call::new(s, &a, &c, None);
    second.request(
        s,
        "INVITE",
        true,
        &sdp(offer(&a, 28_002, 1_303)).and("Referred-By", "<sip:bob@contoso.com>"),
    );
    second.respond(s, 180, "Ringing", &none);
    let trying = super::dialogs::progress("SIP/2.0 100 Trying", "active;expires=60");
    first.request(s, "NOTIFY", false, &trying);
    first.respond(s, 481, "Call/Transaction Does Not Exist", &none);
    s.wait(2_200);
    second.respond(s, 200, "OK", &sdp(answer(&c, 38_002, 1_304)));
    second.request(s, "ACK", false, &none);
    s.wait(6_000);
    second.bye(s);
}

/// The ten lamps of Frank's phone, when it is switched on: each watches somebody else.
fn lamps(s: &mut Scene) {
    let f = watcher("frank", "", "10.10.0.26:5060");
    for user in ["alice", "bob", "carol", "dave", "erin", "greg", "hao", "ines", "jon", "kim"] {
        let of = state_of(user);
        let mut c = Call::new(s, &f, &of, None);
        c.request(s, "SUBSCRIBE", true, &asks("dialog", "600"));
        c.respond(s, 202, "Accepted", &grants(&of, "600"));
        let nothing_yet = tells(Extra::default(), "dialog", "pending;expires=600");
        c.request_back(s, "NOTIFY", &nothing_yet);
        c.respond(s, 200, "OK", &Extra::default());
        s.wait(35);
    }
}

/// A telephone that cannot be told of changes asks each 45 s.
fn fetches(s: &mut Scene) {
    let (e, of) = (watcher("erin", "Erin Ekberg", "10.10.0.25:5060"), state_of("bob"));
    for _ in 0..6 {
        let mut c = Call::new(s, &e, &of, None);
        c.request(s, "SUBSCRIBE", true, &asks("presence", "0"));
        c.respond(s, 200, "OK", &grants(&of, "0"));
        told(s, &mut c, "open", "terminated;reason=timeout");
        s.wait(44_970);
    }
}

/// The capture ends 12 s after three requests that nobody has answered so far.
fn overtaken(s: &mut Scene) {
    let h = watcher("hao", "Hao Chen", "10.10.0.28:5060");
    let start = s.now;
    let server = |user| Party { at: at("10.10.0.14:5060"), ..state_of(user) };
    for (n, (method, user, extra)) in (0u64..).zip([
        ("SUBSCRIBE", "bob", asks("presence", "3600")),
        ("MESSAGE", "bob", Extra::body("text/plain", "Are you there?".to_owned())),
        ("OPTIONS", "ping", Extra::header("Accept", "application/sdp")),
    ]) {
        s.now = start + n * 400_000;
        let mut c = Call::new(s, &h, &server(user), None);
        let at = s.frames.len();
        c.request(s, method, true, &extra);
        s.retransmit(at, 5, T2);
    }
}
