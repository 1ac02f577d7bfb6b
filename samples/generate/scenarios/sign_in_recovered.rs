//! Sign-ins that come close to each way of `sign_in.rs` and `sign_in_stopped.rs` to fail, and go well.

use super::odd::tls_into;
use super::sign_in::{again, answer_challenge, asks_settings, handshake, registration, settings};
use super::sign_in_stopped::{
    HOME_POOL, INTERNAL, POOL, REGISTRAR, RESOLVERS, ask, find_pool, granted, last_datagram, phone,
    registering, reset, to_oneself, user,
};
use super::sql::{SYN, lone};
use super::{START, at};
use crate::call::{Call, Extra};
use crate::dns;
use crate::scene::{Party, Scene};

/// A telephone proves itself by Digest; `said` goes with its REGISTERs.
fn digest(s: &mut Scene, r: &mut Call, nonce: &str, said: &Extra<'static>) {
    let user = r.from.user;
    let credentials = format!(
        "Digest username=\"{user}\", realm=\"contoso.com\", nonce=\"{nonce}\", uri=\"sip:contoso.com\", response=\"5d0c7e41a2b6938f0e1d2c3b4a596877\", algorithm=MD5, cnonce=\"41c2\", qop=auth, nc=00000001"
    );
    r.request(s, "REGISTER", true, &said.clone().and("Authorization", credentials));
}

fn challenge(nonce: &str, more: &str) -> Extra<'static> {
    let says = format!("Digest realm=\"contoso.com\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{more}");
    Extra::header("WWW-Authenticate", says)
}

/// What a registrar grants a telephone.
fn bound(who: &Party, seconds: u32) -> Extra<'static> {
    Extra::header("Contact", format!("{};expires={seconds}", who.contact()))
}

/// Two computers whose SIP is encrypted: all that is seen of their sign-ins is DNS.
fn encrypted(s: &mut Scene) {
    // Ben's first resolver is gone, the second one knows the record.
    let ben = user("ben", "10.10.1.21:2201", "c3a0000001");
    let id = s.random.next() as u16;
    let source = at("10.10.1.21:51022");
    let question = dns::query(id, INTERNAL, dns::SRV);
    s.udp(source, at("10.10.9.53:53"), 0, &question);
    s.wait(1_000);
    s.udp(source, at(RESOLVERS[1]), 0, &question);
    s.wait(7);
    let found = dns::service(id, INTERNAL, "pool01.contoso.com", 5061, [10, 10, 0, 5]);
    s.udp(at(RESOLVERS[1]), source, 0, &found);
    s.wait(3);
    tls_into(s, ben.at, at("10.10.0.5:5061"));
    s.wait(900);

    // Cleo's domain has no records; her computer appends its own domain in vain, and finds the last name.
    let cleo = user("cleo", "10.10.1.22:2202", "c3a0000002");
    for (name, kind) in [
        (INTERNAL, dns::SRV),
        ("_sip._tls.contoso.com", dns::SRV),
        ("sipinternal.contoso.com", dns::A),
        ("sipinternal.contoso.com.corp.contoso.com", dns::A),
    ] {
        ask(s, &cleo, RESOLVERS[0], name, kind, &|id| dns::nothing(id, name, kind));
    }
    let name = "sip.contoso.com";
    ask(s, &cleo, RESOLVERS[0], name, dns::A, &|id| dns::address(id, name, [10, 10, 0, 5]));
    tls_into(s, cleo.at, at("10.10.0.5:5061"));
    s.wait(900);

    // Carl's computer asks in vain for what it is told to ask, and has the last name in its hosts file.
    let carl = user("carl", "10.10.1.23:2203", "c3a0000003");
    for (name, kind) in
        [(INTERNAL, dns::SRV), ("_sip._tls.contoso.com", dns::SRV), ("sipinternal.contoso.com", dns::A)]
    {
        ask(s, &carl, RESOLVERS[0], name, kind, &|id| dns::nothing(id, name, kind));
    }
    tls_into(s, carl.at, at("10.10.0.5:5061"));
    s.wait(900);
}

/// Connections that open late.
fn late_connections(s: &mut Scene) {
    // The service at the pool is started again when Dora comes.
    let dora = user("dora", "10.10.1.24:2204", "c3a0000004");
    reset(s, at("10.10.1.24:2194"), at(POOL));
    s.wait(14_000);
    let mut r = registering(s, &dora, POOL);
    handshake(s, &mut r, "DORA-PC", &registration());
    r.respond(s, 200, "OK", &granted(&dora));
    s.wait(400);

    // Emil's first SYN is lost; then he mistypes his password.
    let emil = user("emil", "10.10.1.25:2205", "c3a0000005");
    find_pool(s, &emil, [10, 10, 0, 5]);
    s.connect_after(emil.at, at(POOL), &[3_000]);
    let mut r = registering(s, &emil, POOL);
    handshake(s, &mut r, "EMIL-PC", &registration());
    r.respond(s, 401, "Unauthorized", &again());
    s.wait(11_000);
    answer_challenge(s, &mut r, "EMIL-PC", &registration());
    r.respond(s, 200, "OK", &granted(&emil));
    s.wait(400);
}

/// Telephones at a registrar that is slow, and particular.
fn telephones(s: &mut Scene) {
    let said = |seconds: u32| Extra::header("Expires", seconds.to_string());
    // Falk's first two REGISTERs are lost.
    let falk = phone("falk", "10.10.1.26:5060", "UDP");
    let mut r = registering(s, &falk, REGISTRAR);
    r.request(s, "REGISTER", true, &said(3_600));
    let sent = last_datagram(s);
    for pause in [500, 1_000] {
        s.wait(pause);
        s.udp(falk.at, at(REGISTRAR), 24, &sent);
    }
    s.wait(20);
    r.respond(s, 401, "Unauthorized", &challenge("6ab1f3c0d9e8", ""));
    digest(s, &mut r, "6ab1f3c0d9e8", &said(3_600));
    r.respond(s, 200, "OK", &bound(&falk, 3_600));
    s.wait(700);

    // Greta's asks for a minute, and is told that five are the least; half of them later its nonce is too old.
    let greta = phone("greta", "10.10.1.27:5060", "UDP");
    let mut r = registering(s, &greta, REGISTRAR);
    r.request(s, "REGISTER", true, &said(60));
    r.respond(s, 401, "Unauthorized", &challenge("6ab1f3c0da01", ""));
    digest(s, &mut r, "6ab1f3c0da01", &said(60));
    r.respond(s, 423, "Interval Too Brief", &Extra::header("Min-Expires", "300"));
    digest(s, &mut r, "6ab1f3c0da01", &said(300));
    r.respond(s, 200, "OK", &bound(&greta, 300));
    s.wait(150_000);
    digest(s, &mut r, "6ab1f3c0da01", &said(300));
    r.respond(s, 401, "Unauthorized", &challenge("6ab1f3c0e4c7", ", stale=true"));
    digest(s, &mut r, "6ab1f3c0e4c7", &said(300));
    r.respond(s, 200, "OK", &bound(&greta, 300));
    s.wait(500);
}

pub fn recovered() -> Scene {
    let mut s = Scene::new(43, START);
    encrypted(&mut s);
    late_connections(&mut s);
    telephones(&mut s);

    // Hanna is asked for her password, and looks for it.
    let hanna = user("hanna", "10.10.1.28:2208", "c3a0000008");
    let mut r = registering(&mut s, &hanna, POOL);
    r.request(&mut s, "REGISTER", true, &registration());
    r.respond(&mut s, 401, "Unauthorized", &again());
    s.wait(47_000);
    answer_challenge(&mut s, &mut r, "HANNA-PC", &registration());
    r.respond(&mut s, 200, "OK", &granted(&hanna));
    s.wait(300);

    // Ivo is sent to his home pool, and goes there encrypted.
    let ivo = user("ivo", "10.10.1.29:2209", "c3a0000009");
    let mut r = registering(&mut s, &ivo, "10.10.0.4:5060");
    handshake(&mut s, &mut r, "IVO-PC", &registration());
    let home = Extra::header("Contact", format!("<sip:{HOME_POOL};transport=tls>")).and("Expires", "2592000");
    r.respond(&mut s, 301, "Redirect request to Home Server", &home);
    tls_into(&mut s, at("10.10.1.29:2219"), at(HOME_POOL));
    s.wait(300);

    // Jana signs in and gets her settings at the second try; later she signs out herself.
    let jana = user("jana", "10.10.1.30:2210", "c3a000000a");
    let mut r = registering(&mut s, &jana, POOL);
    handshake(&mut s, &mut r, "JANA-PC", &registration());
    r.respond(&mut s, 200, "OK", &granted(&jana));
    let mut c = to_oneself(&mut s, &jana);
    c.request(&mut s, "SUBSCRIBE", true, &asks_settings());
    c.respond(&mut s, 503, "Service Unavailable", &Extra::header("Retry-After", "5"));
    s.wait(5_000);
    let mut c = to_oneself(&mut s, &jana);
    c.request(&mut s, "SUBSCRIBE", true, &asks_settings());
    c.respond(&mut s, 200, "OK", &settings());
    s.wait(40_000);
    r.request(&mut s, "REGISTER", true, &registration().and("Expires", "0"));
    r.respond(&mut s, 200, "OK", &Extra::header("presence-state", "register-action=\"removed\""));
    s.fin(jana.at, at(POOL), 0x11);
    s.fin(at(POOL), jana.at, 0x11);
    s.wait(300);

    // The capture ends while Kurt's telephone and Lena's computer still wait.
    let kurt = phone("kurt", "10.10.1.31:5060", "UDP");
    let mut r = registering(&mut s, &kurt, "10.10.0.62:5060");
    r.request(&mut s, "REGISTER", true, &Extra::header("Expires", "3600"));
    let sent = last_datagram(&s);
    for pause in [500, 1_000, 2_000, 4_000] {
        s.wait(pause);
        s.udp(kurt.at, at("10.10.0.62:5060"), 24, &sent);
    }
    let seq = s.random.next() as u32;
    let (client, server) = (at("10.10.1.32:2212"), at("10.10.0.68:5061"));
    lone(&mut s, client, server, seq, 0, SYN);
    s.wait(3_000);
    lone(&mut s, client, server, seq, 0, SYN);
    s
}
