//! Who is in a conference over time, from the documents of those who watch it.
//!
//! Several watchers are told the same. At any time one of them is listened to: who was told everything from the start, and
//! of those who take over from one that leaves the one that stays longest.

use callscope_parsers::conference_info::{Change, Roster, User};

use super::*;

/// Somebody who is or was in the conference.
#[derive(Debug, Clone, Default)]
pub struct Member {
    /// URI.
    pub user: String,
    pub display: Option<String>,
    pub role: Option<String>,
    /// As they were last told of.
    pub endpoints: Vec<MemberEndpoint>,
    pub joined: Nanos,
    /// Was there when the roster was first told; came at `joined` or before.
    pub was_there: bool,
    pub left: Option<Nanos>,
    /// `departed`, `booted`, `failed`, `busy`.
    pub left_how: Option<String>,
    /// The document that told of it last.
    pub message: Option<MsgIdx>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberEndpoint {
    pub entity: String,
    pub uri: Option<String>,
    pub session: Option<String>,
    pub status: Option<String>,
    /// `dialed-in`, `dialed-out`, `focus-owner`.
    pub joined: Option<String>,
    /// `departed`, `booted`, `failed`, `busy`.
    pub left: Option<String>,
    pub muted: bool,
}

/// A change, and the document that told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterEvent {
    pub message: MsgIdx,
    pub change: Change,
}

/// What is known of somebody, by aspect: so that a second watcher tells nothing twice.
type Known = HashMap<(String, String, &'static str), String>;

impl Work<'_> {
    pub(super) fn rosters(&mut self) {
        let mut by_place: HashMap<usize, Vec<Watch>> = HashMap::new();
        for (_, watch) in std::mem::take(&mut self.watches) {
            by_place.entry(watch.place).or_default().push(watch);
        }
        let mut budget = self.analysis.limits.roster_changes;
        let mut places: Vec<usize> = by_place.keys().copied().collect();
        places.sort_unstable();
        for at in places {
            let mut watches = by_place.remove(&at).unwrap_or_default();
            watches.sort_by_key(|w| (w.start, w.documents.first().copied()));
            let Some(one) = self.all.get_mut(at) else { continue };
            one.documents = watches.iter().map(|w| w.documents.len() as u32).sum();
            let (known, places) = (Known::new(), HashMap::new());
            let mut telling = Telling { analysis: self.analysis, one, known, places, budget };
            telling.all(&watches);
            budget = telling.budget;
        }
    }
}

struct Telling<'w> {
    analysis: &'w Analysis,
    one: &'w mut Conference,
    known: Known,
    /// Where each of those who are in it stands in the roster.
    places: HashMap<String, usize>,
    budget: usize,
}

impl Telling<'_> {
    fn all(&mut self, watches: &[Watch]) {
        let mut from = Nanos::MIN;
        while let Some(leader) = next_leader(watches, from) {
            self.listen(leader, from);
            from = leader.end;
        }
    }

    /// Follows one watcher; only what it is told after `from` is new.
    fn listen(&mut self, watch: &Watch, from: Nanos) {
        let mut roster = Roster::default();
        for &m in &watch.documents {
            for told in self.analysis.told_of_conferences(m) {
                let Told::Info(info) = told else { continue };
                self.one.described(&info);
                let changes = roster.apply(&info);
                if self.analysis.message(m).time > from {
                    self.tell(m, changes, &roster);
                }
            }
        }
        self.one.roster_complete = roster.complete;
        self.one.ended |= roster.ended;
        for view in &roster.views {
            if let Some(kind) = view.mcu() {
                let uri = if conference_uri(&view.entity).is_some() { view.entity.as_str() } else { "" };
                if !self.one.mcus.iter().any(|m| m.kind == kind.name()) || !uri.is_empty() {
                    self.one.mcu(kind.name(), uri);
                }
            }
        }
    }

    fn tell(&mut self, m: MsgIdx, changes: Vec<Change>, roster: &Roster) {
        let time = self.analysis.message(m).time;
        let first = self.one.events.is_empty();
        let mut touched: HashSet<String> = HashSet::new();
        for change in changes {
            if !self.is_news(&change) {
                continue;
            }
            self.one.gaps += u32::from(matches!(change, Change::VersionGap { .. }));
            if let Some(user) = user_of(&change) {
                self.member(m, time, user, &change, first);
                if !touched.contains(user) {
                    touched.insert(user.to_owned());
                }
            }
            if self.budget == 0 {
                self.one.not_kept += 1;
                continue;
            }
            self.budget -= 1;
            self.one.events.push(RosterEvent { message: m, change });
        }
        for entity in touched {
            let at = self.places.get(&plain(&entity)).copied();
            let member = at.and_then(|at| self.one.roster.get_mut(at));
            if let Some((member, user)) = member.zip(roster.user(&entity)) {
                member.told(user);
            }
        }
    }

    fn member(&mut self, m: MsgIdx, time: Nanos, user: &str, change: &Change, first: bool) {
        let key = plain(user);
        let at = match self.places.get(&key) {
            Some(at) => *at,
            None if matches!(change, Change::Left { .. }) => return,
            None if self.one.roster.len() >= self.analysis.limits.roster_users => {
                self.one.not_kept += 1;
                return;
            }
            None => {
                self.one.roster.push(Member {
                    user: user.to_owned(),
                    joined: time,
                    was_there: first,
                    ..Member::default()
                });
                let at = self.one.roster.len() - 1;
                self.places.insert(key.clone(), at);
                at
            }
        };
        let Some(member) = self.one.roster.get_mut(at) else { return };
        member.message = Some(m);
        match change {
            Change::Left { .. } => {
                self.places.remove(&key);
                member.left = Some(time);
                // The focus tells last; how the media left says more.
                let how = member.endpoints.iter().filter_map(|e| e.left.clone());
                member.left_how = how.max_by_key(|h| h != "departed");
            }
            Change::EndpointRemoved { endpoint, method, .. } => {
                if let Some(e) = member.endpoints.iter_mut().find(|e| e.entity == *endpoint) {
                    e.status = Some("disconnected".to_owned());
                    e.left = method.clone().or(e.left.take());
                }
            }
            Change::StatusChanged { endpoint, to, method: Some(method), .. }
                if to.as_deref().is_some_and(|t| t.starts_with("disconnect")) =>
            {
                if let Some(e) = member.endpoints.iter_mut().find(|e| e.entity == *endpoint) {
                    e.left = Some(method.clone());
                }
            }
            _ => {}
        }
    }

    /// Whether it was not told by another watcher before.
    fn is_news(&mut self, change: &Change) -> bool {
        let mut note = |user: &str, endpoint: &str, aspect: &'static str, value: String| {
            let key = (plain(user), endpoint.to_owned(), aspect);
            self.known.insert(key, value.clone()).is_none_or(|old| old != value)
        };
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        match change {
            Change::Joined { user, roles, .. } => {
                note(user, "", "roles", roles.join(" "));
                note(user, "", "in", "yes".to_owned())
            }
            Change::Left { user } => note(user, "", "in", "no".to_owned()),
            Change::RolesChanged { user, to, .. } => note(user, "", "roles", to.join(" ")),
            Change::DisplayChanged { user, display } => note(user, "", "display", text(display)),
            Change::EndpointAdded { user, endpoint, status, .. } => {
                let news = note(user, endpoint, "endpoint", "yes".to_owned());
                note(user, endpoint, "status", text(status)) || news
            }
            Change::EndpointRemoved { user, endpoint, .. } => {
                note(user, endpoint, "endpoint", "no".to_owned())
            }
            Change::StatusChanged { user, endpoint, to, .. } => note(user, endpoint, "status", text(to)),
            Change::Muted { user, endpoint, media, .. } => {
                note(user, &format!("{endpoint} {media}"), "muted", "yes".to_owned())
            }
            Change::Unmuted { user, endpoint, media, .. } => {
                note(user, &format!("{endpoint} {media}"), "muted", "no".to_owned())
            }
            Change::MediaAdded { user, endpoint, media, status, .. } => {
                note(user, &format!("{endpoint} {media}"), "media", text(status))
            }
            Change::MediaStatusChanged { user, endpoint, media, to, .. } => {
                note(user, &format!("{endpoint} {media}"), "media", text(to))
            }
            Change::Locked => note("", "", "lock", "yes".to_owned()),
            Change::Unlocked => note("", "", "lock", "no".to_owned()),
            _ => true,
        }
    }
}

impl Member {
    fn told(&mut self, user: &User) {
        self.display = user.display_text.clone().or(self.display.take());
        if let Some(roles) = &user.roles {
            self.role = (!roles.is_empty()).then(|| roles.join(" "));
        }
        for e in &user.endpoints {
            let told = MemberEndpoint {
                entity: e.entity.clone(),
                uri: e.endpoint_uri.clone(),
                session: e.session_type.clone(),
                status: e.status.clone(),
                joined: e.joining_method.clone(),
                left: e.disconnection_method.clone(),
                muted: e.media.iter().any(|m| m.is_muted() == Some(true)),
            };
            match self.endpoints.iter_mut().find(|known| known.entity == e.entity) {
                Some(known) => *known = told,
                None => self.endpoints.push(told),
            }
        }
    }
}

/// The user that a change is about.
fn user_of(change: &Change) -> Option<&str> {
    match change {
        Change::Joined { user, .. }
        | Change::Left { user }
        | Change::DisplayChanged { user, .. }
        | Change::RolesChanged { user, .. }
        | Change::EndpointAdded { user, .. }
        | Change::EndpointRemoved { user, .. }
        | Change::StatusChanged { user, .. }
        | Change::MediaAdded { user, .. }
        | Change::MediaRemoved { user, .. }
        | Change::MediaStatusChanged { user, .. }
        | Change::Muted { user, .. }
        | Change::Unmuted { user, .. }
        | Change::EgressChanged { user, .. } => Some(user),
        _ => None,
    }
}

impl RosterEvent {
    /// The user it is about.
    pub fn user(&self) -> Option<&str> {
        user_of(&self.change)
    }
}

/// Whom to listen to behind `from`: of those who are told then, one whose documents begin with a full one, and of these
/// who stays longest; where nobody is told then, whoever is next.
fn next_leader(watches: &[Watch], from: Nanos) -> Option<&Watch> {
    let after = || watches.iter().filter(|w| w.end > from);
    let begun = after().filter(|w| w.start <= from).max_by_key(|w| (w.full, w.end));
    begun.or_else(|| {
        let start = after().map(|w| w.start).min()?;
        after()
            .filter(|w| w.start == start || w.full)
            .min_by_key(|w| (!w.full && from == Nanos::MIN, w.start))
    })
}
