//! DNS, multicast DNS and LLMNR as they come out of a capture.

use std::net::SocketAddr;

use callscope_parsers::dns::{HEADER, LLMNR_PORT, MDNS_PORT, PORT, looks_like_dns};

use super::Transport;
use crate::capture::{FrameRef, Nanos};

/// A message of DNS, of multicast DNS or of LLMNR.
#[derive(Debug, Clone, Copy)]
pub struct DecodedDns<'a> {
    /// Without the length that precedes it over TCP.
    pub message: &'a [u8],
    /// The frame that completed it.
    pub frame: FrameRef,
    pub time: Nanos,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    pub duplicate: bool,
    /// The capture holds only its beginning.
    pub cut: bool,
}

/// A datagram that is one: `start` and `len` give its bytes in the batch.
#[derive(Debug, Clone, Copy)]
pub struct DnsEvent {
    pub start: u32,
    pub len: u32,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub cut: bool,
}

/// The port of DNS, multicast DNS or LLMNR of either side.
#[inline]
pub fn dns_port(src: SocketAddr, dst: SocketAddr) -> Option<u16> {
    let known = |port: u16| matches!(port, PORT | MDNS_PORT | LLMNR_PORT);
    if known(dst.port()) {
        Some(dst.port())
    } else if known(src.port()) {
        Some(src.port())
    } else {
        None
    }
}

/// Whether a datagram of no other protocol is a message, for servers that listen elsewhere.
pub fn is_elsewhere(payload: &[u8]) -> bool {
    // One question, and room for a name and its type.
    payload.len() > HEADER + 4 && payload.get(4..6) == Some(&[0, 1]) && looks_like_dns(payload, 0)
}

impl<'a> DecodedDns<'a> {
    /// Of an event of a batch.
    pub fn of(event: &DnsEvent, message: &'a [u8], frame: FrameRef, time: Nanos, duplicate: bool) -> Self {
        let &DnsEvent { src, dst, cut, .. } = event;
        Self { message, frame, time, src, dst, transport: Transport::Udp, duplicate, cut }
    }
}
