//! Connectivity checks: one line for a media section, which unfolds to its pairs and those to single checks.

use std::collections::{BTreeSet, HashSet};

use callscope_parsers::stun::{Class, MessageType, words};

use super::super::traffic::CallTraffic;
use super::super::{LadderRow, Tone};
use super::ends::Ends;
use super::{Canvas, Line, kinds};
use crate::capture::Nanos;
use crate::correlate::Transport;
use crate::correlate::ice::{IcePair, IceSession, IceState};
use crate::correlate::stun::{StunRecord, stun_flag};
use crate::view::show;

/// So long after the chosen pair first succeeded, and the last pair was first tried, checks are no longer about choosing, but about consent (RFC 7675).
const SETTLED: Nanos = 5_000_000_000;

/// Checks of one pair within one phase.
#[derive(Default)]
struct Tally {
    asked: HashSet<u32>,
    answered: HashSet<u32>,
    indications: usize,
    /// Codes of errors with how many transactions had them.
    errors: Vec<(u16, HashSet<u32>)>,
    nominated: bool,
    /// What ICMP said of them.
    icmp: BTreeSet<String>,
}

impl Tally {
    fn add(&mut self, r: &StunRecord) {
        match MessageType(r.kind).split(r.dialect()).0 {
            Class::Request => {
                self.asked.insert(r.transaction);
                self.nominated |= r.has(stun_flag::USE_CANDIDATE);
            }
            Class::Success => {
                self.answered.insert(r.transaction);
            }
            Class::Error => {
                let at = self.errors.iter().position(|(code, _)| *code == r.error).unwrap_or_else(|| {
                    self.errors.push((r.error, HashSet::new()));
                    self.errors.len() - 1
                });
                self.errors[at].1.insert(r.transaction);
            }
            Class::Indication => self.indications += 1,
        }
    }

    fn join(&mut self, other: &Self) {
        self.asked.extend(&other.asked);
        self.answered.extend(&other.answered);
        self.indications += other.indications;
        self.icmp.extend(other.icmp.iter().cloned());
        for (code, list) in &other.errors {
            match self.errors.iter_mut().find(|(known, _)| known == code) {
                Some((_, known)) => known.extend(list),
                None => self.errors.push((*code, list.clone())),
            }
        }
    }

    /// `24 checks, 18 answered, 1 role conflict`.
    fn words(&self, one: &str, many: &str) -> String {
        // Answers whose request the capture does not hold are of checks as well.
        let all = self.asked.union(&self.answered).count();
        if all == 0 {
            return show::count(self.indications as u64, "indication", "indications");
        }
        let mut out = show::count(all as u64, one, many);
        out.push_str(&super::relay::answers(all, self.answered.len()));
        for text in self.icmp.iter().filter(|_| self.answered.is_empty()) {
            out.push_str(&format!(", {text}"));
        }
        for (code, list) in &self.errors {
            let n = list.len() as u64;
            let text = match code {
                487 => show::count(n, "role conflict", "role conflicts"),
                code => {
                    let words = words::error_words(*code, callscope_parsers::stun::Dialect::Rfc5389);
                    format!("{n} × {code} {}", words.map_or("", |(name, _)| name)).trim_end().to_owned()
                }
            };
            out.push_str(&format!(", {text}"));
        }
        out
    }
}

pub fn draw(canvas: &mut Canvas<'_>, ends: &mut Ends<'_>, leg: usize, traffic: &CallTraffic) {
    let several = traffic.sessions.iter().filter(|s| s.checks > 0).count() > 1;
    for session in &traffic.sessions {
        if session.pairs.iter().all(|p| p.messages.is_empty()) {
            continue;
        }
        let sides = [ends.side(leg, session, true), ends.side(leg, session, false)];
        let name = match &session.media {
            Some(media) if several => format!("{}: ", show::safe_str(media)),
            _ => String::new(),
        };
        section(canvas, ends, leg, session, sides, &name);
    }
}

/// When the chosen pair had proved itself.
fn settled(session: &IceSession) -> Nanos {
    let first = session.selected().filter_map(|p| p.first_success.or(p.first_media)).min();
    let tried = session.pairs.iter().filter_map(|p| p.first_request).max();
    first.map_or(Nanos::MAX, |t| t.max(tried.unwrap_or(t)).saturating_add(SETTLED))
}

fn section(
    canvas: &mut Canvas<'_>,
    ends: &Ends<'_>,
    leg: usize,
    session: &IceSession,
    sides: [usize; 2],
    name: &str,
) {
    let cut = settled(session);
    let mut phases: [(Tally, Vec<LadderRow>, usize); 2] = Default::default();
    for pair in session.pairs.iter().filter(|p| !p.messages.is_empty()) {
        let mut rows: [Vec<LadderRow>; 2] = Default::default();
        let mut tallies: [Tally; 2] = Default::default();
        for &index in &pair.messages {
            let Some(r) = canvas.analysis.stun.record(index).copied() else { continue };
            let phase = usize::from(r.time > cut);
            tallies[phase].add(&r);
            if canvas.take() {
                rows[phase].push(check(canvas, ends, leg, pair, &r, sides).row());
            } else {
                phases[phase].2 += 1;
            }
        }
        if let Some(u) = pair.unreachable
            && canvas.take()
        {
            let [asker, other] = if pair.from_a.0 > 0 { sides } else { [sides[1], sides[0]] };
            let label = format!("{} from {}", show::unreachable(&u), u.by);
            let line = Line {
                time: u.time,
                frame: u.frame,
                from: other,
                to: asker,
                label,
                tone: Tone::Failure,
                leg,
            };
            let phase = usize::from(u.time > cut);
            rows[phase].push(line.row());
            tallies[phase].icmp.insert(show::breakage(u.kind));
        }
        for ((phase, tally), rows) in phases.iter_mut().zip(tallies).zip(rows) {
            phase.0.join(&tally);
            let span = rows.iter().map(super::time_of).fold(None, |span: Option<(Nanos, Nanos)>, t| {
                Some(span.map_or((t, t), |(a, b)| (a.min(t), b.max(t))))
            });
            let Some((time, end)) = span else { continue };
            let chosen = if pair.selected.is_some() { ", chosen" } else { "" };
            let label = format!(
                "{} {} ↔ {}: {}{chosen}",
                kinds(session, pair),
                pair.a,
                pair.b,
                tally.words("check", "checks")
            );
            if canvas.unfold {
                phase.1.extend(rows);
            } else {
                let tone = if tally.answered.is_empty() { Tone::Dim } else { Tone::Stun };
                phase.1.push(LadderRow::Fold {
                    time,
                    end,
                    from: sides[0],
                    to: sides[1],
                    one_way: false,
                    label,
                    tone,
                    inner: rows,
                });
            }
        }
    }
    let [choosing, consent] = phases;
    for ((tally, mut rows, beyond), is_consent) in [(choosing, false), (consent, true)] {
        if rows.is_empty() {
            continue;
        }
        rows.sort_by_key(super::time_of);
        // A single pair needs no line of its own below that of the section.
        if let [LadderRow::Fold { inner, .. }] = rows.as_mut_slice() {
            rows = std::mem::take(inner);
        }
        let words = match is_consent {
            true => tally.words("consent check", "consent checks"),
            false => tally.words("check", "checks"),
        };
        let mut label = format!("{name}{words}");
        let mut tone = Tone::Stun;
        if !is_consent {
            let chosen = session.selected().min_by_key(|p| p.component);
            match chosen {
                Some(pair) => label.push_str(&format!(", {} chosen", kinds(session, pair))),
                None if session.state == IceState::Failed => {
                    label.push_str(", none chosen");
                    tone = Tone::Failure;
                }
                None => {}
            }
        }
        if beyond > 0 {
            label.push_str(&format!(" ({} not shown)", show::number(beyond as u64)));
        }
        canvas.fold(sides[0], sides[1], label, tone, rows);
    }
}

/// One message of a check.
fn check(
    canvas: &Canvas<'_>,
    ends: &Ends<'_>,
    leg: usize,
    pair: &IcePair,
    r: &StunRecord,
    [a, b]: [usize; 2],
) -> Line {
    let (path, flow) = (canvas.analysis.flow(r.path), canvas.analysis.flow(r.flow));
    let by_a = path.src == pair.a || path.dst == pair.b && path.src != pair.b;
    let (sender, receiver) = if by_a { (a, b) } else { (b, a) };
    let (from, to) = (ends.on_wire(flow.src, sender), ends.on_wire(flow.dst, receiver));
    let class = MessageType(r.kind).split(r.dialect()).0;
    let mut label = match class {
        Class::Request => "check".to_owned(),
        Class::Success => "check answered".to_owned(),
        Class::Error => {
            let words = words::error_words(r.error, r.dialect()).map_or("", |(name, _)| name);
            format!("check {} {words}", r.error).trim_end().to_owned()
        }
        Class::Indication => "indication".to_owned(),
    };
    if r.has(stun_flag::USE_CANDIDATE) {
        label.push_str(", nominates");
    }
    label.push_str(&format!(" {} → {}", path.src, path.dst));
    if flow.transport == Transport::Tcp {
        label.push_str(" TCP");
    }
    if pair.component > 1 {
        label.push_str(&format!(", component {}", pair.component));
    }
    if (flow.src, flow.dst) != (path.src, path.dst) {
        label.push_str(", relayed");
    }
    if r.has(stun_flag::RETRANSMISSION) {
        label.push_str(" (again)");
    }
    let tone = match class {
        Class::Success => Tone::Success,
        Class::Error if r.error == 487 => Tone::Redirect,
        Class::Error => Tone::Failure,
        Class::Request | Class::Indication if r.has(stun_flag::RETRANSMISSION) => Tone::Dim,
        Class::Request | Class::Indication => Tone::Stun,
    };
    Line { time: r.time, frame: r.frame(), from, to, label, tone, leg }
}
