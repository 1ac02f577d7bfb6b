//! What goes on a media flow beside RTP: DTLS handshakes, ZRTP, and the fax that takes its place.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::scene::Random;

fn noise(random: &mut Random, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|_| random.next() as u8).collect()
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = vec![tag];
    match body.len() {
        short @ 0..=127 => out.push(short as u8),
        long @ 128..=255 => out.extend([0x81, long as u8]),
        long => out.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    out.extend(body);
    out
}

/// A self-signed certificate as browsers make them for one session; its signature is no real one.
pub fn certificate(random: &mut Random) -> Vec<u8> {
    let by_ecdsa = der(0x30, &[&der(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]])]);
    let name =
        der(0x30, &[&der(0x31, &[&der(0x30, &[&der(6, &[&[0x55, 4, 3]]), &der(0x0c, &[b"WebRTC"])])])]);
    let validity = der(0x30, &[&der(0x17, &[b"090421140211Z"]), &der(0x17, &[b"090522140211Z"])]);
    let curve = der(
        0x30,
        &[
            &der(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]]),
            &der(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]]),
        ],
    );
    let key = der(0x30, &[&curve, &der(3, &[&[0, 4], &noise(random, 64)])]);
    let mut serial = noise(random, 8);
    serial[0] &= 0x7f;
    serial[0] |= 1;
    let version = der(0xa0, &[&der(2, &[&[2]])]);
    let signed = der(0x30, &[&version, &der(2, &[&serial]), &by_ecdsa, &name, &validity, &name, &key]);
    der(0x30, &[&signed, &by_ecdsa, &der(3, &[&[0], &signature(random)])])
}

fn signature(random: &mut Random) -> Vec<u8> {
    let mut half = || {
        let mut n = noise(random, 32);
        n[0] = n[0] & 0x7f | 1;
        der(2, &[&n])
    };
    let (r, s) = (half(), half());
    der(0x30, &[&r, &s])
}

/// `a=fingerprint` of a certificate.
pub fn fingerprint(certificate: &[u8]) -> String {
    let mut text = "a=fingerprint:sha-256".to_owned();
    for (n, byte) in Sha256::digest(certificate).iter().enumerate() {
        let _ = write!(text, "{}{byte:02X}", if n == 0 { ' ' } else { ':' });
    }
    text + "\r\n"
}

/// One end of a DTLS 1.2 handshake.
#[derive(Default)]
pub struct Dtls {
    epoch: u16,
    record: u64,
    message: u16,
}

impl Dtls {
    fn record(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut r = vec![kind, 0xfe, 0xfd];
        r.extend(self.epoch.to_be_bytes());
        r.extend(&self.record.to_be_bytes()[2..]);
        r.extend((body.len() as u16).to_be_bytes());
        r.extend_from_slice(body);
        self.record += 1;
        r
    }

    fn handshake(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let length = &(body.len() as u32).to_be_bytes()[1..];
        let mut m = vec![kind];
        m.extend(length);
        m.extend(self.message.to_be_bytes());
        m.extend([0, 0, 0]);
        m.extend(length);
        m.extend_from_slice(body);
        self.message += 1;
        self.record(22, &m)
    }

    fn extensions(list: &[(u16, &[u8])]) -> Vec<u8> {
        let mut all = Vec::new();
        for (kind, value) in list {
            all.extend(kind.to_be_bytes());
            all.extend((value.len() as u16).to_be_bytes());
            all.extend_from_slice(value);
        }
        [&(all.len() as u16).to_be_bytes()[..], &all].concat()
    }

    pub fn client_hello(&mut self, random: &mut Random) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend(noise(random, 32));
        body.extend([0, 0, 0, 6, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x0a, 1, 0]);
        body.extend(Self::extensions(&[
            (23, &[]),
            (10, &[0, 4, 0, 0x1d, 0, 0x17]),
            (11, &[1, 0]),
            (13, &[0, 4, 4, 3, 8, 4]),
            // use_srtp (RFC 5764): AES128_CM_SHA1_80, AES128_CM_SHA1_32, no MKI.
            (14, &[0, 4, 0, 1, 0, 2, 0]),
        ]));
        self.handshake(1, &body)
    }

    /// ServerHello up to ServerHelloDone in one datagram.
    pub fn server_flight(&mut self, random: &mut Random, certificate: &[u8]) -> Vec<u8> {
        let mut hello = vec![0xfe, 0xfd];
        hello.extend(noise(random, 32));
        hello.extend([0, 0xc0, 0x2b, 0]);
        hello.extend(Self::extensions(&[(23, &[]), (11, &[1, 0]), (14, &[0, 2, 0, 1, 0])]));
        let signed = signature(random);
        let mut exchange = vec![3, 0, 0x17, 65, 4];
        exchange.extend(noise(random, 64));
        exchange.extend([4, 3]);
        exchange.extend((signed.len() as u16).to_be_bytes());
        exchange.extend(signed);
        [
            self.handshake(2, &hello),
            self.handshake(11, &chain(certificate)),
            self.handshake(12, &exchange),
            self.handshake(13, &[1, 64, 0, 2, 4, 3, 0, 0]),
            self.handshake(14, &[]),
        ]
        .concat()
    }

    /// Certificate up to Finished, which is encrypted.
    pub fn client_flight(&mut self, random: &mut Random, certificate: &[u8]) -> Vec<u8> {
        let mut exchange = vec![65, 4];
        exchange.extend(noise(random, 64));
        let signed = signature(random);
        let verify = [&[4, 3][..], &(signed.len() as u16).to_be_bytes(), &signed].concat();
        [
            self.handshake(11, &chain(certificate)),
            self.handshake(16, &exchange),
            self.handshake(15, &verify),
            self.finish(random),
        ]
        .concat()
    }

    pub fn finish(&mut self, random: &mut Random) -> Vec<u8> {
        let change = self.record(20, &[1]);
        (self.epoch, self.record) = (1, 0);
        [change, self.record(22, &noise(random, 48))].concat()
    }

    pub fn alert(&mut self, level: u8, description: u8) -> Vec<u8> {
        self.record(21, &[level, description])
    }
}

fn chain(certificate: &[u8]) -> Vec<u8> {
    let length = |n: usize| (n as u32).to_be_bytes()[1..].to_vec();
    [length(certificate.len() + 3), length(certificate.len()), certificate.to_vec()].concat()
}

/// CRC-32C, sent least significant byte first (RFC 6189 §5).
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
        crc
    })
}

/// A ZRTP packet of a message of whole words.
pub fn zrtp(sequence: u16, ssrc: u32, kind: &[u8; 8], body: &[u8]) -> Vec<u8> {
    let mut p = vec![0x10, 0];
    p.extend(sequence.to_be_bytes());
    p.extend(b"ZRTP");
    p.extend(ssrc.to_be_bytes());
    p.extend([0x50, 0x5a]);
    p.extend((3 + body.len() as u16 / 4).to_be_bytes());
    p.extend(kind);
    p.extend_from_slice(body);
    let sum = crc32c(&p);
    p.extend(sum.to_le_bytes());
    p
}

/// The body of Hello (RFC 6189 §5.2) without options: version, client, hash image, ZID, counts, MAC.
pub fn zrtp_hello(random: &mut Random) -> Vec<u8> {
    let mut body = b"1.10Fabrikam Phone 4".to_vec();
    body.extend(noise(random, 32 + 12));
    body.extend([0, 0, 0, 0]);
    body.extend(noise(random, 8));
    body
}

/// UDPTL (T.38): one primary IFP packet, no redundant ones. `primary` is the IFP in PER.
pub fn udptl(sequence: u16, primary: &[u8]) -> Vec<u8> {
    let mut p = sequence.to_be_bytes().to_vec();
    p.push(primary.len() as u8);
    p.extend_from_slice(primary);
    p.extend([0, 0]);
    p
}
