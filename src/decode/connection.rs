//! One TCP connection: what is spoken on it, and messages cut out of its two directions.

use std::net::SocketAddr;

use callscope_parsers::probe::{Probe, probe_stream};
use callscope_parsers::sip::{
    self, Framing, find_next_start, find_start, first_line, frame_message, looks_like_sip,
};

use super::breakage;
use super::dns::dns_port;
use super::ordered::first_time;
use super::tls::TlsState;
use super::websocket::{WebState, WsStep};
use super::{Accounting, Breakage, BreakageKind, Class, DecodedSip, Place, Sink, TlsSession, Transport, Way};
use crate::capture::{FrameRef, Nanos};
use crate::limits::Limits;

mod dns;
mod half;
mod stun;
mod tds;

use half::{Half, Mark, SMALL_BUFFER};
use stun::StunState;
use tds::TdsState;

/// Bytes of a connection looked through for SIP before it counts as other traffic.
const UNDECIDED_BYTES: usize = 64 << 10;

/// What is spoken.
#[derive(Debug, Default)]
enum Mode {
    #[default]
    Undecided,
    Sip,
    Tls(Box<TlsState>),
    Web(Box<WebState>),
    Stun(Box<StunState>),
    Tds(Box<TdsState>),
    Dns,
    Other,
}

/// Bytes just arrived, and where they lie in the capture if they lie there in one piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub bytes: &'a [u8],
    pub offset: Option<u64>,
    pub frame: FrameRef,
    pub time: Nanos,
}

/// A followed connection.
#[derive(Debug)]
pub(super) struct Connection {
    ends: (SocketAddr, SocketAddr),
    syn: bool,
    mode: Mode,
    halves: [Half; 2],
    /// Frames that came before it was clear what is spoken: without payload, and with.
    pub waiting: [u64; 2],
    /// The frame whose bytes came last.
    last: FrameRef,
    last_time: Nanos,
    /// It may be one that a look-up of a SQL Server instance led to.
    pub expected: bool,
    /// A message was not kept for a limit since this was last taken.
    pub over_limit: bool,
    /// The direction of an INVITE that no final answer came back for yet.
    asking: Option<usize>,
    /// An end of it has closed or reset it.
    ended: bool,
    /// Its share of [`Context::held`].
    held: usize,
}

impl Connection {
    pub fn new(ends: (SocketAddr, SocketAddr), syn: bool) -> Self {
        Self {
            ends,
            syn,
            mode: Mode::Undecided,
            halves: Default::default(),
            waiting: [0; 2],
            over_limit: false,
            asking: None,
            ended: false,
            held: 0,
            last: FrameRef::default(),
            last_time: 0,
            expected: false,
        }
    }

    /// How a frame of this connection counts; none while undecided.
    pub fn class(&self, payload: bool) -> Option<Class> {
        match &self.mode {
            Mode::Undecided => None,
            Mode::Sip | Mode::Stun(_) | Mode::Dns => Some(Class::Decoded),
            Mode::Tds(t) => Some(if payload && t.encrypted { Class::Encrypted } else { Class::Decoded }),
            Mode::Tls(_) => Some(if payload { Class::Encrypted } else { Class::Decoded }),
            Mode::Web(w) => w.is_websocket().then_some(Class::Decoded),
            Mode::Other => Some(Class::Other),
        }
    }

    /// Counts the frames that waited; what nothing could be told of is other traffic.
    pub fn settle_waiting(&mut self, accounting: &mut Accounting, sink: &mut impl Sink) {
        let [bare, with_payload] = std::mem::take(&mut self.waiting);
        let unknown = if self.expected { Class::Decoded } else { Class::Other };
        accounting.add(self.class(false).unwrap_or(unknown), bare);
        accounting.add(self.class(true).unwrap_or(Class::Other), with_payload);
        if with_payload > 0 {
            self.count_encrypted(with_payload, sink);
        }
    }

    pub fn count_encrypted(&self, frames: u64, sink: &mut impl Sink) {
        if let Some(session) = self.tls_session().and_then(|s| sink.tls(s)) {
            session.encrypted_frames += frames;
        }
    }

    fn tls_session(&self) -> Option<usize> {
        match &self.mode {
            Mode::Tls(t) => Some(t.session),
            _ => None,
        }
    }

    fn addresses(&self, direction: usize) -> (SocketAddr, SocketAddr) {
        if direction == 0 { self.ends } else { (self.ends.1, self.ends.0) }
    }

    /// A segment's new bytes in order.
    pub fn data(
        &mut self,
        direction: usize,
        arrival: Arrival<'_>,
        cx: &mut Context<'_>,
        sink: &mut impl Sink,
    ) {
        self.last = arrival.frame;
        self.last_time = arrival.time;
        if let Mode::Undecided | Mode::Other = self.mode {
            self.decide(direction, &arrival, cx, sink);
        }
        self.take(direction, arrival, cx, sink);
        self.keep_within(direction, arrival.frame, cx, sink);
    }

    /// Gives up what this connection waits for where all of them wait for too much.
    fn keep_within(&mut self, direction: usize, frame: FrameRef, cx: &mut Context<'_>, sink: &mut impl Sink) {
        self.count_held(cx);
        if *cx.held <= cx.limits.stream_bytes_total || self.held == 0 {
            return;
        }
        let name = "stream_bytes_total";
        if first_time(cx.limits_said, name) {
            let text = format!("limit {name} reached: the beginnings of messages were given up");
            sink.issue("limit-stream-bytes-total", frame, text);
        }
        self.over_limit = true;
        match self.mode {
            Mode::Sip => {
                for d in [direction, 1 - direction] {
                    self.flush(d, cx, sink);
                    self.halves[d] = Half { lost: true, ..Half::default() };
                }
            }
            Mode::Undecided | Mode::Web(_) | Mode::Tls(_) | Mode::Stun(_) | Mode::Tds(_) | Mode::Dns => {
                self.give_up()
            }
            Mode::Other => {}
        }
        self.count_held(cx);
    }

    fn count_held(&mut self, cx: &mut Context<'_>) {
        let mode = match &self.mode {
            Mode::Tls(tls) => tls.held(),
            Mode::Web(web) => web.held(),
            Mode::Stun(stun) => stun.held(),
            Mode::Tds(tds) => tds.held(),
            Mode::Undecided | Mode::Sip | Mode::Dns | Mode::Other => 0,
        };
        let held = mode + self.halves.iter().map(Half::held).sum::<usize>();
        *cx.held = (*cx.held + held).saturating_sub(self.held);
        self.held = held;
    }

    fn take(&mut self, direction: usize, arrival: Arrival<'_>, cx: &mut Context<'_>, sink: &mut impl Sink) {
        match &mut self.mode {
            Mode::Undecided => {
                let half = &mut self.halves[direction];
                half.seen += arrival.bytes.len();
                if half.seen > UNDECIDED_BYTES {
                    self.give_up();
                } else {
                    half.push(arrival.bytes, arrival.frame, arrival.time);
                }
            }
            Mode::Sip => self.sip(direction, arrival, cx, sink),
            Mode::Tls(tls) => {
                if let Some(session) = sink.tls(tls.session) {
                    session.last = session.last.max(arrival.time);
                    tls.push(direction, arrival.bytes, self.ends, session);
                }
            }
            Mode::Web(_) => self.web(direction, arrival, cx, sink),
            Mode::Stun(_) => self.stun(direction, arrival, cx, sink),
            Mode::Tds(_) => self.tds(direction, &arrival, sink),
            Mode::Dns => self.dns(direction, arrival, cx, sink),
            Mode::Other => {}
        }
    }

    fn give_up(&mut self) {
        self.mode = Mode::Other;
        self.halves = Default::default();
    }

    fn decide(
        &mut self,
        direction: usize,
        arrival: &Arrival<'_>,
        cx: &mut Context<'_>,
        sink: &mut impl Sink,
    ) {
        let half = &self.halves[direction];
        let joined;
        let start: &[u8] = if half.buf.is_empty() {
            arrival.bytes
        } else {
            joined = [half.buf.as_slice(), arrival.bytes].concat();
            &joined
        };
        let was_other = matches!(self.mode, Mode::Other);
        if !was_other && dns_port(self.ends.0, self.ends.1).is_some() {
            match dns::guess(start) {
                Some(true) => {
                    self.mode = Mode::Dns;
                    return self.take_held(1 - direction, cx, sink);
                }
                Some(false) => {}
                None => return,
            }
        }
        if !was_other && start.first() != Some(&2) {
            match TdsState::guess(direction, start) {
                Ok(Some(state)) => return self.start_tds(state, direction, cx, sink),
                Err(()) => return,
                Ok(None) => {}
            }
        }
        if !was_other {
            match StunState::guess(start) {
                Ok(Some(state)) => {
                    self.mode = Mode::Stun(Box::new(state));
                    return self.take_held(1 - direction, cx, sink);
                }
                Err(()) => return,
                Ok(None) => {}
            }
            if start.first() == Some(&2)
                && let Ok(Some(state)) = TdsState::guess(direction, start)
            {
                return self.start_tds(state, direction, cx, sink);
            }
        }
        match probe_stream(start) {
            // Only a start line proves SIP on a connection that spoke something else before.
            Probe::Sip => self.mode = Mode::Sip,
            _ if was_other => {}
            Probe::SipKeepAlive => {}
            Probe::Tls => self.start_tls(direction, arrival, sink),
            Probe::Http => self.mode = Mode::Web(Box::default()),
            _ => {
                let known_port = |a: SocketAddr| a.port() == 5060 || cx.sip_ports.contains(&a.port());
                let tolerant = !self.syn || known_port(self.ends.0) || known_port(self.ends.1);
                if tolerant && find_start(start).is_some() {
                    self.mode = Mode::Sip;
                    self.halves[direction].lost = true;
                } else if !tolerant && !looks_like_sip(start) && start.len() >= 16 {
                    self.give_up();
                }
            }
        }
        if matches!(self.mode, Mode::Sip) && was_other {
            self.halves = Default::default();
        }
        if matches!(self.mode, Mode::Sip) {
            self.take_held(1 - direction, cx, sink);
        }
    }

    fn start_tds(&mut self, state: TdsState, direction: usize, cx: &mut Context<'_>, sink: &mut impl Sink) {
        self.mode = Mode::Tds(Box::new(state));
        self.take_held(direction, cx, sink);
        self.take_held(1 - direction, cx, sink);
    }

    /// Takes what a direction held while it could not be told what is spoken.
    fn take_held(&mut self, direction: usize, cx: &mut Context<'_>, sink: &mut impl Sink) {
        let held = std::mem::take(&mut self.halves[direction]);
        let mut from = 0;
        for m in held.marks {
            let bytes = held.buf.get(from..m.end).unwrap_or_default();
            from = m.end;
            self.take(direction, Arrival { bytes, offset: None, frame: m.frame, time: m.time }, cx, sink);
        }
    }

    /// Takes the connection for TLS, `direction` being the client's; what is held goes to it.
    fn start_tls(&mut self, direction: usize, arrival: &Arrival<'_>, sink: &mut impl Sink) {
        let (client, server) = self.addresses(direction);
        let session = sink.tls_start(TlsSession {
            first: arrival.time,
            last: arrival.time,
            client: Some(client),
            server: Some(server),
            frame: arrival.frame,
            ..TlsSession::default()
        });
        let mut state = TlsState::new(session);
        for d in [direction, 1 - direction] {
            let earlier = std::mem::take(&mut self.halves[d]);
            if let Some(session) = sink.tls(session)
                && !earlier.buf.is_empty()
            {
                state.push(d, &earlier.buf, self.ends, session);
            }
        }
        self.mode = Mode::Tls(Box::new(state));
    }

    /// Bytes are missing in `direction`.
    pub fn gap(
        &mut self,
        direction: usize,
        bytes: u64,
        frame: FrameRef,
        cx: &mut Context<'_>,
        sink: &mut impl Sink,
    ) {
        // At the end of the capture no frame is at hand: what came last shows where.
        let frame = if frame.frame == 0 { self.last } else { frame };
        self.syn = false;
        let mut of_sip = false;
        match &mut self.mode {
            Mode::Tls(tls) => tls.gap(direction),
            Mode::Tds(tds) => tds.gap(direction),
            Mode::Sip => {
                self.flush(direction, cx, sink);
                self.halves[direction].lost = true;
                of_sip = true;
            }
            Mode::Web(web) => {
                web.lost(direction);
                of_sip = web.carries_sip;
                self.halves[direction].clear();
            }
            Mode::Undecided => self.halves[direction].clear(),
            Mode::Dns => {
                self.halves[direction].clear();
                self.halves[direction].lost = true;
            }
            Mode::Stun(state) => {
                state.lost(direction);
                self.halves[direction].clear();
            }
            Mode::Other => {}
        }
        if of_sip {
            let (src, dst) = self.addresses(direction);
            let text = format!("{bytes} bytes of the TCP stream {src} → {dst} are not in the capture");
            sink.issue("tcp-gap", frame, text);
        }
    }

    /// The beginning of a message whose rest will not come is still a message.
    fn flush(&mut self, direction: usize, cx: &mut Context<'_>, sink: &mut impl Sink) {
        let half = &mut self.halves[direction];
        if let Some(&Mark { frame, time, .. }) = half.marks.last()
            && std::mem::take(&mut half.wanted) > half.buf.len()
        {
            self.sip(direction, Arrival { bytes: &[], offset: None, frame, time }, cx, sink);
        }
        let (src, dst) = self.addresses(direction);
        let half = &mut self.halves[direction];
        let start = half.buf.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(half.buf.len());
        let bytes = half.buf.get(start..).unwrap_or_default();
        // A start line at least has to be whole, else nothing can be said of it.
        // Without a Content-Length the end of the stream ends the body (RFC 3261 §18.3 wants one, not all send it).
        let whole = |scan: &sip::Scan<'_>| scan.content_length.is_none() && scan.body_start < bytes.len();
        if !half.lost
            && memchr::memchr(b'\n', bytes).is_some()
            && let Some(scan) = sip::scan(bytes)
            && let Some((frame, time)) = half.frames(start, half.buf.len(), cx.parts)
        {
            let way = Way { frame, parts: cx.parts, time, src, dst, transport: Transport::Tcp };
            let message = DecodedSip::new(&scan, bytes, cx.digest(bytes), way);
            self.over_limit |= !sink.sip(&DecodedSip { cut: !whole(&scan), ..message });
        }
        half.clear();
    }

    /// No more bytes will come in either direction.
    pub fn end(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink) {
        if matches!(self.mode, Mode::Sip) {
            for direction in 0..2 {
                self.flush(direction, cx, sink);
            }
        }
        self.end_stun(cx, sink);
        self.end_tds(sink);
        *cx.held = cx.held.saturating_sub(std::mem::take(&mut self.held));
    }

    pub fn closed(
        &mut self,
        direction: usize,
        reset: bool,
        frame: FrameRef,
        time: Nanos,
        sink: &mut impl Sink,
    ) {
        let kind = if reset { BreakageKind::Reset } else { BreakageKind::Closed };
        self.broke(kind, direction, frame, time, sink);
        // An end that only follows suit tells nothing.
        let first = !std::mem::replace(&mut self.ended, true);
        if first && matches!(self.mode, Mode::Stun(_)) {
            // What the other end sent may have been in vain; the requests without an answer tell.
            let (by, src) = self.addresses(direction);
            let transport = Transport::Tcp;
            sink.broken(&Breakage { src, dst: by, transport, kind, by: by.ip(), frame, time, branch: 0 });
        }
        if let Mode::Tls(tls) = &self.mode
            && let Some(session) = sink.tls(tls.session)
            && session.closed_by.is_none()
        {
            session.closed_by = Some((tls.side(direction), frame));
        }
    }

    /// Tells of it where an INVITE waits for an answer.
    fn broke(&mut self, kind: BreakageKind, by: usize, frame: FrameRef, time: Nanos, sink: &mut impl Sink) {
        let transport = match self.mode {
            Mode::Sip => Transport::Tcp,
            Mode::Web(_) => Transport::Ws,
            Mode::Undecided | Mode::Tls(_) | Mode::Stun(_) | Mode::Tds(_) | Mode::Dns | Mode::Other => return,
        };
        if let Some(direction) = self.asking.take() {
            let (src, dst) = self.addresses(direction);
            let by = self.addresses(by).0.ip();
            sink.broken(&Breakage { src, dst, transport, kind, by, frame, time, branch: 0 });
        }
    }

    fn sip(&mut self, direction: usize, arrival: Arrival<'_>, cx: &mut Context<'_>, sink: &mut impl Sink) {
        let (src, dst) = self.addresses(direction);
        let half = &mut self.halves[direction];
        let buffered = !half.buf.is_empty();
        if buffered {
            half.push(arrival.bytes, arrival.frame, arrival.time);
            if half.buf.len() < half.wanted {
                return;
            }
        }
        half.wanted = 0;
        let mut wanted = 0;
        let mut alerted = None;
        let mut at = 0;
        loop {
            let all: &[u8] = if buffered { &half.buf } else { arrival.bytes };
            let rest = all.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            if half.lost {
                match find_start(rest) {
                    Some(skip) => {
                        at += skip;
                        half.lost = false;
                        continue;
                    }
                    None => {
                        // The last line may be the beginning of a start line.
                        let line = memchr::memrchr(b'\n', rest).map_or(0, |p| p + 1);
                        let keep = rest.len() - line <= 1024;
                        at = if keep { at + line } else { all.len() };
                        break;
                    }
                }
            }
            match frame_message(rest, cx.limits.header_bytes, cx.limits.message_bytes) {
                Framing::Message { start, len } => {
                    let (from, to) = (at + start, at + start + len);
                    let Some(bytes) = all.get(from..to) else { break };
                    let (frame, time) = if buffered {
                        match half.frames(from, to, cx.parts) {
                            Some(last) => last,
                            None => break,
                        }
                    } else {
                        cx.parts.clear();
                        (arrival.frame, arrival.time)
                    };
                    if let Some(scan) = sip::scan(bytes) {
                        self.asking = asking(&scan, direction, self.asking);
                        let place = match arrival.offset {
                            Some(offset) if !buffered => {
                                Place::File { offset: offset + from as u64, len: len as u32 }
                            }
                            _ => Place::Memory(bytes),
                        };
                        let way = Way { frame, parts: cx.parts, time, src, dst, transport: Transport::Tcp };
                        let message = DecodedSip::new(&scan, bytes, cx.digest(bytes), way);
                        self.over_limit |= !sink.sip(&DecodedSip { place, dscp: Some(cx.dscp), ..message });
                    }
                    at = to;
                }
                Framing::KeepAlive(n) => at += n.max(1),
                Framing::NeedMore(n) => {
                    wanted = n;
                    if rest.len() > SMALL_BUFFER {
                        wanted = n.max(rest.len() + rest.len() / 16);
                    }
                    break;
                }
                refused @ (Framing::Reject(_) | Framing::TooLong { .. }) => {
                    let alert = breakage::tls_alert(rest);
                    let (code, why) = match refused {
                        Framing::Reject(why) => ("sip-stream-out-of-step", why),
                        Framing::TooLong { header: true } => {
                            ("limit-header-bytes", "the header section is longer than limit header_bytes")
                        }
                        _ => ("limit-message-bytes", "the message is longer than limit message_bytes"),
                    };
                    self.over_limit |= matches!(refused, Framing::TooLong { .. });
                    let text = format!("{src} → {dst}: {why}; reading goes on at the next message");
                    if alert.is_none() {
                        sink.issue(code, arrival.frame, text);
                    }
                    half.lost = true;
                    // `find_start` could give the refused line again, or a piece of it.
                    at += find_next_start(rest).unwrap_or_else(|| first_line(rest));
                    if let Some(description) = alert {
                        let kind = BreakageKind::TlsAlert { description };
                        alerted = Some((kind, arrival.frame, arrival.time));
                    }
                }
            }
        }
        if buffered {
            half.consume(at);
        } else if let Some(rest) = arrival.bytes.get(at..)
            && !rest.is_empty()
        {
            half.push(rest, arrival.frame, arrival.time);
        }
        half.wanted = wanted;
        if let Some((kind, frame, time)) = alerted {
            self.broke(kind, direction, frame, time, sink);
        }
    }

    fn web(&mut self, direction: usize, arrival: Arrival<'_>, cx: &mut Context<'_>, sink: &mut impl Sink) {
        let (src, dst) = self.addresses(direction);
        let Mode::Web(web) = &mut self.mode else { return };
        let half = &mut self.halves[direction];
        half.push(arrival.bytes, arrival.frame, arrival.time);
        let mut at = 0;
        loop {
            let rest = half.buf.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let was = web.is_websocket();
            match web.step(direction, rest, cx.limits) {
                WsStep::Used(n) => {
                    if !was && web.is_websocket() {
                        sink.websocket_start();
                    }
                    at += n;
                }
                WsStep::Message(n, bytes) => {
                    let last = half.frames(at, at + n, cx.parts);
                    at += n;
                    if let Some((frame, time)) = last
                        && let Some(scan) = sip::scan(&bytes)
                    {
                        web.carries_sip = true;
                        self.asking = asking(&scan, direction, self.asking);
                        let way = Way { frame, parts: cx.parts, time, src, dst, transport: Transport::Ws };
                        let message = DecodedSip::new(&scan, &bytes, cx.digest(&bytes), way);
                        self.over_limit |= !sink.sip(&message);
                    }
                }
                WsStep::NeedMore => break,
                WsStep::Give(why) => {
                    if was {
                        let text =
                            format!("WebSocket {src} → {dst}: {why}; the rest of the connection is not read");
                        sink.issue("websocket-out-of-step", arrival.frame, text);
                    }
                    self.give_up();
                    return;
                }
                WsStep::TooLong => {
                    let why = "a message is longer than limit message_bytes; the rest of the connection is not read";
                    sink.issue("limit-message-bytes", arrival.frame, format!("{src} → {dst}: {why}"));
                    self.over_limit = true;
                    self.give_up();
                    return;
                }
            }
        }
        half.consume(at);
    }
}

/// Whether an INVITE waits for its final answer after this message went in `direction`.
fn asking(scan: &sip::Scan<'_>, direction: usize, before: Option<usize>) -> Option<usize> {
    if scan.cseq_method != b"INVITE" {
        before
    } else if scan.status == 0 {
        Some(direction)
    } else {
        before.filter(|asked| scan.status < 200 || *asked == direction)
    }
}

/// What every connection of a capture needs.
pub(super) struct Context<'a> {
    pub limits: &'a Limits,
    pub sip_ports: &'a [u16],
    pub hasher: &'a foldhash::fast::RandomState,
    pub parts: &'a mut Vec<FrameRef>,
    /// Memory for what is not whole yet, over all connections.
    pub held: &'a mut usize,
    /// Limits that were told of.
    pub limits_said: &'a mut Vec<&'static str>,
    /// Of the segment at hand.
    pub dscp: u8,
}

impl Context<'_> {
    fn digest(&self, bytes: &[u8]) -> u64 {
        use std::hash::BuildHasher;
        self.hasher.hash_one(bytes)
    }
}
