//! Media that goes wrong in ways that no other sample has: a call for each, or for each of its directions.

use std::net::SocketAddr;

use super::media::{CALM, FAR, NEAR, in_order, port, talk, two_way};
use super::{START, alice, at, bob, carol};
use crate::call::Call;
use crate::media::{Carrier, Codec, G729, ILBC, Session, Stream};
use crate::scene::{Party, Scene, sdp};

const FILE: &str = "rules_media.pcap";
const GAPS: &str = "rules_media_gaps.pcap";
/// Packets of 60 ms, as links of little bandwidth have them.
pub const LONG: Codec = G729.times(3);
pub const BOTH_WAYS: &str = "a=ptime:20\r\na=sendrecv\r\n";
pub const LONG_BOTH_WAYS: &str = "a=ptime:60\r\na=sendrecv\r\n";

fn pair(n: u16, b: &Party) -> (SocketAddr, SocketAddr) {
    (port(&alice(), 26_000 + 2 * n), port(b, 36_000 + 2 * n))
}

pub fn described(p: &Party, rtp: SocketAddr, formats: &str, more: &str) -> String {
    sdp(p.user, 52_000 + u64::from(rtp.port()), 1, rtp, formats, more)
}

/// Alice's call to `b`, with G.729 and keys, up to the ACK.
fn call(s: &mut Scene, n: u16, b: &Party, more: &str) -> (Call, (SocketAddr, SocketAddr)) {
    let (a, rtp) = (alice(), pair(n, b));
    let mut c = Call::new(s, &a, b, None);
    c.establish(s, &described(&a, rtp.0, "18 101", more), &described(b, rtp.1, "18 101", more), 600);
    (c, rtp)
}

/// Ends what was said, and hangs up.
fn over(s: &mut Scene, c: &mut Call, m: &mut Session, (file, n): (&str, u16)) {
    for t in &mut m.streams {
        t.queue(&mut s.random, CALM);
    }
    ended(s, c, m, (file, n));
}

fn ended(s: &mut Scene, c: &mut Call, m: &mut Session, (file, n): (&str, u16)) {
    m.play(s, &mut []);
    m.tell(file, &format!("audio of call {n}"), &[]);
    c.bye(s);
    s.wait(1_000);
}

/// 1: in twenty seconds of Bob's ten packets in a row are lost, less than 1 %. Alice's adapter sends nothing while she is
/// muted, and its clock stands.
fn broken_off(s: &mut Scene) {
    let (mut c, rtp) = call(s, 0, &bob(), BOTH_WAYS);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.streams[1].talk(&mut s.random, 1_010);
    (617..627).for_each(|n| m.streams[1].lose(n));
    m.streams[0].talk(&mut s.random, 70);
    m.streams[0].stand(17_400);
    m.streams[0].talk(&mut s.random, 60);
    over(s, &mut c, &mut m, (GAPS, 1));
}

/// 2: Bob's laptop roams to another access point: 28 packets wait for 560 ms and come at once. Alice listens.
fn roamed(s: &mut Scene) {
    let (mut c, rtp) = call(s, 1, &bob(), BOTH_WAYS);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.streams[0].talk(&mut s.random, 10);
    m.streams[0].listen(&mut s.random, 10, 200);
    m.streams[1].talk(&mut s.random, 112);
    m.streams[1].hang(60..88);
    over(s, &mut c, &mut m, (GAPS, 2));
}

/// 1: Alice's laptop saves power: what comes for her waits for every third beacon of its access point, 307 ms apart.
fn sleeps_between_beacons(s: &mut Scene) {
    let (mut c, rtp) = call(s, 2, &bob(), BOTH_WAYS);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.streams[0].talk(&mut s.random, 10);
    m.streams[0].listen(&mut s.random, 10, 200);
    m.streams[1].talk(&mut s.random, 112);
    m.streams[1].beacons(3 * 102_400);
    over(s, &mut c, &mut m, (FILE, 1));
}

/// 2: by satellite, 280 ms each way, which both ends measure. Nothing is lost.
fn by_satellite(s: &mut Scene) {
    const HOP: u64 = 280_000;
    let (mut c, rtp) = call(s, 3, &bob(), BOTH_WAYS);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    apart(&mut m, HOP);
    m.streams[0].talk(&mut s.random, 10);
    m.streams[0].listen(&mut s.random, 12, 200);
    m.streams[1].talk(&mut s.random, 112);
    over(s, &mut c, &mut m, (FILE, 2));
}

/// The ends are so far from one another (µs), and report soon enough to measure it.
pub fn apart(m: &mut Session, far: u64) {
    (m.streams[0].far, m.streams[1].near) = (far, far);
    (m.parties[0].far, m.parties[1].near) = (far, far);
    for (p, first) in m.parties.iter_mut().zip([600_000, 900_000]) {
        (p.next, p.every) = (p.began + first, 1_200_000);
    }
}

/// 3: a firewall behind the capture point drops Alice's RTP; RTCP passes, and Bob's reports never speak of her.
fn dropped_behind(s: &mut Scene) {
    let (mut c, rtp) = call(s, 4, &bob(), LONG_BOTH_WAYS);
    let mut m = two_way(s, LONG, rtp.0, rtp.1, 46);
    m.streams[0].talk(&mut s.random, 112);
    (0..112).for_each(|n| m.streams[0].lose_behind(n));
    m.streams[1].talk(&mut s.random, 20);
    m.streams[1].listen(&mut s.random, 22, 240);
    for p in &mut m.parties {
        (p.next, p.every) = (p.next - 2_000_000, 2_750_000);
    }
    over(s, &mut c, &mut m, (FILE, 3));
}

/// 4: Bob's answer has a number of its own for iLBC. Alice sends what he asks for, and he the same, which she did not.
fn by_his_own_number(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let rtp = pair(5, &b);
    let ilbc = |p, rtp, number: u8| {
        let more = format!("a=rtpmap:{number} iLBC/8000\r\na=fmtp:{number} mode=20\r\n{BOTH_WAYS}");
        described(p, rtp, &format!("{number} 101"), &more).replace("a=rtpmap:97 RED/8000\r\n", "")
    };
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &ilbc(&a, rtp.0, 97), &ilbc(&b, rtp.1, 98), 600);
    let mut m = two_way(s, ILBC.numbered(98), rtp.0, rtp.1, 46);
    talk(s, &mut m, 54);
    ended(s, &mut c, &mut m, (FILE, 4));
}

/// 5: both have keys in their SDP. Alice encrypts, Bob sends in clear.
fn in_clear(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let rtp = pair(6, &b);
    let keyed = |p, rtp, key: &str| {
        let more = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n{BOTH_WAYS}");
        described(p, rtp, "18 101", &more).replace("RTP/AVP", "RTP/SAVP")
    };
    let mut c = Call::new(s, &a, &b, None);
    let keys = ["WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "PS1uQCVeB0RgR3NRbmFvZmxaQy5QTUJ0S0VlQnpx"];
    c.establish(s, &keyed(&a, rtp.0, keys[0]), &keyed(&b, rtp.1, keys[1]), 600);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.streams[0].tag = 10;
    talk(s, &mut m, 54);
    ended(s, &mut c, &mut m, (FILE, 5));
}

/// 6: a gateway's audio section names its media card; Alice's phone heeds the session's address instead, where nothing
/// takes what it sends. What the card sends comes.
fn to_the_session_address(s: &mut Scene) {
    let (a, b) = (alice(), gateway());
    let (ours, card) = (pair(7, &b).0, at("10.10.0.42:36014"));
    let wrong = SocketAddr::new(b.at.ip(), card.port());
    let answer = described(&b, card, "18 101", LONG_BOTH_WAYS)
        .replace("s=session\r\nc=IN IP4 10.10.0.42\r\n", "s=session\r\nc=IN IP4 10.10.0.41\r\n")
        .replace("RTP/AVP 18 101\r\n", "RTP/AVP 18 101\r\nc=IN IP4 10.10.0.42\r\n");
    let mut c = Call::new(s, &a, &b, None);
    c.establish(s, &described(&a, ours, "18 101", LONG_BOTH_WAYS), &answer, 600);
    let up = Stream::new(s, LONG, Carrier::Straight(ours, wrong), 46).delays(NEAR, FAR);
    let down = Stream::new(s, LONG, Carrier::Straight(card, ours), 46).delays(FAR, NEAR);
    let mut m = Session::new(vec![up, down], Vec::new());
    talk(s, &mut m, 54);
    ended(s, &mut c, &mut m, (FILE, 6));
}

pub fn gateway() -> Party {
    Party {
        user: "+14255550142",
        display: "",
        domain: "contoso.com",
        at: at("10.10.0.41:5060"),
        agent: "Proseware Gateway 6.2",
        epid: "",
        transport: "UDP",
    }
}

/// 7: Bob's phone answers the BYE and goes on for seven seconds, at last with the noise of its room.
fn talks_on(s: &mut Scene) {
    let (mut c, rtp) = call(s, 8, &bob(), LONG_BOTH_WAYS);
    let mut m = two_way(s, LONG, rtp.0, rtp.1, 46);
    talk(s, &mut m, 30);
    m.play(s, &mut []);
    c.bye(s);
    m.parties.clear();
    m.streams[1].resume(s.now);
    m.streams[1].talk(&mut s.random, 20);
    m.streams[1].listen(&mut s.random, 25, 240);
    m.streams[1].queue(&mut s.random, CALM);
    m.play(s, &mut []);
    m.tell(FILE, "audio of call 7", &[]);
    s.wait(1_000);
}

/// 8: a voice menu without telephone events in its answer; Alice's phone sends her keys as such.
fn keys_for_nobody(s: &mut Scene) {
    let (a, b) = (alice(), menu());
    let rtp = pair(9, &b);
    let mut c = Call::new(s, &a, &b, None);
    let answer = described(&b, rtp.1, "18", BOTH_WAYS);
    c.establish(s, &described(&a, rtp.0, "18 101", BOTH_WAYS), &answer, 200);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.streams[0].talk(&mut s.random, 24);
    for key in "2204#".chars() {
        m.streams[0].digit(key);
    }
    m.streams[0].talk(&mut s.random, 14);
    m.streams[1].talk(&mut s.random, 70);
    over(s, &mut c, &mut m, (FILE, 8));
}

pub fn menu() -> Party {
    Party {
        user: "frontdesk",
        display: "Front Desk",
        at: at("10.10.0.45:5060"),
        agent: "Proseware Voice Menu 3.2",
        ..gateway()
    }
}

/// 9: Carol's softphone marks with 40, where 46 is the house rule.
fn by_another_rule(s: &mut Scene) {
    let k = carol();
    let (mut c, rtp) = call(s, 10, &k, BOTH_WAYS);
    let mut m = two_way(s, G729, rtp.0, rtp.1, 46);
    m.streams[1].dscp = 40;
    talk(s, &mut m, 30);
    ended(s, &mut c, &mut m, (FILE, 9));
}

pub fn gaps() -> Scene {
    let mut s = Scene::new(93, START);
    broken_off(&mut s);
    roamed(&mut s);
    in_order(s)
}

pub fn troubles() -> Scene {
    let mut s = Scene::new(92, START);
    sleeps_between_beacons(&mut s);
    by_satellite(&mut s);
    dropped_behind(&mut s);
    by_his_own_number(&mut s);
    in_clear(&mut s);
    to_the_session_address(&mut s);
    talks_on(&mut s);
    keys_for_nobody(&mut s);
    by_another_rule(&mut s);
    in_order(s)
}
