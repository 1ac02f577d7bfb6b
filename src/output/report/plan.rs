//! What a report is about, which of it is told in full, and where in the page each thing stands.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::Scope;
use crate::capture::FrameRef;
use crate::correlate::ice::IceIndex;
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Analysis, CallIdx, DialogIdx, DialogState, MsgIdx, Owner};
use crate::diagnose::{Diagnosis, Severity, Subject};
use crate::output::summary::rank;
use crate::view::allocation;
use crate::view::filter::Filter;
use crate::view::ice::{self, SessionRef};
use crate::view::ladder::call_traffic;
use crate::view::lists::{ListKind, Lists, quality};
use crate::view::rows::Stop;

/// Which rows a report has, each in the order of the tables, and which of them it tells in full.
pub(super) struct Plan {
    pub findings: Vec<usize>,
    pub calls: Vec<CallIdx>,
    pub full_calls: Vec<CallIdx>,
    pub dialogs: Vec<DialogIdx>,
    pub full_dialogs: Vec<DialogIdx>,
    /// Of all ICE sessions.
    pub index: IceIndex,
    /// In order of their numbers.
    pub sessions: Vec<SessionRef>,
    pub allocations: Vec<AllocationIdx>,
    pub full_allocations: Vec<AllocationIdx>,
    rows: HashMap<ListKind, Vec<u32>>,
    full_rows: HashMap<ListKind, Vec<u32>>,
    /// Streams that stand under their call.
    streams: HashSet<u32>,
    /// The messages that stand under their call or dialog.
    written: HashSet<MsgIdx>,
    /// Findings by the frames that prove them.
    proofs: HashMap<FrameRef, Vec<usize>>,
    /// Rows of a table.
    most: usize,
}

/// All lists but that of findings, which a report tells otherwise.
pub(super) const LISTS: [ListKind; 6] = [
    ListKind::Media,
    ListKind::SignIns,
    ListKind::Subscriptions,
    ListKind::Conferences,
    ListKind::Messages,
    ListKind::Lookups,
];

/// What a row of a list is to the findings.
fn subject_of(kind: ListKind, row: u32) -> Option<Subject> {
    match kind {
        ListKind::SignIns => Some(Subject::SignIn(row)),
        ListKind::Subscriptions => Some(Subject::Subscription(row)),
        ListKind::Conferences => Some(Subject::Conference(row)),
        ListKind::Lookups => Some(Subject::Lookup(row)),
        ListKind::Media => Some(Subject::Stream(row.saturating_add(1))),
        ListKind::Messages | ListKind::Findings => None,
    }
}

/// The first `most` of what is there by a key, then in its own order.
fn worst<T: Copy + Ord, K: Ord>(all: &[T], most: usize, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut keyed: Vec<(K, T)> = all.iter().map(|t| (key(t), *t)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut out: Vec<T> = keyed.into_iter().take(most).map(|(_, t)| t).collect();
    out.sort();
    out
}

/// What a report has before it is known what of it is told in full.
struct Chosen {
    calls: Vec<CallIdx>,
    dialogs: Vec<DialogIdx>,
    sessions: Vec<SessionRef>,
    allocations: Vec<AllocationIdx>,
    rows: HashMap<ListKind, Vec<u32>>,
    findings: Vec<usize>,
}

impl Chosen {
    /// Everything, or what matches.
    fn matching(analysis: &Analysis, lists: &Lists<'_>, index: &IceIndex, filter: Option<&Filter>) -> Self {
        let calls = (0..analysis.calls.len() as u32).map(CallIdx);
        let dialogs = analysis.dialogs_shown().map(|(d, _)| d);
        let mut findings: Vec<usize> =
            ListKind::Findings.matching(analysis, lists, filter).into_iter().map(|r| r as usize).collect();
        findings.extend(of_captures(lists.diagnosis()));
        Self {
            calls: calls.filter(|c| filter.is_none_or(|f| f.matches_call(analysis, *c))).collect(),
            dialogs: dialogs.filter(|d| filter.is_none_or(|f| f.matches_dialog(analysis, *d))).collect(),
            sessions: ice::session_refs(analysis, index, filter, &Stop::default()),
            allocations: allocation::matching(analysis, filter),
            rows: LISTS.map(|kind| (kind, kind.matching(analysis, lists, filter))).into_iter().collect(),
            findings,
        }
    }

    /// Some calls, dialogs and rows with all that touches them.
    fn of(
        analysis: &Analysis,
        lists: &Lists<'_>,
        index: &IceIndex,
        owners: &[Owner],
        rows: &[(ListKind, u32)],
    ) -> Self {
        let mut owners: HashSet<Owner> = owners.iter().copied().collect();
        for (kind, row) in rows {
            owners.extend(kind.owners(analysis, lists, *row));
        }
        let diagnosis = lists.diagnosis();
        let mut findings: Vec<usize> = owners.iter().flat_map(|o| diagnosis.of(Subject::from(*o))).collect();
        let mut subjects = Vec::new();
        let touched = |kind: ListKind, row: &u32| {
            let own = rows.contains(&(kind, *row));
            own || kind.owners(analysis, lists, *row).iter().any(|o| owners.contains(o))
        };
        let of_kind = |kind: ListKind| {
            let all = 0..u32::try_from(kind.len(lists)).unwrap_or(u32::MAX);
            (kind, all.filter(|row| touched(kind, row)).collect::<Vec<u32>>())
        };
        let kept: HashMap<ListKind, Vec<u32>> = LISTS.map(of_kind).into_iter().collect();
        for (kind, list) in &kept {
            subjects.extend(list.iter().filter_map(|row| subject_of(*kind, *row)));
        }
        let mut calls: Vec<CallIdx> = Vec::new();
        let mut dialogs: Vec<DialogIdx> = Vec::new();
        for owner in owners {
            match owner {
                Owner::Call(c) => calls.push(c),
                Owner::Dialog(d) => dialogs.push(d),
            }
        }
        calls.sort_unstable();
        dialogs.sort_unstable();
        let sessions: Vec<SessionRef> = calls.iter().flat_map(|c| ice::session_refs_of(index, *c)).collect();
        let allocations: BTreeSet<AllocationIdx> =
            calls.iter().flat_map(|c| call_traffic(analysis, *c).allocations).collect();
        subjects.extend(sessions.iter().map(|s| Subject::IceSession(s.id)));
        subjects.extend(allocations.iter().map(|a| Subject::Allocation(*a)));
        findings.extend(subjects.iter().flat_map(|s| diagnosis.of(*s)));
        findings.extend(rows.iter().filter(|(k, _)| *k == ListKind::Findings).map(|(_, r)| *r as usize));
        findings.extend(of_captures(diagnosis));
        Self {
            calls,
            dialogs,
            sessions,
            allocations: allocations.into_iter().collect(),
            rows: kept,
            findings,
        }
    }
}

/// The first streams of each of these calls, which stand there.
fn streams_of(lists: &Lists<'_>, calls: &[CallIdx], most: usize) -> HashSet<u32> {
    let mut counts: HashMap<CallIdx, usize> = HashMap::new();
    let of_call = (0u32..).zip(lists.media().streams.iter()).filter_map(|(row, s)| Some((row, s.call?)));
    of_call
        .filter(|(_, call)| calls.binary_search(call).is_ok())
        .filter(|(_, call)| {
            let n = counts.entry(*call).or_default();
            *n += 1;
            *n <= most
        })
        .map(|(row, _)| row)
        .collect()
}

/// What is wrong with the captures concerns whatever is in them.
fn of_captures(diagnosis: &Diagnosis) -> impl Iterator<Item = usize> + '_ {
    let all = diagnosis.findings.iter().enumerate();
    all.filter(|(_, f)| matches!(f.subject(), Subject::Capture(_))).map(|(i, _)| i)
}

impl Plan {
    pub fn new(analysis: &Analysis, lists: &Lists<'_>, scope: &Scope<'_>) -> Self {
        let index = analysis.ice_index();
        let chosen = match scope {
            Scope::All => Chosen::matching(analysis, lists, &index, None),
            Scope::Filter(filter) => Chosen::matching(analysis, lists, &index, Some(filter)),
            Scope::Chosen { owners, rows } => Chosen::of(analysis, lists, &index, owners, rows),
        };
        let Chosen { calls, dialogs, sessions, allocations, rows, mut findings } = chosen;
        let diagnosis = lists.diagnosis();
        findings.sort_unstable();
        findings.dedup();
        let limits = &analysis.limits;
        let most = limits.report_calls;
        let bad = |subject: Subject| Reverse(diagnosis.worst_of(subject));
        let state = |d: &DialogIdx| match analysis.dialog(*d).summary.state {
            DialogState::Failed => 0,
            DialogState::Unanswered => 1,
            DialogState::Completed | DialogState::Active => 2,
        };
        let full_calls =
            worst(&calls, most, |c| (bad(Subject::Call(*c)), rank(analysis.call(*c).summary.state)));
        let full_dialogs = worst(&dialogs, most, |d| (bad(Subject::Dialog(*d)), state(d)));
        let full_allocations = worst(&allocations, most, |i| {
            let fine = analysis.stun.allocations.get(i.0 as usize);
            (bad(Subject::Allocation(*i)), fine.is_some_and(|a| !allocation::failed(analysis, a)))
        });
        let streams = streams_of(lists, &full_calls, most);
        let mut full_rows = HashMap::new();
        for (kind, list) in &rows {
            let full = match kind {
                ListKind::Media => {
                    let others: Vec<u32> = list.iter().copied().filter(|r| !streams.contains(r)).collect();
                    let how = |row: &u32| quality(analysis, lists, *row).map(|q| q.severity());
                    worst(&others, most, |row| (bad(Subject::Stream(row + 1)), how(row)))
                }
                _ => worst(list, most, |row| subject_of(*kind, *row).map(bad)),
            };
            full_rows.insert(*kind, full);
        }
        let mut plan = Self {
            index,
            findings,
            calls,
            full_calls,
            dialogs,
            full_dialogs,
            sessions,
            allocations,
            full_allocations,
            rows,
            full_rows,
            streams,
            written: HashSet::new(),
            proofs: HashMap::new(),
            most: limits.report_rows,
        };
        plan.choose_messages(analysis, diagnosis, limits.report_messages);
        plan
    }

    /// The first messages of all that is told in full, and those that prove something.
    fn choose_messages(&mut self, analysis: &Analysis, diagnosis: &Diagnosis, most: usize) {
        for &at in &self.findings {
            let Some(f) = diagnosis.findings.get(at) else { continue };
            for e in &f.evidence {
                let of = self.proofs.entry(e.frame).or_default();
                if of.last() != Some(&at) {
                    of.push(at);
                }
                let told = e.message.filter(|m| self.is_full(analysis.message(*m).owner));
                self.written.extend(told);
            }
        }
        let calls = self.full_calls.iter().map(|c| Owner::Call(*c));
        let dialogs = self.full_dialogs.iter().map(|d| Owner::Dialog(*d));
        let owners: Vec<Owner> = calls.chain(dialogs).collect();
        for owner in owners {
            let list = analysis.list_of(owner);
            self.written.extend(analysis.messages_of(list).take(most));
        }
    }

    /// Whether its messages stand in a section of its own.
    pub fn is_full(&self, owner: Owner) -> bool {
        match owner {
            Owner::Call(c) => self.full_calls.binary_search(&c).is_ok(),
            Owner::Dialog(d) => self.full_dialogs.binary_search(&d).is_ok(),
        }
    }

    pub fn is_written(&self, m: MsgIdx) -> bool {
        self.written.contains(&m)
    }

    pub fn rows(&self, kind: ListKind) -> &[u32] {
        self.rows.get(&kind).map_or(&[], Vec::as_slice)
    }

    pub fn full_rows(&self, kind: ListKind) -> &[u32] {
        self.full_rows.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// The findings that a frame proves.
    pub fn proved_by(&self, frame: FrameRef) -> &[usize] {
        self.proofs.get(&frame).map_or(&[], Vec::as_slice)
    }

    /// The place in the page where something is told: in full, else its row of a table.
    pub fn place(&self, subject: Subject) -> Option<String> {
        let id = id_of(subject);
        let (told, row) = match subject {
            Subject::Call(c) => (self.is_full(Owner::Call(c)), self.calls.binary_search(&c).ok()),
            Subject::Dialog(d) => (self.is_full(Owner::Dialog(d)), self.dialogs.binary_search(&d).ok()),
            Subject::Allocation(a) => {
                (self.full_allocations.binary_search(&a).is_ok(), self.allocations.binary_search(&a).ok())
            }
            Subject::IceSession(n) => {
                let at = self.sessions.binary_search_by_key(&n, |s| s.id).ok();
                let call = at.and_then(|at| self.sessions.get(at)).and_then(|s| s.call());
                (call.is_some_and(|c| self.is_full(Owner::Call(c))), at)
            }
            Subject::SignIn(row) => self.of_list(ListKind::SignIns, row),
            Subject::Subscription(row) => self.of_list(ListKind::Subscriptions, row),
            Subject::Conference(row) => self.of_list(ListKind::Conferences, row),
            Subject::Lookup(row) => self.of_list(ListKind::Lookups, row),
            Subject::Stream(n) => self.of_list(ListKind::Media, n.checked_sub(1)?),
            Subject::Capture(i) => (false, Some(usize::from(i))),
            Subject::DnsLookup(_) => (false, None),
        };
        match row {
            _ if told => Some(id),
            Some(at) if at < self.most => Some(row_id(&id)),
            _ => None,
        }
    }

    fn of_list(&self, kind: ListKind, row: u32) -> (bool, Option<usize>) {
        (self.is_full_row(kind, row), self.rows(kind).binary_search(&row).ok())
    }

    /// Whether all there is to say of a row is told.
    pub fn is_full_row(&self, kind: ListKind, row: u32) -> bool {
        self.full_rows(kind).binary_search(&row).is_ok()
            || kind == ListKind::Media && self.streams.contains(&row)
    }
}

/// `call-3`, `sign-in-1`: the number is that of the tables.
pub(super) fn id_of(subject: Subject) -> String {
    format!("{}-{}", subject.kind().replace('_', "-"), subject.id())
}

/// Of its row in a table.
pub(super) fn row_id(id: &str) -> String {
    format!("row-{id}")
}

/// The same of a row of a list.
pub(super) fn id_of_row(kind: ListKind, row: u32) -> String {
    match subject_of(kind, row) {
        Some(subject) => id_of(subject),
        None => format!("{}-{}", kind.name(), row.saturating_add(1)),
    }
}

/// The worst that was found of it.
pub(super) fn worst_of_row(diagnosis: &Diagnosis, kind: ListKind, row: u32) -> Option<Severity> {
    diagnosis.worst_of(subject_of(kind, row)?)
}
