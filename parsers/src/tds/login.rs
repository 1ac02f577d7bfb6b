//! LOGIN7 in clear ([MS-TDS] §2.2.6.4), and the login record before TDS 7. The password is only told to be there, and where, so that it can be redacted.
//!
//! ```text
//! length(4) version(4) packet size(4) program version(4) pid(4) connection(4) flags(4) time zone(4) locale(4)
//! offset(2) length(2)    for host, user, password, program, server, extension, library, language, database
//! client id(6)           offset(2) length(2) for SSPI, attached file, new password; length(4) of long SSPI
//! ```
//!
//! Integers are little-endian, offsets count from the start of the message, lengths characters of UTF-16 (bytes for
//! the extension and SSPI).

use std::ops::Range;

use super::{Issues, utf16};
use crate::Issue;

/// Length of the part before the offsets.
const FIXED: usize = 36;
/// Longest text of a field in characters (§2.2.6.4; 128 for all but the attached file).
const MAX_TEXT: usize = 260;

/// A login taken apart; ranges count from the start of its payload. Text that is empty on the wire is empty here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Login7 {
    /// See [`super::tds_version_name`].
    pub tds_version: u32,
    pub packet_size: u32,
    /// Of the client's library: major, minor, build.
    pub program_version: u32,
    pub process_id: u32,
    pub connection_id: u32,
    pub host: String,
    pub user: String,
    pub program: String,
    pub server: String,
    pub library: String,
    pub language: String,
    pub database: String,
    /// Usually a MAC address.
    pub client_id: [u8; 6],
    /// With the operating system's account (NTLM or Kerberos) instead of user and password.
    pub integrated: bool,
    /// With a token of a directory service (the feature extension FEDAUTH).
    pub federated: bool,
    /// Is there a password?
    pub has_password: bool,
    /// Where passwords (hidden by a fixed transformation only) and authentication data stand.
    pub secrets: Vec<Range<usize>>,
    pub issues: Vec<Issue>,
}

fn u32_at(payload: &[u8], at: usize) -> Option<u32> {
    payload.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

fn u16_at(payload: &[u8], at: usize) -> Option<usize> {
    payload.get(at..)?.first_chunk().map(|b| usize::from(u16::from_le_bytes(*b)))
}

/// Is the beginning of a packet's body a LOGIN7? Its own length, a known version and the first offset tell.
pub fn looks_like_login7(body: &[u8]) -> bool {
    let length = u32_at(body, 0).unwrap_or_default();
    let version = u32_at(body, 4).unwrap_or_default();
    let first = u16_at(body, FIXED).unwrap_or_default();
    (86..0x2_0000).contains(&length)
        && matches!(version >> 24, 0x70..=0x74 | 0x08)
        && (86..=length as usize).contains(&first)
}

/// Takes the payload of a LOGIN7 message apart.
pub fn parse_login7(payload: &[u8]) -> Login7 {
    let mut issues = Issues::default();
    let number = |at| u32_at(payload, at).unwrap_or_default();
    let mut out = Login7 {
        tds_version: number(4),
        packet_size: number(8),
        program_version: number(12),
        process_id: number(16),
        connection_id: number(20),
        integrated: payload.get(25).is_some_and(|flags| flags & 0x80 != 0),
        client_id: payload.get(72..).and_then(|b| b.first_chunk()).copied().unwrap_or_default(),
        ..Login7::default()
    };
    if payload.len() < FIXED + 50 {
        issues.add("tds-login-cut", 0..payload.len(), "The login is shorter than its fixed part");
    }
    match u32_at(payload, 0) {
        Some(length) if length as usize != payload.len() => {
            let text = format!("The login says it has {length} bytes, there are {}", payload.len());
            issues.add("tds-login-length", 0..4, text);
        }
        _ => {}
    }
    let mut reader = Fields { payload, issues: &mut issues };
    out.host = reader.text(36, "The host name");
    out.user = reader.text(40, "The user name");
    out.program = reader.text(48, "The program's name");
    out.server = reader.text(52, "The server's name");
    out.library = reader.text(60, "The library's name");
    out.language = reader.text(64, "The language");
    out.database = reader.text(68, "The database");
    let password = reader.field(44, 2, "The password");
    let sspi = reader.field(78, 1, "The authentication data");
    // Only since TDS 7.2, whose texts begin behind it.
    let has_change = u16_at(payload, FIXED).is_some_and(|first| first >= 94);
    let changed = if has_change { reader.field(86, 2, "The new password") } else { 0..0 };
    out.integrated |= !sspi.is_empty();
    out.has_password = !password.is_empty();
    let token = federated_token(payload);
    out.federated = token.is_some();
    out.secrets =
        [password, sspi, changed, token.unwrap_or_default()].into_iter().filter(|r| !r.is_empty()).collect();
    out.secrets.sort_by_key(|r| r.start);
    out.issues = issues.0;
    out
}

/// Data of the FEDAUTH feature: the extension field points to the offset of a list of id(1), length(4), data … FF.
fn federated_token(payload: &[u8]) -> Option<Range<usize>> {
    const EXTENSION_FLAG: u8 = 0x10;
    const FEDAUTH: u8 = 2;
    if payload.get(27)? & EXTENSION_FLAG == 0 {
        return None;
    }
    let mut at = u32_at(payload, u16_at(payload, 56)?)? as usize;
    // No client sends more than a dozen.
    for _ in 0..64 {
        let feature = *payload.get(at)?;
        let length = u32_at(payload, at + 1)? as usize;
        let start = at + 5;
        let end = start.checked_add(length)?;
        match feature {
            0xFF => return None,
            FEDAUTH => return Some(start.min(payload.len())..end.min(payload.len())),
            _ => at = end,
        }
    }
    None
}

/// Login record of TDS 4.2 and 5.0: fields of fixed places, each with a byte of length behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OldLogin {
    pub host: String,
    pub user: String,
    pub program: String,
    pub server: String,
    pub library: String,
    /// See [`super::tds_version_name`].
    pub tds_version: u32,
    pub has_password: bool,
    /// Where passwords stand in clear in the payload.
    pub secrets: Vec<Range<usize>>,
}

/// Takes the payload of a login before TDS 7 apart, as far as it goes.
pub fn parse_old_login(payload: &[u8]) -> OldLogin {
    // All that is there where the record ends before the length.
    let place = |at: usize, room: usize| {
        let length = payload.get(at + room).map_or(room, |n| usize::from(*n).min(room));
        at.min(payload.len())..(at + length).min(payload.len())
    };
    let text = |at, room| {
        let bytes = payload.get(place(at, room)).unwrap_or_default();
        bytes.iter().map(|b| char::from(*b)).collect::<String>()
    };
    let password = place(62, 30);
    // With the names of other servers; the whole field, since its parts have lengths of their own.
    let remote = place(202, 255);
    OldLogin {
        host: text(0, 30),
        user: text(31, 30),
        program: text(140, 30),
        server: text(171, 30),
        library: text(462, 10),
        tds_version: payload.get(458..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_be_bytes(*b)),
        has_password: !password.is_empty(),
        secrets: [password, remote].into_iter().filter(|r| !r.is_empty()).collect(),
    }
}

struct Fields<'a, 'i> {
    payload: &'a [u8],
    issues: &'i mut Issues,
}

impl Fields<'_, '_> {
    /// Place of a field whose offset and length stand at `at`; cut to what is there.
    fn field(&mut self, at: usize, unit: usize, what: &str) -> Range<usize> {
        let (Some(offset), Some(length)) = (u16_at(self.payload, at), u16_at(self.payload, at + 2)) else {
            return 0..0;
        };
        let end = offset + length * unit;
        if length > 0 && end > self.payload.len() {
            let text = format!("{what} lies outside the login");
            self.issues.add("tds-login-field-outside", at..at + 4, text);
        }
        let end = end.min(self.payload.len());
        offset.min(end)..end
    }

    fn text(&mut self, at: usize, what: &str) -> String {
        let range = self.field(at, 2, what);
        let bytes = self.payload.get(range).unwrap_or_default();
        if bytes.len() > 2 * MAX_TEXT {
            self.issues.add("tds-login-long-field", at..at + 4, format!("{what} is longer than allowed"));
        }
        utf16(bytes.get(..2 * MAX_TEXT).unwrap_or(bytes))
    }
}
