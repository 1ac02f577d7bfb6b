//! The ICE pair that carries a stream; and by the checks on its flow, the call of one whose ends no SDP names.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::belong::Place;
use super::{MediaStream, Subject};
use crate::correlate::Analysis;
use crate::correlate::ice::IceSession;
use crate::correlate::model::*;
use crate::correlate::parts::in_parts;
use crate::correlate::stun::{GroupIdx, StunOwner};

/// Sessions without SDP that are worked out for their pairs.
const MOST_LOOSE: usize = 1_024;

/// Both ends of a stream as ICE knows them, the sender's first.
type Path = (SocketAddr, SocketAddr);
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Where a pair is that carries a stream, which section it is of, and who sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnPair {
    session: usize,
    pair: usize,
    pub section: usize,
    pub from_caller: Option<bool>,
}

/// The ICE session of a stream's call whose pair carries it.
#[derive(Debug, Clone)]
pub struct StreamPair {
    /// Its place among the call's.
    pub number: usize,
    pub session: IceSession,
    /// Index in its pairs.
    pub pair: usize,
}

impl Analysis {
    /// The pair that carries a stream of a call with ICE.
    pub fn ice_pair_of(&self, s: &MediaStream) -> Option<StreamPair> {
        let call = s.call.filter(|c| !self.stun.records.is_empty() && self.has_ice(*c))?;
        let path = self.path_of(&*self.figures_of(s)?)?;
        let mut sessions = self.ice_sessions_of(call);
        let on = self.pair_under(path, &sessions, call)?;
        Some(StreamPair { number: on.session, session: sessions.swap_remove(on.session), pair: on.pair })
    }

    /// Finds the pairs of streams in calls with ICE, where SDP does not say all: no description names where they go to.
    /// Streams without call get one where checks on their own path name it.
    pub(super) fn pairs_of(&self, subjects: &mut [Subject<'_>]) {
        if self.stun.records.is_empty() {
            return;
        }
        let path_of = |s: &Subject<'_>| self.path_of(s.stream);
        let by_path = self.groups_by_path(subjects, &path_of);
        let mut by_call: Map<CallIdx, Vec<usize>> = Map::default();
        let named = |s: &Subject<'_>| s.place.as_ref().is_some_and(|p| p.to.is_some());
        for (i, s) in subjects.iter().enumerate().filter(|(_, s)| !named(s)) {
            let call = match &s.place {
                Some(place) => Some(place.call),
                None => path_of(s).and_then(|p| self.call_of_checks(*by_path.get(&p)?)),
            };
            if let Some(call) = call.filter(|c| self.has_ice(*c)) {
                by_call.entry(call).or_default().push(i);
            }
        }
        let work: Vec<(CallIdx, Vec<usize>)> = by_call.into_iter().collect();
        let seen: &[Subject<'_>] = subjects;
        let of_calls = |part: &[(CallIdx, Vec<usize>)]| {
            let mut found = Vec::new();
            for (call, members) in part {
                let sessions = self.ice_sessions_of(*call);
                let under = |i: &usize| {
                    Some((*i, *call, self.pair_under(path_of(seen.get(*i)?)?, &sessions, *call)?))
                };
                found.extend(members.iter().filter_map(under));
            }
            found
        };
        for (i, call, found) in in_parts(&work, of_calls) {
            let Some(s) = subjects.get_mut(i) else { continue };
            if s.place.is_none() {
                let Some(from_caller) = found.from_caller else { continue };
                let (to, from, others) = (None, None, Vec::new());
                s.place = Some(Box::new(Place { call, to, from, from_caller, inferred: false, others }));
            }
            s.on_pair = Some(Box::new(found));
        }
        self.loose_pairs(subjects, &by_path, &path_of);
    }

    /// Pairs in sessions of which only checks were seen.
    fn loose_pairs(
        &self,
        subjects: &mut [Subject<'_>],
        by_path: &Map<Path, GroupIdx>,
        path_of: &dyn Fn(&Subject<'_>) -> Option<Path>,
    ) {
        let mut sessions: Map<GroupIdx, IceSession> = Map::default();
        for s in subjects.iter_mut().filter(|s| s.place.is_none()) {
            let Some((path, group)) = path_of(s).and_then(|p| Some((p, *by_path.get(&p)?))) else {
                continue;
            };
            if self.call_of_checks(group).is_some() || sessions.len() >= MOST_LOOSE {
                continue;
            }
            let session = sessions.entry(group).or_insert_with(|| self.loose_ice_session(group));
            let ends = [path, (path.1, path.0)];
            let pair = session.pairs.iter().position(|p| ends.contains(&(p.a, p.b)));
            s.loose_pair = pair.map(|pair| (group, pair as u32));
        }
    }

    fn pair_under(&self, (from, to): Path, sessions: &[IceSession], call: CallIdx) -> Option<OnPair> {
        let mut best = None;
        for (at, session) in sessions.iter().enumerate() {
            let ends = |a, b| {
                let on = session.pairs.iter().enumerate().filter(|(_, p)| (p.a, p.b) == (a, b));
                on.max_by_key(|(_, p)| (p.component == 1, p.selected.is_some(), p.media_packets))
                    .map(|(i, _)| i)
            };
            let (pair, from_a) = match (ends(from, to), ends(to, from)) {
                (Some(pair), _) => (pair, true),
                (None, Some(pair)) => (pair, false),
                (None, None) => continue,
            };
            let side = session.a.message.map(|m| self.is_of_caller(call, m));
            let from_caller = side.map(|a_is_caller| a_is_caller == from_a);
            best = best.or(Some(OnPair { session: at, pair, section: session.section, from_caller }));
        }
        best
    }

    /// Whether a message's sender is the caller.
    pub(super) fn is_of_caller(&self, call: CallIdx, m: MsgIdx) -> bool {
        let caller_tag = self.call_work.get(call.0 as usize).map_or(0, |w| w.caller_tag);
        let r = self.message(m);
        (r.from_tag == caller_tag) == r.is_request()
    }

    /// Groups of checks by the paths, in both directions, of streams that no SDP speaks of.
    fn groups_by_path(
        &self,
        subjects: &[Subject<'_>],
        path_of: &dyn Fn(&Subject<'_>) -> Option<Path>,
    ) -> Map<Path, GroupIdx> {
        let mut out: Map<Path, Option<GroupIdx>> = Map::default();
        for (a, b) in subjects.iter().filter(|s| s.place.is_none()).filter_map(path_of) {
            out.insert((a, b), None);
            out.insert((b, a), None);
        }
        if !out.is_empty() {
            let mut seen: Map<FlowId, bool> = Map::default();
            for r in &self.stun.records {
                let StunOwner::Check(group) = r.owner() else { continue };
                let flow = self.flow(r.path);
                let known = *seen.entry(r.path).or_insert_with(|| out.contains_key(&(flow.src, flow.dst)));
                if known {
                    out.insert((flow.src, flow.dst), Some(group));
                    out.insert((flow.dst, flow.src), Some(group));
                }
            }
        }
        out.into_iter().filter_map(|(path, group)| Some((path, group?))).collect()
    }
}
