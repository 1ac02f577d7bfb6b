//! RTCP of one participant: what it sent and what it heard (RFC 3550 §6).

use crate::media::{Carrier, Packet, Session};
use crate::scene::Scene;

/// Who sends RTCP. Its streams are told by their place in the session.
#[derive(Default)]
pub struct Participant {
    pub name: &'static str,
    pub by: Option<Carrier>,
    pub dscp: u8,
    /// The source it reports as where it sends no RTP.
    pub ssrc: u32,
    pub sends: Vec<usize>,
    pub hears: Vec<usize>,
    /// What it has sent though none of it reaches the capture point: SSRC, packets and octets a second.
    pub claims: Option<(u32, u32, u32)>,
    /// How long its RTCP travels up to the capture point, and on from there.
    pub near: u64,
    pub far: u64,
    /// How many microseconds its clock is ahead of the capture's.
    pub ahead: i64,
    pub began: u64,
    pub next: u64,
    pub every: u64,
    /// Encrypted: the bytes of the tag.
    pub tag: usize,
    /// Profile-specific extension behind the report blocks.
    pub extension: Vec<u8>,
    /// Since the last report, for each it hears: expected and received then.
    prior: Vec<(u32, u32, u32)>,
    index: u32,
}

/// What a receiver knows of a source (RFC 3550 A.3, A.8).
#[derive(Default)]
struct Heard {
    first: u32,
    highest: u32,
    received: u32,
    jitter: f64,
    last: Option<(u64, u32)>,
}

fn hear(packets: &[Packet], ssrc: u32, until: u64) -> Option<Heard> {
    let mut all: Vec<(u64, &Packet)> = packets
        .iter()
        .filter(|p| p.ssrc == ssrc)
        .filter_map(|p| Some((p.heard.filter(|t| *t <= until)?, p)))
        .collect();
    all.sort_by_key(|(t, _)| *t);
    let first = u32::from(all.first()?.1.sequence);
    let mut h = Heard { first, highest: first, ..Heard::default() };
    for (time, p) in all {
        h.received += 1;
        let ahead = p.sequence.wrapping_sub(h.highest as u16);
        if ahead < 0x8000 {
            h.highest += u32::from(ahead);
        }
        if let Some((arrival, timestamp)) = h.last {
            let units = (time as f64 - arrival as f64) * f64::from(p.codec.clock) / 1e6;
            let step = f64::from(p.timestamp.wrapping_sub(timestamp) as i32);
            h.jitter += ((units - step).abs() - h.jitter) / 16.0;
        }
        h.last = Some((time, p.timestamp));
    }
    Some(h)
}

fn packet(count: usize, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut p = vec![0x80 | count as u8, kind];
    p.extend((body.len() as u16 / 4).to_be_bytes());
    p.extend_from_slice(body);
    p
}

/// SDES with a CNAME.
pub fn description(ssrc: u32, name: &str) -> Vec<u8> {
    let mut body = ssrc.to_be_bytes().to_vec();
    body.extend([1, name.len() as u8]);
    body.extend_from_slice(name.as_bytes());
    body.push(0);
    body.resize(body.len().next_multiple_of(4), 0);
    packet(1, 202, &body)
}

impl Participant {
    pub fn new(s: &Scene, name: &'static str, by: Carrier, sends: &[usize], hears: &[usize]) -> Self {
        Self {
            name,
            by: Some(by),
            sends: sends.to_vec(),
            hears: hears.to_vec(),
            near: 300,
            far: 9_000,
            began: s.now,
            next: s.now + 2_500_000,
            every: 5_000_000,
            ..Self::default()
        }
    }

    pub fn delays(mut self, near: u64, far: u64) -> Self {
        (self.near, self.far) = (near, far);
        self
    }

    /// Begins to report after `first` ms, then every `every` ms.
    pub fn paced(mut self, first: u64, every: u64) -> Self {
        (self.next, self.every) = (self.began + first * 1_000, every * 1_000);
        self
    }

    pub fn ahead(mut self, micros: i64) -> Self {
        self.ahead = micros;
        self
    }

    fn ntp(&self, now: u64) -> u64 {
        let micros = now.saturating_add_signed(self.ahead);
        ((micros / 1_000_000 + 2_208_988_800) << 32) | (((micros % 1_000_000) << 32) / 1_000_000)
    }

    fn blocks(&mut self, session: &Session) -> (Vec<u8>, Vec<u32>) {
        let now = self.next;
        let (mut out, mut about) = (Vec::new(), Vec::new());
        for n in &self.hears {
            let packets = &session.streams[*n].packets;
            let mut sources: Vec<u32> = packets.iter().map(|p| p.ssrc).collect();
            sources.dedup();
            for ssrc in sources {
                let Some(h) = hear(packets, ssrc, now) else { continue };
                let expected = h.highest - h.first + 1;
                let (was_expected, was_received) = match self.prior.iter_mut().find(|p| p.0 == ssrc) {
                    Some(p) => {
                        let was = (p.1, p.2);
                        (p.1, p.2) = (expected, h.received);
                        was
                    }
                    None => {
                        self.prior.push((ssrc, expected, h.received));
                        (0, 0)
                    }
                };
                let interval = expected - was_expected;
                if h.received == was_received {
                    continue;
                }
                let missing = i64::from(interval) - i64::from(h.received - was_received);
                let fraction = if missing > 0 { (missing << 8) / i64::from(interval.max(1)) } else { 0 };
                let lost = i64::from(expected) - i64::from(h.received);
                let sent = session.reported.iter().rev().find(|(s, _, t)| *s == ssrc && *t <= now);
                let (lsr, delay) = sent.map_or((0, 0), |(_, lsr, t)| (*lsr, ((now - t) << 16) / 1_000_000));
                out.extend(ssrc.to_be_bytes());
                out.extend(((fraction as u32) << 24 | (lost as u32 & 0xff_ffff)).to_be_bytes());
                out.extend(h.highest.to_be_bytes());
                out.extend((h.jitter as u32).to_be_bytes());
                out.extend(lsr.to_be_bytes());
                out.extend((delay as u32).to_be_bytes());
                about.push(ssrc);
            }
        }
        (out, about)
    }

    /// The compound that is due, and the sources it reports on as far as anybody on the way can read.
    pub fn report(&mut self, s: &mut Scene, session: &mut Session) -> (Vec<u8>, Vec<u32>) {
        let now = self.next;
        let (blocks, mut about) = self.blocks(session);
        let mut senders: Vec<(u32, u32, u32, u32)> = Vec::new();
        for n in &self.sends {
            let t = &session.streams[*n];
            let since = now.saturating_sub(2 * self.every);
            let all = || t.packets.iter().filter(|p| p.sent <= now && p.ssrc == t.ssrc && !p.again);
            if let Some(last) = all().next_back().filter(|p| p.sent >= since) {
                let units = (now - last.sent) * u64::from(t.codec.clock) / 1_000_000;
                let octets: usize = all().map(|p| p.octets).sum();
                let stamp = last.timestamp.wrapping_add(units as u32);
                senders.push((t.ssrc, stamp, all().count() as u32, octets as u32));
            }
        }
        if let Some((ssrc, packets, octets)) = self.claims {
            let millis = ((now - self.began) / 1_000) as u32;
            senders.push((ssrc, 7_000 + millis * 8, packets * millis / 1_000, octets * millis / 1_000));
        }
        let own = senders.first().map_or(self.ssrc, |t| t.0);
        let mut compound = Vec::new();
        let count = about.len();
        for (n, (ssrc, stamp, packets, octets)) in senders.iter().enumerate() {
            let ntp = self.ntp(now);
            let mut body = ssrc.to_be_bytes().to_vec();
            body.extend(ntp.to_be_bytes());
            for v in [stamp, packets, octets] {
                body.extend(v.to_be_bytes());
            }
            if n == 0 {
                body.extend(&blocks);
                body.extend(&self.extension);
            }
            compound.extend(packet(if n == 0 { count } else { 0 }, 200, &body));
            session.reported.push((*ssrc, (ntp >> 16) as u32, now + self.near + self.far));
        }
        if senders.is_empty() {
            let body = [&own.to_be_bytes()[..], &blocks, &self.extension].concat();
            compound.extend(packet(count, 201, &body));
        }
        compound.extend(description(own, self.name));
        if self.tag > 0 {
            // The first header and SSRC stay in clear; E and the index follow, then the tag (RFC 3711 §3.4).
            for byte in &mut compound[8..] {
                *byte = s.random.next() as u8;
            }
            self.index += 1;
            compound.extend((0x8000_0000 | self.index).to_be_bytes());
            compound.extend((0..self.tag).map(|_| s.random.next() as u8));
            about.clear();
        }
        (compound, about)
    }
}
