//! One direction of a connection, cut into messages.

use std::ops::Range;

use super::{HEADER, PacketHeader, PacketType, login, parse_header, prelogin, status};
use crate::Issue;

/// Bytes kept of a message; the rest is counted.
const MAX_KEPT: usize = 64 * 1024;
/// Packets of a message whose places are kept.
const MAX_PIECES: usize = 256;
/// Issues given for one direction.
const MAX_ISSUES: u8 = 16;
/// First byte of a packet of the session multiplex protocol ([MC-SMP]), which MARS brings.
const SMP: u8 = 0x53;

/// What a message is, by its packets' type and its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TdsContent {
    /// Of a client in packets of type 18, of a server in type 4.
    Prelogin,
    /// TLS records.
    Tls,
    Login7,
    /// Answer of a server.
    Tokens,
    Other,
}

/// A whole message, or as much of it as there was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TdsMessage {
    pub kind: PacketType,
    /// Stream positions of its first packet's header and of the byte after its last packet.
    pub start: usize,
    pub end: usize,
    pub packets: u32,
    /// Bytes of the payload.
    pub length: usize,
    /// Its beginning, 64 KiB at most.
    pub payload: Vec<u8>,
    /// It ended before its end: by a gap, or with the capture.
    pub cut: bool,
    /// Server process id of the first packet.
    pub spid: u16,
    /// Status of the first packet; see [`status`].
    pub status: u8,
    /// Places in `payload` and in the stream where the content of each packet begins, and its length.
    pieces: Vec<(usize, usize, usize)>,
}

impl TdsMessage {
    /// Where a range of `payload` stands in the stream: more than one where it goes over packets. Packets after the
    /// 256th are not known.
    pub fn stream_ranges(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let cut = self.pieces.iter().filter_map(|&(at, stream, length)| {
            let (from, to) = (range.start.max(at), range.end.min(at + length).min(self.payload.len()));
            (from < to).then(|| stream + (from - at)..stream + (to - at))
        });
        cut.collect()
    }

    pub fn content(&self) -> TdsContent {
        let is_tls = matches!(self.payload.as_slice(), [0x14..=0x17, 3, ..]);
        match self.kind {
            PacketType::PRELOGIN if is_tls => TdsContent::Tls,
            PacketType::PRELOGIN => TdsContent::Prelogin,
            PacketType::TABULAR_RESULT if is_tls => TdsContent::Tls,
            PacketType::TABULAR_RESULT if prelogin::looks_like_prelogin(&self.payload, self.length) => {
                TdsContent::Prelogin
            }
            PacketType::TABULAR_RESULT => TdsContent::Tokens,
            PacketType::LOGIN7 if login::looks_like_login7(&self.payload) => TdsContent::Login7,
            _ => TdsContent::Other,
        }
    }
}

/// What a direction of a connection says. Fed by [`TdsReader::push`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TdsEvent {
    Message(TdsMessage),
    /// A TLS record that stands bare on the connection, after a handshake inside packets.
    TlsRecord {
        start: usize,
        content_type: u8,
        bytes: usize,
    },
    /// The connection begins with TLS: TDS 8.0 (or no TDS at all). Nothing more is read.
    DirectTls,
    /// What follows is multiplexed (MARS). Nothing more is read.
    Multiplexed {
        start: usize,
    },
    /// Its range counts the bytes given to [`TdsReader::push`] from the first.
    Issue(Issue),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// At a header.
    #[default]
    Header,
    Payload {
        left: usize,
    },
    TlsRecord {
        left: usize,
    },
    /// Looking for a header.
    Lost,
    /// Something else goes on here.
    Left,
}

/// Reads one direction of a connection; keeps at most one message.
#[derive(Debug, Default)]
pub struct TdsReader {
    state: State,
    header: Vec<u8>,
    message: Option<TdsMessage>,
    /// The packet being read ends its message.
    ends_message: bool,
    /// Type, start and bytes of a TLS record being read.
    record: (u8, usize, usize),
    /// Of the last packet.
    spid: Option<u16>,
    /// A header was found after a loss, but not yet a second behind it.
    doubtful: bool,
    packets_since_loss: u8,
    tls_seen: bool,
    started: bool,
    issues: u8,
    /// Bytes pushed so far.
    position: usize,
}

impl TdsReader {
    /// Memory for what is not whole yet.
    pub fn held(&self) -> usize {
        let pieces = |m: &TdsMessage| m.pieces.capacity() * size_of::<(usize, usize, usize)>();
        self.message.as_ref().map_or(0, |m| m.payload.capacity() + pieces(m))
    }

    /// Takes the next stream bytes, gives what they complete.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<TdsEvent>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = match self.state {
                State::Header => self.at_header(rest, events),
                State::Payload { left } => self.in_payload(left, rest, events),
                State::TlsRecord { left } => self.in_record(left, rest, events),
                State::Lost => self.when_lost(rest),
                State::Left => self.advance(rest.len()),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    /// Bytes are missing in the stream: find the next plausible packet. Gives the message that is cut.
    pub fn gap(&mut self, events: &mut Vec<TdsEvent>) {
        if self.state == State::Left {
            return;
        }
        self.finish(events);
        self.header.clear();
        self.started = true;
        self.doubtful = true;
        self.packets_since_loss = 0;
        self.state = State::Lost;
    }

    /// The stream is over: gives the message that is cut.
    pub fn finish(&mut self, events: &mut Vec<TdsEvent>) {
        if let Some(mut message) = self.message.take() {
            message.cut = true;
            message.end = self.position;
            events.push(TdsEvent::Message(message));
        }
    }

    fn issue(&mut self, code: &'static str, text: &'static str, events: &mut Vec<TdsEvent>) {
        if self.issues < MAX_ISSUES {
            self.issues += 1;
            let start = self.position.saturating_sub(self.header.len());
            events.push(TdsEvent::Issue(Issue::new(code, start..self.position, text)));
        }
    }

    /// Moves the stream position on.
    fn advance(&mut self, used: usize) -> usize {
        self.position = self.position.saturating_add(used);
        used
    }

    /// Takes one byte of a header.
    fn at_header(&mut self, bytes: &[u8], events: &mut Vec<TdsEvent>) -> usize {
        let Some(&byte) = bytes.first() else { return 0 };
        self.header.push(byte);
        let used = self.advance(1);
        let start = self.position.saturating_sub(self.header.len());
        match self.header.as_slice() {
            [0x14..=0x17] | [0x14..=0x17, 3] | [0x14..=0x17, 3, _] | [0x14..=0x17, 3, _, _]
                if self.tls_seen || !self.started => {}
            &[kind @ 0x14..=0x17, 3, _, high, low] if self.tls_seen => {
                let left = usize::from(u16::from_be_bytes([high, low]));
                self.record = (kind, start, left);
                self.header.clear();
                self.state = State::TlsRecord { left };
                self.record_done(left, events);
            }
            [0x14..=0x17, 3, ..] if !self.started => {
                self.state = State::Left;
                events.push(TdsEvent::DirectTls);
            }
            [SMP, ..] if self.started => {
                self.state = State::Left;
                self.finish(events);
                events.push(TdsEvent::Multiplexed { start });
            }
            header => match header.first_chunk().map(|h| parse_header(*h)) {
                Some(Ok(packet)) => self.packet(packet, start, events),
                Some(Err(why)) => self.lose("tds-bad-header", why, events),
                None if PacketType(kind_of(header)).name().is_none() => {
                    self.lose("tds-bad-header", "unknown packet type", events);
                }
                None => {}
            },
        }
        used
    }

    fn lose(&mut self, code: &'static str, text: &'static str, events: &mut Vec<TdsEvent>) {
        // What looked like a header after a loss need not have been one.
        if !std::mem::replace(&mut self.doubtful, true) {
            self.issue(code, text, events);
        }
        self.header.clear();
        self.finish(events);
        self.started = true;
        self.packets_since_loss = 0;
        self.state = State::Lost;
    }

    fn packet(&mut self, packet: PacketHeader, start: usize, events: &mut Vec<TdsEvent>) {
        self.header.clear();
        self.started = true;
        // The second packet in a row is no accident.
        self.doubtful &= self.packets_since_loss == 0;
        self.packets_since_loss = self.packets_since_loss.saturating_add(1);
        self.spid = Some(packet.spid);
        let left = usize::from(packet.length).saturating_sub(HEADER);
        // The login of TDS 5 goes on in packets of the other type.
        let goes_on =
            |kind| kind == packet.kind || (kind, packet.kind) == (PacketType::OLD_LOGIN, PacketType::NORMAL);
        if self.message.as_ref().is_some_and(|m| !goes_on(m.kind)) {
            self.issue("tds-message-cut", "Another message begins inside a message", events);
            self.finish(events);
        }
        let message = self.message.get_or_insert_with(|| TdsMessage {
            kind: packet.kind,
            start,
            end: start,
            packets: 0,
            length: 0,
            payload: Vec::new(),
            cut: false,
            spid: packet.spid,
            status: packet.status,
            pieces: Vec::new(),
        });
        if message.pieces.len() < MAX_PIECES && message.payload.len() < MAX_KEPT {
            message.pieces.push((message.payload.len(), self.position, left));
        }
        message.packets = message.packets.saturating_add(1);
        self.ends_message = packet.status & status::END_OF_MESSAGE != 0;
        self.state = State::Payload { left };
        self.payload_done(left, events);
    }

    fn in_payload(&mut self, left: usize, bytes: &[u8], events: &mut Vec<TdsEvent>) -> usize {
        let taken = bytes.get(..left.min(bytes.len())).unwrap_or_default();
        if let Some(message) = &mut self.message {
            let room = MAX_KEPT.saturating_sub(message.payload.len());
            message.payload.extend_from_slice(taken.get(..room.min(taken.len())).unwrap_or_default());
            message.length = message.length.saturating_add(taken.len());
        }
        let left = left - taken.len();
        self.state = State::Payload { left };
        let used = self.advance(taken.len());
        self.payload_done(left, events);
        used
    }

    fn payload_done(&mut self, left: usize, events: &mut Vec<TdsEvent>) {
        if left > 0 {
            return;
        }
        self.state = State::Header;
        if self.ends_message
            && let Some(mut message) = self.message.take()
        {
            message.end = self.position;
            self.tls_seen |= message.content() == TdsContent::Tls;
            events.push(TdsEvent::Message(message));
        }
    }

    fn in_record(&mut self, left: usize, bytes: &[u8], events: &mut Vec<TdsEvent>) -> usize {
        let taken = left.min(bytes.len());
        self.state = State::TlsRecord { left: left - taken };
        let used = self.advance(taken);
        self.record_done(left - taken, events);
        used
    }

    fn record_done(&mut self, left: usize, events: &mut Vec<TdsEvent>) {
        if left == 0 {
            let (content_type, start, bytes) = self.record;
            self.state = State::Header;
            events.push(TdsEvent::TlsRecord { start, content_type, bytes });
        }
    }

    /// Slides over the bytes until eight of them can be a header.
    fn when_lost(&mut self, bytes: &[u8]) -> usize {
        for (n, byte) in bytes.iter().enumerate() {
            if self.header.len() == HEADER {
                self.header.remove(0);
            }
            self.header.push(*byte);
            // A packet that does not end its message is full, and of the connection known.
            let plausible = match self.header.first_chunk().map(|h| parse_header(*h)) {
                // Without content, so it is not worth finding.
                Some(Ok(PacketHeader { kind: PacketType::ATTENTION, .. })) => false,
                Some(Ok(PacketHeader { status, length, spid, window: 0, .. })) => match status {
                    0x01 | 0x09 | 0x11 => (HEADER as u16 + 1..=32_767).contains(&length),
                    0x00 | 0x04 => (512..=32_767).contains(&length) && self.spid == Some(spid),
                    _ => false,
                },
                _ => false,
            };
            if plausible {
                // Read again as a header, now that its last byte is known.
                self.header.pop();
                self.state = State::Header;
                return self.advance(n);
            }
        }
        self.advance(bytes.len())
    }
}

fn kind_of(header: &[u8]) -> u8 {
    header.first().copied().unwrap_or_default()
}
