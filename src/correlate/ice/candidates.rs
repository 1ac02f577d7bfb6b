//! What the SDP of a call says: the parties' candidates, which generation counts, and the final offer.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use callscope_parsers::sdp::candidate::{
    self, AddressRemark, CandidateType, Priority, RemoteCandidates, infer_type, is_local_range,
    parse_candidate,
};
use callscope_parsers::sdp::{Candidate, CandidateSyntax, IceDescription, SdpBody, sdp_bodies};
use callscope_parsers::sip::{BodyPlace, Scan, body_place};

use super::{CandidateKind, Draft, IceDialect, IceSession, IceSide};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::correlate::offer::OfferAnswer;
use crate::correlate::stun::AllocationIdx;
use crate::decode::{name_hash, ufrags};

/// Sessions worked out of one call.
const MOST_SESSIONS: usize = 256;

/// Where a candidate's address is known from beside the SDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The relayed address of an allocation.
    Allocation(AllocationIdx),
    /// What the server of an allocation saw of its client.
    MappedByAllocation(AllocationIdx),
    /// A STUN server told it.
    MappedByServer(SocketAddr),
    /// Packets of the capture come from it.
    Interface,
}

/// Where addresses of candidates are known from, gathered once for many candidates.
#[derive(Debug, Default)]
pub struct Sources {
    relayed: HashMap<SocketAddr, Vec<(Nanos, AllocationIdx)>>,
    mapped: HashMap<SocketAddr, Vec<(Nanos, AllocationIdx)>>,
    told: HashMap<SocketAddr, SocketAddr>,
    senders: HashSet<SocketAddr>,
}

impl Sources {
    pub fn new(analysis: &Analysis) -> Self {
        let mut out = Self::default();
        for (i, a) in (0u32..).map(AllocationIdx).zip(&analysis.stun.allocations) {
            for (address, of) in [(a.relayed, &mut out.relayed), (a.mapped, &mut out.mapped)] {
                if let Some(address) = address {
                    of.entry(address).or_default().push((a.first, i));
                }
            }
        }
        out.told.extend(analysis.stun.mapped.values().map(|m| (m.mapped, m.server)));
        out.senders.extend(analysis.flows.iter().map(|f| f.unpack().src));
        out
    }

    /// Of a candidate that was offered at `time`.
    pub fn of(&self, c: &IceCandidate, time: Nanos) -> Option<Source> {
        let address = c.address?;
        // An address given out again belongs to who had it when the candidate was offered.
        let pick = |all: Option<&Vec<(Nanos, AllocationIdx)>>| {
            all?.iter().max_by_key(|(first, _)| (*first <= time, *first)).map(|(_, i)| *i)
        };
        if let Some(i) = pick(self.relayed.get(&address)) {
            return Some(Source::Allocation(i));
        }
        let reflexive = c.kind == Some(CandidateKind::Srflx);
        if let Some(i) = pick(self.mapped.get(&address)).filter(|_| reflexive) {
            return Some(Source::MappedByAllocation(i));
        }
        if let Some(server) = self.told.get(&address).filter(|_| reflexive) {
            return Some(Source::MappedByServer(*server));
        }
        let is_host = c.kind == Some(CandidateKind::Host);
        (is_host && self.senders.contains(&address)).then_some(Source::Interface)
    }
}

/// A candidate line.
#[derive(Debug, Clone)]
pub struct IceCandidate {
    /// The foundation, or the id of draft-06.
    pub foundation: String,
    pub component: u16,
    /// `UDP`, `TCP-PASS`, `TCP-ACT`, `TCP` (with the tcptype of RFC 6544 in `tcp_type`).
    pub transport: Cow<'static, str>,
    pub tcp_type: Option<String>,
    /// None for a fraction (see `fraction`) or what is no number.
    pub priority: Option<u64>,
    /// As written, of draft-06.
    pub fraction: Option<String>,
    pub address: Option<SocketAddr>,
    /// Address and port as written where they are no socket address: a name, above all.
    pub written: Option<String>,
    /// The line has a name for an address; which one it is was told by the checks.
    pub address_inferred: bool,
    pub kind: Option<CandidateKind>,
    /// As written, where it is none of the known types.
    pub kind_text: Option<String>,
    /// How the type was inferred, in words.
    pub inferred: Option<&'static str>,
    pub related: Option<SocketAddr>,
    pub generation: CandidateSyntax,
    pub message: MsgIdx,
    pub remarks: [Option<AddressRemark>; 6],
    /// What is wrong with the line.
    pub issues: Vec<String>,
    /// `m=` and `c=` name it.
    pub is_default: bool,
    /// It came later, in a trickle fragment.
    pub trickled: bool,
}

impl IceCandidate {
    pub fn is_tcp(&self) -> bool {
        !self.transport.eq_ignore_ascii_case("udp")
    }

    /// Port of a candidate whose address is a name that only multicast DNS knows.
    fn port_of_local_name(&self) -> Option<u16> {
        let is_local = self.address.is_none() && self.remarks.contains(&Some(AddressRemark::Mdns));
        self.written.as_ref()?.rsplit_once(':').filter(|_| is_local)?.1.parse().ok()
    }

    /// Address and port as the line has them.
    pub fn address_text(&self) -> Cow<'_, str> {
        match (&self.written, self.address) {
            (Some(written), _) => Cow::Borrowed(written),
            (None, Some(address)) => Cow::Owned(address.to_string()),
            (None, None) => Cow::Borrowed(""),
        }
    }
}

impl IceSide {
    /// Gives candidates with a name of multicast DNS (`….local`) the address that the checks of this session show: one
    /// of this side that no line has, on the same port. A private one goes before others: it is the host's own.
    pub(super) fn resolve_names(&mut self, seen: &[SocketAddr]) {
        for at in 0..self.candidates.len() {
            let Some(c) = self.candidates.get(at).filter(|c| !c.is_tcp()) else { continue };
            let Some(port) = c.port_of_local_name() else { continue };
            let known = |a: &SocketAddr| self.candidates.iter().any(|k| k.address == Some(*a));
            let found = seen.iter().copied().filter(|a| a.port() == port && !known(a));
            let found = found.min_by_key(|a| (!is_local_range(a.ip()), *a));
            if let Some(c) = self.candidates.get_mut(at).filter(|_| found.is_some()) {
                (c.address, c.address_inferred) = (found, true);
            }
        }
    }
}

/// What one body of a message says of one media section.
#[derive(Debug, Clone)]
pub struct Offered {
    pub side: IceSide,
    /// `audio` …; of a fragment without media sections `session`.
    pub media: String,
    /// The body is for older clients.
    pub fallback: bool,
    /// The body is a trickle fragment.
    pub fragment: bool,
}

/// A message whose SDP is looked at.
pub(in crate::correlate) struct Read {
    message: MsgIdx,
    raw: Vec<u8>,
    /// None where `raw` is a session description alone.
    place: Option<BodyPlace>,
}

impl Read {
    pub(in crate::correlate) fn bodies(&self) -> Vec<SdpBody<'_>> {
        let body = self.place.as_ref().map_or(0..self.raw.len(), |place| place.body.clone());
        sdp_bodies(&self.raw, body, self.content().1)
    }

    /// Body and Content-Type: what `bodies` is made of.
    pub(in crate::correlate) fn content(&self) -> (&[u8], &[u8]) {
        let Some(place) = &self.place else { return (&self.raw, b"application/sdp") };
        let part = |range: &Range<usize>| self.raw.get(range.clone()).unwrap_or_default();
        (part(&place.body), part(&place.content_type))
    }
}

/// A media section of an offer and its answer.
struct Section<'d, 'a> {
    section: usize,
    a: &'d IceDescription<'a>,
    b: Option<&'d IceDescription<'a>>,
    names: [Vec<u64>; 2],
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Analysis {
    pub(in crate::correlate) fn read_sdp(&self, message: MsgIdx) -> Option<Read> {
        let r = self.message(message);
        if r.has(flag::PLAIN_SDP) && r.head < u16::MAX && !self.redact_text {
            return Some(Read { message, raw: self.body_bytes(message).ok()?, place: None });
        }
        let raw = self.message_bytes(message).ok()?;
        let place = Some(body_place(&raw)?);
        Some(Read { message, raw, place })
    }

    /// The sessions that a call's offers and answers describe, without checks.
    pub(super) fn drafts(&self, call: CallIdx) -> Vec<Draft> {
        let offers = self.offers(call);
        // Nearly every offer is that of one session, or goes on with one.
        let mut out: Vec<Draft> = Vec::with_capacity(offers.len().min(MOST_SESSIONS));
        let mut trickle = false;
        for row in offers {
            let Some(offer) = self.read_sdp(row.offer) else { continue };
            let answer = row.answer.and_then(|m| self.read_sdp(m));
            trickle |= self.drafts_of_row(call, &row, &offer, answer.as_ref(), &mut out);
        }
        if trickle {
            self.add_trickled(call, &mut out);
        }
        for draft in &mut out {
            self.infer(&mut draft.session);
        }
        out
    }

    /// Takes one offer with its answer; whether one of them trickles.
    fn drafts_of_row(
        &self,
        call: CallIdx,
        row: &OfferAnswer,
        offer: &Read,
        answer: Option<&Read>,
        out: &mut Vec<Draft>,
    ) -> bool {
        let offered = offer.bodies();
        let answered = answer.map(Read::bodies).unwrap_or_default();
        // The answer's generation tells which part of the offer it answers.
        let answer_body = answered.iter().rev().find(|b| !b.fragment);
        let main = offered.iter().rev().find(|b| !b.fragment && !b.fallback);
        let same = |a: &SdpBody<'_>| offered.iter().rev().find(|o| !o.fragment && o.syntax == a.syntax);
        let told = answer_body.filter(|b| b.syntax != CandidateSyntax::None).and_then(same);
        let Some(offer_body) = told.or(main).or(offered.last()) else { return false };
        let generation = match offer_body.syntax {
            CandidateSyntax::None => answer_body.map_or(CandidateSyntax::None, |b| b.syntax),
            syntax => syntax,
        };
        let others = offered.iter().map(|b| b.syntax);
        let other_generation = others.into_iter().find(|s| *s != CandidateSyntax::None && *s != generation);
        let offer_sdp = offer_body.parse();
        let offer_sections = offer_body.ice_descriptions();
        let answer_sections = answer_body.map(SdpBody::ice_descriptions);
        let mut trickle = false;
        for (section, (media, a)) in offer_sdp.media.iter().zip(offer_sections.iter()).enumerate() {
            let b = answer_sections.as_ref().and_then(|s| s.get(section));
            trickle |= a.has_option("trickle") || b.is_some_and(|b| b.has_option("trickle"));
            let silent = a.is_empty() && b.is_none_or(|b| b.is_empty());
            if silent || media.port == 0 && a.candidates.is_empty() {
                continue;
            }
            let names = [names_of(a), b.map(names_of).unwrap_or_default()];
            let mut found = Section { section, a, b, names };
            if self.continues(row, &found, answer, out) || out.len() >= MOST_SESSIONS {
                continue;
            }
            let mut session = IceSession::empty(Some(call));
            session.section = section;
            session.media = Some(text(media.kind));
            session.generation = generation;
            session.dialect = match generation {
                CandidateSyntax::V06 => IceDialect::MsIce,
                CandidateSyntax::V19 => IceDialect::MsIce2,
                CandidateSyntax::Rfc => IceDialect::Rfc,
                CandidateSyntax::None => IceDialect::Unknown,
            };
            session.other_generation = other_generation;
            session.answered = answer.map(|m| self.message(m.message).time);
            let [party_a, party_b] = self.offering_parties(call, offer.message);
            session.a = self.side(a, party_a, offer.message, generation);
            session.b = match (b, answer) {
                (Some(b), Some(answer)) => self.side(b, party_b, answer.message, generation),
                _ => IceSide { party: Some(party_b), ..IceSide::default() },
            };
            let names = std::mem::take(&mut found.names);
            let mut draft = Draft { session, names, not_offered: Vec::new() };
            self.take_final(row, &found, &mut draft, false);
            out.push(draft);
        }
        trickle
    }

    /// Whether this offer goes on with a session there is: it has its names, or names its chosen pair.
    fn continues(
        &self,
        row: &OfferAnswer,
        found: &Section<'_, '_>,
        answer: Option<&Read>,
        out: &mut [Draft],
    ) -> bool {
        let overlap = |x: &[u64], y: &[u64]| x.iter().any(|n| y.contains(n));
        let [a, b] = &found.names;
        for draft in out.iter_mut().rev().filter(|d| d.session.section == found.section) {
            let [known_a, known_b] = &draft.names;
            let straight = overlap(a, known_a) && (b.is_empty() || known_b.is_empty() || overlap(b, known_b));
            let swapped = overlap(a, known_b) && (b.is_empty() || overlap(b, known_a));
            if !straight && !swapped {
                continue;
            }
            if straight
                && known_b.is_empty()
                && let (Some(description), Some(answer)) = (found.b.filter(|_| !b.is_empty()), answer)
            {
                // The answer that was missing.
                let session = &mut draft.session;
                let party = session.b.party.unwrap_or_default();
                session.b = self.side(description, party, answer.message, session.generation);
                session.answered = Some(self.message(answer.message).time);
                draft.names[1] = b.clone();
            }
            self.take_final(row, found, draft, swapped);
            return true;
        }
        false
    }

    /// What `remote-candidates` of an offer or answer say of the chosen pair. `swapped`: the offerer is side B.
    fn take_final(&self, row: &OfferAnswer, found: &Section<'_, '_>, draft: &mut Draft, swapped: bool) {
        let session = &mut draft.session;
        for (i, d) in [Some(found.a), found.b].into_iter().enumerate() {
            let Some((d, remote)) = d.and_then(|d| Some((d, d.remote.as_ref()?))) else { continue };
            let of_a = (i == 0) != swapped;
            let other = if of_a { &session.b } else { &session.a };
            let mut pairs = Vec::new();
            for component in named_components(d, remote) {
                // A final offer has one candidate a component; in others the default one is meant (RFC 8839 §4.4.3).
                let of = |c: &&Candidate<'_>| c.component == Some(component);
                let single = d.candidates.iter().filter(of).count() == 1;
                let local = match single {
                    true => d.candidates.iter().find(of).and_then(socket),
                    false => d.default_candidate(component).and_then(socket),
                };
                let remote = match remote {
                    RemoteCandidates::List(list) => list
                        .iter()
                        .find(|r| r.component == Some(component))
                        .and_then(|r| Some(SocketAddr::new(r.address.ip?, r.port?))),
                    RemoteCandidates::Id(id) => {
                        let id = text(id);
                        let named = |k: &&IceCandidate| k.component == component && k.foundation == id;
                        other.candidates.iter().find(named).and_then(|k| k.address)
                    }
                };
                let (Some(local), Some(remote)) = (local, remote) else { continue };
                let known = other.candidates.iter().any(|k| k.address == Some(remote));
                if !other.candidates.is_empty() && !known {
                    draft.not_offered.push(remote);
                }
                pairs.push(if of_a { (component, local, remote) } else { (component, remote, local) });
            }
            if pairs.is_empty() {
                continue;
            }
            // The offer names the pair; its answer repeats it from the other side.
            if i == 0 || session.final_offer.is_none() {
                session.final_offer = if i == 0 { Some(row.offer) } else { row.answer };
                session.final_refused = match row.answer {
                    None => session.call.and_then(|call| self.refused(call, row.offer)),
                    Some(_) => None,
                };
                session.final_pairs = pairs;
            }
        }
    }

    /// The status by which a request with an offer was refused.
    fn refused(&self, call: CallIdx, offer: MsgIdx) -> Option<u16> {
        let asked = self.message(offer);
        let key = |r: &SipRecord| (r.method, r.cseq, r.from_tag);
        let of = |m| Some(self.message(m)).filter(|r| r.status >= 300 && key(r) == key(asked));
        // The offerer's own hop comes last on the way back.
        self.messages_of(self.call(call).messages).filter_map(of).map(|r| r.status).last()
    }

    /// Addresses of record of the sender of an offer and of the other party.
    fn offering_parties(&self, call: CallIdx, offer: MsgIdx) -> [Str; 2] {
        let (c, r) = (self.call(call), self.message(offer));
        let caller_tag = self.call_work.get(call.0 as usize).map_or(0, |w| w.caller_tag);
        let by_caller = (r.from_tag == caller_tag) == r.is_request();
        if by_caller { [c.from_uri, c.to_uri] } else { [c.to_uri, c.from_uri] }
    }

    fn side(
        &self,
        d: &IceDescription<'_>,
        party: Str,
        message: MsgIdx,
        generation: CandidateSyntax,
    ) -> IceSide {
        let most = self.limits.ice_candidates;
        let lines = d.candidates.iter().take(most);
        let mut candidates: Vec<_> = lines.map(|c| read_candidate(c, d, message, generation)).collect();
        for default in d.defaults.iter().flatten() {
            let address = d.default_candidate(default.component).and_then(socket);
            for c in candidates.iter_mut().filter(|c| c.component == default.component) {
                c.is_default |= address.is_some() && c.address == address && !c.is_tcp();
            }
        }
        IceSide {
            party: Some(party),
            ufrag: d.credentials.as_ref().map(|c| text(c.ufrag)),
            candidates,
            message: Some(message),
            lite: d.lite,
            not_kept: d.candidates.len().saturating_sub(most),
        }
    }

    /// Candidates of trickle fragments (RFC 8840).
    fn add_trickled(&self, call: CallIdx, out: &mut [Draft]) {
        for m in self.in_time(self.call(call).messages) {
            let r = self.message(m);
            let new = r.is_request() && !r.has(flag::RETRANSMISSION) && !r.has(flag::DUPLICATE);
            if !new || r.method != MethodId::INFO {
                continue;
            }
            let Some(read) = self.read_sdp(m) else { continue };
            for body in read.bodies().iter().filter(|b| b.fragment) {
                let before = body.parse().ice_before_media();
                for d in body.ice_descriptions().iter().chain(before.as_ref()) {
                    self.add_fragment(d, m, out);
                }
            }
        }
    }

    fn add_fragment(&self, d: &IceDescription<'_>, message: MsgIdx, out: &mut [Draft]) {
        let names = names_of(d);
        for draft in out.iter_mut() {
            let Some(of) = draft.names.iter().position(|known| names.iter().any(|n| known.contains(n)))
            else {
                continue;
            };
            let session = &mut draft.session;
            let side = if of == 1 { &mut session.b } else { &mut session.a };
            for c in &d.candidates {
                let mut new = read_candidate(c, d, message, session.generation);
                new.trickled = true;
                let same = |k: &IceCandidate| {
                    (k.component, k.address_text(), &k.transport)
                        == (new.component, new.address_text(), &new.transport)
                };
                if side.candidates.iter().any(same) {
                    continue;
                }
                if side.candidates.len() < self.limits.ice_candidates {
                    side.candidates.push(new);
                } else {
                    side.not_kept += 1;
                }
            }
        }
    }

    /// Types that the lines of draft-06 do not say.
    fn infer(&self, session: &mut IceSession) {
        self.infer_side(&mut session.a);
        self.infer_side(&mut session.b);
    }

    fn infer_side(&self, side: &mut IceSide) {
        if side.candidates.iter().all(|c| c.kind.is_some() || c.kind_text.is_some()) {
            return;
        }
        let allocations = self.stun.allocations.iter();
        let relays: Vec<IpAddr> = allocations.filter_map(|a| a.relayed).map(|r| r.ip()).take(64).collect();
        let locals: Vec<IpAddr> =
            side.message.map(|m| self.flow(self.message(m).flow).src.ip()).into_iter().collect();
        for c in side.candidates.iter_mut().filter(|c| c.kind.is_none() && c.kind_text.is_none()) {
            let Some(address) = c.address else { continue };
            let q = c.fraction.as_deref().unwrap_or("0");
            let (transport, ip, port) = (&c.transport, address.ip(), address.port());
            let line = format!("{} {} x {transport} {q} {ip} {port}", c.foundation, c.component);
            if let Some(found) = infer_type(&parse_candidate(line.as_bytes(), 0), &relays, &locals) {
                c.kind = kind_of(&found.kind);
                c.inferred = Some(found.by.title());
            }
        }
    }

    /// What a side offered for a media section in another generation: the part of its offer that was not taken.
    pub fn ice_side_of_generation(
        &self,
        side: &IceSide,
        section: usize,
        generation: CandidateSyntax,
    ) -> Option<IceSide> {
        let message = side.message?;
        let read = self.read_sdp(message)?;
        let bodies = read.bodies();
        let body = bodies.iter().rev().find(|b| !b.fragment && b.syntax == generation)?;
        let sections = body.ice_descriptions();
        let mut found =
            self.side(sections.get(section)?, side.party.unwrap_or_default(), message, generation);
        for c in found.candidates.iter_mut().filter(|c| c.kind.is_none() && c.kind_text.is_none()) {
            let same = |k: &&IceCandidate| k.address_text() == c.address_text() && k.is_tcp() == c.is_tcp();
            if let Some(kind) = side.candidates.iter().find(same).and_then(|k| k.kind) {
                c.kind = Some(kind);
                c.inferred = Some("the offer's other part says so of this address");
            }
        }
        self.infer_side(&mut found);
        Some(found)
    }

    /// The candidates that a message itself carries, by body and media section.
    pub fn ice_offered(&self, message: MsgIdx) -> Vec<Offered> {
        let Some(read) = self.read_sdp(message) else { return Vec::new() };
        let mut out = Vec::new();
        for body in read.bodies() {
            let sdp = body.parse();
            let before = body.fragment.then(|| sdp.ice_before_media()).flatten();
            let of_media = sdp.media.iter().map(|m| (text(m.kind), sdp.ice_description(m)));
            for (media, d) in before.into_iter().map(|d| ("session".to_owned(), d)).chain(of_media) {
                let mut side = self.side(&d, Str(0), message, body.syntax);
                if side.candidates.is_empty() {
                    continue;
                }
                self.infer_side(&mut side);
                out.push(Offered { side, media, fallback: body.fallback, fragment: body.fragment });
            }
        }
        out
    }

    /// The frame whose message carries a candidate.
    pub fn candidate_frame(&self, c: &IceCandidate) -> FrameRef {
        self.message(c.message).frame
    }
}

/// Gives the names in the SDP of a message, by which checks find its call; whether it speaks of ICE at all.
pub(in crate::correlate) fn for_each_name(raw: &[u8], scan: &Scan<'_>, mut give: impl FnMut(u64)) -> bool {
    let Some(sdp) = &scan.sdp else { return false };
    let mut any = false;
    for name in ufrags(raw.get(scan.body_start..).unwrap_or_default()) {
        give(name_hash(name));
        any = true;
    }
    if sdp.candidates > 0 && (!any || scan.content_type.len() > 32) {
        // draft-06 has its names in the candidates, alone or in one part of several.
        for body in sdp_bodies(raw, scan.body_start..raw.len(), scan.content_type) {
            for d in body.ice_descriptions().iter() {
                any |= !d.is_empty();
                names_of(d).into_iter().for_each(&mut give);
            }
        }
    }
    any
}

/// Hashes of the names that checks of this side carry: its ufrag, or the ids of its candidates.
pub(in crate::correlate) fn names_of(d: &IceDescription<'_>) -> Vec<u64> {
    let ids = d.candidates.iter().filter_map(Candidate::decoded_id);
    let mut names: Vec<u64> = ids.map(|id| name_hash(&id)).collect();
    names.extend(d.credentials.as_ref().map(|c| name_hash(c.ufrag)));
    names.sort_unstable();
    names.dedup();
    names
}

/// Components of which `remote-candidates` names one candidate: a list of all that are left chooses none.
fn named_components(d: &IceDescription<'_>, remote: &RemoteCandidates<'_>) -> Vec<u16> {
    let mut all: Vec<u16> = d.candidates.iter().filter_map(|c| c.component).collect();
    all.sort_unstable();
    all.dedup();
    if let RemoteCandidates::List(list) = remote {
        all.retain(|c| list.iter().filter(|r| r.component == Some(*c)).count() == 1);
    }
    all
}

fn socket(c: &Candidate<'_>) -> Option<SocketAddr> {
    Some(SocketAddr::new(c.address.ip?, c.port?))
}

fn kind_of(kind: &CandidateType<'_>) -> Option<CandidateKind> {
    Some(match kind {
        CandidateType::Host => CandidateKind::Host,
        CandidateType::Srflx => CandidateKind::Srflx,
        CandidateType::Prflx => CandidateKind::Prflx,
        CandidateType::Relay => CandidateKind::Relay,
        CandidateType::Other(_) => return None,
    })
}

fn transport_name(transport: candidate::Transport<'_>) -> Cow<'static, str> {
    use candidate::Transport;
    Cow::Borrowed(match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::TcpPass => "TCP-PASS",
        Transport::TcpAct => "TCP-ACT",
        Transport::TcpSo => "TCP-SO",
        Transport::Other(word) => return Cow::Owned(text(word)),
    })
}

fn read_candidate(
    c: &Candidate<'_>,
    d: &IceDescription<'_>,
    message: MsgIdx,
    generation: CandidateSyntax,
) -> IceCandidate {
    let address = socket(c);
    let kind = c.kind.as_ref();
    IceCandidate {
        foundation: text(c.foundation),
        component: c.component.unwrap_or(0),
        transport: transport_name(c.transport),
        tcp_type: c.tcp_type.map(text),
        priority: match c.priority {
            Priority::Integer(n) => Some(n),
            _ => None,
        },
        fraction: match c.priority {
            Priority::Fraction(f) => Some(text(f.text)),
            _ => None,
        },
        address,
        written: match (address, c.port) {
            (Some(_), _) => None,
            (None, Some(port)) => Some(format!("{}:{port}", text(c.address.text))),
            (None, None) => Some(text(c.address.text)),
        },
        address_inferred: false,
        kind: kind.and_then(kind_of),
        kind_text: kind.filter(|k| kind_of(k).is_none()).map(|k| text(k.name())),
        inferred: None,
        related: c.related.and_then(|r| Some(SocketAddr::new(r.address?.ip?, r.port?))),
        generation,
        message,
        remarks: d.remarks(c),
        issues: c.issues.iter().map(|i| i.text.to_string()).collect(),
        is_default: false,
        trickled: false,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::path::Path;
    use std::sync::RwLock;

    use super::*;
    use crate::capture::Input;
    use crate::correlate::load::{LoadOptions, load};

    /// What is read of the body alone is what the whole message tells of it.
    #[test]
    fn a_body_is_read_as_its_message_has_it() {
        let mut read = [0; 2];
        for entry in
            std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")).expect("samples")
        {
            let path = entry.expect("an entry").path();
            if !path.extension().is_some_and(|e| e == "pcap" || e == "pcapng") {
                continue;
            }
            let analysis = RwLock::default();
            load(&[Input::Path(path.clone())], &LoadOptions::default(), &analysis, &mut |_| {
                ControlFlow::Continue(())
            });
            let analysis = analysis.into_inner().expect("loaded");
            for m in (0..analysis.messages.len() as u32)
                .map(MsgIdx)
                .filter(|m| analysis.message(*m).has(flag::SDP))
            {
                let Some(found) = analysis.read_sdp(m) else { continue };
                let raw = analysis.message_bytes(m).expect("bytes");
                let whole = Read { message: m, place: body_place(&raw), raw };
                let bodies = |r: &Read| {
                    r.bodies().iter().map(|b| (b.content.to_vec(), b.syntax, b.fallback)).collect::<Vec<_>>()
                };
                assert_eq!(bodies(&found), bodies(&whole), "{m:?} of {}", path.display());
                let syntax = CandidateSyntax::of_message(&whole.raw);
                assert_eq!(analysis.candidate_syntax(m), syntax, "{m:?} of {}", path.display());
                read[usize::from(found.place.is_none())] += 1;
            }
        }
        assert!(read[0] > 0 && read[1] > 100, "both ways: {read:?}");
    }
}
