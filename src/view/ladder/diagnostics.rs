//! What an arrow says of why: `1003 user does not exist`.

use callscope_parsers::sip::Message;

use crate::correlate::{DiagnosticHeader, MsgIdx, SipRecord, diagnostics_in, flag, is_refusal};
use crate::view::show;

/// The foremost of what the headers of a message say of why; empty where they say nothing.
pub(super) fn words(m: MsgIdx, record: &SipRecord, message: Option<&Message<'_>>) -> String {
    let Some(message) = message.filter(|_| record.has(flag::DIAGNOSTICS)) else { return String::new() };
    let mut all = diagnostics_in(message, m);
    // A proxy may put a warning into every answer, with what nobody needs who was not refused.
    all.retain(|d| d.header != DiagnosticHeader::Warning || is_refusal(record.status));
    show::foremost(&all).map(show::diagnostic).unwrap_or_default()
}
