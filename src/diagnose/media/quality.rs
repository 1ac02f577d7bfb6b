//! How well a stream went where it was captured.

use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::media::{MediaStream, Mos, Stream};
use crate::show::media::kind;

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
        // Of numbers that jump nobody knows whether what lies between was ever sent.
        if figures.expected() < FEW || figures.packets * 2 < FEW || beside {
            return Self::Few;
        }
        let lost = lost_on_the_way(analysis, s, figures);
        let mos = mos_of(analysis, s).map(|m| m.value);
        let loss = if lost < FEW_LOST { 0.0 } else { percent(lost, figures) };
        // Packets of one picture share their timestamp and are sent apart: of video it is no measure, nor of what may be video.
        let paced = kind(s) == "video" || s.codec.as_ref().is_none_or(|c| c.clock == 90_000);
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

/// Packets that were lost before the capture point: less what RED repeats, the time of a fax, and what only the capture missed.
pub fn lost_on_the_way(analysis: &Analysis, s: &MediaStream, figures: &Stream) -> u64 {
    let mut lost = after_red(s, figures);
    if gave_way(analysis, s, figures) {
        lost = lost.saturating_sub(u64::from(figures.losses().longest));
    }
    // What the receiver has all the same; what came behind its last report went as that before it.
    match s.loss {
        Some(l) if l.before > 0 => lost * l.before.saturating_sub(l.not_captured) / l.before,
        _ => lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
