//! Captures that lack something: packets dropped, headers spoiled, one direction only, a clock that jumps, a limit reached.

use std::io::Write as _;
use std::net::SocketAddr;

use super::media::{establish, in_order, port, talk, two_way};
use super::odd::ws_frame;
use super::{START, alice, answer, at, bob, carol, offer, proxy};
use crate::call::{Call, Extra};
use crate::media::{G729, Session};
use crate::pcapng::{IF_DROPPED, IF_RECEIVED, OS_DROPPED, PcapNg};
use crate::scene::{Carry, Party, Scene, message};
use crate::wire::{self, Frame, pcap};

/// Lines of a session description that make a message longer than a packet.
pub fn many_lines() -> String {
    (0..40)
        .map(|n| {
            format!("a=x-fabrikam-line:{n} appearance=10.10.0.21;index={};label=\"Line {n}\"\r\n", 40_000 + n)
        })
        .collect()
}

/// A phone in a browser: it speaks SIP over a WebSocket with Bob's server.
struct Web {
    client: SocketAddr,
    server: SocketAddr,
}

impl Web {
    fn connect(s: &mut Scene, client: SocketAddr, server: SocketAddr) -> Self {
        s.connect(client, server);
        let get = "GET /ws HTTP/1.1\r\nHost: pool01.contoso.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";
        s.segment(client, server, get.as_bytes());
        let ok = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
        s.segment(server, client, ok.as_bytes());
        Self { client, server }
    }

    /// One message in one WebSocket frame, cut into segments; `lost` is the one that is not captured.
    fn say(&self, s: &mut Scene, from_client: bool, text: &[u8], lost: Option<usize>) {
        let mask = from_client.then(|| (s.random.next() as u32).to_be_bytes());
        let (src, dst) = if from_client { (self.client, self.server) } else { (self.server, self.client) };
        for (n, piece) in ws_frame(text, mask, 0x81).chunks(1_400).enumerate() {
            s.segment(src, dst, piece);
            if lost == Some(n) {
                s.frames.pop();
            }
        }
        s.wait(40);
    }
}

/// The messages of a call with a hold in it, as (from the caller, bytes).
fn held_call(a: &Party, b: &Party) -> Vec<(bool, Vec<u8>)> {
    let mut s = Scene::new(91, START);
    s.mtu = 60_000;
    let mut c = Call::new(&mut s, a, b, None);
    c.carry = Carry::Udp;
    c.establish(&mut s, &offer(a, 26_200, 431), &answer(b, 36_200, 531), 900);
    let hold = offer(a, 26_200, 431).replace("sendrecv", "sendonly") + &many_lines();
    c.request(&mut s, "INVITE", false, &Extra::body("application/sdp", hold));
    c.respond(
        &mut s,
        200,
        "OK",
        &Extra::body("application/sdp", answer(b, 36_200, 531).replace("sendrecv", "recvonly")),
    );
    c.request(&mut s, "ACK", false, &Extra::default());
    c.bye(&mut s);
    let from = a.at.port().to_be_bytes();
    s.frames.iter().map(|f| (f.bytes[34..36] == from, f.bytes[42..].to_vec())).collect()
}

/// Behind a packet broker that leaves an MPLS label where IP should begin, on a machine that is too slow: a segment of a
/// WebSocket is dropped. The probe writes blocks of its own into the file.
pub fn troubled() -> Vec<u8> {
    let mut s = Scene::new(92, START);
    let (a, b) = (alice(), bob());
    let mut c = Call::new(&mut s, &a, &b, None);
    c.establish(&mut s, &offer(&a, 26_100, 421), &answer(&b, 36_100, 521), 1_200);
    s.wait(2_500);
    c.bye(&mut s);
    s.wait(800);
    let half = s.frames.len();

    // Time of day for two machines of another customer, as the broker spoils it.
    for n in 0..3u8 {
        let (client, server) = (at("10.20.0.31:123"), at("10.20.0.1:123"));
        let (src, dst) = if n % 2 == 0 { (client, server) } else { (server, client) };
        let mut ntp = vec![if n % 2 == 0 { 0x23 } else { 0x24 }, 2, 6, 0xec];
        ntp.extend((0..44).map(|_| s.random.next() as u8));
        s.udp(src, dst, 0, &ntp);
        if let Some(f) = s.frames.last_mut() {
            f.bytes.splice(14..14, [0x00, 0x06, 0x41, 0x3e]);
        }
        s.wait(16);
    }

    // Alice in a browser calls, and puts the call on hold: the second of three segments is dropped.
    let mut web = alice();
    (web.at, web.agent, web.transport) = (at("10.10.0.21:49011"), "JsSIP 3.13.8", "WS");
    let mut server = bob();
    server.at = at("10.10.0.5:8080");
    let ws = Web::connect(&mut s, web.at, server.at);
    for (n, (forward, text)) in held_call(&web, &server).iter().enumerate() {
        ws.say(&mut s, *forward, text, (n == 5).then_some(1));
    }
    s.fin(web.at, server.at, 0x11);
    s.fin(server.at, web.at, 0x11);

    let mut file = PcapNg::default();
    file.section(false, "Trey Research Probe 7.2");
    file.interface("mirror0", 262_144);
    for (n, f) in s.frames.iter().enumerate() {
        if n == half {
            file.statistics(0, f.micros, &[(IF_RECEIVED, n as u64), (IF_DROPPED, 0), (OS_DROPPED, 0)]);
            file.block(0x8000_7201, b"queue 1 of 4: 97 %");
        }
        file.packet(f, 0, "");
    }
    let all = s.frames.len() as u64;
    file.block(0x8000_7201, b"queue 1 of 4: 100 %");
    file.statistics(0, s.now, &[(IF_RECEIVED, all + 3), (IF_DROPPED, 1), (OS_DROPPED, 2)]);
    file.bytes
}

/// How far the clock of the virtual machine is wrong.
const WRONG: u64 = 6_000_000;

/// The clock jumps ahead while two calls are up, and is set right while a third one rings.
pub fn clock() -> Scene {
    const FILE: &str = "rules_clock.pcap";
    let mut s = Scene::new(93, START);
    let (a, b, k) = (alice(), bob(), carol());
    let mut d = carol();
    (d.user, d.display, d.at) = ("dan", "Dan Park", at("10.10.0.24:5060"));
    let ends = [(&a, port(&a, 24_900), &b, port(&b, 34_900)), (&k, port(&k, 24_902), &d, port(&d, 34_902))];
    let mut calls = Vec::new();
    let mut sessions: Vec<Session> = Vec::new();
    for (from, rtp, to, other) in ends {
        calls.push(establish(&mut s, (from, to), (rtp, other), "18 101"));
        s.wait(150);
    }
    for (_, rtp, _, other) in ends {
        sessions.push(two_way(&mut s, G729, rtp, other, 46));
    }
    let mut begun = s.now;
    let mut end = s.now;
    for jumped in [false, true] {
        for m in &mut sessions {
            s.now = begun;
            if jumped {
                m.streams.iter_mut().for_each(|t| t.cursor += WRONG);
                m.parties.iter_mut().for_each(|p| p.next += WRONG);
            }
            talk(&mut s, m, 110);
            m.play(&mut s, &mut []);
            end = end.max(s.now);
        }
        begun = end + WRONG;
    }
    for (n, m) in sessions.iter().enumerate() {
        m.tell(FILE, &format!("audio of call {}", n + 1), &[]);
    }
    s.now = end;
    s.wait(40);
    for mut c in calls {
        c.bye(&mut s);
        s.wait(300);
    }
    let mut s = in_order(s);

    s.wait(2_000);
    let mut c = Call::new(&mut s, &b, &a, None);
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", offer(&b, 24_904, 441)));
    c.respond_over(&mut s, 100, "Trying", &Extra::default(), 1);
    s.wait(90);
    c.respond(&mut s, 180, "Ringing", &Extra::default());
    s.wait(2_100);
    s.now -= WRONG;
    c.request(&mut s, "CANCEL", true, &Extra::default());
    c.respond_to(&mut s, "CANCEL", 200, "OK");
    c.respond(&mut s, 487, "Request Terminated", &Extra::default());
    c.ack_failure(&mut s, 2);
    s
}

/// A mirror port of the proxy that gives only what the proxy sends: answers to REGISTERs, and of calls what goes to either end.
pub fn one_sided() -> Scene {
    let mut s = Scene::new(94, START);
    let (a, b, k, p) = (alice(), bob(), carol(), proxy());
    for who in [&a, &b, &k] {
        let mut c = Call::new(&mut s, who, &p, None);
        let nonce = s.random.hex(24);
        c.request(&mut s, "REGISTER", true, &Extra::default());
        let why = format!("Digest realm=\"contoso.com\", nonce=\"{nonce}\", qop=\"auth\", algorithm=MD5");
        c.respond(&mut s, 401, "Unauthorized", &Extra::header("WWW-Authenticate", why));
        s.wait(20);
        c.request(&mut s, "REGISTER", true, &Extra::default());
        let bound = Extra::header("Contact", format!("{};expires=3600", who.contact()));
        c.respond(&mut s, 200, "OK", &bound);
        s.wait(700);
    }
    for (from, to, n) in [(&a, &b, 0), (&b, &k, 2), (&k, &a, 4)] {
        let mut c = Call::new(&mut s, from, to, Some(&p));
        c.establish(&mut s, &offer(from, 27_100 + n, 451), &answer(to, 37_100 + n, 551), 1_600);
        s.wait(3_000);
        c.bye(&mut s);
        s.wait(900);
    }
    let server = match p.at.ip() {
        std::net::IpAddr::V4(ip) => ip.octets(),
        std::net::IpAddr::V6(_) => unreachable!("the proxy has an IPv4 address"),
    };
    s.frames.retain(|f| f.bytes[26..30] == server);
    s
}

/// One member of a gzip file.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory to write to");
    encoder.finish().expect("memory to write to")
}

/// What one side says in one go, as a machine with receive off-load captures it: segments put together, up to 60 000 bytes
/// a frame, each acknowledged by the other side.
pub fn put_together(s: &mut Scene, src: SocketAddr, dst: SocketAddr, bytes: &[u8]) {
    let mtu = std::mem::replace(&mut s.mtu, 65_535);
    for piece in bytes.chunks(60_000) {
        s.segment(src, dst, piece);
        let (seq, ack) = numbers(s.frames.last().expect("the segment"));
        s.wait(4);
        aside(s, (dst, src), (ack, seq.wrapping_add(piece.len() as u32)), b"");
        s.wait(1);
    }
    s.mtu = mtu;
}

/// A request whose header section never ends, until the server has enough of it; and calls that are well.
pub fn limit() -> Vec<u8> {
    let mut s = Scene::new(95, START);
    let (mut a, b, p) = (alice(), bob(), proxy());
    for n in 0..5 {
        let mut c = Call::new(&mut s, &a, &b, Some(&p));
        c.establish(&mut s, &offer(&a, 27_200 + n, 461), &answer(&b, 37_200 + n, 561), 900);
        s.wait(1_000);
        c.bye(&mut s);
        s.wait(500);
    }
    a.at = at("198.51.100.66:51514");
    s.connect(a.at, p.at);
    let mut endless = message(
        "OPTIONS sip:proxy@contoso.com SIP/2.0",
        &[
            ("Via", format!("SIP/2.0/TCP {};branch=z9hG4bK{}", a.at, s.random.hex(12))),
            ("Max-Forwards", "70".to_owned()),
            ("From", format!("<sip:scan@example.net>;tag={}", s.random.hex(8))),
            ("To", "<sip:proxy@contoso.com>".to_owned()),
            ("Call-ID", s.random.hex(24)),
            ("CSeq", "1 OPTIONS".to_owned()),
        ],
        None,
    );
    endless.truncate(endless.len() - 2);
    while endless.len() < 1_100_000 {
        endless.extend_from_slice(b"X-A: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n");
    }
    put_together(&mut s, a.at, p.at, &endless);
    s.fin(p.at, a.at, 0x14);
    gzip(&pcap(1, &s.frames))
}

/// A frame that no station asked for by IP: a neighbour's word, a bridge's, an address resolved.
pub fn of_the_segment(s: &mut Scene, n: usize) {
    let mac = [2, 0, 10, 10, 0, 5];
    let hex = |to: [u8; 6], rest: &[u8]| [&to[..], &mac, rest].concat();
    let mut frame = match n {
        // LLDP (IEEE 802.1AB): chassis, port, time to live, end.
        0 => hex(
            [1, 0x80, 0xc2, 0, 0, 0x0e],
            &[0x88, 0xcc, 2, 7, 4, 2, 0, 10, 10, 0, 5, 4, 5, 5, b'g', b'i', b'1', b'7', 6, 2, 0, 120, 0, 0],
        ),
        // A configuration BPDU (IEEE 802.1D) behind a length and LLC.
        1 => {
            let mut bpdu = vec![0, 38, 0x42, 0x42, 3, 0, 0, 0, 0, 0, 0x80, 0];
            bpdu.extend(mac);
            bpdu.extend([0, 0, 0, 0, 0x80, 0]);
            bpdu.extend(mac);
            bpdu.extend([0x80, 1, 0, 0, 20, 0, 2, 0, 15, 0]);
            hex([1, 0x80, 0xc2, 0, 0, 0], &bpdu)
        }
        // Who has 10.10.0.22?
        _ => hex(
            [0xff; 6],
            &[
                8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 10, 10, 0, 5, 10, 10, 0, 5, 0, 0, 0, 0, 0, 0, 10, 10, 0,
                22,
            ],
        ),
    };
    frame.resize(frame.len().max(60), 0);
    s.frame(frame);
    s.wait(30);
}

/// The sequence number, and the acknowledged one, of a segment of IPv4 without options.
pub fn numbers(f: &Frame) -> (u32, u32) {
    let word = |at: usize| u32::from_be_bytes(f.bytes[at..at + 4].try_into().expect("four bytes"));
    (word(38), word(42))
}

/// A segment out of turn, padded to the least length of Ethernet.
pub fn aside(s: &mut Scene, ends: (SocketAddr, SocketAddr), (seq, ack): (u32, u32), payload: &[u8]) {
    let segment = wire::tcp(ends.0, ends.1, seq, ack, 0x10, payload);
    s.ip(ends.0, ends.1, 6, s.signalling, &segment);
    if let Some(f) = s.frames.last_mut() {
        f.bytes.resize(f.bytes.len().max(60), 0);
    }
    s.now += 180;
}
