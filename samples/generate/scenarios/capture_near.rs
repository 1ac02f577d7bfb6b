//! Captures that look as if they lacked something, and do not.

use std::fmt::Write as _;

use super::capture::{aside, gzip, many_lines, numbers, of_the_segment, put_together};
use super::media::{establish, in_order, port, two_way};
use super::odd::{client_hello, record, script, server_flight};
use super::{START, alice, answer, at, bob, carol, communicator, offer};
use crate::call::{Call, Extra};
use crate::media::G729;
use crate::pcapng::{IF_DROPPED, IF_RECEIVED, OS_DROPPED, PcapNg};
use crate::scene::{Scene, message};
use crate::wire::pcap;

/// Two captures of two machines in one file, which something is odd about wherever one looks, and nothing is missing.
pub fn odd_but_whole() -> Vec<u8> {
    let mut s = Scene::new(101, START);
    repeated_invite(&mut s);
    s.wait(400);
    whole_in_fragments(&mut s);
    s.wait(400);
    for n in 0..3 {
        of_the_segment(&mut s, n);
    }
    sent_twice(&mut s);
    s.wait(400);
    nothing_inside(&mut s);
    s.wait(400);
    segments(&mut s);

    // The other machine's capture is of the minutes before, its bytes are in the other order.
    let mut before = Scene::new(102, START - 150);
    let (b, k) = (bob(), carol());
    let mut c = Call::new(&mut before, &k, &b, None);
    c.establish(&mut before, &offer(&k, 27_310, 473), &answer(&b, 37_310, 573), 800);
    before.wait(1_500);
    c.bye_back(&mut before);

    let mut file = PcapNg::default();
    file.section(false, "Dumpcap (Wireshark) 4.2.5");
    file.interface("eth0", 262_144);
    file.interface("eth0 (media)", 96);
    // The name of a machine.
    file.block(4, &[&[1, 0, 9, 0, 10, 10, 0, 22][..], b"desk\0\0\0\0", &[0, 0, 0, 0]].concat());
    for (n, f) in s.frames.iter().enumerate() {
        let outward = f.bytes[6..12] == [2, 0, 10, 10, 0, 23];
        file.packet(f, if outward { 2 } else { 1 }, if n == 0 { "it rang at the second try" } else { "" });
    }
    // What another vendor keeps for itself, under the enterprise number for examples (RFC 5612).
    file.block(0x0bad, &[&32_473u32.to_le_bytes()[..], b"on battery"].concat());
    for interface in 0..2 {
        let seen = s.frames.iter().filter(|f| f.interface == interface).count() as u64;
        file.statistics(interface, s.now, &[(IF_RECEIVED, seen), (IF_DROPPED, 0), (OS_DROPPED, 0)]);
    }
    file.section(true, "Trey Research Probe 7.2");
    file.interface("mirror0", 0);
    before.frames.iter().for_each(|f| file.packet(f, 0, ""));
    file.statistics(0, before.now, &[(IF_RECEIVED, before.frames.len() as u64), (IF_DROPPED, 0)]);
    file.bytes
}

/// The capture begins between an INVITE and its repetition; media is kept by a second capture, headers only.
fn repeated_invite(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let mut c = Call::new(s, &a, &b, None);
    c.request(s, "INVITE", true, &Extra::body("application/sdp", offer(&a, 27_300, 471)));
    let sent = s.frames.remove(0).bytes[42..].to_vec();
    s.wait(497);
    s.udp(a.at, b.at, s.signalling, &sent);
    s.wait(4);
    c.respond_over(s, 100, "Trying", &Extra::default(), 1);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(1_400);
    c.respond(s, 200, "OK", &Extra::body("application/sdp", answer(&b, 37_300, 571)));
    c.request(s, "ACK", false, &Extra::default());
    let from = s.frames.len();
    s.rtp(port(&a, 27_300), port(&b, 37_300), 25, true);
    s.frames[from..].iter_mut().for_each(|f| f.interface = 1);
    c.bye(s);
}

/// An INVITE of several packets: the last fragment comes first.
fn whole_in_fragments(s: &mut Scene) {
    let (a, b) = (carol(), alice());
    let mut c = Call::new(s, &a, &b, None);
    let from = s.frames.len();
    let long = offer(&a, 27_302, 472) + &many_lines() + &many_lines();
    c.request(s, "INVITE", true, &Extra::body("application/sdp", long));
    let times: Vec<u64> = s.frames[from..].iter().map(|f| f.micros).collect();
    s.frames[from..].rotate_right(1);
    for (f, t) in s.frames[from..].iter_mut().zip(times) {
        f.micros = t;
    }
    s.wait(80);
    c.respond(s, 180, "Ringing", &Extra::default());
    s.wait(600);
    c.respond(s, 200, "OK", &Extra::body("application/sdp", answer(&b, 37_302, 572)));
    c.request(s, "ACK", false, &Extra::default());
    s.wait(1_100);
    c.bye_back(s);
}

/// A request and its answer, each again at once: other packets with the same bytes.
fn sent_twice(s: &mut Scene) {
    let (a, b) = (alice(), bob());
    let mut c = Call::new(s, &a, &b, None);
    let again = |s: &mut Scene, from: usize, ends: (_, _)| {
        let sent = s.frames[from].bytes[42..].to_vec();
        s.now = s.frames[from].micros + 1_200;
        s.udp(ends.0, ends.1, s.signalling, &sent);
        s.wait(3);
    };
    let from = s.frames.len();
    c.request(s, "OPTIONS", true, &Extra::header("Accept", "application/sdp"));
    again(s, from, (a.at, b.at));
    let from = s.frames.len();
    c.respond(s, 200, "OK", &Extra::header("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS"));
    again(s, from, (b.at, a.at));
}

/// A load balancer looks whether the port is open, a monitor whether TLS works there: the server does not know the name
/// it was asked for and goes on with its own; nothing is said inside.
fn nothing_inside(s: &mut Scene) {
    let server = at("10.10.0.5:5061");
    let balancer = at("10.10.0.9:40122");
    s.connect(balancer, server);
    s.fin(balancer, server, 0x14);
    s.wait(200);
    let monitor = at("10.10.0.40:52311");
    s.connect(monitor, server);
    s.segment(monitor, server, &client_hello());
    s.segment(server, monitor, &[record(21, &[1, 112]), server_flight()].concat());
    let sealed = |s: &mut Scene, kind: u8, bytes: usize| {
        let noise: Vec<u8> = (0..bytes).map(|_| s.random.next() as u8).collect();
        record(kind, &noise)
    };
    for (src, dst) in [(monitor, server), (server, monitor)] {
        let finished = [record(20, &[1]), sealed(s, 22, 40)].concat();
        s.segment(src, dst, &finished);
    }
    s.wait(2);
    let closed = sealed(s, 21, 26);
    s.segment(monitor, server, &closed);
    s.fin(monitor, server, 0x11);
    s.fin(server, monitor, 0x11);
}

/// SIP over TCP on the machine that captures: a frame for several segments, one that the network lost and that comes again,
/// keep-alives of Windows; at last a message whose end the capture does not wait for.
fn segments(s: &mut Scene) {
    let (mut k, mut b) = (carol(), bob());
    (k.transport, b.transport) = ("TCP", "TCP");
    (k.at, b.at) = (at("10.10.0.23:50311"), at("10.10.0.22:5060"));
    let (up, down) = ((k.at, b.at), (b.at, k.at));
    let call = script(&k, &b, 31);
    s.connect(k.at, b.at);
    // The network card cuts it; what is captured says that its length is 0 (large send off-load).
    let long = String::from_utf8_lossy(&call[0].1).into_owned();
    let body = many_lines();
    let (head, rest) = long.split_once("Content-Length: ").expect("a length");
    let (length, rest) = rest.split_once("\r\n").expect("a line");
    let length = length.parse::<usize>().expect("a number") + body.len();
    let mtu = std::mem::replace(&mut s.mtu, 9_000);
    s.segment(k.at, b.at, format!("{head}Content-Length: {length}\r\n{rest}{body}").as_bytes());
    s.mtu = mtu;
    if let Some(f) = s.frames.last_mut() {
        f.bytes[16..18].fill(0);
        f.bytes[24..26].fill(0);
        let sum = crate::wire::checksum(&[&f.bytes[14..34]]);
        f.bytes[24..26].copy_from_slice(&sum.to_be_bytes());
    }
    s.wait(12);
    s.segment(b.at, k.at, &call[1].1);
    s.wait(90);
    // The segment with 180 is lost on the way; 200 comes, and 180 once more.
    s.segment(b.at, k.at, &call[2].1);
    let lost = s.frames.pop().expect("a segment");
    s.wait(700);
    s.segment(b.at, k.at, &call[3].1);
    let (seq, ack) = numbers(&lost);
    aside(s, up, (ack, seq), b"");
    s.wait(230);
    s.ip(b.at, k.at, 6, s.signalling, &lost.bytes[34..]);
    s.wait(1);
    s.segment(k.at, b.at, &call[4].1);
    s.wait(1_500);
    let (seq, ack) = numbers(s.frames.last().expect("the ACK"));
    let next = seq.wrapping_add(call[4].1.len() as u32);
    aside(s, up, (next.wrapping_sub(1), ack), &[0]);
    aside(s, down, (ack, next), b"");
    s.wait(800);
    s.segment(k.at, b.at, &call[5].1);
    s.wait(5);
    // Bob has something to say himself; the answer to the BYE begins in the same segment.
    let text = "The figures are on the share. ".repeat(20);
    let own = message(
        &format!("MESSAGE sip:carol@{} SIP/2.0", k.at),
        &[
            ("Via", format!("SIP/2.0/TCP {};branch=z9hG4bK{}", b.at, s.random.hex(12))),
            ("Max-Forwards", "70".to_owned()),
            ("From", format!("\"{}\" <{}>;tag={}", b.display, b.uri(), s.random.hex(8))),
            ("To", format!("<{}>", k.uri())),
            ("Call-ID", s.random.hex(24)),
            ("CSeq", "1 MESSAGE".to_owned()),
            ("User-Agent", b.agent.to_owned()),
        ],
        Some(("text/plain", &text)),
    );
    let answer = &call[6].1;
    let before = memchr::memmem::find(answer, b"Call-ID:").expect("a Call-ID");
    s.segment(b.at, k.at, &[own.as_slice(), &answer[..before - 10]].concat());
}

/// Watchers are told of others and have nothing to answer; two who listen to a third are both silent; the clock is set
/// back by a little.
pub fn told_only() -> Scene {
    const FILE: &str = "near_one_way.pcap";
    let mut s = Scene::new(103, START);
    let (a, b, fe) = (communicator::alice(), communicator::bob(), communicator::front_end());
    for (n, watcher) in [&a, &b].into_iter().cloned().enumerate() {
        for target in 0..2 {
            let mut c = Call::new(&mut s, &fe, &watcher, None);
            c.carry = crate::scene::Carry::Tcp;
            c.cseq = 3 + n as u32;
            for status in ["Busy", "Available"] {
                let text = format!(
                    "<presentity uri=\"carol{target}@contoso.com\"><availability aggregate=\"{status}\"/></presentity>"
                );
                let told = Extra::body("text/xml+msrtc.pidf", text)
                    .and("Event", "presence")
                    .and("subscription-state", "active;expires=30000");
                c.request(&mut s, "BENOTIFY", false, &told);
                s.wait(900);
            }
        }
    }
    // The clock is set back by NTP while a call is up.
    let (phone, other) = (alice(), bob());
    let rtp = (port(&phone, 24_920), port(&other, 34_920));
    let mut c = establish(&mut s, (&phone, &other), rtp, "18 13 101");
    let mut m = two_way(&mut s, G729, rtp.0, rtp.1, 46);
    for part in 0..2 {
        for t in &mut m.streams {
            if part == 1 {
                // Nobody says a word for a while.
                t.silence(3_200);
            }
            t.talk(&mut s.random, 90);
            t.queue(&mut s.random, super::media::CALM);
        }
        m.play(&mut s, &mut []);
    }
    m.tell(FILE, "audio of call 1", &[]);
    s.wait(60);
    let mut s = in_order(s);
    s.now -= 400_000;
    c.bye(&mut s);
    s
}

/// A message of more than a million bytes, nearly all of them in its body, in a file that was packed in two pieces.
pub fn packed() -> Vec<u8> {
    let mut s = Scene::new(104, START);
    let (mut a, p) = (alice(), super::proxy());
    (a.at, a.transport) = (at("10.10.0.21:50722"), "TCP");
    let mut log = String::new();
    let mut n = 0;
    while log.len() < 1_200_000 {
        let _ = write!(
            log,
            "{n:06} audio: 50 packets sent, 50 received, 0 lost, jitter 2 ms, buffer 40 ms, level -26 dBov\r\n"
        );
        n += 1;
    }
    let head = |s: &mut Scene, method: &str| {
        vec![
            ("Via", format!("SIP/2.0/TCP {};branch=z9hG4bK{}", a.at, s.random.hex(12))),
            ("Max-Forwards", "70".to_owned()),
            ("From", format!("\"{}\" <{}>;tag={}", a.display, a.uri(), s.random.hex(8))),
            ("To", format!("<{}>", a.uri())),
            ("Call-ID", s.random.hex(24)),
            ("CSeq", format!("1 {method}")),
        ]
    };
    s.connect(a.at, p.at);
    let mut asked = head(&mut s, "PUBLISH");
    asked.push(("Event", "x-fabrikam-log".to_owned()));
    let line = format!("PUBLISH {} SIP/2.0", a.uri());
    let publish = message(&line, &asked, Some(("application/x-fabrikam-log", &log)));
    put_together(&mut s, a.at, p.at, &publish);
    let answered: Vec<(&str, String)> = asked
        .iter()
        .filter(|(name, _)| !matches!(*name, "Max-Forwards" | "Event"))
        .map(|(name, value)| (*name, if *name == "To" { format!("{value};tag=77ab") } else { value.clone() }))
        .chain([("SIP-ETag", s.random.hex(8)), ("Expires", "3600".to_owned())])
        .collect();
    let ok = message("SIP/2.0 200 OK", &answered, None);
    s.segment(p.at, a.at, &ok);
    let file = pcap(1, &s.frames);
    let (first, second) = file.split_at(file.len() / 3);
    [gzip(first), gzip(second)].concat()
}
