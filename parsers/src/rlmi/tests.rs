use proptest::prelude::*;

use super::*;

fn codes(issues: &[Issue]) -> Vec<&'static str> {
    issues.iter().map(|i| i.code).collect()
}

/// After the example of RFC 4662, shortened.
const LIST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:adam-friends@pres.vancouver.example.com" version="1" fullState="true">
 <name xml:lang="en">Buddy List at COM</name>
 <resource uri="sip:bob@vancouver.example.com"><name>Bob Smith</name><instance id="juwigmtboe" state="active" cid="bUZBsM@pres.vancouver.example.com"/></resource>
 <resource uri="sip:dave@vancouver.example.com"><instance id="hqzsuxtfyq" state="terminated" reason="rejected"/></resource>
 <resource uri="sip:ed@vancouver.example.com"><instance id="grqhzsppxb" state="pending" cid="lost@x"/></resource>
</list>"#;

#[test]
fn list_with_parts() {
    let body = format!(
        "--50UBfW7LSCVLtggUPe5z\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <nXYxAE@pres.vancouver.example.com>\r\n\
Content-Type: application/rlmi+xml;charset=\"UTF-8\"\r\n\r\n{LIST}\r\n--50UBfW7LSCVLtggUPe5z\r\nContent-ID: <bUZBsM@pres.vancouver.example.com>\r\n\
Content-Type: application/pidf+xml\r\n\r\n<presence/>\r\n--50UBfW7LSCVLtggUPe5z--\r\n"
    );
    let kind = b"multipart/related;type=\"application/rlmi+xml\";start=\"<nXYxAE@pres.vancouver.example.com>\";boundary=\"50UBfW7LSCVLtggUPe5z\"";
    let all = read_list(body.as_bytes(), 0..body.len(), kind);
    let list = all.list.unwrap();
    assert_eq!((list.version, list.full_state, list.names.len()), (Some(1), Some(true), 1));
    assert_eq!(list.resources[0].names, ["Bob Smith"]);
    assert_eq!(list.resources[1].instances[0].reason.as_deref(), Some("rejected"));
    assert_eq!(all.parts.len(), 1);
    let part = &all.parts[0];
    assert_eq!(part.resource.as_deref(), Some("sip:bob@vancouver.example.com"));
    assert_eq!((part.state.as_deref(), &body[part.range.clone()]), (Some("active"), "<presence/>"));
    assert_eq!(all.missing, [("sip:ed@vancouver.example.com".to_owned(), "lost@x".to_owned())]);
    assert_eq!(codes(&all.issues), ["rlmi-part-missing"]);
    assert!(body[all.list_range].starts_with("<?xml"));
}

#[test]
fn without_a_list() {
    let all = read_list(b"<categories/>", 0..13, b"application/msrtc-event-categories+xml");
    assert_eq!((all.list, all.parts.len(), all.issues.len()), (None, 1, 0));
    let all = read_list(b"<x/>", 0..4, b"application/rlmi+xml");
    assert_eq!(codes(&all.issues), ["rlmi-not-a-list"]);
    let all = parse_rlmi(b"<list><resource/></list>").unwrap();
    assert_eq!(codes(&all.issues), ["rlmi-version-bad", "rlmi-state-bad", "rlmi-no-uri"]);
}

proptest! {
    #[test]
    fn any_bytes(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut document = b"--b\nContent-Type: application/rlmi+xml\n\n<list><resource uri='".to_vec();
        document.extend(&body);
        let all = read_list(&document, 0..document.len(), b"multipart/related;boundary=b");
        for issue in &all.issues {
            prop_assert!(document.get(issue.range.clone()).is_some());
        }
        let _ = parse_rlmi(&body);
    }
}
