//! Header values taken apart into typed fields.

use std::ops::Range;

use callscope_parsers::sip::param::Param;
use callscope_parsers::sip::uri::{Uri, parse_uri};
use callscope_parsers::sip::{
    Header, auth, canonical_name, cause, cseq, diagnostics, dialog, name_addr, via,
};

use super::Node;
use super::secrets::{REDACTED, is_credentials};
use crate::view::show;

/// Values of one header that are taken apart.
const VALUES: usize = 200;

/// The fields of a header's value; empty where the value says it all. Ranges count from the start of `buf`.
pub fn typed(buf: &[u8], header: &Header<'_>, show_secrets: bool) -> Vec<Node> {
    let range = header.value_range.clone();
    let name = String::from_utf8_lossy(canonical_name(header.name)).to_ascii_lowercase();
    let mut nodes = super::routing::explained(&name, buf, &range);
    nodes.extend(fields(&name, buf, range, show_secrets));
    nodes
}

fn fields(name: &str, buf: &[u8], range: Range<usize>, show_secrets: bool) -> Vec<Node> {
    match name {
        "from"
        | "to"
        | "contact"
        | "route"
        | "record-route"
        | "path"
        | "service-route"
        | "reply-to"
        | "p-asserted-identity"
        | "p-preferred-identity"
        | "p-associated-uri"
        | "remote-party-id"
        | "diversion"
        | "history-info"
        | "referred-by" => addresses(buf, range),
        "refer-to" => refer_to(buf, range),
        "via" => vias(buf, range),
        "cseq" => {
            let (c, _) = cseq::parse_cseq(buf, range);
            vec![
                Node::new("Sequence number", c.number.to_string(), c.number_range),
                Node::new("Method", show::safe(c.method), c.method_range),
            ]
        }
        "rack" => {
            let (r, _) = cseq::parse_rack(buf, range.clone());
            vec![
                Node::new("RSeq acknowledged", r.response.to_string(), range.clone()),
                Node::new("CSeq acknowledged", format!("{} {}", r.number, show::safe(r.method)), range),
            ]
        }
        "authorization"
        | "proxy-authorization"
        | "www-authenticate"
        | "proxy-authenticate"
        | "authentication-info"
        | "proxy-authentication-info" => {
            credentials(buf, range, is_credentials(name.as_bytes()) && !show_secrets)
        }
        "reason" => reasons(buf, range),
        "warning" => warnings(buf, range),
        "ms-diagnostics" | "ms-diagnostics-public" | "ms-client-diagnostics" => diagnostics_nodes(buf, range),
        "replaces" | "join" | "target-dialog" => replaces(buf, range),
        "event"
        | "subscription-state"
        | "content-disposition"
        | "session-expires"
        | "content-type"
        | "min-se" => {
            // The token of Content-Type is a media type, which the event parser ends at its slash.
            token(buf, range)
        }
        _ => Vec::new(),
    }
}

fn token(buf: &[u8], range: Range<usize>) -> Vec<Node> {
    let value = buf.get(range.clone()).unwrap_or_default();
    let Some(semicolon) = value.iter().position(|&b| b == b';') else { return Vec::new() };
    let head = range.start..range.start + value.get(..semicolon).unwrap_or_default().trim_ascii_end().len();
    let mut nodes = vec![Node::new("Value", show::safe(buf.get(head.clone()).unwrap_or_default()), head)];
    // Behind a token of our own choosing the parameters are read as anywhere else.
    let (event, _) = dialog::parse_event(buf, range.start + semicolon..range.end);
    nodes.extend(params(&event.params));
    nodes
}

fn addresses(buf: &[u8], range: Range<usize>) -> Vec<Node> {
    if buf.get(range.clone()).is_none_or(|v| v.trim_ascii() == b"*") {
        return Vec::new();
    }
    let (list, _) = name_addr::parse_name_addrs(buf, range);
    match list.as_slice() {
        [one] => address(buf, one),
        _ => list
            .iter()
            .take(VALUES)
            .map(|a| {
                let text = show::safe(buf.get(a.range.clone()).unwrap_or_default().trim_ascii());
                let mut node = Node::new("Address", text, a.range.clone());
                node.children = address(buf, a);
                node
            })
            .collect(),
    }
}

fn address(buf: &[u8], a: &name_addr::NameAddr<'_>) -> Vec<Node> {
    let mut nodes = Vec::new();
    if !a.display.is_empty() {
        nodes.push(Node::new("Display name", show::safe(&a.display_text()), a.display_range.clone()));
    }
    nodes.push(uri_node("URI", buf, &a.uri));
    nodes.extend(params(&a.params));
    nodes
}

/// A URI and its parts.
pub fn uri(label: &str, buf: &[u8], range: Range<usize>) -> Node {
    let (uri, _) = parse_uri(buf, range.clone());
    let mut node = uri_node(label, buf, &uri);
    node.value = show::safe(buf.get(range.clone()).unwrap_or_default());
    node.range = Some(range);
    node
}

fn uri_node(label: &str, buf: &[u8], uri: &Uri<'_>) -> Node {
    let text = show::safe(buf.get(uri.range.clone()).unwrap_or_default());
    let mut node = Node::new(label, text, uri.range.clone());
    // Parts without a range of their own are looked up in the URI's bytes, front to back.
    let mut from = uri.range.start;
    let mut part = |label: &str, bytes: &[u8]| {
        let rest = buf.get(from..uri.range.end).unwrap_or_default();
        if let Some(at) = memchr::memmem::find(rest, bytes) {
            let range = from + at..from + at + bytes.len();
            from = range.end;
            node.children.push(Node::new(label, show::safe(bytes), range));
        }
    };
    part("Scheme", uri.scheme_name);
    if let Some(user) = uri.user {
        part(if uri.host.is_empty() { "Number" } else { "User" }, user);
    }
    if uri.password.is_some() {
        part("Password", uri.password.unwrap_or_default());
    }
    if !uri.host.is_empty() {
        node.children.push(Node::new("Host", show::safe(uri.host), uri.host_range.clone()));
        if let Some(port) = uri.port {
            let start = (uri.host_range.end + 1).min(uri.range.end);
            let digits = buf.get(start..uri.range.end).unwrap_or_default();
            let skip = digits.iter().take_while(|b| !b.is_ascii_digit()).count();
            let len = digits.iter().skip(skip).take_while(|b| b.is_ascii_digit()).count();
            node.children.push(Node::new("Port", port.to_string(), start + skip..start + skip + len));
        }
    }
    node.children.extend(params(&uri.params));
    for header in &uri.headers {
        node.children.push(param("URI header ", header));
    }
    node
}

fn params(list: &[Param<'_>]) -> Vec<Node> {
    list.iter().take(VALUES).map(|p| param("", p)).collect()
}

fn param(prefix: &str, p: &Param<'_>) -> Node {
    let mut text = show::safe(&p.text());
    if let Some(words) = super::routing::parameter_words(p.name, p.value.unwrap_or_default()) {
        let gap = if text.is_empty() { "" } else { " " };
        text.push_str(&format!("{gap}({words})"));
    }
    Node::new(format!("{prefix}{}", show::safe(p.name)), text, p.range.clone())
}

fn refer_to(buf: &[u8], range: Range<usize>) -> Vec<Node> {
    let (refer, _) = dialog::parse_refer_to(buf, range.clone());
    let mut nodes = address(buf, &refer.address);
    if let Some(replaced) = refer.replaces {
        nodes.push(Node::new("Replaces", show::safe(&replaced), range));
    }
    nodes
}

fn vias(buf: &[u8], range: Range<usize>) -> Vec<Node> {
    let (list, _) = via::parse_vias(buf, range);
    let several = list.len() > 1;
    let mut nodes = Vec::new();
    for v in list.iter().take(VALUES) {
        let text = buf.get(v.range.clone()).unwrap_or_default();
        let at = |part: &[u8]| {
            let at = memchr::memmem::find(text, part).unwrap_or(0);
            v.range.start + at..v.range.start + at + part.len()
        };
        let mut children = vec![Node::new("Transport", show::safe(v.transport), at(v.transport))];
        let port = v.port.map(|p| format!(":{p}")).unwrap_or_default();
        children.push(Node::new("Sent by", format!("{}{port}", show::safe(v.host)), at(v.host)));
        children.extend(params(&v.params));
        if several {
            let mut node = Node::new("Hop", show::safe(text.trim_ascii()), v.range.clone());
            node.children = children;
            nodes.push(node);
        } else {
            nodes.extend(children);
        }
    }
    nodes
}

fn credentials(buf: &[u8], range: Range<usize>, redact: bool) -> Vec<Node> {
    let (value, _) = auth::parse_auth(buf, range.clone());
    let mut nodes = Vec::new();
    if !value.scheme_name.is_empty() {
        let scheme = range.start..range.start + value.scheme_name.len();
        nodes.push(Node::new("Scheme", show::safe(value.scheme_name), scheme));
    }
    if !value.token.is_empty() {
        let text = if redact { REDACTED.to_owned() } else { show::safe(value.token) };
        nodes.push(Node::new("Credentials", text, range));
    }
    for p in value.params.iter().take(VALUES) {
        let mut node = param("", p);
        if redact && auth::SECRET_PARAMETERS.iter().any(|s| p.name.eq_ignore_ascii_case(s.as_bytes())) {
            node.value = REDACTED.to_owned();
        }
        nodes.push(node);
    }
    nodes
}

fn reasons(buf: &[u8], range: Range<usize>) -> Vec<Node> {
    let (list, _) = cause::parse_reasons(buf, range);
    let mut nodes = Vec::new();
    for r in list.iter().take(VALUES) {
        let protocol = String::from_utf8_lossy(r.protocol);
        let meaning = r.cause.map_or("", |c| show::cause_words(&protocol, c));
        nodes.push(Node::new("Protocol", show::safe(r.protocol), r.range.clone()));
        for p in r.params.iter().take(VALUES) {
            let mut node = param("", p);
            if p.name.eq_ignore_ascii_case(b"cause") && !meaning.is_empty() {
                node.value.push_str(&format!(" ({meaning})"));
            }
            nodes.push(node);
        }
    }
    nodes
}

fn warnings(buf: &[u8], range: Range<usize>) -> Vec<Node> {
    let (list, _) = cause::parse_warnings(buf, range);
    let mut nodes = Vec::new();
    for w in list.iter().take(VALUES) {
        let meaning = cause::warning_words(u32::from(w.code));
        let meaning = meaning.map(|m| format!(" ({m})")).unwrap_or_default();
        nodes.push(Node::new("Code", format!("{}{meaning}", w.code), w.range.clone()));
        nodes.push(Node::new("Agent", show::safe(w.agent), w.range.clone()));
        nodes.push(Node::new("Text", show::safe(w.text), w.range.clone()));
    }
    nodes
}

fn diagnostics_nodes(buf: &[u8], range: Range<usize>) -> Vec<Node> {
    let (Some(d), _) = cause::parse_diagnostics(buf, range.clone()) else { return Vec::new() };
    let value = buf.get(range.clone()).unwrap_or_default();
    let start = range.start + value.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let digits = buf.get(start..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
    let code = start..start + digits;
    let mut nodes = vec![Node::new("Code", d.code.to_string(), code.clone())];
    if let Some(component) = diagnostics::component(d.code) {
        nodes.push(Node::new("Says so", component.title(), code.clone()));
    }
    nodes.push(Node::new("Meaning", diagnostics::words(d.code).unwrap_or("no text"), code));
    let debug = diagnostics::media_debug(&d);
    for p in d.params.iter().take(VALUES) {
        let mut node = param("", p);
        if let Some((_, m)) = debug.iter().find(|(name, _)| *name == p.name) {
            node.children = media_debug(p, m);
        }
        nodes.push(node);
    }
    nodes
}

/// The values of a media debug string, and which bits its warning mask has.
fn media_debug(p: &Param<'_>, debug: &diagnostics::MediaDebug<'_>) -> Vec<Node> {
    let node = |label: String, value: String| Node::new(label, value, p.range.clone());
    let mut nodes = Vec::new();
    if !debug.media.is_empty() {
        nodes.push(node("Media".to_owned(), show::safe(debug.media)));
    }
    for (name, value) in debug.values.iter().take(VALUES) {
        let mut text = value.map(show::safe).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"ICEWarn") && debug.ice_warn.is_some() {
            let bits: Vec<String> = debug.ice_warn_bits().iter().map(u8::to_string).collect();
            match bits.as_slice() {
                [] => text.push_str(" (no bit set)"),
                [one] => text.push_str(&format!(" (bit {one})")),
                _ => text.push_str(&format!(" (bits {})", bits.join(", "))),
            }
        }
        nodes.push(node(show::safe(name), text));
    }
    nodes
}

fn replaces(buf: &[u8], range: Range<usize>) -> Vec<Node> {
    let (r, _) = dialog::parse_replaces(buf, range.clone());
    let mut nodes = vec![
        Node::new("Call-ID", show::safe(r.call_id), range.start..range.start + r.call_id.len()),
        Node::new("To tag", show::safe(r.to_tag), range.clone()),
        Node::new("From tag", show::safe(r.from_tag), range.clone()),
    ];
    if r.early_only {
        nodes.push(Node::new("Early dialogs only", "yes", range));
    }
    nodes
}
