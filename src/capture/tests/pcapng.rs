//! Sections, interfaces, blocks.

use super::*;

fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut padded = body.to_vec();
    padded.resize(body.len().next_multiple_of(4), 0);
    let length = u32_of(big, padded.len() as u32 + 12);
    [&u32_of(big, kind)[..], &length, &padded, &length].concat()
}

fn option(big: bool, code: u16, value: &[u8]) -> Vec<u8> {
    let mut out = [u16_of(big, code), u16_of(big, value.len() as u16)].concat();
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn section_header(big: bool) -> Vec<u8> {
    let body = [
        &u32_of(big, 0x1a2b_3c4d)[..],
        &u16_of(big, 1),
        &u16_of(big, 0),
        &[0xff; 8],
        &option(big, 1, b"a section"),
        &[0; 4],
    ]
    .concat();
    block(big, 0x0a0d_0d0a, &body)
}

fn interface(big: bool, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
    block(big, 1, &[&u16_of(big, link)[..], &[0; 2], &u32_of(big, snaplen), options].concat())
}

fn enhanced(big: bool, interface: u32, units: u64, data: &[u8], options: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for v in [interface, (units >> 32) as u32, units as u32, data.len() as u32, data.len() as u32 + 1] {
        body.extend(u32_of(big, v));
    }
    body.extend(data);
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend(options);
    block(big, 6, &body)
}

/// A section with two interfaces and every kind of block.
pub(super) fn section(big: bool) -> Vec<u8> {
    let name = option(big, 2, b"eth0");
    let nanos = [
        option(big, 9, &[9]),
        option(big, 14, &if big { 100_u64.to_be_bytes() } else { 100_u64.to_le_bytes() }),
    ]
    .concat();
    let binary = option(big, 9, &[0x80 | 20]);
    let names = [
        &u16_of(big, 1)[..],
        &u16_of(big, 4 + 9),
        &[10, 0, 0, 1],
        b"pbx\0proxy",
        &[0; 3],
        &u16_of(big, 2),
        &u16_of(big, 16 + 3),
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        b"v6\0\0",
        &[0; 4],
    ]
    .concat();
    let secrets = [&u32_of(big, 0x544c_534b)[..], &u32_of(big, 5), b"KEYS\n"].concat();
    let drops = if big { 7_u64.to_be_bytes() } else { 7_u64.to_le_bytes() };
    let statistics = [&u32_of(big, 1)[..], &[0; 8], &option(big, 5, &drops)].concat();
    let simple = [&u32_of(big, 9)[..], b"simplepac"].concat();
    let mut old = [u16_of(big, 1), u16_of(big, 0)].concat();
    for v in [0, 3 << 20, 3, 3] {
        old.extend(u32_of(big, v));
    }
    old.extend(b"old");
    [
        section_header(big),
        interface(big, 1, 4, &[name, nanos].concat()),
        interface(big, 101, 0, &binary),
        block(big, 4, &names),
        block(big, 10, &secrets),
        enhanced(big, 0, 5, b"first", &option(big, 1, b"look here")),
        block(big, 0x1234, b"unknown"),
        enhanced(big, 1, 1 << 20 | 1 << 19, b"second", &[]),
        block(big, 3, &simple),
        block(big, 0x0bad, &[&u32_of(big, 32_473)[..], b"custom"].concat()),
        interface(big, 113, 0, &[]),
        enhanced(big, 2, 1_000_000, b"third", &[]),
        block(big, 2, &old),
        block(big, 5, &statistics),
    ]
    .concat()
}

/// What [`section`] holds, where its interfaces start from `base` (after which one is made up if `made_up`).
pub(super) fn section_frames(base: u32, made_up: bool, foreign: u32) -> Vec<(Nanos, u32, u16, Vec<u8>)> {
    let third = base + 2 + u32::from(made_up);
    vec![
        (100_000_000_005, base, 1, b"first".to_vec()),
        (1_500_000_000, base + 1, 101, b"second".to_vec()),
        (1_500_000_000, base, 1, b"simp".to_vec()),
        (1_500_000_000, foreign, 0xffff, b"custom\0\0".to_vec()),
        (1_000_000_000, third, 113, b"third".to_vec()),
        (3_000_000_000, base + 1, 101, b"old".to_vec()),
    ]
}

pub(super) fn shape(walked: &Walked) -> Vec<(Nanos, u32, u16, Vec<u8>)> {
    walked.frames.iter().map(|f| (f.time, f.interface, f.link.unwrap().0, f.bytes.clone())).collect()
}

#[test]
fn pcapng_sections_of_both_byte_orders() {
    let bytes = [section(false), section(true), section(false)].concat();
    let walked = walk(&bytes).unwrap();
    let expected =
        [section_frames(0, true, 2), section_frames(4, false, 2), section_frames(7, false, 2)].concat();
    assert_eq!(shape(&walked), expected);
    let count = |f: &dyn Fn(&CaptureNote) -> bool| walked.notes.iter().filter(|n| f(n)).count();
    assert_eq!(count(&|n| matches!(n, CaptureNote::Interface(_))), 10);
    assert_eq!(count(&|n| matches!(n, CaptureNote::TlsSecrets(s) if s == b"KEYS\n")), 3);
    assert_eq!(count(&|n| *n == CaptureNote::Comment { frame: None, text: "a section".into() }), 3);
    assert_eq!(count(&|n| *n == CaptureNote::Comment { frame: Some(7), text: "look here".into() }), 1);
    let name = |address: &str, name: &str| CaptureNote::Name {
        address: address.parse().unwrap(),
        name: name.into(),
    };
    for expected in [name("10.0.0.1", "pbx"), name("10.0.0.1", "proxy"), name("2001:db8::1", "v6")] {
        assert_eq!(count(&|n| *n == expected), 3, "{expected:?}");
    }
    let drops = CaptureNote::InterfaceDrops { interface: 5, received: None, dropped: Some(7) };
    assert_eq!(count(&|n| *n == drops), 1);
    let codes: Vec<&str> = walked.issues().into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["unknown-block"]);
    // Told at the end of the file, of no frame.
    let frames =
        walked.notes.iter().filter_map(|n| if let CaptureNote::Issue(i) = n { Some(i.frame) } else { None });
    assert_eq!(frames.collect::<Vec<_>>(), [None]);
}

/// Options of interface statistics in the format's §4.6: `isb_ifdrop` 5, `isb_osdrop` 7.
#[test]
fn packets_dropped_by_the_interface_and_by_the_system_are_added() {
    for big in [false, true] {
        let dropped = |counts: &[(u16, u64)]| {
            let mut body = u32_of(big, 0).to_vec();
            body.extend([0; 8]);
            for (code, count) in counts {
                body.extend(if big { code.to_be_bytes() } else { code.to_le_bytes() });
                body.extend(if big { [0, 8] } else { [8, 0] });
                body.extend(if big { count.to_be_bytes() } else { count.to_le_bytes() });
            }
            let bytes = [section(big), block(big, 5, &body)].concat();
            let notes = walk(&bytes).unwrap().notes;
            notes.into_iter().rev().find_map(|n| match n {
                CaptureNote::InterfaceDrops { interface: 0, received, dropped } => Some((received, dropped)),
                _ => None,
            })
        };
        assert_eq!(dropped(&[(4, 90), (5, 2), (7, 3)]), Some((Some(90), Some(5))));
        assert_eq!(dropped(&[(7, 3)]), Some((None, Some(3))));
        assert_eq!(dropped(&[(4, 90)]), Some((Some(90), None)));
        assert_eq!(dropped(&[(5, u64::MAX), (7, 1)]), Some((None, Some(u64::MAX))));
    }
}

#[test]
fn a_pcapng_cut_anywhere_gives_the_whole_blocks() {
    let whole = section(true);
    let all = section_frames(0, true, 2);
    let mut before = 0;
    for cut in 12..whole.len() {
        let walked = walk(&whole[..cut]).unwrap();
        let frames = shape(&walked);
        assert_eq!(frames, all[..frames.len()], "{cut}");
        assert!(frames.len() >= before, "{cut}");
        before = frames.len();
    }
    assert_eq!(before, all.len());
}

#[test]
fn damaged_pcapng_blocks_are_skipped() {
    let head = [section_header(false), interface(false, 1, 0, &[])].concat();
    let packet = |i: u32| enhanced(false, 0, u64::from(i) * 1_000_000, &payload(i), &[]);
    let good = [head.clone(), packet(0), packet(1), packet(2)].concat();
    let at = head.len() + packet(0).len();
    for (length, code) in
        [(0, "bad-block"), (13, "bad-block"), (0xffff_fff0, "limit-block-bytes"), (400, "bad-block")]
    {
        let mut bytes = good.clone();
        bytes[at + 4..at + 8].copy_from_slice(&u32_of(false, length));
        let walked = walk(&bytes).unwrap();
        let found: Vec<Vec<u8>> = walked.frames.iter().map(|f| f.bytes.clone()).collect();
        assert_eq!(found, [payload(0), payload(2)], "{length}");
        assert_eq!(walked.issues(), [(code, at as u64)], "{length}");
    }
    // Only the repeated length is wrong: the block is good.
    let mut bytes = good.clone();
    bytes[at + packet(1).len() - 4] ^= 1;
    let walked = walk(&bytes).unwrap();
    assert_eq!(walked.frames.len(), 3);
    assert_eq!(walked.issues(), [("bad-block", at as u64)]);
    // Rubbish that shifts what follows.
    let mut bytes = good;
    bytes.splice(at..at, vec![0x55; 2_000_001]);
    let walked = walk(&bytes).unwrap();
    assert_eq!(walked.frames.len(), 3);
    assert_eq!(walked.issues(), [("bad-block", at as u64)]);
}

#[test]
fn interfaces_are_limited() {
    let mut bytes = section_header(false);
    for _ in 0..12_000 {
        bytes.extend(interface(false, 1, 0, &[]));
    }
    bytes.extend(enhanced(false, 9_999, 1, b"kept", &[]));
    bytes.extend(enhanced(false, 10_000, 2, b"not kept", &[]));
    let limits = Limits { interfaces: 10_000, ..Limits::default() };
    let walked = walk_path(file(&bytes).path(), &limits).unwrap();
    assert_eq!(shape(&walked), [(1_000, 9_999, 1, b"kept".to_vec())]);
    let codes: Vec<&str> = walked.issues().into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["limit-interfaces", "unknown-interface"]);
}

#[test]
fn times_of_every_resolution_and_beyond() {
    for (tsresol, units, expected) in [
        (0, 3, 3_000_000_000),
        (3, 3, 3_000_000),
        (9, u64::MAX, Nanos::MAX),
        (12, 3_000_999, 3_000),
        (127, u64::MAX, 0),
        (0x80, 2, 2_000_000_000),
        (0x80 | 30, 1 << 29, 500_000_000),
        (0xff, u64::MAX, 0),
    ] {
        let bytes = [
            section_header(false),
            interface(false, 1, 0, &option(false, 9, &[tsresol])),
            enhanced(false, 0, units, b"x", &[]),
        ]
        .concat();
        assert_eq!(walk(&bytes).unwrap().frames[0].time, expected, "{tsresol:#x}");
    }
}
