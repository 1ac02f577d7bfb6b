//! `media_streams` of the contract.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::value::{Addr, Frame, Millis, Time};
use crate::correlate::Analysis;
use crate::correlate::ice::IceIndex;
use crate::correlate::media::{
    self, Codec, CodecSource, Heard, MediaIndex, MediaStream, Mos, Protection, Sender, Stream,
};
use crate::decode::Quoted;
use crate::view::media as view;
use crate::view::media::marks::{Expected, StreamVerdict, expected_of};

#[derive(Debug, Serialize)]
pub(super) struct Row<'a> {
    id: u32,
    call: Option<u32>,
    media: Option<Cow<'a, str>>,
    /// `from_caller`, `from_callee`.
    direction: Option<&'static str>,
    section: Option<Section>,
    src: Addr,
    dst: Addr,
    transport: &'static str,
    via_relay: Option<Relay>,
    /// None of a fax, as its payload type.
    ssrc: Option<Ssrc>,
    payload_type: Option<u8>,
    codec: Option<String>,
    /// By convention only: no SDP says what the payload type is.
    codec_inferred: bool,
    codec_source: Option<&'static str>,
    payload_types: Vec<PayloadType>,
    srtp: bool,
    /// By the size of its packets only.
    srtp_inferred: bool,
    srtcp: bool,
    first: Time,
    last: Time,
    first_frame: Frame,
    last_frame: Frame,
    packets: u64,
    bytes: u64,
    /// Frames captured twice, in none of the other counts.
    captured_twice: u32,
    expected: u64,
    lost: i64,
    loss_pct: Decimal,
    /// Numbers that never came; unlike `lost` packets that came twice make up for none of them.
    missing: u64,
    /// Of a fax (T.38): lost packets whose content came in others; they are not missing.
    recovered: Option<u64>,
    bursts: Bursts,
    out_of_order: u32,
    duplicates: u32,
    restarts: u32,
    jitter_ms: Jitter,
    clock: Option<u32>,
    max_gap_ms: Option<Millis>,
    max_gap_frame: Option<Frame>,
    silences: u32,
    silent_ms: Millis,
    pauses: u32,
    ptime_ms: Option<Decimal>,
    ptime_asked_ms: Option<u32>,
    keys: String,
    mos: Option<Decimal>,
    mos_basis: Option<MosBasis<'a>>,
    quality: &'static str,
    dscp: Vec<Mark>,
    dscp_expected: Option<ExpectedMark>,
    dscp_verdict: Option<MarkVerdict>,
    /// ICMP errors about it and its RTCP.
    icmp: Vec<IcmpError>,
    rtcp: Rtcp<'a>,
    /// Where packets were lost, up to the receiver's last report.
    loss_split: Option<LossSplit>,
    /// From end to end and back, where reports of both passed.
    round_trip_ms: Option<Millis>,
    /// The other end reports while it runs, and leaves it out.
    unheard: bool,
    /// The stream of the other direction.
    back: Option<usize>,
    follows: Option<Follows>,
    /// SRTP in the call's SDP: `none`, `offered`, `agreed`.
    srtp_signalled: &'static str,
    /// Where its mark changes on the way.
    dscp_changes: Vec<DscpChange>,
    call_inferred: bool,
    other_calls: Vec<u32>,
    holds: Vec<Hold>,
    /// Number of the ICE session whose pair carries it.
    ice: Option<u32>,
    unsignalled: bool,
    after_end_ms: Option<Millis>,
    held: bool,
    /// The same stream at other points of its way, itself among them.
    hops: Vec<usize>,
}

/// The mark of a profile: that the user chose, or that of the clients by their user agents.
#[derive(Debug, Serialize)]
struct ExpectedMark {
    value: u8,
    profile: String,
    inferred: bool,
}

impl ExpectedMark {
    fn of(analysis: &Analysis, s: &MediaStream) -> Option<Self> {
        Some(match expected_of(analysis, s)? {
            Expected::Chosen { dscp, profile } => Self { value: dscp, profile, inferred: false },
            Expected::ByAgents { dscp, profile } => Self { value: dscp, profile, inferred: true },
        })
    }
}

/// What its marks say: `changed` (on the way), `several`, `as_expected`, `not_as_expected` (of the user's profile), `marked`
/// and `unmarked` where nothing is expected for sure.
#[derive(Debug, Serialize)]
struct MarkVerdict {
    word: &'static str,
    /// They contradict themselves or what was asked for.
    bad: bool,
    changed: bool,
}

#[derive(Debug, Serialize)]
struct IcmpError {
    /// `ICMP port unreachable`.
    error: String,
    /// Who said so first.
    by: std::net::IpAddr,
    /// `rtp`, `rtcp`, `keys`, `other`; `nothing`: too little to tell.
    quoted: &'static str,
    count: u32,
    first: Time,
    frame: Frame,
}

fn icmp(e: &media::StreamError) -> IcmpError {
    IcmpError {
        error: crate::show::breakage(e.told.kind),
        by: e.told.by,
        quoted: match e.quoted {
            Quoted::Rtp { .. } => "rtp",
            Quoted::Rtcp { .. } => "rtcp",
            Quoted::Keys => "keys",
            Quoted::Nothing => "nothing",
            Quoted::Other => "other",
        },
        count: e.told.count,
        first: Time(e.told.time),
        frame: e.told.frame.into(),
    }
}

#[derive(Debug, Serialize)]
struct LossSplit {
    before: u64,
    reported: u64,
    behind: u64,
    not_captured: u64,
}

#[derive(Debug, Serialize)]
struct Follows {
    stream: usize,
    /// `ssrc`: another source on the same flow; `path`: the same source on another.
    by: &'static str,
}

#[derive(Debug, Serialize)]
struct DscpChange {
    from: u8,
    to: u8,
    /// Streams before and after it; the same where frames of one flow were captured twice.
    before: usize,
    after: usize,
}

#[derive(Debug, Serialize)]
struct Hold {
    from: Time,
    until: Time,
    /// This direction was to stop; else the other.
    stops: bool,
}

#[derive(Debug, Serialize)]
struct Section {
    index: usize,
    /// Of the description that announced it.
    frame: Frame,
}

#[derive(Debug, Serialize)]
struct Relay {
    server: Addr,
    relayed: Option<Addr>,
    peer: Option<Addr>,
    allocation: u32,
}

#[derive(Debug, Serialize)]
struct PayloadType {
    payload_type: u8,
    codec: Option<String>,
    packets: u32,
    first_frame: Frame,
    in_sdp: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Bursts {
    count: u32,
    longest: u32,
}

#[derive(Debug, Serialize)]
struct Jitter {
    mean: Option<Decimal>,
    max: Option<Decimal>,
}

#[derive(Debug, Serialize)]
struct MosBasis<'a> {
    codec: Option<&'a str>,
    /// What of the codec the figures are of.
    variant: Option<&'static str>,
    loss_pct: Decimal,
    r: Decimal,
    ie: f64,
    bpl: f64,
    delay_ms: Decimal,
    delay_assumed: bool,
}

#[derive(Debug, Serialize)]
struct Mark {
    value: u8,
    packets: u32,
    /// Packets that had it where they were captured a second time.
    captured_twice: u32,
}

/// What the receiver says of the stream, and (`sender_…`) its sender.
#[derive(Debug, Default, Serialize)]
struct Rtcp<'a> {
    /// Report blocks about it.
    reports: u32,
    lost: Option<i32>,
    lost_pct: Option<Decimal>,
    worst_pct: Option<Decimal>,
    jitter_ms: Option<Decimal>,
    jitter_max_ms: Option<Decimal>,
    rtt_ms: Option<Millis>,
    rtt_min_ms: Option<Millis>,
    rtt_max_ms: Option<Millis>,
    last_frame: Option<Frame>,
    sender_reports: u32,
    sender_packets: Option<u32>,
    cname: Option<&'a str>,
    bye: Option<Frame>,
}

/// To three decimals.
#[derive(Debug, Clone, Copy)]
struct Decimal(f64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64((self.0 * 1e3).round() / 1e3)
    }
}

/// `0x8418D3C5`.
#[derive(Debug, Clone, Copy)]
struct Ssrc(u32);

impl Serialize for Ssrc {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("0x{:08X}", self.0))
    }
}

/// `ice`: [`Analysis::ice_index`].
pub(super) fn row<'a>(
    analysis: &'a Analysis,
    index: &'a MediaIndex,
    ice: &IceIndex,
    at: u32,
) -> Option<Row<'a>> {
    let s = index.stream(at)?;
    let figures = analysis.figures_of(s)?;
    let f = figures.as_ref();
    let flow = analysis.flow(s.flow);
    let losses = f.losses();
    let jitter = f.jitter();
    let sender = analysis.sender_of(s);
    let mos = view::mos_of(analysis, s);
    let session =
        s.call.zip(analysis.ice_pair_of(s)).and_then(|(call, pair)| ice.of_call(call).nth(pair.number));
    Some(Row {
        id: at + 1,
        call: s.call.map(|c| c.0 + 1),
        media: Some(view::kind(s)).filter(|kind| !kind.is_empty()).map(Cow::Borrowed),
        direction: s.from_caller.map(|from| if from { "from_caller" } else { "from_callee" }),
        section: s.section.as_ref().map(|section| Section {
            index: section.index,
            frame: analysis.message(section.message).frame.into(),
        }),
        src: Addr(flow.src),
        dst: Addr(flow.dst),
        transport: flow.transport.name(),
        via_relay: s.relay.as_deref().map(|r| Relay {
            server: Addr(r.server),
            relayed: r.relayed.map(Addr),
            peer: r.peer.map(Addr),
            allocation: r.allocation.0 + 1,
        }),
        ssrc: (!s.is_fax()).then_some(Ssrc(s.ssrc)),
        payload_type: (!s.is_fax()).then_some(s.payload_type),
        codec: s.codec.as_deref().map(Codec::text),
        codec_inferred: s.codec.as_ref().is_some_and(|c| c.source == CodecSource::Fallback),
        codec_source: s.codec.as_ref().map(|c| match c.source {
            CodecSource::Sdp => "sdp",
            CodecSource::Static => "rfc3551",
            CodecSource::Fallback => "convention",
        }),
        payload_types: payload_types(s, f),
        srtp: s.protection.is_some(),
        srtp_inferred: s.protection == Some(Protection::SrtpBySize),
        srtcp: sender.is_some_and(|s| s.encrypted > 0),
        first: Time(f.first),
        last: Time(f.last),
        first_frame: f.first_frame.into(),
        last_frame: f.last_frame.into(),
        packets: f.packets,
        bytes: f.bytes,
        captured_twice: f.captured_twice,
        expected: f.expected(),
        lost: f.lost(),
        // RFC 3550 A.3: a negative loss is none.
        loss_pct: Decimal(100.0 * f.lost().max(0) as f64 / f.expected().max(1) as f64),
        missing: losses.missing,
        recovered: analysis.recovered_of(s),
        bursts: Bursts { count: losses.bursts, longest: losses.longest },
        out_of_order: f.out_of_order(),
        duplicates: f.duplicates(),
        restarts: f.restarts(),
        jitter_ms: Jitter { mean: jitter.map(|j| Decimal(j.0)), max: jitter.map(|j| Decimal(j.1)) },
        clock: f.clock(),
        max_gap_ms: (f.packets > 1).then_some(Millis(f.gap.0)),
        max_gap_frame: (f.gap.0 > 0).then(|| f.gap.1.into()),
        silences: f.silences,
        silent_ms: Millis(f.silent),
        pauses: f.pauses,
        ptime_ms: s.ptime_used.map(Decimal),
        ptime_asked_ms: s.ptime_asked,
        keys: view::keys(analysis, s),
        mos: mos.map(|m| Decimal(m.value)),
        mos_basis: mos.map(|m| basis(s, &m)),
        quality: view::Quality::of(analysis, s, f).name(),
        dscp: marks(f),
        dscp_expected: ExpectedMark::of(analysis, s),
        dscp_verdict: StreamVerdict::of(analysis, s).map(|verdict| MarkVerdict {
            word: verdict.name(),
            bad: verdict.is_bad(),
            changed: !s.mark_changes.is_empty(),
        }),
        icmp: analysis.errors_of_stream(s).iter().map(icmp).collect(),
        rtcp: rtcp(analysis.heard_of(s), sender, f),
        loss_split: s.loss.map(|l| LossSplit {
            before: l.before,
            reported: l.reported,
            behind: l.after,
            not_captured: l.not_captured,
        }),
        round_trip_ms: s.round_trip.map(Millis),
        unheard: s.unheard,
        back: s.back.map(|b| b + 1),
        follows: s.follows.map(|f| match f {
            media::Follows::Source(other) => Follows { stream: other + 1, by: "ssrc" },
            media::Follows::Path(other) => Follows { stream: other + 1, by: "path" },
        }),
        srtp_signalled: match s.secured {
            media::Secured::NotOffered => "none",
            media::Secured::Offered => "offered",
            media::Secured::Agreed => "agreed",
        },
        dscp_changes: s.mark_changes.iter().map(change).collect(),
        call_inferred: s.call_inferred,
        other_calls: s.other_calls.iter().map(|c| c.0 + 1).collect(),
        holds: s
            .holds
            .iter()
            .map(|h| Hold { from: Time(h.from), until: Time(h.until), stops: h.stops })
            .collect(),
        ice: session,
        unsignalled: s.unsignalled,
        after_end_ms: s.after_end.map(Millis),
        held: s.held,
        hops: s.hops.iter().map(|h| h + 1).collect(),
    })
}

fn payload_types(s: &MediaStream, f: &Stream) -> Vec<PayloadType> {
    let codec = |pt: u8| match s.other_codecs.iter().find(|(p, _)| *p == pt) {
        _ if pt == s.payload_type => s.codec.as_deref(),
        Some((_, codec)) => codec.as_deref(),
        None => None,
    };
    let mut types: Vec<_> = f.types().collect();
    types.sort_by_key(|t| t.first);
    let row = |t: &&media::TypeUse| PayloadType {
        payload_type: t.payload_type,
        codec: codec(t.payload_type).map(Codec::text),
        packets: t.packets,
        first_frame: t.first_frame.into(),
        in_sdp: s.section.is_some().then(|| !s.unannounced_types.contains(&t.payload_type)),
    };
    types.iter().map(row).collect()
}

fn basis<'a>(s: &'a MediaStream, m: &Mos) -> MosBasis<'a> {
    MosBasis {
        codec: s.codec.as_ref().map(|c| c.name.as_str()),
        variant: s.codec.as_deref().and_then(media::CodecConstants::of).map(|c| c.variant),
        loss_pct: Decimal(m.loss_pct),
        r: Decimal(m.r),
        ie: m.ie,
        bpl: m.bpl,
        delay_ms: Decimal(m.delay_ms),
        delay_assumed: !m.delay_measured,
    }
}

fn change(c: &media::DscpChange) -> DscpChange {
    DscpChange { from: c.from, to: c.to, before: c.before + 1, after: c.after + 1 }
}

fn marks(f: &Stream) -> Vec<Mark> {
    let mut marks: Vec<_> = f.marks().collect();
    marks.sort_by_key(|m| m.frame);
    marks.iter().map(|m| Mark { value: m.dscp, packets: m.packets, captured_twice: m.again }).collect()
}

fn rtcp<'a>(heard: Option<&Heard>, sender: Option<&'a Sender>, f: &Stream) -> Rtcp<'a> {
    let mut out = Rtcp::default();
    if let Some(h) = heard {
        let jitter = view::heard_jitter(h, f);
        let trips = h.round_trips;
        out = Rtcp {
            reports: h.reports,
            lost: Some(h.last.cumulative_lost),
            lost_pct: view::heard_loss(h, f).map(|l| Decimal(l.percent)),
            worst_pct: Some(Decimal(100.0 * f64::from(h.worst_fraction) / 256.0)),
            jitter_ms: jitter.map(|j| Decimal(j.0)),
            jitter_max_ms: jitter.map(|j| Decimal(j.1)),
            last_frame: h.history.last().map(|r| r.frame.into()),
            ..out
        };
        if trips.count > 0 {
            out.rtt_ms = Some(Millis(trips.sum / i64::from(trips.count)));
            out.rtt_min_ms = Some(Millis(trips.min));
            out.rtt_max_ms = Some(Millis(trips.max));
        }
    }
    if let Some(s) = sender {
        out.sender_reports = s.reports;
        out.sender_packets = (s.reports > 0).then_some(s.packets);
        out.cname = s.cname.as_deref();
        out.bye = s.bye.map(|(_, frame)| frame.into());
    }
    out
}
