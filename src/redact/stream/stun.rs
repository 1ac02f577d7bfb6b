//! STUN and TURN over TCP, and the SIP that they carry.

use callscope_parsers::probe::{Probe, looks_like_tls_record, probe_datagram};
use callscope_parsers::sip::{Framing, frame_message};
use callscope_parsers::stun::stream::{
    FrameKind, Framing as StunFraming, Opening, StreamFraming, pseudo_tls_client_hello,
    pseudo_tls_server_hello,
};

use super::{Conn, Half, Mode, Out, PIECES, UNDECIDED_BYTES, looked_through};
use crate::redact::Redactor;

impl Conn {
    pub(super) fn stun(
        &mut self,
        framing: StreamFraming,
        direction: usize,
        r: &mut Redactor,
        out: &mut Out<'_>,
    ) {
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
                StunFraming::NeedMore(n) => {
                    half.wanted = n;
                    break;
                }
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
                        carried(direction, half, false, r, out);
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
}

/// SIP in end-to-end data; `ended`: nothing follows.
pub(super) fn carried(direction: usize, half: &mut Half, ended: bool, r: &mut Redactor, out: &mut Out<'_>) {
    let message = &mut half.message;
    if message.bytes.len() < half.message_wanted && !ended {
        return;
    }
    half.message_wanted = 0;
    let mut at = 0;
    while let Some(rest) = message.bytes.get(at..).filter(|b| !b.is_empty()) {
        let len = match frame_message(rest, r.limits.header_bytes, r.limits.message_bytes) {
            Framing::Message { start, len } => start + len,
            Framing::KeepAlive(n) => n.max(1),
            Framing::NeedMore(n) if !ended && message.pieces_kept() < PIECES => {
                half.message_wanted = n.max(looked_through(rest.len()));
                break;
            }
            Framing::NeedMore(_) if ended => rest.len(),
            Framing::NeedMore(_) | Framing::Reject(_) | Framing::TooLong { .. } => {
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
