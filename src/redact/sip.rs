//! SIP messages.

use super::Redactor;
use super::header::line_end;
use super::names::Words;
use super::text::find;

impl Redactor {
    /// A message, whole or cut off, in place.
    pub(super) fn sip(&mut self, b: &mut [u8]) {
        self.tally.add("messages of SIP", 1);
        let start = b.iter().take_while(|c| matches!(c, b'\r' | b'\n')).count();
        let b = b.get_mut(start..).unwrap_or_default();
        let (end, next) = line_end(b, 0);
        self.start_line(b.get_mut(..end).unwrap_or_default());
        let rest = b.get_mut(next..).unwrap_or_default();
        // A Call-ID at the very end may lack more of it.
        let cut = last_line_is_call_id(rest);
        let cut_value = cut.map(|at| rest.get(at..).unwrap_or_default().to_vec());
        let begin =
            cut_value.as_ref().map(|v| v.trim_ascii().to_vec()).filter(|v| !self.call_ids.contains(v));
        let about = self.header_section(rest);
        if let Some(begin) = begin {
            // It is not the whole one.
            self.call_ids.remove(&begin);
        }
        if let (Some(at), Some(mut value)) = (cut, cut_value) {
            self.cut_call_id(&mut value);
            let end = at + value.len();
            super::names::write(rest, at..end, &value);
        }
        let body = rest.get_mut(about.body..).unwrap_or_default();
        let len = about.content_length.unwrap_or(body.len()).min(body.len());
        let (body, behind) = body.split_at_mut(len);
        self.body(body, &about, 0);
        // What follows a body is no part of the message.
        if behind.iter().any(|c| !c.is_ascii_whitespace() && *c != 0) {
            self.wipe(behind, "bytes behind messages");
        }
    }

    pub(super) fn start_line(&mut self, b: &mut [u8]) {
        let Some(first) = find(b, b' ') else {
            return self.words(b, Words { keep: &["sip"], numbers: 3, ..Words::ALL });
        };
        if b.get(..4).is_some_and(|s| s.eq_ignore_ascii_case(b"SIP/") || s.eq_ignore_ascii_case(b"HTTP")) {
            // Version, number, reason.
            let reason = b.get(first + 1..).and_then(|r| find(r, b' ')).map_or(b.len(), |l| first + 1 + l);
            return self.free_text(b.get_mut(reason..).unwrap_or_default());
        }
        let last = b.iter().rposition(|c| *c == b' ').unwrap_or(b.len());
        let versioned = b.get(last + 1..).is_some_and(|v| {
            v.len() >= 4 && (v.starts_with(b"SIP/") || v.starts_with(b"HTTP") || v.starts_with(b"sip/"))
        });
        let end = if versioned && last > first { last } else { b.len() };
        let uri = b.get_mut(first + 1..end).unwrap_or_default();
        if uri.first() == Some(&b'/') {
            self.words(uri, Words { keep: &["ws", "wss", "sip"], ..Words::NAMES });
        } else {
            self.uri(uri);
        }
    }
}

/// Where the value begins of a Call-ID that the bytes end in.
fn last_line_is_call_id(b: &[u8]) -> Option<usize> {
    let line = memchr::memrchr(b'\n', b).map_or(0, |p| p + 1);
    let text = b.get(line..).filter(|t| !t.is_empty())?;
    let colon = find(text, b':')?;
    let name = text.get(..colon)?.trim_ascii();
    // In a body there is none.
    let in_head = memchr::memmem::find(b.get(..line)?, b"\r\n\r\n").is_none();
    (in_head && (name.eq_ignore_ascii_case(b"call-id") || name.eq_ignore_ascii_case(b"i")))
        .then_some(line + colon + 1)
}
