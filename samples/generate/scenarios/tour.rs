//! The capture that README opens: a morning at Contoso's Front End.

use super::communicator::{self, front_end, presence, register, to_server};
use super::{START, alice, answer, at, bob, carol, odd, offer, proxy};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene};
use crate::wire::{Frame, NgExtras, pcapng};

fn gateway() -> Party {
    Party {
        user: "+14255032002",
        display: "",
        domain: "contoso.com",
        at: at("10.10.0.40:5060"),
        agent: "Fabrikam Gateway/6.2",
        epid: "",
        transport: "UDP",
    }
}

/// Keep-alive OPTIONS between the proxy and the gateway.
fn options(s: &mut Scene, count: usize) {
    for _ in 0..count {
        let mut c = Call::new(s, &proxy(), &gateway(), None);
        c.request(s, "OPTIONS", true, &Extra::header("Accept", "application/sdp"));
        c.respond(s, 200, "OK", &Extra::default());
        s.wait(400);
    }
}

fn message(s: &mut Scene, text: &str, code: u16, reason: &str, diagnostics: Option<&str>) {
    let mut c = to_server(s, &communicator::alice(), "sip:bob@contoso.com");
    c.request(s, "MESSAGE", true, &Extra::body("text/plain; charset=UTF-8", text.to_owned()));
    let extra = diagnostics.map_or_else(Extra::default, |d| Extra::header("ms-diagnostics", d));
    c.respond(s, code, reason, &extra);
}

fn scene() -> Scene {
    let mut s = Scene::new(31, START);
    let (a, b, c, p, g) = (alice(), bob(), carol(), proxy(), gateway());
    let none = Extra::default();

    register(&mut s, &communicator::alice());
    presence(&mut s, &communicator::alice(), 4);
    let mut service =
        to_server(&mut s, &communicator::alice(), "sip:pool01@contoso.com;gruu;opaque=srvr:MRAS:2jRa2f1gbU");
    let ask = "<request requestID=\"50361\" version=\"2.0\" to=\"sip:pool01@contoso.com;gruu;opaque=srvr:MRAS:2jRa2f1gbU\" from=\"sip:alice@contoso.com\" xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"><credentialsRequest credentialsRequestID=\"50361\"><identity>sip:alice@contoso.com</identity><location>internet</location><duration>480</duration></credentialsRequest></request>";
    service.request(
        &mut s,
        "SERVICE",
        true,
        &Extra::body("application/msrtc-media-relay-auth+xml", ask.to_owned()),
    );
    let got = "<response requestID=\"50361\" version=\"2.0\" serverVersion=\"2.0\" reasonPhrase=\"OK\" xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"><credentialsResponse credentialsRequestID=\"50361\"><credentials><username>AgAAJDU0</username><password>bm90IGEgcmVhbCBvbmU=</password><duration>480</duration></credentials><mediaRelayList><mediaRelay><location>internet</location><hostName>av.contoso.com</hostName><udpPort>3478</udpPort><tcpPort>443</tcpPort></mediaRelay></mediaRelayList></credentialsResponse></response>";
    service.respond(
        &mut s,
        200,
        "OK",
        &Extra::body("application/msrtc-media-relay-auth+xml", got.to_owned()),
    );
    register(&mut s, &communicator::bob());
    options(&mut s, 5);

    // Call 1: two Communicators, both SDP generations.
    communicator::call(&mut s, true);
    message(&mut s, "Thanks, that was clear.", 200, "OK", None);
    s.wait(1_200);

    // Call 2: out to the telephone network through the gateway, busy.
    let mut call = Call::new(&mut s, &a, &g, Some(&p));
    call.request(&mut s, "INVITE", true, &Extra::body("application/sdp", offer(&a, 25_000, 301)));
    call.respond_over(&mut s, 100, "Trying", &none, 1);
    s.wait(350);
    call.respond(&mut s, 183, "Session Progress", &Extra::body("application/sdp", answer(&g, 35_000, 302)));
    s.wait(1_400);
    call.respond(&mut s, 486, "Busy Here", &Extra::header("Reason", "Q.850;cause=17;text=\"User busy\""));
    call.ack_failure(&mut s, 2);
    s.wait(900);

    // Call 3: answered by Bob's desk phone, on hold for a while, the callee hangs up.
    let mut call = Call::new(&mut s, &a, &b, Some(&p));
    call.establish(&mut s, &offer(&a, 25_002, 303), &answer(&b, 35_002, 304), 2_200);
    s.rtp(at("10.10.0.21:25002"), at("10.10.0.22:35002"), 60, true);
    let held = offer(&a, 25_002, 303).replace("a=sendrecv", "a=sendonly");
    call.request(&mut s, "INVITE", false, &Extra::body("application/sdp", held));
    let holding = answer(&b, 35_002, 304).replace("a=sendrecv", "a=recvonly");
    call.respond(&mut s, 200, "OK", &Extra::body("application/sdp", holding));
    call.request(&mut s, "ACK", false, &none);
    s.wait(4_500);
    call.request(&mut s, "INVITE", false, &Extra::body("application/sdp", offer(&a, 25_002, 303)));
    call.respond(&mut s, 200, "OK", &Extra::body("application/sdp", answer(&b, 35_002, 304)));
    call.request(&mut s, "ACK", false, &none);
    s.rtp(at("10.10.0.21:25002"), at("10.10.0.22:35002"), 40, true);
    call.bye_back(&mut s);
    s.wait(1_100);

    // Call 4: Carol gives up after six seconds of ringing.
    let mut call = Call::new(&mut s, &c, &b, Some(&p));
    call.request(&mut s, "INVITE", true, &Extra::body("application/sdp", offer(&c, 25_004, 305)));
    call.respond_over(&mut s, 100, "Trying", &none, 1);
    s.wait(140);
    call.respond(&mut s, 180, "Ringing", &none);
    s.wait(6_100);
    call.request(&mut s, "CANCEL", true, &none);
    call.respond_to(&mut s, "CANCEL", 200, "OK");
    call.respond(&mut s, 487, "Request Terminated", &none);
    call.ack_failure(&mut s, 2);
    options(&mut s, 4);

    // Call 5: the Front End cannot route to the partner.
    let mut call = Call::new(&mut s, &c, &g, Some(&p));
    call.to_uri = Some("sip:dana@partner.example".to_owned());
    call.request_over(&mut s, "INVITE", true, &Extra::body("application/sdp", offer(&c, 25_006, 306)), 1);
    s.wait(2_100);
    let why = "1008;reason=\"Unable to resolve DNS SRV record\";source=\"sip.contoso.com\";domain=\"partner.example\"";
    call.respond_over(&mut s, 504, "Server time-out", &Extra::header("ms-diagnostics", why), 1);
    call.ack_failure(&mut s, 1);
    s.wait(700);

    // Call 6: nobody there: the INVITE goes out seven times and nothing comes back.
    let mut nobody = bob();
    nobody.user = "lobby";
    nobody.display = "Lobby";
    nobody.at = at("10.10.0.77:5060");
    let mut call = Call::new(&mut s, &p, &nobody, None);
    let from = s.frames.len();
    call.request(&mut s, "INVITE", true, &Extra::body("application/sdp", offer(&p, 25_008, 307)));
    let datagram = s.frames[from].bytes[42..].to_vec();
    let mut pause = 500;
    for _ in 0..6 {
        s.wait(pause);
        s.udp(p.at, nobody.at, 24, &datagram);
        pause *= 2;
    }

    // Call 7 and 8: Bob transfers Carol to Alice.
    let mut first = Call::new(&mut s, &c, &b, None);
    first.establish(&mut s, &offer(&c, 25_010, 308), &answer(&b, 35_010, 309), 1_300);
    s.rtp(at("10.10.0.23:25010"), at("10.10.0.22:35010"), 30, true);
    let refer =
        Extra::header("Refer-To", "<sip:alice@contoso.com>").and("Referred-By", "<sip:bob@contoso.com>");
    first.request_back(&mut s, "REFER", &refer);
    first.respond(&mut s, 202, "Accepted", &none);
    let mut second = Call::new(&mut s, &c, &a, None);
    let by =
        Extra::body("application/sdp", offer(&c, 25_012, 310)).and("Referred-By", "<sip:bob@contoso.com>");
    second.request(&mut s, "INVITE", true, &by);
    second.respond(&mut s, 180, "Ringing", &none);
    s.wait(1_600);
    second.respond(&mut s, 200, "OK", &Extra::body("application/sdp", answer(&a, 35_012, 311)));
    second.request(&mut s, "ACK", false, &none);
    let done = Extra::body("message/sipfrag;version=2.0", "SIP/2.0 200 OK\r\n".to_owned())
        .and("Event", "refer")
        .and("Subscription-State", "terminated;reason=noresource");
    first.request(&mut s, "NOTIFY", false, &done);
    first.respond(&mut s, 200, "OK", &none);
    first.bye_back(&mut s);
    s.rtp(at("10.10.0.23:25012"), at("10.10.0.21:35012"), 30, true);
    second.bye(&mut s);
    s.wait(600);

    let gone = "1003;reason=\"User does not exist\";source=\"pool01.contoso.com\"";
    message(&mut s, "Are you there?", 404, "Not Found", Some(gone));
    odd::tls_into(&mut s, at("192.168.100.112:1977"), front_end().at);
    s
}

pub fn tour() -> Vec<u8> {
    let s = scene();
    // The Front End's own interface and a mirror port saw the traffic; here only the first is used.
    let frames: Vec<Frame> = s.frames;
    let ip = |text: &str| text.parse().expect("a literal address");
    pcapng(
        &NgExtras {
            interfaces: &[("eth0", 1)],
            names: &[
                (ip("10.10.0.5"), "pool01.contoso.com"),
                (ip("10.10.0.40"), "gw1.contoso.com"),
                (ip("213.199.141.181"), "av.contoso.com"),
            ],
            comment: "Synthetic tour of callscope: eight calls, two sign-ins, presence, messages, TLS",
        },
        &frames,
    )
}
