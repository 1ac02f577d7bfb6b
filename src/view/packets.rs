//! One line a frame: the Packets view.

pub(super) mod dns;
pub mod media;
mod names;
pub mod stun;
mod types;

use std::net::SocketAddr;

use callscope_parsers::probe::{Probe, probe_datagram, probe_stream};
use callscope_parsers::sip;
use callscope_parsers::udptl::{looks_like_udptl, parse_udptl};

use super::{ladder, show, sql};
use crate::capture::{CaptureId, FrameBatch, FrameHead, FrameRef, LinkType, Nanos};
use crate::correlate::{Analysis, MsgIdx, Owner, Transport};
use crate::decode::{dns_port, is_sqlr};
use crate::net::{IpPacket, Sliced, TcpFlags, TcpSegment, explain_frame, slice_frame};
use stun::FlowKnown;
pub use types::{SourceTypes, Types};

/// Messages of one frame that its line tells of.
const MESSAGES: usize = 4;
/// Columns of the text of a line.
const INFO: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketLine {
    pub frame: FrameRef,
    pub time: Nanos,
    pub src: Option<SocketAddr>,
    pub dst: Option<SocketAddr>,
    /// `SIP`, `STUN`, `RTP`, `TLS`, `TCP`, `UDP`, `ARP` …
    pub protocol: String,
    /// Bytes on the wire.
    pub length: u32,
    pub info: String,
}

/// The lines of frames `first` (from 1) to `first + count - 1` of a capture, read again from it.
pub fn packet_lines(
    analysis: &Analysis,
    capture: usize,
    first: u32,
    count: u32,
) -> std::io::Result<Vec<PacketLine>> {
    let (Some(index), Some(backing), Ok(id)) =
        (analysis.frame_indexes.get(capture), analysis.stores.capture(capture), u16::try_from(capture))
    else {
        return Ok(Vec::new());
    };
    let batch = index.read(&**backing, first, count)?;
    let lines = batch.frames.iter().zip(batch.first_frame..).map(|(head, number)| {
        let frame = FrameRef { capture: CaptureId(id), frame: number };
        let (link, bytes) = frame_of(&batch, head);
        packet_line(analysis, frame, head, link, bytes)
    });
    Ok(lines.collect())
}

/// Link type and bytes of a frame of a batch.
pub(super) fn frame_of<'b>(batch: &'b FrameBatch, head: &FrameHead) -> (LinkType, &'b [u8]) {
    let start = head.start as usize;
    let bytes = batch.bytes.get(start..start.saturating_add(head.caplen as usize)).unwrap_or_default();
    let link = batch.links.get(head.interface as usize).copied().unwrap_or(LinkType(1));
    (link, bytes)
}

fn packet_line(
    analysis: &Analysis,
    frame: FrameRef,
    head: &FrameHead,
    link: LinkType,
    bytes: &[u8],
) -> PacketLine {
    let sliced = slice_frame(link, bytes, head.origlen, &analysis.limits);
    let mut line = PacketLine {
        frame,
        time: head.time,
        src: None,
        dst: None,
        protocol: String::new(),
        length: head.origlen,
        info: String::new(),
    };
    describe(&mut line, &sliced, link, bytes, head.origlen, analysis);
    let messages = analysis.messages_in_frame(frame);
    if !messages.is_empty() {
        line.protocol = "SIP".to_owned();
        line.info = sip_info(analysis, &messages);
        if matches!(sliced, Sliced::Fragment { .. }) {
            line.info.push_str("  (reassembled from fragments)");
            let flow = messages.first().map(|&m| analysis.flow(analysis.message(m).flow));
            (line.src, line.dst) = (flow.map(|f| f.src).or(line.src), flow.map(|f| f.dst).or(line.dst));
        }
    }
    if matches!(sliced, Sliced::Fragment { .. })
        && messages.is_empty()
        && let Some(record) = analysis.sql.record_in(frame)
        && let Ok(bytes) = analysis.stores.read(record.bytes)
        && let Some(info) = sql::datagram(&bytes)
    {
        line.protocol = "SQLR".to_owned();
        line.info = format!("{info}  (reassembled from fragments)");
        (line.src, line.dst) = (Some(record.src), Some(record.dst));
    }
    line.info = show::shorten(&line.info, INFO);
    line
}

fn describe(
    line: &mut PacketLine,
    sliced: &Sliced<'_>,
    link: LinkType,
    bytes: &[u8],
    origlen: u32,
    analysis: &Analysis,
) {
    let time = line.time;
    let mut set = |protocol: &str, info: String| {
        line.protocol = protocol.to_owned();
        line.info = info;
    };
    match sliced {
        Sliced::Udp { src, dst, payload, ip } => {
            let known = FlowKnown::of(analysis, *src, *dst, Transport::Udp);
            let types = Types::of(analysis, *src, *dst, Transport::Udp, time);
            let (protocol, info) = udp(*src, *dst, payload, ip, (&known, &types));
            set(protocol, info);
            (line.src, line.dst) = (Some(*src), Some(*dst));
        }
        Sliced::Tcp { segment, .. } => {
            let known = FlowKnown::of(analysis, segment.src, segment.dst, Transport::Tcp);
            let speaks = analysis.sql.connection_between(segment.src, segment.dst);
            let side = speaks.filter(|(c, _)| c.tds.is_some()).map(|(_, client)| !client);
            let (protocol, info) = tcp(segment, &known, side);
            set(protocol, info);
            (line.src, line.dst) = (Some(segment.src), Some(segment.dst));
        }
        Sliced::Sctp { ip, src_port, dst_port, chunks } => {
            set("SCTP", names::sctp_chunks(chunks));
            line.src = Some(SocketAddr::new(ip.src, *src_port));
            line.dst = Some(SocketAddr::new(ip.dst, *dst_port));
        }
        Sliced::Icmp { ip } => {
            let v6 = ip.src.is_ipv6();
            set(if v6 { "ICMPv6" } else { "ICMP" }, names::icmp(v6, ip.payload));
        }
        Sliced::Fragment { ip } => {
            let f = ip.fragment.map_or((0, false), |f| (f.offset, f.more));
            let more = if f.1 { ", more follow" } else { ", the last" };
            let what = names::ip_protocol(ip.protocol);
            set(
                "IP",
                format!(
                    "fragment of {what}, id 0x{:04x}, offset {}, {} bytes{more}",
                    ip.id,
                    f.0,
                    ip.payload.len()
                ),
            );
        }
        Sliced::OtherIp { ip } => {
            let what = names::ip_protocol(ip.protocol);
            set(&what, format!("{} bytes", ip.payload.len()));
        }
        Sliced::NotIp => {
            let (protocol, info) = not_ip(link, bytes, origlen, analysis);
            set(&protocol, info);
        }
        Sliced::Cut => {
            set("cut", format!("{} of {origlen} bytes captured, too few to tell what it is", bytes.len()));
        }
        Sliced::Malformed(why) => set("damaged", (*why).to_owned()),
        Sliced::TooDeep => {
            set("tunnel", "more tunnels inside one another than the limit encapsulation_depth".to_owned())
        }
    }
    if let Sliced::Icmp { ip } | Sliced::Fragment { ip } | Sliced::OtherIp { ip } = sliced {
        (line.src, line.dst) = (Some(SocketAddr::new(ip.src, 0)), Some(SocketAddr::new(ip.dst, 0)));
    }
}

/// `INVITE sip:bob@contoso.com  offer, 22 candidates  (call 3)`, several messages after one another.
fn sip_info(analysis: &Analysis, messages: &[MsgIdx]) -> String {
    let mut parts: Vec<String> = messages.iter().take(MESSAGES).map(|&m| one_message(analysis, m)).collect();
    if messages.len() > MESSAGES {
        parts.push(format!("{} more messages", messages.len() - MESSAGES));
    }
    parts.join(" · ")
}

fn one_message(analysis: &Analysis, m: MsgIdx) -> String {
    let record = analysis.message(m);
    let owner = match record.owner {
        Owner::Call(c) => format!("call {}", u64::from(c.0) + 1),
        Owner::Dialog(d) => format!("dialog {}", u64::from(d.0) + 1),
    };
    let label = ladder::message_label(analysis, m);
    let uri = record.is_request().then(|| request_uri(analysis, m)).flatten();
    match (uri, label.split_once(' ')) {
        (Some(uri), Some((method, rest))) => format!("{method} {uri}  {rest}  ({owner})"),
        (Some(uri), None) => format!("{label} {uri}  ({owner})"),
        (None, _) => format!("{label}  ({owner})"),
    }
}

fn request_uri(analysis: &Analysis, m: MsgIdx) -> Option<String> {
    let bytes = analysis.message_bytes(m).ok()?;
    let scan = sip::scan(&bytes)?;
    Some(show::shorten(&show::safe(scan.request_uri), 80)).filter(|u| !u.is_empty())
}

fn udp(
    src: SocketAddr,
    dst: SocketAddr,
    payload: &[u8],
    ip: &IpPacket<'_>,
    (known, types): (&FlowKnown<'_>, &Types<'_>),
) -> (&'static str, String) {
    let len = payload.len();
    let relayed = || match known.active_peer() {
        Some(peer) => format!("  (relayed {} {peer})", known.towards()),
        None => String::new(),
    };
    if let Some(message) = dns::datagram(payload, src, dst)
        && (dns_port(src, dst).is_some() || probe_datagram(payload) == Probe::Unknown)
    {
        return (message.flavor.name(), dns::line(&message));
    }
    match probe_datagram(payload) {
        // The numbers of a long fax begin like RTP.
        Probe::Unknown | Probe::Rtp
            if types.is_fax()
                && looks_like_udptl(payload, ip.missing as usize)
                && let Some(udptl) = parse_udptl(payload) =>
        {
            ("UDPTL", media::udptl_line(&udptl))
        }
        Probe::Sip => ("SIP", first_line(payload)),
        Probe::SipKeepAlive => ("SIP", format!("keep-alive, {len} bytes")),
        Probe::Stun | Probe::ChannelData => {
            stun::datagram(payload, known).unwrap_or_else(|| ("STUN", names::stun(payload)))
        }
        probe @ (Probe::Dtls | Probe::Zrtp | Probe::Rtp | Probe::Rtcp) => {
            let name = match probe {
                Probe::Dtls => "DTLS",
                Probe::Zrtp => "ZRTP",
                Probe::Rtp => "RTP",
                _ => "RTCP",
            };
            let cut = match ip.missing {
                0 => String::new(),
                n => format!(", {} more not captured", show::count(u64::from(n), "byte", "bytes")),
            };
            (name, media::line(probe, payload, ip.missing > 0, types).unwrap_or_default() + &cut + &relayed())
        }
        _ if is_sqlr(src, dst, payload) => ("SQLR", sql::datagram(payload).unwrap_or_default()),
        _ => {
            let by_port = names::udp_port(dst.port()).or_else(|| names::udp_port(src.port()));
            let cut =
                if ip.missing > 0 { format!(", {} more not captured", ip.missing) } else { String::new() };
            (by_port.unwrap_or("UDP"), format!("{} → {}  {len} bytes{cut}", src.port(), dst.port()))
        }
    }
}

/// `speaks_tds`: TDS is spoken on its connection, and whether it comes from the server.
fn tcp(segment: &TcpSegment<'_>, known: &FlowKnown<'_>, speaks_tds: Option<bool>) -> (&'static str, String) {
    let payload = segment.payload;
    let ports = format!("{} → {}", segment.src.port(), segment.dst.port());
    let mut info = format!("{ports}  {}  seq {}", names::tcp_flags(segment.flags), segment.seq);
    if segment.flags.has(TcpFlags::ACK) {
        info.push_str(&format!(" ack {}", segment.ack));
    }
    info.push_str(&format!("  len {}", payload.len().saturating_add(segment.missing as usize)));
    if segment.missing > 0 {
        info.push_str(&format!(" ({} not captured)", segment.missing));
    }
    if payload.is_empty() {
        return ("TCP", info);
    }
    if let Some(told) = speaks_tds.and_then(|from_server| sql::segment(payload, from_server)) {
        return ("TDS", told);
    }
    let messages = dns::segment(payload, segment.src, segment.dst);
    if let Some((_, first)) = messages.first() {
        let lines: Vec<String> = messages.iter().take(MESSAGES).map(|(_, m)| dns::line(m)).collect();
        return (first.flavor.name(), lines.join(" · "));
    }
    if let Some(told) = stun::segment(payload, known) {
        return told;
    }
    match probe_stream(payload) {
        Probe::Sip => ("SIP", format!("{}  (part of a message)", first_line(payload))),
        Probe::SipKeepAlive => ("SIP", format!("keep-alive, {} bytes", payload.len())),
        Probe::Tls => ("TLS", names::tls(payload)),
        Probe::Http => ("HTTP", first_line(payload)),
        Probe::Stun => ("STUN", names::stun(payload)),
        _ => {
            let by_port = names::tcp_port(segment.dst.port()).or_else(|| names::tcp_port(segment.src.port()));
            (by_port.unwrap_or("TCP"), info)
        }
    }
}

fn first_line(payload: &[u8]) -> String {
    let line = payload.split(|&b| b == b'\n').next().unwrap_or_default();
    show::shorten(&show::safe(line.strip_suffix(b"\r").unwrap_or(line)), 120)
}

/// ARP in words; anything else by the name of its innermost layer.
fn not_ip(link: LinkType, bytes: &[u8], origlen: u32, analysis: &Analysis) -> (String, String) {
    let (layers, _) = explain_frame(link, bytes, origlen, &analysis.limits);
    let Some(last) = layers.last() else {
        return ("not IP".to_owned(), format!("link type {}, {} bytes", link.0, bytes.len()));
    };
    if let Some(arp) = names::arp(link, bytes) {
        return ("ARP".to_owned(), arp);
    }
    let field = last.fields.iter().find(|f| f.name.to_ascii_lowercase().contains("type"));
    let info = field.map(|f| format!("{} {}", f.name, show::safe_str(&f.value)));
    let info = last.remark.as_deref().map(show::safe_str).or(info).unwrap_or_default();
    (last.name.to_owned(), info)
}

/// First fields of a payload in words, where it is one of the protocols told apart.
pub(super) fn payload_text(probe: Probe, payload: &[u8]) -> Option<String> {
    Some(match probe {
        Probe::Sip | Probe::Http => first_line(payload),
        Probe::Stun => names::stun(payload),
        Probe::ChannelData => names::channel_data(payload),
        Probe::Dtls | Probe::Zrtp | Probe::Rtp | Probe::Rtcp => {
            return media::line(probe, payload, false, &Types::default());
        }
        Probe::Tls => names::tls(payload),
        Probe::SipKeepAlive | Probe::Unknown => return None,
    })
}
