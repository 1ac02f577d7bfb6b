//! ZRTP (RFC 6189): key agreement for SRTP on the media path.
//!
//! ```text
//! |0 0 0 1|  not used (zero)    |         sequence number         |   packet (§5)
//! |                 magic cookie 0x5A525450 "ZRTP"                |
//! |                             SSRC                              |
//! |                         message …                             |
//! |                             CRC                               |
//! |0 1 0 1 0 0 0 0 0 1 0 1 1 0 1 0|       length in words         |   message (§5.2)
//! |                 message type block (8 characters)             |
//! ```
//!
//! Only what both sides say of themselves is read (Hello, Commit, Error); keys, nonces and MACs are not.

use std::ops::Range;

use crate::Issue;
use crate::big_endian::{u16_at, u32_at};

#[cfg(test)]
mod tests;

/// `ZRTP`.
const COOKIE: [u8; 4] = *b"ZRTP";
/// Bytes before the message.
pub const HEADER: usize = 12;
const CRC: usize = 4;
const PREAMBLE: u16 = 0x505A;
/// Issues kept of one packet.
const MAX_ISSUES: usize = 8;

/// Is it ZRTP by its first byte (16–19, RFC 7983 §7) and cookie?
#[inline]
pub fn looks_like_zrtp(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(16..=19)) && datagram.get(4..8) == Some(&COOKIE)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zrtp {
    pub sequence: u16,
    /// SSRC of the sender's RTP stream.
    pub ssrc: u32,
    /// Message type as written, without its spaces.
    pub message_type: String,
    /// Where preamble, length and type block stand in the packet; empty where it is cut before.
    pub message_range: Range<usize>,
    /// Bytes of the message by its own length.
    pub message_length: usize,
    pub message: ZrtpMessage,
    pub issues: Vec<Issue>,
}

impl Zrtp {
    /// What the message is for.
    pub fn title(&self) -> Option<&'static str> {
        title(&self.message_type)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZrtpMessage {
    /// §5.2.
    Hello {
        /// `1.10`.
        version: String,
        /// The sender's name for itself.
        client: String,
        /// 96 bits that stay the same for a device.
        zid: [u8; 12],
        /// Four characters each, as offered, in the order of the message.
        hashes: Vec<String>,
        ciphers: Vec<String>,
        auth_tags: Vec<String>,
        key_agreements: Vec<String>,
        sas: Vec<String>,
    },
    /// §5.4: what was chosen.
    Commit {
        zid: [u8; 12],
        hash: String,
        cipher: String,
        auth_tag: String,
        key_agreement: String,
        sas: String,
    },
    /// §5.9.
    Error { code: u32 },
    /// Known by its type alone.
    Other,
}

/// Takes a packet apart; `None` where it is no ZRTP.
pub fn parse_zrtp(datagram: &[u8]) -> Option<Zrtp> {
    if !looks_like_zrtp(datagram) {
        return None;
    }
    let mut issues = Vec::new();
    let mut add = |code, range: Range<usize>, text: &'static str| {
        if issues.len() < MAX_ISSUES {
            issues.push(Issue::new(code, range, text));
        }
    };
    let mut out = Zrtp {
        sequence: u16_at(datagram, 2)?,
        ssrc: u32_at(datagram, 8).unwrap_or_default(),
        message_type: String::new(),
        message_range: 0..0,
        message_length: 0,
        message: ZrtpMessage::Other,
        issues: Vec::new(),
    };
    let message = datagram.get(HEADER..).unwrap_or_default();
    let (Some(preamble), Some(words), Some(kind)) =
        (u16_at(message, 0), u16_at(message, 2), message.get(4..12))
    else {
        add("zrtp-cut", datagram.len()..datagram.len(), "The packet ends before its message type");
        out.issues = issues;
        return Some(out);
    };
    out.message_range = HEADER..HEADER + 12;
    out.message_type = characters(kind);
    out.message_length = 4 * usize::from(words);
    if preamble != PREAMBLE {
        add("zrtp-preamble", HEADER..HEADER + 2, "The message does not begin with its preamble");
    }
    let end = HEADER + out.message_length;
    match datagram.len().checked_sub(end + CRC) {
        Some(0) => {
            let given = u32_at(datagram, end).unwrap_or_default();
            if crc32c(datagram.get(..end).unwrap_or_default()) != given {
                add("zrtp-crc", end..end + CRC, "The checksum does not fit the packet");
            }
        }
        _ => add("zrtp-length", HEADER + 2..HEADER + 4, "The message has another length than it says"),
    }
    let message = message.get(..out.message_length).unwrap_or(message);
    let read = match out.message_type.as_str() {
        "Hello" => hello(message),
        "Commit" => commit(message),
        "Error" => u32_at(message, 12).map(|code| ZrtpMessage::Error { code }),
        _ => Some(ZrtpMessage::Other),
    };
    match read {
        Some(read) => out.message = read,
        None => add("zrtp-short", HEADER..datagram.len(), "The message ends before the fields of its type"),
    }
    out.issues = issues;
    Some(out)
}

fn hello(message: &[u8]) -> Option<ZrtpMessage> {
    // Signature flags and one unused byte stand before the five counts.
    let counts = u32_at(message, 76)?;
    let mut at = 80;
    let mut list = |shift: u32| {
        let n = (counts >> shift & 0xF) as usize;
        let blocks = message.get(at..at + 4 * n)?;
        at += 4 * n;
        Some(blocks.chunks_exact(4).map(characters).collect::<Vec<_>>())
    };
    Some(ZrtpMessage::Hello {
        version: characters(message.get(12..16)?),
        client: characters(message.get(16..32)?),
        zid: *message.get(64..)?.first_chunk::<12>()?,
        hashes: list(16)?,
        ciphers: list(12)?,
        auth_tags: list(8)?,
        key_agreements: list(4)?,
        sas: list(0)?,
    })
}

fn commit(message: &[u8]) -> Option<ZrtpMessage> {
    let block = |n: usize| message.get(56 + 4 * n..60 + 4 * n).map(characters);
    Some(ZrtpMessage::Commit {
        zid: *message.get(44..)?.first_chunk::<12>()?,
        hash: block(0)?,
        cipher: block(1)?,
        auth_tag: block(2)?,
        key_agreement: block(3)?,
        sas: block(4)?,
    })
}

/// Text that is filled up with spaces (or zero bytes).
fn characters(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches([' ', '\0']).to_owned()
}

/// CRC-32C as SCTP has it (RFC 6189 §5, RFC 4960 appendix B), in the byte order of the wire.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 != 0 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
        }
    }
    (!crc).swap_bytes()
}

/// What a message is for (RFC 6189 §5.2–5.16).
pub fn title(message_type: &str) -> Option<&'static str> {
    Some(match message_type {
        "Hello" => "what I can do",
        "HelloACK" => "Hello received",
        "Commit" => "begins the key agreement",
        "DHPart1" => "public value of the responder",
        "DHPart2" => "public value of the initiator",
        "Confirm1" => "responder has the keys",
        "Confirm2" => "initiator has the keys",
        "Conf2ACK" => "keys are agreed",
        "Error" => "key agreement failed",
        "ErrorACK" => "Error received",
        "GoClear" => "asks to stop encrypting",
        "ClearACK" => "GoClear received",
        "SASrelay" => "relays the authentication string",
        "RelayACK" => "SASrelay received",
        "Ping" => "is anybody there?",
        "PingACK" => "Ping received",
        _ => return None,
    })
}

/// In words (RFC 6189 §5.9, table 11).
pub fn error_title(code: u32) -> Option<&'static str> {
    Some(match code {
        0x10 => "malformed packet",
        0x20 => "critical software error",
        0x30 => "unsupported ZRTP version",
        0x40 => "Hello components mismatch",
        0x51 => "hash type not supported",
        0x52 => "cipher type not supported",
        0x53 => "public key exchange not supported",
        0x54 => "SRTP authentication tag not supported",
        0x55 => "SAS rendering scheme not supported",
        0x56 => "no shared secret available",
        0x61 => "DH error: bad public value",
        0x62 => "DH error: hash value does not fit",
        0x63 => "relayed SAS from untrusted party",
        0x70 => "bad Confirm packet",
        0x80 => "nonce reuse",
        0x90 => "equal ZIDs in Hello",
        0x91 => "SSRC collision",
        0xA0 => "service unavailable",
        0xB0 => "protocol timeout error",
        0x100 => "GoClear received but not allowed",
        _ => return None,
    })
}
