//! Checks joined to candidates: the pairs, their states, and which one was chosen.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::SocketAddr;

use callscope_parsers::sdp::CandidateSyntax;
use callscope_parsers::sdp::candidate::pair_priority;
use callscope_parsers::stun::{Class, Dialect, MessageType};

use super::candidates::IceCandidate;
use super::*;
use crate::correlate::breakage::Unreachable;
use crate::correlate::stun::{StunRecord, stun_flag};

/// An agent that was silent so long at the end had given up, unless its next retransmission was further away
/// (the time to it doubles from 500 ms, RFC 8489 §6.2.1) ...
const STILL_TRYING: Nanos = 1_200_000_000;
/// ... or it still had pairs to check; slow ones leave seconds between them.
const NEXT_PAIR: Nanos = 5_000_000_000;
/// Whoever has had no answer at all for so long has no path, though retransmissions may go on to 39.5 s.
const NO_PATH: Nanos = 10_000_000_000;

type PairKey = (u16, SocketAddr, SocketAddr, Transport);

/// Members of a list that are looked through one by one.
const FEW: usize = 16;

/// Where the members of a list stand by a key of theirs. While they are [`FEW`] the list itself is looked through.
struct Places<K> {
    by_key: HashMap<K, Vec<usize>, foldhash::fast::RandomState>,
}

impl<K: Copy + Eq + Hash> Places<K> {
    /// Of those that have this key, in order.
    fn of<T>(&self, list: &[T], key: fn(&T) -> K, wanted: K) -> impl Iterator<Item = usize> {
        let few = if self.by_key.is_empty() { list } else { &[] };
        let among = move |(at, x): (usize, &T)| (key(x) == wanted).then_some(at);
        let listed = self.by_key.get(&wanted);
        few.iter().enumerate().filter_map(among).chain(listed.into_iter().flatten().copied())
    }

    fn change<T>(&self, list: &mut [T], key: fn(&T) -> K, wanted: K, mut change: impl FnMut(&mut T)) {
        if self.by_key.is_empty() {
            list.iter_mut().filter(|x| key(x) == wanted).for_each(change);
        } else {
            let listed = self.by_key.get(&wanted);
            for at in listed.into_iter().flatten() {
                list.get_mut(*at).into_iter().for_each(&mut change);
            }
        }
    }

    /// Takes note of the last one of the list.
    fn note<T>(&mut self, list: &[T], key: fn(&T) -> K) {
        let last = list.len().saturating_sub(1);
        if last >= FEW {
            for (at, x) in list.iter().enumerate().skip(if last == FEW { 0 } else { last }) {
                self.by_key.entry(key(x)).or_default().push(at);
            }
        }
    }
}

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self { by_key: HashMap::default() }
    }
}

/// Pairs while they are being put together.
struct Board<'s> {
    session: &'s mut IceSession,
    pair_places: Places<PairKey>,
    most: usize,
    /// Requests met, the last of each flow.
    asked: Vec<Asked>,
    /// By transaction.
    asked_places: Places<u32>,
    /// Messages of each pair by flow: a relay shows the same message on both its sides.
    seen: Vec<Vec<(FlowId, u32, u32)>>,
    /// The role each side claimed last.
    claims: [Option<IceRole>; 2],
}

#[derive(Clone, Copy)]
struct Asked {
    transaction: u32,
    pair: usize,
    flow: FlowId,
    time: Nanos,
    by_a: bool,
    nominates: bool,
    /// When its success was seen, and how often it was sent again after that: the answer did not arrive.
    success: Option<Nanos>,
    in_vain: u32,
}

/// A request sent again so often after its answer was seen did not get it (once may be on the way already).
const IN_VAIN: u32 = 2;

impl Asked {
    fn transaction(&self) -> u32 {
        self.transaction
    }

    fn in_vain(&self) -> bool {
        self.success.is_some() && self.in_vain >= IN_VAIN
    }
}

impl Analysis {
    /// Joins the checks of `groups` to a draft. `belongs`: whether a check between two ends is of this session (and
    /// not of another section of its bundle). `end`: the last time anything could come.
    pub(super) fn join_checks(
        &self,
        draft: Draft,
        groups: &[GroupIdx],
        end: Nanos,
        belongs: &dyn Fn([SocketAddr; 2]) -> bool,
    ) -> IceSession {
        let Draft { mut session, names, not_offered } = draft;
        let mut checks: Vec<(StunIdx, bool)> = Vec::new();
        for g in groups {
            let Some(group) = self.stun.groups.list.get(g.0 as usize) else { continue };
            let first_is_a = if names[0].is_empty() && names[1].is_empty() {
                true
            } else {
                names[0].contains(&group.names[0]) || names[1].contains(&group.names[1])
            };
            for i in self.stun.checks_of(*g).take(self.limits.ice_checks) {
                let Some(r) = self.stun.record(i) else { continue };
                let path = self.flow(r.path);
                if !r.has(stun_flag::DUPLICATE) && belongs([path.src, path.dst]) {
                    checks.push((i, r.has(stun_flag::FROM_FIRST) == first_is_a));
                }
            }
        }
        checks.sort_by_key(|(i, _)| (self.stun.record(*i).map_or(0, |r| r.time), *i));
        if session.call.is_none() {
            self.orient(&mut checks);
        }
        session.checks = checks.len();
        self.resolve_names(&mut session, &checks);
        session.pairs.reserve(likely_pairs(&session, self.limits.ice_pairs));
        let mut board = Board {
            pair_places: Places::default(),
            most: self.limits.ice_pairs,
            asked: Vec::new(),
            asked_places: Places::default(),
            seen: Vec::new(),
            claims: [None; 2],
            session: &mut session,
        };
        let (mut last_sent, mut spacing) = (None, 0);
        for (i, by_a) in checks {
            let Some(r) = self.stun.record(i) else { continue };
            let path = self.flow(r.path);
            let (a, b) = if by_a { (path.src, path.dst) } else { (path.dst, path.src) };
            if let Some(since) = board.take(i, r, by_a, a, b, path.transport) {
                last_sent = Some(r.time);
                spacing = since;
            }
        }
        board.settle();
        // Peer-reflexive candidates are learnt from checks (RFC 8445 section 7.3.1.3).
        let met = |at: &SocketAddr| session.pairs.iter().any(|p| p.a == *at || p.b == *at);
        session.final_unknown = not_offered.iter().any(|at| !met(at));
        self.join_unreachable(&mut session);
        self.count_media(&mut session);
        add_unchecked(&mut session, self.limits.ice_pairs);
        choose(&mut session);
        let silent = last_sent.map_or(Nanos::MAX, |t| end.saturating_sub(t));
        let left = session.pairs.iter().any(|p| p.component == 1 && p.state == PairState::NotChecked);
        // Where a call was hung up; nobody does that to a capture that holds checks alone.
        let doubled = if session.call.is_some() { 2 * spacing } else { spacing };
        let next = doubled + spacing / 5;
        let trying = silent < STILL_TRYING.max(next) || left && silent < NEXT_PAIR;
        let tried = session.first_check.map_or(0, |t| end.saturating_sub(t));
        let trying = trying && tried < NO_PATH;
        session.state = state_of(&session, trying);
        session.pairs.sort_by_key(|p| {
            let rank = (p.selected.is_none(), p.state);
            (p.component, rank, std::cmp::Reverse(p.priority), p.first_request, p.a, p.b)
        });
        session
    }

    /// Candidates with a name for an address, from where the checks of each side come and go.
    fn resolve_names(&self, session: &mut IceSession, checks: &[(StunIdx, bool)]) {
        if session.candidates().all(|c| c.address.is_some()) {
            return;
        }
        let mut seen: [Vec<SocketAddr>; 2] = Default::default();
        for (i, by_a) in checks {
            let Some(r) = self.stun.record(*i) else { continue };
            let path = self.flow(r.path);
            let ends = if *by_a { [path.src, path.dst] } else { [path.dst, path.src] };
            for (list, end) in seen.iter_mut().zip(ends) {
                list.push(end);
            }
        }
        for list in &mut seen {
            list.sort_unstable();
            list.dedup();
        }
        session.a.resolve_names(&seen[0]);
        session.b.resolve_names(&seen[1]);
    }

    /// Without SDP side A is the controlling agent, else whoever sent the first check.
    fn orient(&self, checks: &mut [(StunIdx, bool)]) {
        let records = || checks.iter().filter_map(|(i, by_a)| Some((self.stun.record(*i)?, *by_a)));
        let request = |r: &StunRecord| MessageType(r.kind).split(r.dialect()).0 == Class::Request;
        let controlling = records().find(|(r, _)| request(r) && r.has(stun_flag::CONTROLLING));
        let controlled = records().find(|(r, _)| request(r) && r.has(stun_flag::CONTROLLED));
        let first = records().find(|(r, _)| request(r));
        let a_is_right = match (controlling, controlled, first) {
            (Some((_, by_a)), ..) => by_a,
            (None, Some((_, by_a)), _) => !by_a,
            (None, None, Some((_, by_a))) => by_a,
            _ => true,
        };
        if !a_is_right {
            for (_, by_a) in checks {
                *by_a = !*by_a;
            }
        }
    }

    /// The ICMP errors about the checks of each pair. It failed by them if each transaction of it met one.
    fn join_unreachable(&self, session: &mut IceSession) {
        if self.broken.count == 0 {
            return;
        }
        for p in &mut session.pairs {
            let mut met: HashMap<u32, Option<Unreachable>> = HashMap::new();
            for r in p.messages.iter().filter_map(|i| self.stun.record(*i)) {
                if MessageType(r.kind).split(r.dialect()).0 == Class::Request {
                    let of = met.entry(r.transaction).or_default();
                    *of = of.or_else(|| self.unreachable(r));
                }
            }
            let all = met.values().all(Option::is_some);
            p.unreachable = met.into_values().flatten().fold(None, |u, new| Some(Unreachable::join(u, new)));
            if all && p.unreachable.is_some() && p.state == PairState::Unanswered && p.responses == 0 {
                p.state = PairState::Failed;
            }
        }
    }

    /// RTP and the like between the ends of each pair.
    fn count_media(&self, session: &mut IceSession) {
        for p in &mut session.pairs {
            for (src, dst) in [(p.a, p.b), (p.b, p.a)] {
                let Some(m) = self.media_between(src, dst, p.transport) else { continue };
                p.media_packets += if p.component == 1 || m.rtp > 0 { m.rtp } else { m.rtcp };
                p.first_media = Some(p.first_media.map_or(m.first, |t| t.min(m.first)));
            }
        }
        // Media may also go where no check was seen.
        for (component, a, b) in session.final_pairs.clone() {
            if session.pairs.iter().any(|p| ends_match(session, p, a, b)) {
                continue;
            }
            let found = [(a, b), (b, a)].map(|(s, d)| self.media_between(s, d, Transport::Udp));
            let media: Vec<_> = found.into_iter().flatten().collect();
            let mut pair = IcePair::new(component, a, b, Transport::Udp);
            pair.find_candidates(session);
            pair.priority = pair.priority_in(session);
            pair.media_packets = media.iter().map(|m| m.rtp.max(m.rtcp)).sum();
            pair.first_media = media.iter().map(|m| m.first).min();
            session.pairs.push(pair);
        }
        session.first_media = session.pairs.iter().filter_map(|p| p.first_media).min();
    }
}

impl IcePair {
    fn new(component: u16, a: SocketAddr, b: SocketAddr, transport: Transport) -> Self {
        Self {
            component,
            a,
            b,
            a_candidate: None,
            b_candidate: None,
            transport,
            priority: None,
            state: PairState::NotChecked,
            requests: 0,
            responses: 0,
            errors: Vec::new(),
            rtt: None,
            from_a: (0, 0),
            from_b: (0, 0),
            nominated: false,
            selected: None,
            media_packets: 0,
            first_media: None,
            first_request: None,
            first_success: None,
            messages: Vec::new(),
            unreachable: None,
        }
    }

    fn key(&self) -> PairKey {
        (self.component, self.a, self.b, self.transport)
    }

    fn find_candidates(&mut self, session: &IceSession) {
        let find = |side: &IceSide, address: SocketAddr| {
            let fits = |c: &IceCandidate| {
                c.address == Some(address) && c.is_tcp() == (self.transport == Transport::Tcp)
            };
            let exact = side.candidates.iter().position(|c| fits(c) && c.component == self.component);
            exact.or_else(|| side.candidates.iter().position(fits))
        };
        self.a_candidate = find(&session.a, self.a);
        self.b_candidate = find(&session.b, self.b);
    }

    /// Of two candidates that say theirs (RFC 8445 §6.1.2.3), by the roles known last.
    fn priority_in(&self, session: &IceSession) -> Option<u64> {
        let of = |side: &IceSide, at: Option<usize>| u32::try_from(side.candidates.get(at?)?.priority?).ok();
        let (a, b) = (of(&session.a, self.a_candidate)?, of(&session.b, self.b_candidate)?);
        let swap = session.role_a == Some(IceRole::Controlled);
        Some(if swap { pair_priority(b, a) } else { pair_priority(a, b) })
    }

    pub fn a_kind(&self, session: &IceSession) -> Option<CandidateKind> {
        session.a.candidates.get(self.a_candidate?)?.kind
    }

    pub fn b_kind(&self, session: &IceSession) -> Option<CandidateKind> {
        session.b.candidates.get(self.b_candidate?)?.kind
    }
}

impl Board<'_> {
    /// Takes one message; of a request the time since it was sent before (0 for the first time).
    fn take(
        &mut self,
        i: StunIdx,
        r: &StunRecord,
        by_a: bool,
        a: SocketAddr,
        b: SocketAddr,
        transport: Transport,
    ) -> Option<Nanos> {
        let class = MessageType(r.kind).split(r.dialect()).0;
        let s = &mut *self.session;
        // A list of host candidates alone looks the same in the RFC's dialect.
        let proves = r.dialect() == Dialect::MsIce2 && s.dialect == IceDialect::Rfc;
        if r.dialect() != Dialect::Rfc5389 && s.generation == CandidateSyntax::None
            || s.dialect == IceDialect::Unknown
            || proves
        {
            s.dialect = match (r.dialect(), s.dialect) {
                (Dialect::MsIce2, _) => IceDialect::MsIce2,
                (Dialect::MsIce, IceDialect::Unknown) => IceDialect::MsIce,
                (Dialect::Rfc5389, IceDialect::Unknown) => IceDialect::Rfc,
                (_, known) => known,
            };
        }
        s.first_check = Some(s.first_check.map_or(r.time, |t| t.min(r.time)));
        match class {
            Class::Request => {
                if r.has(stun_flag::CONTROLLING) || r.has(stun_flag::CONTROLLED) {
                    // After a conflict the later role counts.
                    let controlling = r.has(stun_flag::CONTROLLING);
                    self.claims[usize::from(!by_a)] =
                        Some(if controlling { IceRole::Controlling } else { IceRole::Controlled });
                }
                let component = self.component(r, a, b);
                let pair = self.pair(component, a, b, transport)?;
                let mut since = 0;
                let known = self.asked_in(r.transaction).find(|at| self.asked[*at].flow == r.flow);
                match known {
                    Some(at) => {
                        let known = &mut self.asked[at];
                        since = r.time.saturating_sub(std::mem::replace(&mut known.time, r.time));
                        known.in_vain += u32::from(known.success.is_some());
                    }
                    None => {
                        self.asked.push(Asked {
                            transaction: r.transaction,
                            pair,
                            flow: r.flow,
                            time: r.time,
                            by_a,
                            nominates: r.has(stun_flag::USE_CANDIDATE),
                            success: None,
                            in_vain: 0,
                        });
                        self.asked_places.note(&self.asked, Asked::transaction);
                    }
                }
                self.count(pair, r.flow, 1, 0);
                let p = &mut self.session.pairs[pair];
                p.first_request = Some(p.first_request.map_or(r.time, |t| t.min(r.time)));
                p.messages.push(i);
                if by_a {
                    p.from_a.0 += 1;
                } else {
                    p.from_b.0 += 1;
                }
                Some(since)
            }
            Class::Success | Class::Error => {
                let asked = || self.asked_in(r.transaction).map(|at| self.asked[at]);
                // The answer goes to whoever asked; behind a symmetric NAT it may come from elsewhere.
                let fits = |x: &Asked| {
                    let p = &self.session.pairs[x.pair];
                    (p.a, p.b) == (a, b) && x.by_a != by_a
                };
                let found = asked().find(fits).or_else(|| asked().next());
                let Some(found) = found else {
                    // Its request is not in the capture.
                    let pair = self.pair(self.component(r, a, b), a, b, transport)?;
                    self.count(pair, r.flow, 0, 1);
                    self.answer(i, r, class, pair, None, !by_a);
                    return None;
                };
                self.count(found.pair, r.flow, 0, 1);
                self.answer(i, r, class, found.pair, Some(found), found.by_a);
                None
            }
            Class::Indication => {
                if let Some(pair) = self.pair(self.component(r, a, b), a, b, transport) {
                    self.session.pairs[pair].messages.push(i);
                }
                None
            }
        }
    }

    fn answer(
        &mut self,
        i: StunIdx,
        r: &StunRecord,
        class: Class,
        pair: usize,
        asked: Option<Asked>,
        to_a: bool,
    ) {
        let s = &mut *self.session;
        let p = &mut s.pairs[pair];
        p.messages.push(i);
        if to_a {
            p.from_a.1 += 1;
        } else {
            p.from_b.1 += 1;
        }
        if class == Class::Error {
            s.role_conflicts += u32::from(r.error == 487);
            match p.errors.iter_mut().find(|(code, _)| *code == r.error) {
                Some((_, n)) => *n += 1,
                None => p.errors.push((r.error, 1)),
            }
            return;
        }
        p.first_success = Some(p.first_success.map_or(r.time, |t| t.min(r.time)));
        s.first_success = Some(s.first_success.map_or(r.time, |t| t.min(r.time)));
        let Some(asked) = asked else { return };
        self.asked_places.change(&mut self.asked, Asked::transaction, r.transaction, |x| {
            if x.pair == pair {
                x.success.get_or_insert(r.time);
            }
        });
        p.nominated |= asked.nominates;
        let took = r.time.saturating_sub(asked.time);
        if took >= 0 && !r.has(stun_flag::RETRANSMISSION) {
            let rtt = p.rtt.get_or_insert(RoundTrip { min: took, max: took, sum: 0, count: 0 });
            rtt.min = rtt.min.min(took);
            rtt.max = rtt.max.max(took);
            rtt.sum += took;
            rtt.count += 1;
        }
    }

    /// From the candidates, else from the low byte of PRIORITY (RFC 8445 §5.1.2.1).
    fn component(&self, r: &StunRecord, a: SocketAddr, b: SocketAddr) -> u16 {
        let of = |side: &IceSide, address| {
            let found = side.candidates.iter().find(|c| c.address == Some(address));
            found.map(|c| c.component).filter(|c| *c != 0)
        };
        let s = &*self.session;
        // A TCP candidate has one port for both components, so a UDP-like single answer of either side must do.
        of(&s.a, a).or_else(|| of(&s.b, b)).unwrap_or_else(|| {
            let low = if r.has(stun_flag::PRIORITY) { 256 - (r.priority & 0xFF) } else { 1 };
            if (1..=2).contains(&low) { low as u16 } else { 1 }
        })
    }

    fn pair(&mut self, component: u16, a: SocketAddr, b: SocketAddr, transport: Transport) -> Option<usize> {
        let key = (component, a, b, transport);
        let known = self.pair_places.of(&self.session.pairs, IcePair::key, key).next();
        if known.is_some() {
            return known;
        }
        if self.session.pairs.len() >= self.most {
            self.session.pairs_not_kept += 1;
            return None;
        }
        let mut pair = IcePair::new(component, a, b, transport);
        pair.find_candidates(self.session);
        let at = self.session.pairs.len();
        self.session.pairs.push(pair);
        self.seen.push(Vec::new());
        self.pair_places.note(&self.session.pairs, IcePair::key);
        Some(at)
    }

    fn count(&mut self, pair: usize, flow: FlowId, requests: u32, responses: u32) {
        let Some(seen) = self.seen.get_mut(pair) else { return };
        match seen.iter_mut().find(|(f, ..)| *f == flow) {
            Some((_, q, s)) => {
                *q += requests;
                *s += responses;
            }
            None => seen.push((flow, requests, responses)),
        }
    }

    /// Places of the requests of a transaction.
    fn asked_in(&self, transaction: u32) -> impl Iterator<Item = usize> {
        self.asked_places.of(&self.asked, Asked::transaction, transaction)
    }

    /// States and counts, once everything was taken.
    fn settle(&mut self) {
        self.session.role_a = match self.claims {
            // A conflict that nobody gave in to.
            [Some(a), Some(b)] if a == b => None,
            [Some(a), _] => Some(a),
            [None, Some(IceRole::Controlling)] => Some(IceRole::Controlled),
            [None, Some(IceRole::Controlled)] => Some(IceRole::Controlling),
            [None, None] => self.session.role_a,
        };
        self.take_back();
        let copied = self.copied();
        for at in 0..self.session.pairs.len() {
            let flows = self.seen.get(at).map_or(&[][..], Vec::as_slice);
            // Each direction has flows of its own; of the copies on several hops the fullest counts.
            let fullest = |of: fn(&(FlowId, u32, u32)) -> u32| flows.iter().map(of).max().unwrap_or(0);
            let (requests, responses) = if copied.contains(&at) {
                (fullest(|f| f.1), fullest(|f| f.2))
            } else {
                (flows.iter().map(|f| f.1).sum(), flows.iter().map(|f| f.2).sum())
            };
            let priority = self.session.pairs[at].priority_in(self.session);
            let p = &mut self.session.pairs[at];
            p.priority = priority;
            (p.requests, p.responses) = (requests, responses);
            // 487 repairs the roles; where nothing came after it, it was the end.
            let answered = !p.errors.is_empty() && p.responses >= p.requests;
            let real_errors = answered || p.errors.iter().any(|(code, _)| *code != 487);
            p.state = if p.first_success.is_some() {
                PairState::Succeeded
            } else if real_errors {
                PairState::Failed
            } else if p.requests > 0 {
                PairState::Unanswered
            } else {
                PairState::NotChecked
            };
        }
    }

    /// Successes that their askers never got: they went on asking.
    fn take_back(&mut self) {
        if !self.asked.iter().any(Asked::in_vain) {
            return;
        }
        let mut real: HashMap<usize, Nanos> = HashMap::new();
        for x in self.asked.iter().filter(|x| !x.in_vain()) {
            let Some(success) = x.success else { continue };
            let first = real.entry(x.pair).or_insert(success);
            *first = success.min(*first);
        }
        for lost in self.asked.iter().filter(|x| x.in_vain()) {
            if let Some(p) = self.session.pairs.get_mut(lost.pair) {
                p.first_success = real.get(&lost.pair).copied();
            }
        }
        self.session.first_success = self.session.pairs.iter().filter_map(|p| p.first_success).min();
    }

    /// The pairs whose messages were captured on more than one hop.
    fn copied(&self) -> HashSet<usize, foldhash::fast::RandomState> {
        let before = |(at, x): &(usize, &Asked)| {
            self.asked_in(x.transaction).take_while(|i| i < at).any(|i| self.asked[i].pair == x.pair)
        };
        self.asked.iter().enumerate().filter(before).map(|(_, x)| x.pair).collect()
    }
}

/// Whether a pair is between these ends, a reflexive candidate standing for its base on the side that is captured.
fn ends_match(session: &IceSession, p: &IcePair, a: SocketAddr, b: SocketAddr) -> bool {
    let is = |side: &IceSide, seen: SocketAddr, named: SocketAddr| {
        let reflexive = |c: &&IceCandidate| {
            c.address == Some(named) && matches!(c.kind, Some(CandidateKind::Srflx | CandidateKind::Prflx))
        };
        seen == named || side.candidates.iter().find(reflexive).is_some_and(|c| c.related == Some(seen))
    };
    is(&session.a, p.a, a) && is(&session.b, p.b, b)
}

/// Which pair of each component was chosen, and how that is known.
fn choose(session: &mut IceSession) {
    let mut components: Vec<u16> = session.pairs.iter().map(|p| p.component).collect();
    components.sort_unstable();
    components.dedup();
    for component in components {
        let of = |i: &usize| session.pairs.get(*i).is_some_and(|p| p.component == component);
        let all = || (0..session.pairs.len()).filter(of);
        // What was refused is not taken.
        let mut agreed = session.final_pairs.iter().filter(|_| session.final_refused.is_none());
        let named = agreed.find(|(c, ..)| *c == component).map(|(_, a, b)| (*a, *b));
        let pair = |i: usize| &session.pairs[i];
        // What the offer names counts where the checks do not say otherwise.
        let none_succeeded = all().all(|i| pair(i).first_success.is_none() && pair(i).media_packets == 0);
        let works = |i: &usize| {
            none_succeeded && pair(*i).requests == 0
                || pair(*i).first_success.is_some()
                || pair(*i).media_packets > 0
        };
        let by_offer =
            named.and_then(|(a, b)| all().find(|i| ends_match(session, pair(*i), a, b))).filter(works);
        let better = |i: &usize| {
            (pair(*i).media_packets > 0, pair(*i).priority, pair(*i).first_success.map(std::cmp::Reverse))
        };
        let nominated = all().filter(|i| pair(*i).nominated).max_by_key(better);
        let media = all().filter(|i| pair(*i).media_packets > 0).max_by_key(|i| pair(*i).media_packets);
        // An agent may nominate one pair and send on another: what carried the media was chosen.
        let elsewhere =
            |i: &usize| pair(*i).media_packets == 0 && media.is_some_and(|m| pair(m).first_success.is_some());
        let chosen = by_offer
            .map(|i| (i, ChosenBy::FinalOffer))
            .or(nominated.filter(|i| !elsewhere(i)).map(|i| (i, ChosenBy::Nomination)))
            .or(media.map(|i| (i, ChosenBy::Media)))
            .or(nominated.map(|i| (i, ChosenBy::Nomination)));
        if let Some((i, by)) = chosen {
            session.pairs[i].selected = Some(by);
        }
    }
}

fn state_of(session: &IceSession, trying: bool) -> IceState {
    let checked = session.pairs.iter().filter(|p| p.state != PairState::NotChecked);
    let first = checked.clone().map(|p| p.component).min();
    let Some(first) = first else {
        let carried = session.pairs.iter().any(|p| p.media_packets > 0);
        return if carried { IceState::Connected } else { IceState::NotStarted };
    };
    let done = |p: &IcePair| p.component == first && p.selected.is_some();
    if session.pairs.iter().any(|p| done(p) && (p.state == PairState::Succeeded || p.media_packets > 0)) {
        return IceState::Connected;
    }
    if checked.clone().any(|p| p.state == PairState::Succeeded) {
        // The offer that should have settled on one was refused.
        return if session.final_refused.is_some() { IceState::Failed } else { IceState::Incomplete };
    }
    if trying { IceState::Incomplete } else { IceState::Failed }
}

/// How many there may be, as far as memory is set aside for them.
fn likely_pairs(session: &IceSession, most: usize) -> usize {
    most.min(session.a.candidates.len() * session.b.candidates.len()).min(FEW)
}

/// Pairs of candidates that could have been checked and were not (RFC 8445 §6.1.2.2): same component, family and
/// transport. A reflexive candidate of the checking side is checked from its base, so pairs of two reflexive ones count
/// where their bases were.
fn add_unchecked(session: &mut IceSession, most: usize) {
    let mut checked: Vec<(SocketAddr, SocketAddr)> = session.pairs.iter().map(|p| (p.a, p.b)).collect();
    checked.sort_unstable();
    let was_checked = |x: SocketAddr, y: SocketAddr| checked.binary_search(&(x, y)).is_ok();
    let mut pairs = std::mem::take(&mut session.pairs);
    pairs.reserve(likely_pairs(session, most).saturating_sub(pairs.len()));
    for (i, a) in session.a.candidates.iter().enumerate() {
        let kind = TransportKind::of(&a.transport, a.tcp_type.as_deref());
        for (j, b) in session.b.candidates.iter().enumerate() {
            let (Some(x), Some(y)) = (a.address, b.address) else { continue };
            let alike = a.component == b.component && x.is_ipv4() == y.is_ipv4();
            if !alike
                || !kind.fits(&TransportKind::of(&b.transport, b.tcp_type.as_deref()))
                || was_checked(x, y)
            {
                continue;
            }
            let base = |c: &IceCandidate, address| match c.kind {
                Some(CandidateKind::Srflx | CandidateKind::Prflx) => c.related.unwrap_or(address),
                _ => address,
            };
            let bases = (base(a, x), base(b, y));
            if bases.0 != x && was_checked(bases.0, y) || bases.1 != y && was_checked(x, bases.1) {
                continue;
            }
            if pairs.len() >= most {
                session.pairs_not_kept += 1;
                continue;
            }
            let transport = if a.is_tcp() { Transport::Tcp } else { Transport::Udp };
            let mut pair = IcePair::new(a.component, x, y, transport);
            (pair.a_candidate, pair.b_candidate) = (Some(i), Some(j));
            pair.priority = pair.priority_in(session);
            pairs.push(pair);
        }
    }
    session.pairs = pairs;
}

/// What a candidate can be paired with: UDP with UDP; over TCP active with passive, simultaneous open with its like;
/// TCP of draft-06 with itself.
enum TransportKind<'a> {
    Udp,
    TcpActive,
    TcpPassive,
    /// Transport and tcptype.
    Alike(&'a str, &'a str),
}

impl<'a> TransportKind<'a> {
    fn of(transport: &'a str, tcp_type: Option<&'a str>) -> Self {
        let words = [transport, tcp_type.unwrap_or_default()];
        let are = |known: [&str; 2]| known.iter().zip(words).all(|(k, w)| w.eq_ignore_ascii_case(k));
        if tcp_type.is_none() && transport.eq_ignore_ascii_case("udp") {
            Self::Udp
        } else if are(["tcp-act", ""]) || are(["tcp", "active"]) {
            Self::TcpActive
        } else if are(["tcp-pass", ""]) || are(["tcp", "passive"]) {
            Self::TcpPassive
        } else {
            Self::Alike(transport, words[1])
        }
    }

    fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Udp, Self::Udp) => true,
            (Self::TcpActive, Self::TcpPassive) | (Self::TcpPassive, Self::TcpActive) => true,
            (Self::Alike(a, x), Self::Alike(b, y)) => a.eq_ignore_ascii_case(b) && x.eq_ignore_ascii_case(y),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many there are.
    #[test]
    fn members_are_found_by_their_key() {
        let key = |x: &(usize, u32)| x.0;
        let (mut places, mut list) = (Places::default(), Vec::new());
        for at in 0..3 * FEW {
            list.push((at % 5, 0));
            places.note(&list, key);
            for of in 0..5 {
                let wanted: Vec<usize> = (0..=at).filter(|i| i % 5 == of).collect();
                assert_eq!(places.of(&list, key, of).collect::<Vec<_>>(), wanted, "{at}");
            }
            places.change(&mut list, key, at % 5, |x| x.1 += 1);
            assert_eq!(places.of(&list, key, 9).count(), 0);
        }
        let changed: Vec<u32> = list.iter().map(|x| x.1).collect();
        let later = |at: usize| (at..3 * FEW).filter(|i| i % 5 == at % 5).count() as u32;
        assert_eq!(changed, (0..3 * FEW).map(later).collect::<Vec<_>>());
    }

    #[test]
    fn transports_that_go_together() {
        let of = |a: (&'static str, &'static str), b: (&'static str, &'static str)| {
            let [a, b] =
                [a, b].map(|(t, tcp_type)| TransportKind::of(t, Some(tcp_type).filter(|t| !t.is_empty())));
            assert_eq!(a.fits(&b), b.fits(&a));
            a.fits(&b)
        };
        assert!(of(("UDP", ""), ("udp", "")) && !of(("UDP", ""), ("TCP", "")));
        assert!(of(("TCP-ACT", ""), ("tcp-pass", "")) && of(("tcp-act", ""), ("TCP", "passive")));
        assert!(of(("TCP", "so"), ("tcp", "SO")) && of(("TCP", ""), ("TCP", "")));
        assert!(!of(("TCP", "active"), ("TCP", "ACTIVE")) && !of(("TCP", "so"), ("TCP", "passive")));
    }
}
