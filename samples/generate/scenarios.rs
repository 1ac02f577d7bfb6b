//! What happens in each synthetic capture.

mod calls;
mod capture;
mod capture_near;
mod communicator;
mod conference;
mod conference_trouble;
mod control;
mod dialogs;
mod dialogs_near;
mod failures;
mod ice;
mod ice_near;
mod ice_trouble;
mod media;
mod media_fax;
mod media_odd;
mod media_relay;
mod near_calls;
mod near_forks;
mod near_media;
mod odd;
mod paths;
mod presence;
mod presence_near;
mod relay_near;
mod relay_trouble;
mod rules_media;
mod sign_in;
mod sign_in_recovered;
mod sign_in_stopped;
mod sql;
mod sql_near;
mod standard;
mod tour;
mod watchers;

use std::net::SocketAddr;

use crate::call::{Call, Extra};
use crate::scene::{Party, Scene, sdp};
use crate::wire::pcap;

/// 2009-04-22 14:02:11 UTC.
pub const START: u64 = 1_240_408_931;

pub fn at(address: &str) -> SocketAddr {
    address.parse().expect("a literal address")
}

pub fn alice() -> Party {
    Party {
        user: "alice",
        display: "Alice Arnold",
        domain: "contoso.com",
        at: at("10.10.0.21:5060"),
        agent: "Fabrikam Phone 4.1.2",
        epid: "",
        transport: "UDP",
    }
}

pub fn bob() -> Party {
    Party {
        user: "bob",
        display: "Bob Baker",
        domain: "contoso.com",
        at: at("10.10.0.22:5060"),
        agent: "Fabrikam Phone 4.1.2",
        epid: "",
        transport: "UDP",
    }
}

pub fn carol() -> Party {
    Party {
        user: "carol",
        display: "Carol Cruz",
        domain: "contoso.com",
        at: at("10.10.0.23:5060"),
        agent: "Litware Softphone/2.7",
        epid: "",
        transport: "UDP",
    }
}

pub fn proxy() -> Party {
    Party {
        user: "proxy",
        display: "",
        domain: "contoso.com",
        at: at("10.10.0.5:5060"),
        agent: "Proseware SIP Proxy 5.6",
        epid: "",
        transport: "UDP",
    }
}

pub fn offer(p: &Party, port: u16, session: u64) -> String {
    sdp(p.user, session, 1, SocketAddr::new(p.at.ip(), port), "0 8 101", "a=sendrecv\r\na=ptime:20\r\n")
}

pub fn answer(p: &Party, port: u16, session: u64) -> String {
    sdp(p.user, session, 1, SocketAddr::new(p.at.ip(), port), "0 101", "a=sendrecv\r\na=ptime:20\r\n")
}

fn ethernet(scene: Scene) -> Vec<u8> {
    pcap(1, &scene.frames)
}

/// Every synthetic sample: file name and bytes.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let states = ethernet(call_states());
    vec![
        ("tour.pcapng", tour::tour()),
        ("damaged.pcap", odd::damaged(&states)),
        ("call_states.pcap", states),
        ("failures.pcap", ethernet(failures::failures())),
        ("proxy_hops.pcap", ethernet(proxy_hops())),
        ("transfer.pcap", ethernet(transfer())),
        ("hold.pcap", ethernet(hold())),
        ("mid_call.pcap", ethernet(mid_call())),
        ("communicator.pcap", ethernet(communicator::peer_call())),
        ("tcp_segments.pcap", ethernet(odd::tcp_segments())),
        ("fragments.pcap", ethernet(odd::fragments())),
        ("websocket.pcap", ethernet(odd::websocket())),
        ("sctp.pcap", ethernet(odd::sctp())),
        ("tls.pcap", ethernet(odd::tls())),
        ("links.pcapng", odd::links()),
        ("malformed.pcap", ethernet(odd::malformed())),
        ("hostile.pcap", ethernet(odd::hostile())),
        ("duplicates.pcapng", odd::duplicates()),
        ("snaplen.pcap", odd::snaplen()),
        ("communicator_r2.pcap", ethernet(paths::communicator_r2())),
        ("communicator_2007.pcap", ethernet(paths::communicator_2007())),
        ("two_endpoints.pcap", ethernet(paths::two_endpoints())),
        ("no_path.pcap", ethernet(paths::failing())),
        ("paths.pcap", ethernet(paths::healthy())),
        ("browser.pcap", ethernet(paths::browser())),
        ("conference.pcap", ethernet(conference::scene())),
        ("sign_ins.pcap", ethernet(sign_in::sign_ins())),
        ("published_sdp.pcap", ethernet(paths::published())),
        ("sql.pcap", ethernet(sql::lookups())),
        ("sql_odd.pcap", ethernet(sql::odd())),
        ("conversation.pcap", ethernet(watchers::conversation())),
        ("watchers.pcap", ethernet(watchers::watchers())),
        ("remote_control.pcap", ethernet(control::remote_control())),
        ("response_group.pcap", ethernet(control::response_group())),
        ("diagnostics.pcap", ethernet(control::diagnostics())),
        ("media_one_way.pcap", ethernet(media::one_way())),
        ("media_lossy.pcap", ethernet(media::lossy())),
        ("media_unmarked.pcap", ethernet(media::unmarked())),
        ("media_remarked.pcapng", media::remarked()),
        ("media_silence.pcap", ethernet(media::silence())),
        ("media_relay.pcap", ethernet(media_relay::relayed())),
        ("media_odd.pcap", ethernet(media_odd::odd())),
        ("media_fax.pcap", ethernet(media_fax::fax())),
        ("rules_dialogs.pcap", ethernet(dialogs::rules())),
        ("near_dialogs.pcap", ethernet(dialogs_near::near())),
        ("rules_presence.pcap", ethernet(presence::rules())),
        ("near_presence.pcap", ethernet(presence_near::near())),
        ("rules_calls.pcap", ethernet(calls::outcomes())),
        ("near_calls.pcap", ethernet(near_calls::direct())),
        ("near_calls_forked.pcap", ethernet(near_forks::forked())),
        ("rules_sign_in.pcap", ethernet(sign_in_stopped::stopped())),
        ("near_sign_in.pcap", ethernet(sign_in_recovered::recovered())),
        ("rules_conference.pcap", ethernet(conference_trouble::troubled())),
        ("near_conference.pcap", ethernet(conference_trouble::recovered())),
        ("rules_sql.pcap", ethernet(sql_near::slow())),
        ("near_sql.pcap", ethernet(sql_near::near())),
        ("rules_media.pcap", ethernet(rules_media::troubles())),
        ("rules_media_gaps.pcap", ethernet(rules_media::gaps())),
        ("near_media.pcap", ethernet(near_media::healthy())),
        ("near_media_gaps.pcap", ethernet(near_media::gaps())),
        ("rules_paths.pcap", ethernet(ice_trouble::paths())),
        ("rules_relays.pcap", ethernet(relay_trouble::relays())),
        ("near_paths.pcap", ethernet(ice_near::paths())),
        ("near_relays.pcap", ethernet(relay_near::relays())),
        ("rules_capture.pcapng", capture::troubled()),
        ("rules_clock.pcap", ethernet(capture::clock())),
        ("rules_one_sided.pcap", ethernet(capture::one_sided())),
        ("rules_limit.pcap.gz", capture::limit()),
        ("near_capture.pcapng", capture_near::odd_but_whole()),
        ("near_one_way.pcap", ethernet(capture_near::told_only())),
        ("near_packed.pcap.gz", capture_near::packed()),
    ]
}

/// One call for each outcome, without a proxy between.
fn call_states() -> Scene {
    let mut s = Scene::new(11, START);
    let (a, b) = (alice(), bob());
    let none = Extra::default();
    let mut port = 20_000;
    let mut session = 700_100;
    let mut new = |s: &mut Scene| {
        port += 2;
        session += 17;
        let call = Call::new(s, &a, &b, None);
        let offer = offer(&a, port, session);
        (call, offer, answer(&b, port + 10_000, session + 5))
    };

    // completed: the caller hangs up
    let (mut c, o, n) = new(&mut s);
    c.establish(&mut s, &o, &n, 3_000);
    s.rtp(at("10.10.0.21:20002"), at("10.10.0.22:30002"), 25, true);
    s.wait(4_000);
    c.bye(&mut s);
    s.wait(1_500);

    // rejected: busy
    let (mut c, o, _) = new(&mut s);
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", o));
    s.wait(60);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(1_900);
    c.respond(&mut s, 486, "Busy Here", &Extra::header("Reason", "Q.850;cause=17;text=\"User busy\""));
    c.ack_failure(&mut s, 2);
    s.wait(1_500);

    // cancelled
    let (mut c, o, _) = new(&mut s);
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", o));
    s.wait(60);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(6_200);
    c.request(&mut s, "CANCEL", true, &none);
    c.respond_to(&mut s, "CANCEL", 200, "OK");
    c.respond(&mut s, 487, "Request Terminated", &none);
    c.ack_failure(&mut s, 2);
    s.wait(1_500);

    // failed: 503 with a reason for people
    let (mut c, o, _) = new(&mut s);
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", o));
    s.wait(30);
    let why = Extra::header("Retry-After", "30").and("Warning", "399 10.10.0.22 \"No free channels\"");
    c.respond(&mut s, 503, "Service Unavailable", &why);
    c.ack_failure(&mut s, 2);
    s.wait(1_500);

    // failed: not one answer, the INVITE is sent seven times (T1 doubling)
    let (mut c, o, _) = new(&mut s);
    let from = s.frames.len();
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", o));
    let sent = s.frames[from].bytes[42..].to_vec();
    let mut pause = 500;
    for _ in 0..6 {
        s.wait(pause);
        s.udp(a.at, b.at, 24, &sent);
        pause *= 2;
    }
    s.wait(1_500);

    // no answer: 408 from the other side
    let (mut c, o, _) = new(&mut s);
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", o));
    s.wait(60);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(20_000);
    c.respond(&mut s, 408, "Request Timeout", &none);
    c.ack_failure(&mut s, 2);
    s.wait(1_500);

    // redirected
    let (mut c, o, _) = new(&mut s);
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", o));
    s.wait(30);
    c.respond(&mut s, 302, "Moved Temporarily", &Extra::header("Contact", "<sip:carol@10.10.0.23:5060>"));
    c.ack_failure(&mut s, 2);
    s.wait(1_500);

    // answered: still up when the capture ends
    let (mut c, o, n) = new(&mut s);
    c.establish(&mut s, &o, &n, 2_000);

    // trying: the capture ends right after 100
    let (mut c, o, _) = new(&mut s);
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", o));
    c.respond(&mut s, 100, "Trying", &none);
    s
}

/// Calls through a proxy, both hops captured: authentication, forking, a time-out the caller is given as 408.
fn proxy_hops() -> Scene {
    let mut s = Scene::new(12, START);
    let (a, b, p) = (alice(), bob(), proxy());
    let none = Extra::default();

    // Registration with a Digest challenge.
    let mut registrar = p.clone();
    registrar.user = "alice";
    registrar.display = "Alice Arnold";
    let mut r = Call::new(&mut s, &a, &registrar, None);
    r.request(&mut s, "REGISTER", true, &Extra::header("Expires", "600"));
    let challenge = "Digest realm=\"contoso.com\", nonce=\"6ab1f3c0d9e8\", algorithm=MD5, qop=\"auth\"";
    r.respond(&mut s, 401, "Unauthorized", &Extra::header("WWW-Authenticate", challenge));
    let credentials = "Digest username=\"alice\", realm=\"contoso.com\", nonce=\"6ab1f3c0d9e8\", uri=\"sip:contoso.com\", response=\"0f3a7b55c1d2e4f60718293a4b5c6d7e\", algorithm=MD5, cnonce=\"9f8e\", qop=auth, nc=00000001";
    r.request(&mut s, "REGISTER", true, &Extra::header("Expires", "600").and("Authorization", credentials));
    r.respond(&mut s, 200, "OK", &Extra::header("Contact", format!("{};expires=600", a.contact())));
    s.wait(800);

    // 407, then success; the caller hangs up.
    let o = offer(&a, 21_000, 91);
    let mut c = Call::new(&mut s, &a, &b, Some(&p));
    c.request_over(&mut s, "INVITE", true, &Extra::body("application/sdp", o.clone()), 1);
    c.respond_over(
        &mut s,
        407,
        "Proxy Authentication Required",
        &Extra::header("Proxy-Authenticate", challenge),
        1,
    );
    c.ack_failure(&mut s, 1);
    let auth = Extra::body("application/sdp", o).and("Proxy-Authorization", credentials);
    c.request(&mut s, "INVITE", true, &auth);
    c.respond_over(&mut s, 100, "Trying", &none, 1);
    s.wait(150);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(2_400);
    c.respond(&mut s, 200, "OK", &Extra::body("application/sdp", answer(&b, 31_000, 17)));
    c.request(&mut s, "ACK", false, &none);
    s.rtp(at("10.10.0.21:21000"), at("10.10.0.22:31000"), 20, true);
    s.wait(9_000);
    c.bye_back(&mut s);
    s.wait(1_000);

    // The proxy gives up: 408 to the caller, CANCEL and 487 on the callee's side.
    let mut c = Call::new(&mut s, &a, &b, Some(&p));
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", offer(&a, 21_002, 92)));
    c.respond_over(&mut s, 100, "Trying", &none, 1);
    s.wait(90);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(12_000);
    c.respond_over(&mut s, 408, "Request Timeout", &none, 1);
    c.ack_failure(&mut s, 1);
    c.cancel_second_hop(&mut s);
    s.wait(1_000);

    // Bob is signed in twice: both endpoints ring, the second one answers.
    let mut desk = b.clone();
    desk.epid = "c8ca638a15";
    let mut mobile = b.clone();
    mobile.epid = "77aa01b2c3";
    mobile.at = at("10.10.0.32:5060");
    mobile.agent = "Litware Mobile/1.9";
    let mut c = Call::new(&mut s, &a, &desk, Some(&p));
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", offer(&a, 21_004, 93)));
    let desk_tag = c.to_tag.clone();
    c.respond_over(&mut s, 100, "Trying", &none, 1);
    c.to = mobile.clone();
    c.repeat_second_hop(&mut s, &Extra::body("application/sdp", offer(&a, 21_004, 93)));
    c.to = desk.clone();
    c.respond(&mut s, 180, "Ringing", &none);
    c.to = mobile.clone();
    c.to_tag = s.random.hex(10);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(4_000);
    c.respond(&mut s, 200, "OK", &Extra::body("application/sdp", answer(&mobile, 31_004, 18)));
    c.request(&mut s, "ACK", false, &none);
    let mobile_tag = std::mem::replace(&mut c.to_tag, desk_tag);
    c.to = desk;
    c.back_to_invite();
    c.cancel_second_hop(&mut s);
    c.to = mobile;
    c.to_tag = mobile_tag;
    s.wait(5_000);
    c.bye(&mut s);
    s
}

/// Blind transfer (REFER) and attended transfer (Replaces).
fn transfer() -> Scene {
    let mut s = Scene::new(13, START);
    let (a, b, c) = (alice(), bob(), carol());
    let none = Extra::default();
    let mut first = Call::new(&mut s, &a, &b, None);
    first.establish(&mut s, &offer(&a, 22_000, 51), &answer(&b, 32_000, 52), 1_500);
    s.wait(4_000);
    // Bob sends Alice to Carol.
    let refer =
        Extra::header("Refer-To", "<sip:carol@contoso.com>").and("Referred-By", "<sip:bob@contoso.com>");
    first.request_back(&mut s, "REFER", &refer);
    first.respond(&mut s, 202, "Accepted", &none);
    let mut second = Call::new(&mut s, &a, &c, None);
    let by =
        Extra::body("application/sdp", offer(&a, 22_002, 53)).and("Referred-By", "<sip:bob@contoso.com>");
    second.request(&mut s, "INVITE", true, &by);
    s.wait(50);
    second.respond(&mut s, 180, "Ringing", &none);
    let frag = |line: &str| Extra::body("message/sipfrag;version=2.0", line.to_owned());
    let event =
        |x: Extra<'static>, state: &str| x.and("Event", "refer").and("Subscription-State", state.to_owned());
    first.request(&mut s, "NOTIFY", false, &event(frag("SIP/2.0 100 Trying\r\n"), "active;expires=60"));
    first.respond(&mut s, 200, "OK", &none);
    s.wait(2_000);
    second.respond(&mut s, 200, "OK", &Extra::body("application/sdp", answer(&c, 32_002, 54)));
    second.request(&mut s, "ACK", false, &none);
    first.request(
        &mut s,
        "NOTIFY",
        false,
        &event(frag("SIP/2.0 200 OK\r\n"), "terminated;reason=noresource"),
    );
    first.respond(&mut s, 200, "OK", &none);
    first.bye_back(&mut s);
    s.wait(3_000);
    // Carol calls Bob, then Bob takes Alice's place in Carol's call with Alice.
    let mut consult = Call::new(&mut s, &c, &b, None);
    consult.establish(&mut s, &offer(&c, 22_004, 55), &answer(&b, 32_004, 56), 1_000);
    s.wait(2_000);
    let mut taking = Call::new(&mut s, &b, &c, None);
    let replaces = format!("{};to-tag={};from-tag={}", second.id, second.to_tag, second.from_tag);
    let takes = Extra::body("application/sdp", offer(&b, 32_006, 57))
        .and("Replaces", replaces)
        .and("Require", "replaces");
    taking.request(&mut s, "INVITE", true, &takes);
    s.wait(30);
    taking.respond(&mut s, 200, "OK", &Extra::body("application/sdp", answer(&c, 22_006, 58)));
    taking.request(&mut s, "ACK", false, &none);
    second.bye_back(&mut s);
    consult.bye(&mut s);
    s.wait(2_500);
    taking.bye(&mut s);
    s
}

/// Hold and resume by re-INVITE; a re-INVITE refused with 491 changes nothing.
fn hold() -> Scene {
    let mut s = Scene::new(14, START);
    let (a, b) = (alice(), bob());
    let media = |p: &Party, port, version, direction: &str| {
        let more = format!("a={direction}\r\n");
        sdp(p.user, 61, version, SocketAddr::new(p.at.ip(), port), "0 101", &more)
    };
    let mut c = Call::new(&mut s, &a, &b, None);
    c.establish(&mut s, &media(&a, 23_000, 1, "sendrecv"), &media(&b, 33_000, 1, "sendrecv"), 1_200);
    s.rtp(at("10.10.0.21:23000"), at("10.10.0.22:33000"), 20, true);
    let again = |c: &mut Call, s: &mut Scene, ours: &str, theirs: &str, version| {
        c.request(s, "INVITE", false, &Extra::body("application/sdp", media(&a, 23_000, version, ours)));
        c.respond(s, 200, "OK", &Extra::body("application/sdp", media(&b, 33_000, version, theirs)));
        c.request(s, "ACK", false, &Extra::default());
    };
    again(&mut c, &mut s, "sendonly", "recvonly", 2);
    s.wait(5_000);
    again(&mut c, &mut s, "sendrecv", "sendrecv", 3);
    s.rtp(at("10.10.0.21:23000"), at("10.10.0.22:33000"), 20, true);
    c.request(&mut s, "INVITE", false, &Extra::body("application/sdp", media(&a, 23_000, 4, "inactive")));
    c.respond(&mut s, 491, "Request Pending", &Extra::default());
    c.ack_failure(&mut s, 2);
    s.wait(1_000);
    c.bye_back(&mut s);
    s
}

/// The capture starts when the calls are already up: one is put on hold and ends, of the other only BYE is seen.
fn mid_call() -> Scene {
    let mut s = Scene::new(15, START);
    let (a, b) = (alice(), bob());
    let mut c = Call::new(&mut s, &a, &b, None);
    c.cseq = 101;
    c.request(&mut s, "INVITE", false, &Extra::body("application/sdp", offer(&a, 24_000, 71)));
    c.respond(&mut s, 200, "OK", &Extra::body("application/sdp", answer(&b, 34_000, 72)));
    c.request(&mut s, "ACK", false, &Extra::default());
    s.wait(2_000);
    c.bye(&mut s);
    let mut d = Call::new(&mut s, &b, &a, None);
    d.cseq = 7;
    d.bye(&mut s);
    s
}
