//! SIP over a byte stream (RFC 3261 §18.3): where one message ends and the next begins.

/// What stands at the beginning of a buffer of stream bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A whole message of `len` bytes starts at `start` (CRLFs of keep-alives before it are skipped).
    Message { start: usize, len: usize },
    /// CRLF keep-alives only; these bytes are used up.
    KeepAlive(usize),
    /// Looks like the beginning of a message; at least so many bytes in all are needed to say more.
    NeedMore(usize),
    /// Does not begin with a message; why.
    Reject(&'static str),
}

/// Frames the next message. `max_header`/`max_message` bound what is waited for.
pub fn frame_message(buf: &[u8], max_header: usize, max_message: usize) -> Framing {
    let _ = (buf, max_header, max_message);
    Framing::Reject("not implemented")
}

/// Position of the next plausible start line at the beginning of a line, to resynchronise after a gap.
pub fn find_start(buf: &[u8]) -> Option<usize> {
    let _ = buf;
    None
}

/// Could these bytes be the beginning of a SIP message (request or status line, possibly cut)?
pub fn looks_like_sip(buf: &[u8]) -> bool {
    let _ = buf;
    false
}
