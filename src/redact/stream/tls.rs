//! TLS, and TDS, which begins with TLS inside its own packets.

use callscope_parsers::probe::looks_like_tls_record;

use super::{Conn, Out, SQL_BYTES, UNDECIDED_BYTES};
use crate::redact::Redactor;
use crate::redact::gather::Gather;

impl Conn {
    pub(super) fn tls(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
        let half = &mut self.halves[direction];
        let mut at = 0;
        while let Some(rest) = half.buf.bytes.get(at..).filter(|b| !b.is_empty()) {
            if rest.first().is_some_and(|f| f & 0x80 != 0) {
                // A hello of version 2 has no names.
                let Some(&[high, low]) = rest.first_chunk::<2>() else { break };
                let len = 2 + (usize::from(high & 0x7f) << 8 | usize::from(low));
                if rest.len() < len {
                    half.wanted = len;
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
                half.wanted = len;
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

    pub(super) fn tds(&mut self, direction: usize, r: &mut Redactor, out: &mut Out<'_>) {
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
                half.wanted = len;
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
pub(super) fn records(b: &mut [u8], r: &mut Redactor) {
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
