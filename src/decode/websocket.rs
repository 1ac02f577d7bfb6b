//! SIP over WebSocket: the upgrade, frames put together to messages, permessage-deflate (RFC 7692).

use callscope_parsers::websocket::{UpgradeHead, WsFrame, parse_frame, parse_upgrade, unmask};
use flate2::{Decompress, FlushDecompress, Status};

use crate::limits::Limits;

/// One direction of an upgraded connection.
#[derive(Debug, Default)]
struct Half {
    /// Payload of the data frames of a message so far.
    message: Vec<u8>,
    compressed: bool,
    inflater: Option<Decompress>,
}

/// What a step over buffered bytes gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WsStep {
    /// So many bytes are used up, nothing to show.
    Used(usize),
    /// So many bytes are used up and complete this message.
    Message(usize, Vec<u8>),
    NeedMore,
    /// Not WebSocket after all, or broken.
    Give(&'static str),
    /// A message longer than `message_bytes`.
    TooLong,
}

/// An HTTP connection that may become a WebSocket.
#[derive(Debug, Default)]
pub(super) struct WebState {
    accepted: bool,
    deflate: bool,
    /// Direction that sent the GET.
    client: usize,
    no_context: [bool; 2],
    halves: [Half; 2],
    requested: bool,
    /// Whether each direction has passed its HTTP head.
    upgraded: [bool; 2],
    /// A message of SIP came in it.
    pub carries_sip: bool,
}

impl WebState {
    pub fn is_websocket(&self) -> bool {
        self.accepted
    }

    /// Memory for messages that are not whole yet, and the windows of inflating.
    pub fn held(&self) -> usize {
        let of = |half: &Half| half.message.capacity() + half.inflater.as_ref().map_or(0, |_| INFLATER_COST);
        self.halves.iter().map(of).sum()
    }

    /// Bytes of `direction` are missing: of a message in several frames the rest says nothing, and what was inflated before
    /// is not what the sender's compressor refers to any more.
    pub fn lost(&mut self, direction: usize) {
        self.halves[direction] = Half::default();
    }

    /// Takes the next head or frame of `direction` from its buffered bytes.
    pub fn step(&mut self, direction: usize, buf: &[u8], limits: &Limits) -> WsStep {
        if self.upgraded[direction] {
            return self.frame(direction, buf, limits);
        }
        match parse_upgrade(buf) {
            UpgradeHead::Request { len, .. } => {
                self.requested = true;
                self.client = direction;
                self.upgraded[direction] = true;
                WsStep::Used(len)
            }
            UpgradeHead::Accepted { len, deflate, client_no_context, server_no_context, .. } => {
                if !self.requested {
                    self.client = 1 - direction;
                }
                self.accepted = true;
                self.deflate = deflate;
                self.upgraded = [true; 2];
                self.no_context[self.client] = client_no_context;
                self.no_context[1 - self.client] = server_no_context;
                WsStep::Used(len)
            }
            UpgradeHead::Other { .. } => WsStep::Give("HTTP"),
            UpgradeHead::NeedMore if buf.len() <= limits.header_bytes => WsStep::NeedMore,
            UpgradeHead::NeedMore | UpgradeHead::Reject => WsStep::Give("not an HTTP upgrade"),
        }
    }

    fn frame(&mut self, direction: usize, buf: &[u8], limits: &Limits) -> WsStep {
        let (fin, rsv1, opcode, mask, header, payload) = match parse_frame(buf, limits.message_bytes) {
            WsFrame::Frame { fin, rsv1, opcode, mask, header, payload } => {
                (fin, rsv1, opcode, mask, header, payload)
            }
            WsFrame::NeedMore(_) => return WsStep::NeedMore,
            WsFrame::Reject(why) => return WsStep::Give(why),
            WsFrame::TooLong => return WsStep::TooLong,
        };
        let used = header + payload;
        let Some(data) = buf.get(header..used) else { return WsStep::NeedMore };
        // Control frames may stand between the fragments of a message.
        if opcode >= 8 {
            return WsStep::Used(used);
        }
        let half = &mut self.halves[direction];
        if opcode != 0 {
            half.message.clear();
            half.compressed = rsv1 && self.deflate;
        }
        if half.message.len() + data.len() > limits.message_bytes {
            half.message = Vec::new();
            return WsStep::TooLong;
        }
        let at = half.message.len();
        half.message.extend_from_slice(data);
        if let Some(mask) = mask {
            unmask(&mut half.message[at..], mask, 0);
        }
        if !fin {
            return WsStep::Used(used);
        }
        let message = std::mem::take(&mut half.message);
        if !half.compressed {
            return WsStep::Message(used, message);
        }
        let fresh = self.no_context[direction];
        match inflate(&mut half.inflater, fresh, message, limits.message_bytes) {
            Ok(text) => WsStep::Message(used, text),
            Err(Deflated::Broken) => WsStep::Give("a compressed WebSocket message does not inflate"),
            Err(Deflated::TooLong) => WsStep::TooLong,
        }
    }
}

/// What an inflater keeps: its window of 32 KiB and tables.
const INFLATER_COST: usize = 44 << 10;

/// Why a message does not inflate.
#[derive(Debug, PartialEq, Eq)]
enum Deflated {
    Broken,
    TooLong,
}

/// RFC 7692 §7.2.2: the tail 00 00 ff ff is put back before inflating.
fn inflate(
    slot: &mut Option<Decompress>,
    fresh: bool,
    mut data: Vec<u8>,
    limit: usize,
) -> Result<Vec<u8>, Deflated> {
    data.extend_from_slice(&[0, 0, 0xff, 0xff]);
    if fresh {
        *slot = None;
    }
    let inflater = slot.get_or_insert_with(|| Decompress::new(false));
    let mut out = Vec::with_capacity((data.len() * 4).min(limit).max(1024));
    let (start_in, mut used) = (inflater.total_in(), 0);
    loop {
        let before = (used, out.len());
        let rest = data.get(used..).unwrap_or_default();
        let status =
            inflater.decompress_vec(rest, &mut out, FlushDecompress::Sync).map_err(|_| Deflated::Broken)?;
        used = usize::try_from(inflater.total_in() - start_in).map_err(|_| Deflated::Broken)?;
        match status {
            Status::StreamEnd => {
                // A final block ends the stream; the next message starts a new one.
                *slot = None;
                return Ok(out);
            }
            _ if used >= data.len() && out.len() < out.capacity() => return Ok(out),
            _ if (used, out.len()) == before && out.len() < out.capacity() => return Err(Deflated::Broken),
            _ => {
                if out.len() >= limit {
                    return Err(Deflated::TooLong);
                }
                out.reserve((out.len()).min(limit).max(1024));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7692 §7.2.3.1 and §7.2.3.2: "Hello" compressed, then again with the window kept.
    #[test]
    fn inflates_with_context_takeover() {
        let mut slot = None;
        let one = vec![0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflate(&mut slot, false, one, 1 << 20).as_deref(), Ok(&b"Hello"[..]));
        let two = vec![0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(inflate(&mut slot, false, two, 1 << 20).as_deref(), Ok(&b"Hello"[..]));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        use std::io::Write;
        let mut z = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        z.write_all(&vec![b'a'; 4 << 20]).unwrap();
        let bytes = z.finish().unwrap();
        assert_eq!(inflate(&mut None, false, bytes, 1 << 20), Err(Deflated::TooLong));
    }
}
