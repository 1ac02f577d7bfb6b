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

/// Whether the clock was set back while these messages came, which stand in their order: times across it cannot be compared.
pub(super) fn is_set_back(analysis: &Analysis, order: &[MsgIdx]) -> bool {
    !order.is_sorted_by_key(|m| analysis.message(*m).time)
}

/// Opens the call or tries again to.
pub(super) fn is_opening(r: &SipRecord) -> bool {
    r.is_request() && r.method == MethodId::INVITE && !r.has(flag::TO_TAG)
}
