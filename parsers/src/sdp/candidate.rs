//! `a=candidate` in every dialect that is on the wire, and what else a description says of ICE.
//!
//! ```text
//! draft-06   <id> <component> <password> <transport> <q> <address> <port>                 Office Communicator 2007
//! draft-19   <foundation> <component> <transport> <priority> <address> <port> typ <type>  2007 R2 and later, with
//!            [raddr <address> rport <port>] …                                             TCP-PASS and TCP-ACT
//! RFC 8839   the same, with [tcptype <active|passive|so>] (RFC 6544) and pairs of name and value
//! ```
//!
//! Told apart line by line, by shape: `typ` is the seventh word, or the third word is a transport, or else the
//! fourth is. A draft-06 line cannot have `typ` there because its seventh word is the port.
//!
//! Accepted beyond the grammar: runs of spaces and tabs (with an issue), words in any case, a missing `typ`, numbers out
//! of their range (with an issue), `raddr` without `rport`, host names, lines of any length.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::ops::Range;

use super::attribute::parse_ip;
use crate::{Issue, mime};

pub mod address;
pub mod bodies;
pub mod description;
mod line;
pub mod priority;
#[cfg(test)]
mod tests;
pub mod username;

pub use address::{AddressRemark, InferredBy, InferredType, infer_type, is_local_range};
pub use bodies::{SdpBody, sdp_bodies};
pub use description::{DefaultAddress, IceDescription, RemoteCandidate, RemoteCandidates};
use line::Glance;
pub use line::parse_candidate;
pub(super) use line::password_of;
pub use priority::{MsLocalPreference, PriorityParts, pair_priority};
pub use username::{ExpectedUsername, UsernameForm, expected_usernames};

/// The kind of candidate lines a description, or a section of it, has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CandidateSyntax {
    #[default]
    None,
    /// RFC 8839.
    Rfc,
    /// draft-ietf-mmusic-ice-06 as in [MS-ICE].
    V06,
    /// draft-ietf-mmusic-ice-19 as in [MS-ICE2].
    V19,
}

impl CandidateSyntax {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rfc => "rfc",
            Self::V06 => "v06",
            Self::V19 => "v19",
        }
    }

    /// Of the lines of one media section. One line with `typ` makes it the newer kind; that it is Microsoft's shows by
    /// `TCP-PASS` and `TCP-ACT`, by a relay that names itself as its related address, or by the local preference of
    /// component 2 being two lower than that of component 1.
    pub fn of(candidates: &[Candidate<'_>]) -> Self {
        let mut lines = Lines::default();
        candidates.iter().for_each(|c| lines.candidate(c));
        match lines.met {
            met if met.v19 => Self::V19,
            met if met.typed => Self::Rfc,
            met => met.syntax(),
        }
    }

    /// Of a whole message or its body: where it has both Microsoft kinds, the newer.
    pub fn of_message(message: &[u8]) -> Self {
        let mut lines = Lines::default();
        // Lines have an equals sign each, and few of them more than one.
        for equals in memchr::memchr_iter(b'=', message) {
            let value =
                message.split_at_checked(equals).and_then(|(before, rest)| candidate_value(before, rest));
            value.into_iter().for_each(|value| lines.value(value));
        }
        lines.met.syntax()
    }
}

/// Which kinds of candidate lines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineKinds {
    pub draft06: bool,
    /// With `typ`.
    pub typed: bool,
    /// Something that only draft-19 of [MS-ICE2] has.
    pub v19: bool,
}

impl LineKinds {
    /// Those of several bodies of a message.
    pub fn join(self, other: Self) -> Self {
        Self {
            draft06: self.draft06 || other.draft06,
            typed: self.typed || other.typed,
            v19: self.v19 || other.v19,
        }
    }

    /// Of a whole message: see [`CandidateSyntax::of_message`].
    pub fn syntax(self) -> CandidateSyntax {
        match self {
            Self { v19: true, .. } | Self { draft06: true, typed: true, .. } => CandidateSyntax::V19,
            Self { typed: true, .. } => CandidateSyntax::Rfc,
            Self { draft06: true, .. } => CandidateSyntax::V06,
            _ => CandidateSyntax::None,
        }
    }
}

/// The candidate lines met so far.
#[derive(Default)]
pub(crate) struct Lines<'a> {
    pub(crate) met: LineKinds,
    /// Foundation and priority of the last one, if it is typed and its priority names its component.
    rated: Option<(&'a [u8], PriorityParts)>,
}

impl<'a> Lines<'a> {
    /// Takes the value of the next one. Once it is clear that they are draft-19, whatever else there is, none is looked at.
    pub(crate) fn value(&mut self, value: &'a [u8]) {
        if self.met.v19 {
            return;
        }
        match Glance::of(value) {
            Some(glance) => self.take(&glance),
            None => self.candidate(&parse_candidate(value, 0)),
        }
    }

    fn candidate(&mut self, c: &Candidate<'a>) {
        let typed = c.shape == Shape::Typed;
        self.take(&Glance {
            typed,
            foundation: c.foundation,
            component: c.component,
            priority: c.priority.parts(),
            is_microsoft: typed && c.is_microsoft(),
        });
    }

    fn take(&mut self, c: &Glance<'a>) {
        self.met.typed |= c.typed;
        self.met.draft06 |= !c.typed;
        let parts = c.priority.filter(|parts| c.typed && Some(parts.component) == c.component);
        let now = parts.map(|parts| (c.foundation, parts));
        // Communicator 2007 R2 rates the components of a UDP candidate so.
        let lowered = match (self.rated, now) {
            (Some((before, first)), Some((foundation, second))) => {
                before == foundation
                    && (first.component, second.component) == (1, 2)
                    && first.type_preference == second.type_preference
                    && first.local_preference.checked_sub(2) == Some(second.local_preference)
            }
            _ => false,
        };
        self.rated = now;
        self.met.v19 |= lowered || c.is_microsoft;
    }
}

/// Value of a candidate line, of which `rest` begins with the first equals sign.
fn candidate_value<'a>(before: &[u8], rest: &'a [u8]) -> Option<&'a [u8]> {
    const NAME: &[u8] = b"=candidate:";
    if !matches!(before, [b'a' | b'A'] | [.., b'\r' | b'\n', b'a' | b'A']) {
        return None;
    }
    let (_, value) = rest.split_at_checked(NAME.len()).filter(|(name, _)| name.eq_ignore_ascii_case(NAME))?;
    let end = memchr::memchr2(b'\r', b'\n', value).unwrap_or(value.len());
    value.get(..end)
}

/// Which of the two line forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// With id and password (draft-06).
    Draft06,
    /// With foundation and `typ` (draft-19 and later).
    Typed,
}

/// Transport word of a candidate line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport<'a> {
    Udp,
    /// RFC 6544 with `tcptype`; in draft-06 both active and passive.
    Tcp,
    TcpPass,
    TcpAct,
    /// Simultaneous open, of the drafts before RFC 6544.
    TcpSo,
    Other(&'a [u8]),
}

impl<'a> Transport<'a> {
    fn of(word: &'a [u8]) -> Self {
        let known = [Self::Udp, Self::Tcp, Self::TcpPass, Self::TcpAct, Self::TcpSo];
        known.into_iter().find(|t| word.eq_ignore_ascii_case(t.name())).unwrap_or(Self::Other(word))
    }

    fn is_known(word: &[u8]) -> bool {
        !matches!(Transport::of(word), Transport::Other(_))
    }

    /// In capitals where known, else as written.
    pub fn name(self) -> &'a [u8] {
        match self {
            Self::Udp => b"UDP",
            Self::Tcp => b"TCP",
            Self::TcpPass => b"TCP-PASS",
            Self::TcpAct => b"TCP-ACT",
            Self::TcpSo => b"TCP-SO",
            Self::Other(word) => word,
        }
    }

    pub fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::TcpPass | Self::TcpAct | Self::TcpSo)
    }
}

/// Who opens the connection of a TCP candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcpRole {
    Active,
    Passive,
    /// Simultaneous open.
    Both,
    /// Either (draft-06, where one line is both an active and a passive candidate).
    Either,
}

/// Value of `typ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CandidateType<'a> {
    Host,
    Srflx,
    Prflx,
    Relay,
    Other(&'a [u8]),
}

impl<'a> CandidateType<'a> {
    fn of(word: &'a [u8]) -> Self {
        let known = [Self::Host, Self::Srflx, Self::Prflx, Self::Relay];
        known.into_iter().find(|t| word.eq_ignore_ascii_case(t.name())).unwrap_or(Self::Other(word))
    }

    /// As in the line: `host`, `srflx` …
    pub fn name(self) -> &'a [u8] {
        match self {
            Self::Host => b"host",
            Self::Srflx => b"srflx",
            Self::Prflx => b"prflx",
            Self::Relay => b"relay",
            Self::Other(word) => word,
        }
    }

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Host => "host: an address of the machine itself",
            Self::Srflx => "server reflexive: how a NAT showed it to the server",
            Self::Prflx => "peer reflexive: how a NAT showed it to the peer",
            Self::Relay => "relayed: an address of a TURN server",
            Self::Other(_) => "a type unknown to RFC 8839",
        }
    }
}

/// Priority as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Priority<'a> {
    Integer(u64),
    /// draft-06.
    Fraction(Fraction<'a>),
    /// Neither.
    Unreadable(&'a [u8]),
}

impl Priority<'_> {
    /// Taken apart; `None` for fractions and out of 32 bits.
    pub fn parts(self) -> Option<PriorityParts> {
        match self {
            Self::Integer(value) => u32::try_from(value).ok().map(PriorityParts::of),
            _ => None,
        }
    }
}

/// A decimal fraction kept exactly: `digits` / 10^`scale`. 0.85 and 0.850 are equal in [`Fraction::compare`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction<'a> {
    /// As written.
    pub text: &'a [u8],
    pub digits: u64,
    pub scale: u8,
}

impl<'a> Fraction<'a> {
    /// `0.850`, `.5`, `1`; at most 18 digits.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let point = text.iter().position(|b| *b == b'.');
        let (whole, part) = match point {
            Some(at) => (text.get(..at)?, text.get(at + 1..)?),
            None => (text, &b""[..]),
        };
        if whole.len() + part.len() > 18 || whole.len() + part.len() == 0 {
            return None;
        }
        let mut digits: u64 = 0;
        for b in whole.iter().chain(part) {
            let digit = char::from(*b).to_digit(10)?;
            digits = digits.checked_mul(10)?.checked_add(u64::from(digit))?;
        }
        Some(Self { text, digits, scale: u8::try_from(part.len()).ok()? })
    }

    /// By value.
    pub fn compare(&self, other: &Self) -> Ordering {
        let scaled = |f: &Self, by: u8| u128::from(f.digits) * 10u128.pow(u32::from(by.min(18)));
        scaled(self, other.scale).cmp(&scaled(other, self.scale))
    }

    /// In thousandths, rounded down; Communicator writes three digits.
    pub fn thousandths(&self) -> u64 {
        let value = u128::from(self.digits) * 1000 / 10u128.pow(u32::from(self.scale.min(18)));
        u64::try_from(value).unwrap_or(u64::MAX)
    }
}

/// Address in a candidate line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address<'a> {
    /// As written.
    pub text: &'a [u8],
    /// `None` for a host name.
    pub ip: Option<IpAddr>,
}

impl<'a> Address<'a> {
    pub fn of(text: &'a [u8]) -> Self {
        Self { text, ip: parse_ip(text) }
    }

    /// A name under `.local` that hides the address of a host (draft-ietf-mmusic-mdns-ice-candidates).
    pub fn is_mdns(&self) -> bool {
        let name = self.text.strip_suffix(b".").unwrap_or(self.text);
        let tail = name.len().checked_sub(6).and_then(|at| name.get(at..)).unwrap_or_default();
        self.ip.is_none() && name.len() > 6 && tail.eq_ignore_ascii_case(b".local")
    }

    /// An address or what can be a host name.
    fn is_plausible(&self) -> bool {
        self.ip.is_some()
            || (self.text.iter().any(u8::is_ascii_alphabetic)
                && self.text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')))
    }
}

/// `raddr` and `rport`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Related<'a> {
    /// `None` where only `rport` is written.
    pub address: Option<Address<'a>>,
    pub port: Option<u16>,
}

/// One candidate line, of any dialect. What is missing or unreadable is `None` and has an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<'a> {
    pub shape: Shape,
    /// The foundation; of draft-06 the candidate's id (base64 without padding).
    pub foundation: &'a [u8],
    /// 1 RTP, 2 RTCP.
    pub component: Option<u16>,
    /// draft-06 only; a secret, given with its place so that it can be redacted.
    pub password: Option<(&'a [u8], Range<usize>)>,
    pub transport: Transport<'a>,
    pub priority: Priority<'a>,
    pub address: Address<'a>,
    pub port: Option<u16>,
    /// draft-06 has none on the line: see [`infer_type`].
    pub kind: Option<CandidateType<'a>>,
    pub related: Option<Related<'a>>,
    /// `tcptype` as written.
    pub tcp_type: Option<&'a [u8]>,
    /// `generation` of WebRTC and libjingle.
    pub generation: Option<u32>,
    /// Every other pair of name and value, in order; the value is empty where the line ends early.
    pub extensions: Vec<(&'a [u8], &'a [u8])>,
    /// Of the value in the parsed buffer.
    pub range: Range<usize>,
    pub issues: Vec<Issue>,
}

impl<'a> Candidate<'a> {
    /// First extension of that name, any case.
    pub fn extension(&self, name: &str) -> Option<&'a [u8]> {
        self.extensions.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| *value)
    }

    /// Who opens the connection; `None` for UDP and where TCP does not say.
    pub fn tcp_role(&self) -> Option<TcpRole> {
        match self.transport {
            Transport::TcpAct => Some(TcpRole::Active),
            Transport::TcpPass => Some(TcpRole::Passive),
            Transport::TcpSo => Some(TcpRole::Both),
            Transport::Tcp if self.shape == Shape::Draft06 => Some(TcpRole::Either),
            Transport::Tcp => {
                let written = self.tcp_type?;
                [("active", TcpRole::Active), ("passive", TcpRole::Passive), ("so", TcpRole::Both)]
                    .into_iter()
                    .find_map(|(name, role)| written.eq_ignore_ascii_case(name.as_bytes()).then_some(role))
            }
            Transport::Udp | Transport::Other(_) => None,
        }
    }

    /// The id of a draft-06 candidate as USERNAMEs carry it: base64 undone; `None` where it is no base64.
    pub fn decoded_id(&self) -> Option<Vec<u8>> {
        (self.shape == Shape::Draft06).then(|| decode(self.foundation)).flatten()
    }

    /// The password of a draft-06 candidate as the key of MESSAGE-INTEGRITY. A secret.
    pub fn decoded_password(&self) -> Option<Vec<u8>> {
        self.password.as_ref().and_then(|(text, _)| decode(text))
    }

    /// Is it at that address and port?
    pub fn is_at(&self, address: &Address<'_>, port: Option<u16>) -> bool {
        let same = match (self.address.ip, address.ip) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.address.text.eq_ignore_ascii_case(address.text),
            _ => false,
        };
        same && port.is_some() && self.port == port
    }

    /// Does this relay name itself as its related address, as Microsoft clients do (RFC 8839 wants the mapped one)?
    pub fn relay_names_itself(&self) -> bool {
        let related = self.related.and_then(|r| Some((r.address?.ip?, r.port?)));
        self.kind == Some(CandidateType::Relay)
            && related.is_some()
            && related == self.address.ip.zip(self.port)
    }

    fn is_microsoft(&self) -> bool {
        matches!(self.transport, Transport::TcpPass | Transport::TcpAct) || self.relay_names_itself()
    }
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    match mime::decode_base64(text) {
        (bytes, true) if !bytes.is_empty() => Some(bytes),
        _ => None,
    }
}
