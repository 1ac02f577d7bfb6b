//! What is shown of media streams.

pub mod plot;

use std::net::SocketAddr;

use super::show;
use crate::correlate::Analysis;
use crate::correlate::media::{CodecSource, MediaStream, Protection, Stream};

/// Numbers that never came, in percent of those that must have been sent.
pub fn loss_percent(figures: &Stream) -> f64 {
    100.0 * figures.losses().missing as f64 / figures.expected().max(1) as f64
}

/// A figure to one decimal: `0`, `0.4`, `12.5`; what is not 0 and would look so: `<0.1`.
pub fn decimal(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    match rounded {
        0.0 if value > 0.0 => "<0.1".to_owned(),
        0.0 => "0".to_owned(),
        _ if rounded.fract() == 0.0 => format!("{rounded:.0}"),
        _ => format!("{rounded:.1}"),
    }
}

/// `0.8 ms`.
pub fn millis(value: f64) -> String {
    format!("{} ms", decimal(value))
}

/// Name of a DSCP value (RFC 2474, RFC 2597, RFC 3246): EF, CS5, AF41. 0 and those without a name have none.
pub fn mark_name(dscp: u8) -> Option<String> {
    let (class, rest) = (dscp >> 3, dscp & 7);
    match (dscp, class, rest) {
        (0 | 64.., ..) => None,
        (46, ..) => Some("EF".to_owned()),
        (_, class, 0) => Some(format!("CS{class}")),
        (_, class @ 1..=4, rest @ (2 | 4 | 6)) => Some(format!("AF{class}{}", rest / 2)),
        _ => None,
    }
}

/// The value of a number or a name of [`mark_name`], in any case.
pub fn mark_of(text: &str) -> Option<u8> {
    match text.parse::<u8>() {
        Ok(dscp) => Some(dscp).filter(|d| *d < 64),
        Err(_) if text.eq_ignore_ascii_case("CS0") => Some(0),
        Err(_) => (1..64).find(|d| mark_name(*d).is_some_and(|name| name.eq_ignore_ascii_case(text))),
    }
}

/// `46 EF`, `0`.
pub fn mark_words(dscp: u8) -> String {
    mark_name(dscp).map_or_else(|| dscp.to_string(), |name| format!("{dscp} {name}"))
}

/// Codec of a stream: `PCMU/8000`; a number that nothing names: `PT 114`. One that only convention names ends in `?`.
pub fn codec(s: &MediaStream) -> String {
    match &s.codec {
        Some(codec) => {
            let doubt = if codec.source == CodecSource::Fallback { "?" } else { "" };
            show::shorten(&show::safe_str(&format!("{}{doubt}", codec.text())), 40)
        }
        None => format!("PT {}", s.payload_type),
    }
}

/// `0x8418D3C5`.
pub fn ssrc(ssrc: u32) -> String {
    format!("0x{ssrc:08X}")
}

/// `SRTP`, `SRTP?` where only the size of packets says so; empty for what is in the clear.
pub fn protection(s: &MediaStream) -> &'static str {
    match s.protection {
        Some(Protection::Srtp) => "SRTP",
        Some(Protection::SrtpBySize) => "SRTP?",
        None => "",
    }
}

/// Who sends to whom: the parties of the call, else machines by name or address.
pub fn ends(analysis: &Analysis, s: &MediaStream) -> [String; 2] {
    let flow = analysis.flow(s.flow);
    let named = |a: SocketAddr| match show::machine(analysis, a) {
        Some(name) => format!("{name}:{}", a.port()),
        None => a.to_string(),
    };
    match (s.call, s.from_caller) {
        (Some(call), Some(from_caller)) => {
            let call = analysis.call(call);
            let raw = |s| analysis.strings.bytes(s);
            let caller = show::party_short(raw(call.from_display), raw(call.from_uri));
            let callee = show::party_short(raw(call.to_display), raw(call.to_uri));
            if from_caller { [caller, callee] } else { [callee, caller] }
        }
        _ => [named(flow.src), named(flow.dst)],
    }
}

/// Kind of the stream: of its media section, else what its codec is known to be for.
pub fn kind(s: &MediaStream) -> &str {
    s.section.as_ref().map_or("", |section| section.kind.as_str())
}
