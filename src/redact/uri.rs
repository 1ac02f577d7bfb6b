//! URIs (RFC 3986, RFC 3261 §19.1, RFC 3966), hosts, user parts, and `name <uri>;parameters`.

use super::names::{Words, v4_at, v6_at};
use super::text::find;
use super::{Redactor, keywords};

/// Parameters whose value says nothing of anybody.
const PLAIN: &[&str] = &[
    "transport",
    "lr",
    "user",
    "ttl",
    "method",
    "q",
    "expires",
    "rport",
    "keep",
    "ob",
    "alg",
    "comp",
    "algorithm",
    "qop",
    "nc",
    "version",
    "stale",
    "scheme",
    "charset",
    "refresher",
    "handling",
    "duration",
    "reason",
    "retry-after",
    "cause",
    "index",
    "privacy",
    "screen",
    "party",
    "counter",
    "limit",
    "reg-id",
    "ms-keep-alive",
    "gruu",
    "isfocus",
    "text",
    "audio",
    "video",
    "automata",
    "class",
    "mobility",
    "methods",
    "events",
    "schemes",
    "languages",
    "type",
    "ms-version",
    "received-port",
    "branch",
    "sigcomp-id-none",
    "proxy",
    "code",
];

impl Redactor {
    /// A host without its port: a name or an address.
    pub(super) fn host(&mut self, b: &mut [u8]) {
        if let Some(b'[') = b.first() {
            let end = b.len();
            return self.words(b.get_mut(1..end).unwrap_or_default(), Words::ALL);
        }
        let whole = |at: Option<usize>| at == Some(b.len());
        if whole(v4_at(b, 0).map(|a| a.0.end)) || whole(v6_at(b, 0).map(|a| a.0.end)) {
            return self.words(b, Words::ALL);
        }
        if self.reverse_name(b) {
            return;
        }
        self.words(b, Words { keep: keywords::LABELS, ..Words::NAMES });
    }

    /// `4.3.2.1.in-addr.arpa`: the address as everywhere else.
    fn reverse_name(&mut self, b: &mut [u8]) -> bool {
        let lower = b.to_ascii_lowercase();
        let text = lower.strip_suffix(b".").unwrap_or(&lower);
        let Some(octets) = text.strip_suffix(b".in-addr.arpa") else { return false };
        let Ok(text) = std::str::from_utf8(octets) else { return false };
        let parts: Vec<Option<u8>> = text.split('.').map(|p| p.parse().ok()).collect();
        let [Some(d), Some(c), Some(b2), Some(a)] = parts.as_slice() else { return false };
        let [a, b2, c, d] = self.v4([*a, *b2, *c, *d]);
        let shown = format!("{d}.{c}.{b2}.{a}");
        if shown.len() == octets.len() {
            super::names::write(b, 0..shown.len(), shown.as_bytes());
        }
        true
    }

    /// `host`, `host:port`, `[host]:port`.
    pub(super) fn host_port(&mut self, b: &mut [u8]) {
        let end = match b.first() {
            Some(b'[') => find(b, b']').map_or(b.len(), |e| e + 1),
            _ if v6_at(b, 0).is_some_and(|a| a.0.end == b.len()) => b.len(),
            _ => find(b, b':').unwrap_or(b.len()),
        };
        self.host(b.get_mut(..end).unwrap_or_default());
    }

    /// A user part: a name or a number, perhaps with parameters of a number.
    pub(super) fn user(&mut self, b: &mut [u8]) {
        let end = find(b, b';').unwrap_or(b.len());
        let (name, parameters) = b.split_at_mut(end);
        if !self.number(name) {
            self.words(name, Words { keep: keywords::USERS, ..Words::NAMES });
        }
        let keep = &["ext", "phone", "context", "isub", "postd", "npdi", "rn", "cpc", "oli", "tgrp", "trunk"];
        self.words(parameters, Words { keep, ..Words::ALL });
    }

    /// Digits with marks between them, as one number.
    fn number(&mut self, b: &mut [u8]) -> bool {
        let marks = |c: &u8| matches!(c, b'0'..=b'9' | b'+' | b'-' | b'.' | b'(' | b')' | b'*' | b'#');
        let places: Vec<usize> =
            b.iter().enumerate().filter(|(_, c)| c.is_ascii_digit()).map(|(i, _)| i).collect();
        if places.is_empty() || !b.iter().all(marks) || v4_at(b, 0).is_some() {
            return false;
        }
        self.digits(b, &places, true);
        true
    }

    /// `user:password@host:port`, `host:port`, or `user@host`.
    fn authority(&mut self, b: &mut [u8]) {
        let at = b.iter().rposition(|c| *c == b'@');
        let (user, host) = b.split_at_mut(at.map_or(0, |a| a + 1));
        if let Some((_, user)) = user.split_last_mut() {
            let colon = find(user, b':').unwrap_or(user.len());
            let (user, password) = user.split_at_mut(colon);
            self.user(user);
            if !password.is_empty() {
                self.words(password, Words::ALL);
            }
        }
        self.host_port(host);
    }

    /// Parameters `;name=value…` (or `?name=value&…`): names stay.
    pub(super) fn parameters(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while at < b.len() {
            let len = parameter_len(b.get(at..).unwrap_or_default());
            let (begin, end) = (at, at + len);
            at = end + 1;
            let Some(parameter) = b.get_mut(begin..end) else { return };
            let Some(equals) = find(parameter, b'=') else { continue };
            let (name, value) = parameter.split_at_mut(equals);
            let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
            self.parameter(&name, value.get_mut(1..).unwrap_or_default());
        }
    }

    fn parameter(&mut self, name: &str, value: &mut [u8]) {
        match name {
            "received" | "maddr" | "ms-received-ip" | "x-route-tag-host" => self.host(value),
            "branch" => self.free_text(value),
            "boundary" => {}
            "response" | "rspauth" | "gssapi-data" | "ms-body" | "cryptosuite-key" | "key" | "password" => {
                self.secret(value)
            }
            "realm" | "targetname" | "source" | "ms-fe" | "domain" => self.named_host(value),
            "username" | "text" | "display" | "name" | "+sip.instance" | "epid" => {
                self.words(value, Words { keep: &["urn", "uuid"], ..Words::NAMES })
            }
            "reason" | "hresult" | "component" | "appname" => self.free_text(value),
            "uri" | "ms-referredby" | "addr" | "target" | "from-uri" | "to-uri" => self.quoted_uri(value),
            "methods" | "events" => {}
            _ if name.ends_with("gruu") => self.quoted_uri(value),
            _ if PLAIN.contains(&name) => self.unless_plain(value),
            _ if name.starts_with("+sip.") || name.starts_with("+g.") => {
                self.words(value, Words { keep: &["urn", "uuid"], ..Words::ALL })
            }
            _ => self.value(value),
        }
    }

    /// A realm or target, in quotes or not: a host, or a host behind a service's name.
    fn named_host(&mut self, b: &mut [u8]) {
        const SERVICE: &[u8] = b"SIP Communications Service";
        let inner = quoted(b);
        if inner == SERVICE {
            return;
        }
        self.words(b, Words { keep: &["sip", "host", "http"], ..Words::NAMES });
    }

    fn quoted_uri(&mut self, b: &mut [u8]) {
        let (from, to) = if b.first() == Some(&b'"') { (1, b.len().saturating_sub(1)) } else { (0, b.len()) };
        self.uri(b.get_mut(from..to.max(from)).unwrap_or_default());
    }

    /// What should hold nothing of anybody: words that do are replaced all the same.
    pub(super) fn unless_plain(&mut self, b: &mut [u8]) {
        let named = b.contains(&b'@')
            || (0..b.len()).any(|at| {
                let begins = at == 0 || b.get(at - 1).is_some_and(|c| !c.is_ascii_alphanumeric());
                begins && (v4_at(b, at).is_some() || v6_at(b, at).is_some())
            });
        if named {
            self.words(b, Words { keep: keywords::PARAMETERS, numbers: 3, ..Words::ALL })
        } else {
            self.free_text(b)
        }
    }

    /// The value of a parameter that nothing is known of.
    pub(super) fn value(&mut self, b: &mut [u8]) {
        self.words(b, Words { keep: keywords::PARAMETERS, numbers: 3, ..Words::ALL });
    }

    /// A URI of any scheme, or what may stand in place of one.
    pub(super) fn uri(&mut self, b: &mut [u8]) {
        self.nest(b, Self::uri_inside);
    }

    fn uri_inside(&mut self, b: &mut [u8]) {
        let start = b.iter().take_while(|c| c.is_ascii_whitespace()).count();
        let b = b.get_mut(start..).unwrap_or_default();
        let colon = b.iter().position(|c| !(c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.')));
        let scheme = match colon.filter(|c| b.get(*c) == Some(&b':')) {
            Some(end) => String::from_utf8_lossy(b.get(..end).unwrap_or_default()).to_ascii_lowercase(),
            None => String::new(),
        };
        let rest_at = if scheme.is_empty() { 0 } else { scheme.len() + 1 };
        let rest = b.get_mut(rest_at..).unwrap_or_default();
        match scheme.as_str() {
            "sip" | "sips" | "im" | "pres" | "mailto" | "xmpp" | "callto" | "h323" | "msim" | "sipim" => {
                if rest.starts_with(b"sip:") || rest.starts_with(b"tel:") {
                    return self.uri(rest);
                }
                let end = authority_end(rest);
                let (authority, tail) = rest.split_at_mut(end);
                if !authority.contains(&b'@') && find(authority, b'.').is_none() && self.number(authority) {
                } else {
                    self.authority(authority);
                }
                let question = find(tail, b'?').unwrap_or(tail.len());
                let (parameters, headers) = tail.split_at_mut(question);
                self.parameters(parameters);
                self.uri_headers(headers);
            }
            "tel" | "fax" | "modem" => {
                let end = find(rest, b';').unwrap_or(rest.len());
                let (number, parameters) = rest.split_at_mut(end);
                if !self.number(number) {
                    self.words(number, Words::NAMES);
                }
                self.words(
                    parameters,
                    Words { keep: &["ext", "phone", "context", "isub", "postd", "user"], ..Words::ALL },
                );
            }
            "conf" => self.uri(rest),
            "urn" => {
                let known = ["ietf:", "schemas-", "service:", "microsoft", "oid:"];
                if !known.iter().any(|k| rest.starts_with(k.as_bytes())) {
                    self.words(rest, Words { keep: &["uuid", "application", "device"], ..Words::ALL });
                }
            }
            "http" | "https" | "ldap" | "ldaps" | "ws" | "wss" | "ftp" | "stun" | "turn" | "stuns"
            | "turns" => {
                self.web_address(rest);
            }
            "localhost" | "" => self.bare(b),
            _ => self.bare(b),
        }
    }

    fn web_address(&mut self, b: &mut [u8]) {
        let skip = b.iter().take_while(|c| **c == b'/').count();
        let rest = b.get_mut(skip..).unwrap_or_default();
        // Names of vocabularies look like places on the web.
        let vocabularies: [&[u8]; 4] =
            [b"schemas.", b"www.w3.org/", b"www.ecma-international.org/", b"www.webrtc.org/"];
        if vocabularies.iter().any(|v| rest.starts_with(v)) {
            return;
        }
        let end = rest.iter().position(|c| matches!(c, b'/' | b'?' | b'#')).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_mut(end);
        self.authority(authority);
        self.words(path, Words::NAMES);
    }

    /// What has no scheme: `user@host`, an address, or words.
    fn bare(&mut self, b: &mut [u8]) {
        if b.contains(&b'@') {
            let end = authority_end(b);
            let (authority, tail) = b.split_at_mut(end);
            self.authority(authority);
            self.parameters(tail);
        } else {
            let keep = if b.contains(&b'.') { keywords::LABELS } else { keywords::USERS };
            self.words(b, Words { keep, ..Words::NAMES });
        }
    }

    /// Headers of a URI, escaped: names stay, the words of values are replaced wherever they are.
    fn uri_headers(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while at < b.len() {
            let len = b
                .get(at + 1..)
                .unwrap_or_default()
                .iter()
                .position(|c| *c == b'&')
                .map_or(b.len() - at, |l| l + 1);
            let Some(part) = b.get_mut(at..at + len) else { return };
            at += len;
            let Some(equals) = find(part, b'=') else { continue };
            let value = part.get_mut(equals + 1..).unwrap_or_default();
            self.words(value, Words { keep: keywords::PARAMETERS, ..Words::ALL });
        }
    }

    /// `"Name" <uri>;parameters, …`: the value of From, Contact, Route …
    pub(super) fn name_addrs(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while at < b.len() {
            let len = element_len(b.get(at..).unwrap_or_default(), b',');
            if let Some(one) = b.get_mut(at..at + len) {
                self.name_addr(one);
            }
            at += len + 1;
        }
    }

    fn name_addr(&mut self, b: &mut [u8]) {
        let open = unquoted(b, b'<');
        let (uri, end) = match open {
            Some(open) => {
                let close = b.get(open..).and_then(|r| find(r, b'>')).map_or(b.len(), |c| open + c);
                self.display(b.get_mut(..open).unwrap_or_default());
                (open + 1..close, close)
            }
            None => {
                // Parameters behind a bare URI are the header's.
                let end = find(b, b';').unwrap_or(b.len());
                (0..end, end)
            }
        };
        self.uri(b.get_mut(uri).unwrap_or_default());
        let rest = b.get_mut(end..).unwrap_or_default();
        let skip = usize::from(rest.first() == Some(&b'>'));
        self.parameters(rest.get_mut(skip..).unwrap_or_default());
    }

    pub(super) fn display(&mut self, b: &mut [u8]) {
        self.words(b, Words { keep: &["anonymous"], ..Words::NAMES });
    }
}

/// Without the quotes around it.
fn quoted(b: &[u8]) -> &[u8] {
    let b = b.trim_ascii();
    b.strip_prefix(b"\"").and_then(|b| b.strip_suffix(b"\"")).unwrap_or(b)
}

/// Where user and host end: at the parameters or headers behind the host.
fn authority_end(b: &[u8]) -> usize {
    let from = b.iter().position(|c| *c == b'@').filter(|at| {
        // An `@` behind `?` belongs to the headers.
        !b.get(..*at).unwrap_or_default().contains(&b'?')
    });
    let from = from.unwrap_or(0);
    let rest = b.get(from..).unwrap_or_default();
    from + rest.iter().position(|c| matches!(c, b';' | b'?' | b'>' | b' ')).unwrap_or(rest.len())
}

/// Length of a parameter, up to the next `;`, `,`, `&` outside of quotes.
fn parameter_len(b: &[u8]) -> usize {
    let mut inside = false;
    let mut escaped = false;
    for (at, c) in b.iter().enumerate() {
        match c {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b';' | b',' if !inside => return at,
            _ => {}
        }
    }
    b.len()
}

/// Length up to a mark outside of quotes and angle brackets.
pub(super) fn element_len(b: &[u8], mark: u8) -> usize {
    let (mut inside, mut escaped, mut angle) = (false, false, false);
    for (at, c) in b.iter().enumerate() {
        match c {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'<' if !inside => angle = true,
            b'>' if !inside => angle = false,
            _ if *c == mark && !inside && !angle => return at,
            _ => {}
        }
    }
    b.len()
}

fn unquoted(b: &[u8], mark: u8) -> Option<usize> {
    let (mut inside, mut escaped) = (false, false);
    for (at, c) in b.iter().enumerate() {
        match c {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            _ if *c == mark && !inside => return Some(at),
            _ => {}
        }
    }
    None
}
