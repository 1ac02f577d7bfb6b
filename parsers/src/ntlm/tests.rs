use super::*;
use hex_literal::hex;
use proptest::prelude::*;

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, &b| n << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let six = (n >> (18 - 6 * digit) & 63) as usize;
            out.push(if digit > chunk.len() { '=' } else { char::from(DIGITS[six]) });
        }
    }
    out
}

fn codes(ntlm: &Ntlm) -> Vec<&'static str> {
    ntlm.issues.iter().map(|i| i.code).collect()
}

// [MS-NLMP] §4.2.4.3: the CHALLENGE of the NTLMv2 example.
const CHALLENGE: &[u8] = &hex!(
    "4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000
     060070170000000f 530065007200760065007200 02000c00 44006f006d00610069006e00 01000c00 530065007200760065007200 00000000"
);

// The head of the AUTHENTICATE there, with responses of the same length and other bytes.
fn authenticate() -> Vec<u8> {
    let head = hex!(
        "4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000 0800080054000000 100010005c000000
         10001000d8000000 358288e2 0501280a0000000f 44006f006d00610069006e00 5500730065007200 43004f004d0050005500540045005200"
    );
    let pairs = hex!("02000c00 44006f006d00610069006e00 01000c00 530065007200760065007200 00000000 00000000");
    [&head[..], &[0xAA; 24], &[0xBB; 44], &pairs, &[0xCC; 16]].concat()
}

fn pairs(info: &[AvPair]) -> Vec<(Option<&'static str>, AvValue)> {
    info.iter().map(|p| (p.name(), p.value.clone())).collect()
}

#[test]
fn challenge_example_of_the_specification() {
    let GssapiData::Ntlm(ntlm) = parse_gssapi_data(&format!("\"{}\"", base64(CHALLENGE))) else {
        panic!();
    };
    assert_eq!(codes(&ntlm), [""; 0]);
    assert_eq!(ntlm.version.unwrap().to_string(), "6.0.6000");
    assert_eq!((ntlm.message.name(), ntlm.message.number()), ("CHALLENGE", 2));
    let Message::Challenge { target, info } = &ntlm.message else { panic!() };
    assert_eq!(target.as_deref(), Some("Server"));
    assert_eq!(
        pairs(info),
        [
            (Some("MsvAvNbDomainName"), AvValue::Text("Domain".into())),
            (Some("MsvAvNbComputerName"), AvValue::Text("Server".into())),
        ]
    );
    let names: Vec<_> = ntlm.flags.words().map(|(name, _)| name).collect();
    assert!(
        names.contains(&"NTLMSSP_TARGET_TYPE_SERVER") && names.contains(&"NTLMSSP_NEGOTIATE_TARGET_INFO")
    );
    assert!(!names.contains(&"NTLMSSP_NEGOTIATE_DATAGRAM"));
}

#[test]
fn authenticate_names_the_user_and_keeps_no_secret() {
    let bytes = authenticate();
    let ntlm = parse_ntlm(&bytes).unwrap();
    assert_eq!(codes(&ntlm), [""; 0]);
    let Message::Authenticate {
        domain,
        user,
        workstation,
        lm_response: 24,
        nt_response: 84,
        session_key: 16,
        info,
    } = &ntlm.message
    else {
        panic!("{ntlm:?}");
    };
    assert_eq!([domain, user, workstation].map(|t| t.as_deref().unwrap()), ["Domain", "User", "COMPUTER"]);
    assert_eq!(info.len(), 2);
    assert_eq!(ntlm.message.response_kind(), Some("NTLMv2"));
    assert_eq!(ntlm.version.unwrap().to_string(), "5.1.2600");
    let told = format!("{ntlm:?}").to_lowercase();
    for secret in ["170", "187", "204", "aaaa", "bbbb", "cccc"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn negotiate_is_in_the_code_page() {
    let head = hex!("4e544c4d53535000 01000000 07b20800 0300030023000000 0300030020000000");
    let bytes = [&head[..], b"PC1DOM"].concat();
    let ntlm = parse_ntlm(&bytes).unwrap();
    assert_eq!(
        ntlm.message,
        Message::Negotiate { domain: Some("DOM".into()), workstation: Some("PC1".into()) }
    );
    assert_eq!((ntlm.version, codes(&ntlm)), (None, vec![]));
    assert_eq!(parse_ntlm(&bytes[..16]).unwrap().issues, []);
}

#[test]
fn time_stamps_and_unknown_pairs() {
    // 2009-03-02 00:00:00 UTC and 100 ns.
    let ticks = (1_235_952_000u64 + 11_644_473_600) * 10_000_000 + 1;
    let info = [
        &hex!("0700 0800")[..],
        &ticks.to_le_bytes(),
        &hex!("0600 0400 02000000 6300 0100 FF 0800 0200 0102 00000000"),
    ]
    .concat();
    let mut bytes = CHALLENGE[..56].to_vec();
    bytes[12..20].copy_from_slice(&[0; 8]);
    bytes[40..48].copy_from_slice(&[info.len() as u8, 0, info.len() as u8, 0, 56, 0, 0, 0]);
    bytes.extend(&info);
    let ntlm = parse_ntlm(&bytes).unwrap();
    let Message::Challenge { target: None, info } = &ntlm.message else { panic!("{ntlm:?}") };
    assert_eq!(info[0].unix_time(), Some((1_235_952_000, 100)));
    assert_eq!(
        pairs(&info[1..]),
        [
            (Some("MsvAvFlags"), AvValue::Flags(2)),
            (None, AvValue::Other(1)),
            (Some("MsvAvSingleHost"), AvValue::Other(2)),
        ]
    );
}

#[test]
fn damage_is_told_and_the_rest_is_there() {
    let ntlm = parse_ntlm(&CHALLENGE[..90]).unwrap();
    assert_eq!(codes(&ntlm), ["ntlm-field"]);
    let Message::Challenge { target, info } = &ntlm.message else { panic!() };
    assert_eq!((target.as_deref(), info.len()), (Some("Server"), 0));
    let mut unended = CHALLENGE.to_vec();
    unended[40] = 0x20;
    assert_eq!(codes(&parse_ntlm(&unended).unwrap()), ["ntlm-pairs"]);
    let mut lone = CHALLENGE.to_vec();
    lone[56..58].copy_from_slice(&[0, 0xD8]);
    assert_eq!(codes(&parse_ntlm(&lone).unwrap()), ["ntlm-text"]);
    assert_eq!(codes(&parse_ntlm(&CHALLENGE[..14]).unwrap()), ["ntlm-cut"]);
    assert_eq!(parse_ntlm(b"NTLMSSP\0\x09\0\0\0").unwrap().message, Message::Other(9));
    assert!(parse_ntlm(b"NTLMSSP\0\x01").is_none() && parse_ntlm(b"NTLMSSP1\x01\0\0\0").is_none());
}

#[test]
fn other_tokens_are_named() {
    let name = |bytes: &[u8]| {
        let data = parse_gssapi_data(&base64(bytes));
        let message = match &data {
            GssapiData::Gss(token) => token.message,
            _ => None,
        };
        (data.name(), message)
    };
    let kerberos = [&hex!("60 15 06 09 2A864886F712010202 0100 6E 06 30 04")[..], &[0; 4]].concat();
    assert_eq!(name(&kerberos), ("Kerberos", Some("AP-REQ")));
    assert_eq!(name(&hex!("6E 04 30 02 0500")), ("Kerberos", Some("AP-REQ")));
    assert_eq!(name(&hex!("6F 81 04 30 02 0500")), ("Kerberos", Some("AP-REP")));
    assert_eq!(name(&hex!("60 0A 06 06 2B0601050502 A0 00")), ("SPNEGO", Some("negTokenInit")));
    let wrapped = [&hex!("A1 6C 30 6A A2 6A")[..], CHALLENGE].concat();
    let GssapiData::Gss(token) = parse_gssapi_data(&base64(&wrapped)) else { panic!() };
    assert_eq!((token.message, token.ntlm.unwrap().message.name()), (Some("negTokenResp"), "CHALLENGE"));
    assert_eq!(name(&hex!("60 05 06 03 2A0304")), ("GSS-API", None));
    let tls = hex!("16 03 01 0004 01000000 14 03 01 0001 01 17 03 01 0020 00");
    assert_eq!(
        parse_gssapi_data(&base64(&tls)),
        GssapiData::Tls(vec!["handshake: client hello", "change cipher spec", "application data"])
    );
    assert_eq!(parse_gssapi_data("\"\""), GssapiData::Empty);
    assert_eq!(parse_gssapi_data("AAEC"), GssapiData::Unknown(3));
    assert_eq!(parse_gssapi_data("(no)"), GssapiData::NotBase64);
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzzing::ntlm(&bytes);
    }

    #[test]
    fn damaged(at in 0usize..232, value in any::<u8>(), cut in 0usize..232) {
        for mut bytes in [CHALLENGE.to_vec(), authenticate()] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            bytes.truncate(bytes.len().saturating_sub(cut));
            crate::fuzzing::ntlm(&bytes);
            crate::fuzzing::ntlm(base64(&bytes).as_bytes());
        }
    }
}
