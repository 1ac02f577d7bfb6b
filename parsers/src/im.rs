//! What an instant message says: bodies of MESSAGE (RFC 3428), the first message that an INVITE carries in
//! `ms-text-format`, typing indications (RFC 3994), as text for a person.
//!
//! ```text
//! Content-Type: text/plain; charset=UTF-8; msgr=…       text/html and RTF become plain text
//! Ms-Text-Format: text/plain; charset=UTF-8;msgr=…;ms-body=<base64>
//! ```
//!
//! Nothing is fetched, run or expanded: of HTML only the entities of HTML itself are read, scripts and styles are
//! dropped, of RTF only text. Output is bounded by [`MAX_TEXT`]. Text may hold control characters of the sender; who
//! shows it has to make it safe.
//!
//! Accepted beyond the letter: no or a wrong charset, markup that does not close, base64 with white space or without
//! its padding.

use std::ops::Range;

use crate::Issue;
use crate::mime::{self, Part, parse_body};
use crate::sip::syntax::part as bytes_of;

mod charset;
mod composing;
mod html;
mod imdn;
mod rtf;
#[cfg(test)]
mod tests;

pub use charset::decode_charset;
pub use composing::{Typing, parse_typing};
pub use html::html_to_text;
pub use imdn::{Imdn, Recipient, cpim_message_id, parse_imdn};
pub use rtf::rtf_to_text;

/// Bytes of text kept of one message.
pub const MAX_TEXT: usize = 64 << 10;
/// Parts read of one body.
pub const MAX_PARTS: usize = 32;

/// Text that was made readable, and how much of it there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    pub text: String,
    /// More followed than [`MAX_TEXT`] bytes.
    pub truncated: bool,
}

impl Text {
    /// Appends unless the bound is reached.
    fn push(&mut self, c: char) {
        if self.text.len() + c.len_utf8() > MAX_TEXT {
            self.truncated = true;
        } else if !self.truncated {
            self.text.push(c);
        }
    }

    fn of(text: &str) -> Self {
        if text.len() <= MAX_TEXT {
            return Self { text: text.to_owned(), truncated: false };
        }
        let mut end = MAX_TEXT;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self { text: text.get(..end).unwrap_or_default().to_owned(), truncated: true }
    }
}

/// How the text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Markup {
    Plain,
    Html,
    Rtf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImContent {
    Text {
        markup: Markup,
        text: Text,
    },
    Typing(Typing),
    /// A type that is named only (`text/calendar`, `application/ms-imdn+xml`, a file, …), or whose bytes are not text.
    Named,
}

/// One part of a message that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImPart {
    /// In lower case without parameters; empty if not told.
    pub media_type: String,
    /// As written.
    pub charset: Option<String>,
    /// Microsoft's `msgr` parameter as written; its inside is not described in a source read here.
    pub msgr: Option<String>,
    /// The content in the body given; empty for what came in a header.
    pub range: Range<usize>,
    pub content: ImContent,
}

/// A body read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImBody {
    pub parts: Vec<ImPart>,
    /// Media types of the alternatives not chosen, in the order of the wire.
    pub passed_over: Vec<String>,
    pub issues: Vec<Issue>,
}

impl ImBody {
    /// All its text, part after part; `None` where no part is text.
    pub fn text(&self) -> Option<String> {
        let mut out: Option<String> = None;
        for part in &self.parts {
            if let ImContent::Text { text, .. } = &part.content {
                match &mut out {
                    Some(all) => {
                        all.push('\n');
                        all.push_str(&text.text);
                    }
                    None => out = Some(text.text.clone()),
                }
            }
        }
        out
    }

    pub fn is_truncated(&self) -> bool {
        self.parts.iter().any(|p| matches!(&p.content, ImContent::Text { text, .. } if text.truncated))
    }
}

/// Reads the body at `range` of `buf`; `content_type` as in its header. Ranges count from the beginning of `buf`.
pub fn read_im(buf: &[u8], range: Range<usize>, content_type: &[u8]) -> ImBody {
    let mut out = ImBody::default();
    let (all, issues) = parse_body(buf, range, content_type);
    out.issues = issues;
    choose(buf, &all, &mut out);
    out
}

fn choose(buf: &[u8], part: &Part, out: &mut ImBody) {
    if out.parts.len() >= MAX_PARTS {
        if !out.issues.iter().any(|i| i.code == "im-many-parts") {
            let text = "More parts than are read of one message";
            out.issues.push(Issue::new("im-many-parts", part.content.clone(), text));
        }
        return;
    }
    if part.parts.is_empty() {
        let (content, issues) = part.decoded(buf);
        out.issues.extend(issues);
        let read = one(&content, &part.media_type, &part.content_type, part.content.clone(), &mut out.issues);
        out.parts.push(read);
        return;
    }
    match part.media_type.as_str() {
        "multipart/alternative" => {
            // The same content in several forms, the plainest first (RFC 2046 §5.1.4): plain text reads best here, of
            // the others what can be read at all.
            let best = part.parts.iter().enumerate().min_by_key(|(_, p)| rank(p)).map_or(0, |(n, _)| n);
            for (n, alternative) in part.parts.iter().enumerate() {
                if n == best {
                    choose(buf, alternative, out);
                } else if out.passed_over.len() < MAX_PARTS {
                    out.passed_over.push(alternative.media_type.clone());
                }
            }
        }
        // The root of the compound comes first (RFC 2387 §3.2), the rest are its pictures.
        "multipart/related" => {
            if let Some(root) = part.parts.first() {
                choose(buf, root, out);
            }
        }
        _ => part.parts.iter().for_each(|inner| choose(buf, inner, out)),
    }
}

/// Which alternative is read first.
fn rank(part: &Part) -> u8 {
    match part.media_type.as_str() {
        "text/plain" | "" => 0,
        "text/html" => 1,
        t if is_rtf(t) => 2,
        t if t.starts_with("multipart/") => 3,
        t if t.starts_with("text/") => 4,
        _ => 5,
    }
}

fn is_rtf(media_type: &str) -> bool {
    matches!(media_type, "text/rtf" | "application/rtf" | "text/richtext" | "application/x-rtf")
}

fn one(
    content: &[u8],
    media_type: &str,
    content_type: &str,
    range: Range<usize>,
    issues: &mut Vec<Issue>,
) -> ImPart {
    let charset = mime::parameter(content_type.as_bytes(), "charset");
    let msgr = mime::parameter(content_type.as_bytes(), "msgr");
    if media_type.ends_with("xml")
        && media_type != "application/xhtml+xml"
        && let Some((typing, found)) = parse_typing(content)
    {
        add(issues, found, &range);
        let content = ImContent::Typing(typing);
        return ImPart { media_type: media_type.to_owned(), charset, msgr, range, content };
    }
    let markup = match media_type {
        // Said to be plain or nothing, and yet RTF: some clients do so.
        "text/plain" | "" | "text/richtext" if content.starts_with(b"{\\rtf") => Some(Markup::Rtf),
        "text/plain" | "" => Some(Markup::Plain),
        "text/html" | "application/xhtml+xml" => Some(Markup::Html),
        t if is_rtf(t) => Some(Markup::Rtf),
        _ => None,
    };
    let content = match markup {
        None => ImContent::Named,
        Some(Markup::Rtf) => {
            let (text, found) = rtf_to_text(content);
            add(issues, found, &range);
            ImContent::Text { markup: Markup::Rtf, text }
        }
        Some(markup) => {
            let (decoded, found) = decode_charset(content, charset.as_deref());
            add(issues, found, &range);
            let text = match markup {
                Markup::Html => html_to_text(&decoded),
                _ => Text::of(&decoded),
            };
            ImContent::Text { markup, text }
        }
    };
    ImPart { media_type: media_type.to_owned(), charset, msgr, range, content }
}

/// Content may have been transfer-decoded or have come in a header, so an issue speaks of all of it.
fn add(issues: &mut Vec<Issue>, found: Vec<Issue>, range: &Range<usize>) {
    issues.extend(found.into_iter().map(|i| Issue { range: range.clone(), ..i }));
}

/// `ms-text-format`: how the first message of a session is written, and with `ms-body` the message itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFormat {
    /// In lower case.
    pub media_type: String,
    pub charset: Option<String>,
    pub msgr: Option<String>,
    /// The message, where the header carries it.
    pub body: Option<ImPart>,
}

/// The value of `ms-text-format` at `range` of `buf`.
pub fn parse_text_format(buf: &[u8], range: Range<usize>) -> (TextFormat, Vec<Issue>) {
    let mut issues = Vec::new();
    let range = range.start.min(buf.len())..range.end.min(buf.len()).max(range.start.min(buf.len()));
    let value = bytes_of(buf, range.clone());
    let content_type = String::from_utf8_lossy(value).into_owned();
    let media_type = String::from_utf8_lossy(mime::media_type(value)).to_ascii_lowercase();
    if media_type.is_empty() {
        issues.push(Issue::new("im-format-no-type", range.clone(), "The text format names no media type"));
    }
    let body = mime::parameter(value, "ms-body").map(|body| {
        let (content, good) = mime::decode_base64(body.as_bytes());
        if !good {
            let text = "The message in the header is no whole base64";
            issues.push(Issue::new("im-body-base64", range.clone(), text));
        }
        let mut found = Vec::new();
        let mut part = one(&content, &media_type, &content_type, range.clone(), &mut found);
        part.range = range.end..range.end;
        issues.append(&mut found);
        part
    });
    let charset = mime::parameter(value, "charset");
    let msgr = mime::parameter(value, "msgr");
    (TextFormat { media_type, charset, msgr, body }, issues)
}
