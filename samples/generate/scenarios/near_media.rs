//! Media that comes close to what the rules look for, and is healthy: nothing is to be told of it.

use std::net::SocketAddr;

use super::media::{CALM, FAR, NEAR, body, in_order, port, talk, translated, two_way};
use super::rules_media::{BOTH_WAYS, LONG, LONG_BOTH_WAYS, apart, described, gateway, menu};
use super::{START, alice, at, bob};
use crate::call::{Call, Extra};
use crate::media::{Carrier, Codec, DIGITS, G729, ILBC, Session, Stream, VP8, vp8_head};
use crate::scene::{Party, Scene, sdp};
use crate::secured::{Dtls, certificate, fingerprint};
use crate::wire::icmp_unreachable;

const FILE: &str = "near_media.pcap";
const GAPS: &str = "near_media_gaps.pcap";

fn pair(n: u16, b: &Party) -> (SocketAddr, SocketAddr) {
    (port(&alice(), 27_000 + 2 * n), port(b, 37_000 + 2 * n))
}

/// Alice's call to `b`, with G.729 and keys, up to the ACK.
fn call(s: &mut Scene, n: u16, b: &Party, more: &str) -> (Call, (SocketAddr, SocketAddr)) {
    let (a, rtp) = (alice(), pair(n, b));
    let mut c = Call::new(s, &a, b, None);
    c.establish(s, &described(&a, rtp.0, "18 101", more), &described(b, rtp.1, "18 101", more), 600);
    (c, rtp)
}

fn ended(s: &mut Scene, c: &mut Call, m: &mut Session, told: (&str, &str)) {
    m.play(s, &mut []);
    m.tell(told.0, told.1, &[]);
    c.bye(s);
    s.wait(1_000);
}

fn calm(s: &mut Scene, m: &mut Session) {
    for t in &mut m.streams {
        t.queue(&mut s.random, CALM);
    }
}

/// 1: two of Alice's packets are lost before the capture point and two behind it, as Bob reports. He hangs up, and his
/// machine says of the three packets on their way that nobody listens any more.
fn few_lost(s: &mut Scene) {
    let b = bob();
    let (mut c, rtp) = call(s, 0, &b, BOTH_WAYS);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    for (p, first) in m.parties.iter_mut().zip([1_700_000, 2_150_000]) {
        p.next = p.began + first;
    }
    m.streams[0].talk(&mut s.random, 112);
    [31, 70].into_iter().for_each(|n| m.streams[0].lose(n));
    [50, 88].into_iter().for_each(|n| m.streams[0].lose_behind(n));
    m.streams[1].talk(&mut s.random, 10);
    m.streams[1].listen(&mut s.random, 10, 200);
    calm(s, &mut m);
    m.play(s, &mut []);
    c.request_back(s, "BYE", &Extra::default());
    let from = s.frames.len();
    m.streams[0].talk(&mut s.random, 3);
    calm(s, &mut m);
    m.play(s, &mut []);
    let late: Vec<(u64, Vec<u8>)> =
        s.frames[from..].iter().map(|f| (f.micros, f.bytes[14..].to_vec())).collect();
    let answered = s.now;
    for (sent, packet) in late {
        s.now = sent + 2 * FAR;
        s.ip(b.at, alice().at, 1, 48, &icmp_unreachable(3, &packet));
    }
    s.now = answered;
    c.respond(s, 200, "OK", &Extra::default());
    m.tell(GAPS, "audio of call 1", &[]);
    s.wait(1_000);
}

/// 2: the capture misses twelve packets in a row each way; both ends report that all came.
fn missed_here(s: &mut Scene) {
    let (mut c, rtp) = call(s, 1, &bob(), BOTH_WAYS);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    for (p, first) in m.parties.iter_mut().zip([2_150_000, 2_200_000]) {
        p.next = p.began + first;
    }
    talk(s, &mut m, 112);
    for t in &mut m.streams {
        (20..32).for_each(|n| t.miss(n));
    }
    ended(s, &mut c, &mut m, (GAPS, "audio of call 2"));
}

/// 3: Alice's softphone stands still for 700 ms, its clock too, and goes on at its pace. What comes for her laptop waits for
/// the next beacon, 102 ms apart.
fn stutters(s: &mut Scene) {
    let (mut c, rtp) = call(s, 2, &bob(), BOTH_WAYS);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.streams[0].talk(&mut s.random, 50);
    m.streams[0].stand(700);
    m.streams[0].talk(&mut s.random, 62);
    m.streams[1].talk(&mut s.random, 140);
    m.streams[1].beacons(102_400);
    calm(s, &mut m);
    ended(s, &mut c, &mut m, (GAPS, "audio of call 3"));
}

/// 4: Bob holds the call for six seconds; nothing is sent, and the clocks stand.
fn held(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let (mut c, rtp) = call(s, 3, &b, BOTH_WAYS);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.parties.clear();
    let speak = |s: &mut Scene, m: &mut Session| {
        m.streams[0].talk(&mut s.random, 54);
        m.streams[1].talk(&mut s.random, 30);
        m.streams[1].listen(&mut s.random, 2, 240);
        calm(s, m);
        m.play(s, &mut []);
    };
    speak(s, &mut m);
    let told = |p: &Party, at, version: u32, direction: &str| {
        let more = format!("a=ptime:20\r\na={direction}\r\n");
        described(p, at, "18 101", &more).replacen(" 1 IN IP4", &format!(" {version} IN IP4"), 1)
    };
    let mut change = |s: &mut Scene, version, ours: &str, theirs: &str| {
        c.request_back(s, "INVITE", &body(told(&b, rtp.1, version, theirs)));
        c.respond(s, 200, "OK", &body(told(&a, rtp.0, version, ours)));
        c.request(s, "ACK", false, &Extra::default());
        c.back_to_caller();
    };
    change(s, 2, "recvonly", "sendonly");
    s.wait(6_000);
    change(s, 3, "sendrecv", "sendrecv");
    for t in &mut m.streams {
        t.stand_until(s.now);
    }
    speak(s, &mut m);
    ended(s, &mut c, &mut m, (GAPS, "audio of call 4"));
}

/// 1: Bob's first ClientHello comes before his answer, so Alice's client has no fingerprint and refuses it. Behind the answer
/// he begins anew, and that succeeds.
fn keys_at_second_try(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let rtp = pair(0, &b);
    let papers = [certificate(&mut s.random), certificate(&mut s.random)];
    let told = |p, at, paper: &[u8], setup: &str| {
        let more = format!("{}a=setup:{setup}\r\na=rtcp-mux\r\n{BOTH_WAYS}", fingerprint(paper));
        described(p, at, "18", &more).replace("RTP/AVP", "UDP/TLS/RTP/SAVPF")
    };
    let mut c = Call::new(s, &a, &b, None);
    c.request(s, "INVITE", true, &body(told(&a, rtp.0, &papers[0], "actpass")));
    s.wait(120);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(600);
    let mut early = Dtls::default();
    let hello = early.client_hello(&mut s.random);
    s.udp(rtp.1, rtp.0, 0, &hello);
    s.wait(1);
    let refusal = Dtls::default().alert(2, 80);
    s.udp(rtp.0, rtp.1, 0, &refusal);
    s.wait(40);
    c.respond(s, 200, "OK", &body(told(&b, rtp.1, &papers[1], "active")));
    c.request(s, "ACK", false, &Extra::default());
    s.wait(950);
    let (mut ours, mut theirs) = (Dtls::default(), Dtls::default());
    let hello = theirs.client_hello(&mut s.random);
    s.udp(rtp.1, rtp.0, 0, &hello);
    s.wait(2);
    let flight = ours.server_flight(&mut s.random, &papers[0]);
    s.udp(rtp.0, rtp.1, 0, &flight);
    s.wait(20);
    let flight = theirs.client_flight(&mut s.random, &papers[1]);
    s.udp(rtp.1, rtp.0, 0, &flight);
    s.wait(2);
    let last = ours.finish(&mut s.random);
    s.udp(rtp.0, rtp.1, 0, &last);
    s.wait(15);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.streams = m.streams.into_iter().map(Stream::protected).collect();
    m.parties.clear();
    talk(s, &mut m, 54);
    ended(s, &mut c, &mut m, (FILE, "audio of call 1"));
}

/// 2: a call that is inactive as agreed, for eight seconds.
fn inactive(s: &mut Scene) {
    let (mut c, _) = call(s, 1, &bob(), "a=inactive\r\n");
    s.wait(8_000);
    c.bye_back(s);
    s.wait(1_000);
}

/// 3: an announcement: sendonly and recvonly. Alice's client reports what it hears.
fn announced(s: &mut Scene) {
    let (a, b) = (alice(), menu());
    let rtp = pair(2, &b);
    let mut c = Call::new(s, &a, &b, None);
    let offer = described(&a, rtp.0, "18", "a=ptime:60\r\na=recvonly\r\n");
    c.establish(s, &offer, &described(&b, rtp.1, "18", "a=ptime:60\r\na=sendonly\r\n"), 200);
    let mut m = two_way(s, LONG, rtp.0, rtp.1, 46);
    m.parties[0].ssrc = m.streams.remove(0).ssrc;
    (m.parties[0].sends, m.parties[0].hears) = (vec![], vec![0]);
    (m.parties[1].sends, m.parties[1].hears, m.parties[1].name) = (vec![0], vec![], "frontdesk@contoso.com");
    talk(s, &mut m, 54);
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 3", &[]);
    c.bye_back(s);
    s.wait(1_000);
}

/// 4: 210 ms each way. Bob's first report comes before he has heard of Alice, the later ones are about her. Packets hold what
/// a=maxptime allows.
fn far_away(s: &mut Scene) {
    let more = format!("a=maxptime:60\r\n{LONG_BOTH_WAYS}");
    let (mut c, rtp) = call(s, 3, &bob(), &more);
    let mut m = two_way(s, LONG, rtp.0, rtp.1, 46);
    apart(&mut m, 210_000);
    (m.parties[1].next, m.parties[1].every) = (m.parties[1].began + 150_000, 2_900_000);
    m.streams[0].talk(&mut s.random, 108);
    m.streams[1].talk(&mut s.random, 20);
    m.streams[1].listen(&mut s.random, 21, 240);
    calm(s, &mut m);
    ended(s, &mut c, &mut m, (FILE, "audio of call 4"));
}

/// 5: each end has a number of its own for iLBC and for keys, and is sent that.
fn numbers_of_each(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let rtp = pair(4, &b);
    let told = |p, at, codec: u8, keys: u8| {
        let more = format!(
            "a=rtpmap:{codec} iLBC/8000\r\na=fmtp:{codec} mode=20\r\na=rtpmap:{keys} telephone-event/8000\r\na=fmtp:{keys} 0-15\r\n{BOTH_WAYS}"
        );
        described(p, at, &format!("{codec} {keys}"), &more).replace("a=rtpmap:97 RED/8000\r\n", "")
    };
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &told(&a, rtp.0, 97, 100), &told(&b, rtp.1, 98, 102), 600);
    let mut m = two_way(s, ILBC, rtp.0, rtp.1, 46);
    m.streams[0].codec = ILBC.numbered(98);
    m.streams[0].keys = DIGITS.numbered(102);
    m.streams[0].talk(&mut s.random, 54);
    "7#".chars().for_each(|key| m.streams[0].digit(key));
    m.streams[1].talk(&mut s.random, 54);
    calm(s, &mut m);
    ended(s, &mut c, &mut m, (FILE, "audio of call 5"));
}

/// 6: a gateway moves to another of its cards by a re-INVITE, and Alice's media with it.
fn moved(s: &mut Scene) {
    let (a, b) = (alice(), gateway());
    let (mut c, rtp) = call(s, 5, &b, LONG_BOTH_WAYS);
    let mut m = two_way(s, LONG, rtp.0, rtp.1, 46);
    m.parties.clear();
    talk(s, &mut m, 20);
    m.play(s, &mut []);
    let card = at("10.10.0.43:37510");
    let told = described(&b, card, "18 101", LONG_BOTH_WAYS).replace(" 1 IN IP4", " 2 IN IP4");
    c.request_back(s, "INVITE", &body(told));
    c.respond(s, 200, "OK", &body(described(&a, rtp.0, "18 101", LONG_BOTH_WAYS)));
    c.request(s, "ACK", false, &Extra::default());
    c.back_to_caller();
    m.streams[0].by = Carrier::Straight(rtp.0, card);
    m.streams[1].by = Carrier::Straight(card, rtp.0);
    m.resume(s);
    m.streams[0].talk(&mut s.random, 54);
    m.streams[1].talk(&mut s.random, 10);
    m.streams[1].listen(&mut s.random, 10, 240);
    calm(s, &mut m);
    ended(s, &mut c, &mut m, (FILE, "audio of call 6"));
}

/// 7 and 8: the gateway takes a call over into another one (Replaces), on the same ports; the media goes on for six
/// seconds behind the first call's end.
fn taken_over(s: &mut Scene) {
    let (a, b) = (alice(), gateway());
    let (mut c, rtp) = call(s, 6, &b, LONG_BOTH_WAYS);
    let mut m = two_way(s, LONG, rtp.0, rtp.1, 46);
    m.parties.clear();
    let speak = |s: &mut Scene, m: &mut Session, noises| {
        for t in &mut m.streams {
            t.talk(&mut s.random, 12);
            t.listen(&mut s.random, noises, 240);
            t.queue(&mut s.random, CALM);
        }
        m.play(s, &mut []);
    };
    speak(s, &mut m, 30);
    let mut second = Call::new(s, &b, &a, None);
    let takes = body(described(&b, rtp.1, "18 101", LONG_BOTH_WAYS))
        .and("Replaces", format!("{};to-tag={};from-tag={}", c.id, c.from_tag, c.to_tag))
        .and("Require", "replaces");
    second.request(s, "INVITE", true, &takes);
    second.respond(s, 200, "OK", &body(described(&a, rtp.0, "18 101", LONG_BOTH_WAYS)));
    second.request(s, "ACK", false, &Extra::default());
    c.bye(s);
    m.resume(s);
    speak(s, &mut m, 24);
    m.tell(FILE, "audio of call 7", &[]);
    second.bye(s);
    s.wait(1_000);
}

/// 9: both sides of a NAT that leaves the mark as it is. SIP goes to a server inside.
fn kept_mark(s: &mut Scene) {
    let home = Party { at: at("192.168.1.21:5060"), ..alice() };
    let inn = Party { at: at("192.168.1.5:5060"), ..bob() };
    let inside = [at("192.168.1.21:27016"), at("192.168.1.21:27017")];
    let outside = [at("203.0.113.77:61416"), at("203.0.113.77:61417")];
    let far = at("198.51.100.22:37016");
    let mut c = Call::new(s, &home, &inn, None);
    let offer = described(&home, outside[0], "18", BOTH_WAYS);
    c.establish(s, &offer, &described(&inn, far, "18", BOTH_WAYS), 600);
    let from = s.frames.len();
    let mut m = two_way(s, G729, inside[0], far, 46);
    talk(s, &mut m, 25);
    m.play(s, &mut []);
    let inner: Vec<_> = s.frames.drain(from..).collect();
    s.frames.extend(inner.iter().flat_map(|f| translated(f, &inside, &outside, |dscp| dscp)));
    m.tell(FILE, "audio of call 9", &[]);
    c.bye(s);
    s.wait(1_000);
}

/// A few bytes of VP8.
const SMALL_PICTURE: Codec = Codec { bytes: 120, ..VP8 };

/// 10: audio is marked with 46 and video with 34, as the profile of Lync has it.
fn each_its_mark(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let (audio, video) = (pair(8, &b), pair(9, &b));
    let told = |p: &Party, audio, video: SocketAddr| {
        let more = format!(
            "{BOTH_WAYS}m=video {} RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=sendrecv\r\n",
            video.port()
        );
        sdp(p.user, 53_001, 1, audio, "18", &more)
    };
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &told(&a, audio.0, video.0), &told(&b, audio.1, video.1), 600);
    let mut m = two_way(s, G729, audio.0, audio.1, 46);
    let up = Stream::new(s, SMALL_PICTURE, Carrier::Straight(video.0, video.1), 34).delays(NEAR, FAR);
    let down = Stream::new(s, SMALL_PICTURE, Carrier::Straight(video.1, video.0), 34).delays(FAR, NEAR);
    let mut v = Session::new(vec![up, down], Vec::new());
    talk(s, &mut m, 35);
    for t in &mut v.streams {
        let picture = s.random.next() as u8;
        t.show(&mut s.random, 6, 2, |frame, piece| vp8_head(picture, frame, piece));
        t.queue(&mut s.random, CALM);
    }
    let from = s.now;
    m.play(s, &mut []);
    s.now = from;
    v.play(s, &mut []);
    v.tell(FILE, "video of call 10", &[]);
    ended(s, &mut c, &mut m, (FILE, "audio of call 10"));
}

/// 11: SRTP without tags, as both ends agreed: its packets are as long as those in clear.
fn untagged(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let rtp = pair(10, &b);
    let keyed = |p, at, key: &str| {
        let more =
            format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key} UNAUTHENTICATED_SRTP\r\n{BOTH_WAYS}");
        described(p, at, "18", &more).replace("RTP/AVP", "RTP/SAVP")
    };
    let mut c = Call::new(s, &a, &b, None);
    let keys = ["S0dhbGxvd3NfYXJlX25vdF9mb3JfcGVvcGxlXzE0", "V2hhdF9pc19zYWlkX2hlcmVfc3RheXNfaGVyZV81"];
    c.establish(s, &keyed(&a, rtp.0, keys[0]), &keyed(&b, rtp.1, keys[1]), 600);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.parties.clear();
    m.streams.iter_mut().for_each(|t| t.untagged = true);
    talk(s, &mut m, 54);
    ended(s, &mut c, &mut m, (FILE, "audio of call 11"));
}

pub fn gaps() -> Scene {
    let mut s = Scene::new(94, START);
    few_lost(&mut s);
    missed_here(&mut s);
    stutters(&mut s);
    held(&mut s);
    in_order(s)
}

pub fn healthy() -> Scene {
    let mut s = Scene::new(95, START);
    keys_at_second_try(&mut s);
    inactive(&mut s);
    announced(&mut s);
    far_away(&mut s);
    numbers_of_each(&mut s);
    moved(&mut s);
    taken_over(&mut s);
    kept_mark(&mut s);
    each_its_mark(&mut s);
    untagged(&mut s);
    in_order(s)
}
