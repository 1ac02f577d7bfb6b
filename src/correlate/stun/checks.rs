//! Which connectivity checks belong to one ICE session: by the two names in USERNAME (RFC 8445 §7.2.2, [MS-ICE] and
//! [MS-ICE2] alike), each the name one party gave itself.

use hashbrown::HashTable;

use super::{Map, StunIdx};
use crate::correlate::model::CallIdx;

/// Index of a group in [`super::Stun::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupIdx(pub u32);

const NONE: u32 = u32::MAX;

/// Checks between two names. In the RFC dialects and [MS-ICE2] a name is an ufrag and a group one session; in [MS-ICE]
/// each candidate has a name and a session many groups.
#[derive(Debug, Clone, Copy)]
pub struct CheckGroup {
    /// Hash of the name of the party that sent the first request seen, and of the other.
    pub names: [u64; 2],
    pub(super) head: u32,
    pub(super) tail: u32,
    pub count: u32,
    /// The next group of each name.
    more: [u32; 2],
}

#[derive(Debug, Clone, Copy)]
struct Name {
    /// The call whose SDP has this name.
    call: u32,
    /// The latest group with it.
    group: u32,
}

impl Default for Name {
    fn default() -> Self {
        Self { call: NONE, group: NONE }
    }
}

/// All groups and the names they go by.
#[derive(Debug, Default)]
pub(in crate::correlate) struct Groups {
    pub list: Vec<CheckGroup>,
    /// Groups by both names, whatever their order.
    by_pair: HashTable<u32>,
    names: Map<u64, Name>,
}

/// The same whatever the order.
fn pair_hash([a, b]: [u64; 2]) -> u64 {
    (a.min(b) ^ a.max(b).rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Groups {
    /// The group of a request by its names, and whether the sender is its first party.
    pub fn of_request(&mut self, receiver: u64, sender: u64, most: usize) -> Option<(GroupIdx, bool)> {
        if let Some(at) = self.of_pair([receiver, sender]) {
            let first = self.list.get(at as usize).is_some_and(|g| g.names[0] == sender);
            return Some((GroupIdx(at), first));
        }
        if self.list.len() >= most {
            return None;
        }
        let at = u32::try_from(self.list.len()).ok()?;
        let mut more = [NONE; 2];
        for (name, more) in [sender, receiver].into_iter().zip(&mut more) {
            let known = self.names.entry(name).or_default();
            *more = std::mem::replace(&mut known.group, at);
        }
        self.list.push(CheckGroup { names: [sender, receiver], head: NONE, tail: NONE, count: 0, more });
        let list = &self.list;
        let hash = |at: &u32| pair_hash(list.get(*at as usize).map(|g| g.names).unwrap_or_default());
        self.by_pair.insert_unique(pair_hash([receiver, sender]), at, hash);
        Some((GroupIdx(at), true))
    }

    /// Says that a call's SDP has this name; whether it is new.
    pub fn name_call(&mut self, name: u64, call: CallIdx) -> bool {
        let known = self.names.entry(name).or_default();
        let new = known.call == NONE;
        if new {
            known.call = call.0;
        }
        new
    }

    pub fn call_of(&self, name: u64) -> Option<CallIdx> {
        self.names.get(&name).map(|n| n.call).filter(|c| *c != NONE).map(CallIdx)
    }

    /// The groups with this name, the latest first.
    pub fn with_name(&self, name: u64) -> impl Iterator<Item = GroupIdx> + '_ {
        let mut next = self.names.get(&name).map_or(NONE, |n| n.group);
        std::iter::from_fn(move || {
            let at = next;
            let group = self.list.get(at as usize)?;
            let side = usize::from(group.names[0] != name);
            next = group.more.get(side).copied().unwrap_or(NONE);
            Some(GroupIdx(at))
        })
    }

    /// Between these two names.
    pub fn between(&self, a: u64, b: u64) -> Option<GroupIdx> {
        self.of_pair([a, b]).map(GroupIdx)
    }

    fn of_pair(&self, [a, b]: [u64; 2]) -> Option<u32> {
        let names = |at: &u32| self.list.get(*at as usize).map(|g| g.names);
        let same = |at: &u32| names(at).is_some_and(|names| names == [a, b] || names == [b, a]);
        self.by_pair.find(pair_hash([a, b]), same).copied()
    }

    /// Puts a message at the end of a group's list; the one before it, if any.
    pub fn append(&mut self, group: GroupIdx, index: StunIdx) -> Option<StunIdx> {
        let group = self.list.get_mut(group.0 as usize)?;
        let last = std::mem::replace(&mut group.tail, index.0);
        group.count += 1;
        if last == NONE {
            group.head = index.0;
            return None;
        }
        Some(StunIdx(last))
    }

    pub fn first(&self, group: GroupIdx) -> Option<StunIdx> {
        self.list.get(group.0 as usize).map(|g| g.head).filter(|h| *h != NONE).map(StunIdx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::name_hash;

    #[test]
    fn both_directions_are_one_group() {
        let mut g = Groups::default();
        let (a, b, c) = (name_hash(b"a"), name_hash(b"b"), name_hash(b"c"));
        let (ab, first) = g.of_request(b, a, 10).unwrap();
        assert!(first);
        assert_eq!(g.of_request(a, b, 10), Some((ab, false)));
        let (ac, _) = g.of_request(c, a, 10).unwrap();
        assert_ne!(ab, ac);
        assert_eq!(g.with_name(a).collect::<Vec<_>>(), [ac, ab]);
        assert_eq!(g.with_name(b).collect::<Vec<_>>(), [ab]);
        assert_eq!(g.between(c, a), Some(ac));
        assert_eq!(g.between(b, c), None);
        assert_eq!(g.of_request(c, b, 2), None, "no more than the limit");
        assert!(g.name_call(a, CallIdx(4)));
        assert!(!g.name_call(a, CallIdx(5)));
        assert_eq!(g.call_of(a), Some(CallIdx(4)));
        assert_eq!(g.call_of(b), None);
    }
}
