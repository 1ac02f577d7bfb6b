use super::*;
use crate::view::scenario::{Scenario, answered_call, request, response};

fn print(table: &Table) -> String {
    let head: Vec<&str> = table.columns.iter().map(|c| c.title.as_str()).collect();
    let mut out = head.join(" | ");
    for row in &table.rows {
        out.push_str(&format!("\n{}", row.join(" | ")));
    }
    out
}

fn query(filter: &str, columns: &[&str], sort: Option<(&str, bool)>) -> Query {
    Query {
        filter: Some(Filter::parse(filter).unwrap()),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        sort: sort.map(|(key, descending)| (key.to_owned(), descending)),
        time: TimeMode::Utc,
        ..Query::default()
    }
}

fn several() -> Analysis {
    let mut s = answered_call();
    for (n, id, status) in
        [(1, "call-2", "486 Busy Here"), (2, "call-3", "603 Decline"), (3, "call-4", "503 Full")]
    {
        let branch = format!("C x{n}");
        let ms = 20_000 + n * 100;
        let carol = |m: crate::view::scenario::Msg| {
            m.id(id).between("<sip:carol@example.com>;tag=c", "<tel:+14255032002>")
        };
        s.add(ms, "C>P", &carol(request("INVITE", 1)).via(&[&branch]).header("Subject: one\t\u{1b}[2J"));
        if n == 2 {
            s.add(ms + 20, "P>C", &carol(response("180 Ringing", 1, "INVITE")).tag("p").via(&[&branch]));
        }
        s.add(ms + 50, "P>C", &carol(response(status, 1, "INVITE")).tag("p").via(&[&branch]));
        s.add(ms + 51, "C>P", &carol(request("ACK", 1)).tag("p").via(&[&branch]));
    }
    let register =
        request("REGISTER", 1).id("reg").between("<sip:carol@example.com>;tag=r", "<sip:carol@example.com>");
    s.add(30_000, "C>P", &register.clone().via(&["C r1"]));
    let denied = response("403 Forbidden", 1, "REGISTER").id("reg");
    let denied = denied.between("<sip:carol@example.com>;tag=r", "<sip:carol@example.com>");
    s.add(30_010, "P>C", &denied.tag("p").via(&["C r1"]));
    s.done()
}

#[test]
fn default_tables() {
    let analysis = several();
    insta::assert_snapshot!(print(&calls(&analysis, &query("", &[], None)).0));
    insta::assert_snapshot!(print(&dialogs(&analysis, &query("", &[], None)).0));
}

#[test]
fn any_column_any_header_any_order() {
    let analysis = several();
    let ids = |filter, sort| {
        calls(&analysis, &query(filter, &["id"], sort)).1.iter().map(|c| c.0 + 1).collect::<Vec<_>>()
    };
    // Cells without a value come last whichever way.
    assert_eq!(ids("", Some(("setup", false))), [3, 1, 2, 4]);
    assert_eq!(ids("", Some(("setup", true))), [1, 3, 2, 4]);
    assert_eq!(ids("", Some(("status", true))), [3, 4, 2, 1]);
    assert_eq!(ids("", Some(("from", false))), [1, 2, 3, 4]);
    assert_eq!(ids("", Some(("start", true))), [4, 3, 2, 1]);
    let all: Vec<&str> = call_columns().iter().map(|c| c.0).chain(["header:subject", "nonsense"]).collect();
    insta::assert_snapshot!(print(&calls(&analysis, &query("status == 603", &all, None)).0));
    assert!(is_call_column("header:Via") && !is_call_column("header:") && !is_call_column("event"));
}

#[test]
fn filters_select_calls_and_dialogs() {
    let analysis = several();
    let check = |filter: &str, call_ids: &[u32], dialog_count: usize| {
        let q = query(filter, &[], None);
        let found: Vec<u32> = calls(&analysis, &q).1.iter().map(|c| c.0 + 1).collect();
        assert_eq!(found, call_ids, "{filter}");
        assert_eq!(dialogs(&analysis, &q).1.len(), dialog_count, "{filter}");
    };
    check("from ~ alice", &[1], 0);
    check("from ~ ALICE && status >= 400", &[], 0);
    check("from ~ carol && status >= 400", &[2, 3, 4], 1);
    check("method == INVITE and not code == 200", &[2, 3, 4], 0);
    check("code == 407", &[1], 0);
    check("status == 407", &[], 0);
    check("status != 200", &[2, 3, 4], 1);
    check("code in (4xx, 603)", &[1, 2, 3], 1);
    check("status not in (486, 403)", &[1, 3, 4], 0);
    check("ip == 10.0.0.64/30", &[1, 2, 3, 4], 1);
    check("ip == 10.0.0.65", &[1], 0);
    check("src == 10.0.0.67:5060", &[2, 3, 4], 1);
    check("port == 5060 and transport == UDP", &[1, 2, 3, 4], 1);
    check("talk", &[1], 0);
    check("talk > 10s and setup < 500ms", &[1], 0);
    check("setup > 2s", &[], 0);
    check("ended_by == callee", &[1], 0);
    check("state == rejected or state == failed", &[2, 3, 4], 1);
    check("to == \"+14255032002\"", &[2, 3, 4], 0);
    check("to == +1425*", &[2, 3, 4], 0);
    check("busy", &[2], 0);
    check("\"decline\"", &[3], 0);
    check("register", &[], 1);
    check("header.subject ~ one", &[2, 3, 4], 0);
    check("not header.Subject", &[1], 1);
    check("text ~ \"a=sendonly\"", &[1], 0);
    check("sdp", &[1], 0);
    check("candidates > 20", &[1], 0);
    check("agent ~ communicator", &[1], 0);
    check("retransmission", &[1], 0);
    check("media.loss > 2% or mos < 3", &[], 0);
    check("finding", &[2, 3, 4], 1);
    check("not finding", &[1], 0);
    check("finding == call-busy or finding == call-decl*", &[2, 3], 0);
    check("finding ~ \"was busy\"", &[2], 0);
    check("finding == error", &[4], 1);
    check("findings >= 1 and finding == info", &[2, 3], 0);
    check("kind == dialog", &[], 1);
    check("frame <= 2", &[1], 0);
    check("start >= 2009-04-22T14:02:31Z", &[2, 3, 4], 1);
    check("leg", &[], 0);
}

#[test]
fn an_empty_analysis_gives_empty_tables() {
    let analysis = Scenario::default().done();
    assert!(calls(&analysis, &Query::default()).0.rows.is_empty());
    assert!(dialogs(&analysis, &Query::default()).0.rows.is_empty());
}

#[test]
fn times_of_a_file_have_their_dates() {
    let analysis = several();
    let utc = Query {
        time: TimeMode::Utc,
        columns: vec!["start".to_owned(), "setup".to_owned()],
        ..Query::default()
    };
    let cells = |query: &Query| -> Vec<String> {
        call_lines(&analysis, query).iter().map(|row| row[0].clone()).collect()
    };
    let dated = Query { dated: true, ..utc.clone() };
    for (short, full) in cells(&utc).iter().zip(cells(&dated)) {
        let (date, clock) = full.split_once(' ').expect("date and time");
        assert!(date.len() == 10 && clock.len() == 15 && clock.contains('.'), "{full}");
        assert!(clock.starts_with(short.rsplit(' ').next().expect("a time")), "{short} {full}");
    }
    let relative = Query { dated: true, time: TimeMode::Relative, ..utc.clone() };
    assert_eq!(cells(&relative), cells(&Query { time: TimeMode::Relative, ..utc }));
}
