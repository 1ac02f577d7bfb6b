//! Why a session went as it did, in sentences: which path was taken and why better ones lost; or why there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use callscope_parsers::stun::Dialect;
use callscope_parsers::stun::words::error_words;

use super::facts::is_without_pairs;
use super::failed_allocations;
use crate::correlate::ice::{
    CandidateKind, ChosenBy, IcePair, IceRole, IceSession, IceSide, IceState, PairState,
};
use crate::correlate::{Analysis, Transport};
use crate::show;
use crate::show::path::{
    PathEnd, end, is_private, near, other_media, parties, syntax_words, telling_pair, transport_words,
};
use crate::show::relay::refusal_sentence;

/// Sentences, the most telling first: of what failed the cause, where one is known.
pub fn why(analysis: &Analysis, s: &IceSession) -> Vec<String> {
    let teller = Teller { analysis, s, names: parties(analysis, s) };
    let mut out = Vec::new();
    match s.state {
        IceState::Connected => teller.connected(&mut out),
        IceState::Failed => teller.failed(&mut out),
        IceState::Incomplete => teller.incomplete(&mut out),
        IceState::NotStarted => teller.not_started(&mut out),
    }
    teller.remarks(&mut out);
    out
}

struct Teller<'a> {
    analysis: &'a Analysis,
    s: &'a IceSession,
    names: [String; 2],
}

impl Teller<'_> {
    fn sides(&self) -> [(&IceSide, &str); 2] {
        let [a, b] = &self.names;
        [(&self.s.a, a), (&self.s.b, b)]
    }

    fn connected(&self, out: &mut Vec<String>) {
        let Some(p) = telling_pair(self.s) else { return };
        let ends = [end(self.analysis, self.s, p, true), end(self.analysis, self.s, p, false)];
        let by = match p.selected {
            Some(ChosenBy::FinalOffer) => "named by the final offer",
            Some(ChosenBy::Media) => "known by the media it carried",
            _ => "known by its nomination",
        };
        let verb = if p.media_packets > 0 { "Media goes" } else { "The chosen pair goes" };
        out.push(format!("{verb} {}; {by}.", self.path(p, ends)));
        if p.media_packets == 0 {
            out.push("No RTP was seen on it in this capture.".to_owned());
        }
        let [name_a, name_b] = &self.names;
        out.extend(other_media(self.analysis, self.s, p, [name_a, name_b]));
        self.losers(p, ends, out);
        self.missing(ends, out);
    }

    fn path(&self, p: &IcePair, ends: [PathEnd; 2]) -> String {
        use CandidateKind::{Host, Prflx, Relay, Srflx};
        let [name_a, name_b] = &self.names;
        let transport = transport_words(self.analysis, p, ends);
        let relay = |e: PathEnd, address: SocketAddr, name: &str| match e.allocation {
            Some(i) => format!("{name}'s relay {address} (allocation {})", i.0 + 1),
            None => format!("{name}'s relay {address}"),
        };
        let nat = |kind| matches!(kind, Some(Srflx | Prflx));
        let text = match ends.map(|e| e.kind) {
            [Some(Relay), Some(Relay)] => {
                format!(
                    "through two relays: {} and {}",
                    relay(ends[0], p.a, name_a),
                    relay(ends[1], p.b, name_b)
                )
            }
            [Some(Relay), _] => {
                format!("through one relay: {}, to {name_b} at {}", relay(ends[0], p.a, name_a), p.b)
            }
            [_, Some(Relay)] => {
                format!("through one relay: {}, to {name_a} at {}", relay(ends[1], p.b, name_b), p.a)
            }
            [a, b] if nat(a) && nat(b) => {
                format!("directly through the NATs of both sides: {} ↔ {}", p.a, p.b)
            }
            [a, _] if nat(a) => format!("directly, through {name_a}'s NAT: {} ↔ {}", p.a, p.b),
            [_, b] if nat(b) => format!("directly, through {name_b}'s NAT: {} ↔ {}", p.a, p.b),
            [Some(Host), Some(Host)] if near(p.a.ip(), p.b.ip()) => {
                format!("directly on the LAN: {} ↔ {}", p.a, p.b)
            }
            // Nobody outside reaches a private address but by what translates it.
            [Some(Host), Some(Host)] if is_private(p.a.ip()) != is_private(p.b.ip()) => {
                let inside = if is_private(p.a.ip()) { name_a } else { name_b };
                format!("directly, through {inside}'s NAT: {} ↔ {}", p.a, p.b)
            }
            [Some(Host), Some(Host)] => format!("directly between the hosts, no NAT: {} ↔ {}", p.a, p.b),
            _ => format!("between {} and {}, whose candidates are not in this capture", p.a, p.b),
        };
        format!("{text}, over {transport}")
    }

    /// Pairs that were to be preferred, and what became of them.
    fn losers(&self, p: &IcePair, ends: [PathEnd; 2], out: &mut Vec<String>) {
        let rank = |kinds: [Option<CandidateKind>; 2]| {
            let worth = |k: &Option<CandidateKind>| match k {
                Some(CandidateKind::Relay) => 0,
                Some(CandidateKind::Srflx | CandidateKind::Prflx) => 1,
                Some(CandidateKind::Host) => 2,
                None => 1,
            };
            kinds.iter().map(worth).sum::<u32>()
        };
        let chosen_rank = rank(ends.map(|e| e.kind));
        let better = |q: &&IcePair| {
            q.component == p.component
                && q.selected.is_none()
                && match (q.priority, p.priority) {
                    (Some(q), Some(p)) => q > p,
                    _ => {
                        let kinds =
                            [end(self.analysis, self.s, q, true), end(self.analysis, self.s, q, false)];
                        rank(kinds.map(|e| e.kind)) > chosen_rank
                    }
                }
        };
        // What became of them, in the order it is told.
        let mut groups: BTreeMap<(u8, String), Vec<&IcePair>> = BTreeMap::new();
        let mut all = 0;
        for q in self.s.pairs.iter().filter(better) {
            all += 1;
            let fate = match q.state {
                PairState::Unanswered => (0, "checked, not answered".to_owned()),
                PairState::Failed if q.errors.is_empty() => (1, format!("unreachable: {}", self.icmp([q]))),
                PairState::Failed => (1, format!("refused: {}", self.errors(q))),
                PairState::Succeeded => match (q.first_success, p.first_success) {
                    (Some(late), Some(chosen)) if late > chosen => (
                        2,
                        format!("answered too late, {} after the chosen one", show::duration(late - chosen)),
                    ),
                    _ => (3, "worked too and were not taken".to_owned()),
                },
                PairState::NotChecked => (4, "never checked in this capture".to_owned()),
            };
            groups.entry(fate).or_default().push(q);
        }
        if all == 0 {
            if p.priority.is_some() || chosen_rank == 4 {
                out.push("No pair that both sides offered was better by its priority.".to_owned());
            }
            return;
        }
        let told: Vec<String> = groups
            .iter()
            .map(|((_, fate), pairs)| format!("{} {fate} ({})", pairs.len(), self.examples(pairs)))
            .collect();
        let pairs = show::count(all, "better pair", "better pairs");
        out.push(format!("{pairs} lost: {}.", told.join("; ")));
    }

    /// `ICMP host unreachable from 10.0.0.1`: what was said of the checks of these pairs, each once.
    fn icmp<'p>(&self, pairs: impl IntoIterator<Item = &'p IcePair>) -> String {
        let told = pairs.into_iter().filter_map(|p| p.unreachable);
        let told: BTreeSet<String> = told.map(|u| show::breakage_by(u.kind, u.by)).collect();
        told.into_iter().collect::<Vec<_>>().join("; ")
    }

    fn errors(&self, p: &IcePair) -> String {
        let dialect = match self.s.dialect {
            crate::correlate::ice::IceDialect::MsIce => Dialect::MsIce,
            _ => Dialect::Rfc5389,
        };
        let word = |(code, n): &(u16, u32)| {
            let name = error_words(*code, dialect).map_or(String::new(), |(name, _)| format!(" {name}"));
            let times = if *n > 1 { format!(" ×{n}") } else { String::new() };
            format!("{code}{name}{times}")
        };
        p.errors.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    /// `2 host–relay, 192.0.2.66:6000 ↔ relay`: kinds of pairs, at most three; an end of unknown kind by its address.
    fn examples(&self, pairs: &[&IcePair]) -> String {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for p in pairs {
            let kind = |is_a| end(self.analysis, self.s, p, is_a).kind.map(|k| k.name());
            let tcp = if p.transport == Transport::Udp { "" } else { " TCP" };
            let told = match (kind(true), kind(false)) {
                (Some(a), Some(b)) => format!("{a}–{b}{tcp}"),
                (Some(a), None) => format!("{a} ↔ {}{tcp}", p.b),
                (None, Some(b)) => format!("{} ↔ {b}{tcp}", p.a),
                (None, None) => format!("{} ↔ {}{tcp}", p.a, p.b),
            };
            *kinds.entry(told).or_default() += 1;
        }
        let mut list: Vec<(String, usize)> = kinds.into_iter().collect();
        list.sort_by(|x, y| y.1.cmp(&x.1).then(x.0.cmp(&y.0)));
        let more = list.len().saturating_sub(3);
        let mut words: Vec<String> =
            list.into_iter().take(3).map(|(k, n)| if n > 1 { format!("{n} {k}") } else { k }).collect();
        if more > 0 {
            words.push(show::count(more as u64, "other kind", "other kinds"));
        }
        words.join(", ")
    }

    /// What a relayed call lacked.
    fn missing(&self, ends: [PathEnd; 2], out: &mut Vec<String>) {
        if !ends.iter().any(|e| e.kind == Some(CandidateKind::Relay)) || self.s.call.is_none() {
            return;
        }
        for (side, name) in self.sides() {
            let has = |kind| side.candidates.iter().any(|c| c.kind == Some(kind));
            if side.candidates.is_empty() {
                continue;
            }
            if !has(CandidateKind::Srflx) && self.behind_nat(side) {
                out.push(format!(
                    "{name} offered no reflexive candidate: nothing to reach it by through its NAT."
                ));
            }
            if !has(CandidateKind::Host) {
                out.push(format!("{name} offered no host candidate: no direct pair could be formed."));
            }
        }
    }

    fn behind_nat(&self, side: &IceSide) -> bool {
        let hosts = || side.candidates.iter().filter(|c| c.kind == Some(CandidateKind::Host));
        hosts().filter_map(|c| c.address).next().is_some()
            && hosts().filter_map(|c| c.address).all(|a| is_private(a.ip()))
    }

    fn failed(&self, out: &mut Vec<String>) {
        let s = self.s;
        let answered = s.pairs.iter().filter(|p| p.state == PairState::Succeeded).count();
        if let Some(refused) = self.refused_final()
            && answered > 0
        {
            let pairs = show::count(answered as u64, "pair was", "pairs were");
            out.push(refused);
            return out.push(format!("{pairs} answered, but none was settled on."));
        }
        let count = |state| s.pairs.iter().filter(|p| p.state == state).count();
        let (unanswered, unchecked) = (count(PairState::Unanswered), count(PairState::NotChecked));
        // Those that nothing but ICMP answered.
        let failed = || s.pairs.iter().filter(|p| p.state == PairState::Failed);
        let lost: Vec<&IcePair> = failed().filter(|p| p.errors.is_empty()).collect();
        let refused = failed().count() - lost.len();
        let mut told = Vec::new();
        if unanswered > 0 {
            told.push(format!(
                "{} checked and not answered",
                show::count(unanswered as u64, "pair", "pairs")
            ));
        }
        if refused > 0 {
            let errors: BTreeSet<String> =
                failed().filter(|p| !p.errors.is_empty()).map(|p| self.errors(p)).collect();
            let errors: Vec<String> = errors.into_iter().collect();
            told.push(format!("{refused} refused ({})", errors.join("; ")));
        }
        if !lost.is_empty() {
            told.push(format!("{} unreachable ({})", lost.len(), self.icmp(lost.iter().copied())));
        }
        if unchecked > 0 {
            told.push(format!("{unchecked} never checked"));
        }
        if s.role_conflicts > 0 && refused > 0 {
            let n = show::count(u64::from(s.role_conflicts), "answer", "answers");
            out.push(format!(
                "Both sides keep claiming the same ICE role and neither gives in: {n} 487 Role Conflict."
            ));
        }
        for ((_, name), answers) in
            self.sides().into_iter().zip([|p: &IcePair| p.from_a.1, |p: &IcePair| p.from_b.1])
        {
            let vain = s.pairs.iter().filter(|p| p.state == PairState::Unanswered).map(answers).sum::<u32>();
            if vain > 0 {
                out.push(format!(
                    "Answers to {name}'s checks are in this capture and {name} goes on asking: they do not reach it."
                ));
            }
        }
        // A relay that was refused tells more than one that was never asked for.
        let (refused, never): (Vec<bool>, Vec<bool>) = [true, false]
            .into_iter()
            .partition(|is_a| !failed_allocations(self.analysis, s, *is_a, 1).is_empty());
        refused.into_iter().for_each(|is_a| self.no_relay(is_a, out));
        // Private addresses of another site are unreachable in calls that work too.
        if !lost.is_empty() {
            let addresses: BTreeSet<String> = lost.iter().map(|p| self.unreached(p).to_string()).collect();
            let more = addresses.len().saturating_sub(3);
            let mut shown: Vec<String> = addresses.into_iter().take(3).collect();
            if more > 0 {
                shown.push(format!("{more} more"));
            }
            out.push(format!("Checks to {} met {}.", shown.join(", "), self.icmp(lost.iter().copied())));
        }
        self.one_sided(out);
        never.into_iter().for_each(|is_a| self.no_relay(is_a, out));
        out.push(format!("No pair worked: {}.", told.join(", ")));
        self.elsewhere(out);
    }

    fn refused_final(&self) -> Option<String> {
        let status = self.s.final_refused?;
        let text = format!("The final offer was refused with {status} {}", show::reason_phrase(status));
        Some(format!("{}.", text.trim_end()))
    }

    /// The end of a pair that the checks did not get to.
    fn unreached(&self, p: &IcePair) -> SocketAddr {
        if p.from_a.0 > 0 { p.b } else { p.a }
    }

    /// Whose checks were seen.
    fn one_sided(&self, out: &mut Vec<String>) {
        let sent = |f: fn(&IcePair) -> u32| self.s.pairs.iter().map(f).sum::<u32>();
        let (a, b) = (sent(|p| p.from_a.0), sent(|p| p.from_b.0));
        let [name_a, name_b] = &self.names;
        let silent = match (a, b) {
            (1.., 0) => name_b,
            (0, 1..) => name_a,
            _ => return,
        };
        out.push(format!(
            "No check of {silent} arrived where the capture was made: they are lost on the way, or {silent} sends none."
        ));
    }

    /// Why a side has no relay, and what that means.
    fn no_relay(&self, is_a: bool, out: &mut Vec<String>) {
        let s = self.s;
        let [of_a, of_b] = self.sides();
        let (side, name) = if is_a { of_a } else { of_b };
        let relay = |p: &IcePair| end(self.analysis, s, p, is_a).kind == Some(CandidateKind::Relay);
        if side.candidates.iter().any(|c| c.kind == Some(CandidateKind::Relay)) || s.pairs.iter().any(relay) {
            return;
        }
        let components =
            side.candidates.iter().map(|c| c.component).chain(s.pairs.iter().map(|p| p.component));
        let mut told: Vec<String> = Vec::new();
        for (i, a) in failed_allocations(self.analysis, s, is_a, components.min().unwrap_or(1)) {
            let text = refusal_sentence(self.analysis, a);
            if !told.iter().any(|t| t.ends_with(&text)) {
                told.push(format!("allocation {}: {text}", i.0 + 1));
            }
        }
        if !told.is_empty() {
            out.push(format!("{name} has no relay: {}.", told.join("; ")));
        }
        if s.call.is_none() {
            return;
        }
        if side.candidates.is_empty() {
            out.push(match side.message {
                Some(_) => format!("{name}'s SDP has no candidates."),
                None => format!("No SDP of {name} is in this capture."),
            });
            return;
        }
        if told.is_empty() {
            out.push(format!("{name} offered no relay candidate; no attempt to get one is in this capture."));
        }
        let private = side.candidates.iter().all(|c| c.address.is_some_and(|a| is_private(a.ip())));
        if private {
            let first = side.candidates.iter().find_map(|c| c.address).map(|a| format!(" ({})", a.ip()));
            out.push(format!(
                "All of {name}'s addresses are private{}: they are reached from its own network only.",
                first.unwrap_or_default()
            ));
        } else if !side.candidates.iter().any(|c| c.kind == Some(CandidateKind::Srflx))
            && self.behind_nat(side)
        {
            out.push(format!("{name} offered no reflexive candidate."));
        }
    }

    /// Media between candidates that no pair chosen has.
    fn elsewhere(&self, out: &mut Vec<String>) {
        let seen: Vec<(SocketAddr, SocketAddr, u64)> = self
            .s
            .pairs
            .iter()
            .filter(|p| p.selected.is_none())
            .filter_map(|p| {
                let ways = [(p.a, p.b), (p.b, p.a)];
                let packets: u64 = ways
                    .into_iter()
                    .filter_map(|(x, y)| self.analysis.media_between(x, y, p.transport))
                    .map(|m| m.rtp)
                    .sum();
                (packets > 0).then_some((p.a, p.b, packets))
            })
            .collect();
        for (a, b, packets) in seen.into_iter().take(3) {
            out.push(format!(
                "{} were seen between {a} and {b} all the same.",
                show::count(packets, "RTP packet", "RTP packets")
            ));
        }
    }

    fn incomplete(&self, out: &mut Vec<String>) {
        let s = self.s;
        let succeeded = s.pairs.iter().filter(|p| p.state == PairState::Succeeded).count();
        let last = s.pairs.iter().flat_map(|p| &p.messages).filter_map(|m| self.analysis.stun.record(*m));
        let last = last.map(|r| r.time).max();
        let ended = s.call.and_then(|c| self.analysis.call(c).summary.end);
        let end = match (ended, last) {
            (Some(end), Some(last)) => format!(
                " The call ended {} after the last check.",
                show::duration(end.saturating_sub(last).max(0))
            ),
            (None, _) => " The capture ends before more is known.".to_owned(),
            _ => String::new(),
        };
        out.push(if succeeded > 0 {
            format!(
                "{} answered, but none was chosen: no nomination, no final offer and no media on them.{end}",
                show::count(succeeded as u64, "pair was", "pairs were")
            )
        } else {
            format!("Checks were still going on, none answered yet.{end}")
        });
        self.one_sided(out);
        if succeeded == 0 {
            for is_a in [true, false] {
                self.no_relay(is_a, out);
            }
        }
        self.elsewhere(out);
    }

    fn not_started(&self, out: &mut Vec<String>) {
        let s = self.s;
        let [name_a, name_b] = &self.names;
        if s.b.message.is_none() {
            out.push(format!(
                "No answer with SDP came{}: {name_b} never offered candidates, and there was nothing to check.",
                self.became()
            ));
        } else if s.b.candidates.is_empty() {
            out.push(format!("{name_b}'s answer has no candidates: it does not speak ICE, and media goes to the addresses in m= and c=."));
        } else if s.a.candidates.is_empty() {
            out.push(format!("{name_a}'s offer has no candidates: no ICE."));
        } else if is_without_pairs(s) {
            out.push(format!(
                "No candidate of {name_a}'s makes a pair with one of {name_b}'s, by address family, transport and component: there was \
                 nothing to check."
            ));
        } else {
            let of = |side: &IceSide| {
                let mut ips: Vec<_> = side
                    .candidates
                    .iter()
                    .filter(|c| c.kind != Some(CandidateKind::Relay))
                    .filter_map(|c| c.address.map(|a| a.ip()))
                    .collect();
                ips.sort();
                ips.dedup();
                ips.truncate(3);
                ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            let relays: BTreeSet<_> = [&s.a, &s.b]
                .iter()
                .flat_map(|side| &side.candidates)
                .filter(|c| c.kind == Some(CandidateKind::Relay))
                .filter_map(|c| c.address.map(|a| a.ip()))
                .collect();
            let relays: Vec<String> = relays.iter().take(3).map(ToString::to_string).collect();
            let at_relay = if relays.is_empty() {
                String::new()
            } else {
                format!(", or at the relay ({})", relays.join(", "))
            };
            let at = |name: &str, side| match of(side) {
                ips if ips.is_empty() => name.to_owned(),
                ips => format!("{name} ({ips})"),
            };
            let (at_a, at_b) = (at(name_a, &s.a), at(name_b, &s.b));
            out.push(format!(
                "No check is in this capture. They pass between {at_a} and {at_b}: capture at one of them{at_relay}."
            ));
        }
        for is_a in [true, false] {
            if !failed_allocations(self.analysis, s, is_a, 1).is_empty() {
                self.no_relay(is_a, out);
            }
        }
        self.elsewhere(out);
    }

    /// ` (the call: rejected, 486)`.
    fn became(&self) -> String {
        let Some(call) = self.s.call.map(|c| &self.analysis.call(c).summary) else { return String::new() };
        let state = call.state.name().replace('_', " ");
        match call.final_status {
            status @ 300.. => format!(" (the call: {state}, {status})"),
            _ => format!(" (the call: {state})"),
        }
    }

    fn remarks(&self, out: &mut Vec<String>) {
        let s = self.s;
        if s.role_conflicts > 0 {
            let now = match s.role_a {
                Some(IceRole::Controlling) => format!("; in the end {} was controlling", self.names[0]),
                Some(IceRole::Controlled) => format!("; in the end {} was controlling", self.names[1]),
                None => String::new(),
            };
            out.push(format!(
                "Both sides took the same role ({} × 487 Role Conflict){now}.",
                s.role_conflicts
            ));
        }
        if s.pairs.iter().any(|p| p.errors.iter().any(|(code, _)| *code == 400)) {
            out.push(
                "400 Bad Request answers a check that lacks USERNAME or MESSAGE-INTEGRITY (RFC 8489 section 9.1.3), \
                 or whose form the other side does not understand: the two may not speak the same ICE."
                    .to_owned(),
            );
        }
        if let Some(other) = s.other_generation {
            out.push(format!(
                "The offer had a part in {} too, which the answer did not take.",
                syntax_words(other)
            ));
        }
        if s.state == IceState::Connected {
            out.extend(self.refused_final());
        }
        if s.final_unknown {
            out.push("The final offer names a candidate that was not offered before.".to_owned());
        }
        for n in [s.a.not_kept + s.b.not_kept, s.pairs_not_kept].into_iter().filter(|n| *n > 0) {
            out.push(format!("{n} more candidates or pairs were over a limit and are not shown."));
        }
    }
}
