//! SCTP (RFC 9260): chunks of messages put together and rewritten at their places.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::SocketAddr;

use callscope_parsers::sip;
use hashbrown::HashMap;

use super::Redactor;
use super::arena::Arena;
use crate::net::IpPacket;
use crate::net::sctp::{ChunkFlags, chunk_flags, data_chunks};

/// Fragments of SCTP messages that wait; their bytes are limited as those that wait for TCP gaps are.
const SCTP_PIECES: usize = 16_384;
/// Fragments of one SCTP message.
const SCTP_PARTS: usize = 1_024;

/// Source, destination and verification tag of an association's direction.
type Association = (SocketAddr, SocketAddr, u32);

/// Messages in fragments: those that wait for the rest, and where the bytes are kept of those that are done.
#[derive(Default)]
pub(super) struct Sctp {
    arena: Arena,
    pieces: HashMap<Association, BTreeMap<u32, (ChunkFlags, Vec<u8>)>>,
    waiting: usize,
    waiting_bytes: usize,
    done: HashMap<(Association, u32), (u64, u32)>,
}

impl Sctp {
    /// Learns the chunks of a packet that are parts of messages.
    pub fn learn(&mut self, r: &mut Redactor, ip: &IpPacket<'_>, ports: (u16, u16), chunks: &[u8]) {
        let key = association(ip, ports);
        for chunk in data_chunks(chunks).filter(|c| !(c.begin && c.end)) {
            let room = r.limits.tcp_gap_bytes_total.saturating_sub(self.waiting_bytes);
            let full = self.waiting >= SCTP_PIECES || chunk.bytes.len() > room;
            if full || self.done.contains_key(&(key, chunk.tsn)) {
                continue;
            }
            let flags = ChunkFlags { begin: chunk.begin, end: chunk.end };
            // What was sent again waits already.
            if let Entry::Vacant(new) = self.pieces.entry(key).or_default().entry(chunk.tsn) {
                new.insert((flags, chunk.bytes.to_vec()));
                self.waiting += 1;
                self.waiting_bytes += chunk.bytes.len();
                self.join(r, key, chunk.tsn);
            }
        }
    }

    fn join(&mut self, r: &mut Redactor, key: Association, tsn: u32) {
        let Some(pieces) = self.pieces.get_mut(&key) else { return };
        // No message has so many parts that looking for its ends costs much.
        let ends = |is_end: fn(&ChunkFlags) -> bool, step: u32| {
            let mut at = tsn;
            for _ in 0..SCTP_PARTS {
                if is_end(&pieces.get(&at)?.0) {
                    return Some(at);
                }
                at = at.wrapping_add(step);
            }
            None
        };
        let (Some(first), Some(last)) = (ends(|f| f.begin, u32::MAX), ends(|f| f.end, 1)) else { return };
        let mut bytes = Vec::new();
        let mut parts = Vec::new();
        let mut at = first;
        loop {
            if let Some((_, piece)) = pieces.remove(&at) {
                self.waiting -= 1;
                self.waiting_bytes -= piece.len();
                parts.push((at, bytes.len(), piece.len()));
                bytes.extend(piece);
            }
            if at == last {
                break;
            }
            at = at.wrapping_add(1);
        }
        user_message(r, &mut bytes);
        if let Ok(start) = self.arena.add(&bytes) {
            for (tsn, from, len) in parts {
                self.done.insert((key, tsn), (start + from as u64, len as u32));
            }
        }
    }

    /// Rewrites the chunks of a packet.
    pub fn fill(&mut self, r: &mut Redactor, ip: &IpPacket<'_>, ports: (u16, u16), b: &mut [u8]) {
        let key = association(ip, ports);
        let mut at = 0;
        while let Some(&[kind, _, high, low]) = b.get(at..).and_then(|c| c.first_chunk::<4>()) {
            let len = usize::from(u16::from_be_bytes([high, low]));
            if len < 4 {
                break;
            }
            let end = (at + len).min(b.len());
            let chunk = b.get_mut(at..end).unwrap_or_default();
            match kind {
                0 | 64 => self.fill_data(r, key, chunk),
                1 | 2 => r.sctp_parameters(chunk.get_mut(20..).unwrap_or_default()),
                // SACK, shutdowns, COOKIE ACK, FORWARD TSN say only numbers.
                3 | 7 | 8 | 11 | 14 | 192 => {}
                6 | 9 => chunk.get_mut(8..).unwrap_or_default().fill(0),
                _ => chunk.get_mut(4..).unwrap_or_default().fill(0),
            }
            at = (at + len).next_multiple_of(4);
            let padding = end..at.min(b.len()).max(end);
            b.get_mut(padding).unwrap_or_default().fill(0);
        }
        let start = at.min(b.len());
        r.wipe(b.get_mut(start..).unwrap_or_default(), "bytes of unknown protocols");
    }

    fn fill_data(&mut self, r: &mut Redactor, key: Association, chunk: &mut [u8]) {
        let (flags, tsn, header) = match chunk_flags(chunk) {
            Some(told) => told,
            None => return chunk.get_mut(4..).unwrap_or_default().fill(0),
        };
        let data = chunk.get_mut(header..).unwrap_or_default();
        if flags.begin && flags.end {
            return user_message(r, data);
        }
        match self.done.get(&(key, tsn)) {
            Some(&(at, len)) if len as usize == data.len() && self.arena.read(at, data).is_ok() => {}
            _ => r.wipe(data, "bytes of unknown protocols"),
        }
    }
}

fn association(ip: &IpPacket<'_>, (src, dst): (u16, u16)) -> Association {
    let tag = ip.payload.get(4..).and_then(|t| t.first_chunk::<4>()).map_or(0, |t| u32::from_be_bytes(*t));
    (SocketAddr::new(ip.src, src), SocketAddr::new(ip.dst, dst), tag)
}

/// A message of SCTP.
pub(super) fn user_message(r: &mut Redactor, b: &mut [u8]) {
    let start = b.iter().position(|c| !matches!(c, b'\r' | b'\n')).unwrap_or(0);
    if b.get(start..).is_some_and(sip::looks_like_sip) {
        r.sip(b)
    } else {
        r.wipe(b, "bytes of unknown protocols")
    }
}

impl Redactor {
    /// Parameters of INIT (RFC 9260 §3.3.2): addresses are replaced, cookies and names go.
    fn sctp_parameters(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while let Some(&[k0, k1, l0, l1]) = b.get(at..).and_then(|p| p.first_chunk::<4>()) {
            let len = usize::from(u16::from_be_bytes([l0, l1])).max(4);
            let end = (at + len).min(b.len());
            let value = b.get_mut((at + 4).min(end)..end).unwrap_or_default();
            match u16::from_be_bytes([k0, k1]) {
                5 if value.len() == 4 => self.binary_address(value),
                6 if value.len() == 16 => self.binary_address(value),
                9 | 12 | 0x8000 | 0xc000 | 0x8008 => {}
                _ => value.fill(0),
            }
            at = (at + len).next_multiple_of(4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::redact::Key;

    /// A DATA chunk (RFC 9260 §3.3.1).
    fn data(flags: u8, tsn: u32, bytes: &[u8]) -> Vec<u8> {
        let len = 16 + bytes.len();
        let mut out =
            [&[0, flags][..], &(len as u16).to_be_bytes(), &tsn.to_be_bytes(), &[0; 8], bytes].concat();
        out.resize(len.next_multiple_of(4), 0);
        out
    }

    fn packet(payload: &[u8]) -> IpPacket<'_> {
        let ip = [10, 0, 0, 1].into();
        let (dscp, ttl, id, protocol, fragment, missing) = (0, 0, 0, 132, None, 0);
        IpPacket { src: ip, dst: ip, dscp, ttl, id, protocol, fragment, payload, missing }
    }

    /// Parts that never become a message: what waits has limits, and what is sent again costs nothing.
    #[test]
    fn what_waits_has_limits() {
        let limits = Limits { tcp_gap_bytes_total: 50_000, ..Limits::default() };
        let mut r = Redactor::new(Key::of("a"), &limits, &[], &[]);
        let mut sctp = Sctp::default();
        for tsn in 0..20_000 {
            sctp.learn(&mut r, &packet(&[]), (1, 2), &data(0, tsn, b"k"));
            sctp.learn(&mut r, &packet(&[]), (1, 2), &data(0, tsn / 2, b"k"));
        }
        assert_eq!((sctp.waiting, sctp.waiting_bytes), (SCTP_PIECES, SCTP_PIECES));
        let mut sctp = Sctp::default();
        for tsn in 0..2_000 {
            sctp.learn(&mut r, &packet(&[]), (1, 2), &data(0, tsn, &[b'k'; 1_000]));
        }
        assert_eq!((sctp.waiting, sctp.waiting_bytes), (50, 50_000));
    }

    #[test]
    fn parts_in_any_order_make_a_message() {
        let text = b"MESSAGE sip:bob@contoso.com SIP/2.0\r\nCall-ID: c\r\nContent-Length: 0\r\n\r\n";
        let (first, last) = text.split_at(25);
        let chunks = [data(1, 0, last), data(2, u32::MAX, first)];
        let mut r = Redactor::new(Key::of("a"), &Limits::default(), &[], &[]);
        let mut sctp = Sctp::default();
        for chunk in &chunks {
            sctp.learn(&mut r, &packet(&[]), (1, 2), chunk);
        }
        assert_eq!((sctp.waiting, sctp.waiting_bytes), (0, 0));
        let mut whole = text.to_vec();
        r.sip(&mut whole);
        let shown = chunks.map(|mut chunk| {
            sctp.fill(&mut r, &packet(&[]), (1, 2), &mut chunk);
            chunk
        });
        assert_eq!(shown[1][16..16 + first.len()], whole[..first.len()]);
        assert_eq!(shown[0][16..16 + last.len()], whole[first.len()..]);
    }
}
