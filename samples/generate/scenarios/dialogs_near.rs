//! Calls that come close to what the rules about calls look for, and are well.

use super::dialogs::{NO_END, T2, gateway, held, hold, progress, sdp};
use super::{START, alice, answer, at, bob, carol, offer, proxy};
use crate::call::{Call, Extra};
use crate::scene::{Carry, Party, Scene, message};

pub fn near() -> Scene {
    let mut s = Scene::new(82, START);
    late_answers(&mut s);
    changes_on_their_way(&mut s);
    one_after_the_other(&mut s);
    long_way(&mut s);
    second_transfer(&mut s);
    why_it_ended(&mut s);
    busy_device(&mut s);
    odd_spelling(&mut s);
    refreshed(&mut s);
    overtaken(&mut s);
    s
}

/// Bob's phone is on a bad radio link: his answer to a hold comes after 17 s, in the next call that to a BYE after 20 s.
fn late_answers(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let none = Extra::default();
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &offer(&a, 27_000, 1_201), &answer(&b, 37_000, 1_202), 1_500);
    s.wait(6_000);
    let at = s.frames.len();
    c.request(s, "INVITE", false, &hold(&a, 27_000, 1_201));
    s.retransmit(at, 5, NO_END);
    s.wait(1_500);
    c.respond(s, 200, "OK", &held(&b, 37_000, 1_202));
    c.request(s, "ACK", false, &none);
    s.wait(4_000);
    c.bye(s);
    s.wait(1_000);
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &offer(&a, 27_002, 1_203), &answer(&b, 37_002, 1_204), 1_500);
    s.wait(9_000);
    let at = s.frames.len();
    c.request(s, "BYE", false, &none);
    s.retransmit(at, 7, T2);
    s.wait(700);
    c.respond(s, 200, "OK", &none);
    s.wait(1_000);
}

/// Changes of a call that are refused as they are meant to be: an interval too small, a challenge, a re-INVITE that is
/// cancelled, and BYEs that cross.
fn changes_on_their_way(s: &mut Scene) {
    let (a, g) = (alice(), gateway());
    let none = Extra::default();
    let mut c = Call::new(s, &a, &g, None);
    c.to_uri = Some("sip:+14255550142@contoso.com".to_owned());
    c.establish(s, &offer(&a, 27_004, 1_205), &answer(&g, 37_004, 1_206), 2_000);
    s.wait(3_000);
    let change = |extra: Extra<'static>, seconds: &'static str| {
        extra.and("Supported", "timer").and("Session-Expires", seconds)
    };
    c.request(s, "INVITE", false, &change(hold(&a, 27_004, 1_205), "90"));
    c.respond(s, 422, "Session Interval Too Small", &Extra::header("Min-SE", "600"));
    c.ack_failure(s, 2);
    let again = change(hold(&a, 27_004, 1_205), "1800").and("Min-SE", "600");
    c.request(s, "INVITE", false, &again);
    let challenge = "Digest realm=\"contoso.com\", nonce=\"b2f0418c6e\", algorithm=MD5, qop=\"auth\"";
    c.respond(s, 401, "Unauthorized", &Extra::header("WWW-Authenticate", challenge));
    c.ack_failure(s, 2);
    let credentials = "Digest username=\"alice\", realm=\"contoso.com\", nonce=\"b2f0418c6e\", uri=\"sip:gateway@10.10.0.8:5060\", response=\"5d1c90ab7720e64f3318bc05a9f2e7d4\", algorithm=MD5, cnonce=\"41aa\", qop=auth, nc=00000001";
    c.request(s, "INVITE", false, &again.and("Authorization", credentials));
    let granted =
        held(&g, 37_004, 1_206).and("Require", "timer").and("Session-Expires", "1800;refresher=uac");
    c.respond(s, 200, "OK", &granted);
    c.request(s, "ACK", false, &none);
    s.wait(6_000);
    // She takes it back before the gateway has an answer.
    c.request(s, "INVITE", false, &sdp(offer(&a, 27_004, 1_205).replace(" 1 IN IP4", " 3 IN IP4")));
    c.respond(s, 100, "Trying", &none);
    s.wait(900);
    c.request(s, "CANCEL", false, &none);
    c.respond_to(s, "CANCEL", 200, "OK");
    c.respond(s, 487, "Request Terminated", &none);
    c.ack_failure(s, 2);
    s.wait(2_000);
    // Both hang up at once.
    let mut theirs = c.clone();
    theirs.cseq = 40;
    c.request(s, "BYE", false, &none);
    theirs.request_back(s, "BYE", &none);
    c.respond(s, 481, "Call/Transaction Does Not Exist", &none);
    theirs.respond(s, 481, "Call/Transaction Does Not Exist", &none);
    s.wait(1_500);
}

/// Alice and Bob change the call within a tenth of a second, one behind the other.
fn one_after_the_other(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let none = Extra::default();
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &offer(&a, 27_006, 1_207), &answer(&b, 37_006, 1_208), 1_200);
    s.wait(4_000);
    c.request(s, "INVITE", false, &hold(&a, 27_006, 1_207));
    c.respond(s, 200, "OK", &held(&b, 37_006, 1_208));
    c.request(s, "ACK", false, &none);
    s.wait(60);
    let inactive = |p: &Party, port, session| {
        let text = offer(p, port, session).replace("sendrecv", "inactive");
        sdp(text.replace(" 1 IN IP4", " 3 IN IP4").replace("0 8 101", "0 101"))
    };
    c.request_back(s, "INVITE", &inactive(&b, 37_006, 1_208));
    c.respond(s, 200, "OK", &inactive(&a, 27_006, 1_207));
    c.request_back(s, "ACK", &none);
    s.wait(8_000);
    c.bye_back(s);
    s.wait(1_500);
}

/// A mobile phone is paged for 9 s before it rings, and rings for half a minute.
fn long_way(s: &mut Scene) {
    let (c, g, p) = (carol(), gateway(), proxy());
    let none = Extra::default();
    let mut call = Call::new(s, &c, &g, Some(&p));
    call.to_uri = Some("sip:+14255550163@contoso.com".to_owned());
    call.request(s, "INVITE", true, &sdp(offer(&c, 27_008, 1_209)));
    call.respond_over(s, 100, "Trying", &none, 1);
    s.wait(9_300);
    call.respond(s, 180, "Ringing", &none);
    s.wait(28_000);
    call.respond(s, 200, "OK", &sdp(answer(&g, 37_008, 1_210)));
    call.request(s, "ACK", false, &none);
    s.wait(5_000);
    call.bye_back(s);
    s.wait(1_500);
}

/// Bob transfers Alice to Carol, whose line is busy; he tries Dave, who answers.
fn second_transfer(s: &mut Scene) {
    let (a, b, c) = (alice(), bob(), carol());
    let dave = Party { user: "dave", display: "Dave Dunn", at: at("10.10.0.29:5060"), ..carol() };
    let none = Extra::default();
    let mut first = Call::new(s, &a, &b, None);
    first.establish(s, &offer(&a, 27_010, 1_211), &answer(&b, 37_010, 1_212), 1_400);
    s.wait(5_000);
    let mut tries = |s: &mut Scene, target: &Party, port: u16, answers: bool| {
        let uri = format!("<{}>", target.uri());
        let refer = Extra::header("Refer-To", uri).and("Referred-By", "<sip:bob@contoso.com>");
        first.request_back(s, "REFER", &refer);
        first.respond(s, 202, "Accepted", &none);
        first.request(s, "NOTIFY", false, &progress("SIP/2.0 100 Trying", "active;expires=60"));
        first.respond(s, 200, "OK", &none);
        let mut second = Call::new(s, &a, target, None);
        let by = sdp(offer(&a, port, 1_213)).and("Referred-By", "<sip:bob@contoso.com>");
        second.request(s, "INVITE", true, &by);
        s.wait(80);
        let line = if answers {
            second.respond(s, 180, "Ringing", &none);
            s.wait(3_000);
            second.respond(s, 200, "OK", &sdp(answer(target, port + 10_000, 1_214)));
            second.request(s, "ACK", false, &none);
            "SIP/2.0 200 OK"
        } else {
            second.respond(s, 486, "Busy Here", &none);
            second.ack_failure(s, 2);
            "SIP/2.0 486 Busy Here"
        };
        first.request(s, "NOTIFY", false, &progress(line, "terminated;reason=noresource"));
        first.respond(s, 200, "OK", &none);
        second
    };
    tries(s, &c, 27_012, false);
    s.wait(4_000);
    let mut second = tries(s, &dave, 27_014, true);
    first.bye_back(s);
    s.wait(9_000);
    second.bye(s);
    s.wait(1_500);
}

/// The BYE says why: the call was cleared as calls are, and how its media went.
fn why_it_ended(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &offer(&a, 27_016, 1_215), &answer(&b, 37_016, 1_216), 1_100);
    s.wait(12_000);
    let why = Extra::header("Reason", "Q.850;cause=16;text=\"Normal call clearing\"").and(
        "ms-client-diagnostics",
        "51007;reason=\"Callee media connectivity diagnosis info\";CalleeMediaDebug=\"audio:ICEWarn=0x0,LocalSite=10.10.0.22:37016,RemoteSite=10.10.0.21:27016,PortRange=1025:65000,LocalLocation=2,RemoteLocation=2,FederationType=0\"",
    );
    c.request_back(s, "BYE", &why);
    c.respond(s, 200, "OK", &Extra::default());
    s.wait(1_500);
}

/// Alice's client dials by remote call control; the other line is busy, which the switch tells as an event.
fn busy_device(s: &mut Scene) {
    let a = alice();
    let switch = Party { user: "rcc", display: "", at: at("10.10.0.40:5060"), ..gateway() };
    let switch = Party { agent: "Litware CTI Gateway 3.1", ..switch };
    let body = |name: &str, inner: &str| {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<{name} xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">{inner}</{name}>\r\n"
        );
        Extra::body("application/csta+xml", text)
    };
    let none = Extra::default();
    let mut c = Call::new(s, &a, &switch, None);
    c.request(s, "INVITE", true, &body("RequestSystemStatus", ""));
    c.respond(s, 200, "OK", &body("RequestSystemStatusResponse", "<systemStatus>normal</systemStatus>"));
    c.request(s, "ACK", false, &none);
    let monitor = "<monitorObject><deviceObject>tel:+14255550100</deviceObject></monitorObject>";
    c.request(s, "INFO", false, &body("MonitorStart", monitor));
    c.respond(s, 200, "OK", &body("MonitorStartResponse", "<monitorCrossRefID>9</monitorCrossRefID>"));
    s.wait(1_200);
    let dial = "<callingDevice>tel:+14255550100</callingDevice><calledDirectoryNumber>tel:+14255550101</calledDirectoryNumber>";
    let own = "<callID>51</callID><deviceID>tel:+14255550100</deviceID>";
    c.request(s, "INFO", false, &body("MakeCall", dial));
    c.respond(s, 200, "OK", &body("MakeCallResponse", &format!("<callingDevice>{own}</callingDevice>")));
    s.wait(400);
    let device = |role: &str, number: &str| {
        format!("<{role}><deviceIdentifier>tel:{number}</deviceIdentifier></{role}>")
    };
    let failed = format!(
        "<monitorCrossRefID>9</monitorCrossRefID><failedConnection>{own}</failedConnection>{}{}{}<cause>busy</cause>",
        device("failingDevice", "+14255550101"),
        device("callingDevice", "+14255550100"),
        device("calledDevice", "+14255550101")
    );
    c.request_back(s, "INFO", &body("FailedEvent", &failed));
    c.respond(s, 200, "OK", &none);
    s.wait(3_000);
    c.bye(s);
    s.wait(1_500);
}

/// A call spelled as nobody does and everybody may (RFC 3261 §7.3.1 and §25, RFC 4475 §3.1.1.1): compact names, folded
/// lines, blanks, quoted pairs, headers that nobody knows.
fn odd_spelling(s: &mut Scene) {
    let (d, b) = (at("10.10.0.30:5060"), bob().at);
    let (o, n) = (
        "v=0\r\no=eve 1217 1 IN IP4 10.10.0.30\r\ns=-\r\nc=IN IP4 10.10.0.30\r\nt=0 0\r\nm=audio 27018 RTP/AVP 0\r\n",
        answer(&bob(), 37_018, 1_218),
    );
    let from = "\"Eve \\\"E.\\\" Egg\" <sip:eve@contoso.com> ;\r\n\ttag = 5e1f";
    let request = |method: &str, cseq: u32, tag: &str, branch: &str, body: Option<(&str, &str)>| {
        let headers = [
            ("TO ", format!("\r\n sip:bob@contoso.com{tag}")),
            ("f", from.to_owned()),
            ("MaX-fOrWaRdS", "0070".to_owned()),
            ("i", "odd.but-legal%spelling*27018".to_owned()),
            ("cseq", format!("000{cseq}\r\n  {method}")),
            ("v", format!("SIP  / 2.0 /UDP\r\n    {d} ;rport; branch = z9hG4bK{branch}")),
            (
                "m",
                "\"Quoted \\\"\\\"\" <sip:eve@10.10.0.30;unknown=x>;\r\n  newparam = newvalue ; q = 0.33"
                    .to_owned(),
            ),
            ("NewFangledHeader", "  newfangled value\r\n continued newfangled value".to_owned()),
            ("UnknownHeaderWithUnusualValue", ";;,,;;,;".to_owned()),
            ("s", String::new()),
        ];
        message(&format!("{method} sip:bob@contoso.com;unknownparam SIP/2.0"), &headers, body)
    };
    let answers = |line: &str, method: &str, cseq: u32, branch: &str, body: Option<(&str, &str)>| {
        let headers = [
            ("v", format!("SIP/2.0/UDP {d};rport=5060;branch=z9hG4bK{branch};received=10.10.0.30")),
            ("t", "<sip:bob@contoso.com>;tag=b0b27018".to_owned()),
            ("f", "\"Eve \\\"E.\\\" Egg\" <sip:eve@contoso.com>;tag=5e1f".to_owned()),
            ("i", "odd.but-legal%spelling*27018".to_owned()),
            ("CSeq", format!("{cseq} {method}")),
            ("m", format!("<sip:bob@{b}>")),
        ];
        message(line, &headers, body)
    };
    let offered = Some(("application/sdp", o));
    let tag = " ; tag = b0b27018";
    s.send(d, b, Carry::Udp, &request("INVITE", 9, "", "odd1", offered));
    s.wait(40);
    s.send(b, d, Carry::Udp, &answers("SIP/2.0 180 ", "INVITE", 9, "odd1", None));
    s.wait(2_000);
    let answered = Some(("application/sdp", n.as_str()));
    s.send(
        b,
        d,
        Carry::Udp,
        &answers("SIP/2.0 200 = 2**3 * 5**2 \u{43d}\u{43e}", "INVITE", 9, "odd1", answered),
    );
    s.wait(4);
    s.send(d, b, Carry::Udp, &request("ACK", 9, tag, "odd2", None));
    s.wait(7_000);
    s.send(d, b, Carry::Udp, &request("BYE", 10, tag, "odd3", None));
    s.wait(5);
    s.send(b, d, Carry::Udp, &answers("SIP/2.0 200 OK", "BYE", 10, "odd3", None));
    s.wait(1_500);
}

/// The session of half an hour is refreshed at half of it; Alice hangs up when half an hour is over.
fn refreshed(s: &mut Scene) {
    let (a, g) = (alice(), gateway());
    let none = Extra::default();
    let mut c = Call::new(s, &a, &g, None);
    c.to_uri = Some("sip:+14255550142@contoso.com".to_owned());
    let timer =
        |extra: Extra<'static>| extra.and("Supported", "timer").and("Session-Expires", "1800;refresher=uac");
    c.request(s, "INVITE", true, &timer(sdp(offer(&a, 27_020, 1_219))));
    c.respond(s, 100, "Trying", &none);
    s.wait(1_100);
    c.respond(s, 180, "Ringing", &none);
    s.wait(4_000);
    let granted = sdp(answer(&g, 37_020, 1_220))
        .and("Require", "timer")
        .and("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE");
    c.respond(s, 200, "OK", &granted.and("Session-Expires", "1800;refresher=uac"));
    c.request(s, "ACK", false, &none);
    s.wait(900_000);
    c.request(s, "UPDATE", false, &timer(Extra::default()));
    c.respond(s, 200, "OK", &Extra::header("Require", "timer").and("Session-Expires", "1800;refresher=uac"));
    s.wait(899_900);
    c.bye(s);
    s.wait(3_000);
}

/// The capture ends 12 s after Alice's BYE, which is not answered so far.
fn overtaken(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &offer(&a, 27_022, 1_221), &answer(&b, 37_022, 1_222), 1_700);
    s.wait(8_000);
    let at = s.frames.len();
    c.request(s, "BYE", false, &Extra::default());
    s.retransmit(at, 5, T2);
}
