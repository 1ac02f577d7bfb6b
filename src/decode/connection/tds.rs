//! TDS on a TCP connection, told by its first bytes on whatever port. Only the beginning is read: how the two sides
//! agree, the login, the first answers.

use callscope_parsers::tds::{
    HEADER, PacketType, TdsContent, TdsEvent, TdsFrame, TdsReader, frame_packet, looks_like_tds,
};

use super::{Arrival, Connection, Mode};
use crate::decode::Sink;
use crate::decode::sql::{DecodedTds, TdsStep};

/// Bytes of one direction that are read.
const READ_BYTES: usize = 64 << 10;
/// Messages of one direction that are handed on.
const MESSAGES: u8 = 32;
/// TLS, as a record's type, that carries what the applications say.
const APPLICATION_DATA: u8 = 23;

#[derive(Debug, Default)]
pub(super) struct TdsState {
    /// Direction of the client.
    client: usize,
    readers: [TdsReader; 2],
    read: [usize; 2],
    messages: [u8; 2],
    events: Vec<TdsEvent>,
    /// TLS stands bare on the connection; told of once.
    tls: bool,
    /// What is said is encrypted from here on.
    pub encrypted: bool,
}

impl TdsState {
    /// What the first bytes of one direction say. `Err`: more bytes are needed to tell.
    pub fn guess(direction: usize, start: &[u8]) -> Result<Option<Self>, ()> {
        let first = match start.first() {
            // Looked at for the old login only where it is nothing else: relays frame messages that begin so.
            Some(kind @ (0x02 | 0x04 | 0x10 | 0x12)) => PacketType(*kind),
            _ => return Ok(None),
        };
        if looks_like_tds(start) {
            let client = if first == PacketType::TABULAR_RESULT { 1 - direction } else { direction };
            return Ok(Some(Self { client, ..Self::default() }));
        }
        // A login without PRELOGIN needs some fields more to be told.
        let begun = match frame_packet(start) {
            TdsFrame::NeedMore(_) => first == PacketType::LOGIN7 && start.len() < HEADER + 40,
            TdsFrame::Packet(_) | TdsFrame::Reject(_) => false,
        };
        if begun { Err(()) } else { Ok(None) }
    }

    pub fn held(&self) -> usize {
        self.readers.iter().map(TdsReader::held).sum()
    }

    pub fn gap(&mut self, direction: usize) {
        self.readers[direction].gap(&mut self.events);
    }
}

impl Connection {
    pub(super) fn tds(&mut self, direction: usize, arrival: &Arrival<'_>, sink: &mut impl Sink) {
        let Mode::Tds(state) = &mut self.mode else { return };
        let (read, messages) = (state.read[direction], state.messages[direction]);
        let bytes = arrival.bytes;
        if read > READ_BYTES || messages > MESSAGES {
            // Nothing more is kept of it.
            if state.held() > 0 {
                state.readers = Default::default();
            }
            return;
        }
        state.read[direction] = read.saturating_add(bytes.len());
        state.readers[direction].push(bytes, &mut state.events);
        self.give_tds(direction, arrival, sink);
    }

    /// Hands on what a direction's reader found.
    fn give_tds(&mut self, direction: usize, arrival: &Arrival<'_>, sink: &mut impl Sink) {
        let ends = self.ends;
        let Mode::Tds(state) = &mut self.mode else { return };
        let (client, server) = if state.client == 0 { ends } else { (ends.1, ends.0) };
        let from_server = direction != state.client;
        let mut events = std::mem::take(&mut state.events);
        for event in events.drain(..) {
            let step = match &event {
                TdsEvent::Message(message) => {
                    state.messages[direction] = state.messages[direction].saturating_add(1);
                    state.tls |= message.content() == TdsContent::Tls;
                    TdsStep::Message(message)
                }
                TdsEvent::TlsRecord { content_type, .. } => {
                    state.encrypted |= *content_type == APPLICATION_DATA;
                    if std::mem::replace(&mut state.tls, true) {
                        continue;
                    }
                    TdsStep::Tls
                }
                TdsEvent::DirectTls => TdsStep::Tls,
                TdsEvent::Multiplexed { .. } => TdsStep::Multiplexed,
                TdsEvent::Issue(issue) => TdsStep::Wrong(&issue.text),
            };
            let (frame, time) = (arrival.frame, arrival.time);
            sink.tds(&DecodedTds { client, server, from_server, frame, time, step });
        }
        state.events = events;
    }

    /// The connection is over: what is not whole is told as far as it came.
    pub(super) fn end_tds(&mut self, sink: &mut impl Sink) {
        for direction in 0..2 {
            let last = self.last;
            let Mode::Tds(state) = &mut self.mode else { return };
            state.readers[direction].finish(&mut state.events);
            let time = self.last_time;
            self.give_tds(direction, &Arrival { bytes: &[], offset: None, frame: last, time }, sink);
        }
    }
}
