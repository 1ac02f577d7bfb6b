//! Bodies by their type.

use callscope_parsers::mime::{Part, parse_body};
use callscope_parsers::xml::looks_like_xml;

use super::Redactor;
use super::header::{About, line_end};
use super::names::entity_end;
use super::text::find;

/// Bodies inside bodies.
const DEPTH: u8 = 8;

impl Redactor {
    pub(super) fn body(&mut self, b: &mut [u8], about: &About, depth: u8) {
        if b.is_empty() {
            return;
        }
        if about.encoded || depth > DEPTH {
            return self.wipe(b, "bytes of encoded bodies");
        }
        match about.transfer_encoding.as_str() {
            "base64" => return self.hide_base64(b),
            "quoted-printable" => return self.quoted_printable(b),
            _ => {}
        }
        let end = about
            .content_type
            .iter()
            .position(|c| matches!(c, b';' | b' ' | b'\t'))
            .unwrap_or(about.content_type.len());
        let kind =
            String::from_utf8_lossy(about.content_type.get(..end).unwrap_or_default()).to_ascii_lowercase();
        match kind.as_str() {
            _ if kind.starts_with("multipart/") => self.multipart(b, &about.content_type, depth),
            "application/sdp" | "application/trickle-ice-sdpfrag" => self.sdp(b),
            "" if b.starts_with(b"v=0") => self.sdp(b),
            "text/html" | "application/xhtml+xml" => self.html(b),
            "text/rtf" | "application/rtf" => self.rtf(b),
            "message/cpim" | "message/imdn" if !looks_like_xml(b) => self.cpim(b, depth),
            "message/sipfrag" | "message/sip" | "message/external-body" => self.fragment(b, depth),
            "application/dtmf-relay" | "application/dtmf" | "application/vnd.nortelnetworks.digits" => {
                self.tones(b)
            }
            "application/simple-message-summary" => self.summary(b),
            "text/registration-event" => self.free_text(b),
            _ if looks_like_xml(b) => self.xml(b),
            _ if kind.starts_with("text/") => self.hide(b, false),
            _ => self.wipe(b, "bytes of bodies of unknown kinds"),
        }
    }

    fn multipart(&mut self, b: &mut [u8], content_type: &[u8], depth: u8) {
        let (whole, _) = parse_body(b, 0..b.len(), content_type);
        let mut covered = Vec::new();
        self.parts(b, &whole, depth, &mut covered);
        covered.sort_unstable_by_key(|r: &std::ops::Range<usize>| r.start);
        // Between the parts stand boundaries; before and behind them may be text.
        let mut at = 0;
        covered.push(b.len()..b.len());
        for range in covered {
            let mut line = at;
            while line < range.start.min(b.len()) {
                let (end, next) = line_end(b, line);
                let text = b.get_mut(line..end.min(range.start)).unwrap_or_default();
                if !text.starts_with(b"--") {
                    self.hide(text, false);
                }
                line = next.max(line + 1);
            }
            at = range.end.max(at);
        }
    }

    fn parts(&mut self, b: &mut [u8], part: &Part, depth: u8, covered: &mut Vec<std::ops::Range<usize>>) {
        for inner in &part.parts {
            let head = b.get_mut(inner.head.clone()).unwrap_or_default();
            let about = self.header_section(head);
            covered.push(inner.head.clone());
            if !inner.parts.is_empty() {
                self.parts(b, inner, depth, covered);
                continue;
            }
            covered.push(inner.content.clone());
            let about = About {
                content_type: inner.content_type.clone().into_bytes(),
                content_length: None,
                ..about
            };
            if let Some(content) = b.get_mut(inner.content.clone()) {
                self.body(content, &about, depth + 1);
            }
        }
        if part.parts.is_empty() {
            covered.push(part.content.clone());
            self.wipe(
                b.get_mut(part.content.clone()).unwrap_or_default(),
                "bytes of bodies of unknown kinds",
            );
        }
    }

    /// RFC 3862: headers of the message, headers of its content, content.
    fn cpim(&mut self, b: &mut [u8], depth: u8) {
        let outer = self.header_section(b);
        let rest = b.get_mut(outer.body..).unwrap_or_default();
        let about = self.header_section(rest);
        let content = rest.get_mut(about.body..).unwrap_or_default();
        let about = About { content_length: None, ..about };
        if about.content_type.is_empty() {
            self.hide(content, false)
        } else {
            self.body(content, &about, depth + 1)
        }
    }

    /// RFC 3420: a start line or headers or both.
    fn fragment(&mut self, b: &mut [u8], depth: u8) {
        let (end, next) = line_end(b, 0);
        let line = b.get(..end).unwrap_or_default();
        let starts = line.starts_with(b"SIP/") || line.windows(5).any(|w| w == b" SIP/");
        let from = if starts { next } else { 0 };
        if starts {
            self.start_line(b.get_mut(..end).unwrap_or_default());
        }
        let rest = b.get_mut(from..).unwrap_or_default();
        let about = self.header_section(rest);
        let content = rest.get_mut(about.body..).unwrap_or_default();
        self.body(content, &about, depth + 1);
    }

    /// Keys pressed are numbers dialled.
    fn tones(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while at < b.len() {
            let (end, next) = line_end(b, at);
            let line = b.get_mut(at..end).unwrap_or_default();
            let value = match line.get(..7) {
                Some(name) if name.eq_ignore_ascii_case(b"signal=") => 7,
                _ if !line.contains(&b'=') => 0,
                _ => line.len(),
            };
            for c in line.iter_mut().skip(value).filter(|c| c.is_ascii_digit()) {
                *c = b'0';
            }
            at = next;
        }
    }

    /// RFC 3842: counts stay, the account goes.
    fn summary(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while at < b.len() {
            let (end, next) = line_end(b, at);
            let line = b.get_mut(at..end).unwrap_or_default();
            if line.get(..16).is_some_and(|n| n.eq_ignore_ascii_case(b"message-account:")) {
                self.uri(line.get_mut(16..).unwrap_or_default());
            }
            at = next;
        }
    }

    /// Tags stay by name, text goes.
    fn html(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while at < b.len() {
            let open = b.get(at..).and_then(|r| find(r, b'<')).map_or(b.len(), |o| at + o);
            self.hide(b.get_mut(at..open).unwrap_or_default(), true);
            let close = b.get(open..).and_then(|r| find(r, b'>')).map_or(b.len(), |c| open + c + 1);
            let tag = b.get_mut(open..close).unwrap_or_default();
            let name = tag.iter().take_while(|c| !c.is_ascii_whitespace()).count();
            self.attributes(tag.get_mut(name..).unwrap_or_default());
            at = close.max(at + 1);
        }
    }

    /// Values of attributes go, names stay.
    fn attributes(&mut self, b: &mut [u8]) {
        let mut quote = None;
        let mut value = false;
        let mut at = 0;
        while let Some(&c) = b.get(at) {
            match (c, quote) {
                (c, Some(q)) if c == q => (quote, value) = (None, false),
                (b'"' | b'\'', None) => quote = Some(c),
                (b'=', None) => value = true,
                (b' ' | b'\t' | b'\r' | b'\n' | b'>' | b'/', None) => value = false,
                (b'&', _) if let Some(end) = entity_end(b, at) => {
                    at = end;
                    continue;
                }
                _ if (quote.is_some() || value) && (c.is_ascii_alphanumeric() || c >= 0x80) => {
                    if let Some(slot) = b.get_mut(at) {
                        *slot = b'x';
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Control words and groups stay, text goes.
    fn rtf(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while let Some(&c) = b.get(at) {
            at += 1;
            match c {
                b'\\' => match b.get(at) {
                    Some(b'\'') => {
                        super::names::write(b, at + 1..at + 3, b"78");
                        at += 3;
                    }
                    Some(n) if n.is_ascii_alphabetic() => {
                        let rest = b.get(at..).unwrap_or_default();
                        let word = rest.iter().take_while(|c| c.is_ascii_alphabetic()).count();
                        let is_unicode = rest.get(..word) == Some(b"u".as_slice());
                        let number = rest
                            .get(word..)
                            .unwrap_or_default()
                            .iter()
                            .take_while(|c| c.is_ascii_digit() || **c == b'-')
                            .count();
                        if is_unicode && let Some(digits) = b.get_mut(at + word..at + word + number) {
                            // Any letter will do, of as many digits.
                            for d in digits.iter_mut().filter(|d| d.is_ascii_digit()) {
                                *d = b'1';
                            }
                        }
                        at += word + number;
                    }
                    _ => at += 1,
                },
                b'{' | b'}' | b' ' | b'\r' | b'\n' | b'\t' | b';' => {}
                _ => {
                    if let Some(slot) = b.get_mut(at - 1) {
                        *slot = b'x';
                    }
                }
            }
        }
        self.tally.add("characters of text", b.len() as u64);
    }

    fn quoted_printable(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while at < b.len() {
            match b.get(at..at + 3) {
                Some(&[b'=', h, l]) if h.is_ascii_hexdigit() && l.is_ascii_hexdigit() => {
                    super::names::write(b, at + 1..at + 3, b"78");
                    at += 3;
                }
                _ => {
                    let slot = b.get_mut(at..at + 1).unwrap_or_default();
                    if slot != b"=" {
                        self.hide(slot, false);
                    }
                    at += 1;
                }
            }
        }
    }
}
