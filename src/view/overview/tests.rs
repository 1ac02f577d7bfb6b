use super::*;
use crate::capture::{CaptureInfo, CaptureIssue};
use crate::correlate::{CaptureSummary, TlsSession};
use crate::view::scenario::ice::{BOUND, mapped, sdp, through_bobs_relay, without_a_path};
use crate::view::scenario::voices::{BACK, ENDS, THERE, Voice, voice, voices};
use crate::view::scenario::{START, Scenario, answered_call, request, response};

fn at_a_glance(analysis: &Analysis, slices: usize) -> Overview {
    overview(analysis, &Lists::of(analysis), slices)
}

fn print(o: &Overview) -> String {
    let mut out = format!("{}\n", o.verdict);
    for a in &o.activity {
        out.push_str(&format!("{} {:?} {} {}\n", a.label, a.counts, a.total, a.text));
    }
    for f in &o.findings {
        out.push_str(&format!("{}: {}  [{}]\n", f.severity.name(), f.text, f.frames));
    }
    out.push_str(&format!("{}\n", o.machines.join(" · ")));
    for (text, frame, _) in &o.notes {
        let frame = frame.map(|f| format!("  frame {}", f.frame)).unwrap_or_default();
        out.push_str(&format!("{text}{frame}\n"));
    }
    out + &o.accounting
}

fn capture(accounting: Accounting) -> CaptureSummary {
    let info = CaptureInfo { path: "a.pcap".to_owned(), format: "pcap", compression: None, size: None };
    CaptureSummary {
        frames: accounting.total(),
        bytes: 1,
        first: Some(START),
        last: Some(START + 40_000_000_000),
        accounting,
        issues: vec![CaptureIssue {
            code: "truncated-file",
            offset: 99,
            frame: Some(12),
            text: "the file ends inside a record".to_owned(),
        }],
        input_bytes: 1,
        complete: true,
        ..CaptureSummary::new(info)
    }
}

#[test]
fn a_capture_at_a_glance() {
    let mut s = answered_call();
    s.add(20_000, "C>P", &request("INVITE", 1).id("call-2").via(&["C x1"]));
    s.add(20_010, "P>C", &response("486 Busy Here", 1, "INVITE").id("call-2").tag("p").via(&["C x1"]));
    s.add(30_000, "C>P", &request("OPTIONS", 1).id("o").via(&["C x2"]));
    let mut analysis = s.done();
    let accounting = Accounting {
        decoded: 41_870,
        other_traffic: 6_102,
        encrypted: 241,
        cut_short: 2,
        ..Default::default()
    };
    analysis.captures.push(capture(accounting));
    let session = |cipher: &str, version| TlsSession {
        first: START,
        server: Some("10.0.0.5:5061".parse().unwrap()),
        server_name: Some("sip.contoso.com".to_owned()),
        version: Some(version),
        cipher: Some(cipher.to_owned()),
        encrypted_frames: 80,
        bytes: 40_000,
        handshake_done: true,
        carries_data: true,
        ..Default::default()
    };
    analysis.tls.extend(std::iter::repeat_n(session("TLS_RSA_WITH_AES_128_CBC_SHA", "TLS 1.2"), 3));
    analysis.tls.push(session("TLS_AES_128_GCM_SHA256", "TLS 1.3"));
    insta::assert_snapshot!(print(&at_a_glance(&analysis, 4)));
}

#[test]
fn relays_inside_of_tls_are_named() {
    let told = |server: &str, alpn: Option<&str>| {
        let mut analysis = through_bobs_relay().done();
        analysis.tls.push(TlsSession {
            server: Some(server.parse().unwrap()),
            alpn: alpn.map(str::to_owned),
            version: Some("TLS 1.2"),
            encrypted_frames: 8,
            handshake_done: true,
            carries_data: true,
            ..Default::default()
        });
        let diagnosis = crate::diagnose::diagnose(&analysis);
        let found = diagnosis.findings.into_iter().find(|f| f.rule.id == "capture-encrypted").unwrap();
        found.title.split_once(": ").unwrap().0.to_owned()
    };
    let relay = through_bobs_relay().done().stun.allocations[0].server.ip();
    assert_eq!(told("10.9.9.9:443", Some("stun.turn")), "1 TLS 1.2 session to 10.9.9.9:443 (TURN over TLS)");
    let nat = told("10.9.9.9:443", Some("h2, stun.nat-discovery"));
    assert_eq!(nat, "1 TLS 1.2 session to 10.9.9.9:443 (STUN over TLS)");
    assert!(told("10.9.9.9:5349", None).ends_with("(TURN over TLS, by its port)"));
    assert!(told(&format!("{relay}:443"), None).ends_with("the machine serves TURN)"));
    assert!(told("10.9.9.9:443", Some("h2")).ends_with("10.9.9.9:443"));
    assert!(told(&format!("{relay}:5061"), None).ends_with(":5061"));
}

#[test]
fn empty_captures_say_why() {
    assert_eq!(verdict(&Analysis::default(), &Diagnosis::default()), "Nothing is read yet.");
    let mut analysis = Scenario::default().done();
    analysis.captures.push(capture(Accounting { other_traffic: 7, ..Default::default() }));
    assert_eq!(verdict(&analysis, &Diagnosis::default()), "No SIP in 7 frames.");
    assert_eq!(accounting(&analysis), "7 frames: 0 decoded, 7 other traffic");
    // What is encrypted of a handshake carries nothing.
    analysis.captures[0].accounting.encrypted = 2;
    let session = |carries_data| TlsSession { encrypted_frames: 2, carries_data, ..TlsSession::default() };
    analysis.tls.push(session(false));
    assert_eq!(verdict(&analysis, &Diagnosis::default()), "No SIP in 7 frames.");
    analysis.tls.push(session(true));
    assert_eq!(
        verdict(&analysis, &Diagnosis::default()),
        "No SIP in clear in 7 frames; 2 are encrypted, and SIP over TLS would be among them."
    );
    at_a_glance(&analysis, 0);
    at_a_glance(&Analysis::default(), usize::MAX);
}

#[test]
fn linked_legs_are_told() {
    let mut s = answered_call();
    let linked = |n: usize| ["call-2", "call-3", "call-4"][n];
    for n in 0..3 {
        let branch = format!("B c{n}");
        let invite = request("INVITE", 1).id(linked(n)).via(&[&branch]).header("X-Call-ID: call-1");
        s.add(12_000 + n as i64, "B>C", &invite);
    }
    let notes = at_a_glance(&s.done(), 10).notes;
    let told: Vec<&str> = notes.iter().filter(|n| n.0.contains("legs")).map(|n| n.0.as_str()).collect();
    assert_eq!(told, ["Calls 1, 2, 3 and 4 are legs of one call: joined by X-Call-ID"]);
}

#[test]
fn a_relay_that_nobody_lacked_is_no_warning() {
    // What is counted, and how bad the worst finding about relays is.
    let told = |scenario: Scenario| {
        let analysis = scenario.done();
        let lists = Lists::of(&analysis);
        let notes = overview(&analysis, &lists, 10).notes;
        let turn = notes.into_iter().find(|n| n.0.starts_with("TURN")).unwrap();
        let found = lists.diagnosis().findings.iter().filter(|f| f.rule.id.starts_with("turn-"));
        (turn.0, found.map(|f| f.severity).max())
    };
    // Alice's call went through; that another attempt of hers was refused did no harm.
    let connected = || {
        let mut s = through_bobs_relay();
        s.allocate(7000, "10.0.0.65:4002", None);
        s
    };
    let relays = |words: &str| format!("TURN: {words}");
    assert_eq!(told(through_bobs_relay()), (relays("1 relay allocation"), None));
    assert_eq!(told(connected()), (relays("2 relay allocations, 1 failed"), Some(Severity::Info)));
    // A client of which no session is known, and one whose session failed.
    let mut s = connected();
    s.allocate(7100, "10.0.0.99:4002", None);
    assert_eq!(told(s), (relays("3 relay allocations, 2 failed"), Some(Severity::Warning)));
    assert_eq!(told(without_a_path()), (relays("1 relay allocation, 1 failed"), Some(Severity::Error)));
    assert_eq!(at_a_glance(&through_bobs_relay().done(), 10).verdict, "1 call, answered.");
}

#[test]
fn one_failed_session_of_many_is_named() {
    let mut s = Scenario::default();
    for n in 0..150 {
        let at = |ms: i64| n * 10_000 + ms;
        let id: &'static str = format!("call-{n}").leak();
        let (host, peer) = (format!("10.0.0.65:{}", 4000 + n), format!("10.0.0.66:{}", 4000 + n));
        let offered = |port: i64, ip: &str, ufrag: String| {
            let line = format!("1 1 UDP 2130706431 {ip} {port} typ host");
            sdp(&format!("{ip}:{port}"), &ufrag, &[&line])
        };
        let invite = request("INVITE", 1).id(id).via(&["A b1"]);
        s.add(
            at(0),
            "A>B",
            &invite.body("application/sdp", &offered(4000 + n, "10.0.0.65", format!("a{n}"))),
        );
        let ok = response("200 OK", 1, "INVITE").id(id).via(&["A b1"]).tag("b");
        s.add(at(10), "B>A", &ok.body("application/sdp", &offered(4000 + n, "10.0.0.66", format!("b{n}"))));
        let names = [format!("b{n}"), format!("a{n}")];
        let transaction = format!("t{n}");
        s.check(at(100), &format!("{host}>{peer}"), &transaction, [&names[0], &names[1]], true);
        if n != 120 {
            s.stun(at(110), &format!("{peer}>{host}"), BOUND, &transaction, &[mapped(&host)]);
        }
        s.add(at(9000), "A>B", &request("BYE", 2).id(id).via(&["A b3"]).tag("b"));
        s.add(at(9010), "B>A", &response("200 OK", 2, "BYE").id(id).via(&["A b3"]).tag("b"));
    }
    let overview = at_a_glance(&s.done(), 10);
    let told: Vec<&str> =
        overview.notes.iter().filter(|n| n.0.contains("ICE")).map(|n| n.0.as_str()).collect();
    assert_eq!(told, ["ICE: 150 sessions: 149 connected, 1 failed"]);
    let findings: Vec<&str> = overview.findings.iter().map(|f| f.text.as_str()).collect();
    assert!(findings.len() == 1 && findings[0].starts_with("Call 121, "), "{findings:?}");
    assert!(overview.verdict.starts_with("150 calls, all answered. Call 121, "), "{}", overview.verdict);
}

/// Findings about media.
fn of_media(overview: &Overview) -> Vec<&str> {
    let about = |l: &&Line| ["audio", "media", "Stream"].iter().any(|word| l.text.contains(word));
    overview.findings.iter().filter(about).map(|l| l.text.as_str()).collect()
}

/// Figures are those of [`voices`]: the worst stream is told, and the call that had nothing though another between the same
/// two had.
#[test]
fn media_at_a_glance() {
    let overview = at_a_glance(&voices().done(), 120);
    let line = overview.activity.iter().find(|a| a.label == "Media").unwrap();
    assert_eq!(
        (line.total, line.text.as_str()),
        (3, "streams   loss 2.7 %  jitter 0 ms  MOS 4.1 (lowest 3.8)")
    );
    assert_eq!(line.counts.iter().sum::<u64>(), 500 + 476 + 120);
    // Slices are shorter than the seconds that packets are counted in.
    assert!(line.counts[..28].iter().all(|n| *n > 0), "{:?}", line.counts);
    let told = of_media(&overview);
    assert_eq!(
        told,
        [
            "Call 1, Alice → bob: 5.9 % of bob's audio was lost before the capture point (30 of 506 packets)",
            "Call 2, Alice → bob: no audio came either way",
            "Call 1, Alice → bob: 2 % of bob's audio was lost behind the capture point, as Alice reports",
            "Call 1, Alice → bob: bob's audio has no mark (DSCP 0) as captured here, that of Alice has 46 EF",
        ]
    );
    assert!(overview.notes.iter().all(|n| n.2 == Severity::Info), "{:?}", overview.notes);
}

#[test]
fn healthy_media_is_no_warning() {
    let mut s = Scenario::default();
    s.voice_call("call-1", [0, 11_000], "A>B", ENDS);
    // One packet of 500 lost, and a little jitter.
    let his = Voice { lost: vec![77], late: 4, ..voice(2, 500) };
    s.speak(100, THERE, &voice(1, 500));
    s.speak(110, BACK, &his);
    s.add_report(5_000_000, "10.0.0.65:4001>10.0.0.66:5001", 2, 0, 8);
    // Half a second of talk says nothing.
    s.voice_call("call-2", [20_000, 20_500], "A>B", ENDS);
    let overview = at_a_glance(&s.done(), 10);
    assert!(of_media(&overview).is_empty(), "{:?}", overview.findings);
    assert_eq!(overview.verdict, "2 calls, all answered.");
}

#[test]
fn reasons_beyond_a_limit_are_told_with_its_name() {
    let line = |limits: fn(&mut crate::limits::Limits)| {
        let mut s = Scenario::default();
        limits(&mut s.analysis.limits);
        for (n, id) in ["a", "b", "c"].into_iter().enumerate() {
            let via = format!("A {id}");
            s.add(n as i64 * 100, "A>B", &request("INVITE", 1).id(id).via(&[&via]));
            let why = format!("ms-diagnostics: {};source=\"fe\"", 1003 + n);
            let refused = response("404 Not Found", 1, "INVITE").id(id).tag("b").via(&[&via]);
            s.add(n as i64 * 100 + 10, "B>A", &refused.header(&why));
        }
        let overview = at_a_glance(&s.done(), 10);
        overview.activity.into_iter().find(|a| a.label == "Diagnoses").map(|a| (a.total, a.text)).unwrap()
    };
    let (all, text) = line(|_| {});
    assert_eq!((all, text.contains("limit")), (3, false), "{text}");
    let (all, text) = line(|l| l.diagnostic_messages = 2);
    assert_eq!(all, 2);
    assert!(text.ends_with("1 message not counted (limit diagnostic_messages)"), "{text}");
    let (all, text) = line(|l| l.diagnostic_kinds = 1);
    assert_eq!(all, 1);
    assert!(text.ends_with("2 more not counted (limit diagnostic_kinds)"), "{text}");
}

/// Whoever was sent elsewhere and went there, got any answer to OPTIONS, or still waits when the capture ends, lost nothing.
#[test]
fn the_verdict_counts_the_dialogs_that_the_rules_tell_of() {
    let told = |sample: &str| {
        let overview = at_a_glance(&Scenario::sample(sample).done(), 10);
        let dialogs = overview.activity.iter().find(|a| a.label == "Dialogs").expect("dialogs");
        let figures = dialogs.text.split_once("   ").map_or("", |(_, rest)| rest).to_owned();
        let verdict = overview.verdict.split_once("dialogs").map_or("", |(_, rest)| rest);
        (verdict.split_once('.').map_or("", |(sentence, _)| sentence).to_owned(), figures)
    };
    let told_of = |verdict: &str, figures: &str| (verdict.to_owned(), figures.to_owned());
    assert_eq!(told("near_sign_in.pcap"), told_of("", ""));
    assert_eq!(told("near_presence.pcap"), told_of("", ""));
    assert_eq!(
        told("rules_presence.pcap"),
        told_of(
            ", 1 failed (PUBLISH 403), 5 unanswered (SUBSCRIBE, MESSAGE, OPTIONS …)",
            "1 failed   5 unanswered"
        )
    );
    assert_eq!(
        told("rules_sign_in.pcap"),
        told_of(
            ", 3 failed (REGISTER 301, REGISTER 401, REGISTER 404), 1 unanswered (REGISTER)",
            "3 failed   1 unanswered"
        )
    );
}
