use std::sync::Arc;

use std::path::Path;
use std::sync::RwLock;

use super::*;
use crate::capture::Input;
use crate::correlate::load::{LoadOptions, load};
use crate::correlate::media::MediaStream;

/// A packet of RTP to be: milliseconds, payload type, sequence number, timestamp, payload.
type Rtp = (i64, u8, u16, u32, Vec<u8>);

/// A capture (pcap, Ethernet) of RTP on one flow.
fn capture(dir: &Path, packets: &[Rtp]) -> std::path::PathBuf {
    let mut file: Vec<u8> = Vec::new();
    for word in [0xA1B2_C3D4u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for (ms, payload_type, sequence, timestamp, payload) in packets {
        let mut rtp = vec![0x80, *payload_type];
        rtp.extend(sequence.to_be_bytes());
        rtp.extend(timestamp.to_be_bytes());
        rtp.extend(7u32.to_be_bytes());
        rtp.extend(payload);
        let builder = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .udp(4000, 5000);
        let mut frame = Vec::new();
        builder.write(&mut frame, &rtp).unwrap();
        let us = ms * 1000;
        for word in [(us / 1_000_000) as u32, (us % 1_000_000) as u32, frame.len() as u32, frame.len() as u32]
        {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    let path = dir.join("rtp.pcap");
    std::fs::write(&path, file).unwrap();
    path
}

fn read(path: &Path) -> Analysis {
    let analysis = RwLock::new(Analysis::default());
    let options = LoadOptions { threads: 1, ..LoadOptions::default() };
    load(&[Input::Path(path.to_owned())], &options, &analysis, &mut |_| ControlFlow::Continue(()));
    analysis.into_inner().unwrap()
}

/// The samples of a WAV file as an independent reader gives them, and its rate.
fn samples(wav: &[u8]) -> (Vec<i16>, u32) {
    let mut reader = hound::WavReader::new(wav).expect("a WAV file");
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.bits_per_sample), (1, 16));
    (reader.samples::<i16>().map(Result::unwrap).collect(), spec.sample_rate)
}

fn played(packets: &[Rtp], change: impl FnOnce(&mut MediaStream)) -> (Vec<i16>, u32, Audio) {
    let dir = tempfile::tempdir().unwrap();
    let analysis = read(&capture(dir.path(), packets));
    let mut s = analysis.media_streams().into_iter().next().expect("a stream");
    change(&mut s);
    let mut out = Vec::new();
    let told = wav(&analysis, &s, 0, &mut out).expect("audio");
    let (samples, rate) = samples(&out);
    assert_eq!((samples.len() as u64, rate), (told.samples, told.rate));
    (samples, rate, told)
}

/// µ-law of a sample, by its definition (G.711 §3.2): the code whose value is nearest.
fn to_ulaw(sample: i16) -> u8 {
    (0..=255u8).min_by_key(|b| (i32::from(g711::ulaw(*b)) - i32::from(sample)).abs()).unwrap()
}

/// A second of 440 Hz.
fn tone() -> Vec<i16> {
    let at = |i: i32| (6000.0 * (2.0 * std::f64::consts::PI * 440.0 * f64::from(i) / 8000.0).sin()) as i16;
    (0..8000).map(at).collect()
}

/// It in packets of 20 ms.
fn spoken() -> Vec<Rtp> {
    let codes: Vec<u8> = tone().into_iter().map(to_ulaw).collect();
    let chunks = codes.chunks(160).zip(0u16..);
    chunks.map(|(c, n)| (i64::from(n) * 20, 0, 100 + n, 5000 + u32::from(n) * 160, c.to_vec())).collect()
}

fn energy(samples: &[i16]) -> f64 {
    samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}

#[test]
fn a_tone_comes_back_as_long_and_as_loud() {
    let (samples, rate, told) = played(&spoken(), |_| {});
    assert_eq!((samples.len(), rate, told.silence, told.packets, told.cut), (8000, 8000, 0, 50, 0));
    assert!((energy(&samples) / energy(&tone()) - 1.0).abs() < 0.01);
    // The steps of µ-law are below 1/16 of the sample.
    assert!(
        samples
            .iter()
            .zip(tone())
            .all(|(a, b)| (i32::from(*a) - i32::from(b)).abs() <= 8 + i32::from(b).abs() / 16)
    );
    assert_eq!(told.words(), "1.00 s of audio at 8000 Hz from 50 packets");
}

#[test]
fn what_is_lost_is_silence_of_its_length() {
    let packets: Vec<Rtp> = spoken().into_iter().filter(|p| !(110..115).contains(&p.2)).collect();
    let (samples, _, told) = played(&packets, |_| {});
    assert_eq!((samples.len(), told.silence, told.packets), (8000, 800, 45));
    assert!(samples[1600..2400].iter().all(|s| *s == 0));
    assert!(energy(&samples[2400..]) > 0.9 * energy(&tone()));
}

#[test]
fn order_and_repetition_change_nothing() {
    let whole = played(&spoken(), |_| {}).0;
    let mut packets = spoken();
    packets.swap(7, 9);
    packets.insert(20, packets[18].clone());
    for (i, p) in packets.iter_mut().enumerate() {
        p.0 = i as i64 * 20;
    }
    let (samples, _, told) = played(&packets, |_| {});
    assert_eq!(told.silence, 0);
    assert!(samples == whole);
}

#[test]
fn pauses_last_as_long_as_they_were() {
    // Silence suppressed: timestamps go on. Then the clock stands for two seconds, and then the numbers begin anew.
    let mut packets = spoken();
    packets.truncate(30);
    for p in &mut packets[10..] {
        p.0 += 500;
        p.3 += 4000;
    }
    for p in &mut packets[20..] {
        p.0 += 2000;
    }
    for (n, p) in packets[25..].iter_mut().enumerate() {
        (p.2, p.3) = (40_000 + n as u16, 900_000_000 + n as u32 * 160);
    }
    let (samples, _, told) = played(&packets, |_| {});
    assert_eq!(samples.len(), 30 * 160 + 4000 + 16_000);
    assert_eq!(told.silence, 20_000);
    assert!(samples[1600..5600].iter().all(|s| *s == 0));
    assert!(energy(&samples[5600..7200]) > 0.9 * energy(&tone()));
}

#[test]
fn keys_and_comfort_noise_are_silence() {
    let mut packets = spoken();
    packets[10].1 = 13;
    packets[10].4 = vec![30];
    let (samples, _, told) = played(&packets, |s| {
        let codec = |name: &str| Codec { name: name.to_owned(), ..(**s.codec.as_ref().unwrap()).clone() };
        s.other_codecs = vec![(13, Some(codec("CN").into()))].into();
    });
    assert_eq!((samples.len(), told.silence), (8000, 160));
}

#[test]
fn a_faster_codec_in_mid_call_sets_the_rate() {
    // 20 ms of G.722 after half a second of G.711: 16 kHz, each sample of before drawn out to two.
    let mut packets = spoken();
    packets.truncate(26);
    (packets[25].1, packets[25].4) = (9, g722::tests::tone());
    let (samples, rate, _) = played(&packets, |s| {
        let main = (**s.codec.as_ref().unwrap()).clone();
        let other = if s.payload_type == 0 { 9 } else { 0 };
        let name = if other == 9 { "G722" } else { "PCMU" };
        s.other_codecs = vec![(other, Some(Codec { name: name.to_owned(), ..main }.into()))].into();
    });
    assert_eq!((rate, samples.len()), (16_000, 8320));
    let before = &samples[..8000];
    assert!((energy(before) / energy(&tone()) - 1.0).abs() < 0.02);
    let tone = 8000f64.powi(2) / 2.0;
    assert!((energy(&samples[8100..]) / tone - 1.0).abs() < 0.05, "{}", energy(&samples[8100..]));
}

#[test]
fn linear_samples_are_taken_as_they_are() {
    let pcm: Vec<i16> = tone();
    let chunks = pcm.chunks(160).zip(0u16..);
    let bytes = |c: &[i16]| c.iter().flat_map(|s| s.to_be_bytes()).collect();
    let packets: Vec<Rtp> =
        chunks.map(|(c, n)| (i64::from(n) * 20, 96, n, u32::from(n) * 160, bytes(c))).collect();
    let (samples, rate, _) = played(&packets, |s| {
        s.codec = Some(Arc::new(Codec {
            name: "L16".to_owned(),
            clock: 8000,
            channels: 1,
            source: crate::correlate::media::CodecSource::Sdp,
        }));
    });
    assert_eq!(rate, 8000);
    assert!(samples == pcm);
}

#[test]
fn what_cannot_be_heard_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut analysis = read(&capture(dir.path(), &spoken()));
    let stream = analysis.media_streams().into_iter().next().expect("a stream");
    let refused = |analysis: &Analysis, change: &dyn Fn(&mut MediaStream)| {
        let mut s = stream.clone();
        change(&mut s);
        let mut out = Vec::new();
        let error = wav(analysis, &s, 2, &mut out).expect_err("no audio");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(out.is_empty());
        error.to_string()
    };
    let named = |s: &mut MediaStream, name: &str, clock| {
        let codec = s.codec.as_mut().unwrap();
        let codec = Arc::make_mut(codec);
        (codec.name, codec.clock) = (name.to_owned(), clock);
    };
    let check = |change: &dyn Fn(&mut MediaStream), text: &str| assert_eq!(refused(&analysis, change), text);
    check(
        &|s| s.protection = Some(Protection::Srtp),
        "stream 3 is encrypted (SRTP): without its keys there is no audio",
    );
    check(
        &|s| s.protection = Some(Protection::SrtpBySize),
        "stream 3 by the size of its packets is encrypted (SRTP): without its keys there is no audio",
    );
    check(&|s| named(s, "SILK", 16_000), &format!("stream 3 has SILK/16000: only {DECODED} are decoded"));
    #[cfg(not(feature = "opus"))]
    check(
        &|s| named(s, "opus", 48_000),
        "stream 3 has opus/48000: only G.711, G.722 and L16 are decoded; Opus is by a build with `--features opus`",
    );
    check(&|s| s.codec = None, "nothing tells what payload type 0 of stream 3 is");
    check(&|s| named(s, "telephone-event", 8000), "stream 3 has nothing but keys and comfort noise");
    check(&|s| named(s, "VP8", 90_000), "stream 3 is video, no audio");
    analysis.redact_text = true;
    assert_eq!(refused(&analysis, &|_| {}), "audio is what people said: --redact-text cannot be heeded");
}

#[test]
fn the_limit_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut packets = spoken();
    // Forty days of silence.
    packets[49].0 += 40 * 86_400_000;
    let mut analysis = read(&capture(dir.path(), &packets));
    analysis.limits.audio_seconds = 3;
    let s = analysis.media_streams().into_iter().next().expect("a stream");
    let mut out = Vec::new();
    let told = wav(&analysis, &s, 0, &mut out).expect("audio");
    assert!(told.ended && told.words().contains("it ends at the limit audio_seconds"));
    assert_eq!(samples(&out).0.len(), 24_000);
}

#[cfg(feature = "opus")]
mod opus_streams {
    use super::*;
    use proptest::prelude::*;

    /// A second of 440 Hz, stereo, encoded in packets of 20 ms.
    fn spoken() -> Vec<Rtp> {
        let at =
            |i: i32| (6000.0 * (2.0 * std::f64::consts::PI * 440.0 * f64::from(i) / 48_000.0).sin()) as i16;
        let pcm: Vec<i16> = (0..48_000).flat_map(|i| [at(i); 2]).collect();
        let mut encoder = ::opus::Encoder::new(48_000, ::opus::Channels::Stereo, ::opus::Application::Voip)
            .expect("an encoder");
        let packets = pcm.chunks(1920).map(|c| encoder.encode_vec(c, 1500).expect("a packet"));
        let numbered = packets.zip(0u16..);
        numbered.map(|(p, n)| (i64::from(n) * 20, 111, 100 + n, 5000 + u32::from(n) * 960, p)).collect()
    }

    fn is_opus(s: &mut MediaStream) {
        s.codec = Some(Arc::new(Codec {
            name: "opus".to_owned(),
            clock: 48_000,
            channels: 2,
            source: crate::correlate::media::CodecSource::Sdp,
        }));
    }

    #[test]
    fn a_tone_comes_back_as_long_and_as_loud() {
        let (samples, rate, told) = played(&spoken(), is_opus);
        assert_eq!(
            (samples.len(), rate, told.silence, told.packets, told.damaged),
            (48_000, 48_000, 0, 50, 0)
        );
        let of_tone = 6000f64.powi(2) / 2.0;
        assert!((energy(&samples[4800..]) / of_tone - 1.0).abs() < 0.2, "{}", energy(&samples[4800..]));
        // Rising zero crossings of 440 Hz in 0.9 s.
        let rises = samples[4800..].windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
        assert!((390..=402).contains(&rises), "{rises}");
    }

    #[test]
    fn what_is_lost_or_damaged_is_silence_of_its_length() {
        let mut packets: Vec<Rtp> = spoken().into_iter().filter(|p| !(110..115).contains(&p.2)).collect();
        // Code 3 without the byte that counts its frames (RFC 6716 §3.2.5).
        packets[30].4 = vec![0x03];
        let (samples, _, told) = played(&packets, is_opus);
        assert_eq!((samples.len(), told.packets, told.damaged), (48_000, 45, 1));
        assert_eq!(told.silence, 6 * 960);
        assert!(samples[9600..9600 + 4800].iter().all(|s| *s == 0));
        assert!(told.words().contains("1 packet could not be decoded"), "{}", told.words());
    }

    proptest! {
        #[test]
        fn any_payload_is_audio_or_silence(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 3..12)) {
            let numbered = payloads.into_iter().zip(0u16..);
            let packets: Vec<Rtp> =
                numbered.map(|(p, n)| (i64::from(n) * 20, 111, n, u32::from(n) * 960, p)).collect();
            let (samples, rate, _) = played(&packets, is_opus);
            prop_assert_eq!(rate, 48_000);
            prop_assert!(samples.len() <= 12 * 5760);
        }
    }
}
