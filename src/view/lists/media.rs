//! Media streams: who sends what to whom, and how it went at the capture point.

use super::*;
use crate::view::media::{self, Quality};
use crate::view::rows::columns;

mod course;
mod detail;

pub(super) use course::{EVENT_SIGN, plot_of};
pub(super) use detail::detail;
use detail::{path, remarks};

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the stream",
    "call" "Call" Right 3 "number of its call",
    "start" "Start" Left 6 "time of its first packet",
    "sender" "From" Left 0 "who sends: party of the call, else address",
    "receiver" "To" Left 0 "who receives",
    "kind" "Kind" Left 5 "audio, video … as its media section says; fax (T.38)",
    "codec" "Codec" Left 2 "codec of most packets; with ? by convention only, no SDP names it",
    "packets" "Packets" Right 2 "packets that passed the capture point",
    "loss" "Lost %" Right 1 "packets that never came to the capture point, in percent of those sent",
    "jitter" "Jitter" Right 1 "interarrival jitter, mean (RFC 3550)",
    "mos" "MOS" Right 1 "estimate by the E-model where the codec has figures for it",
    "dscp" "DSCP" Left 3 "marks of its packets; 46→0: captured twice, with another mark",
    "quality" "Quality" Left 0 "good, or what is wrong with it where it was captured",
    "length" "Length" Right 6 "first packet to last",
    "loss_line" "Loss" Left 4 "loss over time: each bar up to 0, 0.5, 1, 2, 5, 10, 20 % and more",
    "jitter_line" "Jitter" Left 6 "jitter over time: each bar up to 2, 5, 10, 20, 30, 50, 100 ms and more",
    "lost" "Lost" Right 5 "packets that never came; of a fax, whose content came in no other either",
    "burst" "Burst" Right 6 "longest run of them",
    "jitter_max" "Jitter max" Right 6 "highest jitter",
    "gap" "Gap" Right 6 "longest time between two packets",
    "duplicates" "Double" Right 6 "packets that came twice",
    "reordered" "Late" Right 6 "packets that came out of order",
    "path" "Path" Left 6 "relay, if it goes through one",
    "protection" "SRTP" Left 6 "SRTP; with ? by the size of its packets only",
    "remarks" "Remarks" Left 6 "one way, held, after the end of the call, not signalled …",
    "keys" "Keys" Left 6 "keys pressed (RFC 4733)",
    "heard_loss" "Lost at end" Right 6 "percent lost as the receiver reports",
    "rtt" "RTT" Right 6 "round trip by RTCP",
    "ssrc" "SSRC" Left 6 "synchronisation source",
    "pt" "PT" Right 6 "payload type of most packets",
    "src" "Source" Left 6 "source address on the wire",
    "dst" "Destination" Left 6 "destination address on the wire",
    "ptime" "Packet" Right 6 "milliseconds of media in a packet",
    "bytes" "Bytes" Right 6 "bytes of RTP, headers included",
    "hops" "Hops" Left 6 "numbers of the same stream captured at other points",
    "frame" "Frame" Right 6 "frame of its first packet",
}

pub(super) const LIST: List = List {
    name: "media",
    words: ("media stream", "media streams"),
    needs: "A stream needs three RTP packets in sequence, or SDP that names where they go. A capture taken at a SIP proxy has \
            none: capture at a client, a relay or a conferencing server.",
    help: HELP,
    definitions: DEFINITIONS,
    defaults: 16,
};

/// How a row went; none of what is not there.
pub(super) fn quality(at: At<'_>, row: u32) -> Option<Quality> {
    let s = at.gathered.media().stream(row)?;
    Some(Quality::of(at.analysis, s, &*at.analysis.figures_of(s)?))
}

/// What sorts as the figure that is shown.
fn scaled(text: String, value: f64) -> Cell {
    (text, Key::Number((value * 1e6) as i64))
}

fn millis(value: f64) -> Cell {
    scaled(media::millis(value), value)
}

pub(super) fn cell(at: At<'_>, row: u32, key: &str, before: Option<u32>) -> Cell {
    let all = at.gathered.media();
    let Some(s) = all.stream(row) else { return none() };
    let Some(figures) = at.analysis.figures_of(s) else { return none() };
    let flow = at.analysis.flow(s.flow);
    let count = |n: u64| if n == 0 { ("–".to_owned(), Key::Number(0)) } else { number(n) };
    match key {
        "id" => number(u64::from(row) + 1),
        "call" => s.call.map_or_else(none, |c| number(u64::from(c.0) + 1)),
        "start" => {
            let before = before.and_then(|b| all.stream(b)).map(|b| b.first);
            at.time(s.first, all.streams.first().map(|f| f.first), before)
        }
        "sender" => {
            let [sender, _] = media::ends(at.analysis, s);
            text(sender)
        }
        "receiver" => {
            let [_, receiver] = media::ends(at.analysis, s);
            text(receiver)
        }
        "kind" => text(show::safe_str(media::kind(s))),
        "codec" => text(media::codec(s)),
        "packets" => number(figures.packets),
        "loss" => {
            let loss = media::loss_percent(&figures);
            scaled(media::decimal(loss), loss)
        }
        "lost" => count(figures.losses().missing),
        "burst" => count(u64::from(figures.losses().longest)),
        "jitter" => figures.jitter().map_or_else(none, |(mean, _)| millis(mean)),
        "jitter_max" => figures.jitter().map_or_else(none, |(_, max)| millis(max)),
        "mos" => {
            media::mos_of(at.analysis, s).map_or_else(none, |m| scaled(format!("{:.1}", m.value), m.value))
        }
        "dscp" => {
            let first = figures.marks().next().map_or(0, |m| i64::from(m.dscp));
            (media::marks(&figures), Key::Number(first))
        }
        "quality" => {
            let quality = Quality::of(at.analysis, s, &figures);
            (quality.words().to_owned(), Key::Number(quality as i64))
        }
        "length" => {
            let length = figures.last.saturating_sub(figures.first);
            (show::talk(length), Key::Number(length))
        }
        "loss_line" => text(media::loss_line(&figures)),
        "jitter_line" if figures.jitter().is_some() && figures.clock().is_some() => {
            text(media::jitter_line(&figures))
        }
        "gap" if figures.gap.0 > 0 => duration(figures.gap.0),
        "duplicates" => count(u64::from(figures.duplicates())),
        "reordered" => count(u64::from(figures.out_of_order())),
        "path" => text(path(at, s)),
        "protection" => text(media::protection(s).to_owned()),
        "remarks" => text(remarks(at, s, &figures).join(", ")),
        "keys" => text(media::keys(at.analysis, s)),
        "heard_loss" => {
            let heard = at.analysis.heard_of(s).and_then(|h| media::heard_loss(h, &figures));
            heard.map_or_else(none, |loss| scaled(media::decimal(loss.percent), loss.percent))
        }
        "rtt" => {
            let trips = at.analysis.heard_of(s).map(|h| h.round_trips).filter(|t| t.count > 0);
            trips.map_or_else(none, |t| duration(t.sum / Nanos::from(t.count)))
        }
        "ssrc" => text(media::source(s)),
        "pt" if s.is_fax() => none(),
        "pt" => number(u64::from(s.payload_type)),
        "src" => text(show::address(flow.src)),
        "dst" => text(show::address(flow.dst)),
        "ptime" => s.ptime_used.map_or_else(none, millis),
        "bytes" => (show::size(figures.bytes), Key::Number(figures.bytes.cast_signed())),
        "hops" => {
            let others = s.hops.iter().filter(|h| **h != row as usize).map(|h| (h + 1).to_string());
            text(others.collect::<Vec<_>>().join(", "))
        }
        "frame" => number(u64::from(figures.first_frame.frame)),
        _ => none(),
    }
}

#[cfg(test)]
mod tests;
