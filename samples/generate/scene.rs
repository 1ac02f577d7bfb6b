//! Machines that talk: time, addresses, TCP state, SIP messages as real clients lay them out.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::wire::{self, Frame};

/// A small seeded generator (xorshift), so that every run writes the same bytes.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn hex(&mut self, digits: usize) -> String {
        let mut s = String::new();
        while s.len() < digits {
            let _ = write!(s, "{:016x}", self.next());
        }
        s.truncate(digits);
        s
    }
}

/// A SIP end point.
#[derive(Clone)]
pub struct Party {
    pub user: &'static str,
    pub display: &'static str,
    pub domain: &'static str,
    pub at: SocketAddr,
    pub agent: &'static str,
    pub epid: &'static str,
    pub transport: &'static str,
}

impl Party {
    pub fn uri(&self) -> String {
        format!("sip:{}@{}", self.user, self.domain)
    }

    pub fn contact(&self) -> String {
        let transport = if self.transport == "UDP" {
            String::new()
        } else {
            format!(";transport={}", self.transport.to_lowercase())
        };
        format!("<sip:{}@{}{transport}>", self.user, self.at)
    }
}

/// How a message is carried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Carry {
    Udp,
    Tcp,
    Sctp,
}

pub struct Scene {
    pub frames: Vec<Frame>,
    pub random: Random,
    /// Microseconds since the epoch.
    pub now: u64,
    pub tags: Vec<(u16, u16)>,
    ip_id: HashMap<std::net::IpAddr, u16>,
    /// Next sequence number of each direction.
    tcp: HashMap<(SocketAddr, SocketAddr), u32>,
    pub mtu: usize,
    /// DSCP of SIP.
    pub signalling: u8,
    /// Where a machine is seen at: behind a NAT, or by the port that its connection comes from.
    pub seen_at: HashMap<SocketAddr, SocketAddr>,
    /// What goes to such a machine goes where it is seen at, not where it says that it is.
    pub follows: bool,
}

impl Scene {
    pub fn new(seed: u64, start: u64) -> Self {
        Self {
            frames: Vec::new(),
            random: Random::new(seed),
            now: start * 1_000_000,
            tags: Vec::new(),
            ip_id: HashMap::new(),
            tcp: HashMap::new(),
            mtu: 1500,
            signalling: 24,
            seen_at: HashMap::new(),
            follows: true,
        }
    }

    pub fn wait(&mut self, millis: u64) {
        // A little unevenness, as on a real network.
        self.now += millis * 1000 + self.random.next() % 400;
    }

    fn id(&mut self, ip: std::net::IpAddr) -> u16 {
        let id = self.ip_id.entry(ip).or_insert(0x1000);
        *id = id.wrapping_add(1);
        *id
    }

    pub fn frame(&mut self, bytes: Vec<u8>) {
        self.frames.push(Frame { micros: self.now, interface: 0, bytes });
    }

    /// An IP packet between two machines, fragmented where it is larger than the MTU.
    pub fn ip(&mut self, src: SocketAddr, dst: SocketAddr, protocol: u8, dscp: u8, payload: &[u8]) {
        let id = self.id(src.ip());
        let room = (self.mtu - 20) / 8 * 8;
        let tags = self.tags.clone();
        if payload.len() + 20 <= self.mtu || src.is_ipv6() {
            let packet = wire::ip(src.ip(), dst.ip(), protocol, dscp, id, None, payload);
            return self.frame(wire::ethernet(src.ip(), dst.ip(), &tags, &packet));
        }
        let pieces: Vec<&[u8]> = payload.chunks(room).collect();
        for (i, piece) in pieces.iter().enumerate() {
            let fragment = Some((i * room, i + 1 < pieces.len()));
            let packet = wire::ip(src.ip(), dst.ip(), protocol, dscp, id, fragment, piece);
            self.frame(wire::ethernet(src.ip(), dst.ip(), &tags, &packet));
            self.now += 12;
        }
    }

    pub fn udp(&mut self, src: SocketAddr, dst: SocketAddr, dscp: u8, payload: &[u8]) {
        let datagram = wire::udp(src, dst, payload);
        self.ip(src, dst, 17, dscp, &datagram);
    }

    /// Sends the UDP datagram of a frame again `times` times: the first after 500 ms (T1), each pause twice the one
    /// before, up to `longest` ms (T2 of RFC 3261 §17.1.2.2 is 4 s; those of an INVITE only grow).
    pub fn retransmit(&mut self, frame: usize, times: u32, longest: u64) {
        let bytes = self.frames[frame].bytes.clone();
        let end = |at: usize, port: usize| {
            let ip: [u8; 4] = bytes[at..at + 4].try_into().expect("an IPv4 frame without tags");
            SocketAddr::from((ip, u16::from_be_bytes([bytes[port], bytes[port + 1]])))
        };
        let mut pause = 500;
        for _ in 0..times {
            self.wait(pause);
            self.udp(end(26, 34), end(30, 36), bytes[15] >> 2, &bytes[42..]);
            pause = (pause * 2).min(longest);
        }
    }

    /// TCP handshake between two ends that have not spoken yet.
    pub fn connect(&mut self, client: SocketAddr, server: SocketAddr) {
        self.connect_after(client, server, &[]);
    }

    /// The same where the first SYNs are lost: each is sent again so many milliseconds later.
    pub fn connect_after(&mut self, client: SocketAddr, server: SocketAddr, lost: &[u64]) {
        let (a, b) = (self.random.next() as u32, self.random.next() as u32);
        for pause in lost {
            let segment = wire::tcp(client, server, a, 0, 0x02, b"");
            self.ip(client, server, 6, self.signalling, &segment);
            self.wait(*pause);
        }
        for (src, dst, seq, ack, flags) in [
            (client, server, a, 0, 0x02),
            (server, client, b, a.wrapping_add(1), 0x12),
            (client, server, a.wrapping_add(1), b.wrapping_add(1), 0x10),
        ] {
            let segment = wire::tcp(src, dst, seq, ack, flags, b"");
            self.ip(src, dst, 6, self.signalling, &segment);
            self.now += 300;
        }
        self.tcp.insert((client, server), a.wrapping_add(1));
        self.tcp.insert((server, client), b.wrapping_add(1));
    }

    /// The next bytes of a connection as one segment.
    pub fn segment(&mut self, src: SocketAddr, dst: SocketAddr, payload: &[u8]) {
        self.marked_segment(src, dst, self.signalling, payload);
    }

    pub fn marked_segment(&mut self, src: SocketAddr, dst: SocketAddr, dscp: u8, payload: &[u8]) {
        let ack = self.tcp.get(&(dst, src)).copied().unwrap_or(0);
        let seq = self.tcp.entry((src, dst)).or_insert(1);
        let segment = wire::tcp(src, dst, *seq, ack, 0x18, payload);
        *seq = seq.wrapping_add(payload.len() as u32);
        self.ip(src, dst, 6, dscp, &segment);
        self.now += 40;
    }

    pub fn fin(&mut self, src: SocketAddr, dst: SocketAddr, flags: u8) {
        let ack = self.tcp.get(&(dst, src)).copied().unwrap_or(0);
        let seq = self.tcp.entry((src, dst)).or_insert(1);
        let segment = wire::tcp(src, dst, *seq, ack, flags, b"");
        *seq = seq.wrapping_add(1);
        self.ip(src, dst, 6, self.signalling, &segment);
        self.now += 40;
    }

    /// The address of a machine that is seen at another one than its own.
    pub fn public(&self, own: SocketAddr) -> Option<SocketAddr> {
        self.seen_at.get(&own).copied()
    }

    /// The datagram of an earlier frame once more (Ethernet, IPv4, UDP).
    pub fn repeat(&mut self, frame: usize) {
        let bytes = self.frames[frame].bytes.clone();
        let end = |ip: usize, port: usize| {
            let ip: [u8; 4] = bytes[ip..ip + 4].try_into().expect("four bytes");
            SocketAddr::from((ip, u16::from_be_bytes([bytes[port], bytes[port + 1]])))
        };
        self.udp(end(26, 34), end(30, 36), self.signalling, &bytes[42..]);
    }

    /// A SIP message by `carry`; over TCP cut into segments of the MTU.
    pub fn send(&mut self, src: SocketAddr, dst: SocketAddr, carry: Carry, message: &[u8]) {
        let src = self.public(src).unwrap_or(src);
        let dst = self.public(dst).filter(|_| self.follows).unwrap_or(dst);
        match carry {
            Carry::Udp => self.udp(src, dst, self.signalling, message),
            Carry::Tcp => {
                if !self.tcp.contains_key(&(src, dst)) {
                    self.connect(src, dst);
                }
                let room = self.mtu - 40;
                for piece in message.chunks(room) {
                    self.segment(src, dst, piece);
                }
            }
            Carry::Sctp => {
                let tsn = *self.tcp.entry((src, dst)).and_modify(|t| *t += 1).or_insert(1);
                let packet = wire::sctp(src, dst, tsn, message);
                self.ip(src, dst, 132, self.signalling, &packet);
            }
        }
    }

    /// `count` RTP packets of 20 ms G.711 each way, interleaved.
    pub fn rtp(&mut self, a: SocketAddr, b: SocketAddr, count: u16, both: bool) {
        let ssrc = [self.random.next() as u32, self.random.next() as u32];
        let start = [self.random.next() as u16 & 0x7fff, self.random.next() as u16 & 0x7fff];
        for k in 0..count {
            for (i, (src, dst)) in [(a, b), (b, a)].into_iter().enumerate() {
                if i == 1 && !both {
                    continue;
                }
                let mut r = vec![0x80, 0];
                r.extend((start[i].wrapping_add(k)).to_be_bytes());
                r.extend((u32::from(k) * 160).to_be_bytes());
                r.extend(ssrc[i].to_be_bytes());
                r.extend([0xd5; 160]);
                self.udp(src, dst, 46, &r);
                self.now += 700;
            }
            self.now += 18_600 - u64::from(both) * 700;
        }
    }
}

/// Headers and body to a message; Content-Length is added.
pub fn message(first: &str, headers: &[(&str, String)], body: Option<(&str, &str)>) -> Vec<u8> {
    let mut m = format!("{first}\r\n");
    for (name, value) in headers {
        let _ = write!(m, "{name}: {value}\r\n");
    }
    let (kind, text) = body.unwrap_or(("", ""));
    if !kind.is_empty() {
        let _ = write!(m, "Content-Type: {kind}\r\n");
    }
    let _ = write!(m, "Content-Length: {}\r\n\r\n{text}", text.len());
    m.into_bytes()
}

/// An SDP offer or answer of one audio section.
pub fn sdp(owner: &str, session: u64, version: u32, at: SocketAddr, formats: &str, more: &str) -> String {
    let family = if at.is_ipv6() { "IP6" } else { "IP4" };
    let mut s = format!(
        "v=0\r\no={owner} {session} {version} IN {family} {ip}\r\ns=session\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n",
        ip = at.ip(),
        port = at.port()
    );
    for format in formats.split(' ') {
        let map = match format {
            "0" => "PCMU/8000",
            "8" => "PCMA/8000",
            "101" => "telephone-event/8000",
            "111" => "SIREN/16000",
            "114" => "x-msrta/16000",
            "9" => "G722/8000",
            "4" => "G723/8000",
            "13" => "CN/8000",
            "18" => "G729/8000",
            "97" => "RED/8000",
            "109" => "opus/48000/2",
            "115" => "x-msrta/8000",
            _ => continue,
        };
        let _ = write!(s, "a=rtpmap:{format} {map}\r\n");
    }
    if formats.contains("101") {
        s.push_str("a=fmtp:101 0-16\r\n");
    }
    s.push_str(more);
    s
}
