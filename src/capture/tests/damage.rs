//! Properties: flipped bits, cut ends, sections in any order.

use proptest::prelude::*;

use super::others::{netmon, snoop};
use super::pcapng::{section, section_frames, shape};
use super::*;

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

/// Found by the property above: the original length of a broken last header led beyond the end of the file.
#[test]
fn a_frame_never_lies_beyond_the_file() {
    let clean = pcap(false, 12);
    let header = clean.len() - 16 - payload(11).len();
    for bit in 0..32 {
        let mut bytes = clean.clone();
        bytes[header + 8 + bit / 8] ^= 1 << (bit % 8);
        let frames = walk(&bytes).unwrap().frames;
        assert!((11..=12).contains(&frames.len()), "bit {bit}: {}", frames.len());
        assert!(frames.iter().zip(0..11).all(|(f, i)| f.bytes == payload(i)), "bit {bit}");
    }
}
