//! TLS: handshakes that fail, and what would open what is encrypted.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{ENCRYPTED, TLS_FAILED};
use crate::correlate::{Analysis, Side, TlsSession};
use crate::diagnose::{Context, Findings, Severity, Subject};
use crate::show;

/// Servers told one by one.
const TOLD: usize = 20;
/// Sessions shown as evidence.
const SHOWN: usize = 4;

#[derive(Default)]
struct Server<'a> {
    sessions: Vec<&'a TlsSession>,
    frames: u64,
    /// A session whose key exchange keeps past traffic safe from the server's key.
    forward_secret: bool,
    named: Option<&'a str>,
}

/// How a handshake failed: who ended it, and with what.
fn failure(session: &TlsSession) -> Option<(Side, String)> {
    if session.handshake_done {
        return None;
    }
    let alert = session.alerts.iter().find(|(_, text)| text.contains("fatal"));
    if let Some((side, text)) = alert {
        return Some((*side, format!("sent {}", show::safe_str(text))));
    }
    match session.closed_by {
        Some((Side::Callee, _)) if session.offered.is_some() && session.version.is_none() => {
            Some((Side::Callee, "closed the connection without an answer to the ClientHello".to_owned()))
        }
        _ => None,
    }
}

fn is_web(session: &TlsSession) -> bool {
    let offers = |all: &String| all.split(", ").any(|one| one == "h2" || one.starts_with("http/"));
    session.alpn.as_ref().is_some_and(offers)
}

pub(super) fn failed(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    let mut groups: BTreeMap<(Option<SocketAddr>, bool, String), Vec<&TlsSession>> = BTreeMap::new();
    for session in &analysis.tls {
        if let Some((side, how)) = failure(session) {
            groups.entry((session.server, side == Side::Caller, how)).or_default().push(session);
        }
    }
    for ((server, by_client, how), sessions) in groups {
        let Some(first) = sessions.first() else { continue };
        let subject = Subject::Capture(first.frame.capture.0);
        out.add(&TLS_FAILED, subject, (server, by_client, &how), |f| {
            let to = named(analysis, server, first.server_name.as_deref());
            let who = if by_client { "client" } else { "server" };
            let times = match sessions.len() {
                1 => String::new(),
                n => format!(" {} times", show::number(n as u64)),
            };
            f.who(format!("TLS to {to}")).what(format!("the handshake failed{times}: the {who} {how}"));
            f.say(format!("The {who} {how}."));
            if let Some(certificate) = &first.certificate {
                f.say(format!("Certificate: {}.", show::shorten(&show::safe_str(certificate), 160)));
            }
            if let (Some(offered), None) = (first.offered, first.version) {
                f.say(format!("The client offered {offered} at most."));
            }
            if sessions.iter().all(|s| is_web(s)) {
                f.severity(Severity::Info);
            }
            for session in sessions.iter().take(SHOWN) {
                f.show_at(session.frame, session.first, "TLS begins");
                session.closed_by.iter().for_each(|(_, frame)| _ = f.show(*frame, "connection closed"));
            }
        });
    }
}

pub(super) fn encrypted(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    let mut servers: BTreeMap<(Option<SocketAddr>, Option<&str>), Server<'_>> = BTreeMap::new();
    // Of a handshake alone, failed or well, there is nothing to open.
    for session in analysis.tls.iter().filter(|s| s.carries_data && failure(s).is_none()) {
        let server = servers.entry((session.server, session.version)).or_default();
        server.named = server.named.or(session.server_name.as_deref());
        server.frames += session.encrypted_frames;
        server.forward_secret |= !opened_by_server_key(session);
        server.sessions.push(session);
    }
    let mut servers: Vec<_> = servers.into_iter().filter(|(_, s)| s.frames > 0).collect();
    servers.sort_by_key(|(_, s)| std::cmp::Reverse(s.frames));
    let more = servers.len().saturating_sub(TOLD) as u64;
    for (at, ((address, version), server)) in servers.into_iter().take(TOLD).enumerate() {
        let Some(first) = server.sessions.first() else { continue };
        let subject = Subject::Capture(first.frame.capture.0);
        out.add(&ENCRYPTED, subject, (address, version), |f| {
            let version = version.unwrap_or("TLS");
            let to = named(analysis, address, server.named);
            let inside = inside(analysis, first).unwrap_or_default();
            let n = server.sessions.len() as u64;
            let sessions = show::count(n, &format!("{version} session"), &format!("{version} sessions"));
            let frames = show::count(server.frames, "frame", "frames");
            let opens = match server.forward_secret {
                true => "a key log (SSLKEYLOGFILE of client or server) opens them, the server's key alone does not",
                false => "a key log or the server's RSA key opens them",
            };
            f.who(format!("{sessions} to {to}{inside}")).what(format!("{frames} encrypted; {opens}"));
            if more > 0 && at + 1 == TOLD {
                f.say(format!("There are {} as well.", show::count(more, "more server", "more servers")));
            }
            server.sessions.iter().take(SHOWN).for_each(|s| _ = f.show_at(s.frame, s.first, "TLS begins"));
        });
    }
}

/// What a TLS session carries as far as its clear part tells: TURN or STUN by the names of RFC 7443, by the port that
/// RFC 8656 §4 gives to TURN over TLS, or to a machine that serves TURN beside it.
fn inside(analysis: &Analysis, session: &TlsSession) -> Option<&'static str> {
    let offers = |name: &str| session.alpn.iter().flat_map(|all| all.split(", ")).any(|one| one == name);
    let server = session.server?;
    let serves_turn = || analysis.stun.allocations.iter().any(|a| a.server.ip() == server.ip());
    match server.port() {
        _ if offers("stun.turn") => Some(" (TURN over TLS)"),
        _ if offers("stun.nat-discovery") => Some(" (STUN over TLS)"),
        5349 => Some(" (TURN over TLS, by its port)"),
        443 if serves_turn() => Some(" (TURN over TLS as it seems, since the machine serves TURN)"),
        _ => None,
    }
}

/// RSA key exchange below TLS 1.3 only; where the cipher is not known it may be.
fn opened_by_server_key(session: &TlsSession) -> bool {
    session.version != Some("TLS 1.3")
        && session.cipher.as_deref().is_none_or(|c| c.starts_with("TLS_RSA_WITH_") || c.starts_with("0x"))
}

/// `10.0.0.5:5061 (sip.contoso.com)`.
fn named(analysis: &Analysis, server: Option<SocketAddr>, server_name: Option<&str>) -> String {
    let Some(server) = server else { return "an unknown server".to_owned() };
    let name = server_name.map(show::safe_str).or_else(|| show::machine(analysis, server));
    let address = show::address(server);
    match name {
        Some(name) => format!("{address} ({})", show::shorten(&name, 60)),
        None => address,
    }
}
