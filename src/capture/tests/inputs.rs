//! Packed, piped and growing inputs, directories, and what is no capture.

use std::fs;
use std::path::PathBuf;

use super::pcapng::section;
use super::*;

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
