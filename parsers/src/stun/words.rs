//! Error codes and attributes in words an engineer can act on.

use super::attribute::AttributeType;
use super::kind::{Dialect, Method};

/// Short name and meaning of an error code; `None` for one that no document of the dialect has.
pub fn error_words(code: u16, dialect: Dialect) -> Option<(&'static str, &'static str)> {
    let old = dialect.is_old_turn();
    Some(match code {
        300 => ("Try Alternate", "another server is to be asked: the one ALTERNATE-SERVER names"),
        400 => ("Bad Request", "the server could not make sense of the request"),
        401 => (
            "Unauthorized",
            "credentials are wanted: normal on the first round trip; again with the same nonce it means they are wrong or expired",
        ),
        403 => (
            "Forbidden",
            "the server's policy does not allow this, often a peer address it will not relay to",
        ),
        405 => ("Mobility Forbidden", "the server does not let allocations move to another client address"),
        420 => {
            ("Unknown Attribute", "the request carried an attribute the server must understand and does not")
        }
        430 if old => ("Stale Credentials", "the credentials have expired: new ones are to be fetched"),
        431 if old => {
            ("Integrity Check Failure", "the integrity did not verify: wrong password, or changed on the way")
        }
        432 if old => ("Missing Username", "the request has no USERNAME"),
        433 if old => ("Use TLS", "a shared secret is given out over TLS only"),
        434 if old => ("Missing Realm", "the request has no REALM"),
        435 if old => ("Missing Nonce", "the request has no NONCE"),
        436 if old => ("Unknown User", "the server does not know the user name"),
        437 if old => ("No Binding", "there is no allocation for this client address and port"),
        437 => (
            "Allocation Mismatch",
            "there is already an allocation for this client address and port, or there is none to refresh",
        ),
        438 => {
            ("Stale Nonce", "the nonce has run out: the request is repeated with the one given here, normal")
        }
        439 if old => ("Illegal", "what was asked for is not allowed here"),
        440 => ("Address Family not Supported", "the server cannot allocate an address of this family"),
        441 => ("Wrong Credentials", "the allocation belongs to other credentials"),
        442 => ("Unsupported Transport Protocol", "the server does not relay this transport"),
        443 => ("Peer Address Family Mismatch", "peer and relayed address are not of one family"),
        446 => ("Connection Already Exists", "there is already a TCP connection to this peer"),
        447 => ("Connection Timeout or Failure", "the server could not open a TCP connection to the peer"),
        481 if old => ("Connection does not Exist", "the server has no connection to this peer"),
        486 => ("Allocation Quota Reached", "the user has as many allocations as are allowed"),
        487 => (
            "Role Conflict",
            "both sides took the same ICE role: the one that gets this changes its own and checks again",
        ),
        500 => ("Server Error", "the server failed for a moment: trying again may help"),
        503 if old => ("Service Unavailable", "the server cannot serve now"),
        507 if old => ("Insufficient Bandwidth", "the server has not the bandwidth that was asked for"),
        508 => ("Insufficient Capacity", "the server has no relayed port left"),
        600 => ("Global Failure", "the server will not serve this, nor would others"),
        _ => return None,
    })
}

/// What an attribute means, in a sentence without its end; `None` where the name says it, or nothing is known.
pub fn attribute_words(kind: AttributeType, dialect: Dialect, method: Method) -> Option<&'static str> {
    use AttributeType as T;
    let ms = dialect == Dialect::MsTurn;
    Some(match kind {
        T::MAPPED_ADDRESS if dialect.is_old_turn() && method == Method::ALLOCATE => {
            "the relayed address: what the server allocated for the client, the candidate of type relay"
        }
        T::MAPPED_ADDRESS => {
            "the sender's address as the receiver saw it; a NAT that rewrites payloads may have changed it"
        }
        T::XOR_MAPPED_ADDRESS | T::OLD_XOR_MAPPED_ADDRESS => {
            "the sender's address as the receiver saw it: a NAT is between them if it differs from the sender's own"
        }
        T::RESPONSE_ADDRESS => "where the answer is to be sent",
        T::CHANGE_REQUEST => {
            "asks for an answer from another address or port, to find out what kind of NAT there is"
        }
        T::SOURCE_ADDRESS | T::RESPONSE_ORIGIN => "where the server sent its answer from",
        T::CHANGED_ADDRESS | T::OTHER_ADDRESS => {
            "the server's other address, used to find out what kind of NAT there is"
        }
        T::REFLECTED_FROM => "who asked for this answer to be sent here",
        T::USERNAME if method == Method::BINDING && dialect == Dialect::MsIce => {
            "decoded candidate ids of receiver and sender, each with its component"
        }
        T::USERNAME if method == Method::BINDING && dialect.has_header_cookie() => {
            "ICE: the receiver's ufrag, a colon, the sender's ufrag"
        }
        T::USERNAME if ms => "the user name the authentication service gave out, base64-decoded",
        T::USERNAME => "who asks",
        T::USERHASH => "hash of user name and realm, in place of the name",
        T::MESSAGE_INTEGRITY | T::MESSAGE_INTEGRITY_SHA256 | T::GOOG_MESSAGE_INTEGRITY_32 => {
            "keyed hash over what stands before it: proves that the sender knows the password"
        }
        T::ERROR_CODE => "why the request was refused",
        T::UNKNOWN_ATTRIBUTES => "the attributes the server would have to understand and does not",
        T::CHANNEL_NUMBER => "number that stands for the peer in ChannelData",
        T::LIFETIME => "how long the allocation lives without a refresh; zero in a request releases it",
        T::MS_ALTERNATE_SERVER if ms => {
            "with 401 the server's own public address, where a UDP client must go on; with 300 another server"
        }
        T::ALTERNATE_SERVER | T::MS_ALTERNATE_SERVER => "the server to be asked instead",
        T::OLD_MAGIC_COOKIE => "marks the TURN drafts and MS-TURN; it must be the first attribute",
        T::BANDWIDTH => "bandwidth the client may use, kbit/s in the draft (MS-TURN does not give the unit)",
        T::DESTINATION_ADDRESS => "the peer the data is for, or the one to be made active",
        T::XOR_PEER_ADDRESS => "the peer behind the relay",
        T::DATA => "what is relayed to or from the peer: a check, DTLS, media",
        T::REALM if ms => {
            "nonce of the server, to be sent back; it stands in the number RFC 8489 gives to REALM"
        }
        T::NONCE if ms => "realm of the credentials; it stands in the number RFC 8489 gives to NONCE",
        T::REALM => "realm of the credentials",
        T::NONCE => "nonce of the server, to be sent back",
        T::XOR_RELAYED_ADDRESS => "what the server allocated for the client, the candidate of type relay",
        T::REQUESTED_ADDRESS_FAMILY | T::ADDITIONAL_ADDRESS_FAMILY => {
            "the address family wanted for the allocation"
        }
        T::EVEN_PORT => "an even port is wanted, as RTP likes it; perhaps with the next one for RTCP",
        T::REQUESTED_TRANSPORT => "the transport between server and peer",
        T::DONT_FRAGMENT => "the server is to send with the don't-fragment bit",
        T::RESERVATION_TOKEN => "stands for the port the server keeps for the next allocation",
        T::PASSWORD_ALGORITHM | T::PASSWORD_ALGORITHMS => "how the key is made of the password",
        T::PRIORITY => "priority that a peer-reflexive candidate found by this check would have",
        T::USE_CANDIDATE => "the controlling side nominates this pair",
        T::ICE_CONTROLLED => "the sender takes itself for the controlled side; the number breaks ties",
        T::ICE_CONTROLLING => "the sender takes itself for the controlling side; the number breaks ties",
        T::CONNECTION_ID => "stands for a TCP connection between server and peer",
        T::MS_VERSION => ms_version_words(None),
        T::SOFTWARE => "what the sender calls itself",
        T::FINGERPRINT => "checksum that tells STUN from other traffic on the port",
        T::MS_SEQUENCE_NUMBER => {
            "connection id of the allocation and a number that rises by one a request; a new start means a new allocation"
        }
        T::CANDIDATE_IDENTIFIER => "foundation of the candidate the check is sent from",
        T::IMPLEMENTATION_VERSION => {
            "how far the sender's ICE goes: up to 2 only the RFC3489bis-02 format, from 3 on the RFC 5389 format"
        }
        T::MS_SERVICE_QUALITY => "kind of stream and whether it must arrive reliably",
        T::MS_ALTERNATE_MAPPED_ADDRESS => "the relayed address of the other family",
        T::MS_MULTIPLEXED_TURN_SESSION_ID => "session of multiplexed TURN",
        T::MS_ALTERNATE_HOST_NAME => "name of the server, for TLS",
        T::BANDWIDTH_ADMISSION_CONTROL => "bandwidth management: check, commit or update of a reservation",
        T::RESERVATION_IDENTIFIER => "names the bandwidth reservation",
        T::RESERVATION_AMOUNT => "bandwidth asked for: least and most to send, least and most to receive",
        T::SIP_DIALOG_ID | T::SIP_CALL_ID => "names the SIP call the allocation is for",
        T::LOCATION_PROFILE => "whether peer and client are on the Internet or the intranet, and federation",
        T::GOOG_NOMINATION => "counts nominations; the highest one wins",
        T::GOOG_NETWORK_INFO => "network the sender uses and what it costs",
        T::TRANSACTION_TRANSMIT_COUNTER => "which transmission of the request this is",
        T::ICMP => "an ICMP message the server got for the peer",
        T::ADDRESS_ERROR_CODE if dialect != Dialect::Google => {
            "why the address of the other family was not allocated"
        }
        T::MOBILITY_TICKET => "lets the allocation move to another client address",
        T::ACCESS_TOKEN | T::THIRD_PARTY_AUTHORIZATION => {
            "OAuth credentials instead of a password (RFC 7635)"
        }
        _ => return None,
    })
}

/// A value of MS-VERSION in words; without one, what it is.
pub fn ms_version_words(version: Option<u32>) -> &'static str {
    match version {
        None => "version of Microsoft's TURN the sender speaks",
        Some(1) => "MS-ICE (draft-06)",
        Some(2) => "MS-ICE2",
        Some(3) => "MS-ICE2, SHA-256",
        Some(4) => "MS-ICE2, SHA-256, IPv6",
        Some(5) => "multiplexed TURN over UDP",
        Some(6) => "multiplexed TURN over UDP and TCP",
        Some(_) => "not known",
    }
}

/// MS-SERVICE-QUALITY in words: kind of stream, quality.
pub fn service_quality_words(stream: u16, quality: u16) -> (&'static str, &'static str) {
    let stream = match stream {
        1 => "audio",
        2 => "video",
        3 => "supplemental video",
        4 => "data",
        _ => "unknown stream",
    };
    let quality = match quality {
        0 => "best effort",
        1 => "reliable",
        _ => "unknown quality",
    };
    (stream, quality)
}
