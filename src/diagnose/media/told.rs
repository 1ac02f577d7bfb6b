//! What is told of a stream: the frames, what they mean, and what it came of.

use super::marks::mark_change_place;
use super::quality::loss_percent;
use super::suspects::{Trouble, What};
use super::*;
use crate::capture::Nanos;
use crate::correlate::media::{CodecSource, MediaStream, Stream};
use crate::correlate::{Analysis, CallIdx};
use crate::diagnose::calls::opening_invite;
use crate::diagnose::{Context, Draft, FindingIdx, Findings, Rule, Severity, Subject};
use crate::show;
use crate::show::media::{codec, decimal, ends, kind, mark_words, millis};
use crate::show::path::{is_private, near};

const SECOND: Nanos = 1_000_000_000;
/// Media behind the end of a call for so long is more than what was on its way.
const GOES_ON: Nanos = 5 * SECOND;

fn rule_of(what: &What) -> &'static Rule {
    match what {
        What::Unreachable(_) => &UNREACHABLE,
        What::Unheard => &UNHEARD,
        What::Loss { .. } => &LOSS,
        What::LossBehind(_) => &LOSS_BEHIND,
        What::Burst { .. } => &BURST,
        What::Hung(..) => &HUNG,
        What::Paused(..) => &PAUSED,
        What::Jitter { .. } => &JITTER,
        What::Quality(_) => &QUALITY,
        What::Codec { .. } => &CODEC,
        What::Plain { .. } => &PLAIN,
        What::Unsignalled => &UNSIGNALLED,
        What::AfterEnd(_) => &AFTER_END,
        What::Keys { .. } | What::KeysBy(_) => &KEYS,
        What::Ptime { .. } => &PTIME,
        What::Remarked(_) => &REMARKED,
        What::Mark(..) => &MARK,
        What::Unmarked { .. } => &UNMARKED,
    }
}

/// A stream with what its sentences are made of.
pub(super) struct Told<'a> {
    pub analysis: &'a Analysis,
    pub s: &'a MediaStream,
    pub at: usize,
    pub figures: &'a Stream,
    /// Who sends, and who receives.
    pub from: String,
    pub to: String,
    /// `audio`.
    pub noun: &'static str,
}

/// `audio`, `video`; of what is not known `media`.
pub(super) fn noun(s: &MediaStream) -> &'static str {
    match kind(s) {
        "video" => "video",
        "audio" => "audio",
        _ => match s.codec.as_ref().map(|c| c.clock) {
            Some(1..90_000) => "audio",
            _ => "media",
        },
    }
}

/// Adds what a rule about streams finds.
pub fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let analysis = context.analysis;
    let index = context.gathered().media();
    for Trouble { at, what } in context.media_troubles().iter().filter(|t| rule_of(&t.what).id == rule.id) {
        let Some(s) = index.streams.get(*at) else { continue };
        let Some(figures) = analysis.figures_of(s) else { continue };
        let [from, to] = ends(analysis, s);
        let noun = noun(s);
        let told = Told { analysis, s, at: *at, figures: &figures, from, to, noun };
        let subject = s.call.map_or(Subject::Stream(*at as u32 + 1), Subject::Call);
        let cause = cause(out, s, what);
        // A wish that nobody heeds either way is one remark.
        let way = s.from_caller.filter(|_| !matches!(what, What::Ptime { .. }));
        let likeness = (likeness(what), way, cause);
        out.add(rule, subject, likeness, |f| {
            match s.call {
                Some(call) => f.who(context.call_name(call)).concern(Subject::Stream(*at as u32 + 1)),
                None => f.who(format!("Stream {}, {} → {}", at + 1, told.from, told.to)),
            };
            f.because(cause);
            told.describe(context, what, f);
        });
    }
}

/// What a stream's trouble came of.
fn cause(out: &Findings, s: &MediaStream, what: &What) -> Option<FindingIdx> {
    let subject = Subject::Call(s.call?);
    let grave = |at: &FindingIdx| out.severity_of(*at) > Some(Severity::Info);
    match what {
        What::Unheard => out.find(subject, |r| r.id == UNREACHABLE.id),
        What::AfterEnd(_) => out.find(subject, |r| r.id == "call-request-unanswered").filter(grave),
        What::Quality(_) => out.find(subject, |r| r.id == LOSS_BEHIND.id),
        _ => None,
    }
}

/// What makes those of several streams one finding.
fn likeness(what: &What) -> String {
    match what {
        What::Unreachable(u) => format!("{:?} {}", u.kind, u.by),
        What::Loss { heavy, .. } => heavy.to_string(),
        What::Plain { agreed } => agreed.to_string(),
        What::Keys { pressed, heeds } => format!("{pressed} {heeds}"),
        What::KeysBy(payload_type) => payload_type.to_string(),
        What::Codec { known, listed } => format!("{known} {}", listed.is_some()),
        What::Ptime { asked, too_long } => format!("{asked} {too_long}"),
        What::Remarked(c) => format!("{} {}", c.from, c.to),
        What::Mark(expected, dscp) => format!("{} {dscp}", expected.dscp()),
        What::Unmarked { other, video } => format!("{other} {video}"),
        _ => String::new(),
    }
}

impl Told<'_> {
    /// `Alice's audio`; of a stream of no call its ends are told before.
    fn whose(&self) -> String {
        match self.s.call {
            Some(_) => format!("{}'s {}", self.from, self.noun),
            None => format!("its {}", self.noun),
        }
    }

    fn describe(&self, context: &Context<'_>, what: &What, f: &mut Draft) {
        let Self { analysis, s, figures, noun, from, to, .. } = self;
        let own = self.whose();
        match what {
            What::Unreachable(u) => self.unreachable(u, f),
            What::Unheard => {
                f.what(format!("{own} does not arrive at {to}, whose reports leave it out"));
                f.of_many(format!("{noun} does not arrive: the receiver's reports leave it out"));
                let sent = show::count(figures.packets, "packet", "packets");
                f.say(format!(
                    "{sent} of it passed here; {to} reports (RTCP) and has no report block about it."
                ));
                f.partial("a client that never reports what it hears looks the same");
                self.place(f);
                self.frames(f);
                self.reports_without_it(f);
            }
            What::Loss { lost, heavy } => self.loss(*lost, *heavy, f),
            What::LossBehind(split) => {
                let share = decimal(100.0 * split.after as f64 / figures.expected().max(1) as f64);
                let lost = show::count(split.after, "packet", "packets");
                f.what(format!("{share} % of {own} was lost behind the capture point, as {to} reports"));
                f.of_many(format!("{noun} was lost behind the capture point, as its receivers report"));
                f.say(format!(
                    "{} are missing here and {} at {to}: {lost} of {} passed this point and did not arrive.",
                    show::number(split.before),
                    show::number(split.reported),
                    show::number(figures.expected())
                ));
                self.reported(f);
                self.frames(f);
            }
            What::Burst { packets, ms } => {
                let n = show::number(u64::from(*packets));
                f.what(format!("{own} broke off for {} ms: {n} packets in a row were lost", decimal(*ms)));
                f.of_many(format!("{noun} broke off: ten packets or more in a row were lost"));
                let missing = figures.losses().missing;
                let run = match u64::from(*packets) {
                    in_run if in_run >= missing => "all of them in one run".to_owned(),
                    in_run if in_run * 2 > missing => "most of them in one run".to_owned(),
                    _ => format!("{n} of them in one run"),
                };
                f.say(format!(
                    "Of all {} packets {} % are missing, {run}.",
                    show::number(figures.expected()),
                    decimal(loss_percent(figures))
                ));
                self.vantage(f);
                f.show_packet(
                    figures,
                    figures.gap.1,
                    format!("behind the longest gap, {}", show::duration(figures.gap.0)),
                );
            }
            What::Hung(stall, frame) => {
                let long = show::duration(*stall);
                f.what(format!("{own} hung for {long} and then came all at once"));
                f.of_many(format!("{noun} hung on the way and then came all at once"));
                f.say(format!("Behind a gap of {long} the packets came faster than they were spoken, as those that waited do."));
                f.partial("a capturing machine that was busy looks the same");
                f.show_packet(figures, *frame, format!("behind a gap of {long}"));
            }
            What::Paused(stall, frame) => {
                let long = show::span(*stall);
                f.what(format!("{own} pauses for {long}, and no hold says why"));
                f.of_many(format!("{noun} pauses for 5 s and more, and no hold says why"));
                f.say("Its numbers and its clock go on where they stopped: the sender sent nothing in that time.");
                f.show_packet(figures, *frame, format!("behind a pause of {long}"));
            }
            What::Jitter { mean, max } => {
                let (mean, max) = (millis(*mean), millis(*max));
                f.what(format!("{own} arrives unevenly: jitter {mean}, up to {max}"));
                f.of_many(format!("{noun} arrives unevenly: mean jitter of 30 ms or more"));
                let clock = figures.clock().map_or_else(String::new, |c| format!(" by its clock of {c} Hz"));
                f.say(format!("Measured at the capture point{clock}, over {} packets.", figures.packets));
                if let Some((mean, _)) = analysis.heard_of(s).and_then(|h| heard_jitter(h, figures)) {
                    f.say(format!("{to} reports a jitter of {}.", millis(mean)));
                }
                if s.section.is_none() || s.codec.as_ref().is_none_or(|c| c.source == CodecSource::Fallback) {
                    f.partial("no SDP tells its clock");
                }
                f.show_packet(
                    figures,
                    figures.stall.1,
                    format!("latest packet, {} behind its time", show::duration(figures.stall.0)),
                );
                f.show_packet(figures, figures.first_frame, "its first packet");
            }
            What::Quality(mos) => {
                f.what(format!("{own} sounds bad by the E-model: MOS {mos:.1}"));
                f.of_many(format!("{noun} sounds bad by the E-model"));
                if let Some(mos) = s.mos {
                    let measured = if mos.delay_measured { "measured" } else { "assumed" };
                    f.say(format!(
                        "R {:.0}: {} % lost, {} ms one way ({measured}), codec {} (Ie {}).",
                        mos.r,
                        decimal(mos.loss_pct),
                        decimal(mos.delay_ms),
                        codec(s),
                        decimal(mos.ie)
                    ));
                }
                f.partial("an estimate, not what Microsoft's clients report");
                self.frames(f);
            }
            What::Codec { known, listed } => {
                if *known {
                    f.severity(Severity::Info).say(
                        "Its number stands for the codec without SDP too, so many take it all the same.",
                    );
                }
                let name = codec(s);
                let number = s.payload_type;
                match listed {
                    Some(other) => {
                        f.what(format!(
                            "{from} sends {name} as payload type {number}, the SDP of {to} has it as {other}"
                        ));
                        f.of_many("a codec is sent by another number than the receiver's SDP has for it");
                        f.advise(
                            "Each side has to send by the numbers of the other's SDP: see which client, or server between the two \
                             that changes one description only, mixes them up.",
                        );
                    }
                    None => {
                        f.what(format!(
                            "{from} sends {name} (payload type {number}), which the SDP of {to} does not have"
                        ));
                        f.of_many("a codec is sent that the receiver's SDP does not have");
                    }
                }
                self.description(f);
                self.frames(f);
            }
            What::Plain { agreed } => {
                match agreed {
                    true => {
                        f.what(format!("{own} is sent in clear though both sides agreed on SRTP"));
                        f.of_many("media is sent in clear though both sides agreed on SRTP");
                    }
                    false => {
                        f.what(format!("{noun} goes in clear: SRTP was offered by one side only"));
                        f.of_many("media goes in clear: SRTP was offered by one side only");
                        f.severity(Severity::Info);
                    }
                }
                let size = figures.payload_size().map_or_else(String::new, |n| format!(" ({n} bytes)"));
                f.say(format!(
                    "Most packets have the size of the codec{size}, without an authentication tag."
                ));
                self.description(f);
                self.frames(f);
            }
            What::Unsignalled => {
                let dst = analysis.flow(s.flow).dst;
                f.what(format!("{own} goes to {dst}, which no SDP of {to} names"));
                f.of_many(format!("{noun} goes to addresses that no SDP names"));
                if context.gathered().media().comes_back(analysis, s) {
                    f.severity(Severity::Info)
                        .say("Media comes back from there: the sender answers to where it hears from.");
                } else {
                    f.say("Nothing comes back from there.");
                    f.partial("descriptions that were not captured may name it");
                }
                self.description(f);
                self.frames(f);
            }
            What::AfterEnd(after) => {
                let long = show::span(*after);
                f.what(format!("{own} goes on for {long} after the call had ended"));
                f.of_many(format!("{noun} goes on after the call had ended"));
                if *after < GOES_ON {
                    f.severity(Severity::Info);
                }
                if let Some(bye) = s.call.and_then(|c| bye_of(analysis, c)) {
                    f.show_message(analysis, bye);
                }
                f.show_packet(figures, figures.last_frame, format!("its last packet, {long} behind the end"));
            }
            What::Keys { pressed, heeds } => {
                if !pressed || !heeds {
                    f.severity(Severity::Info);
                }
                if *pressed {
                    f.what(format!(
                        "{from} presses keys as telephone events, which the SDP of {to} does not have"
                    ));
                    f.of_many("keys are pressed as telephone events, which the receiver's SDP does not have");
                } else {
                    f.what(format!(
                        "{to} takes no telephone events: keys of {from} do not get there as such"
                    ));
                    f.of_many("one side takes no telephone events: keys do not get there as such");
                }
                self.description(f);
                self.key(f, |_| true);
            }
            What::KeysBy(payload_type) => {
                f.what(format!(
                    "{from} presses keys by payload type {payload_type}, which the SDP of {to} does not have for them"
                ));
                f.of_many(
                    "keys are pressed by a payload type that the receiver's SDP does not have for them",
                );
                self.description(f);
                self.key(f, |by| by == *payload_type);
            }
            What::Ptime { asked, too_long } => {
                let used = decimal(s.ptime_used.unwrap_or_default());
                match too_long {
                    true => {
                        f.what(format!("{from} sends packets of {used} ms, {to} takes {asked} ms at most"))
                    }
                    false => {
                        f.severity(Severity::Info);
                        f.what(format!("{from} sends packets of {used} ms, {to} asked for {asked} ms"))
                    }
                };
                f.of_many(format!("packets of another length than the {asked} ms that were asked for"));
                self.description(f);
                self.frames(f);
            }
            What::Remarked(change) => {
                let place = mark_change_place(analysis, &context.gathered().media().streams, change);
                let (was, now) = (mark_words(change.from), mark_words(change.to));
                f.what(format!("{own} is re-marked from {was} to {now} {place}"));
                f.of_many(format!("{noun} is re-marked from {was} to {now} on its way"));
                f.say(format!("The same packets have DSCP {was} before and {now} behind that point."));
                self.marked(f);
            }
            What::Mark(expected, dscp) => {
                let words = mark_words(*dscp);
                f.what(format!("{own} is marked {words}, expected is {}", expected.words()));
                f.of_many(format!("{noun} is marked {words}, expected is {}", expected.words()));
                self.marked(f);
            }
            What::Unmarked { other, video } => {
                let words = mark_words(*other);
                let (one, many) = match video {
                    true => (format!("the video of {from}"), "the video beside it"),
                    false => (format!("that of {to}"), "that of the other"),
                };
                let side = if *video { "" } else { " of one side" };
                f.what(format!("{own} has no mark (DSCP 0) as captured here, {one} has {words}"));
                f.of_many(format!("{noun}{side} has no mark (DSCP 0), {many} has {words}"));
                f.partial("marks may have been cleared before the capture point");
                self.marked(f);
            }
        }
    }

    fn unreachable(&self, u: &crate::correlate::Unreachable, f: &mut Draft) {
        let Self { analysis, s, figures, noun, .. } = self;
        let flow = analysis.flow(s.flow);
        let why = show::breakage_by(u.kind, u.by);
        let private = is_private(flow.dst.ip()) && !near(flow.src.ip(), flow.dst.ip());
        let what = if private { ", a private address of another network" } else { "" };
        f.what(format!("{} cannot get to {}{what}: {why}", self.whose(), flow.dst));
        f.of_many(format!("{noun} cannot get to where it is sent: {why}"));
        let sent = show::count(figures.packets, "packet was", "packets were");
        f.say(format!(
            "{sent} sent to {}; ICMP errors about them came for {}.",
            flow.dst,
            show::span(u.last - u.time)
        ));
        if private {
            f.say(format!("{} tells a private address in its SDP, which is of no use from here.", self.to));
        }
        if s.back.is_none() {
            f.say("Nothing came back from there.");
        }
        if s.call.is_none() || s.heard.is_some() {
            f.severity(Severity::Warning);
        }
        self.description(f);
        self.frames(f);
        f.show_at(u.frame, u.time, why);
    }

    fn loss(&self, lost: u64, heavy: bool, f: &mut Draft) {
        let Self { analysis, s, figures, noun, .. } = self;
        let all = figures.expected();
        let share = decimal(100.0 * lost as f64 / all.max(1) as f64);
        let (place, near_by) = self.stretch();
        f.what(format!(
            "{share} % of {} was lost {place} ({} of {})",
            self.whose(),
            show::number(lost),
            show::count(all, "packet", "packets")
        ));
        f.of_many(match heavy {
            true => format!("5 % and more of the {noun} was lost before the capture point"),
            false => format!("1 % and more of the {noun} was lost before the capture point"),
        });
        if !heavy || s.call.is_none() {
            f.severity(Severity::Warning);
        }
        let losses = figures.losses();
        f.say(format!(
            "It is missing in {}, the longest of {}.",
            show::count(u64::from(losses.bursts), "run", "runs"),
            show::count(u64::from(losses.longest), "packet", "packets")
        ));
        let again = losses.missing - after_red(s, figures).min(losses.missing);
        if again > 0 {
            f.say(format!("{} more are repeated by RED in the packet behind.", show::number(again)));
        }
        if let Some(mos) = mos_of(analysis, s) {
            f.say(format!("By the E-model that is a MOS of {:.1}.", mos.value));
        }
        f.say_all(near_by);
        self.vantage(f);
        self.reported(f);
        f.show_packet(
            figures,
            figures.gap.1,
            format!("behind the longest gap, {}", show::duration(figures.gap.0)),
        );
        self.frames(f);
    }

    /// Between which points of its way packets were lost, as far as it was captured in several.
    fn stretch(&self) -> (String, Option<String>) {
        let Self { analysis, s, at, figures, .. } = self;
        let all = analysis.joined_media();
        let missing = figures.losses().missing;
        let before = s.hops.iter().copied().take_while(|i| i != at).filter_map(|i| all.get(i));
        let whole = before
            .filter(|b| {
                analysis
                    .figures_of(b)
                    .is_some_and(|f| f.losses().missing * 2 <= missing && f.packets > figures.packets)
            })
            .last();
        match whole {
            Some(b) => {
                let [x, y] = [b.flow, s.flow].map(|f| analysis.flow(f));
                (
                    "on its way".to_owned(),
                    Some(format!("{} → {} still has them, {} → {} has not.", x.src, x.dst, y.src, y.dst)),
                )
            }
            None => ("before the capture point".to_owned(), None),
        }
    }

    /// What the reports of its receiver say of whether the capture itself lost packets.
    fn vantage(&self, f: &mut Draft) {
        if self.s.loss.is_none() && self.s.hops.is_empty() {
            f.partial("no reports (RTCP) tell whether the capture itself missed the packets");
        }
    }

    /// Its last report.
    fn reported(&self, f: &mut Draft) {
        let Some(last) = self.analysis.heard_of(self.s).and_then(|h| h.history.last().copied()) else {
            return;
        };
        f.show(last.frame, format!("report of {}: {} lost in all", self.to, last.cumulative_lost));
    }

    /// What its receiver reported meanwhile, of which nothing is about it.
    fn reports_without_it(&self, f: &mut Draft) {
        let all = self.analysis.joined_media();
        let back = self.s.back.and_then(|b| all.get(b));
        let Some(other) = back.and_then(|b| self.analysis.sender_of(b)) else { return };
        let text = format!("report of {} without a block about it", self.to);
        for (frame, time) in other.latest.into_iter().flatten().filter(|(_, t)| *t >= self.s.first) {
            f.show_at(frame, time, text.clone());
        }
    }

    /// Where it was seen last.
    fn place(&self, f: &mut Draft) {
        let all = self.analysis.joined_media();
        let Some(last) = self.s.hops.last().and_then(|i| all.get(*i)) else { return };
        let flow = self.analysis.flow(last.flow);
        f.say(format!("It was seen last on its way from {} to {}.", flow.src, flow.dst));
    }

    /// The description in force; before the receiver's there is only that of the sender.
    fn description(&self, f: &mut Draft) {
        let Some(section) = &self.s.section else { return };
        let said = self.analysis.message(section.message);
        let invite = self.s.call.and_then(|c| opening_invite(self.analysis, c));
        let by_caller =
            invite.map(|i| (said.from_tag == self.analysis.message(i).from_tag) == said.is_request());
        let whose =
            if by_caller.is_some() && by_caller == self.s.from_caller { &self.from } else { &self.to };
        f.show_message_as(self.analysis, section.message, format!("SDP of {whose}"));
    }

    /// The first key pressed, by payload types of some kind.
    fn key(&self, f: &mut Draft, by: impl Fn(u8) -> bool) {
        let figures = self.figures;
        match figures.keys().iter().find(|k| !self.s.keys.is_empty() && by(k.payload_type)) {
            Some(key) => {
                f.show_at(key.frame, key.time, format!("telephone event, payload type {}", key.payload_type))
            }
            None => f.show_packet(figures, figures.first_frame, "first packet"),
        };
    }

    fn frames(&self, f: &mut Draft) {
        let flow = self.analysis.flow(self.s.flow);
        f.show_packet(
            self.figures,
            self.figures.first_frame,
            format!("first packet, {} → {}", flow.src, flow.dst),
        );
        f.show_packet(self.figures, self.figures.last_frame, "last packet");
    }

    fn marked(&self, f: &mut Draft) {
        for m in self.figures.marks() {
            let n = show::count(u64::from(m.packets + m.again), "packet", "packets");
            f.show_packet(self.figures, m.frame, format!("first with DSCP {}, {n}", mark_words(m.dscp)));
        }
    }
}

/// What ended a call.
fn bye_of(analysis: &Analysis, call: CallIdx) -> Option<crate::correlate::MsgIdx> {
    let of = analysis.messages_of(analysis.call(call).messages);
    of.into_iter().find(|m| {
        let r = analysis.message(*m);
        r.is_request() && r.method == crate::correlate::MethodId::BYE
    })
}
