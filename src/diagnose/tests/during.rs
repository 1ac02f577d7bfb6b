//! Cases of the rules about calls that are up, or nearly.

use super::{Case, later};
use crate::view::scenario::{Msg, Scenario, answered_call, request, response};

/// Alice's INVITE and Bob's 200 after a second, edited; acknowledged, and the capture goes on.
fn up(edit: fn(Msg) -> Msg) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(500, "B>A", &response("180 Ringing", 1, "INVITE").via(&["A b1"]).tag("b"));
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 0);
    s.add(1000, "B>A", &edit(ok));
    s.add(1010, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b"));
    s
}

/// A request of Alice inside of the call.
fn inside(s: &mut Scenario, ms: i64, method: &str, answer: Option<&str>) {
    s.add(ms, "A>B", &request(method, 2).via(&["A i2"]).tag("b"));
    if let Some(status) = answer {
        s.add(ms + 20, "B>A", &response(status, 2, method).via(&["A i2"]).tag("b"));
    }
}

fn asked(method: &str, answer: Option<&str>, until: i64) -> Scenario {
    let mut s = up(|ok| ok);
    inside(&mut s, 5_000, method, answer);
    later(&mut s, until);
    s
}

/// The 200 is sent five times from an address, with a Contact; no ACK comes.
fn repeated(from: &str, contact: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, &format!("A>{from}"), &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 0);
    let ok = ok.header(&format!("Contact: <sip:bob@{contact}>"));
    for ms in [1000, 1500, 2500, 4500, 8500] {
        s.add(ms, &format!("{from}>A"), &ok);
    }
    later(&mut s, 60_000);
    s
}

fn given_up(header: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(500, "B>A", &response("180 Ringing", 1, "INVITE").via(&["A b1"]).tag("b"));
    s.add(9_000, "A>B", &request("CANCEL", 1).via(&["A b1"]).header(header));
    s.add(9_010, "B>A", &response("200 OK", 1, "CANCEL").via(&["A b1"]).tag("b"));
    s.add(9_020, "B>A", &response("487 Request Terminated", 1, "INVITE").via(&["A b1"]).tag("b"));
    later(&mut s, 60_000);
    s
}

fn crossed(cancelled: bool) -> Scenario {
    let mut s = up(|ok| ok);
    if cancelled {
        s.add(990, "A>B", &request("CANCEL", 1).via(&["A b1"]));
    }
    inside(&mut s, 1_100, "BYE", Some("200 OK"));
    later(&mut s, 60_000);
    s
}

fn hung_up(reason: &str) -> Scenario {
    let mut s = up(|ok| ok);
    s.add(9_000, "A>B", &request("BYE", 2).via(&["A b3"]).tag("b").header(reason));
    s.add(9_020, "B>A", &response("200 OK", 2, "BYE").via(&["A b3"]).tag("b"));
    later(&mut s, 60_000);
    s
}

/// A second phone answers; whether Alice lets go of it.
fn two_answers(hangs_up: bool) -> Scenario {
    let mut s = up(|ok| ok);
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("c").sdp("sendrecv", 0);
    s.add(1200, "B>A", &ok);
    if hangs_up {
        s.add(1210, "A>B", &request("ACK", 1).via(&["A b5"]).tag("c"));
        s.add(1220, "A>B", &request("BYE", 2).via(&["A b6"]).tag("c"));
        s.add(1230, "B>A", &response("200 OK", 2, "BYE").via(&["A b6"]).tag("c"));
    }
    later(&mut s, 60_000);
    s
}

fn sent_on(header: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).header(header).sdp("sendrecv", 0));
    s.add(500, "B>A", &response("404 Not Found", 1, "INVITE").via(&["A b1"]).tag("b"));
    later(&mut s, 60_000);
    s
}

/// Bob is silent for a minute, the BYE gets no answer, and he may speak from another port then.
fn forgotten(speaks: &str) -> Scenario {
    let mut s = up(|ok| ok);
    for ms in [61_000, 61_500, 62_500] {
        s.add(ms, "A>B", &request("BYE", 2).via(&["A b3"]).tag("b"));
    }
    let path = format!("{speaks}>A");
    s.add(
        70_000,
        &path,
        &request("OPTIONS", 1)
            .id("o")
            .between("<sip:bob@example.com>;tag=z", "<sip:p@example.com>")
            .via(&["B o"]),
    );
    later(&mut s, 120_000);
    s
}

/// A session of 90 s, and the BYE so long after the answer.
fn session(ends: i64) -> Scenario {
    let mut s = up(|ok| ok.header("Session-Expires: 90;refresher=uac"));
    inside(&mut s, 1000 + ends, "BYE", Some("200 OK"));
    s
}

fn rings_after(ms: i64) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(10, "B>A", &response("100 Trying", 1, "INVITE").via(&["A b1"]));
    s.add(ms, "B>A", &response("180 Ringing", 1, "INVITE").via(&["A b1"]).tag("b"));
    s.add(ms + 100, "B>A", &response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b").sdp("sendrecv", 0));
    s.add(ms + 110, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b"));
    s
}

pub const CASES: &[Case] = &[
    Case {
        rule: "call-ack-lost",
        fires: || repeated("B", "10.0.0.66"),
        says: "was sent 5 times",
        misses: answered_call,
    },
    Case {
        rule: "call-private-contact",
        fires: || repeated("203.0.113.5:5060", "192.168.1.5"),
        says: "192.168.1.5, a private address",
        misses: || repeated("203.0.113.5:5060", "203.0.113.5"),
    },
    Case {
        rule: "call-answered-elsewhere",
        fires: || given_up("Reason: SIP;cause=200;text=\"Call completed elsewhere\""),
        says: "another",
        misses: || given_up("Reason: SIP;cause=487"),
    },
    Case {
        rule: "call-cancel-crossed",
        fires: || crossed(true),
        says: "given up at the moment it was answered, then hung up",
        misses: || crossed(false),
    },
    Case {
        rule: "call-dropped",
        fires: || hung_up("Reason: Q.850;cause=38"),
        says: "dropped by Alice's client",
        misses: || hung_up("Reason: Q.850;cause=16"),
    },
    Case {
        rule: "call-fork-lost",
        fires: || two_answers(false),
        says: "a second phone answered too and got no ACK",
        misses: || two_answers(true),
    },
    Case {
        rule: "call-forwarded",
        fires: || sent_on("Diversion: <sip:carol@example.com>;reason=user-busy"),
        says: "carol@example.com: the user was busy",
        misses: || sent_on("X-Diversion: <sip:carol@example.com>;reason=user-busy"),
    },
    Case {
        rule: "call-glare",
        fires: || asked("INVITE", Some("491 Request Pending"), 60_000),
        says: "both sides changed the call at once",
        misses: || asked("INVITE", Some("488 Not Acceptable Here"), 60_000),
    },
    Case {
        rule: "call-nat-expired",
        fires: || forgotten("10.0.0.66:5099"),
        says: "speaks from port 5099",
        misses: || forgotten("B"),
    },
    Case {
        rule: "call-request-refused",
        fires: || asked("INVITE", Some("488 Not Acceptable Here"), 60_000),
        says: "re-INVITE refused with 488",
        misses: || asked("INVITE", Some("491 Request Pending"), 60_000),
    },
    Case {
        rule: "call-request-unanswered",
        fires: || asked("INVITE", None, 60_000),
        says: "without any answer",
        misses: || asked("INVITE", None, 20_000),
    },
    Case {
        rule: "call-session-expired",
        fires: || session(90_000),
        says: "nobody refreshed the session of 90 s",
        misses: || session(75_000),
    },
    Case {
        rule: "call-slow-setup",
        fires: || rings_after(12_000),
        says: "it took 12 s until it rang",
        misses: || rings_after(8_000),
    },
    Case {
        rule: "call-transfer-failed",
        fires: || asked("REFER", Some("403 Forbidden"), 60_000),
        says: "the transfer failed: 403",
        misses: || asked("REFER", Some("202 Accepted"), 60_000),
    },
];
