//! TLS records and handshake messages in clear (RFC 8446, RFC 5246, and older), as far as they tell who talks to whom.

use crate::Issue;

/// What a run of records in one direction says. Fed by [`TlsReader::push`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsEvent {
    ClientHello {
        version: u16,
        server_name: Option<String>,
        alpn: Vec<String>,
        versions: Vec<u16>,
        ciphers: Vec<u16>,
    },
    ServerHello {
        version: u16,
        cipher: u16,
        alpn: Option<String>,
        retry: bool,
    },
    /// First certificate of a Certificate message in clear.
    Certificate(Certificate),
    ChangeCipherSpec,
    /// In clear; `level` 1 warning, 2 fatal.
    Alert {
        level: u8,
        description: u8,
    },
    /// An alert record whose content is encrypted.
    EncryptedAlert,
    ApplicationData {
        bytes: usize,
    },
    Issue(Issue),
}

/// Names and dates of an X.509 certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    pub alternative_names: Vec<String>,
    /// As in the certificate, `YYYY-MM-DD HH:MM:SSZ`.
    pub not_before: String,
    pub not_after: String,
}

/// Reads one direction of a TLS connection; keeps at most a handshake message in memory.
#[derive(Debug, Default)]
pub struct TlsReader {}

impl TlsReader {
    /// Takes the next stream bytes, gives what they complete.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<TlsEvent>) {
        let _ = (bytes, events);
    }
    /// Bytes are missing in the stream: find the next plausible record.
    pub fn gap(&mut self) {}
}

/// `TLS 1.2` for 0x0303 …; unknown numbers give `None`.
pub fn version_name(version: u16) -> Option<&'static str> {
    let _ = version;
    None
}

/// IANA name of a cipher suite.
pub fn cipher_name(cipher: u16) -> Option<&'static str> {
    let _ = cipher;
    None
}

/// Name of an alert description.
pub fn alert_name(description: u8) -> Option<&'static str> {
    let _ = description;
    None
}
