//! A TCP connection to SQL Server: how it opened, and how the two sides agreed ([MS-TDS]).

use std::net::{IpAddr, SocketAddr};

use callscope_parsers::sqlr;
use callscope_parsers::tds::{
    self, Encryption, EncryptionOutcome, EnvChange, PacketType, TdsContent, TdsMessage, Token,
    encryption_outcome,
};

use super::{Analysis, Sql};
use crate::capture::{FrameRef, Nanos};
use crate::decode::{Breakage, BreakageKind, DecodedTds, TcpSign, TcpSignKind, TdsStep, TlsSession};

/// Port of the default instance.
pub const DEFAULT_PORT: u16 = 1433;
/// Steps kept of one connection.
const STEPS: usize = 48;
/// ERROR tokens kept of one connection.
const ERRORS: usize = 8;
/// Characters kept of a text.
const TEXT: usize = 256;

/// How a connection came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectionState {
    Established,
    /// RST where an answer to the SYN was expected.
    Refused,
    Unanswered,
    /// An ICMP error came back.
    Prohibited,
}

impl ConnectionState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Prohibited => "prohibited",
        }
    }
}

/// Something that happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub frame: FrameRef,
    pub time: Nanos,
    pub from_server: bool,
    pub kind: StepKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    Syn,
    SynAck,
    Reset,
    Icmp(BreakageKind, IpAddr),
    Prelogin,
    /// TLS inside PRELOGIN packets.
    TlsInside,
    /// TLS records stand bare.
    Tls,
    Login,
    /// The server answers: its first error, or whether it took the login.
    Answer {
        error: Option<i32>,
        login: bool,
    },
    Request(PacketType),
    Multiplexed,
    Wrong(String),
}

/// What one side's PRELOGIN says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreloginFacts {
    pub frame: FrameRef,
    /// Major, minor, build.
    pub version: Option<(u8, u8, u16)>,
    pub encryption: Option<Encryption>,
    /// Instance that the client asks for, where it names one.
    pub instance: Option<String>,
    /// The server's answer to that.
    pub instance_match: Option<bool>,
    pub mars: Option<bool>,
    pub fed_auth_required: Option<bool>,
}

/// A login in clear. The password is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub frame: FrameRef,
    pub tds_version: u32,
    pub host: String,
    pub user: String,
    pub program: String,
    pub server: String,
    pub library: String,
    pub database: String,
    pub integrated: bool,
    pub has_password: bool,
}

impl Login {
    /// `texts`: host, user, program, server, library, database.
    fn of(frame: FrameRef, tds_version: u32, texts: [&String; 6], has_password: bool) -> Self {
        let [host, user, program, server, library, database] = texts.map(|t| kept(t));
        let integrated = false;
        Self { frame, tds_version, host, user, program, server, library, database, integrated, has_password }
    }
}

/// An ERROR token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    pub frame: FrameRef,
    pub number: i32,
    pub state: u8,
    pub class: u8,
    pub text: String,
}

/// What client and server said to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TdsFacts {
    pub client: Option<PreloginFacts>,
    pub server: Option<PreloginFacts>,
    pub login: Option<Login>,
    /// TDS version and program of the server that took the login.
    pub accepted: Option<(u32, String)>,
    pub errors: Vec<ServerError>,
    /// TLS was spoken, inside TDS or behind PRELOGIN.
    pub tls: bool,
    /// The server sends the client elsewhere.
    pub routed: Option<(String, u16)>,
    /// First request after the login, and the first answer to it.
    pub asked: Option<Nanos>,
    pub answered: Option<(FrameRef, Nanos)>,
}

impl TdsFacts {
    /// What the two ENCRYPTION values come to.
    pub fn outcome(&self) -> Option<EncryptionOutcome> {
        let of = |side: &Option<PreloginFacts>| side.as_ref()?.encryption;
        encryption_outcome(of(&self.client)?, of(&self.server)?)
    }

    /// The error that ended the login: the first of severity 11 and more where none was accepted.
    pub fn login_error(&self) -> Option<&ServerError> {
        self.errors.iter().find(|e| e.class > 10).filter(|_| self.accepted.is_none())
    }
}

#[derive(Debug, Clone)]
pub struct SqlConnection {
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// Of the first frame seen of it.
    pub frame: FrameRef,
    pub time: Nanos,
    /// SYNs sent; 0 where it was joined later.
    pub syns: u16,
    pub last_syn: Nanos,
    pub syn_ack: Option<Nanos>,
    /// RSTs that answered a SYN.
    pub resets: u16,
    pub error: Option<(BreakageKind, IpAddr)>,
    pub tds: Option<Box<TdsFacts>>,
    /// It begins with TLS, as TDS 8.0 does.
    pub direct_tls: bool,
    pub steps: Vec<Step>,
    seq: u32,
}

impl SqlConnection {
    pub fn state(&self) -> ConnectionState {
        if self.syn_ack.is_some() || self.tds.is_some() {
            ConnectionState::Established
        } else if self.resets > 0 {
            ConnectionState::Refused
        } else if self.error.is_some() {
            ConnectionState::Prohibited
        } else {
            ConnectionState::Unanswered
        }
    }

    fn note(&mut self, frame: FrameRef, time: Nanos, from_server: bool, kind: StepKind) {
        if self.steps.len() < STEPS {
            self.steps.push(Step { frame, time, from_server, kind });
        }
    }

    pub fn facts(&self) -> Option<&TdsFacts> {
        self.tds.as_deref()
    }
}

impl Sql {
    /// Is a connection to there worth a record?
    fn is_of_interest(&self, server: SocketAddr) -> bool {
        server.port() == DEFAULT_PORT || (server.port() != sqlr::PORT && self.hosts.contains(&server.ip()))
    }

    fn latest(&mut self, client: SocketAddr, server: SocketAddr) -> Option<&mut SqlConnection> {
        let at = *self.by_ends.get(&(client, server))?;
        self.connections.get_mut(at as usize)
    }

    /// An ICMP error about a SYN.
    pub(super) fn connection_error(&mut self, b: &Breakage) -> bool {
        let Some(c) = self.latest(b.src, b.dst) else { return false };
        if c.syn_ack.is_none() && c.error.is_none() {
            c.error = Some((b.kind, b.by));
        }
        c.note(b.frame, b.time, true, StepKind::Icmp(b.kind, b.by));
        true
    }
}

impl Analysis {
    /// The connection between two ends, new ones up to the limit.
    fn sql_connection(
        &mut self,
        client: SocketAddr,
        server: SocketAddr,
        frame: FrameRef,
        time: Nanos,
    ) -> Option<&mut SqlConnection> {
        let at = self.sql.connections.len();
        if at >= self.limits.sql_connections {
            self.note_limit(
                "limit-sql-connections",
                frame,
                "further connections to SQL Server are not told of",
            );
            return None;
        }
        self.sql.by_ends.insert((client, server), u32::try_from(at).ok()?);
        self.sql.connections.push(SqlConnection {
            client,
            server,
            frame,
            time,
            syns: 0,
            last_syn: time,
            syn_ack: None,
            resets: 0,
            error: None,
            tds: None,
            direct_tls: false,
            steps: Vec::new(),
            seq: 0,
        });
        self.sql.connections.last_mut()
    }

    /// Takes a SYN, its answer or a reset. `true`: it may be of a connection that a look-up led to.
    pub(crate) fn add_tcp_sign(&mut self, sign: &TcpSign) -> bool {
        self.note_opening(sign);
        let TcpSign { src, dst, frame, time, .. } = *sign;
        match sign.kind {
            TcpSignKind::Syn => {
                if !self.sql.is_of_interest(dst) {
                    return false;
                }
                // The same SYN again, whether or not it was refused before.
                let again = self
                    .sql
                    .latest(src, dst)
                    .is_some_and(|c| c.seq == sign.seq && c.syns > 0 && c.tds.is_none());
                if !again && self.sql_connection(src, dst, frame, time).is_none() {
                    return true;
                }
                let Some(c) = self.sql.latest(src, dst) else { return true };
                c.seq = sign.seq;
                c.syns = c.syns.saturating_add(1);
                c.last_syn = time;
                c.note(frame, time, false, StepKind::Syn);
            }
            TcpSignKind::SynAck => {
                let Some(c) = self.sql.latest(dst, src) else { return false };
                if c.syn_ack.is_none() {
                    c.syn_ack = Some(time);
                    c.note(frame, time, true, StepKind::SynAck);
                }
            }
            TcpSignKind::Reset => {
                let Some(c) = self.sql.latest(dst, src) else {
                    let Some(c) = self.sql.latest(src, dst) else { return false };
                    c.note(frame, time, false, StepKind::Reset);
                    return true;
                };
                if c.syn_ack.is_none() && c.tds.is_none() {
                    c.resets = c.resets.saturating_add(1);
                }
                c.note(frame, time, true, StepKind::Reset);
            }
        }
        true
    }

    /// Notes that TLS begins on a connection, where one to SQL Server is.
    pub(in crate::correlate) fn sql_tls(&mut self, session: &TlsSession) {
        if let (Some(client), Some(server)) = (session.client, session.server)
            && let Some(c) = self.sql.latest(client, server)
        {
            c.direct_tls = true;
            c.note(session.frame, session.first, false, StepKind::Tls);
        }
    }

    /// Takes a step of a connection that speaks TDS.
    pub(in crate::correlate) fn add_tds(&mut self, m: &DecodedTds<'_>) {
        if let TdsStep::Message(message) = m.step
            && message.content() == TdsContent::Prelogin
            && !message.payload.is_empty()
        {
            self.sql.statistics.prelogins += 1;
        }
        self.newest = self.newest.max(m.time);
        if self.sql.latest(m.client, m.server).is_none()
            && self.sql_connection(m.client, m.server, m.frame, m.time).is_none()
        {
            return;
        }
        let Some(c) = self.sql.latest(m.client, m.server) else { return };
        let facts = c.tds.get_or_insert_default();
        let kind = match m.step {
            TdsStep::Message(message) => facts.take(message, m),
            TdsStep::Tls => {
                facts.tls = true;
                Some(StepKind::Tls)
            }
            TdsStep::Multiplexed => Some(StepKind::Multiplexed),
            TdsStep::Wrong(text) => Some(StepKind::Wrong(text.to_owned())),
        };
        if let Some(kind) = kind {
            c.note(m.frame, m.time, m.from_server, kind);
        }
    }
}

impl TdsFacts {
    fn take(&mut self, message: &TdsMessage, m: &DecodedTds<'_>) -> Option<StepKind> {
        let payload = message.payload.as_slice();
        match message.content() {
            TdsContent::Prelogin => {
                let read = tds::parse_prelogin(payload, m.from_server);
                let name = match read.instance {
                    Some(tds::InstanceOption::Name(name)) if !name.is_empty() => {
                        Some(kept(&sqlr::code_page_1252(name)))
                    }
                    _ => None,
                };
                let said = PreloginFacts {
                    frame: m.frame,
                    version: read.version.map(|v| (v.major, v.minor, v.build)),
                    encryption: read.encryption,
                    instance: name,
                    instance_match: read.instance_matches(),
                    mars: read.mars,
                    fed_auth_required: read.fed_auth_required,
                };
                let side = if m.from_server { &mut self.server } else { &mut self.client };
                side.get_or_insert(said);
                Some(StepKind::Prelogin)
            }
            TdsContent::Tls => {
                self.tls = true;
                Some(StepKind::TlsInside)
            }
            TdsContent::Login7 => {
                let l = tds::parse_login7(payload);
                let texts = [&l.host, &l.user, &l.program, &l.server, &l.library, &l.database];
                let login = Login::of(m.frame, l.tds_version, texts, l.has_password);
                self.login.get_or_insert(Login { integrated: l.integrated, ..login });
                Some(StepKind::Login)
            }
            TdsContent::Tokens => Some(self.tokens(payload, m)),
            TdsContent::Other if message.kind == PacketType::OLD_LOGIN => {
                let l = tds::parse_old_login(payload);
                let texts = [&l.host, &l.user, &l.program, &l.server, &l.library, &String::new()];
                self.login.get_or_insert(Login::of(m.frame, l.tds_version, texts, l.has_password));
                Some(StepKind::Login)
            }
            TdsContent::Other if m.from_server => None,
            TdsContent::Other => {
                if self.accepted.is_some() {
                    self.asked.get_or_insert(m.time);
                }
                Some(StepKind::Request(message.kind))
            }
        }
    }

    fn tokens(&mut self, payload: &[u8], m: &DecodedTds<'_>) -> StepKind {
        let read = tds::parse_tokens(payload);
        let mut login = false;
        if self.asked.is_some() {
            self.answered.get_or_insert((m.frame, m.time));
        }
        for token in &read.tokens {
            match token {
                Token::Error(e) if self.errors.len() < ERRORS => self.errors.push(ServerError {
                    frame: m.frame,
                    number: e.number,
                    state: e.state,
                    class: e.class,
                    text: kept(&e.text),
                }),
                Token::LoginAck(ack) => {
                    login = true;
                    self.accepted.get_or_insert((ack.tds_version, kept(&ack.program)));
                }
                Token::EnvChange(EnvChange::Routing { server, port }) => {
                    self.routed = Some((kept(server), *port));
                }
                _ => {}
            }
        }
        StepKind::Answer { error: read.error().map(|e| e.number), login }
    }
}

fn kept(text: &str) -> String {
    text.chars().take(TEXT).collect()
}
