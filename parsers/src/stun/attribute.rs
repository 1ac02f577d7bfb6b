//! Attribute types, their names, and the walk over the attributes of a message.

use super::HEADER;

/// Type of an attribute, unknown ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeType(pub u16);

/// The table: constant, number, name. Where dialects disagree the name is that of RFC 8489; see
/// [`AttributeType::name_in`].
macro_rules! attribute_types {
    ($($(#[$meta:meta])* $constant:ident = $number:literal, $name:literal;)*) => {
        impl AttributeType {
            $($(#[$meta])* pub const $constant: Self = Self($number);)*

            /// Name in RFC 8489's numbering; `None` for an unknown type.
            pub fn name(self) -> Option<&'static str> {
                Some(match self.0 { $($number => $name,)* _ => return None })
            }

            /// All types with a name.
            pub const ALL: &'static [Self] = &[$(Self($number),)*];
        }
    };
}

attribute_types! {
    MAPPED_ADDRESS = 0x0001, "MAPPED-ADDRESS";
    RESPONSE_ADDRESS = 0x0002, "RESPONSE-ADDRESS";
    CHANGE_REQUEST = 0x0003, "CHANGE-REQUEST";
    SOURCE_ADDRESS = 0x0004, "SOURCE-ADDRESS";
    CHANGED_ADDRESS = 0x0005, "CHANGED-ADDRESS";
    USERNAME = 0x0006, "USERNAME";
    PASSWORD = 0x0007, "PASSWORD";
    MESSAGE_INTEGRITY = 0x0008, "MESSAGE-INTEGRITY";
    ERROR_CODE = 0x0009, "ERROR-CODE";
    UNKNOWN_ATTRIBUTES = 0x000A, "UNKNOWN-ATTRIBUTES";
    REFLECTED_FROM = 0x000B, "REFLECTED-FROM";
    CHANNEL_NUMBER = 0x000C, "CHANNEL-NUMBER";
    LIFETIME = 0x000D, "LIFETIME";
    /// ALTERNATE-SERVER of the old drafts and [MS-TURN].
    MS_ALTERNATE_SERVER = 0x000E, "MS-ALTERNATE-SERVER";
    /// The attribute that marks the old TURN drafts, value 72C64BC6.
    OLD_MAGIC_COOKIE = 0x000F, "MAGIC-COOKIE";
    BANDWIDTH = 0x0010, "BANDWIDTH";
    DESTINATION_ADDRESS = 0x0011, "DESTINATION-ADDRESS";
    /// REMOTE-ADDRESS, not XORed, in the old drafts.
    XOR_PEER_ADDRESS = 0x0012, "XOR-PEER-ADDRESS";
    DATA = 0x0013, "DATA";
    /// Nonce in [MS-TURN].
    REALM = 0x0014, "REALM";
    /// Realm in [MS-TURN].
    NONCE = 0x0015, "NONCE";
    XOR_RELAYED_ADDRESS = 0x0016, "XOR-RELAYED-ADDRESS";
    REQUESTED_ADDRESS_FAMILY = 0x0017, "REQUESTED-ADDRESS-FAMILY";
    EVEN_PORT = 0x0018, "EVEN-PORT";
    REQUESTED_TRANSPORT = 0x0019, "REQUESTED-TRANSPORT";
    DONT_FRAGMENT = 0x001A, "DONT-FRAGMENT";
    ACCESS_TOKEN = 0x001B, "ACCESS-TOKEN";
    MESSAGE_INTEGRITY_SHA256 = 0x001C, "MESSAGE-INTEGRITY-SHA256";
    PASSWORD_ALGORITHM = 0x001D, "PASSWORD-ALGORITHM";
    USERHASH = 0x001E, "USERHASH";
    XOR_MAPPED_ADDRESS = 0x0020, "XOR-MAPPED-ADDRESS";
    RESERVATION_TOKEN = 0x0022, "RESERVATION-TOKEN";
    PRIORITY = 0x0024, "PRIORITY";
    USE_CANDIDATE = 0x0025, "USE-CANDIDATE";
    PADDING = 0x0026, "PADDING";
    RESPONSE_PORT = 0x0027, "RESPONSE-PORT";
    /// Of a TCP allocation (RFC 6062).
    CONNECTION_ID = 0x002A, "CONNECTION-ID";
    ADDITIONAL_ADDRESS_FAMILY = 0x8000, "ADDITIONAL-ADDRESS-FAMILY";
    /// OPTIONS of Google's relay.
    ADDRESS_ERROR_CODE = 0x8001, "ADDRESS-ERROR-CODE";
    PASSWORD_ALGORITHMS = 0x8002, "PASSWORD-ALGORITHMS";
    ALTERNATE_DOMAIN = 0x8003, "ALTERNATE-DOMAIN";
    ICMP = 0x8004, "ICMP";
    MS_VERSION = 0x8008, "MS-VERSION";
    /// XOR-MAPPED-ADDRESS of the drafts of RFC 5389 and of [MS-TURN].
    OLD_XOR_MAPPED_ADDRESS = 0x8020, "MS-XOR-MAPPED-ADDRESS";
    SOFTWARE = 0x8022, "SOFTWARE";
    ALTERNATE_SERVER = 0x8023, "ALTERNATE-SERVER";
    TRANSACTION_TRANSMIT_COUNTER = 0x8025, "TRANSACTION-TRANSMIT-COUNTER";
    CACHE_TIMEOUT = 0x8027, "CACHE-TIMEOUT";
    FINGERPRINT = 0x8028, "FINGERPRINT";
    ICE_CONTROLLED = 0x8029, "ICE-CONTROLLED";
    ICE_CONTROLLING = 0x802A, "ICE-CONTROLLING";
    RESPONSE_ORIGIN = 0x802B, "RESPONSE-ORIGIN";
    OTHER_ADDRESS = 0x802C, "OTHER-ADDRESS";
    ECN_CHECK = 0x802D, "ECN-CHECK";
    THIRD_PARTY_AUTHORIZATION = 0x802E, "THIRD-PARTY-AUTHORIZATION";
    MOBILITY_TICKET = 0x8030, "MOBILITY-TICKET";
    MS_ALTERNATE_HOST_NAME = 0x8032, "MS-ALTERNATE-HOST-NAME";
    MS_APP_ID = 0x8037, "MS-APP-ID";
    MS_SECURE_TAG = 0x8039, "MS-SECURE-TAG";
    MS_SEQUENCE_NUMBER = 0x8050, "MS-SEQUENCE-NUMBER";
    CANDIDATE_IDENTIFIER = 0x8054, "CANDIDATE-IDENTIFIER";
    MS_SERVICE_QUALITY = 0x8055, "MS-SERVICE-QUALITY";
    BANDWIDTH_ADMISSION_CONTROL = 0x8056, "BANDWIDTH-ADMISSION-CONTROL-MESSAGE";
    RESERVATION_IDENTIFIER = 0x8057, "RESERVATION-IDENTIFIER";
    RESERVATION_AMOUNT = 0x8058, "RESERVATION-AMOUNT";
    REMOTE_SITE_ADDRESS = 0x8059, "REMOTE-SITE-ADDRESS";
    REMOTE_RELAY_SITE_ADDRESS = 0x805A, "REMOTE-RELAY-SITE-ADDRESS";
    LOCAL_SITE_ADDRESS = 0x805B, "LOCAL-SITE-ADDRESS";
    LOCAL_RELAY_SITE_ADDRESS = 0x805C, "LOCAL-RELAY-SITE-ADDRESS";
    REMOTE_SITE_ADDRESS_RESPONSE = 0x805D, "REMOTE-SITE-ADDRESS-RESPONSE";
    REMOTE_RELAY_SITE_ADDRESS_RESPONSE = 0x805E, "REMOTE-RELAY-SITE-ADDRESS-RESPONSE";
    LOCAL_SITE_ADDRESS_RESPONSE = 0x805F, "LOCAL-SITE-ADDRESS-RESPONSE";
    LOCAL_RELAY_SITE_ADDRESS_RESPONSE = 0x8060, "LOCAL-RELAY-SITE-ADDRESS-RESPONSE";
    SIP_DIALOG_ID = 0x8061, "SIP-DIALOG-ID";
    SIP_CALL_ID = 0x8062, "SIP-CALL-ID";
    LOCATION_PROFILE = 0x8068, "LOCATION-PROFILE";
    IMPLEMENTATION_VERSION = 0x8070, "IMPLEMENTATION-VERSION";
    MS_ALTERNATE_MAPPED_ADDRESS = 0x8090, "MS-ALTERNATE-MAPPED-ADDRESS";
    MS_MULTIPLEXED_TURN_SESSION_ID = 0x8095, "MS-MULTIPLEXED-TURN-SESSION-ID";
    CISCO_STUN_FLOWDATA = 0xC000, "CISCO-STUN-FLOWDATA";
    /// libwebrtc's NOMINATION in checks; ENF-FLOW-DESCRIPTION in the registry.
    GOOG_NOMINATION = 0xC001, "NOMINATION";
    ENF_NETWORK_STATUS = 0xC002, "ENF-NETWORK-STATUS";
    GOOG_NETWORK_INFO = 0xC057, "GOOG-NETWORK-INFO";
    GOOG_LAST_ICE_CHECK_RECEIVED = 0xC058, "GOOG-LAST-ICE-CHECK-RECEIVED";
    GOOG_MISC_INFO = 0xC059, "GOOG-MISC-INFO";
    GOOG_CONNECTION_ID = 0xC05B, "GOOG-CONNECTION-ID";
    GOOG_DELTA = 0xC05C, "GOOG-DELTA";
    GOOG_DELTA_ACK = 0xC05D, "GOOG-DELTA-ACK";
    GOOG_MESSAGE_INTEGRITY_32 = 0xC060, "GOOG-MESSAGE-INTEGRITY-32";
}

/// How an address stands in an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressForm {
    /// RFC 8489 §14.1.
    Plain,
    /// RFC 8489 §14.2: with the magic cookie and the transaction id.
    Xored,
}

impl AttributeType {
    /// How the address stands in it, where the value is one; `old_turn`: before RFC 5766 peers were not XORed.
    pub fn address_form(self, old_turn: bool) -> Option<AddressForm> {
        Some(match self {
            Self::XOR_PEER_ADDRESS if old_turn => AddressForm::Plain,
            Self::XOR_PEER_ADDRESS
            | Self::XOR_RELAYED_ADDRESS
            | Self::XOR_MAPPED_ADDRESS
            | Self::OLD_XOR_MAPPED_ADDRESS => AddressForm::Xored,
            Self::MAPPED_ADDRESS
            | Self::RESPONSE_ADDRESS
            | Self::SOURCE_ADDRESS
            | Self::CHANGED_ADDRESS
            | Self::REFLECTED_FROM
            | Self::MS_ALTERNATE_SERVER
            | Self::DESTINATION_ADDRESS
            | Self::ALTERNATE_SERVER
            | Self::RESPONSE_ORIGIN
            | Self::OTHER_ADDRESS
            | Self::MS_ALTERNATE_MAPPED_ADDRESS
            | Self::REMOTE_SITE_ADDRESS
            | Self::REMOTE_RELAY_SITE_ADDRESS
            | Self::LOCAL_SITE_ADDRESS
            | Self::LOCAL_RELAY_SITE_ADDRESS => AddressForm::Plain,
            _ => return None,
        })
    }

    /// Must a receiver that does not know it refuse the message (RFC 8489 §14)?
    #[inline]
    pub fn is_comprehension_required(self) -> bool {
        self.0 < 0x8000
    }

    /// Name as the dialect has it.
    pub fn name_in(self, dialect: super::Dialect) -> Option<&'static str> {
        if dialect == super::Dialect::MsTurn {
            match self {
                Self::REALM => return Some("NONCE"),
                Self::NONCE => return Some("REALM"),
                Self::MS_ALTERNATE_SERVER => return Some("ALTERNATE-SERVER"),
                _ => {}
            }
        }
        if dialect.is_old_turn() {
            match self {
                Self::XOR_PEER_ADDRESS => return Some("REMOTE-ADDRESS"),
                Self::MS_ALTERNATE_SERVER => return Some("ALTERNATE-SERVER"),
                Self::OLD_XOR_MAPPED_ADDRESS => return Some("XOR-MAPPED-ADDRESS"),
                Self::ADDRESS_ERROR_CODE if dialect == super::Dialect::Google => return Some("OPTIONS"),
                _ => {}
            }
        }
        self.name()
    }
}

/// An attribute as it stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawAttribute<'a> {
    pub kind: AttributeType,
    /// Position of its header in the message.
    pub at: usize,
    /// The length it claims.
    pub length: u16,
    /// What of its value is there.
    pub value: &'a [u8],
    /// Is the value as long as claimed?
    pub complete: bool,
}

/// Walks the attributes; one whose length runs past the end comes last, with what is left.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    /// Nothing behind the end of the message.
    message: &'a [u8],
    at: usize,
    padded: bool,
    overrun: bool,
}

impl<'a> Attributes<'a> {
    /// Over a whole message, header included; bytes behind the header's length are left out.
    #[inline]
    pub fn new(message: &'a [u8], padded: bool) -> Self {
        let length =
            message.get(2..).and_then(|m| m.first_chunk::<2>()).map_or(0, |&l| u16::from_be_bytes(l));
        let message = message.get(..HEADER + usize::from(length)).unwrap_or(message);
        Self { message, at: HEADER, padded, overrun: false }
    }

    /// Does the walk from here end exactly where the message does?
    #[inline]
    pub fn exact(mut self) -> bool {
        self.by_ref().for_each(drop);
        self.ended_exactly()
    }

    /// After the walk: did it end exactly where the message does? Missing padding at the very end is no matter.
    #[inline]
    pub fn ended_exactly(&self) -> bool {
        !self.overrun && self.at >= self.message.len()
    }

    /// Where the next attribute would begin.
    pub fn position(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = RawAttribute<'a>;

    #[inline]
    fn next(&mut self) -> Option<RawAttribute<'a>> {
        let at = self.at;
        let (&[t0, t1, l0, l1], rest) = self.message.get(at..)?.split_first_chunk::<4>()?;
        let kind = AttributeType(u16::from_be_bytes([t0, t1]));
        let length = u16::from_be_bytes([l0, l1]);
        let size = usize::from(length);
        match rest.get(..size) {
            Some(value) => {
                let used = if self.padded { (size + 3) & !3 } else { size };
                self.at = at + 4 + used;
                Some(RawAttribute { kind, at, length, value, complete: true })
            }
            None => {
                self.overrun = true;
                self.at = self.message.len();
                Some(RawAttribute { kind, at, length, value: rest, complete: false })
            }
        }
    }
}
