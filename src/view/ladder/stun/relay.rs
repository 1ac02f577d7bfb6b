//! Rows of allocations: the rounds that make them, what is asked of them later, and Bindings by which a client learns its
//! address.

use std::collections::{BTreeMap, HashSet};

use callscope_parsers::stun::{Class, MessageType, Method, StunScan, scan_stun, words};

use super::super::traffic::CallTraffic;
use super::super::{LadderRow, Tone};
use super::ends::Ends;
use super::{Canvas, Line};
use crate::capture::Nanos;
use crate::correlate::stun::{Allocation, AllocationIdx, StunIdx, StunRecord, stun_flag};
use crate::correlate::{FlowId, Transport};
use crate::view::packets::stun as lines;
use crate::view::show;

/// Messages of one allocation that become rows.
const MESSAGES: usize = 2_000;

pub fn draw(canvas: &mut Canvas<'_>, ends: &mut Ends<'_>, leg: usize, traffic: &CallTraffic) {
    for &at in &traffic.allocations {
        allocation(canvas, ends, leg, at);
    }
    if traffic.allocations_not_kept > 0
        && let Some(a) =
            traffic.allocations.last().and_then(|a| canvas.analysis.stun.allocations.get(a.0 as usize))
    {
        let n = traffic.allocations_not_kept as u64;
        let text = format!("{} not drawn", show::count(n, "more allocation is", "more allocations are"));
        canvas.rows.push(LadderRow::Note { time: a.first, text });
    }
    bindings(canvas, ends, leg, &traffic.bindings);
}

/// What a message of an allocation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// Allocate until it is granted, and whatever went wrong.
    Rounds,
    Refresh,
    Release,
    Method(Method),
}

fn allocation(canvas: &mut Canvas<'_>, ends: &mut Ends<'_>, leg: usize, at: AllocationIdx) {
    let analysis = canvas.analysis;
    let Some(a) = analysis.stun.allocations.get(at.0 as usize) else { return };
    let client = ends.client(a.client);
    let server = ends.server(a.server.ip(), "TURN server", client);
    // Runs of what is asked later, one each, in the order they begin.
    let mut runs: Vec<(About, Vec<(StunIdx, StunRecord)>)> = Vec::new();
    let mut refused: BTreeMap<u32, u16> = BTreeMap::new();
    let mut sent: Vec<((u32, FlowId, u16), usize)> = Vec::new();
    for index in analysis.stun.messages_of(at).take(MESSAGES) {
        let Some(r) = analysis.stun.record(index).copied() else { continue };
        if r.has(stun_flag::DUPLICATE) {
            continue;
        }
        if MessageType(r.kind).split(r.dialect()).0 == Class::Error {
            refused.insert(r.transaction, r.error);
        }
        match about(a, &r) {
            About::Rounds => {
                // Answers to repeated requests come again as well.
                let key = (r.transaction, r.flow, r.kind);
                if !canvas.unfold
                    && let Some((_, row)) = sent.iter().find(|(known, _)| *known == key)
                    && let Some(LadderRow::Arrow { retransmissions, .. }) = canvas.rows.get_mut(*row)
                {
                    *retransmissions += 1;
                    continue;
                }
                sent.push((key, canvas.rows.len()));
                let line = line(canvas, a, index, &r, [client, server], leg);
                if canvas.take() {
                    canvas.rows.push(line.row());
                }
            }
            about => match runs.iter_mut().find(|(known, _)| *known == about) {
                Some((_, list)) => list.push((index, r)),
                None => runs.push((about, vec![(index, r)])),
            },
        }
    }
    for u in a.rounds.iter().filter(|r| r.response.is_none()).filter_map(|r| r.request) {
        if let Some(u) = analysis.stun.record(u).and_then(|r| analysis.unreachable(r))
            && canvas.take()
        {
            let line = Line {
                time: u.time,
                frame: u.frame,
                from: server,
                to: client,
                label: format!("{} from {}", show::unreachable(&u), u.by),
                tone: Tone::Failure,
                leg,
            };
            canvas.rows.push(line.row());
        }
    }
    for (about, list) in runs {
        run(canvas, a, about, &list, &refused, [client, server], leg);
    }
}

fn about(a: &Allocation, r: &StunRecord) -> About {
    let (class, method) = MessageType(r.kind).split(r.dialect());
    // Errors are to be seen, but those that only ask for the newest nonce.
    if class == Class::Error && !matches!(r.error, 401 | 438) {
        return About::Rounds;
    }
    match method {
        Method::ALLOCATE if a.allocated_at.is_none_or(|t| r.time <= t) => About::Rounds,
        Method::ALLOCATE | Method::REFRESH => {
            let round = a.rounds.iter().find(|x| x.transaction == r.transaction);
            if round.is_some_and(|x| x.release) { About::Release } else { About::Refresh }
        }
        method => About::Method(method),
    }
}

fn run(
    canvas: &mut Canvas<'_>,
    a: &Allocation,
    about: About,
    list: &[(StunIdx, StunRecord)],
    refused: &BTreeMap<u32, u16>,
    ends: [usize; 2],
    leg: usize,
) {
    let mut asked: HashSet<u32> = HashSet::new();
    let mut answered: HashSet<u32> = HashSet::new();
    let mut told = 0;
    for (_, r) in list {
        match MessageType(r.kind).split(r.dialect()).0 {
            Class::Request => {
                asked.insert(r.transaction);
            }
            Class::Success => {
                answered.insert(r.transaction);
            }
            Class::Indication => told += 1,
            Class::Error => {}
        }
    }
    let mut rows = Vec::new();
    for (index, r) in list {
        if !canvas.take() {
            break;
        }
        rows.push(line(canvas, a, *index, r, ends, leg).row());
    }
    if asked.len() + told < 2 && list.len() <= 4 {
        canvas.rows.append(&mut rows);
        return;
    }
    let name = match about {
        // Microsoft's TURN has no Refresh: another Allocate prolongs what there is ([MS-TURN]).
        About::Refresh | About::Rounds => {
            let methods = || list.iter().map(|(_, r)| MessageType(r.kind).split(r.dialect()).1);
            if methods().any(|m| m == Method::REFRESH) { "Refresh" } else { "Allocate" }
        }
        About::Release => "Release",
        About::Method(method) => method.name().unwrap_or("request"),
    };
    let n = asked.len() + told;
    let mut label = if n == 1 { name.to_owned() } else { format!("{n} × {name}") };
    // A Send request without answer is normal.
    let silent = matches!(about, About::Method(Method::SEND | Method::DATA));
    if !silent && !asked.is_empty() {
        let good = answered.intersection(&asked).count();
        let codes: Vec<u16> = asked.iter().filter_map(|t| refused.get(t)).copied().collect();
        label.push_str(&outcome(asked.len(), good, codes));
    }
    canvas.fold(ends[0], ends[1], label, Tone::Stun, rows);
}

/// `, all answered`, `, 1 answered, 2 refused (403, 438)`.
fn outcome(mut asked: usize, good: usize, mut codes: Vec<u16>) -> String {
    if good > 0 {
        // Asked again with the newest nonce, and granted: a challenge is no refusal.
        let all = codes.len();
        codes.retain(|code| !matches!(code, 401 | 438));
        asked -= (all - codes.len()).min(asked);
    }
    let bad = codes.len();
    if bad == 0 {
        return answers(asked, good);
    }
    codes.sort_unstable();
    codes.dedup();
    let codes: Vec<String> = codes.iter().take(4).map(u16::to_string).collect();
    let refused = match bad {
        1 if asked == 1 => "refused".to_owned(),
        n if n == asked => "all refused".to_owned(),
        n => format!("{n} refused"),
    };
    let good = if good == 0 { String::new() } else { format!(", {good} answered") };
    format!("{good}, {refused} ({})", codes.join(", "))
}

/// `, all answered`.
pub fn answers(asked: usize, answered: usize) -> String {
    match answered {
        0 if asked == 1 => ", no answer".to_owned(),
        a if a == asked && a == 1 => ", answered".to_owned(),
        a if a == asked => ", all answered".to_owned(),
        0 => ", none answered".to_owned(),
        a => format!(", {a} answered"),
    }
}

fn line(
    canvas: &mut Canvas<'_>,
    a: &Allocation,
    index: StunIdx,
    r: &StunRecord,
    [client, server]: [usize; 2],
    leg: usize,
) -> Line {
    let analysis = canvas.analysis;
    let to_client = analysis.flow(r.flow).dst == a.client;
    let (class, method) = MessageType(r.kind).split(r.dialect());
    let bytes = if canvas.reads > 0 { analysis.stores.read(r.bytes()).ok() } else { None };
    canvas.reads = canvas.reads.saturating_sub(1);
    let scan = bytes.as_deref().and_then(|b| scan_stun(b, Some(a.dialect)));
    let mut tone = match class {
        Class::Success => Tone::Success,
        Class::Error if matches!(r.error, 300..=399 | 401 | 438) => Tone::Redirect,
        Class::Error => Tone::Failure,
        Class::Request | Class::Indication => Tone::Stun,
    };
    let name = method.name().unwrap_or("request");
    let mut label = match (class, method) {
        (Class::Request, Method::ALLOCATE) => {
            let round = a.rounds.iter().find(|x| x.request == Some(index) || x.transaction == r.transaction);
            let over = if a.transport == Transport::Udp { "" } else { " over TCP" };
            if round.is_some_and(|x| x.response.is_none()) && waited(canvas, r.time) {
                tone = Tone::Failure;
                format!("Allocate{over}, no answer")
            } else {
                format!("Allocate{over}")
            }
        }
        (Class::Success, Method::ALLOCATE) => granted(a, scan.as_ref()),
        (Class::Success, _) => format!("{name} answered"),
        (Class::Error, _) => {
            let words = words::error_words(r.error, r.dialect()).map_or("", |(name, _)| name);
            let told =
                scan.as_ref().and_then(lines::error_text).unwrap_or_else(|| format!("{} {words}", r.error));
            let of = if method == Method::ALLOCATE { "" } else { name };
            let text = if r.error == 401 { "401".to_owned() } else { told };
            format!("{of} {text}").trim().to_owned()
        }
        _ => scan.as_ref().map_or_else(|| name.to_owned(), asked),
    };
    if class == Class::Error
        && let Some(scan) = &scan
    {
        if let Some(realm) = scan.realm().filter(|_| r.error == 401) {
            label.push_str(&format!(" realm={}", show::shorten(&show::safe(realm), 32)));
        }
        if let Some(server) = scan.alternate_server().filter(|_| (300..400).contains(&r.error)) {
            label.push_str(&format!(", ask {server}"));
        }
    }
    let (from, to) = if to_client { (server, client) } else { (client, server) };
    Line { time: r.time, frame: r.frame(), from, to, label, tone, leg }
}

/// Had a request time to be answered before the capture ended?
fn waited(canvas: &Canvas<'_>, time: Nanos) -> bool {
    canvas.analysis.newest_time().saturating_sub(time) > 1_000_000_000
}

/// `Allocated relay 213.199.141.181:57309 mapped 84.155.254.180:50033`: first what was asked for.
fn granted(a: &Allocation, scan: Option<&StunScan<'_>>) -> String {
    let mapped = scan.and_then(StunScan::mapped).or(a.mapped);
    let relayed = scan.and_then(StunScan::relayed).or(a.relayed);
    let mut out = "Allocated".to_owned();
    for (word, address) in [("relay", relayed), ("mapped", mapped)] {
        if let Some(address) = address {
            out.push_str(&format!(" {word} {address}"));
        }
    }
    out
}

/// A request of a granted allocation, without the user every one of them names.
fn asked(scan: &StunScan<'_>) -> String {
    let text = lines::line(scan);
    let mut text = text.replacen(" Request", "", 1);
    if let Some(user) = lines::user_text(scan) {
        text = text.replacen(&format!(" user {user}"), "", 1);
    }
    text
}

/// Bindings of one client at one server.
struct Asking {
    ends: [usize; 2],
    lines: Vec<Line>,
    requests: usize,
    answered: HashSet<u32>,
}

/// Bindings of each client at each server: the first with its answer, then all others as one line.
fn bindings(canvas: &mut Canvas<'_>, ends: &mut Ends<'_>, leg: usize, list: &[StunIdx]) {
    let analysis = canvas.analysis;
    let mut pairs: Vec<Asking> = Vec::new();
    for &index in list {
        let Some(r) = analysis.stun.record(index).copied().filter(|r| !r.has(stun_flag::DUPLICATE)) else {
            continue;
        };
        let class = MessageType(r.kind).split(r.dialect()).0;
        let flow = analysis.flow(r.flow);
        let (client, server) = if class.is_response() { (flow.dst, flow.src) } else { (flow.src, flow.dst) };
        let client = ends.client(client);
        let server = ends.server(server.ip(), "STUN server", client);
        let mapped =
            analysis.stun.mapped.get(&flow.dst).filter(|_| class == Class::Success).map(|m| m.mapped);
        let (label, tone) = match class {
            Class::Success => {
                (mapped.map_or("Binding answered".to_owned(), |m| format!("mapped {m}")), Tone::Success)
            }
            Class::Error => (format!("Binding {}", r.error), Tone::Failure),
            Class::Request | Class::Indication => ("Binding".to_owned(), Tone::Stun),
        };
        let (from, to) = if class.is_response() { (server, client) } else { (client, server) };
        if !canvas.take() {
            break;
        }
        let line = Line { time: r.time, frame: r.frame(), from, to, label, tone, leg };
        let ends = [client, server];
        let at = pairs.iter().position(|p| p.ends == ends).unwrap_or_else(|| {
            pairs.push(Asking { ends, lines: Vec::new(), requests: 0, answered: HashSet::new() });
            pairs.len() - 1
        });
        let asking = &mut pairs[at];
        asking.lines.push(line);
        match class {
            Class::Request if !r.has(stun_flag::RETRANSMISSION) => asking.requests += 1,
            Class::Success | Class::Error => {
                asking.answered.insert(r.transaction);
            }
            _ => {}
        }
    }
    for Asking { ends: [client, server], lines, requests, answered } in pairs {
        let mapped = lines.iter().find(|l| l.label.starts_with("mapped ")).map(|l| l.label.clone());
        let rows: Vec<LadderRow> = lines.into_iter().map(Line::row).collect();
        if rows.len() <= 2 {
            canvas.rows.extend(rows);
            continue;
        }
        let mapped = mapped.map_or_else(String::new, |m| format!(" {m}"));
        let label = match requests {
            0 | 1 => format!("Binding{mapped}"),
            n => format!("{n} × Binding{}{mapped}", answers(n, answered.len().min(n))),
        };
        canvas.fold(client, server, label, Tone::Stun, rows);
    }
}

#[cfg(test)]
mod tests {
    use super::outcome;

    #[test]
    fn what_was_refused_is_not_called_unanswered() {
        assert_eq!(outcome(3, 0, vec![438, 401, 401]), ", all refused (401, 438)");
        assert_eq!(outcome(2, 0, vec![403, 403]), ", all refused (403)");
        assert_eq!(outcome(3, 1, vec![403]), ", 1 answered, 1 refused (403)");
        assert_eq!(outcome(1, 0, vec![437]), ", refused (437)");
        assert_eq!(outcome(2, 0, vec![]), ", none answered");
        // A nonce that had grown old.
        assert_eq!(outcome(2, 1, vec![438]), ", answered");
        assert_eq!(outcome(4, 3, vec![438]), ", all answered");
    }
}
