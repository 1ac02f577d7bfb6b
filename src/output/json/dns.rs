//! `dns_lookups` of the contract.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::Serialize;

use super::value::{Addr, Frame, Millis};
use crate::correlate::Analysis;
use crate::correlate::dns::{DnsData, DnsRecord, LookupIdx};

#[derive(Debug, Serialize)]
struct Lookup<'a> {
    id: u32,
    protocol: &'static str,
    name: Cow<'a, str>,
    r#type: String,
    client: Addr,
    server: Addr,
    transport: &'static str,
    state: &'static str,
    answer: Vec<Record<'a>>,
    /// Of the answer; none where nobody answered.
    rcode: Option<String>,
    /// How often it was asked.
    queries: u32,
    ms: Option<Millis>,
    frame: Frame,
    answer_frame: Option<Frame>,
}

#[derive(Debug, Serialize)]
struct Record<'a> {
    name: Cow<'a, str>,
    r#type: String,
    ttl_s: u32,
    address: Option<IpAddr>,
    /// Of SRV, CNAME, NS and PTR.
    target: Option<Cow<'a, str>>,
    port: Option<u16>,
    priority: Option<u16>,
    weight: Option<u16>,
    text: Option<Cow<'a, str>>,
}

fn record<'a>(analysis: &'a Analysis, r: &DnsRecord) -> Record<'a> {
    let mut out = Record {
        name: analysis.text(r.name),
        r#type: r.kind.to_string(),
        ttl_s: r.ttl,
        address: None,
        target: None,
        port: None,
        priority: None,
        weight: None,
        text: None,
    };
    match r.data {
        DnsData::Address(a) => out.address = Some(a),
        DnsData::Name(n) => out.target = Some(analysis.text(n)),
        DnsData::Srv { priority, weight, port, target } => {
            out.target = Some(analysis.text(target));
            (out.port, out.priority, out.weight) = (Some(port), Some(priority), Some(weight));
        }
        DnsData::Text(t) => out.text = Some(analysis.text(t)),
        DnsData::Other | DnsData::Malformed => {}
    }
    out
}

pub(super) fn lookup<'a>(analysis: &'a Analysis, index: LookupIdx) -> Option<impl Serialize + use<'a>> {
    let l = analysis.dns.lookup(index)?;
    Some(Lookup {
        id: index.0 + 1,
        protocol: l.flavor.name(),
        name: analysis.text(l.name),
        r#type: l.kind.to_string(),
        client: Addr(l.client),
        server: Addr(l.server),
        transport: l.transport.name(),
        state: l.state(),
        answer: l.answer.iter().flat_map(|a| &a.records).map(|r| record(analysis, r)).collect(),
        rcode: l.answer.as_ref().map(|a| a.rcode.to_string()),
        queries: l.queries,
        ms: l.took().map(Millis),
        frame: l.frame.into(),
        answer_frame: l.answer.as_ref().map(|a| a.frame.into()),
    })
}
