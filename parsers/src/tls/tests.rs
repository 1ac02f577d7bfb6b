use super::certificate::tests::{certificate, tlv};
use super::*;
use hex_literal::hex;
use proptest::prelude::*;

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 3, 3];
    out.extend((content.len() as u16).to_be_bytes());
    out.extend_from_slice(content);
    out
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(content.len() as u16).to_be_bytes(), content].concat()
}

fn hello(kind: u8, random: [u8; 32], middle: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = extensions.concat();
    let body =
        [&[3, 3][..], &random, &[0], middle, &(extensions.len() as u16).to_be_bytes(), &extensions].concat();
    message(kind, &body)
}

fn client_hello() -> Vec<u8> {
    let name = b"sip.example.com";
    let sni = [&[0, name.len() as u8 + 3, 0, 0, name.len() as u8][..], name].concat();
    hello(
        1,
        [7; 32],
        &hex!("0006 0a0a 1302 c02f 01 00"),
        &[
            extension(0x2A2A, &[]),
            extension(0, &sni),
            extension(16, b"\x00\x0e\x03sip\x09sip-over?"),
            extension(43, &hex!("06 0a0a 0304 0303")),
        ],
    )
}

fn client_hello_event() -> TlsEvent {
    TlsEvent::ClientHello {
        version: 0x0303,
        server_name: Some("sip.example.com".into()),
        alpn: vec!["sip".into(), "sip-over?".into()],
        versions: vec![0x0A0A, 0x0304, 0x0303],
        ciphers: vec![0x0A0A, 0x1302, 0xC02F],
    }
}

fn server_hello(cipher: u16, random: [u8; 32], extensions: &[Vec<u8>]) -> Vec<u8> {
    hello(2, random, &[&cipher.to_be_bytes()[..], &[0]].concat(), extensions)
}

fn server_hello_event(version: u16, cipher: u16) -> TlsEvent {
    TlsEvent::ServerHello { version, cipher, alpn: None, retry: false }
}

fn certificate_message() -> (Vec<u8>, TlsEvent) {
    let der = certificate("sip.example.com", &[tlv(0x82, b"sip.example.com")]);
    let u24 = |n: usize| (n as u32).to_be_bytes()[1..].to_vec();
    let body = [u24(der.len() + 3), u24(der.len()), der.clone()].concat();
    (message(11, &body), TlsEvent::Certificate(parse_certificate(&der).unwrap()))
}

fn read(bytes: &[u8]) -> Vec<TlsEvent> {
    let mut events = Vec::new();
    TlsReader::default().push(bytes, &mut events);
    events
}

fn codes(events: &[TlsEvent]) -> Vec<&'static str> {
    events
        .iter()
        .filter_map(|e| match e {
            TlsEvent::Issue(issue) => Some(issue.code),
            _ => None,
        })
        .collect()
}

/// Server side of TLS 1.2: hello and certificate cut over three records, the rest, then encrypted.
fn server_flight() -> (Vec<u8>, Vec<TlsEvent>) {
    let (certificate, event) = certificate_message();
    let handshake =
        [server_hello(0xC02F, [9; 32], &[extension(16, b"\x00\x04\x03sip")]), certificate, message(14, &[])]
            .concat();
    let (a, rest) = handshake.split_at(3);
    let (b, c) = rest.split_at(100);
    let bytes = [
        record(22, a),
        record(22, b),
        record(22, c),
        record(20, &[1]),
        record(22, &[0xEE; 40]),
        record(23, &[0xDD; 300]),
        record(23, &[]),
        record(21, &[0xCC; 26]),
    ]
    .concat();
    let events = vec![
        TlsEvent::ServerHello { version: 0x0303, cipher: 0xC02F, alpn: Some("sip".into()), retry: false },
        event,
        TlsEvent::ChangeCipherSpec,
        TlsEvent::ApplicationData { bytes: 300 },
        TlsEvent::ApplicationData { bytes: 0 },
        TlsEvent::EncryptedAlert,
    ];
    (bytes, events)
}

#[test]
fn hellos() {
    assert_eq!(read(&record(22, &client_hello())), [client_hello_event()]);
    let chosen = extension(43, &hex!("0304"));
    assert_eq!(
        read(&record(22, &server_hello(0x1302, [1; 32], &[chosen]))),
        [server_hello_event(0x0304, 0x1302)]
    );
}

#[test]
fn a_whole_server_flight() {
    let (bytes, expect) = server_flight();
    assert_eq!(read(&bytes), expect);
    // Byte by byte.
    let mut reader = TlsReader::default();
    let mut events = Vec::new();
    for byte in &bytes {
        reader.push(std::slice::from_ref(byte), &mut events);
    }
    assert_eq!(events, expect);
}

#[test]
fn hello_retry_request_and_compatibility_change_cipher_spec() {
    // RFC 8446 §4.1.3.
    let retry = hex!("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");
    let chosen = extension(43, &hex!("0304"));
    let server = [
        record(22, &server_hello(0x1301, retry, std::slice::from_ref(&chosen))),
        record(20, &[1]),
        record(22, &server_hello(0x1301, [1; 32], &[chosen])),
        record(23, &[0; 60]),
    ]
    .concat();
    assert_eq!(
        read(&server),
        [
            TlsEvent::ServerHello { version: 0x0304, cipher: 0x1301, alpn: None, retry: true },
            TlsEvent::ChangeCipherSpec,
            server_hello_event(0x0304, 0x1301),
            TlsEvent::ApplicationData { bytes: 60 },
        ]
    );
    let client = [record(22, &client_hello()), record(20, &[1]), record(22, &client_hello())].concat();
    assert_eq!(read(&client), [client_hello_event(), TlsEvent::ChangeCipherSpec, client_hello_event()]);
}

#[test]
fn alerts() {
    assert_eq!(read(&record(21, &[2, 40])), [TlsEvent::Alert { level: 2, description: 40 }]);
    assert_eq!(
        read(&record(21, &[1, 112, 2, 0])),
        [TlsEvent::Alert { level: 1, description: 112 }, TlsEvent::Alert { level: 2, description: 0 }]
    );
    assert_eq!(read(&record(21, &[7; 24])), [TlsEvent::EncryptedAlert]);
    assert_eq!(codes(&read(&record(21, &[9, 9]))), ["tls-bad-alert"]);
    assert_eq!(alert_name(48), Some("unknown_ca"));
    assert_eq!(alert_name(255), None);
}

#[test]
fn version_2_hello() {
    // Two suites of TLS, one of SSL 2.0, and a challenge; then a TLS record.
    let mut bytes = hex!("8022 01 0301 0009 0000 0010 000004 010080 00000a").to_vec();
    bytes.resize(2 + 0x22, 0x55);
    bytes.extend(record(20, &[1]));
    let expect = [
        TlsEvent::ClientHello {
            version: 0x0301,
            server_name: None,
            alpn: vec![],
            versions: vec![],
            ciphers: vec![0x0004, 0x000A],
        },
        TlsEvent::ChangeCipherSpec,
    ];
    assert_eq!(read(&bytes), expect);
    let mut events = Vec::new();
    let mut reader = TlsReader::default();
    for part in bytes.chunks(3) {
        reader.push(part, &mut events);
    }
    assert_eq!(events, expect);
}

#[test]
fn record_longer_than_allowed_and_what_follows() {
    let (flight, mut expect) = server_flight();
    let bytes = [&hex!("170303ffff")[..], &[0x41; 50], &flight].concat();
    let events = read(&bytes);
    assert_eq!(codes(&events), ["tls-record-too-long"]);
    // The first record found begins inside a message and is not believed; later ones are.
    assert_eq!(events[1..].last(), expect.pop().as_ref());
    let TlsEvent::Issue(issue) = &events[0] else { panic!() };
    assert_eq!(issue.range, 0..5);
}

#[test]
fn not_tls() {
    let events = read(b"HELLO THIS IS NOT TLS AT ALL");
    assert_eq!(codes(&events), ["tls-bad-record"]);
    assert_eq!(codes(&read(&[0x80; 40])), ["tls-bad-record"]);
}

#[test]
fn after_a_gap_the_next_record_is_found() {
    let (flight, expect) = server_flight();
    let mut reader = TlsReader::default();
    let mut events = Vec::new();
    reader.push(&record(22, &client_hello())[..40], &mut events);
    reader.gap();
    // The tail of a record, with bytes that look a little like a header.
    reader.push(&hex!("aabb16030199ffcc170303"), &mut events);
    reader.push(&[0xFF; 9], &mut events);
    reader.push(&record(22, &server_hello(0x002F, [2; 32], &[])), &mut events);
    reader.push(&record(22, &certificate_message().0), &mut events);
    assert_eq!(events, [server_hello_event(0x0303, 0x002F), expect[1].clone()]);
    // A gap inside application data, then a joined message nobody can read.
    events.clear();
    reader.push(&record(23, &[0xAB; 100])[..55], &mut events);
    reader.gap_with(&mut events);
    reader.push(&flight[5..], &mut events);
    assert_eq!(events[0], TlsEvent::ApplicationData { bytes: 50 });
    assert_eq!(events.last(), expect.last());
}

#[test]
fn joined_after_the_handshake() {
    let bytes = [record(22, &hex!("9f31aa0077665544332211")), record(23, &[1; 30])].concat();
    assert_eq!(read(&bytes), [TlsEvent::ApplicationData { bytes: 30 }]);
}

#[test]
fn bad_messages() {
    let mut cut = client_hello();
    let body = cut.split_off(4);
    let bytes = record(22, &message(1, &body[..60]));
    let events = read(&bytes);
    assert_eq!(codes(&events), ["tls-bad-hello"]);
    assert!(matches!(&events[0], TlsEvent::ClientHello { ciphers, .. } if ciphers.len() == 3));
    let (mut certificate, _) = certificate_message();
    certificate[10] = 0x31;
    assert_eq!(codes(&read(&record(22, &certificate))), ["tls-bad-certificate"]);
    let bytes = record(22, &[client_hello(), vec![99, 0, 0, 1, 0]].concat());
    assert_eq!(codes(&read(&bytes)), ["tls-bad-handshake"]);
    // A client without a certificate.
    assert_eq!(read(&record(22, &message(11, &[0, 0, 0]))), []);
}

#[test]
fn a_message_longer_than_is_kept() {
    let (certificate, event) = certificate_message();
    let mut body = certificate[4..].to_vec();
    body.resize(MAX_HANDSHAKE + 70_000, 0);
    let handshake = [message(11, &body), server_hello(0x002F, [2; 32], &[])].concat();
    let bytes: Vec<u8> = handshake.chunks(16_000).flat_map(|c| record(22, c)).collect();
    assert_eq!(read(&bytes), [event, server_hello_event(0x0303, 0x002F)]);
}

// Shape of the pseudo-TLS opening of [MS-TURN] with invented randoms, then a framed message.
#[test]
fn pseudo_tls_opening() {
    let client = hex!(
        "160301002d 01000029 0301 c1fcd5a36d93dd7e0b45673fec7985fbbc3fd660c2ce8485081b8121bcaa10fb 00 00020018 0100"
        "0200000400030000"
    );
    let mut reader = TlsReader::default();
    let mut events = Vec::new();
    reader.push(&client, &mut events);
    assert!(matches!(&events[..], [TlsEvent::ClientHello { ciphers, .. }] if ciphers == &[0x0018]));
    assert!(reader.has_left_tls());
    reader.push(&[0; 100], &mut events);
    assert_eq!(events.len(), 1);
}

#[test]
fn versions() {
    assert_eq!(version_name(0x0304), Some("TLS 1.3"));
    assert_eq!(version_name(0x0002), Some("SSL 2.0"));
    assert_eq!(version_name(0x7F1C), Some("TLS 1.3 draft"));
    assert_eq!(version_name(0x1234), None);
}

proptest! {
    #[test]
    fn split_anywhere(cuts in proptest::collection::vec(0usize..1000, 0..6)) {
        let (bytes, expect) = server_flight();
        let mut cuts: Vec<_> = cuts.into_iter().map(|c| c % bytes.len()).collect();
        cuts.sort_unstable();
        let mut reader = TlsReader::default();
        let mut events = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([bytes.len()]) {
            reader.push(&bytes[from..cut], &mut events);
            from = cut;
        }
        prop_assert_eq!(events, expect);
    }

    #[test]
    fn damage_never_panics_and_holds_little(
        at in 0usize..1000, byte: u8, gap in 0usize..1000, noise in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let (mut bytes, _) = server_flight();
        let (at, gap) = (at % bytes.len(), gap % bytes.len());
        bytes[at] = byte;
        let mut reader = TlsReader::default();
        let mut events = Vec::new();
        reader.push(&bytes[..gap], &mut events);
        reader.gap();
        reader.push(&noise, &mut events);
        reader.push(&bytes, &mut events);
        prop_assert!(reader.message.len() <= MAX_HANDSHAKE && reader.header.len() <= 11);
        prop_assert!(reader.small.len() <= 1 << 15);
    }
}
