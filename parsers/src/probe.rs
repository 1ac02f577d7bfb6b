//! Tells protocols apart by content, cheaply and without state.
//!
//! For datagrams the first byte decides which checks are worth making (RFC 7983 §7, RFC 5764 §5.1.2); text
//! protocols share the ranges 0x20–0x7F with DTLS and ChannelData and are looked at first, because their first
//! line is much stronger evidence than a length that happens to fit.
//!
//! | first byte | what it can be | checked by |
//! |---|---|---|
//! | 0–3 | STUN, MS-TURN, RFC 3489 | cookie, type, length |
//! | 9, 10, 13 | keep-alive, or blank lines before SIP | text |
//! | 16–19 | ZRTP | cookie |
//! | 20–63 | DTLS, text | version, length |
//! | 64–127 | text, ChannelData (64–79 in RFC 8656, to 127 in RFC 5766) | first line, length |
//! | 128–191 | RTP, RTCP (RFC 5761 §4 by the second byte) | header sizes, packet walk |
//!
//! Damaged or cut messages are still named where what is left is unmistakable, so that the protocol's own parser
//! can say what is wrong with them.

use memchr::memchr;

#[cfg(test)]
mod tests;

/// What a datagram payload or the beginning of a stream looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Probe {
    Sip,
    /// CRLF, double CRLF or NULs between SIP messages.
    SipKeepAlive,
    Stun,
    /// TURN ChannelData (0x4000–0x7FFF).
    ChannelData,
    Dtls,
    Zrtp,
    Rtp,
    Rtcp,
    Tls,
    Http,
    Unknown,
}

/// STUN magic cookie (RFC 8489 §5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
/// First attribute of every MS-TURN message: MAGIC-COOKIE, four bytes ([MS-TURN] §2.2.2).
const MS_TURN_COOKIE: [u8; 8] = [0x00, 0x0F, 0x00, 0x04, 0x72, 0xC6, 0x4B, 0xC6];
const STUN_HEADER: usize = 20;
const DTLS_HEADER: usize = 13;
const RTP_HEADER: usize = 12;
/// Most a TLS record may carry: 2^14 plus 2048 of expansion (RFC 5246 §6.2.3).
const TLS_RECORD_MAX: usize = (1 << 14) + 2048;
/// A method longer than this is not waited for.
const METHOD_MAX: usize = 80;

/// Of a whole UDP payload. Rtp and Rtcp are guesses by header alone.
#[inline]
pub fn probe_datagram(payload: &[u8]) -> Probe {
    let Some(&first) = payload.first() else {
        return Probe::Unknown;
    };
    match first {
        128..=191 => probe_rtp(payload),
        0..=3 => probe_stun(payload),
        9 | 10 | 13 => probe_text(payload),
        16..=19 if crate::zrtp::looks_like_zrtp(payload) => Probe::Zrtp,
        20..=127 => {
            let text = probe_text(payload);
            if text != Probe::Unknown {
                text
            } else if first < 64 {
                probe_dtls(payload)
            } else {
                probe_channel_data(payload)
            }
        }
        _ => Probe::Unknown,
    }
}

/// Of the first bytes of one direction of a TCP connection (or of what follows a gap).
///
/// `Unknown` also means "too few bytes to tell": ask again with more. A message that is only begun is recognised
/// where its beginning is unmistakable.
#[inline]
pub fn probe_stream(bytes: &[u8]) -> Probe {
    let Some(&first) = bytes.first() else {
        return Probe::Unknown;
    };
    match first {
        20..=24 => {
            if looks_like_tls_record(bytes) {
                Probe::Tls
            } else {
                Probe::Unknown
            }
        }
        0..=3 => match be16(bytes, 2) {
            Some(length) if length % 4 == 0 && bytes.get(4..8) == Some(&MAGIC_COOKIE) => Probe::Stun,
            _ => Probe::Unknown,
        },
        9 | 10 | 13 | 32..=127 => probe_text(bytes),
        128..=255 if looks_like_sslv2_client_hello(bytes) => Probe::Tls,
        _ => Probe::Unknown,
    }
}

/// Could these bytes begin a TLS record: known type, version 3.0–3.4, a length within bounds (RFC 8446 §5.1)?
#[inline]
pub fn looks_like_tls_record(bytes: &[u8]) -> bool {
    let Some(&[kind @ 20..=24, 3, 0..=4, high, low]) = bytes.first_chunk::<5>() else {
        return false;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    match kind {
        // One and two bytes in clear, more where a renegotiation encrypts them.
        20 => (1..=256).contains(&length),
        21 => (2..=256).contains(&length),
        // Only application data may be an empty fragment.
        22 | 24 => (1..=TLS_RECORD_MAX).contains(&length),
        _ => length <= TLS_RECORD_MAX,
    }
}

/// A version 2 ClientHello that offers SSL 2.0, SSL 3.0 or TLS (RFC 5246 appendix E.2).
#[inline]
pub fn looks_like_sslv2_client_hello(bytes: &[u8]) -> bool {
    // Two length bytes with the top bit set, type 1, version, then three lengths.
    let Some(&[high, low, 1, major, minor, specs_high, specs_low, session_high, session_low, c_high, c_low]) =
        bytes.first_chunk::<11>()
    else {
        return false;
    };
    let length = usize::from(u16::from_be_bytes([high & 0x7F, low]));
    let specs = usize::from(u16::from_be_bytes([specs_high, specs_low]));
    let session = usize::from(u16::from_be_bytes([session_high, session_low]));
    let challenge = usize::from(u16::from_be_bytes([c_high, c_low]));
    high & 0x80 != 0
        && matches!((major, minor), (0, 2) | (3, 0..=4))
        && specs > 0
        && specs % 3 == 0
        && (session == 0 || session == 16)
        && (16..=32).contains(&challenge)
        && length == 9 + specs + session + challenge
}

#[inline]
fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk::<2>().map(|&pair| usize::from(u16::from_be_bytes(pair)))
}

#[inline]
fn probe_stun(payload: &[u8]) -> Probe {
    let (Some(kind), Some(length)) = (be16(payload, 0), be16(payload, 2)) else {
        return keep_alive_of_nuls(payload);
    };
    if payload.len() < STUN_HEADER {
        return keep_alive_of_nuls(payload);
    }
    let whole = length + STUN_HEADER == payload.len();
    let attributes = payload.get(STUN_HEADER..).unwrap_or_default();
    // MS-TURN first: its transaction id may begin with the RFC 5389 cookie, and it may be unpadded.
    if attributes.starts_with(&MS_TURN_COOKIE) && whole {
        return Probe::Stun;
    }
    if payload.get(4..8) == Some(&MAGIC_COOKIE) {
        // A length that does not fit is a cut or damaged message; the cookie is evidence enough. Microsoft dialects
        // also come unpadded with the cookie, and then the length is exact.
        return if length % 4 == 0 || whole { Probe::Stun } else { Probe::Unknown };
    }
    let classic = matches!(
        kind,
        // RFC 3489 Binding and Shared Secret; then the Allocate, Send, Data and Set Active Destination of TURN drafts.
        0x0001
            | 0x0101
            | 0x0111
            | 0x0002
            | 0x0102
            | 0x0112
            | 0x0003
            | 0x0103
            | 0x0113
            | 0x0004
            | 0x0104
            | 0x0114
            | 0x0115
            | 0x0006
            | 0x0106
            | 0x0116
    );
    if whole && (classic && plausible_attribute(attributes) || crate::stun::looks_like_stun(payload)) {
        Probe::Stun
    } else {
        Probe::Unknown
    }
}

/// A message without attributes, or one whose first attribute is a known number and fits.
#[inline]
fn plausible_attribute(attributes: &[u8]) -> bool {
    if attributes.is_empty() {
        return true;
    }
    let (Some(kind), Some(length)) = (be16(attributes, 0), be16(attributes, 2)) else {
        return false;
    };
    matches!(kind, 0x0001..=0x0030 | 0x8000..=0x80FF) && length + 4 <= attributes.len()
}

#[inline]
fn keep_alive_of_nuls(payload: &[u8]) -> Probe {
    if payload.len() <= 8 && payload.iter().all(|&b| b == 0) { Probe::SipKeepAlive } else { Probe::Unknown }
}

#[inline]
fn probe_dtls(payload: &[u8]) -> Probe {
    let Some(&[kind, major, minor]) = payload.first_chunk::<3>() else {
        return Probe::Unknown;
    };
    if kind & 0xE0 == 0x20 {
        return probe_dtls13_unified(payload);
    }
    // 0x0100 is what OpenSSL before 0.9.8f wrote.
    let version = matches!((major, minor), (0xFE, 0xFC..=0xFF) | (0x01, 0x00));
    match be16(payload, 11) {
        Some(length)
            if matches!(kind, 20..=26)
                && version
                && payload.len() >= DTLS_HEADER
                && (1..=TLS_RECORD_MAX).contains(&length) =>
        {
            Probe::Dtls
        }
        _ => Probe::Unknown,
    }
}

/// DTLS 1.3 encrypted records (RFC 9147 §4): only those that carry a length and no connection id can be told.
#[inline]
fn probe_dtls13_unified(payload: &[u8]) -> Probe {
    let Some(&first) = payload.first() else {
        return Probe::Unknown;
    };
    if first & 0x14 != 0x04 {
        return Probe::Unknown;
    }
    let header = if first & 0x08 != 0 { 5 } else { 4 };
    match be16(payload, header - 2) {
        Some(length) if length >= 16 && header + length == payload.len() => Probe::Dtls,
        _ => Probe::Unknown,
    }
}

#[inline]
fn probe_channel_data(payload: &[u8]) -> Probe {
    match be16(payload, 2) {
        // Over UDP padding is optional (RFC 8656 §12.5).
        Some(length) if length + 4 == payload.len() || (length + 4).next_multiple_of(4) == payload.len() => {
            Probe::ChannelData
        }
        _ => Probe::Unknown,
    }
}

#[inline]
fn probe_rtp(payload: &[u8]) -> Probe {
    let Some(&[first, second]) = payload.first_chunk::<2>() else {
        return Probe::Unknown;
    };
    if (192..=223).contains(&second) && looks_like_rtcp(payload) {
        return Probe::Rtcp;
    }
    // 72–76 with or without marker would be RTCP (RFC 5761 §4).
    if payload.len() < RTP_HEADER || matches!(second & 0x7F, 72..=76) {
        return Probe::Unknown;
    }
    let mut header = RTP_HEADER + 4 * usize::from(first & 0x0F);
    if first & 0x10 != 0 {
        match be16(payload, header + 2) {
            Some(words) => header += 4 + 4 * words,
            None => return Probe::Unknown,
        }
    }
    if header <= payload.len() { Probe::Rtp } else { Probe::Unknown }
}

/// Walks a compound packet. What follows the first packet may be encrypted (SRTCP, RFC 3711 §3.4), so for the
/// common packet types only the first length must fit.
#[inline]
fn looks_like_rtcp(payload: &[u8]) -> bool {
    let mut rest = payload;
    let mut packets = 0u32;
    while let Some(&[first, second, high, low]) = rest.first_chunk::<4>() {
        let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        let fits = first >> 6 == 2 && (192..=223).contains(&second) && length <= rest.len();
        if !fits {
            break;
        }
        if packets == 0 && length < 8 {
            return false;
        }
        packets += 1;
        rest = rest.get(length..).unwrap_or_default();
    }
    if packets == 0 {
        return false;
    }
    rest.is_empty() || (matches!(payload.get(1), Some(200..=207)) && rest.len() >= 4)
}

// ---- text ---------------------------------------------------------------------------------------------------

/// Bytes that may stand in a method (RFC 3261 §25.1 `token`).
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0usize;
    while byte < 128 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric()
            || matches!(b, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    table
};

const SIP_METHODS: [&[u8]; 17] = [
    b"INVITE",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"OPTIONS",
    b"REGISTER",
    b"PRACK",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"PUBLISH",
    b"INFO",
    b"REFER",
    b"MESSAGE",
    b"UPDATE",
    b"SERVICE",
    b"BENOTIFY",
    b"NEGOTIATE",
];
const HTTP_METHODS: [&[u8]; 9] =
    [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH", b"TRACE"];
const URI_SCHEMES: [&[u8]; 6] = [b"sip:", b"sips:", b"tel:", b"urn:", b"im:", b"pres:"];

/// SIP, HTTP, or blank lines by the first line. Most binary payloads fail at their first or second byte.
#[inline]
fn probe_text(bytes: &[u8]) -> Probe {
    // Nearly all answers begin so.
    if bytes.starts_with(b"SIP/2.0 ") {
        return Probe::Sip;
    }
    let mut text = bytes;
    while let Some((&(b'\r' | b'\n'), rest)) = text.split_first() {
        text = rest;
    }
    if text.is_empty() {
        return Probe::SipKeepAlive;
    }
    // NULs padded to the end of a keep-alive are seen from some phones.
    if text.len() < bytes.len() && text.len() <= 8 && text.iter().all(|&b| b == 0) {
        return Probe::SipKeepAlive;
    }
    let mut method_len = 0;
    for &b in text {
        if !TOKEN[usize::from(b)] {
            break;
        }
        method_len += 1;
        if method_len > METHOD_MAX {
            return Probe::Unknown;
        }
    }
    match (method_len, text.get(method_len)) {
        (0, _) => Probe::Unknown,
        (_, Some(b' ' | b'\t')) => probe_request_line(text, method_len),
        (3 | 4, Some(b'/')) => probe_status_line(text),
        _ => Probe::Unknown,
    }
}

fn probe_status_line(text: &[u8]) -> Probe {
    if starts_with_nocase(text, b"SIP/") && version_then_space(text.get(4..).unwrap_or_default()) {
        Probe::Sip
    } else if starts_with_nocase(text, b"HTTP/") && version_then_space(text.get(5..).unwrap_or_default()) {
        Probe::Http
    } else {
        Probe::Unknown
    }
}

/// `2.0 ` with what is cut off at the end taken as right.
fn version_then_space(text: &[u8]) -> bool {
    let digits = |t: &[u8]| t.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
    let major = digits(text);
    let Some(after) = text.get(major..).filter(|a| !a.is_empty()) else {
        return true;
    };
    if major == 0 {
        return false;
    }
    let Some(minor_text) = after.strip_prefix(b".") else {
        // HTTP/2 without a minor number.
        return matches!(after.first(), Some(b' ' | b'\t'));
    };
    let minor = digits(minor_text);
    match minor_text.get(minor) {
        None => true,
        Some(b' ' | b'\t' | b'\r' | b'\n') => minor > 0,
        Some(_) => false,
    }
}

fn probe_request_line(text: &[u8], method_len: usize) -> Probe {
    let end = memchr(b'\n', text);
    let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    // Nearly all requests end so.
    if line.ends_with(b" SIP/2.0\r") {
        return Probe::Sip;
    }
    let (method, rest) = line.split_at_checked(method_len).unwrap_or((line, &[]));
    let rest = rest.trim_ascii();
    let last_word = rest.rsplit(|&b| b == b' ' || b == b'\t').next().unwrap_or_default();
    match version_word(last_word) {
        Probe::Unknown => {}
        found => return found,
    }
    // A version followed by something else, as in `INVITE sip:a@b SIP/2.0 junk`.
    if rest.split(|&b| b == b' ' || b == b'\t').any(|word| version_word(word) == Probe::Sip) {
        return Probe::Sip;
    }
    if end.is_some() || rest.is_empty() {
        return Probe::Unknown;
    }
    // The line is cut: a known method and the beginning of a fitting target must do.
    let target = rest.strip_prefix(b"<").unwrap_or(rest);
    if SIP_METHODS.contains(&method) && URI_SCHEMES.iter().any(|scheme| begins_alike(target, scheme)) {
        Probe::Sip
    } else if HTTP_METHODS.contains(&method)
        && (matches!(target.first(), Some(b'/' | b'*'))
            || begins_alike(target, b"http://")
            || begins_alike(target, b"https://"))
    {
        Probe::Http
    } else {
        Probe::Unknown
    }
}

/// `SIP/2.0` or `HTTP/1.1` as the last word of a request line; any version number.
fn version_word(word: &[u8]) -> Probe {
    let digit_at = |at: usize| word.get(at).is_some_and(u8::is_ascii_digit);
    if starts_with_nocase(word, b"SIP/") && digit_at(4) {
        Probe::Sip
    } else if starts_with_nocase(word, b"HTTP/") && digit_at(5) {
        Probe::Http
    } else {
        Probe::Unknown
    }
}

#[inline]
fn starts_with_nocase(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// One is the beginning of the other, in any case.
fn begins_alike(text: &[u8], whole: &[u8]) -> bool {
    let n = text.len().min(whole.len());
    match (text.get(..n), whole.get(..n)) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}
