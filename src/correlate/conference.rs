//! Conferences: what conference control (C3P) and conference-info say, joined by organizer and conference id.
//!
//! Bodies are read again here, those of conference control once each: a copy on another hop or a retransmission counts
//! as what it is. A conference of which only calls are seen (its bodies are encrypted, or captured elsewhere) is one too.

mod command;
mod legs;
mod roster;

use std::collections::{HashMap, HashSet};

use callscope_parsers::c3p::{
    C3p, ConferenceInvite, ConferencePart, McuKind, conference_uri, parse_c3p, parse_conference_invite,
};
use callscope_parsers::conference_info::{ConferenceInfo, parse_conference_info};
use callscope_parsers::mime::parse_body;
use callscope_parsers::sip::parse_message;

use super::Analysis;
use super::dialog::PATIENCE;
use super::model::*;
use crate::capture::Nanos;

pub use command::{Command, Outcome};
pub use legs::{Leg, LegRole};
pub use roster::{Member, MemberEndpoint, RosterEvent};

/// One conference.
#[derive(Debug, Clone, Default)]
pub struct Conference {
    /// As written; empty where only its address is known, or for what was asked of a factory and names no conference.
    pub conference_id: String,
    /// URI of the focus; of other vendors, of the conference.
    pub focus: String,
    /// Address of record.
    pub organizer: String,
    pub subject: Option<String>,
    pub mcus: Vec<Mcu>,
    /// In order of time.
    pub commands: Vec<Command>,
    pub roster: Vec<Member>,
    /// What the roster documents changed, in order of time.
    pub events: Vec<RosterEvent>,
    /// Roster documents, the same to several watchers counted for each.
    pub documents: u32,
    /// There are such documents, and the roster told by them is complete.
    pub roster_complete: bool,
    /// Versions were missing between documents.
    pub gaps: u32,
    pub ended: bool,
    /// It is no conference but a factory that makes them.
    pub factory: bool,
    pub legs: Vec<Leg>,
    /// Commands, roster changes, users or further conferences beyond a limit.
    pub not_kept: u64,
    pub start: Nanos,
    pub end: Nanos,
    /// The calls and dialogs it is made of, in order of time.
    pub owners: Vec<Owner>,
}

/// A conferencing server of a conference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mcu {
    /// `audio-video`, `chat`, `applicationsharing`, `data`, `phone`; of other vendors the purpose of the address.
    pub kind: String,
    pub uri: String,
}

/// Conferencing servers and addresses kept of one conference.
const MOST_MCUS: usize = 64;

/// What a body says of conferences.
enum Told {
    Control(Box<C3p>),
    Info(Box<ConferenceInfo>),
    Invite(Box<ConferenceInvite>),
}

impl Analysis {
    pub(super) fn conferences(&self) -> Vec<Conference> {
        let mut work = Work::new(self);
        work.read_bodies();
        work.join_calls();
        work.rosters();
        work.finish()
    }

    /// The conference ids that the addresses and bodies of a call or dialog name.
    pub fn conference_ids(&self, owner: Owner) -> Vec<String> {
        let (from, to, list) = match owner {
            Owner::Call(c) => (self.call(c).from_uri, self.call(c).to_uri, self.call(c).messages),
            Owner::Dialog(d) => (self.dialog(d).from_uri, self.dialog(d).to_uri, self.dialog(d).messages),
        };
        let mut ids: Vec<String> = Vec::new();
        let mut add = |uri: &str| {
            let id = conference_uri(uri).map(|u| u.id).unwrap_or_default();
            if !id.is_empty() && !ids.iter().any(|known| known.eq_ignore_ascii_case(id)) {
                ids.push(id.to_owned());
            }
        };
        add(&self.text(from));
        add(&self.text(to));
        // A factory makes many; what was made stands in the bodies.
        for m in self.messages_of(list).filter(|m| is_control(self.message(*m))).take(256) {
            for told in self.told_of_conferences(m) {
                match told {
                    Told::Control(c) => {
                        add(&c.to);
                        add(&c.from);
                        c.commands.iter().flat_map(addresses).for_each(&mut add);
                    }
                    Told::Info(i) => add(&i.entity),
                    Told::Invite(i) => i.focus_uri.iter().for_each(|u| add(u)),
                }
            }
        }
        ids
    }

    /// What the bodies of a message say of conferences.
    fn told_of_conferences(&self, m: MsgIdx) -> Vec<Told> {
        let Ok(bytes) = self.message_bytes(m) else { return Vec::new() };
        // Most multiparts hold descriptions of media only.
        if self.message(m).content == Content::Multipart && !names_conferences(&bytes) {
            return Vec::new();
        }
        let Some(message) = parse_message(&bytes) else { return Vec::new() };
        let kind = message.header("Content-Type").map(|h| h.value.clone()).unwrap_or_default();
        let (body, _) = parse_body(message.bytes, message.body.clone(), &kind);
        let leaves = body.walk().into_iter().filter(|p| p.parts.is_empty());
        let read = leaves.filter_map(|part| {
            let kind = Content::of(part.media_type.as_bytes());
            if !matches!(kind, Content::Cccp | Content::ConferenceInfo | Content::ConferenceInvite) {
                return None;
            }
            let (text, _) = part.decoded(message.bytes);
            match kind {
                Content::Cccp => parse_c3p(&text).map(Box::new).map(Told::Control),
                Content::ConferenceInfo => parse_conference_info(&text).map(Box::new).map(Told::Info),
                _ => parse_conference_invite(&text).map(Box::new).map(Told::Invite),
            }
        });
        read.collect()
    }
}

/// Bodies that conferences may be controlled by.
const CONTROL: [Content; 4] =
    [Content::Cccp, Content::ConferenceInfo, Content::ConferenceInvite, Content::Multipart];

/// Does the body speak of conferences, or may a part of it?
fn is_control(r: &SipRecord) -> bool {
    CONTROL.contains(&r.content) && r.body_len() > 0
}

fn names_conferences(bytes: &[u8]) -> bool {
    ["cccp+xml", "conference-info", "ms-conf-invite"].iter().any(|name| {
        let name = name.as_bytes();
        bytes.windows(name.len()).any(|w| w.eq_ignore_ascii_case(name))
    })
}

/// The addresses of conferences that a command names.
fn addresses(command: &callscope_parsers::c3p::Command) -> impl Iterator<Item = &str> {
    let keys = command.keys.iter().filter_map(|k| k.conference.as_deref());
    let info = command.conference.iter();
    let uris = info.clone().filter_map(|i| i.description.as_ref()).flat_map(|d| &d.conf_uris);
    let views = info.clone().flat_map(|i| &i.views).map(|v| v.entity.as_str());
    keys.chain(command.mcu_uri.as_deref())
        .chain(info.map(|i| i.entity.as_str()))
        .chain(uris.map(|u| u.uri.as_str()))
        .chain(views)
}

/// An address without parameters, in lower case, its scheme left out.
fn plain(uri: &str) -> String {
    let uri = uri.trim().trim_start_matches('<');
    let end = uri.find([';', '?', '>']).unwrap_or(uri.len());
    let uri = uri.get(..end).unwrap_or_default();
    let bare = uri.split_once(':').map_or(uri, |(scheme, rest)| {
        if ["sip", "sips", "tel"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) { rest } else { uri }
    });
    bare.to_ascii_lowercase()
}

/// The same of telephone numbers in either form: `tel:+1425…` and `sip:+1425…@domain`.
fn callee(uri: &str) -> String {
    let bare = plain(uri);
    match bare.split_once('@') {
        Some((user, _)) if user.starts_with('+') => user.to_owned(),
        _ => bare,
    }
}

/// Key of what has no conference id.
fn key_of_address(uri: &str) -> Option<String> {
    let bare = plain(uri);
    (!bare.is_empty()).then(|| format!("@{bare}"))
}

/// A subscriber's documents.
struct Watch {
    place: usize,
    documents: Vec<MsgIdx>,
    /// The first one is a full one.
    full: bool,
    start: Nanos,
    end: Nanos,
}

struct Work<'a> {
    analysis: &'a Analysis,
    all: Vec<Conference>,
    places: HashMap<String, usize>,
    owners: HashSet<(usize, Owner)>,
    commands: command::Commands,
    watches: HashMap<Owner, Watch>,
}

impl<'a> Work<'a> {
    fn new(analysis: &'a Analysis) -> Self {
        Self {
            analysis,
            all: Vec::new(),
            places: HashMap::new(),
            owners: HashSet::new(),
            commands: command::Commands::default(),
            watches: HashMap::new(),
        }
    }

    fn place(&mut self, key: &str) -> Option<usize> {
        if let Some(at) = self.places.get(key) {
            return Some(*at);
        }
        if self.all.len() >= self.analysis.limits.conferences {
            // Told with the last one that is kept.
            if let Some(last) = self.all.last_mut() {
                last.not_kept += 1;
            }
            return None;
        }
        let at = self.all.len();
        self.places.insert(key.to_owned(), at);
        self.all.push(Conference { start: Nanos::MAX, end: Nanos::MIN, ..Conference::default() });
        Some(at)
    }

    /// The conference that a conference URI names, which is noted of it.
    fn learn(&mut self, uri: &str) -> Option<usize> {
        let parsed = conference_uri(uri)?;
        let at = self.place(&parsed.key()?)?;
        let one = self.all.get_mut(at)?;
        if one.conference_id.is_empty() {
            one.conference_id = parsed.id.to_owned();
            one.organizer = parsed.organizer.to_owned();
        }
        match parsed.part {
            ConferencePart::Focus if one.focus.is_empty() => one.focus = uri.trim().to_owned(),
            ConferencePart::Mcu(kind) => one.mcu(kind.name(), uri),
            _ => {}
        }
        Some(at)
    }

    fn own(&mut self, at: usize, owner: Owner) {
        if self.owners.insert((at, owner))
            && let Some(one) = self.all.get_mut(at)
        {
            one.owners.push(owner);
        }
    }

    fn saw(&mut self, at: usize, m: MsgIdx) {
        let record = self.analysis.message(m);
        self.own(at, record.owner);
        if let Some(one) = self.all.get_mut(at) {
            one.start = one.start.min(record.time);
            one.end = one.end.max(record.time);
        }
    }

    fn read_bodies(&mut self) {
        let analysis = self.analysis;
        let fresh = |r: &SipRecord| !r.has(flag::DUPLICATE) && !r.has(flag::RETRANSMISSION);
        let control = analysis.messages_carrying(&CONTROL).filter(|(_, r)| is_control(r));
        let told: HashSet<Owner> = control.map(|(_, r)| r.owner).collect();
        if told.is_empty() {
            return;
        }
        let of_interest = |r: &SipRecord| is_control(r) || r.status >= 200 && told.contains(&r.owner);
        let all = (0u32..).map(MsgIdx).zip(&analysis.messages);
        let mut order: Vec<MsgIdx> =
            all.filter(|(_, r)| fresh(r) && of_interest(r)).map(|(m, _)| m).collect();
        order.sort_by_key(|m| (analysis.message(*m).time, *m));
        let mut seen = HashSet::new();
        for m in order {
            let r = analysis.message(m);
            let to_tag = if r.is_request() { 0 } else { r.to_tag };
            if !seen.insert((r.owner, r.status, r.method, r.cseq, r.from_tag, to_tag)) {
                continue;
            }
            if r.status >= 200 {
                self.commands.sip_answer(analysis, m);
            }
            if !is_control(r) {
                continue;
            }
            let known = self.watches.get_mut(&r.owner).filter(|_| r.content == Content::ConferenceInfo);
            if let Some(watch) = known {
                watch.documents.push(m);
                watch.end = r.time;
                let at = watch.place;
                self.saw(at, m);
                continue;
            }
            for told in analysis.told_of_conferences(m) {
                self.take(m, told);
            }
        }
    }

    fn take(&mut self, m: MsgIdx, told: Told) {
        match told {
            Told::Control(document) => self.take_control(m, &document),
            Told::Info(info) => {
                let place = self.learn(&info.entity).or_else(|| {
                    let key = self.entity_or_peer(m, &info.entity)?;
                    let at = self.place(&key.0)?;
                    let one = self.all.get_mut(at)?;
                    if one.focus.is_empty() {
                        one.focus = key.1;
                    }
                    Some(at)
                });
                let Some(place) = place else { return };
                self.saw(place, m);
                let r = self.analysis.message(m);
                let full = info.state == callscope_parsers::conference_info::State::Full;
                let watch = self.watches.entry(r.owner).or_insert(Watch {
                    place,
                    documents: Vec::new(),
                    full,
                    start: r.time,
                    end: r.time,
                });
                if watch.place == place {
                    watch.documents.push(m);
                    watch.end = r.time;
                }
            }
            Told::Invite(invite) => {
                let Some(place) = invite.focus_uri.as_deref().and_then(|u| self.learn(u)) else { return };
                if let Some(one) = self.all.get_mut(place) {
                    one.subject = one.subject.take().or(invite.subject.clone().filter(|s| !s.is_empty()));
                }
                self.saw(place, m);
                if let Owner::Call(call) = self.analysis.message(m).owner {
                    self.leg(place, call, LegRole::Invitation, None);
                }
            }
        }
    }

    /// Key and address of a conference without an id: what its document says, else whoever sends it.
    fn entity_or_peer(&self, m: MsgIdx, entity: &str) -> Option<(String, String)> {
        if let Some(key) = key_of_address(entity) {
            return Some((key, entity.trim().to_owned()));
        }
        let Owner::Dialog(d) = self.analysis.message(m).owner else { return None };
        let dialog = self.analysis.dialog(d);
        let told = matches!(dialog.method, MethodId::NOTIFY | MethodId::BENOTIFY);
        let uri = self.analysis.text(if told { dialog.from_uri } else { dialog.to_uri }).into_owned();
        Some((key_of_address(&uri)?, uri))
    }

    fn finish(mut self) -> Vec<Conference> {
        let analysis = self.analysis;
        self.commands.settle(analysis.newest_time());
        for (command, at) in std::mem::take(&mut self.commands).into_list() {
            if let Some(one) = at.and_then(|at| self.all.get_mut(at)) {
                one.ended |= command.name == "deleteConference" && command.outcome == Outcome::Success;
                one.commands.push(command);
            }
        }
        let start_of = |o: &Owner| match o {
            Owner::Call(c) => analysis.call(*c).summary.start,
            Owner::Dialog(d) => analysis.dialog(*d).summary.start,
        };
        for one in &mut self.all {
            one.commands.sort_by_key(|c| (c.time, c.message));
            one.owners.sort_by_key(start_of);
            one.legs.sort_by_key(|l| (analysis.call(l.call).summary.start, l.call));
            one.mcus.sort_by(|a, b| a.kind.cmp(&b.kind));
            if one.start == Nanos::MAX {
                one.start = one.owners.first().map_or(0, start_of);
                one.end = one.start;
            }
            if one.conference_id.is_empty() && !one.factory {
                one.conference_id = plain(&one.focus);
            }
        }
        self.all.retain(|one| !one.owners.is_empty());
        self.all.sort_by_key(|one| one.start);
        self.all
    }
}

impl Conference {
    fn mcu(&mut self, kind: &str, uri: &str) {
        let uri = uri.trim();
        let known = self.mcus.iter().any(|m| m.uri.eq_ignore_ascii_case(uri));
        if !known && self.mcus.len() < MOST_MCUS {
            // A kind told before its address is filled in.
            match self.mcus.iter_mut().find(|m| m.kind == kind && m.uri.is_empty()) {
                Some(m) => uri.clone_into(&mut m.uri),
                None => self.mcus.push(Mcu { kind: kind.to_owned(), uri: uri.to_owned() }),
            }
        }
    }

    /// Addresses that a description lists; those of conferencing servers by their kind.
    fn described(&mut self, info: &ConferenceInfo) {
        let Some(description) = &info.description else { return };
        self.subject = description.subject.clone().filter(|s| !s.is_empty()).or(self.subject.take());
        if self.organizer.is_empty()
            && let Some(organizer) = description.organizer.as_deref().filter(|o| !o.is_empty())
        {
            organizer.clone_into(&mut self.organizer);
        }
        for uri in description.conf_uris.iter().filter(|u| !u.uri.is_empty()) {
            let focus = |u: &str| conference_uri(u).is_some_and(|u| u.part == ConferencePart::Focus);
            match (uri.mcu(), uri.purpose.as_deref()) {
                (Some(kind), _) => self.mcu(kind.name(), &uri.uri),
                (None, Some("focus")) | (None, None) => {}
                (None, _) if focus(&uri.uri) => {}
                (None, Some(purpose)) => self.mcu(purpose, &uri.uri),
            }
        }
    }

    /// Commands that did not succeed; one that waits is none.
    pub fn failed(&self) -> impl Iterator<Item = &Command> {
        self.commands.iter().filter(|c| c.outcome.is_failure())
    }

    /// Those who are in it, as far as is known.
    pub fn present(&self) -> usize {
        self.roster.iter().filter(|m| m.left.is_none()).count()
    }

    /// Who has this address.
    pub fn member(&self, user: &str) -> Option<&Member> {
        let user = plain(user);
        self.roster.iter().find(|m| plain(&m.user) == user)
    }

    /// Who has this address, or an endpoint of it: a telephone.
    pub fn member_at(&self, address: &str) -> Option<&Member> {
        self.member(address).or_else(|| {
            let called = callee(address);
            let has = |m: &&Member| {
                m.endpoints.iter().filter_map(|e| e.uri.as_deref()).any(|u| callee(u) == called)
            };
            self.roster.iter().find(has)
        })
    }
}

/// The kind of conferencing server that a URI names.
fn mcu_of(uri: &str) -> Option<McuKind> {
    match conference_uri(uri)?.part {
        ConferencePart::Mcu(kind) => Some(kind),
        _ => None,
    }
}
