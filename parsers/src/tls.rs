//! TLS records and handshake messages in clear (RFC 8446, RFC 5246, and older), as far as they tell who talks to whom.
//!
//! ```text
//! record:     type(1) version(2) length(2) content      20 ChangeCipherSpec, 21 alert, 22 handshake, 23 data, 24 heartbeat
//! handshake:  type(1) length(3) body                    over as many records as it needs
//! ```
//!
//! Nothing is decrypted. Whether a handshake or alert record is in clear is told by ChangeCipherSpec and by what
//! the record holds: TLS 1.3 sends a ChangeCipherSpec that changes nothing (RFC 8446 appendix D.4) and clear hellos
//! after it, and a reader may join after the handshake.

use crate::Issue;
use crate::probe::{looks_like_sslv2_client_hello, looks_like_tls_record};

pub mod certificate;
pub mod cipher;
pub(crate) mod handshake;
#[cfg(test)]
mod tests;

pub use certificate::{Certificate, parse_certificate};
pub use cipher::{cipher_name, is_grease, server_key_opens};

/// Most of a handshake message that is kept; what is longer is read as far as that.
const MAX_HANDSHAKE: usize = 256 * 1024;
/// Most content of an alert record, or of a handshake record after ChangeCipherSpec, that is looked at.
const MAX_SMALL: usize = 4096;
/// Content beyond 2^14 + 2048 bytes is forbidden (RFC 5246 §6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;
const RECORD_HEADER: usize = 5;

mod content {
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    pub const ALERT: u8 = 21;
    pub const HANDSHAKE: u8 = 22;
    pub const APPLICATION_DATA: u8 = 23;
}

/// What a run of records in one direction says. Fed by [`TlsReader::push`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsEvent {
    ClientHello {
        /// As in the hello's own version field (0x0303 for TLS 1.3, 0x0002 possible in a version 2 hello).
        version: u16,
        server_name: Option<String>,
        alpn: Vec<String>,
        /// The supported_versions extension as written ([`is_grease`] values included); empty without it.
        versions: Vec<u16>,
        /// As written.
        ciphers: Vec<u16>,
    },
    ServerHello {
        /// The version chosen, be it by the supported_versions extension.
        version: u16,
        cipher: u16,
        alpn: Option<String>,
        /// A HelloRetryRequest.
        retry: bool,
    },
    /// First certificate of a Certificate message in clear.
    Certificate(Certificate),
    ChangeCipherSpec,
    /// In clear; `level` 1 warning, 2 fatal.
    Alert {
        level: u8,
        description: u8,
    },
    /// An alert record whose content is encrypted.
    EncryptedAlert,
    /// A record of application data is complete (or cut by a gap); `bytes` of its content, as on the wire.
    ApplicationData {
        bytes: usize,
    },
    /// Its range counts the bytes given to [`TlsReader::push`] from the first.
    Issue(Issue),
}

/// Where the reader stands in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// At the very beginning: a version 2 hello is possible.
    #[default]
    Start,
    /// At a record header.
    Header,
    /// Inside a record.
    Content { kind: u8, left: usize },
    /// Inside a version 2 hello.
    Version2 { left: usize },
    /// Looking for a record.
    Lost,
    /// Something else goes on here after the hellos.
    Left,
}

/// Reads one direction of a TLS connection; keeps at most a handshake message in memory.
#[derive(Debug, Default)]
pub struct TlsReader {
    state: State,
    /// Bytes of a header that is not all there.
    header: Vec<u8>,
    /// Content of an alert or ChangeCipherSpec record, or of a version 2 hello.
    small: Vec<u8>,
    /// Handshake bytes not yet used up; a whole message at most.
    message: Vec<u8>,
    /// Bytes of the message that are left out because it is too long.
    message_skip: usize,
    /// Stream position of the message's first byte.
    message_start: usize,
    /// Content length of the record being read, and the stream position of its header.
    record_bytes: usize,
    record_start: usize,
    /// Handshake records carry ciphertext.
    encrypted: bool,
    /// The next handshake record may begin inside a message, or be ciphertext: believe only what fits.
    doubtful: bool,
    hello_seen: bool,
    certificate_seen: bool,
    data_seen: bool,
    /// Bytes pushed so far.
    position: usize,
}

impl TlsReader {
    /// Memory for what is not all there yet.
    pub fn held(&self) -> usize {
        self.header.capacity() + self.small.capacity() + self.message.capacity()
    }

    /// Takes the next stream bytes, gives what they complete.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<TlsEvent>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let before = rest.len();
            rest = self.step(rest, events);
            self.position = self.position.saturating_add(before - rest.len());
        }
    }

    /// Bytes are missing in the stream: find the next plausible record.
    pub fn gap(&mut self) {
        self.gap_with(&mut Vec::new());
    }

    /// As [`gap`](Self::gap), and gives the application data the gap cuts short.
    pub fn gap_with(&mut self, events: &mut Vec<TlsEvent>) {
        if let State::Content { kind: content::APPLICATION_DATA, left } = self.state
            && left < self.record_bytes
        {
            events.push(TlsEvent::ApplicationData { bytes: self.record_bytes - left });
        }
        self.lose();
        if self.state != State::Left {
            self.state = State::Lost;
        }
    }

    /// The hellos were only for show: what follows is not TLS (the pseudo-TLS opening of [MS-TURN]). Nothing more
    /// is read then.
    pub fn has_left_tls(&self) -> bool {
        self.state == State::Left
    }

    fn lose(&mut self) {
        self.header.clear();
        self.small.clear();
        self.message.clear();
        self.message_skip = 0;
        self.doubtful = true;
    }

    fn step<'b>(&mut self, bytes: &'b [u8], events: &mut Vec<TlsEvent>) -> &'b [u8] {
        match self.state {
            State::Start => self.at_start(bytes),
            State::Header => self.at_header(bytes, events),
            State::Content { kind, left } => self.in_content(kind, left, bytes, events),
            State::Version2 { left } => self.in_version2(left, bytes, events),
            State::Lost => self.when_lost(bytes),
            State::Left => &[],
        }
    }

    /// Fills `header` to `want` bytes; `None` while there are fewer.
    fn fill<'b>(&mut self, want: usize, bytes: &'b [u8]) -> (&'b [u8], bool) {
        let missing = want.saturating_sub(self.header.len()).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        self.header.extend_from_slice(taken);
        (rest, self.header.len() >= want)
    }

    fn at_start<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let first = self.header.first().or(bytes.first()).copied().unwrap_or_default();
        if first & 0x80 == 0 {
            self.state = State::Header;
            return bytes;
        }
        // Eleven bytes show a version 2 hello: its length, type, version and three lengths.
        let (rest, full) = self.fill(11, bytes);
        if full {
            if looks_like_sslv2_client_hello(&self.header)
                && let [high, low, hello @ ..] = self.header.as_slice()
            {
                let length = usize::from(u16::from_be_bytes([high & 0x7F, *low]));
                self.small = hello.to_vec();
                self.state = State::Version2 { left: length.saturating_sub(hello.len()) };
                self.header.clear();
            } else {
                self.state = State::Header;
            }
        }
        rest
    }

    fn in_version2<'b>(&mut self, left: usize, bytes: &'b [u8], events: &mut Vec<TlsEvent>) -> &'b [u8] {
        let (taken, rest) = bytes.split_at_checked(left).unwrap_or((bytes, &[]));
        // At most 2^15 bytes, by its length field.
        self.small.extend_from_slice(taken);
        let left = left - taken.len();
        self.state = State::Version2 { left };
        if left == 0 {
            events.extend(handshake::sslv2_client_hello(&self.small));
            self.hello_seen = true;
            self.small = Vec::new();
            self.state = State::Header;
        }
        rest
    }

    fn at_header<'b>(&mut self, bytes: &'b [u8], events: &mut Vec<TlsEvent>) -> &'b [u8] {
        let (rest, full) = self.fill(RECORD_HEADER, bytes);
        if !full {
            return rest;
        }
        let consumed = self.position.saturating_add(bytes.len() - rest.len());
        self.record_start = consumed.saturating_sub(self.header.len());
        match self.header.as_slice() {
            &[kind, _, _, high, low] if looks_like_tls_record(&self.header) => {
                self.header.clear();
                self.small.clear();
                let length = usize::from(u16::from_be_bytes([high, low]));
                self.record_bytes = length;
                self.state = State::Content { kind, left: length };
                if length == 0 {
                    self.end_record(kind, events);
                }
            }
            _ => self.not_a_record(events),
        }
        rest
    }

    fn not_a_record(&mut self, events: &mut Vec<TlsEvent>) {
        let range = self.record_start..self.record_start.saturating_add(self.header.len());
        let issue = match self.header.as_slice() {
            // Framing of [MS-TURN] over TCP after hellos that lead to nothing.
            [2 | 3, 0, ..]
                if self.hello_seen && !self.certificate_seen && !self.encrypted && !self.data_seen =>
            {
                self.state = State::Left;
                return;
            }
            [20..=24, 3, 0..=4, high, low, ..]
                if usize::from(u16::from_be_bytes([*high, *low])) > MAX_RECORD =>
            {
                Issue::new("tls-record-too-long", range, "A record longer than TLS allows")
            }
            [20..=24, 3, 0..=4, ..] => {
                Issue::new("tls-bad-record", range, "A record whose length its type does not allow")
            }
            _ => Issue::new("tls-bad-record", range, "No TLS record begins where one should"),
        };
        events.push(TlsEvent::Issue(issue));
        // The last bytes might already begin the next record.
        let tail = self.header.split_off(self.header.len().saturating_sub(RECORD_HEADER - 1));
        self.lose();
        self.header = tail;
        self.state = State::Lost;
    }

    fn when_lost<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let mut window = std::mem::take(&mut self.header);
        let held = window.len();
        window.extend_from_slice(bytes);
        let beginnings = 0..window.len().saturating_sub(RECORD_HEADER - 1);
        let found = beginnings.into_iter().find(|at| Self::believable(window.get(*at..).unwrap_or_default()));
        let Some(at) = found else {
            let kept = window.len().min(RECORD_HEADER - 1);
            self.header = window.split_off(window.len() - kept);
            return &[];
        };
        self.state = State::Header;
        match at.checked_sub(held) {
            Some(at) => bytes.get(at..).unwrap_or_default(),
            None => {
                // It begins in bytes of an earlier call.
                window.truncate(held);
                self.header = window.split_off(at);
                bytes
            }
        }
    }

    /// A record header, and a second one where the first says it ends, as far as there are bytes.
    fn believable(bytes: &[u8]) -> bool {
        let Some(&[_, _, _, high, low]) = bytes.first_chunk::<RECORD_HEADER>() else {
            return false;
        };
        if !looks_like_tls_record(bytes) {
            return false;
        }
        let next = RECORD_HEADER + usize::from(u16::from_be_bytes([high, low]));
        match bytes.get(next..) {
            None | Some([]) => true,
            Some(after) if after.len() >= RECORD_HEADER => looks_like_tls_record(after),
            Some(after) => {
                matches!(after.first(), Some(20..=24)) && after.get(1).is_none_or(|major| *major == 3)
            }
        }
    }

    fn in_content<'b>(
        &mut self,
        kind: u8,
        left: usize,
        bytes: &'b [u8],
        events: &mut Vec<TlsEvent>,
    ) -> &'b [u8] {
        let (taken, rest) = bytes.split_at_checked(left).unwrap_or((bytes, &[]));
        match kind {
            content::HANDSHAKE if !self.encrypted => self.handshake_bytes(taken, events),
            content::HANDSHAKE | content::ALERT => {
                let room = MAX_SMALL.saturating_sub(self.small.len()).min(taken.len());
                self.small.extend_from_slice(taken.get(..room).unwrap_or_default());
            }
            _ => {}
        }
        let left = left - taken.len();
        self.state = State::Content { kind, left };
        if left == 0 {
            self.end_record(kind, events);
        }
        rest
    }

    fn end_record(&mut self, kind: u8, events: &mut Vec<TlsEvent>) {
        self.state = State::Header;
        match kind {
            content::CHANGE_CIPHER_SPEC => {
                self.encrypted = true;
                self.message.clear();
                self.message_skip = 0;
                events.push(TlsEvent::ChangeCipherSpec);
            }
            content::ALERT => self.alert(events),
            content::APPLICATION_DATA => {
                self.data_seen = true;
                events.push(TlsEvent::ApplicationData { bytes: self.record_bytes });
            }
            content::HANDSHAKE if self.encrypted => self.clear_hello_after_change(events),
            _ => {}
        }
        self.small.clear();
    }

    fn alert(&mut self, events: &mut Vec<TlsEvent>) {
        // Encrypted content is never as short as two bytes: a MAC or tag comes with it.
        match self.small.as_slice() {
            [level @ (1 | 2), description] => {
                events.push(TlsEvent::Alert { level: *level, description: *description });
            }
            several
                if !self.encrypted
                    && several.len() == self.record_bytes
                    && several.len() <= 8
                    && several.chunks(2).all(|c| matches!(c, [1 | 2, d] if alert_name(*d).is_some())) =>
            {
                for pair in several.chunks_exact(2) {
                    if let [level, description] = pair {
                        events.push(TlsEvent::Alert { level: *level, description: *description });
                    }
                }
            }
            [_, _] => events.push(TlsEvent::Issue(Issue::new(
                "tls-bad-alert",
                self.record_start..self.record_start.saturating_add(RECORD_HEADER + 2),
                "An alert that is neither warning nor fatal",
            ))),
            _ => events.push(TlsEvent::EncryptedAlert),
        }
    }

    /// After the ChangeCipherSpec of TLS 1.3 compatibility a second ClientHello, or the ServerHello after a
    /// HelloRetryRequest, still comes in clear.
    fn clear_hello_after_change(&mut self, events: &mut Vec<TlsEvent>) {
        if self.data_seen {
            return;
        }
        let Some(&[kind @ (1 | 2), high, middle, low, 3, 0..=4]) = self.small.first_chunk::<6>() else {
            return;
        };
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        if handshake::plausible(kind, length) && length + 4 == self.record_bytes {
            let body = self.small.get(4..).unwrap_or_default();
            let mut found = Vec::new();
            handshake::read_message(kind, body, self.record_start, &mut found);
            // The content is kept only in part, so an early end is our own doing.
            events.extend(found.into_iter().filter(|e| !matches!(e, TlsEvent::Issue(_))));
        }
    }

    fn handshake_bytes(&mut self, taken: &[u8], events: &mut Vec<TlsEvent>) {
        let mut rest = self.skip_too_long(taken);
        while !rest.is_empty() {
            if self.message.is_empty() {
                self.message_start = self.position.saturating_add(taken.len() - rest.len());
            }
            rest = self.fill_message(4, rest);
            let [kind, high, middle, low, ..] = *self.message.as_slice() else {
                return;
            };
            let length = be24(high, middle, low);
            let wanted = 4 + length;
            // Joined inside a conversation: only a message that fits its record shows that this is clear text.
            let doubtful = std::mem::take(&mut self.doubtful);
            let plausible = handshake::plausible(kind, length);
            if !plausible && !doubtful {
                self.bad_message(events);
            }
            if !plausible || (doubtful && wanted > self.record_bytes) {
                self.message.clear();
                self.encrypted = true;
                return;
            }
            let keep = wanted.min(MAX_HANDSHAKE);
            rest = self.fill_message(keep, rest);
            if self.message.len() < keep {
                return;
            }
            self.message_skip = wanted - keep;
            self.end_message(events);
            rest = self.skip_too_long(rest);
        }
    }

    /// Fills `message` to `want` bytes, gives what is left.
    fn fill_message<'b>(&mut self, want: usize, bytes: &'b [u8]) -> &'b [u8] {
        let missing = want.saturating_sub(self.message.len()).min(bytes.len());
        let (part, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        self.message.extend_from_slice(part);
        rest
    }

    fn skip_too_long<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let skipped = self.message_skip.min(bytes.len());
        self.message_skip -= skipped;
        bytes.get(skipped..).unwrap_or_default()
    }

    fn end_message(&mut self, events: &mut Vec<TlsEvent>) {
        let message = std::mem::take(&mut self.message);
        let [kind, _, _, _, body @ ..] = message.as_slice() else {
            return;
        };
        match *kind {
            handshake::kind::CLIENT_HELLO | handshake::kind::SERVER_HELLO => self.hello_seen = true,
            handshake::kind::CERTIFICATE => self.certificate_seen = true,
            _ => {}
        }
        handshake::read_message(*kind, body, self.message_start, events);
    }

    /// No handshake message begins so: damage, or, where nothing was seen in clear, ciphertext.
    fn bad_message(&self, events: &mut Vec<TlsEvent>) {
        if self.hello_seen {
            let range = self.message_start..self.message_start.saturating_add(self.message.len());
            let text = "A handshake message of unknown form";
            events.push(TlsEvent::Issue(Issue::new("tls-bad-handshake", range, text)));
        }
    }
}

fn be24(high: u8, middle: u8, low: u8) -> usize {
    usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
}

/// `TLS 1.2` for 0x0303 …; unknown numbers give `None`.
pub fn version_name(version: u16) -> Option<&'static str> {
    Some(match version {
        0x0002 => "SSL 2.0",
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        0x7F00..=0x7FFF | 0xFB00..=0xFB40 => "TLS 1.3 draft",
        0x0100 | 0xFEFF => "DTLS 1.0",
        0xFEFD => "DTLS 1.2",
        0xFEFC => "DTLS 1.3",
        _ => return None,
    })
}

/// Name of an alert description (RFC 8446 §6, RFC 5246 §7.2, and the IANA registry).
pub fn alert_name(description: u8) -> Option<&'static str> {
    Some(match description {
        0 => "close_notify",
        1 => "end_of_early_data",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}
