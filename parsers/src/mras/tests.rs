use super::*;
use proptest::prelude::*;

// Written from the layout above; the values are made up.
const REQUEST: &str = "<request requestID=\"49023\" from=\"sip:alice@contoso.com\" to=\"sip:avauth@contoso.com\" version=\"2.0\" \
    xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"><credentialsRequest credentialsRequestID=\"49023\">\
    <identity>sip:alice@contoso.com</identity><location>internet</location><duration>480</duration></credentialsRequest></request>";
const RESPONSE: &str = "<?xml version=\"1.0\"?><m:response xmlns:m=\"http://schemas.microsoft.com/2006/09/sip/mrasp\" requestID=\"49023\" version=\"2.0\" \
    serverVersion=\"2.0\" to=\"sip:avauth@contoso.com\" from=\"sip:alice@contoso.com\" reasonPhrase=\"OK\"><m:credentialsResponse \
    credentialsRequestID=\"49023\"><m:credentials><m:username>AgAAJE0Y</m:username><m:password>c2VjcmV0c2VjcmV0</m:password>\
    <m:duration>480</m:duration></m:credentials><m:mediaRelayList><m:mediaRelay><m:location>internet</m:location><m:hostName>av.contoso.com\
    </m:hostName><m:udpPort>3478</m:udpPort><m:tcpPort>443</m:tcpPort></m:mediaRelay><m:mediaRelay><m:location>intranet</m:location>\
    <m:directIPAddress>192.0.2.9</m:directIPAddress><m:udpPort>99999</m:udpPort></m:mediaRelay></m:mediaRelayList></m:credentialsResponse></m:response>";

fn codes(mras: &Mras) -> Vec<&'static str> {
    mras.issues.iter().map(|i| i.code).collect()
}

#[test]
fn request() {
    let mras = parse_mras(REQUEST.as_bytes()).unwrap();
    assert_eq!(
        (codes(&mras), mras.request_id.as_deref(), mras.version.as_deref()),
        (vec![], Some("49023"), Some("2.0"))
    );
    let Message::Request(asked) = &mras.message else { panic!() };
    assert_eq!(
        asked[..],
        [CredentialsRequest {
            id: Some("49023".into()),
            identity: Some("sip:alice@contoso.com".into()),
            location: Some("internet".into()),
            duration: Some(480),
        }]
    );
}

#[test]
fn response_keeps_its_password_to_itself() {
    let mras = parse_mras(RESPONSE.as_bytes()).unwrap();
    assert_eq!(codes(&mras), ["mras-number"]);
    let Message::Response(response) = &mras.message else { panic!() };
    assert!(response.is_ok());
    let [given] = &response.credentials[..] else { panic!() };
    assert_eq!((given.username.as_deref(), given.duration), (Some("AgAAJE0Y"), Some(480)));
    let password = given.password.as_ref().unwrap();
    assert_eq!(password.reveal(), "c2VjcmV0c2VjcmV0");
    assert_eq!(&RESPONSE[password.range()], "<m:password>c2VjcmV0c2VjcmV0</m:password>");
    for told in [format!("{mras:?}"), format!("{mras:#?}"), password.to_string()] {
        assert!(!told.contains("c2VjcmV0") && told.contains("<redacted, 16 characters>"), "{told}");
    }
    let relays: Vec<_> = given
        .relays
        .iter()
        .map(|r| {
            (
                r.location.as_deref(),
                r.host_name.as_deref(),
                r.direct_address.as_deref(),
                r.udp_port,
                r.tcp_port,
            )
        })
        .collect();
    assert_eq!(
        relays,
        [
            (Some("internet"), Some("av.contoso.com"), None, Some(3478), Some(443)),
            (Some("intranet"), None, Some("192.0.2.9"), None, None),
        ]
    );
}

#[test]
fn failures_and_damage() {
    let failed = "<response xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\" requestID=\"1\" reasonPhrase=\"Request Malformed\"/>";
    let mras = parse_mras(failed.as_bytes()).unwrap();
    let Message::Response(response) = &mras.message else { panic!() };
    assert!(!response.is_ok() && response.credentials.is_empty() && mras.issues.is_empty());
    assert_eq!(response.reason.as_deref(), Some("Request Malformed"));
    let silent = parse_mras(b"<response xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"/>").unwrap();
    assert_eq!(codes(&silent), ["mras-no-reason"]);
    let other = parse_mras(b"<request><credentialsRequest/></request>").unwrap();
    assert_eq!(codes(&other), ["mras-namespace"]);
    // C3P has the same root names.
    assert!(parse_mras(b"<request xmlns='urn:ietf:params:xml:ns:cccp'><addUser/></request>").is_none());
    let cut = parse_mras(&RESPONSE.as_bytes()[..RESPONSE.find("<m:duration>").unwrap()]).unwrap();
    let Message::Response(response) = &cut.message else { panic!() };
    assert!(response.credentials[0].password.is_some());
    assert_eq!(codes(&cut), ["xml-cut"]);
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzzing::mras(&bytes);
    }

    #[test]
    fn damaged(at in 0usize..900, value in any::<u8>(), cut in 0usize..900) {
        for text in [REQUEST, RESPONSE] {
            let mut bytes = text.as_bytes().to_vec();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            bytes.truncate(bytes.len().saturating_sub(cut));
            crate::fuzzing::mras(&bytes);
        }
    }
}
