//! HTML to the text a person reads.
//!
//! One pass, no tree: what stands between tags, with line ends where blocks begin and end. Scripts, styles, titles and
//! comments are dropped, an image stands as its alternative text. A document type is passed over, entities it defines
//! are not known: what HTML itself does not name stays as written.

use super::Text;
use crate::sqlr::code_page_1252;

/// Elements whose content is not for reading.
const DROPPED: [&str; 8] = ["script", "style", "title", "template", "noscript", "iframe", "object", "svg"];

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 24] = [
    "address",
    "article",
    "blockquote",
    "body",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "ol",
    "p",
    "tr",
    "ul",
];

/// Longest name of an entity.
const LONGEST_ENTITY: usize = 8;

/// Plain text of HTML, bounded by [`super::MAX_TEXT`].
pub fn html_to_text(html: &str) -> Text {
    let mut out = Lines::default();
    let mut at = 0;
    // No quote of this kind follows: looked for once, so that many open quotes cost no more than one.
    let mut no_quote = [false; 2];
    let mut pre = 0usize;
    while !out.text.truncated {
        let rest = html.get(at..).unwrap_or_default();
        let Some(open) = memchr::memchr(b'<', rest.as_bytes()) else {
            out.words(rest, pre > 0);
            break;
        };
        out.words(rest.get(..open).unwrap_or_default(), pre > 0);
        let tag = rest.get(open..).unwrap_or_default();
        at += open;
        if let Some(comment) = tag.strip_prefix("<!--") {
            match comment.find("-->") {
                Some(end) => at += 4 + end + 3,
                None => break,
            }
            continue;
        }
        let begins = tag
            .as_bytes()
            .get(1)
            .is_some_and(|&b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!' | b'?'));
        if !begins {
            out.words("<", pre > 0);
            at += 1;
            continue;
        }
        let Some(end) = tag_end(tag, &mut no_quote) else { break };
        let inside = tag.get(1..end).unwrap_or_default();
        at += end + 1;
        let (closing, inside) = match inside.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, inside),
        };
        let name_end = inside.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let name = inside.get(..name_end).unwrap_or_default().to_ascii_lowercase();
        if !closing && DROPPED.contains(&name.as_str()) && !inside.ends_with('/') {
            match end_of(html, at, &name) {
                Some(next) => at = next,
                None => break,
            }
            continue;
        }
        match name.as_str() {
            "br" => out.line(),
            "pre" => {
                pre = if closing { pre.saturating_sub(1) } else { pre + 1 };
                out.break_line();
            }
            "td" | "th" if !closing => out.cell(),
            "img" => {
                if let Some(alt) = attribute(inside, "alt") {
                    out.words(alt, false);
                }
            }
            block if BLOCKS.contains(&block) => out.break_line(),
            _ => {}
        }
    }
    out.finish()
}

/// Where the `>` of a tag stands, outside of quotes.
fn tag_end(tag: &str, no_quote: &mut [bool; 2]) -> Option<usize> {
    let bytes = tag.as_bytes();
    let mut at = 1;
    while let Some(n) = memchr::memchr3(b'>', b'"', b'\'', bytes.get(at..)?) {
        at += n;
        let quote = *bytes.get(at)?;
        if quote == b'>' {
            return Some(at);
        }
        let kind = usize::from(quote == b'\'');
        // A quote that opens a value follows an equals sign; another one is text.
        let opens = bytes.get(..at)?.iter().rev().find(|b| !b.is_ascii_whitespace()) == Some(&b'=');
        let close = if opens && no_quote.get(kind) != Some(&true) {
            memchr::memchr(quote, bytes.get(at + 1..)?)
        } else {
            None
        };
        match close {
            Some(n) => at += n + 2,
            None => {
                if opens && let Some(flag) = no_quote.get_mut(kind) {
                    *flag = true;
                }
                at += 1;
            }
        }
    }
    None
}

/// Behind the closing tag of this element.
fn end_of(html: &str, from: usize, name: &str) -> Option<usize> {
    let bytes = html.as_bytes();
    let mut at = from;
    loop {
        let n = memchr::memmem::find(bytes.get(at..)?, b"</")?;
        at += n + 2;
        let here = bytes.get(at..)?;
        let named = here.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()));
        if named && !here.get(name.len()).is_some_and(u8::is_ascii_alphanumeric) {
            let close = memchr::memchr(b'>', here)?;
            return Some(at + close + 1);
        }
    }
}

/// The quoted or bare value of an attribute inside a tag.
fn attribute<'a>(inside: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = inside;
    while let Some(equals) = rest.find('=') {
        let before = rest.get(..equals)?.trim_end();
        let word =
            before.rsplit(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | '/')).next()?;
        let value = rest.get(equals + 1..)?.trim_start();
        let (found, next) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let value = value.get(1..)?;
                let end = value.find(quote).unwrap_or(value.len());
                (value.get(..end)?, value.get(end + 1..).unwrap_or_default())
            }
            _ => {
                let end = value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len());
                (value.get(..end)?, value.get(end..)?)
            }
        };
        if word.eq_ignore_ascii_case(name) {
            return Some(found);
        }
        rest = next;
    }
    None
}

/// Text being put together: white space runs are one space, never at the ends of a line.
#[derive(Default)]
struct Lines {
    text: Text,
    /// A space waits for a word to stand before.
    space: bool,
    /// Something stands on this line.
    begun: bool,
    /// Line ends that wait for text to follow.
    ends: usize,
}

impl Lines {
    fn push(&mut self, c: char) {
        for _ in 0..std::mem::take(&mut self.ends) {
            self.text.push('\n');
        }
        if std::mem::take(&mut self.space) && self.begun {
            self.text.push(' ');
        }
        self.text.push(c);
        self.begun = true;
    }

    /// A new line, also behind an empty one.
    fn line(&mut self) {
        if !self.text.text.is_empty() || self.ends > 0 {
            self.ends += 1;
        }
        (self.space, self.begun) = (false, false);
    }

    /// A new line if something stands on this one.
    fn break_line(&mut self) {
        if self.begun {
            self.line();
        }
        self.space = false;
    }

    fn cell(&mut self) {
        if self.begun {
            self.space = false;
            self.push('\t');
        }
    }

    fn words(&mut self, text: &str, pre: bool) {
        let mut rest = text;
        while let Some(c) = rest.chars().next()
            && !self.text.truncated
        {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            match c {
                '&' => match entity(rest) {
                    Some((found, len)) => {
                        // A space that does not break is a space to the reader.
                        self.push(if found == '\u{A0}' { ' ' } else { found });
                        rest = rest.get(len..).unwrap_or_default();
                    }
                    None => self.push('&'),
                },
                '\n' if pre => self.line(),
                '\r' if pre => {}
                ' ' | '\t' if pre => self.push(c),
                '\u{A0}' => self.push(' '),
                ' ' | '\t' | '\n' | '\r' | '\u{C}' => self.space = true,
                _ => self.push(c),
            }
        }
    }

    fn finish(mut self) -> Text {
        let kept = self.text.text.trim_end().len();
        self.text.text.truncate(kept);
        self.text
    }
}

/// The character of `name;` or `#number;` behind an ampersand, and how long it is.
fn entity(rest: &str) -> Option<(char, usize)> {
    let bytes = rest.as_bytes();
    if let Some(number) = rest.strip_prefix('#') {
        let (digits, radix, before) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 2),
            None => (number, 10, 1),
        };
        let len = digits.bytes().take_while(|&b| char::from(b).is_digit(radix)).count();
        let digits_only = digits.get(..len)?;
        let value = u32::from_str_radix(digits_only.trim_start_matches('0'), radix);
        let value = match value {
            Ok(value) => value,
            Err(_) if len == 0 => return None,
            // Zero, or far beyond the last character.
            Err(_) => 0,
        };
        let end = before + len;
        let end = end + usize::from(bytes.get(end) == Some(&b';'));
        // Numbers 128 to 159 mean code page 1252 (HTML, numeric character reference end state).
        let c = match u8::try_from(value) {
            Ok(byte @ 0x80..=0x9F) => code_page_1252(&[byte]).chars().next(),
            _ => char::from_u32(value).filter(|&c| c != '\0'),
        };
        return Some((c.unwrap_or(char::REPLACEMENT_CHARACTER), end));
    }
    let len = bytes.iter().take(LONGEST_ENTITY + 1).take_while(|b| b.is_ascii_alphanumeric()).count();
    if bytes.get(len) != Some(&b';') {
        return None;
    }
    let name = rest.get(..len)?;
    named(name).map(|c| (c, len + 1))
}

/// Entities of HTML 4 (§24.2 and the ones of §24.4 and §24.3 that text uses).
fn named(name: &str) -> Option<char> {
    /// 160 to 255 in their order.
    const LATIN_1: [&str; 96] = [
        "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo",
        "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot",
        "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute",
        "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave",
        "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "times",
        "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute",
        "acirc", "atilde", "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave",
        "iacute", "icirc", "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide",
        "oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
    ];
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "lsquo" => '‘',
        "rsquo" => '’',
        "sbquo" => '‚',
        "ldquo" => '“',
        "rdquo" => '”',
        "bdquo" => '„',
        "bull" => '•',
        "euro" => '€',
        "trade" => '™',
        "rarr" => '→',
        "larr" => '←',
        "ensp" | "emsp" | "thinsp" => ' ',
        "zwnj" => '\u{200C}',
        "zwj" => '\u{200D}',
        _ => {
            let at = LATIN_1.iter().position(|n| *n == name)?;
            return char::from_u32(0xA0 + at as u32);
        }
    })
}
