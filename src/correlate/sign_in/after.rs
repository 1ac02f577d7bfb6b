//! What follows a REGISTER: provisioning and the credentials for the media relay.

use callscope_parsers::mime::{Part, parse_body};
use callscope_parsers::mras::{Message, parse_mras};
use callscope_parsers::provisioning::{ProvisioningKind, parse_provisioning};

use super::*;

/// One setting that the server gave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub group: String,
    pub name: String,
    pub value: String,
    /// What it means, where that is known.
    pub meaning: &'static str,
    pub message: MsgIdx,
}

/// A media relay the client may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    pub host: String,
    pub location: String,
    pub udp: Option<u16>,
    pub tcp: Option<u16>,
}

/// The exchange with the A/V authentication service. Its password is not kept.
#[derive(Debug, Clone, Default)]
pub struct Mras {
    pub uri: String,
    pub state: Option<StepState>,
    pub location: Option<String>,
    /// Minutes asked for or granted.
    pub duration: Option<u32>,
    pub relays: Vec<Relay>,
    /// User name of the credentials, as TURN shows it.
    pub username: Option<String>,
    /// Why there are none.
    pub reason: Option<String>,
}

/// Settings kept of one sign-in.
const SETTINGS: usize = 4_096;
/// Bodies read of one dialog.
const BODIES: usize = 64;

impl Analysis {
    /// Gives each sign-in the dialogs of its endpoint that came after its REGISTER.
    pub(super) fn join_what_follows(&self, all: &mut [SignIn]) {
        if all.is_empty() {
            return;
        }
        let mut by_user: HashMap<String, Vec<usize>> = HashMap::new();
        for (i, s) in all.iter().enumerate() {
            by_user.entry(self.text(s.user).to_ascii_lowercase()).or_default().push(i);
        }
        for (index, dialog) in self.dialogs_shown() {
            let step = self.step_of(dialog);
            if step.is_none() && !matches!(dialog.method, MethodId::SUBSCRIBE | MethodId::SERVICE) {
                continue;
            }
            let Some(of_user) = by_user.get(&self.text(dialog.from_uri).to_ascii_lowercase()) else {
                continue;
            };
            let Some(at) = self.endpoint_among(all, of_user, dialog) else { continue };
            let Some(sign_in) = all.get_mut(at) else { continue };
            let roams = self.text(dialog.event).starts_with("vnd-microsoft-");
            if step.is_none() && !roams {
                continue;
            }
            sign_in.dialogs.push(index);
            if let Some(kind) = step {
                self.add_step(sign_in, kind, dialog);
            }
        }
        for sign_in in all.iter_mut() {
            sign_in.steps.sort_by_key(|s| s.kind);
        }
        self.follow_credentials(all);
    }

    fn step_of(&self, dialog: &Dialog) -> Option<StepKind> {
        let event = self.text(dialog.event);
        if dialog.method == MethodId::SUBSCRIBE && event.starts_with("vnd-microsoft-provisioning") {
            return Some(StepKind::Provisioning);
        }
        let asks_relay = |m: MsgIdx| self.message(m).content == Content::MediaRelayAuth;
        let service = dialog.method == MethodId::SERVICE;
        (service && self.messages_of(dialog.messages).any(asks_relay)).then_some(StepKind::Mras)
    }

    /// The sign-in of the same endpoint: by epid where both have one, else by the client's address; the newest that
    /// began before.
    fn endpoint_among(&self, all: &[SignIn], of_user: &[usize], dialog: &Dialog) -> Option<usize> {
        let first = self.messages_of(dialog.messages).next()?;
        let record = self.message(first);
        let flow = self.flow(record.flow);
        let client = if record.is_request() { flow.src } else { flow.dst };
        let mut epid = None;
        let mut fits = |s: &SignIn| {
            if s.epid.is_empty() {
                return s.client.ip() == client.ip();
            }
            let epid: &String = epid.get_or_insert_with(|| self.epid_of(first));
            if epid.is_empty() { s.client.ip() == client.ip() } else { *epid == s.epid }
        };
        let begun =
            of_user.iter().rev().copied().filter(|i| all.get(*i).is_some_and(|s| s.start <= record.time));
        begun.into_iter().find(|i| all.get(*i).is_some_and(&mut fits))
    }

    fn add_step(&self, sign_in: &mut SignIn, kind: StepKind, dialog: &Dialog) {
        let state = match (dialog.summary.state, dialog.summary.final_status) {
            (DialogState::Unanswered, _) => StepState::Unanswered,
            (_, 200..=299) => StepState::Ok,
            (DialogState::Failed, _) => StepState::Failed,
            _ => StepState::Ok,
        };
        let messages: Vec<MsgIdx> = self.messages_of(dialog.messages).collect();
        let state = match kind {
            StepKind::Provisioning => {
                self.add_settings(sign_in, &messages);
                state
            }
            StepKind::Mras => self.add_mras(sign_in, dialog, &messages, state),
            StepKind::Dns | StepKind::Register => state,
        };
        match sign_in.steps.iter_mut().find(|s| s.kind == kind) {
            Some(step) => {
                step.state = state;
                step.messages.extend(&messages);
            }
            None => sign_in.steps.push(Step { kind, state, messages, lookups: Vec::new() }),
        }
        sign_in.end = sign_in.end.max(dialog.summary.end);
    }

    /// Messages of a dialog with a body of some kind, each once.
    fn with_body<'a>(
        &'a self,
        messages: &'a [MsgIdx],
        kind: Content,
    ) -> impl Iterator<Item = (MsgIdx, Vec<u8>)> + 'a {
        let of = move |m: &&MsgIdx| {
            let r = self.message(**m);
            let again = r.has(flag::RETRANSMISSION) || r.has(flag::DUPLICATE);
            !again && (r.content == kind || r.content == Content::Multipart)
        };
        messages.iter().filter(of).take(BODIES).flat_map(move |&m| {
            let bodies = self.bodies(m, kind).unwrap_or_default();
            bodies.into_iter().map(move |body| (m, body))
        })
    }

    /// The body of a message, or the parts of it that are of a kind.
    fn bodies(&self, m: MsgIdx, kind: Content) -> Option<Vec<Vec<u8>>> {
        let bytes = self.message_bytes(m).ok()?;
        let scan = sip::scan(&bytes)?;
        let whole = scan.body_start.min(bytes.len())..bytes.len();
        if self.message(m).content == kind {
            return Some(vec![bytes.get(whole)?.to_vec()]);
        }
        let (part, _) = parse_body(&bytes, whole, scan.content_type);
        let of_kind = |p: &&Part| Content::of(p.content_type.as_bytes()) == kind;
        Some(part.walk().into_iter().filter(of_kind).map(|p| p.decoded(&bytes).0.into_owned()).collect())
    }

    /// Settings in the answer or in the notifications; what comes later replaces what came before.
    fn add_settings(&self, sign_in: &mut SignIn, messages: &[MsgIdx]) {
        let mut places: HashMap<(String, String), usize> = HashMap::new();
        for (m, body) in self.with_body(messages, Content::Provisioning) {
            let Some(told) = parse_provisioning(&body).filter(|p| p.kind != ProvisioningKind::Request) else {
                continue;
            };
            // Of a list the entries have the same name within one document.
            let mut own: HashMap<(String, String), u32> = HashMap::new();
            for setting in &told.settings {
                let group = told.group_of(setting).unwrap_or_default().to_owned();
                let n = own.entry((group.clone(), setting.name.clone())).or_default();
                *n += 1;
                let name = if *n > 1 { format!("{} ({n})", setting.name) } else { setting.name.clone() };
                let found = Setting {
                    group: group.clone(),
                    name: name.clone(),
                    value: setting.value.clone(),
                    meaning: setting.meaning().unwrap_or_default(),
                    message: m,
                };
                match places.get(&(group.clone(), name.clone())) {
                    Some(&at) => {
                        if let Some(known) = sign_in.provisioning.get_mut(at) {
                            *known = found;
                        }
                    }
                    None if sign_in.provisioning.len() < SETTINGS => {
                        places.insert((group, name), sign_in.provisioning.len());
                        sign_in.provisioning.push(found);
                    }
                    None => {}
                }
            }
        }
    }

    /// What is asked for and what is given; how it went.
    fn add_mras(
        &self,
        sign_in: &mut SignIn,
        dialog: &Dialog,
        messages: &[MsgIdx],
        state: StepState,
    ) -> StepState {
        let mut mras =
            Mras { uri: self.text(dialog.to_uri).into_owned(), ..sign_in.mras.take().unwrap_or_default() };
        let mut answered: Vec<u32> = Vec::new();
        let mut holds = true;
        // What is asked for counts where the answer does not say what is given.
        let mut wanted = None;
        for (m, body) in self.with_body(messages, Content::MediaRelayAuth) {
            let Some(told) = parse_mras(&body) else { continue };
            match told.message {
                Message::Request(asked) => {
                    let Some(first) = asked.into_iter().next() else { continue };
                    mras.location = first.location.or(mras.location);
                    wanted = first.duration;
                }
                // The next hop said it before: the same answer counts once.
                Message::Response(_) if answered.contains(&self.message(m).cseq) => {}
                Message::Response(response) => {
                    let r = self.message(m);
                    answered.push(r.cseq);
                    let good = response.is_ok() && (200..300).contains(&r.status);
                    mras.reason = response.reason.clone().filter(|_| !good);
                    holds = good && response.credentials.iter().any(|c| c.username.is_some());
                    mras.relays.clear();
                    for given in response.credentials {
                        mras.duration = given.duration.or(wanted).or(mras.duration);
                        mras.relays.extend(given.relays.iter().map(|r| Relay {
                            host: r.host_name.clone().or(r.direct_address.clone()).unwrap_or_default(),
                            location: r.location.clone().unwrap_or_default(),
                            udp: r.udp_port,
                            tcp: r.tcp_port,
                        }));
                        let Some(username) = given.username else { continue };
                        mras.username = Some(username.clone());
                        let grant = Grant { message: m, given: r.time, duration: given.duration };
                        match sign_in.credentials.iter_mut().find(|c| c.username == username) {
                            Some(known) => known.grants.push(grant),
                            None => sign_in.credentials.push(Credential {
                                username,
                                grants: vec![grant],
                                uses: Vec::new(),
                            }),
                        }
                    }
                }
            }
        }
        mras.duration = mras.duration.or(wanted);
        let state = if state == StepState::Ok && !holds { StepState::Failed } else { state };
        mras.state = Some(state);
        sign_in.mras = Some(mras);
        state
    }
}
