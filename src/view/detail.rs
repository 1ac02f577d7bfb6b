//! Every field of a frame or message as a tree, each with its bytes.

mod body;
mod csta;
mod dns;
mod media;
mod payload;
mod routing;
mod secrets;
mod sip;
mod sql;
mod stun;
mod values;
mod xml;

use std::io;
use std::ops::Range;

use callscope_parsers::Issue;

use super::{packets, show};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::stun::StunRecord;
use crate::correlate::{Analysis, MsgIdx, Transport, flag};
use crate::net::{Sliced, explain_frame};
use stun::Scene;

pub use secrets::header_value;

/// Messages put together from several frames that are shown of one.
const REASSEMBLED: usize = 16;

/// A line of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    pub label: String,
    /// Already safe to show.
    pub value: String,
    /// Bytes in the [`Buffer`] of the tree.
    pub range: Option<Range<usize>>,
    /// Something is wrong here.
    pub issue: bool,
    pub children: Vec<Node>,
}

impl Node {
    fn new(label: impl Into<String>, value: impl Into<String>, range: Range<usize>) -> Self {
        Self { label: label.into(), value: value.into(), range: Some(range), ..Self::default() }
    }

    /// Lets it and all in it stand for these bytes.
    fn stand_for(&mut self, range: &Range<usize>) {
        self.range = Some(range.clone());
        self.children.iter_mut().for_each(|c| c.stand_for(range));
    }

    /// Moves all ranges by `by` bytes.
    fn shift(&mut self, by: usize) {
        if let Some(range) = &mut self.range {
            *range = range.start.saturating_add(by)..range.end.saturating_add(by);
        }
        self.children.iter_mut().for_each(|c| c.shift(by));
    }
}

/// Hangs an issue under the node that holds its bytes.
fn place_issue(nodes: &mut Vec<Node>, issue: &Issue) {
    let mut node =
        Node::new("Issue", format!("{} ({})", show::safe_str(&issue.text), issue.code), issue.range.clone());
    node.issue = true;
    let holds = |n: &&mut Node| {
        n.label != "Issue"
            && n.range.as_ref().is_some_and(|r| r.start <= issue.range.start && issue.range.end <= r.end)
    };
    match nodes.iter_mut().find(holds) {
        Some(holder) => {
            holder.issue = true;
            holder.children.push(node);
        }
        None => nodes.push(node),
    }
}

/// Bytes and the tree that explains them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buffer {
    /// `Frame 212`, `Reassembled SIP message (frames 210, 212)`.
    pub title: String,
    pub bytes: Vec<u8>,
    pub tree: Vec<Node>,
}

/// A message: start line, headers typed, bodies, SDP lines, issues. Secrets are replaced in the tree (not in `bytes`).
pub fn message_detail(analysis: &Analysis, message: MsgIdx) -> io::Result<Buffer> {
    message_detail_with(analysis, message, false)
}

/// [`message_detail`] with secrets in clear if `show_secrets`.
pub fn message_detail_with(analysis: &Analysis, message: MsgIdx, show_secrets: bool) -> io::Result<Buffer> {
    let bytes = analysis.message_bytes(message)?;
    let mut tree = sip::message_tree(&bytes, show_secrets);
    if analysis.message(message).has(flag::CUT) {
        tree.push(cut_node(bytes.len()));
    }
    Ok(Buffer { title: title(analysis, message), bytes, tree })
}

fn cut_node(len: usize) -> Node {
    let mut node = Node::new("Cut", "the capture holds only the beginning of this message", len..len);
    node.issue = true;
    node
}

fn title(analysis: &Analysis, message: MsgIdx) -> String {
    let frames = analysis.frames_of(message);
    match frames.as_slice() {
        [frame] => format!("SIP message, frame {}", frame_name(analysis, *frame)),
        _ => {
            let list: Vec<String> = frames.iter().take(12).map(|f| frame_name(analysis, *f)).collect();
            let dots = if frames.len() > 12 { ", …" } else { "" };
            format!("Reassembled SIP message (frames {}{dots})", list.join(", "))
        }
    }
}

/// The number of a frame, with that of its capture where there are several: `212`, `1:212`.
pub fn frame_name(analysis: &Analysis, frame: FrameRef) -> String {
    if analysis.captures.len() > 1 {
        format!("{}:{}", frame.capture.0, frame.frame)
    } else {
        frame.frame.to_string()
    }
}

/// When a frame was captured, read again from its capture.
pub fn frame_time(analysis: &Analysis, frame: FrameRef) -> Option<Nanos> {
    let capture = usize::from(frame.capture.0);
    let backing = analysis.stores.capture(capture)?;
    let batch = analysis.frame_indexes.get(capture)?.read(&**backing, frame.frame, 1).ok()?;
    batch.frames.first().filter(|_| batch.first_frame == frame.frame).map(|head| head.time)
}

/// A frame: link to transport, then the messages in it. Messages put together from several frames come as buffers of their own.
pub fn frame_detail(analysis: &Analysis, frame: FrameRef) -> io::Result<Vec<Buffer>> {
    frame_detail_with(analysis, frame, false)
}

/// [`frame_detail`] with secrets in clear if `show_secrets`. No buffers where there is no such frame.
pub fn frame_detail_with(
    analysis: &Analysis,
    frame: FrameRef,
    show_secrets: bool,
) -> io::Result<Vec<Buffer>> {
    let capture = usize::from(frame.capture.0);
    let (Some(index), Some(backing)) =
        (analysis.frame_indexes.get(capture), analysis.stores.capture(capture))
    else {
        return Ok(Vec::new());
    };
    let batch = index.read(&**backing, frame.frame, 1)?;
    let Some(head) = batch.frames.first().filter(|_| batch.first_frame == frame.frame) else {
        return Ok(Vec::new());
    };
    let (link, bytes) = packets::frame_of(&batch, head);
    let mut summary = Node::new("Frame", frame.frame.to_string(), 0..bytes.len());
    let mut plain = |label: &str, value: String| {
        summary.children.push(Node { label: label.to_owned(), value, ..Node::default() });
    };
    if analysis.captures.len() > 1
        && let Some(summary) = analysis.captures.get(capture)
    {
        plain("Capture", format!("{capture}, {}", show::safe_str(&summary.info.path)));
    }
    plain("Time", show::rfc3339(head.time));
    plain("Captured", show::count(bytes.len() as u64, "byte", "bytes"));
    plain("On the wire", show::count(u64::from(head.origlen), "byte", "bytes"));
    if let Some(interface) =
        analysis.captures.get(capture).and_then(|c| c.interfaces.get(head.interface as usize))
        && let Some(name) = &interface.name
    {
        plain("Interface", show::safe_str(name));
    }
    let mut tree = vec![summary];
    let (layers, payload) = explain_frame(link, bytes, head.origlen, &analysis.limits);
    for layer in layers {
        let mut node = Node::new(layer.name, "", layer.range.clone());
        node.children =
            layer.fields.into_iter().map(|f| Node::new(f.name, show::safe_str(&f.value), f.range)).collect();
        if let Some(remark) = layer.remark {
            node.value = show::safe_str(&remark);
            node.issue = true;
        }
        tree.push(node);
    }

    let mut shown = bytes.to_vec();
    analysis.redact_frame(frame, &mut shown, payload.clone().unwrap_or(0..bytes.len()));
    let bytes = shown.as_slice();
    let mut own = Vec::new();
    let mut from = payload.as_ref().map_or(0, |p| p.start);
    let mut inside = 0;
    for m in analysis.messages_in_frame(frame) {
        let single = !analysis.message(m).has(flag::MULTI_FRAME);
        let content = analysis.message_bytes(m)?;
        let rest = bytes.get(from..).unwrap_or_default();
        match memchr::memmem::find(rest, &content).filter(|_| single && !content.is_empty()) {
            Some(at) => {
                let start = from + at;
                let label = super::ladder::message_label_of(analysis, m, &content);
                let mut node = Node::new("SIP", label, start..start + content.len());
                node.children = sip::message_tree(&content, show_secrets);
                node.children.iter_mut().for_each(|c| c.shift(start));
                tree.push(node);
                from = start + content.len();
                inside += 1;
            }
            None => own.push(message_detail_with(analysis, m, show_secrets)?),
        }
    }
    let sliced = crate::net::slice_frame(link, bytes, head.origlen, &analysis.limits);
    let scene = scene(analysis, (frame, head.time), &sliced, show_secrets);
    if inside == 0
        && let Some(range) = payload.filter(|r| r.start < r.end)
    {
        tree.extend(payload::payload(bytes, range, &sliced, scene.as_ref()));
    }
    own.extend(scene.map(|s| reassembled(&s, bytes)).unwrap_or_default());
    if matches!(sliced, Sliced::Fragment { .. }) {
        own.extend(reassembled_sqlr(analysis, frame));
    }
    if own.is_empty()
        && inside == 0
        && let Some(m) = part_of(analysis, frame)
    {
        own.push(message_detail_with(analysis, m, show_secrets)?);
    }
    let mut buffers = vec![Buffer { title: frame_title(analysis, frame), bytes: bytes.to_vec(), tree }];
    buffers.append(&mut own);
    Ok(buffers)
}

/// From where to where a frame goes; of a fragment what its message says.
fn scene<'a>(
    analysis: &'a Analysis,
    (frame, time): (FrameRef, Nanos),
    sliced: &Sliced<'_>,
    show_secrets: bool,
) -> Option<Scene<'a>> {
    let of_frame = |r: &&StunRecord| r.frame() == frame;
    let records: Vec<&StunRecord> = match sliced {
        Sliced::Udp { .. } | Sliced::Tcp { .. } | Sliced::Fragment { .. } => {
            analysis.stun.records.iter().filter(of_frame).collect()
        }
        _ => Vec::new(),
    };
    let (src, dst, transport) = match sliced {
        Sliced::Udp { src, dst, .. } => (*src, *dst, Transport::Udp),
        Sliced::Tcp { segment, .. } => (segment.src, segment.dst, Transport::Tcp),
        Sliced::Fragment { .. } => {
            let flow = analysis.flow(records.first()?.flow);
            (flow.src, flow.dst, flow.transport)
        }
        _ => return None,
    };
    let cut = matches!(sliced, Sliced::Udp { ip, .. } if ip.missing > 0);
    Some(Scene { analysis, frame, src, dst, transport, show_secrets, records, cut, time })
}

/// STUN messages that were completed by this frame but begin in an earlier one.
fn reassembled(scene: &Scene<'_>, frame: &[u8]) -> Vec<Buffer> {
    let mut out = Vec::new();
    for record in scene.records.iter().take(REASSEMBLED) {
        let Ok(bytes) = scene.analysis.stores.read(record.bytes()) else { continue };
        if memchr::memmem::find(frame, &bytes).is_some() {
            continue;
        }
        if let Some(node) = stun::datagram(&bytes, 0, scene) {
            let name = frame_name(scene.analysis, scene.frame);
            let title = format!("Reassembled {} message (to frame {name})", node.label);
            out.push(Buffer { title, bytes, tree: vec![node] });
        }
    }
    out
}

/// An answer of SQL Server Browser that this fragment completed.
fn reassembled_sqlr(analysis: &Analysis, frame: FrameRef) -> Option<Buffer> {
    let record = analysis.sql.record_in(frame)?;
    let bytes = analysis.stores.read(record.bytes).ok()?;
    let node = sql::datagram(&bytes, 0)?;
    let title = format!("Reassembled {} message (to frame {})", node.label, frame_name(analysis, frame));
    Some(Buffer { title, bytes, tree: vec![node] })
}

/// `Frame 212`, of several captures `Frame 1:212 of b.pcap`.
fn frame_title(analysis: &Analysis, frame: FrameRef) -> String {
    let name = format!("Frame {}", frame_name(analysis, frame));
    match analysis.captures.get(usize::from(frame.capture.0)) {
        Some(capture) if analysis.captures.len() > 1 => {
            let file = capture.info.path.rsplit('/').next().unwrap_or_default();
            format!("{name} of {}", show::safe_str(file))
        }
        _ => name,
    }
}

/// The message that a frame holds an earlier piece of.
fn part_of(analysis: &Analysis, frame: FrameRef) -> Option<MsgIdx> {
    (0..analysis.messages.len() as u32).map(MsgIdx).find(|&m| {
        let r = analysis.message(m);
        r.has(flag::MULTI_FRAME)
            && r.frame.capture == frame.capture
            && r.frame.frame > frame.frame
            && analysis.frames_of(m).contains(&frame)
    })
}

/// The SDP bodies of a message as readable lines, media section by media section.
pub fn sdp_summary(analysis: &Analysis, message: MsgIdx) -> io::Result<Vec<String>> {
    let bytes = analysis.message_bytes(message)?;
    Ok(body::sdp_summary(&bytes))
}

/// Hangs an issue under the deepest node that holds its bytes.
fn hang_issue(tree: &mut Vec<Node>, issue: &Issue) {
    let mut node =
        Node::new("Issue", format!("{} ({})", show::safe_str(&issue.text), issue.code), issue.range.clone());
    node.issue = true;
    let holds = |n: &Node| {
        n.label != "Issue"
            && n.range.as_ref().is_some_and(|r| r.start <= issue.range.start && issue.range.end <= r.end)
    };
    let mut level = tree;
    while let Some(at) = level.iter().position(holds) {
        let found = &mut level[at];
        found.issue = true;
        level = &mut found.children;
    }
    level.push(node);
}

#[cfg(test)]
mod tests;
