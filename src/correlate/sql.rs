//! SQL Server Browser and what follows it: questions and answers as they pass, the connections to the ports they name,
//! and the look-ups these make together.

use std::net::{IpAddr, SocketAddr};

use callscope_parsers::sqlr::{self, Pattern, RequestKind, SqlrMessage, parse_sqlr};
use hashbrown::{HashMap, HashSet};

use super::Analysis;
use super::model::*;
use crate::capture::{FrameRef, Nanos};
use crate::decode::{Breakage, BreakageKind, DecodedSqlr, Place, name_hash};

mod connection;
mod lookup;
#[cfg(test)]
mod tests;
mod verdict;

pub use connection::{
    ConnectionState, Login, PreloginFacts, ServerError, SqlConnection, Step, StepKind, TdsFacts,
};
pub use lookup::{Instance, Lookup, LookupState};
pub use verdict::Verdict;

/// Datagrams with their ICMP errors, connections, and how many there were.
#[derive(Debug, Default)]
pub struct Sql {
    pub records: Vec<SqlrRecord>,
    pub statistics: SqlStatistics,
    /// ICMP errors about questions.
    pub errors: Vec<SqlError>,
    pub connections: Vec<SqlConnection>,
    /// The latest connection between client and server.
    by_ends: HashMap<(SocketAddr, SocketAddr), u32, foldhash::fast::RandomState>,
    /// Messages of several frames by the last of these.
    assembled: HashMap<FrameRef, u32, foldhash::fast::RandomState>,
    /// Machines that were asked or that answered.
    hosts: HashSet<IpAddr, foldhash::fast::RandomState>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SqlStatistics {
    pub requests: u64,
    pub responses: u64,
    pub malformed: u64,
    pub prelogins: u64,
}

/// A question or an answer.
#[derive(Debug, Clone, Copy)]
pub struct SqlrRecord {
    pub time: Nanos,
    pub frame: FrameRef,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub bytes: BytesRef,
    /// `None` for an answer.
    pub question: Option<RequestKind>,
    pub pattern: Option<Pattern>,
    /// Of the instance's name in small letters; 0 without.
    name: u64,
    pub malformed: bool,
    /// The capture holds only its beginning.
    pub cut: bool,
}

/// An ICMP error about a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlError {
    pub client: SocketAddr,
    pub server: SocketAddr,
    pub kind: BreakageKind,
    pub by: IpAddr,
    pub frame: FrameRef,
    pub time: Nanos,
}

impl Sql {
    /// Is there anything to tell?
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.connections.is_empty()
    }

    /// The message that was put together from several frames, of which this is the last.
    pub fn record_in(&self, frame: FrameRef) -> Option<&SqlrRecord> {
        self.records.get(*self.assembled.get(&frame)? as usize)
    }

    /// The latest connection between two ends, whichever is the client, and whether `src` is.
    pub fn connection_between(&self, src: SocketAddr, dst: SocketAddr) -> Option<(&SqlConnection, bool)> {
        let find = |ends| self.by_ends.get(&ends).and_then(|i| self.connections.get(*i as usize));
        find((src, dst)).map(|c| (c, true)).or_else(|| find((dst, src)).map(|c| (c, false)))
    }
}

impl Analysis {
    /// Keeps a question or an answer. `false`: a limit is hit.
    pub(crate) fn add_sqlr(&mut self, m: &DecodedSqlr<'_>) -> bool {
        let Some(message) = parse_sqlr(m.bytes) else { return true };
        let malformed = message.is_malformed() && !m.cut;
        let statistics = &mut self.sql.statistics;
        statistics.malformed += u64::from(malformed);
        let (question, name) = match &message.message {
            SqlrMessage::Request(request) => {
                statistics.requests += 1;
                let name = request.instance.as_ref().map(|n| n.bytes.to_ascii_lowercase());
                (Some(request.kind), name.map_or(0, |n| name_hash(&n)))
            }
            SqlrMessage::Response(_) => {
                statistics.responses += 1;
                (None, 0)
            }
        };
        if m.duplicate {
            return true;
        }
        if self.sql.records.len() >= self.limits.sqlr_messages {
            self.note_limit("limit-sqlr-messages", m.frame, "messages beyond it are counted but not kept");
            return false;
        }
        let Some(bytes) = self.place(&m.place, m.frame) else { return false };
        self.newest = self.newest.max(m.time);
        self.sql.hosts.insert(if question.is_some() { m.dst.ip() } else { m.src.ip() });
        if matches!(m.place, Place::Memory(_))
            && let Ok(at) = u32::try_from(self.sql.records.len())
        {
            self.sql.assembled.insert(m.frame, at);
        }
        let (time, frame, src, dst, cut) = (m.time, m.frame, m.src, m.dst, m.cut);
        let pattern = message.pattern;
        self.sql.records.push(SqlrRecord {
            time,
            frame,
            src,
            dst,
            bytes,
            question,
            pattern,
            name,
            malformed,
            cut,
        });
        true
    }

    /// Keeps an ICMP error about a question or about what follows one. `true`: it is.
    pub(crate) fn add_sql_error(&mut self, b: &Breakage) -> bool {
        if !matches!(b.kind, BreakageKind::Icmp { .. }) {
            return false;
        }
        match b.transport {
            Transport::Udp if b.dst.port() == sqlr::PORT && self.sql.hosts.contains(&b.dst.ip()) => {
                if self.sql.errors.len() >= self.limits.sqlr_messages {
                    return true;
                }
                let Breakage { kind, by, frame, time, .. } = *b;
                self.sql.errors.push(SqlError { client: b.src, server: b.dst, kind, by, frame, time });
                true
            }
            Transport::Tcp => self.sql.connection_error(b),
            _ => false,
        }
    }
}
