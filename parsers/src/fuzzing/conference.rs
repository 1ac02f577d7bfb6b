//! Bodies for conferences, presence, instant messages, and headers that tell of routing and failure.

use super::{inside, issues_inside};
use crate::{c3p, conference_info, im, presence, rlmi, sip};

pub fn c3p_document(data: &[u8]) {
    if let Some(invite) = c3p::parse_conference_invite(data) {
        issues_inside(data, &invite.issues);
    }
    let Some(document) = c3p::parse_c3p(data) else {
        return;
    };
    issues_inside(data, &document.issues);
    document.secrets.iter().for_each(|secret| inside(data, secret));
    for command in &document.commands {
        inside(data, &command.range);
        assert!(command.target().is_none_or(|target| !target.is_empty()));
        let _ = (command.mcu(), command.all_roles().count(), c3p::command_words(&command.name));
    }
    let _ = (document.conference_key(), document.correlation_key());
}

/// Documents of one subscription, a zero byte between them.
pub fn conference_documents(data: &[u8]) {
    let mut roster = conference_info::Roster::default();
    for body in data.split(|b| *b == 0) {
        let Some(document) = conference_info::parse_conference_info(body) else {
            continue;
        };
        issues_inside(body, &document.issues);
        let again = document.state == conference_info::State::Partial && document.version.is_some();
        let changes = roster.apply(&document);
        assert!(!roster.ended || roster.users.is_empty());
        if again && !changes.is_empty() {
            let users = roster.users.clone();
            let _ = roster.apply(&document);
            assert_eq!(roster.users, users, "a version counted twice");
        }
    }
}

pub fn presence_document(data: &[u8]) {
    match presence::parse_presence(data) {
        Some(presence::Presence::Pidf(pidf)) => {
            issues_inside(data, &pidf.issues);
            pidf.tuples.iter().for_each(|tuple| inside(data, &tuple.range));
        }
        Some(presence::Presence::Categories(all)) => {
            issues_inside(data, &all.issues);
            for category in &all.list {
                inside(data, &category.range);
                let _ = category.summary();
            }
        }
        Some(presence::Presence::Other { issues, .. }) => issues_inside(data, &issues),
        None => {}
    }
}

/// The first line is the Content-Type.
pub fn rlmi_body(data: &[u8]) {
    let line = memchr::memchr(b'\n', data).unwrap_or(0);
    let (content_type, rest) = data.split_at(line);
    let start = data.len() - rest.len();
    let all = rlmi::read_list(data, start..data.len(), content_type);
    issues_inside(data, &all.issues);
    inside(data, &all.list_range);
    all.parts.iter().for_each(|part| inside(data, &part.range));
}

/// The value of a header, read as each of them.
pub fn sip_routing(data: &[u8]) {
    use sip::{cause, diagnostics, routing};
    let all = || 0..data.len();
    issues_inside(data, &routing::parse_history_info(data, all()).1);
    issues_inside(data, &routing::parse_diversions(data, all()).1);
    issues_inside(data, &routing::parse_identity(data, all()).1);
    issues_inside(data, &routing::parse_words(data, all()).1);
    if let (Some(found), _) = cause::parse_diagnostics(data, all()) {
        for (_, debug) in diagnostics::media_debug(&found) {
            let _ = debug.ice_warn_bits();
        }
        let _ = (diagnostics::words(found.code), diagnostics::component(found.code));
    }
}

/// The first line is the Content-Type, and an `ms-text-format` too.
pub fn im_body(data: &[u8]) {
    let line = memchr::memchr(b'\n', data).unwrap_or(0);
    let (content_type, rest) = data.split_at(line);
    let start = data.len() - rest.len();
    let body = im::read_im(data, start..data.len(), content_type);
    issues_inside(data, &body.issues);
    for part in &body.parts {
        inside(data, &part.range);
        if let im::ImContent::Text { text, .. } = &part.content {
            assert!(text.text.len() <= im::MAX_TEXT);
        }
    }
    assert!(body.parts.len() <= im::MAX_PARTS);
    let (_, issues) = im::parse_text_format(data, 0..line);
    issues_inside(data, &issues);
}
