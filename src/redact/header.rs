//! Header sections: of SIP, of HTTP, of the parts of a body.

use std::ops::Range;

use callscope_parsers::sip::canonical_name;

use super::names::Words;
use super::text::find;
use super::uri::element_len;
use super::{CALL_IDS, LONGEST_REMEMBERED, Redactor, keywords};

/// What a header section says of the body behind it, as it was.
#[derive(Debug, Default)]
pub(super) struct About {
    pub content_type: Vec<u8>,
    pub encoded: bool,
    pub transfer_encoding: String,
    pub content_length: Option<usize>,
    /// Where the body begins; the end of the bytes where the section does not end.
    pub body: usize,
}

/// Headers that hold numbers, dates and words of the protocol.
const PLAIN: &[&str] = &[
    "cseq",
    "max-forwards",
    "content-length",
    "expires",
    "min-expires",
    "min-se",
    "session-expires",
    "rseq",
    "rack",
    "allow",
    "supported",
    "require",
    "proxy-require",
    "unsupported",
    "allow-events",
    "accept",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "content-language",
    "mime-version",
    "date",
    "timestamp",
    "priority",
    "privacy",
    "event",
    "content-transfer-encoding",
    "sip-etag",
    "upgrade",
    "connection",
    "sec-websocket-key",
    "sec-websocket-accept",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "cache-control",
    "pragma",
    "datetime",
    "suppress-if-match",
    "sip-if-match",
    "p-early-media",
    "answer-mode",
    "request-disposition",
    "flow-timer",
];

/// Headers of names and addresses.
const ADDRESSES: &[&str] = &[
    "from",
    "to",
    "contact",
    "route",
    "record-route",
    "p-asserted-identity",
    "p-preferred-identity",
    "refer-to",
    "referred-by",
    "reply-to",
    "diversion",
    "history-info",
    "remote-party-id",
    "path",
    "service-route",
    "p-associated-uri",
    "p-called-party-id",
    "p-served-user",
    "alert-info",
    "call-info",
    "error-info",
    "identity-info",
    "ms-sender",
    "p-session-initiator",
    "ms-transferor",
    "ms-split-domain-info",
    "cc",
    "ms-application-via",
];

/// Headers whose text is for people who look for trouble.
const REASONS: &[&str] = &["user-agent", "server", "reason", "retry-after", "subscription-state"];

/// Parts of the names of parameters of diagnostics whose value names somebody.
const NAMING: &[&str] = &[
    "source", "user", "uri", "host", "fqdn", "server", "machine", "trunk", "phone", "dial", "peer", "domain",
    "target", "name", "caller", "callee", "from", "to=", "pool", "gateway",
];

/// Headers of users: all in them is a secret or a name.
const SECRETS: &[&str] = &["cookie", "set-cookie", "identity", "ms-ephemeral-key", "p-access-network-info"];

impl Redactor {
    /// Rewrites a header section and says what the body is.
    pub(super) fn header_section(&mut self, b: &mut [u8]) -> About {
        let mut about = About { body: b.len(), ..About::default() };
        let mut at = 0;
        while at < b.len() {
            let line = line_end(b, at);
            if blank(b, at..line.0) {
                about.body = line.1;
                break;
            }
            // A line that begins with white space goes on with the one before.
            let (mut end, mut next) = line;
            while matches!(b.get(next), Some(b' ' | b'\t')) && !blank(b, next..line_end(b, next).0) {
                (end, next) = line_end(b, next);
            }
            self.header(b, at..end, &mut about);
            at = next;
        }
        about
    }

    fn header(&mut self, b: &mut [u8], range: Range<usize>, about: &mut About) {
        let Some(line) = b.get_mut(range) else { return };
        let Some(colon) = find(line, b':') else { return self.words(line, Words::ALL) };
        let (name, value) = line.split_at_mut(colon);
        let value = value.get_mut(1..).unwrap_or_default();
        let name = String::from_utf8_lossy(canonical_name(name.trim_ascii())).to_ascii_lowercase();
        let text = value.trim_ascii().to_vec();
        match name.as_str() {
            "content-type" => about.content_type = text,
            "content-encoding" => about.encoded = !text.eq_ignore_ascii_case(b"identity"),
            "content-transfer-encoding" => {
                about.transfer_encoding = String::from_utf8_lossy(&text).to_ascii_lowercase();
            }
            "content-length" => {
                about.content_length = std::str::from_utf8(&text).ok().and_then(|t| t.parse().ok())
            }
            _ => {}
        }
        self.header_value(&name, value);
    }

    fn header_value(&mut self, name: &str, value: &mut [u8]) {
        let parameters = Words { keep: keywords::PARAMETERS, ..Words::ALL };
        match name {
            _ if ADDRESSES.contains(&name) => self.name_addrs(value),
            _ if self.leg_headers.iter().any(|h| h == name) => self.words(value, parameters),
            "via" => self.via(value),
            "call-id" | "in-reply-to" => self.call_id(value),
            "replaces" | "target-dialog" | "join" | "same-session" => self.words(
                value,
                Words { keep: &["to", "from", "tag", "early", "only", "local", "remote"], ..Words::ALL },
            ),
            "authorization"
            | "proxy-authorization"
            | "www-authenticate"
            | "proxy-authenticate"
            | "authentication-info"
            | "proxy-authentication-info" => self.credentials(value),
            "subject" => self.hide(value, false),
            "content-type" => self.content_type(value),
            _ if name.starts_with("ms-diagnostics") || name == "ms-client-diagnostics" => {
                self.diagnostics(value)
            }
            "warning" => self.warning(value),
            "content-disposition" => self.parameters(value),
            _ if REASONS.contains(&name) => self.free_text(value),
            _ if SECRETS.contains(&name) => self.secret(value),
            _ if PLAIN.contains(&name) => {
                if value.contains(&b'@') {
                    self.unless_plain(value);
                }
            }
            "host" | "origin" | "referer" | "location" => self.uri(value),
            "content-id" | "content-location" | "message-id" => self.words(value, Words::ALL),
            "ms-text-format" => self.content_type(value),
            "ms-user-logon-data" | "ms-keep-alive" | "ms-endpoint-location-data" | "presence-state" => {
                self.value(value)
            }
            _ => self.words(value, Words { numbers: 3, ..parameters }),
        }
    }

    fn via(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while at < b.len() {
            let len = element_len(b.get(at..).unwrap_or_default(), b',');
            if let Some(one) = b.get_mut(at..at + len) {
                // Protocol, white space, host and port, parameters.
                let slash = one.iter().rposition(|c| *c == b'/').unwrap_or(0);
                let protocol = one.get(slash..).unwrap_or_default();
                let skip = protocol.iter().position(|c| c.is_ascii_whitespace()).unwrap_or(protocol.len());
                let skip = skip
                    + protocol
                        .get(skip..)
                        .unwrap_or_default()
                        .iter()
                        .take_while(|c| c.is_ascii_whitespace())
                        .count();
                let rest = one.get_mut(slash + skip..).unwrap_or_default();
                let end =
                    rest.iter().position(|c| *c == b';' || c.is_ascii_whitespace()).unwrap_or(rest.len());
                let (host, rest) = rest.split_at_mut(end);
                self.host_port(host);
                self.parameters(rest);
            }
            at += len + 1;
        }
    }

    /// A Call-ID; of one that is cut off, what the beginning of the whole one became.
    pub(super) fn call_id(&mut self, b: &mut [u8]) {
        let trimmed = b.trim_ascii();
        let fits = (1..=LONGEST_REMEMBERED).contains(&trimmed.len());
        if !self.frozen && fits && self.call_ids.len() < CALL_IDS {
            self.call_ids.insert(trimmed.to_vec());
        }
        self.words(b, Words::ALL);
    }

    /// The beginning of a Call-ID whose end the capture does not hold.
    pub(super) fn cut_call_id(&mut self, b: &mut [u8]) {
        let start = b.iter().take_while(|c| c.is_ascii_whitespace()).count();
        let begin = b.get(start..).unwrap_or_default().to_vec();
        // In their order those that begin so come first.
        let whole = self.call_ids.range(begin.clone()..).next().filter(|id| id.starts_with(&begin)).cloned();
        match whole {
            Some(mut id) if begin.len() >= 8 => {
                self.words(&mut id, Words::ALL);
                let end = start + begin.len();
                super::names::write(b, start..end, id.get(..begin.len()).unwrap_or_default());
            }
            _ => self.words(b, Words::ALL),
        }
    }

    /// `scheme name=value, …`, or a scheme and a token.
    fn credentials(&mut self, b: &mut [u8]) {
        let start = b.iter().take_while(|c| c.is_ascii_whitespace()).count();
        let scheme =
            b.get(start..).unwrap_or_default().iter().take_while(|c| !c.is_ascii_whitespace()).count();
        let name =
            String::from_utf8_lossy(b.get(start..start + scheme).unwrap_or_default()).to_ascii_lowercase();
        // Authentication-Info of RFC 3261 has no scheme.
        let from = if name.contains('=') { start } else { start + scheme };
        let rest = b.get_mut(from..).unwrap_or_default();
        if matches!(name.as_str(), "basic" | "bearer") {
            return self.secret(rest);
        }
        self.parameters(rest);
    }

    fn content_type(&mut self, b: &mut [u8]) {
        let begin = find(b, b';').unwrap_or(b.len());
        let rest = b.get_mut(begin..).unwrap_or_default();
        let mut at = 0;
        while at < rest.len() {
            let len = element_len(rest.get(at..).unwrap_or_default(), b';');
            if let Some(part) = rest.get_mut(at..at + len)
                && let Some(equals) = find(part, b'=')
            {
                let (name, value) = part.split_at_mut(equals + 1);
                match name.trim_ascii().to_ascii_lowercase().as_slice() {
                    b"ms-body=" => self.hide_base64(value),
                    b"start=" => self.words(value, Words::ALL),
                    b"charset=" | b"boundary=" | b"type=" | b"msgr=" => {}
                    b"name=" | b"filename=" => self.words(value, Words::ALL),
                    _ => self.free_text(value),
                }
            }
            at += len + 1;
        }
    }

    /// `number host "text"` (RFC 3261 §20.43): the host may have no dot.
    fn warning(&mut self, b: &mut [u8]) {
        let start = b.iter().take_while(|c| c.is_ascii_whitespace()).count();
        let number = b.get(start..).unwrap_or_default().iter().take_while(|c| c.is_ascii_digit()).count();
        let from = (start + number + 1).min(b.len());
        let host = b.get(from..).and_then(|r| r.iter().position(|c| c.is_ascii_whitespace() || *c == b'"'));
        let to = host.map_or(b.len(), |len| from + len);
        self.host_port(b.get_mut(from..to).unwrap_or_default());
        self.free_text(b.get_mut(to..).unwrap_or_default());
    }

    /// `number;reason="…";source="…";…` ([MS-OCER] §2.2.1).
    fn diagnostics(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while at < b.len() {
            let len = element_len(b.get(at..).unwrap_or_default(), b';');
            if let Some(part) = b.get_mut(at..at + len) {
                match find(part, b'=') {
                    Some(equals) => {
                        let (name, value) = part.split_at_mut(equals + 1);
                        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                        if NAMING.iter().any(|n| name.contains(n)) {
                            self.words(value, Words { keep: keywords::LABELS, ..Words::NAMES });
                        } else {
                            self.free_text(value);
                        }
                    }
                    None => self.free_text(part),
                }
            }
            at += len + 1;
        }
    }
}

/// End of the line that begins at `at` without its line break, and where the next begins.
pub(super) fn line_end(b: &[u8], at: usize) -> (usize, usize) {
    match b.get(at..).and_then(|r| find(r, b'\n')) {
        Some(len) => {
            let end = at + len;
            let text = if end > at && b.get(end - 1) == Some(&b'\r') { end - 1 } else { end };
            (text, end + 1)
        }
        None => (b.len(), b.len()),
    }
}

fn blank(b: &[u8], range: Range<usize>) -> bool {
    b.get(range).is_none_or(<[u8]>::is_empty)
}
