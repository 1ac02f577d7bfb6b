//! The names of one user: addresses that a trusted element asserts together (`P-Asserted-Identity` with a sip and a tel
//! URI), the endpoint ids (`epid`) that the user's own From and To carry, and those of GRUUs (`opaque=user:epid:…`).
//!
//! An endpoint id never joins two users: it is a name of each whose address it was sent with.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use callscope_parsers::sip::name_addr::{NameAddr, parse_name_addr};
use callscope_parsers::sip::{Message, param, parse_message, routing};

use super::Analysis;
use super::model::*;
use crate::limits::Limits;

/// Bytes of a name; longer ones are nobody's.
const LONGEST: usize = 256;

/// Keys are addresses of record in small letters: `alice@contoso.com`, `+14255550100`.
#[derive(Debug, Clone, Default)]
pub struct Aliases {
    groups: HashMap<String, usize>,
    /// Names of each group; a group that was joined to another is empty.
    names: Vec<BTreeSet<String>>,
    /// Endpoint ids by address.
    endpoints: HashMap<String, BTreeSet<String>>,
    /// Messages looked at so far, and how many of them were read.
    next: usize,
    read: usize,
    /// Names of the limits that left something out.
    over: BTreeSet<&'static str>,
}

/// The aliases learned last, shared by all who ask between two batches.
#[derive(Debug, Default)]
pub(super) struct AliasCache(Mutex<Arc<Aliases>>);

/// `sip:Alice@contoso.com;x=1` → `alice@contoso.com`.
pub fn address_key(uri: &[u8]) -> Option<String> {
    let uri = uri.strip_prefix(b"<").unwrap_or(uri);
    let rest = match uri.iter().position(|b| *b == b':') {
        Some(at) if uri.get(..at).is_some_and(|s| s.iter().all(u8::is_ascii_alphabetic)) => {
            uri.get(at + 1..)?
        }
        _ => uri,
    };
    let end = rest.iter().position(|b| matches!(b, b';' | b'?' | b'>')).unwrap_or(rest.len());
    let key = rest.get(..end)?;
    (!key.is_empty() && key.len() <= LONGEST).then(|| String::from_utf8_lossy(key).to_lowercase())
}

/// The id in `opaque=user:epid:…` of a URI.
fn gruu_endpoint(uri: &[u8]) -> Option<&[u8]> {
    const MARK: &[u8] = b"opaque=user:epid:";
    let lower = uri.get(..uri.len().min(1024))?.to_ascii_lowercase();
    let start = memchr::memmem::find(&lower, MARK)? + MARK.len();
    let id = uri.get(start..)?;
    let end = id.iter().position(|b| matches!(b, b';' | b'>' | b'?' | b'&')).unwrap_or(id.len());
    id.get(..end).filter(|id| !id.is_empty() && id.len() <= LONGEST)
}

/// The endpoint ids in From and To: `epid`, and that of a GRUU.
pub fn endpoint_ids(message: &Message<'_>) -> Vec<Vec<u8>> {
    let mut ids = Vec::new();
    for h in message.headers.iter().filter(|h| h.is("From") || h.is("To")).take(4) {
        let (address, _) = parse_name_addr(message.bytes, h.value_range.clone());
        let uri = message.bytes.get(address.uri.range.clone()).unwrap_or_default();
        let both = [Some(param::value(&address.params, "epid")), gruu_endpoint(uri)];
        ids.extend(both.into_iter().flatten().filter(|id| !id.is_empty()).map(<[u8]>::to_vec));
    }
    ids
}

impl Aliases {
    /// The limits by which names were left out, as `--limits` calls them.
    pub fn limits_hit(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.over.iter().copied()
    }

    /// All names of the user with this address, in small letters; that address among them.
    pub fn of(&self, key: &str) -> Vec<&str> {
        let group = self.groups.get(key).and_then(|g| self.names.get(*g));
        let addresses: Vec<&str> = match group {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => self.endpoints.get_key_value(key).map(|(k, _)| k.as_str()).into_iter().collect(),
        };
        let ids = addresses.iter().filter_map(|a| self.endpoints.get(*a)).flatten();
        let mut all: Vec<&str> = ids.map(String::as_str).collect();
        all.extend(&addresses);
        all.sort_unstable();
        all.dedup();
        all
    }

    fn join(&mut self, a: &str, b: &str, limits: &Limits) {
        let group = |s: &mut Self, key: &str| -> Option<usize> {
            if let Some(g) = s.groups.get(key) {
                return Some(*g);
            }
            if s.names.len() >= limits.alias_users {
                s.over.insert("alias_users");
                return None;
            }
            s.names.push(BTreeSet::from([key.to_owned()]));
            s.groups.insert(key.to_owned(), s.names.len() - 1);
            Some(s.names.len() - 1)
        };
        let (Some(to), Some(from)) = (group(self, a), group(self, b)) else { return };
        let size = |g: usize| self.names.get(g).map_or(0, BTreeSet::len);
        if to == from {
            return;
        }
        if size(to) + size(from) > limits.alias_names {
            self.over.insert("alias_names");
            return;
        }
        let moved = self.names.get_mut(from).map(std::mem::take).unwrap_or_default();
        for name in &moved {
            self.groups.insert(name.clone(), to);
        }
        if let Some(names) = self.names.get_mut(to) {
            names.extend(moved);
        }
    }

    fn endpoint(&mut self, key: &str, id: &[u8], limits: &Limits) {
        if id.is_empty() || id.len() > LONGEST {
            return;
        }
        if !self.endpoints.contains_key(key) && self.endpoints.len() >= limits.alias_users {
            self.over.insert("alias_users");
            return;
        }
        let ids = self.endpoints.entry(key.to_owned()).or_default();
        let id = String::from_utf8_lossy(id).to_lowercase();
        if ids.len() < limits.alias_names {
            ids.insert(id);
        } else if !ids.contains(&id) {
            self.over.insert("alias_names");
        }
    }

    fn learn(&mut self, message: &Message<'_>, limits: &Limits) {
        let uri = |a: &NameAddr<'_>| message.bytes.get(a.uri.range.clone()).unwrap_or_default();
        for h in &message.headers {
            let range = h.value_range.clone();
            if h.is("From") || h.is("To") {
                let (address, _) = parse_name_addr(message.bytes, range);
                let Some(key) = address_key(uri(&address)) else { continue };
                self.endpoint(&key, param::value(&address.params, "epid"), limits);
                if let Some(id) = gruu_endpoint(uri(&address)) {
                    self.endpoint(&key, id, limits);
                }
            } else if h.is("Contact") {
                // The GRUU of the user who registers, or its own address as such.
                if let Some(at) = memchr::memmem::find(&h.value, b"sip:")
                    && let Some(gruu) = h.value.get(at..)
                    && let (Some(id), Some(key)) = (gruu_endpoint(gruu), address_key(gruu))
                    && key.contains('@')
                {
                    self.endpoint(&key, id, limits);
                }
            } else if h.is("P-Asserted-Identity") {
                let (identity, _) = routing::parse_identity(message.bytes, range);
                if let (Some(sip), Some(tel)) = (identity.sip(), identity.tel())
                    && let (Some(sip), Some(tel)) = (address_key(uri(sip)), address_key(uri(tel)))
                {
                    self.join(&sip, &tel, limits);
                }
            }
        }
        // The two identities may stand in headers of their own.
        let mut all = message.headers_named("P-Asserted-Identity");
        if let (Some(a), Some(b), None) = (all.next(), all.next(), all.next()) {
            let keys = [&a.value, &b.value].map(|v| {
                let tel = memchr::memmem::find(v, b"tel:");
                let at = tel.or_else(|| memchr::memmem::find(v, b"sip"))?;
                Some((tel.is_some(), address_key(v.get(at..)?)?))
            });
            if let [Some((one, a)), Some((other, b))] = keys
                && one != other
            {
                let (sip, tel) = if one { (b, a) } else { (a, b) };
                self.join(&sip, &tel, limits);
            }
        }
    }

    /// What the messages say that came since.
    fn catch_up(&mut self, analysis: &Analysis) {
        for at in self.next..analysis.messages.len() {
            let m = MsgIdx(u32::try_from(at).unwrap_or(u32::MAX));
            let r = analysis.message(m);
            let opening = r.is_request() && !r.has(flag::TO_TAG);
            let answer = (180..300).contains(&r.status)
                && matches!(r.method, MethodId::INVITE | MethodId::REGISTER | MethodId::SUBSCRIBE);
            if !(opening || answer) || r.has(flag::RETRANSMISSION) || r.has(flag::DUPLICATE) {
                continue;
            }
            if self.read >= analysis.limits.alias_messages {
                self.over.insert("alias_messages");
                break;
            }
            self.read += 1;
            let bytes = analysis.head_bytes(m).ok();
            if let Some(message) = bytes.as_deref().and_then(parse_message) {
                self.learn(&message, &analysis.limits);
            }
        }
        self.next = analysis.messages.len();
    }
}

impl Analysis {
    /// The names of users, learned of all messages so far.
    pub fn aliases(&self) -> Arc<Aliases> {
        let mut known = self.alias_cache.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.next != self.messages.len() {
            Arc::make_mut(&mut known).catch_up(self);
        }
        known.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(heads: &[&str]) -> Aliases {
        learned_within(heads, Limits::default())
    }

    fn learned_within(heads: &[&str], limits: Limits) -> Aliases {
        let mut aliases = Aliases::default();
        for head in heads {
            let text = format!("INVITE sip:b@x SIP/2.0\r\n{head}\r\n\r\n");
            aliases.learn(&parse_message(text.as_bytes()).unwrap(), &limits);
        }
        aliases
    }

    #[test]
    fn identities_asserted_together_are_one_user_and_endpoints_join_nobody() {
        let aliases = learned(&[
            "From: <sip:Alice@Contoso.com>;tag=1;epid=AA11\r\nP-Asserted-Identity: <sip:alice@contoso.com>, <tel:+14255550100>",
            "From: <sip:bob@contoso.com>;tag=1;epid=aa11",
            "To: <sip:alice@contoso.com;opaque=user:epid:xYz;gruu>",
            "P-Asserted-Identity: <sip:carol@contoso.com>\r\nP-Asserted-Identity: <tel:+14255550102;ext=2>",
            "P-Asserted-Identity: <sip:d@contoso.com>, <sip:e@contoso.com>",
        ]);
        assert_eq!(aliases.of("alice@contoso.com"), ["+14255550100", "aa11", "alice@contoso.com", "xyz"]);
        assert_eq!(aliases.of("+14255550100"), aliases.of("alice@contoso.com"));
        assert_eq!(aliases.of("bob@contoso.com"), ["aa11", "bob@contoso.com"]);
        assert_eq!(aliases.of("carol@contoso.com"), ["+14255550102", "carol@contoso.com"]);
        assert_eq!(aliases.of("d@contoso.com"), [""; 0]);
    }

    #[test]
    fn hostile_names_are_bounded() {
        let long = "x".repeat(1 << 20);
        let head =
            format!("From: <sip:{long}@x>;epid={long}\r\nP-Asserted-Identity: <sip:{long}>, <tel:{long}>");
        let aliases = learned(&[&head, "From: <sip:\u{1b}[2J@x>;epid=\u{7}", "Contact: sip:", "To: ;;epid"]);
        assert!(aliases.groups.is_empty());
        let many: Vec<String> = (0..8)
            .map(|n| format!("P-Asserted-Identity: <sip:a@b>, <tel:{n}>\r\nFrom: <sip:a@b>;epid={n}e"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let within = |limits| {
            let aliases = learned_within(&many, limits);
            (aliases.of("a@b").len(), aliases.limits_hit().collect::<Vec<_>>())
        };
        assert_eq!(within(Limits::default()), (17, vec![]));
        // Three addresses and three endpoints.
        assert_eq!(within(Limits { alias_names: 3, ..Limits::default() }), (6, vec!["alias_names"]));
        // The endpoints of one user, and one address, which no other can be joined to.
        assert_eq!(within(Limits { alias_users: 1, ..Limits::default() }).1, ["alias_users"]);
    }
}
