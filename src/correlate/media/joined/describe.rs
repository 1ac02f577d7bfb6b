//! What the descriptions of one call say of its media: where each party wants it, in what form, and since when.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use callscope_parsers::sdp::{Candidate, Direction, Media, SdpBody, Session};

use super::super::joined::{Codec, CodecSource};
use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::model::*;

/// Descriptions looked at of one call, and addresses kept of one media section.
const MOST_DESCRIPTIONS: usize = 512;
const MOST_ENDS: usize = 256;
/// Ports that one section may have (`m=audio 5000/4`).
const MOST_PORTS: u32 = 8;
/// Header extensions kept of one section.
const MOST_EXTENSIONS: usize = 32;
/// Ranges of sources kept of one section.
const MOST_SOURCES: usize = 64;

/// An address that a section names for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub address: SocketAddr,
    /// 1 RTP, 2 RTCP.
    pub component: u16,
}

/// Words on protection in one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Security {
    /// The profile is SAVP or SAVPF: nothing else is on offer.
    pub profile: bool,
    /// It has keys or a fingerprint.
    pub keys: bool,
    /// `a=encryption:rejected` ([MS-SDPEXT]).
    pub rejected: bool,
    /// UNAUTHENTICATED_SRTP (RFC 4568 §6.3.3): packets without a tag.
    pub untagged: bool,
}

/// One media section of a description.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Terms {
    pub kind: String,
    /// The section is of RTP.
    pub rtp: bool,
    /// `udptl`: a fax (T.38).
    pub fax: bool,
    /// Port 0.
    pub declined: bool,
    pub ends: Vec<End>,
    pub direction: Direction,
    /// `c=0.0.0.0`, by which older agents hold (RFC 3264 §8.4).
    pub nowhere: bool,
    pub security: Security,
    pub formats: Vec<(u8, Option<Codec>)>,
    pub ptime: Option<u32>,
    pub max_ptime: Option<u32>,
    /// `a=ssrc` and `a=x-ssrc-range`: first and last source.
    pub sources: Vec<(u32, u32)>,
    /// `a=extmap` (RFC 8285): numbers of header extensions and their URIs.
    pub extensions: Vec<(u8, String)>,
    pub mid: Option<Box<[u8]>>,
    /// Sections with the same number are in one BUNDLE group.
    pub bundle: Option<usize>,
}

impl Terms {
    pub fn has_type(&self, payload_type: u8) -> bool {
        self.formats.iter().any(|(pt, _)| *pt == payload_type)
    }

    pub fn codec(&self, payload_type: u8) -> Option<&Codec> {
        self.formats.iter().find(|(pt, _)| *pt == payload_type)?.1.as_ref()
    }

    /// The payload type of a codec.
    pub fn type_of(&self, codec: &Codec) -> Option<u8> {
        let same = |c: &Codec| {
            let as_wide = (c.clock, c.channels.max(1)) == (codec.clock, codec.channels.max(1));
            as_wide && c.name.eq_ignore_ascii_case(&codec.name)
        };
        self.formats.iter().find(|(_, c)| c.as_ref().is_some_and(same)).map(|(pt, _)| *pt)
    }

    pub fn takes_keys(&self) -> bool {
        self.formats.iter().any(|(_, codec)| codec.as_ref().is_some_and(Codec::is_event))
    }

    pub fn names(&self, address: SocketAddr) -> bool {
        self.ends.iter().any(|e| e.address == address)
    }

    pub fn has_source(&self, ssrc: u32) -> bool {
        self.sources.iter().any(|(first, last)| (*first..=*last).contains(&ssrc))
    }
}

/// A description by one party of a call.
#[derive(Debug, Clone)]
pub(super) struct Description {
    pub message: MsgIdx,
    pub time: Nanos,
    /// When the same party described itself anew on the same hop.
    pub until: Nanos,
    pub by_caller: bool,
    /// Hash of the party's tag.
    tag: u32,
    pub sections: Arc<[Terms]>,
}

/// An offer that was answered: indices of both descriptions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agreement {
    pub from: Nanos,
    pub until: Nanos,
    pub caller: usize,
    pub callee: usize,
}

/// All that the SDP of a call says of its media.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// In order of time.
    pub descriptions: Vec<Description>,
    /// In order of time, those of forks that did not get the call left out.
    pub agreements: Vec<Agreement>,
    /// It was there before the capture.
    pub mid_call: bool,
    pub end: Option<Nanos>,
}

impl Plan {
    /// The description of a party that counts at a time for what `fits`: the last before, else the first after.
    pub fn in_force(
        &self,
        by_caller: bool,
        time: Nanos,
        fits: impl Fn(&Description) -> bool,
    ) -> Option<(usize, &Description)> {
        let mut all =
            self.descriptions.iter().enumerate().filter(|(_, d)| d.by_caller == by_caller && fits(d));
        let mut found = all.next()?;
        for next in all {
            if next.1.time <= time {
                found = next;
            }
        }
        Some(found)
    }

    pub fn terms(&self, description: usize, section: usize) -> Option<&Terms> {
        self.descriptions.get(description)?.sections.get(section)
    }

    /// Whether media may run from one party to the other in a section.
    pub fn allows(&self, agreement: &Agreement, section: usize, from_caller: bool) -> bool {
        let sides = [self.terms(agreement.caller, section), self.terms(agreement.callee, section)];
        let [Some(caller), Some(callee)] = sides else { return false };
        let (sender, receiver) = if from_caller { (caller, callee) } else { (callee, caller) };
        !sender.declined
            && !receiver.declined
            && !receiver.nowhere
            && matches!(sender.direction, Direction::SendRecv | Direction::SendOnly)
            && matches!(receiver.direction, Direction::SendRecv | Direction::RecvOnly)
    }
}

impl Analysis {
    /// Reads all descriptions of a call.
    pub(super) fn media_plan(&self, call: CallIdx) -> Plan {
        let shown = self.call(call);
        let caller_tag = self.call_work.get(call.0 as usize).map_or(0, |w| w.caller_tag);
        let mut plan =
            Plan { mid_call: shown.summary.starts_mid_call, end: shown.summary.end, ..Plan::default() };
        let mut read: HashMap<u64, Arc<[Terms]>> = HashMap::new();
        let mut last: HashMap<(bool, u32, IpAddr, IpAddr), usize> = HashMap::new();
        let mut confirmed: Vec<u32> = Vec::new();
        for m in self.in_time(shown.messages) {
            let r = self.message(m);
            if r.method == MethodId::INVITE
                && (200..300).contains(&r.status)
                && !confirmed.contains(&r.to_tag)
            {
                confirmed.push(r.to_tag);
            }
            let counts = r.has(flag::SDP)
                && !r.has(flag::DUPLICATE)
                && !r.has(flag::RETRANSMISSION)
                && r.status < 300
                && plan.descriptions.len() < MOST_DESCRIPTIONS;
            if !counts {
                continue;
            }
            let by_caller = (r.from_tag == caller_tag) == r.is_request();
            let tag = if r.is_request() { r.from_tag } else { r.to_tag };
            let Some(sections) = self.sections_of(m, &mut read) else { continue };
            if sections.is_empty() {
                continue;
            }
            let flow = self.flow(r.flow);
            let at = plan.descriptions.len();
            let before = last.insert((by_caller, tag, flow.src.ip(), flow.dst.ip()), at);
            if let Some(before) = before.and_then(|b| plan.descriptions.get_mut(b)) {
                before.until = r.time;
            }
            plan.descriptions.push(Description {
                message: m,
                time: r.time,
                until: Nanos::MAX,
                by_caller,
                tag,
                sections,
            });
        }
        if plan.descriptions.len() > 1 {
            self.agree(call, &confirmed, &mut plan);
        }
        plan
    }

    fn agree(&self, call: CallIdx, confirmed: &[u32], plan: &mut Plan) {
        let find = |m: MsgIdx| plan.descriptions.iter().position(|d| d.message == m);
        let mut out: Vec<Agreement> = Vec::new();
        for row in self.offers(call) {
            let (Some(offer), Some(answer)) = (find(row.offer), row.answer.and_then(find)) else { continue };
            let (a, b) = (&plan.descriptions[offer], &plan.descriptions[answer]);
            if a.by_caller == b.by_caller {
                continue;
            }
            let callee = if a.by_caller { b } else { a };
            if !confirmed.is_empty() && !confirmed.contains(&callee.tag) && callee.tag != 0 {
                continue;
            }
            let from = a.time.max(b.time);
            if let Some(last) = out.last_mut() {
                last.until = from;
            }
            let (caller, callee) = if a.by_caller { (offer, answer) } else { (answer, offer) };
            out.push(Agreement { from, until: plan.end.unwrap_or(Nanos::MAX).max(from), caller, callee });
        }
        plan.agreements = out;
    }

    /// The sections of a message's description; the same bytes are read once.
    fn sections_of(&self, m: MsgIdx, known: &mut HashMap<u64, Arc<[Terms]>>) -> Option<Arc<[Terms]>> {
        let read = self.read_sdp(m)?;
        let hash = foldhash::fast::FixedState::with_seed(11).hash_one(read.content());
        if let Some(known) = known.get(&hash) {
            return Some(known.clone());
        }
        let bodies = read.bodies();
        let main = bodies.iter().rev().find(|b| !b.fragment && !b.fallback);
        let main = main.or(bodies.iter().rev().find(|b| !b.fragment))?;
        let mut sections = sections(main);
        // What the other parts name for older clients are addresses of the same sections.
        for other in bodies.iter().filter(|b| !b.fragment && b.range != main.range) {
            for (terms, more) in sections.iter_mut().zip(self::sections(other)) {
                let room = MOST_ENDS.saturating_sub(terms.ends.len());
                let new: Vec<End> = more.ends.into_iter().filter(|e| !terms.names(e.address)).collect();
                terms.ends.extend(new.into_iter().take(room));
            }
        }
        let sections: Arc<[Terms]> = sections.into();
        known.insert(hash, sections.clone());
        Some(sections)
    }

    /// Where a message's description wants fax (T.38 over UDPTL) to.
    pub(in crate::correlate::media) fn fax_ends(&self, m: MsgIdx) -> Vec<SocketAddr> {
        let sections = self.sections_of(m, &mut HashMap::new());
        let of_fax = sections.iter().flat_map(|s| s.iter()).filter(|t| t.fax && !t.declined);
        of_fax.flat_map(|t| &t.ends).filter(|e| e.component == 1).map(|e| e.address).collect()
    }

    /// Addresses that a call's trickle fragments (RFC 8840) add, by who names them.
    pub(super) fn trickled_ends(&self, call: CallIdx) -> Vec<(bool, Nanos, SocketAddr)> {
        let mut out = Vec::new();
        let caller_tag = self.call_work.get(call.0 as usize).map_or(0, |w| w.caller_tag);
        for m in self.messages_of(self.call(call).messages) {
            let r = self.message(m);
            let new = r.is_request() && !r.has(flag::RETRANSMISSION) && !r.has(flag::DUPLICATE);
            if !new || r.method != MethodId::INFO || r.candidates == 0 || out.len() >= MOST_ENDS {
                continue;
            }
            let Some(read) = self.read_sdp(m) else { continue };
            for body in read.bodies().iter().filter(|b| b.fragment) {
                let before = body.parse().ice_before_media();
                for d in body.ice_descriptions().iter().chain(before.as_ref()) {
                    let by_caller = r.from_tag == caller_tag;
                    out.extend(d.candidates.iter().filter_map(socket).map(|a| (by_caller, r.time, a)));
                }
            }
        }
        out
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn socket(c: &Candidate<'_>) -> Option<SocketAddr> {
    Some(SocketAddr::new(c.address.ip?, c.port?))
}

fn sections(body: &SdpBody<'_>) -> Vec<Terms> {
    let session = body.parse();
    let ice = body.ice_descriptions();
    let groups: Vec<Vec<&[u8]>> = session
        .attributes
        .iter()
        .filter(|a| a.is("group"))
        .map(|a| a.value.split(|b| *b == b' ').filter(|w| !w.is_empty()).collect::<Vec<_>>())
        .filter(|words: &Vec<&[u8]>| words.first().is_some_and(|w| w.eq_ignore_ascii_case(b"BUNDLE")))
        .collect();
    let mut out = Vec::with_capacity(session.media.len());
    for (i, media) in session.media.iter().enumerate() {
        let mut terms = read_section(&session, media);
        if let Some(d) = ice.get(i) {
            for c in &d.candidates {
                let component = c.component.unwrap_or(1);
                let base = c.related.and_then(|r| Some(SocketAddr::new(r.address?.ip?, r.port?)));
                for address in socket(c).into_iter().chain(base) {
                    let fits = address.port() != 0 && !address.ip().is_unspecified();
                    if fits && terms.ends.len() < MOST_ENDS && !terms.names(address) {
                        terms.ends.push(End { address, component });
                    }
                }
            }
            let in_group = |mid: &[u8]| groups.iter().position(|g| g.iter().skip(1).any(|w| *w == mid));
            terms.bundle = d.mid.and_then(in_group);
        }
        out.push(terms);
    }
    out
}

fn read_section(session: &Session<'_>, media: &Media<'_>) -> Terms {
    let upper = media.protocol.to_ascii_uppercase();
    let words = || upper.split(|b| *b == b'/');
    let profile = words().any(|w| w == b"SAVP" || w == b"SAVPF");
    let number = |name: &str| {
        let value = session.attribute_of(media, name)?.value;
        std::str::from_utf8(value).ok()?.trim().parse::<u32>().ok().filter(|n| (1..=1_000).contains(n))
    };
    let ip = media.connection.as_ref().and_then(|c| c.ip);
    let nowhere = media.port != 0 && media.port != 9 && ip.is_some_and(|ip| ip.is_unspecified());
    let encryption = session.attribute_of(media, "encryption");
    Terms {
        kind: text(media.kind).to_ascii_lowercase(),
        rtp: profile || words().any(|w| matches!(w, b"RTP" | b"AVP" | b"AVPF")),
        fax: words().any(|w| w == b"UDPTL"),
        declined: media.port == 0 && media.attribute("bundle-only").is_none(),
        ends: default_ends(media, ip),
        direction: media.direction,
        nowhere,
        security: Security {
            profile,
            keys: media.cryptos().next().is_some() || session.fingerprint(media).is_some(),
            rejected: encryption.is_some_and(|a| a.value.eq_ignore_ascii_case(b"rejected")),
            untagged: media.cryptos().any(|c| is_untagged(c.session_parameters)),
        },
        formats: media
            .formats
            .iter()
            .filter_map(|f| read_format(media, f.id, f.encoding.as_deref()))
            .collect(),
        ptime: number("ptime"),
        max_ptime: number("maxptime"),
        sources: sources(media),
        extensions: extensions(session, media),
        mid: media.attribute("mid").map(|a| a.value.trim_ascii().into()),
        bundle: None,
    }
}

fn default_ends(media: &Media<'_>, ip: Option<IpAddr>) -> Vec<End> {
    let mut ends = Vec::new();
    let Some(ip) = ip.filter(|ip| !ip.is_unspecified()) else { return ends };
    let mut add = |ip, port: u32, component| {
        if let Ok(port) = u16::try_from(port)
            && !matches!(port, 0 | 9)
        {
            ends.push(End { address: SocketAddr::new(ip, port), component });
        }
    };
    if media.port == 0 {
        return ends;
    }
    // Several ports of one section are two apart, RTCP between them (RFC 8866 §5.14).
    for i in 0..media.port_count.clamp(1, MOST_PORTS) {
        add(ip, media.port + 2 * i, 1);
    }
    let is_fax = media.protocol.eq_ignore_ascii_case(b"udptl");
    if media.rtcp_port() != media.port && !is_fax {
        add(media.rtcp.and_then(|(_, ip)| ip).unwrap_or(ip), media.rtcp_port(), 2);
    }
    ends
}

fn read_format(media: &Media<'_>, id: &[u8], encoding: Option<&str>) -> Option<(u8, Option<Codec>)> {
    let payload_type: u8 = std::str::from_utf8(id).ok()?.parse().ok().filter(|pt| *pt < 128)?;
    let mapped = media
        .attributes
        .iter()
        .filter(|a| a.is("rtpmap"))
        .any(|a| a.value.split(|b| matches!(b, b' ' | b'\t')).next() == Some(id));
    let source = if mapped { CodecSource::Sdp } else { CodecSource::Static };
    Some((payload_type, encoding.and_then(|e| read_codec(e, source))))
}

/// `opus/48000/2`.
fn read_codec(encoding: &str, source: CodecSource) -> Option<Codec> {
    let mut parts = encoding.trim().split('/');
    let name = parts.next().filter(|n| !n.is_empty())?.to_owned();
    let clock = parts.next().and_then(|c| c.trim().parse().ok()).unwrap_or(0);
    let channels = parts.next().and_then(|c| c.trim().parse().ok()).unwrap_or(1);
    Some(Codec { name, clock, channels, source })
}

/// `a=extmap:1/sendonly urn:…`, of the section or of all.
fn extensions(session: &Session<'_>, media: &Media<'_>) -> Vec<(u8, String)> {
    let mut out: Vec<(u8, String)> = Vec::new();
    for a in media.attributes.iter().chain(&session.attributes).filter(|a| a.is("extmap")) {
        let mut words = a.value.split(|b| matches!(b, b' ' | b'\t')).filter(|w| !w.is_empty());
        let number = words.next().and_then(|w| w.split(|b| *b == b'/').next());
        let id = number.and_then(|n| std::str::from_utf8(n).ok()?.parse::<u8>().ok());
        let (Some(id), Some(uri)) = (id, words.next()) else { continue };
        if out.len() < MOST_EXTENSIONS && !out.iter().any(|(known, _)| *known == id) {
            out.push((id, text(uri)));
        }
    }
    out
}

fn is_untagged(session_parameters: &[u8]) -> bool {
    session_parameters.split(u8::is_ascii_whitespace).any(|p| p.eq_ignore_ascii_case(b"UNAUTHENTICATED_SRTP"))
}

fn sources(media: &Media<'_>) -> Vec<(u32, u32)> {
    let mut out: Vec<(u32, u32)> = Vec::new();
    for a in &media.attributes {
        let Ok(value) = std::str::from_utf8(a.value) else { continue };
        let range = if a.is("ssrc") {
            value.split([' ', '\t']).next().and_then(|n| n.parse().ok()).map(|n| (n, n))
        } else if a.is("x-ssrc-range") {
            let pair = value.trim().split_once('-');
            pair.and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)))
        } else {
            None
        };
        if let Some(range) = range
            && !out.contains(&range)
            && out.len() < MOST_SOURCES
        {
            out.push(range);
        }
    }
    out
}
