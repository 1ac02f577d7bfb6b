//! Conference control of Vivian's conference, for tests of what is shown of it. [MS-CONFBAS], RFC 4575.

use super::{Msg, Scenario, request, response};

pub const FOCUS: &str = "sip:vivian@contoso.com;gruu;opaque=app:conf:focus:id:BE927F10";
pub const AV: &str = "sip:vivian@contoso.com;gruu;opaque=app:conf:audio-video:id:BE927F10";
pub const FACTORY: &str = "sip:vivian@contoso.com;gruu;opaque=app:conf:focusfactory";
pub const VIVIAN: &str = "sip:vivian@contoso.com";
pub const CCCP: &str = "application/cccp+xml";
pub const INFO: &str = "application/conference-info+xml";

pub fn ask(id: &str, to: &str, command: &str) -> String {
    format!(
        "<request xmlns=\"urn:ietf:params:xml:ns:cccp\" xmlns:mscp=\"http://schemas.microsoft.com/rtc/2005/08/cccpextensions\" \
         C3PVersion=\"1\" requestId=\"{id}\" from=\"{VIVIAN}\" to=\"{to}\">{command}</request>"
    )
}

pub fn tell(id: &str, from: &str, code: &str, command: &str) -> String {
    format!(
        "<response xmlns=\"urn:ietf:params:xml:ns:cccp\" C3PVersion=\"1\" requestId=\"{id}\" from=\"{from}\" to=\"{VIVIAN}\" code=\"{code}\">{command}</response>"
    )
}

pub fn roster(state: &str, version: u32, users: &str) -> String {
    format!(
        "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{FOCUS}\" state=\"{state}\" version=\"{version}\">\
         <users state=\"{state}\">{users}</users></conference-info>"
    )
}

pub fn user(name: &str, state: &str, role: &str, endpoint: &str) -> String {
    format!(
        "<user entity=\"sip:{name}@contoso.com\" state=\"{state}\"><display-text>{name}</display-text>\
         <roles><entry>{role}</entry></roles>{endpoint}</user>"
    )
}

pub fn endpoint(session: &str, status: &str, how: &str) -> String {
    format!(
        "<endpoint entity=\"{{{session}}}\" session-type=\"{session}\"><status>{status}</status>\
         <joining-method>{how}</joining-method></endpoint>"
    )
}

pub fn dial_out(who: &str) -> String {
    format!(
        "<addUser mscp:mcuUri=\"{AV}\"><conferenceKeys confEntity=\"{FOCUS}\"/>\
         <ci:user xmlns:ci=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{who}\"><ci:endpoint entity=\"{{1}}\">\
         <ci:joining-method>dialed-out</ci:joining-method></ci:endpoint></ci:user></addUser>"
    )
}

pub fn delete(who: &str) -> String {
    format!("<deleteUser><userKeys confEntity=\"{FOCUS}\" userEntity=\"{who}\"/></deleteUser>")
}

/// In the dialog of Vivian's browser client (machine `A`) with the focus (`F`).
pub fn focus(m: Msg, cseq: u32) -> Msg {
    let from = format!("<{VIVIAN}>;tag=a");
    m.id("focus").between(&from, &format!("<{FOCUS}>;tag=f")).via(&[&format!("A f{cseq}")])
}

/// The same, from the focus.
pub fn back(m: Msg, cseq: u32) -> Msg {
    let from = format!("<{FOCUS}>;tag=f");
    m.id("focus").between(&from, &format!("<{VIVIAN}>;tag=a")).via(&[&format!("F g{cseq}")])
}

/// INFO with a command; the answer comes as an INFO of the focus.
pub fn info(s: &mut Scenario, ms: i64, cseq: u32, document: &str, answers: &[(i64, String)]) {
    s.add(ms, "A>F", &focus(request("INFO", cseq), cseq).body(CCCP, document));
    s.add(ms + 5, "F>A", &focus(response("202 Accepted", cseq, "INFO"), cseq));
    for (n, (after, answer)) in (100 * cseq..).zip(answers) {
        s.add(ms + after, "F>A", &back(request("INFO", n), n).body(CCCP, answer));
        s.add(ms + after + 1, "A>F", &back(response("200 OK", n, "INFO"), n));
    }
}

pub fn notify(s: &mut Scenario, ms: i64, n: u32, document: &str) {
    let from = format!("<{FOCUS}>;tag=s");
    let m = request("BENOTIFY", n).id("watch").between(&from, &format!("<{VIVIAN}>;tag=w"));
    s.add(ms, "F>A", &m.via(&[&format!("F n{n}")]).header("Event: conference").body(INFO, document));
}

/// Vivian makes a conference, joins it, has Amy called and fails to remove Hao.
pub fn meeting() -> Scenario {
    let mut s = Scenario::default();
    let from = format!("<{VIVIAN}>;tag=x");
    let service = |m: Msg, cseq: u32| {
        m.id("make").between(&from, &format!("<{FACTORY}>")).via(&[&format!("A m{cseq}")])
    };
    let make = "<addConference><ci:conference-info xmlns:ci=\"urn:ietf:params:xml:ns:conference-info\" xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\" entity=\"\">\
                <ci:conference-description><ci:subject>Plans</ci:subject><msci:conference-id>BE927F10</msci:conference-id></ci:conference-description></ci:conference-info></addConference>";
    let made = format!(
        "<addConference><conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{FOCUS}\" state=\"full\" version=\"1\"/></addConference>"
    );
    let asked = service(request("SERVICE", 1), 1).body(CCCP, &ask("7", FACTORY, make));
    s.add(0, "A>F", &asked);
    s.add(
        20,
        "F>A",
        &service(response("401 Unauthorized", 1, "SERVICE"), 1).header("WWW-Authenticate: NTLM realm=\"x\""),
    );
    let again = service(request("SERVICE", 2), 2).body(CCCP, &ask("7", FACTORY, make));
    s.add(40, "A>F", &again);
    s.add(
        60,
        "F>A",
        &service(response("200 OK", 2, "SERVICE"), 2).body(CCCP, &tell("7", FACTORY, "success", &made)),
    );
    let join = format!(
        "<addUser><conferenceKeys confEntity=\"{FOCUS}\"/><ci:user xmlns:ci=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{VIVIAN}\">\
         <ci:roles><ci:entry>attendee</ci:entry></ci:roles></ci:user></addUser>"
    );
    let granted = format!(
        "<addUser><user xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{VIVIAN}\"><roles><entry>presenter</entry></roles></user></addUser>"
    );
    s.add(100, "A>F", &focus(request("INVITE", 1), 1).body(CCCP, &ask("8", FOCUS, &join)));
    let joined = focus(response("200 OK", 1, "INVITE"), 1).body(CCCP, &tell("8", FOCUS, "success", &granted));
    s.add(140, "F>A", &joined);
    s.add(150, "A>F", &focus(request("ACK", 1), 2));
    let own = endpoint("focus", "connected", "dialed-in");
    notify(&mut s, 200, 1, &roster("full", 1, &user("vivian", "full", "presenter", &own)));
    let answers =
        [(30, tell("9", FOCUS, "pending", "<addUser/>")), (3000, tell("9", FOCUS, "success", "<addUser/>"))];
    info(&mut s, 1000, 2, &ask("9", FOCUS, &dial_out("sip:amy@contoso.com")), &answers);
    let leg = |m: Msg| {
        let from = format!("<{AV}>;tag=v");
        m.id("leg").between(&from, "<sip:amy@contoso.com>").via(&["M l1"])
    };
    s.add(1100, "M>B", &leg(request("INVITE", 1)).sdp("sendrecv", 0));
    s.add(1200, "B>M", &leg(response("180 Ringing", 1, "INVITE")).tag("b"));
    s.add(3900, "B>M", &leg(response("200 OK", 1, "INVITE")).tag("b").sdp("sendrecv", 0));
    let calling = endpoint("audio-video", "dialing-out", "dialed-out");
    notify(&mut s, 1100, 2, &roster("partial", 2, &user("amy", "full", "attendee", &calling)));
    let there = endpoint("audio-video", "connected", "dialed-out");
    notify(&mut s, 3950, 3, &roster("partial", 3, &user("amy", "full", "attendee", &there)));
    let refused = [(40, tell("10", FOCUS, "failure", "<deleteUser reason=\"userDoesNotExist\"/>"))];
    info(&mut s, 9000, 3, &ask("10", FOCUS, &delete("sip:hao@contoso.com")), &refused);
    s
}
