use super::*;
use crate::view::scenario::{Scenario, answered_call, request, response};

fn rows(analysis: &Analysis, kind: ListKind, columns: &[&str]) -> Vec<Vec<String>> {
    let gathered = Lists::of(analysis);
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
    let told =
        ListKind::Subscriptions.detail(&analysis, &Lists::of(&analysis), 1, TimeMode::Relative).unwrap();
    assert_eq!(told.owners.len(), 3);
    assert!(told.head[1].starts_with("Low fidelity: fetched 3 times"), "{:?}", told.head);
    let leads = &told.parts[0].leads;
    assert_eq!((leads.len(), leads.iter().any(|l| l.bad)), (6, false));
    let refused =
        ListKind::Subscriptions.detail(&analysis, &Lists::of(&analysis), 2, TimeMode::Relative).unwrap();
    assert!(refused.parts[0].leads.iter().any(|l| l.bad));
}

#[test]
fn a_filter_keeps_rows_of_matching_dialogs() {
    let analysis = watchers();
    let gathered = Lists::of(&analysis);
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
    // Eve is challenged, and the capture ends.
    s.add(91_000, "A>B", &register(1, "r5", "eve", ""));
    s.add(91_020, "B>A", &answer("401 Unauthorized", 1, "r5", "eve", &challenge));
    let analysis = s.done();
    let columns = ["user", "epid", "state", "status", "auth", "attempts", "refreshes", "stopped"];
    let wanted = [
        ["ann", "eann", "unregistered", "200", "NTLM", "1", "1", "–"],
        ["bill", "ebill", "rejected", "401", "NTLM", "1", "0", "register: 401, credentials refused"],
        ["cleo", "ecleo", "rejected", "403", "NTLM", "1", "0", "register: 403 Forbidden"],
        ["dora", "edora", "unanswered", "401", "NTLM", "1", "0", "register: no answer"],
        ["eve", "eeve", "challenged", "401", "–", "1", "0", "register: 401, and no credentials yet"],
    ];
    assert_eq!(rows(&analysis, ListKind::SignIns, &columns), wanted);
    let told = ListKind::SignIns.detail(&analysis, &Lists::of(&analysis), 1, TimeMode::Relative).unwrap();
    assert!(told.head.iter().any(|l| l.contains("clocks")), "{:?}", told.head);
    assert!(told.parts[0].leads[0].bad);
}

const TO_BOB: [&str; 2] = ["<sip:alice@example.com>;tag=a", "<sip:bob@example.com>"];

/// An IM session that an INVITE opens over a proxy, with a reply in HTML, typing, a failed message; page-mode MESSAGEs
/// between the same two, one of them challenged.
fn chat() -> Analysis {
    let mut s = Scenario::default();
    let conversation = "Ms-Conversation-ID: ABCD==";
    let format = "Ms-Text-Format: text/plain; charset=UTF-8;msgr=WAA=;ms-body=SGkgQm9i";
    let sdp =
        "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=message 5060 sip null\r\n";
    let invite = request("INVITE", 1).id("im").header(format).header(conversation);
    let invite = invite.body("application/sdp", sdp);
    s.add(0, "A>P", &invite.clone().via(&["A i1"]));
    s.add(1, "P>B", &invite.via(&["P p1", "A i1"]));
    let ok = response("200 OK", 1, "INVITE").id("im").tag("b");
    s.add(20, "B>P", &ok.clone().via(&["P p1", "A i1"]));
    s.add(21, "P>A", &ok.via(&["A i1"]));
    s.add(25, "A>P", &request("ACK", 1).id("im").tag("b").via(&["A i2"]));
    let typing = request("MESSAGE", 1).id("im").back().via(&["B t1"]);
    let typing =
        typing.body("application/im-iscomposing+xml", "<isComposing><state>active</state></isComposing>");
    s.add(1000, "B>P", &typing);
    s.add(1010, "P>B", &response("200 OK", 1, "MESSAGE").id("im").back().via(&["B t1"]));
    let reply = request("MESSAGE", 2).id("im").back();
    let reply = reply.body(
        "text/html; charset=utf-8",
        "<html><script>alert(1)</script><b>Hello</b> Alice &amp; all</html>",
    );
    s.add(2000, "B>P", &reply.clone().via(&["B r1"]));
    s.add(2001, "P>A", &reply.clone().via(&["P r2", "B r1"]));
    // Sent again on the first hop.
    s.add(2500, "B>P", &reply.via(&["B r1"]));
    s.add(2510, "A>P", &response("200 OK", 2, "MESSAGE").id("im").back().via(&["P r2", "B r1"]));
    s.add(2511, "P>B", &response("200 OK", 2, "MESSAGE").id("im").back().via(&["B r1"]));
    let lost = request("MESSAGE", 2).id("im").tag("b").via(&["A l1"]);
    s.add(3000, "A>P", &lost.body("text/plain", "Are you\r\nthere?"));
    s.add(3100, "P>A", &response("408 Request Timeout", 2, "MESSAGE").id("im").tag("b").via(&["A l1"]));
    let page = |cseq, id, text: &str| {
        request("MESSAGE", cseq)
            .id(id)
            .between(TO_BOB[0], TO_BOB[1])
            .via(&[&format!("A {id}{cseq}")])
            .body("text/plain", text)
    };
    let answer = |status, cseq, id| {
        response(status, cseq, "MESSAGE")
            .id(id)
            .between(TO_BOB[0], TO_BOB[1])
            .tag("p")
            .via(&[&format!("A {id}{cseq}")])
    };
    s.add(4000, "A>P", &page(1, "p1", "one"));
    s.add(4010, "P>A", &answer("407 Proxy Authentication Required", 1, "p1"));
    s.add(4020, "A>P", &page(2, "p1", "one").header("Proxy-Authorization: Digest response=\"0\""));
    s.add(4030, "P>A", &answer("202 Accepted", 2, "p1"));
    s.add(5000, "A>P", &page(1, "p2", "two"));
    s.done()
}

#[test]
fn instant_messages_once_each_with_their_outcome() {
    let analysis = chat();
    let columns = ["from", "to", "delivered", "text", "by", "conversation", "type", "attempts"];
    assert_eq!(
        rows(&analysis, ListKind::Messages, &columns),
        [
            ["alice", "bob", "yes", "Hi Bob", "INVITE", "1", "text/plain", "1"],
            ["bob", "alice", "yes", "Hello Alice & all", "MESSAGE", "1", "text/html", "1"],
            ["alice", "bob", "408 Request Timeout", "Are you there?", "MESSAGE", "1", "text/plain", "1"],
            ["alice", "bob", "yes", "one", "MESSAGE", "2", "text/plain", "2"],
            ["alice", "bob", "no answer yet", "two", "MESSAGE", "2", "text/plain", "1"],
        ]
    );
    let gathered = Lists::of(&analysis);
    let told = ListKind::Messages.detail(&analysis, &gathered, 1, TimeMode::Relative).unwrap();
    let lines: Vec<String> = told.parts[0].table.rows.iter().map(|r| r[1..3].join(": ")).collect();
    let said = ["alice: Hi Bob", "bob: (writes)", "bob: Hello Alice & all", "alice: Are you", ": there?"];
    assert_eq!(lines, said);
    assert!(told.parts[0].leads[3].bad && !told.parts[0].leads[0].bad);
    assert!(
        told.head[1].contains("Conversation 1: 3 messages, 1 not delivered in 1 Call-ID"),
        "{:?}",
        told.head
    );
    let page = ListKind::Messages.detail(&analysis, &gathered, 4, TimeMode::Relative).unwrap();
    assert!(page.head[1].contains("in 2 Call-IDs, joined by its two parties"), "{:?}", page.head);
    assert_eq!(page.owners.len(), 2);
}

#[test]
fn redacted_texts_keep_their_length() {
    let mut analysis = chat();
    analysis.redact_text = true;
    assert_eq!(
        rows(&analysis, ListKind::Messages, &["text"]).concat(),
        ["xx xxx", "xxxxx xxxxx x xxx", "xxx xxx xxxxxx", "xxx", "xxx"]
    );
    let gathered = Lists::of(&analysis);
    for row in 0..5 {
        let told = ListKind::Messages.detail(&analysis, &gathered, row, TimeMode::Relative).unwrap();
        let all = format!("{told:?}");
        assert!(!all.contains("Hello") && !all.contains("there") && !all.contains("two\""), "{all}");
    }
    for m in (0..analysis.messages.len() as u32).map(MsgIdx) {
        let text = String::from_utf8(analysis.message_bytes(m).unwrap()).unwrap();
        for secret in ["SGkgQm9i", "Hello", "Are you", "there?", "\r\n\r\none", "\r\n\r\ntwo"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn a_filter_asks_instant_messages_themselves() {
    let analysis = chat();
    let gathered = Lists::of(&analysis);
    let matching = |filter: &str| {
        ListKind::Messages.matching(&analysis, &gathered, Some(&Filter::parse(filter).unwrap()))
    };
    assert_eq!(matching("from ~ bob"), [1]);
    assert_eq!(matching("im ~ hello"), [1]);
    assert_eq!(matching("status == 408"), [2]);
    assert_eq!(matching("state == unanswered"), [4]);
    assert_eq!(matching("method == INVITE"), [0]);
    assert_eq!(matching("hello"), [1]);
}

/// A notification of Bob to Alice in the dialog `id`.
fn notify(cseq: u32, id: &'static str, event: &str, kind: &str, body: &str) -> crate::view::scenario::Msg {
    let told = request("NOTIFY", cseq).id(id).between(WATCHED, WATCHER).via(&[&format!("B {id}{cseq}")]);
    told.header(&format!("Event: {event}")).header("Subscription-State: active").body(kind, body)
}

#[test]
fn what_a_watcher_was_told_survives_bad_bodies() {
    let mut s = Scenario::default();
    let pidf = |basic: &str| {
        format!(
            "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:bob@example.com\"><tuple id=\"1\"><status><basic>{basic}</basic></status></tuple></presence>"
        )
    };
    let kind = "application/pidf+xml";
    // Told before the SUBSCRIBE is answered, and the same again on another hop.
    s.add(0, "A>B", &request("SUBSCRIBE", 1).id("w").header("Event: presence").via(&["A s1"]));
    s.add(10, "B>A", &notify(1, "w", "presence", kind, &pidf("open")));
    s.add(12, "B>C", &notify(1, "w", "presence", kind, &pidf("open")));
    s.add(20, "B>A", &response("200 OK", 1, "SUBSCRIBE").id("w").tag("b").via(&["A s1"]));
    s.add(1000, "B>A", &notify(2, "w", "presence", kind, &pidf("open")));
    // Cut off, a DOCTYPE with an entity, no XML at all, a prologue that lies, one of a megabyte.
    s.add(2000, "B>A", &notify(3, "w", "presence", kind, pidf("closed").get(..130).unwrap()));
    let bomb = format!("<!DOCTYPE x [<!ENTITY e \"boom\">]>{}", pidf("&e;"));
    s.add(3000, "B>A", &notify(4, "w", "presence", kind, &bomb));
    s.add(4000, "B>A", &notify(5, "w", "presence", kind, "\u{1b}[2Jnothing"));
    s.add(
        5000,
        "B>A",
        &notify(
            6,
            "w",
            "presence",
            kind,
            &format!("<?xml version=\"1.0\" encoding=\"utf-16\"?>{}", pidf("closed")),
        ),
    );
    let long = pidf(&format!("open{}", " ".repeat(1 << 20)));
    s.add(6000, "B>A", &notify(7, "w", "presence", kind, &long));
    let analysis = s.done();
    let gathered = Lists::of(&analysis);
    let one = &gathered.subscriptions()[0];
    assert_eq!((one.notifies, one.told_first, one.state.name()), (7, true, "active"));
    let told = ListKind::Subscriptions.detail(&analysis, &gathered, 0, TimeMode::Relative).unwrap();
    let part = told.parts.iter().find(|p| p.title.starts_with("What the watcher")).unwrap();
    let values: Vec<&str> = part.table.rows.iter().map(|r| r[3].as_str()).collect();
    assert_eq!(values.first(), Some(&"open"));
    assert!(values.contains(&"closed"), "{values:?}");
    let all = format!("{told:?}");
    assert!(!all.contains("boom") && !all.contains('\u{1b}'), "{all}");
}

#[test]
fn subscriptions_of_other_kinds() {
    let mut s = Scenario::default();
    // Inside of a call: a conference, and a transfer's own report.
    s.add(0, "A>B", &request("INVITE", 1).id("c").via(&["A i1"]).sdp("sendrecv", 0));
    s.add(10, "B>A", &response("200 OK", 1, "INVITE").id("c").tag("b").via(&["A i1"]));
    let conference = "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sip:room@example.com\" state=\"full\" version=\"3\"><users><user entity=\"sip:carol@example.com\"><endpoint entity=\"x\"><status>connected</status></endpoint></user></users></conference-info>";
    let subscribe = request("SUBSCRIBE", 2).id("c").tag("b").via(&["A s2"]);
    s.add(100, "A>B", &subscribe.header("Event: conference").header("Expires: 3600"));
    s.add(110, "B>A", &response("200 OK", 2, "SUBSCRIBE").id("c").tag("b").via(&["A s2"]));
    s.add(120, "B>A", &notify(1, "c", "conference", "application/conference-info+xml", conference));
    s.add(
        200,
        "A>B",
        &request("REFER", 3).id("c").tag("b").via(&["A r3"]).header("Refer-To: <sip:d@example.com>"),
    );
    s.add(210, "B>A", &response("202 Accepted", 3, "REFER").id("c").tag("b").via(&["A r3"]));
    s.add(220, "B>A", &notify(2, "c", "refer;id=3", "message/sipfrag", "SIP/2.0 200 OK\r\n"));
    // NOTIFY without a SUBSCRIBE, of dialogs.
    let dialogs = "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" entity=\"sip:bob@example.com\"><dialog id=\"7\" direction=\"initiator\"><state>confirmed</state></dialog></dialog-info>";
    s.add(300, "B>A", &notify(1, "d", "dialog", "application/dialog-info+xml", dialogs));
    // Accepted, then the refresh is refused; one that the notifier ends.
    for (id, ms) in [("r", 400), ("t", 500)] {
        let via = format!("A {id}1");
        s.add(
            ms,
            "A>B",
            &request("SUBSCRIBE", 1).id(id).header("Event: reg").header("Expires: 600").via(&[&via]),
        );
        s.add(ms + 10, "B>A", &response("200 OK", 1, "SUBSCRIBE").id(id).tag("b").via(&[&via]));
    }
    s.add(
        600,
        "A>B",
        &request("SUBSCRIBE", 2).id("r").tag("b").header("Event: reg").header("Expires: 600").via(&["A r2"]),
    );
    s.add(
        610,
        "B>A",
        &response("481 Subscription Does Not Exist", 2, "SUBSCRIBE").id("r").tag("b").via(&["A r2"]),
    );
    let over = request("NOTIFY", 1).id("t").between(WATCHED, WATCHER).via(&["B t1"]).header("Event: reg");
    s.add(700, "B>A", &over.header("Subscription-State: terminated;reason=rejected"));
    let analysis = s.done();
    assert_eq!(
        rows(
            &analysis,
            ListKind::Subscriptions,
            &["event", "subscriber", "state", "ended", "reason", "notifies"]
        ),
        [
            ["conference", "alice", "active", "–", "–", "1"],
            ["refer;id=3", "alice", "active", "–", "–", "1"],
            ["dialog", "alice", "active", "–", "–", "1"],
            ["reg", "alice", "terminated", "refused", "–", "0"],
            ["reg", "alice", "terminated", "notified", "rejected", "1"],
        ]
    );
    let gathered = Lists::of(&analysis);
    let told = |n: usize| {
        let values = analysis.told_to(&gathered.subscriptions()[n]).values;
        values.into_iter().map(|v| format!("{} {}: {}", v.contact, v.what, v.value)).collect::<Vec<_>>()
    };
    assert_eq!(
        told(0),
        [
            "sip:room@example.com document: full, version 3",
            "sip:carol@example.com user: full endpoint connected"
        ]
    );
    assert_eq!(told(1), [" message/sipfrag: SIP/2.0 200 OK"]);
    assert_eq!(told(2), ["sip:bob@example.com dialog 7: confirmed initiator"]);
    let refused = ListKind::Subscriptions.detail(&analysis, &gathered, 4, TimeMode::Relative).unwrap();
    assert_eq!(
        refused.head[0],
        "The notifier ended it, reason rejected: the owner does not allow it any more."
    );
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
    let gathered = Lists::of(&analysis);
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
fn a_redirect_that_leads_into_tls_is_no_stop() {
    let analysis = Scenario::sample("near_sign_in.pcap").done();
    let gathered = Lists::of(&analysis);
    let head = ListKind::SignIns.detail(&analysis, &gathered, 5, TimeMode::Relative).unwrap().head;
    let first = "register: 301: sent to sip:10.10.0.67:5061;transport=tls, and goes on in TLS.";
    assert_eq!(head[0], first);
    assert!(!head.iter().any(|l| l.contains("check that the client reaches")), "{head:#?}");
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
    let gathered = Lists::of(&analysis);
    let sign_in = &gathered.sign_ins()[0];
    let mras = sign_in.mras.as_ref().expect("asked");
    assert_eq!((mras.location.as_deref(), mras.duration, mras.relays.len()), (Some("intranet"), Some(60), 1));
    assert_eq!((sign_in.credentials.len(), mras.username.as_deref()), (1, Some("dXNlcg==")));
    assert!(!format!("{gathered:?}").contains("c2VjcmV0"));
}

#[test]
fn both_ends_of_a_message_are_told_apart() {
    let mut s = Scenario::default();
    let notify = request("NOTIFY", 1).id("n").header("Event: presence").via(&["A n1"]);
    s.add(0, "10.0.0.1:5071>10.0.0.1:5060", &notify);
    s.add(10, "10.0.0.1:5060>[2001:db8::2]:5060", &notify.via(&["P n2", "A n1"]));
    let analysis = s.done();
    let told =
        ListKind::Subscriptions.detail(&analysis, &Lists::of(&analysis), 0, TimeMode::Relative).unwrap();
    let messages = told.parts.last().unwrap();
    let ways: Vec<&str> = messages.table.rows.iter().map(|r| r[1].as_str()).collect();
    assert_eq!(ways, ["10.0.0.1:5071 → 10.0.0.1:5060", "10.0.0.1 → 2001:db8::2"]);
}

#[test]
fn what_was_worked_out_is_shared() {
    let mut s = answered_call();
    s.add(60_000, "A>B", &request("SUBSCRIBE", 1).id("w").header("Event: presence").via(&["A w1"]));
    let analysis = s.done();
    let known = Arc::default();
    let lists = Lists::with(&analysis, Arc::clone(&known));
    let again = Lists::with(&analysis, known);
    assert!(Arc::ptr_eq(lists.diagnosis(), again.clone().diagnosis()));
    assert_eq!(lists.subscriptions().as_ptr(), again.subscriptions().as_ptr());
    assert_eq!(lists.subscriptions().len(), 1);
}

#[test]
fn what_the_end_of_the_capture_overtakes_is_not_over() {
    let told = |sample: &str, kind: ListKind, row: u32, columns: &[&str]| {
        let analysis = Scenario::sample(sample).done();
        let cells = rows(&analysis, kind, columns)[row as usize].clone();
        let detail = kind.detail(&analysis, &Lists::of(&analysis), row, TimeMode::Relative).expect("a row");
        let bad = detail.parts.iter().flat_map(|p| &p.leads).any(|l| l.bad);
        (cells, format!("{} | {}", detail.title, detail.head.join(" ")), bad)
    };
    let (cells, said, bad) = told("near_capture.pcapng", ListKind::Messages, 0, &["delivered"]);
    assert_eq!((cells.concat().as_str(), bad), ("no answer yet", false));
    assert!(
        said.contains("no answer yet (capture ends) | Sent as text/plain in MESSAGE, not answered yet"),
        "{said}"
    );
    assert!(said.contains("1 message, 1 not answered yet.") && !said.contains("never"), "{said}");
    let (cells, said, bad) = told("near_sign_in.pcap", ListKind::SignIns, 7, &["state", "steps", "stopped"]);
    assert_eq!(
        (cells.join(", ").as_str(), bad),
        ("no answer yet, register …, register: no answer yet", false)
    );
    assert!(
        said.contains("no answer yet | The capture ends at register: no answer yet. 10.10.1.31"),
        "{said}"
    );
    let (cells, said, bad) = told("near_presence.pcap", ListKind::Subscriptions, 15, &["state"]);
    assert_eq!((cells.concat().as_str(), bad), ("no answer yet", false));
    assert!(said.contains("Not answered yet when the capture ends."), "{said}");
    let (cells, _, _) = told("near_presence.pcap", ListKind::Messages, 2, &["delivered"]);
    assert_eq!(cells.concat(), "no answer yet");
    // Where the time for an answer was over it is.
    let (cells, said, _) = told("rules_sign_in.pcap", ListKind::SignIns, 1, &["state", "stopped"]);
    assert_eq!(cells.join(", "), "unanswered, register: no answer");
    assert!(said.contains("It stopped at register: no answer. Check that"), "{said}");
    let analysis = Scenario::sample("near_presence.pcap").done();
    let query = Query { columns: vec!["method".to_owned(), "state".to_owned()], ..Query::default() };
    let table = crate::view::rows::dialogs(&analysis, &query).0;
    let waiting = table.rows.iter().filter(|r| r[1] == "no answer yet").count();
    assert_eq!(waiting, 3, "{:?}", table.rows);
}
