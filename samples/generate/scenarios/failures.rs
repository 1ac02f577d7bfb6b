//! Calls that the transport failed, each in its own way.

use std::net::SocketAddr;

use super::{START, alice, answer, at, bob, carol, offer};
use crate::call::{Call, Extra};
use crate::scene::{Carry, Party, Scene};
use crate::wire;

fn invite(s: &mut Scene, to: &Party, session: u64) -> (Call, usize) {
    let a = alice();
    let mut c = Call::new(s, &a, to, None);
    let from = s.frames.len();
    c.request(s, "INVITE", true, &Extra::body("application/sdp", offer(&a, 40_000, session)));
    (c, from)
}

/// `by` says by ICMP that the packet in frame `about` did not arrive, and quotes so many bytes of it.
fn unreachable(s: &mut Scene, by: SocketAddr, code: u8, about: usize, quote: usize) {
    let packet = s.frames[about].bytes[14..].to_vec();
    let message = wire::icmp_unreachable(code, &packet[..packet.len().min(quote)]);
    s.ip(by, alice().at, 1, 48, &message);
    s.wait(2);
}

/// An INVITE by TCP from a port of its own.
fn invite_by_tcp(s: &mut Scene, port: u16, to: &Party, session: u64) -> (Call, SocketAddr) {
    let mut a = alice();
    a.transport = "TCP";
    a.at.set_port(port);
    let mut c = Call::new(s, &a, to, None);
    c.carry = Carry::Tcp;
    c.request(s, "INVITE", true, &Extra::body("application/sdp", offer(&a, 40_000, session)));
    (c, a.at)
}

pub fn failures() -> Scene {
    let mut s = Scene::new(16, START);
    let (a, b) = (alice(), bob());
    let none = Extra::default();

    // Nothing listens at Bob's port: his machine says so, of the retransmission too.
    let (_, from) = invite(&mut s, &b, 901);
    unreachable(&mut s, b.at, 3, from, 548);
    s.wait(500);
    let again = s.frames[from].bytes[42..].to_vec();
    s.udp(a.at, b.at, 24, &again);
    s.wait(1);
    unreachable(&mut s, b.at, 3, from, 548);
    s.wait(3_000);

    // The router before Carol's network cannot reach her; it quotes no more than it must.
    let mut far = carol();
    far.at = at("10.20.0.23:5060");
    let (_, from) = invite(&mut s, &far, 902);
    unreachable(&mut s, at("10.10.0.1:0"), 1, from, 28);
    s.wait(3_000);

    // By TCP: reset; closed behind a 100; answered by a TLS alert, as the port speaks TLS.
    let (_, own) = invite_by_tcp(&mut s, 41_001, &b, 903);
    s.fin(b.at, own, 0x14);
    s.wait(1_000);
    let (mut c, own) = invite_by_tcp(&mut s, 41_002, &b, 904);
    c.respond(&mut s, 100, "Trying", &none);
    s.wait(900);
    s.fin(b.at, own, 0x11);
    s.fin(own, b.at, 0x11);
    s.wait(1_000);
    let mut secure = b.clone();
    secure.at.set_port(5061);
    let (_, own) = invite_by_tcp(&mut s, 41_003, &secure, 905);
    s.segment(secure.at, own, &[0x15, 3, 1, 0, 2, 2, 70]);
    s.fin(secure.at, own, 0x11);
    s.wait(1_000);

    // Between the same ports as the first call, and nothing is wrong: with video.
    let mut c = Call::new(&mut s, &a, &b, None);
    let video =
        |sdp: String, port: u16| format!("{sdp}m=video {port} RTP/AVP 34\r\na=rtpmap:34 H263/90000\r\n");
    let (o, n) = (video(offer(&a, 40_100, 906), 40_102), video(answer(&b, 40_200, 907), 40_202));
    c.establish(&mut s, &o, &n, 800);
    s.wait(2_000);
    c.bye(&mut s);
    s.wait(1_000);

    // It rings, and nothing final comes.
    let (mut c, _) = invite(&mut s, &b, 908);
    s.wait(80);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(40_000);

    // The capture ends before an answer could come.
    let (_, from) = invite(&mut s, &b, 909);
    s.wait(500);
    let again = s.frames[from].bytes[42..].to_vec();
    s.udp(a.at, b.at, 24, &again);
    s
}
