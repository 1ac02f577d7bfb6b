//! What is worked out over the whole analysis when somebody asks for it: sign-ins, subscriptions, conferences and
//! instant messages.
//!
//! Dialogs and records say which messages there are to look at; only those whose body matters are read again.

use super::Analysis;
pub use super::conference::Conference;
pub use super::instant_message::InstantMessage;
pub use super::sign_in::{
    AuthRound, Credential, Lifetime, Mras, Relay, RelayUse, Setting, SignIn, SignInState, Step, StepKind,
    StepState,
};
pub use super::subscription::{Fidelity, Subscription, SubscriptionState};

/// Each list in order of time of its first message.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    pub sign_ins: Vec<SignIn>,
    pub subscriptions: Vec<Subscription>,
    pub conferences: Vec<Conference>,
    pub instant_messages: Vec<InstantMessage>,
}

impl Analysis {
    /// All of them.
    pub fn gather(&self) -> Gathered {
        Gathered {
            sign_ins: self.sign_ins(),
            subscriptions: self.subscriptions(),
            conferences: self.conferences(),
            instant_messages: self.instant_messages(),
        }
    }
}
