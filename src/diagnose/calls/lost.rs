//! Requests that went to a port which its user has left since: a NAT forgot where it led.

use std::collections::BTreeSet;

use callscope_parsers::sip::name_addr::parse_name_addrs;
use callscope_parsers::sip::parse_message;

use super::during::{Budget, Fault, What};
use super::walk::{is_opening, messages};
use super::{NO_RESPONSE, TIMEOUT};
use crate::capture::Nanos;
use crate::correlate::{Analysis, CallIdx, MsgIdx, Transport, address_key, flag};
use crate::diagnose::Context;

/// A NAT forgets a binding of UDP after this at the earliest (RFC 4787 REQ-5 asks for more; many keep 30 s).
const FORGETS: Nanos = 30_000_000_000;
/// Ports of one address that are looked at.
const PORTS: usize = 8;

/// The INVITEs of calls that nobody answered and that went to a port left since.
pub(super) fn invites(context: &Context<'_>, budget: &mut Budget) -> Vec<Fault> {
    let analysis = context.analysis;
    let silent = |rule: &str| rule == NO_RESPONSE.id || rule == TIMEOUT.id;
    let calls = context.troubles().iter().filter(|t| silent(t.1.id));
    let gone = |&(call, _): &(CallIdx, _)| {
        let request = unanswered(analysis, call)?;
        binding_gone(analysis, request, budget).map(|what| Fault { call, what })
    };
    calls.filter_map(gone).collect()
}

/// The INVITE of a call to which nothing at all came back, on the hop that is furthest.
fn unanswered(analysis: &Analysis, call: CallIdx) -> Option<MsgIdx> {
    let order = messages(analysis, call);
    let answered = |m: MsgIdx| {
        let r = analysis.message(m);
        order.iter().any(|o| {
            let a = analysis.message(*o);
            !a.is_request() && a.method == r.method && a.branch == r.branch
        })
    };
    let sent = |m: &MsgIdx| {
        let r = analysis.message(*m);
        is_opening(r)
            && !r.has(flag::RETRANSMISSION)
            && analysis.flow(r.flow).transport == Transport::Udp
            && !answered(*m)
    };
    order.iter().copied().filter(sent).last()
}

/// Whether a request went to a port where its user was silent for long, and that user speaks from a port afterwards that was
/// not known before: others behind the same NAT have ports of their own.
pub(super) fn binding_gone(analysis: &Analysis, request: MsgIdx, budget: &mut Budget) -> Option<What> {
    budget.look()?;
    let sent = analysis.message(request);
    let to = analysis.flow(sent.flow).dst;
    let mut heard: Option<(Nanos, MsgIdx)> = None;
    let mut known: BTreeSet<u16> = BTreeSet::new();
    let mut later: Vec<(u16, MsgIdx)> = Vec::new();
    for (i, r) in (0u32..).map(MsgIdx).zip(&analysis.messages) {
        let from = analysis.flow(r.flow).src;
        if from.ip() != to.ip() {
            continue;
        }
        if r.time <= sent.time {
            known.insert(from.port());
            if from == to {
                heard = heard.max(Some((r.time, i)));
            }
        } else if from == to {
            return None;
        } else if later.len() < PORTS && !later.iter().any(|(port, _)| *port == from.port()) {
            later.push((from.port(), i));
        }
    }
    let (time, heard) = heard?;
    let silent = sent.time.saturating_sub(time);
    if silent < FORGETS {
        return None;
    }
    let user = speaker(analysis, heard, budget)?;
    let new = later.into_iter().filter(|(port, _)| !known.contains(port));
    let mut same = new.filter(|(_, m)| speaker(analysis, *m, budget).as_ref() == Some(&user));
    same.next().map(|(_, later)| What::BindingGone { request, silent, later })
}

/// Whose message it is: From of a request, To of an answer.
fn speaker(analysis: &Analysis, m: MsgIdx, budget: &mut Budget) -> Option<String> {
    let bytes = budget.head(analysis, m)?;
    let message = parse_message(&bytes)?;
    let header = message.header(if analysis.message(m).is_request() { "From" } else { "To" })?;
    let address = parse_name_addrs(message.bytes, header.value_range.clone()).0.into_iter().next()?;
    address_key(message.bytes.get(address.uri.range)?)
}
