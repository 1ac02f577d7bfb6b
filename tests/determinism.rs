//! The result does not depend on threads, on the kind of input, or on how captures are cut into files.

use std::path::PathBuf;

use crate::common::{analyse, analyse_bytes, analyse_with, manifest, outcome, samples_folder};
use callscope::correlate::load::LoadOptions;
use callscope::correlate::{Analysis, CallIdx};
use proptest::prelude::*;

fn facts(a: &Analysis) -> Vec<String> {
    let mut facts: Vec<String> = (0..a.calls.len()).map(|i| format!("call {}", outcome(a, i))).collect();
    facts.extend(a.messages.iter().map(|m| {
        format!("{:?} {:?} {} {} {} {}", m.frame, m.owner, m.time, a.method(m.method), m.status, m.flags)
    }));
    facts.push(format!("{:?} {:?}", a.sip, a.links));
    facts.extend(stun_facts(a));
    facts.extend(a.captures.iter().map(|c| format!("{:?} {:?}", c.accounting, c.issues)));
    facts
}

/// Every STUN record with its path and owner, the allocations, and the ICE sessions that come of them.
pub fn stun_facts(a: &Analysis) -> Vec<String> {
    let mut facts = vec![format!("{:?}", a.stun.statistics.by_type())];
    facts.extend(a.stun.records.iter().map(|r| {
        let (flow, path) = (a.flow(r.flow), a.flow(r.path));
        format!("{:?} {} {flow:?} {path:?} {:?} {:?} {}", r.frame(), r.time, r.owner(), r.dialect(), r.flags)
    }));
    facts.extend(a.stun.allocations.iter().map(|x| format!("{x:?}")));
    for call in (0..a.calls.len() as u32).map(CallIdx) {
        facts.extend(a.ice_sessions_of(call).iter().map(|s| format!("{s:?}")));
    }
    facts.extend(a.ice_index().loose.iter().map(|g| format!("{:?}", a.loose_ice_session(*g))));
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
fn the_samples_hold_stun_of_every_kind() {
    // Or the comparison above says nothing of it.
    let all: Vec<Analysis> = manifest().iter().map(|s| analyse(&s.file)).collect();
    let records: usize = all.iter().map(|a| a.stun.records.len()).sum();
    let allocations: usize = all.iter().map(|a| a.stun.allocations.len()).sum();
    assert!(records > 200 && allocations > 15, "{records} {allocations}");
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

/// The frames of a sample (a pcap file of Ethernet and IPv4) with their record headers.
fn records(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut at, mut out) = (24, Vec::new());
    while at + 16 <= bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("four bytes")) as usize;
        out.push(&bytes[at..at + 16 + len]);
        at += 16 + len;
    }
    out
}

/// The same capture with the payload of each TCP segment cut into pieces of at most the next of `sizes`.
fn recut(bytes: &[u8], sizes: &[usize]) -> Vec<u8> {
    const HEADERS: usize = 54;
    let mut sizes = sizes.iter().copied().cycle();
    let mut out = bytes[..24].to_vec();
    for record in records(bytes) {
        let (head, frame) = record.split_at(16);
        if frame[23] != 6 || frame.len() == HEADERS {
            out.extend_from_slice(record);
            continue;
        }
        let first = u32::from_be_bytes(frame[38..42].try_into().expect("four bytes"));
        let mut at = HEADERS;
        while at < frame.len() {
            let end = (at + sizes.next().expect("a size").max(1)).min(frame.len());
            let mut piece = frame[..HEADERS].to_vec();
            piece[16..18].copy_from_slice(&((40 + end - at) as u16).to_be_bytes());
            piece[38..42].copy_from_slice(&first.wrapping_add((at - HEADERS) as u32).to_be_bytes());
            piece.extend_from_slice(&frame[at..end]);
            let len = (piece.len() as u32).to_le_bytes();
            out.extend_from_slice(&head[..8]);
            out.extend(len);
            out.extend(len);
            out.extend(piece);
            at = end;
        }
    }
    out
}

/// What STUN says, without the frames that it came in.
fn said(a: &Analysis) -> Vec<String> {
    let mut said: Vec<String> = a
        .stun
        .records
        .iter()
        .map(|r| {
            let (flow, path) = (a.flow(r.flow), a.flow(r.path));
            let (kind, id, len) = (r.kind, r.transaction, r.bytes().len);
            format!("{} {kind:x} {id:x} {len} {flow:?} {path:?} {:?} {}", r.time, r.owner(), r.flags)
        })
        .collect();
    said.extend(a.stun.allocations.iter().map(|x| {
        format!("{} {} {:?} {:?} {:?} {:?}", x.client, x.server, x.mapped, x.relayed, x.peers, x.rounds)
    }));
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// Behind Microsoft's hello and in RFC framing alike.
    #[test]
    fn how_tcp_is_cut_does_not_matter_to_stun(sizes in proptest::collection::vec(1usize..90, 1..12)) {
        for name in ["communicator_r2.pcap", "browser.pcap"] {
            let bytes = std::fs::read(samples_folder().join(name)).expect("a sample");
            let plain = said(&analyse(name));
            prop_assert!(plain.iter().any(|r| r.contains("Tcp")), "{}", name);
            let again = analyse_bytes(&recut(&bytes, &sizes)).expect("a capture");
            prop_assert_eq!(&said(&again), &plain);
        }
    }
}
