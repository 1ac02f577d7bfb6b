//! Handshake messages in clear: ClientHello, ServerHello (and HelloRetryRequest), Certificate.
//!
//! RFC 8446 §4.1 and §4.4.2, RFC 5246 §7.4; extensions RFC 6066 §3 (server name), RFC 7301 (ALPN), RFC 8446 §4.2.1
//! (supported versions). A message that is cut gives what stands before the cut.

use super::TlsEvent;
use super::certificate::parse_certificate;
use crate::Issue;

/// Handshake message types.
pub(super) mod kind {
    pub const CLIENT_HELLO: u8 = 1;
    pub const SERVER_HELLO: u8 = 2;
    pub const CERTIFICATE: u8 = 11;
}

const EXT_SERVER_NAME: u16 = 0;
const EXT_USE_SRTP: u16 = 14;
const EXT_ALPN: u16 = 16;
const EXT_SUPPORTED_VERSIONS: u16 = 43;

/// Random of a ServerHello that is a HelloRetryRequest: SHA-256 of that word (RFC 8446 §4.1.3).
pub(crate) const RETRY_RANDOM: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2,
    0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// Longest message of each type that is taken for one; a number beyond is a wrong position or ciphertext.
pub(super) fn plausible(message: u8, length: usize) -> bool {
    match message {
        // HelloRequest, EndOfEarlyData, ServerHelloDone
        0 | 5 | 14 => length == 0,
        1 => (38..=1 << 17).contains(&length),
        2 => (38..=1 << 16).contains(&length),
        3 | 20 | 24 => (1..=1 << 10).contains(&length),
        4 | 6 | 8 | 12 | 13 | 15 | 16 | 21 | 22 | 23 => length <= 1 << 17,
        11 | 25 => (3..(1 << 24)).contains(&length),
        _ => false,
    }
}

/// Reads big-endian fields from the front. DTLS reads its hellos with it too.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }
    pub(crate) fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |n, b| n << 8 | usize::from(*b)))
    }
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.number(2).and_then(|n| u16::try_from(n).ok())
    }
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }
    /// A vector whose length stands before it in so many bytes.
    pub(crate) fn vector(&mut self, length_bytes: usize) -> Option<Fields<'a>> {
        let n = self.number(length_bytes)?;
        self.take(n).map(Fields)
    }
    pub(crate) fn u16s(self) -> Vec<u16> {
        self.0.chunks_exact(2).map(|c| c.iter().fold(0, |n, b| n << 8 | u16::from(*b))).collect()
    }
}

/// Gives what one whole message says. `at` is its position for issues.
pub(super) fn read_message(message: u8, body: &[u8], at: usize, events: &mut Vec<TlsEvent>) {
    let range = at..at.saturating_add(body.len() + 4);
    match message {
        kind::CLIENT_HELLO => {
            let (event, whole) = client_hello(body);
            events.extend(event);
            if !whole {
                events.push(TlsEvent::Issue(Issue::new(
                    "tls-bad-hello",
                    range,
                    "A ClientHello that ends too early",
                )));
            }
        }
        kind::SERVER_HELLO => {
            let (event, whole) = server_hello(body);
            events.extend(event);
            if !whole {
                events.push(TlsEvent::Issue(Issue::new(
                    "tls-bad-hello",
                    range,
                    "A ServerHello that ends too early",
                )));
            }
        }
        kind::CERTIFICATE => {
            // An empty list is how a client says it has none.
            let mut fields = Fields(body);
            if fields.number(3).is_none_or(|n| n == 0) {
                return;
            }
            let length = fields.number(3).unwrap_or_default();
            let der = fields.0.get(..length).unwrap_or(fields.0);
            events.push(match parse_certificate(der) {
                Some(certificate) => TlsEvent::Certificate(certificate),
                None => TlsEvent::Issue(Issue::new(
                    "tls-bad-certificate",
                    range,
                    "A certificate that cannot be read",
                )),
            });
        }
        _ => {}
    }
}

/// The extensions of a hello that are looked at.
#[derive(Default)]
pub(crate) struct Extensions {
    pub server_name: Option<String>,
    pub alpn: Vec<String>,
    pub versions: Vec<u16>,
    /// use_srtp (RFC 5764 §4.1.1): profiles offered, or the one chosen.
    pub srtp_profiles: Vec<u16>,
    /// All of them fit.
    pub whole: bool,
}

pub(crate) fn extensions(mut fields: Fields<'_>, from_server: bool) -> Extensions {
    let mut found = Extensions::default();
    if fields.0.is_empty() {
        // SSL 3.0 and early TLS have no extensions.
        found.whole = true;
        return found;
    }
    let Some(length) = fields.number(2) else {
        return found;
    };
    found.whole = length <= fields.0.len();
    let mut list = Fields(fields.0.get(..length).unwrap_or(fields.0));
    while let Some(kind) = list.u16() {
        let Some(mut content) = list.vector(2) else {
            found.whole = false;
            break;
        };
        match kind {
            EXT_SERVER_NAME if !from_server => {
                let names = content.vector(2);
                found.server_name = found.server_name.take().or_else(|| names.and_then(host_name));
            }
            EXT_ALPN => {
                if let Some(mut names) = content.vector(2) {
                    while let Some(name) = names.vector(1) {
                        found.alpn.push(String::from_utf8_lossy(name.0).into_owned());
                    }
                }
            }
            EXT_SUPPORTED_VERSIONS if from_server => found.versions.extend(content.u16()),
            EXT_SUPPORTED_VERSIONS => {
                if let Some(versions) = content.vector(1) {
                    found.versions = versions.u16s();
                }
            }
            EXT_USE_SRTP => {
                if let Some(profiles) = content.vector(2) {
                    found.srtp_profiles = profiles.u16s();
                }
            }
            _ => {}
        }
    }
    found
}

fn host_name(mut names: Fields<'_>) -> Option<String> {
    while let Some(kind) = names.u8() {
        let name = names.vector(2)?;
        if kind == 0 {
            return Some(String::from_utf8_lossy(name.0).into_owned());
        }
    }
    None
}

/// The event, and whether the message was whole.
fn client_hello(body: &[u8]) -> (Option<TlsEvent>, bool) {
    let mut fields = Fields(body);
    let Some(version) = fields.u16() else {
        return (None, false);
    };
    let mut read = || {
        fields.take(32)?;
        fields.vector(1)?;
        // DTLS has a cookie here; it does not come over a stream.
        let ciphers = fields.vector(2)?.u16s();
        fields.vector(1)?;
        Some((ciphers, extensions(Fields(fields.0), false)))
    };
    let (ciphers, ext) = read().unwrap_or_default();
    let Extensions { server_name, alpn, versions, whole, .. } = ext;
    (Some(TlsEvent::ClientHello { version, server_name, alpn, versions, ciphers }), whole)
}

fn server_hello(body: &[u8]) -> (Option<TlsEvent>, bool) {
    let mut fields = Fields(body);
    let mut read = || {
        let version = fields.u16()?;
        let retry = fields.take(32)? == RETRY_RANDOM;
        // Drafts of TLS 1.3 to 21 have neither session id nor compression.
        let old_draft = version >> 8 == 0x7F;
        if !old_draft {
            fields.vector(1)?;
        }
        let cipher = fields.u16()?;
        if !old_draft {
            fields.u8()?;
        }
        let ext = extensions(Fields(fields.0), true);
        let version = ext.versions.first().copied().unwrap_or(version);
        let alpn = ext.alpn.into_iter().next();
        Some((TlsEvent::ServerHello { version, cipher, alpn, retry }, ext.whole))
    };
    match read() {
        Some((event, whole)) => (Some(event), whole),
        None => (None, false),
    }
}

/// A version 2 ClientHello after its two length bytes (RFC 5246 appendix E.2).
pub(super) fn sslv2_client_hello(body: &[u8]) -> Option<TlsEvent> {
    let mut fields = Fields(body);
    fields.u8().filter(|kind| *kind == kind::CLIENT_HELLO)?;
    let version = fields.u16()?;
    let specs = fields.number(2)?;
    fields.take(4)?;
    // Suites of TLS are written with a zero before; the others are of SSL 2.0.
    let ciphers = fields
        .0
        .get(..specs)
        .unwrap_or(fields.0)
        .chunks_exact(3)
        .filter_map(|c| match c {
            [0, high, low] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        })
        .collect();
    Some(TlsEvent::ClientHello {
        version,
        server_name: None,
        alpn: Vec::new(),
        versions: Vec::new(),
        ciphers,
    })
}
