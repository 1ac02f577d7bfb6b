use hex_literal::hex;
use proptest::prelude::*;

use super::*;

/// First hello of Alice: werift (ws_call, frame 35).
const CLIENT_HELLO: [u8; 111] = hex!(
    "16fefd00000000000000010062010000560000000000000056fefd6b044d94637161a05b58ff081f2f26ebb918011167"
    "743f7e11a505bd6b3505da00000004c02bc02f01000028000e000700040007000100000a00060004001d0017000d0006"
    "00040401040300170000ff01000100"
);
/// The answer (frame 36).
const HELLO_VERIFY: [u8; 48] =
    hex!("16fefd00000000000000010023030000170000000000000017fefd14a6ed91f42d20b9d80cdb69252083206400d88482");
/// The hello again (frame 37).
const CLIENT_HELLO_WITH_COOKIE: [u8; 131] = hex!(
    "16fefd000000000000000200760100006a000100000000006afefd6b044d94637161a05b58ff081f2f26ebb918011167"
    "743f7e11a505bd6b3505da0014a6ed91f42d20b9d80cdb69252083206400d884820004c02bc02f01000028000e000700"
    "040007000100000a00060004001d0017000d000600040401040300170000ff01000100"
);
/// Frame 38.
const SERVER_HELLO: [u8; 84] = hex!(
    "16fefd000000000000000200470200003b000100000000003bfefd6b044d9444c40abefb629682ec88302b48c708d00f"
    "f55e93a167085c9fcf61ed0100c02b000012000e0005000200070000170000ff01000100"
);
/// Frame 39.
const CERTIFICATE: [u8; 421] = hex!(
    "16fefd000000000000000301980b00018c000200000000018c0001890001863082018230820129a003020102020900cc"
    "0bd154630c7a5a300a06082a8648ce3d0403023045310b3009060355040613024155311330110603550408130a536f6d"
    "652d53746174653121301f060355040a1318496e7465726e6574205769646769747320507479204c7464301e170d3236"
    "313132333134323833355a170d3336313132303134323833355a3045310b300906035504061302415531133011060355"
    "0408130a536f6d652d53746174653121301f060355040a1318496e7465726e6574205769646769747320507479204c74"
    "643059301306072a8648ce3d020106082a8648ce3d03010703420004b77f52189c7ad1a5a62c346b0a1a9e2db00a9bfe"
    "5e317e43ea508d7f8ac7ac447ef8589f0bffcbed21e13b356de54b6f708cabe0c09813532c27b9ff8578e50ca3023000"
    "300a06082a8648ce3d0403020347003044022031235fb1cbccf35cb839384a52b86a3d279c07c5f0f65c2741155f6ad4"
    "32cafc02204b8888ffd56d8c2f803a13e1f5a297d52ff391967a21e5cb5a4a87563bb22312"
);
/// OpenSSL by aiortc: a certificate whose first piece fills the datagram (aiortc_ipv6_host, frame 23).
const PIECE: [u8; 657] = hex!(
    "16fefd000000000000000100f30b00015e00010000000000e700015b000158308201543081fca0030201020214608c27"
    "b576bd22b7e92897491d64a72d8889c6f3300a06082a8648ce3d040302302b3129302706035504030c20646336303366"
    "3564326137363362396332643934356636326632396538313866301e170d3236313132323134323632355a170d323631"
    "3232333134323632355a302b3129302706035504030c2064633630336635643261373633623963326439343566363266"
    "323965383138663059301306072a8648ce3d020106082a8648ce3d0301070342000411dfeb1d33619d2b8f1acf0c4428"
    "2111a7e85a30d2ce36d9820c48e5185e16fefd000000000000000200830b00015e00010000e700007711cc18bc8f8c2d"
    "b370a4d16a7bb24c27ff2ef93739928fa6d17723f06a7d47ea2a68300a06082a8648ce3d040302034700304402200cfc"
    "469dfaeddb9c0e8ed4b8608e99ef8ebe32b67bf64c9b85b6eee87472166802207c538bcc1f6031ed8871da54b46fcc4d"
    "c246d6551308eb519706c9b11ef6611716fefd0000000000000003002d10000021000200000000002120a24bbd83f2db"
    "f9b5fdca94ddae39ef24dbab596c9444de0de1c76d9d4993c74016fefd000000000000000400290f00004a0003000000"
    "00001d04030046304402202ca5885cd60f7faa676b81c14c555ca5ff7c0647da16fefd000000000000000500390f0000"
    "4a000300001d00002d78ec8c1a2fa105b174ee4b0220211adb9537fb384ed41d634ab32601ed4563ebf39a7522510b27"
    "809099c975d714fefd000000000000000600010116fefd0001000000000000003088bfc2a682a0f4589b4624c616254a"
    "4bd39c696134067495ae0e9a652642cc32a811132411e2a183cce7272ef1752435"
);
/// ChangeCipherSpec and Finished in one datagram (frame 24).
const FINISHED: [u8; 75] = hex!(
    "14fefd000000000000000700010116fefd00010000000000000030af7f307be007b79d413efd113dac5fd34ba7787193"
    "41ee6580238fe8a7a1e1960242711a7577600d2be7d7e8108363c0"
);

fn codes(dtls: &Dtls) -> Vec<&'static str> {
    dtls.issues.iter().map(|i| i.code).collect()
}

/// The only handshake message of a datagram without issues.
fn only(datagram: &[u8]) -> Handshake {
    let dtls = parse_dtls(datagram);
    assert_eq!(codes(&dtls), [""; 0]);
    let all: Vec<_> = dtls.handshakes().collect();
    let [fragment] = all[..] else { panic!("{dtls:?}") };
    assert!(fragment.is_whole());
    fragment.message.clone().unwrap()
}

#[test]
fn record_fields() {
    let dtls = parse_dtls(&CLIENT_HELLO_WITH_COOKIE);
    let [record] = &dtls.records[..] else { panic!("{dtls:?}") };
    assert_eq!((record.content_type, record.version), (Some(content::HANDSHAKE), Some(0xfefd)));
    assert_eq!((record.epoch, record.sequence), (0, Some(2)));
    assert_eq!((record.range.clone(), record.content.clone()), (0..131, 13..131));
    let fragment = dtls.handshakes().next().unwrap();
    assert_eq!((fragment.message_type, fragment.length, fragment.message_seq), (1, 106, 1));
    assert_eq!((fragment.range.clone(), fragment.body.clone()), (13..131, 25..131));
}

#[test]
fn hellos() {
    let ciphers = vec![0xc02b, 0xc02f];
    let Handshake::ClientHello { version, cookie, ciphers: offered, srtp_profiles, versions, whole, .. } =
        only(&CLIENT_HELLO)
    else {
        panic!()
    };
    assert_eq!((version, cookie, offered, whole), (0xfefd, 0, ciphers, true));
    let names: Vec<_> = srtp_profiles.iter().copied().filter_map(srtp_profile_name).collect();
    assert_eq!(names, ["SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_HMAC_SHA1_80"]);
    assert!(versions.is_empty());
    assert_eq!(only(&HELLO_VERIFY), Handshake::HelloVerifyRequest { version: 0xfefd, cookie: 20 });
    let Handshake::ClientHello { cookie, .. } = only(&CLIENT_HELLO_WITH_COOKIE) else { panic!() };
    assert_eq!(cookie, 20);
    let expected = Handshake::ServerHello {
        version: 0xfefd,
        cipher: 0xc02b,
        srtp_profile: Some(7),
        retry: false,
        whole: true,
    };
    assert_eq!(only(&SERVER_HELLO), expected);
}

/// The hash is what the SDP of the same call says.
#[test]
fn certificate_and_its_fingerprint() {
    let Handshake::Certificate { count, first, der } = only(&CERTIFICATE) else { panic!() };
    let first = first.unwrap();
    assert_eq!((count, first.subject.as_str()), (1, "C=AU, ST=Some-State, O=Internet Widgits Pty Ltd"));
    let der = &CERTIFICATE[25..][der];
    assert_eq!(
        fingerprint("SHA-256", der).unwrap(),
        "5F:FA:D1:36:D3:AE:28:5F:C9:F1:E1:5F:FE:43:9B:E4:17:93:42:A8:83:91:82:8F:C4:86:88:9F:6E:09:62:CD"
    );
    // FIPS 180: hashes of the empty message.
    assert_eq!(
        fingerprint("sha-1", b"").unwrap(),
        "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"
    );
    assert!(fingerprint("sha-512", b"").unwrap().starts_with("CF:83:E1:35"));
    assert_eq!(fingerprint("md2", b""), None);
    let none = read_handshake(handshake::CERTIFICATE, &hex!("000000"));
    assert_eq!(none, Some(Handshake::Certificate { count: 0, first: None, der: 6..6 }));
}

/// Pieces of a certificate in several records of one datagram, then ChangeCipherSpec and what it encrypts.
#[test]
fn pieces() {
    let dtls = parse_dtls(&PIECE);
    assert_eq!(codes(&dtls), [""; 0]);
    let names: Vec<_> = dtls
        .handshakes()
        .map(|f| (handshake_name(f.message_type).unwrap(), f.offset, f.body.len(), f.is_whole()))
        .collect();
    assert_eq!(
        names,
        [
            ("Certificate", 0, 231, false),
            ("Certificate", 231, 119, false),
            ("ClientKeyExchange", 0, 33, true),
            ("CertificateVerify", 0, 29, false),
            ("CertificateVerify", 29, 45, false),
        ]
    );
    let Some(Handshake::Certificate { count, first: None, .. }) = &dtls.handshakes().next().unwrap().message
    else {
        panic!("the certificate is not all there: {dtls:?}")
    };
    assert_eq!(*count, 1);
    let [.., change, finished] = &dtls.records[..] else { panic!("{dtls:?}") };
    assert_eq!((&change.body, change.epoch), (&RecordBody::ChangeCipherSpec, 0));
    assert_eq!((&finished.body, finished.epoch), (&RecordBody::Encrypted, 1));
    assert_eq!(finished.content_type, Some(content::HANDSHAKE));

    let mut assembly = Assembly::default();
    let whole: Vec<_> = dtls.handshakes().filter_map(|f| assembly.push(&PIECE, f)).collect();
    let [(bytes, Handshake::Certificate { first: Some(first), .. }), (_, Handshake::Other), (verify, _)] =
        &whole[..]
    else {
        panic!("{whole:?}")
    };
    assert_eq!(bytes.len(), 350);
    assert_eq!(first.subject, "CN=dc603f5d2a763b9c2d945f62f29e818f");
    assert_eq!(verify.len(), 74);
}

#[test]
fn changed_keys() {
    let dtls = parse_dtls(&FINISHED);
    let bodies: Vec<_> = dtls.records.iter().map(|r| (r.epoch, r.sequence, &r.body)).collect();
    let expected = [(0, Some(7), &RecordBody::ChangeCipherSpec), (1, Some(0), &RecordBody::Encrypted)];
    assert_eq!(bodies, expected);
}

/// RFC 6347 §4.1 with RFC 5246 §7.2: an alert in clear, an encrypted one, one that is wrong.
#[test]
fn alerts() {
    let clear = parse_dtls(&hex!("15fefd 0000 000000000009 0002 0228"));
    assert_eq!(clear.records[0].body, RecordBody::Alert { level: 2, description: 40 });
    assert_eq!(crate::tls::alert_name(40), Some("handshake_failure"));
    let encrypted = parse_dtls(&hex!("15fefd 0001 000000000001 0002 0228"));
    assert_eq!(encrypted.records[0].body, RecordBody::Encrypted);
    assert_eq!(codes(&parse_dtls(&hex!("15fefd 0000 000000000009 0002 0728"))), ["dtls-bad-alert"]);
}

/// RFC 9147 §4: unified headers with and without a length, with a connection id; RFC 9146: a record with one.
#[test]
fn dtls13_records() {
    let one = hex!("2f 0001 0010 00112233445566778899aabbccddeeff");
    let dtls = parse_dtls(&one);
    let [record] = &dtls.records[..] else { panic!("{dtls:?}") };
    assert_eq!((record.epoch, record.content_type, record.content.clone()), (3, None, 5..21));
    assert_eq!(parse_dtls(&one.repeat(2)).records.len(), 2);
    let rest = parse_dtls(&hex!("22 01 00112233445566778899aabbccddeeff"));
    assert_eq!((rest.records[0].epoch, rest.records[0].content.clone()), (2, 2..18));
    let with_id = parse_dtls(&hex!("3f cafe 0001 0010 00112233445566778899aabbccddeeff"));
    assert_eq!((with_id.records[0].content.clone(), with_id.issues.len()), (1..23, 0));
    let old_id = parse_dtls(&hex!("19fefd 0001 000000000001 cafecafe 0002 0011"));
    assert_eq!((old_id.records.len(), codes(&old_id)), (1, vec![]));
    // The hello of DTLS 1.3 says so in an extension.
    let body = hex!("fefd" "0000000000000000000000000000000000000000000000000000000000000000"
        "00 00 0002 1301 01 00" "0007" "002b 0003 02 fefc");
    let Some(Handshake::ClientHello { versions, whole: true, .. }) = read_handshake(1, &body) else {
        panic!()
    };
    assert_eq!(versions, [0xfefc]);
}

#[test]
fn damage() {
    let check = |datagram: &[u8], expected: &[&str]| {
        let dtls = parse_dtls(datagram);
        assert_eq!(codes(&dtls), expected, "{dtls:?}");
        dtls.records.len()
    };
    // Cut by the capture: said once, and no complaint about what stands in the part.
    assert_eq!(check(&CERTIFICATE[..100], &["dtls-record-cut"]), 1);
    assert_eq!(check(&CLIENT_HELLO[..20], &["dtls-record-cut"]), 1);
    let mut trailing = CLIENT_HELLO.to_vec();
    trailing.extend(b"junk");
    assert_eq!(check(&trailing, &["dtls-no-record"]), 1);
    // Fragment beyond the message, beyond the record; a header that does not fit its record.
    let mut beyond = SERVER_HELLO;
    beyond[21] = 9;
    assert_eq!(check(&beyond, &["dtls-bad-fragment"]), 1);
    assert_eq!(
        check(&hex!("16fefd0000000000000000000e 02000009 0000 000000 000009 fefd"), &["dtls-bad-fragment"]),
        1
    );
    assert_eq!(check(&hex!("16fefd00000000000000000004 02000009"), &["dtls-bad-handshake"]), 1);
    // A hello whose extensions end before their length.
    let mut short = CLIENT_HELLO;
    short[70] = 0xff;
    assert_eq!(check(&short, &["dtls-bad-hello"]), 1);
    assert_eq!(check(b"", &[]), 0);
    assert_eq!(check(&[0x80; 40], &["dtls-no-record"]), 0);
    let many = hex!("14fefd000000000000000000 01 01").repeat(300);
    assert_eq!(check(&many, &["dtls-many-records"]), MAX_PARTS);
}

/// Every cut of every frame: no complaint but that it is cut, at most.
#[test]
fn cut_at_every_length() {
    for frame in [&CLIENT_HELLO[..], &CERTIFICATE, &SERVER_HELLO, &PIECE, &FINISHED] {
        for length in 0..frame.len() {
            let dtls = parse_dtls(&frame[..length]);
            let known = ["dtls-record-cut", "dtls-no-record"];
            assert!(
                dtls.issues.len() <= 1 && dtls.issues.iter().all(|i| known.contains(&i.code)),
                "{dtls:?}"
            );
        }
    }
}

proptest! {
    /// Pieces in any order and repeated give the message once all of it came.
    #[test]
    fn pieces_in_any_order(order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(), again in 0..12usize) {
        let body = &CERTIFICATE[25..];
        let size = body.len().div_ceil(12);
        let mut assembly = Assembly::default();
        let mut told = Vec::new();
        for &n in [again].iter().chain(&order) {
            let from = n * size;
            let piece = &body[from..(from + size).min(body.len())];
            let fragment = Fragment {
                range: 0..piece.len(),
                message_type: handshake::CERTIFICATE,
                length: body.len() as u32,
                message_seq: 2,
                offset: from as u32,
                body: 0..piece.len(),
                message: None,
            };
            told.extend(assembly.push(piece, &fragment));
        }
        prop_assert_eq!(told.len(), 1);
        prop_assert_eq!(&told[0].0[..], body);
    }

    #[test]
    fn ranges_lie_inside(mut datagram in proptest::collection::vec(any::<u8>(), 0..300), at in 0..3usize) {
        // Records in clear that hold anything.
        let head = hex!("16fefd0000000000000000");
        if let Some(place) = datagram.get_mut(at * 40..at * 40 + head.len()) {
            place.copy_from_slice(&head);
        }
        let dtls = parse_dtls(datagram.get(at * 40..).unwrap_or_default());
        let inside = |r: &Range<usize>| datagram.get(at * 40..).unwrap_or_default().get(r.clone()).is_some();
        let mut assembly = Assembly::default();
        for record in &dtls.records {
            prop_assert!(inside(&record.range) && inside(&record.content));
        }
        for fragment in dtls.handshakes() {
            prop_assert!(inside(&fragment.range) && inside(&fragment.body));
            let _ = assembly.push(datagram.get(at * 40..).unwrap_or_default(), fragment);
        }
        prop_assert!(dtls.issues.iter().all(|i| inside(&i.range)));
    }
}
