//! RTP, RTCP, DTLS, ZRTP, fax: what the headers say stays, what was said goes.

use std::net::SocketAddr;

use callscope_parsers::rtcp::looks_like_srtcp;
use callscope_parsers::rtp::parse_rtp;
use callscope_parsers::sdp::parse_sdp;
use callscope_parsers::udptl::{Recovery, parse_udptl};

use super::Redactor;
use super::datagram::Between;
use super::frame::crc32c;
use super::names::Words;

/// Length of an RTP packet of telephone events (RFC 4733 §2.3).
const EVENT: usize = 4;
/// The keys 0–9, *, # and A–D.
const LAST_KEY: u8 = 15;
/// Ports of one media section that are taken.
const PORTS: u32 = 8;
/// In its place a capture's cut-off error recovery of UDPTL stays cut off: it begins like parities, and no such span follows.
const NO_RECOVERY: u8 = 0xff;

impl Redactor {
    /// Header, contributing sources and padding stay.
    pub(super) fn rtp(&mut self, b: &mut [u8]) {
        self.tally.add("packets of media", 1);
        let Some(header) = parse_rtp(b) else {
            let end = b.len();
            return self.wipe(b.get_mut(12.min(end)..).unwrap_or_default(), "bytes of media");
        };
        let dynamic = b.get(1).is_some_and(|t| t & 0x7f >= 96);
        let (start, end) = (header.payload.start as usize, header.payload.end as usize);
        let sources = 12 + 4 * usize::from(b.first().copied().unwrap_or(0) & 15);
        if b.first().is_some_and(|f| f & 0x10 != 0) {
            // Profile and length of the extension stay.
            let from = (sources + 4).min(start);
            self.wipe(b.get_mut(from..start).unwrap_or_default(), "bytes of media");
        }
        let Some(payload) = b.get_mut(start..end) else { return };
        if dynamic
            && payload.len().is_multiple_of(EVENT)
            && payload.len() <= 4 * EVENT
            && payload.first().is_some_and(|e| *e <= LAST_KEY)
        {
            // A key pressed is a number dialled: which one goes, how long stays.
            for event in payload.chunks_exact_mut(EVENT) {
                if let Some(key) = event.first_mut().filter(|k| **k <= 9) {
                    *key = 0;
                }
            }
            return;
        }
        if dynamic && payload.len() == EVENT && payload.first().is_some_and(|e| *e > LAST_KEY) {
            // A tone that is no key, or four bytes of something else: it must not become a key.
            let tone = payload.first().copied().unwrap_or(0xff);
            self.wipe(payload, "bytes of media");
            if let Some(first) = payload.first_mut() {
                *first = tone;
            }
            return;
        }
        // One bit tells that a packet repeats an earlier one (RFC 2198).
        let repeats = dynamic && payload.first().is_some_and(|f| f & 0x80 != 0);
        self.wipe(payload, "bytes of media");
        if repeats && let Some(first) = payload.first_mut() {
            *first = 0x80;
        }
    }

    /// Keeps the ends that a description names for fax, by which its packets are told.
    pub(super) fn learn_fax(&mut self, sdp: &[u8]) {
        const PROTOCOL: &[u8] = b"udptl";
        if self.frozen || !sdp.windows(PROTOCOL.len()).any(|w| w.eq_ignore_ascii_case(PROTOCOL)) {
            return;
        }
        let session = parse_sdp(sdp);
        for media in &session.media {
            let mut words = media.protocol.split(|b| *b == b'/');
            if media.port == 0 || !words.any(|w| w.eq_ignore_ascii_case(PROTOCOL)) {
                continue;
            }
            let ports = (0..media.port_count.clamp(1, PORTS)).map(|i| media.port.saturating_add(2 * i));
            let ip = media.connection.as_ref().and_then(|c| c.ip);
            let told = ports.filter_map(|p| Some(SocketAddr::new(ip?, u16::try_from(p).ok()?)));
            let ice = session.ice_description(media);
            let candidates =
                ice.candidates.iter().filter_map(|c| Some(SocketAddr::new(c.address.ip?, c.port?)));
            for end in told.chain(candidates) {
                if self.fax_ends.len() < self.limits.flows {
                    self.fax_ends.insert(end);
                }
            }
        }
    }

    /// Does some description want fax at one of the ends?
    pub(super) fn is_fax(&self, (src, dst): Between) -> bool {
        !self.fax_ends.is_empty() && (self.fax_ends.contains(&src) || self.fax_ends.contains(&dst))
    }

    /// Fax in UDPTL: its number, the lengths and types of its packets stay; what the fax says goes.
    pub(super) fn udptl(&mut self, b: &mut [u8]) {
        self.tally.add("packets of fax", 1);
        self.tally.add("bytes of media", b.len() as u64);
        let Some(packet) = parse_udptl(b) else {
            // Cut in the primary packet, of which number and length stand there.
            let long = b.get(2).is_some_and(|l| l & 0x80 != 0);
            let head = if long { 4 } else { 3 };
            return hide_ifp(b.get_mut(head.min(b.len())..).unwrap_or_default());
        };
        hide_ifp(b.get_mut(packet.primary.clone()).unwrap_or_default());
        match packet.recovery {
            Some(Recovery::Repeated(packets)) => {
                for range in packets {
                    hide_ifp(b.get_mut(range).unwrap_or_default());
                }
            }
            Some(Recovery::Parity { parities, .. }) => {
                for range in parities {
                    b.get_mut(range).unwrap_or_default().fill(0);
                }
            }
            None => b.get_mut(packet.primary.end..).unwrap_or_default().fill(NO_RECOVERY),
        }
    }

    /// Compound packets; of encrypted ones the trailer stays.
    pub(super) fn rtcp(&mut self, b: &mut [u8]) {
        self.tally.add("packets of RTCP", 1);
        if looks_like_srtcp(b) {
            let (from, to) = (8.min(b.len()), b.len().saturating_sub(20).max(8.min(b.len())));
            return self.wipe(b.get_mut(from..to).unwrap_or_default(), "bytes of media");
        }
        let mut at = 0;
        while let Some(&[first, kind, high, low]) = b.get(at..).and_then(|r| r.first_chunk::<4>()) {
            let len = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
            if first >> 6 != 2 || !(192..=223).contains(&kind) {
                break;
            }
            let end = (at + len).min(b.len());
            let Some(packet) = b.get_mut(at..end) else { break };
            match kind {
                200 | 201 | 205 | 206 | 207 => {}
                202 => self.description(packet),
                203 => {
                    let sources = 4 + 4 * usize::from(first & 31);
                    self.free_text(packet.get_mut(sources + 1..).unwrap_or_default());
                }
                204 => self.wipe(packet.get_mut(12..).unwrap_or_default(), "bytes of unknown protocols"),
                _ => self.wipe(packet.get_mut(8..).unwrap_or_default(), "bytes of unknown protocols"),
            }
            at = end;
        }
        // An authenticated packet has index and tag behind it.
        if b.len().saturating_sub(at) > 24 {
            self.wipe(b.get_mut(at..).unwrap_or_default(), "bytes of unknown protocols");
        }
    }

    /// Source description (RFC 3550 §6.5).
    fn description(&mut self, b: &mut [u8]) {
        let mut at = 4;
        while at + 4 < b.len() {
            at += 4;
            while let Some(&kind) = b.get(at) {
                if kind == 0 {
                    // The chunk goes on to the next word.
                    at = (at + 4) & !3;
                    break;
                }
                let len = usize::from(b.get(at + 1).copied().unwrap_or(0));
                let end = (at + 2 + len).min(b.len());
                let value = b.get_mut(at + 2..end).unwrap_or_default();
                match kind {
                    1..=5 => self.words(value, Words::NAMES),
                    6 => self.free_text(value),
                    _ => self.hide(value, false),
                }
                at = end.max(at + 2);
            }
        }
    }

    /// Of ZRTP stays what kind of message it is and what it offers or chose; numbers of devices, hashes and keys go.
    pub(super) fn zrtp(&mut self, b: &mut [u8]) {
        /// Packet header; preamble, length and kind of the message.
        const MESSAGE: usize = 12;
        const CRC: usize = 4;
        let Some(end) = b.len().checked_sub(CRC).filter(|end| *end >= MESSAGE + 12) else {
            return self.wipe(b.get_mut(MESSAGE.min(b.len())..).unwrap_or_default(), "bytes of secrets");
        };
        let crc = |b: &[u8]| crc32c(&[b.get(..end).unwrap_or_default()]).to_le_bytes();
        let right = b.get(end..) == Some(&crc(b)[..]);
        let (from, to) = match b.get(MESSAGE + 4..MESSAGE + 12) {
            // Version and program, then hash image, device, flags and algorithms, code.
            Some(b"Hello   ") => (32, 76),
            Some(b"Commit  ") => (12, 56),
            Some(b"Error   " | b"HelloACK" | b"Conf2ACK" | b"ErrorACK" | b"GoClear " | b"ClearACK") => (0, 0),
            _ => (12, end),
        };
        let (from, to) = ((MESSAGE + from).min(end), (MESSAGE + to).min(end));
        self.wipe(b.get_mut(from..to).unwrap_or_default(), "bytes of secrets");
        if right {
            let crc = crc(b);
            super::names::write(b, end..end + CRC, &crc);
        }
    }

    /// Datagrams of DTLS, record by record.
    pub(super) fn dtls(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while let Some(&[kind, _, _, e0, e1, _, _, _, _, _, _, l0, l1]) =
            b.get(at..).and_then(|r| r.first_chunk::<13>())
        {
            let end = (at + 13 + usize::from(u16::from_be_bytes([l0, l1]))).min(b.len());
            let clear = [e0, e1] == [0, 0];
            let body = b.get_mut(at + 13..end).unwrap_or_default();
            match kind {
                20 => {}
                21 if clear && body.len() == 2 => {}
                22 if clear => self.dtls_handshake(body),
                _ => self.wipe(body, "bytes that were encrypted"),
            }
            at = end.max(at + 13);
        }
        let start = at.min(b.len());
        self.wipe(b.get_mut(start..).unwrap_or_default(), "bytes that were encrypted");
    }

    fn dtls_handshake(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while let Some(&[kind, a, b0, c, _, _, o0, o1, o2, f0, f1, f2]) =
            b.get(at..).and_then(|r| r.first_chunk::<12>())
        {
            let number = |a: u8, b: u8, c: u8| usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            let (length, offset, here) = (number(a, b0, c), number(o0, o1, o2), number(f0, f1, f2));
            let end = (at + 12 + here).min(b.len());
            let body = b.get_mut(at + 12..end).unwrap_or_default();
            if offset == 0 && here == length {
                self.handshake_body(kind, body, true);
            } else if offset == 0 && matches!(kind, 1 | 2) {
                self.wipe(body.get_mut(34..).unwrap_or_default(), "bytes of certificates");
            } else {
                self.wipe(body, "bytes of certificates");
            }
            at = end.max(at + 12);
        }
    }
}

/// Of an IFP packet (T.38 §7.3) only the type stays.
fn hide_ifp(b: &mut [u8]) {
    let Some((first, rest)) = b.split_first_mut() else { return };
    // The number of a later addition ends in the second byte.
    let extended = *first & 0x20 != 0;
    if !extended {
        *first &= 0xfe;
    }
    let kept = rest.first().map_or(0, |second| if extended { second & 0xc0 } else { 0 });
    rest.fill(0);
    if let Some(second) = rest.first_mut() {
        *second = kept;
    }
}
