//! Values of attributes in words.

use callscope_parsers::stun::{Attribute, Dialect, Value, words};

use super::Node;
use crate::view::detail::secrets::REDACTED;
use crate::view::packets::stun::hex;
use crate::view::show;

/// Bytes without a meaning that are shown on the line.
const BYTES: usize = 24;

fn text_of(bytes: &[u8]) -> String {
    show::shorten(&show::safe(bytes), 200)
}

/// Text where the bytes are that, else hexadecimal.
fn text_or_hex(bytes: &[u8]) -> String {
    let printable =
        !bytes.is_empty() && std::str::from_utf8(bytes).is_ok_and(|t| !t.chars().any(char::is_control));
    if printable { text_of(bytes) } else { format!("{} ({} bytes)", hex(bytes, BYTES), bytes.len()) }
}

/// The value on the line of its attribute.
pub fn text(a: &Attribute<'_>, dialect: Dialect, show_secrets: bool) -> String {
    match a.value {
        Value::Empty => "set".to_owned(),
        Value::Address(address) | Value::XorAddress { address, .. } => address.to_string(),
        Value::Text(bytes) => text_of(bytes),
        Value::Digest(bytes) | Value::Unknown(bytes) | Value::Invalid(bytes) => {
            format!("{} ({} bytes)", hex(bytes, BYTES), bytes.len())
        }
        Value::Bytes(bytes) => text_or_hex(bytes),
        Value::Secret(bytes) if show_secrets => text_or_hex(bytes),
        Value::Secret(_) => REDACTED.to_owned(),
        Value::Number(n) => number(a, n),
        Value::Seconds(0) => "0 s".to_owned(),
        Value::Seconds(n) => format!("{n} s"),
        Value::Bandwidth(n) if dialect == Dialect::MsTurn => n.to_string(),
        Value::Bandwidth(n) => format!("{n} kbit/s"),
        Value::Priority(n) => {
            let (kind, local, component) = (n >> 24, (n >> 8) & 0xFFFF, 256 - (n & 0xFF));
            format!("{n} (type preference {kind}, local preference {local}, component {component})")
        }
        Value::TieBreaker(n) => format!("0x{n:016x}"),
        Value::Channel(n) => format!("0x{n:04x}"),
        Value::Port(n) => n.to_string(),
        Value::Transport(n) => match n {
            6 => "TCP (6)".to_owned(),
            17 => "UDP (17)".to_owned(),
            n => n.to_string(),
        },
        Value::Family(n) => family(n).to_owned(),
        Value::EvenPort { reserve_next } => {
            if reserve_next { "even, and the next one for later" } else { "even" }.to_owned()
        }
        Value::ChangeRequest { ip, port } => match (ip, port) {
            (true, true) => "from another address and port",
            (true, false) => "from another address",
            (false, true) => "from another port",
            (false, false) => "from here",
        }
        .to_owned(),
        Value::ErrorCode { code, reason } => format!("{code} {}", text_of(reason)).trim_end().to_owned(),
        Value::Types(_) => {
            let names = a
                .value
                .types()
                .take(32)
                .map(|t| t.name_in(dialect).map_or_else(|| format!("0x{:04X}", t.0), str::to_owned));
            names.collect::<Vec<_>>().join(", ")
        }
        Value::Algorithms(_) => {
            let names = a.value.algorithms().take(16).map(|(n, _)| match n {
                1 => "MD5".to_owned(),
                2 => "SHA-256".to_owned(),
                n => format!("0x{n:04x}"),
            });
            names.collect::<Vec<_>>().join(", ")
        }
        Value::Sequence { connection, number } => match connection {
            Some(id) => format!("{number}, connection {}", hex(id, 20)),
            None => number.to_string(),
        },
        Value::ServiceQuality { stream, quality } => {
            let (stream, quality) = words::service_quality_words(stream, quality);
            format!("{stream}, {quality}")
        }
        Value::Admission { kind, .. } => match kind {
            0 => "check".to_owned(),
            1 => "commit".to_owned(),
            2 => "update".to_owned(),
            n => n.to_string(),
        },
        Value::Reservation { min_send, max_send, min_receive, max_receive } => {
            format!("send {min_send}–{max_send}, receive {min_receive}–{max_receive}")
        }
        Value::SiteAnswer { flags, max_send, max_receive } => {
            format!("flags 0x{flags:08x}, most to send {max_send}, to receive {max_receive}")
        }
        Value::Location { peer, own, federation } => {
            format!("peer {peer}, own {own}, federation {federation}")
        }
        Value::TransmitCounter { request, response } => {
            format!("request {request}, response {response}")
        }
        Value::Icmp { kind, code, .. } => format!("type {kind}, code {code}"),
        Value::AddressError { family: f, code, reason } => {
            format!("{}: {code} {}", family(f), text_of(reason)).trim_end().to_owned()
        }
    }
}

fn family(n: u8) -> &'static str {
    match n {
        1 => "IPv4",
        2 => "IPv6",
        _ => "unknown family",
    }
}

fn number(a: &Attribute<'_>, n: u32) -> String {
    use callscope_parsers::stun::AttributeType as T;
    match a.kind {
        T::MS_VERSION => format!("{n} ({})", words::ms_version_words(Some(n))),
        T::CONNECTION_ID => format!("0x{n:08x}"),
        _ => n.to_string(),
    }
}

/// Parts of a value that its line does not tell.
pub fn parts(a: &Attribute<'_>, _dialect: Dialect) -> Vec<Node> {
    let start = a.value_range.start;
    let mut out = Vec::new();
    let mut add = |label: &str, value: String, from: usize, to: usize| {
        out.push(Node::new(label, value, start + from..start + to));
    };
    match a.value {
        Value::Address(address) => {
            add("Family", if address.is_ipv4() { "IPv4" } else { "IPv6" }.to_owned(), 1, 2);
            add("Port", address.port().to_string(), 2, 4);
            add("Address", address.ip().to_string(), 4, a.value_range.len());
        }
        Value::XorAddress { wire, address } => {
            add("Family", if address.is_ipv4() { "IPv4" } else { "IPv6" }.to_owned(), 1, 2);
            add("X-Port", format!("{:04x} → {}", wire.port(), address.port()), 2, 4);
            let x = match wire.ip() {
                std::net::IpAddr::V4(ip) => hex(&ip.octets(), 4),
                std::net::IpAddr::V6(ip) => hex(&ip.octets(), 16),
            };
            add("X-Address", format!("{x} → {}", address.ip()), 4, a.value_range.len());
        }
        Value::ErrorCode { code, reason } => {
            add("Class", (code / 100).to_string(), 2, 3);
            add("Number", (code % 100).to_string(), 3, 4);
            if !reason.is_empty() {
                add("Reason phrase", text_of(reason), 4, 4 + reason.len());
            }
        }
        _ => {}
    }
    out
}
