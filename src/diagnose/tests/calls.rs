//! Cases of the rules about calls.

use super::found;
use super::{Case, later};
use crate::capture::{CaptureId, CaptureInfo, CaptureIssue, FrameRef};
use crate::correlate::{Analysis, CaptureSummary};
use crate::decode::{Breakage, BreakageKind};
use crate::view::scenario::{Msg, START, Scenario, answered_call, request, response};

/// A call that is answered with some statuses, each half a second after the one before; the capture goes on for a minute.
fn refused(statuses: &[&str]) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    for (i, status) in (1..).zip(statuses) {
        s.add(i * 500, "B>A", &response(status, 1, "INVITE").via(&["A b1"]).tag("b"));
    }
    later(&mut s, 60_000);
    s
}

/// The INVITE meets a sign that its transport broke.
fn broken(kind: BreakageKind) -> Scenario {
    let mut s = Scenario::default();
    let m = s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]));
    let record = *s.analysis.message(m);
    let flow = s.analysis.flow(record.flow);
    s.analysis.add_breakage(&Breakage {
        src: flow.src,
        dst: flow.dst,
        transport: flow.transport,
        kind,
        by: flow.dst.ip(),
        frame: FrameRef { capture: CaptureId(0), frame: 2 },
        time: START + 1_000_000,
        branch: record.branch,
    });
    later(&mut s, 60_000);
    s
}

/// Sent seven times as RFC 3261 has it; `end` is when the capture ends.
fn unanswered(end: i64) -> Scenario {
    let mut s = Scenario::default();
    for ms in [0, 500, 1500, 3500, 7500, 15_500, 31_500].into_iter().filter(|ms| *ms < end) {
        s.add(ms, "A>B", &request("INVITE", 1).via(&["A b1"]));
    }
    later(&mut s, end);
    s
}

fn challenged(answers: &[&str]) -> Scenario {
    let mut s = Scenario::default();
    for (n, answer) in (1u32..).zip(answers) {
        let branch = format!("A b{n}");
        let mut invite = request("INVITE", n).via(&[&branch]);
        if n > 1 {
            invite = invite.header("Proxy-Authorization: Digest username=\"alice\", realm=\"example.com\"");
        }
        let at = i64::from(n) * 100;
        s.add(at, "A>P", &invite);
        s.add(at + 10, "P>A", &response(answer, n, "INVITE").via(&[&branch]).tag("p"));
    }
    later(&mut s, 60_000);
    s
}

const CHALLENGE: &str = "407 Proxy Authentication Required";

pub const CASES: &[Case] = &[
    Case {
        rule: "call-forwarded",
        fires: || refused(&["181 Call Is Being Forwarded", "480 Temporarily Unavailable"]),
        says: "(181 Call Is Being Forwarded)",
        misses: || refused(&["180 Ringing", "480 Temporarily Unavailable"]),
    },
    Case {
        rule: "call-no-response",
        fires: || unanswered(60_000),
        says: "INVITE was sent 7 times in 00:32",
        // Ten seconds later an answer might still have come.
        misses: || unanswered(10_000),
    },
    Case {
        rule: "call-unreachable",
        fires: || broken(BreakageKind::Icmp { v6: false, kind: 3, code: 3 }),
        says: "ICMP port unreachable",
        misses: || broken(BreakageKind::Reset),
    },
    Case {
        rule: "call-connection-lost",
        fires: || broken(BreakageKind::Reset),
        says: "TCP reset",
        misses: || broken(BreakageKind::TlsAlert { description: 70 }),
    },
    Case {
        rule: "call-tls-alert",
        fires: || broken(BreakageKind::TlsAlert { description: 70 }),
        says: "speaks TLS",
        misses: || broken(BreakageKind::Closed),
    },
    Case {
        rule: "call-no-final",
        fires: || {
            let mut s = refused(&["100 Trying"]);
            later(&mut s, 400_000);
            s
        },
        says: "never gave a final answer",
        misses: || refused(&["100 Trying"]),
    },
    Case {
        rule: "call-auth-failed",
        fires: || challenged(&[CHALLENGE, CHALLENGE]),
        says: "credentials were not accepted",
        misses: || challenged(&[CHALLENGE, "200 OK"]),
    },
    Case {
        rule: "call-media-refused",
        fires: || refused(&["488 Not Acceptable Here"]),
        says: "cannot take the offered media",
        misses: || refused(&["480 Temporarily Unavailable"]),
    },
    Case {
        rule: "call-loop",
        fires: || refused(&["483 Too Many Hops"]),
        says: "loop",
        misses: || refused(&["484 Address Incomplete"]),
    },
    Case {
        rule: "call-server-error",
        fires: || refused(&["503 Service Unavailable"]),
        says: "503 Service Unavailable",
        misses: || refused(&["603 Decline"]),
    },
    Case {
        rule: "call-timeout",
        fires: || refused(&["100 Trying", "408 Request Timeout"]),
        says: "nobody behind the server",
        misses: || refused(&["180 Ringing", "408 Request Timeout"]),
    },
    Case {
        rule: "call-not-found",
        fires: || refused(&["404 Not Found"]),
        says: "bob is not known there",
        misses: || refused(&["405 Method Not Allowed"]),
    },
    Case {
        rule: "call-forbidden",
        fires: || refused(&["403 Forbidden"]),
        says: "not allowed",
        misses: || refused(&["404 Not Found"]),
    },
    Case {
        rule: "call-unavailable",
        fires: || refused(&["480 Temporarily Unavailable"]),
        says: "not reachable",
        misses: || refused(&["180 Ringing", "480 Temporarily Unavailable"]),
    },
    Case {
        rule: "call-dialog-unknown",
        fires: || refused(&["481 Call/Transaction Does Not Exist"]),
        says: "to be replaced",
        misses: || refused(&["486 Busy Here"]),
    },
    Case {
        rule: "call-refused",
        fires: || refused(&["420 Bad Extension"]),
        says: "420 Bad Extension",
        misses: || refused(&["200 OK"]),
    },
    Case {
        rule: "call-busy",
        fires: || refused(&["180 Ringing", "486 Busy Here"]),
        says: "bob was busy",
        misses: || refused(&["603 Decline"]),
    },
    Case {
        rule: "call-declined",
        fires: || refused(&["603 Decline"]),
        says: "bob declined",
        misses: || refused(&["600 Busy Everywhere"]),
    },
    Case {
        rule: "call-not-answered",
        fires: || refused(&["180 Ringing", "408 Request Timeout"]),
        says: "rang 500 ms and nobody answered",
        misses: answered_call,
    },
    Case {
        rule: "call-cancelled",
        fires: || {
            let mut s = refused(&["180 Ringing"]);
            s.add(9_000, "A>B", &request("CANCEL", 1).via(&["A b1"]));
            s.add(9_010, "B>A", &response("200 OK", 1, "CANCEL").via(&["A b1"]).tag("b"));
            s.add(9_020, "B>A", &response("487 Request Terminated", 1, "INVITE").via(&["A b1"]).tag("b"));
            s
        },
        says: "bob's phone rang 8.52 s, Alice gave up",
        misses: || refused(&["180 Ringing", "200 OK"]),
    },
    Case {
        rule: "call-redirected",
        fires: || refused(&["302 Moved Temporarily"]),
        says: "sent elsewhere",
        misses: || refused(&["404 Not Found"]),
    },
];

/// What keeps the finding about a call without any answer from being sure.
fn doubt(s: Scenario, prepare: impl Fn(&mut Analysis)) -> Option<String> {
    let mut analysis = s.done();
    prepare(&mut analysis);
    let diagnosis = crate::diagnose::diagnose(&analysis);
    let found = diagnosis.findings.iter().find(|f| f.rule.id == "call-no-response").expect("found");
    found.confidence.why().map(str::to_owned)
}

#[test]
fn an_answer_that_the_capture_may_lack_is_told() {
    assert_eq!(doubt(unanswered(60_000), |_| {}), None);
    let mut once = Scenario::default();
    once.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]));
    later(&mut once, 60_000);
    assert!(doubt(once, |_| {}).expect("a doubt").contains("is there once"));
    let drops = |frames: u64| {
        move |analysis: &mut Analysis| {
            let mut capture = CaptureSummary::new(CaptureInfo {
                path: String::new(),
                format: "pcap",
                compression: None,
                size: None,
            });
            capture.frames = frames;
            capture.complete = true;
            let text = "interface 0 dropped 10 packets while capturing".to_owned();
            capture.issues.push(CaptureIssue { code: "interface-drops", offset: 0, frame: None, text });
            analysis.captures = vec![capture];
        }
    };
    assert!(doubt(unanswered(60_000), drops(10_000)).expect("a doubt").contains("dropped packets"));
    assert_eq!(doubt(unanswered(60_000), drops(10_001)), None);
}

fn sdp(rest: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 10.0.0.65\r\ns=-\r\nc=IN IP4 10.0.0.65\r\nt=0 0\r\nm=audio 4000 {rest}\r\n"
    )
}

/// What is told of a call whose offer is refused.
fn refusal(offer: &str, answer: Msg) -> String {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).body("application/sdp", &sdp(offer)));
    s.add(50, "B>A", &answer);
    later(&mut s, 60_000);
    let found = crate::diagnose::diagnose(&s.done()).findings;
    found.iter().map(|f| format!("{}: {}", f.title, f.detail.join(" "))).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_the_two_lack_in_common_is_told_where_the_answer_says_so() {
    let not_acceptable = || response("488 Not Acceptable Here", 1, "INVITE").via(&["A b1"]).tag("b");
    let takes = |rest: &str| not_acceptable().body("application/sdp", &sdp(rest));
    let crypto =
        "RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    let told = refusal("RTP/AVP 0", takes(crypto));
    assert!(told.contains("do not agree on encryption: the answer asks for SRTP"), "{told}");
    assert!(!told.contains("in common"), "{told}");
    let told = refusal(crypto, takes("RTP/AVP 0"));
    assert!(told.contains("do not agree on encryption: the offer asks for SRTP"), "{told}");
    let told = refusal(
        "RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000",
        takes("RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000"),
    );
    assert!(told.contains("The two have no codec of audio in common."), "{told}");
    assert!(!told.contains("encryption"), "{told}");
    let told = refusal("RTP/AVP 0 8", takes("RTP/AVP 8"));
    assert!(!told.contains("in common") && !told.contains("do not agree"), "{told}");
    // Without a description in the answer nothing is compared; its Warning (RFC 3261 §20.43) is told.
    let told = refusal(
        "RTP/AVP 0",
        not_acceptable().header("Warning: 304 example.com \"Media type not available\""),
    );
    assert!(!told.contains("in common") && told.contains("Media type not available"), "{told}");
    let told = refusal(
        "RTP/AVP 0",
        response("415 Unsupported Media Type", 1, "INVITE")
            .via(&["A b1"])
            .tag("b")
            .header("Accept: application/x"),
    );
    assert!(told.contains("It takes: application/x"), "{told}");
}

#[test]
fn a_loop_names_the_machine_that_had_the_call_twice() {
    let loops = response("483 Too Many Hops", 1, "INVITE").via(&["P b4", "Q b3", "P b2", "A b1"]).tag("b");
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(40, "Q>P", &loops);
    s.add(50, "B>A", &response("483 Too Many Hops", 1, "INVITE").via(&["A b1"]).tag("b"));
    let found = crate::diagnose::diagnose(&s.done()).findings;
    let told =
        found.iter().find(|f| f.rule.id == "call-loop").map(|f| f.detail.join(" ")).unwrap_or_default();
    assert!(told.contains("(Via)") && told.contains("had it 2 times"), "{told}");
}

#[test]
fn whoever_finds_a_loop_is_where_it_closes() {
    // RFC 3261 §16.3: the proxy refuses what it has sent on before; its own Via stands in it once.
    let mut s = Scenario::default();
    s.add(0, "A>P", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(10, "P>Q", &request("INVITE", 1).via(&["P b2", "A b1"]).sdp("sendrecv", 0));
    s.add(20, "Q>P", &request("INVITE", 1).via(&["Q b3", "P b2", "A b1"]).sdp("sendrecv", 0));
    let loops = |vias: &[&str]| response("482 Loop Detected", 1, "INVITE").via(vias).tag("p");
    s.add(30, "P>Q", &loops(&["Q b3", "P b2", "A b1"]));
    s.add(40, "Q>P", &loops(&["P b2", "A b1"]));
    s.add(50, "P>A", &loops(&["A b1"]));
    let told = told_of(s, "call-loop");
    assert!(told.contains("(Via) and back to 10.0.0.80; 10.0.0.80 had it 2 times"), "{told}");
}

/// The detail of what a rule tells.
fn told_of(s: Scenario, rule: &str) -> String {
    let found = crate::diagnose::diagnose(&s.done()).findings;
    let of = found.iter().find(|f| f.rule.id == rule).expect("found");
    format!("{} {}", of.title, of.detail.join(" "))
}

/// Through a proxy, which takes the call; what the machine behind it answers, and what the caller is given.
fn behind_proxy(back: Option<&str>, given: Option<&str>) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>P", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(5, "P>A", &response("100 Trying", 1, "INVITE").via(&["A b1"]));
    for ms in [10, 510] {
        s.add(ms, "P>B", &request("INVITE", 1).via(&["P b2", "A b1"]).sdp("sendrecv", 0));
    }
    if let Some(back) = back {
        s.add(520, "B>P", &response(back, 1, "INVITE").via(&["P b2", "A b1"]));
    }
    if let Some(given) = given {
        s.add(5_000, "P>A", &response(given, 1, "INVITE").via(&["A b1"]).tag("p"));
    }
    later(&mut s, 400_000);
    s
}

#[test]
fn the_machine_that_keeps_silent_is_named_where_its_hop_is_captured() {
    let silent = "sent on to 10.0.0.66:5060 2 times, and nothing came back";
    let timed_out = told_of(behind_proxy(None, Some("408 Request Timeout")), "call-timeout");
    assert!(timed_out.contains(silent), "{timed_out}");
    let heard = told_of(behind_proxy(Some("100 Trying"), Some("408 Request Timeout")), "call-timeout");
    assert!(!heard.contains("nothing came back"), "{heard}");
    let never = told_of(behind_proxy(None, None), "call-no-final");
    assert!(never.contains("10.0.0.80:5060 took the INVITE") && never.contains(silent), "{never}");
    let took = told_of(behind_proxy(Some("100 Trying"), None), "call-no-final");
    assert!(took.contains("10.0.0.66:5060 took the INVITE"), "{took}");
}

#[test]
fn a_cancel_that_says_who_answered_is_shown() {
    let mut s = refused(&["180 Ringing"]);
    let cancel = request("CANCEL", 1).via(&["A b1"]);
    s.add(9_000, "A>B", &cancel.header("Reason: SIP;cause=200;text=\"Call completed elsewhere\""));
    s.add(9_010, "B>A", &response("200 OK", 1, "CANCEL").via(&["A b1"]).tag("b"));
    s.add(9_020, "B>A", &response("487 Request Terminated", 1, "INVITE").via(&["A b1"]).tag("b"));
    let found = crate::diagnose::diagnose(&s.done()).findings;
    let of = found.iter().find(|f| f.rule.id == "call-answered-elsewhere").expect("found");
    assert!(of.evidence.iter().any(|e| e.text == "CANCEL"), "{:?}", of.evidence);
    assert!(of.detail.iter().any(|d| d.contains("Call completed elsewhere")), "{:?}", of.detail);
}

#[test]
fn why_credentials_are_not_taken_is_told_apart() {
    let told = |given: &str, challenge: &str| {
        let mut s = Scenario::default();
        let asked = format!("Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"1\"{challenge}");
        let refused =
            |n: u32, branch: &str| response(CHALLENGE, n, "INVITE").via(&[branch]).tag("p").header(&asked);
        s.add(0, "A>P", &request("INVITE", 1).via(&["A b1"]));
        s.add(10, "P>A", &refused(1, "A b1"));
        let again = request("INVITE", 2).via(&["A b2"]);
        let again = if given.is_empty() {
            again
        } else {
            again.header(&format!("Proxy-Authorization: Digest username=\"alice\", realm=\"{given}\""))
        };
        s.add(20, "A>P", &again);
        s.add(30, "P>A", &refused(2, "A b2"));
        later(&mut s, 60_000);
        let found = crate::diagnose::diagnose(&s.done()).findings;
        let of = found.iter().find(|f| f.rule.id == "call-auth-failed").expect("found");
        of.detail.join(" ")
    };
    for (given, challenge, says) in [
        ("example.com", "", "user name or password do not fit"),
        ("other.example", "", "credentials for the realm other.example, not for the one that is asked for"),
        ("example.com", ", stale=true", "only the nonce was old"),
        ("", "", "the client does not take up the challenge"),
    ] {
        let told = told(given, challenge);
        assert!(told.contains(says), "{says}: {told}");
    }
}

/// Busy behind ringing is declined, or a client that found no relay: the latter is told where ICE was asked for and nothing of
/// it was seen.
#[test]
fn busy_after_ringing_may_be_a_client_without_a_relay() {
    let ice = |statuses: &[&str]| {
        let mut s = Scenario::default();
        let sdp = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n\
                   a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n\
                   a=candidate:1 1 UDP 2130706431 10.0.0.1 4000 typ host\r\n";
        s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).body("application/sdp", sdp));
        for (i, status) in (1..).zip(statuses) {
            s.add(i * 500, "B>A", &response(status, 1, "INVITE").via(&["A b1"]).tag("b"));
        }
        later(&mut s, 60_000);
        found(s).into_iter().find(|t| t.contains("call-busy")).expect("the call was busy")
    };
    let [rang, relay] = ["It rang first", "a client whose STUN or TURN server does not answer it"];
    let told = ice(&["180 Ringing", "486 Busy Here"]);
    assert!(told.contains(rang) && told.contains(relay), "{told}");
    let told = ice(&["100 Trying", "486 Busy Here"]);
    assert!(!told.contains(rang) && !told.contains(relay), "{told}");
    let told = found(refused(&["180 Ringing", "486 Busy Here"]));
    assert!(told.iter().any(|t| t.contains(rang) && !t.contains(relay)), "{told:?}");
    // Behind a forking proxy it was another phone that rang.
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A b1"]).sdp("sendrecv", 0));
    s.add(200, "B>A", &response("180 Ringing", 1, "INVITE").via(&["A b1"]).tag("desk"));
    s.add(900, "B>A", &response("486 Busy Here", 1, "INVITE").via(&["A b1"]).tag("mobile"));
    later(&mut s, 60_000);
    let told = found(s);
    assert!(told.iter().any(|t| t.contains("call-busy") && !t.contains(rang)), "{told:?}");
}

#[test]
fn across_a_clock_that_is_set_back_no_duration_is_told() {
    let given_up = |cancelled: i64| {
        let mut s = refused(&["180 Ringing"]);
        s.add(cancelled, "A>B", &request("CANCEL", 1).via(&["A b1"]));
        s.add(cancelled + 10, "B>A", &response("200 OK", 1, "CANCEL").via(&["A b1"]).tag("b"));
        let ended = response("487 Request Terminated", 1, "INVITE").via(&["A b1"]).tag("b");
        s.add(cancelled + 20, "B>A", &ended);
        let found = crate::diagnose::diagnose(&s.done()).findings;
        let of = found.iter().find(|f| f.rule.id == "call-cancelled").expect("found");
        (format!("{} {}", of.title, of.detail.join(" ")), of.confidence.why().map(str::to_owned))
    };
    let (told, doubt) = given_up(-3_000);
    assert!(told.contains("bob's phone rang, Alice gave up"), "{told}");
    assert!(told.contains("487 Request Terminated was given by") && !told.contains(" ms"), "{told}");
    assert!(doubt.is_some_and(|why| why.contains("clock was set back")));
    let (told, doubt) = given_up(9_000);
    assert!(told.contains("came 9.02 s after the INVITE") && doubt.is_none(), "{told}");
}
