//! TCP connections to SIP servers and relays that do not open: nothing is sent on them, so nothing else tells of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::{Context, Draft, Family, Findings, Rule, Severity, Subject};
use crate::capture::Nanos;
use crate::correlate::gathered::SignInState;
use crate::correlate::ice::IceState;
use crate::correlate::{Opening, SIP_PORTS, Transport};
use crate::show;

pub(super) const FAMILY: Family = Family { title: "Connections", rules: &[&REFUSED, &FILTERED] };

rules! {
    tell;
    REFUSED "connection-refused" Error "a TCP connection to a SIP server or relay is refused",
        "A RST, or an ICMP error, stands in the place of SYN, ACK from port 5060, 5061, 3478 or 5349 (or 443 of a machine that was \
         asked for a relay), and none of the client's attempts there opened. An error where a SIP client got through to no other \
         server either, or a call lacked the relay; a remark where all went well without it, and of one that tries many machines.",
        "RST: nothing listens on that port, or a firewall refuses it in the machine's name. ICMP: see which machine sent the error.",
        "RFC 9293 section 3.5.2; RFC 792";
    FILTERED "connection-unanswered" Error "a TCP connection to a SIP server or relay is not answered",
        "The SYN to such a port was repeated, nothing at all came back for 3 s, and none of the client's attempts there opened. Where \
         SIP of the connection is captured all the same only one direction was captured, and nothing is told.",
        "A firewall drops what goes to that port, or the machine is down: capture at the server to see whether the SYN arrives.",
        "RFC 9293 section 3.8.3";
}

/// So long an answer to a SYN may take.
const PATIENCE: Nanos = 3_000_000_000;
/// Whoever tries so many machines at one port looks for some.
const MANY: usize = 8;
/// Servers told of one client.
const TOLD: usize = 4;

fn is_refused(o: &Opening) -> bool {
    o.refused + o.prohibited > 0
}

fn fits(context: &Context<'_>, rule: &Rule, o: &Opening) -> bool {
    if o.opened > 0 || context.analysis.is_live() {
        return false;
    }
    match rule.id == REFUSED.id {
        true => is_refused(o),
        false => !is_refused(o) && o.unanswered() > 0 && context.goes_on(o.last) >= PATIENCE,
    }
}

fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let all = &context.analysis.openings.list;
    let mut groups: BTreeMap<(IpAddr, bool), Vec<&Opening>> = BTreeMap::new();
    for o in all.iter().filter(|o| fits(context, rule, o)) {
        groups.entry((o.client, SIP_PORTS.contains(&o.server.port()))).or_default().push(o);
    }
    if groups.is_empty() {
        return;
    }
    // Connections that carry SIP are open, whatever of their beginning is captured; and who speaks SIP is well.
    let mut carried: BTreeSet<(IpAddr, SocketAddr)> = BTreeSet::new();
    let mut speaks: BTreeSet<IpAddr> = BTreeSet::new();
    for r in &context.analysis.messages {
        let flow = context.analysis.flow(r.flow);
        if flow.transport != Transport::Udp {
            carried.extend([(flow.src.ip(), flow.dst), (flow.dst.ip(), flow.src)]);
        }
        speaks.extend([flow.src.ip(), flow.dst.ip()]);
    }
    for ((client, sip), mut group) in groups {
        group.retain(|o| !carried.contains(&(o.client, o.server)));
        let Some(first) = group.first().copied() else { continue };
        let servers: BTreeSet<IpAddr> = group.iter().map(|o| o.server.ip()).collect();
        let opens =
            |o: &&Opening| o.client == client && o.opened > 0 && SIP_PORTS.contains(&o.server.port()) == sip;
        let severity = if servers.len() >= MANY {
            Severity::Info
        } else if sip {
            let well = speaks.contains(&client) || all.iter().any(|o| opens(&o));
            if well { Severity::Info } else { Severity::Error }
        } else {
            relay_severity(context, client, all.iter().any(|o| opens(&o)))
        };
        out.add(rule, Subject::Capture(first.frame.capture.0), (client, sip), |f| {
            f.severity(severity);
            describe(context, rule, f, &group, sip);
            match sip {
                true => concern_sign_ins(context, client, f),
                false => concern_sessions(context, client, f),
            }
        });
    }
}

/// The sign-ins of a machine that were sent elsewhere, and did not come there.
fn concern_sign_ins(context: &Context<'_>, client: IpAddr, f: &mut Draft) {
    for (row, s) in (0u32..).zip(context.gathered().sign_ins()) {
        if s.client.ip() == client && s.state == SignInState::Rejected && matches!(s.status, 301 | 302) {
            f.concern(Subject::SignIn(row));
        }
    }
}

/// The sessions of a machine that found no path.
fn concern_sessions(context: &Context<'_>, client: IpAddr, f: &mut Draft) {
    for (id, s) in context.sessions().suspects.iter().filter(|(_, s)| s.state == IceState::Failed) {
        if s.candidates().flat_map(|c| [c.address, c.related]).flatten().any(|a| a.ip() == client) {
            f.concern(Subject::IceSession(*id));
            s.call.iter().for_each(|c| _ = f.concern(Subject::Call(*c)));
        }
    }
}

/// How bad it is that a machine did not get to a relay over TCP.
fn relay_severity(context: &Context<'_>, client: IpAddr, opened: bool) -> Severity {
    let granted = || {
        context.analysis.stun.allocations.iter().any(|a| a.client.ip() == client && a.allocated_at.is_some())
    };
    if context.sessions().lacks(client) {
        Severity::Error
    } else if opened || context.sessions().is_well(client) || granted() {
        Severity::Info
    } else {
        Severity::Warning
    }
}

fn describe(context: &Context<'_>, rule: &Rule, f: &mut Draft, group: &[&Opening], sip: bool) {
    let analysis = context.analysis;
    let Some(first) = group.first() else { return };
    let name = |at: SocketAddr| {
        show::machine(analysis, at)
            .map_or_else(|| show::address(at), |name| format!("{name} ({})", show::address(at)))
    };
    let client = SocketAddr::new(first.client, 0);
    let client = show::machine(analysis, client).unwrap_or_else(|| first.client.to_string());
    let mut servers: Vec<String> = group.iter().take(TOLD).map(|o| name(o.server)).collect();
    let more = group.len().saturating_sub(TOLD);
    if more > 0 {
        servers.push(format!("{} more", show::number(more as u64)));
    }
    let kind = if sip { "SIP" } else { "relay" };
    let how = if rule.id == REFUSED.id { refusal(first) } else { "the SYN gets no answer".to_owned() };
    f.who(client).what(format!("no {kind} connection to {}: {how}", servers.join(", ")));
    f.brief(format!("{} cannot be reached over TCP: {how}", name(first.server)));
    for o in group.iter().take(TOLD) {
        let tries = show::count(u64::from(o.tries), "attempt", "attempts");
        let last = show::span(o.last.saturating_sub(o.time));
        // Those behind the first are repetitions where it tried once.
        let again = o.syns > o.tries;
        let syns = if again { format!(" ({} SYNs)", show::number(u64::from(o.syns))) } else { String::new() };
        f.say(format!(
            "{tries}{syns} to open a connection to {} within {last}; none opened.",
            name(o.server)
        ));
        f.show_at(o.frame, o.time, "SYN");
        if again {
            let text = if o.tries == 1 { "SYN again" } else { "SYN" };
            o.later.iter().for_each(|(frame, time)| _ = f.show_at(*frame, *time, text));
        }
        if let Some((frame, time)) = o.refusal {
            f.show_at(frame, time, "RST");
        }
        if let Some((kind, by, frame, time)) = o.error {
            f.show_at(frame, time, show::breakage_by(kind, by));
        }
    }
}

/// `refused (RST)`, `ICMP host unreachable from 10.0.0.1`.
fn refusal(o: &Opening) -> String {
    match o.error.filter(|_| o.refused == 0) {
        Some((kind, by, ..)) => show::breakage_by(kind, by),
        None => "refused (RST)".to_owned(),
    }
}
