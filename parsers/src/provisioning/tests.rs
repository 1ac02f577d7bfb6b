use super::*;
use proptest::prelude::*;

fn rows(provisioning: &Provisioning) -> Vec<(&str, &str, &str)> {
    let row = |s| (provisioning.group_of(s).unwrap_or_default(), s.name.as_str(), s.value.as_str());
    provisioning.settings.iter().map(row).collect()
}

// The answer as a client of 2007 R2 gets it, shortened; the white space around the address is usual.
const ANSWER: &str = "<provisionGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification\">\
    <provisionGroup name=\"ServerConfiguration\"><mrasUri> sip:avauth.contoso.com@contoso.com;gruu;opaque=srvr:MRAS:2jRa2f1gbU </mrasUri>\
    <ucMinMediaPort>50000</ucMinMediaPort><empty/><organization><name>Contoso</name><unit id=\"7\">R &amp; D</unit></organization></provisionGroup>\
    <provisionGroup name=\"persistentChatConfiguration\"><propertyEntryList><property name=\"EnablePersistentChat\">true</property></propertyEntryList>\
    </provisionGroup></provisionGroupList>";

#[test]
fn settings_keep_their_order_and_groups() {
    let found = parse_provisioning(ANSWER.as_bytes()).unwrap();
    assert_eq!((found.kind, found.issues.len()), (ProvisioningKind::Answer, 0));
    let (server, chat) = ("ServerConfiguration", "persistentChatConfiguration");
    assert_eq!(
        rows(&found),
        [
            (server, "mrasUri", "sip:avauth.contoso.com@contoso.com;gruu;opaque=srvr:MRAS:2jRa2f1gbU"),
            (server, "ucMinMediaPort", "50000"),
            (server, "empty", ""),
            (server, "organization/name", "Contoso"),
            (server, "organization/unit@id", "7"),
            (server, "organization/unit", "R & D"),
            (chat, "EnablePersistentChat", "true"),
        ]
    );
    assert_eq!(found.settings[1].meaning(), Some("lowest port of media"));
    assert_eq!(found.settings[2].meaning(), None);
    assert_eq!(&ANSWER[found.settings[1].range.clone()], "<ucMinMediaPort>50000</ucMinMediaPort>");
    assert_eq!(found.value("ucMinMediaPort"), Some("50000"));
}

#[test]
fn questions_name_their_groups() {
    let ask = "<provisioningGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist\">\
        <provisioningGroup name=\"ServerConfiguration\"/><provisioningGroup name=\"ucPolicy\"/><x/><provisioningGroup/></provisioningGroupList>";
    let found = parse_provisioning(ask.as_bytes()).unwrap();
    assert_eq!((found.kind, found.settings.len()), (ProvisioningKind::Request, 0));
    assert_eq!(found.groups, ["ServerConfiguration", "ucPolicy", ""]);
    assert_eq!(found.issues.iter().map(|i| i.code).collect::<Vec<_>>(), ["provisioning-group"; 2]);
}

#[test]
fn the_document_of_2005_gives_the_line() {
    let old = "<provisioning><user uri=\"sip:a@contoso.com\"><line uri=\"tel:73124;phone-context=dialstring\" server=\"sip:rcc@contoso.com\"/></user></provisioning>";
    let found = parse_provisioning(old.as_bytes()).unwrap();
    assert_eq!(
        rows(&found),
        [
            ("", "user@uri", "sip:a@contoso.com"),
            ("", "user/line@uri", "tel:73124;phone-context=dialstring"),
            ("", "user/line@server", "sip:rcc@contoso.com"),
        ]
    );
    assert_eq!(found.settings[2].meaning(), Some("gateway of remote call control"));
    assert!(parse_provisioning(b"<other/>").is_none() && parse_provisioning(b"").is_none());
}

#[test]
fn cut_and_deep_documents() {
    let found = parse_provisioning(&ANSWER.as_bytes()[..ANSWER.find("</ucMin").unwrap()]).unwrap();
    assert_eq!(found.settings.len(), 2);
    assert_eq!(found.issues.last().unwrap().code, "xml-cut");
    let deep = format!("<provisionGroupList><provisionGroup name='g'>{}", "<a>".repeat(200));
    let found = parse_provisioning(deep.as_bytes()).unwrap();
    assert!(found.issues.iter().any(|i| i.code == "provisioning-too-deep"));
    let many = format!("<provisionGroupList><provisionGroup name='g'>{}", "<a/>".repeat(5000));
    let found = parse_provisioning(many.as_bytes()).unwrap();
    assert_eq!(found.settings.len(), MAX_SETTINGS);
    assert!(found.issues.iter().any(|i| i.code == "provisioning-too-many"));
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzzing::provisioning(&bytes);
    }

    #[test]
    fn damaged(at in 0usize..800, value in any::<u8>(), cut in 0usize..800) {
        let mut bytes = ANSWER.as_bytes().to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        crate::fuzzing::provisioning(&bytes);
    }
}
