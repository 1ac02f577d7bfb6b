//! What belongs together: transactions, calls, dialogs, the legs of one call.
//!
//! [`Analysis`] is the whole result and can be read at any time between batches. The message list of a call is the
//! truth; everything said of the call is computed from it by [`call::summarise`].

pub mod model;

pub use model::*;

mod analysis;
mod apply;
pub mod ingest;
pub mod load;
mod store;
mod strings;

pub use analysis::Analysis;
pub use ingest::Incoming;
pub use store::Stores;
pub use strings::{Methods, Names, Strings};
