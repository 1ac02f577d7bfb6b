//! DTLS (RFC 6347, RFC 9147) as it keys SRTP (RFC 5764): the records of a datagram and the handshake messages in clear.
//!
//! ```text
//! record:     type(1) version(2) epoch(2) sequence(6) length(2) content
//! handshake:  type(1) length(3) message_seq(2) fragment_offset(3) fragment_length(3) body
//! 1.3, encrypted:  001CSLEE [connection id] sequence(1 or 2) [length(2)] content         (RFC 9147 §4)
//! ```
//!
//! Nothing is decrypted and nothing is kept between datagrams: who wants to know how a handshake ended looks at what both
//! sides sent ([`DtlsRecord::epoch`] 1 begins with Finished, an alert says why not). A handshake message in several
//! fragments is read as far as its first one goes; [`Assembly`] puts them together.

use std::ops::Range;

use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use crate::Issue;
use crate::tls::handshake::{Extensions, Fields, RETRY_RANDOM, extensions};
use crate::tls::{Certificate, parse_certificate};

mod assembly;
#[cfg(test)]
mod tests;

pub use assembly::Assembly;

/// Header of a record with all its fields.
pub const RECORD_HEADER: usize = 13;
/// Header of a handshake fragment.
pub const HANDSHAKE_HEADER: usize = 12;
/// Issues kept of one datagram.
const MAX_ISSUES: usize = 32;
/// Records, and fragments of one record, kept of one datagram.
const MAX_PARTS: usize = 256;
/// Certificates of a chain that are counted.
const MAX_CHAIN: usize = 64;

/// Content types.
pub mod content {
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    pub const ALERT: u8 = 21;
    pub const HANDSHAKE: u8 = 22;
    pub const APPLICATION_DATA: u8 = 23;
    pub const HEARTBEAT: u8 = 24;
    pub const CONNECTION_ID: u8 = 25;
    pub const ACK: u8 = 26;
}

/// Handshake message types that are read.
pub mod handshake {
    pub const CLIENT_HELLO: u8 = 1;
    pub const SERVER_HELLO: u8 = 2;
    pub const HELLO_VERIFY_REQUEST: u8 = 3;
    pub const CERTIFICATE: u8 = 11;
    pub const FINISHED: u8 = 20;
}

/// The records of a datagram.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dtls {
    pub records: Vec<DtlsRecord>,
    pub issues: Vec<Issue>,
}

impl Dtls {
    /// The handshake messages in clear that begin in this datagram.
    pub fn handshakes(&self) -> impl Iterator<Item = &Fragment> {
        self.records.iter().flat_map(|r| match &r.body {
            RecordBody::Handshake(fragments) => &fragments[..],
            _ => &[],
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DtlsRecord {
    /// With its header, in the datagram.
    pub range: Range<usize>,
    /// 20–26; of DTLS 1.3's encrypted records it is encrypted too: `None`.
    pub content_type: Option<u8>,
    /// 0xFEFD is DTLS 1.2. `None` in DTLS 1.3's encrypted records.
    pub version: Option<u16>,
    /// 0 is clear. Of DTLS 1.3's encrypted records the lower two bits.
    pub epoch: u16,
    /// Of DTLS 1.3's encrypted records `None`: it is encrypted.
    pub sequence: Option<u64>,
    /// In the datagram.
    pub content: Range<usize>,
    pub body: RecordBody,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordBody {
    Handshake(Vec<Fragment>),
    ChangeCipherSpec,
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        description: u8,
    },
    /// Ciphertext, whatever its content type.
    Encrypted,
    /// In clear, and not read.
    Other,
}

/// A handshake message or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// With its header, in the datagram.
    pub range: Range<usize>,
    pub message_type: u8,
    /// Of the whole message.
    pub length: u32,
    pub message_seq: u16,
    pub offset: u32,
    /// The bytes of the message that stand here, in the datagram.
    pub body: Range<usize>,
    /// Of a piece that begins the message.
    pub message: Option<Handshake>,
}

impl Fragment {
    /// All of the message stands here.
    pub fn is_whole(&self) -> bool {
        self.offset == 0 && self.body.len() == self.length as usize
    }
}

/// What a handshake message says. `whole` is false where it ends too early: cut, or only its first piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handshake {
    ClientHello {
        /// As in the hello's own version field; DTLS 1.3 says 0xFEFD there and itself in `versions`.
        version: u16,
        /// Bytes of the cookie: none in the first hello of DTLS 1.2.
        cookie: usize,
        ciphers: Vec<u16>,
        server_name: Option<String>,
        alpn: Vec<String>,
        versions: Vec<u16>,
        /// use_srtp: what the client offers, best first ([`srtp_profile_name`]).
        srtp_profiles: Vec<u16>,
        whole: bool,
    },
    HelloVerifyRequest {
        version: u16,
        cookie: usize,
    },
    ServerHello {
        /// The version chosen, be it by the supported_versions extension.
        version: u16,
        cipher: u16,
        /// use_srtp: what the server chose. DTLS 1.3 says it encrypted.
        srtp_profile: Option<u16>,
        /// A HelloRetryRequest of DTLS 1.3.
        retry: bool,
        whole: bool,
    },
    Certificate {
        /// How many there are; 0 is how a client says that it has none.
        count: usize,
        /// Names and dates of the first, where it is all there and readable.
        first: Option<Certificate>,
        /// DER of the first, in the message's body: what `a=fingerprint` is the hash of.
        der: Range<usize>,
    },
    /// Known by its type alone.
    Other,
}

/// Does a datagram begin with a DTLS record in clear form? The probe tells it from other protocols.
pub fn looks_like_dtls(datagram: &[u8]) -> bool {
    crate::probe::probe_datagram(datagram) == crate::probe::Probe::Dtls
}

/// Takes a datagram apart. Never fails: what is no record is an issue.
pub fn parse_dtls(datagram: &[u8]) -> Dtls {
    let mut out = Dtls::default();
    let mut at = 0;
    while let Some(rest) = datagram.get(at..).filter(|r| !r.is_empty()) {
        if out.records.len() >= MAX_PARTS {
            issue(&mut out.issues, "dtls-many-records", at..datagram.len(), "More records than are read");
            break;
        }
        let Some(record) = record(rest, at, &mut out.issues) else {
            issue(
                &mut out.issues,
                "dtls-no-record",
                at..datagram.len(),
                "What stands here is no DTLS record",
            );
            break;
        };
        at = record.range.end.max(at + 1);
        out.records.push(record);
    }
    out
}

fn issue(issues: &mut Vec<Issue>, code: &'static str, range: Range<usize>, text: &'static str) {
    if issues.len() < MAX_ISSUES {
        issues.push(Issue::new(code, range, text));
    }
}

/// `bytes` begin with the record, which stands `at` in the datagram.
fn record(bytes: &[u8], at: usize, issues: &mut Vec<Issue>) -> Option<DtlsRecord> {
    let &first = bytes.first()?;
    if first & 0xE0 == 0x20 {
        return unified(bytes, at, issues);
    }
    let &[kind, major, minor, e0, e1, s0, s1, s2, s3, s4, s5, l0, l1] =
        bytes.first_chunk::<RECORD_HEADER>()?;
    let version = u16::from_be_bytes([major, minor]);
    if !matches!(kind, 20..=26) || !matches!(version, 0xFEFC..=0xFEFF | 0x0100) {
        return None;
    }
    let epoch = u16::from_be_bytes([e0, e1]);
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    // What stands behind the connection id of RFC 9146, whose length nobody tells, is no length.
    let length = if kind == content::CONNECTION_ID { bytes.len() - RECORD_HEADER } else { length };
    let end = RECORD_HEADER + length;
    if end > bytes.len() {
        issue(issues, "dtls-record-cut", at..at + bytes.len(), "A record longer than what is there of it");
    }
    let end = end.min(bytes.len());
    let whole = bytes.len() >= RECORD_HEADER + length;
    let inside = bytes.get(RECORD_HEADER..end).unwrap_or_default();
    let start = at + RECORD_HEADER;
    let body = match (kind, inside) {
        (content::CONNECTION_ID, _) => RecordBody::Encrypted,
        _ if epoch > 0 => RecordBody::Encrypted,
        (content::CHANGE_CIPHER_SPEC, [1]) => RecordBody::ChangeCipherSpec,
        (content::HANDSHAKE, _) => RecordBody::Handshake(fragments(inside, start, whole, issues)),
        (content::ALERT, &[level @ (1 | 2), description]) => RecordBody::Alert { level, description },
        (content::ALERT, _) => {
            let text = "An alert that is neither warning nor fatal, or has another length than two";
            issue(issues, "dtls-bad-alert", start..at + end, text);
            RecordBody::Other
        }
        // Nobody sends data in clear, but a cipher suite without encryption.
        _ => RecordBody::Other,
    };
    Some(DtlsRecord {
        range: at..at + end,
        content_type: Some(kind),
        version: Some(version),
        epoch,
        sequence: Some(u64::from_be_bytes([0, 0, s0, s1, s2, s3, s4, s5])),
        content: start..at + end,
        body,
    })
}

/// The encrypted record of DTLS 1.3. One with a connection id has it in a length nobody tells here, and one without a
/// length fills the datagram: both end with it.
fn unified(bytes: &[u8], at: usize, issues: &mut Vec<Issue>) -> Option<DtlsRecord> {
    let &first = bytes.first()?;
    let (connection_id, long, has_length) = (first & 0x10 != 0, first & 0x08 != 0, first & 0x04 != 0);
    let mut header = if long { 3 } else { 2 };
    let mut end = bytes.len();
    if has_length && !connection_id {
        let length = bytes.get(header..)?.first_chunk::<2>().map(|&b| usize::from(u16::from_be_bytes(b)))?;
        header += 2;
        end = header + length;
        if end > bytes.len() {
            issue(
                issues,
                "dtls-record-cut",
                at..at + bytes.len(),
                "A record longer than what is there of it",
            );
            end = bytes.len();
        }
    } else if connection_id {
        header = 1;
    }
    let header = header.min(end);
    Some(DtlsRecord {
        range: at..at + end,
        content_type: None,
        version: None,
        epoch: u16::from(first & 3),
        sequence: None,
        content: at + header..at + end,
        body: RecordBody::Encrypted,
    })
}

/// The fragments of a handshake record in clear whose content begins `at` in the datagram. `whole`: the record is not cut.
fn fragments(inside: &[u8], at: usize, whole: bool, issues: &mut Vec<Issue>) -> Vec<Fragment> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(rest) = inside.get(from..).filter(|r| !r.is_empty() && out.len() < MAX_PARTS) {
        let Some(&[message_type, l0, l1, l2, m0, m1, o0, o1, o2, f0, f1, f2]) =
            rest.first_chunk::<HANDSHAKE_HEADER>()
        else {
            if whole {
                issue(
                    issues,
                    "dtls-bad-handshake",
                    at + from..at + inside.len(),
                    "A handshake message that ends in its header",
                );
            }
            break;
        };
        let length = u32::from_be_bytes([0, l0, l1, l2]);
        let offset = u32::from_be_bytes([0, o0, o1, o2]);
        let here = u32::from_be_bytes([0, f0, f1, f2]);
        let content = rest.get(HANDSHAKE_HEADER..).unwrap_or_default();
        let taken = content.get(..here as usize).unwrap_or(content);
        let end = from + HANDSHAKE_HEADER + taken.len();
        if offset + here > length {
            let text = "A fragment that goes beyond the end of its message";
            issue(issues, "dtls-bad-fragment", at + from..at + end, text);
        } else if taken.len() < here as usize && whole {
            let text = "A fragment that goes beyond the end of its record";
            issue(issues, "dtls-bad-fragment", at + from..at + end, text);
        }
        let message = (offset == 0).then(|| read_handshake(message_type, taken)).flatten();
        if let Some(Handshake::ClientHello { whole: false, .. } | Handshake::ServerHello { whole: false, .. }) =
            &message
            && taken.len() == length as usize
        {
            issue(issues, "dtls-bad-hello", at + from..at + end, "A hello that ends too early");
        }
        out.push(Fragment {
            range: at + from..at + end,
            message_type,
            length,
            message_seq: u16::from_be_bytes([m0, m1]),
            offset,
            body: at + from + HANDSHAKE_HEADER..at + end,
            message,
        });
        from = end;
    }
    out
}

/// Reads a handshake message without its header, or its beginning. `None` where a message that is read elsewhere has not
/// even its first field.
pub fn read_handshake(message_type: u8, body: &[u8]) -> Option<Handshake> {
    match message_type {
        handshake::CLIENT_HELLO => client_hello(body),
        handshake::SERVER_HELLO => server_hello(body),
        handshake::HELLO_VERIFY_REQUEST => {
            let mut fields = Fields(body);
            let version = fields.u16()?;
            Some(Handshake::HelloVerifyRequest { version, cookie: fields.vector(1).map_or(0, |c| c.0.len()) })
        }
        handshake::CERTIFICATE => certificate(body),
        _ => Some(Handshake::Other),
    }
}

/// As in TLS, with the cookie behind the session id (RFC 6347 §4.2.1).
fn client_hello(body: &[u8]) -> Option<Handshake> {
    let mut fields = Fields(body);
    let version = fields.u16()?;
    let mut cookie = 0;
    let mut read = || {
        fields.take(32)?;
        fields.vector(1)?;
        cookie = fields.vector(1)?.0.len();
        let ciphers = fields.vector(2)?.u16s();
        fields.vector(1)?;
        Some((ciphers, extensions(Fields(fields.0), false)))
    };
    let (ciphers, found) = read().unwrap_or_default();
    let Extensions { server_name, alpn, versions, srtp_profiles, whole } = found;
    Some(Handshake::ClientHello {
        version,
        cookie,
        ciphers,
        server_name,
        alpn,
        versions,
        srtp_profiles,
        whole,
    })
}

fn server_hello(body: &[u8]) -> Option<Handshake> {
    let mut fields = Fields(body);
    let version = fields.u16()?;
    let retry = fields.take(32)? == RETRY_RANDOM;
    fields.vector(1)?;
    let cipher = fields.u16()?;
    fields.u8()?;
    let found = extensions(Fields(fields.0), true);
    Some(Handshake::ServerHello {
        version: found.versions.first().copied().unwrap_or(version),
        cipher,
        srtp_profile: found.srtp_profiles.first().copied(),
        retry,
        whole: found.whole,
    })
}

fn certificate(body: &[u8]) -> Option<Handshake> {
    let mut fields = Fields(body);
    let total = fields.number(3)?;
    let mut list = Fields(fields.0.get(..total).unwrap_or(fields.0));
    let mut out = Handshake::Certificate { count: 0, first: None, der: 6..6 };
    let Handshake::Certificate { count, first, der } = &mut out else { return None };
    while let Some(length) = list.number(3)
        && *count < MAX_CHAIN
    {
        *count += 1;
        let Some(bytes) = list.take(length) else { break };
        if *count == 1 {
            *der = 6..6 + length;
            *first = parse_certificate(bytes);
        }
    }
    Some(out)
}

/// The hash of a certificate as `a=fingerprint` writes it (RFC 8122 §5): `AB:CD:…`. `None` for a hash function that is not
/// known here.
pub fn fingerprint(hash: &str, der: &[u8]) -> Option<String> {
    let digest = match hash.to_ascii_lowercase().as_str() {
        "sha-1" => Sha1::digest(der).to_vec(),
        "sha-224" => Sha224::digest(der).to_vec(),
        "sha-256" => Sha256::digest(der).to_vec(),
        "sha-384" => Sha384::digest(der).to_vec(),
        "sha-512" => Sha512::digest(der).to_vec(),
        _ => return None,
    };
    Some(digest.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":"))
}

/// Of a content type (IANA, TLS ContentType).
pub fn content_name(content_type: u8) -> Option<&'static str> {
    Some(match content_type {
        content::CHANGE_CIPHER_SPEC => "ChangeCipherSpec",
        content::ALERT => "Alert",
        content::HANDSHAKE => "Handshake",
        content::APPLICATION_DATA => "Application data",
        content::HEARTBEAT => "Heartbeat",
        content::CONNECTION_ID => "Record with connection id",
        content::ACK => "ACK",
        _ => return None,
    })
}

/// Of a handshake message (IANA, TLS HandshakeType).
pub fn handshake_name(message_type: u8) -> Option<&'static str> {
    Some(match message_type {
        0 => "HelloRequest",
        handshake::CLIENT_HELLO => "ClientHello",
        handshake::SERVER_HELLO => "ServerHello",
        handshake::HELLO_VERIFY_REQUEST => "HelloVerifyRequest",
        4 => "NewSessionTicket",
        5 => "EndOfEarlyData",
        8 => "EncryptedExtensions",
        9 => "RequestConnectionId",
        10 => "NewConnectionId",
        handshake::CERTIFICATE => "Certificate",
        12 => "ServerKeyExchange",
        13 => "CertificateRequest",
        14 => "ServerHelloDone",
        15 => "CertificateVerify",
        16 => "ClientKeyExchange",
        17 => "ClientCertificateRequest",
        handshake::FINISHED => "Finished",
        21 => "CertificateURL",
        22 => "CertificateStatus",
        23 => "SupplementalData",
        24 => "KeyUpdate",
        25 => "CompressedCertificate",
        _ => return None,
    })
}

/// Of a protection profile (IANA, DTLS-SRTP Protection Profiles).
pub fn srtp_profile_name(profile: u16) -> Option<&'static str> {
    Some(match profile {
        0x0001 => "SRTP_AES128_CM_HMAC_SHA1_80",
        0x0002 => "SRTP_AES128_CM_HMAC_SHA1_32",
        0x0005 => "SRTP_NULL_HMAC_SHA1_80",
        0x0006 => "SRTP_NULL_HMAC_SHA1_32",
        0x0007 => "SRTP_AEAD_AES_128_GCM",
        0x0008 => "SRTP_AEAD_AES_256_GCM",
        0x0009 => "DOUBLE_AEAD_AES_128_GCM_AEAD_AES_128_GCM",
        0x000A => "DOUBLE_AEAD_AES_256_GCM_AEAD_AES_256_GCM",
        0x000B => "SRTP_ARIA_128_CTR_HMAC_SHA1_80",
        0x000C => "SRTP_ARIA_128_CTR_HMAC_SHA1_32",
        0x000D => "SRTP_ARIA_256_CTR_HMAC_SHA1_80",
        0x000E => "SRTP_ARIA_256_CTR_HMAC_SHA1_32",
        0x000F => "SRTP_AEAD_ARIA_128_GCM",
        0x0010 => "SRTP_AEAD_ARIA_256_GCM",
        _ => return None,
    })
}
