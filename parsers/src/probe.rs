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
//! | 20–63 | DTLS, text | version, length |
//! | 64–127 | text, ChannelData (64–79 in RFC 8656, to 127 in RFC 5766) | first line, length |
//! | 128–191 | RTP, RTCP (RFC 5761 §4 by the second byte) | header sizes, packet walk |
//!
//! Damaged or cut messages are still named where what is left is unmistakable, so that the protocol's own parser
//! can say what is wrong with them.

use memchr::memchr;

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
    if classic && whole && plausible_attribute(attributes) { Probe::Stun } else { Probe::Unknown }
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

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[track_caller]
    fn check(payload: &[u8], expect: Probe) {
        assert_eq!(probe_datagram(payload), expect, "{:?}", payload.escape_ascii().to_string());
    }

    #[test]
    fn sip_requests_and_responses() {
        check(b"INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: x\r\n\r\n", Probe::Sip);
        check(b"SIP/2.0 200 OK\r\n\r\n", Probe::Sip);
        check(b"sip/2.0 200 OK\r\n\r\n", Probe::Sip);
        check(b"\r\n\r\nOPTIONS sip:a SIP/2.0\r\n\r\n", Probe::Sip);
        check(b"BENOTIFY sip:1.2.3.4:5061;transport=tls SIP/2.0\nCall-ID: 1\n\n", Probe::Sip);
        // First lines of RFC 4475 §3.1.1.2 (intmeth), §3.1.2.7 (ltgtruri), §3.1.2.9 (lwsstart), §3.1.2.10 (trws).
        check(b"!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)@example.com SIP/2.0\r\n", Probe::Sip);
        check(b"INVITE <sip:user@example.com> SIP/2.0\r\n", Probe::Sip);
        check(b"INVITE  sip:user@example.com  SIP/2.0\r\n", Probe::Sip);
        check(b"OPTIONS sip:remote-target@example.com SIP/2.0  \r\n", Probe::Sip);
        // §3.1.2.16 (badvers).
        check(b"OPTIONS sip:t.watson@example.org SIP/7.0\r\n", Probe::Sip);
        check(b"INVITE sip:a@b SIP/2.0 junk\r\n", Probe::Sip);
    }

    #[test]
    fn sip_with_a_long_first_line() {
        let mut long = b"INVITE sip:".to_vec();
        long.resize(40_000, b'a');
        long.extend_from_slice(b"@x SIP/2.0\r\n\r\n");
        check(&long, Probe::Sip);
    }

    #[test]
    fn sip_cut_inside_its_first_line() {
        check(b"INVITE sip:bob@bil", Probe::Sip);
        check(b"REGISTER s", Probe::Sip);
        check(b"SIP/2.", Probe::Sip);
        check(b"INVITE x", Probe::Unknown);
        check(b"INVITE ", Probe::Unknown);
    }

    #[test]
    fn other_text_is_not_sip() {
        check(b"OPTIONS rtsp://10.0.0.1/cam RTSP/1.0\r\n\r\n", Probe::Unknown);
        check(b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n", Probe::Http);
        check(b"GET /ws HTTP/1.1\r\n\r\n", Probe::Http);
        check(b"MSRP d93kswow SEND\r\n", Probe::Unknown);
        check(b"<13>Oct 11 22:14:15 host app: INVITE sip:a\n", Probe::Unknown);
        check(b"HTTP/1.1 101 Switching Protocols\r\n", Probe::Http);
        check(b"SIPPING is fun\r\n", Probe::Unknown);
        check(b"SIP/x", Probe::Unknown);
        check(b"hello world\r\n", Probe::Unknown);
    }

    #[test]
    fn keep_alives() {
        check(b"\r\n", Probe::SipKeepAlive);
        check(b"\r\n\r\n", Probe::SipKeepAlive);
        check(b"\0", Probe::SipKeepAlive);
        check(b"\0\0\0\0", Probe::SipKeepAlive);
        check(b"\r\n\0", Probe::SipKeepAlive);
        check(&[0; 100], Probe::Unknown);
        check(b"", Probe::Unknown);
    }

    // Header and first attribute of RFC 5769 §2.1, cut after the attribute in the second case.
    const RFC5769_REQUEST: [u8; 108] = hex!(
        "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
        "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
        "c1b571a280280004e57a3bcf"
    );

    #[test]
    fn stun_with_cookie() {
        check(&RFC5769_REQUEST, Probe::Stun);
        check(&RFC5769_REQUEST[..40], Probe::Stun);
        let mut odd = RFC5769_REQUEST;
        odd[3] = 0x57;
        check(&odd, Probe::Unknown);
    }

    #[test]
    fn stun_without_cookie() {
        // RFC 3489 Binding Request without attributes: transaction id invented.
        check(&hex!("00010000 00112233445566778899aabbccddeeff"), Probe::Stun);
        // With CHANGE-REQUEST.
        check(&hex!("00010008 00112233445566778899aabbccddeeff 0003000400000006"), Probe::Stun);
        // MS-TURN Allocate with an unpadded attribute of five bytes: length 17.
        check(
            &hex!("00030011 00112233445566778899aabbccddeeff 000f000472c64bc6 000600056162636465"),
            Probe::Stun,
        );
        // The same with an id that begins like the RFC 5389 cookie.
        check(
            &hex!("00030011 2112a442445566778899aabbccddeeff 000f000472c64bc6 000600056162636465"),
            Probe::Stun,
        );
        // Unpadded SOFTWARE of three bytes after an RFC 5389 header.
        check(&hex!("00010007 2112a442445566778899aabbccddeeff 80220003616263"), Probe::Stun);
        // Length does not fit; unknown type; a DNS query with id 1.
        check(&hex!("00010004 00112233445566778899aabbccddeeff"), Probe::Unknown);
        check(&hex!("00050000 00112233445566778899aabbccddeeff"), Probe::Unknown);
        check(&hex!("0001 0100 0001 0000 0000 0000 0377777703636f6d00 0001 0001"), Probe::Unknown);
    }

    #[test]
    fn channel_data() {
        check(&hex!("4000 0004 80000001"), Probe::ChannelData);
        check(&hex!("4001 0003 800000 00"), Probe::ChannelData);
        check(&hex!("7ffe 0001 80"), Probe::ChannelData);
        check(&hex!("4001 0009 80000001"), Probe::Unknown);
    }

    #[test]
    fn dtls() {
        check(&hex!("16feff 0000 000000000000 0002 0100"), Probe::Dtls);
        check(&hex!("17fefd 0001 000000000001 0004 00000000"), Probe::Dtls);
        check(&hex!("160303 0000 000000000000 0002 0100"), Probe::Unknown);
        let mut unified = hex!("2e 0001 0010").to_vec();
        unified.resize(5 + 16, 0xAA);
        check(&unified, Probe::Dtls);
        unified.push(0);
        check(&unified, Probe::Unknown);
    }

    #[test]
    fn rtp() {
        let mut packet = hex!("8000 0001 000000a0 11223344").to_vec();
        packet.resize(172, 0xFF);
        check(&packet, Probe::Rtp);
        check(&packet[..11], Probe::Unknown);
        // One CSRC and an extension of one word.
        check(&hex!("9100 0001 000000a0 11223344 55667788 bede0001 00000000"), Probe::Rtp);
        check(&hex!("9100 0001 000000a0 11223344 55667788 bede0002 00000000"), Probe::Unknown);
        check(&hex!("8f00 0001 000000a0 11223344"), Probe::Unknown);
        check(&hex!("8048 0001 000000a0 11223344"), Probe::Unknown);
        // ZRTP Hello (RFC 6189 §5) begins with 0x10.
        check(&hex!("1000 0001 5a525450 11223344"), Probe::Unknown);
    }

    #[test]
    fn rtcp() {
        // Empty RR followed by SDES with CNAME `a`.
        check(&hex!("80c90001 11223344 81ca0002 11223344 01016100"), Probe::Rtcp);
        // SRTCP: the second packet is encrypted, then index and tag.
        check(&hex!("80c90001 11223344 deadbeef 80000001 00112233445566778899"), Probe::Rtcp);
        check(&hex!("80c90009 11223344"), Probe::Unknown);
        // RTP with marker and payload type 96+: never RTCP.
        check(&hex!("80e0 0001 000000a0 11223344 00"), Probe::Rtp);
    }

    #[test]
    fn streams() {
        assert_eq!(probe_stream(&hex!("16030100c8 01")), Probe::Tls);
        assert_eq!(probe_stream(&hex!("1603010000 01")), Probe::Unknown);
        assert_eq!(probe_stream(&hex!("1703030000")), Probe::Tls);
        assert_eq!(probe_stream(&hex!("1503010002 0228")), Probe::Tls);
        assert_eq!(probe_stream(&hex!("16030148ff")), Probe::Unknown);
        // Version 2 ClientHello offering TLS 1.0 with two cipher specs and a challenge of sixteen bytes.
        let mut v2 = hex!("801f 01 0301 0006 0000 0010 000004 000005").to_vec();
        v2.resize(2 + 0x1f, 0x55);
        assert_eq!(probe_stream(&v2), Probe::Tls);
        assert_eq!(probe_stream(&RFC5769_REQUEST), Probe::Stun);
        assert_eq!(probe_stream(b"INVITE sip:a@b SIP/2.0\r\n"), Probe::Sip);
        assert_eq!(probe_stream(b"\r\n\r\n"), Probe::SipKeepAlive);
        assert_eq!(probe_stream(b"GET / HTTP/1.1\r\n"), Probe::Http);
        assert_eq!(probe_stream(b"GET /"), Probe::Http);
        assert_eq!(probe_stream(&hex!("02000024 00030010")), Probe::Unknown);
        assert_eq!(probe_stream(&hex!("05")), Probe::Unknown);
    }

    proptest! {
        #[test]
        fn any_method_is_found(method in "[A-Z!%*_+`'~.-]{1,40}", user in "[a-z0-9]{1,20}") {
            let line = format!("{method} sip:{user}@example.com SIP/2.0\r\n\r\n");
            prop_assert_eq!(probe_datagram(line.as_bytes()), Probe::Sip);
            prop_assert_eq!(probe_stream(line.as_bytes()), Probe::Sip);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (probe_datagram(&bytes), probe_stream(&bytes));
        }
    }
}
