use super::*;
use crate::view::scenario::{Scenario, request, response};

fn rows(analysis: &Analysis, kind: ListKind, columns: &[&str]) -> Vec<Vec<String>> {
    let gathered = analysis.gather();
    let columns = columns.iter().map(|c| (*c).to_owned()).collect();
    kind.lines(analysis, &gathered, &Query { columns, ..Query::default() }).iter().collect()
}

#[test]
fn every_default_column_is_one() {
    for kind in ListKind::ALL {
        assert!(kind.default_columns() <= kind.columns().len(), "{}", kind.name());
    }
}

const WATCHED: &str = "<sip:bob@example.com>;tag=b";
const WATCHER: &str = "<sip:alice@example.com>;tag=a";

/// Alice watches Bob for an hour, is told twice and refreshes; Carol asks three times, five minutes apart; Dave is refused.
fn watchers() -> Analysis {
    let mut s = Scenario::default();
    let subscribe = |cseq, id, expires: u32| {
        let m = request("SUBSCRIBE", cseq).id(id).header("Event: presence");
        m.header(&format!("Expires: {expires}")).via(&[&format!("A {id}{cseq}")])
    };
    let granted =
        |cseq, id| response("200 OK", cseq, "SUBSCRIBE").id(id).tag("b").via(&[&format!("A {id}{cseq}")]);
    s.add(0, "A>B", &subscribe(1, "watch", 3600));
    s.add(20, "B>A", &granted(1, "watch"));
    for (n, ms) in [(1, 100), (2, 60_000)] {
        let told = request("NOTIFY", n).id("watch").between(WATCHED, WATCHER).via(&[&format!("B n{n}")]);
        let told = told.header("Event: presence").header("Subscription-State: active");
        s.add(ms, "B>A", &told.body("application/pidf+xml", "<presence/>"));
        s.add(
            ms + 5,
            "A>B",
            &response("200 OK", n, "NOTIFY").id("watch").between(WATCHED, WATCHER).via(&[&format!("B n{n}")]),
        );
    }
    s.add(90_000, "A>B", &subscribe(2, "watch", 3600).tag("b"));
    s.add(90_020, "B>A", &granted(2, "watch"));
    for (id, ms) in [("f1", 1000), ("f2", 301_000), ("f3", 602_000)] {
        let from = "<sip:carol@example.com>;tag=c";
        s.add(ms, "C>B", &subscribe(1, id, 0).between(from, "<sip:bob@example.com>"));
        s.add(ms + 30, "B>C", &granted(1, id).between(from, "<sip:bob@example.com>;tag=b"));
    }
    let from = "<sip:dave@example.com>;tag=d";
    s.add(603_000, "C>B", &subscribe(1, "no", 600).between(from, "<sip:bob@example.com>"));
    s.add(
        603_010,
        "B>C",
        &response("403 Forbidden", 1, "SUBSCRIBE").id("no").between(from, WATCHED).via(&["A no1"]),
    );
    s.done()
}

#[test]
fn subscriptions_by_fidelity() {
    let analysis = watchers();
    let columns = [
        "subscriber",
        "target",
        "fidelity",
        "period",
        "state",
        "status",
        "notifies",
        "bytes",
        "refreshes",
        "fetches",
    ];
    assert_eq!(
        rows(&analysis, ListKind::Subscriptions, &columns),
        [
            ["alice", "bob", "high", "–", "active", "200", "2", "22 B", "1", "–"],
            ["carol", "bob", "low", "05:00", "terminated", "200", "0", "0 B", "0", "3"],
            ["dave", "bob", "high", "–", "rejected", "403", "0", "0 B", "0", "–"],
        ]
    );
    let told = ListKind::Subscriptions.detail(&analysis, &analysis.gather(), 1, TimeMode::Relative).unwrap();
    assert_eq!(told.owners.len(), 3);
    assert!(told.head[1].starts_with("Low fidelity: fetched 3 times"), "{:?}", told.head);
    let leads = &told.parts[0].leads;
    assert_eq!((leads.len(), leads.iter().any(|l| l.bad)), (6, false));
    let refused =
        ListKind::Subscriptions.detail(&analysis, &analysis.gather(), 2, TimeMode::Relative).unwrap();
    assert!(refused.parts[0].leads.iter().any(|l| l.bad));
}

#[test]
fn a_filter_keeps_rows_of_matching_dialogs() {
    let analysis = watchers();
    let gathered = analysis.gather();
    let filter = Filter::parse("from ~ carol").unwrap();
    assert_eq!(ListKind::Subscriptions.matching(&analysis, &gathered, Some(&filter)), [1]);
}

const NTLM: &str = "NTLM realm=\"SIP Communications Service\", targetname=\"fe.contoso.com\", version=4";

/// A REGISTER of a user at an endpoint.
fn register(cseq: u32, id: &'static str, user: &str, header: &str) -> crate::view::scenario::Msg {
    let who = format!("<sip:{user}@contoso.com>");
    let m = request("REGISTER", cseq).id(id).between(&format!("{who};tag={user};epid=e{user}"), &who);
    let m = m.via(&[&format!("A {id}{cseq}")]);
    if header.is_empty() { m } else { m.header(header) }
}

fn answer(status: &str, cseq: u32, id: &'static str, user: &str, header: &str) -> crate::view::scenario::Msg {
    let who = format!("<sip:{user}@contoso.com>");
    let m = response(status, cseq, "REGISTER")
        .id(id)
        .between(&format!("{who};tag={user};epid=e{user}"), &who)
        .tag("s");
    let m = m.via(&[&format!("A {id}{cseq}")]);
    if header.is_empty() { m } else { m.header(header) }
}

#[test]
fn sign_ins_end_as_the_last_round_says() {
    let mut s = Scenario::default();
    let empty = format!("Authorization: {NTLM}, gssapi-data=\"\"");
    let full = format!(
        "Authorization: {NTLM}, gssapi-data=\"TlRMTVNTUAAD\", crand=\"1\", cnum=\"1\", response=\"01\""
    );
    let challenge = format!("WWW-Authenticate: {NTLM}");
    let mut rounds = |start: i64, id: &'static str, user: &str, last: Option<&str>| {
        let steps: [(u32, &str, Option<&str>); 3] =
            [(1, "", Some("401 Unauthorized")), (2, &empty, Some("401 Unauthorized")), (3, &full, last)];
        for (cseq, credentials, status) in steps {
            let ms = start + i64::from(cseq) * 100;
            s.add(ms, "A>B", &register(cseq, id, user, credentials));
            let Some(status) = status else { continue };
            let says = if status.starts_with("401") { challenge.as_str() } else { "Expires: 7200" };
            s.add(ms + 20, "B>A", &answer(status, cseq, id, user, says));
        }
    };
    rounds(0, "r1", "ann", Some("200 OK"));
    rounds(1000, "r2", "bill", Some("401 Unauthorized"));
    rounds(2000, "r3", "cleo", Some("403 Forbidden"));
    rounds(3000, "r4", "dora", None);
    // Ann prolongs, then leaves.
    s.add(60_000, "A>B", &register(4, "r1", "ann", &full));
    s.add(60_020, "B>A", &answer("200 OK", 4, "r1", "ann", "Expires: 7200"));
    s.add(90_000, "A>B", &register(5, "r1", "ann", &full).header("Expires: 0"));
    s.add(90_020, "B>A", &answer("200 OK", 5, "r1", "ann", "Expires: 0"));
    // Eve is challenged and gives up.
    s.add(91_000, "A>B", &register(1, "r5", "eve", ""));
    s.add(91_020, "B>A", &answer("401 Unauthorized", 1, "r5", "eve", &challenge));
    let analysis = s.done();
    let columns = ["user", "epid", "state", "status", "auth", "attempts", "refreshes", "stopped"];
    let wanted = [
        ["ann", "eann", "unregistered", "200", "NTLM", "1", "1", "–"],
        ["bill", "ebill", "rejected", "401", "NTLM", "1", "0", "register: 401: the credentials were refused"],
        ["cleo", "ecleo", "rejected", "403", "NTLM", "1", "0", "register: 403 Forbidden"],
        ["dora", "edora", "unanswered", "401", "NTLM", "1", "0", "register: no answer"],
        ["eve", "eeve", "challenged", "401", "NTLM", "1", "0", "register: 401, and no credentials followed"],
    ];
    assert_eq!(rows(&analysis, ListKind::SignIns, &columns), wanted);
    let told = ListKind::SignIns.detail(&analysis, &analysis.gather(), 1, TimeMode::Relative).unwrap();
    assert!(told.head.iter().any(|l| l.contains("clocks")), "{:?}", told.head);
    assert!(told.parts[0].leads[0].bad);
}

#[test]
fn a_redirect_says_where_to_and_what_the_server_ended_is_told() {
    let mut s = Scenario::default();
    s.add(0, "A>B", &register(1, "r1", "ann", ""));
    let moved = answer("301 Moved Permanently", 1, "r1", "ann", "Contact: <sip:pool02.contoso.com:5061>");
    s.add(20, "B>A", &moved);
    s.add(1000, "C>B", &register(1, "r2", "bill", ""));
    let alive = "ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300";
    s.add(1020, "B>C", &answer("200 OK", 1, "r2", "bill", "Expires: 7200").header(alive));
    let ended =
        request("BENOTIFY", 1).id("r2").between("<sip:bill@contoso.com>;tag=s", "<sip:bill@contoso.com>");
    s.add(2000, "B>C", &ended.via(&["B n1"]).body("text/registration-event", "event=deregistered;\u{1b}[2J"));
    let analysis = s.done();
    let gathered = analysis.gather();
    let told = |row| ListKind::SignIns.detail(&analysis, &gathered, row, TimeMode::Relative).unwrap().head;
    let first = told(0).join("\n");
    assert!(first.contains("sent to sip:pool02.contoso.com:5061"), "{first}");
    assert!(first.contains("at home in another pool"), "{first}");
    let second = told(1).join("\n");
    assert!(
        second.contains("ended the registration itself") && second.contains("event=deregistered"),
        "{second}"
    );
    assert!(second.contains("given up after 300 s") && !second.contains('\u{1b}'), "{second}");
}

#[test]
fn credentials_that_come_over_two_hops_count_once() {
    let mut s = Scenario::default();
    s.add(0, "A>P", &register(1, "r1", "ann", ""));
    s.add(20, "P>A", &answer("200 OK", 1, "r1", "ann", "Expires: 7200"));
    let kind = "application/msrtc-media-relay-auth+xml";
    let space = "xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"";
    let asked = format!(
        "<request {space}><credentialsRequest><location>intranet</location><duration>480</duration></credentialsRequest></request>"
    );
    let given = format!(
        "<response reasonPhrase=\"OK\" {space}><credentialsResponse><credentials><username>dXNlcg==</username><password>c2VjcmV0</password><duration>60</duration></credentials><mediaRelayList><mediaRelay><hostName>av.contoso.com</hostName><udpPort>3478</udpPort><tcpPort>443</tcpPort></mediaRelay></mediaRelayList></credentialsResponse></response>"
    );
    let (who, to) = ("<sip:ann@contoso.com>;tag=m;epid=eann", "<sip:mras@contoso.com>");
    let ask = |vias: &[&str]| request("SERVICE", 1).id("m").between(who, to).via(vias).body(kind, &asked);
    let give = |vias: &[&str]| {
        response("200 OK", 1, "SERVICE").id("m").between(who, to).tag("s").via(vias).body(kind, &given)
    };
    s.add(100, "A>P", &ask(&["A m1"]));
    s.add(101, "P>M", &ask(&["P m2", "A m1"]));
    s.add(110, "M>P", &give(&["P m2", "A m1"]));
    s.add(111, "P>A", &give(&["A m1"]));
    let analysis = s.done();
    let gathered = analysis.gather();
    let sign_in = &gathered.sign_ins[0];
    let mras = sign_in.mras.as_ref().expect("asked");
    assert_eq!((mras.location.as_deref(), mras.duration, mras.relays.len()), (Some("intranet"), Some(60), 1));
    assert_eq!((sign_in.credentials.len(), mras.username.as_deref()), (1, Some("dXNlcg==")));
    assert!(!format!("{gathered:?}").contains("c2VjcmV0"));
}
