//! Text for eyes: dissected bytes made harmless, times, durations, names of machines and parties.

pub mod csta;
mod diagnostics;
pub mod dns;
mod failure;
pub mod media;
mod party;
pub mod path;
pub mod relay;
pub mod sql;

use std::fmt::Write;
use std::net::SocketAddr;

use callscope_parsers::sip::auth::AuthScheme;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::capture::Nanos;
use crate::correlate::Analysis;

pub use callscope_parsers::sip::reason_phrase;
pub use diagnostics::{cause_words, diagnostic, diagnostic_meaning, diagnostics_of, foremost};
pub use failure::{
    breakage, breakage_by, call_reason, dialog_reason, dialog_state, failure, failure_kind, unreachable,
};
pub use party::{
    address_of_record, call_parties, call_party_name, call_party_names, dialog_parties, host_of, party,
    party_short, unquote, user_of,
};

const SECOND: i64 = 1_000_000_000;

/// Words of `text` put on lines of at most `columns`.
pub fn wrap_words(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        if !line.is_empty() && line.width() + 1 + word.width() > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Bytes as text that cannot act on a terminal: control characters (C0, C1, DEL), escape, bidi and zero-width
/// controls, and what is not UTF-8 are written visibly, newlines and tabs too.
///
/// A byte is written `\x1b`, a character `\u{202e}`. Backslashes that stand before something of that look are
/// doubled, so an odd number of them is an escape of ours and an even number is text; all others stay single.
pub fn safe(bytes: &[u8]) -> String {
    let mut out = String::new();
    push_safe(&mut out, bytes);
    out
}

/// Puts [`safe`] text behind what there is.
pub fn push_safe(out: &mut String, bytes: &[u8]) {
    if bytes.iter().all(|&b| (0x20..0x7f).contains(&b) && b != b'\\') {
        return out.push_str(&String::from_utf8_lossy(bytes));
    }
    out.reserve(bytes.len() + 16);
    let mut backslashes = 0usize;
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        for (at, c) in valid.char_indices() {
            if c == '\\' {
                backslashes += 1;
                continue;
            }
            let escape = is_unsafe(c);
            let rest = valid.as_bytes().get(at..).unwrap_or_default();
            flush(out, &mut backslashes, escape || looks_like_escape(rest));
            if !escape {
                out.push(c);
            } else if c.is_ascii() {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            } else {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
        for b in chunk.invalid() {
            flush(out, &mut backslashes, true);
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    flush(out, &mut backslashes, false);
}

fn flush(out: &mut String, backslashes: &mut usize, double: bool) {
    let n = std::mem::take(backslashes) * if double { 2 } else { 1 };
    out.extend(std::iter::repeat_n('\\', n));
}

fn looks_like_escape(rest: &[u8]) -> bool {
    match rest {
        [b'x', a, b, ..] => a.is_ascii_hexdigit() && b.is_ascii_hexdigit(),
        [b'u', b'{', ..] => true,
        _ => false,
    }
}

/// Characters that move the cursor, reorder or hide text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// [`safe`] of text.
pub fn safe_str(text: &str) -> String {
    safe(text.as_bytes())
}

/// The same for several lines: splits at LF (a CR before it is dropped), each line made safe, tabs expanded.
/// A line feed at the very end begins no further line.
pub fn safe_lines(bytes: &[u8]) -> Vec<String> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.split(|&b| b == b'\n').map(|line| expand_tabs(line.strip_suffix(b"\r").unwrap_or(line))).collect()
}

fn expand_tabs(line: &[u8]) -> String {
    let mut pieces = line.split(|&b| b == b'\t');
    let mut out = safe(pieces.next().unwrap_or_default());
    for piece in pieces {
        let column = width(&out);
        out.extend(std::iter::repeat_n(' ', 8 - column % 8));
        push_safe(&mut out, piece);
    }
    out
}

/// Columns that text takes on a terminal.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        // Control characters take none.
        return text.bytes().filter(|b| !b.is_ascii_control()).count();
    }
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Text of at most `columns` columns; what was longer ends in `…`.
pub fn shorten(text: &str, columns: usize) -> String {
    shorten_with(text, columns, '…')
}

/// The same with another mark, of one column.
pub fn shorten_with(text: &str, columns: usize, mark: char) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push(mark);
    }
    out
}

/// Text of at most `columns` columns; what was longer has `…` in its middle.
pub fn shorten_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = shorten(text, columns.div_ceil(2));
    let mut room = columns.saturating_sub(width(&out));
    let mut tail = text.len();
    for (at, c) in text.char_indices().rev() {
        match room.checked_sub(c.width().unwrap_or(0)) {
            Some(left) => (room, tail) = (left, at),
            None => break,
        }
    }
    out.push_str(text.get(tail..).unwrap_or_default());
    out
}

/// How times are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeMode {
    Utc,
    #[default]
    Local,
    /// Since the start of what is shown.
    Relative,
    /// Since the row before.
    Delta,
}

fn zone(mode: TimeMode) -> jiff::tz::TimeZone {
    if mode == TimeMode::Local { jiff::tz::TimeZone::system() } else { jiff::tz::TimeZone::UTC }
}

fn civil(time: Nanos, zone: jiff::tz::TimeZone) -> Option<jiff::civil::DateTime> {
    Some(jiff::Timestamp::from_nanosecond(i128::from(time)).ok()?.to_zoned(zone).datetime())
}

/// `time` by `mode`; `start` and `previous` serve the relative modes. Clock times have microseconds, and the
/// date where it is not that of `start`; relative ones are seconds: `14:02:31.210011`, `0.210011`, `+0.031210`.
pub fn time(time: Nanos, mode: TimeMode, start: Nanos, previous: Nanos) -> String {
    match mode {
        TimeMode::Relative => seconds(i128::from(time) - i128::from(start), ""),
        TimeMode::Delta => seconds(i128::from(time) - i128::from(previous), "+"),
        TimeMode::Utc | TimeMode::Local => clock(time, mode, start, 6),
    }
}

/// A time for a table, to the second (relative modes to the millisecond).
pub fn time_short(time: Nanos, mode: TimeMode, start: Nanos, previous: Nanos) -> String {
    let (origin, plus) = match mode {
        TimeMode::Relative => (start, ""),
        TimeMode::Delta => (previous, "+"),
        TimeMode::Utc | TimeMode::Local => return clock(time, mode, start, 0),
    };
    let mut text = seconds(i128::from(time) - i128::from(origin), plus);
    text.truncate(text.len().saturating_sub(3));
    text
}

fn seconds(nanos: i128, plus: &str) -> String {
    let sign = if nanos < 0 { "-" } else { plus };
    let n = nanos.unsigned_abs();
    format!("{sign}{}.{:06}", n / 1_000_000_000, n % 1_000_000_000 / 1000)
}

fn clock(time: Nanos, mode: TimeMode, start: Nanos, digits: usize) -> String {
    let zone = zone(mode);
    let (Some(t), Some(s)) = (civil(time, zone.clone()), civil(start, zone)) else {
        return "–".to_owned();
    };
    let mut out = String::new();
    if t.date() != s.date() {
        let _ = write!(out, "{} ", t.date());
    }
    let _ = write!(out, "{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second());
    if digits > 0 {
        let fraction = format!("{:09}", t.subsec_nanosecond());
        let _ = write!(out, ".{}", fraction.get(..digits).unwrap_or(&fraction));
    }
    out
}

/// Date and time to the second: `2009-04-22 14:02:11` (relative modes are told in local time).
pub fn date_time(time: Nanos, mode: TimeMode) -> String {
    let mode = if mode == TimeMode::Utc { mode } else { TimeMode::Local };
    match civil(time, zone(mode)) {
        Some(t) => format!("{} {:02}:{:02}:{:02}", t.date(), t.hour(), t.minute(), t.second()),
        None => "–".to_owned(),
    }
}

/// Date and time to the microsecond, for what is read without the rows around it: `2009-04-22 14:02:11.000250`.
pub fn full_time(time: Nanos, mode: TimeMode) -> String {
    let mode = if mode == TimeMode::Utc { mode } else { TimeMode::Local };
    match civil(time, zone(mode)) {
        Some(t) => format!("{} {}", t.date(), clock(time, mode, time, 6)),
        None => "–".to_owned(),
    }
}

/// RFC 3339 UTC with nanoseconds.
pub fn rfc3339(time: Nanos) -> String {
    match civil(time, jiff::tz::TimeZone::UTC) {
        Some(t) => format!(
            "{}T{:02}:{:02}:{:02}.{:09}Z",
            t.date(),
            t.hour(),
            t.minute(),
            t.second(),
            t.subsec_nanosecond()
        ),
        None => String::new(),
    }
}

/// A duration for people: `42 ms`, `1.82 s`, `00:42`, `1:02:03`.
pub fn duration(nanos: Nanos) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let n = nanos.unsigned_abs();
    let ms = n.saturating_add(500_000) / 1_000_000;
    if n == 0 {
        "0 ms".to_owned()
    } else if n < 1_000_000 {
        format!("{sign}{} µs", n / 1000)
    } else if ms < 1000 {
        format!("{sign}{ms} ms")
    } else if ms < 9_995 {
        let cs = n.saturating_add(5_000_000) / 10_000_000;
        format!("{sign}{}.{:02} s", cs / 100, cs % 100)
    } else {
        format!("{sign}{}", hours(n))
    }
}

/// How long people talked: always `00:42` or `1:02:03`, below a second as [`duration`].
pub fn talk(nanos: Nanos) -> String {
    if (0..SECOND).contains(&nanos) && nanos != 0 {
        return duration(nanos);
    }
    let hours = hours(nanos.unsigned_abs());
    if nanos < 0 { format!("-{hours}") } else { hours }
}

fn hours(nanos: u64) -> String {
    let s = nanos.saturating_add(500_000_000) / 1_000_000_000;
    if s < 3600 {
        format!("{:02}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// The span of a capture: `7 m 36 s`, `2 h 05 m`, `3 d 04 h`.
pub fn span(nanos: Nanos) -> String {
    let s = nanos.unsigned_abs().saturating_add(500_000_000) / 1_000_000_000;
    match s {
        0..10 => duration(nanos),
        10..60 => format!("{s} s"),
        60..3600 => format!("{} m {:02} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {:02} m", s / 3600, s / 60 % 60),
        _ => format!("{} d {:02} h", s / 86_400, s / 3600 % 24),
    }
}

/// Why a file cannot be made, without the words of the system: `x/y.svg: there is no such directory`.
pub fn not_created(path: &str, error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    let path = safe(path.as_bytes());
    if std::path::Path::new(path.as_str()).is_dir() {
        return format!("{path}: is a directory");
    }
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => format!("{path}: there is no such directory"),
        ErrorKind::Other => format!("{path}: {error}"),
        // An error of the system tells its number too; its kind alone is enough.
        kind => format!("{path}: {kind}"),
    }
}

/// A number with its thousands set apart by spaces.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len());
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(d);
    }
    out
}

/// `31.4 MB` (powers of ten).
pub fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    for unit in ["kB", "MB", "GB"] {
        if value < 999.95 {
            return format!("{value:.1} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// `1 call`, `2 calls`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// Name of a scheme; empty where it is of no known one.
pub fn auth_scheme(scheme: AuthScheme) -> &'static str {
    match scheme {
        AuthScheme::Ntlm => "NTLM",
        AuthScheme::Kerberos => "Kerberos",
        AuthScheme::TlsDsk => "TLS-DSK",
        AuthScheme::Digest => "Digest",
        AuthScheme::Basic => "Basic",
        AuthScheme::Bearer => "Bearer",
        AuthScheme::None | AuthScheme::Other => "",
    }
}

/// `NTLM, Kerberos`.
pub fn auth_schemes(all: &[AuthScheme]) -> String {
    let names = all.iter().map(|s| auth_scheme(*s)).filter(|name| !name.is_empty());
    names.collect::<Vec<_>>().join(", ")
}

/// `ip:port`, `[v6]:port`.
pub fn address(a: SocketAddr) -> String {
    a.to_string()
}

/// Name of a machine before its address, if one is known: alias, host name, else none.
pub fn machine(analysis: &Analysis, a: SocketAddr) -> Option<String> {
    analysis.host_name(a.ip()).map(|n| safe(n.as_bytes()))
}

/// What was overwritten in redacted copies, in a line.
pub fn redaction(tally: &crate::redact::Tally) -> String {
    let told: Vec<String> = tally.counts().map(|(what, n)| format!("{} {what}", number(n))).collect();
    format!("names, numbers and addresses replaced; {}", told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_bytes_are_written_visibly() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(safe(bytes), expected);
        check(b"plain", "plain");
        check("Zoë ☎".as_bytes(), "Zoë ☎");
        check(b"\x1b[31mred", "\\x1b[31mred");
        check(b"a\r\n\tb\0\x7f", "a\\x0d\\x0a\\x09b\\x00\\x7f");
        check("csi \u{9b}31m".as_bytes(), "csi \\u{9b}31m");
        check(b"csi \x9b31m", "csi \\x9b31m");
        check("ab\u{202e}cd\u{200b}\u{feff}".as_bytes(), "ab\\u{202e}cd\\u{200b}\\u{feff}");
        check(b"\xff\xfe\xe2\x82", "\\xff\\xfe\\xe2\\x82");
        check(b"CONTOSO\\nick", "CONTOSO\\nick");
        check(b"\\\\SQL\\pipe", "\\\\SQL\\pipe");
        check(b"\\x1b", "\\\\x1b");
        check(b"\\\x1b", "\\\\\\x1b");
        check(b"\\u{41}", "\\\\u{41}");
        check(b"end\\", "end\\");
    }

    proptest! {
        #[test]
        fn safe_text_has_no_controls_and_is_unambiguous(a in proptest::collection::vec(prop_oneof![
            Just(b'\\'), Just(b'x'), Just(b'1'), Just(b'b'), Just(0x1b), Just(b'u'), Just(b'{'), any::<u8>()
        ], 0..24), b in proptest::collection::vec(prop_oneof![
            Just(b'\\'), Just(b'x'), Just(b'1'), Just(b'b'), Just(0x1b)], 0..6)) {
            let text = safe(&a);
            prop_assert!(!text.chars().any(is_unsafe));
            prop_assert_eq!(unescape(&text), a);
            prop_assert_eq!(unescape(&safe(&b)), b);
        }
    }

    /// What a reader who knows the rule of [`safe`] makes of its text.
    fn unescape(text: &str) -> Vec<u8> {
        let bytes = text.as_bytes();
        let (mut out, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let run = bytes[at..].iter().take_while(|&&b| b == b'\\').count();
            if run == 0 {
                out.push(bytes[at]);
                at += 1;
                continue;
            }
            at += run;
            let escape = looks_like_escape(&bytes[at..]);
            out.extend(std::iter::repeat_n(b'\\', if escape { run / 2 } else { run }));
            if escape && run % 2 == 1 {
                if bytes[at] == b'x' {
                    out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
                    at += 3;
                } else {
                    let end = at + text[at..].find('}').unwrap();
                    let c = char::from_u32(u32::from_str_radix(&text[at + 2..end], 16).unwrap()).unwrap();
                    out.extend(c.to_string().as_bytes());
                    at = end + 1;
                }
            }
        }
        out
    }

    #[test]
    fn lines_are_split_and_tabs_expanded() {
        assert_eq!(safe_lines(b"a\r\nb\tc\n\r\n"), ["a", "b       c", ""]);
        assert_eq!(safe_lines(b"a\rb\nx"), ["a\\x0db", "x"]);
        assert_eq!(safe_lines(b""), Vec::<String>::new());
    }

    /// 2009-04-22 14:02:11.123456789 UTC.
    const T: Nanos = 1_240_408_931_123_456_789;

    #[test]
    fn times_by_mode() {
        assert_eq!(rfc3339(T), "2009-04-22T14:02:11.123456789Z");
        assert_eq!(time(T, TimeMode::Utc, T, T), "14:02:11.123456");
        assert_eq!(time(T, TimeMode::Utc, 0, 0), "2009-04-22 14:02:11.123456");
        assert_eq!(time(T, TimeMode::Relative, T - 1_820_121_000, 0), "1.820121");
        assert_eq!(time(T, TimeMode::Delta, 0, T - 31_210_000), "+0.031210");
        assert_eq!(time(0, TimeMode::Relative, 1_500_000_000, 0), "-1.500000");
        assert_eq!(time_short(T, TimeMode::Relative, T - 1_820_121_000, 0), "1.820");
        assert_eq!(time_short(T, TimeMode::Utc, T, T), "14:02:11");
        for t in [i64::MIN, i64::MAX] {
            assert!(rfc3339(t).ends_with('Z'));
            let _ = time(t, TimeMode::Local, i64::MAX, i64::MIN);
            let _ = (time(t, TimeMode::Delta, i64::MAX, i64::MIN), duration(t), talk(t), span(t));
        }
    }

    #[test]
    fn durations_for_people() {
        let check = |n, text| assert_eq!(duration(n), text);
        check(0, "0 ms");
        check(420_000, "420 µs");
        check(42_000_000, "42 ms");
        check(999_600_000, "1.00 s");
        check(1_820_121_000, "1.82 s");
        check(9_999_000_000, "00:10");
        check(42_100_000_000, "00:42");
        check(3_723_000_000_000, "1:02:03");
        check(-5_000_000_000, "-5.00 s");
        assert_eq!(talk(14_000_000_000), "00:14");
        assert_eq!(talk(412_000_000), "412 ms");
        assert_eq!(span(456_000_000_000), "7 m 36 s");
        assert_eq!(number(48_213), "48 213");
        assert_eq!(number(1_000_000), "1 000 000");
        assert_eq!(size(31_400_000), "31.4 MB");
    }

    #[test]
    fn parties_by_name() {
        let check = |d: &str, u: &str, name| assert_eq!(party_short(d.as_bytes(), u.as_bytes()), name);
        check("Alice", "sip:alice@contoso.com", "Alice");
        check(r#""Al \"the\" \\ce""#, "sip:a@b", "Al \"the\" \\ce");
        check("", "sip:alice:secret@contoso.com;user=phone", "alice");
        check("", "tel:+14255032002;ext=1", "+14255032002");
        check("", "sip:10.0.0.5:5060", "10.0.0.5:5060");
        check("", "", "");
        check("", "sip:viv@contoso.com;gruu;opaque=app:conf:focus:id:BE927F10", "conf BE927F10");
        check("", "sip:\x1b[2J@x", "\\x1b[2J");
        assert_eq!(shorten("abcdef", 4), "abc…");
    }
}
