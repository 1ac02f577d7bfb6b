//! What goes on beside the calls themselves: remote call control, a response group, servers that say why.

use super::{START, alice, answer, at, bob, carol, offer, proxy};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene};

const CSTA: &str = "application/csta+xml";
const COMMUNICATOR: &str = "UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)";

fn csta(name: &str, inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<{name} \
xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">{inner}</{name}>\r\n"
    )
}

fn communicator(p: Party, epid: &'static str) -> Party {
    Party { agent: COMMUNICATOR, epid, ..p }
}

/// Communicator steers Alice's desk phone: it dials, the other side rings and answers, one step is refused.
pub fn remote_control() -> Scene {
    let mut s = Scene::new(71, START);
    let a = communicator(alice(), "c8ca638a15");
    let gateway = Party { user: "rcc", agent: "Litware CTI Gateway 3.1", at: at("10.10.0.40:5060"), ..bob() };
    let gateway = Party { display: "", ..gateway };
    let body = |name: &str, inner: &str| Extra::body(CSTA, csta(name, inner));
    let own = "<callID>42</callID><deviceID>tel:+14255550100</deviceID>";
    let device = |role: &str, number: &str| {
        format!("<{role}><deviceIdentifier>tel:{number}</deviceIdentifier></{role}>")
    };
    let mut c = Call::new(&mut s, &a, &gateway, None);
    c.request(&mut s, "INVITE", true, &body("RequestSystemStatus", ""));
    c.respond(&mut s, 200, "OK", &body("RequestSystemStatusResponse", "<systemStatus>normal</systemStatus>"));
    c.request(&mut s, "ACK", false, &Extra::default());
    s.wait(200);
    let monitor = "<monitorObject><deviceObject>tel:+14255550100</deviceObject></monitorObject>";
    c.request(&mut s, "INFO", false, &body("MonitorStart", monitor));
    c.respond(&mut s, 200, "OK", &body("MonitorStartResponse", "<monitorCrossRefID>7</monitorCrossRefID>"));
    s.wait(900);
    let dial = "<callingDevice>tel:+14255550100</callingDevice>\
<calledDirectoryNumber>tel:+14255550101</calledDirectoryNumber>";
    c.request(&mut s, "INFO", false, &body("MakeCall", dial));
    c.respond(&mut s, 200, "OK", &body("MakeCallResponse", &format!("<callingDevice>{own}</callingDevice>")));
    let ids = "<monitorCrossRefID>7</monitorCrossRefID>";
    for (wait, event, role) in [
        (80, "OriginatedEvent", "originatedConnection"),
        (300, "DeliveredEvent", "connection"),
        (2_500, "EstablishedEvent", "establishedConnection"),
    ] {
        s.wait(wait);
        let inner = format!(
            "{ids}<{role}>{own}</{role}>{}{}<cause>newCall</cause>",
            device("callingDevice", "+14255550100"),
            device("calledDevice", "+14255550101")
        );
        c.request_back(&mut s, "INFO", &body(event, &inner));
        c.respond(&mut s, 200, "OK", &Extra::default());
    }
    s.wait(1_000);
    c.request(&mut s, "INFO", false, &body("HoldCall", "<callToBeHeld><callID>41</callID></callToBeHeld>"));
    c.respond(&mut s, 200, "OK", &body("CSTAErrorCode", "<operation>invalidCallID</operation>"));
    s.wait(4_000);
    let hang_up = format!("<connectionToBeCleared>{own}</connectionToBeCleared>");
    c.request(&mut s, "INFO", false, &body("ClearConnection", &hang_up));
    c.respond(&mut s, 200, "OK", &body("ClearConnectionResponse", ""));
    let cleared = format!("{ids}<droppedConnection>{own}</droppedConnection><cause>normalClearing</cause>");
    c.request_back(&mut s, "INFO", &body("ConnectionClearedEvent", &cleared));
    c.respond(&mut s, 200, "OK", &Extra::default());
    s.wait(5_000);
    c.bye(&mut s);
    s
}

/// A caller from the telephone network rings the help desk's response group, which hunts: Bob lets it ring on two
/// endpoints, Carol answers.
pub fn response_group() -> Scene {
    let mut s = Scene::new(72, START);
    let p = Party { agent: "RTC/3.5", ..proxy() };
    let group = Party {
        user: "helpdesk",
        display: "Help Desk",
        at: at("10.10.0.5:5071"),
        agent: "RTCC/3.5.0.0",
        ..carol()
    };
    let agents = [communicator(bob(), "b0b0000001"), communicator(carol(), "ca50000001")];
    let dialled = |agent: &Party| {
        Extra::header("Referred-By", "<sip:helpdesk@contoso.com>")
            .and(
                "History-Info",
                format!("<sip:helpdesk@contoso.com>;index=1, <sip:{}@contoso.com>;index=1.1", agent.user),
            )
            .and("P-Asserted-Identity", "<sip:helpdesk@contoso.com>, <tel:+14255550199>")
    };
    let with = |extra: &Extra<'static>, group: &Party| {
        let mut extra = extra.clone();
        extra.body = Some(("application/sdp", offer(group, 40_000, 900_100)));
        extra
    };

    let mut c = Call::new(&mut s, &group, &agents[0], Some(&p));
    let extra = with(&dialled(&agents[0]), &group);
    c.request(&mut s, "INVITE", true, &extra);
    c.repeat_second_hop(&mut s, &extra);
    c.respond_over(&mut s, 100, "Trying", &Extra::default(), 1);
    s.wait(150);
    c.respond(
        &mut s,
        180,
        "Ringing",
        &Extra::header("ms-diagnostics", told(13_004, "Proxied to registered endpoints")),
    );
    s.wait(20_000);
    let gone = Extra::header("Reason", "SIP;cause=480;text=\"Agent did not answer\"");
    c.request(&mut s, "CANCEL", true, &gone);
    c.respond_to(&mut s, "CANCEL", 200, "OK");
    c.back_to_invite();
    c.respond(&mut s, 487, "Request Terminated", &Extra::default());
    c.ack_failure(&mut s, 2);
    s.wait(400);

    let mut c = Call::new(&mut s, &group, &agents[1], Some(&p));
    let extra = with(&dialled(&agents[1]), &group);
    c.request(&mut s, "INVITE", true, &extra);
    c.respond_over(&mut s, 100, "Trying", &Extra::default(), 1);
    s.wait(130);
    c.respond(&mut s, 180, "Ringing", &Extra::default());
    s.wait(2_300);
    c.respond(&mut s, 200, "OK", &Extra::body("application/sdp", answer(&agents[1], 41_000, 900_300)));
    c.request(&mut s, "ACK", false, &Extra::default());
    s.wait(9_000);
    c.bye_back(&mut s);
    s
}

fn told(code: u32, reason: &str) -> String {
    format!("{code};reason=\"{reason}\";source=\"fe1.contoso.com\"")
}

/// Failures whose servers and clients say why: four times the same, one number that is not described anywhere read, a
/// warning, and a client that tells of its media.
pub fn diagnostics() -> Scene {
    let mut s = Scene::new(73, START);
    let (a, b) = (communicator(alice(), "c8ca638a15"), communicator(bob(), "b0b0000001"));
    let fail = |s: &mut Scene, code: u16, phrase: &str, extra: Extra<'_>| {
        let mut c = Call::new(s, &a, &b, None);
        c.request(s, "INVITE", true, &Extra::body("application/sdp", offer(&a, 20_000, 700_100)));
        c.respond(s, code, phrase, &extra);
        c.ack_failure(s, 2);
        s.wait(1_500);
    };
    for _ in 0..4 {
        fail(&mut s, 404, "Not Found", Extra::header("ms-diagnostics", told(1003, "User does not exist")));
    }
    fail(
        &mut s,
        504,
        "Server time-out",
        Extra::header("ms-diagnostics-public", told(1008, "Unable to resolve DNS SRV record")),
    );
    fail(&mut s, 403, "Forbidden", Extra::header("ms-diagnostics", told(1015, "Said by the server itself")));
    fail(
        &mut s,
        488,
        "Not Acceptable Here",
        Extra::header("Warning", "304 fe1.contoso.com \"Media type not available\""),
    );
    let mut c = Call::new(&mut s, &a, &b, None);
    c.establish(&mut s, &offer(&a, 20_010, 700_900), &answer(&b, 30_010, 700_905), 1_000);
    s.wait(700);
    let media = "22;reason=\"Call failed to establish due to a media connectivity failure when both endpoints are \
internal\";CalleeMediaDebug=\"audio:ICEWarn=0x80021,LocalSite=10.10.0.21:20010,RemoteSite=10.10.0.22:30010,\
PortRange=1025:65000,LocalLocation=2,RemoteLocation=2,FederationType=0\"";
    c.request(&mut s, "BYE", false, &Extra::header("ms-client-diagnostics", media));
    c.respond(&mut s, 200, "OK", &Extra::default());
    s
}
