//! PRELOGIN ([MS-TDS] §2.2.6.5): what client and server say of themselves and how they agree on encryption.
//!
//! ```text
//! token(1) offset(2) length(2) … FF, then the values; big-endian, offsets from the start of the message
//! ```

use std::ops::Range;

use super::Issues;
use crate::Issue;

/// Options kept of one message.
const MAX_OPTIONS: usize = 64;
const OPTION: usize = 5;
const TERMINATOR: u8 = 0xFF;

/// Option tokens.
pub mod option {
    pub const VERSION: u8 = 0;
    pub const ENCRYPTION: u8 = 1;
    pub const INSTOPT: u8 = 2;
    pub const THREADID: u8 = 3;
    pub const MARS: u8 = 4;
    pub const TRACEID: u8 = 5;
    pub const FEDAUTHREQUIRED: u8 = 6;
    pub const NONCEOPT: u8 = 7;
}

/// Name of an option token.
pub fn option_name(token: u8) -> Option<&'static str> {
    Some(match token {
        option::VERSION => "VERSION",
        option::ENCRYPTION => "ENCRYPTION",
        option::INSTOPT => "INSTOPT",
        option::THREADID => "THREADID",
        option::MARS => "MARS",
        option::TRACEID => "TRACEID",
        option::FEDAUTHREQUIRED => "FEDAUTHREQUIRED",
        option::NONCEOPT => "NONCEOPT",
        _ => return None,
    })
}

/// Version of the client's library or of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    pub major: u8,
    pub minor: u8,
    pub build: u16,
    /// As on the wire: its byte order is not told.
    pub sub_build: [u8; 2],
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

/// Value of ENCRYPTION.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encryption(pub u8);

impl Encryption {
    pub const OFF: Self = Self(0);
    pub const ON: Self = Self(1);
    pub const NOT_SUPPORTED: Self = Self(2);
    pub const REQUIRED: Self = Self(3);

    /// Without the bits beside it.
    pub fn wish(self) -> Self {
        Self(self.0 & 0x1F)
    }

    /// Does the client authenticate with a certificate?
    pub fn client_certificate(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// `off`, `on`, `not_supported`, `required`.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.wish() {
            Self::OFF => "off",
            Self::ON => "on",
            Self::NOT_SUPPORTED => "not_supported",
            Self::REQUIRED => "required",
            _ => return None,
        })
    }
}

/// What two ENCRYPTION values come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EncryptionOutcome {
    /// Only LOGIN7 is encrypted.
    LoginOnly,
    /// The whole connection.
    Whole,
    None,
    /// One side cannot and the other must: the connection is closed.
    Closed,
}

impl EncryptionOutcome {
    pub fn title(self) -> &'static str {
        match self {
            Self::LoginOnly => "only the login is encrypted",
            Self::Whole => "the whole connection is encrypted",
            Self::None => "nothing is encrypted",
            Self::Closed => "no agreement: the connection is closed",
        }
    }
}

/// By the table of [MS-TDS] §2.2.6.5; `None` where the values do not go together.
pub fn encryption_outcome(client: Encryption, server: Encryption) -> Option<EncryptionOutcome> {
    use Encryption as E;
    Some(match (client.wish(), server.wish()) {
        (E::OFF, E::OFF) => EncryptionOutcome::LoginOnly,
        (E::NOT_SUPPORTED, E::NOT_SUPPORTED) | (E::OFF, E::NOT_SUPPORTED) => EncryptionOutcome::None,
        (E::NOT_SUPPORTED, E::REQUIRED | E::ON) => EncryptionOutcome::Closed,
        (E::ON | E::REQUIRED, E::NOT_SUPPORTED) => EncryptionOutcome::Closed,
        (E::OFF | E::ON | E::REQUIRED, E::ON | E::REQUIRED) => EncryptionOutcome::Whole,
        _ => return None,
    })
}

/// Value of INSTOPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InstanceOption<'a> {
    /// The client asks for it; without its zero byte, empty where it does not care.
    Name(&'a [u8]),
    /// The server is this instance.
    Match,
    /// The server is another: the client should leave.
    Mismatch,
    Other(&'a [u8]),
}

/// Value of TRACEID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId {
    /// As on the wire.
    pub connection: [u8; 16],
    pub activity: [u8; 16],
    pub sequence: u32,
}

/// An option as it stands in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreloginOption<'a> {
    pub token: u8,
    /// As far as it lies in the message.
    pub value: &'a [u8],
    /// Of its header.
    pub range: Range<usize>,
    /// Of its value.
    pub value_range: Range<usize>,
}

/// A PRELOGIN taken apart; ranges count from the start of its payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prelogin<'a> {
    /// In order.
    pub options: Vec<PreloginOption<'a>>,
    pub version: Option<Version>,
    pub encryption: Option<Encryption>,
    pub instance: Option<InstanceOption<'a>>,
    pub thread_id: Option<u32>,
    /// Several requests at once over one connection.
    pub mars: Option<bool>,
    pub trace_id: Option<TraceId>,
    pub fed_auth_required: Option<bool>,
    pub nonce: Option<&'a [u8]>,
    pub issues: Vec<Issue>,
}

impl Prelogin<'_> {
    /// Did the server say that it is the instance asked for?
    pub fn instance_matches(&self) -> Option<bool> {
        match self.instance? {
            InstanceOption::Match => Some(true),
            InstanceOption::Mismatch => Some(false),
            InstanceOption::Name(_) | InstanceOption::Other(_) => None,
        }
    }
}

/// Is the beginning of a packet's body, whose whole has `length` bytes, a PRELOGIN? Its first option is VERSION.
pub fn looks_like_prelogin(body: &[u8], length: usize) -> bool {
    let mut at = 0;
    loop {
        match body.get(at..) {
            Some([TERMINATOR, ..]) => return at > 0,
            Some(&[token, high, low, size_high, size_low, ..]) => {
                let offset = usize::from(u16::from_be_bytes([high, low]));
                let size = usize::from(u16::from_be_bytes([size_high, size_low]));
                let version_first = at > 0 || (token == option::VERSION && size == 6);
                if !version_first || offset + size > length || (size > 0 && offset <= at) || at > OPTION * 16
                {
                    return false;
                }
                at += OPTION;
            }
            // Cut: the first option is enough.
            _ => return at > 0 && body.len() < length,
        }
    }
}

/// Takes the payload of a PRELOGIN apart. `from_server` tells what INSTOPT means.
pub fn parse_prelogin(payload: &[u8], from_server: bool) -> Prelogin<'_> {
    let mut out = Prelogin::default();
    let mut issues = Issues::default();
    let mut at = 0;
    loop {
        match payload.get(at..) {
            Some([TERMINATOR, ..]) => break,
            Some(&[token, high, low, size_high, size_low, ..]) => {
                let range = at..at + OPTION;
                at += OPTION;
                if out.options.len() == MAX_OPTIONS {
                    issues.add("tds-too-many-options", range, "More options than are read");
                    break;
                }
                let offset = usize::from(u16::from_be_bytes([high, low]));
                let size = usize::from(u16::from_be_bytes([size_high, size_low]));
                let end = (offset + size).min(payload.len());
                let value_range = offset.min(end)..end;
                if offset + size > payload.len() {
                    let name = option_name(token).map_or_else(|| format!("Option {token}"), str::to_owned);
                    let text = format!("{name} lies outside the message");
                    issues.add("tds-option-outside", range.clone(), text);
                }
                let value = payload.get(value_range.clone()).unwrap_or_default();
                if out.options.is_empty() && token != option::VERSION {
                    issues.add("tds-version-not-first", range.clone(), "The first option is not VERSION");
                }
                if out.options.iter().any(|o| o.token == token) {
                    issues.add("tds-repeated-option", range.clone(), "The option is there twice");
                } else {
                    out.read(token, value, value_range.clone(), from_server, &mut issues);
                }
                out.options.push(PreloginOption { token, value, range, value_range });
            }
            _ => {
                let at = at.min(payload.len());
                issues.add("tds-options-unterminated", at..payload.len(), "The options do not end with FF");
                break;
            }
        }
    }
    // A value cannot begin before the options end.
    let values = out.options.iter().filter(|o| !o.value.is_empty() && o.value_range.start <= at);
    for option in values {
        issues.add("tds-option-overlap", option.range.clone(), "The value lies among the options");
    }
    out.issues = issues.0;
    out
}

impl<'a> Prelogin<'a> {
    fn read(
        &mut self,
        token: u8,
        value: &'a [u8],
        range: Range<usize>,
        from_server: bool,
        issues: &mut Issues,
    ) {
        let complete = match token {
            option::VERSION => {
                self.version = value.first_chunk().map(|&[major, minor, high, low, a, b]| Version {
                    major,
                    minor,
                    build: u16::from_be_bytes([high, low]),
                    sub_build: [a, b],
                });
                self.version.is_some()
            }
            option::ENCRYPTION => {
                self.encryption = value.first().copied().map(Encryption);
                self.encryption.is_some_and(|e| e.name().is_some())
            }
            option::INSTOPT => {
                self.instance = Some(match value {
                    _ if !from_server => {
                        InstanceOption::Name(value.split(|b| *b == 0).next().unwrap_or_default())
                    }
                    [0] => InstanceOption::Match,
                    [1] => InstanceOption::Mismatch,
                    other => InstanceOption::Other(other),
                });
                // An empty value of a server says nothing.
                from_server || value.last() == Some(&0)
            }
            option::THREADID => {
                self.thread_id = value.first_chunk().map(|b| u32::from_le_bytes(*b));
                self.thread_id.is_some() || value.is_empty()
            }
            option::MARS => {
                self.mars = flag(value);
                self.mars.is_some()
            }
            option::TRACEID => {
                self.trace_id = trace_id(value);
                self.trace_id.is_some() || value.is_empty()
            }
            option::FEDAUTHREQUIRED => {
                self.fed_auth_required = flag(value);
                self.fed_auth_required.is_some()
            }
            option::NONCEOPT => {
                self.nonce = Some(value);
                value.len() == 32
            }
            _ => true,
        };
        if !complete {
            let name = option_name(token).unwrap_or_default();
            issues.add("tds-bad-option", range, format!("{name} has no value that it can have"));
        }
    }
}

fn flag(value: &[u8]) -> Option<bool> {
    match value {
        [0] => Some(false),
        [1] => Some(true),
        _ => None,
    }
}

fn trace_id(value: &[u8]) -> Option<TraceId> {
    let (connection, rest) = value.split_first_chunk()?;
    let (activity, rest) = rest.split_first_chunk()?;
    let sequence = u32::from_le_bytes(*rest.first_chunk()?);
    Some(TraceId { connection: *connection, activity: *activity, sequence })
}
