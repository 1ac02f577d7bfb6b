//! To which call a stream belongs: who announced where it goes to, or where it comes from, and was in a call then.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::rc::Rc;

use super::describe::{Description, Plan, Terms};
use super::relay::{Ends, Name, Nearness};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::correlate::parts::in_parts;

const SECOND: Nanos = 1_000_000_000;
/// Media may be captured so long before the description that calls for it: several capture points, files out of order.
const BEFORE: Nanos = 2 * SECOND;
/// After the BYE, or after another address was named, one is still its owner's for so long: 64·T1.
const LINGER: Nanos = 32 * SECOND;
/// Calls looked at that named one address.
const MOST_CALLS: usize = 256;
/// Calls whose descriptions are kept at hand; those of more are read twice.
const MOST_KEPT: usize = 8_192;

type Set<K> = HashSet<K, foldhash::fast::RandomState>;
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// An address, as one party of a call named it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    pub call: CallIdx,
    pub by_caller: bool,
    /// The first description with it.
    pub description: u32,
    /// Bit `i`: section `i` names it.
    pub sections: u64,
    pub from: Nanos,
    pub until: Nanos,
    /// For RTP, and not for RTCP alone.
    pub rtp: bool,
}

/// The addresses named by one call or another that streams go to or come from.
#[derive(Default)]
pub(super) struct Names {
    /// In order of `from`, each with the greatest `until` up to it.
    by_address: Map<SocketAddr, Vec<(Named, Nanos)>>,
    /// Of the first calls; of others the one asked for last.
    plans: Map<CallIdx, Rc<Plan>>,
    last: RefCell<Option<(CallIdx, Rc<Plan>)>>,
}

/// A stream as it is placed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought<'e> {
    pub ends: &'e Ends,
    pub first: Nanos,
    pub last: Nanos,
    pub ssrc: u32,
    pub payload_type: u8,
    pub fax: bool,
}

/// Where a stream belongs.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub call: CallIdx,
    /// Who named where it goes to, and where it comes from.
    pub to: Option<Named>,
    pub from: Option<Named>,
    pub from_caller: bool,
    /// Several calls would do.
    pub inferred: bool,
    pub others: Vec<CallIdx>,
}

/// Both ends, or which of them, speak for a call; then how near to the wire they were named.
type Rank = (u8, Nearness);

struct Hit {
    call: CallIdx,
    to: Option<(Named, Nearness)>,
    from: Option<(Named, Nearness)>,
}

impl Hit {
    fn rank(&self) -> Rank {
        match (&self.to, &self.from) {
            (Some((to, near)), Some((from, other))) if to.by_caller != from.by_caller => {
                (3, *near.max(other))
            }
            (Some((_, near)), _) => (2, *near),
            (None, Some((_, near))) => (1, *near),
            (None, None) => (0, Nearness::Twin),
        }
    }

    /// For how long the call had the address while the stream ran.
    fn overlap(&self, s: &Sought<'_>) -> Nanos {
        let Some((named, _)) = self.to.or(self.from) else { return 0 };
        s.last.min(named.until).saturating_sub(s.first.max(named.from))
    }
}

impl Names {
    /// What streams between `wanted` addresses, running at `times` (in order, none overlapping), can belong to.
    pub fn gather(analysis: &Analysis, wanted: &Set<SocketAddr>, times: &[(Nanos, Nanos)]) -> Self {
        let mut work = Vec::new();
        for (call, shown) in (0u32..).map(CallIdx).zip(&analysis.calls) {
            let s = &shown.summary;
            let from = if s.starts_mid_call { Nanos::MIN } else { s.earliest().saturating_sub(BEFORE) };
            let until = s.end.map_or(Nanos::MAX, |end| end.max(s.last).saturating_add(LINGER));
            let next = times.partition_point(|(_, last)| *last < from);
            if times.get(next).is_none_or(|(first, _)| *first > until) {
                continue;
            }
            work.push((work.len() < MOST_KEPT, call));
        }
        let read = |part: &[(bool, CallIdx)]| {
            let mut out = Vec::new();
            for &(keep, call) in part {
                let plan = analysis.media_plan(call);
                let found = wanted_of(analysis, call, &plan, wanted);
                if !found.is_empty() {
                    out.push((call, keep.then_some(plan), found));
                }
            }
            out
        };
        let mut out = Self::default();
        for (call, plan, found) in in_parts(&work, read) {
            if let Some(plan) = plan {
                out.plans.insert(call, Rc::new(plan));
            }
            for (address, named) in found {
                out.by_address.entry(address).or_default().push((named, 0));
            }
        }
        for list in out.by_address.values_mut() {
            list.sort_by_key(|(n, _)| (n.from, n.call, n.by_caller));
            let mut latest = Nanos::MIN;
            for (named, until) in list {
                latest = latest.max(named.until);
                *until = latest;
            }
        }
        out
    }

    /// What a call's descriptions say, read again where it is not at hand.
    pub fn plan(&self, analysis: &Analysis, call: CallIdx) -> Rc<Plan> {
        if let Some(plan) = self.plans.get(&call) {
            return plan.clone();
        }
        let mut last = self.last.borrow_mut();
        match &*last {
            Some((of, plan)) if *of == call => plan.clone(),
            _ => {
                let plan = Rc::new(analysis.media_plan(call));
                *last = Some((call, plan.clone()));
                plan
            }
        }
    }

    /// Whether anybody named an address.
    pub fn has(&self, address: SocketAddr) -> bool {
        self.by_address.contains_key(&address)
    }

    /// Who named an address while a stream ran.
    fn of(&self, address: SocketAddr, s: &Sought<'_>) -> impl Iterator<Item = Named> + '_ {
        let list = self.by_address.get(&address).map_or(&[][..], Vec::as_slice);
        let (first, last) = (s.first, s.last);
        let end = list.partition_point(|(n, _)| n.from.saturating_sub(BEFORE) <= last);
        let before = list.get(..end).unwrap_or_default().iter().rev();
        before
            .take_while(move |(_, latest)| latest.saturating_add(LINGER) >= first)
            .take(MOST_CALLS)
            .map(|(n, _)| *n)
            .filter(move |n| n.until.saturating_add(LINGER) >= first)
    }

    /// The call of a stream.
    pub fn place(&self, analysis: &Analysis, s: &Sought<'_>) -> Option<Place> {
        let mut hits: Vec<Hit> = Vec::new();
        let mut by_call: Map<CallIdx, usize> = Map::default();
        let mut take = |names: &[Name], is_to: bool| {
            for (address, nearness) in names {
                for named in self.of(*address, s) {
                    let at = *by_call.entry(named.call).or_insert_with(|| {
                        hits.push(Hit { call: named.call, to: None, from: None });
                        hits.len() - 1
                    });
                    let Some(hit) = hits.get_mut(at) else { continue };
                    let place = if is_to { &mut hit.to } else { &mut hit.from };
                    let key = |n: &Named, near: Nearness| {
                        let both = s.last.min(n.until).saturating_sub(s.first.max(n.from));
                        (near, n.rtp, both > 0, std::cmp::Reverse(n.from))
                    };
                    if place.is_none_or(|(old, near)| key(&old, near) < key(&named, *nearness)) {
                        *place = Some((named, *nearness));
                    }
                }
            }
        };
        take(&s.ends.to, true);
        take(&s.ends.from, false);
        let best = hits.iter().map(Hit::rank).max()?;
        hits.retain(|h| h.rank() == best);
        // An address that was taken over counts for who has it now.
        if hits.iter().any(|h| h.overlap(s) > 0) {
            hits.retain(|h| h.overlap(s) > 0);
        }
        hits.sort_by_key(|h| (std::cmp::Reverse(h.overlap(s)), h.call));
        if hits.len() > 1 {
            self.discern(analysis, &mut hits, s);
        }
        let chosen = hits.first()?;
        let others: Vec<CallIdx> = hits.iter().skip(1).map(|h| h.call).collect();
        let rivals = || hits.iter().skip(1).filter(|h| h.overlap(s) * 2 > chosen.overlap(s));
        let mut inferred = false;
        let mut call = chosen;
        if rivals().next().is_some() {
            inferred = true;
            let at_once = |h: &&Hit| {
                let span = |h: &Hit| h.to.or(h.from).map_or((0, 0), |(n, _)| (n.from, n.until));
                let (a, b) = (span(chosen), span(h));
                a.0.max(b.0) < a.1.min(b.1)
            };
            if rivals().any(|h| at_once(&h)) {
                // Two legs of one call announce the same media: it is told with the first of them.
                let linked = |h: &Hit| {
                    h.call == chosen.call
                        || analysis.links_of(h.call).any(|l| l.from == chosen.call || l.to == chosen.call)
                };
                if !rivals().all(linked) {
                    return None;
                }
                let first = rivals().chain([chosen]).min_by_key(|h| h.call);
                call = first.unwrap_or(chosen);
            }
        }
        let others = others.into_iter().chain([chosen.call]).filter(|c| *c != call.call).collect();
        let to = call.to.map(|(n, _)| n);
        let from = call.from.map(|(n, _)| n);
        let from_caller = to.map(|n| !n.by_caller).or(from.map(|n| n.by_caller))?;
        Some(Place { call: call.call, to, from, from_caller, inferred, others })
    }

    /// Whether the receiver asked for RTP of this type where it goes to.
    pub fn expects(&self, analysis: &Analysis, place: &Place, s: &Sought<'_>) -> bool {
        let Some(to) = place.to else { return false };
        let plan = self.plan(analysis, place.call);
        let named_here = |i: &usize| *i < 64 && to.sections >> *i & 1 == 1;
        let of = plan.descriptions.iter().filter(|d| d.by_caller == to.by_caller);
        of.flat_map(|d| d.sections.iter().enumerate())
            .any(|(i, t)| named_here(&i) && t.rtp && !t.declined && t.has_type(s.payload_type))
    }

    /// Leaves those whose descriptions know the stream's source, or else its payload type, where some do.
    fn discern(&self, analysis: &Analysis, hits: &mut Vec<Hit>, s: &Sought<'_>) {
        let keep = |hits: &mut Vec<Hit>, of: &dyn Fn(&Terms) -> bool| {
            let fits = |h: &Hit| {
                let plan = self.plan(analysis, h.call);
                plan.descriptions.iter().flat_map(|d| d.sections.iter()).any(of)
            };
            let fit: Vec<bool> = hits.iter().map(fits).collect();
            if fit.contains(&true) {
                let mut fit = fit.into_iter();
                hits.retain(|_| fit.next() == Some(true));
            }
        };
        if s.fax {
            return keep(hits, &|t| t.fax);
        }
        keep(hits, &|t| t.has_source(s.ssrc));
        keep(hits, &|t| t.has_type(s.payload_type));
    }
}

/// The addresses that a call names, of those that are wanted.
fn wanted_of(
    analysis: &Analysis,
    call: CallIdx,
    plan: &Plan,
    wanted: &Set<SocketAddr>,
) -> Vec<(SocketAddr, Named)> {
    let mut found: Vec<(SocketAddr, Named)> = Vec::new();
    let end = plan.end.unwrap_or(Nanos::MAX);
    for (at, d) in plan.descriptions.iter().enumerate() {
        let first_of_all =
            plan.mid_call && !plan.descriptions.iter().take(at).any(|e| e.by_caller == d.by_caller);
        let from = if first_of_all { Nanos::MIN } else { d.time };
        let until = d.until.min(end.max(d.time));
        for (section, terms) in d.sections.iter().enumerate().take(64) {
            for e in terms.ends.iter().filter(|e| wanted.contains(&e.address)) {
                add(
                    &mut found,
                    e.address,
                    Named {
                        call,
                        by_caller: d.by_caller,
                        description: at as u32,
                        sections: 1 << section,
                        from,
                        until,
                        rtp: e.component == 1,
                    },
                );
            }
        }
    }
    if analysis.has_ice(call) && !plan.descriptions.is_empty() {
        for (by_caller, time, address) in analysis.trickled_ends(call) {
            let of = |d: &Description| d.by_caller == by_caller;
            if wanted.contains(&address)
                && let Some(at) = plan.descriptions.iter().position(of)
            {
                let description = at as u32;
                add(
                    &mut found,
                    address,
                    Named {
                        call,
                        by_caller,
                        description,
                        sections: u64::MAX,
                        from: time,
                        until: end,
                        rtp: true,
                    },
                );
            }
        }
    }
    found
}

/// Joins what a party names again to what it named before.
fn add(found: &mut Vec<(SocketAddr, Named)>, address: SocketAddr, new: Named) {
    let same = |(a, n): &&mut (SocketAddr, Named)| *a == address && n.by_caller == new.by_caller;
    match found.iter_mut().find(same) {
        Some((_, known)) => {
            known.sections |= new.sections;
            known.from = known.from.min(new.from);
            known.until = known.until.max(new.until);
            known.rtp |= new.rtp;
        }
        None => found.push((address, new)),
    }
}
