//! Sign-ins: one row an endpoint, its steps and where it stopped.

use callscope_parsers::sip::auth::AuthScheme;

use super::*;
use crate::correlate::gathered::{SignIn, SignInState, Step, StepKind, StepState};
use crate::view::rows::columns;

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the sign-in",
    "start" "Start" Left 3 "time of the first REGISTER",
    "user" "User" Left 0 "who signs in",
    "epid" "Endpoint" Left 4 "epid of the endpoint: one user may have several",
    "server" "Server" Left 2 "where the REGISTER went",
    "state" "State" Left 0 "registered, challenged, rejected, unanswered, unregistered",
    "status" "Status" Right 1 "last final status",
    "auth" "By" Left 2 "NTLM, Kerberos, TLS-DSK, Digest",
    "attempts" "Tries" Right 5 "how often it tried; the rounds after a challenge are one try",
    "took" "Took" Right 3 "first REGISTER to the first 2xx",
    "steps" "Steps" Left 1 "register, provisioning, mras: ✓ fine, ✗ failed, ? no answer",
    "stopped" "Stopped at" Left 1 "the first step that did not succeed, and why",
    "expires" "Expires" Right 6 "seconds granted",
    "refreshes" "Refreshes" Right 6 "REGISTERs that prolonged it",
    "client" "Client" Left 5 "where the REGISTER came from",
    "realm" "Realm" Left 6 "realm of the challenge",
    "target" "Target" Left 6 "server that the challenge names",
    "location" "Location" Left 6 "location the client gave to the A/V authentication service",
    "relays" "Relays" Left 6 "media relays it was given",
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
    let all = &at.gathered.sign_ins;
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
        "user" => at.user(s.user),
        "epid" => safe(&s.epid),
        "server" => text(machine(s.server)),
        "client" => text(machine(s.client)),
        "state" => text(s.state.name().to_owned()),
        "status" if s.status > 0 => number(u64::from(s.status)),
        "auth" => text(auth_words(s).to_owned()),
        "attempts" => number(u64::from(s.attempts)),
        "refreshes" => number(u64::from(s.refreshes)),
        "took" => s.took.map_or_else(none, duration),
        "steps" => text(steps(s)),
        "stopped" => text(stopped(at, s).unwrap_or_default()),
        "expires" => s.expires.map_or_else(none, |e| number(u64::from(e))),
        "realm" => safe(&s.realm),
        "target" => safe(&s.target),
        "location" => s.mras.as_ref().and_then(|m| m.location.as_deref()).map_or_else(none, safe),
        "relays" => {
            let hosts = s.mras.iter().flat_map(|m| &m.relays).map(|r| show::safe_str(&r.host));
            text(hosts.collect::<Vec<_>>().join(", "))
        }
        _ => none(),
    }
}

/// Name of the scheme; empty where none was seen.
pub fn auth_words(s: &SignIn) -> &'static str {
    match s.auth {
        Some(AuthScheme::Ntlm) => "NTLM",
        Some(AuthScheme::Kerberos) => "Kerberos",
        Some(AuthScheme::TlsDsk) => "TLS-DSK",
        Some(AuthScheme::Digest) => "Digest",
        Some(AuthScheme::Basic) => "Basic",
        Some(AuthScheme::Bearer) => "Bearer",
        Some(AuthScheme::None | AuthScheme::Other) | None => "",
    }
}

fn mark(state: StepState) -> &'static str {
    match state {
        StepState::Ok => "✓",
        StepState::Failed => "✗",
        StepState::Unanswered => "?",
    }
}

fn steps(s: &SignIn) -> String {
    s.steps.iter().map(|s| format!("{} {}", s.kind.name(), mark(s.state))).collect::<Vec<_>>().join("  ")
}

/// The first step that did not succeed, and why.
fn stopped(at: At<'_>, s: &SignIn) -> Option<String> {
    let step = s.steps.iter().find(|s| s.state != StepState::Ok)?;
    Some(format!("{}: {}", step.kind.name(), why(at, s, step)))
}

fn why(at: At<'_>, s: &SignIn, step: &Step) -> String {
    if step.state == StepState::Unanswered {
        return "no answer".to_owned();
    }
    if step.kind == StepKind::Register {
        return match (s.state, s.status) {
            (SignInState::Challenged, status) => format!("{status}, and no credentials followed"),
            (_, status @ (401 | 407)) => format!("{status}: the credentials were refused"),
            (_, status) => last_answer(at, step).unwrap_or_else(|| status.to_string()),
        };
    }
    let reason = s.mras.as_ref().and_then(|m| m.reason.as_deref()).filter(|_| step.kind == StepKind::Mras);
    match reason {
        Some(reason) => show::shorten(&show::safe_str(reason), 60),
        None => last_answer(at, step).unwrap_or_else(|| "failed".to_owned()),
    }
}

/// Status and reason of the last final answer.
fn last_answer(at: At<'_>, step: &Step) -> Option<String> {
    let records = step.messages.iter().rev().map(|m| at.analysis.message(*m));
    let last = records.into_iter().find(|r| r.status >= 200)?;
    let reason = show::safe(at.analysis.strings.bytes(last.reason));
    Some(format!("{} {reason}", last.status).trim_end().to_owned())
}

/// What to look at next.
fn advice(s: &SignIn) -> Option<&'static str> {
    let step = s.steps.iter().find(|s| s.state != StepState::Ok)?;
    Some(match (step.kind, step.state) {
        (StepKind::Dns, _) => "Check the SRV and A records that the client looks for in its domain.",
        (StepKind::Register, StepState::Unanswered) => {
            "Check that the server listens there and that nothing between drops the REGISTER or its answer."
        }
        (StepKind::Register, _) if s.state == SignInState::Challenged => {
            "The client did not take up the challenge: check that it supports the scheme and has an account for the realm."
        }
        (StepKind::Register, _) if s.refused_credentials => {
            "Check user name and password, the realm they are for, and the clocks of client and server."
        }
        (StepKind::Register, _) => "The status and its ms-diagnostics say why the server refuses the user.",
        (StepKind::Provisioning, _) => {
            "Without provisioning the client has no policies and no address of the A/V authentication service."
        }
        (StepKind::Mras, StepState::Unanswered) => {
            "Check the A/V authentication service: without credentials the client offers no relay candidates."
        }
        (StepKind::Mras, _) => {
            "The A/V authentication service gave no credentials: the client will offer no relay candidates."
        }
    })
}

pub(super) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    let s = at.gathered.sign_ins.get(row as usize)?;
    let user = show::party_short(b"", at.analysis.strings.bytes(s.user));
    let epid = if s.epid.is_empty() { String::new() } else { format!("  epid {}", show::safe_str(&s.epid)) };
    let title = format!("Sign-in {}  {user}{epid}  {}", row + 1, s.state.name());
    let mut head = Vec::new();
    head.push(match stopped(at, s) {
        Some(stopped) => format!("It stopped at {stopped}."),
        None if s.state == SignInState::Unregistered => "It signed in and left.".to_owned(),
        None => match s.expires {
            Some(seconds) => format!("It signed in, for {seconds} s at a time."),
            None => "It signed in.".to_owned(),
        },
    });
    head.extend(advice(s).map(str::to_owned));
    let how = match auth_words(s) {
        "" => String::new(),
        scheme => format!(", {scheme}"),
    };
    head.push(format!(
        "{} → {} over {}{how}, {}{}.",
        s.client,
        s.server,
        s.transport.name().to_uppercase(),
        show::count(u64::from(s.attempts), "try", "tries"),
        match s.refreshes {
            0 => String::new(),
            n => format!(", {}", show::count(u64::from(n), "refresh", "refreshes")),
        }
    ));
    if !s.realm.is_empty() {
        let target = if s.target.is_empty() {
            String::new()
        } else {
            format!(", target {}", show::safe_str(&s.target))
        };
        head.push(format!("Realm {}{target}.", show::safe_str(&s.realm)));
    }
    let mut parts = vec![step_part(at, s)];
    parts.extend(relay_part(s));
    parts.extend(setting_part(s));
    let owners = ListKind::SignIns.owners(at.analysis, at.gathered, row);
    parts.push(messages_of(at, &owners));
    Some(Detail { title, head, parts, owners })
}

fn step_part(at: At<'_>, s: &SignIn) -> Part {
    let columns = vec![
        column("step", "Step", Align::Left, 0),
        column("state", "State", Align::Left, 0),
        column("why", "Why", Align::Left, 1),
        column("frames", "Frames", Align::Left, 2),
    ];
    let (mut rows, mut leads) = (Vec::new(), Vec::new());
    for step in &s.steps {
        let frames = step.messages.iter().take(8).map(|m| at.analysis.message(*m).frame.frame.to_string());
        let more = if step.messages.len() > 8 { " …" } else { "" };
        let why = if step.state == StepState::Ok { String::new() } else { why(at, s, step) };
        rows.push(vec![
            step.kind.name().to_owned(),
            format!("{} {}", mark(step.state), step.state.name()),
            why,
            frames.collect::<Vec<_>>().join(" ") + more,
        ]);
        let last = step.messages.last().map(|m| Lead::to(*m)).unwrap_or_default();
        leads.push(last.bad(step.state != StepState::Ok));
    }
    Part { title: "Steps".to_owned(), table: Table { columns, rows }, leads }
}

fn relay_part(s: &SignIn) -> Option<Part> {
    let mras = s.mras.as_ref()?;
    let columns = vec![
        column("host", "Media relay", Align::Left, 0),
        column("location", "Location", Align::Left, 1),
        column("udp", "UDP", Align::Right, 0),
        column("tcp", "TCP", Align::Right, 0),
    ];
    let port = |p: Option<u16>| p.map(|p| p.to_string()).unwrap_or_default();
    let rows: Vec<Vec<String>> = mras
        .relays
        .iter()
        .map(|r| vec![show::safe_str(&r.host), show::safe_str(&r.location), port(r.udp), port(r.tcp)])
        .collect();
    let mut title = "Media relay credentials".to_owned();
    if let Some(location) = &mras.location {
        title.push_str(&format!("  location {}", show::safe_str(location)));
    }
    if let Some(minutes) = mras.duration {
        title.push_str(&format!("  for {minutes} min"));
    }
    if let Some(user) = &mras.username {
        title.push_str(&format!("  user {}", show::shorten(&show::safe_str(user), 24)));
    }
    let leads = vec![Lead::default(); rows.len()];
    Some(Part { title, table: Table { columns, rows }, leads })
}

fn setting_part(s: &SignIn) -> Option<Part> {
    if s.provisioning.is_empty() {
        return None;
    }
    let columns = vec![
        column("group", "Group", Align::Left, 2),
        column("setting", "Setting", Align::Left, 0),
        column("value", "Value", Align::Left, 0),
        column("meaning", "Meaning", Align::Left, 1),
    ];
    let rows = s.provisioning.iter().map(|p| {
        vec![
            show::safe_str(&p.group),
            show::safe_str(&p.name),
            show::shorten(&show::safe_str(&p.value), 120),
            p.meaning.to_owned(),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let leads = s.provisioning.iter().map(|p| Lead::to(p.message)).collect();
    let title = format!("Provisioning: {}", show::count(rows.len() as u64, "setting", "settings"));
    Some(Part { title, table: Table { columns, rows }, leads })
}
