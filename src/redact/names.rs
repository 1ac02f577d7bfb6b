//! Words and their pseudonyms: letter for letter, digit for digit, in the same case, of the same length in bytes.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::{LEAST_LEARNED, LONGEST_REMEMBERED, REMEMBERED, Redactor};

/// A character of a word where it stands: plain, or with its bytes escaped by `%` (RFC 3986 §2.1).
#[derive(Debug, Clone, Copy)]
struct Unit {
    start: usize,
    end: usize,
    ch: char,
    escaped: bool,
}

/// Is it a character of words? Signs, punctuation and emoji beyond ASCII name nobody.
fn is_word(ch: char) -> bool {
    match ch as u32 {
        0..=0x7f => ch.is_ascii_alphanumeric(),
        0x80..=0xa9 | 0xab..=0xb4 | 0xb6..=0xb9 | 0xbb..=0xbf | 0xd7 | 0xf7 => false,
        0x2000..=0x2fff | 0x3000..=0x3004 | 0x3008..=0x3020 | 0xfe00..=0xfe0f | 0xfeff | 0xfff0..=0xffff => {
            false
        }
        0x1f000.. => false,
        _ => true,
    }
}

/// The alphabet that a character is exchanged within: its first character and its size.
fn alphabet(ch: char) -> (u32, u32) {
    let code = ch as u32;
    match code {
        0x30..=0x39 => (0x30, 10),
        0..=0x7f => (0x61, 26),
        0x80..=0xbf => (0xaa, 1),
        0xc0..=0x7ff => (code & !0x3f, 64),
        0x800..=0xffff => (code & !0x7ff, 0x800),
        _ => (code & !0xfff, 0x1000),
    }
}

fn hex_value(b: u8) -> Option<u8> {
    (b as char).to_digit(16).map(|d| d as u8)
}

fn escaped_byte(b: &[u8], at: usize) -> Option<u8> {
    match b.get(at..at + 3)? {
        &[b'%', high, low] => Some(hex_value(high)? << 4 | hex_value(low)?),
        _ => None,
    }
}

/// The character at `at`, if it is one of a word.
fn unit(b: &[u8], at: usize) -> Option<Unit> {
    let first = *b.get(at)?;
    if first == b'%' {
        let mut bytes = Vec::new();
        let lead = escaped_byte(b, at)?;
        let len = utf8_len(lead)?;
        for n in 0..len {
            bytes.push(escaped_byte(b, at + 3 * n)?);
        }
        let ch = std::str::from_utf8(&bytes).ok()?.chars().next()?;
        return is_word(ch).then_some(Unit { start: at, end: at + 3 * len, ch, escaped: true });
    }
    let len = utf8_len(first)?;
    let ch = std::str::from_utf8(b.get(at..at + len)?).ok()?.chars().next()?;
    is_word(ch).then_some(Unit { start: at, end: at + len, ch, escaped: false })
}

fn utf8_len(lead: u8) -> Option<usize> {
    match lead {
        0..=0x7f => Some(1),
        0xc2..=0xdf => Some(2),
        0xe0..=0xef => Some(3),
        0xf0..=0xf4 => Some(4),
        _ => None,
    }
}

fn write_unit(b: &mut [u8], unit: Unit, ch: char) {
    let mut utf8 = [0; 4];
    let bytes = ch.encode_utf8(&mut utf8).as_bytes();
    let Some(slot) = b.get_mut(unit.start..unit.end) else { return };
    if unit.escaped {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        for (slot, byte) in slot.chunks_exact_mut(3).zip(bytes) {
            slot.copy_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    } else if slot.len() == bytes.len() {
        slot.copy_from_slice(bytes);
    }
}

/// Does a number of an identifier stand there: hex digits, letters and numbers both?
fn is_hex(word: &str) -> bool {
    word.len() >= 8
        && word.bytes().all(|b| b.is_ascii_hexdigit())
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_alphabetic())
}

/// How words are gone through.
#[derive(Clone, Copy)]
pub(super) struct Words<'k> {
    /// Words that stay, in lower case.
    pub keep: &'k [&'k str],
    /// Numbers stay that are no longer than this.
    pub numbers: usize,
    /// `&amp;` and its kin are no words.
    pub entities: bool,
    /// Are these names, that are to be found again in free text?
    pub names: bool,
}

impl Words<'_> {
    pub const ALL: Self = Self { keep: &[], numbers: 0, entities: false, names: false };
    pub const NAMES: Self = Self { names: true, ..Self::ALL };
}

/// An IPv4 address at `at`, that stands for itself.
pub(super) fn v4_at(b: &[u8], at: usize) -> Option<(Range<usize>, [u8; 4])> {
    let before = at.checked_sub(1).and_then(|i| b.get(i));
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'.') {
        return None;
    }
    let rest = b.get(at..)?;
    let mut len = rest.iter().take(16).take_while(|c| c.is_ascii_digit() || **c == b'.').count();
    while len > 0 && rest.get(len - 1) == Some(&b'.') {
        len -= 1;
    }
    if rest.get(len).is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let text = std::str::from_utf8(rest.get(..len)?).ok()?;
    let address: Ipv4Addr = text.parse().ok()?;
    Some((at..at + len, address.octets()))
}

/// An IPv6 address at `at`, without brackets and zone.
pub(super) fn v6_at(b: &[u8], at: usize) -> Option<(Range<usize>, [u8; 16])> {
    let before = at.checked_sub(1).and_then(|i| b.get(i));
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || *c == b':') {
        return None;
    }
    let rest = b.get(at..)?;
    let mut len =
        rest.iter().take(46).take_while(|c| c.is_ascii_hexdigit() || matches!(c, b':' | b'.')).count();
    while len > 0 && rest.get(len - 1) == Some(&b'.') {
        len -= 1;
    }
    let part = rest.get(..len)?;
    if part.iter().filter(|c| **c == b':').count() < 2 || rest.get(len).is_some_and(u8::is_ascii_alphanumeric)
    {
        return None;
    }
    // A port may follow without brackets, or the colon of a list.
    let address =
        |len: usize| -> Option<Ipv6Addr> { std::str::from_utf8(rest.get(..len)?).ok()?.parse().ok() };
    let ends = (3..=len).rev().filter(|l| *l == len || rest.get(*l) == Some(&b':')).take(2);
    ends.into_iter().find_map(|l| Some((at..at + l, address(l)?.octets())))
}

/// A hardware address: six pairs of hex digits.
fn mac_at(b: &[u8], at: usize) -> Option<[u8; 6]> {
    let text = b.get(at..at + 17)?;
    let before =
        at.checked_sub(1).and_then(|i| b.get(i)).is_some_and(|c| c.is_ascii_alphanumeric() || *c == b':');
    let after = b.get(at + 17).is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, b':' | b'-'));
    let mark = *text.get(2)?;
    if before || after || !matches!(mark, b':' | b'-') {
        return None;
    }
    let mut out = [0; 6];
    for (slot, part) in out.iter_mut().zip(text.chunks(3)) {
        *slot = hex_value(*part.first()?)? << 4 | hex_value(*part.get(1)?)?;
        if part.get(2).is_some_and(|c| *c != mark) {
            return None;
        }
    }
    Some(out)
}

/// Digits and characters in all of a number that people write with marks between them.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=18;
const PHONE_LENGTH: usize = 64;

/// Digits of such a number at `at`, with a mark at least.
fn phone_at(b: &[u8], at: usize) -> Option<Vec<usize>> {
    let mut digits = Vec::new();
    let mut marks = 0;
    let mut since = 0;
    // Whatever is longer is none: a long row of digits and marks is not gone through from each of its places.
    for (i, c) in b.iter().enumerate().skip(at).take(PHONE_LENGTH) {
        match c {
            b'0'..=b'9' if digits.len() > *PHONE_DIGITS.end() => return None,
            b'0'..=b'9' => {
                digits.push(i);
                since = 0;
            }
            b'-' | b'.' | b' ' | b'(' | b')' | b'/' if since < 2 && !digits.is_empty() => {
                since += 1;
                marks += 1;
            }
            b'+' | b'(' if digits.is_empty() => {}
            _ => break,
        }
    }
    let last = *digits.last()?;
    marks -= since;
    let after = b.get(last + 1).is_some_and(|c| c.is_ascii_alphabetic());
    (PHONE_DIGITS.contains(&digits.len()) && marks > 0 && !after).then_some(digits)
}

impl Redactor {
    /// The pseudonym of a word in lower case.
    pub(super) fn word(&mut self, word: &str) -> String {
        if let Some(known) = self.words.get(word) {
            return known.clone();
        }
        let mut out: Vec<char> = word.chars().collect();
        let hex = is_hex(word);
        let (bases, sizes): (Vec<u32>, Vec<u32>) =
            out.iter().map(|c| if hex { (0, 16) } else { alphabet(*c) }).unzip();
        let mut places: Vec<u32> = out
            .iter()
            .zip(&bases)
            .map(
                |(c, base)| if hex { c.to_digit(16).unwrap_or(0) } else { (*c as u32).saturating_sub(*base) },
            )
            .collect();
        let tweak: Vec<u8> = bases.iter().flat_map(|b| b.to_le_bytes()).collect();
        // Walks on along the cycle until there is a word of the same kind.
        loop {
            self.key.permute_places(&tweak, &sizes, &mut places);
            for ((slot, place), base) in out.iter_mut().zip(&places).zip(&bases) {
                let ch = if hex { char::from_digit(*place, 16) } else { char::from_u32(base + place) };
                *slot = ch.unwrap_or('x');
            }
            let text: String = out.iter().collect();
            if out.iter().all(|c| is_word(*c)) && is_hex(&text) == hex {
                if word.len() <= LONGEST_REMEMBERED {
                    self.make_room();
                    self.words.insert(word.to_owned(), text.clone());
                }
                return text;
            }
        }
    }

    /// Replaces one word, given by its characters.
    fn replace(&mut self, b: &mut [u8], units: &[Unit]) {
        if self.learning {
            return;
        }
        let word: String = units.iter().map(|u| u.ch.to_ascii_lowercase()).collect();
        let pseudonym = self.word(&word);
        for (unit, ch) in units.iter().zip(pseudonym.chars()) {
            let ch = if unit.ch.is_ascii_uppercase() { ch.to_ascii_uppercase() } else { ch };
            write_unit(b, *unit, ch);
        }
    }

    pub(super) fn learn(&mut self, word: &str) {
        if !self.frozen
            && self.learned.len() < REMEMBERED
            && word.len() <= LONGEST_REMEMBERED
            && word.chars().count() >= LEAST_LEARNED
            && !self.learned.contains(word)
            && !super::keywords::is_common(word)
        {
            self.learned.insert(word.to_owned());
        }
    }

    /// Replaces an address at `at`, whatever it is written in; gives where it ends.
    pub(super) fn address_at(&mut self, b: &mut [u8], at: usize) -> Option<usize> {
        let first = *b.get(at)?;
        if !first.is_ascii_hexdigit() && first != b':' {
            return None;
        }
        if first.is_ascii_digit()
            && let Some((range, address)) = v4_at(b, at)
        {
            let text = Ipv4Addr::from(self.v4(address)).to_string();
            let end = range.end;
            write(b, range, text.as_bytes());
            return Some(end);
        }
        if let Some((range, address)) = v6_at(b, at) {
            let moved = self.v6(address);
            let end = range.end;
            write_v6(b.get_mut(range)?, &moved);
            return Some(end);
        }
        if let Some(address) = mac_at(b, at) {
            let moved = self.mac(address);
            let upper = b.get(at..at + 17)?.iter().any(u8::is_ascii_uppercase);
            for (n, byte) in moved.iter().enumerate() {
                let text = if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
                write(b, at + 3 * n..at + 3 * n + 2, text.as_bytes());
            }
            return Some(at + 17);
        }
        None
    }

    /// Replaces words, numbers and addresses.
    pub(super) fn words(&mut self, b: &mut [u8], how: Words<'_>) {
        let mut at = 0;
        let mut units = Vec::new();
        while at < b.len() {
            let begins = at == 0 || b.get(at - 1).is_none_or(|c| !c.is_ascii_alphanumeric());
            if how.entities
                && b.get(at) == Some(&b'&')
                && let Some(end) = entity_end(b, at)
            {
                hide_reference(b.get_mut(at..end).unwrap_or_default());
                at = end;
                continue;
            }
            if begins && let Some(end) = self.address_at(b, at) {
                at = end.max(at + 1);
                continue;
            }
            if begins
                && matches!(b.get(at), Some(b'+' | b'(' | b'0'..=b'9'))
                && let Some(digits) = phone_at(b, at)
            {
                self.digits(b, &digits, how.names);
                at = digits.last().map_or(at, |d| *d) + 1;
                continue;
            }
            units.clear();
            let mut end = at;
            while let Some(u) = unit(b, end) {
                end = u.end;
                units.push(u);
            }
            if units.is_empty() {
                // What is no UTF-8 stays none.
                let len = valid_len(b, at);
                if len == 0
                    && let Some(c) = b.get_mut(at)
                {
                    *c = 0xff;
                }
                at += len.max(1);
                continue;
            }
            let word: String = units.iter().map(|u| u.ch.to_ascii_lowercase()).collect();
            let number = word.bytes().all(|c| c.is_ascii_digit()) && word.len() <= how.numbers;
            if !number && !how.keep.contains(&word.as_str()) {
                if how.names {
                    self.learn(&word);
                }
                self.replace(b, &units);
            }
            at = end;
        }
    }

    /// Replaces the digits of a number by those of its pseudonym without the marks.
    pub(super) fn digits(&mut self, b: &mut [u8], places: &[usize], names: bool) {
        let number: String = places.iter().filter_map(|p| b.get(*p)).map(|c| *c as char).collect();
        if names {
            self.learn(&number);
        }
        if self.learning {
            return;
        }
        let pseudonym = self.word(&number);
        for (place, c) in places.iter().zip(pseudonym.bytes()) {
            if let Some(slot) = b.get_mut(*place) {
                *slot = c;
            }
        }
    }
}

/// Length of the UTF-8 character at `at`, 0 if there is none.
fn valid_len(b: &[u8], at: usize) -> usize {
    let Some(len) = b.get(at).and_then(|c| utf8_len(*c)) else { return 0 };
    let valid = b.get(at..at + len).is_some_and(|c| std::str::from_utf8(c).is_ok());
    if valid { len } else { 0 }
}

pub(super) fn write(b: &mut [u8], range: Range<usize>, text: &[u8]) {
    if let Some(slot) = b.get_mut(range)
        && slot.len() == text.len()
    {
        slot.copy_from_slice(text);
    }
}

/// Where an entity or character reference ends that begins with the `&` at `at`.
pub(super) fn entity_end(b: &[u8], at: usize) -> Option<usize> {
    let rest = b.get(at + 1..)?;
    let len = rest.iter().take(10).take_while(|c| c.is_ascii_alphanumeric() || **c == b'#').count();
    (len > 0 && rest.get(len) == Some(&b';')).then_some(at + len + 2)
}

/// A numeric reference becomes one to `x` or `X` of the same length; white space and named ones stay.
pub(super) fn hide_reference(b: &mut [u8]) {
    let text = std::str::from_utf8(b).unwrap_or_default();
    let (hex, number) = match text.get(2..text.len().saturating_sub(1)) {
        Some(n) if text.starts_with("&#x") || text.starts_with("&#X") => {
            (true, n.get(1..).unwrap_or_default())
        }
        Some(n) if text.starts_with("&#") => (false, n),
        _ => return,
    };
    let value = u32::from_str_radix(number, if hex { 16 } else { 10 }).unwrap_or(0x78);
    let width = number.len();
    if value <= 0x40 && !(0x30..=0x39).contains(&value) {
        return;
    }
    let hidden = match (hex, width) {
        (true, _) => format!("{:0width$x}", 0x78),
        (false, 2) => "88".to_owned(),
        (false, _) => format!("{:0width$}", 120),
    };
    let start = if hex { 3 } else { 2 };
    let end = b.len().saturating_sub(1);
    write(b, start..end, hidden.as_bytes());
}

/// Writes the groups of an address over those of a text that shows another one of as many digits.
fn write_v6(text: &mut [u8], address: &[u8; 16]) {
    let groups: Vec<u16> = address.chunks_exact(2).map(|c| u16::from(c[0]) << 8 | u16::from(c[1])).collect();
    let upper = text.iter().any(u8::is_ascii_uppercase);
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut gap = None;
    let mut at = 0;
    while at < text.len() {
        let len = text.get(at..).unwrap_or_default().iter().take_while(|c| **c != b':').count();
        if len > 0 {
            runs.push(at..at + len);
        }
        at += len;
        if text.get(at..at + 2) == Some(b"::") {
            gap = Some(runs.len());
            at += 2;
        } else {
            at += 1;
        }
    }
    let dotted = runs.last().is_some_and(|r| text.get(r.clone()).unwrap_or_default().contains(&b'.'));
    let places = runs.len() + usize::from(dotted);
    for (n, run) in runs.iter().enumerate() {
        let group = match gap {
            Some(gap) if n >= gap => n + 8usize.saturating_sub(places),
            _ => n,
        };
        if dotted && n + 1 == runs.len() {
            if let Some(last) = address.last_chunk::<4>() {
                write(text, run.clone(), Ipv4Addr::from(*last).to_string().as_bytes());
            }
            continue;
        }
        let value = groups.get(group).copied().unwrap_or(0);
        let width = run.len();
        let shown = if upper { format!("{value:0width$X}") } else { format!("{value:0width$x}") };
        write(text, run.clone(), shown.as_bytes());
    }
}
