//! An audio conference of Communicator Web Access: the organizer's browser client makes it, the focus has her telephone
//! and two others called, promotes one, ejects another.

use super::communicator::{CLIENT, front_end};
use super::{START, at};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene, sdp};

pub(super) const VIVIAN: &str = "sip:vivian@contoso.com";
pub(super) const FOCUS: &str = "sip:vivian@contoso.com;gruu;opaque=app:conf:focus:id:BE927F10";
pub(super) const FACTORY: &str = "sip:vivian@contoso.com;gruu;opaque=app:conf:focusfactory";
pub(super) const AV: &str = "sip:vivian@contoso.com;gruu;opaque=app:conf:audio-video:id:BE927F10";
pub(super) const CHAT: &str = "sip:vivian@contoso.com;gruu;opaque=app:conf:chat:id:BE927F10";
const CCCP: &str = "application/cccp+xml";
const CI: &str = "xmlns:ci=\"urn:ietf:params:xml:ns:conference-info\"";

/// The web server through which Vivian's browser speaks.
pub(super) fn browser() -> Party {
    Party {
        user: "vivian",
        display: "Vivian Atlas",
        domain: "contoso.com",
        at: at("10.10.0.30:3380"),
        agent: "RTCC/3.5.0.0 CWA/3.5.0.0",
        epid: "B90980A18B",
        transport: "TCP",
    }
}

pub(super) fn conference(opaque: &'static str) -> Party {
    Party { user: "vivian", display: "", domain: opaque, ..front_end() }
}

/// The audio/video conferencing server, which calls in the name of the conference.
pub(super) fn mcu() -> Party {
    Party {
        at: at("10.10.0.6:5063"),
        agent: "RTCC/3.5.0.0 AV-MCU",
        ..conference("contoso.com;gruu;opaque=app:conf:audio-video:id:BE927F10")
    }
}

pub(super) fn member(user: &'static str, display: &'static str, address: &str, epid: &'static str) -> Party {
    Party { user, display, domain: "contoso.com", at: at(address), agent: CLIENT, epid, transport: "TCP" }
}

pub(super) fn request(id: u32, to: &str, command: &str) -> Extra<'static> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><request requestId=\"{id}\" from=\"{VIVIAN}\" to=\"{to}\" C3PVersion=\"1\" xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\" xmlns:mscp=\"http://schemas.microsoft.com/rtc/2005/08/cccpextensions\" xmlns=\"urn:ietf:params:xml:ns:cccp\">{command}</request>"
    );
    Extra::body(CCCP, text)
}

pub(super) fn response(id: u32, from: &str, code: &str, command: &str) -> Extra<'static> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><response requestId=\"{id}\" from=\"{from}\" to=\"{VIVIAN}\" C3PVersion=\"1\" code=\"{code}\" xmlns=\"urn:ietf:params:xml:ns:cccp\">{command}</response>"
    );
    Extra::body(CCCP, text)
}

/// A command in the focus dialog: 202, then the answer as INFO of the focus.
pub(super) struct Focus {
    pub dialog: Call,
    pub id: u32,
}

impl Focus {
    pub fn ask(&mut self, s: &mut Scene, command: &str) {
        self.id += 1;
        self.dialog.request(s, "INFO", false, &request(self.id, FOCUS, command));
        self.dialog.respond(s, 202, "Accepted", &Extra::default());
        s.wait(6);
    }

    pub fn tell(&mut self, s: &mut Scene, code: &str, command: &str) {
        self.dialog.request_back(s, "INFO", &response(self.id, FOCUS, code, command));
        self.dialog.respond(s, 200, "OK", &Extra::default());
    }
}

/// The subscription to the roster.
pub(super) struct Watch {
    pub dialog: Call,
    pub version: u32,
}

impl Watch {
    pub fn tell(&mut self, s: &mut Scene, state: &str, inside: &str) {
        self.version += 1;
        let text = format!(
            "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\" entity=\"{FOCUS}\" state=\"{state}\" version=\"{}\">{inside}</conference-info>",
            self.version
        );
        let extra = Extra::body("application/conference-info+xml", text)
            .and("Event", "conference")
            .and("subscription-state", "active;expires=3600");
        self.dialog.request_back(s, "BENOTIFY", &extra);
    }

    pub fn user(&mut self, s: &mut Scene, user: &str) {
        self.tell(s, "partial", &format!("<users state=\"partial\">{user}</users>"));
    }
}

pub(super) fn user(uri: &str, display: &str, role: &str, endpoints: &str) -> String {
    format!(
        "<user entity=\"{uri}\" state=\"full\"><display-text>{display}</display-text><roles><entry>{role}</entry></roles>{endpoints}</user>"
    )
}

pub(super) const OWN: &str = "<endpoint entity=\"{0E7B5C11-6D0A-4C3B-8A3F-5B2D8C1E9F01}\" session-type=\"focus\" endpoint-uri=\"sip:vivian@contoso.com;opaque=user:epid:B90980A18B;gruu\"><status>connected</status><joining-method>dialed-in</joining-method></endpoint>";

pub(super) fn audio(entity: &str, uri: &str, status: &str, more: &str) -> String {
    format!(
        "<endpoint entity=\"{entity}\" session-type=\"audio-video\" endpoint-uri=\"{uri}\"><status>{status}</status><joining-method>dialed-out</joining-method>{more}<media id=\"1\"><type>audio</type><status>sendrecv</status></media></endpoint>"
    )
}

pub(super) fn add_user(entity: &str, endpoint: &str, uri: Option<&str>) -> String {
    let uri = uri.map(|u| format!("<ci:endpoint-uri>{u}</ci:endpoint-uri>")).unwrap_or_default();
    format!(
        "<addUser mscp:mcuUri=\"{AV}\"><conferenceKeys confEntity=\"{FOCUS}\"/><ci:user {CI} entity=\"{entity}\"><ci:roles><ci:entry>attendee</ci:entry></ci:roles><ci:endpoint entity=\"{endpoint}\">{uri}<ci:joining-method>dialed-out</ci:joining-method></ci:endpoint></ci:user></addUser>"
    )
}

pub(super) fn keys(user: &str) -> String {
    format!("<userKeys confEntity=\"{FOCUS}\" userEntity=\"{user}\"/>")
}

/// The conferencing server calls somebody, who answers after `ring` ms.
pub(super) fn dial(s: &mut Scene, who: &Party, port: u16, uri: Option<&str>, ring: u64) -> Call {
    let mut leg = Call::new(s, &mcu(), who, Some(&front_end()));
    leg.to_uri = uri.map(str::to_owned);
    let media = |p: &Party, port: u16| {
        sdp("-", 0, 0, std::net::SocketAddr::new(p.at.ip(), port), "114 111 8 0 101", "")
    };
    leg.establish(s, &media(&mcu(), port), &media(who, port + 1), ring);
    s.rtp(
        std::net::SocketAddr::new(mcu().at.ip(), port),
        std::net::SocketAddr::new(who.at.ip(), port + 1),
        5,
        true,
    );
    leg
}

/// Vivian asks a factory what there is, makes a conference, joins its focus and watches the roster.
pub(super) fn opened(s: &mut Scene) -> (Focus, Watch) {
    let (vivian, none) = (browser(), Extra::default());
    let factory = conference("contoso.com;gruu;opaque=app:conf:focusfactory");
    let mut service = Call::new(s, &vivian, &factory, None);
    service.request(s, "SERVICE", true, &request(1, FACTORY, "<getConferencingCapabilities/>"));
    let kinds = "<getConferencingCapabilities><mcu-types><mcuType>chat</mcuType><mcuType>audio-video</mcuType></mcu-types></getConferencingCapabilities>";
    service.respond(s, 200, "OK", &response(1, FACTORY, "success", kinds));
    s.wait(40);
    let mut service = Call::new(s, &vivian, &factory, None);
    let make = format!(
        "<addConference><ci:conference-info {CI} entity=\"\"><ci:conference-description><ci:subject>Audio with Amy</ci:subject><msci:conference-id>BE927F10</msci:conference-id><msci:expiry-time>2009-04-28T23:55:00Z</msci:expiry-time><msci:admission-policy>openAuthenticated</msci:admission-policy></ci:conference-description><msci:conference-view><msci:entity-view entity=\"chat\"/><msci:entity-view entity=\"audio-video\"/></msci:conference-view></ci:conference-info></addConference>"
    );
    service.request(s, "SERVICE", true, &request(2, FACTORY, &make));
    s.wait(35);
    let made = format!(
        "<addConference><conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{FOCUS}\" state=\"full\" version=\"1\"/></addConference>"
    );
    service.respond(s, 200, "OK", &response(2, FACTORY, "success", &made));
    s.wait(60);

    let at_focus = conference("contoso.com;gruu;opaque=app:conf:focus:id:BE927F10");
    let mut focus = Focus { dialog: Call::new(s, &vivian, &at_focus, None), id: 3 };
    let join = format!(
        "<addUser><conferenceKeys confEntity=\"{FOCUS}\"/><ci:user {CI} entity=\"{VIVIAN}\"><ci:roles><ci:entry>attendee</ci:entry></ci:roles><ci:endpoint entity=\"{{0E7B5C11-6D0A-4C3B-8A3F-5B2D8C1E9F01}}\"/></ci:user></addUser>"
    );
    focus.dialog.request(s, "INVITE", true, &request(3, FOCUS, &join));
    focus.dialog.respond(s, 100, "Trying", &none);
    s.wait(22);
    let granted = format!(
        "<addUser><conferenceKeys confEntity=\"{FOCUS}\"/><user xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{VIVIAN}\"><roles><entry>presenter</entry></roles></user></addUser>"
    );
    focus.dialog.respond(s, 200, "OK", &response(3, FOCUS, "success", &granted));
    focus.dialog.request(s, "ACK", false, &none);

    let mut watch = Watch { dialog: Call::new(s, &vivian, &at_focus, None), version: 0 };
    let subscribe = Extra::header("Event", "conference").and("Expires", "3600");
    watch.dialog.request(
        s,
        "SUBSCRIBE",
        true,
        &subscribe.and("Supported", "ms-benotify").and("Accept", "application/conference-info+xml"),
    );
    watch.dialog.respond(s, 200, "OK", &Extra::header("Expires", "3600"));
    let uris = format!(
        "<conference-description><subject>Audio with Amy</subject><conf-uris><entry><uri>{AV}</uri><display-text>audio-video</display-text><purpose>audio-video</purpose></entry><entry><uri>{CHAT}</uri><display-text>chat</display-text><purpose>chat</purpose></entry></conf-uris><msci:conference-id>BE927F10</msci:conference-id></conference-description>"
    );
    let first = user(VIVIAN, "Vivian Atlas", "presenter", OWN);
    watch.tell(s, "full", &format!("{uris}<users state=\"full\">{first}</users>"));
    s.wait(300);
    (focus, watch)
}

pub fn scene() -> Scene {
    let mut s = Scene::new(71, START);
    let none = Extra::default();
    let (mut focus, mut watch) = opened(&mut s);

    // Her telephone.
    let phone = "{6C9A1D6E-0F3A-4C1B-9A55-3F1E8D2B7A10}";
    focus.ask(&mut s, &add_user(VIVIAN, phone, Some("tel:+14255032002")));
    let gateway = Party {
        user: "+14255032002",
        display: "",
        agent: "RTCC/3.5.0.0 MediationServer",
        ..member("", "", "10.10.0.40:5060", "")
    };
    let with = |status: &str| OWN.to_owned() + &audio(phone, "tel:+14255032002", status, "");
    watch.user(&mut s, &user(VIVIAN, "Vivian Atlas", "presenter", &with("dialing-out")));
    let mut by_phone = dial(&mut s, &gateway, 50_100, Some("sip:+14255032002@contoso.com;user=phone"), 2_400);
    watch.user(&mut s, &user(VIVIAN, "Vivian Atlas", "presenter", &with("connected")));
    focus.tell(&mut s, "success", "<addUser/>");
    s.wait(700);

    // Amy, then Hao.
    let amy = member("amy", "Amy Strande", "10.10.0.24:2077", "01d77ac2f0");
    let hao = member("hao", "Hao Chen", "10.10.0.25:2091", "5b1c90e4d7");
    let mut legs = Vec::new();
    for (who, endpoint, port, ring) in [
        (&amy, "{A1F0C3D2-52B7-4E0E-9D5C-0D9C4E8B1A02}", 50_110, 1_800),
        (&hao, "{B2E1D4C3-63C8-4F1F-8E6D-1EAD5F9C2B03}", 50_120, 1_200),
    ] {
        let uri = who.uri();
        focus.ask(&mut s, &add_user(&uri, endpoint, None));
        watch.user(&mut s, &user(&uri, who.display, "attendee", &audio(endpoint, &uri, "dialing-out", "")));
        legs.push(dial(&mut s, who, port, None, ring));
        watch.user(&mut s, &user(&uri, who.display, "attendee", &audio(endpoint, &uri, "connected", "")));
        focus.tell(&mut s, "success", "<addUser/>");
        s.wait(1_500);
    }

    // Amy becomes a leader.
    let roles = format!(
        "<modifyUserRoles>{}<user-roles xmlns=\"urn:ietf:params:xml:ns:conference-info\"><entry>presenter</entry></user-roles></modifyUserRoles>",
        keys("sip:amy@contoso.com")
    );
    focus.ask(&mut s, &roles);
    focus.tell(&mut s, "success", "<modifyUserRoles/>");
    let there = audio("{A1F0C3D2-52B7-4E0E-9D5C-0D9C4E8B1A02}", "sip:amy@contoso.com", "connected", "");
    watch.user(&mut s, &user("sip:amy@contoso.com", "Amy Strande", "presenter", &there));
    s.wait(2_000);

    // Hao is ejected, and then once more.
    focus.ask(&mut s, &format!("<deleteUser>{}</deleteUser>", keys("sip:hao@contoso.com")));
    let booted = audio(
        "{B2E1D4C3-63C8-4F1F-8E6D-1EAD5F9C2B03}",
        "sip:hao@contoso.com",
        "disconnecting",
        "<disconnection-method>booted</disconnection-method>",
    );
    watch.user(&mut s, &user("sip:hao@contoso.com", "Hao Chen", "attendee", &booted));
    if let Some(mut leg) = legs.pop() {
        leg.bye(&mut s);
    }
    focus.tell(&mut s, "success", "<deleteUser/>");
    watch.user(&mut s, "<user entity=\"sip:hao@contoso.com\" state=\"deleted\"/>");
    s.wait(800);
    focus.ask(&mut s, &format!("<deleteUser>{}</deleteUser>", keys("sip:hao@contoso.com")));
    focus.tell(&mut s, "failure", "<deleteUser reason=\"userDoesNotExist\"/>");
    s.wait(3_000);

    // The end.
    focus.ask(
        &mut s,
        &format!("<deleteConference><conferenceKeys confEntity=\"{FOCUS}\"/></deleteConference>"),
    );
    focus.tell(&mut s, "success", "<deleteConference/>");
    for mut leg in legs {
        leg.bye(&mut s);
    }
    by_phone.bye(&mut s);
    watch.tell(&mut s, "deleted", "");
    focus.dialog.request_back(&mut s, "BYE", &none);
    focus.dialog.respond(&mut s, 200, "OK", &none);
    s
}
