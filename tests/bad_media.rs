//! RTP, RTCP and key exchanges made to break a reader, and traffic that only looks like them.

use callscope::correlate::Analysis;
use callscope::correlate::media::{KeyState, Losses};
use callscope::limits::Limits;

use crate::bad_input::{paced, read, read_within, request, udp};

/// RTP of payload type 0; flags: the first byte.
fn rtp(first: u8, sequence: u16, timestamp: u32, ssrc: u32, rest: &[u8]) -> Vec<u8> {
    let mut p = vec![first, 0];
    p.extend(sequence.to_be_bytes());
    p.extend(timestamp.to_be_bytes());
    p.extend(ssrc.to_be_bytes());
    p.extend_from_slice(rest);
    p
}

fn voice(i: u16, ssrc: u32) -> Vec<u8> {
    rtp(0x80, i, u32::from(i) * 8, ssrc, &[0xd5; 160])
}

/// Whatever it is, what is asked for later can be worked out.
fn worked_out(a: &Analysis) {
    for s in a.media_streams() {
        let figures = a.figures_of(&s).expect("a stream");
        assert!(figures.losses().missing <= figures.expected());
        if let Some((mean, max)) = figures.jitter() {
            assert!(mean.is_finite() && max.is_finite());
        }
    }
}

fn sent(packets: &[Vec<u8>]) -> Analysis {
    let frames: Vec<_> = packets.iter().map(|p| udp(30_000, p)).collect();
    let a = read(&paced(&frames));
    worked_out(&a);
    a
}

/// Random bytes, the same every run.
fn noise(count: usize, len: usize) -> Vec<Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..count).map(|_| (0..len).map(|_| next()).collect()).collect()
}

#[test]
fn random_datagrams_that_begin_like_rtp_are_other_traffic() {
    let packets: Vec<Vec<u8>> = noise(500, 60)
        .into_iter()
        .map(|mut p| {
            (p[0], p[1]) = (0x80, p[1] & 0x7f);
            p
        })
        .collect();
    let a = sent(&packets);
    assert!(a.media.streams.is_empty());
    let accounting = a.captures[0].accounting;
    assert!(accounting.other_traffic >= 400, "{accounting:?}");
}

#[test]
fn sources_and_extensions_beyond_the_end_are_no_rtp() {
    // 15 sources in a packet without room for them; an extension of 256 kB; an extension cut in its header.
    for (first, rest) in
        [(0x8f, &[0; 20][..]), (0x90, &[0xbe, 0xde, 0xff, 0xff, 0, 0]), (0x90, &[0xbe, 0xde])]
    {
        let packets: Vec<_> = (0..20).map(|i| rtp(first, i, 160 * u32::from(i), 7, rest)).collect();
        let a = sent(&packets);
        assert!(a.media.streams.is_empty(), "{first:#x}");
        assert_eq!(a.captures[0].accounting.other_traffic, 20);
    }
    // The same that fit are RTP; so is padding that claims more than there is (ciphertext looks so).
    for (first, rest) in
        [(0x8f, &[0; 60][..]), (0x90, &[0xbe, 0xde, 0, 1, 0, 0, 0, 0]), (0xa0, &[0xff; 8]), (0x80, &[])]
    {
        let packets: Vec<_> = (0..20).map(|i| rtp(first, i, 160 * u32::from(i), 7, rest)).collect();
        let a = sent(&packets);
        assert_eq!(a.media.streams.len(), 1, "{first:#x}");
        assert_eq!(a.captures[0].accounting.decoded, 20);
    }
}

#[test]
fn a_storm_of_wraps_and_jumps_is_read_in_no_time() {
    let start = std::time::Instant::now();
    // As far ahead as still counts as a loss, thirty thousand times; then as far as does not.
    for step in [2_999_u16, 21_001, 40_000] {
        let packets: Vec<_> =
            (0..30_000_u32).map(|i| rtp(0x80, (i as u16).wrapping_mul(step), i * 160, 7, &[0; 4])).collect();
        let a = sent(&packets);
        for s in &a.media.streams {
            assert!(s.expected() >= s.losses().missing);
        }
    }
    // Generous: a loop over every number left out would take minutes.
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn two_senders_that_chose_one_ssrc() {
    // From two ports they are two streams; from one port their numbers do not go together, and nothing breaks.
    let frames: Vec<_> = (0..100_u16)
        .flat_map(|i| [udp(30_000, &voice(i, 7)), udp(30_002, &voice(i.wrapping_add(30_000), 7))])
        .collect();
    let a = read(&paced(&frames));
    worked_out(&a);
    assert_eq!(a.media.streams.len(), 2);
    assert!(a.media.streams.iter().all(|s| s.packets == 100 && s.losses() == Losses::default()));
    let mixed: Vec<_> = (0..100_u16).flat_map(|i| [voice(i, 7), voice(i.wrapping_add(30_000), 7)]).collect();
    sent(&mixed);
}

#[test]
fn a_clock_of_no_hertz() {
    let sdp = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 96\r\na=rtpmap:96 X/0\r\na=ptime:0\r\n";
    let invite = request("INVITE", "clock", "Content-Type: application/sdp\r\n", sdp);
    let packets: Vec<_> = (0..100_u16)
        .map(|i| {
            let mut p = rtp(0x80, i, 5, 9, &[1, 2, 3]);
            p[1] = 96;
            udp(30_000, &p)
        })
        .collect();
    let a = read(&paced(&[vec![udp(5060, &invite)], packets].concat()));
    worked_out(&a);
}

#[test]
fn rtcp_whose_lengths_lie() {
    let mut packets = Vec::new();
    for kind in 200..=207_u8 {
        for count in [0x80, 0x81, 0x9f, 0xa1] {
            for words in [0_u16, 1, 6, 7, 12, 0xffff] {
                for len in [8_usize, 12, 28, 52, 60] {
                    let mut p = vec![count, kind];
                    p.extend(words.to_be_bytes());
                    p.extend([0, 0, 0, 7]);
                    p.resize(len, 0xff);
                    packets.push(p);
                }
            }
        }
    }
    let a = sent(&packets);
    // From 205 on the second byte could be that of RTP with a marker (RFC 5761 §4), which it is not before.
    let types = a.media.streams.iter().flat_map(|s| s.types());
    assert!(types.into_iter().all(|t| t.payload_type >= 77), "RTCP is no RTP");
    assert!(a.media.reports.heard.iter().all(|h| h.history.len() <= 64));
}

#[test]
fn sources_beyond_the_limits_are_told_once() {
    let frames: Vec<_> = (0..50_u32)
        .flat_map(|ssrc| {
            let sr: Vec<u8> = [
                &[0x81, 200, 0, 12][..],
                &ssrc.to_be_bytes(),
                &[0; 20],
                &(ssrc + 1000).to_be_bytes(),
                &[0; 20],
            ]
            .concat();
            let mut of: Vec<_> = (0..4).map(|i| udp(30_000, &voice(i, ssrc))).collect();
            of.push(udp(30_001, &sr));
            of
        })
        .collect();
    let limits = Limits {
        media_streams: 5,
        doubtful_streams: 3,
        rtcp_reports: 4,
        media_buckets: 1,
        ..Limits::default()
    };
    let a = read_within(&paced(&frames), limits);
    worked_out(&a);
    assert_eq!((a.media.streams.len(), a.media.doubtful().len()), (5, 3));
    assert_eq!((a.media.reports.heard.len(), a.media.reports.senders.len()), (4, 4));
    for code in ["limit-media-streams", "limit-rtcp-reports"] {
        assert_eq!(a.captures[0].issues.iter().filter(|i| i.code == code).count(), 1, "{code}");
    }
}

#[test]
fn a_million_sources_of_one_packet_are_no_streams() {
    let frames: Vec<_> =
        (0..50_000_u32).map(|i| udp(1_024 + (i % 60_000) as u16, &voice(i as u16, i))).collect();
    let limits = Limits { doubtful_streams: 20_000, ..Limits::default() };
    let a = read_within(&paced(&frames), limits);
    assert!(a.media.streams.is_empty());
    assert_eq!(a.media.doubtful().len(), 20_000);
    assert_eq!(a.captures[0].accounting.other_traffic, 50_000);
}

#[test]
fn time_that_goes_backwards_and_frames_cut_short() {
    let mut frames: Vec<_> = (0..200_u16).map(|i| udp(30_000, &voice(i, 7))).collect();
    frames.reverse();
    let a = read(&paced(&frames));
    worked_out(&a);
    // Every length of a frame of RTP.
    let whole = udp(30_000, &voice(9, 7));
    for len in 0..whole.len() {
        let cut: Vec<_> = (0..4).map(|_| whole[..len].to_vec()).collect();
        worked_out(&read(&paced(&cut)));
    }
}

#[test]
fn key_exchanges_that_never_end() {
    // A ClientHello's first fragment of a message of 16 MB, thousands of times with other numbers.
    let hello = |message_seq: u16, ssrc: u8| {
        let mut p = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, ssrc, 0, 32];
        p.extend([1, 0xff, 0xff, 0xff]);
        p.extend(message_seq.to_be_bytes());
        p.extend([0, 0, 0, 0, 0, 20]);
        p.extend([0xfe, 0xfd]);
        p.resize(13 + 32, 7);
        p
    };
    let frames: Vec<_> = (0..5_000_u16).map(|i| udp(20_000 + i % 500, &hello(i, i as u8))).collect();
    let a = read(&paced(&frames));
    assert_eq!(a.media.keys.list.len(), 500);
    assert!(a.media.keys.list.iter().all(|k| k.state == KeyState::Unanswered && k.done.is_none()));
    let limits = Limits { tls_sessions: 10, ..Limits::default() };
    assert_eq!(read_within(&paced(&frames), limits).media.keys.list.len(), 10);
}
