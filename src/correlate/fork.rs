//! The branches of a forked INVITE: one row for each To tag that answered it.

use callscope_parsers::sip::Scan;

use super::Analysis;
use super::model::*;

/// Forks told apart in one call.
const MOST: u8 = 64;

/// A To tag with its text, chained per call.
#[derive(Debug, Clone, Copy)]
pub(super) struct ForkRow {
    hash: u32,
    tag: Str,
    epid: Str,
    next: u32,
}

/// One answering side of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    pub to_tag: Str,
    /// The `epid` of its To header, if any.
    pub epid: Str,
    /// Best it answered: a 2xx, else its final answer, else its highest provisional one.
    pub status: u16,
    /// The first message that gave this status.
    pub message: MsgIdx,
}

/// Orders statuses by how much they decide.
fn weight(status: u16) -> (u8, u16) {
    match status {
        200..=299 => (2, 0),
        300.. => (1, 0),
        _ => (0, status),
    }
}

/// What is known of one To tag while the messages of a call are walked.
#[derive(Debug, Clone, Copy)]
struct Seen {
    hash: u32,
    status: u16,
    message: MsgIdx,
    provisional: bool,
}

impl Analysis {
    pub(super) fn learn_fork(&mut self, call: CallIdx, record: &SipRecord, scan: &Scan<'_>) {
        let Some(work) = self.call_work.get_mut(call.0 as usize) else { return };
        let mut at = work.first_fork;
        for _ in 0..work.forks {
            let Some(row) = self.forks.get_mut(at as usize) else { return };
            if row.hash == record.to_tag {
                if row.epid == Str(0) && !scan.to.epid.is_empty() {
                    row.epid = self.strings.intern(scan.to.epid);
                }
                return;
            }
            at = row.next;
        }
        if work.forks >= MOST {
            return;
        }
        let row = ForkRow {
            hash: record.to_tag,
            tag: self.strings.intern(scan.to.tag),
            epid: self.strings.intern(scan.to.epid),
            next: work.first_fork,
        };
        work.first_fork = self.forks.len() as u32;
        work.forks += 1;
        self.forks.push(row);
    }

    /// The forks of a call in order of their first answer, as far as the opening INVITE got them: 401 and 407 are
    /// no fork's answer, and neither is a 408, 487 or 5xx under a tag of its own beside others (the proxy's words).
    pub fn forks(&self, call: CallIdx) -> Vec<Fork> {
        self.seen_forks(call, self.in_time(self.call(call).messages))
            .iter()
            .map(|seen| {
                let (tag, epid) = self.fork_names(call, seen.hash);
                Fork { to_tag: tag, epid, status: seen.status, message: seen.message }
            })
            .collect()
    }

    pub(super) fn count_forks(&self, call: CallIdx, order: &[MsgIdx]) -> u16 {
        match self.call_work.get(call.0 as usize).map_or(0, |w| w.forks) {
            // One tag needs no walk: alone it is never left out.
            n @ (0 | 1) => u16::from(n),
            _ => u16::try_from(self.seen_forks(call, order.iter().copied()).len()).unwrap_or(u16::MAX),
        }
    }

    fn seen_forks(&self, call: CallIdx, order: impl Iterator<Item = MsgIdx>) -> Vec<Seen> {
        let caller_tag = self.call_work.get(call.0 as usize).map_or(0, |w| w.caller_tag);
        let mut seen: Vec<Seen> = Vec::new();
        for m in order {
            let r = self.message(m);
            if r.method != MethodId::INVITE
                || r.status <= 100
                || r.to_tag == 0
                || r.from_tag != caller_tag
                || matches!(r.status, 401 | 407)
            {
                continue;
            }
            let provisional = r.status < 200;
            if let Some(s) = seen.iter_mut().find(|s| s.hash == r.to_tag) {
                if weight(r.status) > weight(s.status) {
                    (s.status, s.message) = (r.status, m);
                }
                s.provisional |= provisional;
            } else if seen.len() < usize::from(MOST) {
                seen.push(Seen { hash: r.to_tag, status: r.status, message: m, provisional });
            }
        }
        let of_proxy = |s: &Seen| !s.provisional && matches!(s.status, 408 | 487 | 500..=599);
        if seen.iter().any(|s| !of_proxy(s)) {
            seen.retain(|s| !of_proxy(s));
        }
        seen
    }

    fn fork_names(&self, call: CallIdx, hash: u32) -> (Str, Str) {
        let Some(work) = self.call_work.get(call.0 as usize) else { return (Str(0), Str(0)) };
        let mut at = work.first_fork;
        for _ in 0..work.forks {
            let Some(row) = self.forks.get(at as usize) else { break };
            if row.hash == hash {
                return (row.tag, row.epid);
            }
            at = row.next;
        }
        (Str(0), Str(0))
    }
}
