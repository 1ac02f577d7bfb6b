//! Payloads of RTP, opened as far as the codec that SDP names for them says how: events, redundant data, heads of video.

use callscope_parsers::rtp::video::{H264Packing, parse_h264, parse_vp8};
use callscope_parsers::rtp::{TELEPHONE_EVENT, event_name, parse_red, telephone_events};

use super::{bytes_text, payload_type, yes};
use crate::view::detail::Node;
use crate::view::packets::SourceTypes;
use crate::view::packets::media::event_words;

/// Redundant data inside of redundant data is none.
const DEPTH: usize = 2;
/// NAL units of one packet that are told.
const UNITS: usize = 32;

/// Lines below a payload that begins `at`.
pub fn content(number: u8, bytes: &[u8], at: usize, types: &SourceTypes) -> Vec<Node> {
    nodes(number, bytes, at, types, DEPTH)
}

fn nodes(number: u8, bytes: &[u8], at: usize, types: &SourceTypes, depth: usize) -> Vec<Node> {
    let Some(codec) = types.codec(number).filter(|_| !types.is_protected()) else { return Vec::new() };
    match codec.name.to_ascii_lowercase().as_str() {
        "telephone-event" => events(bytes, at, types.redacted),
        "red" if depth > 0 => red(bytes, at, types, depth - 1),
        "h264" | "h264-svc" | "x-h264uc" => h264(bytes, at),
        "vp8" => vp8(bytes, at),
        _ => Vec::new(),
    }
}

/// RFC 4733 §2.3.
fn events(bytes: &[u8], at: usize, redacted: bool) -> Vec<Node> {
    let each = telephone_events(bytes).enumerate().map(|(n, event)| {
        let start = at + n * TELEPHONE_EVENT;
        let mut node =
            Node::new("Telephone event", event_words(event, redacted), start..start + TELEPHONE_EVENT);
        let number = match (event.digit(), event_name(event.event)) {
            (Some(_), _) if redacted => "x".to_owned(),
            (Some(key), _) => format!("{} ({key})", event.event),
            (None, Some(name)) => format!("{} ({name})", event.event),
            (None, None) => event.event.to_string(),
        };
        node.children = vec![
            Node::new("Event", number, start..start + 1),
            Node::new("End", yes(event.end), start + 1..start + 2),
            Node::new("Volume", format!("-{} dBm0", event.volume), start + 1..start + 2),
            Node::new("Duration", format!("{} timestamp units", event.duration), start + 2..start + 4),
        ];
        node
    });
    each.collect()
}

/// RFC 2198 §3: a head of four bytes for each redundant block, one of one byte for the newest data, then the data.
fn red(bytes: &[u8], at: usize, types: &SourceTypes, depth: usize) -> Vec<Node> {
    let Some(read) = parse_red(bytes) else {
        let mut node = Node::new("RED", "its heads or lengths go beyond its end", at..at + bytes.len());
        node.issue = true;
        return vec![node];
    };
    let mut out = Vec::new();
    let mut head = at;
    for block in &read.blocks {
        let name = payload_type(block.payload_type, types);
        let mut node = Node::new("Block head", format!("redundant, {name}"), head..head + 4);
        node.children = vec![
            Node::new("Follow", "yes: another head is behind it", head..head + 1),
            Node::new("Payload type", name, head..head + 1),
            Node::new(
                "Timestamp offset",
                format!("{} before that of the packet", block.timestamp_offset),
                head + 1..head + 3,
            ),
            Node::new("Length", block.length.to_string(), head + 2..head + 4),
        ];
        out.push(node);
        head += 4;
    }
    let name = payload_type(read.primary, types);
    let mut node = Node::new("Block head", format!("newest, {name}"), head..head + 1);
    node.children = vec![
        Node::new("Follow", "no: the data is behind it", head..head + 1),
        Node::new("Payload type", name, head..head + 1),
    ];
    out.push(node);
    let blocks = read.blocks.iter().map(|b| ("Redundant data", b.payload_type, b.data));
    for (label, number, span) in blocks.chain([("Newest data", read.primary, read.primary_data)]) {
        let range = span.range();
        let data = bytes.get(range.clone()).unwrap_or_default();
        let start = at + range.start;
        let mut node = Node::new(label, bytes_text(range.len()), start..at + range.end);
        node.children = nodes(number, data, start, types, depth);
        out.push(node);
    }
    out
}

fn nal_words(nal_type: u8) -> String {
    let name = callscope_parsers::rtp::video::nal_name(nal_type);
    name.map_or_else(|| nal_type.to_string(), |name| format!("{nal_type} ({name})"))
}

/// The byte that a NAL unit begins with (RFC 6184 §1.3).
fn nal_head(label: &str, byte: u8, at: usize) -> Node {
    let mut node = Node::new(label, nal_words(byte & 0x1F), at..at + 1);
    node.children = vec![
        Node::new("Reference (NRI)", (byte >> 5 & 3).to_string(), at..at + 1),
        Node::new("Type", nal_words(byte & 0x1F), at..at + 1),
    ];
    node
}

/// RFC 6184 §5.
fn h264(bytes: &[u8], at: usize) -> Vec<Node> {
    let (Some(read), Some(&first)) = (parse_h264(bytes), bytes.first()) else { return Vec::new() };
    match read.packing {
        H264Packing::Single => vec![nal_head("NAL unit", first, at)],
        H264Packing::StapA => {
            let mut out = vec![Node::new("Aggregate", "STAP-A (24)", at..at + 1)];
            let mut start = 1;
            while let Some(size) = bytes.get(start..).and_then(<[u8]>::first_chunk::<2>) {
                let length = usize::from(u16::from_be_bytes(*size));
                let (unit, end) = (start + 2, start + 2 + length);
                let Some(&head) = bytes.get(unit).filter(|_| length > 0 && end <= bytes.len()) else { break };
                if out.len() > UNITS {
                    break;
                }
                let mut node = Node::new("NAL unit", nal_words(head & 0x1F), at + start..at + end);
                node.children = vec![
                    Node::new("Size", length.to_string(), at + start..at + unit),
                    nal_head("Head", head, at + unit),
                ];
                out.push(node);
                start = end;
            }
            out
        }
        H264Packing::FuA { start, end } => {
            let part = match (start, end) {
                (true, _) => "the first piece",
                (_, true) => "the last piece",
                _ => "a piece",
            };
            let mut node = Node::new(
                "Fragment",
                format!("{part} of a NAL unit, {}", nal_words(read.nal_type)),
                at..at + 2,
            );
            node.children = vec![
                nal_head("Indicator", first, at),
                Node::new("Start", yes(start), at + 1..at + 2),
                Node::new("End", yes(end), at + 1..at + 2),
                Node::new("Type", nal_words(read.nal_type), at + 1..at + 2),
            ];
            vec![node]
        }
    }
}

/// RFC 7741 §4.2: the descriptor; §4.3: the head of a frame.
fn vp8(bytes: &[u8], at: usize) -> Vec<Node> {
    let (Some(read), Some(&first)) = (parse_vp8(bytes), bytes.first()) else { return Vec::new() };
    let what = if read.start { "a frame begins" } else { "a frame goes on" };
    let mut descriptor = Node::new("VP8 descriptor", what, at..at + read.descriptor);
    descriptor.children = vec![
        Node::new("Extended", yes(first & 0x80 != 0), at..at + 1),
        Node::new("Non-reference", yes(first & 0x20 != 0), at..at + 1),
        Node::new("Start of partition", yes(first & 0x10 != 0), at..at + 1),
        Node::new("Partition", (first & 7).to_string(), at..at + 1),
    ];
    if let Some(&extended) = bytes.get(1).filter(|_| first & 0x80 != 0) {
        let mut next = at + 2;
        if let Some(id) = read.picture_id {
            let len = if bytes.get(2).is_some_and(|b| b & 0x80 != 0) { 2 } else { 1 };
            descriptor.children.push(Node::new("Picture ID", id.to_string(), next..next + len));
            next += len;
        }
        let mut byte = |here: bool| {
            let value = bytes.get(next - at).copied().filter(|_| here);
            let place = next..next + 1;
            next += usize::from(here);
            Some((value?, place))
        };
        if let Some((value, place)) = byte(extended & 0x40 != 0) {
            descriptor.children.push(Node::new("Base layer index (TL0PICIDX)", value.to_string(), place));
        }
        if let Some((value, place)) = byte(extended & 0x30 != 0) {
            if extended & 0x20 != 0 {
                descriptor.children.push(Node::new(
                    "Temporal layer",
                    (value >> 6).to_string(),
                    place.clone(),
                ));
                descriptor.children.push(Node::new("Layer sync", yes(value & 0x20 != 0), place.clone()));
            }
            if extended & 0x10 != 0 {
                descriptor.children.push(Node::new("Key frame index", (value & 0x1F).to_string(), place));
            }
        }
    }
    let mut out = vec![descriptor];
    if let Some(key) = read.key_frame {
        let start = at + read.descriptor;
        let size = read.size.map_or_else(String::new, |(w, h)| format!(", {w} × {h}"));
        let kind = if key { "key frame" } else { "inter frame" };
        let length = if read.size.is_some() { 10 } else { 1 };
        out.push(Node::new("VP8 frame", format!("{kind}{size}"), start..start + length));
    }
    out
}
