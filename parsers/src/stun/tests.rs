//! Vectors, with where they come from.

use hex_literal::hex;

use super::*;

/// RFC 5769 §2.1: request, username `evtj:h6vY`, password `VOkJxbRl1RmTxUk/WvJxBt`.
pub(super) const RFC5769_REQUEST: &[u8] = &hex!(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
);
/// RFC 5769 §2.2: response, 192.0.2.1:32853.
pub(super) const RFC5769_V4: &[u8] = &hex!(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
);
/// RFC 5769 §2.3: response, [2001:db8:1234:5678:11:2233:4455:6677]:32853.
pub(super) const RFC5769_V6: &[u8] = &hex!(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa"
    "a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
);
/// RFC 5769 §2.4: long-term credentials, user マトリックス, realm example.org, password TheMatrIX.
pub(super) const RFC5769_LONG_TERM: &[u8] = &hex!(
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c"
    "662f2f3439396b39353464364f4c33346f4c39465354767936347341"
    "0014000b6578616d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
);

/// Built from [MS-TURN]'s layout; integrity with username `user1`, realm `rtcmedia`, password `secret`.
pub(super) const MS_ALLOCATE: &[u8] =
    &hex!("000300102112a442000102030405060708090a0b000f000472c64bc68008000400000002");
/// 401 with nonce, realm and the server's own address.
pub(super) const MS_UNAUTHORIZED: &[u8] = &hex!(
    "011300482112a442000102030405060708090a0b000f000472c64bc600090010000004 01556e617574686f72697a6564"
    "00140008a1a2a3a4a5a6a7a8001500087274636d656469618008000400000002000e000800010d96d5c78db5"
);
/// Unpadded USERNAME of five bytes.
pub(super) const MS_ALLOCATE_SIGNED: &[u8] = &hex!(
    "000300492112a442101112131415161718191a1b000f000472c64bc68008000400000002000600057573657231"
    "00140008a1a2a3a4a5a6a7a8001500087274636d6564696100080014ef9fbab2486fbe9b5b59b663d8dae72bf39ab0c6"
);
/// The worked calculation of an article on Communicator's use of ICE: X-Port E263, X-Address 75895AF6 and an id that
/// begins 2112A442 make 84.155.254.180:50033.
pub(super) const MS_ALLOCATED: &[u8] = &hex!(
    "010300642112a442101112131415161718191a1b000f000472c64bc6000100080001dfddd5c78db5000d000400000258"
    "802000080001e26375895af680500018404142434445464748494a4b4c4d4e4f50515253000000008008000400000002"
    "000800147e44174b5192c695bcaf228b93625fd969836d6e"
);
pub(super) const MS_SEND: &[u8] = &hex!(
    "000400692112a442202122232425262728292a2b000f000472c64bc60006000575736572318008000400000002"
    "80500018404142434445464748494a4b4c4d4e4f505152530000000100110008 0001c35acb007107"
    "0013000c8072000100000000deadbeef000800140691abd07bf2dfdc10b98b184155529d32e06ad3"
);
pub(super) const MS_DATA: &[u8] = &hex!(
    "011500242112a442303132333435363738393a3b000f000472c64bc6001200080001c35acb007107"
    "0013000c8072000200000001cafef00d"
);
pub(super) const MS_SET_ACTIVE: &[u8] = &hex!(
    "000600512112a442404142434445464748494a4b000f000472c64bc600060005757365723180500018404142434445"
    "464748494a4b4c4d4e4f5051525300000002001100080001c35acb00710700080014bedeabe66bed44b27a3453f08eef"
    "4702dfde7691"
);
pub(super) const MS_SET_ACTIVE_DONE: &[u8] = &hex!(
    "010600202112a442404142434445464748494a4b000f000472c64bc600080014f04045f6deea011e2195f104c9a8b791"
    "d9ae994d"
);
/// A check of Communicator 2007 R2, built from [MS-ICE2]: password `Y6Yd5gWbUCTCsn1Qfq7b3g==`.
pub(super) const MS_ICE2_CHECK: &[u8] = &hex!(
    "000100542112a4420303030303030303030303030006000c626f62553a616c6355000000002400046effffff802a0008"
    "01020304050607088054000431000000807000040000000200080014 6eeb2c2777aad766f6cb01c2ef79defed59e2b6f"
    "80280004a1728b73"
);
/// libnice 0.1.21 as an OC 2007 client: a keep-alive-like check without attributes but USERNAME and integrity.
pub(super) const MS_ICE_CHECK: &[u8] = &hex!(
    "0001006469433838e897ce1fb5710303b4f760a000060048759f1472ff45c8e23f8dfc131caf3ebeadb721bd4d1a2b23"
    "17bf8d008174fc0f3a323a777b34332c282b2d1b3be30a95b8d7af29eb8aae90778df24ad409fb4510d4c93a32000000"
    "0008001457a26c0e71c41eaa96f13506559fd3586ed4ae2c"
);
/// libnice 0.1.21 as a Google client.
pub(super) const GOOGLE_RESPONSE: &[u8] = &hex!(
    "010100303a77e633bf5d14a7a8a9eda941314bee000100080001abbd549bfeb4"
    "00060020354e326e714659545a6e6145666f504830694b6b464b697851615436"
    "43673531"
);

pub(super) fn scan(bytes: &[u8]) -> StunScan<'_> {
    scan_stun(bytes, None).expect("a message")
}

fn addr(text: &str) -> Option<std::net::SocketAddr> {
    Some(text.parse().expect("an address"))
}

#[test]
fn rfc5769() {
    let m = scan(RFC5769_REQUEST);
    assert_eq!((m.name().as_ref(), m.dialect()), ("Binding Request", Dialect::Rfc5389));
    assert_eq!(m.priority(), Some(0x6e00_01ff));
    assert_eq!(m.controlled(), Some(0x932f_f9b1_5126_3b36));
    assert_eq!(m.software(), Some(&b"STUN test client"[..]));
    let names = m.check_username().expect("two names");
    assert_eq!((names.receiver, names.sender), (&b"evtj"[..], &b"h6vY"[..]));
    assert!(m.has_integrity() && m.has_fingerprint() && !m.is_malformed() && m.is_padded());
    assert_eq!(scan(RFC5769_V4).mapped(), addr("192.0.2.1:32853"));
    assert_eq!(scan(RFC5769_V6).mapped(), addr("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
    let m = scan(RFC5769_LONG_TERM);
    assert_eq!(m.username(), Some("マトリックス".as_bytes()));
    assert_eq!(m.realm(), Some(&b"example.org"[..]));
    assert_eq!(m.nonce(), Some(&b"f//499k954d6OL34oL9FSTvy64sA"[..]));
}

#[test]
fn ms_turn() {
    for (message, name) in [
        (MS_ALLOCATE, "Allocate Request"),
        (MS_UNAUTHORIZED, "Allocate Error Response"),
        (MS_ALLOCATE_SIGNED, "Allocate Request"),
        (MS_ALLOCATED, "Allocate Success Response"),
        (MS_SEND, "Send Request"),
        (MS_DATA, "Data Indication"),
        (MS_SET_ACTIVE, "Set Active Destination Request"),
        (MS_SET_ACTIVE_DONE, "Set Active Destination Response"),
    ] {
        let m = scan(message);
        assert_eq!((m.name().as_ref(), m.dialect()), (name, Dialect::MsTurn));
        assert!(!m.is_malformed() && looks_like_stun(message), "{name}");
    }
    let m = scan(MS_UNAUTHORIZED);
    assert_eq!(m.error(), Some((401, &b"Unauthorized"[..])));
    assert_eq!((m.realm(), m.nonce()), (Some(&b"rtcmedia"[..]), Some(&hex!("a1a2a3a4a5a6a7a8")[..])));
    assert_eq!(m.alternate_server(), addr("213.199.141.181:3478"));
    let m = scan(MS_ALLOCATED);
    assert_eq!(m.relayed(), addr("213.199.141.181:57309"));
    assert_eq!(m.mapped(), addr("84.155.254.180:50033"));
    assert_eq!(m.lifetime(), Some(600));
    assert_eq!(m.ms_sequence(), Some((&hex!("404142434445464748494a4b4c4d4e4f50515253"), 0)));
    let m = scan(MS_SEND);
    assert_eq!(m.peer(), addr("203.0.113.7:50010"));
    assert_eq!(m.data(), Some(&hex!("8072000100000000deadbeef")[..]));
    assert_eq!(m.ms_sequence().map(|(_, n)| n), Some(1));
    assert_eq!(scan(MS_DATA).peer(), addr("203.0.113.7:50010"));
    assert_eq!(scan(MS_SET_ACTIVE).peer(), addr("203.0.113.7:50010"));
}

#[test]
fn ms_turn_with_a_random_id() {
    let message = hex!(
        "01030014" "5b3c9d1e000000000000000000000001" "000f000472c64bc6" "8020000800 01984d0fa763aa"
    );
    let m = scan(&message);
    assert_eq!((m.mapped(), m.dialect()), (addr("84.155.254.180:50033"), Dialect::MsTurn));
}

#[test]
fn dialects_of_checks() {
    let m = scan(MS_ICE2_CHECK);
    assert_eq!(m.dialect(), Dialect::MsIce2);
    assert_eq!(m.username(), Some(&b"bobU:alcU"[..]));
    assert_eq!(m.candidate_identifier(), Some(&b"1"[..]));
    assert_eq!((m.implementation_version(), m.controlling()), (Some(2), Some(0x0102_0304_0506_0708)));
    let m = scan(MS_ICE_CHECK);
    assert_eq!(m.dialect(), Dialect::MsIce);
    let names = m.check_username().expect("two ids");
    assert_eq!((names.receiver.len(), names.sender.len(), names.component), (32, 32, Some(2)));
    let m = scan(GOOGLE_RESPONSE);
    assert_eq!((m.dialect(), m.mapped()), (Dialect::Google, addr("84.155.254.180:43965")));
}
