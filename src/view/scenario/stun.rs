//! STUN messages for call flows.

use std::net::SocketAddr;

use callscope_parsers::stun::scan_stun;

use super::{START, Scenario, machine};
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::Transport;
use crate::decode::{DecodedStun, Place, StunFacts};

/// Types of RFC 8489 and RFC 8656.
pub const BINDING: u16 = 0x0001;
pub const BOUND: u16 = 0x0101;
pub const ALLOCATE: u16 = 0x0003;
pub const ALLOCATED: u16 = 0x0103;
pub const REFUSED: u16 = 0x0113;
pub const CREATE_PERMISSION: u16 = 0x0008;
pub const PERMITTED: u16 = 0x0108;
pub const SEND: u16 = 0x0016;

/// A message with the cookie in its header; `id` is the last byte of its transaction id.
pub fn message(kind: u16, id: u8, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    message_with_id(kind, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, id], attributes)
}

/// The same; what is missing of the twelve bytes of its transaction id is zero.
pub fn message_with_id(kind: u16, id: &[u8], attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend((value.len() as u16).to_be_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut out = kind.to_be_bytes().to_vec();
    out.extend((body.len() as u16).to_be_bytes());
    out.extend(0x2112_A442u32.to_be_bytes());
    out.extend(id.iter().copied().chain(std::iter::repeat(0)).take(12));
    out.extend(body);
    out
}

/// Value of an XORed IPv4 address.
pub fn xor(address: &str) -> Vec<u8> {
    let SocketAddr::V4(a) = address.parse().unwrap() else { panic!("an IPv4 address") };
    let mut out = vec![0, 1];
    out.extend((a.port() ^ 0x2112).to_be_bytes());
    out.extend((a.ip().to_bits() ^ 0x2112_A442).to_be_bytes());
    out
}

pub fn error(code: u16, reason: &str) -> Vec<u8> {
    let mut out = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
    out.extend(reason.as_bytes());
    out
}

impl Scenario {
    /// Adds a STUN message sent `ms` milliseconds after the start over `path`; both ends with their ports.
    pub fn add_stun(&mut self, ms: i64, path: &str, bytes: &[u8]) {
        self.frames += 1;
        let scan = scan_stun(bytes, None).expect("a STUN message");
        let (src, dst) = path.split_once('>').unwrap();
        let frame = FrameRef { capture: CaptureId(0), frame: self.frames };
        self.analysis.add_stun(&DecodedStun {
            facts: &StunFacts::of(&scan),
            message: bytes,
            channel: 0,
            place: Place::Memory(bytes),
            frame,
            parts: &[],
            time: START + ms * 1_000_000,
            src: machine(src),
            dst: machine(dst),
            transport: Transport::Udp,
            flow: None,
            duplicate: false,
            cut: false,
            dscp: 0,
            doubtful: false,
        });
    }
}
