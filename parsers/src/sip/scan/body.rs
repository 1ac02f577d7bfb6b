//! Session descriptions in a body, directly or in the parts of a multipart, without allocation.

use memchr::memchr;

use super::SdpScan;
use crate::mime::{boundary, delimiter, media_type};
use crate::sdp::candidate::Lines;
use crate::sip::syntax::{Name, Next, line_feed, name_of, next_field, part, starts_with_ignore_case, trim};

/// Multiparts inside multiparts that are followed.
const DEPTH: u8 = 8;

/// Finds and scans the session descriptions of a body.
pub(super) fn scan_body<'a>(body: &'a [u8], content_type: &'a [u8], of_request: bool) -> Option<SdpScan<'a>> {
    if body.is_empty() {
        return None;
    }
    if content_type.is_empty() && body.starts_with(b"v=0") {
        return Some(description(body, of_request));
    }
    let mut found = Found { of_request, sdp: None };
    entity(body, content_type, DEPTH, &mut found);
    found.sdp
}

/// What was found so far.
struct Found<'a> {
    of_request: bool,
    sdp: Option<SdpScan<'a>>,
}

fn entity<'a>(body: &'a [u8], content_type: &'a [u8], depth: u8, found: &mut Found<'a>) {
    let media = media_type(content_type);
    if media.eq_ignore_ascii_case(b"application/sdp") {
        let new = description(body, found.of_request);
        let Some(old) = &mut found.sdp else {
            found.sdp = Some(new);
            return;
        };
        let candidates = old.candidates.saturating_add(new.candidates);
        let candidate_kinds = old.candidate_kinds.join(new.candidate_kinds);
        let one_way = old.one_way || new.one_way;
        if new.media_sections > 0 || old.media_sections == 0 {
            *old = new;
        }
        (old.candidates, old.candidate_kinds, old.one_way) = (candidates, candidate_kinds, one_way);
    } else if depth > 0 && starts_with_ignore_case(media, b"multipart/") {
        let delimiter = boundary(content_type);
        if !delimiter.is_empty() {
            multipart(body, delimiter, depth, found);
        }
    }
}

fn multipart<'a>(body: &'a [u8], boundary: &[u8], depth: u8, found: &mut Found<'a>) {
    let mut part_at = None;
    let mut line = 0;
    while line < body.len() {
        let rest = part(body, line..body.len());
        let next = memchr(b'\n', rest).map_or(body.len(), |n| line + n + 1);
        if let Some(close) = delimiter(part(rest, 0..next - line), boundary) {
            if let Some(at) = part_at {
                body_part(part(body, at..line), depth, found);
            }
            if close {
                return;
            }
            part_at = Some(next);
        }
        line = next;
    }
    if let Some(at) = part_at {
        body_part(part(body, at..body.len()), depth, found);
    }
}

fn body_part<'a>(bytes: &'a [u8], depth: u8, found: &mut Found<'a>) {
    let mut content_type: &[u8] = &[];
    let mut pos = 0;
    loop {
        match next_field(bytes, pos) {
            Next::Field(f) => {
                if content_type.is_empty() && name_of(part(bytes, f.start..f.name_end)) == Name::ContentType {
                    content_type = part(bytes, f.value_start..f.value_end);
                }
                pos = f.next;
            }
            Next::Empty(at) => return entity(part(bytes, at..bytes.len()), content_type, depth - 1, found),
            Next::End => return,
        }
    }
}

/// One session description.
fn description(body: &[u8], of_request: bool) -> SdpScan<'_> {
    let mut out = SdpScan::default();
    let mut lines = Lines::default();
    let mut session_direction: &[u8] = &[];
    let mut pos = 0;
    while let Some(rest) = body.get(pos..)
        && !rest.is_empty()
    {
        let n = line_feed(rest, 0).unwrap_or(rest.len());
        pos += n + 1;
        let line = part(rest, 0..n);
        let &[kind, b'=', ref value @ ..] = line else {
            out.one_way |= !line.trim_ascii().is_empty();
            continue;
        };
        match kind {
            b'a' => {
                if let Some(rest @ [b':' | b' ', ..]) = value.strip_prefix(b"candidate") {
                    out.candidates = out.candidates.saturating_add(1);
                    if of_request && let [b':', line @ ..] = rest {
                        lines.value(line.strip_suffix(b"\r").unwrap_or(line));
                    }
                    continue;
                }
                out.one_way |= is_one_way(value);
                if out.media_sections <= 1 && value.len() <= 10 {
                    let value = trim(value);
                    if matches!(value, b"sendrecv" | b"sendonly" | b"recvonly" | b"inactive") {
                        if out.media_sections == 0 {
                            session_direction = value;
                        } else {
                            out.direction = value;
                        }
                    }
                }
            }
            b'm' => {
                if out.media_sections == 0 {
                    out.media = trim(value);
                }
                out.media_sections = out.media_sections.saturating_add(1);
            }
            b'c' => {
                let value = trim(value);
                let at = memchr::memrchr(b' ', value).map_or(0, |n| n + 1);
                let address = part(value, at..value.len());
                // A multicast address may be followed by TTL and count.
                let end = memchr(b'/', address).unwrap_or(address.len());
                let address = part(address, 0..end);
                out.one_way |= address.iter().all(|b| matches!(b, b'0' | b'.' | b':'));
                if out.media_sections <= 1 {
                    out.address = address;
                }
            }
            // Lines that end in CR alone are one to us.
            b'v' => out.one_way |= value.len() > 8,
            b'o' => out.origin = trim(value),
            _ => {}
        }
    }
    if out.direction.is_empty() {
        out.direction = session_direction;
    }
    out.candidate_kinds = lines.met;
    out
}

/// Whether the value of an attribute line begins like a direction that is not `sendrecv`.
fn is_one_way(value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    ["sendonly", "recvonly", "inactive"].iter().any(|d| starts_with_ignore_case(value, d.as_bytes()))
}
