//! Media streams in words: who sends to whom, codec, marks, figures.

use std::net::SocketAddr;

use crate::correlate::Analysis;
use crate::correlate::media::{CodecSource, MediaStream, Protection, Stream};
use crate::show;

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

/// The marks of a stream in the order they came, and those the same packets had where they were captured again: `46 EF`,
/// `46→0`, `0, 46`.
pub fn marks(figures: &Stream) -> String {
    let mut marks: Vec<_> = figures.marks().collect();
    marks.sort_by_key(|m| m.frame);
    let own: Vec<u8> = marks.iter().filter(|m| m.packets > 0).map(|m| m.dscp).collect();
    let mut again = marks.iter().filter(|m| m.again > 0).map(|m| m.dscp).filter(|d| !own.contains(d));
    match (own.as_slice(), again.next()) {
        ([one], None) => mark_words(*one),
        (own, then) => {
            let mut text = own.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
            for dscp in then.into_iter().chain(again) {
                text.push_str(&format!("→{dscp}"));
            }
            text
        }
    }
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

/// Keys pressed. They may be a passcode: where what people wrote is replaced, so are they.
pub fn keys(analysis: &Analysis, s: &MediaStream) -> String {
    if analysis.redact_text { "x".repeat(s.keys.chars().count()) } else { show::safe_str(&s.keys) }
}

/// `SRTP`, `SRTP?` where only the size of packets says so; empty for what is in the clear.
pub fn protection(s: &MediaStream) -> &'static str {
    match s.protection {
        Some(Protection::Srtp) => "SRTP",
        Some(Protection::SrtpBySize) => "SRTP?",
        None => "",
    }
}

/// The source of a stream of RTP; empty for a fax, which has none.
pub fn source(s: &MediaStream) -> String {
    if s.is_fax() { String::new() } else { ssrc(s.ssrc) }
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

/// Kind of the stream: fax, else that of its media section, else what its codec is known to be for.
pub fn kind(s: &MediaStream) -> &str {
    if s.is_fax() {
        return "fax";
    }
    s.section.as_ref().map_or("", |section| section.kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2597 §6, RFC 3246, RFC 2474 §4.2.2; fact page rtp-media.md §7: 40 is CS5, 24 is CS3, 34 is AF41, 18 is AF21.
    #[test]
    fn marks_have_the_names_of_their_rfcs() {
        let named: Vec<(u8, String)> = (0..=63).filter_map(|d| Some((d, mark_name(d)?))).collect();
        let text: Vec<String> = named.iter().map(|(d, n)| format!("{d} {n}")).collect();
        assert_eq!(
            text.join(" "),
            "8 CS1 10 AF11 12 AF12 14 AF13 16 CS2 18 AF21 20 AF22 22 AF23 24 CS3 26 AF31 28 AF32 30 AF33 \
             32 CS4 34 AF41 36 AF42 38 AF43 40 CS5 46 EF 48 CS6 56 CS7"
        );
        assert!(named.iter().all(|(d, n)| mark_of(&n.to_lowercase()) == Some(*d)));
        assert_eq!(
            (mark_of("46"), mark_of("64"), mark_of("EE"), mark_of("cs0")),
            (Some(46), None, None, Some(0))
        );
        assert_eq!((mark_words(0), mark_words(44), mark_words(255)), ("0".into(), "44".into(), "255".into()));
    }

    #[test]
    fn figures_are_short_and_what_is_there_is_not_nothing() {
        let of = [0.0, 0.04, 0.06, 0.96, 4.25, 12.0, -0.01, 100.0].map(decimal);
        assert_eq!(of, ["0", "<0.1", "0.1", "1", "4.3", "12", "0", "100"]);
    }
}
