//! What a look-up that went wrong means, and what to do next.

use callscope_parsers::sqlr::{Pattern, RequestKind};
use callscope_parsers::tds::error_title;

use crate::correlate::Analysis;
use crate::correlate::sql::{Lookup, SqlConnection, Verdict};
use crate::decode::BreakageKind;
use crate::show;
use crate::show::sql::{name, verdict};

/// Ports that Windows gives out on its own.
const DYNAMIC: std::ops::RangeInclusive<u16> = 49_152..=65_535;

/// Sentences; the first says what happened.
pub fn advice(l: &Lookup, analysis: &Analysis) -> Vec<String> {
    let mut out = vec![what_happened(l, analysis)];
    let port = l.ports().first().copied();
    match l.verdict {
        Verdict::Silent => out.push(
            "Nothing answers for any of these: the SQL Server Browser service is stopped, UDP 1434 is filtered on \
             the way there or back, the instance name is wrong, or the instance is not running. The server gives no \
             negative answer."
                .to_owned(),
        ),
        Verdict::Unreachable => out.push(unreachable(l, analysis)),
        Verdict::NoTcp => out.push(
            "An answer leaves TCP out where the protocol is disabled for the instance, its port is none, or the \
             answer would have become too long. Enable TCP/IP for the instance and restart it."
                .to_owned(),
        ),
        Verdict::NoInstance => out.push(
            "The instance asked for is not in the answer: it is down, or neither TCP nor named pipes are enabled \
             for it."
                .to_owned(),
        ),
        Verdict::Refused => out.push(
            "Nothing listens on that port: the instance moved since SQL Server Browser read its port, or it listens \
             on another address. Compare the port in SQL Server Configuration Manager, and restart SQL Server Browser."
                .to_owned(),
        ),
        Verdict::Filtered => out.push(format!(
            "A firewall drops what goes there. Open TCP {} between these two machines.",
            connections(l, analysis).next().map_or(0, |c| c.server.port())
        )),
        Verdict::Prohibited => {
            out.push("A firewall or router refuses what goes there and says so.".to_owned());
        }
        Verdict::InstanceMismatch => {
            out.push("Another instance listens on that port. A client should leave.".to_owned());
        }
        Verdict::EncryptionDisagreement => out.push(
            "One side cannot encrypt and the other must: the connection is closed. Give the server a certificate, or \
             have the side that demands encryption not demand it."
                .to_owned(),
        ),
        Verdict::LoginFailed(18456) => out.push(
            "The network is right. The server's error log has the true reason under the state of the error."
                .to_owned(),
        ),
        Verdict::LoginFailed(_) => out.push("The network is right; the server refuses the login.".to_owned()),
        Verdict::OtherPort => out.push(
            "An alias of the client or a port in its connection string overrides the answer.".to_owned(),
        ),
        Verdict::MalformedAnswer => out.push("A client may read less of it, or nothing.".to_owned()),
        Verdict::Dropped => out.push(
            "Microsoft's clients drop an answer to this question that is so long. Fewer instances on one machine, or \
             asking for one by name, help."
                .to_owned(),
        ),
        Verdict::Hostile(Pattern::Slammer) => out.push(
            "The worm of January 2003. The machine that sends it is infected; block UDP 1434 from and to other networks."
                .to_owned(),
        ),
        Verdict::Hostile(Pattern::OverlongName) => out.push(
            "No instance name is so long: an attempt at a buffer overrun (MS02-039), or a damaged packet.".to_owned(),
        ),
        Verdict::Amplification => out.push(format!(
            "{} is not the one who asks, or floods: the answers are {} for each byte of the questions. Do not let \
             others reach UDP 1434.",
            l.client.ip(),
            show::count(amplification(l, analysis), "byte", "bytes")
        )),
        Verdict::MalformedQuestion | Verdict::NoConnection | Verdict::Connected => {}
    }
    if l.verdict.is_hostile() {
        return out;
    }
    for i in l.asked_for().filter(|i| i.ports_seen.len() > 1).take(4) {
        let ports: Vec<String> = i.ports_seen.iter().map(u16::to_string).collect();
        out.push(format!(
            "The port of {} is dynamic: it was {} in this capture. A firewall needs a static one: empty TCP Dynamic \
             Ports and set TCP Port in SQL Server Configuration Manager.",
            i.name.as_deref().map_or_else(|| "the instance".to_owned(), name),
            ports.join(", then ")
        ));
    }
    if l.verdict.is_trouble()
        && let Some(port) = port.filter(|p| DYNAMIC.contains(p))
        && l.asked_for().all(|i| i.ports_seen.len() < 2)
    {
        out.push(format!("{port} lies where Windows gives out ports: it may be another after a restart."));
    }
    if !l.others.is_empty() {
        let others: Vec<String> = l.others.iter().take(4).map(ToString::to_string).collect();
        if !l.server.ip().is_multicast() && !is_broadcast(l) {
            out.push(format!(
                "Answered from another address than asked ({}), as a cluster does; firewalls that expect the answer \
                 from the address asked drop it.",
                others.join(", ")
            ));
        }
    }
    out
}

fn is_broadcast(l: &Lookup) -> bool {
    l.kind == Some(RequestKind::BroadcastEx)
        || matches!(l.server.ip(), std::net::IpAddr::V4(a) if a.is_broadcast() || a.octets()[3] == 255)
}

fn connections<'a>(l: &'a Lookup, analysis: &'a Analysis) -> impl Iterator<Item = &'a SqlConnection> {
    l.connections.iter().filter_map(|c| analysis.sql.connections.get(*c as usize))
}

fn what_happened(l: &Lookup, analysis: &Analysis) -> String {
    let title = || connections(l, analysis).filter_map(SqlConnection::facts).find_map(|f| f.login_error());
    match l.verdict {
        Verdict::LoginFailed(number) => {
            let words = error_title(number).unwrap_or("the login failed");
            let state =
                title().map_or_else(String::new, |e| format!(", state {}, severity {}", e.state, e.class));
            let text = title().map(|e| show::shorten(&show::safe_str(&e.text), 160)).unwrap_or_default();
            let quoted = if text.is_empty() { String::new() } else { format!(" The server: \"{text}\".") };
            format!("Error {number}{state}: {words}.{quoted}")
        }
        Verdict::Connected | Verdict::NoConnection => {
            format!("{}.", capital(verdict(l.verdict)))
        }
        Verdict::OtherPort => {
            let to = connections(l, analysis).next().map_or(0, |c| c.server.port());
            let told: Vec<String> = l.ports().iter().take(4).map(u16::to_string).collect();
            let told = if told.is_empty() { "no port".to_owned() } else { told.join(", ") };
            format!("The answer says {told}, the connection goes to {to}.")
        }
        _ => {
            let words = show::sql::answer(l, analysis);
            let then = show::sql::then(l, analysis);
            match (words.is_empty(), l.connections.is_empty()) {
                (true, _) => format!("{}.", capital(then)),
                (false, true) => format!("{}.", capital(words)),
                (false, false) => format!("{}; {then}.", capital(words)),
            }
        }
    }
}

/// Its first letter large.
fn capital(mut words: String) -> String {
    if let Some(first) = words.get(..1).map(str::to_uppercase) {
        words.replace_range(..1, &first);
    }
    words
}

fn unreachable(l: &Lookup, analysis: &Analysis) -> String {
    let first = l.errors.first().and_then(|e| analysis.sql.errors.get(*e as usize));
    let text = match first.map(|e| e.kind) {
        Some(
            BreakageKind::Icmp { v6: false, kind: 3, code: 3 }
            | BreakageKind::Icmp { v6: true, kind: 1, code: 4 },
        ) => "The machine is up and nothing listens on UDP 1434: start the SQL Server Browser service.",
        Some(
            BreakageKind::Icmp { v6: false, kind: 3, code: 9 | 10 | 13 }
            | BreakageKind::Icmp { v6: true, kind: 1, code: 1 },
        ) => "A firewall refuses UDP 1434 and says so.",
        _ => "The machine cannot be reached: it is down, or there is no way to it.",
    };
    text.to_owned()
}

fn amplification(l: &Lookup, analysis: &Analysis) -> u64 {
    let records = l.records.iter().filter_map(|r| analysis.sql.records.get(*r as usize));
    let (mut asked, mut told) = (0u64, 0u64);
    for r in records {
        *(if r.question.is_some() { &mut asked } else { &mut told }) += u64::from(r.bytes.len);
    }
    told / asked.max(1)
}
