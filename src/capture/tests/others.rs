//! snoop and Network Monitor.

use super::*;

pub(super) fn snoop(count: u32) -> Vec<u8> {
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
pub(super) fn netmon(minor: u8, count: u32) -> Vec<u8> {
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
