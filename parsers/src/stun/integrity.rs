//! MESSAGE-INTEGRITY and FINGERPRINT, each dialect's way (RFC 8489 §14.5–14.7, [MS-TURN], [MS-ICE2], libnice).
//!
//! | rule | header length while hashing | input padded with zeros |
//! |---|---|---|
//! | RFC 5389 on | up to the end of the integrity attribute | no |
//! | RFC 3489, [MS-ICE], [MS-TURN] | the same | to a multiple of 64 |
//! | [MS-ICE2], RFC3489bis-02 format | as it is, so FINGERPRINT is counted | to a multiple of 64 |

use std::borrow::Cow;
use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::attribute::AttributeType;
use super::scan::StunScan;

/// Value FINGERPRINT is XORed with (RFC 8489 §14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554E;

/// Hash under HMAC, or behind a long-term key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Sha1,
    Sha256,
}

/// How the input of the HMAC was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntegrityRule {
    /// RFC 5389 on.
    Rfc5389,
    /// RFC 3489, [MS-ICE] and [MS-TURN].
    Padded,
    /// [MS-ICE2] in RFC3489bis-02 format.
    MsIce2,
}

impl IntegrityRule {
    /// In the order they are tried.
    pub const ALL: [Self; 3] = [Self::Rfc5389, Self::Padded, Self::MsIce2];

    /// For a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc5389 => "RFC 5389",
            Self::Padded => "RFC 3489 (zero-padded to 64 bytes)",
            Self::MsIce2 => "MS-ICE2 (FINGERPRINT counted, zero-padded to 64 bytes)",
        }
    }
}

/// Did a key verify?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    /// The message has no integrity attribute.
    Absent,
    /// It did; `range` is the value in the message.
    Verified { algorithm: Algorithm, rule: IntegrityRule, range: Range<usize> },
    /// No rule gives the value at `range`: another key, or the message was changed.
    Failed { range: Range<usize> },
}

/// Key of short-term credentials: the password (RFC 8489 §9.1.1), through [`saslprep`].
pub fn short_term_key(password: &str) -> Vec<u8> {
    saslprep(password).into_owned().into_bytes()
}

/// Key of long-term credentials: MD5 of `user:realm:password` (RFC 8489 §9.2.2). [MS-TURN] takes the base64-decoded
/// bytes of what MRAS gave.
pub fn long_term_key(username: &[u8], realm: &[u8], password: &[u8]) -> [u8; 16] {
    let mut hash = Md5::new();
    join(username, realm, password, |part| hash.update(part));
    hash.finalize().into()
}

/// A realm or nonce without the quotes Microsoft's servers put around the realm. Which of the two goes into the key is
/// not documented: try both.
pub fn unquoted(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text)
}

/// [`long_term_key`] with PASSWORD-ALGORITHM 2: SHA-256 (RFC 8489 §18.5.1).
pub fn long_term_key_sha256(username: &[u8], realm: &[u8], password: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    join(username, realm, password, |part| hash.update(part));
    hash.finalize().into()
}

/// USERHASH: SHA-256 of `user:realm` (RFC 8489 §14.4).
pub fn userhash(username: &[u8], realm: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(username);
    hash.update(b":");
    hash.update(realm);
    hash.finalize().into()
}

fn join(username: &[u8], realm: &[u8], password: &[u8], mut update: impl FnMut(&[u8])) {
    for part in [username, b":", realm, b":", password] {
        update(part);
    }
}

/// SASLprep (RFC 4013) as far as ICE and TURN passwords need it: characters mapped to nothing go, spaces become
/// U+0020. ASCII is unchanged. Compatibility composition (NFKC) is not done.
pub fn saslprep(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    // RFC 3454 tables B.1 and C.1.2.
    let prepared = text.chars().filter_map(|c| match c {
        '\u{AD}'
        | '\u{34F}'
        | '\u{1806}'
        | '\u{180B}'..='\u{180D}'
        | '\u{200B}'..='\u{200D}'
        | '\u{2060}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' => None,
        '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => Some(' '),
        c => Some(c),
    });
    Cow::Owned(prepared.collect())
}

/// Attributes that carry a keyed hash.
const INTEGRITY: [AttributeType; 3] = [
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::GOOG_MESSAGE_INTEGRITY_32,
];

/// Checks the integrity attributes, MESSAGE-INTEGRITY-SHA256 first, with every rule in turn; one that verifies is
/// enough, since it covers all that stands before it.
///
/// A SHA-256 value may be cut to 16 bytes and more (RFC 8489 §14.6); in [MS-TURN] MESSAGE-INTEGRITY itself has 32
/// bytes where both sides speak version 3; libwebrtc's own has the first four bytes of SHA-1.
pub fn verify_integrity(scan: &StunScan<'_>, key: &[u8]) -> Integrity {
    let mut answer = Integrity::Absent;
    for kind in INTEGRITY {
        let Some(range) = scan.range(kind) else {
            continue;
        };
        match verify_attribute(scan, kind, &range, key) {
            Some((algorithm, rule)) => return Integrity::Verified { algorithm, rule, range },
            None if answer == Integrity::Absent => answer = Integrity::Failed { range },
            None => {}
        }
    }
    answer
}

fn verify_attribute(
    scan: &StunScan<'_>,
    kind: AttributeType,
    range: &Range<usize>,
    key: &[u8],
) -> Option<(Algorithm, IntegrityRule)> {
    let (message, dialect) = (scan.message(), scan.dialect());
    let value = message.get(range.clone())?;
    let covered = message.get(..range.start.checked_sub(4)?)?;
    let algorithm = match (kind, value.len()) {
        (AttributeType::MESSAGE_INTEGRITY, 20) | (AttributeType::GOOG_MESSAGE_INTEGRITY_32, 4) => {
            Algorithm::Sha1
        }
        (AttributeType::MESSAGE_INTEGRITY, 32) | (AttributeType::MESSAGE_INTEGRITY_SHA256, 16..=32) => {
            Algorithm::Sha256
        }
        _ => return None,
    };
    let fits = |rule| match algorithm {
        Algorithm::Sha1 => verify::<Hmac<Sha1>>(key, covered, range.end, rule, value),
        Algorithm::Sha256 => verify::<Hmac<Sha256>>(key, covered, range.end, rule, value),
    };
    let rule = IntegrityRule::ALL.into_iter().find(|&rule| fits(rule))?;
    // Where nothing is to be padded the first two rules are one: the dialect says which it was.
    let padded = rule == IntegrityRule::Rfc5389 && covered.len().is_multiple_of(64) && dialect.is_old_turn();
    Some((algorithm, if padded { IntegrityRule::Padded } else { rule }))
}

fn verify<M: Mac + KeyInit>(
    key: &[u8],
    covered: &[u8],
    end: usize,
    rule: IntegrityRule,
    value: &[u8],
) -> bool {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        return false;
    };
    let Some((kind, rest)) = covered.split_first_chunk::<2>() else {
        return false;
    };
    let Some((&declared, rest)) = rest.split_first_chunk::<2>() else {
        return false;
    };
    let length = match rule {
        IntegrityRule::MsIce2 => declared,
        IntegrityRule::Rfc5389 | IntegrityRule::Padded => {
            match u16::try_from(end.saturating_sub(super::HEADER)) {
                Ok(length) => length.to_be_bytes(),
                Err(_) => return false,
            }
        }
    };
    mac.update(kind);
    mac.update(&length);
    mac.update(rest);
    if rule != IntegrityRule::Rfc5389 {
        let zeros = covered.len().next_multiple_of(64) - covered.len();
        mac.update([0; 64].get(..zeros).unwrap_or_default());
    }
    mac.verify_truncated_left(value).is_ok()
}

/// Is FINGERPRINT the CRC of what stands before it?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fingerprint {
    /// None there, or cut short.
    Absent,
    Good,
    /// Right by the table early Microsoft stacks shipped, of which one entry is wrong: not a damaged message.
    LegacyMicrosoftCrc,
    Wrong {
        found: u32,
        expected: u32,
    },
}

/// Checks FINGERPRINT, with the right table and with Microsoft's.
pub fn check_fingerprint(scan: &StunScan<'_>) -> Fingerprint {
    let message = scan.message();
    let Some(range) = scan.range(AttributeType::FINGERPRINT) else {
        return Fingerprint::Absent;
    };
    let found = message.get(range.clone()).and_then(|v| v.first_chunk::<4>()).map(|&v| u32::from_be_bytes(v));
    let covered = message.get(..range.start.saturating_sub(4));
    let (Some(found), Some(covered)) = (found, covered) else {
        return Fingerprint::Absent;
    };
    let expected = crc32(covered, &CRC_TABLE) ^ FINGERPRINT_XOR;
    if found == expected {
        Fingerprint::Good
    } else if found == crc32(covered, &LEGACY_CRC_TABLE) ^ FINGERPRINT_XOR {
        Fingerprint::LegacyMicrosoftCrc
    } else {
        Fingerprint::Wrong { found, expected }
    }
}

/// FINGERPRINT of what stands before it; `legacy`: by the table that early Microsoft stacks shipped.
pub fn fingerprint_of(covered: &[u8], legacy: bool) -> u32 {
    crc32(covered, if legacy { &LEGACY_CRC_TABLE } else { &CRC_TABLE }) ^ FINGERPRINT_XOR
}

fn crc32(bytes: &[u8], table: &[u32; 256]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| (crc >> 8) ^ table[usize::from((crc as u8) ^ byte)])
}

/// ITU V.42, reflected.
const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
};

/// As Windows Live Messenger 2009 and early MS-ICE2 stacks had it (libnice, stuncrc32.c).
const LEGACY_CRC_TABLE: [u32; 256] = {
    let mut table = CRC_TABLE;
    assert!(table[90] == 0x8BBE_B8EA);
    table[90] = 0x08BB_E8EA;
    table
};
