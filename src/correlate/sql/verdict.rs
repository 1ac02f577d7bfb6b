//! What came of a look-up or a connection.

use callscope_parsers::sqlr::{Pattern, RequestKind};
use callscope_parsers::tds::EncryptionOutcome;

use super::{Analysis, ConnectionState, Lookup, LookupState, SqlConnection};

/// The first thing that went wrong, or how far it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Traffic of a worm or of an attack.
    Hostile(Pattern),
    /// Lists asked for in such number that somebody else is meant.
    Amplification,
    Silent,
    Unreachable,
    MalformedQuestion,
    MalformedAnswer,
    /// Microsoft's clients drop the answer for its size.
    Dropped,
    /// The answer has no TCP port for what was asked for.
    NoTcp,
    /// The answer was for another instance, or had none.
    NoInstance,
    /// Answered, and no connection is in the capture.
    NoConnection,
    Refused,
    Filtered,
    Prohibited,
    InstanceMismatch,
    EncryptionDisagreement,
    /// The login was refused, with the error's number.
    LoginFailed(i32),
    /// Connected, but elsewhere than the answer says.
    OtherPort,
    Connected,
}

impl Verdict {
    pub(super) fn of(analysis: &Analysis, l: &Lookup, flood: bool) -> Self {
        if let Some(pattern) = l.pattern {
            return Self::Hostile(pattern);
        }
        if flood {
            return Self::Amplification;
        }
        let connections: Vec<&SqlConnection> =
            l.connections.iter().filter_map(|c| analysis.sql.connections.get(*c as usize)).collect();
        let ports = l.ports();
        // What went well at last counts; else what went wrong first.
        let came: Vec<Self> = connections.iter().map(|c| of_connection(c, &ports, l)).collect();
        let connected = came.iter().find(|v| **v == Self::Connected);
        let best = connected.or_else(|| came.iter().find(|v| !v.is_trouble())).or(came.first()).copied();
        if l.is_connection() {
            return best.unwrap_or(Self::NoConnection);
        }
        match l.state {
            LookupState::Unanswered => best.unwrap_or(Self::Silent),
            LookupState::Unreachable => best.unwrap_or(Self::Unreachable),
            LookupState::Malformed if l.answers == 0 => Self::MalformedQuestion,
            LookupState::Malformed => best.unwrap_or(Self::MalformedAnswer),
            LookupState::Answered => match best {
                Some(found) => found,
                None if l.dropped => Self::Dropped,
                None if !ports.is_empty() => Self::NoConnection,
                None if l.asked_for().next().is_some() => {
                    // Of a list, that some have none is nothing wrong with it.
                    if l.kind == Some(RequestKind::UnicastInstance) || l.instances.len() == 1 {
                        Self::NoTcp
                    } else {
                        Self::NoConnection
                    }
                }
                None => Self::NoInstance,
            },
        }
    }

    /// Does it keep the client from its database?
    pub fn is_trouble(self) -> bool {
        !matches!(self, Self::Connected | Self::NoConnection | Self::OtherPort)
    }

    /// Is it traffic that has no business there?
    pub fn is_hostile(self) -> bool {
        matches!(self, Self::Hostile(_) | Self::Amplification)
    }
}

fn of_connection(c: &SqlConnection, ports: &[u16], l: &Lookup) -> Verdict {
    match c.state() {
        ConnectionState::Refused => return Verdict::Refused,
        ConnectionState::Unanswered => return Verdict::Filtered,
        ConnectionState::Prohibited => return Verdict::Prohibited,
        ConnectionState::Established => {}
    }
    if let Some(facts) = c.facts() {
        if facts.server.as_ref().and_then(|s| s.instance_match) == Some(false) {
            return Verdict::InstanceMismatch;
        }
        if facts.outcome() == Some(EncryptionOutcome::Closed) && facts.accepted.is_none() {
            return Verdict::EncryptionDisagreement;
        }
        if let Some(error) = facts.login_error() {
            return Verdict::LoginFailed(error.number);
        }
    }
    if l.takes_pipe(c.server.port()) {
        return Verdict::Connected;
    }
    let elsewhere = !l.is_connection() && l.answers > 0 && !ports.contains(&c.server.port());
    if elsewhere { Verdict::OtherPort } else { Verdict::Connected }
}
