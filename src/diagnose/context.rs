//! What several rules need, worked out once when the first of them asks.

use std::cell::OnceCell;

use super::calls::Trouble;
use crate::capture::Nanos;
use crate::correlate::gathered::Gathered;
use crate::correlate::{Analysis, CallIdx};
use crate::show;

/// An analysis under examination.
pub struct Context<'a> {
    pub analysis: &'a Analysis,
    gathered: Gathered<'a>,
    troubles: OnceCell<Vec<Trouble>>,
    /// When the captures end.
    pub end: Nanos,
}

impl<'a> Context<'a> {
    pub fn new(analysis: &'a Analysis) -> Self {
        Self::with(analysis, analysis.gather())
    }

    pub fn with(analysis: &'a Analysis, gathered: Gathered<'a>) -> Self {
        Self { analysis, gathered, troubles: OnceCell::new(), end: analysis.newest_time() }
    }

    /// Sign-ins, conferences, look-ups and so on, each worked out when the first rule asks for it.
    pub fn gathered(&self) -> &Gathered<'a> {
        &self.gathered
    }

    /// The calls that did not come to an answer, and what kept them from it.
    pub(super) fn troubles(&self) -> &[Trouble] {
        self.troubles.get_or_init(|| super::calls::troubles(self))
    }

    /// How long the captures go on after a point in time.
    pub fn goes_on(&self, after: Nanos) -> Nanos {
        self.end.saturating_sub(after).max(0)
    }

    /// `Call 3, Alice → Bob`.
    pub fn call_name(&self, call: CallIdx) -> String {
        format!("Call {}, {}", u64::from(call.0) + 1, show::call_parties(self.analysis, call))
    }
}
