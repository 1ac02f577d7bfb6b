//! SQL Server Resolution Protocol ([MC-SQLR]), UDP port 1434: which TCP port or pipe an instance listens on.
//!
//! ```text
//! 02                       CLNT_BCAST_EX    all servers           (§2.2.1)
//! 03                       CLNT_UCAST_EX    all instances         (§2.2.2)
//! 04 name 00               CLNT_UCAST_INST  one instance          (§2.2.3)
//! 0F version(1) name 00    CLNT_UCAST_DAC   administrator's port  (§2.2.4)
//! 05 size(2) data          SVR_RESP         size is that of data  (§2.2.5)
//! 05 06 00 version(1) port(2)               size is that of all   (§2.2.6)
//! ```
//!
//! Integers are little-endian, text is in the server's code page. The data of an answer is `key;value;…;;`, instance
//! after instance. It is walked word by word: an empty value gives `;;` too, so only the key `ServerName` begins an
//! instance.
//!
//! Accepted beyond the letter: a size that lies, protocols in any order, repeated, unknown or empty, keys in any case, a
//! name without its zero byte, an end anywhere.

use crate::Issue;

mod answer;
#[cfg(test)]
mod tests;

pub use answer::{Instance, Protocol, ProtocolKind, Response, ResponseBody, Value};

/// UDP port of the server.
pub const PORT: u16 = 1434;
/// Longest instance name in a question, without its zero byte.
pub const MAX_NAME: usize = 32;
/// Issues kept of one message.
const MAX_ISSUES: usize = 32;

mod kind {
    pub const BCAST_EX: u8 = 0x02;
    pub const UCAST_EX: u8 = 0x03;
    pub const UCAST_INST: u8 = 0x04;
    pub const SVR_RESP: u8 = 0x05;
    pub const UCAST_DAC: u8 = 0x0F;
}

/// Which question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    BroadcastEx,
    UnicastEx,
    UnicastInstance,
    UnicastDac,
}

impl RequestKind {
    /// As in the specification.
    pub fn name(self) -> &'static str {
        match self {
            Self::BroadcastEx => "CLNT_BCAST_EX",
            Self::UnicastEx => "CLNT_UCAST_EX",
            Self::UnicastInstance => "CLNT_UCAST_INST",
            Self::UnicastDac => "CLNT_UCAST_DAC",
        }
    }

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Self::BroadcastEx => "which servers and instances are there?",
            Self::UnicastEx => "which instances do you have?",
            Self::UnicastInstance => "where does this instance listen?",
            Self::UnicastDac => "where does the administrator's connection of this instance listen?",
        }
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    pub kind: RequestKind,
    /// Without its zero byte; `None` where the kind has none. Compared without regard to case by servers.
    pub instance: Option<Value<'a>>,
    /// Of CLNT_UCAST_DAC; 1.
    pub version: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlrMessage<'a> {
    Request(Request<'a>),
    Response(Response<'a>),
}

/// Known hostile traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// The worm of January 2003.
    Slammer,
    /// A name far beyond what a server takes: an attempt at a buffer overrun.
    OverlongName,
}

impl Pattern {
    pub fn title(self) -> &'static str {
        match self {
            Self::Slammer => "SQL Slammer signature",
            Self::OverlongName => "overlong instance name",
        }
    }
}

/// A datagram taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sqlr<'a> {
    pub message: SqlrMessage<'a>,
    pub pattern: Option<Pattern>,
    pub issues: Vec<Issue>,
}

impl Sqlr<'_> {
    /// Does an issue make it malformed, not merely odd?
    pub fn is_malformed(&self) -> bool {
        const ODD: [&str; 7] = [
            // Some clients leave the zero byte out, and servers answer them.
            "sqlr-name-unterminated",
            "sqlr-trailing-bytes",
            "sqlr-unknown-key",
            "sqlr-repeated-key",
            "sqlr-repeated-protocol",
            "sqlr-long-value",
            "sqlr-long-instance",
        ];
        self.issues.iter().any(|i| !ODD.contains(&i.code))
    }
}

/// Is it this protocol by its content alone, on whatever port? The questions of one byte and names alone cannot tell;
/// see [`may_be_sqlr`].
pub fn looks_like_sqlr(payload: &[u8]) -> bool {
    const KEY: &[u8] = b"ServerName;";
    match payload {
        [kind::SVR_RESP, 6, 0, 1, _, _] => true,
        [kind::SVR_RESP, _, _, data @ ..] => {
            data.get(..KEY.len()).is_some_and(|k| k.eq_ignore_ascii_case(KEY))
        }
        [kind::UCAST_INST, ..] => is_slammer(payload),
        _ => false,
    }
}

/// Can it be this protocol, given that it goes to port 1434 (`to_server`) or comes from it?
pub fn may_be_sqlr(payload: &[u8], to_server: bool) -> bool {
    match payload {
        [kind::BCAST_EX | kind::UCAST_EX] => to_server,
        // Names begin with no control character.
        [kind::UCAST_INST, first, ..] => {
            to_server && (*first >= 0x20 || payload.len() == 2 || is_slammer(payload))
        }
        [kind::UCAST_DAC, version, ..] => to_server && *version <= 2,
        [kind::UCAST_INST | kind::UCAST_DAC] => to_server,
        [kind::SVR_RESP, ..] => !to_server,
        _ => false,
    }
}

/// Takes a datagram apart; `None` where its first byte is none of the protocol's.
pub fn parse_sqlr(payload: &[u8]) -> Option<Sqlr<'_>> {
    let (&first, rest) = payload.split_first()?;
    let mut issues = Issues::default();
    let mut pattern = None;
    let message = match first {
        kind::BCAST_EX | kind::UCAST_EX => {
            if !rest.is_empty() {
                issues.add(
                    "sqlr-trailing-bytes",
                    1..payload.len(),
                    "The question is one byte and more follows",
                );
            }
            let kind =
                if first == kind::BCAST_EX { RequestKind::BroadcastEx } else { RequestKind::UnicastEx };
            SqlrMessage::Request(Request { kind, instance: None, version: None })
        }
        kind::UCAST_INST => {
            let instance = instance_name(payload, 1, &mut issues);
            if is_slammer(payload) {
                pattern = Some(Pattern::Slammer);
            } else if instance.bytes.len() > 2 * MAX_NAME {
                pattern = Some(Pattern::OverlongName);
            }
            let kind = RequestKind::UnicastInstance;
            SqlrMessage::Request(Request { kind, instance: Some(instance), version: None })
        }
        kind::UCAST_DAC => {
            let version = rest.first().copied();
            if version.is_none() {
                issues.add("sqlr-cut", 1..1, "The protocol version is missing");
            } else if version != Some(1) {
                issues.add("sqlr-version", 1..2, "The protocol version is not 1");
            }
            let instance = version.map(|_| instance_name(payload, 2, &mut issues));
            SqlrMessage::Request(Request { kind: RequestKind::UnicastDac, instance, version })
        }
        kind::SVR_RESP => SqlrMessage::Response(answer::parse(payload, &mut issues)),
        _ => return None,
    };
    Some(Sqlr { message, pattern, issues: issues.0 })
}

type Issues = crate::issue::Issues<MAX_ISSUES>;

/// Name from `at` up to its zero byte.
fn instance_name<'a>(payload: &'a [u8], at: usize, issues: &mut Issues) -> Value<'a> {
    let rest = payload.get(at..).unwrap_or_default();
    let length = memchr::memchr(0, rest).unwrap_or(rest.len());
    let range = at..at + length;
    let value = Value { bytes: rest.get(..length).unwrap_or_default(), range: range.clone() };
    if length == 0 {
        issues.add("sqlr-no-name", at..payload.len(), "The instance has no name");
    }
    if length > MAX_NAME {
        issues.add("sqlr-long-name", range.clone(), "The instance name is longer than 32 bytes");
    }
    if length == rest.len() {
        issues.add("sqlr-name-unterminated", range.end..range.end, "The name does not end with a zero byte");
    } else if range.end + 1 < payload.len() {
        issues.add("sqlr-trailing-bytes", range.end + 1..payload.len(), "Bytes follow the name");
    }
    value
}

/// 376 bytes of 04 01 01 01 … as in the advisories, or what intrusion detection rules look for.
fn is_slammer(payload: &[u8]) -> bool {
    const CODE: &[u8] = &[0x81, 0xF1, 0x03, 0x01, 0x04, 0x9B, 0x81, 0xF1, 0x01];
    let has = |what: &[u8]| memchr::memmem::find(payload, what).is_some();
    payload.first() == Some(&kind::UCAST_INST)
        && ((payload.len() == 376 && payload.starts_with(&[4, 1, 1, 1]))
            || (has(CODE) && has(b"sock") && has(b"send")))
}

/// How many bytes a server sends for each byte of the question. Many questions of one byte from one source with large
/// answers are an attack on that source (reflection).
pub fn amplification(request_bytes: usize, response_bytes: usize) -> f64 {
    response_bytes as f64 / request_bytes.max(1) as f64
}

/// The product that a version number means: 9.00.4035.00 → SQL Server 2005.
pub fn product_of_version(version: &str) -> Option<&'static str> {
    let mut parts = version.trim().split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().map_or(Some(0), |m| m.parse().ok())?;
    product(major, minor)
}

/// The product of a major and minor version number.
pub fn product(major: u8, minor: u8) -> Option<&'static str> {
    Some(match (major, minor) {
        (8, _) => "SQL Server 2000",
        (9, _) => "SQL Server 2005",
        (10, 50) => "SQL Server 2008 R2",
        (10, _) => "SQL Server 2008",
        (11, _) => "SQL Server 2012",
        (12, _) => "SQL Server 2014",
        (13, _) => "SQL Server 2016",
        (14, _) => "SQL Server 2017",
        (15, _) => "SQL Server 2019",
        (16, _) => "SQL Server 2022",
        (17, _) => "SQL Server 2025",
        _ => return None,
    })
}

/// Text in code page 1252, the usual one of Western servers; which one a server uses is not told.
pub fn code_page_1252(bytes: &[u8]) -> String {
    /// 0x80 to 0x9F.
    const HIGH: [char; 32] = [
        '€', '\u{FFFD}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{FFFD}', 'Ž', '\u{FFFD}',
        '\u{FFFD}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{FFFD}', 'ž', 'Ÿ',
    ];
    let high = |b: u8| b.checked_sub(0x80).and_then(|n| HIGH.get(usize::from(n)).copied());
    bytes.iter().map(|&b| high(b).unwrap_or(char::from(b))).collect()
}
