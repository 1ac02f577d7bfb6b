//! Look-ups of SQL Server instances in words: the table, the detail, ladders and the Packets view say the same.

use std::net::SocketAddr;

use callscope_parsers::sqlr::{Pattern, RequestKind, product, product_of_version};
use callscope_parsers::tds::{Encryption, EncryptionOutcome, error_title, tds_version_name};

use crate::capture::{FrameRef, Nanos};
use crate::correlate::Analysis;
use crate::correlate::sql::{
    ConnectionState, Instance, Lookup, LookupState, SqlConnection, StepKind, TdsFacts, Verdict,
};
use crate::show;

mod names;

pub use names::{datagram, segment};

/// Columns of a name out of a message.
const NAME: usize = 40;
/// Instances that one line tells of.
const INSTANCES: usize = 4;

/// A name out of a message, safe and short.
pub fn name(text: &str) -> String {
    show::shorten(&show::safe_str(text), NAME)
}

/// `instance RTC`, `all instances`.
pub fn question(kind: RequestKind, instance: Option<&str>) -> String {
    let instance = match instance.map(name) {
        Some(name) if !name.is_empty() => name,
        _ => "without a name".to_owned(),
    };
    match kind {
        RequestKind::BroadcastEx => "all servers and instances".to_owned(),
        RequestKind::UnicastEx => "all instances".to_owned(),
        RequestKind::UnicastInstance => format!("instance {instance}"),
        RequestKind::UnicastDac => format!("admin port of {instance}"),
    }
}

pub fn lookup_question(l: &Lookup) -> String {
    match l.kind {
        _ if matches!(l.pattern, Some(Pattern::Slammer)) => "SQL Slammer".to_owned(),
        Some(kind) => question(kind, l.instance.as_deref()),
        None if l.is_connection() => "none".to_owned(),
        None => "not in the capture".to_owned(),
    }
}

/// `RTC tcp 1501, np \\HOST\pipe\…`.
fn instance_words(i: &Instance) -> String {
    let mut out = i.name.as_deref().map_or_else(|| "unnamed".to_owned(), name);
    match (i.tcp, &i.pipe) {
        (Some(port), None) => out.push_str(&format!(" tcp {port}")),
        (Some(port), Some(pipe)) => out.push_str(&format!(" tcp {port}, np {}", name(pipe))),
        (None, Some(pipe)) => out.push_str(&format!(" no tcp, np {}", name(pipe))),
        (None, None) => out.push_str(" no tcp"),
    }
    out
}

fn instance_short(i: &Instance) -> String {
    let named = i.name.as_deref().map_or_else(|| "unnamed".to_owned(), name);
    match i.tcp {
        Some(port) => format!("{named} {port}"),
        None => format!("{named} (no tcp)"),
    }
}

/// Instances of an answer in a line.
pub fn instances_words(all: &[Instance]) -> String {
    match all {
        [] => "no instance".to_owned(),
        [one] => instance_words(one),
        several => {
            let told: Vec<String> = several.iter().take(INSTANCES).map(instance_short).collect();
            let more = if several.len() > INSTANCES { " …" } else { "" };
            format!("{}: {}{more}", several.len(), told.join(" · "))
        }
    }
}

/// What came back.
pub fn answer(l: &Lookup, analysis: &Analysis) -> String {
    if l.is_connection() {
        return String::new();
    }
    let asked = match l.requests {
        0 | 1 => String::new(),
        n => {
            let took = l.last_request.saturating_sub(l.start);
            format!(", asked {n} times in {}", show::duration(took))
        }
    };
    match l.state {
        LookupState::Unanswered => format!("no answer{asked}"),
        LookupState::Unreachable => {
            let first = l.errors.first().and_then(|e| analysis.sql.errors.get(*e as usize));
            let by = first.filter(|e| e.by != l.server.ip()).map(|e| format!(" from {}", e.by));
            let what = first.map_or_else(|| "unreachable".to_owned(), |e| show::breakage(e.kind));
            format!("{what}{}{asked}", by.unwrap_or_default())
        }
        LookupState::Malformed if l.answers == 0 => format!("none; the question is malformed{asked}"),
        LookupState::Malformed => format!("malformed: {}{asked}", found(l)),
        LookupState::Answered => format!("{}{asked}", found(l)),
    }
}

fn found(l: &Lookup) -> String {
    match l.dac_port {
        Some(port) => format!("admin port tcp {port}"),
        None => instances_words(&l.instances),
    }
}

/// `1501 refused (RST) 3 times`, `1502 established, TDS 10.0, encryption off`.
pub fn connection(c: &SqlConnection) -> String {
    let port = c.server.port();
    let times = |n: u16| if n > 1 { format!(" {n} times") } else { String::new() };
    match c.state() {
        ConnectionState::Refused => format!("{port} refused (RST){}", times(c.resets)),
        ConnectionState::Unanswered => format!("{port} no answer to SYN{}", times_sent(c)),
        ConnectionState::Prohibited => {
            let what = c.error.map_or_else(|| "ICMP error".to_owned(), |(kind, _)| show::breakage(kind));
            format!("{port} {what}")
        }
        ConnectionState::Established => {
            let mut out = format!("{port} established");
            if let Some(facts) = c.facts() {
                out.push_str(&tds_words(facts));
            } else if c.direct_tls {
                out.push_str(", TLS from the start (TDS 8.0)");
            }
            out
        }
    }
}

fn times_sent(c: &SqlConnection) -> String {
    match c.syns {
        0 | 1 => String::new(),
        n => format!(", sent {n} times in {}", show::duration(c.last_syn.saturating_sub(c.time))),
    }
}

fn tds_words(facts: &TdsFacts) -> String {
    let mut out = String::new();
    if let Some((major, minor, _)) = facts.server.as_ref().and_then(|s| s.version) {
        out.push_str(&format!(", TDS {major}.{minor}"));
    }
    if let Some(e) = facts.server.as_ref().and_then(|s| s.encryption) {
        out.push_str(&format!(", encryption {}", encryption(e)));
    }
    if facts.outcome() == Some(EncryptionOutcome::Closed) && facts.accepted.is_none() {
        out.push_str(", no agreement");
    }
    if facts.server.as_ref().and_then(|s| s.instance_match) == Some(false) {
        out.push_str(", another instance");
    }
    if let Some(e) = facts.login_error() {
        out.push_str(&format!(", error {}", e.number));
    }
    out
}

/// `off`, `on`, `not supported`, `required`.
pub fn encryption(e: Encryption) -> String {
    e.name().map_or_else(|| format!("0x{:02x}", e.0), |n| n.replace('_', " "))
}

/// Whole connections of a look-up in a line: like ones are counted.
pub fn then(l: &Lookup, analysis: &Analysis) -> String {
    let mut told: Vec<(String, u32)> = Vec::new();
    for c in l.connections.iter().filter_map(|c| analysis.sql.connections.get(*c as usize)) {
        let words = connection(c);
        match told.iter_mut().find(|(w, _)| *w == words) {
            Some((_, n)) => *n += 1,
            None => told.push((words, 1)),
        }
    }
    if told.is_empty() {
        return "no connection".to_owned();
    }
    let times = |(words, n): &(String, u32)| match n {
        1 => words.clone(),
        n => format!("{words} ({n} connections)"),
    };
    told.iter().take(INSTANCES).map(times).collect::<Vec<_>>().join(" · ")
}

/// In a word or two.
pub fn verdict(v: Verdict) -> String {
    match v {
        Verdict::Hostile(pattern) => pattern.title(),
        Verdict::Amplification => "amplification attack",
        Verdict::Silent => "no answer",
        Verdict::Unreachable => "unreachable",
        Verdict::MalformedQuestion => "malformed question",
        Verdict::MalformedAnswer => "malformed answer",
        Verdict::Dropped => "answer too long",
        Verdict::NoTcp => "no TCP port",
        Verdict::NoInstance => "instance missing",
        Verdict::NoConnection => "answered",
        Verdict::Refused => "refused",
        Verdict::Filtered => "no answer to SYN",
        Verdict::Prohibited => "ICMP error",
        Verdict::InstanceMismatch => "wrong instance",
        Verdict::EncryptionDisagreement => "encryption differs",
        Verdict::LoginFailed(number) => return format!("login error {number}"),
        Verdict::OtherPort => "other port",
        Verdict::Connected => "connected",
    }
    .to_owned()
}

/// `9.00.4035.00 (SQL Server 2005)`.
pub fn version(text: &str) -> String {
    match product_of_version(text) {
        Some(product) => format!("{} ({product})", name(text)),
        None => name(text),
    }
}

/// `10.0.1600 (SQL Server 2008)` of a server's PRELOGIN.
pub fn server_version((major, minor, build): (u8, u8, u16)) -> String {
    match product(major, minor) {
        Some(product) => format!("{major}.{minor}.{build} ({product})"),
        None => format!("{major}.{minor}.{build}"),
    }
}

/// `7.4`, or the number.
pub fn tds_version(version: u32) -> String {
    match (tds_version_name(version), version >> 24) {
        (Some(name), _) => name.to_owned(),
        (None, 4 | 5) => format!("{}.{}", version >> 24, version >> 16 & 0xff),
        (None, _) => format!("0x{version:08x}"),
    }
}

/// A step of a connection.
pub fn step(kind: &StepKind, c: &SqlConnection, from_server: bool) -> String {
    let side = |facts: &TdsFacts| if from_server { facts.server.clone() } else { facts.client.clone() };
    match kind {
        StepKind::Syn => format!("SYN to {}", c.server.port()),
        StepKind::SynAck => "SYN, ACK".to_owned(),
        StepKind::Reset => "RST".to_owned(),
        StepKind::Icmp(kind, by) if *by == c.server.ip() => show::breakage(*kind),
        StepKind::Icmp(kind, by) => show::breakage_by(*kind, *by),
        StepKind::Prelogin => {
            let mut out = "PRELOGIN".to_owned();
            if let Some(said) = c.facts().and_then(side) {
                if let Some((major, minor, build)) = said.version {
                    out.push_str(&format!(" {major}.{minor}.{build}"));
                }
                if let Some(e) = said.encryption {
                    out.push_str(&format!(", encryption {}", encryption(e)));
                }
                if let Some(instance) = &said.instance {
                    out.push_str(&format!(", instance {}", name(instance)));
                }
                match said.instance_match {
                    Some(true) => out.push_str(", instance right"),
                    Some(false) => out.push_str(", another instance"),
                    None => {}
                }
            }
            out
        }
        StepKind::TlsInside => "TLS inside TDS".to_owned(),
        StepKind::Tls => "TLS".to_owned(),
        StepKind::Login => {
            let mut out = "LOGIN7".to_owned();
            if let Some(login) = c.facts().and_then(|f| f.login.as_ref()) {
                if !login.user.is_empty() {
                    out.push_str(&format!(" user {}", name(&login.user)));
                } else if login.integrated {
                    out.push_str(" integrated");
                }
                if !login.database.is_empty() {
                    out.push_str(&format!(", database {}", name(&login.database)));
                }
            }
            out
        }
        StepKind::Answer { error: Some(number), .. } => match error_title(*number) {
            Some(title) => format!("error {number}: {title}"),
            None => format!("error {number}"),
        },
        StepKind::Answer { login: true, .. } => "login accepted".to_owned(),
        StepKind::Answer { .. } => "answer".to_owned(),
        StepKind::Request(kind) => kind.name().unwrap_or("request").to_owned(),
        StepKind::Multiplexed => "goes on multiplexed (MARS)".to_owned(),
        StepKind::Wrong(text) => show::safe_str(text),
    }
}

/// Is it a step that shows a failure?
pub fn is_bad_step(kind: &StepKind) -> bool {
    matches!(
        kind,
        StepKind::Reset | StepKind::Icmp(..) | StepKind::Answer { error: Some(_), .. } | StepKind::Wrong(_)
    )
}

/// Name of a machine, else its address.
pub fn machine(analysis: &Analysis, a: SocketAddr) -> String {
    let ip = show::address(SocketAddr::new(a.ip(), 0));
    let bare = ip.strip_suffix(":0").unwrap_or(&ip).trim_matches(['[', ']']).to_owned();
    show::machine(analysis, a).map_or(bare, |n| show::safe_str(&n))
}

/// Something of a look-up that can be drawn as an arrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub time: Nanos,
    pub frame: FrameRef,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub what: String,
    pub bad: bool,
    pub is_answer: bool,
}

/// Messages read again for one look-up.
const READS: usize = 2_000;

/// Questions, answers, ICMP errors and the steps of connections of a look-up, in order of time.
pub fn events(analysis: &Analysis, l: &Lookup) -> Vec<Event> {
    let mut out = Vec::new();
    for r in l.records.iter().take(READS).filter_map(|r| analysis.sql.records.get(*r as usize)) {
        let bytes = analysis.stores.read(r.bytes).unwrap_or_default();
        let mut what = datagram(&bytes).unwrap_or_default();
        if let Some((_, words)) = what.split_once("  ") {
            what = words.to_owned();
        }
        let (time, frame, src, dst) = (r.time, r.frame, r.src, r.dst);
        out.push(Event { time, frame, src, dst, what, bad: r.malformed, is_answer: r.question.is_none() });
    }
    for e in l.errors.iter().take(READS).filter_map(|e| analysis.sql.errors.get(*e as usize)) {
        let what = match e.by == e.server.ip() {
            true => show::breakage(e.kind),
            false => show::breakage_by(e.kind, e.by),
        };
        let (time, frame) = (e.time, e.frame);
        out.push(Event { time, frame, src: e.server, dst: e.client, what, bad: true, is_answer: true });
    }
    for c in l.connections.iter().take(READS).filter_map(|c| analysis.sql.connections.get(*c as usize)) {
        for s in &c.steps {
            let (src, dst) = if s.from_server { (c.server, c.client) } else { (c.client, c.server) };
            out.push(Event {
                time: s.time,
                frame: s.frame,
                src,
                dst,
                what: step(&s.kind, c, s.from_server),
                bad: is_bad_step(&s.kind),
                is_answer: s.from_server,
            });
        }
    }
    out.sort_by_key(|e| (e.time, e.frame));
    out
}
