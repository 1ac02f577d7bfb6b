//! Whole inputs through the public door.

use std::io::Write;
use std::path::Path;

use super::*;
use crate::limits::Limits;

mod damage;
mod inputs;
mod others;
mod pcapng;

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

/// Of small frames more bytes make a batch, of others fewer again.
#[test]
fn batches_are_larger_where_frames_are_small() {
    let frame = |len: usize| {
        let mut out = Vec::new();
        for n in [START, 0, len as u32, len as u32] {
            out.extend(n.to_le_bytes());
        }
        out.resize(out.len() + len, 7);
        out
    };
    let mut bytes = Vec::new();
    bytes.extend([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
    for n in [0u32, 0, 65_535, 1] {
        bytes.extend(n.to_le_bytes());
    }
    (0..20_000).for_each(|_| bytes.extend(frame(200)));
    (0..4_000).for_each(|_| bytes.extend(frame(1000)));
    let file = file(&bytes);
    let input = Input::Path(file.path().to_owned());
    let mut reader = CaptureReader::open(&input, CaptureId(0), &Limits::default(), false).unwrap();
    let mut sizes = Vec::new();
    let mut frames = 0;
    while let Some(batch) = reader.next_batch(FrameBatch::default()).unwrap() {
        sizes.push(batch.bytes.len().div_ceil(1 << 19));
        frames += batch.frames.len();
    }
    assert_eq!(frames, 24_000);
    // The first and the one behind the change are read before it is known.
    assert_eq!(sizes.first(), Some(&1));
    assert_eq!(sizes.iter().filter(|n| **n == 2).count(), 4, "{sizes:?}");
    assert_eq!(sizes.iter().rev().take(5).filter(|n| **n == 1).count(), 5, "{sizes:?}");
}
