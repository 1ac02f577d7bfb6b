//! What captures are really like: segments, fragments, tunnels, damage, hostile text.

use std::net::SocketAddr;

use super::{START, alice, answer, at, bob, offer};
use crate::call::{Call, Extra};
use crate::scene::{Carry, Party, Scene, message};
use crate::wire::{self, Frame, NgExtras, pcapng};

fn tcp(mut p: Party) -> Party {
    p.transport = "TCP";
    p
}

/// A whole call's messages as (from the caller, bytes), without sending them.
pub fn script(a: &Party, b: &Party, seed: u64) -> Vec<(bool, Vec<u8>)> {
    let mut s = Scene::new(seed, START);
    let mut quiet = a.clone();
    quiet.transport = "UDP";
    let mut c = Call::new(&mut s, &quiet, b, None);
    c.from = a.clone();
    c.carry = Carry::Udp;
    s.mtu = 60_000;
    c.establish(&mut s, &offer(a, 26_000, 400 + seed), &answer(b, 36_000, 500 + seed), 900);
    c.bye(&mut s);
    s.frames.iter().map(|f| (f.bytes[26..30] == wire_ip(a.at)[..], f.bytes[42..].to_vec())).collect()
}

fn wire_ip(a: SocketAddr) -> Vec<u8> {
    match a.ip() {
        std::net::IpAddr::V4(v) => v.octets().to_vec(),
        std::net::IpAddr::V6(v) => v.octets().to_vec(),
    }
}

/// Three calls over TCP: every message cut into small segments; several glued into one; segments out of order,
/// sent twice, and one lost by the capture in the middle of the last call.
pub fn tcp_segments() -> Scene {
    let mut s = Scene::new(41, START);
    let (a, b) = (tcp(alice()), tcp(bob()));
    s.connect(a.at, b.at);
    for (forward, bytes) in script(&a, &b, 1) {
        let (src, dst) = if forward { (a.at, b.at) } else { (b.at, a.at) };
        for piece in bytes.chunks(97) {
            s.segment(src, dst, piece);
        }
        s.wait(40);
    }
    // A keep-alive, then everything one side has to say in one segment with the next call's INVITE.
    s.segment(a.at, b.at, b"\r\n\r\n");
    s.segment(b.at, a.at, b"\r\n");
    let (second, third) = (script(&a, &b, 2), script(&a, &b, 3));
    let joined = [second[0].1.as_slice(), b"\r\n\r\n", third[0].1.as_slice()].concat();
    s.segment(a.at, b.at, &joined);
    s.wait(30);
    let both: Vec<u8> = second[1..4].iter().chain(&third[1..4]).flat_map(|(_, m)| m.clone()).collect();
    let from = s.frames.len();
    for piece in both.chunks(700) {
        s.segment(b.at, a.at, piece);
    }
    // The network swaps two of them and repeats a third.
    s.frames[from..].reverse();
    let times: Vec<u64> = (0..s.frames.len() - from).map(|i| s.now + i as u64 * 150).collect();
    for (f, t) in s.frames[from..].iter_mut().zip(times) {
        f.micros = t;
    }
    s.wait(5);
    let again = s.frames[from].clone();
    s.frames.push(Frame { micros: s.now, ..again });
    s.wait(30);
    for (forward, bytes) in second[4..].iter().chain(&third[4..5]) {
        let (src, dst) = if *forward { (a.at, b.at) } else { (b.at, a.at) };
        s.segment(src, dst, bytes);
        s.wait(20);
    }
    // BYE of the third call: its first segment is not in the capture; the answer and a later call's INVITE are.
    let bye = &third[5].1;
    s.segment(a.at, b.at, &bye[..200]);
    s.frames.pop();
    s.segment(a.at, b.at, &bye[200..]);
    s.segment(b.at, a.at, &third[6].1);
    s.segment(a.at, b.at, &script(&a, &b, 4)[0].1);
    s
}

/// A call whose INVITE and 200 are larger than a packet: fragments in order, in reverse, and one that never comes.
pub fn fragments() -> Scene {
    let mut s = Scene::new(42, START);
    let (a, b) = (alice(), bob());
    let mut more = String::new();
    for n in 0..40 {
        more.push_str(&format!(
            "a=x-fabrikam-line:{n} appearance=10.10.0.21;index={};label=\"Line {n}\"\r\n",
            40_000 + n
        ));
    }
    let big_offer = offer(&a, 27_000, 81) + &more;
    let big_answer = answer(&b, 37_000, 82) + &more.replace("10.10.0.21", "10.10.0.22");
    let mut c = Call::new(&mut s, &a, &b, None);
    c.request(&mut s, "INVITE", true, &Extra::body("application/sdp", big_offer.clone()));
    s.wait(80);
    c.respond(&mut s, 180, "Ringing", &Extra::default());
    s.wait(700);
    let from = s.frames.len();
    c.respond(&mut s, 200, "OK", &Extra::body("application/sdp", big_answer));
    let times: Vec<u64> = s.frames[from..].iter().map(|f| f.micros).collect();
    s.frames[from..].reverse();
    for (f, t) in s.frames[from..].iter_mut().zip(times) {
        f.micros = t;
    }
    c.request(&mut s, "ACK", false, &Extra::default());
    s.wait(1_000);
    c.bye(&mut s);
    s.wait(500);
    let mut lost = Call::new(&mut s, &a, &b, None);
    let from = s.frames.len();
    lost.request(&mut s, "INVITE", true, &Extra::body("application/sdp", big_offer));
    s.frames.remove(from + 1);
    s
}

pub fn ws_frame(payload: &[u8], mask: Option<[u8; 4]>, first: u8) -> Vec<u8> {
    let mut f = vec![first];
    let bit = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        n @ 0..=125 => f.push(bit | n as u8),
        n => {
            f.push(bit | 126);
            f.extend((n as u16).to_be_bytes());
        }
    }
    match mask {
        Some(key) => {
            f.extend(key);
            f.extend(payload.iter().enumerate().map(|(i, b)| b ^ key[i % 4]));
        }
        None => f.extend_from_slice(payload),
    }
    f
}

fn deflate(data: &[u8], encoder: &mut flate2::Compress) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 64);
    encoder.compress_vec(data, &mut out, flate2::FlushCompress::Sync).expect("memory to compress into");
    out.truncate(out.len() - 4);
    out
}

/// A browser registers and calls over WebSocket: masked frames, a message in two frames, a ping between;
/// a second connection with permessage-deflate.
pub fn websocket() -> Scene {
    let mut s = Scene::new(43, START);
    let mut web = alice();
    web.agent = "JsSIP 3.13.8";
    web.transport = "WS";
    let mut server = bob();
    server.at = at("10.10.0.5:8080");
    for (n, packed) in [(1u16, false), (2, true)] {
        web.at = SocketAddr::new(web.at.ip(), 49_000 + n);
        let extension = if packed { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
        s.connect(web.at, server.at);
        let get = format!(
            "GET /ws HTTP/1.1\r\nHost: pool01.contoso.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n{extension}Sec-WebSocket-Version: 13\r\n\r\n"
        );
        s.segment(web.at, server.at, get.as_bytes());
        let ok = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n{extension}\r\n"
        );
        s.segment(server.at, web.at, ok.as_bytes());
        let mut encoders = [
            flate2::Compress::new(flate2::Compression::default(), false),
            flate2::Compress::new(flate2::Compression::default(), false),
        ];
        for (i, (forward, bytes)) in script(&web, &server, 10 + u64::from(n)).into_iter().enumerate() {
            let (src, dst) = if forward { (web.at, server.at) } else { (server.at, web.at) };
            let mask = forward.then(|| (s.random.next() as u32).to_be_bytes());
            let body = if packed { deflate(&bytes, &mut encoders[usize::from(forward)]) } else { bytes };
            let first = if packed { 0xc1 } else { 0x81 };
            let wire = if i == 0 {
                let (one, two) = body.split_at(body.len() / 2);
                let ping = ws_frame(b"still there?", mask, 0x89);
                [ws_frame(one, mask, first & 0x7f), ping, ws_frame(two, mask, 0x80)].concat()
            } else {
                ws_frame(&body, mask, first)
            };
            for piece in wire.chunks(1_400) {
                s.segment(src, dst, piece);
            }
            s.wait(60);
        }
    }
    s
}

/// A call over SCTP.
pub fn sctp() -> Scene {
    let mut s = Scene::new(44, START);
    let (mut a, mut b) = (alice(), bob());
    a.transport = "SCTP";
    b.transport = "SCTP";
    let mut c = Call::new(&mut s, &a, &b, None);
    c.establish(&mut s, &offer(&a, 28_000, 91), &answer(&b, 38_000, 92), 800);
    s.wait(1_000);
    c.bye(&mut s);
    s
}

pub fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut r = vec![kind, 3, 3];
    r.extend((body.len() as u16).to_be_bytes());
    r.extend_from_slice(body);
    r
}

pub fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut h = vec![kind, 0];
    h.extend((body.len() as u16).to_be_bytes());
    h.extend_from_slice(body);
    record(22, &h)
}

/// A ClientHello of TLS 1.2 that names the server.
pub fn client_hello() -> Vec<u8> {
    let name = b"sip.contoso.com";
    let mut sni = Vec::new();
    sni.extend((name.len() as u16 + 3).to_be_bytes());
    sni.push(0);
    sni.extend((name.len() as u16).to_be_bytes());
    sni.extend_from_slice(name);
    let mut extensions = vec![0, 0];
    extensions.extend((sni.len() as u16).to_be_bytes());
    extensions.extend(sni);
    let mut hello = vec![3, 3];
    hello.extend([0x11; 32]);
    hello.push(0);
    hello.extend([0, 4, 0xc0, 0x2f, 0x00, 0x2f, 1, 0]);
    hello.extend((extensions.len() as u16).to_be_bytes());
    hello.extend(extensions);
    handshake(1, &hello)
}

/// A ServerHello and all up to its end, without the certificate, which is not looked at.
pub fn server_flight() -> Vec<u8> {
    let mut answer = vec![3, 3];
    answer.extend([0x22; 32]);
    answer.push(0);
    answer.extend([0xc0, 0x2f, 0]);
    [handshake(2, &answer), handshake(14, b"")].concat()
}

/// A TLS 1.2 connection as far as anybody on the way can read it: hellos, key exchange hidden, data, close.
pub fn tls_into(s: &mut Scene, client: SocketAddr, server: SocketAddr) {
    let server = SocketAddr::new(server.ip(), 5061);
    s.connect(client, server);
    s.segment(client, server, &client_hello());
    s.segment(server, client, &server_flight());
    let changed = [record(20, &[1]), record(22, &[0xaa; 40])].concat();
    s.segment(client, server, &changed);
    s.segment(server, client, &changed);
    for n in 0..4 {
        let (src, dst) = if n % 2 == 0 { (client, server) } else { (server, client) };
        s.wait(90);
        s.segment(src, dst, &record(23, &vec![0x5a; 300 + n * 41]));
    }
    s.fin(server, client, 0x11);
    s.fin(client, server, 0x11);
}

/// A connection that works and one that the server refuses with an alert.
pub fn tls() -> Scene {
    let mut s = Scene::new(45, START);
    tls_into(&mut s, at("192.168.100.112:1977"), at("10.10.0.5:5061"));
    s.wait(500);
    let (client, server) = (at("192.168.100.112:1978"), at("10.10.0.5:5061"));
    s.connect(client, server);
    let mut hello = vec![3, 1];
    hello.extend([0x33; 32]);
    hello.extend([0, 0, 2, 0x00, 0x2f, 1, 0]);
    s.segment(client, server, &handshake(1, &hello));
    s.segment(server, client, &record(21, &[2, 40]));
    s.fin(server, client, 0x14);
    s
}

/// The same short call on many kinds of link, an interface each.
pub fn links() -> Vec<u8> {
    let mut frames = Vec::new();
    let mut interfaces: Vec<(&str, u16)> = Vec::new();
    let kinds: [(&str, u16); 9] = [
        ("vlan", 1),
        ("qinq", 1),
        ("cooked1", 113),
        ("cooked2", 276),
        ("raw", 101),
        ("null", 0),
        ("gre", 1),
        ("vxlan", 1),
        ("ppp", 9),
    ];
    for (n, (name, link)) in kinds.into_iter().enumerate() {
        interfaces.push((name, link));
        let mut s = Scene::new(60 + n as u64, START + n as u64 * 20);
        s.mtu = 9_000;
        match name {
            "vlan" => s.tags = vec![(0x8100, 200)],
            "qinq" => s.tags = vec![(0x88a8, 200), (0x8100, 100)],
            _ => {}
        }
        let (a, b) = (alice(), bob());
        let mut c = Call::new(&mut s, &a, &b, None);
        c.establish(&mut s, &offer(&a, 29_000, 600 + n as u64), &answer(&b, 39_000, 700 + n as u64), 500);
        c.bye(&mut s);
        let (outer_a, outer_b) = (at("172.16.0.1:49152"), at("172.16.0.2:4789"));
        for f in s.frames {
            let packet = &f.bytes[14..];
            let outer = |protocol: u8, body: &[u8]| {
                let ip = wire::ip(outer_a.ip(), outer_b.ip(), protocol, 0, 1, None, body);
                wire::ethernet(outer_a.ip(), outer_b.ip(), &[], &ip)
            };
            let bytes = match name {
                "cooked1" => [&[0, 0, 0, 1, 0, 6, 2, 0, 10, 10, 0, 21, 0, 0, 8, 0], packet].concat(),
                "cooked2" => {
                    [&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 10, 10, 0, 21, 0, 0], packet].concat()
                }
                "raw" => packet.to_vec(),
                "null" => [&[2, 0, 0, 0], packet].concat(),
                "ppp" => [&[0xff, 0x03, 0x00, 0x21], packet].concat(),
                "gre" => outer(47, &[&[0, 0, 8, 0], packet].concat()),
                "vxlan" => {
                    let body = [&[8, 0, 0, 0, 0, 0, 42, 0], f.bytes.as_slice()].concat();
                    outer(17, &wire::udp(outer_a, outer_b, &body))
                }
                _ => f.bytes,
            };
            frames.push(Frame { micros: f.micros, interface: n as u32, bytes });
        }
    }
    pcapng(
        &NgExtras { interfaces: &interfaces, names: &[], comment: "The same call on nine kinds of link" },
        &frames,
    )
}

/// Messages that are wrong in one way each, and a good call between them.
pub fn malformed() -> Scene {
    let mut s = Scene::new(46, START);
    let (a, b) = (alice(), bob());
    let base = |id: &str, method: &str| {
        vec![
            ("Via", format!("SIP/2.0/UDP {};branch=z9hG4bK{id}", a.at)),
            ("Max-Forwards", "70".to_owned()),
            ("From", format!("<{}>;tag=f{id}", a.uri())),
            ("To", format!("<{}>", b.uri())),
            ("Call-ID", format!("bad-{id}@contoso.com")),
            ("CSeq", format!("1 {method}")),
        ]
    };
    let send = |s: &mut Scene, first: &str, headers: &[(&str, String)]| {
        let m = message(first, headers, None);
        s.udp(a.at, b.at, 24, &m);
        s.wait(200);
    };
    let line = "OPTIONS sip:bob@contoso.com SIP/2.0";
    let without = |id: &str, name: &str| -> Vec<(&'static str, String)> {
        base(id, "OPTIONS").into_iter().filter(|(n, _)| *n != name).collect()
    };
    send(&mut s, line, &without("no-call-id", "Call-ID"));
    send(&mut s, line, &without("no-cseq", "CSeq"));
    send(&mut s, line, &without("no-via", "Via"));
    send(&mut s, line, &base("cseq-mismatch", "INVITE"));
    send(&mut s, "OPTIONS sip:bob@contoso.com SIP/7.0", &base("version", "OPTIONS"));
    let mut short = message(line, &base("length", "OPTIONS"), None);
    let text = String::from_utf8_lossy(&short).replace("Content-Length: 0", "Content-Length: 9999");
    short = text.into_bytes();
    s.udp(a.at, b.at, 24, &short);
    s.wait(200);
    let mut c = Call::new(&mut s, &a, &b, None);
    c.establish(&mut s, &offer(&a, 29_500, 801), &answer(&b, 39_500, 802), 400);
    c.bye(&mut s);
    s
}

/// Text in every shown field that would take over a terminal if it reached it.
pub fn hostile() -> Scene {
    let mut s = Scene::new(47, START);
    let mut evil = alice();
    evil.display = "Mallory\x1b[2J\x1b]0;owned\x07\u{202e}cba\u{200b}";
    evil.agent = "Phone\x1b[31m/1.0\x08\x08\x08";
    let b = bob();
    let mut c = Call::new(&mut s, &evil, &b, None);
    c.id = "evil\x1b[5m\u{9b}31m-1".to_owned();
    let text = Extra::body("application/sdp", offer(&evil, 29_600, 803))
        .and("Subject", "\x1b]52;c;cm0gLXJmIC8K\x07<script>alert(1)</script>");
    c.request(&mut s, "INVITE", true, &text);
    c.respond(&mut s, 488, "Not\x1b[1A Acceptable", &Extra::header("Warning", "304 evil \"\x1b[41mred\""));
    c.ack_failure(&mut s, 2);
    s
}

/// Each packet of a call twice: on a second interface 12 µs later, as `-i any` and mirror ports give it.
pub fn duplicates() -> Vec<u8> {
    let mut s = Scene::new(48, START);
    let (a, b) = (alice(), bob());
    let mut c = Call::new(&mut s, &a, &b, None);
    c.establish(&mut s, &offer(&a, 29_700, 804), &answer(&b, 39_700, 805), 600);
    c.bye(&mut s);
    let twice: Vec<Frame> = s
        .frames
        .iter()
        .flat_map(|f| [f.clone(), Frame { micros: f.micros + 12, interface: 1, bytes: f.bytes.clone() }])
        .collect();
    pcapng(
        &NgExtras {
            interfaces: &[("eth0", 1), ("br0", 1)],
            names: &[],
            comment: "Two interfaces saw every packet",
        },
        &twice,
    )
}

/// A capture that keeps 320 bytes of a frame: of a call through a proxy some messages end within or before their
/// Call-ID, and of a second call nothing else is there.
pub fn snaplen() -> Vec<u8> {
    let mut s = Scene::new(49, START);
    let (mut a, b, p) = (alice(), bob(), super::proxy());
    let mut c = Call::new(&mut s, &a, &b, Some(&p));
    c.establish(&mut s, &offer(&a, 29_800, 806), &answer(&b, 39_800, 807), 600);
    s.wait(1_000);
    c.bye(&mut s);
    s.wait(1_000);
    a.display = "Alice Arnold, Accounting and Payroll, Building Twelve, Second Floor";
    let mut c = Call::new(&mut s, &a, &b, Some(&p));
    c.request_over(&mut s, "INVITE", true, &Extra::body("application/sdp", offer(&a, 29_802, 808)), 1);
    wire::pcap_cut(1, &s.frames, 320)
}

/// A capture with a record header overwritten in its middle and the last record cut off.
pub fn damaged(whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let mut at = 24;
    let mut starts = Vec::new();
    while at + 16 <= bytes.len() {
        starts.push(at);
        let len = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("four bytes")) as usize;
        at += 16 + len;
    }
    let hit = starts[starts.len() / 2];
    bytes[hit + 8..hit + 16].fill(0xff);
    let cut = starts[starts.len() - 1] + 100;
    bytes.truncate(cut);
    bytes
}
