//! Communicator 2007 R2 over TCP through a Front End, as the clients lay their messages out.

use std::net::SocketAddr;

use super::{START, at};
use crate::call::{Call, Extra};
use crate::scene::{Party, Scene};

pub const CLIENT: &str = "UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)";

pub fn alice() -> Party {
    Party {
        user: "alice",
        display: "Alice Arnold",
        domain: "contoso.com",
        at: at("192.168.100.112:1942"),
        agent: CLIENT,
        epid: "c8ca638a15",
        transport: "TCP",
    }
}

pub fn bob() -> Party {
    Party {
        user: "bob",
        display: "Bob Baker",
        domain: "contoso.com",
        at: at("10.10.0.24:2077"),
        agent: CLIENT,
        epid: "01d77ac2f0",
        transport: "TCP",
    }
}

pub fn front_end() -> Party {
    Party {
        user: "pool01",
        display: "",
        domain: "contoso.com",
        at: at("10.10.0.5:5060"),
        agent: "RTC/3.5",
        epid: "",
        transport: "TCP",
    }
}

const BOUNDARY: &str = "----=_NextPart_000_0001_01C9C39A.0DB5C0E0";

fn head(ip: &str, port: u16) -> String {
    format!(
        "v=0\r\no=- 0 0 IN IP4 {ip}\r\ns=session\r\nc=IN IP4 {ip}\r\nb=CT:99980\r\nt=0 0\r\nm=audio {port} RTP/AVP 114 111 112 115 116 4 8 0 97 101\r\n"
    )
}

const CODECS: &str = "a=rtpmap:114 x-msrta/16000\r\na=fmtp:114 bitrate=29000\r\na=rtpmap:111 SIREN/16000\r\na=fmtp:111 bitrate=16000\r\na=rtpmap:112 G7221/16000\r\na=fmtp:112 bitrate=24000\r\na=rtpmap:115 x-msrta/8000\r\na=fmtp:115 bitrate=11800\r\na=rtpmap:116 AAL2-G726-32/8000\r\na=rtpmap:4 G723/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 RED/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=encryption:optional\r\n";

/// The draft-06 generation: user, component, password, transport, preference, address, port.
fn v06(local: &str, mapped: &str) -> String {
    let lines = [
        ("uuK9Gym3F0zReasv+FyKCM", "UwaQkvk5hiWgVg", "UDP", "0.850", local, 50_005, 50_031),
        ("9/vLJjcL+aemcsR1AxpVM0", "6Puckob7qP8GFA", "TCP", "0.190", "213.199.141.181", 56_909, 56_909),
        ("iHdvoVfXm2i2IPGmfO0xa4", "UbNAQVuHoEoHVA", "UDP", "0.490", "213.199.141.181", 52_003, 50_126),
        ("3ECLhrmJtmDK/j3FY4O5Tw", "c6zoXvSFIqRfcw", "TCP", "0.250", mapped, 50_025, 50_025),
        ("FKVarEmvn9yEvjD5xahFa0", "qNTE/3CmryPpGA", "UDP", "0.550", mapped, 50_015, 50_028),
    ];
    let mut s = head(mapped, 50_015);
    for (user, password, transport, preference, ip, rtp, rtcp) in lines {
        for (component, port) in [(1, rtp), (2, rtcp)] {
            s.push_str(&format!(
                "a=candidate:{user} {component} {password} {transport} {preference} {ip} {port} \r\n"
            ));
        }
    }
    s + CODECS
}

/// The draft-19 generation.
fn v19(local: &str, mapped: &str, ufrag: &str, ports: (u16, u16)) -> String {
    let (rtp, rtcp) = ports;
    let mut s = head(mapped, rtp);
    s.push_str(&format!("a=rtcp:{rtcp}\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:qkEP6bVVmSBBqR2IEnLFWr/L\r\n"));
    let relay = "213.199.141.181";
    for (component, port) in [(1, rtp), (2, rtcp)] {
        let low = component - 1;
        for line in [
            format!("1 {component} UDP {} {local} {port} typ host", 2_130_706_431 - low * 513),
            format!(
                "2 {component} TCP-PASS {} {relay} 52899 typ relay raddr {relay} rport 52899",
                6_556_159 - low
            ),
            format!(
                "3 {component} UDP {} {relay} {} typ relay raddr {relay} rport {}",
                16_648_703 - low * 513,
                57_309 + low * 2,
                57_309 + low * 2
            ),
            format!(
                "4 {component} TCP-ACT {} {relay} 52899 typ relay raddr {relay} rport 52899",
                7_076_863 - low
            ),
            format!(
                "5 {component} TCP-ACT {} {mapped} 50033 typ srflx raddr {local} rport 50033",
                1_684_797_951 - low
            ),
            format!(
                "6 {component} UDP {} {mapped} {} typ srflx raddr {local} rport {port}",
                1_694_234_623 - low * 513,
                port + 7
            ),
        ] {
            s.push_str(&format!("a=candidate:{line}\r\n"));
        }
    }
    s + CODECS
}

fn both(local: &str, mapped: &str) -> Extra<'static> {
    let part = |more: &str, sdp: String| {
        format!(
            "--{BOUNDARY}\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: 7bit\r\nContent-Disposition: session; handling=optional{more}\r\n\r\n{sdp}\r\n"
        )
    };
    let text = part("; ms-proxy-2007fallback", v06(local, mapped))
        + &part("", v19(local, mapped, "6nxO", (50_036, 50_032)))
        + &format!("--{BOUNDARY}--\r\n");
    Extra::body("multipart/alternative;boundary=\"----=_NextPart_000_0001_01C9C39A.0DB5C0E0\"", text)
}

fn final_sdp(ip: &str, port: u16, ufrag: &str, remote: &str) -> String {
    let mut s = head(ip, port);
    s.push_str(&format!(
        "a=rtcp:{}\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:qkEP6bVVmSBBqR2IEnLFWr/L\r\na=candidate:3 1 UDP 16648703 {ip} {port} typ relay raddr {ip} rport {port}\r\na=candidate:3 2 UDP 16648190 {ip} {} typ relay raddr {ip} rport {}\r\na=remote-candidates:{remote}\r\n",
        port + 2,
        port + 2,
        port + 2
    ));
    s + CODECS
}

/// REGISTER with the NTLM rounds; answers as OCS 2007 R2 lays them out.
pub fn register(s: &mut Scene, who: &Party) {
    let fe = front_end();
    let mut own = who.clone();
    own.at = fe.at;
    let mut r = Call::new(s, who, &own, None);
    let instance = "<urn:uuid:8e7fa5d0-7b3c-5c4a-9f1e-2a8d1d0c6b11>";
    let base = Extra::header("Supported", "gruu-10, adhoclist, msrtc-event-categories")
        .and("Supported", "ms-forking")
        .and("ms-keep-alive", "UAC;hop-hop=yes")
        .and("Event", "registration")
        .and("Contact", format!("{};methods=\"INVITE, MESSAGE, INFO, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY\";proxy=replace;+sip.instance=\"{instance}\"", who.contact()));
    let realm = "realm=\"SIP Communications Service\", targetname=\"pool01.contoso.com\", version=4";
    r.request(s, "REGISTER", true, &base);
    let offers = Extra::header("WWW-Authenticate", format!("NTLM {realm}")).and(
        "WWW-Authenticate",
        "Kerberos realm=\"SIP Communications Service\", targetname=\"sip/pool01.contoso.com\", version=4",
    );
    r.respond(s, 401, "Unauthorized", &offers);
    let one =
        base.clone().and("Proxy-Authorization", format!("NTLM qop=\"auth\", {realm}, gssapi-data=\"\""));
    r.request(s, "REGISTER", true, &one);
    let two = Extra::header(
        "WWW-Authenticate",
        format!("NTLM opaque=\"6F1C6E5B\", gssapi-data=\"TlRMTVNTUAACAAAAAAAAADgAAADzgpji\", {realm}"),
    );
    r.respond(s, 401, "Unauthorized", &two);
    let three = base.and("Proxy-Authorization", format!("NTLM qop=\"auth\", opaque=\"6F1C6E5B\", {realm}, crand=\"13317733\", cnum=\"1\", response=\"0100000029618e9651b65a7764000000\", gssapi-data=\"TlRMTVNTUAADAAAAGAAYAHIAAAAYABgAigAAAA==\""));
    r.request(s, "REGISTER", true, &three);
    let ok = Extra::header("Authentication-Info", "NTLM rspauth=\"01000000E615438A917661BE64000000\", srand=\"61E22CC9\", snum=\"1\", opaque=\"6F1C6E5B\", qop=\"auth\", targetname=\"pool01.contoso.com\", realm=\"SIP Communications Service\"")
        .and("Contact", format!("{};expires=7200;gruu=\"sip:{}@contoso.com;opaque=user:epid:2uZ7MPJXBlm4R2C2Hhf8bgAA;gruu\"", who.contact(), who.user))
        .and("Expires", "7200")
        .and("presence-state", "register-action=\"added\"")
        .and("Allow-Events", "vnd-microsoft-provisioning,vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-ACL,presence,presence.wpending,vnd-microsoft-roaming-self,vnd-microsoft-provisioning-v2")
        .and("ms-keep-alive", "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300");
    r.respond(s, 200, "OK", &ok);
}

/// A call to oneself's server: SUBSCRIBE, SERVICE and the like, whose target is a user on the Front End.
pub fn to_server(s: &mut Scene, who: &Party, uri: &str) -> Call {
    let mut own = who.clone();
    own.at = front_end().at;
    own.agent = front_end().agent;
    own.display = "";
    own.epid = "";
    let mut c = Call::new(s, who, &own, None);
    c.to_uri = Some(uri.to_owned());
    c
}

/// Presence: a batched SUBSCRIBE whose first NOTIFY comes in the 200, then BENOTIFYs that nobody answers.
pub fn presence(s: &mut Scene, who: &Party, notifications: usize) {
    let mut c = to_server(s, who, "sip:alice@contoso.com");
    let list = "<batchSub xmlns=\"http://schemas.microsoft.com/2006/01/sip/batch-subscribe\" uri=\"sip:alice@contoso.com\" name=\"\"><action name=\"subscribe\" id=\"28470048\"><adhocList><resource uri=\"sip:bob@contoso.com\"/><resource uri=\"sip:carol@contoso.com\"/></adhocList><categoryList xmlns=\"http://schemas.microsoft.com/2006/09/sip/categorylist\"><category name=\"calendarData\"/><category name=\"contactCard\"/><category name=\"note\"/><category name=\"state\"/></categoryList></action></batchSub>";
    let subscribe = Extra::body("application/msrtc-adrl-categorylist+xml", list.to_owned())
        .and("Event", "presence")
        .and("Expires", "28800")
        .and("Require", "adhoclist, categoryList")
        .and("Supported", "eventlist, ms-benotify, ms-piggyback-first-notify")
        .and("Proxy-Require", "ms-benotify");
    c.request(s, "SUBSCRIBE", true, &subscribe);
    let state = |availability: u32| {
        format!(
            "<categories xmlns=\"http://schemas.microsoft.com/2006/09/sip/categories\" uri=\"sip:bob@contoso.com\"><category name=\"state\" instance=\"1\" publishTime=\"2009-04-22T14:02:12.450\"><state xmlns=\"http://schemas.microsoft.com/2006/09/sip/state\" xsi:type=\"aggregateState\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><availability>{availability}</availability></state></category></categories>"
        )
    };
    let first = Extra::body("application/msrtc-event-categories+xml", state(3_500))
        .and("Expires", "28800")
        .and("subscription-state", "active;expires=28800")
        .and("ms-piggyback-cseq", "1");
    c.respond(s, 200, "OK", &first);
    for n in 0..notifications {
        s.wait(700);
        let notify = Extra::body(
            "application/msrtc-event-categories+xml",
            state(if n % 2 == 0 { 6_500 } else { 3_500 }),
        )
        .and("Event", "presence")
        .and("subscription-state", "active;expires=28797");
        c.request_back(s, "BENOTIFY", &notify);
    }
}

/// The call of two R2 clients: both SDP generations in the INVITE, 183 with PRACK, final offer by re-INVITE.
pub fn call(s: &mut Scene, ended_by_caller: bool) {
    let (a, b, fe) = (alice(), bob(), front_end());
    let mut c = Call::new(s, &a, &b, Some(&fe));
    let conversation = s.random.hex(32);
    let offer = both("192.168.100.112", "171.231.102.218")
        .and("Ms-Conversation-ID", conversation)
        .and("Supported", "ms-early-media, 100rel, ms-forking, timer, ms-safe-transfer")
        .and("Ms-Sensitivity", "normal")
        .and("Allow", "INVITE, BYE, ACK, CANCEL, INFO, UPDATE, REFER, NOTIFY, BENOTIFY, OPTIONS");
    c.request(s, "INVITE", true, &offer);
    c.respond_over(s, 100, "Trying", &Extra::default(), 1);
    s.wait(180);
    let early = Extra::body("application/sdp", v19("10.10.0.24", "84.155.254.180", "u3wF", (50_019, 50_021)))
        .and("Require", "100rel")
        .and("RSeq", "1");
    c.respond(s, 183, "Session Progress", &early);
    c.request(s, "PRACK", false, &Extra::header("RAck", "1 1 INVITE"));
    c.respond(s, 200, "OK", &Extra::default());
    c.back_to_invite();
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(2_600);
    c.respond(s, 200, "OK", &Extra::default());
    c.request(s, "ACK", false, &Extra::default());
    s.wait(250);
    let ours =
        final_sdp("213.199.141.181", 57_309, "6nxO", "1 213.199.141.181 50001 2 213.199.141.181 50003");
    c.request(s, "INVITE", false, &Extra::body("application/sdp", ours));
    let theirs =
        final_sdp("213.199.141.181", 50_001, "u3wF", "1 213.199.141.181 57309 2 213.199.141.181 57311");
    c.respond(s, 200, "OK", &Extra::body("application/sdp", theirs));
    c.request(s, "ACK", false, &Extra::default());
    let relay: SocketAddr = at("213.199.141.181:3478");
    s.rtp(at("192.168.100.112:50036"), relay, 40, true);
    s.wait(8_000);
    if ended_by_caller {
        c.bye(s);
    } else {
        c.bye_back(s);
    }
}

/// Sign-in, presence and one call.
pub fn peer_call() -> Scene {
    let mut s = Scene::new(21, START);
    register(&mut s, &alice());
    presence(&mut s, &alice(), 3);
    register(&mut s, &bob());
    s.wait(900);
    call(&mut s, true);
    s
}
