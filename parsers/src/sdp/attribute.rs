//! Attributes read on demand, and where a description holds secrets.
//!
//! `a=crypto` RFC 4568 §9.1, `a=fingerprint` RFC 8122 §5, `a=setup` RFC 4145 §4, `a=candidate`, `a=ice-ufrag`,
//! `a=ice-pwd` RFC 8839 §5, `a=cryptoscale` [MS-SDPEXT], candidates with a password of draft-ietf-mmusic-ice-06.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use super::candidate::{Candidate, parse_candidate, password_of};
use super::{Attribute, Direction, Media, Session, words};

/// `a=crypto`, or `a=cryptoscale` of Microsoft clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crypto<'a> {
    pub tag: u32,
    /// `client` or `server` of `a=cryptoscale`.
    pub role: Option<&'a [u8]>,
    pub suite: &'a [u8],
    /// Where the base64 keys of the `inline:` parameters stand in the parsed buffer. They are secrets.
    pub keys: Vec<Range<usize>>,
    /// What follows the key parameters, e.g. `UNENCRYPTED_SRTP`; empty if nothing.
    pub session_parameters: &'a [u8],
}

/// `a=fingerprint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint<'a> {
    /// As written, e.g. `sha-256`.
    pub hash: &'a [u8],
    /// Pairs of hexadecimal digits with colons.
    pub value: &'a [u8],
}

/// `a=ice-ufrag` and `a=ice-pwd` of a media section or, where it has none, of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceCredentials<'a> {
    pub ufrag: &'a [u8],
    pub ufrag_range: Range<usize>,
    /// The password is a secret: its place is given, to be redacted.
    pub pwd: Option<(&'a [u8], Range<usize>)>,
}

impl<'a> IceCredentials<'a> {
    pub(super) fn of(ufrag: &Attribute<'a>, pwd: Option<&Attribute<'a>>) -> Self {
        let pwd = pwd.map(|a| (a.value, a.value_range.clone()));
        Self { ufrag: ufrag.value, ufrag_range: ufrag.value_range.clone(), pwd }
    }
}

impl<'a> Attribute<'a> {
    /// Has it this name, in any case?
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// As `a=crypto` or `a=cryptoscale`; `None` for other attributes and where tag, suite or key is missing.
    pub fn crypto(&self) -> Option<Crypto<'a>> {
        let scale = self.is("cryptoscale");
        if !scale && !self.is("crypto") {
            return None;
        }
        let mut fields = words(self.value);
        let tag = decimal(fields.next()?)?;
        let mut suite = fields.next()?;
        let mut role = None;
        if scale && (suite.eq_ignore_ascii_case(b"client") || suite.eq_ignore_ascii_case(b"server")) {
            role = Some(suite);
            suite = fields.next()?;
        }
        // Key parameters end at the next blank (RFC 4568 §9.1), or go on after a semicolon.
        let key_parameters = fields.next()?;
        let mut keys = Vec::new();
        self.find_inline_keys(&mut keys);
        if keys.is_empty() {
            return None;
        }
        let after = offset_in(self.value, key_parameters) + key_parameters.len();
        let session_parameters = self.value.get(after..).unwrap_or_default().trim_ascii();
        Some(Crypto { tag, role, suite, keys, session_parameters })
    }

    /// As `a=fingerprint`.
    pub fn fingerprint(&self) -> Option<Fingerprint<'a>> {
        if !self.is("fingerprint") {
            return None;
        }
        let mut fields = words(self.value);
        Some(Fingerprint { hash: fields.next()?, value: fields.next()? })
    }

    /// As `a=candidate`.
    pub fn candidate(&self) -> Option<Candidate<'a>> {
        self.is("candidate").then(|| parse_candidate(self.value, self.value_range.start))
    }

    /// Where keys and passwords stand in this attribute, however badly written the rest is.
    pub fn secrets(&self, found: &mut Vec<Range<usize>>) {
        if self.is("crypto") || self.is("cryptoscale") {
            self.find_inline_keys(found);
        } else if self.is("ice-pwd") {
            push(found, self.value_range.clone());
        } else if self.is("key-mgmt") {
            // `mikey <base64>` (RFC 4567 §8).
            if let Some(data) = words(self.value).nth(1) {
                push(found, self.range_of(data));
            }
        } else if self.is("candidate")
            && let Some(password) = password_of(self.value)
        {
            push(found, self.range_of(password));
        }
    }

    fn find_inline_keys(&self, found: &mut Vec<Range<usize>>) {
        const INLINE: &[u8] = b"inline:";
        let mut at = 0;
        while let Some(rest) = self.value.get(at..) {
            let Some(start) = rest.windows(INLINE.len()).position(|w| w.eq_ignore_ascii_case(INLINE)) else {
                break;
            };
            let start = at + start + INLINE.len();
            let key = self.value.get(start..).unwrap_or_default();
            let length =
                key.iter().position(|b| matches!(b, b'|' | b';' | b' ' | b'\t')).unwrap_or(key.len());
            push(found, self.value_range.start + start..self.value_range.start + start + length);
            at = start + length;
        }
    }

    /// Position in the parsed buffer of a part of `value`.
    fn range_of(&self, part: &[u8]) -> Range<usize> {
        let start = self.value_range.start + offset_in(self.value, part);
        start..start + part.len()
    }
}

impl<'a> Media<'a> {
    /// First attribute of that name in this section.
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|a| a.is(name))
    }

    /// The `a=candidate` lines.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate<'a>> + '_ {
        self.attributes.iter().filter_map(Attribute::candidate)
    }

    /// The `a=crypto` and `a=cryptoscale` lines that can be read.
    pub fn cryptos(&self) -> impl Iterator<Item = Crypto<'a>> + '_ {
        self.attributes.iter().filter_map(Attribute::crypto)
    }

    /// Does the sender of this description want to receive no media: `sendonly`, `inactive`, or the older
    /// `c=0.0.0.0` (RFC 3264 §8.4)? A declined section (port 0) is no hold, nor are address 0.0.0.0 and port 9
    /// of an offer whose candidates are still to come (RFC 8840 §4.1.1).
    pub fn is_hold(&self) -> bool {
        if self.port == 0 {
            return false;
        }
        let nowhere = self.connection.as_ref().and_then(|c| c.ip).is_some_and(|ip| ip.is_unspecified());
        matches!(self.direction, Direction::SendOnly | Direction::Inactive) || (nowhere && self.port != 9)
    }

    /// Where RTCP is expected: `a=rtcp`, the RTP port itself with `a=rtcp-mux`, else the next port.
    pub fn rtcp_port(&self) -> u32 {
        match self.rtcp {
            Some((port, _)) => port,
            None if self.rtcp_mux || self.port == 0 => self.port,
            None => self.port.saturating_add(1),
        }
    }
}

impl<'a> Session<'a> {
    /// First session-level attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|a| a.is(name))
    }

    /// Attribute of a media section, or the session's where the section has none.
    pub fn attribute_of<'s>(&'s self, media: &'s Media<'a>, name: &str) -> Option<&'s Attribute<'a>> {
        media.attribute(name).or_else(|| self.attribute(name))
    }

    /// `a=fingerprint` that counts for a media section.
    pub fn fingerprint(&self, media: &Media<'a>) -> Option<Fingerprint<'a>> {
        self.attribute_of(media, "fingerprint")?.fingerprint()
    }

    /// `a=setup` that counts for a media section: `active`, `passive`, `actpass`, `holdconn`.
    pub fn setup(&self, media: &Media<'a>) -> Option<&'a [u8]> {
        self.attribute_of(media, "setup").map(|a| a.value)
    }

    /// ICE credentials that count for a media section.
    pub fn ice(&self, media: &Media<'a>) -> Option<IceCredentials<'a>> {
        let ufrag = self.attribute_of(media, "ice-ufrag")?;
        Some(IceCredentials::of(ufrag, self.attribute_of(media, "ice-pwd")))
    }

    /// Every key and password in the description (SRTP keys, `k=`, ICE passwords), in order, to be redacted.
    pub fn secrets(&self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for line in &self.lines {
            let start = line.range.end - line.value.len();
            match line.kind.to_ascii_lowercase() {
                b'k' => {
                    let after = memchr::memchr(b':', line.value).map_or(0, |colon| colon + 1);
                    push(&mut found, start + after..line.range.end);
                }
                b'a' => {
                    if let Some(colon) = memchr::memchr(b':', line.value) {
                        let name = line.value.get(..colon).unwrap_or_default().trim_ascii();
                        let value_range = start + colon + 1..line.range.end;
                        let raw = line.value.get(colon + 1..).unwrap_or_default();
                        let lead = raw.len() - raw.trim_ascii_start().len();
                        let value = raw.trim_ascii();
                        let value_range = value_range.start + lead..value_range.start + lead + value.len();
                        Attribute { name, value, range: line.range.clone(), value_range }.secrets(&mut found);
                    }
                }
                _ => {}
            }
        }
        found
    }
}

fn push(found: &mut Vec<Range<usize>>, range: Range<usize>) {
    if !range.is_empty() {
        found.push(range);
    }
}

/// Where `part`, a piece of `whole`, begins in it.
pub(super) fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len())
}

pub(super) fn decimal(text: &[u8]) -> Option<u32> {
    u32::try_from(integer(text)?).ok()
}

/// Digits and nothing else.
pub(super) fn integer(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |n, b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        n.checked_mul(10)?.checked_add(digit)
    })
}

/// `49170` or `49170/2`: port and count.
pub(super) fn parse_port(text: &[u8]) -> Option<(u32, u32)> {
    let mut parts = text.splitn(2, |b| *b == b'/');
    let port = decimal(parts.next()?).filter(|p| *p <= 65_535)?;
    let count = match parts.next() {
        Some(count) => decimal(count).filter(|c| (1..=65_535).contains(c))?,
        None => 1,
    };
    Some((port, count))
}

/// Value of `a=rtcp`: port, then perhaps `IN IP4 address` (RFC 3605 §2.1).
pub(super) fn parse_rtcp(value: &[u8]) -> Option<(u32, Option<IpAddr>)> {
    let mut fields = words(value);
    let port = decimal(fields.next()?).filter(|p| *p <= 65_535)?;
    Some((port, fields.nth(2).and_then(parse_ip)))
}

/// An address literal; brackets and a zone of IPv6 are passed over.
pub(super) fn parse_ip(text: &[u8]) -> Option<IpAddr> {
    if let Some(ip) = parse_ipv4(text) {
        return Some(IpAddr::V4(ip));
    }
    let text = std::str::from_utf8(text).ok()?;
    let text = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    text.split('%').next()?.parse().ok()
}

/// Four numbers without leading zeros. Most addresses are of this kind, which std takes several times as long for.
fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut bytes = text.iter();
    for (at, octet) in octets.iter_mut().enumerate() {
        let (mut number, mut length) = (0u32, 0);
        let end = loop {
            let end = bytes.next();
            let digit = end.map_or(u8::MAX, |b| b.wrapping_sub(b'0'));
            if digit > 9 {
                break end;
            }
            // A zero goes before nothing; three digits do not overflow.
            if length > 0 && number == 0 || length == 3 {
                return None;
            }
            number = number * 10 + u32::from(digit);
            length += 1;
        };
        let as_it_should = if at == 3 { end.is_none() } else { end == Some(&b'.') };
        if length == 0 || number > 255 || !as_it_should {
            return None;
        }
        *octet = number as u8;
    }
    Some(octets.into())
}

/// Do payload types of this `m=` protocol come from RFC 3551 profiles?
pub(super) fn is_rtp(protocol: &[u8]) -> bool {
    protocol.split(|b| *b == b'/').any(|part| part.eq_ignore_ascii_case(b"RTP"))
        || [b"RTP".as_slice(), b"SAVP", b"SAVPF", b"AVPF"].iter().any(|p| protocol.eq_ignore_ascii_case(p))
}

/// Encoding of a static payload type (RFC 3551 §6 tables 4 and 5; 2 is G.721's later name).
pub fn static_encoding(payload_type: u8) -> Option<&'static str> {
    Some(match payload_type {
        0 => "PCMU/8000",
        2 => "G726-32/8000",
        3 => "GSM/8000",
        4 => "G723/8000",
        5 => "DVI4/8000",
        6 => "DVI4/16000",
        7 => "LPC/8000",
        8 => "PCMA/8000",
        9 => "G722/8000",
        10 => "L16/44100/2",
        11 => "L16/44100",
        12 => "QCELP/8000",
        13 => "CN/8000",
        14 => "MPA/90000",
        15 => "G728/8000",
        16 => "DVI4/11025",
        17 => "DVI4/22050",
        18 => "G729/8000",
        25 => "CelB/90000",
        26 => "JPEG/90000",
        28 => "nv/90000",
        31 => "H261/90000",
        32 => "MPV/90000",
        33 => "MP2T/90000",
        34 => "H263/90000",
        _ => return None,
    })
}
