//! Vectors, with where they come from.

use hex_literal::hex;

use super::*;

mod bad_input;
mod integrity;
mod properties;
mod stream;

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
/// A check that libnice 0.1.21 sent as an OC 2007 client; the receiver's candidate has the id
/// `dZ8Ucv9FyOI/jfwTHK8+vq23Ib1NGisjF7+NAIF0/A8=` and the password `uwoQXnyUZypsk1C55BfpGQ==`.
pub(super) const MS_ICE_CHECK: &[u8] = &hex!(
    "0001006469433838e897ce1fb5710303b4f760a000060048759f1472ff45c8e23f8dfc131caf3ebeadb721bd4d1a2b23"
    "17bf8d008174fc0f3a323a777b34332c282b2d1b3be30a95b8d7af29eb8aae90778df24ad409fb4510d4c93a32000000"
    "0008001457a26c0e71c41eaa96f13506559fd3586ed4ae2c"
);
/// An answer that libnice 0.1.21 sent as a Google client.
pub(super) const GOOGLE_RESPONSE: &[u8] = &hex!(
    "010100303a77e633bf5d14a7a8a9eda941314bee000100080001abbd549bfeb4"
    "00060020354e326e714659545a6e6145666f504830694b6b464b69785161543673435178"
);
/// What a server of Microsoft's answered (nDPI's capture of a Teams call): unpadded reason of 61 bytes, realm in quotes,
/// addresses in a 401. The addresses are replaced by documentation ones.
pub(super) const MS_SERVER_ERROR: &[u8] = &hex!(
    "011300a72112a442b2343f6e67f41d58acba639f000f000472c64bc680080004000000060009003d0000040154686520"
    "7265717565737420646964206e6f7420636f6e7461696e2061204d6573736167652d496e746567726974792061747472"
    "6962757465000e000800010d96c0000201 00140014024ecbf8827a60d65306debfa77d87d14402dd5d0015000a227274"
    "636d65646961220001000800010d98c00002018095 00087f20c4dd4f848dfa802000080001c1d5ea12d545"
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

#[test]
fn microsoft_server() {
    let m = scan(MS_SERVER_ERROR);
    assert_eq!((m.dialect(), m.is_malformed(), m.is_padded()), (Dialect::MsTurn, false, false));
    assert_eq!(m.error().map(|(code, _)| code), Some(401));
    assert_eq!(m.realm(), Some(&b"\"rtcmedia\""[..]));
    assert_eq!((m.relayed(), m.mapped()), (None, addr("203.0.113.7:57543")));
    assert_eq!(m.alternate_server(), addr("192.0.2.1:3478"));
    assert!(parse(MS_SERVER_ERROR).issues.is_empty());
}

pub(super) fn parse(bytes: &[u8]) -> Stun<'_> {
    parse_stun(bytes, None).expect("a message")
}

/// A message: header of 2112A442 and a counting id, then what is given.
pub(super) fn build(kind: u16, attributes: &[u8]) -> Vec<u8> {
    let mut message = kind.to_be_bytes().to_vec();
    message.extend(u16::try_from(attributes.len()).expect("fits").to_be_bytes());
    message.extend(MAGIC_COOKIE);
    message.extend(1..=12);
    message.extend(attributes);
    message
}

#[test]
fn vectors_have_no_issues() {
    for message in [
        RFC5769_REQUEST,
        RFC5769_V4,
        RFC5769_V6,
        RFC5769_LONG_TERM,
        MS_ALLOCATE,
        MS_UNAUTHORIZED,
        MS_ALLOCATE_SIGNED,
        MS_ALLOCATED,
        MS_SEND,
        MS_DATA,
        MS_SET_ACTIVE,
        MS_SET_ACTIVE_DONE,
        MS_ICE2_CHECK,
        MS_ICE_CHECK,
        GOOGLE_RESPONSE,
    ] {
        let stun = parse(message);
        assert_eq!(stun.issues, []);
        assert!(stun.attributes.iter().all(|a| a.name.is_some()), "{:?}", stun.attributes);
    }
}

#[test]
fn every_attribute_has_its_meaning_in_its_dialect() {
    let stun = parse(MS_ALLOCATED);
    let shown: Vec<_> = stun.attributes.iter().map(|a| (a.name.unwrap_or_default(), a.value)).collect();
    let wire = "117.137.90.246:57955".parse().expect("an address");
    assert_eq!(
        shown,
        [
            ("MAGIC-COOKIE", Value::Bytes(&[0x72, 0xC6, 0x4B, 0xC6])),
            ("MAPPED-ADDRESS", Value::Address("213.199.141.181:57309".parse().expect("an address"))),
            ("LIFETIME", Value::Seconds(600)),
            (
                "XOR-MAPPED-ADDRESS",
                Value::XorAddress { wire, address: "84.155.254.180:50033".parse().expect("one") }
            ),
            (
                "MS-SEQUENCE-NUMBER",
                Value::Sequence {
                    connection: Some(&hex!("404142434445464748494a4b4c4d4e4f50515253")),
                    number: 0
                }
            ),
            ("MS-VERSION", Value::Number(2)),
            ("MESSAGE-INTEGRITY", Value::Digest(&hex!("7e44174b5192c695bcaf228b93625fd969836d6e"))),
        ]
    );
    let relayed = words::attribute_words(AttributeType::MAPPED_ADDRESS, Dialect::MsTurn, Method::ALLOCATE);
    assert!(relayed.is_some_and(|w| w.contains("relayed")));
    let names = |stun: &Stun<'_>| stun.attributes.iter().filter_map(|a| a.name).collect::<Vec<_>>();
    assert_eq!(
        names(&parse(MS_UNAUTHORIZED)),
        ["MAGIC-COOKIE", "ERROR-CODE", "NONCE", "REALM", "MS-VERSION", "ALTERNATE-SERVER"]
    );
    assert_eq!(names(&parse(RFC5769_LONG_TERM)), ["USERNAME", "NONCE", "REALM", "MESSAGE-INTEGRITY"]);
    assert_eq!(names(&parse(MS_DATA)), ["MAGIC-COOKIE", "REMOTE-ADDRESS", "DATA"]);
}

#[test]
fn values() {
    let one = |attribute: &[u8]| {
        let message = build(0x0003, attribute);
        let stun = parse(&message);
        assert!(stun.issues.is_empty(), "{:?}", stun.issues);
        format!("{:?}", stun.attributes[0].value)
    };
    for (attribute, value) in [
        (&hex!("0003000400000006")[..], "ChangeRequest { ip: true, port: true }"),
        (&hex!("0018000180000000"), "EvenPort { reserve_next: true }"),
        (&hex!("0019000411000000"), "Transport(17)"),
        (&hex!("0017000402000000"), "Family(2)"),
        (&hex!("000c000440010000"), "Channel(16385)"),
        (&hex!("001a0000"), "Empty"),
        (&hex!("00240004 6e0001ff"), "Priority(1845494271)"),
        (&hex!("8004000800000710 00000001"), "Icmp { kind: 3, code: 272, data: 1 }"),
        (&hex!("8025000400000301"), "TransmitCounter { request: 3, response: 1 }"),
        (&hex!("8050000400000007"), "Sequence { connection: None, number: 7 }"),
        (&hex!("8055000400010000"), "ServiceQuality { stream: 1, quality: 0 }"),
        (&hex!("80560004 00000002"), "Admission { reserved: 0, kind: 2 }"),
        (
            &hex!("80580010 00000001000000020000000300000004"),
            "Reservation { min_send: 1, max_send: 2, min_receive: 3, max_receive: 4 }",
        ),
        (
            &hex!("805d000c 800000000000000200000003"),
            "SiteAnswer { flags: 2147483648, max_send: 2, max_receive: 3 }",
        ),
        (&hex!("8068000401020000"), "Location { peer: 1, own: 2, federation: 0 }"),
        (&hex!("8001000402000428"), "AddressError { family: 2, code: 440, reason: [] }"),
        (&hex!("8052000401020304"), "Unknown([1, 2, 3, 4])"),
        (&hex!("0007000401020304"), "Secret([1, 2, 3, 4])"),
    ] {
        assert_eq!(one(attribute), value);
    }
    let message = build(0x0113, &hex!("000a0004 00248001 8002000c 0002000000010004 00000001"));
    let stun = parse(&message);
    let unknown: Vec<_> = stun.attributes[0].value.types().collect();
    assert_eq!(unknown, [AttributeType::PRIORITY, AttributeType::ADDRESS_ERROR_CODE]);
    let algorithms: Vec<_> = stun.attributes[1].value.algorithms().collect();
    assert_eq!(algorithms, [(2, &[][..]), (1, &[0, 0, 0, 1])]);
}

#[test]
fn names_of_types() {
    for (kind, rfc, old) in [
        (0x0001, "Binding Request", "Binding Request"),
        (0x0011, "Binding Indication", "Binding Indication"),
        (0x0101, "Binding Success Response", "Binding Success Response"),
        (0x0113, "Allocate Error Response", "Allocate Error Response"),
        (0x0004, "Refresh Request", "Send Request"),
        (0x0115, "Method 0x005 Error Response", "Data Indication"),
        (0x0006, "Send Request", "Set Active Destination Request"),
        (0x0106, "Send Response", "Set Active Destination Response"),
        (0x0116, "Send Error Response", "Set Active Destination Error Response"),
        (0x0016, "Send Indication", "Send Indication"),
        (0x0017, "Data Indication", "Data Indication"),
        (0x0108, "CreatePermission Success Response", "CreatePermission Success Response"),
        (0x0119, "ChannelBind Error Response", "ChannelBind Error Response"),
        (0x001C, "ConnectionAttempt Indication", "ConnectionAttempt Indication"),
        (0x0200, "GOOG-PING Request", "GOOG-PING Request"),
        (0x3EEF, "Method 0xFFF Request", "Method 0xFFF Request"),
    ] {
        assert_eq!(MessageType(kind).name(Dialect::Rfc5389), rfc, "{kind:04x}");
        assert_eq!(MessageType(kind).name(Dialect::MsTurn), old, "{kind:04x}");
    }
}

#[test]
fn errors_in_words() {
    let name = |code, dialect| words::error_words(code, dialect).map(|(name, _)| name);
    assert_eq!(name(487, Dialect::MsIce2), Some("Role Conflict"));
    // One number, two meanings.
    assert_eq!(name(437, Dialect::Rfc5389), Some("Allocation Mismatch"));
    assert_eq!(name(437, Dialect::MsTurn), Some("No Binding"));
    assert_eq!(
        (name(431, Dialect::Rfc5389), name(431, Dialect::MsTurn)),
        (None, Some("Integrity Check Failure"))
    );
    assert_eq!(name(699, Dialect::Rfc5389), None);
}

#[test]
fn what_only_the_flow_tells() {
    // An answer without any mark.
    let message = hex!("01010010 5b3c9d1e000000000000000000000001 0001000c000100010a000001 00000000");
    for (hint, dialect) in [
        (None, Dialect::Classic),
        (Some(Dialect::MsIce), Dialect::MsIce),
        (Some(Dialect::Google), Dialect::Google),
        (Some(Dialect::Rfc5389), Dialect::Classic),
    ] {
        assert_eq!(scan_stun(&message, hint).map(|m| m.dialect()), Some(dialect));
    }
    let keep_alive = build(0x0011, &[]);
    assert_eq!(scan_stun(&keep_alive, Some(Dialect::MsIce2)).map(|m| m.dialect()), Some(Dialect::MsIce2));
    // Content beats the hint.
    assert_eq!(scan_stun(MS_SEND, Some(Dialect::Rfc5389)).map(|m| m.dialect()), Some(Dialect::MsTurn));
    assert_eq!(
        scan_stun(RFC5769_REQUEST, Some(Dialect::MsTurn)).map(|m| m.dialect()),
        Some(Dialect::Rfc5389)
    );
    assert!(scan(MS_SEND).proves_dialect() && !scan(&message).proves_dialect());
}

#[test]
fn users_of_draft06() {
    let id = [b':'; 9];
    let mut name = id.to_vec();
    name.extend(b":2:");
    name.extend([7; 9]);
    name.extend(b":2\0\0\0");
    let found = username::draft06_username(&name).expect("two ids");
    assert_eq!((found.receiver, found.sender, found.component), (&id[..], &[7; 9][..], Some(2)));
    // The receiver's id may be two joined.
    let found = username::draft06_username(b"AAAABBBB:1:CCCC:1\0").expect("two ids");
    assert_eq!((found.receiver, found.sender), (&b"AAAABBBB"[..], &b"CCCC"[..]));
    for other in [&b"evtj:h6vY"[..], b"a:1:b:2", b":1::1", b"", b":1"] {
        assert_eq!(username::draft06_username(other), None, "{}", other.escape_ascii());
    }
}

#[test]
fn channel_data() {
    let data = parse_channel_data(&hex!("400000038008010000")[..8]).expect("channel data");
    assert_eq!((data.channel, data.data, data.trailing), (0x4000, 4..7, 1));
    assert!(!parse_channel_data(&hex!("7fff0000")).expect("of RFC 5766").is_rfc8656());
    for none in
        [&hex!("3fff0000")[..], &hex!("80000000"), &hex!("400000050102"), &hex!("4000000001020304"), b"@"]
    {
        assert_eq!(parse_channel_data(none), None);
    }
}

#[test]
fn tcp_allocations_and_permissions() {
    // RFC 6062: the id of a connection; RFC 8656: two peers, and addresses of both families.
    let message = build(0x001C, &hex!("002a000400000102 001200080001e112cc12a443"));
    assert_eq!(scan(&message).connection_id(), Some(0x102));
    let message = build(0x0008, &hex!("001200080001e112cc12a443 001200080001e112cd12a443"));
    let peers: Vec<_> = scan(&message).peers().map(|p| p.to_string()).collect();
    assert_eq!(peers, ["237.0.0.1:49152", "236.0.0.1:49152"]);
    let message =
        build(0x0103, &hex!("001600080001e112cc12a443 001600140002e112 0113a9fa0102030405060708090a0b0c"));
    let relayed: Vec<_> = scan(&message).all_relayed().map(|p| p.to_string()).collect();
    assert_eq!(relayed, ["237.0.0.1:49152", "[2001:db8::]:49152"]);
    assert!(parse(&message).issues.is_empty());
}
