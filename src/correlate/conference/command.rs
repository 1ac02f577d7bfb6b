//! Commands of conference control and their answers.

use callscope_parsers::c3p::{Code, CorrelationKey, Kind};

use super::*;

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Success,
    /// The answer says so.
    Failure,
    /// An answer said that a final one follows; none came.
    Pending,
    /// A code of another name.
    Other(String),
    /// SIP refused the request that carried it, with this status; no answer came with it.
    Refused(u16),
    /// No answer within 32 s.
    Unanswered,
    /// The capture ends before the answer had to be there.
    Waiting,
}

impl Outcome {
    /// `success`, `failure`, `pending`, `unanswered`, `waiting`, or the word of the answer.
    pub fn name(&self) -> &str {
        match self {
            Self::Success => "success",
            Self::Failure | Self::Refused(_) => "failure",
            Self::Pending => "pending",
            Self::Other(word) => word,
            Self::Unanswered => "unanswered",
            Self::Waiting => "waiting",
        }
    }

    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failure | Self::Refused(_) | Self::Unanswered | Self::Other(_))
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Waiting | Self::Pending)
    }
}

#[derive(Debug, Clone)]
pub struct Command {
    /// The request; the answer, where that is all there is.
    pub message: MsgIdx,
    pub time: Nanos,
    /// The request is in the capture.
    pub asked: bool,
    pub name: String,
    /// As written; empty without.
    pub request_id: String,
    pub from: String,
    pub to: String,
    /// Whom or what it is about; see [`callscope_parsers::c3p::Command::target`].
    pub target: Option<String>,
    /// The kind of conferencing server that is to do it.
    pub mcu: Option<McuKind>,
    /// The conference is asked to call somebody.
    pub dial_out: bool,
    /// Roles asked for.
    pub roles: Vec<String>,
    /// Roles given by the answer.
    pub granted: Vec<String>,
    pub outcome: Outcome,
    pub reason: Option<String>,
    /// The answer that says `pending`.
    pub pending: Option<MsgIdx>,
    /// The final answer, or the SIP response that refused the request.
    pub answer: Option<MsgIdx>,
    pub took: Option<Nanos>,
    /// Another command of the same dialog has this request id.
    pub same_id: bool,
    /// What is wrong with the documents.
    pub issues: Vec<String>,
    /// The call that a dial-out led to.
    pub call: Option<CallIdx>,
}

/// Commands as they are met, in order of time.
#[derive(Default)]
pub(super) struct Commands {
    list: Vec<(Command, Option<usize>)>,
    by_dialog: HashMap<(Owner, String), Vec<usize>>,
    by_ends: HashMap<CorrelationKey, usize>,
    /// SIP requests that carried commands.
    by_request: HashMap<(Owner, MethodId, u32, u32), usize>,
}

/// Issues kept of one command.
const MOST_ISSUES: usize = 8;

impl Commands {
    pub fn into_list(self) -> Vec<(Command, Option<usize>)> {
        self.list
    }

    /// A final SIP response, with a body or without.
    pub fn sip_answer(&mut self, analysis: &Analysis, m: MsgIdx) {
        let r = analysis.message(m);
        let Some(at) = self.by_request.get(&(r.owner, r.method, r.cseq, r.from_tag)) else { return };
        let Some((command, _)) = self.list.get_mut(*at) else { return };
        if r.status >= 300 && command.outcome == Outcome::Waiting {
            command.outcome = Outcome::Refused(r.status);
            command.answer = Some(m);
            command.took = Some(r.time.saturating_sub(command.time));
        }
    }

    /// Which command a response answers: of the same dialog and id; of several the newest that is still open, its name
    /// and ends being the same if there is such a one; else of the same ends.
    fn asked_by(&self, owner: Owner, key: &CorrelationKey, name: &str) -> Option<usize> {
        let of_dialog = self.by_dialog.get(&(owner, key.request_id.clone()));
        let open = |at: &usize| {
            self.list
                .get(*at)
                .is_some_and(|(c, _)| c.outcome.is_open() || matches!(c.outcome, Outcome::Refused(_)))
        };
        let same = |at: &usize| {
            self.list
                .get(*at)
                .is_some_and(|(c, _)| c.name == name && c.from.trim().eq_ignore_ascii_case(&key.asker))
        };
        let all = || of_dialog.into_iter().flatten().rev().copied().filter(open);
        let by_ends = || self.by_ends.get(key).copied().filter(open);
        all().find(same).or_else(|| all().next()).or_else(by_ends)
    }

    /// The last things known: whether there was time enough for an answer.
    pub fn settle(&mut self, newest: Nanos) {
        for (command, _) in &mut self.list {
            if command.outcome == Outcome::Waiting && newest.saturating_sub(command.time) > PATIENCE {
                command.outcome = Outcome::Unanswered;
            }
        }
    }

    pub fn dial_outs(&mut self) -> impl Iterator<Item = (&mut Command, usize)> {
        self.list
            .iter_mut()
            .filter_map(|(c, at)| (c.dial_out && c.asked).then_some(()).and(at.map(|at| (c, at))))
    }
}

impl Work<'_> {
    pub(super) fn take_control(&mut self, m: MsgIdx, document: &C3p) {
        let r = self.analysis.message(m);
        let place = self.place_of(document);
        let key = document.correlation_key();
        let answers = document.kind == Kind::Response;
        let mut asked = None;
        if answers && let Some(key) = &key {
            let name = document.command().map(|c| c.name.as_str()).unwrap_or_default();
            asked = self.commands.asked_by(r.owner, key, name);
        }
        let place = place.or_else(|| asked.and_then(|at| self.commands.list.get(at)?.1));
        let place = place.or_else(|| self.place_without_id(document));
        if let Some(at) = place {
            self.saw(at, m);
            if let Owner::Call(call) = r.owner {
                let mcu = mcu_of(if answers { &document.from } else { &document.to });
                self.leg(at, call, if mcu.is_some() { LegRole::Mcu } else { LegRole::Focus }, mcu);
            }
            for command in &document.commands {
                for uri in addresses(command).map(str::to_owned).collect::<Vec<_>>() {
                    self.learn(&uri);
                }
                if let (Some(info), Some(one)) = (&command.conference, self.all.get_mut(at)) {
                    one.described(info);
                }
            }
        }
        match asked {
            Some(command) => self.answered(command, m, document, place),
            None => self.asked(m, document, place, key),
        }
    }

    /// The conference that its addresses name, or the one that it is to make.
    fn place_of(&mut self, document: &C3p) -> Option<usize> {
        self.learn(&document.to)
            .or_else(|| self.learn(&document.from))
            .or_else(|| {
                let uris: Vec<String> =
                    document.commands.iter().flat_map(addresses).map(str::to_owned).collect();
                uris.iter().find_map(|uri| self.learn(uri))
            })
            .or_else(|| {
                let info = document.commands.iter().find_map(|c| c.conference.as_ref())?;
                let id = info.description.as_ref()?.conference_id.as_deref()?.trim();
                let asker = if document.kind == Kind::Response { &document.to } else { &document.from };
                let organizer = asker.split(';').next().unwrap_or_default().trim();
                if id.is_empty() || organizer.is_empty() {
                    return None;
                }
                let at = self.place(&format!("{organizer}#{id}").to_ascii_lowercase())?;
                let one = self.all.get_mut(at)?;
                if one.conference_id.is_empty() {
                    one.conference_id = id.to_owned();
                    one.organizer = organizer.to_owned();
                }
                Some(at)
            })
    }

    /// Where what names no conference is put: by whom it asks.
    fn place_without_id(&mut self, document: &C3p) -> Option<usize> {
        let uri = if document.kind == Kind::Response { &document.from } else { &document.to };
        let factory = conference_uri(uri).is_some_and(|u| u.part == ConferencePart::FocusFactory);
        let key = if factory { format!("factory {}", plain(uri)) } else { key_of_address(uri)? };
        let at = self.place(&key)?;
        let one = self.all.get_mut(at)?;
        one.factory |= factory;
        if one.focus.is_empty() {
            one.focus = uri.trim().to_owned();
        }
        if factory && one.organizer.is_empty() {
            one.organizer = uri.split(';').next().unwrap_or_default().to_owned();
        }
        Some(at)
    }

    fn asked(&mut self, m: MsgIdx, document: &C3p, place: Option<usize>, key: Option<CorrelationKey>) {
        let r = self.analysis.message(m);
        let answers = document.kind == Kind::Response;
        let id = document.request_id.clone().unwrap_or_default();
        let of_dialog = (r.owner, id.clone());
        let sip = (r.owner, r.method, r.cseq, r.from_tag);
        if !answers && let Some(earlier) = self.challenged(&of_dialog, document) {
            self.commands.by_request.insert(sip, earlier);
            return;
        }
        if self.commands.list.len() >= self.analysis.limits.conference_commands {
            if let Some(one) = place.and_then(|at| self.all.get_mut(at)) {
                one.not_kept += 1;
            }
            return;
        }
        let told = document.command();
        let mut command = Command {
            message: m,
            time: r.time,
            asked: !answers,
            name: told.map(|c| c.name.clone()).unwrap_or_default(),
            request_id: id,
            from: if answers { document.to.clone() } else { document.from.clone() },
            to: if answers { document.from.clone() } else { document.to.clone() },
            target: told.and_then(|c| c.target()).map(str::to_owned),
            mcu: told.and_then(|c| c.mcu()),
            dial_out: told.is_some_and(|c| c.is_dial_out()),
            roles: told.map(|c| c.all_roles().map(str::to_owned).collect()).unwrap_or_default(),
            granted: Vec::new(),
            outcome: Outcome::Waiting,
            reason: None,
            pending: None,
            answer: None,
            took: None,
            same_id: false,
            issues: issues(document),
            call: None,
        };
        let at = self.commands.list.len();
        if answers {
            answer(&mut command, m, document, r.time);
            command.took = None;
        } else {
            let known = self.commands.by_dialog.entry(of_dialog).or_default();
            command.same_id = !known.is_empty() && !command.request_id.is_empty();
            known.push(at);
            self.commands.by_request.insert(sip, at);
        }
        if let Some(key) = key {
            self.commands.by_ends.insert(key, at);
        }
        self.commands.list.push((command, place));
    }

    /// The same command sent before and asked for credentials.
    fn challenged(&mut self, of_dialog: &(Owner, String), document: &C3p) -> Option<usize> {
        let at = *self.commands.by_dialog.get(of_dialog)?.last()?;
        let (earlier, _) = self.commands.list.get_mut(at)?;
        let same = document.command().is_some_and(|c| c.name == earlier.name);
        if !same || !matches!(earlier.outcome, Outcome::Refused(401 | 407)) {
            return None;
        }
        earlier.outcome = Outcome::Waiting;
        earlier.answer = None;
        earlier.took = None;
        Some(at)
    }

    fn answered(&mut self, at: usize, m: MsgIdx, document: &C3p, place: Option<usize>) {
        let time = self.analysis.message(m).time;
        let Some((command, own)) = self.commands.list.get_mut(at) else { return };
        // What was asked of a factory belongs to the conference that the answer tells of.
        let factory = own.and_then(|at| self.all.get(at)).is_some_and(|one| one.factory);
        if own.is_none() || factory {
            *own = place.or(*own);
        }
        for issue in issues(document) {
            if command.issues.len() < MOST_ISSUES && !command.issues.contains(&issue) {
                command.issues.push(issue);
            }
        }
        answer(command, m, document, time);
        let (own, asked) = (*own, command.message);
        if let Some(own) = own {
            self.saw(own, asked);
        }
    }
}

fn issues(document: &C3p) -> Vec<String> {
    document.issues.iter().take(MOST_ISSUES).map(|i| i.text.to_string()).collect()
}

fn answer(command: &mut Command, m: MsgIdx, document: &C3p, time: Nanos) {
    let told = document.command();
    command.outcome = match &document.code {
        Some(Code::Success) => Outcome::Success,
        Some(Code::Failure) => Outcome::Failure,
        Some(Code::Pending) => Outcome::Pending,
        Some(Code::Other(word)) => Outcome::Other(word.clone()),
        None => Outcome::Other("no code".to_owned()),
    };
    if command.outcome == Outcome::Pending {
        command.pending = Some(m);
        return;
    }
    command.answer = Some(m);
    // A conference that is made has its address only now.
    if command.target.is_none() {
        command.target = told.and_then(|c| c.target()).map(str::to_owned);
    }
    command.reason = told.and_then(|c| c.reason.clone());
    command.granted = told.map(|c| c.all_roles().map(str::to_owned).collect()).unwrap_or_default();
    command.took = Some(time.saturating_sub(command.time));
}
