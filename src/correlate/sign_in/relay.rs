//! The credentials for media relays that a sign-in was given, followed into the TURN allocations that use them.

use std::collections::HashMap;

use callscope_parsers::stun::integrity::{Integrity, verify_integrity};
use callscope_parsers::stun::{Class, MessageType, scan_stun};

use super::*;
use crate::correlate::credentials::{long_term_keys, turn_user};
use crate::correlate::stun::{Allocation, AllocationIdx};

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
}

/// User name and time of credentials; the password stays in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// As the answer has it.
    pub username: String,
    /// The answer.
    pub message: MsgIdx,
    pub given: Nanos,
    /// Minutes.
    pub duration: Option<u32>,
    pub uses: Vec<RelayUse>,
}

impl Credential {
    /// When they run out.
    pub fn ends(&self) -> Option<Nanos> {
        let minutes = i64::from(self.duration?);
        Some(self.given.saturating_add(minutes.saturating_mul(60_000_000_000)))
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
            let given = self.credentials_in(credential.message);
            let password = given.iter().find(|c| c.user == credential.username).map(|c| c.password.as_str());
            for index in found {
                let Some(a) = self.stun.allocations.get(index.0 as usize) else { continue };
                let verified = password.and_then(|p| self.verify(index, a, &credential.username, p));
                let lifetime = lifetime(credential, a);
                credential.uses.push(RelayUse { allocation: index, verified, lifetime });
            }
            credential.uses.sort_by_key(|u| u.allocation);
        }
    }

    /// Whether a password makes the keyed hashes of an allocation's requests.
    fn verify(&self, index: AllocationIdx, a: &Allocation, user: &str, password: &str) -> Option<bool> {
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

fn lifetime(credential: &Credential, a: &Allocation) -> Lifetime {
    match credential.ends() {
        None => Lifetime::Unknown,
        Some(end) if a.first > end => Lifetime::ExpiredBefore,
        Some(end) if a.last > end && !a.released => Lifetime::ExpiredDuring,
        Some(_) => Lifetime::Within,
    }
}
