//! What goes wrong while calls are up, and in how they come up.

use super::{START, alice, answer, at, bob, carol, offer, proxy};
use crate::call::{Call, Extra};
use crate::scene::{Carry, Party, Scene, message};

pub fn gateway() -> Party {
    Party { user: "gateway", display: "", at: at("10.10.0.8:5060"), agent: "Proseware Gateway 2.2", ..bob() }
}

pub fn sdp(text: String) -> Extra<'static> {
    Extra::body("application/sdp", text)
}

/// The offer of one who puts the other on hold.
pub fn hold(p: &Party, port: u16, session: u64) -> Extra<'static> {
    sdp(offer(p, port, session).replace("sendrecv", "sendonly").replace(" 1 IN IP4", " 2 IN IP4"))
}

/// The answer to it.
pub fn held(p: &Party, port: u16, session: u64) -> Extra<'static> {
    sdp(answer(p, port, session).replace("sendrecv", "recvonly").replace(" 1 IN IP4", " 2 IN IP4"))
}

/// T2 of RFC 3261 §17.1.2.2; an INVITE's pauses have no such end.
pub const T2: u64 = 4_000;
pub const NO_END: u64 = u64::MAX / 4;

pub fn rules() -> Scene {
    let mut s = Scene::new(81, START);
    fax_refused(&mut s);
    phone_gone(&mut s);
    slow_proxy(&mut s);
    transfer_to_busy(&mut s);
    overloaded_gateway(&mut s);
    overloaded_registrar(&mut s);
    nobody_refreshes(&mut s);
    s.frames.sort_by_key(|f| f.micros);
    s
}

/// Alice's adapter hears a fax tone; the gateway does not take T.38.
fn fax_refused(s: &mut Scene) {
    let (a, g) = (alice(), gateway());
    let mut c = Call::new(s, &a, &g, None);
    c.to_uri = Some("sip:+14255550142@contoso.com".to_owned());
    c.establish(s, &offer(&a, 26_000, 1_101), &answer(&g, 36_000, 1_102), 2_400);
    s.wait(3_500);
    let fax = "v=0\r\no=alice 1101 2 IN IP4 10.10.0.21\r\ns=session\r\nc=IN IP4 10.10.0.21\r\nt=0 0\r\nm=image 26000 udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n";
    c.request(s, "INVITE", false, &sdp(fax.to_owned()));
    s.wait(15);
    let why = Extra::header("Warning", "304 10.10.0.8:5060 \"Media type not available\"");
    c.respond(s, 488, "Not Acceptable Here", &why);
    c.ack_failure(s, 2);
    s.wait(8_000);
    c.bye(s);
    s.wait(2_000);
}

/// Bob's phone loses its power: neither Alice's hold nor her BYE is answered.
fn phone_gone(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &offer(&a, 26_002, 1_103), &answer(&b, 36_002, 1_104), 1_800);
    s.wait(14_000);
    let at = s.frames.len();
    c.request(s, "INVITE", false, &hold(&a, 26_002, 1_103));
    s.retransmit(at, 6, NO_END);
    // Timer B; then RFC 3261 §14.1 has her hang up.
    s.wait(500);
    let at = s.frames.len();
    c.request(s, "BYE", false, &Extra::default());
    s.retransmit(at, 10, T2);
    s.wait(3_000);
}

/// The proxy waits for a DNS server that is down before it tries the next one.
fn slow_proxy(s: &mut Scene) {
    let (c, b, p) = (carol(), second_phone(), proxy());
    let none = Extra::default();
    let mut call = Call::new(s, &c, &b, Some(&p));
    let invite = sdp(offer(&c, 26_004, 1_105));
    call.request_over(s, "INVITE", true, &invite, 1);
    call.respond_over(s, 100, "Trying", &none, 1);
    s.wait(12_400);
    call.forward(s, "INVITE", true, &invite);
    s.wait(140);
    call.respond(s, 180, "Ringing", &none);
    s.wait(2_600);
    call.respond(s, 200, "OK", &sdp(answer(&b, 36_004, 1_106)));
    call.request(s, "ACK", false, &none);
    s.wait(11_000);
    call.bye(s);
    s.wait(2_000);
}

/// Bob's phone upstairs, which has power.
fn second_phone() -> Party {
    Party { at: at("10.10.0.32:5060"), ..bob() }
}

/// The NOTIFY about a transfer.
pub fn progress(line: &str, state: &str) -> Extra<'static> {
    Extra::body("message/sipfrag;version=2.0", format!("{line}\r\n"))
        .and("Event", "refer")
        .and("Subscription-State", state.to_owned())
}

/// Bob transfers Alice to Carol, who is busy; he tells her so and hangs up.
fn transfer_to_busy(s: &mut Scene) {
    let (a, b, c) = (alice(), second_phone(), carol());
    let none = Extra::default();
    let mut first = Call::new(s, &a, &b, None);
    first.establish(s, &offer(&a, 26_006, 1_107), &answer(&b, 36_006, 1_108), 1_300);
    s.wait(5_000);
    let refer =
        Extra::header("Refer-To", "<sip:carol@contoso.com>").and("Referred-By", "<sip:bob@contoso.com>");
    first.request_back(s, "REFER", &refer);
    first.respond(s, 202, "Accepted", &none);
    first.request(s, "NOTIFY", false, &progress("SIP/2.0 100 Trying", "active;expires=60"));
    first.respond(s, 200, "OK", &none);
    let mut second = Call::new(s, &a, &c, None);
    let by = sdp(offer(&a, 26_008, 1_109)).and("Referred-By", "<sip:bob@contoso.com>");
    second.request(s, "INVITE", true, &by);
    s.wait(60);
    second.respond(s, 486, "Busy Here", &none);
    second.ack_failure(s, 2);
    first.request(s, "NOTIFY", false, &progress("SIP/2.0 486 Busy Here", "terminated;reason=noresource"));
    first.respond(s, 200, "OK", &none);
    s.wait(7_000);
    first.bye_back(s);
    s.wait(2_000);
}

/// The gateway has so much to do that each answer takes 8 s; repeats of what it works on it passes over.
fn overloaded_gateway(s: &mut Scene) {
    let (c, g) = (carol(), gateway());
    let none = Extra::default();
    let mut call = Call::new(s, &c, &g, None);
    call.to_uri = Some("sip:+14255550177@contoso.com".to_owned());
    let at = s.frames.len();
    call.request(s, "INVITE", true, &sdp(offer(&c, 26_010, 1_111)));
    s.retransmit(at, 4, NO_END);
    s.wait(600);
    call.respond(s, 100, "Trying", &none);
    s.wait(700);
    call.respond(s, 180, "Ringing", &none);
    s.wait(4_000);
    call.respond(s, 200, "OK", &sdp(answer(&g, 36_010, 1_112)));
    call.request(s, "ACK", false, &none);
    s.wait(20_000);
    let at = s.frames.len();
    call.request(s, "INVITE", false, &hold(&c, 26_010, 1_111));
    s.retransmit(at, 4, NO_END);
    s.wait(500);
    call.respond(s, 200, "OK", &held(&g, 36_010, 1_112));
    call.request(s, "ACK", false, &none);
    s.wait(15_000);
    let at = s.frames.len();
    call.request(s, "BYE", false, &none);
    s.retransmit(at, 4, T2);
    s.wait(900);
    call.respond(s, 200, "OK", &none);
    s.wait(2_000);
}

/// A border controller refreshes the registrations of its phones; each is answered after 8 s and five sendings.
fn overloaded_registrar(s: &mut Scene) {
    let (border, registrar) = (at("10.10.0.6:5060"), at("10.10.0.7:5060"));
    let start = s.now;
    for n in 0..13 {
        s.now = start + n * 730_000;
        let (phone, branch, tag) = (2_001 + n, s.random.hex(12), s.random.hex(8));
        let own = format!("<sip:{phone}@contoso.com>");
        let via = format!("SIP/2.0/UDP {border};branch=z9hG4bK{branch}");
        let ask = [
            ("Via", via.clone()),
            ("Max-Forwards", "69".to_owned()),
            ("From", format!("{own};tag={tag}")),
            ("To", own.clone()),
            ("Call-ID", s.random.hex(16)),
            ("CSeq", format!("{} REGISTER", 31 + n)),
            ("Contact", format!("<sip:{phone}@{border}>")),
            ("Expires", "300".to_owned()),
        ];
        let mut granted: Vec<(&str, String)> =
            ask.iter().filter(|(n, _)| *n != "Max-Forwards").cloned().collect();
        granted[2].1 = format!("{own};tag={}", s.random.hex(8));
        let at = s.frames.len();
        s.send(border, registrar, Carry::Udp, &message("REGISTER sip:contoso.com SIP/2.0", &ask, None));
        s.retransmit(at, 4, T2);
        s.wait(610);
        s.send(registrar, border, Carry::Udp, &message("SIP/2.0 200 OK", &granted, None));
    }
    s.wait(2_000);
}

/// The gateway is to refresh the session of half an hour and does not: Alice's client hangs up 32 s before its end.
fn nobody_refreshes(s: &mut Scene) {
    let (a, g) = (alice(), gateway());
    let none = Extra::default();
    let mut c = Call::new(s, &a, &g, None);
    c.to_uri = Some("sip:+14255550142@contoso.com".to_owned());
    let ask = sdp(offer(&a, 26_012, 1_113)).and("Supported", "timer").and("Session-Expires", "1800");
    c.request(s, "INVITE", true, &ask);
    c.respond(s, 100, "Trying", &none);
    s.wait(900);
    c.respond(s, 180, "Ringing", &none);
    s.wait(5_000);
    let granted =
        sdp(answer(&g, 36_012, 1_114)).and("Require", "timer").and("Session-Expires", "1800;refresher=uas");
    c.respond(s, 200, "OK", &granted);
    c.request(s, "ACK", false, &none);
    s.wait(1_768_000);
    let why = Extra::header("Reason", "Q.850;cause=102;text=\"Recovery on timer expiry\"");
    c.request(s, "BYE", false, &why);
    c.respond(s, 200, "OK", &none);
    s.wait(1_000);
}
