//! The cheap reading of a STUN message: one walk, no allocation, fields decoded when asked for.

use std::ops::Range;

use super::address::Mask;
use super::attribute::{AttributeType, Attributes, RawAttribute};
use super::kind::{Class, Dialect, MessageType, Method};
use super::username::{draft06_username, google_username};
use super::{HEADER, MAGIC_COOKIE, MS_TURN_COOKIE};

/// Attributes whose place a scan remembers; the first of several of a type counts (RFC 8489 §14).
const PLACES: [AttributeType; 48] = [
    // Place 0 takes all others.
    AttributeType(0xFFFF),
    AttributeType::MAPPED_ADDRESS,
    AttributeType::RESPONSE_ADDRESS,
    AttributeType::CHANGE_REQUEST,
    AttributeType::SOURCE_ADDRESS,
    AttributeType::CHANGED_ADDRESS,
    AttributeType::USERNAME,
    AttributeType::PASSWORD,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::ERROR_CODE,
    AttributeType::UNKNOWN_ATTRIBUTES,
    AttributeType::REFLECTED_FROM,
    AttributeType::CHANNEL_NUMBER,
    AttributeType::LIFETIME,
    AttributeType::MS_ALTERNATE_SERVER,
    AttributeType::OLD_MAGIC_COOKIE,
    AttributeType::BANDWIDTH,
    AttributeType::DESTINATION_ADDRESS,
    AttributeType::XOR_PEER_ADDRESS,
    AttributeType::DATA,
    AttributeType::REALM,
    AttributeType::NONCE,
    AttributeType::XOR_RELAYED_ADDRESS,
    AttributeType::REQUESTED_ADDRESS_FAMILY,
    AttributeType::EVEN_PORT,
    AttributeType::REQUESTED_TRANSPORT,
    AttributeType::DONT_FRAGMENT,
    AttributeType::ACCESS_TOKEN,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::PASSWORD_ALGORITHM,
    AttributeType::USERHASH,
    AttributeType::XOR_MAPPED_ADDRESS,
    AttributeType::RESERVATION_TOKEN,
    AttributeType::PRIORITY,
    AttributeType::USE_CANDIDATE,
    AttributeType::PADDING,
    AttributeType::RESPONSE_PORT,
    AttributeType::CONNECTION_ID,
    AttributeType::ADDRESS_ERROR_CODE,
    AttributeType::MS_VERSION,
    AttributeType::OLD_XOR_MAPPED_ADDRESS,
    AttributeType::SOFTWARE,
    AttributeType::ALTERNATE_SERVER,
    AttributeType::FINGERPRINT,
    AttributeType::ICE_CONTROLLED,
    AttributeType::ICE_CONTROLLING,
    AttributeType::MS_SEQUENCE_NUMBER,
    AttributeType::CANDIDATE_IDENTIFIER,
];

/// Places of [`MORE`] follow those of [`PLACES`].
const MORE: [AttributeType; 9] = [
    AttributeType::MS_SERVICE_QUALITY,
    AttributeType::SIP_DIALOG_ID,
    AttributeType::SIP_CALL_ID,
    AttributeType::IMPLEMENTATION_VERSION,
    AttributeType::MS_ALTERNATE_MAPPED_ADDRESS,
    AttributeType::MS_MULTIPLEXED_TURN_SESSION_ID,
    AttributeType::RESPONSE_ORIGIN,
    AttributeType::OTHER_ADDRESS,
    AttributeType::GOOG_MESSAGE_INTEGRITY_32,
];

const COUNT: usize = PLACES.len() + MORE.len();

/// Place of a type: 0x0000–0x003F in the first 64 entries, 0x8000–0x80BF behind them.
const TABLE: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut place = 1;
    while place < COUNT {
        let kind = if place < PLACES.len() { PLACES[place].0 } else { MORE[place - PLACES.len()].0 };
        if kind < 0x40 {
            table[kind as usize] = place as u8;
        } else if kind >= 0x8000 && kind < 0x80C0 {
            table[64 + (kind as usize - 0x8000)] = place as u8;
        }
        place += 1;
    }
    table
};

#[inline]
const fn place(kind: u16) -> usize {
    match kind {
        0..0x40 => TABLE[kind as usize] as usize,
        0x8000..0x80C0 => TABLE[64 + (kind as usize - 0x8000)] as usize,
        // The last of MORE.
        0xC060 => COUNT - 1,
        _ => 0,
    }
}

/// Where attributes stand; 0 means nowhere. Attributes behind 64 KiB are not remembered.
type Places = [u16; COUNT];

/// A message, scanned.
#[derive(Debug, Clone, Copy)]
pub struct StunScan<'a> {
    /// Up to the end that the header gives, or as much of it as there is.
    message: &'a [u8],
    /// Length the header gives, and how many bytes there are behind the header.
    declared: u16,
    present: usize,
    kind: MessageType,
    class: Class,
    method: Method,
    dialect: Dialect,
    proved: bool,
    padded: bool,
    exact: bool,
    places: Places,
}

/// Scans a STUN message of any dialect.
///
/// `hint` is the dialect that earlier messages of the flow proved; it decides only where this message proves none.
/// `None` where there is no header: fewer than 20 bytes, or one of the two top bits set. Whether bytes are STUN at all
/// is the question of [`super::looks_like_stun`].
#[inline]
pub fn scan_stun(bytes: &[u8], hint: Option<Dialect>) -> Option<StunScan<'_>> {
    let &[high, low, l0, l1, c0, c1, c2, c3] = bytes.first_chunk::<8>()?;
    if high & 0xC0 != 0 || bytes.len() < HEADER {
        return None;
    }
    let declared = u16::from_be_bytes([l0, l1]);
    let message = bytes.get(..HEADER + usize::from(declared)).unwrap_or(bytes);
    let kind = MessageType(u16::from_be_bytes([high, low]));
    let marked = message.get(HEADER..).unwrap_or_default().starts_with(&MS_TURN_COOKIE);
    let mut scan = StunScan {
        message,
        declared,
        present: bytes.len() - HEADER,
        kind,
        class: Class::Request,
        method: Method(0),
        dialect: Dialect::Rfc5389,
        proved: false,
        // [MS-TURN] knows no padding; elsewhere it is the rule.
        padded: !marked,
        exact: false,
        places: [0; COUNT],
    };
    let walk = scan.walk();
    if walk != (Walk { exact: true, known: true }) {
        scan.try_other_padding(walk);
    }
    (scan.dialect, scan.proved) = scan.tell_dialect([c0, c1, c2, c3] == MAGIC_COOKIE, hint);
    (scan.class, scan.method) = kind.split(scan.dialect);
    Some(scan)
}

/// How well a padding explains a message; the greater the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Walk {
    /// It ends where the message does.
    exact: bool,
    /// Every comprehension-required type has a name.
    known: bool,
}

impl StunScan<'_> {
    /// Remembers where the attributes stand.
    #[inline]
    fn walk(&mut self) -> Walk {
        let mut known = true;
        let mut attributes = Attributes::new(self.message, self.padded);
        for RawAttribute { kind, at, .. } in attributes.by_ref() {
            let place = place(kind.0);
            known &= place != 0 || !kind.is_comprehension_required();
            if let (Some(slot @ 0), Ok(at)) = (self.places.get_mut(place), u16::try_from(at)) {
                *slot = at;
            }
        }
        self.exact = attributes.ended_exactly();
        Walk { exact: self.exact, known }
    }

    #[cold]
    fn try_other_padding(&mut self, walk: Walk) {
        let mut other = *self;
        (other.padded, other.places) = (!self.padded, [0; COUNT]);
        if other.walk() > walk {
            *self = other;
        }
    }
}

impl<'a> StunScan<'a> {
    /// The dialect, and whether the message itself proves it.
    fn tell_dialect(&self, header_cookie: bool, hint: Option<Dialect>) -> (Dialect, bool) {
        let has = |kind| self.has(kind);
        let binding = self.kind.0 & !0x0110 == 0x0001;
        // The attribute alone counts, since ids of MS-TURN may begin as the header cookie does. Where it is not the
        // first, receivers ignore the message.
        if self.value(AttributeType::OLD_MAGIC_COOKIE) == MS_TURN_COOKIE.get(4..) {
            let microsoft = has(AttributeType::MS_VERSION) || has(AttributeType::MS_SEQUENCE_NUMBER);
            let google = !microsoft && has(AttributeType::ADDRESS_ERROR_CODE);
            return (if google { Dialect::Google } else { Dialect::MsTurn }, true);
        }
        let username = self.value(AttributeType::USERNAME);
        let integrity = has(AttributeType::MESSAGE_INTEGRITY);
        if header_cookie {
            let microsoft =
                has(AttributeType::IMPLEMENTATION_VERSION) || has(AttributeType::CANDIDATE_IDENTIFIER);
            // Only Microsoft's clients leave the padding out; libnice as one of them does so for SOFTWARE.
            let unpadded = binding && !self.padded && self.exact;
            if microsoft || unpadded {
                return (Dialect::MsIce2, true);
            }
            let old = binding && integrity && !has(AttributeType::FINGERPRINT);
            if old && username.is_some_and(|u| draft06_username(u).is_some()) {
                return (Dialect::MsIce, true);
            }
            return match hint {
                Some(Dialect::MsIce2) if binding => (Dialect::MsIce2, false),
                _ => (Dialect::Rfc5389, true),
            };
        }
        if binding {
            return match username {
                Some(u) if integrity && draft06_username(u).is_some() => (Dialect::MsIce, true),
                Some(u) if !integrity && google_username(u) => (Dialect::Google, true),
                _ => match hint {
                    Some(found @ (Dialect::MsIce | Dialect::Google)) => (found, false),
                    _ => (Dialect::Classic, false),
                },
            };
        }
        let microsoft = has(AttributeType::MS_VERSION) || has(AttributeType::MS_SEQUENCE_NUMBER);
        match hint {
            _ if microsoft => (Dialect::MsTurn, true),
            Some(found @ (Dialect::MsTurn | Dialect::Google)) => (found, false),
            _ => (Dialect::Classic, false),
        }
    }

    #[inline]
    fn at(&self, kind: AttributeType) -> Option<usize> {
        match self.places.get(place(kind.0)) {
            Some(&at) if at != 0 && place(kind.0) != 0 => Some(usize::from(at)),
            _ => None,
        }
    }

    /// Is there such an attribute? Only those a scan remembers are found: see [`StunScan::attributes`] for all.
    #[inline]
    pub fn has(&self, kind: AttributeType) -> bool {
        self.at(kind).is_some()
    }

    /// Bytes of the first such attribute's value, as far as they are there; as [`StunScan::has`].
    #[inline]
    pub fn value(&self, kind: AttributeType) -> Option<&'a [u8]> {
        self.message.get(self.range(kind)?)
    }

    /// Where that value stands in the message; as [`StunScan::has`].
    #[inline]
    pub fn range(&self, kind: AttributeType) -> Option<Range<usize>> {
        let at = self.at(kind)?;
        let &length = self.message.get(at + 2..)?.first_chunk::<2>()?;
        let start = at + 4;
        Some(start..(start + usize::from(u16::from_be_bytes(length))).min(self.message.len()))
    }

    /// All attributes in order.
    #[inline]
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.message, self.padded)
    }

    /// The message up to the end its header gives, or what of it is there.
    #[inline]
    pub fn message(&self) -> &'a [u8] {
        self.message
    }

    /// The first two bytes.
    #[inline]
    pub fn message_type(&self) -> MessageType {
        self.kind
    }

    #[inline]
    pub fn class(&self) -> Class {
        self.class
    }

    #[inline]
    pub fn method(&self) -> Method {
        self.method
    }

    #[inline]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// `Binding Request` and so on.
    pub fn name(&self) -> std::borrow::Cow<'static, str> {
        self.kind.name(self.dialect)
    }

    /// Does this message by itself prove its dialect, so that it may become the flow's hint? The header cookie proves
    /// RFC 5389, but a flow that spoke [MS-ICE2] or [MS-TURN] keeps that: the weaker must not replace the stronger.
    #[inline]
    pub fn proves_dialect(&self) -> bool {
        self.proved
    }

    /// Bytes 4–20 of the header: the key that joins request and response in every dialect (where the cookie stands in
    /// the header all begin with it), and what addresses are XORed with.
    #[inline]
    pub fn transaction(&self) -> Mask {
        self.message.get(4..).and_then(|m| m.first_chunk::<16>()).copied().unwrap_or_default()
    }

    /// Does anything in it not fit: a length other than what is there, an attribute past the end, rests?
    #[inline]
    pub fn is_malformed(&self) -> bool {
        !self.exact || usize::from(self.declared) != self.present
    }

    /// Bytes there are in all and bytes there should be, header included.
    pub fn lengths(&self) -> (usize, usize) {
        (HEADER + self.present, HEADER + usize::from(self.declared))
    }

    /// Are attributes padded to four bytes?
    #[inline]
    pub fn is_padded(&self) -> bool {
        self.padded
    }
}
