//! Cases of the rules about conferences.

use super::{Case, diagnose, later};
use crate::view::scenario::Scenario;
use crate::view::scenario::conference::*;

/// A command with what the focus tells of it; the capture goes on for a minute.
fn command(document: &str, answers: &[(i64, String)]) -> Scenario {
    let mut s = Scenario::default();
    info(&mut s, 0, 2, &ask("9", FOCUS, document), answers);
    later(&mut s, 60_000);
    s
}

fn deletion(code: &str, reason: &str) -> Scenario {
    let told = tell("9", FOCUS, code, &format!("<deleteUser{reason}/>"));
    command(&delete("sip:hao@contoso.com"), &[(40, told)])
}

/// Amy is called; the roster says so, and later what became of it.
fn calling(then: Option<&str>) -> Scenario {
    let mut s = Scenario::default();
    let amy = |status: &str| user("amy", "full", "attendee", &endpoint("audio-video", status, "dialed-out"));
    notify(&mut s, 0, 1, &roster("full", 1, &amy("dialing-out")));
    if let Some(status) = then {
        notify(&mut s, 5_000, 2, &roster("partial", 2, &amy(status)));
    }
    later(&mut s, 60_000);
    s
}

fn versions(second: u32) -> Scenario {
    let mut s = Scenario::default();
    let amy = user("amy", "full", "attendee", &endpoint("audio-video", "connected", "dialed-out"));
    notify(&mut s, 0, 1, &roster("full", 1, &amy));
    notify(&mut s, 100, 2, &roster("partial", second, &amy));
    later(&mut s, 60_000);
    s
}

pub const CASES: &[Case] = &[
    Case {
        rule: "conference-mcu-unavailable",
        fires: || deletion("failure", " reason=\"mcuTypeNotAvailable\""),
        says: "mcuTypeNotAvailable",
        misses: || deletion("failure", " reason=\"userDoesNotExist\""),
    },
    Case {
        rule: "conference-command-failed",
        fires: meeting,
        says: "deleteUser hao failed: userDoesNotExist",
        misses: || deletion("success", ""),
    },
    Case {
        rule: "conference-command-unanswered",
        fires: || command(&delete("sip:hao@contoso.com"), &[]),
        says: "no answer",
        misses: || deletion("success", ""),
    },
    Case {
        rule: "conference-dial-out-stuck",
        fires: || calling(None),
        says: "amy",
        misses: || calling(Some("connected")),
    },
    Case { rule: "conference-roster-gap", fires: || versions(5), says: "version", misses: || versions(2) },
];

#[test]
fn a_dial_out_names_the_call_that_it_led_to() {
    let found = diagnose(&Scenario::sample("rules_conference.pcap").done()).findings;
    let of = found.iter().find(|f| f.rule.id == "conference-dial-out-stuck").expect("found");
    let call = "Call 3, conf BE927F10 → Hao Chen";
    assert_eq!(of.detail[1], format!("It called in {call}, which came to 487 Request Terminated."));
    assert!(of.advice[0].starts_with(&format!("Look at {call}:")), "{:?}", of.advice);
    let shown: Vec<&str> = of.evidence.iter().map(|e| e.text.as_str()).collect();
    assert_eq!(shown, ["addUser", "addUser: pending", "INVITE", "487 Request Terminated"]);
}
