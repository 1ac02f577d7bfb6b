//! Cases of the rules about subscriptions, instant messages and other requests.

use super::{Case, later};
use crate::view::scenario::{Msg, Scenario, request, response};

const WATCHER: &str = "<sip:alice@example.com>;tag=a";
const WATCHED: &str = "<sip:bob@example.com>;tag=b";

fn subscribe(n: u32, expires: u32) -> Msg {
    let branch = format!("A s{n}");
    let m = request("SUBSCRIBE", n).id("watch").header("Event: presence");
    m.header(&format!("Expires: {expires}")).via(&[&branch])
}

fn answered(status: &str, n: u32) -> Msg {
    let branch = format!("A s{n}");
    response(status, n, "SUBSCRIBE").id("watch").tag("b").via(&[&branch])
}

/// One SUBSCRIBE with its answer; the capture goes on.
fn subscribed(status: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &subscribe(1, 3600));
    s.add(20, "B>A", &answered(status, 1));
    later(&mut s, 60_000);
    s
}

fn unanswered(until: i64) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &subscribe(1, 3600));
    later(&mut s, until);
    s
}

/// A subscription with one NOTIFY, answered with `status` or not at all.
fn notified(method: &str, state: &str, status: Option<&str>, until: i64) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &subscribe(1, 3600));
    s.add(20, "B>A", &answered("200 OK", 1));
    let told = request(method, 1).id("watch").between(WATCHED, WATCHER).via(&["B n1"]);
    s.add(1000, "B>A", &told.header("Event: presence").header(&format!("Subscription-State: {state}")));
    if let Some(status) = status {
        let answer = response(status, 1, method).id("watch").between(WATCHED, WATCHER).via(&["B n1"]);
        s.add(1010, "A>B", &answer);
    }
    later(&mut s, until);
    s
}

/// The subscription is ended while a NOTIFY is under way, which is answered with 481; captured at the notifier.
fn crossed(expires: u32) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &subscribe(1, 3600));
    s.add(20, "B>A", &answered("200 OK", 1));
    let told = request("NOTIFY", 1).id("watch").between(WATCHED, WATCHER).via(&["B n1"]);
    s.add(1000, "B>A", &told.header("Event: presence").header("Subscription-State: active"));
    s.add(1010, "A>B", &subscribe(2, expires).tag("b"));
    s.add(1015, "B>A", &answered("200 OK", 2));
    let gone = response("481 Subscription Does Not Exist", 1, "NOTIFY").id("watch");
    s.add(1040, "A>B", &gone.between(WATCHED, WATCHER).via(&["B n1"]));
    s
}

fn fetches(every: i64) -> Scenario {
    let mut s = Scenario::default();
    for n in 1..=8u32 {
        let id: &'static str = format!("f{n}").leak();
        let branch = format!("A f{n}");
        let at = i64::from(n) * every;
        let ask = request("SUBSCRIBE", 1).id(id).header("Event: presence").header("Expires: 0");
        s.add(at, "A>B", &ask.via(&[&branch]));
        s.add(at + 10, "B>A", &response("200 OK", 1, "SUBSCRIBE").id(id).tag("b").via(&[&branch]));
    }
    s
}

/// Twelve subscriptions to the same, so many milliseconds apart.
fn begun_again(every: i64) -> Scenario {
    let mut s = Scenario::default();
    for n in 1..=12u32 {
        let id: &'static str = format!("g{n}").leak();
        let branch = format!("A g{n}");
        let at = i64::from(n) * every;
        let ask = request("SUBSCRIBE", 1).id(id).header("Event: presence").header("Expires: 3600");
        s.add(at, "A>B", &ask.via(&[&branch]));
        s.add(at + 10, "B>A", &response("200 OK", 1, "SUBSCRIBE").id(id).tag("b").via(&[&branch]));
    }
    s
}

fn message(status: Option<&str>, until: i64) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("MESSAGE", 1).via(&["A m1"]).body("text/plain", "hello"));
    if let Some(status) = status {
        s.add(20, "B>A", &response(status, 1, "MESSAGE").via(&["A m1"]).tag("b"));
    }
    later(&mut s, until);
    s
}

fn asked(method: &str, status: Option<&str>, until: i64) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request(method, 1).via(&["A o1"]));
    if let Some(status) = status {
        s.add(20, "B>A", &response(status, 1, method).via(&["A o1"]).tag("b"));
    }
    later(&mut s, until);
    s
}

pub const CASES: &[Case] = &[
    Case {
        rule: "subscription-refused",
        fires: || subscribed("403 Forbidden"),
        says: "refused (403 Forbidden)",
        misses: || subscribed("202 Accepted"),
    },
    Case {
        rule: "subscription-unanswered",
        fires: || unanswered(60_000),
        says: "no answer to SUBSCRIBE",
        misses: || unanswered(20_000),
    },
    Case {
        rule: "subscription-ended",
        fires: || notified("NOTIFY", "terminated;reason=rejected", Some("200 OK"), 60_000),
        says: "the notifier ended it: rejected",
        misses: || notified("NOTIFY", "terminated;reason=timeout", Some("200 OK"), 60_000),
    },
    Case {
        rule: "notify-failed",
        fires: || notified("NOTIFY", "active", Some("481 Subscription Does Not Exist"), 60_000),
        says: "1 NOTIFY refused with 481 Subscription Does Not Exist",
        // The last word of a subscription may come too late.
        misses: || {
            notified("NOTIFY", "terminated;reason=timeout", Some("481 Subscription Does Not Exist"), 60_000)
        },
    },
    Case {
        rule: "notify-failed",
        fires: || crossed(3600),
        says: "Dialog 1, alice → bob",
        misses: || crossed(0),
    },
    Case {
        rule: "notify-unanswered",
        fires: || notified("NOTIFY", "active", None, 60_000),
        says: "without any answer",
        misses: || notified("BENOTIFY", "active", None, 60_000),
    },
    Case {
        rule: "presence-poll-fast",
        fires: || fetches(5_000),
        says: "fetched 8 times, about every 5.00 s",
        misses: || fetches(300_000),
    },
    Case {
        rule: "subscription-storm",
        fires: || begun_again(2_000),
        says: "begun 12 times within a minute",
        misses: || begun_again(60_000),
    },
    Case {
        rule: "subscription-storm",
        fires: || begun_again(5_500),
        says: "begun 12 times, 11 of them within a minute",
        misses: || begun_again(7_000),
    },
    Case {
        rule: "im-undelivered",
        fires: || message(Some("404 Not Found"), 60_000),
        says: "not delivered: 404 Not Found",
        misses: || message(Some("200 OK"), 60_000),
    },
    Case {
        rule: "im-unanswered",
        fires: || {
            let mut s = message(None, 60_000);
            s.add(500, "A>B", &request("MESSAGE", 1).via(&["A m1"]).body("text/plain", "hello"));
            s
        },
        says: "(MESSAGE, sent 2 times): no answer",
        misses: || message(None, 10_000),
    },
    Case {
        rule: "request-unanswered",
        fires: || asked("OPTIONS", None, 60_000),
        says: "no answer to OPTIONS",
        misses: || asked("OPTIONS", None, 20_000),
    },
    Case {
        rule: "request-refused",
        fires: || asked("PUBLISH", Some("403 Forbidden"), 60_000),
        says: "refuses PUBLISH with 403",
        // It lives.
        misses: || asked("OPTIONS", Some("404 Not Found"), 60_000),
    },
];
