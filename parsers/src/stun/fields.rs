//! Fields of a scanned message, decoded when asked for, whatever number or form they have in its dialect.

use std::net::SocketAddr;
use std::ops::Range;

use super::address::{plain_address, xor_address};
use super::attribute::AttributeType;
use super::kind::{Class, Dialect, Method};
use super::scan::StunScan;
use super::username::{CheckUsername, draft06_username, trim_nul};

impl<'a> StunScan<'a> {
    fn plain(&self, kind: AttributeType) -> Option<SocketAddr> {
        plain_address(self.value(kind)?)
    }

    fn xored(&self, kind: AttributeType) -> Option<SocketAddr> {
        xor_address(self.value(kind)?, &self.transaction())
    }

    fn u32(&self, kind: AttributeType) -> Option<u32> {
        self.value(kind)?.first_chunk::<4>().map(|&b| u32::from_be_bytes(b))
    }

    fn u64(&self, kind: AttributeType) -> Option<u64> {
        self.value(kind)?.first_chunk::<8>().map(|&b| u64::from_be_bytes(b))
    }

    /// The sender's address as the receiver saw it (server reflexive, or reflexive to the peer).
    ///
    /// In the old TURN drafts MAPPED-ADDRESS of an Allocate is the relayed one: [`StunScan::relayed`].
    pub fn mapped(&self) -> Option<SocketAddr> {
        self.xored(AttributeType::XOR_MAPPED_ADDRESS)
            .or_else(|| self.xored(AttributeType::OLD_XOR_MAPPED_ADDRESS))
            .or_else(|| if self.maps_relayed() { None } else { self.plain(AttributeType::MAPPED_ADDRESS) })
    }

    fn maps_relayed(&self) -> bool {
        self.dialect().is_old_turn() && self.method() == Method::ALLOCATE
    }

    /// The address allocated on the relay. In the old drafts that is MAPPED-ADDRESS of the success response; Microsoft's
    /// servers put one of their own into errors too.
    pub fn relayed(&self) -> Option<SocketAddr> {
        self.xored(AttributeType::XOR_RELAYED_ADDRESS).or_else(|| {
            let success = self.class() == Class::Success && self.maps_relayed();
            if success { self.plain(AttributeType::MAPPED_ADDRESS) } else { None }
        })
    }

    /// All addresses allocated by one response: two where both families were asked for.
    pub fn all_relayed(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        let (mask, old) = (self.transaction(), self.maps_relayed() && self.class() == Class::Success);
        self.attributes().filter_map(move |a| match a.kind {
            AttributeType::XOR_RELAYED_ADDRESS => xor_address(a.value, &mask),
            AttributeType::MAPPED_ADDRESS if old => plain_address(a.value),
            AttributeType::MS_ALTERNATE_MAPPED_ADDRESS if old => plain_address(a.value),
            _ => None,
        })
    }

    /// The peer behind the relay: XOR-PEER-ADDRESS; in the old drafts destination (of Send and Set Active Destination)
    /// or remote address (of Data).
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peers().next()
    }

    /// All peers: CreatePermission may name several.
    pub fn peers(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        let (mask, old) = (self.transaction(), self.dialect().is_old_turn());
        let any = self.has(AttributeType::XOR_PEER_ADDRESS) || self.has(AttributeType::DESTINATION_ADDRESS);
        any.then(|| self.attributes()).into_iter().flatten().filter_map(move |a| match a.kind {
            AttributeType::XOR_PEER_ADDRESS if old => plain_address(a.value),
            AttributeType::XOR_PEER_ADDRESS => xor_address(a.value, &mask),
            AttributeType::DESTINATION_ADDRESS if old => plain_address(a.value),
            _ => None,
        })
    }

    /// Where to try next, or in MS-TURN's 401 the server's own address.
    pub fn alternate_server(&self) -> Option<SocketAddr> {
        self.plain(AttributeType::ALTERNATE_SERVER).or_else(|| self.plain(AttributeType::MS_ALTERNATE_SERVER))
    }

    /// USERNAME without the zero bytes Microsoft pads it with.
    pub fn username(&self) -> Option<&'a [u8]> {
        self.value(AttributeType::USERNAME).map(trim_nul)
    }

    /// The two halves of a check's USERNAME as the sender of the request wrote it: first what the receiver is called,
    /// then the sender. RFC 8445: ufrags; MS-ICE: decoded candidate ids, with the component.
    pub fn check_username(&self) -> Option<CheckUsername<'a>> {
        let name = self.username()?;
        if self.dialect() == Dialect::MsIce {
            return draft06_username(name);
        }
        let colon = name.iter().position(|&b| b == b':')?;
        let (receiver, rest) = name.split_at_checked(colon)?;
        Some(CheckUsername { receiver, sender: rest.get(1..)?, component: None })
    }

    /// REALM whatever its number in the dialect.
    pub fn realm(&self) -> Option<&'a [u8]> {
        self.value(self.realm_and_nonce().0)
    }

    /// NONCE whatever its number in the dialect.
    pub fn nonce(&self) -> Option<&'a [u8]> {
        self.value(self.realm_and_nonce().1)
    }

    /// Types of realm and nonce: [MS-TURN] has them the other way round.
    pub fn realm_and_nonce(&self) -> (AttributeType, AttributeType) {
        if self.dialect() == Dialect::MsTurn {
            (AttributeType::NONCE, AttributeType::REALM)
        } else {
            (AttributeType::REALM, AttributeType::NONCE)
        }
    }

    /// ERROR-CODE: 300–699 where well formed, and the reason phrase.
    pub fn error(&self) -> Option<(u16, &'a [u8])> {
        error_code(self.value(AttributeType::ERROR_CODE)?)
    }

    /// PRIORITY of a peer-reflexive candidate the check might make.
    pub fn priority(&self) -> Option<u32> {
        self.u32(AttributeType::PRIORITY)
    }

    pub fn use_candidate(&self) -> bool {
        self.has(AttributeType::USE_CANDIDATE)
    }

    /// Tie-breaker of a sender that takes itself for controlling.
    pub fn controlling(&self) -> Option<u64> {
        self.u64(AttributeType::ICE_CONTROLLING)
    }

    /// Tie-breaker of a sender that takes itself for controlled.
    pub fn controlled(&self) -> Option<u64> {
        self.u64(AttributeType::ICE_CONTROLLED)
    }

    /// LIFETIME in seconds; 0 in a request releases.
    pub fn lifetime(&self) -> Option<u32> {
        self.u32(AttributeType::LIFETIME)
    }

    pub fn channel(&self) -> Option<u16> {
        self.value(AttributeType::CHANNEL_NUMBER)?.first_chunk::<2>().map(|&b| u16::from_be_bytes(b))
    }

    /// SOFTWARE, the sender's name for itself.
    pub fn software(&self) -> Option<&'a [u8]> {
        self.value(AttributeType::SOFTWARE).map(trim_nul)
    }

    /// BANDWIDTH: kbit/s in the draft; [MS-TURN] does not say.
    pub fn bandwidth(&self) -> Option<u32> {
        self.u32(AttributeType::BANDWIDTH)
    }

    /// REQUESTED-TRANSPORT: 17 UDP, 6 TCP.
    pub fn requested_transport(&self) -> Option<u8> {
        self.value(AttributeType::REQUESTED_TRANSPORT)?.first().copied()
    }

    /// CONNECTION-ID of RFC 6062.
    pub fn connection_id(&self) -> Option<u32> {
        self.u32(AttributeType::CONNECTION_ID)
    }

    /// MS-SEQUENCE-NUMBER: connection id and sequence number.
    pub fn ms_sequence(&self) -> Option<(&'a [u8; 20], u32)> {
        let (connection, number) = ms_sequence(self.value(AttributeType::MS_SEQUENCE_NUMBER)?)?;
        Some((connection?, number))
    }

    /// The sequence number alone: newer clients leave the connection id out.
    pub fn ms_sequence_number(&self) -> Option<u32> {
        Some(ms_sequence(self.value(AttributeType::MS_SEQUENCE_NUMBER)?)?.1)
    }

    /// MS-VERSION.
    pub fn ms_version(&self) -> Option<u32> {
        self.u32(AttributeType::MS_VERSION)
    }

    /// DATA: what is relayed.
    pub fn data(&self) -> Option<&'a [u8]> {
        self.value(AttributeType::DATA)
    }

    /// Where DATA stands in the message.
    pub fn data_range(&self) -> Option<Range<usize>> {
        self.range(AttributeType::DATA)
    }

    /// CANDIDATE-IDENTIFIER of [MS-ICE2]: the foundation, without zero bytes.
    pub fn candidate_identifier(&self) -> Option<&'a [u8]> {
        self.value(AttributeType::CANDIDATE_IDENTIFIER).map(trim_nul)
    }

    /// IMPLEMENTATION-VERSION of [MS-ICE2].
    pub fn implementation_version(&self) -> Option<u32> {
        self.u32(AttributeType::IMPLEMENTATION_VERSION)
    }

    /// SIP-CALL-ID of Microsoft's bandwidth management.
    pub fn sip_call_id(&self) -> Option<&'a [u8]> {
        self.value(AttributeType::SIP_CALL_ID).map(trim_nul)
    }

    /// SIP-DIALOG-ID of Microsoft's bandwidth management.
    pub fn sip_dialog_id(&self) -> Option<&'a [u8]> {
        self.value(AttributeType::SIP_DIALOG_ID).map(trim_nul)
    }

    /// MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256.
    pub fn has_integrity(&self) -> bool {
        self.has(AttributeType::MESSAGE_INTEGRITY) || self.has(AttributeType::MESSAGE_INTEGRITY_SHA256)
    }

    pub fn has_fingerprint(&self) -> bool {
        self.has(AttributeType::FINGERPRINT)
    }
}

/// Code and reason phrase (RFC 8489 §14.8).
pub(super) fn error_code(value: &[u8]) -> Option<(u16, &[u8])> {
    let (&[_, _, class, number], reason) = value.split_first_chunk::<4>()?;
    Some((u16::from(class & 7) * 100 + u16::from(number), reason))
}

/// Value of MS-SEQUENCE-NUMBER: 20 bytes of connection id, which may be left out, and the number.
pub(super) fn ms_sequence(value: &[u8]) -> Option<(Option<&[u8; 20]>, u32)> {
    let (connection, number) = match value.split_first_chunk::<20>() {
        Some((id, number)) => (Some(id), number),
        None => (None, value),
    };
    match number {
        &[a, b, c, d] => Some((connection, u32::from_be_bytes([a, b, c, d]))),
        _ => None,
    }
}
