//! Calls that come close to going wrong, and go well: each differs from a call that a rule tells of in what the rule looks for.

use super::calls::{SDP, at_home, edge, gateway, register, repeat, talk};
use super::{START, alice, at, bob, carol, proxy};
use crate::call::{Call, Extra};
use crate::scene::{Carry, Party, Scene, sdp};
use crate::wire;

/// From the answer to the end: 200, ACK, a few seconds of talk, BYE.
fn answered(s: &mut Scene, c: &mut Call, to: &Party, session: u64) {
    c.back_to_invite();
    c.respond(s, 200, "OK", &Extra::body(SDP, talk(to, 30_000, session)));
    c.request(s, "ACK", false, &Extra::default());
    s.wait(4_000);
    c.bye(s);
    s.wait(2_000);
}

/// Between two machines, or by a proxy that takes no part in what happens.
pub fn direct() -> Scene {
    let mut s = Scene::new(82, START);
    lost_at_first(&mut s);
    other_server(&mut s, true);
    other_server(&mut s, false);
    other_connection(&mut s);
    clear_on_5061(&mut s);
    old_nonce(&mut s);
    offered_again(&mut s);
    more_digits(&mut s);
    longer_session(&mut s);
    sent_on(&mut s);
    video_given_up(&mut s);
    ack_late(&mut s);
    kept_alive(&mut s);
    queued(&mut s);
    s
}

/// The network loses the INVITE three times, the fourth gets through.
fn lost_at_first(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let mut c = Call::new(s, &a, &b, None);
    let sent = s.frames.len();
    c.request(s, "INVITE", true, &Extra::body(SDP, talk(&a, 20_000, 821_000)));
    repeat(s, sent, &[500, 1_000, 2_000]);
    s.wait(3);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(2_000);
    answered(s, &mut c, &b, 821_001);
}

/// Of two PBXs the first is not there (ICMP) or has no room (503): the caller sends the same request, but for its branch,
/// to the second (RFC 3263 section 4.3).
fn other_server(s: &mut Scene, down: bool) {
    let a = alice();
    let pbx = |own: &str| Party { at: at(own), agent: "Proseware PBX 5.6", ..bob() };
    let o = Extra::body(SDP, talk(&a, 20_010, 821_100));
    let mut c = Call::new(s, &a, &pbx("10.10.0.6:5060"), None);
    let sent = s.frames.len();
    c.request(s, "INVITE", true, &o);
    if down {
        let packet = s.frames[sent].bytes[14..].to_vec();
        s.ip(c.to.at, a.at, 1, 48, &wire::icmp_unreachable(3, &packet[..packet.len().min(548)]));
        s.wait(2);
    } else {
        c.respond(s, 503, "Service Unavailable", &Extra::header("Retry-After", "30"));
        c.ack_failure(s, 1);
    }
    c.to = pbx("10.10.0.7:5060");
    c.to_tag = s.random.hex(10);
    c.cseq -= 1;
    c.request(s, "INVITE", true, &o);
    c.respond(s, 100, "Trying", &Extra::default());
    s.wait(90);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(1_900);
    let to = c.to.clone();
    answered(s, &mut c, &to, 821_101);
}

/// The connection that the INVITE came by is closed while the phone rings; the answer comes by another one, to the port
/// that the Via names (RFC 3261 section 18.2.2).
fn other_connection(s: &mut Scene) {
    let a = Party { transport: "TCP", ..alice() };
    let b = Party { transport: "TCP", ..bob() };
    let own = at("10.10.0.21:41020");
    s.seen_at.insert(a.at, own);
    let mut c = Call::new(s, &a, &b, None);
    c.carry = Carry::Tcp;
    c.request(s, "INVITE", true, &Extra::body(SDP, talk(&a, 20_020, 821_200)));
    c.respond(s, 100, "Trying", &Extra::default());
    s.wait(80);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(15_000);
    s.fin(b.at, own, 0x11);
    s.fin(own, b.at, 0x11);
    s.wait(3_000);
    s.seen_at.clear();
    s.seen_at.insert(b.at, at("10.10.0.22:52310"));
    answered(s, &mut c, &b, 821_201);
    s.seen_at.clear();
}

/// A server that speaks SIP in clear on the port that is TLS's elsewhere.
fn clear_on_5061(s: &mut Scene) {
    let a = Party { transport: "TCP", at: at("10.10.0.21:41030"), ..alice() };
    let b = Party { transport: "TCP", at: at("10.10.0.22:5061"), ..bob() };
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &talk(&a, 20_030, 821_300), &talk(&b, 30_030, 821_301), 1_400);
    s.wait(3_000);
    c.bye(s);
    s.fin(a.at, b.at, 0x11);
    s.fin(b.at, a.at, 0x11);
    s.wait(2_000);
}

/// The nonce that the client has kept is too old: it is challenged again with its credentials, and gets through.
fn old_nonce(s: &mut Scene) {
    let (a, b) = (alice(), Party { at: proxy().at, agent: proxy().agent, ..bob() });
    let o = || Extra::body(SDP, talk(&a, 20_040, 821_400));
    let given = |nonce: &str, response: &str| {
        format!(
            "Digest username=\"alice\", realm=\"contoso.com\", nonce=\"{nonce}\", uri=\"sip:bob@contoso.com\", \
response=\"{response}\", algorithm=MD5"
        )
    };
    let old = given("5f2a11c07e44", "3c1b0e6fa29d48b7850f6e1d2c3b4a59");
    let new = given("6ab1f3c0d9e8", "b07d5aa1e2c94f3361728394a5b6c7d8");
    let mut c = Call::new(s, &a, &b, None);
    c.request(s, "INVITE", true, &o().and("Proxy-Authorization", old));
    let challenge = "Digest realm=\"contoso.com\", nonce=\"6ab1f3c0d9e8\", algorithm=MD5, stale=true";
    c.respond(s, 407, "Proxy Authentication Required", &Extra::header("Proxy-Authenticate", challenge));
    c.ack_failure(s, 1);
    c.request(s, "INVITE", true, &o().and("Proxy-Authorization", new));
    c.respond(s, 100, "Trying", &Extra::default());
    s.wait(120);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(1_600);
    answered(s, &mut c, &b, 821_401);
}

/// SRTP is refused, and what is offered then is taken.
fn offered_again(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n";
    let secret = sdp("alice", 821_500, 1, at("10.10.0.21:20050"), "0 8 101", key);
    let secret = secret.replace("RTP/AVP", "RTP/SAVP");
    let mut c = Call::new(s, &a, &b, None);
    c.request(s, "INVITE", true, &Extra::body(SDP, secret));
    let why = Extra::header("Warning", "302 10.10.0.22 \"Incompatible transport protocol\"");
    c.respond(s, 488, "Not Acceptable Here", &why);
    c.ack_failure(s, 1);
    c.request(s, "INVITE", true, &Extra::body(SDP, talk(&a, 20_050, 821_502)));
    s.wait(90);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(1_300);
    answered(s, &mut c, &b, 821_501);
}

/// A gateway sends digits as they are dialled: too few at first (RFC 3578).
fn more_digits(s: &mut Scene) {
    let g = gateway();
    let dialled = |user: &'static str| Party { user, display: "", ..bob() };
    let o = || Extra::body(SDP, talk(&g, 20_060, 821_600));
    let mut c = Call::new(s, &g, &dialled("+4255550"), None);
    c.request(s, "INVITE", true, &o());
    c.respond(s, 484, "Address Incomplete", &Extra::default());
    c.ack_failure(s, 1);
    s.wait(1_300);
    c.to = dialled("+4255550101");
    c.to_tag = s.random.hex(10);
    c.request(s, "INVITE", true, &o());
    s.wait(70);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(1_500);
    let to = c.to.clone();
    answered(s, &mut c, &to, 821_601);
}

/// The session is too short for the other side, and made longer.
fn longer_session(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let o = |seconds: &str| {
        let o = Extra::body(SDP, talk(&a, 20_070, 821_700)).and("Supported", "timer");
        o.and("Session-Expires", seconds.to_owned())
    };
    let mut c = Call::new(s, &a, &b, None);
    c.request(s, "INVITE", true, &o("90"));
    c.respond(s, 422, "Session Interval Too Small", &Extra::header("Min-SE", "1800"));
    c.ack_failure(s, 1);
    c.request(s, "INVITE", true, &o("1800").and("Min-SE", "1800"));
    s.wait(80);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(1_500);
    answered(s, &mut c, &b, 821_701);
}

/// Bob's desk phone sends callers on to his mobile, and Alice's client goes there.
fn sent_on(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let mobile = Party { at: at("10.10.0.32:5060"), agent: "Litware Mobile/1.9", ..bob() };
    let o = || Extra::body(SDP, talk(&a, 20_080, 821_800));
    let mut c = Call::new(s, &a, &b, None);
    c.request(s, "INVITE", true, &o());
    c.respond(s, 302, "Moved Temporarily", &Extra::header("Contact", mobile.contact()));
    c.ack_failure(s, 1);
    c.to = mobile.clone();
    c.to_tag = s.random.hex(10);
    c.request_uri = Some("sip:bob@10.10.0.32:5060".to_owned());
    c.request(s, "INVITE", true, &o());
    s.wait(140);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(2_300);
    answered(s, &mut c, &mobile, 821_801);
}

/// Alice asks for video while they talk, Bob does not look, and she gives that up: the call goes on.
fn video_given_up(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let o = talk(&a, 20_090, 821_900);
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &o, &talk(&b, 30_090, 821_901), 1_200);
    s.wait(5_000);
    let video =
        format!("{}m=video 20092 RTP/AVP 34\r\na=rtpmap:34 H263/90000\r\n", o.replace(" 1 IN", " 2 IN"));
    c.request(s, "INVITE", false, &Extra::body(SDP, video));
    c.respond(s, 100, "Trying", &Extra::default());
    s.wait(6_000);
    c.request(s, "CANCEL", false, &Extra::default());
    c.respond_to(s, "CANCEL", 200, "OK");
    c.respond(s, 487, "Request Terminated", &Extra::default());
    c.ack_failure(s, 1);
    s.wait(8_000);
    c.bye(s);
    s.wait(2_000);
}

/// The ACK is lost twice behind this point, and sent again for each 200 that is.
fn ack_late(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let mut c = Call::new(s, &a, &b, None);
    c.request(s, "INVITE", true, &Extra::body(SDP, talk(&a, 20_100, 822_000)));
    s.wait(70);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(1_700);
    let sent = s.frames.len();
    c.respond(s, 200, "OK", &Extra::body(SDP, talk(&b, 30_100, 822_001)));
    let ack = s.frames.len();
    c.request(s, "ACK", false, &Extra::default());
    for pause in [495, 990] {
        repeat(s, sent, &[pause]);
        repeat(s, ack, &[4]);
    }
    s.wait(5_000);
    c.bye(s);
    s.wait(2_000);
}

/// Bob at home: his Contact is private, but the proxy at the edge sends where he is seen at. He says nothing for more than a
/// minute and a half, the next request is lost once and then answered: his NAT keeps its bindings for longer. Carol, behind
/// the same NAT, registers from a port of her own, and then Bob's phone is started again.
fn kept_alive(s: &mut Scene) {
    let e = edge();
    let a = Party { at: at("198.51.100.21:5060"), ..alice() };
    let b = at_home(s, "203.0.113.66:40000");
    register(s, &b, &e);
    let mut c = Call::new(s, &a, &b, Some(&e));
    c.establish(s, &talk(&a, 20_110, 822_100), &talk(&b, 30_110, 822_101), 1_600);
    s.wait(97_000);
    let home = Party { at: at("192.168.7.67:5060"), ..carol() };
    s.seen_at.insert(home.at, at("203.0.113.66:40002"));
    let sent = s.frames.len() + 1;
    c.request(s, "BYE", false, &Extra::default());
    repeat(s, sent, &[497]);
    s.wait(40);
    c.respond(s, 200, "OK", &Extra::default());
    s.wait(2_000);
    register(s, &home, &e);
    s.wait(9_000);
    s.seen_at.insert(b.at, at("203.0.113.66:40003"));
    register(s, &b, &e);
    s.seen_at.clear();
    s.wait(2_000);
}

/// The help desk lets Alice wait for three minutes and a half, and says so each minute, before somebody is free.
fn queued(s: &mut Scene) {
    let a = alice();
    let desk = Party {
        user: "helpdesk",
        display: "Help Desk",
        at: at("10.10.0.45:5060"),
        agent: "Proseware Queue 3.0",
        ..bob()
    };
    let mut c = Call::new(s, &a, &desk, None);
    c.request(s, "INVITE", true, &Extra::body(SDP, talk(&a, 20_120, 822_200)));
    c.respond(s, 100, "Trying", &Extra::default());
    for ahead in ["3 callers ahead", "2 callers ahead", "1 caller ahead", "you are next"] {
        c.respond(s, 182, &format!("Queued; {ahead}"), &Extra::default());
        s.wait(55_000);
    }
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(1_200);
    answered(s, &mut c, &desk, 822_201);
}
