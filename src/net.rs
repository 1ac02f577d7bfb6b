//! From frame to datagram and stream: link types, tunnels, IP, fragments, TCP by sequence, SCTP chunks.
//!
//! [`slice_frame`] is stateless and runs on any thread; [`defrag`](self), [`tcp`](self) and duplicates keep
//! state and run in frame order.

use std::net::{IpAddr, SocketAddr};

/// The IP datagram a frame carried (innermost, after tunnels), as far as it was captured.
#[derive(Debug, Clone, Copy)]
pub struct IpPacket<'a> {
    pub src: IpAddr,
    pub dst: IpAddr,
    /// 6-bit DSCP.
    pub dscp: u8,
    pub ttl: u8,
    /// Identification (IPv4, or of an IPv6 fragment header), 0 if none.
    pub id: u32,
    /// Protocol number of what `payload` begins with.
    pub protocol: u8,
    pub fragment: Option<Fragment>,
    /// What follows the IP headers, padding trimmed, perhaps cut.
    pub payload: &'a [u8],
    /// Bytes of the payload that the frame had but the capture has not (snaplen).
    pub missing: u32,
}

/// Place of a fragment in its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Offset in bytes.
    pub offset: u32,
    pub more: bool,
}

/// What a frame was sliced to.
#[derive(Debug, Clone, Copy)]
pub enum Sliced<'a> {
    Udp {
        ip: IpPacket<'a>,
        src: SocketAddr,
        dst: SocketAddr,
        payload: &'a [u8],
    },
    Tcp {
        ip: IpPacket<'a>,
        segment: TcpSegment<'a>,
    },
    Sctp {
        ip: IpPacket<'a>,
        src_port: u16,
        dst_port: u16,
        chunks: &'a [u8],
    },
    Icmp {
        ip: IpPacket<'a>,
    },
    /// A piece of a datagram; to be given to [`Defragmenter`].
    Fragment {
        ip: IpPacket<'a>,
    },
    OtherIp {
        ip: IpPacket<'a>,
    },
    /// ARP, LLDP, 802.11 management …
    NotIp,
    /// The capture holds too little of the frame to say.
    Cut,
    Malformed(&'static str),
    /// More tunnels inside one another than `Limits::encapsulation_depth`.
    TooDeep,
}

/// A TCP segment.
#[derive(Debug, Clone, Copy)]
pub struct TcpSegment<'a> {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub seq: u32,
    pub ack: u32,
    pub flags: TcpFlags,
    pub window: u16,
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire but not captured.
    pub missing: u32,
}

/// TCP flag bits as in the header (FIN 1, SYN 2, RST 4, PSH 8, ACK 16 …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    pub const FIN: u8 = 1;
    pub const SYN: u8 = 2;
    pub const RST: u8 = 4;
    pub const PSH: u8 = 8;
    pub const ACK: u8 = 16;
    pub fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

pub mod defrag;
pub mod duplicate;
pub mod explain;
pub mod icmp;
pub mod sctp;
pub mod slice;
pub mod tcp;

pub use defrag::{Datagram, Defragmenter};
pub use duplicate::{Duplicates, datagram_digest, frame_digest, frame_digest_with_tail};
pub use explain::{Field, Headers, Layer, explain_frame, explain_ip, headers, headers_ip};
pub use icmp::{Icmp, parse_icmp, quoted_payload};
pub use sctp::{DataChunk, SctpMessage, SctpTable};
pub use slice::{Kind as HeaderKind, PlainUdp, ip_protocol, slice_frame, slice_ip, slice_other};
pub use tcp::{ConnId, Direction, StreamEvent, TcpTable};
