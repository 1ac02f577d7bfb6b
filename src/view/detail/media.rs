//! RTP, RTCP, DTLS and ZRTP as trees.

mod dtls;
mod rtcp;
#[cfg(test)]
mod tests;
mod zrtp;

use std::ops::Range;

use callscope_parsers::probe::Probe;
use callscope_parsers::rtp::{
    Extension, HEADER, ONE_BYTE_EXTENSIONS, Payload, RtpHeader, encoding_title, fallback_payload,
    static_payload,
};

use super::Node;
use crate::view::packets::media::{self as lines, likely_key, ssrc};
use crate::view::show;

/// Bytes of a value shown in hexadecimal.
const HEX: usize = 32;

/// The tree of a payload that begins `at`, if the probe took it for media or what keys it. `cut`: the capture does not
/// hold its end.
pub fn node(probe: Probe, bytes: &[u8], at: usize, cut: bool) -> Option<Node> {
    let (label, children) = match probe {
        Probe::Rtp => ("RTP", rtp(&lines::rtp(bytes, cut)?, bytes, cut)),
        Probe::Rtcp => ("RTCP", rtcp::tree(&lines::rtcp(bytes, cut), bytes)),
        Probe::Dtls => ("DTLS", dtls::tree(&lines::dtls(bytes, cut), bytes)),
        Probe::Zrtp => ("ZRTP", zrtp::tree(&lines::zrtp(bytes, cut)?, bytes)),
        _ => return None,
    };
    let mut node = Node::new(label, lines::line(probe, bytes, cut).unwrap_or_default(), 0..bytes.len());
    node.children = children;
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

fn rtp(rtp: &RtpHeader, bytes: &[u8], cut: bool) -> Vec<Node> {
    let mut out = vec![
        Node::new("Version", "2", 0..1),
        Node::new("Padding", yes(rtp.padded), 0..1),
        Node::new("Extension", yes(rtp.extension.is_some()), 0..1),
        Node::new("CSRC count", rtp.csrcs.to_string(), 0..1),
        Node::new("Marker", yes(rtp.marker), 1..2),
        Node::new("Payload type", payload_type(rtp.payload_type), 1..2),
        Node::new("Sequence number", rtp.sequence.to_string(), 2..4),
        Node::new("Timestamp", rtp.timestamp.to_string(), 4..8),
        Node::new("SSRC", ssrc(rtp.ssrc), 8..12),
    ];
    for (n, source) in rtp.csrcs_of(bytes).enumerate() {
        let start = HEADER + 4 * n;
        out.push(Node::new("CSRC", ssrc(source), start..start + 4));
    }
    out.extend(rtp.extension.map(|e| extension(e, bytes)));
    let range = rtp.payload.range();
    let captured = if cut { " captured" } else { "" };
    let mut payload = Node::new("Payload", bytes_text(range.len()) + captured, range.clone());
    if let Some((event, key)) = likely_key(rtp, bytes) {
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
fn payload_type(number: u8) -> String {
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

fn extension(e: Extension, bytes: &[u8]) -> Node {
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
    node.children.extend(elements(e.profile, content).into_iter().map(|(id, value)| {
        let text = hex(content.get(value.clone()).unwrap_or_default());
        Node::new(format!("Element {id}"), text, start + value.start..start + value.end)
    }));
    node
}

/// Identifiers and places of the elements of a header extension (RFC 8285 §4.2, §4.3). None of another profile's.
fn elements(profile: u16, content: &[u8]) -> Vec<(u8, Range<usize>)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&first) = content.get(at) {
        let (id, length, head) = match profile {
            // Padding.
            _ if first == 0 => {
                at += 1;
                continue;
            }
            // §4.2: nothing behind identifier 15 is read.
            ONE_BYTE_EXTENSIONS if first >> 4 == 15 => break,
            ONE_BYTE_EXTENSIONS => (first >> 4, usize::from(first & 0x0F) + 1, 1),
            0x1000..=0x100F => (first, content.get(at + 1).copied().map_or(0, usize::from), 2),
            _ => break,
        };
        let (start, end) = (at + head, at + head + length);
        if end > content.len() {
            break;
        }
        out.push((id, start..end));
        at = end;
    }
    out
}
