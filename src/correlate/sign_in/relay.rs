//! The credentials for media relays that a sign-in was given, followed into the TURN allocations that use them.

use std::collections::HashMap;

use callscope_parsers::stun::integrity::{Integrity, verify_integrity};
use callscope_parsers::stun::{Class, MessageType, scan_stun};

use super::*;
use crate::correlate::credentials::{long_term_keys, turn_user};
use crate::correlate::stun::{Allocation, AllocationIdx, StunIdx};

/// Allocations followed of one user name.
const ALLOCATIONS: usize = 256;
/// Requests of an allocation whose keyed hash is looked at.
const REQUESTS: usize = 4;

/// How the time of use lies to the time the credentials hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifetime {
    Within,
    /// They ran out while the allocation was in use.
    ExpiredDuring,
    ExpiredBefore,
    /// The answer does not say how long they hold.
    Unknown,
}

impl Lifetime {
    pub fn name(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::ExpiredDuring => "expired_during",
            Self::ExpiredBefore => "expired_before",
            Self::Unknown => "unknown",
        }
    }
}

/// An allocation with the user name of the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayUse {
    pub allocation: AllocationIdx,
    /// Whether the password of the capture makes MESSAGE-INTEGRITY; none where there was nothing to try it on.
    pub verified: Option<bool>,
    pub lifetime: Lifetime,
    /// When the credentials run out, as far as it was known while the allocation was in use.
    pub ends: Option<Nanos>,
    /// What the relay said last about the credentials, where no success came after it.
    pub refused: Option<Refusal>,
}

/// An answer of a relay that does not take the credentials of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub code: u16,
    pub answer: StunIdx,
    /// Of the answer.
    pub time: Nanos,
    /// It was asked for a new allocation, not to prolong one ([MS-TURN] has Allocate for both).
    pub allocate: bool,
}

/// An answer that gives credentials out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    pub message: MsgIdx,
    pub given: Nanos,
    /// Minutes.
    pub duration: Option<u32>,
}

impl Grant {
    /// When they run out.
    pub fn ends(self) -> Option<Nanos> {
        let minutes = i64::from(self.duration?);
        Some(self.given.saturating_add(minutes.saturating_mul(60_000_000_000)))
    }
}

/// User name and times of credentials; the password stays in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// As the answer has it.
    pub username: String,
    /// The answers, in order of time: the same name may be given out again.
    pub grants: Vec<Grant>,
    pub uses: Vec<RelayUse>,
}

impl Credential {
    /// The answer that held at a time: the newest before it, else the first.
    pub fn grant_at(&self, time: Nanos) -> Option<Grant> {
        self.grants.iter().rev().find(|g| g.given <= time).or(self.grants.first()).copied()
    }

    /// How an allocation's time lies to theirs, and when they run out.
    fn lifetime(&self, a: &Allocation) -> (Lifetime, Option<Nanos>) {
        let at = |time| self.grant_at(time).and_then(Grant::ends);
        match (at(a.first), at(a.last)) {
            (Some(end), _) if a.first > end => (Lifetime::ExpiredBefore, Some(end)),
            (_, Some(end)) if a.last > end => (Lifetime::ExpiredDuring, Some(end)),
            (_, None) => (Lifetime::Unknown, None),
            (_, end) => (Lifetime::Within, end),
        }
    }
}

impl Analysis {
    /// Finds the allocations of each of the credentials.
    pub(super) fn follow_credentials(&self, all: &mut [SignIn]) {
        if self.stun.allocations.is_empty() || all.iter().all(|s| s.credentials.is_empty()) {
            return;
        }
        let mut by_user: HashMap<&[u8], Vec<AllocationIdx>> = HashMap::new();
        for (i, a) in (0u32..).map(AllocationIdx).zip(&self.stun.allocations) {
            if a.username != Str(0) {
                by_user.entry(self.strings.bytes(a.username)).or_default().push(i);
            }
        }
        for credential in all.iter_mut().flat_map(|s| &mut s.credentials) {
            let plain = by_user.get(credential.username.as_bytes());
            let decoded = turn_user(&credential.username);
            let decoded = decoded.as_deref().and_then(|user| by_user.get(user));
            let found: Vec<AllocationIdx> =
                plain.into_iter().chain(decoded).flatten().copied().take(ALLOCATIONS).collect();
            if found.is_empty() {
                continue;
            }
            credential.grants.sort_by_key(|g| g.given);
            let mut passwords: Vec<String> = Vec::new();
            for grant in &credential.grants {
                let given = self.credentials_in(grant.message).into_iter();
                for c in given.filter(|c| c.user == credential.username) {
                    if !passwords.contains(&c.password) {
                        passwords.push(c.password);
                    }
                }
            }
            for index in found {
                let Some(a) = self.stun.allocations.get(index.0 as usize) else { continue };
                let tried = passwords.iter().filter_map(|p| self.verify(index, a, &credential.username, p));
                let verified = tried.max();
                let (lifetime, ends) = credential.lifetime(a);
                let refused = self.refused_credentials(a);
                credential.uses.push(RelayUse { allocation: index, verified, lifetime, ends, refused });
            }
            credential.uses.sort_by_key(|u| u.allocation);
        }
    }

    /// The last refusal that is about credentials, unless a success came after it.
    ///
    /// A 401 to the first try is the challenge; credentials are refused where they answer one. 438 asks for another
    /// nonce only.
    fn refused_credentials(&self, a: &Allocation) -> Option<Refusal> {
        let since =
            a.rounds.iter().rposition(|r| r.response.is_some() && r.error == 0).map_or(0, |at| at + 1);
        let tries = a.rounds.get(since..)?.iter().filter(|r| r.response.is_some());
        let before = std::iter::once(0).chain(tries.clone().map(|r| r.error));
        let refused = tries.zip(before).filter(|(r, before)| {
            let challenged = matches!(before, 401 | 438);
            // RFC 8489 section 14.8; 430, 431 and 436 of the older drafts.
            r.credentials && (matches!(r.error, 430 | 431 | 436 | 441) || r.error == 401 && challenged)
        });
        let (round, _) = refused.last()?;
        let answer = round.response?;
        let time = self.stun.record(answer)?.time;
        let held = a.allocated_at.is_some_and(|t| t < time);
        Some(Refusal { code: round.error, answer, time, allocate: round.allocate && !held })
    }

    /// The last refusal of a sign-in's credentials by a relay, unless an allocation with some of them came about later.
    pub fn refused_by_relay<'s>(&self, s: &'s SignIn) -> Option<&'s RelayUse> {
        let uses = || s.credentials.iter().flat_map(|c| &c.uses);
        let last = uses().filter(|u| u.refused.is_some()).max_by_key(|u| u.refused.map(|r| r.time))?;
        let time = last.refused?.time;
        let made = |u: &RelayUse| self.stun.allocations.get(u.allocation.0 as usize)?.allocated_at;
        (!uses().any(|u| made(u).is_some_and(|t| t > time))).then_some(last)
    }

    /// Whether a password makes the keyed hashes of an allocation's requests.
    fn verify(&self, index: AllocationIdx, a: &Allocation, user: &str, password: &str) -> Option<bool> {
        if self.redaction.is_some() {
            return None;
        }
        let mut tried = None;
        let keys = long_term_keys(user.as_bytes(), password.as_bytes(), self.strings.bytes(a.realm));
        let requests = self.stun.messages_of(index).filter_map(|i| self.stun.record(i)).filter(|r| {
            let whole = !r.has(crate::correlate::stun::stun_flag::CUT);
            whole && MessageType(r.kind).split(r.dialect()).0 == Class::Request
        });
        let mut left = REQUESTS;
        for record in requests.take(4 * REQUESTS) {
            let Ok(bytes) = self.stores.read(record.bytes()) else { continue };
            let Some(scan) = scan_stun(&bytes, Some(record.dialect())) else { continue };
            if verify_integrity(&scan, b"") == Integrity::Absent {
                continue;
            }
            let fits = |key: &[u8]| matches!(verify_integrity(&scan, key), Integrity::Verified { .. });
            if keys.iter().any(|key| fits(&key.bytes)) {
                return Some(true);
            }
            tried = Some(false);
            left -= 1;
            if left == 0 {
                break;
            }
        }
        tried
    }
}
