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
use callscope_parsers::probe::{Probe, looks_like_tls_record, probe_datagram, probe_stream};
use callscope_parsers::sip::{self, Framing, find_next_start, find_start, frame_message};
use callscope_parsers::stun::stream::{
    FrameKind, Framing as StunFraming, Opening, StreamFraming, StreamGuess, probe_stun_stream,
    pseudo_tls_client_hello, pseudo_tls_server_hello,
};
use callscope_parsers::tds::{TdsFrame, frame_packet, looks_like_tds};
use callscope_parsers::websocket::{UpgradeHead, WsFrame, parse_frame, parse_upgrade, unmask};
use hashbrown::HashMap;

use super::Redactor;
use super::arena::Arena;
use super::gather::Gather;
use crate::decode::dns_port;
use crate::net::{ConnId, Direction, StreamEvent};

/// Bytes looked through before a connection counts as unknown.
const UNDECIDED_BYTES: usize = 64 << 10;
/// Bytes of a direction that wait for the rest of a message.
const WAITING_BYTES: usize = 16 << 20;
/// Bytes of one direction of SQL Server that are read.
const SQL_BYTES: u64 = 64 << 10;

/// Rewritten bytes of a stream: their place, how many, and where they are kept.
#[derive(Debug, Clone, Copy)]
struct Extent {
    place: u64,
    len: u32,
    at: u64,
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
}

/// All connections of a capture.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub arena: Arena,
    list: Vec<[Vec<Extent>; 2]>,
    open: HashMap<ConnId, Conn>,
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
                Ok(at) => extents.push(Extent { place, len: part.len() as u32, at }),
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
        let Self { arena, list, open, failed } = self;
        match event {
            StreamEvent::Open { conn, syn, ends } => {
                let index = list.len();
                list.push(Default::default());
                let new = Conn { index, ends, syn, mode: Mode::Undecided, halves: Default::default() };
                open.insert(conn, new);
            }
            StreamEvent::Data { conn, direction, bytes, at, .. } => {
                let Some(c) = open.get_mut(&conn) else { return };
                let Some(extents) = list.get_mut(c.index) else { return };
                c.data(side(direction), at, bytes, redactor, &mut Out { arena, extents, failed });
            }
            StreamEvent::Gap { conn, direction, .. } => {
                let Some(c) = open.get_mut(&conn) else { return };
                let Some(extents) = list.get_mut(c.index) else { return };
                c.gap(side(direction), redactor, &mut Out { arena, extents, failed });
            }
            StreamEvent::Forget { conn } => {
                let Some(mut c) = open.remove(&conn) else { return };
                let Some(extents) = list.get_mut(c.index) else { return };
                for direction in 0..2 {
                    c.flush(direction, redactor, &mut Out { arena, extents, failed });
                }
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
        if self.halves[direction].buf.bytes.len() > WAITING_BYTES {
            self.give_up(r);
        }
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
                    // Megabytes may come byte by byte.
                    half.wanted = n.max(rest.len() + rest.len() / 16);
                    break;
                }
                Framing::Reject(_) | Framing::TooLong { .. } => {
                    half.lost = true;
                    let skip = find_next_start(rest).unwrap_or(1);
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

    fn tls(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        let half = &mut self.halves[direction];
        let mut at = 0;
        while let Some(rest) = half.buf.bytes.get(at..).filter(|b| !b.is_empty()) {
            if rest.first().is_some_and(|f| f & 0x80 != 0) {
                // A hello of version 2 has no names.
                let Some(&[high, low]) = rest.first_chunk::<2>() else { break };
                let len = 2 + (usize::from(high & 0x7f) << 8 | usize::from(low));
                if rest.len() < len {
                    break;
                }
                out.keep(direction, &half.buf, at..at + len);
                at += len;
                continue;
            }
            let Some(&[kind, _, _, high, low]) = rest.first_chunk::<5>() else { break };
            if !looks_like_tls_record(rest) {
                r.tally.add("bytes of unknown protocols", rest.len() as u64);
                at = half.buf.bytes.len();
                break;
            }
            let len = 5 + usize::from(u16::from_be_bytes([high, low]));
            if rest.len() < len {
                break;
            }
            out.keep(direction, &half.buf, at..at + 5);
            let body = at + 5..at + len;
            match kind {
                20 => {
                    out.keep(direction, &half.buf, body);
                    half.hidden = true;
                }
                21 if len == 7 => out.keep(direction, &half.buf, body),
                22 if !half.hidden => {
                    half.buf.copy(body, &mut half.message);
                    handshakes(direction, &mut half.message, r, out);
                }
                _ => r.tally.add("bytes that were encrypted", body.len() as u64),
            }
            at += len;
        }
        half.buf.consume(at);
    }

    fn web(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        let half = &mut self.halves[direction];
        let max = r.limits.message_bytes;
        let mut at = 0;
        let mut gone = false;
        let mut accepted = false;
        while let Some(rest) = half.buf.bytes.get(at..).filter(|b| !b.is_empty()) {
            if !half.upgraded {
                match parse_upgrade(rest) {
                    UpgradeHead::Request { len, .. } | UpgradeHead::Accepted { len, .. } => {
                        let Some(mut head) = rest.get(..len).map(<[u8]>::to_vec) else { break };
                        accepted |= head.windows(4).any(|w| w == b" 101");
                        let (end, next) = super::header::line_end(&head, 0);
                        r.start_line(head.get_mut(..end).unwrap_or_default());
                        r.header_section(head.get_mut(next..).unwrap_or_default());
                        out.emit(direction, &half.buf, at..at + len, &head);
                        half.upgraded = true;
                        at += len;
                    }
                    UpgradeHead::NeedMore => break,
                    UpgradeHead::Other { .. } | UpgradeHead::Reject => {
                        gone = true;
                        break;
                    }
                }
                continue;
            }
            match parse_frame(rest, max) {
                WsFrame::Frame { fin, rsv1, opcode, mask, header, payload } => {
                    out.keep(direction, &half.buf, at..at + header);
                    let body = at + header..at + header + payload;
                    if opcode & 8 != 0 {
                        // Of a close frame the number stays.
                        let shown =
                            if opcode == 8 { body.start..body.start + payload.min(2) } else { body.clone() };
                        out.keep(direction, &half.buf, shown);
                    } else {
                        if opcode != 0 {
                            half.message.clear();
                            half.masks.clear();
                            half.hidden = rsv1;
                        }
                        let start = half.message.bytes.len();
                        half.masks.push((start, mask.unwrap_or_default()));
                        half.buf.copy(body, &mut half.message);
                        if let Some(masked) = half.message.bytes.get_mut(start..) {
                            unmask(masked, mask.unwrap_or_default(), 0);
                        }
                        if fin {
                            web_message(direction, half, r, out);
                        }
                    }
                    at += header + payload;
                }
                WsFrame::NeedMore(_) => break,
                WsFrame::Reject(_) | WsFrame::TooLong => {
                    gone = true;
                    break;
                }
            }
        }
        half.buf.consume(at);
        if accepted {
            // Also where the request was not captured.
            self.halves[1 - direction].upgraded = true;
        }
        if gone {
            self.give_up(r);
        }
    }

    fn stun(&mut self, framing: StreamFraming, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        let between = self.between(direction);
        let half = &mut self.halves[direction];
        let mut at = 0;
        let mut then = None;
        while let Some(rest) = half.buf.bytes.get(at..).filter(|b| !b.is_empty()) {
            if half.lost {
                match framing.find_next(rest) {
                    Some(n) => {
                        r.tally.add("bytes between messages", n as u64);
                        at += n;
                        half.lost = false;
                    }
                    None => {
                        at += rest.len().saturating_sub(UNDECIDED_BYTES);
                        break;
                    }
                }
                continue;
            }
            if rest.first() == Some(&0x16) && framing == StreamFraming::Microsoft {
                let opening = match pseudo_tls_client_hello(rest) {
                    Opening::Tls | Opening::Other => pseudo_tls_server_hello(rest),
                    opening => opening,
                };
                match opening {
                    Opening::Pseudo(n) => {
                        out.keep(direction, &half.buf, at..at + n);
                        at += n;
                        continue;
                    }
                    Opening::NeedMore(_) => break,
                    Opening::Tls | Opening::Other => {
                        then = Some(Mode::Tls);
                        break;
                    }
                }
            }
            if matches!(rest.first(), Some(20 | 21 | 23))
                && framing == StreamFraming::Microsoft
                && looks_like_tls_record(rest)
            {
                then = Some(Mode::Tls);
                break;
            }
            match framing.frame(rest) {
                StunFraming::NeedMore(_) => break,
                StunFraming::Reject(_) => half.lost = true,
                StunFraming::Message { kind, payload, consumed } => {
                    let range = at + payload.start..at + payload.end;
                    out.keep(direction, &half.buf, at..range.start);
                    let mut bytes = half.buf.bytes.get(range.clone()).unwrap_or_default().to_vec();
                    let text = kind == FrameKind::EndToEnd
                        && (!half.message.bytes.is_empty() || probe_datagram(&bytes) == Probe::Sip);
                    let binds = bytes.starts_with(&[0x01, 0x0b])
                        && bytes.get(4..8) == Some(&[0x21, 0x12, 0xa4, 0x42]);
                    if text {
                        half.buf.copy(range, &mut half.message);
                        carried(direction, &mut half.message, false, r, out);
                    } else {
                        match kind {
                            FrameKind::Stun | FrameKind::Control | FrameKind::Unframed => {
                                r.stun(&mut bytes, between, 0)
                            }
                            _ => r.datagram(&mut bytes, between, 0, 0),
                        }
                        out.emit(direction, &half.buf, range, &bytes);
                    }
                    at += consumed.max(1);
                    if binds {
                        then = Some(Mode::Undecided);
                        break;
                    }
                }
            }
        }
        half.buf.consume(at);
        if let Some(mode) = then {
            self.mode = mode;
            for d in [direction, 1 - direction] {
                if self.mode == Mode::Undecided && !self.halves[d].buf.bytes.is_empty() {
                    self.mode = self.decide(d, r);
                }
                self.run(d, r, out);
            }
        }
    }

    fn tds(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        let half = &mut self.halves[direction];
        let mut at = 0;
        while let Some(rest) = half.buf.bytes.get(at..).filter(|b| !b.is_empty()) {
            let Some(&[kind, status, high, low, ..]) = rest.first_chunk::<8>() else { break };
            let tls = looks_like_tls_record(rest);
            let len = if tls {
                5 + usize::from(u16::from_be_bytes([low, rest.get(4).copied().unwrap_or(0)]))
            } else {
                usize::from(u16::from_be_bytes([high, low]))
            };
            if len < 8 && !tls {
                r.tally.add("bytes of SQL", rest.len() as u64);
                at = half.buf.bytes.len();
                break;
            }
            if rest.len() < len {
                break;
            }
            if tls {
                let mut record = rest.get(..len).unwrap_or_default().to_vec();
                records(&mut record, r);
                out.emit(direction, &half.buf, at..at + len, &record);
                at += len;
                continue;
            }
            out.keep(direction, &half.buf, at..at + 8);
            half.buf.copy(at + 8..at + len, &mut half.message);
            if status & 1 != 0 || half.message.bytes.len() as u64 > SQL_BYTES {
                let mut bytes = half.message.bytes.clone();
                if looks_like_tls_record(&bytes) {
                    records(&mut bytes, r);
                } else if half.seen > 2 * SQL_BYTES {
                    r.wipe(&mut bytes, "bytes of SQL");
                } else {
                    r.tds(kind, &mut bytes);
                }
                out.emit(direction, &half.message, 0..bytes.len(), &bytes);
                half.message.clear();
            }
            at += len;
        }
        half.buf.consume(at);
    }

    fn dns(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        let half = &mut self.halves[direction];
        let mut at = 0;
        while let DnsFraming::Message(range) = frame_dns(half.buf.bytes.get(at..).unwrap_or_default()) {
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
            Mode::Web => self.give_up(r),
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
            carried(direction, &mut half.message, true, r, out);
        } else if self.mode == Mode::Tds && !half.message.bytes.is_empty() {
            let mut bytes = half.message.bytes.clone();
            r.wipe(&mut bytes, "bytes of SQL");
        }
        half.message.clear();
        half.masks.clear();
        half.wanted = 0;
    }
}

/// Whole handshake messages, of which more may lie in later records.
fn handshakes(direction: usize, message: &mut Gather, r: &mut Redactor, out: &mut Out<'_>) {
    let mut at = 0;
    while let Some(&[kind, a, b, c]) = message.bytes.get(at..).and_then(|m| m.first_chunk::<4>()) {
        let len = 4 + (usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c));
        let Some(mut bytes) = message.bytes.get(at..at + len).map(<[u8]>::to_vec) else { break };
        r.handshake_body(kind, bytes.get_mut(4..).unwrap_or_default(), false);
        out.emit(direction, message, at..at + len, &bytes);
        at += len;
    }
    message.consume(at);
    if message.bytes.len() > UNDECIDED_BYTES {
        message.clear();
    }
}

/// Records of TLS that are carried by something else, or the beginning of one.
fn records(b: &mut [u8], r: &mut Redactor) {
    let mut at = 0;
    while let Some(&[kind, _, _, high, low]) = b.get(at..).and_then(|b| b.first_chunk::<5>()) {
        let end = (at + 5 + usize::from(u16::from_be_bytes([high, low]))).min(b.len());
        let body = b.get_mut(at + 5..end).unwrap_or_default();
        match kind {
            20 => {}
            21 if body.len() == 2 => {}
            22 => {
                let mut inner = 0;
                while let Some(&[kind, a, m, c]) = body.get(inner..).and_then(|b| b.first_chunk::<4>()) {
                    let stop = inner + 4 + (usize::from(a) << 16 | usize::from(m) << 8 | usize::from(c));
                    match body.get_mut(inner + 4..stop) {
                        Some(message) => r.handshake_body(kind, message, false),
                        None => {
                            // Encrypted, or the rest lies elsewhere.
                            let known = matches!(kind, 1 | 2) && stop < 1 << 16;
                            let from = if known { inner + 38 } else { inner + 4 };
                            let from = from.min(body.len());
                            r.wipe(body.get_mut(from..).unwrap_or_default(), "bytes that were encrypted");
                        }
                    }
                    inner = stop.max(inner + 4);
                }
            }
            _ => r.wipe(body, "bytes that were encrypted"),
        }
        at = end.max(at + 5);
    }
    let start = at.min(b.len());
    r.wipe(b.get_mut(start..).unwrap_or_default(), "bytes that were encrypted");
}

/// A whole WebSocket message: written back under the masks it came with.
fn web_message(direction: usize, half: &mut Half, r: &mut Redactor, out: &mut Out<'_>) {
    let mut bytes = half.message.bytes.clone();
    if half.hidden {
        stored(&mut bytes);
        r.tally.add("bytes of compressed messages", bytes.len() as u64);
    } else if sip::scan(&bytes).is_some() || sip::looks_like_sip(&bytes) {
        r.sip(&mut bytes);
    } else if !bytes.iter().all(|b| matches!(b, b'\r' | b'\n' | 0)) {
        r.wipe(&mut bytes, "bytes of unknown protocols");
    }
    let ends = half.masks.iter().skip(1).map(|m| m.0).chain([bytes.len()]);
    for (&(start, mask), end) in half.masks.iter().zip(ends) {
        if let Some(part) = bytes.get_mut(start..end.max(start)) {
            unmask(part, mask, 0);
        }
    }
    out.emit(direction, &half.message, 0..bytes.len(), &bytes);
    half.message.clear();
    half.masks.clear();
}

/// A stream of DEFLATE (RFC 1951 §3.2.4) as long as the slice that gives nothing but filler.
fn stored(b: &mut [u8]) {
    b.fill(b'x');
    let Ok(len) = u16::try_from(b.len().saturating_sub(5)) else { return b.fill(0) };
    match b.first_chunk_mut::<5>() {
        Some(head) => {
            let [l0, l1] = len.to_le_bytes();
            *head = [0, l0, l1, !l0, !l1];
        }
        // An empty block of fixed codes.
        None => {
            b.fill(0);
            if let Some(first) = b.first_mut() {
                *first = 0x02;
            }
        }
    }
}

/// SIP in end-to-end data; `ended`: nothing follows.
fn carried(direction: usize, message: &mut Gather, ended: bool, r: &mut Redactor, out: &mut Out<'_>) {
    let mut at = 0;
    while let Some(rest) = message.bytes.get(at..).filter(|b| !b.is_empty()) {
        let len = match frame_message(rest, r.limits.header_bytes, r.limits.message_bytes) {
            Framing::Message { start, len } => start + len,
            Framing::KeepAlive(n) => n.max(1),
            Framing::NeedMore(_) if !ended => break,
            Framing::NeedMore(_) => rest.len(),
            Framing::Reject(_) | Framing::TooLong { .. } => {
                r.tally.add("bytes of unknown protocols", rest.len() as u64);
                at = message.bytes.len();
                break;
            }
        };
        let mut bytes = rest.get(..len).unwrap_or(rest).to_vec();
        let len = bytes.len();
        if !bytes.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            r.sip(&mut bytes);
        }
        out.emit(direction, message, at..at + len, &bytes);
        at += len.max(1);
    }
    message.consume(at);
}
