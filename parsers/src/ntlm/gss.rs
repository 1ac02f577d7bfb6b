//! Other tokens, told by their first bytes.

use super::*;

/// A token of the GSS-API, or of Kerberos alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GssToken {
    pub mechanism: GssMechanism,
    /// Which message of the mechanism, where its first bytes tell.
    pub message: Option<&'static str>,
    /// An NTLM message inside.
    pub ntlm: Option<Box<Ntlm>>,
    /// Bytes of all.
    pub length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GssMechanism {
    /// 1.2.840.113554.1.2.2 (RFC 4121), or with Microsoft's slip 1.2.840.48018.1.2.2.
    Kerberos,
    /// 1.3.6.1.5.5.2 (RFC 4178).
    Spnego,
    /// 1.3.6.1.4.1.311.2.2.10 ([MS-SPNG] §1.9).
    Ntlm,
    /// An object identifier that is not known here.
    Other,
}

impl GssMechanism {
    pub fn name(self) -> &'static str {
        match self {
            Self::Kerberos => "Kerberos",
            Self::Spnego => "SPNEGO",
            Self::Ntlm => "NTLM",
            Self::Other => "GSS-API",
        }
    }
}

const OIDS: &[(&[u8], GssMechanism)] = &[
    (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02, 0x02], GssMechanism::Kerberos),
    (&[0x2A, 0x86, 0x48, 0x82, 0xF7, 0x12, 0x01, 0x02, 0x02], GssMechanism::Kerberos),
    (&[0x2B, 0x06, 0x01, 0x05, 0x05, 0x02], GssMechanism::Spnego),
    (&[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0A], GssMechanism::Ntlm),
];

/// Length (DER) at the beginning, and what follows it.
fn der_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..=0x7F => Some((usize::from(first), rest)),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            Some((digits.iter().fold(0, |n, &d| n << 8 | usize::from(d)), rest))
        }
        _ => None,
    }
}

pub(super) fn parse(bytes: &[u8]) -> Option<GssToken> {
    let (&tag, rest) = bytes.split_first()?;
    let (length, inner) = der_length(rest)?;
    let token = |mechanism, message, ntlm| GssToken { mechanism, message, ntlm, length: bytes.len() };
    if tag == 0x60 {
        // RFC 2743 §3.1: the mechanism's object identifier, then its own token.
        let (oid_length, oid) = der_length(inner.strip_prefix(&[0x06])?)?;
        let (oid, inner) = oid.split_at_checked(oid_length)?;
        let mechanism = OIDS.iter().find(|(known, _)| *known == oid).map_or(GssMechanism::Other, |o| o.1);
        let ntlm = inside(inner);
        let message = match (mechanism, inner) {
            // TOK_ID (RFC 4121 §4.1).
            (GssMechanism::Kerberos, [0x01, 0x00, ..]) => Some("AP-REQ"),
            (GssMechanism::Kerberos, [0x02, 0x00, ..]) => Some("AP-REP"),
            (GssMechanism::Kerberos, [0x03, 0x00, ..]) => Some("KRB-ERROR"),
            (GssMechanism::Spnego, [0xA0, ..]) => Some("negTokenInit"),
            (GssMechanism::Spnego, [0xA1, ..]) => Some("negTokenResp"),
            _ => ntlm.as_ref().map(|n| n.message.name()),
        };
        return Some(token(mechanism, message, ntlm));
    }
    // The tags of the messages themselves; each holds one SEQUENCE that fills it.
    let (inner_length, behind) = der_length(inner.strip_prefix(&[0x30])?)?;
    let header = inner.len() - behind.len();
    if inner_length.checked_add(header)? != length {
        return None;
    }
    let kerberos = |name| Some(token(GssMechanism::Kerberos, Some(name), None));
    match tag {
        // APPLICATION 14, 15 and 30 (RFC 4120 §5.5, §5.9).
        0x6E => kerberos("AP-REQ"),
        0x6F => kerberos("AP-REP"),
        0x7E => kerberos("KRB-ERROR"),
        0xA0 => Some(token(GssMechanism::Spnego, Some("negTokenInit"), inside(behind))),
        0xA1 => Some(token(GssMechanism::Spnego, Some("negTokenResp"), inside(behind))),
        _ => None,
    }
}

/// The NTLM message that a token holds.
fn inside(bytes: &[u8]) -> Option<Box<Ntlm>> {
    let at = memchr::memmem::find(bytes, SIGNATURE)?;
    parse_ntlm(bytes.get(at..)?).map(Box::new)
}

/// Content types of TLS records that fill the bytes; the last may be cut.
pub(super) fn tls_records(bytes: &[u8]) -> Option<Vec<&'static str>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some(&[kind, 3, 0..=4, l0, l1]) = rest.first_chunk::<5>() {
        let name = match kind {
            20 => "change cipher spec",
            21 => "alert",
            22 => match rest.get(5) {
                Some(1) => "handshake: client hello",
                Some(2) => "handshake: server hello",
                Some(11) => "handshake: certificate",
                Some(12) => "handshake: server key exchange",
                Some(13) => "handshake: certificate request",
                Some(14) => "handshake: server hello done",
                Some(15) => "handshake: certificate verify",
                Some(16) => "handshake: client key exchange",
                _ => "handshake",
            },
            23 => "application data",
            _ => break,
        };
        // Most that a record may carry (RFC 5246 §6.2.3).
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if length > (1 << 14) + 2048 || found.len() >= MAX_PAIRS {
            break;
        }
        found.push(name);
        rest = rest.get(5 + length..).unwrap_or_default();
    }
    (!found.is_empty()).then_some(found)
}
