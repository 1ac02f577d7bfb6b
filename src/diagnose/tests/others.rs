//! Cases of the rules about subscriptions, conferences, instant messages and other requests.

use super::{Case, later};
use crate::view::scenario::conference::*;
use crate::view::scenario::{Scenario, request, response};

/// A request outside of calls, and its answer.
fn asked(method: &str, answer: Option<&str>, until: i64) -> Scenario {
    let mut s = Scenario::default();
    s.add(
        0,
        "A>B",
        &request(method, 1).id("r").via(&["A r"]).header("Event: presence").header("Expires: 600"),
    );
    if let Some(status) = answer {
        s.add(20, "B>A", &response(status, 1, method).id("r").tag("b").via(&["A r"]));
    }
    later(&mut s, until);
    s
}

/// A subscription that is granted, and a NOTIFY in it.
fn notified(state: &str, answer: Option<&str>, until: i64) -> Scenario {
    let mut s = asked("SUBSCRIBE", Some("200 OK"), until);
    let notify = request("NOTIFY", 1).id("r").back().via(&["B n"]).header("Event: presence");
    s.add(100, "B>A", &notify.header(&format!("Subscription-State: {state}")));
    if let Some(status) = answer {
        s.add(120, "A>B", &response(status, 1, "NOTIFY").id("r").back().via(&["B n"]));
    }
    s
}

/// Subscriptions of one watcher to one user, each in a dialog of its own.
fn again(times: i64, every: i64, expires: u32) -> Scenario {
    let mut s = Scenario::default();
    for n in 0..times {
        let id: &'static str = format!("s{n}").leak();
        let via = format!("A {id}");
        let ask = request("SUBSCRIBE", 1).id(id).via(&[&via]).header("Event: presence");
        s.add(n * every, "A>B", &ask.header(&format!("Expires: {expires}")));
        let ok = response("200 OK", 1, "SUBSCRIBE").id(id).tag("b").via(&[&via]);
        s.add(n * every + 20, "B>A", &ok.header(&format!("Expires: {expires}")));
    }
    s
}

/// One command of conference control, and the answers to it.
fn command(text: &str, answers: &[(i64, String)]) -> Scenario {
    let mut s = Scenario::default();
    info(&mut s, 1000, 2, &ask("9", FOCUS, text), answers);
    later(&mut s, 60_000);
    s
}

fn answered(code: &str, text: &str) -> Scenario {
    command(&delete("sip:hao@contoso.com"), &[(40, tell("9", FOCUS, code, text))])
}

fn rosters(versions: [u32; 2]) -> Scenario {
    let mut s = Scenario::default();
    let own = endpoint("focus", "connected", "dialed-in");
    notify(&mut s, 200, 1, &roster("full", versions[0], &user("vivian", "full", "presenter", &own)));
    notify(&mut s, 900, 2, &roster("partial", versions[1], &user("amy", "full", "attendee", &own)));
    later(&mut s, 60_000);
    s
}

pub const CASES: &[Case] = &[
    Case {
        rule: "request-unanswered",
        fires: || asked("PUBLISH", None, 60_000),
        says: "no answer to PUBLISH",
        misses: || asked("PUBLISH", None, 20_000),
    },
    Case {
        rule: "request-refused",
        fires: || asked("PUBLISH", Some("403 Forbidden"), 60_000),
        says: "refuses PUBLISH with 403",
        misses: || asked("PUBLISH", Some("412 Conditional Request Failed"), 60_000),
    },
    Case {
        rule: "subscription-refused",
        fires: || asked("SUBSCRIBE", Some("403 Forbidden"), 60_000),
        says: "refused (403 Forbidden)",
        misses: || asked("SUBSCRIBE", Some("200 OK"), 60_000),
    },
    Case {
        rule: "subscription-unanswered",
        fires: || asked("SUBSCRIBE", None, 60_000),
        says: "no answer to SUBSCRIBE",
        misses: || asked("SUBSCRIBE", None, 20_000),
    },
    Case {
        rule: "subscription-ended",
        fires: || notified("terminated;reason=rejected", Some("200 OK"), 60_000),
        says: "the notifier ended it: rejected",
        misses: || notified("terminated;reason=timeout", Some("200 OK"), 60_000),
    },
    Case {
        rule: "notify-failed",
        fires: || notified("active", Some("481 Subscription Does Not Exist"), 60_000),
        says: "1 NOTIFY refused with 481",
        misses: || notified("terminated;reason=timeout", Some("481 Subscription Does Not Exist"), 60_000),
    },
    Case {
        rule: "notify-unanswered",
        fires: || notified("active", None, 60_000),
        says: "1 NOTIFY without any answer",
        misses: || notified("active", None, 20_000),
    },
    Case {
        rule: "presence-poll-fast",
        fires: || again(8, 5_000, 0),
        says: "fetched 8 times",
        misses: || again(8, 300_000, 0),
    },
    Case {
        rule: "subscription-storm",
        fires: || again(12, 1_000, 600),
        says: "begun 12 times",
        misses: || again(12, 30_000, 600),
    },
    Case {
        rule: "im-undelivered",
        fires: || asked("MESSAGE", Some("480 Temporarily Unavailable"), 60_000),
        says: "not delivered: 480",
        misses: || asked("MESSAGE", Some("200 OK"), 60_000),
    },
    Case {
        rule: "im-unanswered",
        fires: || asked("MESSAGE", None, 60_000),
        says: "no answer to the instant message",
        misses: || asked("MESSAGE", None, 20_000),
    },
    Case {
        rule: "conference-mcu-unavailable",
        fires: || answered("failure", "<deleteUser reason=\"mcuTypeNotAvailable\"/>"),
        says: "mcuTypeNotAvailable",
        misses: || answered("failure", "<deleteUser reason=\"userDoesNotExist\"/>"),
    },
    Case {
        rule: "conference-command-failed",
        fires: || answered("failure", "<deleteUser reason=\"userDoesNotExist\"/>"),
        says: "userDoesNotExist",
        misses: || answered("success", "<deleteUser/>"),
    },
    Case {
        rule: "conference-command-unanswered",
        fires: || command(&delete("sip:hao@contoso.com"), &[]),
        says: "no answer",
        misses: || answered("success", "<deleteUser/>"),
    },
    Case {
        rule: "conference-dial-out-stuck",
        fires: || {
            let pending = [(30, tell("9", FOCUS, "pending", "<addUser/>"))];
            command(&dial_out("sip:amy@contoso.com"), &pending)
        },
        says: "dial-out to amy stays pending",
        misses: || {
            let done = |code| tell("9", FOCUS, code, "<addUser/>");
            command(&dial_out("sip:amy@contoso.com"), &[(30, done("pending")), (3000, done("success"))])
        },
    },
    Case {
        rule: "conference-roster-gap",
        fires: || rosters([1, 3]),
        says: "Version 3 follows 1",
        misses: || rosters([1, 2]),
    },
];
