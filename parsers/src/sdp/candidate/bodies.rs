//! The descriptions of one message. The first INVITE of Communicator 2007 R2 carries two, of which the one marked
//! `ms-proxy-2007fallback` is for older clients ([MS-SIPRE] §3.15.5.2).

use std::borrow::Cow;
use std::ops::Range;

use super::super::{Session, parse_lines};
use super::{CandidateSyntax, IceDescription};
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
    /// What the one parse gave; `None` where `content` is no part of the message (a transfer encoding).
    parsed: Option<Box<Parsed<'a>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parsed<'a> {
    session: Session<'a>,
    sections: Vec<IceDescription<'a>>,
}

impl<'a> Parsed<'a> {
    fn of(content: &'a [u8], fragment: bool) -> Self {
        let session = parse_lines(content, fragment);
        let sections = session.ice_descriptions();
        Self { session, sections }
    }
}

impl SdpBody<'_> {
    /// Taken apart; ranges count from the start of `content`. Issues of candidate lines are with the candidates only.
    pub fn parse(&self) -> Cow<'_, Session<'_>> {
        match &self.parsed {
            Some(parsed) => Cow::Borrowed(&parsed.session),
            None => Cow::Owned(parse_lines(&self.content, self.fragment)),
        }
    }

    /// As [`Session::ice_descriptions`].
    pub fn ice_descriptions(&self) -> Cow<'_, [IceDescription<'_>]> {
        match &self.parsed {
            Some(parsed) => Cow::Borrowed(&parsed.sections),
            None => Cow::Owned(parse_lines(&self.content, self.fragment).ice_descriptions()),
        }
    }
}

/// The SDP bodies and trickle fragments of a message, in order, whatever multiparts they are in. `body` is the place
/// of the message's body in `buf`, `content_type` the value of its Content-Type (empty where there is none).
pub fn sdp_bodies<'a>(buf: &'a [u8], body: Range<usize>, content_type: &[u8]) -> Vec<SdpBody<'a>> {
    // Most bodies are a description and nothing else.
    if mime::media_type(content_type).eq_ignore_ascii_case(b"application/sdp") {
        let range = body.start.min(buf.len())..body.end.min(buf.len());
        let content = Cow::Borrowed(buf.get(range.clone()).unwrap_or_default());
        return vec![body_of(content, range, false, false)];
    }
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
    Some(body_of(content, part.content.clone(), fallback, fragment))
}

fn body_of(content: Cow<'_, [u8]>, range: Range<usize>, fallback: bool, fragment: bool) -> SdpBody<'_> {
    let (syntax, parsed) = match &content {
        Cow::Borrowed(bytes) => {
            let parsed = Parsed::of(bytes, fragment);
            (syntax_of(&parsed), Some(Box::new(parsed)))
        }
        Cow::Owned(bytes) => (syntax_of(&Parsed::of(bytes, fragment)), None),
    };
    SdpBody { content, range, syntax, fallback, fragment, parsed }
}

/// The newest kind of all sections.
fn syntax_of(parsed: &Parsed<'_>) -> CandidateSyntax {
    let before = parsed.session.ice_before_media().map(|s| s.syntax);
    let all = parsed.sections.iter().map(|s| s.syntax).chain(before);
    let newest = |s: &CandidateSyntax| match s {
        CandidateSyntax::None => 0,
        CandidateSyntax::V06 => 1,
        CandidateSyntax::Rfc => 2,
        CandidateSyntax::V19 => 3,
    };
    all.max_by_key(newest).unwrap_or_default()
}
