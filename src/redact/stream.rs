//! TCP connections: what is spoken, messages cut out of both directions, and their bytes rewritten at their places.
//!
//! A place is the position in the stream that [`StreamEvent::Data`] tells. What was not rewritten is not kept: it becomes
//! zeros in the copy.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;

use callscope_parsers::dns::{
    Framing as DnsFraming, HEADER as DNS_HEADER, PORT as DNS_PORT, frame_dns, looks_like_dns, opcode_name,
};
use callscope_parsers::probe::{Probe, looks_like_tls_record, probe_stream};
use callscope_parsers::sip::{self, Framing, find_next_start, find_start, first_line, frame_message};
use callscope_parsers::stun::stream::{StreamFraming, StreamGuess, probe_stun_stream};
use callscope_parsers::tds::{TdsFrame, frame_packet, looks_like_tds};
use hashbrown::HashMap;

use super::Redactor;
use super::arena::Arena;
use super::gather::Gather;
use crate::decode::dns_port;
use crate::net::{ConnId, Direction, StreamEvent};
use stun::carried;
use tls::records;

mod stun;
#[cfg(test)]
mod tests;
mod tls;
mod web;

/// Bytes looked through before a connection counts as unknown.
const UNDECIDED_BYTES: usize = 64 << 10;
/// Frames of what carries it that one message may lie in; what has more is not read.
const PIECES: usize = 1 << 16;
/// Bytes of one direction of SQL Server that are read.
const SQL_BYTES: u64 = 64 << 10;

/// Rewritten bytes of a stream: their place, how many, and where they are kept.
#[derive(Debug, Clone, Copy)]
struct Extent {
    place: u64,
    len: u32,
    at: u64,
}

impl Extent {
    fn goes_on(&self, place: u64, at: u64, len: usize) -> bool {
        let end = |from: u64| from + u64::from(self.len);
        let fits = u32::try_from(len).is_ok_and(|len| self.len.checked_add(len).is_some());
        end(self.place) == place && end(self.at) == at && fits
    }
}

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Undecided,
    Sip,
    Tls,
    Web,
    Stun(StreamFraming),
    Tds,
    Dns,
    Other,
}

#[derive(Debug, Default)]
struct Half {
    buf: Gather,
    /// Looking for the next message after damage or a gap.
    lost: bool,
    /// Bytes below which the buffer says nothing new.
    wanted: usize,
    /// Bytes that came.
    seen: u64,
    /// A message over several frames of what carries it.
    message: Gather,
    /// Bytes below which the message says nothing new.
    message_wanted: usize,
    /// Masks of WebSocket frames in the message: where each begins.
    masks: Vec<(usize, [u8; 4])>,
    /// TLS: what follows is encrypted. WebSocket: the message is compressed.
    hidden: bool,
    /// HTTP head passed.
    upgraded: bool,
}

#[derive(Debug)]
struct Conn {
    index: usize,
    ends: (SocketAddr, SocketAddr),
    syn: bool,
    mode: Mode,
    halves: [Half; 2],
    /// Bytes that it kept when it was last asked.
    held: usize,
}

/// All connections of a capture.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub arena: Arena,
    list: Vec<[Vec<Extent>; 2]>,
    open: HashMap<ConnId, Conn>,
    /// Bytes that wait for the rest of their message, over all connections.
    held: usize,
    failed: Option<io::Error>,
}

/// Which stream a connection is, counted in the order they open.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    next: usize,
    open: HashMap<ConnId, usize>,
}

impl Numbers {
    pub fn event(&mut self, event: &StreamEvent<'_>) {
        match event {
            StreamEvent::Open { conn, .. } => {
                self.open.insert(*conn, self.next);
                self.next += 1;
            }
            StreamEvent::Forget { conn } => _ = self.open.remove(conn),
            _ => {}
        }
    }

    pub fn of(&self, conn: ConnId) -> Option<usize> {
        self.open.get(&conn).copied()
    }
}

/// How long bytes are to become before they are looked through again: megabytes may come byte by byte.
fn looked_through(len: usize) -> usize {
    if len < 4096 { 0 } else { len + len / 16 }
}

fn side(direction: Direction) -> usize {
    usize::from(direction == Direction::Backward)
}

/// Where rewritten bytes of one direction go.
struct Out<'a> {
    arena: &'a mut Arena,
    extents: &'a mut [Vec<Extent>; 2],
    failed: &'a mut Option<io::Error>,
}

impl Out<'_> {
    /// Writes the rewritten `bytes` of a range back to its places.
    fn emit(&mut self, direction: usize, from: &Gather, range: Range<usize>, bytes: &[u8]) {
        let start = range.start;
        let Some(extents) = self.extents.get_mut(direction) else { return };
        for (piece, place) in from.pieces(range) {
            let Some(part) = bytes.get(piece.start - start..piece.end - start) else { continue };
            match self.arena.add(part) {
                Ok(at) => match extents.last_mut() {
                    // One goes on where the last one ends, in the stream and where they are kept.
                    Some(last) if last.goes_on(place, at, part.len()) => last.len += part.len() as u32,
                    _ => extents.push(Extent { place, len: part.len() as u32, at }),
                },
                Err(e) => *self.failed = Some(e),
            }
        }
    }

    /// Of what lies between messages only the line breaks stay, by which the next one is found.
    fn breaks(&mut self, direction: usize, from: &Gather, range: Range<usize>, r: &mut Redactor) {
        let Some(mut bytes) = from.bytes.get(range.clone()).map(<[u8]>::to_vec) else { return };
        r.tally.add("bytes between messages", bytes.len() as u64);
        for byte in bytes.iter_mut().filter(|b| !matches!(b, b'\r' | b'\n')) {
            *byte = 0;
        }
        self.emit(direction, from, range, &bytes);
    }

    fn keep(&mut self, direction: usize, from: &Gather, range: Range<usize>) {
        if let Some(bytes) = from.bytes.get(range.clone()) {
            self.emit(direction, from, range, bytes);
        }
    }
}

impl Streams {
    pub fn event(&mut self, event: StreamEvent<'_>, redactor: &mut Redactor) {
        let Self { arena, list, open, held, failed } = self;
        match event {
            StreamEvent::Open { conn, syn, ends } => {
                let index = list.len();
                list.push(Default::default());
                let new =
                    Conn { index, ends, syn, mode: Mode::Undecided, halves: Default::default(), held: 0 };
                open.insert(conn, new);
            }
            StreamEvent::Data { conn, direction, bytes, at, .. } => {
                let Some(c) = open.get_mut(&conn) else { return };
                let Some(extents) = list.get_mut(c.index) else { return };
                c.data(side(direction), at, bytes, redactor, &mut Out { arena, extents, failed });
                c.count_held(held);
                if *held > redactor.limits.stream_bytes_total && c.held > 0 {
                    c.give_up(redactor);
                    c.count_held(held);
                }
            }
            StreamEvent::Gap { conn, direction, .. } => {
                let Some(c) = open.get_mut(&conn) else { return };
                let Some(extents) = list.get_mut(c.index) else { return };
                c.gap(side(direction), redactor, &mut Out { arena, extents, failed });
                c.count_held(held);
            }
            StreamEvent::Forget { conn } => {
                let Some(mut c) = open.remove(&conn) else { return };
                let Some(extents) = list.get_mut(c.index) else { return };
                for direction in 0..2 {
                    c.flush(direction, redactor, &mut Out { arena, extents, failed });
                }
                c.count_held(held);
            }
            StreamEvent::Close { .. } | StreamEvent::OverLimit(_) => {}
        }
    }

    /// No more will come. Fails where what was rewritten could not be kept.
    pub fn finish(&mut self) -> io::Result<()> {
        for extents in self.list.iter_mut().flatten() {
            extents.sort_by_key(|e| e.place);
        }
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Fills `to`, which lies at `place` of a stream, as far as it was rewritten.
    pub fn fill(&mut self, stream: usize, direction: Direction, place: u64, to: &mut [u8]) -> io::Result<()> {
        let Self { arena, list, .. } = self;
        let Some(extents) = list.get(stream).and_then(|s| s.get(side(direction))) else { return Ok(()) };
        let end = place + to.len() as u64;
        let first = extents.partition_point(|e| e.place + u64::from(e.len) <= place);
        for e in extents.iter().skip(first).take_while(|e| e.place < end) {
            let (from, until) = (e.place.max(place), (e.place + u64::from(e.len)).min(end));
            if let Some(slot) = to.get_mut((from - place) as usize..(until.max(from) - place) as usize) {
                arena.read(e.at + (from - e.place), slot)?;
            }
        }
        Ok(())
    }
}

impl Conn {
    fn between(&self, direction: usize) -> (SocketAddr, SocketAddr) {
        if direction == 0 { self.ends } else { (self.ends.1, self.ends.0) }
    }

    fn data(&mut self, direction: usize, at: u64, bytes: &[u8], r: &mut Redactor, out: &mut Out<'_>) {
        let half = &mut self.halves[direction];
        half.seen += bytes.len() as u64;
        if self.mode == Mode::Other {
            // Only a start line proves SIP on what spoke something else before.
            if probe_stream(bytes) != Probe::Sip {
                r.tally.add("bytes of unknown protocols", bytes.len() as u64);
                return;
            }
            self.mode = Mode::Sip;
        }
        let half = &mut self.halves[direction];
        half.buf.push(at, bytes);
        if half.buf.bytes.len() < half.wanted {
            return;
        }
        half.wanted = 0;
        if self.mode == Mode::Undecided {
            self.mode = self.decide(direction, r);
            if self.mode == Mode::Undecided {
                if self.halves[direction].buf.bytes.len() > UNDECIDED_BYTES {
                    self.give_up(r);
                }
                return;
            }
            self.run(1 - direction, r, out);
        }
        self.run(direction, r, out);
        if self.halves[direction].buf.bytes.len()
            > r.limits.message_bytes.saturating_add(r.limits.header_bytes)
        {
            self.give_up(r);
        }
    }

    /// Brings its share of the bytes that wait up to date.
    fn count_held(&mut self, all: &mut usize) {
        let now = self.halves.iter().map(|h| h.buf.bytes.len() + h.message.bytes.len()).sum();
        *all = (*all - std::mem::replace(&mut self.held, now)) + now;
    }

    fn give_up(&mut self, r: &mut Redactor) {
        for half in &mut self.halves {
            r.tally.add("bytes of unknown protocols", half.buf.bytes.len() as u64);
            *half = Half::default();
        }
        self.mode = Mode::Other;
    }

    fn decide(&mut self, direction: usize, r: &Redactor) -> Mode {
        let start = self.halves[direction].buf.bytes.as_slice();
        if dns_port(self.ends.0, self.ends.1).is_some() {
            match frame_dns(start) {
                DnsFraming::Message(range)
                    if start.get(range.clone()).is_some_and(|m| looks_like_dns(m, DNS_PORT)) =>
                {
                    return Mode::Dns;
                }
                DnsFraming::Message(_) => {}
                DnsFraming::NeedMore(n) if n > 2 && n < 14 => {}
                DnsFraming::NeedMore(_) => match start.get(2..).and_then(|m| m.first_chunk::<DNS_HEADER>()) {
                    Some(head) if opcode_name(head[2] >> 3 & 15).is_none() || head[4] > 0 || head[5] > 64 => {
                    }
                    _ => return Mode::Undecided,
                },
            }
        }
        if start.first() != Some(&2) && looks_like_tds(start) {
            return Mode::Tds;
        }
        if matches!(start.first(), Some(0x04 | 0x10 | 0x12))
            && start.len() < 48
            && matches!(frame_packet(start), TdsFrame::NeedMore(_))
            && start.first() == Some(&0x10)
        {
            return Mode::Undecided;
        }
        match probe_stun_stream(start) {
            StreamGuess::Framed(framing) => return Mode::Stun(framing),
            StreamGuess::PseudoTls => return Mode::Stun(StreamFraming::Microsoft),
            StreamGuess::NeedMore(_) => return Mode::Undecided,
            StreamGuess::Unknown => {}
        }
        if start.first() == Some(&2) && looks_like_tds(start) {
            return Mode::Tds;
        }
        match probe_stream(start) {
            Probe::Sip => Mode::Sip,
            Probe::SipKeepAlive => Mode::Undecided,
            Probe::Tls => Mode::Tls,
            Probe::Http => Mode::Web,
            _ => {
                let known = self.ends.0.port() == 5060
                    || self.ends.1.port() == 5060
                    || r.is_sip_port(self.ends.0, self.ends.1);
                let tolerant = !self.syn || known;
                if tolerant && find_start(start).is_some() {
                    self.halves[direction].lost = true;
                    Mode::Sip
                } else if !tolerant && !sip::looks_like_sip(start) && start.len() >= 16 {
                    Mode::Other
                } else {
                    Mode::Undecided
                }
            }
        }
    }

    fn run(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        self.halves[direction].wanted = 0;
        match self.mode {
            Mode::Undecided => {}
            Mode::Other => self.give_up(r),
            Mode::Sip => self.sip(direction, r, out),
            Mode::Tls => self.tls(direction, r, out),
            Mode::Web => self.web(direction, r, out),
            Mode::Stun(framing) => self.stun(framing, direction, r, out),
            Mode::Tds => self.tds(direction, r, out),
            Mode::Dns => self.dns(direction, r, out),
        }
    }

    fn sip(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        let half = &mut self.halves[direction];
        let (max_header, max_message) = (r.limits.header_bytes, r.limits.message_bytes);
        let mut at = 0;
        while let Some(rest) = half.buf.bytes.get(at..).filter(|b| !b.is_empty()) {
            if half.lost {
                match find_start(rest) {
                    Some(skip) => {
                        out.breaks(direction, &half.buf, at..at + skip, r);
                        at += skip;
                        half.lost = false;
                        continue;
                    }
                    None => {
                        let line = memchr::memrchr(b'\n', rest).map_or(0, |p| p + 1);
                        let keep = rest.len() - line <= 1024;
                        let skip = if keep { line } else { rest.len() };
                        out.breaks(direction, &half.buf, at..at + skip, r);
                        at += skip;
                        break;
                    }
                }
            }
            match frame_message(rest, max_header, max_message) {
                Framing::Message { start, len } => {
                    let range = at..at + start + len;
                    let Some(mut bytes) = half.buf.bytes.get(range.clone()).map(<[u8]>::to_vec) else {
                        break;
                    };
                    r.sip(&mut bytes);
                    out.emit(direction, &half.buf, range.clone(), &bytes);
                    at = range.end;
                }
                Framing::KeepAlive(n) => {
                    let n = n.max(1);
                    out.keep(direction, &half.buf, at..at + n);
                    at += n;
                }
                Framing::NeedMore(n) => {
                    half.wanted = n.max(looked_through(rest.len()));
                    break;
                }
                Framing::TooLong { header: true } => {
                    half.lost = true;
                    let line = memchr::memrchr(b'\n', rest).map_or(rest.len(), |p| p + 1);
                    let range = at..at + find_next_start(rest).unwrap_or(line);
                    let Some(mut bytes) = half.buf.bytes.get(range.clone()).map(<[u8]>::to_vec) else {
                        break;
                    };
                    r.sip(&mut bytes);
                    out.emit(direction, &half.buf, range.clone(), &bytes);
                    at = range.end;
                }
                Framing::Reject(_) | Framing::TooLong { header: false } => {
                    half.lost = true;
                    let skip = find_next_start(rest).unwrap_or_else(|| first_line(rest));
                    // An alert of TLS tells why nothing follows.
                    if rest.len() >= 7 && looks_like_tls_record(rest) && rest.first() == Some(&21) {
                        out.keep(direction, &half.buf, at..at + 7);
                        at += skip.max(7);
                    } else {
                        out.breaks(direction, &half.buf, at..at + skip, r);
                        at += skip;
                    }
                }
            }
        }
        half.buf.consume(at);
    }

    fn dns(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        let half = &mut self.halves[direction];
        let mut at = 0;
        loop {
            let range = match frame_dns(half.buf.bytes.get(at..).unwrap_or_default()) {
                DnsFraming::Message(range) => range,
                DnsFraming::NeedMore(n) => {
                    half.wanted = n;
                    break;
                }
            };
            let (from, to) = (at + range.start, at + range.end);
            out.keep(direction, &half.buf, at..from);
            let mut bytes = half.buf.bytes.get(from..to).unwrap_or_default().to_vec();
            if half.lost || !looks_like_dns(&bytes, DNS_PORT) {
                half.lost = true;
                r.wipe(&mut bytes, "bytes of unknown protocols");
            } else {
                r.dns(&mut bytes);
            }
            out.emit(direction, &half.buf, from..to, &bytes);
            at = to;
        }
        half.buf.consume(at);
    }

    /// Bytes are missing.
    fn gap(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        self.syn = false;
        self.flush(direction, r, out);
        match self.mode {
            Mode::Sip | Mode::Stun(_) | Mode::Dns => self.halves[direction].lost = true,
            Mode::Web if !self.halves[direction].upgraded => self.give_up(r),
            _ => {}
        }
    }

    /// The beginning of a message whose rest will not come.
    fn flush(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        let half = &mut self.halves[direction];
        let mut bytes = half.buf.bytes.clone();
        let known = match self.mode {
            _ if bytes.is_empty() => false,
            Mode::Sip if half.lost => false,
            Mode::Sip => {
                if looks_like_tls_record(&bytes) {
                    records(&mut bytes, r);
                } else {
                    r.sip(&mut bytes);
                }
                true
            }
            Mode::Tls => {
                records(&mut bytes, r);
                true
            }
            Mode::Stun(_) if !half.lost => {
                // What it begins like and how long it says to be is waited for in vain here as there.
                for (n, byte) in bytes.iter_mut().enumerate() {
                    if !matches!(n, 0..8 | 20..28) {
                        *byte = 0;
                    }
                }
                true
            }
            Mode::Web if half.upgraded => {
                web::begun(&mut bytes);
                true
            }
            Mode::Undecided => bytes.iter().all(|b| matches!(b, b'\r' | b'\n')),
            Mode::Tds if bytes.len() > 8 && !looks_like_tls_record(&bytes) => {
                let kind = bytes.first().copied().unwrap_or(0);
                r.tds(kind, bytes.get_mut(8..).unwrap_or_default());
                true
            }
            _ => false,
        };
        if known {
            out.emit(direction, &half.buf, 0..bytes.len(), &bytes);
        } else {
            r.tally.add("bytes of unknown protocols", bytes.len() as u64);
        }
        half.buf.clear();
        if matches!(self.mode, Mode::Stun(_)) {
            carried(direction, half, true, r, out);
        } else if self.mode == Mode::Tds && !half.message.bytes.is_empty() {
            let mut bytes = half.message.bytes.clone();
            r.wipe(&mut bytes, "bytes of SQL");
            out.emit(direction, &half.message, 0..bytes.len(), &bytes);
        }
        half.message.clear();
        half.masks.clear();
        half.wanted = 0;
        half.message_wanted = 0;
    }
}
