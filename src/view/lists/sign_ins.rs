//! Sign-ins: one row an endpoint, its steps and where it stopped.

mod relay;

use super::*;
use crate::correlate::gathered::{AuthRound, SignIn, SignInState, Step, StepState};
use crate::diagnose::sign_in::{self, why};
use crate::view::packets::dns;
use crate::view::rows::columns;

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the sign-in",
    "start" "Start" Left 3 "time of its first look-up or REGISTER",
    "user" "User" Left 0 "who signs in",
    "epid" "Endpoint" Left 4 "epid of the endpoint: one user may have several",
    "server" "Server" Left 2 "where the REGISTER went",
    "state" "State" Left 0 "registered, challenged, rejected, unanswered (no answer yet where the capture ends before it was due), unregistered",
    "status" "Status" Right 1 "last final status",
    "auth" "By" Left 2 "NTLM, Kerberos, TLS-DSK, Digest",
    "attempts" "Tries" Right 5 "how often it tried; the rounds after a challenge are one try",
    "took" "Took" Right 3 "first REGISTER to the first 2xx",
    "steps" "Steps" Left 3 "dns, register, provisioning, mras: ✓ fine, ✗ failed, ? no answer, … under way when the capture ends",
    "stopped" "Stopped at" Left 0 "the first step that did not succeed, and why; else why a media relay refused its credentials",
    "expires" "Expires" Right 6 "seconds granted",
    "refreshes" "Refreshes" Right 6 "REGISTERs that prolonged it",
    "client" "Client" Left 5 "where the REGISTER came from",
    "realm" "Realm" Left 6 "realm of the challenge",
    "target" "Target" Left 6 "server that the challenge names",
    "location" "Location" Left 6 "location the client gave to the A/V authentication service",
    "relays" "Relays" Left 6 "media relays it was given",
    "workstation" "Workstation" Left 6 "computer that the NTLM token names",
    "account" "Account" Left 6 "account that the NTLM token names",
    "keep_alive" "Keep-alive" Left 6 "what was agreed to keep the connection alive (ms-keep-alive)",
    "allocations" "Allocations" Right 6 "TURN allocations made with its credentials",
}

pub(super) const LIST: List = List {
    name: "sign-ins",
    words: ("sign-in", "sign-ins"),
    needs: "A sign-in needs REGISTER in the clear; most clients send it inside of TLS.",
    help: HELP,
    definitions: DEFINITIONS,
    defaults: 12,
};

pub(super) fn cell(at: At<'_>, row: u32, key: &str, before: Option<u32>) -> Cell {
    let all = at.gathered.sign_ins();
    let Some(s) = all.get(row as usize) else { return none() };
    let machine = |a| match show::machine(at.analysis, a) {
        Some(name) => format!("{name} {a}"),
        None => a.to_string(),
    };
    let safe = |t: &str| text(show::shorten(&show::safe_str(t), 80));
    match key {
        "id" => number(u64::from(row) + 1),
        "start" => {
            let before = before.and_then(|b| all.get(b as usize)).map(|b| b.start);
            at.time(s.start, all.first().map(|f| f.start), before)
        }
        "user" if s.user == Str(0) => safe(&format!("({})", s.domain)),
        "user" => at.user(s.user),
        "epid" => safe(&s.epid),
        "server" => s.server.map_or_else(none, |a| text(machine(a))),
        "client" => text(machine(s.client)),
        "state" => text(state(at, s).to_owned()),
        "status" if s.status > 0 => number(u64::from(s.status)),
        "auth" if !auth_words(s).is_empty() => text(auth_words(s).to_owned()),
        "attempts" => number(u64::from(s.attempts)),
        "refreshes" => number(u64::from(s.refreshes)),
        "took" => s.took.map_or_else(none, duration),
        "steps" => text(steps(at, s)),
        "stopped" => text(sign_in::stopped(at.analysis, s).unwrap_or_default()),
        "expires" => s.expires.map_or_else(none, |e| number(u64::from(e))),
        "realm" => safe(&s.realm),
        "target" => safe(&s.target),
        "location" => s.mras.as_ref().and_then(|m| m.location.as_deref()).map_or_else(none, safe),
        "relays" => {
            let hosts = s.mras.iter().flat_map(|m| &m.relays).map(|r| show::safe_str(&r.host));
            text(hosts.collect::<Vec<_>>().join(", "))
        }
        "workstation" => said(s, |r| r.workstation.as_deref()).map_or_else(none, safe),
        "account" => said(s, |r| r.user.as_deref()).map_or_else(none, safe),
        "keep_alive" => s.keep_alive.as_deref().map_or_else(none, safe),
        "allocations" if !s.credentials.is_empty() => {
            number(s.credentials.iter().map(|c| c.uses.len() as u64).sum())
        }
        _ => none(),
    }
}

/// What the last token that names it says.
fn said(s: &SignIn, of: fn(&AuthRound) -> Option<&str>) -> Option<&str> {
    s.rounds.iter().rev().find_map(of)
}

/// Name of the scheme it used; empty where it used none.
pub fn auth_words(s: &SignIn) -> &'static str {
    s.auth.map_or("", show::auth_scheme)
}

/// How it stands; what the end of the capture overtakes is not over.
fn state(at: At<'_>, s: &SignIn) -> &'static str {
    let open = sign_in::failed_step(s).is_some_and(|step| sign_in::is_open(at.analysis, s, step));
    if open && s.state == SignInState::Unanswered { "no answer yet" } else { s.state.name() }
}

fn mark(at: At<'_>, s: &SignIn, step: &Step) -> &'static str {
    match step.state {
        StepState::Ok => "✓",
        _ if sign_in::is_open(at.analysis, s, step) => "…",
        StepState::Failed => "✗",
        StepState::Unanswered => "?",
    }
}

fn steps(at: At<'_>, s: &SignIn) -> String {
    let words = |step: &Step| format!("{} {}", step.kind.name(), mark(at, s, step));
    s.steps.iter().map(words).collect::<Vec<_>>().join("  ")
}

pub(super) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    let s = at.gathered.sign_ins().get(row as usize)?;
    let user = match s.user {
        Str(0) => format!("of a user of {}", show::safe_str(&s.domain)),
        user => show::party_short(b"", at.analysis.strings.bytes(user)),
    };
    let epid = if s.epid.is_empty() { String::new() } else { format!("  epid {}", show::safe_str(&s.epid)) };
    let title = format!("Sign-in {}  {user}{epid}  {}", row + 1, state(at, s));
    let mut head = Vec::new();
    let elsewhere = sign_in::goes_on_in_tls(at.analysis, s);
    let open = sign_in::failed_step(s).is_some_and(|step| sign_in::is_open(at.analysis, s, step));
    head.push(match sign_in::failed_step(s) {
        Some(step) if open => {
            format!("The capture ends at {}: {}.", step.kind.name(), why(at.analysis, s, step))
        }
        Some(step) if elsewhere => format!("{}: {}.", step.kind.name(), why(at.analysis, s, step)),
        Some(step) => format!("It stopped at {}: {}.", step.kind.name(), why(at.analysis, s, step)),
        None if s.state == SignInState::Unregistered && s.ended.is_some() => {
            "It signed in, and the server ended it.".to_owned()
        }
        None if s.state == SignInState::Unregistered => "It signed in and left.".to_owned(),
        None => match s.expires {
            Some(seconds) => format!("It signed in, for {seconds} s at a time."),
            None => "It signed in.".to_owned(),
        },
    });
    head.extend(sign_in::advice(s).filter(|_| !elsewhere && !open).map(str::to_owned));
    head.extend(relay::refusal(at, s));
    let how = match (auth_words(s), show::auth_schemes(&s.offered)) {
        ("", offered) if offered.is_empty() => String::new(),
        ("", offered) => format!(", offered {offered}"),
        (scheme, _) => format!(", {scheme}"),
    };
    let way = match (s.server, s.transport) {
        (Some(server), Some(transport)) => {
            format!("{} → {server} over {}", s.client, transport.name().to_uppercase())
        }
        _ => format!("{} asked DNS and sent no REGISTER", s.client.ip()),
    };
    let tries = match s.server {
        Some(_) => format!(", {}", show::count(u64::from(s.attempts), "try", "tries")),
        None => String::new(),
    };
    let refreshes = match s.refreshes {
        0 => String::new(),
        n => format!(", {}", show::count(u64::from(n), "refresh", "refreshes")),
    };
    head.push(format!("{way}{how}{tries}{refreshes}."));
    if !s.realm.is_empty() {
        let target = if s.target.is_empty() {
            String::new()
        } else {
            format!(", target {}", show::safe_str(&s.target))
        };
        head.push(format!("Realm {}{target}.", show::safe_str(&s.realm)));
    }
    head.extend(facts(at, s, row));
    let mut parts = vec![step_part(at, s)];
    parts.extend(lookup_part(at, s));
    parts.extend(round_part(at, s));
    parts.extend(relay::relay_part(s));
    parts.extend(relay::use_part(at, s));
    parts.extend(setting_part(s));
    let owners = ListKind::SignIns.owners(at.analysis, at.lists, row);
    if !owners.is_empty() {
        parts.push(messages_of(at, &owners));
    }
    Some(Detail { title, head, parts, owners })
}

fn step_part(at: At<'_>, s: &SignIn) -> Part {
    let columns = vec![
        Column::new("step", "Step", Align::Left, 0),
        Column::new("state", "State", Align::Left, 0),
        Column::new("why", "Why", Align::Left, 1),
        Column::new("frames", "Frames", Align::Left, 2),
    ];
    let mut part = Part::of(columns);
    for step in &s.steps {
        let lookups = step.lookups.iter().filter_map(|i| at.analysis.dns.lookup(*i)).flat_map(|l| l.frames());
        let messages = step.messages.iter().map(|m| at.analysis.message(*m).frame);
        let all: Vec<_> = lookups.chain(messages).collect();
        let frames = all.iter().take(8).map(|f| f.frame.to_string());
        let more = if all.len() > 8 { " …" } else { "" };
        let why = if step.state == StepState::Ok { String::new() } else { why(at.analysis, s, step) };
        let row = vec![
            step.kind.name().to_owned(),
            match sign_in::is_open(at.analysis, s, step) {
                true => format!("{} open", mark(at, s, step)),
                false => format!("{} {}", mark(at, s, step), step.state.name()),
            },
            why,
            frames.collect::<Vec<_>>().join(" ") + more,
        ];
        let frame = all.last().copied();
        let last = step.messages.last().map(|m| Lead::to(*m)).unwrap_or(Lead { frame, ..Lead::default() });
        let bad = step.state != StepState::Ok && !sign_in::is_open(at.analysis, s, step);
        part.push(row, last.bad(bad));
    }
    part.titled("Steps".to_owned())
}

/// What else the messages tell.
fn facts(at: At<'_>, s: &SignIn, row: u32) -> Vec<String> {
    let mut out = Vec::new();
    if let Some((m, line)) = &s.ended {
        let frame = at.analysis.message(*m).frame.frame;
        let line = show::shorten(&show::safe_str(line), 120);
        out.push(format!("The server ended the registration itself (frame {frame}): {line}"));
    }
    if s.remote {
        out.push("The server says that the client is outside (RemoteUser).".to_owned());
    }
    if let Some(value) = &s.keep_alive {
        out.push(format!("Keep-alive: {}.", keep_alive(value)));
    }
    let others = at
        .gathered
        .sign_ins()
        .iter()
        .enumerate()
        .filter(|(i, o)| *i != row as usize && o.user == s.user && s.user != Str(0));
    let numbers: Vec<String> = others.take(8).map(|(i, _)| (i + 1).to_string()).collect();
    if !numbers.is_empty() {
        out.push(format!("Other endpoints of this user: sign-ins {}.", numbers.join(", ")));
    }
    out
}

/// `UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300` in words.
fn keep_alive(value: &str) -> String {
    let words: Vec<&str> = value.split(';').map(str::trim).collect();
    let is = |word: &str| words.iter().any(|w| w.replace(' ', "").eq_ignore_ascii_case(word));
    let mut out = match () {
        () if is("hop-hop=yes") => "from hop to hop".to_owned(),
        () if is("end-end=yes") => "from end to end".to_owned(),
        () => show::shorten(&show::safe_str(value), 80),
    };
    let timeout = words.iter().find_map(|w| w.strip_prefix("timeout=")?.trim().parse::<u32>().ok());
    if let Some(seconds) = timeout {
        out.push_str(&format!(", the connection is given up after {seconds} s without"));
    }
    out
}

fn lookup_part(at: At<'_>, s: &SignIn) -> Option<Part> {
    let columns = vec![
        Column::new("asked", "Look-up", Align::Left, 0),
        Column::new("answer", "Answer", Align::Left, 0),
        Column::new("server", "Asked", Align::Left, 2),
        Column::new("took", "Took", Align::Right, 1),
        Column::new("frame", "Frame", Align::Right, 1),
    ];
    let mut part = Part::of(columns);
    for lookup in s.lookups().iter().filter_map(|i| at.analysis.dns.lookup(*i)) {
        let again = match lookup.queries {
            0 | 1 => String::new(),
            n => format!("  (asked {n} times)"),
        };
        let row = vec![
            dns::asked(at.analysis, lookup) + &again,
            dns::answered(at.analysis, lookup),
            lookup.server.to_string(),
            lookup.took().map(show::duration).unwrap_or_default(),
            lookup.frame.frame.to_string(),
        ];
        let frame = lookup.frames().last();
        part.push(row, Lead { frame, bad: !lookup.found(), ..Lead::default() });
    }
    let title = show::count(part.leads.len() as u64, "look-up", "look-ups");
    part.titled(title).filled()
}

/// The tokens of authentication, as far as they are in clear.
fn round_part(at: At<'_>, s: &SignIn) -> Option<Part> {
    let columns = vec![
        Column::new("token", "Token", Align::Left, 0),
        Column::new("account", "Account", Align::Left, 0),
        Column::new("workstation", "Workstation", Align::Left, 1),
        Column::new("target", "Target", Align::Left, 1),
        Column::new("response", "Response", Align::Left, 2),
        Column::new("frame", "Frame", Align::Right, 1),
    ];
    let safe =
        |t: &Option<String>| t.as_deref().map(|t| show::shorten(&show::safe_str(t), 60)).unwrap_or_default();
    let mut part = Part::of(columns);
    for r in &s.rounds {
        let row = vec![
            show::safe_str(&r.what),
            safe(&r.user),
            safe(&r.workstation),
            safe(&r.target),
            r.response.unwrap_or_default().to_owned(),
            at.analysis.message(r.message).frame.frame.to_string(),
        ];
        part.push(row, Lead::to(r.message));
    }
    let title = format!("Authentication by {}", auth_words(s));
    part.titled(title).filled()
}

fn setting_part(s: &SignIn) -> Option<Part> {
    let columns = vec![
        Column::new("group", "Group", Align::Left, 2),
        Column::new("setting", "Setting", Align::Left, 0),
        Column::new("value", "Value", Align::Left, 0),
        Column::new("meaning", "Meaning", Align::Left, 1),
    ];
    let mut part = Part::of(columns);
    for p in &s.provisioning {
        let row = vec![
            show::safe_str(&p.group),
            show::safe_str(&p.name),
            show::shorten(&show::safe_str(&p.value), 120),
            p.meaning.to_owned(),
        ];
        part.push(row, Lead::to(p.message));
    }
    let settings = show::count(s.provisioning.len() as u64, "setting", "settings");
    part.titled(format!("Provisioning: {settings}")).filled()
}

#[cfg(test)]
mod tests;
