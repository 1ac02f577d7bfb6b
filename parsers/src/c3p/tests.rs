use proptest::prelude::*;

use super::*;

const FOCUS: &str = "sip:vivian@contoso.com;gruu;opaque=app:conf:focus:id:BE927F10";

fn codes(issues: &[Issue]) -> Vec<&'static str> {
    issues.iter().map(|i| i.code).collect()
}

// The documents below are written by the rules of [MS-CONFPRO] §2.2.2 and §2.2.3 and [MS-CONFBAS] §2.2.3.14 and
// §2.2.3.15; they come from no capture.

#[test]
fn add_conference() {
    let body = r#"<request xmlns="urn:ietf:params:xml:ns:cccp" xmlns:mscp="http://schemas.microsoft.com/rtc/2005/08/cccpextensions" C3PVersion="1" requestId="7"
 from="sip:vivian@contoso.com" to="sip:vivian@contoso.com;gruu;opaque=app:conf:focusfactory">
 <addConference><ci:conference-info xmlns:ci="urn:ietf:params:xml:ns:conference-info" xmlns:msci="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions" entity="">
  <ci:conference-description><ci:subject/><msci:conference-id>BE927F10</msci:conference-id><msci:expiry-time>2009-04-28T23:55:00Z</msci:expiry-time><msci:admission-policy>openAuthenticated</msci:admission-policy></ci:conference-description>
  <msci:conference-view><msci:entity-view entity="chat"/><msci:entity-view entity="audio-video"/></msci:conference-view></ci:conference-info></addConference></request>"#;
    let all = parse_c3p(body.as_bytes()).unwrap();
    assert_eq!(all.issues, []);
    assert_eq!((&all.kind, all.request_id.as_deref()), (&Kind::Request, Some("7")));
    let command = all.command().unwrap();
    assert_eq!(command.name, "addConference");
    let conference = command.conference.as_ref().unwrap();
    let description = conference.description.as_ref().unwrap();
    assert_eq!(description.conference_id.as_deref(), Some("BE927F10"));
    assert_eq!(description.admission_policy.as_deref(), Some("openAuthenticated"));
    let views: Vec<_> = conference.views.iter().map(|v| v.entity.as_str()).collect();
    assert_eq!(views, ["chat", "audio-video"]);
    assert_eq!(all.conference_key(), None);
    assert!(body[command.range.clone()].starts_with("<addConference>"));
}

/// A dial-out under prefixes of the sender's own, and its failure.
#[test]
fn dial_out_and_failure() {
    let request = format!(
        r#"<?xml version="1.0"?><c:request xmlns:c="urn:ietf:params:xml:ns:cccp" C3PVersion="1" requestId="9" from="sip:Vivian@contoso.com" to="{FOCUS}">
 <c:addUser m:mcuUri="sip:vivian@contoso.com;gruu;opaque=app:conf:audio-video:id:BE927F10" xmlns:m="http://schemas.microsoft.com/rtc/2005/08/cccpextensions">
  <c:conferenceKeys confEntity="{FOCUS}"/>
  <user xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:amy@contoso.com"><roles><entry>attendee</entry></roles>
   <endpoint entity="{{6C9A1D6E-0F3A-4C1B-9A55-3F1E8D2B7A10}}" endpoint-uri="tel:+14255550100"><joining-method>dialed-out</joining-method></endpoint></user></c:addUser></c:request>"#
    );
    let request = parse_c3p(request.as_bytes()).unwrap();
    assert_eq!(request.issues, []);
    let command = request.command().unwrap();
    assert!(command.is_dial_out());
    assert_eq!((command.target(), command.mcu()), (Some("tel:+14255550100"), Some(McuKind::AudioVideo)));
    assert_eq!(command.all_roles().collect::<Vec<_>>(), ["attendee"]);
    assert_eq!(command.keys[0].conference.as_deref(), Some(FOCUS));
    let response = format!(
        r#"<response xmlns="urn:ietf:params:xml:ns:cccp" C3PVersion="1" requestId="9" from="{FOCUS}" to="sip:vivian@contoso.com" code="failure"><addUser reason="mcuTypeNotAvailable"><diag xmlns="">x</diag></addUser></response>"#
    );
    let response = parse_c3p(response.as_bytes()).unwrap();
    assert_eq!((&response.kind, &response.code), (&Kind::Response, &Some(Code::Failure)));
    let command = response.command().unwrap();
    assert_eq!(
        command.reason.as_deref().and_then(reason_words),
        Some("no conferencing server of this kind is available")
    );
    assert_eq!(command.other, [("diag".to_owned(), "x".to_owned())]);
    assert_eq!(request.correlation_key(), response.correlation_key());
    assert_eq!(request.conference_key().as_deref(), Some("sip:vivian@contoso.com#be927f10"));
    assert_eq!(request.conference_key(), response.conference_key());
}

#[test]
fn keys_media_and_roles() {
    let doc = |command: &str| {
        let text = format!(
            r#"<request xmlns="urn:ietf:params:xml:ns:cccp" requestId="2" from="sip:a@b" to="{FOCUS}">{command}</request>"#
        );
        let all = parse_c3p(text.as_bytes()).unwrap();
        assert_eq!(all.issues, []);
        all.commands.into_iter().next().unwrap()
    };
    let delete = doc(&format!(
        r#"<deleteUser><userKeys confEntity="{FOCUS}" userEntity="sip:carol@b" /></deleteUser>"#
    ));
    assert_eq!((delete.target(), delete.is_dial_out()), (Some("sip:carol@b"), false));
    let mute = doc(
        r#"<modifyEndpointMedia><mediaKeys confEntity="sip:c" userEntity="sip:carol@b" endpointEntity="{E2}" mediaId="1"/>
<ci:media xmlns:ci="urn:ietf:params:xml:ns:conference-info" id="1"><ci:type>audio</ci:type><ci:status>recvonly</ci:status>
<media-ingress-filter xmlns="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions">block</media-ingress-filter></ci:media></modifyEndpointMedia>"#,
    );
    assert_eq!((mute.keys[0].endpoint.as_deref(), mute.keys[0].media.as_deref()), (Some("{E2}"), Some("1")));
    assert_eq!((mute.media[0].status.as_deref(), mute.media[0].is_muted()), (Some("recvonly"), Some(true)));
    let roles = doc(
        r#"<modifyUserRoles><userKeys userEntity="sip:x"/><user-roles><entry>presenter</entry></user-roles></modifyUserRoles>"#,
    );
    assert_eq!(roles.all_roles().collect::<Vec<_>>(), ["presenter"]);
    // Commands that nobody knows are told by name, with all they say.
    let other = doc(r#"<playPrompt loud="1"><what>bell</what>now</playPrompt>"#);
    assert_eq!((other.name.as_str(), command_words("playPrompt")), ("playPrompt", None));
    let other: Vec<_> = other.other.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    assert_eq!(other, [("loud", "1"), ("what", "bell"), ("", "now")]);
    let types = doc(
        "<getConferencingCapabilities><mcu-types><mcuType>chat</mcuType><mcuType>meeting</mcuType></mcu-types></getConferencingCapabilities>",
    );
    assert_eq!(types.mcu_types, ["chat", "meeting"]);
}

#[test]
fn secrets() {
    let body = format!(
        "<response xmlns='{NAMESPACE}' requestId='1' from='a' to='b' code='success'><getEncryptionKey><key>S3</key></getEncryptionKey></response>"
    );
    let all = parse_c3p(body.as_bytes()).unwrap();
    assert_eq!(all.secrets.iter().map(|r| &body[r.clone()]).collect::<Vec<_>>(), ["S3"]);
    assert!(all.commands[0].is_secret("key"));
}

#[test]
fn bad_documents() {
    let bad = |root: &str, inside: &str| {
        let text = format!("<{root} xmlns=\"urn:ietf:params:xml:ns:cccp\" {inside}");
        codes(&parse_c3p(text.as_bytes()).unwrap().issues)
    };
    let ok = "from='a' to='b'";
    assert_eq!(bad("request", &format!("requestId='-1' {ok}><x/></request>")), ["c3p-request-id-bad"]);
    assert_eq!(bad("request", &format!("{ok}><x/></request>")), ["c3p-request-id-missing"]);
    assert_eq!(bad("request", &format!("requestId='1' {ok}><x/><y/></request>")), ["c3p-many-commands"]);
    assert_eq!(bad("request", &format!("requestId='1' {ok}/>")), ["c3p-no-command"]);
    assert_eq!(bad("response", "requestId='1' code='success'><x/></response>"), ["c3p-address-missing"]);
    assert_eq!(bad("response", &format!("requestId='1' {ok}><x/></response>")), ["c3p-code-missing"]);
    assert_eq!(bad("notification", &format!("{ok}><x/></notification>")), [""; 0]);
    // Another protocol's request.
    assert_eq!(parse_c3p(b"<request xmlns='http://schemas.microsoft.com/2006/09/sip/mrasp'/>"), None);
    assert_eq!(parse_c3p(b"v=0"), None);
    assert_eq!(parse_c3p(b""), None);
    // Cut: what precedes is there.
    let cut =
        format!("<request xmlns='{NAMESPACE}' requestId='1' {ok}><addUser><user entity='sip:amy@b'><rol");
    let cut = parse_c3p(cut.as_bytes()).unwrap();
    assert_eq!(cut.commands[0].target(), Some("sip:amy@b"));
    assert!(!cut.issues.is_empty());
}

#[test]
fn conference_uris() {
    let uri = conference_uri(FOCUS).unwrap();
    assert_eq!(
        (uri.organizer, uri.part, uri.id),
        ("sip:vivian@contoso.com", ConferencePart::Focus, "BE927F10")
    );
    let typed = "conf:sip:v@b;gruu;opaque=app:conf:focus:id:X1?conversation-id=q;y=z";
    assert_eq!(conference_uri(typed).and_then(|u| u.key()).as_deref(), Some("sip:v@b#x1"));
    for (word, part) in [
        ("chat", ConferencePart::Mcu(McuKind::Chat)),
        ("applicationsharing", ConferencePart::Mcu(McuKind::ApplicationSharing)),
        ("meeting", ConferencePart::Mcu(McuKind::Data)),
        ("phone-conf", ConferencePart::Mcu(McuKind::Phone)),
        ("poll", ConferencePart::Other),
    ] {
        let uri = format!("SIP:v@b;GRUU;Opaque=App:Conf:{word}:ID:A");
        let found = conference_uri(&uri).unwrap();
        assert_eq!((found.part, found.word, found.key().as_deref()), (part, word, Some("sip:v@b#a")));
    }
    let factory = conference_uri("sip:v@b;gruu;opaque=app:conf:focusfactory").unwrap();
    assert_eq!((factory.part, factory.key()), (ConferencePart::FocusFactory, None));
    assert_eq!(conference_uri("sip:v@b;opaque=user:epid:x;gruu"), None);
    assert_eq!(conference_uri("sip:v@b;opaque=app:conf\u{e9}:"), None);
}

#[test]
fn invitations() {
    let body = r#"<Conferencing version="2.0"><focus-uri>sip:v@b;gruu;opaque=app:conf:focus:id:X</focus-uri><subject>Lunch</subject>
<im available="true"><first-im>SGk=</first-im></im><audio available="false"/></Conferencing>"#;
    let all = parse_conference_invite(body.as_bytes()).unwrap();
    assert_eq!((all.subject.as_deref(), all.first_im.as_deref()), (Some("Lunch"), Some("SGk=")));
    assert_eq!(
        all.modalities,
        [("im".to_owned(), "true".to_owned()), ("audio".to_owned(), "false".to_owned())]
    );
    assert!(all.focus_uri.is_some());
}

proptest! {
    #[test]
    fn any_bytes(body in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,60}") {
        let _ = parse_c3p(&body);
        let _ = conference_uri(&text);
        let mut document = format!("<request xmlns='{NAMESPACE}'><addUser>").into_bytes();
        document.extend(&body);
        let all = parse_c3p(&document).unwrap();
        for issue in &all.issues {
            prop_assert!(document.get(issue.range.clone()).is_some());
        }
        for command in &all.commands {
            prop_assert!(document.get(command.range.clone()).is_some());
            let _ = (command.target(), command.mcu());
        }
        let _ = (all.conference_key(), all.correlation_key());
    }
}
