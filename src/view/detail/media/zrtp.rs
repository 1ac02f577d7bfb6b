//! ZRTP as a tree.

use callscope_parsers::zrtp::{HEADER, Zrtp, ZrtpMessage};

use super::{hex, remark};
use crate::view::detail::{Node, place_issue};
use crate::view::packets::media::{ssrc, zrtp_error};
use crate::view::show;

pub fn tree(zrtp: &Zrtp, bytes: &[u8]) -> Vec<Node> {
    let mut out = vec![
        Node::new("Sequence number", zrtp.sequence.to_string(), 2..4),
        Node::new("Magic cookie", "ZRTP", 4..8),
        Node::new("SSRC", ssrc(zrtp.ssrc), 8..HEADER.min(bytes.len())),
    ];
    if !zrtp.message_range.is_empty() {
        let end = (HEADER + zrtp.message_length).clamp(zrtp.message_range.end, bytes.len());
        let mut node = Node::new("Message", show::safe_str(&zrtp.message_type), HEADER..end);
        node.children = vec![
            Node::new("Length", zrtp.message_length.to_string(), HEADER + 2..HEADER + 4),
            Node::new("Message type", show::safe_str(&zrtp.message_type), HEADER + 4..HEADER + 12),
        ];
        if let Some(title) = zrtp.title() {
            node.children.push(remark("Meaning", title));
        }
        node.children.extend(fields(&zrtp.message));
        out.push(node);
        if end + 4 == bytes.len() {
            out.push(Node::new("CRC", hex(bytes.get(end..).unwrap_or_default()), end..end + 4));
        }
    }
    zrtp.issues.iter().for_each(|i| place_issue(&mut out, i));
    out
}

fn fields(message: &ZrtpMessage) -> Vec<Node> {
    let at = |label: &str, value: String, from: usize, len: usize| {
        Node::new(label, value, HEADER + from..HEADER + from + len)
    };
    match message {
        ZrtpMessage::Hello { version, client, zid, hashes, ciphers, auth_tags, key_agreements, sas } => {
            let list = |label: &str, all: &[String]| {
                let names: Vec<String> = all.iter().map(|a| show::safe_str(a)).collect();
                remark(label, names.join(", "))
            };
            vec![
                at("Version", show::safe_str(version), 12, 4),
                at("Client", show::safe_str(client), 16, 16),
                at("ZID", hex(zid), 64, 12),
                list("Hashes", hashes),
                list("Ciphers", ciphers),
                list("Authentication tags", auth_tags),
                list("Key agreements", key_agreements),
                list("SAS", sas),
            ]
        }
        ZrtpMessage::Commit { zid, hash, cipher, auth_tag, key_agreement, sas } => vec![
            at("ZID", hex(zid), 44, 12),
            at("Hash", show::safe_str(hash), 56, 4),
            at("Cipher", show::safe_str(cipher), 60, 4),
            at("Authentication tag", show::safe_str(auth_tag), 64, 4),
            at("Key agreement", show::safe_str(key_agreement), 68, 4),
            at("SAS", show::safe_str(sas), 72, 4),
        ],
        ZrtpMessage::Error { code } => {
            vec![at("Error code", format!("0x{code:x} ({})", zrtp_error(*code)), 12, 4)]
        }
        ZrtpMessage::Other => Vec::new(),
    }
}
