//! The analysis of every sample held to what the manifest says happened in it.

use std::collections::BTreeMap;

use crate::common::{ConferenceTruth, IceTruth, Sample, analyse, manifest, outcome, samples_folder};
use callscope::correlate::gathered::{
    Command, Conference, Fidelity, InstantMessage, Leg, Member, SignIn, Subscription,
};
use callscope::correlate::ice::{IceCandidate, IceSession, IceSide};
use callscope::correlate::stun::Allocation;
use callscope::correlate::{Analysis, CallIdx, Failure, MethodId, Str};
use callscope::view::show;
use sha2::{Digest, Sha256};

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
        let bytes = std::fs::read(samples_folder().join(&s.file)).expect("a sample");
        let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash, s.sha256, "{} is not the file the manifest speaks of", s.file);
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

fn check(s: &Sample, a: &Analysis, wrong: &mut Vec<String>) {
    let mut expect = |what: &str, expected: String, got: String| {
        if expected != got {
            wrong.push(format!("{}: {what}: expected {expected}, got {got}", s.file));
        }
    };
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
        // DTLS is encrypted without being a session; no sample holds any.
        let in_sessions: u64 = a.tls.iter().map(|t| t.encrypted_frames).sum();
        expect("encrypted frames", in_sessions.to_string(), c.accounting.encrypted.to_string());
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
        format!("{} {} {} {number} {} {kind}", c.foundation, c.component, c.transport, c.address_text)
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
    let keys = [
        long_term_key(b"AgAAJAFTru4By", b"rtcmedia", b"secret").to_vec(),
        long_term_key(b"browser", b"example.org", b"secret").to_vec(),
        b"qkEP6bVVmSBBqR2IEnLFWr/L".to_vec(),
        b"Y6Yd5gWbUCTCsn1Qfq7b3g==".to_vec(),
    ];
    let mut rules: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut wrong = 0;
    for file in ["communicator_r2.pcap", "two_endpoints.pcap", "no_path.pcap", "paths.pcap", "browser.pcap"] {
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
