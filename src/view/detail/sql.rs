//! SQL Server Browser and TDS as trees.

use std::ops::Range;

use callscope_parsers::Issue;
use callscope_parsers::sqlr::{self, Protocol, ProtocolKind, ResponseBody, SqlrMessage, Value, parse_sqlr};
use callscope_parsers::tds::prelogin::{option, option_name};
use callscope_parsers::tds::{
    EnvChange, HEADER, InstanceOption, Prelogin, ServerMessage, TdsContent, TdsEvent, TdsFrame, TdsMessage,
    TdsReader, Token, error_title, frame_packet, looks_like_tds, parse_header, parse_login7, parse_old_login,
    parse_prelogin, parse_tokens, status,
};

use super::stun::Scene;
use super::{Node, place_issue};
use crate::view::{show, sql};

/// Messages of one segment that are decoded.
const MESSAGES: usize = 64;

/// The payload of a datagram of SQL Server Browser.
pub fn datagram(bytes: &[u8], at: usize) -> Option<Node> {
    let read = parse_sqlr(bytes)?;
    let mut children = Vec::new();
    let value = |label: &str, v: &Value<'_>| Node::new(label, show::safe_str(&v.text()), v.range.clone());
    match &read.message {
        SqlrMessage::Request(q) => {
            let kind = bytes.first().copied().unwrap_or_default();
            children.push(Node::new("Message", format!("{} (0x{kind:02x})", q.kind.name()), 0..1));
            if let Some(version) = q.version {
                children.push(Node::new("Protocol version", version.to_string(), 1..2));
            }
            if let Some(instance) = &q.instance {
                children.push(value("Instance", instance));
            }
        }
        SqlrMessage::Response(r) => {
            children.push(Node::new("Message", "SVR_RESP (0x05)", 0..1));
            if let Some(size) = r.declared {
                children.push(Node::new("Size", format!("{size} (there are {})", r.data.len()), 1..3));
            }
            match &r.body {
                ResponseBody::Dac { version, port } => {
                    children.push(Node::new("Protocol version", version.to_string(), 3..4));
                    if let Some(port) = port {
                        children.push(Node::new("Administrator's port", format!("tcp {port}"), 4..6));
                    }
                }
                ResponseBody::Instances(all) => children.extend(all.iter().map(instance)),
            }
        }
    }
    for issue in &read.issues {
        place_issue(&mut children, issue);
    }
    if let Some(pattern) = read.pattern {
        let mut node = Node::new("Pattern", pattern.title(), 0..bytes.len());
        node.issue = true;
        children.push(node);
    }
    let text = sql::datagram(bytes).unwrap_or_default();
    let mut node = Node::new("SQL Server Browser", text, 0..bytes.len());
    node.issue = read.is_malformed() || read.pattern.is_some();
    node.children = children;
    node.shift(at);
    Some(node)
}

fn instance(i: &sqlr::Instance<'_>) -> Node {
    let named = i.name.as_ref().map_or_else(|| "unnamed".to_owned(), |n| show::safe_str(&n.text()));
    let mut node = Node::new("Instance", named, i.range.clone());
    let mut add = |label: &str, v: &Option<Value<'_>>, text: fn(&str) -> String| {
        if let Some(v) = v {
            node.children.push(Node::new(label, text(&v.text()), v.range.clone()));
        }
    };
    add("ServerName", &i.server, show::safe_str);
    add("InstanceName", &i.name, show::safe_str);
    add("IsClustered", &i.clustered, show::safe_str);
    add("Version", &i.version, sql::version);
    node.children.extend(i.protocols.iter().map(protocol));
    for (key, value) in &i.unknown {
        let range = key.range.start..value.range.end.max(key.range.end);
        let label = format!("{} (unknown)", show::safe_str(&key.text()));
        node.children.push(Node::new(label, show::safe_str(&value.text()), range));
    }
    node
}

fn protocol(p: &Protocol<'_>) -> Node {
    let values: Vec<String> = p.values.iter().map(|v| show::safe_str(&v.text())).collect();
    let ends = p.values.first().zip(p.values.last()).map(|(a, b)| a.range.start..b.range.end);
    let words = match p.kind {
        ProtocolKind::Tcp => "tcp (port)",
        ProtocolKind::Np => "np (named pipe)",
        other => other.name(),
    };
    let mut node = Node { label: words.to_owned(), value: values.join("; "), ..Node::default() };
    node.range = ends;
    node
}

/// TDS packets that stand in a TCP segment. Empty where it carries none.
pub fn segment(bytes: &[u8], at: usize, scene: &Scene<'_>) -> Vec<Node> {
    let known = scene.analysis.sql.connection_between(scene.src, scene.dst);
    let speaks = known.is_some_and(|(c, _)| c.tds.is_some());
    let fits = speaks && !matches!(frame_packet(bytes), TdsFrame::Reject(_));
    if !fits && !looks_like_tds(bytes) {
        return Vec::new();
    }
    let from_server = known.map_or_else(|| bytes.first() == Some(&4), |(_, client)| !client);
    let mut reader = TdsReader::default();
    let mut events = Vec::new();
    reader.push(bytes, &mut events);
    reader.finish(&mut events);
    let mut out: Vec<Node> = Vec::new();
    for event in events.iter().take(MESSAGES) {
        out.push(match event {
            TdsEvent::Message(m) => message(m, bytes, from_server, scene.show_secrets),
            TdsEvent::TlsRecord { start, bytes, .. } => {
                Node::new("TLS", show::count(*bytes as u64, "byte", "bytes"), *start..*start + *bytes)
            }
            TdsEvent::DirectTls => Node::new("TLS", "", 0..bytes.len()),
            TdsEvent::Multiplexed { start } => Node::new("MARS", "multiplexed", *start..bytes.len()),
            TdsEvent::Issue(issue) => {
                let mut node = Node::new("Issue", show::safe_str(&issue.text), issue.range.clone());
                node.issue = true;
                node
            }
        });
    }
    out.iter_mut().for_each(|n| n.shift(at));
    out
}

/// Places of a payload's bytes in the segment.
struct Places<'a>(&'a TdsMessage);

impl Places<'_> {
    fn of(&self, range: Range<usize>) -> Range<usize> {
        let pieces = self.0.stream_ranges(range);
        match (pieces.first(), pieces.last()) {
            (Some(a), Some(b)) => a.start..b.end,
            _ => self.0.start..self.0.start,
        }
    }

    fn node(&self, label: impl Into<String>, value: impl Into<String>, range: Range<usize>) -> Node {
        Node::new(label, value, self.of(range))
    }
}

fn message(m: &TdsMessage, bytes: &[u8], from_server: bool, show_secrets: bool) -> Node {
    let places = Places(m);
    let content = m.content();
    let mut children = vec![header(m, bytes)];
    let text = match content {
        TdsContent::Prelogin => {
            let read = parse_prelogin(&m.payload, from_server);
            children.extend(prelogin(&read, &places, from_server));
            issues(&mut children, &read.issues, &places);
            "PRELOGIN"
        }
        TdsContent::Tls => "TLS inside TDS",
        TdsContent::Login7 => {
            login(&m.payload, show_secrets, &places, &mut children);
            "LOGIN7"
        }
        TdsContent::Tokens => {
            let read = parse_tokens(&m.payload);
            children.extend(read.tokens.iter().map(token));
            issues(&mut children, &read.issues, &places);
            "tabular result"
        }
        TdsContent::Other => {
            if m.kind == callscope_parsers::tds::PacketType::OLD_LOGIN {
                old_login(&m.payload, &mut children);
            }
            m.kind.name().unwrap_or("packet")
        }
    };
    let end = m.end.clamp(m.start, bytes.len());
    let mut node = Node::new("TDS", text, m.start..end);
    node.children = children;
    if m.cut {
        let mut cut = Node::new("Goes on", "the rest stands in other segments", end..end);
        cut.range = None;
        node.children.push(cut);
    }
    node
}

fn header(m: &TdsMessage, bytes: &[u8]) -> Node {
    let start = m.start;
    let mut node = Node::new("Header", m.kind.name().unwrap_or("unknown"), start..start + HEADER);
    let Some(Ok(head)) = bytes.get(start..).and_then(|b| b.first_chunk()).map(|b| parse_header(*b)) else {
        return node;
    };
    let mut add = |label: &str, value: String, at: usize, len: usize| {
        node.children.push(Node::new(label, value, start + at..start + at + len));
    };
    add("Type", format!("{} ({})", head.kind.0, head.kind.name().unwrap_or("unknown")), 0, 1);
    let bits = [
        (status::END_OF_MESSAGE, "end of message"),
        (status::IGNORE, "ignore"),
        (status::RESET_CONNECTION, "reset connection"),
        (status::RESET_KEEP_TRANSACTION, "reset, keep transaction"),
    ];
    let set: Vec<&str> = bits.iter().filter(|(b, _)| head.status & b != 0).map(|(_, n)| *n).collect();
    add("Status", format!("0x{:02x} {}", head.status, set.join(", ")).trim_end().to_owned(), 1, 1);
    add("Length", head.length.to_string(), 2, 2);
    add("SPID", head.spid.to_string(), 4, 2);
    add("Packet", head.packet_id.to_string(), 6, 1);
    add("Window", head.window.to_string(), 7, 1);
    node
}

fn issues(nodes: &mut Vec<Node>, issues: &[Issue], places: &Places<'_>) {
    for issue in issues {
        let text = format!("{} ({})", show::safe_str(&issue.text), issue.code);
        let mut node = places.node("Issue", text, issue.range.clone());
        node.issue = true;
        nodes.push(node);
    }
}

fn prelogin(read: &Prelogin<'_>, places: &Places<'_>, from_server: bool) -> Vec<Node> {
    let one = |o: &callscope_parsers::tds::prelogin::PreloginOption<'_>| {
        let label = option_name(o.token).map_or_else(|| format!("option 0x{:02x}", o.token), str::to_owned);
        let hex = || o.value.iter().take(64).map(|b| format!("{b:02x}")).collect::<String>();
        let flag = |v: Option<bool>, yes: &str, no: &str| match v {
            Some(true) => yes.to_owned(),
            Some(false) => no.to_owned(),
            None => hex(),
        };
        let text = match o.token {
            option::VERSION => match read.version {
                Some(v) => {
                    let [a, b] = v.sub_build;
                    let version = match from_server {
                        true => sql::server_version((v.major, v.minor, v.build)),
                        false => v.to_string(),
                    };
                    format!("{version}, sub-build 0x{a:02x}{b:02x}")
                }
                None => hex(),
            },
            option::ENCRYPTION => read.encryption.map_or_else(hex, sql::encryption),
            option::INSTOPT => match read.instance {
                Some(InstanceOption::Name([])) => "none".to_owned(),
                Some(InstanceOption::Name(name)) => show::safe_str(&sqlr::code_page_1252(name)),
                Some(InstanceOption::Match) => "match".to_owned(),
                Some(InstanceOption::Mismatch) => "another instance".to_owned(),
                _ => hex(),
            },
            option::THREADID => read.thread_id.map_or_else(hex, |t| t.to_string()),
            option::MARS => flag(read.mars, "on", "off"),
            option::FEDAUTHREQUIRED => flag(read.fed_auth_required, "required", "not required"),
            _ => hex(),
        };
        let mut node = places.node(label, text, o.range.clone());
        if !o.value_range.is_empty() {
            node.children.push(places.node("Value", hex(), o.value_range.clone()));
        }
        node
    };
    read.options.iter().map(one).collect()
}

const REDACTED: &str = "<redacted>";

fn login(payload: &[u8], show_secrets: bool, places: &Places<'_>, children: &mut Vec<Node>) {
    let read = parse_login7(payload);
    children.push(places.node("TDS version", sql::tds_version(read.tds_version), 4..8));
    children.push(places.node("Packet size", read.packet_size.to_string(), 8..12));
    children.push(places.node("Process id", read.process_id.to_string(), 16..20));
    // The text of a field whose offset and length stand at that place.
    let text_at = |at: usize| {
        let number =
            |at: usize| payload.get(at..)?.first_chunk().map(|b| usize::from(u16::from_le_bytes(*b)));
        let (from, length) = (number(at)?, number(at + 2)?);
        let end = from.checked_add(length.checked_mul(2)?)?.min(payload.len());
        Some(from.min(end)..end)
    };
    let fields = [
        ("Host", 36, &read.host),
        ("User", 40, &read.user),
        ("Program", 48, &read.program),
        ("Server", 52, &read.server),
        ("Library", 60, &read.library),
        ("Language", 64, &read.language),
        ("Database", 68, &read.database),
    ];
    for (label, at, text) in fields {
        if !text.is_empty() {
            children.push(places.node(label, show::safe_str(text), text_at(at).unwrap_or_default()));
        }
    }
    if read.integrated {
        children.push(places.node("Authentication", "the operating system's account", 25..26));
    }
    for secret in &read.secrets {
        let hidden = payload.get(secret.clone()).unwrap_or_default();
        let text = match show_secrets {
            true => hidden.iter().take(256).map(|b| format!("{b:02x}")).collect(),
            false => REDACTED.to_owned(),
        };
        children.push(places.node("Password or authentication data", text, secret.clone()));
    }
    issues(children, &read.issues, places);
}

fn old_login(payload: &[u8], children: &mut Vec<Node>) {
    let read = parse_old_login(payload);
    for (label, text) in [
        ("Host", &read.host),
        ("User", &read.user),
        ("Program", &read.program),
        ("Server", &read.server),
        ("Library", &read.library),
    ] {
        if !text.is_empty() {
            children.push(Node { label: label.to_owned(), value: show::safe_str(text), ..Node::default() });
        }
    }
    if read.has_password {
        children.push(Node { label: "Password".to_owned(), value: REDACTED.to_owned(), ..Node::default() });
    }
}

fn token(t: &Token) -> Node {
    let plain = |label: &str, value: String| Node { label: label.to_owned(), value, ..Node::default() };
    let told = |label: &str, m: &ServerMessage, bad: bool| {
        let title = error_title(m.number).filter(|_| bad).map(|t| format!(" ({t})")).unwrap_or_default();
        let text = show::shorten(&show::safe_str(&m.text), 300);
        let mut node =
            plain(label, format!("{}{title}, state {}, severity {}: {text}", m.number, m.state, m.class));
        node.issue = bad;
        node
    };
    match t {
        Token::Error(m) => told("ERROR", m, true),
        Token::Info(m) => told("INFO", m, false),
        Token::LoginAck(a) => plain(
            "LOGINACK",
            format!(
                "{} {}.{}.{}, TDS {}",
                show::safe_str(&a.program),
                a.major,
                a.minor,
                a.build,
                sql::tds_version(a.tds_version)
            ),
        ),
        Token::EnvChange(change) => plain("ENVCHANGE", change_words(change)),
        Token::Done { status, rows } => {
            let rows = rows.map(|r| format!(", {r} rows")).unwrap_or_default();
            plain("DONE", format!("status 0x{status:04x}{rows}"))
        }
        Token::Sspi => plain("SSPI", "authentication goes on".to_owned()),
        Token::ResultSet => plain("Result set", String::new()),
        Token::Other(kind) => plain("Token", format!("0x{kind:02x}")),
    }
}

fn change_words(change: &EnvChange) -> String {
    match change {
        EnvChange::Database { new, .. } => format!("database {}", sql::name(new)),
        EnvChange::Language { new, .. } => format!("language {}", sql::name(new)),
        EnvChange::PacketSize { new, .. } => format!("packet size {}", sql::name(new)),
        EnvChange::Partner(partner) => format!("mirror {}", sql::name(partner)),
        EnvChange::Routing { server, port } => format!("go to {} port {port}", sql::name(server)),
        EnvChange::Other(kind) => format!("type {kind}"),
    }
}
