//! The analysis of every sample held to what the manifest says happened in it.

use crate::common::{Sample, analyse, manifest, outcome, samples_folder};
use callscope::correlate::{Analysis, CallIdx, Failure, MethodId};
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
    for (i, mid) in s.mid_call.iter().enumerate() {
        let got = a.calls.get(i).map(|c| c.summary.starts_mid_call);
        expect("starts mid-call", format!("{:?}", Some(*mid)), format!("{got:?}"));
    }
}
