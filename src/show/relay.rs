//! TURN allocations in words: what became of them, and why there is no relay.

use std::net::SocketAddr;

use callscope_parsers::stun::words::error_words;

use super::{breakage, breakage_by, count, safe_str};
use crate::correlate::stun::{Allocation, AllocationState};
use crate::correlate::{Analysis, Str};

/// What stands in the place of a relay that was not granted: `refused 401`, `no answer`, `ICMP port unreachable`,
/// `sent to another server`.
pub fn refusal(analysis: &Analysis, a: &Allocation) -> String {
    match a.error {
        Some((300, _)) => "sent to another server".to_owned(),
        Some(_) if sent_on(a).is_some() => "sent to another server".to_owned(),
        Some((code, _)) if gave_up(a) => format!("{code}, not tried again"),
        Some((code, _)) => format!("refused {code}"),
        None => match analysis.unreachable_server(a) {
            Some(u) => breakage(u.kind),
            None => cut(analysis, a).unwrap_or_else(|| "no answer".to_owned()),
        },
    }
}

/// `TCP reset by the server`, in the place of an answer.
pub fn cut(analysis: &Analysis, a: &Allocation) -> Option<String> {
    analysis.cut_by_server(a).map(|b| format!("{} by the server", breakage(b.kind)))
}

/// Whether the last word is a challenge that the client did not take up.
pub fn gave_up(a: &Allocation) -> bool {
    matches!(a.error, Some((401 | 438, _))) && !a.rounds.iter().any(|r| r.credentials)
}

/// The other server that a client was sent on to: by 300, or by the challenge of [MS-TURN] (section 2.2.2.7), which names
/// where the next Allocate goes.
pub fn sent_on(a: &Allocation) -> Option<SocketAddr> {
    let other = a.alternate.filter(|to| *to != a.server);
    match a.error? {
        (300, _) => other,
        (401, _) if gave_up(a) => other,
        _ => None,
    }
}

/// Why there is no relayed address, in words.
pub fn refusal_sentence(analysis: &Analysis, a: &Allocation) -> String {
    let to = format!("{} {} over {}", who(a), a.server, a.transport.name().to_uppercase());
    match a.error {
        Some((300, _)) => match a.alternate {
            Some(other) => format!("{to} sent the client on to {other}"),
            None => format!("{to} sent the client on to another server"),
        },
        Some((code, _)) if gave_up(a) => {
            if let Some(other) = sent_on(a) {
                return format!("{to} asked for credentials ({code}) and sent the client on to {other}");
            }
            format!("{to} asked for credentials ({code}) and the client sent none")
        }
        Some((code, reason)) => format!("{to} refused it: {}", error_text(analysis, code, reason, a)),
        None => {
            let sent: u32 = a.rounds.iter().map(|r| r.sent).max().unwrap_or(0);
            if let Some(u) = analysis.unreachable_server(a) {
                return format!("{to} cannot be reached: {}", breakage_by(u.kind, u.by));
            }
            if let Some(b) = analysis.cut_by_server(a) {
                return format!("{to} did not answer: {}", breakage_by(b.kind, b.by));
            }
            format!("{to} did not answer ({} sent)", count(u64::from(sent), "request", "requests"))
        }
    }
}

fn who(a: &Allocation) -> &'static str {
    if a.rounds.is_empty() { "server" } else { "TURN server" }
}

/// `401 Unauthorized: the credentials are wrong or expired`.
pub fn error_text(analysis: &Analysis, code: u16, reason: Str, a: &Allocation) -> String {
    if code == 401 && a.rounds.iter().any(|r| r.credentials) {
        return "401 Unauthorized though it sent credentials: they are wrong or expired".to_owned();
    }
    match error_words(code, a.dialect) {
        Some((name, meaning)) => format!("{code} {name}: {meaning}"),
        None => {
            let reason = safe_str(&analysis.text(reason));
            if reason.is_empty() { format!("error {code}") } else { format!("{code} {reason}") }
        }
    }
}

/// How the allocation came about, short: `401 → success`, `401 → 431 ×6`, `no answer, sent 7 times`, `300 → 10.0.0.2:3478`.
pub fn story(a: &Allocation) -> String {
    let mut words: Vec<(String, u32)> = Vec::new();
    for r in a.rounds.iter().filter(|r| r.allocate) {
        let word = match (r.response.is_some(), r.error) {
            (false, _) => format!("no answer, sent {}", times(r.sent)),
            (true, 0) => "success".to_owned(),
            (true, 300) => match a.alternate {
                Some(other) => format!("300 try {other}"),
                None => "300 try another server".to_owned(),
            },
            (true, code) => code.to_string(),
        };
        match words.last_mut() {
            Some((known, n)) if *known == word => *n += 1,
            _ => words.push((word, 1)),
        }
    }
    if words.is_empty() {
        return if a.rounds.is_empty() { "made before the capture".to_owned() } else { String::new() };
    }
    let more = words.len().saturating_sub(5);
    let mut shown: Vec<String> =
        words.into_iter().take(5).map(|(w, n)| if n > 1 { format!("{w} ×{n}") } else { w }).collect();
    if more > 0 {
        shown.push("…".to_owned());
    }
    shown.join(" → ")
}

pub fn times(n: u32) -> String {
    match n {
        0 | 1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// `allocated`, `refused 431`, `no answer`, `relay unreachable: ICMP port unreachable` …
pub fn outcome(analysis: &Analysis, a: &Allocation) -> String {
    match a.state(analysis.newest_time()) {
        AllocationState::Rejected => refusal(analysis, a),
        AllocationState::Unanswered => match analysis.unreachable_server(a) {
            Some(u) => format!("relay unreachable: {}", breakage(u.kind)),
            None => cut(analysis, a).unwrap_or_else(|| "no answer".to_owned()),
        },
        other => other.name().to_owned(),
    }
}

/// Whether it came to nothing. Being sent on to another server is no failure.
pub fn failed(analysis: &Analysis, a: &Allocation) -> bool {
    matches!(a.state(analysis.newest_time()), AllocationState::Rejected | AllocationState::Unanswered)
        && !matches!(a.error, Some((300, _)))
        && sent_on(a).is_none()
}
