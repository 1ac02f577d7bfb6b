//! What people wrote, replaced with text of the same length.

use std::ops::Range;

use callscope_parsers::mime::parse_body;
use callscope_parsers::sip::{self, Message};

use super::super::Analysis;
use crate::capture::FrameRef;
use crate::correlate::{MsgIdx, flag};
use crate::decode::Content;

/// Every character but white space becomes an `x`.
pub fn text(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { c } else { 'x' }).collect()
}

/// Replaces every byte of the range but white space.
pub fn bytes(all: &mut [u8], range: Range<usize>) {
    if let Some(part) = all.get_mut(range) {
        part.iter_mut().filter(|b| !b.is_ascii_whitespace()).for_each(|b| *b = b'x');
    }
}

/// Where a message holds what somebody wrote: bodies and parts of text, and the first message in a header.
pub fn ranges(all: &[u8]) -> Vec<Range<usize>> {
    let Some(message) = sip::parse_message(all) else { return Vec::new() };
    let mut out: Vec<Range<usize>> = message.headers.iter().filter_map(first_message).collect();
    let content_type = message.header("Content-Type").map(|h| h.value.to_vec()).unwrap_or_default();
    let (body, _) = parse_body(all, message.body.clone(), &content_type);
    let written = body.walk().into_iter().filter(|p| p.parts.is_empty());
    let is_text = |kind: &str| match Content::of(kind.as_bytes()) {
        Content::Text => true,
        // A MESSAGE that does not say what it is.
        Content::None => is_instant(&message),
        _ => false,
    };
    out.extend(written.filter(|p| is_text(&p.media_type)).map(|p| p.content.clone()));
    out
}

impl Analysis {
    /// Replaces what people wrote in the bytes of a frame, whose messages lie in `payload`, where
    /// [`Analysis::redact_text`] says so. Where a message lies in several frames or is coded, all of the payload.
    pub fn redact_frame(&self, frame: FrameRef, all: &mut [u8], payload: Range<usize>) {
        if !self.redact_text {
            return;
        }
        let mut covered = false;
        let mut from = payload.start;
        for m in self.messages_in_frame(frame) {
            let Ok(content) = self.whole_message_bytes(m) else { continue };
            let written = ranges(&content);
            let rest = all.get(from..).unwrap_or_default();
            match memchr::memmem::find(rest, &content).filter(|_| !content.is_empty()) {
                Some(at) => {
                    let start = from + at;
                    written.into_iter().for_each(|r| bytes(all, r.start + start..r.end + start));
                    from = start + content.len();
                }
                None => covered |= !written.is_empty(),
            }
        }
        covered = covered || self.begins_in(frame);
        if covered {
            bytes(all, payload);
        }
    }

    /// Does the frame hold an earlier piece of a message with something to replace?
    fn begins_in(&self, frame: FrameRef) -> bool {
        (0..self.messages.len() as u32).map(MsgIdx).any(|m| {
            let r = self.message(m);
            r.has(flag::MULTI_FRAME)
                && r.frame.capture == frame.capture
                && r.frame.frame > frame.frame
                && self.frames_of(m).contains(&frame)
                && self.whole_message_bytes(m).is_ok_and(|b| !ranges(&b).is_empty())
        })
    }
}

fn is_instant(message: &Message<'_>) -> bool {
    let start = message.bytes.get(message.start_range.clone()).unwrap_or_default();
    start.starts_with(b"MESSAGE ")
}

/// The value of `ms-body` in `ms-text-format`.
fn first_message(header: &sip::Header<'_>) -> Option<Range<usize>> {
    if !header.is("ms-text-format") {
        return None;
    }
    let name = b"ms-body";
    let at = header.value.windows(name.len()).position(|w| w.eq_ignore_ascii_case(name))?;
    let start = header.value_range.start.checked_add(at + name.len() + 1)?;
    Some(start..header.value_range.end.max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_stays_and_white_space() {
        assert_eq!(text("Häl\u{202e}lo\n du"), "xxxxxx\n xx");
        let all =
            b"MESSAGE sip:b@x SIP/2.0\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<b>hi you</b";
        let found = ranges(all);
        assert_eq!(found.iter().map(|r| &all[r.clone()]).collect::<Vec<_>>(), [b"<b>hi you</b"]);
        let mut copy = all.to_vec();
        found.into_iter().for_each(|r| bytes(&mut copy, r));
        assert!(copy.ends_with(b"\r\n\r\nxxxxx xxxxxx"), "{}", String::from_utf8_lossy(&copy));
        let invite = b"INVITE sip:b@x SIP/2.0\r\nMs-Text-Format: text/plain; charset=UTF-8;ms-body=aGk=\r\n\
                       Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
        let found = ranges(invite);
        assert_eq!(found.iter().map(|r| &invite[r.clone()]).collect::<Vec<_>>(), [b"aGk="]);
    }
}
