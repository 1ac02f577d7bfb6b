//! SQL Server: look-ups of instances and the connections that follow.

mod advice;

use callscope_parsers::sqlr::RequestKind;

pub use advice::advice;

use super::{Context, Draft, Family, Findings, Rule, Severity, Subject};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::sql::{Lookup, SqlConnection, Verdict};
use crate::show;
use crate::show::sql as words;

pub(super) const FAMILY: Family = Family {
    title: "SQL Server",
    rules: &[
        &SILENT,
        &UNREACHABLE,
        &INSTANCE_MISSING,
        &NO_TCP,
        &TOO_LONG,
        &MALFORMED,
        &PORT_REFUSED,
        &PORT_FILTERED,
        &PORT_PROHIBITED,
        &INSTANCE_MISMATCH,
        &ENCRYPTION,
        &LOGIN_FAILED,
        &SLOW,
        &DYNAMIC_PORT,
        &OTHER_PORT,
        &ATTACK,
    ],
};

// Rules about what came of a look-up have all the same check.
rules! {
    tell;
    SILENT "sql-silent" Error "SQL Server Browser does not answer",
        "A question to UDP 1434 got no answer, nor an ICMP error, within 1 s of its last repeat, and no connection followed. A \
         question to everybody (broadcast) that nobody answers is told as info.",
        "The SQL Server Browser service is stopped, UDP 1434 is filtered on the way there or back, the instance name is wrong, or \
         the instance is not running: the server gives no negative answer.",
        "[MC-SQLR] section 3.1.5.2";
    UNREACHABLE "sql-unreachable" Error "SQL Server Browser cannot be reached",
        "An ICMP error came back for a question to UDP 1434.",
        "Port unreachable: start the SQL Server Browser service. Host unreachable: the machine is down. Prohibited: open UDP 1434.",
        "RFC 792; [MC-SQLR] section 2.1";
    INSTANCE_MISSING "sql-instance-missing" Error "the instance of SQL Server is not there",
        "The answer is for other instances than the one that was asked for, or the server stays silent about one that is not in \
         the list it gives elsewhere in the capture.",
        "Compare the instance name in the connection string with those that the server lists; an instance that is down is not \
         listed.",
        "[MC-SQLR] section 3.1.5.2";
    NO_TCP "sql-no-tcp" Error "the instance has no TCP port",
        "The answer for the instance has no tcp token, or an invalid one, and the client did not open its named pipe (TCP 445 or \
         139).",
        "Enable TCP/IP for the instance in SQL Server Configuration Manager and restart it.",
        "[MC-SQLR] sections 2.2.5 and 3.1.5.2";
    TOO_LONG "sql-answer-too-long" Error "clients drop the answer for its length",
        "The answer to a question for all instances has more than 4096 bytes, which Microsoft's clients discard.",
        "Ask for an instance by its name, or have fewer instances on the machine.",
        "[MC-SQLR] section 3.2.5.4, note 4";
    MALFORMED "sql-malformed" Error "the answer of SQL Server Browser is malformed",
        "The length that an answer gives is not its length, or its tokens do not fit; a question that is malformed is a warning.",
        "Something on the way cuts or changes the datagram, or another program answers on UDP 1434.",
        "[MC-SQLR] section 2.2.5";
    PORT_REFUSED "sql-port-refused" Error "the port of SQL Server is refused",
        "The connection to the port of the answer (or 1433) met a RST in the place of SYN, ACK.",
        "The instance moved since SQL Server Browser read its port, or listens on another address: compare the port in SQL Server \
         Configuration Manager, and restart SQL Server Browser.",
        "RFC 9293 section 3.5.2; [MC-SQLR] section 3.1";
    PORT_FILTERED "sql-port-filtered" Error "the port of SQL Server does not answer",
        "The SYN to the port of the answer (or 1433) was repeated and not answered.",
        "A firewall drops what goes to that TCP port: open it between the two machines.",
        "RFC 9293 section 3.8.3";
    PORT_PROHIBITED "sql-port-prohibited" Error "the port of SQL Server met an ICMP error",
        "An ICMP error came back for the SYN to the port of the answer (or 1433).",
        "A firewall or router refuses it and says so, or the machine is down: see which machine sent the error.",
        "RFC 792";
    INSTANCE_MISMATCH "sql-instance-mismatch" Error "another instance listens on the port",
        "The server's PRELOGIN says that the instance the client names is not the one on this port (INSTOPT 1).",
        "The port that SQL Server Browser or the connection string gives belongs to another instance: restart SQL Server Browser, \
         or correct the port.",
        "[MS-TDS] section 2.2.6.5";
    ENCRYPTION "sql-encryption" Error "client and server do not agree on encryption",
        "The ENCRYPTION values of both PRELOGINs close the connection: one side cannot encrypt, the other must.",
        "Give the server a certificate, or have the side that demands encryption not demand it.",
        "[MS-TDS] section 2.2.6.5";
    LOGIN_FAILED "sql-login-failed" Error "SQL Server refuses the login",
        "An ERROR token answers the login, and no login acknowledgement followed.",
        "The network is right. The server's error log has the true reason under the state of the error.",
        "[MS-TDS] section 2.2.7.10";
    OTHER_PORT "sql-other-port" Info "the connection goes to another port than the answer says",
        "The answer names a port, and the connection that follows goes elsewhere and works.",
        "An alias of the client or a port in its connection string overrides SQL Server Browser.",
        "[MC-SQLR] section 3.2.5";
    ATTACK "sql-attack" Warning "traffic of a worm or an attack on UDP 1434",
        "The SQL Slammer signature, an instance name longer than any, or questions for lists in such number that the answers hit \
         somebody else.",
        "Block UDP 1434 from and to other networks, and look at the machine that sends it.",
        "MS02-039; [MC-SQLR] section 2.2.3";
}

pub static SLOW: Rule = Rule {
    id: "sql-slow",
    severity: Severity::Warning,
    title: "SQL Server answers slowly",
    help: "An answer of SQL Server Browser, the opening of the connection, or the first answer behind the login took 1 s or more.",
    advice: "See which of the three took the time: the network (also a SYN that was repeated), or the server.",
    source: "[MC-SQLR] section 3.2.6 (clients wait 1 s)",
    check: slow,
};

pub static DYNAMIC_PORT: Rule = Rule {
    id: "sql-dynamic-port",
    severity: Severity::Warning,
    title: "the port of an instance changes",
    help: "SQL Server Browser told different ports for one instance in this capture.",
    advice: "A firewall needs a static port: empty TCP Dynamic Ports and set TCP Port in SQL Server Configuration Manager.",
    source: "[MC-SQLR] section 2.2.5",
    check: dynamic_port,
};

/// From so long on it is slow.
const SLOW_FROM: Nanos = 1_000_000_000;
/// Messages looked at for who speaks SIP.
const MANY: usize = 20_000;

fn rule_of(analysis: &Analysis, all: &[Lookup], l: &Lookup) -> Option<&'static Rule> {
    Some(match l.verdict {
        Verdict::Silent if is_listed_without(all, l) => &INSTANCE_MISSING,
        // Within its time an answer may yet come.
        Verdict::Silent if analysis.newest_time().saturating_sub(l.last_request) < SLOW_FROM => return None,
        Verdict::Silent => &SILENT,
        Verdict::Unreachable => &UNREACHABLE,
        Verdict::NoInstance => &INSTANCE_MISSING,
        Verdict::NoTcp => &NO_TCP,
        Verdict::Dropped => &TOO_LONG,
        Verdict::MalformedQuestion | Verdict::MalformedAnswer => &MALFORMED,
        Verdict::Refused => &PORT_REFUSED,
        Verdict::Filtered => &PORT_FILTERED,
        Verdict::Prohibited => &PORT_PROHIBITED,
        Verdict::InstanceMismatch => &INSTANCE_MISMATCH,
        Verdict::EncryptionDisagreement => &ENCRYPTION,
        Verdict::LoginFailed(_) => &LOGIN_FAILED,
        Verdict::OtherPort => &OTHER_PORT,
        Verdict::Hostile(_) | Verdict::Amplification => &ATTACK,
        Verdict::NoConnection | Verdict::Connected => return None,
    })
}

/// The server lists its instances elsewhere, and the one asked for is not among them.
fn is_listed_without(all: &[Lookup], l: &Lookup) -> bool {
    let Some(name) = l.instance.as_deref().filter(|n| !n.is_empty()) else { return false };
    let mut lists = all.iter().filter(|o| {
        let list = matches!(o.kind, Some(RequestKind::UnicastEx | RequestKind::BroadcastEx));
        list && o.server.ip() == l.server.ip() && !o.instances.is_empty()
    });
    let has = |o: &Lookup| {
        o.instances.iter().any(|i| i.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)))
    };
    lists.clone().next().is_some() && !lists.any(has)
}

/// A port scan meets 1433 too: a connection that nobody asked for and on which nothing was said counts only where its
/// client speaks SIP.
fn concerns(analysis: &Analysis, l: &Lookup) -> bool {
    let by = l.client.ip();
    let speaks_sip = || {
        analysis.messages.iter().take(MANY).any(|r| {
            let flow = analysis.flow(r.flow);
            flow.src.ip() == by || flow.dst.ip() == by
        })
    };
    !l.is_connection() || connections(analysis, l).any(|c| c.tds.is_some()) || speaks_sip()
}

fn connections<'a>(analysis: &'a Analysis, l: &'a Lookup) -> impl Iterator<Item = &'a SqlConnection> {
    l.connections.iter().filter_map(|c| analysis.sql.connections.get(*c as usize))
}

/// `Front End → OCSSQL01, instance RTC`.
fn who(analysis: &Analysis, l: &Lookup) -> String {
    let question = match (l.is_connection(), words::lookup_question(l)) {
        (true, _) => format!("TCP {}", l.server.port()),
        (false, question) => question,
    };
    format!("{} → {}, {question}", words::machine(analysis, l.client), words::machine(analysis, l.server))
}

fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let analysis = context.analysis;
    if analysis.sql.is_empty() {
        return;
    }
    let all = context.gathered().lookups();
    for (row, l) in (0u32..).zip(all) {
        if rule_of(analysis, all, l).is_none_or(|of| of.id != rule.id) || !concerns(analysis, l) {
            continue;
        }
        let likeness = match l.verdict.is_hostile() {
            true => (l.client.ip(), None, l.verdict, None),
            false => (l.client.ip(), Some(l.server.ip()), l.verdict, l.instance.clone()),
        };
        out.add(rule, Subject::Lookup(row), likeness, |f| {
            let told = who(analysis, l);
            f.who(format!("SQL look-up {}, {told}", row + 1));
            f.what(what(analysis, l, rule)).of_many(format!("{told}: {}", what(analysis, l, rule)));
            if rule.id == SILENT.id && is_for_everybody(l) {
                f.severity(Severity::Info);
            }
            if l.verdict == Verdict::MalformedQuestion {
                f.severity(Severity::Warning);
            }
            let mut sentences = advice(l, analysis).into_iter();
            sentences.next().iter().for_each(|s| _ = f.say(s));
            if l.verdict == Verdict::Silent && rule.id == INSTANCE_MISSING.id {
                f.say("The server lists its instances to others in this capture, and this one is not among them.");
            } else {
                sentences.for_each(|s| _ = f.advise(s));
            }
            evidence(analysis, l, f);
            answers_5xx(context, l, f);
        });
    }
}

fn is_for_everybody(l: &Lookup) -> bool {
    l.kind == Some(RequestKind::BroadcastEx)
        && match l.server.ip() {
            std::net::IpAddr::V4(a) => a.is_broadcast() || a.is_multicast() || a.octets()[3] == 255,
            std::net::IpAddr::V6(a) => a.is_multicast(),
        }
}

/// What it is by the rule's title, and what shows it: `the port of SQL Server is refused: RTC tcp 1501; 1501 refused (RST)`.
fn what(analysis: &Analysis, l: &Lookup, rule: &Rule) -> String {
    let shown = match l.verdict {
        Verdict::Silent if rule.id == INSTANCE_MISSING.id => {
            "no answer, and the instance is not in the server's list".to_owned()
        }
        Verdict::Silent => {
            let answer = words::answer(l, analysis);
            answer.trim_start_matches("no answer").trim_start_matches(", ").to_owned()
        }
        Verdict::LoginFailed(_) | Verdict::OtherPort => {
            let told = advice(l, analysis).into_iter().next().unwrap_or_default();
            let told = told.trim_end_matches('.');
            told.strip_prefix("The ").map_or_else(|| told.to_owned(), |rest| format!("the {rest}"))
        }
        _ if l.connections.is_empty() => words::answer(l, analysis),
        _ if l.is_connection() => words::then(l, analysis),
        _ => format!("{}; {}", words::answer(l, analysis), words::then(l, analysis)),
    };
    let title = match l.verdict {
        Verdict::OtherPort => return shown,
        Verdict::Hostile(_) | Verdict::Amplification => words::verdict(l.verdict),
        Verdict::MalformedQuestion => "a question to SQL Server Browser is malformed".to_owned(),
        _ => rule.title.to_owned(),
    };
    if shown.is_empty() { title } else { format!("{title}: {shown}") }
}

fn evidence(analysis: &Analysis, l: &Lookup, f: &mut Draft) {
    for e in words::events(analysis, l).into_iter().take(12) {
        f.show_at(e.frame, e.time, show::shorten(&e.what, 80));
    }
    if l.is_connection() {
        f.show(l.frame, "SYN");
    }
}

/// Calls and dialogs that the client refused with 5xx in the same seconds.
fn answers_5xx(context: &Context<'_>, l: &Lookup, f: &mut Draft) {
    let analysis = context.analysis;
    for m in &l.sip {
        f.concern(Subject::from(analysis.message(*m).owner));
    }
    if let Some(first) = l.sip.first() {
        let n = show::count(l.sip.len() as u64, "answer", "answers");
        f.say(format!("In those seconds the machine gave {n} 5xx."));
        f.show_message(analysis, *first);
    }
}

fn slow(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    if analysis.sql.is_empty() {
        return;
    }
    for (row, l) in (0u32..).zip(context.gathered().lookups()) {
        if l.verdict.is_trouble() {
            continue;
        }
        let mut took: Vec<String> = Vec::new();
        if let Some(wait) = l.wait.filter(|w| *w >= SLOW_FROM) {
            took.push(format!("the answer of SQL Server Browser took {}", show::duration(wait)));
        }
        for c in connections(analysis, l) {
            let opened = c.syn_ack.filter(|_| c.syns > 0).map(|t| t.saturating_sub(c.time));
            if let Some(t) = opened.filter(|t| *t >= SLOW_FROM) {
                took.push(format!("the connection to {} took {} to open", c.server, show::duration(t)));
            }
            let first = c.facts().and_then(|f| Some(f.answered?.1.saturating_sub(f.asked?)));
            if let Some(t) = first.filter(|t| *t >= SLOW_FROM) {
                took.push(format!("the first answer behind the login took {}", show::duration(t)));
            }
        }
        let Some(first) = took.first().cloned() else { continue };
        out.add(&SLOW, Subject::Lookup(row), (l.client.ip(), l.server.ip()), |f| {
            f.who(format!("SQL look-up {}, {}", row + 1, who(analysis, l)));
            f.what(first.clone()).of_many(format!("{}: {first}", who(analysis, l)));
            f.say_all(took.iter().map(|t| format!("{}.", capital(t))));
            evidence(analysis, l, f);
        });
    }
}

fn dynamic_port(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    if analysis.sql.is_empty() {
        return;
    }
    for (row, l) in (0u32..).zip(context.gathered().lookups()) {
        for i in l.asked_for().filter(|i| i.ports_seen.len() > 1) {
            let name = i.name.as_deref().map_or_else(|| "the instance".to_owned(), words::name);
            out.add(&DYNAMIC_PORT, Subject::Lookup(row), (i.from, name.clone()), |f| {
                let ports: Vec<String> = i.ports_seen.iter().map(u16::to_string).collect();
                let at = words::machine(analysis, std::net::SocketAddr::new(i.from, 0));
                let what = format!("the port of {name} at {at} changes: {}", ports.join(", then "));
                f.what(what.clone()).of_many(what);
                f.show(i.frame, format!("{name} at port {}", i.tcp.unwrap_or_default()));
                f.show(l.frame, words::lookup_question(l));
            });
        }
    }
}

/// Its first letter large.
fn capital(words: &str) -> String {
    let mut words = words.to_owned();
    if let Some(first) = words.get(..1).map(str::to_uppercase) {
        words.replace_range(..1, &first);
    }
    words
}
