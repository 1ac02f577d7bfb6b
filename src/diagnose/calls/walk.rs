//! Finding one's way among the messages of a call.

use crate::correlate::{Analysis, CallIdx, MethodId, MsgIdx, SipRecord, flag};

/// Messages of a call that are looked at.
pub(super) const LOOK: usize = 20_000;

/// Its messages in order of time, each once whatever the copies.
pub(super) fn messages(analysis: &Analysis, call: CallIdx) -> Vec<MsgIdx> {
    let mut order = analysis.messages_in_time(analysis.call(call).messages);
    order.truncate(LOOK);
    order.retain(|m| !analysis.message(*m).has(flag::DUPLICATE));
    order
}

/// Opens the call or tries again to.
pub(super) fn is_opening(r: &SipRecord) -> bool {
    r.is_request() && r.method == MethodId::INVITE && !r.has(flag::TO_TAG)
}
