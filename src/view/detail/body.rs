//! Bodies: the MIME tree, SDP lines with their fields, text by lines, anything else by size.

use std::borrow::Cow;
use std::ops::Range;

use callscope_parsers::Issue;
use callscope_parsers::mime::{Part, parse_body};
use callscope_parsers::sdp::{self, Media, Session, parse_sdp};
use callscope_parsers::sip::{Message, parse_message};

use super::Node;
use super::secrets;
use super::xml;
use crate::view::show;

/// Lines of one body that become nodes, and nested multiparts.
const LINES: usize = 20_000;
const DEPTH: usize = 16;

fn parts_of(message: &Message<'_>) -> (Part, Vec<Issue>) {
    let content_type = message.header("Content-Type").map(|h| h.value.clone()).unwrap_or_default();
    parse_body(message.bytes, message.body.clone(), &content_type)
}

/// The body of a message, and what is wrong in it.
pub fn body_tree(message: &Message<'_>, show_secrets: bool) -> (Node, Vec<Issue>) {
    let (part, mut issues) = parts_of(message);
    let mut node = part_node("Body", message.bytes, &part, show_secrets, &mut issues, 0);
    node.range = Some(message.body.clone());
    (node, issues)
}

fn part_node(
    label: &str,
    bytes: &[u8],
    part: &Part,
    show_secrets: bool,
    issues: &mut Vec<Issue>,
    depth: usize,
) -> Node {
    let range = part.head.start.min(part.content.start)..part.content.end;
    let mut node = Node::new(label, describe(part), range);
    if part.head.start < part.head.end {
        let mut head = Node::new("Part headers", "", part.head.clone());
        head.children = lines(bytes, part.head.clone(), show::safe);
        node.children.push(head);
    }
    if !part.parts.is_empty() && depth < DEPTH {
        for (n, inner) in part.parts.iter().enumerate() {
            let label = format!("Part {}", n + 1);
            node.children.push(part_node(&label, bytes, inner, show_secrets, issues, depth + 1));
        }
        return node;
    }
    let content = part.content.clone();
    let slice = bytes.get(content.clone()).unwrap_or_default();
    if part.media_type == "application/sdp" {
        let session = parse_sdp(slice);
        let mut nodes = sdp_nodes(&session, show_secrets);
        nodes.iter_mut().for_each(|n| n.shift(content.start));
        node.children.extend(nodes);
        issues.extend(session.issues.into_iter().map(|mut issue| {
            issue.range = issue.range.start + content.start..issue.range.end + content.start;
            issue
        }));
    } else if let Some((nodes, found)) = xml_nodes(bytes, part, show_secrets) {
        node.children.extend(nodes);
        issues.extend(found);
    } else if is_text(slice) {
        if part.media_type == "application/csta+xml" {
            node.children.extend(super::csta::nodes(slice, &content));
        }
        node.children.extend(lines(bytes, content, |line| {
            if show_secrets { show::safe(line) } else { show::safe(&secrets::text_line(line)) }
        }));
    } else {
        let size = show::count(slice.len() as u64, "byte", "bytes");
        node.children.push(Node::new("Content", format!("{size}, not text"), content));
    }
    node
}

/// An XML document with its ranges in `bytes`; of one in a transfer encoding each node stands for the whole content.
fn xml_nodes(bytes: &[u8], part: &Part, show_secrets: bool) -> Option<(Vec<Node>, Vec<Issue>)> {
    if !xml::is_xml(&part.media_type) {
        return None;
    }
    let (text, _) = part.decoded(bytes);
    let (mut nodes, mut issues) = xml::nodes(&text, show_secrets)?;
    let start = part.content.start;
    if let Cow::Borrowed(_) = text {
        nodes.iter_mut().for_each(|n| n.shift(start));
        for issue in &mut issues {
            issue.range = issue.range.start + start..issue.range.end + start;
        }
    } else {
        nodes.iter_mut().for_each(|n| n.stand_for(&part.content));
        issues.iter_mut().for_each(|i| i.range = part.content.clone());
    }
    Some((nodes, issues))
}

fn describe(part: &Part) -> String {
    let kind = if part.media_type.is_empty() {
        "without Content-Type".to_owned()
    } else {
        show::safe_str(&part.media_type)
    };
    let mut text = format!("{kind}, {}", show::count(part.content.len() as u64, "byte", "bytes"));
    if !part.parts.is_empty() {
        text.push_str(&format!(", {}", show::count(part.parts.len() as u64, "part", "parts")));
    }
    for (name, value) in
        [("", &part.disposition), ("encoded ", &part.transfer_encoding), ("id ", &part.content_id)]
    {
        if let Some(value) = value {
            text.push_str(&format!(", {name}{}", show::shorten(&show::safe_str(value), 60)));
        }
    }
    text
}

/// Text has few control characters; a body is looked at as far as tells.
fn is_text(slice: &[u8]) -> bool {
    let head = slice.get(..4096).unwrap_or(slice);
    let odd = head.iter().filter(|b| b.is_ascii_control() && !matches!(b, b'\r' | b'\n' | b'\t')).count();
    odd * 50 <= head.len()
}

fn lines(bytes: &[u8], range: Range<usize>, text: impl Fn(&[u8]) -> String) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut at = range.start;
    let slice = bytes.get(range.clone()).unwrap_or_default();
    for line in slice.split_inclusive(|&b| b == b'\n') {
        let end = at + line.len();
        let shown = line.strip_suffix(b"\n").unwrap_or(line);
        let shown = shown.strip_suffix(b"\r").unwrap_or(shown);
        if nodes.len() == LINES {
            nodes.push(Node::new("", "… more lines", at..range.end));
            break;
        }
        if !shown.is_empty() {
            nodes.push(Node::new("", text(shown), at..end));
        }
        at = end;
    }
    nodes
}

/// Session-level lines, then a node for each media section.
fn sdp_nodes(session: &Session<'_>, show_secrets: bool) -> Vec<Node> {
    let first_media = session.media.first().map_or(session.lines.len(), |m| m.lines.start);
    let line = |l: &sdp::Line<'_>| sdp_line(l, show_secrets);
    let mut nodes: Vec<Node> = session.lines.iter().take(first_media.min(LINES)).map(line).collect();
    for media in &session.media {
        let own = session.lines.get(media.lines.clone()).unwrap_or_default();
        let (Some(first), Some(last)) = (own.first(), own.last()) else { continue };
        let mut node = Node::new("Media", media_line(media), first.range.start..last.range.end);
        node.children = own.iter().take(LINES).map(line).collect();
        nodes.push(node);
    }
    nodes
}

fn sdp_line(line: &sdp::Line<'_>, show_secrets: bool) -> Node {
    let meaning = match line.kind {
        b'v' => "version",
        b'o' => "origin",
        b's' => "session name",
        b'i' => "information",
        b'u' => "URI",
        b'e' => "e-mail",
        b'p' => "phone",
        b'c' => "connection",
        b'b' => "bandwidth",
        b't' => "time",
        b'r' => "repeat",
        b'z' => "time zones",
        b'k' => "key",
        b'm' => "media",
        b'a' => return attribute(line, show_secrets),
        _ => "unknown",
    };
    let label = format!("{}= {meaning}", show::safe(&[line.kind]));
    let value = if line.kind == b'k' && !show_secrets {
        secrets::REDACTED.to_owned()
    } else {
        show::safe(line.value)
    };
    let mut node = Node::new(label, value, line.range.clone());
    let names: &[&str] = match line.kind {
        b'o' => &["User", "Session id", "Session version", "Network", "Address type", "Address"],
        b'c' => &["Network", "Address type", "Address"],
        b'm' => &["Kind", "Port", "Protocol"],
        b't' => &["Start", "Stop"],
        _ => &[],
    };
    // The value begins behind `x=`.
    node.children = words(line.value, line.range.start + 2, names, "Format");
    node
}

fn attribute(line: &sdp::Line<'_>, show_secrets: bool) -> Node {
    let colon = line.value.iter().position(|&b| b == b':');
    let (name, value) = match colon {
        Some(at) => (line.value.get(..at).unwrap_or_default(), line.value.get(at + 1..).unwrap_or_default()),
        None => (line.value, &b""[..]),
    };
    let shown =
        if show_secrets { show::safe(value) } else { show::safe(&secrets::sdp_attribute(name, value)) };
    let mut node = Node::new(format!("a={}", show::safe(name)), shown, line.range.clone());
    let lower = name.to_ascii_lowercase();
    let names: &[&str] = match lower.as_slice() {
        b"rtpmap" => &["Payload type", "Encoding"],
        b"fmtp" => &["Payload type", "Parameters"],
        b"rtcp" => &["Port", "Network", "Address type", "Address"],
        b"crypto" if show_secrets => &["Tag", "Suite", "Key"],
        _ => &[],
    };
    let base = line.range.start + 2 + colon.map_or(name.len(), |at| at + 1);
    node.children = words(value, base, names, "");
    node
}

/// Nodes for the words of `value`, which begins at `base`; what is behind the named ones is called `rest`, or belongs to
/// the last name where `rest` is empty.
fn words(value: &[u8], base: usize, names: &[&str], rest: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut at = 0;
    while at < value.len() && !names.is_empty() && nodes.len() < 100 {
        let left = value.get(at..).unwrap_or_default();
        let skip = left.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let left = left.get(skip..).unwrap_or_default();
        let last = rest.is_empty() && nodes.len() + 1 == names.len();
        let len =
            if last { left.len() } else { left.iter().take_while(|b| !b.is_ascii_whitespace()).count() };
        if len == 0 || rest.is_empty() && nodes.len() >= names.len() {
            break;
        }
        let start = base + at + skip;
        let label = names.get(nodes.len()).copied().unwrap_or(rest);
        let word = left.get(..len).unwrap_or_default();
        nodes.push(Node::new(label, show::safe(word), start..start + len));
        at += skip + len;
    }
    nodes
}

/// `audio 10.0.0.1:49170 RTP/AVP sendonly`.
fn media_line(media: &Media<'_>) -> String {
    let address = media.connection.as_ref().map_or_else(|| "?".to_owned(), |c| show::safe(c.address));
    let address = if address.contains(':') { format!("[{address}]") } else { address };
    let count = if media.port_count > 1 { format!("/{}", media.port_count) } else { String::new() };
    let direction = match media.direction {
        sdp::Direction::SendRecv => "sendrecv",
        sdp::Direction::SendOnly => "sendonly",
        sdp::Direction::RecvOnly => "recvonly",
        sdp::Direction::Inactive => "inactive",
    };
    let kind = show::safe(media.kind);
    let protocol = show::safe(media.protocol);
    match media.port {
        0 => format!("{kind} refused (port 0)  {protocol}"),
        port => format!("{kind} {address}:{port}{count}  {protocol}  {direction}"),
    }
}

/// The SDP bodies of a message as lines for people.
pub fn sdp_summary(bytes: &[u8]) -> Vec<String> {
    let Some(message) = parse_message(bytes) else { return Vec::new() };
    let (part, _) = parts_of(&message);
    let mut bodies = Vec::new();
    collect(&part, &mut bodies, 0);
    let several = bodies.len() > 1;
    let mut out = Vec::new();
    for (n, body) in bodies.iter().enumerate() {
        if several {
            let disposition = body.disposition.as_deref().map(|d| format!(" ({})", show::safe_str(d)));
            out.push(format!("SDP {} of {}{}", n + 1, bodies.len(), disposition.unwrap_or_default()));
        }
        summary_of(&parse_sdp(bytes.get(body.content.clone()).unwrap_or_default()), &mut out);
    }
    out
}

fn collect<'p>(part: &'p Part, found: &mut Vec<&'p Part>, depth: usize) {
    if part.parts.is_empty() && part.media_type == "application/sdp" {
        found.push(part);
    }
    if depth < DEPTH {
        part.parts.iter().for_each(|p| collect(p, found, depth + 1));
    }
}

fn summary_of(session: &Session<'_>, out: &mut Vec<String>) {
    if let Some(origin) = session.origin {
        out.push(format!("origin {}", show::safe(origin)));
    }
    if session.media.is_empty() {
        out.push("no media sections".to_owned());
    }
    for media in &session.media {
        out.push(media_line(media));
        for format in &media.formats {
            let encoding = format.encoding.as_deref().map(show::safe_str).unwrap_or_default();
            let fmtp = format.fmtp.map(|f| format!("  {}", show::shorten(&show::safe(f), 80)));
            out.push(format!("  {:>3} {encoding}{}", show::safe(format.id), fmtp.unwrap_or_default()));
        }
        match (media.rtcp, media.rtcp_mux) {
            (_, true) => out.push("  rtcp-mux".to_owned()),
            (Some((port, address)), _) => {
                let address = address.map(|a| format!(" at {a}")).unwrap_or_default();
                out.push(format!("  rtcp port {port}{address}"));
            }
            (None, false) => {}
        }
        let mut candidates = 0;
        for a in &media.attributes {
            let name = a.name.to_ascii_lowercase();
            match name.as_slice() {
                b"rtpmap" | b"fmtp" | b"rtcp" | b"rtcp-mux" | b"sendrecv" | b"sendonly" | b"recvonly"
                | b"inactive" => {}
                b"candidate" => candidates += 1,
                _ => {
                    let value = show::shorten(&show::safe(&secrets::sdp_attribute(a.name, a.value)), 100);
                    let colon = if value.is_empty() { "" } else { " " };
                    out.push(format!("  {}{colon}{value}", show::safe(a.name)));
                }
            }
        }
        if candidates > 0 {
            out.push(format!("  {}", show::count(candidates, "candidate", "candidates")));
            for a in media.attributes.iter().filter(|a| a.name.eq_ignore_ascii_case(b"candidate")) {
                out.push(format!("    {}", show::safe(&secrets::sdp_attribute(a.name, a.value))));
            }
        }
    }
}
