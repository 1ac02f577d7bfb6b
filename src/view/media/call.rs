//! What a call has of media at the capture point, and whether that none is there says anything.

use std::net::IpAddr;

use crate::capture::Nanos;
use crate::correlate::ice::{IceSession, IceState};
use crate::correlate::media::{MediaIndex, MediaStream, SectionMedia};
use crate::correlate::{Analysis, CallIdx, CallKind, Transport};
use crate::view::ice;

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
            Self::None => "none",
            Self::NotHere => "not captured here",
        }
    }
}

/// The media of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallMedia {
    pub way: Way,
    /// `direct`, `relay UDP`, `two relays TCP`; empty without streams.
    pub path: String,
    /// One way only, and SDP asked for no more.
    pub as_agreed: bool,
}

impl CallMedia {
    /// `⇄ relay UDP`, `← callee only, direct`, `✗ none`; empty where no media was agreed on.
    pub fn words(&self) -> String {
        let one_way = |sign: &str, who: &str| {
            let agreed = if self.as_agreed { ", as agreed" } else { "" };
            let apart = if self.path.is_empty() { "" } else { ", " };
            format!("{sign} {who} only{agreed}{apart}{}", self.path)
        };
        match self.way {
            Way::NoMedia => String::new(),
            Way::Both => format!("⇄ {}", self.path).trim_end().to_owned(),
            Way::CallerOnly => one_way("→", "caller"),
            Way::CalleeOnly => one_way("←", "callee"),
            Way::Early => format!("← early {}", self.path).trim_end().to_owned(),
            Way::Unclear => format!("? unclear {}", self.path).trim_end().to_owned(),
            Way::None => "✗ none".to_owned(),
            Way::NotHere => "not captured here".to_owned(),
        }
    }
}

/// Streams of a call, else those of another leg that it names too while it lasts.
fn streams_of<'a>(analysis: &Analysis, index: &'a MediaIndex, c: CallIdx) -> Vec<&'a MediaStream> {
    let own: Vec<&MediaStream> = index.of_call(c).map(|(_, s)| s).collect();
    if !own.is_empty() {
        return own;
    }
    let summary = &analysis.call(c).summary;
    let until = summary.end.unwrap_or(Nanos::MAX);
    index.shared_with(c).filter(|s| s.first <= until && s.last >= summary.start).collect()
}

/// Of several kinds the voice tells whether people could talk.
fn telling<'a>(analysis: &Analysis, index: &'a MediaIndex, c: CallIdx) -> Vec<&'a MediaStream> {
    let all = streams_of(analysis, index, c);
    let voice: Vec<&MediaStream> = all.iter().copied().filter(|s| super::kind(s) == "audio").collect();
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

/// The lowest MOS of a call's streams.
pub fn call_mos(analysis: &Analysis, index: &MediaIndex, c: CallIdx) -> Option<f64> {
    let all = streams_of(analysis, index, c);
    all.into_iter().filter_map(|s| super::mos_of(analysis, s)).map(|m| m.value).min_by(f64::total_cmp)
}

pub fn call_media(analysis: &Analysis, index: &MediaIndex, c: CallIdx) -> CallMedia {
    let way = call_way(analysis, index, c);
    let streams = telling(analysis, index, c);
    let path = if streams.is_empty() { String::new() } else { path(analysis, &streams) };
    let one_way = matches!(way, Way::CallerOnly | Way::CalleeOnly);
    // Whose SDP it was that asked for them.
    let of = streams.first().and_then(|s| s.call).unwrap_or(c);
    CallMedia { way, path, as_agreed: one_way && !half_missing(analysis, of) }
}

/// The path of most packets.
fn path(analysis: &Analysis, streams: &[&MediaStream]) -> String {
    let packets = |s: &MediaStream| analysis.figures_of(s).map_or(0, |f| f.packets);
    let Some(main) = streams.iter().max_by_key(|s| packets(s)) else { return String::new() };
    if let Some((call, (session, _))) = main.call.zip(main.pair)
        && let Some(session) = analysis.ice_sessions_of(call).get(session as usize)
    {
        let words = ice::path_words(analysis, session);
        if !words.is_empty() && words != "none" {
            return words;
        }
    }
    let transport = analysis.flow(main.flow).transport;
    let over = transport.name().to_uppercase();
    match (&main.relay, transport) {
        (Some(_), _) => format!("relay {over}"),
        (None, Transport::Udp) => "direct".to_owned(),
        (None, _) => format!("direct {over}"),
    }
}

/// What it says that no stream is of a call that was answered. Its media would have passed the capture point where its
/// connectivity checks did and came to an end, or, without any, media of others between its machines does.
fn without_streams(analysis: &Analysis, index: &MediaIndex, c: CallIdx) -> Way {
    let s = &analysis.call(c).summary;
    let until = s.end.unwrap_or_else(|| analysis.newest_time());
    let media_passes = !index.streams.is_empty();
    let checked = !analysis.stun.records.is_empty();
    if s.answered.is_none_or(|t| until.saturating_sub(t) < TALK) || !media_passes && !checked {
        return Way::NotHere;
    }
    let wanted: Vec<SectionMedia> = analysis
        .media_of_call(c)
        .into_iter()
        .filter(|s| {
            s.rtp && !s.declined && s.agreed.is_some() && (s.from_caller_wanted || s.from_callee_wanted)
        })
        .collect();
    let machines = |fits: &dyn Fn(IpAddr, IpAddr) -> bool| {
        wanted.iter().any(|s| {
            let [callers, callees] = &s.machines;
            callers.iter().any(|a| callees.iter().any(|b| fits(*a, *b)))
        })
    };
    if machines(&|a, b| index.may_have_passed(a, b, [s.start, until])) {
        return Way::Unclear;
    }
    let sessions = if checked { analysis.ice_sessions_of(c) } else { Vec::new() };
    if sessions.iter().any(|s| s.state != IceState::NotStarted) {
        let media = |s: &IceSession| s.pairs.iter().any(|p| p.media_packets > 0);
        let settled = |s: &IceSession| match s.state {
            IceState::Failed => true,
            // Its checks passed here, so would its media; unless the capture was stripped of media.
            IceState::Connected => media_passes && s.selected().any(|p| p.requests > 0 && p.responses > 0),
            IceState::Incomplete | IceState::NotStarted => false,
        };
        let audio = |s: &&IceSession| s.media.as_deref().is_none_or(|m| m == "audio");
        let none = !sessions.iter().any(media) && sessions.iter().filter(audio).any(settled);
        return if none && !wanted.is_empty() { Way::None } else { Way::NotHere };
    }
    // What was to go by ICE may have gone elsewhere than the first address says.
    let none = sessions.is_empty() && machines(&|a, b| index.would_pass(a, b));
    if none { Way::None } else { Way::NotHere }
}

/// Whether both directions were to run in a section where only one was captured.
pub fn half_missing(analysis: &Analysis, c: CallIdx) -> bool {
    analysis.media_of_call(c).iter().any(|s| s.one_way().is_some())
}
