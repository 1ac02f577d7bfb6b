//! What conference control and rosters add to the label of an arrow: `addUser → tel:+14255032002`, `addUser ✓`,
//! `addUser ✗ userDoesNotExist`, `roster: Amy connected`.

use callscope_parsers::c3p::{C3p, Code, Command, Kind, parse_c3p, parse_conference_invite};
use callscope_parsers::conference_info::{ConferenceInfo, Endpoint, State, User, parse_conference_info};
use callscope_parsers::mime::parse_body;
use callscope_parsers::sip::Message;

use crate::correlate::{Content, SipRecord, flag};
use crate::view::show;

/// Users that a roster names in a label.
const MOST_USERS: usize = 2;

/// Whether the label wants the body. Of multiparts with SDP the SDP is told.
pub(super) fn needs_bytes(record: &SipRecord) -> bool {
    let known = matches!(
        record.content,
        Content::Cccp | Content::ConferenceInfo | Content::ConferenceInvite | Content::Multipart
    );
    known && !record.has(flag::SDP) && record.body_len() > 0
}

/// What the body says; `None` where it is none of a conference.
pub(super) fn told(record: &SipRecord, message: &Message<'_>) -> Option<String> {
    if !needs_bytes(record) {
        return None;
    }
    let kind = message.header("Content-Type").map(|h| h.value.clone()).unwrap_or_default();
    let (body, _) = parse_body(message.bytes, message.body.clone(), &kind);
    body.walk().into_iter().filter(|p| p.parts.is_empty()).find_map(|part| {
        let kind = Content::of(part.media_type.as_bytes());
        if !matches!(kind, Content::Cccp | Content::ConferenceInfo | Content::ConferenceInvite) {
            return None;
        }
        let (text, _) = part.decoded(message.bytes);
        match kind {
            Content::Cccp => parse_c3p(&text).map(|d| control(&d)),
            Content::ConferenceInfo => parse_conference_info(&text).map(|d| roster(&d)),
            _ => parse_conference_invite(&text).map(|i| {
                let to = i.focus_uri.as_deref().map(|u| show::party_short(b"", u.as_bytes()));
                to.map_or_else(|| "invitation".to_owned(), |to| format!("invitation to {to}"))
            }),
        }
    })
}

fn word(text: &str, columns: usize) -> String {
    show::shorten(&show::safe_str(text), columns)
}

fn control(document: &C3p) -> String {
    let Some(command) = document.command() else { return "C3P without a command".to_owned() };
    let name = word(&command.name, 40);
    match document.kind {
        Kind::Request => match target(document, command) {
            Some(target) => format!("{name} → {target}"),
            None => name,
        },
        _ => match &document.code {
            Some(Code::Success) => format!("{name} ✓"),
            Some(Code::Pending) => format!("{name} … pending"),
            Some(Code::Failure) => {
                format!("{name} ✗ {}", word(command.reason.as_deref().unwrap_or("failure"), 48))
            }
            Some(other) => format!("{name} {}", word(other.name(), 24)),
            None => name,
        },
    }
}

/// Whom a command is about, where that is not the conference itself.
fn target(document: &C3p, command: &Command) -> Option<String> {
    let target = command.target()?;
    let plain = |t: &str| show::address_of_record(t.as_bytes()).to_ascii_lowercase();
    if target.contains("app:conf:") {
        return None;
    }
    if plain(target) == plain(&document.from) && !command.is_dial_out() {
        return (command.name == "addUser").then(|| "itself".to_owned());
    }
    let roles: Vec<&str> = command.all_roles().collect();
    let role = match command.name.as_str() {
        "modifyUserRoles" if !roles.is_empty() => format!(" ({})", word(&roles.join(" "), 24)),
        _ => String::new(),
    };
    Some(format!("{}{role}", word(target, 48)))
}

fn roster(document: &ConferenceInfo) -> String {
    let version = document.version.map(|v| format!(" v{v}")).unwrap_or_default();
    let list = document.users.as_ref().map(|u| u.list.as_slice()).unwrap_or_default();
    match document.state {
        State::Deleted => format!("roster{version}: the conference ended"),
        State::Full => {
            let users = show::count(list.len() as u64, "user", "users");
            format!("roster{version}: all, {users}")
        }
        State::Partial if list.is_empty() => {
            let what = match () {
                () if document.conference_state.is_some() => "state of the conference",
                () if document.description.is_some() => "description",
                () if !document.views.is_empty() => "conferencing servers",
                () => "nothing",
            };
            format!("roster{version}: {what}")
        }
        State::Partial => {
            let mut said: Vec<String> = list.iter().take(MOST_USERS).map(user).collect();
            if list.len() > MOST_USERS {
                said.push(format!("{} more", list.len() - MOST_USERS));
            }
            format!("roster{version}: {}", said.join(", "))
        }
    }
}

/// `Amy connected`, of the endpoint that says most.
fn user(user: &User) -> String {
    let name = show::party_short(
        user.display_text.as_deref().unwrap_or_default().as_bytes(),
        user.entity.as_bytes(),
    );
    if user.state == State::Deleted {
        return format!("{name} left");
    }
    let by_media = |e: &&Endpoint| e.session_type.as_deref().is_some_and(|s| s != "focus");
    let endpoint = user.endpoints.iter().find(by_media).or(user.endpoints.first());
    let status = match endpoint {
        Some(e) if e.state == State::Deleted => Some("endpoint gone".to_owned()),
        Some(e) => match (e.status.as_deref(), e.disconnection_method.as_deref()) {
            (Some(status), Some(method)) => Some(format!("{} ({})", word(status, 24), word(method, 24))),
            (status, _) => status.map(|s| word(s, 24)),
        },
        None => user.roles.as_ref().map(|r| word(&r.join(" "), 24)),
    };
    match status {
        Some(status) => format!("{name} {status}"),
        None => name,
    }
}
