//! The result does not depend on threads, on the kind of input, or on how captures are cut into files.

use std::path::PathBuf;

use crate::common::{analyse, analyse_with, manifest, outcome, samples_folder};
use callscope::correlate::Analysis;
use callscope::correlate::load::LoadOptions;

fn facts(a: &Analysis) -> Vec<String> {
    let mut facts: Vec<String> = (0..a.calls.len()).map(|i| format!("call {}", outcome(a, i))).collect();
    facts.extend(a.messages.iter().map(|m| {
        format!("{:?} {:?} {} {} {} {}", m.frame, m.owner, m.time, a.method(m.method), m.status, m.flags)
    }));
    facts.push(format!("{:?} {:?}", a.sip, a.links));
    facts.extend(a.captures.iter().map(|c| format!("{:?} {:?}", c.accounting, c.issues)));
    facts
}

#[test]
fn threads_do_not_matter() {
    for s in manifest() {
        let path = [samples_folder().join(&s.file)];
        let of = |threads| facts(&analyse_with(&path, &LoadOptions { threads, ..LoadOptions::default() }));
        assert_eq!(of(1), of(4), "{}", s.file);
    }
}

#[test]
fn several_captures_are_merged_by_time() {
    let paths: Vec<PathBuf> =
        ["proxy_hops.pcap", "call_states.pcap"].iter().map(|n| samples_folder().join(n)).collect();
    let a = analyse_with(&paths, &LoadOptions::default());
    assert_eq!(a.captures.len(), 2);
    assert!(a.messages.is_sorted_by_key(|m| m.time), "messages of all captures in order of time");
    let (one, two) = (analyse("proxy_hops.pcap"), analyse("call_states.pcap"));
    assert_eq!(a.calls.len(), one.calls.len() + two.calls.len());
    assert_eq!(a.sip.messages, one.sip.messages + two.sip.messages);
}

#[test]
fn a_capture_given_twice_is_seen_as_duplicates() {
    let path = samples_folder().join("proxy_hops.pcap");
    let a = analyse_with(&[path.clone(), path], &LoadOptions::default());
    let once = analyse("proxy_hops.pcap");
    assert_eq!(a.calls.len(), once.calls.len());
    assert_eq!(a.sip.duplicates, once.sip.messages);
}
