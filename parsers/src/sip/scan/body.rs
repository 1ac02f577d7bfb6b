//! Session descriptions in a body, directly or in the parts of a multipart, without allocation.

use memchr::memchr;

use super::SdpScan;
use crate::sip::syntax::{
    Name, Next, closing_quote, name_of, next_field, part, skip_space, starts_with_ignore_case, trim,
    value_end,
};

/// Multiparts inside multiparts that are followed.
const DEPTH: u8 = 8;

/// Media type without parameters, as written.
pub(crate) fn media_type(content_type: &[u8]) -> &[u8] {
    let end = memchr(b';', content_type).unwrap_or(content_type.len());
    trim(part(content_type, 0..end))
}

/// The `boundary` parameter of a Content-Type; empty if there is none.
pub(crate) fn boundary(content_type: &[u8]) -> &[u8] {
    let v = content_type;
    let mut i = 0;
    while let Some(&b) = v.get(i) {
        match b {
            b'"' => i = closing_quote(v, i + 1).map_or(v.len(), |q| q + 1),
            b';' => {
                i = skip_space(v, i + 1);
                if !starts_with_ignore_case(part(v, i..v.len()), b"boundary") {
                    continue;
                }
                let eq = skip_space(v, i + 8);
                if v.get(eq) != Some(&b'=') {
                    continue;
                }
                let at = skip_space(v, eq + 1);
                if v.get(at) == Some(&b'"') {
                    return part(v, at + 1..closing_quote(v, at + 1).unwrap_or(v.len()));
                }
                return part(v, at..value_end(v, at));
            }
            _ => i += 1,
        }
    }
    &[]
}

/// Finds and scans the session descriptions of a body.
pub(super) fn scan_body<'a>(body: &'a [u8], content_type: &'a [u8]) -> Option<SdpScan<'a>> {
    if body.is_empty() {
        return None;
    }
    if content_type.is_empty() && body.starts_with(b"v=0") {
        return Some(description(body));
    }
    let mut found = None;
    entity(body, content_type, DEPTH, &mut found);
    found
}

fn entity<'a>(body: &'a [u8], content_type: &'a [u8], depth: u8, found: &mut Option<SdpScan<'a>>) {
    let media = media_type(content_type);
    if media.eq_ignore_ascii_case(b"application/sdp") {
        let new = description(body);
        let Some(old) = found else {
            *found = Some(new);
            return;
        };
        let candidates = old.candidates.saturating_add(new.candidates);
        if new.media_sections > 0 || old.media_sections == 0 {
            *old = new;
        }
        old.candidates = candidates;
    } else if depth > 0 && starts_with_ignore_case(media, b"multipart/") {
        let delimiter = boundary(content_type);
        if !delimiter.is_empty() {
            multipart(body, delimiter, depth, found);
        }
    }
}

fn multipart<'a>(body: &'a [u8], boundary: &[u8], depth: u8, found: &mut Option<SdpScan<'a>>) {
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

/// Is this line the boundary, and is it the closing one?
pub(crate) fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    match trim(rest) {
        [] => Some(false),
        [b'-', b'-', after @ ..] if rest.starts_with(b"--") => trim(after).is_empty().then_some(true),
        _ => None,
    }
}

fn body_part<'a>(bytes: &'a [u8], depth: u8, found: &mut Option<SdpScan<'a>>) {
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
fn description(body: &[u8]) -> SdpScan<'_> {
    let mut out = SdpScan::default();
    let mut session_direction: &[u8] = &[];
    let mut pos = 0;
    while let Some(rest) = body.get(pos..)
        && !rest.is_empty()
    {
        let n = memchr(b'\n', rest).unwrap_or(rest.len());
        pos += n + 1;
        let &[kind, b'=', ref value @ ..] = part(rest, 0..n) else { continue };
        match kind {
            b'a' => {
                if value.starts_with(b"candidate") && matches!(value.get(9), Some(b':' | b' ')) {
                    out.candidates = out.candidates.saturating_add(1);
                } else if out.media_sections <= 1 && value.len() <= 10 {
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
            b'c' if out.media_sections <= 1 => {
                let value = trim(value);
                let at = memchr::memrchr(b' ', value).map_or(0, |n| n + 1);
                let address = part(value, at..value.len());
                // A multicast address may be followed by TTL and count.
                let end = memchr(b'/', address).unwrap_or(address.len());
                out.address = part(address, 0..end);
            }
            b'o' => out.origin = trim(value),
            _ => {}
        }
    }
    if out.direction.is_empty() {
        out.direction = session_direction;
    }
    out
}
