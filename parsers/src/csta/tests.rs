use super::*;
use proptest::prelude::*;

const ED3: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

fn read(body: &str) -> Csta {
    parse_csta(body.as_bytes()).unwrap()
}

// Written from the element names above; the values are made up.
#[test]
fn making_a_call() {
    let ask = read(&format!(
        "<?xml version=\"1.0\"?><MakeCall xmlns=\"{ED3}\"><callingDevice>tel:73124;phone-context=dialstring</callingDevice>\
         <calledDirectoryNumber>tel:+3222220220</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate></MakeCall>"
    ));
    assert_eq!(
        (ask.kind, ask.title(), ask.edition.as_deref()),
        (CstaKind::Request, Some("make a call"), Some("ed3"))
    );
    assert_eq!(ask.device(), Some("tel:73124;phone-context=dialstring"));
    assert_eq!(ask.device_of("calledDirectoryNumber"), Some("tel:+3222220220"));
    assert_eq!((ask.call_id(), ask.issues.len(), ask.devices.len()), (None, 0, 2));

    let answer = read(&format!(
        "<MakeCallResponse xmlns=\"{ED3}\"><callingDevice><callID>0_99f261b4</callID><deviceID typeOfNumber=\"dialingNumber\">tel:73124</deviceID>\
         </callingDevice></MakeCallResponse>"
    ));
    assert_eq!((answer.kind, answer.title()), (CstaKind::Response, Some("make a call")));
    assert_eq!((answer.call_id(), answer.device()), (Some("0_99f261b4"), Some("tel:73124")));
    assert_eq!((answer.connections[0].role.as_str(), answer.devices.len()), ("callingDevice", 0));
}

#[test]
fn events() {
    let event = read(&format!(
        "<c:DeliveredEvent xmlns:c=\"{ED3}\"><c:monitorCrossRefID>99fda87c</c:monitorCrossRefID><c:connection><c:callID>1</c:callID>\
         <c:deviceID>tel:1</c:deviceID></c:connection><c:alertingDevice><c:deviceIdentifier>tel:2</c:deviceIdentifier></c:alertingDevice>\
         <c:lastRedirectionDevice><c:notRequired/></c:lastRedirectionDevice><c:localConnectionInfo>connected</c:localConnectionInfo>\
         <c:cause>newCall</c:cause></c:DeliveredEvent>"
    ));
    assert_eq!((event.kind, event.title()), (CstaKind::Event, Some("a device rings")));
    assert_eq!((event.monitor.as_deref(), event.cause.as_deref()), (Some("99fda87c"), Some("newCall")));
    assert_eq!(event.local_state.as_deref(), Some("connected"));
    assert_eq!(event.device_of("alertingDevice"), Some("tel:2"));
    assert_eq!((event.devices.len(), event.call_id()), (1, Some("1")));
}

#[test]
fn status_errors_and_unknown_services() {
    let status = read(&format!(
        "<RequestSystemStatus xmlns=\"{ED3}\"><extensions><privateData><private><lcs:line xmlns:lcs=\"http://schemas.microsoft.com/Lcs/2005/04/RCCExtension\">\
         tel:73124</lcs:line></private></privateData></extensions></RequestSystemStatus>"
    ));
    assert_eq!((status.line.as_deref(), status.device()), (Some("tel:73124"), Some("tel:73124")));
    let error = read(&format!(
        "<CSTAErrorCode xmlns=\"{ED3}\"><operation>invalidDeviceID</operation></CSTAErrorCode>"
    ));
    assert_eq!(
        (error.kind, error.error),
        (CstaKind::Error, Some(("operation".into(), "invalidDeviceID".into())))
    );
    let unknown = read(&format!("<SomethingNew xmlns=\"{ED3}\"/>"));
    assert_eq!(
        (unknown.kind, unknown.title(), unknown.name.as_str()),
        (CstaKind::Request, None, "SomethingNew")
    );
    let bare = read("<MonitorStop><monitorCrossRefID>1</monitorCrossRefID></MonitorStop>");
    assert_eq!((bare.issues[0].code, bare.monitor.as_deref()), ("csta-namespace", Some("1")));
    assert!(parse_csta(b"<request xmlns='urn:other'/>").is_none() && parse_csta(b"<request/>").is_none());
    let cut = read(&format!("<ClearConnection xmlns=\"{ED3}\"><connectionToBeCleared><callID>7</cal"));
    assert_eq!((cut.call_id(), cut.issues[0].code), (Some("7"), "xml-cut"));
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzzing::csta(&bytes);
    }

    #[test]
    fn any_elements(names in proptest::collection::vec("(callID|deviceID|deviceIdentifier|line|cause|xDevice)", 0..20)) {
        let body: String = names.iter().map(|n| format!("<{n}>v")).collect();
        crate::fuzzing::csta(format!("<MakeCall xmlns='{ED3}'>{body}").as_bytes());
    }
}
