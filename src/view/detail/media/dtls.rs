//! DTLS as a tree: a node a record, handshake messages with what they say.

use callscope_parsers::dtls::{
    Assembly, Dtls, DtlsRecord, Fragment, Handshake, RecordBody, content_name, fingerprint,
};
use callscope_parsers::tls::{Certificate, alert_name, cipher_name, is_grease};

use super::{bytes_text, remark};
use crate::view::detail::{Node, place_issue};
use crate::view::packets::media::{dtls_version, handshake_text, handshake_title, profile, record_title};
use crate::view::show;

/// Names shown of one list.
const LIST: usize = 64;

pub fn tree(dtls: &Dtls, bytes: &[u8]) -> Vec<Node> {
    // Messages in pieces are told where their last piece stands, if all of them stand in this datagram.
    let mut assembly = Assembly::default();
    let mut out: Vec<Node> = dtls.records.iter().map(|r| record(r, bytes, &mut assembly)).collect();
    dtls.issues.iter().for_each(|i| place_issue(&mut out, i));
    out
}

fn record(r: &DtlsRecord, bytes: &[u8], assembly: &mut Assembly) -> Node {
    let start = r.range.start;
    let mut node = Node::new("Record", record_title(r), r.range.clone());
    if let (Some(kind), Some(version), Some(sequence)) = (r.content_type, r.version, r.sequence) {
        let name = content_name(kind).unwrap_or("not known");
        node.children = vec![
            Node::new("Content type", format!("{kind} ({name})"), start..start + 1),
            Node::new("Version", dtls_version(version), start + 1..start + 3),
            Node::new("Epoch", r.epoch.to_string(), start + 3..start + 5),
            Node::new("Sequence number", sequence.to_string(), start + 5..start + 11),
            Node::new("Length", number(bytes, start + 11..start + 13), start + 11..start + 13),
        ];
    } else {
        let text = format!("epoch {} (its lower bits), the rest of it is encrypted", r.epoch);
        node.children.push(Node::new("Header", text, start..r.content.start));
    }
    match &r.body {
        RecordBody::Handshake(fragments) => {
            let names: Vec<String> = fragments.iter().map(|f| handshake_title(f.message_type)).collect();
            node.value = format!("Handshake: {}", names.join(", "));
            node.children.extend(fragments.iter().map(|f| message(f, bytes, assembly)));
        }
        RecordBody::Alert { level, description } => {
            let at = r.content.start;
            let name = alert_name(*description).unwrap_or("not known");
            let words = if *level == 2 { "fatal" } else { "warning" };
            node.children.push(Node::new("Level", format!("{level} ({words})"), at..at + 1));
            node.children.push(Node::new("Description", format!("{description} ({name})"), at + 1..at + 2));
        }
        RecordBody::Encrypted if !r.content.is_empty() => {
            node.children.push(Node::new("Encrypted", bytes_text(r.content.len()), r.content.clone()));
        }
        RecordBody::Other if !r.content.is_empty() => {
            node.children.push(Node::new("Content", bytes_text(r.content.len()), r.content.clone()));
        }
        _ => {}
    }
    node
}

/// A field as it stands, whatever there is of what it counts.
fn number(bytes: &[u8], range: std::ops::Range<usize>) -> String {
    let field = bytes.get(range).unwrap_or_default();
    field.iter().fold(0u64, |n, b| n << 8 | u64::from(*b)).to_string()
}

fn message(f: &Fragment, bytes: &[u8], assembly: &mut Assembly) -> Node {
    let start = f.range.start;
    let whole = f.is_whole();
    let mut node = Node::new(handshake_title(f.message_type), "", f.range.clone());
    let name = handshake_title(f.message_type);
    node.children = vec![
        Node::new("Message type", format!("{} ({name})", f.message_type), start..start + 1),
        Node::new("Length", f.length.to_string(), start + 1..start + 4),
        Node::new("Message sequence", f.message_seq.to_string(), start + 4..start + 6),
        Node::new("Fragment offset", f.offset.to_string(), start + 6..start + 9),
        Node::new("Fragment length", number(bytes, start + 9..start + 12), start + 9..start + 12),
    ];
    let complete = assembly.push(bytes, f);
    match (&complete, &f.message) {
        (Some((body, m)), _) => {
            node.value = handshake_text(m).unwrap_or_default();
            let mut said = says(m, body);
            if whole {
                said.iter_mut().for_each(|n| n.shift(f.body.start));
            } else {
                // Its bytes stand in several places.
                said.iter_mut().for_each(|n| n.range = None);
                node.children.push(remark("Together", "all of the message, with this fragment"));
            }
            node.children.extend(said);
        }
        (None, first) => {
            let last = f.offset.saturating_add(f.body.len() as u32);
            node.value = format!("bytes {} to {last} of {}", f.offset, f.length);
            // What the first piece tells of a message that goes on elsewhere.
            if let Some(m @ (Handshake::ClientHello { .. } | Handshake::ServerHello { .. })) = first {
                let mut said = says(m, &[]);
                said.iter_mut().for_each(|n| n.shift(f.body.start));
                node.children.extend(said);
            }
        }
    }
    node
}

/// The fields of a message, with ranges from the start of its body.
fn says(message: &Handshake, body: &[u8]) -> Vec<Node> {
    let list = |label: &str, all: Vec<String>| {
        let more = all.len().saturating_sub(LIST);
        let mut text = all.into_iter().take(LIST).collect::<Vec<_>>().join(", ");
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        (!text.is_empty()).then(|| remark(label, text))
    };
    match message {
        Handshake::ClientHello {
            version,
            cookie,
            ciphers,
            server_name,
            alpn,
            versions,
            srtp_profiles,
            whole: _,
        } => {
            let mut out = vec![
                Node::new("Version", dtls_version(*version), 0..2),
                remark("Cookie", if *cookie == 0 { "none".to_owned() } else { bytes_text(*cookie) }),
            ];
            let known = |all: &[u16], name: fn(u16) -> String| {
                all.iter().copied().filter(|v| !is_grease(*v)).map(name).collect::<Vec<_>>()
            };
            out.extend(list("Cipher suites", known(ciphers, cipher)));
            out.extend(list("SRTP profiles (use_srtp)", known(srtp_profiles, profile)));
            out.extend(list("Versions", known(versions, dtls_version)));
            let name = server_name.as_ref().map(|n| remark("Server name", show::safe_str(n)));
            out.extend(name);
            out.extend(list("ALPN", alpn.iter().map(|a| show::safe_str(a)).collect()));
            out
        }
        Handshake::HelloVerifyRequest { version, cookie } => vec![
            Node::new("Version", dtls_version(*version), 0..2),
            Node::new("Cookie", bytes_text(*cookie), 2..body.len().max(2)),
        ],
        Handshake::ServerHello { version, cipher: c, srtp_profile, retry, .. } => {
            let mut out = vec![Node::new("Version", dtls_version(*version), 0..2)];
            out.push(remark("Cipher suite", cipher(*c)));
            out.extend(srtp_profile.map(|p| remark("SRTP profile (use_srtp)", profile(p))));
            if *retry {
                out.push(remark("HelloRetryRequest", "asks for another ClientHello"));
            }
            out
        }
        Handshake::Certificate { count, first, der } => {
            let mut out = vec![Node::new("Certificates", count.to_string(), 0..3.min(body.len()))];
            if let Some(c) = first {
                out.push(certificate(c, body.get(der.clone()).unwrap_or_default(), der.clone()));
            }
            out
        }
        Handshake::Other => Vec::new(),
    }
}

fn certificate(c: &Certificate, der: &[u8], range: std::ops::Range<usize>) -> Node {
    let mut node = Node::new("Certificate", show::safe_str(&c.subject), range);
    node.children = vec![
        remark("Subject", show::safe_str(&c.subject)),
        remark("Issuer", show::safe_str(&c.issuer)),
        remark("Valid", show::safe_str(&format!("{} to {}", c.not_before, c.not_after))),
    ];
    if !c.alternative_names.is_empty() {
        let names: Vec<String> = c.alternative_names.iter().take(LIST).map(|n| show::safe_str(n)).collect();
        node.children.push(remark("Alternative names", names.join(", ")));
    }
    // What `a=fingerprint` says most often.
    for hash in ["sha-256", "sha-1"] {
        node.children.extend(fingerprint(hash, der).map(|f| remark(&format!("Fingerprint {hash}"), f)));
    }
    node
}

fn cipher(number: u16) -> String {
    cipher_name(number).map_or_else(|| format!("0x{number:04x}"), str::to_owned)
}
