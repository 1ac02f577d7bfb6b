//! Instant messages with their failures, and subscriptions of high and low fidelity side by side.

use super::communicator::{alice, bob, front_end, to_server};
use super::{START, at};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene};

/// Base64 of `Hi Bob, is the <review> at three?`.
const FIRST: &str = "SGkgQm9iLCBpcyB0aGUgPHJldmlldz4gYXQgdGhyZWU/";

fn session(p: &Party) -> String {
    let ip = p.at.ip();
    format!(
        "v=0\r\no=- 0 0 IN IP4 {ip}\r\ns=session\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=message 5060 sip null\r\na=accept-types:text/plain text/html text/rtf multipart/alternative application/im-iscomposing+xml\r\n"
    )
}

fn composing(state: &str) -> Extra<'static> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>{state}</state><contenttype>text/plain</contenttype><refresh>60</refresh></isComposing>"
    );
    Extra::body("application/im-iscomposing+xml", text)
}

/// An IM session of two Communicators over their Front End, then messages outside of any session.
pub fn conversation() -> Scene {
    let mut s = Scene::new(53, START);
    let (a, b, fe) = (alice(), bob(), front_end());
    let none = Extra::default();
    let mut c = Call::new(&mut s, &a, &b, Some(&fe));
    let conversation = s.random.hex(32);
    let invite = Extra::body("application/sdp", session(&a))
        .and("Ms-Conversation-ID", conversation.clone())
        .and("Ms-Text-Format", format!("text/plain; charset=UTF-8;msgr=WAAtAE0A;ms-body={FIRST}"));
    c.request(&mut s, "INVITE", true, &invite);
    s.wait(900);
    c.respond(&mut s, 200, "OK", &Extra::body("application/sdp", session(&b)));
    c.request(&mut s, "ACK", false, &none);
    s.wait(2_000);
    c.request_back(&mut s, "MESSAGE", &composing("active"));
    c.respond(&mut s, 200, "OK", &none);
    s.wait(3_000);
    let html = "<DIV style=\"font-family:Tahoma\"><script>steal()</script>Yes &mdash; <B>three</B> o&#39;clock.<BR>Room 4&nbsp;B</DIV>";
    c.request_back(&mut s, "MESSAGE", &Extra::body("text/html; charset=UTF-8", html.to_owned()));
    c.respond(&mut s, 200, "OK", &none);
    s.wait(4_000);
    let typing = "<KeyboardActivity><status status=\"type\" /></KeyboardActivity>";
    c.request(&mut s, "INFO", false, &Extra::body("application/xml", typing.to_owned()));
    c.respond(&mut s, 200, "OK", &none);
    s.wait(1_500);
    let rtf = "{\\rtf1\\ansi{\\fonttbl{\\f0 Segoe UI;}}\\f0\\fs20 Good.\\par I bring the \\b figures\\b0 .}";
    c.request(&mut s, "MESSAGE", false, &Extra::body("text/rtf", rtf.to_owned()));
    c.respond(&mut s, 200, "OK", &none);
    s.wait(5_000);
    let both = "--alt\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nAnd the \x1b[31mbudget\x1b[0m?\r\n--alt\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n<i>And the budget?</i>\r\n--alt--\r\n";
    c.request_back(&mut s, "MESSAGE", &Extra::body("multipart/alternative; boundary=alt", both.to_owned()));
    c.respond(&mut s, 200, "OK", &none);
    s.wait(20_000);
    // Bob's laptop sleeps.
    let lost = Extra::body("text/plain; charset=UTF-8;msgr=WAAtAE0A", "Are you still\r\nthere?".to_owned());
    c.request(&mut s, "MESSAGE", false, &lost);
    s.wait(10_000);
    let why = "1006;reason=\"Unable to route on the connection to the client\";source=\"pool01.contoso.com\"";
    c.respond_over(&mut s, 408, "Request Timeout", &Extra::header("ms-diagnostics", why), 1);
    s.wait(2_000);
    c.request(&mut s, "BYE", false, &none);
    c.respond_over(&mut s, 481, "Call Leg/Transaction Does Not Exist", &none, 1);
    s.wait(3_000);

    // Outside of a session: one that is accepted and fails later, one to nobody.
    let mut later = to_server(&mut s, &a, "sip:carol@contoso.com");
    later.request(&mut s, "MESSAGE", true, &Extra::body("text/plain; charset=UTF-8", "Lunch?".to_owned()));
    later.respond(&mut s, 202, "Accepted", &Extra::header("Message-Id", "<7d3a>"));
    s.wait(30_000);
    let mut notice = to_server(&mut s, &front_end(), "sip:alice@contoso.com");
    notice.from = Party { user: "carol", display: "Carol Cruz", ..front_end() };
    notice.to.at = a.at;
    let imdn = "<imdn xmlns=\"http://schemas.microsoft.com/rtc/2006/08/imdn\"><message-id>&lt;7d3a&gt;</message-id><recipient uri=\"sip:carol@contoso.com\"><status>480</status></recipient></imdn>";
    notice.request(&mut s, "MESSAGE", true, &Extra::body("application/ms-imdn+xml", imdn.to_owned()));
    notice.respond(&mut s, 200, "OK", &none);
    s.wait(1_000);
    let mut nobody = to_server(&mut s, &a, "sip:zed@contoso.com");
    nobody.request(&mut s, "MESSAGE", true, &Extra::body("text/plain; charset=UTF-8", "Anybody?".to_owned()));
    let why = "1003;reason=\"User does not exist\";source=\"pool01.contoso.com\"";
    nobody.respond(&mut s, 404, "Not Found", &Extra::header("ms-diagnostics", why));
    s.wait(40_000);
    s
}

fn categories(uri: &str, availability: u32, note: &str) -> String {
    let note = match note {
        "" => String::new(),
        text => format!(
            "<category name=\"note\" instance=\"0\"><note xmlns=\"http://schemas.microsoft.com/2006/09/sip/note\"><body type=\"personal\" uri=\"\">{text}</body></note></category>"
        ),
    };
    format!(
        "<categories xmlns=\"http://schemas.microsoft.com/2006/09/sip/categories\" uri=\"{uri}\"><category name=\"state\" instance=\"1\"><state xmlns=\"http://schemas.microsoft.com/2006/09/sip/state\"><availability>{availability}</availability></state></category>{note}</categories>"
    )
}

/// A list with a part for each contact.
fn list(version: u32, full: bool, contacts: &[(&str, u32, &str)]) -> String {
    let mut resources = String::new();
    let mut parts = String::new();
    for (n, (uri, availability, note)) in contacts.iter().enumerate() {
        resources.push_str(&format!(
            "<resource uri=\"{uri}\"><instance id=\"0\" state=\"active\" cid=\"c{n}@contoso.com\"/></resource>"
        ));
        parts.push_str(&format!(
            "--nB\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <c{n}@contoso.com>\r\nContent-Type: application/msrtc-event-categories+xml\r\n\r\n{}\r\n",
            categories(uri, *availability, note)
        ));
    }
    format!(
        "--nB\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <list@contoso.com>\r\nContent-Type: application/rlmi+xml\r\n\r\n<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:alice@contoso.com\" version=\"{version}\" fullState=\"{full}\">{resources}</list>\r\n{parts}--nB--\r\n"
    )
}

const RELATED: &str = "multipart/related;type=\"application/rlmi+xml\";start=list;boundary=nB";

fn batch(who: &str, contacts: &[&str], expires: &'static str) -> Extra<'static> {
    let resources: String = contacts.iter().map(|c| format!("<resource uri=\"{c}\"/>")).collect();
    let body = format!(
        "<batchSub xmlns=\"http://schemas.microsoft.com/2006/01/sip/batch-subscribe\" uri=\"{who}\" name=\"\"><action name=\"subscribe\" id=\"28470048\"><adhocList>{resources}</adhocList><categoryList xmlns=\"http://schemas.microsoft.com/2006/09/sip/categorylist\"><category name=\"calendarData\"/><category name=\"contactCard\"/><category name=\"note\"/><category name=\"state\"/></categoryList></action></batchSub>"
    );
    Extra::body("application/msrtc-adrl-categorylist+xml", body)
        .and("Event", "presence")
        .and("Expires", expires)
        .and("Require", "adhoclist, categoryList")
        .and("Supported", "eventlist, ms-benotify, ms-piggyback-first-notify")
        .and("Proxy-Require", "ms-benotify")
}

/// Alice is told of changes; a mobile client polls three contacts each five minutes; others fail, run out, or were there
/// before the capture.
pub fn watchers() -> Scene {
    const BOB: &str = "sip:bob@contoso.com";
    const CAROL: &str = "sip:carol@contoso.com";
    const DAVE: &str = "sip:dave@contoso.com";
    let mut s = Scene::new(59, START);
    let (a, fe) = (alice(), front_end());
    let none = Extra::default();

    let mut high = to_server(&mut s, &a, "sip:alice@contoso.com");
    high.request(&mut s, "SUBSCRIBE", true, &batch("sip:alice@contoso.com", &[BOB, CAROL], "28800"));
    let first = Extra::body(RELATED, list(0, true, &[(BOB, 3_500, ""), (CAROL, 15_500, "On holiday")]))
        .and("Expires", "28800")
        .and("ms-piggyback-cseq", "1");
    high.respond(&mut s, 200, "OK", &first);
    let mut contacts = to_server(&mut s, &a, "sip:alice@contoso.com");
    contacts.request(&mut s, "SUBSCRIBE", true, &Extra::header("Event", "vnd-microsoft-roaming-contacts"));
    contacts.respond(&mut s, 488, "Not Acceptable Here", &none);

    // Ten minutes, and nobody prolongs it.
    let mut brief = to_server(&mut s, &a, DAVE);
    let once = Extra::header("Event", "presence").and("Expires", "600").and("Accept", "application/pidf+xml");
    brief.request(&mut s, "SUBSCRIBE", true, &once);
    brief.respond(&mut s, 200, "OK", &Extra::header("Expires", "600"));
    let pidf = "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:dave@contoso.com\"><tuple id=\"1\"><status><basic>open</basic></status></tuple></presence>";
    let active = Extra::body("application/pidf+xml", pidf.to_owned())
        .and("Event", "presence")
        .and("Subscription-State", "active;expires=599");
    brief.request_back(&mut s, "NOTIFY", &active);
    brief.respond(&mut s, 200, "OK", &none);

    let phone = Party {
        user: "erin",
        display: "Erin Egan",
        at: at("10.10.0.61:5061"),
        agent: "CPE/1.0",
        epid: "fe01",
        ..a
    };
    for (version, (poll, state)) in (1..).zip([3_500, 3_500, 6_500, 15_500].into_iter().enumerate()) {
        let mut low = to_server(&mut s, &phone, "sip:erin@contoso.com");
        low.request(&mut s, "SUBSCRIBE", true, &batch("sip:erin@contoso.com", &[BOB, CAROL, DAVE], "0"));
        let answer = [(BOB, state, ""), (CAROL, 15_500, "On holiday"), (DAVE, 3_500, "")];
        low.respond(&mut s, 200, "OK", &Extra::body(RELATED, list(0, true, &answer)).and("Expires", "0"));
        if poll == 3 {
            break;
        }
        s.wait(100_000);
        // Alice hears of a change at once.
        let change = [(BOB, [6_500, 3_500, 15_500][poll], ["", "", "Back at noon"][poll])];
        let told = Extra::body(RELATED, list(version, false, &change))
            .and("Event", "presence")
            .and("subscription-state", "active;expires=28700");
        high.request_back(&mut s, "BENOTIFY", &told);
        s.wait(199_900);
    }

    // A voice mailbox that was subscribed to before the capture; the notifier gives up.
    let mut mailbox = Call::new(&mut s, &fe, &alice(), None);
    let summary =
        "Messages-Waiting: yes\r\nMessage-Account: sip:alice@contoso.com\r\nVoice-Message: 2/8 (0/2)\r\n";
    let waiting = Extra::body("application/simple-message-summary", summary.to_owned())
        .and("Event", "message-summary")
        .and("Subscription-State", "active;expires=120");
    mailbox.request(&mut s, "NOTIFY", false, &waiting);
    mailbox.respond(&mut s, 200, "OK", &none);
    s.wait(2_000);
    let over =
        Extra::header("Event", "message-summary").and("Subscription-State", "terminated;reason=noresource");
    mailbox.request(&mut s, "NOTIFY", false, &over);
    mailbox.respond(&mut s, 200, "OK", &none);
    s
}
