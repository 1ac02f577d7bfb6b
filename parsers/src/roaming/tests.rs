use super::*;
use proptest::prelude::*;

fn codes(roaming: &Roaming) -> Vec<&'static str> {
    roaming.issues.iter().map(|i| i.code).collect()
}

// Written from the layouts above; names and addresses are made up.
const CONTACTS: &str = "<contactList deltaNum=\"23\"><group id=\"1\" name=\"~\" externalURI=\"\"/><group id=\"2\" name=\"R &amp; D\"/>\
    <contact uri=\"bob@contoso.com\" name=\"\" groups=\"1 2\" subscribed=\"true\"/><contact uri=\"amy@contoso.com\" name=\"Amy\" groups=\"2\"/><contact/></contactList>";
const BATCH: &str = "<batchSub xmlns=\"http://schemas.microsoft.com/2006/01/sip/batch-subscribe\" uri=\"sip:alice@contoso.com\" name=\"\">\n\
    <action name=\"subscribe\" id=\"63792024\"><adhocList>\n<resource uri=\"sip:bob@contoso.com\"/><resource uri=\"sip:amy@contoso.com\"><context/></resource>\n</adhocList>\
    <categoryList xmlns=\"http://schemas.microsoft.com/2006/09/sip/categorylist\"><category name=\"note\"/><category name=\"state\"/></categoryList></action></batchSub>";

#[test]
fn contacts_whole_and_changed() {
    let roaming = parse_roaming(CONTACTS.as_bytes()).unwrap();
    assert_eq!((codes(&roaming), roaming.delta), (vec!["roaming-no-uri"], Some(23)));
    let Body::Contacts(contacts) = &roaming.body else { panic!() };
    assert!(contacts.whole && contacts.ucs_mode.is_none());
    let groups: Vec<_> =
        contacts.groups.iter().map(|g| (g.id.unwrap(), g.name.as_deref().unwrap())).collect();
    assert_eq!(groups, [(1, "~"), (2, "R & D")]);
    let people: Vec<_> = contacts.contacts.iter().map(|c| (c.uri.as_str(), c.groups.clone())).collect();
    assert_eq!(people, [("bob@contoso.com", vec![1, 2]), ("amy@contoso.com", vec![2])]);

    let delta = parse_roaming(
        b"<contactDelta deltaNum='24' prevDeltaNum='23'><addedGroup id='3' name='New'/><deletedContact uri='bob@contoso.com'/>\
          <modifiedContact uri='amy@contoso.com' name='Amy' groups='3'/></contactDelta>",
    )
    .unwrap();
    let Body::Contacts(contacts) = &delta.body else { panic!() };
    assert_eq!((contacts.whole, contacts.groups[0].change), (false, Change::Added));
    assert_eq!(
        contacts.contacts.iter().map(|c| c.change).collect::<Vec<_>>(),
        [Change::Deleted, Change::Modified]
    );
    let moved = parse_roaming(b"<contactList deltaNum='0' ucsmode='migrated'/>").unwrap();
    assert_eq!(codes(&moved), ["roaming-delta"]);
    let Body::Contacts(contacts) = &moved.body else { panic!() };
    assert_eq!(contacts.ucs_mode.as_deref(), Some("migrated"));
}

#[test]
fn subscriptions_in_all_three_forms() {
    let batch = parse_roaming(BATCH.as_bytes()).unwrap();
    assert_eq!(codes(&batch), [""; 0]);
    let Body::Subscriptions(batches) = &batch.body else { panic!() };
    assert_eq!(
        (batches[0].action.as_deref(), batches[0].id.as_deref()),
        (Some("subscribe"), Some("63792024"))
    );
    assert_eq!(batches[0].categories, ["note", "state"]);
    let uris = |r: &Roaming| r.targets().map(|t| t.uri.clone()).collect::<Vec<_>>();
    assert_eq!(uris(&batch), ["sip:bob@contoso.com", "sip:amy@contoso.com"]);
    assert_eq!(
        &BATCH[batch.targets().next().unwrap().range.clone()],
        "<resource uri=\"sip:bob@contoso.com\"/>"
    );

    let old = "<adhoclist xmlns=\"urn:ietf:params:xml:ns:adrl\" uri=\"sip:a@b\" name=\"sip:a@b\"><create xmlns=\"\"><resource uri=\"sip:c@d\"/></create></adhoclist>";
    assert_eq!(uris(&parse_roaming(old.as_bytes()).unwrap()), ["sip:c@d"]);
    let standard = "<rl:resource-lists xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\"><rl:list name=\"friends\"><rl:entry uri=\"sip:c@d\">\
        <rl:display-name>C</rl:display-name></rl:entry><rl:list><rl:entry uri=\"sip:e@f\"/></rl:list></rl:list></rl:resource-lists>";
    let standard = parse_roaming(standard.as_bytes()).unwrap();
    assert_eq!(uris(&standard), ["sip:c@d", "sip:e@f"]);
    assert_eq!(standard.targets().next().unwrap().display_name.as_deref(), Some("C"));
}

#[test]
fn own_data_and_access_lists() {
    let ask = "<roamingList xmlns=\"http://schemas.microsoft.com/2006/09/sip/roaming-self\"><roaming type=\"categories\"/><roaming type=\"containers\"/></roamingList>";
    assert_eq!(
        parse_roaming(ask.as_bytes()).unwrap().body,
        Body::OwnRequest(vec!["categories".into(), "containers".into()])
    );
    let data = "<roamingData xmlns=\"http://schemas.microsoft.com/2006/09/sip/roaming-self\"><categories xmlns=\"http://schemas.microsoft.com/2006/09/sip/categories\">\
        <category name=\"note\" instance=\"0\" publishTime=\"2009-03-02T00:00:00Z\" container=\"300\" version=\"4\"><note/></category></categories>\
        <containers><container id=\"32000\" version=\"2\"><member type=\"user\" value=\"eve@contoso.com\"/></container></containers>\
        <subscribers><subscriber user=\"bob@contoso.com\" displayName=\"Bob\" acknowledged=\"false\" type=\"sameEnterprise\"/><subscriber/></subscribers></roamingData>";
    let roaming = parse_roaming(data.as_bytes()).unwrap();
    assert_eq!(codes(&roaming), ["roaming-no-uri"]);
    let Body::OwnData(own) = &roaming.body else { panic!() };
    let category = &own.categories[0];
    assert_eq!(
        (category.name.as_str(), category.container, category.instance, category.version),
        ("note", Some(300), Some(0), Some(4))
    );
    assert_eq!(own.containers[0].members[0].value.as_deref(), Some("eve@contoso.com"));
    assert_eq!(
        (own.watchers[0].user.as_str(), own.watchers[0].acknowledged),
        ("bob@contoso.com", Some(false))
    );

    let acl = parse_roaming(
        b"<ACLlist deltaNum='7'><ace type='USER' mask='eve@contoso.com' rights='BD'/></ACLlist>",
    )
    .unwrap();
    let Body::AccessList(entries) = &acl.body else { panic!() };
    assert_eq!((entries.len(), entries[0].rights.as_deref(), acl.delta), (1, Some("BD"), Some(7)));
    assert!(parse_roaming(b"<other/>").is_none() && parse_roaming(b"text").is_none());
}

#[test]
fn cut_and_too_large() {
    let cut = parse_roaming(&BATCH.as_bytes()[..BATCH.find("<context").unwrap()]).unwrap();
    assert_eq!((cut.targets().count(), codes(&cut)), (2, vec!["xml-cut"]));
    let many = format!("<batchSub><action><adhocList>{}", "<resource uri='a'/>".repeat(MAX_ITEMS + 1));
    let many = parse_roaming(many.as_bytes()).unwrap();
    assert_eq!((many.targets().count(), codes(&many)), (MAX_ITEMS, vec!["xml-cut", "roaming-too-many"]));
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzzing::roaming(&bytes);
    }

    #[test]
    fn damaged(at in 0usize..500, value in any::<u8>(), cut in 0usize..500) {
        for text in [CONTACTS, BATCH] {
            let mut bytes = text.as_bytes().to_vec();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            bytes.truncate(bytes.len().saturating_sub(cut));
            crate::fuzzing::roaming(&bytes);
        }
    }
}
