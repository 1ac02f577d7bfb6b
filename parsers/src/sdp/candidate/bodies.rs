//! The descriptions of one message. The first INVITE of Communicator 2007 R2 carries two, of which the one marked
//! `ms-proxy-2007fallback` is for older clients ([MS-SIPRE] §3.15.5.2).

use std::borrow::Cow;
use std::ops::Range;

use super::super::{Session, parse_sdp, parse_sdpfrag};
use super::CandidateSyntax;
use crate::mime::{self, Part};

/// Descriptions taken of one message.
const MAX_BODIES: usize = 64;

/// One SDP body of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdpBody<'a> {
    /// With its transfer encoding undone.
    pub content: Cow<'a, [u8]>,
    /// As on the wire, in the buffer given to [`sdp_bodies`].
    pub range: Range<usize>,
    /// Counts above that of a section: a description beside a draft-06 one is draft-19 even if its lines do not show it.
    pub syntax: CandidateSyntax,
    /// Marked `ms-proxy-2007fallback`: for older clients, tried by a proxy that gets 415 for the multipart.
    pub fallback: bool,
    /// A fragment of trickle ICE (RFC 8840), no description.
    pub fragment: bool,
}

impl SdpBody<'_> {
    /// Taken apart; ranges count from the start of `content`.
    pub fn parse(&self) -> Session<'_> {
        if self.fragment { parse_sdpfrag(&self.content) } else { parse_sdp(&self.content) }
    }
}

/// The SDP bodies and trickle fragments of a message, in order, whatever multiparts they are in. `body` is the place
/// of the message's body in `buf`, `content_type` the value of its Content-Type (empty where there is none).
pub fn sdp_bodies<'a>(buf: &'a [u8], body: Range<usize>, content_type: &[u8]) -> Vec<SdpBody<'a>> {
    let (whole, _) = mime::parse_body(buf, body, content_type);
    let single = whole.parts.is_empty();
    let mut bodies: Vec<_> =
        whole.walk().into_iter().filter_map(|p| read(buf, p, single)).take(MAX_BODIES).collect();
    let has_older = bodies.iter().any(|b| b.syntax == CandidateSyntax::V06 || b.fallback);
    for body in bodies.iter_mut().filter(|b| has_older && b.syntax == CandidateSyntax::Rfc) {
        body.syntax = CandidateSyntax::V19;
    }
    bodies
}

fn read<'a>(buf: &'a [u8], part: &Part, single: bool) -> Option<SdpBody<'a>> {
    if !part.parts.is_empty() {
        return None;
    }
    let fragment = match part.media_type.as_str() {
        "application/sdp" => false,
        "application/trickle-ice-sdpfrag" | "application/sdpfrag" => true,
        // Told by content where no type is told.
        "" if single && buf.get(part.content.clone()).is_some_and(|b| b.starts_with(b"v=0")) => false,
        _ => return None,
    };
    let (content, _) = part.decoded(buf);
    let disposition = part.disposition.as_deref().unwrap_or_default();
    let fallback = mime::parameter(disposition.as_bytes(), "ms-proxy-2007fallback").is_some();
    let syntax = syntax_of(&if fragment { parse_sdpfrag(&content) } else { parse_sdp(&content) });
    Some(SdpBody { content, range: part.content.clone(), syntax, fallback, fragment })
}

/// The newest kind of all sections.
fn syntax_of(session: &Session<'_>) -> CandidateSyntax {
    let sections = session.ice_descriptions();
    let all = sections.iter().map(|s| s.syntax).chain(session.ice_before_media().map(|s| s.syntax));
    let newest = |s: &CandidateSyntax| match s {
        CandidateSyntax::None => 0,
        CandidateSyntax::V06 => 1,
        CandidateSyntax::Rfc => 2,
        CandidateSyntax::V19 => 3,
    };
    all.max_by_key(newest).unwrap_or_default()
}
