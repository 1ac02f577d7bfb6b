use super::prelogin::{PreloginOption, TraceId, Version, option, option_name};
use super::token::EnvChange;
use super::*;
use crate::Issue;
use hex_literal::hex;
use proptest::prelude::*;

// Example of [MS-TDS]; TShark reads it so too.
const PRELOGIN: [u8; 47] = hex!(
    "1201002F00000100" "00001A0006" "0100200001" "0200210001" "0300220004" "0400260001" "FF"
    "090000000000" "01" "00" "B80D0000" "01"
);
// Lab capture: FreeTDS tsql 1.3 asking for the instance RTC with a wrong password, and a test server's answers.
const LOGIN: &[u8] = &hex!(
    "100100c800000000c000000003000b73001000000683f2f82c78000000000000e003000888ffffff360400005e00020062000300680009007a
     00040082000a000000000096000b00ac000a00c0000000feb8428df2bdc0000000c0000000c00000000000000076006d00620061006400a0a5
     b3a592a592a5d2a5a6a582a5e3a5b7a55400530051004c00310030002e00330030002e0030002e00310030005400440053002d004c00690062
     007200610072007900750073005f0065006e0067006c00690073006800"
);
const SERVER_PRELOGIN: &[u8] =
    &hex!("0401002b0034010000001a00060100200001020021000103002200000400220001ff0a0006400000020000");
const REFUSED: &[u8] = &hex!(
    "0401007600340100aa5e0018480000010e1c004c006f00670069006e0020006600610069006c0065006400200066006f007200200075007300
     650072002000270062006100640027002e000c4f004300530050004f004f004c0031005c005200540043000001000000fd0200000000000000
     00000000"
);
// Lab capture: the same server letting pymssql in.
const ACCEPTED: &[u8] = &hex!(
    "040100f400340100e315000103720074006300066d0061007300740065007200e3080007050904d0003400ab6a004516000002002200430068
     0061006e00670065006400200064006100740061006200610073006500200063006f006e007400650078007400200074006f00200027007200
     7400630027002e000c4f004300530050004f004f004c0031005c005200540043000001000000e3130004043400300039003600043400300039
     003600ad360001730b0003164d006900630072006f0073006f00660074002000530051004c0020005300650072007600650072000000000 00a
     000640fd000000000000000000000000"
);

fn read(parts: &[&[u8]]) -> Vec<TdsEvent> {
    let mut reader = TdsReader::default();
    let mut events = Vec::new();
    parts.iter().for_each(|part| reader.push(part, &mut events));
    reader.finish(&mut events);
    events
}

fn messages(events: &[TdsEvent]) -> Vec<&TdsMessage> {
    events.iter().filter_map(|e| if let TdsEvent::Message(m) = e { Some(m) } else { None }).collect()
}

fn issue_codes(events: &[TdsEvent]) -> Vec<&'static str> {
    events.iter().filter_map(|e| if let TdsEvent::Issue(i) = e { Some(i.code) } else { None }).collect()
}

fn codes(issues: &[Issue]) -> Vec<&'static str> {
    issues.iter().map(|i| i.code).collect()
}

/// A packet of this type, end of message.
fn packet(kind: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(payload.len() + HEADER).unwrap().to_be_bytes();
    [&[kind, 1, high, low, 0, 0, 1, 0], payload].concat()
}

/// A PRELOGIN of these options.
fn prelogin(options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut offset = options.len() * 5 + 1;
    let mut head = Vec::new();
    for (token, value) in options {
        head.push(*token);
        head.extend((offset as u16).to_be_bytes());
        head.extend((value.len() as u16).to_be_bytes());
        offset += value.len();
    }
    head.push(0xFF);
    options.iter().for_each(|(_, value)| head.extend(*value));
    head
}

#[test]
fn prelogin_of_the_specification() {
    let TdsFrame::Packet(header) = frame_packet(&PRELOGIN) else { panic!() };
    assert_eq!(
        (header.kind, header.status, header.length, header.packet_id),
        (PacketType::PRELOGIN, 1, 47, 1)
    );
    assert!(looks_like_tds(&PRELOGIN));
    let p = parse_prelogin(&PRELOGIN[HEADER..], false);
    assert_eq!(p.version, Some(Version { major: 9, minor: 0, build: 0, sub_build: [0, 0] }));
    assert_eq!(p.version.unwrap().to_string(), "9.0.0");
    assert_eq!(p.encryption.and_then(Encryption::name), Some("on"));
    assert_eq!((p.instance, p.thread_id, p.mars), (Some(InstanceOption::Name(b"")), Some(0xDB8), Some(true)));
    assert_eq!((p.trace_id, p.fed_auth_required, p.nonce), (None, None, None));
    assert!(p.issues.is_empty(), "{:?}", p.issues);
    assert_eq!(
        p.options[4],
        PreloginOption { token: option::MARS, value: &[1], range: 20..25, value_range: 38..39 }
    );
}

// Lab capture: tedious 19, and the server's answer.
#[test]
fn prelogins_of_a_client_and_a_server() {
    let client = hex!(
        "00002400 0601002a 00010200 2b000103 002c0004 04003000 01050031 00240600 550001ff 13020002 00000200 00000000
         00053c5f 97f070fc f041b86e c8a81f0a 55a5cae6 10180387 3ff1688a 5f78b77f 44d9d48a 3d01"
    );
    let p = parse_prelogin(&client, false);
    assert!(p.issues.is_empty(), "{:?}", p.issues);
    assert_eq!(
        (p.encryption.and_then(Encryption::name), p.fed_auth_required),
        (Some("not_supported"), Some(true))
    );
    assert_eq!(
        p.trace_id,
        Some(TraceId {
            connection: hex!("053c5f97f070fcf041b86ec8a81f0a55"),
            activity: hex!("a5cae6101803873ff1688a5f78b77f44"),
            sequence: 0x3D8A_D4D9,
        })
    );
    let names: Vec<_> = p.options.iter().filter_map(|o| option_name(o.token)).collect();
    assert_eq!(names, ["VERSION", "ENCRYPTION", "INSTOPT", "THREADID", "MARS", "TRACEID", "FEDAUTHREQUIRED"]);
    assert!(looks_like_tds(SERVER_PRELOGIN));
    let p = parse_prelogin(&SERVER_PRELOGIN[HEADER..], true);
    assert!(p.issues.is_empty(), "{:?}", p.issues);
    assert_eq!(p.version.map(|v| (v.major, v.minor, v.build)), Some((10, 0, 1600)));
    assert_eq!((p.instance_matches(), p.thread_id, p.mars), (Some(true), None, Some(false)));
    assert_eq!(crate::sqlr::product(10, 0), Some("SQL Server 2008"));
    let other = prelogin(&[(0, &[9, 0, 5, 0, 0, 0]), (2, &[1])]);
    assert_eq!(parse_prelogin(&other, true).instance_matches(), Some(false));
    assert_eq!(parse_prelogin(&other, true).issues, []);
    let named = prelogin(&[(0, &[9, 0, 5, 0, 0, 0]), (2, b"RTC\0")]);
    assert_eq!(parse_prelogin(&named, false).instance, Some(InstanceOption::Name(b"RTC")));
    let nonce = prelogin(&[(0, &[9, 0, 5, 0, 0, 0]), (7, &[7; 32])]);
    assert_eq!(parse_prelogin(&nonce, false).nonce, Some(&[7; 32][..]));
}

#[test]
fn malformed_prelogins() {
    let check = |payload: &[u8], expect: &[&str]| {
        let p = parse_prelogin(payload, false);
        assert_eq!(codes(&p.issues), expect, "{payload:02x?}");
        p.issues.iter().for_each(|i| assert!(payload.get(i.range.clone()).is_some()));
    };
    check(&[], &["tds-options-unterminated"]);
    check(&[0xFF], &[]);
    check(&[0, 0, 26, 0], &["tds-options-unterminated"]);
    // VERSION beyond the end; among the options; with an offset of 65535.
    check(&hex!("00000600 06ff0900"), &["tds-option-outside", "tds-bad-option"]);
    check(&hex!("00000000 06ff0900 00000000"), &["tds-option-overlap"]);
    check(&hex!("00ffff00 06ff"), &["tds-option-outside", "tds-bad-option"]);
    check(&hex!("00ffffff ffff"), &["tds-option-outside", "tds-bad-option"]);
    let version: (u8, &[u8]) = (0, &[9, 0, 0, 0, 0, 0]);
    check(&prelogin(&[(1, &[0]), version]), &["tds-version-not-first"]);
    check(&prelogin(&[version, (1, &[0]), (1, &[1])]), &["tds-repeated-option"]);
    check(&prelogin(&[version, (1, &[9])]), &["tds-bad-option"]);
    check(&prelogin(&[version, (2, b"RTC")]), &["tds-bad-option"]);
    check(&prelogin(&[version, (4, &[2]), (5, &[1]), (6, &[]), (7, &[0])]), &["tds-bad-option"; 4]);
    check(&prelogin(&[version, (0x20, b"what")]), &[]);
    // Cut before the values: nothing is taken for what it is not.
    let cut = &PRELOGIN[HEADER..HEADER + 28];
    let p = parse_prelogin(cut, false);
    assert_eq!((p.version, p.encryption, p.mars), (None, None, None));
    assert!(looks_like_tds(&PRELOGIN[..HEADER + 28]));
    let many = [&[0x30, 0, 0, 0, 0].repeat(100)[..], &[0xFF]].concat();
    assert_eq!(parse_prelogin(&many, false).options.len(), 64);
}

#[test]
fn encryption_agreed() {
    use EncryptionOutcome as O;
    let (off, on, none, must) =
        (Encryption::OFF, Encryption::ON, Encryption::NOT_SUPPORTED, Encryption::REQUIRED);
    for (client, server, outcome) in [
        (off, off, Some(O::LoginOnly)),
        (on, on, Some(O::Whole)),
        (off, on, Some(O::Whole)),
        (off, must, Some(O::Whole)),
        (must, on, Some(O::Whole)),
        (none, none, Some(O::None)),
        (off, none, Some(O::None)),
        (on, none, Some(O::Closed)),
        (none, must, Some(O::Closed)),
        (none, off, None),
        (Encryption(7), off, None),
        (Encryption(0x81), on, Some(O::Whole)),
    ] {
        assert_eq!(encryption_outcome(client, server), outcome, "{client:?} {server:?}");
    }
    assert!(Encryption(0x81).client_certificate() && !on.client_certificate());
    assert_eq!(
        (Encryption(0x81).name(), Encryption(0x23).name(), Encryption(4).name()),
        (Some("on"), Some("required"), None)
    );
}

#[test]
fn login_in_clear() {
    assert!(looks_like_tds(LOGIN));
    let login = parse_login7(&LOGIN[HEADER..]);
    assert!(login.issues.is_empty(), "{:?}", login.issues);
    assert_eq!(tds_version_name(login.tds_version), Some("7.3B"));
    assert_eq!((&login.host[..], &login.user[..], &login.program[..]), ("vm", "bad", "TSQL"));
    assert_eq!((&login.server[..], &login.library[..]), ("10.30.0.10", "TDS-Library"));
    assert_eq!((&login.language[..], &login.database[..]), ("us_english", ""));
    assert_eq!((login.packet_size, login.process_id, login.integrated), (4096, 30764, false));
    assert_eq!(login.client_id, hex!("feb8428df2bd"));
    // Nine characters, told by their place only.
    assert_eq!(
        (login.has_password, login.secrets.len(), login.secrets.first()),
        (true, 1, Some(&(104..122)))
    );
    // The transformation of §2.2.6.4 hides nothing from who knows it.
    let hidden = LOGIN[HEADER..][login.secrets[0].clone()].iter().map(|b| (b ^ 0xA5).rotate_left(4));
    let password = utf16(&hidden.collect::<Vec<_>>());
    assert_eq!(password, "Passw0rd!");
    assert!(!format!("{login:?}").contains(&password));
}

#[test]
fn damaged_logins() {
    let payload = &LOGIN[HEADER..];
    for cut in 0..payload.len() {
        let login = parse_login7(&payload[..cut]);
        assert!(!login.issues.is_empty(), "{cut}");
        login.secrets.iter().for_each(|s| assert!(s.end <= cut));
    }
    let mut outside = payload.to_vec();
    outside[40..44].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    let login = parse_login7(&outside);
    assert_eq!((codes(&login.issues), &login.user[..]), (vec!["tds-login-field-outside"], ""));
    outside[40..44].copy_from_slice(&[0, 0, 0xFF, 0xFF]);
    assert_eq!(codes(&parse_login7(&outside).issues), ["tds-login-field-outside"]);
    // A directory token in the feature extension is a secret too.
    let mut token = payload.to_vec();
    token[27] |= 0x10;
    token[56..60].copy_from_slice(&[192, 0, 4, 0]);
    let list = token.len() as u32 + 4;
    token.extend(list.to_le_bytes());
    token.extend(hex!("01 01000000 00 02 04000000 73656372 ff"));
    let length = token.len() as u32;
    token[..4].copy_from_slice(&length.to_le_bytes());
    let login = parse_login7(&token);
    assert!(login.federated && login.issues.is_empty(), "{login:?}");
    assert_eq!(&token[login.secrets[1].clone()], b"secr");
    assert!(!looks_like_login7(b"") && !looks_like_login7(&[0; 94]));
}

#[test]
fn answers_to_a_login() {
    let refused = parse_tokens(&REFUSED[HEADER..]);
    assert!(refused.issues.is_empty());
    let error = refused.error().unwrap();
    assert_eq!((error.number, error.state, error.class, error.line), (18456, 1, 14, 1));
    assert_eq!((&error.text[..], &error.server[..]), ("Login failed for user 'bad'.", "OCSPOOL1\\RTC"));
    assert_eq!(error_title(18456), Some("login failed: wrong user or password, or not allowed in"));
    assert_eq!(refused.tokens[1], Token::Done { status: 2, rows: None });
    assert!(refused.login_ack().is_none());
    let accepted = parse_tokens(&ACCEPTED[HEADER..]);
    assert!(accepted.issues.is_empty(), "{:?}", accepted.issues);
    let ack = accepted.login_ack().unwrap();
    assert_eq!(tds_version_name(ack.tds_version), Some("7.3B"));
    assert_eq!((&ack.program[..], ack.major, ack.minor, ack.build), ("Microsoft SQL Server", 10, 0, 1600));
    let database = EnvChange::Database { new: "rtc".into(), old: "master".into() };
    assert_eq!(accepted.tokens[0], Token::EnvChange(database));
    assert_eq!(accepted.tokens[1], Token::EnvChange(EnvChange::Other(7)));
    assert!(matches!(&accepted.tokens[2], Token::Info(info) if info.number == 5701));
    let size = EnvChange::PacketSize { new: "4096".into(), old: "4096".into() };
    assert_eq!(accepted.tokens[3], Token::EnvChange(size));
    assert!(accepted.error().is_none());
    for cut in 0..REFUSED.len() - HEADER {
        let tokens = parse_tokens(&REFUSED[HEADER..HEADER + cut]);
        assert!(tokens.issues.len() <= 1 && tokens.tokens.len() <= 2);
    }
}

#[test]
fn other_tokens() {
    // Written by hand: 7.1 has two bytes of line and four of row count.
    let old = hex!("aa 1200 0c400000 01 0e 0300 6100 6200 6300 00 00 0500  fd 1000 0000 07000000");
    let tokens = parse_tokens(&old);
    assert!(tokens.issues.is_empty(), "{:?}", tokens.issues);
    assert_eq!(tokens.error().map(|e| (e.number, &e.text[..], e.line)), Some((16396, "abc", 5)));
    assert_eq!(tokens.tokens[1], Token::Done { status: 0x10, rows: Some(7) });
    // Routing to another server, port 1501.
    let routing = hex!("e3 0e00 14 0900 00 dd05 0200 6400 6200 0000");
    let tokens = parse_tokens(&routing);
    assert_eq!(tokens.tokens, [Token::EnvChange(EnvChange::Routing { server: "db".into(), port: 1501 })]);
    let check = |bytes: &[u8], expect: &[&str]| assert_eq!(codes(&parse_tokens(bytes).issues), expect);
    check(&hex!("aa ffff 00"), &["tds-token-cut"]);
    check(&hex!("aa 0200 0000"), &["tds-bad-token"]);
    check(&hex!("00"), &["tds-unknown-token"]);
    check(&hex!("ae 01 ffffffff"), &["tds-token-cut"]);
    check(&hex!("ae 01 01000000 00 ff ed 0100 00 81"), &[]);
    check(&hex!("e4 ffffffff"), &["tds-token-cut"]);
    assert_eq!(parse_tokens(&hex!("79 00000000").repeat(1000)).tokens.len(), 256);
}

// Written after TDS 5 traffic: text of one byte a character, EED for errors.
#[test]
fn tokens_of_tds_5() {
    let bytes = hex!(
        "e3 0700 01 03 617070 01 6d  e5 1c00 a20f0000 01 0e 05 5a5a5a5a5a 00 0100 0500 77726f6e67 02 4453 00 0100
         ad 0e00 05 05000000 04 73716c73 0c050000  fd 0200 0000 00000000"
    );
    let tokens = parse_tokens(&bytes);
    assert!(tokens.issues.is_empty(), "{:?}", tokens.issues);
    let database = EnvChange::Database { new: "app".into(), old: "m".into() };
    assert_eq!(tokens.tokens[0], Token::EnvChange(database));
    assert_eq!(tokens.error().map(|e| (e.number, &e.text[..], &e.server[..])), Some((4002, "wrong", "DS")));
    let ack = tokens.login_ack().unwrap();
    assert_eq!((tds_version_name(ack.tds_version), &ack.program[..], ack.major), (Some("5.0"), "sqls", 12));
    assert_eq!(tokens.tokens[3], Token::Done { status: 2, rows: None });
    // Its login record.
    let mut record = vec![0; 564];
    let mut put = |at: usize, room: usize, text: &[u8]| {
        record[at..at + text.len()].copy_from_slice(text);
        record[at + room] = text.len() as u8;
    };
    put(0, 30, b"pc");
    put(31, 30, b"user");
    put(62, 30, b"hidden");
    put(140, 30, b"program");
    put(171, 30, b"db.example.com");
    put(462, 10, b"library");
    record[458] = 5;
    let login = parse_old_login(&record);
    assert_eq!((&login.host[..], &login.user[..], &login.program[..]), ("pc", "user", "program"));
    assert_eq!((&login.server[..], &login.library[..]), ("db.example.com", "library"));
    assert_eq!((login.tds_version, login.secrets.first()), (0x0500_0000, Some(&(62..68))));
    assert!(!format!("{login:?}").contains("hidden"));
    // Cut before the length byte: whatever stands in the field.
    assert_eq!(parse_old_login(&record[..80]).secrets.first(), Some(&(62..80)));
    // It takes two packets, of different types.
    let mut stream = packet(2, &record[..504]);
    stream[1] = 0;
    assert!(looks_like_tds(&stream));
    stream.extend(packet(15, &record[504..]));
    let events = read(&[&stream]);
    let [message] = messages(&events)[..] else { panic!("{events:?}") };
    assert_eq!((message.kind, message.packets, message.length), (PacketType::OLD_LOGIN, 2, 564));
}

#[test]
fn streams_in_any_pieces() {
    let stream = [&PRELOGIN[..], LOGIN].concat();
    let whole = read(&[&stream]);
    let contents: Vec<_> = messages(&whole).iter().map(|m| (m.content(), m.start, m.end, m.cut)).collect();
    assert_eq!(contents, [(TdsContent::Prelogin, 0, 47, false), (TdsContent::Login7, 47, 247, false)]);
    for cut in 0..stream.len() {
        assert_eq!(read(&[&stream[..cut], &stream[cut..]]), whole, "{cut}");
    }
    let bytes: Vec<_> = stream.chunks(1).collect();
    assert_eq!(read(&bytes), whole);
    // A PRELOGIN over two packets.
    let mut first = packet(18, &PRELOGIN[HEADER..20]);
    first[1] = 0;
    let split = [first, packet(18, &PRELOGIN[20..])].concat();
    let events = read(&[&split]);
    let [message] = messages(&events)[..] else { panic!("{events:?}") };
    assert_eq!((message.packets, &message.payload[..]), (2, &PRELOGIN[HEADER..]));
    // Where parts of the payload stand in the stream: 12 bytes, then another header.
    assert_eq!(message.stream_ranges(2..5).first(), Some(&(10..13)));
    assert_eq!(message.stream_ranges(10..14), [18..20, 28..30]);
    assert_eq!(message.stream_ranges(30..99).first(), Some(&(46..55)));
    assert!(message.stream_ranges(39..40).is_empty());
    let server = read(&[SERVER_PRELOGIN, REFUSED]);
    let contents: Vec<_> = messages(&server).iter().map(|m| (m.content(), m.spid)).collect();
    assert_eq!(contents, [(TdsContent::Prelogin, 52), (TdsContent::Tokens, 52)]);
}

#[test]
fn lengths_below_the_header() {
    for length in 0..8 {
        let mut bad = PRELOGIN;
        bad[2..4].copy_from_slice(&[0, length]);
        assert_eq!(frame_packet(&bad), TdsFrame::Reject("the length is less than the header's"));
        assert!(!looks_like_tds(&bad));
        // One issue, and the packets behind it are found.
        let stream = [&bad[..], LOGIN, LOGIN].concat();
        let events = read(&[&stream]);
        assert_eq!(issue_codes(&events), ["tds-bad-header"], "{length}");
        let found: Vec<_> = messages(&events).iter().map(|m| (m.content(), m.start)).collect();
        assert_eq!(found, [(TdsContent::Login7, 47), (TdsContent::Login7, 247)], "{length}");
    }
    // A header alone is a message without content.
    let events = read(&[&[6, 1, 0, 8, 0, 0, 0, 0]]);
    assert_eq!(messages(&events)[0].length, 0);
    assert_eq!(frame_packet(b""), TdsFrame::NeedMore(8));
    assert_eq!(frame_packet(&PRELOGIN[..8]), TdsFrame::NeedMore(47));
    assert_eq!(frame_packet(b"GET "), TdsFrame::Reject("unknown packet type"));
}

#[test]
fn tls_inside_and_bare() {
    let hello = hex!("1603010005 0100000103");
    let stream = [
        PRELOGIN.to_vec(),
        packet(18, &hello),
        packet(18, &hex!("140303000101")),
        hex!("1703030003 aabbcc").to_vec(),
        hex!("1503030002 0101").to_vec(),
        // Login-only encryption: in clear again.
        packet(1, b"s\0e\0"),
    ]
    .concat();
    let events = read(&[&stream]);
    assert_eq!(issue_codes(&events), [""; 0]);
    let contents: Vec<_> = messages(&events).iter().map(|m| m.content()).collect();
    assert_eq!(contents, [TdsContent::Prelogin, TdsContent::Tls, TdsContent::Tls, TdsContent::Other]);
    let records: Vec<_> = events
        .iter()
        .filter_map(|e| match e {
            TdsEvent::TlsRecord { content_type, bytes, .. } => Some((*content_type, *bytes)),
            _ => None,
        })
        .collect();
    assert_eq!(records, [(23, 3), (21, 2)]);
    for cut in 0..stream.len() {
        assert_eq!(read(&[&stream[..cut], &stream[cut..]]), events, "{cut}");
    }
    // Old servers wrap theirs in type 4.
    let events = read(&[SERVER_PRELOGIN, &packet(4, &hello)]);
    assert_eq!(messages(&events)[1].content(), TdsContent::Tls);
    // TDS 8.0.
    assert_eq!(read(&[&hello]), [TdsEvent::DirectTls]);
    assert!(!looks_like_tds(&hello));
}

#[test]
fn gaps_cuts_and_multiplexing() {
    let mut reader = TdsReader::default();
    let mut events = Vec::new();
    reader.push(&LOGIN[..100], &mut events);
    reader.gap(&mut events);
    reader.push(&LOGIN[150..], &mut events);
    reader.push(LOGIN, &mut events);
    reader.finish(&mut events);
    let found: Vec<_> = messages(&events).iter().map(|m| (m.cut, m.length)).collect();
    assert_eq!(found, [(true, 92), (false, 192)]);
    assert_eq!(issue_codes(&events), [""; 0]);
    // MARS: what follows is in frames of another protocol.
    let events = read(&[REFUSED, &hex!("53010000 10000000 00000000 04000000")]);
    assert_eq!(events[1], TdsEvent::Multiplexed { start: REFUSED.len() });
    // Another message inside a message.
    let mut open = packet(4, b"abc");
    open[1] = 0;
    let events = read(&[&open, PRELOGIN.as_slice()]);
    assert_eq!(issue_codes(&events), ["tds-message-cut"]);
    assert_eq!(messages(&events).iter().map(|m| m.cut).collect::<Vec<_>>(), [true, false]);
    // No end of junk, no end of issues.
    let junk = read(&[&[&[0xEE; 9][..], LOGIN].concat().repeat(100)]);
    assert!(issue_codes(&junk).len() <= 16 && messages(&junk).len() >= 90);
    // Content is kept in part, and counted.
    let mut long = packet(4, &[0xD1; 60_000]);
    long[1] = 0;
    let events = read(&[&long, &long, &long]);
    let [message] = messages(&events)[..] else { panic!() };
    assert_eq!((message.length, message.payload.len(), message.cut), (180_000, 65_536, true));
}

#[test]
fn other_protocols_are_not_taken_for_it() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"INVITE sip:a@b SIP/2.0\r\n",
        &hex!("16030100050100000103"),
        &hex!("0001002012010000 2112a442 000000000000000000000000"),
        &hex!("1201000800000000"),
        &hex!("120100ff00000100 4142434445464748494a"),
        &[0x12; 64],
        &[0; 64],
        &[0x04; 64],
    ] {
        assert!(!looks_like_tds(bytes), "{bytes:02x?}");
    }
}

proptest! {
    #[test]
    fn prelogins_read_back(version in any::<[u8; 6]>(), encryption in 0u8..4, instance in "[A-Za-z0-9]{0,16}", thread in any::<u32>(), mars in any::<bool>()) {
        let name = [instance.as_bytes(), &[0]].concat();
        let payload = prelogin(&[(0, &version), (1, &[encryption]), (2, &name), (3, &thread.to_le_bytes()), (4, &[u8::from(mars)])]);
        let p = parse_prelogin(&payload, false);
        prop_assert!(p.issues.is_empty());
        prop_assert_eq!((p.encryption, p.thread_id, p.mars), (Some(Encryption(encryption)), Some(thread), Some(mars)));
        prop_assert_eq!(p.instance, Some(InstanceOption::Name(instance.as_bytes())));
        prop_assert!(looks_like_tds(&packet(18, &payload)));
    }

    #[test]
    fn any_bytes_in_any_pieces(bytes in proptest::collection::vec(prop_oneof![
        Just(PRELOGIN.to_vec()), Just(REFUSED.to_vec()), Just(hex!("1703030002aabb").to_vec()),
        proptest::collection::vec(any::<u8>(), 0..24)], 0..6), cut in any::<prop::sample::Index>()) {
        let stream = bytes.concat();
        let cut = cut.index(stream.len() + 1);
        prop_assert_eq!(read(&[&stream[..cut], &stream[cut..]]), read(&[&stream]));
    }

    #[test]
    fn tokens_of_any_bytes(bytes in proptest::collection::vec(prop_oneof![
        prop::sample::select(vec![0xAAu8, 0xAB, 0xAD, 0xE3, 0xE5, 0xFD, 0xAE]), 0u8..8, any::<u8>()], 0..64)) {
        let tokens = parse_tokens(&bytes);
        for issue in &tokens.issues {
            prop_assert!(bytes.get(issue.range.clone()).is_some());
        }
    }
}
