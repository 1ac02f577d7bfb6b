//! DNS in a line: `SRV _sip._tls.contoso.com → fe.contoso.com:5061`.

use std::net::SocketAddr;

use callscope_parsers::dns::{
    Data, Dns, Flavor, Framing, Outcome, RCode, Record, RecordType, frame_dns, looks_like_dns, parse_dns,
};

use crate::decode::dns_port;
use crate::show::dns::name;
use crate::view::show;

pub use crate::show::dns::{answered, asked};

/// Records of an answer that a line tells of.
const RECORDS: usize = 3;

/// The message of a datagram, where it is one; as decoding tells it.
pub fn datagram(payload: &[u8], src: SocketAddr, dst: SocketAddr) -> Option<Dns> {
    let port = dns_port(src, dst);
    let flavor = port.map_or(Flavor::Dns, Flavor::of_port);
    looks_like_dns(payload, port.unwrap_or(0)).then(|| parse_dns(payload, flavor)).flatten()
}

/// Place in the segment and message of each whole one that stands in it, of a connection of DNS.
pub fn segment(payload: &[u8], src: SocketAddr, dst: SocketAddr) -> Vec<(std::ops::Range<usize>, Dns)> {
    let mut out = Vec::new();
    let Some(port) = dns_port(src, dst) else { return out };
    let mut at = 0;
    while let Framing::Message(range) = frame_dns(payload.get(at..).unwrap_or_default()) {
        let range = at + range.start..at + range.end;
        let message = payload.get(range.clone()).unwrap_or_default();
        if !looks_like_dns(message, port) {
            break;
        }
        let Some(dns) = parse_dns(message, Flavor::of_port(port)) else { break };
        at = range.end;
        out.push((range, dns));
    }
    out
}

/// A message in words.
pub fn line(dns: &Dns) -> String {
    let opcode = callscope_parsers::dns::opcode_name(dns.flags.opcode());
    let mut out = match opcode {
        Some("QUERY") => String::new(),
        Some(other) => format!("{other} "),
        None => format!("opcode {} ", dns.flags.opcode()),
    };
    let asked: Vec<String> =
        dns.questions.iter().take(RECORDS).map(|q| format!("{} {}", q.kind, name(&q.name.text))).collect();
    out.push_str(&asked.join(", "));
    let more = dns.questions.len().saturating_sub(RECORDS);
    if more > 0 {
        out.push_str(&format!(" and {more} more"));
    }
    if dns.is_response() {
        let end = ending(dns);
        let space = if out.is_empty() || out.ends_with(' ') { "" } else { " " };
        out.push_str(&format!("{space}→ {end}"));
    } else {
        out.push('?');
    }
    if dns.flags.truncated() {
        out.push_str(" (truncated)");
    }
    if !dns.issues.is_empty() {
        out.push_str(" (malformed)");
    }
    out
}

fn ending(dns: &Dns) -> String {
    if dns.rcode != RCode(0) {
        return dns.rcode.to_string();
    }
    let asked = dns.questions.first().map(|q| q.kind);
    let wanted = |r: &&Record| asked.is_none_or(|a| a == r.kind || a == RecordType::ANY);
    let found: Vec<&Record> = dns.answers.iter().filter(wanted).collect();
    let records = if found.is_empty() { dns.answers.iter().collect() } else { found };
    if records.is_empty() {
        return match dns.outcome() {
            Some(Outcome::NoSuchRecord) => "no such record".to_owned(),
            Some(outcome) => outcome.title().to_owned(),
            None => "nothing".to_owned(),
        };
    }
    let mut words: Vec<String> = records.iter().take(RECORDS).map(|r| record(r)).collect();
    if records.len() > RECORDS {
        words.push(format!("{} more", records.len() - RECORDS));
    }
    words.join(", ")
}

/// What a record says.
pub fn record(r: &Record) -> String {
    match &r.data {
        Data::A(a) => a.to_string(),
        Data::Aaaa(a) => a.to_string(),
        Data::Cname(n) => format!("alias {}", name(&n.text)),
        Data::Ns(n) => format!("ask {}", name(&n.text)),
        Data::Ptr(n) => name(&n.text),
        Data::Srv { port, target, .. } => format!("{}:{port}", name(&target.text)),
        Data::Naptr { services, regexp, replacement, .. } => {
            let to = if regexp.is_empty() { &replacement.text } else { regexp };
            name(&format!("{services} {to}"))
        }
        Data::Txt(texts) => {
            let first = texts.first().map(Vec::as_slice).unwrap_or_default();
            format!("\"{}\"", show::shorten(&show::safe(first), 60))
        }
        Data::Soa(soa) => format!("SOA {}", name(&soa.server.text)),
        Data::Opt => "EDNS".to_owned(),
        Data::Other => format!("{} of {} bytes", r.kind, r.data_range.len()),
        Data::Malformed => format!("{}, malformed", r.kind),
    }
}
