//! What is known of a conference, a user, an endpoint or a medium after an element that tells some of it.

use super::{ConferenceState, Description, Endpoint, MAX_LIST, Media, State, User};
use crate::fields::Field;

pub(super) fn merge_fields(old: &[Field], new: &[Field]) -> Vec<Field> {
    let mut out: Vec<_> =
        old.iter().filter(|(name, _)| !new.iter().any(|(n, _)| n == name)).cloned().collect();
    out.extend(new.iter().cloned());
    out.truncate(MAX_LIST);
    out
}

pub(super) fn merge_description(old: &Description, new: &Description) -> Description {
    let or = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
    Description {
        state: State::Full,
        subject: or(&new.subject, &old.subject),
        display_text: or(&new.display_text, &old.display_text),
        conf_uris: if new.conf_uris.is_empty() { old.conf_uris.clone() } else { new.conf_uris.clone() },
        organizer: or(&new.organizer, &old.organizer),
        conference_id: or(&new.conference_id, &old.conference_id),
        expiry_time: or(&new.expiry_time, &old.expiry_time),
        admission_policy: or(&new.admission_policy, &old.admission_policy),
        join_url: or(&new.join_url, &old.join_url),
        other: merge_fields(&old.other, &new.other),
    }
}

pub(super) fn merge_conference_state(old: &ConferenceState, new: &ConferenceState) -> ConferenceState {
    ConferenceState {
        state: State::Full,
        user_count: new.user_count.or(old.user_count),
        active: new.active.or(old.active),
        locked: new.locked.or(old.locked),
        other: merge_fields(&old.other, &new.other),
    }
}

/// A user as it is after an element that tells of it; `old` only where the element is a partial one.
pub(super) fn merge_user(old: Option<&User>, new: &User) -> User {
    let mut out = match old {
        Some(old) => User {
            display_text: new.display_text.clone().or_else(|| old.display_text.clone()),
            roles: new.roles.clone().or_else(|| old.roles.clone()),
            endpoints: old.endpoints.clone(),
            other: merge_fields(&old.other, &new.other),
            ..new.clone()
        },
        None => User { endpoints: Vec::new(), ..new.clone() },
    };
    out.state = State::Full;
    for endpoint in &new.endpoints {
        let at = out.endpoints.iter().position(|e| e.entity == endpoint.entity);
        let before = at.map(|at| out.endpoints.remove(at));
        if endpoint.state == State::Deleted || out.endpoints.len() >= MAX_LIST {
            continue;
        }
        let merged = merge_endpoint(before.as_ref().filter(|_| endpoint.state == State::Partial), endpoint);
        out.endpoints.insert(at.unwrap_or(out.endpoints.len()), merged);
    }
    out
}

fn merge_endpoint(old: Option<&Endpoint>, new: &Endpoint) -> Endpoint {
    let or = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
    let fields = |new: &[Field], old: &[Field]| if new.is_empty() { old } else { new }.to_vec();
    let mut out = match old {
        Some(old) => Endpoint {
            session_type: or(&new.session_type, &old.session_type),
            endpoint_uri: or(&new.endpoint_uri, &old.endpoint_uri),
            display_text: or(&new.display_text, &old.display_text),
            status: or(&new.status, &old.status),
            joining_method: or(&new.joining_method, &old.joining_method),
            joining_info: fields(&new.joining_info, &old.joining_info),
            disconnection_method: or(&new.disconnection_method, &old.disconnection_method),
            disconnection_info: fields(&new.disconnection_info, &old.disconnection_info),
            media: old.media.clone(),
            other: merge_fields(&old.other, &new.other),
            ..new.clone()
        },
        None => Endpoint { media: Vec::new(), ..new.clone() },
    };
    out.state = State::Full;
    for media in &new.media {
        let at = out.media.iter().position(|m| m.id == media.id);
        let before = at.map(|at| out.media.remove(at));
        if media.state == State::Deleted || out.media.len() >= MAX_LIST {
            continue;
        }
        let mut merged = match before.filter(|_| media.state == State::Partial) {
            Some(old) => Media {
                kind: or(&media.kind, &old.kind),
                label: or(&media.label, &old.label),
                src_id: or(&media.src_id, &old.src_id),
                status: or(&media.status, &old.status),
                ingress_filter: or(&media.ingress_filter, &old.ingress_filter),
                egress_filter: or(&media.egress_filter, &old.egress_filter),
                media_state: or(&media.media_state, &old.media_state),
                other: merge_fields(&old.other, &media.other),
                ..media.clone()
            },
            None => media.clone(),
        };
        merged.state = State::Full;
        out.media.insert(at.unwrap_or(out.media.len()), merged);
    }
    out
}
