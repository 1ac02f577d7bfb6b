//! What RTCP says of a stream: its receiver, and its sender.

use super::*;

/// What RTCP tells of it from the far end.
pub(super) fn at_the_end(at: At<'_>, s: &MediaStream, heard: &Heard, figures: &Stream) -> Part {
    let mut facts = Facts::new();
    let last = heard.history.last().map_or(Lead::default(), |r| frame(r.frame));
    facts.at("reports", show::number(u64::from(heard.reports)), last);
    match media::heard_loss(heard, figures) {
        Some(loss) => {
            facts.add("lost", format!("{} ({} %)", loss.lost, decimal(loss.percent)));
        }
        None => facts.add("lost", format!("{} since it began to hear", heard.last.cumulative_lost)),
    }
    if let Some(split) = s.loss {
        facts.add("of them behind the capture point", show::number(split.after));
        if split.not_captured > 0 {
            facts.add("missing here only", show::number(split.not_captured));
        }
    }
    let worst = 100.0 * f64::from(heard.worst_fraction) / 256.0;
    facts.add("worst between two reports", format!("{} %", decimal(worst)));
    match media::heard_jitter(heard, figures) {
        Some((mean, max)) => facts.add("jitter", format!("mean {}, max {}", millis(mean), millis(max))),
        None => facts.add("jitter", format!("{} ticks of its clock", heard.highest_jitter)),
    }
    let trips = heard.round_trips;
    if trips.count > 0 {
        let mean = trips.sum / Nanos::from(trips.count);
        let text = format!(
            "mean {}, {} to {}: from the capture point to the receiver and back",
            show::duration(mean),
            show::duration(trips.min),
            show::duration(trips.max)
        );
        facts.add("round trip", text);
    }
    if let Some(round) = s.round_trip {
        facts.add("round trip of both ends", show::duration(round));
    }
    let back = at.analysis.flow(heard.flow);
    facts.add("reported by", format!("{} on {}", media::ssrc(heard.reporter), show::address(back.src)));
    if let Some(voip) = &heard.voip {
        let m = &voip.metrics;
        let fraction = |f: u8| format!("{} %", decimal(100.0 * f64::from(f) / 256.0));
        facts.at(
            "VoIP metrics",
            format!("lost {}, discarded {}", fraction(m.loss_rate), fraction(m.discard_rate)),
            frame(voip.frame),
        );
    }
    facts.part("As the receiver reports (RTCP)")
}

/// What the sender says of itself.
pub(super) fn of_the_sender(at: At<'_>, s: &MediaStream, figures: &Stream) -> Option<Part> {
    let sender = at.analysis.sender_of(s)?;
    let mut facts = Facts::new();
    facts.at("compounds", show::number(u64::from(sender.compounds)), frame(sender.first_frame));
    if sender.encrypted > 0 {
        facts.add("encrypted (SRTCP)", show::number(u64::from(sender.encrypted)));
    }
    if sender.reports > 0 {
        let text = format!(
            "{} ({} captured)",
            show::number(u64::from(sender.packets)),
            show::number(figures.packets)
        );
        facts.add("packets sent, by its last report", text);
    }
    if let Some(name) = &sender.cname {
        facts.add("CNAME", show::shorten(&show::safe_str(name), 80));
    }
    for (kind, count, value) in &sender.extensions {
        let value =
            value.map_or_else(String::new, |v| format!(", last {} kbit/s", decimal(f64::from(v) / 1e3)));
        facts.add(
            "Microsoft extension",
            format!("type {kind}, {}{value}", show::count(u64::from(*count), "time", "times")),
        );
    }
    if let Some((time, f)) = sender.bye {
        let since = show::duration(time.saturating_sub(figures.first));
        facts.at("BYE", format!("{since} after the first packet"), frame(f));
    }
    Some(facts.part("As the sender reports (RTCP)"))
}
