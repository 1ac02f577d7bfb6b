//! The questions for SQL Server instances and the connections that follow them, as they come out of a capture.

use std::net::SocketAddr;

use callscope_parsers::sqlr::{self, looks_like_sqlr, may_be_sqlr};
use callscope_parsers::tds::TdsMessage;

use super::Place;
use crate::capture::{FrameRef, Nanos};

/// A datagram of SQL Server Browser ([MC-SQLR]).
#[derive(Debug, Clone, Copy)]
pub struct DecodedSqlr<'a> {
    pub bytes: &'a [u8],
    pub place: Place<'a>,
    pub frame: FrameRef,
    pub time: Nanos,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub duplicate: bool,
    /// The capture holds only its beginning.
    pub cut: bool,
}

/// A step of a connection that speaks TDS.
#[derive(Debug, Clone, Copy)]
pub struct DecodedTds<'a> {
    pub client: SocketAddr,
    pub server: SocketAddr,
    pub from_server: bool,
    pub frame: FrameRef,
    pub time: Nanos,
    pub step: TdsStep<'a>,
}

#[derive(Debug, Clone, Copy)]
pub enum TdsStep<'a> {
    Message(&'a TdsMessage),
    /// TLS records stand bare on the connection.
    Tls,
    /// What follows is multiplexed (MARS).
    Multiplexed,
    Wrong(&'a str),
}

/// A segment that opens a TCP connection or refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpSign {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub kind: TcpSignKind,
    pub seq: u32,
    pub frame: FrameRef,
    pub time: Nanos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpSignKind {
    Syn,
    SynAck,
    Reset,
}

/// Is it a datagram of this protocol: by its content, or by its first byte where it goes to the server's port or comes
/// from it? To be asked of what is no other protocol.
pub fn is_sqlr(src: SocketAddr, dst: SocketAddr, payload: &[u8]) -> bool {
    if !matches!(payload.first(), Some(2..=5 | 0x0F)) {
        return false;
    }
    // Port 1434 is also one that clients of well-known services were given by older systems.
    let by_port = |to_server: bool, other: u16| other >= 1024 && may_be_sqlr(payload, to_server);
    looks_like_sqlr(payload)
        || (dst.port() == sqlr::PORT && by_port(true, src.port()))
        || (src.port() == sqlr::PORT && by_port(false, dst.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(src: u16, dst: u16, payload: &[u8]) -> bool {
        let end = |port| SocketAddr::from(([192, 0, 2, 1], port));
        is_sqlr(end(src), end(dst), payload)
    }

    #[test]
    fn told_by_content_and_port() {
        assert!(is(50_000, 1434, b"\x03"));
        assert!(is(50_000, 1434, b"\x04RTC\0"));
        assert!(is(1434, 50_000, b"\x05"));
        assert!(is(1434, 50_000, b"\x05\0\0"));
        // An answer from another port says itself what it is.
        assert!(is(50_001, 50_000, b"\x05\x20\0ServerName;A;InstanceName;B;;"));
        assert!(!is(50_000, 50_001, b"\x03"));
        // An answer of DNS to a client that was given this port.
        assert!(!is(53, 1434, b"\x04\x41\x81\x80\0\x01\0\x01"));
        assert!(!is(50_000, 1434, b"\x80\0\0\0"));
    }
}
