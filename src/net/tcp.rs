//! TCP connections by sequence number: in order, without repeats, gaps marked.
//!
//! A segment that comes in order goes straight to the sink without a copy. What comes early is held until the gap
//! before it is filled, or given up: when the other side acknowledged bytes beyond it (they were lost by the
//! capture, not by the network) and no late copy came within [`ACKED_GRACE`]; when only one direction was captured
//! and [`ONE_SIDED_GRACE`] went by; when more than `tcp_gap_bytes` are held; on a reset; at the end. Where segments
//! overlap, the bytes that came first win.
//!
//! Where a connection is joined amid its bytes, the first ones are held a while too, as earlier ones may come behind
//! them: until the other side says that it has all of them or expected just the first of them, for
//! [`ONE_SIDED_GRACE`] at most, and no more than [`LOOK_BACK_BYTES`].
//!
//! Sequence numbers are kept as 64-bit positions counted on from the first one seen, so wrapping needs no thought
//! beyond [`Half::position`].

use std::collections::VecDeque;
use std::net::SocketAddr;

use hashbrown::HashMap;

use super::{TcpFlags, TcpSegment};
use crate::capture::{FrameRef, Nanos};
use crate::limits::Limits;

mod half;

#[cfg(test)]
mod tests;

use half::Half;

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
    /// The next bytes in order. `frame` and `time` are those of the segment that brought them; `at` is the place of the
    /// first of them as [`TcpTable::place`] gives it.
    Data { conn: ConnId, direction: Direction, bytes: &'a [u8], frame: FrameRef, time: Nanos, at: u64 },
    /// So many bytes are missing and will not be waited for any longer. `behind`: the segment that goes on behind them, or
    /// that lacks them itself.
    Gap { conn: ConnId, direction: Direction, bytes: u64, behind: Option<FrameRef> },
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

/// Capture time for which an acknowledged gap is still waited for: copies taken at several points come in jumbled.
const ACKED_GRACE: u64 = 200_000_000;
/// The same where no acknowledgements are seen: a few retransmission timeouts.
const ONE_SIDED_GRACE: u64 = 5_000_000_000;
/// Segments (of all connections) after which either is over too, for captures whose clock stands still.
const GRACE_SEGMENTS: u64 = 8_192;
/// Where no late SYN can have been any more: bytes between it and the first data seen.
const LATE_SYN: u64 = 1 << 20;
/// Memory for the first bytes of a connection joined amid them while earlier ones may come.
const LOOK_BACK_BYTES: usize = 64 << 10;

const NONE: u32 = u32::MAX;

type Sink<'s> = &'s mut dyn FnMut(StreamEvent<'_>);

/// Both ends, the lesser first.
type Key = (SocketAddr, SocketAddr);

#[derive(Debug)]
struct Connection {
    key: Key,
    /// The client (first end) is `key.1`.
    swapped: bool,
    /// Distinguishes incarnations under one id.
    serial: u64,
    /// Of the bytes sent by `key.0` and by `key.1`.
    halves: [Half; 2],
    /// Neighbours by last use.
    older: u32,
    newer: u32,
}

/// A gap that will be given up when its grace is over.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    conn: u32,
    serial: u64,
    side: usize,
    time: Nanos,
    segment: u64,
}

/// The connections of one capture.
#[derive(Debug)]
pub struct TcpTable {
    ids: HashMap<Key, u32, foldhash::fast::RandomState>,
    connections: Vec<Option<Connection>>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
    serial: u64,
    segments: u64,
    /// Bytes held over all connections.
    held: usize,
    /// Gaps acknowledged by the other side; gaps of one-sided connections.
    doubts: [VecDeque<Doubt>; 2],
}

impl Default for TcpTable {
    fn default() -> Self {
        Self {
            ids: HashMap::default(),
            connections: Vec::new(),
            free: Vec::new(),
            oldest: NONE,
            newest: NONE,
            serial: 0,
            segments: 0,
            held: 0,
            doubts: Default::default(),
        }
    }
}

impl TcpTable {
    pub fn push(
        &mut self,
        segment: &TcpSegment<'_>,
        frame: FrameRef,
        time: Nanos,
        limits: &Limits,
        sink: &mut dyn FnMut(StreamEvent<'_>),
    ) -> SegmentUse {
        self.segments += 1;
        if !self.doubts.iter().all(VecDeque::is_empty) {
            self.settle_doubts(time, sink);
        }
        let (key, side) = match segment.src <= segment.dst {
            true => ((segment.src, segment.dst), 0),
            false => ((segment.dst, segment.src), 1),
        };
        let len = (segment.payload.len() as u64).saturating_add(u64::from(segment.missing));
        let id = match self.ids.get(&key).copied() {
            Some(id) if self.is_another(id, side, segment, len) => {
                self.forget(id, sink);
                self.open(key, side, segment, limits, sink)
            }
            Some(id) => {
                self.touch(id);
                id
            }
            // A lone reset answers nothing that can be followed.
            None if segment.flags.has(TcpFlags::RST) => return SegmentUse::Nothing,
            None => self.open(key, side, segment, limits, sink),
        };
        self.take(id, side, segment, len, frame, time, limits, sink)
    }

    /// Delivers what is still held behind gaps and forgets every connection.
    pub fn finish(&mut self, sink: &mut dyn FnMut(StreamEvent<'_>)) {
        for id in 0..self.connections.len() as u32 {
            self.forget(id, sink);
        }
        self.doubts = Default::default();
    }

    /// The connection a segment between these ends belongs to, and its direction.
    pub fn connection_of(&self, src: SocketAddr, dst: SocketAddr) -> Option<(ConnId, Direction)> {
        let (key, low) = if src <= dst { ((src, dst), true) } else { ((dst, src), false) };
        let id = *self.ids.get(&key)?;
        let swapped = self.get(id)?.swapped;
        let forward = low != swapped;
        Some((ConnId(id), if forward { Direction::Forward } else { Direction::Backward }))
    }

    /// The connection a segment between these ends belongs to, its direction, and the place in it that a sequence number
    /// stands for. Places grow with the bytes and stay the same as long as the connection is followed.
    pub fn place(&self, src: SocketAddr, dst: SocketAddr, seq: u32) -> Option<(ConnId, Direction, u64)> {
        let (conn, direction) = self.connection_of(src, dst)?;
        let half = self.get(conn.0)?.halves.get(usize::from(src > dst))?;
        half.is_known().then(|| (conn, direction, half.position(seq)))
    }

    /// The two ends of a connection.
    pub fn ends(&self, conn: ConnId) -> Option<(SocketAddr, SocketAddr)> {
        let connection = self.get(conn.0)?;
        let (low, high) = connection.key;
        Some(if connection.swapped { (high, low) } else { (low, high) })
    }

    fn get(&self, id: u32) -> Option<&Connection> {
        self.connections.get(id as usize)?.as_ref()
    }

    fn get_mut(&mut self, id: u32) -> Option<&mut Connection> {
        self.connections.get_mut(id as usize)?.as_mut()
    }

    /// Does this segment belong to a later connection between the same ends?
    fn is_another(&mut self, id: u32, side: usize, segment: &TcpSegment<'_>, len: u64) -> bool {
        let Some(connection) = self.get_mut(id) else { return true };
        let [low, high] = &mut connection.halves;
        let (own, other) = if side == 0 { (low, high) } else { (high, low) };
        if segment.flags.has(TcpFlags::RST) {
            return false;
        }
        if segment.flags.has(TcpFlags::SYN) {
            return own.is_other_syn(segment, other);
        }
        own.is_elsewhere(segment.seq, len)
    }

    fn open(
        &mut self,
        key: Key,
        side: usize,
        segment: &TcpSegment<'_>,
        limits: &Limits,
        sink: Sink<'_>,
    ) -> u32 {
        while self.ids.len() >= limits.tcp_connections.max(1) && self.oldest != NONE {
            sink(StreamEvent::OverLimit("tcp_connections"));
            self.forget(self.oldest, sink);
        }
        self.serial += 1;
        let syn = segment.flags.has(TcpFlags::SYN);
        let sender_is_client = !(syn && segment.flags.has(TcpFlags::ACK));
        let connection = Connection {
            key,
            swapped: (side == 1) == sender_is_client,
            serial: self.serial,
            halves: Default::default(),
            older: NONE,
            newer: NONE,
        };
        let id = match self.free.pop() {
            Some(id) => {
                if let Some(slot) = self.connections.get_mut(id as usize) {
                    *slot = Some(connection);
                }
                id
            }
            None => {
                self.connections.push(Some(connection));
                self.connections.len() as u32 - 1
            }
        };
        self.ids.insert(key, id);
        self.append(id);
        let ends = if (side == 1) == sender_is_client { (key.1, key.0) } else { key };
        sink(StreamEvent::Open { conn: ConnId(id), syn, ends });
        id
    }

    #[expect(clippy::too_many_arguments, reason = "the segment's circumstances, once split up")]
    fn take(
        &mut self,
        id: u32,
        side: usize,
        segment: &TcpSegment<'_>,
        len: u64,
        frame: FrameRef,
        time: Nanos,
        limits: &Limits,
        sink: Sink<'_>,
    ) -> SegmentUse {
        let Some(connection) = self.connections.get_mut(id as usize).and_then(Option::as_mut) else {
            return SegmentUse::Nothing;
        };
        let serial = connection.serial;
        let directions = directions(id, connection.swapped);
        let [low, high] = &mut connection.halves;
        let (own, other, own_is, other_is) = match side {
            0 => (low, high, directions[0], directions[1]),
            _ => (high, low, directions[1], directions[0]),
        };

        if segment.flags.has(TcpFlags::ACK) {
            other.acknowledged(segment.ack);
            self.held -= other.begin_if_due(other_is, sink);
        }
        if segment.flags.has(TcpFlags::RST) {
            if !own.may_reset(segment) {
                return SegmentUse::Nothing;
            }
            self.held -= own.give_up_all(own_is, sink) + other.give_up_all(other_is, sink);
            own.reset(own_is, frame, time, sink);
            return SegmentUse::Nothing;
        }
        let before = own.held();
        let used = own.take(segment, len, frame, time, own_is, sink);
        self.held = self.held + own.held() - before;
        self.held -= own.begin_if_due(own_is, sink);

        let one_sided = !other.is_known();
        for (half, side) in [(own, side), (other, 1 - side)] {
            let one_sided = one_sided || half.is_looking();
            if half.doubt(one_sided, self.segments) {
                let queue = usize::from(one_sided);
                if let Some(doubts) = self.doubts.get_mut(queue) {
                    doubts.push_back(Doubt { conn: id, serial, side, time, segment: self.segments });
                }
            }
        }
        self.keep_within(id, side, limits, sink);
        used
    }

    /// Gives up gaps of the connection just added to until the caps are kept.
    fn keep_within(&mut self, id: u32, side: usize, limits: &Limits, sink: Sink<'_>) {
        loop {
            let total = self.held > limits.tcp_gap_bytes_total;
            let Some(connection) = self.connections.get_mut(id as usize).and_then(Option::as_mut) else {
                return;
            };
            let is = directions(id, connection.swapped);
            let (Some(half), Some(is)) = (connection.halves.get_mut(side), is.get(side)) else { return };
            let name = match half.held() {
                0 => return,
                held if held > limits.tcp_gap_bytes => "tcp_gap_bytes",
                _ if total => "tcp_gap_bytes_total",
                _ => return,
            };
            sink(StreamEvent::OverLimit(name));
            self.held -= half.give_up_gap(*is, sink);
        }
    }

    /// Gives up the gaps whose grace is over.
    fn settle_doubts(&mut self, time: Nanos, sink: Sink<'_>) {
        for (queue, grace) in [(0, ACKED_GRACE), (1, ONE_SIDED_GRACE)] {
            while let Some(doubt) = self.doubts.get(queue).and_then(VecDeque::front).copied() {
                if doubt.time.abs_diff(time) < grace && self.segments - doubt.segment < GRACE_SEGMENTS {
                    break;
                }
                if let Some(doubts) = self.doubts.get_mut(queue) {
                    doubts.pop_front();
                }
                self.settle(doubt, queue == 1, time, sink);
            }
        }
    }

    fn settle(&mut self, doubt: Doubt, was_one_sided: bool, time: Nanos, sink: Sink<'_>) {
        let segment = self.segments;
        let Some(connection) = self.connections.get_mut(doubt.conn as usize).and_then(Option::as_mut) else {
            return;
        };
        if connection.serial != doubt.serial {
            return;
        }
        let is = directions(doubt.conn, connection.swapped);
        let one_sided = connection.halves.get(1 - doubt.side).is_some_and(|other| !other.is_known());
        let (Some(half), Some(is)) = (connection.halves.get_mut(doubt.side), is.get(doubt.side)) else {
            return;
        };
        if half.doubted != doubt.segment {
            return;
        }
        half.doubted = 0;
        if one_sided || !was_one_sided || half.is_looking() {
            self.held -= half.give_up_doubted(*is, one_sided, sink);
        }
        if half.doubt(one_sided, segment)
            && let Some(doubts) = self.doubts.get_mut(usize::from(one_sided))
        {
            doubts.push_back(Doubt { time, segment, ..doubt });
        }
    }

    fn forget(&mut self, id: u32, sink: Sink<'_>) {
        self.unlink(id);
        let Some(mut connection) = self.connections.get_mut(id as usize).and_then(Option::take) else {
            return;
        };
        let is = directions(id, connection.swapped);
        for (half, is) in connection.halves.iter_mut().zip(is) {
            self.held -= half.give_up_all(is, sink);
        }
        self.ids.remove(&connection.key);
        self.free.push(id);
        sink(StreamEvent::Forget { conn: ConnId(id) });
    }

    fn touch(&mut self, id: u32) {
        if self.newest != id {
            self.unlink(id);
            self.append(id);
        }
    }

    fn unlink(&mut self, id: u32) {
        let Some(connection) = self.get(id) else { return };
        let (older, newer) = (connection.older, connection.newer);
        match self.get_mut(older) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.get_mut(newer) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
    }

    fn append(&mut self, id: u32) {
        let last = std::mem::replace(&mut self.newest, id);
        match self.get_mut(last) {
            Some(last) => last.newer = id,
            None => self.oldest = id,
        }
        if let Some(connection) = self.get_mut(id) {
            (connection.older, connection.newer) = (last, NONE);
        }
    }
}

/// How events of `key.0`'s and `key.1`'s bytes are told.
fn directions(id: u32, swapped: bool) -> [(ConnId, Direction); 2] {
    match swapped {
        false => [(ConnId(id), Direction::Forward), (ConnId(id), Direction::Backward)],
        true => [(ConnId(id), Direction::Backward), (ConnId(id), Direction::Forward)],
    }
}
