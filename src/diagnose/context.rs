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
    given: Option<&'a Gathered>,
    gathered: OnceCell<Gathered>,
    troubles: OnceCell<Vec<Trouble>>,
    /// When the captures end.
    pub end: Nanos,
}

impl<'a> Context<'a> {
    pub fn new(analysis: &'a Analysis) -> Self {
        let (given, gathered, troubles) = Default::default();
        Self { analysis, given, gathered, troubles, end: analysis.newest_time() }
    }

    pub fn with(analysis: &'a Analysis, gathered: &'a Gathered) -> Self {
        Self { given: Some(gathered), ..Self::new(analysis) }
    }

    /// Sign-ins, conferences, look-ups and so on.
    pub fn gathered(&self) -> &Gathered {
        match self.given {
            Some(given) => given,
            None => self.gathered.get_or_init(|| self.analysis.gather()),
        }
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
