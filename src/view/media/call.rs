//! What a call has of media at the capture point, in words.

use super::{Way, call_way, half_missing};
use crate::correlate::media::{MediaIndex, MediaStream};
use crate::correlate::{Analysis, CallIdx, Transport};
use crate::diagnose::media::{streams_of, telling};
use crate::view::ice;

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
    /// `⇄ relay UDP`, `← callee only, direct`, `none, as agreed`, `✗ none`; empty where no media was agreed on.
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
            Way::Inactive => "none, as agreed".to_owned(),
            Way::None => "✗ none".to_owned(),
            Way::NotHere => "not captured here".to_owned(),
        }
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
    if let Some(on) = analysis.ice_pair_of(main) {
        let words = ice::path_words(analysis, &on.session);
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
