use proptest::prelude::*;

use super::*;

fn pidf_of(body: &str) -> Pidf {
    match parse_presence(body.as_bytes()) {
        Some(Presence::Pidf(pidf)) => pidf,
        other => panic!("{other:?}"),
    }
}

fn categories_of(body: &str) -> Categories {
    match parse_presence(body.as_bytes()) {
        Some(Presence::Categories(all)) => all,
        other => panic!("{other:?}"),
    }
}

/// After the examples of RFC 3863 and RFC 4480.
#[test]
fn pidf_with_activities() {
    let all = pidf_of(
        r#"<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:someone@example.com">
<p:tuple id="bs35r9"><p:status><p:basic>open</p:basic><im>busy</im></p:status><p:contact priority="0.8">im:someone@mobilecarrier.net</p:contact>
<p:note xml:lang="en">Don't Disturb Please!</p:note><p:timestamp>2001-10-27T16:49:29Z</p:timestamp></p:tuple>
<dm:person id="p1"><rpid:activities from="2005-05-30T12:00:00+05:00"><rpid:note>Far away</rpid:note><rpid:away/><rpid:other>knitting</rpid:other></rpid:activities><dm:note>I'm ill</dm:note></dm:person>
<p:note>all</p:note></p:presence>"#,
    );
    assert_eq!(all.issues, []);
    let tuple = &all.tuples[0];
    assert_eq!((tuple.id.as_str(), tuple.basic.as_deref()), ("bs35r9", Some("open")));
    assert_eq!((tuple.priority.as_deref(), tuple.notes.len()), (Some("0.8"), 1));
    assert_eq!(tuple.other, [("im".to_owned(), "busy".to_owned())]);
    assert_eq!(all.persons[0].activities, ["away", "knitting"]);
    assert_eq!(
        (&all.persons[0].notes[..], &all.notes[..]),
        (&["I'm ill".to_owned()][..], &["all".to_owned()][..])
    );
    let bare = pidf_of("<presence><tuple id='a'/></presence>");
    assert_eq!((bare.issues[0].code, bare.tuples[0].basic.as_deref()), ("pidf-no-entity", None));
}

/// Laid out as Communications Server writes it; all values made up.
#[test]
fn categories() {
    let all = categories_of(
        r#"<categories xmlns="http://schemas.microsoft.com/2006/09/sip/categories" uri="sip:bob@contoso.com">
<category name="state" instance="1" publishTime="2009-05-11T17:22:00.123"><state xsi:type="s:aggregateState" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><availability>6500</availability><activity token="on-the-phone"/></state></category>
<category name="note" instance="0" container="200" version="3" publishTime="x"><note><body type="personal">At <![CDATA[lunch & back]]></body></note></category>
<category name="calendarData" instance="0"><calendarData mailboxID="bob@contoso.com"><freeBusy startTime="2009-05-11T00:00:00Z" granularity="PT15M">AAAA</freeBusy></calendarData></category>
<category name="contactCard" instance="0"><contactCard><identity><name><displayName>Bob</displayName></name><email>bob@contoso.com</email></identity><phone type="work"><uri>tel:+1</uri></phone></contactCard></category>
<category name="device" instance="9"><device endpointId="G"><capabilities><text capture="true"/></capabilities></device></category>
<category name="services" instance="0"/></categories>"#,
    );
    assert_eq!(
        (all.root.as_str(), all.uri.as_str(), all.list.len()),
        ("categories", "sip:bob@contoso.com", 6)
    );
    assert_eq!((all.issues.len(), all.other.len(), all.is_publication()), (0, 0, false));
    let state = &all.list[0];
    assert_eq!(
        state.value,
        CategoryValue::State {
            kind: Some("aggregateState".into()),
            availability: Some(6500),
            activity: Some("on-the-phone".into())
        }
    );
    assert_eq!((state.summary().as_str(), state.instance.as_deref()), ("6500 on-the-phone", Some("1")));
    assert_eq!(
        (all.list[1].summary().as_str(), all.list[1].container.as_deref()),
        ("At lunch & back", Some("200"))
    );
    let CategoryValue::CalendarData { free_busy, start_time, granularity } = &all.list[2].value else {
        panic!()
    };
    assert_eq!((free_busy.as_deref(), granularity.as_deref()), (Some("AAAA"), Some("PT15M")));
    assert!(start_time.is_some());
    let CategoryValue::ContactCard { name, emails, phones } = &all.list[3].value else { panic!() };
    assert_eq!(
        (name.as_deref(), &emails[..], &phones[..]),
        (Some("Bob"), &["bob@contoso.com".to_owned()][..], &["tel:+1".to_owned()][..])
    );
    assert_eq!((&all.list[4].value, all.list[4].fields.len()), (&CategoryValue::Device, 2));
    assert!(all.list[5].empty);
}

#[test]
fn publications_and_roaming() {
    let all = categories_of(
        r#"<publish xmlns="http://schemas.microsoft.com/2006/09/sip/rich-presence"><publications uri="sip:amy@contoso.com">
<publication categoryName="state" instance="5" container="2" version="1" expireType="endpoint"><s:state xmlns:s="x" manual="false"><s:availability>3500</s:availability></s:state></publication></publications></publish>"#,
    );
    assert!(all.is_publication());
    assert_eq!((all.uri.as_str(), all.list[0].name.as_str()), ("sip:amy@contoso.com", "state"));
    assert_eq!(all.list[0].expire_type.as_deref(), Some("endpoint"));
    assert_eq!(all.list[0].uri, None);
    let all = categories_of(
        r#"<roamingData xmlns="http://schemas.microsoft.com/2006/09/sip/roaming-self"><categories uri="sip:amy@contoso.com"><category name="a"><x><category name="inner"/></x></category></categories><containers><container id="200" version="1"/></containers></roamingData>"#,
    );
    assert_eq!((all.list.len(), all.other.len()), (1, 2));
    let Some(Presence::Other { root, fields, .. }) =
        parse_presence(b"<watchers><watcher uri='sip:a'/></watchers>")
    else {
        panic!()
    };
    assert_eq!(
        (root.as_str(), &fields[..]),
        ("watchers", &[("watcher@uri".to_owned(), "sip:a".to_owned())][..])
    );
    assert_eq!(parse_presence(b"no XML"), None);
}

proptest! {
    #[test]
    fn any_bytes(body in proptest::collection::vec(any::<u8>(), 0..300), kind in 0..4usize) {
        let heads = [
            "", "<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple><status>",
            "<categories><category name='state'><state>", "<categories><category name='contactCard'><x>",
        ];
        let mut document = heads[kind].as_bytes().to_vec();
        document.extend(&body);
        let issues = match parse_presence(&document) {
            Some(Presence::Pidf(pidf)) => pidf.issues,
            Some(Presence::Categories(all)) => {
                for category in &all.list {
                    prop_assert!(document.get(category.range.clone()).is_some());
                    let _ = category.summary();
                }
                all.issues
            }
            Some(Presence::Other { issues, .. }) => issues,
            None => Vec::new(),
        };
        for issue in &issues {
            prop_assert!(document.get(issue.range.clone()).is_some());
        }
    }
}
