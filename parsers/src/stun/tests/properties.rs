//! What holds for any bytes, and that what is built is read again.

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;

use super::*;
use crate::fuzzing;

fn vectors() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![
        RFC5769_REQUEST,
        RFC5769_V6,
        RFC5769_LONG_TERM,
        MS_ALLOCATE_SIGNED,
        MS_ALLOCATED,
        MS_SEND,
        MS_SERVER_ERROR,
        MS_ICE2_CHECK,
        MS_ICE_CHECK,
        GOOGLE_RESPONSE,
    ])
    .prop_map(<[u8]>::to_vec)
}

/// Attributes of any type and size.
fn attributes() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let kind = prop_oneof![
        prop::sample::select(AttributeType::ALL.iter().map(|t| t.0).collect::<Vec<_>>()),
        any::<u16>()
    ];
    prop::collection::vec((kind, prop::collection::vec(any::<u8>(), 0..40)), 0..8)
}

fn xor(address: SocketAddr, mask: &[u8]) -> Vec<u8> {
    let (family, bytes) = match address.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    let port = address.port().to_be_bytes();
    let mut value = vec![0, family, port[0] ^ mask[0], port[1] ^ mask[1]];
    value.extend(bytes.iter().zip(mask).map(|(b, m)| b ^ m));
    value
}

proptest! {
    #[test]
    fn any_bytes(data in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzzing::stun(&data);
        fuzzing::stun_stream(&data);
    }

    #[test]
    fn damaged_messages(
        mut message in vectors(),
        hint in 0u8..8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
        cut in any::<prop::sample::Index>(),
    ) {
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
        }
        message.insert(0, hint);
        fuzzing::stun(&message);
        fuzzing::stun(&message[..=cut.index(message.len())]);
        fuzzing::stun_stream(&message[1..]);
    }

    #[test]
    fn built_and_read(list in attributes(), padded in any::<bool>(), marked in any::<bool>()) {
        let mut body = Vec::new();
        if marked {
            body.extend(MS_TURN_COOKIE);
        }
        for (kind, value) in &list {
            body.extend(kind.to_be_bytes());
            body.extend(u16::try_from(value.len()).expect("fits").to_be_bytes());
            body.extend(value);
            if padded {
                body.resize(body.len().next_multiple_of(4), 0);
            }
        }
        let message = build(0x0003, &body);
        prop_assert!(looks_like_stun(&message));
        // Both walks may end well; where one does, it is the one that was meant or one just as good.
        let m = scan(&message);
        prop_assert!(!m.is_malformed());
        if m.is_padded() == padded || list.iter().all(|(_, v)| v.len() % 4 == 0) {
            let read: Vec<_> = parse(&message)
                .attributes
                .iter()
                .skip(usize::from(marked))
                .map(|a| (a.kind.0, message[a.value_range.clone()].to_vec()))
                .collect();
            prop_assert_eq!(read, list);
        }
    }

    #[test]
    fn addresses(v6 in any::<[u8; 16]>(), v4 in any::<[u8; 4]>(), port in any::<u16>(), id in any::<[u8; 16]>()) {
        for address in [SocketAddr::from((v6, port)), SocketAddr::from((v4, port))] {
            let value = xor(address, &id);
            prop_assert_eq!(address::xor_address(&value, &id), Some(address));
            prop_assert_eq!(address::plain_address(&xor(address, &[0; 16])), Some(address));
        }
    }

    #[test]
    fn rtp_is_never_stun(first in 0x80u8..0xC0, rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let packet = [&[first][..], &rest].concat();
        prop_assert!(!looks_like_stun(&packet));
        prop_assert!(scan_stun(&packet, None).is_none());
        prop_assert!(parse_channel_data(&packet).is_none());
    }
}
