//! The fields of a frame as indented text or JSON, with their bytes.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

use serde::Serialize;

use super::json::{Frame, SCHEMA, document};
use super::secrets;
use super::text::{sgr, to_ascii};
use crate::capture::FrameRef;
use crate::view::detail::{Buffer, Node};

/// How a frame is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct DecodeOptions {
    /// The bytes too.
    pub hex: bool,
    pub show_secrets: bool,
    pub color: bool,
    pub ascii: bool,
    pub pretty: bool,
}

/// Bytes on a line of the hex dump.
const LINE: usize = 16;

/// `[0x0000..0x000e] Ethernet II`, indented by depth; the ranges count from the start of their buffer.
pub fn text(out: &mut dyn Write, buffers: &[Buffer], options: DecodeOptions) -> io::Result<()> {
    for buffer in buffers {
        let (bold, reset) = if options.color { (sgr::BOLD, sgr::RESET) } else { ("", "") };
        writeln!(out, "{bold}{}{reset}  {} bytes", shown(&buffer.title, options), buffer.bytes.len())?;
        for node in &buffer.tree {
            write_node(out, node, 1, options)?;
        }
        if options.hex {
            hex_dump(out, buffer, options)?;
        }
    }
    Ok(())
}

fn shown(text: &str, options: DecodeOptions) -> String {
    if options.ascii { to_ascii(text) } else { text.to_owned() }
}

fn secret_free<'a>(node: &'a Node, options: DecodeOptions) -> Cow<'a, str> {
    if options.show_secrets { Cow::Borrowed(&node.value) } else { secrets::value(&node.label, &node.value) }
}

fn write_node(out: &mut dyn Write, node: &Node, depth: usize, options: DecodeOptions) -> io::Result<()> {
    let range = match &node.range {
        Some(r) => format!("[0x{:04x}..0x{:04x}]", r.start, r.end),
        None => " ".repeat(16),
    };
    let value = secret_free(node, options);
    let separator = if node.label.is_empty() || value.is_empty() { "" } else { ": " };
    let (mark, color, reset) = match (node.issue, options.color) {
        (true, true) => ("! ", sgr::YELLOW, sgr::RESET),
        (true, false) => ("! ", "", ""),
        _ => ("", "", ""),
    };
    let label = secrets::text(&node.label);
    let label = if options.show_secrets { Cow::Borrowed(node.label.as_str()) } else { label };
    let line = shown(&format!("{mark}{label}{separator}{value}"), options);
    writeln!(out, "{range} {}{color}{line}{reset}", "  ".repeat(depth - 1))?;
    node.children.iter().try_for_each(|child| write_node(out, child, depth + 1, options))
}

/// Secret bytes of a buffer: by what stands before them in text, and values the tree does not tell.
fn secrets(buffer: &Buffer, options: DecodeOptions) -> Vec<Range<usize>> {
    fn untold(nodes: &[Node], out: &mut Vec<Range<usize>>) {
        for node in nodes {
            if node.label == "Value" && node.value == secrets::REDACTED {
                out.extend(node.range.clone());
            }
            untold(&node.children, out);
        }
    }
    if options.show_secrets {
        return Vec::new();
    }
    let mut out = secrets::secrets(&buffer.bytes);
    untold(&buffer.tree, &mut out);
    out
}

fn hex_dump(out: &mut dyn Write, buffer: &Buffer, options: DecodeOptions) -> io::Result<()> {
    let (bytes, secrets) = (&buffer.bytes, secrets(buffer, options));
    let hidden = |at: usize| secrets.iter().any(|r: &Range<usize>| r.contains(&at));
    for (n, line) in bytes.chunks(LINE).enumerate() {
        let base = n * LINE;
        let mut text = format!("  {base:04x} ");
        for i in 0..LINE {
            if i == LINE / 2 {
                text.push(' ');
            }
            match line.get(i) {
                Some(_) if hidden(base + i) => text.push_str(" **"),
                Some(b) => text.push_str(&format!(" {b:02x}")),
                None => text.push_str("   "),
            }
        }
        text.push_str("  ");
        for (i, &b) in line.iter().enumerate() {
            text.push(match b {
                _ if hidden(base + i) => '*',
                0x20..0x7f => char::from(b),
                _ => '.',
            });
        }
        writeln!(out, "{text}")?;
    }
    Ok(())
}

#[derive(Debug, Serialize)]
struct Decoded<'a> {
    schema: &'static str,
    frames: Vec<DecodedFrame<'a>>,
}

#[derive(Debug, Serialize)]
struct DecodedFrame<'a> {
    frame: Frame,
    buffers: Vec<DecodedBuffer<'a>>,
}

#[derive(Debug, Serialize)]
struct DecodedBuffer<'a> {
    title: &'a str,
    length: usize,
    /// Two digits a byte; secrets as `**`. Only with `--hex`.
    hex: Option<String>,
    tree: Vec<Field<'a>>,
}

#[derive(Debug, Serialize)]
struct Field<'a> {
    label: Cow<'a, str>,
    value: Cow<'a, str>,
    /// First byte and the one after the last.
    range: Option<[usize; 2]>,
    issue: bool,
    children: Vec<Field<'a>>,
}

fn field(node: &Node, options: DecodeOptions) -> Field<'_> {
    Field {
        label: if options.show_secrets { Cow::Borrowed(&node.label) } else { secrets::text(&node.label) },
        value: secret_free(node, options),
        range: node.range.as_ref().map(|r| [r.start, r.end]),
        issue: node.issue,
        children: node.children.iter().map(|child| field(child, options)).collect(),
    }
}

fn hex(buffer: &Buffer, options: DecodeOptions) -> String {
    let hidden = secrets(buffer, options);
    let digits = |(at, b): (usize, &u8)| {
        if hidden.iter().any(|r| r.contains(&at)) { "**".to_owned() } else { format!("{b:02x}") }
    };
    buffer.bytes.iter().enumerate().map(digits).collect()
}

/// `{"schema": …, "frames": [{"frame": {}, "buffers": […]}]}`.
pub fn json(
    out: &mut dyn Write,
    frames: &[(FrameRef, Vec<Buffer>)],
    options: DecodeOptions,
) -> io::Result<()> {
    let frames = frames
        .iter()
        .map(|(frame, buffers)| DecodedFrame {
            frame: (*frame).into(),
            buffers: buffers
                .iter()
                .map(|b| DecodedBuffer {
                    title: &b.title,
                    length: b.bytes.len(),
                    hex: options.hex.then(|| hex(b, options)),
                    tree: b.tree.iter().map(|n| field(n, options)).collect(),
                })
                .collect(),
        })
        .collect();
    document(out, &Decoded { schema: SCHEMA, frames }, options.pretty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer() -> Buffer {
        let node = |label: &str, value: &str, range: Range<usize>| Node {
            label: label.into(),
            value: value.into(),
            range: Some(range),
            issue: false,
            children: Vec::new(),
        };
        let mut sip = node("SIP", "", 2..24);
        sip.children.push(node("a=ice-pwd", "secret", 13..19));
        sip.children.push(Node { issue: true, label: "no Via".into(), ..Node::default() });
        Buffer {
            title: "Frame 1".into(),
            bytes: b"\0\x01a=ice-pwd:secret12\r\n".to_vec(),
            tree: vec![node("Ethernet II", "a → b", 0..2), sip],
        }
    }

    #[test]
    fn tree_and_bytes() {
        let mut out = Vec::new();
        let options = DecodeOptions { hex: true, ..DecodeOptions::default() };
        text(&mut out, &[buffer()], options).expect("writes");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @r"
        Frame 1  22 bytes
        [0x0000..0x0002] Ethernet II: a → b
        [0x0002..0x0018] SIP
        [0x000d..0x0013]   a=ice-pwd: <redacted>
                           ! no Via
          0000  00 01 61 3d 69 63 65 2d  70 77 64 3a ** ** ** **  ..a=ice-pwd:****
          0010  ** ** ** ** 0d 0a                                 ****..
        ");
    }

    #[test]
    fn values_the_tree_does_not_tell_are_not_dumped() {
        let value = |label: &str| Node { label: label.into(), value: "<redacted>".into(), ..Node::default() };
        let mut password = value("PASSWORD");
        password.range = Some(0..8);
        password.children.push(Node { range: Some(4..8), ..value("Value") });
        let bytes = vec![0, 7, 0, 4, b'a', b'b', b'c', b'd'];
        let buffer = Buffer { title: "Frame 1".into(), bytes, tree: vec![password] };
        let options = DecodeOptions { hex: true, ..DecodeOptions::default() };
        assert_eq!(hex(&buffer, options), "00070004********");
        let mut out = Vec::new();
        text(&mut out, std::slice::from_ref(&buffer), options).expect("writes");
        let dump = String::from_utf8(out).expect("text");
        assert!(!dump.contains("abcd") && dump.contains("00 07 00 04 ** ** ** **"), "{dump}");
        let options = DecodeOptions { show_secrets: true, ..options };
        assert_eq!(hex(&buffer, options), "0007000461626364");
    }

    #[test]
    fn json_has_no_secret_unless_asked() {
        let frames = [(FrameRef::default(), vec![buffer()])];
        for show_secrets in [false, true] {
            let mut out = Vec::new();
            let options = DecodeOptions { hex: true, show_secrets, ..DecodeOptions::default() };
            json(&mut out, &frames, options).expect("writes");
            let text = String::from_utf8(out).expect("text");
            assert_eq!(text.contains("secret"), show_secrets);
            assert_eq!(text.contains("736563726574"), show_secrets);
        }
    }
}
