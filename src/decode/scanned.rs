//! What a message says, as a fresh scan has it or as it came from the worker that scanned it.

use callscope_parsers::sdp::candidate::LineKinds;
use callscope_parsers::sip::Scan;

use super::Spans;

/// A [`Scan`], of which only what is asked for is made where a worker has the rest.
#[derive(Debug, Clone, Copy)]
pub enum Scanned<'a> {
    Scan(&'a Scan<'a>),
    /// Of these bytes.
    Spans(&'a Spans, &'a [u8]),
}

/// Accessors named like the fields of [`Scan`].
macro_rules! fields {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(pub fn $name(self) -> $type {
            match self {
                Self::Scan(scan) => scan.$name,
                Self::Spans(spans, _) => spans.$name,
            }
        })*
    };
}
macro_rules! slices {
    ($($name:ident = $($field:ident).+),* $(,)?) => {
        $(pub fn $name(self) -> &'a [u8] {
            match self {
                Self::Scan(scan) => scan.$($field).+,
                Self::Spans(spans, message) => spans.$($field).+.get(message),
            }
        })*
    };
}

impl<'a> Scanned<'a> {
    fields! { status: u16, cseq: u32, suspicious: bool, credentials: bool, expires: Option<u32> }
    slices! {
        method = method,
        reason = reason,
        call_id = call_id,
        from_display = from.display,
        from_uri = from.uri,
        to_display = to.display,
        to_uri = to.uri,
        cseq_method = cseq_method,
        agent = agent,
        subscription_state = subscription_state,
        replaces = replaces,
        refer_to = refer_to,
        x_call_id = x_call_id,
        request_uri = request_uri,
    }

    pub fn body_start(self) -> usize {
        match self {
            Self::Scan(scan) => scan.body_start,
            Self::Spans(spans, _) => spans.body_start as usize,
        }
    }

    pub fn has_diagnostics(self) -> bool {
        match self {
            Self::Scan(scan) => !scan.diagnostics.is_empty(),
            Self::Spans(spans, _) => !spans.diagnostics.is_empty(),
        }
    }

    pub fn has_to_tag(self) -> bool {
        match self {
            Self::Scan(scan) => !scan.to.tag.is_empty(),
            Self::Spans(spans, _) => !spans.to.tag.is_empty(),
        }
    }

    /// Media sections of its SDP, its candidate lines, and whether some section may run one way only.
    pub fn sdp(self) -> Option<(u16, u16, bool)> {
        match self {
            Self::Scan(scan) => scan.sdp.map(|d| (d.media_sections, d.candidates, d.one_way)),
            Self::Spans(spans, _) => spans.sdp.map(|d| (d.media_sections, d.candidates, d.one_way)),
        }
    }

    /// Of which kinds the candidate lines of a request are; none of an answer.
    pub fn candidate_kinds(self) -> LineKinds {
        match self {
            Self::Scan(scan) => scan.sdp.map(|d| d.candidate_kinds),
            Self::Spans(spans, _) => spans.sdp.map(|d| d.candidate_kinds),
        }
        .unwrap_or_default()
    }

    /// All of it.
    pub fn whole(self) -> Scan<'a> {
        match self {
            Self::Scan(scan) => *scan,
            Self::Spans(spans, message) => spans.scan(message),
        }
    }
}
