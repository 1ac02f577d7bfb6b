//! A STUN or TURN message as a tree: header, every attribute with its meaning, what is wrong, and whether its checksum
//! and keyed hash hold. What a relay carries is decoded again.

mod keys;
mod values;

use std::net::SocketAddr;
use std::ops::Range;

use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::stun::integrity::{Algorithm, Fingerprint};
use callscope_parsers::stun::stream::{FrameKind, Framing, StreamFraming, multiplexed_datagram};
use callscope_parsers::stun::{
    Attribute, AttributeType, Dialect, HEADER, Method, Stun, Value, parse_channel_data, parse_stun, words,
};

use super::{Node, payload, place_issue, sip};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::stun::{StunOwner, StunRecord};
use crate::correlate::{Analysis, Transport};
use crate::decode::name_hash;
use crate::view::packets::Types;
use crate::view::packets::stun::{self as lines, FlowKnown};
use crate::view::show;

/// Messages inside messages that are decoded.
const DEPTH: usize = 4;
/// Frames of one segment that are decoded.
const FRAMES: usize = 256;

/// Where the bytes of a message come from.
#[derive(Clone)]
pub struct Scene<'a> {
    pub analysis: &'a Analysis,
    pub frame: FrameRef,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    pub show_secrets: bool,
    /// Of the frame.
    pub records: Vec<&'a StunRecord>,
    /// The capture does not hold all of the datagram.
    pub cut: bool,
    pub time: Nanos,
}

impl<'a> Scene<'a> {
    /// What SDP says of packets here.
    pub fn types(&self) -> Types<'a> {
        Types::of(self.analysis, self.src, self.dst, self.transport, self.time)
    }

    fn known(&self) -> FlowKnown<'a> {
        FlowKnown::of(self.analysis, self.src, self.dst, self.transport)
    }

    /// What the analysis made of a message.
    fn record(&self, transaction: &[u8; 16]) -> Option<&'a StunRecord> {
        let hash = name_hash(transaction) as u32;
        self.records.iter().copied().find(|r| r.transaction == hash)
    }

    /// The dialect of what a message belongs to: an answer does not always say it.
    fn hint(&self, bytes: &[u8]) -> Option<Dialect> {
        let id = bytes.get(4..20)?.first_chunk::<16>()?;
        let stun = &self.analysis.stun;
        match self.record(id).map(StunRecord::owner) {
            Some(StunOwner::Check(group)) => {
                let first = stun.checks_of(group).next().and_then(|i| stun.record(i));
                first.map(|r| r.dialect())
            }
            Some(StunOwner::Allocation(a)) => stun.allocations.get(a.0 as usize).map(|a| a.dialect),
            _ => self.known().hint,
        }
    }
}

/// The payload of a datagram, if it is STUN or ChannelData, or goes over a relay to the active destination.
pub fn datagram(bytes: &[u8], at: usize, scene: &Scene<'_>) -> Option<Node> {
    match probe_datagram(bytes) {
        Probe::Stun => {
            let mut node = message(bytes, at, scene, DEPTH)?;
            let known = scene.known();
            if node.label == "STUN" && known.active_peer().is_some() {
                node.children.insert(0, relayed(&known, known.active_peer(), at..at + bytes.len()));
            }
            Some(node)
        }
        Probe::ChannelData => Some(channel_data(bytes, at, scene)),
        Probe::Unknown if let Some(inside) = multiplexed_datagram(bytes) => {
            let mut node = Node::new("Multiplexed TURN", bytes_text(inside.len()), at..at + bytes.len());
            let session = lines::hex(bytes.get(4..12)?, 8);
            node.children.push(Node::new("Session", session, at + 4..at + 12));
            node.children.push(carried(bytes.get(inside.clone())?, at + inside.start, scene, DEPTH));
            Some(node)
        }
        Probe::Unknown if bytes.first()? < &4 => {
            scene.records.first()?;
            message(bytes, at, scene, DEPTH)
        }
        Probe::Rtp | Probe::Rtcp | Probe::Dtls | Probe::Zrtp => {
            let known = scene.known();
            let peer = known.active_peer()?;
            let mut node = carried(bytes, at, scene, DEPTH);
            node.children.insert(0, relayed(&known, Some(peer), at..at + bytes.len()));
            Some(node)
        }
        _ => None,
    }
}

/// The frames that stand in a TCP segment. Empty where it carries no STUN.
pub fn segment(bytes: &[u8], at: usize, scene: &Scene<'_>) -> Vec<Node> {
    if let Some(name) = lines::hello_name(bytes) {
        let mut node = Node::new("TURN on TCP 443", name, at..at + bytes.len());
        let fields =
            [("Content type", 0, 1), ("Version", 1, 2), ("Record length", 3, 2), ("Handshake type", 5, 1)];
        node.children = payload::fixed(&fields, bytes, at);
        return vec![node];
    }
    let known = scene.known();
    let Some(framing) = known.framing(bytes) else { return Vec::new() };
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(rest) = bytes.get(from..).filter(|r| !r.is_empty()) {
        let base = at + from;
        match framing.frame(rest) {
            Framing::Message { kind, payload, consumed } if out.len() < FRAMES => {
                let content = rest.get(payload.clone()).unwrap_or_default();
                let mut node = frame(kind, content, base + payload.start, scene, &known);
                if payload.start > 0 {
                    let head = base..base + payload.start;
                    node.children.insert(0, Node::new("Framing", framing_text(framing, kind), head.clone()));
                    node.range = Some(head.start..base + payload.end);
                }
                out.push(node);
                from += consumed.max(1);
            }
            Framing::NeedMore(_) => {
                let text = format!("{}, the rest stands in later segments", bytes_text(rest.len()));
                out.push(Node::new("Beginning of a frame", text, base..at + bytes.len()));
                break;
            }
            _ => {
                out.push(Node::new("Data", bytes_text(rest.len()), base..at + bytes.len()));
                break;
            }
        }
    }
    out
}

fn framing_text(framing: StreamFraming, kind: FrameKind) -> String {
    match (framing, kind) {
        (StreamFraming::Rfc4571, _) => "length before each packet (RFC 4571)".to_owned(),
        (StreamFraming::Microsoft, FrameKind::Control) => {
            "02 00 length: control message (MS-TURN)".to_owned()
        }
        (StreamFraming::Microsoft, FrameKind::EndToEnd) => {
            "03 00 length: end-to-end data (MS-TURN)".to_owned()
        }
        (StreamFraming::Microsoft, _) => "two bytes, no length (libnice)".to_owned(),
        (StreamFraming::Multiplexed, FrameKind::Multiplexed { session }) => {
            format!("FF 10 length, session {} (multiplexed TURN)", lines::hex(&session, 8))
        }
        _ => "RFC 8489".to_owned(),
    }
}

fn frame(kind: FrameKind, bytes: &[u8], at: usize, scene: &Scene<'_>, known: &FlowKnown<'_>) -> Node {
    match kind {
        FrameKind::ChannelData => channel_data(bytes, at, scene),
        FrameKind::Stun | FrameKind::Control | FrameKind::Unframed => {
            message(bytes, at, scene, DEPTH).unwrap_or_else(|| data(bytes, at))
        }
        FrameKind::EndToEnd => {
            let mut node = carried(bytes, at, scene, DEPTH);
            if known.relay.is_some() {
                node.children.insert(0, relayed(known, known.active_peer(), at..at + bytes.len()));
            }
            node
        }
        FrameKind::Packet | FrameKind::Multiplexed { .. } => carried(bytes, at, scene, DEPTH),
    }
}

/// Between whom a relay passes it on.
fn relayed(known: &FlowKnown<'_>, peer: Option<SocketAddr>, range: Range<usize>) -> Node {
    let client = known.relay.map(|(a, _)| a.client);
    let peer = peer.map_or_else(|| "a peer not known".to_owned(), |p| p.to_string());
    let text = match (client, known.towards()) {
        (Some(client), "from") => format!("from {peer} to {client}"),
        (Some(client), _) => format!("from {client} to {peer}"),
        _ => peer,
    };
    Node::new("Relayed", text, range)
}

fn bytes_text(len: usize) -> String {
    show::count(len as u64, "byte", "bytes")
}

fn data(bytes: &[u8], at: usize) -> Node {
    Node::new("Data", bytes_text(bytes.len()), at..at + bytes.len())
}

fn channel_data(bytes: &[u8], at: usize, scene: &Scene<'_>) -> Node {
    let Some(found) = parse_channel_data(bytes) else { return data(bytes, at) };
    let known = scene.known();
    let text = lines::datagram(bytes, &known).map_or_else(String::new, |(_, text)| text);
    let mut node = Node::new("TURN ChannelData", text, at..at + bytes.len());
    let peer = known.peer_of_channel(found.channel);
    let mut channel = format!("0x{:04x}", found.channel);
    if !found.is_rfc8656() {
        channel.push_str(" (beyond 0x4fff: RFC 5766 had it, RFC 8656 not)");
    }
    node.children.push(Node::new("Channel", channel, at..at + 2));
    node.children.push(Node::new("Length", found.data.len().to_string(), at + 2..at + 4));
    node.children.push(relayed(&known, peer, at..at + 2));
    let content = bytes.get(found.data.clone()).unwrap_or_default();
    node.children.push(carried(content, at + found.data.start, scene, DEPTH));
    if found.trailing > 0 {
        let end = at + found.data.end;
        node.children.push(Node::new("Padding", bytes_text(found.trailing), end..end + found.trailing));
    }
    node
}

/// What a relay carries, or a packet behind its length.
fn carried(bytes: &[u8], at: usize, scene: &Scene<'_>, depth: usize) -> Node {
    let probe = probe_datagram(bytes);
    match probe {
        Probe::Stun if depth > 0 => message(bytes, at, scene, depth - 1).unwrap_or_else(|| data(bytes, at)),
        Probe::Sip => {
            let mut node = Node::new("SIP", "", at..at + bytes.len());
            node.children = sip::message_tree(bytes, scene.show_secrets);
            node.children.iter_mut().for_each(|c| c.shift(at));
            node
        }
        Probe::ChannelData | Probe::Stun | Probe::SipKeepAlive => data(bytes, at),
        probe => payload::told(probe, bytes, at, scene.cut, &scene.types()),
    }
}

/// A STUN message; ranges count from the start of the buffer, where the message begins `at`.
pub fn message(bytes: &[u8], at: usize, scene: &Scene<'_>, depth: usize) -> Option<Node> {
    let stun = parse_stun(bytes, scene.hint(bytes))?;
    let scan = &stun.scan;
    let end = scan.message().len();
    let mut node = Node::new(lines::protocol(scan), lines::line(scan), at..at + bytes.len().max(end));
    node.children = header(&stun);
    let integrity = keys::verdict(scene, scan);
    for attribute in &stun.attributes {
        node.children.push(attribute_node(&stun, attribute, scene, &integrity));
    }
    if stun.more_attributes > 0 {
        let text = format!("{} more attributes, not shown", stun.more_attributes);
        node.children.push(Node { label: text, issue: true, ..Node::default() });
    }
    for issue in &stun.issues {
        place_issue(&mut node.children, issue);
    }
    node.children.iter_mut().for_each(|c| c.shift(at));
    // What is inside counts from the buffer's start already.
    if let Some(range) = scan.data_range()
        && let Some(content) = bytes.get(range.clone()).filter(|c| !c.is_empty())
        && let Some(data) = node.children.iter_mut().find(|c| c.label == "DATA")
    {
        data.children.push(carried(content, at + range.start, scene, depth));
    }
    Some(node)
}

fn header(stun: &Stun<'_>) -> Vec<Node> {
    let scan = &stun.scan;
    let dialect = scan.dialect();
    let (present, declared) = scan.lengths();
    let mut out = vec![
        Node { label: "Dialect".to_owned(), value: dialect_text(stun), ..Node::default() },
        Node::new("Message type", format!("0x{:04x} {}", scan.message_type().0, scan.name()), 0..2),
        Node::new("Message length", (declared - HEADER).to_string(), 2..4),
    ];
    let id = scan.transaction();
    if dialect.has_header_cookie() {
        out.push(Node::new("Magic cookie", format!("0x{}", lines::hex(&id[..4], 4)), 4..8));
        out.push(Node::new("Transaction ID", lines::hex(&id[4..], 12), 8..20));
    } else {
        out.push(Node::new("Transaction ID", lines::hex(&id, 16), 4..20));
    }
    if present < HEADER {
        out.truncate(1);
    }
    out
}

fn dialect_text(stun: &Stun<'_>) -> String {
    let mut text = stun.scan.dialect().name().to_owned();
    if !stun.scan.is_padded() {
        text.push_str(", attributes not padded");
    }
    text
}

fn attribute_node(stun: &Stun<'_>, a: &Attribute<'_>, scene: &Scene<'_>, keys: &keys::Verdict) -> Node {
    let (dialect, method) = (stun.scan.dialect(), stun.scan.method());
    let name = a.name.map_or_else(|| format!("Attribute 0x{:04X}", a.kind.0), str::to_owned);
    let (value, wrong) = match a.kind {
        AttributeType::FINGERPRINT => fingerprint(stun),
        AttributeType::MESSAGE_INTEGRITY
        | AttributeType::MESSAGE_INTEGRITY_SHA256
        | AttributeType::GOOG_MESSAGE_INTEGRITY_32 => keys.text(&a.value_range),
        _ => (values::text(a, dialect, scene.show_secrets), false),
    };
    let mut node = Node::new(name, value, a.range.clone());
    node.issue = wrong;
    let start = a.range.start;
    node.children.push(Node::new("Type", format!("0x{:04x}", a.kind.0), start..start + 2));
    node.children.push(Node::new("Length", a.length.to_string(), start + 2..start + 4));
    if !a.value_range.is_empty() {
        let secret = matches!(a.value, Value::Secret(_)) && !scene.show_secrets;
        let bytes = stun.scan.message().get(a.value_range.clone()).unwrap_or_default();
        let raw = if secret { super::secrets::REDACTED.to_owned() } else { lines::hex(bytes, 32) };
        node.children.push(Node::new("Value", raw, a.value_range.clone()));
    }
    node.children.extend(values::parts(a, dialect));
    if let Some(words) = meaning(a, dialect, method) {
        node.children.push(Node { label: "Meaning".to_owned(), value: words, ..Node::default() });
    }
    node
}

fn meaning(a: &Attribute<'_>, dialect: Dialect, method: Method) -> Option<String> {
    if let Value::ErrorCode { code, .. } | Value::AddressError { code, .. } = a.value
        && let Some((name, words)) = words::error_words(code, dialect)
    {
        return Some(format!("{name}: {words}"));
    }
    words::attribute_words(a.kind, dialect, method).map(str::to_owned)
}

fn fingerprint(stun: &Stun<'_>) -> (String, bool) {
    match stun.fingerprint {
        Fingerprint::Absent => ("cut short".to_owned(), true),
        Fingerprint::Good => ("good".to_owned(), false),
        Fingerprint::LegacyMicrosoftCrc => {
            ("good by the CRC table of early Microsoft stacks, one entry of which is wrong".to_owned(), false)
        }
        Fingerprint::Wrong { found, expected } => {
            (format!("wrong: {found:08x}, the message gives {expected:08x}"), true)
        }
    }
}

fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Sha1 => "HMAC-SHA1",
        Algorithm::Sha256 => "HMAC-SHA256",
    }
}

#[cfg(test)]
mod tests;
