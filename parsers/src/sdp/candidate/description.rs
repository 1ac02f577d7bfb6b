//! What a media section, or a trickle fragment, says of ICE.

use std::ops::Range;

use super::super::attribute::{decimal, is_rtp, offset_in};
use super::super::{Attribute, IceCredentials, Media, Session, words};
use super::{Address, Candidate, CandidateSyntax, parse_candidate};
use crate::Issue;

/// Issues kept of one section beside those of its candidates.
const MAX_ISSUES: usize = 16;
/// Foundations told apart when looking for incomplete ones.
const MAX_FOUNDATIONS: usize = 1024;
/// Entries read of one `a=remote-candidates`.
const MAX_REMOTE: usize = 256;

/// Where media goes by `m=`, `c=` and `a=rtcp` alone: the default candidate (RFC 8839 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DefaultAddress<'a> {
    pub component: u16,
    pub address: Address<'a>,
    pub port: u32,
}

/// One entry of `a=remote-candidates`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RemoteCandidate<'a> {
    pub component: Option<u16>,
    pub address: Address<'a>,
    pub port: Option<u16>,
}

/// Which candidates of the peer the final offer names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteCandidates<'a> {
    /// `a=remote-candidate` of draft-06: one id.
    Id(&'a [u8]),
    /// `a=remote-candidates`, RFC 8839 §5.2.
    List(Vec<RemoteCandidate<'a>>),
}

/// ICE of one media section, session-level values included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IceDescription<'a> {
    /// Told by the lines of this section alone; [`super::SdpBody::syntax`] knows the other parts of the message.
    pub syntax: CandidateSyntax,
    /// In order of the lines.
    pub candidates: Vec<Candidate<'a>>,
    pub credentials: Option<IceCredentials<'a>>,
    /// Words of `a=ice-options`, e.g. `trickle`. Microsoft clients send none and heed none.
    pub options: Vec<&'a [u8]>,
    pub lite: bool,
    /// `a=ice-mismatch`: the peer's default candidate was not among its candidates.
    pub mismatch: bool,
    /// `a=ice-pacing`, ms.
    pub pacing_ms: Option<u32>,
    pub end_of_candidates: bool,
    pub remote: Option<RemoteCandidates<'a>>,
    /// RTP, then RTCP where it has an address of its own; none where the section is declined (port 0).
    pub defaults: [Option<DefaultAddress<'a>>; 2],
    /// `a=mid`.
    pub mid: Option<&'a [u8]>,
    /// Of credentials and remote candidates; each candidate has its own.
    pub issues: Vec<Issue>,
}

impl<'a> IceDescription<'a> {
    /// Does it say anything of ICE?
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty()
            && self.credentials.is_none()
            && self.remote.is_none()
            && !self.end_of_candidates
    }

    pub fn has_option(&self, option: &str) -> bool {
        self.options.iter().any(|o| o.eq_ignore_ascii_case(option.as_bytes()))
    }

    /// The candidate that is the default one of a component; `None` where `m=` and `c=` name none of them.
    pub fn default_candidate(&self, component: u16) -> Option<&Candidate<'a>> {
        let default = self.defaults.iter().flatten().find(|d| d.component == component)?;
        let port = u16::try_from(default.port).ok();
        self.candidates.iter().find(|c| c.component == Some(component) && c.is_at(&default.address, port))
    }

    /// One candidate a component and a named one of the peer: the offer or answer that ends Microsoft's ICE.
    pub fn is_final(&self) -> bool {
        let once =
            |c: &Candidate<'_>| self.candidates.iter().filter(|o| o.component == c.component).count() == 1;
        self.remote.is_some() && !self.candidates.is_empty() && self.candidates.iter().all(once)
    }

    /// Are the peer's candidates that this final offer or answer names among those the peer gave before? `None`
    /// where it names none. If not, the call has to fail.
    pub fn names_known_remote(&self, peer: &IceDescription<'_>) -> Option<bool> {
        Some(match self.remote.as_ref()? {
            RemoteCandidates::Id(id) => peer.candidates.iter().any(|c| c.foundation == *id),
            RemoteCandidates::List(list) => list.iter().all(|named| {
                let is =
                    |c: &Candidate<'_>| c.component == named.component && c.is_at(&named.address, named.port);
                peer.candidates.iter().any(is)
            }),
        })
    }

    /// Are its candidates among those that the same side gave before?
    pub fn keeps_to(&self, earlier: &IceDescription<'_>) -> bool {
        let known = |c: &Candidate<'_>| {
            earlier.candidates.iter().any(|e| {
                e.component == c.component && e.transport == c.transport && e.is_at(&c.address, c.port)
            })
        };
        self.candidates.iter().all(known)
    }

    /// Components of all candidates, ascending; a candidate that lacks one of them is [`IceDescription::incomplete`].
    pub fn components(&self) -> Vec<u16> {
        let mut all: Vec<_> = self.candidates.iter().filter_map(|c| c.component).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Foundations (or ids) that have less components than the description has: RTCP is missing, for instance.
    pub fn incomplete(&self) -> Vec<&'a [u8]> {
        let wanted = self.components().len();
        let mut seen: Vec<(&[u8], Vec<u16>)> = Vec::new();
        for candidate in &self.candidates {
            let Some(component) = candidate.component else { continue };
            let room = seen.len() < MAX_FOUNDATIONS;
            match seen.iter_mut().find(|(foundation, _)| *foundation == candidate.foundation) {
                Some((_, components)) if components.contains(&component) => {}
                Some((_, components)) => components.push(component),
                None if room => seen.push((candidate.foundation, vec![component])),
                None => {}
            }
        }
        seen.into_iter().filter(|(_, c)| c.len() < wanted).map(|(foundation, _)| foundation).collect()
    }

    fn read(&mut self, attribute: &Attribute<'a>) {
        if attribute.is("candidate") {
            self.candidates.push(parse_candidate(attribute.value, attribute.value_range.start));
        } else if attribute.is("end-of-candidates") {
            self.end_of_candidates = true;
        } else if attribute.is("ice-mismatch") {
            self.mismatch = true;
        } else if attribute.is("remote-candidate") {
            if attribute.value.is_empty() {
                self.issue("remote-candidates", attribute.range.clone(), "a=remote-candidate without an id");
            } else {
                self.remote.get_or_insert(RemoteCandidates::Id(attribute.value));
            }
        } else if attribute.is("remote-candidates") {
            let list = self.remote_candidates(attribute);
            self.remote.get_or_insert(list);
        }
    }

    fn remote_candidates(&mut self, attribute: &Attribute<'a>) -> RemoteCandidates<'a> {
        let mut fields = words(attribute.value);
        let mut list = Vec::new();
        while let Some(component) = fields.next() {
            if list.len() == MAX_REMOTE {
                self.issue(
                    "remote-candidates",
                    attribute.range.clone(),
                    "More remote candidates than are read",
                );
                break;
            }
            let (address, port) = (fields.next(), fields.next());
            let read = RemoteCandidate {
                component: decimal(component)
                    .and_then(|c| u16::try_from(c).ok())
                    .filter(|c| (1..=256).contains(c)),
                address: Address::of(address.unwrap_or_default()),
                port: port.and_then(decimal).and_then(|p| u16::try_from(p).ok()),
            };
            if read.component.is_none() || !read.address.is_plausible() || read.port.is_none() {
                let start = attribute.value_range.start + offset_in(attribute.value, component);
                let range = start..attribute.value_range.end;
                self.issue("remote-candidates", range, "Not component, address and port");
            }
            list.push(read);
        }
        if list.is_empty() {
            self.issue(
                "remote-candidates",
                attribute.range.clone(),
                "a=remote-candidates without a candidate",
            );
        }
        RemoteCandidates::List(list)
    }

    fn issue(&mut self, code: &'static str, range: Range<usize>, text: &'static str) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue::new(code, range, text));
        }
    }

    fn check_credentials(&mut self) {
        let Some(credentials) = self.credentials.clone() else { return };
        if !(4..=256).contains(&credentials.ufrag.len()) {
            self.issue(
                "ice-ufrag-length",
                credentials.ufrag_range.clone(),
                "ice-ufrag is not 4 to 256 characters long",
            );
        }
        match credentials.pwd {
            Some((pwd, range)) if !(22..=256).contains(&pwd.len()) => {
                self.issue("ice-pwd-length", range, "ice-pwd is not 22 to 256 characters long");
            }
            None => self.issue("ice-no-pwd", credentials.ufrag_range, "ice-ufrag without ice-pwd"),
            _ => {}
        }
    }
}

impl<'a> Session<'a> {
    /// ICE of a media section; credentials and options of the session count where it has none (RFC 8839 §5.4).
    pub fn ice_description(&self, media: &Media<'a>) -> IceDescription<'a> {
        let mut out = IceDescription {
            credentials: self.ice(media),
            defaults: defaults(media),
            mid: media.attribute("mid").map(|a| a.value),
            ..IceDescription::default()
        };
        self.session_level(&mut out);
        out.lite |= media.attribute("ice-lite").is_some();
        if let Some(options) = media.attribute("ice-options") {
            out.options = words(options.value).collect();
        }
        out.candidates.reserve_exact(media.attributes.iter().filter(|a| a.is("candidate")).count());
        media.attributes.iter().for_each(|a| out.read(a));
        out.finish();
        out
    }

    /// ICE of every media section, in order.
    pub fn ice_descriptions(&self) -> Vec<IceDescription<'a>> {
        self.media.iter().map(|m| self.ice_description(m)).collect()
    }

    /// Candidates that stand before the first `m=`: no place for them in a description, but fragments of older
    /// WebRTC gateways have them there. `None` if there are none.
    pub fn ice_before_media(&self) -> Option<IceDescription<'a>> {
        self.attribute("candidate")?;
        let ufrag = self.attribute("ice-ufrag");
        let mut out = IceDescription {
            credentials: ufrag.map(|u| IceCredentials::of(u, self.attribute("ice-pwd"))),
            mid: self.attribute("mid").map(|a| a.value),
            ..IceDescription::default()
        };
        self.session_level(&mut out);
        self.attributes.iter().for_each(|a| out.read(a));
        out.finish();
        Some(out)
    }

    fn session_level(&self, out: &mut IceDescription<'a>) {
        out.lite = self.attribute("ice-lite").is_some();
        out.end_of_candidates = self.attribute("end-of-candidates").is_some();
        out.options = self.attribute("ice-options").map(|a| words(a.value).collect()).unwrap_or_default();
        out.pacing_ms = self.attribute("ice-pacing").and_then(|a| decimal(a.value));
    }
}

impl IceDescription<'_> {
    fn finish(&mut self) {
        self.syntax = CandidateSyntax::of(&self.candidates);
        self.check_credentials();
    }
}

fn defaults<'a>(media: &Media<'a>) -> [Option<DefaultAddress<'a>>; 2] {
    let connection = media.connection.as_ref();
    // 0.0.0.0 says that candidates are still to come (RFC 8840 §4.1.1).
    let Some(connection) =
        connection.filter(|c| media.port != 0 && !c.ip.is_some_and(|ip| ip.is_unspecified()))
    else {
        return [None; 2];
    };
    let address = Address { text: connection.address, ip: connection.ip };
    let rtp = DefaultAddress { component: 1, address, port: media.port };
    let written = media.attribute("rtcp").and_then(|a| words(a.value).nth(3)).map(Address::of);
    let rtcp = DefaultAddress { component: 2, address: written.unwrap_or(address), port: media.rtcp_port() };
    let own = is_rtp(media.protocol) && (rtcp.port != media.port || rtcp.address.ip != address.ip);
    [Some(rtp), own.then_some(rtcp)]
}
