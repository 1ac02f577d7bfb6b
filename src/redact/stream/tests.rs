//! Streams whose parts come in ways that cost much.

use std::time::{Duration, Instant};

use super::*;
use crate::limits::Limits;
use crate::net::Direction::{Backward, Forward};
use crate::redact::Key;

const WEB: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Protocol: sip\r\n\r\n";

/// A connection of its own; gives the streams and what becomes of each direction.
struct Feed {
    streams: Streams,
    redactor: Redactor,
    sent: [u64; 2],
}

impl Feed {
    fn new(limits: Limits) -> Self {
        let redactor = Redactor::new(Key::of("a"), &limits, &[], &[]);
        let mut feed = Self { streams: Streams::default(), redactor, sent: [0; 2] };
        let ends = (([10, 0, 0, 1], 40_000).into(), ([10, 0, 0, 2], 5060).into());
        let open = StreamEvent::Open { conn: ConnId(0), syn: true, ends };
        feed.streams.event(open, &mut feed.redactor);
        feed
    }

    fn send(&mut self, direction: Direction, bytes: &[u8]) {
        let at = self.sent[side(direction)];
        self.sent[side(direction)] += bytes.len() as u64;
        let (conn, frame, time) = (ConnId(0), Default::default(), 0);
        let data = StreamEvent::Data { conn, direction, bytes, frame, time, at };
        self.streams.event(data, &mut self.redactor);
    }

    /// Ends the connection.
    fn shown(mut self, direction: Direction) -> (Vec<u8>, Streams) {
        self.streams.event(StreamEvent::Forget { conn: ConnId(0) }, &mut self.redactor);
        assert_eq!(self.streams.held, 0, "nothing waits once a connection is gone");
        self.streams.finish().expect("room");
        let mut out = vec![super::super::UNKNOWN; self.sent[side(direction)] as usize];
        self.streams.fill(0, direction, 0, &mut out).expect("kept");
        (out, self.streams)
    }
}

/// A frame of a client (RFC 6455 §5.2) under a mask that changes nothing.
fn frame(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![u8::from(fin) << 7 | opcode];
    match payload.len() {
        n @ 0..=125 => out.push(0x80 | n as u8),
        n => {
            out.push(0x80 | 127);
            out.extend((n as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload);
    out
}

fn message(body: usize) -> Vec<u8> {
    let head = format!(
        "MESSAGE sip:bob@contoso.com SIP/2.0\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n\
         Content-Length: {body}\r\n\r\n"
    );
    [head.as_bytes(), &vec![b'k'; body]].concat()
}

/// Megabytes in small segments cost as much as in large ones: what waits is neither copied nor read again each time.
#[test]
fn small_segments() {
    let body = 8 << 20;
    let tls = [&[22, 3, 3, 0x3f, 0xff][..], &vec![0; 0x3fff]].concat().repeat(64);
    for (head, bytes) in
        [(WEB, frame(true, 1, &message(body))), (b"".as_slice(), message(body)), (b"".as_slice(), tls)]
    {
        let begun = Instant::now();
        let mut feed = Feed::new(Limits::default());
        if !head.is_empty() {
            feed.send(Forward, head);
        }
        for part in bytes.chunks(64) {
            feed.send(Forward, part);
        }
        let (shown, _) = feed.shown(Forward);
        assert!(!shown.windows(8).any(|w| w == b"kkkkkkkk" || w == b"contoso."));
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}

/// A message in very many frames, or longer than any may be, is read no further, and nothing of it stays.
#[test]
fn messages_in_pieces_have_limits() {
    let limits = Limits { message_bytes: 4096, ..Limits::default() };
    for (count, part) in [(PIECES + 10, &b""[..]), (5_000, b"kontoso")] {
        let mut feed = Feed::new(limits.clone());
        feed.send(Forward, WEB);
        feed.send(Forward, &frame(false, 1, b"kontoso"));
        for _ in 0..count {
            feed.send(Forward, &frame(false, 0, part));
            let waits = &feed.streams.open[&ConnId(0)].halves[0];
            assert!(waits.message.bytes.len() <= 4096 && waits.masks.len() <= PIECES);
        }
        assert_eq!(feed.streams.open[&ConnId(0)].mode, Mode::Other);
        let (shown, _) = feed.shown(Forward);
        assert!(!shown.windows(7).any(|w| w == b"kontoso"));
    }
}

/// Each beginning that no frame has is one for a reason of its own.
#[test]
fn what_is_no_frame_is_none_for_the_same_reason() {
    use callscope_parsers::websocket::{WsFrame, parse_frame};
    let mut reasons = std::collections::BTreeSet::new();
    for head in web::REFUSED {
        let WsFrame::Reject(why) = parse_frame(head, 1 << 20) else { panic!("{head:?}") };
        assert!(reasons.insert(why), "{why}");
        // The same of bytes that mean something.
        let mut feed = Feed::new(Limits::default());
        feed.send(Forward, WEB);
        let whole = frame(true, 1, b"\r\n\r\n");
        feed.send(Forward, &whole);
        feed.send(Forward, &[head, b" alice@contoso.com, 555-0100"].concat());
        let (shown, _) = feed.shown(Forward);
        assert_eq!(parse_frame(&shown[WEB.len() + whole.len()..], 1 << 20), WsFrame::Reject(why));
        assert!(!shown.windows(5).any(|w| w == b"alice" || w == b"conto"));
    }
    assert_eq!(reasons.len(), web::REFUSED.len());
}

/// What waits over all connections has a limit.
#[test]
fn what_waits_has_a_limit() {
    let limits = Limits { stream_bytes_total: 2_000, ..Limits::default() };
    let mut feed = Feed::new(limits);
    for part in message(8_000).chunks(100) {
        feed.send(Forward, part);
        assert!(feed.streams.held <= 2_100);
    }
    let (shown, _) = feed.shown(Forward);
    assert!(!shown.windows(7).any(|w| w == b"contoso" || w == b"kkkkkkk"));
}

/// Keep-alives by the thousand are kept as one piece.
#[test]
fn what_goes_on_is_one_piece() {
    let mut feed = Feed::new(Limits::default());
    feed.send(Forward, &message(1));
    feed.send(Backward, b"\r\n\r\n");
    for _ in 0..1_000 {
        feed.send(Forward, b"\r\n\r\n");
    }
    let (shown, streams) = feed.shown(Forward);
    assert!(shown.ends_with(&b"\r\n\r\n".repeat(1_000)));
    assert!(streams.list[0][0].len() <= 3, "{}", streams.list[0][0].len());
}

/// A login of TDS 4.2 whose packet is not the last one, and no other follows: it still tells what is spoken.
#[test]
fn the_beginning_of_a_login_stays_one() {
    let login = [&[2, 0, 2, 0, 0, 0, 1, 0][..], b"fabrikam", &[0; 22], &[8], &[b'k'; 473]].concat();
    let mut feed = Feed::new(Limits::default());
    feed.send(Forward, &login);
    let (shown, _) = feed.shown(Forward);
    assert!(looks_like_tds(&login) && looks_like_tds(&shown));
    assert_eq!((&shown[..8], &shown[8..]), (&login[..8], &[0; 504][..]));
}
