//! Cases of the rules about calls that are up, and how they came up.

use super::{Case, later};
use crate::view::scenario::{Msg, Scenario, request, response};

/// Alice calls Bob, who answers after a second with these headers.
fn answered(headers: &[&str]) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(100, "B>A", &response("180 Ringing", 1, "INVITE").via(&["A b1"]).tag("b"));
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b");
    let ok = headers.iter().fold(ok, |m, h| m.header(h)).sdp("sendrecv", 0);
    s.add(1000, "B>A", &ok);
    s.add(1010, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b"));
    s
}

/// Alice asks something in the call; Bob answers.
fn asks(s: &mut Scenario, ms: i64, cseq: u32, method: &str, status: Option<&str>) {
    let branch = format!("A d{cseq}");
    s.add(ms, "A>B", &request(method, cseq).via(&[&branch]).tag("b"));
    if let Some(status) = status {
        s.add(ms + 10, "B>A", &response(status, cseq, method).via(&[&branch]).tag("b"));
    }
}

fn bye(s: &mut Scenario, ms: i64) {
    asks(s, ms, 90, "BYE", Some("200 OK"));
}

fn then(ask: &[(&str, Option<&str>)], until: i64) -> Scenario {
    let mut s = answered(&[]);
    for (n, (method, status)) in (2u32..).zip(ask) {
        asks(&mut s, i64::from(n) * 1000, n, method, *status);
    }
    later(&mut s, until);
    s
}

/// 200 again and again; the ACK comes before the copy with this number.
fn repeated(copies: u32, ack: u32) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 0);
    for n in 0..copies {
        let at = 1000 + i64::from(n) * 4000;
        if n == ack {
            s.add(at - 100, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b"));
        }
        s.add(at, "B>A", &ok);
    }
    if copies > 5 {
        let over = request("BYE", 1).back().via(&["B e1"]);
        s.add(33_000, "B>A", &over);
        s.add(33_010, "A>B", &response("200 OK", 1, "BYE").back().via(&["B e1"]));
    }
    later(&mut s, 80_000);
    s
}

/// Bob is behind a NAT; his Contact names `contact`, where Alice's BYE goes and nobody answers.
fn behind_nat(contact: &str, to: &str, status: Option<&str>) -> Scenario {
    let (caller, callee) = ("198.51.100.5:5060", "203.0.113.66:40000");
    let (there, back) = (format!("{caller}>{callee}"), format!("{callee}>{caller}"));
    let mut s = Scenario::default();
    s.add(0, &there, &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b");
    s.add(1000, &back, &ok.header(&format!("Contact: <sip:bob@{contact}>")).sdp("sendrecv", 0));
    s.add(1010, &there, &request("ACK", 1).via(&["A b2"]).tag("b"));
    s.add(9000, &format!("{caller}>{to}"), &request("BYE", 2).via(&["A b3"]).tag("b"));
    if let Some(status) = status {
        s.add(9010, &format!("{to}>{caller}"), &response(status, 2, "BYE").via(&["A b3"]).tag("b"));
    }
    later(&mut s, 60_000);
    s
}

/// After `silent` milliseconds the BYE to Bob is lost, and he, or somebody else behind that NAT, registers from another port.
fn nat_forgot(silent: i64, who: &str) -> Scenario {
    let (caller, callee) = ("198.51.100.5:5060", "203.0.113.66:40000");
    let (there, back) = (format!("{caller}>{callee}"), format!("{callee}>{caller}"));
    let mut s = Scenario::default();
    s.add(0, &there, &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 0);
    s.add(1000, &back, &ok.header("Contact: <sip:bob@203.0.113.66:40000>"));
    s.add(1010, &there, &request("ACK", 1).via(&["A b2"]).tag("b"));
    s.add(1000 + silent, &there, &request("BYE", 2).via(&["A b3"]).tag("b"));
    registers(&mut s, 2000 + silent, 40_001, who);
    later(&mut s, silent + 60_000);
    s
}

/// Somebody behind the NAT registers from a port of it.
fn registers(s: &mut Scenario, ms: i64, port: u16, who: &str) {
    let (server, id) = ("198.51.100.5:5060", format!("register-{ms}").leak());
    let branch = format!("B r{ms}");
    let who = format!("<sip:{who}@example.com>");
    let register = request("REGISTER", 1).id(id).between(&format!("{who};tag=r"), &who).via(&[&branch]);
    s.add(ms, &format!("203.0.113.66:{port}>{server}"), &register);
    let granted = response("200 OK", 1, "REGISTER").id(id).between(&format!("{who};tag=r"), &who);
    s.add(ms + 10, &format!("{server}>203.0.113.66:{port}"), &granted.via(&[&branch]).tag("s"));
}

/// Bob registers; a minute and a half later his INVITE is lost, and then somebody registers from another port.
fn invite_lost(who: &str) -> Scenario {
    let mut s = Scenario::default();
    registers(&mut s, 0, 40_000, "bob");
    for ms in [90_000, 90_500, 91_500, 93_500] {
        s.add(ms, "198.51.100.5:5060>203.0.113.66:40000", &request("INVITE", 1).via(&["P b1"]));
    }
    registers(&mut s, 100_000, 40_001, who);
    later(&mut s, 180_000);
    s
}

/// Bob's BYE says why.
fn hung_up(header: &str) -> Scenario {
    let mut s = answered(&[]);
    s.add(5_000, "B>A", &request("BYE", 1).back().via(&["B e1"]).header(header));
    s.add(5_010, "A>B", &response("200 OK", 1, "BYE").back().via(&["B e1"]));
    s
}

/// A session of 90 s; the BYE comes `ms` after the answer, with a refresh before it or not.
fn session(ms: i64, refresh: bool) -> Scenario {
    let mut s = answered(&["Session-Expires: 90;refresher=uas"]);
    if refresh {
        asks(&mut s, 46_000, 5, "UPDATE", Some("200 OK"));
    }
    bye(&mut s, 1_000 + ms);
    s
}

/// The same of a BYE at 60 s, after an UPDATE that nobody answers, or that is refused.
fn refresh_fails(status: Option<&str>) -> Scenario {
    let mut s = answered(&["Session-Expires: 90;refresher=uac"]);
    asks(&mut s, 46_000, 5, "UPDATE", status);
    let over = request("BYE", 1).back().via(&["B e1"]).header("Reason: SIP;cause=408;text=\"Session timer\"");
    s.add(61_000, "B>A", &over);
    s.add(61_010, "A>B", &response("200 OK", 1, "BYE").back().via(&["B e1"]));
    s
}

/// Carol's phone answers too; Alice acknowledges and hangs up or does not.
fn forked(hangs_up: bool) -> Scenario {
    let mut s = answered(&[]);
    s.add(1_100, "C>A", &response("200 OK", 1, "INVITE").via(&["A b1"]).tag("c").sdp("sendrecv", 0));
    if hangs_up {
        s.add(1_110, "A>C", &request("ACK", 1).via(&["A c2"]).tag("c"));
        s.add(1_120, "A>C", &request("BYE", 2).via(&["A c3"]).tag("c"));
        s.add(1_130, "C>A", &response("200 OK", 2, "BYE").via(&["A c3"]).tag("c"));
    }
    later(&mut s, 60_000);
    s
}

/// Carol's phone answers too and is acknowledged; who is hung up on, and when; the call lasts for two minutes.
fn forked_twice(byes: &[(i64, &str)]) -> Scenario {
    let mut s = answered(&[]);
    s.add(1_100, "C>A", &response("200 OK", 1, "INVITE").via(&["A b1"]).tag("c").sdp("sendrecv", 0));
    s.add(1_110, "A>C", &request("ACK", 1).via(&["A c2"]).tag("c"));
    for (n, (ms, tag)) in (2u32..).zip(byes) {
        let (way, back) = if *tag == "c" { ("A>C", "C>A") } else { ("A>B", "B>A") };
        let branch = format!("A c{n}0");
        s.add(*ms, way, &request("BYE", n).via(&[&branch]).tag(tag));
        s.add(ms + 10, back, &response("200 OK", n, "BYE").via(&[&branch]).tag(tag));
    }
    later(&mut s, 150_000);
    s
}

/// CANCEL and answer cross, and Bob hangs up, or Alice does.
fn crossed(by_bob: bool) -> Scenario {
    let mut s = cancelled("A b1");
    if by_bob {
        s.add(9_000, "B>A", &request("BYE", 1).back().via(&["B e1"]));
        s.add(9_010, "A>B", &response("200 OK", 1, "BYE").back().via(&["B e1"]));
    } else {
        bye(&mut s, 1_030);
    }
    s
}

/// CANCEL of the INVITE that is answered all the same, or of the branch of another phone.
fn cancelled(branch: &str) -> Scenario {
    let mut s = answered(&[]);
    s.add(1_005, "A>B", &request("CANCEL", 1).via(&[branch]));
    s.add(1_020, "B>A", &response("200 OK", 1, "CANCEL").via(&[branch]).tag("b"));
    later(&mut s, 60_000);
    s
}

/// Alice is transferred; the NOTIFY tells how it went.
fn transferred(fragment: &str) -> Scenario {
    let mut s = answered(&[]);
    let refer = request("REFER", 1).back().via(&["B t1"]).header("Refer-To: <sip:carol@example.com>");
    s.add(3_000, "B>A", &refer);
    s.add(3_010, "A>B", &response("202 Accepted", 1, "REFER").back().via(&["B t1"]));
    let told = request("NOTIFY", 2).via(&["A t2"]).tag("b").header("Event: refer");
    let told = told.header("Subscription-State: terminated;reason=noresource");
    s.add(4_000, "A>B", &told.body("message/sipfrag", fragment));
    s.add(4_010, "B>A", &response("200 OK", 2, "NOTIFY").via(&["A t2"]).tag("b"));
    bye(&mut s, 5_000);
    s
}

/// Alice and Bob ask for a change at the same time, and each refuses that of the other.
fn both_change() -> Scenario {
    let mut s = answered(&[]);
    s.add(3_000, "A>B", &request("INVITE", 2).via(&["A d2"]).tag("b"));
    s.add(3_001, "B>A", &request("INVITE", 1).back().via(&["B d1"]));
    s.add(3_010, "B>A", &response("491 Request Pending", 2, "INVITE").via(&["A d2"]).tag("b"));
    s.add(3_011, "A>B", &response("491 Request Pending", 1, "INVITE").back().via(&["B d1"]));
    later(&mut s, 60_000);
    s
}

/// Alice is asked by Bob to call Carol, who is busy.
fn transferred_to_busy() -> Scenario {
    let mut s = transferred("SIP/2.0 486 Busy Here\r\n");
    let (who, to) = ("<sip:alice@example.com>;tag=x", "<sip:carol@example.com>");
    let ask = request("INVITE", 1).id("led").between(who, to).via(&["A x1"]);
    s.add(3_100, "A>C", &ask.header("Referred-By: <sip:bob@example.com>").sdp("sendrecv", 0));
    let busy = response("486 Busy Here", 1, "INVITE").id("led").between(who, to).via(&["A x1"]);
    s.add(3_200, "C>A", &busy.tag("c"));
    later(&mut s, 60_000);
    s
}

/// Through a proxy that keeps the INVITE for so long.
fn kept(ms: i64) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>P", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(5, "P>A", &response("100 Trying", 1, "INVITE").via(&["A b1"]));
    s.add(ms, "P>B", &request("INVITE", 1).via(&["P b2", "A b1"]).sdp("sendrecv", 0));
    let rings = |vias: &[&str]| response("180 Ringing", 1, "INVITE").via(vias).tag("b");
    s.add(ms + 100, "B>P", &rings(&["P b2", "A b1"]));
    s.add(ms + 110, "P>A", &rings(&["A b1"]));
    s
}

/// The proxy asks who calls, and so long after its answer the INVITE comes again.
fn challenged(ms: i64, status: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>P", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(5, "P>A", &response(status, 1, "INVITE").via(&["A b1"]).tag("p"));
    s.add(10, "A>P", &request("ACK", 1).via(&["A b1"]).tag("p"));
    s.add(ms, "A>P", &request("INVITE", 2).via(&["A b3"]).sdp("sendrecv", 0));
    s.add(ms + 8, "P>B", &request("INVITE", 2).via(&["P b4", "A b3"]).sdp("sendrecv", 0));
    let rings = |vias: &[&str]| response("180 Ringing", 2, "INVITE").via(vias).tag("b");
    s.add(ms + 100, "B>P", &rings(&["P b4", "A b3"]));
    s.add(ms + 110, "P>A", &rings(&["A b3"]));
    s
}

fn refused_with(header: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).header(header).sdp("sendrecv", 0));
    s.add(500, "B>A", &response("480 Temporarily Unavailable", 1, "INVITE").via(&["A b1"]).tag("b"));
    s
}

fn given_up(header: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(500, "B>A", &response("180 Ringing", 1, "INVITE").via(&["A b1"]).tag("b"));
    let cancel: Msg = request("CANCEL", 1).via(&["A b1"]).header(header);
    s.add(9_000, "A>B", &cancel);
    s.add(9_010, "B>A", &response("200 OK", 1, "CANCEL").via(&["A b1"]).tag("b"));
    s.add(9_020, "B>A", &response("487 Request Terminated", 1, "INVITE").via(&["A b1"]).tag("b"));
    s
}

/// The INVITE is sent so often before 180 comes, and 180 as often.
fn again_and_again(times: i64) -> Scenario {
    let mut s = Scenario::default();
    let invite = request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0);
    let ringing = response("180 Ringing", 1, "INVITE").via(&["A b1"]).tag("b");
    for n in 0..times {
        s.add(n * 500, "A>B", &invite);
        s.add(n * 500 + 400, "B>A", &ringing);
    }
    s.add(6_000, "B>A", &response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 0));
    s.add(6_010, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b"));
    bye(&mut s, 20_000);
    s
}

pub const CASES: &[Case] = &[
    Case {
        rule: "call-answered-elsewhere",
        fires: || given_up("Reason: SIP;cause=200;text=\"Call completed elsewhere\""),
        says: "answered on another phone",
        misses: || given_up("Reason: Q.850;cause=16"),
    },
    Case {
        rule: "call-forwarded",
        fires: || refused_with("Diversion: <sip:dan@example.com>;reason=no-answer"),
        says: "sent on by dan@example.com",
        misses: || refused_with("X-Diversion: <sip:dan@example.com>;reason=no-answer"),
    },
    Case {
        rule: "call-private-contact",
        fires: || behind_nat("192.168.7.66:5060", "192.168.7.66:5060", None),
        says: "asks to be reached at sip:bob@192.168.7.66:5060",
        // The server repairs the address: it does no harm.
        misses: || behind_nat("192.168.7.66:5060", "203.0.113.66:40000", Some("200 OK")),
    },
    Case {
        rule: "call-nat-expired",
        fires: || nat_forgot(90_000, "bob"),
        says: "nothing had come for",
        misses: || nat_forgot(5_000, "bob"),
    },
    Case {
        rule: "call-nat-expired",
        fires: || invite_lost("bob"),
        says: "nothing had come for",
        // Behind one NAT there are others, who have ports of their own.
        misses: || invite_lost("carol"),
    },
    Case {
        rule: "call-nat-expired",
        fires: || nat_forgot(90_000, "bob"),
        says: "from port 40001",
        misses: || nat_forgot(90_000, "carol"),
    },
    Case {
        rule: "call-dropped",
        fires: || {
            hung_up(
                "ms-client-diagnostics: 23; reason=\"Call failed to establish due to a media connectivity failure\"",
            )
        },
        says: "media connectivity failed",
        misses: || hung_up("Reason: Q.850;cause=16;text=\"Normal call clearing\""),
    },
    Case {
        rule: "call-dropped",
        fires: || hung_up("Reason: Q.850;cause=38;text=\"Network out of order\""),
        says: "dropped by",
        misses: || {
            hung_up("ms-client-diagnostics: 51007; reason=\"Callee media connectivity diagnosis info\"")
        },
    },
    Case {
        rule: "call-session-expired",
        fires: || session(90_000, false),
        says: "nobody refreshed the session of 90 s",
        misses: || session(90_000, true),
    },
    Case {
        rule: "call-session-expired",
        fires: || session(90_000, false),
        says: "the BYE came when it ran out",
        misses: || session(90_000, true),
    },
    Case {
        rule: "call-session-expired",
        fires: || session(60_500, false),
        says: "the BYE came 30 s before it ran out",
        misses: || session(75_000, false),
    },
    Case {
        rule: "call-session-expired",
        fires: || refresh_fails(None),
        says: "the UPDATE that was to refresh the session of 90 s failed",
        misses: || refresh_fails(Some("200 OK")),
    },
    Case {
        rule: "call-session-expired",
        fires: || refresh_fails(Some("500 Server Internal Error")),
        says: "UPDATE was answered with 500 Server Internal Error",
        misses: || refresh_fails(Some("200 OK")),
    },
    Case {
        rule: "call-ack-lost",
        fires: || repeated(7, 99),
        says: "200 was sent 7 times",
        misses: || repeated(3, 2),
    },
    Case {
        rule: "call-ack-lost",
        fires: || repeated(7, 1),
        says: "the ACK is there",
        misses: || repeated(2, 9),
    },
    Case {
        rule: "call-request-unanswered",
        fires: || then(&[("INFO", None)], 60_000),
        says: "INFO to",
        misses: || then(&[("INFO", None)], 20_000),
    },
    Case {
        rule: "call-request-refused",
        fires: || then(&[("INVITE", Some("488 Not Acceptable Here"))], 60_000),
        says: "re-INVITE refused with 488",
        misses: || then(&[("INVITE", Some("401 Unauthorized")), ("BYE", Some("200 OK"))], 60_000),
    },
    Case {
        rule: "call-transfer-failed",
        fires: || transferred("SIP/2.0 486 Busy Here\r\n"),
        says: "the transfer failed: 486 Busy Here",
        misses: || transferred("SIP/2.0 200 OK\r\n"),
    },
    Case {
        rule: "call-fork-lost",
        fires: || forked(false),
        says: "a second phone answered",
        misses: || forked(true),
    },
    Case {
        rule: "call-fork-lost",
        // The call itself ends in time, the other phone is left for two minutes.
        fires: || forked_twice(&[(20_000, "b"), (121_000, "c")]),
        says: "was not hung up on",
        // Which of the two the caller keeps is its choice.
        misses: || forked_twice(&[(1_200, "b"), (121_000, "c")]),
    },
    Case {
        rule: "call-cancel-crossed",
        fires: || cancelled("A b1"),
        says: "given up at the moment it was answered",
        misses: || cancelled("A other"),
    },
    Case { rule: "call-slow-setup", fires: || kept(14_000), says: "14 s of it at", misses: || kept(4_000) },
    Case {
        rule: "call-slow-setup",
        // That the caller waits before it tries again is no fault of the proxy.
        fires: || challenged(15_000, "503 Service Unavailable"),
        says: "it took 15 s until it rang |",
        // Its user looks for the password.
        misses: || challenged(15_000, "407 Proxy Authentication Required"),
    },
    Case {
        rule: "call-glare",
        fires: || then(&[("INVITE", Some("491 Request Pending")), ("INVITE", Some("200 OK"))], 60_000),
        says: "tried again with success",
        misses: || then(&[("INVITE", Some("200 OK"))], 60_000),
    },
    Case {
        rule: "call-glare",
        fires: both_change,
        says: "both sides changed the call at once (491) |",
        misses: || then(&[("INVITE", Some("200 OK"))], 60_000),
    },
    Case {
        rule: "call-glare",
        // His own request is nowhere.
        fires: || then(&[("INVITE", Some("491 Request Pending"))], 60_000),
        says: "a change of the call met another one that was under way (491) |",
        misses: || then(&[("INVITE", Some("200 OK"))], 60_000),
    },
    Case {
        rule: "call-retransmissions",
        fires: || again_and_again(7),
        says: "messages are repetitions, most from 10.0.0.65:5060 to 10.0.0.66:5060",
        misses: || again_and_again(3),
    },
];

#[test]
fn who_hangs_up_where_cancel_and_answer_crossed_matters() {
    let told = |s: Scenario| {
        let found = crate::diagnose::diagnose(&s.done()).findings;
        let of = found.into_iter().find(|f| f.rule.id == "call-cancel-crossed").expect("found");
        format!("{} {}", of.severity.name(), of.title)
    };
    let (by_bob, by_alice) = (told(crossed(true)), told(crossed(false)));
    assert!(by_bob.starts_with("warning") && by_bob.contains("left to the callee"), "{by_bob}");
    assert!(by_alice.starts_with("info") && by_alice.ends_with("then hung up"), "{by_alice}");
}

#[test]
fn what_names_a_private_address_is_shown() {
    let lost = behind_nat("192.168.7.66:5060", "192.168.7.66:5060", None).done();
    let found = crate::diagnose::diagnose(&lost).findings;
    let of = found.iter().find(|f| f.rule.id == "call-private-contact").expect("found");
    let shown: Vec<&str> = of.evidence.iter().map(|e| e.text.as_str()).collect();
    assert_eq!(shown, ["names sip:bob@192.168.7.66:5060", "BYE"]);
}

#[test]
fn a_binding_that_is_gone_explains_why_nothing_answers() {
    let found = crate::diagnose::diagnose(&invite_lost("bob").done());
    let told: Vec<_> = found.findings.iter().map(|f| (f.rule.id, f.explained_by)).collect();
    assert_eq!(told, [("call-nat-expired", None), ("call-no-response", Some(0))]);
}

#[test]
fn a_session_that_ran_out_is_why_the_bye_tells_of_a_failure() {
    let found = crate::diagnose::diagnose(&refresh_fails(Some("500 Server Internal Error")).done());
    let told = found.findings.iter().map(|f| (f.rule.id, f.explained_by));
    let told: Vec<_> = told.filter(|(id, _)| *id != "call-request-refused").collect();
    assert_eq!(told, [("call-session-expired", None), ("call-dropped", Some(0))]);
}

#[test]
fn a_transfer_and_the_call_that_it_led_to_explain_one_another() {
    let found = crate::diagnose::diagnose(&transferred_to_busy().done()).findings;
    let of = |id: &str| found.iter().find(|f| f.rule.id == id).expect(id);
    let transfer = of("call-transfer-failed");
    let cause = transfer.explained_by.map(|at| found[at].title.as_str());
    assert_eq!(cause, Some("Call 2, alice → carol: carol was busy (486 Busy Here)"));
    assert_eq!(transfer.detail[1], "The REFER led to Call 2, alice → carol.");
    assert!(transfer.advice[0].starts_with("Look at Call 2, alice → carol;"), "{:?}", transfer.advice);
    let [advice] = &of("call-forwarded").advice[..] else { panic!("one sentence of advice") };
    assert!(advice.contains("(REFER)") && advice.contains("see Call 1, Alice → bob"), "{advice}");
}

#[test]
fn a_491_alone_does_not_prove_what_the_other_side_asked_for() {
    let told = |s: Scenario| {
        let found = crate::diagnose::diagnose(&s.done()).findings;
        let of = found.into_iter().find(|f| f.rule.id == "call-glare").expect("found");
        (of.confidence.name(), of.evidence.len())
    };
    assert_eq!(told(both_change()), ("high", 4));
    assert_eq!(told(then(&[("INVITE", Some("491 Request Pending"))], 60_000)), ("partial", 2));
}
