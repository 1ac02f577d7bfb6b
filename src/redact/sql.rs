//! SQL Server: the browser's questions and answers, and how connections begin.

use std::ops::Range;

use callscope_parsers::tds::{PacketType, looks_like_login7, looks_like_prelogin};

use super::Redactor;
use super::names::Words;

/// Instances that installers name.
const INSTANCES: &[&str] = &[
    "rtc",
    "rtclocal",
    "lynclocal",
    "mssqlserver",
    "sqlexpress",
    "mssqllocaldb",
    "default",
    "rtcxds",
    "dac",
];
/// Options of a pre-login message that are looked at.
const OPTIONS: usize = 16;
/// Values of an answer that say what a server is.
const PLAIN: &[&str] = &["isclustered", "version", "tcp", "rpc-none", "port"];

impl Redactor {
    pub(super) fn sqlr(&mut self, b: &mut [u8]) {
        self.tally.add("messages of SQL Server Browser", 1);
        match b.first() {
            Some(4) => self.instance(b.get_mut(1..).unwrap_or_default()),
            Some(0x0f) => self.instance(b.get_mut(2..).unwrap_or_default()),
            Some(5) if b.get(1..4) == Some(&[6, 0, 1]) => {}
            Some(5) => self.answer(b.get_mut(3..).unwrap_or_default()),
            _ => {}
        }
    }

    fn instance(&mut self, b: &mut [u8]) {
        let end = b.iter().position(|c| *c == 0).unwrap_or(b.len());
        let (name, rest) = b.split_at_mut(end);
        self.words(name, Words { keep: INSTANCES, ..Words::NAMES });
        // What a hostile question has behind its name.
        if rest.iter().any(|c| *c != 0) {
            self.wipe(rest, "bytes of unknown protocols");
        }
    }

    /// `key;value;…;;`
    fn answer(&mut self, b: &mut [u8]) {
        let mut key = String::new();
        let mut is_key = true;
        // A key at the very end may be cut.
        let whole = b.len();
        let mut at = 0;
        while at < b.len() {
            let len = b.get(at..).and_then(|r| memchr::memchr(b';', r)).unwrap_or(b.len() - at);
            let word = b.get_mut(at..at + len).unwrap_or_default();
            let lower = String::from_utf8_lossy(word).to_ascii_lowercase();
            const KEYS: &[&str] = &[
                "servername",
                "instancename",
                "isclustered",
                "version",
                "np",
                "tcp",
                "via",
                "rpc",
                "spx",
                "adsp",
                "bv",
            ];
            if (is_key || key == "servername" && lower == "instancename")
                && (KEYS.contains(&lower.as_str())
                    || lower.is_empty()
                    || at + len == whole && KEYS.iter().any(|k| k.starts_with(&lower)))
            {
                key = lower;
                is_key = key.is_empty();
            } else if is_key {
                self.words(word, Words { numbers: 5, ..Words::NAMES });
                is_key = false;
                key.clear();
            } else {
                match key.as_str() {
                    "instancename" => self.words(word, Words { keep: INSTANCES, ..Words::NAMES }),
                    "np" => self.words(
                        word,
                        Words {
                            keep: &["pipe", "mssql", "sql", "query", "rtc", "rtclocal", "sqlexpress"],
                            ..Words::NAMES
                        },
                    ),
                    _ if PLAIN.contains(&key.as_str())
                        && word
                            .iter()
                            .all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'a'..=b'z' | b'A'..=b'Z'))
                        && word.len() <= 16 => {}
                    _ => self.words(word, Words { numbers: 5, ..Words::NAMES }),
                }
                is_key = true;
            }
            at += len + 1;
        }
    }

    /// A message of TDS, put together from its packets.
    pub(super) fn tds(&mut self, kind: u8, b: &mut [u8]) {
        match PacketType(kind) {
            PacketType::PRELOGIN if looks_like_prelogin(b, b.len()) => self.prelogin(b),
            PacketType::LOGIN7 if looks_like_login7(b) => self.login(b),
            PacketType::TABULAR_RESULT if looks_like_prelogin(b, b.len()) => self.prelogin(b),
            PacketType::TABULAR_RESULT => self.tokens(b),
            PacketType::ATTENTION => {}
            PacketType::LOGIN7 => self.wipe(b.get_mut(36.min(b.len())..).unwrap_or_default(), "bytes of SQL"),
            _ => self.wipe(b, "bytes of SQL"),
        }
    }

    /// Options behind a table of kind, offset and length.
    pub(super) fn prelogin(&mut self, b: &mut [u8]) {
        let mut at = 0;
        let mut kept: Vec<Range<usize>> = Vec::new();
        while let Some(&[kind, o0, o1, l0, l1]) = b.get(at..).and_then(|r| r.first_chunk::<5>()) {
            if kind == 0xff {
                break;
            }
            let start = usize::from(u16::from_be_bytes([o0, o1]));
            let end = start + usize::from(u16::from_be_bytes([l0, l1]));
            // Two that lie over one another are not as the format has them.
            let clear = kept.iter().all(|k| end <= k.start || k.end <= start);
            let Some(value) = b.get_mut(start..end).filter(|_| clear && kept.len() < OPTIONS) else { break };
            match kind {
                0 | 1 | 4 | 6 => kept.push(start..end),
                2 => {
                    if value.len() > 1 {
                        self.instance(value);
                    }
                    kept.push(start..end);
                }
                // The thread's number, a trace's identifier, a nonce.
                _ => {}
            }
            at += 5;
        }
        kept.push(0..(at + 1).min(b.len()));
        self.wipe_beside(b, 0, kept, "bytes of SQL");
    }

    /// Overwrites what lies in none of the ranges, from some place on.
    fn wipe_beside(&mut self, b: &mut [u8], from: usize, mut kept: Vec<Range<usize>>, what: &'static str) {
        kept.sort_by_key(|k| k.start);
        let mut at = from;
        let mut gone = 0;
        for range in kept.into_iter().chain(std::iter::once(b.len()..b.len())) {
            if let Some(gap) = b.get_mut(at..range.start) {
                gap.fill(0);
                gone += gap.len() as u64;
            }
            at = at.max(range.end);
        }
        self.tally.add(what, gone);
    }

    fn login(&mut self, b: &mut [u8]) {
        let mut texts = Vec::new();
        let number = |b: &[u8], at: usize| {
            b.get(at..).and_then(|r| r.first_chunk::<2>()).map_or(0, |n| usize::from(u16::from_le_bytes(*n)))
        };
        for at in [36, 40, 48, 52, 60, 64, 68, 82] {
            let start = number(b, at);
            texts.push((at, start..start + 2 * number(b, at + 2)));
        }
        if let Some(id) = b.get_mut(72..78) {
            self.binary_mac(Some(id));
        }
        let fixed = number(b, 36).clamp(86, 94.min(b.len()).max(86));
        let mut kept = Vec::new();
        for (at, range) in texts {
            let Some(text) = b.get_mut(range.clone()) else { continue };
            kept.push(range);
            match at {
                // Program, library, language name nobody.
                48 | 60 => self.utf16(text, Words::ALL, true),
                64 => {}
                _ => self.utf16(
                    text,
                    Words {
                        keep: &["rtc", "master", "tcp", "np", "lpc", "local", "rtcxds", "rtcdyn", "cpsdyn"],
                        ..Words::NAMES
                    },
                    false,
                ),
            }
        }
        self.wipe_beside(b, fixed, kept, "bytes of secrets");
    }

    /// ERROR, INFO, LOGINACK and changes of the environment; nothing of results.
    fn tokens(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while let Some(&kind) = b.get(at) {
            let len = match kind {
                0xfd..=0xff => 12,
                0x79 => 4,
                0xaa | 0xab | 0xad | 0xe3 | 0xe5 | 0xed | 0xa9 | 0xe2 => {
                    2 + b
                        .get(at + 1..)
                        .and_then(|r| r.first_chunk::<2>())
                        .map_or(0, |n| usize::from(u16::from_le_bytes(*n)))
                }
                _ => break,
            };
            let end = (at + 1 + len).min(b.len());
            let body = b.get_mut(at + 1..end).unwrap_or_default();
            match kind {
                0xfd..=0xff | 0x79 | 0xad | 0xa9 | 0xe2 => {}
                0xaa | 0xab => self.server_message(body),
                0xe3 => self.change(body),
                _ => self.wipe(body.get_mut(2..).unwrap_or_default(), "bytes of SQL"),
            }
            at = end.max(at + 1);
        }
        let start = at.min(b.len());
        // The kind of what follows is told.
        self.wipe(b.get_mut((start + 1).min(b.len().max(start))..).unwrap_or_default(), "bytes of SQL");
    }

    /// Length, number, state, class, then text, server and procedure behind their lengths, and the line.
    fn server_message(&mut self, b: &mut [u8]) {
        let mut at = 8;
        for (n, wide) in [true, false, false].into_iter().enumerate() {
            let Some(characters) = (match wide {
                true => b
                    .get(at..)
                    .and_then(|r| r.first_chunk::<2>())
                    .map(|l| usize::from(u16::from_le_bytes(*l))),
                false => b.get(at).map(|l| usize::from(*l)),
            }) else {
                return;
            };
            let start = at + if wide { 2 } else { 1 };
            let end = start + 2 * characters;
            let Some(text) = b.get_mut(start..end) else {
                return self.wipe(b.get_mut(start..).unwrap_or_default(), "bytes of SQL");
            };
            if n == 0 {
                self.server_text(text);
            } else {
                self.utf16(text, Words { keep: INSTANCES, ..Words::NAMES }, false);
            }
            at = end;
        }
    }

    /// A sentence: names stand between quotes.
    fn server_text(&mut self, b: &mut [u8]) {
        let units: Vec<u16> = b.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
        let mut from = 0;
        let mut inside = false;
        for (n, unit) in units.iter().chain([u16::from(b'\''); 1].iter()).enumerate() {
            if [u16::from(b'\''), u16::from(b'"')].contains(unit) || n == units.len() {
                let part = b.get_mut(2 * from..2 * n).unwrap_or_default();
                self.utf16(part, Words::NAMES, !inside);
                inside = !inside;
                from = n + 1;
            }
        }
    }

    fn change(&mut self, b: &mut [u8]) {
        // Length, kind, then values behind their lengths.
        let kind = b.get(2).copied().unwrap_or(0);
        let mut at = 3;
        match kind {
            1..=6 | 13 | 19 => {
                for _ in 0..2 {
                    let Some(len) = b.get(at).map(|l| 2 * usize::from(*l)) else { return };
                    let Some(text) = b.get_mut(at + 1..at + 1 + len) else { return };
                    if matches!(kind, 1 | 13 | 19) {
                        self.utf16(text, Words { keep: &["master", "rtc", "rtcxds"], ..Words::NAMES }, false);
                    }
                    at += 1 + len;
                }
            }
            // Routing: length, protocol, port, server.
            20 => {
                let Some(len) = b
                    .get(at + 5..)
                    .and_then(|r| r.first_chunk::<2>())
                    .map(|l| 2 * usize::from(u16::from_le_bytes(*l)))
                else {
                    return;
                };
                self.utf16(b.get_mut(at + 7..at + 7 + len).unwrap_or_default(), Words::NAMES, false);
            }
            _ => self.wipe(b.get_mut(3..).unwrap_or_default(), "bytes of SQL"),
        }
    }
}
