//! Captures of one direction only, clocks that jump, and messages that are sent over and over.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{CLOCK, ONE_SIDED, REPEATED};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::{Analysis, MethodId, MsgIdx, MsgList, flag};
use crate::diagnose::{Context, Findings, Severity, Subject};
use crate::show;

/// Dialogs shown as evidence.
const SHOWN: usize = 6;

/// Machines in one call or dialog; where there are more nothing is said of it.
const MACHINES: usize = 32;
/// Transactions of one whose answers are looked for.
const ASKED: usize = 64;

/// Calls and dialogs of which one direction is missing.
pub struct OneSided {
    seen: usize,
    lacking: usize,
    /// The first messages of some.
    firsts: Vec<MsgIdx>,
}

/// None where both directions are there.
pub fn one_sided(analysis: &Analysis) -> Option<OneSided> {
    let (mut seen, mut lacking) = (0, 0);
    let most = analysis.calls.len() + analysis.dialogs.len();
    let (mut of_calls, mut of_others) = (Vec::new(), Vec::new());
    let calls = analysis.calls.iter().map(|c| (c.messages, true));
    let all = calls.chain(analysis.dialogs.iter().map(|d| (d.messages, false)));
    let mut course = Course::default();
    for (messages, is_call) in all.filter(|(messages, _)| messages.count > 0) {
        // Half of all that there may be is well.
        if (seen - lacking) * 2 >= most {
            return None;
        }
        seen += 1;
        if course.lacks_a_direction(analysis, messages) {
            lacking += 1;
            let firsts = if is_call { &mut of_calls } else { &mut of_others };
            if firsts.len() < SHOWN {
                firsts.push(messages.first);
            }
        }
    }
    if lacking < 2 || lacking * 2 <= seen {
        return None;
    }
    of_calls.append(&mut of_others);
    Some(OneSided { seen, lacking, firsts: of_calls })
}

/// Who sent and who received in a call or dialog, and what was asked there.
#[derive(Default)]
struct Course {
    sent: Vec<IpAddr>,
    received: Vec<IpAddr>,
    asked: Vec<(u32, MethodId)>,
}

impl Course {
    /// Whether some machine must have spoken of which nothing is there: who is answered has asked, and who gets an ACK has
    /// answered. Beside a proxy what it alone sends (or gets) goes to either end of a call. Where a machine both sends and
    /// receives, or an answer has its request, both directions are there; they need not take the same way.
    fn lacks_a_direction(&mut self, analysis: &Analysis, messages: MsgList) -> bool {
        self.sent.clear();
        self.received.clear();
        self.asked.clear();
        let mut lacks = false;
        for m in analysis.messages_of(messages) {
            let r = analysis.message(m);
            let flow = analysis.flow(r.flow);
            let (src, dst) = (flow.src.ip(), flow.dst.ip());
            if !self.sent.contains(&src) {
                self.sent.push(src);
            }
            if !self.received.contains(&dst) {
                self.received.push(dst);
            }
            let too_many = self.sent.len().max(self.received.len()) > MACHINES;
            if too_many || self.received.contains(&src) || self.sent.contains(&dst) {
                return false;
            }
            let transaction = (r.branch, r.method);
            if !r.is_request() {
                if r.branch != 0 && self.asked.contains(&transaction) {
                    return false;
                }
                lacks = true;
            } else if r.method == MethodId::ACK && r.has(flag::TO_TAG) {
                lacks = true;
            } else if self.asked.len() < ASKED {
                self.asked.push(transaction);
            }
        }
        lacks
    }
}

pub(super) fn tell_one_sided(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    if !context.is_one_sided() {
        return;
    }
    let Some(OneSided { seen, lacking, firsts }) = one_sided(analysis) else { return };
    out.add(&ONE_SIDED, Subject::Capture(0), "", |f| {
        f.who(if analysis.captures.len() > 1 { "Captures" } else { "Capture" });
        f.what("only one direction of the SIP traffic was captured");
        f.say(format!(
            "Of {} {} one direction only: answers whose requests are not there, or ACKs of answers that are not.",
            show::count(seen as u64, "call or dialog", "calls and dialogs"),
            show::count(lacking as u64, "has", "have")
        ));
        firsts.iter().for_each(|m| _ = f.show_message(analysis, *m));
    });
}

pub(super) fn clock(context: &Context<'_>, out: &mut Findings) {
    tell_ahead(context, out);
    for (id, capture) in super::captures(context) {
        let clock = &capture.clock;
        if clock.steps_back == 0 {
            continue;
        }
        out.add(&CLOCK, Subject::Capture(id.0), id.0, |f| {
            let most = show::span(clock.furthest);
            f.who(super::name_of(context, capture));
            f.what(match clock.steps_back {
                1 => format!("time goes back by {most} from one frame to the next"),
                n => format!("time goes back {} times, by {most} at most", show::number(n)),
            });
            f.say(format!(
                "{} an earlier time than one that was captured before.",
                show::count(clock.steps_back, "frame bears", "frames bear")
            ));
            for (frame, back) in &clock.first {
                let frame = FrameRef { capture: id, frame: *frame };
                f.show(frame, format!("{} back", show::span(*back)));
            }
        });
    }
}

/// Media that stands still for so long, in all streams alike, tells of the clock.
const AHEAD: Nanos = 2_000_000_000;
/// Streams stand still alike if they differ by less, and by so many frames.
const ALIKE: Nanos = 20_000_000;
const NEIGHBOURS: u32 = 100;

/// Where the clock of a capture jumped ahead: by how much, and the first frames behind it, one a stream.
#[derive(Debug, Clone)]
pub struct Ahead {
    pub by: Nanos,
    pub frames: Vec<FrameRef>,
}

/// Told by streams whose senders did not pause, as theirs all seem to at once.
pub fn ahead(context: &Context<'_>) -> Vec<Ahead> {
    let analysis = context.analysis;
    let mut still: Vec<(FrameRef, Nanos, IpAddr)> = Vec::new();
    for s in context.gathered().media().streams.iter() {
        let Some(figures) = analysis.figures_of(s) else { continue };
        let (stall, frame) = figures.stall;
        if stall >= AHEAD && !s.held && figures.caught_up() == Some(false) {
            still.push((frame, stall, analysis.flow(s.flow).src.ip()));
        }
    }
    still.sort_unstable();
    let mut out = Vec::new();
    let mut rest = still.as_slice();
    while let Some(&(first, by, _)) = rest.first() {
        let alike = |(frame, stall, _): &&(FrameRef, Nanos, IpAddr)| {
            frame.capture == first.capture
                && frame.frame.saturating_sub(first.frame) < NEIGHBOURS
                && (stall - by).abs() < ALIKE
        };
        let same: Vec<_> = rest.iter().take_while(alike).collect();
        let machines: BTreeSet<IpAddr> = same.iter().map(|(.., ip)| *ip).collect();
        if machines.len() >= 2 {
            out.push(Ahead { by, frames: same.iter().map(|(frame, ..)| *frame).collect() });
        }
        rest = rest.get(same.len().max(1)..).unwrap_or_default();
    }
    out
}

fn tell_ahead(context: &Context<'_>, out: &mut Findings) {
    for Ahead { by, frames } in context.ahead() {
        let Some(first) = frames.first() else { continue };
        let Some(capture) = context.analysis.captures.get(usize::from(first.capture.0)) else { continue };
        out.add(&CLOCK, Subject::Capture(first.capture.0), (first, "ahead"), |f| {
            f.who(super::name_of(context, capture)).what(format!("time jumps ahead by {}", show::span(*by)));
            let n = show::count(frames.len() as u64, "stream", "streams");
            f.say(format!(
                "{n} of several machines stand still for as long at once, and nobody's numbers went on."
            ));
            f.partial("senders that all pause at the very same moment look the same");
            if frames.len() < 3 {
                f.severity(Severity::Info);
            }
            frames.iter().take(SHOWN).for_each(|frame| _ = f.show(*frame, "first behind the jump"));
        });
    }
}

/// Repetitions from which on they count, and one in how many messages.
const STORM: u64 = 50;
const SHARE: u64 = 5;

pub(super) fn repeated(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    if analysis.sip.retransmissions < STORM {
        return;
    }
    // From whom to whom: messages, repetitions, and one of these.
    let mut ways: BTreeMap<(IpAddr, IpAddr), (u64, u64, Option<MsgIdx>)> = BTreeMap::new();
    for (i, r) in (0u32..).map(MsgIdx).zip(&analysis.messages) {
        if r.has(flag::DUPLICATE) {
            continue;
        }
        let flow = analysis.flow(r.flow);
        let way = ways.entry((flow.src.ip(), flow.dst.ip())).or_default();
        way.0 += 1;
        if r.has(flag::RETRANSMISSION) {
            way.1 += 1;
            way.2.get_or_insert(i);
        }
    }
    for ((from, to), (all, again, first)) in &ways {
        let heard = ways.contains_key(&(*to, *from));
        let Some(first) = first.filter(|_| heard && *again >= STORM && again * SHARE >= *all) else {
            continue;
        };
        let capture = analysis.message(first).frame.capture;
        out.add(&REPEATED, Subject::Capture(capture.0), (from, to), |f| {
            let [from, to] = [from, to].map(|ip| {
                let at = std::net::SocketAddr::new(*ip, 0);
                show::machine(analysis, at).unwrap_or_else(|| ip.to_string())
            });
            f.who(format!("{from} → {to}"));
            f.what(format!(
                "{} of {} SIP messages are repetitions",
                show::number(*again),
                show::number(*all)
            ));
            f.say("Each is sent again because its answer did not come in time.");
            let same = (first.0..).map(MsgIdx).take_while(|m| (m.0 as usize) < analysis.messages.len());
            let of = |m: &MsgIdx| {
                let r = analysis.message(*m);
                r.flow == analysis.message(first).flow && r.has(flag::RETRANSMISSION)
            };
            same.filter(of).take(SHOWN).for_each(|m| _ = f.show_message(analysis, m));
        });
    }
}
