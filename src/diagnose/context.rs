//! What several rules need, worked out once when the first of them asks.

use std::cell::OnceCell;

use super::Rule;
use super::calls::{Fault, Trouble};
use super::ice::Sessions;
use crate::capture::Nanos;
use crate::correlate::gathered::{Gathered, SignIn};
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Analysis, CallIdx, Owner, Str, address_key};
use crate::show;

/// An analysis under examination.
pub struct Context<'a> {
    pub analysis: &'a Analysis,
    gathered: Gathered<'a>,
    troubles: OnceCell<Vec<Trouble>>,
    sessions: OnceCell<Sessions>,
    faults: OnceCell<Vec<Fault>>,
    media: OnceCell<Vec<super::media::Trouble>>,
    control: OnceCell<super::Control>,
    ahead: OnceCell<Vec<super::capture::Ahead>>,
    one_sided: OnceCell<bool>,
    failed_allocations: OnceCell<Vec<(AllocationIdx, &'static Rule, u16)>>,
    /// When the captures end.
    pub end: Nanos,
}

impl<'a> Context<'a> {
    pub fn new(analysis: &'a Analysis) -> Self {
        Self::with(analysis, analysis.gather())
    }

    pub fn with(analysis: &'a Analysis, gathered: Gathered<'a>) -> Self {
        let (troubles, sessions, faults) = Default::default();
        let (media, control, ahead) = Default::default();
        let (one_sided, failed_allocations) = Default::default();
        let end = analysis.newest_time();
        Self {
            analysis,
            gathered,
            troubles,
            sessions,
            faults,
            media,
            control,
            ahead,
            one_sided,
            failed_allocations,
            end,
        }
    }

    /// Sign-ins, conferences, look-ups and so on, each worked out when the first rule asks for it.
    pub fn gathered(&self) -> &Gathered<'a> {
        &self.gathered
    }

    /// The calls that did not come to an answer, and what kept them from it.
    pub(super) fn troubles(&self) -> &[Trouble] {
        self.troubles.get_or_init(|| super::calls::troubles(self))
    }

    /// What went wrong in calls while they were up.
    pub(super) fn faults(&self) -> &[Fault] {
        self.faults.get_or_init(|| super::calls::faults(self))
    }

    /// What there is to say of media streams.
    pub(super) fn media_troubles(&self) -> &[super::media::Trouble] {
        self.media.get_or_init(|| super::media::troubles(self))
    }

    /// Where the clock of a capture jumped ahead.
    pub(super) fn ahead(&self) -> &[super::capture::Ahead] {
        self.ahead.get_or_init(|| super::capture::ahead(self))
    }

    /// Remote call control.
    pub(super) fn control(&self) -> &super::Control {
        self.control.get_or_init(|| super::Control::of(self.analysis))
    }

    /// Whether only one direction of the SIP traffic was captured.
    pub fn is_one_sided(&self) -> bool {
        *self.one_sided.get_or_init(|| super::capture::one_sided(self.analysis).is_some())
    }

    /// Place of the latest sign-in of a user.
    pub fn sign_in_of(&self, user: Str) -> Option<u32> {
        let key = address_key(self.analysis.strings.bytes(user))?;
        let same = |s: &SignIn| address_key(self.analysis.strings.bytes(s.user)) == Some(key.clone());
        self.gathered().sign_ins().iter().rposition(same).and_then(|i| u32::try_from(i).ok())
    }

    /// The ICE sessions.
    pub fn sessions(&self) -> &Sessions {
        self.sessions.get_or_init(|| Sessions::new(self.analysis, self.analysis.limits.finding_reads))
    }

    /// The allocations that came to nothing, the rule that says why, and the error.
    pub(super) fn failed_allocations(&self) -> &[(AllocationIdx, &'static Rule, u16)] {
        self.failed_allocations.get_or_init(|| super::turn::failed(self))
    }

    /// How long the captures go on after a point in time.
    pub fn goes_on(&self, after: Nanos) -> Nanos {
        self.end.saturating_sub(after).max(0)
    }

    /// `Call 3, Alice → Bob`, `Dialog 4, Alice → Bob`.
    pub fn owner_name(&self, owner: Owner) -> String {
        match owner {
            Owner::Call(call) => self.call_name(call),
            Owner::Dialog(d) => {
                format!("Dialog {}, {}", u64::from(d.0) + 1, show::dialog_parties(self.analysis, d))
            }
        }
    }

    /// `Call 3, Alice → Bob`.
    pub fn call_name(&self, call: CallIdx) -> String {
        format!("Call {}, {}", u64::from(call.0) + 1, show::call_parties(self.analysis, call))
    }
}
