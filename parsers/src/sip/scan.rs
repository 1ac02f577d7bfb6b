//! The hot path: one pass over a message, spans only, no allocation.

/// What a `From`, `To` or `Contact` value says. Fields borrow the message; absent is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NameAddrScan<'a> {
    /// Display name without its quotes (escapes kept as written).
    pub display: &'a [u8],
    /// URI without angle brackets, URI parameters included.
    pub uri: &'a [u8],
    pub tag: &'a [u8],
    pub epid: &'a [u8],
}

/// What one pass over a message's start line, headers and body head gives. All slices borrow the message and
/// are trimmed; absent is empty (or `None`). Where a header repeats, the first counts (for `Via` the topmost).
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan<'a> {
    /// Method as written; empty for a response.
    pub method: &'a [u8],
    /// Request-URI; empty for a response.
    pub request_uri: &'a [u8],
    /// Status code 100–999; 0 for a request.
    pub status: u16,
    /// Reason phrase of a response.
    pub reason: &'a [u8],
    pub call_id: &'a [u8],
    pub from: NameAddrScan<'a>,
    pub to: NameAddrScan<'a>,
    /// `branch` of the topmost Via; empty if none.
    pub branch: &'a [u8],
    pub cseq: u32,
    pub cseq_method: &'a [u8],
    /// `User-Agent`, or `Server` in a response.
    pub agent: &'a [u8],
    pub contact: &'a [u8],
    pub event: &'a [u8],
    pub content_type: &'a [u8],
    pub expires: Option<u32>,
    /// `Content-Length` as written, if it is a number.
    pub content_length: Option<u32>,
    /// Raw value of the first `ms-diagnostics` / `-public` / `ms-client-diagnostics`, else `Reason`.
    pub diagnostics: &'a [u8],
    /// First of `Replaces`; value raw.
    pub replaces: &'a [u8],
    pub refer_to: &'a [u8],
    /// Value of `X-Call-ID` and its like (`X-CID`, …), raw.
    pub x_call_id: &'a [u8],
    /// Where the body begins (after the empty line), or the length of the message if there is none.
    pub body_start: usize,
    /// The body holds SDP (directly or in a multipart part).
    pub sdp: Option<SdpScan<'a>>,
    /// Something a full parse would report: missing mandatory header, bad start line, bad Content-Length …
    pub suspicious: bool,
}

/// What one pass over the SDP in a body gives (of the last `application/sdp` part that has an `m=` line).
#[derive(Debug, Clone, Copy, Default)]
pub struct SdpScan<'a> {
    /// Value of `o=`.
    pub origin: &'a [u8],
    /// Connection address of the first media section (its own `c=` or the session's).
    pub address: &'a [u8],
    /// `m=` line value of the first media section, e.g. `audio 49170 RTP/AVP 0`.
    pub media: &'a [u8],
    pub media_sections: u16,
    /// How many `a=candidate` lines, all bodies together.
    pub candidates: u16,
    /// Direction attribute of the first media section (`sendonly`, `inactive` …), empty if none.
    pub direction: &'a [u8],
}

/// Scans one whole message (headers and as much body as there is).
///
/// Gives `None` only where the first line is neither a request nor a status line of SIP/2.0.
pub fn scan(message: &[u8]) -> Option<Scan<'_>> {
    let _ = message;
    None
}
