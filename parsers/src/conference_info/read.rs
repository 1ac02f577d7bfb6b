//! The elements of a conference-info document.

use super::{
    ConfUri, ConferenceInfo, ConferenceState, Description, Endpoint, EntityView, MAX_LIST, MAX_USERS, Media,
    State, User, Users,
};
use crate::Issue;
use crate::fields::{attribute, bounded, child_text, fields};
use crate::xml::{Document, Element, parse_xml};

/// Issues kept of one document.
const MAX_ISSUES: usize = 64;

/// Reads a body of `application/conference-info+xml`; `None` where its root is another. Ranges are of `body`.
pub fn parse_conference_info(body: &[u8]) -> Option<ConferenceInfo> {
    let document: Document<'_> = parse_xml(body);
    let root = document.root().filter(|r| r.name() == "conference-info")?;
    let mut out = read_conference(&root);
    let mut issues = document.issues.clone();
    issues.append(&mut out.issues);
    out.issues = issues;
    Some(out)
}

/// Reads a `conference-info` element, also one inside of a command.
pub fn read_conference(root: &Element<'_>) -> ConferenceInfo {
    let mut issues = Vec::new();
    let mut out = ConferenceInfo {
        entity: attribute(root, "entity").unwrap_or_default(),
        state: state(root, &mut issues),
        ..ConferenceInfo::default()
    };
    if let Some(version) = root.attribute("version") {
        out.version = version.trim().parse().ok();
        if out.version.is_none() {
            add(&mut issues, root, "conference-version-bad", "The version is no number up to 4294967295");
        }
    }
    for child in root.children() {
        match child.name() {
            "conference-description" => out.description = Some(description(&child, &mut issues)),
            "conference-state" => out.conference_state = Some(conference_state(&child, &mut issues)),
            "users" => out.users = Some(users(&child, &mut issues)),
            "conference-view" => {
                let views = child.children().filter(|v| v.name() == "entity-view");
                out.views.extend(views.take(MAX_LIST).map(|v| view(&v, &mut issues)));
                out.views.truncate(MAX_LIST);
            }
            _ => {}
        }
    }
    out.issues = issues;
    out
}

fn add(issues: &mut Vec<Issue>, element: &Element<'_>, code: &'static str, text: &'static str) {
    if issues.len() < MAX_ISSUES {
        issues.push(Issue::new(code, element.tag_range(), text));
    }
}

fn state(element: &Element<'_>, issues: &mut Vec<Issue>) -> State {
    match element.attribute("state") {
        None | Some("full") => State::Full,
        Some("partial") => State::Partial,
        Some("deleted") => State::Deleted,
        Some(_) => {
            add(issues, element, "conference-state-bad", "The state is none of full, partial and deleted");
            State::Full
        }
    }
}

fn flag(element: &Element<'_>, name: &str) -> Option<bool> {
    match element.child_text(name)?.as_ref() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn description(element: &Element<'_>, issues: &mut Vec<Issue>) -> Description {
    const KNOWN: [&str; 8] = [
        "subject",
        "display-text",
        "conf-uris",
        "organizer",
        "conference-id",
        "expiry-time",
        "admission-policy",
        "join-url",
    ];
    let uris = element.child("conf-uris").into_iter().flat_map(|u| u.children());
    // Of Microsoft's, the organizer is an element with the address inside.
    let organizer = element.child("organizer").map(|o| {
        let own = o.text();
        let inner = o.descendants().map(|e| e.text()).find(|t| !t.is_empty());
        bounded(if own.is_empty() { inner.as_deref().unwrap_or_default() } else { &own })
    });
    Description {
        state: state(element, issues),
        subject: child_text(element, "subject"),
        display_text: child_text(element, "display-text"),
        conf_uris: uris
            .filter(|e| e.name() == "entry")
            .take(MAX_LIST)
            .map(|e| ConfUri {
                uri: child_text(&e, "uri").unwrap_or_default(),
                display_text: child_text(&e, "display-text"),
                purpose: child_text(&e, "purpose"),
            })
            .collect(),
        organizer,
        conference_id: child_text(element, "conference-id"),
        expiry_time: child_text(element, "expiry-time"),
        admission_policy: child_text(element, "admission-policy"),
        join_url: child_text(element, "join-url"),
        other: fields(element, &KNOWN),
    }
}

fn conference_state(element: &Element<'_>, issues: &mut Vec<Issue>) -> ConferenceState {
    ConferenceState {
        state: state(element, issues),
        user_count: element.child_text("user-count").and_then(|t| t.parse().ok()),
        active: flag(element, "active"),
        locked: flag(element, "locked"),
        other: fields(element, &["user-count", "active", "locked"]),
    }
}

fn users(element: &Element<'_>, issues: &mut Vec<Issue>) -> Users {
    let state = state(element, issues);
    let mut all = element.children().filter(|u| u.name() == "user");
    let mut list = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for user in all.by_ref().take(MAX_USERS) {
        let read = one_user(&user, issues);
        if !read.entity.is_empty() && !seen.insert(read.entity.to_ascii_lowercase()) {
            add(issues, &user, "conference-user-twice", "The document speaks of this user twice");
        }
        list.push(read);
    }
    if let Some(user) = all.next() {
        let text = "More users than are read of one document";
        issues.push(Issue::new("conference-many-users", user.tag_range(), text));
    }
    Users { state, list }
}

/// Reads a `user` element, also one inside of a command.
pub fn read_user(element: &Element<'_>) -> (User, Vec<Issue>) {
    let mut issues = Vec::new();
    let user = one_user(element, &mut issues);
    (user, issues)
}

pub(crate) fn entries(element: &Element<'_>) -> Vec<String> {
    let all = element.children().filter(|e| e.name() == "entry");
    all.take(MAX_LIST).map(|e| bounded(&e.text())).collect()
}

fn one_user(element: &Element<'_>, issues: &mut Vec<Issue>) -> User {
    let entity = attribute(element, "entity").unwrap_or_default();
    if entity.is_empty() {
        add(issues, element, "conference-user-unnamed", "A user without an entity");
    }
    let endpoints = element.children().filter(|e| e.name() == "endpoint");
    User {
        entity,
        state: state(element, issues),
        display_text: child_text(element, "display-text"),
        roles: element.child("roles").map(|r| entries(&r)),
        endpoints: endpoints.take(MAX_LIST).map(|e| read_endpoint(&e, issues)).collect(),
        other: fields(element, &["display-text", "roles", "endpoint"]),
        range: element.range(),
    }
}

pub(crate) fn read_endpoint(element: &Element<'_>, issues: &mut Vec<Issue>) -> Endpoint {
    const KNOWN: [&str; 7] = [
        "display-text",
        "status",
        "joining-method",
        "joining-info",
        "disconnection-method",
        "disconnection-info",
        "media",
    ];
    let info = |name: &str| element.child(name).map(|e| fields(&e, &[])).unwrap_or_default();
    let media = element.children().filter(|e| e.name() == "media");
    let uri = attribute(element, "endpoint-uri").or_else(|| child_text(element, "endpoint-uri"));
    Endpoint {
        entity: attribute(element, "entity").unwrap_or_default(),
        state: state(element, issues),
        session_type: attribute(element, "session-type"),
        endpoint_uri: uri,
        display_text: child_text(element, "display-text"),
        status: child_text(element, "status"),
        joining_method: child_text(element, "joining-method"),
        joining_info: info("joining-info"),
        disconnection_method: child_text(element, "disconnection-method"),
        disconnection_info: info("disconnection-info"),
        media: media.take(MAX_LIST).map(|m| read_media(&m, issues)).collect(),
        other: fields(element, &KNOWN),
    }
}

pub(crate) fn read_media(element: &Element<'_>, issues: &mut Vec<Issue>) -> Media {
    const KNOWN: [&str; 7] =
        ["type", "label", "src-id", "status", "media-ingress-filter", "media-egress-filter", "media-state"];
    Media {
        id: attribute(element, "id").unwrap_or_default(),
        state: state(element, issues),
        kind: child_text(element, "type"),
        label: child_text(element, "label"),
        src_id: child_text(element, "src-id"),
        status: child_text(element, "status"),
        ingress_filter: child_text(element, "media-ingress-filter"),
        egress_filter: child_text(element, "media-egress-filter"),
        media_state: child_text(element, "media-state"),
        other: fields(element, &KNOWN),
    }
}

fn view(element: &Element<'_>, issues: &mut Vec<Issue>) -> EntityView {
    EntityView {
        entity: attribute(element, "entity").unwrap_or_default(),
        state: state(element, issues),
        fields: fields(element, &[]),
    }
}
