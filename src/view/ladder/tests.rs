use super::*;
use crate::correlate::{CallIdx, DialogIdx};
use crate::view::scenario::{Scenario, answered_call, request, response};
use crate::view::show;

/// A ladder as text: lifelines numbered, one row a line.
fn print(ladder: &Ladder) -> String {
    let mut out = format!("{}\n", ladder.title);
    for (i, l) in ladder.lifelines.iter().enumerate() {
        out.push_str(&format!("[{i}] {} | {} | {}\n", l.name, l.address, l.role.as_deref().unwrap_or("-")));
    }
    let mut row_text = |row: &LadderRow, indent: &str| {
        let line = match row {
            LadderRow::Arrow { time, from, to, label, tone, retransmissions, leg, frame, .. } => {
                let time = show::time(*time, show::TimeMode::Relative, ladder.start, 0);
                let again =
                    if *retransmissions > 0 { format!(" ×{}", retransmissions + 1) } else { String::new() };
                let leg = if *leg > 0 { format!(" leg {}", leg + 1) } else { String::new() };
                format!("{time} #{} {from}→{to} {label}{again} ({tone:?}){leg}", frame.frame)
            }
            LadderRow::Fold { time, end, from, to, label, inner, .. } => {
                let time = show::time(*time, show::TimeMode::Relative, ladder.start, 0);
                let end = show::time(*end, show::TimeMode::Relative, ladder.start, 0);
                format!("{time}–{end} {from}–{to} fold of {}: {label}", inner.len())
            }
            LadderRow::Gap { length, .. } => format!("⋮ {}", show::duration(*length)),
            LadderRow::Note { text, .. } => format!("note: {text}"),
        };
        out.push_str(&format!("{indent}{line}\n"));
    };
    ladder.rows.iter().for_each(|row| row_text(row, ""));
    out
}

fn call(n: u32) -> Owner {
    Owner::Call(CallIdx(n))
}

fn unfolded() -> LadderOptions {
    LadderOptions { unfold: true, ..LadderOptions::default() }
}

#[test]
fn a_call_over_a_proxy() {
    let analysis = answered_call().done();
    insta::assert_snapshot!(print(&build(&analysis, &[call(0)], LadderOptions::default())));
    let unfolded = build(&analysis, &[call(0)], unfolded());
    let again = unfolded.rows.iter().filter(|r| {
        matches!(r, LadderRow::Arrow { label, tone: Tone::Dim, .. } if label == "200 OK answer, 4 candidates (retransmission)")
    });
    assert_eq!(again.count(), 1);
}

#[test]
fn polls_are_folded_and_failures_are_not() {
    let mut s = Scenario::default();
    for n in 1..=6u32 {
        let (ms, branch) = (i64::from(n) * 30_000, format!("A o{n}"));
        let id = "options";
        s.add(ms, "A>P", &request("OPTIONS", n).id(id).via(&[&branch]));
        let status = if n == 5 { "503 Service Unavailable" } else { "200 OK" };
        s.add(ms + 1, "P>A", &response(status, n, "OPTIONS").id(id).tag("p").via(&[&branch]));
    }
    let analysis = s.done();
    insta::assert_snapshot!(print(&build(
        &analysis,
        &[Owner::Dialog(DialogIdx(0))],
        LadderOptions::default()
    )));
}

#[test]
fn what_arrows_say() {
    let mut s = Scenario::default();
    let invite = request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0);
    s.add(0, "A>B", &invite);
    s.add(5, "A>B", &invite);
    s.add(
        10,
        "B>A",
        &response("183 Session Progress", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 1),
    );
    s.add(20, "A>B", &request("PRACK", 2).via(&["A b2"]).tag("b").header("RAck: 1 1 INVITE"));
    s.add(21, "B>A", &response("200 OK", 2, "PRACK").via(&["A b2"]).tag("b"));
    s.add(30, "B>A", &response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 0));
    s.add(31, "A>B", &request("ACK", 1).via(&["A b3"]).tag("b"));
    // Late offer: the answer is in the ACK.
    s.add(40, "A>B", &request("INVITE", 3).via(&["A b4"]).tag("b"));
    s.add(41, "B>A", &response("200 OK", 3, "INVITE").via(&["A b4"]).tag("b").sdp("sendrecv", 0));
    s.add(42, "A>B", &request("ACK", 3).via(&["A b5"]).tag("b").sdp("sendrecv", 0));
    let refer = request("REFER", 4).via(&["A b6"]).tag("b");
    s.add(
        50,
        "A>B",
        &refer.header("Refer-To: <sip:carol@example.com?Replaces=call-2%3Bto-tag%3D1%3Bfrom-tag%3D2>"),
    );
    s.add(51, "B>A", &response("202 Accepted", 4, "REFER").via(&["A b6"]).tag("b"));
    let notify = request("NOTIFY", 1).back().via(&["B b7"]);
    s.add(
        60,
        "B>A",
        &notify.header("Event: refer").body("message/sipfrag;version=2.0", "SIP/2.0 100 Trying\r\n"),
    );
    s.add(61, "A>B", &response("200 OK", 1, "NOTIFY").back().via(&["B b7"]));
    s.add(70, "A>B", &request("INFO", 5).via(&["A b8"]).tag("b"));
    let diagnostics = "ms-diagnostics: 1008;reason=\"no route\";source=\"s\"";
    s.add(
        71,
        "B>A",
        &response("500 \u{1b}[31mBad\u{202e}", 5, "INFO").via(&["A b8"]).tag("b").header(diagnostics),
    );
    let analysis = s.done();
    insta::assert_snapshot!(print(&build(&analysis, &[call(0)], LadderOptions::default())));
}

#[test]
fn two_parties_behind_one_address() {
    let mut s = Scenario::default();
    let (a, b) = ("192.0.2.1:30001>P", "P>192.0.2.1:30002");
    s.add(0, a, &request("INVITE", 1).via(&["A b1"]));
    s.add(1, b, &request("INVITE", 1).via(&["P b2", "A b1"]));
    s.add(2, "192.0.2.1:30002>P", &response("200 OK", 1, "INVITE").tag("b").via(&["P b2", "A b1"]));
    s.add(3, "P>192.0.2.1:30001", &response("200 OK", 1, "INVITE").tag("b").via(&["A b1"]));
    let analysis = s.done();
    let ladder = build(&analysis, &[call(0)], LadderOptions::default());
    let addresses: Vec<&str> = ladder.lifelines.iter().map(|l| l.address.as_str()).collect();
    assert_eq!(addresses, ["192.0.2.1:30001", "10.0.0.80", "192.0.2.1:30002"]);
}

#[test]
fn joined_legs_interleave() {
    let mut s = answered_call();
    let to_carol = |m: crate::view::scenario::Msg| {
        m.id("call-2").between("<sip:bob@example.com>;tag=x", "<sip:carol@example.com>")
    };
    s.add(12_000, "B>C", &to_carol(request("INVITE", 1)).via(&["B c1"]).header("X-Call-ID: call-1"));
    s.add(12_010, "C>B", &to_carol(response("486 Busy Here", 1, "INVITE")).tag("c").via(&["B c1"]));
    s.add(12_020, "B>C", &to_carol(request("ACK", 1)).tag("c").via(&["B c1"]));
    let analysis = s.done();
    insta::assert_snapshot!(print(&build(
        &analysis,
        &[call(0)],
        LadderOptions { extended: true, ..LadderOptions::default() }
    )));
    let alone = build(&analysis, &[call(1)], LadderOptions::default());
    assert!(
        matches!(alone.rows.last(), Some(LadderRow::Note { text, .. }) if text == "Another leg, not shown here: call 1")
    );
}

#[test]
fn a_capture_that_starts_mid_call() {
    let mut s = Scenario::default();
    s.add(0, "B>A", &request("INVITE", 7).back().via(&["B b1"]).sdp("sendonly", 0));
    s.add(9, "A>B", &response("200 OK", 7, "INVITE").back().via(&["B b1"]).sdp("recvonly", 0));
    let analysis = s.done();
    insta::assert_snapshot!(print(&build(&analysis, &[call(0)], LadderOptions::default())));
}

#[test]
fn nothing_gives_an_empty_ladder() {
    let ladder = build(&Analysis::default(), &[], LadderOptions::default());
    assert_eq!(ladder, Ladder::default());
}

#[test]
fn who_takes_registrations_is_no_client() {
    let mut s = Scenario::default();
    let client = "UCCAPI/3.5.6907.0 OC/3.5.6907.0";
    let alice =
        |m: crate::view::scenario::Msg| m.between("<sip:alice@example.com>;tag=r", "<sip:alice@example.com>");
    let register = alice(request("REGISTER", 1)).via(&["A r1"]).header(&format!("User-Agent: {client}"));
    let answer = alice(response("200 OK", 1, "REGISTER")).via(&["A r1"]).header(&format!("Server: {client}"));
    s.add(0, "A>P", &register);
    s.add(5, "P>A", &answer);
    let ladder = build(&s.done(), &[Owner::Dialog(DialogIdx(0))], LadderOptions::default());
    let roles: Vec<_> = ladder.lifelines.iter().map(|l| l.role.as_deref()).collect();
    assert_eq!(roles, [Some("client"), Some("registrar")]);
    assert_eq!(ladder.lifelines[1].name, "registrar");
}

#[test]
fn an_address_translation_is_no_proxy() {
    let mut s = Scenario::default();
    // A behind N: the same bytes on both sides; P puts a Via on top.
    let invite = request("INVITE", 1).via(&["A a1"]);
    s.add(0, "A>P", &invite);
    s.add(1, "N>P", &invite);
    s.add(2, "P>B", &request("INVITE", 1).via(&["P p1", "A a1"]));
    s.add(3, "B>P", &response("200 OK", 1, "INVITE").tag("b").via(&["P p1", "A a1"]));
    let answer = response("200 OK", 1, "INVITE").tag("b").via(&["A a1"]);
    s.add(4, "P>N", &answer);
    s.add(5, "P>A", &answer);
    let ladder = build(&s.done(), &[call(0)], LadderOptions::default());
    let role = |address: &str| {
        ladder.lifelines.iter().find(|l| l.address == address).and_then(|l| l.role.as_deref())
    };
    assert_eq!((role("10.0.0.78"), role("10.0.0.80")), (Some("NAT"), Some("proxy")));
}

#[test]
fn a_server_elsewhere_is_no_client_here() {
    let mut s = answered_call();
    // The proxy of that call opens one of its own, with a user in its address.
    let own = |m: crate::view::scenario::Msg| {
        m.id("call-2").between("<sip:pool@example.com>;tag=p", "<sip:d@example.com>")
    };
    s.add(20_000, "P>D", &own(request("INVITE", 1)).via(&["P d1"]));
    let ladder = build(&s.done(), &[call(1)], LadderOptions::default());
    assert_eq!(ladder.lifelines[0].role.as_deref(), Some("Front End"));
    assert_ne!(ladder.lifelines[0].name, "pool");
}

#[test]
fn look_ups_before_a_register_are_arrows() {
    use crate::capture::FrameRef;
    use crate::correlate::{DialogIdx, Transport};
    use crate::decode::DecodedDns;
    use crate::view::scenario::machine;

    let mut s = Scenario::default();
    let who = "<sip:ann@contoso.com>";
    let register = request("REGISTER", 1).between(&format!("{who};tag=1"), who).via(&["A 1"]);
    let first = s.add(500, "A>B", &register);
    let mut analysis = s.done();
    let start = analysis.message(first).time - 500_000_000;
    let (client, server) = (machine("A"), "10.0.0.53:53".parse().expect("address"));
    let name = b"\x04_sip\x04_tls\x07contoso\x03com\0";
    let other = b"\x03www\x07example\x03com\0";
    let mut add = |ms: i64, id: u8, flags: [u8; 2], name: &[u8], kind: u8| {
        let head = [&[0, id][..], &flags, &[0, 1, 0, 0, 0, 0, 0, 0]].concat();
        let message = [&head, name, &[0, kind, 0, 1]].concat();
        let (src, dst) = if flags[0] & 0x80 == 0 { (client, server) } else { (server, client) };
        analysis.add_dns(&DecodedDns {
            message: &message,
            frame: FrameRef { frame: u32::from(id), ..FrameRef::default() },
            time: start + ms * 1_000_000,
            src,
            dst,
            transport: Transport::Udp,
            duplicate: false,
            cut: false,
        });
    };
    add(0, 1, [1, 0], name, 33);
    add(20, 1, [0x81, 0x83], name, 33);
    add(30, 2, [1, 0], other, 1);
    add(40, 3, [1, 0], b"\x03sip\x07contoso\x03com\0", 1);
    // Two at once: what is an answer to which must be said.
    let internal = b"\x0bsipinternal\x07contoso\x03com\0";
    for (ms, flags) in [(50, [1, 0]), (60, [0x81, 0x83])] {
        add(ms, 4, flags, internal, 1);
        add(ms + 5, 5, flags, internal, 28);
    }
    let ladder = build(&analysis, &[Owner::Dialog(DialogIdx(0))], LadderOptions::default());
    let labels: Vec<(&str, usize, usize)> = ladder
        .rows
        .iter()
        .filter_map(|row| match row {
            LadderRow::Arrow { label, from, to, .. } => Some((label.as_str(), *from, *to)),
            _ => None,
        })
        .collect();
    assert_eq!(
        labels,
        [
            ("SRV _sip._tls.contoso.com?", 0, 2),
            ("NXDOMAIN", 2, 0),
            ("no answer: A sip.contoso.com", 0, 2),
            ("A sipinternal.contoso.com?", 0, 2),
            ("AAAA sipinternal.contoso.com?", 0, 2),
            ("NXDOMAIN for A sipinternal.contoso.com", 2, 0),
            ("NXDOMAIN for AAAA sipinternal.contoso.com", 2, 0),
            ("REGISTER", 0, 1),
        ]
    );
    assert_eq!(ladder.lifelines[2].role.as_deref(), Some("DNS"));
}

/// A look-up of the called domain that led to the server is drawn before the call; one that led elsewhere is not.
#[test]
fn look_ups_that_led_to_the_server_of_a_call_stand_before_it() {
    use crate::decode::{DecodedDns, Transport};
    use crate::view::scenario::machine;
    for (octet, drawn) in [(None, true), (Some(99), false)] {
        let mut s = Scenario::default();
        s.add(1_000, "A>B", &request("INVITE", 1).via(&["A b1"]));
        let first = MsgIdx(0);
        let mut analysis = s.done();
        let start = analysis.message(first).time - 500_000_000;
        let (client, server) = (machine("A"), "10.0.0.53:53".parse().expect("address"));
        let IpAddr::V4(called) = machine("B").ip() else { panic!("IPv4") };
        let [a, b, c, d] = called.octets();
        let name = b"\x02sp\x07example\x03org\0";
        let head = |answers: u8, flags: [u8; 2]| {
            [&[0, 7][..], &flags, &[0, 1, 0, answers, 0, 0, 0, 0], name, &[0, 1, 0, 1]].concat()
        };
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, a, b, c, octet.unwrap_or(d)];
        let messages = [
            (head(0, [1, 0]), client, server),
            ([head(1, [0x81, 0x80]), record.to_vec()].concat(), server, client),
        ];
        for (n, (message, src, dst)) in (0i64..).zip(messages) {
            analysis.add_dns(&DecodedDns {
                message: &message,
                frame: FrameRef::default(),
                time: start + n * 20_000_000,
                src,
                dst,
                transport: Transport::Udp,
                duplicate: false,
                cut: false,
            });
        }
        let ladder = build(&analysis, &[Owner::Call(CallIdx(0))], LadderOptions::default());
        let asked = ladder.rows.iter().any(
            |row| matches!(row, LadderRow::Arrow { label, .. } if label.starts_with("A sp.example.org")),
        );
        assert_eq!(asked, drawn, "{ladder:#?}");
    }
}

#[test]
fn a_sign_in_that_stopped_at_dns_has_a_ladder() {
    use crate::decode::{DecodedDns, Transport};
    use crate::view::scenario::machine;
    let mut analysis = Scenario::default().done();
    let message =
        [&[0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x0bsipinternal\x07contoso\x03com\0", &[0, 1, 0, 1]]
            .concat();
    analysis.add_dns(&DecodedDns {
        message: &message,
        frame: FrameRef::default(),
        time: 1_000_000_000,
        src: machine("A"),
        dst: "10.0.0.53:53".parse().expect("address"),
        transport: Transport::Udp,
        duplicate: false,
        cut: false,
    });
    let options = LadderOptions { sign_in: Some(0), ..LadderOptions::default() };
    let ladder = build(&analysis, &[], options);
    assert!(
        ladder.title.starts_with("sign-in 1") && ladder.title.contains("contoso.com"),
        "{}",
        ladder.title
    );
    assert_eq!(ladder.rows.len(), 1);
    assert!(matches!(&ladder.rows[0], LadderRow::Arrow { tone: Tone::Failure, .. }), "{:?}", ladder.rows);
}
