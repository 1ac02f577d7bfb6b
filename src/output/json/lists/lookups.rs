//! `sql_lookups` of the contract, and `sql_connections`: the connections that came without a look-up.

use std::collections::BTreeMap;
use std::net::IpAddr;

use callscope_parsers::sqlr::product_of_version;
use callscope_parsers::tds::EncryptionOutcome;
use serde::Serialize;

use super::super::value::{Addr, Frame, Millis, Time};
use crate::correlate::Analysis;
use crate::correlate::gathered::Gathered;
use crate::correlate::sql::{self, ConnectionState, Lookup, SqlConnection};
use crate::view;

#[derive(Debug, Serialize)]
pub(in crate::output::json) struct SqlLookup<'a> {
    id: u32,
    client: Addr,
    server: Addr,
    kind: Option<&'static str>,
    instance: Option<&'a str>,
    requests: u32,
    frame: Option<Frame>,
    time: Time,
    answer_frame: Option<Frame>,
    ms: Option<Millis>,
    answers: u32,
    /// Other machines than the one asked that answered.
    answered_by: Vec<IpAddr>,
    state: &'static str,
    /// What an ICMP error says, where one came back.
    error: Option<String>,
    pattern: Option<&'static str>,
    issues: Vec<String>,
    instances: Vec<Instance<'a>>,
    dac_port: Option<u16>,
    connection: Connection<'a>,
    /// The others that followed.
    more_connections: Vec<Connection<'a>>,
    verdict: String,
    /// Frames of answers 5xx of the client in the same seconds.
    sip_errors: Vec<Frame>,
}

#[derive(Debug, Serialize)]
struct Instance<'a> {
    server: Option<&'a str>,
    instance: Option<&'a str>,
    clustered: Option<bool>,
    version: Option<&'a str>,
    product: Option<&'static str>,
    tcp: Option<u16>,
    pipe: Option<&'a str>,
    other: &'a BTreeMap<String, String>,
    /// Every port it was told to have, where it changed.
    ports_seen: &'a [u16],
    from: IpAddr,
    frame: Frame,
}

#[derive(Debug, Default, Serialize)]
struct Connection<'a> {
    frame: Option<Frame>,
    client: Option<Addr>,
    server: Option<Addr>,
    port: Option<u16>,
    matches_answer: Option<bool>,
    state: &'static str,
    syns: u16,
    connect_ms: Option<Millis>,
    error: Option<String>,
    /// Version of the server's PRELOGIN: major, minor, build.
    tds_version: Option<String>,
    product: Option<&'static str>,
    client_version: Option<String>,
    /// The server's word in PRELOGIN.
    encryption: Option<&'static str>,
    encryption_asked: Option<&'static str>,
    encryption_outcome: Option<&'static str>,
    instance_match: Option<bool>,
    mars: Option<bool>,
    tls: bool,
    /// TDS version of the login.
    login_version: Option<String>,
    login: Option<Login<'a>>,
    accepted: Option<bool>,
    errors: Vec<Error<'a>>,
    first_answer_ms: Option<Millis>,
}

#[derive(Debug, Serialize)]
struct Login<'a> {
    frame: Frame,
    host: &'a str,
    user: &'a str,
    program: &'a str,
    server: &'a str,
    database: &'a str,
    integrated: bool,
}

#[derive(Debug, Serialize)]
struct Error<'a> {
    frame: Frame,
    number: i32,
    state: u8,
    severity: u8,
    text: &'a str,
}

/// A connection that came without a look-up.
#[derive(Debug, Serialize)]
pub(in crate::output::json) struct SqlConnectionRow<'a> {
    id: u32,
    time: Time,
    instance: Option<&'a str>,
    #[serde(flatten)]
    connection: Connection<'a>,
    verdict: String,
    sip_errors: Vec<Frame>,
}

/// A row that is a look-up.
pub(super) fn row<'a>(analysis: &'a Analysis, gathered: &'a Gathered<'a>, at: u32) -> Option<SqlLookup<'a>> {
    let l = gathered.lookups().get(at as usize).filter(|l| !l.is_connection())?;
    let mut connections = connections(analysis, l);
    // The one that came farthest stands for all.
    let best = connections.iter().position(|c| c.state == ConnectionState::Established.name());
    let connection = match best.or((!connections.is_empty()).then_some(0)) {
        Some(i) => connections.remove(i),
        None => Connection { state: "none", ..Connection::default() },
    };
    let error = l.errors.first().and_then(|e| analysis.sql.errors.get(*e as usize));
    Some(SqlLookup {
        id: at + 1,
        client: Addr(l.client),
        server: Addr(l.server),
        kind: l.kind.map(|k| k.name()),
        instance: l.instance.as_deref(),
        requests: l.requests,
        frame: (l.requests > 0).then(|| l.frame.into()),
        time: Time(l.start),
        answer_frame: l.answer.map(|(f, _)| f.into()),
        ms: l.wait.map(Millis),
        answers: l.answers,
        answered_by: l.others.clone(),
        state: l.state.name(),
        error: error.map(|e| view::show::breakage(e.kind)),
        pattern: l.pattern.map(|p| p.title()),
        issues: l.issues.iter().map(|(_, text)| text.clone()).collect(),
        instances: l.instances.iter().map(instance).collect(),
        dac_port: l.dac_port,
        connection,
        more_connections: connections,
        verdict: view::sql::verdict(l.verdict),
        sip_errors: sip_errors(analysis, l),
    })
}

/// A row that is a connection only.
pub(in crate::output::json) fn connection_row<'a>(
    analysis: &'a Analysis,
    gathered: &'a Gathered<'a>,
    at: u32,
) -> Option<SqlConnectionRow<'a>> {
    let l = gathered.lookups().get(at as usize).filter(|l| l.is_connection())?;
    Some(SqlConnectionRow {
        id: at + 1,
        time: Time(l.start),
        instance: l.instance.as_deref(),
        connection: connections(analysis, l).into_iter().next()?,
        verdict: view::sql::verdict(l.verdict),
        sip_errors: sip_errors(analysis, l),
    })
}

fn sip_errors(analysis: &Analysis, l: &Lookup) -> Vec<Frame> {
    l.sip.iter().map(|m| analysis.message(*m).frame.into()).collect()
}

fn instance(i: &sql::Instance) -> Instance<'_> {
    Instance {
        server: i.server.as_deref(),
        instance: i.name.as_deref(),
        clustered: i.clustered,
        version: i.version.as_deref(),
        product: i.version.as_deref().and_then(product_of_version),
        tcp: i.tcp,
        pipe: i.pipe.as_deref(),
        other: &i.other,
        ports_seen: &i.ports_seen,
        from: i.from,
        frame: i.frame.into(),
    }
}

fn connections<'a>(analysis: &'a Analysis, l: &Lookup) -> Vec<Connection<'a>> {
    let ports = l.ports();
    let all = l.connections.iter().filter_map(|c| analysis.sql.connections.get(*c as usize));
    all.map(|c| connection(c, (l.answers > 0).then(|| ports.contains(&c.server.port())))).collect()
}

fn connection<'a>(c: &'a SqlConnection, matches_answer: Option<bool>) -> Connection<'a> {
    let facts = c.facts();
    let (client, server) = (facts.and_then(|f| f.client.as_ref()), facts.and_then(|f| f.server.as_ref()));
    let dotted = |(major, minor, build): (u8, u8, u16)| format!("{major}.{minor}.{build}");
    let login = facts.and_then(|f| f.login.as_ref());
    let accepted = facts.and_then(|f| f.accepted.as_ref());
    let failed = facts.and_then(|f| f.login_error()).is_some();
    let asked = facts.and_then(|f| Some(f.answered?.1.saturating_sub(f.asked?)));
    Connection {
        frame: Some(c.frame.into()),
        client: Some(Addr(c.client)),
        server: Some(Addr(c.server)),
        port: Some(c.server.port()),
        matches_answer,
        state: c.state().name(),
        syns: c.syns,
        connect_ms: c.syn_ack.filter(|_| c.syns > 0).map(|t| Millis(t.saturating_sub(c.time))),
        error: c.error.map(|(kind, _)| view::show::breakage(kind)),
        tds_version: server.and_then(|s| s.version).map(dotted),
        product: server
            .and_then(|s| s.version)
            .and_then(|(major, minor, _)| callscope_parsers::sqlr::product(major, minor)),
        client_version: client.and_then(|s| s.version).map(dotted),
        encryption: server.and_then(|s| s.encryption).and_then(|e| e.name()),
        encryption_asked: client.and_then(|s| s.encryption).and_then(|e| e.name()),
        encryption_outcome: facts.and_then(|f| f.outcome()).map(|o| match o {
            EncryptionOutcome::LoginOnly => "login",
            EncryptionOutcome::Whole => "whole",
            EncryptionOutcome::None => "none",
            EncryptionOutcome::Closed => "closed",
        }),
        instance_match: server.and_then(|s| s.instance_match),
        mars: client.and_then(|s| s.mars),
        tls: c.direct_tls || facts.is_some_and(|f| f.tls),
        login_version: accepted.map(|a| a.0).or(login.map(|l| l.tds_version)).map(view::sql::tds_version),
        login: login.map(|l| Login {
            frame: l.frame.into(),
            host: &l.host,
            user: &l.user,
            program: &l.program,
            server: &l.server,
            database: &l.database,
            integrated: l.integrated,
        }),
        accepted: if accepted.is_some() { Some(true) } else { failed.then_some(false) },
        errors: facts.map_or_else(Vec::new, |f| {
            let error = |e: &'a sql::ServerError| Error {
                frame: e.frame.into(),
                number: e.number,
                state: e.state,
                severity: e.class,
                text: &e.text,
            };
            f.errors.iter().map(error).collect()
        }),
        first_answer_ms: asked.map(Millis),
    }
}
