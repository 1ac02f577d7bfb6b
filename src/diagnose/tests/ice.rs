//! Cases of the rules about ICE.

use super::{Case, later};
use crate::correlate::{Analysis, CallIdx};
use crate::diagnose::ice::why;
use crate::diagnose::{Finding, Subject};
use crate::view::scenario::ice::*;
use crate::view::scenario::{Scenario, request, response};

pub(super) const STRAIGHT: &str = "10.0.0.65:4000>192.168.7.66:5000";
const BY_RELAY: &str = "10.0.0.65:4000>203.0.113.9:50001";
const FROM_RELAY: &str = "203.0.113.9:50001>10.0.0.65:4000";

/// A call with these candidates; ten seconds later it ends.
fn call(offered: &[&str], answered: &[&str]) -> Scenario {
    let mut s = Scenario::default();
    let invite = request("INVITE", 1).via(&["A b1"]);
    s.add(100, "A>B", &invite.body("application/sdp", &sdp("10.0.0.65:4000", "alic", offered)));
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b");
    s.add(1100, "B>A", &ok.body("application/sdp", &sdp("192.168.7.66:5000", "bobb", answered)));
    s.add(1110, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b"));
    s
}

/// Alice asks over `path` and nothing answers.
fn in_vain(s: &mut Scenario, path: &str, transaction: &str) {
    for ms in [1200, 1700, 2700] {
        s.check(ms, path, transaction, ALICE_ASKS, true);
    }
}

const HOST_A: &str = "1 1 UDP 2130706431 10.0.0.65 4000 typ host";
const HOST_B: &str = "1 1 UDP 2130706431 192.168.7.66 5000 typ host";

pub(super) fn no_relays(answered: &[&str], path: &str) -> Scenario {
    hung_up(answered, path, 20_000)
}

/// The call ends after so many milliseconds; the fourth request would go out at 4.7 s (RFC 8489 section 6.2.1).
fn hung_up(answered: &[&str], path: &str, at: i64) -> Scenario {
    let mut s = call(&[HOST_A], answered);
    in_vain(&mut s, path, "z0");
    end(&mut s, at);
    later(&mut s, 60_000);
    s
}

/// A call of which no check is captured.
fn no_checks(answered: &[&str]) -> Scenario {
    let mut s = call(&[HOST_A], answered);
    end(&mut s, 20_000);
    later(&mut s, 60_000);
    s
}

/// The re-INVITE names a pair of Bob's relay; it is answered with `status`.
fn final_offer(status: &str, remote: &str) -> Scenario {
    let mut s = offer_and_answer(true);
    s.stun(1200, BY_RELAY, BINDING, "w1", &[(USERNAME, b"bobb:alic".to_vec())]);
    s.stun(1210, FROM_RELAY, BOUND, "w1", &[mapped("198.51.100.1:40000")]);
    let body = format!("{}a=remote-candidates:1 {remote}\r\n", sdp("10.0.0.65:4000", "alic", &[HOST_A]));
    s.add(2000, "A>B", &request("INVITE", 2).via(&["A b7"]).tag("b").body("application/sdp", &body));
    let answer = response(status, 2, "INVITE").via(&["A b7"]).tag("b");
    let answer = match status.starts_with('2') {
        true => answer.body("application/sdp", &sdp("203.0.113.9:50001", "bobb", &[])),
        false => answer,
    };
    s.add(2010, "B>A", &answer);
    s.add(2020, "A>B", &request("ACK", 2).via(&["A b8"]).tag("b"));
    end(&mut s, 20_000);
    s
}

/// Answered checks without a nomination; `nominated` one later.
fn answered_checks(nominated: bool) -> Scenario {
    let mut s = offer_and_answer(true);
    s.stun(1200, BY_RELAY, BINDING, "w1", &[(USERNAME, b"bobb:alic".to_vec())]);
    s.stun(1210, FROM_RELAY, BOUND, "w1", &[mapped("198.51.100.1:40000")]);
    if nominated {
        s.check(1300, BY_RELAY, "w2", ALICE_ASKS, true);
        s.stun(1310, FROM_RELAY, BOUND, "w2", &[mapped("198.51.100.1:40000")]);
    }
    end(&mut s, 20_000);
    s
}

/// Checks are still going on when the call ends after so many milliseconds.
fn cut_off(at: i64) -> Scenario {
    let mut s = offer_and_answer(true);
    for n in 0..(at - 1_200) / 500 {
        s.check(1200 + n * 500, STRAIGHT, &format!("c{n}"), ALICE_ASKS, false);
    }
    end(&mut s, at);
    s
}

/// By Bob's relay; media takes the straight way too, for so many milliseconds.
fn media_elsewhere(lasts: i64) -> Scenario {
    let mut s = through_bobs_relay();
    s.media(1400, STRAIGHT, 20);
    s.media(1400 + lasts, STRAIGHT, 20);
    s
}

/// A relay is chosen; the straight way was answered before, or not.
fn relay_chosen(direct: bool) -> Scenario {
    let mut s = offer_and_answer(true);
    s.stun(1200, STRAIGHT, BINDING, "d1", &[(USERNAME, b"bobb:alic".to_vec())]);
    if direct {
        s.stun(1210, "192.168.7.66:5000>10.0.0.65:4000", BOUND, "d1", &[mapped("10.0.0.65:4000")]);
    }
    s.check(1250, BY_RELAY, "x2", ALICE_ASKS, true);
    s.stun(1300, FROM_RELAY, BOUND, "x2", &[mapped("198.51.100.1:40000")]);
    s.media(1400, BY_RELAY, 150);
    s.media(1420, FROM_RELAY, 149);
    end(&mut s, 6000);
    s
}

/// Both generations offered, one taken.
fn generations(taken: &str) -> Scenario {
    let old = "a=candidate:uuK9Gym3F0zReasv+FyKCM 1 UwaQkvk5hiWgVg UDP 0.850 10.0.0.65 4000\r\n";
    let new = "a=candidate:1 1 UDP 2130706431 10.0.0.65 4000 typ host\r\n";
    let body = |part: &str, lines: &str| {
        format!(
            "{part}v=0\r\no=- 1 1 IN IP4 10.0.0.65\r\ns=-\r\nc=IN IP4 10.0.0.65\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n\
             a=ice-ufrag:abcd\r\na=ice-pwd:passwordpasswordpassword\r\n{lines}"
        )
    };
    let part = "Content-Type: application/sdp\r\n\r\n";
    let both = format!("--x\r\n{}\r\n--x\r\n{}\r\n--x--\r\n", body(part, old), body(part, new));
    let mut s = Scenario::default();
    let invite = request("INVITE", 1).via(&["A b1"]).body("multipart/alternative;boundary=x", &both);
    s.add(0, "A>B", &invite);
    let lines = if taken == "old" { old } else { new };
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b");
    s.add(1000, "B>A", &ok.body("application/sdp", &body("", lines)));
    s.add(1010, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b"));
    end(&mut s, 6000);
    s
}

pub const CASES: &[Case] = &[
    Case {
        rule: "ice-no-relay",
        fires: || no_relays(&[HOST_B], STRAIGHT),
        says: "asked no TURN server",
        // On one network nobody needs one.
        misses: || {
            no_relays(&["1 1 UDP 2130706431 10.0.0.66 5000 typ host"], "10.0.0.65:4000>10.0.0.66:5000")
        },
    },
    Case {
        rule: "ice-final-refused",
        fires: || final_offer("488 Not Acceptable Here", "203.0.113.9 50001"),
        says: "refused",
        misses: || final_offer("200 OK", "203.0.113.9 50001"),
    },
    Case {
        rule: "ice-role-conflict",
        fires: || Scenario::sample("no_path.pcap"),
        says: "keep the same ICE role",
        misses: || Scenario::sample("paths.pcap"),
    },
    Case {
        rule: "ice-not-nominated",
        fires: || answered_checks(false),
        says: "no pair was settled on",
        misses: || answered_checks(true),
    },
    Case {
        rule: "ice-one-way",
        fires: || Scenario::sample("no_path.pcap"),
        says: "one direction only",
        // Bob's network could be reached, and nothing answers: nothing passes either way.
        misses: || {
            no_relays(&["1 1 UDP 2130706431 10.0.0.66 5000 typ host"], "10.0.0.65:4000>10.0.0.66:5000")
        },
    },
    Case {
        rule: "ice-no-pair",
        fires: || hung_up(&[HOST_B], STRAIGHT, 5_100),
        says: "1 pair checked and not answered",
        misses: || hung_up(&[HOST_B], STRAIGHT, 4_400),
    },
    Case { rule: "ice-no-pair", fires: without_a_path, says: "found no path", misses: through_bobs_relay },
    Case {
        rule: "ice-no-common",
        fires: || no_checks(&["1 1 UDP 2130706431 2001:db8::66 5000 typ host"]),
        says: "no candidate of alice (IPv4 over UDP) makes a pair with one of bob (IPv6 over UDP)",
        misses: || {
            no_checks(&[
                "1 1 UDP 2130706431 2001:db8::66 5000 typ host",
                "2 1 UDP 1 203.0.113.7 5000 typ srflx",
            ])
        },
    },
    Case {
        rule: "ice-no-common",
        fires: || no_checks(&["1 1 TCP 2105458943 192.168.7.66 5000 typ host tcptype passive"]),
        says: "(IPv4 over TCP",
        // A name may be of any address.
        misses: || {
            no_checks(&[
                "1 1 TCP 2105458943 192.168.7.66 5000 typ host tcptype passive",
                "2 1 UDP 2130706431 a1.local 5000 typ host",
            ])
        },
    },
    Case {
        rule: "ice-unfinished",
        fires: || cut_off(8_000),
        says: "before ICE had settled",
        misses: || cut_off(3_000),
    },
    Case {
        rule: "ice-final-unknown",
        fires: || final_offer("200 OK", "203.0.113.77 50077"),
        says: "never offered",
        misses: || final_offer("200 OK", "203.0.113.9 50001"),
    },
    // Checks tell addresses too.
    Case {
        rule: "ice-final-unknown",
        fires: || Scenario::sample("no_path.pcap"),
        says: "213.199.141.81:51721",
        misses: || Scenario::sample("near_paths.pcap"),
    },
    Case {
        rule: "ice-media-elsewhere",
        fires: || media_elsewhere(3_000),
        says: "another way",
        misses: || media_elsewhere(500),
    },
    Case {
        rule: "ice-relay-though-direct",
        fires: || relay_chosen(true),
        says: "although",
        misses: || relay_chosen(false),
    },
    Case {
        rule: "ice-downgrade",
        fires: || generations("old"),
        says: "draft-06",
        misses: || generations("new"),
    },
];

#[test]
fn a_relay_that_was_refused_explains_the_missing_path() {
    let analysis = without_a_path().done();
    let found = crate::diagnose::diagnose(&analysis);
    let ids: Vec<&str> = found.findings.iter().map(|f| f.rule.id).collect();
    assert_eq!(ids, ["turn-wrong-credentials", "ice-no-pair", "media-none"]);
    assert_eq!([found.findings[1].explained_by, found.findings[2].explained_by], [Some(0), Some(1)]);
    let verdict = crate::diagnose::call_verdict(&analysis, &found, CallIdx(0));
    let wanted = "answered, but no audio came either way: ICE found no path: \
                  alice's relay allocation was refused with 401, wrong or expired credentials; ";
    assert!(verdict.starts_with(wanted) && verdict.ends_with("hung up"), "{verdict}");
    // Bob was reached over his own relay: nobody lacked Alice's.
    let mut s = through_bobs_relay();
    s.allocate(7000, "10.0.0.65:4002", None);
    later(&mut s, 60_000);
    let found = crate::diagnose::diagnose(&s.done());
    let told: Vec<(&str, &str)> = found.findings.iter().map(|f| (f.rule.id, f.severity.name())).collect();
    assert_eq!(told, [("turn-wrong-credentials", "info")]);
}

/// Rules of what explains what, from the silence of a call to the first cause.
fn chain(analysis: &Analysis, call: u32) -> Vec<&'static str> {
    let found = crate::diagnose::diagnose(analysis).findings;
    let of_call = |f: &&Finding| f.subject() == Subject::Call(CallIdx(call));
    let mut at = found.iter().filter(of_call).find(|f| f.rule.id == "media-none");
    let mut out = Vec::new();
    while let Some(f) = at {
        out.push(f.rule.id);
        at = f.explained_by.and_then(|i| found.get(i));
    }
    out
}

#[test]
fn what_kept_a_relay_from_its_client_is_told_with_the_path_it_lacks() {
    let [relays, paths] = ["rules_relays.pcap", "rules_paths.pcap"].map(|name| Scenario::sample(name).done());
    for (analysis, call, causes) in [
        (&relays, 0, &["turn-alternate-unreachable"][..]),
        (&relays, 1, &["turn-no-credentials"]),
        (&relays, 3, &["turn-peer-refused"]),
        (&relays, 5, &["turn-credentials-expired", "mras-failed"]),
        (&paths, 0, &["ice-no-relay", "mras-failed"]),
    ] {
        let told = [&["media-none", "ice-no-pair"], causes].concat();
        assert_eq!(chain(analysis, call), told);
    }
    // A relay that may talk to one of its peers is not why.
    let mut s = Scenario::sample("rules_relays.pcap");
    let of_jack = s.analysis.stun.allocations.iter_mut().find(|a| a.client.port() == 40_036).unwrap();
    of_jack.peers[0].permitted = true;
    assert_eq!(chain(&s.done(), 3), ["media-none", "ice-no-pair"]);
}

#[test]
fn a_relay_that_is_not_prolonged_runs_out() {
    let found = crate::diagnose::diagnose(&Scenario::sample("rules_relays.pcap").done()).findings;
    let over = found.iter().find(|f| f.rule.id == "turn-expired-in-call").unwrap();
    assert!(over.title.contains("of dan ran out"), "{}", over.title);
    let cause = over.explained_by.and_then(|i| found.get(i));
    assert_eq!(cause.map(|f| f.rule.id), Some("turn-refresh-refused"));
}

#[test]
fn an_address_whose_own_call_went_well_lacked_nothing() {
    let found = crate::diagnose::diagnose(&Scenario::sample("no_path.pcap").done());
    let of = |relay: &str| found.findings.iter().find(|f| f.title.contains(relay)).unwrap();
    assert_eq!(of("cannot be reached").severity.name(), "info", "TCP 443 worked");
    let ended: Vec<&str> = found
        .findings
        .iter()
        .filter(|f| f.rule.id == "turn-expired-in-call")
        .map(|f| f.title.as_str())
        .collect();
    assert_eq!(ended.len(), 2, "{ended:?}");
}

/// Where nothing makes a pair nothing is checked anywhere: to capture at another place would show no more.
#[test]
fn without_a_pair_there_is_nothing_to_capture() {
    let told = |answer: &str| {
        let analysis = no_checks(&[answer]).done();
        let call =
            (0..analysis.calls.len() as u32).map(CallIdx).find(|c| analysis.has_ice(*c)).expect("a call");
        let session = analysis.ice_sessions_of(call).into_iter().next().expect("a session");
        why(&analysis, &session).join(" ")
    };
    let words = told("1 1 UDP 2130706431 2001:db8::66 5000 typ host");
    assert!(words.contains("there was nothing to check") && !words.contains("capture at"), "{words}");
    let words = told("1 1 UDP 2130706431 192.168.7.66 5000 typ host");
    assert!(words.contains("capture at one of them"), "{words}");
}
