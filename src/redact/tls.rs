//! Handshakes of TLS and DTLS: versions and ciphers stay, names of hosts are replaced, keys go.

use super::Redactor;
use super::keywords;
use super::names::Words;

/// Parts of certificates inside one another.
const DEPTH: u8 = 12;

impl Redactor {
    /// The body of a handshake message, without its header.
    pub(super) fn handshake_body(&mut self, kind: u8, b: &mut [u8], datagram: bool) {
        match kind {
            1 => self.client_hello(b, datagram),
            2 | 3 | 6 => {}
            11 => self.certificates(b),
            _ => self.wipe(b, "bytes of handshakes"),
        }
    }

    fn client_hello(&mut self, b: &mut [u8], datagram: bool) {
        let mut at = 34;
        let byte = |b: &[u8], at: usize| b.get(at).map(|l| usize::from(*l));
        let word = |b: &[u8], at: usize| {
            b.get(at..).and_then(|r| r.first_chunk::<2>()).map(|l| usize::from(u16::from_be_bytes(*l)))
        };
        // Session, cookie, cipher suites, compression.
        for wide in [Some(false), datagram.then_some(false), Some(true), Some(false)].into_iter().flatten() {
            let Some(len) = (if wide { word(b, at) } else { byte(b, at) }) else { return };
            at += len + if wide { 2 } else { 1 };
        }
        at += 2;
        while let (Some(kind), Some(len)) = (word(b, at), word(b, at + 2)) {
            let end = (at + 4 + len).min(b.len());
            let body = b.get_mut(at + 4..end).unwrap_or_default();
            match kind {
                // Length of the list, kind and length of the name.
                0 => self.host(body.get_mut(5..).unwrap_or_default()),
                // What says how to speak, of nobody in particular (IANA's registry of extensions), and GREASE.
                1 | 5 | 10 | 11 | 13..=18 | 21..=24 | 27 | 28 | 43 | 45 | 49..=51 | 0xff01 | 0x4469 => {}
                _ if kind & 0x0f0f == 0x0a0a => {}
                _ => self.wipe(body, "bytes of handshakes"),
            }
            at = end.max(at + 4);
        }
    }

    /// A list of certificates, each behind its length.
    fn certificates(&mut self, b: &mut [u8]) {
        let mut at = 3;
        while let Some(&[a, m, z]) = b.get(at..).and_then(|r| r.first_chunk::<3>()) {
            let len = usize::from(a) << 16 | usize::from(m) << 8 | usize::from(z);
            let end = (at + 3 + len).min(b.len());
            let der = b.get_mut(at + 3..end).unwrap_or_default();
            self.der(der, 0);
            at = end.max(at + 3);
        }
    }

    /// X.690: kinds and lengths stay, and times and object identifiers; names are replaced, keys and numbers go.
    pub(super) fn der(&mut self, b: &mut [u8], depth: u8) {
        let mut at = 0;
        while let Some((header, len)) = der_header(b, at) {
            let kind = b.get(at).copied().unwrap_or(0);
            let end = (at + header + len).min(b.len());
            let Some(body) = b.get_mut(at + header..end) else { return };
            match kind {
                _ if kind & 0x20 != 0 && depth < DEPTH => self.der(body, depth + 1),
                // Booleans, object identifiers, times.
                0x01 | 0x05 | 0x06 | 0x17 | 0x18 => {}
                // Version numbers are short, serial numbers are not.
                0x02 if body.len() < 4 => {}
                0x0c | 0x12 | 0x13 | 0x14 | 0x16 | 0x1a => {
                    self.words(body, Words { keep: keywords::LABELS, ..Words::NAMES })
                }
                0x81 | 0x82 => self.words(body, Words { keep: keywords::LABELS, ..Words::NAMES }),
                0x86 => self.uri(body),
                0x87 if matches!(body.len(), 4 | 16) => self.binary_address(body),
                0x04 if depth < DEPTH && is_der(body) => self.der(body, depth + 1),
                // A public key has parts of its own.
                0x03 if depth < DEPTH && body.get(1) == Some(&0x30) && body.get(1..).is_some_and(is_der) => {
                    self.der(body.get_mut(1..).unwrap_or_default(), depth + 1);
                }
                0x03 => {
                    let used = body.get_mut(1..).unwrap_or_default();
                    if used.len() > 2 {
                        self.wipe(used, "bytes of certificates");
                    }
                }
                _ => self.wipe(body, "bytes of certificates"),
            }
            at = end.max(at + 1);
        }
        let start = at.min(b.len());
        self.wipe(b.get_mut(start..).unwrap_or_default(), "bytes of certificates");
    }
}

/// Length of the header at `at`, and of what follows.
fn der_header(b: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = usize::from(*b.get(at + 1)?);
    if first < 0x80 {
        return Some((2, first));
    }
    let bytes = b.get(at + 2..at + 2 + (first & 0x7f)).filter(|l| (1..=4).contains(&l.len()))?;
    Some((2 + bytes.len(), bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b))))
}

/// Is it one value, whole?
fn is_der(b: &[u8]) -> bool {
    der_header(b, 0).is_some_and(|(header, len)| {
        header + len == b.len() && matches!(b.first(), Some(0x30 | 0x03 | 0x04 | 0x0a | 0x01))
    })
}
