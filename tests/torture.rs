//! Damage of every kind: no panic, bounded time, what came before the damage unchanged, every frame accounted for.

use std::time::{Duration, Instant};

use crate::common::{analyse, analyse_bytes, manifest, samples_folder};
use crate::redaction::{self, copy_of, leaks, names_of};
use crate::report::read;
use callscope::capture::Input;
use callscope::correlate::stun::stun_flag;
use callscope::correlate::{Analysis, CallIdx, flag};
use callscope::output::report::{ReportOptions, Scope, html};

/// Seeded, so that a failure can be run again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(samples_folder().join(name)).expect("a sample")
}

fn balanced(a: &Analysis, what: &str) {
    for c in &a.captures {
        assert_eq!(
            c.frames,
            c.accounting.total(),
            "{what}: a frame is not accounted for: {:?}",
            c.accounting
        );
    }
}

/// Time and method or status of each whole message that ends in the first `frames` frames.
fn heads(a: &Analysis, frames: u32) -> Vec<(i64, u32, u16, u16)> {
    a.messages
        .iter()
        .filter(|m| m.frame.frame <= frames && !m.has(flag::CUT))
        .map(|m| (m.time, m.frame.frame, m.method.0, m.status))
        .collect()
}

/// The same of each STUN message, with where it goes and its owner.
fn stun_heads(a: &Analysis, frames: u32) -> Vec<(i64, u32, u16, String)> {
    a.stun
        .records
        .iter()
        .filter(|r| r.frame().frame <= frames && !r.has(stun_flag::CUT))
        .map(|r| (r.time, r.frame().frame, r.kind, format!("{:?} {:?}", a.flow(r.path), r.owner())))
        .collect()
}

/// ICE sessions are worked out when asked for: whatever the damage, they can be.
fn worked_out(a: &Analysis) {
    let of_calls: usize = (0..a.calls.len() as u32).map(|c| a.ice_sessions_of(CallIdx(c)).len()).sum();
    let index = a.ice_index();
    for group in &index.loose {
        a.loose_ice_session(*group);
    }
    let loose = index.loose.len();
    for call in (0..a.calls.len() as u32).map(CallIdx) {
        let (sessions, numbers) = (a.ice_sessions_of(call), index.of_call(call).len());
        let offers: Vec<_> = sessions.iter().map(|s| (s.section, &s.a.ufrag, &s.b.ufrag)).collect();
        assert!(sessions.len() <= numbers, "call {}: {numbers} numbers for {offers:?}", call.0 + 1);
    }
    assert!(of_calls + loose <= index.len(), "{} numbers for {of_calls} and {loose}", index.len());
    assert_eq!(a.calls_by_allocation().len(), a.stun.allocations.len());
}

#[test]
fn cut_at_every_length() {
    // The short samples at every byte, the long ones at sampled places.
    for s in manifest() {
        let whole = bytes_of(&s.file);
        let all = analyse(&s.file);
        let step = if whole.len() < 4_000 { 1 } else { whole.len() / 150 + 1 };
        let started = Instant::now();
        for len in (0..whole.len()).step_by(step) {
            let Ok(a) = analyse_bytes(&whole[..len]) else { continue };
            balanced(&a, &format!("{} cut at {len}", s.file));
            let frames = a.captures[0].frames as u32;
            if matches!(s.file.as_str(), "tcp_segments.pcap" | "damaged.pcap") {
                // What a stream holds back is given at the end of the capture, wherever that is.
                continue;
            }
            let (before, now) = (heads(&all, frames), heads(&a, frames));
            assert_eq!(before, now, "{} cut at {len}", s.file);
            let (before, now) = (stun_heads(&all, frames), stun_heads(&a, frames));
            assert_eq!(before, now, "{} cut at {len}", s.file);
            worked_out(&a);
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{}", s.file);
    }
}

#[test]
fn bits_flipped() {
    let mut random = Random(0x5eed_cafe);
    for s in manifest() {
        let whole = bytes_of(&s.file);
        for round in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..1 + round % 8 {
                let at = (random.next() as usize) % bytes.len();
                bytes[at] ^= 1 << (random.next() % 8);
            }
            if let Ok(a) = analyse_bytes(&bytes) {
                balanced(&a, &format!("{} round {round}", s.file));
                worked_out(&a);
            }
        }
    }
}

/// Records of a classic little-endian pcap.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut at = 24;
    let mut found = Vec::new();
    while at + 16 <= bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("four bytes")) as usize;
        found.push(bytes[at..at + 16 + len].to_vec());
        at += 16 + len;
    }
    found
}

#[test]
fn segments_reordered_doubled_and_lost() {
    let mut random = Random(77);
    for name in [
        "tcp_segments.pcap",
        "communicator.pcap",
        "websocket.pcap",
        "fragments.pcap",
        "communicator_r2.pcap",
        "browser.pcap",
        "no_path.pcap",
    ] {
        let whole = bytes_of(name);
        let plain = analyse(name);
        let kept = records(&whole);
        for round in 0..30 {
            let mut records = kept.clone();
            match round % 3 {
                // Neighbours swapped: nothing is missing, so every message is still there.
                0 => {
                    let at = 3 + (random.next() as usize) % (records.len() - 5);
                    records.swap(at, at + 1);
                }
                1 => {
                    let at = (random.next() as usize) % records.len();
                    records.insert(at, records[at].clone());
                }
                _ => {
                    let at = (random.next() as usize) % records.len();
                    records.remove(at);
                }
            }
            let bytes = [&whole[..24], &records.concat()].concat();
            let a = analyse_bytes(&bytes).expect("a capture");
            balanced(&a, &format!("{name} round {round}"));
            worked_out(&a);
            if round % 3 == 1 && name != "fragments.pcap" {
                let (was, now) = (plain.sip.messages, a.sip.messages - a.sip.duplicates);
                assert_eq!(was, now, "{name} round {round}: a packet sent twice is no new message");
                let whole =
                    |a: &Analysis| a.stun.records.iter().filter(|r| !r.has(stun_flag::DUPLICATE)).count();
                assert_eq!(whole(&plain), whole(&a), "{name} round {round}: nor a new STUN message");
                assert_eq!(plain.stun.allocations.len(), a.stun.allocations.len(), "{name} round {round}");
            }
        }
    }
}

/// Of damaged captures too a redacted copy comes about that holds no name of the sample, and a page.
#[test]
fn damage_is_redacted_and_reported() {
    let mut random = Random(0xfa57);
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("damaged");
    for name in [
        "tcp_segments.pcap",
        "communicator.pcap",
        "websocket.pcap",
        "fragments.pcap",
        "media_fax.pcap",
        "media_odd.pcap",
        "sctp.pcap",
        "sql.pcap",
        "sign_ins.pcap",
        "conference.pcap",
        "paths.pcap",
    ] {
        let names = names_of(&samples_folder().join(name));
        let whole = bytes_of(name);
        let kept = records(&whole);
        let started = Instant::now();
        for round in 0..5 {
            let mut records = kept.clone();
            let at = 3 + (random.next() as usize) % (records.len() - 5);
            let mut flips = 0;
            match round {
                0 => records.swap(at, at + 1),
                1 => records.insert(at, kept[at].clone()),
                2 => _ = records.remove(at),
                3 => records.truncate(at),
                _ => flips = 40,
            }
            let mut bytes = [&whole[..24], &records.concat()].concat();
            if round == 3 {
                bytes.truncate(bytes.len() - 9);
            }
            for _ in 0..flips {
                let at = 24 + (random.next() as usize) % (bytes.len() - 24);
                bytes[at] ^= 1 << (random.next() % 8);
            }
            let what = format!("{name} round {round}");
            std::fs::write(&path, &bytes).expect("written");
            let original = redaction::analyse(Input::Path(path.clone()), None);
            let copy = copy_of(&path, "torture");
            if flips == 0 {
                let left = leaks(&names, &copy.bytes);
                assert!(left.is_empty(), "{what}: {left:?}");
            }
            let redacted = redaction::analyse(copy.input, Some(copy.tally));
            assert_eq!(original.captures[0].frames, redacted.captures[0].frames, "{what}");
            balanced(&redacted, &what);
            for analysis in [&original, &redacted] {
                let mut page = Vec::new();
                html(&mut page, analysis, &Scope::All, ReportOptions::default()).expect("written");
                read(&String::from_utf8(page).expect("UTF-8"));
            }
        }
        assert!(started.elapsed() < Duration::from_secs(240), "{name}: {:?}", started.elapsed());
    }
}

#[test]
fn not_a_capture_is_told_so() {
    for (bytes, says) in [
        (&b""[..], "empty"),
        (b"hello, this is a text file about captures\n", "not a capture"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", "not a capture"),
        (&[0xd4, 0xc3, 0xb2], "not a capture"),
    ] {
        let error = analyse_bytes(bytes).err().expect("an error").to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn the_header_alone_is_an_empty_capture() {
    let a = analyse_bytes(&bytes_of("sctp.pcap")[..24]).expect("a capture");
    assert_eq!(a.captures[0].frames, 0);
}

#[test]
fn the_fuzz_target_of_the_pipeline_replays() {
    for s in manifest() {
        let whole = bytes_of(&s.file);
        callscope::fuzzing::pipeline(&whole);
        callscope::fuzzing::pipeline(&whole[..whole.len() * 2 / 3]);
    }
}
