//! The machines that speak SIP, with names and roles.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::correlate::Analysis;
use crate::view::{ladder, show};

/// Machines told by name.
const TOLD: usize = 12;

/// The busiest first: `Front End 10.10.0.5`, `Alice 192.168.100.112 (client)`, then how many more.
pub fn machines(analysis: &Analysis) -> Vec<String> {
    let mut by_flow: Vec<u64> = Vec::new();
    for message in &analysis.messages {
        let at = message.flow.0 as usize;
        if by_flow.len() <= at {
            by_flow.resize(at + 1, 0);
        }
        by_flow[at] += 1;
    }
    // Most machines speak in both directions.
    let speak = by_flow.iter().filter(|n| **n > 0).count() / 2;
    let mut by_address: HashMap<IpAddr, u64, foldhash::fast::RandomState> =
        HashMap::with_capacity_and_hasher(speak, Default::default());
    for (flow, n) in by_flow.iter().enumerate().filter(|(_, n)| **n > 0) {
        let flow = analysis.flow(crate::correlate::FlowId(flow as u32));
        for end in [flow.src.ip(), flow.dst.ip()] {
            *by_address.entry(end).or_default() += n;
        }
    }
    let mut busiest: Vec<(IpAddr, u64)> = by_address.into_iter().collect();
    let more = busiest.len().saturating_sub(TOLD);
    let key = |&(ip, n): &(IpAddr, u64)| (std::cmp::Reverse(n), ip);
    if more > 0 {
        busiest.select_nth_unstable_by_key(TOLD, key);
        busiest.truncate(TOLD);
    }
    busiest.sort_unstable_by_key(key);

    let known = ladder::machines_known(analysis);
    let mut out: Vec<String> = busiest.iter().map(|(ip, _)| machine(analysis, *ip, known.get(ip))).collect();
    if more > 0 {
        out.push(format!("{} more", show::number(more as u64)));
    }
    out
}

fn machine(analysis: &Analysis, ip: IpAddr, line: Option<&ladder::Lifeline>) -> String {
    let Some(line) = line else {
        return match analysis.host_name(ip) {
            Some(name) => format!("{} {ip}", show::safe_str(name)),
            None => ip.to_string(),
        };
    };
    let name = if line.name == line.address { String::new() } else { format!("{} ", line.name) };
    match line.role.as_deref().filter(|r| *r != line.name) {
        Some(role) => format!("{name}{ip} ({role})"),
        None => format!("{name}{ip}"),
    }
}
