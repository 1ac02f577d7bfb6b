//! What RTCP says (RFC 3550 §6): who sends how much, and what the other end heard of it.

use std::hash::BuildHasher;

use callscope_parsers::rtcp::{
    ExtensionValue, ProfileExtension, ReportBlock, RtcpBody, SdesItem, VoipMetrics, XrBody, parse_rtcp,
    round_trip,
};
use hashbrown::HashTable;

use crate::capture::{FrameRef, Nanos};
use crate::correlate::FlowId;
use crate::decode::DecodedMedia;

/// Reports kept of one stream; of more, every two become one.
const HISTORY: usize = 64;
/// Sender reports remembered of a source, to measure round trips by; compounds that are told of it.
const RECENT: usize = 4;
/// Bytes kept of a CNAME, kinds of profile extensions kept of one source.
const CNAME: usize = 64;
const EXTENSIONS: usize = 8;

/// Times from a sender report to the receiver report that answers it, less what the receiver took: from the capture point
/// to the receiver and back. Nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoundTrips {
    pub min: Nanos,
    pub max: Nanos,
    pub sum: Nanos,
    pub count: u32,
}

impl RoundTrips {
    fn add(&mut self, time: Nanos) {
        self.min = if self.count == 0 { time } else { self.min.min(time) };
        self.max = self.max.max(time);
        self.sum += time;
        self.count += 1;
    }
}

/// One report block about a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub time: Nanos,
    pub frame: FrameRef,
    /// Of 256, since the report before.
    pub fraction_lost: u8,
    pub cumulative_lost: i32,
    /// In units of the media clock.
    pub jitter: u32,
}

/// VoIP metrics of an endpoint (RFC 3611 §4.7), the last it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoipReport {
    pub frame: FrameRef,
    pub metrics: VoipMetrics,
}

/// What one end heard of a source.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The way of the reports: from who heard to who sent.
    pub flow: FlowId,
    /// The source that they are about, and who says it.
    pub about: u32,
    pub reporter: u32,
    pub reports: u32,
    pub last: ReportBlock,
    pub worst_fraction: u8,
    /// In units of the media clock.
    pub highest_jitter: u32,
    jitter_sum: u64,
    pub round_trips: RoundTrips,
    pub history: Vec<Report>,
    /// Reports that an entry of `history` stands for.
    every: u32,
    skipped: u32,
    pub voip: Option<Box<VoipReport>>,
}

impl Heard {
    /// Mean of the jitter reported, in units of the media clock.
    pub fn mean_jitter(&self) -> f64 {
        self.jitter_sum as f64 / f64::from(self.reports.max(1))
    }

    fn note(&mut self, block: &ReportBlock, packet: &DecodedMedia<'_>) {
        self.reports += 1;
        self.last = *block;
        self.worst_fraction = self.worst_fraction.max(block.fraction_lost);
        self.highest_jitter = self.highest_jitter.max(block.jitter);
        self.jitter_sum += u64::from(block.jitter);
        let new = Report {
            time: packet.time,
            frame: packet.frame,
            fraction_lost: block.fraction_lost,
            cumulative_lost: block.cumulative_lost,
            jitter: block.jitter,
        };
        if self.skipped > 0
            && let Some(last) = self.history.last_mut()
        {
            // What an entry stands for is told by its worst.
            let (fraction_lost, jitter) =
                (last.fraction_lost.max(new.fraction_lost), last.jitter.max(new.jitter));
            *last = Report { fraction_lost, jitter, ..new };
        } else {
            if self.history.len() >= HISTORY {
                let mut odd = false;
                self.history.retain(|_| {
                    odd = !odd;
                    !odd
                });
                self.every = self.every.saturating_mul(2);
            }
            self.history.push(new);
        }
        self.skipped = (self.skipped + 1) % self.every.max(1);
    }
}

/// What a source says of itself.
#[derive(Debug, Clone)]
pub struct Sender {
    pub flow: FlowId,
    pub ssrc: u32,
    /// Sender reports.
    pub reports: u32,
    /// As the last of them says; 0 without.
    pub packets: u32,
    pub octets: u32,
    pub cname: Option<Box<str>>,
    pub bye: Option<(Nanos, FrameRef)>,
    /// Compounds that are encrypted (SRTCP).
    pub encrypted: u32,
    /// Compounds that are its own.
    pub compounds: u32,
    /// When they, or others that name it, first and last came.
    pub first: Nanos,
    pub last: Nanos,
    pub first_frame: FrameRef,
    /// The latest of its own compounds, the newest first.
    pub latest: [Option<(FrameRef, Nanos)>; RECENT],
    /// [MS-RTP] extensions: kind, how many, and the value of the last where it is known, bit/s.
    pub extensions: Vec<(u16, u32, Option<u32>)>,
    /// Middle 32 bits of NTP time, and when it passed.
    recent: [(u32, Nanos); RECENT],
}

/// What was learned from RTCP.
#[derive(Debug, Default)]
pub struct Reports {
    pub heard: Vec<Heard>,
    pub senders: Vec<Sender>,
    /// By hash of flow and SSRC; the lowest bit tells `senders` (1) from `heard`.
    table: HashTable<(u64, u32)>,
    hasher: foldhash::fast::RandomState,
    pub compounds: u64,
    pub encrypted: u64,
    /// Compounds in frames captured twice, in neither of these.
    pub captured_twice: u64,
}

impl Reports {
    /// Takes a compound that came on a flow, `back` being the way of the answer. `false`: a limit was hit.
    pub(super) fn add(
        &mut self,
        (flow, back): (FlowId, Option<FlowId>),
        packet: &DecodedMedia<'_>,
        most: usize,
    ) -> bool {
        let rtcp = parse_rtcp(packet.bytes);
        self.compounds += 1;
        self.encrypted += u64::from(rtcp.encrypted);
        let Some(first) = rtcp.ssrc() else { return true };
        let mut kept = true;
        match self.sender(flow, first, packet, most) {
            Some(sender) => {
                sender.compounds += 1;
                sender.latest.rotate_right(1);
                sender.latest[0] = Some((packet.frame, packet.time));
                sender.encrypted += u32::from(rtcp.encrypted);
            }
            None => kept = false,
        }
        for p in &rtcp.packets {
            match &p.body {
                RtcpBody::SenderReport(sr) => {
                    if let Some(sender) = self.sender(flow, sr.ssrc, packet, most) {
                        sender.reports += 1;
                        sender.packets = sr.packets;
                        sender.octets = sr.octets;
                        if sr.ntp != 0 {
                            sender.recent.rotate_right(1);
                            sender.recent[0] = ((sr.ntp >> 16) as u32, packet.time);
                        }
                        note_extensions(sender, &sr.extensions);
                    }
                    kept &= self.blocks((flow, back), sr.ssrc, &sr.reports, packet, most);
                }
                RtcpBody::ReceiverReport(rr) => {
                    if let Some(sender) = self.sender(flow, rr.ssrc, packet, most) {
                        note_extensions(sender, &rr.extensions);
                    }
                    kept &= self.blocks((flow, back), rr.ssrc, &rr.reports, packet, most);
                }
                RtcpBody::SourceDescription(chunks) => {
                    for chunk in chunks {
                        let cname = chunk.items.iter().find(|i| i.kind == SdesItem::CNAME);
                        let Some(cname) = cname.filter(|c| !c.text.is_empty()) else { continue };
                        if let Some(sender) = self.sender(flow, chunk.ssrc, packet, most)
                            && sender.cname.is_none()
                        {
                            let text = cname.text.get(..CNAME).unwrap_or(cname.text);
                            sender.cname = Some(String::from_utf8_lossy(text).into());
                        }
                    }
                }
                RtcpBody::Bye(bye) => {
                    for ssrc in &bye.ssrcs {
                        if let Some(sender) = self.sender(flow, *ssrc, packet, most) {
                            sender.bye.get_or_insert((packet.time, packet.frame));
                        }
                    }
                }
                RtcpBody::ExtendedReport(xr) => {
                    for block in &xr.blocks {
                        if let XrBody::VoipMetrics(metrics) = &block.body
                            && let Some(at) = self.find(flow, metrics.ssrc, false)
                            && let Some(heard) = self.heard.get_mut(at)
                        {
                            let frame = packet.frame;
                            heard.voip = Some(Box::new(VoipReport { frame, metrics: *metrics }));
                        }
                    }
                }
                _ => {}
            }
        }
        kept
    }

    fn blocks(
        &mut self,
        (flow, back): (FlowId, Option<FlowId>),
        reporter: u32,
        blocks: &[ReportBlock],
        packet: &DecodedMedia<'_>,
        most: usize,
    ) -> bool {
        for block in blocks {
            let at = match self.find(flow, block.ssrc, false) {
                Some(at) => at,
                None if self.heard.len() >= most => return false,
                None => {
                    self.heard.push(Heard {
                        flow,
                        about: block.ssrc,
                        reporter,
                        reports: 0,
                        last: *block,
                        worst_fraction: 0,
                        highest_jitter: 0,
                        jitter_sum: 0,
                        round_trips: RoundTrips::default(),
                        history: Vec::new(),
                        every: 1,
                        skipped: 0,
                        voip: None,
                    });
                    self.enter(flow, block.ssrc, self.heard.len() - 1, false);
                    self.heard.len() - 1
                }
            };
            let sent = back.and_then(|back| self.find(back, block.ssrc, true)).and_then(|s| {
                let recent = self.senders.get(s)?.recent;
                recent.into_iter().find(|(lsr, _)| *lsr != 0 && *lsr == block.lsr)
            });
            let Some(heard) = self.heard.get_mut(at) else { continue };
            heard.reporter = reporter;
            heard.note(block, packet);
            if let Some((lsr, sent)) = sent {
                // The capture's clock stands for the source's: only the time between the two reports counts.
                let passed = packet.time.saturating_sub(sent).max(0) as u128 * 65_536 / 1_000_000_000;
                let arrival = lsr.wrapping_add(passed as u32);
                if let Some(trip) = round_trip(arrival, lsr, block.dlsr) {
                    heard.round_trips.add(Nanos::from(trip) * 1_000_000_000 / 65_536);
                }
            }
        }
        true
    }

    fn sender(
        &mut self,
        flow: FlowId,
        ssrc: u32,
        packet: &DecodedMedia<'_>,
        most: usize,
    ) -> Option<&mut Sender> {
        let at = match self.find(flow, ssrc, true) {
            Some(at) => at,
            None if self.senders.len() >= most => return None,
            None => {
                self.senders.push(Sender {
                    flow,
                    ssrc,
                    reports: 0,
                    packets: 0,
                    octets: 0,
                    cname: None,
                    bye: None,
                    encrypted: 0,
                    compounds: 0,
                    first: packet.time,
                    last: packet.time,
                    first_frame: packet.frame,
                    latest: [None; RECENT],
                    extensions: Vec::new(),
                    recent: [(0, 0); RECENT],
                });
                self.enter(flow, ssrc, self.senders.len() - 1, true);
                self.senders.len() - 1
            }
        };
        let sender = self.senders.get_mut(at)?;
        sender.last = sender.last.max(packet.time);
        Some(sender)
    }

    /// What a source on a flow says of itself.
    pub fn sender_on(&self, flow: FlowId, ssrc: u32) -> Option<&Sender> {
        self.senders.get(self.find(flow, ssrc, true)?)
    }

    /// What was reported on a flow of a source.
    pub fn heard_on(&self, flow: FlowId, about: u32) -> Option<&Heard> {
        self.heard.get(self.find(flow, about, false)?)
    }

    /// The places of both in their lists.
    pub(super) fn sender_at(&self, flow: FlowId, ssrc: u32) -> Option<usize> {
        self.find(flow, ssrc, true)
    }

    pub(super) fn heard_at(&self, flow: FlowId, about: u32) -> Option<usize> {
        self.find(flow, about, false)
    }

    fn find(&self, flow: FlowId, ssrc: u32, is_sender: bool) -> Option<usize> {
        let hash = self.hasher.hash_one((flow, ssrc));
        let is = |&(h, packed): &(u64, u32)| {
            let at = (packed >> 1) as usize;
            h == hash
                && (packed & 1 == 1) == is_sender
                && if is_sender {
                    self.senders.get(at).is_some_and(|s| s.flow == flow && s.ssrc == ssrc)
                } else {
                    self.heard.get(at).is_some_and(|r| r.flow == flow && r.about == ssrc)
                }
        };
        self.table.find(hash, is).map(|(_, packed)| (*packed >> 1) as usize)
    }

    fn enter(&mut self, flow: FlowId, ssrc: u32, at: usize, is_sender: bool) {
        let hash = self.hasher.hash_one((flow, ssrc));
        let packed = (at as u32) << 1 | u32::from(is_sender);
        self.table.insert_unique(hash, (hash, packed), |(h, _)| *h);
    }
}

fn note_extensions(sender: &mut Sender, extensions: &[ProfileExtension]) {
    for e in extensions {
        let value = match e.value {
            ExtensionValue::EstimatedBandwidth { bits, .. } | ExtensionValue::TurnBandwidth { bits } => {
                Some(bits)
            }
            ExtensionValue::Opaque => None,
            ExtensionValue::Raw => continue,
        };
        let room = sender.extensions.len() < EXTENSIONS;
        match sender.extensions.iter_mut().find(|(kind, ..)| *kind == e.kind) {
            Some((_, count, last)) => {
                *count += 1;
                *last = value.or(*last);
            }
            None if room => sender.extensions.push((e.kind, 1, value)),
            None => {}
        }
    }
}
