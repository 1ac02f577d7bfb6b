//! The analysis of every sample held to what the manifest says happened in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::common::{
    ConferenceTruth, IceTruth, Sample, analyse, analyse_with, manifest, outcome, samples_folder, sha256,
    whole_manifest,
};
use callscope::correlate::gathered::{
    Command, Conference, Fidelity, InstantMessage, Leg, Member, SignIn, Subscription,
};
use callscope::correlate::ice::{IceCandidate, IceSession, IceSide};
use callscope::correlate::load::LoadOptions;
use callscope::correlate::stun::Allocation;
use callscope::correlate::{Analysis, CallIdx, Failure, MethodId, QosProfile, Str};
use callscope::diagnose::{Finding, diagnose, rules};
use callscope::view::show;
use serde_json::Value;

#[test]
fn manifest_and_folder_agree() {
    let mut named: Vec<String> = manifest().into_iter().map(|s| s.file).collect();
    let mut there: Vec<String> = std::fs::read_dir(samples_folder())
        .expect("the samples folder")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|n| n.contains(".pcap") || n.contains(".cap") || n.contains(".snoop"))
        .collect();
    named.sort();
    there.sort();
    assert_eq!(named, there);
    for s in manifest() {
        assert_eq!(sha256(&s.file), s.sha256, "{} is not the file the manifest speaks of", s.file);
        assert!(!s.origin.is_empty() && s.what.len() > 10, "{}", s.file);
    }
}

#[test]
fn every_sample_is_what_happened() {
    let mut wrong = Vec::new();
    for s in manifest() {
        let analysis = analyse(&s.file);
        check(&s, &analysis, &mut wrong);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The rule in a line of `findings`.
fn rule_of(finding: &str) -> &str {
    finding.split(' ').nth(1).unwrap_or_default()
}

/// What a rule looks for is in some capture, and what only comes close to it in another.
#[test]
fn every_rule_has_a_capture_that_fires_it_and_a_near_miss() {
    let whole = whole_manifest();
    let samples = || whole.sample.iter();
    let marked = samples().filter_map(|s| s.qos.as_ref()).flat_map(|q| &q.more);
    let recorded = whole.recording.iter().flat_map(|r| &r.findings);
    let fired: BTreeSet<&str> =
        samples().flat_map(|s| &s.findings).chain(marked).chain(recorded).map(|f| rule_of(f)).collect();
    let near: BTreeSet<&str> =
        samples().flat_map(|s| &s.near).filter_map(|n| Some(n.split_once(": ")?.0)).collect();
    let without =
        |of: &BTreeSet<&str>| -> Vec<&str> { rules().map(|r| r.id).filter(|id| !of.contains(id)).collect() };
    // No content of a file makes reading it fail: `bad_input` fires that one with a source that breaks.
    assert_eq!((without(&fired), without(&near)), (vec!["capture-read-error"], Vec::new()));
}

fn check(s: &Sample, a: &Analysis, wrong: &mut Vec<String>) {
    let mut expect = |what: &str, expected: String, got: String| {
        if expected != got {
            wrong.push(format!("{}: {what}: expected {expected}, got {got}", s.file));
        }
    };
    let found: Vec<String> = diagnose(a).findings.iter().map(of_finding).collect();
    expect("findings", format!("{:#?}", s.findings), format!("{found:#?}"));
    if let Some(qos) = &s.qos {
        let profile = QosProfile::named(&qos.profile);
        expect("profile", "known".into(), profile.as_ref().map_or("none", |_| "known").into());
        let options = LoadOptions { qos: profile, ..LoadOptions::default() };
        let chosen = analyse_with(&[samples_folder().join(&s.file)], &options);
        let then: Vec<String> = diagnose(&chosen).findings.iter().map(of_finding).collect();
        let beside = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|f| !b.contains(f)).cloned().collect()
        };
        expect("more by the profile", format!("{:?}", qos.more), format!("{:?}", beside(&then, &found)));
        expect("less by the profile", format!("{:?}", qos.less), format!("{:?}", beside(&found, &then)));
    }
    for near in &s.near {
        let (rule, what) = near.split_once(": ").unwrap_or((near, ""));
        expect("a near miss tells what happened", "true".into(), (what.len() > 10).to_string());
        let known = rules().any(|r| r.id == rule);
        expect(
            "the rule of a near miss",
            format!("{rule} is one"),
            format!("{rule} is {}", ["none", "one"][usize::from(known)]),
        );
        let by_profile = s.qos.iter().flat_map(|q| &q.more);
        let fired = s.findings.iter().chain(by_profile).any(|f| rule_of(f) == rule);
        // It tells nothing unless a profile is chosen.
        let asked = rule != "media-mark" || s.qos.is_some();
        expect(rule, "asked".into(), ["not asked", "asked"][usize::from(asked)].into());
        expect(rule, "a near miss".into(), ["a near miss", "a finding"][usize::from(fired)].into());
    }
    if let Some(calls) = &s.calls {
        let got: Vec<String> = (0..a.calls.len()).map(|i| outcome(a, i)).collect();
        expect("calls", format!("{calls:?}"), format!("{got:?}"));
    }
    for (method, count) in &s.requests {
        let id = (0..a.methods.len() as u16).map(MethodId).find(|m| a.method(*m) == method);
        let got = id.and_then(|m| a.sip.requests.get(usize::from(m.0))).copied().unwrap_or(0);
        expect(method, count.to_string(), got.to_string());
    }
    expect("retransmissions", s.retransmissions.to_string(), a.sip.retransmissions.to_string());
    expect("duplicates", s.duplicates.to_string(), a.sip.duplicates.to_string());
    if let Some(malformed) = s.malformed {
        expect("malformed", malformed.to_string(), a.sip.malformed.to_string());
    }
    if let Some(sessions) = s.tls_sessions {
        expect("TLS sessions", sessions.to_string(), a.other.tls_sessions.to_string());
    }
    let pending: u64 = a.captures.iter().map(|c| c.accounting.fragment_pending).sum();
    expect("waiting fragments", s.fragment_pending.to_string(), pending.to_string());
    for c in &a.captures {
        expect("frames accounted for", c.frames.to_string(), c.accounting.total().to_string());
        let in_sessions: u64 = a.tls.iter().map(|t| t.encrypted_frames).sum();
        let encrypted = in_sessions + s.encrypted_datagrams;
        expect("encrypted frames", encrypted.to_string(), c.accounting.encrypted.to_string());
    }
    let dialogs: Vec<String> = a
        .dialogs
        .iter()
        .filter(|d| d.messages.count > 0)
        .map(|d| format!("{} {} {}", a.method(d.method), d.summary.state.name(), d.summary.final_status))
        .collect();
    for d in &s.dialogs {
        expect(
            "dialog",
            d.clone(),
            dialogs.iter().find(|g| *g == d).cloned().unwrap_or(format!("{dialogs:?}")),
        );
    }
    let codes: Vec<&str> = a.captures.iter().flat_map(|c| c.issues.iter().map(|i| i.code)).collect();
    for code in &s.issues {
        let found = if codes.contains(&code.as_str()) { code.clone() } else { format!("{codes:?}") };
        expect("issue", code.clone(), found);
    }
    for link in &s.links {
        let ways: Vec<&str> = a.links.iter().map(|l| l.by.name()).collect();
        let found = if ways.contains(&link.as_str()) { link.clone() } else { format!("{ways:?}") };
        expect("link", link.clone(), found);
    }
    let calls = || (0..a.calls.len() as u32).map(CallIdx);
    if !s.kinds.is_empty() {
        let got: Vec<&str> = calls().map(|c| a.call(c).summary.kind.name()).collect();
        expect("kinds", format!("{:?}", s.kinds), format!("{got:?}"));
    }
    if !s.failures.is_empty() {
        let told = |f: Failure| format!("{}: {}", f.frame.frame, show::failure(&f));
        let got: Vec<String> = calls().map(|c| a.failure(c).map(told).unwrap_or_default()).collect();
        expect("failures", format!("{:?}", s.failures), format!("{got:?}"));
    }
    let sessions: Vec<IceSession> = calls().flat_map(|c| a.ice_sessions_of(c)).collect();
    let loose = a.ice_index().loose.len();
    expect("ICE sessions", s.ice.len().to_string(), (sessions.len() + loose).to_string());
    for (n, (truth, session)) in s.ice.iter().zip(&sessions).enumerate() {
        let got = of_session(session, !truth.candidates.is_empty());
        expect(&format!("ICE session {}", n + 1), format!("{truth:#?}"), format!("{got:#?}"));
    }
    let now = a.newest_time();
    let got: Vec<String> = a.stun.allocations.iter().map(|x| of_allocation(a, x, now)).collect();
    expect("allocations", format!("{:#?}", s.allocations), format!("{got:#?}"));
    let got: Vec<String> = a.gather().lookups().iter().map(|l| of_lookup(a, l)).collect();
    expect("look-ups", format!("{:#?}", s.lookups), format!("{got:#?}"));
    let gathered = a.gather();
    if !s.instant_messages.is_empty() {
        let line = |m: &InstantMessage| {
            let text = a.instant_text(m).text.unwrap_or_default();
            let words = show::safe_str(&text.split_whitespace().collect::<Vec<_>>().join(" "));
            let outcome = if m.notices.iter().any(|n| n.failed) { " failed" } else { "" };
            format!("{} {} {}{outcome} {} {words}", m.from, m.to, m.status, m.conversation + 1)
        };
        let got: Vec<String> = gathered.instant_messages().iter().map(line).collect();
        expect("instant messages", format!("{:#?}", s.instant_messages), format!("{got:#?}"));
    }
    if !s.subscriptions.is_empty() {
        let line = |s: &Subscription| {
            let period = s
                .poll_period
                .map_or_else(|| "-".to_owned(), |p| ((p + 500_000_000) / 1_000_000_000).to_string());
            format!(
                "{} {} {} {} {period} {} {} {}",
                s.subscriber,
                s.event,
                s.targets,
                s.presence_fidelity().map_or("–", Fidelity::name),
                s.notifies,
                s.state.name(),
                s.ending.name().unwrap_or("-")
            )
        };
        let got: Vec<String> = gathered.subscriptions().iter().map(line).collect();
        expect("subscriptions", format!("{:#?}", s.subscriptions), format!("{got:#?}"));
    }
    if !s.told.is_empty() {
        let values = gathered.subscriptions().first().map(|s| a.told_to(s).values).unwrap_or_default();
        let got: Vec<String> =
            values.iter().map(|v| format!("{} {}: {}", v.contact, v.what, v.value)).collect();
        expect("told", format!("{:#?}", s.told), format!("{got:#?}"));
    }
    let got: Vec<ConferenceTruth> = gathered.conferences().iter().map(of_conference).collect();
    expect("conferences", format!("{:#?}", s.conferences), format!("{got:#?}"));
    expect("SRV queries", s.srv_queries.to_string(), a.dns.statistics.srv_queries.to_string());
    if !s.sign_ins.is_empty() {
        let got: Vec<String> = gathered.sign_ins().iter().map(|x| of_sign_in(a, x)).collect();
        expect("sign-ins", format!("{:#?}", s.sign_ins), format!("{got:#?}"));
    }
    for (i, mid) in s.mid_call.iter().enumerate() {
        let got = a.calls.get(i).map(|c| c.summary.starts_mid_call);
        expect("starts mid-call", format!("{:?}", Some(*mid)), format!("{got:?}"));
    }
}

/// The streams in the JSON of every sample whose media is known, and nothing beside them.
#[test]
fn media_is_what_was_sent() {
    let mut wrong = Vec::new();
    for s in manifest().iter().filter(|s| !s.media.is_empty()) {
        let (code, out, err) = crate::cli::run(&["summary", "--format", "json", &s.file]);
        assert_eq!((code, err.as_str()), (0, ""), "{}", s.file);
        let document: Value = serde_json::from_str(&out).expect("JSON");
        check_media(s, &document, &mut wrong);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn check_media(s: &Sample, document: &Value, wrong: &mut Vec<String>) {
    let empty = Vec::new();
    let streams = document["media_streams"].as_array().unwrap_or(&empty);
    let mut got: BTreeMap<String, &Value> = streams.iter().map(|m| (of_stream(m), m)).collect();
    if got.len() != streams.len() {
        wrong.push(format!("{}: a stream is there twice", s.file));
    }
    for truth in &s.media {
        let (exact, jitter) = truth.split_once("; jitter ").unwrap_or((truth, ""));
        let Some(stream) = got.remove(exact) else {
            wrong.push(format!("{}: missing  {exact}", s.file));
            continue;
        };
        let told = [&stream["jitter_ms"]["mean"], &stream["jitter_ms"]["max"]].map(Value::as_f64);
        let injected: Vec<f64> = jitter.split(" max ").filter_map(|t| t.parse().ok()).collect();
        assert!(jitter.is_empty() || injected.len() == 2, "{truth}");
        for (told, injected) in told.into_iter().zip(injected) {
            // What is written is rounded to a hundredth of a millisecond, and RTP clocks may round too.
            if told.is_none_or(|t| (t - injected).abs() > 0.02 + injected / 50.0) {
                wrong.push(format!("{}: jitter {told:?}, injected {injected}  {exact}", s.file));
            }
        }
        let part = |field: &str| stream[field].as_f64();
        let (lost, expected) = (part("lost").unwrap_or(f64::NAN), part("expected").unwrap_or(f64::NAN));
        let share = 100.0 * lost / expected;
        if lost >= 0.0 && part("loss_pct").is_none_or(|p| (p - share).abs() > 0.05) {
            wrong.push(format!("{}: loss of {:?} %, not {share}  {exact}", s.file, part("loss_pct")));
        }
    }
    wrong.extend(got.keys().map(|more| format!("{}: not sent {more}", s.file)));
    // Each call names its streams.
    for call in document["calls"].as_array().unwrap_or(&empty) {
        let of_call = streams.iter().filter(|m| m["call"] == call["id"]);
        let mut expected: Vec<u64> = of_call.filter_map(|m| m["id"].as_u64()).collect();
        let mut named: Vec<u64> =
            call["media"].as_array().unwrap_or(&empty).iter().filter_map(Value::as_u64).collect();
        expected.sort_unstable();
        named.sort_unstable();
        if expected != named {
            wrong.push(format!("{}: call {} names streams {named:?}, not {expected:?}", s.file, call["id"]));
        }
    }
}

/// A stream of the JSON as the manifest writes it, without its jitter.
fn of_stream(m: &Value) -> String {
    let text = |field: &str| m[field].as_str().unwrap_or("?").to_owned();
    let number = |field: &str| m[field].as_i64().map_or("?".to_owned(), |n| n.to_string());
    // The number of channels is left out.
    let codec: Vec<String> = text("codec").split('/').take(2).map(str::to_owned).collect();
    let srtp = match m["srtp"].as_bool() {
        Some(true) => " srtp",
        Some(false) => "",
        None => " srtp?",
    };
    let none = |field: &str, text: String| if m[field].is_null() { "-".to_owned() } else { text };
    let mut t = format!(
        "{} > {} {} {} {}{srtp}, ",
        text("src"),
        text("dst"),
        none("ssrc", text("ssrc")),
        none("payload_type", number("payload_type")),
        codec.join("/")
    );
    // What a stream is about that belongs to no call, nothing but its payload type can tell.
    t += &match m["call"].as_u64() {
        Some(call) => format!("{} of call {call}", text("media")),
        None => "- of no call".to_owned(),
    };
    if let Some(relay) = m["via_relay"].as_object() {
        let part = |field: &str| relay.get(field).and_then(Value::as_str).unwrap_or("?").to_owned();
        t += &format!(" via {} {} {}", part("server"), part("relayed"), part("peer"));
    }
    t += &format!(": {} of {}, {} lost", number("packets"), number("expected"), number("lost"));
    if m["recovered"].is_u64() {
        t += &format!(", {} recovered", number("recovered"));
        // What is lost and comes in no other packet either.
        let missing =
            number("lost").parse::<i64>().ok().zip(m["recovered"].as_i64()).map(|(lost, n)| lost - n);
        assert_eq!(m["missing"].as_i64(), missing, "{t}");
    }
    for (field, word) in [("out_of_order", "late"), ("duplicates", "twice")] {
        if m[field] != 0 {
            t += &format!(", {} {word}", number(field));
        }
    }
    let mut marks: Vec<(i64, i64)> = m["dscp"]
        .as_array()
        .map(|l| l.iter().map(|d| (d["value"].as_i64().unwrap_or(-1), d["packets"].as_i64().unwrap_or(-1))))
        .map(Iterator::collect)
        .unwrap_or_default();
    marks.sort_unstable();
    let marks: Vec<String> = marks.iter().map(|(value, packets)| format!("{value} x {packets}")).collect();
    let reports = m["rtcp"]["reports"].as_i64().map_or("?".to_owned(), |n| n.to_string());
    t + &format!("; DSCP {}; {reports} reports", marks.join(", "))
}

/// DSCP, source, destination and payload of each UDP datagram of a pcap file of Ethernet and IP without options.
fn marked_datagrams(file: &str) -> Vec<(u8, SocketAddr, SocketAddr, Vec<u8>)> {
    let bytes = std::fs::read(samples_folder().join(file)).expect("a sample");
    let mut rest = &bytes[24..];
    let mut out = Vec::new();
    while rest.len() > 16 {
        let len = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        let ip = &rest[30..16 + len];
        rest = &rest[16 + len..];
        let v6 = ip[0] >> 4 == 6;
        let (protocol, addresses, udp) = if v6 { (ip[6], 8, 40) } else { (ip[9], 12, 20) };
        if protocol != 17 {
            continue;
        }
        let port = |at: usize| u16::from_be_bytes([ip[at], ip[at + 1]]);
        let end = |at: usize, port: u16| -> SocketAddr {
            match v6 {
                true => (<[u8; 16]>::try_from(&ip[at..at + 16]).expect("an address"), port).into(),
                false => (<[u8; 4]>::try_from(&ip[at..at + 4]).expect("an address"), port).into(),
            }
        };
        let dscp = if v6 { (ip[0] << 4 | ip[1] >> 4) >> 2 } else { ip[1] >> 2 };
        let size = (udp - addresses) / 2;
        let (src, dst) = (end(addresses, port(udp)), end(addresses + size, port(udp + 2)));
        out.push((dscp, src, dst, ip[udp + 8..].to_vec()));
    }
    out
}

/// Whether a datagram is made as the samples make UDPTL: a number, the primary packet, then repeated ones or parities.
fn is_udptl(p: &[u8]) -> bool {
    let open = |at: usize| p.get(at).map(|len| at + 1 + usize::from(*len));
    let Some(mut at) = open(2) else { return false };
    at += match p.get(at) {
        Some(0) => 1,
        Some(0x80) => 3,
        _ => return false,
    };
    let Some(count) = p.get(at) else { return false };
    let end = (0..*count).try_fold(at + 1, |at, _| open(at));
    end == Some(p.len())
}

/// What the manifest tells of media, counted in the samples' own bytes where they lie bare.
#[test]
fn media_in_the_samples_is_what_the_manifest_tells() {
    let mut counted = 0;
    for s in manifest().iter().filter(|s| !s.media.is_empty() && s.file.ends_with(".pcap")) {
        let all = marked_datagrams(&s.file);
        for truth in s.media.iter().filter(|l| !l.contains(" via ")) {
            let (head, figures) = truth
                .split_once(" call")
                .and_then(|(h, f)| Some((h, f.split_once(": ")?.1)))
                .expect("a line");
            let words: Vec<&str> = head.split([' ', ',']).collect();
            let end = |n: usize| -> SocketAddr { words[n].parse().expect("an address") };
            let fax = words[3] == "-";
            let digits = if fax { "0" } else { &words[3][2..] };
            let ssrc = u32::from_str_radix(digits, 16).expect("an SSRC").to_be_bytes();
            let of_it = |(_, src, dst, p): &&(u8, SocketAddr, SocketAddr, Vec<u8>)| {
                if fax || is_udptl(p) {
                    return fax && is_udptl(p) && (*src, *dst) == (end(0), end(2));
                }
                let rtcp = p.get(1).is_some_and(|t| (192..=223).contains(t));
                (*src, *dst) == (end(0), end(2)) && p[0] >> 6 == 2 && !rtcp && p.get(8..12) == Some(&ssrc)
            };
            let mut sequences: Vec<u16> = Vec::new();
            let mut marks: BTreeMap<u8, u32> = BTreeMap::new();
            for (dscp, .., p) in all.iter().filter(of_it) {
                let at = if fax { 0 } else { 2 };
                sequences.push(u16::from_be_bytes([p[at], p[at + 1]]));
                *marks.entry(*dscp).or_default() += 1;
            }
            let packets = sequences.len();
            sequences.sort_unstable();
            sequences.dedup();
            let twice = match packets - sequences.len() {
                0 => String::new(),
                n => format!(", {n} twice"),
            };
            let marks: Vec<String> = marks.iter().map(|(d, n)| format!("{d} x {n}")).collect();
            assert!(figures.starts_with(&format!("{packets} of ")), "{}: {packets} packets: {truth}", s.file);
            let tail = format!("{twice}; DSCP {};", marks.join(", "));
            assert!(figures.contains(&tail), "{}: {tail} in {truth}", s.file);
            counted += packets;
        }
    }
    assert!(counted > 4_000, "{counted}");
}

#[test]
fn a_stream_is_held_to_every_figure() {
    let stream = serde_json::json!({
        "id": 4, "call": 2, "media": "audio", "src": "[2001:db8::1]:1000", "dst": "[2001:db8::2]:2000",
        "via_relay": { "server": "10.0.0.1:3478", "relayed": "10.0.0.1:50000", "peer": "10.0.0.2:50002" },
        "ssrc": "0x0000002a", "payload_type": 109, "codec": "opus/48000/2", "srtp": true,
        "packets": 99, "expected": 101, "lost": 2, "loss_pct": 1.98, "out_of_order": 1, "duplicates": 0,
        "jitter_ms": { "mean": 1.0, "max": 2.5 },
        "dscp": [{ "value": 46, "packets": 90 }, { "value": 0, "packets": 9 }],
        "rtcp": { "reports": 3, "lost_pct": null },
    });
    let line = "[2001:db8::1]:1000 > [2001:db8::2]:2000 0x0000002a 109 opus/48000 srtp, audio of call 2 via 10.0.0.1:3478 10.0.0.1:50000 10.0.0.2:50002: 99 of 101, 2 lost, 1 late; DSCP 0 x 9, 46 x 90; 3 reports";
    assert_eq!(of_stream(&stream), line);
    let mut sample = manifest().swap_remove(0);
    let mut told = |media: Vec<String>, stream: &Value, named: &[u32]| {
        sample.media = media;
        let document =
            serde_json::json!({ "media_streams": [stream], "calls": [{ "id": 2, "media": named }] });
        let mut wrong = Vec::new();
        check_media(&sample, &document, &mut wrong);
        wrong.len()
    };
    let truth = vec![format!("{line}; jitter 1.01 max 2.50")];
    assert_eq!(told(truth.clone(), &stream, &[4]), 0);
    assert_eq!(told(truth.clone(), &stream, &[]), 1, "the call does not name it");
    assert_eq!(told(Vec::new(), &stream, &[4]), 1, "nobody sent it");
    assert_eq!(told(vec![format!("{line}; jitter 1.20 max 2.50")], &stream, &[4]), 1);
    let mut other = stream.clone();
    other["loss_pct"] = 2.5.into();
    assert_eq!(told(truth.clone(), &other, &[4]), 1);
    for field in
        ["src", "ssrc", "payload_type", "srtp", "packets", "lost", "out_of_order", "duplicates", "dscp"]
    {
        let mut other = stream.clone();
        other[field] = Value::Null;
        assert_eq!(told(truth.clone(), &other, &[4]), 2, "{field}: one missing, one not sent");
    }
}

/// `error call-busy call 2`, `warning call-not-found call 1 of 4`.
/// Severity, rule, first subject, and of how many.
pub fn of_finding(f: &Finding) -> String {
    let subject = f.subject();
    let many = if f.count > 1 { format!(" of {}", f.count) } else { String::new() };
    format!("{} {} {} {}{many}", f.severity.name(), f.rule.id, subject.kind(), subject.id())
}

fn of_lookup(a: &Analysis, l: &callscope::correlate::sql::Lookup) -> String {
    use callscope::view::sql;
    let mut t = format!("{}: {}", l.client.ip(), sql::lookup_question(l));
    if !l.is_connection() {
        t += &format!(": {}", sql::answer(l, a));
    }
    t += &format!("; {}; {}", sql::then(l, a), sql::verdict(l.verdict));
    match l.sip.len() {
        0 => t,
        n => format!("{t}; {n} × 5xx"),
    }
}

fn of_sign_in(a: &Analysis, s: &SignIn) -> String {
    let who = if s.user == Str(0) { s.domain.clone() } else { a.text(s.user).into_owned() };
    let steps: Vec<String> =
        s.steps.iter().map(|s| format!("{} {}", s.kind.name(), s.state.name())).collect();
    let mut t = format!("{who} {} {}: {}", s.state.name(), s.status, steps.join(", "));
    if let Some(account) = s.rounds.iter().rev().find_map(|r| r.user.as_deref()) {
        t += &format!("; {account}");
    }
    for used in s.credentials.iter().flat_map(|c| &c.uses) {
        let verified = if used.verified == Some(true) { ", verified" } else { "" };
        t += &format!("; allocation {} {}{verified}", used.allocation.0 + 1, used.lifetime.name());
    }
    t
}

fn of_session(s: &IceSession, with_candidates: bool) -> IceTruth {
    let counts = |side: &IceSide| {
        let mut by_kind: BTreeMap<&str, usize> = BTreeMap::new();
        for c in &side.candidates {
            *by_kind.entry(c.kind.map_or("unknown", |k| k.name())).or_default() += 1;
        }
        let counts: Vec<String> = by_kind.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        counts.join(", ")
    };
    let line = |c: &IceCandidate| {
        let number = c.priority.map_or_else(|| c.fraction.clone().unwrap_or_default(), |p| p.to_string());
        let kind = c.kind.map_or("", |k| k.name());
        format!("{} {} {} {number} {} {kind}", c.foundation, c.component, c.transport, c.address_text())
    };
    let mut selected: Vec<String> = s
        .selected()
        .filter_map(|p| Some(format!("{} {} {} {}", p.component, p.a, p.b, p.selected?.name())))
        .collect();
    selected.sort();
    IceTruth {
        is: format!(
            "{} {} {} {}",
            s.call.map_or(0, |c| c.0 + 1),
            s.dialect.name(),
            s.generation.name(),
            s.state.name()
        ),
        a: counts(&s.a),
        b: counts(&s.b),
        selected,
        role_conflicts: s.role_conflicts,
        final_unknown: s.final_unknown,
        candidates: if with_candidates { s.a.candidates.iter().map(line).collect() } else { Vec::new() },
    }
}

fn of_conference(c: &Conference) -> ConferenceTruth {
    let command = |c: &Command| {
        let target = c.target.as_deref().unwrap_or("-");
        let reason = c.reason.as_deref().map(|r| format!(" {r}")).unwrap_or_default();
        let call = c.call.map(|c| format!(", call {}", c.0 + 1)).unwrap_or_default();
        format!("{} {target} {}{reason}{call}", c.name, c.outcome.name())
    };
    let member = |m: &Member| {
        let mut t = format!("{} {}:", m.user, m.role.as_deref().unwrap_or("-"));
        for e in &m.endpoints {
            let word = |o: &Option<String>| o.clone().unwrap_or_else(|| "-".to_owned());
            t += &format!(" {} {} {}", word(&e.session), word(&e.status), word(&e.joined));
        }
        match (&m.left, &m.left_how) {
            (Some(_), Some(how)) => t + &format!("; left, {how}"),
            (Some(_), None) => t + "; left",
            (None, _) => t,
        }
    };
    let leg = |l: &Leg| {
        let mcu = l.mcu.map(|m| format!(" {}", m.name())).unwrap_or_default();
        format!("{} {}{mcu}", l.call.0 + 1, l.role.name())
    };
    let is = |what: bool, word: &'static str| if what { word } else { "" };
    ConferenceTruth {
        is: format!(
            "{} {}{}{}{}",
            c.conference_id,
            c.organizer,
            is(c.factory, " factory"),
            is(c.roster_complete, " complete"),
            is(c.ended, " ended")
        ),
        mcus: c.mcus.iter().map(|m| m.kind.clone()).collect(),
        commands: c.commands.iter().map(command).collect(),
        roster: c.roster.iter().map(member).collect(),
        legs: c.legs.iter().map(leg).collect(),
    }
}

fn of_allocation(analysis: &Analysis, a: &Allocation, now: i64) -> String {
    let mut t = format!("{} {} {} {}", a.client, a.server, a.transport.name(), a.state(now).name());
    for (what, address) in [("mapped", a.mapped), ("relayed", a.relayed)] {
        if let Some(address) = address {
            t += &format!(", {what} {address}");
        }
    }
    let rounds: Vec<String> = a
        .rounds
        .iter()
        .map(|r| match (r.response, r.error) {
            (None, _) => format!("{} × unheard", r.sent),
            (Some(_), 0) => "granted".to_owned(),
            (Some(_), code) => code.to_string(),
        })
        .collect();
    t += &format!(": {}", rounds.join(", "));
    if let Some((_, reason)) = a.error.filter(|(_, reason)| *reason != Str(0)) {
        t += &format!("; {}", analysis.text(reason));
    }
    t
}

/// UDP payloads of a pcap file of Ethernet and IPv4 without options.
fn datagrams(file: &str) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(samples_folder().join(file)).expect("a sample");
    let (mut at, mut out) = (24, Vec::new());
    while at + 16 <= bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("four bytes")) as usize;
        let frame = &bytes[at + 16..at + 16 + len];
        if frame[23] == 17 {
            out.push(frame[42..].to_vec());
        }
        at += 16 + len;
    }
    out
}

/// The samples' own hashes, so that what says "verified" of them can be trusted.
#[test]
fn hashes_in_the_samples_are_right() {
    use callscope_parsers::stun::integrity::{
        Fingerprint, Integrity, IntegrityRule, check_fingerprint, long_term_key, verify_integrity,
    };
    use callscope_parsers::stun::{Dialect, scan_stun};
    let long_term = |user: &str| {
        let realm = if user.contains(char::is_uppercase) || user.starts_with("mras") {
            "rtcmedia"
        } else {
            "example.org"
        };
        long_term_key(user.as_bytes(), realm.as_bytes(), b"secret").to_vec()
    };
    let users = ["AgAAJAFTru4By", "browser", "ivan", "jack", "nora", "thea", "udo"];
    let given = ["31", "32", "33", "41", "47"].map(|n| format!("mras-user-00{n}"));
    let mut keys = vec![b"qkEP6bVVmSBBqR2IEnLFWr/L".to_vec(), b"Y6Yd5gWbUCTCsn1Qfq7b3g==".to_vec()];
    keys.extend(users.into_iter().chain(given.iter().map(String::as_str)).map(long_term));
    let mut rules: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut wrong = 0;
    for file in [
        "communicator_r2.pcap",
        "two_endpoints.pcap",
        "no_path.pcap",
        "paths.pcap",
        "browser.pcap",
        "rules_relays.pcap",
        "near_paths.pcap",
        "near_relays.pcap",
    ] {
        for payload in datagrams(file) {
            let mut inside = Some(payload);
            while let Some(bytes) = inside.take() {
                let Some(scan) = scan_stun(&bytes, None) else { continue };
                let found = check_fingerprint(&scan);
                assert!(matches!(found, Fingerprint::Absent | Fingerprint::Good), "{file}: {found:?}");
                if scan.has_integrity() {
                    let verified = keys.iter().find_map(|k| match verify_integrity(&scan, k) {
                        Integrity::Verified { rule, .. } => Some(rule),
                        _ => None,
                    });
                    match verified {
                        Some(rule) => {
                            // Where nothing is left to pad two rules are one.
                            let rule = match (scan.dialect(), rule) {
                                (Dialect::Rfc5389, IntegrityRule::Rfc5389) => "as RFC 5389",
                                (Dialect::MsTurn, IntegrityRule::Padded) => "padded",
                                (Dialect::MsIce2, IntegrityRule::MsIce2) => "as MS-ICE2",
                                (dialect, rule) => panic!("{file}: {dialect:?} by {rule:?}"),
                            };
                            *rules.entry((scan.dialect().name(), rule)).or_default() += 1;
                        }
                        None => wrong += 1,
                    }
                }
                inside = scan.data().map(<[u8]>::to_vec);
            }
        }
    }
    assert_eq!(wrong, 3, "the refused requests of three calls");
    assert_eq!(rules.len(), 3, "{rules:?}");
    assert!(rules.values().all(|n| *n >= 8), "{rules:?}");
}
