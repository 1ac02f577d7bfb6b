//! DNS look-ups: questions joined to their answers, and the names that answers give to machines.

use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};

use callscope_parsers::dns::{
    Data, Dns as Message, Flavor, MAX_RECORDS, Outcome, Question, RCode, Record, RecordType, parse_dns,
};
use hashbrown::HashMap;

use super::Analysis;
use super::model::*;
use crate::capture::{FrameRef, Nanos};
use crate::decode::{DecodedDns, dns_port};

/// So long the same question asked again belongs to the look-up it began, and an answer to its question.
const PATIENCE: Nanos = 60_000_000_000;
/// Questions of one message that are followed; multicast DNS asks several at once.
const QUESTIONS: usize = 16;
/// Questions remembered before old ones are dropped, at least and at most.
const SWEEP_PENDING: usize = 1 << 12;
const MOST_PENDING: usize = 1 << 18;

/// Index of a look-up in [`Dns::lookups`]; its `id` in the JSON is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LookupIdx(pub u32);

/// What a record of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsData {
    Address(IpAddr),
    /// Of CNAME, PTR and NS.
    Name(Str),
    Srv {
        priority: u16,
        weight: u16,
        port: u16,
        target: Str,
    },
    /// Of NAPTR and TXT, in words.
    Text(Str),
    Other,
    Malformed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DnsRecord {
    pub name: Str,
    pub kind: RecordType,
    /// Seconds.
    pub ttl: u32,
    pub data: DnsData,
}

/// How a look-up ended.
#[derive(Debug, Clone)]
pub struct DnsAnswer {
    pub frame: FrameRef,
    pub time: Nanos,
    pub rcode: RCode,
    /// None in multicast DNS, where nobody says no.
    pub outcome: Option<Outcome>,
    /// Of the answer section, up to `Limits::dns_records`.
    pub records: Vec<DnsRecord>,
    /// Records that were not kept.
    pub more: u32,
}

/// A question and what came back.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub name: Str,
    pub kind: RecordType,
    pub flavor: Flavor,
    pub client: SocketAddr,
    /// Who was asked; a group's address in multicast DNS and LLMNR.
    pub server: SocketAddr,
    pub transport: Transport,
    /// Of the first question; of the answer where the question is not in the capture.
    pub frame: FrameRef,
    pub time: Nanos,
    /// Time of the last question.
    pub last: Nanos,
    /// The first frames that asked.
    pub asked: Vec<FrameRef>,
    /// How often it was asked; 0 where only the answer is in the capture.
    pub queries: u32,
    pub answer: Option<DnsAnswer>,
}

impl Lookup {
    /// First question → answer.
    pub fn took(&self) -> Option<Nanos> {
        let answer = self.answer.as_ref().filter(|_| self.queries > 0)?;
        Some(answer.time.saturating_sub(self.time))
    }

    /// Does it give what was asked for?
    pub fn found(&self) -> bool {
        self.answer
            .as_ref()
            .is_some_and(|a| a.outcome.is_none_or(|o| o == Outcome::Answered) && !a.records.is_empty())
    }

    /// `answered`, `no_such_name`, `no_such_record`, `alias`, `referral`, `truncated`, `failed`, `unanswered`.
    pub fn state(&self) -> &'static str {
        match self.answer.as_ref().map(|a| a.outcome) {
            None => "unanswered",
            Some(None | Some(Outcome::Answered)) => "answered",
            Some(Some(Outcome::Alias)) => "alias",
            Some(Some(Outcome::NoSuchName)) => "no_such_name",
            Some(Some(Outcome::NoSuchRecord)) => "no_such_record",
            Some(Some(Outcome::Referral)) => "referral",
            Some(Some(Outcome::Truncated)) => "truncated",
            Some(Some(Outcome::Failed)) => "failed",
        }
    }

    /// Frames of its questions and its answer.
    pub fn frames(&self) -> impl Iterator<Item = FrameRef> + '_ {
        self.asked.iter().copied().chain(self.answer.as_ref().map(|a| a.frame))
    }
}

/// Frames kept of the questions of one look-up.
const ASKED: usize = 8;

#[derive(Debug, Clone, Default)]
pub struct DnsStatistics {
    pub messages: u64,
    /// Messages that ask for SRV.
    pub srv_queries: u64,
    /// Messages of which something cannot be read.
    pub malformed: u64,
}

/// Everything known of DNS.
#[derive(Debug, Default)]
pub struct Dns {
    /// In the order of their first frames.
    pub lookups: Vec<Lookup>,
    pub statistics: DnsStatistics,
    /// By what an answer has in common with its question.
    pending: HashMap<u64, LookupIdx, foldhash::fast::RandomState>,
    /// Length of `pending` at which it is swept again.
    sweep_at: usize,
}

impl Dns {
    pub fn lookup(&self, index: LookupIdx) -> Option<&Lookup> {
        self.lookups.get(index.0 as usize)
    }

    fn sweep(&mut self, now: Nanos) {
        if self.pending.len() < self.sweep_at.max(SWEEP_PENDING) {
            return;
        }
        let lookups = &self.lookups;
        let young =
            |i: &LookupIdx| lookups.get(i.0 as usize).is_some_and(|l| now.saturating_sub(l.last) < PATIENCE);
        self.pending.retain(|_, i| young(i));
        if self.pending.len() >= MOST_PENDING {
            self.pending.clear();
        }
        self.sweep_at = self.pending.len() * 2;
    }
}

impl Analysis {
    /// Adds a message of DNS, multicast DNS or LLMNR. `false`: a limit was hit and it was only counted.
    pub fn add_dns(&mut self, m: &DecodedDns<'_>) -> bool {
        let flavor = dns_port(m.src, m.dst).map_or(Flavor::Dns, Flavor::of_port);
        let Some(message) = parse_dns(m.message, flavor) else { return true };
        let asks_srv = message.questions.iter().any(|q| q.kind == RecordType::SRV);
        let statistics = &mut self.dns.statistics;
        statistics.messages += 1;
        statistics.srv_queries += u64::from(asks_srv && !message.is_response());
        statistics.malformed += u64::from(!message.issues.is_empty() && !m.cut);
        if m.duplicate || message.flags.opcode() != 0 {
            return true;
        }
        self.dns.sweep(m.time);
        if message.is_response() { self.dns_answer(m, &message) } else { self.dns_query(m, &message) }
    }

    /// What a question and its answer have in common.
    fn dns_key(&self, m: &DecodedDns<'_>, message: &Message, name: &str, kind: RecordType) -> u64 {
        let state = self.strings.state();
        let (client, server) = if message.is_response() { (m.dst, m.src) } else { (m.src, m.dst) };
        let tcp = m.transport == Transport::Tcp;
        match message.flavor {
            // The answer goes to all, without a number.
            Flavor::Mdns => state.hash_one((1u8, name.to_ascii_lowercase(), kind)),
            // The question goes to a group.
            Flavor::Llmnr => state.hash_one((2u8, client, message.id, tcp)),
            Flavor::Dns => state.hash_one((3u8, client, server, message.id, tcp)),
        }
    }

    fn dns_query(&mut self, m: &DecodedDns<'_>, message: &Message) -> bool {
        let mut kept = true;
        for question in message.questions.iter().take(QUESTIONS) {
            let key = self.dns_key(m, message, &question.name.text, question.kind);
            let pending = self.dns.pending.get(&key).copied();
            let again = pending.filter(|i| self.dns_fits(*i, question, m));
            if let Some(lookup) = again.and_then(|i| self.dns.lookups.get_mut(i.0 as usize))
                && lookup.answer.is_none()
                && lookup.client == m.src
            {
                lookup.queries = lookup.queries.saturating_add(1);
                lookup.last = m.time;
                if lookup.asked.len() < ASKED {
                    lookup.asked.push(m.frame);
                }
                continue;
            }
            match self.new_lookup(m, message, &question.name.text, question.kind) {
                Some(index) => {
                    self.dns.pending.insert(key, index);
                }
                None => kept = false,
            }
        }
        kept
    }

    /// Is the look-up about this question, and not too old?
    fn dns_fits(&self, index: LookupIdx, question: &Question, m: &DecodedDns<'_>) -> bool {
        let Some(lookup) = self.dns.lookup(index) else { return false };
        lookup.kind == question.kind
            && m.time.saturating_sub(lookup.last) < PATIENCE
            && self.strings.bytes(lookup.name).eq_ignore_ascii_case(question.name.text.as_bytes())
    }

    fn new_lookup(
        &mut self,
        m: &DecodedDns<'_>,
        message: &Message,
        name: &str,
        kind: RecordType,
    ) -> Option<LookupIdx> {
        let response = message.is_response();
        if self.dns.lookups.len() >= self.limits.dns_lookups {
            self.note_limit("limit-dns-lookups", m.frame, "look-ups beyond it are counted but not kept");
            return None;
        }
        let index = LookupIdx(u32::try_from(self.dns.lookups.len()).ok()?);
        let (client, server) = if response { (m.dst, m.src) } else { (m.src, m.dst) };
        self.dns.lookups.push(Lookup {
            name: self.strings.intern(name.as_bytes()),
            kind,
            flavor: message.flavor,
            client,
            server,
            transport: m.transport,
            frame: m.frame,
            time: m.time,
            last: m.time,
            asked: if response { Vec::new() } else { vec![m.frame] },
            queries: u32::from(!response),
            answer: None,
        });
        Some(index)
    }

    fn dns_answer(&mut self, m: &DecodedDns<'_>, message: &Message) -> bool {
        self.learn_names(message);
        if message.flavor == Flavor::Mdns {
            return self.mdns_answer(m, message);
        }
        let question = message.questions.first();
        let (name, kind) = match question {
            Some(q) => (q.name.text.as_str(), q.kind),
            None => ("", RecordType(0)),
        };
        let key = self.dns_key(m, message, name, kind);
        let pending = self.dns.pending.get(&key).copied();
        // A refusal may leave the question out.
        let mine = pending.filter(|i| question.is_none_or(|q| self.dns_fits(*i, q, m)));
        let index = match (mine, question) {
            (Some(index), _) => index,
            (None, Some(q)) => match self.new_lookup(m, message, &q.name.text, q.kind) {
                Some(index) => index,
                None => return false,
            },
            (None, None) => return true,
        };
        let records: Vec<DnsRecord> = self.keep_records(&message.answers);
        let more = message.answers.len().saturating_sub(records.len());
        let answer = DnsAnswer {
            frame: m.frame,
            time: m.time,
            rcode: message.rcode,
            outcome: message.outcome(),
            records,
            more: u32::try_from(more).unwrap_or(u32::MAX),
        };
        if let Some(lookup) = self.dns.lookups.get_mut(index.0 as usize)
            // The first answer is what the client goes by, unless it says to ask again.
            && lookup.answer.as_ref().is_none_or(|a| a.outcome == Some(Outcome::Truncated))
        {
            lookup.answer = Some(answer);
        }
        true
    }

    /// Each record answers who asked for it; announcements that nobody asked for are no look-ups.
    fn mdns_answer(&mut self, m: &DecodedDns<'_>, message: &Message) -> bool {
        for record in message.answers.iter().take(MAX_RECORDS) {
            for kind in [record.kind, RecordType::ANY] {
                let key = self.dns_key(m, message, &record.name.text, kind);
                let Some(index) = self.dns.pending.get(&key).copied() else { continue };
                let kept = self.keep_records(std::slice::from_ref(record));
                let limit = self.limits.dns_records;
                let Some(lookup) = self.dns.lookups.get_mut(index.0 as usize) else { continue };
                if m.time.saturating_sub(lookup.last) >= PATIENCE || lookup.client == m.src {
                    continue;
                }
                let answer = lookup.answer.get_or_insert_with(|| DnsAnswer {
                    frame: m.frame,
                    time: m.time,
                    rcode: message.rcode,
                    outcome: None,
                    records: Vec::new(),
                    more: 0,
                });
                for record in kept {
                    if answer.records.contains(&record) {
                        continue;
                    }
                    match answer.records.len() < limit {
                        true => answer.records.push(record),
                        false => answer.more = answer.more.saturating_add(1),
                    }
                }
            }
        }
        true
    }

    fn keep_records(&mut self, records: &[Record]) -> Vec<DnsRecord> {
        let strings = &mut self.strings;
        let mut name = |text: &str| strings.intern(text.as_bytes());
        let kept = records.iter().take(self.limits.dns_records).map(|r| DnsRecord {
            name: name(&r.name.text),
            kind: r.kind,
            ttl: r.ttl,
            data: match &r.data {
                Data::A(a) => DnsData::Address(IpAddr::V4(*a)),
                Data::Aaaa(a) => DnsData::Address(IpAddr::V6(*a)),
                Data::Cname(n) | Data::Ptr(n) | Data::Ns(n) => DnsData::Name(name(&n.text)),
                Data::Srv { priority, weight, port, target } => DnsData::Srv {
                    priority: *priority,
                    weight: *weight,
                    port: *port,
                    target: name(&target.text),
                },
                Data::Naptr { services, regexp, replacement, .. } => {
                    let text = format!("{services} {regexp} {}", replacement.text);
                    DnsData::Text(name(text.trim()))
                }
                Data::Txt(texts) => {
                    let first = texts.first().map(Vec::as_slice).unwrap_or_default();
                    DnsData::Text(strings_of(first, &mut name))
                }
                Data::Soa(_) | Data::Opt | Data::Other => DnsData::Other,
                Data::Malformed => DnsData::Malformed,
            },
        });
        kept.collect()
    }

    /// The name that was asked for is the name of the addresses it led to, over any aliases; other addresses (those of
    /// the targets of SRV records) have the names of their records.
    fn learn_names(&mut self, message: &Message) {
        let limit = self.limits.names;
        let asked = message.questions.first().filter(|q| {
            matches!(q.kind, RecordType::A | RecordType::AAAA | RecordType::ANY)
                && message.flavor != Flavor::Mdns
        });
        let mut chain: Vec<&str> = asked.map(|q| q.name.text.as_str()).into_iter().collect();
        for record in &message.answers {
            if let Data::Cname(to) = &record.data
                && chain.len() < 16
                && chain.iter().any(|name| record.name.is(name))
            {
                chain.push(&to.text);
            }
        }
        for record in message.records() {
            let address = match &record.data {
                Data::A(a) => IpAddr::V4(*a),
                Data::Aaaa(a) => IpAddr::V6(*a),
                Data::Ptr(host) => {
                    if let Some(address) = reverse(&record.name.text) {
                        self.names.learn_dns(address, &host.text, limit);
                    }
                    continue;
                }
                _ => continue,
            };
            let name = match chain.first() {
                Some(asked) if chain.iter().any(|name| record.name.is(name)) => asked,
                _ => record.name.text.as_str(),
            };
            let nobody = address.is_unspecified() || address.is_loopback() || address.is_multicast();
            if !nobody && !is_unreadable(name) {
                self.names.learn_dns(address, name, limit);
            }
        }
    }
}

fn strings_of(text: &[u8], intern: &mut impl FnMut(&str) -> Str) -> Str {
    intern(&String::from_utf8_lossy(text.get(..200).unwrap_or(text)))
}

/// Names that say nothing to a person: the root, and those a browser makes up for a candidate of ICE.
fn is_unreadable(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    let made_up = first.len() == 36
        && first.bytes().filter(|b| *b == b'-').count() == 4
        && first.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    first.is_empty() || made_up
}

/// The address of a name under `in-addr.arpa` or `ip6.arpa` (RFC 1035 §3.5, RFC 3596 §2.5).
fn reverse(name: &str) -> Option<IpAddr> {
    let name = name.to_ascii_lowercase();
    if let Some(v4) = name.strip_suffix(".in-addr.arpa") {
        let octets: Vec<&str> = v4.split('.').rev().collect();
        return octets.join(".").parse().ok().filter(|_| octets.len() == 4);
    }
    let nibbles: Vec<&str> = name.strip_suffix(".ip6.arpa")?.split('.').rev().collect();
    if nibbles.len() != 32 || nibbles.iter().any(|n| n.len() != 1) {
        return None;
    }
    let groups: Vec<String> = nibbles.chunks(4).map(|c| c.concat()).collect();
    groups.join(":").parse().ok()
}

#[cfg(test)]
mod tests;
