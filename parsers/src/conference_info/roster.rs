//! The documents of one subscription put together (RFC 4575 §4), and what each of them changed.

use std::collections::{HashMap, HashSet};

use super::merge::{merge_conference_state, merge_description, merge_fields, merge_user};
use super::{
    ConfUri, ConferenceInfo, ConferenceState, Description, Endpoint, EntityView, Media, State, User,
};

/// Users kept of one conference; further ones are counted only.
const MAX_KEPT: usize = 10_000;
/// Changes told of one document.
const MAX_CHANGES: usize = 20_000;

/// What a document told that was not known before. Users are named by their URI, endpoints by their entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A full document: from here on the roster is complete.
    Full {
        version: Option<u32>,
    },
    /// The first document is a partial one: who came before it is not known.
    NoFullDocument {
        version: Option<u32>,
    },
    /// Versions between these two are missing; the roster may be wrong until the next full document.
    VersionGap {
        last: u32,
        version: u32,
    },
    /// The version that was the last one already; a partial document is passed over, a full one applied all the same.
    Duplicate {
        version: u32,
    },
    /// A version before the last one; passed over.
    Older {
        last: u32,
        version: u32,
    },
    /// A partial document without a version: applied, its place is not known.
    NoVersion,
    /// The document speaks of another conference; passed over.
    OtherConference {
        entity: String,
    },
    /// The conference is gone.
    ConferenceEnded,
    DescriptionChanged,
    /// An address or conferencing server came to the conference.
    UriAdded {
        uri: String,
        purpose: Option<String>,
    },
    UriRemoved {
        uri: String,
        purpose: Option<String>,
    },
    Locked,
    Unlocked,
    Activated,
    Deactivated,
    /// What a conferencing server tells of itself changed.
    ViewChanged {
        entity: String,
    },
    Joined {
        user: String,
        display: Option<String>,
        roles: Vec<String>,
    },
    Left {
        user: String,
    },
    DisplayChanged {
        user: String,
        display: Option<String>,
    },
    RolesChanged {
        user: String,
        from: Vec<String>,
        to: Vec<String>,
    },
    EndpointAdded {
        user: String,
        endpoint: String,
        session: Option<String>,
        status: Option<String>,
        method: Option<String>,
    },
    /// `method` is how, where it was told before or with it.
    EndpointRemoved {
        user: String,
        endpoint: String,
        session: Option<String>,
        method: Option<String>,
    },
    StatusChanged {
        user: String,
        endpoint: String,
        session: Option<String>,
        from: Option<String>,
        to: Option<String>,
        /// How it left, of one that goes.
        method: Option<String>,
    },
    MediaAdded {
        user: String,
        endpoint: String,
        media: String,
        kind: Option<String>,
        status: Option<String>,
    },
    MediaRemoved {
        user: String,
        endpoint: String,
        media: String,
        kind: Option<String>,
    },
    MediaStatusChanged {
        user: String,
        endpoint: String,
        media: String,
        from: Option<String>,
        to: Option<String>,
    },
    /// What comes from the user is no longer let through.
    Muted {
        user: String,
        endpoint: String,
        media: String,
        kind: Option<String>,
    },
    Unmuted {
        user: String,
        endpoint: String,
        media: String,
        kind: Option<String>,
    },
    /// What goes to the user is no longer let through, or again.
    EgressChanged {
        user: String,
        endpoint: String,
        media: String,
        blocked: bool,
    },
    /// More users than are kept, or more changes than are told.
    OverLimit,
}

/// Who is in a conference, as far as the documents seen tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    pub entity: String,
    /// Of the last document applied.
    pub version: Option<u32>,
    /// A full document was seen and no version is missing since.
    pub complete: bool,
    pub ended: bool,
    pub description: Option<Description>,
    pub conference_state: Option<ConferenceState>,
    pub users: Vec<User>,
    pub views: Vec<EntityView>,
    /// Where each of the users stands, by [`key`].
    places: HashMap<String, usize>,
    /// Some document was applied.
    begun: bool,
}

impl Roster {
    pub fn user(&self, entity: &str) -> Option<&User> {
        self.users.get(*self.places.get(&key(entity))?)
    }

    /// Applies a document and says what it changed, in the order of the document.
    pub fn apply(&mut self, document: &ConferenceInfo) -> Vec<Change> {
        let mut changes = Changes::default();
        if !self.entity.is_empty() && !document.entity.is_empty() && !same_uri(&self.entity, &document.entity)
        {
            return vec![Change::OtherConference { entity: document.entity.clone() }];
        }
        if self.entity.is_empty() {
            self.entity.clone_from(&document.entity);
        }
        if !self.in_order(document, &mut changes) {
            return changes.0;
        }
        self.begun = true;
        self.version = document.version.or(self.version);
        match document.state {
            State::Deleted => {
                self.ended = true;
                self.complete = true;
                self.places.clear();
                for user in std::mem::take(&mut self.users) {
                    user_left(&user, None, &mut changes);
                }
                changes.add(Change::ConferenceEnded);
                return changes.0;
            }
            State::Full => {
                self.ended = false;
                self.complete = true;
                self.full(document, &mut changes);
            }
            State::Partial => self.partial(document, &mut changes),
        }
        changes.0
    }

    /// Is the document to be applied?
    fn in_order(&mut self, document: &ConferenceInfo, changes: &mut Changes) -> bool {
        let (last, version) = (self.version, document.version);
        match document.state {
            // Takes the place of all that is known, whatever its version: a new subscription counts anew.
            State::Full => {
                if let (Some(last), Some(version)) = (last, version)
                    && last == version
                    && self.complete
                {
                    changes.add(Change::Duplicate { version });
                } else {
                    changes.add(Change::Full { version });
                }
            }
            State::Deleted if self.ended => return false,
            State::Deleted => {}
            State::Partial => match (last, version) {
                _ if !self.begun => {
                    changes.add(Change::NoFullDocument { version });
                    self.complete = false;
                }
                (Some(last), Some(version)) if version == last => {
                    changes.add(Change::Duplicate { version });
                    return false;
                }
                (Some(last), Some(version)) if version < last => {
                    changes.add(Change::Older { last, version });
                    return false;
                }
                (Some(last), Some(version)) if version - last > 1 => {
                    changes.add(Change::VersionGap { last, version });
                    self.complete = false;
                }
                (_, None) => changes.add(Change::NoVersion),
                _ => {}
            },
        }
        true
    }

    fn full(&mut self, document: &ConferenceInfo, changes: &mut Changes) {
        let description = document.description.clone();
        describe(self.description.as_ref(), description.as_ref(), changes);
        self.description = description;
        let state = document.conference_state.clone();
        conference_changed(self.conference_state.as_ref(), state.as_ref(), changes);
        self.conference_state = state;
        self.views = Vec::new();
        for view in &document.views {
            self.view(view, changes);
        }
        let list = document.users.as_ref().map(|u| u.list.as_slice()).unwrap_or_default();
        self.all_users(list, changes);
    }

    fn partial(&mut self, document: &ConferenceInfo, changes: &mut Changes) {
        if let Some(new) = &document.description {
            let merged = match (&self.description, new.state) {
                (_, State::Deleted) => None,
                (Some(old), State::Partial) => Some(merge_description(old, new)),
                _ => Some(new.clone()),
            };
            describe(self.description.as_ref(), merged.as_ref(), changes);
            self.description = merged;
        }
        if let Some(new) = &document.conference_state {
            let merged = match (&self.conference_state, new.state) {
                (_, State::Deleted) => None,
                (Some(old), State::Partial) => Some(merge_conference_state(old, new)),
                _ => Some(new.clone()),
            };
            conference_changed(self.conference_state.as_ref(), merged.as_ref(), changes);
            self.conference_state = merged;
        }
        for view in &document.views {
            self.view(view, changes);
        }
        let Some(users) = &document.users else { return };
        match users.state {
            State::Full => self.all_users(&users.list, changes),
            State::Deleted => self.all_users(&[], changes),
            State::Partial => self.some_users(&users.list, changes),
        }
    }

    fn view(&mut self, view: &EntityView, changes: &mut Changes) {
        let at = self.views.iter().position(|v| same_uri(&v.entity, &view.entity));
        let old = at.map(|at| self.views.remove(at));
        let before = old.as_ref().map(|v| v.fields.clone());
        let merged = match (old, view.state) {
            (_, State::Deleted) => None,
            (Some(old), State::Partial) => {
                Some(EntityView { fields: merge_fields(&old.fields, &view.fields), ..view.clone() })
            }
            _ => Some(view.clone()),
        };
        if before != merged.as_ref().map(|v| v.fields.clone()) {
            changes.add(Change::ViewChanged { entity: view.entity.clone() });
        }
        if self.views.len() < super::MAX_LIST {
            self.views.extend(merged);
        }
    }

    /// These are all users.
    fn all_users(&mut self, list: &[User], changes: &mut Changes) {
        let old = std::mem::take(&mut self.users);
        let known: HashMap<String, &User> = old.iter().map(|u| (key(&u.entity), u)).collect();
        let mut there = HashSet::with_capacity(list.len());
        for user in list {
            if user.state == State::Deleted || !there.insert(key(&user.entity)) {
                continue;
            }
            if self.users.len() >= MAX_KEPT {
                changes.add(Change::OverLimit);
                break;
            }
            let new = merge_user(None, user);
            user_changed(known.get(&key(&user.entity)).copied(), &new, user, changes);
            self.users.push(new);
        }
        for user in &old {
            if !there.contains(&key(&user.entity)) {
                user_left(user, None, changes);
            }
        }
        self.find_places();
    }

    /// These are some of the users.
    fn some_users(&mut self, list: &[User], changes: &mut Changes) {
        let mut gone: HashSet<usize> = HashSet::new();
        for user in list {
            let name = key(&user.entity);
            let at = self.places.get(&name).copied();
            let count = self.users.len().saturating_sub(gone.len());
            let known = match at {
                Some(at) => self.users.get_mut(at),
                None => None,
            };
            match (known, user.state) {
                (Some(old), State::Deleted) => {
                    user_left(old, Some(user), changes);
                    self.places.remove(&name);
                    gone.extend(at);
                }
                (None, State::Deleted) => changes.add(Change::Left { user: user.entity.clone() }),
                (Some(old), state) => {
                    let new = merge_user(Some(&*old).filter(|_| state == State::Partial), user);
                    user_changed(Some(&*old), &new, user, changes);
                    *old = new;
                }
                (None, _) if count >= MAX_KEPT => changes.add(Change::OverLimit),
                (None, _) => {
                    let new = merge_user(None, user);
                    user_changed(None, &new, user, changes);
                    self.places.insert(name, self.users.len());
                    self.users.push(new);
                }
            }
        }
        if !gone.is_empty() {
            let mut at = 0..;
            self.users.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
            self.find_places();
        }
    }

    fn find_places(&mut self) {
        self.places.clear();
        self.places.extend(self.users.iter().enumerate().map(|(at, user)| (key(&user.entity), at)));
    }
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, change: Change) {
        if self.0.len() < MAX_CHANGES {
            self.0.push(change);
        } else if self.0.len() == MAX_CHANGES {
            self.0.push(Change::OverLimit);
        }
    }
}

/// URIs are compared without regard to case, as these servers do.
fn same_uri(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn key(entity: &str) -> String {
    entity.to_ascii_lowercase()
}

fn describe(old: Option<&Description>, new: Option<&Description>, changes: &mut Changes) {
    let uris = |d: Option<&Description>| d.map(|d| d.conf_uris.clone()).unwrap_or_default();
    let has =
        |list: &[ConfUri], uri: &ConfUri| list.iter().any(|u| u.uri == uri.uri && u.purpose == uri.purpose);
    let (before, after) = (uris(old), uris(new));
    for uri in before.iter().filter(|u| !has(&after, u)) {
        changes.add(Change::UriRemoved { uri: uri.uri.clone(), purpose: uri.purpose.clone() });
    }
    for uri in after.iter().filter(|u| !has(&before, u)) {
        changes.add(Change::UriAdded { uri: uri.uri.clone(), purpose: uri.purpose.clone() });
    }
    let rest = |d: &Description| Description { conf_uris: Vec::new(), state: State::Full, ..d.clone() };
    if old.is_some() && old.map(rest) != new.map(rest) {
        changes.add(Change::DescriptionChanged);
    }
}

fn conference_changed(old: Option<&ConferenceState>, new: Option<&ConferenceState>, changes: &mut Changes) {
    let locked = |s: Option<&ConferenceState>| s.and_then(|s| s.locked);
    match (locked(old), locked(new)) {
        (before, Some(true)) if before != Some(true) => changes.add(Change::Locked),
        (Some(true), Some(false)) => changes.add(Change::Unlocked),
        _ => {}
    }
    let active = |s: Option<&ConferenceState>| s.and_then(|s| s.active);
    match (active(old), active(new)) {
        (before, Some(true)) if before != Some(true) => changes.add(Change::Activated),
        (Some(true), Some(false)) => changes.add(Change::Deactivated),
        _ => {}
    }
}

/// `told` is the element that says so: it may tell how the endpoints went.
fn user_left(user: &User, told: Option<&User>, changes: &mut Changes) {
    for endpoint in &user.endpoints {
        changes.add(endpoint_removed(user, endpoint, told));
    }
    changes.add(Change::Left { user: user.entity.clone() });
}

fn endpoint_removed(user: &User, endpoint: &Endpoint, told: Option<&User>) -> Change {
    let last = told.and_then(|t| t.endpoints.iter().find(|e| e.entity == endpoint.entity));
    let method =
        last.and_then(|e| e.disconnection_method.clone()).or_else(|| endpoint.disconnection_method.clone());
    Change::EndpointRemoved {
        user: user.entity.clone(),
        endpoint: endpoint.entity.clone(),
        session: endpoint.session_type.clone(),
        method,
    }
}

fn user_changed(old: Option<&User>, new: &User, told: &User, changes: &mut Changes) {
    let user = || new.entity.clone();
    let roles = |u: &User| u.roles.clone().unwrap_or_default();
    match old {
        None => {
            changes.add(Change::Joined {
                user: user(),
                display: new.display_text.clone(),
                roles: roles(new),
            });
        }
        Some(old) => {
            if old.display_text != new.display_text {
                changes.add(Change::DisplayChanged { user: user(), display: new.display_text.clone() });
            }
            if roles(old) != roles(new) {
                changes.add(Change::RolesChanged { user: user(), from: roles(old), to: roles(new) });
            }
        }
    }
    let before = old.map(|u| u.endpoints.as_slice()).unwrap_or_default();
    for gone in before.iter().filter(|b| !new.endpoints.iter().any(|e| e.entity == b.entity)) {
        changes.add(endpoint_removed(new, gone, Some(told)));
    }
    for endpoint in &new.endpoints {
        endpoint_changed(&new.entity, before.iter().find(|b| b.entity == endpoint.entity), endpoint, changes);
    }
}

/// Is it going or gone? One that comes back may still carry how it left before.
fn leaves(endpoint: &Endpoint) -> bool {
    matches!(endpoint.status.as_deref(), Some("disconnecting" | "disconnected"))
}

fn endpoint_changed(user: &str, old: Option<&Endpoint>, new: &Endpoint, changes: &mut Changes) {
    let (user, endpoint) = (|| user.to_owned(), || new.entity.clone());
    match old {
        None => changes.add(Change::EndpointAdded {
            user: user(),
            endpoint: endpoint(),
            session: new.session_type.clone(),
            status: new.status.clone(),
            method: new.joining_method.clone(),
        }),
        Some(old) if old.status != new.status => changes.add(Change::StatusChanged {
            user: user(),
            endpoint: endpoint(),
            session: new.session_type.clone(),
            from: old.status.clone(),
            to: new.status.clone(),
            method: new.disconnection_method.clone().filter(|_| leaves(new)),
        }),
        Some(_) => {}
    }
    let before = old.map(|e| e.media.as_slice()).unwrap_or_default();
    for gone in before.iter().filter(|b| !new.media.iter().any(|m| m.id == b.id)) {
        let (media, kind) = (gone.id.clone(), gone.kind.clone());
        changes.add(Change::MediaRemoved { user: user(), endpoint: endpoint(), media, kind });
    }
    for media in &new.media {
        let id = || media.id.clone();
        let known = before.iter().find(|b| b.id == media.id);
        match known {
            None => changes.add(Change::MediaAdded {
                user: user(),
                endpoint: endpoint(),
                media: id(),
                kind: media.kind.clone(),
                status: media.status.clone(),
            }),
            Some(old) if old.status != media.status => changes.add(Change::MediaStatusChanged {
                user: user(),
                endpoint: endpoint(),
                media: id(),
                from: old.status.clone(),
                to: media.status.clone(),
            }),
            Some(_) => {}
        }
        let kind = media.kind.clone();
        let was = known.and_then(Media::is_muted).unwrap_or(false);
        match media.is_muted().unwrap_or(false) {
            true if !was => {
                changes.add(Change::Muted { user: user(), endpoint: endpoint(), media: id(), kind })
            }
            false if was => {
                changes.add(Change::Unmuted { user: user(), endpoint: endpoint(), media: id(), kind })
            }
            _ => {}
        }
        let blocked = |m: &Media| m.egress_filter.as_deref().is_some_and(|f| f.eq_ignore_ascii_case("block"));
        if known.is_some_and(blocked) != blocked(media) {
            let blocked = blocked(media);
            changes.add(Change::EgressChanged { user: user(), endpoint: endpoint(), media: id(), blocked });
        }
    }
}
