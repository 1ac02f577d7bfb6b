//! Fax: SDP tells that it is one, whenever it comes.

use super::*;

/// Where Alice and Bob want fax.
fn image(end: &str) -> String {
    let (ip, port) = end.split_once(':').unwrap();
    sdp(&format!("c=IN IP4 {ip}; m=image {port} udptl t38; a=T38FaxUdpEC:t38UDPRedundancy"))
}

fn fax_rows(s: &mut Stage) -> Vec<(String, u64, u64)> {
    let list = s.streams();
    let of = |m: &MediaStream| {
        (where_of(m), s.analysis.figures_of(m).unwrap().packets, s.analysis.recovered_of(m).unwrap())
    };
    list.iter().filter(|m| m.is_fax()).map(of).collect()
}

#[test]
fn before_and_behind_the_description() {
    let early = |s: &mut Stage| {
        s.fax(150, THERE, 0, 30, &[5]);
        s.fax(160, BACK, 0, 20, &[]);
    };
    let call = |s: &mut Stage| s.call(0, "c1", &image(AM), &image(BM));
    let expected = [("1.0 there".to_owned(), 29, 1), ("1.0 back".to_owned(), 20, 0)];
    let mut behind = Stage::default();
    call(&mut behind);
    early(&mut behind);
    assert_eq!(fax_rows(&mut behind), expected);
    assert_eq!(behind.accepted, [1; 49]);
    let mut before = Stage::default();
    early(&mut before);
    assert_eq!(fax_rows(&mut before), [], "nothing says what it is");
    assert_eq!(before.accepted, [0; 49]);
    call(&mut before);
    assert_eq!(fax_rows(&mut before), expected);
    before.fax(1_000, THERE, 30, 2, &[]);
    assert_eq!(fax_rows(&mut before)[0], ("1.0 there".to_owned(), 31, 1), "and it goes on");
    assert_eq!(before.analysis.fax_packets(), 51);
}

/// Its numbers may go on as RTP would; audio before it on the same flow stays what it was.
#[test]
fn in_the_place_of_audio() {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    s.rtp(150, THERE, &rtp(1), 50, &[]);
    s.rtp(160, BACK, &rtp(2), 50, &[]);
    s.renew(2_000, "c1", 2, &image(AM), &image(BM));
    s.fax(2_100, THERE, 0, 30, &[]);
    s.fax(2_110, BACK, 0, 30, &[]);
    s.bye(5_000, "c1");
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 there", "1.0 back", "1.0 there", "1.0 back"]);
    let kinds: Vec<&str> = list.iter().map(|m| m.section.as_ref().unwrap().kind.as_str()).collect();
    assert_eq!(kinds, ["audio", "audio", "image", "image"]);
    assert_eq!(list.iter().map(|m| m.back).collect::<Vec<_>>(), [Some(1), Some(0), Some(3), Some(2)]);
    let fax = &list[2];
    assert_eq!(codec_of(fax).0, "t38");
    assert!(fax.mos.is_none() && fax.follows.is_none() && fax.hops.is_empty() && !fax.unsignalled);
    assert!(fax.unannounced_types.is_empty() && fax.protection.is_none() && fax.ptime_used.is_none());
    assert_eq!(s.analysis.rtp_packets(), 100, "fax is no RTP");
}

#[test]
fn numbers_that_look_like_rtp() {
    let mut s = Stage::default();
    s.call(0, "c1", &image(AM), &image(BM));
    s.fax(150, THERE, 0x7ff0, 64, &[20, 21]);
    assert_eq!(fax_rows(&mut s), [("1.0 there".to_owned(), 62, 1)], "of two in a row one is repeated");
    let list = s.streams();
    assert_eq!(s.analysis.figures_of(&list[0]).unwrap().losses().missing, 1);
    assert_eq!(list.len(), 1);
}

/// Ports that were refused, or are for something else, expect none; and flows of nobody make place for others.
#[test]
fn what_nobody_asked_for() {
    let mut s = Stage::default();
    s.call(0, "c1", &image("10.0.0.1:0"), &audio(BM, ""));
    s.fax(150, THERE, 0, 30, &[]);
    for n in 0..1_100 {
        s.fax(200 + n, &format!("10.7.0.1:{}>10.7.0.2:9", 1_000 + n), 0, 1, &[]);
    }
    assert!(s.streams().is_empty());
    s.call(2_000, "c2", &image(AM), &image(BM));
    assert_eq!(fax_rows(&mut s), [], "too long ago");
    s.fax(2_200, THERE, 30, 10, &[]);
    assert_eq!(fax_rows(&mut s), [("2.0 there".to_owned(), 10, 0)]);
}
