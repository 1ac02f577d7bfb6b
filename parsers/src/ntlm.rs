//! What the `gssapi-data` parameter of SIP authentication carries: NTLM messages ([MS-NLMP] §2.2.1), GSS-API tokens of
//! Kerberos and SPNEGO (RFC 2743 §3.1, RFC 4120, RFC 4178), TLS records (TLS-DSK); all in base64.
//!
//! ```text
//! 0  "NTLMSSP\0"  8 type(4)
//! 1 NEGOTIATE     12 flags  16 domain  24 workstation  32 version
//! 2 CHALLENGE     12 target name  20 flags  24 challenge(8)  32 reserved(8)  40 target info  48 version
//! 3 AUTHENTICATE  12 LM response  20 NT response  28 domain  36 user  44 workstation  52 session key  60 flags
//!                 64 version  72 integrity code(16)
//! field: length(2) allocated(2) offset(4)         AV pair: id(2) length(2) value
//! ```
//!
//! Integers are little-endian. Challenge, responses, session key and integrity code are passed over: only their lengths
//! are kept. Accepted beyond the letter: fields outside of the message, a message that is cut, target information
//! without its end.

use std::fmt;
use std::ops::Range;

use crate::Issue;
use crate::mime::decode_base64;

mod gss;
mod read;
#[cfg(test)]
mod tests;

pub use gss::{GssMechanism, GssToken};
pub use read::parse_ntlm;

/// First bytes of every NTLM message.
pub const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// Characters of `gssapi-data` that are read.
pub const MAX_DATA: usize = 64 << 10;
/// AV pairs kept of one message.
pub const MAX_PAIRS: usize = 64;
/// Issues kept of one message.
const MAX_ISSUES: usize = 32;

/// What `gssapi-data` carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GssapiData {
    /// Nothing: the first round of NTLM over SIP, which has no NEGOTIATE message.
    Empty,
    Ntlm(Ntlm),
    Gss(GssToken),
    /// TLS-DSK: the records' content types in words, in order.
    Tls(Vec<&'static str>),
    /// Something else, of so many bytes.
    Unknown(usize),
    /// No base64.
    NotBase64,
}

impl GssapiData {
    /// The mechanism by name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Ntlm(_) => "NTLM",
            Self::Gss(token) => token.mechanism.name(),
            Self::Tls(_) => "TLS-DSK",
            Self::Unknown(_) => "unknown",
            Self::NotBase64 => "no base64",
        }
    }
}

/// Reads the value of the parameter, with or without its quotes.
pub fn parse_gssapi_data(value: &str) -> GssapiData {
    let value = value.trim();
    let value = value.strip_prefix('"').unwrap_or(value);
    let value = value.strip_suffix('"').unwrap_or(value).trim().as_bytes();
    if value.is_empty() {
        return GssapiData::Empty;
    }
    let (bytes, good) = decode_base64(value.get(..MAX_DATA).unwrap_or(value));
    if let Some(ntlm) = parse_ntlm(&bytes) {
        return GssapiData::Ntlm(ntlm);
    }
    if let Some(token) = gss::parse(&bytes) {
        return GssapiData::Gss(token);
    }
    if let Some(records) = gss::tls_records(&bytes) {
        return GssapiData::Tls(records);
    }
    if good { GssapiData::Unknown(bytes.len()) } else { GssapiData::NotBase64 }
}

/// NegotiateFlags ([MS-NLMP] §2.2.2.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flags(pub u32);

const FLAGS: &[(u32, &str, &str)] = &[
    (0x0000_0001, "NTLMSSP_NEGOTIATE_UNICODE", "text is Unicode"),
    (0x0000_0002, "NTLM_NEGOTIATE_OEM", "text is in a code page"),
    (0x0000_0004, "NTLMSSP_REQUEST_TARGET", "the server's name is asked for"),
    (0x0000_0010, "NTLMSSP_NEGOTIATE_SIGN", "messages are signed"),
    (0x0000_0020, "NTLMSSP_NEGOTIATE_SEAL", "messages are encrypted"),
    (0x0000_0040, "NTLMSSP_NEGOTIATE_DATAGRAM", "connectionless: no NEGOTIATE message"),
    (0x0000_0080, "NTLMSSP_NEGOTIATE_LM_KEY", "LAN Manager session key"),
    (0x0000_0200, "NTLMSSP_NEGOTIATE_NTLM", "NTLM"),
    (0x0000_0800, "NTLMSSP_ANONYMOUS", "anonymous"),
    (0x0000_1000, "NTLMSSP_NEGOTIATE_OEM_DOMAIN_SUPPLIED", "the client's domain is there"),
    (0x0000_2000, "NTLMSSP_NEGOTIATE_OEM_WORKSTATION_SUPPLIED", "the client's computer is there"),
    (0x0000_8000, "NTLMSSP_NEGOTIATE_ALWAYS_SIGN", "a signature is always there"),
    (0x0001_0000, "NTLMSSP_TARGET_TYPE_DOMAIN", "the target is a domain"),
    (0x0002_0000, "NTLMSSP_TARGET_TYPE_SERVER", "the target is a server"),
    (0x0008_0000, "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY", "extended session security"),
    (0x0010_0000, "NTLMSSP_NEGOTIATE_IDENTIFY", "identify only"),
    (0x0040_0000, "NTLMSSP_REQUEST_NON_NT_SESSION_KEY", "LAN Manager session key is asked for"),
    (0x0080_0000, "NTLMSSP_NEGOTIATE_TARGET_INFO", "the server tells about itself"),
    (0x0200_0000, "NTLMSSP_NEGOTIATE_VERSION", "the version is there"),
    (0x2000_0000, "NTLMSSP_NEGOTIATE_128", "128-bit keys"),
    (0x4000_0000, "NTLMSSP_NEGOTIATE_KEY_EXCH", "a session key is exchanged"),
    (0x8000_0000, "NTLMSSP_NEGOTIATE_56", "56-bit keys"),
];

impl Flags {
    pub const UNICODE: u32 = 0x0000_0001;
    pub const DATAGRAM: u32 = 0x0000_0040;
    pub const VERSION: u32 = 0x0200_0000;

    pub fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// Name and words of each bit that is set and known.
    pub fn words(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        FLAGS.iter().filter(move |(bit, ..)| self.has(*bit)).map(|&(_, name, words)| (name, words))
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// VERSION ([MS-NLMP] §2.2.2.10): that of the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    pub major: u8,
    pub minor: u8,
    pub build: u16,
    /// 15 since Windows XP.
    pub revision: u8,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

/// An NTLM message taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ntlm {
    pub message: Message,
    pub flags: Flags,
    pub version: Option<Version>,
    /// Ranges are of the decoded bytes.
    pub issues: Vec<Issue>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Negotiate {
        domain: Option<String>,
        workstation: Option<String>,
    },
    Challenge {
        /// Domain or server, as the flags say.
        target: Option<String>,
        info: Vec<AvPair>,
    },
    Authenticate {
        domain: Option<String>,
        user: Option<String>,
        workstation: Option<String>,
        /// Bytes of the responses and of the session key, which are not kept.
        lm_response: usize,
        nt_response: usize,
        session_key: usize,
        /// What the client knows of the server, inside an NTLMv2 response.
        info: Vec<AvPair>,
    },
    /// A type that is none of the protocol's.
    Other(u32),
}

impl Message {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Negotiate { .. } => "NEGOTIATE",
            Self::Challenge { .. } => "CHALLENGE",
            Self::Authenticate { .. } => "AUTHENTICATE",
            Self::Other(_) => "unknown",
        }
    }

    /// MessageType.
    pub fn number(&self) -> u32 {
        match self {
            Self::Negotiate { .. } => 1,
            Self::Challenge { .. } => 2,
            Self::Authenticate { .. } => 3,
            Self::Other(number) => *number,
        }
    }

    /// Of AUTHENTICATE: how it answers, told by the length of the response ([MS-NLMP] §2.2.2.6 to §2.2.2.8).
    pub fn response_kind(&self) -> Option<&'static str> {
        let Self::Authenticate { nt_response, lm_response, .. } = self else {
            return None;
        };
        Some(match (nt_response, lm_response) {
            (0, 0 | 1) => "anonymous",
            (0, _) => "LAN Manager",
            (1..=24, _) => "NTLMv1",
            _ => "NTLMv2",
        })
    }
}

/// One AV_PAIR ([MS-NLMP] §2.2.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvPair {
    pub id: u16,
    pub value: AvValue,
    /// Of the decoded bytes.
    pub range: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AvValue {
    Text(String),
    Flags(u32),
    /// Hundreds of nanoseconds since 1601.
    Time(u64),
    /// Bytes that are not kept.
    Other(usize),
}

impl AvPair {
    /// As in the specification; `None` for ids that are none of its.
    pub fn name(&self) -> Option<&'static str> {
        Some(match self.id {
            1 => "MsvAvNbComputerName",
            2 => "MsvAvNbDomainName",
            3 => "MsvAvDnsComputerName",
            4 => "MsvAvDnsDomainName",
            5 => "MsvAvDnsTreeName",
            6 => "MsvAvFlags",
            7 => "MsvAvTimestamp",
            8 => "MsvAvSingleHost",
            9 => "MsvAvTargetName",
            10 => "MsvAvChannelBindings",
            _ => return None,
        })
    }

    /// In words.
    pub fn title(&self) -> &'static str {
        match self.id {
            1 => "computer of the server, NetBIOS name",
            2 => "domain of the server, NetBIOS name",
            3 => "computer of the server, DNS name",
            4 => "domain of the server, DNS name",
            5 => "forest of the server",
            6 => "flags of the account",
            7 => "clock of the server",
            8 => "identity of the client's computer",
            9 => "name of the service as the client has it",
            10 => "binding to the TLS connection",
            _ => "unknown",
        }
    }

    /// Of a time stamp: seconds and nanoseconds since 1970.
    pub fn unix_time(&self) -> Option<(i64, u32)> {
        let AvValue::Time(ticks) = self.value else {
            return None;
        };
        let seconds = i64::try_from(ticks / 10_000_000).ok()? - 11_644_473_600;
        Some((seconds, (ticks % 10_000_000) as u32 * 100))
    }
}
