//! Tabular Data Stream ([MS-TDS]) as far as it tells how a connection to SQL Server begins: packets, PRELOGIN, LOGIN7 in
//! clear, and the answer's first tokens.
//!
//! ```text
//! type(1) status(1) length(2) spid(2) packet(1) window(1)   length counts these 8 bytes; big-endian      (§2.2.3.1)
//! ```
//!
//! A message goes on over packets until one has the end-of-message bit. TLS is agreed in PRELOGIN and its handshake
//! records travel inside PRELOGIN packets (of old servers, inside packets of type 4); later records stand bare on the
//! connection. With encryption of the login only, packets in clear come back after it. TDS 8.0 begins with TLS.

pub mod login;
pub mod prelogin;
mod reader;
#[cfg(test)]
mod tests;
pub mod token;

pub use login::{Login7, OldLogin, looks_like_login7, parse_login7, parse_old_login};
pub use prelogin::{
    Encryption, EncryptionOutcome, InstanceOption, Prelogin, encryption_outcome, looks_like_prelogin,
    parse_prelogin,
};
pub use reader::{TdsContent, TdsEvent, TdsMessage, TdsReader};
pub use token::{EnvChange, LoginAck, ServerMessage, Token, Tokens, error_title, parse_tokens};

/// Size of a packet's header.
pub const HEADER: usize = 8;

/// Type of a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PacketType(pub u8);

impl PacketType {
    pub const SQL_BATCH: Self = Self(1);
    /// TDS 4.2 and 5.0.
    pub const OLD_LOGIN: Self = Self(2);
    pub const RPC: Self = Self(3);
    pub const TABULAR_RESULT: Self = Self(4);
    pub const ATTENTION: Self = Self(6);
    pub const BULK_LOAD: Self = Self(7);
    pub const FEDERATED_AUTHENTICATION: Self = Self(8);
    pub const TRANSACTION_MANAGER: Self = Self(14);
    /// TDS 5.0.
    pub const NORMAL: Self = Self(15);
    pub const LOGIN7: Self = Self(16);
    pub const SSPI: Self = Self(17);
    pub const PRELOGIN: Self = Self(18);

    /// `None` for types the specification does not have.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::SQL_BATCH => "SQL batch",
            Self::OLD_LOGIN => "login (before TDS 7)",
            Self::RPC => "RPC",
            Self::TABULAR_RESULT => "tabular result",
            Self::ATTENTION => "attention",
            Self::BULK_LOAD => "bulk load",
            Self::FEDERATED_AUTHENTICATION => "federated authentication token",
            Self::TRANSACTION_MANAGER => "transaction manager",
            Self::NORMAL => "TDS 5 tokens",
            Self::LOGIN7 => "LOGIN7",
            Self::SSPI => "SSPI",
            Self::PRELOGIN => "PRELOGIN",
            _ => return None,
        })
    }
}

/// Status bits of a packet.
pub mod status {
    pub const END_OF_MESSAGE: u8 = 0x01;
    pub const IGNORE: u8 = 0x02;
    pub const RESET_CONNECTION: u8 = 0x08;
    pub const RESET_KEEP_TRANSACTION: u8 = 0x10;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketHeader {
    pub kind: PacketType,
    /// See [`status`].
    pub status: u8,
    /// With the header; 8 or more.
    pub length: u16,
    pub spid: u16,
    pub packet_id: u8,
    pub window: u8,
}

/// What stands at the beginning of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TdsFrame {
    /// A whole packet of [`PacketHeader::length`] bytes.
    Packet(PacketHeader),
    /// At least so many bytes in all are needed.
    NeedMore(usize),
    /// No packet can begin so; why.
    Reject(&'static str),
}

/// Reads a packet's header; an error says why it can be none.
pub fn parse_header(header: [u8; HEADER]) -> Result<PacketHeader, &'static str> {
    let [kind, status, high, low, spid_high, spid_low, packet_id, window] = header;
    let length = u16::from_be_bytes([high, low]);
    if PacketType(kind).name().is_none() {
        return Err("unknown packet type");
    }
    if usize::from(length) < HEADER {
        return Err("the length is less than the header's");
    }
    let spid = u16::from_be_bytes([spid_high, spid_low]);
    Ok(PacketHeader { kind: PacketType(kind), status, length, spid, packet_id, window })
}

/// Finds the packet at the beginning of a buffer; never allocates.
pub fn frame_packet(buf: &[u8]) -> TdsFrame {
    match buf.first_chunk() {
        Some(header) => match parse_header(*header) {
            Ok(header) if usize::from(header.length) > buf.len() => TdsFrame::NeedMore(header.length.into()),
            Ok(header) => TdsFrame::Packet(header),
            Err(why) => TdsFrame::Reject(why),
        },
        None if buf.first().is_some_and(|kind| PacketType(*kind).name().is_none()) => {
            TdsFrame::Reject("unknown packet type")
        }
        None => TdsFrame::NeedMore(HEADER),
    }
}

/// Does a connection that begins so speak TDS? Only what a client or server says first is looked at: PRELOGIN, its
/// answer, a login. A PRELOGIN may be cut behind its options.
pub fn looks_like_tds(buf: &[u8]) -> bool {
    let Some(&[kind, status, high, low, _, _, _, window]) = buf.first_chunk::<HEADER>() else {
        return false;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let body = buf.get(HEADER..length.clamp(HEADER, buf.len().max(HEADER))).unwrap_or_default();
    if length <= HEADER || status & !0x1B != 0 || window != 0 {
        return false;
    }
    match PacketType(kind) {
        PacketType::PRELOGIN | PacketType::TABULAR_RESULT => looks_like_prelogin(body, length - HEADER),
        PacketType::LOGIN7 => looks_like_login7(body),
        // TDS 5: 512 bytes a packet, host name with its length behind 30 bytes.
        PacketType::OLD_LOGIN => length == 512 && body.get(30).is_some_and(|n| *n <= 30),
        _ => false,
    }
}

/// `7.4` of 0x74000004. In LOGIN7 the number is little-endian, in LOGINACK big-endian.
pub fn tds_version_name(version: u32) -> Option<&'static str> {
    Some(match version {
        0x0200_0000 | 0x0402_0000 => "4.2",
        0x0500_0000 => "5.0",
        0x0700_0000 | 0x7000_0000 => "7.0",
        0x0701_0000 | 0x7100_0000 | 0x7100_0001 => "7.1",
        0x7209_0002 => "7.2",
        0x730A_0003 => "7.3A",
        0x730B_0003 => "7.3B",
        0x7400_0004 => "7.4",
        0x0800_0000 => "8.0",
        _ => return None,
    })
}

/// Text of UTF-16, little-endian; what is no text becomes U+FFFD.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    crate::utf16::decode_utf16(bytes, false).0
}

/// Issues kept of one message.
const MAX_ISSUES: usize = 32;

type Issues = crate::issue::Issues<MAX_ISSUES>;
