//! The media section of a stream, its codec, and how it is protected: as the receiver's description in force says.

use std::collections::HashSet;
use std::sync::Arc;

use callscope_parsers::rtp::{Payload, digit, fallback_payload, static_payload};

use super::super::Stream;
use super::belong::Place;
use super::describe::{Description, Plan, Security, Terms};
use super::{Codec, CodecSource, MediaStream, Protection, Secured, StreamSection};
use crate::capture::Nanos;
use crate::correlate::model::CallIdx;

/// Header extension with the `a=mid` of the packet's section (RFC 9143 §15.2).
const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
/// A description counts so long before it was captured.
const AHEAD: Nanos = 200_000_000;

/// What streams have in common, so that each is kept once.
#[derive(Default)]
pub(super) struct Shared {
    codecs: HashSet<Arc<Codec>>,
    section: Option<(CallIdx, Arc<StreamSection>)>,
}

impl Shared {
    fn codec(&mut self, codec: Option<Codec>) -> Option<Arc<Codec>> {
        let codec = codec?;
        if let Some(known) = self.codecs.get(&codec) {
            return Some(known.clone());
        }
        let new = Arc::new(codec);
        self.codecs.insert(new.clone());
        Some(new)
    }

    /// Streams of one call come one after the other.
    fn section(&mut self, call: CallIdx, section: StreamSection) -> Arc<StreamSection> {
        match &self.section {
            Some((of, known)) if *of == call && **known == section => known.clone(),
            _ => {
                let new = Arc::new(section);
                self.section = Some((call, new.clone()));
                new
            }
        }
    }
}

/// What one stream is in its call.
pub(super) struct Joint<'p> {
    pub place: &'p Place,
    pub plan: &'p Plan,
    pub section: Option<usize>,
    /// Of a fax, and not of RTP.
    fax: bool,
}

impl<'p> Joint<'p> {
    /// `on_pair`: the section of the ICE session that carries it.
    pub fn new(
        place: &'p Place,
        plan: &'p Plan,
        (stream, fax): (&Stream, bool),
        on_pair: Option<usize>,
    ) -> Self {
        let mut out = Self { place, plan, section: None, fax };
        out.section = out.find_section(stream, on_pair);
        out
    }

    /// A stream of that section.
    pub fn of_section(place: &'p Place, plan: &'p Plan, section: usize) -> Self {
        Self { place, plan, section: Some(section), fax: false }
    }

    /// What the number of a header extension stands for (RFC 8285 §5); one number of a bundle means one thing.
    pub fn extension(&self, id: u8, time: Nanos) -> Option<String> {
        let current = self.terms_at(true, time).map(|(_, t)| t);
        let both = [true, false].map(|receiver| self.of(receiver));
        let others = both.into_iter().flatten().filter_map(|d| d.sections.get(self.section?));
        let uri = |t: &Terms| t.extensions.iter().find(|(n, _)| *n == id).map(|(_, uri)| uri.clone());
        current.into_iter().chain(others).find_map(uri)
    }

    /// The descriptions of who receives the stream, or of who sends it.
    fn of(&self, receiver: bool) -> impl Iterator<Item = &'p Description> + '_ {
        let by_caller = self.place.from_caller != receiver;
        self.plan.descriptions.iter().filter(move |d| d.by_caller == by_caller)
    }

    fn find_section(&self, stream: &Stream, on_pair: Option<usize>) -> Option<usize> {
        let (ssrc, payload_type) = (stream.ssrc, stream.main_type());
        let (description, named) = match (self.place.to.or(self.place.from), on_pair) {
            (Some(named), _) => (self.plan.descriptions.get(named.description as usize)?, named.sections),
            (None, Some(section)) => (self.of(true).next()?, 1u64.checked_shl(section as u32)?),
            (None, None) => return None,
        };
        let sections = &description.sections;
        if self.fax {
            // It may have taken the place of audio since.
            let of_fax = |i: &usize| {
                let mut all = self.plan.descriptions.iter().filter_map(|d| d.sections.get(*i));
                *i < 64 && named >> *i & 1 == 1 && all.any(|t| t.fax)
            };
            return (0..64).find(of_fax);
        }
        let is_rtp = |i: &usize| sections.get(*i).is_some_and(|t| t.rtp);
        let named_here = |i: &usize| *i < 64 && named >> *i & 1 == 1;
        let mut all: Vec<usize> = (0..sections.len()).filter(named_here).collect();
        if all.iter().any(is_rtp) {
            all.retain(is_rtp);
        }
        let mine = all.clone();
        for mate in self.bundle_mates(&mine) {
            if !all.contains(&mate) {
                all.push(mate);
            }
        }
        if all.len() < 2 {
            return all.first().copied();
        }
        // RFC 9143 §9.2: a packet that names its section is of that, whatever else fits.
        if let Some(one) = self.named_section(stream, &all) {
            return Some(one);
        }
        // A source is announced by who sends it, a payload type by who receives it (RFC 3264 §5.1).
        let by_source: Vec<usize> = all
            .iter()
            .copied()
            .filter(|i| self.of(false).any(|d| d.sections.get(*i).is_some_and(|t| t.has_source(ssrc))))
            .collect();
        if let [one] = by_source.as_slice() {
            return Some(*one);
        }
        let has_type =
            |i: &usize| self.of(true).any(|d| d.sections.get(*i).is_some_and(|t| t.has_type(payload_type)));
        let by_type = |of: &[usize]| {
            let mut fit = of.iter().copied().filter(has_type);
            fit.next().filter(|_| fit.next().is_none())
        };
        by_type(&mine).or_else(|| by_type(&all)).or(match mine.as_slice() {
            [one] => Some(*one),
            _ => None,
        })
    }

    /// The section among these whose `a=mid` a packet of the stream has in its header.
    fn named_section(&self, stream: &Stream, among: &[usize]) -> Option<usize> {
        let all = || [false, true].into_iter().flat_map(|receiver| self.of(receiver));
        let mut elements = stream.extension_elements();
        elements.find_map(|(id, value)| {
            let names = |t: &Terms| t.extensions.iter().any(|(n, uri)| *n == id && uri == MID);
            if !all().flat_map(|d| d.sections.iter()).any(names) {
                return None;
            }
            let is_it = |i: &&usize| {
                all().any(|d| d.sections.get(**i).is_some_and(|t| t.mid.as_deref() == Some(value)))
            };
            among.iter().find(is_it).copied()
        })
    }

    /// Sections that go over the transport of these, where both parties said so (RFC 9143).
    fn bundle_mates(&self, of: &[usize]) -> Vec<usize> {
        let mut out = Vec::new();
        for d in self.of(true) {
            for i in of {
                let Some(group) = d.sections.get(*i).and_then(|t| t.bundle) else { continue };
                let mates = d.sections.iter().enumerate().filter(|(_, t)| t.bundle == Some(group) && t.rtp);
                for (mate, _) in mates {
                    let by_both = [mate, *i].iter().all(|i| {
                        self.of(false).any(|d| d.sections.get(*i).is_some_and(|t| t.bundle.is_some()))
                    });
                    if by_both && !out.contains(&mate) {
                        out.push(mate);
                    }
                }
            }
        }
        out
    }

    /// The section as a party has it at a time.
    fn terms_at(&self, receiver: bool, time: Nanos) -> Option<(&'p Description, &'p Terms)> {
        let section = self.section?;
        let by_caller = self.place.from_caller != receiver;
        let named = if receiver { self.place.to } else { self.place.from };
        let names =
            |d: &Description| d.sections.get(section).is_some_and(|t| !t.declined && (t.fax || !self.fax));
        let on_hop = |d: &Description| {
            let first = named.and_then(|n| self.plan.descriptions.get(n.description as usize));
            // Of the same hop, where it differs.
            names(d) && first.is_none_or(|f| shares(f, d, section))
        };
        let time = time.saturating_add(AHEAD);
        let found = self
            .plan
            .in_force(by_caller, time, on_hop)
            .or_else(|| self.plan.in_force(by_caller, time, names));
        let (_, d) = found?;
        Some((d, d.sections.get(section)?))
    }

    /// The codec of a payload type at a time, and whether the receiver announced the type.
    pub fn codec(&self, payload_type: u8, time: Nanos) -> (Option<Codec>, Option<bool>) {
        let Some(section) = self.section else { return (table_codec(payload_type), None) };
        let current = self.terms_at(true, time).map(|(_, t)| t);
        let others = self.of(true).filter_map(|d| d.sections.get(section));
        let announced: Vec<&Terms> =
            current.into_iter().chain(others).filter(|t| t.has_type(payload_type)).collect();
        let known = current.is_some();
        let told = announced.iter().find_map(|t| t.codec(payload_type)).or_else(|| {
            let sender = self.of(false).filter_map(|d| d.sections.get(section));
            sender.into_iter().find_map(|t| t.codec(payload_type))
        });
        let codec = told.cloned().or_else(|| table_codec(payload_type));
        (codec, known.then_some(!announced.is_empty()))
    }

    /// What both parties said of SRTP in what they agreed on last.
    fn security(&self, time: Nanos) -> Option<[Security; 2]> {
        let section = self.section?;
        let agreed = self.plan.agreements.iter().rev().find(|a| a.from <= time.saturating_add(AHEAD));
        let agreed = agreed.or(self.plan.agreements.first())?;
        let terms = |d| self.plan.terms(d, section).map(|t| t.security);
        Some([terms(agreed.caller)?, terms(agreed.callee)?])
    }

    /// What was said of SRTP while the stream ran.
    fn secured(&self, time: Nanos) -> Secured {
        let Some(section) = self.section else { return Secured::NotOffered };
        let secures = |s: &Security| s.profile || s.keys && !s.rejected;
        match self.security(time) {
            Some(both) if both.iter().all(secures) => Secured::Agreed,
            Some(both) if both.iter().any(secures) => Secured::Offered,
            Some(_) => Secured::NotOffered,
            // Before the answer: a secure profile leaves no choice (RFC 4568 §5.1.2).
            None => {
                let all = || self.plan.descriptions.iter().filter_map(|d| d.sections.get(section));
                if all().next().is_some() && all().all(|t| t.security.profile) {
                    Secured::Agreed
                } else if all().any(|t| secures(&t.security)) {
                    Secured::Offered
                } else {
                    Secured::NotOffered
                }
            }
        }
    }
}

/// Whether two descriptions have an address of a section in common.
fn shares(a: &Description, b: &Description, section: usize) -> bool {
    let (Some(a), Some(b)) = (a.sections.get(section), b.sections.get(section)) else { return false };
    a.ends.iter().any(|e| b.names(e.address))
}

fn table_codec(payload_type: u8) -> Option<Codec> {
    let codec =
        |p: Payload, source| Codec { name: p.name.to_owned(), clock: p.clock, channels: p.channels, source };
    static_payload(payload_type)
        .map(|p| codec(p, CodecSource::Static))
        .or_else(|| fallback_payload(payload_type).map(|p| codec(p, CodecSource::Fallback)))
}

impl Codec {
    /// Keys and tones (RFC 4733).
    pub fn is_event(&self) -> bool {
        self.name.eq_ignore_ascii_case("telephone-event") || self.name.eq_ignore_ascii_case("tone")
    }

    /// Comfort noise (RFC 3389).
    pub fn is_noise(&self) -> bool {
        self.name.eq_ignore_ascii_case("CN")
    }

    /// Bytes of payload for so many ticks of the clock, of codecs whose rate never changes.
    fn bytes_of(&self, ticks: u32) -> Option<u32> {
        let name = self.name.to_ascii_uppercase();
        let whole = |n: u32, d: u32| (ticks * n).is_multiple_of(d).then(|| ticks * n / d);
        match name.as_str() {
            "PCMU" | "PCMA" | "G722" if ticks < 1 << 16 => whole(u32::from(self.channels.max(1)), 1),
            "G729" if ticks < 1 << 16 => whole(1, 8),
            "GSM" if ticks < 1 << 16 => whole(33, 160),
            _ => None,
        }
    }
}

/// How a stream is protected. `keyed`: DTLS made keys where it runs, or its RTCP is encrypted.
pub(super) fn protection(m: &MediaStream, stream: &Stream, keyed: bool) -> Option<Protection> {
    let step = stream.steps().next().map(|(step, _)| step);
    let plain = step.and_then(|s| m.codec.as_ref()?.bytes_of(s));
    match (plain, stream.payload_size().map(u32::from)) {
        // Whatever was agreed: nobody encrypts without a tag who did not agree on that too.
        (Some(plain), Some(size)) if size == plain && !m.untagged => None,
        _ if keyed || m.secured == Secured::Agreed => Some(Protection::Srtp),
        // A tag of 10 or 4 bytes (RFC 3711 §3.4, RFC 4568 §6.2), perhaps behind a key identifier of 4.
        (Some(plain), Some(size)) if matches!(size.wrapping_sub(plain), 4 | 8 | 10 | 14 | 16) => {
            Some(Protection::SrtpBySize)
        }
        _ => None,
    }
}

/// Fills in what payload types, descriptions and sizes say.
pub(super) fn fill(out: &mut MediaStream, stream: &Stream, joint: Option<&Joint<'_>>, shared: &mut Shared) {
    let codec_at = |pt, time| match joint {
        Some(j) => j.codec(pt, time),
        None => (table_codec(pt), None),
    };
    let mut types: Vec<_> =
        stream.types().map(|t| (t.payload_type, t.first, codec_at(t.payload_type, t.first))).collect();
    let beside = |c: &Option<Codec>| c.as_ref().is_some_and(|c| c.is_event() || c.is_noise());
    let main = types.iter().position(|(_, _, (c, _))| !beside(c)).unwrap_or(0);
    let mut unannounced: Vec<u8> =
        types.iter().filter(|(_, _, (_, known))| *known == Some(false)).map(|(pt, ..)| *pt).collect();
    unannounced.sort_unstable();
    out.unannounced_types = unannounced.into();
    let events: Vec<u8> = types
        .iter()
        .filter(|(_, _, (c, _))| c.as_ref().is_some_and(Codec::is_event))
        .map(|(pt, ..)| *pt)
        .collect();
    let pressed = stream.keys().iter().filter(|k| events.contains(&k.payload_type));
    out.keys = pressed.filter_map(|k| digit(k.event)).collect::<String>().into();
    let mut listed = None;
    if main < types.len() {
        let (pt, _, (codec, known)) = types.remove(main);
        (out.payload_type, out.codec, listed) = (pt, shared.codec(codec), known);
    }
    types.sort_by_key(|(_, first, _)| *first);
    let others = types.into_iter().map(|(pt, _, (codec, _))| (pt, shared.codec(codec)));
    out.other_codecs = others.collect::<Vec<_>>().into();
    if let Some(joint) = joint {
        out.section = joint.section.and_then(|index| {
            let (d, terms) =
                joint.terms_at(true, stream.first).or_else(|| joint.terms_at(false, stream.first))?;
            let section = StreamSection { index, kind: terms.kind.clone(), message: d.message };
            Some(shared.section(joint.place.call, section))
        });
        if let Some((_, terms)) = joint.terms_at(true, stream.last) {
            (out.ptime_asked, out.ptime_most) = (terms.ptime, terms.max_ptime);
            out.keys_taken = Some(terms.takes_keys());
            let codec = out.codec.as_deref().filter(|c| c.source != CodecSource::Fallback);
            out.listed_as = codec.filter(|_| listed == Some(false)).and_then(|c| terms.type_of(c));
        }
        out.secured = joint.secured(stream.last);
        out.untagged = joint.security(stream.last).is_some_and(|both| both.iter().all(|s| s.untagged));
    }
    let clock = out.codec.as_ref().map(|c| c.clock).filter(|c| *c > 0).or(stream.clock());
    let is_audio = match &out.section {
        Some(s) => s.kind == "audio",
        None => clock != Some(90_000),
    };
    let step = stream.packet_step().map(|(step, _)| step);
    if let (true, Some(step), Some(clock)) = (is_audio, step, clock) {
        out.ptime_used = Some(f64::from(step) * 1e3 / f64::from(clock));
    }
    if out.is_fax() {
        let (name, source) = ("t38".to_owned(), CodecSource::Sdp);
        out.codec = shared.codec(Some(Codec { name, clock: 0, channels: 1, source }));
        out.secured = Secured::NotOffered;
        return;
    }
    out.protection = protection(out, stream, false);
    out.codec_agreed = listed == Some(true);
}
