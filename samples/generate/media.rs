//! RTP and RTCP as end points send them: each packet leaves its sender, passes the capture point (or is lost before) and
//! is heard by the receiver (or is lost behind). Who receives reports what it heard, by RFC 3550 A.3 and A.8.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;

use crate::media_rtcp::Participant;
use crate::scene::{Random, Scene};
use crate::stun::Relay;

/// What one packet holds: `bytes` of payload for `millis` of sound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    pub payload_type: u8,
    pub name: &'static str,
    pub clock: u32,
    pub millis: u32,
    pub bytes: usize,
}

const fn codec(payload_type: u8, name: &'static str, clock: u32, millis: u32, bytes: usize) -> Codec {
    Codec { payload_type, name, clock, millis, bytes }
}

pub const PCMU: Codec = codec(0, "PCMU", 8_000, 20, 160);
pub const G723: Codec = codec(4, "G723", 8_000, 30, 24);
/// Its RTP clock is 8000 Hz whatever it samples at (RFC 3551 §4.5.2).
pub const G722: Codec = codec(9, "G722", 8_000, 20, 160);
pub const COMFORT_NOISE: Codec = codec(13, "CN", 8_000, 20, 1);
pub const G729: Codec = codec(18, "G729", 8_000, 20, 20);
pub const RED: Codec = codec(97, "RED", 8_000, 20, 59);
pub const ILBC: Codec = codec(97, "iLBC", 8_000, 20, 38);
pub const DIGITS: Codec = codec(101, "telephone-event", 8_000, 20, 4);
pub const OPUS: Codec = codec(109, "opus", 48_000, 20, 70);
pub const VP8: Codec = codec(96, "VP8", 90_000, 100, 360);
pub const RTAUDIO: Codec = codec(114, "x-msrta", 16_000, 20, 62);
pub const RTVIDEO: Codec = codec(121, "x-rtvc1", 90_000, 100, 310);

impl Codec {
    pub fn step(self) -> u32 {
        self.clock / 1_000 * self.millis
    }

    /// Twice as much sound in a packet.
    pub fn doubled(self) -> Self {
        self.times(2)
    }

    /// So many times as much sound in a packet.
    pub const fn times(self, n: u32) -> Self {
        Self { millis: self.millis * n, bytes: self.bytes * n as usize, ..self }
    }

    /// The same by another number.
    pub const fn numbered(self, payload_type: u8) -> Self {
        Self { payload_type, ..self }
    }
}

/// What a packet travels in at the capture point; relays by their place in the scene's list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    Straight(SocketAddr, SocketAddr),
    /// Send or Data, to or from a peer.
    Wrapped {
        relay: usize,
        up: bool,
        peer: SocketAddr,
    },
    /// To or from the active destination.
    Active {
        relay: usize,
        up: bool,
    },
    Channel {
        relay: usize,
        up: bool,
        channel: u16,
    },
}

impl Carrier {
    pub fn send(self, s: &mut Scene, relays: &mut [Relay], dscp: u8, packet: &[u8]) {
        match self {
            Self::Straight(src, dst) => s.udp(src, dst, dscp, packet),
            Self::Wrapped { relay, up: true, peer } => relays[relay].send(s, peer, packet),
            Self::Wrapped { relay, peer, .. } => relays[relay].data(s, peer, packet),
            Self::Active { relay, up } => relays[relay].wire(s, up, 3, packet),
            Self::Channel { relay, up, channel } => relays[relay].channel(s, up, channel, packet),
        }
    }

    /// Source and destination on the wire.
    fn ends(self, relays: &[Relay]) -> (SocketAddr, SocketAddr) {
        let (relay, up) = match self {
            Self::Straight(src, dst) => return (src, dst),
            Self::Wrapped { relay, up, .. } | Self::Active { relay, up } => (relay, up),
            Self::Channel { relay, up, .. } => (relay, up),
        };
        let r = &relays[relay];
        if up { (r.local, r.server) } else { (r.server, r.local) }
    }
}

/// A packet of RTP. Times are microseconds since the epoch.
#[derive(Clone)]
pub struct Packet {
    pub sent: u64,
    /// When it passes the capture point; never where it was lost before.
    pub seen: Option<u64>,
    /// When its receiver has it.
    pub heard: Option<u64>,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub codec: Codec,
    pub octets: usize,
    bytes: Vec<u8>,
    by: Carrier,
    dscp: u8,
    /// The network's copy of another one.
    pub again: bool,
}

/// One direction of one source.
pub struct Stream {
    pub ssrc: u32,
    pub codec: Codec,
    pub by: Carrier,
    pub dscp: u8,
    /// Bytes of authentication behind the encrypted payload of SRTP; 0 where it is in clear.
    pub tag: usize,
    /// Encrypted without a tag.
    pub untagged: bool,
    pub contributors: Vec<u32>,
    /// What keys are sent as.
    pub keys: Codec,
    /// Profile and words of a header extension.
    pub extension: Option<(u16, Vec<u8>)>,
    pub sequence: u16,
    pub timestamp: u32,
    /// How long a packet travels up to the capture point, and on from there.
    pub near: u64,
    pub far: u64,
    /// When the next packet is due.
    pub cursor: u64,
    /// It begins a talkspurt.
    fresh: bool,
    pub packets: Vec<Packet>,
    told: usize,
}

impl Stream {
    pub fn new(s: &mut Scene, codec: Codec, by: Carrier, dscp: u8) -> Self {
        Self {
            ssrc: s.random.next() as u32,
            codec,
            by,
            dscp,
            tag: 0,
            untagged: false,
            contributors: Vec::new(),
            keys: DIGITS,
            extension: None,
            sequence: s.random.next() as u16 & 0x3fff,
            timestamp: s.random.next() as u32,
            near: 300,
            far: 9_000,
            cursor: s.now,
            fresh: true,
            packets: Vec::new(),
            told: 0,
        }
    }

    pub fn delays(mut self, near: u64, far: u64) -> Self {
        (self.near, self.far) = (near, far);
        self
    }

    pub fn protected(mut self) -> Self {
        self.tag = 10;
        self
    }

    fn put(&mut self, codec: Codec, marker: bool, payload: &[u8]) {
        let mut b = vec![0x80 | self.contributors.len() as u8, codec.payload_type | u8::from(marker) << 7];
        b.extend(self.sequence.to_be_bytes());
        b.extend(self.timestamp.to_be_bytes());
        b.extend(self.ssrc.to_be_bytes());
        for c in &self.contributors {
            b.extend(c.to_be_bytes());
        }
        if let Some((profile, words)) = &self.extension {
            b[0] |= 0x10;
            b.extend(profile.to_be_bytes());
            b.extend((words.len() as u16 / 4).to_be_bytes());
            b.extend_from_slice(words);
        }
        b.extend_from_slice(payload);
        self.packets.push(Packet {
            sent: self.cursor,
            seen: Some(self.cursor + self.near),
            heard: Some(self.cursor + self.near + self.far),
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            codec,
            octets: payload.len(),
            bytes: b,
            by: self.by,
            dscp: self.dscp,
            again: false,
        });
        self.sequence = self.sequence.wrapping_add(1);
        self.fresh = false;
    }

    fn payload(&self, random: &mut Random, bytes: usize) -> Vec<u8> {
        // G.711 in clear is near silence, all else looks like noise.
        if self.codec == PCMU && self.tag == 0 {
            return (0..bytes).map(|_| 0xf8 | random.next() as u8 & 0x87).collect();
        }
        let mut noise: Vec<u8> = (0..bytes + self.tag).map(|_| random.next() as u8).collect();
        if self.codec == OPUS && self.tag == 0 {
            // One frame of 20 ms, mono (RFC 6716 §3.1).
            noise[0] = 0x78;
        }
        noise
    }

    fn advance(&mut self, millis: u32) {
        self.cursor += u64::from(millis) * 1_000;
        self.timestamp = self.timestamp.wrapping_add(self.codec.clock / 1_000 * millis);
    }

    /// `count` packets of the codec.
    pub fn talk(&mut self, random: &mut Random, count: usize) {
        for _ in 0..count {
            let payload = self.payload(random, self.codec.bytes);
            // A talkspurt's first packet is marked (RFC 3551 §4.1).
            self.put(self.codec, self.fresh, &payload);
            self.advance(self.codec.millis);
        }
    }

    /// The same where each packet also holds the one before (RFC 2198).
    pub fn talk_redundant(&mut self, random: &mut Random, count: usize, primary: u8) {
        let mut before = vec![0x55; 27];
        for _ in 0..count {
            let now: Vec<u8> = (0..27).map(|_| random.next() as u8).collect();
            let word = (self.codec.step() << 10) | before.len() as u32;
            let mut payload = vec![0x80 | primary];
            payload.extend(&word.to_be_bytes()[1..]);
            payload.push(primary);
            payload.extend(&before);
            payload.extend(&now);
            self.put(self.codec, self.fresh, &payload);
            self.advance(self.codec.millis);
            before = now;
        }
    }

    /// Frames of video, each in `pieces` packets of one timestamp, the last marked; `head` begins each payload.
    pub fn show(
        &mut self,
        random: &mut Random,
        frames: usize,
        pieces: usize,
        head: impl Fn(usize, usize) -> Vec<u8>,
    ) {
        for frame in 0..frames {
            for piece in 0..pieces {
                let mut payload = head(frame, piece);
                payload.extend(self.payload(random, self.codec.bytes));
                self.put(self.codec, piece + 1 == pieces, &payload);
                // The pieces leave one behind the other.
                self.cursor += 300;
            }
            self.cursor -= 300 * pieces as u64;
            self.advance(self.codec.millis);
        }
    }

    /// Nothing is sent but one packet of comfort noise (RFC 3389) now; timestamps go on.
    pub fn silence(&mut self, millis: u32) {
        self.put(COMFORT_NOISE, false, &[0x4e]);
        self.rest(millis);
    }

    /// Nothing at all is sent; timestamps go on.
    pub fn rest(&mut self, millis: u32) {
        self.advance(millis);
        self.fresh = true;
    }

    /// Who listens: every `millis` the two bytes by which G.729 (Annex B) describes the noise of the room.
    pub fn listen(&mut self, random: &mut Random, count: usize, millis: u32) {
        for _ in 0..count {
            let noise = random.next() as u16;
            self.put(self.codec, false, &noise.to_be_bytes());
            self.rest(millis);
        }
    }

    /// Nothing is sent, and timestamps stand still too.
    pub fn stand(&mut self, millis: u32) {
        self.stand_until(self.cursor + u64::from(millis) * 1_000);
    }

    /// The same up to `now`.
    pub fn stand_until(&mut self, now: u64) {
        self.cursor = self.cursor.max(now);
        self.fresh = true;
    }

    /// Goes on at `now`.
    pub fn resume(&mut self, now: u64) {
        let idle = now.saturating_sub(self.cursor) / 1_000;
        if idle > 0 {
            self.rest(idle as u32);
        }
    }

    /// A key of 100 ms (RFC 4733): five reports, then the end three times.
    pub fn digit(&mut self, key: char) {
        let event = match key {
            '*' => 10,
            '#' => 11,
            other => other.to_digit(10).expect("a key") as u8,
        };
        let begun = self.timestamp;
        for n in 1..=7u16 {
            let (end, units) = (n >= 5, n.min(5) * 160);
            self.put(
                self.keys,
                n == 1,
                &[event, if end { 0x8a } else { 0x0a }, (units >> 8) as u8, units as u8],
            );
            if end {
                self.cursor += 50;
            } else {
                self.cursor += 20_000;
            }
        }
        self.cursor += 19_850;
        self.timestamp = begun.wrapping_add(5 * 160);
        self.rest(60);
    }

    fn due(&self, index: usize) -> u64 {
        self.packets[index].seen.expect("not lost yet")
    }

    /// Never reaches the capture point.
    pub fn lose(&mut self, index: usize) {
        (self.packets[index].seen, self.packets[index].heard) = (None, None);
    }

    /// Is seen, never heard.
    pub fn lose_behind(&mut self, index: usize) {
        self.packets[index].heard = None;
    }

    /// Is heard, and missed by who captures.
    pub fn miss(&mut self, index: usize) {
        self.packets[index].seen = None;
    }

    /// Those of a range hang before the capture point until the one behind it comes, and pass one after the other.
    pub fn hang(&mut self, range: Range<usize>) {
        let free = self.due(range.end);
        for (n, index) in range.enumerate() {
            let p = &mut self.packets[index];
            p.seen = Some(free - 2_000 + 60 * n as u64);
            p.heard = p.seen.map(|t| t + self.far);
        }
    }

    /// Packets wait for the next beacon of an access point, every so many microseconds, and then pass one after the other.
    pub fn beacons(&mut self, every: u64) {
        for p in &mut self.packets {
            p.seen = p.seen.map(|t| t.next_multiple_of(every));
            p.heard = p.seen.map(|t| t + self.far);
        }
    }

    /// Overtaken by the next one.
    pub fn late(&mut self, index: usize) {
        let after = self.due(index + 1);
        for (now, plus) in [(index, 400), (index + 1, 0)] {
            self.packets[now].seen = Some(after + plus);
            self.packets[now].heard = Some(after + plus + self.far);
        }
    }

    /// The network delivers it twice: another IP packet with the same bytes.
    pub fn double(&mut self, index: usize) {
        let mut copy = self.packets[index].clone();
        copy.seen = copy.seen.map(|t| t + 350);
        copy.heard = copy.heard.map(|t| t + 350);
        copy.again = true;
        self.packets.push(copy);
    }

    /// Every packet waits in a queue before the capture point, as |gauss(0, `micros`)| has it; none overtakes another.
    pub fn queue(&mut self, random: &mut Random, micros: u64) {
        let mut last = 0;
        for p in &mut self.packets[self.told..] {
            // Twelve uniform numbers make a normal one, on every machine the same.
            let sum: i64 = (0..12).map(|_| (random.next() & 0xffff) as i64).sum();
            let wait = (sum - 6 * 0xffff).unsigned_abs() * micros / 0xffff;
            if let Some(seen) = &mut p.seen {
                *seen = (*seen + wait).max(last + 150);
                last = *seen;
                p.heard = p.heard.map(|_| last + self.far);
            }
        }
    }
}

/// The streams of a call and who reports on them.
#[derive(Default)]
pub struct Session {
    pub streams: Vec<Stream>,
    pub parties: Vec<Participant>,
    /// SSRC, middle of the NTP time and when heard, of every sender report.
    pub reported: Vec<(u32, u32, u64)>,
    /// The source that each report block was about.
    blocks: Vec<u32>,
}

impl Session {
    pub fn new(streams: Vec<Stream>, parties: Vec<Participant>) -> Self {
        Self { streams, parties, ..Self::default() }
    }

    /// Puts on the wire what was sent up to now, and the RTCP of that time.
    pub fn play(&mut self, s: &mut Scene, relays: &mut [Relay]) {
        let until = self.streams.iter().map(|t| t.cursor).max().unwrap_or(s.now).max(s.now);
        let mut wire: Vec<(u64, Carrier, u8, Vec<u8>)> = Vec::new();
        for t in &mut self.streams {
            for p in &t.packets[t.told..] {
                if let Some(seen) = p.seen {
                    wire.push((seen, p.by, p.dscp, p.bytes.clone()));
                }
            }
            t.told = t.packets.len();
        }
        while let Some(n) = (0..self.parties.len())
            .filter(|n| self.parties[*n].next < until)
            .min_by_key(|n| self.parties[*n].next)
        {
            let mut party = std::mem::take(&mut self.parties[n]);
            let (compound, about) = party.report(s, self);
            self.blocks.extend(about);
            wire.push((party.next + party.near, party.by.expect("a way"), party.dscp, compound));
            party.next += party.every;
            self.parties[n] = party;
        }
        // The order in which they were made is kept among those of one time.
        wire.sort_by_key(|(time, ..)| *time);
        for (time, by, dscp, packet) in wire {
            s.now = time;
            by.send(s, relays, dscp, &packet);
        }
        s.now = s.now.max(until);
    }

    /// All are idle until now.
    pub fn resume(&mut self, s: &Scene) {
        for t in &mut self.streams {
            t.resume(s.now);
        }
    }

    /// Says what was done to each stream, as the manifest writes it. `call`: number of the call and kind of media.
    pub fn tell(&self, file: &str, call: &str, relays: &[Relay]) {
        let mut rows: BTreeMap<_, Vec<&Packet>> = BTreeMap::new();
        for (n, t) in self.streams.iter().enumerate() {
            for p in &t.packets {
                let ends = p.by.ends(relays);
                rows.entry((n, ends.0, ends.1, p.ssrc)).or_default().push(p);
            }
        }
        for ((n, src, dst, ssrc), sent) in rows {
            let reports = self.blocks.iter().filter(|b| **b == ssrc).count();
            println!("{file}: {}", line(&self.streams[n], (src, dst), &sent, call, reports));
        }
    }
}

/// One row, out of what was done to the packets and not out of what a reader would find.
fn line(
    t: &Stream,
    (src, dst): (SocketAddr, SocketAddr),
    sent: &[&Packet],
    call: &str,
    reports: usize,
) -> String {
    let mut seen: Vec<(u64, usize, &Packet)> =
        sent.iter().enumerate().filter_map(|(n, p)| Some((p.seen?, n, *p))).collect();
    seen.sort_by_key(|(time, n, _)| (*time, *n));
    let twice = seen.iter().filter(|(.., p)| p.again).count();
    // What was sent from the first to the last that was seen, each once.
    let first = seen.iter().map(|(_, n, _)| *n).min().unwrap_or(0);
    let last = seen.iter().filter(|(.., p)| !p.again).map(|(_, n, _)| *n).max().unwrap_or(0);
    let expected = sent[first..=last].iter().filter(|p| !p.again).count();
    let mut late = 0;
    let mut newest = 0;
    let (mut jitter, mut sum, mut count, mut max) = (0.0f64, 0.0, 0u32, 0.0f64);
    let mut before: Option<(u64, u32)> = None;
    let mut marks: Vec<(u8, u32)> = Vec::new();
    let mut kinds: Vec<(Codec, u32)> = Vec::new();
    for (time, n, p) in &seen {
        match marks.iter_mut().find(|(d, _)| *d == p.dscp) {
            Some((_, count)) => *count += 1,
            None => marks.push((p.dscp, 1)),
        }
        match kinds.iter_mut().find(|(c, _)| c.payload_type == p.codec.payload_type) {
            Some((_, count)) => *count += 1,
            None => kinds.push((p.codec, 1)),
        }
        if let Some((arrival, timestamp)) = before {
            let units = (*time as f64 - arrival as f64) * f64::from(p.codec.clock) / 1e6;
            let step = f64::from(p.timestamp.wrapping_sub(timestamp) as i32);
            jitter += ((units - step).abs() - jitter) / 16.0;
            let ms = jitter / f64::from(p.codec.clock) * 1e3;
            (sum, count, max) = (sum + ms, count + 1, max.max(ms));
        }
        before = Some((*time, p.timestamp));
        if !p.again {
            late += usize::from(*n < newest);
            newest = newest.max(*n);
        }
    }
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let main = kinds.first().map_or(t.codec, |(c, _)| *c);
    let mut text = format!(
        "{src} > {dst} 0x{:08X} {} {}/{}{}, {call}: {} of {expected}, {} lost",
        sent[0].ssrc,
        main.payload_type,
        main.name,
        main.clock,
        if t.tag > 0 || t.untagged { " srtp" } else { "" },
        seen.len(),
        expected as i64 - seen.len() as i64,
    );
    for (count, word) in [(late, "late"), (twice, "twice")] {
        if count > 0 {
            text += &format!(", {count} {word}");
        }
    }
    let marks: Vec<String> = marks.iter().map(|(d, n)| format!("{d} x {n}")).collect();
    text += &format!("; DSCP {}; {reports} reports", marks.join(", "));
    let mean = sum / f64::from(count.max(1));
    text + &format!("; jitter {mean:.2} max {max:.2}")
}

/// The first bytes of a piece of a VP8 frame: the payload descriptor (RFC 7741 §4.2: X, S on the first piece, a picture id),
/// then the frame's own head; the first frame is a key frame.
pub fn vp8_head(picture: u8, frame: usize, piece: usize) -> Vec<u8> {
    let mut head = vec![if piece == 0 { 0x90 } else { 0x80 }, 0x80, 0x80, picture.wrapping_add(frame as u8)];
    match (frame, piece) {
        (0, 0) => head.extend([0x10, 2, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0]),
        (_, 0) => head.extend([0x11, 2, 0]),
        _ => {}
    }
    head
}
