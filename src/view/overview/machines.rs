//! The machines that speak SIP, with names and roles.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    // By numbers, which are hashed sooner than addresses; nearly all are of IPv4.
    let mut v4: HashMap<u32, u64, foldhash::fast::RandomState> = HashMap::default();
    let mut v6: HashMap<u128, u64, foldhash::fast::RandomState> = HashMap::default();
    for (flow, n) in by_flow.iter().enumerate().filter(|(_, n)| **n > 0) {
        let flow = analysis.flow(crate::correlate::FlowId(flow as u32));
        for end in [flow.src.ip(), flow.dst.ip()] {
            *match end {
                IpAddr::V4(ip) => v4.entry(ip.to_bits()).or_default(),
                IpAddr::V6(ip) => v6.entry(ip.to_bits()).or_default(),
            } += n;
        }
    }
    let v4 = v4.into_iter().map(|(ip, n)| (IpAddr::from(Ipv4Addr::from_bits(ip)), n));
    let v6 = v6.into_iter().map(|(ip, n)| (IpAddr::from(Ipv6Addr::from_bits(ip)), n));
    let mut busiest: Vec<(IpAddr, u64)> = v4.chain(v6).collect();
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
