//! A SIP message as a tree: start line, headers with their typed values, bodies, and issues where they stand.

use std::ops::Range;

use callscope_parsers::sip::{Message, StartLine, parse_message};

use super::secrets;
use super::{Node, body, hang_issue, values};
use crate::view::show;

/// The tree of a message; ranges count from its beginning.
pub fn message_tree(bytes: &[u8], show_secrets: bool) -> Vec<Node> {
    let Some(message) = parse_message(bytes) else {
        let mut node = Node::new("Not a SIP message", first_line(bytes), 0..bytes.len());
        node.issue = true;
        return vec![node];
    };
    let mut tree = vec![start_line(&message)];
    let headers: Vec<Node> = message
        .headers
        .iter()
        .map(|h| {
            let range = h.name_range.start..h.value_range.end.max(h.name_range.end);
            let value = secrets::header_value(h.name, &h.value, show_secrets);
            let mut node = Node::new(show::safe(h.name), value, range);
            node.children = values::typed(bytes, h, show_secrets);
            node
        })
        .collect();
    if let (Some(first), Some(last)) = (headers.first(), headers.last()) {
        let range = first.range.as_ref().map_or(0, |r| r.start)..last.range.as_ref().map_or(0, |r| r.end);
        let mut node = Node::new("Headers", headers.len().to_string(), range);
        node.children = headers;
        tree.push(node);
    }
    let mut issues = message.issues.clone();
    if message.body.start < message.body.end {
        let (node, more) = body::body_tree(&message, show_secrets);
        tree.push(node);
        issues.extend(more);
    }
    for issue in issues {
        hang_issue(&mut tree, &issue);
    }
    tree
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    show::shorten(&show::safe(line.strip_suffix(b"\r").unwrap_or(line)), 120)
}

fn start_line(message: &Message<'_>) -> Node {
    let bytes = message.bytes;
    let text = |r: &Range<usize>| show::safe(bytes.get(r.clone()).unwrap_or_default());
    let line = message.start_range.clone();
    let line = line.start..line.start + bytes.get(line.clone()).map_or(0, |b| b.trim_ascii_end().len());
    let value = text(&line);
    match &message.start {
        StartLine::Request { method, uri, version } => {
            let mut node = Node::new("Request", value, line);
            node.children.push(Node::new("Method", text(method), method.clone()));
            node.children.push(values::uri("Request-URI", bytes, uri.clone()));
            node.children.push(Node::new("Version", text(version), version.clone()));
            node
        }
        StartLine::Status { version, code, reason } => {
            let mut node = Node::new("Status", value, line);
            node.children.push(Node::new("Version", text(version), version.clone()));
            let at = reason.start.saturating_sub(4).max(version.end);
            node.children.push(Node::new("Code", code.to_string(), at..(at + 3).min(bytes.len())));
            node.children.push(Node::new("Reason phrase", text(reason), reason.clone()));
            node
        }
    }
}
