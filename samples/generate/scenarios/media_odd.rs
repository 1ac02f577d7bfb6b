//! Media that a careful reader must not be misled by: after the end, where nobody announced it, restarted, encrypted,
//! bundled, and what only looks like it.

use std::net::SocketAddr;

use super::media::{CALM, FAR, NEAR, body, establish, in_order, port, talk, two_way};
use super::{START, alice, at, bob};
use crate::call::{Call, Extra};
use crate::media::{Carrier, G723, OPUS, Session, Stream, VP8, vp8_head};
use crate::media_rtcp::Participant;
use crate::scene::{Scene, sdp};
use crate::secured::{Dtls, certificate, fingerprint, udptl, zrtp, zrtp_hello};

const FILE: &str = "media_odd.pcap";

fn pair(n: u16) -> (SocketAddr, SocketAddr) {
    (port(&alice(), 24_600 + 2 * n), port(&bob(), 34_600 + 2 * n))
}

fn ended(s: &mut Scene, c: &mut Call) {
    c.bye(s);
    s.wait(1_000);
}

fn plain(s: &mut Scene, n: u16) -> (Call, Session) {
    let rtp = pair(n);
    let c = establish(s, (&alice(), &bob()), rtp, "4 101");
    let m = two_way(s, G723, rtp.0, rtp.1, 46);
    (c, m)
}

/// 1: Bob talks on for a second after the BYE was answered.
fn after_the_end(s: &mut Scene) {
    let (mut c, mut m) = plain(s, 0);
    talk(s, &mut m, 60);
    m.play(s, &mut []);
    c.bye(s);
    m.streams[1].talk(&mut s.random, 33);
    m.streams[1].queue(&mut s.random, CALM);
    m.parties.clear();
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 1", &[]);
    s.wait(1_000);
}

/// 2: Bob's SDP tells a private address; Alice's side answers to where his packets come from.
fn latched(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let ours = pair(1).0;
    let (told, seen) = (at("192.168.7.7:40000"), at("203.0.113.50:61022"));
    let mut c = Call::new(s, &a, &b, None);
    let offer = sdp("alice", 11, 1, ours, "4 101", "a=sendrecv\r\n");
    c.establish(s, &offer, &sdp("bob", 12, 1, told, "4 101", "a=sendrecv\r\n"), 500);
    let mut m = two_way(s, G723, ours, seen, 46);
    m.parties.clear();
    // The first packet of Alice still goes to the private address.
    m.streams[0].by = Carrier::Straight(ours, told);
    m.streams[0].talk(&mut s.random, 3);
    m.streams[0].by = Carrier::Straight(ours, seen);
    m.streams[0].talk(&mut s.random, 60);
    m.streams[1].rest(70);
    m.streams[1].talk(&mut s.random, 60);
    for t in &mut m.streams {
        t.queue(&mut s.random, CALM);
    }
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 2", &[]);
    ended(s, &mut c);
}

/// 3: Bob's source changes in the middle, with sequence and timestamp of its own.
fn another_source(s: &mut Scene) {
    let (mut c, mut m) = plain(s, 2);
    talk(s, &mut m, 40);
    let t = &mut m.streams[1];
    (t.ssrc, t.sequence, t.timestamp) = (s.random.next() as u32, 7, s.random.next() as u32);
    talk(s, &mut m, 40);
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 3", &[]);
    ended(s, &mut c);
}

/// 4: the same source begins anew, its sequence and timestamp far off. Nothing is lost.
fn restarted(s: &mut Scene) {
    let (mut c, mut m) = plain(s, 3);
    talk(s, &mut m, 40);
    let t = &mut m.streams[1];
    (t.sequence, t.timestamp) = (t.sequence.wrapping_add(21_000), 160);
    talk(s, &mut m, 40);
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 4", &[]);
    ended(s, &mut c);
}

/// 5: sequence and timestamp wrap.
fn wrapped(s: &mut Scene) {
    let (mut c, mut m) = plain(s, 4);
    (m.streams[0].sequence, m.streams[0].timestamp) = (65_500, 0xffff_f000);
    // A packet lost just at the wrap: 65535 is missing.
    talk(s, &mut m, 60);
    m.streams[0].lose(35);
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 5", &[]);
    ended(s, &mut c);
}

/// 6: SRTP by SDES; RTCP is encrypted too.
fn by_sdes(s: &mut Scene) {
    let rtp = pair(5);
    let (a, b) = (alice(), bob());
    let told = |owner, at, key: &str| {
        let more = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^31\r\na=sendrecv\r\n");
        sdp(owner, 15, 1, at, "4 101", &more).replace("RTP/AVP", "RTP/SAVP")
    };
    let mut c = Call::new(s, &a, &b, None);
    let keys = ["d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj"];
    c.establish(s, &told("alice", rtp.0, keys[0]), &told("bob", rtp.1, keys[1]), 500);
    let mut m = two_way(s, G723, rtp.0, rtp.1, 46);
    m.streams = m.streams.into_iter().map(Stream::protected).collect();
    for p in &mut m.parties {
        (p.tag, p.next) = (10, p.next - 1_500_000);
    }
    talk(s, &mut m, 60);
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 6", &[]);
    ended(s, &mut c);
}

/// 7: DTLS, then SRTP and SRTCP on one port. 8: the same, but Alice refuses with an alert.
fn by_dtls(s: &mut Scene, n: u16, works: bool) {
    let rtp = pair(n);
    let (a, b) = (alice(), bob());
    let papers = [certificate(&mut s.random), certificate(&mut s.random)];
    let told = |owner, at, paper: &[u8], setup: &str| {
        let more = format!("{}a=setup:{setup}\r\na=rtcp-mux\r\na=sendrecv\r\n", fingerprint(paper));
        sdp(owner, 16, 1, at, "109", &more).replace("RTP/AVP", "UDP/TLS/RTP/SAVPF")
    };
    let mut c = Call::new(s, &a, &b, None);
    let (offer, answer) =
        (told("alice", rtp.0, &papers[0], "actpass"), told("bob", rtp.1, &papers[1], "active"));
    c.establish(s, &offer, &answer, 500);
    let (mut ours, mut theirs) = (Dtls::default(), Dtls::default());
    let hello = theirs.client_hello(&mut s.random);
    s.udp(rtp.1, rtp.0, 0, &hello);
    s.wait(2);
    if !works {
        // handshake_failure; Bob hangs up.
        let refusal = ours.alert(2, 40);
        s.udp(rtp.0, rtp.1, 0, &refusal);
        s.wait(300);
        c.bye_back(s);
        s.wait(1_000);
        return;
    }
    let flight = ours.server_flight(&mut s.random, &papers[0]);
    s.udp(rtp.0, rtp.1, 0, &flight);
    s.wait(20);
    let flight = theirs.client_flight(&mut s.random, &papers[1]);
    s.udp(rtp.1, rtp.0, 0, &flight);
    s.wait(2);
    let last = ours.finish(&mut s.random);
    s.udp(rtp.0, rtp.1, 0, &last);
    s.wait(15);
    let mut m = two_way(s, OPUS, rtp.0, rtp.1, 46);
    m.streams = m.streams.into_iter().map(Stream::protected).collect();
    for p in &mut m.parties {
        (p.tag, p.next) = (10, p.next - 2_000_000);
    }
    m.parties[0].by = Some(Carrier::Straight(rtp.0, rtp.1));
    m.parties[1].by = Some(Carrier::Straight(rtp.1, rtp.0));
    talk(s, &mut m, 60);
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 7", &[]);
    ended(s, &mut c);
}

/// 9: ZRTP Hellos among the first packets of RTP; only one side speaks it.
fn zrtp_tried(s: &mut Scene) {
    let (mut c, mut m) = plain(s, 8);
    let (ours, theirs) = pair(8);
    talk(s, &mut m, 5);
    m.play(s, &mut []);
    let hello = zrtp_hello(&mut s.random);
    for (n, pause) in [(1u16, 50), (2, 100), (3, 200)] {
        let ssrc = m.streams[0].ssrc;
        s.udp(ours, theirs, 46, &zrtp(n, ssrc, b"Hello   ", &hello));
        m.resume(s);
        talk(s, &mut m, pause / 30 + 1);
        m.play(s, &mut []);
    }
    talk(s, &mut m, 40);
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 9", &[]);
    ended(s, &mut c);
}

/// 10: a fax: the audio gives way to T.38 by the callee's re-INVITE, on the same ports.
fn fax(s: &mut Scene) {
    let (mut c, mut m) = plain(s, 9);
    let (ours, theirs) = pair(9);
    talk(s, &mut m, 40);
    m.play(s, &mut []);
    let told = |owner: &str, at: SocketAddr| {
        format!(
            "v=0\r\no={owner} 17 2 IN IP4 {ip}\r\ns=session\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=image {port} udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n",
            ip = at.ip(),
            port = at.port()
        )
    };
    c.request_back(s, "INVITE", &body(told("bob", theirs)));
    c.respond(s, 200, "OK", &body(told("alice", ours)));
    c.request(s, "ACK", false, &Extra::default());
    // T.30 indicators: no signal, CNG from the caller; CED and the V.21 preamble from the called machine.
    for n in 0..20u16 {
        let (from_caller, from_called) = if n < 10 { (2, 4) } else { (0, 6) };
        s.udp(ours, theirs, 46, &udptl(n, &[from_caller]));
        s.wait(20);
        s.udp(theirs, ours, 46, &udptl(n, &[from_called]));
        s.wait(40);
    }
    m.tell(FILE, "audio of call 10", &[]);
    c.bye_back(s);
    s.wait(1_000);
}

/// 11: audio, video and both RTCPs on one port (BUNDLE), told apart by payload type and the mid in an extension.
fn bundled(s: &mut Scene) {
    let (ours, theirs) = pair(10);
    let (a, b) = (alice(), bob());
    let told = |owner, at: SocketAddr| {
        let more = format!(
            "a=mid:0\r\na=rtcp-mux\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=sendrecv\r\nm=video {} RTP/AVPF 96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=mid:1\r\na=rtcp-mux\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=sendrecv\r\n",
            at.port()
        );
        sdp(owner, 18, 1, at, "109", &more)
            .replace("t=0 0\r\n", "t=0 0\r\na=group:BUNDLE 0 1\r\n")
            .replace("RTP/AVP 109", "RTP/AVPF 109")
    };
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &told("alice", ours), &told("bob", theirs), 500);
    let (up, down) = (Carrier::Straight(ours, theirs), Carrier::Straight(theirs, ours));
    let mut streams = Vec::new();
    for (codec, mid) in [(OPUS, b'0'), (VP8, b'1')] {
        for (by, near, far) in [(up, NEAR, FAR), (down, FAR, NEAR)] {
            let mut t = Stream::new(s, codec, by, 46).delays(near, far);
            t.extension = Some((0xbede, vec![0x10, mid, 0, 0]));
            streams.push(t);
        }
    }
    let one = Participant::new(s, "{6a1f}", up, &[0, 2], &[1, 3]).delays(NEAR, FAR);
    let other = Participant::new(s, "{90c2}", down, &[1, 3], &[0, 2]).delays(FAR, NEAR);
    let mut m = Session::new(streams, vec![one.paced(700, 1_100), other.paced(900, 1_100)]);
    for t in &mut m.streams[..2] {
        t.talk(&mut s.random, 80);
        t.queue(&mut s.random, CALM);
    }
    for t in &mut m.streams[2..] {
        let picture = s.random.next() as u8;
        t.show(&mut s.random, 16, 2, |frame, piece| vp8_head(picture, frame, piece));
        t.queue(&mut s.random, CALM);
    }
    m.play(s, &mut []);
    let video = m.streams.split_off(2);
    m.tell(FILE, "audio of call 11", &[]);
    let audio = std::mem::replace(&mut m.streams, video);
    m.tell(FILE, "video of call 11", &[]);
    m.streams = audio;
    ended(s, &mut c);
}

/// RTP that no SDP announced, with RTCP.
fn unannounced(s: &mut Scene) {
    let (a, b) = (at("10.10.0.61:17000"), at("10.10.0.62:18000"));
    let mut m = two_way(s, G723, a, b, 46);
    for p in &mut m.parties {
        p.next -= 1_500_000;
    }
    talk(s, &mut m, 70);
    m.play(s, &mut []);
    m.tell(FILE, "- of no call", &[]);
    s.wait(500);
}

/// Datagrams whose first byte is 0x80 and which are no RTP: random ones, and a beat that never changes; then a packet
/// each from twenty sources.
fn look_alikes(s: &mut Scene) {
    let (a, b) = (at("10.10.0.71:27015"), at("10.10.0.72:7777"));
    for n in 0..60 {
        let mut p = vec![0x80];
        p.extend((0..59).map(|_| s.random.next() as u8));
        let (src, dst) = if n % 3 == 0 { (b, a) } else { (a, b) };
        s.udp(src, dst, 0, &p);
        s.wait(20);
    }
    for _ in 0..20 {
        s.udp(
            at("10.10.0.73:9000"),
            at("10.10.0.74:9000"),
            0,
            b"\x80\x60\x00\x01\x00\x00\x00\x01beat\x00\x00\x00\x00alive!",
        );
        s.wait(50);
    }
    let (ours, _) = pair(40);
    for n in 0..20u16 {
        let from = at(&format!("10.10.1.{}:{}", n + 1, 20_000 + n));
        let mut t = Stream::new(s, G723, Carrier::Straight(from, ours), 0);
        t.talk(&mut s.random, 1);
        Session::new(vec![t], Vec::new()).play(s, &mut []);
    }
}

pub fn odd() -> Scene {
    let mut s = Scene::new(77, START);
    after_the_end(&mut s);
    latched(&mut s);
    another_source(&mut s);
    restarted(&mut s);
    wrapped(&mut s);
    by_sdes(&mut s);
    by_dtls(&mut s, 6, true);
    by_dtls(&mut s, 7, false);
    zrtp_tried(&mut s);
    fax(&mut s);
    bundled(&mut s);
    unannounced(&mut s);
    look_alikes(&mut s);
    in_order(s)
}
