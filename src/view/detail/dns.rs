//! A DNS message as a tree: header, questions, the records of each section, EDNS, what is wrong.

use std::ops::Range;

use callscope_parsers::dns::{Data, Dns, HEADER, Record, RecordType, opcode_name};

use super::Node;
use crate::view::packets::dns as lines;
use crate::view::show;

/// Records of one section that are shown.
const RECORDS: usize = 512;

fn bare(label: &str, value: String) -> Node {
    Node { label: label.to_owned(), value, ..Node::default() }
}

/// A message of `len` bytes that begins `at`.
pub fn message(dns: &Dns, len: usize, at: usize) -> Node {
    let mut node = Node::new(dns.flavor.name(), lines::line(dns), 0..len);
    node.children = header(dns);
    for q in &dns.questions {
        let text = format!("{} {}", q.kind, show::safe_str(&q.name.text));
        let mut child = Node::new("Question", text, q.range.clone());
        let end = q.range.end;
        child.children.push(Node::new("Name", show::safe_str(&q.name.text), q.name.range.clone()));
        child.children.push(Node::new("Type", kind(q.kind), q.name.range.end..end.saturating_sub(2)));
        let class =
            if q.unicast { format!("{}, answer to the asker alone", class(q.class)) } else { class(q.class) };
        child.children.push(Node::new("Class", class, end.saturating_sub(2)..end));
        node.children.push(child);
    }
    let sections =
        [("Answer", &dns.answers), ("Authority", &dns.authorities), ("Additional", &dns.additionals)];
    for (label, records) in sections {
        node.children.extend(records.iter().take(RECORDS).map(|r| record(dns, label, r)));
        if records.len() > RECORDS {
            let more = format!("{} more records, not shown", records.len() - RECORDS);
            node.children.push(bare(label, more));
        }
    }
    if let Some(outcome) = dns.outcome() {
        node.children.push(bare("Meaning", outcome.title().to_owned()));
    }
    for issue in &dns.issues {
        let text = format!("{} ({})", show::safe_str(&issue.text), issue.code);
        let mut child = Node::new("Issue", text, issue.range.clone());
        child.issue = true;
        node.children.push(child);
    }
    node.shift(at);
    node
}

fn header(dns: &Dns) -> Vec<Node> {
    let flags = dns.flags;
    let opcode = opcode_name(flags.opcode()).map_or_else(|| flags.opcode().to_string(), str::to_owned);
    let names = flags.names(dns.flavor).join(" ");
    let mut words =
        Node::new("Flags", format!("0x{:04x} {opcode} {names}", flags.0).trim_end().to_owned(), 2..4);
    if flags.response() {
        let text = format!("{} ({})", dns.rcode, dns.rcode.title());
        words.children.push(Node::new("Response code", text, 3..4));
    }
    let counts = [
        ("Questions", dns.questions.len(), 4..6),
        ("Answers", dns.answers.len(), 6..8),
        ("Authority records", dns.authorities.len(), 8..10),
        ("Additional records", dns.additionals.len(), 10..HEADER),
    ];
    let mut out = vec![Node::new("ID", format!("0x{:04x}", dns.id), 0..2), words];
    out.extend(counts.map(|(label, n, range): (_, _, Range<usize>)| Node::new(label, n.to_string(), range)));
    out
}

fn kind(kind: RecordType) -> String {
    format!("{kind} ({})", kind.0)
}

fn class(class: u16) -> String {
    match class {
        1 => "IN (1)".to_owned(),
        3 => "CH (3)".to_owned(),
        255 => "ANY (255)".to_owned(),
        n => n.to_string(),
    }
}

fn record(dns: &Dns, label: &str, r: &Record) -> Node {
    let said = lines::record(r);
    let text = format!("{} {} → {said}", r.kind, show::safe_str(&r.name.text));
    let mut node = Node::new(label, text, r.range.clone());
    let fixed = r.name.range.end;
    node.children.push(Node::new("Name", show::safe_str(&r.name.text), r.name.range.clone()));
    node.children.push(Node::new("Type", kind(r.kind), fixed..fixed + 2));
    if r.kind == RecordType::OPT {
        if let Some(edns) = &dns.edns {
            node.children.push(Node::new("UDP payload", edns.udp_payload.to_string(), fixed + 2..fixed + 4));
            let dnssec = if edns.dnssec { ", DNSSEC records wanted" } else { "" };
            let text = format!("version {}{dnssec}", edns.version);
            node.children.push(Node::new("EDNS", text, fixed + 4..fixed + 8));
            let options = edns.options.iter().map(|(code, range)| {
                Node::new("Option", format!("{code}, {} bytes", range.len()), range.clone())
            });
            node.children.extend(options);
        }
        return node;
    }
    let flush = if r.cache_flush { ", older records are no longer true" } else { "" };
    node.children.push(Node::new("Class", format!("{}{flush}", class(r.class)), fixed + 2..fixed + 4));
    node.children.push(Node::new("Time to live", format!("{} s", r.ttl), fixed + 4..fixed + 8));
    node.children.push(Node::new("Length", r.data_range.len().to_string(), fixed + 8..fixed + 10));
    let data = r.data_range.clone();
    let part = |label: &str, value: String, from: usize, len: usize| {
        Node::new(label, value, data.start + from..data.start + from + len)
    };
    match &r.data {
        Data::Srv { priority, weight, port, target } => {
            node.children.push(part("Priority", priority.to_string(), 0, 2));
            node.children.push(part("Weight", weight.to_string(), 2, 2));
            node.children.push(part("Port", port.to_string(), 4, 2));
            node.children.push(Node::new("Target", show::safe_str(&target.text), target.range.clone()));
        }
        Data::Soa(soa) => {
            node.children.push(Node::new(
                "Server",
                show::safe_str(&soa.server.text),
                soa.server.range.clone(),
            ));
            node.children.push(Node::new(
                "Mailbox",
                show::safe_str(&soa.mailbox.text),
                soa.mailbox.range.clone(),
            ));
            let times = format!(
                "serial {}, refresh {} s, retry {} s, expire {} s, minimum {} s",
                soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum
            );
            node.children.push(bare("Times", times));
        }
        Data::Naptr { order, preference, flags, services, regexp, replacement } => {
            node.children.push(part("Order", order.to_string(), 0, 2));
            node.children.push(part("Preference", preference.to_string(), 2, 2));
            let words = format!("{flags} {services} {regexp}");
            node.children.push(bare("Flags, services, expression", show::safe_str(&words)));
            let to = show::safe_str(&replacement.text);
            node.children.push(Node::new("Replacement", to, replacement.range.clone()));
        }
        Data::Malformed => {
            node.issue = true;
            node.children.push(Node::new("Data", said, data));
        }
        _ => node.children.push(Node::new("Data", said, data)),
    }
    node
}
