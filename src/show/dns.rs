//! DNS look-ups in words.

use callscope_parsers::dns::{Outcome, RCode, RecordType};

use super::{safe_str, shorten};
use crate::correlate::Analysis;
use crate::correlate::dns::{DnsData, DnsRecord, Lookup};

/// Records of an answer that a line tells of.
const RECORDS: usize = 3;
/// Columns of a name.
const NAME: usize = 100;

/// A name out of a message, safe and short.
pub fn name(text: &str) -> String {
    shorten(&safe_str(text), NAME)
}

/// What a look-up asks: `SRV _sip._tls.contoso.com`.
pub fn asked(analysis: &Analysis, lookup: &Lookup) -> String {
    format!("{} {}", lookup.kind, name(&analysis.text(lookup.name)))
}

/// What came back: `fe.contoso.com:5061`, `NXDOMAIN`, `no answer`.
pub fn answered(analysis: &Analysis, lookup: &Lookup) -> String {
    let Some(answer) = &lookup.answer else { return "no answer".to_owned() };
    if answer.rcode != RCode(0) {
        return answer.rcode.to_string();
    }
    let wanted = |r: &&DnsRecord| r.kind == lookup.kind || lookup.kind == RecordType::ANY;
    let found: Vec<&DnsRecord> = answer.records.iter().filter(wanted).collect();
    let records = if found.is_empty() { answer.records.iter().collect() } else { found };
    if records.is_empty() {
        return match answer.outcome {
            Some(Outcome::NoSuchRecord) | None => "no such record".to_owned(),
            Some(outcome) => outcome.title().to_owned(),
        };
    }
    let mut words: Vec<String> = records.iter().take(RECORDS).map(|r| kept(analysis, r)).collect();
    if records.len() > RECORDS {
        words.push(format!("{} more", records.len() - RECORDS));
    }
    words.join(", ")
}

fn kept(analysis: &Analysis, r: &DnsRecord) -> String {
    match r.data {
        DnsData::Address(a) => a.to_string(),
        DnsData::Name(n) if r.kind == RecordType::CNAME => format!("alias {}", name(&analysis.text(n))),
        DnsData::Name(n) | DnsData::Text(n) => name(&analysis.text(n)),
        DnsData::Srv { port, target, .. } => format!("{}:{port}", name(&analysis.text(target))),
        DnsData::Other => r.kind.to_string(),
        DnsData::Malformed => format!("{}, malformed", r.kind),
    }
}
