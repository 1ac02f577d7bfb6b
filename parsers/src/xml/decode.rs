//! Bytes to text, and back to where it stood.

use std::borrow::Cow;
use std::ops::Range;

use crate::Issue;

/// How the text is written in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    /// ISO-8859-1.
    Latin1,
    Windows1252,
}

impl Encoding {
    /// As the IANA registry has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Latin1 => "ISO-8859-1",
            Self::Windows1252 => "windows-1252",
        }
    }
}

/// Where bytes of the decoded text stood: every so many bytes of text one known point.
#[derive(Debug, Clone)]
pub(super) struct Map {
    encoding: Encoding,
    /// Bytes of the byte order mark.
    lead: usize,
    /// (offset in the text, offset in the bytes), rising; empty where both are alike but for the lead.
    points: Vec<(usize, usize)>,
    /// Bytes parsed.
    length: usize,
}

const STEP: usize = 1024;

impl Map {
    pub(super) fn original(&self, text: &str, range: Range<usize>) -> Range<usize> {
        let start = self.offset(text, range.start);
        start..self.offset(text, range.end).max(start)
    }

    fn offset(&self, text: &str, at: usize) -> usize {
        let known =
            self.points.partition_point(|p| p.0 <= at).checked_sub(1).and_then(|n| self.points.get(n));
        let found = match known {
            None => at + self.lead,
            Some(&(from, bytes)) => {
                let between = text.get(from..at).unwrap_or_default();
                bytes + between.chars().map(|c| self.encoding.width(c)).sum::<usize>()
            }
        };
        found.min(self.length)
    }
}

impl Encoding {
    /// Bytes of a character.
    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16Le | Self::Utf16Be => 2 * c.len_utf16(),
            Self::Latin1 | Self::Windows1252 => 1,
        }
    }
}

/// Encoding and bytes of the byte order mark (XML 1.0 appendix F).
fn detect(bytes: &[u8]) -> (Encoding, usize) {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
        [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
        [b'<', 0, second, 0, ..] if *second != 0 => (Encoding::Utf16Le, 0),
        [0, b'<', 0, second, ..] if *second != 0 => (Encoding::Utf16Be, 0),
        _ => (declared(bytes).unwrap_or(Encoding::Utf8), 0),
    }
}

/// The encoding a declaration in ASCII names. One of two bytes a character cannot be what it is written in.
fn declared(bytes: &[u8]) -> Option<Encoding> {
    let head = bytes.get(..bytes.len().min(256))?;
    let head = head.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = memchr::memmem::find(head, b"?>").unwrap_or(head.len());
    let head = head.get(..end)?;
    let at = memchr::memmem::find(head, b"encoding")?;
    let rest = head.get(at + 8..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (&quote, rest) = rest.split_first()?;
    let name = rest.split(|&b| b == quote).next()?;
    if name.eq_ignore_ascii_case(b"iso-8859-1") || name.eq_ignore_ascii_case(b"latin1") {
        Some(Encoding::Latin1)
    } else if name.eq_ignore_ascii_case(b"windows-1252") {
        Some(Encoding::Windows1252)
    } else {
        None
    }
}

pub(super) fn begins_as_xml(body: &[u8]) -> bool {
    let (encoding, lead) = detect(body);
    let head = body.get(lead..body.len().min(lead + 512)).unwrap_or_default();
    // One byte a character is enough to see the first ones.
    let narrow: Vec<u8> = match encoding {
        Encoding::Utf16Le => head.iter().step_by(2).copied().collect(),
        Encoding::Utf16Be => head.iter().skip(1).step_by(2).copied().collect(),
        _ => head.to_vec(),
    };
    match narrow.trim_ascii_start() {
        [b'<', second, ..] => {
            matches!(second, b'?' | b'!' | b'_' | b':' | 0x80..) || second.is_ascii_alphabetic()
        }
        _ => false,
    }
}

/// The bytes as text. What is no text becomes `?`, a byte a byte, so that the rest stands where it stood.
pub(super) fn decode<'a>(bytes: &'a [u8], issues: &mut Vec<Issue>) -> (Cow<'a, str>, Map, Encoding) {
    let (encoding, lead) = detect(bytes);
    let rest = bytes.get(lead..).unwrap_or_default();
    let mut map = Map { encoding, lead, points: Vec::new(), length: bytes.len() };
    let bad = |at: usize| {
        Issue::new(
            "xml-encoding",
            at..(at + 1).min(bytes.len()),
            format!("A byte is no {} text", encoding.name()),
        )
    };
    let text = match encoding {
        Encoding::Utf8 => match std::str::from_utf8(rest) {
            Ok(text) => Cow::Borrowed(text),
            Err(first) => {
                // A character cut at the end is the cut's fault and told as that.
                if first.error_len().is_some() {
                    issues.push(bad(lead + first.valid_up_to()));
                }
                Cow::Owned(patched(rest))
            }
        },
        Encoding::Latin1 | Encoding::Windows1252 => {
            let windows = encoding == Encoding::Windows1252;
            let chars = rest.iter().map(|&b| (if windows { windows_1252(b) } else { char::from(b) }, 1));
            Cow::Owned(collect(chars, rest.len(), lead, &mut map.points))
        }
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let units = rest.chunks_exact(2).map(|pair| match (pair, encoding) {
                (&[low, high], Encoding::Utf16Le) => u16::from_le_bytes([low, high]),
                (&[high, low], _) => u16::from_be_bytes([high, low]),
                _ => 0,
            });
            let mut first_bad = None;
            let mut at = lead;
            let chars = char::decode_utf16(units).map(|c| {
                let c = c.unwrap_or_else(|_| {
                    first_bad.get_or_insert(at);
                    '?'
                });
                at += encoding.width(c);
                (c, encoding.width(c))
            });
            let text = collect(chars, rest.len() / 2, lead, &mut map.points);
            issues.extend(first_bad.map(bad));
            Cow::Owned(text)
        }
    };
    (text, map, encoding)
}

fn collect(
    chars: impl Iterator<Item = (char, usize)>,
    capacity: usize,
    lead: usize,
    points: &mut Vec<(usize, usize)>,
) -> String {
    let mut text = String::with_capacity(capacity);
    let mut at = lead;
    points.push((0, lead));
    let mut next = STEP;
    for (c, width) in chars {
        if text.len() >= next {
            points.push((text.len(), at));
            next = text.len() + STEP;
        }
        text.push(c);
        at += width;
    }
    text
}

fn patched(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    text
}

/// The 32 bytes in which Windows-1252 differs from ISO-8859-1; five are unassigned there.
fn windows_1252(byte: u8) -> char {
    const DIFFERENT: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    byte.checked_sub(0x80).and_then(|n| DIFFERENT.get(usize::from(n))).copied().unwrap_or(char::from(byte))
}
