use proptest::prelude::*;

use super::*;

const FOCUS: &str = "sip:vivian@contoso.com;gruu;opaque=app:conf:focus:id:BE927F10";

fn codes(issues: &[Issue]) -> Vec<&'static str> {
    issues.iter().map(|i| i.code).collect()
}

fn read(attributes: &str, inside: &str) -> ConferenceInfo {
    let text = format!(
        r#"<conference-info xmlns="{NAMESPACE}" xmlns:msci="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions" entity="{FOCUS}" {attributes}>{inside}</conference-info>"#
    );
    parse_conference_info(text.as_bytes()).unwrap()
}

fn user(entity: &str, state: &str, role: &str, endpoint: &str) -> String {
    format!(
        r#"<user entity="{entity}" state="{state}"><roles><entry>{role}</entry></roles>{endpoint}</user>"#
    )
}

fn endpoint(id: &str, state: &str, status: &str, filter: &str) -> String {
    format!(
        r#"<endpoint entity="{id}" state="{state}" session-type="audio-video"><status>{status}</status><joining-method>dialed-out</joining-method>
<media id="1"><type>audio</type><status>sendrecv</status><msci:media-ingress-filter>{filter}</msci:media-ingress-filter></media></endpoint>"#
    )
}

/// Written by the rules of RFC 4575 §5 and [MS-CONFBAS]; it comes from no capture.
#[test]
fn document() {
    let all = read(
        r#"state="full" version="1""#,
        r#"<conference-description><subject>Plan</subject><conf-uris><entry><uri>sip:v@c;gruu;opaque=app:conf:chat:id:BE927F10</uri><display-text>chat</display-text><purpose>chat</purpose></entry></conf-uris>
<msci:organizer><msci:uri>sip:vivian@contoso.com</msci:uri></msci:organizer><msci:conference-id>BE927F10</msci:conference-id><msci:lobby on="1"><msci:x>y</msci:x></msci:lobby></conference-description>
<conference-state><user-count>2</user-count><active>true</active><locked>0</locked></conference-state>
<users><user entity="sip:amy@contoso.com"><display-text>Amy</display-text><roles><entry>attendee</entry></roles>
<endpoint entity="{E1}" session-type="audio-video" endpoint-uri="sip:amy@contoso.com;opaque=user:epid:AbCdEf;gruu"><status>disconnected</status><joining-method>dialed-out</joining-method>
<joining-info><when>2009-04-28T20:00:00Z</when><by>sip:vivian@contoso.com</by></joining-info><disconnection-method>booted</disconnection-method>
<media id="1"><type>audio</type><label>main-audio</label><src-id>7</src-id><status>sendrecv</status><msci:media-egress-filter>block</msci:media-egress-filter><msci:media-state>connected</msci:media-state></media></endpoint></user></users>
<msci:conference-view><msci:entity-view entity="sip:v@c;gruu;opaque=app:conf:chat:id:X"><msci:entity-state><msci:locked>false</msci:locked></msci:entity-state></msci:entity-view></msci:conference-view>"#,
    );
    assert_eq!(all.issues, []);
    assert_eq!((all.entity.as_str(), all.state, all.version), (FOCUS, State::Full, Some(1)));
    let description = all.description.unwrap();
    assert_eq!(description.conf_uris[0].purpose.as_deref(), Some("chat"));
    assert_eq!(description.organizer.as_deref(), Some("sip:vivian@contoso.com"));
    assert_eq!(description.other, [("lobby@on".into(), "1".into()), ("lobby/x".into(), "y".into())]);
    assert_eq!(description.conf_uris[0].mcu(), Some(McuKind::Chat));
    let state = all.conference_state.unwrap();
    assert_eq!((state.user_count, state.active, state.locked), (Some(2), Some(true), Some(false)));
    let users = all.users.unwrap();
    let amy = &users.list[0];
    assert_eq!(
        (amy.display_text.as_deref(), amy.roles.as_deref()),
        (Some("Amy"), Some(&["attendee".to_owned()][..]))
    );
    let endpoint = &amy.endpoints[0];
    assert_eq!(endpoint.mcu(), Some(McuKind::AudioVideo));
    assert_eq!(endpoint.disconnection_method.as_deref().and_then(disconnection_words), Some("was removed"));
    assert_eq!(endpoint.joining_info[1], ("by".to_owned(), "sip:vivian@contoso.com".to_owned()));
    let media = &endpoint.media[0];
    assert_eq!((media.label.as_deref(), media.src_id.as_deref()), (Some("main-audio"), Some("7")));
    assert_eq!(
        (media.egress_filter.as_deref(), media.media_state.as_deref()),
        (Some("block"), Some("connected"))
    );
    assert_eq!(all.views[0].mcu(), Some(McuKind::Chat));
    assert_eq!(all.views[0].fields, [("entity-state/locked".to_owned(), "false".to_owned())]);
}

#[test]
fn defects() {
    assert_eq!(codes(&read("version='x'", "").issues), ["conference-version-bad"]);
    assert_eq!(codes(&read("state='half'", "").issues), ["conference-state-bad"]);
    let twice = format!("<users><user/>{0}{0}</users>", user("sip:a", "full", "x", ""));
    assert_eq!(codes(&read("", &twice).issues), ["conference-user-unnamed", "conference-user-twice"]);
    assert_eq!(parse_conference_info(b"<presence/>"), None);
}

#[test]
fn a_conference_from_beginning_to_end() {
    let mut roster = Roster::default();
    let vivian = user("sip:vivian@contoso.com", "full", "presenter", "");
    let changes = roster.apply(&read("state='full' version='1'", &format!("<users>{vivian}</users>")));
    assert_eq!(changes[0], Change::Full { version: Some(1) });
    assert!(
        matches!(&changes[1], Change::Joined { user, roles, .. } if user.starts_with("sip:viv") && roles[0] == "presenter")
    );
    assert!(roster.complete);

    // Amy is called: added, then connected, muted, promoted.
    let amy = |state: &str, role: &str, end: &str| {
        format!("<users state='partial'>{}</users>", user("sip:amy@contoso.com", state, role, end))
    };
    let dialing = endpoint("{E1}", "full", "dialing-out", "unblock");
    let changes = roster.apply(&read("state='partial' version='2'", &amy("full", "attendee", &dialing)));
    assert!(
        matches!(&changes[..], [Change::Joined { .. }, Change::EndpointAdded { status: Some(s), .. }, Change::MediaAdded { .. }] if s == "dialing-out")
    );
    let connected = "<endpoint entity='{E1}' state='partial'><status>connected</status></endpoint>";
    let changes = roster.apply(&read("state='partial' version='3'", &amy("partial", "attendee", connected)));
    let [Change::StatusChanged { from, to, session, .. }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(
        (from.as_deref(), to.as_deref(), session.as_deref()),
        (Some("dialing-out"), Some("connected"), Some("audio-video"))
    );
    assert_eq!(roster.user("SIP:Amy@contoso.com").unwrap().endpoints[0].media.len(), 1);
    let muted = endpoint("{E1}", "full", "connected", "block");
    let changes = roster.apply(&read("state='partial' version='4'", &amy("partial", "attendee", &muted)));
    assert!(matches!(&changes[..], [Change::Muted { kind: Some(kind), .. }] if kind == "audio"));
    let changes = roster.apply(&read("state='partial' version='5'", &amy("partial", "presenter", "")));
    assert!(
        matches!(&changes[..], [Change::RolesChanged { from, to, .. }] if from[0] == "attendee" && to[0] == "presenter")
    );

    // A version twice, one before, and one that jumps.
    let locked = "<conference-state><locked>true</locked></conference-state>";
    let again = read("state='partial' version='5'", locked);
    assert_eq!(roster.apply(&again), [Change::Duplicate { version: 5 }]);
    let older = read("state='partial' version='4'", locked);
    assert_eq!(roster.apply(&older), [Change::Older { last: 5, version: 4 }]);
    let jump = read("state='partial' version='9'", locked);
    assert_eq!(roster.apply(&jump), [Change::VersionGap { last: 5, version: 9 }, Change::Locked]);
    assert!(!roster.complete);

    // The same full version again changes nothing, unless it says something else.
    let full = read(
        "state='full' version='9'",
        &format!("<users>{vivian}{}</users>", user("sip:amy@contoso.com", "full", "presenter", &muted)),
    );
    assert_eq!(roster.clone().apply(&full).first(), Some(&Change::Full { version: Some(9) }));
    let mut again = roster.clone();
    again.apply(&full);
    assert_eq!(again.apply(&full), [Change::Duplicate { version: 9 }]);

    // Removed, with how.
    let booted = "<endpoint entity='{E1}' state='deleted'><disconnection-method>booted</disconnection-method></endpoint>";
    let changes = roster.apply(&read("state='partial' version='10'", &amy("deleted", "presenter", booted)));
    assert!(
        matches!(&changes[..], [Change::EndpointRemoved { method: Some(m), .. }, Change::Left { .. }] if m == "booted")
    );

    // A full document tells who is left, and from then on the roster is whole again.
    let hao = user("sip:hao@contoso.com", "full", "attendee", "");
    let changes = roster.apply(&read("state='full' version='12'", &format!("<users>{hao}</users>")));
    assert!(
        matches!(&changes[..], [Change::Full { .. }, Change::Joined { .. }, Change::Left { user }] if user.starts_with("sip:viv"))
    );
    assert!(roster.complete);
    let changes = roster.apply(&read("state='deleted' version='13'", ""));
    assert!(matches!(&changes[..], [Change::Left { .. }, Change::ConferenceEnded]));
    assert!(roster.ended && roster.users.is_empty());
}

#[test]
fn only_partial_documents() {
    let mut roster = Roster::default();
    let users = format!("<users state='partial'>{}</users>", user("sip:a", "full", "x", ""));
    let changes = roster.apply(&read("state='partial' version='7'", &users));
    assert!(matches!(&changes[..], [Change::NoFullDocument { version: Some(7) }, Change::Joined { .. }]));
    assert!(!roster.complete);
    let gone = "<users state='partial'><user entity='sip:b' state='deleted'/></users>";
    assert_eq!(
        roster.apply(&read("state='partial' version='8'", gone)),
        [Change::Left { user: "sip:b".into() }]
    );
    assert_eq!(roster.apply(&read("state='partial'", "")), [Change::NoVersion]);
    let other = ConferenceInfo { entity: "sip:other".into(), ..ConferenceInfo::default() };
    assert!(matches!(&roster.apply(&other)[..], [Change::OtherConference { .. }]));
    assert_eq!(roster.users.len(), 1);
}

#[test]
fn left_and_back() {
    let mut roster = Roster::default();
    let status = |inside: &str| {
        let end = format!("<endpoint entity='1' state='partial'>{inside}</endpoint>");
        format!("<users state='partial'>{}</users>", user("sip:a", "partial", "x", &end))
    };
    roster.apply(&read("state='partial' version='1'", &status("<status>connected</status>")));
    let gone = status("<status>disconnected</status><disconnection-method>busy</disconnection-method>");
    let changes = roster.apply(&read("state='partial' version='2'", &gone));
    assert!(matches!(&changes[..], [Change::StatusChanged { method: Some(m), .. }] if m == "busy"));
    let changes = roster.apply(&read("state='partial' version='3'", &status("<status>dialing-out</status>")));
    assert!(matches!(&changes[..], [Change::StatusChanged { method: None, .. }]));
}

#[test]
fn conference_uris_come_and_go() {
    let mut roster = Roster::default();
    let uris = |state: &str, kinds: &[&str]| {
        let all: String = kinds
            .iter()
            .map(|k| format!("<entry><uri>sip:{k}</uri><purpose>{k}</purpose></entry>"))
            .collect();
        format!(
            "<conference-description state='{state}'><subject>s</subject><conf-uris>{all}</conf-uris></conference-description>"
        )
    };
    let changes = roster.apply(&read("version='1'", &uris("full", &["chat", "audio-video"])));
    assert_eq!(changes.iter().filter(|c| matches!(c, Change::UriAdded { .. })).count(), 2);
    let changes = roster.apply(&read("state='partial' version='2'", &uris("partial", &["chat"])));
    assert!(matches!(&changes[..], [Change::UriRemoved { purpose: Some(p), .. }] if p == "audio-video"));
}

fn any_document() -> impl Strategy<Value = ConferenceInfo> {
    let states = prop_oneof![Just(State::Full), Just(State::Partial), Just(State::Deleted)];
    let media = (0..3u8, states.clone(), any::<Option<bool>>()).prop_map(|(id, state, block)| Media {
        id: id.to_string(),
        state,
        ingress_filter: block.map(|b| if b { "block" } else { "unblock" }.to_owned()),
        ..Media::default()
    });
    let endpoint = (0..3u8, states.clone(), proptest::collection::vec(media, 0..3), 0..3u8).prop_map(
        |(entity, state, media, status)| Endpoint {
            entity: entity.to_string(),
            state,
            status: Some(status.to_string()),
            media,
            ..Endpoint::default()
        },
    );
    let user = (0..4u8, states.clone(), proptest::collection::vec(endpoint, 0..3), 0..2u8).prop_map(
        |(entity, state, endpoints, role)| User {
            entity: format!("sip:{entity}"),
            state,
            endpoints,
            roles: Some(vec![role.to_string()]),
            ..User::default()
        },
    );
    (states.clone(), states, proptest::option::of(0..12u32), proptest::collection::vec(user, 0..7)).prop_map(
        |(state, users, version, list)| ConferenceInfo {
            state,
            version,
            users: Some(Users { state: users, list }),
            ..ConferenceInfo::default()
        },
    )
}

proptest! {
    #[test]
    fn any_bytes(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_conference_info(&body);
        let mut document = b"<conference-info><users><user entity='a'><endpoint>".to_vec();
        document.extend(&body);
        let all = parse_conference_info(&document).unwrap();
        for issue in &all.issues {
            prop_assert!(document.get(issue.range.clone()).is_some());
        }
    }

    /// Whoever is told to have joined and not left is on the roster, and nobody else.
    #[test]
    fn changes_tell_the_roster(documents in proptest::collection::vec(any_document(), 0..20)) {
        let mut roster = Roster::default();
        let mut there = std::collections::BTreeSet::new();
        let mut muted = std::collections::BTreeSet::new();
        for document in &documents {
            for change in roster.apply(document) {
                match change {
                    Change::Joined { user, .. } => prop_assert!(there.insert(user)),
                    Change::Left { user } => {
                        there.remove(&user);
                        muted.retain(|(u, ..): &(String, String, String)| *u != user);
                    }
                    Change::EndpointRemoved { user, endpoint, .. } => {
                        muted.retain(|(u, e, _)| *u != user || *e != endpoint);
                    }
                    Change::MediaRemoved { user, endpoint, media, .. } => {
                        muted.remove(&(user, endpoint, media));
                    }
                    Change::Muted { user, endpoint, media, .. } => {
                        prop_assert!(muted.insert((user, endpoint, media)));
                    }
                    Change::Unmuted { user, endpoint, media, .. } => {
                        prop_assert!(muted.remove(&(user, endpoint, media)));
                    }
                    _ => {}
                }
            }
            let users: std::collections::BTreeSet<_> = roster.users.iter().map(|u| u.entity.clone()).collect();
            prop_assert_eq!(users.len(), roster.users.len());
            for user in &roster.users {
                prop_assert_eq!(roster.user(&user.entity.to_uppercase()), Some(user));
            }
            prop_assert_eq!(&users, &there);
            let all = roster.users.iter().flat_map(|u| u.endpoints.iter().map(move |e| (u, e)));
            let now = all.flat_map(|(u, e)| e.media.iter().map(move |m| (u, e, m)));
            let now: std::collections::BTreeSet<_> = now
                .filter(|(.., m)| m.is_muted() == Some(true))
                .map(|(u, e, m)| (u.entity.clone(), e.entity.clone(), m.id.clone()))
                .collect();
            prop_assert_eq!(&now, &muted);
        }
    }
}
