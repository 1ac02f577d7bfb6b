//! What is worked out over the whole analysis when somebody asks for it: sign-ins, subscriptions, conferences,
//! instant messages, look-ups of SQL Server instances and media streams.
//!
//! Dialogs and records say which messages there are to look at; only those whose body matters are read again.

use std::sync::{Arc, OnceLock};

use super::Analysis;
pub use super::conference::{
    Command, Conference, Leg, LegRole, Mcu, Member, MemberEndpoint, Outcome, RosterEvent,
};
pub use super::instant_message::redact::text as redacted;
pub use super::instant_message::{
    Carrier, Conversation, Event, EventKind, ImText, InstantMessage, JoinedBy, Notice,
};
pub use super::media::MediaIndex;
pub use super::sign_in::{
    AuthRound, Credential, Grant, Lifetime, Mras, Refusal, Relay, RelayUse, Setting, SignIn, SignInState,
    Step, StepKind, StepState,
};
pub use super::sql::Lookup;
pub use super::subscription::{Ending, Fidelity, Subscription, SubscriptionState, Told, Value};

/// What was worked out so far. It belongs to one state of an analysis, and may be kept while nothing comes to that.
#[derive(Debug, Default)]
pub struct Lists {
    sign_ins: OnceLock<Vec<SignIn>>,
    subscriptions: OnceLock<Vec<Subscription>>,
    conferences: OnceLock<Vec<Conference>>,
    written: OnceLock<(Vec<InstantMessage>, Vec<Conversation>)>,
    lookups: OnceLock<Vec<Lookup>>,
    media: OnceLock<Arc<MediaIndex>>,
}

/// The lists of an analysis, each worked out when it is first asked for; in order of time of its first message.
#[derive(Clone)]
pub struct Gathered<'a> {
    analysis: &'a Analysis,
    lists: Arc<Lists>,
}

impl std::fmt::Debug for Gathered<'_> {
    /// What was worked out, without the analysis.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.lists.fmt(f)
    }
}

impl<'a> Gathered<'a> {
    /// With what is known already of the same state of the same analysis.
    pub fn with(analysis: &'a Analysis, lists: Arc<Lists>) -> Self {
        Self { analysis, lists }
    }

    /// What the lists are of.
    pub fn analysis(&self) -> &'a Analysis {
        self.analysis
    }

    pub fn sign_ins(&self) -> &[SignIn] {
        self.lists.sign_ins.get_or_init(|| self.analysis.sign_ins())
    }

    pub fn subscriptions(&self) -> &[Subscription] {
        self.lists.subscriptions.get_or_init(|| self.analysis.subscriptions())
    }

    pub fn conferences(&self) -> &[Conference] {
        self.lists.conferences.get_or_init(|| self.analysis.conferences())
    }

    pub fn instant_messages(&self) -> &[InstantMessage] {
        &self.written().0
    }

    /// What the instant messages belong to, in the order of their first message.
    pub fn conversations(&self) -> &[Conversation] {
        &self.written().1
    }

    fn written(&self) -> &(Vec<InstantMessage>, Vec<Conversation>) {
        self.lists.written.get_or_init(|| self.analysis.instant_messages())
    }

    pub fn lookups(&self) -> &[Lookup] {
        self.lists.lookups.get_or_init(|| self.analysis.lookups())
    }

    /// The media streams.
    pub fn media(&self) -> &MediaIndex {
        self.lists.media.get_or_init(|| self.analysis.media_index())
    }
}

impl Analysis {
    /// The lists, none of them worked out yet.
    pub fn gather(&self) -> Gathered<'_> {
        Gathered::with(self, Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::script::played;

    #[test]
    fn only_what_is_asked_for_is_worked_out_and_once() {
        let analysis = played(
            "0.0 A>B REGISTER/1 id=r
             0.1 B>A 200 id=r
             1.0 A>B SUBSCRIBE/1 id=s
             1.1 B>A 200 id=s",
        );
        let gathered = analysis.gather();
        assert_eq!(gathered.subscriptions().len(), 1);
        let lists = &gathered.lists;
        assert!(lists.sign_ins.get().is_none() && lists.conferences.get().is_none());
        assert!(lists.written.get().is_none() && lists.lookups.get().is_none());
        let again = Gathered::with(&analysis, gathered.lists.clone());
        assert_eq!(again.subscriptions().as_ptr(), gathered.subscriptions().as_ptr());
    }
}
