//! What a reader of a stream's details is to know first.

use super::*;

/// What a reader is to know first.
pub(super) fn sentences(at: At<'_>, s: &MediaStream, figures: &Stream) -> Vec<String> {
    let mut head = Vec::new();
    let losses = figures.losses();
    let expected = figures.expected();
    head.push(match losses.missing {
        0 if figures.packets == 1 => "Its only packet.".to_owned(),
        0 if figures.lost() > 0 && s.is_fax() => format!(
            "{} of {} packets did not come to the capture point; what they said came in the packets behind them.",
            show::number(figures.lost().unsigned_abs()),
            show::number(expected)
        ),
        0 => format!("All of its {} packets came to the capture point.", show::number(expected)),
        n => format!(
            "{} of {} packets ({} %) were lost before the capture point, in {}, the longest of {}.",
            show::number(n),
            show::number(expected),
            decimal(media::loss_percent(figures)),
            show::count(u64::from(losses.bursts), "run", "runs"),
            losses.longest
        ),
    });
    if media::gave_way(at.analysis, s, figures) {
        head.push(
            "The longest run is the time in which the call sent a fax (T.38): nothing was lost there."
                .to_owned(),
        );
    }
    head.extend(s.loss.map(|l| split(&l)));
    if s.unheard {
        head.push(
            "The other end reports while it runs (RTCP), and none of its reports is about it: it does not arrive there, or \
             that end never reports what it hears."
                .to_owned(),
        );
    }
    if alone(at, at.gathered.media(), s) {
        head.push(
            "Nothing of the other direction was captured, though SDP asked for it: it was not sent, was lost on its way, or takes a \
             way that does not pass here."
                .to_owned(),
        );
    }
    if let Some(e) = refused(at, s) {
        let when = match e.told.time.saturating_sub(s.first) {
            after if after > 0 => format!(", first {} after its first packet", show::duration(after)),
            _ => String::new(),
        };
        head.push(format!(
            "{} said that it does not arrive: {}{when}.",
            e.told.by,
            show::unreachable(&e.told)
        ));
    }
    if let Some(late) = s.after_end {
        head.push(format!("It goes on for {} after the BYE that ended the call.", show::duration(late)));
    }
    if s.unsignalled {
        let latched = match s.back {
            Some(back) => format!(": it goes to where stream {} comes from (latching)", back + 1),
            None => String::new(),
        };
        head.push(format!("No SDP of the call names where it goes to{latched}."));
    }
    if s.held {
        head.push("It stood still in a hold that SDP agreed on.".to_owned());
    }
    head.extend(s.follows.map(|f| match f {
        Follows::Source(other) => {
            format!("It goes on from stream {}: another SSRC on the same flow.", other + 1)
        }
        Follows::Path(other) => {
            format!("It goes on from stream {}: the same SSRC on another path.", other + 1)
        }
    }));
    if s.protection.is_none() && s.secured != Secured::NotOffered {
        let words = match s.secured {
            Secured::Agreed => "SRTP was agreed on, and its packets are plain.",
            _ => "SRTP was offered and not taken: its packets are plain.",
        };
        head.push(words.to_owned());
    }
    for change in s.mark_changes.iter().take(4) {
        let place = if change.before == change.after {
            "where its frames were captured again".to_owned()
        } else {
            format!("between stream {} and stream {}", change.before + 1, change.after + 1)
        };
        head.push(format!(
            "Its mark changes from {} to {} {place}.",
            mark_words(change.from),
            mark_words(change.to)
        ));
    }
    if s.call_inferred && s.call.is_some() {
        head.push(
            "That it is of this call is inferred: no SDP at this capture point names its addresses."
                .to_owned(),
        );
    }
    if matches!(s.codec.as_ref().map(|c| c.source), Some(CodecSource::Fallback)) {
        head.push(format!(
            "No SDP says what payload type {} is; {} is what OCS and Lync use it for.",
            s.payload_type,
            media::codec(s).trim_end_matches('?')
        ));
    }
    if !s.unannounced_types.is_empty() {
        let types: Vec<String> = s.unannounced_types.iter().map(u8::to_string).collect();
        head.push(format!("Not in the SDP of its receiver: payload type {}.", types.join(", ")));
    }
    // What happened goes before how good it was, and what that is made from.
    head.extend(media::mos_of(at.analysis, s).map(|m| mos(s, &m)));
    if let Some(codec) =
        s.codec.as_ref().filter(|c| s.mos.is_none() && media::kind(s) == "audio" && c.clock > 0)
    {
        let name = show::shorten(&show::safe_str(&codec.name), 40);
        head.push(match CodecConstants::of(codec) {
            None => format!("No MOS: ITU-T G.113 has no figures for {name}."),
            Some(_) => "No MOS: what is inside of SRTP is not known for sure.".to_owned(),
        });
    }
    head
}

/// Where packets were lost.
fn split(l: &LossSplit) -> String {
    let number = |n: u64| show::number(n);
    match (l.reported, l.after) {
        (0, _) if l.not_captured > 0 => format!(
            "The receiver reports no loss: what is missing here ({}) was lost by the capture.",
            number(l.not_captured)
        ),
        (0, _) => "The receiver reports no loss.".to_owned(),
        (reported, 0) => {
            format!("The receiver reports {} lost: none behind the capture point.", number(reported))
        }
        (reported, after) => format!(
            "The receiver reports {} lost: {} behind the capture point, {} before it.",
            number(reported),
            number(after),
            number(reported.saturating_sub(after))
        ),
    }
}

/// The estimate with what it is made from.
fn mos(s: &MediaStream, m: &Mos) -> String {
    let delay = if m.delay_measured {
        format!("{} ms one way (half of RTCP's round trip)", decimal(m.delay_ms))
    } else {
        format!("{} ms one way (assumed: RTCP does not tell it)", decimal(m.delay_ms))
    };
    let variant = s.codec.as_deref().and_then(CodecConstants::of).map_or("the codec", |c| c.variant);
    format!(
        "MOS {:.1}, estimated from {} % lost before the capture point and {delay}; what the receiver's jitter buffer throws away is \
         not in it. By the E-model (ITU-T G.107): R {:.0}, Ie {} and Bpl {} of {variant} (G.113 Appendix I).",
        m.value,
        decimal(m.loss_pct),
        m.r,
        decimal(m.ie),
        decimal(m.bpl)
    )
}
