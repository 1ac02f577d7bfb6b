//! Legs of one call under different Call-IDs, and by what they are told.
//!
//! What a message says outright (`Replaces`, `Refer-To`, `X-Call-ID` and its like) links to the Call-ID it names,
//! whether that was met before or is met later. What two calls merely share, an SDP origin or a media address, links
//! them only where it looks like one session passing through a back-to-back user agent: announced on the second call
//! by somebody else than on the first, while the first is not over, within [`SHARED_FOR`]; a media address moreover
//! only by one whom the first announcement was sent to. A value that more than [`MOST_LEGS`] calls share at a time
//! says nothing and takes back the links it made. Values of calls that are over are forgotten, so that memory follows
//! the number of calls at a time and not of the capture.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use super::Analysis;
use super::model::*;
use super::owner::{CallWork, Key};
use crate::capture::Nanos;
use crate::decode::{DecodedSip, Keys, header_named};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Calls that may share an origin or media address at a time before it counts as meaningless.
const MOST_LEGS: usize = 4;
/// Longest time from one announcement to that on the next leg: 64·T1, an INVITE transaction.
const SHARED_FOR: Nanos = 32_000_000_000;
/// Longest time from REFER to the INVITE it asks for.
const REFER_FOR: Nanos = 60_000_000_000;
/// Entries after which what belongs to calls that are over is dropped, and the most ever kept.
const SWEEP_AT: usize = 1 << 12;
const MOST_ENTRIES: usize = 1 << 20;
/// Call-IDs that were named but not met, and transfer targets waited for.
const MOST_WAITING: usize = 1 << 16;

/// One call's announcement of a shared value.
#[derive(Debug, Clone, Copy)]
struct Member {
    call: CallIdx,
    /// Where it was first and last announced.
    first: FlowId,
    last: FlowId,
    time: Nanos,
}

#[derive(Debug, Clone)]
enum Shared {
    One(Member),
    Several(Vec<Member>),
    /// Too many calls share it.
    Common,
}

/// A REFER whose target is to be called.
#[derive(Debug, Clone, Copy)]
struct Refer {
    call: CallIdx,
    message: MsgIdx,
    time: Nanos,
    referee: u64,
    referee_ip: IpAddr,
}

#[derive(Debug, Default)]
pub(super) struct Legs {
    shared: Map<u64, Shared>,
    sweep_at: usize,
    named: Map<Str, Vec<(CallIdx, LinkReason, MsgIdx)>>,
    refers: Map<u64, Refer>,
    known: HashSet<(CallIdx, CallIdx, LinkReason), foldhash::fast::RandomState>,
    /// The shared value behind each link (0: said outright), in the order of `Analysis::links`.
    keys: Vec<u64>,
    common: HashSet<u64>,
    by_call: Map<CallIdx, Vec<u32>>,
}

impl Legs {
    /// Reads what sharing the SDP of a message is going to.
    pub fn looked_up(&self, keys: &Keys) -> usize {
        let known =
            [keys.origin, keys.media].into_iter().filter(|key| *key != 0 && self.shared.contains_key(key));
        known.count()
    }

    pub fn indexed(&self, call: CallIdx) -> impl Iterator<Item = usize> + '_ {
        self.by_call.get(&call).into_iter().flatten().map(|i| *i as usize)
    }
}

impl Analysis {
    /// A call for this Call-ID has just begun: what named it before can be linked.
    pub(super) fn legs_resolve(&mut self, call: CallIdx, call_id: Str) {
        if self.legs.named.is_empty() {
            return;
        }
        for (from, by, message) in self.legs.named.remove(&call_id).unwrap_or_default() {
            self.link(CallLink { from, to: call, by, message }, 0);
        }
    }

    pub(super) fn legs_learn(
        &mut self,
        call: CallIdx,
        index: MsgIdx,
        record: &SipRecord,
        m: &DecodedSip<'_>,
        keys: &Keys,
        opening: bool,
    ) {
        let scan = m.scan;
        if record.is_request() && record.method == MethodId::INVITE {
            if !scan.replaces().is_empty() {
                self.link_named(call, until(scan.replaces(), b";, "), LinkReason::Replaces, index);
            }
            if opening {
                if !scan.x_call_id().is_empty() {
                    self.link_named(call, scan.x_call_id(), LinkReason::Header, index);
                } else if keys.names_leg
                    && let Some(value) = header_named(m.raw, scan.body_start(), &self.leg_headers)
                {
                    self.link_named(call, value, LinkReason::Header, index);
                }
                self.link_referred(call, m);
            }
        }
        if record.is_request() && record.method == MethodId::REFER && !scan.refer_to().is_empty() {
            self.learn_refer(call, index, m);
        }
        if scan.sdp().is_some() {
            let member = Member { call, first: record.flow, last: record.flow, time: record.time };
            for (key, by) in [(keys.origin, LinkReason::SdpSession), (keys.media, LinkReason::MediaAddress)] {
                if key != 0 {
                    self.share(key, member, by, index);
                }
            }
        }
    }

    fn link_named(&mut self, from: CallIdx, call_id: &[u8], by: LinkReason, message: MsgIdx) {
        let call_id = call_id.trim_ascii();
        if call_id.is_empty() {
            return;
        }
        let id = self.strings.intern(call_id);
        match self.owners.get(Key::CallId(id)) {
            Some(Owner::Call(to)) => self.link(CallLink { from, to, by, message }, 0),
            _ if self.legs.named.len() < MOST_WAITING => {
                let waiting = self.legs.named.entry(id).or_default();
                if waiting.len() < MOST_LEGS {
                    waiting.push((from, by, message));
                }
            }
            _ => {}
        }
    }

    fn learn_refer(&mut self, call: CallIdx, message: MsgIdx, m: &DecodedSip<'_>) {
        let target = address_of_record(m.scan.refer_to());
        if let Some(replaced) = embedded_replaces(m.scan.refer_to()) {
            self.link_named(call, &replaced, LinkReason::ReferTo, message);
        }
        if target.is_empty() {
            return;
        }
        let key = folded_hash(target);
        let refer = Refer {
            call,
            message,
            time: m.time,
            referee: folded_hash(address_of_record(m.scan.to_uri())),
            referee_ip: m.dst.ip(),
        };
        let refers = &mut self.legs.refers;
        if let Some(known) = refers.get_mut(&key) {
            // Its copy on the next hop: only there the referee's own address shows.
            *known =
                if known.call == call { Refer { referee_ip: refer.referee_ip, ..*known } } else { refer };
            return;
        }
        if refers.len() >= MOST_WAITING {
            refers.retain(|_, r| m.time.saturating_sub(r.time) <= REFER_FOR);
        }
        if refers.len() < MOST_WAITING {
            refers.insert(key, refer);
        }
    }

    /// Whether the INVITE that opens this call is what a REFER asked for: to its target, by its receiver.
    fn link_referred(&mut self, call: CallIdx, m: &DecodedSip<'_>) {
        if self.legs.refers.is_empty() {
            return;
        }
        let referee = folded_hash(address_of_record(m.scan.from_uri()));
        for uri in [m.scan.to_uri(), m.scan.request_uri()] {
            let Some(&refer) = self.legs.refers.get(&folded_hash(address_of_record(uri))) else { continue };
            let soon = (0..=REFER_FOR).contains(&m.time.saturating_sub(refer.time));
            if soon && refer.call != call && (refer.referee == referee || refer.referee_ip == m.src.ip()) {
                let link =
                    CallLink { from: refer.call, to: call, by: LinkReason::ReferTo, message: refer.message };
                self.link(link, 0);
                return;
            }
        }
    }

    fn share(&mut self, key: u64, new: Member, by: LinkReason, message: MsgIdx) {
        let legs = &mut self.legs;
        let (flows, work) = (&self.flows, &self.call_work);
        let Some(shared) = legs.shared.get_mut(&key) else {
            if legs.shared.len() >= legs.sweep_at.max(SWEEP_AT) {
                sweep(legs, work, new.time);
            }
            if legs.shared.len() < MOST_ENTRIES {
                legs.shared.insert(key, Shared::One(new));
            }
            return;
        };
        let mut found = None;
        match shared {
            Shared::Common => {}
            Shared::One(old) if old.call == new.call => (old.last, old.time) = (new.last, new.time),
            Shared::One(old) if !alive(old, work, new.time) => *old = new,
            Shared::One(old) => {
                found = passes_on(old, &new, by, flows).then_some(old.call);
                *shared = Shared::Several(vec![*old, new]);
            }
            Shared::Several(members) => {
                if let Some(old) = members.iter_mut().find(|o| o.call == new.call) {
                    (old.last, old.time) = (new.last, new.time);
                    return;
                }
                members.retain(|o| alive(o, work, new.time));
                if members.len() < MOST_LEGS {
                    found = members.iter().rev().find(|o| passes_on(o, &new, by, flows)).map(|o| o.call);
                    members.push(new);
                } else {
                    *shared = Shared::Common;
                    legs.common.insert(key);
                }
            }
        }
        if let Some(old) = found {
            self.link(CallLink { from: new.call, to: old, by, message }, key);
        }
    }

    fn link(&mut self, link: CallLink, key: u64) {
        let legs = &mut self.legs;
        let pair = (link.from.min(link.to), link.from.max(link.to), link.by);
        if link.from == link.to || !legs.known.insert(pair) {
            return;
        }
        let at = self.links.len() as u32;
        self.links.push(link);
        legs.keys.push(key);
        legs.by_call.entry(link.from).or_default().push(at);
        legs.by_call.entry(link.to).or_default().push(at);
    }

    #[cfg(test)]
    pub(super) fn shared_values(&self) -> usize {
        self.legs.shared.len()
    }

    /// Takes back the links made by values that turned out to be common.
    pub(super) fn legs_refresh(&mut self) {
        let legs = &mut self.legs;
        if legs.common.is_empty() {
            return;
        }
        let common = std::mem::take(&mut legs.common);
        if !legs.keys.iter().any(|k| common.contains(k)) {
            return;
        }
        let kept: Vec<(CallLink, u64)> = std::mem::take(&mut self.links)
            .into_iter()
            .zip(std::mem::take(&mut legs.keys))
            .filter(|(_, key)| !common.contains(key))
            .collect();
        legs.known.clear();
        legs.by_call.clear();
        for (link, key) in kept {
            self.link(link, key);
        }
    }
}

/// Whether what a call announced may still be in use.
fn alive(m: &Member, work: &[CallWork], now: Nanos) -> bool {
    let over = work.get(m.call.0 as usize).is_none_or(|w| w.closed);
    !over && now.saturating_sub(m.time) <= SHARED_FOR
}

/// Whether the second announcement looks like the first one passed on by somebody in between.
fn passes_on(old: &Member, new: &Member, by: LinkReason, flows: &[PackedFlow]) -> bool {
    let flow = |id: FlowId| flows.get(id.0 as usize).map(PackedFlow::unpack);
    let (Some(first), Some(last), Some(next)) = (flow(old.first), flow(old.last), flow(new.first)) else {
        return false;
    };
    // On a loopback capture only ports tell the parties apart.
    let same = |a: std::net::SocketAddr, b: std::net::SocketAddr| {
        if a.ip().is_loopback() { a == b } else { a.ip() == b.ip() }
    };
    if same(first.src, next.src) || same(last.src, next.src) {
        return false;
    }
    let received = same(first.dst, next.src) || same(last.dst, next.src);
    received || by == LinkReason::SdpSession
}

fn sweep(legs: &mut Legs, work: &[CallWork], now: Nanos) {
    legs.shared.retain(|_, shared| match shared {
        Shared::One(m) => alive(m, work, now),
        Shared::Several(members) => members.iter().any(|m| alive(m, work, now)),
        Shared::Common => true,
    });
    if legs.shared.len() > SWEEP_AT / 2 {
        // Values that many calls share come back; better to meet them afresh than to fill up with them.
        legs.shared.retain(|_, shared| !matches!(shared, Shared::Common));
    }
    legs.sweep_at = legs.shared.len() * 2;
}

fn until<'a>(s: &'a [u8], ends: &[u8]) -> &'a [u8] {
    let end = s.iter().position(|b| ends.contains(b)).unwrap_or(s.len());
    &s[..end]
}

/// `user@host` of a URI or name-addr, without scheme, port and parameters; of a `tel:` URI the number.
fn address_of_record(uri: &[u8]) -> &[u8] {
    let uri = match uri.iter().position(|b| *b == b'<') {
        Some(at) => until(&uri[at + 1..], b">"),
        None => uri,
    };
    let scheme = uri.iter().position(|b| *b == b':').map_or(0, |at| at + 1);
    let rest = until(uri.get(scheme..).unwrap_or_default(), b";?");
    let host = rest.iter().position(|b| *b == b'@').map_or(0, |at| at + 1);
    let literal = rest.get(host..).unwrap_or_default().starts_with(b"[");
    let port = rest.get(host..).unwrap_or_default().iter().position(|b| *b == b':').filter(|_| !literal);
    port.map_or(rest, |at| &rest[..host + at]).trim_ascii()
}

fn folded_hash(s: &[u8]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::with_seed(4).build_hasher();
    for chunk in s.chunks(16) {
        let mut folded = [0; 16];
        folded[..chunk.len()].copy_from_slice(chunk);
        folded.make_ascii_lowercase();
        hasher.write(&folded);
    }
    hasher.write_usize(s.len());
    hasher.finish()
}

/// The Call-ID of a `Replaces` header inside a Refer-To URI (RFC 3891), unescaped.
fn embedded_replaces(refer_to: &[u8]) -> Option<Vec<u8>> {
    let headers = &refer_to[refer_to.iter().position(|b| *b == b'?')? + 1..];
    let headers = until(headers, b"> ");
    let value = headers.split(|b| *b == b'&').find_map(|h| {
        let name = h.get(..9)?;
        name.eq_ignore_ascii_case(b"replaces=").then(|| &h[9..])
    })?;
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, tail @ ..] = rest {
        let hex = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
        match (first, tail) {
            (b'%', [a, b, after @ ..]) if hex(*a).is_some() && hex(*b).is_some() => {
                plain.push(hex(*a).unwrap_or(0) * 16 + hex(*b).unwrap_or(0));
                rest = after;
            }
            _ => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    let end = plain.iter().position(|b| *b == b';').unwrap_or(plain.len());
    plain.truncate(end);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_record() {
        let check = |uri: &str, aor: &str| {
            assert_eq!(std::str::from_utf8(address_of_record(uri.as_bytes())).unwrap(), aor, "{uri}");
        };
        check("sip:alice@example.com", "alice@example.com");
        check("\"A\" <sips:alice@example.com:5061;transport=tls?X=y>;p", "alice@example.com");
        check("sip:[2001:db8::1]:5060", "[2001:db8::1]:5060");
        check("tel:+4912345;phone-context=x", "+4912345");
        check("sip:h:5060", "h");
        check("<", "");
        check("", "");
        assert_eq!(folded_hash(b"Alice@Example.com"), folded_hash(b"alice@example.COM"));
        assert_ne!(folded_hash(b"a"), folded_hash(b"a\0"));
    }

    #[test]
    fn replaces_inside_refer_to() {
        let check = |uri: &str, id: Option<&str>| {
            assert_eq!(embedded_replaces(uri.as_bytes()), id.map(|s| s.as_bytes().to_vec()), "{uri}");
        };
        check(
            "<sip:c@h?Replaces=12345%40192.168.118.3%3Bto-tag%3D1%3Bfrom-tag%3D2>",
            Some("12345@192.168.118.3"),
        );
        check("sip:c@h?Subject=x&replaces=abc;from-tag=1", Some("abc"));
        check("<sip:c@h?Replaces=a%4>", Some("a%4"));
        check("<sip:c@h>", None);
        check("<sip:c@h?Require=replaces>", None);
    }
}
