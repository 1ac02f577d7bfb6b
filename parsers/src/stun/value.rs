//! Attribute values, decoded.

use std::net::SocketAddr;

use super::address::{FAMILY_V4, FAMILY_V6, Mask, plain_address, xor_address};
use super::attribute::{AddressForm, AttributeType};
use super::fields::{error_code, ms_sequence};
use super::kind::{Dialect, Method};
use super::username::trim_nul;
use crate::big_endian::{u16_at, u32_at};

/// What an attribute says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A flag: being there is all.
    Empty,
    /// An address in clear.
    Address(SocketAddr),
    /// An XORed address, as it stands in the message and in clear.
    XorAddress {
        wire: SocketAddr,
        address: SocketAddr,
    },
    /// Text for people or of a protocol, zero bytes at its end left out; UTF-8 where the sender keeps the rules.
    Text(&'a [u8]),
    /// A hash or a checksum over the message.
    Digest(&'a [u8]),
    /// Bytes without a meaning of their own.
    Bytes(&'a [u8]),
    /// A password or token: not to be shown unless asked for.
    Secret(&'a [u8]),
    /// A number without a unit.
    Number(u32),
    Seconds(u32),
    /// kbit/s in the draft BANDWIDTH is from; [MS-TURN] does not give the unit.
    Bandwidth(u32),
    /// ICE priority: type preference, local preference, component follow from it (RFC 8445 §5.1.2).
    Priority(u32),
    TieBreaker(u64),
    Channel(u16),
    Port(u16),
    /// IP protocol: 17 UDP, 6 TCP.
    Transport(u8),
    /// 1 IPv4, 2 IPv6.
    Family(u8),
    /// EVEN-PORT: is the next higher port to be reserved?
    EvenPort {
        reserve_next: bool,
    },
    ChangeRequest {
        ip: bool,
        port: bool,
    },
    ErrorCode {
        code: u16,
        reason: &'a [u8],
    },
    /// Types, two bytes each: see [`Value::types`].
    Types(&'a [u8]),
    /// Password algorithms: see [`Value::algorithms`].
    Algorithms(&'a [u8]),
    /// MS-SEQUENCE-NUMBER; newer clients leave the connection id out.
    Sequence {
        connection: Option<&'a [u8; 20]>,
        number: u32,
    },
    /// MS-SERVICE-QUALITY.
    ServiceQuality {
        stream: u16,
        quality: u16,
    },
    /// BANDWIDTH-ADMISSION-CONTROL-MESSAGE: 0 check, 1 commit, 2 update.
    Admission {
        reserved: u16,
        kind: u16,
    },
    /// RESERVATION-AMOUNT.
    Reservation {
        min_send: u32,
        max_send: u32,
        min_receive: u32,
        max_receive: u32,
    },
    /// The answer about a site: flags, most to send and to receive.
    SiteAnswer {
        flags: u32,
        max_send: u32,
        max_receive: u32,
    },
    /// LOCATION-PROFILE, each a byte.
    Location {
        peer: u8,
        own: u8,
        federation: u8,
    },
    /// TRANSACTION-TRANSMIT-COUNTER (RFC 7982): which transmission this is.
    TransmitCounter {
        request: u8,
        response: u8,
    },
    /// ICMP that reached the server for a peer (RFC 8656 §18.13).
    Icmp {
        kind: u16,
        code: u16,
        data: u32,
    },
    /// ADDRESS-ERROR-CODE (RFC 8656 §18.12).
    AddressError {
        family: u8,
        code: u16,
        reason: &'a [u8],
    },
    /// Of an unknown type.
    Unknown(&'a [u8]),
    /// Of a known type, but not what that should look like; an issue says why.
    Invalid(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The types of [`Value::Types`].
    pub fn types(self) -> impl Iterator<Item = AttributeType> + use<'a> {
        let bytes = if let Value::Types(bytes) = self { bytes } else { &[] };
        bytes.as_chunks::<2>().0.iter().map(|&pair| AttributeType(u16::from_be_bytes(pair)))
    }

    /// Number and parameters of each of [`Value::Algorithms`]: 1 MD5, 2 SHA-256.
    pub fn algorithms(self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = if let Value::Algorithms(bytes) = self { bytes } else { &[] };
        std::iter::from_fn(move || {
            let (&[a0, a1, l0, l1], tail) = rest.split_first_chunk::<4>()?;
            let size = usize::from(u16::from_be_bytes([l0, l1]));
            let parameters = tail.get(..size)?;
            rest = tail.get(size.next_multiple_of(4)..).unwrap_or_default();
            Some((u16::from_be_bytes([a0, a1]), parameters))
        })
    }

    /// The address in clear of an address attribute.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Value::Address(address) | Value::XorAddress { address, .. } => Some(address),
            _ => None,
        }
    }
}

/// How a value is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Plain,
    Xored,
    Text,
    Bytes,
    Secret,
    Empty,
    Number,
    /// Decoded by a function of its own in [`special`].
    Special,
    Digest,
}

fn layout(kind: AttributeType, dialect: Dialect) -> Option<Layout> {
    use AttributeType as T;
    if let Some(form) = kind.address_form(dialect.is_old_turn()) {
        return Some(match form {
            AddressForm::Plain => Layout::Plain,
            AddressForm::Xored => Layout::Xored,
        });
    }
    Some(match kind {
        // The old drafts and [MS-TURN] swap them; the nonce is opaque there.
        T::REALM if dialect == Dialect::MsTurn => Layout::Bytes,
        T::USERNAME if matches!(dialect, Dialect::MsTurn | Dialect::MsIce) => Layout::Bytes,
        T::REALM
        | T::NONCE
        | T::USERNAME
        | T::SOFTWARE
        | T::ALTERNATE_DOMAIN
        | T::THIRD_PARTY_AUTHORIZATION
        | T::MS_ALTERNATE_HOST_NAME
        | T::CANDIDATE_IDENTIFIER
        | T::SIP_DIALOG_ID
        | T::SIP_CALL_ID => Layout::Text,
        T::PASSWORD | T::ACCESS_TOKEN => Layout::Secret,
        T::MESSAGE_INTEGRITY
        | T::MESSAGE_INTEGRITY_SHA256
        | T::GOOG_MESSAGE_INTEGRITY_32
        | T::FINGERPRINT
        | T::USERHASH => Layout::Digest,
        T::USE_CANDIDATE | T::DONT_FRAGMENT => Layout::Empty,
        // A flag of Google's relay, a number there.
        T::ADDRESS_ERROR_CODE if dialect == Dialect::Google => Layout::Number,
        T::CONNECTION_ID
        | T::CACHE_TIMEOUT
        | T::MS_VERSION
        | T::IMPLEMENTATION_VERSION
        | T::GOOG_NOMINATION
        | T::GOOG_NETWORK_INFO => Layout::Number,
        T::DATA
        | T::PADDING
        | T::OLD_MAGIC_COOKIE
        | T::RESERVATION_TOKEN
        | T::MOBILITY_TICKET
        | T::ECN_CHECK
        | T::MS_APP_ID
        | T::MS_SECURE_TAG
        | T::RESERVATION_IDENTIFIER
        | T::MS_MULTIPLEXED_TURN_SESSION_ID
        | T::CISCO_STUN_FLOWDATA
        | T::ENF_NETWORK_STATUS
        | T::GOOG_LAST_ICE_CHECK_RECEIVED
        | T::GOOG_MISC_INFO
        | T::GOOG_CONNECTION_ID
        | T::GOOG_DELTA
        | T::GOOG_DELTA_ACK => Layout::Bytes,
        kind if kind.name().is_some() => Layout::Special,
        _ => return None,
    })
}

/// Decodes a value; the second is what is wrong with it.
pub(super) fn decode<'a>(
    kind: AttributeType,
    value: &'a [u8],
    dialect: Dialect,
    mask: &Mask,
) -> (Value<'a>, Option<&'static str>) {
    let Some(layout) = layout(kind, dialect) else {
        return (Value::Unknown(value), None);
    };
    let found = match layout {
        Layout::Plain => plain_address(value).map(Value::Address),
        Layout::Xored => plain_address(value)
            .zip(xor_address(value, mask))
            .map(|(wire, address)| Value::XorAddress { wire, address }),
        Layout::Text => {
            let text = trim_nul(value);
            // The others are opaque in some dialect or come back as they were sent.
            let must = matches!(
                kind,
                AttributeType::SOFTWARE | AttributeType::REALM | AttributeType::ALTERNATE_DOMAIN
            );
            let wrong = must && std::str::from_utf8(text).is_err();
            return (Value::Text(text), wrong.then_some("is not UTF-8"));
        }
        Layout::Bytes => Some(Value::Bytes(value)),
        Layout::Secret => Some(Value::Secret(value)),
        Layout::Digest => Some(Value::Digest(value)),
        Layout::Empty => Some(Value::Empty),
        Layout::Number => u32_at(value, 0).map(Value::Number),
        Layout::Special => special(kind, value),
    };
    let Some(found) = found else {
        let why = match layout {
            Layout::Plain | Layout::Xored => wrong_address(value),
            _ => "has not the length or form of its type",
        };
        return (Value::Invalid(value), Some(why));
    };
    (found, wrong_length(kind, layout, value, found))
}

fn wrong_address(value: &[u8]) -> &'static str {
    match value.get(1) {
        Some(&(FAMILY_V4 | FAMILY_V6)) => "is too short for its address family",
        Some(_) => "names an unknown address family",
        None => "is too short for an address",
    }
}

/// A value that could be read, but is not as long as it should be or holds what it should not.
fn wrong_length(kind: AttributeType, layout: Layout, value: &[u8], found: Value<'_>) -> Option<&'static str> {
    use AttributeType as T;
    let expected: &[usize] = match (layout, kind) {
        (Layout::Plain | Layout::Xored, _) => match found.address() {
            Some(address) if address.is_ipv4() => &[8],
            _ => &[20],
        },
        (Layout::Empty, _) => &[0],
        (Layout::Number, _) => &[4],
        (_, T::MESSAGE_INTEGRITY) => &[20, 32],
        (_, T::MESSAGE_INTEGRITY_SHA256) => &[16, 20, 24, 28, 32],
        (_, T::USERHASH) => &[32],
        (_, T::FINGERPRINT | T::OLD_MAGIC_COOKIE | T::GOOG_MESSAGE_INTEGRITY_32) => &[4],
        (_, T::LIFETIME | T::BANDWIDTH | T::PRIORITY | T::CHANGE_REQUEST | T::CHANNEL_NUMBER) => &[4],
        (_, T::REQUESTED_TRANSPORT | T::REQUESTED_ADDRESS_FAMILY | T::ADDITIONAL_ADDRESS_FAMILY) => &[4],
        (
            _,
            T::ICE_CONTROLLED | T::ICE_CONTROLLING | T::RESERVATION_TOKEN | T::MS_MULTIPLEXED_TURN_SESSION_ID,
        ) => &[8],
        (_, T::EVEN_PORT) => &[1],
        _ => return wrong_content(found),
    };
    if expected.contains(&value.len()) {
        wrong_content(found)
    } else {
        Some("is not as long as its type has it")
    }
}

fn wrong_content(found: Value<'_>) -> Option<&'static str> {
    match found {
        Value::ErrorCode { code, reason } | Value::AddressError { code, reason, .. } => {
            if !(300..700).contains(&code) {
                Some("has a class other than 3 to 6")
            } else if std::str::from_utf8(reason).is_err() {
                Some("has a reason phrase that is not UTF-8")
            } else {
                None
            }
        }
        Value::Family(family) if !matches!(family, FAMILY_V4 | FAMILY_V6) => {
            Some("names an unknown address family")
        }
        Value::Channel(channel) if !(0x4000..0x8000).contains(&channel) => {
            Some("is no channel: they are 0x4000 to 0x7FFF")
        }
        _ => None,
    }
}

fn special(kind: AttributeType, value: &[u8]) -> Option<Value<'_>> {
    use AttributeType as T;
    Some(match kind {
        T::CHANGE_REQUEST => {
            let flags = u32_at(value, 0)?;
            Value::ChangeRequest { ip: flags & 4 != 0, port: flags & 2 != 0 }
        }
        T::ERROR_CODE => {
            let (code, reason) = error_code(value)?;
            if value.get(3)? > &99 {
                return None;
            }
            Value::ErrorCode { code, reason: trim_nul(reason) }
        }
        T::UNKNOWN_ATTRIBUTES if value.len().is_multiple_of(2) => Value::Types(value),
        T::CHANNEL_NUMBER => Value::Channel(u16_at(value, 0)?),
        T::LIFETIME => Value::Seconds(u32_at(value, 0)?),
        T::BANDWIDTH => Value::Bandwidth(u32_at(value, 0)?),
        T::REQUESTED_ADDRESS_FAMILY | T::ADDITIONAL_ADDRESS_FAMILY => Value::Family(*value.first()?),
        T::EVEN_PORT => Value::EvenPort { reserve_next: value.first()? & 0x80 != 0 },
        T::REQUESTED_TRANSPORT => Value::Transport(*value.first()?),
        T::PASSWORD_ALGORITHM | T::PASSWORD_ALGORITHMS if value.len() >= 4 => Value::Algorithms(value),
        T::PRIORITY => Value::Priority(u32_at(value, 0)?),
        T::RESPONSE_PORT => Value::Port(u16_at(value, 0)?),
        T::ICE_CONTROLLED | T::ICE_CONTROLLING => {
            Value::TieBreaker(u64::from_be_bytes(*value.first_chunk::<8>()?))
        }
        T::ADDRESS_ERROR_CODE => {
            let (code, reason) = error_code(value)?;
            Value::AddressError { family: *value.first()?, code, reason: trim_nul(reason) }
        }
        T::ICMP => {
            // Seven bits of type, nine of code.
            let both = u16_at(value, 2)?;
            Value::Icmp { kind: both >> 9, code: both & 0x1FF, data: u32_at(value, 4)? }
        }
        T::TRANSACTION_TRANSMIT_COUNTER => {
            let &[_, _, request, response] = value.first_chunk::<4>()?;
            Value::TransmitCounter { request, response }
        }
        T::MS_SEQUENCE_NUMBER => {
            let (connection, number) = ms_sequence(value)?;
            Value::Sequence { connection, number }
        }
        T::MS_SERVICE_QUALITY => {
            Value::ServiceQuality { stream: u16_at(value, 0)?, quality: u16_at(value, 2)? }
        }
        T::BANDWIDTH_ADMISSION_CONTROL => {
            Value::Admission { reserved: u16_at(value, 0)?, kind: u16_at(value, 2)? }
        }
        T::RESERVATION_AMOUNT => Value::Reservation {
            min_send: u32_at(value, 0)?,
            max_send: u32_at(value, 4)?,
            min_receive: u32_at(value, 8)?,
            max_receive: u32_at(value, 12)?,
        },
        T::REMOTE_SITE_ADDRESS_RESPONSE
        | T::REMOTE_RELAY_SITE_ADDRESS_RESPONSE
        | T::LOCAL_SITE_ADDRESS_RESPONSE
        | T::LOCAL_RELAY_SITE_ADDRESS_RESPONSE => Value::SiteAnswer {
            flags: u32_at(value, 0)?,
            max_send: u32_at(value, 4)?,
            max_receive: u32_at(value, 8)?,
        },
        T::LOCATION_PROFILE => {
            let &[peer, own, federation] = value.first_chunk::<3>()?;
            Value::Location { peer, own, federation }
        }
        _ => return None,
    })
}

/// May several of this type stand in one message?
pub(super) fn may_repeat(kind: AttributeType, method: Method) -> bool {
    match kind {
        AttributeType::XOR_PEER_ADDRESS => method == Method::CREATE_PERMISSION,
        AttributeType::XOR_RELAYED_ADDRESS | AttributeType::ADDRESS_ERROR_CODE => true,
        kind => kind.name().is_none(),
    }
}
