//! Tells protocols apart by content (RFC 7983 for datagrams), cheaply and without state.

/// What a datagram payload or the beginning of a stream looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Probe {
    Sip,
    /// CRLF, double CRLF or NULs between SIP messages.
    SipKeepAlive,
    Stun,
    /// TURN ChannelData (0x4000–0x7FFF).
    ChannelData,
    Dtls,
    Rtp,
    Rtcp,
    Tls,
    Http,
    Unknown,
}

/// Of a whole UDP payload. Rtp and Rtcp are guesses by header alone.
pub fn probe_datagram(payload: &[u8]) -> Probe {
    let _ = payload;
    Probe::Unknown
}

/// Of the first bytes of one direction of a TCP connection (or of what follows a gap).
pub fn probe_stream(bytes: &[u8]) -> Probe {
    let _ = bytes;
    Probe::Unknown
}
