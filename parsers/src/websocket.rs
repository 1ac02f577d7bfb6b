//! SIP over WebSocket (RFC 6455 frames, RFC 7118): the HTTP upgrade and the frames after it.

/// What stands at the beginning of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WsFrame {
    /// A whole frame. `header` bytes then `payload` bytes follow; `mask` is to be applied to the payload.
    Frame {
        fin: bool,
        rsv1: bool,
        opcode: u8,
        mask: Option<[u8; 4]>,
        header: usize,
        payload: usize,
    },
    NeedMore(usize),
    Reject(&'static str),
}

/// Reads a frame header; never allocates.
pub fn parse_frame(buf: &[u8], max_payload: usize) -> WsFrame {
    let _ = (buf, max_payload);
    WsFrame::Reject("not implemented")
}

/// Undoes masking in place; `offset` is the position of `payload[0]` within the frame's payload.
pub fn unmask(payload: &mut [u8], mask: [u8; 4], offset: usize) {
    let _ = (payload, mask, offset);
}

/// An HTTP/1.1 message head at the start of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpgradeHead {
    /// `GET … Upgrade: websocket`; `sip` where Sec-WebSocket-Protocol lists it; `deflate` where permessage-deflate is offered.
    Request {
        len: usize,
        sip: bool,
        deflate: bool,
        path: String,
    },
    /// `101`; `deflate` agreed; whether each side resets its compression window for every message.
    Accepted {
        len: usize,
        sip: bool,
        deflate: bool,
        client_no_context: bool,
        server_no_context: bool,
    },
    /// Any other HTTP head.
    Other {
        len: usize,
    },
    NeedMore,
    Reject,
}

pub fn parse_upgrade(buf: &[u8]) -> UpgradeHead {
    let _ = buf;
    UpgradeHead::Reject
}
