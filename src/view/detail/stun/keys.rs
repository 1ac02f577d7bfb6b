//! Does MESSAGE-INTEGRITY hold? The passwords that are known: those in the SDP of the check's call, those that an
//! authentication service gave out in the capture, and what the user gave.

use std::ops::Range;

use callscope_parsers::sdp::{Candidate, sdp_bodies};
use callscope_parsers::sip;
use callscope_parsers::stun::integrity::{Integrity, short_term_key, verify_integrity};
use callscope_parsers::stun::{Class, MessageType, StunScan, scan_stun};

use super::{Scene, algorithm_name};
use crate::correlate::credentials::long_term_keys;
use crate::correlate::stun::{GroupIdx, StunOwner, StunRecord};
use crate::correlate::{Analysis, CallIdx, MsgIdx, flag};
use crate::view::detail::frame_name;
use crate::view::show;

/// Messages of a call read for their passwords, and passwords kept.
const READS: usize = 64;
const KEYS: usize = 4096;

/// What is known of a message's keyed hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Absent,
    Verified {
        range: Range<usize>,
        text: String,
    },
    /// A password that should have made it does not.
    Wrong {
        text: String,
    },
    Unknown,
}

impl Verdict {
    /// For the attribute whose value is at `range`; whether that is something wrong.
    pub fn text(&self, range: &Range<usize>) -> (String, bool) {
        match self {
            Self::Verified { range: at, text } if at == range => (text.clone(), false),
            Self::Verified { text, .. } => (format!("not looked at: the other one is {text}"), false),
            Self::Wrong { text } => (text.clone(), true),
            Self::Absent | Self::Unknown => ("not verified (password unknown)".to_owned(), false),
        }
    }
}

/// A key, whose it is, and whether it must be the right one.
struct Key {
    bytes: Vec<u8>,
    by: String,
    must_fit: bool,
}

/// Tries all passwords known.
pub fn verdict(scene: &Scene<'_>, scan: &StunScan<'_>) -> Verdict {
    if !scan.has_integrity() && verify_integrity(scan, b"") == Integrity::Absent {
        return Verdict::Absent;
    }
    // Hash and passwords were overwritten: that they do not fit says nothing.
    if scene.analysis.redaction.is_some() {
        return Verdict::Unknown;
    }
    let mut expected: Option<String> = None;
    for key in keys(scene, scan) {
        match verify_integrity(scan, &key.bytes) {
            Integrity::Verified { algorithm, rule, range } => {
                let text = format!("verified by {} ({}, {})", key.by, algorithm_name(algorithm), rule.name());
                return Verdict::Verified { range, text };
            }
            _ if key.must_fit => {
                expected.get_or_insert(key.by);
            }
            _ => {}
        }
    }
    match expected {
        Some(by) => Verdict::Wrong { text: format!("wrong: {by} does not make it") },
        None => Verdict::Unknown,
    }
}

fn keys(scene: &Scene<'_>, scan: &StunScan<'_>) -> Vec<Key> {
    let analysis = scene.analysis;
    let record = scene.record(&scan.transaction());
    let mut out = Vec::new();
    if let Some(StunOwner::Check(group)) = record.map(StunRecord::owner) {
        let receiver = match scan.class() {
            Class::Request => scan.check_username().map(|u| u.receiver.to_vec()),
            _ => asked_name(analysis, group, scan),
        };
        if let Some(call) = analysis.call_of_checks(group) {
            check_keys(analysis, call, receiver.as_deref(), &mut out);
        }
        return out;
    }
    let allocation = match record.map(StunRecord::owner) {
        Some(StunOwner::Allocation(a)) => analysis.stun.allocations.get(a.0 as usize),
        _ => scene.known().relay.map(|(a, _)| a),
    };
    let kept = |s| Some(analysis.strings.bytes(s)).filter(|b: &&[u8]| !b.is_empty());
    let user = scan.username().or(allocation.and_then(|a| kept(a.username))).map(<[u8]>::to_vec);
    let realm = scan.realm().or(allocation.and_then(|a| kept(a.realm))).unwrap_or_default();
    for given in &analysis.turn_users {
        // User names that servers make up hold colons too (`1700000000:alice`).
        for (at, _) in given.match_indices(':').take(8) {
            let (name, password) = (&given[..at], &given[at + 1..]);
            let by = format!("--turn-user {}", show::safe_str(name));
            long_term(name.as_bytes(), password.as_bytes(), realm, user.as_deref(), &by, &mut out);
        }
    }
    for given in analysis.relay_credentials() {
        let frame = frame_name(analysis, analysis.message(given.message).frame);
        let by = format!("the credentials given out in frame {frame}");
        long_term(given.user.as_bytes(), given.password.as_bytes(), realm, user.as_deref(), &by, &mut out);
    }
    out
}

fn long_term(name: &[u8], password: &[u8], realm: &[u8], user: Option<&[u8]>, by: &str, out: &mut Vec<Key>) {
    out.extend(long_term_keys(name, password, realm).into_iter().map(|key| Key {
        must_fit: !key.bare && user.is_some_and(|u| u == key.user),
        bytes: key.bytes,
        by: by.to_owned(),
    }));
}

/// The receiver's name in the request that a check's answer belongs to.
fn asked_name(analysis: &Analysis, group: GroupIdx, scan: &StunScan<'_>) -> Option<Vec<u8>> {
    let stun = &analysis.stun;
    let id = scan.transaction();
    let hash = crate::decode::name_hash(&id) as u32;
    let request = stun
        .checks_of(group)
        .filter_map(|i| stun.record(i))
        .find(|r| r.transaction == hash && MessageType(r.kind).split(r.dialect()).0 == Class::Request)?;
    let bytes = analysis.stores.read(request.bytes()).ok()?;
    // Relayed ones lie in what carries them.
    let at = memchr::memmem::find(&bytes, &id)?.checked_sub(4)?;
    let inner = scan_stun(bytes.get(at..)?, Some(request.dialect()))?;
    inner.check_username().map(|u| u.receiver.to_vec())
}

/// Passwords in the SDP of a call: ufrags with theirs, and the candidates of draft-06.
fn check_keys(analysis: &Analysis, call: CallIdx, receiver: Option<&[u8]>, out: &mut Vec<Key>) {
    let list = analysis.call(call).messages;
    let speaks = |m: &MsgIdx| {
        let r = analysis.message(*m);
        (r.has(flag::SDP) || r.candidates > 0) && !r.has(flag::RETRANSMISSION) && !r.has(flag::DUPLICATE)
    };
    for m in analysis.messages_of(list).filter(speaks).take(READS) {
        let Ok(raw) = analysis.message_bytes(m) else { continue };
        let Some(scan) = sip::scan(&raw) else { continue };
        let by = |what: &str, name: &str| {
            let frame = frame_name(analysis, analysis.message(m).frame);
            format!("the {what} of {name} in frame {frame}")
        };
        for body in sdp_bodies(&raw, scan.body_start.min(raw.len())..raw.len(), scan.content_type) {
            let session = body.parse();
            for d in session.ice_descriptions().iter().chain(session.ice_before_media().as_ref()) {
                if let Some(c) = &d.credentials
                    && let Some((pwd, _)) = &c.pwd
                {
                    let key = short_term_key(&String::from_utf8_lossy(pwd));
                    let by = by("ice-pwd", &show::shorten(&show::safe(c.ufrag), 40));
                    add(out, key, by, receiver.is_some_and(|r| r == c.ufrag));
                }
                for c in &d.candidates {
                    let (Some(key), Some(id)) = (c.decoded_password(), Candidate::decoded_id(c)) else {
                        continue;
                    };
                    let by = by("candidate password", &show::shorten(&show::safe(c.foundation), 12));
                    add(out, key, by, receiver.is_some_and(|r| r == id));
                }
            }
        }
    }
}

/// The same key comes back in every copy of the SDP.
fn add(out: &mut Vec<Key>, bytes: Vec<u8>, by: String, must_fit: bool) {
    if let Some(known) = out.iter_mut().find(|k| k.bytes == bytes) {
        known.must_fit |= must_fit;
    } else if out.len() < KEYS {
        out.push(Key { bytes, by, must_fit });
    }
}
