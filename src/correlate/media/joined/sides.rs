//! The media of one call by section and direction.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::MediaStream;
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::*;

/// A media section of a call with the streams each way. Numbers are those of [`Analysis::media_streams`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SectionMedia {
    /// Its number in the description; none for streams of which it is not known.
    pub index: Option<usize>,
    /// `audio` …; empty where it is not known.
    pub kind: String,
    /// Of RTP: others (`message`, `application` …) have no streams.
    pub rtp: bool,
    /// One of both refused it.
    pub declined: bool,
    /// When both had described it.
    pub agreed: Option<Nanos>,
    /// Whether media was to run from the caller, and from the callee, at any time of the call.
    pub from_caller_wanted: bool,
    pub from_callee_wanted: bool,
    pub from_caller: Vec<usize>,
    pub from_callee: Vec<usize>,
    /// Streams whose direction is not known.
    pub other: Vec<usize>,
    /// It, or what stood in its place for a time, was of a fax (T.38).
    pub was_fax: bool,
    /// Machines where the caller, and the callee, want it.
    pub machines: [BTreeSet<IpAddr>; 2],
    /// The same with their ports.
    pub ends: [BTreeSet<SocketAddr>; 2],
}

impl SectionMedia {
    /// Who alone is heard where both were to be: the other side's media is not in the capture.
    pub fn one_way(&self) -> Option<Side> {
        if !self.from_caller_wanted || !self.from_callee_wanted || !self.other.is_empty() {
            return None;
        }
        match (self.from_caller.is_empty(), self.from_callee.is_empty()) {
            (false, true) => Some(Side::Caller),
            (true, false) => Some(Side::Callee),
            _ => None,
        }
    }
}

impl Analysis {
    /// The sections of a call with their streams, those that were agreed on and carried nothing among them.
    pub fn media_of_call(&self, call: CallIdx) -> Vec<SectionMedia> {
        let joined = self.joined_media();
        let plan = self.media_plan(call);
        let mut out: Vec<SectionMedia> = Vec::new();
        for d in &plan.descriptions {
            for (index, terms) in d.sections.iter().enumerate().skip(out.len()) {
                let (kind, rtp) = (terms.kind.clone(), terms.rtp);
                out.push(SectionMedia { index: Some(index), kind, rtp, ..SectionMedia::default() });
            }
        }
        for (index, section) in out.iter_mut().enumerate() {
            let mut all = plan.descriptions.iter().filter_map(|d| d.sections.get(index));
            section.was_fax = all.any(|t| t.kind == "image" && !t.declined);
            for a in &plan.agreements {
                let terms = [a.caller, a.callee].map(|d| plan.terms(d, index));
                let [Some(caller), Some(callee)] = terms else { continue };
                section.declined = caller.declined || callee.declined;
                section.agreed = section.agreed.or(Some(a.from).filter(|_| !section.declined));
                for (machines, terms) in section.machines.iter_mut().zip([caller, callee]) {
                    machines.extend(terms.ends.iter().map(|e| e.address.ip()));
                }
                for (ends, terms) in section.ends.iter_mut().zip([caller, callee]) {
                    ends.extend(terms.ends.iter().map(|e| e.address));
                }
                section.from_caller_wanted |= plan.allows(a, index, true);
                section.from_callee_wanted |= plan.allows(a, index, false);
            }
        }
        for (i, m) in joined.iter().enumerate().filter(|(_, m)| m.call == Some(call)) {
            let index = m.section.as_ref().map(|s| s.index);
            let at = out.iter().position(|s| s.index == index).unwrap_or_else(|| {
                let kind = m.section.as_ref().map(|s| s.kind.clone()).unwrap_or_default();
                out.push(SectionMedia { index, kind, rtp: true, ..SectionMedia::default() });
                out.len() - 1
            });
            let Some(section) = out.get_mut(at) else { continue };
            match m.from_caller {
                Some(true) => section.from_caller.push(i),
                Some(false) => section.from_callee.push(i),
                None => section.other.push(i),
            }
        }
        out
    }

    /// Addresses of record of who sends a stream and who receives it.
    pub fn parties_of_stream(&self, m: &MediaStream) -> Option<[Str; 2]> {
        let call = self.call(m.call?);
        Some(if m.from_caller? { [call.from_uri, call.to_uri] } else { [call.to_uri, call.from_uri] })
    }
}
