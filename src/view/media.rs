//! Media streams in words: who sends to whom, codec, marks, how well it went, and what a call has of them.

mod call;
mod heard;
pub mod marks;
pub mod plot;
mod trend;

pub use call::{CallMedia, Way, call_media, call_mos, call_way, half_missing};
pub use heard::{HeardLoss, heard_jitter, heard_loss};
pub use trend::{jitter_line, loss_line};

use std::net::SocketAddr;

use super::show;
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::media::{CodecSource, MediaStream, Mos, Protection, Stream};

/// From so much on the loss of a stream is worth a warning, and heard by everybody; percent.
pub const LOSS_HEARD: f64 = 1.0;
const LOSS_HEAVY: f64 = 5.0;
/// The same of its mean jitter, ms: jitter buffers of telephones hold some 60 ms.
const JITTER_HEARD: f64 = 30.0;
/// A MOS below which many are dissatisfied, and nearly all (ITU-T G.107, table B.1).
const MOS_LOW: f64 = 3.6;
const MOS_BAD: f64 = 2.6;
/// Fewer packets tell nothing in percent, fewer lost ones nothing at all.
const FEW: u64 = 100;
const FEW_LOST: u64 = 3;
/// No fax is shorter.
const FAX: Nanos = 5_000_000_000;

/// How a stream went where it was captured, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    HeavyLoss,
    Poor,
    /// The other end reports, and leaves it out.
    Unheard,
    Loss,
    Jitter,
    Low,
    /// Too few packets to tell.
    Few,
    Good,
}

impl Quality {
    pub fn of(analysis: &Analysis, s: &MediaStream, figures: &Stream) -> Self {
        // A source of nothing but keys or comfort noise leaves numbers to others.
        let beside = s.codec.as_ref().is_some_and(|c| c.is_event() || c.is_noise());
        if figures.expected() < FEW || beside {
            return Self::Few;
        }
        let mut lost = after_red(s, figures);
        if gave_way(analysis, s, figures) {
            lost = lost.saturating_sub(u64::from(figures.losses().longest));
        }
        let mos = mos_of(analysis, s).map(|m| m.value);
        let loss = if lost < FEW_LOST { 0.0 } else { percent(lost, figures) };
        // Packets of one picture share their timestamp and are sent apart: of video it is no measure.
        let paced = kind(s) == "video" || s.codec.as_ref().is_some_and(|c| c.clock == 90_000);
        let jitter = figures.jitter().filter(|_| !paced).map_or(0.0, |(mean, _)| mean);
        match () {
            () if loss >= LOSS_HEAVY => Self::HeavyLoss,
            () if mos.is_some_and(|m| m < MOS_BAD) => Self::Poor,
            () if s.unheard => Self::Unheard,
            () if loss >= LOSS_HEARD => Self::Loss,
            () if jitter >= JITTER_HEARD => Self::Jitter,
            () if mos.is_some_and(|m| m < MOS_LOW) => Self::Low,
            () => Self::Good,
        }
    }

    /// As filters and the JSON know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::HeavyLoss => "heavy loss",
            Self::Poor => "low MOS",
            Self::Unheard => "unheard",
            Self::Loss => "loss",
            Self::Jitter => "jitter",
            Self::Low => "MOS",
            Self::Few => "few packets",
            Self::Good => "good",
        }
    }

    /// With its sign.
    pub fn words(self) -> &'static str {
        match self {
            Self::HeavyLoss => "● heavy loss",
            Self::Poor => "● low MOS",
            Self::Unheard => "▲ unheard",
            Self::Loss => "▲ loss",
            Self::Jitter => "▲ jitter",
            Self::Low => "▲ MOS",
            Self::Few => "few packets",
            Self::Good => "✓ good",
        }
    }

    /// 0: an error, 1: a warning, 2: neither.
    pub fn severity(self) -> u8 {
        match self {
            Self::HeavyLoss | Self::Poor => 0,
            Self::Unheard | Self::Loss | Self::Jitter | Self::Low => 1,
            Self::Few | Self::Good => 2,
        }
    }
}

/// Numbers that never came, in percent of those that must have been sent.
pub fn loss_percent(figures: &Stream) -> f64 {
    percent(figures.losses().missing, figures)
}

fn percent(lost: u64, figures: &Stream) -> f64 {
    100.0 * lost as f64 / figures.expected().max(1) as f64
}

/// Whether the one long run of loss is the time in which the call sent a fax by T.38: senders go on counting.
pub fn gave_way(analysis: &Analysis, s: &MediaStream, figures: &Stream) -> bool {
    let losses = figures.losses();
    let one_run = u64::from(losses.longest) * 10 >= losses.missing * 9;
    let long = losses.missing >= FEW && figures.gap.0 >= FAX;
    // Reading SDP again is for few.
    long && one_run && s.call.is_some_and(|c| analysis.media_of_call(c).iter().any(|section| section.was_fax))
}

/// The estimate, but where the loss it is made from was none.
pub fn mos_of(analysis: &Analysis, s: &MediaStream) -> Option<Mos> {
    s.mos.filter(|_| analysis.figures_of(s).is_some_and(|f| !gave_way(analysis, s, &f)))
}

/// Packets whose frame never came: of redundant audio (RFC 2198) not even in the packet behind them.
pub fn after_red(s: &MediaStream, figures: &Stream) -> u64 {
    let missing = figures.losses().missing;
    let codecs = s.codec.iter().chain(s.other_codecs.iter().filter_map(|(_, c)| c.as_ref()));
    match codecs.into_iter().any(|c| c.name.eq_ignore_ascii_case("red")) {
        true => missing.saturating_sub(u64::from(figures.repeated_in_next)),
        false => missing,
    }
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

    /// 94 % of what a source of keys alone counts for is missing (extras of SIPp play them so), and nothing is wrong with it.
    #[test]
    fn a_source_of_keys_alone_is_not_judged() {
        use crate::view::scenario::voices::{BACK, ENDS, THERE, voice};
        let mut s = crate::view::scenario::Scenario::default();
        s.voice_call("call-1", [0, 11_000], "A>B", ENDS);
        s.speak(100, THERE, &voice(1, 200));
        s.speak(110, BACK, &voice(2, 200));
        let keys = voice(3, 0);
        s.press(5_000, THERE, &keys, 0, 1);
        s.press(6_000, THERE, &keys, 300, 5);
        let analysis = s.done();
        assert_eq!(qualities(&analysis), [Quality::Good, Quality::Good, Quality::Few]);
    }

    fn qualities(analysis: &Analysis) -> Vec<Quality> {
        let of = |s: &MediaStream| Quality::of(analysis, s, &analysis.figures_of(s).unwrap());
        analysis.joined_media().iter().map(of).collect()
    }

    /// A sender goes on counting while its call sends a fax: 600 numbers that are no loss, and where there was no fax are one.
    #[test]
    fn the_time_of_a_fax_is_no_loss() {
        use crate::view::scenario::voices::{BACK, ENDS, THERE, Voice, voice};
        use crate::view::scenario::{Scenario, request, response};
        let call = |fax: bool| {
            let mut s = Scenario::default();
            s.voice_call("call-1", [0, 30_000], "A>B", ENDS);
            let image = |port: u16| {
                let kind = if fax { "image" } else { "audio" };
                let format = if fax { "udptl t38" } else { "RTP/AVP 0" };
                format!(
                    "v=0\r\no=- 1 2 IN IP4 10.0.0.65\r\ns=-\r\nc=IN IP4 10.0.0.65\r\nt=0 0\r\nm={kind} {port} {format}\r\n"
                )
            };
            let again = request("INVITE", 5).id("call-1").via(&["A f"]).tag("b");
            s.add(3_000, "A>B", &again.body("application/sdp", &image(4000)));
            let ok = response("200 OK", 5, "INVITE").id("call-1").via(&["A f"]).tag("b");
            s.add(3_050, "B>A", &ok.body("application/sdp", &image(5000)));
            s.speak(100, THERE, &voice(1, 1_000));
            s.speak(110, BACK, &Voice { lost: (200..800).collect(), ..voice(2, 1_000) });
            s.done()
        };
        assert_eq!(qualities(&call(true)), [Quality::Good, Quality::Good]);
        assert_eq!(qualities(&call(false)), [Quality::Good, Quality::HeavyLoss]);
    }

    /// Packets of one picture have one timestamp.
    #[test]
    fn video_is_not_judged_by_jitter() {
        use crate::view::scenario::media::Source;
        let mut s = crate::view::scenario::Scenario::default();
        for (path, payload_type, ticks) in
            [("10.0.0.1:4000>10.0.0.2:4000", 34, 3_000), ("10.0.0.1:5000>10.0.0.2:5000", 0, 160)]
        {
            let mut source = Source::new(path, u32::from(payload_type) + 1);
            source.payload_type = payload_type;
            source.ticks = ticks;
            // Every fourth comes 200 ms late.
            (0..400).for_each(|n| s.add_rtp(n * 20_000 + if n % 4 == 3 { 200_000 } else { 0 }, &mut source));
        }
        let analysis = s.done();
        assert!(
            analysis.media.streams.iter().all(|f| f.jitter().is_some_and(|(mean, _)| mean > JITTER_HEARD))
        );
        assert_eq!(qualities(&analysis), [Quality::Good, Quality::Jitter]);
    }
}
