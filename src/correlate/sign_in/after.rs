//! What follows a REGISTER: provisioning and the credentials for the media relay.

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
        for sign_in in all {
            sign_in.steps.sort_by_key(|s| s.kind);
        }
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
        match sign_in.steps.iter_mut().find(|s| s.kind == kind) {
            Some(step) => {
                step.state = state;
                step.messages.extend(&messages);
            }
            None => sign_in.steps.push(Step { kind, state, messages: messages.clone() }),
        }
        sign_in.end = sign_in.end.max(dialog.summary.end);
        if kind == StepKind::Mras {
            let mras = sign_in.mras.get_or_insert_with(Mras::default);
            mras.uri = self.text(dialog.to_uri).into_owned();
            mras.state = Some(state);
        }
    }
}
