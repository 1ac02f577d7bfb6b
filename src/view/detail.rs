//! Every field of a frame or message as a tree, each with its bytes.

use std::io;
use std::ops::Range;

use crate::capture::FrameRef;
use crate::correlate::{Analysis, MsgIdx};

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

/// Bytes and the tree that explains them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buffer {
    /// `Frame 212`, `Reassembled SIP message (frames 210, 212)`.
    pub title: String,
    pub bytes: Vec<u8>,
    pub tree: Vec<Node>,
}

/// A message: start line, headers typed, bodies, SDP lines, issues.
pub fn message_detail(analysis: &Analysis, message: MsgIdx) -> io::Result<Buffer> {
    let _ = (analysis, message);
    Ok(Buffer::default())
}

/// A frame: link to transport, then the messages in it. Messages put together from several frames come as buffers of their own.
pub fn frame_detail(analysis: &Analysis, frame: FrameRef) -> io::Result<Vec<Buffer>> {
    let _ = (analysis, frame);
    Ok(Vec::new())
}

/// The SDP bodies of a message as readable lines, media section by media section.
pub fn sdp_summary(analysis: &Analysis, message: MsgIdx) -> io::Result<Vec<String>> {
    let _ = (analysis, message);
    Ok(Vec::new())
}

/// A header's value, safe to show, with secrets replaced unless `show_secrets`.
pub fn header_value(name: &[u8], value: &[u8], show_secrets: bool) -> String {
    let _ = (name, show_secrets);
    super::show::safe(value)
}
