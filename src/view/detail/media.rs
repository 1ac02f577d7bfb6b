//! RTP, RTCP, DTLS and ZRTP as trees.

mod content;
mod dtls;
mod rtcp;
#[cfg(test)]
mod tests;
mod zrtp;

use callscope_parsers::probe::Probe;
use callscope_parsers::rtp::{
    Extension, HEADER, ONE_BYTE_EXTENSIONS, Payload, RtpHeader, encoding_title, extension_elements,
    fallback_payload, static_payload,
};
use callscope_parsers::udptl::{Ifp, Recovery, parse_udptl};

use super::Node;
use crate::view::packets::media::{self as lines, likely_key, ssrc};
use crate::view::packets::{SourceTypes, Types};
use crate::view::show;

/// Bytes of a value shown in hexadecimal.
const HEX: usize = 32;

/// The tree of a payload that begins `at`, if the probe took it for media or what keys it. `cut`: the capture does not
/// hold its end.
pub fn node(probe: Probe, bytes: &[u8], at: usize, cut: bool, types: &Types<'_>) -> Option<Node> {
    let (label, children) = match probe {
        Probe::Rtp => {
            let header = lines::rtp(bytes, cut)?;
            ("RTP", rtp(&header, bytes, cut, &types.source(header.ssrc)))
        }
        Probe::Rtcp => ("RTCP", rtcp::tree(&lines::rtcp(bytes, cut), bytes)),
        Probe::Dtls => ("DTLS", dtls::tree(&lines::dtls(bytes, cut), bytes)),
        Probe::Zrtp => ("ZRTP", zrtp::tree(&lines::zrtp(bytes, cut)?, bytes)),
        _ => return None,
    };
    let mut node =
        Node::new(label, lines::line(probe, bytes, cut, types).unwrap_or_default(), 0..bytes.len());
    node.children = children;
    node.shift(at);
    Some(node)
}

/// A packet of fax that begins `at`.
pub fn udptl(bytes: &[u8], at: usize) -> Option<Node> {
    let read = parse_udptl(bytes)?;
    let mut node = Node::new("UDPTL", lines::udptl_line(&read), 0..bytes.len());
    node.children.push(Node::new("Sequence number", read.sequence.to_string(), 0..2));
    let ifp = match read.ifp {
        Some(ifp @ Ifp::Indicator { .. }) => format!("indicator {}", ifp.name().unwrap_or("not known")),
        Some(ifp @ Ifp::Data { .. }) => format!("data {}", ifp.name().unwrap_or("not known")),
        None => "not known".to_owned(),
    };
    let text = format!("{ifp}, {}", bytes_text(read.primary.len()));
    node.children.push(Node::new("Primary packet (IFP)", text, read.primary.clone()));
    let (label, parts) = match read.recovery {
        Some(Recovery::Repeated(packets)) => ("Packet before", packets),
        Some(Recovery::Parity { parities, .. }) => ("Parity", parities),
        None => ("", Vec::new()),
    };
    for (n, part) in (1..).zip(parts) {
        node.children.push(Node::new(format!("{label} {n}"), bytes_text(part.len()), part));
    }
    node.shift(at);
    Some(node)
}

fn hex(bytes: &[u8]) -> String {
    crate::view::packets::stun::hex(bytes, HEX)
}

fn bytes_text(len: usize) -> String {
    show::count(len as u64, "byte", "bytes")
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

/// A line that stands for several bytes of which none is its own.
fn remark(label: &str, value: impl Into<String>) -> Node {
    Node { label: label.to_owned(), value: value.into(), ..Node::default() }
}

fn rtp(rtp: &RtpHeader, bytes: &[u8], cut: bool, types: &SourceTypes) -> Vec<Node> {
    let mut out = vec![
        Node::new("Version", "2", 0..1),
        Node::new("Padding", yes(rtp.padded), 0..1),
        Node::new("Extension", yes(rtp.extension.is_some()), 0..1),
        Node::new("CSRC count", rtp.csrcs.to_string(), 0..1),
        Node::new("Marker", yes(rtp.marker), 1..2),
        Node::new("Payload type", payload_type(rtp.payload_type, types), 1..2),
        Node::new("Sequence number", rtp.sequence.to_string(), 2..4),
        Node::new("Timestamp", rtp.timestamp.to_string(), 4..8),
        Node::new("SSRC", ssrc(rtp.ssrc), 8..12),
    ];
    for (n, source) in rtp.csrcs_of(bytes).enumerate() {
        let start = HEADER + 4 * n;
        out.push(Node::new("CSRC", ssrc(source), start..start + 4));
    }
    out.extend(rtp.extension.map(|e| extension(e, bytes, types)));
    let range = rtp.payload.range();
    let captured = if cut { " captured" } else { "" };
    let mut payload = Node::new("Payload", bytes_text(range.len()) + captured, range.clone());
    if types.codec(rtp.payload_type).is_some() {
        payload.children = content::content(rtp.payload_type, rtp.payload_of(bytes), range.start, types);
    } else if let Some((event, key)) = likely_key(rtp, bytes) {
        let (start, end) = (range.start, if event.end { "yes" } else { "no" });
        let mut node = Node::new("If this is telephone-event", format!("key {key}"), range.clone());
        node.children = vec![
            Node::new("Event", format!("{} ({key})", event.event), start..start + 1),
            Node::new("End", end, start + 1..start + 2),
            Node::new("Volume", format!("-{} dBm0", event.volume), start + 1..start + 2),
            Node::new("Duration", format!("{} timestamp units", event.duration), start + 2..start + 4),
        ];
        payload.children.push(node);
    }
    out.push(payload);
    if rtp.padding > 0 {
        let end = range.end + usize::from(rtp.padding);
        out.push(Node::new("Padding bytes", rtp.padding.to_string(), range.end..end));
    } else if rtp.padded && !cut {
        let words = "the count does not fit: it is encrypted (SRTP), or damaged";
        out.push(Node::new("Padding bytes", words, range.end.saturating_sub(1)..range.end));
    }
    out
}

/// `0 (PCMU, 8000 Hz)`; what dynamic types mean stands in SDP, and what Microsoft's clients use them for is no more than that.
fn payload_type(number: u8, types: &SourceTypes) -> String {
    if let Some(codec) = types.codec(number) {
        let title = encoding_title(&codec.name).map_or_else(String::new, |t| format!(", {t}"));
        let name = show::shorten(&show::safe_str(&codec.text()), 40);
        let call = types.call().map_or_else(String::new, |c| format!(" of call {c}"));
        return format!("{number} ({name}{title}, by the SDP{call})");
    }
    if let Some(call) = types.call().filter(|_| static_payload(number).is_none() && number >= 96) {
        return format!("{number} (dynamic; the SDP of call {call} does not have it)");
    }
    let text = |p: Payload| {
        let channels = if p.channels > 1 { format!(", {} channels", p.channels) } else { String::new() };
        let title = encoding_title(p.name).map_or_else(String::new, |t| format!(", {t}"));
        format!("{}{title}, {} Hz{channels}", p.name, p.clock)
    };
    match (static_payload(number), fallback_payload(number)) {
        (Some(p), _) => format!("{number} ({})", text(p)),
        (None, Some(p)) => format!("{number} (dynamic; Communicator and Lync default to {})", text(p)),
        (None, None) if number >= 96 => format!("{number} (dynamic)"),
        (None, None) => format!("{number} (not assigned)"),
    }
}

fn extension(e: Extension, bytes: &[u8], types: &SourceTypes) -> Node {
    let (start, end) = (e.start as usize, (e.start + e.len) as usize);
    let form = match e.profile {
        ONE_BYTE_EXTENSIONS => " (elements with one-byte heads)",
        0x1000..=0x100F => " (elements with two-byte heads)",
        _ => "",
    };
    let mut node = Node::new("Header extension", bytes_text(end - start), start.saturating_sub(4)..end);
    let head = start.saturating_sub(4);
    node.children.push(Node::new("Profile", format!("0x{:04x}{form}", e.profile), head..head + 2));
    node.children.push(Node::new(
        "Length",
        show::count(u64::from(e.len / 4), "word", "words"),
        head + 2..start,
    ));
    let content = bytes.get(start..end).unwrap_or_default();
    node.children.extend(extension_elements(e.profile, content).into_iter().map(|(id, value)| {
        let bytes = content.get(value.clone()).unwrap_or_default();
        let mut text = hex(bytes);
        if let Some(uri) = types.extension(id) {
            // Items of SDES are text (RFC 7941).
            if uri.contains(":sdes:") {
                text = show::shorten(&show::safe(bytes), 60);
            }
            text.push_str(&format!("  ({})", show::shorten(&show::safe_str(&uri), 80)));
        }
        Node::new(format!("Element {id}"), text, start + value.start..start + value.end)
    }));
    node
}
