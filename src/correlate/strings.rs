//! Interned text: Call-IDs, URIs, names, methods.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;

use hashbrown::HashTable;

use super::model::{MethodId, Str};

/// Byte strings, each kept once.
#[derive(Debug, Default)]
pub struct Strings {
    bytes: Vec<u8>,
    /// End of each string in `bytes`; it starts where the one before it ends.
    ends: Vec<u32>,
    /// Half of each string's hash, with its index: growing and probing need not touch the strings themselves.
    table: HashTable<(u32, u32)>,
    state: foldhash::fast::RandomState,
}

/// The hash under which the table files a string: [`Strings::hash`] cut to the half that is kept.
fn filed(hash: u64) -> (u32, u64) {
    let half = (hash >> 32) as u32;
    (half, u64::from(half).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

impl Strings {
    /// Takes over the hasher of those who hash strings ahead; only while there are no strings.
    pub(super) fn hash_with(&mut self, state: &foldhash::fast::RandomState) {
        if self.ends.is_empty() {
            self.state = state.clone();
        }
    }

    /// The hasher in use.
    pub(super) fn state(&self) -> &foldhash::fast::RandomState {
        &self.state
    }

    pub fn intern(&mut self, s: &[u8]) -> Str {
        use std::hash::BuildHasher;
        self.intern_hashed(s, self.state.hash_one(s))
    }

    /// [`Strings::intern`] of a string whose hash by the hasher given to [`Strings::hash_with`] is known.
    pub(super) fn intern_hashed(&mut self, s: &[u8], hash: u64) -> Str {
        if s.is_empty() {
            return Str(0);
        }
        let (half, place) = filed(hash);
        let (bytes, ends) = (&self.bytes, &self.ends);
        let same = |&(h, i): &(u32, u32)| h == half && span(ends, i).is_some_and(|r| bytes.get(r) == Some(s));
        if let Some(&(_, i)) = self.table.find(place, same) {
            return Str(i + 1);
        }
        let index = self.ends.len() as u32;
        let Ok(end) = u32::try_from(self.bytes.len() + s.len()) else {
            return Str(0);
        };
        self.bytes.extend_from_slice(s);
        self.ends.push(end);
        let again = |&(h, _): &(u32, u32)| filed(u64::from(h) << 32).1;
        self.table.insert_unique(place, (half, index), again);
        Str(index + 1)
    }

    /// A string under such a hash, most likely the one that has it; `Str(0)` where there is none.
    pub(super) fn look_up(&self, hash: u64) -> Str {
        let (half, place) = filed(hash);
        self.table.find(place, |&(h, _)| h == half).map_or(Str(0), |&(_, i)| Str(i + 1))
    }

    pub fn bytes(&self, s: Str) -> &[u8] {
        match s.0.checked_sub(1).and_then(|i| span(&self.ends, i)) {
            Some(r) => &self.bytes[r],
            None => b"",
        }
    }

    /// The string, with what is not UTF-8 replaced.
    pub fn text(&self, s: Str) -> Cow<'_, str> {
        let bytes = self.bytes(s);
        // Nearly all are UTF-8, which this sees sooner.
        std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
    }
}

fn span(ends: &[u32], i: u32) -> Option<std::ops::Range<usize>> {
    let end = *ends.get(i as usize)? as usize;
    let start = if i == 0 { 0 } else { ends[i as usize - 1] as usize };
    Some(start..end)
}

/// Method names as written; the common ones have fixed ids.
#[derive(Debug)]
pub struct Methods {
    names: Vec<String>,
}

impl Default for Methods {
    fn default() -> Self {
        Self { names: MethodId::KNOWN.iter().map(|s| (*s).to_owned()).collect() }
    }
}

impl Methods {
    /// Id of a method name, new ones up to `limit`; past it every further name is `(other)`.
    pub fn intern(&mut self, name: &[u8], limit: usize) -> MethodId {
        if let Some(i) = self.names.iter().position(|n| n.as_bytes() == name) {
            return MethodId(i as u16);
        }
        let name = if self.names.len() < limit.min(usize::from(u16::MAX)) {
            String::from_utf8_lossy(name).into_owned()
        } else {
            "(other)".to_owned()
        };
        if let Some(i) = self.names.iter().position(|n| *n == name) {
            return MethodId(i as u16);
        }
        self.names.push(name);
        MethodId((self.names.len() - 1) as u16)
    }

    pub fn name(&self, id: MethodId) -> &str {
        self.names.get(usize::from(id.0)).map_or("", String::as_str)
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Host names of addresses: from `--names`, pcapng name blocks, DNS answers, in this order.
#[derive(Debug, Default)]
pub struct Names {
    by_address: HashMap<IpAddr, String>,
    /// What DNS answers call them: good where nobody else says.
    by_dns: HashMap<IpAddr, String>,
}

impl Names {
    /// Keeps `name` unless the address has one already or `limit` names are kept.
    pub fn learn(&mut self, address: IpAddr, name: &str, limit: usize) {
        if self.by_address.len() < limit {
            self.by_address.entry(address).or_insert_with(|| name.to_owned());
        }
    }

    /// An alias the user gave; replaces any other name.
    pub fn set(&mut self, address: IpAddr, name: &str) {
        self.by_address.insert(address, name.to_owned());
    }

    /// A name that a DNS answer gives; the first one stays.
    pub fn learn_dns(&mut self, address: IpAddr, name: &str, limit: usize) {
        if self.by_dns.len() < limit {
            self.by_dns.entry(address).or_insert_with(|| name.to_owned());
        }
    }

    pub fn get(&self, address: IpAddr) -> Option<&str> {
        self.by_address.get(&address).or_else(|| self.by_dns.get(&address)).map(String::as_str)
    }
}
