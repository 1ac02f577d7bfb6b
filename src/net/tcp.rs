//! TCP connections by sequence number: in order, without repeats, gaps marked.

use std::net::SocketAddr;

use super::TcpSegment;
use crate::capture::{FrameRef, Nanos};
use crate::limits::Limits;

/// A connection (one incarnation of a 4-tuple) of one capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From `TcpTable::ends(conn).0` to `.1` (the first is the client where the SYN was seen, else the sender of the first segment).
    Forward,
    Backward,
}

/// What a segment made known.
#[derive(Debug)]
pub enum StreamEvent<'a> {
    /// A new connection; `syn` tells whether it was seen from its start.
    Open { conn: ConnId, syn: bool, ends: (SocketAddr, SocketAddr) },
    /// The next bytes in order. `frame` and `time` are those of the segment that brought them.
    Data { conn: ConnId, direction: Direction, bytes: &'a [u8], frame: FrameRef, time: Nanos },
    /// So many bytes are missing and will not be waited for any longer.
    Gap { conn: ConnId, direction: Direction, bytes: u64 },
    /// FIN (in order) or RST from that side.
    Close { conn: ConnId, direction: Direction, reset: bool, frame: FrameRef, time: Nanos },
    /// The connection is no longer followed (reused 4-tuple, limit, end); its id is free for reuse after this.
    Forget { conn: ConnId },
    /// A limit was hit; its name (a field of `Limits`).
    OverLimit(&'static str),
}

/// How a segment's payload counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentUse {
    /// Its bytes were delivered, or held for later.
    New,
    /// Nothing new: retransmission, keep-alive, or no payload.
    Nothing,
    OverLimit,
}

/// The connections of one capture.
#[derive(Debug, Default)]
pub struct TcpTable {}

impl TcpTable {
    pub fn push(
        &mut self,
        segment: &TcpSegment<'_>,
        frame: FrameRef,
        time: Nanos,
        limits: &Limits,
        sink: &mut dyn FnMut(StreamEvent<'_>),
    ) -> SegmentUse {
        let _ = (segment, frame, time, limits, sink);
        SegmentUse::Nothing
    }

    /// Delivers what is still held behind gaps and forgets every connection.
    pub fn finish(&mut self, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        let _ = sink;
    }

    /// The connection a segment between these ends belongs to, and its direction.
    pub fn connection_of(&self, src: SocketAddr, dst: SocketAddr) -> Option<(ConnId, Direction)> {
        let _ = (src, dst);
        None
    }

    /// The two ends of a connection.
    pub fn ends(&self, conn: ConnId) -> Option<(SocketAddr, SocketAddr)> {
        let _ = conn;
        None
    }
}
