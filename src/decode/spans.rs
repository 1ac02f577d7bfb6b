//! A [`Scan`] without its borrow, so that it can go from the worker that made it to the thread that uses it.

use callscope_parsers::sdp::candidate::LineKinds;
use callscope_parsers::sip::scan::SdpScan;
use callscope_parsers::sip::{NameAddrScan, Scan};

/// Start and length within the message: a datagram's payload is shorter than 64 KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span(u16, u16);

impl Span {
    fn of(part: &[u8], message: &[u8]) -> Self {
        // Where an empty one begins does not matter.
        let start = (part.as_ptr() as usize).wrapping_sub(message.as_ptr() as usize);
        debug_assert!(
            part.is_empty() || start + part.len() <= message.len() && message.len() <= usize::from(u16::MAX),
            "every slice of a scan lies in its message, which came in one datagram"
        );
        Self(start as u16, part.len() as u16)
    }

    pub fn is_empty(self) -> bool {
        self.1 == 0
    }

    pub fn get(self, message: &[u8]) -> &[u8] {
        let start = usize::from(self.0);
        message.get(start..start + usize::from(self.1)).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AddressSpans {
    pub display: Span,
    pub uri: Span,
    pub tag: Span,
    pub epid: Span,
}

impl AddressSpans {
    fn of(a: &NameAddrScan<'_>, m: &[u8]) -> Self {
        Self {
            display: Span::of(a.display, m),
            uri: Span::of(a.uri, m),
            tag: Span::of(a.tag, m),
            epid: Span::of(a.epid, m),
        }
    }

    fn get(self, m: &[u8]) -> NameAddrScan<'_> {
        NameAddrScan {
            display: self.display.get(m),
            uri: self.uri.get(m),
            tag: self.tag.get(m),
            epid: self.epid.get(m),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct SdpSpans {
    origin: Span,
    address: Span,
    media: Span,
    direction: Span,
    pub media_sections: u16,
    pub candidates: u16,
    pub candidate_kinds: LineKinds,
    pub one_way: bool,
}

/// See the module text.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    pub(super) method: Span,
    pub(super) request_uri: Span,
    pub(super) reason: Span,
    pub(super) call_id: Span,
    pub(super) from: AddressSpans,
    pub(super) to: AddressSpans,
    pub(super) branch: Span,
    pub(super) cseq_method: Span,
    pub(super) agent: Span,
    pub(super) contact: Span,
    pub(super) event: Span,
    pub(super) subscription_state: Span,
    pub(super) content_type: Span,
    pub(super) diagnostics: Span,
    pub(super) replaces: Span,
    pub(super) refer_to: Span,
    pub(super) x_call_id: Span,
    pub(super) cseq: u32,
    pub(super) status: u16,
    pub(super) suspicious: bool,
    pub(super) credentials: bool,
    pub(super) expires: Option<u32>,
    pub(super) content_length: Option<u32>,
    pub(super) body_start: u32,
    pub(super) sdp: Option<SdpSpans>,
}

impl Spans {
    /// `scan` must have been made of `message`, which is shorter than 64 KiB.
    pub fn of(scan: &Scan<'_>, message: &[u8]) -> Self {
        let s = |part: &[u8]| Span::of(part, message);
        Self {
            method: s(scan.method),
            request_uri: s(scan.request_uri),
            reason: s(scan.reason),
            call_id: s(scan.call_id),
            from: AddressSpans::of(&scan.from, message),
            to: AddressSpans::of(&scan.to, message),
            branch: s(scan.branch),
            cseq_method: s(scan.cseq_method),
            agent: s(scan.agent),
            contact: s(scan.contact),
            event: s(scan.event),
            subscription_state: s(scan.subscription_state),
            content_type: s(scan.content_type),
            diagnostics: s(scan.diagnostics),
            replaces: s(scan.replaces),
            refer_to: s(scan.refer_to),
            x_call_id: s(scan.x_call_id),
            cseq: scan.cseq,
            status: scan.status,
            suspicious: scan.suspicious,
            credentials: scan.credentials,
            expires: scan.expires,
            content_length: scan.content_length,
            body_start: scan.body_start as u32,
            sdp: scan.sdp.map(|d| SdpSpans {
                origin: s(d.origin),
                address: s(d.address),
                media: s(d.media),
                direction: s(d.direction),
                media_sections: d.media_sections,
                candidates: d.candidates,
                candidate_kinds: d.candidate_kinds,
                one_way: d.one_way,
            }),
        }
    }

    /// The scan again, of the same bytes.
    pub fn scan<'a>(&self, m: &'a [u8]) -> Scan<'a> {
        Scan {
            method: self.method.get(m),
            request_uri: self.request_uri.get(m),
            status: self.status,
            reason: self.reason.get(m),
            call_id: self.call_id.get(m),
            from: self.from.get(m),
            to: self.to.get(m),
            branch: self.branch.get(m),
            cseq: self.cseq,
            cseq_method: self.cseq_method.get(m),
            agent: self.agent.get(m),
            contact: self.contact.get(m),
            event: self.event.get(m),
            subscription_state: self.subscription_state.get(m),
            content_type: self.content_type.get(m),
            expires: self.expires,
            content_length: self.content_length,
            diagnostics: self.diagnostics.get(m),
            replaces: self.replaces.get(m),
            refer_to: self.refer_to.get(m),
            x_call_id: self.x_call_id.get(m),
            body_start: self.body_start as usize,
            sdp: self.sdp.map(|d| SdpScan {
                origin: d.origin.get(m),
                address: d.address.get(m),
                media: d.media.get(m),
                media_sections: d.media_sections,
                candidates: d.candidates,
                candidate_kinds: d.candidate_kinds,
                direction: d.direction.get(m),
                one_way: d.one_way,
            }),
            suspicious: self.suspicious,
            credentials: self.credentials,
        }
    }
}
