use super::*;
use crate::correlate::gathered::Outcome;
use crate::view::filter::Filter;
use crate::view::scenario::conference::*;
use crate::view::scenario::{Scenario, request, response};

fn only(analysis: &Analysis) -> Lists<'_> {
    let gathered = Lists::of(analysis);
    assert_eq!(gathered.conferences().len(), 1, "{:#?}", gathered.conferences());
    gathered
}

fn told(commands: &[Command]) -> Vec<String> {
    let one = |c: &Command| format!("{} {} {}", c.name, c.request_id, c.outcome.name());
    commands.iter().map(one).collect()
}

#[test]
fn a_meeting_is_one_conference() {
    let analysis = meeting().done();
    let gathered = only(&analysis);
    let c = &gathered.conferences()[0];
    assert_eq!(
        (c.conference_id.as_str(), c.organizer.as_str(), c.focus.as_str(), c.subject.as_deref()),
        ("BE927F10", VIVIAN, FOCUS, Some("Plans"))
    );
    assert_eq!(
        told(&c.commands),
        ["addConference 7 success", "addUser 8 success", "addUser 9 success", "deleteUser 10 failure"]
    );
    let out = &c.commands[2];
    assert!(out.dial_out && out.pending.is_some() && out.call == Some(CallIdx(1)));
    assert_eq!(out.took, Some(3_000_000_000));
    assert_eq!(c.commands[1].granted, ["presenter"]);
    let legs: Vec<_> = c.legs.iter().map(|l| (l.call.0, l.role, l.mcu.map(|m| m.name()))).collect();
    assert_eq!(legs, [(0, LegRole::Focus, None), (1, LegRole::DialOut, Some("audio-video"))]);
    let users: Vec<_> = c.roster.iter().map(|m| (m.user.as_str(), m.role.as_deref(), m.was_there)).collect();
    assert_eq!(users, [(VIVIAN, Some("presenter"), true), ("sip:amy@contoso.com", Some("attendee"), false)]);
    assert_eq!(endpoints(&c.roster[1]), "audio-video connected (dialed-out)");
    assert!(c.roster_complete && c.gaps == 0 && !c.ended);
    // SERVICE, focus dialog, subscription, the leg.
    assert_eq!(c.owners.len(), 4);
}

#[test]
fn what_is_said_of_it() {
    let analysis = meeting().done();
    let gathered = only(&analysis);
    let keys = ["conference", "organizer", "mcus", "users", "commands", "failed", "worst"];
    let columns = keys.iter().map(|c| (*c).to_owned()).collect();
    let query = Query { columns, ..Query::default() };
    let rows: Vec<Vec<String>> = ListKind::Conferences.lines(&analysis, &gathered, &query).iter().collect();
    assert_eq!(rows, [["BE927F10", "vivian", "audio-video", "2", "4", "1", "deleteUser: userDoesNotExist"]]);
    let detail = ListKind::Conferences.detail(&analysis, &gathered, 0, TimeMode::Relative).unwrap();
    assert_eq!(detail.head[0], "1 of 4 commands failed.");
    assert!(detail.head[1].contains("stale"), "{:?}", detail.head);
    let line = &detail.parts[0];
    let what: Vec<String> = line.table.rows.iter().map(|r| r[1].clone()).collect();
    insta::assert_snapshot!(what.join("\n"));
    assert_eq!(line.table.rows.len(), line.leads.len());
    let titles: Vec<&str> = line.table.columns.iter().map(|c| c.title.as_str()).collect();
    assert_eq!(titles, ["Time", "What", "vivian", "amy", "Frame"]);
    // The failed command leads to the answer that says why.
    let commands = &detail.parts[2];
    let answer = gathered.conferences()[0].commands[3].answer;
    assert_eq!((commands.leads[3].message, commands.leads[3].bad), (answer, true));
    assert_eq!(detail.owners.len(), 4);
}

#[test]
fn labels_and_filter() {
    let analysis = meeting().done();
    let labels: Vec<String> = (0..analysis.messages.len() as u32)
        .map(|m| crate::view::ladder::message_label(&analysis, MsgIdx(m)))
        .collect();
    insta::assert_snapshot!(labels.join("\n"));
    let gathered = only(&analysis);
    let matches = |text: &str| {
        let filter = Filter::parse(text).unwrap();
        let calls = (0..analysis.calls.len() as u32).filter(|c| filter.matches_call(&analysis, CallIdx(*c)));
        let dialogs = analysis.dialogs_shown().filter(|(d, _)| filter.matches_dialog(&analysis, *d));
        let lists = ListKind::Conferences.matching(&analysis, &gathered, Some(&filter));
        (calls.count(), dialogs.count(), lists.len())
    };
    assert_eq!(matches("conference == be927f10"), (2, 2, 1));
    assert_eq!(matches("conference"), (2, 2, 1));
    assert_eq!(matches("conference == 77"), (0, 0, 0));
}

#[test]
fn a_copy_on_another_hop_counts_once() {
    let mut s = Scenario::default();
    let ask = ask("1", FOCUS, &delete("sip:amy@contoso.com"));
    let tell = tell("1", FOCUS, "success", "<deleteUser/>");
    for (ms, path, via) in [(0, "A>P", vec!["A f1"]), (2, "P>F", vec!["P p1", "A f1"])] {
        s.add(ms, path, &focus(request("INFO", 1), 1).via(&via).body(CCCP, &ask));
    }
    s.add(500, "A>P", &focus(request("INFO", 1), 1).body(CCCP, &ask));
    for (ms, path, via) in [(510, "F>P", vec!["P p1", "A f1"]), (512, "P>A", vec!["A f1"])] {
        s.add(ms, path, &focus(response("200 OK", 1, "INFO"), 1).via(&via).body(CCCP, &tell));
    }
    let analysis = s.done();
    let gathered = only(&analysis);
    let c = &gathered.conferences()[0];
    assert_eq!(told(&c.commands), ["deleteUser 1 success"]);
    assert!(!c.commands[0].same_id);
}

#[test]
fn request_ids_that_are_none_or_used_twice() {
    let mut s = Scenario::default();
    let amy = delete("sip:amy@contoso.com");
    info(&mut s, 0, 1, &ask("-1", FOCUS, &amy), &[(9, tell("-1", FOCUS, "success", "<deleteUser/>"))]);
    let two = format!("{amy}<modifyConferenceLock/>");
    info(&mut s, 100, 2, &ask("5", FOCUS, &two), &[]);
    info(&mut s, 200, 3, &ask("5", FOCUS, &amy), &[(9, tell("5", FOCUS, "success", "<deleteUser/>"))]);
    // An answer of the same ends in another dialog.
    s.add(
        300,
        "F>A",
        &back(request("INFO", 900), 9).id("else").body(CCCP, &tell("5", FOCUS, "failure", "<deleteUser/>")),
    );
    // The request to this one is not in the capture.
    s.add(
        400,
        "F>A",
        &back(request("INFO", 901), 10)
            .body(CCCP, &tell("77", FOCUS, "failure", "<addUser reason=\"forbidden\"/>")),
    );
    let analysis = s.done();
    let gathered = only(&analysis);
    let c = &gathered.conferences()[0];
    let commands = &c.commands;
    assert_eq!(
        told(commands),
        [
            "deleteUser -1 success",
            "deleteUser 5 waiting",
            "deleteUser 5 success",
            "deleteUser 5 failure",
            "addUser 77 failure"
        ]
    );
    assert_eq!(commands[0].issues, ["The requestId is no number from 0 on"]);
    assert_eq!(commands[1].issues, ["There is more than one command"]);
    let asked: Vec<bool> = commands.iter().map(|c| c.asked).collect();
    assert_eq!(asked, [true, true, true, false, false]);
    let same: Vec<bool> = commands.iter().map(|c| c.same_id).collect();
    assert_eq!(same, [false, false, true, false, false]);
    assert!(why(At::new(&analysis, &gathered, TimeMode::Relative), &commands[4]).contains("Forbidden."));
}

#[test]
fn without_an_answer() {
    let mut s = Scenario::default();
    info(&mut s, 0, 1, &ask("1", FOCUS, &delete("sip:amy@contoso.com")), &[]);
    s.add(10_000, "A>F", &focus(request("INFO", 2), 2).body(CCCP, &ask("2", FOCUS, "<addUser/>")));
    s.add(10_010, "F>A", &focus(response("603 Decline", 2, "INFO"), 2));
    let pending = [(20, tell("3", FOCUS, "pending", "<addUser/>"))];
    info(&mut s, 11_000, 3, &ask("3", FOCUS, &dial_out("tel:+14255032002")), &pending);
    info(&mut s, 40_000, 4, &ask("4", FOCUS, "<addUser/>"), &[]);
    let analysis = s.done();
    let gathered = only(&analysis);
    let outcomes: Vec<Outcome> =
        gathered.conferences()[0].commands.iter().map(|c| c.outcome.clone()).collect();
    assert_eq!(outcomes, [Outcome::Unanswered, Outcome::Refused(603), Outcome::Pending, Outcome::Waiting]);
    let advice: Vec<String> = gathered.conferences()[0].failed().map(advice_of_command).collect();
    assert!(advice[0].contains("32 s") && advice[1].contains("not enabled"), "{advice:?}");
}

#[test]
fn a_roster_without_its_beginning_and_with_gaps() {
    let mut s = Scenario::default();
    let amy = |status: &str| user("amy", "full", "attendee", &endpoint("audio-video", status, "dialed-out"));
    notify(&mut s, 0, 1, &roster("partial", 4, &amy("dialing-out")));
    // The subscription is seen only then.
    let from = format!("<{VIVIAN}>;tag=w");
    let again = request("SUBSCRIBE", 2).id("watch").between(&from, &format!("<{FOCUS}>;tag=s"));
    s.add(50, "A>F", &again.header("Event: conference").header("Expires: 600").via(&["A s2"]));
    notify(&mut s, 100, 2, &roster("partial", 5, &amy("connected")));
    notify(&mut s, 200, 3, &roster("partial", 9, "<user entity=\"sip:hao@contoso.com\" state=\"full\"/>"));
    notify(
        &mut s,
        300,
        4,
        &roster("partial", 10, "<user entity=\"sip:amy@contoso.com\" state=\"deleted\"/>"),
    );
    let analysis = s.done();
    let gathered = only(&analysis);
    let c = &gathered.conferences()[0];
    assert_eq!((c.documents, c.gaps, c.roster_complete, c.present()), (4, 1, false, 1));
    let changes: Vec<String> = c.events.iter().map(|e| roster_change_words(c, &e.change)).collect();
    insta::assert_snapshot!(changes.join("\n"));
    assert_eq!(worst(c), "roster: versions missing");
    assert!(head(c).iter().any(|l| l.contains("1 gap in the versions")), "{:?}", head(c));
    let amy = &c.roster[0];
    assert!(amy.left.is_some() && amy.was_there);
}

#[test]
fn several_watchers_tell_it_once() {
    let mut s = Scenario::default();
    let there = |name: &str, status: &str| {
        user(name, "full", "attendee", &endpoint("audio-video", status, "dialed-in"))
    };
    let tell = |s: &mut Scenario, ms, id: &'static str, n, document: &str| {
        let from = format!("<{FOCUS}>;tag=s{id}");
        let m = request("BENOTIFY", n).id(id).between(&from, &format!("<sip:{id}@contoso.com>;tag=w"));
        s.add(ms, "F>A", &m.via(&[&format!("F {id}{n}")]).header("Event: conference").body(INFO, document));
    };
    tell(&mut s, 0, "ann", 1, &roster("full", 1, &there("ann", "connected")));
    tell(&mut s, 100, "ann", 2, &roster("partial", 2, &there("bea", "connected")));
    tell(
        &mut s,
        110,
        "bea",
        1,
        &roster("full", 2, &(there("ann", "connected") + &there("bea", "connected"))),
    );
    tell(&mut s, 200, "ann", 3, &roster("partial", 3, &there("cat", "connected")));
    tell(&mut s, 201, "bea", 2, &roster("partial", 3, &there("cat", "connected")));
    // Ann is gone; only Bea is told of it.
    tell(
        &mut s,
        300,
        "bea",
        3,
        &roster("partial", 4, "<user entity=\"sip:ann@contoso.com\" state=\"deleted\"/>"),
    );
    let analysis = s.done();
    let gathered = only(&analysis);
    let c = &gathered.conferences()[0];
    let joined = c.events.iter().filter(|e| roster_change_words(c, &e.change).contains("joined")).count();
    assert_eq!((c.documents, joined, c.roster.len(), c.present()), (6, 3, 3, 2));
    assert!(c.roster_complete);
}

#[test]
fn conferences_of_other_vendors() {
    let mut s = Scenario::default();
    let document = |state: &str, version, users: &str| {
        format!(
            "<?xml version=\"1.0\"?><c:conference-info xmlns:c=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sip:conf233@example.com\" state=\"{state}\" version=\"{version}\">\
             <c:conference-description><c:subject>Agenda</c:subject><c:conf-uris><c:entry><c:uri>tel:+18005671234</c:uri><c:purpose>participation</c:purpose></c:entry></c:conf-uris></c:conference-description>\
             <c:users state=\"{state}\">{users}</c:users></c:conference-info>"
        )
    };
    let bob = "<c:user entity=\"sip:bob@example.com\" state=\"full\"><c:display-text>Bob Hoskins</c:display-text>\
               <c:endpoint entity=\"sip:bob@pc33.example.com\"><c:status>connected</c:status><c:joining-method>dialed-in</c:joining-method>\
               <c:media id=\"1\"><c:type>audio</c:type><c:status>sendrecv</c:status></c:media></c:endpoint></c:user>";
    let call =
        request("INVITE", 1).id("in").between("<sip:bob@example.com>;tag=b", "<sip:conf233@example.com>");
    s.add(0, "B>F", &call.via(&["B i1"]).sdp("sendrecv", 0));
    let notify = |n: u32, document: String| {
        let m = request("NOTIFY", n)
            .id("w")
            .between("<sip:conf233@example.com>;tag=c", "<sip:bob@example.com>;tag=b");
        m.via(&[&format!("F n{n}")]).header("Event: conference").body(INFO, &document)
    };
    s.add(100, "F>B", &notify(1, document("full", 1, bob)));
    let gone = "<c:user entity=\"sip:bob@example.com\" state=\"deleted\"/>";
    s.add(200, "F>B", &notify(2, document("partial", 2, gone)));
    let analysis = s.done();
    let gathered = only(&analysis);
    let c = &gathered.conferences()[0];
    assert_eq!((c.conference_id.as_str(), c.subject.as_deref()), ("conf233@example.com", Some("Agenda")));
    assert_eq!(c.legs.len(), 1);
    assert!(c.roster[0].left.is_some() && c.commands.is_empty());
    assert_eq!(kinds(c), "participation");
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = DIGITS[(n >> (18 - 6 * i) & 63) as usize] as char;
            out.push(if i > chunk.len() { '=' } else { digit });
        }
    }
    out
}

#[test]
fn parts_of_a_multipart_and_utf16() {
    let document = ask("1", FOCUS, &delete("sip:amy@contoso.com"));
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(document.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let body = format!(
        "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\nContent-Type: application/cccp+xml\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--x--\r\n",
        base64(&wide)
    );
    let mut s = Scenario::default();
    let m = s.add(0, "A>F", &focus(request("INFO", 1), 1).body("multipart/mixed;boundary=x", &body));
    let analysis = s.done();
    let gathered = only(&analysis);
    assert_eq!(told(&gathered.conferences()[0].commands), ["deleteUser 1 waiting"]);
    assert_eq!(crate::view::ladder::message_label(&analysis, m), "INFO deleteUser → sip:amy@contoso.com");
}

#[test]
fn hostile_documents() {
    let bomb = format!("<!DOCTYPE r [<!ENTITY a \"aaaa\">]>{}", ask("1", FOCUS, "<addUser x=\"&a;\"/>"));
    let deep = ask("2", FOCUS, &format!("<addUser>{}", "<a>".repeat(50_000)));
    let long = ask("3", FOCUS, &format!("<addUser><note>{}</note></addUser>", "x".repeat(1 << 20)));
    let cut: String = ask("4", FOCUS, &delete("sip:amy@contoso.com")).chars().take(330).collect();
    let nobody = roster("full", 1, "<user><endpoint/></user><user entity=\"\x07evil\u{202e}\"/>");
    let mut s = Scenario::default();
    for (n, document) in (1..).zip([&bomb, &deep, &long, &cut]) {
        s.add(i64::from(n), "A>F", &focus(request("INFO", n), n).body(CCCP, document));
    }
    s.add(9, "A>F", &focus(request("INFO", 9), 9).body(CCCP, "this is no XML"));
    notify(&mut s, 10, 1, &nobody);
    let analysis = s.done();
    let gathered = only(&analysis);
    let c = &gathered.conferences()[0];
    assert_eq!(
        told(&c.commands),
        ["addUser 1 waiting", "addUser 2 waiting", "addUser 3 waiting", "deleteUser 4 waiting"]
    );
    assert!(c.commands[0].issues.iter().any(|i| i.contains("document type")), "{:?}", c.commands[0].issues);
    assert!(c.commands[3].issues.iter().any(|i| i.contains("ends before")), "{:?}", c.commands[3].issues);
    let detail = ListKind::Conferences.detail(&analysis, &gathered, 0, TimeMode::Relative).unwrap();
    let tables = detail.parts.iter().flat_map(|p| p.table.rows.iter().flatten());
    for text in detail.head.iter().chain([&detail.title]).chain(tables) {
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
    }
    for m in 0..analysis.messages.len() as u32 {
        crate::view::detail::message_detail(&analysis, MsgIdx(m)).unwrap();
    }
}
