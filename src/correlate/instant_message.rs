//! Instant messages: MESSAGE in and out of dialogs, and the first one that an INVITE carries.

use super::Analysis;
use super::model::*;

/// One message that was written to somebody.
#[derive(Debug, Clone)]
pub struct InstantMessage {
    /// The request that carries it.
    pub message: MsgIdx,
}

impl Analysis {
    pub(super) fn instant_messages(&self) -> Vec<InstantMessage> {
        Vec::new()
    }
}
