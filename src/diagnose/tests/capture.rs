//! Cases of the rules about captures.

use super::{Case, later};
use crate::capture::{CaptureInfo, CaptureIssue};
use crate::correlate::{Accounting, CaptureSummary, Side, TlsSession};
use crate::view::scenario::{START, Scenario, answered_call, request, response};

/// A call, in a capture of 100 frames with something special.
fn captured(edit: fn(&mut CaptureSummary)) -> Scenario {
    let mut s = answered_call();
    let info = CaptureInfo { path: "a.pcap".to_owned(), format: "pcap", compression: None, size: None };
    let mut capture = CaptureSummary {
        frames: 100,
        bytes: 1,
        first: Some(START),
        last: Some(START + 40_000_000_000),
        accounting: Accounting { decoded: 100, ..Default::default() },
        complete: true,
        ..CaptureSummary::new(info)
    };
    edit(&mut capture);
    s.analysis.captures.push(capture);
    s
}

fn issue(c: &mut CaptureSummary, code: &'static str, text: &str) {
    c.issues.push(CaptureIssue { code, offset: 99, frame: Some(12), text: text.to_owned() });
}

fn remark(c: &mut CaptureSummary) {
    issue(c, "trailing-bytes", "3 bytes behind the last record");
}

fn cut(c: &mut CaptureSummary) {
    issue(c, "truncated-file", "the file ends inside a record");
}

fn healthy() -> Scenario {
    captured(|_| {})
}

/// Dialogs that are answered; whether their requests are there too.
fn answers(requests: bool) -> Scenario {
    let mut s = Scenario::default();
    for (n, id) in (0..).zip(["a", "b", "c"]) {
        let via = format!("A {id}");
        if requests {
            s.add(n * 1000, "A>B", &request("OPTIONS", 1).id(id).via(&[&via]));
        }
        s.add(n * 1000 + 10, "B>A", &response("200 OK", 1, "OPTIONS").id(id).tag("b").via(&[&via]));
    }
    s
}

/// Each of 60 requests is sent so often before it is answered.
fn sent(times: i64) -> Scenario {
    let mut s = Scenario::default();
    for n in 0..60 {
        let id: &'static str = format!("o{n}").leak();
        let via = format!("A {id}");
        for copy in 0..times {
            s.add(n * 2000 + copy * 500, "A>B", &request("OPTIONS", 1).id(id).via(&[&via]));
        }
        s.add(n * 2000 + 1600, "B>A", &response("200 OK", 1, "OPTIONS").id(id).tag("b").via(&[&via]));
    }
    s
}

fn tls(edit: fn(&mut TlsSession)) -> Scenario {
    let mut s = answered_call();
    let mut session = TlsSession {
        first: START,
        server: Some("10.0.0.5:5061".parse().unwrap()),
        version: Some("TLS 1.2"),
        encrypted_frames: 80,
        handshake_done: true,
        ..Default::default()
    };
    edit(&mut session);
    s.analysis.tls.push(session);
    s
}

fn unknown_ca(session: &mut TlsSession) {
    session.handshake_done = false;
    session.encrypted_frames = 0;
    session.alerts.push((Side::Caller, "fatal unknown_ca".to_owned()));
}

/// A request with or without a From that can be read.
fn from(value: &str) -> Scenario {
    let mut s = Scenario::default();
    let ends = format!("<sip:alice@example.com>{value}");
    s.add(0, "A>B", &request("OPTIONS", 1).between(&ends, "<sip:bob@example.com>").via(&["A o"]));
    s.add(
        5,
        "B>A",
        &response("200 OK", 1, "OPTIONS").between(&ends, "<sip:bob@example.com>").tag("b").via(&["A o"]),
    );
    later(&mut s, 60_000);
    s
}

pub const CASES: &[Case] = &[
    Case { rule: "capture-cut", fires: || captured(cut), says: "ends inside", misses: || captured(remark) },
    Case { rule: "capture-remark", fires: || captured(remark), says: "3 bytes", misses: || captured(cut) },
    Case {
        rule: "capture-damaged",
        fires: || captured(|c| issue(c, "bad-record", "a record of 4 GB")),
        says: "a record of 4 GB",
        misses: || captured(cut),
    },
    Case {
        rule: "capture-read-error",
        fires: || captured(|c| issue(c, "read-error", "Input/output error")),
        says: "Input/output error",
        misses: || captured(cut),
    },
    Case {
        rule: "capture-tcp-gaps",
        fires: || captured(|c| issue(c, "tcp-gap", "1 460 bytes are missing")),
        says: "1 460 bytes",
        misses: || captured(cut),
    },
    Case {
        rule: "capture-drops",
        fires: || captured(|c| issue(c, "interface-drops", "interface 0 dropped 500")),
        says: "dropped 500",
        misses: || captured(cut),
    },
    Case {
        rule: "capture-out-of-step",
        fires: || captured(|c| issue(c, "websocket-out-of-step", "no frame begins here")),
        says: "no frame begins here",
        misses: || captured(cut),
    },
    Case {
        rule: "capture-limit",
        fires: || captured(|c| c.accounting.over_limit = 3),
        says: "3 frames were not taken in",
        misses: healthy,
    },
    Case {
        rule: "capture-snaplen",
        fires: || captured(|c| c.accounting.cut_short = 3),
        says: "3 of 100 frames in all",
        misses: healthy,
    },
    Case {
        rule: "capture-fragments",
        fires: || captured(|c| c.accounting.fragment_pending = 3),
        says: "3 fragments",
        misses: healthy,
    },
    Case {
        rule: "capture-malformed-frames",
        fires: || captured(|c| c.accounting.malformed = 3),
        says: "3 frames with damaged headers",
        misses: healthy,
    },
    Case {
        rule: "capture-duplicated",
        fires: || captured(|c| c.accounting.duplicate = 3),
        says: "3 frames were captured twice",
        misses: healthy,
    },
    Case {
        rule: "capture-clock-jump",
        fires: || {
            captured(|c| {
                c.clock.steps_back = 1;
                c.clock.furthest = 7_000_000_000;
                c.clock.first.push((12, 7_000_000_000));
            })
        },
        says: "the clock jumps back by 7.00 s",
        misses: healthy,
    },
    Case {
        rule: "capture-one-sided",
        fires: || answers(false),
        says: "3 calls and dialogs",
        misses: || answers(true),
    },
    Case {
        rule: "sip-retransmissions",
        fires: || sent(2),
        says: "60 of 120 SIP messages are repetitions",
        misses: || sent(1),
    },
    Case {
        rule: "sip-malformed",
        fires: || from(";tag=a;\"x"),
        says: "malformed",
        misses: || from(";tag=a"),
    },
    Case {
        rule: "capture-unknown-call",
        fires: || Scenario::sample("snaplen.pcap"),
        says: "before the Call-ID does",
        misses: || Scenario::sample("fragments.pcap"),
    },
    Case {
        rule: "capture-mid-call",
        fires: || Scenario::sample("mid_call.pcap"),
        says: "already up when the capture starts",
        misses: answered_call,
    },
    Case { rule: "tls-failed", fires: || tls(unknown_ca), says: "unknown_ca", misses: || tls(|_| {}) },
    Case {
        rule: "capture-encrypted",
        fires: || tls(|_| {}),
        says: "80 frames encrypted",
        misses: || tls(unknown_ca),
    },
];
