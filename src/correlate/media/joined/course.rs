//! A stream against the course of its call: held, going on behind the end, sent where nobody said to send.

use callscope_parsers::sdp::candidate::is_local_range;

use super::super::Stream;
use super::describe::Plan;
use super::{Hold, MediaStream, Place};
use crate::capture::Nanos;
use crate::correlate::Analysis;

const SECOND: Nanos = 1_000_000_000;
/// What a BYE needs to reach the other end, and what is on the way when it does.
const GRACE: Nanos = SECOND;
/// A description is heeded within this time.
const HEEDED: Nanos = 2 * SECOND;
/// Who reports every five seconds has spoken of all it hears.
const REPORTED: Nanos = 5 * SECOND;
/// Holds kept of one stream.
const MOST_HOLDS: usize = 64;

/// When a section did not run both ways, by what both parties agreed.
pub(super) fn holds(plan: &Plan, section: usize, from_caller: bool, stream: &Stream) -> Vec<Hold> {
    let mut out: Vec<Hold> = Vec::new();
    for a in &plan.agreements {
        let terms = [a.caller, a.callee].map(|d| plan.terms(d, section));
        let [Some(caller), Some(callee)] = terms else { continue };
        let stops = !plan.allows(a, section, from_caller);
        let declined = caller.declined || callee.declined;
        if declined || !stops && plan.allows(a, section, !from_caller) || a.until <= a.from {
            continue;
        }
        if a.until < stream.first || a.from > stream.last.saturating_add(HEEDED) {
            continue;
        }
        let room = out.len() < MOST_HOLDS;
        match out.last_mut() {
            Some(h) if h.until == a.from && h.stops == stops => h.until = a.until,
            _ if room => out.push(Hold { from: a.from, until: a.until, stops }),
            _ => {}
        }
    }
    out
}

/// Whether the stream stood still in a hold, or ended with it. Who holds may send music or not.
pub(super) fn is_held(holds: &[Hold], stream: &Stream) -> bool {
    holds.iter().any(|&Hold { from, until, .. }| {
        if stream.last <= from.saturating_add(HEEDED) {
            return stream.last >= from.saturating_sub(HEEDED);
        }
        let until = until.min(stream.last);
        let (from, until) =
            (from.max(stream.first).saturating_add(SECOND / 2), until.saturating_sub(SECOND / 2));
        let long = until.saturating_sub(from);
        if long <= 0 {
            return false;
        }
        let length = i64::try_from(stream.buckets.seconds()).unwrap_or(i64::MAX).saturating_mul(SECOND);
        let place = |t: Nanos| t.saturating_sub(stream.first).max(0) / length.max(1);
        // Buckets that lie in it as a whole.
        let (start, end) = (place(from) + 1, place(until));
        if end > start {
            let count = usize::try_from(end - start).unwrap_or(0);
            let skip = usize::try_from(start).unwrap_or(usize::MAX);
            return stream.buckets.list().iter().skip(skip).take(count).all(|b| b.packets == 0);
        }
        stream.gap.0 >= long / 2
    })
}

impl Analysis {
    /// Whether the other end reports, time and again while the stream runs, and says nothing of it: it does not arrive.
    pub(super) fn is_unheard(&self, m: &MediaStream, back: Option<&MediaStream>) -> bool {
        let Some(other) = back.and_then(|b| self.sender_of(b)) else { return false };
        // A report speaks of whom was heard since the last one (RFC 3550 §6.4).
        let during = other.last.min(m.last).saturating_sub(other.first.max(m.first));
        m.heard.is_none()
            && !m.held
            && other.encrypted == 0
            && other.compounds >= 2
            && during >= REPORTED
            && other.last <= m.last.saturating_add(REPORTED)
    }

    /// How long packets went on behind what ended the call.
    pub(super) fn after_end(&self, m: &MediaStream) -> Option<Nanos> {
        let call = m.call?;
        let end = self.call(call).summary.end?;
        // Another call has the same ends since.
        let taken_over =
            m.other_calls.iter().any(|c| self.call(*c).summary.start > self.call(call).summary.start);
        (m.last > end.saturating_add(GRACE) && !taken_over).then_some(m.last.saturating_sub(end))
    }
}

/// Port of STUN and TURN (RFC 8489 §8.4).
const TURN_PORT: u16 = 3478;

impl Analysis {
    /// Whether it goes where the receiver never said it wants media, though the receiver did say where it wants it.
    pub(super) fn is_unsignalled(
        &self,
        place: &Place,
        plan: &Plan,
        section: Option<usize>,
        stream: &Stream,
    ) -> bool {
        let Some(section) = section.filter(|_| place.to.is_none() && place.from.is_some() && !place.inferred)
        else {
            return false;
        };
        let dst = self.flow(stream.flow).dst;
        // A relay whose allocation was not captured: nobody knows where it goes from there.
        if dst.port() == TURN_PORT || self.stun.is_server(dst) {
            return false;
        }
        let receiver = plan.descriptions.iter().filter(|d| d.by_caller != place.from_caller);
        let mut said = false;
        for d in receiver.filter(|d| d.time.saturating_add(HEEDED) < stream.last) {
            let Some(t) = d.sections.get(section).filter(|t| !t.declined && !t.nowhere && !t.ends.is_empty())
            else {
                continue;
            };
            said = true;
            // Between the receiver and its NAT: it named its address outside, and speaks SIP from the one inside.
            let inside = is_local_range(dst.ip()) && t.ends.iter().any(|e| !is_local_range(e.address.ip()));
            if inside && self.flow(self.message(d.message).flow).src.ip() == dst.ip() {
                return false;
            }
        }
        said
    }
}
