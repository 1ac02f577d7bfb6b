//! Names and dates of an X.509 certificate (RFC 5280 §4.1): just enough DER, read in one walk without recursion.
//!
//! ```text
//! Certificate ::= SEQUENCE { tbsCertificate SEQUENCE {
//!     [0] version, serialNumber, signature, issuer Name, validity, subject Name, subjectPublicKeyInfo, …,
//!     [3] extensions }, signatureAlgorithm, signature }
//! ```

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::utf16::decode_utf16;

/// Most alternative names, and parts of a name, that are kept.
const MAX_NAMES: usize = 1024;

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
/// userPrincipalName of Microsoft, 1.3.6.1.4.1.311.20.2.3.
const UPN: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03];

mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const OCTET_STRING: u8 = 0x04;
    pub const OID: u8 = 0x06;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const T61_STRING: u8 = 0x14;
    pub const UNIVERSAL_STRING: u8 = 0x1C;
    pub const BMP_STRING: u8 = 0x1E;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    pub const VERSION: u8 = 0xA0;
    pub const EXTENSIONS: u8 = 0xA3;
}

/// Names and dates of an X.509 certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certificate {
    /// `CN=…, O=…` in the certificate's order; commas and the like escaped with `\` (RFC 4514 §2.4).
    pub subject: String,
    pub issuer: String,
    /// DNS names, addresses, URIs and mail addresses as they are.
    pub alternative_names: Vec<String>,
    /// As in the certificate, `YYYY-MM-DD HH:MM:SSZ`.
    pub not_before: String,
    pub not_after: String,
}

/// Reads elements one after another; ends at the first that is broken or does not fit.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        if tag & 0x1F == 0x1F {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            if bytes.is_empty() || bytes.len() > 4 {
                return None;
            }
            (bytes.iter().fold(0usize, |n, b| n << 8 | usize::from(*b)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// Reads a DER certificate; `None` where not even subject and validity can be found.
pub fn parse_certificate(der: &[u8]) -> Option<Certificate> {
    let mut tbs = Der(Der(Der(der).expect(tag::SEQUENCE)?).expect(tag::SEQUENCE)?);
    // Version 1 certificates have no version.
    let (first, _) = tbs.next()?;
    if first == tag::VERSION {
        tbs.expect(tag::INTEGER)?;
    } else if first != tag::INTEGER {
        return None;
    }
    tbs.expect(tag::SEQUENCE)?;
    let issuer = name(tbs.expect(tag::SEQUENCE)?);
    let mut validity = Der(tbs.expect(tag::SEQUENCE)?);
    let not_before = validity.next().map(time).unwrap_or_default();
    let not_after = validity.next().map(time).unwrap_or_default();
    let subject = name(tbs.expect(tag::SEQUENCE)?);
    let mut alternative_names = Vec::new();
    while let Some((found, content)) = tbs.next() {
        if found == tag::EXTENSIONS {
            extensions(content, &mut alternative_names);
        }
    }
    Some(Certificate { subject, issuer, alternative_names, not_before, not_after })
}

fn extensions(content: &[u8], names: &mut Vec<String>) {
    let Some(list) = Der(content).expect(tag::SEQUENCE) else {
        return;
    };
    let mut list = Der(list);
    while let Some((_, extension)) = list.next() {
        let mut extension = Der(extension);
        if extension.expect(tag::OID) != Some(SUBJECT_ALT_NAME) {
            continue;
        }
        let value = match extension.next() {
            Some((tag::BOOLEAN, _)) => extension.expect(tag::OCTET_STRING),
            Some((tag::OCTET_STRING, value)) => Some(value),
            _ => None,
        };
        let Some(general_names) = value.and_then(|v| Der(v).expect(tag::SEQUENCE)) else {
            continue;
        };
        let mut general_names = Der(general_names);
        while let Some((kind, content)) = general_names.next() {
            if names.len() >= MAX_NAMES {
                return;
            }
            names.extend(general_name(kind, content));
        }
    }
}

/// GeneralName (RFC 5280 §4.2.1.6).
fn general_name(kind: u8, content: &[u8]) -> Option<String> {
    match kind {
        // rfc822Name, dNSName, uniformResourceIdentifier
        0x81 | 0x82 | 0x86 => Some(String::from_utf8_lossy(content).into_owned()),
        0x87 => match content.len() {
            4 => content.first_chunk::<4>().map(|a| Ipv4Addr::from(*a).to_string()),
            16 => content.first_chunk::<16>().map(|a| Ipv6Addr::from(*a).to_string()),
            _ => None,
        },
        // directoryName
        0xA4 => Der(content).expect(tag::SEQUENCE).map(name),
        // otherName: the user principal name is the one that matters for sign-in.
        0xA0 => {
            let mut other = Der(content);
            if other.expect(tag::OID) != Some(UPN) {
                return None;
            }
            let (kind, value) = Der(other.expect(0xA0)?).next()?;
            Some(string(kind, value).into_owned())
        }
        _ => None,
    }
}

/// Name as text.
fn name(content: &[u8]) -> String {
    let mut text = String::new();
    let mut sets = Der(content);
    let mut count = 0;
    while let Some(set) = sets.expect(tag::SET) {
        let mut pairs = Der(set);
        let mut separator = ", ";
        while let Some(pair) = pairs.expect(tag::SEQUENCE) {
            count += 1;
            if count > MAX_NAMES {
                return text;
            }
            let mut pair = Der(pair);
            let (Some(kind), Some((value_tag, value))) = (pair.expect(tag::OID), pair.next()) else {
                continue;
            };
            if !text.is_empty() {
                text.push_str(separator);
            }
            // Parts of one set belong together.
            separator = "+";
            match attribute_type(kind) {
                Some(short) => text.push_str(short),
                None => push_oid(&mut text, kind),
            }
            text.push('=');
            for c in string(value_tag, value).chars() {
                if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
                    text.push('\\');
                }
                text.push(c);
            }
        }
    }
    text
}

fn attribute_type(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x55, 0x04, last] => match last {
            3 => "CN",
            4 => "SN",
            5 => "serialNumber",
            6 => "C",
            7 => "L",
            8 => "ST",
            9 => "street",
            10 => "O",
            11 => "OU",
            12 => "title",
            42 => "GN",
            _ => return None,
        },
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x01] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x01] => "UID",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x19] => "DC",
        _ => return None,
    })
}

fn push_oid(text: &mut String, oid: &[u8]) {
    let mut number = 0u64;
    let mut first = true;
    for &byte in oid.iter().take(64) {
        number = number.wrapping_shl(7) | u64::from(byte & 0x7F);
        if byte & 0x80 != 0 {
            continue;
        }
        if first {
            let root = (number / 40).min(2);
            let _ = write!(text, "{root}.{}", number - 40 * root);
            first = false;
        } else {
            let _ = write!(text, ".{number}");
        }
        number = 0;
    }
}

/// A string of one of the many ASN.1 kinds.
fn string(kind: u8, content: &[u8]) -> Cow<'_, str> {
    match kind {
        // Latin 1 is what T61String means in practice.
        tag::T61_STRING => content.iter().map(|b| char::from(*b)).collect(),
        tag::BMP_STRING => decode_utf16(content, true).0.into(),
        tag::UNIVERSAL_STRING => content
            .chunks_exact(4)
            .map(|c| c.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)))
            .map(|n| char::from_u32(n).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        _ => String::from_utf8_lossy(content),
    }
}

/// UTCTime or GeneralizedTime as `YYYY-MM-DD HH:MM:SSZ`; empty where it is neither.
fn time((kind, content): (u8, &[u8])) -> String {
    let Ok(text) = std::str::from_utf8(content) else {
        return String::new();
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (stamp, zone) = text.split_at_checked(digits).unwrap_or((text, ""));
    let (year, rest) = match kind {
        tag::UTC_TIME if digits >= 10 => {
            let (year, rest) = stamp.split_at_checked(2).unwrap_or_default();
            // RFC 5280 §4.1.2.5.1: 50 and above is the last century.
            (format!("{}{year}", if year >= "50" { "19" } else { "20" }), rest)
        }
        tag::GENERALIZED_TIME if digits >= 12 => {
            let (year, rest) = stamp.split_at_checked(4).unwrap_or_default();
            (year.to_owned(), rest)
        }
        _ => return String::new(),
    };
    let pair = |at: usize| rest.get(at..at + 2).unwrap_or("00");
    let zone = zone.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let zone = if zone.is_empty() { "Z" } else { zone.get(..5.min(zone.len())).unwrap_or("Z") };
    format!("{year}-{}-{} {}:{}:{}{zone}", pair(0), pair(2), pair(4), pair(6), pair(8))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::tls) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match content.len() {
            n @ 0..=127 => out.push(n as u8),
            n @ 128..=255 => out.extend([0x81, n as u8]),
            n => out.extend([0x82, (n >> 8) as u8, n as u8]),
        }
        out.extend_from_slice(content);
        out
    }

    fn rdn(kind: u8, value_tag: u8, value: &[u8]) -> Vec<u8> {
        let pair = [tlv(0x06, &[0x55, 0x04, kind]), tlv(value_tag, value)].concat();
        tlv(0x31, &tlv(0x30, &pair))
    }

    /// A certificate of this name for these alternative names, unsigned.
    pub(in crate::tls) fn certificate(common_name: &str, alternative: &[Vec<u8>]) -> Vec<u8> {
        let issuer = tlv(
            0x30,
            &[rdn(6, 0x13, b"DE"), rdn(10, 0x0C, "Prüf, GmbH".as_bytes()), rdn(3, 0x1E, &[0, b'C', 0, b'A'])]
                .concat(),
        );
        let validity = tlv(0x30, &[tlv(0x17, b"260101000000Z"), tlv(0x18, b"20510203040506Z")].concat());
        let subject = tlv(0x30, &rdn(3, 0x0C, common_name.as_bytes()));
        let san = tlv(
            0x30,
            &[tlv(0x06, SUBJECT_ALT_NAME), tlv(0x01, &[0xFF]), tlv(0x04, &tlv(0x30, &alternative.concat()))]
                .concat(),
        );
        let tbs = [
            tlv(0xA0, &tlv(0x02, &[2])),
            tlv(0x02, &[1]),
            tlv(0x30, &tlv(0x06, &[0x2A])),
            issuer,
            validity,
            subject,
            tlv(0x30, &[]),
            tlv(0xA3, &tlv(0x30, &san)),
        ]
        .concat();
        tlv(0x30, &[tlv(0x30, &tbs), tlv(0x30, &[]), tlv(0x03, &[0])].concat())
    }

    #[test]
    fn names_and_dates() {
        let upn = [tlv(0x06, UPN), tlv(0xA0, &tlv(0x0C, b"alice@example.com"))].concat();
        let der = certificate(
            "sip.example.com",
            &[
                tlv(0x82, b"sip.example.com"),
                tlv(0x87, &[192, 0, 2, 1]),
                tlv(0x87, &Ipv6Addr::LOCALHOST.octets()),
                tlv(0x86, b"sip:example.com"),
                tlv(0xA0, &upn),
                tlv(0x87, &[1, 2, 3]),
            ],
        );
        assert_eq!(
            parse_certificate(&der).unwrap(),
            Certificate {
                subject: "CN=sip.example.com".into(),
                issuer: "C=DE, O=Prüf\\, GmbH, CN=CA".into(),
                alternative_names: [
                    "sip.example.com",
                    "192.0.2.1",
                    "::1",
                    "sip:example.com",
                    "alice@example.com"
                ]
                .map(String::from)
                .to_vec(),
                not_before: "2026-01-01 00:00:00Z".into(),
                not_after: "2051-02-03 04:05:06Z".into(),
            }
        );
    }

    #[test]
    fn times() {
        let check = |kind, text: &str, expect: &str| assert_eq!(time((kind, text.as_bytes())), expect);
        check(0x17, "991231235959Z", "1999-12-31 23:59:59Z");
        check(0x17, "4912312359Z", "2049-12-31 23:59:00Z");
        check(0x17, "991231235959+0100", "1999-12-31 23:59:59+0100");
        check(0x18, "20260101000000.123Z", "2026-01-01 00:00:00Z");
        check(0x17, "99123", "");
        check(0x04, "991231235959Z", "");
    }

    #[test]
    fn object_identifiers() {
        let mut text = String::new();
        push_oid(&mut text, UPN);
        assert_eq!(text, "1.3.6.1.4.1.311.20.2.3");
    }

    #[test]
    fn every_cut_is_survived() {
        let der = certificate("a", &[tlv(0x82, b"b")]);
        for cut in 0..der.len() {
            assert_eq!(parse_certificate(&der[..cut]), None);
        }
        assert!(parse_certificate(&der).is_some());
    }

    proptest! {
        #[test]
        fn never_panics(at in 0usize..300, byte: u8, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse_certificate(&bytes);
            let mut der = certificate("sip.example.com", &[tlv(0x82, b"sip.example.com"), tlv(0x87, &[1; 16])]);
            if let Some(b) = der.get_mut(at) {
                *b = byte;
            }
            let _ = parse_certificate(&der);
        }
    }
}
