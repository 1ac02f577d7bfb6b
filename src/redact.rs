//! A copy of a capture in which nothing stands any more that names people, machines or numbers, or that people said.
//!
//! The copy has the frames of the original: their numbers, times, interfaces and lengths. What is understood is rewritten
//! so that it means the same (who calls whom, which address stands behind which name); what is not is overwritten. Whatever
//! reads the copy can tell nothing else. The same name has the same pseudonym everywhere, under one key.
//!
//! Every replacement is as long as what it replaces, so that sequence numbers, lengths and positions stay right.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use hashbrown::{HashMap, HashSet};

use crate::limits::Limits;

mod address;
mod arena;
mod binary;
mod body;
mod copy;
mod datagram;
mod dns;
mod frame;
mod gather;
mod header;
mod keywords;
mod media;
mod names;
mod permute;
mod sctp;
mod sdp;
mod sip;
mod sql;
mod stream;
mod stun;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod uri;
mod xml;

pub use copy::{Cause, learn_from, redacted_copy};
pub use permute::Key;

/// What was replaced once is remembered, up to so many of a kind; what was forgotten is worked out again.
const REMEMBERED: usize = 1 << 18;
/// Call-IDs by which the beginning of one that is cut off is told.
const CALL_IDS: usize = 1 << 16;
/// Shorter words of names are not looked for in free text.
const LEAST_LEARNED: usize = 4;

/// Bytes of a word, a name or a Call-ID that is remembered; longer ones are worked out again each time.
const LONGEST_REMEMBERED: usize = 256;
/// URIs inside URIs, XML inside XML.
const NESTED: u8 = 16;

/// No protocol that is told by content begins so.
const UNKNOWN: u8 = 0xff;

/// How much was overwritten or left out, by what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub(crate) fn add(&mut self, what: &'static str, n: u64) {
        if n > 0 {
            *self.0.entry(what).or_default() += n;
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        other.counts().for_each(|(what, n)| self.add(what, n));
    }

    /// In words, with how many.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(what, n)| (*what, *n))
    }

    pub fn get(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }
}

/// Replaces; one for all captures that are read together.
pub struct Redactor {
    key: Key,
    limits: Limits,
    sip_ports: Vec<u16>,
    /// Headers that hold the Call-ID of another leg, in lower case.
    leg_headers: Vec<String>,
    words: HashMap<String, String>,
    v4: HashMap<[u8; 4], [u8; 4]>,
    v6: HashMap<[u8; 16], [u8; 16]>,
    macs: HashMap<[u8; 6], [u8; 6]>,
    /// Words that are parts of names, in lower case: they are replaced in free text too.
    learned: HashSet<String>,
    keywords: HashSet<&'static str>,
    /// Ends that a description names for fax, up to the limit of flows.
    fax_ends: HashSet<SocketAddr>,
    /// Addresses that stood anywhere in the captures.
    met: HashSet<[u8; 4]>,
    /// Nothing more is learned: else the same bytes would become other ones later on.
    frozen: bool,
    /// Only names and addresses are gathered: what is written is thrown away, so nothing needs a pseudonym.
    learning: bool,
    /// How deep in one another the texts are that are being rewritten.
    nested: u8,
    /// Originals, to tell those that are cut off.
    call_ids: BTreeSet<Vec<u8>>,
    pub tally: Tally,
}

impl Redactor {
    pub fn new(key: Key, limits: &Limits, sip_ports: &[u16], leg_headers: &[String]) -> Self {
        Self {
            key,
            limits: limits.clone(),
            sip_ports: sip_ports.to_vec(),
            leg_headers: leg_headers.iter().map(|h| h.to_ascii_lowercase()).collect(),
            words: HashMap::new(),
            v4: HashMap::new(),
            v6: HashMap::new(),
            macs: HashMap::new(),
            learned: HashSet::new(),
            keywords: keywords::XML.iter().copied().collect(),
            call_ids: BTreeSet::new(),
            fax_ends: HashSet::new(),
            met: HashSet::new(),
            frozen: false,
            learning: false,
            nested: 0,
            tally: Tally::default(),
        }
    }

    /// Rewrites what may hold the like of itself; beyond some depth word by word.
    fn nest(&mut self, b: &mut [u8], rewrite: impl FnOnce(&mut Self, &mut [u8])) {
        if self.nested >= NESTED {
            return self.words(b, names::Words::ALL);
        }
        self.nested += 1;
        rewrite(self, b);
        self.nested -= 1;
    }

    /// Forgets what was remembered where it has become too much.
    fn make_room(&mut self) {
        if self.words.len() > REMEMBERED {
            self.words.clear();
        }
        if self.v4.len() + self.v6.len() + self.macs.len() > REMEMBERED {
            (self.v4, self.v6, self.macs) = Default::default();
        }
    }

    fn is_sip_port(&self, src: SocketAddr, dst: SocketAddr) -> bool {
        self.sip_ports.contains(&src.port()) || self.sip_ports.contains(&dst.port())
    }

    /// Overwrites a whole payload of nothing known: by what begins no protocol, which zeros might.
    fn obscure(&mut self, bytes: &mut [u8]) {
        self.tally.add("bytes of unknown protocols", bytes.len() as u64);
        if self.learning {
            return;
        }
        // Two packets that differ are not to become copies of one another.
        let told = self.key.hash(&[b"unknown", bytes]);
        bytes.fill(UNKNOWN);
        for (slot, byte) in bytes.iter_mut().skip(2).zip(told.iter().take(8)) {
            *slot = *byte;
        }
    }

    /// Overwrites with zeros what nothing is known of.
    fn wipe(&mut self, bytes: &mut [u8], what: &'static str) {
        self.tally.add(what, bytes.len() as u64);
        bytes.fill(0);
    }
}
