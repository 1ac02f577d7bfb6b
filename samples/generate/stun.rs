//! STUN and TURN messages byte by byte, in the dialects of RFC 8489 and of Microsoft's clients.

use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use md5::Digest;
use sha1::Sha1;

use crate::scene::{Random, Scene};

pub const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// What the HMAC of MESSAGE-INTEGRITY is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// RFC 8489: the header's length ends with the attribute.
    Rfc,
    /// [MS-TURN] and [MS-ICE]: the same, zeros up to a multiple of 64 bytes.
    Padded,
    /// [MS-ICE2]: the length counts FINGERPRINT too, zeros up to a multiple of 64 bytes.
    MsIce2,
}

pub struct Stun {
    bytes: Vec<u8>,
    padded: bool,
}

impl Stun {
    pub fn new(kind: u16, id: [u8; 16]) -> Self {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(id);
        Self { bytes, padded: true }
    }

    /// [MS-TURN]: its cookie attribute first, and no padding.
    pub fn turn(kind: u16, id: [u8; 16]) -> Self {
        let mut message = Self::new(kind, id);
        message.padded = false;
        message.attribute(0x000f, &[0x72, 0xc6, 0x4b, 0xc6])
    }

    fn id(&self) -> [u8; 16] {
        self.bytes[4..20].try_into().expect("sixteen bytes")
    }

    fn tell(&mut self, beyond: usize) {
        let length = (self.bytes.len() - 20 + beyond) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend((value.len() as u16).to_be_bytes());
        self.bytes.extend_from_slice(value);
        if self.padded {
            self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        }
        self.tell(0);
        self
    }

    pub fn address(self, kind: u16, at: SocketAddr) -> Self {
        let value = address(at, &[0; 16]);
        self.attribute(kind, &value)
    }

    /// XOR with the transaction id ([MS-TURN]), which begins with the cookie in the RFC's messages.
    pub fn xor(self, kind: u16, at: SocketAddr) -> Self {
        let value = address(at, &self.id());
        self.attribute(kind, &value)
    }

    pub fn error(self, code: u16, reason: &str) -> Self {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend_from_slice(reason.as_bytes());
        self.attribute(0x0009, &value)
    }

    pub fn integrity(mut self, key: &[u8], rule: Rule) -> Self {
        self.tell(if rule == Rule::MsIce2 { 32 } else { 24 });
        let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("any length of key");
        mac.update(&self.bytes);
        if rule != Rule::Rfc {
            mac.update(&vec![0; self.bytes.len().next_multiple_of(64) - self.bytes.len()]);
        }
        let sum = mac.finalize().into_bytes();
        self.attribute(0x0008, &sum)
    }

    pub fn fingerprint(mut self) -> Vec<u8> {
        self.tell(8);
        let sum = crc32(&self.bytes) ^ 0x5354_554e;
        self.attribute(0x8028, &sum.to_be_bytes()).done()
    }

    pub fn done(self) -> Vec<u8> {
        self.bytes
    }
}

fn address(at: SocketAddr, mask: &[u8; 16]) -> Vec<u8> {
    let mut value = vec![0, if at.is_ipv4() { 1 } else { 2 }];
    value.extend((at.port() ^ u16::from_be_bytes([mask[0], mask[1]])).to_be_bytes());
    let octets = match at {
        SocketAddr::V4(a) => a.ip().octets().to_vec(),
        SocketAddr::V6(a) => a.ip().octets().to_vec(),
    };
    value.extend(octets.iter().zip(mask).map(|(o, m)| o ^ m));
    value
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
        crc
    })
}

/// A transaction id that begins with the cookie.
pub fn id(random: &mut Random) -> [u8; 16] {
    let mut id = any_id(random);
    id[..4].copy_from_slice(&COOKIE);
    id
}

pub fn any_id(random: &mut Random) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.next().to_be_bytes());
    id[8..].copy_from_slice(&random.next().to_be_bytes());
    id
}

/// Key of long-term credentials.
pub fn long_term(user: &[u8], realm: &str, password: &[u8]) -> Vec<u8> {
    let text = [user, b":", realm.as_bytes(), b":", password].concat();
    md5::Md5::digest(&text).to_vec()
}

/// How a client reaches its relay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Udp,
    /// Framed as the dialect does: Microsoft's two-byte frames, or as RFC 8656 says.
    Tcp,
}

/// A client of a relay, Microsoft's or one of RFC 8656.
#[derive(Clone)]
pub struct Relay {
    pub microsoft: bool,
    pub way: Way,
    pub local: SocketAddr,
    pub server: SocketAddr,
    pub mapped: SocketAddr,
    pub relayed: SocketAddr,
    pub user: &'static str,
    pub realm: &'static str,
    /// DSCP of what the client sends, and of what the server sends.
    pub dscp: (u8, u8),
    key: Vec<u8>,
    nonce: [u8; 8],
    connection: [u8; 20],
    sequence: u32,
}

/// What is asked of a relay that refuses it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Allocate,
    /// Two relayed ports, the even one first, the other kept for later (EVEN-PORT).
    PortPair,
    /// By Refresh; Microsoft's clients allocate again.
    Prolong(u32),
    Permission(SocketAddr),
}

impl Relay {
    #[expect(clippy::too_many_arguments, reason = "the addresses and credentials of an allocation")]
    pub fn new(
        s: &mut Scene,
        microsoft: bool,
        way: Way,
        local: SocketAddr,
        server: SocketAddr,
        mapped: SocketAddr,
        relayed: SocketAddr,
        user: &'static str,
    ) -> Self {
        let realm = if microsoft { "rtcmedia" } else { "example.org" };
        let mut connection = [0; 20];
        connection[..16].copy_from_slice(&any_id(&mut s.random));
        let key = long_term(user.as_bytes(), realm, b"secret");
        let dscp = if way == Way::Udp { (0, 0) } else { (24, 24) };
        Self {
            microsoft,
            way,
            local,
            server,
            mapped,
            relayed,
            user,
            realm,
            dscp,
            key,
            nonce: *b"\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8",
            connection,
            sequence: 0,
        }
    }

    fn rule(&self) -> Rule {
        if self.microsoft { Rule::Padded } else { Rule::Rfc }
    }

    /// Puts a payload on the wire: 2 a message, 3 the peer's data ([MS-TURN] on TCP).
    pub fn wire(&self, s: &mut Scene, up: bool, frame: u8, payload: &[u8]) {
        let (src, dst) = if up { (self.local, self.server) } else { (self.server, self.local) };
        let dscp = if up { self.dscp.0 } else { self.dscp.1 };
        match self.way {
            Way::Udp => s.udp(src, dst, dscp, payload),
            Way::Tcp if self.microsoft => {
                let mut framed = vec![frame, 0];
                framed.extend((payload.len() as u16).to_be_bytes());
                framed.extend_from_slice(payload);
                s.marked_segment(src, dst, dscp, &framed);
            }
            Way::Tcp => s.marked_segment(src, dst, dscp, payload),
        }
    }

    /// The TCP connection, with Microsoft's hello that only looks like TLS.
    pub fn connect(&self, s: &mut Scene) {
        if self.way == Way::Udp {
            return;
        }
        s.connect(self.local, self.server);
        if !self.microsoft {
            return;
        }
        let random = |s: &mut Scene| [any_id(&mut s.random), any_id(&mut s.random)].concat();
        let mut hello = vec![0x16, 3, 1, 0, 0x2d, 1, 0, 0, 0x29, 3, 1];
        hello.extend(random(s));
        hello.extend([0, 0, 2, 0, 0x18, 1, 0]);
        s.segment(self.local, self.server, &hello);
        s.wait(20);
        let mut hello = vec![0x16, 3, 1, 0, 0x4e, 2, 0, 0, 0x46, 3, 1];
        hello.extend(random(s));
        hello.push(0x20);
        hello.extend(random(s));
        hello.extend([0, 0x18, 0, 0x0e, 0, 0, 0]);
        s.segment(self.server, self.local, &hello);
        s.wait(20);
    }

    fn allocate_request(&self, id: [u8; 16]) -> Stun {
        if self.microsoft {
            Stun::turn(0x0003, id).attribute(0x8008, &2u32.to_be_bytes())
        } else {
            Stun::new(0x0003, id).attribute(0x0019, &[17, 0, 0, 0])
        }
    }

    fn authorised(&self, m: Stun) -> Stun {
        let (nonce, realm) = if self.microsoft { (0x0014, 0x0015) } else { (0x0015, 0x0014) };
        m.attribute(0x0006, self.user.as_bytes())
            .attribute(nonce, &self.nonce)
            .attribute(realm, self.realm.as_bytes())
    }

    /// The first round, which never holds credentials: 401.
    pub fn challenged(&self, s: &mut Scene) {
        self.challenged_for(s, None);
    }

    /// The same of a server that names another address than the one that was asked ([MS-TURN] section 2.2.2.7).
    pub fn challenged_for(&self, s: &mut Scene, alternate: Option<SocketAddr>) {
        let id = id(&mut s.random);
        let request = self.allocate_request(id).done();
        self.wire(s, true, 2, &request);
        s.wait(25);
        self.refuse(s, (0x0113, id), (401, "Unauthorized"), alternate, false);
    }

    /// Type and transaction of the answer, and its error. It is `signed` where the server knows the client by then.
    fn refuse(
        &self,
        s: &mut Scene,
        (kind, id): (u16, [u8; 16]),
        (code, reason): (u16, &str),
        alternate: Option<SocketAddr>,
        signed: bool,
    ) {
        let mut m = if self.microsoft { Stun::turn(kind, id) } else { Stun::new(kind, id) };
        m = m.error(code, reason);
        let (nonce_is, realm_is) = if self.microsoft { (0x0014, 0x0015) } else { (0x0015, 0x0014) };
        if matches!(code, 401 | 431 | 438) {
            m = m.attribute(nonce_is, &self.nonce).attribute(realm_is, self.realm.as_bytes());
        }
        if self.microsoft {
            m = m.attribute(0x8008, &2u32.to_be_bytes());
            if let Some(at) = alternate.or((code == 401).then_some(self.server)) {
                m = m.address(0x000e, at);
            }
        } else {
            if let Some(at) = alternate {
                m = m.address(0x8023, at);
            }
            m = m.attribute(0x8022, b"Coturn-4.6.2 'Gorst'");
        }
        let m = if signed { m.integrity(&self.key, self.rule()) } else { m }.done();
        self.wire(s, false, 2, &m);
        s.wait(15);
    }

    /// A request with credentials that is refused.
    pub fn refused(&self, s: &mut Scene, code: u16, reason: &str, alternate: Option<SocketAddr>) {
        let id = id(&mut s.random);
        let wrong = long_term(self.user.as_bytes(), self.realm, b"no longer valid");
        let request = self.authorised(self.allocate_request(id)).integrity(&wrong, self.rule()).done();
        self.wire(s, true, 2, &request);
        s.wait(25);
        self.refuse(s, (0x0113, id), (code, reason), alternate, false);
    }

    /// A request with the credentials as they were given out that is refused all the same, sent `times`, the first ones
    /// lost on the way. Where that is for its nonce (438) the next request has the new one.
    pub fn denied(&mut self, s: &mut Scene, asked: Asked, code: u16, reason: &str, times: u32) {
        let id = id(&mut s.random);
        let (kind, m) = match asked {
            Asked::Allocate => (0x0113, self.allocate_request(id)),
            Asked::PortPair => (0x0113, self.allocate_request(id).attribute(0x0018, &[0x80])),
            Asked::Prolong(_) if self.microsoft => (0x0113, self.allocate_request(id)),
            Asked::Prolong(lifetime) => {
                (0x0114, Stun::new(0x0004, id).attribute(0x000d, &lifetime.to_be_bytes()))
            }
            Asked::Permission(peer) => (0x0118, Stun::new(0x0008, id).xor(0x0012, peer)),
        };
        let request = self.authorised(m).integrity(&self.key, self.rule()).done();
        self.repeated(s, &request, times);
        if code == 438 {
            self.nonce = s.random.next().to_be_bytes();
        }
        self.refuse(s, (kind, id), (code, reason), None, !matches!(code, 401 | 438));
    }

    /// A request sent `times` before its answer, which comes soon after the last.
    fn repeated(&self, s: &mut Scene, request: &[u8], times: u32) {
        let mut pause = 500;
        for _ in 1..times {
            self.wire(s, true, 2, request);
            s.wait(pause);
            pause *= 2;
        }
        self.wire(s, true, 2, request);
        s.wait(25);
    }

    /// A request that nothing answers, sent `times`.
    pub fn unheard(&self, s: &mut Scene, times: u32) {
        let id = id(&mut s.random);
        let request = self.allocate_request(id).done();
        self.in_vain(s, &request, times);
    }

    /// The same of a request with credentials.
    pub fn unheard_authorised(&self, s: &mut Scene, times: u32) {
        let id = id(&mut s.random);
        let request = self.authorised(self.allocate_request(id)).integrity(&self.key, self.rule()).done();
        self.in_vain(s, &request, times);
    }

    fn in_vain(&self, s: &mut Scene, request: &[u8], times: u32) {
        let mut pause = 500;
        for _ in 0..times {
            self.wire(s, true, 2, request);
            s.wait(pause);
            pause *= 2;
        }
    }

    /// The round that grants it: the second, or a refresh; a lifetime of 0 gives it back.
    pub fn granted(&self, s: &mut Scene, lifetime: u32, refresh: bool) {
        let id = id(&mut s.random);
        let refresh = refresh && !self.microsoft;
        let mut m = match refresh {
            true => Stun::new(0x0004, id),
            false => self.allocate_request(id),
        };
        if lifetime == 0 || refresh {
            m = m.attribute(0x000d, &lifetime.to_be_bytes());
        }
        let request = self.authorised(m).integrity(&self.key, self.rule()).done();
        self.wire(s, true, 2, &request);
        s.wait(25);
        let kind = if refresh { 0x0104 } else { 0x0103 };
        let answer = if self.microsoft {
            let sequence = [&self.connection[..], &self.sequence.to_be_bytes()].concat();
            Stun::turn(kind, id)
                .address(0x0001, self.relayed)
                .attribute(0x000d, &lifetime.to_be_bytes())
                .xor(0x8020, self.mapped)
                .attribute(0x8050, &sequence)
                .attribute(0x8008, &2u32.to_be_bytes())
        } else {
            let m = Stun::new(kind, id);
            let m = if refresh { m } else { m.xor(0x0016, self.relayed).xor(0x0020, self.mapped) };
            m.attribute(0x000d, &lifetime.to_be_bytes()).attribute(0x8022, b"Coturn-4.6.2 'Gorst'")
        };
        let answer = answer.integrity(&self.key, self.rule()).done();
        self.wire(s, false, 2, &answer);
        s.wait(15);
    }

    /// Both rounds.
    pub fn allocate(&self, s: &mut Scene, lifetime: u32) {
        self.connect(s);
        self.challenged(s);
        self.granted(s, lifetime, false);
    }

    fn own(&mut self, kind: u16, id: [u8; 16]) -> Stun {
        self.sequence += 1;
        let sequence = [&self.connection[..], &self.sequence.to_be_bytes()].concat();
        Stun::turn(kind, id).attribute(0x0006, self.user.as_bytes()).attribute(0x8050, &sequence)
    }

    /// The client sends to a peer.
    pub fn send(&mut self, s: &mut Scene, peer: SocketAddr, data: &[u8]) {
        let id = id(&mut s.random);
        let m = if self.microsoft {
            let m = self.own(0x0004, id).address(0x0011, peer).attribute(0x0013, data);
            m.integrity(&self.key, Rule::Padded).done()
        } else {
            Stun::new(0x0016, id).xor(0x0012, peer).attribute(0x0013, data).done()
        };
        self.wire(s, true, 2, &m);
    }

    /// What a peer sent reaches the client.
    pub fn data(&self, s: &mut Scene, peer: SocketAddr, data: &[u8]) {
        let id = id(&mut s.random);
        let m = if self.microsoft {
            Stun::turn(0x0115, id).address(0x0012, peer).attribute(0x0013, data)
        } else {
            Stun::new(0x0017, id).xor(0x0012, peer).attribute(0x0013, data)
        };
        let m = m.done();
        self.wire(s, false, 2, &m);
    }

    /// Set Active Destination, granted.
    pub fn active(&mut self, s: &mut Scene, peer: SocketAddr) {
        let id = id(&mut s.random);
        let m = self.own(0x0006, id).address(0x0011, peer).integrity(&self.key, Rule::Padded).done();
        self.wire(s, true, 2, &m);
        s.wait(25);
        let m = Stun::turn(0x0106, id).integrity(&self.key, Rule::Padded).done();
        self.wire(s, false, 2, &m);
        s.wait(5);
    }

    /// CreatePermission, or ChannelBind of `channel`; granted.
    pub fn permit(&self, s: &mut Scene, peer: SocketAddr, channel: Option<u16>) {
        let id = id(&mut s.random);
        let (kind, m) = match channel {
            Some(c) => {
                let m = Stun::new(0x0009, id);
                (0x0109, m.attribute(0x000c, &[(c >> 8) as u8, c as u8, 0, 0]))
            }
            None => (0x0108, Stun::new(0x0008, id)),
        };
        let m = self.authorised(m.xor(0x0012, peer)).integrity(&self.key, Rule::Rfc).done();
        self.wire(s, true, 2, &m);
        s.wait(25);
        let m = Stun::new(kind, id).integrity(&self.key, Rule::Rfc).done();
        self.wire(s, false, 2, &m);
        s.wait(5);
    }

    /// ChannelData.
    pub fn channel(&self, s: &mut Scene, up: bool, channel: u16, data: &[u8]) {
        let mut m = channel.to_be_bytes().to_vec();
        m.extend((data.len() as u16).to_be_bytes());
        m.extend_from_slice(data);
        if self.way == Way::Tcp {
            m.resize(m.len().next_multiple_of(4), 0);
        }
        self.wire(s, up, 2, &m);
    }
}
