//! Conferences: what conference control (C3P) and conference-info say, joined by the conference ID.

use super::Analysis;
use super::model::*;

/// One conference.
#[derive(Debug, Clone)]
pub struct Conference {
    pub conference_id: String,
    /// The calls and dialogs it is made of, in order of time.
    pub owners: Vec<Owner>,
}

impl Analysis {
    pub(super) fn conferences(&self) -> Vec<Conference> {
        Vec::new()
    }
}
