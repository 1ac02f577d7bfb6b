//! Message types: class and method, and the dialect they are read in.

use std::borrow::Cow;

/// Which rules a message is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// RFC 5389, RFC 8489 and TURN upon them: the cookie stands in the header.
    Rfc5389,
    /// RFC 3489 and early TURN drafts: a transaction id of 16 bytes.
    Classic,
    /// [MS-TURN], on draft-rosenberg-midcom-turn-08: the first attribute is MAGIC-COOKIE.
    MsTurn,
    /// [MS-ICE], ICE draft-06 (Communicator 2007): checks on RFC 3489 messages. MSN's clients send the same.
    MsIce,
    /// [MS-ICE2], ICE draft-19 (Communicator 2007 R2 on), as sent by Windows Live Messenger 2009 too.
    MsIce2,
    /// Google's checks on RFC 3489 messages, without integrity, and its relay.
    Google,
}

impl Dialect {
    /// For a table: `RFC 8489`, `RFC 3489`, `MS-TURN`, `MS-ICE`, `MS-ICE2`, `Google`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc5389 => "RFC 8489",
            Self::Classic => "RFC 3489",
            Self::MsTurn => "MS-TURN",
            Self::MsIce => "MS-ICE",
            Self::MsIce2 => "MS-ICE2",
            Self::Google => "Google",
        }
    }

    /// Are types and attributes numbered as in the TURN drafts before RFC 5766 (Send 4, Data 5, Set Active
    /// Destination 6; addresses not XORed)?
    #[inline]
    pub fn is_old_turn(self) -> bool {
        !matches!(self, Self::Rfc5389 | Self::MsIce2)
    }

    /// Is the magic cookie a part of the header, so that the transaction id has 12 bytes?
    #[inline]
    pub fn has_header_cookie(self) -> bool {
        matches!(self, Self::Rfc5389 | Self::MsIce2)
    }
}

/// Message class (RFC 8489 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

/// Method, numbered as in RFC 8489 and 8656 whatever the dialect; unknown numbers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Method(pub u16);

impl Method {
    pub const BINDING: Self = Self(0x001);
    /// RFC 3489 only.
    pub const SHARED_SECRET: Self = Self(0x002);
    pub const ALLOCATE: Self = Self(0x003);
    pub const REFRESH: Self = Self(0x004);
    /// An indication; a request (type 0x0004) in the old drafts.
    pub const SEND: Self = Self(0x006);
    /// Type 0x0115 in the old drafts.
    pub const DATA: Self = Self(0x007);
    pub const CREATE_PERMISSION: Self = Self(0x008);
    pub const CHANNEL_BIND: Self = Self(0x009);
    /// RFC 6062.
    pub const CONNECT: Self = Self(0x00A);
    pub const CONNECTION_BIND: Self = Self(0x00B);
    pub const CONNECTION_ATTEMPT: Self = Self(0x00C);
    /// A check of libwebrtc that repeats an earlier one.
    pub const GOOG_PING: Self = Self(0x080);
    /// Types 0x0006, 0x0106 and 0x0116 of the old drafts; the number is outside of the twelve bits of a method.
    pub const SET_ACTIVE_DESTINATION: Self = Self(0xF006);

    /// RFC words; `None` for an unknown one.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::BINDING => "Binding",
            Self::SHARED_SECRET => "Shared Secret",
            Self::ALLOCATE => "Allocate",
            Self::REFRESH => "Refresh",
            Self::SEND => "Send",
            Self::DATA => "Data",
            Self::CREATE_PERMISSION => "CreatePermission",
            Self::CHANNEL_BIND => "ChannelBind",
            Self::CONNECT => "Connect",
            Self::CONNECTION_BIND => "ConnectionBind",
            Self::CONNECTION_ATTEMPT => "ConnectionAttempt",
            Self::GOOG_PING => "GOOG-PING",
            Self::SET_ACTIVE_DESTINATION => "Set Active Destination",
            _ => return None,
        })
    }
}

/// The first two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageType(pub u16);

impl MessageType {
    /// Class and method as the dialect reads them.
    #[inline]
    pub fn split(self, dialect: Dialect) -> (Class, Method) {
        if dialect.is_old_turn() {
            match self.0 {
                0x0004 => return (Class::Request, Method::SEND),
                0x0104 => return (Class::Success, Method::SEND),
                0x0114 => return (Class::Error, Method::SEND),
                0x0115 => return (Class::Indication, Method::DATA),
                0x0006 => return (Class::Request, Method::SET_ACTIVE_DESTINATION),
                0x0106 => return (Class::Success, Method::SET_ACTIVE_DESTINATION),
                0x0116 => return (Class::Error, Method::SET_ACTIVE_DESTINATION),
                _ => {}
            }
        }
        let t = self.0;
        let class = match (t & 0x0100 != 0, t & 0x0010 != 0) {
            (false, false) => Class::Request,
            (false, true) => Class::Indication,
            (true, false) => Class::Success,
            (true, true) => Class::Error,
        };
        (class, Method((t & 0xF) | ((t & 0xE0) >> 1) | ((t & 0x3E00) >> 2)))
    }

    /// One of RFC 3489 or of the TURN drafts upon it?
    #[inline]
    pub fn is_classic(self) -> bool {
        matches!(
            self.0,
            0x0001..=0x0004
                | 0x0006
                | 0x0011
                | 0x0101..=0x0104
                | 0x0106
                | 0x0111..=0x0116
        )
    }

    /// `Binding Request`, `Allocate Error Response`, `Data Indication`, `Set Active Destination Response`; an unknown
    /// method by its number.
    pub fn name(self, dialect: Dialect) -> Cow<'static, str> {
        let (class, method) = self.split(dialect);
        match known_name(class, method) {
            Some(name) => Cow::Borrowed(name),
            None => {
                let name = method.name().map_or_else(|| format!("Method 0x{:03X}", method.0), str::to_owned);
                Cow::Owned(format!("{name} {}", class.name()))
            }
        }
    }
}

impl Class {
    /// The end of a message's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "Request",
            Self::Indication => "Indication",
            Self::Success => "Success Response",
            Self::Error => "Error Response",
        }
    }

    /// A success or error response?
    pub fn is_response(self) -> bool {
        matches!(self, Self::Success | Self::Error)
    }
}

/// Names of what is usual, so that counting by name does not allocate.
fn known_name(class: Class, method: Method) -> Option<&'static str> {
    use Class::{Error, Indication, Request, Success};
    Some(match (method, class) {
        (Method::BINDING, Request) => "Binding Request",
        (Method::BINDING, Indication) => "Binding Indication",
        (Method::BINDING, Success) => "Binding Success Response",
        (Method::BINDING, Error) => "Binding Error Response",
        (Method::SHARED_SECRET, Request) => "Shared Secret Request",
        (Method::SHARED_SECRET, Success) => "Shared Secret Success Response",
        (Method::SHARED_SECRET, Error) => "Shared Secret Error Response",
        (Method::ALLOCATE, Request) => "Allocate Request",
        (Method::ALLOCATE, Success) => "Allocate Success Response",
        (Method::ALLOCATE, Error) => "Allocate Error Response",
        (Method::REFRESH, Request) => "Refresh Request",
        (Method::REFRESH, Success) => "Refresh Success Response",
        (Method::REFRESH, Error) => "Refresh Error Response",
        (Method::SEND, Indication) => "Send Indication",
        (Method::SEND, Request) => "Send Request",
        // The drafts have one kind of answer beside the error.
        (Method::SEND, Success) => "Send Response",
        (Method::SEND, Error) => "Send Error Response",
        (Method::DATA, Indication) => "Data Indication",
        (Method::CREATE_PERMISSION, Request) => "CreatePermission Request",
        (Method::CREATE_PERMISSION, Success) => "CreatePermission Success Response",
        (Method::CREATE_PERMISSION, Error) => "CreatePermission Error Response",
        (Method::CHANNEL_BIND, Request) => "ChannelBind Request",
        (Method::CHANNEL_BIND, Success) => "ChannelBind Success Response",
        (Method::CHANNEL_BIND, Error) => "ChannelBind Error Response",
        (Method::CONNECT, Request) => "Connect Request",
        (Method::CONNECT, Success) => "Connect Success Response",
        (Method::CONNECT, Error) => "Connect Error Response",
        (Method::CONNECTION_BIND, Request) => "ConnectionBind Request",
        (Method::CONNECTION_BIND, Success) => "ConnectionBind Success Response",
        (Method::CONNECTION_BIND, Error) => "ConnectionBind Error Response",
        (Method::CONNECTION_ATTEMPT, Indication) => "ConnectionAttempt Indication",
        (Method::GOOG_PING, Request) => "GOOG-PING Request",
        (Method::GOOG_PING, Success) => "GOOG-PING Success Response",
        (Method::GOOG_PING, Error) => "GOOG-PING Error Response",
        (Method::SET_ACTIVE_DESTINATION, Request) => "Set Active Destination Request",
        (Method::SET_ACTIVE_DESTINATION, Success) => "Set Active Destination Response",
        (Method::SET_ACTIVE_DESTINATION, Error) => "Set Active Destination Error Response",
        _ => return None,
    })
}
