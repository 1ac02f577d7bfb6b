//! Session descriptions (RFC 8866) with their candidates.

use super::Redactor;
use super::header::line_end;
use super::names::Words;
use super::text::find;

/// Attributes that say how media goes, and of whom nothing.
const PLAIN: &[&str] = &[
    "rtpmap",
    "fmtp",
    "ptime",
    "maxptime",
    "sendrecv",
    "sendonly",
    "recvonly",
    "inactive",
    "setup",
    "mid",
    "group",
    "rtcp-mux",
    "rtcp-rsize",
    "rtcp-fb",
    "ssrc-group",
    "label",
    "connection",
    "ice-ufrag",
    "ice-lite",
    "ice-options",
    "ice2",
    "framerate",
    "quality",
    "lang",
    "sdplang",
    "orient",
    "type",
    "charset",
    "cat",
    "bundle-only",
    "extmap",
    "extmap-allow-mixed",
    "rid",
    "simulcast",
    "imageattr",
    "sctp-port",
    "sctpmap",
    "max-message-size",
    "silencesupp",
    "encryption",
    "maxbitrate",
    "x-caps",
    "x-ssrc-range",
    "x-candidate-info",
    "x-devicecaps",
    "x-bypassid-none",
    "x-sourceid",
    "x-source-streamid",
    "x-candidate-ipv6",
    "feature",
    "x-bypass",
    "des",
    "curr",
    "conf",
    "crypto-suites",
    "t38faxversion",
    "t38maxbitrate",
    "t38faxratemanagement",
    "t38faxmaxbuffer",
    "t38faxmaxdatagram",
    "t38faxudpec",
    "t38faxfillbitremoval",
    "t38faxtranscodingmmr",
    "t38faxtranscodingjbig",
    "nortpproxy",
    "direction",
    "bandwidth",
    "end-of-candidates",
    "tool",
    "msid-semantic",
    "x-google-flag",
    "x-mediabw",
    "x-applicationsharing-session-id",
    "x-applicationsharing-role",
    "x-applicationsharing-media-type",
    "x-capabilities",
    "accept-types",
    "accept-wrapped-types",
    "x-mediasettings",
    "floorctrl",
    "confid",
    "userid",
    "zrtp-hash",
    "content",
    "rtcp-xr",
    "x-rtp-session-id",
    "pcfg",
    "acfg",
    "tcap",
    "acap",
    "csup",
    "creq",
];

impl Redactor {
    pub(super) fn sdp(&mut self, b: &mut [u8]) {
        self.learn_fax(b);
        let mut at = 0;
        while at < b.len() {
            let (end, next) = line_end(b, at);
            if let Some(line) = b.get_mut(at..end) {
                self.sdp_line(line);
            }
            at = next;
        }
    }

    fn sdp_line(&mut self, line: &mut [u8]) {
        let Some((head, value)) = line.split_at_mut_checked(2).filter(|(h, _)| h.get(1) == Some(&b'='))
        else {
            return self.words(line, Words::ALL);
        };
        match head.first().copied().unwrap_or_default() {
            b'v' | b't' | b'r' | b'z' | b'm' | b'b' => {}
            b'o' => {
                // User, two numbers, network, kind, host.
                let user = find(value, b' ').unwrap_or(value.len());
                let (user, rest) = value.split_at_mut(user);
                self.words(user, Words { keep: &["root"], ..Words::NAMES });
                self.connection(rest);
            }
            b'c' => self.connection(value),
            b's' if is_usual_name(value) => {}
            b's' | b'i' => self.hide(value, false),
            b'u' => self.uri(value),
            b'e' | b'p' => self.words(value, Words::NAMES),
            b'k' => self.secret(value),
            b'a' => self.attribute(value),
            _ => self.words(value, Words { numbers: 5, ..Words::ALL }),
        }
    }

    /// `… IN IP4 host` or `… IN IP6 host/ttl`: the host stands behind the kind.
    fn connection(&mut self, b: &mut [u8]) {
        let kinds: [&[u8]; 4] = [b"IP4 ", b"IP6 ", b"ip4 ", b"ip6 "];
        let found = kinds.iter().filter_map(|k| memchr::memmem::find(b, k)).min();
        let Some(at) = found else {
            return self.words(b, Words { keep: &["in", "ip4", "ip6"], numbers: 19, ..Words::ALL });
        };
        let host = b.get_mut(at + 4..).unwrap_or_default();
        let end = host.iter().position(|c| matches!(c, b'/' | b' ')).unwrap_or(host.len());
        self.host(host.get_mut(..end).unwrap_or_default());
    }

    fn attribute(&mut self, b: &mut [u8]) {
        let colon = find(b, b':').unwrap_or(b.len());
        let (name, value) = b.split_at_mut(colon);
        let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
        let Some((_, value)) = value.split_first_mut() else { return };
        match name.as_str() {
            "candidate" | "x-candidate" | "remote-candidates" | "remote-candidate" => {
                self.candidate(value, &name)
            }
            "rtcp" | "alt" => self.connection_or_words(value),
            "ice-pwd" => self.secret(value),
            "crypto" | "key-mgmt" | "cryptoscale" => self.crypto(value),
            "fingerprint" => {
                let at = find(value, b' ').unwrap_or(0);
                self.words(value.get_mut(at..).unwrap_or_default(), Words::ALL);
            }
            "ssrc" => {
                let at = find(value, b':').unwrap_or(value.len());
                self.words(value.get_mut(at..).unwrap_or_default(), Words::NAMES);
            }
            "note" | "info" | "keywds" => self.hide(value, false),
            _ if PLAIN.contains(&name.as_str()) => {
                if value.iter().any(|c| matches!(c, b'@' | b'.')) {
                    self.unless_plain(value);
                }
            }
            _ => self.words(value, Words { numbers: 5, ..Words::ALL }),
        }
    }

    fn connection_or_words(&mut self, b: &mut [u8]) {
        let has_kind =
            memchr::memmem::find(b, b"IP4 ").or_else(|| memchr::memmem::find(b, b"IP6 ")).is_some();
        if has_kind {
            self.connection(b)
        } else {
            self.words(b, Words { numbers: 5, keep: &["in", "ip4", "ip6"], ..Words::ALL })
        }
    }

    /// The key of each `inline:`.
    fn crypto(&mut self, b: &mut [u8]) {
        let lower = b.to_ascii_lowercase();
        let mut from = 0;
        let mut found = false;
        while let Some(at) = memchr::memmem::find(lower.get(from..).unwrap_or_default(), b"inline:") {
            found = true;
            let key = from + at + 7;
            let len = b
                .get(key..)
                .unwrap_or_default()
                .iter()
                .position(|c| matches!(c, b'|' | b' ' | b';'))
                .unwrap_or(b.len() - key);
            self.secret(b.get_mut(key..key + len).unwrap_or_default());
            from = key + len;
        }
        if !found {
            self.secret(b);
        }
    }

    /// Addresses and names of hosts; passwords where draft-06 has them; names of checks stay, they are random.
    fn candidate(&mut self, b: &mut [u8], name: &str) {
        let mut words = Vec::new();
        let mut at = 0;
        while at < b.len() {
            let rest = b.get(at..).unwrap_or_default();
            let len = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            if len > 0 {
                words.push(at..at + len);
            }
            at += len + 1;
        }
        let is_transport = |w: &[u8]| {
            let known: [&[u8]; 7] = [b"udp", b"tcp", b"tcp-pass", b"tcp-act", b"ssltcp", b"tls", b"tcp-so"];
            known.iter().any(|t| w.eq_ignore_ascii_case(t))
        };
        let text = b.to_vec();
        let word = |n: usize| words.get(n).and_then(|r: &std::ops::Range<usize>| text.get(r.clone()));
        if name == "candidate" && word(3).is_some_and(is_transport) && !word(2).is_some_and(is_transport) {
            // draft-06: id component password transport …
            self.secret(words.get(2).and_then(|r| b.get_mut(r.clone())).unwrap_or_default());
        }
        let transport = (0..words.len()).find(|n| word(*n).is_some_and(is_transport));
        for (n, range) in words.iter().enumerate() {
            let after = |what: &[u8]| n > 0 && word(n - 1).is_some_and(|w| w.eq_ignore_ascii_case(what));
            // Transport, priority, address, port.
            let is_address = transport.is_some_and(|t| n == t + 2) || after(b"raddr");
            let has_dots = word(n).is_some_and(|w| {
                super::names::v4_at(w, 0).is_some()
                    || super::names::v6_at(w, 0).is_some()
                    || w.ends_with(b".local")
            });
            if (is_address || has_dots)
                && let Some(host) = b.get_mut(range.clone())
            {
                self.host(host);
            }
        }
        // Of remote-candidates the names of checks stay, as they do in candidates.
    }
}

/// Names of sessions that programs give.
fn is_usual_name(value: &[u8]) -> bool {
    let usual: [&[u8]; 12] = [
        b"-",
        b"",
        b"session",
        b"SIP Call",
        b"call",
        b"SDP data",
        b"talk",
        b"pjmedia",
        b"Asterisk",
        b"SIP Media Capabilities",
        b"VoipCall",
        b"webrtc",
    ];
    usual.iter().any(|u| value.trim_ascii().eq_ignore_ascii_case(u))
}
