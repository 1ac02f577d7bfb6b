//! Calls whose media is the story: one way, lossy, unmarked, marked anew on the way, with silence and holds.

use std::net::SocketAddr;

use super::{START, alice, at, bob, carol, communicator};
use crate::call::{Call, Extra};
use crate::media::{Carrier, Codec, G722, G729, PCMU, RED, RTAUDIO, RTVIDEO, Session, Stream};
use crate::media_rtcp::Participant;
use crate::scene::{Party, Scene, sdp};
use crate::wire::{self, Frame, NgExtras, pcapng};

/// Unevenness of a good network, in microseconds.
pub const CALM: u64 = 250;

pub fn body(sdp: String) -> Extra<'static> {
    Extra::body("application/sdp", sdp)
}

pub fn rtcp_of(rtp: SocketAddr) -> SocketAddr {
    SocketAddr::new(rtp.ip(), rtp.port() + 1)
}

pub fn port(p: &Party, port: u16) -> SocketAddr {
    SocketAddr::new(p.at.ip(), port)
}

/// The frames in the order of time: SIP and media were made one after the other.
pub fn in_order(mut s: Scene) -> Scene {
    s.frames.sort_by_key(|f| f.micros);
    s
}

/// How far the two ends of a call are from the capture point, in microseconds.
pub const NEAR: u64 = 300;
pub const FAR: u64 = 9_000;

/// Media between two ends on ports of their own, captured beside `a`. Nobody has talked yet.
pub fn two_way(s: &mut Scene, codec: Codec, a: SocketAddr, b: SocketAddr, dscp: u8) -> Session {
    let there = Stream::new(s, codec, Carrier::Straight(a, b), dscp).delays(NEAR, FAR);
    let back = Stream::new(s, codec, Carrier::Straight(b, a), dscp).delays(FAR, NEAR);
    let (ra, rb) = (Carrier::Straight(rtcp_of(a), rtcp_of(b)), Carrier::Straight(rtcp_of(b), rtcp_of(a)));
    let ours = Participant::new(s, "alice@contoso.com", ra, &[0], &[1]).delays(NEAR, FAR);
    let theirs = Participant::new(s, "bob@contoso.com", rb, &[1], &[0]).delays(FAR, NEAR);
    let mut session = Session::new(vec![there, back], vec![ours.ahead(371_000), theirs.ahead(-12_500_000)]);
    for (n, p) in session.parties.iter_mut().enumerate() {
        p.dscp = dscp;
        p.next += n as u64 * 290_000;
    }
    session
}

/// Both talk for `count` packets on a calm network.
pub fn talk(s: &mut Scene, m: &mut Session, count: usize) {
    for t in &mut m.streams {
        t.talk(&mut s.random, count);
        t.queue(&mut s.random, CALM);
    }
}

fn described(p: &Party, rtp: SocketAddr, version: u32, formats: &str, more: &str) -> String {
    sdp(p.user, 41_000 + u64::from(rtp.port()), version, rtp, formats, more)
}

/// A call of one audio section, both ways as `more` says.
pub fn establish(
    s: &mut Scene,
    ends: (&Party, &Party),
    rtp: (SocketAddr, SocketAddr),
    formats: &str,
) -> Call {
    let mut c = Call::new(s, ends.0, ends.1, None);
    let more = "a=sendrecv\r\na=ptime:20\r\n";
    let offer = described(ends.0, rtp.0, 1, formats, more);
    let answer = described(ends.1, rtp.1, 1, formats, more);
    c.establish(s, &offer, &answer, 900);
    c
}

/// Another offer in the call, answered and acknowledged.
pub fn again(s: &mut Scene, c: &mut Call, offer: String, answer: String) {
    c.request(s, "INVITE", false, &body(offer));
    c.respond(s, 200, "OK", &body(answer));
    c.request(s, "ACK", false, &Extra::default());
}

/// Nothing of the caller's media reaches the capture point, in two ways; and an announcement that is one way as agreed.
pub fn one_way() -> Scene {
    const FILE: &str = "media_one_way.pcap";
    let mut s = Scene::new(71, START);
    let (a, b, k) = (alice(), bob(), carol());

    // A firewall beside Alice lets only her RTCP through: her sender reports count what nobody sees.
    let rtp = (port(&a, 24_100), port(&b, 34_100));
    let mut c = establish(&mut s, (&a, &b), rtp, "0 101");
    let mut m = two_way(&mut s, PCMU, rtp.0, rtp.1, 46);
    let unseen = m.streams.remove(0);
    (m.parties[0].sends, m.parties[0].hears) = (vec![], vec![0]);
    m.parties[0].claims = Some((unseen.ssrc, 50, 8_000));
    (m.parties[1].sends, m.parties[1].hears) = (vec![0], vec![]);
    talk(&mut s, &mut m, 400);
    m.play(&mut s, &mut []);
    m.tell(FILE, "audio of call 1", &[]);
    c.bye(&mut s);
    s.wait(1_500);

    // Alice's own client sends nothing: only receiver reports.
    let rtp = (port(&a, 24_102), port(&k, 34_102));
    let mut c = establish(&mut s, (&a, &k), rtp, "18 101");
    let mut m = two_way(&mut s, G729, rtp.0, rtp.1, 46);
    m.parties[0].ssrc = m.streams.remove(0).ssrc;
    (m.parties[0].sends, m.parties[0].hears) = (vec![], vec![0]);
    (m.parties[1].sends, m.parties[1].hears, m.parties[1].name) = (vec![0], vec![], "carol@contoso.com");
    talk(&mut s, &mut m, 300);
    m.play(&mut s, &mut []);
    m.tell(FILE, "audio of call 2", &[]);
    c.bye(&mut s);
    s.wait(1_500);

    // An announcement: sendonly and recvonly. Two sources are mixed in it.
    let rtp = (port(&a, 24_104), port(&b, 34_104));
    let mut c = Call::new(&mut s, &a, &b, None);
    let offer = described(&a, rtp.0, 1, "18", "a=recvonly\r\n");
    c.establish(&mut s, &offer, &described(&b, rtp.1, 1, "18", "a=sendonly\r\n"), 200);
    let mut m = two_way(&mut s, G729, rtp.0, rtp.1, 46);
    m.parties[0].ssrc = m.streams.remove(0).ssrc;
    (m.parties[0].sends, m.parties[0].hears) = (vec![], vec![0]);
    (m.parties[1].sends, m.parties[1].hears) = (vec![0], vec![]);
    m.streams[0].contributors = vec![0x0102_0304, 0x0506_0708];
    talk(&mut s, &mut m, 250);
    m.play(&mut s, &mut []);
    m.tell(FILE, "audio of call 3", &[]);
    c.bye_back(&mut s);
    in_order(s)
}

/// Loss before the capture point and behind it, jitter, a burst, packets overtaken and doubled; then loss that
/// redundant audio mends.
pub fn lossy() -> Scene {
    const FILE: &str = "media_lossy.pcap";
    let mut s = Scene::new(72, START);
    let (a, b) = (alice(), bob());
    let rtp = (port(&a, 24_200), port(&b, 34_200));
    let mut c = establish(&mut s, (&a, &b), rtp, "0 101");
    let mut m = two_way(&mut s, PCMU, rtp.0, rtp.1, 46);
    for p in &mut m.parties {
        p.every = 2_400_000;
    }
    for t in &mut m.streams {
        t.talk(&mut s.random, 400);
    }
    // Alice to Bob: calm; four overtaken, three doubled; 2 % are lost behind the capture point.
    m.streams[0].queue(&mut s.random, CALM);
    for n in [40, 121, 122 + 80, 333] {
        m.streams[0].late(n);
    }
    for n in 0..400 {
        if s.random.next().is_multiple_of(50) && !(39..=42).contains(&n) {
            m.streams[0].lose_behind(n);
        }
    }
    for n in [70, 71, 260] {
        m.streams[0].double(n);
    }
    // Bob to Alice: jitter, 5 % and a burst of 12 before the capture point, 3 % behind it.
    m.streams[1].queue(&mut s.random, 12_000);
    for n in 1..399 {
        if (230..242).contains(&n) || s.random.next().is_multiple_of(20) {
            m.streams[1].lose(n);
        } else if s.random.next().is_multiple_of(33) {
            m.streams[1].lose_behind(n);
        }
    }
    m.play(&mut s, &mut []);
    s.wait(200);
    m.tell(FILE, "audio of call 1", &[]);
    let (seen, behind) = m.streams.iter().fold((vec![], vec![]), |(mut seen, mut behind), t| {
        seen.push(t.packets.iter().filter(|p| p.seen.is_some()).count());
        behind.push(t.packets.iter().filter(|p| p.seen.is_some() && p.heard.is_none()).count());
        (seen, behind)
    });
    println!("{FILE}: lost behind the capture point: {behind:?} of {seen:?}");
    c.bye(&mut s);
    s.wait(1_500);

    // Bob sends everything twice, one packet later: of six losses only the first of two in a row is not mended.
    let rtp = (port(&a, 24_202), port(&b, 34_202));
    let mut c = establish(&mut s, (&a, &b), rtp, "97 18 101");
    let mut m = two_way(&mut s, RED, rtp.0, rtp.1, 46);
    m.streams[0].codec = G729;
    m.streams[0].talk(&mut s.random, 200);
    m.streams[1].talk_redundant(&mut s.random, 200, 18);
    for t in &mut m.streams {
        t.queue(&mut s.random, CALM);
    }
    for n in [20, 64, 100, 101, 150, 180] {
        m.streams[1].lose(n);
    }
    m.play(&mut s, &mut []);
    m.tell(FILE, "audio of call 2", &[]);
    c.bye(&mut s);
    in_order(s)
}

/// No packet is marked, neither media nor SIP.
pub fn unmarked() -> Scene {
    let mut s = Scene::new(73, START);
    s.signalling = 0;
    let (a, b) = (alice(), bob());
    let rtp = (port(&a, 24_300), port(&b, 34_300));
    let mut c = establish(&mut s, (&a, &b), rtp, "18 101");
    let mut m = two_way(&mut s, G729, rtp.0, rtp.1, 0);
    talk(&mut s, &mut m, 300);
    m.play(&mut s, &mut []);
    m.tell("media_unmarked.pcap", "audio of call 1", &[]);
    c.bye(&mut s);
    in_order(s)
}

const HOME_ROUTER: ([u8; 6], [u8; 6]) = ([2, 0, 0, 0, 1, 1], [2, 0, 0, 0, 1, 2]);

/// A frame on both sides of a router: before it, and behind it with one hop less to live and `dscp`. Alice's side is
/// interface 0.
fn both_sides(before: Frame, mut behind: Frame, outward: bool, dscp: u8) -> [Frame; 2] {
    behind.bytes[15] = dscp << 2;
    behind.bytes[22] -= 1;
    behind.bytes[24..26].fill(0);
    let sum = wire::checksum(&[&behind.bytes[14..34]]);
    behind.bytes[24..26].copy_from_slice(&sum.to_be_bytes());
    let (mut lan, mut wan) = if outward { (before, behind) } else { (behind, before) };
    // Each side's frame is between the router and the machine (or next router) there.
    let (to, from) = if outward { (0..6, 6..12) } else { (6..12, 0..6) };
    lan.bytes[to].copy_from_slice(&HOME_ROUTER.0);
    wan.bytes[from].copy_from_slice(&HOME_ROUTER.1);
    (lan.interface, wan.interface) = (0, 1);
    match outward {
        true => wan.micros += 180,
        false => wan.micros -= 180,
    }
    [lan, wan]
}

/// Through a router that takes the mark of media away in both directions.
fn routed(f: &Frame) -> [Frame; 2] {
    let outward = f.bytes[26..30] == [10, 10, 0, 21];
    let dscp = f.bytes[15] >> 2;
    both_sides(f.clone(), f.clone(), outward, if dscp == 46 { 0 } else { dscp })
}

/// Through a NAT that gives Alice's `inside` addresses others, and on the way out `marks` with another DSCP.
pub fn translated(
    f: &Frame,
    inside: &[SocketAddr],
    outside: &[SocketAddr],
    marks: impl Fn(u8) -> u8,
) -> [Frame; 2] {
    let end = |ip: usize, port: usize| {
        let octets: [u8; 4] = f.bytes[ip..ip + 4].try_into().expect("four bytes");
        SocketAddr::from((octets, u16::from_be_bytes([f.bytes[port], f.bytes[port + 1]])))
    };
    let other = |e: SocketAddr| inside.iter().position(|i| *i == e).map_or(e, |n| outside[n]);
    let (src, dst) = (end(26, 34), end(30, 36));
    let outward = src != other(src);
    let dscp = f.bytes[15] >> 2;
    let id = u16::from_be_bytes([f.bytes[18], f.bytes[19]]);
    let datagram = wire::udp(other(src), other(dst), &f.bytes[42..]);
    let packet = wire::ip(other(src).ip(), other(dst).ip(), 17, dscp, id, None, &datagram);
    let bytes = wire::ethernet(other(src).ip(), other(dst).ip(), &[], &packet);
    let wan = Frame { bytes, ..f.clone() };
    let (before, behind) = if outward { (f.clone(), wan) } else { (wan, f.clone()) };
    both_sides(before, behind, outward, if outward { marks(dscp) } else { dscp })
}

/// Two capture points: behind a router that takes the mark away, behind a NAT, and a call with the marks of
/// Communicator 2007 R2.
pub fn remarked() -> Vec<u8> {
    const FILE: &str = "media_remarked.pcapng";
    let mut s = Scene::new(74, START);
    let (a, b) = (alice(), Party { at: at("10.20.0.22:5060"), ..bob() });
    let rtp = (port(&a, 24_400), port(&b, 34_400));
    let mut c = establish(&mut s, (&a, &b), rtp, "18 101");
    let mut m = two_way(&mut s, G729, rtp.0, rtp.1, 46);
    talk(&mut s, &mut m, 150);
    m.play(&mut s, &mut []);
    m.tell(FILE, "audio of call 1", &[]);
    c.bye(&mut s);
    let mut frames: Vec<Frame> = s.frames.iter().flat_map(routed).collect();
    s.frames.clear();
    s.wait(1_500);

    // Alice is at home: her SDP tells the address that the NAT gave her; SIP goes to a server inside.
    let mut home = alice();
    home.at = at("192.168.1.21:5060");
    let inside = [at("192.168.1.21:24410"), at("192.168.1.21:24411")];
    let outside = [at("203.0.113.77:61410"), at("203.0.113.77:61411")];
    let mut inn = bob();
    inn.at = at("192.168.1.5:5060");
    let far = at("198.51.100.22:34410");
    let mut c = Call::new(&mut s, &home, &inn, None);
    let more = "a=sendrecv\r\n";
    let offer = described(&home, outside[0], 1, "18", &format!("a=rtcp:{}\r\n{more}", outside[1].port()));
    c.establish(&mut s, &offer, &described(&inn, far, 1, "18", more), 700);
    frames.append(&mut s.frames);
    let mut m = two_way(&mut s, G729, inside[0], far, 46);
    talk(&mut s, &mut m, 150);
    m.play(&mut s, &mut []);
    m.tell(FILE, "audio of call 2", &[]);
    frames.extend(s.frames.drain(..).flat_map(|f| translated(&f, &inside, &outside, |_| 0)));
    c.bye(&mut s);
    s.wait(1_500);

    // The marks that the Windows policy of Communicator 2007 R2 gives: 40, 24 and 40.
    s.signalling = 40;
    let (a, b) = (communicator::alice(), Party { at: at("192.168.100.120:2077"), ..communicator::bob() });
    let (audio, video) = ((port(&a, 50_020), port(&b, 50_030)), (port(&a, 50_040), port(&b, 50_050)));
    let told = |p: &Party, audio: SocketAddr, video: SocketAddr| {
        communicator::head(&p.at.ip().to_string(), audio.port())
            + communicator::CODECS
            + &format!(
                "m=video {} RTP/AVP 121 34\r\na=rtpmap:121 x-rtvc1/90000\r\na=rtpmap:34 H263/90000\r\na=encryption:optional\r\n",
                video.port()
            )
    };
    let mut c = Call::new(&mut s, &a, &b, None);
    c.establish(&mut s, &told(&a, audio.0, video.0), &told(&b, audio.1, video.1), 900);
    let mut m = two_way(&mut s, RTAUDIO, audio.0, audio.1, 40);
    let mut v = two_way(&mut s, RTVIDEO, video.0, video.1, 24);
    talk(&mut s, &mut m, 150);
    for t in &mut v.streams {
        t.show(&mut s.random, 30, 2, |_, _| Vec::new());
        t.queue(&mut s.random, CALM);
    }
    let from = s.now;
    m.play(&mut s, &mut []);
    s.now = from;
    v.play(&mut s, &mut []);
    m.tell(FILE, "audio of call 3", &[]);
    v.tell(FILE, "video of call 3", &[]);
    c.bye(&mut s);
    frames.append(&mut s.frames);
    frames.sort_by_key(|f| f.micros);
    pcapng(
        &NgExtras {
            interfaces: &[("lan", 1), ("wan", 1)],
            names: &[],
            comment: "Both sides of a router, then of a NAT",
        },
        &frames,
    )
}

/// Silence suppressed, keys, hold and resume, another codec in the live call; then packets longer than asked for.
pub fn silence() -> Scene {
    const FILE: &str = "media_silence.pcap";
    let mut s = Scene::new(75, START);
    let (a, b) = (alice(), bob());
    let rtp = (port(&a, 24_500), port(&b, 34_500));
    let mut c = establish(&mut s, (&a, &b), rtp, "0 13 101");
    let mut m = two_way(&mut s, PCMU, rtp.0, rtp.1, 46);
    let [ours, theirs] = &mut m.streams[..] else { unreachable!("two streams") };
    let r = &mut s.random;
    ours.talk(r, 60);
    ours.silence(1_500);
    ours.talk(r, 40);
    for key in "1234#".chars() {
        ours.digit(key);
    }
    ours.talk(r, 30);
    theirs.silence(1_200);
    theirs.talk(r, 75);
    theirs.silence(2_200);
    for t in &mut m.streams {
        t.queue(&mut s.random, CALM);
    }
    m.play(&mut s, &mut []);
    let way = |p: &Party, rtp, version, formats: &str, direction: &str| {
        described(p, rtp, version, formats, &format!("a={direction}\r\na=ptime:20\r\n"))
    };
    let (hold, held) = (way(&a, rtp.0, 2, "0 13 101", "sendonly"), way(&b, rtp.1, 2, "0 13 101", "recvonly"));
    again(&mut s, &mut c, hold, held);
    s.wait(3_000);
    let (back, again_back) =
        (way(&a, rtp.0, 3, "0 13 101", "sendrecv"), way(&b, rtp.1, 3, "0 13 101", "sendrecv"));
    again(&mut s, &mut c, back, again_back);
    m.resume(&s);
    talk(&mut s, &mut m, 50);
    m.play(&mut s, &mut []);
    let (wide, widened) = (way(&a, rtp.0, 4, "9 0 101", "sendrecv"), way(&b, rtp.1, 4, "9 101", "sendrecv"));
    again(&mut s, &mut c, wide, widened);
    for t in &mut m.streams {
        t.codec = G722;
    }
    m.resume(&s);
    talk(&mut s, &mut m, 50);
    m.play(&mut s, &mut []);
    m.tell(FILE, "audio of call 1", &[]);
    c.bye(&mut s);
    s.wait(1_500);

    // Over IPv6, where the mark is in the traffic class.
    let a = Party { at: at("[2001:db8:10::21]:5060"), ..a };
    let b = Party { at: at("[2001:db8:10::22]:5060"), ..b };
    let rtp = (port(&a, 24_502), port(&b, 34_502));
    let mut c = establish(&mut s, (&a, &b), rtp, "18 101");
    let mut m = two_way(&mut s, G729.doubled(), rtp.0, rtp.1, 46);
    talk(&mut s, &mut m, 100);
    m.play(&mut s, &mut []);
    m.tell(FILE, "audio of call 2", &[]);
    c.bye(&mut s);
    in_order(s)
}
