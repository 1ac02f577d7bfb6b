//! The machines that speak SIP, with names and roles.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::correlate::{Analysis, CallIdx, DialogIdx, MsgIdx, Owner};
use crate::view::{ladder, show};

/// Calls and dialogs looked at to learn who is what, and their first messages.
const SAMPLE: usize = 40;
const SAMPLE_MESSAGES: usize = 60;
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
    let mut by_address: HashMap<IpAddr, u64> = HashMap::new();
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

    let mut known: HashMap<IpAddr, ladder::Lifeline> = HashMap::new();
    for line in ladder::lifelines_of(analysis, &sample(analysis)) {
        let ip = line.address.parse().or_else(|_| line.address.parse().map(|a: std::net::SocketAddr| a.ip()));
        if let Ok(ip) = ip {
            known.entry(ip).or_insert(line);
        }
    }
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

/// Messages of calls and dialogs spread over the whole capture.
fn sample(analysis: &Analysis) -> Vec<MsgIdx> {
    let spread = |n: usize| (0..n.min(SAMPLE)).map(move |i| (i * n / n.min(SAMPLE)) as u32);
    let calls = spread(analysis.calls.len()).map(|c| Owner::Call(CallIdx(c)));
    let dialogs = spread(analysis.dialogs.len()).map(|d| Owner::Dialog(DialogIdx(d)));
    let mut messages = Vec::new();
    for owner in calls.chain(dialogs) {
        let list = match owner {
            Owner::Call(c) => analysis.call(c).messages,
            Owner::Dialog(d) if analysis.dialog(d).messages.count == 0 => continue,
            Owner::Dialog(d) => analysis.dialog(d).messages,
        };
        messages.extend(analysis.messages_of(list).take(SAMPLE_MESSAGES));
    }
    messages.sort_unstable();
    messages
}
