//! What an arrow says of why: `1003 user does not exist`.

use callscope_parsers::sip::Message;

use crate::correlate::{MsgIdx, SipRecord, diagnostics_in, flag};
use crate::view::show;

/// The foremost of what the headers of a message say of why; empty where they say nothing.
pub(super) fn words(m: MsgIdx, record: &SipRecord, message: Option<&Message<'_>>) -> String {
    let Some(message) = message.filter(|_| record.has(flag::DIAGNOSTICS)) else { return String::new() };
    show::foremost(&diagnostics_in(message, m)).map(show::diagnostic).unwrap_or_default()
}
