//! Whole inputs through the public door.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::limits::Limits;

/// A frame with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Frame {
    time: Nanos,
    origlen: u32,
    interface: u32,
    link: Option<LinkType>,
    bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Walked {
    frames: Vec<Frame>,
    notes: Vec<CaptureNote>,
    info: Option<CaptureInfo>,
}

impl Walked {
    fn issues(&self) -> Vec<(&'static str, u64)> {
        self.notes
            .iter()
            .filter_map(|note| match note {
                CaptureNote::Issue(issue) => Some((issue.code, issue.offset)),
                _ => None,
            })
            .collect()
    }
}

fn frames_of(batch: &FrameBatch) -> Vec<Frame> {
    batch
        .frames
        .iter()
        .map(|f| Frame {
            time: f.time,
            origlen: f.origlen,
            interface: f.interface,
            link: batch.links.get(f.interface as usize).copied(),
            bytes: batch.bytes[f.start as usize..][..f.caplen as usize].to_vec(),
        })
        .collect()
}

/// Walks a file, checking on the way that every frame can be read again as it was.
fn walk_path(path: &Path, limits: &Limits) -> Result<Walked, OpenError> {
    let mut reader = CaptureReader::open(&Input::Path(path.to_owned()), CaptureId(3), limits, false)?;
    let mut walked = Walked { info: Some(reader.info().clone()), ..Walked::default() };
    let mut index = reader.frame_index();
    let mut reuse = FrameBatch::default();
    while let Some(batch) = reader.next_batch(std::mem::take(&mut reuse)).unwrap() {
        assert_eq!(batch.capture, CaptureId(3));
        assert_eq!(batch.first_frame as usize, walked.frames.len() + 1);
        walked.frames.extend(frames_of(&batch));
        walked.notes.extend(batch.notes.iter().cloned());
        index.note(&batch);
        reuse = batch;
    }
    assert!(reader.next_batch(FrameBatch::default()).unwrap().is_none());
    let backing = reader.backing();
    let count = walked.frames.len();
    for first in (0..count).step_by(count.div_ceil(50).max(1)) {
        let batch = index.read(&*backing, first as u32 + 1, 4).unwrap();
        assert_eq!(frames_of(&batch), walked.frames[first..count.min(first + 4)], "from frame {}", first + 1);
        for frame in &batch.frames {
            let mut again = vec![0; frame.caplen as usize];
            let n = backing.read_at(batch.base + u64::from(frame.start), &mut again).unwrap();
            assert_eq!(again[..n], batch.bytes[frame.start as usize..][..frame.caplen as usize]);
        }
    }
    assert!(index.read(&*backing, count as u32 + 1, 5).unwrap().frames.is_empty());
    Ok(walked)
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn walk(bytes: &[u8]) -> Result<Walked, OpenError> {
    walk_path(file(bytes).path(), &Limits::default())
}

fn u16_of(big: bool, v: u16) -> [u8; 2] {
    if big { v.to_be_bytes() } else { v.to_le_bytes() }
}

fn u32_of(big: bool, v: u32) -> [u8; 4] {
    if big { v.to_be_bytes() } else { v.to_le_bytes() }
}

const START: u32 = 1_700_000_000;

/// Payload of frame `i`: of a length of its own, without anything that looks like a header.
fn payload(i: u32) -> Vec<u8> {
    (0..60 + i % 40).map(|b| 0x80 | (b as u8 ^ i as u8)).collect()
}

fn pcap_header(big: bool, magic: u32, snaplen: u32, link: u32) -> Vec<u8> {
    let mut out = u32_of(big, magic).to_vec();
    out.extend(u16_of(big, 2));
    out.extend(u16_of(big, 4));
    for v in [0, 0, snaplen, link] {
        out.extend(u32_of(big, v));
    }
    out
}

fn pcap_record(big: bool, i: u32, extra: &[u8]) -> Vec<u8> {
    let data = payload(i);
    let mut out = Vec::new();
    for v in [START + i, i, data.len() as u32, data.len() as u32 + 10] {
        out.extend(u32_of(big, v));
    }
    out.extend(extra);
    out.extend(data);
    out
}

fn pcap(big: bool, count: u32) -> Vec<u8> {
    let mut out = pcap_header(big, 0xa1b2_c3d4, 65_535, 1);
    for i in 0..count {
        out.extend(pcap_record(big, i, &[]));
    }
    out
}

fn expect_payloads(walked: &Walked, numbers: impl Iterator<Item = u32>, nanos: i64) {
    let expected: Vec<(Nanos, Vec<u8>)> =
        numbers.map(|i| (i64::from(START + i) * 1_000_000_000 + i64::from(i) * nanos, payload(i))).collect();
    let found: Vec<(Nanos, Vec<u8>)> = walked.frames.iter().map(|f| (f.time, f.bytes.clone())).collect();
    assert_eq!(found, expected);
}

#[test]
fn pcap_of_every_magic_and_byte_order() {
    for big in [false, true] {
        for (magic, nanos, header_extra, record_extra) in [
            (0xa1b2_c3d4, 1_000, 0, &[][..]),
            (0xa1b2_3c4d, 1, 0, &[]),
            (0xa12b_3c4d, 1, 0, &[]),
            (0x1c00_01ab, 1_000, 4, &[]),
            (0x1c00_01ac, 1, 4, &[]),
            // Interface index, protocol, packet type, padding.
            (0xa1b2_cd34, 1_000, 0, &[0; 8]),
            (0xa1b2_c3d4, 1_000, 0, &[0; 8]),
            (0xa1b2_cd34, 1_000, 0, &[0, 0, 0, 0, 0, 0, 0, 0x99, 0x62, 0xb1, 0x80, 0x81]),
        ] {
            let mut bytes = pcap_header(big, magic, 65_535, 0xf400_0071);
            bytes.extend(vec![0xee; header_extra]);
            for i in 0..7 {
                bytes.extend(pcap_record(big, i, record_extra));
            }
            let walked = walk(&bytes).unwrap();
            expect_payloads(&walked, 0..7, nanos);
            assert!(
                walked.frames.iter().all(|f| f.link == Some(LinkType(0x71))),
                "upper bits are the FCS length"
            );
            assert_eq!(walked.issues(), []);
        }
    }
}

#[test]
fn nokia_records_are_told_from_standard_ones() {
    let mut bytes = pcap_header(true, 0xa1b2_c3d4, 1_514, 1);
    for i in 0..5 {
        bytes.extend(pcap_record(true, i, &u32_of(true, 0x9fbf_b601)));
    }
    expect_payloads(&walk(&bytes).unwrap(), 0..5, 1_000);
}

#[test]
fn old_pcap_with_original_length_first() {
    let mut bytes = pcap_header(false, 0xa1b2_c3d4, 65_535, 1);
    bytes[6] = 2;
    for v in [START, 7, 50, 4] {
        bytes.extend(u32_of(false, v));
    }
    bytes.extend(b"abcd");
    let walked = walk(&bytes).unwrap();
    assert_eq!((walked.frames[0].bytes.as_slice(), walked.frames[0].origlen), (&b"abcd"[..], 50));
}

#[test]
fn many_frames_go_over_batch_borders() {
    let walked = walk(&pcap(false, 40_000)).unwrap();
    expect_payloads(&walked, 0..40_000, 1_000);
}

#[test]
fn a_pcap_cut_anywhere_gives_the_whole_records() {
    let whole = pcap(false, 6);
    let mut ends = vec![24];
    for i in 0..6 {
        ends.push(ends[i as usize] + 16 + payload(i).len());
    }
    for cut in 0..whole.len() {
        let walked = walk(&whole[..cut]);
        match cut {
            0 => assert!(matches!(walked, Err(OpenError::Empty { .. }))),
            1..24 => assert!(matches!(walked, Err(OpenError::NotACapture { .. })), "{cut}"),
            _ => {
                let walked = walked.unwrap();
                let full = ends.iter().filter(|&&end| end <= cut).count() - 1;
                expect_payloads(&walked, 0..full as u32, 1_000);
                let issues =
                    if ends.contains(&cut) { vec![] } else { vec![("truncated-file", ends[full] as u64)] };
                assert_eq!(walked.issues(), issues, "{cut}");
            }
        }
    }
}

#[test]
fn damage_in_a_pcap_is_skipped() {
    let clean = pcap(false, 20);
    let third = 24 + (0..3).map(|i| 16 + payload(i).len()).sum::<usize>();
    // The captured length alone is wrong: the original one does not lead on, as it is longer.
    let mut bytes = clean.clone();
    bytes[third + 8..third + 12].copy_from_slice(&u32_of(false, 0x7fff_ffff));
    let walked = walk(&bytes).unwrap();
    expect_payloads(&walked, (0..3).chain(4..20), 1_000);
    assert_eq!(walked.issues(), [("bad-record", third as u64)]);
    // With the original length right, nothing is lost.
    let data = payload(3).len() as u32;
    bytes[third + 12..third + 16].copy_from_slice(&u32_of(false, data));
    let walked = walk(&bytes).unwrap();
    expect_payloads(&walked, 0..20, 1_000);
    assert_eq!(walked.issues(), [("bad-record", third as u64)]);
    // Rubbish between records.
    let mut bytes = clean;
    bytes.splice(third..third, vec![0xab; 3 << 20]);
    let walked = walk(&bytes).unwrap();
    expect_payloads(&walked, 0..20, 1_000);
    assert_eq!(walked.issues(), [("bad-record", third as u64)]);
}

#[test]
fn odd_but_readable_pcap_records() {
    let mut bytes = pcap_header(false, 0xa1b2_c3d4, 10, 1);
    // Empty; longer than snaplen and original; more than a second of microseconds; back in time.
    for (sec, frac, cap, orig) in
        [(START, 0, 0, 0), (START, 0, 30, 20), (START, 1_500_000, 4, 4), (1, 0, 4, 4), (u32::MAX, 0, 4, 0)]
    {
        for v in [sec, frac, cap, orig] {
            bytes.extend(u32_of(false, v));
        }
        bytes.extend(vec![0xaa; cap as usize]);
    }
    let walked = walk(&bytes).unwrap();
    let times: Vec<Nanos> = walked.frames.iter().map(|f| f.time).collect();
    let start = i64::from(START) * 1_000_000_000;
    let last = i64::from(u32::MAX) * 1_000_000_000;
    assert_eq!(times, [start, start, start + 1_500_000_000, 1_000_000_000, last]);
    assert_eq!(walked.issues(), []);
}

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
fn section(big: bool) -> Vec<u8> {
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
fn section_frames(base: u32, made_up: bool, foreign: u32) -> Vec<(Nanos, u32, u16, Vec<u8>)> {
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

fn shape(walked: &Walked) -> Vec<(Nanos, u32, u16, Vec<u8>)> {
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

fn snoop(count: u32) -> Vec<u8> {
    let mut out = [&b"snoop\0\0\0"[..], &u32_of(true, 2), &u32_of(true, 4)].concat();
    for i in 0..count {
        let data = payload(i);
        let cap = data.len() as u32;
        let length = (cap + 24).next_multiple_of(4);
        for v in [cap + 10, cap, length, 0, START + i, i] {
            out.extend(u32_of(true, v));
        }
        out.extend(data);
        out.resize(out.len() + (length - cap - 24) as usize, 0);
    }
    out
}

#[test]
fn snoop_whole_cut_and_damaged() {
    let bytes = snoop(9);
    let walked = walk(&bytes).unwrap();
    expect_payloads(&walked, 0..9, 1_000);
    assert_eq!((walked.frames[0].link, walked.issues()), (Some(LinkType::ETHERNET), vec![]));
    for cut in 16..bytes.len() {
        let walked = walk(&bytes[..cut]).unwrap();
        expect_payloads(&walked, 0..walked.frames.len() as u32, 1_000);
    }
    let mut bytes = bytes;
    bytes[16 + 4] = 0xff;
    let walked = walk(&bytes).unwrap();
    expect_payloads(&walked, 1..9, 1_000);
    assert_eq!(walked.issues(), [("bad-record", 16)]);
}

/// Network Monitor 2.`minor`, frames written last to first.
fn netmon(minor: u8, count: u32) -> Vec<u8> {
    let mut out = [&b"GMBU"[..], &[minor, 2], &u16_of(false, 1)].concat();
    // 2023-11-14 22:13:20 is START.
    for v in [2023, 11, 2, 14, 22, 13, 20, 0] {
        out.extend(u16_of(false, v));
    }
    out.resize(128, 0);
    let mut table = vec![0; count as usize];
    for i in (0..count).rev() {
        table[i as usize] = out.len() as u32;
        let data = payload(i);
        out.extend((u64::from(i) * 1_000_000 + u64::from(i)).to_le_bytes());
        out.extend(u32_of(false, data.len() as u32 + 10));
        out.extend(u32_of(false, data.len() as u32));
        out.extend(&data);
        if minor >= 1 {
            out.extend(u16_of(false, if i == 1 { 0xe071 } else { 1 }));
        }
        if minor >= 2 {
            out.extend([0xff; 4]);
        }
        if minor >= 3 {
            let filetime = (u64::from(START + i) * 10_000_000 + u64::from(i) * 10) + 116_444_736_000_000_000;
            out.extend(filetime.to_le_bytes());
            out.push(0);
        }
    }
    let place = out.len() as u32;
    out[24..28].copy_from_slice(&u32_of(false, place));
    out[28..32].copy_from_slice(&u32_of(false, count * 4));
    for offset in table {
        out.extend(u32_of(false, offset));
    }
    out
}

#[test]
fn netmon_frames_in_the_order_of_the_table() {
    for minor in 0..=3 {
        let walked = walk(&netmon(minor, 30)).unwrap();
        expect_payloads(&walked, 0..30, 1_000);
        let second = if minor == 0 { LinkType::ETHERNET } else { LinkType(0x71) };
        assert_eq!(walked.frames[1].link, Some(second));
        let issues: Vec<&str> = walked.issues().into_iter().map(|(code, _)| code).collect();
        assert_eq!(issues, if minor < 3 { vec!["local-time"] } else { vec![] });
    }
}

#[test]
fn netmon_without_its_frame_table() {
    let whole = netmon(3, 10);
    let cut = &whole[..whole.len() - 45];
    let walked = walk(cut).unwrap();
    // They lie last to first, and the first is cut.
    expect_payloads(&walked, (1..10).rev(), 1_000);
    assert!(walked.issues().iter().all(|(code, _)| *code == "truncated-file"));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let blocks = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(blocks, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

type Pack = fn(&[u8]) -> Vec<u8>;

const PACKS: [(&str, Pack); 3] = [("gzip", gzip), ("zstd", zstd), ("lz4", lz4)];

#[test]
fn packed_captures_in_several_pieces() {
    let whole = pcap(true, 3_000);
    let (first, second) = whole.split_at(100_001);
    for (name, pack) in PACKS {
        let mut bytes = pack(first);
        // A frame to be skipped, as zstd and LZ4 may have them.
        if name != "gzip" {
            bytes.extend([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
        }
        bytes.extend(pack(second));
        let walked = walk(&bytes).unwrap();
        expect_payloads(&walked, 0..3_000, 1_000);
        assert_eq!(walked.issues(), [], "{name}");
        assert_eq!(walked.info.unwrap().compression, Some(name));
        let twice = walk(&gzip(&bytes)).unwrap();
        assert_eq!(twice.frames.len(), 3_000, "{name} in gzip");
        let thrice = walk(&gzip(&gzip(&bytes)));
        assert!(matches!(thrice, Err(OpenError::NotACapture { .. })));
    }
}

#[test]
fn packed_captures_cut_or_damaged() {
    let whole = pcap(false, 2_000);
    for (name, pack) in PACKS {
        let packed = pack(&whole);
        let walked = walk(&packed[..packed.len() - 30]).unwrap();
        expect_payloads(&walked, 0..walked.frames.len() as u32, 1_000);
        let codes: Vec<&str> = walked.issues().into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["truncated-file"], "{name}");
        let mut odd = packed.clone();
        odd.extend(b"something else");
        let walked = walk(&odd).unwrap();
        assert_eq!(walked.frames.len(), 2_000);
        let codes: Vec<&str> = walked.issues().into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["bad-compression"], "{name}");
        for at in (20..packed.len()).step_by(packed.len() / 10) {
            let mut odd = packed.clone();
            odd[at] ^= 0x40;
            let _ = walk(&odd);
        }
    }
}

#[test]
fn bombs_and_spills_are_stopped() {
    let mut bytes = pcap(false, 1);
    for _ in 0..68 {
        for v in [START, 0, 256 << 10, 256 << 10] {
            bytes.extend(u32_of(false, v));
        }
        bytes.resize(bytes.len() + (256 << 10), 0);
    }
    let walked =
        walk_path(file(&gzip(&bytes)).path(), &Limits { inflate_ratio: 20, ..Limits::default() }).unwrap();
    assert!(walked.issues().iter().any(|(code, _)| *code == "limit-inflate-ratio"), "{:?}", walked.issues());
    let limits = Limits { spill_bytes: 50_000, ..Limits::default() };
    let walked = walk_path(file(&gzip(&pcap(false, 3_000))).path(), &limits).unwrap();
    assert!(walked.frames.len() < 3_000);
    assert!(walked.issues().iter().any(|(code, _)| *code == "limit-spill-bytes"));
}

#[test]
fn following_a_growing_file() {
    let whole = pcap(false, 3);
    let growing = file(&whole[..24 + 10]);
    let input = Input::Path(growing.path().to_owned());
    let mut reader = CaptureReader::open(&input, CaptureId(0), &Limits::default(), true).unwrap();
    let mut frames = Vec::new();
    for end in [34, 90, 91, whole.len(), whole.len()] {
        fs::write(growing.path(), &whole[..end]).unwrap();
        let batch = reader.next_batch(FrameBatch::default()).unwrap().unwrap();
        frames.extend(frames_of(&batch).into_iter().map(|f| f.bytes));
        assert!(batch.notes.iter().all(|n| !matches!(n, CaptureNote::Issue(_))));
    }
    assert_eq!(frames, [payload(0), payload(1), payload(2)]);
}

#[cfg(unix)]
#[test]
fn a_pipe_gives_frames_as_they_come() {
    let whole = pcap(false, 3);
    let (reader, mut writer) = io::pipe().unwrap();
    let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
    if fs::metadata(&path).is_err() {
        return;
    }
    writer.write_all(&whole[..24]).unwrap();
    let mut capture =
        CaptureReader::open(&Input::Path(path.into()), CaptureId(0), &Limits::default(), false).unwrap();
    let mut index = capture.frame_index();
    let mut at = 24;
    for i in 0..3 {
        let end = at + 16 + payload(i).len();
        writer.write_all(&whole[at..end]).unwrap();
        let batch = capture.next_batch(FrameBatch::default()).unwrap().unwrap();
        index.note(&batch);
        assert_eq!(frames_of(&batch)[0].bytes, payload(i));
        at = end;
    }
    drop(writer);
    assert!(capture.next_batch(FrameBatch::default()).unwrap().is_none());
    let again = index.read(&*capture.backing(), 1, 3).unwrap();
    assert_eq!(frames_of(&again)[2].bytes, payload(2));
}

#[test]
fn a_file_that_shrinks_gives_fewer_frames() {
    let whole = pcap(false, 50);
    let shrinking = file(&whole);
    let input = Input::Path(shrinking.path().to_owned());
    let mut reader = CaptureReader::open(&input, CaptureId(0), &Limits::default(), false).unwrap();
    let mut index = reader.frame_index();
    index.note(&reader.next_batch(FrameBatch::default()).unwrap().unwrap());
    shrinking.as_file().set_len(500).unwrap();
    assert!(index.read(&*reader.backing(), 1, 50).unwrap().frames.len() < 50);
    assert!(index.read(&*reader.backing(), 40, 5).unwrap().frames.is_empty());
}

#[test]
fn what_is_no_capture_says_so() {
    let reason = |bytes: &[u8]| match walk(bytes) {
        Err(OpenError::NotACapture { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason(b"\xfd7zXZ\0\0\x04").contains("xz"));
    assert!(reason(b"TRSNIFF data    \x1a").contains("editcap"));
    assert!(reason(b"Dear reader,\nthis is no capture.\n").starts_with("text"));
    assert!(reason(&gzip(b"Dear reader,\nthis is no capture.\n")).contains("gzip-compressed, inside: text"));
    assert!(reason(&[0; 100]).contains("zero"));
    assert!(reason(&pcap(false, 1)[..10]).contains("cut short"));
    let missing =
        CaptureReader::open(&Input::Path("/nonexistent".into()), CaptureId(0), &Limits::default(), false);
    assert!(matches!(missing, Err(OpenError::Io { .. })));
    assert!(walk(&pcap(false, 0)).unwrap().frames.is_empty());
}

#[test]
fn directories_give_their_captures() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    for directory in ["b", "b/.hidden", "empty"] {
        fs::create_dir(at(directory)).unwrap();
    }
    fs::write(at("z.txt"), pcap(false, 1)).unwrap();
    fs::write(at("b/a.pcap"), gzip(&pcap(true, 1))).unwrap();
    fs::write(at("b/.hidden/c.pcap"), pcap(true, 1)).unwrap();
    fs::write(at("b/readme.pcap"), "text").unwrap();
    fs::write(at("a.bin"), section(false)).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.path(), at("b/loop")).unwrap();
    let paths: Vec<PathBuf> = vec![at("b/readme.pcap"), root.path().to_owned(), at("empty")];
    let inputs: Vec<Input> = paths.into_iter().map(Input::Path).collect();
    let (expanded, errors) = expand_inputs(&inputs);
    let expected = ["b/readme.pcap", "a.bin", "b/a.pcap", "z.txt"].map(|name| Input::Path(at(name)));
    assert_eq!(expanded, expected);
    assert!(matches!(&errors[..], [OpenError::NoCaptures { path }] if path.ends_with("empty")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is flipped or cut, nothing panics, and frames before the first flip are as they were.
    #[test]
    fn flips_harm_only_what_follows(
        kind in 0..5_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let clean = match kind {
            0 => pcap(false, 12),
            1 => pcap(true, 12),
            2 => [section(false), section(true)].concat(),
            3 => snoop(12),
            _ => netmon(2, 12),
        };
        let mut bytes = clean.clone();
        let mut first = bytes.len();
        for (at, bit) in &flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            first = first.min(at);
        }
        bytes.truncate(bytes.len() - cut.index(60));
        let Ok(walked) = walk(&bytes) else { return Ok(()) };
        if kind < 2 && first >= 24 + 3 * 200 {
            let mut end = 24;
            let intact = (0..12).take_while(|&i| { end += 16 + payload(i).len(); end <= first });
            for (i, frame) in intact.zip(&walked.frames) {
                prop_assert_eq!(&frame.bytes, &payload(i));
            }
        }
    }

    #[test]
    fn concatenated_sections_keep_their_own_order(orders in prop::collection::vec(any::<bool>(), 1..6)) {
        let bytes: Vec<u8> = orders.iter().flat_map(|&big| section(big)).collect();
        let walked = walk(&bytes).unwrap();
        let expected: Vec<_> = (0..orders.len() as u32)
            .flat_map(|i| section_frames(if i == 0 { 0 } else { 1 + 3 * i }, i == 0, 2))
            .collect();
        prop_assert_eq!(shape(&walked), expected);
    }
}
