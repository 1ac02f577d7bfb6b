//! Payload that is no SIP message: what it is, and its first fields.

use std::ops::Range;

use callscope_parsers::dns::Dns;
use callscope_parsers::probe::{Probe, probe_datagram, probe_stream};
use callscope_parsers::udptl::looks_like_udptl;

use super::sql;
use super::stun::{self, Scene};
use super::{Node, dns, media};
use crate::decode::{dns_port, is_sqlr};
use crate::net::Sliced;
use crate::view::packets::{self, Types};

/// Nodes for the transport payload of a frame: one, or one for each TURN frame of a TCP segment.
pub fn payload(
    frame: &[u8],
    range: Range<usize>,
    sliced: &Sliced<'_>,
    scene: Option<&Scene<'_>>,
) -> Vec<Node> {
    let bytes = frame.get(range.clone()).unwrap_or_default();
    let probe = match sliced {
        Sliced::Tcp { segment, .. } => {
            let messages = packets::dns::segment(bytes, segment.src, segment.dst);
            if !messages.is_empty() {
                return dns_segment(bytes, range.start, messages);
            }
            let frames = scene.map(|s| stun::segment(bytes, range.start, s)).unwrap_or_default();
            if !frames.is_empty() {
                return frames;
            }
            let packets = scene.map(|s| sql::segment(bytes, range.start, s)).unwrap_or_default();
            if !packets.is_empty() {
                return packets;
            }
            probe_stream(bytes)
        }
        Sliced::Udp { src, dst, .. } => {
            let known_port = dns_port(*src, *dst).is_some();
            if (known_port || probe_datagram(bytes) == Probe::Unknown)
                && let Some(message) = packets::dns::datagram(bytes, *src, *dst)
            {
                return vec![dns::message(&message, bytes.len(), range.start)];
            }
            if let Some(node) = scene.and_then(|s| stun::datagram(bytes, range.start, s)) {
                return vec![node];
            }
            let probe = probe_datagram(bytes);
            if matches!(probe, Probe::Unknown | Probe::Rtp)
                && scene
                    .is_some_and(|s| s.types().is_fax() && looks_like_udptl(bytes, usize::from(s.cut) << 16))
                && let Some(node) = media::udptl(bytes, range.start)
            {
                return vec![node];
            }
            if probe == Probe::Unknown
                && is_sqlr(*src, *dst, bytes)
                && let Some(node) = sql::datagram(bytes, range.start)
            {
                return vec![node];
            }
            probe
        }
        _ => Probe::Unknown,
    };
    let cut = matches!(sliced, Sliced::Udp { ip, .. } if ip.missing > 0);
    let types = scene.map(Scene::types).unwrap_or_default();
    vec![told(probe, bytes, range.start, cut, &types)]
}

/// The messages of a segment, each with the length before it.
fn dns_segment(bytes: &[u8], at: usize, messages: Vec<(Range<usize>, Dns)>) -> Vec<Node> {
    let mut end = 0;
    let mut out = Vec::new();
    for (range, message) in messages {
        let mut node = dns::message(&message, range.len(), at + range.start);
        let head = at + range.start.saturating_sub(2)..at + range.start;
        node.range = Some(head.start..at + range.end);
        node.children.insert(0, Node::new("Length", range.len().to_string(), head));
        end = range.end;
        out.push(node);
    }
    if end < bytes.len() {
        let text = format!("{} bytes, the rest stands in later segments", bytes.len() - end);
        out.push(Node::new("Beginning of a message", text, at + end..at + bytes.len()));
    }
    out
}

/// A node for a payload that begins `at`, by what it looks like. `cut`: the capture does not hold its end.
pub fn told(probe: Probe, bytes: &[u8], at: usize, cut: bool, types: &Types<'_>) -> Node {
    if let Some(node) = media::node(probe, bytes, at, cut, types) {
        return node;
    }
    let name = match probe {
        Probe::Sip => "SIP (part of a message)",
        Probe::SipKeepAlive => "SIP keep-alive",
        Probe::Stun => "STUN",
        Probe::ChannelData => "TURN ChannelData",
        Probe::Tls => "TLS",
        Probe::Http => "HTTP",
        Probe::Rtp | Probe::Rtcp | Probe::Dtls | Probe::Zrtp | Probe::Unknown => "Data",
    };
    let text = packets::payload_text(probe, bytes).unwrap_or_else(|| format!("{} bytes", bytes.len()));
    let mut node = Node::new(name, text, at..at + bytes.len());
    node.children = fields(probe, bytes, at);
    node
}

/// Name, position and length of the fixed fields, and how to tell their value.
pub type Fixed = (&'static str, usize, usize);

fn fields(probe: Probe, bytes: &[u8], base: usize) -> Vec<Node> {
    let list: &[Fixed] = match probe {
        Probe::Stun => &[
            ("Message type", 0, 2),
            ("Message length", 2, 2),
            ("Magic cookie", 4, 4),
            ("Transaction ID", 8, 12),
        ],
        Probe::ChannelData => &[("Channel", 0, 2), ("Length", 2, 2)],
        Probe::Tls => &[("Content type", 0, 1), ("Version", 1, 2), ("Record length", 3, 2)],
        _ => &[],
    };
    fixed(list, bytes, base)
}

/// Fields of fixed places, as far as they are there.
pub fn fixed(list: &[Fixed], bytes: &[u8], base: usize) -> Vec<Node> {
    list.iter()
        .filter_map(|&(name, at, len)| {
            let field = bytes.get(at..at + len)?;
            let hex: String = field.iter().map(|b| format!("{b:02x}")).collect();
            let number = field.iter().fold(0u128, |n, &b| n << 8 | u128::from(b));
            let value = if len <= 4 { format!("{number} (0x{hex})") } else { format!("0x{hex}") };
            Some(Node::new(name, value, base + at..base + at + len))
        })
        .collect()
}
