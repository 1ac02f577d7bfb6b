//! A TLS connection as far as its clear part tells.

use std::net::SocketAddr;

use callscope_parsers::tls::{TlsEvent, TlsReader, alert_name, cipher_name, version_name};

use super::Side;
use crate::capture::{FrameRef, Nanos};

/// One TLS connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSession {
    pub first: Nanos,
    pub last: Nanos,
    pub client: Option<SocketAddr>,
    pub server: Option<SocketAddr>,
    pub frame: FrameRef,
    /// Agreed version, e.g. `TLS 1.2`; none before a ServerHello.
    pub version: Option<&'static str>,
    /// The highest version that the ClientHello offers.
    pub offered: Option<&'static str>,
    /// Name of the agreed cipher suite, or its number in hex.
    pub cipher: Option<String>,
    pub server_name: Option<String>,
    pub alpn: Option<String>,
    /// Subject names, issuer, and dates of the first certificate, where in clear.
    pub certificate: Option<String>,
    /// Alerts in clear: who sent it, level and description.
    pub alerts: Vec<(Side, String)>,
    pub handshake_done: bool,
    /// A record of application data passed (RFC 8446 §5.1).
    pub carries_data: bool,
    /// Who closed the connection first (FIN or RST), with its frame.
    pub closed_by: Option<(Side, FrameRef)>,
    /// Frames with payload, the handshake's included: those that the accounts call encrypted.
    pub encrypted_frames: u64,
    pub bytes: u64,
}

/// Alerts kept with their text for one session.
const MAX_ALERTS: usize = 16;

/// The readers of both directions of a connection.
#[derive(Debug)]
pub(super) struct TlsState {
    pub session: usize,
    readers: [TlsReader; 2],
    /// Direction (0 or 1) that is the client, once a hello told.
    client: Option<usize>,
    encrypted: [bool; 2],
    events: Vec<TlsEvent>,
}

impl TlsState {
    pub fn new(session: usize) -> Self {
        Self { session, readers: Default::default(), client: None, encrypted: [false; 2], events: Vec::new() }
    }

    /// `ends` in the order of the directions.
    pub fn push(
        &mut self,
        direction: usize,
        bytes: &[u8],
        ends: (SocketAddr, SocketAddr),
        session: &mut TlsSession,
    ) {
        self.events.clear();
        self.readers[direction].push(bytes, &mut self.events);
        session.bytes += bytes.len() as u64;
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event {
                TlsEvent::ClientHello { version, server_name, alpn, versions, .. } => {
                    self.client = Some(direction);
                    let offered = versions.iter().copied().filter(|v| version_name(*v).is_some()).max();
                    session.offered = session.offered.or(version_name(offered.unwrap_or(version)));
                    session.server_name = session.server_name.take().or(server_name);
                    if session.alpn.is_none() && !alpn.is_empty() {
                        session.alpn = Some(alpn.join(", "));
                    }
                }
                TlsEvent::ServerHello { version, cipher, alpn, retry: _ } => {
                    self.client = Some(1 - direction);
                    session.version = version_name(version).or(session.version);
                    session.cipher =
                        Some(cipher_name(cipher).map_or_else(|| format!("0x{cipher:04x}"), str::to_owned));
                    session.alpn = alpn.or(session.alpn.take());
                }
                TlsEvent::Certificate(c) => {
                    if session.certificate.is_none() {
                        let mut text = c.subject;
                        if !c.alternative_names.is_empty() {
                            text.push_str(&format!(" ({})", c.alternative_names.join(", ")));
                        }
                        text.push_str(&format!(
                            ", issued by {}, valid {} to {}",
                            c.issuer, c.not_before, c.not_after
                        ));
                        session.certificate = Some(text);
                    }
                }
                TlsEvent::ChangeCipherSpec => self.encrypted[direction] = true,
                TlsEvent::ApplicationData { .. } => {
                    self.encrypted[direction] = true;
                    session.carries_data = true;
                    session.handshake_done |= self.encrypted[0] && self.encrypted[1];
                }
                TlsEvent::Alert { level, description } => {
                    if session.alerts.len() < MAX_ALERTS {
                        let level = if level == 2 { "fatal" } else { "warning" };
                        let name = alert_name(description)
                            .map_or_else(|| format!("alert {description}"), str::to_owned);
                        session.alerts.push((self.side(direction), format!("{level} {name}")));
                    }
                }
                TlsEvent::EncryptedAlert | TlsEvent::Issue(_) => {}
            }
        }
        self.events = events;
        if let Some(client) = self.client {
            let (c, s) = if client == 0 { ends } else { (ends.1, ends.0) };
            session.client = Some(c);
            session.server = Some(s);
        }
    }

    /// Memory for what is not all there yet.
    pub fn held(&self) -> usize {
        self.readers.iter().map(TlsReader::held).sum()
    }

    pub fn gap(&mut self, direction: usize) {
        self.readers[direction].gap();
    }

    /// Whose direction it is.
    pub fn side(&self, direction: usize) -> Side {
        if self.client.unwrap_or(0) == direction { Side::Caller } else { Side::Callee }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_session_has_no_version() {
        // A TLS 1.0 ClientHello of one cipher without extensions; handshake_failure. Made by hand after RFC 5246.
        let mut hello = vec![0x16, 3, 3, 0, 0x2d, 1, 0, 0, 0x29, 3, 1];
        hello.extend([0x33; 32]);
        hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
        let ends = ("10.0.0.1:1000".parse().expect("an end"), "10.0.0.2:5061".parse().expect("an end"));
        let mut session = TlsSession::default();
        let mut state = TlsState::new(0);
        state.push(0, &hello, ends, &mut session);
        state.push(1, &[0x15, 3, 1, 0, 2, 2, 40], ends, &mut session);
        assert_eq!((session.version, session.offered), (None, Some("TLS 1.0")));
        assert_eq!(session.alerts, [(Side::Callee, "fatal handshake_failure".to_owned())]);
    }
}
