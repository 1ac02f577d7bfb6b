//! What is told of a call beside its summary: forks, offers, diagnostics.

use super::types;
use super::value::{Word, some};
use crate::correlate::{Analysis, CallIdx, Diagnostic, Owner, Str};

/// What the diagnostics, Warning and Reason headers of a call's messages say, the same thing once.
pub(super) fn diagnostics(analysis: &Analysis, call: CallIdx) -> Vec<types::Diagnostic> {
    let of = |d: Diagnostic| types::Diagnostic {
        header: d.header.name(),
        code: d.code,
        source: d.source,
        reason: d.reason,
        frame: analysis.message(d.message).frame.into(),
    };
    analysis.diagnostics_of(Owner::Call(call)).into_iter().map(of).collect()
}

pub(super) fn forks(analysis: &Analysis, call: CallIdx) -> Vec<types::Fork<'_>> {
    if analysis.call(call).summary.forks == 0 {
        return Vec::new();
    }
    let forks = analysis.forks(call);
    let fork = |f: crate::correlate::Fork| types::Fork {
        to_tag: analysis.text(f.to_tag),
        epid: (f.epid != Str(0)).then(|| analysis.text(f.epid)),
        status: some(f.status),
        frame: analysis.message(f.message).frame.into(),
    };
    forks.into_iter().map(fork).collect()
}

pub(super) fn offers(analysis: &Analysis, call: CallIdx) -> Vec<types::Offer> {
    if analysis.call(call).summary.offers == 0 {
        return Vec::new();
    }
    let offers = analysis.offers(call);
    let offer = |o: crate::correlate::OfferAnswer| types::Offer {
        offer: analysis.message(o.offer).frame.into(),
        answer: o.answer.map(|m| analysis.message(m).frame.into()),
        generation: Word(analysis.candidate_syntax(o.offer).name()),
        role: Word(o.role.name()),
    };
    offers.into_iter().map(offer).collect()
}
