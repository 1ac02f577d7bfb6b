//! STUN and TURN in every dialect: RFC 3489, RFC 5389/8489 with TURN (RFC 8656, 6062, 6156), [MS-TURN], [MS-ICE],
//! [MS-ICE2] and what Google's and MSN's clients made of RFC 3489.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0 0|     STUN Message Type     |         Message Length        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     Magic Cookie 2112A442 (RFC 5389 on; else part of the id)  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     Transaction ID (96 bits)                  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |             Type              |            Length             |  attributes, padded to four bytes
//! |                         Value (variable)                ....  |  (in Microsoft's dialects often not)
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Two depths: [`scan_stun`] walks the attributes once, allocates nothing and decodes a field when it is asked for;
//! [`parse_stun`] decodes every attribute and says what is wrong with it. Accepted beside the standards: attributes
//! without padding (told by whether the walk ends where the length says), a transaction id of 16 bytes (so XOR is by
//! bytes 4–20 of the header in every dialect, which is the same where the cookie stands there), lengths that lie,
//! bytes after the message.

use std::ops::Range;

pub mod address;
pub mod attribute;
pub mod integrity;
pub mod kind;
pub mod parse;
pub mod scan;
pub mod stream;
pub mod value;
pub mod words;

mod fields;
mod username;

pub use attribute::{AddressForm, AttributeType, Attributes, RawAttribute};
pub use kind::{Class, Dialect, MessageType, Method};
pub use parse::{Attribute, Stun, parse_stun};
pub use scan::{StunScan, scan_stun};
pub use username::CheckUsername;
pub use value::Value;

/// Bytes of the header of every dialect.
pub const HEADER: usize = 20;
/// STUN magic cookie (RFC 8489 §5).
pub const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
/// First attribute of every MS-TURN message: MAGIC-COOKIE, four bytes ([MS-TURN] §2.2.2).
pub const MS_TURN_COOKIE: [u8; 8] = [0x00, 0x0F, 0x00, 0x04, 0x72, 0xC6, 0x4B, 0xC6];

/// Is this datagram, or unwrapped payload, a whole STUN message beyond doubt?
///
/// Needed: the two zero bits on top (RTP has 10 there), a length that equals what is there, and either the header
/// cookie, or MS-TURN's attribute, or a type of RFC 3489 or the TURN drafts with attributes that fit exactly.
#[inline]
pub fn looks_like_stun(payload: &[u8]) -> bool {
    let Some(&[high, low, length_high, length_low, c0, c1, c2, c3]) = payload.first_chunk::<8>() else {
        return false;
    };
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    if high & 0xC0 != 0 || length + HEADER != payload.len() {
        return false;
    }
    let attributes = payload.get(HEADER..).unwrap_or_default();
    if [c0, c1, c2, c3] == MAGIC_COOKIE || attributes.starts_with(&MS_TURN_COOKIE) {
        return true;
    }
    let kind = MessageType(u16::from_be_bytes([high, low]));
    let binding = matches!(kind.0, 0x0001 | 0x0011 | 0x0101 | 0x0111);
    // Without a cookie a message without attributes proves something for Binding only, where that is usual.
    kind.is_classic() && (!attributes.is_empty() || binding) && walks_exactly(payload, binding)
}

/// Do attributes fill the message to its end, padded or not? The first must be a known one, but for Binding: Zoom's
/// clients send their own there.
fn walks_exactly(message: &[u8], binding: bool) -> bool {
    let first = Attributes::new(message, true).next().is_none_or(|a| binding || a.kind.name().is_some());
    first && [true, false].into_iter().any(|padded| Attributes::new(message, padded).exact())
}

/// ChannelData (RFC 8656 §12.4): channel number, length, data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelData {
    /// 0x4000–0x7FFF; see [`ChannelData::is_rfc8656`].
    pub channel: u16,
    /// The data inside the bytes parsed.
    pub data: Range<usize>,
    /// Bytes behind the data; up to three are padding.
    pub trailing: usize,
}

impl ChannelData {
    /// Is the channel one that RFC 8656 allows (0x4000–0x4FFF)? RFC 5766 had all up to 0x7FFF, and clients older than
    /// RFC 7983 use them; there only the memory of the flow tells text and DTLS from ChannelData.
    pub fn is_rfc8656(&self) -> bool {
        self.channel < 0x5000
    }
}

/// ChannelData in a datagram: a channel number, and a length that fits (over UDP padding is optional).
///
/// Whether the flow has such a channel is the caller's to know: bytes alone prove little.
#[inline]
pub fn parse_channel_data(payload: &[u8]) -> Option<ChannelData> {
    let &[c0, c1, l0, l1] = payload.first_chunk::<4>()?;
    let channel = u16::from_be_bytes([c0, c1]);
    let end = 4 + usize::from(u16::from_be_bytes([l0, l1]));
    let trailing = payload.len().checked_sub(end)?;
    ((0x4000..0x8000).contains(&channel) && trailing < 4).then_some(ChannelData {
        channel,
        data: 4..end,
        trailing,
    })
}

#[cfg(test)]
mod tests;
