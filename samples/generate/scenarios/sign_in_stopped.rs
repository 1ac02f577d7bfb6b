//! Sign-ins inside, at a pool, that stop where those of `sign_in.rs` do not: nobody answers, the client has no use for the
//! challenge, is sent elsewhere, is refused, is signed out by the server, or cannot connect at all.

use std::net::SocketAddr;

use super::communicator::CLIENT;
use super::sign_in::{REALM, answer_challenge, asks_settings, handshake, registration, settings};
use super::sql::{RST_ACK, SYN, lone};
use super::{START, at};
use crate::call::{Call, Extra};
use crate::dns;
use crate::scene::{Party, Scene};

pub(super) const RESOLVERS: [&str; 2] = ["10.10.0.2:53", "10.10.0.3:53"];
pub(super) const POOL: &str = "10.10.0.5:5060";
pub(super) const HOME_POOL: &str = "10.10.0.67:5061";
/// Of the telephones, another vendor's.
pub(super) const REGISTRAR: &str = "10.10.0.61:5060";
const SERVER: &str = "RTC/3.5";

pub(super) fn user(user: &'static str, client: &str, epid: &'static str) -> Party {
    Party { user, display: "", domain: "contoso.com", at: at(client), agent: CLIENT, epid, transport: "TCP" }
}

/// A telephone of another vendor.
pub(super) fn phone(user: &'static str, client: &str, transport: &'static str) -> Party {
    let agent = "Fabrikam Phone 4.1.2";
    Party { user, display: "", domain: "contoso.com", at: at(client), agent, epid: "", transport }
}

/// REGISTERs of somebody at a registrar.
pub(super) fn registering(s: &mut Scene, who: &Party, registrar: &str) -> Call {
    let agent = if registrar == REGISTRAR { "Proseware SIP Proxy 5.6" } else { SERVER };
    let own = Party { at: at(registrar), agent, epid: "", ..who.clone() };
    let mut call = Call::new(s, who, &own, None);
    call.request_uri = Some("sip:contoso.com".to_owned());
    call
}

pub(super) fn granted(who: &Party) -> Extra<'static> {
    Extra::header("Contact", format!("{};expires=7200", who.contact()))
        .and("Expires", "7200")
        .and("presence-state", "register-action=\"added\"")
        .and("ms-keep-alive", "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300")
}

/// A request to oneself's server, in a dialog of its own.
pub(super) fn to_oneself(s: &mut Scene, who: &Party) -> Call {
    let mut call = registering(s, who, POOL);
    call.request_uri = Some(who.uri());
    call
}

/// A question of Windows that nobody answers: to the first resolver, a second later to the other one, then to both.
pub(super) fn unheard(s: &mut Scene, client: &Party, resolvers: [&str; 2], name: &str, kind: u16) {
    let id = s.random.next() as u16;
    let source = SocketAddr::new(client.at.ip(), 49_152 + (s.random.next() % 8_000) as u16);
    let question = dns::query(id, name, kind);
    for (pause, asked) in
        [(1_000, &resolvers[..1]), (1_000, &resolvers[1..]), (2_000, &resolvers), (4_000, &resolvers)]
    {
        for resolver in asked {
            s.udp(source, at(resolver), 0, &question);
        }
        s.wait(pause);
    }
}

/// A question and what a resolver says to it.
pub(super) fn ask(
    s: &mut Scene,
    client: &Party,
    resolver: &str,
    name: &str,
    kind: u16,
    answer: &dyn Fn(u16) -> Vec<u8>,
) {
    let id = s.random.next() as u16;
    let source = SocketAddr::new(client.at.ip(), 49_152 + (s.random.next() % 8_000) as u16);
    s.udp(source, at(resolver), 0, &dns::query(id, name, kind));
    s.wait(9);
    s.udp(at(resolver), source, 0, &answer(id));
    s.wait(2);
}

pub(super) const INTERNAL: &str = "_sipinternaltls._tcp.contoso.com";

/// The record for a pool inside.
pub(super) fn find_pool(s: &mut Scene, client: &Party, address: [u8; 4]) {
    let found = |id| dns::service(id, INTERNAL, "pool01.contoso.com", 5061, address);
    ask(s, client, RESOLVERS[0], INTERNAL, dns::SRV, &found);
}

/// SYNs of Windows that nothing answers.
pub(super) fn dropped(s: &mut Scene, client: SocketAddr, server: SocketAddr) {
    let seq = s.random.next() as u32;
    for pause in [3_000, 6_000, 12_000] {
        lone(s, client, server, seq, 0, SYN);
        s.wait(pause);
    }
}

/// SYNs of Windows, each reset.
pub(super) fn reset(s: &mut Scene, client: SocketAddr, server: SocketAddr) {
    let seq = s.random.next() as u32;
    for _ in 0..3 {
        lone(s, client, server, seq, 0, SYN);
        s.now += 350;
        lone(s, server, client, 0, seq.wrapping_add(1), RST_ACK);
        s.wait(500);
    }
}

/// Payload of the datagram that was sent last.
pub(super) fn last_datagram(s: &Scene) -> Vec<u8> {
    s.frames.last().map(|f| f.bytes[42..].to_vec()).unwrap_or_default()
}

pub fn stopped() -> Scene {
    let mut s = Scene::new(42, START);

    // Nora's computer still asks the resolvers of the office that moved.
    let nora = user("nora", "10.10.1.11:2101", "c2a0000001");
    let gone = ["10.10.9.53:53", "10.10.9.54:53"];
    for name in [INTERNAL, "_sip._tls.contoso.com"] {
        unheard(&mut s, &nora, gone, name, dns::SRV);
    }
    for name in ["sipinternal.contoso.com", "sip.contoso.com"] {
        unheard(&mut s, &nora, gone, name, dns::A);
    }

    // Nothing answers Oscar's telephone: 32 s of REGISTER (Timer E).
    let oscar = phone("oscar", "10.10.1.12:5060", "UDP");
    let mut r = registering(&mut s, &oscar, REGISTRAR);
    r.request(&mut s, "REGISTER", true, &Extra::header("Expires", "3600"));
    let sent = last_datagram(&s);
    for pause in [500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000] {
        s.wait(pause);
        s.udp(oscar.at, at(REGISTRAR), 24, &sent);
    }
    s.wait(1_000);

    // Pia's telephone knows Digest only, and asks once more a minute later.
    let pia = phone("pia", "10.10.1.13:2103", "TCP");
    let mut r = registering(&mut s, &pia, POOL);
    let offered = Extra::header("WWW-Authenticate", format!("NTLM {REALM}")).and(
        "WWW-Authenticate",
        "Kerberos realm=\"SIP Communications Service\", targetname=\"sip/fe01.contoso.com\", version=4",
    );
    r.request(&mut s, "REGISTER", true, &Extra::header("Expires", "3600"));
    r.respond(&mut s, 401, "Unauthorized", &offered);
    s.wait(20_000);

    // Vera signs in as it should be.
    let vera = user("vera", "10.10.1.14:2104", "c2a0000004");
    find_pool(&mut s, &vera, [10, 10, 0, 5]);
    let mut at_home = registering(&mut s, &vera, POOL);
    handshake(&mut s, &mut at_home, "VERA-PC", &registration());
    at_home.respond(&mut s, 200, "OK", &granted(&vera));
    let mut c = to_oneself(&mut s, &vera);
    c.request(&mut s, "SUBSCRIBE", true, &asks_settings());
    c.respond(&mut s, 200, "OK", &settings());
    s.wait(39_000);
    r.request(&mut s, "REGISTER", true, &Extra::header("Expires", "3600"));
    r.respond(&mut s, 401, "Unauthorized", &offered);
    s.wait(1_000);

    // Quinn is at home in another pool, which a firewall keeps her from.
    let quinn = user("quinn", "10.10.1.15:2105", "c2a0000005");
    let mut r = registering(&mut s, &quinn, "10.10.0.4:5060");
    handshake(&mut s, &mut r, "QUINN-PC", &registration());
    let home = Extra::header("Contact", "<sip:10.10.0.67:5061;transport=tls>").and("Expires", "2592000");
    r.respond(&mut s, 301, "Redirect request to Home Server", &home);
    dropped(&mut s, at("10.10.1.15:2115"), at(HOME_POOL));

    // Rita may log on to Windows, and is no user of the service.
    let rita = user("rita", "10.10.1.16:2106", "c2a0000006");
    let mut r = registering(&mut s, &rita, POOL);
    handshake(&mut s, &mut r, "RITA-PC", &registration());
    let why = "1003;reason=\"User does not exist\";source=\"fe01.contoso.com\"";
    r.respond(&mut s, 404, "Not Found", &Extra::header("ms-diagnostics", why));
    s.fin(at(POOL), rita.at, 0x11);
    s.fin(rita.at, at(POOL), 0x11);
    s.wait(1_000);

    // Sven is disabled while he is signed in.
    let sven = user("sven", "10.10.1.17:2107", "c2a0000007");
    let mut r = registering(&mut s, &sven, POOL);
    r.request(&mut s, "REGISTER", true, &registration());
    let challenge = Extra::header("WWW-Authenticate", format!("NTLM {REALM}"));
    r.respond(&mut s, 401, "Unauthorized", &challenge);
    answer_challenge(&mut s, &mut r, "SVEN-PC", &registration());
    r.respond(&mut s, 200, "OK", &granted(&sven));
    s.wait(25_000);
    let over = Extra::body("text/registration-event", "deregistered;event=rejected".to_owned())
        .and("Event", "registration-notify")
        .and("subscription-state", "terminated;expires=0")
        .and("ms-diagnostics-public", "4141;reason=\"User disabled\"");
    r.request_back(&mut s, "BENOTIFY", &over);
    s.wait(200);
    s.fin(at(POOL), sven.at, 0x11);
    s.fin(sven.at, at(POOL), 0x11);
    s.wait(1_000);

    // Nothing listens where Tina is led; where Uwe is led nobody answers.
    let tina = user("tina", "10.10.1.18:2108", "c2a0000008");
    find_pool(&mut s, &tina, [10, 10, 0, 62]);
    reset(&mut s, tina.at, at("10.10.0.62:5061"));
    let uwe = user("uwe", "10.10.1.19:2109", "c2a0000009");
    find_pool(&mut s, &uwe, [10, 10, 0, 68]);
    dropped(&mut s, uwe.at, at("10.10.0.68:5061"));
    s.wait(20_000);

    // Vera stays.
    at_home.request(&mut s, "REGISTER", true, &registration());
    at_home.respond(&mut s, 200, "OK", &granted(&vera));
    s
}
