//! Text that stays but for the names in it, and text that goes.

use super::names::{Words, entity_end, hide_reference};
use super::{Redactor, keywords};

pub(super) fn find(b: &[u8], mark: u8) -> Option<usize> {
    memchr::memchr(mark, b)
}

/// What stands for a character that people wrote, of as many bytes.
fn filler(len: usize) -> &'static str {
    match len {
        2 => "×",
        3 => "…",
        4 => "𝕩",
        _ => "x",
    }
}

impl Redactor {
    /// A reason, a diagnostic, a product's name: only hosts, users, addresses, numbers and learned names are replaced.
    pub(super) fn free_text(&mut self, b: &mut [u8]) {
        let breaks = |c: u8| {
            c.is_ascii_whitespace() || matches!(c, b'"' | b'\'' | b'<' | b'>' | b'(' | b')' | b',' | b';')
        };
        let mut at = 0;
        while at < b.len() {
            let rest = b.get(at..).unwrap_or_default();
            let len = rest.iter().position(|c| breaks(*c)).unwrap_or(rest.len());
            if let Some(token) = b.get_mut(at..at + len).filter(|t| !t.is_empty()) {
                self.token(token);
            }
            at += len + 1;
        }
        // A number of several tokens.
        let text = b.to_vec();
        let mut from = 0;
        while let Some(plus) = text.get(from..).and_then(|t| find(t, b'+')).map(|p| from + p) {
            let end = plus
                + 1
                + text
                    .get(plus + 1..)
                    .unwrap_or_default()
                    .iter()
                    .take_while(|c| matches!(c, b'0'..=b'9' | b' ' | b'-' | b'(' | b')'))
                    .count();
            let digits =
                text.get(plus..end).unwrap_or_default().iter().filter(|c| c.is_ascii_digit()).count();
            if digits >= 7 && text.get(plus..end).is_some_and(|t| t.contains(&b' ')) {
                self.words(b.get_mut(plus..end).unwrap_or_default(), Words::ALL);
            }
            from = end.max(plus + 1);
        }
    }

    fn token(&mut self, b: &mut [u8]) {
        // `key=value` of a diagnostic.
        let mut from = 0;
        let address = memchr::memrchr(b'@', b);
        while address.is_none_or(|at| at < from)
            && let Some(rest) = b.get(from..)
            && !rest.get(..3).is_some_and(|s| s.eq_ignore_ascii_case(b"sip"))
            && let Some(equals) = find(rest, b'=').filter(|e| *e > 0)
        {
            from += equals + 1;
        }
        let Some(b) = b.get_mut(from..).filter(|b| !b.is_empty()) else { return };
        let lower = b.to_ascii_lowercase();
        let has = |text: &[u8]| memchr::memmem::find(&lower, text).is_some();
        if lower.starts_with(b"sip:")
            || lower.starts_with(b"sips:")
            || lower.starts_with(b"tel:")
            || has(b"://")
            || lower.contains(&b'@')
        {
            return self.uri(b);
        }
        if self.is_host(&lower) {
            return self.host_port(b);
        }
        let version = lower.contains(&b'/');
        let mut at = 0;
        while at < b.len() {
            let begins = at == 0 || b.get(at - 1).is_none_or(|c| !c.is_ascii_alphanumeric());
            if begins
                && !version
                && let Some(end) = self.address_at(b, at)
            {
                at = end.max(at + 1);
                continue;
            }
            // Behind a slash there is a version, unless that address was met.
            if begins
                && version
                && self.is_met(b, at)
                && let Some(end) = self.address_at(b, at)
            {
                at = end.max(at + 1);
                continue;
            }
            let rest = b.get(at..).unwrap_or_default();
            let len = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || **c >= 0x80).count();
            let word = String::from_utf8_lossy(rest.get(..len).unwrap_or_default()).to_lowercase();
            let number = len >= 7 && word.bytes().all(|c| c.is_ascii_digit());
            if len > 0 && (number || self.learned.contains(&word)) {
                self.words(b.get_mut(at..at + len).unwrap_or_default(), Words::ALL);
            }
            at += len.max(1);
        }
    }

    fn is_met(&self, b: &[u8], at: usize) -> bool {
        super::names::v4_at(b, at).is_some_and(|(_, address)| self.met.contains(&address))
    }

    /// Labels with dots, the last of which is one of hosts, or the first of which was learned.
    fn is_host(&self, lower: &[u8]) -> bool {
        let text = lower.split(|c| *c == b':').next().unwrap_or_default();
        let Ok(text) = std::str::from_utf8(text) else { return false };
        let labels: Vec<&str> = text.trim_end_matches('.').split('.').collect();
        let fits = |l: &&str| {
            !l.is_empty() && l.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
        };
        let [first, .., last] = labels.as_slice() else { return false };
        labels.iter().all(fits)
            && last.bytes().any(|c| c.is_ascii_alphabetic())
            && (keywords::is_top_label(last)
                || labels.len() >= 3 && last.bytes().all(|c| c.is_ascii_alphabetic())
                || self.learned.contains(*first)
                || self.learned.contains(*last))
    }

    /// What people wrote: as many characters, white space where it was.
    pub(super) fn hide(&mut self, b: &mut [u8], entities: bool) {
        self.tally.add("characters of text", b.iter().filter(|c| !c.is_ascii_whitespace()).count() as u64);
        let mut at = 0;
        while at < b.len() {
            if entities
                && b.get(at) == Some(&b'&')
                && let Some(end) = entity_end(b, at)
            {
                hide_reference(b.get_mut(at..end).unwrap_or_default());
                at = end;
                continue;
            }
            let rest = b.get(at..).unwrap_or_default();
            let len = match rest.first() {
                Some(c) if *c < 0x80 => 1,
                _ => (2..=4)
                    .find(|n| rest.get(..*n).is_some_and(|c| std::str::from_utf8(c).is_ok()))
                    .unwrap_or(1),
            };
            let stays = rest.first().is_some_and(|c| c.is_ascii_whitespace());
            if !stays && let Some(slot) = b.get_mut(at..at + len) {
                if len == 1 && slot.first().is_some_and(|c| *c >= 0x80) {
                    slot.fill(0xff);
                } else {
                    slot.copy_from_slice(filler(len).as_bytes());
                }
            }
            at += len;
        }
    }

    /// Text in base64: as many bytes of filler.
    pub(super) fn hide_base64(&mut self, b: &mut [u8]) {
        self.tally.add("characters of text", b.len() as u64);
        let is_digit = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-' | b'_');
        let digits = b.iter().filter(|c| is_digit(c)).count();
        // "xxx"; what is left of the last group is "x" or "xx".
        let tail: &[u8] = if digits % 4 == 2 { b"eA" } else { b"eHg" };
        for (n, c) in b.iter_mut().filter(|c| is_digit(c)).enumerate() {
            let last = n >= digits - digits % 4;
            *c = if last { tail.get(n % 4) } else { b"eHh4".get(n % 4) }.copied().unwrap_or(b'A');
        }
    }

    /// Passwords, keys, tokens: letters and digits go, marks stay (quotes, padding of base64).
    pub(super) fn secret(&mut self, b: &mut [u8]) {
        self.tally.add("bytes of secrets", b.len() as u64);
        if self.ntlm(b) {
            return;
        }
        for c in b.iter_mut() {
            match c {
                b'0'..=b'9' => *c = b'0',
                b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'/' => *c = b'A',
                0x80.. => *c = b'A',
                _ => {}
            }
        }
    }

    /// Of an NTLM message in base64 stays what it is; its fields, which hold names, become empty.
    fn ntlm(&mut self, b: &mut [u8]) -> bool {
        // "NTLMSSP\0", in base64.
        const SIGNATURE: &[u8] = b"TlRMTVNTUA";
        let Some(start) = b.iter().position(|c| c.is_ascii_alphanumeric()) else { return false };
        let body = b.get_mut(start..).unwrap_or_default();
        if !body.starts_with(SIGNATURE) {
            return false;
        }
        for c in body.iter_mut().skip(16) {
            if c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/') {
                *c = b'A';
            }
        }
        true
    }
}
