//! What is told of a call beside its summary: forks, offers, diagnostics.

use callscope_parsers::sip::{self, cause};

use super::types;
use super::value::some;
use crate::correlate::{Analysis, CallIdx, Str, flag};

/// Diagnostics told of one call.
const MOST: usize = 256;

const HEADERS: [&str; 3] = ["ms-diagnostics", "ms-diagnostics-public", "ms-client-diagnostics"];

/// What the diagnostics and Reason headers of a call's messages say, the same thing once.
pub(super) fn diagnostics(analysis: &Analysis, call: CallIdx) -> Vec<types::Diagnostic> {
    let mut found: Vec<types::Diagnostic> = Vec::new();
    for m in analysis.messages_of(analysis.call(call).messages) {
        let record = analysis.message(m);
        if !record.has(flag::DIAGNOSTICS) || found.len() >= MOST {
            continue;
        }
        let Ok(bytes) = analysis.message_bytes(m) else { continue };
        let Some(message) = sip::parse_message(&bytes) else { continue };
        let frame = record.frame.into();
        let text = |bytes: &[u8]| (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned());
        let mut add = |d: types::Diagnostic| {
            if !found.iter().any(|other| other.same(&d)) {
                found.push(d);
            }
        };
        for header in &message.headers {
            let range = header.value_range.clone();
            if header.is("Reason") {
                for r in cause::parse_reasons(&bytes, range).0 {
                    let (source, reason) = (text(r.protocol), text(r.text));
                    add(types::Diagnostic { header: "Reason", code: r.cause, source, reason, frame });
                }
            } else if let Some(name) = HEADERS.into_iter().find(|name| header.is(name))
                && let (Some(d), _) = cause::parse_diagnostics(&bytes, range)
            {
                let (source, reason) = (text(d.source), text(d.reason));
                add(types::Diagnostic { header: name, code: Some(d.code), source, reason, frame });
            }
        }
    }
    found
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
        generation: analysis.candidate_syntax(o.offer).name(),
        role: o.role.name(),
    };
    offers.into_iter().map(offer).collect()
}
