//! Cases of the rules about captures.

use super::{Case, later};
use crate::capture::{CaptureInfo, CaptureIssue};
use crate::correlate::{Accounting, CaptureSummary, Side, TlsSession};
use crate::view::scenario::{START, Scenario, answered_call, request, response};

pub(super) fn summary() -> CaptureSummary {
    let info = CaptureInfo { path: "a.pcap".to_owned(), format: "pcap", compression: None, size: None };
    CaptureSummary {
        frames: 1_000,
        first: Some(START),
        last: Some(START + 60_000_000_000),
        complete: true,
        ..CaptureSummary::new(info)
    }
}

/// A call in a capture with an issue of this code.
fn issue(code: &'static str, text: &str) -> Scenario {
    let mut s = answered_call();
    let issue = CaptureIssue { code, offset: 99, frame: Some(12), text: text.to_owned() };
    s.analysis.captures.push(CaptureSummary { issues: vec![issue], ..summary() });
    s
}

fn accounts(accounting: Accounting) -> Scenario {
    let mut s = answered_call();
    s.analysis.captures.push(CaptureSummary { accounting, ..summary() });
    s
}

fn tls(change: fn(&mut TlsSession)) -> Scenario {
    let mut s = answered_call();
    s.analysis.captures.push(summary());
    let mut session = TlsSession {
        first: START,
        server: "10.0.0.5:5061".parse().ok(),
        offered: Some("TLS 1.2"),
        version: Some("TLS 1.2"),
        handshake_done: true,
        encrypted_frames: 8,
        ..TlsSession::default()
    };
    change(&mut session);
    s.analysis.tls.push(session);
    s
}

fn refused_by_alert(s: &mut TlsSession) {
    (s.handshake_done, s.encrypted_frames) = (false, 0);
    s.alerts = vec![(Side::Caller, "fatal unknown_ca".to_owned())];
}

/// Calls of which only what Alice sends is there, or both directions.
fn halves(both: bool) -> Scenario {
    let mut s = Scenario::default();
    for n in 0..3 {
        let id: &'static str = format!("half-{n}").leak();
        let at = n * 5_000;
        s.add(at, "A>B", &request("INVITE", 1).id(id).via(&["A b1"]));
        if both {
            s.add(at + 900, "B>A", &response("200 OK", 1, "INVITE").id(id).via(&["A b1"]).tag("b"));
        }
        s.add(at + 1_000, "A>B", &request("ACK", 1).id(id).via(&["A b2"]).tag("b"));
    }
    s
}

/// Frames of these times, in milliseconds.
fn clock(times: &[i64]) -> Scenario {
    let mut s = answered_call();
    let mut capture = summary();
    for (frame, ms) in (1u32..).zip(times) {
        capture.clock.note(0, START + ms * 1_000_000, frame);
    }
    s.analysis.captures.push(capture);
    s
}

/// Sixty requests, each sent so often before it is answered.
fn again(times: u32) -> Scenario {
    let mut s = Scenario::default();
    for n in 0..60u32 {
        let id: &'static str = format!("again-{n}").leak();
        let branch = format!("A a{n}");
        for copy in 0..times {
            let at = i64::from(n) * 100 + i64::from(copy) * 500;
            s.add(at, "A>B", &request("INFO", 1).id(id).via(&[&branch]));
        }
        let at = i64::from(n) * 100 + 2_000;
        s.add(at, "B>A", &response("200 OK", 1, "INFO").id(id).via(&[&branch]).tag("b"));
    }
    s
}

/// A message that is not as it has to be.
fn odd(header: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("OPTIONS", 1).via(&["A b1"]).header(header));
    s.add(20, "B>A", &response("200 OK", 1, "OPTIONS").via(&["A b1"]).tag("b"));
    later(&mut s, 60_000);
    s
}

fn none() -> Accounting {
    Accounting::default()
}

pub const CASES: &[Case] = &[
    Case {
        rule: "capture-cut",
        fires: || issue("truncated-file", "the file ends inside a record"),
        says: "Capture: the file ends inside a record",
        misses: || issue("trailing-bytes", "3 bytes behind the last record"),
    },
    Case {
        rule: "capture-damaged",
        fires: || issue("bad-record", "a record header makes no sense"),
        says: "makes no sense",
        misses: || issue("truncated-file", "the file ends inside a record"),
    },
    Case {
        rule: "capture-read-error",
        fires: || issue("read-error", "reading stopped here: input/output error"),
        says: "input/output error",
        misses: || issue("truncated-file", "the file ends inside a record"),
    },
    Case {
        rule: "capture-snaplen",
        fires: || accounts(Accounting { cut_short: 27, ..none() }),
        says: "27 frames were cut",
        misses: || accounts(Accounting { other_traffic: 27, ..none() }),
    },
    Case {
        rule: "capture-tcp-gaps",
        fires: || issue("tcp-gap", "200 bytes of the TCP stream a → b are not in the capture"),
        says: "200 bytes",
        misses: || issue("comment", "200 bytes"),
    },
    Case {
        rule: "capture-drops",
        fires: || issue("interface-drops", "interface 0 dropped 930 packets while capturing"),
        says: "dropped 930 packets",
        misses: || issue("unknown-block", "2 blocks of other kinds skipped"),
    },
    Case {
        rule: "capture-one-sided",
        fires: || halves(false),
        says: "only one direction",
        misses: || halves(true),
    },
    Case {
        rule: "capture-clock-jump",
        fires: || clock(&[0, 1_000, 9_000, 2_000, 3_000]),
        says: "goes back by 7",
        misses: || clock(&[0, 1_000, 9_000, 8_500, 9_001]),
    },
    Case {
        rule: "capture-limit",
        fires: || issue("limit-sip-messages", "the limit of 9 is reached"),
        says: "the limit of 9",
        misses: || issue("bad-record", "a record header makes no sense"),
    },
    Case {
        rule: "capture-limit",
        fires: || accounts(Accounting { over_limit: 3, ..none() }),
        says: "3 frames were not taken in",
        misses: || accounts(none()),
    },
    Case {
        rule: "capture-out-of-step",
        fires: || issue("websocket-out-of-step", "a frame of a kind that does not exist"),
        says: "does not exist",
        misses: || issue("bad-block", "a block"),
    },
    Case {
        rule: "capture-fragments",
        fires: || accounts(Accounting { fragment_pending: 2, ..none() }),
        says: "2 fragments",
        misses: || accounts(none()),
    },
    Case {
        rule: "capture-malformed-frames",
        fires: || accounts(Accounting { malformed: 1, ..none() }),
        says: "1 frame with damaged headers",
        misses: || accounts(Accounting { not_ip: 1, ..none() }),
    },
    Case {
        rule: "sip-malformed",
        fires: || odd("Contact: <sip:@>"),
        says: "1 message is malformed",
        misses: || odd("Contact: <sip:alice@10.0.0.65>"),
    },
    Case {
        rule: "capture-unknown-call",
        fires: || Scenario::sample("snaplen.pcap"),
        says: "before the Call-ID",
        misses: || Scenario::sample("fragments.pcap"),
    },
    Case {
        rule: "sip-retransmissions",
        fires: || again(3),
        says: "120 of 180 SIP messages are repetitions",
        misses: || again(1),
    },
    Case {
        rule: "tls-failed",
        fires: || tls(refused_by_alert),
        says: "the client sent fatal unknown_ca",
        // It ended well, whatever was sent at its end.
        misses: || tls(|s| s.alerts = vec![(Side::Caller, "fatal unknown_ca".to_owned())]),
    },
    Case {
        rule: "capture-encrypted",
        fires: || tls(|_| {}),
        says: "8 frames encrypted",
        misses: || tls(refused_by_alert),
    },
    Case {
        rule: "capture-duplicated",
        fires: || accounts(Accounting { duplicate: 7, ..none() }),
        says: "7 frames were captured twice",
        misses: || accounts(none()),
    },
    Case {
        rule: "capture-mid-call",
        fires: || {
            let mut s = Scenario::default();
            s.add(0, "A>B", &request("INVITE", 2).via(&["A b6"]).tag("b").sdp("sendonly", 0));
            s.add(20, "B>A", &response("200 OK", 2, "INVITE").via(&["A b6"]).tag("b").sdp("recvonly", 0));
            s
        },
        says: "already up",
        misses: answered_call,
    },
    Case {
        rule: "capture-remark",
        fires: || issue("unknown-block", "2 blocks of other kinds skipped"),
        says: "2 blocks",
        misses: || issue("bad-block", "a block"),
    },
];

#[test]
fn few_drops_are_a_remark_and_what_is_of_the_web_too() {
    let severity = |s: Scenario, rule: &str| {
        let found = crate::diagnose::diagnose(&s.done()).findings;
        found.iter().find(|f| f.rule.id == rule).map(|f| f.severity.name()).unwrap_or_default()
    };
    let drops =
        |n: u32| issue("interface-drops", &format!("interface 0 dropped {n} packets while capturing"));
    let mut s = drops(9);
    s.analysis.captures[0].frames = 1_000_000;
    assert_eq!(severity(s, "capture-drops"), "info");
    assert_eq!(severity(drops(9), "capture-drops"), "warning");
    let web = tls(|s| {
        refused_by_alert(s);
        s.alpn = Some("h2, http/1.1".to_owned());
    });
    assert_eq!(severity(web, "tls-failed"), "info");
    assert_eq!(severity(tls(refused_by_alert), "tls-failed"), "warning");
}

#[test]
fn what_would_open_it_follows_from_the_cipher_and_what_is_inside_from_the_clear_part() {
    let told = |change: fn(&mut TlsSession)| {
        let found = crate::diagnose::diagnose(&tls(change).done()).findings;
        let f = found.iter().find(|f| f.rule.id == "capture-encrypted").unwrap();
        f.title.clone()
    };
    let title = told(|s| s.cipher = Some("TLS_RSA_WITH_AES_128_CBC_SHA".to_owned()));
    let opens = "a key log or the server's RSA key opens them";
    assert_eq!(title, format!("1 TLS 1.2 session to 10.0.0.5:5061: 8 frames encrypted; {opens}"));
    let title = told(|s| s.cipher = Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()));
    assert!(title.contains("the server's key alone does not"), "{title}");
    let title = told(|s| s.alpn = Some("stun.turn".to_owned()));
    assert!(title.contains("(TURN over TLS)"), "{title}");
    let title = told(|s| s.alpn = Some("h2, stun.nat-discovery".to_owned()));
    assert!(title.contains("(STUN over TLS)"), "{title}");
    let title = told(|s| s.server = "10.0.0.5:5349".parse().ok());
    assert!(title.contains("(TURN over TLS, by its port)"), "{title}");
}

#[test]
fn a_malformed_message_of_something_that_went_well_is_a_remark() {
    let severity = |status: &str| {
        let mut s = Scenario::default();
        s.add(0, "A>B", &request("PUBLISH", 1).via(&["A b1"]).header("Contact: <sip:@>"));
        s.add(20, "B>A", &response(status, 1, "PUBLISH").via(&["A b1"]).tag("b"));
        let found = crate::diagnose::diagnose(&s.done()).findings;
        found.iter().find(|f| f.rule.id == "sip-malformed").map(|f| f.severity.name()).unwrap_or_default()
    };
    assert_eq!((severity("200 OK"), severity("400 Bad Request")), ("info", "warning"));
}
