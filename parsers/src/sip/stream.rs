//! SIP over a byte stream (RFC 3261 §18.3): where one message ends and the next begins.
//!
//! On a stream Content-Length is mandatory. Where it is missing or no number, a message without Content-Type
//! has no body; one with a Content-Type ends where the next start line begins, and until that has come the
//! answer is [`Framing::NeedMore`] (at the end of the stream what is left is that message).
//! Every answer other than `NeedMore` stays the same however many bytes follow, so that it does not
//! matter how a stream is cut into segments.

use memchr::{memchr, memchr_iter};

use super::start::parse_start;
use super::syntax::{Name, Next, is_token_byte, name_of, next_field, number, part, starts_with_ignore_case};

/// What stands at the beginning of a buffer of stream bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A whole message of `len` bytes starts at `start` (CRLFs of keep-alives before it are skipped).
    Message { start: usize, len: usize },
    /// CRLF keep-alives only; these bytes are used up.
    KeepAlive(usize),
    /// Looks like the beginning of a message; at least so many bytes in all are needed to say more.
    NeedMore(usize),
    /// Does not begin with a message; why.
    Reject(&'static str),
    /// A message begins here whose header section (or else the whole) is longer than may be waited for.
    TooLong { header: bool },
}

/// Longest method taken for one in a stream.
const LONGEST_METHOD: usize = 128;

/// Longest body whose end only the next start line tells; it is looked for anew with every segment.
const LONGEST_OPEN_BODY: usize = 64 << 10;

/// Frames the next message. `max_header`/`max_message` bound what is waited for.
pub fn frame_message(buf: &[u8], max_header: usize, max_message: usize) -> Framing {
    let Some(start) = buf.iter().position(|&b| !is_filler(b)) else {
        return if buf.is_empty() { Framing::NeedMore(1) } else { Framing::KeepAlive(buf.len()) };
    };
    let b = part(buf, start..buf.len());
    let first = match start_line(b) {
        Verdict::No => return Framing::Reject("no start line"),
        Verdict::Cut if b.len() > max_header => return Framing::TooLong { header: true },
        Verdict::Cut => return Framing::NeedMore(buf.len() + 1),
        Verdict::Yes(next) => next,
    };
    let Some(head) = head_end(b, first) else {
        if b.len() > max_header {
            return Framing::TooLong { header: true };
        }
        return Framing::NeedMore(buf.len() + 1);
    };
    if head > max_header {
        return Framing::TooLong { header: true };
    }
    let (length, has_type) = body_headers(part(b, 0..head), first);
    let len = match length {
        Some(n) => match usize::try_from(n).ok().and_then(|n| n.checked_add(head)) {
            Some(len) => len,
            None => return Framing::TooLong { header: false },
        },
        None if !has_type => head,
        None => match next_start(part(b, 0..b.len().min(head + LONGEST_OPEN_BODY)), head) {
            Some(at) => at,
            None if b.len() >= head + LONGEST_OPEN_BODY => return Framing::Reject("message without end"),
            None => return Framing::NeedMore(buf.len() + 1),
        },
    };
    if len > max_message {
        Framing::TooLong { header: false }
    } else if b.len() < len {
        Framing::NeedMore(start + len)
    } else {
        Framing::Message { start, len }
    }
}

/// Position of the next plausible start line at the beginning of a line, to resynchronise after a gap.
///
/// It is one of SIP/2.0, its URI has a scheme, and a header follows; or as much of that as there is where the
/// bytes end. After a [`Framing::Reject`] or [`Framing::TooLong`] use [`find_next_start`], as this may find the refused one.
pub fn find_start(buf: &[u8]) -> Option<usize> {
    find_start_from(buf, 0)
}

/// As [`find_start`], but behind the first line of the buffer.
pub fn find_next_start(buf: &[u8]) -> Option<usize> {
    find_start_from(buf, first_line(buf))
}

/// Length of the first line with something in it, its end included; of the whole buffer where no line ends.
pub fn first_line(buf: &[u8]) -> usize {
    let first = buf.iter().position(|&b| !is_filler(b)).unwrap_or(buf.len());
    memchr(b'\n', part(buf, first..buf.len())).map_or(buf.len(), |line| first + line + 1)
}

fn find_start_from(buf: &[u8], from: usize) -> Option<usize> {
    line_starts(buf, from).find(|&at| {
        let b = part(buf, at..buf.len());
        match message_start(b) {
            Verdict::Yes(_) => true,
            Verdict::Cut => !b.is_empty() && looks_like_sip(b),
            Verdict::No => false,
        }
    })
}

/// Could these bytes be the beginning of a SIP message (request or status line, possibly cut)?
///
/// Of a method cut short only capitals count: nearly every text protocol would do else.
pub fn looks_like_sip(buf: &[u8]) -> bool {
    let Some(start) = buf.iter().position(|&b| !is_filler(b)) else { return false };
    let b = part(buf, start..buf.len());
    match start_line(b) {
        Verdict::Yes(_) => true,
        Verdict::No => false,
        Verdict::Cut => match memchr(b' ', b) {
            None => !b.iter().any(u8::is_ascii_lowercase),
            Some(at) => {
                let uri = part(b, at + 1..b.len());
                !FOREIGN_SCHEMES.iter().any(|s| starts_with_ignore_case(uri, s))
            }
        },
    }
}

/// Schemes that other protocols with like request lines use.
const FOREIGN_SCHEMES: [&[u8]; 4] = [b"http:", b"https:", b"rtsp:", b"ftp:"];

/// Line ends and NULs are sent to keep a connection alive.
fn is_filler(b: u8) -> bool {
    matches!(b, b'\r' | b'\n' | 0)
}

enum Verdict {
    No,
    /// Good so far, but the bytes end.
    Cut,
    /// A whole one; what follows begins here.
    Yes(usize),
}

/// Is there a start line at the very beginning?
fn start_line(b: &[u8]) -> Verdict {
    if let Some(n) = memchr(b'\n', b) {
        let Some(line) = b.get(..n + 1) else { return Verdict::No };
        if !first_line_bytes(line) || parse_start(line).is_none() {
            return Verdict::No;
        }
        return Verdict::Yes(n + 1);
    }
    if !first_line_bytes(b) { Verdict::No } else { Verdict::Cut }
}

/// Could a start line, whole or cut, begin so?
fn first_line_bytes(b: &[u8]) -> bool {
    let version = b"SIP/";
    let n = b.len().min(version.len());
    if part(b, 0..n).eq_ignore_ascii_case(part(version, 0..n)) {
        let rest = part(b, n..b.len());
        return rest.first().is_none_or(u8::is_ascii_digit) && text(rest);
    }
    let method = b.iter().take(LONGEST_METHOD + 1).take_while(|&&b| is_token_byte(b)).count();
    if method == 0 || method > LONGEST_METHOD {
        return false;
    }
    let rest = part(b, method..b.len());
    let at = rest.iter().take_while(|&&b| b == b' ' || b == b'\t').count();
    let uri = part(rest, at..rest.len());
    if at == 0 {
        return rest.is_empty();
    }
    let uri = uri.strip_prefix(b"<").unwrap_or(uri);
    let scheme =
        uri.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')).count();
    let scheme_good =
        uri.first().is_none_or(u8::is_ascii_alphabetic) && matches!(uri.get(scheme), None | Some(b':'));
    scheme_good && text(uri)
}

/// No control characters but white space.
fn text(b: &[u8]) -> bool {
    b.iter().all(|&b| b >= b' ' && b != 0x7f || matches!(b, b'\t' | b'\r' | b'\n'))
}

/// A start line of this version with a header behind it.
fn message_start(b: &[u8]) -> Verdict {
    let next = match start_line(b) {
        Verdict::Yes(next) => next,
        other => return other,
    };
    let line = super::syntax::trim(part(b, 0..next));
    let version_at = if starts_with_ignore_case(line, b"SIP/") { 0 } else { line.len().saturating_sub(7) };
    if !starts_with_ignore_case(part(line, version_at..line.len()), b"SIP/2.0") {
        return Verdict::No;
    }
    let rest = part(b, next..b.len());
    let name = rest.iter().take_while(|&&b| is_token_byte(b)).count();
    let after = part(rest, name..rest.len());
    let blank = after.iter().take_while(|&&b| b == b' ' || b == b'\t').count();
    match after.get(blank) {
        None => Verdict::Cut,
        Some(b':') if name > 0 => Verdict::Yes(next),
        Some(_) => Verdict::No,
    }
}

/// Beginnings of lines from `from` on (which counts as one).
fn line_starts(b: &[u8], from: usize) -> impl Iterator<Item = usize> + '_ {
    std::iter::once(from).chain(memchr_iter(b'\n', part(b, from..b.len())).map(move |n| from + n + 1))
}

/// Where behind `from` the next message begins beyond doubt.
fn next_start(b: &[u8], from: usize) -> Option<usize> {
    line_starts(b, from).find(|&at| matches!(message_start(part(b, at..b.len())), Verdict::Yes(_)))
}

/// Position behind the empty line that ends the header section.
fn head_end(b: &[u8], first_header: usize) -> Option<usize> {
    // The line end of the start line may already be the one before the empty line.
    let from = first_header.saturating_sub(1);
    memchr_iter(b'\n', part(b, from..b.len())).map(|n| from + n + 1).find_map(|line| match b.get(line..)? {
        [b'\n', ..] => Some(line + 1),
        [b'\r', b'\n', ..] => Some(line + 2),
        _ => None,
    })
}

/// The first Content-Length that is a number, and whether a Content-Type is given.
fn body_headers(head: &[u8], first_header: usize) -> (Option<u64>, bool) {
    let (mut length, mut has_type) = (None, false);
    let mut pos = first_header;
    while let Next::Field(f) = next_field(head, pos) {
        match name_of(part(head, f.start..f.name_end)) {
            Name::ContentLength => length = length.or_else(|| number(part(head, f.value_start..f.value_end))),
            Name::ContentType => has_type = true,
            _ => {}
        }
        pos = f.next;
    }
    (length, has_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: usize = 64 << 10;
    const MESSAGE: usize = 1 << 20;

    fn frame(s: &[u8]) -> Framing {
        frame_message(s, HEADER, MESSAGE)
    }

    const PING: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n";

    #[test]
    fn by_content_length() {
        let m = format!("\r\n\r\n{PING}l : 3\r\n\r\nabcSIP/2.0 200 OK\r\n");
        let len = PING.len() + "l : 3\r\n\r\nabc".len();
        assert_eq!(frame(m.as_bytes()), Framing::Message { start: 4, len });
        assert_eq!(frame(&m.as_bytes()[..len + 1]), Framing::NeedMore(len + 4));
        assert_eq!(frame(b"\r\n\r\n"), Framing::KeepAlive(4));
        assert_eq!(frame(b""), Framing::NeedMore(1));
    }

    #[test]
    fn bare_line_feeds_and_long_bodies() {
        let body = "x".repeat(100_000);
        let m = format!("SIP/2.0 200 OK\nVia: SIP/2.0/TCP h\nContent-Length: 100000\n\n{body}");
        assert_eq!(frame(m.as_bytes()), Framing::Message { start: 0, len: m.len() });
    }

    #[test]
    fn without_content_length() {
        let plain = format!("{PING}\r\n");
        assert_eq!(frame(plain.as_bytes()), Framing::Message { start: 0, len: plain.len() });
        let typed = format!("{PING}Content-Type: text/plain\r\n\r\nSIP/2.0 200 OK\r\nnot this\r\n");
        assert_eq!(frame(typed.as_bytes()), Framing::NeedMore(typed.len() + 1));
        let both = format!("{typed}{PING}");
        assert_eq!(frame(both.as_bytes()), Framing::Message { start: 0, len: typed.len() });
        let negative = format!("{PING}Content-Length: -1\r\n\r\n");
        assert_eq!(frame(negative.as_bytes()), Framing::Message { start: 0, len: negative.len() });
    }

    #[test]
    fn what_is_waited_for_is_bounded() {
        let endless = format!("{PING}X: {}", "y".repeat(HEADER));
        assert_eq!(frame(endless.as_bytes()), Framing::TooLong { header: true });
        assert!(matches!(frame("A".repeat(HEADER + 1).as_bytes()), Framing::Reject(_)));
        let line = format!("INVITE sip:{}", "a".repeat(HEADER));
        assert_eq!(frame(line.as_bytes()), Framing::TooLong { header: true });
        for length in ["1048577", "99999999999999999999999999"] {
            let m = format!("{PING}Content-Length: {length}\r\n\r\n");
            assert_eq!(frame(m.as_bytes()), Framing::TooLong { header: false });
        }
    }

    #[test]
    fn other_protocols() {
        for (b, sip) in [
            (&b"INVITE sip:a@b SIP/2.0\r\n"[..], true),
            (b"inv3nted-method tel:+1 SIP/2.0\n", true),
            (b"OPTIONS <sip:a@b> sip/3.0\n", true),
            (b"REGISTER sip:exam", true),
            (b"SIP/2", true),
            (b"REGI", true),
            (b"SIP/2.0 100 Try", true),
            (b"", false),
            (b"hello", false),
            (b"GET / HTTP/1.1\r\n", false),
            (b"GET /", false),
            (b"GET http://host/ HT", false),
            (b"GET http://host/ HTTP/1.1\r\n", false),
            (b"CONNECT host:443 HTTP/1.1\r\n", false),
            (b"HTTP/1.1 200 OK\r\n", false),
            (b"\x16\x03\x01\x02\x00", false),
            (b"INVITE sip:\x00\x01", false),
            (b"SIP/\x00", false),
        ] {
            assert_eq!(looks_like_sip(b), sip, "{}", b.escape_ascii());
        }
    }

    #[test]
    fn resynchronising() {
        let tail = "agment\r\nSIP/2.0 200 OK\r\n\r\nI use SIP/2.0\r\nx: y\r\n";
        let b = format!("{tail}{PING}\r\n");
        assert_eq!(find_start(b.as_bytes()), Some(tail.len()));
        assert_eq!(find_start(tail.as_bytes()), None);
        // A start line cut by the end of the bytes is kept.
        assert_eq!(find_start(b"rest\r\nINVITE sip:a@b SI"), Some(6));
        assert_eq!(find_start(b"rest\r\nINVITE sip:a@b SIP/2.0\r\n"), Some(6));
        let again = format!("{PING}\r\n{PING}");
        assert_eq!(find_start(again.as_bytes()), Some(0));
        assert_eq!(find_next_start(again.as_bytes()), Some(PING.len() + 2));
        assert_eq!(
            [first_line(b"\r\n\0one\r\ntwo\r\n"), first_line(b"\r\none"), first_line(b"\r\n")],
            [8, 5, 2]
        );
    }
}
