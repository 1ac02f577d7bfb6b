//! Sign-ins: the REGISTERs of one endpoint, and what a client of a Communications Server does next to be ready for
//! calls: provisioning (SUBSCRIBE) and credentials for the media relay (SERVICE to the A/V authentication service).

mod after;
mod auth;
mod lookups;
mod relay;

use std::collections::HashMap;
use std::net::SocketAddr;

use callscope_parsers::sip;
use callscope_parsers::sip::auth::AuthScheme;

use super::Analysis;
use super::dialog::PATIENCE;
use super::model::*;
use crate::capture::Nanos;

use super::dns::LookupIdx;
use auth::Told;

pub use after::{Mras, Relay, Setting};
pub use auth::AuthRound;
pub use relay::{Credential, Grant, Lifetime, Refusal, RelayUse};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignInState {
    Registered,
    /// Asked for credentials, and none that it could check came.
    Challenged,
    Rejected,
    Unanswered,
    /// It left, or the server ended it and it did not register again.
    Unregistered,
}

impl SignInState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Challenged => "challenged",
            Self::Rejected => "rejected",
            Self::Unanswered => "unanswered",
            Self::Unregistered => "unregistered",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepKind {
    Dns,
    Register,
    Provisioning,
    Mras,
}

impl StepKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Register => "register",
            Self::Provisioning => "provisioning",
            Self::Mras => "mras",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepState {
    Ok,
    Failed,
    Unanswered,
}

impl StepState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Step {
    pub kind: StepKind,
    pub state: StepState,
    pub messages: Vec<MsgIdx>,
    /// Of the step dns.
    pub lookups: Vec<LookupIdx>,
}

/// One endpoint (user and epid; without an epid user and client address) registering with one server.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// None where it never came to a REGISTER.
    pub user: Str,
    /// Of the user, or what the look-ups are for.
    pub domain: String,
    /// Empty where the client has none.
    pub epid: String,
    /// Where its REGISTERs come from and go to, on the hop that was seen first.
    pub client: SocketAddr,
    pub server: Option<SocketAddr>,
    pub transport: Option<Transport>,
    pub state: SignInState,
    /// Last final status; 0 for none.
    pub status: u16,
    /// What it gave as credentials.
    pub auth: Option<AuthScheme>,
    /// What the last challenge offers, in its order.
    pub offered: Vec<AuthScheme>,
    /// Realm and target name of the challenge.
    pub realm: String,
    pub target: String,
    /// The last answer refused credentials that were complete.
    pub refused_credentials: bool,
    /// What the tokens of the rounds say in clear.
    pub rounds: Vec<AuthRound>,
    /// Where a 301 or 302 sent the client.
    pub redirect: Option<String>,
    /// `ms-keep-alive` of the 2xx.
    pub keep_alive: Option<String>,
    /// `ms-user-logon-data: RemoteUser` of the 2xx: the client is outside.
    pub remote: bool,
    /// What the server said when it ended the registration itself (`text/registration-event`).
    pub ended: Option<(MsgIdx, String)>,
    /// Granted last, seconds.
    pub expires: Option<u32>,
    /// How often it tried, the rounds after a challenge being one try.
    pub attempts: u32,
    pub refreshes: u32,
    pub start: Nanos,
    pub end: Nanos,
    /// First REGISTER → first 2xx.
    pub took: Option<Nanos>,
    pub steps: Vec<Step>,
    pub mras: Option<Mras>,
    /// Credentials for media relays that it was given, in order.
    pub credentials: Vec<Credential>,
    /// As the server sent them, in order.
    pub provisioning: Vec<Setting>,
    /// The dialogs it is made of: those of REGISTER first.
    pub dialogs: Vec<DialogIdx>,
}

/// Who registers: user and epid, or user and client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Endpoint {
    Epid(String, String),
    Client(String, std::net::IpAddr),
}

impl Analysis {
    pub(super) fn sign_ins(&self) -> Vec<SignIn> {
        let mut places: HashMap<Endpoint, usize> = HashMap::new();
        let mut groups: Vec<(String, Vec<DialogIdx>)> = Vec::new();
        for (index, dialog) in self.dialogs_shown() {
            if dialog.method != MethodId::REGISTER || self.is_leftover(index) {
                continue;
            }
            let Some((endpoint, epid)) = self.endpoint_of(index) else { continue };
            match places.get(&endpoint) {
                Some(&at) => {
                    if let Some((_, dialogs)) = groups.get_mut(at) {
                        dialogs.push(index);
                    }
                }
                None => {
                    places.insert(endpoint, groups.len());
                    groups.push((epid, vec![index]));
                }
            }
        }
        let mut all: Vec<SignIn> =
            groups.into_iter().filter_map(|(epid, dialogs)| self.sign_in(epid, dialogs)).collect();
        all.sort_by_key(|s| s.start);
        self.join_what_follows(&mut all);
        self.join_lookups(&mut all);
        all.sort_by_key(|s| s.start);
        all
    }

    /// Who the first request of a dialog is from, and its epid.
    fn endpoint_of(&self, index: DialogIdx) -> Option<(Endpoint, String)> {
        let dialog = self.dialog(index);
        let first = self.messages_of(dialog.messages).next()?;
        let record = self.message(first);
        let flow = self.flow(record.flow);
        let client = if record.is_request() { flow.src } else { flow.dst };
        let user = self.text(dialog.from_uri).to_ascii_lowercase();
        let epid = self.epid_of(first);
        Some(match epid.is_empty() {
            true => (Endpoint::Client(user, client.ip()), epid),
            false => (Endpoint::Epid(user, epid.clone()), epid),
        })
    }

    /// `epid` of a message's From; empty for none.
    fn epid_of(&self, m: MsgIdx) -> String {
        let Ok(bytes) = self.message_bytes(m) else { return String::new() };
        let scan = sip::scan(&bytes);
        scan.map_or(String::new(), |s| String::from_utf8_lossy(s.from.epid).into_owned())
    }

    fn sign_in(&self, epid: String, dialogs: Vec<DialogIdx>) -> Option<SignIn> {
        let mut all: Vec<MsgIdx> = Vec::new();
        for d in &dialogs {
            all.extend(self.messages_of(self.dialog(*d).messages));
        }
        all.sort_by_key(|m| (self.message(*m).time, *m));
        let first = all.iter().find(|m| self.message(**m).is_request()).or(all.first())?;
        let record = self.message(*first);
        let flow = self.flow(record.flow);
        let (client, server) = if record.is_request() { (flow.src, flow.dst) } else { (flow.dst, flow.src) };
        // Where the next hop is in the capture too, the client is told what this one says.
        let near = |m: &MsgIdx| {
            let flow = self.flow(self.message(*m).flow);
            [flow.src.ip(), flow.dst.ip()].contains(&client.ip())
        };
        let own: Vec<MsgIdx> = all.into_iter().filter(near).collect();
        let mut tries = Tries::default();
        for &m in &own {
            tries.take(m, self.message(m));
        }
        let Told { auth, offered, realm, target, complete } = self.told(&tries);
        let rounds = self.rounds(&own, auth);
        let says = tries.accepted.map(|m| self.says(m)).unwrap_or_default();
        let redirect = tries.redirect.and_then(|m| self.redirect_of(m));
        let user = self.dialog(*dialogs.first()?).from_uri;
        let refused_credentials = complete && matches!(tries.status, 401 | 407);
        let ended = self.ended_by_server(&own);
        let time = |m: MsgIdx| self.message(m).time;
        let over = ended.as_ref().is_some_and(|(m, _)| tries.accepted.is_none_or(|a| time(a) < time(*m)));
        let state = match tries.state(self.newest, refused_credentials) {
            SignInState::Registered if over => SignInState::Unregistered,
            state => state,
        };
        let step = match state {
            SignInState::Registered | SignInState::Unregistered => StepState::Ok,
            SignInState::Unanswered => StepState::Unanswered,
            SignInState::Challenged | SignInState::Rejected => StepState::Failed,
        };
        let start = own.first().map_or(record.time, |m| self.message(*m).time);
        let end = own.last().map_or(record.time, |m| self.message(*m).time);
        Some(SignIn {
            user,
            domain: domain_of(self.strings.bytes(user)),
            epid,
            client,
            server: Some(server),
            transport: Some(flow.transport),
            state,
            status: tries.status,
            auth,
            offered,
            realm,
            target,
            refused_credentials,
            rounds,
            redirect,
            keep_alive: says.keep_alive,
            remote: says.remote,
            ended,
            expires: says.granted.or_else(|| {
                dialogs.iter().rev().find_map(|d| self.expires_of(*d)).filter(|_| tries.accepted.is_some())
            }),
            attempts: tries.attempts,
            refreshes: tries.refreshes,
            start,
            end,
            took: tries.first_success.zip(tries.first_request).map(|(s, r)| s.saturating_sub(r)),
            steps: vec![Step { kind: StepKind::Register, state: step, messages: own, lookups: Vec::new() }],
            mras: None,
            credentials: Vec::new(),
            provisioning: Vec::new(),
            dialogs,
        })
    }
}

/// The REGISTERs of one endpoint as they pass.
#[derive(Debug, Default)]
struct Tries {
    attempts: u32,
    refreshes: u32,
    /// The newest request, when it was sent, and whether it leaves.
    asked: Option<(u32, Nanos, bool)>,
    answered: bool,
    status: u16,
    registered: bool,
    left: bool,
    challenge: Option<MsgIdx>,
    redirect: Option<MsgIdx>,
    credentials: Option<MsgIdx>,
    accepted: Option<MsgIdx>,
    first_request: Option<Nanos>,
    first_success: Option<Nanos>,
}

impl Tries {
    fn take(&mut self, m: MsgIdx, r: &SipRecord) {
        if r.has(flag::DUPLICATE) || r.has(flag::RETRANSMISSION) || r.method != MethodId::REGISTER {
            return;
        }
        if r.is_request() {
            // Without credentials it takes no challenge up, but begins anew.
            let after_challenge =
                self.answered && matches!(self.status, 401 | 407) && r.has(flag::CREDENTIALS);
            let leaves = r.has(flag::EXPIRES_ZERO);
            match () {
                () if after_challenge => {}
                () if self.registered && !leaves => self.refreshes += 1,
                () if self.registered => {}
                () => self.attempts += 1,
            }
            self.asked = Some((r.cseq, r.time, leaves));
            self.answered = false;
            self.first_request.get_or_insert(r.time);
            if r.has(flag::CREDENTIALS) {
                self.credentials = Some(m);
            }
            return;
        }
        if r.status < 200 || self.asked.is_some_and(|(cseq, ..)| cseq > r.cseq) {
            return;
        }
        self.attempts = self.attempts.max(1);
        self.answered = true;
        self.status = r.status;
        match r.status {
            401 | 407 => self.challenge = Some(m),
            301 | 302 => self.redirect = Some(m),
            200..=299 => {
                self.left = self.asked.is_some_and(|(.., leaves)| leaves);
                self.registered = !self.left;
                self.accepted = Some(m);
                self.first_success.get_or_insert(r.time);
            }
            _ => {}
        }
    }

    fn state(&self, newest: Nanos, refused: bool) -> SignInState {
        let waits = self.asked.is_some_and(|(_, t, _)| newest.saturating_sub(t) < PATIENCE);
        let kept = || if self.left { SignInState::Unregistered } else { SignInState::Registered };
        match self.status {
            _ if !self.answered && self.accepted.is_some() && waits => kept(),
            _ if !self.answered => SignInState::Unanswered,
            200..=299 => kept(),
            401 | 407 if !refused => SignInState::Challenged,
            _ => SignInState::Rejected,
        }
    }
}

/// Host of a SIP URI, in lower case, without port and parameters.
fn domain_of(uri: &[u8]) -> String {
    let uri = String::from_utf8_lossy(uri).to_ascii_lowercase();
    let rest = uri.split_once(':').map_or(uri.as_str(), |(_, rest)| rest);
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    host.split([';', '?', ':', '>']).next().unwrap_or_default().to_owned()
}
