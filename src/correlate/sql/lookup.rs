//! Look-ups: a question with its repeats, what answered it, and the connection that followed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use callscope_parsers::sqlr::{
    Pattern, ProtocolKind, RequestKind, ResponseBody, SqlrMessage, Value, code_page_1252, parse_sqlr,
};
use hashbrown::HashMap;

use super::connection::DEFAULT_PORT;
use super::{Analysis, SqlConnection, SqlrRecord, Verdict};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::model::*;

/// A question asked again within so long is a repeat.
const REPEAT: Nanos = 20_000_000_000;
/// So long after a question its answer may come.
const LATE: Nanos = 60_000_000_000;
/// So long after an answer a connection may follow it.
const FOLLOWS: Nanos = 60_000_000_000;
/// Look-ups asked at once share the connection that comes so soon.
const AT_ONCE: Nanos = 3_000_000_000;
/// A 5xx so soon after a look-up began or failed may have come of it.
const SAME_SECONDS: Nanos = 5_000_000_000;
/// Questions for lists from one machine within [`BURST_TIME`] that are an attack on another.
const BURST: usize = 100;
const BURST_TIME: Nanos = 10_000_000_000;
/// Named pipes are opened over SMB, by itself or over NetBIOS.
const PIPE_PORTS: [u16; 2] = [445, 139];
/// Kept of one look-up.
const ISSUES: usize = 16;
/// Look-ups of one client that are tried for what follows.
const LOOK_BACK: usize = 64;
const INSTANCES: usize = 4_096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LookupState {
    Answered,
    Unanswered,
    /// An ICMP error came back.
    Unreachable,
    Malformed,
}

impl LookupState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unanswered => "unanswered",
            Self::Unreachable => "unreachable",
            Self::Malformed => "malformed",
        }
    }
}

/// An instance of an answer. Texts are as read by code page 1252.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Who told it, and where.
    pub from: IpAddr,
    pub frame: FrameRef,
    pub server: Option<String>,
    pub name: Option<String>,
    pub clustered: Option<bool>,
    pub version: Option<String>,
    pub tcp: Option<u16>,
    pub pipe: Option<String>,
    /// Other protocols and unknown keys.
    pub other: BTreeMap<String, String>,
    /// Every port it was told to have in this capture, where they differ.
    pub ports_seen: Vec<u16>,
}

/// A look-up; without question where a connection came with none, or an answer whose question is not there.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub kind: Option<RequestKind>,
    pub client: SocketAddr,
    /// Where it was asked; of a connection, what it went to.
    pub server: SocketAddr,
    pub instance: Option<String>,
    pub requests: u32,
    pub start: Nanos,
    pub last_request: Nanos,
    /// First frame.
    pub frame: FrameRef,
    /// First answer.
    pub answer: Option<(FrameRef, Nanos)>,
    /// From the last question before it to the first answer.
    pub wait: Option<Nanos>,
    pub state: LookupState,
    pub pattern: Option<Pattern>,
    /// Positions in [`super::Sql::records`] and [`super::Sql::errors`].
    pub records: Vec<u32>,
    pub errors: Vec<u32>,
    pub answers: u32,
    /// Other machines than the one asked that answered.
    pub others: Vec<IpAddr>,
    pub instances: Vec<Instance>,
    /// Of the administrator's connection.
    pub dac_port: Option<u16>,
    /// What is wrong with its messages.
    pub issues: Vec<(FrameRef, String)>,
    /// Microsoft's clients drop the answer for its size.
    pub dropped: bool,
    /// Positions in [`super::Sql::connections`], in order.
    pub connections: Vec<u32>,
    pub verdict: Verdict,
    /// Answers 5xx of the client in the same seconds.
    pub sip: Vec<MsgIdx>,
    malformed_answers: u32,
    malformed_question: bool,
}

impl Lookup {
    fn new(r: &SqlrRecord, client: SocketAddr, server: SocketAddr) -> Self {
        Self {
            kind: r.question,
            client,
            server,
            instance: None,
            requests: 0,
            start: r.time,
            last_request: r.time,
            frame: r.frame,
            answer: None,
            wait: None,
            state: LookupState::Unanswered,
            pattern: r.pattern,
            records: Vec::new(),
            errors: Vec::new(),
            answers: 0,
            others: Vec::new(),
            instances: Vec::new(),
            dac_port: None,
            issues: Vec::new(),
            dropped: false,
            connections: Vec::new(),
            verdict: Verdict::NoConnection,
            sip: Vec::new(),
            malformed_answers: 0,
            malformed_question: r.malformed,
        }
    }

    fn of_connection(c: &SqlConnection, at: u32) -> Self {
        Self {
            kind: None,
            client: c.client,
            server: c.server,
            instance: c.facts().and_then(|f| f.client.as_ref()?.instance.clone()),
            requests: 0,
            start: c.time,
            last_request: c.time,
            frame: c.frame,
            answer: None,
            wait: None,
            state: LookupState::Unanswered,
            pattern: None,
            records: Vec::new(),
            errors: Vec::new(),
            answers: 0,
            others: Vec::new(),
            instances: Vec::new(),
            dac_port: None,
            issues: Vec::new(),
            dropped: false,
            connections: vec![at],
            verdict: Verdict::Connected,
            sip: Vec::new(),
            malformed_answers: 0,
            malformed_question: false,
        }
    }

    /// Is it only a connection, without question or answer?
    pub fn is_connection(&self) -> bool {
        self.records.is_empty()
    }

    /// Ports that the answer names: of the instance asked for, else of all.
    pub fn ports(&self) -> Vec<u16> {
        if let Some(port) = self.dac_port {
            return vec![port];
        }
        self.asked_for().filter_map(|i| i.tcp).collect()
    }

    /// The instances that the question is about.
    pub fn asked_for(&self) -> impl Iterator<Item = &Instance> {
        let wanted = self.instance.as_deref().filter(|_| self.kind == Some(RequestKind::UnicastInstance));
        self.instances.iter().filter(move |i| {
            wanted.is_none_or(|w| i.name.as_deref().is_none_or(|n| n.eq_ignore_ascii_case(w)))
        })
    }

    /// Whether a connection to this port may go to the named pipe of an instance that has no other way in.
    pub(super) fn takes_pipe(&self, port: u16) -> bool {
        PIPE_PORTS.contains(&port)
            && self.asked_for().any(|i| i.pipe.is_some())
            && self.asked_for().all(|i| i.tcp.is_none())
    }

    fn is_host(&self, host: IpAddr) -> bool {
        self.server.ip() == host
            || self.instances.iter().any(|i| i.from == host)
            || self.others.contains(&host)
    }

    /// When what follows may begin.
    fn known(&self) -> Nanos {
        self.answer.map_or(self.start, |(_, t)| t)
    }
}

/// A question that repeats are told by.
type Question = (SocketAddr, SocketAddr, RequestKind, u64);

impl Analysis {
    /// Look-ups, and connections that came without one, in order of time.
    pub(in crate::correlate) fn lookups(&self) -> Vec<Lookup> {
        if self.sql.is_empty() {
            return Vec::new();
        }
        let mut all: Vec<Lookup> = Vec::new();
        let mut by_question: HashMap<Question, usize> = HashMap::new();
        let mut by_client: HashMap<SocketAddr, Vec<usize>> = HashMap::new();
        for (at, r) in (0u32..).zip(&self.sql.records) {
            let found = match r.question {
                Some(kind) => {
                    // A worm asks everybody: one row for each machine that has it.
                    let hostile = r.pattern.is_some();
                    let server = if hostile { SocketAddr::new(r.src.ip(), 0) } else { r.dst };
                    let key = (r.src, server, kind, if hostile { 0 } else { r.name });
                    let near = |l: &Lookup| r.time.saturating_sub(l.last_request) <= REPEAT;
                    let known = by_question.get(&key).copied();
                    match known.filter(|i| all.get(*i).is_some_and(near)) {
                        Some(i) => i,
                        None => {
                            let i = all.len();
                            all.push(Lookup::new(r, r.src, r.dst));
                            by_question.insert(key, i);
                            by_client.entry(r.src).or_default().push(i);
                            i
                        }
                    }
                }
                None => {
                    let asked = by_client.get(&r.dst).map_or(&[][..], Vec::as_slice);
                    match answered_by(&all, asked, r, self) {
                        Some(i) => i,
                        None => {
                            let i = all.len();
                            all.push(Lookup::new(r, r.dst, r.src));
                            by_client.entry(r.dst).or_default().push(i);
                            i
                        }
                    }
                }
            };
            if let Some(lookup) = all.get_mut(found) {
                self.take(lookup, at, r);
            }
        }
        for (at, e) in (0u32..).zip(&self.sql.errors) {
            let asked = by_client.get(&e.client).map_or(&[][..], Vec::as_slice);
            let fits = |l: &Lookup| l.server.ip() == e.server.ip() && l.start <= e.time;
            if let Some(&i) = asked.iter().rev().take(LOOK_BACK).find(|i| all.get(**i).is_some_and(fits))
                && let Some(lookup) = all.get_mut(i)
            {
                lookup.errors.push(at);
            }
        }
        for lookup in &mut all {
            lookup.state = state_of(lookup);
        }
        self.join_connections(&mut all);
        ports_that_change(&mut all);
        let floods = floods(&self.sql.records);
        for lookup in &mut all {
            let flood = lookup.kind.is_some() && floods.contains(&lookup.client.ip());
            lookup.verdict = Verdict::of(self, lookup, flood);
        }
        self.join_sip(&mut all);
        all.sort_by_key(|l| (l.start, l.frame));
        all
    }

    /// Adds a message to its look-up.
    fn take(&self, lookup: &mut Lookup, at: u32, r: &SqlrRecord) {
        lookup.records.push(at);
        let first_answer = r.question.is_none() && lookup.answer.is_none();
        let seldom = lookup.records.len() <= 64;
        if r.question.is_some() {
            lookup.requests = lookup.requests.saturating_add(1);
            lookup.last_request = r.time;
            if lookup.requests > 1 {
                return;
            }
        } else {
            lookup.answers = lookup.answers.saturating_add(1);
            lookup.malformed_answers += u32::from(r.malformed);
            if first_answer {
                lookup.answer = Some((r.frame, r.time));
                lookup.wait =
                    (lookup.requests > 0).then(|| r.time.saturating_sub(lookup.last_request).max(0));
            }
            if r.src.ip() != lookup.server.ip() && !lookup.others.contains(&r.src.ip()) && seldom {
                lookup.others.push(r.src.ip());
            }
        }
        let Ok(bytes) = self.stores.read(r.bytes) else { return };
        let Some(read) = parse_sqlr(&bytes) else { return };
        if !r.cut {
            for issue in &read.issues {
                let told = (r.frame, issue.text.to_string());
                if lookup.issues.len() < ISSUES && !lookup.issues.iter().any(|(_, t)| *t == told.1) {
                    lookup.issues.push(told);
                }
            }
        }
        match &read.message {
            SqlrMessage::Request(q) => lookup.instance = q.instance.as_ref().map(Value::text),
            SqlrMessage::Response(response) => {
                lookup.dropped |= lookup.kind.is_some_and(|k| response.is_dropped_by_clients(k));
                match &response.body {
                    ResponseBody::Dac { port, .. } => lookup.dac_port = port.or(lookup.dac_port),
                    ResponseBody::Instances(instances) => {
                        for i in instances {
                            let told = instance(i, r);
                            let same = |k: &Instance| {
                                (k.from, &k.server, &k.name, k.tcp, &k.pipe)
                                    == (told.from, &told.server, &told.name, told.tcp, &told.pipe)
                            };
                            // Repeats of an answer say nothing new.
                            let repeat = lookup.answers > 1
                                && lookup.instances.iter().any(|k| k.frame != told.frame && same(k));
                            if lookup.instances.len() < INSTANCES && !repeat {
                                lookup.instances.push(told);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Gives each connection to the look-up it followed; the rest are rows of their own.
    fn join_connections(&self, all: &mut Vec<Lookup>) {
        let mut by_client: HashMap<IpAddr, Vec<usize>> = HashMap::new();
        for (i, l) in all.iter().enumerate() {
            by_client.entry(l.client.ip()).or_default().push(i);
        }
        let mut ports: BTreeSet<(IpAddr, u16)> = BTreeSet::new();
        for l in all.iter() {
            ports.extend(l.instances.iter().filter_map(|i| Some((i.from, i.tcp?))));
            ports.extend(l.dac_port.map(|p| (l.server.ip(), p)));
        }
        let mut loose = Vec::new();
        for (at, c) in (0u32..).zip(&self.sql.connections) {
            let asked = by_client.get(&c.client.ip()).map_or(&[][..], Vec::as_slice);
            let near = |l: &Lookup| {
                let after = c.time.saturating_sub(l.known());
                c.time >= l.start && after <= FOLLOWS && l.is_host(c.server.ip())
            };
            let right = |l: &Lookup| near(l) && l.ports().contains(&c.server.port());
            // Only what speaks TDS, or goes to the default instance's port, is taken for a connection elsewhere.
            let speaks = c.tds.is_some() || c.server.port() == DEFAULT_PORT;
            let known_port = ports.contains(&(c.server.ip(), c.server.port()));
            let begun = asked.partition_point(|i| all.get(*i).is_some_and(|l| l.start <= c.time));
            let latest = asked.get(..begun).unwrap_or_default();
            let last = |fits: &dyn Fn(&Lookup) -> bool| {
                latest.iter().rev().take(LOOK_BACK).copied().find(|i| all.get(*i).is_some_and(fits))
            };
            let piped = |l: &Lookup| c.syn_ack.is_some() && near(l) && l.takes_pipe(c.server.port());
            let found = last(&right).or_else(|| last(&piped));
            let found = found.or_else(|| last(&near).filter(|_| speaks || known_port));
            match found {
                Some(i) => {
                    if let Some(l) = all.get_mut(i) {
                        l.connections.push(at);
                    }
                }
                None if speaks || known_port => loose.push(Lookup::of_connection(c, at)),
                None => {}
            }
        }
        self.share_connections(all);
        all.extend(loose);
    }

    /// Clients that ask several times at once open one connection.
    fn share_connections(&self, all: &mut [Lookup]) {
        let mut connected: HashMap<IpAddr, Vec<(Nanos, u32)>> = HashMap::new();
        for &at in all.iter().flat_map(|l| &l.connections) {
            if let Some(c) = self.sql.connections.get(at as usize) {
                connected.entry(c.client.ip()).or_default().push((c.time, at));
            }
        }
        connected.values_mut().for_each(|c| c.sort_unstable());
        for l in all.iter_mut().filter(|l| l.connections.is_empty() && l.answer.is_some()) {
            let (known, ports) = (l.known(), l.ports());
            let of_client = connected.get(&l.client.ip()).map_or(&[][..], Vec::as_slice);
            let from = of_client.partition_point(|(time, _)| *time < known);
            let soon = of_client.get(from..).unwrap_or_default().iter();
            let mut soon = soon.take_while(|(time, _)| time.saturating_sub(known) <= AT_ONCE).take(LOOK_BACK);
            let fits = |at: u32| {
                let to = self.sql.connections.get(at as usize).map(|c| c.server);
                to.is_some_and(|s| l.is_host(s.ip()) && ports.contains(&s.port()))
            };
            if let Some(&(_, at)) = soon.find(|(_, at)| fits(*at)) {
                l.connections.push(at);
            }
        }
    }

    /// Finds the 5xx answers of machines whose look-ups came to nothing.
    fn join_sip(&self, all: &mut [Lookup]) {
        let mut failed: HashMap<IpAddr, Vec<usize>> = HashMap::new();
        for (i, l) in all.iter().enumerate().filter(|(_, l)| l.verdict.is_trouble()) {
            failed.entry(l.client.ip()).or_default().push(i);
        }
        if failed.is_empty() {
            return;
        }
        for (m, r) in (0u32..).map(MsgIdx).zip(&self.messages) {
            if !(500..600).contains(&r.status) || r.has(flag::DUPLICATE) {
                continue;
            }
            let Some(lookups) = failed.get(&self.flow(r.flow).src.ip()) else { continue };
            let begun = lookups.partition_point(|i| all.get(*i).is_some_and(|l| l.start <= r.time));
            for &i in lookups.get(..begun).unwrap_or_default().iter().rev().take(LOOK_BACK) {
                if let Some(l) = all.get_mut(i)
                    && r.time <= self.end_of(l).saturating_add(SAME_SECONDS)
                    && l.sip.len() < 64
                {
                    l.sip.push(m);
                }
            }
        }
    }

    /// Is it a 5xx of a machine that asked for SQL Server, or connected to it, in the seconds before?
    pub fn sql_asked_before(&self, m: MsgIdx) -> bool {
        let r = self.message(m);
        if !(500..600).contains(&r.status) || self.sql.is_empty() {
            return false;
        }
        let by = self.flow(r.flow).src.ip();
        let near = |t: Nanos| (0..=LATE).contains(&r.time.saturating_sub(t));
        let end = self.sql.records.partition_point(|q| q.time <= r.time);
        let asked = self.sql.records.get(..end).unwrap_or_default().iter().rev();
        let mut asked = asked.take_while(|q| near(q.time)).filter(|q| q.question.is_some());
        let end = self.sql.connections.partition_point(|c| c.time <= r.time);
        let opened = self.sql.connections.get(..end).unwrap_or_default().iter().rev();
        let mut opened = opened.take_while(|c| near(c.time));
        asked.any(|q| q.src.ip() == by) || opened.any(|c| c.client.ip() == by)
    }

    /// Time of the last thing that belongs to a look-up.
    pub fn end_of(&self, l: &Lookup) -> Nanos {
        let messages = l.records.last().and_then(|r| self.sql.records.get(*r as usize)).map(|r| r.time);
        let connections = l.connections.iter().filter_map(|c| self.sql.connections.get(*c as usize));
        let steps = connections.filter_map(|c| c.steps.last().map(|s| s.time));
        messages.into_iter().chain(steps).fold(l.start, Nanos::max)
    }
}

fn text(value: &Option<Value<'_>>) -> Option<String> {
    value.as_ref().map(Value::text)
}

fn instance(i: &callscope_parsers::sqlr::Instance<'_>, r: &SqlrRecord) -> Instance {
    let known = |k: ProtocolKind| matches!(k, ProtocolKind::Tcp | ProtocolKind::Np);
    let values = |v: &[Value<'_>]| v.iter().map(Value::text).collect::<Vec<_>>().join(";");
    let protocols = i.protocols.iter().filter(|p| !known(p.kind));
    let mut other: BTreeMap<String, String> =
        protocols.map(|p| (p.kind.name().to_owned(), values(&p.values))).collect();
    // A port that is none is shown as written.
    if let Some(p) = i.protocol(ProtocolKind::Tcp)
        && i.tcp_port().is_none()
    {
        other.insert("tcp".to_owned(), values(&p.values));
    }
    other.extend(i.unknown.iter().map(|(k, v)| (k.text(), v.text())));
    Instance {
        from: r.src.ip(),
        frame: r.frame,
        server: text(&i.server),
        name: text(&i.name),
        clustered: i.is_clustered(),
        version: text(&i.version),
        tcp: i.tcp_port(),
        pipe: i.pipe().map(|p| code_page_1252(p.bytes)),
        other,
        ports_seen: Vec::new(),
    }
}

/// The question that an answer is for: asked from its port before it, from this server rather than another, and about
/// what it tells.
fn answered_by(all: &[Lookup], asked: &[usize], r: &SqlrRecord, analysis: &Analysis) -> Option<usize> {
    let open = asked.iter().rev().copied().filter(|&i| {
        all.get(i)
            .is_some_and(|l| l.start <= r.time && r.time.saturating_sub(l.last_request.min(r.time)) <= LATE)
    });
    let mut candidates: Vec<usize> = open.take(16).collect();
    if candidates.len() > 1
        && let Ok(bytes) = analysis.stores.read(r.bytes)
        && let Some(read) = parse_sqlr(&bytes)
        && let SqlrMessage::Response(response) = &read.message
    {
        let dac = matches!(response.body, ResponseBody::Dac { .. });
        let fits = |l: &Lookup| match (l.kind, &l.instance) {
            (Some(RequestKind::UnicastDac), _) => dac,
            (Some(RequestKind::UnicastInstance), Some(name)) => {
                let same = |i: &callscope_parsers::sqlr::Instance<'_>| {
                    i.name.as_ref().is_some_and(|n| n.text().eq_ignore_ascii_case(name))
                };
                !dac && response.instances().iter().any(same)
            }
            _ => !dac,
        };
        // Best first: about what is told and of whom it was asked; else of whom it was asked.
        candidates
            .sort_by_key(|&i| all.get(i).map_or((true, true), |l| (!fits(l), l.server.ip() != r.src.ip())));
    }
    candidates.first().copied()
}

fn state_of(l: &Lookup) -> LookupState {
    match l.answers {
        0 if !l.errors.is_empty() => LookupState::Unreachable,
        0 if l.malformed_question => LookupState::Malformed,
        0 => LookupState::Unanswered,
        n if n == l.malformed_answers => LookupState::Malformed,
        _ => LookupState::Answered,
    }
}

/// Notes with each instance the ports it was told to have, where there were several.
fn ports_that_change(all: &mut [Lookup]) {
    type Name = (Option<String>, Option<String>);
    let name = |i: &Instance| -> Name {
        let upper = |t: &Option<String>| t.as_ref().map(|t| t.to_ascii_uppercase());
        (upper(&i.server), upper(&i.name))
    };
    // An answer may have other ports for the two versions of IP.
    let mut seen: HashMap<(Name, bool), Vec<u16>> = HashMap::new();
    for i in all.iter().flat_map(|l| &l.instances) {
        if let Some(port) = i.tcp {
            let ports = seen.entry((name(i), i.from.is_ipv6())).or_default();
            if !ports.contains(&port) && ports.len() < 16 {
                ports.push(port);
            }
        }
    }
    for i in all.iter_mut().flat_map(|l| &mut l.instances) {
        if let Some(ports) = seen.get(&(name(i), i.from.is_ipv6())).filter(|p| p.len() > 1) {
            i.ports_seen.clone_from(ports);
        }
    }
}

/// Machines in whose name so many lists were asked for at once that it is an attack by reflection.
fn floods(records: &[SqlrRecord]) -> BTreeSet<IpAddr> {
    let mut times: HashMap<IpAddr, Vec<Nanos>> = HashMap::new();
    for r in records {
        if matches!(r.question, Some(RequestKind::BroadcastEx | RequestKind::UnicastEx)) {
            times.entry(r.src.ip()).or_default().push(r.time);
        }
    }
    let burst = |t: &mut Vec<Nanos>| {
        t.sort_unstable();
        t.windows(BURST).any(|w| match (w.first(), w.last()) {
            (Some(a), Some(b)) => b.saturating_sub(*a) <= BURST_TIME,
            _ => false,
        })
    };
    times.iter_mut().filter_map(|(ip, t)| burst(t).then_some(*ip)).collect()
}
