//! Conferences where control goes wrong: no server of a kind, commands without answer, somebody who is never reached, a
//! roster with a hole; and one where each of these nearly happens.

use super::START;
use super::communicator::front_end;
use super::conference::{
    FACTORY, FOCUS, Focus, VIVIAN, Watch, add_user, audio, browser, conference, dial, keys, mcu, member,
    opened, request, response, user,
};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene, sdp};

const AMY: &str = "{A1F0C3D2-52B7-4E0E-9D5C-0D9C4E8B1A02}";
const HAO: &str = "{B2E1D4C3-63C8-4F1F-8E6D-1EAD5F9C2B03}";

fn amy() -> Party {
    member("amy", "Amy Strande", "10.10.0.24:2077", "01d77ac2f0")
}

fn hao() -> Party {
    member("hao", "Hao Chen", "10.10.0.25:2091", "5b1c90e4d7")
}

/// What the roster says of somebody who is called.
fn called(who: &Party, endpoint: &str, status: &str) -> String {
    user(&who.uri(), who.display, "attendee", &audio(endpoint, &who.uri(), status, ""))
}

fn lock(locked: bool) -> String {
    format!(
        "<modifyConferenceLock><conferenceKeys confEntity=\"{FOCUS}\"/><locked>{locked}</locked></modifyConferenceLock>"
    )
}

/// The conference is deleted, and all that belongs to it ends.
fn ended(s: &mut Scene, focus: &mut Focus, watch: &mut Watch, leg: &mut Call) {
    focus.ask(s, &end());
    focus.tell(s, "success", "<deleteConference/>");
    leg.bye(s);
    watch.tell(s, "deleted", "");
    focus.dialog.request_back(s, "BYE", &Extra::default());
    focus.dialog.respond(s, 200, "OK", &Extra::default());
}

fn end() -> String {
    format!("<deleteConference><conferenceKeys confEntity=\"{FOCUS}\"/></deleteConference>")
}

/// The conferencing server calls somebody who lets it ring for a minute.
fn ring_out(s: &mut Scene, who: &Party, port: u16) {
    let mut leg = Call::new(s, &mcu(), who, Some(&front_end()));
    let at = std::net::SocketAddr::new(mcu().at.ip(), port);
    let offer = sdp("-", 0, 0, at, "114 111 8 0 101", "");
    leg.request(s, "INVITE", true, &Extra::body("application/sdp", offer));
    leg.respond_over(s, 100, "Trying", &Extra::default(), 1);
    s.wait(110);
    leg.respond(s, 180, "Ringing", &Extra::default());
    s.wait(60_000);
    leg.request(s, "CANCEL", true, &Extra::default());
    leg.respond_to(s, "CANCEL", 200, "OK");
    leg.back_to_invite();
    leg.respond(s, 487, "Request Terminated", &Extra::default());
    leg.ack_failure(s, 2);
}

pub fn troubled() -> Scene {
    let mut s = Scene::new(74, START);

    // Vivian wants a meeting with slides first, and the pool has no server for that.
    let factory = conference("contoso.com;gruu;opaque=app:conf:focusfactory");
    let mut service = Call::new(&mut s, &browser(), &factory, None);
    let make = "<addConference><ci:conference-info xmlns:ci=\"urn:ietf:params:xml:ns:conference-info\" entity=\"\"><ci:conference-description><ci:subject>Slides</ci:subject><msci:conference-id>5C1D77A0</msci:conference-id><msci:admission-policy>openAuthenticated</msci:admission-policy></ci:conference-description><msci:conference-view><msci:entity-view entity=\"chat\"/><msci:entity-view entity=\"meeting\"/></msci:conference-view></ci:conference-info></addConference>";
    service.request(&mut s, "SERVICE", true, &request(90, FACTORY, make));
    s.wait(28);
    let refused = "<addConference reason=\"mcuTypeNotAvailable\"/>";
    service.respond(&mut s, 200, "OK", &response(90, FACTORY, "failure", refused));
    s.wait(9_000);

    // An audio conference it is. Amy is called and comes.
    let (mut focus, mut watch) = opened(&mut s);
    focus.ask(&mut s, &add_user(&amy().uri(), AMY, None));
    watch.user(&mut s, &called(&amy(), AMY, "dialing-out"));
    let mut leg = dial(&mut s, &amy(), 50_110, None, 1_800);
    watch.user(&mut s, &called(&amy(), AMY, "connected"));
    focus.tell(&mut s, "success", "<addUser/>");
    s.wait(1_500);

    // Hao never answers: the conferencing server gives up, and tells nobody.
    focus.ask(&mut s, &add_user(&hao().uri(), HAO, None));
    focus.tell(&mut s, "pending", "<addUser/>");
    watch.user(&mut s, &called(&hao(), HAO, "dialing-out"));
    ring_out(&mut s, &hao(), 50_120);
    s.wait(4_000);

    // The door is to be shut: the focus takes the command and says no more.
    focus.ask(&mut s, &lock(true));
    s.wait(6_000);

    // Amy becomes presenter; of the two documents that tell so only the second one comes.
    focus.ask(
        &mut s,
        &format!(
            "<modifyUserRoles>{}<user-roles xmlns=\"urn:ietf:params:xml:ns:conference-info\"><entry>presenter</entry></user-roles></modifyUserRoles>",
            keys(&amy().uri())
        ),
    );
    focus.tell(&mut s, "success", "<modifyUserRoles/>");
    watch.version += 1;
    let there = audio(AMY, &amy().uri(), "connected", "");
    watch.user(&mut s, &user(&amy().uri(), "Amy Strande", "presenter", &there));
    s.wait(45_000);

    ended(&mut s, &mut focus, &mut watch, &mut leg);
    s
}

/// Vivian asks Hao to come by himself.
fn invite(s: &mut Scene, who: &Party) -> Call {
    let vivian = Party { transport: "TCP", ..browser() };
    let mut c = Call::new(s, &vivian, who, Some(&front_end()));
    let text = format!(
        "<Conferencing version=\"2.0\"><focus-uri>{FOCUS}</focus-uri><subject>Audio with Amy</subject><im available=\"true\"><first-im/></im><audio available=\"true\"/></Conferencing>"
    );
    c.request(s, "INVITE", true, &Extra::body("application/ms-conf-invite+xml", text));
    c.respond_over(s, 100, "Trying", &Extra::default(), 1);
    c.respond(s, 180, "Ringing", &Extra::default());
    c
}

pub fn recovered() -> Scene {
    let mut s = Scene::new(75, START);
    let none = Extra::default();
    let (mut focus, mut watch) = opened(&mut s);

    // Hao declines the invitation: no conferencing server is missing for that.
    let mut c = invite(&mut s, &hao());
    s.wait(3_000);
    c.respond(&mut s, 603, "Decline", &none);
    c.ack_failure(&mut s, 2);
    s.wait(2_000);

    // Amy answers late: first pending, then success. Vivian's credentials ran out meanwhile, and the command is sent again.
    focus.id += 1;
    let command = request(focus.id, FOCUS, &add_user(&amy().uri(), AMY, None));
    focus.dialog.request(&mut s, "INFO", false, &command);
    let realm = "realm=\"SIP Communications Service\", targetname=\"fe01.contoso.com\", version=4";
    focus.dialog.respond(
        &mut s,
        407,
        "Proxy Authentication Required",
        &Extra::header("Proxy-Authenticate", format!("NTLM {realm}")),
    );
    s.wait(40);
    let given = format!(
        "NTLM qop=\"auth\", opaque=\"93A6D24E\", {realm}, crand=\"5e1b20c4\", cnum=\"12\", response=\"01000000b7d1f2a8e4c5903164000000\""
    );
    focus.dialog.request(&mut s, "INFO", false, &command.and("Proxy-Authorization", given));
    focus.dialog.respond(&mut s, 202, "Accepted", &none);
    focus.tell(&mut s, "pending", "<addUser/>");
    watch.user(&mut s, &called(&amy(), AMY, "dialing-out"));
    let mut leg = dial(&mut s, &amy(), 50_110, None, 41_000);
    watch.user(&mut s, &called(&amy(), AMY, "connected"));
    focus.tell(&mut s, "success", "<addUser/>");
    s.wait(1_500);

    // The focus takes its time.
    focus.ask(&mut s, &lock(true));
    s.wait(27_000);
    focus.tell(&mut s, "success", "<modifyConferenceLock/>");

    // A document is lost; the subscription is prolonged just then, and a whole one tells all again.
    watch.version += 1;
    watch.dialog.request(
        &mut s,
        "SUBSCRIBE",
        false,
        &Extra::header("Event", "conference").and("Expires", "3600"),
    );
    watch.dialog.respond(&mut s, 200, "OK", &Extra::header("Expires", "3600"));
    let all =
        user(VIVIAN, "Vivian Atlas", "presenter", super::conference::OWN) + &called(&amy(), AMY, "connected");
    watch.tell(&mut s, "full", &format!("<users state=\"full\">{all}</users>"));
    watch.user(
        &mut s,
        &user(&amy().uri(), "Amy Strande", "presenter", &audio(AMY, &amy().uri(), "connected", "")),
    );
    s.wait(35_000);

    ended(&mut s, &mut focus, &mut watch, &mut leg);
    s
}
