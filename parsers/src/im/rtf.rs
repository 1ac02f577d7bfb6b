//! RTF to the text a person reads: groups, control words and symbols of the Rich Text Format Specification 1.9, as far
//! as they make text. Fonts, colours, pictures, objects and every destination marked as one to ignore are dropped.

use super::Text;
use crate::Issue;
use crate::sqlr::code_page_1252;

/// Groups inside each other that are read; what is deeper is passed over.
const DEPTH: usize = 64;
/// Longest control word (32 letters in the specification).
const WORD: usize = 32;

/// Destinations that are no text of the document.
const DROPPED: [&str; 22] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "footnote",
    "fldinst",
    "filetbl",
    "listtable",
    "listoverridetable",
    "revtbl",
    "xmlnstbl",
    "nonshppict",
];

#[derive(Clone, Copy)]
struct Group {
    dropped: bool,
    /// How many characters stand in for one that is told by number (`\uc`).
    stand_ins: usize,
}

/// Plain text of RTF, bounded by [`super::MAX_TEXT`]. Ranges of issues are of `rtf`.
pub fn rtf_to_text(rtf: &[u8]) -> (Text, Vec<Issue>) {
    let mut reader = Reader {
        out: Text::default(),
        issues: Vec::new(),
        group: Group { dropped: false, stand_ins: 1 },
        open: Vec::new(),
        too_deep: 0,
        skip: 0,
        high: None,
    };
    if !rtf.starts_with(b"{\\rtf") {
        reader.issues.push(Issue::new("rtf-no-begin", 0..rtf.len().min(5), "It does not begin as RTF does"));
    }
    reader.read(rtf);
    let Reader { out, mut issues, open, too_deep, .. } = reader;
    if !out.truncated && open.len() + too_deep > 0 {
        issues.push(Issue::new("rtf-unclosed", rtf.len()..rtf.len(), "A group of the RTF does not end"));
    }
    let mut out = out;
    let kept = out.text.trim_end_matches(['\n', ' ']).len();
    out.text.truncate(kept);
    (out, issues)
}

struct Reader {
    out: Text,
    issues: Vec<Issue>,
    group: Group,
    open: Vec<Group>,
    /// Groups open beyond [`DEPTH`].
    too_deep: usize,
    /// Characters still to pass over: they stand in for one told by number.
    skip: usize,
    /// First half of a surrogate pair.
    high: Option<u16>,
}

impl Reader {
    fn read(&mut self, rtf: &[u8]) {
        let mut at = 0;
        while let Some(&b) = rtf.get(at)
            && !self.out.truncated
        {
            at += 1;
            match b {
                b'{' => {
                    self.skip = 0;
                    if self.open.len() < DEPTH {
                        self.open.push(self.group);
                    } else {
                        if self.too_deep == 0 && !self.issues.iter().any(|i| i.code == "rtf-too-deep") {
                            let text = "Groups of the RTF too deep inside each other; passed over";
                            self.issues.push(Issue::new("rtf-too-deep", at - 1..at, text));
                        }
                        self.too_deep += 1;
                    }
                }
                b'}' => {
                    self.skip = 0;
                    if self.too_deep > 0 {
                        self.too_deep -= 1;
                    } else if let Some(group) = self.open.pop() {
                        self.group = group;
                        if self.open.is_empty() {
                            return;
                        }
                    }
                }
                b'\\' => at = self.control(rtf, at),
                // Line ends of the source mean nothing.
                b'\r' | b'\n' => {}
                b => self.byte(b),
            }
        }
    }

    /// What follows a backslash at `at`; gives where it ends.
    fn control(&mut self, rtf: &[u8], at: usize) -> usize {
        let rest = rtf.get(at..).unwrap_or_default();
        let Some(&first) = rest.first() else { return at };
        if !first.is_ascii_alphabetic() {
            match first {
                b'\\' | b'{' | b'}' => self.byte(first),
                b'~' => self.put(' '),
                b'_' => self.put('-'),
                b'*' => self.group.dropped = true,
                b'\r' | b'\n' => self.put('\n'),
                b'\'' => {
                    let digit = |n: usize| rest.get(n).and_then(|&b| char::from(b).to_digit(16));
                    return match (digit(1), digit(2)) {
                        (Some(high), Some(low)) => {
                            self.byte((high * 16 + low) as u8);
                            at + 3
                        }
                        _ => at + 1,
                    };
                }
                _ => {}
            }
            return at + 1;
        }
        let letters = rest.iter().take(WORD).take_while(|b| b.is_ascii_alphabetic()).count();
        let word = rest.get(..letters).unwrap_or_default();
        let minus = rest.get(letters) == Some(&b'-');
        let number_at = letters + usize::from(minus);
        let tail = rest.get(number_at..).unwrap_or_default();
        let digits = tail.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
        let number =
            tail.get(..digits).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| d.parse::<i64>().ok());
        let number = number.map(|n| if minus { -n } else { n });
        let mut end = if digits > 0 { number_at + digits } else { letters };
        if rest.get(end) == Some(&b' ') {
            end += 1;
        }
        let end = at + end;
        let word = std::str::from_utf8(word).unwrap_or_default();
        match word {
            "par" | "line" | "row" | "sect" | "page" => self.put('\n'),
            "tab" | "cell" => self.put('\t'),
            "emdash" => self.put('—'),
            "endash" => self.put('–'),
            "lquote" => self.put('‘'),
            "rquote" => self.put('’'),
            "ldblquote" => self.put('“'),
            "rdblquote" => self.put('”'),
            "bullet" => self.put('•'),
            "emspace" | "enspace" | "qmspace" => self.put(' '),
            "uc" => self.group.stand_ins = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).min(16),
            "u" => self.unicode(number.unwrap_or(0)),
            // Raw bytes follow.
            "bin" => {
                let len = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
                return end.saturating_add(len).min(rtf.len());
            }
            word if DROPPED.contains(&word) => self.group.dropped = true,
            _ => {}
        }
        end
    }

    /// `\uN`: a UTF-16 unit as a signed number of 16 bits.
    fn unicode(&mut self, number: i64) {
        self.skip = 0;
        let unit = (number & 0xFFFF) as u16;
        match (self.high.take(), unit) {
            (Some(high), 0xDC00..=0xDFFF) => {
                let c = char::decode_utf16([high, unit]).next().and_then(Result::ok);
                self.show(c.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            (_, 0xD800..=0xDBFF) => self.high = Some(unit),
            (_, unit) => self.show(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
        self.skip = self.group.stand_ins;
    }

    /// A byte of text; the code page is taken to be 1252.
    fn byte(&mut self, b: u8) {
        let c =
            if b < 0x80 { char::from(b) } else { code_page_1252(&[b]).chars().next().unwrap_or_default() };
        self.put(c);
    }

    fn put(&mut self, c: char) {
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.show(c);
        }
    }

    fn show(&mut self, c: char) {
        if !self.group.dropped && self.too_deep == 0 && c != '\0' {
            self.out.push(c);
        }
    }
}
