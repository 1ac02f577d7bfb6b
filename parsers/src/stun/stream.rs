//! STUN and TURN on TCP: where one message ends and the next begins, in four framings, and Microsoft's opening that
//! only looks like TLS.
//!
//! ```text
//! RFC 8489 §6.2.2, RFC 8656 §12.5   STUN message | ChannelData padded to four bytes
//! RFC 4571 (checks, media)          length u16 | payload
//! Microsoft, TCP 443                02 or 03 | 00 | length u16 | payload     02 control, 03 end-to-end data
//! multiplexed TURN                  FF 10 | length u16 | session id, 8 bytes | data; length counts id and data
//! ```
//!
//! Every answer other than `NeedMore` stays the same however many bytes follow, so that it does not matter how a
//! stream is cut into segments.
//!
//! Deviation accepted: libnice sends, on a connection whose opening was not answered in time, `03 00` and then a bare
//! MS-TURN message without a length.

use std::ops::Range;

use memchr::memmem;

use super::{HEADER, MAGIC_COOKIE, MS_TURN_COOKIE, MessageType};
use crate::big_endian::u16_at;

/// What stands at the beginning of a buffer of stream bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// A whole frame; the next one begins `consumed` bytes on.
    Message { kind: FrameKind, payload: Range<usize>, consumed: usize },
    /// Looks like the beginning of a frame; at least so many bytes in all are needed to say more.
    NeedMore(usize),
    /// No frame of this framing; why.
    Reject(&'static str),
}

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// A STUN or TURN message.
    Stun,
    /// TURN ChannelData, its header included in the payload and its padding not.
    ChannelData,
    /// Whatever the two ends agreed on (RFC 4571): a check, DTLS, RTP.
    Packet,
    /// Microsoft's type 2: a whole MS-TURN message.
    Control,
    /// Microsoft's type 3: what goes to or comes from the active destination.
    EndToEnd,
    /// An MS-TURN message behind Microsoft's first two bytes, without a length (libnice).
    Unframed,
    /// Multiplexed TURN: data of a session.
    Multiplexed { session: [u8; 8] },
}

/// How a stream that carries STUN is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamFraming {
    Rfc,
    Rfc4571,
    Microsoft,
    Multiplexed,
}

impl StreamFraming {
    /// Frames what stands at the beginning of the buffer.
    pub fn frame(self, buf: &[u8]) -> Framing {
        match self {
            Self::Rfc => frame_rfc(buf),
            Self::Rfc4571 => frame_rfc4571(buf),
            Self::Microsoft => frame_microsoft(buf),
            Self::Multiplexed => frame_multiplexed(buf),
        }
    }

    /// Where the next frame begins behind the first byte, as far as content proves it: to go on after a gap or a
    /// [`Framing::Reject`].
    pub fn find_next(self, buf: &[u8]) -> Option<usize> {
        // Bytes between the beginning of a frame and that of the message in it.
        let before = match self {
            Self::Rfc => 0,
            Self::Rfc4571 => 2,
            Self::Microsoft => 4,
            Self::Multiplexed => 12,
        };
        let begins = |cookie: &[u8; 4], offset: usize| {
            memmem::find_iter(buf, cookie).find_map(|at| {
                let message = at.checked_sub(offset)?;
                let start = message.checked_sub(before).filter(|&start| start > 0)?;
                (fits(buf.get(message..)?) && self.begins(buf.get(start..message)?, buf.get(message..)?))
                    .then_some(start)
            })
        };
        let microsoft = begins(&[0x72, 0xC6, 0x4B, 0xC6], HEADER + 4);
        let header = begins(&MAGIC_COOKIE, 4);
        match (microsoft, header) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Does a frame header stand before a message, and agree with its length?
    fn begins(self, head: &[u8], message: &[u8]) -> bool {
        let size = u16_at(message, 2).map(|l| HEADER + usize::from(l));
        match self {
            Self::Rfc => true,
            Self::Rfc4571 => u16_at(head, 0).map(usize::from) == size,
            Self::Microsoft => {
                matches!(head.first_chunk(), Some([2 | 3, 0])) && u16_at(head, 2).map(usize::from) == size
            }
            Self::Multiplexed => {
                head.starts_with(&[0xFF, 0x10]) && u16_at(head, 2).map(usize::from) == size.map(|s| s + 8)
            }
        }
    }
}

/// Answer of [`probe_stun_stream`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamGuess {
    /// Frames of this kind begin here.
    Framed(StreamFraming),
    /// Microsoft's opening: see [`pseudo_tls_client_hello`] and [`pseudo_tls_server_hello`].
    PseudoTls,
    /// At least so many bytes in all are needed.
    NeedMore(usize),
    Unknown,
}

/// How does a stream that begins so (or goes on so behind a gap or an opening) carry STUN, if it does?
///
/// Only what proves itself is named: a STUN message in its frame. A stream whose first frame is media, or
/// ChannelData, stays unknown.
pub fn probe_stun_stream(buf: &[u8]) -> StreamGuess {
    use StreamFraming::{Microsoft, Multiplexed, Rfc, Rfc4571};
    let Some(&first) = buf.first() else {
        return StreamGuess::NeedMore(1);
    };
    match first {
        0..=3 => {}
        0x16 => {
            return match (pseudo_tls_client_hello(buf), pseudo_tls_server_hello(buf)) {
                (Opening::Pseudo(_), _) | (_, Opening::Pseudo(_)) => StreamGuess::PseudoTls,
                (Opening::NeedMore(total), _) | (_, Opening::NeedMore(total)) => StreamGuess::NeedMore(total),
                _ => StreamGuess::Unknown,
            };
        }
        0xFF => {
            return match (buf.get(1), u16_at(buf, 2)) {
                (None | Some(0x10), None) => StreamGuess::NeedMore(4),
                (Some(0x10), Some(8..)) => StreamGuess::Framed(Multiplexed),
                _ => StreamGuess::Unknown,
            };
        }
        _ => return StreamGuess::Unknown,
    }
    let mut least: Option<usize> = None;
    for (framing, before) in [(Rfc, 0), (Rfc4571, 2), (Microsoft, 4)] {
        match framing.holds_message(buf, before) {
            Holds::Yes => return StreamGuess::Framed(framing),
            Holds::NeedMore(total) => least = Some(least.map_or(total, |l| l.min(total))),
            Holds::No => {}
        }
    }
    match (bare_message(buf), least) {
        (Some(true), _) => StreamGuess::Framed(Microsoft),
        (None, None) => StreamGuess::NeedMore(BARE),
        (_, Some(total)) => StreamGuess::NeedMore(total),
        (Some(false), None) => StreamGuess::Unknown,
    }
}

enum Holds {
    Yes,
    No,
    NeedMore(usize),
}

/// A classic message, which only its whole length proves, is waited for up to here.
const CLASSIC_MAX: usize = 2048;

impl StreamFraming {
    /// Does the frame, if the buffer begins with one of this kind, hold a STUN message `before` bytes on?
    fn holds_message(self, buf: &[u8], before: usize) -> Holds {
        if self == Self::Microsoft && buf.get(1).is_some_and(|&b| b != 0) {
            return Holds::No;
        }
        let Some((head, message)) = buf.split_at_checked(before).filter(|(_, m)| m.len() >= 8) else {
            return Holds::NeedMore(before + 8);
        };
        let kind = MessageType(u16_at(message, 0).unwrap_or(u16::MAX));
        if kind.0 >= 0x4000 || !self.begins(head, message) {
            return Holds::No;
        }
        if message.get(4..8) == Some(&MAGIC_COOKIE[..]) {
            return Holds::Yes;
        }
        if !kind.is_classic() {
            return Holds::No;
        }
        let end = before + HEADER + usize::from(u16_at(message, 2).unwrap_or(0));
        let mark = message.get(HEADER..).unwrap_or_default();
        if mark.starts_with(&MS_TURN_COOKIE) {
            return Holds::Yes;
        }
        if mark.len() < MS_TURN_COOKIE.len()
            && MS_TURN_COOKIE.starts_with(mark)
            && end >= before + HEADER + MS_TURN_COOKIE.len()
        {
            return Holds::NeedMore(before + HEADER + MS_TURN_COOKIE.len());
        }
        match buf.get(before..end) {
            // Without an attribute it is twenty bytes that keep-alives of other protocols can be, too.
            Some(message) if message.len() > HEADER && super::looks_like_stun(message) => Holds::Yes,
            None if end <= CLASSIC_MAX => Holds::NeedMore(end),
            _ => Holds::No,
        }
    }
}

/// STUN messages and padded ChannelData one behind the other (RFC 8489 §6.2.2, RFC 8656 §12.5).
///
/// Channels up to 0x7FFF are taken, as RFC 5766 has them.
pub fn frame_rfc(buf: &[u8]) -> Framing {
    let Some(&first) = buf.first() else {
        return Framing::NeedMore(4);
    };
    match first {
        0..=0x3F => {}
        0x40..=0x7F => {
            let Some(length) = u16_at(buf, 2) else {
                return Framing::NeedMore(4);
            };
            let end = 4 + usize::from(length);
            return whole(buf, FrameKind::ChannelData, 0..end, end.next_multiple_of(4));
        }
        _ => return Framing::Reject("neither STUN nor ChannelData"),
    }
    if buf.len() < HEADER {
        return Framing::NeedMore(HEADER);
    }
    if !fits(buf) {
        return if could_fit(buf) {
            Framing::NeedMore(HEADER + MS_TURN_COOKIE.len())
        } else {
            Framing::Reject("no STUN header")
        };
    }
    let end = HEADER + usize::from(u16_at(buf, 2).unwrap_or(0));
    whole(buf, FrameKind::Stun, 0..end, end)
}

/// Packets behind their lengths (RFC 4571 §2). Any bytes can be that; an empty packet is allowed.
pub fn frame_rfc4571(buf: &[u8]) -> Framing {
    match u16_at(buf, 0) {
        Some(length) => {
            let end = 2 + usize::from(length);
            whole(buf, FrameKind::Packet, 2..end, end)
        }
        None => Framing::NeedMore(2),
    }
}

/// Microsoft's framing of TURN on TCP.
pub fn frame_microsoft(buf: &[u8]) -> Framing {
    let kind = match buf.first() {
        None => return Framing::NeedMore(4),
        Some(2) => FrameKind::Control,
        Some(3) => FrameKind::EndToEnd,
        Some(_) => return Framing::Reject("neither a control message nor end-to-end data"),
    };
    if buf.get(1).is_some_and(|&b| b != 0) {
        return Framing::Reject("second byte of the frame is not zero");
    }
    let Some(length) = u16_at(buf, 2) else {
        return Framing::NeedMore(4);
    };
    match bare_message(buf) {
        Some(true) => {
            let end = 2 + HEADER + usize::from(u16_at(buf, 4).unwrap_or(0));
            whole(buf, FrameKind::Unframed, 2..end, end)
        }
        None => Framing::NeedMore(BARE),
        Some(false) => {
            let end = 4 + usize::from(length);
            whole(buf, kind, 4..end, end)
        }
    }
}

/// Bytes that tell a bare message.
const BARE: usize = 2 + HEADER + MS_TURN_COOKIE.len();

/// Are the bytes behind the first two an MS-TURN message itself, where a length should stand? `None`: too few bytes.
fn bare_message(buf: &[u8]) -> Option<bool> {
    // Read as lengths, these types would be of packets shorter than any that is sent.
    if !matches!(buf.first_chunk(), Some([2 | 3, 0, 0, 3 | 4 | 6])) {
        return Some(false);
    }
    let mark = buf.get(2 + HEADER..).unwrap_or_default();
    let seen = mark.len().min(MS_TURN_COOKIE.len());
    if mark.get(..seen) != MS_TURN_COOKIE.get(..seen) {
        return Some(false);
    }
    if seen == MS_TURN_COOKIE.len() { Some(true) } else { None }
}

/// Multiplexed TURN, on a stream or in a datagram.
pub fn frame_multiplexed(buf: &[u8]) -> Framing {
    if !buf.iter().zip([0xFF, 0x10]).all(|(&b, expected)| b == expected) {
        return Framing::Reject("no multiplexed TURN header");
    }
    let Some(length) = u16_at(buf, 2) else {
        return Framing::NeedMore(4);
    };
    if length < 8 {
        return Framing::Reject("multiplexed TURN frame shorter than its session id");
    }
    match buf.get(4..).and_then(|b| b.first_chunk::<8>()) {
        Some(&session) => {
            let end = 4 + usize::from(length);
            whole(buf, FrameKind::Multiplexed { session }, 12..end, end)
        }
        None => Framing::NeedMore(4 + usize::from(length)),
    }
}

/// What a datagram of multiplexed TURN carries ([MS-TURN], on UDP framed as on TCP).
pub fn multiplexed_datagram(datagram: &[u8]) -> Option<Range<usize>> {
    match frame_multiplexed(datagram) {
        Framing::Message { payload, consumed, .. } if consumed == datagram.len() => Some(payload),
        _ => None,
    }
}

fn whole(buf: &[u8], kind: FrameKind, payload: Range<usize>, consumed: usize) -> Framing {
    if buf.len() < consumed {
        Framing::NeedMore(consumed)
    } else {
        Framing::Message { kind, payload, consumed }
    }
}

/// A header of at least 20 bytes that can be followed: cookie, MS-TURN's mark, or a classic type.
fn fits(message: &[u8]) -> bool {
    let Some(&[high, low, _, length_low, c0, c1, c2, c3]) = message.first_chunk::<8>() else {
        return false;
    };
    if high & 0xC0 != 0 {
        return false;
    }
    if [c0, c1, c2, c3] == MAGIC_COOKIE {
        return true;
    }
    if message.get(HEADER..).is_some_and(|m| m.starts_with(&MS_TURN_COOKIE)) {
        return true;
    }
    MessageType(u16::from_be_bytes([high, low])).is_classic() && length_low & 3 == 0
}

/// Do the bytes end within what could become MS-TURN's mark?
fn could_fit(message: &[u8]) -> bool {
    message.get(HEADER..).is_some_and(|m| m.len() < MS_TURN_COOKIE.len() && MS_TURN_COOKIE.starts_with(m))
}

/// What the first bytes of one direction of a connection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Microsoft's hello, so many bytes long; framed TURN follows without any encryption.
    Pseudo(usize),
    /// As far as it goes; so many bytes in all are needed.
    NeedMore(usize),
    /// A real TLS record.
    Tls,
    Other,
}

/// ClientHello of the opening ([MS-TURN], pseudo-TLS), what stands before and behind its random: TLS 1.0, no session,
/// one cipher suite (0x0018), no extensions.
const CLIENT_HELLO: ([u8; 11], [u8; 7]) =
    ([0x16, 3, 1, 0, 0x2D, 1, 0, 0, 0x29, 3, 1], [0, 0, 2, 0, 0x18, 1, 0]);
const RANDOM: usize = 32;

/// Microsoft's ClientHello at the beginning of what the client sends?
///
/// A real client that offers anonymous RC4 and nothing else would send the same: what the server answers decides, or
/// what the client sends next ([`goes_on_as_pseudo_tls`]).
pub fn pseudo_tls_client_hello(buf: &[u8]) -> Opening {
    let (head, tail) = CLIENT_HELLO;
    matches(buf, &[Part::Exact(&head), Part::Any(RANDOM), Part::Exact(&tail)])
}

/// ServerHello and ServerHelloDone in one record, no certificate and no key: the server's half of the opening.
///
/// Where a real handshake follows (a record of another length, a ServerKeyExchange, an alert) the answer is
/// [`Opening::Tls`].
pub fn pseudo_tls_server_hello(buf: &[u8]) -> Opening {
    matches(
        buf,
        &[
            Part::Exact(&[0x16, 3, 1, 0, 0x4E, 2, 0, 0, 0x46, 3, 1]),
            Part::Any(RANDOM),
            Part::Exact(&[32]),
            Part::Any(32),
            Part::Exact(&[0, 0x18, 0, 0x0E, 0, 0, 0]),
        ],
    )
}

/// After a hello of one side: does that side go on with frames ([`Opening::Pseudo`], nothing consumed) or with TLS
/// records?
pub fn goes_on_as_pseudo_tls(buf: &[u8]) -> Opening {
    match buf {
        [] => Opening::NeedMore(1),
        [2 | 3 | 0xFF] => Opening::NeedMore(2),
        [2 | 3, 0, ..] | [0xFF, 0x10, ..] => Opening::Pseudo(0),
        _ => tls_or_other(buf),
    }
}

enum Part<'a> {
    Exact(&'a [u8]),
    Any(usize),
}

fn matches(buf: &[u8], parts: &[Part<'_>]) -> Opening {
    let total = parts.iter().map(|p| match p {
        Part::Exact(bytes) => bytes.len(),
        Part::Any(n) => *n,
    });
    let total: usize = total.sum();
    let mut rest = buf;
    for part in parts {
        let size = match part {
            Part::Exact(bytes) => {
                if !rest.iter().zip(*bytes).all(|(a, b)| a == b) {
                    return tls_or_other(buf);
                }
                bytes.len()
            }
            Part::Any(n) => *n,
        };
        rest = rest.get(size..).unwrap_or_default();
    }
    if buf.len() < total { Opening::NeedMore(total) } else { Opening::Pseudo(total) }
}

fn tls_or_other(buf: &[u8]) -> Opening {
    match buf {
        [20..=24] => Opening::NeedMore(2),
        [20..=24, 3, ..] => Opening::Tls,
        _ if crate::probe::looks_like_sslv2_client_hello(buf) => Opening::Tls,
        _ => Opening::Other,
    }
}
