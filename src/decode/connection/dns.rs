//! DNS on a TCP connection: two bytes of length before each message (RFC 1035 §4.2.2).

use callscope_parsers::dns::{Framing, HEADER, PORT, frame_dns, looks_like_dns, opcode_name};

use super::{Arrival, Connection, Context};
use crate::decode::{DecodedDns, Sink, Transport};

/// Is it DNS? None while too little is there; the ports were looked at already.
pub(super) fn guess(start: &[u8]) -> Option<bool> {
    let message = match frame_dns(start) {
        Framing::Message(range) => start.get(range)?,
        Framing::NeedMore(n) if n < 2 + HEADER && n > 2 => return Some(false),
        Framing::NeedMore(_) => {
            let head = start.get(2..).and_then(|m| m.first_chunk::<HEADER>())?;
            let questions = u16::from_be_bytes([head[4], head[5]]);
            let fits = opcode_name(head[2] >> 3 & 0xF).is_some() && questions <= 64;
            return if fits { None } else { Some(false) };
        }
    };
    Some(looks_like_dns(message, PORT))
}

impl Connection {
    pub(super) fn dns(
        &mut self,
        direction: usize,
        arrival: Arrival<'_>,
        cx: &mut Context<'_>,
        sink: &mut impl Sink,
    ) {
        let (src, dst) = self.addresses(direction);
        let half = &mut self.halves[direction];
        // Nothing in the stream tells where the next message begins.
        if half.lost {
            return;
        }
        half.push(arrival.bytes, arrival.frame, arrival.time);
        let mut at = 0;
        while let Framing::Message(range) = frame_dns(half.buf.get(at..).unwrap_or_default()) {
            let (from, to) = (at + range.start, at + range.end);
            let message = half.buf.get(from..to).unwrap_or_default();
            if !looks_like_dns(message, PORT) {
                let text = format!("{src} → {dst}: no DNS message where one should be; the rest is not read");
                sink.issue("dns-stream-out-of-step", arrival.frame, text);
                half.clear();
                half.lost = true;
                return;
            }
            if let Some((frame, time)) = half.frames(from, to, cx.parts) {
                let transport = Transport::Tcp;
                let kept = sink.dns(&DecodedDns {
                    message,
                    frame,
                    time,
                    src,
                    dst,
                    transport,
                    duplicate: false,
                    cut: false,
                });
                self.over_limit |= !kept;
            }
            at = to;
        }
        half.consume(at);
    }
}
