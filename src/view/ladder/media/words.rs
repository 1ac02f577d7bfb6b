//! What the lines of streams say.

use std::collections::BTreeSet;

use super::{Placed, Span};
use crate::correlate::media::{Codec, MediaStream, Stream};
use crate::view::media::{codec, decimal, kind, loss_percent, protection, source};
use crate::view::show;

/// Figures of all streams of one way.
#[derive(Debug, Default, Clone, PartialEq)]
struct Way {
    sources: usize,
    packets: u64,
    missing: u64,
    expected: u64,
    /// Highest mean.
    jitter: Option<f64>,
    mos: Option<f64>,
}

impl Way {
    fn of<'a>(parts: impl Iterator<Item = &'a Placed<'a>>) -> Self {
        let mut way = Self::default();
        for p in parts {
            way.sources += 1;
            way.packets += p.figures.packets;
            way.missing += p.figures.losses().missing;
            way.expected += p.figures.expected();
            way.jitter = max(way.jitter, p.figures.jitter().map(|(mean, _)| mean));
            way.mos = match (way.mos, p.stream.mos.map(|m| m.value)) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        way
    }

    fn loss(&self) -> String {
        decimal(100.0 * self.missing as f64 / self.expected.max(1) as f64)
    }
}

fn max(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

fn packets(n: u64) -> String {
    show::count(n, "pkt", "pkts")
}

/// `RTP PCMU/8000`, `SRTP video VP8/90000`.
fn what(s: &MediaStream) -> String {
    if s.is_fax() {
        return "T.38 fax".to_owned();
    }
    let protocol = match protection(s) {
        "" => "RTP",
        srtp => srtp,
    };
    let kind = match &s.section {
        Some(section) if section.kind != "audio" => {
            format!(" {}", show::shorten(&show::safe_str(&section.kind), 20))
        }
        _ => String::new(),
    };
    format!("{protocol}{kind} {}", codec(s))
}

/// One stream by itself: `RTP PCMU/8000 0x8418D3C5, 303 pkts, 2 lost (0.7 %), jitter 1.2 ms`.
pub(super) fn stream(s: &MediaStream, f: &Stream) -> String {
    let source = source(s);
    let apart = if source.is_empty() { "" } else { " " };
    let mut out = format!("{}{apart}{source}, {}", what(s), packets(f.packets));
    let missing = f.losses().missing;
    match missing {
        0 => out.push_str(", none lost"),
        n => out.push_str(&format!(", {} lost ({} %)", show::number(n), decimal(loss_percent(f)))),
    }
    if let Some((mean, _)) = f.jitter() {
        out.push_str(&format!(", jitter {} ms", decimal(mean)));
    }
    if let Some(mos) = s.mos {
        out.push_str(&format!(", MOS {:.1}", mos.value));
    }
    if f.restarts() > 0 {
        out.push_str(&format!(", {}", show::count(u64::from(f.restarts()), "restart", "restarts")));
    }
    out
}

/// Both ways: `→0.1 % ←0 %`, once where they are alike, one way by itself.
fn each(ways: &[Option<String>], unit: &str) -> Option<String> {
    match ways {
        [Some(one)] => Some(format!("{one}{unit}")),
        [Some(a), Some(b)] if a == b => Some(format!("{a}{unit}")),
        [Some(a), Some(b)] => Some(format!("→{a} ←{b}{unit}")),
        [Some(a), None] => Some(format!("→{a}{unit}")),
        [None, Some(b)] => Some(format!("←{b}{unit}")),
        _ => None,
    }
}

/// `RTP PCMU/8000, →303 ←298 pkts in 6.04 s, loss →0 ←1.6 %, jitter 1.2 ms, MOS →4.4 ←4.1`.
pub(super) fn span(
    span: &Span<'_>,
    (from, to): (usize, usize),
    both: bool,
    nothing_comes_back: bool,
) -> String {
    let on = Way::of(span.parts.iter().filter(|p| p.from == from && p.to == to));
    let back = Way::of(span.parts.iter().filter(|p| p.from == to && p.to == from && both));
    let ways: Vec<&Way> = if both { vec![&on, &back] } else { vec![&on] };
    let all = |f: &dyn Fn(&Way) -> Option<String>| ways.iter().map(|w| f(w)).collect::<Vec<_>>();
    // What most packets are.
    let main = span.parts.iter().max_by_key(|p| p.figures.packets);
    let mut out = main.map_or_else(String::new, |p| what(p.stream));
    let counts = match (both, on.packets == back.packets) {
        (true, true) => format!("{} each way", packets(on.packets)),
        (true, false) => format!("→{} ←{} pkts", show::number(on.packets), show::number(back.packets)),
        (false, _) => packets(on.packets),
    };
    let first = span.parts.first().map_or(0, |p| p.figures.first);
    let length = show::duration(span.end.saturating_sub(first));
    out.push_str(&format!(", {counts} in {length}"));
    if main.is_some_and(|p| p.stream.codec.as_deref().is_some_and(Codec::is_event)) {
        // Between keys neither numbers nor times say anything.
        return out;
    }
    // What is wrong first: on a narrow screen the rest may not be seen.
    if let Some(late) = span.parts.iter().filter_map(|p| p.stream.after_end).max() {
        out.push_str(&format!(", {} beyond the BYE", show::duration(late)));
    }
    if nothing_comes_back {
        out.push_str(", nothing comes back");
    }
    if ways.iter().all(|w| w.missing == 0) {
        out.push_str(", no loss");
    } else if let Some(loss) = each(&all(&|w| Some(w.loss())), " %") {
        out.push_str(&format!(", loss {loss}"));
    }
    if let Some(jitter) = each(&all(&|w| w.jitter.map(decimal)), " ms") {
        out.push_str(&format!(", jitter {jitter}"));
    }
    if let Some(mos) = each(&all(&|w| w.mos.map(|m| format!("{m:.1}"))), "") {
        out.push_str(&format!(", MOS {mos}"));
    }
    let sources = on.sources.max(back.sources);
    if sources > 1 && main.is_none_or(|p| !p.stream.is_fax()) {
        out.push_str(&format!(", {sources} SSRCs"));
    }
    out
}

/// `RTP audio + video, 120 streams, 12 034 pkts, loss 0.1 %`.
pub(super) fn many(spans: &[Span<'_>]) -> String {
    let parts = || spans.iter().flat_map(|s| &s.parts);
    let kinds: BTreeSet<String> = parts()
        .map(|p| kind(p.stream))
        .filter(|kind| !kind.is_empty())
        .map(|kind| show::shorten(&show::safe_str(kind), 20))
        .collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(" + ");
    let streams = show::count(parts().count() as u64, "stream", "streams");
    let way = Way::of(parts());
    let loss = if way.missing == 0 { "no loss".to_owned() } else { format!("loss {} %", way.loss()) };
    let kinds = if kinds.is_empty() { kinds } else { format!(" {kinds}") };
    format!("RTP{kinds}, {streams}, {}, {loss}", packets(way.packets))
}
