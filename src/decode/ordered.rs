//! The stateful half: one capture, frame by frame in order.

use std::net::SocketAddr;

use callscope_parsers::sip;
use callscope_parsers::udptl::looks_like_udptl;
use hashbrown::{HashMap, HashSet};

use super::breakage;
use super::connection::{Arrival, Connection, Context};
use super::media::{DecodedMedia, MediaFlow, Tallies, give_packet};
use super::prepare::{Payload, no_message, udp_between};
use super::sql::{DecodedSqlr, TcpSign, TcpSignKind, is_sqlr};
use super::stun::{DecodedAt, give, give_known, give_sip};
use super::{
    Accounting, Class, DecodedDns, DecodedSip, Keys, OddFrames, Place, Prepared, Scanned, Sink, SipEvent,
    StunEvent, Transport, Way,
};
use crate::capture::{CaptureId, FrameRef, Nanos};
use crate::limits::Limits;
use crate::net::defrag::Defragmented;
use crate::net::sctp::{ChunkUse, SctpTable};
use crate::net::tcp::SegmentUse;
use crate::net::{
    ConnId, Defragmenter, Direction, Sliced, StreamEvent, TcpFlags, TcpSegment, TcpTable, slice_frame,
    slice_ip,
};

/// RTP is told by its header alone; so many packets make a flow one of media.
const FLOW_OF_RTP: u64 = 3;

/// Messages of a batch that are about to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Coming<'a> {
    bytes: &'a [u8],
    pub sip: &'a [SipEvent],
    pub stun: &'a [StunEvent],
}

impl<'a> Coming<'a> {
    /// What one of the SIP messages says.
    pub fn scanned(&self, event: &'a SipEvent) -> Scanned<'a> {
        let range = event.start as usize..event.start as usize + event.len as usize;
        Scanned::Spans(&event.spans, self.bytes.get(range).unwrap_or_default())
    }
}

/// Follows one capture.
pub struct CaptureDecoder {
    capture: CaptureId,
    limits: Limits,
    sip_ports: Vec<u16>,
    hasher: foldhash::fast::RandomState,
    defrag: Defragmenter,
    /// The fragments that were captured twice: their datagrams are messages too, counted as duplicates.
    twice: Defragmenter,
    tcp: TcpTable,
    sctp: SctpTable,
    connections: HashMap<ConnId, Connection>,
    pub accounting: Accounting,
    pub odd: OddFrames,
    /// Next of `Prepared::sip`.
    next_sip: usize,
    /// Next of `Prepared::stun`.
    next_stun: usize,
    /// Next of `Prepared::dns`.
    next_dns: usize,
    tallies: Tallies,
    /// Hashes of the flows that have carried RTP.
    rtp_flows: HashSet<u64, foldhash::fast::RandomState>,
    parts: Vec<FrameRef>,
    /// Memory for what is not whole yet, over all connections.
    held: usize,
    /// Limits that were told of.
    limits_said: Vec<&'static str>,
}

impl CaptureDecoder {
    pub fn new(
        capture: CaptureId,
        limits: &Limits,
        sip_ports: &[u16],
        hasher: foldhash::fast::RandomState,
    ) -> Self {
        Self {
            capture,
            limits: limits.clone(),
            sip_ports: sip_ports.to_vec(),
            hasher,
            defrag: Defragmenter::default(),
            twice: Defragmenter::default(),
            tcp: TcpTable::default(),
            sctp: SctpTable::default(),
            connections: HashMap::new(),
            accounting: Accounting::default(),
            odd: OddFrames::default(),
            next_sip: 0,
            next_stun: 0,
            next_dns: 0,
            tallies: Tallies::default(),
            rtp_flows: HashSet::default(),
            parts: Vec::new(),
            held: 0,
            limits_said: Vec::new(),
        }
    }

    /// To be called before the first frame of each batch.
    pub fn begin_batch(&mut self, prepared: &Prepared) {
        self.next_sip = 0;
        self.next_stun = 0;
        self.next_dns = 0;
        self.tallies.begin(&prepared.media);
    }

    /// To be called after the last frame of each batch.
    pub fn end_batch(&mut self, sink: &mut impl Sink) {
        for t in self.tallies.iter().filter(|t| t.channel == 0 && t.rtp >= FLOW_OF_RTP) {
            if self.rtp_flows.len() < self.limits.flows {
                self.rtp_flows.insert(Keys::flow_hash(t.src, t.dst, t.transport, &self.hasher));
            }
        }
        self.tallies.give(sink);
    }

    /// Takes frame `i` of the batch begun.
    pub fn frame(&mut self, prepared: &Prepared, i: usize, duplicate: bool, sink: &mut impl Sink) {
        let (Some(head), Some(&class)) = (prepared.batch.frames.get(i), prepared.classes.get(i)) else {
            return;
        };
        if duplicate {
            self.accounting.duplicate += 1;
        }
        match class {
            Class::Sip => {
                let Some(event) = prepared.sip.get(self.next_sip) else { return };
                self.next_sip += 1;
                let range = event.start as usize..event.start as usize + event.len as usize;
                let bytes = prepared.batch.bytes.get(range).unwrap_or_default();
                let way = Way {
                    frame: self.frame_ref(prepared, i),
                    parts: &[],
                    time: head.time,
                    src: event.src,
                    dst: event.dst,
                    transport: Transport::Udp,
                };
                let kept = sink.sip(&DecodedSip {
                    place: Place::File {
                        offset: prepared.batch.base + u64::from(event.start),
                        len: event.len,
                    },
                    keys: Some(event.keys),
                    duplicate,
                    cut: event.cut,
                    dscp: Some(event.dscp),
                    ..DecodedSip::of(Scanned::Spans(&event.spans, bytes), bytes, event.digest, way)
                });
                if !duplicate {
                    self.accounting.add(message_class(kept, event.cut), 1);
                }
            }
            Class::Media => {
                let frame = self.frame_ref(prepared, i);
                let bytes = &prepared.batch.bytes;
                let accepted = self.tallies.take(&prepared.media, bytes, head.time, frame, duplicate, sink);
                if !duplicate {
                    self.accounting.media(accepted, 1);
                }
            }
            Class::Stun => {
                let Some(event) = prepared.stun.get(self.next_stun) else { return };
                self.next_stun += 1;
                let range = event.start as usize..event.start as usize + event.len as usize;
                let bytes = prepared.batch.bytes.get(range).unwrap_or_default();
                let at = DecodedAt {
                    place: Place::File {
                        offset: prepared.batch.base + u64::from(event.start),
                        len: event.len,
                    },
                    frame: self.frame_ref(prepared, i),
                    parts: &[],
                    time: head.time,
                    src: event.src,
                    dst: event.dst,
                    transport: Transport::Udp,
                    flow: Some(event.flow),
                    duplicate,
                    cut: event.cut,
                    dscp: event.dscp,
                    doubtful: !event.facts.proved && self.carried_rtp(prepared, event),
                };
                let kept = give_known(bytes, event.channel, event.inside, &event.facts, &at, sink);
                if !duplicate {
                    self.accounting.add(message_class(kept, event.cut), 1);
                }
            }
            Class::Dns => {
                let Some(event) = prepared.dns.get(self.next_dns) else { return };
                self.next_dns += 1;
                let range = event.start as usize..event.start as usize + event.len as usize;
                let bytes = prepared.batch.bytes.get(range).unwrap_or_default();
                let frame = self.frame_ref(prepared, i);
                let kept = sink.dns(&DecodedDns::of(event, bytes, frame, head.time, duplicate));
                if !duplicate {
                    self.accounting.add(message_class(kept, event.cut), 1);
                }
            }
            Class::Ordered if duplicate => self.ordered_again(prepared, i, sink),
            Class::Ordered => self.ordered(prepared, i, sink),
            _ if duplicate => {}
            class => {
                if matches!(class, Class::Malformed | Class::Cut) {
                    self.odd.note(class, self.frame_ref(prepared, i), head.time);
                }
                self.accounting.add(class, 1);
            }
        }
    }

    /// Whether the flow of a datagram has carried RTP before it.
    fn carried_rtp(&self, prepared: &Prepared, event: &StunEvent) -> bool {
        let StunEvent { src, dst, channel, .. } = *event;
        let of_batch = prepared.media.find(&MediaFlow { src, dst, channel }, &self.hasher);
        let before = || {
            let hash = Keys::flow_hash(src, dst, Transport::Udp, &self.hasher);
            self.rtp_flows.contains(&hash)
        };
        channel == 0 && (self.tallies.rtp_of(of_batch) >= FLOW_OF_RTP || before())
    }

    /// What comes in the next so many frames of the batch begun, or at most some frames behind them.
    pub fn coming<'a>(&self, prepared: &'a Prepared, frames: usize) -> Coming<'a> {
        let first = |n: usize, all: usize| n.min(all)..n.saturating_add(frames).min(all);
        Coming {
            bytes: &prepared.batch.bytes,
            sip: prepared.sip.get(first(self.next_sip, prepared.sip.len())).unwrap_or_default(),
            stun: prepared.stun.get(first(self.next_stun, prepared.stun.len())).unwrap_or_default(),
        }
    }

    fn frame_ref(&self, prepared: &Prepared, i: usize) -> FrameRef {
        FrameRef { capture: self.capture, frame: prepared.batch.first_frame.saturating_add(i as u32) }
    }

    /// A frame that is the copy of another: a fragment, a question for SQL Server instances, SIP inside a relay, or what may
    /// be fax.
    fn ordered_again(&mut self, prepared: &Prepared, i: usize, sink: &mut impl Sink) {
        let Some((link, bytes, head)) = prepared.frame(i) else { return };
        let frame = self.frame_ref(prepared, i);
        let ip = match slice_frame(link, bytes, head.origlen, &self.limits) {
            Sliced::Fragment { ip } => ip,
            Sliced::Udp { ip, src, dst, payload } => {
                if let Payload::Carried(channel, bytes) = udp_between(payload, (src, dst), 0, &[]) {
                    let file = Some((prepared.batch.bytes.as_ptr() as usize, prepared.batch.base));
                    let at = DecodedAt {
                        place: place_of(bytes, file),
                        frame,
                        parts: &[],
                        time: head.time,
                        src,
                        dst,
                        transport: Transport::Udp,
                        flow: None,
                        duplicate: true,
                        cut: ip.missing > 0,
                        dscp: ip.dscp,
                        doubtful: false,
                    };
                    give_sip(bytes, channel, &at, &self.hasher, sink);
                } else if is_sqlr(src, dst, payload) {
                    let (bytes, place) = (payload, Place::Memory(payload));
                    let (time, cut) = (head.time, ip.missing > 0);
                    sink.sqlr(&DecodedSqlr { bytes, place, frame, time, src, dst, duplicate: true, cut });
                } else {
                    sink.fax(&DecodedMedia::datagram(payload, (src, dst), &ip, (frame, head.time), true));
                }
                return;
            }
            _ => return,
        };
        let pushed = self.twice.push(&ip, frame, head.time, &self.limits);
        self.twice.given_up();
        let Defragmented::Whole(datagram) = pushed else { return };
        let Sliced::Udp { src, dst, payload, .. } = slice_ip(datagram.ip(), &self.limits) else { return };
        let earlier = datagram.frames.split_last().map_or(&[][..], |(_, rest)| rest);
        if let Payload::Text(bytes) = udp_between(payload, (src, dst), 0, &[])
            && let Some(scan) = sip::scan(bytes)
        {
            let way = Way { frame, parts: earlier, time: head.time, src, dst, transport: Transport::Udp };
            let message = DecodedSip::new(&scan, bytes, digest(&self.hasher, bytes), way);
            sink.sip(&DecodedSip { duplicate: true, ..message });
        }
    }

    fn ordered(&mut self, prepared: &Prepared, i: usize, sink: &mut impl Sink) {
        let Some((link, bytes, head)) = prepared.frame(i) else { return };
        let frame = self.frame_ref(prepared, i);
        // Where the batch's bytes lie, to tell payloads that can be read again from the file.
        let file = Some((prepared.batch.bytes.as_ptr() as usize, prepared.batch.base));
        match slice_frame(link, bytes, head.origlen, &self.limits) {
            Sliced::Fragment { ip } => {
                let pushed = self.defrag.push(&ip, frame, head.time, &self.limits);
                if let Some(name) = self.defrag.limit_hit()
                    && first_time(&mut self.limits_said, name)
                {
                    let code = "limit-pending-fragments";
                    sink.issue(
                        code,
                        frame,
                        format!("limit {name} reached: the oldest IP fragments were given up"),
                    );
                }
                match pushed {
                    Defragmented::Pending => {}
                    Defragmented::OverLimit(name) => {
                        self.accounting.over_limit += 1;
                        if first_time(&mut self.limits_said, name) {
                            let text = format!("limit {name} reached: a fragmented datagram was given up");
                            sink.issue("limit-pending-fragments", frame, text);
                        }
                    }
                    Defragmented::Whole(datagram) => {
                        let frames = &datagram.frames;
                        let earlier = frames.split_last().map_or(&[][..], |(_, rest)| rest);
                        let sliced = slice_ip(datagram.ip(), &self.limits);
                        self.sliced(sliced, frame, earlier, frames.len() as u64, head.time, None, sink);
                    }
                }
            }
            sliced => self.sliced(sliced, frame, &[], 1, head.time, file, sink),
        }
        let given_up = self.defrag.given_up();
        self.accounting.fragment_pending += given_up;
    }

    /// `earlier`: the other fragments of the datagram; `frames`: how many frames it stands for.
    #[expect(clippy::too_many_arguments, reason = "one call site each for whole and reassembled packets")]
    fn sliced(
        &mut self,
        sliced: Sliced<'_>,
        frame: FrameRef,
        earlier: &[FrameRef],
        frames: u64,
        time: Nanos,
        file: Option<(usize, u64)>,
        sink: &mut impl Sink,
    ) {
        let class = match sliced {
            Sliced::Udp { ip, src, dst, payload } => {
                let missing = ip.missing > 0;
                let at = DecodedAt {
                    place: place_of(payload, file),
                    frame,
                    parts: earlier,
                    time,
                    src,
                    dst,
                    transport: Transport::Udp,
                    flow: None,
                    duplicate: false,
                    cut: missing,
                    dscp: ip.dscp,
                    doubtful: false,
                };
                let ends = (src, dst);
                let told = udp_between(payload, ends, ip.missing, &self.sip_ports);
                let bytes = match told {
                    Payload::Text(bytes) => bytes,
                    Payload::Is(Class::Other) if is_sqlr(src, dst, payload) => {
                        let (bytes, place) = (payload, place_of(payload, file));
                        let (duplicate, cut) = (false, missing);
                        let kept =
                            sink.sqlr(&DecodedSqlr { bytes, place, frame, time, src, dst, duplicate, cut });
                        return self.accounting.add(message_class(kept, cut), frames);
                    }
                    Payload::Is(Class::Other) if looks_like_udptl(payload, ip.missing as usize) => {
                        let packet = DecodedMedia::datagram(payload, ends, &ip, (frame, time), false);
                        return self.accounting.media(sink.fax(&packet), frames);
                    }
                    Payload::Is(class) => return self.accounting.add(class, frames),
                    Payload::Carried(channel, bytes) => {
                        let at = DecodedAt { place: place_of(bytes, file), ..at };
                        let class = match give_sip(bytes, channel, &at, &self.hasher, sink) {
                            Some(kept) => message_class(kept, missing),
                            None => no_message(missing),
                        };
                        return self.accounting.add(class, frames);
                    }
                    Payload::Dns => {
                        let (message, transport) = (payload, Transport::Udp);
                        let (cut, duplicate) = (missing, false);
                        let kept = sink.dns(&DecodedDns {
                            message,
                            frame,
                            time,
                            src,
                            dst,
                            transport,
                            duplicate,
                            cut,
                        });
                        return self.accounting.add(message_class(kept, missing), frames);
                    }
                    Payload::Stun => {
                        let kept = give(payload, &at, sink);
                        return self.accounting.add(message_class(kept, missing), frames);
                    }
                    told @ (Payload::Media(_) | Payload::Keys) => {
                        let packet = if let Payload::Media(packet) = told { Some(packet) } else { None };
                        let bytes = packet.map_or(payload, |p| p.bytes);
                        let at = DecodedMedia {
                            channel: packet.map_or(0, |p| p.channel),
                            ..DecodedMedia::datagram(bytes, ends, &ip, (frame, time), false)
                        };
                        if let Some(packet) = packet {
                            let accepted = give_packet(&packet, &at, sink);
                            return self.accounting.media(accepted, frames);
                        }
                        sink.key_exchange(&at);
                        return self.accounting.add(Class::Encrypted, frames);
                    }
                };
                match sip::scan(bytes) {
                    Some(scan) => {
                        let way = Way { frame, parts: earlier, time, src, dst, transport: Transport::Udp };
                        let message = DecodedSip::new(&scan, bytes, digest(&self.hasher, bytes), way);
                        let place = place_of(bytes, file);
                        let kept =
                            sink.sip(&DecodedSip { place, cut: missing, dscp: Some(ip.dscp), ..message });
                        message_class(kept, missing)
                    }
                    None => no_message(missing),
                }
            }
            Sliced::Tcp { ip, segment } => {
                self.segment(&segment, ip.dscp, frame, frames, time, file, sink);
                return;
            }
            Sliced::Sctp { ip, src_port, dst_port, chunks } => {
                self.sctp_chunks(&ip, src_port, dst_port, chunks, frame, time, sink)
            }
            Sliced::NotIp => Class::NotIp,
            Sliced::Cut => Class::Cut,
            Sliced::Malformed(_) => Class::Malformed,
            Sliced::TooDeep => Class::OverLimit,
            Sliced::Icmp { ip } => {
                if let Some(error) = breakage::about_media(&ip, frame, time) {
                    sink.media_error(&error);
                }
                let about = breakage::of_icmp(&ip, frame, time).is_some_and(|b| sink.broken(&b));
                if about { Class::Decoded } else { Class::Other }
            }
            Sliced::OtherIp { .. } | Sliced::Fragment { .. } => Class::Other,
        };
        self.odd.note(class, frame, time);
        self.accounting.add(class, frames);
    }

    #[expect(clippy::too_many_arguments, reason = "the packet's own coordinates")]
    fn sctp_chunks(
        &mut self,
        ip: &crate::net::IpPacket<'_>,
        src_port: u16,
        dst_port: u16,
        chunks: &[u8],
        frame: FrameRef,
        time: Nanos,
        sink: &mut impl Sink,
    ) -> Class {
        let mut class = Class::Other;
        let (hasher, earlier) = (&self.hasher, &mut self.parts);
        let used = self.sctp.push(ip, src_port, dst_port, chunks, frame, time, &self.limits, &mut |m| {
            let start = m.bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(0);
            let bytes = m.bytes.get(start..).unwrap_or_default();
            if sip::looks_like_sip(bytes)
                && let Some(scan) = sip::scan(bytes)
            {
                let cut = m.missing > 0;
                earlier.clear();
                earlier.extend(m.parts.iter().copied().filter(|f| *f != m.frame));
                let way = Way {
                    frame: m.frame,
                    parts: earlier,
                    time,
                    src: m.src,
                    dst: m.dst,
                    transport: Transport::Sctp,
                };
                let message = DecodedSip::new(&scan, bytes, digest(hasher, bytes), way);
                let kept = sink.sip(&DecodedSip { cut, ..message });
                class = message_class(kept, cut);
            }
        });
        if let ChunkUse::OverLimit(name) = used {
            if first_time(&mut self.limits_said, name) {
                let code = if name == "message_bytes" { "limit-message-bytes" } else { "limit-tcp" };
                sink.issue(code, frame, format!("limit {name} reached: SCTP data was given up"));
            }
            class = Class::OverLimit;
        }
        class
    }

    #[expect(clippy::too_many_arguments, reason = "the packet's own coordinates")]
    fn segment(
        &mut self,
        segment: &TcpSegment<'_>,
        dscp: u8,
        frame: FrameRef,
        frames: u64,
        time: Nanos,
        file: Option<(usize, u64)>,
        sink: &mut impl Sink,
    ) {
        let Self {
            tcp, connections, accounting, limits, sip_ports, hasher, parts, held, limits_said, ..
        } = self;
        let mut cx = Context { limits, sip_ports, hasher, parts, held, limits_said, dscp };
        let mut tls = None;
        let used = tcp.push(segment, frame, time, limits, &mut |event| {
            on_event(event, connections, accounting, frame, file, &mut cx, sink, &mut tls);
        });
        let payload = !segment.payload.is_empty() || segment.missing > 0;
        let expected = sign_of(segment, frame, time).is_some_and(|sign| sink.tcp_sign(&sign));
        let connection =
            tcp.connection_of(segment.src, segment.dst).and_then(|(id, _)| connections.get_mut(&id));
        let class = match (used, connection) {
            (SegmentUse::OverLimit, _) => Class::OverLimit,
            (_, Some(c)) => match c.class(payload) {
                None if expected && !payload => {
                    c.expected = true;
                    c.waiting[0] += frames;
                    return;
                }
                Some(class) => {
                    if c.waiting != [0; 2] {
                        c.settle_waiting(accounting, sink);
                    }
                    if payload {
                        c.count_encrypted(frames, sink);
                    }
                    class
                }
                None => {
                    c.waiting[usize::from(payload)] += frames;
                    return;
                }
            },
            (_, None) if expected => Class::Decoded,
            (_, None) => Class::Other,
        };
        let class = match tcp.connection_of(segment.src, segment.dst) {
            Some((id, _)) if connections.get_mut(&id).is_some_and(|c| std::mem::take(&mut c.over_limit)) => {
                Class::OverLimit
            }
            _ => class,
        };
        // A payload cut by the snap length is what the user has to know of the frame, unless nobody would read it.
        let class = if segment.missing > 0 && class == Class::Decoded { Class::Cut } else { class };
        accounting.add(class, frames);
    }

    /// Says what is still held back, at the end of the capture.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        let Self {
            tcp, connections, accounting, limits, sip_ports, hasher, parts, held, limits_said, ..
        } = self;
        let mut cx = Context { limits, sip_ports, hasher, parts, held, limits_said, dscp: 0 };
        let last = FrameRef { capture: self.capture, frame: 0 };
        let mut tls = None;
        tcp.finish(&mut |event| {
            on_event(event, connections, accounting, last, None, &mut cx, sink, &mut tls)
        });
        for (_, mut c) in connections.drain() {
            c.end(&mut cx, sink);
            c.settle_waiting(accounting, sink);
        }
        accounting.fragment_pending += self.defrag.given_up() + self.defrag.pending();
        self.odd.fragments = self.defrag.incomplete();
    }

    /// Frames that no class holds yet: waiting fragments and undecided connections.
    pub fn waiting(&self) -> u64 {
        self.defrag.pending() + self.connections.values().flat_map(|c| c.waiting).sum::<u64>()
    }
}

/// What a segment says of its connection, where it opens it or resets it.
fn sign_of(segment: &TcpSegment<'_>, frame: FrameRef, time: Nanos) -> Option<TcpSign> {
    if segment.flags.0 & (TcpFlags::SYN | TcpFlags::RST) == 0 {
        return None;
    }
    let kind = match (segment.flags.has(TcpFlags::RST), segment.flags.has(TcpFlags::ACK)) {
        (true, _) => TcpSignKind::Reset,
        (false, false) => TcpSignKind::Syn,
        (false, true) => TcpSignKind::SynAck,
    };
    Some(TcpSign { src: segment.src, dst: segment.dst, kind, seq: segment.seq, frame, time })
}

/// Whether a limit was not told of yet; then it counts as told.
pub(super) fn first_time(said: &mut Vec<&'static str>, name: &'static str) -> bool {
    let first = !said.contains(&name);
    if first {
        said.push(name);
    }
    first
}

fn message_class(kept: bool, cut: bool) -> Class {
    match (kept, cut) {
        (false, _) => Class::OverLimit,
        (true, true) => Class::Cut,
        (true, false) => Class::Decoded,
    }
}

fn digest(hasher: &foldhash::fast::RandomState, bytes: &[u8]) -> u64 {
    use std::hash::BuildHasher;
    hasher.hash_one(bytes)
}

/// `file`: address and capture offset of the buffer that `bytes` may lie in.
fn place_of(bytes: &[u8], file: Option<(usize, u64)>) -> Place<'_> {
    match offset_of(bytes, file) {
        Some(offset) => Place::File { offset, len: bytes.len() as u32 },
        None => Place::Memory(bytes),
    }
}

fn offset_of(bytes: &[u8], file: Option<(usize, u64)>) -> Option<u64> {
    let (address, base) = file?;
    Some(base + (bytes.as_ptr() as usize).checked_sub(address)? as u64)
}

#[expect(clippy::too_many_arguments, reason = "the fields of the decoder that its TCP table does not borrow")]
fn on_event(
    event: StreamEvent<'_>,
    connections: &mut HashMap<ConnId, Connection>,
    accounting: &mut Accounting,
    current: FrameRef,
    file: Option<(usize, u64)>,
    cx: &mut Context<'_>,
    sink: &mut impl Sink,
    ends: &mut Option<(SocketAddr, SocketAddr)>,
) {
    let side = |d: Direction| usize::from(d == Direction::Backward);
    match event {
        StreamEvent::Open { conn, syn, ends: pair } => {
            *ends = Some(pair);
            connections.insert(conn, Connection::new(pair, syn));
        }
        StreamEvent::Data { conn, direction, bytes, frame, time, at: _ } => {
            if let Some(c) = connections.get_mut(&conn) {
                // Only the bytes of the current segment still lie in the batch.
                let offset = if frame == current { offset_of(bytes, file) } else { None };
                c.data(side(direction), Arrival { bytes, offset, frame, time }, cx, sink);
            }
        }
        StreamEvent::Gap { conn, direction, bytes, behind } => {
            if let Some(c) = connections.get_mut(&conn) {
                c.gap(side(direction), bytes, behind.unwrap_or(current), cx, sink);
            }
        }
        StreamEvent::Close { conn, direction, reset, frame, time } => {
            if let Some(c) = connections.get_mut(&conn) {
                c.closed(side(direction), reset, frame, time, sink);
            }
        }
        StreamEvent::Forget { conn } => {
            if let Some(mut c) = connections.remove(&conn) {
                c.end(cx, sink);
                c.settle_waiting(accounting, sink);
            }
        }
        StreamEvent::OverLimit(name) => {
            if first_time(cx.limits_said, name) {
                sink.issue("limit-tcp", current, format!("limit {name} reached: TCP data was given up"));
            }
        }
    }
}
