//! WebSocket (RFC 6455) with its HTTP head.

use callscope_parsers::sip;
use callscope_parsers::websocket::{UpgradeHead, WsFrame, parse_frame, parse_upgrade, unmask};

use super::{Conn, Half, Out, PIECES, looked_through};
use crate::redact::Redactor;
use crate::redact::header::line_end;

impl Conn {
    pub(super) fn web(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
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
                        let (end, next) = line_end(&head, 0);
                        r.start_line(head.get_mut(..end).unwrap_or_default());
                        r.header_section(head.get_mut(next..).unwrap_or_default());
                        out.emit(direction, &half.buf, at..at + len, &head);
                        half.upgraded = true;
                        at += len;
                    }
                    UpgradeHead::NeedMore => {
                        gone = rest.len() > r.limits.header_bytes;
                        half.wanted = looked_through(rest.len());
                        break;
                    }
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
                        if start + payload > max || half.masks.len() >= PIECES {
                            gone = true;
                            break;
                        }
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
                WsFrame::NeedMore(n) => {
                    half.wanted = n;
                    break;
                }
                WsFrame::Reject(why) => {
                    // Nothing of it stays but why it is none.
                    let refused = REFUSED.iter().find(|head| parse_frame(head, max) == WsFrame::Reject(why));
                    if let Some(head) = refused.filter(|head| head.len() <= rest.len()) {
                        out.emit(direction, &half.buf, at..at + head.len(), head);
                    }
                    gone = true;
                    break;
                }
                WsFrame::TooLong => {
                    gone = true;
                    break;
                }
            }
        }
        half.buf.consume(at);
        if accepted {
            // Also where the request was not captured.
            let other = &mut self.halves[1 - direction];
            (other.upgraded, other.wanted) = (true, 0);
        }
        if gone {
            self.give_up(r);
        }
    }
}

/// Beginnings that no frame has, one for each reason.
pub(super) const REFUSED: [&[u8]; 7] = [
    &[0xb0],
    &[0x83],
    &[0x08],
    &[0xc8],
    &[0x88, 126, 0, 126],
    &[0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
    &[0x81, 126, 0, 1],
];

/// Of a frame that never becomes whole the head stays: its kind, its length and its mask.
pub(super) fn begun(bytes: &mut [u8]) {
    let second = bytes.get(1).copied().unwrap_or(0);
    let length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    bytes.iter_mut().skip(2 + length + mask).for_each(|b| *b = 0);
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
