//! Commands, their results and roster changes in words.

use callscope_parsers::conference_info::{Change, disconnection_words};

use crate::correlate::gathered::{Command, Conference, Outcome};
use crate::diagnose::conference::failure_words;
use crate::view::show;

/// What a user is called: by display name where the roster tells one, else by the address.
pub fn user_name(c: &Conference, uri: &str) -> String {
    match c.member(uri) {
        Some(_) => member_name(c, uri),
        None if uri.is_empty() => "–".to_owned(),
        None => show::party_short(b"", uri.as_bytes()),
    }
}

pub fn member_name(c: &Conference, uri: &str) -> String {
    let display = c.member(uri).and_then(|m| m.display.as_deref()).unwrap_or_default();
    show::party_short(display.as_bytes(), uri.as_bytes())
}

/// `addUser dial-out → tel:+1425…`, `addUser (join)`, `modifyUserRoles Amy → presenter`.
pub fn command_words(c: &Conference, command: &Command) -> String {
    let name = match command.name.as_str() {
        "" => "(no command)".to_owned(),
        name => show::shorten(&show::safe_str(name), 40),
    };
    let target = command.target.as_deref().filter(|t| !t.is_empty());
    let itself = target.is_some_and(|t| same(t, &command.from));
    let conference = target.is_some_and(|t| same(t, &c.focus) || t.contains("app:conf:"));
    let roles = command.roles.join(" ");
    match target {
        _ if command.name == "addUser" && itself && !command.dial_out => format!("{name} (join)"),
        Some(t) if command.dial_out => format!("{name} dial-out → {}", user_name(c, t)),
        Some(t) if command.name.ends_with("Roles") && !roles.is_empty() => {
            format!("{name} {} → {}", user_name(c, t), show::shorten(&show::safe_str(&roles), 32))
        }
        Some(t) if !conference => format!("{name} {}", user_name(c, t)),
        _ => name,
    }
}

fn same(a: &str, b: &str) -> bool {
    let plain = |t: &str| show::address_of_record(t.as_bytes()).to_ascii_lowercase();
    plain(a) == plain(b)
}

/// The sign of a result.
pub fn mark(command: &Command) -> &'static str {
    match command.outcome {
        Outcome::Success => "✓",
        Outcome::Pending | Outcome::Waiting => "…",
        _ => "✗",
    }
}

/// `✓ presenter 41 ms`, `✗ failure: userDoesNotExist`, `… pending`.
pub fn result_words(command: &Command) -> String {
    let mut words = mark(command).to_owned();
    match command.outcome {
        Outcome::Success => {
            let granted = command.granted.join(" ");
            if !granted.is_empty() {
                words.push_str(&format!(" {}", show::shorten(&show::safe_str(&granted), 32)));
            }
        }
        Outcome::Pending => words.push_str(" pending, no final answer"),
        Outcome::Waiting => words.push_str(" no answer yet"),
        _ => words.push_str(&format!(" {}", failure_words(command))),
    }
    if let Some(took) = command.took.filter(|_| command.asked) {
        words.push_str(&format!(" {}", show::duration(took)));
    }
    words
}

/// How somebody left: `booted: was removed`.
pub fn disconnection(method: &str) -> String {
    let shown = show::shorten(&show::safe_str(method), 24);
    match disconnection_words(method) {
        Some(words) => format!("{shown}: {words}"),
        None => shown,
    }
}

/// Does it tell of something that went wrong?
pub fn is_bad(change: &Change) -> bool {
    match change {
        Change::VersionGap { .. } | Change::NoFullDocument { .. } | Change::OverLimit => true,
        Change::StatusChanged { method: Some(method), .. }
        | Change::EndpointRemoved { method: Some(method), .. } => method == "failed",
        _ => false,
    }
}

/// A change in words: `Amy connected (audio-video)`.
pub fn roster_change_words(c: &Conference, change: &Change) -> String {
    let name = |user: &str| member_name(c, user);
    change_words(change, &name)
}

/// What the column of the user says of it.
pub fn short_change(change: &Change) -> String {
    let none = |_: &str| String::new();
    show::shorten(change_words(change, &none).trim(), 40)
}

fn word(text: &Option<String>) -> String {
    text.as_deref().map_or_else(|| "?".to_owned(), |t| show::shorten(&show::safe_str(t), 32))
}

/// ` (audio-video)`, of none nothing.
fn within(parts: &[&Option<String>]) -> String {
    let said: Vec<String> = parts.iter().filter_map(|p| p.as_ref().map(|_| word(p))).collect();
    if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) }
}

fn version(v: &Option<u32>) -> String {
    v.map_or_else(|| "without a version".to_owned(), |v| format!("version {v}"))
}

fn change_words(change: &Change, name: &dyn Fn(&str) -> String) -> String {
    match change {
        Change::Full { version: v } => format!("whole roster, {}", version(v)),
        Change::NoFullDocument { version: v } => {
            format!("begins with a partial document, {}: who came before is not known", version(v))
        }
        Change::VersionGap { last, version } => {
            format!("gap: version {version} follows {last}, what lies between is not known")
        }
        Change::Duplicate { version } => format!("version {version} again"),
        Change::Older { last, version } => format!("version {version} after {last}: passed over"),
        Change::NoVersion => "partial document without a version".to_owned(),
        Change::OtherConference { entity } => {
            format!("speaks of another conference, {}", show::shorten(&show::safe_str(entity), 60))
        }
        Change::ConferenceEnded => "the conference ended".to_owned(),
        Change::DescriptionChanged => "description changed".to_owned(),
        Change::UriAdded { uri, purpose } => {
            format!("address added: {}{}", show::shorten(&show::safe_str(uri), 60), within(&[purpose]))
        }
        Change::UriRemoved { uri, purpose } => {
            format!("address removed: {}{}", show::shorten(&show::safe_str(uri), 60), within(&[purpose]))
        }
        Change::Locked => "locked".to_owned(),
        Change::Unlocked => "unlocked".to_owned(),
        Change::Activated => "active".to_owned(),
        Change::Deactivated => "no longer active".to_owned(),
        Change::ViewChanged { entity } => {
            format!("state of {} changed", show::shorten(&show::safe_str(entity), 60))
        }
        Change::Joined { user, roles, .. } => {
            let role = Some(roles.join(" ")).filter(|r| !r.is_empty());
            format!("{} joined{}", name(user), within(&[&role]))
        }
        Change::Left { user } => format!("{} left", name(user)),
        Change::DisplayChanged { user, display } => format!("{} is called {}", name(user), word(display)),
        Change::RolesChanged { user, from, to } => {
            let roles = |r: &[String]| match r.is_empty() {
                true => "no role".to_owned(),
                false => show::shorten(&show::safe_str(&r.join(" ")), 32),
            };
            format!("{} {} → {}", name(user), roles(from), roles(to))
        }
        Change::EndpointAdded { user, session, status, method, .. } => {
            format!("{} {}{}", name(user), word(status), within(&[session, method]))
        }
        Change::EndpointRemoved { user, session, method, .. } => {
            format!("{} endpoint gone{}", name(user), within(&[session, method]))
        }
        Change::StatusChanged { user, session, from, to, method, .. } => {
            let from = from.as_ref().map(|f| format!("{} → ", show::safe_str(f))).unwrap_or_default();
            format!("{} {from}{}{}", name(user), word(to), within(&[session, method]))
        }
        Change::MediaAdded { user, kind, status, .. } => {
            format!("{} {} {}", name(user), word(kind), word(status))
        }
        Change::MediaRemoved { user, kind, .. } => format!("{} {} removed", name(user), word(kind)),
        Change::MediaStatusChanged { user, from, to, .. } => {
            format!("{} media {} → {}", name(user), word(from), word(to))
        }
        Change::Muted { user, kind, .. } => format!("{} muted{}", name(user), within(&[kind])),
        Change::Unmuted { user, kind, .. } => format!("{} unmuted{}", name(user), within(&[kind])),
        Change::EgressChanged { user, blocked, .. } => match blocked {
            true => format!("{} hears nothing", name(user)),
            false => format!("{} hears again", name(user)),
        },
        Change::OverLimit => "more users or changes than are kept".to_owned(),
    }
}
