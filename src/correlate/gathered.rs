//! What is worked out over the whole analysis when somebody asks for it: sign-ins, subscriptions, conferences,
//! instant messages, look-ups of SQL Server instances and media streams.
//!
//! Dialogs and records say which messages there are to look at; only those whose body matters are read again.

use std::sync::Arc;

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
    AuthRound, Credential, Lifetime, Mras, Relay, RelayUse, Setting, SignIn, SignInState, Step, StepKind,
    StepState,
};
pub use super::sql::Lookup;
pub use super::subscription::{Ending, Fidelity, Subscription, SubscriptionState, Told, Value};

/// Each list in order of time of its first message.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    pub sign_ins: Vec<SignIn>,
    pub subscriptions: Vec<Subscription>,
    pub conferences: Vec<Conference>,
    pub instant_messages: Vec<InstantMessage>,
    pub lookups: Vec<Lookup>,
    /// Media streams.
    pub media: Arc<MediaIndex>,
    /// What they belong to, in the order of their first message.
    pub conversations: Vec<Conversation>,
}

impl Analysis {
    /// All of them.
    pub fn gather(&self) -> Gathered {
        let (instant_messages, conversations) = self.instant_messages();
        Gathered {
            sign_ins: self.sign_ins(),
            subscriptions: self.subscriptions(),
            conferences: self.conferences(),
            instant_messages,
            conversations,
            lookups: self.lookups(),
            media: self.media_index(),
        }
    }
}
