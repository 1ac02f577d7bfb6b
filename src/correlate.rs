//! What belongs together: transactions, calls, dialogs, the legs of one call.
//!
//! [`Analysis`] is the whole result and can be read at any time between batches. The message list of a call is the
//! truth; everything said of the call is computed from it by
//! [`Analysis::refresh`].

pub mod model;

pub use model::*;

mod ahead;
mod aliases;
mod analysis;
mod apply;
mod breakage;
mod call;
mod census;
mod conference;
pub mod credentials;
mod diagnostics;
mod dialog;
pub mod dns;
mod fork;
pub mod gathered;
mod hops;
pub mod ice;
mod ingest;
mod instant_message;
mod kind;
mod leftover;
mod legs;
pub mod load;
mod marks;
pub mod media;
mod offer;
mod opening;
mod owner;
pub mod parts;
mod qos;
mod retransmission;
#[cfg(test)]
mod script;
mod sign_in;
pub mod sql;
mod store;
mod strings;
pub mod stun;
mod subscription;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use script::played;

pub use aliases::{Aliases, address_key, endpoint_ids};
pub use analysis::Analysis;
pub use breakage::{BrokenFlow, Failure, FailureCause, Unreachable};
pub use diagnostics::{Diagnostic, DiagnosticHeader, DiagnosticTally, diagnostics_in, is_refusal};
pub use dialog::PATIENCE;
pub use fork::Fork;
pub use hops::{Event, Party, PartyRole, Transaction};
pub use marks::SipMark;
pub use offer::{CandidateSyntax, OfferAnswer, OfferRole};
pub use opening::{Opening, RELAY_PORTS, SIP_PORTS};
pub use qos::{QosProfile, Traffic};
pub use store::Stores;
pub use strings::{Methods, Names, Strings};
