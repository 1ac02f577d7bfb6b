//! Look-ups of SQL Server instances: who asked whom for what, what came back, and the connection that followed.

use callscope_parsers::tds::error_title;

use super::*;
use crate::correlate::sql::{ConnectionState, Instance, Lookup, SqlConnection, Verdict};
use crate::view::rows::columns;
use crate::view::sql;

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the look-up, or of a connection that came without one",
    "asked" "Asked" Left 5 "time of the first question, or of the connection",
    "client" "Client" Left 3 "who asked",
    "server" "Server" Left 0 "who was asked",
    "question" "Question" Left 2 "what was asked for: an instance, all instances, the port of the dedicated administrator connection",
    "answer" "Answer" Left 4 "instances with port and pipe, or why there are none",
    "then" "Then" Left 1 "the connection that followed",
    "verdict" "Verdict" Left 0 "what came of it",
    "kind" "Kind" Left 5 "CLNT_UCAST_INST and so on; connection: without a question",
    "state" "State" Left 5 "answered, unanswered, unreachable, malformed",
    "requests" "Asked" Right 5 "how often the question was sent",
    "took" "Took" Right 4 "question to answer",
    "instance" "Instance" Left 4 "instance asked for, or the first of the answer",
    "port" "Port" Right 4 "its TCP port",
    "ports" "Static" Left 5 "dynamic: the port was seen to change; same: told again and again the same",
    "pipe" "Pipe" Left 6 "its named pipe",
    "version" "Version" Left 5 "its version and the product of it",
    "clustered" "Clustered" Left 6 "yes or no",
    "connected" "Connected" Left 5 "who connected to whom",
    "encryption" "Encryption" Left 6 "what the server says to encryption in PRELOGIN",
    "error" "Error" Right 5 "first error of the server",
    "sip" "SIP" Right 5 "answers 5xx of the client in the same seconds",
    "frame" "Frame" Right 6 "first frame",
}

pub(super) const LIST: List = List {
    name: "sql",
    words: ("look-up of SQL Server", "look-ups of SQL Server"),
    needs: "A look-up needs UDP 1434; a connection without one is shown where it speaks TDS or goes to port 1433.",
    help: HELP,
    definitions: DEFINITIONS,
    defaults: 8,
};

fn first(l: &Lookup) -> Option<&Instance> {
    l.asked_for().next().or(l.instances.first())
}

fn connections<'a>(at: At<'a>, l: &'a Lookup) -> impl Iterator<Item = &'a SqlConnection> {
    l.connections.iter().filter_map(move |c| at.analysis.sql.connections.get(*c as usize))
}

pub(super) fn cell(at: At<'_>, row: u32, key: &str, before: Option<u32>) -> Cell {
    let all = at.gathered.lookups();
    let Some(l) = all.get(row as usize) else { return none() };
    match key {
        "id" => number(u64::from(row) + 1),
        "asked" => {
            let before = before.and_then(|b| all.get(b as usize)).map(|b| b.start);
            at.time(l.start, all.first().map(|f| f.start), before)
        }
        "client" => text(sql::machine(at.analysis, l.client)),
        "server" => text(server(at, l)),
        "question" if l.is_connection() => none(),
        "question" => {
            let asked = sql::lookup_question(l);
            text(asked.strip_prefix("instance ").unwrap_or(&asked).to_owned())
        }
        "answer" => {
            let answer = sql::answer(l, at.analysis);
            // That it is about the instance asked for goes without saying.
            let asked = l.instance.as_deref().map(sql::name).filter(|n| !n.is_empty());
            let rest = asked.and_then(|n| Some(answer.strip_prefix(&n)?.strip_prefix(' ')?.to_owned()));
            text(rest.unwrap_or(answer))
        }
        "then" => text(sql::then(l, at.analysis)),
        "verdict" => text(sql::verdict(l.verdict)),
        "kind" if l.is_connection() => text("connection".to_owned()),
        "kind" => l.kind.map_or_else(none, |k| text(k.name().to_owned())),
        "state" if !l.is_connection() => text(l.state.name().to_owned()),
        "requests" if l.requests > 0 => number(u64::from(l.requests)),
        "took" => l.wait.map_or_else(none, duration),
        "instance" => {
            let named = first(l).and_then(|i| i.name.as_deref()).or(l.instance.as_deref());
            named.map_or_else(none, |n| text(sql::name(n)))
        }
        "port" => l.ports().first().map_or_else(none, |p| number(u64::from(*p))),
        "ports" => match first(l) {
            Some(i) if i.ports_seen.len() > 1 => text("dynamic".to_owned()),
            _ => none(),
        },
        "pipe" => first(l).and_then(|i| i.pipe.as_deref()).map_or_else(none, |p| text(sql::name(p))),
        "version" => first(l).and_then(|i| i.version.as_deref()).map_or_else(none, |v| text(sql::version(v))),
        "clustered" => match first(l).and_then(|i| i.clustered) {
            Some(yes) => text(if yes { "yes" } else { "no" }.to_owned()),
            None => none(),
        },
        "connected" => {
            let c = connections(at, l).find(|c| c.state() == ConnectionState::Established);
            c.map_or_else(none, |c| {
                text(format!("{} → {}", sql::machine(at.analysis, c.client), show::address(c.server)))
            })
        }
        "encryption" => {
            let said = connections(at, l).filter_map(|c| c.facts()?.server.as_ref()?.encryption).next();
            said.map_or_else(none, |e| text(sql::encryption(e)))
        }
        "error" => {
            let error = connections(at, l).filter_map(|c| c.facts()?.errors.first()).next();
            error.map_or_else(none, |e| (e.number.to_string(), Key::Number(i64::from(e.number))))
        }
        "sip" if !l.sip.is_empty() => number(l.sip.len() as u64),
        "frame" => number(u64::from(l.frame.frame)),
        _ => none(),
    }
}

/// `OCSSQL01 10.10.0.9`: the name that the answer gives, where the capture has none.
fn server(at: At<'_>, l: &Lookup) -> String {
    let address = l.server.ip();
    let mut name = show::machine(at.analysis, l.server).map(|n| show::safe_str(&n));
    let one = l.instances.first().and_then(|i| i.server.as_deref());
    if name.is_none() && l.instances.iter().all(|i| i.server.as_deref() == one && i.from == address) {
        name = one.map(sql::name);
    }
    match name {
        Some(name) if !name.is_empty() => format!("{name} {address}"),
        _ => address.to_string(),
    }
}

pub(super) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    let l = at.gathered.lookups().get(row as usize)?;
    let what = if l.is_connection() { "Connection" } else { "Look-up" };
    let title = format!(
        "{what} {}  {} → {}  {}",
        row + 1,
        sql::machine(at.analysis, l.client),
        server(at, l),
        if l.is_connection() { String::new() } else { sql::lookup_question(l) }
    );
    let mut head = crate::diagnose::sql::advice(l, at.analysis);
    if let Some(wait) = l.wait {
        head.push(format!("Answered after {}.", show::duration(wait)));
    }
    for (frame, issue) in l.issues.iter().take(8) {
        head.push(format!("Frame {}: {}.", frame.frame, show::safe_str(issue)));
    }
    if l.is_connection() && l.verdict == Verdict::Connected && l.server.port() != 1433 {
        head.push(
            "Nobody asked UDP 1434: the port stands in the connection string or an alias, or was asked for before."
                .to_owned(),
        );
    }
    let mut parts = Vec::new();
    if !l.instances.is_empty() {
        parts.push(instances(l));
    }
    for c in connections(at, l).take(20) {
        head.extend(facts(c));
    }
    if !l.connections.is_empty() {
        parts.push(connection_part(at, l));
    }
    parts.push(messages(at, l));
    let mut owners: Vec<Owner> = l.sip.iter().map(|m| at.analysis.message(*m).owner).collect();
    owners.dedup();
    if !l.sip.is_empty() {
        let title = format!(
            "{} of {} in the same seconds",
            show::count(l.sip.len() as u64, "answer 5xx", "answers 5xx"),
            sql::machine(at.analysis, l.client)
        );
        parts.push(message_part(at, title, &l.sip));
    }
    Some(Detail { title: title.trim_end().to_owned(), head, parts, owners })
}

/// What was agreed on one connection.
fn facts(c: &SqlConnection) -> Vec<String> {
    let Some(facts) = c.facts() else { return Vec::new() };
    let mut out = Vec::new();
    if let Some(server) = &facts.server
        && let Some(version) = server.version
    {
        out.push(format!("The server is version {}.", sql::server_version(version)));
    }
    if let Some(outcome) = facts.outcome() {
        let of = |side: &Option<crate::correlate::sql::PreloginFacts>| {
            side.as_ref().and_then(|s| s.encryption).map(sql::encryption).unwrap_or_default()
        };
        out.push(format!(
            "Encryption: the client says {}, the server {}: {}.",
            of(&facts.client),
            of(&facts.server),
            outcome.title()
        ));
    }
    if facts.client.as_ref().and_then(|c| c.mars) == Some(true) {
        let taken = facts.server.as_ref().and_then(|s| s.mars) == Some(true);
        out.push(format!(
            "The client offers MARS; the server {} it.",
            if taken { "takes" } else { "declines" }
        ));
    }
    if let Some(login) = &facts.login {
        let who = if login.user.is_empty() && login.integrated {
            "with its operating system account".to_owned()
        } else {
            format!("as {}", sql::name(&login.user))
        };
        let password = if login.has_password { " (the password is not shown)" } else { "" };
        out.push(format!(
            "Login in clear from {} {who}{password}: program {}, server {}, database {}, TDS {}.",
            or_none(&login.host),
            or_none(&login.program),
            or_none(&login.server),
            or_none(&login.database),
            sql::tds_version(login.tds_version)
        ));
    }
    if let Some((version, program)) = &facts.accepted {
        out.push(format!("Login accepted by {}, TDS {}.", or_none(program), sql::tds_version(*version)));
    }
    if let (Some(asked), Some((_, answered))) = (facts.asked, facts.answered) {
        out.push(format!("First answer after {}.", show::duration(answered.saturating_sub(asked))));
    }
    for e in facts.errors.iter().skip(usize::from(facts.login_error().is_some())).take(4) {
        let words = error_title(e.number).map(|t| format!(": {t}")).unwrap_or_default();
        out.push(format!("Error {}, state {}, severity {}{words}.", e.number, e.state, e.class));
    }
    if let Some((server, port)) = &facts.routed {
        out.push(format!("The server sends the client to {} port {port}.", sql::name(server)));
    }
    out
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { sql::name(text) }
}

fn instances(l: &Lookup) -> Part {
    let columns = vec![
        Column::new("server", "Server", Align::Left, 1),
        Column::new("instance", "Instance", Align::Left, 0),
        Column::new("version", "Version", Align::Left, 2),
        Column::new("clustered", "Clustered", Align::Left, 4),
        Column::new("tcp", "TCP", Align::Right, 0),
        Column::new("ports", "Port is", Align::Left, 2),
        Column::new("pipe", "Pipe", Align::Left, 3),
        Column::new("other", "Others", Align::Left, 5),
        Column::new("from", "From", Align::Left, 4),
        Column::new("frame", "Frame", Align::Right, 3),
    ];
    let named = |t: &Option<String>| t.as_deref().map(sql::name).unwrap_or_default();
    let mut part = Part::of(columns);
    for i in l.instances.iter().take(MOST_MESSAGES) {
        let other: Vec<String> =
            i.other.iter().map(|(k, v)| format!("{} {}", sql::name(k), sql::name(v))).collect();
        let row = vec![
            named(&i.server),
            named(&i.name),
            i.version.as_deref().map(sql::version).unwrap_or_default(),
            i.clustered.map_or("", |c| if c { "yes" } else { "no" }).to_owned(),
            i.tcp.map_or_else(|| "–".to_owned(), |p| p.to_string()),
            if i.ports_seen.len() > 1 { "dynamic".to_owned() } else { String::new() },
            i.pipe.as_deref().map(show::safe_str).unwrap_or_default(),
            other.join(", "),
            i.from.to_string(),
            i.frame.frame.to_string(),
        ];
        part.push(row, Lead::to_frame(i.frame).bad(i.tcp.is_none()));
    }
    let title = show::count(l.instances.len() as u64, "instance", "instances");
    part.titled(title)
}

fn connection_part(at: At<'_>, l: &Lookup) -> Part {
    let columns = vec![
        Column::new("time", "Time", Align::Right, 2),
        Column::new("from", "From", Align::Left, 2),
        Column::new("to", "To", Align::Left, 0),
        Column::new("port", "Port", Align::Left, 1),
        Column::new("state", "State", Align::Left, 0),
        Column::new("syns", "SYNs", Align::Right, 3),
        Column::new("open", "Opened in", Align::Right, 3),
        Column::new("words", "What", Align::Left, 1),
        Column::new("frame", "Frame", Align::Right, 3),
    ];
    let ports = l.ports();
    let mut part = Part::of(columns);
    let mut before = l.start;
    for c in connections(at, l).take(MOST_MESSAGES) {
        let right = match ports.contains(&c.server.port()) {
            true => "as answered",
            false if l.answers > 0 => "another",
            false => "",
        };
        let row = vec![
            show::time(c.time, at.mode, l.start, before),
            show::address(c.client),
            show::address(c.server),
            right.to_owned(),
            c.state().name().to_owned(),
            c.syns.to_string(),
            c.syn_ack.map(|t| show::duration(t.saturating_sub(c.last_syn))).unwrap_or_default(),
            sql::connection(c),
            c.frame.frame.to_string(),
        ];
        before = c.time;
        let bad = c.state() != ConnectionState::Established;
        part.push(row, Lead::to_frame(c.frame).bad(bad));
    }
    let title = show::count(l.connections.len() as u64, "connection", "connections");
    part.titled(title)
}

/// Questions, answers, ICMP errors and the steps of connections, in order of time.
fn messages(at: At<'_>, l: &Lookup) -> Part {
    let columns = vec![
        Column::new("time", "Time", Align::Right, 0),
        Column::new("way", "From → to", Align::Left, 1),
        Column::new("what", "What", Align::Left, 0),
        Column::new("frame", "Frame", Align::Right, 1),
    ];
    let mut events = sql::events(at.analysis, l);
    let n = events.len();
    events.truncate(MOST_MESSAGES);
    let name = |a| show::machine(at.analysis, a).unwrap_or_else(|| show::address(a));
    let mut before = l.start;
    let mut part = Part::of(columns);
    for e in events {
        let row = vec![
            show::time(e.time, at.mode, l.start, before),
            format!("{} → {}", name(e.src), name(e.dst)),
            e.what,
            e.frame.frame.to_string(),
        ];
        before = e.time;
        part.push(row, Lead::to_frame(e.frame).bad(e.bad));
    }
    part.titled(show::count(n as u64, "message", "messages"))
}
