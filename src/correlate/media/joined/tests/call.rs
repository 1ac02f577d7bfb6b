//! Call, section, direction, codec, protection.

use super::*;

#[test]
fn both_ways_of_a_plain_call() {
    let list = plain().streams();
    assert_eq!(wheres(&list), ["1.0 there", "1.0 back"]);
    for m in &list {
        assert_eq!(codec_of(m), ("PCMA/8000".to_owned(), Some(CodecSource::Sdp)));
        assert_eq!((m.payload_type, m.ptime_asked, m.ptime_used), (8, Some(20), Some(20.0)));
        assert_eq!((m.protection, m.secured), (None, Secured::NotOffered));
        assert!(m.unannounced_types.is_empty() && !m.unsignalled && m.after_end.is_none() && !m.held);
        assert!(m.other_codecs.is_empty() && m.hops.is_empty() && m.follows.is_none() && m.relay.is_none());
    }
    assert_eq!((list[0].back, list[1].back), (Some(1), Some(0)));
}

#[test]
fn the_order_of_arrival_says_nothing() {
    // Media first, its call in another capture that is read later.
    let mut s = Stage::default();
    s.rtp(150, THERE, &rtp(1), 50, &[]);
    s.rtp(160, BACK, &rtp(2), 50, &[]);
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    assert_eq!(wheres(&s.streams()), ["1.0 there", "1.0 back"]);
}

#[test]
fn early_media_before_any_answer() {
    let mut s = Stage::default();
    s.sip(0, &format!("{A}>{B}"), "c1", "INVITE/1", &audio(AM, ""));
    s.rtp(50, BACK, &rtp(2), 50, &[]);
    let list = s.streams();
    assert_eq!(wheres(&list), ["1.0 back"], "the offer says where it wants media");
    assert_eq!(list[0].section.as_ref().map(|s| s.message), Some(MsgIdx(0)));
    // In a 183 whose call then fails: the media was the callee's all the same.
    s.sip(40, &format!("{B}>{A}"), "c1", "183 INVITE/1", &audio(BM, ""));
    s.sip(2_000, &format!("{B}>{A}"), "c1", "486 INVITE/1", "");
    s.rtp(100, THERE, &rtp(1), 20, &[]);
    assert_eq!(wheres(&s.streams()), ["1.0 back", "1.0 there"]);
}

#[test]
fn the_answer_may_be_in_the_ack() {
    let mut s = Stage::default();
    s.sip(0, &format!("{A}>{B}"), "c1", "INVITE/1", "");
    s.sip(100, &format!("{B}>{A}"), "c1", "200 INVITE/1", &audio(BM, ""));
    s.sip(110, &format!("{A}>{B}"), "c1", "ACK/1", &audio(AM, ""));
    s.rtp(150, THERE, &rtp(1), 50, &[]);
    s.rtp(160, BACK, &rtp(2), 50, &[]);
    assert_eq!(wheres(&s.streams()), ["1.0 there", "1.0 back"]);
}

#[test]
fn media_of_nobody() {
    let mut s = plain();
    s.rtp(200, "10.9.9.9:7000>10.9.9.8:7000", &rtp(9), 50, &[]);
    let list = s.streams();
    let loose = list.iter().find(|m| m.ssrc == 9).unwrap();
    assert_eq!((where_of(loose), codec_of(loose).1), ("-.- ?".to_owned(), Some(CodecSource::Static)));
    // And a call that was over long before the same ends are in use again.
    s.rtp(400_000, THERE, &rtp(10), 50, &[]);
    assert_eq!(where_of(s.streams().iter().find(|m| m.ssrc == 10).unwrap()), "-.- ?");
}

#[test]
fn ends_used_again_by_the_next_call() {
    let mut s = Stage::default();
    for (i, ms) in [0, 3_000, 6_000].into_iter().enumerate() {
        let id = ["c1", "c2", "c3"][i];
        s.call(ms, id, &audio(AM, ""), &audio(BM, ""));
        s.rtp(ms + 150, THERE, &rtp(10 + i as u32), 50, &[]);
        s.bye(ms + 1_500, id);
    }
    assert_eq!(wheres(&s.streams()), ["1.0 there", "2.0 there", "3.0 there"]);
    // One source that goes on over all of them is told with the one it is longest in, as inferred.
    let mut s = Stage::default();
    for (ms, end, id) in [(0, 1_500, "c1"), (2_000, 6_000, "c2")] {
        s.call(ms, id, &audio(AM, ""), &audio(BM, ""));
        s.bye(end, id);
    }
    s.rtp(150, THERE, &rtp(1), 200, &[]);
    let list = s.streams();
    assert_eq!((where_of(&list[0]), &*list[0].other_calls), ("~2.0 there".to_owned(), &[CallIdx(0)][..]));
}

#[test]
fn two_calls_that_say_the_same_at_once() {
    // A media server that both name; whose packets these are nothing tells.
    let mut s = Stage::default();
    let server = "10.0.0.9:9000";
    s.call(0, "c1", &audio("10.0.0.1:4000", ""), &audio(server, ""));
    s.call(20, "c2", &audio("10.0.0.1:4002", ""), &audio(server, ""));
    s.rtp(200, &format!("10.0.0.77:4000>{server}"), &rtp(1), 50, &[]);
    assert_eq!(wheres(&s.streams()), ["-.- ?"]);
    // Where it comes from does.
    let mut s = Stage::default();
    s.call(0, "c1", &audio("10.0.0.1:4000", ""), &audio(server, ""));
    s.call(20, "c2", &audio("10.0.0.1:4002", ""), &audio(server, ""));
    s.rtp(200, &format!("10.0.0.1:4002>{server}"), &rtp(1), 50, &[]);
    s.rtp(210, &format!("{server}>10.0.0.1:4000"), &rtp(2), 50, &[]);
    assert_eq!(wheres(&s.streams()), ["2.0 there", "1.0 back"]);
}

#[test]
fn legs_of_one_call_that_pass_the_same_sdp_on() {
    let mut s = Stage::default();
    let (pbx, c) = ("10.0.0.8:5060", "10.0.0.3:5060");
    s.sip(0, &format!("{A}>{pbx}"), "c1", "INVITE/1", &audio(AM, ""));
    s.sip(10, &format!("{pbx}>{c}"), "c2", "INVITE/1", &audio(AM, ""));
    s.sip(100, &format!("{c}>{pbx}"), "c2", "200 INVITE/1", &audio(BM, ""));
    s.sip(110, &format!("{pbx}>{A}"), "c1", "200 INVITE/1", &audio(BM, ""));
    s.rtp(150, THERE, &rtp(1), 50, &[]);
    let list = s.streams();
    assert_eq!(s.analysis.links_of(CallIdx(0)).count(), 1, "the media address links them");
    assert_eq!((where_of(&list[0]), &*list[0].other_calls), ("~1.0 there".to_owned(), &[CallIdx(1)][..]));
}

#[test]
fn a_call_that_was_there_before_the_capture() {
    let mut s = Stage::default();
    s.rtp(0, THERE, &rtp(1), 500, &[]);
    s.rtp(10, BACK, &rtp(2), 500, &[]);
    s.renew(8_000, "c1", 5, &audio(AM, ""), &audio(BM, ""));
    assert_eq!(wheres(&s.streams()), ["1.0 there", "1.0 back"]);
}

#[test]
fn dynamic_types_are_what_the_receiver_says() {
    let offer = sdp(
        "c=IN IP4 10.0.0.1; m=audio 4000 RTP/AVP 96 97; a=rtpmap:96 opus/48000/2; a=rtpmap:97 speex/16000",
    );
    let answer = sdp("c=IN IP4 10.0.0.2; m=audio 5000 RTP/AVP 107; a=rtpmap:107 opus/48000/2; a=maxptime:60");
    let mut s = Stage::default();
    s.call(0, "c1", &offer, &answer);
    let opus = Rtp { ticks: 960, ..rtp(1).sized(80) };
    s.rtp(150, THERE, &opus.clone().of_type(107), 50, &[]);
    s.rtp(160, BACK, &Rtp { ssrc: 2, ..opus.clone().of_type(96) }, 50, &[]);
    let list = s.streams();
    for m in &list {
        assert_eq!(codec_of(m), ("opus/48000/2".to_owned(), Some(CodecSource::Sdp)));
        assert_eq!((m.ptime_used, m.mos, m.unannounced_types.len()), (Some(20.0), None, 0));
    }
    assert_eq!((list[0].ptime_most, list[1].ptime_most), (Some(60), None));
    // The caller's own number is none of the receiver's: told, and the codec with it.
    let mut s = Stage::default();
    s.call(0, "c1", &offer, &answer);
    s.rtp(150, THERE, &opus.of_type(97), 50, &[]);
    let list = s.streams();
    assert_eq!((codec_of(&list[0]).0, &*list[0].unannounced_types), ("speex/16000".to_owned(), &[97][..]));
}

#[test]
fn without_sdp_numbers_are_a_guess_and_say_so() {
    let mut s = Stage::default();
    s.rtp(0, THERE, &rtp(1).of_type(114), 50, &[]);
    s.rtp(1, BACK, &rtp(2).of_type(96), 50, &[]);
    let list = s.streams();
    assert_eq!(codec_of(&list[0]), ("x-msrta/16000".to_owned(), Some(CodecSource::Fallback)));
    assert_eq!(codec_of(&list[1]), (String::new(), None));
    assert!(list.iter().all(|m| m.unannounced_types.is_empty() && m.mos.is_none()));
}

#[test]
fn keys_are_told_and_are_no_codec() {
    let mut s = plain();
    let key = |event: u8, stamp| Rtp {
        payload: vec![event, 0x0A, 3, 32],
        ticks: 0,
        stamp,
        ..rtp(1).of_type(101).behind(50)
    };
    s.rtp(1_200, THERE, &key(5, 20_000), 3, &[]);
    s.rtp(1_400, THERE, &Rtp { sequence: 153, ..key(11, 24_000) }, 3, &[]);
    let list = s.streams();
    let m = &list[0];
    assert_eq!((m.payload_type, &*m.keys), (8, "5#"));
    let others: Vec<_> = m.other_codecs.iter().map(|(pt, c)| (*pt, c.as_deref().map(Codec::text))).collect();
    assert_eq!(others, [(101, Some("telephone-event/8000".to_owned()))]);
    assert!(m.unannounced_types.is_empty());
}

#[test]
fn a_codec_that_changes_by_a_new_offer() {
    let one = |ip, port, pt, name| {
        sdp(&format!("c=IN IP4 {ip}; m=audio {port} RTP/AVP {pt}; a=rtpmap:{pt} {name}"))
    };
    let mut s = Stage::default();
    s.call(0, "c1", &one("10.0.0.1", 4000, 96, "iLBC/8000"), &one("10.0.0.2", 5000, 96, "iLBC/8000"));
    s.rtp(150, THERE, &rtp(1).of_type(96).sized(50), 100, &[]);
    s.renew(3_000, "c1", 2, &one("10.0.0.1", 4000, 97, "AMR/8000"), &one("10.0.0.2", 5000, 97, "AMR/8000"));
    s.rtp(3_100, THERE, &rtp(1).of_type(97).sized(32).behind(147), 50, &[]);
    let list = s.streams();
    let m = &list[0];
    assert_eq!((m.payload_type, codec_of(m).0), (96, "iLBC/8000".to_owned()));
    assert_eq!(m.other_codecs[0].1.as_deref().map(Codec::text), Some("AMR/8000".to_owned()));
    assert!(m.unannounced_types.is_empty(), "each was announced while it ran");
}

#[test]
fn a_bundle_is_told_apart_by_type_and_by_source() {
    let bundled = |ip, port| {
        sdp(&format!(
            "c=IN IP4 {ip}; a=group:BUNDLE 0 1 2; m=audio {port} RTP/AVP 111; a=mid:0; a=rtpmap:111 opus/48000/2; \
             m=video {port} RTP/AVP 100; a=mid:1; a=rtpmap:100 VP8/90000; a=ssrc:77 cname:x; \
             m=video {port} RTP/AVP 100; a=mid:2; a=rtpmap:100 VP8/90000; a=ssrc:88 cname:x"
        ))
    };
    let mut s = Stage::default();
    s.call(0, "c1", &bundled("10.0.0.1", 4000), &bundled("10.0.0.2", 5000));
    for (ssrc, payload_type) in [(5, 111), (77, 100), (88, 100), (99, 100)] {
        s.rtp(150, THERE, &rtp(ssrc).of_type(payload_type), 50, &[]);
    }
    let sections: Vec<_> =
        s.streams().iter().map(|m| (m.ssrc, m.section.as_ref().map(|s| s.index))).collect();
    assert_eq!(sections, [(5, Some(0)), (77, Some(1)), (88, Some(2)), (99, None)], "of 99 nothing tells");
}

#[test]
fn a_bundle_whose_offer_had_ports_of_its_own() {
    let offer = sdp(
        "c=IN IP4 10.0.0.1; a=group:BUNDLE 0 1; m=audio 4000 RTP/AVP 111; a=mid:0; a=rtpmap:111 opus/48000/2; \
         m=video 4002 RTP/AVP 100; a=mid:1; a=rtpmap:100 VP8/90000",
    );
    let answer = |group: &str| {
        sdp(&format!(
            "c=IN IP4 10.0.0.2; {group} m=audio 5000 RTP/AVP 111; a=mid:0; a=rtpmap:111 opus/48000/2; \
             m=video 5000 RTP/AVP 100; a=mid:1; a=rtpmap:100 VP8/90000"
        ))
    };
    for (group, section) in [("a=group:BUNDLE 0 1;", 1), ("", 0)] {
        let mut s = Stage::default();
        s.call(0, "c1", &offer, &answer(group));
        s.rtp(150, BACK, &rtp(2).of_type(100), 50, &[]);
        let index = s.streams()[0].section.as_ref().map(|s| s.index);
        assert_eq!(index, Some(section), "{group}: video to the port of audio");
    }
}

#[test]
fn microsofts_ranges_of_sources() {
    let two = |ip, ports: [u16; 2], ranges: [&str; 2]| {
        sdp(&format!(
            "c=IN IP4 {ip}; m=video {} RTP/AVP 121; a=rtpmap:121 x-rtvc1/90000; a=x-ssrc-range:{}; \
             m=video {} RTP/AVP 121; a=rtpmap:121 x-rtvc1/90000; a=x-ssrc-range:{}",
            ports[0], ranges[0], ports[1], ranges[1]
        ))
    };
    let mut s = Stage::default();
    let offer = two("10.0.0.1", [4000, 4000], ["100-199", "200-299"]);
    s.call(0, "c1", &offer, &two("10.0.0.2", [5000, 5000], ["1-99", "300-399"]));
    for ssrc in [150, 250] {
        s.rtp(150, THERE, &rtp(ssrc).of_type(121), 50, &[]);
    }
    let sections: Vec<_> = s.streams().iter().map(|m| m.section.as_ref().map(|s| s.index)).collect();
    assert_eq!(sections, [Some(0), Some(1)]);
}

#[test]
fn protection_is_what_was_agreed_and_what_sizes_show() {
    const KEY: &str =
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20";
    let check = |offer: &str, answer: &str, size: usize, expected: (Option<Protection>, Secured)| {
        let mut s = Stage::default();
        s.call(0, "c1", &audio(AM, offer), &audio(BM, answer));
        s.rtp(150, THERE, &rtp(1).sized(size), 50, &[]);
        let list = s.streams();
        assert_eq!((list[0].protection, list[0].secured), expected, "{offer} / {answer} / {size}");
    };
    let (agreed, offered, none) = (Secured::Agreed, Secured::Offered, Secured::NotOffered);
    check(KEY, KEY, 170, (Some(Protection::Srtp), agreed));
    check(KEY, "", 160, (None, offered));
    check(KEY, &format!("{KEY}; a=encryption:rejected"), 160, (None, offered));
    check(KEY, KEY, 160, (None, agreed));
    check("", "", 160, (None, none));
    check("", "", 170, (Some(Protection::SrtpBySize), none));
    check("", "", 164, (Some(Protection::SrtpBySize), none));
    check("", "", 161, (None, none));
}

#[test]
fn a_secure_profile_with_fingerprints() {
    let dtls = |ip, port| {
        sdp(&format!(
            "c=IN IP4 {ip}; a=fingerprint:sha-256 AA:BB; m=audio {port} UDP/TLS/RTP/SAVPF 8; a=rtpmap:8 PCMA/8000"
        ))
    };
    let mut s = Stage::default();
    s.sip(0, &format!("{A}>{B}"), "c1", "INVITE/1", &dtls("10.0.0.1", 4000));
    s.rtp(50, BACK, &rtp(2).sized(170), 50, &[]);
    assert_eq!(s.streams()[0].protection, Some(Protection::Srtp), "such an offer leaves no choice");
    s.sip(100, &format!("{B}>{A}"), "c1", "200 INVITE/1", &dtls("10.0.0.2", 5000));
    assert_eq!(s.streams()[0].secured, Secured::Agreed);
}

#[test]
fn without_sdp_a_handshake_or_encrypted_rtcp_tell_of_srtp() {
    let protection = |s: &mut Stage| s.streams().iter().map(|m| m.protection).collect::<Vec<_>>();
    let mut s = Stage::default();
    s.rtp(0, THERE, &rtp(1).of_type(96).sized(90), 50, &[]);
    s.rtp(0, BACK, &rtp(2).of_type(96).sized(90), 50, &[]);
    s.rtp(0, "10.0.0.1:4002>10.0.0.2:5002", &rtp(3).of_type(96).sized(90), 50, &[]);
    assert_eq!(protection(&mut s), [None; 3]);
    // Finished of both (RFC 6347 §4.1): an encrypted handshake record of epoch 1. One alone is no agreement.
    let mut finished = vec![22, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 0, 0, 40];
    finished.extend([0x77; 40]);
    s.keys(10, BACK, &finished);
    assert_eq!(protection(&mut s), [None; 3]);
    s.keys(20, THERE, &finished);
    assert_eq!(protection(&mut s), [Some(Protection::Srtp), Some(Protection::Srtp), None]);
    // SRTCP (RFC 3711 §3.4): E, index 1 and a tag of ten bytes behind a report that cannot be read.
    let mut srtcp = vec![0x81, 200, 0, 12];
    srtcp.extend(3u32.to_be_bytes());
    srtcp.extend((0..44u8).map(|i| i.wrapping_mul(37) ^ 0x5A));
    srtcp.extend([0x80, 0, 0, 1]);
    srtcp.extend([0xC3; 10]);
    s.rtcp(500, "10.0.0.1:4003>10.0.0.2:5003", &srtcp);
    assert_eq!(protection(&mut s), [Some(Protection::Srtp); 3]);
}

#[test]
fn few_packets_count_where_they_were_asked_for() {
    let mut s = plain();
    s.rtp(1_500, THERE, &rtp(50), 2, &[]);
    s.rtp(1_500, THERE, &rtp(51).of_type(33), 2, &[]);
    s.rtp(1_500, "10.9.9.9:7000>10.9.9.8:7000", &rtp(52), 2, &[]);
    let list = s.streams();
    let few: Vec<_> = list.iter().filter(|m| matches!(m.source, StreamSource::Announced(_))).collect();
    assert_eq!(few.len(), 1, "not a type that is none of the call's, nor to where nobody asked");
    assert_eq!((few[0].ssrc, where_of(few[0])), (50, "1.0 there".to_owned()));
    assert_eq!(s.analysis.figures_of(few[0]).unwrap().packets, 2);
}

#[test]
fn the_streams_are_worked_out_anew_when_more_comes() {
    let mut s = Stage::default();
    s.rtp(150, THERE, &rtp(1), 50, &[]);
    assert_eq!(wheres(&s.streams()), ["-.- ?"]);
    s.call(0, "c1", &audio(AM, ""), &audio(BM, ""));
    assert_eq!(wheres(&s.streams()), ["1.0 there"]);
    let list = s.analysis.joined_media();
    assert!(Arc::ptr_eq(&list, &s.analysis.joined_media()));
    s.rtp(1_150, THERE, &rtp(1).behind(50), 1, &[]);
    assert!(!Arc::ptr_eq(&list, &s.analysis.joined_media()));
}

/// RFC 9143 §9.2: of sections in a bundle whose payload types and sources say nothing, the packet's own header tells.
#[test]
fn a_packet_may_name_its_section() {
    let mid = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid";
    let of = |end: &str, more: &str| {
        let (ip, port) = end.split_once(':').unwrap();
        sdp(&format!(
            "c=IN IP4 {ip}; a=group:BUNDLE a b c; m=audio {port} RTP/AVP 8; a=mid:a; {mid}; \
             m=video {port} RTP/AVP 96; a=rtpmap:96 VP8/90000; a=mid:b; {mid}; {more} \
             m=video {port} RTP/AVP 96; a=rtpmap:96 VP8/90000; a=mid:c; {mid}"
        ))
    };
    // The source that the sender announces for the second section is overruled by what its packets say.
    let places = |more: &str, element: Option<(u8, u8)>| {
        let mut s = Stage::default();
        s.call(0, "c1", &of(AM, more), &of(BM, ""));
        s.rtp(150, THERE, &Rtp { element, ..rtp(7).of_type(96) }, 50, &[]);
        wheres(&s.streams())
    };
    assert_eq!(places("", Some((4, b'c'))), ["1.2 there"]);
    assert_eq!(places("a=ssrc:7 cname:x;", Some((4, b'c'))), ["1.2 there"]);
    assert_eq!(places("a=ssrc:7 cname:x;", None), ["1.1 there"]);
    // Of another extension, and of no section: nobody knows.
    assert_eq!(places("", Some((5, b'c'))), ["1.- there"]);
    assert_eq!(places("", Some((4, b'z'))), ["1.- there"]);
    assert_eq!(places("a=ssrc:7 cname:x;", Some((4, b'z'))), ["1.1 there"]);
}
