//! Which ways media of a call went at the capture point, and whether that none is there says anything.

use std::cell::OnceCell;
use std::net::IpAddr;

use crate::capture::Nanos;
use crate::correlate::ice::{IceSession, IceState};
use crate::correlate::media::{MediaIndex, MediaStream};
use crate::correlate::{Analysis, CallIdx, CallKind, flag};
use crate::show::media::kind;

/// A call that was answered and talked for less may have ended before the first packet.
const TALK: Nanos = 2_000_000_000;

/// Which ways media was seen to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// Nothing that is media was agreed on.
    NoMedia,
    Both,
    CallerOnly,
    CalleeOnly,
    /// From the callee only, of a call that was not answered: announcements, ringing.
    Early,
    /// Streams whose direction is not known, or that might be of another call.
    Unclear,
    /// Nobody was to send: `inactive` as agreed.
    Inactive,
    /// It would have passed here, and did not.
    None,
    /// None passed the capture point, where it need not.
    NotHere,
}

impl Way {
    /// For filters.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoMedia => "",
            Self::Both => "both",
            Self::CallerOnly => "caller only",
            Self::CalleeOnly => "callee only",
            Self::Early => "early",
            Self::Unclear => "unclear",
            Self::Inactive => "none, as agreed",
            Self::None => "none",
            Self::NotHere => "not captured here",
        }
    }
}

/// Streams of a call, else those of another leg that it names too while it lasts.
pub fn streams_of<'a>(analysis: &Analysis, index: &'a MediaIndex, c: CallIdx) -> Vec<&'a MediaStream> {
    let own: Vec<&MediaStream> = index.of_call(c).map(|(_, s)| s).collect();
    if !own.is_empty() {
        return own;
    }
    let summary = &analysis.call(c).summary;
    let until = summary.end.unwrap_or(Nanos::MAX);
    index.shared_with(c).filter(|s| s.first <= until && s.last >= summary.earliest()).collect()
}

/// Of several kinds the voice tells whether people could talk.
pub fn telling<'a>(analysis: &Analysis, index: &'a MediaIndex, c: CallIdx) -> Vec<&'a MediaStream> {
    let all = streams_of(analysis, index, c);
    let voice: Vec<&MediaStream> = all.iter().copied().filter(|s| kind(s) == "audio").collect();
    if voice.is_empty() { all } else { voice }
}

pub fn call_way(analysis: &Analysis, index: &MediaIndex, c: CallIdx) -> Way {
    let summary = &analysis.call(c).summary;
    let streams = telling(analysis, index, c);
    if streams.is_empty() {
        let agreed = matches!(summary.kind, CallKind::Audio | CallKind::Video) && summary.answered.is_some();
        return if agreed { without_streams(analysis, index, c) } else { Way::NoMedia };
    }
    let from = |caller: bool| streams.iter().any(|s| s.from_caller == Some(caller));
    match (from(true), from(false)) {
        (true, true) => Way::Both,
        (true, false) => Way::CallerOnly,
        (false, true) if summary.answered.is_none() => Way::Early,
        (false, true) => Way::CalleeOnly,
        (false, false) => Way::Unclear,
    }
}

/// What it says that no stream is of a call that was answered. Its media would have passed the capture point where its
/// connectivity checks did and came to an end, or, without any, media of others between its machines does. Where the call ended
/// before any check of its pairs was answered, there was no way for it yet.
fn without_streams(analysis: &Analysis, index: &MediaIndex, c: CallIdx) -> Way {
    let s = &analysis.call(c).summary;
    let until = s.end.unwrap_or_else(|| analysis.newest_time());
    let media_passes = !index.streams.is_empty();
    let checked = !analysis.stun.records.is_empty();
    if !media_passes && !checked {
        return Way::NotHere;
    }
    let sections = OnceCell::new();
    let agreed = || {
        let sections = sections.get_or_init(|| analysis.media_of_call(c)).iter();
        sections.filter(|s| s.rtp && !s.declined && s.agreed.is_some())
    };
    let wanted = || agreed().filter(|s| s.from_caller_wanted || s.from_callee_wanted);
    let mut messages = analysis.messages_of(analysis.call(c).messages);
    // The descriptions of nearly all calls need not be read again to know that they run both ways.
    let may_be_inactive = messages.any(|m| analysis.message(m).has(flag::ONE_WAY));
    if may_be_inactive && agreed().next().is_some() && wanted().next().is_none() {
        return Way::Inactive;
    }
    if s.answered.is_none_or(|t| until.saturating_sub(t) < TALK) {
        return Way::NotHere;
    }
    let machines = |fits: &dyn Fn(IpAddr, IpAddr) -> bool| {
        wanted().any(|s| {
            let [callers, callees] = &s.machines;
            callers.iter().any(|a| callees.iter().any(|b| fits(*a, *b)))
        })
    };
    if media_passes && machines(&|a, b| index.may_have_passed(a, b, [s.start, until])) {
        return Way::Unclear;
    }
    let sessions = if checked { analysis.ice_sessions_of(c) } else { Vec::new() };
    if sessions.iter().any(|s| s.state != IceState::NotStarted) {
        let media = |s: &IceSession| s.pairs.iter().any(|p| p.media_packets > 0);
        let settled = |s: &IceSession| match s.state {
            IceState::Failed => true,
            // Its checks passed here, so would its media; unless the capture was stripped of media.
            IceState::Connected => media_passes && s.selected().any(|p| p.requests > 0 && p.responses > 0),
            IceState::Incomplete => has_no_way_yet(s),
            IceState::NotStarted => false,
        };
        let audio = |s: &&IceSession| s.media.as_deref().is_none_or(|m| m == "audio");
        let none = !sessions.iter().any(media) && sessions.iter().filter(audio).any(settled);
        return if none && wanted().next().is_some() { Way::None } else { Way::NotHere };
    }
    // What was to go by ICE may have gone elsewhere than the first address says.
    let none = sessions.is_empty() && media_passes && machines(&|a, b| index.would_pass(a, b));
    if none { Way::None } else { Way::NotHere }
}

/// Whether all pairs were checked here, and no check was answered (RFC 8445 §12.1: media takes a valid pair).
fn has_no_way_yet(s: &IceSession) -> bool {
    !s.pairs.is_empty() && s.pairs.iter().all(|p| p.requests > 0 && p.responses == 0)
}

/// Whether the connectivity checks of a call were still going on at its end, so that nothing failed yet.
pub fn is_unfinished(analysis: &Analysis, c: CallIdx) -> bool {
    analysis.ice_sessions_of(c).iter().any(|s| s.state == IceState::Incomplete)
}

/// Whether both directions were to run in a section where only one was captured.
pub fn half_missing(analysis: &Analysis, c: CallIdx) -> bool {
    analysis.media_of_call(c).iter().any(|s| s.one_way().is_some())
}
