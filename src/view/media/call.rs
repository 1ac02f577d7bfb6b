//! What a call has of media at the capture point, and whether that none is there says anything.

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
    /// Streams whose direction is not known.
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
            let agreed = if self.as_agreed { " as agreed" } else { "" };
            let apart = if self.path.is_empty() { "" } else { ", " };
            format!("{sign} {who} only{agreed}{apart}{}", self.path)
        };
        match self.way {
            Way::NoMedia => String::new(),
            Way::Both => format!("⇄ {}", self.path).trim_end().to_owned(),
            Way::CallerOnly => one_way("→", "caller"),
            Way::CalleeOnly => one_way("←", "callee"),
            Way::Early => format!("← early {}", self.path).trim_end().to_owned(),
            Way::Unclear => format!("· {}", self.path).trim_end().to_owned(),
            Way::None => "✗ none".to_owned(),
            Way::NotHere => "not captured here".to_owned(),
        }
    }
}

/// Of several kinds the voice tells whether people could talk.
fn telling(index: &MediaIndex, c: CallIdx) -> Vec<&MediaStream> {
    let all = || index.of_call(c).map(|(_, s)| s);
    let voice: Vec<&MediaStream> = all().filter(|s| super::kind(s) == "audio").collect();
    if voice.is_empty() { all().collect() } else { voice }
}

pub fn call_way(analysis: &Analysis, index: &MediaIndex, c: CallIdx) -> Way {
    let summary = &analysis.call(c).summary;
    if index.places_of(c).is_empty() {
        let agreed = matches!(summary.kind, CallKind::Audio | CallKind::Video) && summary.answered.is_some();
        return match () {
            () if !agreed => Way::NoMedia,
            () if would_be_seen(analysis, index, c) => Way::None,
            () => Way::NotHere,
        };
    }
    let streams = telling(index, c);
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
pub fn call_mos(index: &MediaIndex, c: CallIdx) -> Option<f64> {
    index.of_call(c).filter_map(|(_, s)| s.mos).map(|m| m.value).min_by(f64::total_cmp)
}

pub fn call_media(analysis: &Analysis, index: &MediaIndex, c: CallIdx) -> CallMedia {
    let way = call_way(analysis, index, c);
    let streams = telling(index, c);
    let path = if streams.is_empty() { String::new() } else { path(analysis, c, &streams) };
    let one_way = matches!(way, Way::CallerOnly | Way::CalleeOnly);
    CallMedia { way, path, as_agreed: one_way && !half_missing(analysis, c) }
}

/// The path of most packets.
fn path(analysis: &Analysis, c: CallIdx, streams: &[&MediaStream]) -> String {
    let packets = |s: &MediaStream| analysis.figures_of(s).map_or(0, |f| f.packets);
    let Some(main) = streams.iter().max_by_key(|s| packets(s)) else { return String::new() };
    if let Some((session, _)) = main.pair
        && let Some(session) = analysis.ice_sessions_of(c).get(session)
    {
        let words = ice::path_words(analysis, session);
        if !words.is_empty() && words != "none" {
            return words;
        }
    }
    let transport = analysis.flow(main.flow).transport;
    let over = transport.name().to_uppercase();
    match (main.relay, transport) {
        (Some(_), _) => format!("relay {over}"),
        (None, Transport::Udp) => "direct".to_owned(),
        (None, _) => format!("direct {over}"),
    }
}

/// Whether the media of a call that was answered would have passed the capture point: its connectivity checks did and came
/// to an end, or, without any, media of others between its machines does.
fn would_be_seen(analysis: &Analysis, index: &MediaIndex, c: CallIdx) -> bool {
    let s = &analysis.call(c).summary;
    let Some(answered) = s.answered else { return false };
    if s.end.unwrap_or_else(|| analysis.newest_time()).saturating_sub(answered) < TALK {
        return false;
    }
    let media_passes = !index.streams.is_empty();
    if !media_passes && analysis.stun.records.is_empty() {
        return false;
    }
    let wanted: Vec<SectionMedia> = analysis
        .media_of_call(c)
        .into_iter()
        .filter(|s| {
            s.rtp && !s.declined && s.agreed.is_some() && (s.from_caller_wanted || s.from_callee_wanted)
        })
        .collect();
    if wanted.is_empty() {
        return false;
    }
    let sessions = if analysis.stun.records.is_empty() { Vec::new() } else { analysis.ice_sessions_of(c) };
    if sessions.iter().any(|s| s.state != IceState::NotStarted) {
        let media = |s: &IceSession| s.pairs.iter().any(|p| p.media_packets > 0);
        let settled = |s: &IceSession| match s.state {
            IceState::Failed => true,
            // Its checks passed here, so would its media; unless the capture was stripped of media.
            IceState::Connected => media_passes && s.selected().any(|p| p.requests > 0 && p.responses > 0),
            IceState::Incomplete | IceState::NotStarted => false,
        };
        let audio = |s: &&IceSession| s.media.as_deref().is_none_or(|m| m == "audio");
        return !sessions.iter().any(media) && sessions.iter().filter(audio).any(settled);
    }
    // What was to go by ICE may have gone elsewhere than the first address says.
    sessions.is_empty()
        && wanted.iter().any(|s| {
            let [callers, callees] = &s.machines;
            callers.iter().any(|a| callees.iter().any(|b| index.would_pass(*a, *b)))
        })
}

/// Whether both directions were to run in a section where only one was captured.
pub fn half_missing(analysis: &Analysis, c: CallIdx) -> bool {
    analysis.media_of_call(c).iter().any(|s| s.one_way().is_some())
}
